"""A row for each recording of a cohort, as CSV and Parquet, and which are unlike the others."""

import csv
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from tracker.files.names import to_unicode
from tracker.files.whole import write_whole
from tracker.measures.analysis import Measures
from tracker.measures.quality import Quality
from tracker.parameters import Parameters
from tracker.study.recording import Failure, Outputs, Recording, Result

FAILED = "failed"
STATUSES = ("suspected", "not suspected", "not assessable", FAILED)
"""What can become of a recording, in words."""
OUTLIER_LIMIT = 3.5
OUTLIER_LEAST = 10
"""Recordings with fewer of which nothing is called an outlier."""
OUTLIER_MEASURES = (
    "vertical_peak_to_peak",
    "blink_rate_per_min",
    "blink_duration_median_s",
    "perclos",
    "quality_canthal_distance_px",
    "quality_sharpness",
    "quality_contrast_over_noise",
)
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take for the beginning of a formula, full-width forms included."""

Outcome = Result | Failure
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and where in the summary it comes from (empty: from elsewhere)."""

    name: str
    kind: type
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Spread:
    """What is usual in a cohort for a measure.

    Attributes
    ----------
    median, low, high : float
        Beyond the latter two, a value is an outlier; NaN where that is not judged.
    count : int
        Recordings that are judged and have the measure.
    """

    median: float
    low: float
    high: float
    count: int

    @property
    def is_judged(self) -> bool:
        """Whether there is enough to call anything an outlier."""
        return self.low < self.high


def cohort_rows(
    recordings: Sequence[Recording], outcomes: Sequence[Outcome], out: Path
) -> list[Row]:
    """Return the table's rows, in the order of the recordings.

    Parameters
    ----------
    recordings : sequence of Recording
    outcomes : sequence of Result or Failure
        Of each.
    out : Path
        Where the table is written. Files are named from there.

    Returns
    -------
    list of dict
        All of the table's columns, in order; None where there is nothing.
    """
    rows = [
        _row(recording, outcome, out)
        for recording, outcome in zip(recordings, outcomes, strict=True)
    ]
    spreads = {name: measure_spread(rows, name) for name in OUTLIER_MEASURES}
    for row in rows:
        if row["status"] != FAILED:
            found = [name for name, spread in spreads.items() if is_outlier(row, name, spread)]
            row["outliers"] = " ".join(found)
    return rows


def measure_spread(rows: Sequence[Row], name: str) -> Spread:
    """Measure within what a value of a cohort is usual.

    Parameters
    ----------
    rows : sequence of dict
    name : str
        Of `OUTLIER_MEASURES`.

    Returns
    -------
    Spread
        Not judged with fewer than `OUTLIER_LEAST` values, or where more than half are the same.

    References
    ----------
    .. [1] B. Iglewicz, D. C. Hoaglin, How to Detect and Handle Outliers, ASQC Quality Press, 1993:
       the modified z-score 0.6745 (x - median) / MAD, and its limit 3.5.
    """
    values = np.array([row[name] for row in rows if _counts(row, name)], dtype=np.float64)
    if not values.size:
        return Spread(math.nan, math.nan, math.nan, 0)
    median = float(np.median(values))
    deviation = float(np.median(np.abs(values - median)))
    if values.size < OUTLIER_LEAST or not deviation:
        return Spread(median, math.nan, math.nan, values.size)
    reach = OUTLIER_LIMIT * deviation / 0.6745
    return Spread(median, median - reach, median + reach, values.size)


def is_outlier(row: Row, name: str, spread: Spread) -> bool:
    """Tell whether a recording's value is unlike those of its cohort."""
    judged = spread.is_judged and _counts(row, name)
    return judged and not spread.low <= row[name] <= spread.high


def _counts(row: Row, name: str) -> bool:
    """Tell whether a row's value says something: a gaze that is not assessable does not."""
    is_gaze = name == "vertical_peak_to_peak"
    return row[name] is not None and not (is_gaze and row["status"] not in STATUSES[:2])


def write_cohort(rows: Sequence[Row], out: Path) -> list[Path]:
    """Write ``cohort.csv`` and ``cohort.parquet``.

    Both hold the same. In the CSV, text that a spreadsheet would run as a formula is made harmless:
    a file name begins with ``./`` then, other text with an apostrophe.

    Parameters
    ----------
    rows : sequence of dict
        From `cohort_rows`.
    out : Path
        An existing directory.

    Returns
    -------
    list of Path
    """
    # Pyarrow takes a tenth of a second to import, and sweeps name their columns as here.
    import pyarrow as pa
    import pyarrow.parquet

    columns = _columns()
    schema = pa.schema([(column.name, ARROW_TYPES[column.kind]) for column in columns])
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


