"""Acceptance on containers that people's software wrote, which are not part of this repository."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tracker.face.mesh import FaceMesh
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


Analyze = Callable[[str], Result]


@pytest.fixture(scope="module")
def analyze() -> Analyze:
    """Return a function that analyses a recording with the defaults, once."""
    mesh = FaceMesh()

    @functools.cache
    def analyze(name: str) -> Result:
        return measure_track(track_recording(DATA / name, mesh, Parameters()), Parameters(), name)

    return analyze


def peaks_s(result: Result) -> np.ndarray:
    return result.track.times_s[result.analysis.events.closures.peak]


@pytest.mark.parametrize("name", TWINS)
def test_each_container_is_its_plain_twin(name: str, analyze: Analyze) -> None:
    twin_name, hidden_s = TWINS[name]
    ours, twin = analyze(f"field/{name}").summary, analyze(twin_name).summary
    assert ours.assessment.status == twin.assessment.status
    assert ours.video_meta.complete
    assert ours.video_meta.frames_failed == twin.video_meta.frames_failed
    hidden = round(hidden_s * (twin.fps or 0))
    assert ours.frames_processed == twin.frames_processed - hidden
    assert ours.duration_sec_est == pytest.approx(twin.duration_sec_est - hidden_s, abs=0.05)
    range_ = ours.vertical_peak_to_peak
    assert range_ == pytest.approx(twin.vertical_peak_to_peak, rel=0.1, abs=0.01)
    codes = [one.code for one in ours.assessment.cautions]
    assert codes == [one.code for one in twin.assessment.cautions]


@pytest.mark.parametrize("name", TWINS)
def test_each_event_is_the_twins(name: str, analyze: Analyze) -> None:
    twin_name, hidden_s = TWINS[name]
    ours, twin = analyze(f"field/{name}"), analyze(twin_name)
    expected = peaks_s(twin) - hidden_s
    np.testing.assert_allclose(peaks_s(ours), expected[expected >= 0], atol=0.1)
    kinds = twin.analysis.events.closures.kind[expected >= 0]
    np.testing.assert_array_equal(ours.analysis.events.closures.kind, kinds)


def test_slow_motion_has_real_times(analyze: Analyze) -> None:
    result = analyze("field/android_slow_motion_240.mp4")
    assert result.summary.sampling.slowed_down == pytest.approx(8)
    assert result.summary.fps == pytest.approx(240)
    assert result.summary.prolonged_closure_count == 0
    assert result.summary.blink_count >= 4
    assert result.summary.assessment.status == "not_assessable"
