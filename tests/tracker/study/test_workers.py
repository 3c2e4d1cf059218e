"""Recordings in parallel processes: what one of them does to the others, and what is done again."""

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.lengths import LONG
from tests.made_corrections import write_corrections
from tests.tracker.cli.test_main import strict
from tracker.cli.main import main
from tracker.face.mesh import FaceMesh
from tracker.files.fields import ParticipantFields
from tracker.files.participants import Participant
from tracker.lab.clip_spec import ClipSpec
from tracker.lab.synthetic import write_clip
from tracker.parameters import Parameters
from tracker.study.recording import (
    Failure,
    FinishedRecording,
    Recording,
    Request,
    analyze_recording,
)
from tracker.study.workers import _Worker, analyze_recordings
from tracker.video.frames import Video

# Processes that each load the models.
pytestmark = pytest.mark.slow

REQUEST = Request(report="en")
FILES = (
    "summary.json",
    "frames.csv",
    "blinks.csv",
    "saccades.csv",
    "track.npz",
    "report.html",
)


def contents(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }


@pytest.fixture(scope="module")
def folder(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("in")
    for name in ("on", "off"):
        (path / name).mkdir()
        shutil.copy(clips / "tiny.mp4", path / name / "clip.mp4")
    shutil.copy(clips / "no_face.mp4", path / "눈 <b>.mp4")
    (path / "bad.mp4").write_bytes(b"nothing")
    return path


@pytest.fixture(scope="module")
def analyzed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Analyse the folder with two workers, as a script does; return output, stdout and stderr."""
    out = tmp_path_factory.mktemp("out")
    command = [sys.executable, "-m", "tracker", "analyze", str(folder), "--out", str(out)]
    result = subprocess.run(
        [*command, "--workers", "2", "--json"], capture_output=True, text=True, cwd=folder
    )
    assert result.returncode == 3
    return out, result.stdout, result.stderr


@pytest.fixture(scope="module")
def finder() -> FaceMesh:
    return FaceMesh()


def test_a_folder_s_documents_come_in_its_order(analyzed: tuple[Path, str, str]) -> None:
    out, stdout, stderr = analyzed
    documents = [strict(line) for line in stdout.splitlines()]
    assert [document["source"] for document in documents] == ["눈 <b>.mp4", "clip.mp4", "clip.mp4"]
    for document, stem in zip(documents, ("눈 <b>", "off/clip", "on/clip"), strict=True):
        assert document == strict((out / f"{stem}.summary.json").read_text())
    assert stderr.startswith("error: bad.mp4: not a video file.")
    assert stderr.count("\n") == 1


def test_each_recording_has_its_files_and_there_are_no_others(
    analyzed: tuple[Path, str, str],
) -> None:
    expected = {f"{stem}.{end}" for stem in ("눈 <b>", "off/clip", "on/clip") for end in FILES}
    found = {name for name in contents(analyzed[0]) if not name.startswith("cohort.")}
    assert found == expected


def test_the_number_of_workers_changes_nothing(
    folder: Path, analyzed: tuple[Path, str, str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    arguments = ["analyze", str(folder), "--out", str(tmp_path), "--json"]
    assert main([*arguments, "--workers", "1"]) == 3
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == analyzed[1:]
    assert contents(tmp_path) == contents(analyzed[0])


def test_one_video_alone_gives_the_same(
    folder: Path, analyzed: tuple[Path, str, str], tmp_path: Path
) -> None:
    assert main(["analyze", str(folder / "on" / "clip.mp4"), "--out", str(tmp_path)]) == 0
    found = contents(tmp_path)
    assert sorted(found) == sorted(f"clip.{end}" for end in FILES)
    for name, content in found.items():
        assert (analyzed[0] / "on" / name).read_bytes() == content


def test_what_is_finished_is_kept(
    folder: Path, analyzed: tuple[Path, str, str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    # By its content: copies have another time.
    videos, out = (shutil.copytree(path, tmp_path / path.name) for path in (folder, analyzed[0]))
    for path in out.rglob("*.*.*"):
        os.utime(path, (0, 0))
    assert main(["analyze", str(videos), "--out", str(out), "--json"]) == 3
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == analyzed[1:]
    assert contents(out) == contents(analyzed[0])
    assert all(path.stat().st_mtime == 0 for path in out.rglob("*.*.*"))


class TestResuming:
    @pytest.fixture
    def recording(self, folder: Path, analyzed: tuple[Path, str, str], tmp_path: Path) -> Recording:
        """Return a copy of a recording that is finished."""
        shutil.copytree(analyzed[0] / "on", tmp_path / "out")
        shutil.copy(folder / "on" / "clip.mp4", tmp_path)
        return Recording(tmp_path / "clip.mp4", tmp_path / "out", "clip", "on/clip.mp4")

    @pytest.fixture
    def is_kept(self, recording: Recording, finder: FaceMesh) -> Callable[..., bool]:
        def analyze(**parameters: float) -> bool:
            result = analyze_recording(
                recording, Parameters(**parameters), REQUEST, lambda: finder, resume=True
            )
            summary = strict((recording.directory / "clip.summary.json").read_text())
            assert result.summary.to_dict() == summary
            return result.resumed

        return analyze

    def test_for_the_same_content_and_parameters(self, is_kept: Callable[..., bool]) -> None:
        assert is_kept()
        assert is_kept()

    def test_not_for_other_parameters(self, is_kept: Callable[..., bool]) -> None:
        for _ in range(2):
            assert not is_kept(blink_thresh=0.17)
            assert is_kept(blink_thresh=0.17)
            assert not is_kept()

    def test_not_for_another_person_whose_group_does_not_matter(
        self, recording: Recording, finder: FaceMesh
    ) -> None:
        for person, is_kept in (
            (Participant("P-1", "PSP"), False),
            (Participant("P-1", "control"), True),
            (Participant("P-1", "control", "month 6"), False),
        ):
            named = replace(recording, participant=person)
            result = analyze_recording(named, Parameters(), Request(), lambda: finder, resume=True)
            assert result.resumed is is_kept
            said = result.summary.participant
            assert said == ParticipantFields("P-1", person.visit or None, None)

    def test_not_for_other_content_of_the_same_size_and_time(
        self, recording: Recording, is_kept: Callable[..., bool]
    ) -> None:
        before = recording.video.stat()
        content = bytearray(recording.video.read_bytes())
        content[-1] ^= 1
        recording.video.write_bytes(content)
        os.utime(recording.video, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert not is_kept()
        assert is_kept()

    @pytest.mark.parametrize("end", FILES)
    def test_not_where_a_file_is_missing(
        self, end: str, recording: Recording, is_kept: Callable[..., bool]
    ) -> None:
        (recording.directory / f"clip.{end}").unlink()
        assert not is_kept()
        assert is_kept()

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"resume_key": null}', "[" * 100_000])
    def test_not_where_the_summary_is_damaged(
        self, content: str, recording: Recording, is_kept: Callable[..., bool]
    ) -> None:
        (recording.directory / "clip.summary.json").write_text(content)
        assert not is_kept()

    def test_not_where_the_summary_was_edited(
        self, recording: Recording, is_kept: Callable[..., bool]
    ) -> None:
        path = recording.directory / "clip.summary.json"
        path.write_text(json.dumps(strict(path.read_text()) | {"blink_count": 7}))
        assert not is_kept()

    def test_not_what_was_reanalysed_since(
        self, recording: Recording, is_kept: Callable[..., bool]
    ) -> None:
        out = recording.directory
        assert main(["reanalyze", str(out / "clip.track.npz"), "--out", str(out)]) == 0
        assert not is_kept()

    def test_not_what_another_program_wrote(
        self, is_kept: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tracker.study.recording.identify_program", lambda: "another")
        assert not is_kept()
        monkeypatch.undo()
        assert not is_kept()

    def test_not_what_was_interrupted_while_it_was_written(
        self,
        recording: Recording,
        is_kept: Callable[..., bool],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Neither as the new nor as the old one: the files beside the summary are of both."""

        replace = Path.replace

        def fail(path: Path, target: Path) -> Path:
            if target.name == "clip.blinks.csv":
                raise KeyboardInterrupt
            return replace(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", fail)
            with pytest.raises(KeyboardInterrupt):
                is_kept(blink_thresh=0.17)
        assert (recording.directory / "clip.frames.csv").is_file()
        assert not is_kept()

    def test_not_what_was_interrupted_after_its_track(
        self, recording: Recording, finder: FaceMesh, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def analyze(**parameters: float) -> bool:
            asked = Parameters(**parameters)
            return analyze_recording(
                recording, asked, Request(), lambda: finder, resume=True
            ).resumed

        def fail(*_: object) -> None:
            raise KeyboardInterrupt

        analyze()
        assert analyze()
        with monkeypatch.context() as patch:
            patch.setattr("tracker.result.write_analysis", fail)
            with pytest.raises(KeyboardInterrupt):
                analyze(step=2)
        assert not analyze()


def test_what_a_person_corrected_counts_again(
    folder: Path, analyzed: tuple[Path, str, str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """Of the clip of 0.5 s, the first 0.2 s are not usable. Its frames are 0.1 s apart."""
    out = shutil.copytree(analyzed[0], tmp_path / "out")
    before = strict((out / "on" / "clip.summary.json").read_text())
    assert before["valid_time_s"] == pytest.approx(0.4)
    own = out / "on" / "clip.corrections.json"
    sha256, unusable = before["video_sha256"], [{"start_s": 0.0, "end_s": 0.2}]
    command = ["analyze", str(folder), "--out", str(out), "--json", "--workers", "1"]

    def analyze(by: str) -> list[dict[str, Any]]:
        write_corrections(own, by=by, video_sha256=sha256, unusable=unusable)
        assert main(command) == 3
        return [strict(line) for line in capsys.readouterr().out.splitlines()]

    *others, corrected = analyze("AB")
    assert others == [strict(line) for line in analyzed[1].splitlines()][:2]
    assert (corrected["corrected_by"], corrected["correction_count"]) == ("AB", 1)
    assert corrected["valid_time_s"] == pytest.approx(0.2)
    assert corrected["unusable_time_s"] == pytest.approx(0.2)
    assert (out / "on" / "clip.blinks.auto.csv").is_file()
    # The report has its pictures, and the cohort's page says who corrected it.
    assert "data:image/jpeg" in (out / "on" / "clip.report.html").read_text()
    assert (out / "cohort.html").read_text().count("corrected by AB") == 1
    # What is finished is kept; what was corrected anew is not.
    finished = out / "on" / "clip.frames.csv"
    os.utime(finished, (0, 0))
    assert analyze("AB")[-1] == corrected
    assert finished.stat().st_mtime == 0
    assert analyze("CD")[-1]["corrected_by"] == "CD"
    assert finished.stat().st_mtime > 0
    # Corrections of another video are told, and replace nothing.
    written = {name: one for name, one in contents(out / "on").items() if "corrections" not in name}
    write_corrections(own, by="CD", video_sha256="f" * 64, unusable=unusable)
    assert main(command) == 3
    assert "clip.corrections.json: belongs to another video" in capsys.readouterr().err
    assert {one: contents(out / "on")[one] for one in written} == written
    # Without the file, all is as it was detected.
    own.unlink()
    assert main(command) == 3
    assert capsys.readouterr().out == analyzed[1]
    assert {f"on/{name}" for name in contents(out / "on")} == {f"on/clip.{end}" for end in FILES}


def test_a_video_that_changes_meanwhile_is_refused(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracker.tracks.track import Track, track_video

    video = tmp_path / "a.mp4"
    shutil.copy(clips / "tiny.mp4", video)

    def write_meanwhile(source: Video, *arguments: object, **options: object) -> Track:
        with video.open("ab") as file:
            file.write(b"\0")
        return track_video(source, *arguments, **options)

    monkeypatch.setattr("tracker.pipeline.track_video", write_meanwhile)
    assert main(["analyze", str(video), "--out", str(tmp_path / "out")]) == 3
    assert "Wait until it is copied" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGABRT, marks=pytest.mark.long)]
)
def test_a_process_that_is_killed_takes_only_its_recording_along(
    number: signal.Signals, clips: Path, tmp_path: Path
) -> None:
    # So long that it is not done before it is killed, however busy the machine is.
    long = tmp_path / "long.mp4"
    write_clip(long, ClipSpec(duration_s=1.0, fps=15.0, width=320, height=240), repeats=600)
    recordings = [
        Recording(long if stem == "b" else clips / "tiny.mp4", tmp_path, stem, f"{stem}.mp4")
        for stem in "abc"
    ]
    killed = []
    # A worker that another test dismissed may still be about to end.
    others = set(multiprocessing.active_children())

    def kill(index: int, *_: int) -> None:
        if index == 1 and not killed:
            (process,) = set(multiprocessing.active_children()) - others
            killed.append(process.pid)
            (tmp_path / f".{process.pid}.b.frames.csv").touch()
            (tmp_path / f".{process.pid}.another").touch()
            os.kill(process.pid, number)

    outcomes = dict(analyze_recordings(recordings, Parameters(), Request(), 1, kill))
    assert len(killed) == 1
    assert isinstance(outcomes[0], FinishedRecording)
    assert isinstance(outcomes[1], Failure)
    assert isinstance(outcomes[2], FinishedRecording)
    assert outcomes[1].code == "process_died"
    assert number.name in outcomes[1].message
    assert not list(tmp_path.glob("b.*"))
    # What it was writing is gone; what is not its own is not.
    assert [path.name for path in tmp_path.glob(".*")] == [f".{killed[0]}.another"]


@pytest.fixture(scope="module")
def long_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one recording of over two blocks, with a keyframe every second."""
    path = tmp_path_factory.mktemp("long")
    # Where there is no face, a frame takes less time.
    nobody = ((0.1, 1.0),)
    spec = ClipSpec(duration_s=1.0, fps=30.0, width=160, height=120, dropouts_s=nobody)
    write_clip(path / "long.mp4", spec, repeats=105)
    return path


def test_a_long_recording_is_divided_and_gives_the_same_files(
    long_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """Three blocks are at most three segments: of four workers, one has got ready in vain."""
    video, before = str(long_folder / "long.mp4"), set(multiprocessing.active_children())
    found, printed, processes = [], [], []
    for workers in ("1", "4", *(["2"] if LONG else [])):
        out = tmp_path / workers
        arguments = ["--out", str(out), "--workers", workers, "--json", "--lang", "en"]
        with watch_children(processes, before):
            assert main(["analyze", video, *arguments]) == 0
        printed.append(capsys.readouterr())
        found.append(contents(out))
        # Workers without a segment end with the others.
        deadline_s = time.monotonic() + 60
        while set(multiprocessing.active_children()) - before:
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
    assert found[0].keys() == {f"long.{end}" for end in FILES}
    assert all(one == found[0] for one in found)
    assert all(one == printed[0] for one in printed)
    assert processes == [0, 4, *([2] if LONG else [])]


@pytest.mark.long
def test_the_default_of_max_frames_cuts_no_recording_with_any_number_of_workers(
    tmp_path: Path,
) -> None:
    spec = ClipSpec(duration_s=1.0, fps=30.0, width=96, height=72)
    write_clip(tmp_path / "long.mp4", spec, repeats=401)
    found = []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        arguments = ["--out", str(out), "--workers", str(workers), "--no-report"]
        assert main(["analyze", str(tmp_path / "long.mp4"), *arguments]) == 0
        found.append(contents(out))
        summary = strict((out / "long.summary.json").read_text())
        assert (summary["frames_processed"], summary["sampling"]["step"]) == (12_030, 1)
    assert found[0] == found[1]


def test_a_worker_that_is_killed_before_its_first_job_is_told(
    long_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start_and_kill(*arguments: Any) -> _Worker:
        worker = _Worker(*arguments)
        worker.process.kill()
        return worker

    monkeypatch.setattr("tracker.study.workers._Worker", start_and_kill)
    recording = Recording(long_folder / "long.mp4", tmp_path, "long", "long.mp4")
    outcomes = dict(analyze_recordings([recording], Parameters(), Request(), 3))
    assert isinstance(outcomes[0], Failure)
    assert outcomes[0].code == "process_died"
    assert not list(tmp_path.iterdir())


@contextlib.contextmanager
def watch_children(counts: list[int], before: set[Any]) -> Iterator[None]:
    """Append to `counts` how many processes are started in the ``with`` block."""
    seen: set[int | None] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            seen.update(one.pid for one in set(multiprocessing.active_children()) - before)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    done.set()
    thread.join()
    counts.append(len(seen))


def test_a_killed_segment_fails_its_recording_and_no_other(
    long_folder: Path, clips: Path, tmp_path: Path
) -> None:
    videos = {"long": long_folder / "long.mp4", "tiny": clips / "tiny.mp4"}
    recordings = [Recording(video, tmp_path, stem, stem) for stem, video in videos.items()]
    others = set(multiprocessing.active_children())
    killed = []

    def kill(index: int, frames: int, _expected: int) -> None:
        started = sorted(set(multiprocessing.active_children()) - others, key=lambda one: one.pid)
        if index == 0 and frames and len(started) == 2 and not killed:
            killed.append(started[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    outcomes = dict(analyze_recordings(recordings, Parameters(), Request(), 2, kill))
    assert killed
    assert isinstance(outcomes[0], Failure)
    assert outcomes[0].code == "process_died"
    assert isinstance(outcomes[1], FinishedRecording)
    assert sorted(path.name[:4] for path in tmp_path.iterdir()) == ["tiny"] * 5


def test_a_worker_whose_memory_grew_is_replaced(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(
        "tracker.study.workers._Worker", lambda *arguments: started.append(1) or _Worker(*arguments)
    )
    recordings = [Recording(clips / "tiny.mp4", tmp_path, stem, stem) for stem in "ab"]
    list(analyze_recordings(recordings, Parameters(), Request(), 1))
    assert len(started) == 1
    monkeypatch.setattr("tracker.study.workers.WORKER_BYTES", 2**20)
    outcomes = dict(analyze_recordings(recordings, Parameters(step=2), Request(), 1))
    assert len(started) == 3
    assert all(isinstance(outcome, FinishedRecording) for outcome in outcomes.values())


def test_an_interruption_stops_workers_that_get_ready(long_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tracker", "analyze", str(long_folder / "long.mp4")]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path), "--workers", "4"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline_s = time.monotonic() + 300
    # Python's resource tracker is one of them.
    while len(children.read_text().split()) < 3:
        assert time.monotonic() < deadline_s
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate()
    assert (process.returncode, stderr) == (130, "interrupted\n")
    while is_group_alive(process.pid):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    assert not list(tmp_path.iterdir())


def is_group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_interruption_stops_the_workers_and_leaves_nothing_half_written(
    clips: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    # So many that they are not done before the interruption, however fast the machine is.
    for number in range(200):
        shutil.copy(clips / "tiny.mp4", folder / f"{number}.mp4")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "tracker", "analyze", str(folder), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--workers", "2", "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline_s = time.monotonic() + 300
    while not list(out.glob("*.summary.json")) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    # To all of them, as a terminal sends it.
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr == "interrupted\n"
    # The workers are gone at once, Python's own resource tracker a moment later.
    while is_group_alive(process.pid):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    written = sorted(path.name for path in out.iterdir())
    assert not [name for name in written if name.startswith((".", "cohort"))]
    finished = {path.name.removesuffix(".summary.json") for path in out.glob("*.summary.json")}
    assert 1 <= len(finished) < 200
    assert {f"{stem}.{end}" for stem in finished for end in FILES} <= set(written)
