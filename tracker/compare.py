"""One person over time: which measures changed by more than measuring makes them.

What decides is not the same for all measures. Each summary carries the 95 % interval of its
vertical range and its counts of events; from these comes the interval of a change as one recording
of each condition knows it. What a person does differently from one recording to the next is not in
it. Where a condition was recorded several times, the spread within conditions tells that, and a
change then has to exceed both.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kernels import compute_rate_interval
from kernels.change import (
    compute_detectable_change,
    compute_difference_interval,
    compute_rate_ratio_interval,
    compute_within_std,
)
from kernels.uncertainty import CONFIDENCE
from tracker import __version__
from tracker.analysis import analyze_track
from tracker.assessment import assess
from tracker.decode import InputError, check_readable
from tracker.output import summarize
from tracker.parameters import Parameters
from tracker.track import load_track

MAX_SUMMARY_BYTES = 4 * 2**20
MAX_COUNT = 1_000_000
MAX_RATE_RATIO = 1.25
"""Analysed frames a second of one recording over another's, from which it is mentioned."""
MAX_PITCH_DIFFERENCE_DEG = 10.0
"""Between recordings, of the camera's height as the head's pitch shows it; from which it is
mentioned."""

Kind = Literal["difference", "ratio"]
Group = Literal["gaze", "lids"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of the summary that is compared.

    Attributes
    ----------
    name : str
        Its field, or for a rate that has none, its name here.
    group : {"gaze", "lids"}
        What it is a measure of.
    unit : str
    digits : int
        Decimals it is told with.
    interval : str or None
        Field of its 95 % interval.
    count : str or None
        Of a rate: field of the count, of which `valid_time_s` is the exposure.
    """

    name: str
    group: Group
    unit: str
    digits: int
    interval: str | None = None
    count: str | None = None


MEASURES = (
    Measure("vertical_peak_to_peak", "gaze", "eye widths", 3, "vertical_peak_to_peak_ci95"),
    Measure("up_range", "gaze", "eye widths", 3),
    Measure("down_range", "gaze", "eye widths", 3),
    Measure("horizontal_peak_to_peak", "gaze", "eye widths", 3),
    Measure("blink_rate_per_min", "lids", "per min", 1, count="blink_count"),
    Measure(
        "prolonged_closure_rate_per_min", "lids", "per min", 1, count="prolonged_closure_count"
    ),
    Measure("blink_duration_median_s", "lids", "s", 3),
    Measure("perclos", "lids", "share", 3),
)


class ComparisonInputError(InputError):
    """The file is not a summary that can be compared."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording's summary, read and checked, and the condition it was made under."""

    label: str
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A measure's change from the first condition.

    Attributes
    ----------
    label : str
        The condition that is compared with the first.
    change : float
        Difference, or of rates the ratio.
    interval : (float, float)
        As the recordings' own intervals and counts tell it; NaN without one.
    repeat_limit : float
        Difference that repeated recordings tell from none, see
        `kernels.change.compute_detectable_change`; NaN where no condition was recorded twice.
    difference : float
        Of the conditions' means over recordings, which `repeat_limit` is held against.
    changed : bool or None
        Whether it is beyond all of these that there are; None: not judged.
    why_not : tuple of str
        Codes of the concerns because of which it is not judged, or ``no_interval``.
    """

    label: str
    change: float
    interval: tuple[float, float]
    repeat_limit: float
    difference: float
    changed: bool | None
    why_not: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concern:
    """Why recordings do not compare as they should.

    Attributes
    ----------
    code : str
    labels : tuple of str
        Conditions it is about.
    message : str
        What was found and what to do about it.
    withholds : tuple of Group
        Groups of measures whose change is not judged because of it.
    """

    code: str
    labels: tuple[str, ...]
    message: str
    withholds: tuple[Group, ...] = ()


def read_recording(path: Path, label: str) -> Recording:
    """Read a summary, or analyse a track anew.

    Parameters
    ----------
    path : Path
        ``STEM.summary.json``; or ``STEM.track.npz``, which is analysed with the default parameters
        of this version and its own protocol.
    label : str

    Returns
    -------
    Recording

    Raises
    ------
    InputError
        The file is neither, or what is compared is missing or out of range.
    """
    if path.suffix == ".npz":
        track = load_track(path)
        analysis = analyze_track(track, Parameters(protocol=track.info.protocol))
        return Recording(label, summarize(analysis, assess(analysis), path.name))
    check_readable(path)
    wrong = f"{path.name}: not a summary (STEM.summary.json) that this version can compare"
    if path.stat().st_size > MAX_SUMMARY_BYTES:
        raise ComparisonInputError(f"{wrong}: it is over {MAX_SUMMARY_BYTES >> 20} MB.")
    try:
        summary = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
        _check_summary(summary)
    # Whatever is not as expected, also brackets nested too deeply.
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ComparisonInputError(
            f"{wrong}. Name another file, or make it anew with `eye-tracker reanalyze`."
        ) from error
    return Recording(label, summary)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _check_summary(summary: dict[str, Any]) -> None:
    def number(value: Any, high: float = 1e9) -> bool:
        return type(value) in (int, float) and 0 <= value <= high

    for measure in MEASURES:
        if measure.count is not None:
            count = summary[measure.count]
            if not (type(count) is int and 0 <= count <= MAX_COUNT):
                raise ValueError(measure.count)
            continue
        value = summary[measure.name]
        # How far up and down may be on the other side of the primary position.
        signed = measure.name in ("up_range", "down_range")
        if value is not None and not number(abs(value) if signed else value):
            raise ValueError(measure.name)
        if measure.interval is not None:
            low, high = summary[measure.interval]
            if (low is None) != (high is None) or (
                low is not None
                and not (number(low) and number(high) and value is not None and low <= high)
            ):
                raise ValueError(measure.interval)
    if not (number(summary["valid_time_s"]) and number(summary["duration_sec_est"])):
        raise ValueError("time")
    assessment, quality = summary["assessment"], summary["quality"]
    if not (
        assessment["status"] in ("suspected", "not_suspected", "not_assessable")
        and all(type(reason["code"]) is str for reason in assessment["reasons"])
        and type(summary["partial"]) is bool
        and type(summary["version"]) is str
        and type(summary["source"]) is str
        and isinstance(summary["parameters"], dict)
        and isinstance(summary["phases"], list)
        and all(
            type(phase["phase"]) is str and number(phase["start_s"]) and number(phase["end_s"])
            for phase in summary["phases"]
        )
    ):
        raise ValueError("assessment, parameters or phases")
    for name in ("sampled_rate_hz", "head_pitch_deg"):
        if quality[name] is not None and not number(abs(quality[name])):
            raise ValueError(name)


def compare(recordings: Sequence[Recording]) -> dict[str, Any]:
    """Compare conditions with the first one.

    Parameters
    ----------
    recordings : sequence of Recording
        Of one person; of two conditions or more, in order of their first recording.

    Returns
    -------
    dict
        The comparison: ``conditions``, ``measures`` with values, intervals and changes,
        ``concerns``, ``judged_changes`` and how many of them would be called changed by chance.

    Notes
    -----
    A condition's value is the mean over its recordings, of a rate the sum of the counts over the
    sum of the times. Its interval is of the recordings alone: for the vertical range the mean's,
    from each one's block bootstrap; for a rate Garwood's. The change of the range has the interval
    of `kernels.change.compute_difference_interval`, that of a rate the exact one of the ratio. The
    other measures have none and are judged where a condition was recorded more than once.

    Where one was, each change is also held against the smallest one that repeated recordings tell
    from none (`kernels.change.compute_detectable_change`): the standard deviation within
    conditions, pooled over all of them, times Student's quantile. It supposes that recordings vary
    alike in all conditions.

    A change is called one where each of these that there is excludes none. Each is a test at 5 %:
    of 20 judged changes where nothing changed, one is called a change. Nothing is corrected for
    that; the number is told.
    """
    labels = list(dict.fromkeys(recording.label for recording in recordings))
    groups = [[one.summary for one in recordings if one.label == label] for label in labels]
    concerns = find_concerns(recordings)
    measures = [_compare_measure(measure, labels, groups, concerns) for measure in MEASURES]
    judged = sum(
        change["changed"] is not None for measure in measures for change in measure["changes"]
    )
    return {
        "conditions": [
            {
                "label": label,
                "recordings": [
                    {
                        "source": summary["source"],
                        "status": summary["assessment"]["status"],
                        "reasons": [reason["code"] for reason in summary["assessment"]["reasons"]],
                        "valid_time_s": summary["valid_time_s"],
                        "version": summary["version"],
                    }
                    for summary in group
                ],
            }
            for label, group in zip(labels, groups, strict=True)
        ],
        "measures": measures,
        "concerns": [asdict(concern) for concern in concerns],
        "judged_changes": judged,
        "changes_by_chance": (1 - CONFIDENCE) * judged,
        "version": __version__,
        "note": "Research use, not a diagnosis.",
    }


def _compare_measure(
    measure: Measure,
    labels: list[str],
    groups: list[list[dict[str, Any]]],
    concerns: list[Concern],
) -> dict[str, Any]:
    singles = [[_single(measure, summary) for summary in group] for group in groups]
    within_std, free = compute_within_std(singles)
    values, intervals = zip(*(_pool(measure, group) for group in groups), strict=True)
    changes = []
    for place in range(1, len(labels)):
        if measure.count is None:
            change = values[place] - values[0]
            interval = compute_difference_interval(
                values[0], intervals[0], values[place], intervals[place]
            )
            unchanged = 0.0
        else:
            change = values[place] / values[0] if values[0] else math.nan
            interval = compute_rate_ratio_interval(
                *_count(measure, groups[0]), *_count(measure, groups[place])
            )
            unchanged = 1.0
        first, second = (_finite(singles[n]) for n in (0, place))
        limit = compute_detectable_change(within_std, free, len(first), len(second))
        difference = float(np.mean(second) - np.mean(first)) if first and second else math.nan
        withheld = tuple(
            dict.fromkeys(
                concern.code
                for concern in concerns
                if measure.group in concern.withholds
                and not {labels[0], labels[place]}.isdisjoint(concern.labels)
            )
        )
        tests = []
        if not math.isnan(interval[0]):
            tests.append(not interval[0] <= unchanged <= interval[1])
        if not math.isnan(limit):
            tests.append(abs(difference) > limit)
        why_not = withheld or (() if tests else ("no_interval",))
        changes.append(
            Change(
                label=labels[place],
                change=change,
                interval=interval,
                repeat_limit=limit,
                difference=difference,
                changed=None if why_not else all(tests),
                why_not=why_not,
            )
        )
    kind: Kind = "difference" if measure.count is None else "ratio"
    return {
        "name": measure.name,
        "group": measure.group,
        "unit": measure.unit,
        "change_is": kind,
        "values": [
            {"label": label, "value": value, "ci95": interval, "recordings": single}
            for label, value, interval, single in zip(
                labels, values, intervals, singles, strict=True
            )
        ],
        "within_condition_std": within_std,
        "degrees_of_freedom": free,
        "smallest_detectable_change": compute_detectable_change(within_std, free),
        "changes": [asdict(change) for change in changes],
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _finite(values: list[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def _count(measure: Measure, group: Sequence[dict[str, Any]]) -> tuple[int, float]:
    """Return the events of a condition's recordings and the minutes in which they were counted."""
    assert measure.count is not None
    return (
        sum(summary[measure.count] for summary in group),
        sum(summary["valid_time_s"] for summary in group) / 60,
    )


def _single(measure: Measure, summary: dict[str, Any]) -> float:
    if measure.count is None:
        return _number(summary[measure.name])
    count, minutes = _count(measure, [summary])
    return count / minutes if minutes else math.nan


def _pool(measure: Measure, group: Sequence[dict[str, Any]]) -> tuple[float, tuple[float, float]]:
    """Return a condition's value and its interval, of its recordings alone."""
    if measure.count is not None:
        count, minutes = _count(measure, group)
        return (count / minutes if minutes else math.nan), compute_rate_interval(count, minutes)
    measured = [summary for summary in group if summary[measure.name] is not None]
    if not measured:
        return math.nan, (math.nan, math.nan)
    value = float(np.mean([summary[measure.name] for summary in measured]))
    if measure.interval is None:
        return value, (math.nan, math.nan)
    # Independent recordings: the errors of a mean add up as squares.
    down, up = (
        math.hypot(*(_number(one[measure.interval][end]) - one[measure.name] for one in measured))
        / len(measured)
        for end in (0, 1)
    )
    return value, (value - down, value + up)


def find_concerns(recordings: Sequence[Recording]) -> list[Concern]:
    """Find what makes recordings hard to compare.

    Parameters
    ----------
    recordings : sequence of Recording

    Returns
    -------
    list of Concern
    """
    found = []
    for recording in recordings:
        assessment = recording.summary["assessment"]
        if assessment["status"] == "not_assessable":
            codes = ", ".join(reason["code"] for reason in assessment["reasons"])
            found.append(
                Concern(
                    "not_assessable",
                    (recording.label,),
                    f"{recording.label}: a recording is not assessable ({codes}): nothing that it "
                    "is part of is judged. Record again.",
                    ("gaze", "lids"),
                )
            )
        if recording.summary["partial"]:
            found.append(
                Concern(
                    "partial",
                    (recording.label,),
                    f"{recording.label}: the end of a recording was not analysed.",
                )
            )
    if len({_essence(recording.summary) for recording in recordings}) < len(recordings):
        found.append(
            Concern(
                "same_recording",
                tuple(dict.fromkeys(recording.label for recording in recordings)),
                "One recording is given twice: the same numbers are no second measurement.",
                ("gaze", "lids"),
            )
        )
    first = recordings[0]
    differs = _differences(first.summary)
    for code, message, withholds, differ in differs:
        labels = dict.fromkeys(
            recording.label for recording in recordings[1:] if differ(recording.summary)
        )
        if labels:
            found.append(
                Concern(
                    code,
                    tuple(labels),
                    f"{', '.join(labels)}: {message} than in the first recording ({first.label}).",
                    withholds,
                )
            )
    return found


def _essence(summary: dict[str, Any]) -> str:
    """Return what two recordings do not share by chance: their measures to six digits."""
    names = [name for one in MEASURES for name in (one.name, one.interval, one.count) if name]
    return json.dumps([summary.get(name) for name in [*names, "valid_time_s", "open_ear"]])


def _differences(
    first: dict[str, Any],
) -> list[tuple[str, str, tuple[Group, ...], Callable[[dict[str, Any]], bool]]]:
    """Return code, words, withheld groups and test of each way to differ from the first."""

    def lids(summary: dict[str, Any]) -> list[Any]:
        names = ("blink_thresh", "blink_min_frames", "blink_baseline")
        return [summary["parameters"].get(name) for name in names]

    def task(summary: dict[str, Any]) -> list[Any]:
        return [phase["phase"] for phase in summary["phases"]]

    def lasts_s(summary: dict[str, Any]) -> Any:
        return np.array([phase["end_s"] - phase["start_s"] for phase in summary["phases"]])

    def rate_hz(summary: dict[str, Any]) -> float:
        return _number(summary["quality"]["sampled_rate_hz"])

    def pitch_deg(summary: dict[str, Any]) -> float:
        return _number(summary["quality"]["head_pitch_deg"])

    return [
        (
            "other_parameters",
            "other parameters of the blinks",
            ("lids", "gaze"),
            lambda one: lids(one) != lids(first),
        ),
        (
            "other_protocol",
            "another protocol was asked for",
            ("gaze",),
            lambda one: (
                task(one) != task(first) or bool((abs(lasts_s(one) - lasts_s(first)) > 1).any())
            ),
        ),
        (
            "other_version",
            "analysed by another version of this program",
            (),
            lambda one: one["version"] != first["version"],
        ),
        (
            "other_rate",
            "another rate of analysed frames",
            (),
            lambda one: (
                not 1 / MAX_RATE_RATIO
                <= rate_hz(one) / (rate_hz(first) or math.nan)
                <= MAX_RATE_RATIO
            ),
        ),
        (
            "other_camera_height",
            "the camera looked from another height",
            (),
            lambda one: abs(pitch_deg(one) - pitch_deg(first)) > MAX_PITCH_DIFFERENCE_DEG,
        ),
    ]
