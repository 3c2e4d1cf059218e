"""Analyse tracks again with every combination of thresholds, and write a table of the results.

The values to try of each parameter (`GRID_PARAMETERS`) form a grid, and each combination of values
is a point of that grid. The table has a row for each track and point.
"""

import csv
import functools
import io
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from tracker.files.columns import (
    COHORT_OWN_COLUMNS,
    Column,
    find_columns,
    make_arrow_schema,
)
from tracker.files.names import to_unicode
from tracker.files.summary import name_task, plain
from tracker.files.whole import write_whole
from tracker.measures.analysis import (
    Analysis,
    GazeResult,
    Measures,
    analyze_gaze,
    measure_events,
)
from tracker.measures.assessment import assess_thresholds
from tracker.measures.lids import detect_events
from tracker.measures.quality import Quality
from tracker.measures.ranges import measure_threshold_distance
from tracker.measures.traces import trace_track
from tracker.parameters import Parameters
from tracker.study.cohort import format_cell
from tracker.tracks.archive import load_track
from tracker.tracks.track import Track

GRID_PARAMETERS = ("blink_baseline", "blink_min_frames", "blink_thresh", "vpp_thresh")
"""Parameters that a grid can vary. From row to row of a table, the last one changes fastest: only
the verdict depends on it, so the measures need not be computed again."""
MAX_POINTS = 10_000
ROWS_AT_ONCE = 2_000
"""When more rows than this wait in memory, they are written to the file."""

Grid = Mapping[str, Sequence[Any]]
Row = tuple[tuple[Any, ...], tuple[Any, ...]]
"""A row of the table: the values of `POINT_COLUMNS`, and those of `SHARED_COLUMNS`. Rows with the
same shared values hold the same tuple of them."""

_PARAMETER_TYPES = {field.name: type(field.default) for field in fields(Parameters)}
_COHORT = {column.name: column for column in COHORT_OWN_COLUMNS}


def _find_measure_columns() -> Iterator[Column]:
    for field in fields(Measures):
        if field.name == "duration_s":
            # The summary uses the app's name for this measure.
            (length,) = find_columns("duration_sec_est")
            yield replace(length, name=field.name, path=field.name)
        else:
            yield from find_columns(field.name)


_MEASURES = tuple(_find_measure_columns())
_QUALITY = tuple(
    column for field in fields(Quality) for column in find_columns(f"quality.{field.name}")
)
_NAMES = [column.name for column in _MEASURES]
# The measures that depend on the verdict's threshold; the tests compare all of them.
_DISTANCES = slice(
    _NAMES.index("threshold_distance"), _NAMES.index("threshold_distance_in_noise_floors") + 1
)
POINT_COLUMNS = (
    Column("track", str, "", "The track's file.", "Track", "표식점 파일"),
    *(
        replace(column, name=name)
        for name in GRID_PARAMETERS
        for column in find_columns(f"parameters.{name}")
    ),
    *(_COHORT[name] for name in ("status", "basis", "basis_limit", "reasons", "cautions")),
    *find_columns("psp_suspected"),
    *find_columns("frames_processed"),
    *_MEASURES[: _DISTANCES.stop],
)
SHARED_COLUMNS = (
    *_MEASURES[_DISTANCES.stop :],
    *find_columns("framing_gain"),
    *find_columns("task"),
    *_QUALITY,
)
"""The other columns. Their values do not depend on `vpp_thresh`, and are the same at all points at
which the same blinks are found."""
COLUMNS = POINT_COLUMNS + SHARED_COLUMNS
"""All columns of the table. They have the same names as in the tables of cohorts."""


