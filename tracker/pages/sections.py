"""Compute the report's verdict, cautions, cards, events, pictures, phases and definitions."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from markupsafe import Markup

from kernels.closures import LONGEST_BLINK_S
from tracker.files.documents import find_field, get_value
from tracker.files.fields import PhaseFields, Summary
from tracker.measures.analysis import Analysis
from tracker.measures.assessment import Assessment
from tracker.measures.gaze import MAX_HEAD_YAW_DEG
from tracker.measures.lid_kinematics import BLINKS_AT_REST_PER_MIN
from tracker.measures.phases import MIN_PRIMARY_TIME_S
from tracker.measures.saccades import LEAST_RATE_HZ, LEAST_STEPS
from tracker.pages.numbers import explain_missing, format_exact, is_angle_known
from tracker.pages.page import Grade, RulerMark, draw_ruler
from tracker.pages.selection import Event, Extreme
from tracker.words import Language, format_beside, format_text, round_range

RANGE_SCALE_END = 0.2
RATE_SCALE_END = 40.0
RATE_HIDING = {"low_rate", "sampling_gaps", "step_raised", "blinks_cut", "eyes_closed"}
"""Findings that make the blink rate unreliable: blinks may have been missed or counted twice, or
the eyes were hardly open to blink."""

_VERDICT_GRADES: dict[str, Grade] = {
    "suspected": "alarm",
    "borderline": "between",
    "not_suspected": "good",
    "not_assessable": "unknown",
}


@dataclass(frozen=True, slots=True)
class ReportInput:
    """All that a report is made from.

    Attributes
    ----------
    analysis, assessment, summary : Analysis, Assessment, Summary
        The last two are of that analysis.
    pictures : mapping of int to bytes, or None
        JPEG pictures of the eyes by the index of the analysed frame. None if there is no video.
    language : {"en", "ko"}
        Language of the report.
    analyzed_at : datetime, optional
        When the analysis was made, with an offset from UTC. Default: now.
    """

    analysis: Analysis
    assessment: Assessment
    summary: Summary
    pictures: Mapping[int, bytes] | None
    language: Language
    analyzed_at: datetime = field(default_factory=lambda: datetime.now().astimezone())

    def text(self, key: str, **values: Any) -> str:
        """Return the text ``report.KEY`` in the report's language, with its placeholders filled."""
        return format_text(self.language, f"report.{key}", **values)

    def seconds(self, number: str) -> str:
        """Return `number`, seconds as text, with the unit in the report's language."""
        return format_text(self.language, "page.seconds", number=number)

    def explain_missing(self, field: str) -> str:
        """Return a text that says why a field of the summary, by its dotted name, has no number."""
        return explain_missing(field, self.analysis, self.assessment, self.language)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence on the answer, and the `code` of its finding; "" if it is not about one alone."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The screening answer in words; `patient_message` is for the patient and does not tell it."""

    status: str
    mark: Grade
    heading: str
    sentences: list[Sentence]
    patient_message: str


def make_verdict(source: ReportInput) -> Verdict:
    """Return the screening answer and its reasons in words.

    If the recording is not assessable, `sentences` has one for each reason. Otherwise it has one,
    with code "": the verdict, the range that it rests on and, if borderline, why.
    """
    assessment, language = source.assessment, source.language
    heading = format_text(language, f"verdict.{assessment.status}")
    if assessment.status == "not_assessable":
        # The heading says that; the reasons follow one by one.
        sentences = [Sentence(one.code, one.describe(language)) for one in assessment.reasons]
    else:
        sentences = [Sentence("", assessment.describe(language))]
    return Verdict(
        status=assessment.status,
        mark=_VERDICT_GRADES[assessment.status],
        heading=heading,
        sentences=sentences,
        patient_message=assessment.describe_for_patient(language),
    )


def list_cautions(source: ReportInput) -> list[Sentence]:
    """Return the assessment's cautions (what limits its numbers), without those in its reasons."""
    assessment = source.assessment
    return [
        Sentence(one.code, one.describe(source.language))
        for one in assessment.cautions
        if one not in assessment.reasons
    ]


