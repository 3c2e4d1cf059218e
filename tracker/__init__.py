"""Measure vertical gaze and blinks in videos of a face."""

import tracker.video.limits  # noqa: F401 (OpenCV's settings, before anything can load it)

__version__ = "0.2.0"
