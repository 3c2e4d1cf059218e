"""Names of files: of those this program writes, and as text of those that others named."""

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
"""What follows the stem and a dot, by kind of file."""

_CONTROL_CHARACTERS = dict.fromkeys([*range(32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}")


def result_path(directory: Path, stem: str, kind: str) -> Path:
    """Return where a file of a recording goes; `kind` is one of `ENDINGS`."""
    return directory / f"{stem}.{ENDINGS[kind]}"


def to_unicode(path: str | Path) -> str:
    """Return a name for a file in UTF-8, which it need not be itself."""
    return os.fsencode(path).decode("utf-8", "replace")


def printable(path: str | Path) -> str:
    """Return a name for a terminal, which control characters could make do anything."""
    return to_unicode(path).translate(_CONTROL_CHARACTERS)
