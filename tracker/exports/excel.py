"""Results as an Excel workbook: a sheet for each table, and the data dictionary."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.exports.recordings import ExportedRecording, ExportInputError
from tracker.files.columns import (
    BLINK_COLUMNS,
    FRAME_COLUMNS,
    SACCADE_COLUMNS,
    SUMMARY_COLUMNS,
    Column,
    disarm_formula,
)
from tracker.files.documents import read_record
from tracker.files.fields import Field, PhaseFields
from tracker.files.participants import Participant
from tracker.files.whole import write_whole

if TYPE_CHECKING:
    import xlsxwriter

MAX_ROWS = 2**20
"""Rows of a sheet, by Excel's format."""
PERSON = tuple(one.name for one in fields(Participant))
NAME = "results.xlsx"


def export_excel(recordings: Iterable[ExportedRecording], out: Path) -> list[Path]:
    """Write ``results.xlsx``: recordings, blinks, saccades, phases, frames and dictionary.

    Each of these is a sheet, and the dictionary says what the columns of the others mean, except
    those that name the recording and the person. Text that a spreadsheet would run as a formula
    gets an apostrophe before it. `out` is an existing folder; an earlier ``results.xlsx`` in it is
    replaced. A list with the one file is returned. It needs the package XlsxWriter.

    Raises
    ------
    ExportInputError
        A sheet would have more rows than Excel can hold, or a table of a recording cannot be read.
        No workbook is written then.
    """
    recordings = list(recordings)

    def write(partial: Path) -> None:
        import xlsxwriter

        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(partial, options) as book:
            _write_recordings(book, recordings)
            _write_table(book, "blinks", BLINK_COLUMNS, recordings, ExportedRecording.read_blinks)
            _write_table(
                book, "saccades", SACCADE_COLUMNS, recordings, ExportedRecording.read_saccades
            )
            _write_phases(book, recordings)
            _write_table(book, "frames", FRAME_COLUMNS, recordings, ExportedRecording.read_frames)
            _write_dictionary(book)

    return [write_whole(out / NAME, write)]


class _Sheet:
    """A sheet of an Excel workbook, made with its header as the first row; `write` adds a row."""

    def __init__(self, book: "xlsxwriter.Workbook", name: str, header: Sequence[str]) -> None:
        self._name, self._next = name, 0
        self._sheet = book.add_worksheet(name)
        self._sheet.freeze_panes(1, 1)
        self.write(header)

    def write(self, values: Iterable[Any]) -> None:
        if self._next == MAX_ROWS:
            raise ExportInputError(
                f"Sheet {self._name} would have more than {MAX_ROWS} rows, which Excel cannot "
                "hold: export fewer recordings, or use --format ndjson."
            )
        for column, value in enumerate(values):
            if isinstance(value, str):
                self._sheet.write_string(self._next, column, disarm_formula(value))
            elif isinstance(value, bool):
                self._sheet.write_boolean(self._next, column, value)
            elif value is not None:
                self._sheet.write_number(self._next, column, value)
        self._next += 1


def _write_recordings(book: "xlsxwriter.Workbook", recordings: list[ExportedRecording]) -> None:
    names = [one.name for one in SUMMARY_COLUMNS]
    sheet = _Sheet(book, "recordings", ["recording", *PERSON, *names])
    for recording in recordings:
        person = [getattr(recording.participant, name, "") or None for name in PERSON]
        values = [one.read(recording.summary) for one in SUMMARY_COLUMNS]
        sheet.write([recording.name, *person, *values])


def _write_table(
    book: "xlsxwriter.Workbook",
    name: str,
    columns: Sequence[Column],
    recordings: list[ExportedRecording],
    read: Any,
) -> None:
    sheet = _Sheet(book, name, ["recording", *(one.name for one in columns)])
    for recording in recordings:
        for row in read(recording):
            sheet.write([recording.name, *row.values()])


def _write_phases(book: "xlsxwriter.Workbook", recordings: list[ExportedRecording]) -> None:
    names = [one.name for one in fields(PhaseFields)]
    sheet = _Sheet(book, "phases", ["recording", *names])
    for recording in recordings:
        for phase in recording.summary.phases:
            sheet.write([recording.name, *(getattr(phase, name) for name in names)])


def _write_dictionary(book: "xlsxwriter.Workbook") -> None:
    sheet = _Sheet(book, "dictionary", ["sheet", "column", "unit", "meaning", "label", "label_ko"])
    tables = {
        "recordings": SUMMARY_COLUMNS,
        "blinks": BLINK_COLUMNS,
        "saccades": SACCADE_COLUMNS,
        "frames": FRAME_COLUMNS,
    }
    for table, columns in tables.items():
        for one in columns:
            sheet.write([table, one.name, one.unit, one.meaning, one.en, one.ko])
    for name, (_, about) in read_record(PhaseFields).items():
        if isinstance(about, Field):
            sheet.write(["phases", name, about.unit, about.meaning, about.en, about.ko])
