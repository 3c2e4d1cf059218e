"""What a report shows of a person's corrections, and the data that its editor starts from.

The editor runs in the browser. It saves what a reader corrects as ``STEM.corrections.json``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracker.files.corrections import FORMAT, MAX_BY, MAX_NAME, MAX_WHY, identify_track
from tracker.files.names import CORRECTIONS, ENDINGS, shorten_stem
from tracker.measures.corrected import find_unseen
from tracker.measures.corrections import (
    EVENT_KINDS,
    SAME_S,
    Corrections,
    Stretch,
    TimedEvent,
    find_changes,
    list_events,
)
from tracker.measures.phases import MIN_PRIMARY_TIME_S
from tracker.pages.sections import ReportInput

BUTTONS = {
    "edit": ("add", "remove", "split", "merge", "unusable", "primary", "undo", "redo"),
    "view": ("previous", "next", "in", "out", "earlier", "later"),
}
"""Buttons of the editor, in order."""

_TIME_DIGITS = 4
_PLACEHOLDERS = {name: f"{{{name}}}" for name in ("kind", "start", "end", "what", "file")}
_WORDS = (
    *("added", "removed", "changed", "unusable", "primary", "event", "between", "saved", "unsaved"),
    *("stretch_first", "choose_first", "no_room", "no_next", "too_short", "too_short_primary"),
    *("no_initials", "no_changes", "undone", "redone", "done", "lane.said", "lane.detected"),
)


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A row of the table of corrections, in the report's language.

    `before` is what was detected, one event or several, and `after` what stands in its place.
    `what` names the correction, such as "removed". `before` is empty for what was added, `after`
    for what was removed. For a time that was marked, as not usable or as the primary position,
    `before` is empty and `after` is that time.
    """

    before: str
    after: str
    what: str


@dataclass(frozen=True, slots=True)
class CorrectionMark:
    """What a corrected report says of its corrections, in the report's language.

    `sentences` say who corrected how much and when, and why if a reason was given. `rows` list each
    correction: events in order of time, then times not usable, then the primary position.
    """

    sentences: list[str]
    rows: list[CorrectionRow]


def describe_corrections(source: ReportInput) -> CorrectionMark | None:
    """Return what was corrected by whom; None if the analysis is without corrections."""
    analysis, summary = source.analysis, source.summary
    said, detected = analysis.corrections, analysis.detected
    if said is None or detected is None:
        return None

    def text(key: str, **values: Any) -> str:
        return source.text(f"correct.{key}", **values)

    sentences = [
        text(
            "mark",
            by=said.by,
            at=said.at.replace("T", " ").removesuffix("Z"),
            count=summary.correction_count,
            before=summary.detected_blink_count,
            after=summary.blink_count,
        )
    ]
    if said.why:
        sentences.append(text("mark_why", why=said.why))
    rows, unseen = [], find_unseen(said, analysis.traces)
    for change in find_changes(list_events(detected, analysis.track.times_s), said.events):
        name = "changed" if change.before and change.after else "removed"
        what = text(name if change.before else "added")
        if any(one in unseen for one in change.after):
            what = f"{what}. {text('unseen')}"
        rows.append(CorrectionRow(_join(source, change.before), _join(source, change.after), what))
    rows += [_list_stretch(source, one, "unusable") for one in said.unusable]
    if said.primary is not None:
        rows.append(_list_stretch(source, said.primary, "primary"))
    return CorrectionMark(sentences, rows)


def _join(source: ReportInput, events: Sequence[TimedEvent]) -> str:
    """Return events in words, such as "Blink, 2.00 to 2.25 s", with "; " between; "" for none."""
    return "; ".join(
        source.text(
            "correct.event",
            kind=source.text(f"kind.{one.kind}"),
            start=f"{one.onset_s:.2f}",
            end=f"{one.offset_s:.2f}",
        )
        for one in events
    )


def _list_stretch(source: ReportInput, stretch: Stretch, name: str) -> CorrectionRow:
    times = source.text(
        "correct.between", start=f"{stretch.start_s:.2f}", end=f"{stretch.end_s:.2f}"
    )
    return CorrectionRow("", times, source.text(f"correct.{name}"))


def make_editor_data(source: ReportInput) -> dict[str, Any]:
    """Return the data that the editor, ``assets/corrections.js``, starts from, as JSON can hold it.

    It holds the events as detected, and what is in their place now: the same, or what a person
    corrected before; also how the file is to be named, the limits of what may be entered, and the
    editor's words in the report's language. Times are in seconds.
    """
    analysis, times_s = source.analysis, source.analysis.track.times_s
    detected = list_events(analysis.detected or analysis.events, times_s)
    said = analysis.corrections or Corrections("", "", "", tuple(detected))
    name = source.summary.source
    stem = Path(name.removesuffix(f".{ENDINGS['track']}")).stem
    return {
        "format": FORMAT,
        "recording": name[:MAX_NAME],
        **identify_track(analysis.track),
        "stem": shorten_stem(stem),
        "endings": {"report": ENDINGS["report"], "track": ENDINGS["track"], "own": CORRECTIONS},
        "detected": _list_plain(detected),
        "events": _list_plain(said.events),
        "unusable": [_plain_stretch(one) for one in said.unusable],
        "primary": said.primary and _plain_stretch(said.primary),
        "end_s": round(float(times_s[-1]), _TIME_DIGITS) if times_s.size else 0.0,
        "frame_s": analysis.traces.interval_s,
        "same_s": SAME_S,
        "least_primary_s": MIN_PRIMARY_TIME_S,
        "most": {"by": MAX_BY, "why": MAX_WHY},
        "kinds": {kind: source.text(f"kind.{kind}") for kind in EVENT_KINDS},
        # The script fills the placeholders.
        "words": {name: source.text(f"correct.{name}", **_PLACEHOLDERS) for name in _WORDS},
    }


def _list_plain(events: Sequence[TimedEvent]) -> list[dict[str, Any]]:
    return [
        {
            "kind": one.kind,
            "start": round(one.onset_s, _TIME_DIGITS),
            "stop": round(one.offset_s, _TIME_DIGITS),
        }
        for one in events
    ]


def _plain_stretch(stretch: Stretch) -> dict[str, float]:
    return {
        "start": round(stretch.start_s, _TIME_DIGITS),
        "stop": round(stretch.end_s, _TIME_DIGITS),
    }
