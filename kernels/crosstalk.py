"""Crosstalk: the part of the measured vertical gaze that horizontal gaze makes."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_kept, as_series

CROSSTALK_MOST = 1 / 6
"""Largest vertical offset that a horizontal one makes, as a share of it.

On the synthetic face, horizontal gaze of 0.1 to 0.2 makes up to 0.11 of itself, and 0.15 where the
head is turned. Vertical gaze comes with horizontal movements of a sixth of it, or less.
"""

Float64Array = NDArray[np.float64]


def remove_crosstalk(vertical: ArrayLike, horizontal: ArrayLike, keep: ArrayLike) -> Float64Array:
    """Remove the part of the vertical gaze that horizontal gaze explains.

    Parameters
    ----------
    vertical, horizontal : array_like, shape (N,), float64
        Gaze offsets; NaN = missing.
    keep : array_like, shape (N,), bool
        Samples that decide what is explained.

    Returns
    -------
    ndarray, shape (N,), float64
        The vertical offset minus what is explained; NaN where an offset is missing.

    Raises
    ------
    ValueError
        Shapes differ.

    Notes
    -----
    With h, the horizontal offset from its median, horizontal gaze explains ``a h + b |h|``: a
    tilted face makes the first term, perspective and the curved lids the second. The two factors
    make the sum of squares of what remains least, within `CROSSTALK_MOST` of 0. Without that limit,
    eyes that go up and down would be explained by the slight horizontal movement that comes with
    it.

    If the eyes really move along a slant, as much as horizontal gaze may explain is removed as
    well, because such a recording does not tell one from the other.
    """
    series, flags = as_kept(vertical, keep)
    aside = as_series(horizontal, "horizontal")
    if aside.shape != series.shape:
        raise ValueError(
            f"vertical and horizontal have shapes {series.shape} and {aside.shape}, expected one "
            "value for each sample"
        )
    used = flags & np.isfinite(series) & np.isfinite(aside)
    if not used.any():
        return np.full(series.size, math.nan)
    h = aside - np.median(aside[used])
    terms = np.stack((h, np.abs(h)))
    centred = terms[:, used] - terms[:, used].mean(axis=1, keepdims=True)
    own = series[used] - series[used].mean()
    factors = _fit_within(centred @ centred.T, centred @ own, CROSSTALK_MOST)
    rest: Float64Array = series - factors @ terms
    return rest


def _fit_within(squares: Float64Array, products: Float64Array, most: float) -> Float64Array:
    """Return the factors x (2,) of least ``x S x - 2 p x`` with each within `most` of 0.

    `squares` S (2, 2) is the matrix of a least-squares fit, and `products` p (2,) its right side.
    The least lies inside the square, or on one of its four edges.
    """
    candidates = []
    if np.linalg.matrix_rank(squares) == 2:
        inside = np.linalg.solve(squares, products)
        if np.abs(inside).max() <= most:
            candidates.append(inside)
    for fixed in range(2):
        free = 1 - fixed
        for edge in (-most, 0.0, most):
            x = np.full(2, edge)
            slope = products[free] - squares[free, fixed] * edge
            x[free] = np.clip(slope / squares[free, free], -most, most) if slope else 0.0
            candidates.append(x)
    costs = [x @ squares @ x - 2 * products @ x for x in candidates]
    return np.asarray(candidates[int(np.argmin(costs))], dtype=np.float64)
