"""How far a measure can be trusted: intervals and the noise floor."""

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_kept, as_times
from kernels._jit import kernel
from kernels.measures import RANGE_QUANTILES, median_finite
from kernels.quantiles import take_quantiles

CONFIDENCE = 0.95
BLOCK_S = 1.0
"""Block of the bootstrap: longer than a fixation, within which samples are not independent."""
STRATUM_BLOCKS = 5
"""Blocks in a row that are drawn in place of each other.

The task moves the gaze: which seconds look up and which look down is no chance, so that a draw must
not leave a phase out. Each phase lasts longer than a stratum.
"""
REPLICATES = 1000
SEED = 20_211_217
"""Of the bootstrap's draws: the same recording always gives the same interval."""
NORMAL_QUANTILE = 1.96
"""Standard deviations to either end of a 95 % interval."""
HELD_S = 0.5
"""Mean time for which the eyes hold a position, at most: of people at rest the vertical gaze is
correlated over 0.02 to 0.46 s (integrated; tests/tracker/measures/test_recordings.py)."""
NORMAL_RANGE = 3.2897
"""95th minus 5th percentile of a normal distribution, in standard deviations."""
MAD_TO_STD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

Float64Array = NDArray[np.float64]


@kernel("i8(i1[::1], i4[::1], i4[::1], i4[::1], i4[::1], i4[::1])")
def _pass_value(times, near, far, passed, first, second):
    """Walk past a value that each draw (R,) holds so many times; return how many still go on.

    A kernel of its own, so that the draws are vectorised.
    """
    going = 0
    for r in range(passed.size):
        now = np.int32(passed[r] + times[r])
        passed[r] = now
        first[r] += np.int32(now <= near[r])
        second[r] += np.int32(now <= far[r])
        going += now <= far[r]
    return going


@kernel("void(f8[::1], i8[::1], i8[::1], i1[:,::1], f8, f8, i4[:,::1], f8[::1])")
def _bootstrap_ranges(ordered, blocks, sizes, weights, low, high, scratch, ranges):
    """Fill ranges (R,) with quantile `high` minus `low` of R draws of B blocks.

    The values, ordered (N,), stem from blocks (N,); block b has sizes[b] values and is weights[b]
    (B, R) times in each draw. An order statistic is found by walking from the nearer end until
    enough values have been passed, in all draws at once; scratch (6, R).
    """
    # One by one: unpacked, Numba takes them for strided.
    total, near, far = scratch[0], scratch[1], scratch[2]
    passed, first, second = scratch[3], scratch[4], scratch[5]
    size, draws = ordered.size, ranges.size
    total[:] = 0
    for b in range(sizes.size):
        for r in range(draws):
            total[r] += weights[b, r] * sizes[b]
    for end in range(2):
        share = low if end == 0 else high
        for r in range(draws):
            below = int(share * (total[r] - 1))
            above = min(below + 1, total[r] - 1)
            # As ranks from this end.
            near[r] = below if end == 0 else total[r] - 1 - above
            far[r] = above if end == 0 else total[r] - 1 - below
        passed[:] = 0
        first[:] = 0
        second[:] = 0
        for k in range(size):
            block = blocks[k] if end == 0 else blocks[size - 1 - k]
            if _pass_value(weights[block], near, far, passed, first, second) == 0:
                break
        for r in range(draws):
            place = share * (total[r] - 1)
            if end == 0:
                value, next_ = ordered[first[r]], ordered[second[r]]
                ranges[r] = -(value + (place - int(place)) * (next_ - value))
            else:
                value, next_ = ordered[size - 1 - second[r]], ordered[size - 1 - first[r]]
                ranges[r] += value + (place - int(place)) * (next_ - value)


