"""Compare recordings of one person: which measures changed by more than their uncertainty.

Recordings with the same label, such as those of one visit, form a condition. The summary of a
recording has 95 % intervals of the vertical range and of movements, and numbers of events. From
these follows a 95 % interval of the change between two conditions. This interval does not include
that a person differs from one recording to the next. If a condition was recorded several times, the
spread of its recordings shows how much the person differs. A change must then exceed both
uncertainties.

A concern is a reason why recordings are hard to compare. Some concerns keep changes from being
judged at all.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from kernels import compute_rate_interval
from kernels.change import (
    compute_detectable_change,
    compute_difference_interval,
    compute_rate_ratio_interval,
    compute_within_std,
)
from kernels.student import CONFIDENCE
from tracker.files.fields import Interval, Summary
from tracker.files.summary import plain
from tracker.study.compare_input import MEASURES, MOVEMENT_MEASURES, Group, Labelled, Measure
from tracker.study.compare_text import format_concern
from tracker.study.comparison import (
    Change,
    ComparedMeasure,
    ComparedRecording,
    Comparison,
    Concern,
    Condition,
    ConditionValue,
)
from tracker.version import __version__

MAX_RATE_RATIO = 1.25
"""If the ratio of two recordings' frame rates is larger than this, the comparison says so."""
MAX_PHASE_CHANGE_S = 1.0
"""If a phase lasts longer or shorter by more than this, the two tasks count as different."""
MAX_PITCH_DIFFERENCE_DEG = 10.0
"""If the head pitch of two recordings differs by more than this, the comparison says that the
camera was at another height."""


def compare(recordings: Sequence[Labelled]) -> Comparison:
    """Compare each condition with the first one.

    Parameters
    ----------
    recordings : sequence of Labelled
        Recordings in two or more conditions. The first recording's condition is the first one.
        That all are of one person is not checked.

    Returns
    -------
    Comparison

    Notes
    -----
    In a condition, ``blink_rate_per_min`` and ``prolonged_closure_rate_per_min`` are the number of
    all events divided by all minutes with a face. Their interval is Garwood's, and their change is
    a ratio with an exact interval. Any other measure's value in a condition is the mean over the
    recordings that have a value, and its change is a difference. Of these measures, the vertical
    range and those of movements have intervals: that of the value is combined from the recordings'
    own intervals, and that of the change comes from `kernels.change.compute_difference_interval`.
    Intervals only cover the errors in these recordings, not how further recordings would differ.

    If two recordings of a condition have different values of a measure, all changes of this measure
    are also compared with the smallest detectable change
    (`kernels.change.compute_detectable_change`): the standard deviation within conditions, pooled
    over all of them, times Student's quantile. This assumes that recordings vary alike in all
    conditions.

    A change is thus tested by its interval, by the smallest detectable change, by both, or not at
    all. A measure is said to have changed if every test that is possible finds a change, unless a
    concern keeps it from being judged. Each test is at 5 %: where nothing changed, about 1 test in
    20 finds a change by chance. The tests are not corrected for that, but the report says how many
    changes were judged.
    """
    labels = list(dict.fromkeys(recording.label for recording in recordings))
    groups = [[one.summary for one in recordings if one.label == label] for label in labels]
    concerns = find_concerns(recordings)
    measures = tuple(
        _compare_measure(measure, labels, groups, concerns)
        for measure in MEASURES
        # Most recordings have no measures of movements: their task did not ask for them.
        if measure not in MOVEMENT_MEASURES
        or any(getattr(one.summary, measure.name) is not None for one in recordings)
    )
    judged = sum(change.changed is not None for measure in measures for change in measure.changes)
    return Comparison(
        conditions=tuple(
            Condition(label, tuple(map(_describe_recording, group)))
            for label, group in zip(labels, groups, strict=True)
        ),
        measures=measures,
        concerns=tuple(concerns),
        judged_changes=judged,
        changes_by_chance=plain((1 - CONFIDENCE) * judged),
        version=__version__,
        note="Research use, not a diagnosis.",
    )


def _describe_recording(summary: Summary) -> ComparedRecording:
    return ComparedRecording(
        source=summary.source,
        status=summary.assessment.status,
        reasons=tuple(reason.code for reason in summary.assessment.reasons),
        valid_time_s=plain(summary.valid_time_s),
        version=summary.version,
    )


def _round(value: float | None) -> float | None:
    """Return the number as it is written; None if it is missing, NaN or infinite."""
    return plain(value)  # type: ignore[no-any-return]


def _round_ends(interval: tuple[float, float]) -> Interval:
    low, high = interval
    return Interval(_round(low), _round(high))


