"""Simulated recordings of one person whose truth is known: how often is a change called one?

``python -m tests.simulated_visits [PAIRS]`` prints the share of pairs of recordings in which
something is called changed, and the share of intervals that hold the truth. Minutes of one
processor for 500 pairs.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np

from kernels.gaze import FRAMING_STD
from tests.made_tracks import blink, make_landmarks, make_track
from tracker.face.follow import SECOND_PASS_INTERVAL_FRAMES, TURNS_DEG, choose_second_passes
from tracker.files.summary import summarize
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters
from tracker.study.compare import compare
from tracker.study.compare_input import Labelled

FPS = 30
FIXATION_STD, JITTER_STD = 0.012, 0.002
"""Of where the eyes look within a phase, and of the landmarks; in eye widths."""
EAR_OPEN, BLINK_FRAMES = 0.3, 5


def simulate(
    rng: np.random.Generator,
    duration_s: float,
    amplitude: float,
    blinks_per_min: float,
    fixation_s: float = 0.3,
    interval_cv: float = 1.0,
) -> dict[str, Any]:
    """Return the summary of a recording: up for half of it, then down, blinks all along.

    Fixations last for exponentially distributed times. Blinks come after gamma-distributed
    intervals of that coefficient of variation: at 1 they are Poisson's, above 1 they come in
    bursts. How far FaceMesh follows the gaze varies by `kernels.gaze.FRAMING_STD`, the
    uncertainty that remains with second passes, as here.
    """
    count = round(duration_s * FPS)
    target, n = np.empty(count), 0
    while n < count:
        centre = -amplitude if n < count / 2 else amplitude
        length = 1 + round(rng.exponential(fixation_s) * FPS)
        target[n : n + length] = centre + rng.normal(0, FIXATION_STD)
        n += length
    gaze = rng.normal(1, FRAMING_STD) * target + rng.normal(0, JITTER_STD, count)
    ear = np.full(count, EAR_OPEN)
    shape = 1 / interval_cv**2
    mean_s = 60 / blinks_per_min
    # Long before the recording begins, so that it begins at any time between two blinks.
    time_s = -10 * mean_s
    while (time_s := time_s + rng.gamma(shape, mean_s / shape)) < duration_s:
        if time_s >= 0:
            blink(ear, round(time_s * FPS), BLINK_FRAMES)
    passes = choose_second_passes(np.ones(count, np.bool_))
    second_pass = gaze[passes] + rng.normal(0, JITTER_STD, passes.size)
    track = replace(
        make_track(make_landmarks(ear, gaze), FPS),
        second_pass_sample=passes,
        second_pass_landmarks=make_landmarks(ear[passes], second_pass),
        second_pass_turn=passes // SECOND_PASS_INTERVAL_FRAMES % len(TURNS_DEG),
    )
    analysis = analyze_track(track, Parameters())
    return summarize(analysis, assess(analysis), f"{rng.integers(10**9)}.mp4")


def count_changes(
    rng: np.random.Generator,
    pairs: int,
    repeats: int = 1,
    later: dict[str, float] | None = None,
    **recording: float,
) -> dict[str, float]:
    """Return the share of comparisons in which each measure is called changed.

    Each is of `repeats` recordings with `repeats` others, which differ from the first in `later`.
    """
    called: dict[str, list[bool]] = {}
    for _ in range(pairs):
        made = [
            Labelled(label, simulate(rng, **(recording | changes)))  # type: ignore[arg-type]
            for label, changes in (("before", {}), ("after", later or {}))
            for _ in range(repeats)
        ]
        for measure in compare(made).to_dict()["measures"]:
            (change,) = measure["changes"]
            if change["changed"] is not None:
                called.setdefault(measure["name"], []).append(change["changed"])
    return {name: float(np.mean(values)) for name, values in called.items()}


def measure_coverage(
    rng: np.random.Generator, recordings: int, **recording: float
) -> tuple[float, float]:
    """Return the shares of recordings whose intervals hold the true range and blink rate.

    The true range is what endless recordings have, before they are framed: half of the time is
    spent about either position, so that the 95th percentile is the 90th of the time spent below.
    """
    ninetieth = NormalDist(0, math.hypot(FIXATION_STD, JITTER_STD)).inv_cdf(0.9)
    true = (2 * recording["amplitude"] + 2 * ninetieth, recording["blinks_per_min"])
    hits = np.zeros(2)
    for _ in range(recordings):
        summary = simulate(rng, **recording)  # type: ignore[arg-type]
        for index, name in enumerate(("vertical_peak_to_peak", "blink_rate_per_min")):
            low, high = getattr(summary, f"{name}_ci95")
            hits[index] += low <= true[index] <= high
    of_range, of_rate = (hits / recordings).tolist()
    return of_range, of_rate


def main(arguments: Sequence[str]) -> None:
    """Print the rates."""
    pairs = int(arguments[0]) if arguments else 500
    rng = np.random.default_rng(20_231_115)
    usual = {"duration_s": 24.0, "amplitude": 0.05, "blinks_per_min": 15.0}
    print(f"of {pairs} comparisons each: share called changed")
    for name, repeats, settings, later in (
        ("nothing changed", 1, {}, None),
        (
            "nothing changed, few blinks, small range",
            1,
            {"amplitude": 0.02, "blinks_per_min": 5.0},
            None,
        ),
        ("nothing changed, 60 s", 1, {"duration_s": 60.0}, None),
        ("nothing changed, fixations of 0.8 s", 1, {"fixation_s": 0.8}, None),
        ("the same, small range", 1, {"fixation_s": 0.8, "amplitude": 0.02}, None),
        ("nothing changed, regular blinks (cv 0.5)", 1, {"interval_cv": 0.5}, None),
        ("nothing changed, bursts of blinks (cv 1.5)", 1, {"interval_cv": 1.5}, None),
        ("the same, 3 recordings each", 3, {"interval_cv": 1.5}, None),
        ("nothing changed, 2 recordings each", 2, {}, None),
        ("range and blink rate doubled", 1, {}, {"amplitude": 0.1, "blinks_per_min": 30.0}),
        ("the same, 60 s", 1, {"duration_s": 60.0}, {"amplitude": 0.1, "blinks_per_min": 30.0}),
    ):
        shares = count_changes(rng, pairs, repeats, later, **(usual | settings))
        reported = ", ".join(f"{measure} {share:.3f}" for measure, share in shares.items())
        print(f"  {name}: {reported}", flush=True)
    print("share of the 95 % intervals that hold the truth, of range and blink rate")
    for duration_s in (12.0, 24.0, 60.0):
        for fixation_s in (0.3, 0.5, 0.8):
            settings = usual | {"duration_s": duration_s, "fixation_s": fixation_s}
            of_range, of_rate = measure_coverage(rng, pairs, **settings)
            reported = f"{duration_s:.0f} s, fixations of {fixation_s} s"
            print(f"  {reported}: {of_range:.3f}, {of_rate:.3f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