@kernel("i8(f8[::1], b1[::1], f8[::1], f8, f8[::1], i8[::1], i8[::1])")
def _cut_blocks(values, keep, times_s, block_s, kept, blocks, sizes):
    """Fill kept (N,) with the kept, finite values (N,), blocks (N,) with the block of each.

    Blocks are of `block_s` from the first of them on; empty ones do not count. Fill sizes (N,) with
    how many values each has. Return how many values there are.
    """
    count, block, last, first_s = 0, -1, -1.0, 0.0
    for n in range(values.size):
        if keep[n] and np.isfinite(values[n]):
            if count == 0:
                first_s = times_s[n]
            now = np.floor((times_s[n] - first_s) / block_s)
            if now != last:
                block, last = block + 1, now
                sizes[block] = 0
            kept[count], blocks[count] = values[n], block
            sizes[block] += 1
            count += 1
    return count


@kernel("void(f8[::1], b1[::1], f8[::1])")
def _neighbour_differences(values, keep, out):
    """Fill out (N,) with the distance to the sample before; NaN where one is not kept."""
    for n in range(values.size):
        out[n] = np.abs(values[n] - values[n - 1]) if n > 0 and keep[n] and keep[n - 1] else np.nan


@kernel("f8(f8[::1], f8)")
def _poisson_cumulative(log_factorials, mean):
    """Probability of at most K events, with log_factorials (K + 1,)."""
    log_mean, probability = np.log(mean), 0.0
    for k in range(log_factorials.size):
        probability += np.exp(k * log_mean - mean - log_factorials[k])
    return probability


@functools.lru_cache(maxsize=8)
def _draw_weights(blocks: int, replicates: int) -> NDArray[np.int8]:
    """Return how often each draw holds each block, shape (blocks, replicates).

    The draws are the same for all recordings with as many blocks.
    """
    first = np.arange(blocks) // STRATUM_BLOCKS * STRATUM_BLOCKS
    stop = np.minimum(first + STRATUM_BLOCKS, blocks)
    draws = np.random.default_rng(SEED).integers(first, stop, (replicates, blocks))
    return count_draws(draws)


def count_draws(draws: NDArray[np.int64]) -> NDArray[np.int8]:
    """Count how often each of R draws (R, B) of B blocks holds each block, shape (B, R)."""
    replicates, blocks = draws.shape
    cells = draws + blocks * np.arange(replicates)[:, np.newaxis]
    counts = np.bincount(cells.ravel(), minlength=replicates * blocks)
    return np.ascontiguousarray(counts.reshape(replicates, blocks).T.astype(np.int8))


def compute_peak_to_peak_interval(
    values: ArrayLike, keep: ArrayLike, times_s: ArrayLike
) -> tuple[float, float]:
    """Compute the confidence interval of the robust peak-to-peak by a block bootstrap.

    Parameters
    ----------
    values : array_like, shape (N,), float64
        A gaze offset; NaN = missing.
    keep : array_like, shape (N,), bool
        Samples to use: those outside closures.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.

    Returns
    -------
    low, high : float
        As far below the range of all samples as above it, `low` at least 0; NaN with fewer than two
        blocks, of which nothing tells how they vary. It covers what varies within the recording,
        not what another recording of the same person would give.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.

    Notes
    -----
    `REPLICATES` draws of blocks of `BLOCK_S` [1]_, each from its stratum of `STRATUM_BLOCKS`, give
    a `CONFIDENCE` percentile interval. The further of its ends tells how far the truth can be to
    either side: no draw holds a look that goes beyond those of the recording, so that the nearer
    end, mostly the upper one, is too near. That distance is then widened by
    `compute_bootstrap_correction`.

    References
    ----------
    .. [1] H. R. Künsch, "The Jackknife and the Bootstrap for General Stationary Observations", The
       Annals of Statistics 17(3), 1989: resampling blocks. Here the blocks do not overlap, and are
       drawn within strata.
    """
    series, flags = as_kept(values, keep)
    times = as_times(times_s, series.size, "values")
    kept = np.empty(series.size)
    blocks, sizes = np.empty((2, series.size), dtype=np.int64)
    count = _cut_blocks(series, flags, times, BLOCK_S, kept, blocks, sizes)
    kept, blocks = kept[:count], blocks[:count]
    block_count = int(blocks[-1]) + 1 if count else 0
    if block_count < 2:
        return math.nan, math.nan
    sizes = sizes[:block_count]
    order = np.argsort(kept)
    ranges = np.empty(REPLICATES)
    _bootstrap_ranges(
        kept[order],
        blocks[order],
        sizes,
        _draw_weights(sizes.size, REPLICATES),
        *RANGE_QUANTILES,
        np.empty((6, REPLICATES), dtype=np.int32),
        ranges,
    )
    ends = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    low, high = take_quantiles(ranges, np.ones(REPLICATES, np.bool_), ends)[1].tolist()
    top, bottom = take_quantiles(kept, np.ones(count, np.bool_), RANGE_QUANTILES)[1].tolist()
    range_ = bottom - top
    reach = max(range_ - low, high - range_) * compute_bootstrap_correction(block_count)
    return max(range_ - reach, 0.0), range_ + reach


