"""The frame of the benchmark suite: what fails, what is left out, and what is written."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BENCHMARKS = """
import time
import pytest

def test_bounds(race, ratio, figure, short):
    counts = {"one": lambda: sum(range(20_000)), "three": lambda: sum(range(60_000))}
    medians = race(counts, rounds=9)
    figure("short", float(short), "")
    ratio("three over one", medians["three"] / medians["one"], at_least=2, at_most=4.5)

@pytest.mark.parametrize(
    ("value", "bound"),
    [(2.0, {"at_most": 1.9}), (2.0, {"at_least": 2.1}), (float("nan"), {"at_most": 9})],
)
def test_out_of_bound(ratio, value, bound):
    ratio("no", value, **bound)

@pytest.mark.benchmark(timer=time.perf_counter)
def test_wall(race):
    medians = race({"asleep": lambda: time.sleep(0.02)}, rounds=2)
    assert medians["asleep"] >= 0.02

def test_cpu(race):
    assert race({"asleep": lambda: time.sleep(0.02)}, rounds=2)["asleep"] < 0.015

@pytest.mark.whole
def test_long():
    pass
"""


@pytest.mark.slow
def test_ratios_out_of_bound_fail_and_all_are_in_the_table(tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    shutil.copy(ROOT / "benchmarks" / "conftest.py", folder)
    (folder / "bench_it.py").write_text(BENCHMARKS)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", tmp_path,
         "-p", "no:cacheprovider", folder, "--short", "--out", tmp_path / "out"],
        cwd=tmp_path, capture_output=True, text=True,
        # Benchmarks do not run in a worker of a parallel run; this is a run of its own.
        env={name: value for name, value in os.environ.items() if "XDIST" not in name},
    )  # fmt: skip
    assert result.returncode == 1
    assert "3 failed, 3 passed, 1 deselected" in result.stdout
    document = json.loads((tmp_path / "out" / "benchmarks.json").read_text())
    assert [one["name"] for one in document["ratios"]] == ["three over one", "no", "no", "no"]
    assert document["ratios"][-1]["value"] is None
    assert document["figures"] == [{"name": "short", "value": 1.0, "unit": ""}]
    assert [(one["candidate"], one["clock"]) for one in document["medians"]] == [
        ("one", "CPU"),
        ("three", "CPU"),
        ("asleep", "wall"),
        ("asleep", "CPU"),
    ]
    table = (tmp_path / "out" / "benchmarks.md").read_text()
    assert "| no | 2 | at most 1.9 |" in table
    assert "at least 2, at most 4.5" in table


def test_a_plain_run_of_the_tests_has_no_benchmark() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert settings["testpaths"] == ["tests"]
    assert not list((ROOT / "tests").rglob("bench_*.py"))
