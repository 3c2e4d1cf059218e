"""Fixations: square-wave jerks that are drawn, and the area of a gaze whose spread is known."""

import math
import os
from typing import Any

import numpy as np
import pytest

from tests.made_tracks import blink, make_landmarks, make_track
from tracker.lab.clip_spec import ClipSpec
from tracker.lab.eye_movements import LandmarkNoise, Target, add_jerks, make_steps, simulate_track
from tracker.measures.analysis import Analysis, Measures, analyze_track
from tracker.measures.fixation import find_jerks, measure_fixation
from tracker.parameters import Parameters
from tracker.protocol import Phase

FIXATE = (Phase("fixate", 0.0, 10.0),)
RECORDINGS = int(os.environ.get("FIXATION_RECORDINGS", "12"))
"""Recordings of each cell of the simulation; ``make fixation`` simulates more."""
# Of jitter from frame to frame and of slow noise: as recordings have it on average, mostly the one,
# and little of both.
NOISES = (LandmarkNoise(), LandmarkNoise(0.002, 0.001), LandmarkNoise(0.0006, 0.0015))


def measure(
    horizontal: np.ndarray, fps: float, protocol: tuple[Phase, ...] = FIXATE, **parts: Any
) -> Measures:
    ear = parts.get("ear", np.full(horizontal.size, 0.3))
    vertical = parts.get("vertical", np.zeros(horizontal.size))
    track = make_track(make_landmarks(ear, vertical, horizontal), fps)
    return analyze_track(track, Parameters(protocol=protocol)).measures


def simulate(
    rng: np.random.Generator,
    fps: float,
    noise: LandmarkNoise,
    jerks: list[tuple[float, float, float]],
    seconds: float = 10.0,
) -> Analysis:
    """Fixate for 10 s with jerks: (begin in s, amplitude in degrees, time between the steps)."""
    targets: tuple[Target, ...] = (Target(0.0),)
    for begin_s, amplitude_deg, held_s in jerks:
        targets = add_jerks(targets, [begin_s], amplitude_deg, held_s)
    spec = ClipSpec(
        duration_s=seconds,
        fps=fps,
        gaze=make_steps(targets),
        exposure_s=min(1 / fps, 0.016),
        drift=0.0005,
        seed=int(rng.integers(2**31)),
    )
    track = simulate_track(spec, rng, noise)
    return analyze_track(track, Parameters(protocol=(Phase("fixate", 0.0, seconds),)))


def draw_jerks(rng: np.random.Generator, low_deg: float) -> list[tuple[float, float, float]]:
    drawn = []
    begin_s = 0.6
    while True:
        begin_s += float(rng.uniform(0.8, 2.5))
        held_s = float(rng.uniform(0.15, 0.45))
        if begin_s + held_s > 9.4:
            return drawn
        size_deg = float(rng.uniform(low_deg, max(4.8, 1.2 * low_deg)))
        drawn.append((begin_s, float(rng.choice([-1, 1])) * size_deg, held_s))
        begin_s += held_s


def count_hits(
    analysis: Analysis, drawn: list[tuple[float, float, float]]
) -> tuple[int, int, float]:
    """Return how many of the drawn jerks were found, how many were found, and what is visible."""
    traces, gaze = analysis.traces, analysis.gaze
    times_s = analysis.track.times_s
    found = find_jerks(gaze.horizontal, gaze.valid, times_s, traces.interval_s, traces.iris_ratio)
    assert len(found.amplitude_deg) == analysis.measures.square_wave_jerk_count
    left = list(drawn)
    for (start, stop), amplitude_deg in zip(found.interval, found.amplitude_deg, strict=True):
        for one in left:
            begin_s, drawn_deg, held_s = one
            apart_s = abs(times_s[start] - begin_s), abs(times_s[stop] - begin_s - held_s)
            if max(apart_s) < 0.1 and drawn_deg * amplitude_deg > 0:
                left.remove(one)
                break
    return len(drawn) - len(left), len(found.amplitude_deg), found.visible_deg


