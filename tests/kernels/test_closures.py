"""Closures: baseline, detection and measures, against the reference and against known blinks."""

import math
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import ArrayLike, NDArray

from kernels import (
    BLINK,
    PROLONGED_CLOSURE,
    Closures,
    closures,
    compute_eye_amplitude,
    compute_open_baseline,
    compute_typical_opening,
    detect_closures,
    detect_winks,
    mark_closures_in_winks,
)
from tests import naive

Float64Array = NDArray[np.float64]

# As in production, with `blink_min_frames` at its default of 2.
CLOSE_RATIO = 0.75
OPEN_RATIO = 0.875
SHORTEST_S = (2 - 0.5) / 30

OPEN_EAR = 0.3
REPOSITORY = Path(__file__).parents[2]

# Both interpolate between the same two float64 samples.
RTOL = 1e-11
ATOL = 1e-11


def at_fps(fps: float, duration_s: float) -> Float64Array:
    return np.arange(round(duration_s * fps)) / fps


def irregular_times_s(
    rng: np.random.Generator, count: int, fps: float = 30.0, gaps: float = 0.0
) -> Float64Array:
    """Steps of 0.3 to 1.7 frame intervals; a share `gaps` of them a time gap of 0.6 to 2 s."""
    steps_s = rng.uniform(0.3, 1.7, count) / fps
    gap = rng.random(count) < gaps
    steps_s[gap] = rng.uniform(0.6, 2.0, gap.sum())
    return np.cumsum(steps_s)


def random_ear(
    rng: np.random.Generator, times_s: Float64Array, missing: float = 0.0
) -> Float64Array:
    """A noisy open eye with blinks of any depth and length, lowered lids, and lost faces."""
    ear = OPEN_EAR + rng.normal(0, 0.01, times_s.size)
    end_s = times_s[-1] if times_s.size else 0.0
    for _ in range(round(end_s)):
        center_s, width_s = rng.uniform(0, end_s), rng.choice([0.03, 0.1, 0.3])
        depth = rng.uniform(0.1, 1.0)
        ear *= 1 - depth * np.exp(-(((times_s - center_s) / width_s) ** 2))
    ear[times_s > 0.7 * end_s] *= 0.6
    ear[rng.random(times_s.size) < missing] = np.nan
    return ear


def random_ratio(
    rng: np.random.Generator, times_s: Float64Array, missing: float = 0.0
) -> Float64Array:
    """A random walk around the thresholds: closures of all shapes, touching both edges."""
    steps = rng.normal(0, 0.25, times_s.size)
    ratio = 0.8 + 0.5 * np.sin(np.cumsum(steps)) + rng.normal(0, 0.02, times_s.size)
    ratio[rng.random(times_s.size) < missing] = np.nan
    return ratio


def blinking_ear(times_s: Float64Array, onsets_s: ArrayLike, depth: float = 0.9) -> Float64Array:
    """Blinks that close in 80 ms, stay shut for 60 ms and open in 160 ms, all linearly."""
    ear = np.full(times_s.size, OPEN_EAR)
    for onset_s in np.atleast_1d(onsets_s):
        corners_s = onset_s + np.array([0.0, 0.08, 0.14, 0.3])
        ear -= OPEN_EAR * depth * np.interp(times_s, corners_s, [0, 1, 1, 0], left=0, right=0)
    return ear


def detect(ratio: ArrayLike, times_s: ArrayLike) -> Closures:
    return detect_closures(ratio, times_s, CLOSE_RATIO, SHORTEST_S)


def detect_in_ear(ear: Float64Array, times_s: Float64Array) -> Closures:
    return detect(ear / compute_open_baseline(ear, times_s), times_s)


def assert_closures(detected: Closures, expected: naive.Detected) -> None:
    assert_array_equal(detected.interval, np.array(expected.interval).reshape(-1, 2))
    for name in ("peak", "kind", "onset_seen", "offset_seen"):
        assert_array_equal(getattr(detected, name), getattr(expected, name), name)
    assert_array_equal(detected.least_ratio, expected.least_ratio)
    assert_allclose(detected.closed_s, expected.closed_s, rtol=RTOL, atol=ATOL)


# The baseline against the reference.


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 100])
@pytest.mark.parametrize("missing", [0.0, 0.4, 1.0])
def test_typical_opening_is_the_reference(
    rng: np.random.Generator, count: int, missing: float
) -> None:
    ear = rng.uniform(0, 0.5, count)
    ear[rng.random(count) < missing] = np.nan
    assert_allclose(compute_typical_opening(ear), naive.typical_opening(ear.tolist()), rtol=1e-12)