@dataclass(frozen=True, slots=True)
class MeasureCard:
    """One measure as the top of the report shows it.

    Attributes
    ----------
    name : {"range", "down", "rate", "rest"}
        Which measure: the vertical range, that down, the blink rate, or that at rest.
    field, exact : str
        Name of the field in the summary, and its value with all digits; "" if it is missing.
    figure, unit : str
        The number as readers see it, and its unit. If it is missing, figure says so; unit is "".
    details : str
        The 95 % interval, if known, and what else explains it; or why the number is missing.
    is_unreliable, is_doubtful : bool
        `is_doubtful`: findings say not to rely on this measure, whether or not there is a number.
        `is_unreliable`: this is so, and there is a number.
    ruler, note : Markup, str
        The number on a scale, or the scale alone if it is missing; a further sentence, or "".
    """

    name: str
    field: str
    exact: str
    figure: str
    unit: str
    details: str
    is_unreliable: bool
    is_doubtful: bool
    ruler: Markup
    note: str


def make_range_card(source: ReportInput) -> MeasureCard:
    """Return the `MeasureCard` of the range that the answer rests on: the vertical or that down."""
    text, basis = source.text, source.assessment.basis
    name = "down" if basis.name == "down_range" else "range"
    low, high = basis.interval
    is_measured, has_interval = math.isfinite(basis.value), math.isfinite(low)
    end = max(RANGE_SCALE_END * basis.limit / basis.threshold, math.ceil(20 * basis.limit) / 10)
    if basis.value > end:
        end = math.ceil(10 * basis.value) / 10
    shown, shown_low, shown_high = (
        round_range(one, basis.limit) for one in (basis.value, low, high)
    )
    description = details = text("not_measured")
    figure, unit, note = description, "", ""
    if is_measured:
        description = text(
            f"{name}_alt", value=shown, low=shown_low, high=shown_high, threshold=basis.limit
        )
        details = (
            text("interval", low=f"{shown_low:.3f}", high=f"{shown_high:.3f}")
            if has_interval
            else ""
        )
        figure = f"{shown:.3f}"
        if basis.is_lower_bound:
            figure = text("at_least", value=figure)
        unit = text(f"{name}_unit")
        note = _note_range(source)
    is_doubtful = source.assessment.status == "not_assessable"
    return MeasureCard(
        name=name,
        field=basis.name,
        exact=format_exact(get_value(source.summary, basis.name)),
        figure=figure,
        unit=unit,
        details=details if is_measured else source.explain_missing(basis.name),
        is_unreliable=is_doubtful and is_measured,
        is_doubtful=is_doubtful,
        # Eyes that stay above straight ahead have a negative range down; the scale begins at 0.
        ruler=draw_ruler(
            max(basis.value, 0.0) if is_measured else None,
            (max(low, 0.0), max(high, 0.0)) if is_measured and has_interval else None,
            description=description,
            end=end,
            ticks=[end * part / 4 for part in range(5)],
            threshold=RulerMark(basis.limit, text("threshold", threshold=basis.limit)),
            below=text("below"),
            above=text("above"),
        ),
        note=note,
    )


def _note_range(source: ReportInput) -> str:
    """Return a note on the range that the answer rests on.

    For the range down, the whole vertical range; for that, its degrees, or "" if too uncertain.
    """
    measures, basis = source.analysis.measures, source.assessment.basis
    if basis.name == "down_range":
        whole = round_range(measures.vertical_peak_to_peak, basis.threshold)
        return source.text("whole_range", value=whole)
    low_deg, high_deg = measures.vertical_peak_to_peak_deg_range
    if is_angle_known(low_deg, high_deg):
        return source.text("range_deg", low=low_deg, high=high_deg)
    return ""


def make_rate_card(source: ReportInput) -> MeasureCard:
    """Return the `MeasureCard` for the blink rate, in blinks a minute with the face in view."""
    measures, text = source.analysis.measures, source.text
    value, (low, high) = measures.blink_rate_per_min, measures.blink_rate_per_min_ci95
    interval = (low, high) if math.isfinite(low) else None
    is_measured = math.isfinite(value)
    end = RATE_SCALE_END
    if value > end:
        end *= math.ceil(value / end)
    description = text("not_measured")
    details = ""
    if is_measured:
        description = text("rate_alt", value=value, low=low, high=high, **BLINKS_AT_REST_PER_MIN)
        details = text("rate_count", count=measures.blink_count, seconds=measures.valid_time_s)
        if interval:
            details = f"{text('interval', low=f'{low:.1f}', high=f'{high:.1f}')}; {details}"
    findings = (*source.assessment.reasons, *source.assessment.cautions)
    is_doubtful = bool({one.code for one in findings} & RATE_HIDING)
    return MeasureCard(
        name="rate",
        field="blink_rate_per_min",
        exact=format_exact(source.summary.blink_rate_per_min),
        figure=f"{value:.1f}" if is_measured else text("not_measured"),
        unit=text("per_minute") if is_measured else "",
        details=details if is_measured else source.explain_missing("blink_rate_per_min"),
        is_unreliable=is_doubtful and is_measured,
        is_doubtful=is_doubtful,
        ruler=draw_ruler(
            value if is_measured else None,
            interval if is_measured else None,
            description=description,
            end=end,
            ticks=[end * part / 4 for part in range(5)],
            references=mark_mean_rates(source),
        ),
        note=text("rate_source", **BLINKS_AT_REST_PER_MIN),
    )


