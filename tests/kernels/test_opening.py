"""The level and the noise of open lids, against the reference and against known lids."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from kernels import compute_lid_noise, compute_open_level, compute_typical_opening
from tests import naive
from tests.kernels.lid_traces import (
    OPEN_EAR,
    at_fps,
    blinking_ear,
    irregular_times_s,
    random_ear,
)

# Both interpolate between the same two float64 samples.
RTOL = 1e-11
ATOL = 1e-11


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 100])
@pytest.mark.parametrize("missing", [0.0, 0.4, 1.0])
def test_typical_opening_is_the_reference(
    rng: np.random.Generator, count: int, missing: float
) -> None:
    ear = rng.uniform(0, 0.5, count)
    ear[rng.random(count) < missing] = np.nan
    assert_allclose(compute_typical_opening(ear), naive.typical_opening(ear.tolist()), rtol=1e-12)


@pytest.mark.parametrize("count", [0, 1, 2, 30, 250])
@pytest.mark.parametrize("fps", [7.0, 30.0, 120.0])
@pytest.mark.parametrize("gaps", [0.0, 0.03])
@pytest.mark.parametrize("missing", [0.0, 0.3, 0.6, 1.0])
def test_level_is_the_reference(
    rng: np.random.Generator, count: int, fps: float, gaps: float, missing: float
) -> None:
    times_s = irregular_times_s(rng, count, fps, gaps)
    # Ties among the values: they have to leave the window one at a time.
    ear = np.round(random_ear(rng, times_s, missing), 2)
    expected = naive.open_level(ear.tolist(), times_s.tolist())
    assert_allclose(compute_open_level(ear, times_s), expected, rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("count", [0, 1, 2, 12, 13, 250])
@pytest.mark.parametrize("fps", [4.0, 7.0, 15.0, 30.0, 120.0])
@pytest.mark.parametrize("gaps", [0.0, 0.03])
@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
def test_noise_is_the_reference(
    rng: np.random.Generator, count: int, fps: float, gaps: float, missing: float
) -> None:
    times_s = irregular_times_s(rng, count, fps, gaps)
    ear = random_ear(rng, times_s, missing)
    level = compute_open_level(ear, times_s)
    expected = naive.lid_noise(ear.tolist(), level.tolist(), times_s.tolist())
    assert_allclose(compute_lid_noise(ear, level, times_s), expected, rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("fps", [25.0, 30.0, 29.97, 120.0])
@pytest.mark.parametrize("start_s", [0.0, 1000.3])
def test_windows_that_end_on_a_sample_to_the_last_bit(
    rng: np.random.Generator, fps: float, start_s: float
) -> None:
    """At a regular rate the window's end falls on a sample, and rounding decides on it."""
    times_s = start_s + at_fps(fps, 6)
    ear = rng.uniform(0, 1, times_s.size)
    expected = naive.open_level(ear.tolist(), times_s.tolist())
    assert_allclose(compute_open_level(ear, times_s), expected, rtol=RTOL)


# Hand-worked.


def test_hand_worked_typical_opening() -> None:
    # Sorted: 0.1 0.2 0.3 0.4 0.5; place 0.75 * 4 = 3.
    assert compute_typical_opening([0.5, np.nan, 0.1, 0.4, 0.2, 0.3]) == 0.4
    # Sorted: 0.1 0.2; place 0.75: 0.1 + 0.75 * 0.1.
    assert_allclose(compute_typical_opening([0.2, 0.1]), 0.175, rtol=1e-12)
    assert math.isnan(compute_typical_opening([]))
    assert math.isnan(compute_typical_opening([np.nan, np.nan]))


def test_hand_worked_level() -> None:
    # A sample in 0.25 s. Windows of 1 s hold four; the two that the recording covers by 0.9 s, for
    # the third covers 0.75 s, begin at samples 0 and 1. Quantile 0.9 of four is at place 2.7.
    times_s = np.arange(5) * 0.25
    ear = [0.30, 0.10, 0.40, 0.35, 0.20]
    # .10 .30 .35 .40: .35 + .7 * .05; .10 .20 .35 .40: the same. The first sample is in the first.
    assert_allclose(compute_open_level(ear, times_s), [0.385] * 5, rtol=1e-12)
    # A third one, .20 .35 .40 .50: .40 + .7 * .10; it holds the last sample alone.
    level = compute_open_level([*ear, 0.50], np.arange(6) * 0.25)
    assert_allclose(level, [0.385] * 5 + [0.47], rtol=1e-12)


