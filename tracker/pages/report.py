"""``STEM.report.html``: what was measured, where it comes from, how far it can be trusted.

NumPy alone is needed, so that Lambda can write it. The words are `texts`', the shell `page`'s.
"""

import base64
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from tracker.files.fields import Summary, get_value
from tracker.files.names import result_path
from tracker.files.whole import write_whole
from tracker.measures import assessment as gates
from tracker.measures.analysis import MIN_RATE_TIME_S, Analysis
from tracker.measures.assessment import Assessment
from tracker.measures.gaze import (
    MAX_HEAD_YAW_DEG,
    MIN_AHEAD_TIME_S,
    MIN_SACCADE_RATE_HZ,
    mark_task,
)
from tracker.measures.phases import MIN_PRIMARY_TIME_S
from tracker.measures.quality import MIN_RATE_HZ, Finding
from tracker.pages.page import RulerMark, Status, draw_mark, draw_ruler, make_page, read_asset
from tracker.pages.selection import (
    Event,
    Extreme,
    choose_samples,
    count_distributions,
    find_events,
    find_extremes,
)
from tracker.words.en import Language, round_range, write

MAX_BYTES = 5_000_000
PICTURES_BYTES = 2_600_000
"""Of eye pictures at first; fewer where the whole is larger than `MAX_BYTES`."""
RANGE_SCALE_END = 0.2
RATE_SCALE_END = 40.0
HEALTHY_RATE_PER_MIN = 17.0
"""Mean of 150 healthy people at rest: A. R. Bentivoglio et al., "Analysis of Blink Rate Patterns in
Normal Subjects", Movement Disorders 12 (6), 1997, 1028-1034."""

_VERDICT_STATUS: dict[str, Status] = {
    "suspected": "caution",
    "not_suspected": "good",
    "not_assessable": "unknown",
}


@dataclass(frozen=True, slots=True)
class Light:
    """A part of the recording's quality, judged by the assessment's findings.

    Attributes
    ----------
    name : str
        Of its texts.
    codes : tuple of str
        Findings that speak of it.
    not_judged_with : tuple of str
        Findings with which the assessment does not come to those codes.
    last : bool
        Whether they are looked for only where nothing else stands against an answer.
    """

    name: str
    codes: tuple[str, ...]
    not_judged_with: tuple[str, ...] = ("no_face", "low_rate")
    last: bool = False


LIGHTS = (
    Light(
        "face",
        ("no_face", "too_short", "face_lost", "face_partly_lost"),
        ("low_rate", "sampling_gaps"),
    ),
    Light(
        "rate",
        ("low_rate", "sampling_gaps", "step_raised", "timestamps_repaired", "timestamps_unusable"),
        ("no_face",),
    ),
    Light("eye_size", ("eyes_too_small",)),
    Light("head", ("head_turned", "head_moved", "camera_angle", "head_not_measured")),
    Light("light", ("too_dark_or_noisy", "overexposed", "picture_not_measured")),
    Light("sharpness", ("blurred", "picture_not_measured")),
    Light("compression", ("strong_compression",)),
    Light("people", ("several_faces", "other_face")),
    Light(
        "lids",
        ("eyes_closed", "lids_lowered", "baseline_fixed", "blinks_cut"),
        ("no_face", "low_rate", "too_short"),
    ),
    Light(
        "task",
        (
            "phase_up_missing",
            "phase_down_missing",
            "gaze_not_measured",
            "protocol_mismatch",
            "looked_aside",
            "eyes_disagree",
        ),
        last=True,
    ),
    Light("video", ("video_damaged", "max_frames_reached", "out_of_time"), ()),
)


def grade_light(light: Light, assessment: Assessment, measured: bool) -> Status:
    """Grade a part of the quality by what the assessment found.

    Parameters
    ----------
    light : Light
    assessment : Assessment
    measured : bool
        Whether there is a number to judge.

    Returns
    -------
    {"good", "caution", "bad", "unknown"}
        Bad where a finding stands against an answer; unknown where the assessment did not come to
        it, or there is no number.
    """
    reasons = {finding.code for finding in assessment.reasons}
    if reasons & set(light.codes):
        return "bad"
    if {finding.code for finding in assessment.cautions} & set(light.codes):
        return "caution"
    stopped = light.last and assessment.status == "not_assessable"
    if stopped or not measured or reasons & set(light.not_judged_with):
        return "unknown"
    return "good"


def render_report(
    analysis: Analysis,
    assessment: Assessment,
    summary: Summary,
    pictures: Mapping[int, bytes] | None,
    language: Language = "en",
) -> str:
    """Make the report of a recording: one HTML page that needs nothing else.

    Parameters
    ----------
    analysis : Analysis
    assessment : Assessment
        Of that analysis.
    summary : Summary
    pictures : mapping of int to bytes, or None
        JPEGs of the eyes by sample, as `tracker.tracks.track.track_video` fills them in. None where
        there is no video to take them from, which the page says.
    language : {"en", "ko"}, optional

    Returns
    -------
    str
        At most `MAX_BYTES` as UTF-8: of very many blinks not all pictures are shown, and the page
        says how many are not.
    """
    report = _Report(analysis, assessment, summary, pictures, language)
    room = PICTURES_BYTES
    while True:
        page = report.render(room)
        excess = len(page.encode()) - MAX_BYTES
        if excess <= 0 or room == 0:
            return page
        room = max(0, room - excess - 10_000)


