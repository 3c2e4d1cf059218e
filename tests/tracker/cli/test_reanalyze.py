"""`reanalyze --corrections`, the Python API, and what reads corrected summaries."""

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import tracker
from tests.made_corrections import SHA, write_corrections
from tests.made_tracks import make_track
from tests.tracker.pages.made_reports import looking
from tracker.cli.main import main
from tracker.files.corrections import read_corrections
from tracker.measures.corrections import list_events
from tracker.tracks.archive import load_track, save_track

MARKS = (
    *("corrected", "corrected_by", "corrected_at", "corrected_why"),
    *("correction_count", "detected_blink_count", "unusable_time_s"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a track, and its analysis without corrections in ``before``."""
    folder = tmp_path_factory.mktemp("corrections")
    save_track(make_track(looking(), 30.0, video_sha256=SHA), folder / "clip.track.npz")
    assert main(["reanalyze", str(folder / "clip.track.npz"), "--out", str(folder / "before")]) == 0
    return folder


def write_detected(folder: Path, kept: slice = slice(None), **values: Any) -> Path:
    """Write corrections that keep some of the detected events as they are."""
    result = tracker.analyze_track(load_track(folder / "clip.track.npz"))
    events = [
        {"kind": one.kind, "onset_s": round(one.onset_s, 4), "offset_s": round(one.offset_s, 4)}
        for one in list_events(result.analysis.events, result.track.times_s)[kept]
    ]
    return write_corrections(folder / "clip.corrections.json", events=events, **values)


def reanalyze(folder: Path, out: Path, path: Path, *more: str) -> dict[str, Any]:
    track = str(folder / "clip.track.npz")
    assert main(["reanalyze", track, "--corrections", str(path), "--out", str(out), *more]) == 0
    document: dict[str, Any] = json.loads((out / "clip.summary.json").read_text(encoding="utf-8"))
    return document


def test_a_track_is_not_its_folders_namesakes(folder: Path, tmp_path: Path) -> None:
    """Of the table's rows, one is of a video p01, and one of a video whose results are b.mov.*."""
    (tmp_path / "p01").mkdir()
    for name in ("a", "b.mov"):
        shutil.copy(folder / "clip.track.npz", tmp_path / "p01" / f"{name}.track.npz")
    table = tmp_path / "participants.tsv"
    table.write_text("participant_id\tfile\nP-1\tp01.mp4\nP-2\tp01/b.mov\nP-3\tb.mov\n")
    options = ["--out", str(tmp_path / "out"), "--no-report"]
    assert main(["reanalyze", str(tmp_path), *options]) == 0
    people = {
        name: json.loads((tmp_path / "out" / "p01" / f"{name}.summary.json").read_bytes())
        for name in ("a", "b.mov")
    }
    assert "participant" not in people["a"]
    assert people["b.mov"]["participant"]["participant_id"] == "P-2"
    # Named alone, it is in the same folder as before.
    track = str(tmp_path / "p01" / "b.mov.track.npz")
    assert main(["reanalyze", track, "--participants", str(table), *options]) == 0
    document = json.loads((tmp_path / "out" / "b.mov.summary.json").read_bytes())
    assert document["participant"]["participant_id"] == "P-2"


def test_corrections_that_change_nothing_change_only_the_mark(folder: Path, tmp_path: Path) -> None:
    summary = reanalyze(folder, tmp_path, write_detected(folder))
    before = json.loads((folder / "before" / "clip.summary.json").read_text(encoding="utf-8"))
    assert {name: before.pop(name) for name in MARKS} == {
        "corrected": False,
        **dict.fromkeys(MARKS[1:]),
    }
    assert {name: summary.pop(name) for name in MARKS} == {
        "corrected": True,
        "corrected_by": "AB",
        "corrected_at": "2026-01-31T09:30:00Z",
        "corrected_why": None,
        "correction_count": 0,
        "detected_blink_count": 3,
        "unusable_time_s": 0.0,
    }
    assert summary == before
    for name in ("frames", "blinks", "saccades"):
        one, other = (path / f"clip.{name}.csv" for path in (tmp_path, folder / "before"))
        assert one.read_bytes() == other.read_bytes()
    detected = tmp_path / "clip.blinks.auto.csv"
    assert detected.read_bytes() == (folder / "before" / "clip.blinks.csv").read_bytes()
    # The report has the mark, its table, and what its editor starts from; nothing else differs.
    corrected, plain = (
        (path / "clip.report.html").read_text(encoding="utf-8")
        for path in (tmp_path, folder / "before")
    )
    corrected = re.sub(
        r'<div class="card corrected no-print".*?</div>\n', "", corrected, flags=re.DOTALL
    )
    kept = "<p>All events were looked at and kept as they were detected.</p>\n"
    assert kept in corrected
    corrected = corrected.replace(kept, "")
    corrected = re.sub(r'<div data-head="corrected">.*\n', "", corrected)
    rows = r'<tr data-field="(corrected|correction_count|detected_blink_count|unusable_time_s)".*\n'
    corrected, plain = (re.sub(rows, "", page) for page in (corrected, plain))
    assert corrected == plain.replace('"corrections no-print"', '"corrections"')


def test_a_corrected_result(folder: Path, tmp_path: Path, capsys: Any) -> None:
    path = write_detected(
        folder, slice(1, None), why="glare", unusable=[{"start_s": 20.0, "end_s": 21.0}]
    )
    summary = reanalyze(folder, tmp_path, path)
    printed = capsys.readouterr().out
    assert "corrected   2 corrections by AB; 3 blinks before" in printed
    assert "clip.blinks.auto.csv" in printed
    assert summary["blink_count"] == 2
    assert (summary["correction_count"], summary["detected_blink_count"]) == (2, 3)
    assert summary["corrected_why"] == "glare"
    # 30 frames less, and the intervals on both sides of them.
    assert summary["unusable_time_s"] == pytest.approx(31 / 30, rel=1e-5)
    assert summary["valid_time_s"] == pytest.approx((719 - 31) / 30, rel=1e-5)
    rate = 60 * 2 / ((719 - 31) / 30)
    assert summary["blink_rate_per_min"] == pytest.approx(rate, rel=1e-5)
    with (tmp_path / "clip.blinks.csv").open() as file:
        assert [round(float(row["peak_s"]), 1) for row in csv.DictReader(file)] == [7.5, 15.0]
    with (tmp_path / "clip.blinks.auto.csv").open() as file:
        assert [round(float(row["peak_s"]), 1) for row in csv.DictReader(file)] == [2.0, 7.5, 15.0]
    with (tmp_path / "clip.frames.csv").open() as file:
        rows = list(csv.DictReader(file))
    # A frame that is not usable is like one without a face.
    assert {rows[600][name] for name in ("L_iris_cx", "eye_open", "v_offset")} == {""}
    assert rows[600]["gaze_valid"] == "false"
    assert rows[599]["eye_open"] != ""
    # Analysed again, also with other parameters, they count as before: the file lies there.
    for options in ([], ["--vpp-thresh", "0.05"]):
        again_command = ["reanalyze", str(folder / "clip.track.npz"), "--out", str(tmp_path)]
        assert main([*again_command, *options]) == 0
        again = json.loads((tmp_path / "clip.summary.json").read_text(encoding="utf-8"))
        for name in MARKS:
            assert again[name] == summary[name]
        assert again["blink_rate_per_min"] == summary["blink_rate_per_min"]
    # Analysed without the corrections, all is as before.
    (tmp_path / "clip.corrections.json").unlink()
    path.unlink()
    assert main(["reanalyze", str(folder / "clip.track.npz"), "--out", str(tmp_path)]) == 0
    assert not (tmp_path / "clip.blinks.auto.csv").exists()
    again = json.loads((tmp_path / "clip.summary.json").read_text(encoding="utf-8"))
    assert (again["corrected"], again["blink_count"]) == (False, 3)


def test_tracks_that_differ_in_case_only_keep_their_own_corrections(
    folder: Path, tmp_path: Path
) -> None:
    tracks, out = tmp_path / "tracks", tmp_path / "out"
    tracks.mkdir()
    for name in ("A", "a"):
        shutil.copy(folder / "clip.track.npz", tracks / f"{name}.track.npz")
    path = write_detected(folder, slice(1, None))
    path.rename(tracks / "a.corrections.json")
    # The second time, the corrections lie beside the results only.
    for _ in range(2):
        assert main(["reanalyze", str(tracks), "--out", str(out)]) == 0
        corrected = {
            path.name: json.loads(path.read_text(encoding="utf-8"))["corrected"]
            for path in out.glob("*.summary.json")
        }
        assert corrected == {"A.summary.json": False, "a.2.summary.json": True}
        (tracks / "a.corrections.json").unlink(missing_ok=True)


def test_corrections_are_kept_beside_the_results(folder: Path, tmp_path: Path, capsys: Any) -> None:
    path = write_detected(folder, slice(1, None), unusable=[{"start_s": 20.0, "end_s": 21.0}])
    path = path.rename(tmp_path / "clip.corrections (1).json")
    out = tmp_path / "out"
    reanalyze(folder, out, path)
    kept = out / "clip.corrections.json"
    assert read_corrections(kept) == read_corrections(path)
    # A folder of tracks is analysed again with what lies beside each track.
    shutil.copy(folder / "clip.track.npz", out)
    again = tmp_path / "again"
    assert main(["reanalyze", str(out), "--out", str(again)]) == 0
    assert "2 corrections by AB" in capsys.readouterr().out
    assert (again / "clip.corrections.json").read_bytes() == kept.read_bytes()
    for name in ("blinks.csv", "blinks.auto.csv", "frames.csv"):
        assert (again / f"clip.{name}").read_bytes() == (out / f"clip.{name}").read_bytes()


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        ({"at": "2026-02-01T09:30:00Z"}, True),
        ({"at": "2026-01-30T09:30:00Z"}, False),
        ({"by": "CD", "at": "2026-02-01T09:30:00Z"}, False),
    ],
    ids=["later", "earlier", "another person"],
)
def test_nobody_s_corrections_are_lost(
    values: dict[str, Any], taken: bool, folder: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "out"
    reanalyze(folder, out, write_detected(folder, slice(1, None)))
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    other = write_detected(folder, slice(2, None), **values)
    command = ["reanalyze", str(folder / "clip.track.npz"), "--corrections", str(other)]
    assert main([*command, "--out", str(out)]) == (0 if taken else 3)
    if taken:
        assert read_corrections(out / "clip.corrections.json") == read_corrections(other)
        return
    error = capsys.readouterr().err
    assert "clip.corrections.json: holds other corrections, by AB at 2026-01-31T09:30:00Z" in error
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_damaged_file_of_corrections_beside_the_track_is_told(
    folder: Path, tmp_path: Path, capsys: Any
) -> None:
    shutil.copy(folder / "clip.track.npz", tmp_path)
    (tmp_path / "clip.corrections.json").write_text('{"corrections": 1, "eve', encoding="utf-8")
    track = str(tmp_path / "clip.track.npz")
    assert main(["reanalyze", track, "--out", str(tmp_path)]) == 3
    assert "clip.corrections.json: cannot be used as corrections" in capsys.readouterr().err
    assert not (tmp_path / "clip.summary.json").exists()


def test_in_python_and_in_korean(folder: Path, tmp_path: Path, capsys: Any) -> None:
    path = write_detected(folder, slice(1, None))
    track = tracker.load_track(folder / "clip.track.npz")
    result = tracker.analyze_track(track, corrections=path)
    assert result.summary.corrected_by == "AB"
    assert len(result.blinks) == 2
    assert tracker.analyze_track(track, corrections=result.analysis.corrections).summary == (
        result.summary
    )
    # What is saved of it is the whole track.
    files = result.save(tmp_path, "clip")
    assert files["detected"] == tmp_path / "clip.blinks.auto.csv"
    assert tracker.analyze_track(tracker.load_track(files["track"])).summary.blink_count == 3
    reanalyze(folder, tmp_path, path, "--lang", "ko")
    assert "AB, 1건; 수정 전 눈 깜빡임 3회" in capsys.readouterr().out
    assert "사람이 수정함: AB" in (tmp_path / "clip.report.html").read_text(encoding="utf-8")


def test_corrections_of_another_recording(folder: Path, tmp_path: Path, capsys: Any) -> None:
    path = write_detected(folder, video_sha256="f" * 64)
    track = str(folder / "clip.track.npz")
    options = ["--corrections", str(path), "--out", str(tmp_path)]
    assert main(["reanalyze", track, *options]) == 3
    assert "belong to another recording" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.summary.json"))
    path.write_text("{}", encoding="utf-8")
    assert main(["reanalyze", track, *options]) == 3
    assert "clip.corrections.json: cannot be used as corrections" in capsys.readouterr().err


def test_corrections_belong_to_one_track(folder: Path, tmp_path: Path, capsys: Any) -> None:
    path, track = write_detected(folder), str(folder / "clip.track.npz")
    save_track(load_track(folder / "clip.track.npz"), tmp_path / "other.track.npz")
    for tracks in ([track, str(tmp_path)], [track, "--grid", "vpp_thresh=0.05,0.06"]):
        with pytest.raises(SystemExit) as ended:
            main(["reanalyze", *tracks, "--corrections", str(path), "--out", str(tmp_path)])
        assert ended.value.code == 2
        assert "--corrections: name the one track" in capsys.readouterr().err


def test_compare_reads_corrected_summaries(folder: Path, tmp_path: Path, capsys: Any) -> None:
    reanalyze(folder, tmp_path, write_detected(folder, slice(1, None)))
    names = [str(path / "clip.summary.json") for path in (folder / "before", tmp_path)]
    capsys.readouterr()
    command = ["compare", f"before={names[0]}", f"after={names[1]}", "--out", str(tmp_path)]
    assert main(command) == 0
    assert "after: a person corrected its events" in " ".join(capsys.readouterr().out.split())
    again = reanalyze(folder, tmp_path / "again", write_detected(folder, slice(2, None)))
    assert again["blink_count"] == 1
    names[0] = str(tmp_path / "again" / "clip.summary.json")
    both = ["compare", f"before={names[0]}", f"after={names[1]}", "--out", str(tmp_path)]
    assert main(both) == 0
    assert "a person corrected its events" not in " ".join(capsys.readouterr().out.split())
