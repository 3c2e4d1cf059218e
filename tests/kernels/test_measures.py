"""Measures over a recording: against the reference and hand-worked numbers."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import ArrayLike, NDArray

from kernels import (
    compute_correlation,
    compute_inter_blink_intervals_s,
    compute_peak_to_peak,
    compute_perclos,
    compute_valid_time_s,
    mark_around_closures,
    measures,
)
from tests import naive
from tests.lengths import FEW

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Int64Array = NDArray[np.int64]

# Sums of a few hundred float64 terms in another order.
RTOL = 1e-11
ATOL = 1e-12


def irregular_times_s(rng: np.random.Generator, count: int, gaps: float) -> Float64Array:
    """Steps of 0.3 to 1.7 intervals of 30 fps; a share `gaps` of them a gap of 0.6 to 2 s."""
    steps_s = rng.uniform(0.3, 1.7, count) / 30
    gap = rng.random(count) < gaps
    steps_s[gap] = rng.uniform(0.6, 2.0, gap.sum())
    return np.cumsum(steps_s)


def random_intervals(rng: np.random.Generator, count: int, sample_count: int) -> Int64Array:
    """Disjoint half-open intervals in order."""
    ends = np.sort(rng.choice(sample_count + 1, 2 * count, replace=False))
    return ends.reshape(count, 2).astype(np.int64)


def layouts(values: NDArray) -> list[ArrayLike]:
    """The same values read-only, with strides of 2 and -1, and as a list."""
    read_only = values.copy()
    read_only.setflags(write=False)
    return [
        read_only,
        np.repeat(values, 2, axis=0)[::2],
        values[::-1].copy()[::-1],
        values.tolist(),
    ]


# Peak-to-peak.


@pytest.mark.parametrize("count", [0, 1, 2, 3, 20, 21, 300])
@pytest.mark.parametrize("kept", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
def test_peak_to_peak_is_the_reference(
    rng: np.random.Generator, count: int, kept: float, missing: float
) -> None:
    values = rng.normal(0, 0.1, count)
    values[rng.random(count) < missing] = np.nan
    keep = rng.random(count) < kept
    expected = naive.peak_to_peak(values.tolist(), keep.tolist())
    assert_allclose(compute_peak_to_peak(values, keep), expected, rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 300])
@pytest.mark.parametrize("kept", [0.0, 0.5, 1.0])
def test_correlation_is_the_reference(rng: np.random.Generator, count: int, kept: float) -> None:
    one, other = rng.normal(size=(2, count))
    other += one
    keep = rng.random(count) < kept
    one[~keep] = np.nan
    expected = naive.correlation(one.tolist(), other.tolist(), keep.tolist())
    assert_allclose(compute_correlation(one, other, keep), expected, rtol=RTOL, atol=ATOL)


def test_known_correlations() -> None:
    everything = np.ones(4, np.bool_)
    rising = [0.0, 1.0, 2.0, 3.0]
    assert compute_correlation(rising, [5.0, 5.5, 6.0, 6.5], everything) == 1
    assert compute_correlation(rising, [3.0, 2.0, 1.0, 0.0], everything) == -1
    # Deviations -1.5 -.5 .5 1.5 and 1 -1 -1 1: a product of 0.
    assert compute_correlation(rising, [1.0, -1.0, -1.0, 1.0], everything) == 0
    assert math.isnan(compute_correlation(rising, [2.0] * 4, everything))
    assert math.isnan(compute_correlation(rising, [0.0, 1.0, np.nan, 3.0], everything))
    with pytest.raises(ValueError, match="have shapes"):
        compute_correlation(rising, [1.0], everything)


def test_hand_worked_peak_to_peak() -> None:
    # 0 to 20 in steps of 1: place 0.05 * 20 = 1 and place 19; the extremes do not count.
    values = np.arange(21.0)
    everything = np.ones(21, np.bool_)
    assert_allclose(compute_peak_to_peak(values, everything), 18, rtol=1e-12)
    values[20] = 1000
    assert_allclose(compute_peak_to_peak(values, everything), 18, rtol=1e-12)
    # Two samples 0 and 1: 0.95 - 0.05.
    assert_allclose(compute_peak_to_peak([0.0, 1.0], [True, True]), 0.9, rtol=1e-12)
    assert math.isnan(compute_peak_to_peak([3.0], [True]))


def test_peak_to_peak_of_a_known_gaze() -> None:
    # Two levels held for as long as each other, with a blink's artefact that is not kept.
    values = np.repeat([-0.04, 0.05], 300)
    keep = np.ones(600, np.bool_)
    values[100:110], keep[100:110] = 9.0, False
    values[400:420] = np.nan
    assert_allclose(compute_peak_to_peak(values, keep), 0.09, rtol=1e-12)
    assert_allclose(compute_peak_to_peak(-values, keep), 0.09, rtol=1e-12)
    assert_allclose(compute_peak_to_peak(values + 1, keep), 0.09, rtol=1e-12)
    assert_allclose(compute_peak_to_peak(2 * values, keep), 0.18, rtol=1e-12)


def test_peak_to_peak_of_nothing_is_missing() -> None:
    assert np.isnan(compute_peak_to_peak([], []))
    assert np.isnan(compute_peak_to_peak([np.nan, np.nan], [True, True]))
    assert np.isnan(compute_peak_to_peak([1.0, 2.0], [False, False]))
    assert compute_peak_to_peak(np.full(50, 0.3), np.ones(50, np.bool_)) == 0


# Valid time.


@pytest.mark.parametrize("count", [0, 1, 2, 3, 300])
@pytest.mark.parametrize("gaps", [0.0, 0.1])
@pytest.mark.parametrize("missing", [0.0, 0.2, 1.0])
def test_valid_time_is_the_reference(
    rng: np.random.Generator, count: int, gaps: float, missing: float
) -> None:
    times_s = irregular_times_s(rng, count, gaps)
    valid = rng.random(count) >= missing
    expected = naive.valid_time_s(valid.tolist(), times_s.tolist())
    assert_allclose(compute_valid_time_s(valid, times_s), expected, rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("max_gap_s", [0.0, 0.03, 0.05, 10.0])
def test_valid_time_follows_the_gap_limit(rng: np.random.Generator, max_gap_s: float) -> None:
    times_s = irregular_times_s(rng, 200, 0.05)
    valid = rng.random(200) >= 0.1
    expected = naive.valid_time_s(valid.tolist(), times_s.tolist(), max_gap_s)
    computed = measures._valid_time_s(valid, times_s, max_gap_s)
    assert_allclose(computed, expected, rtol=RTOL, atol=ATOL)


def test_hand_worked_valid_time() -> None:
    times_s = [0.0, 0.1, 0.3, 0.4, 0.5, 1.1, 1.2]
    valid = [True, True, False, True, True, True, True]
    # 0.1 of 0.0-0.1, 0.1 of 0.4-0.5, 0.1 of 1.1-1.2; 0.6 s in between are a gap.
    assert_allclose(compute_valid_time_s(valid, times_s), 0.3, rtol=1e-12)
    # A gap of exactly half a second still counts.
    assert compute_valid_time_s([True, True], [1.0, 1.5]) == 0.5
    assert compute_valid_time_s([True, True], [1.0, 1.5625]) == 0
    assert compute_valid_time_s([], []) == 0
    assert compute_valid_time_s([True], [3.0]) == 0


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_valid_time_is_time_not_frames(fps: int) -> None:
    times_s = np.arange(10 * fps + 1) / fps
    valid = (times_s < 4) | (times_s > 6)
    computed = compute_valid_time_s(valid, times_s)
    assert_allclose(computed, 8, rtol=0, atol=2.001 / fps)
    assert_allclose(compute_valid_time_s(np.ones_like(valid), times_s), 10, rtol=1e-12)


# PERCLOS.


@pytest.mark.parametrize("count", [0, 1, 2, 3, 300])
@pytest.mark.parametrize("gaps", [0.0, 0.1])
@pytest.mark.parametrize("missing", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("threshold", [0.1, 0.8, 1.0])
def test_perclos_is_the_reference(
    rng: np.random.Generator, count: int, gaps: float, missing: float, threshold: float
) -> None:
    times_s = irregular_times_s(rng, count, gaps)
    # Rounded, so that some samples are exactly at the threshold.
    closure = np.round(rng.uniform(0, 1.1, count), 1)
    closure[rng.random(count) < missing] = np.nan
    expected = naive.perclos(closure.tolist(), times_s.tolist(), threshold)
    assert_allclose(compute_perclos(closure, times_s, threshold), expected, rtol=RTOL, atol=ATOL)


def test_perclos_closes_at_80_percent_by_default(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 300, 0.0)
    closure = np.round(rng.uniform(0, 1, 300), 1)
    expected = naive.perclos(closure.tolist(), times_s.tolist())
    assert 0.1 < expected < 0.4
    assert_allclose(compute_perclos(closure, times_s), expected, rtol=RTOL)


def test_hand_worked_perclos() -> None:
    # Closed at 0.2 and 0.3 s. Trapezoids: 0.1-0.2 half, 0.2-0.3 whole, 0.3-0.5 half: 0.25 of 0.5 s.
    times_s = [0.0, 0.1, 0.2, 0.3, 0.5]
    assert_allclose(compute_perclos([0, 0.79, 0.8, 0.9, 0], times_s), 0.5, rtol=1e-12)
    # The face is lost at 0.3 s: 0.05 of the 0.2 s that are left.
    assert_allclose(compute_perclos([0, 0, 1, np.nan, 0], times_s), 0.25, rtol=1e-12)
    # Between 0.2 and 1.3 s nothing is known: 0.05 of 0.2 s and 0.05 of 0.1 s.
    assert_allclose(
        compute_perclos([0, 0, 1, 1, 0], [0.0, 0.1, 0.2, 1.3, 1.4]), 0.1 / 0.3, rtol=1e-12
    )


def test_perclos_of_known_lids() -> None:
    times_s = np.arange(0, 60, 1 / 30)
    shut = ((times_s >= 10) & (times_s < 16)) | (times_s >= 57)
    # 6 s and 3 s of 60 s, whatever else the lids do below 80 %.
    assert_allclose(compute_perclos(np.where(shut, 0.95, 0.5), times_s), 0.15, rtol=0, atol=1e-3)
    assert compute_perclos(np.ones(30), times_s[:30]) == 1
    assert compute_perclos(np.zeros(30), times_s[:30]) == 0


def test_perclos_without_valid_time_is_missing() -> None:
    assert np.isnan(compute_perclos([], []))
    assert np.isnan(compute_perclos([1.0], [0.0]))
    assert np.isnan(compute_perclos([1.0, np.nan, 1.0], [0.0, 0.1, 0.2]))
    assert np.isnan(compute_perclos([1.0, 1.0], [0.0, 0.6]))


# Guards around closures.


@pytest.mark.parametrize("sample_count", [0, 1, 2, 200])
@pytest.mark.parametrize("closure_count", [0, 1, 2, 20])
@pytest.mark.parametrize("guard_s", [0.0, 0.11, 3.0])
@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_marks_are_the_reference(
    rng: np.random.Generator, sample_count: int, closure_count: int, guard_s: float, gaps: float
) -> None:
    times_s = irregular_times_s(rng, sample_count, gaps)
    closure_count = min(closure_count, (sample_count + 1) // 2)
    intervals = random_intervals(rng, closure_count, sample_count)
    marked = mark_around_closures(intervals, times_s, guard_s)
    assert marked.dtype == np.bool_
    assert_array_equal(
        marked, naive.mark_around_closures(intervals.tolist(), times_s.tolist(), guard_s)
    )


def test_hand_worked_marks() -> None:
    # Frames every 40 ms; the closures hold frames 5-6 and 17; 100 ms reach 2 frames further.
    marked = mark_around_closures([[5, 7], [17, 18]], 0.04 * np.arange(20), 0.1)
    assert np.flatnonzero(marked).tolist() == [3, 4, 5, 6, 7, 8, 15, 16, 17, 18, 19]
    # At both edges of the recording, and guards that overlap.
    marked = mark_around_closures([[0, 1], [4, 5], [9, 10]], 0.04 * np.arange(10), 0.09)
    assert np.flatnonzero(marked).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_the_guard_is_time_not_frames() -> None:
    # After the closure at 0.30 s the next samples follow 0.05 and 0.50 s later.
    times_s = [0.0, 0.15, 0.21, 0.3, 0.35, 0.8]
    marked = mark_around_closures([[3, 4]], times_s, 0.1)
    assert marked.tolist() == [False, False, True, True, True, False]


def test_without_closures_nothing_is_marked() -> None:
    nothing = np.empty((0, 2), np.int64)
    assert mark_around_closures(nothing, np.arange(5.0), 1.0).tolist() == [False] * 5
    assert mark_around_closures(nothing, [], 1.0).tolist() == []


# Inter-blink intervals.


@pytest.mark.parametrize("sample_count", [2, 3, 200])
@pytest.mark.parametrize("blink_count", [0, 1, 2, 15])
@pytest.mark.parametrize("gaps", [0.0, 0.02])
@pytest.mark.parametrize("missing", [0.0, 0.02, 1.0])
def test_inter_blink_intervals_are_the_reference(
    rng: np.random.Generator, sample_count: int, blink_count: int, gaps: float, missing: float
) -> None:
    times_s = irregular_times_s(rng, sample_count, gaps)
    valid = rng.random(sample_count) >= missing
    blink_count = min(blink_count, sample_count)
    onsets = np.sort(rng.choice(sample_count, blink_count, replace=False))
    computed = compute_inter_blink_intervals_s(onsets, valid, times_s)
    expected = naive.inter_blink_intervals_s(onsets.tolist(), valid.tolist(), times_s.tolist())
    assert_allclose(computed, expected, rtol=RTOL)


def test_hand_worked_inter_blink_intervals() -> None:
    times_s = np.array([0.0, 0.4, 0.7, 1.0, 1.3, 1.5, 2.2, 2.4, 2.5])
    valid = np.ones(9, np.bool_)
    valid[4] = False
    # 0.4 to 1.0 s: 0.6 s. 1.0 to 1.5 s: no face at 1.3 s. 1.5 to 2.4 s: a gap of 0.7 s.
    computed = compute_inter_blink_intervals_s([1, 3, 5, 7, 8], valid, times_s)
    assert_allclose(computed, [0.6, np.nan, np.nan, 0.1], rtol=1e-12)


def test_what_happens_before_the_first_and_after_the_last_blink_does_not_matter() -> None:
    times_s = np.arange(20) / 10
    times_s[15:] += 5
    valid = np.ones(20, np.bool_)
    valid[:3] = False
    assert_allclose(compute_inter_blink_intervals_s([3, 14], valid, times_s), [1.1], rtol=1e-12)


@pytest.mark.parametrize("onsets", [[], [1]])
def test_fewer_than_two_blinks_have_no_interval(onsets: list[int]) -> None:
    computed = compute_inter_blink_intervals_s(onsets, [True, True], [0.0, 0.1])
    assert computed.shape == (0,)
    assert compute_inter_blink_intervals_s([], [], []).shape == (0,)


# Input of all five.


def test_any_memory_layout_gives_the_same(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 100, 0.02)
    values = np.round(rng.uniform(0, 1, 100), 2)
    values[[17, 60]] = np.nan
    valid = ~np.isnan(values)
    intervals = random_intervals(rng, 5, 100)
    onsets = intervals[:, 0].copy()
    before = [array.copy() for array in (times_s, values, valid, intervals, onsets)]
    peak_to_peak = compute_peak_to_peak(values, valid)
    valid_time_s = compute_valid_time_s(valid, times_s)
    perclos = compute_perclos(values, times_s)
    marked = mark_around_closures(intervals, times_s, 0.1)
    between_s = compute_inter_blink_intervals_s(onsets, valid, times_s)
    variants = [layouts(array) for array in (times_s, values, valid, intervals, onsets)]
    for times, series, flags, pairs, starts in zip(*variants, strict=True):
        assert compute_peak_to_peak(series, flags) == peak_to_peak
        assert compute_valid_time_s(flags, times) == valid_time_s
        assert compute_perclos(series, times) == perclos
        assert_array_equal(mark_around_closures(pairs, times, 0.1), marked)
        assert_array_equal(compute_inter_blink_intervals_s(starts, flags, times), between_s)
    for array, copy in zip((times_s, values, valid, intervals, onsets), before, strict=True):
        assert_array_equal(array, copy)


@pytest.mark.parametrize(("one", "other"), [((3,), (4,)), ((3, 2), (3, 2)), ((), ())])
@pytest.mark.parametrize(
    "function",
    [
        compute_peak_to_peak,
        compute_valid_time_s,
        compute_perclos,
        lambda valid, times_s: compute_inter_blink_intervals_s([0, 1], valid, times_s),
    ],
    ids=["peak_to_peak", "valid_time", "perclos", "inter_blink_intervals"],
)
def test_a_wrong_shape_is_refused(
    function: Callable[[ArrayLike, ArrayLike], object],
    one: tuple[int, ...],
    other: tuple[int, ...],
) -> None:
    with pytest.raises(ValueError, match=r"expected one|have shapes") as caught:
        function(np.ones(one), np.arange(np.prod(other, dtype=int)).reshape(other))
    assert str(one) in str(caught.value)
    assert str(other) in str(caught.value)


@pytest.mark.parametrize("shape", [(4,), (4, 3), (2, 2, 2)])
def test_closures_that_are_not_pairs_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        mark_around_closures(np.ones(shape, np.int64), np.arange(9.0), 0.1)


def test_onsets_that_are_no_series_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        compute_inter_blink_intervals_s([[0, 1], [2, 3]], np.ones(9, np.bool_), np.arange(9.0))


@pytest.mark.parametrize("times_s", [[0.0, 0.2, 0.2], [0.0, 0.2, 0.1], [0.0, np.nan, 0.1]])
@pytest.mark.parametrize(
    "function",
    [
        lambda times_s: compute_valid_time_s([True, True, True], times_s),
        lambda times_s: compute_perclos([0.0, 1.0, 0.0], times_s),
        lambda times_s: mark_around_closures([[0, 1]], times_s, 0.1),
        lambda times_s: compute_inter_blink_intervals_s([0, 2], [True, True, True], times_s),
    ],
    ids=["valid_time", "perclos", "mark_around_closures", "inter_blink_intervals"],
)
def test_times_that_do_not_increase_are_refused(
    function: Callable[[ArrayLike], object], times_s: list[float]
) -> None:
    with pytest.raises(ValueError, match="times_s is not strictly increasing"):
        function(times_s)


# Long recordings.


def test_sums_over_three_hours_lose_no_digits() -> None:
    """Against sums that `math.fsum` rounds only once."""
    rng = np.random.default_rng(7)
    count = 10_000 if FEW else 324_000
    times_s = irregular_times_s(rng, count, 0.001)
    steps_s = np.diff(times_s)
    near = steps_s <= measures.MAX_GAP_S
    valid = rng.random(count) < 0.9
    closed = rng.random(count) < 0.03
    whole_s = math.fsum(steps_s[near])
    closed_s = math.fsum((steps_s * (closed[1:].astype(int) + closed[:-1]) / 2)[near])
    assert_allclose(
        compute_valid_time_s(valid, times_s),
        math.fsum(steps_s[near & valid[1:] & valid[:-1]]),
        rtol=RTOL,
    )
    assert_allclose(compute_perclos(closed, times_s), closed_s / whole_s, rtol=RTOL)
    # Offsets far from 0, of which most digits are common.
    one = 0.3 + rng.normal(0, 0.01, count)
    other = one + rng.normal(0, 0.001, count)
    x, y = (each[valid] - math.fsum(each[valid]) / valid.sum() for each in (one, other))
    powers = math.fsum(x * x) * math.fsum(y * y)
    assert_allclose(
        compute_correlation(one, other, valid), math.fsum(x * y) / math.sqrt(powers), rtol=RTOL
    )
