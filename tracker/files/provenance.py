"""Names for the program that made a result, so that another version is told from it."""

import functools
import hashlib
import importlib.metadata
from collections.abc import Iterable
from pathlib import Path

from tracker.version import __version__

TRACK_LIBRARIES = ("mediapipe", "numpy", "opencv-python-headless")
"""The libraries whose version a track depends on."""


def identify_code(sources: Iterable[Path]) -> str:
    """Return a name for a program: another one for each version of it and of its libraries.

    The version's number alone would not do, for the code changes more often than the number does.

    Parameters
    ----------
    sources : iterable of Path
        The files the program consists of, in an order that is always the same.
    """
    digest = hashlib.sha256(__version__.encode())
    for library in TRACK_LIBRARIES:
        digest.update(importlib.metadata.version(library).encode())
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest()


@functools.cache
def identify_program() -> str:
    """Return a name for everything that a recording's files are made by."""
    root = Path(__file__).parents[2]
    return identify_code(
        path
        for package in ("kernels", "tracker")
        for path in sorted((root / package).rglob("*"))
        # Not what Python and Numba keep there.
        if path.is_file() and "__pycache__" not in path.parts
    )
