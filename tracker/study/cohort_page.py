"""A cohort, the recordings analysed together, as an HTML page.

It has counts of the outcomes, a table of all recordings, and distributions of measures.
"""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tracker.files.columns import explain_missing_parquet
from tracker.files.whole import write_text_whole
from tracker.measures.obstacles import (
    MIN_CANTHAL_DISTANCE_PX,
    MIN_CONTRAST_OVER_NOISE,
    MIN_COVERAGE,
    MIN_SHARPNESS,
)
from tracker.pages.page import Grade, make_page, read_asset, render_template
from tracker.study.cohort import (
    FAILED,
    OUTCOMES,
    OUTLIER_LEAST,
    OUTLIER_LIMIT,
    OUTLIER_MEASURES,
    Outcome,
    Row,
    Spread,
    measure_spread,
)
from tracker.study.compare_text import format_change, format_value, format_verdict
from tracker.study.groups import GROUP_MEASURES, Course, list_courses, list_groups
from tracker.study.recording import Failure
from tracker.words import TEXTS, Language, format_significant, format_text, round_range

PEOPLE = {"participant_id": "participant", "group": "group", "visit": "visit"}
"""Fields of a participant that the table shows, and their keys in `tracker.words`."""
_TABLES = ("cohort.csv", "cohort.parquet")
_MARKS: dict[str, Grade] = {
    "suspected": "alarm",
    "borderline": "between",
    "not_suspected": "good",
    "not_assessable": "unknown",
    FAILED: "bad",
}
_QUALITY_LIMITS = {
    "face_coverage": MIN_COVERAGE,
    "canthal_distance_px": MIN_CANTHAL_DISTANCE_PX,
    "sharpness": MIN_SHARPNESS,
    "contrast_over_noise": MIN_CONTRAST_OVER_NOISE,
}


@dataclass(frozen=True, slots=True)
class NumberCell:
    """A value of the table with its interval; all texts are empty if the value is missing.

    Attributes
    ----------
    exact : str
        The value with all digits, to sort by.
    value, interval : str
        The value and its 95 % interval as shown, such as ``0.091`` and ``0.085 - 0.097``; the
        interval is empty if there is none.
    can_be_doubtful : bool
        Whether the value cannot be relied on if the recording is not assessable: the page then
        greys it out. It says so of the measure; it does not say that this recording is one.
    """

    exact: str
    value: str
    interval: str
    can_be_doubtful: bool


@dataclass(frozen=True, slots=True)
class TableRow:
    """A recording in the table.

    Attributes
    ----------
    file : str
        The video's name, with the folders below the one that was searched.
    corrected, corrections : str
        In words: who corrected what was detected; and the number of corrections, with the blinks
        before and after them. Both are empty if nobody did.
    people : list of str
        Participant, group and visit. One of these that no recording of the table has is left out;
        one that only other recordings have is an empty text.
    link : str or None
        Address of its report, relative to the page; None without a report.
    status : str
        One of `OUTCOMES`.
    status_rank : int
        Index of the status in `OUTCOMES`, to sort by.
    numbers : list of NumberCell
        In this order: vertical range, blinks a minute, number of prolonged closures, seconds with a
        face, and width of an eye in pixels.
    reasons, cautions : str
        Findings in words, separated by commas: why there is no answer or a borderline one, and what
        else limits the numbers. For a failed recording, `reasons` is the cause of the failure, and
        `cautions` is empty.
    outliers : list of str
        A text for each measure in which it is unlike the others, with the value and its limits.
    """

    file: str
    corrected: str
    corrections: str
    people: list[str]
    link: str | None
    status: str
    status_rank: int
    numbers: list[NumberCell]
    reasons: str
    cautions: str
    outliers: list[str]


@dataclass(frozen=True, slots=True)
class FailedRecording:
    """A recording without a result: the video's name, and its failure's code and message."""

    file: str
    code: str
    message: str


