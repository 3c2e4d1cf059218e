"""The methods that every storage has. It keeps files, and a record of each analysis: its state.

There are two: `handler.aws` (S3 and DynamoDB) and `handler.local.storage` (a directory and SQLite).
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Protocol

from handler.errors import BadRequestError, NotFoundError
from handler.keys import check_analysis_id
from handler.records import Record

UPLOAD_VALID_S = 3600
DOWNLOAD_VALID_S = 900
MAX_DELIVERIES = 3
"""How many times the queue delivers a message; if the last one fails too, the message is moved to a
queue of its own for an operator to look at (the dead letters)."""


class RecordExistsError(Exception):
    """A record of this id already exists."""


class RecordChangedError(Exception):
    """Another process has changed or removed the record since it was read; nothing was written."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the list of a user's records, of which the newest is first.

    `next_token` is the `token` that `Storage.list_records` takes for the next part; it is empty at
    the end of the list. `records` may hold some in the state "deleted".
    """

    records: tuple[Record, ...]
    next_token: str


@dataclass(frozen=True, slots=True)
class UploadOffer:
    """What a client needs to upload a file: an address, and form fields that go with the file.

    The client POSTs a multipart form to `url`: first all of `fields`, unchanged, then the file in
    the field ``file``.
    """

    url: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """Which version of a file is stored.

    Attributes
    ----------
    etag : str
        Changes with the file's content. It begins and ends with a double quote, as in S3.
    version_id : str
        Id of this version, which never changes; empty if the storage keeps only the newest version.
    """

    etag: str
    version_id: str = ""

    @property
    def name(self) -> str:
        """`version_id`, or `etag` if that is empty. No version with another content has it."""
        return self.version_id or self.etag


class StoredObject(Protocol):
    """A stored file of `size_bytes` bytes, open for reading. All reads are of the same `version`.

    `stored_at` is the time of storing, ISO 8601 in UTC. `stream` is at the file's beginning, can
    seek, and is to be closed after use.
    """

    @property
    def size_bytes(self) -> int: ...

    @property
    def version(self) -> StoredVersion: ...

    @property
    def stored_at(self) -> str: ...

    @property
    def stream(self) -> BufferedIOBase: ...


class Storage(Protocol):
    """Records and files.

    Once a write has returned, every later read sees it; only `list_records` may be a little late.
    Every method may raise `ThrottledError`, `StorageUnavailableError`, or another `HandlerError` if
    the storage is set up wrongly.
    """

    def create(self, record: Record) -> None:
        """Write the record of a new analysis.

        Raise `RecordExistsError` if there is a record of this id that has not expired.
        """

    def read(self, analysis_id: str) -> Record:
        """Return the record of an analysis, in any state, also "deleted".

        Raise `NotFoundError` if there is none, or if it has expired.
        """

    def replace(self, record: Record) -> None:
        """Write version n of a record over version n - 1, where n is `record.version`.

        Raise `RecordChangedError`, and write nothing, if another version is stored, or none.
        """

    def list_records(self, user_id: str, limit: int, token: str) -> Page:
        """Return one page of a user's records, at most `limit`, the newest first.

        `token` is the `next_token` of the page before; empty for the first page. A text that is no
        token raises `BadRequestError`. A page can be shorter than `limit` before the list's end.
        """

    def put_file(self, key: str, path: Path, content_type: str) -> StoredVersion:
        """Store the file at `path` under a key, whole or not at all; return its version.

        It becomes the newest version of a file that is stored under this key. `content_type` is
        what a browser is told that the file is.
        """

    def open_file(self, key: str, version_id: str = "") -> StoredObject:
        """Open the version `version_id` of a stored file, or the newest if that is empty.

        The local storage, which keeps only the newest, ignores `version_id`. Raise `NotFoundError`
        if the file or the version is missing.
        """

    def has_file(self, key: str) -> bool:
        """Return whether a file is stored under this key."""

    def delete_version(self, key: str, version_id: str) -> None:
        """Delete one version of a file. If it was the newest, the one before becomes the newest.

        It is not to be called where the storage keeps only the newest version.
        """

    def delete_file(self, key: str) -> None:
        """Delete a file in all versions; do nothing if there is none."""

    def list_files(self, prefix: str) -> set[str]:
        """Return the keys of all stored files that begin with `prefix`, which ends with ``/``."""

    def delete_files(self, prefix: str) -> set[str]:
        """Delete all versions of all files whose keys begin with `prefix`; return these keys.

        `prefix` ends with ``/``. If a file cannot be deleted, a `HandlerError` is raised.
        """

    def locate(self, key: str) -> str:
        """Return where the file of a key is or would be: an ``s3://`` URL, or a path on the disk.

        Answers of the API give it.
        """

    def offer_upload(self, key: str, content_type: str, max_bytes: int) -> UploadOffer:
        """Return what a client needs to upload a file to `key`, within `UPLOAD_VALID_S` seconds.

        The file may have 1 to `max_bytes` bytes, and `content_type` becomes its content type. The
        local storage takes keys of uploads only, has its own limit of size, and keeps no content
        type.
        """

    def offer_download(self, key: str, content_type: str) -> str:
        """Return a URL at which a browser can open a file without signing in.

        It is valid for `DOWNLOAD_VALID_S` seconds, or for ever on a local server that checks no
        callers. The answer at this URL has the content type `content_type`. The local storage
        offers only the report of an analysis.
        """

    @property
    def can_enqueue(self) -> bool:
        """Whether this storage has a queue."""

    def enqueue(self, message: dict[str, Any]) -> None:
        """Put a message into the queue: a request's JSON object, or a notification of an upload.

        It is not to be called if `can_enqueue` is false.
        """

    def withdraw(self, analysis_id: str) -> None:
        """Remove the queue's messages about an analysis that is deleted, if the queue allows it.

        SQS does not allow it. Such a message is then ignored when it is delivered.
        """

    @property
    def workers(self) -> int:
        """How many workers share a long recording at the same time; 0: none is ever divided."""

    def start_fan_out(self, execution: str, analysis_id: str) -> None:
        """Have the state machine divide the recording of an analysis among many workers.

        `execution` is the name of this run of the state machine. If a run of this name is already
        going on, nothing happens; if one has ended, `HandlerError` is raised. It is not to be
        called if `workers` is 0.
        """

    def stop_fan_out(self, execution: str) -> None:
        """Stop the state machine's execution of this name; do nothing if it does not run."""

    def postpone(self, receipt: str, delay_s: int) -> None:
        """Have a failed message delivered again after `delay_s` seconds, not after the usual wait.

        `receipt` is the queue's handle of this delivery of the message; if it is empty, nothing
        happens. The local storage does nothing: its usual wait is a few seconds.
        """


def encode_token(record: Record) -> str:
    """Return a token that asks for the page of a list that begins after this record.

    It holds the time of creation and the id of the record, not encrypted.
    """
    return base64.urlsafe_b64encode(f"{record.created_at} {record.analysis_id}".encode()).decode()


def decode_token(token: str) -> tuple[str, str]:
    """Return what a token says, ``(created_at, analysis_id)`` of the record before the next page.

    Raises
    ------
    BadRequestError
        The text has another form than the tokens of `encode_token`.
    """
    try:
        text = base64.urlsafe_b64decode(token.encode("ascii")).decode("ascii")
        created_at, analysis_id = text.split(" ")
        datetime.fromisoformat(created_at)
        check_analysis_id(analysis_id)
    except (ValueError, binascii.Error, NotFoundError) as error:
        raise BadRequestError("bad_token", "next is not valid: take it from the answer") from error
    return created_at, analysis_id
