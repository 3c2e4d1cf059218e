"""Looks, and how surely the ends of a range are known from them: by hand, and a naive reference."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from kernels.looks import _sum_looks, compute_look_reach
from kernels.student import compute_student_quantile
from tests import naive


@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_the_sums_over_looks_are_the_reference(rng: np.random.Generator, count: int) -> None:
    values = np.repeat(rng.normal(size=100), 3)[:count]
    values[::7] = 0.0
    sums = np.full((2, 4), np.nan)
    _sum_looks(values, -0.5, 0.5, sums)
    looks = naive.find_looks(values.tolist(), -0.5, 0.5)
    assert count < 300 or len(looks) > 5
    for end in range(2):
        of_end = [look for one, look in looks if one == end]
        expected = [
            sum(len(look) for look in of_end),
            sum(len(look) ** 2 for look in of_end),
            sum(sum(look) for look in of_end),
            sum(sum(look) ** 2 / len(look) for look in of_end),
        ]
        assert_allclose(sums[end], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("middle", [0.0, -0.8])
def test_the_reach_is_the_reference(rng: np.random.Generator, middle: float) -> None:
    looks = np.repeat([-1.0, 0.9, 0.1, -1.2, 1.1, -0.7], [40, 25, 10, 60, 30, 20])
    values = looks + rng.normal(0, 0.05, looks.size)
    top, bottom = np.quantile(values, (0.05, 0.95)).tolist()
    expected = naive.look_reach(values.tolist(), middle, compute_student_quantile)
    (found,) = compute_look_reach(values, top, bottom, middle)
    assert_allclose(found, expected, rtol=1e-9)


def test_one_look_to_either_end_by_hand() -> None:
    """The assumed tenth alone: 0.1 sqrt(1 + 1.2816**2) = 0.16256; t of 4 is 2.7764."""
    values = np.repeat([-1.0, 1.0], 100)
    between, from_top = compute_look_reach(values, -1.0, 1.0, 0.0, -1.0)
    assert between == pytest.approx((0.4513, 0.4513), abs=2e-4)
    # Straight ahead is at -1: there is nothing to miss upwards, and twice as much downwards.
    assert from_top == pytest.approx((0, 0.9027), abs=2e-4)


def test_two_looks_to_either_end_by_hand() -> None:
    """Down to 0.9 and 1.1: (4 * 0.01 + 0.02) / 5 = 0.012, times 0.5 + 0.4106; t of 5 is 2.5706.

    Up twice to the same: 0.008 in place of 0.012.
    """
    values = np.repeat([-1.0, 0.9, -1.0, 1.1], 50)
    ((top, bottom),) = compute_look_reach(values, -1.0, 1.0, 0.0)
    assert bottom == pytest.approx(2.5706 * math.sqrt(0.012 * 0.9106), abs=2e-4)
    assert top == pytest.approx(2.5706 * math.sqrt(0.008 * 0.9106), abs=2e-4)


def test_a_glitch_is_no_look() -> None:
    values = np.repeat([-1.0, 1.0], 100)
    values[50] = 1.0
    assert compute_look_reach(values, -1.0, 1.0, 0.0)[0][1] == pytest.approx(0.45, abs=0.01)


@pytest.mark.parametrize("count", [1, 90])
def test_a_constant_has_no_looks(count: int) -> None:
    assert compute_look_reach(np.full(count, 0.2), 0.2, 0.2, 0.1) == [(0, 0)]
