"""The table of the results of many recordings, as rows of `RESULT_COLUMNS`; and its Athena table.

In AWS, the results of each analysed cohort are written as one Parquet file, into folders by date.
The file is named after the run (the execution of a state machine) that analysed the cohort.
`make_athena_table` returns the statement that makes a table of them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tracker.files.columns import COHORT_COLUMNS
from tracker.files.documents import parse_summary
from tracker.files.parquet import write_parquet

FAILED = "failed"
PARTITION = "date"
"""Name of the column that the folders make, such as ``date=2026-01-31``."""
OF_A_FOLDER = ("participant_id", "group", "visit", "date", "outliers", "overlay_file")
"""Columns of a folder's table that are left out here, because a bucket has no values for them: it
has no list of participants, and outliers are only known when all results are there."""
RESULT_COLUMNS = tuple(one for one in COHORT_COLUMNS if one.name not in OF_A_FOLDER)
ATHENA_TYPES = {str: "string", int: "bigint", float: "double", bool: "boolean"}


def write_results(path: Path, results: Iterable[Mapping[str, Any]]) -> Path:
    """Write the results of many recordings as Parquet.

    Parameters
    ----------
    path : Path
        The file to write, in an existing folder; an earlier one is replaced.
    results : iterable of mapping
        Each holds as ``file`` the video's key, its name in the bucket. If the video was analysed,
        it also holds ``analysis_id``, ``summary`` (the JSON document) and ``files`` (the place of
        each written file, by the keys of `tracker.files.columns.FILE_KINDS`). If not, it holds
        instead ``code`` and ``error``, the failure's code and message; its row then has the status
        "failed".

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    SummaryFormatError
        A ``summary`` is no summary, or lacks a field that is never null. No file is written.
    """
    return write_parquet(path, RESULT_COLUMNS, [_make_row(one) for one in results])


def _make_row(result: Mapping[str, Any]) -> dict[str, Any]:
    if "code" in result:
        return {
            "file": result["file"],
            "status": FAILED,
            "failure_code": result["code"],
            "failure_message": result["error"],
        }
    summary, _ = parse_summary(result["summary"])
    row = {column.name: column.read(summary) for column in RESULT_COLUMNS if column.path}
    return row | {
        "recording": result["analysis_id"],
        "file": result["file"],
        "reasons": " ".join(one.code for one in summary.assessment.reasons),
        "cautions": " ".join(one.code for one in summary.assessment.cautions),
        **{f"{kind}_file": place for kind, place in result["files"].items()},
    }


def make_athena_table() -> str:
    """Return the SQL statement with which Amazon Athena makes one table of the results of all runs.

    These are the Parquet files that `write_results` wrote. The statement is kept in
    ``docs/athena.sql``.
    """
    lines = [f"  `{one.name}` {ATHENA_TYPES[one.kind]}" for one in RESULT_COLUMNS]
    columns = ",\n".join(lines)
    return f"""-- Made by `make docs` from tracker/files/columns.py. The LOCATION is your bucket.
CREATE EXTERNAL TABLE eye_tracking (
{columns}
)
PARTITIONED BY (`{PARTITION}` string)
STORED AS PARQUET
LOCATION 's3://seoul-ht-09/cohort-results/table/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.{PARTITION}.type' = 'date',
  'projection.{PARTITION}.format' = 'yyyy-MM-dd',
  'projection.{PARTITION}.range' = '2026-01-01,NOW'
);
"""
