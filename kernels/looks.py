"""Looks: how often the gaze went to either end of its range, and how surely these ends are known.

Eyes that hold a position for seconds give many samples of one look. However many they are, they do
not show where the next look would have gone.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kernels._jit import kernel
from kernels.student import compute_student_quantile

LOOK_MARGIN = 0.25
"""A look begins once the gaze is within this share of the range from one of its ends.

Gaze between the two margins belongs to no look, so noise at the middle does not begin one.
"""
LOOK_SPREAD = 0.1
"""Standard deviation of a person's looks to one end, over their distance from the middle: assumed.

No recording at hand repeats the task. The looks of a recording replace it as they become many.
"""
LOOK_SPREAD_DEGREES = 4
"""Degrees of freedom that the assumed spread is worth."""
LOOK_SHORTFALL = 1.2816
"""How far one look may fall short of the range of all looks, in standard deviations of a look.

The range ends at the 95th percentile. Half of the looks go to that end, so it is the 90th
percentile of theirs. The shortfall goes down with the number of looks.
"""

Float64Array = NDArray[np.float64]


@kernel("void(f8[::1], f8, f8, f8[:,::1])")
def _sum_looks(values, top_line, bottom_line, sums):
    """Fill sums (2, 4) with the sums over the looks to the top (0) and to the bottom (1).

    With n values of mean x in a look, these are n, n^2, n x and n x^2. Values (N,) are in order of
    time. A look lasts until the values pass the other line; only those beyond its own line count.
    """
    sums[:] = 0.0
    end, size, total = -1, 0.0, 0.0
    for n in range(values.size + 1):
        beyond = -1
        if n < values.size:
            if values[n] <= top_line:
                beyond = 0
            elif values[n] >= bottom_line:
                beyond = 1
        if size > 0 and (n == values.size or (beyond >= 0 and beyond != end)):
            sums[end, 0] += size
            sums[end, 1] += size * size
            sums[end, 2] += total
            sums[end, 3] += total * total / size
            size, total = 0.0, 0.0
        if beyond >= 0:
            end = beyond
            size += 1.0
            total += values[n]


def compute_look_reach(
    values: Float64Array, top: float, bottom: float, *middles: float
) -> list[tuple[float, float]]:
    """Compute how far the 95 % intervals of a range's ends reach, from the looks to them.

    Parameters
    ----------
    values : ndarray, shape (N,), float64
        A gaze offset in order of time, without missing samples.
    top, bottom : float
        The ends of its range; `top` is the lower value, for up is negative.
    *middles : float
        Where looks begin. Their spread is taken to grow with the distance from it.

    Returns
    -------
    list of (float, float)
        For each middle, the reach of the top and of the bottom; 0 for a constant.

    Notes
    -----
    Looks are weighted by their length: a glitch is not worth as much as a look of seconds. With
    weights w that sum to 1, they are worth ``k = 1 / sum(w**2)`` looks. The variance of an end is
    the variance of one look times ``1 / k + (LOOK_SHORTFALL / k)**2``. That of one look combines
    its estimate, of ``k - 1`` degrees of freedom, with `LOOK_SPREAD`, which is worth
    `LOOK_SPREAD_DEGREES`. Student's quantile of all of them makes the interval.
    """
    range_ = bottom - top
    if not range_ > 0:
        return [(0.0, 0.0) for _ in middles]
    margin = LOOK_MARGIN * range_
    sums = np.empty((2, 4))
    _sum_looks(values, top + margin, bottom - margin, sums)
    of_top, of_bottom = sums.tolist()
    return [
        (_reach_of_end(of_top, top - middle), _reach_of_end(of_bottom, bottom - middle))
        for middle in middles
    ]


def _reach_of_end(sums: Sequence[float], distance: float) -> float:
    """Return the reach of one end, from the sums over its looks."""
    size, squares, total, total_squares = sums
    share, mean = squares / size**2, total / size
    # Rounding can make the variance of equal looks negative.
    variance = max(total_squares / size - mean**2, 0.0) / share
    variance += LOOK_SPREAD_DEGREES * (LOOK_SPREAD * distance) ** 2
    degrees = LOOK_SPREAD_DEGREES + 1 / share - 1
    std = math.sqrt(variance / degrees * (share + (LOOK_SHORTFALL * share) ** 2))
    # A whole number that rounding made a little smaller stays whole.
    return compute_student_quantile(int(degrees + 1e-9)) * std