def test_hand_worked_noise() -> None:
    # Ten samples in a second; level 1, so that changes are those of the EAR. From one sample to the
    # next, a lag of 0.1 s, they are 0.01 and 0.03 in turn: 10 of each.
    times_s = np.arange(21) * 0.1
    ear = 1 + 0.01 * np.concatenate(([0], np.cumsum(np.tile([1, -3, -1, 3], 5))))
    # Quantile 0.8 of twenty is 0.03; over the normal's 0.9 quantile, 1.28155, and the root of 2.
    variation = 0.03 / 1.2815516 / math.sqrt(2)
    assert_allclose(compute_lid_noise(ear, np.ones(21), times_s), variation, rtol=1e-6)
    # It is a share of the level.
    found = compute_lid_noise(2 * ear, np.full(21, 2.0), times_s)
    assert_allclose(found, variation, rtol=1e-6)
    # On a ramp the change is 0.003 everywhere.
    found = compute_lid_noise(1 + 0.003 * np.arange(21), np.ones(21), times_s)
    assert_allclose(found, 0.003 / 1.2815516 / math.sqrt(2), rtol=1e-6)


def test_too_few_samples_have_the_usual_noise() -> None:
    assert compute_lid_noise(np.full(5, 0.3), np.full(5, 0.3), at_fps(30, 5 / 30)) == 0.02
    assert compute_lid_noise([], [], []) == 0.02


# What a clinician relies on.


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_level_of_a_constant_is_the_constant(fps: float) -> None:
    times_s = at_fps(fps, 8)
    assert_array_equal(compute_open_level(np.full(times_s.size, 0.31), times_s), 0.31)


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_blinks_leave_the_level_alone(fps: float) -> None:
    times_s = at_fps(fps, 20)
    ear = blinking_ear(times_s, np.arange(1, 19, 1.5))
    assert_allclose(compute_open_level(ear, times_s), OPEN_EAR, rtol=1e-12)


@pytest.mark.parametrize("fps", [15, 30, 60])
@pytest.mark.parametrize(("down_s", "follows"), [(0.6, False), (0.8, False), (1.1, True)])
def test_level_follows_what_lasts_longer_than_a_blink(
    fps: float, down_s: float, follows: bool
) -> None:
    times_s = at_fps(fps, 8)
    down = (times_s >= 3) & (times_s < 3 + down_s)
    ear = np.where(down, 0.2, 0.3)
    assert_allclose(compute_open_level(ear, times_s)[down], 0.2 if follows else 0.3, rtol=1e-12)


def test_level_does_not_foresee_a_turn_of_the_head() -> None:
    """An EAR that rises from 0.2 to 0.35 leaves the flat part before it at its own level."""
    times_s = at_fps(30, 10)
    ear = np.interp(times_s, [0, 4, 4.5, 10], [0.2, 0.2, 0.35, 0.35])
    level = compute_open_level(ear, times_s)
    assert_allclose(level[times_s < 4], 0.2, rtol=1e-12)
    assert (ear / level > 0.9).all()


def test_a_single_sample_does_not_lift_the_level() -> None:
    times_s = at_fps(30, 5)
    ear = np.full(150, 0.3)
    ear[70] = 0.6
    assert_allclose(compute_open_level(ear, times_s), 0.3, rtol=1e-12)


def test_a_recording_of_under_a_window_takes_the_typical_opening() -> None:
    times_s = at_fps(30, 0.9)
    ear = np.linspace(0.3, 0.4, times_s.size)
    assert_allclose(compute_open_level(ear, times_s), 0.375, rtol=1e-12)


def test_level_scales_with_the_person(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 300)
    ear = random_ear(rng, times_s)
    level = compute_open_level(ear, times_s)
    assert_allclose(compute_open_level(0.5 * ear, times_s), 0.5 * level, rtol=1e-12)
    # The noise is a share of the level.
    half = compute_lid_noise(0.5 * ear, 0.5 * level, times_s)
    assert_allclose(half, compute_lid_noise(ear, level, times_s), rtol=1e-9)


