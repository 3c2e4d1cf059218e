"""The report's sheet on paper: one page of A4, whatever has to stand on it."""

import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from playwright.sync_api import Browser, Page

from tests.lengths import LONG
from tests.tracker.pages.made_reports import answered, fake_pictures
from tests.tracker.pages.test_movements import record
from tracker.cli.main import main
from tracker.files.fields import STATUSES, Status
from tracker.files.participants import Participant
from tracker.files.summary import summarize
from tracker.measures.assessment import assess
from tracker.measures.findings import Finding
from tracker.pages import pdf
from tracker.pages.pdf import PdfError, print_page
from tracker.pages.report import render_report, render_sheet
from tracker.words import LANGUAGES, TEXTS, Language

A4_PT = (595.3, 841.9)
MARGIN_PT, FOOT_PT = 42.5, 30
"""At the bottom, 15 mm; in them stands the page's own foot."""
RESERVE_PT = 30
"""Room that is left even so, for other fonts than this machine's."""
PERSON = Participant("P-017", "control", "month 6", "2026-03-02")


def every_finding() -> tuple[Finding, ...]:
    """Return a finding of each code, the longest text of it, with numbers that take room."""
    longest: dict[str, str] = {}
    for key, text in TEXTS["en"].items():
        if key.startswith("finding."):
            code = key.split(".")[1]
            if len(text) > len(TEXTS["en"].get(longest.get(code, ""), "")):
                longest[code] = key
    findings = []
    for code, key in longest.items():
        names = [name for _, name, _, _ in string.Formatter().parse(TEXTS["en"][key]) if name]
        variant = key.removeprefix(f"finding.{code}").removeprefix(".")
        findings.append(Finding(code, dict.fromkeys(names, 88.888), variant))
    return tuple(findings)


def fullest_sheet(language: Language, name_length: int, saving: str) -> str:
    """Return the sheet with the most on it that does not yet save room in this way."""
    analysis = answered("suspected")
    usual = assess(analysis)
    found = [one for one in every_finding() if 112 < len(one.message) < 200]
    pictures = fake_pictures(analysis, 3000)
    person = replace(PERSON, participant_id="P" * name_length, visit="v" * name_length)
    fullest = ""
    for count in range(len(found)):
        assessment = replace(usual, cautions=tuple(found[:count]))
        summary = summarize(analysis, assessment, "a" * name_length, person)
        text = render_sheet(analysis, assessment, summary, pictures, language)
        if saving in text.split('<div class="sheet')[1].split(">")[0]:
            return fullest
        fullest = text
    pytest.fail(f"no sheet has {saving}")


Print = Callable[[str, Path], None]


@pytest.fixture(scope="module")
def print_sheet(plain_browser: Browser) -> Iterator[Print]:
    """Return what prints a page as `print_page` does, but in a browser that runs already.

    All sheets are printed from one tab: to open one takes longer than to print. The long form
    starts a browser for each page, as users do.
    """
    page = plain_browser.new_page()

    def print_sheet(text: str, path: Path) -> None:
        # A new document: in it is nothing of the one before.
        page.goto("about:blank")
        page.set_content(text)
        page.pdf(path=path, prefer_css_page_size=True, print_background=True)

    yield print_page if LONG else print_sheet
    page.close()


def test_a_browser_that_runs_prints_the_same(print_sheet: Print, tmp_path: Path) -> None:
    text = fullest_sheet("en", 37, "small-pictures")
    for name, print_one in (("new", print_page), ("runs", print_sheet)):
        print_one(text, tmp_path / f"{name}.pdf")
    assert read_page(tmp_path / "new.pdf") == read_page(tmp_path / "runs.pdf")


