"""Whether two measurements of one person differ by more than measuring them would make them."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from kernels.uncertainty import BLOCK_S, CONFIDENCE, STRATUM_BLOCKS

NORMAL_QUANTILE = 1.96
"""Standard deviations to either end of a 95 % interval."""
HELD_S = 0.5
"""Mean time for which the eyes hold a position, at most: of people at rest the vertical gaze is
correlated over 0.02 to 0.46 s (integrated; tests/test_recordings.py)."""
MAX_EVENTS = 10_000_000
"""Counts whose sum is beyond are no counts of a recording; the exact interval takes memory."""


def compute_difference_interval(
    first: float,
    first_interval: tuple[float, float],
    second: float,
    second_interval: tuple[float, float],
) -> tuple[float, float]:
    """Compute the confidence interval of the difference of two independent estimates.

    Parameters
    ----------
    first, second : float
        The estimates.
    first_interval, second_interval : (float, float)
        The confidence interval of each; they need not be symmetric.

    Returns
    -------
    low, high : float
        Interval of ``second - first`` at the intervals' own confidence; NaN where one is missing.

    Raises
    ------
    ValueError
        An interval's ends are in the wrong order.

    Notes
    -----
    The squares of the distances to the ends that lie towards each other are added: the variance of
    an estimate is recovered at its limit and not only at its value.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: A general
       approach", Statistics in Medicine 27, 2008.
    """
    for low, high in (first_interval, second_interval):
        if low > high:
            raise ValueError(f"the interval {low} to {high} ends before it begins")
    down = math.hypot(second - second_interval[0], first_interval[1] - first)
    up = math.hypot(second_interval[1] - second, first - first_interval[0])
    return second - first - down, second - first + up


def compute_bootstrap_correction(time_s: float) -> float:
    """Compute by how much a bootstrap interval of few blocks is too narrow.

    Parameters
    ----------
    time_s : float
        Time that `kernels.uncertainty.compute_peak_to_peak_interval` cut into blocks.

    Returns
    -------
    float
        Factor for the distances from the estimate to the ends of its interval; above 1. NaN for
        less than two blocks.

    Notes
    -----
    Three things are left out by the bootstrap. Drawing n blocks with replacement gives (n - 1) / n
    of the variance [1]_, n being the blocks of a stratum. The variance is estimated from few
    blocks, so that Student's quantile takes the place of the normal distribution's. And blocks in a
    row are not independent: with positions that are held for exponentially distributed times of
    mean h, whose autocovariance falls as exp(-t / h), means over blocks of length b hold
    ``1 - h / b * (1 - exp(-b / h))`` of the variance of the mean over all; h is taken for `HELD_S`.

    References
    ----------
    .. [1] B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", 1993: the bootstrap's
       standard error of a mean divides by n where the unbiased one divides by n - 1.
    """
    blocks = round(time_s / BLOCK_S) if math.isfinite(time_s) else 0
    if blocks < 2:
        return math.nan
    size = min(blocks, STRATUM_BLOCKS)
    held = HELD_S / BLOCK_S
    share = (size - 1) / size * (1 - held * (1 - math.exp(-1 / held)))
    quantile = compute_student_quantile(blocks - -(-blocks // STRATUM_BLOCKS))
    return quantile / NORMAL_QUANTILE / math.sqrt(share)


def compute_rate_ratio_interval(
    first_count: int, first_exposure: float, second_count: int, second_exposure: float
) -> tuple[float, float]:
    """Compute the exact confidence interval of the ratio of two Poisson rates.

    Parameters
    ----------
    first_count, second_count : int
        Events; at least 0.
    first_exposure, second_exposure : float
        Time in which they were counted, in one unit.

    Returns
    -------
    low, high : float
        Of the second rate over the first: at least `CONFIDENCE` (counts are whole). 0 and infinity
        where nothing limits it; NaN without exposure.

    Raises
    ------
    ValueError
        A negative count, or more than `MAX_EVENTS`.

    Notes
    -----
    Given the sum of both counts, the second one is binomial; its exact limits are those of the
    ratio [1]_ [2]_. It supposes that events come independently of each other and at one rate in
    each recording: blinks that come in bursts vary more than it says.

    References
    ----------
    .. [1] J. Przyborowski, H. Wilenski, "Homogeneity of Results in Testing Samples from Poisson
       Series", Biometrika 31, 1940.
    .. [2] C. J. Clopper, E. S. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in
       the Case of the Binomial", Biometrika 26, 1934.
    """
    total = first_count + second_count
    if min(first_count, second_count) < 0 or total > MAX_EVENTS:
        raise ValueError(
            f"counts are {first_count} and {second_count}, expected 0 or more, {MAX_EVENTS} in all"
        )
    if not (first_exposure > 0 and second_exposure > 0):
        return math.nan, math.nan
    exposures = first_exposure / second_exposure
    tail = (1 - CONFIDENCE) / 2
    low, high = 0.0, math.inf
    if second_count > 0:
        low = exposures * math.exp(-_binomial_log_odds(first_count, total, tail))
    if first_count > 0:
        high = exposures * math.exp(_binomial_log_odds(second_count, total, tail))
    return low, high


def _binomial_log_odds(count: int, total: int, probability: float) -> float:
    """Return the log-odds at which `count` or fewer of `total` have a probability."""
    k = np.arange(count + 1)
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, total + 1)))))
    log_ways = log_factorial[total] - log_factorial[k] - log_factorial[total - k]

    def cumulative(log_odds: float) -> float:
        return float(np.exp(log_ways + k * log_odds - total * np.logaddexp(0, log_odds)).sum())

    return _bisect(lambda log_odds: cumulative(log_odds) > probability, -50.0, 50.0)


def compute_within_std(groups: Sequence[ArrayLike]) -> tuple[float, int]:
    """Compute the standard deviation of repeated measurements of the same, pooled over groups.

    Parameters
    ----------
    groups : sequence of array_like, each shape (N,), float64
        What was measured again and again under one condition each; NaN = missing.

    Returns
    -------
    std : float
        Root of the mean square within groups [1]_; NaN without a group of two.
    degrees_of_freedom : int
        Measurements less groups.

    References
    ----------
    .. [1] J. M. Bland, D. G. Altman, "Measurement error", BMJ 312, 1996.
    """
    squares, free = 0.0, 0
    for group in groups:
        values = np.asarray(group, dtype=np.float64)
        values = values[np.isfinite(values)]
        if values.size > 1:
            squares += float(((values - values.mean()) ** 2).sum())
            free += values.size - 1
    return (math.sqrt(squares / free) if free else math.nan), free


def compute_detectable_change(
    within_std: float, degrees_of_freedom: int, first_count: int = 1, second_count: int = 1
) -> float:
    """Compute the smallest change that repeated measurements tell from no change.

    Parameters
    ----------
    within_std : float
        From `compute_within_std`.
    degrees_of_freedom : int
        Those of `within_std`.
    first_count, second_count : int, default 1
        Measurements in each of the two means that are compared.

    Returns
    -------
    float
        ``t * within_std * sqrt(1 / first_count + 1 / second_count)``, t being the quantile of
        Student's distribution that leaves out ``1 - CONFIDENCE`` at both ends. For two single
        measurements and many degrees of freedom it is the 1.96 * sqrt(2) * within_std of the
        literature [1]_ [2]_, which takes the standard deviation for known. NaN without degrees of
        freedom.

    References
    ----------
    .. [1] J. M. Bland, D. G. Altman, "Measurement error", BMJ 312, 1996: repeatability.
    .. [2] H. C. W. de Vet et al., "When to use agreement versus reliability measures", Journal of
       Clinical Epidemiology 59, 2006: smallest detectable change.
    """
    if degrees_of_freedom < 1 or min(first_count, second_count) < 1:
        return math.nan
    spread = within_std * math.sqrt(1 / first_count + 1 / second_count)
    return compute_student_quantile(degrees_of_freedom) * spread


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

    angle = _bisect(lambda angle: within(angle) < CONFIDENCE, 0.0, math.pi / 2)
    return math.sqrt(degrees_of_freedom) * math.tan(angle)


def _bisect(is_below: Callable[[float], bool], low: float, high: float) -> float:
    """Return where `is_below` turns false, to the last digits of a float."""
    for _ in range(80):
        middle = (low + high) / 2
        if is_below(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2
