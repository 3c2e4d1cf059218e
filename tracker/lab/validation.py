"""Is the blink detector right on people it has not seen, and better than ten lines of code?

`leave_people_out` chooses the constants that data chose again without each person and scores that
person. `compare_methods` puts the detector beside a simple rule, at several frame rates and with
noise. `find_margins` says how close the nearest events are to each rule.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels import compute_eye_geometry
from kernels.dips import REFUSALS, RULES, ClosureRules
from tracker.lab.annotations import AnnotatedClip, Closure
from tracker.lab.scoring import ClipScore, match_closures, score_clip
from tracker.measures.lids import Events, detect_events
from tracker.measures.traces import trace_track
from tracker.parameters import Parameters
from tracker.tracks.track import Track

CHOICES: dict[str, tuple[float, ...]] = {
    "noise_multiple": (4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0, 14.0),
    "eye_share": (0.1, 0.2, 1 / 3, 0.4, 0.5),
    "longest_fall_s": (0.05, 0.1, 0.15, 0.2, 0.3),
}
"""What the constants that data chose are chosen from again; the others come from elsewhere."""
EYE_LANDMARKS = 26
"""The first columns of a track's landmarks: those of both eyes."""
PROMINENCE = 0.3
"""Least prominence of a blink by the simple rule, as a share of the person's opening."""
OPEN_PERCENTILE = 80.0
"""Percentile of the person's EAR that is its opening by the simple rule."""
RATES = (1, 2, 3)
"""Every how manyth frame is used: at 30 frames a second, 30, 15 and 10."""
NOISES = (0.003, 0.006, 0.01)
"""Standard deviation of the noise that is added to the eyes' landmarks, in canthal distances: 1, 2
and 3.5 % of the opening of an eye."""

Float64Array = NDArray[np.float64]
Recordings = Sequence[tuple[AnnotatedClip, Track]]


@dataclass(frozen=True, slots=True)
class Detected:
    """A track and what was detected in it; see `tracker.lab.scoring.Detection`."""

    track: Track
    events: Events


def leave_people_out(recordings: Recordings, parameters: Parameters) -> list[dict[str, Any]]:
    """Score each person with constants that were chosen without that person.

    Parameters
    ----------
    recordings : sequence of (AnnotatedClip, Track)
    parameters : Parameters

    Returns
    -------
    list of dict
        For each person, in order of the names: ``person``, ``rules`` (what was chosen), and
        ``hits``, ``false`` and ``missed`` blinks.

    Notes
    -----
    All combinations of `CHOICES` are tried. Chosen is the one with the best F1 on the others; of
    several, the one nearest to their geometric middle, which is farthest from the mistakes around.
    """
    combinations = [
        replace(RULES, **dict(zip(CHOICES, values, strict=True)))
        for values in itertools.product(*CHOICES.values())
    ]
    people = sorted({clip.person for clip, _ in recordings})
    counts = np.zeros((len(people), len(combinations), 3), dtype=np.int64)
    for clip, track in recordings:
        traces = trace_track(track)
        for c, rules in enumerate(combinations):
            counts[people.index(clip.person), c] += _count(
                score_clip(clip, Detected(track, detect_events(traces, parameters, rules)))
            )
    found = []
    for p, person in enumerate(people):
        chosen = choose_rules(combinations, np.delete(counts, p, axis=0).sum(axis=0))
        hits, false, missed = counts[p, combinations.index(chosen)].tolist()
        values = {name: getattr(chosen, name) for name in CHOICES}
        found.append(
            {"person": person, "rules": values, "hits": hits, "false": false, "missed": missed}
        )
    return found


def choose_rules(combinations: Sequence[ClosureRules], counts: NDArray[np.int64]) -> ClosureRules:
    """Choose the best of some rules by their hits, false and missed blinks, shape (C, 3)."""
    hits, false, missed = counts.T
    score = 2 * hits / np.maximum(2 * hits + false + missed, 1)
    best = [
        rules for rules, one in zip(combinations, score, strict=True) if one >= score.max() - 1e-12
    ]
    values = np.log([[getattr(rules, name) for name in CHOICES] for rules in best])
    middle = (values.min(axis=0) + values.max(axis=0)) / 2
    return best[int(np.argmin(((values - middle) ** 2).sum(axis=1)))]


