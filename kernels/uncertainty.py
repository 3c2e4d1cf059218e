"""Confidence intervals of gaze ranges and rates, and the noise floor of the gaze range."""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_kept, as_times
from kernels._jit import kernel
from kernels.looks import compute_look_reach
from kernels.measures import RANGE_QUANTILES, median_finite
from kernels.quantiles import take_quantiles
from kernels.student import CONFIDENCE, compute_student_quantile

BLOCK_S = 1.0
"""Length of a bootstrap block: longer than a fixation, whose samples are not independent."""
STRATUM_BLOCKS = 5
"""Neighbouring blocks that may replace each other in a draw.

The task, not chance, decides which seconds look up and which look down, so a draw must not leave a
phase out. Each phase lasts longer than a stratum.
"""
REPLICATES = 1000
SEED = 20_211_217
"""Seed of the bootstrap's draws, so that the same recording always gives the same interval."""
NORMAL_QUANTILE = 1.96
"""Standard deviations from the middle to either end of a 95 % interval."""
HELD_S = 0.5
"""Upper bound of the mean time for which the eyes hold a position.

The vertical gaze of people at rest is correlated over 0.02 to 0.46 s (the integral of its
autocorrelation; tests/tracker/measures/test_recordings.py).
"""
NORMAL_RANGE = 3.2897
"""95th minus 5th percentile of a normal distribution, in standard deviations."""
MAD_TO_STD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RangeReach:
    """How far the 95 % intervals of a range and of its ends reach to either side of the estimate.

    Each is half the width of an interval, in the unit of the values; NaN if it is not known.

    Attributes
    ----------
    peak_to_peak : float
        Reach of the range's interval. The range is the 95th minus the 5th percentile.
    top, bottom : float
        Reach of the intervals of its ends: the 5th percentile is the top, because up is negative,
        and the 95th percentile is the bottom.
    """

    peak_to_peak: float
    top: float
    bottom: float


@kernel("i8(i1[::1], i4[::1], i4[::1], i4[::1], i4[::1], i4[::1])")
def _pass_value(times, near, far, passed, first, second):
    """Walk past one sorted value in R bootstrap draws; return how many draws must go on.

    This is one step of `_bootstrap_quantiles`, which walks up the sorted values to find a quantile
    of each draw. The step passes one value, which draw r holds times[r] times. passed (R,) counts
    what a draw has passed so far. A draw needs its values of rank near (R,) and of rank far (R,),
    counted from 0, near not above far, and goes on until it has passed both. first (R,) counts the
    steps before the one that passes rank near, and second (R,) those before the one that passes
    rank far. passed, first and second are changed in place. This is a separate kernel so that the
    loop over the draws is vectorised.
    """
    going = 0
    for r in range(passed.size):
        now = np.int32(passed[r] + times[r])
        passed[r] = now
        first[r] += np.int32(now <= near[r])
        second[r] += np.int32(now <= far[r])
        going += now <= far[r]
    return going


@kernel("void(f8[::1], i8[::1], i8[::1], i1[:,::1], f8[::1], i4[:,::1], f8[:,::1])")
def _bootstrap_quantiles(ordered, blocks, sizes, weights, shares, scratch, quantiles):
    """Fill quantiles (2, R) with two quantiles of the values in each of R bootstrap draws.

    shares (2,) says which quantiles: a low one, such as 0.05, and a high one, such as 0.95. ordered
    (N,) holds all values in increasing order, and blocks (N,) the number of each value's block.
    Block b has sizes[b] values, and draw r holds this block weights[b, r] times.

    To find the low quantile in all draws at once, the loop walks up from the lowest value until it
    has passed enough values in each draw. For the high quantile, it walks down from the highest
    value. scratch (6, R) is working memory.
    """
    # Assign the rows one by one: Numba treats unpacked rows as strided.
    total, near, far = scratch[0], scratch[1], scratch[2]
    passed, first, second = scratch[3], scratch[4], scratch[5]
    size, draws = ordered.size, quantiles.shape[1]
    total[:] = 0
    for b in range(sizes.size):
        for r in range(draws):
            total[r] += weights[b, r] * sizes[b]
    for end in range(2):
        share = shares[end]
        for r in range(draws):
            below = int(share * (total[r] - 1))
            above = min(below + 1, total[r] - 1)
            # Ranks are counted from this end.
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
            rank = share * (total[r] - 1)
            if end == 0:
                value, next_ = ordered[first[r]], ordered[second[r]]
            else:
                value, next_ = ordered[size - 1 - second[r]], ordered[size - 1 - first[r]]
            quantiles[end, r] = value + (rank - int(rank)) * (next_ - value)