def mark_mean_rates(source: ReportInput) -> list[RulerMark]:
    """Return marks of published mean blink rates at rest, in blinks a minute, smallest first."""
    return [
        RulerMark(rate, source.text(f"movement.mean.{name}", rate=rate))
        for name, rate in BLINKS_AT_REST_PER_MIN.items()
    ]


@dataclass(frozen=True, slots=True)
class EyePicture:
    """A picture of the eyes in one frame (a JPEG in `data_uri`), and the texts beside it.

    `sample` is the index of the analysed frame, `frame` that of the same frame in the video, and
    `time_s` its time. `words` name its role, such as "peak"; `alternative` tells what is shown to
    those who cannot see it. `offset` is the vertical gaze in eye widths; "" in events' pictures.
    """

    sample: int
    data_uri: str
    alternative: str
    words: str
    time_s: float
    frame: int
    offset: str = ""


@dataclass(frozen=True, slots=True)
class EventEntry:
    """The cells of an event's row: of a blink, another closure of the eyes, or a wink.

    `frames` are its first frame and the first one after it, numbered as in the video. The values of
    closures are those of ``STEM.blinks.csv``, and their times may lie between frames; winks are not
    in that file. `amplitude` and `sides` (left / right) say in percent how far the lids closed, and
    `closed` for how many seconds; "-" if unknown.
    """

    name: str
    kind: str
    onset_s: float
    duration_s: float
    closed: str
    amplitude: str
    sides: str
    frames: str
    notes: str


def list_events(source: ReportInput, events: Sequence[Event]) -> list[EventEntry]:
    """Return a table row for each event, in the same order."""
    frame_index = source.analysis.track.frame_index
    entries = []
    for number, event in enumerate(events):
        notes = []
        if not event.onset_seen:
            notes.append(source.text("onset_unseen"))
        if not event.offset_seen:
            notes.append(source.text("offset_unseen"))
        if event.complete is not None:
            notes.append(source.text("complete" if event.complete else "incomplete"))
        sides = f"{_percent(event.amplitude_left)} / {_percent(event.amplitude_right)}"
        # If its end was not seen, `offset` is its last frame.
        stop_frame = frame_index[event.offset] + (not event.offset_seen)
        entries.append(
            EventEntry(
                name=name_event(source, number, event),
                kind=source.text(f"kind.{event.kind}"),
                onset_s=event.onset_s,
                duration_s=event.offset_s - event.onset_s,
                closed=_format_closed(event.closed_s),
                amplitude=_percent(event.amplitude),
                sides="-" if math.isnan(event.amplitude) else sides,
                frames=f"{frame_index[event.onset]}-{stop_frame}",
                notes=", ".join(notes),
            )
        )
    return entries


def _format_closed(closed_s: float) -> str:
    """Format the seconds that the eyes were closed, with two decimals; "-" for NaN.

    Where that would cross `LONGEST_BLINK_S`, there are more: 0.501 s does not read as a blink's.
    """
    if math.isnan(closed_s):
        return "-"
    return format_beside(closed_s, ".2f", LONGEST_BLINK_S, "g", is_least=False)


def name_event(source: ReportInput, number: int, event: Event) -> str:
    """Return a name such as "Blink 3, 2.00 to 2.25 s" for `event`, at index `number` = 2 of all."""
    return source.text(
        "event_name",
        kind=source.text(f"kind.{event.kind}"),
        number=number + 1,
        onset=event.onset_s,
        offset=event.offset_s,
    )


def list_event_pictures(
    source: ReportInput, shown: Sequence[Sequence[tuple[int, list[str]]]]
) -> list[list[EyePicture]]:
    """Return each event's pictures; `shown` has its frames' index and roles, as (7, ["peak"])."""
    return [
        [
            _make_picture(source, sample, " · ".join(source.text(f"role.{role}") for role in roles))
            for sample, roles in frames
        ]
        for frames in shown
    ]


