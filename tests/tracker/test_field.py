"""Acceptance on containers that people's software wrote, which are not part of this repository."""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tracker.face.mesh import FaceMesh
from tracker.files.fields import Summary
from tracker.parameters import Parameters
from tracker.pipeline import measure_track, track_recording
from tracker.result import Result

DATA = Path(__file__).parents[3] / "shared" / "data"
PORTRAIT = "blinks/phone_portrait.mp4"
TWINS = {
    "fragments_10s.mp4": ("field/whole.mp4", 0.0),
    "short_header.avi": (PORTRAIT, 0.0),
    "mirrored_matrix.mp4": ("field/mirrored_pixels.mp4", 0.0),
    "pixels_1_2.mp4": ("field/square_pixels.mp4", 0.0),
    "pixels_64_45.mp4": ("field/square_pixels.mp4", 0.0),
    "trimmed_edit_list.mp4": ("field/untrimmed_14s.mp4", 1.5),
    "cover_before_video.mp4": (PORTRAIT, 0.0),
    "size_changes.webm": (PORTRAIT, 0.0),
}
"""Each file's plain twin, and how much of the twin's beginning it hides in seconds."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the recordings are not at {DATA}"),
]


ASKED = Parameters(task="up_down")
Analyze = Callable[[str], Result]


@pytest.fixture(scope="module")
def analyze() -> Analyze:
    """Return a function that analyses a recording with the defaults, once."""
    mesh = FaceMesh()

    @functools.cache
    def analyze(name: str) -> Result:
        return measure_track(track_recording(DATA / name, mesh, ASKED), ASKED, name)

    return analyze


def peaks_s(result: Result) -> np.ndarray:
    return result.track.times_s[result.analysis.events.closures.peak]


def assert_same_answer(ours: Summary, twin: Summary) -> None:
    """Compare the answers; of clips of 12 s, a wide interval may end on one side of the threshold.

    The pixels were encoded anew, which moves the ends of the interval by more than the range.
    """
    if {ours.assessment.status, twin.assessment.status} == {"not_suspected", "borderline"}:
        lows = [one.vertical_peak_to_peak_ci95[0] for one in (ours, twin)]
        assert min(lows) < ours.parameters.vpp_thresh < max(lows)
        assert lows[0] == pytest.approx(lows[1], abs=0.015)
    else:
        assert ours.assessment.status == twin.assessment.status


@pytest.mark.parametrize("name", TWINS)
def test_each_container_is_its_plain_twin(name: str, analyze: Analyze) -> None:
    twin_name, hidden_s = TWINS[name]
    ours, twin = analyze(f"field/{name}").summary, analyze(twin_name).summary
    assert_same_answer(ours, twin)
    assert ours.video_meta.complete
    assert ours.video_meta.frames_failed == twin.video_meta.frames_failed
    hidden = round(hidden_s * (twin.fps or 0))
    assert ours.frames_processed == twin.frames_processed - hidden
    assert ours.duration_sec_est == pytest.approx(twin.duration_sec_est - hidden_s, abs=0.05)
    range_ = ours.vertical_peak_to_peak
    assert range_ == pytest.approx(twin.vertical_peak_to_peak, rel=0.1, abs=0.01)
    codes = [one.code for one in ours.assessment.cautions]
    assert codes == [one.code for one in twin.assessment.cautions]


def test_the_left_of_a_mirror_image_is_the_subjects(analyze: Analyze) -> None:
    """The two files hold the same encoded frames; one says that it shows a mirror image."""
    ours, twin = analyze("field/mirrored_matrix.mp4"), analyze("field/mirrored_pixels.mp4")
    np.testing.assert_array_equal(ours.track.landmarks, twin.track.landmarks)
    assert ours.summary.video_meta.mirrored


@pytest.mark.parametrize("name", TWINS)
def test_each_event_is_the_twins(name: str, analyze: Analyze) -> None:
    twin_name, hidden_s = TWINS[name]
    ours, twin = analyze(f"field/{name}"), analyze(twin_name)
    expected = peaks_s(twin) - hidden_s
    np.testing.assert_allclose(peaks_s(ours), expected[expected >= 0], atol=0.1)
    kinds = twin.analysis.events.closures.kind[expected >= 0]
    np.testing.assert_array_equal(ours.analysis.events.closures.kind, kinds)


@pytest.fixture(scope="module")
def slow_and_twin(analyze: Analyze) -> tuple[Result, Result]:
    """Return the slow motion, and as much of the recording that it was made from."""
    slow = analyze("field/android_slow_motion_240.mp4")
    track = analyze(PORTRAIT).track
    count = np.count_nonzero(track.times_s <= slow.track.times_s[-1])
    passes = track.second_pass_sample < count
    part = replace(
        track,
        frame_index=track.frame_index[:count],
        times_s=track.times_s[:count],
        landmarks=track.landmarks[:count],
        second_pass_sample=track.second_pass_sample[passes],
        second_pass_landmarks=track.second_pass_landmarks[passes],
        second_pass_turn=track.second_pass_turn[passes],
    )
    return slow, measure_track(part, ASKED, "part")


def test_slow_motion_has_real_times(slow_and_twin: tuple[Result, Result]) -> None:
    slow, _ = slow_and_twin
    assert slow.summary.sampling.slowed_down == pytest.approx(8)
    assert slow.summary.fps == pytest.approx(240)
    assert slow.summary.duration_sec_est == pytest.approx(1441 / 240, abs=0.01)


def test_slow_motion_has_the_events_of_its_twin(slow_and_twin: tuple[Result, Result]) -> None:
    """Four blinks, and the beginning of a closure in which the recording ends."""
    slow, twin = slow_and_twin
    np.testing.assert_allclose(peaks_s(slow), peaks_s(twin), atol=0.05)
    closures, expected = slow.analysis.events.closures, twin.analysis.events.closures
    np.testing.assert_array_equal(closures.kind, expected.kind)
    assert closures.offset_seen.tolist() == [True] * 4 + [False]
    range_ = slow.summary.vertical_peak_to_peak
    assert range_ == pytest.approx(twin.summary.vertical_peak_to_peak, abs=0.01)
    assert slow.summary.assessment.status == twin.summary.assessment.status == "not_assessable"
