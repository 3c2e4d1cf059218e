"""One person over time: which measures changed by more than measuring makes them.

What decides is not the same for all measures. Each summary carries the 95 % interval of its
vertical range and its counts of events; from these comes the interval of a change as one recording
of each condition knows it. What a person does differently from one recording to the next is not in
it. Where a condition was recorded several times, the spread within conditions tells that, and a
change then has to exceed both.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
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
from tracker.files.documents import SummaryFormatError, parse_summary
from tracker.files.fields import Summary
from tracker.files.names import printable
from tracker.files.summary import plain
from tracker.parameters import Parameters
from tracker.pipeline import measure_track
from tracker.tracks.archive import load_track
from tracker.version import __version__
from tracker.video.container import InputError, check_readable
from tracker.words import Language, format_text, round_range

MAX_SUMMARY_BYTES = 4 * 2**20
MAX_COUNT = 1_000_000
MAX_RATE_RATIO = 1.25
"""Analysed frames a second of one recording over another's, from which it is mentioned."""
MAX_PHASE_CHANGE_S = 1.0
"""Difference of a phase's length, from which the task is another."""
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
    Measure("vertical_peak_to_peak", "gaze", "eye_widths", 3, "vertical_peak_to_peak_ci95"),
    Measure("up_range", "gaze", "eye_widths", 3),
    Measure("down_range", "gaze", "eye_widths", 3),
    Measure("horizontal_peak_to_peak", "gaze", "eye_widths", 3),
    Measure("blink_rate_per_min", "lids", "per_min", 1, count="blink_count"),
    Measure(
        "prolonged_closure_rate_per_min", "lids", "per_min", 1, count="prolonged_closure_count"
    ),
    Measure("blink_duration_median_s", "lids", "s", 3),
    Measure("perclos", "lids", "share", 3),
)

_NEEDED = (
    *(name for one in MEASURES for name in (one.count or one.name, one.interval) if name),
    "source",
    "version",
    "partial",
    "valid_time_s",
    "gaze_time_s",
    "assessment.status",
    "assessment.reasons.code",
    "parameters.vpp_thresh",
    "phases.phase",
    "phases.start_s",
    "phases.end_s",
    "quality.sampled_rate_hz",
    "quality.head_pitch_deg",
)
"""Fields without which a summary is refused; an earlier version's may lack the others."""
_REMEDY = "Name another file, or make it anew with `eye-tracker reanalyze`."


