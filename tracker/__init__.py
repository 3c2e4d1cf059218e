"""Measure vertical gaze and blinks in videos of a face.

>>> import tracker
>>> result = tracker.analyze("clip.mp4", step=1)
>>> len(result.frames), len(result.blinks)
(180, 3)

The names in `__all__` are loaded when they are first used: importing the package loads neither
NumPy nor a model.
"""

import importlib
from typing import TYPE_CHECKING

from tracker.version import __version__
from tracker.video import limits as _limits  # noqa: F401 (OpenCV reads its settings when loaded)

if TYPE_CHECKING:
    from tracker.api import analyze, analyze_track, track
    from tracker.files.participants import Participant
    from tracker.measures.analysis import Analysis
    from tracker.parameters import Parameters
    from tracker.result import Result
    from tracker.tracks.archive import load_track
    from tracker.tracks.track import Track

__all__ = [
    "Analysis",
    "Parameters",
    "Participant",
    "Result",
    "Track",
    "__version__",
    "analyze",
    "analyze_track",
    "load_track",
    "track",
]

if not TYPE_CHECKING:
    # Type checkers use the imports above. With this function, they would accept any name.
    _MODULES = {
        "Analysis": "tracker.measures.analysis",
        "Parameters": "tracker.parameters",
        "Participant": "tracker.files.participants",
        "Result": "tracker.result",
        "Track": "tracker.tracks.track",
        "analyze": "tracker.api",
        "analyze_track": "tracker.api",
        "load_track": "tracker.tracks.archive",
        "track": "tracker.api",
    }

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'tracker' has no attribute {name!r}")
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