@pytest.mark.parametrize("count", [0, 1, 2, 120])
@pytest.mark.parametrize("window_s", [0.01, 0.5, 3.0])
@pytest.mark.parametrize("quantile", [0.0, 0.37, 0.6, 1.0])
@pytest.mark.parametrize("missing", [0.0, 0.5, 1.0])
def test_window_quantiles_are_the_reference(
    rng: np.random.Generator, count: int, window_s: float, quantile: float, missing: float
) -> None:
    times_s = irregular_times_s(rng, count, gaps=0.02)
    # Ties among the values: they have to leave the window one at a time.
    values = np.round(rng.uniform(0, 1, count), 1)
    values[rng.random(count) < missing] = np.nan
    before, after, scratch = np.empty((3, count))
    closures._window_quantiles(values, times_s, window_s, quantile, scratch, before, after)
    expected = naive.forward_quantile(values.tolist(), times_s.tolist(), window_s, quantile)
    assert_allclose(after, expected, rtol=RTOL, atol=ATOL)
    # The window before is the window after of the recording that runs backwards.
    backwards = values[::-1].tolist(), (-times_s[::-1]).tolist()
    expected = naive.forward_quantile(*backwards, window_s, quantile)[::-1]
    assert_allclose(before, expected, rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("fps", [25.0, 30.0, 29.97, 120.0])
@pytest.mark.parametrize("start_s", [0.0, 1000.3])
def test_windows_that_end_on_a_sample_to_the_last_bit(
    rng: np.random.Generator, fps: float, start_s: float
) -> None:
    """At a regular rate the window's end falls on a sample, and rounding decides on it."""
    times_s = start_s + at_fps(fps, 6)
    values = rng.uniform(0, 1, times_s.size)
    before, after, scratch = np.empty((3, times_s.size))
    closures._window_quantiles(values, times_s, 2.0, 0.6, scratch, before, after)
    for n, now_s in enumerate(times_s):
        for found, inside in (
            (after[n], (times_s >= now_s) & (times_s < now_s + 2.0)),
            (before[n], (times_s <= now_s) & (times_s > now_s - 2.0)),
        ):
            if np.ptp(times_s[inside]) < 1:
                assert math.isnan(found)
            else:
                assert found == pytest.approx(naive.quantile(values[inside].tolist(), 0.6))


@pytest.mark.parametrize("count", [0, 1, 2, 250])
@pytest.mark.parametrize("fps", [7.0, 30.0])
@pytest.mark.parametrize("gaps", [0.0, 0.03])
@pytest.mark.parametrize("missing", [0.0, 0.3, 0.6, 1.0])
def test_baseline_is_the_reference(
    rng: np.random.Generator, count: int, fps: float, gaps: float, missing: float
) -> None:
    times_s = irregular_times_s(rng, count, fps, gaps)
    ear = random_ear(rng, times_s, missing)
    expected = naive.open_baseline(ear.tolist(), times_s.tolist())
    assert_allclose(compute_open_baseline(ear, times_s), expected, rtol=RTOL, atol=ATOL)


# Hand-worked baselines.


def test_hand_worked_typical_opening() -> None:
    # Sorted: 0.1 0.2 0.3 0.4 0.5; place 0.75 * 4 = 3.
    assert compute_typical_opening([0.5, np.nan, 0.1, 0.4, 0.2, 0.3]) == 0.4
    # Sorted: 0.1 0.2; place 0.75: 0.1 + 0.75 * 0.1.
    assert_allclose(compute_typical_opening([0.2, 0.1]), 0.175, rtol=1e-12)
    assert math.isnan(compute_typical_opening([]))
    assert math.isnan(compute_typical_opening([np.nan, np.nan]))


def test_hand_worked_baseline() -> None:
    # One sample in 0.7 s: the window of 2 s holds three, the frame itself and two neighbours.
    # Quantile 0.6 of three sorted values a b c is at place 1.2: b + 0.2 * (c - b).
    times_s = np.arange(5) * 0.7
    ear = [0.30, 0.20, 0.40, 0.35, 0.25]
    # Typical: sorted .20 .25 .30 .35 .40, place 3: 0.35; nothing is below half of it.
    # After:  (.30 .20 .40): .32; (.20 .40 .35): .36; (.40 .35 .25): .36; the next window,
    #         (.35 .25), spans 0.7 s, less than half of 2 s: none; none.
    # Before: none; none; (.30 .20 .40): .32; (.20 .40 .35): .36; (.40 .35 .25): .36.
    assert_allclose(compute_open_baseline(ear, times_s), [0.32, 0.36, 0.32, 0.36, 0.36], rtol=1e-12)


def test_a_recording_of_under_half_a_window_takes_the_typical_opening() -> None:
    times_s = at_fps(30, 0.9)
    ear = np.linspace(0.3, 0.4, times_s.size)
    assert_allclose(compute_open_baseline(ear, times_s), 0.375, rtol=1e-12)


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_baseline_of_a_constant_is_the_constant(fps: float) -> None:
    times_s = at_fps(fps, 8)
    assert_array_equal(compute_open_baseline(np.full(times_s.size, 0.31), times_s), 0.31)


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_blinks_leave_the_baseline_alone(fps: float) -> None:
    times_s = at_fps(fps, 20)
    ear = blinking_ear(times_s, np.arange(1, 19, 1.5))
    assert_allclose(compute_open_baseline(ear, times_s), OPEN_EAR, rtol=1e-12)


def test_baseline_scales_with_the_person(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 300)
    ear = random_ear(rng, times_s)
    assert_allclose(
        compute_open_baseline(0.5 * ear, times_s),
        0.5 * compute_open_baseline(ear, times_s),
        rtol=1e-12,
    )


def test_baseline_is_the_same_backwards_in_time(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 300)
    ear = random_ear(rng, times_s)
    backwards = compute_open_baseline(ear[::-1], -times_s[::-1])
    assert_array_equal(backwards[::-1], compute_open_baseline(ear, times_s))


def test_baseline_is_missing_only_where_everything_is(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 300)
    ear = random_ear(rng, times_s)
    ear[20:260] = np.nan
    assert np.isfinite(compute_open_baseline(ear, times_s)).all()
    assert np.isnan(compute_open_baseline(np.full(300, np.nan), times_s)).all()


# Closures against the reference.


@pytest.mark.parametrize("count", [0, 1, 2, 3, 200])
@pytest.mark.parametrize("fps", [15.0, 30.0, 120.0])
@pytest.mark.parametrize("close_ratio", [0.3, 0.75, 0.95])
@pytest.mark.parametrize("shortest_s", [0.0, SHORTEST_S, 0.31])
@pytest.mark.parametrize(("missing", "gaps"), [(0.0, 0.0), (0.15, 0.0), (0.05, 0.05), (1.0, 0.0)])
def test_detection_is_the_reference(
    rng: np.random.Generator,
    count: int,
    fps: float,
    close_ratio: float,
    shortest_s: float,
    missing: float,
    gaps: float,
) -> None:
    times_s = irregular_times_s(rng, count, fps, gaps)
    ratio = random_ratio(rng, times_s, missing)
    assert_closures(
        detect_closures(ratio, times_s, close_ratio, shortest_s),
        naive.detect_closures(ratio.tolist(), times_s.tolist(), close_ratio, shortest_s),
    )


@pytest.mark.parametrize("seed", range(5))
def test_detection_over_the_baseline_is_the_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times_s = irregular_times_s(rng, 400, gaps=0.005)
    ear = random_ear(rng, times_s, missing=0.05)
    detected = detect_in_ear(ear, times_s)
    baseline = naive.open_baseline(ear.tolist(), times_s.tolist())
    ratio = [value / base for value, base in zip(ear.tolist(), baseline, strict=True)]
    expected = naive.detect_closures(ratio, times_s.tolist(), CLOSE_RATIO, SHORTEST_S)
    assert len(expected.peak) > 3
    assert_array_equal(detected.interval, expected.interval)
    assert_array_equal(detected.kind, expected.kind)
    assert_allclose(detected.closed_s, expected.closed_s, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("closed_depth", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("max_gap_s", [0.04, 0.5])
def test_measures_are_the_reference(
    rng: np.random.Generator, closed_depth: float, max_gap_s: float
) -> None:
    times_s = irregular_times_s(rng, 300)
    ratio = random_ratio(rng, times_s, missing=0.05)
    series = ratio.tolist(), times_s.tolist()
    expected_intervals = naive.find_closures(*series, CLOSE_RATIO, OPEN_RATIO, max_gap_s)
    found = np.empty((ratio.size, 2), np.int64)
    levels = (CLOSE_RATIO, OPEN_RATIO, max_gap_s)
    count = closures._find_closures(ratio, times_s, *levels, found)
    assert count > 10
    assert_array_equal(found[:count], expected_intervals)

    peak = np.empty(count, np.int64)
    measured, seen = np.empty((3, count)), np.empty((2, count), np.bool_)
    closures._measure_closures(
        *(ratio, times_s, found[:count]),
        *(np.array([CLOSE_RATIO, OPEN_RATIO, closed_depth]), max_gap_s),
        *(peak, measured, seen),
    )
    (least_ratio, below_s, closed_s), (onset_seen, offset_seen) = measured, seen
    for m, interval in enumerate(expected_intervals):
        expected = naive.measure_closure(
            *series, interval, CLOSE_RATIO, OPEN_RATIO, closed_depth, max_gap_s
        )
        assert peak[m] == expected.peak
        assert least_ratio[m] == expected.least_ratio
        assert_allclose(below_s[m], expected.below_s, rtol=RTOL, atol=ATOL)
        assert_allclose(closed_s[m], expected.closed_s, rtol=RTOL, atol=ATOL)
        assert onset_seen[m] == expected.onset_seen
        assert offset_seen[m] == expected.offset_seen


@pytest.mark.parametrize("outside", [-1, 0, 2, 3])
def test_crossing_is_the_reference(outside: int) -> None:
    for neighbour in (1.0, np.nan):
        ratio, times_s = np.array([neighbour, 0.2, neighbour]), np.array([0.0, 0.1, 0.5])
        arguments = (outside, 1, 0.4, 0.3)
        computed = closures._crossing_s(ratio, times_s, *arguments)
        expected = naive.crossing_s(ratio.tolist(), times_s.tolist(), *arguments)
        assert_allclose(computed, expected, rtol=RTOL)


# Hand-worked closures.


def test_hand_worked_closure() -> None:
    times_s = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    ratio = [1.0, 1.0, 0.2, 0.2, 0.8, 1.0]
    detected = detect(ratio, times_s)
    # Below 0.875 from sample 2 to 4; below 0.75 at 2 and 3.
    assert_array_equal(detected.interval, [[2, 5]])
    assert_array_equal(detected.peak, [2])
    assert_array_equal(detected.kind, [BLINK])
    assert_array_equal(detected.least_ratio, [0.2])
    # 90 % of the amplitude 0.8 is reached at ratio 1 - 0.72 = 0.28. Closing from 1.0 to 0.2 in
    # 0.1 s it is 0.09 s past sample 1; opening from 0.2 to 0.8, 0.08 / 0.6 * 0.1 s past sample 3.
    assert_allclose(detected.closed_s, [(0.3 + 0.1 * 0.08 / 0.6) - 0.19], rtol=1e-12)
    assert_array_equal(detected.onset_seen, [True])
    assert_array_equal(detected.offset_seen, [True])


def test_hysteresis_needs_both_thresholds() -> None:
    times_s = at_fps(30, 1)
    # Lids that hang between the thresholds for long are no closure.
    hanging = np.ones(30)
    hanging[5:25] = 0.76
    assert detect(hanging, times_s).peak.size == 0
    # Dips that do not reach the opening threshold in between are one closure, not two.
    trembling = np.ones(30)
    trembling[8:16] = [0.4, 0.4, 0.8, 0.87, 0.87, 0.8, 0.5, 0.5]
    assert_array_equal(detect(trembling, times_s).interval, [[8, 16]])
    # At the opening threshold the eye is open: two closures.
    trembling[11] = OPEN_RATIO
    assert_array_equal(detect(trembling, times_s).interval, [[8, 11], [12, 16]])


def test_the_closing_threshold_is_open() -> None:
    times_s = at_fps(30, 1)
    at_threshold = np.ones(30)
    at_threshold[10:15] = CLOSE_RATIO
    assert detect_closures(at_threshold, times_s, CLOSE_RATIO, 0).peak.size == 0
    at_threshold[10:15] = np.nextafter(CLOSE_RATIO, 0)
    assert detect_closures(at_threshold, times_s, CLOSE_RATIO, 0).peak.size == 1


@pytest.mark.parametrize(
    ("shut_s", "kind"), [(0.2, BLINK), (0.44, BLINK), (0.56, PROLONGED_CLOSURE)]
)
@pytest.mark.parametrize("fps", [30, 60, 120])
def test_half_a_second_shut_is_the_limit_of_a_blink(shut_s: float, kind: int, fps: float) -> None:
    times_s = at_fps(fps, 10)
    ratio = np.where((times_s >= 4) & (times_s < 4 + shut_s), 0.1, 1.0)
    detected = detect(ratio, times_s)
    assert_array_equal(detected.kind, [kind])
    # Between the last open and the first open sample.
    assert_allclose(detected.closed_s, [shut_s], rtol=0, atol=1 / fps)


@pytest.mark.parametrize(
    ("lowered_s", "kind"), [(0.6, BLINK), (0.9, BLINK), (1.1, PROLONGED_CLOSURE)]
)
@pytest.mark.parametrize("fps", [30, 60, 120])
def test_lids_below_the_threshold_for_a_second_are_no_blink(
    lowered_s: float, kind: int, fps: float
) -> None:
    # Shut for only 0.2 s of it: by the time at 90 % of the amplitude it would be a blink.
    times_s = at_fps(fps, 10)
    ratio = np.where((times_s >= 4) & (times_s < 4 + lowered_s), 0.7, 1.0)
    ratio[(times_s >= 4.3) & (times_s < 4.5)] = 0.1
    detected = detect(ratio, times_s)
    assert_array_equal(detected.kind, [kind])
    assert_allclose(detected.closed_s, [0.2], rtol=0, atol=1.5 / fps)


# Synthetic traces with known blinks.


@pytest.mark.parametrize("fps", [15.0, 24.0, 30.0, 60.0, 120.0, "irregular"])
@pytest.mark.parametrize("depth", [0.6, 0.9])
def test_known_blinks_are_found(rng: np.random.Generator, fps: float | str, depth: float) -> None:
    times_s = irregular_times_s(rng, 900) if isinstance(fps, str) else at_fps(fps, 30)
    # Out of step with the frames, 12 of them.
    onsets_s = 1.0 + 2.117 * np.arange(12)
    detected = detect_in_ear(blinking_ear(times_s, onsets_s, depth), times_s)
    assert_array_equal(detected.kind, [BLINK] * 12)
    assert detected.onset_seen.all()
    assert detected.offset_seen.all()
    # The ratio passes 0.875 at 0.125 / depth of the way down (80 ms) and of the way up (160 ms).
    passed = 0.125 / depth
    onsets_of_interval_s = times_s[detected.interval[:, 0]]
    offsets_of_interval_s = times_s[detected.interval[:, 1]]
    step_s = np.diff(times_s).max()
    late_s = onsets_of_interval_s - (onsets_s + 0.08 * passed)
    assert ((late_s >= -1e-9) & (late_s <= step_s)).all()
    late_s = offsets_of_interval_s - (onsets_s + 0.3 - 0.16 * passed)
    assert ((late_s >= -1e-9) & (late_s <= step_s)).all()
    # The eye is shut from 80 to 140 ms after the onset.
    after_onset_s = times_s[detected.peak] - onsets_s
    assert ((after_onset_s > 0.08 - step_s) & (after_onset_s < 0.14 + step_s)).all()


@pytest.mark.parametrize("fps", [240.0, 1000.0])
def test_closed_time_is_that_of_the_waveform(fps: float) -> None:
    times_s = at_fps(fps, 3)
    detected = detect_in_ear(blinking_ear(times_s, [1.0, 2.5]), times_s)
    # 90 % closed 72 ms after the onset, 90 % still closed 16 ms after the opening begins at 140 ms.
    assert_allclose(detected.closed_s, 0.156 - 0.072, rtol=0, atol=0.3 / fps)
    assert_allclose(detected.least_ratio, 0.1, rtol=1e-9)


def test_later_times_change_nothing(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 300)
    ratio = random_ratio(rng, times_s, missing=0.05)
    now, later = detect(ratio, times_s), detect(ratio, times_s + 3600)
    assert now.peak.size > 5
    for field in fields(Closures):
        one, other = getattr(now, field.name), getattr(later, field.name)
        # float64 resolves 5e-13 s at one hour.
        assert_allclose(one, other, rtol=0, atol=1e-11, err_msg=field.name)


def test_backwards_in_time_mirrors_the_closures(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 300)
    ratio = random_ratio(rng, times_s, missing=0.05)
    forwards = detect_closures(ratio, times_s, CLOSE_RATIO, 0)
    backwards = detect_closures(ratio[::-1], -times_s[::-1], CLOSE_RATIO, 0)
    assert forwards.peak.size > 5
    assert_array_equal(forwards.interval, 300 - backwards.interval[::-1, ::-1])
    assert_array_equal(forwards.least_ratio, backwards.least_ratio[::-1])
    assert_array_equal(forwards.onset_seen, backwards.offset_seen[::-1])
    assert_allclose(forwards.closed_s, backwards.closed_s[::-1], rtol=0, atol=1e-12)


# What a clinician relies on.


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_lids_lowered_with_the_gaze_are_open(fps: float) -> None:
    times_s = at_fps(fps, 25)
    ear = np.where((times_s >= 10) & (times_s < 15), 0.55 * OPEN_EAR, OPEN_EAR)
    assert detect_in_ear(ear, times_s).peak.size == 0


@pytest.mark.parametrize("fps", [15, 30, 60])
@pytest.mark.parametrize("onset_s", [10.9, 12.5, 14.2])
def test_a_blink_with_the_lids_lowered_is_found(fps: float, onset_s: float) -> None:
    times_s = at_fps(fps, 25)
    ear = blinking_ear(times_s, onset_s)
    ear[(times_s >= 10) & (times_s < 15)] *= 0.55
    detected = detect_in_ear(ear, times_s)
    assert_array_equal(detected.kind, [BLINK])
    assert 0 < times_s[detected.peak[0]] - onset_s < 0.3


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_blinks_on_either_side_of_lowered_lids_are_found(fps: float) -> None:
    times_s = at_fps(fps, 25)
    ear = blinking_ear(times_s, [9.2, 15.4])
    ear[(times_s >= 10) & (times_s < 15)] *= 0.55
    assert_array_equal(detect_in_ear(ear, times_s).kind, [BLINK, BLINK])


@pytest.mark.parametrize("fps", [15, 30, 60])
@pytest.mark.parametrize("shut_s", [0.8, 2.3, 9.0])
def test_eyes_shut_for_long_are_one_prolonged_closure(fps: float, shut_s: float) -> None:
    times_s = at_fps(fps, 40)
    ear = np.where((times_s >= 10) & (times_s < 10 + shut_s), 0.04, OPEN_EAR)
    detected = detect_in_ear(ear, times_s)
    assert_array_equal(detected.kind, [PROLONGED_CLOSURE])
    assert_allclose(detected.closed_s, [shut_s], rtol=0, atol=1 / fps)
    assert_allclose(times_s[detected.interval[0]], [10, 10 + shut_s], rtol=0, atol=1 / fps)


@pytest.mark.parametrize(
    ("fps", "frames", "ratio", "found"),
    [
        # Two frames of 30 fps less half a frame: 50 ms.
        (30, 2, 0.6, True),
        (30, 1, 0.6, False),
        # Deeper than half is real however short; at half it is not deeper.
        (30, 1, 0.49, True),
        (30, 1, 0.5, False),
        # The same number of frames at another rate is another duration: 33, 67 and 67 ms.
        (60, 2, 0.6, False),
        (60, 4, 0.6, True),
        (15, 1, 0.6, True),
        (120, 5, 0.6, False),
        (120, 7, 0.6, True),
        (240, 1, 0.49, True),
    ],
)
@pytest.mark.parametrize("start", [40, 41, 77])
def test_shallow_dips_are_judged_in_seconds(
    fps: float, frames: int, ratio: float, found: bool, start: int
) -> None:
    times_s = at_fps(fps, 8)
    trace = np.ones(times_s.size)
    trace[start : start + frames] = ratio
    assert_array_equal(detect(trace, times_s).kind, [BLINK] if found else [])


@pytest.mark.parametrize(("fps", "frames"), [(60, 3), (20, 1), (100, 5), (120, 6)])
def test_a_dip_as_long_as_the_limit_is_judged_alike_everywhere(fps: float, frames: int) -> None:
    # The limit is 50 ms, a whole number of frames at these rates: rounding of the times
    # must not decide which of the same dips counts.
    times_s = at_fps(fps, 5)
    counts = set()
    for start in range(10, times_s.size - 10):
        trace = np.ones(times_s.size)
        trace[start : start + frames] = 0.6
        counts.add(detect(trace, times_s).peak.size)
    assert len(counts) == 1


# Gaps and edges.


@pytest.mark.parametrize("missing_frames", [1, 2, 20])
def test_a_lost_face_never_joins_two_closures(missing_frames: int) -> None:
    times_s = at_fps(30, 4)
    ratio = np.ones(120)
    ratio[50 : 56 + missing_frames] = 0.2
    ratio[53 : 53 + missing_frames] = np.nan
    detected = detect(ratio, times_s)
    again = 53 + missing_frames
    assert_array_equal(detected.interval, [[50, 53], [again, again + 3]])
    assert_array_equal(detected.onset_seen, [True, False])
    assert_array_equal(detected.offset_seen, [False, True])
    # Nothing is interpolated into the gap: closed from 8/9 of the way between samples 49 and 50,
    # where 1.0 falls to 0.28 on its way to 0.2, to the last sample with a face.
    assert_allclose(detected.closed_s, [(2 + 0.1) / 30] * 2, rtol=1e-9)


@pytest.mark.parametrize(
    ("gap_s", "joined"), [(0.4, True), (0.49, True), (0.51, False), (5, False)]
)
def test_a_time_gap_of_over_half_a_second_ends_a_closure(gap_s: float, joined: bool) -> None:
    times_s = at_fps(30, 4)
    times_s[60:] += gap_s - 1 / 30
    ratio = np.ones(120)
    ratio[57:63] = 0.2
    detected = detect(ratio, times_s)
    assert_array_equal(detected.interval, [[57, 63]] if joined else [[57, 60], [60, 63]])
    assert_array_equal(detected.onset_seen, [True] if joined else [True, False])
    assert_array_equal(detected.offset_seen, [True] if joined else [False, True])
    if not joined:
        assert_allclose(detected.closed_s, [(2 + 0.1) / 30] * 2, rtol=1e-9)


def test_a_time_gap_beside_a_closure_is_not_its_duration() -> None:
    # Shut at the last sample before the gap, open at the first one after it.
    times_s = at_fps(30, 4)
    times_s[60:] += 3
    ratio = np.ones(120)
    ratio[57:60] = 0.2
    detected = detect(ratio, times_s)
    assert_array_equal(detected.interval, [[57, 60]])
    assert_array_equal(detected.kind, [BLINK])
    assert_array_equal(detected.offset_seen, [False])
    assert_allclose(detected.closed_s, [(2 + 0.1) / 30], rtol=1e-9)


@pytest.mark.parametrize("frames", [2, 8, 30])
def test_a_closure_at_either_edge_is_found_and_marked(frames: int) -> None:
    times_s = at_fps(30, 4)
    ratio = np.ones(120)
    ratio[:frames] = 0.2
    ratio[-frames:] = 0.2
    detected = detect(ratio, times_s)
    assert_array_equal(detected.interval, [[0, frames], [120 - frames, 120]])
    assert_array_equal(detected.onset_seen, [False, True])
    assert_array_equal(detected.offset_seen, [True, False])
    assert_allclose(detected.closed_s, [(frames - 1 + 0.1) / 30] * 2, rtol=1e-9)


def test_eyes_shut_throughout_are_one_closure_without_ends() -> None:
    detected = detect(np.full(120, 0.2), at_fps(30, 4))
    assert_array_equal(detected.interval, [[0, 120]])
    assert_array_equal(detected.kind, [PROLONGED_CLOSURE])
    assert_allclose(detected.closed_s, [119 / 30], rtol=1e-12)
    assert not detected.onset_seen.any()
    assert not detected.offset_seen.any()


SPARSE_SCRIPT = """
import numpy as np
from kernels import detect_closures
for count in (3, 4, 40, 3000):
    detected = detect_closures(np.full(count, 0.3), 0.6 * np.arange(count), 0.75, 0.05)
    assert detected.interval.tolist() == [[n, n + 1] for n in range(count)], detected.interval
print("right")
"""


def test_samples_that_are_all_gaps_apart_are_a_closure_each() -> None:
    # More closures than half of the samples. In a process of its own: a kernel that writes
    # past the end of its output takes the interpreter with it.
    done = subprocess.run(
        [sys.executable, "-c", SPARSE_SCRIPT],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "right\n", done.stderr


# Awkward input.


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_nothing_is_found_without_a_face(count: int) -> None:
    detected = detect(np.full(count, np.nan), at_fps(30, count / 30))
    assert detected.interval.shape == (0, 2)
    for field in fields(Closures):
        assert len(getattr(detected, field.name)) == 0, field.name


@pytest.mark.parametrize("level", [0.88, 1.0, 1.4])
def test_a_constant_open_eye_does_not_blink(level: float) -> None:
    assert detect(np.full(120, level), at_fps(30, 4)).peak.size == 0


def test_the_columns_have_the_documented_types(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 200)
    detected = detect(random_ratio(rng, times_s), times_s)
    types = {field.name: getattr(detected, field.name).dtype.name for field in fields(Closures)}
    assert types == {
        "interval": "int64",
        "peak": "int64",
        "kind": "int8",
        "least_ratio": "float64",
        "closed_s": "float64",
        "onset_seen": "bool",
        "offset_seen": "bool",
    }


def test_any_memory_layout_and_type_gives_the_same(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 200)
    ratio = random_ratio(rng, times_s, missing=0.05).astype(np.float32).astype(np.float64)
    read_only = ratio.copy(), times_s.copy()
    for series in read_only:
        series.setflags(write=False)
    variants = {
        "read-only": read_only,
        "every other": (np.repeat(ratio, 2)[::2], np.repeat(times_s, 2)[::2]),
        "backwards": (ratio[::-1].copy()[::-1], times_s[::-1].copy()[::-1]),
        "float32": (ratio.astype(np.float32), times_s),
        "list": (ratio.tolist(), times_s.tolist()),
    }
    closures_expected = detect(ratio, times_s)
    baseline_expected = compute_open_baseline(ratio, times_s)
    for values, times in variants.values():
        computed = detect(values, times)
        for field in fields(Closures):
            assert_array_equal(
                getattr(computed, field.name), getattr(closures_expected, field.name)
            )
        assert_array_equal(compute_open_baseline(values, times), baseline_expected)
        assert compute_typical_opening(values) == compute_typical_opening(ratio)


def test_the_input_is_not_changed(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 200)
    ratio = random_ratio(rng, times_s, missing=0.05)
    before = ratio.copy(), times_s.copy()
    detect(ratio, times_s)
    compute_open_baseline(ratio, times_s)
    compute_typical_opening(ratio)
    assert_array_equal(ratio, before[0])
    assert_array_equal(times_s, before[1])


@pytest.mark.parametrize(
    ("values_shape", "times_shape"), [((3,), (4,)), ((3, 2), (3,)), ((3, 1), (3, 1)), ((), ())]
)
def test_a_wrong_shape_is_refused(
    values_shape: tuple[int, ...], times_shape: tuple[int, ...]
) -> None:
    values, times_s = np.zeros(values_shape), np.zeros(times_shape)
    for function in (detect, compute_open_baseline):
        with pytest.raises(ValueError, match="expected one") as caught:
            function(values, times_s)
        assert str(values_shape) in str(caught.value)


@pytest.mark.parametrize("times_s", [[0, 1, 1], [0, 2, 1], [0, np.nan, 1], [0, 1, np.inf]])
def test_times_that_do_not_increase_are_refused(times_s: list[float]) -> None:
    for function in (detect, compute_open_baseline):
        with pytest.raises(ValueError, match="times_s is not strictly increasing"):
            function([1.0, 1.0, 1.0], times_s)


@pytest.mark.parametrize("close_ratio", [0.0, 1.0, -0.2, 1.5, np.nan])
def test_a_close_ratio_that_is_no_share_is_refused(close_ratio: float) -> None:
    with pytest.raises(ValueError, match=f"close_ratio is {close_ratio}"):
        detect_closures([1.0], [0.0], close_ratio, 0.05)


@pytest.mark.parametrize("edge", ["begins", "ends", "face lost after"])
@pytest.mark.parametrize(("level", "count"), [(0.49, 1), (0.51, 0)])
def test_a_dip_that_is_cut_off_counts_only_if_it_is_deep(
    edge: str, level: float, count: int
) -> None:
    ratio = np.ones(90)
    ratio[
        {"begins": slice(0, 6), "ends": slice(84, 90), "face lost after": slice(40, 46)}[edge]
    ] = level
    if edge == "face lost after":
        ratio[46:60] = np.nan
    assert len(detect_closures(ratio, np.arange(90) / 30, 0.75, 0.05).kind) == count


# Winks.


@pytest.mark.parametrize("count", [0, 1, 2, 400])
@pytest.mark.parametrize("missing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("fps", [10.0, 30.0])
def test_winks_are_the_reference(
    rng: np.random.Generator, count: int, missing: float, fps: float
) -> None:
    times_s = irregular_times_s(rng, count, fps, gaps=0.02)
    # Slow walks of each eye between shut and open.
    walks = np.cumsum(rng.normal(0, 0.15, (count, 2)), axis=0)
    ratio = 0.55 + 0.5 * np.sin(walks)
    ratio[rng.random(count) < missing] = np.nan
    before = ratio.copy()
    intervals, eyes = detect_winks(ratio, times_s)
    expected = naive.winks(ratio.tolist(), times_s.tolist())
    assert [tuple(one) for one in intervals.tolist()] == [interval for interval, _ in expected]
    assert eyes.tolist() == [eye for _, eye in expected]
    assert_array_equal(ratio, before)


@pytest.mark.parametrize(("eye", "seconds"), [(0, 0.3), (1, 0.3), (0, 2.0)])
def test_one_eye_held_shut_is_a_wink(eye: int, seconds: float) -> None:
    times_s = at_fps(30, 4)
    ratio = np.ones((times_s.size, 2))
    ratio[30 : 30 + round(30 * seconds), eye] = 0.2
    # FaceMesh moves the other eye along.
    ratio[30 : 30 + round(30 * seconds), 1 - eye] = 0.7
    intervals, eyes = detect_winks(ratio, times_s)
    assert intervals.tolist() == [[30, 30 + round(30 * seconds)]]
    assert eyes.tolist() == [eye]


@pytest.mark.parametrize(
    ("left", "right", "seconds"),
    [
        (0.2, 1.0, 0.29),  # too short: a blink that is uneven
        (0.2, 0.59, 1.0),  # the other eye closes by over half as much
        (0.41, 1.0, 1.0),  # not closed
        (0.2, 0.2, 1.0),
    ],
)
def test_what_is_no_wink(left: float, right: float, seconds: float) -> None:
    times_s = at_fps(100, 4)
    ratio = np.ones((400, 2))
    ratio[100 : 100 + round(100 * seconds)] = left, right
    assert detect_winks(ratio, times_s)[0].size == 0


def test_a_lost_face_and_a_gap_end_a_wink() -> None:
    ratio = np.ones((90, 2))
    ratio[20:40, 0] = 0.1
    times_s = at_fps(30, 3)
    lost = ratio.copy()
    lost[30] = np.nan
    assert detect_winks(lost, times_s)[0].tolist() == [[20, 30], [31, 40]]
    times_s = times_s + np.where(np.arange(90) >= 30, 1.0, 0.0)
    # What is before the gap lasts until its last sample: 9 intervals, not 10.
    assert detect_winks(ratio, times_s)[0].tolist() == [[20, 30], [30, 40]]
    assert detect_winks(ratio[:29], times_s[:29])[0].tolist() == []


def test_closures_in_winks(rng: np.random.Generator) -> None:
    cases = [
        ((10, 20), (5, 12), True),  # begins within
        ((10, 20), (12, 17), True),  # half of it
        ((10, 20), (12, 16), False),
        ((10, 20), (15, 40), True),
        ((10, 20), (16, 40), False),
        ((10, 20), (1, 10), False),
        ((10, 20), (20, 30), False),
    ]
    for closure, wink, expected in cases:
        assert naive.in_winks([closure], [wink]) == [expected]
        assert mark_closures_in_winks(closures_at([closure]), [wink]).tolist() == [expected]
    for _ in range(50):
        ends = np.sort(rng.choice(200, 12, replace=False)).reshape(-1, 2)
        wink_ends = np.sort(rng.choice(200, 8, replace=False)).reshape(-1, 2)
        expected = naive.in_winks(ends.tolist(), wink_ends.tolist())
        assert mark_closures_in_winks(closures_at(ends), wink_ends).tolist() == expected
    assert mark_closures_in_winks(closures_at([(1, 2)]), []).tolist() == [False]


def closures_at(intervals: ArrayLike) -> Closures:
    pairs = np.array(intervals, dtype=np.int64).reshape(-1, 2)
    count = len(pairs)
    return Closures(
        pairs,
        pairs[:, 0],
        np.full(count, BLINK, dtype=np.int8),
        np.zeros(count),
        np.zeros(count),
        np.ones(count, dtype=np.bool_),
        np.ones(count, dtype=np.bool_),
    )


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_eye_amplitude_is_the_reference(rng: np.random.Generator, missing: float) -> None:
    eye_ratio = rng.uniform(0, 1.1, (200, 2))
    eye_ratio[rng.random((200, 2)) < missing] = np.nan
    intervals = np.sort(rng.choice(201, 20, replace=False)).reshape(-1, 2)
    expected = naive.eye_amplitude(eye_ratio.tolist(), intervals.tolist())
    assert_array_equal(compute_eye_amplitude(eye_ratio, intervals), expected)


def test_a_hand_worked_eye_amplitude() -> None:
    eye_ratio = [[1.0, 1.0], [0.5, 0.25], [0.25, np.nan], [1.0, 1.0]]
    found = compute_eye_amplitude(eye_ratio, [[0, 2], [1, 4], [3, 4]])
    assert_array_equal(found, [[0.5, 0.75], [0.75, np.nan], [0, 0]])
    assert compute_eye_amplitude(eye_ratio, []).shape == (0, 2)
    with pytest.raises(ValueError, match="expected \\(N, 2\\)"):
        compute_eye_amplitude([1.0], [])
    with pytest.raises(ValueError, match="expected 0 to 4"):
        compute_eye_amplitude(eye_ratio, [[3, 5]])
    with pytest.raises(ValueError, match="empty or reversed"):
        compute_eye_amplitude(eye_ratio, [[2, 2]])


@pytest.mark.parametrize("fps", [20.0, 30.0, 60.0])
@pytest.mark.parametrize(("beyond", "kind"), [(0, BLINK), (1, PROLONGED_CLOSURE)])
def test_half_a_second_is_told_to_half_a_frame(fps: float, beyond: int, kind: int) -> None:
    """A closure that is shut from sample to sample reads 0.2 intervals longer than they are apart:
    its sides are crossed at a tenth of an interval on either side."""
    times_s = at_fps(fps, 4)
    ratio = np.ones(times_s.size)
    ratio[20 : 21 + round(0.5 * fps) + beyond] = 0.1
    found = detect(ratio, times_s)
    assert found.closed_s[0] == pytest.approx(0.5 + (beyond + 0.2) / fps)
    assert found.kind.tolist() == [kind]