def write_report(
    directory: Path,
    stem: str,
    analysis: Analysis,
    assessment: Assessment,
    summary: Summary,
    pictures: Mapping[int, bytes] | None,
    language: Language,
) -> Path:
    """Write what `render_report` makes as ``STEM.report.html``, whole or not at all."""
    text = render_report(analysis, assessment, summary, pictures, language)
    return write_whole(
        result_path(directory, stem, "report"),
        # As it is: the policy's hashes are of these line ends.
        lambda path: path.write_text(text, encoding="utf-8", newline=""),
    )


class _Report:
    """The parts of one report."""

    def __init__(
        self,
        analysis: Analysis,
        assessment: Assessment,
        summary: Summary,
        pictures: Mapping[int, bytes] | None,
        language: Language,
    ) -> None:
        self.analysis = analysis
        self.assessment = assessment
        self.summary = summary
        self.pictures = pictures
        self.language = language
        self.times_s = analysis.track.times_s
        self.events = find_events(analysis)
        self.extremes = find_extremes(analysis, pictures)
        self.distributions = {
            name: {"edges": np.round(one.edges, 5).tolist(), "counts": one.counts.tolist()}
            for name, one in count_distributions(analysis).items()
        }

    def render(self, room: int) -> str:
        """Return the page with pictures of at most that many bytes."""
        shown = self._choose_frames(room)
        sections = "".join(
            (
                self._head(),
                self._answer(),
                self._quality(),
                self._navigation(),
                self._traces(),
                self._events(),
                self._event_pictures(shown),
                self._extremes(),
                self._phases(),
                self._distributions(),
                self._numbers(),
                self._provenance(),
                self._definitions(),
            )
        )
        return make_page(
            title=f"{self.summary.source}: {self.say('title')}",
            language=self.language,
            body=sections,
            data=self._data(),
            script=read_asset("report.js"),
            style=read_asset("report.css"),
        )

    def say(self, key: str, **values: Any) -> str:
        """Return a text of the report, ready for HTML."""
        return escape(write(self.language, f"report.{key}", **values))

    # The first screen

    def _head(self) -> str:
        return (
            f'<header><h1>{self.say("title")}: <span class="name">'
            f"{escape(str(self.summary.source))}</span></h1>"
            f'<p class="muted">{self.say("subtitle", seconds=self._or_nan("duration_sec_est"))}</p>'
            "</header>"
        )

    def _answer(self) -> str:
        status = self.assessment.status
        uncertain = status != "not_assessable" and bool(self.assessment.reasons)
        heading = escape(write(self.language, f"verdict.{status}"))
        if uncertain:
            heading += self.say("uncertain")
        mark = _VERDICT_STATUS[status]
        asked = self.assessment.describe_for_patient(self.language)
        reasons = f"<p>{escape(self.assessment.describe(self.language))}</p>"
        if status == "not_assessable":
            # The heading has said that.
            reasons = "".join(
                f'<p data-code="{one.code}">{escape(one.describe(self.language))}</p>'
                for one in self.assessment.reasons
            )
        return (
            f'<section class="card answer {mark}" aria-labelledby="answer" '
            f'data-field="assessment.status" data-value="{status}">'
            f'<h2 id="answer">{draw_mark(mark)}<span>{heading}</span></h2>'
            f"{reasons}"
            f'<p class="muted">{self.say("for_patient")} {escape(asked)}</p></section>'
            f'<div class="cards measures">{self._range_card()}{self._rate_card()}</div>'
        )

    def _range_card(self) -> str:
        measures = self.analysis.measures
        threshold = self.analysis.parameters.vpp_thresh
        value = measures.vertical_peak_to_peak
        low, high = measures.vertical_peak_to_peak_ci95
        end = max(RANGE_SCALE_END, math.ceil(20 * threshold) / 10)
        if value > end:
            end = math.ceil(10 * value) / 10
        ruler = {
            "end": end,
            "ticks": [end * part / 4 for part in range(5)],
            "threshold": RulerMark(
                threshold, write(self.language, "report.threshold", threshold=threshold)
            ),
            "below": write(self.language, "report.below"),
            "above": write(self.language, "report.above"),
        }
        if not math.isfinite(value):
            return self._card(
                "range", None, self._missing("vertical_peak_to_peak"), "", ruler, None, ""
            )
        shown, shown_low, shown_high = (round_range(one, threshold) for one in (value, low, high))
        words = {"value": shown, "low": shown_low, "high": shown_high, "threshold": threshold}
        interval = (low, high) if math.isfinite(low) else None
        description = write(self.language, "report.range_alt", **words)
        low_deg, high_deg = measures.vertical_peak_to_peak_deg_range
        note = self.say("range_deg", low=low_deg, high=high_deg) if low_deg == low_deg else ""
        ends = {"low": f"{shown_low:.3f}", "high": f"{shown_high:.3f}"}
        text = self.say("interval", **ends) if interval else ""
        figure = f"{shown:.3f} <small>{self.say('eye_widths')}</small>"
        return self._card("range", figure, text, description, ruler, (value, interval), note)

    def _rate_card(self) -> str:
        measures = self.analysis.measures
        value, (low, high) = measures.blink_rate_per_min, measures.blink_rate_per_min_ci95
        end = RATE_SCALE_END
        if value > end:
            end *= math.ceil(value / end)
        ruler = {
            "end": end,
            "ticks": [end * part / 4 for part in range(5)],
            "reference": RulerMark(
                HEALTHY_RATE_PER_MIN,
                write(self.language, "report.healthy", rate=HEALTHY_RATE_PER_MIN),
            ),
        }
        note = self.say("rate_source")
        if not math.isfinite(value):
            reason = self._missing("blink_rate_per_min")
            return self._card("rate", None, reason, "", ruler, None, note)
        interval = (low, high) if math.isfinite(low) else None
        words = {"value": value, "low": low, "high": high, "healthy": HEALTHY_RATE_PER_MIN}
        description = write(self.language, "report.rate_alt", **words)
        text = self.say("interval", low=f"{low:.1f}", high=f"{high:.1f}") if interval else ""
        text += "; " if text else ""
        text += self.say("rate_count", count=measures.blink_count, seconds=measures.valid_time_s)
        figure = f"{value:.1f} <small>{self.say('per_minute')}</small>"
        return self._card("rate", figure, text, description, ruler, (value, interval), note)

    def _card(
        self,
        name: str,
        figure: str | None,
        text: str,
        description: str,
        ruler: dict[str, Any],
        drawn: tuple[float, tuple[float, float] | None] | None,
        note: str,
    ) -> str:
        """Return a measure's card; `text` is HTML, and says why where there is no figure."""
        field = {"range": "vertical_peak_to_peak", "rate": "blink_rate_per_min"}[name]
        value, interval = drawn or (None, None)
        if figure is None:
            figure = self.say("not_measured")
            description = write(self.language, "report.not_measured")
        picture = draw_ruler(value, interval, description=description, **ruler)
        found = {one.code for one in (*self.assessment.reasons, *self.assessment.cautions)}
        doubtful = (
            self.assessment.status == "not_assessable"
            if name == "range"
            else bool(found & RATE_HIDING)
        )
        if doubtful and drawn is not None:
            text = f'<strong class="word bad">{self.say("no_result")}</strong><br>{text}'
        look = "card doubtful" if doubtful else "card"
        return (
            f'<section class="{look}" aria-labelledby="{name}"><h2 id="{name}" class="small">'
            f'{self.say(name)}</h2><div class="figure" data-field="{field}" '
            f'data-value="{_exact(getattr(self.summary, field))}">{figure}</div>'
            f"<p>{text}</p>{picture}"
            f'<p class="muted">{note}</p></section>'
        )

    def _quality(self) -> str:
        items = []
        for light in LIGHTS:
            measured, value = self._light_value(light.name)
            status = grade_light(light, self.assessment, measured)
            items.append(
                f'<li data-light="{light.name}" data-status="{status}">{draw_mark(status)}<div>'
                f"<strong>{self.say(f'light.{light.name}')}</strong> "
                f'<span class="word {status}">{self.say(f"status.{status}")}</span>'
                f'<br><span class="muted">{value}</span></div></li>'
            )
        # The reasons stand in the answer.
        cautions = [one for one in self.assessment.cautions if one not in self.assessment.reasons]
        notes = "".join(map(self._finding, cautions))
        return (
            f'<section class="card" aria-labelledby="quality"><h2 id="quality" class="small">'
            f'{self.say("quality")}</h2><ul class="lights">{"".join(items)}</ul>'
            + (f'<ul class="findings">{notes}</ul>' if notes else "")
            + "</section>"
        )

    def _finding(self, finding: Finding) -> str:
        return (
            f'<li data-code="{finding.code}">{draw_mark("caution")}<div><strong>'
            f"{self.say('caution')}</strong> {escape(finding.describe(self.language))}</div></li>"
        )

    def _light_value(self, name: str) -> tuple[bool, str]:
        """Return whether a light has a number, and the number beside what is needed."""
        quality, measures = self.assessment.quality, self.analysis.measures
        info = self.analysis.track.info
        values: dict[str, dict[str, float]] = {
            "face": {
                "share": quality.face_coverage,
                "seconds": measures.valid_time_s,
                "least": gates.MIN_COVERAGE,
                "least_s": gates.MIN_VALID_TIME_S,
            },
            "rate": {
                "rate": quality.sampled_rate_hz,
                "gap": quality.longest_gap_s,
                "least": MIN_RATE_HZ,
            },
            "eye_size": {
                "width": quality.canthal_distance_px,
                "least": gates.MIN_CANTHAL_DISTANCE_PX,
            },
            "head": {
                "yaw": quality.head_yaw_deg,
                # Zero has no sign.
                "pitch": float(np.rint(quality.head_pitch_deg)) + 0.0,
                "most_yaw": MAX_HEAD_YAW_DEG,
                "most_pitch": gates.MAX_HEAD_PITCH_DEG,
            },
            "light": {
                "ratio": quality.contrast_over_noise,
                "clipped": quality.clipped_share,
                "least": gates.MIN_CONTRAST_OVER_NOISE,
                "most": gates.MAX_CLIPPED_SHARE,
            },
            "sharpness": {"sharpness": quality.sharpness, "least": gates.MIN_SHARPNESS},
            "compression": {"bits": quality.bits_per_eye, "least": gates.MIN_BITS_PER_EYE},
            "people": {"share": quality.other_face_ratio, "most": gates.AMBIGUOUS_FACE_RATIO},
            "lids": {"seconds": measures.gaze_time_s, "seen": measures.valid_time_s},
            "task": {
                "disagreement": quality.eye_disagreement,
                "most": gates.MAX_EYE_DISAGREEMENT,
            },
            "video": {
                "frames": len(self.times_s),
                "decoded": info.frames_decoded,
                "failed": info.frames_failed,
            },
        }
        numbers = values[name]
        measured = all(math.isfinite(value) for value in numbers.values())
        if name == "video" or measured:
            return True, self.say(f"light.{name}.value", **numbers)
        return False, self.say("not_measured")

    def _navigation(self) -> str:
        names = ["traces", "events", "pictures", "extremes", "distributions", "numbers", "sources"]
        links = "".join(f'<a href="#{name}">{self.say(name)}</a>' for name in names)
        return f'<nav class="no-print" aria-label="{self.say("contents")}">{links}</nav>'

    # Evidence

    def _traces(self) -> str:
        buttons = "".join(
            f'<button type="button" data-do="{name}">{self.say(f"do.{name}")}</button>'
            for name in ("all", "in", "out", "earlier", "later", "previous", "next")
        )
        legend = "".join(
            f'<li><span class="swatch {name}"></span>{self.say(f"legend.{name}")}</li>'
            for name in (
                *("left", "right", "limit", "counted", "uncounted", "yaw", "pitch", "roll"),
                *("blink", "prolonged_closure", "wink", "unseen"),
            )
        )
        return (
            f'<section aria-labelledby="traces"><h2 id="traces">{self.say("traces")}</h2>'
            f'<p class="no-print">{self.say("traces_use")}</p>'
            f'<div class="tools no-print" role="group" aria-label="{self.say("traces")}">'
            f'{buttons}</div><div id="selected" class="card no-print" hidden></div>'
            '<p class="visually-hidden" id="said" aria-live="polite"></p>'
            f'<ul class="legend">{legend}</ul>'
            '<div id="plot-traces" class="plot" data-print-height="860" role="group" '
            f'aria-label="{self.say("traces_alt")}">'
            "</div></section>"
        )

    def _events(self) -> str:
        heads = ("number", "kind", "onset", "duration", "amplitude", "left_right", "frames", "note")
        text, number = ("number", "kind", "note"), "number"
        kinds = {name: "" if name in text else number for name in heads}
        head = "".join(
            f'<th class="{kinds[name]}" scope="col">{self.say(f"event.{name}")}</th>'
            for name in heads
        )
        rows = "".join(self._event_row(place, event) for place, event in enumerate(self.events))
        table = (
            f'<div class="table"><table id="event-table"><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
            if rows
            else f"<p>{self.say('no_events')}</p>"
        )
        measures = self.analysis.measures
        counts = self.say(
            "event_counts",
            blinks=measures.blink_count,
            incomplete=measures.incomplete_blink_count,
            prolonged=measures.prolonged_closure_count,
            winks=measures.wink_count,
        )
        return (
            f'<section aria-labelledby="events"><h2 id="events">{self.say("events")}</h2>'
            f"<p>{counts} {self.say('event_use') if rows else ''}</p>{table}</section>"
        )

    def _event_row(self, place: int, event: Event) -> str:
        onset_s, offset_s = self.times_s[event.onset], self.times_s[event.offset]
        index = self.analysis.track.frame_index
        notes = []
        if not event.onset_seen:
            notes.append(self.say("onset_unseen"))
        if not event.offset_seen:
            notes.append(self.say("offset_unseen"))
        if event.complete is not None:
            notes.append(self.say("complete" if event.complete else "incomplete"))
        sides = f"{_percent(event.amplitude_left)} / {_percent(event.amplitude_right)}"
        return (
            f'<tr data-event="{place}"><td><button type="button" aria-label="'
            f'{self._event_name(place, event)}">{place + 1}</button></td>'
            f"<td>{self.say(f'kind.{event.kind}')}</td>"
            f'<td class="number" data-onset="{onset_s:.9g}">{onset_s:.2f}</td>'
            f'<td class="number">{offset_s - onset_s:.2f}</td>'
            f'<td class="number">{_percent(event.amplitude)}</td>'
            f'<td class="number">{sides if event.amplitude == event.amplitude else "-"}</td>'
            f'<td class="number">{index[event.onset]}-{index[event.offset]}</td>'
            f"<td>{', '.join(notes)}</td></tr>"
        )

    def _event_name(self, place: int, event: Event) -> str:
        return self.say(
            "event_name",
            kind=write(self.language, f"report.kind.{event.kind}"),
            number=place + 1,
            onset=float(self.times_s[event.onset]),
            offset=float(self.times_s[event.offset]),
        )

    def _choose_frames(self, room: int) -> list[list[tuple[int, list[str]]]]:
        """Choose the frames of each event that have a picture, as many as there is room for.

        Fewer of each before none of some: the peak is what tells a blink.
        """
        pictures = self.pictures
        if pictures is None:
            return []
        frames = [
            [(sample, roles) for sample, roles in event.frames() if sample in pictures]
            for event in self.events
        ]
        wanted: tuple[tuple[str, ...], ...] = (
            ("onset", "closing", "peak", "opening", "offset"),
            ("onset", "peak", "offset"),
            ("peak",),
        )
        for roles_kept in wanted:
            chosen = [
                [(sample, roles) for sample, roles in one if set(roles) & set(roles_kept)]
                for one in frames
            ]
            if sum(self._size(one) for one in chosen) <= room:
                return chosen
        used = 0
        for place, one in enumerate(chosen):
            used += self._size(one)
            if used > room:
                return chosen[:place]
        return chosen

    def _size(self, frames: Iterable[tuple[int, list[str]]]) -> int:
        """Return what the pictures of these frames take in the page, in bytes."""
        assert self.pictures is not None
        return sum(4 * len(self.pictures[sample]) // 3 + 330 for sample, _ in frames)

    def _event_pictures(self, shown: list[list[tuple[int, list[str]]]]) -> str:
        if self.pictures is None:
            text = f"<p>{self.say('pictures_need_video')}</p>"
        elif not self.events:
            text = f"<p>{self.say('no_events')}</p>"
        else:
            text = f"<p>{self.say('pictures_use')}</p>"
            left_out = len(self.events) - len(shown)
            if left_out:
                text += f"<p><strong>{self.say('pictures_left_out', count=left_out)}</strong></p>"
            full = sum(len(event.frames()) for event in self.events[: len(shown)])
            less = full - sum(map(len, shown))
            if less:
                text += f"<p>{self.say('frames_left_out', count=less)}</p>"
        figures = "".join(
            f'<figure class="event" id="event-{place + 1}" data-event="{place}"><figcaption>'
            f"{self._event_name(place, event)}</figcaption>"
            + (
                '<div class="strip">'
                + "".join(
                    self._picture(
                        sample,
                        " · ".join(write(self.language, f"report.role.{name}") for name in roles),
                    )
                    for sample, roles in frames
                )
                + "</div>"
                if frames
                else f"<p>{self.say('no_picture')}</p>"
            )
            + "</figure>"
            for place, (event, frames) in enumerate(zip(self.events, shown, strict=False))
        )
        return (
            f'<section aria-labelledby="pictures"><h2 id="pictures">{self.say("pictures")}</h2>'
            f'{text}<div class="events">{figures}</div></section>'
        )

    def _picture(self, sample: int, words: str, more: str = "") -> str:
        assert self.pictures is not None
        time_s, frame = self.times_s[sample], self.analysis.track.frame_index[sample]
        jpeg = base64.b64encode(self.pictures[sample]).decode()
        alt = self.say("picture_alt", what=words, time=float(time_s))
        return (
            f'<div class="eyes" data-sample="{sample}"><img width="196" height="60" '
            f'decoding="async" alt="{alt}" src="data:image/jpeg;base64,{jpeg}"><span>'
            f'<b>{escape(words)}</b><span>{time_s:.3f} s</span><span class="muted">'
            f"{self.say('frame', frame=frame)}</span>{more}</span></div>"
        )

    def _extremes(self) -> str:
        if not self.extremes:
            text = f"<p>{self._missing('vertical_peak_to_peak')}</p>"
        else:
            text = f"<p>{self.say('extremes_use')}</p>"
        if self.extremes and "ahead" not in self.extremes:
            text += f"<p>{self.say('missing.no_primary', least=MIN_PRIMARY_TIME_S)}</p>"
        if self.pictures is None:
            text += f"<p>{self.say('pictures_need_video')}</p>"
        figures = "".join(
            self._extreme(name, self.extremes[name])
            for name in ("up", "ahead", "down")
            if name in self.extremes
        )
        return (
            f'<section aria-labelledby="extremes"><h2 id="extremes">{self.say("extremes")}</h2>'
            f'{text}<div class="cards">{figures}</div></section>'
        )

    def _extreme(self, name: str, extreme: Extreme) -> str:
        if self.pictures is None:
            index = self.analysis.track.frame_index
            shown = "".join(
                f"<p>{self.times_s[one]:.3f} s ({self.say('frame', frame=index[one])}), "
                f"{self.analysis.gaze.vertical[one]:+.3f}</p>"
                for one in extreme.samples
            )
        else:
            shown = "".join(
                self._picture(
                    one,
                    write(self.language, f"report.end.{name}.short"),
                    f"<span>{self.analysis.gaze.vertical[one]:+.3f}</span>",
                )
                for one in extreme.samples
            ) or f"<p>{self.say('no_picture')}</p>"  # fmt: skip
        source = self.analysis.measures.primary_position_source
        note = (
            f"<br>{self.say(f'value.primary_position_source.{source}')}" if name == "ahead" else ""
        )
        return (
            f'<figure class="card extreme"><figcaption><strong>{self.say(f"end.{name}")}</strong> '
            f"{extreme.offset:+.3f}{note}</figcaption>{shown}</figure>"
        )

    def _phases(self) -> str:
        phases = self.summary.phases
        if not phases:
            return (
                f'<section aria-labelledby="phases"><h2 id="phases">{self.say("phases")}</h2>'
                f"<p>{self.say('no_protocol')}</p></section>"
            )
        names = ("phase", "time", "gaze_time", "reached", "held", "held_offset", "latency")
        head = "".join(f'<th scope="col">{self.say(f"phase.{name}")}</th>' for name in names)
        rows = ""
        for phase in phases:
            cells = [
                self.say(f"phase_name.{phase.phase}"),
                f"{phase.start_s:g}-{phase.end_s:g} s",
                f"{phase.gaze_time_s:.1f} s",
            ]
            resting = phase.phase in ("fixate", "rest")
            for name in ("reached", "held", "held_offset"):
                missing = "no_direction" if resting and name != "held_offset" else "no_gaze"
                if not resting and phase.held_offset is not None and getattr(phase, name) is None:
                    missing = "no_primary"
                reason = self.say(f"missing.{missing}", least=MIN_PRIMARY_TIME_S)
                cells.append(
                    f"{getattr(phase, name):+.3f}" if getattr(phase, name) is not None else reason
                )
            cells.append(
                f"{phase.latency_s:.2f} s"
                if phase.latency_s is not None
                else self.say(f"latency.{phase.latency_reason}")
            )
            rows += "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        return (
            f'<section aria-labelledby="phases"><h2 id="phases">{self.say("phases")}</h2>'
            f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
            "</div></section>"
        )

    def _distributions(self) -> str:
        plots = ""
        for name in ("vertical", "duration", "interval"):
            plot = (
                f'<div id="plot-{name}" class="plot small" data-print-width="195" '
                f'data-print-height="200" role="group" aria-label="'
                f'{self.say(f"plot.{name}")}"></div>'
                if name in self.distributions
                else f"<p>{self._missing(_DISTRIBUTION_FIELDS[name])}</p>"
            )
            plots += f'<figure class="card"><h3>{self.say(f"plot.{name}")}</h3>{plot}</figure>'
        return (
            f'<section aria-labelledby="distributions"><h2 id="distributions">'
            f'{self.say("distributions")}</h2><div class="cards">{plots}</div></section>'
        )

    # Everything in numbers

    def _numbers(self) -> str:
        groups = "".join(
            f'<h3>{self.say(f"group.{name}")}</h3><div class="table"><table class="numbers">'
            f"<tbody>{''.join(map(self._number_row, fields))}</tbody></table></div>"
            for name, fields in FIELDS.items()
        )
        return (
            f'<section aria-labelledby="numbers"><h2 id="numbers">{self.say("numbers")}</h2>'
            f"<details><summary>{self.say('numbers_open')}</summary>{groups}</details></section>"
        )

    def _number_row(self, field: str) -> str:
        value = get_value(self.summary, field)
        if value is None or value == (None, None):
            cell = f'<td class="muted">{self._missing(field)}</td>'
        else:
            cell = f"<td>{self._format(field, value)}</td>"
        return (
            f'<tr data-field="{field}" data-value="{_exact(value)}">'
            f'<th scope="row">{self.say(f"field.{field}")}</th>{cell}</tr>'
        )

    def _format(self, field: str, value: Any) -> str:
        if isinstance(value, bool):
            return self.say("yes" if value else "no")
        if isinstance(value, str):
            return self.say(f"value.{field}.{value}")
        if field in ("vertical_peak_to_peak", "vertical_peak_to_peak_ci95"):
            threshold = self.analysis.parameters.vpp_thresh
            # As the answer has them.
            ends = np.atleast_1d(value).tolist()
            told = [f"{round_range(one, threshold):.3f}" for one in ends]
            return self.say("interval_short", low=told[0], high=told[1]) if told[1:] else told[0]
        if isinstance(value, tuple):
            return self.say("interval_short", low=f"{value[0]:.4g}", high=f"{value[1]:.4g}")
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    def _missing(self, field: str) -> str:
        """Say why a value is missing."""
        analysis = self.analysis
        measures, gaze = analysis.measures, analysis.gaze
        blinks = measures.blink_count
        if field.startswith("video_meta"):
            return self.say("missing.not_declared")
        if field.startswith("quality.bits"):
            return self.say("missing.not_declared")
        if field in ("fps", "quality.sampled_rate_hz", "quality.longest_gap_s") or (
            field.startswith("sampling") or len(self.times_s) < 2
        ):
            return self.say("missing.one_frame")
        if not analysis.traces.seen.any():
            return self.say("missing.no_face")
        if field.startswith("blink_rate_per_min"):
            return self.say("missing.rate_time", least=MIN_RATE_TIME_S)
        if field == "blink_duration_median_s":
            return self.say("missing.no_whole_blink" if blinks else "missing.no_blink")
        if field == "inter_blink_interval_median_s":
            return self.say("missing.cut_interval" if blinks > 1 else "missing.one_blink")
        if not gaze.valid.any():
            return self.say("missing.no_gaze")
        if field.startswith("vertical_saccade"):
            if measures.vertical_saccade_count is None:
                rate = self.assessment.quality.sampled_rate_hz
                return self.say("missing.saccade_rate", rate=rate, least=MIN_SACCADE_RATE_HZ)
            return self.say("missing.no_saccade")
        if field in ("primary_position", "primary_position_source", "up_range", "down_range"):
            return self.say("missing.no_primary", least=MIN_PRIMARY_TIME_S)
        if field == "vertical_peak_to_peak_ahead":
            return self.say("missing.not_ahead", least=MIN_AHEAD_TIME_S)
        if field == "vertical_to_horizontal_ratio":
            return self.say("missing.not_aside")
        return self.say("missing.too_little")

    def _provenance(self) -> str:
        sha256 = self.summary.video_sha256
        rows = (
            ("source", escape(str(self.summary.source))),
            ("sha256", f"<code>{escape(sha256)}</code>" if sha256 else self.say("no_sha256")),
            ("version", escape(str(self.summary.version))),
        )
        table = "".join(
            f'<tr><th scope="row">{self.say(name)}</th><td class="name">{value}</td></tr>'
            for name, value in rows
        )
        fields = "".join(map(self._number_row, PROVENANCE_FIELDS))
        return (
            f'<section aria-labelledby="provenance"><h2 id="provenance">{self.say("provenance")}'
            f'</h2><div class="table"><table class="numbers"><tbody>{table}{fields}</tbody></table>'
            "</div></section>"
        )

    def _definitions(self) -> str:
        parameters = self.analysis.parameters
        items = "".join(
            f"<dt>{self.say(f'definition.{name}.term')}</dt>"
            f"<dd>{self.say(f'definition.{name}', **values)}</dd>"
            for name, values in {
                "ear": {},
                "gaze": {},
                "range": {},
                "interval": {},
                "degrees": {},
                "blink": {
                    "threshold": parameters.blink_thresh,
                    "share": parameters.close_ratio,
                },
                "rate": {},
                "pose": {"yaw": MAX_HEAD_YAW_DEG},
                "picture": {},
                "saccade": {"least": MIN_SACCADE_RATE_HZ},
                "assessment": {"threshold": parameters.vpp_thresh},
            }.items()
        )
        limits = "".join(f"<li>{self.say(f'limit.{name}')}</li>" for name in LIMITS)
        return (
            f'<section aria-labelledby="sources"><h2 id="sources">{self.say("sources")}</h2>'
            f"<dl>{items}</dl><h3>{self.say('limits')}</h3><ul>{limits}</ul></section>"
        )

    # What the script draws

    def _data(self) -> dict[str, Any]:
        analysis = self.analysis
        samples = choose_samples(analysis)
        geometry, gaze, head = analysis.traces.geometry, analysis.gaze, analysis.traces.head
        limit = analysis.events.baseline * analysis.parameters.close_ratio
        in_task = mark_task(gaze.valid, analysis.parameters.protocol, self.times_s)
        # Whole numbers are written shorter and faster than fractions.
        series = {
            "time": _scaled(self.times_s[samples], 1000),
            "left": _scaled(geometry.ear[samples, 0], 10_000),
            "right": _scaled(geometry.ear[samples, 1], 10_000),
            "limit": _scaled(limit[samples], 10_000),
            "vertical": _scaled(gaze.vertical[samples], 10_000),
            "horizontal": _scaled(gaze.horizontal[samples], 10_000),
            "counted": gaze.valid[samples].astype(int).tolist(),
            # With a protocol, the vertical range is taken from its phases up and down alone.
            "in_task": in_task[samples].astype(int).tolist(),
            "seen": analysis.traces.seen[samples].astype(int).tolist(),
            "yaw": _scaled(head.yaw_deg[samples], 10),
            "pitch": _scaled(head.pitch_deg[samples], 10),
            "roll": _scaled(geometry.head_roll_deg[samples], 10),
        }
        words = (
            *("ear", "vertical_axis", "horizontal_axis", "coverage_axis", "pose_axis", "time_axis"),
            *("primary", "p5", "p95", "count", "seconds"),
            *("offset_axis", "legend.left", "legend.right", "legend.limit", "legend.counted"),
            *("legend.uncounted", "legend.yaw", "legend.pitch", "legend.roll"),
            *("yes", "no", "coverage"),
        )
        return {
            "series": series,
            "events": [
                {
                    "kind": event.kind,
                    "name": write(
                        self.language,
                        "report.event_name",
                        kind=write(self.language, f"report.kind.{event.kind}"),
                        number=place + 1,
                        onset=float(self.times_s[event.onset]),
                        offset=float(self.times_s[event.offset]),
                    ),
                    "start": round(float(self.times_s[event.onset]), 4),
                    "peak": round(float(self.times_s[event.peak]), 4),
                    "stop": round(float(self.times_s[event.offset]), 4),
                }
                for place, event in enumerate(self.events)
            ],
            "phases": [
                {
                    "name": write(self.language, f"report.phase_name.{phase.phase}"),
                    "start": phase.start_s,
                    "stop": phase.end_s,
                }
                for phase in self.summary.phases
            ],
            "levels": {name: one.offset for name, one in self.extremes.items()},
            "distributions": self.distributions,
            "words": {name: write(self.language, f"report.{name}") for name in words},
        }

    def _or_nan(self, field: str) -> float:
        value = getattr(self.summary, field)
        return math.nan if value is None else float(value)


