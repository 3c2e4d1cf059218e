"""Plan how to divide a long recording among many workers: the number of segments, time and cost."""

import math
from dataclasses import dataclass

from handler.environment import LAMBDA_MB_PER_CORE

SEGMENT_S = 30.0
"""How long a worker should take for its segment: far longer than its start, yet a short wait."""
MAX_SEGMENTS = 1000
START_S = 2.0
"""What a worker spends before its first frame: start, models, the file's index, the run-in."""
OVERHEAD_S = 10.0
"""What comes before and after the segments: starting the state machine, planning, joining."""
JOBS_BESIDE_SEGMENTS = 3
"""Planning and joining are two; the third gives the estimate some room."""
GB_SECOND_USD = 0.0000166667
INVOCATION_USD = 0.2e-6
TRANSITION_USD = 25e-6
PUT_USD = 5e-6
"""List prices of Lambda (x86), Step Functions (standard) and S3 in us-east-1, November 2026."""
TRANSITIONS_OF_A_JOB, TRANSITIONS_OF_AN_EXECUTION = 3, 5


@dataclass(frozen=True, slots=True)
class Division:
    """How a recording is divided.

    Attributes
    ----------
    segments : int
        Largest number of segments; there can be fewer, because segments begin at keyframes. 1 means
        that dividing is not worth while.
    expected_s : float
        Estimated seconds from the request until the result is there, if the workers are free.
    cost_usd : float
        Estimated cost of the whole recording in AWS, in US dollars at list prices, without a free
        tier.
    """

    segments: int
    expected_s: float
    cost_usd: float

    def document(self) -> dict[str, float]:
        """Return the three attributes by name, rounded, as the field ``fan_out`` of an answer.

        `expected_s` is rounded up to a whole second, `cost_usd` to four decimals.
        """
        return {
            "segments": self.segments,
            "expected_s": math.ceil(self.expected_s),
            "cost_usd": round(self.cost_usd, 4),
        }


def divide(cpu_s: float, cpu_share: float, workers: int) -> Division:
    """Return how a recording is best divided, with the time and cost.

    There are so many segments that a worker needs at most `SEGMENT_S` seconds (of its work, not of
    video) for one: 300 s of work become 10 segments of 30 s. There are never more than
    `MAX_SEGMENTS`; in a recording so long, a segment takes longer.

    Parameters
    ----------
    cpu_s : float
        Estimated CPU time of the whole recording, in seconds on one whole core.
    cpu_share : float
        Share of a core that each worker gets, above 0 and at most 1.
    workers : int
        How many segments are worked on at the same time, at least 1. If there are more segments
        than workers, their number is raised to a multiple of `workers`, so that no worker idles in
        the last round: with 4 workers, 10 segments become 12.

    Returns
    -------
    Division
    """
    alone_s = cpu_s / cpu_share
    segments = max(1, math.ceil(alone_s / SEGMENT_S))
    rounds = math.ceil(segments / workers)
    if rounds > 1:
        # In a last round that is not full, workers would idle.
        segments = rounds * workers
    segments = min(segments, MAX_SEGMENTS)
    rounds = math.ceil(segments / workers)
    jobs = segments + JOBS_BESIDE_SEGMENTS
    memory_gb = cpu_share * LAMBDA_MB_PER_CORE / 1024
    transitions = jobs * TRANSITIONS_OF_A_JOB + TRANSITIONS_OF_AN_EXECUTION
    return Division(
        segments,
        OVERHEAD_S + rounds * (START_S + alone_s / segments),
        (alone_s + jobs * START_S) * memory_gb * GB_SECOND_USD
        + jobs * (INVOCATION_USD + PUT_USD)
        + transitions * TRANSITION_USD,
    )
