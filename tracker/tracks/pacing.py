"""How many frames can be tracked in the time there is: a step that covers the whole recording."""

import math
import time
from collections.abc import Callable

CALIBRATION_FRAMES = 30
"""Tracked frames before the first decision: a second of a usual recording."""
CALIBRATION_S = 2.0
"""The same where frames cost much."""
DECISION_INTERVAL_SHARE = 0.05
"""From one decision to the next, of the budget: costs change as a face comes and goes."""
SPARE_SHARE = 0.1
"""Of the time left that no plan uses: what frames will cost is an estimate."""
LOWER_COST_SHARE = 0.75
"""Of what a source frame cost when the step was chosen, below which the step may be lowered: what
rounding leaves over would otherwise change the rate towards the end."""
LARGEST_STEP = 30
"""A second of a usual recording: the clock is looked at that often at least."""


class Pacer:
    """Chooses which source frames are tracked, so that tracking ends within a budget.

    The step is the smallest with which the rest of the recording can be covered at the measured
    costs of decoding a frame and of tracking one; below the one asked for it never goes. It is
    decided after a short calibration, so that most of the recording has one rate.

    Parameters
    ----------
    step : int
        Asked for: track every `step`-th frame.
    frame_count : int
        Source frames that are expected.
    budget_s : float
        From now.
    clock : callable
        Seconds that only grow.

    Attributes
    ----------
    step : int
        In use at present.
    raised_step : int
        The largest that was used; 0 if the one asked for was.
    """

    def __init__(
        self,
        step: int,
        frame_count: int,
        budget_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.step = step
        self.raised_step = 0
        self._asked_step = step
        self._frame_count = frame_count
        self._clock = clock
        self._start_s = self._last_s = clock()
        self._deadline_s = self._start_s + budget_s
        self._interval_s = DECISION_INTERVAL_SHARE * budget_s
        self._next_decision_s = math.nan
        self._chosen_frame_s = 0.0
        self._next_index = 0
        self._decoding, self._tracking = _Cost(), _Cost()

    def wants(self, index: int) -> bool:
        """Tell whether to track the source frame `index`, which was decoded just now."""
        self._decoding.add(self._lap_s())
        if self._is_due():
            self._decide(index)
        wanted = index >= self._next_index
        if wanted:
            self._next_index = index + self.step
        return wanted

    def tracked(self) -> None:
        """Say that the frame that was wanted last is tracked."""
        self._tracking.add(self._lap_s())

    @property
    def out_of_time(self) -> bool:
        """Whether the budget is used up."""
        return self._clock() >= self._deadline_s

    def _lap_s(self) -> float:
        now_s = self._clock()
        lap_s, self._last_s = now_s - self._last_s, now_s
        return lap_s

    def _is_due(self) -> bool:
        if not math.isnan(self._next_decision_s):
            return self._last_s >= self._next_decision_s
        return self._tracking.count >= CALIBRATION_FRAMES or (
            self._tracking.count > 0 and self._last_s - self._start_s >= CALIBRATION_S
        )

    def _decide(self, index: int) -> None:
        self._next_decision_s = self._last_s + self._interval_s
        decoding_s, tracking_s = self._decoding.settle(), self._tracking.settle()
        left = max(0, self._frame_count - index)

        time_s = (1 - SPARE_SHARE) * (self._deadline_s - self._last_s) - left * decoding_s
        # left * decoding_s + left / step * tracking_s <= the time that is left
        needed = math.ceil(left * tracking_s / time_s) if time_s > 0 else LARGEST_STEP
        needed = max(self._asked_step, min(LARGEST_STEP, needed))
        frame_s = decoding_s + tracking_s / self.step
        if needed > self.step or frame_s < LOWER_COST_SHARE * self._chosen_frame_s:
            self.step = needed
            self._chosen_frame_s = decoding_s + tracking_s / needed
        if self.step > self._asked_step:
            self.raised_step = max(self.raised_step, self.step)


class _Cost:
    """Mean seconds of what is done over and over, the latest counting most."""

    def __init__(self) -> None:
        self.count = 0
        self._sum_s = 0.0
        self._mean_s = math.nan

    def add(self, seconds: float) -> None:
        self.count += 1
        self._sum_s += seconds

    def settle(self) -> float:
        """Take in what was added since the last time, with half of the weight; return the mean."""
        if self.count:
            latest_s = self._sum_s / self.count
            before_s = latest_s if math.isnan(self._mean_s) else self._mean_s
            self._mean_s = (before_s + latest_s) / 2
        self.count, self._sum_s = 0, 0.0
        return self._mean_s