def write_cohort_page(
    rows: Sequence[Row],
    outcomes: Sequence[Outcome],
    notes: Sequence[str],
    out: Path,
    language: Language,
) -> Path:
    """Write ``cohort.html``: one page that needs no other file and no network.

    Parameters
    ----------
    rows : sequence of Row
        From `tracker.study.cohort.cohort_rows`.
    outcomes : sequence of FinishedRecording or Failure
        One for each row, in the same order.
    notes : sequence of str
        Messages of the search for recordings, to be shown on the page.
    out : Path
        An existing directory, in which the page is written. Links to reports are relative to it.
    language : {"en", "ko"}

    Returns
    -------
    Path
        Where the page is. An earlier page of that name is replaced.
    """
    links = [_link_report(outcome, out) for outcome in outcomes]
    text = _render_cohort(rows, outcomes, links, notes, language)
    return write_text_whole(out / "cohort.html", text)


def _link_report(outcome: Outcome, out: Path) -> str | None:
    if isinstance(outcome, Failure) or "report" not in outcome.files:
        return None
    # As bytes, because not every name is text. Quoted, so that no colon makes it an address.
    return quote(os.fsencode(outcome.files["report"].relative_to(out)))


def _render_cohort(
    rows: Sequence[Row],
    outcomes: Sequence[Outcome],
    links: Sequence[str | None],
    notes: Sequence[str],
    language: Language,
) -> str:
    spreads = {name: measure_spread(rows, name) for name in OUTLIER_MEASURES}
    thresholds = [row.number("parameter_vpp_thresh") for row in rows if not row.has_failed]
    threshold = thresholds[0] if thresholds else None
    plots = _list_plots(rows, threshold, language)
    people = [name for name in PEOPLE if any(getattr(row.participant, name, "") for row in rows)]
    table = [
        _make_row(row, link, people, spreads, language)
        for row, link in zip(rows, links, strict=True)
    ]
    body = render_template(
        "cohort.html",
        language,
        rows=table,
        people=[PEOPLE[name] for name in people],
        groups=list_groups(rows),
        courses=[_describe_course(course, language) for course in list_courses(rows, outcomes)],
        group_measures=GROUP_MEASURES,
        marks=_MARKS,
        threshold=threshold,
        counts={status: sum(row.status == status for row in rows) for status in OUTCOMES},
        notes=[*notes, *_list_same_videos(rows, language)],
        failures=[
            FailedRecording(row.file, row.failure_code or "", row.failure_message or "")
            for row in rows
            if row.has_failed
        ],
        outliers=[(row.file, words) for row in table for words in row.outliers],
        outlier_limit=OUTLIER_LIMIT,
        outlier_least=OUTLIER_LEAST,
        is_any_judged=any(spread.is_judged for spread in spreads.values()),
        unjudged=_list_unjudged(spreads, language),
        plots=plots,
        tables=_TABLES if explain_missing_parquet() is None else _TABLES[:1],
    )
    return make_page(
        title=format_text(language, "cohort.title"),
        language=language,
        body=body,
        data=_make_script_data(rows, plots, language),
        script=read_asset("cohort.js"),
        style=read_asset("cohort.css"),
    )


def _describe_course(course: Course, language: Language) -> dict[str, Any]:
    """Return a person's visits in words: of each measure the value, the change, and the verdict.

    For example ``{"person": "p01", "ordered_by_name": False, "visits": [{"name": "1", "cells":
    [["0.091", "", ""]]}]}``, with these three texts for each measure in ``cells``. The change is
    the one from the first visit, and the verdict says whether it is more than the uncertainty. Both
    are empty at the first visit itself.
    """
    visits = []
    for number, visit in enumerate(course.visits):
        cells = []
        for measure in course.measures:
            change = course.changes(measure)[number]
            words = ["", ""]
            if change is not None:
                words = [format_change(language, measure, change), format_verdict(language, change)]
            cells.append([format_value(language, measure, measure.values[number]), *words])
        visits.append({"name": visit, "cells": cells})
    return {
        "person": course.participant_id,
        "ordered_by_name": course.ordered_by_name,
        "visits": visits,
    }


