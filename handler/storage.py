"""What a storage of records and files does.

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


class RecordExistsError(Exception):
    """There is a record of this id."""


class RecordChangedError(Exception):
    """The record is no longer at the version that was read."""


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one user, the newest first, and where the rest begins; empty at the end."""

    records: tuple[Record, ...]
    next_token: str


@dataclass(frozen=True, slots=True)
class UploadOffer:
    """Where to POST a file to, and the form fields that have to come before it."""

    url: str
    fields: dict[str, str]


class StoredObject(Protocol):
    """A stored file that is open, always in the same version."""

    @property
    def size_bytes(self) -> int: ...

    @property
    def version_tag(self) -> str: ...

    @property
    def stream(self) -> BufferedIOBase: ...


class Storage(Protocol):
    """Records and files. Every method may raise `ThrottledError` and `StorageUnavailableError`.

    A write that the storage has taken is there for every later read of the record.
    """

    def create(self, record: Record) -> None:
        """Write a new record; `RecordExistsError` if there is one."""

    def read(self, analysis_id: str) -> Record:
        """Return a record; `NotFoundError` without one."""

    def replace(self, record: Record) -> None:
        """Write over version - 1 of a record; `RecordChangedError` if it is at another one."""

    def list_records(self, user_id: str, limit: int, token: str) -> Page:
        """Return a user's records, the newest first; `BadRequestError` if the token is none."""

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Store a file: whole, or not at all."""

    def open_file(self, key: str) -> StoredObject:
        """Open a stored file; `NotFoundError` without one."""

    def locate(self, key: str) -> str:
        """Return a file's address as the answers name it."""

    def offer_upload(self, key: str, content_type: str, max_bytes: int) -> UploadOffer:
        """Return where to POST a file of at most `max_bytes`, within `UPLOAD_VALID_S`."""

    def offer_download(self, key: str, content_type: str) -> str:
        """Return where a file can be read, for `DOWNLOAD_VALID_S` at least."""

    @property
    def can_enqueue(self) -> bool:
        """Whether there is a queue."""

    def enqueue(self, message: dict[str, Any]) -> None:
        """Have a request, a direct invocation's object, carried out soon."""


def encode_token(record: Record) -> str:
    """Return where a list goes on after this record."""
    return base64.urlsafe_b64encode(f"{record.created_at} {record.analysis_id}".encode()).decode()


def decode_token(token: str) -> tuple[str, str]:
    """Return time and id of the record after which a list goes on.

    Raises
    ------
    BadRequestError
        The token is none of `encode_token`.
    """
    try:
        text = base64.urlsafe_b64decode(token.encode("ascii")).decode("ascii")
        created_at, analysis_id = text.split(" ")
        datetime.fromisoformat(created_at)
        check_analysis_id(analysis_id)
    except (ValueError, binascii.Error, NotFoundError) as error:
        raise BadRequestError("bad_token", "next is not valid: take it from the answer") from error
    return created_at, analysis_id
