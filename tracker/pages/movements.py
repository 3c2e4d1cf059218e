"""The report's section of movements (saccades, fixation, lids), which are no part of the answer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from markupsafe import Markup

from kernels import compute_rate_interval
from tracker.files.documents import find_field, get_value, list_movements
from tracker.measures.assessment import Assessment
from tracker.measures.lid_kinematics import BLINKS_AT_REST_PER_MIN
from tracker.measures.saccade_rows import list_saccade_rows
from tracker.measures.saccades import Pooled
from tracker.pages.indicators import INDICATORS
from tracker.pages.numbers import format_exact
from tracker.pages.page import Grade, draw_ruler
from tracker.pages.sections import MeasureCard, ReportInput, mark_mean_rates
from tracker.words import format_significant

RATE_SCALE_END = 30.0
COMPARABLE_DEG = 1.0
"""Published rates of square-wave jerks count them from 0.5 degrees on. A rate is compared with them
if jerks of this amplitude are visible."""
MAX_END_RATIO = 3.0
"""A measure is limited if the ends of its interval have a larger ratio."""


@dataclass(frozen=True, slots=True)
class MovementRow:
    """A measure of movements as the report shows it.

    Attributes
    ----------
    field, exact : str
        Name of the field in the summary, and its value with all digits; "" if it is missing.
    grade : {"good", "caution", "bad", "unknown"}
        How well the recording shows the measure, not whether the value is normal. "bad": a fault of
        the recording prevents an answer; "caution": a note limits trust in the value, or the upper
        end of its interval is more than `MAX_END_RATIO` times the lower, which is above 0;
        "unknown": it is missing.
    label : str
        The measure's name in the report's language.
    shown : str
        The value and its 95 % interval, if that is known; or why the value is missing.
    notes : sequence of str
        Sentences about it; none if the value is missing.
    ruler : Markup
        The blink rate at rest on a scale; empty for all other measures.
    """

    field: str
    exact: str
    grade: Grade
    label: str
    shown: str
    notes: Sequence[str]
    ruler: Markup


MOVEMENTS = list_movements()
"""The measures that the section shows. The others are in the table of all numbers."""


def list_movement_rows(source: ReportInput) -> list[MovementRow]:
    """Return the rows of the section: one for each of `MOVEMENTS`, in their order."""
    is_unreliable = _is_unreliable(source.assessment)
    return [_make_row(source, name, is_unreliable) for name in MOVEMENTS]


def _is_unreliable(assessment: Assessment) -> bool:
    """Return whether a fault of the recording itself prevents an answer.

    A fault that is only about the task, such as that it is unknown, does not count: the movements
    can be measured all the same. Nor do cautions count, or that the answer is borderline.
    """
    poor = {code for one in INDICATORS if one.name != "task" for code in one.codes}
    poor |= {"gaze_not_measured", "eyes_disagree"}  # stand beside the task, but are not about it
    return any(reason.code in poor for reason in assessment.reasons)


def _make_row(source: ReportInput, name: str, is_unreliable: bool) -> MovementRow:
    value, (low, high) = (get_value(source.summary, one) for one in (name, f"{name}_ci95"))
    label = find_field(name)[1].label(source.language)
    if value is None:
        shown = source.explain_missing(name)
        return MovementRow(name, "", "unknown", label, shown, (), Markup())
    notes, is_limited = _note(source, name)
    shown = format_significant(value, 3)
    if low is not None:
        ends = {"low": format_significant(low, 3), "high": format_significant(high, 3)}
        shown += f" ({source.text('interval', **ends)})"
        is_limited |= low > 0 and high / low > MAX_END_RATIO
    grade: Grade = "bad" if is_unreliable else "caution" if is_limited else "good"
    ruler = (
        _draw_rest(source, value, (low, high)) if name == "blink_rate_rest_per_min" else Markup()
    )
    return MovementRow(name, format_exact(value), grade, label, shown, notes, ruler)


def _note(source: ReportInput, name: str) -> tuple[list[str], bool]:
    """Return sentences about a measured value, and whether they limit how far it can be trusted.

    `name` is the measure's field in the summary, and its value is not missing.
    """
    text, summary, measures = source.text, source.summary, source.analysis.measures
    notes, is_limited = [], False
    if name == "square_wave_jerk_rate_per_min":
        visible_deg = measures.square_wave_jerk_visible_deg_est
        notes.append(text("movement.jerks", visible=visible_deg))
        if visible_deg > COMPARABLE_DEG:
            notes.append(text("movement.jerks_not_comparable"))
            is_limited = True
    if name == "fixation_bcea":
        notes.append(text("movement.area"))
    if name in ("blink_closing_velocity_per_s", "blink_opening_velocity_per_s"):
        rate_hz = source.assessment.quality.sampled_rate_hz
        notes.append(text("movement.velocity", rate=rate_hz))
        is_limited = True
    if name == "blink_rate_rest_per_min":
        seconds = measures.blink_rate_rest_time_s
        pairs = count_pairs_told_apart(seconds)
        notes += [
            text("movement.rest", **BLINKS_AT_REST_PER_MIN),
            text(f"movement.told_apart.{pairs}", seconds=seconds),
        ]
        is_limited = pairs < 2
    family = name.split("_velocity")[0] if "_velocity" in name else name.split("_per_min")[0]
    fields = {
        "square_wave_jerk_rate": "fixation_phases",
        "fixation_bcea": "fixation_phases",
        "blink_closing": "lid_kinematics_phases",
        "blink_opening": "lid_kinematics_phases",
        "blink_rate_rest": "blink_rate_rest_phases",
        "blink_rate_task": "blink_rate_task_phases",
    }
    if family in fields and (phases := getattr(summary, fields[family])):
        names = [
            text("movement.all") if one == "all" else text(f"phase_name.{one}")
            for one in phases.split(", ")
        ]
        notes.append(text("movement.phases", phases=", ".join(names)))
    return notes, is_limited


def list_saccades(source: ReportInput) -> list[list[str]]:
    """Return the table of the gaze's steps, mean of both eyes: a list of cells for each step.

    They are the steps of `list_saccade_rows`, in its order, with those that do not count. A phase
    in which no step was found is a row, too. Cells: the step's number, time in s, phase, direction,
    latency in ms, amplitude in eye widths, time from 10 to 90 % in ms, peak velocity in degrees a
    second, and why it does not count, or "". Missing values are "-".
    """

    def show(value: Pooled, form: str) -> str:
        if math.isnan(value[0]):
            return "-"
        middle, low, high = (format(one, form) for one in value)
        return f"{middle} ({low}-{high})"

    return [
        [
            str(row.step),
            "-" if math.isnan(row.middle_s) else f"{row.middle_s:.2f}",
            source.text(f"phase_name.{row.phase}") if row.phase else "-",
            source.text(f"phase_name.{row.direction}"),
            show(row.latency_ms, ".0f"),
            show(row.amplitude, ".3f"),
            show(row.time_10_90_ms, ".0f"),
            show(row.peak_velocity_deg_s_est, ".0f"),
            source.text(f"step.{row.reason}") if row.reason else "",
        ]
        for row in list_saccade_rows(source.analysis)
        if row.eye == "both"
    ]


def make_rest_card(source: ReportInput) -> MeasureCard | None:
    """Return the `MeasureCard` of the blink rate at rest; None if it was not measured."""
    name = "blink_rate_rest_per_min"
    value, (low, high) = (get_value(source.summary, one) for one in (name, f"{name}_ci95"))
    if value is None:
        return None
    is_unreliable = _is_unreliable(source.assessment)
    count = count_pairs_told_apart(source.analysis.measures.blink_rate_rest_time_s)
    told_apart = source.text(
        f"movement.told_apart.{count}", seconds=source.analysis.measures.blink_rate_rest_time_s
    )
    return MeasureCard(
        name="rest",
        field=name,
        exact=format_exact(value),
        figure=f"{value:.1f}",
        unit=source.text("per_minute"),
        details=""
        if low is None
        else source.text("interval", low=f"{low:.1f}", high=f"{high:.1f}"),
        is_unreliable=is_unreliable,
        is_doubtful=is_unreliable,
        ruler=_draw_rest(source, value, (low, high)),
        note=f"{told_apart} {source.text('movements_not_validated')}",
    )


def count_pairs_told_apart(seconds: float) -> int:
    """Return how many pairs of published blink rates a count over so many seconds tells apart, 0-3.

    The rates are the means in `BLINKS_AT_REST_PER_MIN`: of people with PSP, of people with
    Parkinson's disease, and of healthy people.

    For each rate, take the whole number of blinks to expect in that time, and the 95 % interval of
    the rate that such a count gives. Two rates are told apart if each interval leaves out the other
    rate. 1 means that only PSP and healthy are, 2 also PSP and Parkinson's disease, 3 all.
    """
    minutes = seconds / 60
    apart = 0
    for one, other in combinations(sorted(BLINKS_AT_REST_PER_MIN.values()), 2):
        high = compute_rate_interval(round(one * minutes), minutes)[1]
        low = compute_rate_interval(round(other * minutes), minutes)[0]
        apart += high < other and low > one
    return apart


def _draw_rest(
    source: ReportInput, value: float, interval: tuple[float | None, float | None]
) -> Markup:
    """Draw the blink rate at rest, in blinks a minute, on a scale with the published means.

    `interval` are the ends of its 95 % interval. If one is None, the interval is not drawn.
    """
    low, high = interval
    known = None if low is None or high is None else (low, high)
    return draw_ruler(
        value,
        known,
        description=source.text(
            "movement.rest_alt", value=value, low=low, high=high, **BLINKS_AT_REST_PER_MIN
        ),
        end=RATE_SCALE_END,
        ticks=[RATE_SCALE_END * part / 3 for part in range(4)],
        references=mark_mean_rates(source),
    )
