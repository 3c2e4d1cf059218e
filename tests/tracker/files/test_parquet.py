"""What this program writes as Parquet, other programs read: pyarrow and DuckDB."""

import math
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest

from tracker.files.columns import Column
from tracker.files.parquet import write_parquet


def column(name: str, kind: type) -> Column:
    return Column(name, kind, "", "", "", "")


COLUMNS = [column("text", str), column("whole", int), column("real", float), column("flag", bool)]
ROWS: list[dict[str, Any]] = [
    {"text": "눈 깜빡임 👁", "whole": 2**63 - 1, "real": 0.1, "flag": True},
    {"text": "", "whole": -(2**63), "real": -math.inf, "flag": False},
    {},
    {"text": 'a"b,\n\0c', "whole": 0, "real": 5e-324, "flag": True},
    {"text": None, "whole": None, "real": None, "flag": None},
    {"text": "x" * 70_000, "whole": 1, "real": 1.7976931348623157e308, "flag": False},
]


def complete(row: dict[str, Any]) -> dict[str, Any]:
    return {one.name: row.get(one.name) for one in COLUMNS}


@pytest.mark.parametrize("count", [0, 1, 2, 6, 7, 8, 9, 63, 64, 65, 1000])
def test_both_read_what_was_written(tmp_path: Path, count: int) -> None:
    rows = [ROWS[index % len(ROWS)] for index in range(count)]
    path = write_parquet(tmp_path / "a.parquet", COLUMNS, rows)
    expected = [complete(row) for row in rows]
    read = pyarrow.parquet.read_table(path)
    assert read.schema == pa.schema(
        [("text", "string"), ("whole", "int64"), ("real", "float64"), ("flag", "bool")]
    )
    assert read.to_pylist() == expected
    found = duckdb.sql(f"SELECT * FROM read_parquet('{path}')")
    assert found.columns == [one.name for one in COLUMNS]
    assert [str(one) for one in found.types] == ["VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN"]
    assert [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()] == expected


def test_a_table_may_have_hundreds_of_columns_and_nothing_in_them(tmp_path: Path) -> None:
    columns = [column(f"c{number}", (str, int, float, bool)[number % 4]) for number in range(400)]
    path = write_parquet(tmp_path / "a.parquet", columns, [{}, {"c399": True}, {"c0": "a"}])
    read = pyarrow.parquet.read_table(path)
    assert read.column_names == [one.name for one in columns]
    rows = read.to_pylist()
    assert [[value for value in row.values() if value is not None] for row in rows] == [
        [],
        [True],
        ["a"],
    ]
    assert duckdb.sql(f"SELECT count(*), count(c0), count(c399) FROM '{path}'").fetchall() == [
        (3, 1, 1)
    ]


def test_a_missing_number_is_null_and_nan_is_nan(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", COLUMNS, [{"real": math.nan}, {}, {"real": 2}])
    assert duckdb.sql(f"SELECT isnan(real), real IS NULL FROM '{path}'").fetchall() == [
        (True, False),
        (None, True),
        (False, False),
    ]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    paths = [write_parquet(tmp_path / name, COLUMNS, ROWS) for name in ("a", "b")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == paths


@pytest.mark.parametrize(("name", "value"), [("whole", 2**63), ("whole", "x"), ("real", "x")])
def test_what_does_not_fit_is_an_error_and_no_other_number(
    tmp_path: Path, name: str, value: object
) -> None:
    import struct

    with pytest.raises((ValueError, struct.error)):
        write_parquet(tmp_path / "a.parquet", COLUMNS, [{name: value}])
    assert list(tmp_path.iterdir()) == []
