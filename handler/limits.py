"""How much time one invocation has."""

import time
from dataclasses import dataclass

MIN_WORK_S = 5.0
"""With less time left, no work begins. Another invocation, which has more time, does it."""
RESERVE_S, RESERVE_SHARE = 2.0, 0.05
"""Time reserved for the work after tracking: computing measures, writing and storing files."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The times by which one invocation must end or answer, in Unix seconds.

    Attributes
    ----------
    end_s : float
        Time at which the process is stopped.
    answer_by_s : float or None
        Time at which the caller gives up. None: nobody waits for an answer, so no analysis is put
        into the queue because it takes long.
    comes_again : bool
        Whether the queue will deliver the same message again if its work fails now. False if the
        request did not come from the queue.
    may_queue : bool
        Whether a long analysis may be queued or divided among workers, so that the caller must ask
        for the result later.
    """

    end_s: float
    answer_by_s: float | None
    comes_again: bool = False
    may_queue: bool = True

    @property
    def can_begin_work(self) -> bool:
        """Whether at least `MIN_WORK_S` seconds are left until `end_s`, to begin an analysis."""
        return self.end_s - time.time() >= MIN_WORK_S

    def compute_tracking_budget_s(self) -> float:
        """Return how many seconds decoding and tracking may take from now on; at least 1.

        It is the time until the caller gives up or the process is stopped, whichever is first,
        minus a reserve of 2 s and 5 % of that time for computing and storing the results.
        """
        return _subtract_reserve(min(self.end_s, self.answer_by_s or self.end_s) - time.time())

    def compute_longest_s(self) -> float:
        """Return what `compute_tracking_budget_s` would be if no caller waited for the answer.

        It is the time until the process is stopped, minus 2 s and 5 % of it; at least 1 second.
        """
        return _subtract_reserve(self.end_s - time.time())


def _subtract_reserve(left_s: float) -> float:
    return max(1.0, left_s - RESERVE_S - RESERVE_SHARE * left_s)
