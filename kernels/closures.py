"""Eyelid closures: the open-eye baseline, hysteresis over irregular times, blink by blink."""

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
"""Each side's window of the local baseline: several times the longest blink.

Lids that stay lowered for over 1.2 windows are open eyes that look down.
"""
BASELINE_QUANTILE = 0.6
"""Of the lid openings in a window: open even when the eyes are shut for over half of it."""
TYPICAL_QUANTILE = 0.75
"""Of all lid openings of a recording: its typical open level."""
SHUT_RATIO = 0.5
"""Lid opening over the typical level below which lids are shut, not lowered with the gaze."""
CLOSED_DEPTH = 0.9
"""Share of a closure's amplitude from which the lids count as closed: the rise-time convention."""
LONGEST_BLINK_S = 0.5
"""A closure that stays closed for longer is prolonged: the lower limit of a microsleep."""
LONGEST_LOWERING_S = 1.0
"""So is one that stays below the closing threshold for longer, however briefly it is deepest."""
DEEP_RATIO = 0.5
"""Lid opening over baseline below which a closure is real, however short or cut off."""
COMPLETE_RATIO = 0.6
"""Lid opening over baseline at or below which a blink is complete.

FaceMesh keeps a slit between shut lids: the 143 closures that the ZJU set annotates as full read
0.08 to 0.59, the partial ones 0.68.
"""
WINK_DEPTH = 0.6
"""Share of its opening by which the closing eye of a wink is closed."""
WINK_ASYMMETRY = 0.5
"""In a wink the other eye is closed by less than this share of what the closing one is."""
SHORTEST_WINK_S = 0.3
"""One eye alone is closed for that long in a wink, which is held on purpose.

FaceMesh's two eyes of one blink can differ as much as in a wink (it moves the other eye along), but
not for that long: in the annotated recordings for 0.2 s at most.
"""
MAX_GAP_S = 0.5
"""Samples further apart are not joined: a whole blink fits between them."""

