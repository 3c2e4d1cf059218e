"""Names of files: those that this program writes, and any file's name as safe text."""

import os
from pathlib import Path

ENDINGS = {
    "summary": "summary.json",
    "frames": "frames.csv",
    "blinks": "blinks.csv",
    "track": "track.npz",
    "overlay": "overlay.mp4",
    "report": "report.html",
}
"""Ending of each kind of file, after the stem and a dot."""

_CONTROL_CHARACTERS = dict.fromkeys([*range(32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}")


def result_path(directory: Path, stem: str, kind: str) -> Path:
    """Return where a file of a recording goes; `kind` is one of `ENDINGS`."""
    return directory / f"{stem}.{ENDINGS[kind]}"


def to_unicode(path: str | Path) -> str:
    """Return a file's name as valid UTF-8, even if the name itself is not."""
    return os.fsencode(path).decode("utf-8", "replace")


def printable(path: str | Path) -> str:
    """Return a file's name without control characters, which could command the terminal."""
    return to_unicode(path).translate(_CONTROL_CHARACTERS)
