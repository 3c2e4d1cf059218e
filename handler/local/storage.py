"""Files in a directory, records and messages in SQLite."""

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from handler.errors import (
    NotFoundError,
    StorageUnavailableError,
)
from handler.records import Record
from handler.storage import (
    Page,
    RecordChangedError,
    RecordExistsError,
    UploadOffer,
    decode_token,
    encode_token,
)
from handler.temporary import TEMPORARY_PREFIX, remove_leftovers

MAX_DELIVERIES = 5


_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    analysis_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, created_at TEXT NOT NULL,
    version INTEGER NOT NULL, document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_user ON records (user_id, created_at DESC, analysis_id DESC);
CREATE TABLE IF NOT EXISTS messages (
    message_id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0, visible_at_s REAL NOT NULL DEFAULT 0);
"""


class DataInUseError(Exception):
    """Another server uses the same folder."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A stored file that is open."""

    size_bytes: int
    version_tag: str
    stream: BufferedIOBase


class LocalStorage:
    """A storage, as in `handler.storage.Storage`, in a folder that one process uses at a time.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.

    Attributes
    ----------
    address : str
        Address of the server, to which files are uploaded.
    has_message : threading.Event
        Set when a message enters the queue.
    work : Path
        For temporary files. The leftovers of a killed process are removed from it.

    Raises
    ------
    DataInUseError, StorageUnavailableError
    """

    def __init__(self, folder: Path) -> None:
        self.address = ""
        self.has_message = threading.Event()
        self._files = folder / "files"
        self.work = folder / "work"
        for one in (self._files, self.work):
            one.mkdir(parents=True, exist_ok=True)
        self._database = folder / "records.sqlite"
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise DataInUseError(f"{folder} is in use by another server") from error
        remove_leftovers(self.work)
        with self._connect() as connection:
            connection.executescript(_SCHEMA)
        self._expire_leases()

    def close(self) -> None:
        """Let another server use the folder."""
        self._lock.close()

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection for one transaction in this thread."""
        try:
            connection = sqlite3.connect(self._database, timeout=10)
            with contextlib.closing(connection), connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise StorageUnavailableError(
                "storage_unavailable",
                "The database records.sqlite cannot be used. Disk full, or file damaged?",
            ) from error

    def _expire_leases(self) -> None:
        """End the leases of the previous process, so that its analyses can be taken over."""
        with self._connect() as connection:
            rows = connection.execute("SELECT document FROM records").fetchall()
        for (document,) in rows:
            record = Record(**json.loads(document))
            if record.state == "processing":
                self.replace(replace(record, version=record.version + 1, lease_until_s=time.time()))

    def create(self, record: Record) -> None:
        with self._connect() as connection:
            written = connection.execute(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*_columns(record), _to_text(record)),
            ).rowcount
        if not written:
            raise RecordExistsError

    def read(self, analysis_id: str) -> Record:
        with self._connect() as connection:
            row = connection.execute(
                "SELECT document FROM records WHERE analysis_id = ?", (analysis_id,)
            ).fetchone()
        if row is None:
            raise NotFoundError("analysis_not_found", "There is no analysis of this id.")
        return Record(**json.loads(row[0]))

    def replace(self, record: Record) -> None:
        with self._connect() as connection:
            written = connection.execute(
                "UPDATE records SET version = ?, document = ? "
                "WHERE analysis_id = ? AND version = ?",
                (record.version, _to_text(record), record.analysis_id, record.version - 1),
            ).rowcount
        if not written:
            raise RecordChangedError

    def list_records(self, user_id: str, limit: int, token: str) -> Page:
        # Sorts after every record.
        before = decode_token(token) if token else ("~", "~")
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT document FROM records WHERE user_id = ? AND (created_at, analysis_id) < "
                "(?, ?) ORDER BY created_at DESC, analysis_id DESC LIMIT ?",
                (user_id, *before, limit + 1),
            ).fetchall()
        records = tuple(Record(**json.loads(document)) for (document,) in rows)
        more = len(records) > limit
        return Page(records[:limit], encode_token(records[limit - 1]) if more else "")

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        with path.open("rb") as source, self.writing(key) as file:
            shutil.copyfileobj(source, file)

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[Any]:
        """Yield a file to write, which appears under the key once it is whole."""
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

    def open_file(self, key: str) -> LocalFile:
        path = self._path(key)
        try:
            stream = path.open("rb")
        except OSError as error:
            raise NotFoundError("file_not_found", "There is no such file. Upload it first.") from (
                error
            )
        status = os.fstat(stream.fileno())
        return LocalFile(status.st_size, f"{status.st_size}-{status.st_mtime_ns}", stream)

    def locate(self, key: str) -> str:
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        path = (self._files / key).resolve()
        # Keys were checked before. This also stops links, and a key that was not checked.
        if not path.is_relative_to(self._files.resolve()):
            raise NotFoundError("file_not_found", "There is no such file. Upload it first.")
        return path

    def offer_upload(self, key: str, content_type: str, max_bytes: int) -> UploadOffer:
        analysis_id = key.split("/")[3]
        return UploadOffer(
            url=f"{self.address}/uploads/{analysis_id}",
            fields={"key": key, "Content-Type": content_type},
        )

    def offer_download(self, key: str, content_type: str) -> str:
        return f"{self.address}/reports/{key.split('/')[3]}"

    @property
    def can_enqueue(self) -> bool:
        return True

    def enqueue(self, message: dict[str, Any]) -> None:
        with self._connect() as connection:
            connection.execute("INSERT INTO messages (body) VALUES (?)", (json.dumps(message),))
        self.has_message.set()

    def receive(self) -> tuple[int, str] | None:
        """Return the id and body of the next message; None if none is waiting."""
        with self._connect() as connection:
            row: tuple[int, str] | None = connection.execute(
                "SELECT message_id, body FROM messages WHERE visible_at_s <= ? "
                "ORDER BY message_id LIMIT 1",
                (time.time(),),
            ).fetchone()
        return row

    def acknowledge(self, message_id: int) -> None:
        """Remove a message whose work is done."""
        with self._connect() as connection:
            connection.execute("DELETE FROM messages WHERE message_id = ?", (message_id,))

    def return_message(self, message_id: int) -> None:
        """Deliver a message again after a while, at most `MAX_DELIVERIES` times in all."""
        with self._connect() as connection:
            connection.execute(
                "UPDATE messages SET deliveries = deliveries + 1, visible_at_s = ? + "
                "(1 << deliveries) WHERE message_id = ?",
                (time.time(), message_id),
            )
            connection.execute("DELETE FROM messages WHERE deliveries >= ?", (MAX_DELIVERIES,))


def _columns(record: Record) -> tuple[str, str, str, int]:
    return record.analysis_id, record.user_id, record.created_at, record.version


def _to_text(record: Record) -> str:
    return json.dumps(asdict(record), allow_nan=False)