def _list_same_videos(rows: Sequence[Row], language: Language) -> list[str]:
    """Return a note in words for each video that several rows have: files with the same content.

    It names these files. Rows of failed recordings are left out.
    """
    names: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if sha256 := row.values.get("video_sha256"):
            names[str(sha256)].append(row.file)
    return [
        format_text(language, "cohort.same_content", names=", ".join(same))
        for same in names.values()
        if len(same) > 1
    ]


def _make_row(
    row: Row,
    link: str | None,
    people: Sequence[str],
    spreads: Mapping[str, Spread],
    language: Language,
) -> TableRow:
    further = [code for code in row.cautions if code not in row.reasons]

    def name_codes(codes: Sequence[str]) -> str:
        return ", ".join(format_text(language, f"cohort.code.{code}") for code in codes)

    cause = f"cohort.failure.{row.failure_code}"
    threshold = row.number("parameter_vpp_thresh")
    return TableRow(
        file=row.file,
        **_describe_corrections(row, language),
        people=[getattr(row.participant, name, "") for name in people],
        link=link,
        status=row.status,
        status_rank=OUTCOMES.index(row.status),
        numbers=[
            _make_cell(row, "vertical_peak_to_peak", ".3f", True, threshold),
            _make_cell(row, "blink_rate_per_min", ".1f", True),
            _make_cell(row, "prolonged_closure_count", "d", True),
            _make_cell(row, "valid_time_s", ".1f"),
            _make_cell(row, "quality_canthal_distance_px", ".0f"),
        ],
        reasons=format_text(language, cause) if row.has_failed else name_codes(row.reasons),
        cautions="" if row.has_failed else name_codes(further),
        outliers=[_describe_outlier(row, name, spreads[name], language) for name in row.outliers],
    )


def _describe_corrections(row: Row, language: Language) -> dict[str, str]:
    values = row.values
    if not values.get("corrected"):
        return {"corrected": "", "corrections": ""}
    counts = {
        "count": values["correction_count"],
        "before": values["detected_blink_count"],
        "after": values["blink_count"],
    }
    return {
        "corrected": format_text(language, "cohort.corrected", by=values["corrected_by"]),
        "corrections": format_text(language, "cohort.corrected_count", **counts),
    }


def _make_cell(
    row: Row,
    name: str,
    form: str,
    can_be_doubtful: bool = False,
    threshold: float | None = None,
) -> NumberCell:
    """Return a cell with the value of column `name` and its 95 % interval, if it has one.

    Parameters
    ----------
    row : Row
    name : str
        Column of the table that holds numbers.
    form : str
        Format of the numbers, such as ``.3f``.
    can_be_doubtful : bool
        Whether the page greys the value out if the recording is not assessable.
    threshold : float or None
        Only for a vertical range: the limit below which PSP is suspected. Rounding then moves
        neither the range nor an end of its interval across it.
    """

    def shown(number: float) -> str:
        return format(number if threshold is None else round_range(number, threshold), form)

    value = row.number(name)
    if value is None:
        return NumberCell("", "", "", can_be_doubtful)
    low, high = row.number(f"{name}_low"), row.number(f"{name}_high")
    interval = "" if low is None or high is None else f"{shown(low)} - {shown(high)}"
    return NumberCell(repr(value), shown(value), interval, can_be_doubtful)


def _describe_outlier(row: Row, name: str, spread: Spread, language: Language) -> str:
    number, threshold = row.number(name), row.number("parameter_vpp_thresh")
    assert number is not None
    assert threshold is not None
    value = format_significant(number, 3)
    if name == "vertical_peak_to_peak":
        value = f"{round_range(number, threshold):.3f}"
    return format_text(
        language,
        "cohort.outlier.value",
        name=format_text(language, f"cohort.measure.{name}"),
        value=value,
        low=format_significant(max(spread.low, 0), 3),
        high=format_significant(spread.high, 3),
    )


