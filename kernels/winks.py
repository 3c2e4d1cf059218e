"""Find winks: times for which one eye alone is held closed."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_eye_ratio, as_times
from kernels._jit import kernel
from kernels.closures import Closures
from kernels.opening import MAX_GAP_S, TIME_TOLERANCE_S

WINK_DEPTH = 0.6
"""The closing eye of a wink is closed by at least this share of its opening."""
WINK_ASYMMETRY = 0.5
"""The other eye of a wink is closed by less than this share of what the closing eye is."""
SHORTEST_WINK_S = 0.3
"""A wink is held on purpose: one eye alone stays closed for at least this long.

FaceMesh moves both eyes together, so they differ little in a wink, and may differ as much in a
blink. In the annotated recordings, they do so for 0.2 s at most.
"""

BoolArray = NDArray[np.bool_]
Int64Array = NDArray[np.int64]


@kernel("i8(f8[:,::1], f8[::1], f8[::1], f8, i8[:,::1], i8[::1])")
def _find_winks(ratio, times_s, limits, max_gap_s, intervals, eyes):
    """Find the winks in ratio (N, 2); return their number M.

    ratio is the opening of the left and the right eye, each divided by that when it is open; NaN
    without a face. In each sample of a wink, one eye is closed by limits[0] (`WINK_DEPTH`) of its
    opening or more, and the other by less than limits[1] (`WINK_ASYMMETRY`) times what the first
    one is. Fill the first M rows of intervals (N, 2) with a wink's samples [start, stop), and those
    of eyes (N,) with the column of the closed eye: 0 is left. A wink lasts for limits[2] seconds or
    more: until the first sample after it, or until its last sample if a gap of more than max_gap_s
    or the end of the recording follows.
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
        Samples [start, stop) of each wink, in order of time. In all of them, the same eye is closed
        by `WINK_DEPTH` of its opening or more, and the other one by less than `WINK_ASYMMETRY`
        times what the first one is. A wink lasts for at least `SHORTEST_WINK_S` seconds.
    eye : ndarray, shape (M,), int64
        `kernels.LEFT` (0) or `kernels.RIGHT` (1), the eye that is closed.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.
    """
    ratios = as_eye_ratio(eye_ratio)
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
        Closures of the mean of both eyes: M of them, of the same samples.
    winks : array_like, shape (W, 2), int64
        Samples [start, stop) of each wink, from `detect_winks`.

    Returns
    -------
    ndarray, shape (M,), bool
        True where the closure begins at a sample of a wink or at the one right after it, or where
        one wink covers at least half of the closure's samples.
    """
    marked = np.zeros(len(closures.kind), dtype=np.bool_)
    for first, stop in np.asarray(winks, dtype=np.int64).reshape(-1, 2):
        begin, end = closures.interval[:, 0], closures.interval[:, 1]
        common = np.minimum(end, stop) - np.maximum(begin, first)
        marked |= ((first <= begin) & (begin <= stop)) | (2 * common >= end - begin)
    return marked
