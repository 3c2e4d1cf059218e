"""Access to the record of an analysis for the jobs of a state machine that divides a recording.

An execution (one run) of the state machine owns the record, and its many jobs read and write it at
the same time. Each must stop as soon as the analysis is deleted, has failed, or belongs to another
execution.
"""

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
    """The analysis has ended, or belongs to another execution: the job must not be tried again.

    The text is the state of the record, such as ``deleted`` or ``failed``. If the job itself made
    the analysis fail, it is the code of that error.
    """


class ExecutionRecord:
    """Reads and writes the record of an analysis, as long as one execution owns it.

    Parameters
    ----------
    storage : Storage
    analysis_id : str
    execution : str
        Name of the execution of the state machine; it owns the record if `Record.owner` is the
        same.
    """

    def __init__(self, storage: Storage, analysis_id: str, execution: str) -> None:
        self._storage = storage
        self._analysis_id = analysis_id
        self._execution = execution

    def read(self, may_be_completed: bool = False) -> Record:
        """Return the record if this execution owns it and its state is "processing".

        If `may_be_completed` is true, the state may be "completed" too.

        Raises
        ------
        AnalysisEndedError
            Another execution or process owns the record, or it is in another state. The error's
            text is the record's state; it is ``deleted`` also if there is no record any more.
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
        """Store what `change` makes of the record, which other jobs write at the same time.

        `change` takes the stored record and returns its next version, `version` one higher. It is
        called again with a newer record if another job was faster.

        Raises
        ------
        AnalysisEndedError
            Another execution owns the record, or its state is not "processing": see `read`.
        ConflictError
            Other jobs were faster `WRITES` times.
        """
        for attempt in range(WRITES):
            record = self.read()
            with suppress(RecordChangedError):
                self._storage.replace(change(record))
                return
            time.sleep(random.uniform(0.0, 0.02 * (attempt + 1)))
        raise ConflictError("in_progress", "The record is being written. Try again.")

    def renew(self, percent: int, provenance: dict[str, Any] | None = None) -> None:
        """Write the progress, and that the execution owns the analysis for `LEASE_S` more seconds.

        It raises the errors of `write`.

        Parameters
        ----------
        percent : int
            0-100. If the record says more already, it keeps that, because jobs end in any order;
            all else is written.
        provenance : dict, optional
            Which file is analysed, from `Source.identify`, so that the record says it even if a job
            fails later. Default: what the record says stays.
        """

        def change(stored: Record) -> Record:
            if provenance is not None:
                stored = replace(stored, provenance=provenance)
            percent_now = max(stored.progress_percent, percent)
            return records.advance(stored, percent_now, time.time() + LEASE_S)

        self.write(change)
