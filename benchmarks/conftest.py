"""The fixtures of the benchmark suite: ``benchmarks/bench_*.py``, run by pytest.

``make bench`` runs the whole suite and ``make bench-short`` the version for CI. Both fail if a
ratio is out of its bounds. Neither is part of ``make test``. They write to ``--out``
(``results/bench``): ``benchmarks.md``, the table of ratios, figures and medians;
``benchmarks.json``, the same for programs; and ``raw.json``, pytest-benchmark's own record of every
round.

A benchmark first asserts that the code it times is right. Then `race` times this code and its
competitors in one run, and `ratio` takes quotients of the medians::

    @pytest.mark.benchmark(group="decode")
    def test_grab_against_read(race: Race, ratio: Ratio, short: bool) -> None:
        assert ...
        medians = race({"grab": lambda: ..., "read": lambda: ...}, rounds=3 if short else 9)
        ratio("read over grab, 1080p H.264", medians["read"] / medians["grab"], at_least=1.1)

- `race` calls every candidate once to warm up, then all of them in turn, round by round, so that
  other work of the machine affects them alike. It returns the median of each in seconds. This is
  CPU time, including threads and awaited child processes (`cpu_s`). In a benchmark marked
  ``@pytest.mark.benchmark(timer=time.perf_counter)`` it is wall time. pytest-benchmark keeps every
  round of the first candidate only. Call it once in a benchmark.
- `ratio` adds a line to the table, and fails the benchmark if the ratio is out of its bounds.
  Nothing is ever compared with a number of seconds or with another run, because machines differ,
  and ratios hardly do.
- `figure` adds a number that has no bound.
- `short` is true under ``--short``: fewer rounds, smaller sizes. A benchmark that is too long for
  CI even so is marked ``@pytest.mark.whole``.
"""

import json
import math
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

Candidates = Mapping[str, Callable[[], object]]


class Race(Protocol):
    """The function that the fixture `race` returns; the module's docstring explains it."""

    def __call__(self, candidates: Candidates, rounds: int) -> dict[str, float]: ...