@functools.lru_cache(maxsize=1024)
def compute_bootstrap_correction(block_count: int) -> float:
    """Compute by how much a bootstrap interval of few blocks is too narrow.

    Parameters
    ----------
    block_count : int
        Blocks of `BLOCK_S` that are drawn within strata of `STRATUM_BLOCKS`.

    Returns
    -------
    float
        Factor for the distances from the estimate to the ends of its interval; above 1. NaN for
        less than two blocks.

    Notes
    -----
    Positions are held for exponentially distributed times of mean h, taken for `HELD_S`, so that
    their autocovariance falls as exp(-t / h), and a mean over m blocks of length b has, of the
    variance of a single sample, ``V(m) = 2 r / m * (1 - r / m * (1 - exp(-m / r)))``, r = h / b.
    The bootstrap takes the blocks of a stratum for independent, and divides by their number where
    an unbiased variance divides by one less [1]_: to the square of a sum over m blocks it gives
    what their means differ by among themselves, ``m * (V(1) - V(m))``, where the sum over all n
    blocks has ``n**2 * V(n)``. The root of their ratio makes up for both. It is that of a mean; the
    error of a quantile is in large samples that of a mean, too (of the times spent below it).

    The variance is estimated from few blocks, so that Student's quantile, with a degree of freedom
    less than blocks for each stratum, takes the place of the normal distribution's.

    References
    ----------
    .. [1] B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", 1993: the bootstrap's
       standard error of a mean divides by n where the unbiased one divides by n - 1.
    """
    if block_count < 2:
        return math.nan
    whole, rest = divmod(block_count, STRATUM_BLOCKS)
    strata = [STRATUM_BLOCKS] * whole + ([rest] if rest else [])
    seen = sum(size * (_mean_variance(1) - _mean_variance(size)) for size in strata)
    share = seen / (block_count**2 * _mean_variance(block_count))
    quantile = compute_student_quantile(block_count - len(strata))
    return quantile / NORMAL_QUANTILE / math.sqrt(share)


def _mean_variance(blocks: int) -> float:
    """Return the variance of a mean over blocks in a row, over that of a sample."""
    held = HELD_S / BLOCK_S / blocks
    return 2 * held * (1 - held * (1 - math.exp(-1 / held)))


