"""The clips that judge the noise of simulated saccades, and the tests that compare both."""

import math

import numpy as np
import pytest

from benchmarks.rendered_saccades import (
    BUILT_WITH,
    JUDGED,
    compute_binomial_chance,
    compute_chance,
    compute_distance,
    describe,
    draw_clips,
    standardize,
)
from benchmarks.saccades import Result


def result(time_ms: float, width: float = 1.5) -> Result:
    return Result(time_ms, 50.0, 1.0, 0.0, width, (0.0, 0.0), 100.0, 0.01)


def test_the_clips_mix_rates_faces_and_people() -> None:
    clips = list(draw_clips(20, JUDGED))
    assert {clip.recording.spec.fps for clip in clips} == {30.0, 60.0, 120.0}
    assert len({clip.face for clip in clips}) == 5
    assert [clip.kind for clip in clips[:2]] == ["normal", "slow"]
    others = draw_clips(20, BUILT_WITH)
    pairs = zip(clips, others, strict=True)
    assert all(one.recording.spec.seed != other.recording.spec.seed for one, other in pairs)


def test_errors_are_told_in_deviations_of_their_interval() -> None:
    """An interval from 40 to 60 is 3.92 deviations wide, as logarithms."""
    (one,) = standardize([result(math.nan), result(50 * 1.1, 1.5)])
    assert one == pytest.approx(math.log(1.1) / (math.log(1.5) / 3.92))


def test_chances_are_those_worked_out_by_hand() -> None:
    assert compute_binomial_chance(0, 2) == pytest.approx(0.05**2)
    assert compute_binomial_chance(1, 2) == pytest.approx(0.05**2 + 2 * 0.05 * 0.95)
    assert compute_binomial_chance(2, 2) == pytest.approx(1.0)
    assert compute_distance(np.array([1.0, 2.0]), np.array([3.0])) == 1.0
    assert compute_distance(np.array([1.0, 3.0]), np.array([2.0])) == 0.5
    rng = np.random.default_rng(0)
    same, far = rng.normal(size=30), rng.normal(3.0, 1.0, 30)
    assert compute_chance(same, rng.normal(size=300), rng) > 0.05
    assert compute_chance(same, far, rng) < 0.01


def test_what_is_told_counts_the_clips() -> None:
    clips = list(draw_clips(3, JUDGED))
    times_ms = (48.0, math.nan, 55.0)
    judged = [(clip, result(one)) for clip, one in zip(clips, times_ms, strict=True)]
    text = describe(judged, {"normal": {30.0: [result(50.0), result(52.0), result(46.0)]}})
    assert "2 of the 3 clips have a value" in text
    assert "time holds what was drawn in 2 of 2" in text
    assert "amplitude holds what was drawn in 0 of 2" in text
    assert "| - | - | - | - |" in text
