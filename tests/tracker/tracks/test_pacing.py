"""The deadline: the whole recording is covered, at the highest rate that the time allows."""

import dataclasses
import functools
from pathlib import Path

import numpy as np
import pytest

from handler.engine import Engine
from tests.made_tracks import make_landmarks, make_track
from tracker.files.summary import summarize
from tracker.lab.clip_spec import make_spec
from tracker.lab.synthetic import write_clip
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters
from tracker.tracks.archive import load_track, save_track
from tracker.tracks.pacing import LARGEST_STEP, Pacer
from tracker.tracks.track import concatenate_tracks, track_video


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def simulate(
    frames: int,
    budget_s: float,
    decoding_s: float,
    tracking_s: float,
    *,
    step: int = 1,
    dearer_from: int = 10**9,
    factor: float = 1.0,
    frame_count: int | None = None,
) -> tuple[list[int], float, Pacer, bool]:
    """Decode and track frames of these costs.

    Return what was tracked, the time it took, the pacer, and whether it reached the end.
    """
    clock = Clock()
    pacer = Pacer(step, frames if frame_count is None else frame_count, budget_s, clock)
    tracked = []
    for index in range(frames):
        times = factor if index >= dearer_from else 1.0
        clock.now_s += decoding_s * times
        if pacer.wants(index):
            if pacer.out_of_time:
                return tracked, clock.now_s - 100, pacer, False
            tracked.append(index)
            clock.now_s += tracking_s * times
            pacer.tracked()
    return tracked, clock.now_s - 100, pacer, True


def test_the_extended_task_is_tracked_whole_within_a_lambda_functions_time() -> None:
    """Its 124 s at 120 frames a second: 7 ms a frame take 104 s on 1 processor."""
    frames = 124 * 120
    tracked, spent_s, pacer, whole = simulate(frames, 240.0, 0.002, 0.005)
    assert whole
    assert tracked == list(range(frames))
    assert spent_s < 110
    assert pacer.raised_step == 0


def test_enough_time_changes_nothing() -> None:
    for step in (1, 2, 7):
        tracked, _, pacer, whole = simulate(1000, 1000.0, 0.01, 0.01, step=step)
        assert tracked == list(range(0, 1000, step))
        assert (pacer.raised_step, whole) == (0, True)


@pytest.mark.parametrize("budget_s", [170.0, 200.0, 240.0])
def test_a_whole_recording_is_covered_in_time_at_one_rate(budget_s: float) -> None:
    # 12,000 frames of 10 ms and 10 ms: 120 s are decoding alone, 240 s all of it.
    tracked, took_s, pacer, whole = simulate(12_000, budget_s, 0.01, 0.01)
    assert whole
    assert took_s <= budget_s
    assert tracked[-1] >= 12_000 - pacer.step
    steps = np.diff(tracked)
    # After the calibration the rate hardly changes.
    assert np.ptp(steps[200:]) <= 1
    # The step is the smallest that does, or one more for what is kept in reserve.
    needed = next(s for s in range(1, 31) if 120 + 120 / s <= budget_s)
    assert needed <= np.median(steps) <= needed + 2


def test_costs_that_grow_raise_the_step_in_time() -> None:
    tracked, took_s, pacer, whole = simulate(
        12_000, 240.0, 0.004, 0.012, dearer_from=3000, factor=2.0
    )
    assert whole
    assert took_s <= 240
    assert tracked[-1] >= 12_000 - pacer.step
    assert pacer.raised_step > 1


def test_costs_that_fall_lower_the_step_again() -> None:
    tracked, _, pacer, whole = simulate(12_000, 150.0, 0.008, 0.02, dearer_from=3000, factor=0.25)
    assert whole
    assert pacer.raised_step > pacer.step == 1
    assert np.diff(tracked)[-1] == 1


def test_the_step_asked_for_is_the_least() -> None:
    tracked, _, pacer, _ = simulate(6000, 100.0, 0.01, 0.01, step=5)
    assert np.diff(tracked).min() == 5
    assert pacer.step >= 5


def test_not_even_decoding_fits_so_it_ends_in_time() -> None:
    tracked, took_s, pacer, whole = simulate(12_000, 60.0, 0.01, 0.01)
    assert not whole
    assert took_s < 60 + LARGEST_STEP * 0.01 + 0.02
    assert pacer.raised_step == LARGEST_STEP
    assert tracked[-1] > 5000


def test_a_frame_count_that_lies_ends_in_time() -> None:
    _, took_s, _, whole = simulate(12_000, 60.0, 0.005, 0.02, frame_count=100)
    assert not whole
    assert took_s < 61
    _, took_s, _, whole = simulate(100, 60.0, 0.005, 0.02, frame_count=10**7)
    assert whole
    assert took_s < 60


