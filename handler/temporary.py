"""Temporary files: make their folders, and remove those that a killed process left behind."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY_PREFIX = ".eye-tracking-work-"
"""Only our temporary files have this prefix, so any file with it may be removed."""


@contextmanager
def temporary_folder(parent: Path | None) -> Iterator[Path]:
    """Yield a folder that is removed at the end. Default parent: the system's temporary folder."""
    with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=parent) as folder:
        yield Path(folder)


def remove_leftovers(folder: Path | None = None) -> None:
    """Remove a killed process's files from a folder. Default: the system's temporary folder."""
    for path in (folder or Path(tempfile.gettempdir())).glob(f"{TEMPORARY_PREFIX}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
