"""Delete analyses: the record, the files in all their versions, and messages about them.

Messages are removed where the queue allows it; those in SQS are ignored when they come. The record
is marked as deleted first. A process that still works on the analysis finds the mark, stops, and
removes the files that it wrote meanwhile. A state machine that divides the recording is stopped,
and the parts that its workers made are removed. In the end, only the id of the record is left, for
some days. If the storage fails halfway, the client sends the same request again to complete the
deletion.
"""

import time
from collections.abc import Iterator
from contextlib import suppress

from handler import records
from handler.errors import ConflictError, NotFoundError
from handler.identity import Caller
from handler.keys import find_analysis_ids, make_key, make_part_key
from handler.limits import Limits
from handler.records import Record
from handler.storage import RecordChangedError, Storage

PAGE = 100
ATTEMPTS = 20
"""The process that works on an analysis writes its record at the same time, but not so often."""


def delete_analysis(storage: Storage, analysis_id: str, caller: Caller) -> None:
    """Delete an analysis; do nothing if there is none, or if the caller may not delete it.

    See `Caller.may_change` for who may. The caller is not told the difference, which would show
    that such an analysis exists.

    Raises
    ------
    HandlerError
        The storage failed, or another process wrote the record again and again. Sending the same
        request again completes the deletion.
    """
    with suppress(NotFoundError):
        record = storage.read(analysis_id)
        if record.user_id and caller.may_change(record.user_id):
            delete_record(storage, record, caller)


def delete_user(storage: Storage, user_id: str, caller: Caller, limits: Limits) -> bool:
    """Delete all analyses of a user, and all files below `Caller.list_own_prefixes`.

    It does not check that the caller may: `user_id` must come from `caller.choose_forgotten`.
    `limits` says when this invocation must end; it is asked before each analysis.

    Returns
    -------
    bool
        True if everything is deleted. False if the time ran out: the same request, sent again,
        deletes the rest.

    Raises
    ------
    HandlerError
        The storage failed, or another process wrote a record again and again. The same request,
        sent again, deletes the rest.
    """
    for record in _list_records(storage, user_id):
        if not limits.can_begin_work:
            return False
        delete_record(storage, record, caller)
    for prefix in caller.list_own_prefixes(user_id):
        # An index is late: a record that it does not know yet is found by its files.
        for analysis_id in find_analysis_ids(storage.delete_files(prefix)):
            delete_analysis(storage, analysis_id, Caller("user", user_id, caller.own_prefix))
    return True


def delete_record(storage: Storage, record: Record, caller: Caller) -> None:
    """Delete the analysis of a record that was read from the storage, with all its results.

    The analysed file is deleted too if its key begins with one of `caller.list_own_prefixes` of
    the record's user. That the caller may delete it must have been checked before. Of the record,
    only its id stays, for some days, so that a late message makes no new analysis of this id.

    Raises
    ------
    HandlerError
        The storage failed, or another process wrote the record again and again. Sending the same
        request again completes the deletion.
    """
    if record.state != "deleted":
        record = _mark(storage, record)
    storage.withdraw(record.analysis_id)
    if record.execution:
        storage.stop_fan_out(record.execution)
        storage.delete_files(make_part_key(record.analysis_id, "", ""))
    storage.delete_files(make_key(record.user_id, record.analysis_id, ""))
    if record.source_key.startswith(caller.list_own_prefixes(record.user_id)):
        storage.delete_file(record.source_key)
    # Another request may have been as far as this.
    with suppress(RecordChangedError):
        storage.replace(records.forget(record, time.time()))


def _mark(storage: Storage, record: Record) -> Record:
    """Store a record as deleted, as the first step, and return it as it is stored then.

    If another process wrote it since it was read, it is read again and marked anew, with at most
    `ATTEMPTS` attempts in all.

    Raises
    ------
    ConflictError
        The other process was faster each time.
    """
    for _ in range(ATTEMPTS):
        marked = record if record.state == "deleted" else records.withdraw(record)
        try:
            if marked is not record:
                storage.replace(marked)
            return marked
        except RecordChangedError:
            record = storage.read(record.analysis_id)
    raise ConflictError("in_progress", "The analysis is being written. Send it again.")


def _list_records(storage: Storage, user_id: str) -> Iterator[Record]:
    token = ""
    while True:
        page = storage.list_records(user_id, PAGE, token)
        yield from page.records
        token = page.next_token
        if not token:
            return