TIME_TOLERANCE_S = 1e-6
"""Durations that differ by less are equal: sums and differences of times are rounded."""

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Closures:
    """Closures in order of time; M of them.

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
        """Return the attributes in order."""
        arrays: tuple[NDArray[np.generic], ...] = _ATTRIBUTES(self)
        return arrays


_ATTRIBUTES = operator.attrgetter(*(field.name for field in fields(Closures)))


@kernel("i8(f8[::1], i8, f8, f8)")
def _replace(ordered, count, leaving, entering):
    """Let one value leave the first `count` of ordered (N,) and another enter; NaN is none.

    Return the new count. Only what lies between the two moves. Its indices are unsigned: Numba's
    check for negative ones would keep the move from being vectorised.
    """
    place, target = 0, 0
    for k in range(count):
        place += ordered[k] < leaving
        target += ordered[k] < entering
    if np.isnan(leaving):
        place = count
        count += not np.isnan(entering)
    if np.isnan(entering):
        count -= not np.isnan(leaving)
        for k in range(place, count):
            ordered[np.uint64(k)] = ordered[np.uint64(k + 1)]
        return count
    if target <= place:
        for k in range(place, target, -1):
            ordered[np.uint64(k)] = ordered[np.uint64(k - 1)]
    else:
        target -= 1
        for k in range(place, target):
            ordered[np.uint64(k)] = ordered[np.uint64(k + 1)]
    ordered[target] = entering
    return count


@kernel("f8(f8[::1], i8, i8, f8, f8, f8)")
def _typical(ordered, count, samples, span_s, window_s, quantile):
    """Quantile of the first `count` of ordered (N,), NaN where they are too little to tell.

    Too little: under half of the window's samples, or a window that the end of the recording cuts
    to under a half.
    """
    if span_s < window_s / 2 or 2 * count < samples:
        return np.nan
    place = quantile * (count - 1)
    below = int(place)
    above = min(below + 1, count - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


@kernel("void(f8[::1], f8[::1], f8, f8, f8[::1], f8[::1], f8[::1])")
def _window_quantiles(values, times_s, window_s, quantile, ordered, before, after):
    """Fill before and after (N,) with quantiles of values (N,) over (t - window_s, t] and
    [t, t + window_s); NaN where too little of a window holds values. Scratch ordered (N,).

    The windows before and after are much the same, so that one window that slides once over the
    samples is both in turn; ordered holds its values, in order.
    """
    count, stop, end, back, size = 0, 0, 0, 0, values.size
    for start in range(size):
        leaving = values[start - 1] if start > 0 else np.nan
        while end < size and times_s[end] < times_s[start] + window_s:
            end += 1
        told = False
        while True:
            is_before = back < size and times_s[start] > times_s[back] - window_s
            # At a distance of the window to the last bit, rounding may take a sample for one of
            # the window before but not of that after.
            if not told and (not is_before or back >= end):
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
            if not told and (not is_before or back >= end):
                after[start] = typical
                told = True
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


@kernel("i8(f8[:,::1], f8[::1], f8, f8, f8, f8, i8[:,::1], i8[::1])")
def _find_winks(ratio, times_s, depth, asymmetry, shortest_s, max_gap_s, intervals, eyes):
    """Fill intervals (M, 2) and eyes (M,) of the runs in which one eye of ratio (N, 2) is closed.

    Return M. A run lasts until the sample after it, unless that is a gap away.
    """
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


@kernel(
    "void(f8[::1], f8[::1], i8[:,::1], f8, f8, f8, f8,"
    " i8[::1], f8[::1], f8[::1], f8[::1], b1[::1], b1[::1])"
)
def _measure_closures(
    ratio,
    times_s,
    intervals,
    close,
    open_,
    closed_depth,
    max_gap_s,
    peak,
    least_ratio,
    below_s,
    closed_s,
    onset_seen,
    offset_seen,
):
    """Fill peak, depth and durations of intervals (M, 2)."""
    for m in range(intervals.shape[0]):
        start, stop = intervals[m]
        lowest = start
        for n in range(start, stop):
            if ratio[n] < ratio[lowest]:
                lowest = n
        peak[m] = lowest
        least_ratio[m] = ratio[lowest]
        # Below the closing threshold: each sample lasts until the next one, the last one of a
        # recording or of a run up to a gap as long as the one before it.
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
    """Fill out (M, 2) with 1 less the least of eye_ratio (N, 2) in intervals (M, 2)."""
    for m in range(intervals.shape[0]):
        for eye in range(2):
            least = np.inf
            for n in range(intervals[m, 0], intervals[m, 1]):
                # What is missing once is not known.
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
        The `TYPICAL_QUANTILE` quantile; NaN without a value. Right as long as the eyes are open for
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
    The lower of two quantiles, one over the window before and one over the window after the frame:
    when the gaze goes down, the lids follow within a frame and stay, which is one side only; a
    blink leaves both sides as they are. Lids at under `SHUT_RATIO` of the typical level are shut,
    for however long, and left out.
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

    A closure is a run of samples below the opening threshold, halfway between `close_ratio` and
    the open eye, that goes below `close_ratio`. A missing face, or a gap of over `MAX_GAP_S`
    between samples, ends it.

    Parameters
    ----------
    ratio : array_like, shape (N,), float64
        Lid opening over its open baseline: 1 = open; NaN = no face.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    close_ratio : float
        Closing threshold; in (0, 1).
    shortest_s : float
        A closure that is below `close_ratio` for less time, or whose beginning or end is not seen,
        is noise unless it goes below `DEEP_RATIO`.
    interval_s : float, optional
        Median time between samples, where it is known already.

    Returns
    -------
    Closures
        Blinks and, where the lids stay closed for over `LONGEST_BLINK_S` or lowered for over
        `LONGEST_LOWERING_S`, prolonged closures. Both by at least half of the typical time between
        samples, to which durations are known.

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
    # Where every sample is a gap apart, each can be a closure.
    intervals = np.empty((values.size, 2), dtype=np.int64)
    count = _find_closures(values, times, close_ratio, open_ratio, MAX_GAP_S, intervals)
    intervals = intervals[:count].copy()
    peak = np.empty(count, dtype=np.int64)
    least_ratio, below_s, closed_s = np.empty(count), np.empty(count), np.empty(count)
    onset_seen, offset_seen = np.empty(count, np.bool_), np.empty(count, np.bool_)
    levels = (close_ratio, open_ratio, CLOSED_DEPTH, MAX_GAP_S)
    outputs = (peak, least_ratio, below_s, closed_s, onset_seen, offset_seen)
    _measure_closures(values, times, intervals, *levels, *outputs)

    if interval_s is None:
        intervals_s = np.diff(times)
        everything = np.ones(intervals_s.size, np.bool_)
        interval_s = float(take_quantiles(intervals_s, everything, (0.5,))[1][0])
    # A single sample has none.
    resolution_s = interval_s / 2 if times.size > 1 else 0.0
    tolerance_s = min(resolution_s, MAX_GAP_S / 2) + TIME_TOLERANCE_S
    prolonged = (closed_s > LONGEST_BLINK_S + tolerance_s) | (
        below_s > LONGEST_LOWERING_S + tolerance_s
    )
    kind = np.where(prolonged, PROLONGED_CLOSURE, BLINK).astype(np.int8)
    # Of a dip that is seen in part it is not known whether the lids came from open, or went there.
    doubtful = (below_s < shortest_s - TIME_TOLERANCE_S) | ~(onset_seen & offset_seen)
    kind[doubtful & (least_ratio >= DEEP_RATIO)] = NOISE
    found = Closures(intervals, peak, kind, least_ratio, closed_s, onset_seen, offset_seen)
    real = kind != NOISE
    return found if real.all() else found.select(real)


def compute_eye_amplitude(eye_ratio: ArrayLike, intervals: ArrayLike) -> Float64Array:
    """Compute by how much of its opening each eye is closed in each closure.

    Parameters
    ----------
    eye_ratio : array_like, shape (N, 2), float64
        Lid opening of the left and the right eye over its open baseline: 1 = open; NaN = missing.
    intervals : array_like, shape (M, 2), int64
        Half-open intervals of samples.

    Returns
    -------
    ndarray, shape (M, 2), float64
        1 less the least ratio: 0 = stays open, 1 = no opening left; NaN where one is missing.

    Raises
    ------
    ValueError
        A shape is not that, or `intervals` holds an empty one or others than samples.
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
        Half-open intervals of samples, in order: one eye is closed by `WINK_DEPTH` or more and the
        other by less than `WINK_ASYMMETRY` of that, for `SHORTEST_WINK_S` or longer.
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
    limits = (WINK_DEPTH, WINK_ASYMMETRY, SHORTEST_WINK_S - TIME_TOLERANCE_S, MAX_GAP_S)
    count = _find_winks(ratios, times, *limits, intervals, eyes)
    return intervals[:count].copy(), eyes[:count].copy()


def mark_closures_in_winks(closures: Closures, winks: ArrayLike) -> BoolArray:
    """Mark the closures that belong to a wink: no closures of both eyes.

    Parameters
    ----------
    closures : Closures
        Of the mean of both eyes.
    winks : array_like, shape (W, 2), int64
        From `detect_winks`.

    Returns
    -------
    ndarray, shape (M,), bool
        True where a wink is on when the closure begins, or lasts for half of the closure or more,
        in samples.
    """
    marked = np.zeros(len(closures.kind), dtype=np.bool_)
    for first, stop in np.asarray(winks, dtype=np.int64).reshape(-1, 2):
        begin, end = closures.interval[:, 0], closures.interval[:, 1]
        common = np.minimum(end, stop) - np.maximum(begin, first)
        marked |= ((first <= begin) & (begin < stop)) | (2 * common >= end - begin)
    return marked
