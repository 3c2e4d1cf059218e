"""Processors and memory, in processes whose processors and memory are known."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tracker.machine import count_processors


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux pins a process to a processor")
def test_only_processors_that_the_process_may_use_are_counted() -> None:
    script = (
        "import os; from tracker.machine import count_processors\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(count_processors())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "1\n"
    assert 1 <= count_processors() <= (os.cpu_count() or 1)


def test_the_peak_stays_after_memory_is_given_back() -> None:
    """In a process of its own, which is small: more than the peak of this one takes seconds."""
    script = (
        "from tracker.machine import measure_peak_bytes\n"
        "before = measure_peak_bytes()\n"
        "size = before + 64 * 2**20\n"
        "block = b'1' * size\n"
        "del block\n"
        "assert size < measure_peak_bytes() < size + before\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_process_does_not_count_the_memory_of_the_one_that_started_it() -> None:
    block = np.ones(300 * 2**20, dtype=np.uint8)
    script = "from tracker.machine import measure_peak_bytes; print(measure_peak_bytes())"
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert int(answer.stdout) < 100 * 2**20 < block.nbytes