@pytest.mark.slow
@pytest.mark.parametrize("fps", [30.0, pytest.param(60.0, marks=pytest.mark.long), 120.0])
def test_visible_jerks_are_found(fps: float) -> None:
    """Of the amplitude that a recording calls visible and more. Others are called invisible."""
    rng = np.random.default_rng(round(fps))
    hits = drawn_count = found_count = refused = 0
    for noise in NOISES:
        quiet = simulate(rng, fps, noise, [], 20.0).measures
        # The landmarks show 0.8 of a horizontal movement, of which 0.84 are expected.
        visible_deg = 0.84 / 0.8 * quiet.square_wave_jerk_visible_deg_est
        assert visible_deg >= 3 * quiet.fixation_noise_floor_deg_est
        for _ in range(RECORDINGS):
            drawn = draw_jerks(rng, visible_deg)
            analysis = simulate(rng, fps, noise, drawn)
            if analysis.measures.square_wave_jerk_rate_per_min_reason is not None:
                refused += 1
                continue
            found = count_hits(analysis, drawn)
            hits, found_count = hits + found[0], found_count + found[1]
            drawn_count += len(drawn)
    f1 = 2 * hits / (drawn_count + found_count)
    print(f"{fps:.0f} Hz: F1 {f1:.3f}, {hits} hits of {drawn_count} jerks, {found_count} found")
    assert f1 >= 0.95
    # With jerks in it, a noisy recording may call itself too noisy.
    assert refused <= 0.1 * len(NOISES) * RECORDINGS


@pytest.mark.parametrize("fps", [30.0, 60.0, 120.0])
def test_smaller_jerks_are_called_invisible(fps: float) -> None:
    """Of half the visible amplitude: the recording says that it cannot show them."""
    rng = np.random.default_rng(3 * round(fps))
    visible_deg = simulate(rng, fps, NOISES[0], [], 20.0).measures.square_wave_jerk_visible_deg_est
    drawn = [(begin_s, visible_deg / 2, 0.3) for begin_s in (1.0, 3.0, 5.0, 7.0)]
    _, _, told_deg = count_hits(simulate(rng, fps, NOISES[0], drawn), drawn)
    assert told_deg > 1.5 * drawn[0][1]


@pytest.mark.parametrize("fps", [30.0, 60.0, 120.0])
def test_an_amplitude_is_that_of_the_drawn_jerks(fps: float) -> None:
    rng = np.random.default_rng(5)
    jerks = [(begin_s, 4.0, 0.3) for begin_s in (1.0, 3.0, 5.0, 7.0)]
    measures = simulate(rng, fps, LandmarkNoise(0.0006, 0.0015), jerks).measures
    assert measures.square_wave_jerk_count == 4
    # The landmarks show 0.8 of the movement, of which 0.84 are expected.
    assert measures.square_wave_jerk_amplitude_deg_est == pytest.approx(4 * 0.8 / 0.84, rel=0.1)
    assert measures.square_wave_jerk_rate_per_min == pytest.approx(4 / (9.4 / 60), rel=0.02)
    low, high = measures.square_wave_jerk_rate_per_min_ci95
    # Garwood's interval of 4 events: 1.09 to 10.24.
    assert (low, high) == pytest.approx((1.09 / (9.4 / 60), 10.24 / (9.4 / 60)), rel=0.02)
    assert measures.square_wave_jerk_rate_per_min_reason is None
    assert measures.fixation_phases == "fixate"


def test_jerks_outside_of_the_fixation_do_not_count() -> None:
    rng = np.random.default_rng(6)
    jerks = [(begin_s, 4.0, 0.3) for begin_s in (2.0, 12.0, 14.0)]
    targets: tuple[Target, ...] = (Target(0.0),)
    for begin_s, amplitude_deg, held_s in jerks:
        targets = add_jerks(targets, [begin_s], amplitude_deg, held_s)
    spec = ClipSpec(duration_s=20.0, fps=60.0, gaze=make_steps(targets))
    track = simulate_track(spec, rng, LandmarkNoise(0.0006, 0.0015))
    protocol = (Phase("fixate", 0, 10), Phase("rest", 10, 20))
    assert analyze_track(track, Parameters(protocol=protocol)).measures.square_wave_jerk_count == 1


def test_noise_reads_as_few_jerks_and_small_ones() -> None:
    """No jerk is drawn in 20 minutes. What is found is below what the recording calls visible."""
    rng = np.random.default_rng(8)
    sizes, minutes = [], 0.0
    for n in range(20):
        analysis = simulate(rng, 30.0, NOISES[n % 3], [], 60.0)
        gaze, traces = analysis.gaze, analysis.traces
        found = find_jerks(
            gaze.horizontal, gaze.valid, traces.track.times_s, traces.interval_s, traces.iris_ratio
        )
        sizes += (np.abs(found.amplitude_deg) / found.visible_deg).tolist()
        minutes += found.searched_s / 60
    assert minutes > 19
    assert len(sizes) <= 1.0 * minutes
    assert max(sizes, default=0.0) < 1.0


def still(rng: np.random.Generator, fps: float, std: float, seconds: float = 10.0) -> np.ndarray:
    return rng.normal(0, std, round(seconds * fps))