class ComparisonInputError(InputError):
    """The file is not a summary that can be compared."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A recording's summary, read and checked, and the condition it was made under."""

    label: str
    summary: Summary


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
        What was found and what to do about it, in English.
    details : str
        What else the message names.
    withholds : tuple of {"gaze", "lids"}
        Groups of measures whose change is not judged because of it.
    """

    code: str
    labels: tuple[str, ...]
    message: str
    details: str
    withholds: tuple[Group, ...]


def label_files(arguments: Sequence[str]) -> list[tuple[str, Path]]:
    """Take apart what is to be compared.

    Parameters
    ----------
    arguments : sequence of str
        ``LABEL=FILE``, or ``FILE``, which is labelled with its name. What exists as it is given is
        a file, whatever is in its name.

    Returns
    -------
    list of (str, Path)
        Label and file, in order.

    Raises
    ------
    ValueError
        Fewer than two labels, a file given twice, or a label that cannot be printed.
    """
    files: list[tuple[str, Path]] = []
    for argument in arguments:
        label, equals, name = argument.partition("=")
        path = Path(argument)
        if equals and not path.exists():
            path = Path(name)
        else:
            label = printable(path.name)
            for ending in (".json", ".npz", ".summary", ".track"):
                label = label.removesuffix(ending)
            if label in (known for known, _ in files):
                raise ValueError(
                    f"several files are called {label}: tell them apart with LABEL=FILE"
                )
        if not (label.strip() and label.isprintable()):
            raise ValueError(f"{argument!r}: the label is empty or cannot be printed")
        files.append((label, path))
    resolved = [path.resolve() for _, path in files]
    for (_, path), one in zip(files, resolved, strict=True):
        if resolved.count(one) > 1:
            raise ValueError(f"{printable(path)} is given twice: name other recordings")
    if len({label for label, _ in files}) < 2:
        raise ValueError(
            "two conditions or more are needed: name files with different labels, LABEL=FILE"
        )
    return files


def read_recording(path: Path, label: str) -> Labelled:
    """Read a summary, or analyse a track anew.

    Parameters
    ----------
    path : Path
        ``STEM.summary.json``; or ``STEM.track.npz``, which is analysed with the default parameters
        of this version and its own protocol.
    label : str

    Returns
    -------
    Labelled

    Raises
    ------
    InputError
        The file is neither, or what is compared is missing or out of range.
    """
    if path.suffix == ".npz":
        return Labelled(label, measure_track(load_track(path), Parameters(), path.name).summary)
    check_readable(path)
    wrong = (
        f"{printable(path.name)}: not a summary (STEM.summary.json) that this version can compare"
    )
    if path.stat().st_size > MAX_SUMMARY_BYTES:
        raise ComparisonInputError(f"{wrong}: it is over {MAX_SUMMARY_BYTES >> 20} MB.")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        summary, _ = parse_summary(document, _NEEDED)
        _check_ranges(summary)
    except SummaryFormatError as error:
        raise ComparisonInputError(f"{wrong}: {error}. {_REMEDY}") from error
    # It is no JSON, or its brackets are nested too deeply.
    except (OSError, ValueError, RecursionError) as error:
        raise ComparisonInputError(f"{wrong}. {_REMEDY}") from error
    return Labelled(label, summary)


def _check_ranges(summary: Summary) -> None:
    """Raise if a value that is compared is out of the range that a recording can have."""

    def check(name: str, value: float | None, low: float = 0.0, high: float = 1e9) -> None:
        # NaN is in no range.
        if value is not None and not low <= value <= high:
            raise SummaryFormatError(f"{name} is {value}, expected {low:g} to {high:g}")

    for measure in MEASURES:
        if measure.count is not None:
            check(measure.count, getattr(summary, measure.count), high=MAX_COUNT)
            continue
        value = getattr(summary, measure.name)
        # How far up and down may be on the other side of the primary position.
        check(measure.name, value, low=-1e9 if measure.name in ("up_range", "down_range") else 0.0)
        if measure.interval is not None:
            low, high = getattr(summary, measure.interval)
            check(measure.interval, low)
            check(measure.interval, high)
            if (low is None) != (high is None) or (
                low is not None and (value is None or low > high)
            ):
                raise SummaryFormatError(f"{measure.interval} is {low} to {high}")
    for name, value in (
        ("valid_time_s", summary.valid_time_s),
        ("gaze_time_s", summary.gaze_time_s),
        ("parameters.vpp_thresh", summary.parameters.vpp_thresh),
        *(("phases", one) for phase in summary.phases for one in (phase.start_s, phase.end_s)),
    ):
        check(name, value)
    check("quality.sampled_rate_hz", summary.quality.sampled_rate_hz, -1e9)
    check("quality.head_pitch_deg", summary.quality.head_pitch_deg, -1e9)


def compare(recordings: Sequence[Labelled]) -> dict[str, Any]:
    """Compare conditions with the first one.

    Parameters
    ----------
    recordings : sequence of Labelled
        Of one person; of two conditions or more, in order of their first recording.

    Returns
    -------
    dict
        The comparison, ready for strict JSON: ``conditions``; ``measures`` with values, intervals
        and changes; ``concerns``; how many changes were judged, and how many of them would be
        called changed by chance.

    Notes
    -----
    A condition's value is the mean over its recordings, of a rate the sum of the counts over the
    sum of the times. Its interval is of the recordings alone: for the vertical range the mean's,
    from each one's; for a rate Garwood's. The change of the range has the interval of
    `kernels.change.compute_difference_interval`; that of a rate the exact one of the ratio. The
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
    document = {
        "conditions": [
            {
                "label": label,
                "recordings": [
                    {
                        "source": summary.source,
                        "status": summary.assessment.status,
                        "reasons": [reason.code for reason in summary.assessment.reasons],
                        "valid_time_s": summary.valid_time_s,
                        "version": summary.version,
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
    # What is missing, or infinite, is null.
    return plain(document)  # type: ignore[no-any-return]


def _compare_measure(
    measure: Measure,
    labels: list[str],
    groups: list[list[Summary]],
    concerns: list[Concern],
) -> dict[str, Any]:
    singles = [[_single(measure, summary) for summary in group] for group in groups]
    within_std, free = compute_within_std(singles)
    if within_std == 0:
        # Counts or frames that happen to be the same tell nothing of what others would be.
        within_std, free = math.nan, 0
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
        "digits": measure.digits,
        "threshold": _find_threshold(measure, groups),
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


def _find_threshold(measure: Measure, groups: list[list[Summary]]) -> float | None:
    """Return what a vertical range is held against, in all recordings the same."""
    found = {summary.parameters.vpp_thresh for group in groups for summary in group}
    return found.pop() if measure.name == "vertical_peak_to_peak" and len(found) == 1 else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _finite(values: list[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def _count(measure: Measure, group: Sequence[Summary]) -> tuple[int, float]:
    """Return the events of a condition's recordings and the minutes in which they were counted."""
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
    """Return a condition's value and its interval, of its recordings alone."""
    if measure.count is not None:
        count, minutes = _count(measure, group)
        return (count / minutes if minutes else math.nan), compute_rate_interval(count, minutes)
    measured = [summary for summary in group if getattr(summary, measure.name) is not None]
    if not measured:
        return math.nan, (math.nan, math.nan)
    value = float(np.mean([getattr(summary, measure.name) for summary in measured]))
    if measure.interval is None:
        return value, (math.nan, math.nan)
    # Independent recordings: the errors of a mean add up as squares.
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
    """Find what makes recordings hard to compare.

    Parameters
    ----------
    recordings : sequence of Labelled

    Returns
    -------
    list of Concern
    """
    first = recordings[0]
    found: list[Concern] = []

    def add(code: str, labels: Iterable[str], details: str = "") -> None:
        names = tuple(dict.fromkeys(labels))
        if names:
            message = tell_concern("en", code, names, first.label, details)
            found.append(Concern(code, names, message, details, _WITHHOLDS.get(code, ())))

    for recording in recordings:
        assessment = recording.summary.assessment
        if assessment.status == "not_assessable":
            codes = dict.fromkeys(reason.code for reason in assessment.reasons)
            add("not_assessable", [recording.label], ", ".join(codes))
    add("partial", [one.label for one in recordings if one.summary.partial])
    essences = [_essence(one.summary) for one in recordings]
    add(
        "same_recording",
        [
            one.label
            for one, essence in zip(recordings, essences, strict=True)
            if essences.count(essence) > 1
        ],
    )
    for code, differs in _DIFFERENCES.items():
        add(code, [one.label for one in recordings[1:] if differs(first.summary, one.summary)])
    return found


def tell_concern(
    language: Language, code: str, labels: Sequence[str], first: str, details: str
) -> str:
    """Return a concern in words; `first` is the label that the others are compared with."""
    return format_text(
        language, f"compare.concern.{code}", labels=", ".join(labels), first=first, details=details
    )


_WITHHOLDS: dict[str, tuple[Group, ...]] = {
    "not_assessable": ("gaze", "lids"),
    "same_recording": ("gaze", "lids"),
    # Frames in closures are no gaze either.
    "other_parameters": ("gaze", "lids"),
    "other_protocol": ("gaze",),
    "other_camera_height": ("gaze",),
}


def _essence(summary: Summary) -> str:
    """Return what two recordings do not share by chance: their measures to six digits."""
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


def describe_comparison(comparison: dict[str, Any]) -> str:
    """Return a comparison for a person at a terminal.

    Parameters
    ----------
    comparison : dict
        From `compare`.

    Returns
    -------
    str
        A line for each measure and condition, then what to keep in mind.
    """
    width = max(len(condition["label"]) for condition in comparison["conditions"])
    lines = []
    for measure in comparison["measures"]:
        lines.append(f"{tell_measure('en', measure)}")
        changes = [None, *measure["changes"]]
        for value, change in zip(measure["values"], changes, strict=True):
            words = f"  {value['label']:<{width}}  {tell_value('en', measure, value):<24}"
            if change is not None:
                verdict = tell_verdict("en", change)
                words += f"  {tell_change('en', measure, change):<32}  {verdict}"
            lines.append(words.rstrip())
        if measure["smallest_detectable_change"] is not None:
            limit = tell_number(measure, measure["smallest_detectable_change"])
            lines.append(f"  {format_text('en', 'compare.detectable', value=limit)}")
    lines += [f"caution: {concern['message']}" for concern in comparison["concerns"]]
    return "\n".join([*lines, *(f"note: {note}" for note in tell_notes("en", comparison))])


def tell_measure(language: Language, measure: dict[str, Any]) -> str:
    """Return a measure's name and unit."""
    unit = format_text(language, f"compare.unit.{measure['unit']}")
    return f"{format_text(language, 'compare.measure.' + measure['name'])}, {unit}"


def tell_number(measure: dict[str, Any], value: float | None, sign: str = "") -> str:
    """Return a number of a measure with its decimals; a dash where it is missing."""
    return "-" if value is None else f"{value:{sign}.{measure['digits']}f}"


def tell_value(language: Language, measure: dict[str, Any], value: dict[str, Any]) -> str:
    """Return a condition's value and its interval."""
    numbers = (value["value"], *value["ci95"])
    if measure["threshold"] is not None:
        numbers = tuple(
            None if one is None else round_range(one, measure["threshold"]) for one in numbers
        )
    words = tell_number(measure, numbers[0])
    low, high = numbers[1:]
    if low is None:
        return words
    to = format_text(language, "compare.to")
    return f"{words} ({tell_number(measure, low)} {to} {tell_number(measure, high)})"


def tell_change(language: Language, measure: dict[str, Any], change: dict[str, Any]) -> str:
    """Return a change, its interval, and what repeated recordings would differ by."""
    to = format_text(language, "compare.to")
    low, high = change["interval"]
    is_difference = measure["change_is"] == "difference"
    words = tell_number(measure, change["change"], "+")
    if not is_difference and change["change"] is not None:
        words = format_text(language, "compare.ratio", value=f"{change['change']:.2f}")
    if low is not None and is_difference:
        words += f" ({tell_number(measure, low, '+')} {to} {tell_number(measure, high, '+')})"
    elif low is not None:
        words += f" ({low:.2f} {to} {'∞' if high is None else f'{high:.2f}'})"
    if change["repeat_limit"] is not None:
        words += format_text(
            language, "compare.repeats", limit=tell_number(measure, change["repeat_limit"])
        )
    return words


def tell_verdict(language: Language, change: dict[str, Any]) -> str:
    """Return whether a measure changed, or why that is not judged."""
    if change["changed"]:
        key = "once" if change["repeat_limit"] is None else "repeated"
        return format_text(language, f"compare.verdict.{key}")
    if change["changed"] is False:
        return format_text(language, "compare.verdict.unchanged")
    reasons = "; ".join(format_text(language, f"compare.why.{code}") for code in change["why_not"])
    return f"{format_text(language, 'compare.verdict.not_judged')} ({reasons})"


def tell_notes(language: Language, comparison: dict[str, Any]) -> list[str]:
    """Return what to keep in mind about a comparison."""
    free = max(measure["degrees_of_freedom"] for measure in comparison["measures"])
    judged, expected = comparison["judged_changes"], comparison["changes_by_chance"]
    notes = [
        format_text(language, "compare.note.repeated", free=free)
        if free
        else format_text(language, "compare.note.once")
    ]
    if judged:
        notes.append(format_text(language, "compare.note.chance", judged=judged, expected=expected))
    return [*notes, format_text(language, "compare.note.person")]
