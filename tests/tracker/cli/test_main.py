"""The command line as scripts use it: files, streams, exit codes."""

import csv
import fcntl
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.lengths import start_as_installed
from tests.made_tracks import make_landmarks, make_track
from tests.tracker.video.test_container import make_bad_input
from tracker.cli.main import main
from tracker.lab.clip_spec import ClipSpec, GazePhase, LidClosure
from tracker.lab.drawing import render_frame
from tracker.lab.synthetic import write_clip
from tracker.tracks.archive import load_track, save_track
from tracker.video.frames import Video

SPEC = ClipSpec(
    duration_s=11,
    fps=20,
    width=320,
    height=240,
    closures=(LidClosure(1.0, 0.3), LidClosure(5.0, 0.3), LidClosure(7.0, 1.0)),
    gaze=(GazePhase(2.0, -0.12), GazePhase(6.0, 0.12)),
    sway_px=4.0,  # a picture at perfect rest needs so few bits that it reads as compressed
)
FRAME_COLUMNS = [
    "frame_idx",
    "time_sec",
    "L_iris_cx",
    "L_iris_cy",
    "L_eye_open",
    "L_v_offset",
    "R_iris_cx",
    "R_iris_cy",
    "R_eye_open",
    "R_v_offset",
    "eye_open",
    "v_offset",
]
BLINK_COLUMNS = [
    "kind",
    "onset_s",
    "peak_s",
    "offset_s",
    "onset_frame",
    "peak_frame",
    "offset_frame",
]
SUMMARY_FIELDS = [
    "frames_processed",
    "fps",
    "duration_sec_est",
    "vertical_offset_std",
    "vertical_peak_to_peak",
    "blink_count",
    "blink_rate_per_min",
    "psp_suspected",
    "psp_rule_reason",
    "video_meta",
]


def strict(text: str) -> Any:
    """Read JSON that has no NaN and no infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    write_clip(path, SPEC)
    return path


@pytest.fixture(scope="module")
def analyzed(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Analyse the clip as a script does; return the output folder, stdout and stderr."""
    out = tmp_path_factory.mktemp("out") / "made" / "on the way"
    result = subprocess.run(
        [sys.executable, "-m", "tracker", "analyze", str(clip), "--out", str(out), "--json"],
        capture_output=True,
        text=True,
        env=start_as_installed(),
    )
    assert result.returncode == 0
    return out, result.stdout, result.stderr


