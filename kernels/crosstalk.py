"""Crosstalk: the part of the measured vertical gaze that horizontal gaze makes."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_kept, as_series
from kernels._jit import kernel
from kernels.quantiles import take_quantiles

CROSSTALK_MOST = 1 / 6
"""Largest vertical offset that a horizontal one makes, as a share of it.

On the synthetic face, horizontal gaze of 0.1 to 0.2 makes a vertical offset of up to 0.11 of
itself, and of 0.15 where the head is turned. When the eyes really move up or down, they also move
to the side by a sixth of that, or less.
"""

Float64Array = NDArray[np.float64]


def remove_crosstalk(vertical: ArrayLike, horizontal: ArrayLike, keep: ArrayLike) -> Float64Array:
    """Remove the part of the vertical gaze that horizontal gaze explains.

    Parameters
    ----------
    vertical, horizontal : array_like, shape (N,), float64
        Gaze offsets, both in eye widths (the distance between the corners of an eye); NaN =
        missing.
    keep : array_like, shape (N,), bool
        True for the samples from which the explanation is computed. It is removed from all samples.

    Returns
    -------
    ndarray, shape (N,), float64
        The vertical offset minus what is explained, in eye widths; NaN where an offset is missing,
        and everywhere if `keep` leaves no sample with both offsets.

    Raises
    ------
    ValueError
        Shapes differ.

    Notes
    -----
    Let h be the horizontal offset minus its median over the kept samples. Horizontal gaze explains
    ``a h + b |h|``. A tilted face makes the first term, perspective and the curved lids make the
    second. The factors a and b are those with which the result varies least (variance over the kept
    samples), each between -`CROSSTALK_MOST` and `CROSSTALK_MOST` (1/6). Without that limit, a real
    movement up and down would be explained by the slight horizontal movement that comes with it.

    If the eyes really move along a slant, a part of their vertical movement is removed too. The
    recording does not show whether that part is crosstalk.
    """
    series, flags = as_kept(vertical, keep)
    aside = as_series(horizontal, "horizontal")
    if aside.shape != series.shape:
        raise ValueError(
            f"vertical and horizontal have shapes {series.shape} and {aside.shape}, expected one "
            "value for each sample"
        )
    (middle,) = take_quantiles(aside, flags & np.isfinite(series), (0.5,))[1].tolist()
    sums = np.empty(9)
    _sum_crosstalk(series, aside, flags, middle, sums)
    count, v, h, b, hh, hb, bb, hv, bv = sums.tolist()
    if not count:
        return np.full(series.size, math.nan)
    cross = hb - h * b / count
    squares = np.array([[hh - h * h / count, cross], [cross, bb - b * b / count]])
    products = np.array([hv - h * v / count, bv - b * v / count])
    factors = _fit_within(squares, products, CROSSTALK_MOST)
    from_middle = aside - middle
    rest: Float64Array = series - factors[0] * from_middle - factors[1] * np.abs(from_middle)
    return rest


@kernel("void(f8[::1], f8[::1], b1[::1], f8, f8[::1])")
def _sum_crosstalk(vertical, horizontal, keep, middle, sums):
    """Fill sums (9,) with the sums of 1, v, h, b, h h, h b, b b, h v, b v over the kept samples.

    v is the vertical offset, h the horizontal one minus the number `middle`, and b is |h|.
    vertical, horizontal and keep are (N,). Samples without one of the offsets do not count.
    """
    sums[:] = 0.0
    for n in range(vertical.size):
        v, h = vertical[n], horizontal[n] - middle
        if keep[n] and np.isfinite(v) and np.isfinite(h):
            b = np.abs(h)
            sums[0] += 1
            sums[1] += v
            sums[2] += h
            sums[3] += b
            sums[4] += h * h
            sums[5] += h * b
            sums[6] += b * b
            sums[7] += h * v
            sums[8] += b * v


def _fit_within(squares: Float64Array, products: Float64Array, most: float) -> Float64Array:
    """Return the two factors of a least-squares fit, each limited to the range -most to most.

    The factors x (2,) minimise ``x S x - 2 p x``. S (2, 2) is `squares`, the symmetric matrix of
    the fit, and p (2,) is `products`, its right side. The minimum lies inside the square of allowed
    factors, or on one of its four edges. If the data do not determine a factor, one of the equally
    good ones within the range is returned.
    """
    # Single numbers: calls of NumPy take longer than the fit itself.
    ((s00, s01), (_, s11)), (p0, p1) = squares.tolist(), products.tolist()
    candidates = []
    determinant = s00 * s11 - s01**2
    # Below this, rounding decides: eyes that look to one side only have one term.
    if determinant > 1e-9 * s00 * s11:
        inside = ((p0 * s11 - p1 * s01) / determinant, (p1 * s00 - p0 * s01) / determinant)
        if max(map(abs, inside)) <= most:
            candidates.append(inside)
    edges = (-most, 0.0, most)
    for edge in edges:
        best = (p1 - s01 * edge) / s11 if s11 > 0 else 0.0
        candidates.append((edge, min(max(best, -most), most)))
    for edge in edges:
        best = (p0 - s01 * edge) / s00 if s00 > 0 else 0.0
        candidates.append((min(max(best, -most), most), edge))
    costs = [x * (s00 * x + 2 * s01 * y - 2 * p0) + y * (s11 * y - 2 * p1) for x, y in candidates]
    return np.array(candidates[costs.index(min(costs))])
