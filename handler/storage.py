"""What is stored: the record of an analysis and how it may change, keys, and what a storage does.

Pure: how a record goes on is decided here, and the storages only write one version after another.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Literal, Protocol

from handler.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError
from tracker.words import Language

State = Literal["queued", "processing", "completed", "failed"]

ANONYMOUS = "anonymous"
"""Whose the analyses of requests without a `user_id` are."""
ORIGINAL = "original"
"""Name of the uploaded file; without a suffix, for its kind is told by content."""
REPORT = "report.html"
UPLOAD_VALID_S = 3600
DOWNLOAD_VALID_S = 900
_USER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}", re.ASCII)
_ANALYSIS_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_KEY_PART = re.compile(r"[^/\\\x00-\x1f\x7f\ud800-\udfff]+")
MAX_KEY_BYTES = 1024


TAKEN_OVER_WITHIN_S = 3 * 1800.0
"""After a lease's end, in which the queue delivers a message again: three times, hidden for half an
hour each."""


@dataclass(frozen=True, slots=True)
class Record:
    """The state of one analysis.

    Attributes
    ----------
    analysis_id : str
        32 hexadecimal digits.
    user_id : str
        Whose it is.
    source_key : str
        Key of the file that is analysed.
    created_at : str
        UTC, ISO 8601 with microseconds, so that it sorts.
    parameters : dict
        As the client gave them, checked.
    report : {"en", "ko", None}
        Language of the report to write.
    state : {"queued", "processing", "completed", "failed"}
    version : int
        Number of this write. A record is only written over the version before.
    owner : str
        Who is, or was last, working on it.
    lease_until_s : float
        Unix time at which the owner is no longer alive.
    attempts : int
        How many times work on it began.
    progress_percent : int
        0-100.
    kind : {"video", "image", ""}
        By content; empty before that is known.
    outcome : dict
        Of a completed video the `summary`, of an image the `result`.
    files : dict
        Keys of what was written, by name.
    error : dict
        Of a failed one: `code` and `error`.
    """

    analysis_id: str
    user_id: str
    source_key: str
    created_at: str
    parameters: dict[str, Any]
    report: Language | None = None
    state: State = "queued"
    version: int = 1
    owner: str = ""
    lease_until_s: float = 0.0
    attempts: int = 0
    progress_percent: int = 0
    kind: str = ""
    outcome: dict[str, Any] | None = None
    files: dict[str, str] | None = None
    error: dict[str, str] | None = None


def told(record: Record, now_s: float) -> Record:
    """Return the record as it is told: failed, if its owner is gone and nobody will take it over.

    What is stored stays as it is, so that a late delivery or the same request can still go on.
    """
    if record.state != "processing" or now_s < record.lease_until_s + TAKEN_OVER_WITHIN_S:
        return record
    error = {
        "error": "The analysis was stopped without a result. Send it again.",
        "code": "interrupted",
    }
    return replace(record, state="failed", error=error)


def claim(record: Record, owner: str, now_s: float, lease_until_s: float) -> Record:
    """Take a record to work on it: a queued or failed one, or one whose owner is gone.

    Raises
    ------
    ConflictError
        Another one is working on it.
    ValueError
        It is completed.
    """
    if record.state == "completed":
        raise ValueError("completed")
    if record.state == "processing" and now_s < record.lease_until_s:
        raise ConflictError("in_progress", "This analysis is running. Ask for its status.")
    return replace(
        record,
        state="processing",
        version=record.version + 1,
        owner=owner,
        lease_until_s=lease_until_s,
        attempts=record.attempts + 1,
        progress_percent=0,
        error=None,
    )


def advance(record: Record, progress_percent: int) -> Record:
    """Write down how far a record that is worked on is."""
    assert record.state == "processing"
    return replace(record, version=record.version + 1, progress_percent=progress_percent)


def complete(record: Record, kind: str, outcome: dict[str, Any], files: dict[str, str]) -> Record:
    """End work on a record with its outcome."""
    assert record.state == "processing"
    return replace(
        record,
        state="completed",
        version=record.version + 1,
        progress_percent=100,
        kind=kind,
        outcome=outcome,
        files=files,
    )


def fail(record: Record, error: dict[str, str]) -> Record:
    """End work on a record, or what kept it from beginning, with an error."""
    assert record.state in ("queued", "processing", "failed")
    return replace(record, state="failed", version=record.version + 1, error=error)


def requeue(record: Record) -> Record:
    """Have a failed record wait for another attempt."""
    assert record.state == "failed"
    return replace(
        record, state="queued", version=record.version + 1, progress_percent=0, error=None
    )


class RecordExistsError(Exception):
    """There is a record of this id."""


class RecordChangedError(Exception):
    """The record is no longer at the version that was read."""


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one user, the newest first, and where the rest begins; empty at the end."""

    records: tuple[Record, ...]
    next_token: str


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

    def offer_upload(self, key: str, content_type: str, max_bytes: int) -> dict[str, Any]:
        """Return where to POST a file to: `url` and form `fields`, valid for `UPLOAD_VALID_S`."""

    def offer_download(self, key: str, content_type: str) -> str:
        """Return where a file can be read, for `DOWNLOAD_VALID_S` at least."""

    @property
    def can_enqueue(self) -> bool:
        """Whether there is a queue."""

    def enqueue(self, message: dict[str, Any]) -> None:
        """Have a request, a direct invocation's object, carried out soon."""


