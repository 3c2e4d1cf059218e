"""A folder of recordings, and a long one: two workers compared with one, with their start."""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from benchmarks.conftest import Figure, Race, Ratio
from benchmarks.long_on_cores import AT_MOST, MINUTES, analyze_on_cores, write_long_clip
from tracker.lab.clip_spec import make_spec
from tracker.lab.synthetic import write_clip

RECORDINGS = 8
DURATION_S = 30
"""Length of a protocol. For shorter recordings, starting the processes takes much of the time."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of synthetic recordings of 720p, `DURATION_S` long each."""
    path = tmp_path_factory.mktemp("recordings")
    write_clip(path / "0.mp4", make_spec(DURATION_S, fps=30.0, width=1280, height=720, seed=5))
    for number in range(1, RECORDINGS):
        shutil.copy(path / "0.mp4", path / f"{number}.mp4")
    return path


@pytest.mark.whole
@pytest.mark.benchmark(group="folders", timer=time.perf_counter)
def test_two_workers_against_one(folder: Path, race: Race, ratio: Ratio, figure: Figure) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor: there is nothing for a second worker to run on")
    taken_s: dict[int, list[float]] = {1: [], 2: []}

    said: set[str] = set()

    def analyze(workers: int) -> None:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with tempfile.TemporaryDirectory() as out:
            command = [sys.executable, "-m", "tracker", "analyze", str(folder), "--json"]
            printed = subprocess.run(
                [*command, "--out", out, "--workers", str(workers)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        assert printed.count("\n") == RECORDINGS
        said.add(printed)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken_s[workers].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    medians = race({"two workers": lambda: analyze(2), "one worker": lambda: analyze(1)}, rounds=3)
    assert len(said) == 1
    # No bound: if others use the second processor, the program is not at fault.
    speedup = medians["one worker"] / medians["two workers"]
    figure(
        f"{RECORDINGS} recordings of {DURATION_S} s, one worker over two", speedup, "times the wall"
    )
    cpu_s = {workers: statistics.median(values) for workers, values in taken_s.items()}
    ratio(f"{RECORDINGS} recordings, CPU of two workers over one", cpu_s[2] / cpu_s[1], at_most=1.3)
    figure(f"{RECORDINGS} recordings, one worker", cpu_s[1], "CPU s")


@pytest.mark.whole
@pytest.mark.benchmark(group="folders", timer=time.perf_counter)
def test_two_workers_of_a_long_recording(tmp_path: Path, race: Race, ratio: Ratio) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor: there is nothing for a second worker to run on")
    video = tmp_path / "long.mp4"
    write_long_clip(video, MINUTES)
    said: set[str] = set()

    def analyze(count: int) -> None:
        said.add(analyze_on_cores(video, count)[0])

    medians = race({"two workers": lambda: analyze(2), "one worker": lambda: analyze(1)}, rounds=1)
    assert len(said) == 1
    ratio(
        f"wall time of two workers over one, {MINUTES} min of 720p",
        medians["two workers"] / medians["one worker"],
        at_most=AT_MOST,
    )
