"""How far a measure can be trusted: intervals and the noise floor."""

import functools
import math

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
        `CONFIDENCE` percentile interval over `REPLICATES` draws of blocks of `BLOCK_S`, each from
        its stratum of `STRATUM_BLOCKS`; NaN with fewer than two blocks. It covers what varies
        within the recording, not what another recording of the same person would give.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.

    References
    ----------
    .. [1] H. R. Künsch, "The Jackknife and the Bootstrap for General Stationary Observations", The
       Annals of Statistics 17(3), 1989: resampling blocks. Here the blocks do not overlap, and are
       drawn within strata.
    """
    series, flags = as_kept(values, keep)
    times = as_times(times_s, series.size, "values")
    used = flags & np.isfinite(series)
    if not used.any():
        return math.nan, math.nan
    kept, kept_times_s = series[used], times[used]
    block = np.floor((kept_times_s - kept_times_s[0]) / BLOCK_S)
    starts = np.flatnonzero(np.diff(block, prepend=-1.0))
    if starts.size < 2:
        return math.nan, math.nan
    order = np.argsort(kept)
    sizes = np.diff(starts, append=kept.size)
    ranges = np.empty(REPLICATES)
    _bootstrap_ranges(
        kept[order],
        np.repeat(np.arange(starts.size), sizes)[order],
        sizes,
        _draw_weights(starts.size, REPLICATES),
        *RANGE_QUANTILES,
        np.empty((6, REPLICATES), dtype=np.int32),
        ranges,
    )
    ends = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    low, high = take_quantiles(ranges, np.ones(REPLICATES, np.bool_), ends)[1]
    return float(low), float(high)


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