def compute_noise_floor(values: ArrayLike, keep: ArrayLike) -> float:
    """Compute the peak-to-peak that an eye at rest would show from the landmarks' jitter alone.

    Parameters
    ----------
    values : array_like, shape (N,), float64
        A gaze offset; NaN = missing.
    keep : array_like, shape (N,), bool
        Samples to use: those outside closures.

    Returns
    -------
    float
        The jitter's standard deviation, from the median absolute difference of neighbouring
        samples, as a 95th minus 5th percentile; NaN without neighbours. Saccades are few among the
        differences and do not move their median; drift slower than the frame rate is not in it.

    Raises
    ------
    ValueError
        Shapes differ.
    """
    series, flags = as_kept(values, keep)
    differences = np.empty(series.size)
    _neighbour_differences(series, flags, differences)
    # A difference of two has the square root of two times the jitter of one.
    return median_finite(differences) * MAD_TO_STD / math.sqrt(2) * NORMAL_RANGE


def compute_rate_interval(count: int, exposure: float) -> tuple[float, float]:
    """Compute the exact confidence interval of a Poisson rate.

    Parameters
    ----------
    count : int
        Events; at least 0.
    exposure : float
        Time in which they were counted, in the unit of the rate.

    Returns
    -------
    low, high : float
        The means at which `count` or more, and `count` or fewer, events have a probability of
        ``(1 - CONFIDENCE) / 2``, over `exposure`; NaN without exposure.

    References
    ----------
    .. [1] F. Garwood, "Fiducial Limits for the Poisson Distribution", Biometrika 28, 1936.
    """
    if count < 0:
        raise ValueError(f"count is {count}, expected 0 or more")
    if not exposure > 0:
        return math.nan, math.nan
    low, high = _poisson_limits(count)
    return low / exposure, high / exposure


@functools.lru_cache(maxsize=1024)
def _poisson_limits(count: int) -> tuple[float, float]:
    """Return the confidence interval of a Poisson mean of which `count` events were seen."""
    tail = (1 - CONFIDENCE) / 2
    return 0.0 if count == 0 else _poisson_mean(count - 1, 1 - tail), _poisson_mean(count, tail)


def _poisson_mean(count: int, probability: float) -> float:
    """Return the mean at which `count` or fewer events have a probability, by bisection."""
    log_factorials = np.array([math.lgamma(k + 1) for k in range(count + 1)])
    low, high = 1e-9, 1.0
    while _poisson_cumulative(log_factorials, high) > probability:
        high *= 2
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        if _poisson_cumulative(log_factorials, middle) > probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def compute_student_quantile(degrees_of_freedom: int) -> float:
    """Compute the quantile of Student's t between whose two signs lies `CONFIDENCE`.

    Parameters
    ----------
    degrees_of_freedom : int
        At least 1.

    Returns
    -------
    float

    References
    ----------
    .. [1] M. Abramowitz, I. A. Stegun, "Handbook of Mathematical Functions", 1964, 26.7.3 and
       26.7.4: the probability as a finite sum, for whole degrees of freedom.
    """
    if degrees_of_freedom < 1:
        raise ValueError(f"degrees_of_freedom is {degrees_of_freedom}, expected 1 or more")
    # The sum runs over the tangent's angle: t = sqrt(free) * tan(angle).
    odd = degrees_of_freedom % 2

    def within(angle: float) -> float:
        cosine_squared = math.cos(angle) ** 2
        term = math.cos(angle) if odd else 1.0
        total = term if degrees_of_freedom > 1 else 0.0
        for k in range(2 + odd, degrees_of_freedom - 1, 2):
            term *= cosine_squared * (k - 1) / k
            total += term
        share = math.sin(angle) * total
        return 2 / math.pi * (angle + share) if odd else share

    angle = bisect(lambda angle: within(angle) < CONFIDENCE, 0.0, math.pi / 2)
    return math.sqrt(degrees_of_freedom) * math.tan(angle)


def bisect(is_below: Callable[[float], bool], low: float, high: float) -> float:
    """Find where a condition turns false, to the last digits of a float.

    Parameters
    ----------
    is_below : callable
        Whether a value is below the one that is looked for.
    low, high : float
        Between which it lies.

    Returns
    -------
    float
    """
    for _ in range(80):
        middle = (low + high) / 2
        if is_below(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2