def _compare_measure(
    measure: Measure,
    labels: list[str],
    groups: list[list[Summary]],
    concerns: list[Concern],
) -> ComparedMeasure:
    singles = [[_single(measure, summary) for summary in group] for group in groups]
    within_std, free = compute_within_std(singles)
    if within_std == 0:
        # Equal values are a coincidence; they do not show that further recordings would be equal.
        within_std, free = math.nan, 0
    values, intervals = zip(*(_pool(measure, group) for group in groups), strict=True)
    return ComparedMeasure(
        name=measure.name,
        group=measure.group,
        unit=measure.unit,
        digits=measure.digits,
        threshold=_round(_find_threshold(measure, groups)),
        change_is="difference" if measure.count is None else "ratio",
        values=tuple(
            ConditionValue(label, _round(value), _round_ends(interval), tuple(map(_round, single)))
            for label, value, interval, single in zip(
                labels, values, intervals, singles, strict=True
            )
        ),
        within_condition_std=_round(within_std),
        degrees_of_freedom=free,
        smallest_detectable_change=_round(compute_detectable_change(within_std, free)),
        changes=tuple(
            _judge(measure, labels, groups, index, (within_std, free), concerns)
            for index in range(1, len(labels))
        ),
    )


def _judge(
    measure: Measure,
    labels: list[str],
    groups: list[list[Summary]],
    index: int,
    within: tuple[float, int],
    concerns: list[Concern],
) -> Change:
    """Judge how a measure changed from the first condition to the one at `index`; see `compare`.

    Parameters
    ----------
    measure : Measure
    labels, groups : list of str, list of list of Summary
        The label, and the summaries, of each condition.
    index : int
        Which condition, 1 or more.
    within : (float, int)
        Standard deviation of the measure between recordings of one condition, pooled over the
        conditions, and its degrees of freedom; NaN and 0 if it is not known.
    concerns : list of Concern
        All of the comparison. One that has either condition among its `labels`, and the measure's
        group in `withholds`, keeps the change from being judged.
    """
    (value, ci95), (other_value, other_ci95) = (_pool(measure, groups[n]) for n in (0, index))
    if measure.count is None:
        change, unchanged = other_value - value, 0.0
        interval = compute_difference_interval(value, ci95, other_value, other_ci95)
    else:
        change, unchanged = other_value / value if value else math.nan, 1.0
        interval = compute_rate_ratio_interval(
            *_count(measure, groups[0]), *_count(measure, groups[index])
        )
    first, second = (
        _finite([_single(measure, summary) for summary in groups[n]]) for n in (0, index)
    )
    limit = compute_detectable_change(*within, len(first), len(second))
    difference = float(np.mean(second) - np.mean(first)) if first and second else math.nan
    withheld = dict.fromkeys(
        concern.code
        for concern in concerns
        if measure.group in concern.withholds
        and not {labels[0], labels[index]}.isdisjoint(concern.labels)
    )
    tests = []
    if not math.isnan(interval[0]):
        tests.append(not interval[0] <= unchanged <= interval[1])
    if not math.isnan(limit):
        tests.append(abs(difference) > limit)
    why_not = tuple(withheld) or (() if tests else ("no_interval",))
    return Change(
        label=labels[index],
        change=_round(change),
        interval=_round_ends(interval),
        repeat_limit=_round(limit),
        difference=_round(difference),
        changed=None if why_not else all(tests),
        why_not=why_not,
    )


