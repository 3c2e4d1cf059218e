"""What a result is known again by: the content of its video, and the program that made it."""

import functools
import hashlib
import importlib.metadata
from collections.abc import Iterable
from io import BufferedIOBase
from pathlib import Path

from tracker import __version__
from tracker.video.container import InputNotFoundError, check_readable

STREAM_BLOCK_BYTES = 2**20
TRACK_LIBRARIES = ("mediapipe", "numpy", "opencv-python-headless")
"""The libraries whose version a track depends on."""


def hash_video(video: Path | BufferedIOBase) -> str:
    """Return the SHA-256 of a video's content, as 64 hexadecimal digits.

    Parameters
    ----------
    video : Path or BufferedIOBase
        A seekable stream is read from its start, and left there.

    Raises
    ------
    InputNotFoundError
        The file is missing or unreadable.
    """
    if isinstance(video, BufferedIOBase):
        video.seek(0)
        digest = hashlib.sha256()
        while block := video.read(STREAM_BLOCK_BYTES):
            digest.update(block)
        video.seek(0)
        return digest.hexdigest()
    check_readable(video)
    try:
        with video.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputNotFoundError(f"{video}: cannot be read ({error.strerror}).") from error


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
