"""Workbooks, read with another library than the one that writes them."""

from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from tests.made_results import DOWN, FPS, PHASES
from tracker.exports import excel
from tracker.exports.excel import export_excel
from tracker.exports.recordings import ExportedRecording, ExportInputError
from tracker.files.participants import Participant


@pytest.fixture
def book(recordings: list[ExportedRecording], tmp_path: Path) -> openpyxl.Workbook:
    (path,) = export_excel(recordings, tmp_path)
    return openpyxl.load_workbook(path)


def read(book: openpyxl.Workbook, sheet: str) -> list[dict]:
    header, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_each_table_is_a_sheet(
    book: openpyxl.Workbook, recordings: list[ExportedRecording]
) -> None:
    assert book.sheetnames == [
        "recordings",
        "blinks",
        "saccades",
        "phases",
        "frames",
        "dictionary",
    ]
    first = read(book, "recordings")[1]
    assert (first["recording"], first["participant_id"]) == ("p-01/first", "p-01")
    assert first["vertical_peak_to_peak"] == recordings[1].summary.vertical_peak_to_peak
    assert first["psp_suspected"] is False
    frames = [row for row in read(book, "frames") if row["recording"] == "p-01/first"]
    assert len(frames) == 24 * FPS
    assert frames[400]["v_offset"] == pytest.approx(DOWN, abs=0.01)
    assert [row["phase"] for row in read(book, "phases")] == [one.phase for one in PHASES]
    assert [row["kind"] for row in read(book, "blinks")] == ["blink"] * 3
    (both, _, _) = [row for row in read(book, "saccades") if row["direction"] == "down"]
    assert (both["recording"], both["eye"], both["phase"]) == ("p-01/first", "both", "up")
    assert both["middle_s"] == pytest.approx(12.0, abs=1 / FPS)


def test_the_dictionary_explains_every_column(book: openpyxl.Workbook) -> None:
    explained = {(row["sheet"], row["column"]) for row in read(book, "dictionary")}
    for sheet in ("recordings", "blinks", "saccades", "phases", "frames"):
        names = {cell.value for cell in next(book[sheet].iter_rows())}
        own = {"recording", "participant_id", "group", "visit", "date"}
        assert {(sheet, name) for name in names - own} <= explained


def test_no_text_runs_as_a_formula(book: openpyxl.Workbook) -> None:
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert not str(cell.value or "").startswith(("=", "@")), cell.value
    first = read(book, "recordings")[0]
    assert first["participant_id"] == "'=HYPERLINK(1)"
    assert first["group"] == "'@control"
    assert first["source"] == "'-2+3.mp4"


def test_different_ids_stay_different(recordings: list[ExportedRecording], tmp_path: Path) -> None:
    ids = ["=1", "'=1", "''=1", "'1", "1"]
    people = [replace(recordings[0], participant=Participant(one)) for one in ids]
    (path,) = export_excel(people, tmp_path)
    rows = read(openpyxl.load_workbook(path), "recordings")
    assert [row["participant_id"] for row in rows] == ["'=1", "''=1", "'''=1", "'1", "1"]


def test_a_table_that_a_sheet_cannot_hold_is_refused(
    recordings: list[ExportedRecording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excel, "MAX_ROWS", 700)
    with pytest.raises(ExportInputError, match="--format ndjson"):
        export_excel(recordings, tmp_path)
    assert list(tmp_path.iterdir()) == []
