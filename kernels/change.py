"""Tell whether two measurements of one person differ by more than the measurement error."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from kernels.student import CONFIDENCE, bisect, compute_student_quantile

MAX_EVENTS = 10_000_000
"""Largest sum of two counts, to bound the memory of the exact interval. No recording has more."""


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
        The confidence interval (low, high) of each. It must hold the estimate, which is not
        checked, but need not be symmetric about it.

    Returns
    -------
    low, high : float
        Interval of ``second - first``, with the confidence of the given intervals. Both are NaN if
        an estimate is NaN; one is NaN if an end that it needs is NaN (see Notes).

    Raises
    ------
    ValueError
        An interval's ends are in the wrong order.

    Notes
    -----
    Each end of the result combines one end of each given interval: `low` the second's low and the
    first's high end, `high` the other two. Its distance from ``second - first`` is the root of the
    sum of the squared distances of these two ends from their estimates. In this way an interval
    that reaches further up than down keeps its shape.

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


def compute_rate_ratio_interval(
    first_count: int, first_exposure: float, second_count: int, second_exposure: float
) -> tuple[float, float]:
    """Compute the exact confidence interval of the ratio of two Poisson rates.

    Parameters
    ----------
    first_count, second_count : int
        Events; at least 0.
    first_exposure, second_exposure : float
        Time over which they were counted, both in the same unit.

    Returns
    -------
    low, high : float
        Interval of the second rate divided by the first. Counts are whole numbers, so its
        confidence is 95 % (`CONFIDENCE`) or more. `low` is 0 if `second_count` is 0, and `high` is
        infinite if `first_count` is 0. Both are NaN if an exposure is not above 0.

    Raises
    ------
    ValueError
        A negative count, or counts whose sum is above `MAX_EVENTS`.

    Notes
    -----
    Given the sum of both counts, the second count is binomial. Its exact limits give the limits of
    the ratio [1]_ [2]_. The method assumes that events are independent, with a constant rate in
    each recording. Blinks that come in bursts vary more than the interval says.

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
    """Find the log-odds of a success for which `count` or fewer successes have this `probability`.

    The successes are counted in `total` independent trials. For a success of probability p, the
    result is ``log(p / (1 - p))``, between -50 and 50.
    """
    k = np.arange(count + 1)
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, total + 1)))))
    log_ways = log_factorial[total] - log_factorial[k] - log_factorial[total - k]

    def cumulative(log_odds: float) -> float:
        return float(np.exp(log_ways + k * log_odds - total * np.logaddexp(0, log_odds)).sum())

    return bisect(lambda log_odds: cumulative(log_odds) > probability, -50.0, 50.0)


def compute_within_std(groups: Sequence[ArrayLike]) -> tuple[float, int]:
    """Compute the standard deviation of repeated measurements, pooled over groups.

    Parameters
    ----------
    groups : sequence of array_like, each shape (N,), float64
        Repeated measurements, one group for each condition; NaN or infinity = missing.

    Returns
    -------
    std : float
        Root of the sum of squared deviations from the groups' means, divided by the degrees of
        freedom [1]_; in the unit of the measurements. NaN if no group has two values.
    degrees_of_freedom : int
        Number of measurements minus number of groups, counting only groups with two values or more;
        0 if there are none.

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
    """Compute the change that measurement error alone exceeds in only 5 % of comparisons.

    Parameters
    ----------
    within_std : float
        Standard deviation of repeated measurements, from `compute_within_std`.
    degrees_of_freedom : int
        From `compute_within_std`, too.
    first_count, second_count : int, default 1
        The change is one between two means. These are the numbers of measurements in each mean.

    Returns
    -------
    float
        The size of the change, in the unit of `within_std`:
        ``t * within_std * sqrt(1 / first_count + 1 / second_count)``, with the t of
        `kernels.student.compute_student_quantile`. For two single measurements and many degrees of
        freedom this is the 1.96 * sqrt(2) * within_std of the literature [1]_ [2]_, which assumes
        that the standard deviation is known. NaN if `within_std` is NaN, or another argument is
        below 1.

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
