"""The tables have the columns that are declared, in that order."""

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from tests.made_tracks import blink, make_landmarks, make_track
from tracker.files.columns import (
    ARROW_TYPES,
    BLINK_COLUMNS,
    COHORT_COLUMNS,
    FILE_KINDS,
    FRAME_COLUMNS,
    SACCADE_COLUMNS,
    Column,
    find_columns,
    make_arrow_schema,
)
from tracker.files.names import ENDINGS
from tracker.files.summary import summarize, write_analysis
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters
from tracker.protocol import Phase
from tracker.study.sweep import COLUMNS as SWEEP_COLUMNS

TABLES = {
    "frames": FRAME_COLUMNS,
    "blinks": BLINK_COLUMNS,
    "saccades": SACCADE_COLUMNS,
    "cohort": COHORT_COLUMNS,
    "sweep": SWEEP_COLUMNS,
}
READ = {int: int, float: float, str: str, bool: {"true": True, "false": False}.__getitem__}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tables")
    ear = np.full(720, 0.3)
    blink(ear, 100, 6)
    ear[0:3] = 0.03
    # Up and down in turn, at once; one of the steps is hidden by a blink.
    times_s = np.arange(720) / 30
    vertical = np.where(times_s % 4 < 2, -0.05, 0.05)
    vertical += np.random.default_rng(0).normal(0, 0.0005, 720)
    blink(ear, 237, 6)
    landmarks = make_landmarks(ear, vertical)
    landmarks[600:] = np.nan
    phases = tuple(Phase(("up", "down")[n % 2], 2.0 * n - 0.3, 2.0 * n + 1.7) for n in range(1, 9))
    analysis = analyze_track(make_track(landmarks), Parameters(protocol=phases))
    write_analysis(out, "a", analysis, summarize(analysis, assess(analysis), "a.mp4"))
    return out


@pytest.mark.parametrize("table", ["frames", "blinks", "saccades"])
def test_the_files_have_these_columns_and_types(folder: Path, table: str) -> None:
    with (folder / f"a.{table}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert list(rows[0]) == [column.name for column in TABLES[table]]
    for column in TABLES[table]:
        cells = [row[column.name] for row in rows if row[column.name]]
        assert cells, column.name
        for cell in cells:
            READ[column.kind](cell)


@pytest.mark.parametrize("columns", TABLES.values(), ids=TABLES)
def test_each_column_says_what_it_is(columns: tuple[Column, ...]) -> None:
    names = [column.name for column in columns]
    assert len(set(names)) == len(names)
    for column in columns:
        assert column.kind in ARROW_TYPES
        assert column.meaning.endswith("."), column.name
        assert column.en, column.name
        assert any("가" <= letter <= "힣" for letter in column.ko), column.name
        for ending in ("s", "px", "deg"):
            if column.name.endswith(f"_{ending}") and not column.name.endswith("_per_s"):
                assert column.unit == ending, column.name


def test_parquet_files_carry_units_meanings_and_labels(tmp_path: Path) -> None:
    schema = make_arrow_schema(COHORT_COLUMNS)
    path = tmp_path / "cohort.parquet"
    pyarrow.parquet.write_table(schema.empty_table(), path)
    read = pyarrow.parquet.read_schema(path)
    assert read.names == [column.name for column in COHORT_COLUMNS]
    reported = read.field("blink_rate_per_min_low").metadata
    assert reported[b"unit"] == b"1/min"
    assert reported[b"label"] == b"Their 95 % interval, lower end"
    assert reported[b"label_ko"].decode() == "그 95% 신뢰구간, 하한"
    assert b"Poisson" in reported[b"meaning"]
    assert read.field("quality_longest_gap_s").metadata[b"unit"] == b"s"


def test_a_table_has_a_column_for_each_file() -> None:
    assert list(FILE_KINDS) == list(ENDINGS)
    assert [column.name for column in COHORT_COLUMNS][-len(ENDINGS) :] == [
        f"{kind}_file" for kind in ENDINGS
    ]


def test_an_interval_has_a_column_for_each_end() -> None:
    low, high = find_columns("vertical_peak_to_peak_deg_range")
    assert (low.name, high.name) == (
        "vertical_peak_to_peak_deg_low",
        "vertical_peak_to_peak_deg_high",
    )
    assert (low.end, high.end) == (0, 1)
    (down,) = find_columns("down_range")
    assert (down.name, down.end) == ("down_range", None)
    with pytest.raises(KeyError):
        find_columns("phases")
