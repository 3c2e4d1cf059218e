"""The clips that judge the noise of simulated saccades, and the tests that compare both."""

import math

import numpy as np
import pytest

from benchmarks import rendered_saccades
from benchmarks.rendered_saccades import (
    BUILT_WITH,
    JUDGED,
    NOT_FOLLOWED,
    Clip,
    compute_binomial_chance,
    compute_chance,
    compute_distance,
    describe,
    draw_clips,
    estimate_shared_error,
    standardize,
)
from benchmarks.saccades import Result
from tracker.lab.eye_movements import simulate_track
from tracker.measures.saccades import TIME_ERROR
from tracker.tracks.track import Track


def result(time_ms: float, width: float = 1.5) -> Result:
    return Result(time_ms, 50.0, 1.0, 0.0, width, (3.0, -5.0), (3.0, -5.0), 100.0, 0.01)


def test_the_clips_mix_rates_faces_and_people() -> None:
    clips = list(draw_clips(20, JUDGED))
    assert {clip.recording.spec.fps for clip in clips} == {30.0, 60.0, 120.0}
    assert len({clip.face for clip in clips}) == 5
    assert [clip.kind for clip in clips[:2]] == ["normal", "slow"]
    others = [clip for seed in BUILT_WITH for clip in draw_clips(20, seed)]
    seeds = {clip.recording.spec.seed for clip in clips + others}
    assert len(seeds) == len(clips) + len(others)


def test_errors_are_told_in_deviations_of_their_interval() -> None:
    """An interval from 40 to 60 is 3.92 deviations wide, as logarithms."""
    (one,) = standardize([result(math.nan), result(50 * 1.1, 1.5)])
    assert one == pytest.approx(math.log(1.1) / (math.log(1.5) / 3.92))


def test_the_error_that_steps_share_is_found_besides_that_of_their_own() -> None:
    """Errors of 0.2 that the steps share and 0.1 that are the clips' own, and clips without."""
    rng, own = np.random.default_rng(3), 0.1
    width = math.exp(3.92 * math.hypot(own, TIME_ERROR))
    for shared in (0.2, 0.0):
        errors = math.hypot(shared, own) * rng.normal(size=600)
        found = [result(50 * math.exp(error), width) for error in errors] + [result(math.nan)]
        best, low, high = estimate_shared_error(found)
        assert best == pytest.approx(shared, abs=0.05)
        assert low <= best <= high
        assert low <= shared <= high


def test_the_command_tells_the_error_of_the_clips_that_were_built_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the first three clips, the face of the second one has spectacles."""

    def simulate(clip: Clip, _: object) -> Track:
        return simulate_track(clip.recording.spec, np.random.default_rng(1))

    monkeypatch.setattr(rendered_saccades, "BUILT_WITH", BUILT_WITH[:1])
    monkeypatch.setattr(rendered_saccades, "BUILT_COUNT", 3)
    monkeypatch.setattr(rendered_saccades, "track_clip", simulate)
    rendered_saccades.main()
    assert capsys.readouterr().out.startswith("2 clips share an error of the time of 0.")


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
    clips = [clip for clip in draw_clips(6, JUDGED) if clip.face not in NOT_FOLLOWED][:3]
    clips.append(next(clip for clip in draw_clips(6, JUDGED) if clip.face in NOT_FOLLOWED))
    times_ms = (48.0, math.nan, 55.0, 200.0)
    judged = [(clip, result(one)) for clip, one in zip(clips, times_ms, strict=True)]
    text = describe(judged, {"normal": {30.0: [result(50.0), result(52.0), result(46.0)]}})
    assert "follow the gaze of 3 of the 4 clips" in text
    assert "2 of them have a value. Of the others, 1 have one" in text
    assert "time holds what was drawn in 2 of 2" in text
    assert "amplitude holds what was drawn in 0 of 2" in text
    assert "| - | - | - | - | +3, -5 |" in text
    # Of the errors 3 and 5 ms, once in slow eyes and twice in normal ones.
    assert "latencies of normal eyes: 4 ms" in text
    assert "latencies of slow eyes: 4 ms" in text