def _make_picture(source: ReportInput, sample: int, words: str, offset: str = "") -> EyePicture:
    assert source.pictures is not None
    time_s = float(source.analysis.track.times_s[sample])
    return EyePicture(
        sample=sample,
        data_uri="data:image/jpeg;base64," + base64.b64encode(source.pictures[sample]).decode(),
        alternative=source.text("picture_alt", what=words, time=time_s),
        words=words,
        time_s=time_s,
        frame=int(source.analysis.track.frame_index[sample]),
        offset=offset,
    )


@dataclass(frozen=True, slots=True)
class ExtremeEntry:
    """An end of the vertical range, or the primary position, with the frames that show it.

    `offset` is its vertical gaze in eye widths, down positive, as text; `note` says where a primary
    position comes from. `frames` name time and gaze, only without a video; `pictures` need one.
    """

    heading: str
    offset: str
    note: str
    frames: list[str]
    pictures: list[EyePicture]


def list_extremes(source: ReportInput, extremes: Mapping[str, Extreme]) -> list[ExtremeEntry]:
    """Return what the report shows of the eyes up, ahead and down: of those in `extremes`."""
    track, vertical = source.analysis.track, source.analysis.gaze.vertical
    _, about = find_field("primary_position_source")
    origin = source.summary.primary_position_source
    entries = []
    for name in ("up", "ahead", "down"):
        if name not in extremes:
            continue
        samples = extremes[name].samples
        offsets = {sample: _format_offset(vertical[sample]) for sample in samples}
        short = source.text(f"end.{name}.short")
        frames, pictures = [], []
        if source.pictures is None:
            for sample in samples:
                frame = source.text("frame", frame=track.frame_index[sample])
                time = source.seconds(f"{track.times_s[sample]:.3f}")
                frames.append(f"{time} ({frame}), {offsets[sample]}")
        else:
            pictures = [_make_picture(source, one, short, offsets[one]) for one in samples]
        entries.append(
            ExtremeEntry(
                heading=source.text(f"end.{name}"),
                offset=_format_offset(extremes[name].offset),
                note=about.name_value(origin, source.language)
                if name == "ahead" and origin
                else "",
                frames=frames,
                pictures=pictures,
            )
        )
    return entries


def list_phases(source: ReportInput) -> list[list[str]]:
    """Return a row for each phase of the protocol, cells as in ``report.html``; [] without one."""
    return [_list_phase_cells(source, phase) for phase in source.summary.phases]


def _list_phase_cells(source: ReportInput, phase: PhaseFields) -> list[str]:
    cells = [
        source.text(f"phase_name.{phase.phase}"),
        source.seconds(f"{phase.start_s:g}-{phase.end_s:g}"),
        source.seconds(f"{phase.gaze_time_s:.1f}"),
    ]
    is_resting = phase.phase in ("fixate", "rest")
    for name in ("reached", "held", "held_offset"):
        value = getattr(phase, name)
        missing = "no_direction" if is_resting and name != "held_offset" else "no_gaze"
        if not is_resting and phase.held_offset is not None:
            missing = "no_primary"
        cells.append(
            source.text(f"missing.{missing}", least=MIN_PRIMARY_TIME_S)
            if value is None
            else f"{value:+.3f}"
        )
    cells.append(
        source.text(f"latency.{phase.latency_reason}")
        if phase.latency_s is None
        else source.seconds(f"{phase.latency_s:.2f}")
    )
    return cells


def list_definitions(source: ReportInput) -> list[tuple[str, str]]:
    """Return pairs of a term and its definition, in the report's language, in the order shown."""
    parameters = source.analysis.parameters
    values: dict[str, dict[str, float]] = {
        "ear": {},
        "gaze": {},
        "range": {},
        "interval": {},
        "degrees": {},
        "blink": {"threshold": parameters.blink_thresh, "share": parameters.close_ratio},
        "rate": {},
        "pose": {"yaw": MAX_HEAD_YAW_DEG},
        "picture": {},
        "saccade": {"least": LEAST_RATE_HZ, "steps": LEAST_STEPS},
        "assessment": {"threshold": parameters.vpp_thresh},
    }
    return [
        (source.text(f"definition.{name}.term"), source.text(f"definition.{name}", **numbers))
        for name, numbers in values.items()
    ]


def _format_offset(offset: float) -> str:
    shown = f"{offset:+.3f}"
    return "0.000" if float(shown) == 0 else shown


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.0%}"
