"""Range, median, correlation, valid time, PERCLOS, times between blinks, frames near closures."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import (
    as_flags,
    as_indices,
    as_intervals,
    as_kept,
    as_series,
    as_times,
    require,
)
from kernels._jit import kernel
from kernels.opening import MAX_GAP_S, TIME_TOLERANCE_S
from kernels.quantiles import take_quantiles

RANGE_QUANTILES = (0.05, 0.95)
"""Quantiles between which a peak-to-peak is measured, so that single outliers do not matter."""

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@kernel("f8(b1[::1], f8[::1], f8)")
def _valid_time_s(valid, times_s, max_gap_s):
    """Return the summed time in seconds between neighbouring samples that are both valid (N,).

    Neighbours more than max_gap_s apart do not count. 0 if no time counts.
    """
    total_s = 0.0
    for n in range(1, valid.size):
        interval_s = times_s[n] - times_s[n - 1]
        if valid[n - 1] and valid[n] and interval_s <= max_gap_s:
            total_s += interval_s
    return total_s


@kernel("f8(f8[::1], f8[::1], f8, f8)")
def _perclos(closure, times_s, threshold, max_gap_s):
    """Return the share of time, 0 to 1, in which closure (N,) is at or above threshold.

    closure is 0 for an open eye, 1 for a shut one, and NaN without a face. Only the time between
    two samples with a face counts, if they are at most max_gap_s apart; half of it counts for the
    one and half for the other. NaN if there is no such time.
    """
    closed_s, total_s = 0.0, 0.0
    for n in range(1, closure.size):
        interval_s = times_s[n] - times_s[n - 1]
        before, after = closure[n - 1], closure[n]
        if np.isnan(before) or np.isnan(after) or interval_s > max_gap_s:
            continue
        total_s += interval_s
        closed_s += interval_s * (int(before >= threshold) + int(after >= threshold)) / 2
    return closed_s / total_s if total_s > 0 else np.nan


@kernel("void(i8[:,::1], f8[::1], f8, b1[::1])")
def _mark_around(intervals, times_s, guard_s, marked):
    """Set marked (N,) to True in M intervals, and within guard_s seconds before and after them.

    intervals (M, 2) are indices of samples, [start, stop), in order of time; times_s (N,) are the
    samples' times. A sample exactly guard_s from the first or last one of an interval is marked.
    Other entries of marked stay as they are.
    """
    first = 0
    for m in range(intervals.shape[0]):
        from_s = times_s[intervals[m, 0]] - guard_s
        to_s = times_s[intervals[m, 1] - 1] + guard_s
        while first < times_s.size and times_s[first] < from_s:
            first += 1
        n = first
        while n < times_s.size and times_s[n] <= to_s:
            marked[n] = True
            n += 1


@kernel("void(i8[::1], b1[::1], f8[::1], f8, f8[::1])")
def _intervals_between(onsets, valid, times_s, max_gap_s, out):
    """Fill out (M - 1,) with the times in seconds from each onset to the next.

    onsets (M,) are the samples at which blinks begin, in order of time. valid (N,) marks samples
    with a face. NaN where a sample in between has no face, or two neighbouring ones are more than
    max_gap_s apart: a blink may have been missed there.
    """
    for m in range(1, onsets.size):
        out[m - 1] = times_s[onsets[m]] - times_s[onsets[m - 1]]
        for n in range(onsets[m - 1] + 1, onsets[m] + 1):
            if not valid[n] or times_s[n] - times_s[n - 1] > max_gap_s:
                out[m - 1] = np.nan
                break


def compute_peak_to_peak(values: ArrayLike, keep: ArrayLike) -> float:
    """Compute the peak-to-peak without outliers: the 95th minus the 5th percentile.

    Parameters
    ----------
    values : array_like, shape (N,), float64
        Such as a gaze offset; NaN or infinity = missing.
    keep : array_like, shape (N,), bool
        True for the samples to use: of a gaze offset, those outside closures.

    Returns
    -------
    float
        The difference in the unit of `values`, with percentiles that are interpolated linearly
        between neighbouring values; NaN with fewer than two samples to use.

    Raises
    ------
    ValueError
        Shapes differ.
    """
    count, ends = take_quantiles(*as_kept(values, keep), RANGE_QUANTILES)
    return float(ends[1] - ends[0]) if count > 1 else float("nan")


def median_finite(values: ArrayLike) -> float:
    """Return the median of the finite values, in an array of any shape; NaN if there are none."""
    series = require(values, np.float64).reshape(-1)
    return float(take_quantiles(series, np.ones(series.size, np.bool_), (0.5,))[1][0])


@kernel("f8(f8[::1], f8[::1], b1[::1])")
def _correlation(one, other, keep):
    """Return Pearson's correlation of one (N,) and other (N,) over the samples that keep marks.

    NaN if one of the series is constant there or has a value that is not finite, or fewer than two
    samples are marked.
    """
    count, mean_one, mean_other = 0, 0.0, 0.0
    for n in range(keep.size):
        if keep[n]:
            count += 1
            mean_one += one[n]
            mean_other += other[n]
    if count < 2:
        return np.nan
    mean_one, mean_other = mean_one / count, mean_other / count
    power_one, power_other, product = 0.0, 0.0, 0.0
    for n in range(keep.size):
        if keep[n]:
            x, y = one[n] - mean_one, other[n] - mean_other
            power_one += x * x
            power_other += y * y
            product += x * y
    if not (power_one > 0 and power_other > 0):
        return np.nan
    # Rounding may take the quotient beyond -1 or 1.
    return min(max(product / np.sqrt(power_one) / np.sqrt(power_other), -1.0), 1.0)


def compute_correlation(one: ArrayLike, other: ArrayLike, keep: ArrayLike) -> float:
    """Compute Pearson's correlation of two series.

    Parameters
    ----------
    one, other : array_like, shape (N,), float64
        The two series, in any units.
    keep : array_like, shape (N,), bool
        True for the samples to use: leave out those where one of the series is missing.

    Returns
    -------
    float
        From -1 to 1. NaN if fewer than two samples are used, or if a series is constant over them
        or has a value that is not finite.

    Raises
    ------
    ValueError
        Shapes differ.
    """
    first, kept = as_kept(one, keep)
    second, _ = as_kept(other, keep)
    return float(_correlation(first, second, kept))


def compute_valid_time_s(valid: ArrayLike, times_s: ArrayLike) -> float:
    """Compute the time in which the face was seen, in seconds.

    Parameters
    ----------
    valid : array_like, shape (N,), bool
        True for frames with a face.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.

    Returns
    -------
    float
        Sum of the times between neighbouring frames that both have a face and are at most
        `MAX_GAP_S` apart; 0 if there are none.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.
    """
    flags = as_flags(valid, "valid")
    return float(_valid_time_s(flags, as_times(times_s, flags.size, "valid"), MAX_GAP_S))


def compute_perclos(closure: ArrayLike, times_s: ArrayLike, threshold: float = 0.8) -> float:
    """Compute PERCLOS: the share of time in which the lids are closed.

    Parameters
    ----------
    closure : array_like, shape (N,), float64
        Fraction closed: 0 = open baseline, 1 = shut; NaN = no face.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    threshold : float, default 0.8
        The lids count as closed when ``closure >= threshold``.

    Returns
    -------
    float
        Share of the time with a face, 0 to 1; NaN if there is no such time. The time between two
        neighbouring samples counts half for each of them. It is left out if one of them has no
        face, or if they are more than `MAX_GAP_S` apart.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.
    """
    series = as_series(closure, "closure")
    times = as_times(times_s, series.size, "closure")
    return float(_perclos(series, times, threshold, MAX_GAP_S))


def mark_around_closures(intervals: ArrayLike, times_s: ArrayLike, guard_s: float) -> BoolArray:
    """Mark the samples in closures, and those shortly before and after them.

    Parameters
    ----------
    intervals : array_like, shape (M, 2), int64
        The closures: indices of samples, [start, stop), in order of time.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    guard_s : float
        Seconds before and after each interval that are marked too.

    Returns
    -------
    ndarray, shape (N,), bool
        True from `guard_s` before the first sample of an interval to `guard_s` after its last one,
        both included.

    Raises
    ------
    ValueError
        `intervals` has the wrong shape, holds an empty interval or reaches beyond the samples, or
        `times_s` is not strictly increasing.
    """
    times = as_times(times_s, np.size(times_s), "times_s")
    pairs = as_intervals(intervals, times.size)
    marked = np.zeros(times.size, dtype=np.bool_)
    _mark_around(pairs, times, guard_s + TIME_TOLERANCE_S, marked)
    return marked


def compute_inter_blink_intervals_s(
    onsets: ArrayLike, valid: ArrayLike, times_s: ArrayLike
) -> Float64Array:
    """Compute the times from one blink's onset to the next one's, in seconds.

    Parameters
    ----------
    onsets : array_like, shape (M,), int64
        Indices of the samples at which the blinks begin, in order of time.
    valid : array_like, shape (N,), bool
        True for frames with a face.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.

    Returns
    -------
    ndarray, shape (max(M - 1, 0),), float64
        The times; NaN where a frame in between has no face, or two neighbouring ones are more than
        `MAX_GAP_S` apart, because a blink may have been missed.

    Raises
    ------
    ValueError
        The shapes of `valid` and `times_s` differ, `times_s` is not strictly increasing, or
        `onsets` has the wrong shape or reaches beyond the samples.
    """
    flags = as_flags(valid, "valid")
    times = as_times(times_s, flags.size, "valid")
    starts = as_indices(onsets, (-1,), times.size - 1, "onsets")
    intervals_s = np.empty(max(starts.size - 1, 0))
    _intervals_between(starts, flags, times, MAX_GAP_S, intervals_s)
    return intervals_s
