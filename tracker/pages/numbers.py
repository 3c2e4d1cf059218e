"""The report's tables of numbers: how each number is shown, or why it is missing."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tracker.files.documents import find_field, get_value, list_values
from tracker.files.fields import Summary
from tracker.measures.analysis import MIN_RATE_TIME_S, Analysis
from tracker.measures.assessment import Assessment
from tracker.measures.basis import Basis
from tracker.measures.gaze import MIN_AHEAD_TIME_S
from tracker.measures.phases import MIN_PRIMARY_TIME_S
from tracker.measures.saccades import LEAST_RATE_HZ
from tracker.words import Language, format_significant, format_text, round_range

FIELD_GROUPS = {
    group: tuple(name for name in list_values(group) if not name.endswith("_reason"))
    for group in ("gaze", "saccades", "blinks", "fixation", "lids", "quality")
}
"""The summary's fields in the table of all numbers, by group. A reason has no row of its own: it is
shown in place of the missing number."""

PROVENANCE_FIELDS = list_values("recording", "video", "sampling", "parameters")
"""The summary's fields that say what was analysed, and how."""

CORRECTION_FIELDS = list_values("corrections")
"""The summary's fields about corrections. The first one says whether there are any."""


@dataclass(frozen=True, slots=True)
class NumberRow:
    """A row of a table of numbers.

    Attributes
    ----------
    field : str
        Dotted name of the field in the summary, such as ``quality.sharpness``.
    exact : str
        The value with all digits of the summary, for programs, as `format_exact` gives it; "" if it
        is missing.
    label : str
        Name of the number in the report's language.
    shown : str
        The value as readers see it, or why it is missing. If it is the vertical range in degrees,
        and `is_angle_known` is false of it, a text that it is not shown.
    is_missing : bool
        Whether the summary has no value here, that is None, or an interval of two None.
    """

    field: str
    exact: str
    label: str
    shown: str
    is_missing: bool


def list_numbers(
    names: tuple[str, ...],
    analysis: Analysis,
    assessment: Assessment,
    summary: Summary,
    language: Language,
) -> list[NumberRow]:
    """Return the rows of a table of numbers.

    Parameters
    ----------
    names : tuple of str
        Dotted names of fields in the summary, such as ``quality.sharpness``: numbers, intervals,
        flags, and texts whose values have names (`Field.values`).
    analysis, assessment, summary : Analysis, Assessment, Summary
        The last two are of that analysis.
    language : {"en", "ko"}

    Returns
    -------
    list of NumberRow
        One for each name, in the same order, also if the number is missing.
    """
    rows = []
    hides_angle = not is_angle_known(*analysis.measures.vertical_peak_to_peak_deg_range)
    for name in names:
        value = get_value(summary, name)
        is_missing = value is None or value == (None, None)
        if is_missing:
            shown = explain_missing(name, analysis, assessment, language)
        elif hides_angle and name.startswith("vertical_peak_to_peak_deg"):
            shown = format_text(language, "report.missing.vague_angle")
        else:
            shown = _format_value(name, value, assessment.basis, language)
        if name == "down_range" and analysis.measures.down_range_is_lower_bound and not is_missing:
            shown = format_text(language, "report.at_least", value=shown)
        label = find_field(name)[1].label(language)
        rows.append(NumberRow(name, format_exact(value), label, shown, is_missing))
    return rows


def format_exact(value: Any) -> str:
    """Return a value of the summary as text, with all its digits; "" for None or (None, None).

    The ends of an interval are separated by a space.
    """
    if value is None or value == (None, None):
        return ""
    return " ".join(map(format_exact, value)) if isinstance(value, tuple) else str(value)


def is_angle_known(low_deg: float, high_deg: float) -> bool:
    """Return whether an angle is known precisely enough to be shown.

    The true angle lies between `low_deg` and `high_deg`. These must differ by less than their mean:
    10 to 16 is known, 10 to 31 is not. NaN is not known.
    """
    return high_deg - low_deg < (low_deg + high_deg) / 2


def _format_value(field: str, value: Any, basis: Basis, language: Language) -> str:
    if isinstance(value, bool):
        return format_text(language, "report.yes" if value else "report.no")
    if isinstance(value, str):
        return find_field(field)[1].name_value(value, language)
    name = field.removesuffix("_ci95")
    if name in ("vertical_peak_to_peak", "down_range"):
        # The answer shows the same digits.
        limit = basis.limit if name == basis.name else basis.threshold
        ends = [f"{round_range(end, limit):.3f}" for end in np.atleast_1d(value).tolist()]
    elif isinstance(value, tuple):
        ends = [format_significant(end, 4) for end in value]
    else:
        return format_significant(value, 4) if isinstance(value, float) else str(value)
    if len(ends) == 1:
        return ends[0]
    return format_text(language, "report.interval_short", low=ends[0], high=ends[1])


