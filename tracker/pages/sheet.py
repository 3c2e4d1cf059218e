"""The sheet, a report's first part: what it is filed by, and how it stays one page of A4."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker.pages.sections import ReportInput, Sentence
from tracker.words import Language, format_text

SHEET_LIMITS = ("not_validated", "task", "spectacles", "degrees")
"""The limits of the method that the sheet names. The others are in the appendix."""
MOST_LINES = 21
"""Printed lines that the sheet has for findings, long names and a third measure. Findings that need
more are named, not explained."""
USUAL_LINES = 10
"""If findings, long names and a third measure take more lines than this, the sheet's pictures are
smaller."""
NUMBERS_LINES = 12
"""If they take more lines than this, the sheet leaves out the numbers beside the lights, too."""
CARD_LINES = 3
"""Lines that a third measure takes, because the others are then narrower."""
LINE_WIDTH = 112
"""Width of such a line in Latin letters. A Korean one counts as two."""
_HEAD_WIDTH = 94
"""The same of a line of the head, which is bold; its labels are smaller, and gaps follow them."""
_LABEL_SHARE, _HEAD_GAP = 0.6, 3
_TITLE_WIDTH, _FIRST_TITLE_WIDTH = 78, 52
"""The same of a line of the file's name in the title, and of the first one, beside a note."""


@dataclass(frozen=True, slots=True)
class HeadEntry:
    """One thing by which a sheet is filed, such as the participant: key, label and text.

    `label` and `text` are in the report's language; `name` is the key for the template.
    """

    name: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class SheetFindings:
    """How many findings (what limits the answer) the sheet explains, and the names of the others.

    Attributes
    ----------
    reasons, cautions : int
        So many of the reasons, and of the cautions, are explained: the first ones.
    named : str
        Short names of the others in the report's language, separated by commas; "" for none.
    lines : int
        About how many printed lines the explanations and names take together.
    """

    reasons: int
    cautions: int
    named: str
    lines: int


def list_head(source: ReportInput) -> list[HeadEntry]:
    """Return what the recording is filed by, in the order of the sheet.

    These are participant, visit, when it was recorded and analysed, who corrected it, its length
    and the program's version. Visit and corrections are left out where there are none. An unknown
    participant or time of recording is said to be unknown. The day of recording that the table of
    participants names stands before the file's own time, which a copy may have changed.
    """
    person, text = source.summary.participant, source.text
    entries = {"participant": person.participant_id if person else text("not_given")}
    if person and person.visit:
        entries["visit"] = person.visit
    recorded = [person.date] if person and person.date else []
    if source.summary.video_meta.recorded_at:
        moment = format_moment(source.summary.video_meta.recorded_at)
        recorded.append(text("by_file", moment=moment))
    entries["recorded"] = "; ".join(recorded) or text("unknown")
    entries["analyzed"] = _format_day(source.analyzed_at)
    if source.summary.corrected:
        entries["corrected"] = text(
            "head.corrected_by",
            by=source.summary.corrected_by,
            day=str(source.summary.corrected_at)[:10],
            count=source.summary.correction_count,
        )
    entries["length"] = source.seconds(f"{source.summary.duration_sec_est:.1f}")
    entries["version"] = source.summary.version
    return [HeadEntry(name, text(f"head.{name}"), value) for name, value in entries.items()]


def format_moment(text: str) -> str:
    """Return a moment, in ISO 8601 with the offset from UTC, as people read it, to the minute.

    Examples
    --------
    >>> format_moment("2026-03-02T09:15:00+09:00"), format_moment("2026-03-02T00:15:00+00:00")
    ('2026-03-02 09:15 (UTC+09:00)', '2026-03-02 00:15 (UTC)')
    """
    moment = datetime.fromisoformat(text)
    return f"{moment:%Y-%m-%d %H:%M} ({moment.tzinfo})"


def _format_day(moment: datetime) -> str:
    """Return the day of a moment, as "2026-03-02", by the moment's own offset from UTC.

    If that is 0 or unknown, " (UTC)" follows: a server's day may not be the reader's.
    """
    return f"{moment:%Y-%m-%d}" if moment.utcoffset() else f"{moment:%Y-%m-%d} (UTC)"


def count_lines_taken(title: str, name: str, head: Sequence[HeadEntry], cards: int) -> int:
    """Count the printed lines that the head and the measures take beyond the usual ones.

    The sheet must stay one page of A4, so these lines are missing for findings.

    Parameters
    ----------
    title, name : str
        The heading, and the file's name, which follows it.
    head : sequence of HeadEntry
        From `list_head`.
    cards : int
        Number of measures at the top of the sheet, 2 or 3.

    Returns
    -------
    int
        About as many as are printed, or more; 0 for a short name, a head of one line and two
        measures.
    """
    lines = CARD_LINES * (cards > 2)
    if _measure_width(title) + _measure_width(name) > _FIRST_TITLE_WIDTH:
        lines += math.ceil(_measure_width(name) / _TITLE_WIDTH)
    used = 0.0
    for one in head:
        width = _LABEL_SHARE * _measure_width(one.label) + _measure_width(one.text) + _HEAD_GAP
        if used and used + width > _HEAD_WIDTH:
            lines, used = lines + 1, 0.0
        lines += max(0, math.ceil(width / _HEAD_WIDTH) - 1)
        used += width
    return lines


def fit_findings(
    reasons: Sequence[Sentence], cautions: Sequence[Sentence], taken: int, language: Language
) -> SheetFindings:
    """Decide which findings (what limits the answer) the sheet explains, and which it only names.

    It must stay one sheet of A4, so findings and `taken` get `MOST_LINES` printed lines together.
    As many as fit are explained, the reasons before the cautions; the first reason always is.

    Parameters
    ----------
    reasons, cautions : sequence of Sentence
        From `tracker.pages.sections.make_verdict` and `list_cautions`, the most important first.
    taken : int
        From `count_lines_taken`.
    language : {"en", "ko"}

    Returns
    -------
    SheetFindings
    """
    before = format_text(language, "report.caution") + " "
    needed = [_count_lines(one.text) for one in reasons]
    needed += [_count_lines(before + one.text) for one in cautions]
    names = [
        format_text(language, f"cohort.code.{one.code}") if one.code else ""
        for one in (*reasons, *cautions)
    ]
    further = format_text(language, "report.further") + " "
    # The first sentence is the answer's, or its first reason, and stays.
    for explained in range(len(needed), min(1, len(reasons)) - 1, -1):
        named = ", ".join(filter(None, names[explained:]))
        lines = sum(needed[:explained]) + (_count_lines(further + named) if named else 0)
        if taken + lines <= MOST_LINES:
            break
    kept = min(explained, len(reasons))
    return SheetFindings(kept, explained - kept, named, lines)


def choose_savings(fitting: SheetFindings, taken: int) -> list[str]:
    """Return the CSS classes that save room on a sheet with more to show than usual; else [].

    They are ``small-pictures`` and, with yet more to show, also ``no-numbers``. `fitting` comes
    from `fit_findings`, and `taken` from `count_lines_taken`.
    """
    lines = fitting.lines + taken
    limits = {"small-pictures": USUAL_LINES, "no-numbers": NUMBERS_LINES}
    return [name for name, most in limits.items() if lines > most]


def _count_lines(text: str) -> int:
    return math.ceil(_measure_width(text) / LINE_WIDTH)


def _measure_width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)
