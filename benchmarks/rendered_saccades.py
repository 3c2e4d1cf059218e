"""``python -m benchmarks.rendered_saccades``: clips of people who look up and down.

They are drawn, encoded and tracked like any video. They tell whether the noise of the simulated
tracks of `benchmarks.saccades` is like that of pictures. The command renders those that this noise
was measured on; `benchmarks.saccades` renders those that judge it. Frame rate, face, noise,
compression and the person change from clip to clip.
"""

import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.saccades import (
    RATES_HZ,
    SEED,
    Recording,
    Result,
    compare,
    draw_normal,
    draw_recording,
    draw_slow,
    measure,
)
from tracker.face.follow import FaceFinder
from tracker.lab.faces import FACES
from tracker.lab.synthetic import write_clip
from tracker.measures.saccades import TIME_ERROR
from tracker.tracks.track import Track, track_video

Float64Array = NDArray[np.float64]

JUDGED, BUILT_WITH = 15, (9, 13, 14)
"""Seeds of the clips that judge the noise model, and of those that it was measured on."""
BUILT_COUNT = 20
"""Clips of each seed that the noise was measured on."""
SIDE_PX = (400, 640)
NOISE_STD, CRF = (2.0, 5.0), (18, 29)
EYES = 0.42
"""Height of the eyes in the picture, see `tracker.lab.eye_movements.Shown`."""
STILL = 1e-4
"""Eyes that move less from frame to frame rest."""
MOST_FREE = 10
"""Fewest resting frames that tell how much of the movement the landmarks show."""
NOT_FOLLOWED = ("officer", "astronaut_with_spectacles")
"""Faces whose landmarks show less than a tenth of the vertical movement."""
WIDTH_IN_STDS = 2 * 1.96
PERMUTATIONS = 2000
SHARED_ERRORS = np.arange(0.0, 0.6, 0.005)
"""Standard deviations that are tried for the error that all steps of a clip share."""
LEAST_LIKELY = 1.92
"""A 95 % interval ends where the log likelihood is this much below its largest value."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip to render.

    Attributes
    ----------
    kind : {"normal", "slow"}
        Whether the person's saccades are slow.
    face : str
        Key of `tracker.lab.faces.FACES`.
    recording : Recording
    """

    kind: str
    face: str
    recording: Recording