def explain_missing(
    field: str, analysis: Analysis, assessment: Assessment, language: Language
) -> str:
    """Return why a number is missing. Whether it is missing is not checked.

    Parameters
    ----------
    field : str
        Dotted name of the number in the summary, or of its interval.
    analysis : Analysis
    assessment : Assessment
        Of that analysis.
    language : {"en", "ko"}

    Returns
    -------
    str
        A short text in `language`, such as "not measured: no face was seen".
    """
    if find_field(field)[1].group in ("fixation", "lids") and analysis.traces.seen.any():
        return _name_reason(field, analysis, language)
    key, values = _find_cause(field, analysis, assessment)
    return format_text(language, f"report.missing.{key}", **values)


def _name_reason(field: str, analysis: Analysis, language: Language) -> str:
    """Return in words why a number about fixation or the lids is missing.

    `field` is its name in the summary, or its interval's. The words come from the code in the
    measures' field of its reason, ``NAME_reason``. Without such a code, they say that too little
    was seen.
    """
    name = field.removesuffix("_ci95")
    # Where a number has no reason of its own, this one's holds.
    named = {
        "square_wave_jerk": "square_wave_jerk_rate_per_min",
        "fixation_noise": "square_wave_jerk_rate_per_min",
        "fixation": "fixation_bcea",
        "blink_closing": "blink_closing_velocity_per_s",
        "blink_opening": "blink_opening_velocity_per_s",
        "blink_rate_rest": "blink_rate_rest_per_min",
        "blink_rate_task": "blink_rate_task_per_min",
    }
    owner = next((owner for start, owner in named.items() if name.startswith(start)), None)
    code = owner and getattr(analysis.measures, f"{owner}_reason")
    if not code:
        return format_text(language, "report.missing.too_little")
    words = find_field(f"{owner}_reason")[1].name_value(code, language)
    return format_text(language, "report.missing.reason", reason=words)


def _find_cause(
    field: str, analysis: Analysis, assessment: Assessment
) -> tuple[str, dict[str, float]]:
    """Return why a number is missing: KEY of the text ``report.missing.KEY``, and its values.

    The values are by the text's placeholders, {} for most. `field` is the number's dotted name in
    the summary, or its interval's.
    """
    if field.startswith(("video_meta", "quality.bits")):
        return "not_declared", {}
    rates = ("fps", "quality.sampled_rate_hz", "quality.longest_gap_s")
    if field in rates or field.startswith("sampling") or len(analysis.track.times_s) < 2:
        return "one_frame", {}
    if not analysis.traces.seen.any():
        return "no_face", {}
    if find_field(field)[1].group == "saccades":
        return _find_saccade_cause(field.removesuffix("_ci95"), analysis)
    blinks = analysis.measures.blink_count
    if field.startswith("blink_rate_per_min"):
        return "rate_time", {"least": MIN_RATE_TIME_S}
    if field == "blink_duration_median_s":
        return "no_whole_blink" if blinks else "no_blink", {}
    if field == "inter_blink_interval_median_s":
        return "cut_interval" if blinks > 1 else "one_blink", {}
    if not analysis.gaze.valid.any():
        return "no_gaze", {}
    primary = ("primary_position", "primary_position_source", "up_range", "down_range")
    if field.removesuffix("_ci95") in primary:
        return "no_primary", {"least": MIN_PRIMARY_TIME_S}
    if field == "vertical_peak_to_peak_ahead":
        return "not_ahead", {"least": MIN_AHEAD_TIME_S}
    if field == "vertical_to_horizontal_ratio":
        return "not_aside", {}
    return "too_little", {}


def _find_saccade_cause(field: str, analysis: Analysis) -> tuple[str, dict[str, float]]:
    """Return why a number of the saccades is missing: KEY and values of ``report.missing.KEY``.

    The values are by the text's placeholders. `field` is the number's name in the summary, without
    ``_ci95``.
    """
    # A count is missing only if all of its direction is; the horizontal one only if all is.
    name = "vertical_saccade_time_ms" if field.endswith("_saccade_count") else field
    return f"saccade_{getattr(analysis.measures, name + '_reason')}", {"least": LEAST_RATE_HZ}
