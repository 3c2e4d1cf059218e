"""The record of one analysis, and each step from one of its states to the next.

Nothing is stored here: each step returns the record's next version, which a storage then writes.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from handler.errors import ConflictError
from tracker.words import Language

State = Literal["queued", "processing", "completed", "failed", "expired", "deleted"]
"""``expired`` is only reported, of an upload that never came. ``deleted`` is only stored."""

TAKEN_OVER_WITHIN_S = 3 * 1800.0
"""For this time after a lease's end, another process may still take the analysis over: the queue
delivers a message three times, half an hour apart."""

NEVER_SENT_S = 24 * 3600
"""A record whose upload never came is kept for this time."""
TOMBSTONE_S = 15 * 24 * 3600
"""What is left of a deleted record is kept for this time: longer than the form of its upload is
valid, and longer than a message stays in the queue."""


INTERRUPTED = {
    "error": "The analysis was stopped without a result. Send it again.",
    "code": "interrupted",
}


@dataclass(frozen=True, slots=True)
class Record:
    """The state of one analysis.

    Attributes
    ----------
    analysis_id : str
        32 hexadecimal digits.
    user_id : str
        The user it belongs to.
    source_key : str
        Key of the file that is analysed.
    created_at : str
        UTC, ISO 8601 with microseconds, so that it sorts.
    parameters : dict
        As the client gave them, checked.
    report : {"en", "ko", None}
        Language of the report to write.
    state : {"queued", "processing", "completed", "failed", "deleted"}
    version : int
        Counts the writes. A record only replaces the version before its own.
    owner : str
        The process that works on it, or the last one that did.
    lease_until_s : float
        Unix time after which the owner counts as dead.
    attempts : int
        How many times work on it has begun.
    progress_percent : int
        0-100.
    kind : {"video", "image", ""}
        Decided by the file's content; empty until then.
    outcome : dict
        When completed: a video's `summary`, or an image's `result`.
    files : dict
        Keys of the stored results, by their names in the answers.
    error : dict
        If it failed: `code` and `error`.
    awaits_upload : bool
        Whether its file was still to come when it was made.
    expires_at : int or None
        Unix time after which the record counts as gone and the storage may remove it; None: never.
    source_version : str
        The version of the file that is analysed, as the storage names it; empty until the file has
        come. No other version of it is ever analysed under this id.
    file_name, captured_at, consent : str
        What the client says about the file, and which version of a text the person agreed to; empty
        if it says nothing.
    provenance : dict
        When completed: which bytes were analysed, when, and by what.
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
    awaits_upload: bool = False
    expires_at: int | None = None
    source_version: str = ""
    file_name: str = ""
    captured_at: str = ""
    consent: str = ""
    provenance: dict[str, Any] | None = None


def is_over(record: Record, now_s: float) -> bool:
    """Whether the time is over for which a record is kept."""
    return record.expires_at is not None and record.expires_at <= now_s


def as_reported(record: Record, now_s: float) -> Record:
    """Return the record as a client sees it: failed if its owner died and nobody takes it over.

    The stored record does not change, so a late delivery or the same request can still continue it.
    """
    if record.state != "processing" or now_s < record.lease_until_s + TAKEN_OVER_WITHIN_S:
        return record
    return replace(record, state="failed", error=INTERRUPTED)


def claim(record: Record, owner: str, now_s: float, lease_until_s: float) -> Record:
    """Take a record to work on it. It must be queued or failed, or its lease must be over.

    Raises
    ------
    ConflictError
        Another process works on it.
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
    """Record the progress of the work."""
    assert record.state == "processing"
    return replace(record, version=record.version + 1, progress_percent=progress_percent)


def complete(
    record: Record,
    kind: str,
    outcome: dict[str, Any],
    files: dict[str, str],
    provenance: dict[str, Any] | None = None,
) -> Record:
    """End the work with its outcome."""
    assert record.state == "processing"
    return replace(
        record,
        state="completed",
        version=record.version + 1,
        progress_percent=100,
        kind=kind,
        outcome=outcome,
        files=files,
        provenance=provenance,
    )


def fail(record: Record, error: dict[str, str]) -> Record:
    """End the work with an error, even if the work could not begin."""
    assert record.state in ("queued", "processing", "failed")
    return replace(record, state="failed", version=record.version + 1, error=error)


def requeue(record: Record) -> Record:
    """Put a failed record back in line for another attempt."""
    assert record.state == "failed"
    return replace(
        record, state="queued", version=record.version + 1, progress_percent=0, error=None
    )


def give_back(record: Record) -> Record:
    """End the work without an outcome, as if it had not begun: another one will do it."""
    assert record.state in ("queued", "processing", "failed")
    begun = record.state == "processing"
    return replace(
        record,
        state="queued",
        version=record.version + 1,
        lease_until_s=0.0,
        attempts=record.attempts - begun,
        progress_percent=0,
        error=None,
    )


def expire(record: Record) -> Record:
    """Return a record as it is reported when its upload never came."""
    error = {
        "error": "No file came while the form was valid. Ask for a new upload.",
        "code": "expired",
    }
    return replace(record, state="expired", error=error)


def withdraw(record: Record) -> Record:
    """Begin to delete a record: it no longer answers, and still says where its files are."""
    return replace(
        record,
        state="deleted",
        version=record.version + 1,
        outcome=None,
        files=None,
        error=None,
        provenance=None,
        file_name="",
        captured_at="",
        consent="",
    )


def forget(record: Record, now_s: float) -> Record:
    """Return what is left of a deleted record: nothing but its id, so that it is never used again.

    A process that works on the analysis finds it and stops; a file that comes late is removed.
    """
    return Record(
        analysis_id=record.analysis_id,
        user_id="",
        source_key="",
        created_at="",
        parameters={},
        state="deleted",
        version=record.version + 1,
        expires_at=int(now_s) + TOMBSTONE_S,
    )