@pytest.mark.parametrize(
    ("reason", "fps", "std", "protocol", "closed"),
    [
        (None, 30, 0.001, FIXATE, False),
        ("no_fixation", 30, 0.001, (), False),
        ("no_fixation", 30, 0.001, (Phase("rest", 0, 10),), False),
        ("rate_too_low", 20, 0.001, FIXATE, False),
        ("too_short", 30, 0.001, (Phase("fixate", 0, 4),), False),
        ("not_seen", 30, 0.001, FIXATE, True),
        ("too_noisy", 30, 0.03, FIXATE, False),
    ],
)
def test_where_jerks_are_not_measured_the_reason_is_told(
    reason: str | None,
    fps: float,
    std: float,
    protocol: tuple[Phase, ...],
    closed: bool,
    rng: np.random.Generator,
) -> None:
    horizontal = still(rng, fps, std)
    ear = np.full(horizontal.size, 0.3)
    if closed:
        for start in range(0, horizontal.size, round(0.6 * fps)):
            blink(ear, start, 3)
    measures = measure(horizontal, fps, protocol, ear=ear)
    assert measures.square_wave_jerk_rate_per_min_reason == reason
    assert math.isnan(measures.square_wave_jerk_rate_per_min) == (reason is not None)
    assert (measures.square_wave_jerk_count is None) == (reason is not None)
    assert np.isnan(measures.square_wave_jerk_rate_per_min_ci95).all() == (reason is not None)


# The area of the gaze


def area(
    x: np.ndarray, y: np.ndarray, fps: float = 30.0, protocol: tuple[Phase, ...] = FIXATE
) -> tuple[float, tuple[float, float], str | None]:
    times_s = np.arange(x.size) / fps
    measures = measure_fixation(y, x, np.ones(x.size, bool), times_s, 1 / fps, 0.39, protocol)
    return measures.fixation_bcea, measures.fixation_bcea_ci95, measures.fixation_bcea_reason


def test_the_area_is_that_of_the_ellipse(rng: np.random.Generator) -> None:
    """2 pi k sx sy sqrt(1 - r^2), with k = -ln(1 - 0.682) = 1.1457, worked out by hand."""
    x = rng.normal(0, 0.01, 300_000)
    y = 0.6 * x + 0.8 * rng.normal(0, 0.01, 300_000)
    protocol = (Phase("fixate", 0, 10_000),)
    # sx = sy = 0.01 and r = 0.6: 2 pi 1.1457 1e-4 0.8.
    found, interval, reason = area(x, y, protocol=protocol)
    assert found == pytest.approx(5.759e-4, rel=0.01)
    assert interval[0] < found < interval[1]
    assert reason is None
    # Each fixation has its own centre.
    x[150_000:] += 0.1
    halves = (Phase("fixate", 0, 5000), Phase("fixate", 5000, 10_000))
    assert area(x, y, protocol=halves)[0] == pytest.approx(5.759e-4, rel=0.01)


def test_the_interval_of_the_area_holds_the_true_one() -> None:
    """Of 300 recordings of 10 s, with noise that is correlated over 0.2 s."""
    rng = np.random.default_rng(11)
    truth = -2 * math.pi * math.log(1 - 0.682) * 0.01**2
    held = 0
    for _ in range(300):
        x, y = rng.normal(0, 0.01, (2, 300))
        kept = math.exp(-5 / 30)
        for n in range(1, 300):
            for axis in (x, y):
                axis[n] = kept * axis[n - 1] + math.sqrt(1 - kept**2) * axis[n]
        _, (low, high), _ = area(x, y)
        held += low <= truth <= high
    # The mean of 10 s is taken out, so the area is a little too small.
    assert held >= 0.88 * 300


@pytest.mark.parametrize(
    ("seconds", "protocol", "reason"),
    [
        (4.0, FIXATE, "too_short"),
        (0.0, FIXATE, "too_short"),
        (10.0, (), "no_fixation"),
        (5.0, FIXATE, None),
    ],
)
def test_an_area_that_is_not_measured_has_its_reason(
    seconds: float, protocol: tuple[Phase, ...], reason: str | None, rng: np.random.Generator
) -> None:
    x, y = rng.normal(0, 0.01, (2, round(30 * seconds)))
    found, interval, told = area(x, y, protocol=protocol)
    assert told == reason
    assert math.isnan(found) == math.isnan(interval[0]) == (reason is not None)


def test_eyes_that_do_not_move_at_all_have_no_area() -> None:
    found, interval, reason = area(np.zeros(300), np.zeros(300))
    assert (found, reason) == (0.0, None)
    assert np.isnan(interval).all()