def parse_grid(texts: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Read a grid from the command line.

    Parameters
    ----------
    texts : sequence of str
        Each is ``NAME=VALUE,VALUE,…`` or, for numbers, ``NAME=FIRST:LAST:STEP``. NAME is one of
        `GRID_PARAMETERS`, and may have "-" for "_". Values go from FIRST on in steps up to LAST:
        ``0.1:0.3:0.1`` is 0.1, 0.2, 0.3, and ``0.1:0.3:0.15`` is 0.1, 0.25.

    Returns
    -------
    dict
        The values of each parameter that the grid varies, in the order of the texts. Empty without
        texts.

    Raises
    ------
    ValueError, TypeError
        A text has another form, a value has the wrong type or is out of its range, a name or a
        value is given twice, or there are over `MAX_POINTS` combinations. The message says what is
        expected.
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
            # Add as decimals: sums of floats would miss the values that the user means.
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
    """Analyse a track at each point of a grid: with each combination of its values.

    Parameters
    ----------
    track : Track
    source : str
        Name of the track in the rows, for their first column.
    parameters : Parameters
        Values of the parameters that the grid does not vary. If they have no protocol, or no task
        or only an assumed one, the one that was saved in the track is used.
    grid : mapping of str to sequence
        The values to try of one or more of `GRID_PARAMETERS`, by their names.

    Yields
    ------
    (tuple, tuple)
        A row for each point: the values of `POINT_COLUMNS`, and those of `SHARED_COLUMNS`. Of the
        grid's parameters, the last of `GRID_PARAMETERS` (`vpp_thresh`) changes fastest. The values
        equal those in the summary of an analysis with that point's parameters.
    """
    base = parameters.complete(track.info.protocol, track.info.task)
    traces = trace_track(track)
    thresholds = grid.get(GRID_PARAMETERS[-1], (base.vpp_thresh,))
    # Neighbouring thresholds mostly find the same blinks. Then reuse the measures.
    gaze_results: dict[bytes, GazeResult] = {}
    known: dict[tuple[Any, ...], tuple[list[tuple[Any, ...]], tuple[Any, ...]]] = {}
    for point in _make_points(
        replace(base, vpp_thresh=thresholds[0]),
        tuple((name, tuple(grid[name])) for name in GRID_PARAMETERS[:-1] if name in grid),
    ):
        events = detect_events(traces, point)
        key = (point.blink_baseline, *events.key())
        if key not in known:
            opened = events.eyes_open.tobytes()
            if opened not in gaze_results:
                gaze_results[opened] = analyze_gaze(traces, events.eyes_open, point)
            analysis = measure_events(traces, events, gaze_results[opened], point)
            known[key] = _measure_thresholds(analysis, thresholds)
        answers, shared = known[key]
        blinks = [getattr(point, name) for name in GRID_PARAMETERS[:-1]]
        for vpp_thresh, answer in zip(thresholds, answers, strict=True):
            yield (source, *blinks, vpp_thresh, *answer), shared


@functools.lru_cache(maxsize=8)
def _make_points(
    base: Parameters, grid: tuple[tuple[str, tuple[Any, ...]], ...]
) -> tuple[Parameters, ...]:
    """Return the parameters for each combination of the grid's values, the last changing fastest.

    `grid` has pairs of a parameter's name and its values; the other values are those of `base`. If
    `grid` is empty, only `base` is returned. The result is cached, because it is the same for most
    tracks of a cohort.
    """
    names = [name for name, _ in grid]
    return tuple(
        replace(base, **dict(zip(names, values, strict=True)))
        for values in itertools.product(*(values for _, values in grid))
    )


def _measure_thresholds(
    analysis: Analysis, thresholds: Sequence[float]
) -> tuple[list[tuple[Any, ...]], tuple[Any, ...]]:
    """Return the results of an analysis for each threshold, and those that all of them share.

    `thresholds` are vertical ranges in eye widths, below which PSP is suspected (`vpp_thresh`). For
    each of them, in the same order, the first list has the values of `POINT_COLUMNS` from
    ``status`` to the last column. The shared ones are the values of `SHARED_COLUMNS`.
    """
    measures = analysis.measures
    assessments = assess_thresholds(analysis, thresholds)
    before = _take(_MEASURES[: _DISTANCES.start], measures)
    answers = []
    for vpp_thresh, assessment in zip(thresholds, assessments, strict=True):
        distances = measure_threshold_distance(
            measures.vertical_peak_to_peak,
            measures.vertical_peak_to_peak_ci95,
            measures.vertical_noise_floor,
            vpp_thresh,
        )
        answers.append(
            (
                assessment.status,
                assessment.basis.name,
                plain(assessment.basis.limit),
                " ".join(reason.code for reason in assessment.reasons),
                " ".join(caution.code for caution in assessment.cautions),
                assessment.status == "suspected",
                len(analysis.track.times_s),
                *before,
                *(plain(distances[column.name]) for column in _MEASURES[_DISTANCES]),
            )
        )
    shared = (
        *_take(_MEASURES[_DISTANCES.stop :], measures),
        plain(analysis.gaze.framing_gain),
        name_task(analysis),
        *_take(_QUALITY, assessments[0].quality),
    )
    return answers, shared


def sweep_tracks(
    paths: Sequence[Path],
    parameters: Parameters,
    grid: Grid,
    out: Path,
    on_track: Callable[[int, int], None],
    on_failure: Callable[[Exception], None],
) -> dict[tuple[Any, ...], Counter[str]]:
    """Analyse each track at each point of a grid, and write the table of the results.

    A point is a combination of the grid's values; the table has a row for each track and point.
    Memory holds one track at a time, its rows, and at most `ROWS_AT_ONCE` other rows.

    Parameters
    ----------
    paths : sequence of Path
        Track files, in the order of their rows.
    parameters : Parameters
        Values of the parameters that the grid does not vary. If they have no protocol, or no task
        or only an assumed one, the one that was saved in each track is used.
    grid : mapping of str to sequence
        The values to try of one or more of `GRID_PARAMETERS`, by their names.
    out : Path
        File to write: CSV, or Parquet if its suffix is ``.parquet``. It appears whole or not at
        all, in place of an existing one.
    on_track : callable
        Called after each track, also a failed one, with the number of tracks done and of all.
    on_failure : callable
        Called with any error of reading or analysing a track. Such a track has no rows, and the
        others are still analysed.

    Returns
    -------
    dict of tuple to Counter
        How many tracks got each status (the keys of the Counter) at each point. The key of a point
        has the values of all `GRID_PARAMETERS` in their order. Empty if all tracks failed: the
        table then has no rows.
    """
    statuses: dict[tuple[Any, ...], Counter[str]] = {}

    def write(partial: Path) -> None:
        waiting: list[Row] = []
        with _open_table(partial) as write_rows:
            for done, path in enumerate(paths, start=1):
                try:
                    rows = list(sweep_track(load_track(path), to_unicode(path), parameters, grid))
                except Exception as error:
                    on_failure(error)
                    rows = []
                for _, *point, status in (one[: len(GRID_PARAMETERS) + 2] for one, _ in rows):
                    statuses.setdefault(tuple(point), Counter())[status] += 1
                waiting += rows
                if len(waiting) > ROWS_AT_ONCE or done == len(paths):
                    write_rows(waiting)
                    waiting.clear()
                on_track(done, len(paths))

    write_whole(out, write)
    return statuses


def describe_sweep(statuses: Mapping[tuple[Any, ...], Counter[str]], grid: Grid) -> str:
    """Return a text to print: a line for each point, with the number of tracks of each status.

    For example ``vpp_thresh 0.05: 2 not_suspected, 1 suspected``. Only the parameters that `grid`
    varies, and the statuses that a track got, are named. `statuses` is what `sweep_tracks`
    returned.
    """
    lines = []
    for point, counts in statuses.items():
        values = dict(zip(GRID_PARAMETERS, point, strict=True))
        where = " ".join(f"{name} {values[name]}" for name in GRID_PARAMETERS if name in grid)
        words = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        lines.append(f"{where}: {words}")
    return "\n".join(lines)


def _take(columns: Sequence[Column], source: Measures | Quality) -> list[Any]:
    values = []
    for column in columns:
        value = getattr(source, column.path.rpartition(".")[2])
        values.append(plain(value if column.end is None else value[column.end]))
    return values


@contextmanager
def _open_table(path: Path) -> Iterator[Callable[[list[Row]], object]]:
    """Open a new table, and yield a function that appends rows to it.

    It is a Parquet file if its name ends in ``.parquet``, and else a CSV file, with a line of the
    columns' names. An existing file is overwritten.
    """
    if path.suffix == ".parquet":
        # Imported here: nothing else needs pyarrow, which takes a tenth of a second to import.
        import pyarrow as pa
        import pyarrow.parquet

        schema = make_arrow_schema(COLUMNS)
        with pyarrow.parquet.ParquetWriter(path, schema) as table:
            yield lambda rows: table.write_table(
                pa.Table.from_arrays(
                    [
                        pa.array(values, kind)
                        for values, kind in zip(
                            zip(*(one + shared for one, shared in rows), strict=True),
                            schema.types,
                            strict=True,
                        )
                    ],
                    schema=schema,
                )
                if rows
                else schema.empty_table()
            )
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerow(column.name for column in COLUMNS)

        def write_rows(rows: list[Row]) -> None:
            # Successive rows mostly have the same tuple of shared values: format it once.
            last, text = None, ""
            for one, shared in rows:
                if shared is not last:
                    last, text = shared, _format_csv(SHARED_COLUMNS, shared)
                file.write(f"{_format_csv(POINT_COLUMNS, one)},{text}\n")

        yield write_rows


def _format_csv(columns: Sequence[Column], values: Sequence[Any]) -> str:
    """Return one row's values of these columns as text for a CSV file, without the line's end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(
        # Most values are numbers, which need no change.
        value if type(value) is float else format_cell(column.name, value)
        for column, value in zip(columns, values, strict=True)
    )
    return text.getvalue()
