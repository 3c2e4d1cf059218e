"""Make temporary folders, and remove temporary files that a killed process left behind."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY_PREFIX = ".eye-tracking-work-"
"""Only this program's temporary files have this prefix, so any file with it may be removed."""


@contextmanager
def temporary_folder(parent: Path | None) -> Iterator[Path]:
    """Make a folder, yield its path, and remove it at the end of the ``with`` block.

    The folder is made in `parent`, or in the system's temporary folder if that is None.
    """
    with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=parent) as folder:
        yield Path(folder)


def remove_leftovers(folder: Path | None = None) -> None:
    """Remove what killed processes left directly in a folder, files and whole folders.

    Their names start with `TEMPORARY_PREFIX`. Call it only while no other process uses the folder,
    for those of running processes are removed too. Default: the system's temporary folder.
    """
    for path in (folder or Path(tempfile.gettempdir())).glob(f"{TEMPORARY_PREFIX}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
