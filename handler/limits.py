"""How much time one invocation has."""

import time
from dataclasses import dataclass

MIN_WORK_S = 5.0
"""No work begins with less time left: another invocation, which has more, takes it."""
RESERVE_S, RESERVE_SHARE = 2.0, 0.05
"""Time kept for what follows decoding and tracking: measures, tables, and storing them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The ends of one invocation, in Unix seconds.

    Attributes
    ----------
    end_s : float
        The process is stopped then.
    answer_by_s : float or None
        The caller gives up then. None: nobody waits, and nothing is queued.
    """

    end_s: float
    answer_by_s: float | None

    @property
    def can_begin_work(self) -> bool:
        """Whether enough time is left to begin an analysis."""
        return self.end_s - time.time() >= MIN_WORK_S

    def compute_tracking_budget_s(self) -> float:
        """Return the time that decoding and tracking may take from now on; at least 1 s."""
        left_s = min(self.end_s, self.answer_by_s or self.end_s) - time.time()
        return max(1.0, left_s - RESERVE_S - RESERVE_SHARE * left_s)
