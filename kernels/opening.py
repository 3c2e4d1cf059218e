"""How far the lids are open: the level of the open eye around each frame, and its noise."""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_series, as_times
from kernels._jit import kernel
from kernels.quantiles import take_quantiles

LEVEL_WINDOW_S = 1.0
"""Length of the windows of which one at least holds the open eye around a blink.

A spontaneous blink lasts 0.1 to 0.4 s, the longest of the ZJU set's slowest person 0.65 s. What
lasts longer than `LEVEL_QUANTILE` of the window is no blink: it becomes the level.
"""
LEVEL_QUANTILE = 0.9
"""Quantile of a window's lid openings that is the open eye's.

It is nearly the maximum: the lids of a blink may be down for most of a window. A tenth of the
samples is left out, for single ones jump up.
"""
TYPICAL_QUANTILE = 0.75
"""Quantile of all lid openings of a recording that is its typical open level."""
SHUT_RATIO = 0.5
"""Lids are shut, or lowered far, below this share of the typical opening.

The lids that follow the gaze 40 degrees down leave 0.66 of the opening.
"""
STEADY_RATIO = 0.875
"""Samples above this share of the level are open: their changes are noise, not closures.

Halfway between the default closing threshold and the open eye. It is no parameter, so that the
noise does not depend on the threshold.
"""
VARIATION_S = 0.1
"""Time over which the open lids' own variation is measured: that of a blink's fall."""
VARIATION_QUANTILE = 0.8
"""Quantile of the changes over that time from which their standard deviation is taken.

Lids move with talk and glances in bursts. A median would not see them in half of the time.
"""
NOMINAL_VARIATION = 0.02
"""Variation where too few samples tell it: the median of the 54 annotated recordings."""
LEAST_CHANGES = 10
"""Fewest changes from which noise is measured."""
TIME_TOLERANCE_S = 1e-6
"""Durations that differ by less are equal, because sums and differences of times are rounded."""
MAX_GAP_S = 0.5
"""Samples further apart are not joined, because a whole blink fits between them."""

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

_NORMAL_CHANGE = NormalDist().inv_cdf((1 + VARIATION_QUANTILE) / 2) * 2**0.5


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


@kernel("void(f8[::1], f8[::1], f8[::1], f8, f8[::1], f8[::1])")
def _open_level(values, times_s, window, max_gap_s, ordered, level):
    """Fill level (N,) with the least quantile of the windows that hold a sample; inf without one.

    window (2,) is its length and the quantile. A window begins at a sample, passes no gap, is
    covered whole, each sample lasting as long as its mean one, and at least half of its samples
    have a value. Scratch ordered (N,) holds the window's values, sorted.
    """
    length_s, quantile = window
    size, count, stop = values.size, 0, 0
    level[:] = np.inf
    for start in range(size):
        # The sample before leaves as the first one enters: that moves the values between them only.
        leaving = values[start - 1] if start > 0 else np.nan
        if stop <= start:
            # A gap ended the window before this sample.
            stop, count, leaving = start, 0, np.nan
        end_s = times_s[start] + length_s
        while (
            stop < size
            and times_s[stop] < end_s
            and (stop == start or times_s[stop] - times_s[stop - 1] <= max_gap_s)
        ):
            count = _replace(ordered, count, leaving, values[stop])
            leaving = np.nan
            stop += 1
        if not np.isnan(leaving):
            count = _replace(ordered, count, leaving, np.nan)
        ends_beyond = stop < size and times_s[stop] - times_s[stop - 1] <= max_gap_s
        samples, span_s = stop - start, times_s[stop - 1] - times_s[start]
        if not ends_beyond and span_s * samples < length_s * (samples - 1):
            continue
        if samples == 1 or count == 0 or 2 * count < samples:
            continue
        rank = quantile * (count - 1)
        below = int(rank)
        above = min(below + 1, count - 1)
        value = ordered[below] + (rank - below) * (ordered[above] - ordered[below])
        for n in range(start, stop):
            level[n] = min(level[n], value)


@kernel("i8(f8[::1], f8[::1], f8[::1], f8, f8, f8[::1])")
def _lid_changes(ear, level, times_s, steady, lag_s, changes):
    """Fill the first of changes (N,) with those of the open lids; return how many there are.

    A change is that of ear over level (N,) from a sample to the one nearest to `lag_s` later, if
    that is less than twice the lag.
    """
    size, later, count = ear.size, 0, 0
    for n in range(size):
        # NaN compares as not above.
        if not ear[n] > steady * level[n]:
            continue
        due_s = times_s[n] + lag_s
        later = max(later, n + 1)
        while later < size and times_s[later] < due_s:
            later += 1
        if later == size:
            break
        k = later
        if k - 1 > n and due_s - times_s[k - 1] < times_s[k] - due_s:
            k -= 1
        if ear[k] > steady * level[k] and times_s[k] - times_s[n] <= 2 * lag_s:
            changes[count] = np.abs(ear[k] / level[k] - ear[n] / level[n])
            count += 1
    return count


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


def compute_open_level(ear: ArrayLike, times_s: ArrayLike) -> Float64Array:
    """Compute the EAR from which the lids fall in a blink, around each frame.

    Parameters
    ----------
    ear : array_like, shape (N,), float64
        Eye aspect ratio; NaN = no face.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.

    Returns
    -------
    ndarray, shape (N,), float64
        NaN only where the whole recording has no value.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.

    Notes
    -----
    The morphological closing of the signal, with a high quantile in place of the maximum: of all
    windows of `LEVEL_WINDOW_S` that hold a frame, the one whose `LEVEL_QUANTILE` is least. What is
    shorter than the window, such as a blink, does not lower it. What lasts longer is the level
    itself: lids that follow the gaze down, a head that turned, a smile. Unlike a running mean or
    median, it does not foresee a change. Where no window is whole, it is the typical opening.
    """
    values = as_series(ear, "ear")
    times = as_times(times_s, values.size, "ear")
    window = np.array((LEVEL_WINDOW_S - TIME_TOLERANCE_S, LEVEL_QUANTILE))
    ordered, level = np.empty((2, values.size))
    _open_level(values, times, window, MAX_GAP_S, ordered, level)
    unknown = np.isinf(level)
    if unknown.any():
        level[unknown] = compute_typical_opening(values)
    return level


def compute_lid_noise(ear: ArrayLike, level: ArrayLike, times_s: ArrayLike) -> float:
    """Compute how far the open lids vary without closing.

    Parameters
    ----------
    ear : array_like, shape (N,), float64
        Eye aspect ratio; NaN = no face.
    level : array_like, shape (N,), float64
        From `compute_open_level`.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.

    Returns
    -------
    float
        Standard deviation of the lid opening over `VARIATION_S`, as a share of the level.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.
    """
    values, open_level = as_series(ear, "ear"), as_series(level, "level")
    times = as_times(times_s, values.size, "ear")
    if open_level.shape != values.shape:
        raise ValueError(f"ear and level have shapes {values.shape} and {open_level.shape}")
    changes = np.empty(values.size)
    count = _lid_changes(values, open_level, times, STEADY_RATIO, VARIATION_S, changes)
    if count < LEAST_CHANGES:
        return NOMINAL_VARIATION
    everything = np.ones(count, np.bool_)
    _, (change,) = take_quantiles(changes[:count], everything, (VARIATION_QUANTILE,))
    return float(change / _NORMAL_CHANGE)
