"""Acceptance on containers that people's software wrote, which are not part of this repository."""

import functools
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.containers import encode, read_images
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
JITTERING = "pixels_64_45.mp4"
"""The file whose second encoding makes the landmarks jitter; see `assert_same_answer`."""
LATER = {
    *("fragments_10s.mp4", "cover_before_video.mp4", "short_header.avi", "size_changes.webm"),
    *("pixels_1_2.mp4", "trimmed_edit_list.mp4"),
}
"""These kinds are drawn in `tests.tracker.test_containers`, too."""
CHOSEN = [pytest.param(one, marks=[pytest.mark.long] if one in LATER else []) for one in TWINS]

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


def assert_same_answer(name: str, ours: Summary, twin: Summary) -> None:
    """Compare the answers; those of the picture that its encoding makes jitter may differ.

    The face of this recording hardly moves for seconds. FaceMesh's landmarks then swing between two
    places, as each frame's region comes from the landmarks of the frame before. How far they swing
    depends on the finest details of the picture, so that a second encoding with loss changes it.
    The noise floor tells it, and the interval's lower end includes it. Nothing else differs: see
    `test_pixels_that_are_narrowed_without_loss_give_the_same_answer`.
    """
    if name != JITTERING:
        assert ours.assessment.status == twin.assessment.status
        return
    assert (ours.assessment.status, twin.assessment.status) == ("borderline", "not_suspected")
    assert ours.vertical_noise_floor < 0.015
    assert twin.vertical_noise_floor < 0.003
    without_noise = [
        one.vertical_peak_to_peak_ci95[0] + one.vertical_noise_floor for one in (ours, twin)
    ]
    assert without_noise[0] == pytest.approx(without_noise[1], abs=0.003)
    assert min(without_noise) > ours.parameters.vpp_thresh


@pytest.mark.parametrize("name", CHOSEN)
def test_each_container_is_its_plain_twin(name: str, analyze: Analyze) -> None:
    twin_name, hidden_s = TWINS[name]
    ours, twin = analyze(f"field/{name}").summary, analyze(twin_name).summary
    assert_same_answer(name, ours, twin)
    assert ours.video_meta.complete
    assert ours.video_meta.frames_failed == twin.video_meta.frames_failed
    hidden = round(hidden_s * (twin.fps or 0))
    assert ours.frames_processed == twin.frames_processed - hidden
    assert ours.duration_sec_est == pytest.approx(twin.duration_sec_est - hidden_s, abs=0.05)
    range_ = ours.vertical_peak_to_peak
    assert range_ == pytest.approx(twin.vertical_peak_to_peak, rel=0.1, abs=0.01)
    codes = [one.code for one in ours.assessment.cautions]
    assert codes == [one.code for one in twin.assessment.cautions]


def test_pixels_that_are_narrowed_without_loss_give_the_same_answer(
    analyze: Analyze, tmp_path: Path
) -> None:
    """The pixels of `JITTERING`, made from the twin without its second loss."""
    images = [
        (cv2.resize(image, (450, 360), interpolation=cv2.INTER_AREA), time)
        for image, time in read_images(DATA / TWINS[JITTERING][0])
    ]
    narrowed = encode(tmp_path / "narrowed.mp4", images, aspect=Fraction(64, 45))
    ours, twin = analyze(str(narrowed)).summary, analyze(TWINS[JITTERING][0]).summary
    assert ours.assessment.status == twin.assessment.status == "not_suspected"
    range_, (low, high) = twin.vertical_peak_to_peak, twin.vertical_peak_to_peak_ci95
    assert ours.vertical_peak_to_peak == pytest.approx(range_, abs=0.005)
    assert ours.vertical_peak_to_peak_ci95 == pytest.approx((low, high), abs=0.006)
    assert ours.vertical_noise_floor < 0.004


def test_the_left_of_a_mirror_image_is_the_subjects(analyze: Analyze) -> None:
    """The two files hold the same encoded frames; one says that it shows a mirror image."""
    ours, twin = analyze("field/mirrored_matrix.mp4"), analyze("field/mirrored_pixels.mp4")
    np.testing.assert_array_equal(ours.track.landmarks, twin.track.landmarks)
    assert ours.summary.video_meta.mirrored


@pytest.mark.parametrize("name", CHOSEN)
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
    passes, pictures = track.second_pass_sample < count, track.picture_sample < count
    part = replace(
        track,
        frame_index=track.frame_index[:count],
        times_s=track.times_s[:count],
        landmarks=track.landmarks[:count],
        second_pass_sample=track.second_pass_sample[passes],
        second_pass_landmarks=track.second_pass_landmarks[passes],
        second_pass_turn=track.second_pass_turn[passes],
        picture_sample=track.picture_sample[pictures],
        picture_heights=track.picture_heights[pictures],
    )
    return slow, measure_track(part, ASKED, "part")


@pytest.mark.long  # drawn in `tests.tracker.test_containers`, too
def test_slow_motion_has_real_times(slow_and_twin: tuple[Result, Result]) -> None:
    slow, _ = slow_and_twin
    assert slow.summary.sampling.slowed_down == pytest.approx(8)
    assert slow.summary.fps == pytest.approx(240)
    assert slow.summary.duration_sec_est == pytest.approx(1441 / 240, abs=0.01)


@pytest.mark.long
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
