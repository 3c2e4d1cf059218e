"""The record of one analysis, and functions that take it from one state to the next.

Nothing is stored here: most functions return the next version of the record, which a storage then
writes. `as_reported` and `expire` return what clients are shown.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from handler.errors import ConflictError
from tracker.words import Language

State = Literal["queued", "processing", "completed", "failed", "expired", "deleted"]
"""Where an analysis is on its way. ``expired`` is only reported to clients, of an upload that never
came. ``deleted`` is only stored: clients are told that there is no such analysis."""

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
        The user it belongs to; empty once it is deleted and its files are gone (see `forget`).
    source_key : str
        Key of the file that is analysed.
    created_at : str
        UTC time, ISO 8601 with microseconds, so that sorting the text sorts by time.
    parameters : dict
        The checked parameters of the analysis, as `requests.document_parameters` writes them.
    report : {"en", "ko", None}
        Language of the report to write; None: no report.
    state : {"queued", "processing", "completed", "failed", "deleted"}
    version : int
        Number of times the record was written, 1 at first. A storage writes version n only over
        version n - 1, so that no process overwrites the changes of another.
    owner : str
        Id of whoever works on the analysis, or last did: the random id of a process (see `Work`),
        or the name of an execution of the state machine.
    lease_until_s : float
        Unix time until which the owner has the analysis for itself. After it, the owner counts as
        dead, and another process may take the analysis over.
    attempts : int
        How many times work on it has begun. An attempt that `give_back` ended does not count.
    killed : int
        How many of these attempts left neither a result nor an error: whoever worked on the
        analysis was killed. The attempt that runs, or seems to run, does not count yet. 0 in
        records of programs that did not count them.
    progress_percent : int
        0-100.
    kind : {"video", "image", ""}
        Decided by the file's content; empty until the analysis is completed.
    outcome : dict
        The JSON document of a video's summary, or of an image's result; None until completed.
    files : dict
        Keys of the stored results, by the names in `RESULT_NAMES`, such as ``summary``; None until
        completed.
    error : dict
        `code`, and `error`, the message; None unless the analysis failed.
    awaits_upload : bool
        True for the record of an upload until work on its file begins; false for all others.
    expires_at : int or None
        Unix time after which the record counts as gone and the storage may remove it; None: never.
    source_version : str
        `StoredVersion.name` of the file that is analysed; empty as long as that is not known. Where
        the storage keeps all versions of a file, no other version is ever analysed under this
        `analysis_id`; elsewhere, a new attempt at an upload takes the version stored then.
    file_name, captured_at, consent : str
        What the client says about the file, and which version of a text the person agreed to; empty
        if it says nothing.
    provenance : dict
        Which bytes were analysed, when, and by which program and models: what `Source.identify`
        returns; None until that is known.
    fan_out : bool
        Whether the client asked to divide the video among many workers.
    execution : str
        Name of the last execution of the state machine that divides the video; empty if there was
        none. The execution works on the analysis as long as it is also the `owner`.
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
    fan_out: bool = False
    execution: str = ""
    killed: int = 0


def is_over(record: Record, now_s: float) -> bool:
    """Return whether a record's `expires_at` is at or before `now_s`; false if it has none.

    Both are Unix times.
    """
    return record.expires_at is not None and record.expires_at <= now_s


def as_reported(record: Record, now_s: float) -> Record:
    """Return the record as a client is to see it at the Unix time `now_s`.

    It is shown as failed if it is being processed and its lease ended at least
    `TAKEN_OVER_WITHIN_S` ago: the owner died, and nobody has taken over. Otherwise it is returned
    as it is. The stored record does not change, so a late message, or the same request sent again,
    can still continue the analysis.
    """
    if record.state != "processing" or now_s < record.lease_until_s + TAKEN_OVER_WITHIN_S:
        return record
    return replace(record, state="failed", error=INTERRUPTED)


def claim(
    record: Record, owner: str, now_s: float, lease_until_s: float, execution: str = ""
) -> Record:
    """Return the record with `owner` as the one that works on the analysis, until `lease_until_s`.

    It counts one more attempt, with progress 0 and no error. A queued or failed record can be
    claimed, and one whose owner counts as dead, which counts as one more killed attempt. That it is
    not deleted must be checked before.

    Parameters
    ----------
    record : Record
    owner : str
        Id of the process, or name of the execution of the state machine.
    now_s, lease_until_s : float
        Unix times: now, and when the owner counts as dead.
    execution : str, optional
        The execution's name, if it is the owner. Default: the record keeps the name that it has.

    Raises
    ------
    ConflictError
        Somebody, perhaps `owner`, works on the analysis: `lease_until_s` of the record is not over.
    ValueError
        The analysis is completed.
    """
    if record.state == "completed":
        raise ValueError("completed")
    if record.state == "processing" and now_s < record.lease_until_s:
        raise ConflictError("in_progress", "This analysis is running. Ask for its status.")
    return replace(
        note_kill(record),
        state="processing",
        version=record.version + 1,
        owner=owner,
        execution=execution or record.execution,
        lease_until_s=lease_until_s,
        attempts=record.attempts + 1,
        progress_percent=0,
        error=None,
    )


def note_kill(record: Record) -> Record:
    """Return a record on which nobody works any more, its last attempt counted if it was killed.

    It was if the state is still "processing": nobody wrote a result or an error. In any other
    state, the record is returned as it is. Only `killed` changes: the caller makes the next version
    of the record.
    """
    return replace(record, killed=record.killed + (record.state == "processing"))


def advance(record: Record, progress_percent: int, lease_until_s: float | None = None) -> Record:
    """Return a record, which must be in the state "processing", with this progress, 0-100.

    The progress may be lower than the record's. `lease_until_s` is the Unix time until which the
    owner keeps the analysis; None keeps the time that the record has.
    """
    assert record.state == "processing"
    return replace(
        record,
        version=record.version + 1,
        progress_percent=progress_percent,
        lease_until_s=record.lease_until_s if lease_until_s is None else lease_until_s,
    )


def complete(
    record: Record,
    kind: str,
    outcome: dict[str, Any],
    files: dict[str, str],
    provenance: dict[str, Any] | None = None,
) -> Record:
    """Return a record, which must be in the state "processing", as completed.

    Parameters
    ----------
    record : Record
    kind : {"video", "image"}
    outcome : dict
        The JSON document of a video's summary, or of an image's result.
    files : dict
        Keys of the stored results, by the names in `RESULT_NAMES`, such as ``summary``.
    provenance : dict, optional
        Which bytes were analysed, and by which program, from `Source.identify`. Default: none, also
        if the record had one.
    """
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
    """Return the record as failed; it must be queued (not begun), being processed, or failed.

    `error` has the keys ``code`` and ``error``, the message: see `handler.errors.to_document`.
    """
    assert record.state in ("queued", "processing", "failed")
    return replace(record, state="failed", version=record.version + 1, error=error)


def requeue(record: Record) -> Record:
    """Return a record, which must be failed, as queued, so that the analysis is tried again.

    The earlier attempts stay counted; error and provenance are dropped.
    """
    assert record.state == "failed"
    return replace(
        record,
        state="queued",
        version=record.version + 1,
        progress_percent=0,
        error=None,
        provenance=None,
    )


def give_back(record: Record) -> Record:
    """Return the record as queued, so that another process tries; do not count this attempt.

    It is for work that stopped through no fault of the file, such as a storage that is throttled.
    The record must be queued, being processed, or failed; only while it is being processed, there
    is an attempt to take off the count. The lease ends, and error and provenance are dropped.
    """
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
        provenance=None,
    )


def expire(record: Record) -> Record:
    """Return the record with the state "expired": the file for it did not come in time.

    Clients are shown it like this. It is never stored like this.
    """
    error = {
        "error": "No file came while the form was valid. Ask for a new upload.",
        "code": "expired",
    }
    return replace(record, state="expired", error=error)


def withdraw(record: Record) -> Record:
    """Return the record as deleted, the first step of a deletion.

    Results, error, provenance, and what the client said about the file are dropped. `user_id` and
    `source_key` stay, because the files to delete are found by them. `forget` is the last step.
    """
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
    """Return a record in the state "deleted" with nothing of `record` but its id.

    It is the last step of a deletion, when the files are gone. It expires `TOMBSTONE_S` after
    `now_s`, a Unix time. Until then, no new analysis gets this id, a process that still works on
    the analysis finds this record and stops, and an uploaded file that comes only now is removed.
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
