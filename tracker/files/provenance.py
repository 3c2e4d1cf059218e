"""Compute hashes that identify the program and the models that made a result."""

import functools
import hashlib
import importlib.metadata
from collections.abc import Iterable
from pathlib import Path

from tracker.version import __version__

TRACK_LIBRARIES = ("ai-edge-litert", "numpy", "opencv-python-headless")
"""The libraries whose version a track depends on."""


def identify_code(sources: Iterable[Path]) -> str:
    """Return a SHA-256 of this program's version, of `sources`, and of its libraries' versions.

    The libraries are those of `TRACK_LIBRARIES`, on which a track depends. The result has 64
    hexadecimal digits.

    The version number alone is not enough, because the code also changes between versions.

    Parameters
    ----------
    sources : iterable of Path
        Files of the program. Their contents count, and their order, but not their names.
    """
    digest = hashlib.sha256(__version__.encode())
    for library in TRACK_LIBRARIES:
        digest.update(importlib.metadata.version(library).encode())
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest()


@functools.cache
def identify_program() -> str:
    """Return a SHA-256 of this program: its version, its code, and its libraries' versions.

    The code is all files of `kernels` and `tracker` but those in ``__pycache__``. The libraries are
    those of `TRACK_LIBRARIES`. The result has 64 hexadecimal digits.
    """
    root = Path(__file__).parents[2]
    return identify_code(
        path
        for package in ("kernels", "tracker")
        for path in sorted((root / package).rglob("*"))
        # Leave out the caches of Python and Numba.
        if path.is_file() and "__pycache__" not in path.parts
    )


@functools.cache
def identify_models() -> str:
    """Return a SHA-256 of the model files, by which landmarks are found: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parents[1] / "face" / "models").glob("*.tflite")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