@pytest.mark.parametrize("saving", ["small-pictures", "no-numbers"])
@pytest.mark.parametrize("name_length", [9, 37, 55])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fullest_usual_sheet_is_one_page(
    language: Language, name_length: int, saving: str, tmp_path: Path, print_sheet: Print
) -> None:
    text = fullest_sheet(language, name_length, saving)
    assert text
    print_sheet(text, tmp_path / "sheet.pdf")
    printed = read_page(tmp_path / "sheet.pdf")
    assert printed.lowest_pt > MARGIN_PT + RESERVE_PT
    # The lights have their numbers.
    assert "±25°" in printed.words


def longest_sheet(status: Status, language: Language, *, has_long_names: bool = True) -> str:
    """Return the sheet of the extended task, with everything found that can be."""
    result = record()
    found = every_finding()
    has_reasons = status in ("borderline", "not_assessable")
    assessment = replace(
        assess(result.analysis),
        status=status,
        reasons=found[:12] if status == "not_assessable" else found[:1] if has_reasons else (),
        cautions=found[12:],
    )
    name, person = "clip.mp4", PERSON
    if has_long_names:
        name = ("눈 " * 60 if language == "ko" else "recording of a visit " * 12)[:120] + ".mp4"
        visit = "방문 " * 40 if language == "ko" else "visit " * 21
        person = replace(PERSON, participant_id="P" * 128, visit=visit)
    summary = summarize(result.analysis, assessment, name, person)
    pictures = fake_pictures(result.analysis, 3000)
    return render_sheet(result.analysis, assessment, summary, pictures, language)


@dataclass(frozen=True)
class Printed:
    """A PDF of one page: its size, its text without spaces, and where its lowest text is."""

    size_pt: tuple[float, float]
    words: str
    lowest_pt: float


def read_page(path: Path) -> Printed:
    """Read a PDF that has a single page. The page's own foot does not count as its lowest text."""
    document = pdfium.PdfDocument(path)
    (page,) = document
    text = page.get_textpage()
    bottoms = [text.get_charbox(n)[1] for n in range(text.count_chars())]
    words = "".join(text.get_text_range().split())
    lowest_pt = min(one for one in bottoms if one > FOOT_PT)
    size_pt = page.get_size()
    document.close()
    return Printed(size_pt, words, lowest_pt)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", STATUSES)
