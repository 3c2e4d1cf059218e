"""A row for each recording of a cohort, as CSV and Parquet."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet

from tracker.analysis import Measures
from tracker.assessment import Quality
from tracker.output import printable, write_whole
from tracker.parameters import Parameters
from tracker.recording import Failure, Outputs, Recording, Result

FAILED = "failed"
STATUSES = ("suspected", "not suspected", "not assessable", FAILED)
"""What can become of a recording, in words."""
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take for the beginning of a formula, full-width forms included."""

Outcome = Result | Failure
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column, and where in the summary it comes from (empty: from elsewhere)."""

    name: str
    kind: type
    path: tuple[str | int, ...] = ()


def cohort_rows(
    recordings: Sequence[Recording], outcomes: Sequence[Outcome], out: Path, outputs: Outputs
) -> list[Row]:
    """Return the table's rows, in the order of the recordings.

    Parameters
    ----------
    recordings : sequence of Recording
    outcomes : sequence of Result or Failure
        Of each.
    out : Path
        Where the table is written. Files are named from there.
    outputs : Outputs

    Returns
    -------
    list of dict
        All of the table's columns, in order; None where there is nothing.
    """
    return [
        _row(recording, outcome, out, outputs)
        for recording, outcome in zip(recordings, outcomes, strict=True)
    ]


def write_cohort(rows: Sequence[Row], out: Path, outputs: Outputs) -> list[Path]:
    """Write ``cohort.csv`` and ``cohort.parquet``.

    Both hold the same. In the CSV, text that a spreadsheet would run as a formula is made harmless:
    a file name begins with ``./`` then, other text with an apostrophe.

    Parameters
    ----------
    rows : sequence of dict
        From `cohort_rows`.
    out : Path
        An existing directory.
    outputs : Outputs

    Returns
    -------
    list of Path
    """
    columns = _columns(outputs)
    schema = pa.schema([(column.name, _ARROW_TYPES[column.kind]) for column in columns])
    table = pa.Table.from_pylist(list(rows), schema=schema)
    return [
        write_whole(out / "cohort.csv", lambda path: _write_csv(path, columns, rows)),
        write_whole(out / "cohort.parquet", lambda path: pyarrow.parquet.write_table(table, path)),
    ]


def describe_cohort(rows: Sequence[Row]) -> str:
    """Return how many recordings came out how, in a line for a person."""
    counts = Counter(row["status"] for row in rows)
    words = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    return f"{len(rows)} recordings: {words}"


_ARROW_TYPES = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def _row(recording: Recording, outcome: Outcome, out: Path, outputs: Outputs) -> Row:
    row: Row = dict.fromkeys(column.name for column in _columns(outputs))
    place = (recording.directory / recording.stem).relative_to(out)
    row |= {"recording": printable(place.as_posix()), "file": printable(recording.name)}
    if isinstance(outcome, Failure):
        return row | {
            "status": FAILED,
            "failure_code": outcome.code,
            "failure_message": printable(outcome.message_alone(recording)),
        }
    summary, assessment = outcome.summary, outcome.summary["assessment"]
    row |= {
        "status": assessment["status"].replace("_", " "),
        "reasons": " ".join(reason["code"] for reason in assessment["reasons"]),
        "cautions": " ".join(caution["code"] for caution in assessment["cautions"]),
    }
    for column in _columns(outputs):
        if column.path:
            value: Any = summary
            for step in column.path:
                value = value[step]
            row[column.name] = value
    for kind, path in outcome.files.items():
        row[f"{kind}_file"] = printable(path.relative_to(out).as_posix())
    return row


def _columns(outputs: Outputs) -> list[_Column]:
    """Return the columns in their order, which depends on no recording."""
    elsewhere = ("recording", "file", "status", "reasons", "cautions")
    return [
        *(_Column(name, str) for name in elsewhere),
        _Column("explanation", str, ("psp_rule_reason",)),
        _Column("failure_code", str),
        _Column("failure_message", str),
        *_copied("", (), psp_suspected=bool, frames_processed=int, fps=float),
        *_copied("", (), duration_sec_est=float),
        *(
            column
            for column in _copied("", (), **get_type_hints(Measures))
            # They stand before, under the names that the app knows.
            if column.name not in ("fps", "duration_s")
        ),
        *_copied("", (), framing_gain=float, task=str, partial=bool),
        *_copied("quality_", ("quality",), **get_type_hints(Quality)),
        *_copied("video_", ("video_meta",), width=int, height=int, fps=float, frame_count=int),
        *_copied("video_", ("video_meta",), frames_decoded=int, frames_failed=int),
        *_copied("video_", ("video_meta",), time_source=str, complete=bool),
        *_copied("sampling_", ("sampling",), step=int, effective_step=float),
        *_copied("sampling_", ("sampling",), effective_rate_hz=float, largest_step=int),
        *_copied("sampling_", ("sampling",), out_of_time=bool),
        *(
            column
            for column in _copied("parameter_", ("parameters",), **get_type_hints(Parameters))
            # Of the phases, which are no single value, `task` tells whether there were any.
            if column.path[-1] != "protocol"
        ),
        *_copied("", (), video_sha256=str, version=str),
        *(
            _Column(f"{kind}_file", str)
            for kind in Recording(Path(), Path(), "", "").files(outputs)
        ),
    ]


def _copied(prefix: str, path: tuple[str, ...], **hints: Any) -> Iterator[_Column]:
    """Return columns for values of the summary; two of an interval, its lower and upper end."""
    for name, hint in hints.items():
        if get_origin(hint) is tuple and name != "protocol":
            base = name.removesuffix("_ci95").removesuffix("_range")
            yield _Column(f"{prefix}{base}_low", float, (*path, name, 0))
            yield _Column(f"{prefix}{base}_high", float, (*path, name, 1))
        else:
            optional = [kind for kind in get_args(hint) if kind in _ARROW_TYPES]
            kind = hint if hint in _ARROW_TYPES else optional[0] if optional else str
            yield _Column(prefix + name, kind, (*path, name))


def _write_csv(path: Path, columns: Sequence[_Column], rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.name for column in columns)
        for row in rows:
            writer.writerow(_format(column.name, row[column.name]) for column in columns)


def _format(name: str, value: Any) -> Any:
    """Format a cell: missing is empty, flags are true and false, text is no formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA_BEGINNINGS):
        is_path = name in ("recording", "file") or name.endswith("_file")
        return f"./{value}" if is_path else f"'{value}"
    return value