class Ratio(Protocol):
    """The function that the fixture `ratio` returns; the module's docstring explains it."""

    def __call__(
        self,
        name: str,
        value: float,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None: ...


class Figure(Protocol):
    """The function that the fixture `figure` returns; the module's docstring explains it."""

    def __call__(self, name: str, value: float, unit: str) -> None: ...


@dataclass
class Results:
    """The results of a run, in order.

    Attributes
    ----------
    ratios : list of dict
        ``name``, ``value``, ``at_most``, ``at_least``.
    figures : list of dict
        ``name``, ``value``, ``unit``.
    medians : list of dict
        ``benchmark``, ``candidate``, ``median_s``, ``clock``.
    """

    ratios: list[dict[str, Any]] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    medians: list[dict[str, Any]] = field(default_factory=list)


_RESULTS = pytest.StashKey[Results]()


def cpu_s() -> float:
    """Return the CPU seconds of this process' threads and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--short", action="store_true", help="the version of the benchmarks for CI")
    parser.addoption(
        "--out",
        type=Path,
        default=Path("results/bench"),
        metavar="DIR",
        help="where the tables of the benchmarks go (default: %(default)s)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "whole: a benchmark that the short version leaves out")
    config.stash[_RESULTS] = Results()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("short"):
        left_out = [item for item in items if item.get_closest_marker("whole")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        # pytest-benchmark's command line only offers clocks of the standard library.
        mark = item.get_closest_marker("benchmark")
        marked = {"timer": cpu_s, **(mark.kwargs if mark else {})}
        item.add_marker(pytest.mark.benchmark(**marked), append=False)


@pytest.fixture
def short(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("short"))


@pytest.fixture
def race(request: pytest.FixtureRequest, benchmark: Any) -> Race:
    timer = request.node.get_closest_marker("benchmark").kwargs["timer"]
    results = request.config.stash[_RESULTS]

    def run(candidates: Candidates, rounds: int) -> dict[str, float]:
        (own_name, own), *rivals = candidates.items()
        taken_s: dict[str, list[float]] = {name: [] for name, _ in rivals}
        for call in candidates.values():
            call()

        def run_rivals() -> None:
            for name, call in rivals:
                start_s = timer()
                call()
                taken_s[name].append(timer() - start_s)

        benchmark.pedantic(own, setup=run_rivals, rounds=rounds)
        medians = {own_name: float(benchmark.stats.stats.median)}
        medians |= {name: statistics.median(values) for name, values in taken_s.items()}
        benchmark.extra_info |= {"medians_s": medians}
        clock = "CPU" if timer is cpu_s else "wall"
        results.medians += [
            {"benchmark": request.node.name, "candidate": name, "median_s": value, "clock": clock}
            for name, value in medians.items()
        ]
        return medians

    return run


@pytest.fixture
def ratio(pytestconfig: pytest.Config) -> Ratio:
    results = pytestconfig.stash[_RESULTS]

    def record(
        name: str,
        value: float,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None:
        assert at_most is not None or at_least is not None, f"{name}: a ratio has a bound"
        results.ratios.append(
            {
                "name": name,
                "value": value if math.isfinite(value) else None,
                "at_most": at_most,
                "at_least": at_least,
            }
        )
        assert math.isfinite(value), f"{name}: {value}"
        assert at_most is None or value <= at_most, f"{name}: {value:.3g}, at most {at_most:g}"
        assert at_least is None or value >= at_least, f"{name}: {value:.3g}, at least {at_least:g}"

    return record


@pytest.fixture
def figure(pytestconfig: pytest.Config) -> Figure:
    results = pytestconfig.stash[_RESULTS]

    def record(name: str, value: float, unit: str) -> None:
        results.figures.append({"name": name, "value": value, "unit": unit})

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    config = terminalreporter.config
    results = config.stash[_RESULTS]
    if not (results.ratios or results.figures or results.medians):
        return
    table = format_results(results, "short version" if config.getoption("short") else "all")
    out: Path = config.getoption("out")
    out.mkdir(parents=True, exist_ok=True)
    (out / "benchmarks.md").write_text(table, encoding="utf-8")
    document = json.dumps(
        {"machine": describe_machine(), **asdict(results)}, indent=2, allow_nan=False
    )
    (out / "benchmarks.json").write_text(document + "\n", encoding="utf-8")
    terminalreporter.section("ratios, figures and medians")
    terminalreporter.write_line(table)
    terminalreporter.write_line(f"written {out / 'benchmarks.md'}, {out / 'benchmarks.json'}")


def describe_machine() -> str:
    """Describe the machine as far as the figures depend on it, without naming it."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}"
    )


def format_results(results: Results, which: str) -> str:
    """Return the results of a run as Markdown.

    Parameters
    ----------
    results : Results
    which : str
        Words for the heading: which benchmarks were run.

    Returns
    -------
    str
    """
    lines = ["# Benchmarks", "", f"{describe_machine()}; {which}.", ""]
    if results.ratios:
        lines += ["| ratio | measured | bound |", "|---|---|---|"]
        for one in results.ratios:
            bounds = [
                f"{word} {one[key]:g}"
                for word, key in (("at least", "at_least"), ("at most", "at_most"))
                if one[key] is not None
            ]
            value = "-" if one["value"] is None else f"{one['value']:.3g}"
            lines.append(f"| {one['name']} | {value} | {', '.join(bounds)} |")
        lines.append("")
    if results.figures:
        lines += ["| figure | measured |", "|---|---|"]
        lines += [
            f"| {one['name']} | {one['value']:.4g} {one['unit']} |" for one in results.figures
        ]
        lines.append("")
    if results.medians:
        lines += ["| benchmark | candidate | median |", "|---|---|---|"]
        lines += [
            f"| {one['benchmark']} | {one['candidate']} | "
            f"{1000 * one['median_s']:.3g} ms {one['clock']} |"
            for one in results.medians
        ]
        lines.append("")
    return "\n".join(lines)