def test_the_sheet_is_one_page_of_a4(
    status: Status, language: Language, tmp_path: Path, print_sheet: Print
) -> None:
    path = tmp_path / "sheet.pdf"
    print_sheet(longest_sheet(status, language), path)
    printed = read_page(path)
    assert printed.size_pt == pytest.approx(A4_PT, abs=1.5)
    assert printed.lowest_pt > MARGIN_PT + RESERVE_PT
    words = printed.words
    for text in (
        TEXTS[language][f"verdict.{status}"],
        TEXTS[language]["report.further"],
        TEXTS[language]["report.limit.not_validated"],
        TEXTS[language]["report.rest"],
        TEXTS[language]["page.note"],
        "P" * 128,
        "2026-03-02",
    ):
        assert "".join(text.split()) in words, text
    # What has no room for a sentence has its name.
    named = TEXTS[language]["cohort.code.video_damaged"]
    assert "".join(named.split()) in words
    # The group stays hidden from who reads the report.
    assert "control" not in words
    assert [one.name for one in tmp_path.iterdir()] == ["sheet.pdf"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", ["suspected", "not_assessable"])
def test_what_long_names_do_not_take_explains_more(
    status: Status, language: Language, tmp_path: Path, print_sheet: Print
) -> None:
    """More is explained, and still it is one page."""
    shorter, longer = (longest_sheet(status, language, has_long_names=one) for one in (False, True))
    assert shorter.count('class="left-out"') < longer.count('class="left-out"')
    print_sheet(shorter, tmp_path / "sheet.pdf")
    assert read_page(tmp_path / "sheet.pdf").lowest_pt > MARGIN_PT + RESERVE_PT


@pytest.mark.usefixtures("chromium_path")
def test_a_usual_sheet_explains_all_that_was_found(tmp_path: Path) -> None:
    analysis = answered("not_assessable")
    assessment = assess(analysis)
    summary = summarize(analysis, assessment, "clip.mp4", PERSON)
    path = tmp_path / "sheet.pdf"
    print_page(render_sheet(analysis, assessment, summary, None, "en"), path)
    words = read_page(path).words
    for finding in (*assessment.reasons, *assessment.cautions):
        assert "".join(finding.message.split()) in words
    assert "Alsofound" not in words
    assert "P-017" in words
    assert "month6" in words


@pytest.mark.slow
@pytest.mark.usefixtures("chromium_path")
def test_the_command_writes_it_and_removes_it(tmp_path: Path, clips: Path) -> None:
    out = tmp_path / "out"
    command = ["analyze", str(clips / "tiny.mp4"), "--out", str(out), "--no-report"]
    assert main([*command, "--pdf", "--participant", "P-9", "--lang", "ko"]) == 0
    words = read_page(out / "tiny.pdf").words
    assert "P-9" in words
    assert "참가자" in words
    assert not (out / "tiny.report.html").exists()
    track = str(out / "tiny.track.npz")
    assert main(["reanalyze", track, "--out", str(out), "--pdf"]) == 0
    assert "Participant" in read_page(out / "tiny.pdf").words
    assert main(["reanalyze", track, "--out", str(out)]) == 0
    assert not (out / "tiny.pdf").exists()


@pytest.mark.parametrize("command", [["analyze", "clip.mp4"], ["reanalyze", "clip.track.npz"]])
def test_without_a_browser_the_command_says_what_to_do_before_it_begins(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(pdf, "_list_places", lambda: iter([tmp_path / "none"]))
    with pytest.raises(SystemExit) as ended:
        main([*command, "--pdf", "--out", str(tmp_path / "out")])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert "Install Chromium, Chrome or Edge" in error
    assert "print it" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [["--pdf"], ["--participant", "P-1"]])
def test_a_table_of_a_grid_has_no_reports_to_ask_for(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["reanalyze", "clip.track.npz", "--grid", "vpp_thresh=0.05,0.06", *option])
    assert ended.value.code == 2
    assert "leave out --pdf and --participant" in capsys.readouterr().err


@pytest.mark.parametrize("script", ["exit 1", "exit 0"])
def test_a_browser_that_makes_no_pdf_is_said(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\n{script}\n")
    browser.chmod(0o755)
    monkeypatch.setattr(pdf, "_list_places", lambda: iter([browser]))
    with pytest.raises(PdfError, match="could not make the PDF"):
        print_page("<p>", tmp_path / "a.pdf")
    assert [one.name for one in tmp_path.iterdir()] == ["browser"]


def count_pages(page: Page, path: Path) -> int:
    page.pdf(path=path, prefer_css_page_size=True, print_background=True)
    document = pdfium.PdfDocument(path)
    count = len(document)
    document.close()
    return count


@pytest.mark.slow
def test_the_page_prints_its_sheet_and_the_rest_only_if_asked(
    plain_browser: Browser, tmp_path: Path
) -> None:
    analysis = answered("suspected")
    assessment = assess(analysis)
    summary = summarize(analysis, assessment, "clip.mp4", PERSON)
    report = render_report(analysis, assessment, summary, fake_pictures(analysis), "en")
    (tmp_path / "report.html").write_bytes(report.encode())
    page = plain_browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    # As the browser's own menu does; and again after all was printed.
    for _ in range(2):
        assert count_pages(page, tmp_path / "one.pdf") == 1
        page.evaluate("window.print = () => {}")
        page.click("[data-prints=all]")
        assert count_pages(page, tmp_path / "all.pdf") > 3
    page.click("[data-prints=sheet]")
    assert count_pages(page, tmp_path / "one.pdf") == 1
    printed = read_page(tmp_path / "one.pdf")
    assert "P-017" in printed.words
    assert TEXTS["en"]["report.print.sheet"].replace(" ", "") not in printed.words
    page.close()
