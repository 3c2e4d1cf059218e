"""Pooling events: against the reference, and populations whose truth is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from kernels import pool_events
from kernels.pooling import (
    CHANCES,
    SPACING,
    SPREADS,
    interpolate_nodes,
    make_log_grid,
    read_event,
)
from tests import naive


def test_the_grid_has_its_spacing_and_length() -> None:
    grid = make_log_grid(10.0, 620.0)
    assert grid[0] == pytest.approx(np.log(10.0))
    assert np.diff(grid) == pytest.approx(SPACING)
    assert np.log(620.0) - SPACING < grid[-1] <= np.log(620.0)
    assert make_log_grid(1e-9, 1e9).size == 160


def test_a_parabola_stays_one_between_the_nodes() -> None:
    nodes = np.arange(9.0)
    at = np.linspace(1, 7, 61)
    found = interpolate_nodes(np.stack((-((nodes - 4.3) ** 2), nodes)), at)
    assert_allclose(found, np.stack((-((at - 4.3) ** 2), at)), atol=1e-12)
    ends = interpolate_nodes(nodes[None], np.array((-3.0, 12.0)))
    assert ends.tolist() == [[0.0, 8.0]]


@pytest.mark.parametrize("events", [1, 3])
def test_the_interval_is_the_reference(rng: np.random.Generator, events: int) -> None:
    grid = make_log_grid(1.0, 4.0)
    logs = -(((grid - rng.normal(0.7, 0.1, (events, 2, 1))) / 0.15) ** 2) / 2
    logs += rng.normal(0, 0.1, logs.shape)
    chances = np.array(naive.pooled_chances(grid.tolist(), logs.tolist(), SPREADS, CHANCES))
    below = (np.cumsum(chances) - chances / 2) / chances.sum()
    expected = np.exp(np.interp((0.5, 0.025, 0.975), below, grid))
    assert_allclose(pool_events(grid, logs), expected, rtol=1e-6)


def test_a_shared_error_widens_the_interval() -> None:
    """Eight events that agree, and an error of 20 % of all of them."""
    grid = make_log_grid(0.1, 10.0)
    logs = np.tile(-((grid / 0.05) ** 2) / 2, (8, 1, 1))
    middle, low, high = pool_events(grid, logs, 0.2)
    assert middle == pytest.approx(1.0, abs=0.01)
    assert np.log(high) == pytest.approx(-np.log(low), abs=0.02)
    assert 1.96 * 0.2 < np.log(high) < 1.96 * 0.22


def test_events_that_only_exclude_values_exclude_them() -> None:
    """Steps between two frames only say that they took less than 30."""
    grid = make_log_grid(10.0, 600.0)
    logs = np.tile(np.where(grid < np.log(30.0), 0.0, -200.0), (6, 1, 1))
    middle, low, high = pool_events(grid, logs)
    assert 10 <= low < 11
    assert 12 < middle < 22
    assert 24 < high < 32


@pytest.mark.parametrize(("spread", "error"), [(0.1, 0.1), (0.2, 0.05)])
def test_intervals_hold_the_typical_value(
    rng: np.random.Generator, spread: float, error: float
) -> None:
    """Of 400 times eight events: 95 %, within three deviations."""
    grid = make_log_grid(10.0, 600.0)
    inside = 0
    for _ in range(400):
        truth = np.log(60) + rng.uniform(-0.02, 0.02)
        seen = truth + rng.normal(0, np.hypot(spread, error), (8, 1, 1))
        _, low, high = pool_events(grid, -(((grid - seen) / error) ** 2) / 2)
        inside += low <= np.exp(truth) <= high
    assert abs(inside / 400 - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 400)


@pytest.mark.parametrize("error", [0.0, 0.3])
def test_a_single_event_has_the_interval_of_its_own_likelihood(error: float) -> None:
    """A normal distribution of the logarithm, and an error that adds to its variance."""
    grid = make_log_grid(0.02, 50.0)
    logs = -((grid / 0.4) ** 2) / 2
    middle, low, high = read_event(grid, np.stack((logs, logs - 50)), error)
    reach = 1.96 * np.hypot(0.4, error)
    assert np.log((middle, low, high)) == pytest.approx((0.0, -reach, reach), abs=0.02)


def test_assumptions_that_differ_widen_a_single_event() -> None:
    """Under either exposure, one value or another is certain."""
    grid = make_log_grid(1.0, 100.0)
    logs = np.stack([-(((grid - np.log(at)) / 0.05) ** 2) / 2 for at in (5.0, 20.0)])
    _, low, high = read_event(grid, logs)
    assert 4.3 < low < 5.0
    assert 20.0 < high < 23.0
