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
"""The queue delivers a message so many times; after that it is a dead letter."""


class RecordExistsError(Exception):
    """There is a record of this id."""


class RecordChangedError(Exception):
    """The record is no longer at the version that was read."""


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one user, the newest first. `next_token` leads to the rest, if it is not empty."""

    records: tuple[Record, ...]
    next_token: str


@dataclass(frozen=True, slots=True)
class UploadOffer:
    """The address to POST a file to, and the form fields that must come before it."""

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
        Names this version for ever; empty if the storage keeps only the newest one.
    """

    etag: str
    version_id: str = ""

    @property
    def name(self) -> str:
        """What tells this version from all others of the same file."""
        return self.version_id or self.etag


class StoredObject(Protocol):
    """A stored file that is open, always in the same version."""

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
        """Write a new record; `RecordExistsError` if its id is taken."""

    def read(self, analysis_id: str) -> Record:
        """Return a record; `NotFoundError` if there is none."""

    def replace(self, record: Record) -> None:
        """Replace the version before this one; `RecordChangedError` if another one is stored."""

    def list_records(self, user_id: str, limit: int, token: str) -> Page:
        """Return a user's records, the newest first; `BadRequestError` for a wrong token."""

    def put_file(self, key: str, path: Path, content_type: str) -> StoredVersion:
        """Store a file, either whole or not at all."""

    def open_file(self, key: str, version_id: str = "") -> StoredObject:
        """Open a stored file, in one version if it is named; `NotFoundError` if there is none."""

    def has_file(self, key: str) -> bool:
        """Whether a file is stored."""

    def delete_version(self, key: str, version_id: str) -> None:
        """Delete one version of a file; the one before it is there again."""

    def delete_file(self, key: str) -> None:
        """Delete a file in all versions, if there is one."""

    def delete_files(self, prefix: str) -> set[str]:
        """Delete all files whose keys begin so, in all versions; return their keys."""

    def locate(self, key: str) -> str:
        """Return the address by which the answers name a file."""

    def offer_upload(self, key: str, content_type: str, max_bytes: int) -> UploadOffer:
        """Offer the upload of a file of at most `max_bytes`, valid for `UPLOAD_VALID_S`."""

    def offer_download(self, key: str, content_type: str) -> str:
        """Return a URL at which a file can be read for at least `DOWNLOAD_VALID_S`."""

    @property
    def can_enqueue(self) -> bool:
        """Whether this storage has a queue."""

    def enqueue(self, message: dict[str, Any]) -> None:
        """Queue a message: a request as in a direct invocation, or a notification of an upload."""

    def withdraw(self, analysis_id: str) -> None:
        """Take the messages about an upload out of the queue, where the queue allows it.

        SQS does not. There, such a message is dropped when it is delivered.
        """

    def postpone(self, receipt: str, delay_s: int) -> None:
        """Have a message delivered again after this time, sooner than a killed process' one."""


def encode_token(record: Record) -> str:
    """Return a token. A list that is requested with it continues after this record."""
    return base64.urlsafe_b64encode(f"{record.created_at} {record.analysis_id}".encode()).decode()


def decode_token(token: str) -> tuple[str, str]:
    """Return the time and id of the record after which a list continues.

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