_DISTRIBUTION_FIELDS = {
    "vertical": "vertical_peak_to_peak",
    "duration": "blink_duration_median_s",
    "interval": "inter_blink_interval_median_s",
}

FIELDS: dict[str, tuple[str, ...]] = {
    "gaze": (
        "vertical_peak_to_peak",
        "vertical_peak_to_peak_ci95",
        "vertical_noise_floor",
        "threshold_distance",
        "threshold_distance_in_ci_half_widths",
        "threshold_distance_in_noise_floors",
        "vertical_peak_to_peak_left",
        "vertical_peak_to_peak_right",
        "vertical_peak_to_peak_ahead",
        "vertical_peak_to_peak_any_time",
        "vertical_peak_to_peak_deg_est",
        "vertical_peak_to_peak_deg_range",
        "primary_position",
        "primary_position_source",
        "up_range",
        "down_range",
        "vertical_offset_median",
        "vertical_offset_std",
        "vertical_eye_correlation",
        "horizontal_peak_to_peak",
        "horizontal_peak_to_peak_deg_est",
        "vertical_to_horizontal_ratio",
        "framing_gain",
        "head_pitch_range_deg",
        "nod_allowance",
        "gaze_time_s",
        "vertical_saccade_count",
        "vertical_saccade_peak_velocity_per_s",
        "vertical_saccade_peak_velocity_deg_per_s_est",
        "vertical_saccade_velocity_to_amplitude_per_s",
    ),
    "blinks": (
        "blink_count",
        "incomplete_blink_count",
        "prolonged_closure_count",
        "wink_count",
        "blink_rate_per_min",
        "blink_rate_per_min_ci95",
        "blink_duration_median_s",
        "inter_blink_interval_median_s",
        "perclos",
        "open_ear",
    ),
    "quality": (
        "valid_time_s",
        "quality.face_coverage",
        "quality.sampled_rate_hz",
        "quality.longest_gap_s",
        "quality.gap_share",
        "quality.canthal_distance_px",
        "quality.iris_diameter_px",
        "quality.head_roll_deg",
        "quality.head_yaw_deg",
        "quality.head_pitch_deg",
        "quality.head_moved_share",
        "quality.other_face_ratio",
        "quality.sharpness",
        "quality.contrast_over_noise",
        "quality.face_grey",
        "quality.clipped_share",
        "quality.bits_per_pixel",
        "quality.bits_per_eye",
        "quality.eye_disagreement",
    ),
}
"""Fields of the summary in the table of all numbers, by group."""

