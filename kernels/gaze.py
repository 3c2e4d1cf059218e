"""How far the landmarks follow the gaze: from two ways to cut each face out of its frame."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_series
from kernels._jit import kernel

GAIN_STD = 0.08
"""Relative standard deviation of FaceMesh's vertical gain over different framings of one face.

The gain is how far the landmarks of the iris move, divided by how far the eye moves. Its
deviation over 8 poses and sizes of the synthetic face is 0.066 with lids that follow the gaze by
half, and 0.134 with lids that follow it as a healthy person's do (docs/accuracy.txt). In the second
case the correction leaves a deviation of 0.047. With twice this constant, it would leave 0.037.
"""
LARGEST_GAIN_STDS = 2.0
"""Cap the correction at this many `GAIN_STD`: larger factors are noise, not framing."""
MOST_SAMPLES = 40
"""Most samples of the second pass (see `compute_framing_gain`) that count as independent.

The head and the gaze move on from one second to the next. The task lasts 20 s, with half of the
samples in each direction.
"""
FRAMING_STD = 0.03
"""Relative standard deviation of the gaze range after the correction by the gain.

The synthetic face shows 0.02 over the same poses and sizes with lids that follow by half. Half of
that is added, because it is a single face. With lids that follow as a healthy person's do, it
shows 0.047 (docs/accuracy.txt): the interval of such a range is too narrow by some per cent.
"""
Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]


@kernel("void(f8[::1], f8[::1], i8[::1], f8[::1], f8[:,::1], f8[::1])")
def _framing_gain(one, other, groups, prior, sums, out):
    """Fill `out` (2,) with the gain and its standard deviation, for `compute_framing_gain`.

    The gain is the slope of the vertical gaze offsets `other` (T,), of the second pass, over `one`
    (T,), those of the first, drawn towards 1; NaN = missing. `groups` (T,) tells how the second
    pass framed the face, as numbers from 0 to below T. `prior` (4,) holds the gain's standard
    deviation beforehand, by how many of these the gain may differ from 1, the most pairs that
    count, and the least standard deviation of the result. `sums` (3, T) is working memory. `out` is
    1 and prior[0] if there are too few pairs, or the first offsets of each framing are equal.
    """
    prior_std, largest_stds, most_samples, least_std = prior
    out[0], out[1] = 1.0, prior_std
    sums[:] = 0.0
    for n in range(one.size):
        if np.isfinite(one[n]) and np.isfinite(other[n]):
            sums[0, groups[n]] += 1
            sums[1, groups[n]] += one[n]
            sums[2, groups[n]] += other[n] - one[n]
    # Degrees of freedom: the samples minus one mean for each group, minus one slope.
    free = -1
    for g in range(sums.shape[1]):
        if sums[0, g] > 0:
            free += int(sums[0, g]) - 1
            sums[1, g] /= sums[0, g]
            sums[2, g] /= sums[0, g]
    if free < 1:
        return
    power, product = 0.0, 0.0
    for n in range(one.size):
        if np.isfinite(one[n]) and np.isfinite(other[n]):
            x = one[n] - sums[1, groups[n]]
            power += x * x
            product += x * (other[n] - one[n] - sums[2, groups[n]])
    if power == 0:
        return
    slope, noise = product / power, 0.0
    for n in range(one.size):
        if np.isfinite(one[n]) and np.isfinite(other[n]):
            x = one[n] - sums[1, groups[n]]
            rest = other[n] - one[n] - sums[2, groups[n]] - slope * x
            noise += rest * rest
    power, product, noise = power / free, product / free, noise / free
    samples = min(free, most_samples)
    known = power + noise / (prior_std**2 * samples)
    most = largest_stds * prior_std
    out[0] = 1 + min(max(product / known, -most), most)
    out[1] = max(least_std, np.sqrt(noise / (samples * known)))


def compute_framing_gain(
    offset: ArrayLike, second_offset: ArrayLike, framing: ArrayLike
) -> tuple[float, float]:
    """Compute how far the gaze moves in other framings of a face, divided by how far in the first.

    A framing is how the face is cut out of the frame before its landmarks are found. How far the
    landmarks follow the gaze depends on it.

    Parameters
    ----------
    offset : array_like, shape (T,), float64
        Vertical gaze offset in some frames, in eye widths; NaN = missing.
    second_offset : array_like, shape (T,), float64
        Offset in the same frames, from a second pass that frames the face differently.
    framing : array_like, shape (T,), int64
        Which framing the second pass used for each sample: equal numbers mean the same framing. The
        offsets of each framing may differ from the first pass by a constant of their own.

    Returns
    -------
    gain : float
        Slope of the second offset over the offset. The less the gaze moves, the less is known
        about the slope, and the nearer to 1 the gain is. It differs from 1 by at most
        `LARGEST_GAIN_STDS` times `GAIN_STD`.
    gain_std : float
        Standard deviation of the gain's error, at least `FRAMING_STD`. If no slope can be computed
        (too few pairs, or no movement), the gain is 1 and this is `GAIN_STD`.

    Raises
    ------
    ValueError
        Shapes differ.

    Notes
    -----
    This is a ridge regression of ``d = second_offset - offset`` on the offset x, both minus their
    means for each framing: the gain minus 1 is
    ``mean(x d) / (mean(x x) + v / (GAIN_STD ** 2 * n))``. v is the variance of d about its line,
    and n the number of pairs minus the number of framings minus 1, but at most `MOST_SAMPLES`. That
    limit is needed because neighbouring samples show nearly the same image and are not independent:
    without it, a long recording of eyes at rest would be corrected by the slope of its noise.
    """
    one, other = as_series(offset, "offset"), as_series(second_offset, "second_offset")
    framings = np.asarray(framing)
    if not one.shape == other.shape == framings.shape:
        raise ValueError(
            f"offset, second_offset and framing have shapes {one.shape}, {other.shape} and "
            f"{framings.shape}, expected one value for each sample"
        )
    groups = np.unique(framings, return_inverse=True)[1].astype(np.int64, copy=False)
    prior = np.array((GAIN_STD, LARGEST_GAIN_STDS, MOST_SAMPLES, FRAMING_STD))
    sums, out = np.empty((3, one.size)), np.empty(2)
    _framing_gain(one, other, groups, prior, sums, out)
    gain, gain_std = out.tolist()
    return gain, gain_std
