"""Quantiles of the values that are marked for use, in linear time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_kept
from kernels._jit import kernel

BINS = 256
"""Number of bins of the histogram that finds where in the sorted values a quantile lies.

A bin's number is a single byte, and a bin holds so few values that selecting one of them is cheap.
"""
SAMPLE = 64
"""Number of values that tell where to put the bins.

Their quantiles are near those of all values. Bins between them are narrow, whatever the outliers.
"""
MARGIN = 0.2
"""The bins reach beyond the sample's own quantiles by this share of the sample.

A quantile's rank in a sample of this size has a standard deviation of 0.06 of it, at most.
"""

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@kernel("f8(f8[::1], i8)")
def _select(values, rank):
    """Return the value that would have index `rank` if values (N,), without NaN, were sorted.

    The values are reordered in place: afterwards, no value before that index is larger, and none
    after it is smaller. Indices are unsigned, because Numba checks signed ones for being negative.
    """
    first, last = 0, values.size - 1
    while first < last:
        pivot = values[np.uint64((first + last) // 2)]
        i, j = first, last
        while i <= j:
            while values[np.uint64(i)] < pivot:
                i += 1
            while values[np.uint64(j)] > pivot:
                j -= 1
            if i <= j:
                swapped = values[np.uint64(i)]
                values[np.uint64(i)] = values[np.uint64(j)]
                values[np.uint64(j)] = swapped
                i += 1
                j -= 1
        if rank <= j:
            last = j
        elif rank >= i:
            first = i
        else:
            break
    return values[rank]


@kernel("void(f8[::1], b1[::1], f8[::1], f8[::1], f8[::1], f8[::1])")
def _place_bins(values, keep, shares, settings, sample, place):
    """Tell where a histogram needs its bins: around the quantiles that are looked for.

    Fill `place` (2,) with the least value of the first bin, and the number of bins per unit of the
    values. Up to settings[1] of the values (N,), at equal steps, are looked at: those that are
    finite and marked by `keep` show about where the quantiles `shares` (Q,), each in [0, 1], lie.
    Both numbers are 0 if there are none, or if they are so close or so far apart that nothing can
    be divided by their distance: all values then share one bin. There are settings[0] bins, which
    reach beyond those quantiles by the share settings[2] of what was looked at. `sample` (N,) is
    working memory.
    """
    place[:] = 0.0
    taken = 0
    for n in range(0, values.size, values.size // int(settings[1]) + 1):
        if keep[n] and np.isfinite(values[n]):
            sample[taken] = values[n]
            taken += 1
    if taken == 0:
        return
    ordered, lowest, highest = sample[:taken], 1.0, 0.0
    ordered.sort()
    for share in shares:
        lowest, highest = min(lowest, share - settings[2]), max(highest, share + settings[2])
    least = ordered[max(int(lowest * taken), 0)]
    span = ordered[min(int(highest * taken) + 1, taken - 1)] - least
    if 1e-300 < span < np.inf:
        place[0], place[1] = least, (settings[0] - 1) / span


@kernel("i8(f8[::1], b1[::1], f8[::1], f8[::1], i8[::1], u1[::1], f8[::1], f8[::1])")
def _quantiles(values, keep, shares, settings, counts, bins, scratch, out):
    """Fill `out` (Q,) with the quantiles `shares` (Q,) of the finite values (N,) marked by `keep`.

    A share is in [0, 1]; 0.5 gives the median. Quantiles are interpolated linearly between
    neighbouring values. Return how many values these are; if none, `out` is NaN. `settings` (3,)
    are those of `_place_bins`; they do not change the result. `counts` (`BINS`,), `bins` (N,) and
    `scratch` (2 N + 3,) are working memory.
    """
    size, last_bin = values.size, float(counts.size - 1)
    place = scratch[2 * size + 1 :]
    _place_bins(values, keep, shares, settings, scratch, place)
    least, bins_per_unit = place[0], place[1]
    counts[:] = 0
    kept = 0
    for n in range(size):
        value = values[n]
        if keep[n] and np.isfinite(value):
            bin_ = np.uint8(min(max((value - least) * bins_per_unit, 0.0), last_bin))
            scratch[np.uint64(kept)] = value
            bins[np.uint64(kept)] = bin_
            counts[np.uint64(bin_)] += 1
            kept += 1
    if kept == 0:
        out[:] = np.nan
        return kept
    for q in range(shares.size):
        rank = shares[q] * (kept - 1)
        below = int(rank)
        above = min(below + 1, kept - 1)
        # The bins that hold these two order statistics.
        first, passed = 0, 0
        while passed + counts[first] <= below:
            passed += counts[first]
            first += 1
        last, reached = first, passed + counts[first]
        while reached <= above:
            last += 1
            reached += counts[last]
        inside = 0
        for n in range(kept):
            # Write first, and count only what is inside: a branch would be mispredicted.
            scratch[np.uint64(size + inside)] = scratch[np.uint64(n)]
            inside += (bins[np.uint64(n)] >= first) & (bins[np.uint64(n)] <= last)
        part = scratch[size : size + inside]
        value = _select(part, below - passed)
        next_ = value if above == below else np.inf
        for n in range(above - passed, inside):
            next_ = min(next_, part[n])
        out[q] = value + (rank - below) * (next_ - value)
    return kept


_SETTINGS = np.array((BINS, SAMPLE, MARGIN))


def take_quantiles(
    values: Float64Array, keep: BoolArray, shares: Sequence[float]
) -> tuple[int, Float64Array]:
    """Return the number of finite values (N,) that `keep` (N,) marks, and their quantiles (Q,).

    shares has Q numbers from 0 to 1, in any order; 0.5 gives the median. Quantiles are interpolated
    linearly between neighbouring values. If no finite value is marked, the number is 0 and the
    quantiles are NaN. The arguments are not checked; `compute_quantiles` checks them.
    """
    size, out = values.size, np.empty(len(shares))
    counts, bins, scratch = (
        np.empty(BINS, np.int64),
        np.empty(size, np.uint8),
        np.empty(2 * size + 3),
    )
    return int(
        _quantiles(values, keep, np.array(shares), _SETTINGS, counts, bins, scratch, out)
    ), out


def compute_quantiles(values: ArrayLike, keep: ArrayLike, shares: Sequence[float]) -> Float64Array:
    """Compute quantiles, interpolated linearly between neighbouring values.

    Parameters
    ----------
    values : array_like, shape (N,), float64
        NaN or infinity = missing.
    keep : array_like, shape (N,), bool
        True for the values to use.
    shares : sequence of float, length Q
        The quantiles to compute, in [0, 1]: 0.5 is the median.

    Returns
    -------
    ndarray, shape (Q,), float64
        The quantile for each share, in the order of `shares`; NaN if there is no value to use.

    Raises
    ------
    ValueError
        Shapes differ, or a share is outside of [0, 1].
    """
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"shares are {tuple(shares)}, expected 0 to 1")
    return take_quantiles(*as_kept(values, keep), shares)[1]
