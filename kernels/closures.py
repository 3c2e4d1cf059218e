"""Eyelid closures: the open-eye baseline, the closures themselves, and winks of one eye."""

import operator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_intervals, as_series, as_times, require
from kernels._jit import kernel
from kernels.quantiles import take_quantiles

NOISE, BLINK, PROLONGED_CLOSURE = 0, 1, 2
"""Kinds of closure, as in `Closures.kind`."""

BASELINE_WINDOW_S = 2.0
"""Length of the window on each side of a sample that gives its baseline.

It is several times the longest blink. Lids that stay low for over 1.2 windows become the baseline:
they are open eyes that look down.
"""
BASELINE_QUANTILE = 0.6
"""Quantile of a window's lid openings that is its baseline.

It is an open eye's, even when the eyes are shut for over half of the window.
"""
TYPICAL_QUANTILE = 0.75
"""Quantile of all lid openings of a recording that is its typical open level."""
SHUT_RATIO = 0.5
"""Lids are shut, not lowered with the gaze, below this share of the typical opening."""
CLOSED_DEPTH = 0.9
"""Lids count as closed from this share of the closure's amplitude, as rise times are measured."""
LONGEST_BLINK_S = 0.5
"""A closure that stays closed for longer is prolonged; a microsleep is at least this long."""
LONGEST_LOWERING_S = 1.0
"""A closure that stays below the closing threshold for longer is prolonged as well.

It may be at its deepest for only a moment.
"""
DEEP_RATIO = 0.5
"""A closure is real below this share of the baseline, even if it is short or seen in part."""
COMPLETE_RATIO = 0.6
"""A blink is complete at or below this share of the baseline.

FaceMesh keeps a slit between shut lids. The 143 closures that the ZJU set annotates as full read
0.08 to 0.59, and the partial ones 0.68.
"""
WINK_DEPTH = 0.6
"""The closing eye of a wink is closed by at least this share of its opening."""
WINK_ASYMMETRY = 0.5
"""The other eye of a wink is closed by less than this share of what the closing eye is."""
SHORTEST_WINK_S = 0.3
"""A wink is held on purpose: one eye alone stays closed for at least this long.

In a blink FaceMesh's two eyes can differ as much as in a wink, because it moves the eyes together.
That lasts for 0.2 s at most in the annotated recordings.
"""
MAX_GAP_S = 0.5
"""Samples further apart are not joined, because a whole blink fits between them."""

TIME_TOLERANCE_S = 1e-6
"""Durations that differ by less are equal, because sums and differences of times are rounded."""

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Closures:
    """M closures in order of time.

    Attributes
    ----------
    interval : ndarray, shape (M, 2), int64
        Samples from onset to offset, half-open.
    peak : ndarray, shape (M,), int64
        Sample of the least lid opening.
    kind : ndarray, shape (M,), int8
        `BLINK` or `PROLONGED_CLOSURE`.
    least_ratio : ndarray, shape (M,), float64
        Lid opening over baseline at the peak.
    closed_s : ndarray, shape (M,), float64
        Time from the first to the last crossing of `CLOSED_DEPTH` of the amplitude.
    onset_seen, offset_seen : ndarray, shape (M,), bool
        False where the recording or the face begins or ends within the closure.
    """

    interval: Int64Array
    peak: Int64Array
    kind: NDArray[np.int8]
    least_ratio: Float64Array
    closed_s: Float64Array
    onset_seen: BoolArray
    offset_seen: BoolArray

    def select(self, chosen: BoolArray) -> "Closures":
        """Return the closures that a mask of shape (M,) chooses."""
        arrays: Any = self.arrays()
        return Closures(*(array[chosen] for array in arrays))

    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        """Return all arrays, in the order in which the fields are declared."""
        arrays: tuple[NDArray[np.generic], ...] = _ATTRIBUTES(self)
        return arrays


_ATTRIBUTES = operator.attrgetter(*(field.name for field in fields(Closures)))


