"""Check that the blink detector works for new people, and better than a simple rule does.

The detector first finds dips of the lid opening. Rules then decide which of them are closures; the
rules' limits are the detector's constants (`kernels.dips.ClosureRules`).

Some constants of the detector were chosen on annotated recordings. `choose_without_each` chooses
them again for each person, from the other people's recordings. `compare_methods` scores the
detector with these constants, and a simple rule, on `tracker.lab.variants` of the recordings.
`leave_out_rules` shows how the score changes without each of the detector's rules. `find_margins`
shows how close blinks come to the limits of these rules.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kernels.dips import REFUSALS, RULES, ClosureRules
from tracker.lab.annotations import AnnotatedClip, Closure
from tracker.lab.scoring import match_closures, score_clip
from tracker.lab.variants import VARIANTS
from tracker.measures.lids import Events, detect_events
from tracker.measures.traces import Traces, trace_track
from tracker.parameters import Parameters
from tracker.tracks.track import Track

AS_MADE = "as made"
CHOICES: dict[str, tuple[float, ...]] = {
    "noise_multiple": (4.0, 6.0, 8.0, 10.0, 12.0, 14.0),
    "eye_share": (0.1, 0.2, 0.25, 0.3, 0.35, 0.5),
    "longest_fall_s": (0.075, 0.1, 0.15, 0.2, 0.3),
}
"""The detector's constants that are chosen on recordings, and the values that are tried for each.
The detector's other constants are not chosen on recordings."""
CHOICE_VARIANTS = (
    AS_MADE,
    "every 3rd frame",
    "noise 0.01",
    "blinks of 0.6 depth",
    "eyes less open by 0.2",
    "glare on one eye",
    "glances down of 0.4 s",
    "squints of 0.9 s",
    "deep squints of 1 s",
)
"""The variants of the recordings on which the constants are chosen.

On the recordings as they are, the detector makes so few mistakes that many combinations of
constants score alike.
"""
PROMINENCE = 0.3
"""The simple rule (`detect_simply`) calls a peak a blink if it has at least this prominence, as a
share of the person's usual lid opening."""
OPEN_PERCENTILE = 80.0
"""The simple rule takes this percentile of a recording's EAR as the person's usual lid opening."""

Float64Array = NDArray[np.float64]
Recordings = Sequence[tuple[AnnotatedClip, Track]]


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of blinks of one or more recordings, summed with ``+``.

    `found`: annotated and detected. `false`: only detected. `missed`: only annotated.
    """

    found: int = 0
    false: int = 0
    missed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.found + other.found, self.false + other.false, self.missed + other.missed
        )

    @property
    def f1(self) -> float:
        """F1 score of these numbers, 0 to 1; NaN if there is no blink at all."""
        all_ = 2 * self.found + self.false + self.missed
        return 2 * self.found / all_ if all_ else math.nan

    def to_dict(self) -> dict[str, float]:
        return {**asdict(self), "f1": self.f1}


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the detector and the simple rule do on one variant of a group of recordings.

    Attributes
    ----------
    group : str
        Which recordings: ``all``, or those in the directory or of the camera view of this name.
    variant : str
        A key of `tracker.lab.variants.VARIANTS`.
    detector : Counts
        Blinks that the detector found, invented or missed. In each person's recordings, it had the
        constants that were chosen on the other people's.
    simple : Counts
        The same numbers for the simple rule, `detect_simply`.
    """

    group: str
    variant: str
    detector: Counts
    simple: Counts


@dataclass(frozen=True, slots=True)
class Ablation:
    """How the detector, with its own constants, does when one of its rules is switched off.

    Attributes
    ----------
    rule : str
        The rule that is off, a key of `kernels.dips.REFUSALS`; empty if all rules are on.
    as_made : Counts
        Blinks in the unchanged recordings.
    variants : Counts
        Blinks in all `VARIANTS` of the recordings together, the unchanged ones among them.
    """

    rule: str
    as_made: Counts
    variants: Counts


@dataclass(frozen=True, slots=True)
class Margin:
    """How close a blink comes to the limit beyond which a rule refuses a closure.

    It may lie beyond it if the rule does not hold for it: see `kernels.dips.ClosureRules`.

    Attributes
    ----------
    rule : str
        The quantity that the rule limits: a field of `kernels.dips.Dips`.
    limit : float
        The limit of that quantity, in its unit.
    blink : float
        The quantity's value in one blink, which was annotated and detected: of all such blinks, it
        is the one nearest to the limit. NaN if there is none.
    where : str
        Recording and frame of that blink; empty if there is none.
    """

    rule: str
    limit: float
    blink: float
    where: str


