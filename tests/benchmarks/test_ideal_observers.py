"""What an ideal observer can find: more than the product, and all of what is large."""

import numpy as np
import pytest

from benchmarks.ideal_observers import (
    NOISES,
    Fixation,
    bound_onsets,
    draw_step,
    inform,
    take_match,
)
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


@pytest.mark.slow
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
        eyes, rng = Eyes(15.0, velocity_deg_s, 0.3), np.random.default_rng(0)
        informed = [inform(eyes, 60.0, LandmarkNoise(jitter), rng)]
        return float(np.sqrt(bound_onsets(informed, 0.14, 0.3, 0.0, known=True)[0, 0]))

    fast = bound(350.0, 0.001)
    assert 0 < fast < 0.01
    assert bound(70.0, 0.001) > 2 * fast
    assert bound(350.0, 0.005) > fast


def test_bounds_of_onsets_are_those_worked_out_by_hand() -> None:
    """Of one step, an onset of variance 1 / 5 if the duration is known, and told together with it.

    A prior of the duration's variance 1 / 4 adds 4 to its information, so that the onset's is
    5 - 2 * 2 / (3 + 4). Without one, the onset's is 5 - 2 * 2 / 3. Of many steps, the typical
    duration is as good as known.
    """
    information = np.array([[5.0, 2.0, 0.0], [2.0, 3.0, 0.0], [0.0, 0.0, 1.0]])
    (known,) = bound_onsets([information], 0.5, 1.0, 0.3, known=True)[0]
    assert known == pytest.approx(1 / (5 - 4 / 7))
    (unknown,) = bound_onsets([information], 0.5, 1.0, 0.0)[0]
    assert unknown == pytest.approx(1 / (5 - 4 / 3))
    many = bound_onsets([information] * 400, 0.5, 1.0, 0.0)
    assert many[0, 0] == pytest.approx(known, rel=0.01)
    # What all steps share adds to each variance and to each covariance.
    late = bound_onsets([information] * 400, 0.5, 1.0, 0.3)
    assert late - many == pytest.approx(np.full((400, 400), 0.3**2))


def test_a_bend_that_is_not_known_makes_onsets_less_certain() -> None:
    """Of one step with a known duration: the bend's prior adds 1 / 0.5**2 to its information 2."""
    information = np.array([[5.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 2.0]])
    (variance,) = bound_onsets([information], 0.5, 0.5, 0.0)[0]
    assert variance == pytest.approx(1 / (5 - 1 / (2 + 4)))
    assert bound_onsets([information], 0.5, 0.5, 0.0, known=True)[0, 0] == pytest.approx(1 / 5)