@kernel("i8(f8[::1], i8, f8, f8)")
def _replace(ordered, count, leaving, entering):
    """Remove one value from the first `count` of ordered (N,) and insert another; return the count.

    NaN removes or inserts nothing. Only the values between the two indices move. Those indices are
    unsigned, because Numba's check for negative ones would prevent vectorisation.
    """
    gap, target = 0, 0
    for k in range(count):
        gap += ordered[k] < leaving
        target += ordered[k] < entering
    if np.isnan(leaving):
        gap = count
        count += not np.isnan(entering)
    if np.isnan(entering):
        count -= not np.isnan(leaving)
        for k in range(gap, count):
            ordered[np.uint64(k)] = ordered[np.uint64(k + 1)]
        return count
    if target <= gap:
        for k in range(gap, target, -1):
            ordered[np.uint64(k)] = ordered[np.uint64(k - 1)]
    else:
        target -= 1
        for k in range(gap, target):
            ordered[np.uint64(k)] = ordered[np.uint64(k + 1)]
    ordered[target] = entering
    return count


@kernel("f8(f8[::1], i8, i8, f8, f8, f8)")
def _typical(ordered, count, samples, span_s, window_s, quantile):
    """Quantile of the first `count` of ordered (N,); NaN where there are too few values.

    There are too few if under half of the window's samples have a value, or if the recording covers
    under half of the window.
    """
    if span_s < window_s / 2 or 2 * count < samples:
        return np.nan
    rank = quantile * (count - 1)
    below = int(rank)
    above = min(below + 1, count - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


@kernel("void(f8[::1], f8[::1], f8, f8, f8[::1], f8[::1], f8[::1])")
def _window_quantiles(values, times_s, window_s, quantile, ordered, before, after):
    """Fill before and after (N,) with quantiles of values (N,) over (t - window_s, t] and
    [t, t + window_s); NaN where a window has too few values. Scratch ordered (N,).

    The window after one sample is nearly the window before another. A single window therefore
    slides over the samples once and gives both; ordered holds its values, sorted.
    """
    count, stop, end, back, size = 0, 0, 0, 0, values.size
    for start in range(size):
        leaving = values[start - 1] if start > 0 else np.nan
        while end < size and times_s[end] < times_s[start] + window_s:
            end += 1
        after_filled = False
        while True:
            is_before = back < size and times_s[start] > times_s[back] - window_s
            # Two samples may be exactly one window apart. Rounding may then put the sample into
            # the window before but not into the window after.
            if not after_filled and (not is_before or back >= end):
                until = end
            elif is_before:
                until = back + 1
            else:
                break
            while stop < until:
                count = _replace(ordered, count, leaving, values[stop])
                leaving = np.nan
                stop += 1
            if not np.isnan(leaving):
                count = _replace(ordered, count, leaving, np.nan)
                leaving = np.nan
            span_s = times_s[stop - 1] - times_s[start]
            typical = _typical(ordered, count, stop - start, span_s, window_s, quantile)
            if not after_filled and (not is_before or back >= end):
                after[start] = typical
                after_filled = True
            else:
                before[back] = typical
                back += 1


@kernel("i8(f8[::1], f8[::1], f8, f8, f8, i8[:,::1])")
def _find_closures(ratio, times_s, close, open_, max_gap_s, intervals):
    """Fill intervals (M, 2) of runs below `open_` that go below `close`; return M."""
    found, start, closed = 0, -1, False
    for n in range(ratio.size):
        gap = n > 0 and times_s[n] - times_s[n - 1] > max_gap_s
        # NaN compares as not below.
        below = ratio[n] < open_
        if start >= 0 and (gap or not below):
            if closed:
                intervals[found, 0], intervals[found, 1] = start, n
                found += 1
            start, closed = -1, False
        if below:
            if start < 0:
                start = n
            closed = closed or ratio[n] < close
    if start >= 0 and closed:
        intervals[found, 0], intervals[found, 1] = start, ratio.size
        found += 1
    return found


@kernel("i8(f8[:,::1], f8[::1], f8[::1], f8, i8[:,::1], i8[::1])")
def _find_winks(ratio, times_s, limits, max_gap_s, intervals, eyes):
    """Fill intervals (M, 2) and eyes (M,) of the runs in which one eye of ratio (N, 2) is closed.

    Return M. limits (3,) are the depth, the asymmetry and the shortest duration of a wink. A run
    lasts until the sample after it, unless a gap separates them.
    """
    depth, asymmetry, shortest_s = limits
    found, start, eye = 0, 0, -1
    size = ratio.shape[0]
    for n in range(size + 1):
        closing, gap = -1, False
        if n < size:
            gap = n > 0 and times_s[n] - times_s[n - 1] > max_gap_s
            for one in range(2):
                closed = 1 - ratio[n, one]
                # NaN compares as not closed.
                if closed >= depth and 1 - ratio[n, 1 - one] < asymmetry * closed:
                    closing = one
        if eye >= 0 and (n == size or gap or closing != eye):
            last = n - 1 if n == size or gap else n
            if times_s[last] - times_s[start] >= shortest_s:
                intervals[found, 0], intervals[found, 1], eyes[found] = start, n, eye
                found += 1
            eye = -1
        if eye < 0 and closing >= 0:
            start, eye = n, closing
    return found


@kernel("f8(f8[::1], f8[::1], i8, i8, f8, f8)")
def _crossing_s(ratio, times_s, outside, inside, level, max_gap_s):
    """Time at which ratio crosses level between two neighbouring samples, interpolated."""
    if outside < 0 or outside >= ratio.size or np.isnan(ratio[outside]):
        return times_s[inside]
    if abs(times_s[outside] - times_s[inside]) > max_gap_s:
        return times_s[inside]
    share = (level - ratio[inside]) / (ratio[outside] - ratio[inside])
    return times_s[inside] + share * (times_s[outside] - times_s[inside])


@kernel("void(f8[::1], f8[::1], i8[:,::1], f8[::1], f8, i8[::1], f8[:,::1], b1[:,::1])")
def _measure_closures(ratio, times_s, intervals, levels, max_gap_s, peak, measured, seen):
    """Fill peak (M,), measured (3, M) and seen (2, M) of intervals (M, 2).

    levels (3,) are the closing and the opening threshold and the depth that counts as closed. The
    rows of measured are the least ratio, the time below the closing threshold and the time closed.
    The rows of seen tell whether the onset and the offset were seen.
    """
    close, open_, closed_depth = levels
    least_ratio, below_s, closed_s = measured[0], measured[1], measured[2]
    onset_seen, offset_seen = seen[0], seen[1]
    for m in range(intervals.shape[0]):
        start, stop = intervals[m]
        lowest = start
        for n in range(start, stop):
            if ratio[n] < ratio[lowest]:
                lowest = n
        peak[m] = lowest
        least_ratio[m] = ratio[lowest]
        # Each sample below the threshold lasts until the next one. Before a gap, and at the end of
        # the recording, it lasts as long as the sample before it did.
        below_s[m] = 0.0
        for n in range(start, stop):
            if ratio[n] < close:
                if n + 1 < ratio.size and times_s[n + 1] - times_s[n] <= max_gap_s:
                    below_s[m] += times_s[n + 1] - times_s[n]
                elif n > 0 and times_s[n] - times_s[n - 1] <= max_gap_s:
                    below_s[m] += times_s[n] - times_s[n - 1]
        level = 1 - closed_depth * (1 - ratio[lowest])
        first, last = lowest, lowest
        for n in range(start, stop):
            if ratio[n] <= level:
                first, last = min(first, n), max(last, n)
        opens_s = _crossing_s(ratio, times_s, last + 1, last, level, max_gap_s)
        closes_s = _crossing_s(ratio, times_s, first - 1, first, level, max_gap_s)
        closed_s[m] = opens_s - closes_s
        onset_seen[m] = (
            start > 0
            and times_s[start] - times_s[start - 1] <= max_gap_s
            and ratio[start - 1] >= open_
        )
        offset_seen[m] = (
            stop < ratio.size
            and times_s[stop] - times_s[stop - 1] <= max_gap_s
            and ratio[stop] >= open_
        )


@kernel("void(f8[:,::1], i8[:,::1], f8[:,::1])")
def _eye_amplitude(eye_ratio, intervals, out):
    """Fill out (M, 2) with 1 minus the least of eye_ratio (N, 2) in intervals (M, 2)."""
    for m in range(intervals.shape[0]):
        for eye in range(2):
            least = np.inf
            for n in range(intervals[m, 0], intervals[m, 1]):
                # A missing sample (NaN) makes the amplitude unknown.
                if not eye_ratio[n, eye] >= least:
                    least = eye_ratio[n, eye]
                if np.isnan(least):
                    break
            out[m, eye] = 1 - least


def compute_typical_opening(ear: ArrayLike) -> float:
    """Compute the recording's typical open-eye EAR: a high quantile of all its values.

    Parameters
    ----------
    ear : array_like, shape (N,), float64
        Eye aspect ratio; NaN = no face.

    Returns
    -------
    float
        The `TYPICAL_QUANTILE` quantile; NaN without a value. It is right if the eyes are open for
        more than a quarter of the recording.
    """
    values = as_series(ear, "ear")
    everything = np.ones(values.size, np.bool_)
    return float(take_quantiles(values, everything, (TYPICAL_QUANTILE,))[1][0])


def compute_open_baseline(ear: ArrayLike, times_s: ArrayLike) -> Float64Array:
    """Compute the EAR of the open eye around each frame.

    Parameters
    ----------
    ear : array_like, shape (N,), float64
        Eye aspect ratio; NaN = no face.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.

    Returns
    -------
    ndarray, shape (N,), float64
        Open-eye EAR; NaN only where the whole recording has no value.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.

    Notes
    -----
    The baseline is the lower of two quantiles: one over the window before the frame, one over the
    window after it. When the gaze goes down, the lids follow within a frame and stay low: that
    lowers one of the two. A blink is short and lowers neither. Lids under `SHUT_RATIO` of the
    typical opening are shut, and are left out however long they stay so.
    """
    values = as_series(ear, "ear")
    times = as_times(times_s, values.size, "ear")
    typical = compute_typical_opening(values)
    opened = np.where(values < SHUT_RATIO * typical, np.nan, values)
    before, after, ordered = np.empty((3, values.size))
    window = (BASELINE_WINDOW_S, BASELINE_QUANTILE)
    _window_quantiles(opened, times, *window, ordered, before, after)
    baseline = np.fmin(before, after)
    baseline[np.isnan(baseline)] = typical
    return baseline


def detect_closures(
    ratio: ArrayLike,
    times_s: ArrayLike,
    close_ratio: float,
    shortest_s: float,
    interval_s: float | None = None,
) -> Closures:
    """Detect blinks and prolonged closures.

    A closure is a run of samples below the opening threshold of which at least one is below
    `close_ratio`. The opening threshold is halfway between `close_ratio` and the open eye. A
    missing face, or a gap of over `MAX_GAP_S` between samples, ends the run.

    Parameters
    ----------
    ratio : array_like, shape (N,), float64
        Lid opening over its open baseline: 1 = open; NaN = no face.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    close_ratio : float
        Closing threshold; in (0, 1).
    shortest_s : float
        A closure is noise if it is below `close_ratio` for less time, or if its beginning or end
        is not seen, unless it goes below `DEEP_RATIO`.
    interval_s : float, optional
        Median time between samples, if the caller knows it already.

    Returns
    -------
    Closures
        Blinks and prolonged closures. A closure is prolonged if it is closed for over
        `LONGEST_BLINK_S` or below `close_ratio` for over `LONGEST_LOWERING_S`. Durations are only
        known to half a sampling interval, so the limit is exceeded by at least that.

    Raises
    ------
    ValueError
        Shapes differ, `times_s` is not strictly increasing, or `close_ratio` is not in (0, 1).
    """
    values = as_series(ratio, "ratio")
    times = as_times(times_s, values.size, "ratio")
    if not 0 < close_ratio < 1:
        raise ValueError(f"close_ratio is {close_ratio}, expected a share between 0 and 1")
    open_ratio = (close_ratio + 1) / 2
    # If a gap follows every sample, each sample can be a closure.
    intervals = np.empty((values.size, 2), dtype=np.int64)
    count = _find_closures(values, times, close_ratio, open_ratio, MAX_GAP_S, intervals)
    intervals = intervals[:count].copy()
    peak = np.empty(count, dtype=np.int64)
    measured, seen = np.empty((3, count)), np.empty((2, count), np.bool_)
    levels = np.array((close_ratio, open_ratio, CLOSED_DEPTH))
    _measure_closures(values, times, intervals, levels, MAX_GAP_S, peak, measured, seen)
    least_ratio, below_s, closed_s = measured

    prolonged = _are_prolonged(below_s, closed_s, times, interval_s)
    kind = np.where(prolonged, PROLONGED_CLOSURE, BLINK).astype(np.int8)
    # A dip seen in part may not have come from open eyes, or may not have returned to them.
    doubtful = (below_s < shortest_s - TIME_TOLERANCE_S) | ~seen.all(axis=0)
    kind[doubtful & (least_ratio >= DEEP_RATIO)] = NOISE
    found = Closures(intervals, peak, kind, least_ratio, closed_s, seen[0], seen[1])
    real = kind != NOISE
    return found if real.all() else found.select(real)


def _are_prolonged(
    below_s: Float64Array, closed_s: Float64Array, times_s: Float64Array, interval_s: float | None
) -> BoolArray:
    """Return for each closure (M,) whether it lasts longer than a blink can."""
    if interval_s is None:
        intervals_s = np.diff(times_s)
        everything = np.ones(intervals_s.size, np.bool_)
        interval_s = float(take_quantiles(intervals_s, everything, (0.5,))[1][0])
    # A single sample has no interval.
    resolution_s = interval_s / 2 if times_s.size > 1 else 0.0
    tolerance_s = min(resolution_s, MAX_GAP_S / 2) + TIME_TOLERANCE_S
    too_long: BoolArray = closed_s > LONGEST_BLINK_S + tolerance_s
    return too_long | (below_s > LONGEST_LOWERING_S + tolerance_s)


def compute_eye_amplitude(eye_ratio: ArrayLike, intervals: ArrayLike) -> Float64Array:
    """Compute the share of its opening by which each eye closes in each closure.

    Parameters
    ----------
    eye_ratio : array_like, shape (N, 2), float64
        Lid opening of the left and the right eye over its open baseline: 1 = open; NaN = missing.
    intervals : array_like, shape (M, 2), int64
        Half-open intervals of samples.

    Returns
    -------
    ndarray, shape (M, 2), float64
        1 minus the least ratio: 0 = stays open, 1 = no opening left; NaN where a sample is missing.

    Raises
    ------
    ValueError
        A shape is wrong, or an interval is empty or reaches beyond the samples.
    """
    ratios = _as_eye_ratio(eye_ratio)
    pairs = as_intervals(intervals, len(ratios))
    amplitude = np.empty((len(pairs), 2))
    _eye_amplitude(ratios, pairs, amplitude)
    return amplitude


def _as_eye_ratio(eye_ratio: ArrayLike) -> Float64Array:
    ratios = require(eye_ratio, np.float64)
    if ratios.ndim != 2 or ratios.shape[1] != 2:
        raise ValueError(f"eye_ratio has shape {ratios.shape}, expected (N, 2)")
    return ratios


def detect_winks(eye_ratio: ArrayLike, times_s: ArrayLike) -> tuple[Int64Array, Int64Array]:
    """Detect the times in which one eye alone is held closed.

    Parameters
    ----------
    eye_ratio : array_like, shape (N, 2), float64
        Lid opening of the left and the right eye over its open baseline: 1 = open; NaN = no face.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.

    Returns
    -------
    interval : ndarray, shape (M, 2), int64
        Half-open intervals of samples, in order. In each, one eye is closed by `WINK_DEPTH` or
        more, and the other by less than `WINK_ASYMMETRY` of that, for at least `SHORTEST_WINK_S`.
    eye : ndarray, shape (M,), int64
        `kernels.LEFT` or `kernels.RIGHT`, the eye that is closed.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.
    """
    ratios = _as_eye_ratio(eye_ratio)
    times = as_times(times_s, len(ratios), "eye_ratio")
    intervals = np.empty((len(ratios), 2), dtype=np.int64)
    eyes = np.empty(len(ratios), dtype=np.int64)
    limits = np.array((WINK_DEPTH, WINK_ASYMMETRY, SHORTEST_WINK_S - TIME_TOLERANCE_S))
    count = _find_winks(ratios, times, limits, MAX_GAP_S, intervals, eyes)
    return intervals[:count].copy(), eyes[:count].copy()


def mark_closures_in_winks(closures: Closures, winks: ArrayLike) -> BoolArray:
    """Mark the closures that belong to a wink, and are therefore no closures of both eyes.

    Parameters
    ----------
    closures : Closures
        Closures of the mean of both eyes.
    winks : array_like, shape (W, 2), int64
        From `detect_winks`.

    Returns
    -------
    ndarray, shape (M,), bool
        True where the closure begins during a wink, or where a wink covers at least half of its
        samples.
    """
    marked = np.zeros(len(closures.kind), dtype=np.bool_)
    for first, stop in np.asarray(winks, dtype=np.int64).reshape(-1, 2):
        begin, end = closures.interval[:, 0], closures.interval[:, 1]
        common = np.minimum(end, stop) - np.maximum(begin, first)
        marked |= ((first <= begin) & (begin < stop)) | (2 * common >= end - begin)
    return marked
