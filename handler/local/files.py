"""Files in a directory. A file appears there only when it is complete."""

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from handler.errors import NotFoundError, StorageUnavailableError
from handler.storage import StoredVersion
from handler.temporary import TEMPORARY_PREFIX

DELETE_ATTEMPTS, DELETE_INTERVAL_S = 20, 0.05
"""How often, and in which intervals, a folder is deleted in which an analysis still writes files.
It writes a few at its end, or sees before the next one that it was deleted."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A stored file that is open for reading: its size, version, time of storing, and content.

    `handler.storage.StoredObject` says what each attribute is.
    """

    size_bytes: int
    version: StoredVersion
    stored_at: str
    stream: BufferedIOBase


class LocalFiles:
    """The files of a storage; its methods are those of `handler.storage.Storage`.

    It keeps only the newest version of a file, and no content types.

    Parameters
    ----------
    files : Path
        Folder that holds the files. A file's key is its path below this folder. Created if it does
        not exist.
    work : Path
        Folder for temporary files, on the same disk. Created if it does not exist.
    """

    def __init__(self, files: Path, work: Path) -> None:
        self._files = files
        self.work = work
        for one in (files, work):
            one.mkdir(parents=True, exist_ok=True)

    def put_file(self, key: str, path: Path, content_type: str) -> StoredVersion:
        with path.open("rb") as source, self.writing(key) as file:
            shutil.copyfileobj(source, file)
            file.flush()
            return _read_version(file)

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[Any]:
        """Yield a temporary file to write bytes to; at the end it becomes the file of this key.

        It replaces a stored file of this key. If an error is raised meanwhile, the temporary file
        is deleted and what was stored stays.

        Raises
        ------
        StorageUnavailableError
            The file cannot be written, for example because the disk is full. Every `OSError` that
            the ``with`` block raises is turned into this error.
        """
        target = self._path(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = self.work / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
            try:
                with partial.open("wb") as file:
                    yield file
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise StorageUnavailableError(
                "storage_unavailable", "The file cannot be written. Is the disk full?"
            ) from error

    def open_file(self, key: str, version_id: str = "") -> LocalFile:
        path = self._path(key)
        try:
            stream = path.open("rb")
        except OSError as error:
            raise NotFoundError("file_not_found", "There is no such file. Upload it first.") from (
                error
            )
        status = os.fstat(stream.fileno())
        stored_at = datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="seconds")
        return LocalFile(status.st_size, _read_version(stream), stored_at, stream)

    def has_file(self, key: str) -> bool:
        return self._path(key).is_file()

    def delete_version(self, key: str, version_id: str) -> None:
        raise NotImplementedError("There is only the newest version.")

    def delete_file(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def list_files(self, prefix: str) -> set[str]:
        # Every prefix is the path of a folder.
        folder, root = self._path(prefix), self._files.resolve()
        return {str(one.relative_to(root)) for one in folder.rglob("*") if one.is_file()}

    def delete_files(self, prefix: str) -> set[str]:
        folder, keys = self._path(prefix), self.list_files(prefix)
        for _ in range(DELETE_ATTEMPTS):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                return keys
            time.sleep(DELETE_INTERVAL_S)
        raise StorageUnavailableError("storage_unavailable", "Not all files can be deleted.")

    def locate(self, key: str) -> str:
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        path = (self._files / key).resolve()
        # Keys were checked before. This also stops links, and a key that was not checked.
        if not path.is_relative_to(self._files.resolve()):
            raise NotFoundError("file_not_found", "There is no such file. Upload it first.")
        return path


def _read_version(file: Any) -> StoredVersion:
    status = os.fstat(file.fileno())
    return StoredVersion(f'"{status.st_size}-{status.st_mtime_ns}"')
