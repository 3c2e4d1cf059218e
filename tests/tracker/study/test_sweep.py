"""Sweeps over tracks and thresholds: equal to one analysis at a time, whatever a track is."""

import csv
import itertools
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from benchmarks.long_tracks import make_session
from tests.made_tracks import blink, make_landmarks, make_track
from tests.missing_modules import hide_modules
from tracker.cli.main import main
from tracker.files.summary import summarize
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters
from tracker.protocol import parse_protocol
from tracker.study import sweep
from tracker.study.folders import find_tracks
from tracker.study.sweep import COLUMNS, parse_grid, sweep_track
from tracker.tracks.archive import save_track
from tracker.tracks.track import Track

GRID = ["vpp_thresh=0.03,0.5", "blink_thresh=0.1:0.22:0.04", "blink_min_frames=1,6"]
POINTS = 16


def winking_track() -> Track:
    """Blinks of all depths, winks, a lost face, and a protocol of its own."""
    ear = np.full((900, 2), 0.3)
    for n, start in enumerate(range(40, 880, 60)):
        blink(ear, start, 2 + n, 0.03 + 0.014 * n)
    ear[500:520] = 0.04, 0.3
    # A dip between two blinks, within their guard: noise or not, the same frames count.
    for start, frames, level in ((665, 6, 0.05), (674, 1, 0.2), (678, 6, 0.05)):
        blink(ear, start, frames, level)
    rng = np.random.default_rng(8)
    vertical = np.where(np.arange(900) < 450, -0.05, 0.08) + rng.normal(0, 0.02, 900)
    landmarks = make_landmarks(ear, vertical)
    landmarks[200:230] = np.nan
    track = make_track(landmarks)
    protocol = parse_protocol(
        [
            {"phase": "up", "start_s": 0, "end_s": 15},
            {"phase": "down", "start_s": 15, "end_s": 30},
        ]
    )
    return replace(track, info=replace(track.info, protocol=protocol))


TRACKS = {
    "session": lambda: make_session(20),
    "winks and a protocol": winking_track,
    "slow motion": lambda: make_session(8, fps=120),
    "no face": lambda: make_track(np.full((60, 40, 2), np.nan, np.float32)),
    "one frame": lambda: make_track(make_landmarks([0.3], 0)),
    "no frame": lambda: make_track(make_landmarks(np.empty(0), np.empty(0))),
}


def expected_row(track: Track, point: dict[str, Any]) -> dict[str, Any]:
    """What `reanalyze` writes to the summary, under the names of the table's columns."""
    parameters = Parameters(**point, protocol=track.info.protocol, task="up_down")
    analysis = analyze_track(track, parameters)
    summary = summarize(analysis, assess(analysis), "x").to_dict()
    # As it is written, and read again.
    summary = json.loads(json.dumps(summary, allow_nan=False))
    row: dict[str, Any] = {"track": "x", **{n: summary["parameters"][n] for n in PARAMETER_NAMES}}
    for name in ("status", "basis", "basis_limit"):
        row[name] = summary["assessment"][name]
    for name in ("reasons", "cautions"):
        row[name] = " ".join(one["code"] for one in summary["assessment"][name])
    aliases = {"duration_s": "duration_sec_est"}
    for column in COLUMNS:
        if column.name in row:
            continue
        if column.name.startswith("quality_"):
            row[column.name] = summary["quality"][column.name.removeprefix("quality_")]
        elif column.name.endswith(("_low", "_high")):
            base, _, end = column.name.rpartition("_")
            pair = summary.get(f"{base}_ci95") or summary[f"{base}_range"]
            row[column.name] = pair[end == "high"]
        else:
            row[column.name] = summary[aliases.get(column.name, column.name)]
    return row


PARAMETER_NAMES = sweep.GRID_PARAMETERS


@pytest.mark.parametrize("name", TRACKS)
def test_each_row_is_what_one_analysis_says_in_all_fields(name: str) -> None:
    track, grid = TRACKS[name](), parse_grid([*GRID, "blink_baseline=fixed,adaptive"])
    rows = list(sweep_track(track, "x", Parameters(task="up_down"), grid))
    points = [
        dict(zip(PARAMETER_NAMES, values, strict=True))
        for values in itertools.product(*(grid[name] for name in PARAMETER_NAMES))
    ]
    assert len(rows) == len(points) == 2 * POINTS
    names = [column.name for column in COLUMNS]
    for row, point in zip(rows, points, strict=True):
        assert dict(zip(names, sum(row, ()), strict=True)) == expected_row(track, point)


