"""What a report is filed by, and which findings its sheet explains."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.tracker.pages.made_reports import Page, answered, fake_pictures
from tracker.files.participants import Participant
from tracker.files.summary import summarize
from tracker.measures.assessment import assess
from tracker.pages.report import render_report, render_sheet
from tracker.pages.sections import ReportInput, Sentence
from tracker.pages.sheet import (
    CARD_LINES,
    LINE_WIDTH,
    MOST_LINES,
    USUAL_LINES,
    HeadEntry,
    choose_savings,
    count_lines_taken,
    fit_findings,
    format_moment,
    list_head,
)
from tracker.words import TEXTS, Language

SEOUL = timezone(timedelta(hours=9))
ANALYZED_AT = datetime(2026, 11, 29, 0, 30, tzinfo=SEOUL)
PERSON = Participant("P-017", "PSP", "month 6", "2026-03-02")
BY_FILE = "2026-03-02T09:15:00+09:00"


def head(
    person: Participant | None = None,
    recorded_at: str | None = None,
    analyzed_at: datetime = ANALYZED_AT,
    language: Language = "en",
) -> dict[str, str]:
    analysis = answered("suspected")
    assessment = assess(analysis)
    summary = summarize(analysis, assessment, "clip.mp4", person)
    summary = replace(summary, video_meta=replace(summary.video_meta, recorded_at=recorded_at))
    source = ReportInput(analysis, assessment, summary, None, language, analyzed_at)
    return {entry.name: entry.text for entry in list_head(source)}


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    entries = head()
    assert entries["participant"] == "not given"
    assert entries["recorded"] == "unknown"
    assert "visit" not in entries
    assert entries["length"] == "20.0 s"
    assert head(language="ko")["length"] == "20.0초"
    assert head(language="ko")["recorded"] == "알 수 없음"


def test_the_study_knows_the_day_and_the_file_its_time() -> None:
    assert head(recorded_at=BY_FILE)["recorded"] == (
        "2026-03-02 09:15 (UTC+09:00), as the file says"
    )
    entries = head(PERSON, BY_FILE)
    assert entries["participant"] == "P-017"
    assert entries["visit"] == "month 6"
    assert entries["recorded"].startswith("2026-03-02; 2026-03-02 09:15 (UTC+09:00)")
    # A rater shall not know the group.
    assert "PSP" not in " ".join(entries.values())


def test_the_day_of_the_analysis_is_the_readers_or_called_utc() -> None:
    """Half past midnight in Seoul is the day before in UTC."""
    assert head()["analyzed"] == "2026-11-29"
    assert head(analyzed_at=ANALYZED_AT.astimezone(UTC))["analyzed"] == "2026-11-28 (UTC)"


def test_a_moment_tells_its_offset() -> None:
    assert format_moment("2026-03-02T00:15:00+00:00") == "2026-03-02 00:15 (UTC)"
    assert format_moment("2026-03-02T00:15:00-05:30") == "2026-03-02 00:15 (UTC-05:30)"


def sentences(count: int, width: int, code: str = "blurred") -> list[Sentence]:
    return [Sentence(code, "x" * width) for _ in range(count)]


def test_findings_are_explained_while_there_is_room() -> None:
    usual = fit_findings(sentences(1, LINE_WIDTH), sentences(2, 10), 0, "en")
    assert (usual.reasons, usual.cautions, usual.named, usual.lines) == (1, 2, "", 3)
    # "To keep in mind:" stands before a caution, which then needs three lines. The names of the
    # others need two: 14 of 9 letters, and "Also found:".
    many = fit_findings(sentences(2, LINE_WIDTH), sentences(20, 2 * LINE_WIDTH), 0, "en")
    assert (MOST_LINES, many.reasons, many.cautions, many.lines) == (21, 2, 5, 2 + 5 * 3 + 2)
    assert many.named.count("blurred") == 15
    # What the head takes, findings cannot have.
    fewer = fit_findings(sentences(2, LINE_WIDTH), sentences(20, 2 * LINE_WIDTH), 3, "en")
    assert (fewer.reasons, fewer.cautions) == (2, 4)
    # A Korean letter takes the room of two.
    assert fit_findings([Sentence("blurred", "가" * LINE_WIDTH)], [], 0, "ko").lines == 2


def test_the_answers_own_sentence_always_stays() -> None:
    fitting = fit_findings(sentences(2, 9 * LINE_WIDTH), sentences(1, 9), 30, "en")
    assert (fitting.reasons, fitting.cautions) == (1, 0)
    assert fitting.named == "blurred, blurred"


def test_long_names_and_a_third_measure_take_lines() -> None:
    def count(name: str, *texts: str, cards: int = 2) -> int:
        head = [HeadEntry("", "label", text) for text in texts]
        return count_lines_taken("Eye movement report", name, head, cards)

    usual = ("P-017", "2026-03-02", "2026-11-29", "24.0 s", "0.2.0")
    assert count("demo.mp4", *usual) == 0
    assert count("demo.mp4", *usual, cards=3) == CARD_LINES
    assert count("a" * 60, *usual) == 1
    assert count("가" * 60, *usual) == 2
    assert (
        count("demo.mp4", "2026-03-02; 2026-03-02 09:15 (UTC+09:00), as the file says", *usual) == 1
    )
    assert count("demo.mp4", "P" * 128, *usual) == 2


def test_pictures_then_numbers_make_room_for_more_than_usual() -> None:
    full = fit_findings(sentences(USUAL_LINES, LINE_WIDTH), [], 0, "en")
    assert choose_savings(full, 0) == []
    assert choose_savings(full, 1) == choose_savings(full, 2) == ["small-pictures"]
    assert choose_savings(full, 3) == ["small-pictures", "no-numbers"]
    more = fit_findings(sentences(USUAL_LINES + 1, 9), [], 0, "en")
    assert choose_savings(more, 0) == ["small-pictures"]


def test_after_the_first_that_does_not_fit_none_is_explained() -> None:
    """They are in the order of their weight."""
    fitting = fit_findings(
        sentences(1, LINE_WIDTH),
        [*sentences(1, LINE_WIDTH * 30, "no_face"), *sentences(1, 9)],
        0,
        "en",
    )
    assert (fitting.reasons, fitting.cautions) == (1, 0)
    assert fitting.named == "no face, blurred"


@pytest.mark.parametrize("has_pictures", [False, True])
def test_the_sheet_is_the_reports_first_part(has_pictures: bool) -> None:
    analysis = answered("borderline")
    assessment = assess(analysis)
    pictures = fake_pictures(analysis) if has_pictures else None
    parts: tuple[Any, ...] = (analysis, assessment, summarize(analysis, assessment, "clip.mp4"))
    report, sheet = (make(*parts, pictures) for make in (render_report, render_sheet))
    assert len(sheet) < 100_000 < len(report)

    def part(text: str) -> str:
        return text.split('<div class="sheet')[1].split('<p class="print-only limits">')[0]

    assert part(report) == part(sheet)
    page = Page(sheet)
    assert 'id="plot-traces"' not in sheet
    assert TEXTS["en"]["report.down"] in sheet
    shown = [one["data-light"] for one, _ in page.with_attribute("data-light")]
    assert len(shown) == 12
    if has_pictures:
        ends = sheet.split('class="ends"')[1].split("</section>")[0].split("<figure")[1:]
        assert len(ends) == 3
        assert all(one.count("<img") >= 2 for one in ends)
