"""One way from a video to its summary: the same through whatever it is asked for."""

import hashlib
import json
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import tracker
from deploy.smoke import measure_video
from handler.engine import Engine
from tracker.cli.main import main
from tracker.files.fingerprint import VideoChangedError
from tracker.lab.profile import profile_video
from tracker.parameters import Parameters
from tracker.pipeline import track_recording
from tracker.protocol import Phase
from tracker.study.compare_input import read_recording
from tracker.video.frames import Video

CLIP = "short.mp4"


def plain(document: Any) -> Any:
    """Return a document as its JSON says it, without what belongs to one way only."""
    if not isinstance(document, dict):
        document = document.to_dict()
    document = json.loads(json.dumps(document))
    # The name is the caller's; the key is for going on after an interruption.
    return {name: one for name, one in document.items() if name not in ("source", "resume_key")}


@pytest.fixture(scope="module")
def folder(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the clip and what the command line writes of it."""
    folder = tmp_path_factory.mktemp("pipeline")
    shutil.copy(clips / CLIP, folder)
    assert main(["analyze", str(folder / CLIP), "--out", str(folder / "cli")]) == 0
    return folder


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, Any]:
    summary = json.loads((folder / "cli" / "short.summary.json").read_text())
    digest = hashlib.sha256((folder / CLIP).read_bytes()).hexdigest()
    assert summary["video_sha256"] == digest
    assert summary["frames_processed"] == 180
    return plain(summary)


def test_the_library_says_the_same(folder: Path, expected: dict[str, Any], tmp_path: Path) -> None:
    result = tracker.analyze(folder / CLIP)
    assert plain(result.summary) == expected
    files = result.save(tmp_path)
    assert list(files) == ["summary", "frames", "blinks", "saccades", "track", "report"]
    for kind, path in files.items():
        theirs = folder / "cli" / path.name
        if kind == "summary":
            mine, others = (json.loads(one.read_text()) for one in (path, theirs))
            assert not {"resume_key", "participant"} & mine.keys()
            assert mine | {"resume_key": others["resume_key"]} == others
        else:
            assert path.read_bytes() == theirs.read_bytes(), kind


def test_the_library_says_the_same_of_a_stream_and_a_track(
    folder: Path, expected: dict[str, Any]
) -> None:
    stream = BytesIO((folder / CLIP).read_bytes())
    stream.seek(100)
    assert plain(tracker.analyze(stream).summary) == expected
    track = tracker.load_track(str(folder / "cli" / "short.track.npz"))
    assert plain(tracker.analyze_track(track).summary) == expected


@pytest.mark.parametrize("report", [None, "ko"])
def test_the_engine_says_the_same(
    report: Any, folder: Path, expected: dict[str, Any], engine: Engine, tmp_path: Path
) -> None:
    def ignore(*_: int) -> None:
        pass

    summary, files = engine.analyze_video(
        folder / CLIP, Parameters(), tmp_path, 600.0, ignore, report, "abc"
    )
    assert plain(summary) == expected
    assert {path.name for path in files} == {path.name for path in tmp_path.iterdir()}
    with (folder / CLIP).open("rb") as stream:
        in_place, _ = engine.analyze_video(stream, Parameters(), tmp_path, 600.0, ignore)
    assert plain(in_place) == expected


def test_reanalysis_and_comparison_say_the_same(
    folder: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    track = folder / "cli" / "short.track.npz"
    assert main(["reanalyze", str(track), "--out", str(tmp_path)]) == 0
    assert plain(json.loads((tmp_path / "short.summary.json").read_text())) == expected
    assert plain(read_recording(track, "a").summary) == expected


def test_the_check_of_a_bundle_says_the_same(
    clips: Path, expected: dict[str, Any], tmp_path: Path, engine: Engine
) -> None:
    shutil.copy(clips / CLIP, tmp_path)
    measured = measure_video(tmp_path / CLIP, engine._mesh)
    assert measured.pop("landmarks") > 0
    assert plain(measured) == expected


def test_a_profile_goes_the_same_way(
    folder: Path, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracker import result

    written = []
    write = result.write_files

    def note(one: tracker.Result, *arguments: Any, **options: Any) -> Any:
        written.append(one)
        return write(one, *arguments, **options)

    monkeypatch.setattr(result, "write_files", note)
    profile_video(folder / CLIP, Parameters())
    assert [plain(one.summary) for one in written] == [expected]


def test_the_protocol_goes_with_the_track(clips: Path, engine: Engine) -> None:
    protocol = (Phase("up", 0.0, 0.2), Phase("down", 0.2, 0.4))
    track = track_recording(clips / "tiny.mp4", engine._mesh, Parameters(protocol=protocol))
    assert track.info.protocol == protocol
    assert tracker.analyze_track(track).analysis.parameters.protocol == protocol
    other = (Phase("rest", 0.0, 0.4),)
    again = tracker.analyze_track(track, protocol=other)
    assert again.analysis.parameters.protocol == other


@pytest.mark.parametrize(
    ("parameters", "expected_frames", "most"),
    [
        (Parameters(), 60, 216_000),
        (Parameters(), 300_000, 216_000),
        (Parameters(step=2), 60, 216_000),
        # If the container does not tell the length, a time budget is shared out among the most.
        (Parameters(), 0, 12_000),
        (Parameters(max_frames=11_999), 60, 11_999),
        (Parameters(max_frames=54_000), 60, 54_000),
    ],
)
def test_the_default_of_max_frames_does_not_cut_a_recording(
    parameters: Parameters,
    expected_frames: int,
    most: int,
    clips: Path,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class EnoughError(Exception):
        pass

    def track(*_: Any, max_frames: int, **__: Any) -> None:
        assert max_frames == most
        raise EnoughError

    monkeypatch.setattr("tracker.pipeline.track_video", track)
    video = Video(clips / "tiny.mp4")
    video.expected_frames = expected_frames
    with video, pytest.raises(EnoughError):
        track_recording(video, engine._mesh, parameters)


def test_a_video_that_changes_meanwhile_has_no_result(clips: Path, tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    shutil.copy(clips / "tiny.mp4", video)

    def write_meanwhile(_done: int, _expected: int) -> None:
        with video.open("ab") as file:
            file.write(b"\0")

    from tracker.api import _load_models

    with pytest.raises(VideoChangedError, match="Wait until it is copied"):
        track_recording(video, _load_models(), Parameters(), on_progress=write_meanwhile)
