"""Quantiles of the values that are marked for use, in linear time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_kept
from kernels._jit import kernel

BINS = 256
"""Number of bins of the histogram that finds where in the sorted values a quantile lies.

The histogram fits the first-level cache, and a bin holds so few values that sorting them is cheap.
"""

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@kernel("i8(f8, f8, f8)")
def _bin(value, least, bins_per_unit):
    """Return the index of a value's bin; 0 if all values share one bin."""
    return int((value - least) * bins_per_unit) if bins_per_unit > 0 else 0


@kernel("i8(f8[::1], b1[::1], f8[::1], i8[::1], f8[::1], f8[::1])")
def _quantiles(values, keep, shares, counts, scratch, out):
    """Fill `out` (Q,) with the quantiles `shares` (Q,) of the finite values (N,) marked by `keep`.

    Return how many values these are; if none, `out` is NaN. `counts` (B,) and `scratch` (2 N,) are
    working memory.
    """
    size, bins = values.size, counts.size
    kept, least, most = 0, np.inf, -np.inf
    for n in range(size):
        value = values[n]
        if keep[n] and np.isfinite(value):
            scratch[kept] = value
            kept += 1
            least, most = min(least, value), max(most, value)
    if kept == 0:
        out[:] = np.nan
        return kept
    # Equal values, and values too close to divide by their distance, share one bin.
    bins_per_unit = (bins - 1) / (most - least) if most - least > 1e-300 else 0.0
    counts[:] = 0
    for n in range(kept):
        counts[_bin(scratch[n], least, bins_per_unit)] += 1
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
            bin_ = _bin(scratch[n], least, bins_per_unit)
            if first <= bin_ and bin_ <= last:
                scratch[size + inside] = scratch[n]
                inside += 1
        ordered = scratch[size : size + inside]
        ordered.sort()
        value = ordered[below - passed]
        out[q] = value + (rank - below) * (ordered[above - passed] - value)
    return kept


def take_quantiles(
    values: Float64Array, keep: BoolArray, shares: Sequence[float]
) -> tuple[int, Float64Array]:
    """Return the number of finite values that `keep` marks, and their quantiles.

    Arguments are not checked.
    """
    out = np.empty(len(shares))
    counts, scratch = np.empty(BINS, np.int64), np.empty(2 * values.size)
    return int(_quantiles(values, keep, np.array(shares), counts, scratch, out)), out


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
        The quantile for each share; NaN if there is no value to use.

    Raises
    ------
    ValueError
        Shapes differ, or a share is outside of [0, 1].
    """
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"shares are {tuple(shares)}, expected 0 to 1")
    return take_quantiles(*as_kept(values, keep), shares)[1]
