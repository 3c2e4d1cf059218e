"""The record of an analysis while this process works on it."""

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
    """

    def __init__(self, storage: Storage, record: Record) -> None:
        self.record = record
        self.owner = uuid.uuid4().hex
        self._storage = storage
        self._reported_s = time.monotonic()
        self._lost = False

    @classmethod
    def begin(cls, storage: Storage, record: Record) -> "Work":
        """Create the record; if it exists already, continue with the stored one."""
        try:
            storage.create(record)
        except RecordExistsError:
            record = storage.read(record.analysis_id)
        return cls(storage, record)

    @property
    def settled(self) -> bool:
        """Whether this process has nothing to do: the analysis is completed, or runs elsewhere."""
        return self.record.state == "completed" or (
            self.record.state == "processing" and time.time() < self.record.lease_until_s
        )

    def pin(self, source_version: str, expires_at: int | None) -> None:
        """Note the version of the file that has come; `save` writes it with the next change."""
        self.record = replace(
            self.record, source_version=source_version, expires_at=expires_at, awaits_upload=False
        )

    def note_provenance(self, provenance: dict[str, Any]) -> None:
        """Note which bytes an analysis failed on; `fail` writes this note into the record."""
        self.record = replace(self.record, provenance=provenance)

    def save(self, record: Record) -> None:
        """Write the record's next version.

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
        """Store how many frames are done, at most once every few seconds; ignore a failing storage.

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
        """Make an execution of the state machine the owner; `fail` takes the analysis back."""
        self.owner = execution
        self.save(records.claim(self.record, execution, time.time(), lease_until_s, execution))

    def store_results(self, paths: list[Path]) -> dict[str, str]:
        """Store the result files; return each file's key by its name in answers."""
        written = {path.name.removeprefix("analysis."): path for path in paths}
        keys = {}
        for name, file_name in RESULT_NAMES.items():
            if file_name in written:
                keys[name] = make_key(self.record.user_id, self.record.analysis_id, file_name)
                content_type = content_type_of(file_name)
                self._storage.put_file(keys[name], written[file_name], content_type)
        return keys

    def fail(self, error: HandlerError, comes_again: bool = False) -> None:
        """Write the error into the record, unless another process owns the record by now.

        Parameters
        ----------
        error : HandlerError
        comes_again : bool, optional
            Whether the queue will deliver the same request again. If a new attempt may succeed,
            the record is then set back to queued instead of failed.
        """
        mine = self.record.state == "processing" and self.record.owner == self.owner
        if self._lost or (not mine and (self.record.state == "completed" or self.settled)):
            return
        # If the storage fails, it cannot take the error either; the lease then ends by itself.
        with suppress(HandlerError, RecordChangedError):
            if comes_again and error.retryable:
                self.save(records.give_back(self.record))
            else:
                self.save(records.fail(self.record, to_document(error)))

    @contextmanager
    def failing(self, request_id: str, comes_again: bool = False) -> Iterator[None]:
        """Write every error that is raised in the ``with`` block into the record.

        If the analysis was deleted meanwhile, the files that were written since then are deleted.
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
