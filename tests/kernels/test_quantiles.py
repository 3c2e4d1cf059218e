"""Quantiles: against the reference, hand-worked numbers, and values that are hard to tell apart."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from kernels import compute_quantiles
from kernels.measures import median_finite
from kernels.quantiles import BINS, SAMPLE
from tests import naive

SHARES = (0.0, 0.05, 0.3, 0.5, 0.75, 0.95, 1.0)


def assert_is_the_reference(values: NDArray[np.float64], keep: NDArray[np.bool_]) -> None:
    expected = naive.quantiles(values.tolist(), keep.tolist(), SHARES)
    assert_allclose(compute_quantiles(values, keep, SHARES), expected, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 20, 21, 1000])
@pytest.mark.parametrize("kept", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("decimals", [1, 15])
def test_quantiles_are_the_reference(
    rng: np.random.Generator, count: int, kept: float, missing: float, decimals: int
) -> None:
    values = np.round(rng.normal(size=count), decimals)
    values[rng.random(count) < missing] = rng.choice([np.nan, np.inf, -np.inf])
    assert_is_the_reference(values, rng.random(count) < kept)


@pytest.mark.parametrize(
    "values",
    [
        [7.0] * 50,
        # All but one in one bin of the histogram.
        [*np.linspace(0, 1, 50), 1e12],
        [-1e12, *np.linspace(0, 1, 50)],
        # Too close to divide by their distance; neighbours among the floats.
        [0.0, 5e-324, 5e-324, 0.0, 1e-323],
        [1.0, np.nextafter(1, 2), 1.0, np.nextafter(1, 2)],
        # At the edges of the bins.
        list(range(BINS)),
        [*range(BINS), *range(BINS)],
    ],
)
def test_awkward_values(values: list[float]) -> None:
    series = np.array(values, dtype=np.float64)
    assert_is_the_reference(series, np.ones(series.size, bool))
    assert_is_the_reference(series[::-1].copy(), np.ones(series.size, bool))


@pytest.mark.parametrize("sampled", [-1e9, 0.5, 1e9])
@pytest.mark.parametrize("others", ["random", "equal"])
def test_a_sample_that_is_unlike_the_other_values(
    rng: np.random.Generator, sampled: float, others: str
) -> None:
    """The bins then lie where few values are, and most are below the first or above the last."""
    count = 10 * SAMPLE
    values = rng.normal(size=count) if others == "random" else np.ones(count)
    values[:: count // SAMPLE + 1] = sampled + rng.normal(0, 1e-3, values[::11].size)
    assert_is_the_reference(values, np.ones(count, bool))


def test_a_tail_does_not_widen_the_bins(rng: np.random.Generator) -> None:
    values = np.abs(rng.standard_cauchy(5000))
    assert_is_the_reference(values, rng.random(5000) < 0.9)


def test_hand_worked_quantiles() -> None:
    # 1 to 5, the NaN and what is not kept left out: places 0, 1.2 and 4.
    values = [4.0, 1.0, np.nan, 5.0, 99.0, 2.0, 3.0]
    keep = np.array([1, 1, 1, 1, 0, 1, 1], bool)
    assert_allclose(compute_quantiles(values, keep, (0, 0.3, 1)), [1, 2.2, 5], rtol=1e-12)
    assert median_finite([[4.0, 1.0], [np.nan, 2.0]]) == 2
    assert median_finite([1.0, 2.0]) == 1.5
    assert math.isnan(median_finite([np.nan]))


def test_the_input_is_not_changed(rng: np.random.Generator) -> None:
    values, keep = rng.normal(size=100), rng.random(100) < 0.5
    before = values.copy(), keep.copy()
    for array in (values, keep):
        array.setflags(write=False)
    strided = np.repeat(values, 2)[::2], np.repeat(keep, 2)[::2]
    assert_array_equal(compute_quantiles(values, keep, SHARES), compute_quantiles(*strided, SHARES))
    assert_array_equal(values, before[0])
    assert_array_equal(keep, before[1])


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="have shapes"):
        compute_quantiles([1.0], [True, False], (0.5,))
    for share in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="expected 0 to 1"):
            compute_quantiles([1.0], [True], (share,))
