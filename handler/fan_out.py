"""Choose which recordings are divided among many workers, and have the state machine do it."""

import time
from typing import TYPE_CHECKING

from handler.answers import Answer, answer_division
from handler.division import Division, divide
from handler.errors import TooLargeError, UndecodableError
from handler.limits import Limits
from handler.records import Record, note_kill
from handler.source import Source
from handler.storage import Storage
from handler.work import Work
from tracker.parameters import Parameters

if TYPE_CHECKING:
    from handler.engine import Engine

PLANNED_WITHIN_S = 1200.0
"""How long a divided recording belongs to its execution before the plan is made, which waits while
all workers are busy. It is less than the half hour after which the queue delivers a message again:
this process may be killed before it has started the execution."""
MAX_KILLED = 2
"""After this many killed attempts, the file itself seems to kill the process."""


class FanOut:
    """Decides which recordings are divided among many workers, and has the state machine do it.

    Parameters
    ----------
    storage : Storage
        It starts the state machine, and says how many workers there are.
    engine : Engine
        It estimates how long an analysis takes.
    cpu_share : float
        Share of one core that each worker gets, above 0 and at most 1.
    """

    def __init__(self, storage: Storage, engine: "Engine", cpu_share: float) -> None:
        self._storage = storage
        self._engine = engine
        self._cpu_share = cpu_share

    def choose(
        self, source: Source, parameters: Parameters, limits: Limits, asked: bool
    ) -> Division | None:
        """Return how a file is divided; None if one invocation analyses it.

        A video is divided if the client asked for it (`asked`), or if one invocation could not
        track all of it before `limits.end_s`. It stays whole in any case if one worker needs at
        most `handler.division.SEGMENT_S` for it, if its length is not known, if it cannot be read
        or is too long, if the client needs the result in this answer (`limits.may_queue` is false),
        or if there are no workers. If `source` is a stream, it is at its beginning afterwards.
        """
        if source.kind != "video" or not self._storage.workers or not limits.may_queue:
            return None
        try:
            cpu_s = self._engine.estimate_whole_s(source.file, parameters)
        except (UndecodableError, TooLargeError):
            # The analysis will fail in the same way, and note which bytes it failed on.
            return None
        finally:
            source.rewind()
        if not asked and cpu_s <= self._cpu_share * limits.compute_longest_s():
            return None
        division = divide(cpu_s, self._cpu_share, self._storage.workers)
        return division if division.segments > 1 else None

    def start(self, work: Work, division: Division) -> Answer:
        """Have the state machine analyse the file of `work`; return the answer, status 202.

        It does not wait for the analysis. `division` comes from `choose`; its estimates are in the
        answer. The state machine owns the record from now on.

        Raises
        ------
        UndecodableError
            Earlier attempts were killed too often: see `check_attempts`.
        ConflictError, DeletedError
            Another process runs the analysis, or it was deleted.
        """
        check_attempts(work.record)
        # The version makes the name new each time, also after an attempt that did not count.
        execution = f"{work.record.analysis_id}-{work.record.version}"
        work.hand_over(execution, time.time() + PLANNED_WITHIN_S)
        self._storage.start_fan_out(execution, work.record.analysis_id)
        return answer_division(work.record, division)


def check_attempts(record: Record) -> None:
    """Refuse a file whose last attempt was killed, and with it `MAX_KILLED` attempts or more.

    It is called before each attempt, when nobody works on the analysis. An attempt was killed if it
    left no result and no error. Attempts that ended with an error do not count.

    Raises
    ------
    UndecodableError
        The file is refused.
    """
    killed = note_kill(record).killed
    if record.state == "processing" and killed >= MAX_KILLED:
        raise UndecodableError(
            "analysis_killed",
            f"The analysis was stopped {killed} times without a result. Export the video "
            "as MP4 (H.264) at 1280x720, or record a shorter one.",
        )
