"""Tracks again at every point of a grid of thresholds: a table with a row for each of both."""

import csv
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

import pyarrow as pa
import pyarrow.parquet

from tracker.analysis import (
    Analysis,
    Measures,
    change_threshold,
    detect_events,
    measure_events,
    trace_track,
)
from tracker.assessment import Quality, assess, measure_quality
from tracker.cohort import ARROW_TYPES, Column, copied_columns, format_cell
from tracker.names import printable
from tracker.output import name_task, plain, write_whole
from tracker.parameters import Parameters
from tracker.track import Track, load_track

GRID_PARAMETERS = ("blink_baseline", "blink_min_frames", "blink_thresh", "vpp_thresh")
"""What a track can be analysed again with, in the order in which a table runs through the points:
the last one fastest, for it changes the verdict alone."""
MAX_POINTS = 10_000
ROWS_AT_ONCE = 2_000
"""Rows that wait in memory to be written."""

Grid = Mapping[str, Sequence[Any]]
Row = list[Any]

_PARAMETER_TYPES = {field.name: type(field.default) for field in fields(Parameters)}
_MEASURES = tuple(copied_columns("", (), **get_type_hints(Measures)))
_QUALITY = tuple(copied_columns("quality_", (), **get_type_hints(Quality)))
COLUMNS = (
    Column("track", str),
    *(Column(name, _PARAMETER_TYPES[name]) for name in GRID_PARAMETERS),
    Column("status", str),
    Column("reasons", str),
    Column("cautions", str),
    Column("psp_suspected", bool),
    Column("frames_processed", int),
    *_MEASURES,
    Column("framing_gain", float),
    Column("task", str),
    *_QUALITY,
)
"""Of the table; named as in the tables of cohorts."""


