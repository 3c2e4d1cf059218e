"""Make ``STEM.report.html``: the measures, the frames they come from, and their reliability.

This needs only NumPy and Jinja2, so that the Lambda function can write reports.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kernels.closures import LONGEST_BLINK_S
from tracker.files.fields import Summary
from tracker.measures.analysis import Analysis
from tracker.measures.assessment import Assessment
from tracker.measures.phases import MIN_PRIMARY_TIME_S
from tracker.pages import sections
from tracker.pages.corrections import BUTTONS, describe_corrections, make_editor_data
from tracker.pages.indicators import grade_indicators
from tracker.pages.movements import list_movement_rows, list_saccades, make_rest_card
from tracker.pages.numbers import (
    CORRECTION_FIELDS,
    FIELD_GROUPS,
    PROVENANCE_FIELDS,
    list_numbers,
)
from tracker.pages.page import make_page, read_asset, render_template
from tracker.pages.plots import make_plot_data
from tracker.pages.sections import ReportInput
from tracker.pages.selection import (
    Event,
    Extreme,
    Histogram,
    count_distributions,
    find_events,
    find_extremes,
)
from tracker.pages.sheet import (
    SHEET_LIMITS,
    choose_savings,
    count_lines_taken,
    fit_findings,
    list_head,
)
from tracker.words import Language

MAX_BYTES = 5_000_000
"""Size that pictures of events may not make a page exceed. A page without any can still be larger:
each event takes 0.7 kB, of 4,500 events and more altogether too much. All of them are kept, because
the table is the evidence, and the editor would take a missing one for one that was removed."""
PICTURES_BYTES = 2_600_000
"""Size of all eye pictures in the first attempt. If the page exceeds `MAX_BYTES`, some go."""

_PICTURE_MARKUP_BYTES = 330
"""Approximate size of the markup around a picture."""
_DISTRIBUTION_FIELDS = {
    "vertical": "vertical_peak_to_peak",
    "duration": "blink_duration_median_s",
    "interval": "inter_blink_interval_median_s",
}

ShownFrames = list[tuple[int, list[str]]]
"""Samples of an event that have a picture, and what each shows: onset, peak, …"""


def render_report(
    analysis: Analysis,
    assessment: Assessment,
    summary: Summary,
    pictures: Mapping[int, bytes] | None,
    language: Language = "en",
) -> str:
    """Make the report of a recording: one HTML page that needs no other file.

    Its first part, the sheet, prints on one page of A4. What follows is printed only if the reader
    asks the page for it.

    Parameters
    ----------
    analysis : Analysis
    assessment : Assessment
        Of that analysis.
    summary : Summary
        Of that analysis.
    pictures : mapping of int to bytes, or None
        JPEG pictures of the eyes by the index of the analysed frame, from
        `tracker.tracks.track.track_video`. None if there is no video; the page then says so.
    language : {"en", "ko"}, optional

    Returns
    -------
    str
        The HTML. If it exceeds `MAX_BYTES` as UTF-8, pictures of events are left out until it does
        not, or none is left; the page says how many. With thousands of events, it can exceed that
        without pictures, too. It shows today as the day of the analysis.
    """
    source = ReportInput(analysis, assessment, summary, pictures, language)
    # All values but the pictures, whose number depends on the size of the page.
    events = find_events(analysis)
    extremes = find_extremes(analysis, pictures)
    distributions = count_distributions(analysis)
    values = _make_sheet_values(source, extremes) | _make_values(source, events, distributions)
    data = make_plot_data(source, events, extremes, distributions)
    data["corrections"] = make_editor_data(source)
    room_bytes = PICTURES_BYTES
    while True:
        shown = [] if pictures is None else _choose_frames(events, pictures, room_bytes)
        page = make_page(
            title=_make_title(source),
            language=language,
            body=render_template(
                "report.html", language, **values, **_make_picture_values(source, events, shown)
            ),
            data=data,
            script=read_asset("report.js") + read_asset("corrections.js"),
            style=read_asset("report.css") + read_asset("corrections.css"),
        )
        excess_bytes = len(page.encode()) - MAX_BYTES
        if excess_bytes <= 0 or room_bytes == 0:
            return page
        room_bytes = max(0, room_bytes - excess_bytes - 10_000)


def render_sheet(
    analysis: Analysis,
    assessment: Assessment,
    summary: Summary,
    pictures: Mapping[int, bytes] | None,
    language: Language = "en",
) -> str:
    """Make an HTML page of the report's sheet alone, which prints as one page of A4.

    `assessment` and `summary` are those of `analysis`. `pictures` are JPEG pictures of the eyes by
    the index of the analysed frame; None if there is no video, which the page then says.
    """
    source = ReportInput(analysis, assessment, summary, pictures, language)
    values = _make_sheet_values(source, find_extremes(analysis, pictures))
    return make_page(
        title=_make_title(source),
        language=language,
        body=render_template("sheet.html", language, **values),
        style=read_asset("report.css"),
    )


def _make_title(source: ReportInput) -> str:
    return f"{source.summary.source}: {source.text('title')}"


def _make_sheet_values(source: ReportInput, extremes: Mapping[str, Extreme]) -> dict[str, Any]:
    """Return the values of the variables in ``templates/sheet.html``, by name.

    The sheet is the report's first part. `extremes` come from `find_extremes`.
    """
    answer, cautions = sections.make_verdict(source), sections.list_cautions(source)
    head, cards = list_head(source), [sections.make_range_card(source)]
    cards += [one for one in (sections.make_rate_card(source), make_rest_card(source)) if one]
    taken = count_lines_taken(source.text("title"), source.summary.source, head, len(cards))
    fitting = fit_findings(answer.sentences, cautions, taken, source.language)
    return {
        "summary": source.summary,
        "has_video": source.pictures is not None,
        "least_primary_s": MIN_PRIMARY_TIME_S,
        "head": head,
        "corrections": describe_corrections(source),
        "answer": answer,
        "cards": cards,
        "has_primary": "ahead" in extremes,
        "extremes": sections.list_extremes(source, extremes),
        "no_extremes": "" if extremes else source.explain_missing("vertical_peak_to_peak"),
        "indicators": grade_indicators(source.analysis, source.assessment, source.language),
        "cautions": cautions,
        "fitting": fitting,
        "savings": choose_savings(fitting, taken),
        "sheet_limits": SHEET_LIMITS,
    }


def _make_values(
    source: ReportInput, events: list[Event], distributions: Mapping[str, Histogram]
) -> dict[str, Any]:
    """Return the values of the variables in ``templates/report.html`` that the sheet does not use.

    Those about the pictures of events are left out: see `_make_picture_values`. `events` come from
    `find_events`, and `distributions` from `count_distributions`.
    """
    analysis, assessment, summary = source.analysis, source.assessment, source.summary
    language = source.language

    def list_rows(names: tuple[str, ...]) -> list[Any]:
        return list_numbers(names, analysis, assessment, summary, language)

    said, steps = analysis.corrections, list_saccades(source)
    return {
        "measures": analysis.measures,
        "is_any_excluded": said is not None and len(said.unusable) > 0,
        "longest_blink_s": LONGEST_BLINK_S,
        "movements": list_movement_rows(source),
        "events": sections.list_events(source, events),
        "phases": sections.list_phases(source),
        "saccades": steps,
        "no_saccades": "" if steps else source.explain_missing("vertical_saccade_count"),
        "task": "assumed" if assessment.is_assumed else analysis.parameters.task,
        # In place of a plot without values, the page shows the reason.
        "plots": {
            name: "" if name in distributions else source.explain_missing(field)
            for name, field in _DISTRIBUTION_FIELDS.items()
        },
        "number_groups": {name: list_rows(names) for name, names in FIELD_GROUPS.items()},
        "provenance": list_rows(
            PROVENANCE_FIELDS + (CORRECTION_FIELDS if summary.corrected else CORRECTION_FIELDS[:1])
        ),
        "definitions": sections.list_definitions(source),
        "correct_buttons": BUTTONS,
    }


def _make_picture_values(
    source: ReportInput, events: Sequence[Event], shown: Sequence[ShownFrames]
) -> dict[str, Any]:
    """Return the values that the template needs to show the pictures of the events.

    `shown` comes from `_choose_frames`: the frames to show of each event, but perhaps not of the
    last ones. The values also tell how many events are left out, and how many frames of the other
    events are left out.
    """
    frame_count = sum(len(event.frames()) for event in events[: len(shown)])
    return {
        "strips": sections.list_event_pictures(source, shown),
        "events_left_out": len(events) - len(shown),
        "frames_left_out": frame_count - sum(map(len, shown)),
    }


def _choose_frames(
    events: Sequence[Event], pictures: Mapping[int, bytes], room_bytes: int
) -> list[ShownFrames]:
    """Choose the frames of each event to show, so that their pictures take at most `room_bytes`.

    The result has a list for each event, in order: pairs of the index of an analysed frame to show,
    and what it shows, such as ["peak"]. It is empty if the event has no picture. `pictures` are
    JPEGs by the same index. A picture's size is that in the page: base64 and its markup.

    If there is too little room, each event gets only onset, peak and offset, and then only its
    peak. If even the peaks take too much room, the result ends before the event that is too much.
    """

    def count_bytes(frames: ShownFrames) -> int:
        return sum(4 * len(pictures[one]) // 3 + _PICTURE_MARKUP_BYTES for one, _ in frames)

    frames = [
        [(sample, roles) for sample, roles in event.frames() if sample in pictures]
        for event in events
    ]
    chosen = frames
    wanted: tuple[tuple[str, ...], ...] = (
        ("onset", "closing", "peak", "opening", "offset"),
        ("onset", "peak", "offset"),
        ("peak",),
    )
    for kept_roles in wanted:
        chosen = [
            [(sample, roles) for sample, roles in one if set(roles) & set(kept_roles)]
            for one in frames
        ]
        if sum(map(count_bytes, chosen)) <= room_bytes:
            return chosen
    used_bytes = 0
    for number, one in enumerate(chosen):
        used_bytes += count_bytes(one)
        if used_bytes > room_bytes:
            return chosen[:number]
    return chosen