def compare_methods(recordings: Recordings, parameters: Parameters) -> list[dict[str, Any]]:
    """Score the detector and the simple rule alike, at several frame rates and with noise.

    Parameters
    ----------
    recordings : sequence of (AnnotatedClip, Track)
    parameters : Parameters

    Returns
    -------
    list of dict
        Each with ``set``, ``condition``, and ``detector`` and ``simple``: hits, false and missed
        blinks and ``f1``.
    """
    conditions: list[tuple[str, int, float]] = [
        (f"every {step}. frame" if step > 1 else "as made", step, 0.0) for step in RATES
    ]
    conditions += [(f"noise {noise:g}", 1, noise) for noise in NOISES]
    rows = []
    for name, group in _by_set(recordings):
        for condition, step, noise in conditions:
            counts = np.zeros((2, 3), dtype=np.int64)
            for clip, track in group:
                # Each way to leave frames out is a recording of its own.
                for first in range(step):
                    thinned = add_noise(thin_track(track, step, first), noise)
                    traces = trace_track(thinned)
                    events = detect_events(traces, parameters)
                    counts[0] += _count(score_clip(clip, Detected(thinned, events)))
                    counts[1] += _count_peaks(clip, thinned, detect_simply(traces.ear))
            own, simple = ({**_named(row), "f1": _f1(row)} for row in counts)
            rows.append({"set": name, "condition": condition, "detector": own, "simple": simple})
    return rows


def find_margins(recordings: Recordings, parameters: Parameters) -> list[dict[str, Any]]:
    """Find how close the nearest events are to the rules.

    Parameters
    ----------
    recordings : sequence of (AnnotatedClip, Track)
    parameters : Parameters

    Returns
    -------
    list of dict
        For each measure of a dip: ``rule``, ``limit``, and for the annotated blinks that are found
        the value nearest to the limit (``blink``, ``blink_at``). For the depth in noise also that
        of the dips which nothing but their depth tells from a blink (``other``, ``other_at``).
    """
    found: dict[str, list[tuple[float, str]]] = {"noises": [], "eye_share": [], "fall_s": []}
    others: list[tuple[float, str]] = []
    for clip, track in recordings:
        dips = detect_events(trace_track(track), parameters).dips
        blinks = list(clip.blinks)
        for d in np.argsort(dips.least_ratio):
            frame = int(track.frame_index[dips.peak[d]])
            where = f"{clip.name}, frame {frame}"
            holding = [one for one in blinks if one.start <= frame < one.stop]
            if dips.refused[d] == 0 and holding:
                blinks.remove(holding[0])
                for name, values in found.items():
                    values.append((float(getattr(dips, name)[d]), where))
            elif dips.refused[d] == REFUSALS["noise"] and _is_elsewhere(clip, frame):
                others.append((float(dips.noises[d]), where))
    rows: list[dict[str, Any]] = []
    for name, limit, sign in (
        ("noises", RULES.noise_multiple, 1),
        ("eye_share", RULES.eye_share, 1),
        ("fall_s", RULES.longest_fall_s, -1),
    ):
        values = [one for one in found[name] if not math.isnan(one[0])]
        nearest = min(values, key=lambda one: sign * one[0], default=(math.nan, ""))
        rows.append({"rule": name, "limit": limit, "blink": nearest[0], "blink_at": nearest[1]})
    rows[0]["other"], rows[0]["other_at"] = max(others, default=(math.nan, ""))
    return rows


def _is_elsewhere(clip: AnnotatedClip, frame: int) -> bool:
    """Tell whether a frame lies in no annotated closure and within the annotated range."""
    closures = (*clip.blinks, *clip.long_closures, *clip.ambiguous)
    inside = clip.scored is None or clip.scored[0] <= frame < clip.scored[1]
    return inside and not any(one.start <= frame < one.stop for one in closures)


