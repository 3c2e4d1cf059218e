"""Find and read the results that are exported, and name the person that each belongs to."""

import csv
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracker.files.columns import BLINK_COLUMNS, FRAME_COLUMNS, SACCADE_COLUMNS, Column
from tracker.files.documents import SummaryFileError, SummaryFormatError, load_summary
from tracker.files.fields import Summary
from tracker.files.names import ENDINGS, fold_name, printable, result_path, to_unicode
from tracker.files.participants import (
    Participant,
    Participants,
    ParticipantsError,
    read_participant_of,
)
from tracker.video.container import InputError

SUMMARY_ENDING = f".{ENDINGS['summary']}"
MAX_TABLE_BYTES = 2**30

Row = dict[str, Any]
"""A row of a table by the columns' names. What is missing is None."""


class ExportInputError(InputError):
    """A result cannot be exported; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ExportedRecording:
    """The result of a recording, as it was written to files.

    Attributes
    ----------
    name : str
        Path of the recording's files without their endings, relative to the folder that was
        searched. If several folders were searched, it begins with that folder's own name, as
        `analyze` does where it writes the results of several folders. For a file that the user
        named, it is `stem` alone. It is valid Unicode: see `to_unicode`. `find_results` gives each
        name once.
    directory : Path
        The folder of its files.
    stem : str
        Start of its files' names: ``STEM`` in ``STEM.summary.json``.
    summary : Summary
    participant : Participant or None
        Who was recorded, as the table of participants says, or else the summary; None if neither
        does.
    """

    name: str
    directory: Path
    stem: str
    summary: Summary
    participant: Participant | None

    @property
    def correction(self) -> str:
        """A sentence that says who corrected the blinks and other events, and when.

        Empty if nobody did.
        """
        one = self.summary
        return f"Corrected by {one.corrected_by}, {one.corrected_at}." if one.corrected else ""

    def read_frames(self) -> list[Row]:
        """Read ``STEM.frames.csv``: for each analysed frame, a dict of its values by column.

        A missing value, or a column that an earlier version did not write, is None. Raises
        `ExportInputError` if the file is missing or damaged.
        """
        return _read_table(result_path(self.directory, self.stem, "frames"), FRAME_COLUMNS)

    def read_blinks(self) -> list[Row]:
        """Read ``STEM.blinks.csv``: a dict of the values by column for each row.

        A row is a closure of both eyes: a blink, a prolonged closure or a flutter. A missing value,
        or a column that an earlier version did not write, is None. Raises `ExportInputError` if the
        file is missing or damaged.
        """
        return _read_table(result_path(self.directory, self.stem, "blinks"), BLINK_COLUMNS)

    def read_saccades(self) -> list[Row]:
        """Read ``STEM.saccades.csv``: a dict of the values by column for each row.

        A listed step of the gaze has three rows, for the mean of both eyes, the left and the right
        one, also if it does not count (corrections and steps outside the phases are not listed). So
        has a phase that asks for a step that was not found. A missing value, or a column that an
        earlier version did not write, is None. A version that did not look for saccades wrote no
        table: the list is then empty. Raises `ExportInputError` if the file is otherwise missing,
        or damaged.
        """
        path, one = result_path(self.directory, self.stem, "saccades"), self.summary
        looked = one.vertical_saccade_count is not None or one.vertical_saccade_time_ms_reason
        return _read_table(path, SACCADE_COLUMNS) if looked or path.exists() else []


def find_results(
    paths: Sequence[Path], participants: Participants
) -> Iterator[ExportedRecording | InputError]:
    """Find and read the summaries among files and in directories and their sub-directories.

    Parameters
    ----------
    paths : sequence of Path
        Directories, and files of the name ``STEM.summary.json``.
    participants : Participants
        Says who was recorded. If it does not name a recording, the person in the summary counts.

    Yields
    ------
    ExportedRecording or InputError
        A recording, or the error (not raised) why a summary or a folder cannot be read. In the
        order of `paths`, and within a directory by path, after its errors of folders; each file
        once. Files and, within a directory, folders whose names begin with a dot are left out.

    Raises
    ------
    ExportInputError
        Two recordings would have the same name, or names that some file systems treat as the same:
        one could not be told from the other in what is written, or take its place. It is raised
        when the second is reached, after those before it were yielded.
    """
    seen: set[str] = set()
    taken: dict[str, Path] = {}
    several = sum(path.is_dir() for path in paths) > 1
    for root in paths:
        files, errors = _list_summaries(root) if root.is_dir() else ([root], [])
        yield from errors
        for path in files:
            inner = path.relative_to(root) if root.is_dir() else Path(path.name)
            real = os.path.realpath(path)
            if real in seen or inner.name.startswith("."):
                continue
            seen.add(real)
            stem = path.name.removesuffix(SUMMARY_ENDING)
            folder = root.resolve().name if several and root.is_dir() else ""
            name = to_unicode((folder / inner.parent / stem).as_posix())
            other = taken.setdefault(fold_name(name), path)
            if other is not path:
                remedy = "Name the folder that holds both instead"
                if path.parent == other.parent:
                    remedy = "Rename the files of one"
                raise ExportInputError(
                    f"{printable(other)} and {printable(path)} would both be called "
                    f"{printable(name)}. {remedy}, or export one at a time with an --out "
                    "DIR each."
                )
            try:
                summary, said = _read_summary(path)
            except InputError as error:
                yield error
                continue
            person = participants.find(name, summary.source, path.parent) or said
            yield ExportedRecording(name, path.parent, stem, summary, person)


def _list_summaries(root: Path) -> tuple[list[Path], list[ExportInputError]]:
    """Return the summaries in a directory and below it, in order of their paths.

    Folders whose names begin with a dot are left out. The second list has an error for each folder
    that cannot be read.
    """
    failed: list[OSError] = []
    found = []
    for folder, folders, names in os.walk(root, onerror=failed.append):
        # In place, because os.walk descends into this very list.
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(folder, name) for name in names if name.endswith(SUMMARY_ENDING)]
    return sorted(found), [
        ExportInputError(f"{printable(error.filename)}: cannot be read ({error.strerror}).")
        for error in failed
    ]


def _read_summary(path: Path) -> tuple[Summary, Participant | None]:
    """Return a summary, and the person that it names; None if it names none.

    Raises `ExportInputError` if the file cannot be read, is not called ``STEM.summary.json``, or is
    no summary that this version can export.
    """
    name = printable(path.name)
    if not path.name.endswith(SUMMARY_ENDING):
        raise ExportInputError(f"{name}: name a STEM{SUMMARY_ENDING}, or a folder with some.")
    try:
        summary = load_summary(path)
        return summary, read_participant_of(summary)
    except SummaryFileError as error:
        raise ExportInputError(
            f"{name}: {error}. Check that it is there, and that you may read it."
        ) from error
    except (SummaryFormatError, ParticipantsError) as error:
        raise ExportInputError(
            f"{name}: not a summary that this version can export: {error}. Make it anew with "
            "`eye-tracker reanalyze`."
        ) from error


def _read_table(path: Path, columns: Sequence[Column]) -> list[Row]:
    name = printable(path.name)
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise ExportInputError(f"{name}: tables over {MAX_TABLE_BYTES >> 30} GB are not read.")
        with path.open(newline="", encoding="utf-8") as file:
            return [
                {one.name: _parse(one, row.get(one.name)) for one in columns}
                for row in csv.DictReader(file, strict=True)
            ]
    except FileNotFoundError as error:
        raise ExportInputError(
            f"{name}: is missing beside its summary. Analyse the recording again."
        ) from error
    except (OSError, csv.Error, ValueError) as error:
        raise ExportInputError(
            f"{name}: is damaged ({error}). Analyse the recording again."
        ) from error


def _parse(column: Column, text: str | None) -> Any:
    """Return a value of a table, as `tracker.files.tables` wrote it, in the type `column.kind`.

    An empty or missing text is None. Raises ValueError for a text that is no value of the column,
    also for NaN and infinity.
    """
    if not text:
        return None
    if column.kind is bool:
        return {"true": True, "false": False}[text] if text in ("true", "false") else _refuse(text)
    value = column.kind(text)
    if column.kind is float and not math.isfinite(value):
        _refuse(text)
    return value


def _refuse(text: str) -> Any:
    raise ValueError(f"{text!r:.40} is no value of its column")