ARROW_TYPES = {str: "string", int: "int64", float: "float64", bool: "bool"}
"""As pyarrow names them."""


def _row(recording: Recording, outcome: Outcome, out: Path) -> Row:
    row: Row = dict.fromkeys(column.name for column in _columns())
    place = (recording.directory / recording.stem).relative_to(out)
    row |= {"recording": to_unicode(place.as_posix()), "file": to_unicode(recording.name)}
    if isinstance(outcome, Failure):
        return row | {
            "status": FAILED,
            "failure_code": outcome.code,
            "failure_message": to_unicode(outcome.message_alone(recording)),
        }
    summary, assessment = outcome.summary, outcome.summary["assessment"]
    row |= {
        "status": assessment["status"].replace("_", " "),
        "reasons": " ".join(reason["code"] for reason in assessment["reasons"]),
        "cautions": " ".join(caution["code"] for caution in assessment["cautions"]),
    }
    for column in _columns():
        if column.path:
            value: Any = summary
            for step in column.path:
                value = value[step]
            row[column.name] = value
    for kind, path in outcome.files.items():
        row[f"{kind}_file"] = to_unicode(path.relative_to(out).as_posix())
    return row


def _columns() -> list[Column]:
    """Return the columns in their order, which depends on no recording and no option."""
    elsewhere = ("recording", "file", "status", "reasons", "cautions", "outliers")
    every = Outputs(overlay=True, report="en")
    return [
        *(Column(name, str) for name in elsewhere),
        Column("explanation", str, ("psp_rule_reason",)),
        Column("failure_code", str),
        Column("failure_message", str),
        *copied_columns("", (), psp_suspected=bool, frames_processed=int, fps=float),
        *copied_columns("", (), duration_sec_est=float),
        *(
            column
            for column in copied_columns("", (), **get_type_hints(Measures))
            # They stand before, under the names that the app knows.
            if column.name not in ("fps", "duration_s")
        ),
        *copied_columns("", (), framing_gain=float, task=str, partial=bool),
        *copied_columns("quality_", ("quality",), **get_type_hints(Quality)),
        *copied_columns(
            "video_", ("video_meta",), width=int, height=int, fps=float, frame_count=int
        ),
        *copied_columns("video_", ("video_meta",), frames_decoded=int, frames_failed=int),
        *copied_columns("video_", ("video_meta",), time_source=str, complete=bool),
        *copied_columns("sampling_", ("sampling",), step=int, effective_step=float),
        *copied_columns("sampling_", ("sampling",), effective_rate_hz=float, largest_step=int),
        *copied_columns("sampling_", ("sampling",), out_of_time=bool),
        *(
            column
            for column in copied_columns(
                "parameter_", ("parameters",), **get_type_hints(Parameters)
            )
            # Of the phases, which are no single value, `task` tells whether there were any.
            if column.path[-1] != "protocol"
        ),
        *copied_columns("", (), video_sha256=str, version=str),
        *(Column(f"{kind}_file", str) for kind in Recording(Path(), Path(), "", "").files(every)),
    ]


def copied_columns(prefix: str, path: tuple[str, ...], **hints: Any) -> Iterator[Column]:
    """Return columns for values of the summary; two of an interval, its lower and upper end."""
    for name, hint in hints.items():
        if get_origin(hint) is tuple and name != "protocol":
            base = name.removesuffix("_ci95").removesuffix("_range")
            yield Column(f"{prefix}{base}_low", float, (*path, name, 0))
            yield Column(f"{prefix}{base}_high", float, (*path, name, 1))
        else:
            optional = [kind for kind in get_args(hint) if kind in ARROW_TYPES]
            kind = hint if hint in ARROW_TYPES else optional[0] if optional else str
            yield Column(prefix + name, kind, (*path, name))


def _write_csv(path: Path, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.name for column in columns)
        for row in rows:
            writer.writerow(format_cell(column.name, row[column.name]) for column in columns)


def format_cell(name: str, value: Any) -> Any:
    """Format a cell: missing is empty, flags are true and false, text is no formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA_BEGINNINGS):
        is_path = name in ("recording", "file") or name.endswith("_file")
        return f"./{value}" if is_path else f"'{value}"
    return value
