"""Looks: how often the gaze went to either end of its range, and how surely these ends are known.

Eyes that hold a position for seconds give many samples of one look. However many they are, they do
not show where the next look would have gone.
"""

import math

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
Int64Array = NDArray[np.int64]


@kernel("i8(f8[::1], f8, f8, f8[::1], i8[::1], i8[::1])")
def _find_looks(values, top_line, bottom_line, means, sizes, ends):
    """Fill the mean, the number of values and the end (0 = top, 1 = bottom) of each look (N,).

    Values (N,) are in order of time. A look lasts until the values pass the other line; only those
    beyond its own line count. Return the number of looks.
    """
    count = 0
    for n in range(values.size):
        if values[n] <= top_line:
            end = 0
        elif values[n] >= bottom_line:
            end = 1
        else:
            continue
        if count == 0 or ends[count - 1] != end:
            means[count], sizes[count], ends[count] = 0.0, 0, end
            count += 1
        means[count - 1] += values[n]
        sizes[count - 1] += 1
    for look in range(count):
        means[look] /= sizes[look]
    return count


def compute_look_reach(
    values: Float64Array, top: float, bottom: float, middle: float
) -> tuple[float, float]:
    """Compute how far the 95 % intervals of a range's ends reach, from the looks to them.

    Parameters
    ----------
    values : ndarray, shape (N,), float64
        A gaze offset in order of time, without missing samples.
    top, bottom : float
        The ends of its range; `top` is the lower value, for up is negative.
    middle : float
        Where looks begin. Their spread is taken to grow with the distance from it.

    Returns
    -------
    top_reach, bottom_reach : float
        0 for a constant.

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
        return 0.0, 0.0
    means, (sizes, ends) = np.empty(values.size), np.empty((2, values.size), dtype=np.int64)
    margin = LOOK_MARGIN * range_
    count = _find_looks(values, top + margin, bottom - margin, means, sizes, ends)
    top_reach, bottom_reach = (
        _reach_of_end(means[:count][of_end], sizes[:count][of_end], position - middle)
        for of_end, position in ((ends[:count] == 0, top), (ends[:count] == 1, bottom))
    )
    return top_reach, bottom_reach


def _reach_of_end(means: Float64Array, sizes: Int64Array, distance: float) -> float:
    """Return the reach of one end, from the means and sizes of its looks (L,)."""
    weights = sizes / sizes.sum()
    share = float((weights**2).sum())
    squares = float((weights * (means - weights @ means) ** 2).sum()) / share
    squares += LOOK_SPREAD_DEGREES * (LOOK_SPREAD * distance) ** 2
    degrees = LOOK_SPREAD_DEGREES + 1 / share - 1
    std = math.sqrt(squares / degrees * (share + (LOOK_SHORTFALL * share) ** 2))
    return compute_student_quantile(int(degrees)) * std
