"""What an ideal observer can find: more than the product, and all of what is large."""

import numpy as np
import pytest

from benchmarks.ideal_observers import NOISES, Fixation, bound_onset_s, draw_step, take_match
from benchmarks.saccades import Eyes
from tracker.lab.eye_movements import LandmarkNoise


def test_a_step_is_that_of_the_drawing() -> None:
    """A raised cosine of 0.1 s, as the mean over 500 moments of the exposure."""
    times_s = np.arange(-0.1, 0.2, 0.01)
    moments_s = times_s[:, None] + 0.02 * (np.arange(500) + 0.5) / 500
    step = (1 - np.cos(np.pi * np.clip(moments_s / 0.1, 0, 1))) / 2
    assert draw_step(times_s, 0.1, 0.02) == pytest.approx(step.mean(axis=1), abs=1e-5)


def test_a_found_jerk_is_taken_once() -> None:
    left = [(1.0, 2.0, 0.3), (3.0, -2.0, 0.2)]
    assert not take_match(left, 1.2, 1.5, 2.0)
    assert not take_match(left, 1.02, 1.33, -2.0)
    assert take_match(left, 1.02, 1.33, 2.0)
    assert not take_match(left, 1.02, 1.33, 2.0)
    assert left == [(3.0, -2.0, 0.2)]


def test_the_floor_of_white_noise_is_that_worked_out_by_hand() -> None:
    """Two means over 9 samples each: sqrt(2 / 9) of the jitter."""
    fixation = Fixation(60.0, LandmarkNoise(0.001, 0.0))
    one_sample = fixation.factor[0, 0]
    assert fixation.floor_deg == pytest.approx(one_sample * np.sqrt(2 / 9))


def test_ideal_observers_find_large_jerks_and_miss_small_ones() -> None:
    fixation = Fixation(30.0, NOISES[0])
    small, large = (
        fixation.find_ideally(np.random.default_rng(0), floors * fixation.floor_deg, 4)
        for floors in (1.5, 8.0)
    )
    assert small < 0.7
    assert large == 1.0


def test_an_onset_is_less_certain_in_slow_saccades_and_in_noise() -> None:
    def bound(velocity_deg_s: float, jitter: float) -> float:
        eyes = Eyes(15.0, velocity_deg_s, 0.3)
        return bound_onset_s(eyes, 60.0, LandmarkNoise(jitter), np.random.default_rng(0))

    fast = bound(350.0, 0.001)
    assert 0 < fast < 0.01
    assert bound(70.0, 0.001) > 2 * fast
    assert bound(350.0, 0.005) > fast