# Real frames


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pacing") / "clip.mp4"
    write_clip(path, make_spec(12.0, fps=30.0, width=320, height=240))
    return path


class TickingClock(Clock):
    """A clock that also moves by itself whenever it is read: by the time of decoding a frame."""

    def __call__(self) -> float:
        self.now_s += 0.002
        return super().__call__()


@pytest.mark.slow
def test_a_track_in_too_little_time_still_covers_the_recording(
    clip: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = TickingClock()
    monkeypatch.setattr("tracker.tracks.track.Pacer", functools.partial(Pacer, clock=clock))
    whole = track_video(clip, engine._mesh, 1, 12_000)
    assert (whole.info.raised_step, whole.info.out_of_time) == (0, False)
    plenty = track_video(clip, engine._mesh, 1, 12_000, budget_s=600)
    np.testing.assert_array_equal(plenty.landmarks, whole.landmarks)
    assert plenty.info == whole.info

    seen: list[tuple[int, int]] = []
    # By this clock, 360 frames take 10 s.

    def listen(done: int, expected: int) -> None:
        clock.now_s += 0.022
        seen.append((done, expected))

    short = track_video(clip, engine._mesh, 1, 12_000, listen, budget_s=5.0)
    assert short.info.raised_step > 1
    assert short.info.complete
    assert not short.info.out_of_time
    assert short.times_s[-1] > whole.times_s[-1] - 1
    assert seen[-1][0] > 0.95 * seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)

    analysis = analyze_track(short, Parameters())
    assessment = assess(analysis)
    summary = summarize(analysis, assessment, "clip.mp4").to_dict()
    assert "step_raised" in [one.code for one in assessment.cautions]
    sampling = summary["sampling"]
    assert sampling["step"] == 1
    assert sampling["largest_step"] == short.info.raised_step
    expected_step = short.frame_index[-1] / (short.frame_index.size - 1)
    assert sampling["effective_step"] == pytest.approx(expected_step, rel=1e-5)
    assert sampling["effective_rate_hz"] == pytest.approx(30 / expected_step, rel=0.01)
    assert summary["partial"] is False


def test_a_track_without_time_is_partial_and_says_so(clip: Path, engine: Engine) -> None:
    track = track_video(clip, engine._mesh, 1, 12_000, budget_s=0.0)
    assert track.info.out_of_time
    assert not track.info.complete
    assert 1 <= track.times_s.size < 360
    analysis = analyze_track(track, Parameters())
    assert summarize(analysis, assess(analysis), "clip.mp4").to_dict()["partial"] is True


def test_a_partial_recording_is_no_evidence_of_a_palsy() -> None:
    # Eyes that hold still for 20 s: suspected, if that is all there is.
    landmarks = make_landmarks(np.full(600, 0.3), 0.0)
    whole = assess(analyze_track(make_track(landmarks), Parameters(task="up_down")))
    assert whole.status == "suspected"
    part = make_track(landmarks, complete=False, out_of_time=True)
    assessment = assess(analyze_track(part, Parameters(task="up_down")))
    assert assessment.status == "not_assessable"
    assert [one.code for one in assessment.reasons] == ["out_of_time"]


@pytest.mark.parametrize(("slow_frames", "status"), [(50, "suspected"), (75, "not_assessable")])
def test_a_part_with_too_few_frames_is_not_hidden_by_the_median(
    slow_frames: int, status: str
) -> None:
    """600 frames of 30 a second; of the last ones only every fifth: 6 a second."""
    kept = np.concatenate((np.arange(600 - slow_frames), np.arange(600 - slow_frames, 600, 5)))
    whole = make_track(make_landmarks(np.full(600, 0.3), 0.0), raised_step=5)
    track = dataclasses.replace(
        whole,
        frame_index=whole.frame_index[kept],
        times_s=whole.times_s[kept],
        landmarks=whole.landmarks[kept],
    )
    assessment = assess(analyze_track(track, Parameters(task="up_down")))
    assert assessment.status == status
    assert [one.code for one in assessment.reasons] == ["low_rate"] * (status != "suspected")
    assert "step_raised" in [one.code for one in assessment.cautions]


def test_the_deadlines_marks_go_with_the_track(tmp_path: Path) -> None:
    track = make_track(make_landmarks(np.full(40, 0.3), 0.0), raised_step=3, out_of_time=True)
    save_track(track, tmp_path / "a.npz")
    assert load_track(tmp_path / "a.npz").info == track.info
    other = make_track(make_landmarks(np.full(40, 0.3), 0.0))
    joined = concatenate_tracks([other, track]).info
    assert (joined.raised_step, joined.out_of_time) == (3, True)
