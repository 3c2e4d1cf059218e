"""The EAR of a person's open eyes around each frame, and how much it varies by noise alone.

The EAR (eye aspect ratio) is the height of the lid opening divided by the width of the eye.
"""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_series, as_times
from kernels._jit import kernel
from kernels.quantiles import take_quantiles

LEVEL_WINDOW_S = 1.0
"""Length of a window. Of the windows around a blink, at least one shows the open eye.

A spontaneous blink lasts 0.1 to 0.4 s, the longest of the ZJU set's slowest person 0.65 s. What
lasts longer than `LEVEL_QUANTILE` of the window is no blink: it becomes the level.
"""
LEVEL_QUANTILE = 0.9
"""Quantile of a window's lid openings that is the open eye's.

It is nearly the maximum, because the lids of a blink may be down for most of a window. A tenth of
the samples is left out, because single ones jump up.
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
"""How far open lids vary is measured over this time, because a blink's fall takes as long."""
VARIATION_QUANTILE = 0.8
"""Quantile of the changes over that time from which their standard deviation is taken.

Lids move with talk and glances in bursts. A median would miss bursts that fill less than half of
the time.
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


@kernel("i8(f8[::1], i8, f8)")
def _insert(largest, held, value):
    """Insert a value into the sorted list that the first `held` numbers of largest (N,) are.

    The list decreases, and needs room for one more number. Return its new length, held + 1. Indices
    are unsigned, because Numba checks signed ones for being negative.
    """
    k = held
    while k > 0 and largest[np.uint64(k - 1)] < value:
        largest[np.uint64(k)] = largest[np.uint64(k - 1)]
        k -= 1
    largest[np.uint64(k)] = value
    return held + 1


@kernel("i8(f8[::1], i8, f8)")
def _remove(largest, held, value):
    """Remove a value from the list that `_insert` fills, if it is there; return the new length.

    The list is the first `held` numbers of largest (N,). It holds the largest values of a window,
    in decreasing order. The value must be one of the window's: if it is below the last one in the
    list, it is not in it, and nothing is removed.
    """
    if held == 0 or value < largest[np.uint64(held - 1)]:
        return held
    leaving = value
    for k in range(held - 1, -1, -1):
        # Move the values up from the end, until the one that leaves is passed.
        moved = largest[np.uint64(k)]
        largest[np.uint64(k)] = leaving
        leaving = moved
        if moved == value:
            break
    return held - 1


@kernel("i8(f8[::1], i8, f8[::1])")
def _take_largest(values, most, largest):
    """Fill the start of largest (N,) with up to `most` of the largest of values (N,).

    They are in decreasing order; NaN is left out. Return how many they are: fewer than `most` if
    there are fewer values. largest needs room for one number more than they are.
    """
    held = 0
    for value in values:
        # NaN compares as not above.
        if value >= -np.inf and (held < most or value > largest[held - 1]):
            held = min(_insert(largest, held, value), most)
    return held


@kernel("void(f8[::1], f8[::1], f8[::1], f8, f8[:,::1], i8[::1], f8[::1])")
def _open_level(values, times_s, window, max_gap_s, scratch, stops, level):
    """Fill level (N,): for each sample, the least quantile of all windows that hold the sample.

    values (N,) are the eye aspect ratio, NaN without a face; the quantile is that of a window's
    values. The level is infinite where no window that counts holds the sample. window (2,) holds a
    window's length in seconds and which quantile is taken, 0 to 1. A window begins at a sample. It
    counts if it has two samples or more, they cover its whole length without a gap of more than
    max_gap_s, and at least half of them have a value. A window is also covered if its last sample
    would reach its end by lasting for the mean time between its samples.

    scratch (2, N + 1) and stops (N,) are working memory. scratch[0] holds the largest values of the
    window, sorted. scratch[1] holds the quantiles of earlier windows that may still be the least,
    and stops holds the samples at which these windows end.
    """
    largest, quantiles = scratch[0], scratch[1]
    length_s, quantile = window
    # The quantile of a window needs only its few largest values. Some more are held, because some
    # leave the window as it moves on.
    size, count, held, most, stop = values.size, 0, 0, 0, 0
    # Quantiles from head to tail increase, and so do the stops of their windows.
    head, tail = 0, 0
    for start in range(size):
        if stop <= start:
            # A gap ended the window before this sample.
            stop, count, held, most = start, 0, 0, 0
        elif start > 0 and not np.isnan(values[start - 1]):
            count -= 1
            held = _remove(largest, held, values[start - 1])
        end_s = times_s[start] + length_s
        while (
            stop < size
            and times_s[stop] < end_s
            and (stop == start or times_s[stop] - times_s[stop - 1] <= max_gap_s)
        ):
            if not np.isnan(values[stop]):
                count += 1
                if held > 0 and values[stop] > largest[held - 1]:
                    held = min(_insert(largest, held, values[stop]), most)
            stop += 1
        ends_beyond = stop < size and times_s[stop] - times_s[stop - 1] <= max_gap_s
        samples, span_s = stop - start, times_s[stop - 1] - times_s[start]
        covered = ends_beyond or span_s * samples >= length_s * (samples - 1)
        if covered and samples > 1 and count > 0 and 2 * count >= samples:
            rank = quantile * (count - 1)
            below = int(rank)
            above = min(below + 1, count - 1)
            if held < count - below:
                most = min(2 * (count - below) + 2, count)
                held = _take_largest(values[start:stop], most, largest)
            low, high = largest[count - 1 - below], largest[count - 1 - above]
            value = low + (rank - below) * (high - low)
            while tail > head and quantiles[tail - 1] >= value:
                tail -= 1
            quantiles[tail], stops[tail] = value, stop
            tail += 1
        while head < tail and stops[head] <= start:
            head += 1
        level[start] = quantiles[head] if head < tail else np.inf


@kernel("i8(f8[::1], f8[::1], f8[::1], f8, f8, f8[::1])")
def _lid_changes(ear, level, times_s, steady, lag_s, changes):
    """Measure how far open lids move within `lag_s` seconds: fill changes (N,) from its start.

    Return the number of changes. ear (N,) is the eye aspect ratio, NaN without a face, and level
    (N,) that of the open eye. A change is the absolute difference of the ratio ear / level between
    a sample and the one nearest to `lag_s` later. There is at most one for each sample: it counts
    if the two are at most twice `lag_s` apart and the ratio is above `steady` at both, so that the
    lids are open.
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
        The `TYPICAL_QUANTILE` quantile (0.75) of the finite values; NaN without one. It is right if
        the eyes are open for more than a quarter of the recording.
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
        The level in each frame, also in frames without a face. If the recording has no value at
        all, it is NaN everywhere.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.

    Notes
    -----
    The level at a frame is the least `LEVEL_QUANTILE` quantile of EAR of all windows of
    `LEVEL_WINDOW_S` that hold the frame: a morphological closing with a high quantile in place of
    the maximum. A fall that is shorter than the window, such as a blink, does not lower it. What
    lasts longer does: lids that follow the gaze down, a head that turned, a smile. Unlike a running
    mean or median, the level does not begin to change before the EAR does. A window does not count
    if it is cut short by the recording's end or by more than `MAX_GAP_S` without samples, or if
    fewer than half of its samples have a value. Where no window counts, the level is
    `compute_typical_opening`.
    """
    values = as_series(ear, "ear")
    times = as_times(times_s, values.size, "ear")
    window = np.array((LEVEL_WINDOW_S - TIME_TOLERANCE_S, LEVEL_QUANTILE))
    scratch, level = np.empty((2, values.size + 1)), np.empty(values.size)
    stops = np.empty(values.size, np.int64)
    _open_level(values, times, window, MAX_GAP_S, scratch, stops, level)
    unknown = np.isinf(level)
    if unknown.any():
        level[unknown] = compute_typical_opening(values)
    return level


def compute_lid_noise(ear: ArrayLike, level: ArrayLike, times_s: ArrayLike) -> float:
    """Compute how much the opening of open lids varies, by noise and small movements.

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
        Standard deviation of the opening of open lids in one frame, as a share of the level. It is
        computed from how much the opening changes within `VARIATION_S` seconds. If fewer than
        `LEAST_CHANGES` such changes are seen, it is `NOMINAL_VARIATION`, a typical person's.

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
