"""Choose how many frames to skip so that a recording can be tracked within a time budget."""

import math
import time
from collections.abc import Callable

CALIBRATION_FRAMES = 30
"""Tracked frames before the first decision: a second of a usual recording."""
CALIBRATION_S = 2.0
"""Longest time before the first decision, even if fewer than `CALIBRATION_FRAMES` are tracked."""
DECISION_INTERVAL_SHARE = 0.05
"""Share of the budget from one decision to the next. Costs change as a face comes and goes."""
SPARE_SHARE = 0.1
"""Share of the remaining time that is kept in reserve, because future costs are estimates."""
LOWER_COST_SHARE = 0.75
"""The step may be lowered when a source frame costs less than this share of its cost at the time
when the step was chosen. Otherwise rounding would change the step towards the end."""
LARGEST_STEP = 30
"""Largest step: a second of a usual recording. The clock is checked at least that often."""


class Pacer:
    """Chooses which source frames are tracked, so that tracking ends within a budget.

    It tracks one frame in every `step` frames. `step` is chosen as the smallest one with which the
    rest of the recording fits into the time that is left, by the measured costs of decoding and of
    tracking a frame; from the requested step to `LARGEST_STEP`. The first choice comes after a
    short calibration at the requested step. Later choices raise it where time has become short, but
    lower it only if frames have become much cheaper, so that most of the recording has one rate.

    Parameters
    ----------
    step : int
        The requested step: track every `step`-th frame.
    frame_count : int
        Expected number of source frames (frames of the video, also those that are skipped).
    budget_s : float
        Seconds that decoding and tracking may take together, counted from now.
    clock : callable, optional
        Takes nothing and returns seconds that never go back; tests give their own.

    Attributes
    ----------
    step : int
        The step in use now.
    raised_step : int
        The largest step that was used so far; 0 if it was always the requested one.
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
        """Return whether to track the source frame `index`, which has just been decoded.

        `index` counts all frames of the video from 0. Call it once for each frame, in order, as it
        may change the step. The time since the last call of `wants` or `tracked` is taken for the
        cost of decoding this frame.
        """
        self._decoding.add(self._lap_s())
        if self._is_due():
            self._decide(index)
        wanted = index >= self._next_index
        if wanted:
            self._next_index = index + self.step
        return wanted

    def tracked(self) -> None:
        """Note that the frame for which `wants` has just returned True has now been tracked.

        The time since then is taken for the cost of tracking a frame.
        """
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
        # Solved for step: left * decoding_s + left / step * tracking_s <= remaining time.
        needed = math.ceil(left * tracking_s / time_s) if time_s > 0 else LARGEST_STEP
        needed = max(self._asked_step, min(LARGEST_STEP, needed))
        frame_s = decoding_s + tracking_s / self.step
        if needed > self.step or frame_s < LOWER_COST_SHARE * self._chosen_frame_s:
            self.step = needed
            self._chosen_frame_s = decoding_s + tracking_s / needed
        if self.step > self._asked_step:
            self.raised_step = max(self.raised_step, self.step)


class _Cost:
    """Mean duration of a repeated task, in seconds; the latest durations count most.

    `add` takes the duration of one more task, and `count` is how many were added since `settle`.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum_s = 0.0
        self._mean_s = math.nan

    def add(self, seconds: float) -> None:
        self.count += 1
        self._sum_s += seconds

    def settle(self) -> float:
        """Take in the durations added since the last call, and return the new mean in seconds.

        It lies halfway from the old mean to that of these durations. At first, it is that of these
        durations. If none was added, the old mean is returned; NaN if nothing was ever added.
        """
        if self.count:
            latest_s = self._sum_s / self.count
            before_s = latest_s if math.isnan(self._mean_s) else self._mean_s
            self._mean_s = (before_s + latest_s) / 2
        self.count, self._sum_s = 0, 0.0
        return self._mean_s
