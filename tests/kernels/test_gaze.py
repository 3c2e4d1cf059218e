"""Framing gain and saccades: against the reference and traces whose truth is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from kernels import compute_framing_gain, detect_saccades, gaze
from tests import naive
from tests.kernels.test_measures import irregular_times_s, layouts

Float64Array = NDArray[np.float64]

RTOL = 1e-9
MAX_INTERVAL_S = 0.03


def saccade_trace(
    times_s: Float64Array, onset_s: float, duration_s: float, amplitude: float
) -> Float64Array:
    """A movement of least jerk, whose peak velocity is 1.875 times its mean one."""
    u = np.clip((times_s - onset_s) / duration_s, 0, 1)
    return amplitude * (10 * u**3 - 15 * u**4 + 6 * u**5)


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


# Saccades.


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 300])
@pytest.mark.parametrize("kept", [0.0, 0.9, 1.0])
def test_velocity_is_the_reference(rng: np.random.Generator, count: int, kept: float) -> None:
    times_s = irregular_times_s(rng, count, gaps=0.02)
    values = rng.normal(0, 0.1, count)
    values[rng.random(count) < 0.02] = np.nan
    keep = rng.random(count) < kept
    computed = np.empty(count)
    gaze._velocity(values, keep, times_s, 0.06, computed)
    expected = naive.velocity(values.tolist(), keep.tolist(), times_s.tolist(), 0.06)
    assert_allclose(computed, expected, rtol=RTOL, atol=1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.03])
def test_saccades_are_the_reference(rng: np.random.Generator, missing: float) -> None:
    times_s = np.arange(1200) / 240
    values = rng.normal(0, 1e-4, 1200)
    for onset_s in rng.uniform(0, 5, 12):
        values += saccade_trace(times_s, onset_s, rng.uniform(0.03, 0.09), rng.normal(0, 0.08))
    values[rng.random(1200) < missing] = np.nan
    keep = np.ones(1200, dtype=bool)
    for given in (values, *layouts(values)):
        found = detect_saccades(given, keep, times_s, MAX_INTERVAL_S)
        expected = naive.saccades(values.tolist(), keep.tolist(), times_s.tolist(), MAX_INTERVAL_S)
        assert len(expected) > 3
        assert_array_equal(found.interval, [one.interval for one in expected])
        assert_allclose(found.amplitude, [one.amplitude for one in expected], rtol=RTOL)
        peaks = [one.peak_velocity_per_s for one in expected]
        assert_allclose(found.peak_velocity_per_s, peaks, rtol=RTOL)


@pytest.mark.parametrize("amplitude", [0.1, -0.1])
def test_a_saccade_has_the_velocity_it_was_drawn_with(
    rng: np.random.Generator, amplitude: float
) -> None:
    times_s = np.arange(960) / 480
    values = saccade_trace(times_s, 1.0, 0.065, amplitude) + rng.normal(0, 1e-5, 960)
    found = detect_saccades(values, np.ones(960, dtype=bool), times_s, MAX_INTERVAL_S)
    assert len(found.amplitude) == 1
    assert found.amplitude[0] == pytest.approx(amplitude, rel=0.02)
    assert found.peak_velocity_per_s[0] == pytest.approx(1.875 * 0.1 / 0.065, rel=0.03)
    start, stop = found.interval[0]
    assert times_s[start] == pytest.approx(1.0, abs=0.02)
    assert times_s[stop - 1] == pytest.approx(1.065, abs=0.02)


def test_there_and_back_are_two_saccades(rng: np.random.Generator) -> None:
    times_s = np.arange(960) / 480
    values = saccade_trace(times_s, 1.0, 0.06, 0.1) - saccade_trace(times_s, 1.06, 0.06, 0.1)
    values += rng.normal(0, 1e-5, 960)
    found = detect_saccades(values, np.ones(960, dtype=bool), times_s, MAX_INTERVAL_S)
    assert np.sign(found.amplitude).tolist() == [1, -1]


def test_noise_and_closures_hold_no_saccade(rng: np.random.Generator) -> None:
    times_s = np.arange(960) / 480
    noise = rng.normal(0, 0.01, 960)
    keep = np.ones(960, dtype=bool)
    assert len(detect_saccades(noise, keep, times_s, MAX_INTERVAL_S).amplitude) <= 1
    moved = noise / 100 + saccade_trace(times_s, 1.0, 0.06, 0.1)
    keep[470:520] = False
    assert len(detect_saccades(moved, keep, times_s, MAX_INTERVAL_S).amplitude) == 0
    slow = np.arange(960) / 10
    assert len(detect_saccades(moved, keep | True, slow, MAX_INTERVAL_S).amplitude) == 0
