"""Framing gain: against the reference and traces whose truth is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from kernels import compute_framing_gain, gaze
from tests import naive

Float64Array = NDArray[np.float64]

RTOL = 1e-9

# Framing gain.


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 60, 300])
@pytest.mark.parametrize("missing", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("spread", [0.0, 0.003, 0.05])
def test_gain_is_the_reference(
    rng: np.random.Generator, count: int, missing: float, spread: float
) -> None:
    offset = rng.normal(0, spread, count)
    turned = 1.1 * offset + rng.normal(0, 0.005, count)
    offset[rng.random(count) < missing] = np.nan
    turn = rng.integers(0, 4, count)
    expected = naive.framing_gain(offset.tolist(), turned.tolist(), turn.tolist())
    assert_allclose(compute_framing_gain(offset, turned, turn), expected, rtol=RTOL)


def looks(
    rng: np.random.Generator, gain: float, gaze_std: float, count: int
) -> tuple[Float64Array, Float64Array, NDArray[np.int64]]:
    """The jitter and each turn's constant as on the synthetic face."""
    turn = np.arange(count) % 4
    gaze_offset = gaze_std * rng.choice([-1, 1], count)
    constants = rng.normal(0, 0.006, 4)
    return (
        gaze_offset + rng.normal(0, 0.002, count),
        gain * gaze_offset + constants[turn] + rng.normal(0, 0.004, count),
        turn,
    )


@pytest.mark.parametrize("gain", [0.9, 1.0, 1.12])
@pytest.mark.parametrize("count", [30, pytest.param(1200, marks=pytest.mark.repeats)])
def test_gain_of_a_moving_gaze_is_found_in_noise(
    rng: np.random.Generator, gain: float, count: int
) -> None:
    found = np.array([compute_framing_gain(*looks(rng, gain, 0.05, count)) for _ in range(100)])
    # The prior keeps a twentieth.
    assert found[:, 0].mean() == pytest.approx(1 + (gain - 1) * 0.95, abs=0.01)
    assert found[:, 0].std() < 0.03
    assert (found[:, 1] >= gaze.FRAMING_STD).all()
    assert found[:, 1].mean() < 0.035


@pytest.mark.parametrize("count", [30, pytest.param(1200, marks=pytest.mark.repeats)])
def test_gain_of_a_gaze_that_rests_stays_near_one(rng: np.random.Generator, count: int) -> None:
    """However long it rests, and however far the turned views are off."""
    found = np.array([compute_framing_gain(*looks(rng, 1, 0.0, count)) for _ in range(100)])
    assert found[:, 0].mean() == pytest.approx(1, abs=0.1)
    assert found[:, 0].max() < 1.1
    assert found[:, 1].mean() == pytest.approx(gaze.GAIN_STD, rel=0.1)


def test_gain_is_bounded(rng: np.random.Generator) -> None:
    assert compute_framing_gain(*looks(rng, 3, 0.05, 400))[0] == pytest.approx(1.16)
    assert compute_framing_gain(*looks(rng, 0, 0.05, 400))[0] == pytest.approx(0.84)


def test_gain_without_a_difference_is_one() -> None:
    shifted = compute_framing_gain([0.0, 0.25, 0.0, 0.25], [0.5, 0.75, 0.5, 0.75], [0, 0, 0, 0])
    assert shifted == (1, gaze.FRAMING_STD)
    assert compute_framing_gain([0.5] * 5, [0.5] * 5, [0] * 5) == (1, gaze.GAIN_STD)
    # Each turn a constant of its own: nothing is known of the slope.
    assert compute_framing_gain([0.0, 0.1], [0.0, 0.3], [0, 1]) == (1, gaze.GAIN_STD)


def test_gain_worked_by_hand() -> None:
    # x = -1, -1, 1, 1 about its mean, d = -0.2, 0, 0, 0.2: slope 0.1, rests -0.1, 0.1, -0.1, 0.1;
    # of four looks two are free: noise 0.04 / 2, power 4 / 2, mean(x d) 0.4 / 2.
    known = 2 + 0.02 / 0.08**2 / 2
    gain, std = compute_framing_gain([0, 0, 2, 2], [-0.2, 0.0, 2.0, 2.2], [7, 7, 7, 7])
    assert gain == pytest.approx(1 + 0.2 / known)
    assert std == pytest.approx(np.sqrt(0.02 / (2 * known)))


def test_gain_of_unequal_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="offset, second_offset and framing have shapes"):
        compute_framing_gain([0.0], [0.0, 1.0], [0, 0])
