"""What horizontal gaze makes of the vertical one is removed, and nothing else."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from kernels import remove_crosstalk
from kernels.crosstalk import CROSSTALK_MOST, _fit_within, _sum_crosstalk
from tests import naive

TIMES = np.arange(600)
ASIDE = np.choose(TIMES // 50 % 4, [0.0, 0.2, 0.0, -0.2])
EVERYTHING = np.ones(600, bool)


@pytest.mark.parametrize(("slope", "bend"), [(0.15, 0.0), (-0.1, 0.0), (0.0, 0.16), (0.07, -0.11)])
def test_glances_aside_alone_leave_nothing(slope: float, bend: float) -> None:
    vertical = 0.3 + slope * ASIDE + bend * np.abs(ASIDE)
    rest = remove_crosstalk(vertical, 0.05 + ASIDE, EVERYTHING)
    # The median of the horizontal offset, 0.05, is what aside is measured from.
    assert_allclose(rest, 0.3, atol=1e-12)


def test_vertical_gaze_stays_if_its_own_times_are_others() -> None:
    vertical = np.where(TIMES // 200 % 2, 0.1, -0.1)
    rest = remove_crosstalk(vertical + 0.12 * ASIDE, ASIDE, EVERYTHING)
    assert np.ptp(np.quantile(rest, (0.05, 0.95))) == pytest.approx(0.2, abs=0.03)


def test_what_little_goes_aside_with_vertical_gaze_does_not_explain_it() -> None:
    """Measured eyes go aside by a sixth of their vertical way: 0.033 explains 0.006 at most."""
    vertical = np.where(TIMES // 50 % 2, 0.1, -0.1)
    rest = remove_crosstalk(vertical, vertical / 6, EVERYTHING)
    assert np.ptp(rest) == pytest.approx(0.2 * (1 - CROSSTALK_MOST / 6), abs=1e-9)


def test_eyes_that_move_along_a_slant_keep_what_cannot_be_explained() -> None:
    rest = remove_crosstalk(ASIDE, ASIDE, EVERYTHING)
    assert np.ptp(rest) == pytest.approx(0.4 * (1 - CROSSTALK_MOST), abs=1e-9)


def test_only_kept_samples_decide_and_what_is_missing_stays_missing() -> None:
    vertical = 0.1 * ASIDE
    vertical[:50] = 5.0
    keep = EVERYTHING.copy()
    keep[:50] = False
    aside = ASIDE.copy()
    aside[100] = np.nan
    rest = remove_crosstalk(vertical, aside, keep)
    assert np.isnan(rest[100])
    assert_allclose(np.delete(rest[50:], 50), 0.0, atol=1e-12)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_samples(count: int) -> None:
    one = np.arange(count, dtype=float)
    rest = remove_crosstalk(one, np.zeros(count), np.ones(count, bool))
    assert rest.tolist() == one.tolist()
    nothing = remove_crosstalk(one, one, np.zeros(count, bool))
    assert np.isnan(nothing).all()


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="one value for each sample"):
        remove_crosstalk(np.zeros(3), np.zeros(2), np.ones(3, bool))


@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_the_sums_are_the_reference(rng: np.random.Generator, count: int) -> None:
    vertical, horizontal = rng.normal(size=(2, count))
    keep = rng.random(count) < 0.8
    vertical[rng.random(count) < 0.1] = np.nan
    horizontal[rng.random(count) < 0.1] = np.nan
    sums = np.full(9, np.nan)
    _sum_crosstalk(vertical, horizontal, keep, 0.2, sums)
    expected = naive.crosstalk_sums(vertical.tolist(), horizontal.tolist(), keep.tolist(), 0.2)
    assert_allclose(sums, expected, rtol=1e-12, atol=1e-12)


def test_eyes_that_only_look_to_one_side(rng: np.random.Generator) -> None:
    """Both terms are then the same: one of them explains it all."""
    aside = np.where(TIMES % 3 < 1, 0.2, 0.0)
    rest = remove_crosstalk(0.1 * aside, aside, EVERYTHING)
    assert np.ptp(rest) == pytest.approx(0.0, abs=1e-12)


def test_the_best_factors_within_the_limit(rng: np.random.Generator) -> None:
    """Against a search over a fine grid."""
    axis = np.linspace(-0.2, 0.2, 201)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    for _ in range(50):
        terms = rng.normal(size=(2, 20))
        squares, products = terms @ terms.T, terms @ rng.normal(0, 0.5, 20)
        costs = np.einsum("ki,ij,kj->k", grid, squares, grid) - 2 * grid @ products
        found = _fit_within(squares, products, 0.2)
        assert np.abs(found).max() <= 0.2
        assert found @ squares @ found - 2 * products @ found <= costs.min() + 1e-9
