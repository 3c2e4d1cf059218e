"""The table and the page of a cohort, of recordings and names nobody checked."""

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet
import pytest

from tests.missing_modules import hide_modules
from tests.tracker.cli.test_main import strict
from tracker.cli.main import main
from tracker.face.mesh import FaceMesh
from tracker.files.participants import Participant, Participants
from tracker.parameters import Parameters
from tracker.study.cohort import cohort_rows, write_cohort
from tracker.study.cohort_page import write_cohort_page
from tracker.study.recording import (
    Failure,
    FinishedRecording,
    Recording,
    Request,
    analyze_recording,
)

NAMES = ("=1+1", "<script>alert(1)<", "two\nlines", "눈 검사", "+a", "@b", "-c", "\uff1dd", "plain")


@pytest.fixture(scope="module")
def results(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return a folder of results, and those of the two recordings in it."""
    out = tmp_path_factory.mktemp("out")
    finder = FaceMesh()
    found = {}
    for stem in ("tiny", "short"):
        recording = Recording(clips / f"{stem}.mp4", out, stem, f"{stem}.mp4")
        found[stem] = analyze_recording(recording, Parameters(), Request(), lambda: finder)
    return out, found


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def scalars(document: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return all single values and intervals of a document by where they are."""
    found = {}
    for name, value in document.items():
        if isinstance(value, dict):
            found |= scalars(value, (*path, name))
        elif not isinstance(value, list) or name.endswith(("_ci95", "_range")):
            found[*path, name] = value
    return found


def column_names(path: tuple[str, ...]) -> list[str]:
    prefixes = {"video_meta": "video_", "parameters": "parameter_", "quality": "quality_"}
    prefixes |= {"sampling": "sampling_", "assessment": ""}
    prefix = prefixes[path[0]] if len(path) > 1 else ""
    name = prefix + path[-1]
    for end in ("_ci95", "_deg_range"):
        if name.endswith(end):
            base = name.removesuffix("_ci95").removesuffix("_deg_range")
            base += "_deg" if end == "_deg_range" else ""
            return [f"{base}_low", f"{base}_high"]
    return [name]


# What is no measure of the recording, or stands in the table under another name.
ELSEWHERE = {
    ("source",),
    ("psp_rule_reason",),
    ("assessment", "status"),
    ("assessment", "patient_message"),
    ("resume_key",),
    ("note",),
}


PEOPLE = {"participant_id", "group", "visit", "date"}


def test_every_single_value_of_the_summaries_is_in_the_table(
    results: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out, found = results
    recordings = [Recording(out / f"{s}.mp4", out, s, f"{s}.mp4") for s in found]
    rows = cohort_rows(recordings, list(found.values()), out)
    write_cohort(rows, tmp_path)
    frame = pd.read_parquet(tmp_path / "cohort.parquet", dtype_backend="pyarrow")
    table = read_csv(tmp_path / "cohort.csv")
    assert list(frame.columns) == list(table[0])
    reported = {"recording", "file", "status", "reasons", "cautions", "outliers", "explanation"}
    for number, stem in enumerate(found):
        summary = strict((out / f"{stem}.summary.json").read_text())
        for path, value in scalars(summary).items():
            if path in ELSEWHERE:
                continue
            names = column_names(path)
            for name, one in zip(names, value if len(names) == 2 else [value], strict=True):
                reported.add(name)
                cell, text = frame[name][number], table[number][name]
                if one is None:
                    assert pd.isna(cell), name
                    assert text == ""
                else:
                    assert cell == one, name
                    assert type(one)(cell) == one
                    expected = (
                        {True: "true", False: "false"}[one]
                        if one is True or (one is False)
                        else one
                    )
                    assert text == str(expected), name
    every = Request(overlay=True, report="en", pdf="en")
    files = {f"{kind}_file" for kind in recordings[0].files(every)}
    assert set(frame.columns) - reported == {"failure_code", "failure_message"} | PEOPLE | files


def test_who_was_recorded_is_in_the_table(
    results: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out, found = results
    outcome = next(iter(found.values()))
    recordings = [Recording(out / name, out, name, name) for name in ("p1/a.mp4", "b.mp4")]
    person = Participant("=p1", "PSP", "", "2026-01-31")
    people = Participants({}, {"p1": person})
    write_cohort(cohort_rows(recordings, [outcome] * 2, out, people), tmp_path)
    first, second = read_csv(tmp_path / "cohort.csv")
    assert [first[name] for name in sorted(PEOPLE)] == ["2026-01-31", "PSP", "'=p1", ""]
    assert [second[name] for name in PEOPLE] == [""] * 4
    frame = pd.read_parquet(tmp_path / "cohort.parquet")
    assert frame["participant_id"].fillna("").tolist() == ["=p1", ""]
    assert frame["visit"].isna().all()


def test_without_pyarrow_the_table_is_csv_and_no_older_one_stays(
    results: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, found = results
    recording = Recording(out / "a.mp4", out, "a", "a.mp4")
    rows = cohort_rows([recording], [found["short"]], out)
    names = ["cohort.csv", "cohort.parquet"]
    assert [path.name for path in write_cohort(rows, tmp_path)] == names
    expected = (tmp_path / "cohort.csv").read_bytes()
    page = write_cohort_page(rows, [found["short"]], [], out, "en").read_text()
    assert 'All numbers of all recordings: <a href="cohort.csv">cohort.csv</a>, <a href' in page

    hide_modules(monkeypatch, "pyarrow")
    assert [path.name for path in write_cohort(rows, tmp_path)] == names[:1]
    assert (tmp_path / "cohort.csv").read_bytes() == expected
    assert not (tmp_path / "cohort.parquet").exists()
    page = write_cohort_page(rows, [found["short"]], [], out, "en").read_text()
    assert 'All numbers of all recordings: <a href="cohort.csv">cohort.csv</a>.' in page


def test_types_and_order_depend_on_no_recording(
    results: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out, found = results
    recording = Recording(out / "a.mp4", out, "a", "a.mp4")
    for name, outcome in (("one", found["short"]), ("other", Failure("undecodable", "no", True))):
        (tmp_path / name).mkdir()
        rows = cohort_rows([recording], [outcome], out)
        write_cohort(rows, tmp_path / name)
    schemas = [
        pyarrow.parquet.read_schema(tmp_path / name / "cohort.parquet") for name in ("one", "other")
    ]
    assert schemas[0].equals(schemas[1])
    types = {field.name: str(field.type) for field in schemas[0]}
    assert types["blink_count"] == types["vertical_saccade_count"] == "int64"
    assert types["fps"] == types["vertical_peak_to_peak_low"] == "double"
    assert types["psp_suspected"] == types["partial"] == "bool"
    assert types["status"] == types["primary_position_reason"] == "string"
    assert all(field.nullable for field in schemas[0])


def test_a_failed_recording_has_a_reason_and_nothing_else(
    results: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out = results[0]
    recording = Recording(out / "sub" / "a.mp4", out / "sub", "a", "sub/a.mp4")
    failure = Failure("undecodable", "a.mp4: not a video file.", is_input=True)
    write_cohort(cohort_rows([recording], [failure], out), tmp_path)
    (row,) = read_csv(tmp_path / "cohort.csv")
    assert {name: text for name, text in row.items() if text} == {
        "recording": "sub/a",
        "file": "sub/a.mp4",
        "status": "failed",
        "failure_code": "undecodable",
        "failure_message": "not a video file.",
    }


def test_names_are_no_formulas_in_a_spreadsheet(
    results: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out, found = results
    recordings = [Recording(out / f"{name}.mp4", out, name, f"{name}.mp4") for name in NAMES]
    outcomes: list[FinishedRecording | Failure] = []
    for recording in recordings:
        files = recording.files(Request())
        outcomes.append(FinishedRecording(found["tiny"].summary, files))
    outcomes[-1] = Failure("internal_error", "=HYPERLINK(1)")
    rows = cohort_rows(recordings, outcomes, out)
    write_cohort(rows, tmp_path)
    table = read_csv(tmp_path / "cohort.csv")
    for row, name in zip(table, NAMES, strict=True):
        for text in row.values():
            assert not text or text[0] not in "=+@\t\r\n\uff1d\uff0b\uff0d\uff20"
            assert not text.startswith("-") or float(text) < 0
        # They still name the files.
        assert Path(row["file"]) == Path(f"{name}.mp4")
        if row["summary_file"]:
            assert Path(row["summary_file"]) == Path(f"{name}.summary.json")
    assert table[-1]["failure_message"] == "'=HYPERLINK(1)"
    # Parquet has no formulas: names are as they are.
    frame = pd.read_parquet(tmp_path / "cohort.parquet")
    assert list(frame["file"]) == [f"{name}.mp4" for name in NAMES]


@pytest.mark.slow
def test_a_folder_of_hostile_names(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("=1+1", "two\nlines\x1b[31m"):
        shutil.copy(clips / "tiny.mp4", folder / f"{name}.mp4")
    shutil.copy(clips / "tiny.mp4", os.fsencode(folder) + b"/\xff.mp4")
    (folder / "broken.mp4").symlink_to("nowhere")
    assert main(["analyze", str(folder), "--out", str(out)]) == 3
    captured = capsys.readouterr()
    assert captured.err.startswith("error: broken.mp4: no such file.")
    assert "\x1b" not in captured.out + captured.err
    assert "4 recordings: 3 not_assessable, 1 failed" in captured.out
    for path in out.glob("*.summary.json"):
        json.loads(path.read_text(encoding="utf-8"))
    assert len(list(out.glob("*.summary.json"))) == 3
    table = read_csv(out / "cohort.csv")
    assert [row["file"] for row in table] == [
        "./=1+1.mp4",
        "broken.mp4",
        "two\nlines\x1b[31m.mp4",
        "\N{REPLACEMENT CHARACTER}.mp4",
    ]


def test_a_folder_without_videos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    out = tmp_path / "out"
    assert main(["analyze", str(tmp_path / "in"), "--out", str(out)]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: no videos found")
    assert list(out.iterdir()) == []


def test_the_number_of_workers_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["analyze", "a.mp4", "--workers", "0"])
    assert caught.value.code == 2
    assert "--workers is 0, expected 1 or more" in capsys.readouterr().err
