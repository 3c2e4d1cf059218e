"""The methods that every storage of records and files has.

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
"""How many times the queue delivers a message; after that it is a dead letter."""


class RecordExistsError(Exception):
    """A record of this id already exists."""


class RecordChangedError(Exception):
    """Another process has written the record since it was read."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the list of a user's records, of which the newest is first.

    `next_token` asks for the next part; it is empty at the end of the list.
    """

    records: tuple[Record, ...]
    next_token: str


@dataclass(frozen=True, slots=True)
class UploadOffer:
    """The address to POST a file to, and the fields of the form, which the file must follow."""

    url: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """Which version of a file is stored.

    Attributes
    ----------
    etag : str
        Changes with the file's content.
    version_id : str
        Id of this version, which never changes; empty if the storage keeps only the newest version.
    """

    etag: str
    version_id: str = ""

    @property
    def name(self) -> str:
        """A text that no other version of the same file has."""
        return self.version_id or self.etag


class StoredObject(Protocol):
    """A stored file that is open for reading. All reads are of the same version."""

    @property
    def size_bytes(self) -> int: ...

    @property
    def version(self) -> StoredVersion: ...

    @property
    def stored_at(self) -> str: ...

    @property
    def stream(self) -> BufferedIOBase: ...


class Storage(Protocol):
    """Records and files. Every method may raise `ThrottledError` and `StorageUnavailableError`.

    Once a write has returned, every later read sees it.
    """

    def create(self, record: Record) -> None:
        """Write a new record; raise `RecordExistsError` if its id is taken."""

    def read(self, analysis_id: str) -> Record:
        """Return a record; raise `NotFoundError` if there is none."""

    def replace(self, record: Record) -> None:
        """Write a record over its last version; raise `RecordChangedError` if another is stored."""

    def list_records(self, user_id: str, limit: int, token: str) -> Page:
        """Return one page of a user's records, the newest first.

        `token` is the `next_token` of the page before; empty for the first page.
        A wrong token raises `BadRequestError`.
        """

    def put_file(self, key: str, path: Path, content_type: str) -> StoredVersion:
        """Store a file, either whole or not at all."""

    def open_file(self, key: str, version_id: str = "") -> StoredObject:
        """Open a stored file in this version, or the newest; raise `NotFoundError` if missing."""

    def has_file(self, key: str) -> bool:
        """Return whether a file is stored under this key."""

    def delete_version(self, key: str, version_id: str) -> None:
        """Delete one version of a file; the version before it becomes the newest again."""

    def delete_file(self, key: str) -> None:
        """Delete a file in all versions, if there is one."""

    def list_files(self, prefix: str) -> set[str]:
        """Return the keys of all files that begin with `prefix`."""

    def delete_files(self, prefix: str) -> set[str]:
        """Delete all versions of all files whose keys begin with `prefix`; return their keys."""

    def locate(self, key: str) -> str:
        """Return where a file is, for use in answers: an ``s3://`` URL, or a path on the disk."""

    def offer_upload(self, key: str, content_type: str, max_bytes: int) -> UploadOffer:
        """Return an offer to upload a file of at most `max_bytes` within `UPLOAD_VALID_S`."""

    def offer_download(self, key: str, content_type: str) -> str:
        """Return a URL at which a file can be read for at least `DOWNLOAD_VALID_S`."""

    @property
    def can_enqueue(self) -> bool:
        """Whether this storage has a queue."""

    def enqueue(self, message: dict[str, Any]) -> None:
        """Put a message into the queue: a request's JSON object, or a notification of an upload."""

    def withdraw(self, analysis_id: str) -> None:
        """Remove the messages about an upload from the queue, if the queue allows it.

        SQS does not allow it. Such a message is then ignored when it is delivered.
        """

    @property
    def workers(self) -> int:
        """How many workers a long recording can be divided among; 0 if it cannot be divided."""

    def start_fan_out(self, execution: str, analysis_id: str) -> None:
        """Have the state machine divide a recording.

        If this execution is already running, nothing happens.
        """

    def stop_fan_out(self, execution: str) -> None:
        """Stop an execution of the state machine, if it is running."""

    def postpone(self, receipt: str, delay_s: int) -> None:
        """Have a failed message delivered again after `delay_s`, sooner than usual.

        `receipt` is the queue's handle of the delivery.
        """


def encode_token(record: Record) -> str:
    """Return a token for the next page of a list, which begins after this record."""
    return base64.urlsafe_b64encode(f"{record.created_at} {record.analysis_id}".encode()).decode()


def decode_token(token: str) -> tuple[str, str]:
    """Return what a token says: time of creation and id of the record before the next page.

    Raises
    ------
    BadRequestError
        `encode_token` did not make this token.
    """
    try:
        text = base64.urlsafe_b64decode(token.encode("ascii")).decode("ascii")
        created_at, analysis_id = text.split(" ")
        datetime.fromisoformat(created_at)
        check_analysis_id(analysis_id)
    except (ValueError, binascii.Error, NotFoundError) as error:
        raise BadRequestError("bad_token", "next is not valid: take it from the answer") from error
    return created_at, analysis_id