def parse_grid(texts: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Read a grid from the command line.

    Parameters
    ----------
    texts : sequence of str
        Each ``NAME=VALUE,VALUE,…`` or ``NAME=FIRST:LAST:STEP``, both ends included.

    Returns
    -------
    dict
        The values of each parameter that has some.

    Raises
    ------
    ValueError, TypeError
        It is not that, or a value is out of its range; the message says what is expected.
    """
    grid: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        name = name.replace("-", "_")
        if not equals or name not in GRID_PARAMETERS:
            raise ValueError(
                f"--grid {text}: expected NAME=VALUES with one of {', '.join(GRID_PARAMETERS)}"
            )
        if name in grid:
            raise ValueError(f"--grid {name} is given twice, expected all its values in one")
        grid[name] = _parse_values(text, name, values)
        for value in grid[name]:
            Parameters(**{name: value})
        if len(set(grid[name])) < len(grid[name]):
            raise ValueError(f"--grid {text}: a value is given twice")
    points = math.prod(map(len, grid.values()))
    if points > MAX_POINTS:
        raise ValueError(f"--grid has {points} points, expected at most {MAX_POINTS}")
    return grid


def _parse_values(text: str, name: str, values: str) -> tuple[Any, ...]:
    if _PARAMETER_TYPES[name] is str:
        return tuple(values.split(","))
    try:
        if ":" in values:
            # As decimals: a sum of steps as floats is not the number that was meant.
            first, last, step = map(Decimal, values.split(":"))
            count = (last - first) // step + 1
            if not (step > 0 and 1 <= count <= MAX_POINTS):
                raise ValueError
            numbers = [first + n * step for n in range(int(count))]
        else:
            numbers = [Decimal(value) for value in values.split(",")]
        if _PARAMETER_TYPES[name] is int:
            return tuple(
                int(number) if number == int(number) else float(number) for number in numbers
            )
        return tuple(map(float, numbers))
    except (ValueError, ArithmeticError):
        raise ValueError(
            f"--grid {text}: expected numbers, VALUE,VALUE,… or FIRST:LAST:STEP with FIRST up to "
            f"LAST and at most {MAX_POINTS} of them"
        ) from None


def sweep_track(track: Track, source: str, parameters: Parameters, grid: Grid) -> Iterator[Row]:
    """Analyse a track at each point of a grid.

    Parameters
    ----------
    track : Track
    source : str
        What the rows call it.
    parameters : Parameters
        What the grid does not vary. Without a protocol, the track's own holds.
    grid : mapping of str to sequence
        Values of `GRID_PARAMETERS`.

    Yields
    ------
    list
        The values of `COLUMNS`: those that the summary document has of `analyze_track` and `assess`
        with that point's parameters.
    """
    base = replace(parameters, protocol=parameters.protocol or track.info.protocol)
    traces = trace_track(track)
    names = [name for name in GRID_PARAMETERS[:-1] if name in grid]
    thresholds = grid.get(GRID_PARAMETERS[-1], (base.vpp_thresh,))
    # Neighbouring thresholds mostly find the same blinks, and what is measured of them is the same.
    known: dict[tuple[Any, ...], list[Row]] = {}
    for values in itertools.product(*(grid[name] for name in names)):
        point = replace(base, **dict(zip(names, values, strict=True)))
        events = detect_events(traces, point)
        key = (point.blink_baseline, *events.key())
        if key not in known:
            analysis = measure_events(traces, events, point)
            known[key] = _measure_thresholds(analysis, thresholds)
        blinks = [getattr(point, name) for name in GRID_PARAMETERS[:-1]]
        for vpp_thresh, measured in zip(thresholds, known[key], strict=True):
            yield [source, *blinks, vpp_thresh, *measured]


def _measure_thresholds(analysis: Analysis, thresholds: Sequence[float]) -> list[Row]:
    """Return the values of `COLUMNS` from the status on, for each threshold of the verdict."""
    quality = measure_quality(analysis)
    quality_values = list(_take(_QUALITY, quality))
    rows = []
    for vpp_thresh in thresholds:
        changed = change_threshold(analysis, vpp_thresh)
        assessment = assess(changed, quality)
        rows.append(
            [
                assessment.status.replace("_", " "),
                " ".join(reason.code for reason in assessment.reasons),
                " ".join(caution.code for caution in assessment.cautions),
                assessment.status == "suspected",
                len(analysis.track.times_s),
                *_take(_MEASURES, changed.measures),
                plain(analysis.gaze.framing_gain),
                name_task(analysis),
                *quality_values,
            ]
        )
    return rows


def sweep_tracks(
    paths: Sequence[Path],
    parameters: Parameters,
    grid: Grid,
    out: Path,
    on_track: Callable[[int, int], None],
    on_failure: Callable[[Exception], None],
) -> dict[tuple[Any, ...], Counter[str]]:
    """Write the table of a sweep.

    In memory are one track at a time, its rows, and at most `ROWS_AT_ONCE` besides.

    Parameters
    ----------
    paths : sequence of Path
        Track files.
    parameters : Parameters
    grid : mapping of str to sequence
        See `sweep_track`.
    out : Path
        File to write: CSV, or Parquet if its suffix is ``.parquet``. It appears whole or not at
        all.
    on_track : callable
        Called after each track with the number of tracks done and in all.
    on_failure : callable
        Called with what is wrong with a track, which has no rows then.

    Returns
    -------
    dict of tuple to Counter
        Of each point, its values of `GRID_PARAMETERS`: how often each status was the answer.
    """
    statuses: dict[tuple[Any, ...], Counter[str]] = {}

    def write(partial: Path) -> None:
        waiting: list[Row] = []
        with _open_table(partial) as write_rows:
            for done, path in enumerate(paths, start=1):
                try:
                    rows = list(sweep_track(load_track(path), printable(path), parameters, grid))
                except Exception as error:
                    on_failure(error)
                    rows = []
                for _, *point, status in (row[: len(GRID_PARAMETERS) + 2] for row in rows):
                    statuses.setdefault(tuple(point), Counter())[status] += 1
                waiting += rows
                if len(waiting) > ROWS_AT_ONCE or done == len(paths):
                    write_rows(waiting)
                    waiting.clear()
                on_track(done, len(paths))

    write_whole(out, write)
    return statuses


def describe_sweep(statuses: Mapping[tuple[Any, ...], Counter[str]], grid: Grid) -> str:
    """Return how the tracks came out at each point, a line each, for a person."""
    lines = []
    for point, counts in statuses.items():
        values = dict(zip(GRID_PARAMETERS, point, strict=True))
        where = " ".join(f"{name} {values[name]}" for name in GRID_PARAMETERS if name in grid)
        words = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        lines.append(f"{where}: {words}")
    return "\n".join(lines)


def _take(columns: Sequence[Column], source: Measures | Quality) -> Iterator[Any]:
    for column in columns:
        value = getattr(source, str(column.path[0]))
        yield plain(value if len(column.path) == 1 else value[column.path[1]])


@contextmanager
def _open_table(path: Path) -> Iterator[Callable[[list[Row]], object]]:
    """Open a table, and give what writes rows to it."""
    if path.suffix == ".parquet":
        schema = pa.schema([(column.name, ARROW_TYPES[column.kind]) for column in COLUMNS])
        with pyarrow.parquet.ParquetWriter(path, schema) as table:
            yield lambda rows: table.write_table(
                pa.Table.from_arrays(
                    [
                        pa.array(values, kind)
                        for values, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
                    ],
                    schema=schema,
                )
                if rows
                else schema.empty_table()
            )
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.name for column in COLUMNS)
        yield lambda rows: writer.writerows(
            [
                # Most are numbers, which stay as they are.
                value if type(value) is float else format_cell(column.name, value)
                for column, value in zip(COLUMNS, row, strict=True)
            ]
            for row in rows
        )