def _list_unjudged(spreads: Mapping[str, Spread], language: Language) -> dict[str, list[str]]:
    """Return the names, in words, of the measures whose outliers are not judged, by the reason.

    The dict always has both reasons: ``too_few`` (values) and ``alike`` (more than half of the
    values are equal). Either list may be empty. `spreads` is by the measure's column.
    """
    unjudged: dict[str, list[str]] = {"too_few": [], "alike": []}
    for name, spread in spreads.items():
        if not spread.is_judged:
            reason = "too_few" if spread.count < OUTLIER_LEAST else "alike"
            unjudged[reason].append(format_text(language, f"cohort.measure.{name}"))
    return unjudged


@dataclass(frozen=True, slots=True)
class Plot:
    """A distribution of a measure over the recordings, which the page's script draws.

    Attributes
    ----------
    measure : str
        Column of the table.
    title, description : str
        The heading, and the caption: number of values, their median, least and largest.
    limit : float or None
        Value of the measure at which a line is drawn; None for no line.
    limit_words : str
        Label of that line.
    height : int
        Of the drawing, in pixels.
    legend : bool
        Whether to show which colour stands for which outcome.
    """

    measure: str
    title: str
    description: str
    limit: float | None
    limit_words: str
    height: int
    legend: bool

    @property
    def id(self) -> str:
        """Id of the plot's element in the page."""
        return f"plot-{self.measure}"

    @property
    def is_half(self) -> bool:
        """Whether the plot takes half of the page's width: those of the quality do."""
        return self.measure.startswith("quality_")


def _list_plots(rows: Sequence[Row], threshold: float | None, language: Language) -> list[Plot]:
    """Return the distributions to draw: of vertical range, blink rate and four of the quality.

    A measure without a value in any row is left out. `threshold` is the vertical range below which
    PSP is suspected, where a line is drawn; None if no recording has a result.
    """

    def text(key: str) -> str:
        return format_text(language, f"cohort.{key}")

    wanted: list[tuple[str, str, float | None, str, int, bool]] = [
        *(
            (
                "vertical_peak_to_peak",
                "plot.vertical",
                threshold,
                text("plot.threshold"),
                250,
                True,
            ),
            ("blink_rate_per_min", "plot.blinks", None, "", 200, False),
        ),
        *(
            (f"quality_{name}", f"quality.{name}", limit, text("plot.needed"), 160, False)
            for name, limit in _QUALITY_LIMITS.items()
        ),
    ]
    plots = []
    for measure, title_key, limit, limit_words, height, legend in wanted:
        values = sorted(one for row in rows if (one := row.number(measure)) is not None)
        if not values:
            continue
        title = text(title_key)
        middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
        description = format_text(
            language,
            "cohort.plot_alt",
            name=title,
            count=len(values),
            median=format_significant(middle, 3),
            low=format_significant(values[0], 3),
            high=format_significant(values[-1], 3),
        )
        plots.append(Plot(measure, title, description, limit, limit_words, height, legend))
    return plots


def _make_script_data(
    rows: Sequence[Row], plots: Sequence[Plot], language: Language
) -> dict[str, Any]:
    """Return the data, ready for JSON, that the page hands to its script, ``assets/cohort.js``.

    The keys are ``rows`` (of each recording the name, the status, and every measure that can be
    drawn), ``plots`` (what to draw, without the description) and ``words`` (texts that the script
    shows).
    """
    measures = ["vertical_peak_to_peak", "blink_rate_per_min"]
    measures += [f"quality_{name}" for name in _QUALITY_LIMITS]
    words = {status: format_text(language, f"cohort.status.{status}") for status in _MARKS}
    return {
        "rows": [
            {
                "name": row.file,
                "status": row.status,
                **{name: row.number(name) for name in measures},
            }
            for row in rows
        ],
        "plots": [
            {
                "id": plot.id,
                "measure": plot.measure,
                "title": plot.title,
                "limit": plot.limit,
                "limit_words": plot.limit_words,
                "height": plot.height,
                "legend": plot.legend,
            }
            for plot in plots
        ],
        # The script fills in the placeholders.
        "words": {**words, "shown": TEXTS[language]["cohort.shown"]},
    }
