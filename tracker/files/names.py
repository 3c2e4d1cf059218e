"""Names of files: make those that this program writes, and turn any name into safe text.

All files of a recording begin with the same *stem*: in ``clip.report.html`` it is ``clip``.
"""

import hashlib
import os
import unicodedata
from pathlib import Path

ENDINGS = {
    "summary": "summary.json",
    "frames": "frames.csv",
    "blinks": "blinks.csv",
    "saccades": "saccades.csv",
    "track": "track.npz",
    "overlay": "overlay.mp4",
    "report": "report.html",
    "pdf": "pdf",
}
"""Ending of the name of each kind of file. It follows the stem and a dot."""

DETECTED = "blinks.auto.csv"
"""Ending of the table of closures as they were detected, beside that of the corrected ones."""

CORRECTIONS = "corrections.json"
"""Ending of the file of what a person corrected. Analyses read it; see `tracker.files.corrections`.
"""

MAX_STEM_BYTES = 226
"""Longest stem that is kept. File systems take names of 255 bytes; the longest ending and the mark
of a file that is still being written take 29."""

_CONTROL_CHARACTERS = dict.fromkeys([*range(32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}")


def result_path(directory: Path, stem: str, kind: str) -> Path:
    """Return the path of one of a recording's result files: STEM, a dot and the kind's ending.

    `kind` is a key of `ENDINGS`, such as "report".
    """
    return directory / f"{stem}.{ENDINGS[kind]}"


def shorten_stem(stem: str) -> str:
    """Shorten a stem, with which files' names begin, to `MAX_STEM_BYTES` bytes if it is longer.

    Otherwise return it as it is. The shortened one has as many whole characters from the start as
    fit, "~" and 8 digits of the stem's hash, so that long stems that begin alike stay different.
    """
    name = os.fsencode(stem)
    if len(name) <= MAX_STEM_BYTES:
        return stem
    mark = "~" + hashlib.sha256(name).hexdigest()[:8]
    kept = stem
    while len(os.fsencode(kept)) > MAX_STEM_BYTES - len(mark):
        kept = kept[:-1]
    return kept + mark


def fold_name(path: str | Path) -> str:
    """Return a text that is equal for paths that some file systems treat as the same.

    Such are ``A`` and ``a``, and "é" as one character and as two.
    """
    return unicodedata.normalize("NFC", str(path)).casefold()


def to_unicode(path: str | Path) -> str:
    """Return a path or a name, whole, as valid Unicode; bytes that are not UTF-8 become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")


def printable(path: str | Path) -> str:
    """Return a path or a name, whole, as text that is safe to print on a terminal.

    Control characters, which could command it, and bytes that are not UTF-8 become U+FFFD.
    """
    return to_unicode(path).translate(_CONTROL_CHARACTERS)
