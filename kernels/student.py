"""Student's t distribution: how wide a 95 % interval is if its spread comes from few values."""

import math
from collections.abc import Callable

import numpy as np

from kernels._jit import kernel

CONFIDENCE = 0.95
"""Probability that an interval holds the true value."""


@kernel("f8(f8, i8)")
def _within(angle, degrees_of_freedom):
    """Return the probability that a value of Student's distribution lies between -t and t.

    t is ``sqrt(degrees_of_freedom) * tan(angle)``, with the angle in radians, 0 to pi / 2, and at
    least 1 degree of freedom. The reference of `compute_student_quantile` has the formula.
    """
    odd = degrees_of_freedom % 2
    cosine = np.cos(angle)
    term = cosine if odd else 1.0
    total = term if degrees_of_freedom > 1 else 0.0
    for k in range(2 + odd, degrees_of_freedom - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    share = np.sin(angle) * total
    return 2 / np.pi * (angle + share) if odd else share


@kernel("f8(i8, f8)")
def _student_angle(degrees_of_freedom, confidence):
    """Find the angle for which `_within` returns `confidence`, by bisection to the last digit.

    The angle is in radians. Student's t is then ``sqrt(degrees_of_freedom) * tan(angle)``.
    """
    low, high = 0.0, np.pi / 2
    middle = (low + high) / 2
    while low < middle and middle < high:
        if _within(middle, degrees_of_freedom) < confidence:
            low = middle
        else:
            high = middle
        middle = (low + high) / 2
    return middle


def compute_student_quantile(degrees_of_freedom: int) -> float:
    """Compute Student's t: between -t and t lies the probability `CONFIDENCE` (95 %).

    Parameters
    ----------
    degrees_of_freedom : int
        At least 1; otherwise a ValueError is raised.

    Returns
    -------
    float
        The t, above 0: the two-sided quantile of Student's distribution. It is 12.7 for 1 degree of
        freedom, and falls to 1.96 for many.

    References
    ----------
    .. [1] M. Abramowitz, I. A. Stegun, "Handbook of Mathematical Functions", 1964, 26.7.3 and
       26.7.4: the probability as a finite sum, for whole degrees of freedom.
    """
    if degrees_of_freedom < 1:
        raise ValueError(f"degrees_of_freedom is {degrees_of_freedom}, expected 1 or more")
    angle = float(_student_angle(degrees_of_freedom, CONFIDENCE))
    return math.sqrt(degrees_of_freedom) * math.tan(angle)


def bisect(is_below: Callable[[float], bool], low: float, high: float) -> float:
    """Find where a condition turns false, by bisection.

    Parameters
    ----------
    is_below : callable
        Takes a value and tells whether it is below the one to find: True up to there, then False.
    low, high : float
        The value to find lies between these two.

    Returns
    -------
    float
        The value to find, to the last digits of a float; `high` if the condition is true
        everywhere, and `low` if it is so nowhere.
    """
    for _ in range(80):
        middle = (low + high) / 2
        if is_below(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2
