"""The record of an analysis that an execution of the state machine owns, for all of its jobs."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from handler import records
from handler.errors import ConflictError, NotFoundError
from handler.records import Record
from handler.storage import RecordChangedError, Storage

LEASE_S = 1800.0
"""How long a job renews the execution's lease for. A throttled job may wait for minutes."""
WRITES = 30
"""Most attempts to write a record, because other jobs write it at the same time."""


class AnalysisEndedError(Exception):
    """No attempt can succeed: the analysis has failed, or does not belong to this execution."""


class Ownership:
    """Reads and writes the record, as long as the execution owns it.

    Parameters
    ----------
    storage : Storage
    analysis_id, execution : str
    """

    def __init__(self, storage: Storage, analysis_id: str, execution: str) -> None:
        self._storage = storage
        self._analysis_id = analysis_id
        self._execution = execution

    def read(self, may_be_completed: bool = False) -> Record:
        """Return the record.

        Raises
        ------
        AnalysisEndedError
            This execution does not own the analysis, or no longer. The error's text is the state
            of the record, such as ``deleted``.
        """
        try:
            record = self._storage.read(self._analysis_id)
        except NotFoundError:
            raise AnalysisEndedError("deleted") from None
        if record.state == "deleted":
            raise AnalysisEndedError("deleted")
        states = ("processing", "completed") if may_be_completed else ("processing",)
        if record.owner != self._execution or record.state not in states:
            raise AnalysisEndedError(record.state)
        return record

    def write(self, change: Callable[[Record], Record]) -> None:
        """Change the record, which other jobs write at the same time.

        Raises
        ------
        AnalysisEndedError
        ConflictError
            The others wrote again and again.
        """
        for attempt in range(WRITES):
            record = self.read()
            with suppress(RecordChangedError):
                self._storage.replace(change(record))
                return
            time.sleep(random.uniform(0.0, 0.02 * (attempt + 1)))
        raise ConflictError("in_progress", "The record is being written. Try again.")

    def renew(self, percent: int, provenance: dict[str, Any] | None = None) -> None:
        """Write the progress, and that the execution is alive.

        `provenance` tells which file is analysed, so that the record says it even if a job fails.
        None keeps what the record says.
        """

        def change(stored: Record) -> Record:
            if provenance is not None:
                stored = replace(stored, provenance=provenance)
            percent_now = max(stored.progress_percent, percent)
            return records.advance(stored, percent_now, time.time() + LEASE_S)

        self.write(change)
