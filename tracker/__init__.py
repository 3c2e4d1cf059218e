"""Video to landmarks to analysis, and the command line.

The environment variables below configure OpenCV, which reads them once, when it is loaded; this
file therefore runs before any module of the package can import it.
"""

import os
import re
import resource
import sys
from pathlib import Path

MAX_FRAME_PIXELS = 4096 * 4096
"""Largest video frame that is decoded: above 4K; a decoder keeps over a dozen of them."""
MAX_STILL_PIXELS = 64 * 2**20
"""Largest still image that is decoded: 200 MB in memory."""

# An image's header can claim any size; OpenCV's own limit is 1 gigapixel (3 GB).
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(MAX_STILL_PIXELS)
# Damaged input is reported by the decoder's named errors and counts, not by FFmpeg on stderr.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")

__version__ = "0.2.0"


def count_processors() -> int:
    """Return the number of processors this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def measure_peak_bytes() -> int:
    """Return the most memory that this process has had."""
    if sys.platform == "linux":
        # Not ru_maxrss: that begins at what the process that started this one had.
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        if peak:
            return 1024 * int(peak[1])
    peak_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_rss if sys.platform == "darwin" else 1024 * peak_rss