PROVENANCE_FIELDS = (
    "duration_sec_est",
    "frames_processed",
    "fps",
    "partial",
    "task",
    "video_meta.width",
    "video_meta.height",
    "video_meta.fps",
    "video_meta.frame_count",
    "video_meta.frames_decoded",
    "video_meta.frames_failed",
    "video_meta.time_source",
    "video_meta.complete",
    "sampling.step",
    "sampling.effective_step",
    "sampling.effective_rate_hz",
    "sampling.largest_step",
    "sampling.out_of_time",
    "parameters.step",
    "parameters.vpp_thresh",
    "parameters.blink_thresh",
    "parameters.max_frames",
    "parameters.blink_min_frames",
    "parameters.blink_baseline",
)
"""Fields of the summary that say what was analysed, and how."""

RATE_HIDING = {"low_rate", "sampling_gaps", "step_raised", "blinks_cut", "eyes_closed"}
"""Findings with which blinks can have been missed or counted twice, or hardly an eye was open to
blink."""

LIMITS = ("task", "degrees", "blink_end", "lids", "mirror", "not_validated")


def _percent(share: float) -> str:
    return f"{share:.0%}" if share == share else "-"


def _exact(value: Any) -> str:
    """Return a value as it is in the summary, for an attribute."""
    if isinstance(value, tuple):
        return " ".join(map(_exact, value))
    return "" if value is None else escape(str(value))


def _scaled(values: Any, factor: float) -> list[int | None]:
    """Return values times a factor as whole numbers, None for what is missing."""
    finite = np.isfinite(values)
    whole = np.rint(np.where(finite, values, 0) * factor).astype(np.int64).tolist()
    return [one if known else None for one, known in zip(whole, finite.tolist(), strict=True)]
