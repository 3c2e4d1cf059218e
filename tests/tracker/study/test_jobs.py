"""A long recording in segments, job by job: what a person corrected counts as in a single run."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.containers import encode, read_images
from tests.made_corrections import write_corrections
from tracker.cli.main import main
from tracker.face import blocks
from tracker.face.mesh import FaceMesh
from tracker.files.corrections import CorrectionsError
from tracker.files.fingerprint import take_fingerprint
from tracker.parameters import Parameters
from tracker.study.jobs import Division, Joining, OneSegment, Whole, do_job
from tracker.study.recording import FinishedRecording, Recording, Request
from tracker.tracks import segments
from tracker.tracks.parts import Part

REQUEST = Request(report="en")


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clip of 12 s count as long."""
    for module in (blocks, segments):
        monkeypatch.setattr(module, "BLOCK_FRAMES", 30)
        monkeypatch.setattr(module, "RUN_IN_FRAMES", 10)


@pytest.fixture(scope="module")
def video(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip with three blinks, and a keyframe in every twelfth frame."""
    path = tmp_path_factory.mktemp("jobs") / "clip.mp4"
    options = "keyint=12:min-keyint=12:scenecut=0:bframes=0"
    return encode(path, list(read_images(clips / "short.mp4")), **{"x264-params": options})


@pytest.fixture(scope="module")
def finder() -> FaceMesh:
    return FaceMesh()


def correct(recording: Recording, **values: Any) -> None:
    """Say that the clip has one long closure and no blink; its first second is not usable."""
    recording.directory.mkdir()
    said = {
        "video_sha256": take_fingerprint(recording.video).sha256,
        "events": [{"kind": "prolonged_closure", "onset_s": 3.0, "offset_s": 4.0}],
        "unusable": [{"start_s": 0.0, "end_s": 1.0}],
    }
    write_corrections(recording.directory / "clip.corrections.json", **(said | values))


def do(job: Any, finder: FaceMesh, resume: bool = False) -> Any:
    return do_job(
        job,
        Parameters(),
        REQUEST,
        lambda: finder,
        lambda *_: None,
        resume=resume,
        decode_ahead=False,
    )


def analyze_divided(recording: Recording, finder: FaceMesh) -> FinishedRecording:
    division = do(Whole(recording, segments=3), finder)
    assert isinstance(division, Division)
    assert len(division.segments) == 3
    parts: list[Part] = [do(OneSegment(recording, one), finder) for one in division.segments]
    found = do(Joining(recording, division.fingerprint, tuple(reversed(parts))), finder)
    assert isinstance(found, FinishedRecording)
    return found


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_corrections_count_in_a_divided_recording_as_in_a_single_run(
    video: Path, finder: FaceMesh, tmp_path: Path
) -> None:
    single, divided = (
        Recording(video, tmp_path / name, "clip", "clip.mp4") for name in ("single", "divided")
    )
    for one in (single, divided):
        correct(one)
    do(Whole(single), finder)
    summary = analyze_divided(divided, finder).summary
    assert (summary.corrected_by, summary.detected_blink_count) == ("AB", 3)
    assert (summary.blink_count, summary.prolonged_closure_count) == (0, 1)
    assert summary.unusable_time_s == pytest.approx(1.0, abs=1 / 30)
    files = read_files(divided.directory)
    assert {"clip.blinks.auto.csv", "clip.corrections.json", "clip.report.html"} <= files.keys()
    assert files == read_files(single.directory)
    # What is finished is kept, whether it is divided or not.
    assert do(Whole(divided, segments=3), finder, resume=True).resumed
    assert do(Whole(divided), finder, resume=True).resumed
    # Its track is measured again with the corrections that lie beside it.
    again = tmp_path / "again"
    assert main(["reanalyze", str(divided.directory / "clip.track.npz"), "--out", str(again)]) == 0
    for name in ("clip.blinks.csv", "clip.blinks.auto.csv", "clip.frames.csv"):
        assert (again / name).read_bytes() == files[name]
    first, second = (
        json.loads((folder / "clip.summary.json").read_text(encoding="utf-8"))
        for folder in (divided.directory, again)
    )
    del first["resume_key"]
    assert second | {"source": "clip.mp4"} == first


def test_corrections_of_another_video_are_refused_before_it_is_tracked(
    video: Path, finder: FaceMesh, tmp_path: Path
) -> None:
    recording = Recording(video, tmp_path / "out", "clip", "clip.mp4")
    correct(recording, video_sha256="f" * 64)
    with pytest.raises(CorrectionsError, match="belongs to another video"):
        do(Whole(recording, segments=3), finder)
    assert [path.name for path in recording.directory.iterdir()] == ["clip.corrections.json"]
