"""The largest pictures that are decoded, and the settings that OpenCV reads when it is loaded.

`tracker` imports this module first, so that the settings are there before any of its modules can
load OpenCV.
"""

import os

MAX_FRAME_PIXELS = 4096 * 4096
"""Largest video frame that is decoded: larger than 4K. A decoder keeps over a dozen in memory."""
MAX_STILL_PIXELS = 64 * 2**20
"""Largest still image that is decoded: 200 MB in memory."""

# An image's header can claim any size; OpenCV's own limit is 1 gigapixel (3 GB).
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(MAX_STILL_PIXELS)
# The decoder's own errors and counts report damaged input, instead of FFmpeg on stderr.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
