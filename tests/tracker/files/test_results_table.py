"""The table of many results: every column, readable where it is said to be."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet
import pytest

from tests.made_tracks import make_landmarks, make_track
from tracker.files.columns import COHORT_COLUMNS, make_arrow_schema
from tracker.files.documents import SummaryFormatError
from tracker.files.results_table import (
    OF_A_FOLDER,
    RESULT_COLUMNS,
    make_athena_table,
    write_results,
)
from tracker.files.summary import summarize
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Return a summary, as the API answers with it."""
    track = make_track(make_landmarks(np.full(720, 0.3), 0.1 * np.sin(np.arange(720) / 50)))
    analysis = analyze_track(track, Parameters())
    text = json.dumps(summarize(analysis, assess(analysis), "clip").to_dict())
    made: dict[str, Any] = json.loads(text)
    return made


def make_results(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    files = {"summary": "s3://b/summary.json", "frames": "s3://b/frames.csv"}
    done = {"file": "cohorts/홍.mp4", "analysis_id": "a" * 32, "summary": document, "files": files}
    return [done, {"file": "cohorts/b.mp4", "code": "undecodable", "error": "damaged"}]


def test_each_column_is_the_summarys_value(tmp_path: Path, document: dict[str, Any]) -> None:
    path = write_results(tmp_path / "a.parquet", make_results(document))
    table = pyarrow.parquet.read_table(path)
    # The same columns as those of a folder's table, but for those that only a folder has.
    assert table.schema.equals(make_arrow_schema(RESULT_COLUMNS), check_metadata=False)
    left_out = {one.name for one in COHORT_COLUMNS} - set(table.column_names)
    assert left_out == set(OF_A_FOLDER)
    done, failed = table.to_pylist()
    assert (done["recording"], done["file"]) == ("a" * 32, "cohorts/홍.mp4")
    assert done["vertical_peak_to_peak"] == document["vertical_peak_to_peak"]
    assert done["status"] == document["assessment"]["status"]
    assert done["reasons"].split() == [one["code"] for one in document["assessment"]["reasons"]]
    assert done["frames_file"] == "s3://b/frames.csv"
    assert done["track_file"] is None
    low, high = document["vertical_peak_to_peak_ci95"]
    assert (done["vertical_peak_to_peak_low"], done["vertical_peak_to_peak_high"]) == (low, high)
    for column in RESULT_COLUMNS:
        if column.path:
            value: Any = document
            for part in column.path.split("."):
                value = value[part]
            assert done[column.name] == (value if column.end is None else value[column.end])
    told = {name: value for name, value in failed.items() if value is not None}
    assert told == {
        "file": "cohorts/b.mp4",
        "status": "failed",
        "failure_code": "undecodable",
        "failure_message": "damaged",
    }


def test_what_is_no_summary_is_no_row(tmp_path: Path, document: dict[str, Any]) -> None:
    results = make_results({**document, "blink_count": "many"})
    with pytest.raises(SummaryFormatError, match="blink_count"):
        write_results(tmp_path / "a.parquet", results)
    assert list(tmp_path.iterdir()) == []


def test_duckdb_reads_the_folders_of_all_days(tmp_path: Path, document: dict[str, Any]) -> None:
    for day in ("2026-11-27", "2026-11-28"):
        folder = tmp_path / f"date={day}"
        folder.mkdir()
        write_results(folder / "cohort-0.parquet", make_results(document))
    read = f"read_parquet('{tmp_path}/*/*.parquet', hive_partitioning = true)"
    counted = duckdb.sql(
        f"SELECT date::VARCHAR, status, count(*), avg(vertical_peak_to_peak) FROM {read} "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    status, value = document["assessment"]["status"], document["vertical_peak_to_peak"]
    assert counted == [
        (day, *row)
        for day in ("2026-11-27", "2026-11-28")
        for row in sorted([("failed", 1, None), (status, 1, value)])
    ]


# What Athena is told


def test_the_statement_in_the_docs_is_the_one_that_is_made() -> None:
    written = (DOCS / "athena.sql").read_text(encoding="utf-8")
    assert written == make_athena_table(), "run `make docs`"


def test_its_columns_are_those_of_the_files(tmp_path: Path, document: dict[str, Any]) -> None:
    path = write_results(tmp_path / "a.parquet", make_results(document))
    declared = re.findall(r"^  `([^`]+)` ([a-z]+),?$", make_athena_table(), re.MULTILINE)
    arrow = {"string": "string", "int64": "bigint", "double": "double", "bool": "boolean"}
    schema = pyarrow.parquet.read_schema(path)
    assert declared == [(field.name, arrow[str(field.type)]) for field in schema]
    # Athena takes capital letters for small ones, and no column twice, nor one named as a folder.
    names = [name for name, _ in declared]
    assert names == [name.lower() for name in names]
    assert len({*names, "date"}) == len(names) + 1
    # Athena's types are DuckDB's, but for one name: a table so declared takes the files' rows.
    fields = ", ".join(f'"{name}" {kind.replace("string", "varchar")}' for name, kind in declared)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE eye_tracking ({fields})")
        connection.execute(f"INSERT INTO eye_tracking SELECT * FROM '{path}'")
        rows = connection.execute("SELECT count(*), count(recording) FROM eye_tracking").fetchall()
    assert rows == [(2, 1)]