class TestAnalyze:
    def test_only_the_summary_goes_to_stdout_and_nothing_to_stderr(
        self, analyzed: tuple[Path, str, str]
    ) -> None:
        out, stdout, stderr = analyzed
        assert stderr == ""
        assert stdout.count("\n") == 1
        assert strict(stdout) == strict((out / "clip.summary.json").read_text())

    def test_it_writes_its_files_and_leaves_nothing_else(
        self, analyzed: tuple[Path, str, str]
    ) -> None:
        assert sorted(path.name for path in analyzed[0].iterdir()) == [
            "clip.blinks.csv",
            "clip.frames.csv",
            "clip.report.html",
            "clip.saccades.csv",
            "clip.summary.json",
            "clip.track.npz",
        ]

    def test_the_same_video_gives_the_same_files_bit_for_bit(
        self, clip: Path, analyzed: tuple[Path, str, str], tmp_path: Path
    ) -> None:
        assert main(["analyze", str(clip), "--out", str(tmp_path)]) == 0
        for path in analyzed[0].iterdir():
            assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name

    def test_the_summary_tells_the_truth(self, analyzed: tuple[Path, str, str]) -> None:
        summary = strict(analyzed[1])
        assert set(SUMMARY_FIELDS) <= summary.keys()
        assert summary["frames_processed"] == 220
        assert summary["fps"] == pytest.approx(20)
        assert summary["duration_sec_est"] == pytest.approx(11)
        assert summary["blink_count"] == 2
        assert summary["prolonged_closure_count"] == 1
        # One look up and one down in 11 s are too few to tell, and nobody said what was asked for.
        assert summary["assessment"]["status"] == "not_assessable"
        assert [one["code"] for one in summary["assessment"]["reasons"]] == ["task_unknown"]
        assert summary["psp_suspected"] is False
        assert summary["vertical_peak_to_peak"] > 0.06
        assert summary["video_meta"]["width"] == 320
        assert summary["video_meta"]["height"] == 240
        assert summary["parameters"]["vpp_thresh"] == 0.06

    def test_the_summary_names_the_video_s_content(
        self, clip: Path, analyzed: tuple[Path, str, str]
    ) -> None:
        known = hashlib.sha256(clip.read_bytes()).hexdigest()
        assert strict(analyzed[1])["video_sha256"] == known
        assert load_track(analyzed[0] / "clip.track.npz").info.video_sha256 == known

    def test_the_table_of_frames(self, analyzed: tuple[Path, str, str]) -> None:
        rows = read_table(analyzed[0] / "clip.frames.csv")
        assert list(rows[0])[: len(FRAME_COLUMNS)] == FRAME_COLUMNS
        assert [int(row["frame_idx"]) for row in rows] == list(range(220))
        np.testing.assert_allclose(
            [float(row["time_sec"]) for row in rows], np.arange(220) / 20, atol=1e-3
        )
        ear = np.array([float(row["eye_open"]) for row in rows])
        each = [[float(row[f"{side}_eye_open"]) for side in "LR"] for row in rows]
        np.testing.assert_allclose(ear, np.mean(each, axis=1), atol=1e-8)
        up, down = ([float(r["v_offset"]) for r in rows[a:b]] for a, b in ((50, 95), (125, 135)))
        assert np.median(up) < np.median(down) - 0.05

    def test_the_table_of_closures(self, analyzed: tuple[Path, str, str]) -> None:
        rows = read_table(analyzed[0] / "clip.blinks.csv")
        assert list(rows[0])[: len(BLINK_COLUMNS)] == BLINK_COLUMNS
        assert [row["kind"] for row in rows] == ["blink", "blink", "prolonged_closure"]
        for row, event in zip(rows, SPEC.closures, strict=True):
            assert float(row["onset_s"]) == pytest.approx(event.onset_s, abs=0.11)
            assert float(row["offset_s"]) == pytest.approx(event.offset_s, abs=0.11)
            # The lids begin to move before the first frame that shows it, and rest after the last.
            # At 20 frames a second the frame is up to one late, and the time half of one wrong.
            assert 0 <= int(row["onset_frame"]) - 20 * float(row["onset_s"]) < 2
            assert -2 < int(row["offset_frame"]) - 20 * float(row["offset_s"]) < 1
            assert float(row["onset_s"]) <= float(row["peak_s"]) <= float(row["offset_s"])
            assert row["complete"] == row["L_complete"] == row["R_complete"] == "true"

    def test_reanalyzing_the_track_gives_the_same(
        self, analyzed: tuple[Path, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out, stdout, _ = analyzed
        track = str(out / "clip.track.npz")
        assert main(["reanalyze", track, "--out", str(tmp_path), "--json"]) == 0
        again = strict(capsys.readouterr().out)
        first = strict(stdout)
        # A finished recording is known again by its key, which what `reanalyze` wrote has not.
        assert "resume_key" not in again
        assert again | {"source": "clip.mp4", "resume_key": first["resume_key"]} == first
        for name in ("clip.frames.csv", "clip.blinks.csv", "clip.saccades.csv"):
            assert (tmp_path / name).read_bytes() == (out / name).read_bytes()

    def test_reanalyzing_with_another_threshold_changes_the_verdict(
        self, analyzed: tuple[Path, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        track = str(analyzed[0] / "clip.track.npz")
        arguments = ["reanalyze", track, "--out", str(tmp_path), "--vpp-thresh", "0.5"]
        assert main(arguments) == 0
        # A small range supports nothing until somebody says what was asked for.
        assert capsys.readouterr().out.startswith("clip.track.npz: not_assessable\n")
        unknown = strict((tmp_path / "clip.summary.json").read_text())
        assert [one["code"] for one in unknown["assessment"]["reasons"]] == ["task_unknown"]
        assert main([*arguments, "--task", "up_down"]) == 0
        assert capsys.readouterr().out.startswith("clip.track.npz: suspected\n")
        summary = strict((tmp_path / "clip.summary.json").read_text())
        assert summary["psp_suspected"] is True

    def test_a_protocol_comes_from_a_file(
        self, analyzed: tuple[Path, str, str], tmp_path: Path
    ) -> None:
        protocol = [
            {"phase": "fixate", "start_s": 0, "end_s": 2},
            {"phase": "up", "start_s": 2, "end_s": 6},
            {"phase": "down", "start_s": 6, "end_s": 11},
        ]
        (tmp_path / "task.json").write_text(json.dumps(protocol))
        track = str(analyzed[0] / "clip.track.npz")
        arguments = ["reanalyze", track, "--out", str(tmp_path)]
        assert main([*arguments, "--protocol", str(tmp_path / "task.json")]) == 0
        summary = strict((tmp_path / "clip.summary.json").read_text())
        assert summary["parameters"]["protocol"] == protocol
        assert [phase["phase"] for phase in summary["phases"]] == ["fixate", "up", "down"]
        assert summary["phases"][1]["reached"] > 0.02
        assert summary["phases"][2]["reached"] > 0.02

    def test_the_protocol_is_kept_with_the_track(
        self, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        task = tmp_path / "task.json"
        task.write_text('[{"phase": "up", "start_s": 0, "end_s": 1}]')
        out = ["--out", str(tmp_path), "--json"]
        assert main(["analyze", str(clip), "--protocol", str(task), *out]) == 0
        assert main(["reanalyze", str(tmp_path / "clip.track.npz"), *out]) == 0
        first, second = map(strict, capsys.readouterr().out.splitlines())
        assert first["task"] == "protocol"
        assert second | {name: first[name] for name in ("source", "resume_key")} == first

    def test_step_and_max_frames(self, clip: Path, tmp_path: Path) -> None:
        arguments = ["analyze", str(clip), "--out", str(tmp_path), "--step", "3"]
        assert main([*arguments, "--max_frames", "20"]) == 0
        track = load_track(tmp_path / "clip.track.npz")
        assert track.frame_index.tolist() == list(range(0, 60, 3))
        summary = strict((tmp_path / "clip.summary.json").read_text())
        assert summary["frames_processed"] == 20
        assert summary["fps"] == pytest.approx(20)
        cautions = [caution["code"] for caution in summary["assessment"]["cautions"]]
        assert "max_frames_reached" in cautions

    @pytest.mark.parametrize(
        ("asked", "step", "caution"),
        [([], 2, "step_raised"), (["--step", "1"], 1, "max_frames_reached")],
    )
    def test_a_step_that_was_asked_for_is_kept(
        self, clip: Path, tmp_path: Path, asked: list[str], step: int, caution: str
    ) -> None:
        """Of two steps, one covers the whole clip, and the other one only its beginning."""
        arguments = ["analyze", str(clip), "--out", str(tmp_path), *asked]
        with Video(clip) as video:
            most = -(-video.expected_frames // 2)
        assert main([*arguments, "--max-frames", str(most)]) == 0
        track = load_track(tmp_path / "clip.track.npz")
        assert track.frame_index.tolist() == list(range(0, step * most, step))
        summary = strict((tmp_path / "clip.summary.json").read_text())
        cautions = {one["code"] for one in summary["assessment"]["cautions"]}
        assert {"step_raised", "max_frames_reached"} & cautions == {caution}
        # What was asked for, or the default.
        assert summary["sampling"]["step"] == 1

    @pytest.mark.slow
    def test_one_bad_file_does_not_stop_the_rest(
        self, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bad = tmp_path / "bad.mp4"
        bad.write_bytes(b"nothing")
        arguments = ["analyze", str(bad), str(clip), "--json", "--max-frames", "5"]
        assert main([*arguments, "--out", str(tmp_path)]) == 3
        captured = capsys.readouterr()
        assert strict(captured.out)["source"] == "clip.mp4"
        assert captured.err.startswith("error: bad.mp4: ")

    @pytest.mark.parametrize(
        "kind",
        ["random", "empty", "truncated", "mp3", "sound only", "directory", "missing", "no frames"],
    )
    def test_what_cannot_be_read_is_one_helpful_line(
        self, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Of the whole process: what libraries write to the descriptors themselves counts."""
        path = make_bad_input(kind, tmp_path)
        capfd.readouterr()
        assert main(["analyze", str(path), "--out", str(tmp_path / "o")]) == 3
        captured = capfd.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert captured.err.count("\n") == 1
        assert list((tmp_path / "o").iterdir()) == []


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ([], "COMMAND"),
            (["analyse"], "invalid choice"),
            (["analyze"], "VIDEO"),
            (["analyze", "a.mp4", "--step", "0"], "step is 0, expected 1 to 30"),
            (["analyze", "a.mp4", "--step", "x"], "invalid int value"),
            (["analyze", "a.mp4", "--vpp_thresh", "nan"], "vpp_thresh is nan"),
            (["analyze", "a.mp4", "--blink-thresh", "0.5"], "expected 0.05 to 0.23"),
            (["analyze", "a.mp4", "--blink-baseline", "none"], "invalid choice"),
            (["analyze", "x/a.mp4", "y/a.mov"], "would write a.summary.json"),
            (["reanalyze", "x/a.track.npz", "y/a.npz"], "would write a.summary.json"),
            (["analyze", "a.mp4", "--protocol", "none.json"], "cannot be read as JSON"),
            (["analyze", "a.mp4", "--protocol", "deep.json"], "cannot be read as JSON"),
            (["image"], "FILE"),
            (["synth", "a.gif"], "must end in one of"),
            (["synth", "a.mp4", "--fps", "-1"], "fps"),
        ],
    )
    def test_wrong_usage_exits_2_and_says_what(
        self,
        arguments: list[str],
        says: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("deep.json").write_text("[" * 200_000)
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert says in captured.err

    def test_an_output_folder_that_cannot_be_made(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SystemExit) as caught:
            main(["analyze", "a.mp4", "--out", str(tmp_path / "file" / "out")])
        assert caught.value.code == 2
        assert "cannot be written" in capsys.readouterr().err

    def test_an_output_folder_that_cannot_be_written_is_refused_before_the_work(
        self, clip: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as caught:
            main(["analyze", str(clip), "--out", "/proc"])
        assert caught.value.code == 2
        assert "cannot be written" in capsys.readouterr().err

    @pytest.mark.parametrize("command", ["analyze", "image", "reanalyze", "synth"])
    def test_help(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            main([command, "--help"])
        assert caught.value.code == 0
        assert "usage: eye-tracker" in capsys.readouterr().out

    def test_a_defect_is_one_line_and_exit_4_and_does_not_stop_the_rest(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        paths = [tmp_path / name for name in ("a.npz", "b.npz")]
        for path in paths:
            save_track(make_track(make_landmarks(np.full(9, 0.3), 0)), path)

        def fail(*_: object) -> None:
            raise ZeroDivisionError("a\ndefect")

        monkeypatch.setattr("tracker.pipeline.analyze_track", fail)
        assert main(["reanalyze", *map(str, paths), "--out", str(tmp_path)]) == 4
        errors = capsys.readouterr().err.splitlines()
        assert len(errors) == 2
        for error in errors:
            assert error.startswith("internal error: ZeroDivisionError: a defect (test_main.py:")

    @pytest.mark.parametrize("command", ["analyze", "image"])
    def test_a_missing_model_file_is_told_before_any_input_is_opened(
        self,
        command: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """The remedy is to install the program again, not to report a defect."""
        monkeypatch.setattr("tracker.face.models.MODELS", tmp_path)
        out = ["--out", str(tmp_path / "o")] if command == "analyze" else []
        assert main([command, str(tmp_path / "no.mp4"), *out]) == 4
        (error,) = capsys.readouterr().err.splitlines()
        assert error.startswith("error: the model file ")
        assert error.endswith("Install the program again.")

    @pytest.mark.slow
    def test_a_reader_that_goes_away_is_no_failure(self, tmp_path: Path) -> None:
        for n in range(60):
            save_track(make_track(make_landmarks(np.full(9, 0.3), 0)), tmp_path / f"{n}.npz")
        command = f"{sys.executable} -m tracker reanalyze {tmp_path}/*.npz --out {tmp_path} --json"
        result = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command} | head -c 1"],
            capture_output=True,
            text=True,
        )
        assert (result.returncode, result.stdout, result.stderr) == (0, "{", "")

    @pytest.mark.slow
    def test_stderr_may_be_closed(self, tmp_path: Path) -> None:
        save_track(make_track(make_landmarks(np.full(9, 0.3), 0)), tmp_path / "a.npz")
        command = f"{sys.executable} -m tracker reanalyze {tmp_path}/a.npz --out {tmp_path} --json"
        result = subprocess.run(["bash", "-c", f"{command} 2>&-"], capture_output=True, text=True)
        assert result.returncode == 0
        strict(result.stdout)


class TestImage:
    @pytest.fixture
    def face(self, tmp_path: Path) -> Path:
        path = tmp_path / "face.png"
        cv2.imwrite(str(path), render_frame(SPEC, 0.0))
        return path

    def test_a_face(self, face: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["image", str(face), "--json"]) == 0
        captured = capsys.readouterr()
        result = strict(captured.out)
        assert captured.err == ""
        assert result["detected"] is True
        assert result["faces"] == 1
        assert 0.2 < result["eye_open"] < 0.45
        assert result["blink_prob"] < 0.2
        assert result["eye_open"] == pytest.approx(
            (result["left"]["eye_open"] + result["right"]["eye_open"]) / 2, abs=1e-6
        )
        # The subject's left eye is on the right of the picture.
        assert result["left"]["iris_cx"] > result["right"]["iris_cx"]
        assert result["landmarks"]["473"] == [
            result["left"]["iris_cx"],
            result["left"]["iris_cy"],
        ]

    def test_shut_eyes(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "shut.png"
        cv2.imwrite(str(path), render_frame(SPEC, 7.6))
        assert main(["image", str(path), "--json"]) == 0
        assert strict(capsys.readouterr().out)["blink_prob"] > 0.9

    def test_no_face(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "grey.png"
        cv2.imwrite(str(path), np.full((100, 100), 127, np.uint8))
        assert main(["image", str(path), "--json"]) == 0
        result = strict(capsys.readouterr().out)
        assert result.pop("source") == "grey.png"
        assert result.pop("detected") is False
        assert result.pop("faces") == 0
        assert set(result.values()) == {None}

    def test_pictures_of_one_name_are_told_apart(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for place in ("a/grey.png", "b/grey.png", "b/\x1b[31m.png"):
            (tmp_path / place).parent.mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / place), np.full((100, 100), 127, np.uint8))
        places = [str(path) for path in sorted(tmp_path.rglob("*.png"))]
        assert main(["image", "--json", *places]) == 0
        printed = [strict(line)["source"] for line in capsys.readouterr().out.splitlines()]
        assert sorted(printed) == sorted([places[0], "\x1b[31m.png", places[2]])
        assert main(["image", *places]) == 0
        printed = capsys.readouterr().out.splitlines()
        assert {line.partition(": no face")[0] for line in printed} == {
            places[0],
            "\N{REPLACEMENT CHARACTER}[31m.png",
            places[2],
        }

    def test_what_is_no_image(self, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["image", str(clip)]) == 3
        assert "eye-tracker analyze" in capsys.readouterr().err


@pytest.mark.slow
def test_progress_is_shown_on_a_terminal_only(clip: Path, tmp_path: Path) -> None:
    master, slave = os.openpty()
    # A new pseudo-terminal is 0 characters wide.
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "tracker", "analyze", str(clip), "--out", str(tmp_path), "--json"],
        stdout=subprocess.PIPE,
        stderr=slave,
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:  # Linux' way to say that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(master)
    stdout, _ = process.communicate()
    assert process.returncode == 0
    strict(stdout.decode())
    assert b"clip.mp4" in shown
    assert b"220" in shown
    assert b"frames/s" in shown


@pytest.mark.slow
@pytest.mark.long
def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """1,300 frames peak within 8 MB of 300: 8 kB a frame, and a frame itself is 58 kB.

    What is kept of a frame is its landmarks, its row and what the report draws: 3.2 kB. Of every
    tenth, up to 512 of them, a picture of both eyes is kept as well, and measured at the end: 5 kB
    for each, and as much again while they are measured. A program that has loaded Numba shows
    less of it, because compiling left memory that is used again.
    """
    spec = ClipSpec(duration_s=5, fps=20, width=160, height=120, closures=(LidClosure(1.0, 0.3),))
    script = (
        "import sys\n"
        "from tracker.cli.main import main\n"
        "from tracker.machine import measure_peak_bytes\n"
        "code = main(sys.argv[1:])\n"
        "print(measure_peak_bytes() / 1e6)\n"
        "sys.exit(code)\n"
    )
    peaks_mb = []
    for repeats in (3, 13):
        path = tmp_path / f"{repeats}.mp4"
        write_clip(path, spec, repeats=repeats)
        result = subprocess.run(
            [sys.executable, "-c", script, "analyze", str(path), "--out", str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
        )
        summary = strict((tmp_path / f"{repeats}.summary.json").read_text())
        assert summary["frames_processed"] == 100 * repeats
        assert summary["blink_count"] == repeats
        peaks_mb.append(float(result.stdout.splitlines()[-1]))
    assert peaks_mb[1] - peaks_mb[0] < 8


@pytest.mark.slow
def test_reports_of_a_folder_name_whom_its_table_names(
    tmp_path: Path, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos, out = tmp_path / "videos", tmp_path / "out"
    videos.mkdir()
    shutil.copy(clips / "tiny.mp4", videos / "a.mp4")
    table = videos / "participants.tsv"

    def analyze(code: str) -> str:
        table.write_text(f"participant_id\tfile\tgroup\tvisit\n{code}\ta.mp4\tcontrols\tmonth 6\n")
        assert main(["analyze", str(videos), "--out", str(out), "--workers", "1"]) == 0
        text = (out / "a.report.html").read_text(encoding="utf-8")
        return text.split('<dl class="head">')[1].split("</dl>")[0]

    def read_person() -> dict[str, str | None]:
        person: dict[str, str | None] = strict((out / "a.summary.json").read_text())["participant"]
        return person

    for code in ("P-7", "P-8"):
        # The second time, the same file is another person's: its report must not stay.
        head = analyze(code)
        assert code in head
        assert "month 6" in head
        assert "controls" not in head
        assert read_person() == {"participant_id": code, "visit": "month 6", "date": None}
    # The table lies beside the videos only, but the summary still says who it is.
    assert main(["reanalyze", str(out), "--out", str(out)]) == 0
    assert "P-8" in (out / "a.report.html").read_text(encoding="utf-8")
    assert read_person() == {"participant_id": "P-8", "visit": "month 6", "date": None}
    assert "P-8" not in (out / "a.frames.csv").read_text(encoding="utf-8")
    track = str(out / "a.track.npz")
    assert main(["reanalyze", track, "--participant", "-1", "--out", str(out)]) == 0
    assert read_person() == {"participant_id": "-1", "visit": None, "date": None}
    shutil.copy(table, out)
    assert main(["reanalyze", str(out), "--out", str(out)]) == 0
    assert read_person() == {"participant_id": "P-8", "visit": "month 6", "date": None}
    with pytest.raises(SystemExit):
        main(["analyze", str(videos), "--participant", "P-1", "--out", str(out)])
    assert "use --participants" in capsys.readouterr().err


def test_an_empty_code_names_nobody(clips: Path, tmp_path: Path) -> None:
    """A script may give what its own table lacks; all these recordings would be one person's."""
    video = str(clips / "tiny.mp4")
    assert (
        main(["analyze", video, "--no-report", "--participant", " ", "--out", str(tmp_path)]) == 0
    )
    assert "participant" not in strict((tmp_path / "tiny.summary.json").read_text())


def test_a_code_that_cannot_be_printed_is_wrong_usage(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(
            ["analyze", str(clips / "tiny.mp4"), "--participant", "a\x1bb", "--out", str(tmp_path)]
        )
    assert "cannot be printed" in capsys.readouterr().err