def draw_clips(count: int, seed: int) -> Iterator[Clip]:
    """Yield `count` random clips: each frame rate with each face, both kinds of people, in turn."""
    for index in range(count):
        rng = np.random.default_rng((SEED, seed, index))
        kind, draw = (("normal", draw_normal), ("slow", draw_slow))[index % 2]
        face = tuple(FACES)[index % len(FACES)]
        side_px = 2 * int(rng.integers(SIDE_PX[0] // 2, SIDE_PX[1] // 2))
        recording = draw_recording(
            draw(rng),
            RATES_HZ[index % len(RATES_HZ)],
            rng,
            face=face,
            width=side_px,
            height=side_px,
            noise_std=float(rng.uniform(*NOISE_STD)),
            crf=int(rng.integers(*CRF)),
            sway_px=float(rng.uniform(0.0, 3.0)),
        )
        yield Clip(kind, face, recording)


def track_clip(clip: Clip, finder: FaceFinder) -> Track:
    """Draw and encode a clip, and track it."""
    spec = clip.recording.spec
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_clip(path, spec)
        return track_video(path, finder, 1, spec.frame_count)


def measure_clip(clip: Clip, track: Track) -> Result:
    """Measure a clip's track, and compare it with what was drawn.

    The share of the movement that the landmarks show is that of the frames in which the eyes rest,
    by least squares against the drawn gaze.
    """
    spec = clip.recording.spec
    vertical, _ = (
        gaze.mean(axis=-1) for gaze in spec.gaze_at(spec.exposed_at(track.times_s, EYES))
    )
    found = measure(track)
    gaze = found.gaze
    resting = gaze.valid & (np.abs(np.gradient(vertical)) < STILL)
    if np.count_nonzero(resting) < MOST_FREE:
        return compare(found, clip.recording, 0.0)
    slope, _ = np.polyfit(vertical[resting], gaze.vertical[resting], 1)
    return compare(found, clip.recording, float(slope))


def standardize(results: Iterable[Result]) -> Float64Array:
    """Return the errors of the times in standard deviations, as their intervals tell them.

    They are errors of the time's logarithm, one for each result that has a time.
    """
    errors = [
        np.log(one.time_ms / one.drawn_time_ms) / (np.log(one.time_width) / WIDTH_IN_STDS)
        for one in results
        if not math.isnan(one.time_ms)
    ]
    return np.array(errors)


def estimate_shared_error(results: Iterable[Result]) -> tuple[float, float, float]:
    """Return the relative error of the time that all steps of a clip share, and its 95 % interval.

    It is a standard deviation over the clips. What the intervals allow for besides that error
    (`tracker.measures.saccades.TIME_ERROR`) explains a part of the errors. The rest is estimated by
    maximum likelihood, with a mean of 0.
    """
    found = [one for one in results if not math.isnan(one.time_ms)]
    errors = np.array([math.log(one.time_ms / one.drawn_time_ms) for one in found])
    stds = np.array([math.log(one.time_width) / WIDTH_IN_STDS for one in found])
    own = np.maximum(stds**2 - TIME_ERROR**2, 1e-6)
    variances = own + SHARED_ERRORS[:, None] ** 2
    likely = -(np.log(variances) + errors**2 / variances).sum(axis=1) / 2
    inside = SHARED_ERRORS[likely >= likely.max() - LEAST_LIKELY]
    return float(SHARED_ERRORS[np.argmax(likely)]), float(inside[0]), float(inside[-1])


def compute_distance(first: Float64Array, second: Float64Array) -> float:
    """Return the largest difference of two distributions, 0-1 (Kolmogorov and Smirnov)."""
    values = np.concatenate((first, second))
    shares = (
        np.searchsorted(np.sort(one), values, side="right") / one.size for one in (first, second)
    )
    return float(np.abs(np.subtract(*shares)).max())


def compute_chance(first: Float64Array, second: Float64Array, rng: np.random.Generator) -> float:
    """Return how probable it is that two samples of one distribution are this far apart.

    It is found by permutation, with the distance of `compute_distance`.
    """
    both, far = np.concatenate((first, second)), compute_distance(first, second)
    apart = [
        compute_distance(mixed[: first.size], mixed[first.size :])
        for mixed in (rng.permutation(both) for _ in range(PERMUTATIONS))
    ]
    return float(np.mean(np.array(apart) >= far - 1e-12))


def compute_binomial_chance(hits: int, count: int, share: float = 0.95) -> float:
    """Return how probable so few hits or fewer of `count` are, if each has the chance `share`."""
    return sum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(hits + 1))


def judge(count: int, simulated: dict[str, dict[float, list[Result]]]) -> str:
    """Render clips; return a Markdown table of them and what they say about the noise model.

    `simulated` holds the results of simulated recordings, by kind of people and frame rate, to
    compare with.
    """
    if not count:
        return "No clip was rendered."
    from tracker.face.mesh import FaceMesh

    finder, clips = FaceMesh(), list(draw_clips(count, JUDGED))
    return describe(
        [(clip, measure_clip(clip, track_clip(clip, finder))) for clip in clips], simulated
    )


def describe(
    judged: Sequence[tuple[Clip, Result]], simulated: dict[str, dict[float, list[Result]]]
) -> str:
    """Return a Markdown table of the clips, and sentences on how the simulated recordings agree.

    `simulated` is that of `judge`.
    """
    lines = [
        "| eyes | face | a second | drawn (ms) | measured (ms) | interval, upper / lower | "
        "holds the time | the amplitude | latency: error up, down (ms) |",
        "|---" * 9 + "|",
    ]
    for clip, one in judged:
        told = [clip.kind, clip.face, f"{clip.recording.spec.fps:.0f}", f"{one.drawn_time_ms:.0f}"]
        if math.isnan(one.time_ms):
            told += ["-"] * 4
        else:
            told += [f"{one.time_ms:.0f}", f"{one.time_width:.2f}"]
            told += ["yes" if held else "no" for held in (one.time_inside, one.amplitude_inside)]
        late = ("-" if math.isnan(error) else f"{error:+.0f}" for error in one.latency_errors_ms)
        told.append(", ".join(late))
        lines.append(f"| {' | '.join(told)} |")
    followed = [(clip, one) for clip, one in judged if clip.face not in NOT_FOLLOWED]
    answered = [one for _, one in followed if not math.isnan(one.time_ms)]
    wrong = sum(not math.isnan(one.time_ms) for _, one in judged) - len(answered)
    lines += [
        "",
        f"The landmarks follow the gaze of {len(followed)} of the {len(judged)} clips, those "
        f"without spectacles. {len(answered)} of them have a value. Of the others, {wrong} have "
        "one, which would mean nothing. What follows is about faces whose gaze they follow.",
    ]
    if not answered:
        return "\n".join(lines)
    for name in ("time", "amplitude"):
        hits = int(sum(getattr(one, f"{name}_inside") for one in answered))
        chance = compute_binomial_chance(hits, len(answered))
        lines.append(
            f"The interval of the {name} holds what was drawn in {hits} of {len(answered)}: "
            f"if 95 % do, so few or fewer happen in {chance:.0%}."
        )
    best, low, high = estimate_shared_error(answered)
    lines.append(
        f"Their steps share an error of the time of {best:.2f} ({low:.2f} to {high:.2f}); the "
        f"intervals allow for {TIME_ERROR:.2f}."
    )
    for kind in ("normal", "slow"):
        late_ms = np.array([one.latency_errors_ms for clip, one in followed if clip.kind == kind])
        if np.isfinite(late_ms).any():
            error_ms = np.nanmedian(np.abs(late_ms))
            lines.append(f"Median error of the latencies of {kind} eyes: {error_ms:.0f} ms.")
    errors = standardize(answered)
    alike = standardize(
        one for by_rate in simulated.values() for found in by_rate.values() for one in found
    )
    chance = compute_chance(errors, alike, np.random.default_rng((SEED, 10)))
    lines.append(
        f"Errors of the time, in standard deviations as the intervals tell them: "
        f"{errors.mean():+.2f} ± {errors.std():.2f} rendered, {alike.mean():+.2f} ± "
        f"{alike.std():.2f} simulated. Two samples of one distribution differ as much in "
        f"{chance:.0%} (Kolmogorov and Smirnov, by permutation)."
    )
    return "\n".join(lines)


def main() -> None:
    """Render the clips that the noise was measured on; print the error that their steps share."""
    from tracker.face.mesh import FaceMesh

    finder = FaceMesh()
    results = [
        measure_clip(clip, track_clip(clip, finder))
        for seed in BUILT_WITH
        for clip in draw_clips(BUILT_COUNT, seed)
        if clip.face not in NOT_FOLLOWED
    ]
    best, low, high = estimate_shared_error(results)
    print(
        f"{len(results)} clips share an error of the time of {best:.2f} ({low:.2f} to {high:.2f})"
    )


if __name__ == "__main__":
    main()
