"""File names as text. Whoever made the files chose them: they can be any bytes but a slash."""

import os
from pathlib import Path

_CONTROL_CHARACTERS = dict.fromkeys([*range(32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}")


def to_unicode(path: str | Path) -> str:
    """Return a name for a file in UTF-8, which it need not be itself."""
    return os.fsencode(path).decode("utf-8", "replace")


def printable(path: str | Path) -> str:
    """Return a name for a terminal, which control characters could make do anything."""
    return to_unicode(path).translate(_CONTROL_CHARACTERS)
