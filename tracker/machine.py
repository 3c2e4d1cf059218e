"""The processors that this process may use, the memory it has used, and that of the machine."""

import os
import re
import sys
from pathlib import Path


def count_processors() -> int:
    """Return the number of processors this process may use, at least 1.

    On a system that does not tell this, it is the number of all processors of the machine.
    """
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def measure_memory_bytes() -> int | None:
    """Return the size of the machine's whole memory, not of what is free, in bytes.

    None where a system such as Windows does not tell it.
    """
    if not hasattr(os, "sysconf"):
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def measure_peak_bytes() -> int | None:
    """Return the most memory in bytes that this process has used at one time since it started.

    None where the system does not tell.
    """
    if sys.platform == "linux":
        # Not ru_maxrss: it starts at the peak of the process that started this one.
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        if peak:
            return 1024 * int(peak[1])
    try:
        import resource
    except ImportError:  # Windows has none
        return None
    peak_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_rss if sys.platform == "darwin" else 1024 * peak_rss