def test_the_points_differ_in_what_the_thresholds_decide() -> None:
    """So that the equality above is one of different numbers."""
    names = [column.name for column in COLUMNS]
    rows = [
        dict(zip(names, sum(row, ()), strict=True))
        for row in sweep_track(winking_track(), "x", Parameters(task="up_down"), parse_grid(GRID))
    ]
    assert {row["wink_count"] for row in rows} == {1}
    for column in ("status", "blink_count", "vertical_peak_to_peak", "gaze_time_s"):
        assert len({row[column] for row in rows}) > 1, column
    assert {row["status"] for row in rows} == {"suspected", "not_suspected"}


def test_a_protocol_that_is_given_goes_before_the_track_s_own() -> None:
    track, own = winking_track(), TRACKS["winks and a protocol"]().info.protocol
    (kept,) = sweep_track(track, "x", Parameters(), {})
    (given,) = sweep_track(track, "x", Parameters(protocol=own[:1]), {})
    index = [column.name for column in COLUMNS].index("reasons")
    assert sum(kept, ())[index] == "borderline"
    assert sum(given, ())[index] == "phase_down_missing"


class TestGrid:
    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("vpp_thresh=0.04,0.06", (0.04, 0.06)),
            ("vpp-thresh=0.06", (0.06,)),
            # Sums of floats would end at 0.15000000000000002, and before 0.2.
            ("blink_thresh=0.1:0.2:0.05", (0.1, 0.15, 0.2)),
            ("blink_thresh=0.14:0.22:0.01", tuple(n / 100 for n in range(14, 23))),
            ("blink_thresh=0.14:0.155:0.01", (0.14, 0.15)),
            ("blink_thresh=0.14:0.14:1", (0.14,)),
            ("blink_min_frames=1:3:1", (1, 2, 3)),
            ("blink_baseline=fixed,adaptive", ("fixed", "adaptive")),
        ],
    )
    def test_values(self, text: str, values: tuple[Any, ...]) -> None:
        (found,) = parse_grid([text]).values()
        assert found == values
        assert [type(value) for value in found] == [type(value) for value in values]

    @pytest.mark.parametrize(
        ("texts", "says"),
        [
            (["vpp_thresh"], "expected NAME=VALUES with one of blink_baseline"),
            (["step=1,2"], "expected NAME=VALUES"),
            (["=1"], "expected NAME=VALUES"),
            (["vpp_thresh="], "expected numbers"),
            (["vpp_thresh=a"], "expected numbers"),
            (["vpp_thresh=0.1:0.2"], "expected numbers"),
            (["vpp_thresh=0.1:0.2:0"], "expected numbers"),
            (["vpp_thresh=0.1:0.2:-0.1"], "expected numbers"),
            (["vpp_thresh=0.2:0.1:0.1"], "expected numbers"),
            (["vpp_thresh=0.1:0.9:nan"], "expected numbers"),
            (["vpp_thresh=0.1:inf:0.1"], "expected numbers"),
            (["vpp_thresh=0.001:1:1e-9"], "at most 10000"),
            (["vpp_thresh=nan"], "vpp_thresh is nan, expected 0.001 to 1"),
            (["vpp_thresh=0"], "vpp_thresh is 0.0, expected 0.001 to 1"),
            (["blink_thresh=0.1:0.3:0.1"], "blink_thresh is 0.3, expected 0.05 to 0.23"),
            (["blink_min_frames=2.5"], "blink_min_frames is 2.5, expected a whole number"),
            (["blink_min_frames=inf"], "expected numbers"),
            (["blink_baseline=mine"], "expected adaptive or fixed"),
            (["vpp_thresh=0.1,0.1"], "a value is given twice"),
            (["vpp_thresh=0.1", "vpp_thresh=0.2"], "vpp_thresh is given twice"),
            (
                ["vpp_thresh=0.001:1:0.001", "blink_thresh=0.1:0.2:0.01"],
                "11000 points, expected at most 10000",
            ),
        ],
    )
    def test_what_is_no_grid_is_wrong_usage(
        self,
        texts: list[str],
        says: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        save_track(make_session(2), Path("a.track.npz"))
        with pytest.raises(SystemExit) as caught:
            main(["reanalyze", "a.track.npz", *(part for one in texts for part in ("--grid", one))])
        assert caught.value.code == 2
        captured = capsys.readouterr()
        assert says in captured.err
        assert captured.out == ""
        assert sorted(tmp_path.iterdir()) == [tmp_path / "a.track.npz"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two tracks, one of them below, and much that is none."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "tracks"
    for path in ("sub/deep", ".hidden"):
        (folder / path).mkdir(parents=True)
    save_track(make_session(20), folder / "a.track.npz")
    save_track(make_session(20, seed=1), folder / "sub/deep/=b.track.npz")
    for path in (".hidden/c.track.npz", ".d.track.npz", "e.npz", "f.summary.json"):
        (folder / path).write_bytes(b"not to be read")
    return folder


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def sweep_arguments(*arguments: str) -> list[str]:
    grid = (part for one in GRID for part in ("--grid", one))
    return ["reanalyze", "--task", "up_down", *arguments, *grid]


class TestSweepCommand:
    def test_a_table_of_all_tracks_at_all_points(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(sweep_arguments("tracks", "--out", "made/here")) == 0
        rows = read_table(Path("made/here/sweep.csv"))
        assert len(rows) == 2 * POINTS
        assert list(rows[0]) == [column.name for column in COLUMNS]
        assert {row["track"] for row in rows} == {
            "tracks/a.track.npz",
            "tracks/sub/deep/=b.track.npz",
        }
        assert rows[0]["psp_suspected"] in ("true", "false")
        shown = capsys.readouterr().out
        assert shown.count("\n") == POINTS + 1
        assert "blink_min_frames 6 blink_thresh 0.22 vpp_thresh 0.5: 2 suspected" in shown
        assert shown.endswith("  written     made/here/sweep.csv\n")
        assert [path.name for path in Path("made/here").iterdir()] == ["sweep.csv"]

    def test_parquet_holds_the_same(self, folder: Path) -> None:
        assert main(sweep_arguments("tracks", "--out", "t.csv")) == 0
        assert main(sweep_arguments("tracks", "--out", "t.parquet")) == 0
        table = pyarrow.parquet.read_table("t.parquet")
        assert [str(field.type) for field in table.schema][:7] == [
            "string", "string", "int64", "double", "double", "string", "string",
        ]  # fmt: skip
        for row, from_csv in zip(table.to_pylist(), read_table(Path("t.csv")), strict=True):
            for name, value in row.items():
                if isinstance(value, bool):
                    assert from_csv[name] == str(value).lower()
                elif isinstance(value, float):
                    assert float(from_csv[name]) == value
                else:
                    assert from_csv[name] == ("" if value is None else str(value))

    def test_a_bad_track_does_not_stop_the_rest(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (folder / "Bad.track.npz").write_bytes(b"no track")
        assert main(sweep_arguments("tracks", "missing.track.npz", "--out", "t.csv")) == 3
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 2
        assert "Bad.track.npz: not a track that can be read" in captured.err
        assert "missing.track.npz" in captured.err
        assert len(read_table(Path("t.csv"))) == 2 * POINTS

    def test_no_track_is_left_and_the_table_is_empty(self, tmp_path: Path) -> None:
        bad = tmp_path / "x.track.npz"
        bad.write_bytes(b"")
        for name in ("t.csv", "t.parquet"):
            assert main(sweep_arguments(str(bad), "--out", str(tmp_path / name))) == 3
        assert read_table(tmp_path / "t.csv") == []
        assert pyarrow.parquet.read_table(tmp_path / "t.parquet").num_rows == 0

    def test_without_pyarrow_only_csv_is_written(
        self,
        folder: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        hide_modules(monkeypatch, "pyarrow")
        with pytest.raises(SystemExit) as caught:
            main(sweep_arguments("tracks", "--out", "t.parquet"))
        assert caught.value.code == 2
        assert "pip install pyarrow. Or write a .csv" in capsys.readouterr().err
        assert main(sweep_arguments("tracks", "--out", "t.csv")) == 0
        assert len(read_table(Path("t.csv"))) == 2 * POINTS

    def test_an_interrupted_sweep_leaves_no_table(self, folder: Path) -> None:
        def interrupt(done: int, total: int) -> None:
            raise KeyboardInterrupt

        paths = [track.path for track in find_tracks([folder], None).tracks]
        out = folder.parent / "out"
        out.mkdir()
        with pytest.raises(KeyboardInterrupt):
            sweep.sweep_tracks(
                paths, Parameters(), parse_grid(GRID), out / "t.csv", interrupt, print
            )
        assert list(out.iterdir()) == []

    def test_few_rows_wait_in_memory(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert main(sweep_arguments("tracks", "--out", "at_once.csv")) == 0
        monkeypatch.setattr(sweep, "ROWS_AT_ONCE", 3)
        for name in ("in_parts.csv", "in_parts.parquet"):
            assert main(sweep_arguments("tracks", "--out", name)) == 0
        assert Path("in_parts.csv").read_bytes() == Path("at_once.csv").read_bytes()
        assert pyarrow.parquet.read_metadata("in_parts.parquet").num_row_groups == 2

    def test_json_is_for_single_analyses(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as caught:
            main(sweep_arguments("tracks", "--json"))
        assert caught.value.code == 2
        assert "--json" in capsys.readouterr().err


class TestDirectories:
    def test_tracks_in_a_directory_are_analysed_below_out(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["reanalyze", "tracks", "--out", "out"]) == 0
        assert capsys.readouterr().err == ""
        found = sorted(str(path) for path in Path("out").rglob("*.summary.json"))
        assert found == ["out/a.summary.json", "out/sub/deep/=b.summary.json"]
        summary = json.loads(Path(found[0]).read_text())
        assert summary["source"] == "a.track.npz"
        assert math.isclose(summary["duration_sec_est"], 20, abs_tol=0.1)

    def test_of_several_directories_each_has_one_of_its_name(self, folder: Path) -> None:
        other = folder.parent / "other"
        (folder / "sub").rename(other)
        found = find_tracks([folder, other], Path("out"))
        assert found.problems == found.notes == ()
        assert [track.directory for track in found.tracks] == [
            Path("out/tracks"),
            Path("out/other/deep"),
        ]
        assert [track.name for track in found.tracks] == ["tracks/a", "other/deep/=b"]

    def test_two_tracks_of_one_place_are_refused(self, folder: Path) -> None:
        save_track(make_session(1), folder / "b.npz")
        save_track(make_session(1), folder / "b.track.npz")
        with pytest.raises(ValueError, match=r"several inputs would write b\.summary\.json"):
            find_tracks([folder / "b.npz", folder / "b.track.npz"], Path("out"))

    def test_places_that_differ_in_capitals_alone_are_one_place(self, folder: Path) -> None:
        """Many file systems do not tell ``Visit`` from ``visit``: one would replace the other."""
        for place in ("x/Visit", "y/visit"):
            (folder / place).mkdir(parents=True)
            save_track(make_session(1), folder / place / "b.track.npz")
        with pytest.raises(ValueError, match="several directories are called Visit"):
            find_tracks([folder / "x" / "Visit", folder / "y" / "visit"], Path("out"))

    @pytest.mark.parametrize("grid", [[], ["--grid", "vpp_thresh=0.1"]])
    def test_a_directory_without_tracks(
        self, grid: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "empty").mkdir()
        out = tmp_path / "out"
        assert main(["reanalyze", str(tmp_path / "empty"), "--out", str(out), *grid]) == 3
        assert "no tracks found" in capsys.readouterr().err
        assert list(out.iterdir()) == []

    def test_a_directory_that_cannot_be_read_is_told_of(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import os

        real = os.scandir

        def refuse(path: Any) -> Any:
            if str(path).endswith("sub"):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path)

        monkeypatch.setattr(os, "scandir", refuse)
        found = find_tracks([folder], Path("out"))
        assert [track.stem for track in found.tracks] == ["a"]
        assert found.problems == (f"{folder / 'sub'}: cannot be read (Permission denied).",)


@pytest.mark.slow
def test_a_sweep_shows_its_progress_to_nobody_but_a_terminal(folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tracker", *sweep_arguments(str(folder), "--out", "t.csv")],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder.parent,
    )
    assert result.stderr == ""
