"""Compute from a person's looks how exactly the ends of a gaze range are known.

A look is a time for which the gaze stays near one end of its range. Eyes that hold a position for
seconds give many samples of one look. However many they are, they do not show where the next look
would have gone.
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
"""Assumed standard deviation of a person's looks to one end, as a share of that end's distance from
the middle.

No recording at hand repeats the task. The looks of a recording replace it as they become many.
"""
LOOK_SPREAD_DEGREES = 4
"""The assumed spread counts as if it had been measured with this many degrees of freedom."""
LOOK_SHORTFALL = 1.2816
"""How far one look may fall short of the range of all looks, in standard deviations of a look.

The range ends at the 95th percentile. Half of the looks go to that end, so it is the 90th
percentile of theirs. The shortfall goes down with the number of looks.
"""

Float64Array = NDArray[np.float64]


@kernel("void(f8[::1], f8, f8, f8[:,::1])")
def _sum_looks(values, top_line, bottom_line, sums):
    """Sum up the looks to each end of the gaze range: fill sums (2, 4).

    Row 0 is for the top and row 1 for the bottom. values (N,) are gaze offsets in order of time,
    without NaN; up is negative. A look to the top begins with a value at or below top_line, and
    lasts until a value is at or above bottom_line. A look to the bottom is the reverse. Only values
    beyond a look's own line count: n of them, with the mean x. The columns are the sums of n, n^2,
    n x and n x^2 over the looks; 0 where there are none.
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
    """Compute how far the 95 % intervals of the two ends of a gaze range reach to either side.

    A look is a time for which the gaze stays near one end of the range. The intervals say where the
    ends could have been if the person had looked again.

    Parameters
    ----------
    values : ndarray, shape (N,), float64
        A vertical gaze offset in eye widths, in order of time, without missing samples.
    top, bottom : float
        The ends of its range: its 5th and 95th percentile. `top` is the lower value, for up is
        negative.
    *middles : float
        Offsets from which looks are assumed to start, in eye widths, one for each result. The
        assumed spread of the looks to an end grows with the distance of this end from the middle.

    Returns
    -------
    list of (float, float)
        For each middle, half the width of the top's interval, and that of the bottom's, both in eye
        widths. Both are 0 if the range is 0, and NaN if the middle is.

    Notes
    -----
    A look to an end begins where the gaze comes within `LOOK_MARGIN` of the range to that end, and
    lasts until it comes as near to the other end.

    Looks are weighted by their length, so that a short glitch counts for less than a long look.
    With weights w that sum to 1, they are worth ``k = 1 / sum(w**2)`` looks of equal length. The
    variance of an end is the variance of one look times ``1 / k + (LOOK_SHORTFALL / k)**2``.

    The variance of one look is the weighted mean of two: the one that these looks show, with the
    weight ``k - 1``, and the one that `LOOK_SPREAD` assumes, with the weight `LOOK_SPREAD_DEGREES`.
    The sum of the two weights, rounded down, is the number of degrees of freedom. The reach is
    Student's quantile for that number, times the standard deviation of the end.
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
    """Return how far the 95 % interval of one end of the gaze range reaches to either side of it.

    sums is the row of `_sum_looks` for this end: the sums of n, n^2, n x and n x^2 over its looks,
    at least one, of n values with the mean x. distance is the gaze offset of this end minus the
    offset from which looks are assumed to start; its sign does not matter. Offsets and result are
    in eye widths.
    """
    size, squares, total, total_squares = sums
    share, mean = squares / size**2, total / size
    # Rounding can make the variance of equal looks negative.
    variance = max(total_squares / size - mean**2, 0.0) / share
    variance += LOOK_SPREAD_DEGREES * (LOOK_SPREAD * distance) ** 2
    degrees = LOOK_SPREAD_DEGREES + 1 / share - 1
    std = math.sqrt(variance / degrees * (share + (LOOK_SHORTFALL * share) ** 2))
    # A whole number that rounding made a little smaller stays whole.
    return compute_student_quantile(int(degrees + 1e-9)) * std
