"""The record of an analysis while this process works on it, and every way of writing it.

Writing fails on purpose if the analysis was deleted, or if another process has taken it over.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from handler import records
from handler.errors import (
    ConflictError,
    DeletedError,
    HandlerError,
    NotFoundError,
    StorageUnavailableError,
    ThrottledError,
    to_document,
    to_handler_error,
)
from handler.keys import RESULT_NAMES, content_type_of, make_key
from handler.records import Record
from handler.storage import RecordChangedError, RecordExistsError, Storage

PROGRESS_INTERVAL_S = 5.0


class Work:
    """The record of an analysis that this process works on, and the ways to write it.

    Parameters
    ----------
    storage : Storage
    record : Record
        The version that is stored now.

    Attributes
    ----------
    record : Record
        The newest version that this process knows. `pin` and `note_provenance` change it, and the
        next write stores that.
    owner : str
        Random id of this object, to be the record's `owner` when the work begins; after
        `hand_over`, the name of the execution.
    """

    def __init__(self, storage: Storage, record: Record) -> None:
        self.record = record
        self.owner = uuid.uuid4().hex
        self._storage = storage
        self._reported_s = time.monotonic()
        self._lost = False

    @classmethod
    def begin(cls, storage: Storage, record: Record) -> "Work":
        """Store a new record and return its `Work`; if its id is taken, use the stored record.

        The stored record can be in any state, also deleted.
        """
        try:
            storage.create(record)
        except RecordExistsError:
            record = storage.read(record.analysis_id)
        return cls(storage, record)

    @property
    def settled(self) -> bool:
        """Whether no work can begin: the analysis is completed, or somebody works on it now.

        The latter is so in the state "processing" until `lease_until_s`, also if it is this
        process. False for a deleted analysis.
        """
        return self.record.state == "completed" or (
            self.record.state == "processing" and time.time() < self.record.lease_until_s
        )

    def pin(self, source_version: str, expires_at: int | None) -> None:
        """Note which version of the file is analysed, and that the upload has come.

        It is stored with the next write that is made from `record`.

        Parameters
        ----------
        source_version : str
            See `StoredVersion.name`.
        expires_at : int or None
            Unix time at which the record expires, in place of the short time that it has while the
            file is awaited; None: never.
        """
        self.record = replace(
            self.record, source_version=source_version, expires_at=expires_at, awaits_upload=False
        )

    def note_provenance(self, provenance: dict[str, Any]) -> None:
        """Note which file an analysis failed on, so that `fail` stores it with the error.

        `provenance` is what `Source.identify` returns.
        """
        self.record = replace(self.record, provenance=provenance)

    def save(self, record: Record) -> None:
        """Store the record's next version, which a function of `handler.records` made.

        If the stored record is another version, but `owner` wrote it, an earlier attempt of this
        write was made although its answer was lost: that counts as success.

        Raises
        ------
        ConflictError
            Another process has taken over the analysis.
        DeletedError
            The analysis was deleted.
        """
        try:
            self._storage.replace(record)
            self.record = record
        except RecordChangedError as error:
            try:
                stored = self._storage.read(record.analysis_id)
            except NotFoundError:
                stored = records.forget(record, time.time())
            if stored.state == "deleted":
                raise DeletedError("deleted", "The analysis was deleted.") from error
            if stored.owner != self.owner:
                self.record, self._lost = stored, True
                raise ConflictError(
                    "in_progress", "Another one runs this analysis. Ask for its status."
                ) from error
            # Our own earlier write was made, although it seemed to have failed.
            if stored.state == "processing":
                self.save(replace(record, version=stored.version + 1))
            else:
                self.record = stored

    def report_progress(self, done: int, expected: int) -> None:
        """Store the progress, `done` of `expected` frames, at most once in `PROGRESS_INTERVAL_S`.

        It is stored in percent, at most 99. If `expected` is 0 (unknown), the percentage stays as
        it is. If the storage is throttled or does not answer, the analysis goes on all the same. It
        serves as `on_progress` of `Engine.analyze_video`.

        Raises
        ------
        DeletedError, ConflictError
            The analysis was deleted, or another process has taken it over, so it must stop here.
        """
        now_s = time.monotonic()
        if now_s - self._reported_s < PROGRESS_INTERVAL_S:
            return
        self._reported_s = now_s
        percent = min(99, 100 * done // expected) if expected else self.record.progress_percent
        with suppress(ThrottledError, StorageUnavailableError):
            self.save(records.advance(self.record, percent))

    def hand_over(self, execution: str, lease_until_s: float) -> None:
        """Make an execution of the state machine the owner of the analysis, until `lease_until_s`.

        `execution` is its name, and `lease_until_s` a Unix time. It is not started here. If it
        cannot be started, `fail` can still write the error, because this object acts in the
        execution's name from now on. The errors are those of `save`.
        """
        self.owner = execution
        self.save(records.claim(self.record, execution, time.time(), lease_until_s, execution))

    def store_results(self, paths: list[Path]) -> dict[str, str]:
        """Store the result files; return their keys by the names in `RESULT_NAMES`.

        `paths` are files on this disk, such as ``analysis.summary.json``, whose key is returned
        under ``summary``. Those whose name is not ``analysis.`` and a file name in `RESULT_NAMES`
        are left out.
        """
        written = {path.name.removeprefix("analysis."): path for path in paths}
        keys = {}
        for name, file_name in RESULT_NAMES.items():
            if file_name in written:
                keys[name] = make_key(self.record.user_id, self.record.analysis_id, file_name)
                content_type = content_type_of(file_name)
                self._storage.put_file(keys[name], written[file_name], content_type)
        return keys

    def fail(self, error: HandlerError, comes_again: bool = False) -> None:
        """Write the error into the record, unless it is completed or another's by now.

        If the storage fails too, nothing is written and nothing raised.

        Parameters
        ----------
        error : HandlerError
        comes_again : bool, optional
            Whether the queue will deliver the same request again. If a new attempt may succeed
            (`HandlerError.retryable`), the record is then set back to queued instead of failed. It
            stays as it is if its last attempt was killed and this object has not begun another:
            the request that comes again takes it over, and the kill still counts.
        """
        running = self.record.state == "processing"
        mine = running and self.record.owner == self.owner
        if self._lost or (not mine and (self.record.state == "completed" or self.settled)):
            return
        # If the storage fails, it cannot take the error either; the lease then ends by itself.
        with suppress(HandlerError, RecordChangedError):
            if not (comes_again and error.retryable):
                ended = self.record if mine else records.note_kill(self.record)
                self.save(records.fail(ended, to_document(error)))
            elif mine or not running:
                self.save(records.give_back(self.record))
            else:
                # Written all the same, in case that a claim of ours was, though it seemed to fail.
                self.save(replace(self.record, version=self.record.version + 1))

    @contextmanager
    def failing(self, request_id: str, comes_again: bool = False) -> Iterator[None]:
        """Write every error of the ``with`` block into the record by `fail`, and raise it again.

        On a `DeletedError`, all stored files of the analysis are deleted instead, because this
        process may have written some after the deletion. `request_id` is the id of the request in
        the log; `comes_again` is that of `fail`.
        """
        try:
            yield
        except DeletedError:
            folder = make_key(self.record.user_id, self.record.analysis_id, "")
            self._storage.delete_files(folder)
            raise
        except BaseException as error:
            self.fail(to_handler_error(error, request_id), comes_again)
            raise