@kernel("i8(f8[::1], b1[::1], f8[::1], f8, f8[::1], i8[::1], i8[::1])")
def _cut_blocks(values, keep, times_s, block_s, kept, blocks, sizes):
    """Copy the finite values that keep marks to kept (N,); return how many they are.

    Fill blocks (N,) with the number, from 0, of the block that each lies in, and sizes (N,) with
    the number of values in each block. The ends of kept, blocks and sizes, for which there is no
    value or no block, stay as they were. Blocks last `block_s` seconds, counted from the time of
    the first of these values. A block without a value gets no number.
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
    """Fill out (N,) with the absolute difference of each value from the value before it.

    The difference is NaN where keep (N,) does not mark both values, where one of them is NaN, and
    for the first value.
    """
    for n in range(values.size):
        out[n] = np.abs(values[n] - values[n - 1]) if n > 0 and keep[n] and keep[n - 1] else np.nan


@kernel("f8(f8[::1], f8)")
def _poisson_cumulative(log_factorials, mean):
    """Return the probability that a Poisson distribution with this mean gives K or fewer events.

    The mean is above 0. `log_factorials` holds ln 0! to ln K!, so its length is K + 1.
    """
    log_mean, probability = np.log(mean), 0.0
    for k in range(log_factorials.size):
        probability += np.exp(k * log_mean - mean - log_factorials[k])
    return probability


@functools.lru_cache(maxsize=8)
def _draw_weights(blocks: int, replicates: int) -> NDArray[np.int8]:
    """Draw a recording's blocks at random, `replicates` times, for the block bootstrap.

    Return how often each draw holds each block, shape (blocks, replicates). Each block of a draw
    comes from the same stratum as the one that it replaces: the first `STRATUM_BLOCKS` blocks, the
    next ones, and so on; the last stratum may be smaller. The draws are the same for all recordings
    with the same number of blocks.
    """
    first = np.arange(blocks) // STRATUM_BLOCKS * STRATUM_BLOCKS
    stop = np.minimum(first + STRATUM_BLOCKS, blocks)
    draws = np.random.default_rng(SEED).integers(first, stop, (replicates, blocks))
    return count_draws(draws)


def count_draws(draws: NDArray[np.int64]) -> NDArray[np.int8]:
    """Count how often each of R draws holds each of B blocks: (B, R) from draws (R, B).

    Row r of draws are the numbers of the blocks, 0 to B - 1, that draw r took in place of each. No
    draw may hold a block more than 127 times.
    """
    replicates, blocks = draws.shape
    cells = draws + blocks * np.arange(replicates)[:, np.newaxis]
    counts = np.bincount(cells.ravel(), minlength=replicates * blocks)
    return np.ascontiguousarray(counts.reshape(replicates, blocks).T.astype(np.int8))


def compute_peak_to_peak_interval(
    values: ArrayLike, keep: ArrayLike, times_s: ArrayLike
) -> tuple[float, float]:
    """Compute the 95 % confidence interval of a range: the 95th minus the 5th percentile.

    Parameters
    ----------
    values : array_like, shape (N,), float64
        A gaze offset; NaN = missing.
    keep : array_like, shape (N,), bool
        True for the samples to use: those outside closures.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.

    Returns
    -------
    low, high : float
        The interval, in the unit of `values`. The ends lie equally far below and above the range of
        all samples to use, but `low` is at least 0. Both are NaN if the kept samples lie in fewer
        than two blocks of `BLOCK_S`. `compute_range_reach` says how it is computed.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.
    """
    reach = compute_range_reach(values, keep, times_s).peak_to_peak
    series, flags = as_kept(values, keep)
    top, bottom = take_quantiles(series, flags, RANGE_QUANTILES)[1].tolist()
    return max(bottom - top - reach, 0.0), bottom - top + reach


def compute_range_reach(
    values: ArrayLike, keep: ArrayLike, times_s: ArrayLike, middle: float = math.nan
) -> RangeReach:
    """Compute how far the 95 % intervals of a gaze range and of its ends reach.

    Parameters
    ----------
    values : array_like, shape (N,), float64
        A gaze offset; NaN = missing.
    keep : array_like, shape (N,), bool
        True for the samples to use: those outside closures.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    middle : float, optional
        Offset of eyes that look straight ahead, in the unit of `values`. The farther an end is from
        it, the wider is that end's interval; the range's interval does not depend on it. Default,
        also for NaN: halfway between the ends.

    Returns
    -------
    RangeReach
        In the unit of `values`. All NaN if the kept samples lie in fewer than two blocks of
        `BLOCK_S` seconds, because the variation of blocks is then unknown. The intervals cover how
        the person's looks vary, not how recordings of the same person differ.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.

    Notes
    -----
    The first part is a block bootstrap [1]_. The recording is cut into blocks of `BLOCK_S`. In each
    of `REPLICATES` draws, every block is replaced by a random one of its stratum, which is
    `STRATUM_BLOCKS` neighbouring blocks. The ranges of the draws give a `CONFIDENCE` percentile
    interval. The distance to its further end is used on both sides. The other end, mostly the upper
    one, is too near, because no draw can hold a gaze that the recording does not have. The distance
    is then multiplied by the factor of `compute_bootstrap_correction`.

    The blocks of one long look are alike, so no draw shows how looks differ. `kernels.looks` gives
    this second part. It is independent of the first, so their squares are added. Without it, the
    interval held the true range in 31 to 89 % of simulated recordings whose looks last 2 to 5 s
    (tests/kernels/test_uncertainty.py).

    References
    ----------
    .. [1] H. R. Künsch, "The Jackknife and the Bootstrap for General Stationary Observations", The
       Annals of Statistics 17(3), 1989: resampling of blocks. Here the blocks do not overlap, and
       are drawn within strata.
    """
    series, flags = as_kept(values, keep)
    times = as_times(times_s, series.size, "values")
    kept = np.empty(series.size)
    blocks, sizes = np.empty((2, series.size), dtype=np.int64)
    count = _cut_blocks(series, flags, times, BLOCK_S, kept, blocks, sizes)
    kept, blocks = kept[:count], blocks[:count]
    block_count = int(blocks[-1]) + 1 if count else 0
    if block_count < 2:
        return RangeReach(math.nan, math.nan, math.nan)
    draws = _draw_quantiles(kept, blocks, sizes[:block_count])
    top, bottom = take_quantiles(kept, np.ones(count, np.bool_), RANGE_QUANTILES)[1].tolist()
    factor = compute_bootstrap_correction(block_count)
    between = (top + bottom) / 2
    of_range, of_ends = compute_look_reach(
        kept, top, bottom, between, between if math.isnan(middle) else middle
    )
    return RangeReach(
        peak_to_peak=math.hypot(factor * _reach(draws[1] - draws[0], bottom - top), *of_range),
        top=math.hypot(factor * _reach(draws[0], top), of_ends[0]),
        bottom=math.hypot(factor * _reach(draws[1], bottom), of_ends[1]),
    )


def _draw_quantiles(
    kept: Float64Array, blocks: NDArray[np.int64], sizes: NDArray[np.int64]
) -> Float64Array:
    """Resample values by whole blocks, R times, and return two quantiles of each sample.

    R is `REPLICATES`. The quantiles are `RANGE_QUANTILES` (0.05 and 0.95), shape (2, R), in the
    unit of the values. kept (N,) are the values, without NaN; blocks (N,) says which block,
    numbered from 0, each value belongs to; sizes (B,) says how many values each block has.
    """
    order = np.argsort(kept)
    weights, shares = _draw_weights(sizes.size, REPLICATES), np.array(RANGE_QUANTILES)
    scratch, quantiles = np.empty((6, REPLICATES), np.int32), np.empty((2, REPLICATES))
    _bootstrap_quantiles(kept[order], blocks[order], sizes, weights, shares, scratch, quantiles)
    return quantiles


def _reach(drawn: Float64Array, whole: float) -> float:
    """Return the distance from an estimate to the further end of its bootstrap interval.

    `whole` is the estimate from all values. drawn (R,) holds the estimate from each bootstrap draw.
    The interval lies between two percentiles of drawn, with the share `CONFIDENCE` between them.
    """
    ends = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    low, high = take_quantiles(drawn, np.ones(drawn.size, np.bool_), ends)[1].tolist()
    return float(max(whole - low, high - whole))


@functools.lru_cache(maxsize=1024)
def compute_bootstrap_correction(block_count: int) -> float:
    """Compute the factor by which a bootstrap interval of few blocks is too narrow.

    Parameters
    ----------
    block_count : int
        Blocks of `BLOCK_S` that are drawn within strata of `STRATUM_BLOCKS`.

    Returns
    -------
    float
        Factor for the distances from the estimate to the ends of its interval; above 1. NaN for
        fewer than two blocks.

    Notes
    -----
    The model: the eyes hold each position for an exponentially distributed time of mean h
    (`HELD_S`), so the autocovariance falls as exp(-t / h). With r = h / b, a mean over m blocks of
    length b then has ``V(m) = 2 r / m * (1 - r / m * (1 - exp(-m / r)))`` times the variance of a
    single sample.

    The bootstrap errs twice. It treats the blocks of a stratum as independent. And it divides by
    their number m, where an unbiased variance divides by m - 1 [1]_. It therefore takes
    ``m * (V(1) - V(m))`` for the variance of the sum over the m blocks of a stratum: only how much
    the blocks' means differ from each other. The true variance of the sum over all n blocks is
    ``n**2 * V(n)``. The factor is the root of the true variance divided by the bootstrap's, and
    corrects both errors. It is derived for a mean. In large samples it also holds for a quantile,
    because a quantile's error comes from a mean: the share of time spent below it.

    The variance is estimated from few blocks. Student's quantile therefore replaces the normal
    distribution's. Its degrees of freedom are the number of blocks minus the number of strata.

    References
    ----------
    .. [1] B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", 1993: the bootstrap's
       standard error of a mean divides by n where the unbiased one divides by n - 1.
    """
    if block_count < 2:
        return math.nan
    whole, rest = divmod(block_count, STRATUM_BLOCKS)
    strata = [STRATUM_BLOCKS] * whole + ([rest] if rest else [])
    of_block = compute_held_mean_variance(BLOCK_S)
    seen = sum(size * (of_block - compute_held_mean_variance(size * BLOCK_S)) for size in strata)
    share = seen / (block_count**2 * compute_held_mean_variance(block_count * BLOCK_S))
    quantile = compute_student_quantile(block_count - len(strata))
    return quantile / NORMAL_QUANTILE / math.sqrt(share)


def compute_held_mean_variance(time_s: float) -> float:
    """Return the variance of the mean gaze over `time_s` seconds, over that of a single sample.

    From 0 to 1: the longer the time, the less the mean varies. It holds for eyes that hold each
    position for an exponentially distributed time of mean `HELD_S`. 1 if `time_s` is not above 0.
    """
    if not time_s > 0:
        return 1.0
    held = HELD_S / time_s
    return 2 * held * (1 - held * (1 - math.exp(-1 / held)))


def compute_noise_floor(values: ArrayLike, keep: ArrayLike) -> float:
    """Compute the peak-to-peak that the landmarks' jitter alone would show for an eye at rest.

    Parameters
    ----------
    values : array_like, shape (N,), float64
        A gaze offset; NaN = missing.
    keep : array_like, shape (N,), bool
        True for the samples to use: those outside closures.

    Returns
    -------
    float
        95th minus 5th percentile of a normal jitter, in the unit of `values`. The jitter's standard
        deviation comes from the median absolute difference of neighbouring samples that are both
        used; NaN if there are none. Saccades are too few to change that median. Drift slower than
        the frame rate is not included.

    Raises
    ------
    ValueError
        Shapes differ.
    """
    series, flags = as_kept(values, keep)
    differences = np.empty(series.size)
    _neighbour_differences(series, flags, differences)
    # The standard deviation of a difference is sqrt(2) times the standard deviation of a sample.
    return median_finite(differences) * MAD_TO_STD / math.sqrt(2) * NORMAL_RANGE


def compute_rate_interval(count: int, exposure: float) -> tuple[float, float]:
    """Compute the exact 95 % confidence interval of a Poisson rate.

    Parameters
    ----------
    count : int
        Events; at least 0.
    exposure : float
        Time in which they were counted. Minutes give a rate per minute.

    Returns
    -------
    low, high : float
        Events per unit of `exposure`. At the lower rate, `count` or more events have a probability
        of ``(1 - CONFIDENCE) / 2``; at the higher rate, `count` or fewer have it. `low` is 0 if
        `count` is 0. Both are NaN if `exposure` is not above 0.

    Raises
    ------
    ValueError
        `count` is negative.

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
    """Return the 95 % confidence interval (low, high) of a Poisson mean, given the events seen.

    `count` is their number, at least 0; `low` is 0 if it is 0.
    """
    tail = (1 - CONFIDENCE) / 2
    return 0.0 if count == 0 else _poisson_mean(count - 1, 1 - tail), _poisson_mean(count, tail)


def _poisson_mean(count: int, probability: float) -> float:
    """Return the mean of the Poisson distribution for which `count` or fewer events are so likely.

    They have the given probability, between 0 and 1. The mean is found by bisection.
    """
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
