"""Names of files: make those that this program writes, and turn any name into safe text."""

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
"""Ending of the name of each kind of file. It follows the stem and a dot."""

_CONTROL_CHARACTERS = dict.fromkeys([*range(32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}")


def result_path(directory: Path, stem: str, kind: str) -> Path:
    """Return the path of one of a recording's result files; `kind` is a key of `ENDINGS`."""
    return directory / f"{stem}.{ENDINGS[kind]}"


def to_unicode(path: str | Path) -> str:
    """Return a file's name as valid Unicode; bytes of it that are not UTF-8 are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")


def printable(path: str | Path) -> str:
    """Return a file's name with control characters replaced, which could command the terminal."""
    return to_unicode(path).translate(_CONTROL_CHARACTERS)
