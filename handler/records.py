"""The record of one analysis, and each step from one of its states to the next.

Nothing is stored here: each step returns the record's next version, which a storage then writes.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from handler.errors import ConflictError
from tracker.words import Language

State = Literal["queued", "processing", "completed", "failed"]

TAKEN_OVER_WITHIN_S = 3 * 1800.0
"""For this time after a lease's end, another process may still take the analysis over: the queue
delivers a message three times, half an hour apart."""


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
    state : {"queued", "processing", "completed", "failed"}
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


def as_reported(record: Record, now_s: float) -> Record:
    """Return the record as a client sees it: failed if its owner died and nobody takes it over.

    The stored record does not change, so a late delivery or the same request can still continue it.
    """
    if record.state != "processing" or now_s < record.lease_until_s + TAKEN_OVER_WITHIN_S:
        return record
    error = {
        "error": "The analysis was stopped without a result. Send it again.",
        "code": "interrupted",
    }
    return replace(record, state="failed", error=error)


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


def complete(record: Record, kind: str, outcome: dict[str, Any], files: dict[str, str]) -> Record:
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
