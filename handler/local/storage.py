"""The local server's storage: records and the queue's messages in SQLite, files in a folder."""

import contextlib
import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from handler.errors import NotFoundError, StorageUnavailableError
from handler.keys import make_key
from handler.local.files import LocalFiles
from handler.records import INTERRUPTED, Record, fail, give_back, is_over
from handler.storage import (
    DOWNLOAD_VALID_S,
    MAX_DELIVERIES,
    UPLOAD_VALID_S,
    Page,
    RecordChangedError,
    RecordExistsError,
    UploadOffer,
    decode_token,
    encode_token,
)
from handler.temporary import remove_leftovers

_OVER = "coalesce(json_extract(document, '$.expires_at') <= ?, 0)"

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


def _lock(folder: Path) -> sqlite3.Connection:
    """Lock the folder, which must exist, until the connection is closed or the process ends.

    SQLite can lock a file on every system, whereas Python's module for locks, `fcntl`, exists only
    on Unix.

    Raises
    ------
    DataInUseError
        Another process holds the lock.
    StorageUnavailableError
        The lock's file is damaged, or cannot be made.
    """
    try:
        lock = sqlite3.connect(
            folder / "lock", timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError:
            lock.close()
            raise
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise DataInUseError(f"{folder} is in use by another server") from error
        raise StorageUnavailableError(
            "storage_unavailable",
            "The file named lock cannot be used. Make room if the disk is full; otherwise remove "
            "it, or check that you may write to the directory.",
        ) from error
    return lock


class LocalStorage(LocalFiles):
    """A storage, as in `handler.storage.Storage`, in a folder that one process uses at a time.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.

    Attributes
    ----------
    address : str
        Address of the server, such as ``http://127.0.0.1:8000``. The server sets it when it knows
        its port.
    sign : callable
        Returns the query string that the address of a report or an upload needs. It is called
        with the address' path, and the seconds for which the address is valid. At first it
        returns "" for all; the server sets it to `Guard.sign`.
    has_message : threading.Event
        Set when a message enters the queue. Whoever waits for it clears it.

    Raises
    ------
    DataInUseError, StorageUnavailableError
        Another server uses the folder, or its database cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.address = ""
        self.sign: Callable[[str, int], str] = lambda _path, _valid_s: ""
        self.has_message = threading.Event()
        super().__init__(folder / "files", folder / "work")
        self._database = folder / "records.sqlite"
        self._lock = _lock(folder)
        remove_leftovers(self.work)
        with self._connect() as connection:
            connection.executescript(_SCHEMA)
        self._expire_leases()
        self.remove_expired()
        self._clean_deleted()

    def close(self) -> None:
        """Release the lock, so that another server can use the folder."""
        self._lock.close()

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection to the database for one transaction, which is committed at the end.

        If an error is raised meanwhile, nothing is changed. An error of the database is turned into
        `StorageUnavailableError`.
        """
        try:
            connection = sqlite3.connect(self._database, timeout=10)
            with contextlib.closing(connection), connection:
                # What is deleted is written over, and not only marked as free.
                connection.execute("PRAGMA secure_delete = ON")
                yield connection
        except sqlite3.DatabaseError as error:
            raise StorageUnavailableError(
                "storage_unavailable",
                "The database records.sqlite cannot be used. Disk full, or file damaged?",
            ) from error

    def _expire_leases(self) -> None:
        """Let this process take over, from now on, what the previous process was analysing.

        `Record.lease_until_s` of each record in the state "processing" is set to now.
        """
        with self._connect() as connection:
            rows = connection.execute("SELECT document FROM records").fetchall()
        for (document,) in rows:
            record = Record(**json.loads(document))
            if record.state == "processing":
                self.replace(replace(record, version=record.version + 1, lease_until_s=time.time()))

    def _clean_deleted(self) -> None:
        """Remove the files of deleted analyses that a killed process may have left behind."""
        with self._connect() as connection:
            rows = connection.execute("SELECT document FROM records").fetchall()
        for (document,) in rows:
            record = Record(**json.loads(document))
            if record.state == "deleted":
                for folder in self._files.glob(f"users/*/eye/{record.analysis_id}"):
                    shutil.rmtree(folder, ignore_errors=True)

    def release(self) -> None:
        """Before this process ends, mark the analyses that it works on as queued or failed.

        Those with a message in the queue become queued, as if this attempt had not begun; the
        others fail with the code ``interrupted``. Threads that still work on them can no longer
        write their records.
        """
        with self._connect() as connection:
            documents = connection.execute("SELECT document FROM records").fetchall()
            messages = [body for (body,) in connection.execute("SELECT body FROM messages")]
        for (document,) in documents:
            record = Record(**json.loads(document))
            if record.state != "processing":
                continue
            if any(record.analysis_id in one or record.source_key in one for one in messages):
                released = give_back(record)
            else:
                released = fail(record, INTERRUPTED)
            # With the owner gone, the threads that still work on it cannot write it any more.
            with contextlib.suppress(RecordChangedError):
                self.replace(replace(released, owner=""))

    def create(self, record: Record) -> None:
        with self._connect() as connection:
            connection.execute(
                f"DELETE FROM records WHERE analysis_id = ? AND {_OVER}",
                (record.analysis_id, time.time()),
            )
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
        record = None if row is None else Record(**json.loads(row[0]))
        if record is None or is_over(record, time.time()):
            raise NotFoundError("analysis_not_found", "There is no analysis of this id.")
        return record

    def replace(self, record: Record) -> None:
        with self._connect() as connection:
            written = connection.execute(
                "UPDATE records SET user_id = ?, version = ?, document = ? "
                "WHERE analysis_id = ? AND version = ?",
                (
                    record.user_id,
                    record.version,
                    _to_text(record),
                    record.analysis_id,
                    record.version - 1,
                ),
            ).rowcount
        if not written:
            raise RecordChangedError

    def list_records(self, user_id: str, limit: int, token: str) -> Page:
        # Sorts after every record.
        before = decode_token(token) if token else ("~", "~")
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT document FROM records WHERE user_id = ? AND (created_at, analysis_id) < "
                f"(?, ?) AND NOT ({_OVER}) ORDER BY created_at DESC, analysis_id DESC LIMIT ?",
                (user_id, *before, time.time(), limit + 1),
            ).fetchall()
        records = tuple(Record(**json.loads(document)) for (document,) in rows)
        more = len(records) > limit
        return Page(records[:limit], encode_token(records[limit - 1]) if more else "")

    def remove_expired(self) -> None:
        """Remove each record that has expired, and the files of its analysis.

        S3 and DynamoDB do this by themselves.
        """
        with self._connect() as connection:
            rows = connection.execute(
                f"SELECT document FROM records WHERE {_OVER}", (time.time(),)
            ).fetchall()
        for (document,) in rows:
            record = Record(**json.loads(document))
            if record.user_id:
                self.delete_files(make_key(record.user_id, record.analysis_id, ""))
            with self._connect() as connection:
                connection.execute(
                    "DELETE FROM records WHERE analysis_id = ?", (record.analysis_id,)
                )

    def offer_upload(self, key: str, content_type: str, max_bytes: int) -> UploadOffer:
        path = f"/uploads/{key.split('/')[3]}"
        return UploadOffer(
            url=f"{self.address}{path}{self.sign(path, UPLOAD_VALID_S)}",
            fields={"key": key, "Content-Type": content_type},
        )

    def offer_download(self, key: str, content_type: str) -> str:
        path = f"/reports/{key.split('/')[3]}"
        return f"{self.address}{path}{self.sign(path, DOWNLOAD_VALID_S)}"

    @property
    def can_enqueue(self) -> bool:
        return True

    def enqueue(self, message: dict[str, Any]) -> None:
        with self._connect() as connection:
            connection.execute("INSERT INTO messages (body) VALUES (?)", (json.dumps(message),))
        self.has_message.set()

    def withdraw(self, analysis_id: str) -> None:
        with self._connect() as connection:
            connection.execute("DELETE FROM messages WHERE instr(body, ?)", (analysis_id,))

    @property
    def workers(self) -> int:
        return 0

    def start_fan_out(self, execution: str, analysis_id: str) -> None:
        raise NotImplementedError("One process analyses each recording.")

    def stop_fan_out(self, execution: str) -> None:
        """Do nothing, because this storage starts no state machine."""

    def postpone(self, receipt: str, delay_s: int) -> None:
        """Do nothing: a failed message comes again within seconds anyway; see `return_message`."""

    def receive(self) -> tuple[int, str, int] | None:
        """Return the oldest message that is due, ``(id, body, failures)``; None if there is none.

        A message is due unless it has failed and still waits: see `return_message`. `failures` is
        how often it has failed. It stays in the queue, and is returned again by the next call,
        until `acknowledge` or `return_message` is called.
        """
        with self._connect() as connection:
            row: tuple[int, str, int] | None = connection.execute(
                "SELECT message_id, body, deliveries FROM messages WHERE visible_at_s <= ? "
                "ORDER BY message_id LIMIT 1",
                (time.time(),),
            ).fetchone()
        return row

    def acknowledge(self, message_id: int) -> None:
        """Remove a message whose work is done, by its id."""
        with self._connect() as connection:
            connection.execute("DELETE FROM messages WHERE message_id = ?", (message_id,))

    def return_message(self, message_id: int) -> None:
        """Have a failed message delivered again, 1 s after its first failure, 2 s after the second.

        If it was delivered `MAX_DELIVERIES` (3) times, remove it instead.
        """
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
