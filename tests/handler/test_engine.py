"""What the API asks of the tracker: long recordings, and pictures of phones."""

import sys
from pathlib import Path

import cv2
import pytest

import tracker
from handler.engine import Engine
from handler.errors import UnsupportedMediaError
from tests.heif import write_heif
from tracker.lab.clip_spec import ClipSpec
from tracker.lab.eye_movements import Target, make_steps
from tracker.lab.synthetic import write_clip
from tracker.parameters import Parameters


@pytest.mark.slow
def test_a_step_of_1_counts_as_the_default(engine: Engine, clips: Path, tmp_path: Path) -> None:
    """The app's requests always name it, so a long recording is covered all the same."""
    parameters = Parameters(step=1, max_frames=100)
    summary, _ = engine.analyze_video(
        clips / "short.mp4", parameters, tmp_path, 600.0, lambda *_: None
    )
    # Of 180 frames, every other one fits.
    assert summary.frames_processed == 90
    assert summary.duration_sec_est == pytest.approx(12, abs=0.2)
    codes = {one.code for one in summary.assessment.cautions}
    assert "step_raised" in codes
    assert "max_frames_reached" not in codes


@pytest.mark.slow
def test_the_time_is_estimated_for_all_frames_that_are_analysed(
    engine: Engine, tmp_path: Path
) -> None:
    """A request is queued by this time: with too small a one, its analysis would be shortened."""
    clip = tmp_path / "long.mp4"
    spec = ClipSpec(duration_s=10.0, fps=30.0, width=160, height=120)
    write_clip(clip, spec, repeats=60)

    def estimate_s(**chosen: int) -> float:
        return engine.estimate_video_s(clip, Parameters(**chosen))  # type: ignore[arg-type]

    # A frame has 0.0192 megapixels: it is decoded in 86.4 us, and tracked in 7,023.04 us.
    decoding_s, tracking_s = 86.4e-6, 7023.04e-6
    assert estimate_s() == pytest.approx(18_000 * (decoding_s + tracking_s))
    # Nobody's choice cuts the recording at a step of 1: every third frame is tracked.
    third = pytest.approx(18_000 * decoding_s + 6_000 * tracking_s)
    assert estimate_s(step=1, max_frames=6_000) == third
    # With a step that somebody chose, 6,000 frames end at the 12,000th.
    assert estimate_s(step=2, max_frames=6_000) == pytest.approx(
        12_000 * decoding_s + 6_000 * tracking_s
    )
    assert engine.estimate_whole_s(clip, Parameters()) == estimate_s()


@pytest.mark.slow
def test_the_tables_are_those_of_the_python_api(engine: Engine, tmp_path: Path) -> None:
    targets = [Target(0.0, -8.0), *(Target(1.5 * n, 8.0 * (-1) ** n) for n in range(1, 5))]
    clip = tmp_path / "clip.mp4"
    write_clip(
        clip, ClipSpec(duration_s=7.5, fps=30.0, width=320, height=240, gaze=make_steps(targets))
    )
    parameters = Parameters(task="up_down")
    _, files = engine.analyze_video(clip, parameters, tmp_path, 600.0, lambda *_: None)
    written = {path.name: path.read_bytes() for path in files}
    own = tracker.analyze(clip, parameters).save(tmp_path / "own", report=None)
    for name in ("frames", "blinks", "saccades"):
        assert written[f"analysis.{name}.csv"] == own[name].read_bytes()
    assert len(written["analysis.saccades.csv"].splitlines()) > 4 * 3


@pytest.mark.slow
@pytest.mark.parametrize("brand", ["heic", "avif"])
def test_pictures_of_phones_are_analysed(
    brand: str, engine: Engine, clips: Path, tmp_path: Path
) -> None:
    plain, _ = engine.analyze_image(clips / "still.png", Parameters(), tmp_path)
    image = cv2.imread(str(clips / "still.png"))
    path = write_heif(tmp_path / f"still.{brand}", image, brand, bits=10)
    assert engine.detect_kind(path.read_bytes()[:512]) == "image"
    result, _ = engine.analyze_image(path, Parameters(), tmp_path)
    assert result["detected"]
    assert result["eye_open"] == pytest.approx(plain["eye_open"], abs=0.02)
    assert result["left"]["iris_cx"] == pytest.approx(plain["left"]["iris_cx"], abs=1.5)


def test_a_picture_that_this_machine_cannot_read_names_the_cure(
    engine: Engine, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = cv2.imread(str(clips / "still.png"))
    path = write_heif(tmp_path / "still.heic", image)
    monkeypatch.setitem(sys.modules, "_pi_heif", None)
    with pytest.raises(UnsupportedMediaError, match="Export it as JPEG") as caught:
        engine.analyze_image(path, Parameters(), tmp_path)
    assert caught.value.status_code == 415
