"""Make temporary folders, and remove temporary files that a killed process left behind."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handler.errors import StorageUnavailableError

TEMPORARY_PREFIX = ".eye-tracking-work-"
"""Only this program's temporary files have this prefix, so any file with it may be removed."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""Codes of the errors that a full disk and a used-up share of it raise."""


@contextmanager
def temporary_folder(parent: Path | None) -> Iterator[Path]:
    """Make a folder, yield its path, and remove it at the end of the ``with`` block.

    The folder is made in `parent`, or in the system's temporary folder if that is None.

    Raises
    ------
    StorageUnavailableError
        The disk has no room (left) for the folder, or for what the ``with`` block writes. Other
        errors of the block are raised as they are.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=parent) as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise StorageUnavailableError(
            "storage_unavailable",
            "The disk has no room for temporary files. Make room, or send the request again later.",
        ) from error


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
