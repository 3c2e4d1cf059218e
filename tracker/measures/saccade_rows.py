"""Each step of the gaze by itself, as the table of saccades lists it.

Unlike in `tracker.measures.saccades`, nothing is pooled over steps. Only the onset uses the
person's typical duration, because a single step often leaves open when it began.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kernels import LEFT, RIGHT
from kernels.pooling import read_event
from kernels.uncertainty import NORMAL_QUANTILE
from tracker.measures.following import NOT_FOLLOWED
from tracker.measures.gaze import find_iris_ratio
from tracker.measures.ranges import FOLLOWED_SHARE
from tracker.measures.saccades import (
    TIME_ERROR,
    Pooled,
    add_clock_error,
    find_answers,
    find_onset_error_s,
    find_phases,
    find_shared_error,
    find_typical_ms,
    to_degrees,
    weigh_steps,
    weigh_times,
)
from tracker.measures.steps import Steps, refit_steps
from tracker.protocol import HORIZONTAL_PHASES, VERTICAL_PHASES, Phase

if TYPE_CHECKING:
    from tracker.measures.analysis import Analysis

SHOWN_ASIDE = (0.4, 1.0)
"""Bounds of the share of a horizontal movement that the landmarks show. Synthetic faces without
spectacles show 0.79 or more (docs/accuracy.md); spectacles halve that of vertical movements."""
SAME_S = 0.15
"""Steps of both offsets that are not further apart may be one movement of the eyes."""
SHOWN_LESS = 0.5
"""Landmarks show vertical movements about half as large as horizontal ones."""
EYES = ("both", "left", "right")
MEASURED = ("onset_s", "latency_ms", "amplitude", "time_10_90_ms", "peak_velocity_deg_s_est")
"""The values of a step; each has an interval."""

NOTHING = (math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class SaccadeRow:
    """What one eye shows of a step, or both do. A value comes with both ends of its 95 % interval.

    All times are in seconds from the first frame.

    Attributes
    ----------
    step : int
        Number of the step in order of time, from 1: the same in its rows for each of `EYES`.
    eye : {"both", "left", "right"}
        ``both`` is the mean of the eyes. Left is the subject's left.
    direction : {"up", "down", "left", "right"}
        Where the eyes moved.
    phase : str
        The protocol's phase at the middle of the step; empty if there is none.
    prompt_s : float
        Start of that phase; NaN if there is none.
    middle_s : float
        Roughly the middle of the step.
    reason : str
        Why the step does not count, such as ``hidden``: one of the reasons of
        `tracker.measures.steps.LeftOut`, or the next one; empty if it counts.
        ``not_found``: the phase asks for this direction, and no step that way stands out of the
        noise; `middle_s` is then NaN. A row with a reason has none of the values below (NaN).
    onset_s : (float, float, float)
        When the eyes begin to move: the value, and the lower and the upper end of its interval, as
        of the following ones.
    latency_ms : (float, float, float)
        From the prompt to the onset, of the phase's first step in the direction that it asks for;
        NaN for other steps, and if that one began too soon to be an answer.
    amplitude : (float, float, float)
        In eye widths, without a sign.
    time_10_90_ms : (float, float, float)
        Time from 10 % of the step to 90 %.
    peak_velocity_deg_s_est : (float, float, float)
        In degrees a second. The value is too small, because landmarks follow only a part of the
        movement; the interval bounds the true velocity.
    """

    step: int
    eye: str
    direction: str
    phase: str
    prompt_s: float
    middle_s: float
    reason: str
    onset_s: Pooled = NOTHING
    latency_ms: Pooled = NOTHING
    amplitude: Pooled = NOTHING
    time_10_90_ms: Pooled = NOTHING
    peak_velocity_deg_s_est: Pooled = NOTHING


@dataclass(frozen=True, slots=True)
class _Movement:
    """A step of the vertical or of the horizontal offset.

    Attributes
    ----------
    is_vertical : bool
        Of which of the two it is.
    middle_s, rise : float
        Roughly its middle, in seconds, and its amplitude in eye widths; down and the subject's left
        are positive. If no step was found where one was asked for, they are the start of the phase,
        and NaN.
    rows : tuple of SaccadeRow
        One for each of `EYES`. Their `step`, `phase` and `prompt_s` are not filled in yet.
    """

    is_vertical: bool
    middle_s: float
    rise: float
    rows: tuple[SaccadeRow, ...]


def list_saccade_rows(analysis: "Analysis") -> list[SaccadeRow]:
    """Return a row for each step of the gaze and each of `EYES`, in order of time.

    If the protocol has phases up or down, vertical steps outside of these have no rows. The same
    holds for horizontal steps and the phases left or right. Other steps that do not count have
    rows, too, with the reason; but not if a step at right angles at the same time counts or is
    larger, nor if they are ``small``: of these, only the largest that goes the way of a phase has
    rows, if no other listed step does. A phase that asks for a direction in which no step is found
    has rows (``not_found``). There are no rows if steps could not be looked for. If the landmarks
    do not follow the eyes up and down, all vertical rows have the reason ``not_followed``.
    """
    found, protocol = analysis.saccades, analysis.parameters.protocol
    if found.reason is not None:
        return []
    aside = analysis.traces.geometry.horizontal_offset
    level_by_eye = (
        refit_steps(
            found.level, np.ascontiguousarray(aside[:, side]), analysis.gaze.valid, found.camera
        )
        for side in (LEFT, RIGHT)
    )
    movements = [
        *_list_movements(analysis, True, (found.upright, *found.upright_by_eye)),
        *_list_movements(analysis, False, (found.level, *level_by_eye)),
    ]
    large, small = (
        [one for one in movements if (one.rows[0].reason == "small") == is_small]
        for is_small in (False, True)
    )
    kept = [one for one in large if not _is_part(one, large)]
    kept += _answer_rest(protocol, kept, small)
    kept.sort(key=lambda one: (one.middle_s, one.is_vertical))
    is_followed = analysis.measures.vertical_saccade_amplitude_reason != NOT_FOLLOWED
    rows = []
    for number, one in enumerate(kept, 1):
        phase = _find_phase(protocol, one.middle_s)
        name, prompt_s = ("", math.nan) if phase is None else (phase.phase, phase.start_s)
        own = [replace(row, step=number, phase=name, prompt_s=prompt_s) for row in one.rows]
        if one.is_vertical and not is_followed:
            own = [replace(row, reason=NOT_FOLLOWED) for row in own]
        rows += own
    return rows


def _is_part(one: _Movement, movements: Sequence[_Movement]) -> bool:
    """Return whether a step that does not count only comes with one at right angles to it.

    The other one is at most `SAME_S` away in time, and counts or is larger (a horizontal amplitude
    is multiplied by `SHOWN_LESS` before). `movements` are the steps of both offsets, but not the
    small ones. False for a step that counts.
    """

    def size(movement: _Movement) -> float:
        return abs(movement.rise) * (1.0 if movement.is_vertical else SHOWN_LESS)

    return bool(one.rows[0].reason) and any(
        other.is_vertical != one.is_vertical
        and abs(other.middle_s - one.middle_s) <= SAME_S
        and (not other.rows[0].reason or size(other) > size(one))
        for other in movements
    )


def _answer_rest(
    protocol: tuple[Phase, ...], kept: Sequence[_Movement], small: Sequence[_Movement]
) -> Iterator[_Movement]:
    """Yield what answers each phase with a direction in which no step that is `kept` goes that way.

    It is the largest of the `small` steps in the phase that do. If there is none, it is a movement
    whose rows have the reason ``not_found``. The `SAME_S` before a phase belong to it here.
    """
    for phase in protocol:
        if phase.phase not in VERTICAL_PHASES + HORIZONTAL_PHASES:
            continue
        begin_s = phase.start_s - SAME_S
        found, rest = (
            [
                one
                for one in movements
                if one.rows[0].direction == phase.phase and begin_s <= one.middle_s < phase.end_s
            ]
            for movements in (kept, small)
        )
        if not found and rest:
            yield max(rest, key=lambda one: abs(one.rise))
        elif not found:
            rows = tuple(
                SaccadeRow(0, eye, phase.phase, "", math.nan, math.nan, "not_found") for eye in EYES
            )
            yield _Movement(phase.phase in VERTICAL_PHASES, phase.start_s, math.nan, rows)


def _find_phase(protocol: tuple[Phase, ...], time_s: float) -> Phase | None:
    return next((one for one in protocol if one.start_s <= time_s < one.end_s), None)


def _list_movements(
    analysis: "Analysis", is_vertical: bool, by_eye: tuple[Steps, ...]
) -> Iterator[_Movement]:
    """Yield the steps of the vertical offset, or else of the horizontal one.

    First come those that do not count, whose rows have a reason and no values, then the others.
    `by_eye` are the steps, fitted to the offset of each of `EYES`, in this order.
    """

    def begin(eye: str, middle_s: float, rise: float, reason: str) -> SaccadeRow:
        direction = _name_direction(is_vertical, rise)
        return SaccadeRow(0, eye, direction, "", math.nan, middle_s, reason)

    both = by_eye[0]
    for left_out in both.left_out:
        said = (left_out.centre_s, left_out.rise)
        rows = tuple(begin(eye, *said, left_out.reason) for eye in EYES)
        yield _Movement(is_vertical, *said, rows)
    if not both.steps:
        return
    values = [_read_values(analysis, is_vertical, steps, both) for steps in by_eye]
    for step, *of_eyes in zip(both.steps, *values, strict=True):
        said = (step.centre_s, step.rise)
        rows = tuple(
            replace(begin(eye, *said, ""), **found)
            for eye, found in zip(EYES, of_eyes, strict=True)
        )
        yield _Movement(is_vertical, *said, rows)


def _read_values(
    analysis: "Analysis", is_vertical: bool, steps: Steps, both: Steps
) -> list[dict[str, Pooled]]:
    """Return the values of each step as one eye shows it: the fields `MEASURED` by name.

    `steps` are fitted to that eye, and `both` are the same steps, fitted to the mean of both eyes.
    Each value is (value, low, high), NaN where it is not known. `steps` must not be empty.
    """
    camera, typical_ms = analysis.saccades.camera, find_typical_ms(both)
    prompts_s = _find_prompts(analysis.parameters.protocol, is_vertical, both, typical_ms)
    gain_std = analysis.gaze.framing_gain_std if is_vertical else 0.0
    iris_ratio = find_iris_ratio(analysis.traces.gaze, analysis.gaze.valid)
    shown = FOLLOWED_SHARE if is_vertical else SHOWN_ASIDE
    times, all_times = weigh_times(steps)
    sizes, all_sizes = weigh_steps(steps, 1, 0)
    speeds, all_speeds = weigh_steps(steps, 0, 1)
    values = []
    for index, step in enumerate(steps.steps):
        onset_s, std_s = step.find_onset(typical_ms)
        reach_s = NORMAL_QUANTILE * math.hypot(std_s, find_onset_error_s(step, typical_ms))
        late_s = onset_s - prompts_s.get(step.centre_s, math.nan)
        speed = read_event(speeds, all_speeds[index], find_shared_error(0, 1, gain_std))
        values.append(
            {
                "onset_s": (onset_s, onset_s - reach_s, onset_s + reach_s),
                "latency_ms": add_clock_error((late_s, late_s - reach_s, late_s + reach_s), camera),
                "amplitude": read_event(sizes, all_sizes[index], find_shared_error(1, 0, gain_std)),
                "time_10_90_ms": read_event(times, all_times[index], TIME_ERROR),
                "peak_velocity_deg_s_est": to_degrees(speed, iris_ratio, shown),
            }
        )
    return values


def _find_prompts(
    protocol: tuple[Phase, ...], is_vertical: bool, steps: Steps, typical_ms: float
) -> dict[float, float]:
    """Return when each step that answers a prompt was asked for, by the step's `centre_s`.

    The time is the start of the protocol's phase, in seconds. Steps that answer none are left out:
    only the first step that a phase asks for answers it. is_vertical says of which offset `steps`
    are. `typical_ms` is the person's time from 10 to 90 % of a step, NaN if it is not known.
    """
    prompts_s: dict[float, float] = {}
    for sign in (-1.0, 1.0):
        prompts = find_phases(protocol, (_name_direction(is_vertical, sign),))
        answers = find_answers(steps.one_way(sign), prompts, typical_ms)
        prompts_s |= {centre_s: prompt.start_s for centre_s, (prompt, _, _) in answers.items()}
    return prompts_s


def _name_direction(is_vertical: bool, rise: float) -> str:
    return (("right", "left"), ("up", "down"))[is_vertical][rise > 0]