def test_level_is_the_same_backwards_in_time(rng: np.random.Generator) -> None:
    times_s = at_fps(30, 10)
    ear = random_ear(rng, times_s)
    backwards = compute_open_level(ear[::-1], -times_s[::-1])
    # The windows begin, or else end, at a sample: at a regular rate they hold the same ones.
    assert_array_equal(backwards[::-1], compute_open_level(ear, times_s))


def test_level_is_missing_only_where_everything_is(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 300)
    ear = random_ear(rng, times_s)
    ear[20:260] = np.nan
    assert np.isfinite(compute_open_level(ear, times_s)).all()
    assert np.isnan(compute_open_level(np.full(300, np.nan), times_s)).all()


@pytest.mark.parametrize("fps", [10.0, 15.0, 30.0, 60.0, 240.0])
def test_noise_of_white_jitter_is_its_standard_deviation(
    rng: np.random.Generator, fps: float
) -> None:
    times_s = at_fps(fps, 120)
    ear = 0.3 * (1 + rng.normal(0, 0.02, times_s.size))
    noise = compute_lid_noise(ear, np.full(times_s.size, 0.3), times_s)
    assert_allclose(noise, 0.02, rtol=0.1)


@pytest.mark.parametrize("fps", [10.0, 30.0, 60.0, 240.0])
def test_blinks_are_no_noise(rng: np.random.Generator, fps: float) -> None:
    """A person who blinks forty times a minute is as noisy as one who does not."""
    times_s = at_fps(fps, 60)
    ear = blinking_ear(times_s, np.arange(1, 58, 1.5)) + rng.normal(0, 0.003, times_s.size)
    noise = compute_lid_noise(ear, compute_open_level(ear, times_s), times_s)
    assert_allclose(noise, 0.01, rtol=0.35)


# Awkward input.


@pytest.mark.parametrize(
    ("values_shape", "times_shape"), [((3,), (4,)), ((3, 2), (3,)), ((3, 1), (3, 1)), ((), ())]
)
def test_a_wrong_shape_is_refused(
    values_shape: tuple[int, ...], times_shape: tuple[int, ...]
) -> None:
    values, times_s = np.zeros(values_shape), np.zeros(times_shape)
    with pytest.raises(ValueError, match="expected one") as caught:
        compute_open_level(values, times_s)
    assert str(values_shape) in str(caught.value)
    with pytest.raises(ValueError, match="expected one"):
        compute_lid_noise(values, values, times_s)


def test_levels_of_other_samples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shapes \(3,\) and \(2,\)"):
        compute_lid_noise(np.ones(3), np.ones(2), np.arange(3.0))


@pytest.mark.parametrize("times_s", [[0, 1, 1], [0, 2, 1], [0, np.nan, 1], [0, 1, np.inf]])
def test_times_that_do_not_increase_are_refused(times_s: list[float]) -> None:
    with pytest.raises(ValueError, match="times_s is not strictly increasing"):
        compute_open_level([1.0, 1.0, 1.0], times_s)
    with pytest.raises(ValueError, match="times_s is not strictly increasing"):
        compute_lid_noise([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], times_s)


def test_any_memory_layout_gives_the_same_and_the_input_stays(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 200)
    ear = random_ear(rng, times_s, missing=0.05)
    before = ear.copy(), times_s.copy()
    level = compute_open_level(ear, times_s)
    noise = compute_lid_noise(ear, level, times_s)
    read_only = ear.copy(), times_s.copy()
    for series in read_only:
        series.setflags(write=False)
    for values, times in (
        read_only,
        (np.repeat(ear, 2)[::2], np.repeat(times_s, 2)[::2]),
        (ear[::-1].copy()[::-1], times_s[::-1].copy()[::-1]),
        (ear.tolist(), times_s.tolist()),
    ):
        assert_array_equal(compute_open_level(values, times), level)
        assert_array_equal(compute_lid_noise(values, level, times), noise)
        assert compute_typical_opening(values) == compute_typical_opening(ear)
    assert_array_equal(ear, before[0])
    assert_array_equal(times_s, before[1])