def check_user_id(value: Any) -> str:
    """Return a user id that can stand in a key.

    Raises
    ------
    BadRequestError
        It cannot.
    """
    if not isinstance(value, str) or not _USER_ID.fullmatch(value):
        raise BadRequestError(
            "bad_user_id",
            "user_id is not valid, expected 1 to 128 letters, digits or . _ @ : + - that begin "
            "with a letter or digit",
        )
    return value


def check_analysis_id(value: Any) -> str:
    """Return an analysis id.

    Raises
    ------
    NotFoundError
        It cannot be one.
    """
    if not isinstance(value, str) or not _ANALYSIS_ID.fullmatch(value):
        raise NotFoundError("analysis_not_found", "There is no analysis of this id.")
    return value


def check_key(value: Any, user_id: str | None) -> str:
    """Return a key that this user may have analysed.

    Parameters
    ----------
    value : object
        From a request.
    user_id : str or None
        None: nobody; then no user's files.

    Raises
    ------
    BadRequestError
        Not a key, or one that climbs.
    ForbiddenError
        Outside of the user's own files.
    """
    if not isinstance(value, str) or not value:
        raise BadRequestError(
            "bad_key", "s3_key is not valid, expected the key of a file in the bucket"
        )
    parts = value.split("/")
    if (
        not all(_KEY_PART.fullmatch(part) for part in parts)
        or {".", ".."} & set(parts)
        or len(value.encode("utf-8")) > MAX_KEY_BYTES
    ):
        raise BadRequestError(
            "bad_key",
            "s3_key is not valid, expected the key of a file in the configured bucket: no leading "
            "/, no //, no . or .. and no control characters",
        )
    own = user_id is not None and value.startswith(f"users/{user_id}/")
    if not own and (user_id is not None or parts[0] == "users"):
        raise ForbiddenError("foreign_key", "s3_key lies outside of this user's files.")
    return value


def file_key(user_id: str, analysis_id: str, name: str) -> str:
    """Return the key of one file of an analysis."""
    return f"users/{user_id}/eye/{analysis_id}/{name}"


def parse_original_key(key: str) -> tuple[str, str] | None:
    """Return user id and analysis id of the key of an uploaded original; None of any other key."""
    match key.split("/"):
        case ["users", user_id, "eye", analysis_id, name] if (
            name == ORIGINAL and _USER_ID.fullmatch(user_id) and _ANALYSIS_ID.fullmatch(analysis_id)
        ):
            return user_id, analysis_id
    return None


def content_type_of(name: str) -> str:
    """Return the content type of a file of an analysis."""
    types: Sequence[tuple[str, str]] = (
        (".json", "application/json"),
        (".csv", "text/csv"),
        (".npz", "application/octet-stream"),
        (".html", "text/html; charset=utf-8"),
    )
    return next((kind for suffix, kind in types if name.endswith(suffix)), "binary/octet-stream")


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
        if not _ANALYSIS_ID.fullmatch(analysis_id):
            raise ValueError("not an id")
    except (ValueError, binascii.Error) as error:
        raise BadRequestError("bad_token", "next is not valid: take it from the answer") from error
    return created_at, analysis_id