def detect_simply(ear: Float64Array) -> NDArray[np.int64]:
    """Detect blinks by the simple rule: prominent peaks of how far the lids are closed.

    Parameters
    ----------
    ear : ndarray, shape (N,), float64
        Mean of both eyes; NaN = no face.

    Returns
    -------
    ndarray, shape (M,), int64
        Samples: what ``scipy.signal.find_peaks(closed, prominence=0.3)`` finds in the EAR over the
        person's 80th percentile.
    """
    closed = np.nan_to_num(1 - ear / np.nanpercentile(ear, OPEN_PERCENTILE))
    peaks = []
    for n in range(1, closed.size - 1):
        last = n
        while last + 1 < closed.size and closed[last + 1] == closed[n]:
            last += 1
        rises = closed[n - 1] < closed[n]
        if not rises or last + 1 == closed.size or closed[last + 1] > closed[n]:
            continue
        bases = []
        for side in (closed[n::-1], closed[n:]):
            higher = np.flatnonzero(side > closed[n])
            bases.append(side[: higher[0] if higher.size else None].min())
        if closed[n] - max(bases) >= PROMINENCE:
            peaks.append((n + last) // 2)
    return np.array(peaks, dtype=np.int64)


def thin_track(track: Track, step: int, first: int) -> Track:
    """Return a track with every `step`-th of its frames, from `first` on."""
    if step == 1:
        return track
    kept = slice(first, None, step)
    none = np.empty(0, dtype=np.int64)
    return replace(
        track,
        frame_index=track.frame_index[kept],
        times_s=track.times_s[kept] - track.times_s[first],
        landmarks=np.ascontiguousarray(track.landmarks[kept]),
        second_pass_sample=none,
        second_pass_landmarks=track.second_pass_landmarks[:0],
        second_pass_turn=none,
        info=replace(track.info, step=track.info.step * step),
    )


def add_noise(track: Track, noise: float) -> Track:
    """Return a track whose eye landmarks have normal noise, in canthal distances."""
    if noise == 0:
        return track
    rng = np.random.default_rng(len(track.times_s))
    landmarks = track.landmarks.copy()
    canthal_px = compute_eye_geometry(landmarks).canthal_distance_px.mean(axis=1)
    shape = (len(landmarks), EYE_LANDMARKS, 2)
    landmarks[:, :EYE_LANDMARKS] += rng.normal(0, noise, shape) * canthal_px[:, None, None]
    return replace(track, landmarks=landmarks)


def describe_validation(document: dict[str, Any]) -> str:
    """Return what `document_validation` returned as tables for a person."""
    left_out = document["leave_people_out"]
    lines = ["", "constants chosen again without each person:"]
    lines += [
        f"  {name}: {row['hits']} found, {row['false']} false, {row['missed']} missed, "
        f"F1 {row['f1']:.3f}, {row['people']} people"
        for name, row in left_out["sets"].items()
    ]
    for name, counts in left_out["chosen"].items():
        chosen = ", ".join(f"{value} ({count})" for value, count in counts.items())
        lines.append(f"  {name}, now {getattr(RULES, name):.3g}: {chosen} (times)")
    lines += ["", "margins:"]
    for row in document["margins"]:
        line = f"  {row['rule']}, limit {row['limit']:.3g}: nearest blink {row['blink']:.3g}"
        line += f" ({row['blink_at']})"
        if "other" in row:
            line += f"; nearest other {row['other']:.3g} ({row['other_at']})"
        lines.append(line)
    for row in document.get("methods", []):
        lines.append(
            f"  {row['set']}, {row['condition']}: detector F1 {row['detector']['f1']:.3f} "
            f"({row['detector']['false']} false, {row['detector']['missed']} missed), simple rule "
            f"{row['simple']['f1']:.3f} ({row['simple']['false']}, {row['simple']['missed']})"
        )
    return "\n".join(lines)


def document_validation(
    recordings: Recordings, parameters: Parameters, baselines: bool
) -> dict[str, Any]:
    """Return all that this module finds out; the methods' comparison only with `baselines`."""
    people = leave_people_out(recordings, parameters)
    sets = {}
    for name, group in _by_set(recordings):
        here = {clip.person for clip, _ in group}
        rows = [row for row in people if row["person"] in here]
        counts = np.array([[row[key] for key in ("hits", "false", "missed")] for row in rows])
        total = counts.sum(axis=0)
        sets[name] = {**_named(total), "f1": _f1(total), "people": len(rows)}
    chosen: dict[str, dict[str, int]] = {}
    for name in CHOICES:
        values = [f"{row['rules'][name]:.3g}" for row in people]
        chosen[name] = {value: values.count(value) for value in sorted(set(values), key=float)}
    document: dict[str, Any] = {
        "leave_people_out": {"sets": sets, "chosen": chosen, "people": people},
        "margins": find_margins(recordings, parameters),
    }
    if baselines:
        document["methods"] = compare_methods(recordings, parameters)
    return document


def _by_set(recordings: Recordings) -> list[tuple[str, list[tuple[AnnotatedClip, Track]]]]:
    """Return the recordings by their directory, and all of them."""
    names = sorted({_set_of(clip) for clip, _ in recordings})
    groups = [(name, [one for one in recordings if _set_of(one[0]) == name]) for name in names]
    return groups if len(groups) == 1 else [*groups, ("all", list(recordings))]


def _set_of(clip: AnnotatedClip) -> str:
    return clip.name.rpartition("/")[0] or "all"


def _count(score: ClipScore) -> NDArray[np.int64]:
    blinks = score.blinks
    return np.array([len(blinks.hits), len(blinks.false), len(blinks.missed)], dtype=np.int64)


def _count_peaks(
    clip: AnnotatedClip, track: Track, samples: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count hits, false and missed of blinks that are given by their peaks alone."""
    frames = track.frame_index[samples].tolist()
    low, high = clip.scored or (0, int(track.frame_index[-1]) + track.info.step)
    detected = [Closure(one, one + 1, peak=one) for one in frames if low <= one < high]
    # The simple rule does not tell long closures from blinks.
    match = match_closures(detected, clip.blinks, (*clip.ambiguous, *clip.long_closures))
    return np.array([len(match.hits), len(match.false), len(match.missed)], dtype=np.int64)


def _named(counts: Iterable[int]) -> dict[str, int]:
    return dict(zip(("hits", "false", "missed"), map(int, counts), strict=True))


def _f1(counts: NDArray[np.int64]) -> float:
    hits, false, missed = counts.tolist()
    return 2 * hits / (2 * hits + false + missed) if hits + false + missed else math.nan