def _find_threshold(measure: Measure, groups: list[list[Summary]]) -> float | None:
    """Return the vertical range, in eye widths, below which PSP is suspected.

    `groups` are the summaries of each condition. None if their thresholds differ, and if `measure`
    is not the vertical range, because only that has a threshold.
    """
    found = {summary.parameters.vpp_thresh for group in groups for summary in group}
    return found.pop() if measure.name == "vertical_peak_to_peak" and len(found) == 1 else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _finite(values: list[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def _count(measure: Measure, group: Sequence[Summary]) -> tuple[int, float]:
    """Return how many events a condition's recordings have in all, and in how many minutes.

    Only time with a face counts. `measure` is a rate, whose `count` names the summary's field with
    the number of events; `group` are the summaries of the recordings.
    """
    assert measure.count is not None
    return (
        sum(getattr(summary, measure.count) for summary in group),
        sum(summary.valid_time_s for summary in group) / 60,
    )


def _single(measure: Measure, summary: Summary) -> float:
    if measure.count is None:
        return _number(getattr(summary, measure.name))
    count, minutes = _count(measure, [summary])
    return count / minutes if minutes else math.nan


def _pool(measure: Measure, group: Sequence[Summary]) -> tuple[float, tuple[float, float]]:
    """Return a measure's value in a condition, and the 95 % interval of that value: (low, high).

    `group` are the summaries of the condition's recordings. The value of a rate comes from all
    events and minutes; any other is the mean of the recordings that have a value, NaN if none has.
    The interval covers only the errors in these recordings, not further ones. Both ends are NaN if
    the measure has no interval, or if one of the recordings that have a value has none.
    """
    if measure.count is not None:
        count, minutes = _count(measure, group)
        return (count / minutes if minutes else math.nan), compute_rate_interval(count, minutes)
    measured = [summary for summary in group if getattr(summary, measure.name) is not None]
    if not measured:
        return math.nan, (math.nan, math.nan)
    value = float(np.mean([getattr(summary, measure.name) for summary in measured]))
    if measure.interval is None:
        return value, (math.nan, math.nan)
    # Recordings are independent, so the squares of their errors add up.
    down, up = (
        math.hypot(
            *(
                _number(getattr(summary, measure.interval)[end]) - getattr(summary, measure.name)
                for summary in measured
            )
        )
        / len(measured)
        for end in (0, 1)
    )
    return value, (value - down, value + up)


def find_concerns(recordings: Sequence[Labelled]) -> list[Concern]:
    """Find reasons why the recordings are hard to compare, such as different tasks.

    Parameters
    ----------
    recordings : sequence of Labelled
        At least one. Each is checked alone, for example whether it is assessable; and each is
        compared with all recordings of the first one's condition.

    Returns
    -------
    list of Concern
        One for each recording that is not assessable, unless only its task or its times are
        unknown; and at most one of every other kind. Empty if there is no such reason.
    """
    first = recordings[0]
    found: list[Concern] = []

    def add(code: str, labels: Iterable[str], details: str = "") -> None:
        names = tuple(dict.fromkeys(labels))
        if names:
            message = format_concern("en", code, names, first.label, details)
            found.append(Concern(code, names, message, details, _WITHHOLDS.get(code, ())))

    for recording in recordings:
        assessment = recording.summary.assessment
        codes = list(dict.fromkeys(reason.code for reason in assessment.reasons))
        # With these, all was measured well: only what the range means is not known.
        if assessment.status == "not_assessable" and codes not in (
            ["task_unknown"],
            ["times_unknown"],
        ):
            add("not_assessable", [recording.label], ", ".join(codes))
    add("task_unknown", [one.label for one in recordings if one.summary.task == "unknown"])
    add("earlier_verdict", [one.label for one in recordings if one.summary.parameters.task is None])
    add("partial", [one.label for one in recordings if one.summary.partial])
    corrected = [one.label for one in recordings if one.summary.corrected]
    if len(corrected) < len(recordings):
        add("corrected", corrected)
    essences = [_essence(one.summary) for one in recordings]
    add(
        "same_recording",
        [
            one.label
            for one, essence in zip(recordings, essences, strict=True)
            if essences.count(essence) > 1
        ],
    )
    base = [one.summary for one in recordings if one.label == first.label]
    for code, differs in _DIFFERENCES.items():
        # All of the first condition's, so that the order of its repeats does not matter.
        unlike = [one for one in recordings if any(differs(other, one.summary) for other in base)]
        add(code, [one.label for one in unlike])
    return found


_WITHHOLDS: dict[str, tuple[Group, ...]] = {
    "not_assessable": ("gaze", "lids"),
    "same_recording": ("gaze", "lids"),
    # Parameters of closures also decide which frames count for the gaze.
    "other_parameters": ("gaze", "lids"),
    "other_protocol": ("gaze",),
    "other_camera_height": ("gaze",),
}


def _essence(summary: Summary) -> str:
    """Return the summary's measures, as text that is equal for summaries of the same recording.

    It finds a recording that was given twice, under different names: two recordings do not have
    equal values of all measures, time with a face and opening of the eyes.
    """
    names = [name for one in MEASURES for name in (one.name, one.interval, one.count) if name]
    return json.dumps(
        [getattr(summary, name, None) for name in [*names, "valid_time_s", "open_ear"]]
    )


def _have_other_parameters(first: Summary, other: Summary) -> bool:
    names = ("blink_thresh", "blink_min_frames", "blink_baseline")
    return any(getattr(first.parameters, name) != getattr(other.parameters, name) for name in names)


def _have_other_tasks(first: Summary, other: Summary) -> bool:
    if [phase.phase for phase in first.phases] != [phase.phase for phase in other.phases]:
        return True
    # Earlier versions did not know the task.
    if None not in (first.task, other.task) and first.task != other.task:
        return True
    return any(
        abs((one.end_s - one.start_s) - (two.end_s - two.start_s)) > MAX_PHASE_CHANGE_S
        for one, two in zip(first.phases, other.phases, strict=True)
    )


def _have_other_rates(first: Summary, other: Summary) -> bool:
    rates_hz = [_number(one.quality.sampled_rate_hz) for one in (first, other)]
    return max(rates_hz) > MAX_RATE_RATIO * min(rates_hz)


def _have_other_heights(first: Summary, other: Summary) -> bool:
    pitches_deg = [_number(one.quality.head_pitch_deg) for one in (first, other)]
    return abs(pitches_deg[0] - pitches_deg[1]) > MAX_PITCH_DIFFERENCE_DEG


_DIFFERENCES: dict[str, Callable[[Summary, Summary], bool]] = {
    "other_parameters": _have_other_parameters,
    "other_protocol": _have_other_tasks,
    "other_version": lambda first, other: first.version != other.version,
    "other_rate": _have_other_rates,
    "other_camera_height": _have_other_heights,
}
