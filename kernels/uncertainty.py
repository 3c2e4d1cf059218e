"""How far a measure can be trusted: intervals and the noise floor."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_kept, as_times
from kernels._jit import kernel
from kernels.measures import RANGE_QUANTILES

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


@kernel("void(f8[::1], i8[::1], i8[::1], i8[:,::1], f8, f8, i8[::1], f8[::1])")
def _bootstrap_ranges(ordered, ranks, block_starts, draws, low, high, counts, ranges):
    """Fill ranges (R,) with quantile `high` minus `low` of each draw (R, B) of B blocks.

    Sample i of n has the value ordered[ranks[i]]; block b begins at block_starts[b].
    Counting ranks instead of sorting values makes a replicate linear in n.
    """
    for r in range(draws.shape[0]):
        counts[:] = 0
        total = 0
        for b in draws[r]:
            for i in range(block_starts[b], block_starts[b + 1]):
                counts[ranks[i]] += 1
            total += block_starts[b + 1] - block_starts[b]
        result = 0.0
        for end in range(2):
            place = (low if end == 0 else high) * (total - 1)
            below = int(place)
            share = place - below
            # The order statistics number `below` and `below + 1`, found in one walk.
            passed, first, second, found = 0, 0.0, 0.0, 0
            for k in range(ordered.size):
                passed += counts[k]
                if found == 0 and passed > below:
                    first, found = ordered[k], 1
                if found == 1 and (passed > below + 1 or passed == total):
                    second = ordered[k]
                    break
            value = first + share * (second - first)
            result = value - result
        ranges[r] = result


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
    order = np.argsort(kept, kind="stable")
    ranks = np.empty(kept.size, dtype=np.int64)
    ranks[order] = np.arange(kept.size)
    first = np.arange(starts.size) // STRATUM_BLOCKS * STRATUM_BLOCKS
    stop = np.minimum(first + STRATUM_BLOCKS, starts.size)
    draws = np.random.default_rng(SEED).integers(first, stop, (REPLICATES, starts.size))
    ranges = np.empty(REPLICATES)
    _bootstrap_ranges(
        kept[order],
        ranks,
        np.append(starts, kept.size).astype(np.int64),
        draws,
        *RANGE_QUANTILES,
        np.empty(kept.size, dtype=np.int64),
        ranges,
    )
    low, high = np.quantile(ranges, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
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
    differences = np.abs(np.diff(series))[flags[1:] & flags[:-1]]
    differences = differences[np.isfinite(differences)]
    if not differences.size:
        return math.nan
    # A difference of two has the square root of two times the jitter of one.
    return float(np.median(differences)) * MAD_TO_STD / math.sqrt(2) * NORMAL_RANGE


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
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if count == 0 else _poisson_mean(count - 1, 1 - tail)
    return low / exposure, _poisson_mean(count, tail) / exposure


def _poisson_mean(count: int, probability: float) -> float:
    """Return the mean at which `count` or fewer events have a probability, by bisection."""

    def cumulative(mean: float) -> float:
        return math.fsum(
            math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1)
        )

    low, high = 1e-9, 1.0
    while cumulative(high) > probability:
        high *= 2
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        if cumulative(middle) > probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2