@dataclass(frozen=True, slots=True)
class Validation:
    """The results of `validate`: how well the blink detector works for new people.

    Attributes
    ----------
    chosen : dict of str to ClosureRules
        By person (`AnnotatedClip.person`), the constants chosen on the other people's recordings.
    comparisons : tuple of Comparison
        From `compare_methods`.
    ablations : tuple of Ablation
        From `leave_out_rules`; empty if `validate` was called with `all_variants` false.
    margins : tuple of Margin
        From `find_margins`.
    """

    chosen: dict[str, ClosureRules]
    comparisons: tuple[Comparison, ...]
    ablations: tuple[Ablation, ...]
    margins: tuple[Margin, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the results as dicts and lists that `tracker.files.summary.to_json` can write.

        Of the chosen constants they hold those of `CHOICES`. F1 is added to all counts.
        """
        return {
            "chosen": {
                person: {name: getattr(rules, name) for name in CHOICES}
                for person, rules in self.chosen.items()
            },
            "comparisons": [
                {
                    "group": row.group,
                    "variant": row.variant,
                    "detector": row.detector.to_dict(),
                    "simple": row.simple.to_dict(),
                }
                for row in self.comparisons
            ],
            "ablations": [
                {
                    "rule": row.rule,
                    "as_made": row.as_made.to_dict(),
                    "variants": row.variants.to_dict(),
                }
                for row in self.ablations
            ],
            "margins": [asdict(margin) for margin in self.margins],
        }


@dataclass(frozen=True, slots=True)
class _Detected:
    """A track and the events that were detected in it: what `score_clip` needs."""

    track: Track
    events: Events


def validate(recordings: Recordings, parameters: Parameters, all_variants: bool) -> Validation:
    """Choose the constants of `CHOICES` for each person, and score the detector with them.

    They are chosen on the other people's recordings. Rules are switched off, and margins are found,
    with the detector's own constants instead (`kernels.dips.RULES`).

    Parameters
    ----------
    recordings : sequence of (AnnotatedClip, Track)
        Recordings of at least two people (not checked), each with its track.
    parameters : Parameters
    all_variants : bool
        True: score on all `VARIANTS`, and also without each of the detector's rules. False: score
        only on the unchanged recordings, with all rules. The choice is the same in both cases.

    Returns
    -------
    Validation
    """
    chosen = choose_without_each(recordings, parameters)
    variants = list(VARIANTS) if all_variants else [AS_MADE]
    return Validation(
        chosen,
        tuple(compare_methods(recordings, chosen, variants, parameters)),
        tuple(leave_out_rules(recordings, parameters) if all_variants else ()),
        tuple(find_margins(recordings, parameters)),
    )


def choose_without_each(
    recordings: Recordings, parameters: Parameters, variants: Sequence[str] = CHOICE_VARIANTS
) -> dict[str, ClosureRules]:
    """Choose the detector's constants for each person, on the recordings of all other people.

    Parameters
    ----------
    recordings : sequence of (AnnotatedClip, Track)
    parameters : Parameters
    variants : sequence of str, optional
        Keys of `VARIANTS`: the variants of the recordings on which F1 is computed.

    Returns
    -------
    dict of str to ClosureRules
        The constants for each person, in alphabetical order of the persons. All combinations of
        `CHOICES` are tried, and `choose_rules` chooses one by F1 on the other people.
    """
    combinations = [
        ClosureRules(**dict(zip(CHOICES, values, strict=True)))  # type: ignore[arg-type]
        for values in itertools.product(*CHOICES.values())
    ]
    people = sorted({clip.person for clip, _ in recordings})
    counts = np.zeros((len(people), len(combinations), 3), dtype=np.int64)
    for clip, track in recordings:
        for made in (one for name in variants for one in VARIANTS[name](clip, track)):
            traces = trace_track(made)
            for c, rules in enumerate(combinations):
                found = count_detected(clip, traces, parameters, rules)
                counts[people.index(clip.person), c] += (found.found, found.false, found.missed)
    total = counts.sum(axis=0)
    return {
        person: choose_rules(combinations, total - counts[p]) for p, person in enumerate(people)
    }


def choose_rules(combinations: Sequence[ClosureRules], counts: NDArray[np.int64]) -> ClosureRules:
    """Return the combination of constants with the highest F1, out of C combinations.

    `counts` (C, 3) are the found, false and missed blinks of each combination. F1 is the harmonic
    mean of precision and recall. If several have the highest F1, return the one nearest to their
    middle, which is halfway between the least and the largest logarithm of each constant: it is
    farthest from the combinations that make more mistakes.
    """
    found, false, missed = counts.T
    score = 2 * found / np.maximum(2 * found + false + missed, 1)
    best = [
        rules for rules, one in zip(combinations, score, strict=True) if one >= score.max() - 1e-12
    ]
    values = np.log([[getattr(rules, name) for name in CHOICES] for rules in best])
    middle = (values.min(axis=0) + values.max(axis=0)) / 2
    return best[int(np.argmin(((values - middle) ** 2).sum(axis=1)))]


def compare_methods(
    recordings: Recordings,
    chosen: dict[str, ClosureRules],
    variants: Iterable[str],
    parameters: Parameters,
) -> Iterator[Comparison]:
    """Score `detect_simply`, and the detector with the constants chosen on other people.

    Parameters
    ----------
    recordings : sequence of (AnnotatedClip, Track)
    chosen : dict of str to ClosureRules
        From `choose_without_each`.
    variants : iterable of str
        Keys of `VARIANTS`: the variants of the recordings on which to score.
    parameters : Parameters

    Yields
    ------
    Comparison
        For each variant: one for all recordings, then one for each directory and each camera view
        to which some of the recordings, but not all, belong.
    """
    for variant in variants:
        detector: dict[str, Counts] = {}
        simple: dict[str, Counts] = {}
        for clip, track in recordings:
            for made in VARIANTS[variant](clip, track):
                traces = trace_track(made)
                own = count_detected(clip, traces, parameters, chosen[clip.person])
                other = count_peaks(clip, made, detect_simply(traces.ear))
                for group in _groups_of(clip):
                    detector[group] = detector.get(group, Counts()) + own
                    simple[group] = simple.get(group, Counts()) + other
        for group in _shown_groups(recordings):
            yield Comparison(group, variant, detector[group], simple[group])


def leave_out_rules(recordings: Recordings, parameters: Parameters) -> Iterator[Ablation]:
    """Score the detector with all of its rules, then with each rule switched off in turn.

    It has its own constants (`kernels.dips.RULES`), and is scored on all `VARIANTS` of the
    recordings. The first `Ablation` has all rules; each other one lacks one of `REFUSALS`.
    """
    rules = {"": RULES, **{name: replace(RULES, ignored=bit) for name, bit in REFUSALS.items()}}
    counts = {(name, variant): Counts() for name in rules for variant in VARIANTS}
    for variant, make in VARIANTS.items():
        for clip, track in recordings:
            for made in make(clip, track):
                traces = trace_track(made)
                for name, one in rules.items():
                    counts[name, variant] += count_detected(clip, traces, parameters, one)
    for name in rules:
        total = sum((counts[name, variant] for variant in VARIANTS), Counts())
        yield Ablation(name, counts[name, AS_MADE], total)


def find_margins(recordings: Recordings, parameters: Parameters) -> Iterator[Margin]:
    """Find how close detected and annotated blinks of the recordings come to the rules' limits.

    The recordings are unchanged, and the detector has its own constants (`kernels.dips.RULES`).
    There is one `Margin` for each of `CHOICES`, which are limits of rules.
    """
    found: dict[str, list[tuple[float, str]]] = {"noises": [], "eye_share": [], "fall_s": []}
    for clip, track in recordings:
        dips = detect_events(trace_track(track), parameters).dips
        blinks = list(clip.blinks)
        for d in np.argsort(dips.least_ratio):
            frame = int(track.frame_index[dips.peak[d]])
            holding = [one for one in blinks if one.start <= frame < one.stop]
            if dips.refused[d] == 0 and holding:
                blinks.remove(holding[0])
                for name, values in found.items():
                    values.append((float(getattr(dips, name)[d]), f"{clip.name}, frame {frame}"))
    for name, limit, sign in (
        ("noises", RULES.noise_multiple, 1),
        ("eye_share", RULES.eye_share, 1),
        ("fall_s", RULES.longest_fall_s, -1),
    ):
        known = [one for one in found[name] if not math.isnan(one[0])]
        value, where = min(known, key=lambda one: sign * one[0], default=(math.nan, ""))
        yield Margin(name, limit, value, where)


def detect_simply(ear: Float64Array) -> NDArray[np.int64]:
    """Detect blinks by the simple rule: prominent peaks of how far the lids are closed.

    Parameters
    ----------
    ear : ndarray, shape (N,), float64
        How far the lids are open (eye aspect ratio), mean of both eyes; NaN = no face, which counts
        as open.

    Returns
    -------
    ndarray, shape (M,), int64
        Index of each peak in `ear`. They are the peaks that ``scipy.signal.find_peaks(closed,
        prominence=0.3)`` finds, with ``closed = 1 - ear / (80th percentile of ear)``.
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


def count_detected(
    clip: AnnotatedClip, traces: Traces, parameters: Parameters, rules: ClosureRules
) -> Counts:
    """Count the found, false and missed blinks of the detector with these rules, in one track.

    `traces` are those of the track (`trace_track`), and `clip` is the annotation of its recording.
    `score_clip` tells what counts, and raises AnnotationError if the two do not fit.
    """
    events = detect_events(traces, parameters, rules)
    blinks = score_clip(clip, _Detected(traces.track, events)).blinks
    return Counts(len(blinks.hits), len(blinks.false), len(blinks.missed))


def count_peaks(clip: AnnotatedClip, track: Track, samples: NDArray[np.int64]) -> Counts:
    """Count the found, false and missed blinks of a method that only finds the peaks of blinks.

    `samples` (M,) are the peaks, as indices of the track's frames, in order. `clip` is the
    annotation of the recording. A peak in an annotated long closure that is in no annotated blink
    is not called false, because such a method cannot tell the two apart; nor is one in an ambiguous
    closure or outside the annotated range. As in `score_clip`, annotated blinks outside that range
    or after the end of the track do not count.
    """
    frames = track.frame_index[samples].tolist()
    end = int(track.frame_index[-1]) + track.info.step
    low, high = clip.scored or (0, end)
    high = min(high, end)
    detected = [Closure(one, one + 1, peak=one) for one in frames if low <= one < high]
    blinks = [one for one in clip.blinks if one.overlap(low, high) > 0]
    # The simple rule does not tell long closures from blinks.
    match = match_closures(detected, blinks, (*clip.ambiguous, *clip.long_closures))
    return Counts(len(match.hits), len(match.false), len(match.missed))


def describe_validation(validation: Validation) -> str:
    """Return the results of `validate` as tables of text, to be printed."""
    lines = ["", "Constants that were chosen again without each person, and how many times:"]
    for name in CHOICES:
        values = [getattr(rules, name) for rules in validation.chosen.values()]
        times = ", ".join(f"{value:g}: {values.count(value)}" for value in sorted(set(values)))
        lines.append(f"  {name} (now {getattr(RULES, name):g}): {times}")
    lines += [
        "",
        "Scores with those constants, beside a simple rule (peaks of prominence 0.3):",
        f"  {'variant':24}{'group':10}{'F1':>6}{'false':>7}{'missed':>7}"
        f"{'simple F1':>11}{'false':>7}{'missed':>7}",
    ]
    lines += [
        f"  {row.variant:24}{row.group:10}{row.detector.f1:6.3f}{row.detector.false:7d}"
        f"{row.detector.missed:7d}{row.simple.f1:11.3f}{row.simple.false:7d}{row.simple.missed:7d}"
        for row in validation.comparisons
    ]
    if validation.ablations:
        lines += [
            "",
            "Without one of the rules, as recorded and on all variants:",
            f"  {'rule':12}{'F1':>6}{'false':>7}{'missed':>7}{'F1':>9}{'false':>7}{'missed':>7}",
        ]
        lines += [
            f"  {row.rule or '(all rules)':12}{row.as_made.f1:6.3f}{row.as_made.false:7d}"
            f"{row.as_made.missed:7d}{row.variants.f1:9.3f}{row.variants.false:7d}"
            f"{row.variants.missed:7d}"
            for row in validation.ablations
        ]
    lines += ["", "The blinks that are nearest to a limit:"]
    lines += [
        f"  {margin.rule}: {margin.blink:.3g}, limit {margin.limit:g} ({margin.where})"
        for margin in validation.margins
    ]
    return "\n".join(lines)


def _groups_of(clip: AnnotatedClip) -> list[str]:
    directory = clip.name.rpartition("/")[0]
    return ["all", *([directory] if directory else []), *([clip.view] if clip.view else [])]


def _shown_groups(recordings: Recordings) -> list[str]:
    """Return the names of the groups to score: ``all``, and the directories and camera views.

    A directory or view to which all recordings belong is left out, because it equals ``all``.
    """
    groups = [_groups_of(clip) for clip, _ in recordings]
    names = sorted({name for some in groups for name in some[1:]})
    return ["all", *(name for name in names if not all(name in some for some in groups))]
