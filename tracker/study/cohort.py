"""The table of a cohort, the recordings analysed together, as CSV and Parquet.

Each recording has a row, which also names the measures in which it is unlike the others.
"""

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from tracker.files.columns import (
    COHORT_COLUMNS,
    disarm_formula,
    explain_missing_parquet,
    make_arrow_schema,
)
from tracker.files.fields import STATUSES
from tracker.files.names import to_unicode
from tracker.files.participants import NOBODY, Participant, Participants
from tracker.files.whole import write_whole
from tracker.study.recording import Failure, FinishedRecording, Recording, find_person

FAILED = "failed"
OUTCOMES = (*STATUSES, FAILED)
"""Possible outcomes of a recording."""
OUTLIER_LIMIT = 3.5
OUTLIER_LEAST = 10
"""With fewer recordings than this, none is called an outlier."""
OUTLIER_MEASURES = (
    "vertical_peak_to_peak",
    "blink_rate_per_min",
    "blink_duration_median_s",
    "perclos",
    "quality_canthal_distance_px",
    "quality_sharpness",
    "quality_contrast_over_noise",
)

Outcome = FinishedRecording | Failure
Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Row:
    """A recording of a cohort: its row of the table.

    Attributes
    ----------
    recording : str
        Path of its files without their endings, relative to the table's folder, as ``a/clip``.
    file : str
        The video's name, with the folders below the one that was searched, as ``a/clip.mp4``.
    status : str
        One of `OUTCOMES`: a status of the assessment, or ``failed`` without a result.
    participant : Participant or None
        Who was recorded; None if the table of participants does not say it.
    reasons, cautions : tuple of str
        Codes of findings: why the recording is not assessable or the answer borderline (else none),
        and what limits the numbers without ruling out an answer. A code may be in both.
    outliers : tuple of str
        Those of `OUTLIER_MEASURES` in which the recording is unlike the others.
    failure_code, failure_message : str or None
        Why there is no result; None if there is one.
    values : mapping of str to (str, int, float, bool or None)
        Values of the table's columns that come from the summary, by the column's name; None if
        missing. Empty without a result.
    files : mapping of str to str
        Path of each file by its kind, such as ``report``, relative to the table's folder; empty
        without a result.
    """

    recording: str
    file: str
    status: str
    participant: Participant | None = None
    reasons: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    outliers: tuple[str, ...] = ()
    failure_code: str | None = None
    failure_message: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_failed(self) -> bool:
        """Whether the recording has no result, because its analysis failed."""
        return self.status == FAILED

    def number(self, name: str) -> float | None:
        """Return the number, or the flag, that `values` has for a column; None if it has none.

        `name` must not be a column of text.
        """
        value = self.values.get(name)
        assert not isinstance(value, str), name
        return value

    def cells(self) -> dict[str, Value]:
        """Return the row's values by the table's columns, in their order; None if one is missing.

        Codes are joined by spaces: "" if a recording with a result has none. After the columns come
        the files that have no column, such as the corrections (``corrections_file``).
        """
        cells: dict[str, Value] = dict.fromkeys(column.name for column in COHORT_COLUMNS)
        cells |= self.values
        cells |= {"recording": self.recording, "file": self.file, "status": self.status}
        if self.participant is not None:
            cells |= {name: text or None for name, text in asdict(self.participant).items()}
        cells |= {"failure_code": self.failure_code, "failure_message": self.failure_message}
        if not self.has_failed:
            for name in ("reasons", "cautions", "outliers"):
                cells[name] = " ".join(getattr(self, name))
        return cells | {f"{kind}_file": path for kind, path in self.files.items()}


@dataclass(frozen=True, slots=True)
class Spread:
    """The usual values of a measure in a cohort.

    Attributes
    ----------
    median, low, high : float
        In the measure's unit. A value below `low` or above `high` is an outlier. These two are NaN
        if outliers are not judged; the median is NaN only if there is no value at all.
    count : int
        Number of recordings whose values these are computed from.
    """

    median: float
    low: float
    high: float
    count: int

    @property
    def is_judged(self) -> bool:
        """Whether outliers are judged: whether `low` and `high` are numbers, not NaN."""
        return self.low < self.high


def cohort_rows(
    recordings: Sequence[Recording],
    outcomes: Sequence[Outcome],
    out: Path,
    participants: Participants = NOBODY,
) -> list[Row]:
    """Return a row for each recording, in the same order, with the outliers filled in.

    Parameters
    ----------
    recordings : sequence of Recording
        All of them have their results in `out` or below.
    outcomes : sequence of FinishedRecording or Failure
        One for each recording, in the same order.
    out : Path
        Folder of the table. Paths of files in the table are relative to it.
    participants : Participants
        The only source of who was recorded: `Recording.participant` is not used.

    Returns
    -------
    list of Row
    """
    rows = [
        replace(
            _row(recording, outcome, out),
            participant=find_person(participants, recording),
        )
        for recording, outcome in zip(recordings, outcomes, strict=True)
    ]
    spreads = {name: measure_spread(rows, name) for name in OUTLIER_MEASURES}
    return [
        replace(
            row, outliers=tuple(name for name in spreads if is_outlier(row, name, spreads[name]))
        )
        for row in rows
    ]


