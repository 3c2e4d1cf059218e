"""The processors that this process may use, and the memory that it has used."""

import os
import re
import resource
import sys
from pathlib import Path


def count_processors() -> int:
    """Return the number of processors this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def measure_peak_bytes() -> int:
    """Return the largest amount of memory that this process has used."""
    if sys.platform == "linux":
        # Not ru_maxrss: it starts at the peak of the process that started this one.
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        if peak:
            return 1024 * int(peak[1])
    peak_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_rss if sys.platform == "darwin" else 1024 * peak_rss