def measure_spread(rows: Sequence[Row], name: str) -> Spread:
    """Measure the usual values of a measure in a cohort.

    Parameters
    ----------
    rows : sequence of Row
    name : str
        One of `OUTLIER_MEASURES`.

    Returns
    -------
    Spread
        From the values of all rows that have one; of the vertical range, only of rows that are
        assessable. The limits are 3.5 * MAD / 0.6745 below and above the median, where MAD is the
        median distance from the median [1]_. Outliers are not judged if there are fewer than
        `OUTLIER_LEAST` values, or if more than half of them are equal.

    References
    ----------
    .. [1] B. Iglewicz, D. C. Hoaglin, How to Detect and Handle Outliers, ASQC Quality Press, 1993:
       the modified z-score 0.6745 (x - median) / MAD, and its limit 3.5.
    """
    values = np.array([row.number(name) for row in rows if _counts(row, name)], dtype=np.float64)
    if not values.size:
        return Spread(math.nan, math.nan, math.nan, 0)
    median = float(np.median(values))
    deviation = float(np.median(np.abs(values - median)))
    if values.size < OUTLIER_LEAST or not deviation:
        return Spread(median, math.nan, math.nan, values.size)
    reach = OUTLIER_LIMIT * deviation / 0.6745
    return Spread(median, median - reach, median + reach, values.size)


def is_outlier(row: Row, name: str, spread: Spread) -> bool:
    """Return whether a recording's value is below `spread.low` or above `spread.high`.

    `name` is the measure's column, and `spread` what `measure_spread` found for this measure. False
    if outliers are not judged, if the value is missing, or for the vertical range of a recording
    that is not assessable.
    """
    value = row.number(name)
    if value is None or not spread.is_judged or not _counts(row, name):
        return False
    return not spread.low <= value <= spread.high


def _counts(row: Row, name: str) -> bool:
    """Return whether a row's value in column `name` counts for the usual values and for outliers.

    False for a missing value, and for the vertical range of a recording that is not assessable. The
    other measures of such a recording count.
    """
    is_gaze = name == "vertical_peak_to_peak"
    is_assessed = row.status not in ("not_assessable", FAILED)
    return row.number(name) is not None and (is_assessed or not is_gaze)


def write_cohort(rows: Sequence[Row], out: Path) -> list[Path]:
    """Write ``cohort.csv`` and, where pyarrow is installed, ``cohort.parquet``.

    Existing ones are replaced; without pyarrow, an existing ``cohort.parquet`` is removed. Both
    files hold the same. In the CSV, text that a spreadsheet would run as a formula is made
    harmless: ``./`` is put before a file name, and an apostrophe before other text.

    Parameters
    ----------
    rows : sequence of Row
        From `cohort_rows`.
    out : Path
        An existing directory.

    Returns
    -------
    list of Path
        The files that were written, the CSV first.
    """
    written = [write_whole(out / "cohort.csv", lambda path: _write_csv(path, rows))]
    parquet = out / "cohort.parquet"
    if explain_missing_parquet() is None:
        written.append(write_whole(parquet, lambda path: _write_parquet(path, rows)))
    else:  # one of an earlier run would hold other recordings
        parquet.unlink(missing_ok=True)
    return written


def describe_cohort(rows: Sequence[Row]) -> str:
    """Return how many recordings had each outcome, as a line of text without its end.

    For example ``3 recordings: 1 suspected, 2 failed``: outcomes that none had are left out.
    """
    counts = Counter(row.status for row in rows)
    words = ", ".join(f"{counts[status]} {status}" for status in OUTCOMES if counts[status])
    return f"{len(rows)} recordings: {words}"


def _row(recording: Recording, outcome: Outcome, out: Path) -> Row:
    stem = (recording.directory / recording.stem).relative_to(out)
    name, file = to_unicode(stem.as_posix()), to_unicode(recording.name)
    if isinstance(outcome, Failure):
        message = to_unicode(outcome.message_alone(recording))
        return Row(name, file, FAILED, failure_code=outcome.code, failure_message=message)
    assessment = outcome.summary.assessment
    return Row(
        name,
        file,
        assessment.status,
        reasons=tuple(reason.code for reason in assessment.reasons),
        cautions=tuple(caution.code for caution in assessment.cautions),
        values={
            column.name: column.read(outcome.summary) for column in COHORT_COLUMNS if column.path
        },
        files={
            kind: to_unicode(path.relative_to(out).as_posix())
            for kind, path in outcome.files.items()
        },
    )


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.name for column in COHORT_COLUMNS)
        for row in rows:
            cells = row.cells()
            writer.writerow(
                format_cell(column.name, cells[column.name]) for column in COHORT_COLUMNS
            )


def _write_parquet(path: Path, rows: Sequence[Row]) -> None:
    # Pyarrow takes a tenth of a second to import.
    import pyarrow as pa
    import pyarrow.parquet

    schema = make_arrow_schema(COHORT_COLUMNS)
    table = pa.Table.from_pylist([row.cells() for row in rows], schema=schema)
    pyarrow.parquet.write_table(table, path)


def format_cell(name: str, value: Value) -> Value:
    """Return a value of column `name` as it is written to the CSV.

    A flag becomes the text ``true`` or ``false``. Before text that a spreadsheet would run as a
    formula, ``./`` is put if the column holds a path, and else an apostrophe. Every other value,
    also None, is returned as it is.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        is_path = name in ("recording", "file") or name.endswith("_file")
        return disarm_formula(value, "./" if is_path else "'")
    return value
