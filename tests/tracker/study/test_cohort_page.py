"""The page of a cohort: what it says, what cannot get into it, and how it is used in a browser."""

import html
import math
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from tests.axe import WIDTHS, find_violations
from tests.lengths import LONG
from tests.tracker.pages.made_reports import ATTACK, assert_harmless, spoil_texts
from tests.tracker.pages.test_page import Elements
from tracker.face.mesh import FaceMesh
from tracker.files.documents import parse_summary
from tracker.files.participants import Participant
from tracker.parameters import Parameters
from tracker.study.cohort import OUTLIER_MEASURES, Row, cohort_rows, is_outlier, measure_spread
from tracker.study.cohort_page import write_cohort_page
from tracker.study.recording import (
    Failure,
    FinishedRecording,
    Recording,
    Request,
    analyze_recording,
)
from tracker.video.container import ImageOpenError, InputError
from tracker.words import LANGUAGES, TEXTS

FINDINGS = {key.split(".")[1] for key in TEXTS["en"] if key.startswith("finding.")}
NAMES = (
    "<img src=x onerror=alert(1)>",
    "a:b",
    "눈 %#?",
    "javascript:alert(1)",
    "\udcff",
    '"x"',
    "&amp;",
)


@pytest.fixture(scope="module")
def summary(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("out")
    recording = Recording(clips / "short.mp4", out, "short", "short.mp4")
    finder = FaceMesh()
    return analyze_recording(recording, Parameters(), Request(), lambda: finder).summary.to_dict()


def make_cohort(
    summary: dict[str, Any], out: Path, names: tuple[str, ...], changes: list[dict[str, Any]]
) -> tuple[list[Row], list[FinishedRecording | Failure]]:
    """Return rows and outcomes of recordings that differ from one summary by `changes`."""
    recordings = [Recording(out / f"{name}.mp4", out, name, f"{name}.mp4") for name in names]
    outcomes: list[FinishedRecording | Failure] = []
    for recording, change in zip(recordings, changes, strict=True):
        if "failure" in change:
            outcomes.append(Failure(change["failure"], "in words", is_input=True))
            continue
        document = summary | {key: value for key, value in change.items() if key != "status"}
        if "status" in change:
            document["assessment"] = summary["assessment"] | {"status": change["status"]}
        document["video_sha256"] = f"{len(outcomes):064d}"
        analyzed = parse_summary(document)[0]
        outcomes.append(FinishedRecording(analyzed, recording.files(Request(report="en"))))
    return cohort_rows(recordings, outcomes, out), outcomes


class TestTexts:
    def test_every_finding_has_a_short_name(self) -> None:
        named = [key.split(".")[2] for key in TEXTS["en"] if key.startswith("cohort.code.")]
        assert set(named) == FINDINGS

    def test_every_failure_has_words_and_a_remedy(self) -> None:
        codes = {"process_died", "system_error", "installation_damaged", "internal_error"}
        pending = [InputError]
        while pending:
            kind = pending.pop()
            pending += kind.__subclasses__()
            # What no analysis of a video raises has the code of its parent.
            codes.add(kind.code)
        assert ImageOpenError.code == "unusable"
        for code in codes:
            assert f"cohort.failure.{code}" in TEXTS["en"]
            assert f"cohort.failure.{code}.remedy" in TEXTS["en"]


class TestOutliers:
    @staticmethod
    def rows(values: list[float | None], status: str = "not_suspected") -> list[Row]:
        return [Row("", "", status, values={"vertical_peak_to_peak": value}) for value in values]

    def test_by_hand(self) -> None:
        """Of 1 to 11 the median is 6 and the deviations' median 3: 3.5 * 3 / 0.6745 = 15.567."""
        spread = measure_spread(
            self.rows([float(value) for value in range(1, 12)]), "vertical_peak_to_peak"
        )
        assert spread.median == 6
        assert spread.low == pytest.approx(6 - 15.567, abs=1e-3)
        assert spread.high == pytest.approx(6 + 15.567, abs=1e-3)
        for value, outlier in ((21.5, False), (21.6, True), (-9.5, False), (-9.6, True)):
            row = self.rows([value])[0]
            assert is_outlier(row, "vertical_peak_to_peak", spread) is outlier

    def test_one_far_value_does_not_hide_itself(self) -> None:
        rows = self.rows([*map(float, range(1, 12)), 1e6])
        spread = measure_spread(rows, "vertical_peak_to_peak")
        found = [is_outlier(row, "vertical_peak_to_peak", spread) for row in rows]
        assert found == [False] * 11 + [True]

    @pytest.mark.parametrize(
        "values",
        [[], [1.0], [1.0] * 8 + [100.0], [1.0] * 20 + [100.0], [None] * 20],
        ids=["none", "one", "few", "alike", "missing"],
    )
    def test_nothing_is_called_one_of_few_or_alike(self, values: list[float | None]) -> None:
        rows = self.rows(values)
        spread = measure_spread(rows, "vertical_peak_to_peak")
        assert not spread.is_judged
        assert math.isnan(spread.low)
        assert not any(is_outlier(row, "vertical_peak_to_peak", spread) for row in rows)

    def test_a_gaze_that_is_not_assessable_is_neither_judged_nor_counted(self) -> None:
        rows = self.rows([*map(float, range(1, 12))])
        far = self.rows([1e6] * 20, "not_assessable")
        spread = measure_spread(rows + far, "vertical_peak_to_peak")
        assert spread.count == 11
        assert spread.median == 6
        assert not is_outlier(far[0], "vertical_peak_to_peak", spread)

    def test_they_are_in_the_table(self, summary: dict[str, Any], tmp_path: Path) -> None:
        names = tuple(f"r{number:02d}" for number in range(12))
        changes: list[dict[str, Any]] = [
            {"blink_rate_per_min": 10.0 + number % 4} for number in range(11)
        ]
        rows, _ = make_cohort(summary, tmp_path, names, [*changes, {"blink_rate_per_min": 99.0}])
        assert [row.outliers for row in rows] == [()] * 11 + [("blink_rate_per_min",)]
        assert set(OUTLIER_MEASURES) <= rows[0].values.keys()


def test_hostile_names_are_text_and_links_stay_in_the_folder(
    summary: dict[str, Any], tmp_path: Path
) -> None:
    changes: list[dict[str, Any]] = [{} for _ in NAMES]
    changes[0] = {"failure": "undecodable"}
    rows, outcomes = make_cohort(summary, tmp_path, NAMES, changes)
    path = write_cohort_page(rows, outcomes, ["note </script><img src=y>"], tmp_path, "en")
    elements = Elements(path.read_text(encoding="utf-8"))
    assert "img" not in [tag for tag, _ in elements.found]
    assert not [name for _, attributes in elements.found for name in attributes if name[:2] == "on"]
    links = [attributes["href"] or "" for tag, attributes in elements.found if tag == "a"]
    reports = [link for link in links if link.endswith(".report.html")]
    assert len(reports) == len(NAMES) - 1
    for link, name in zip(reports, NAMES[1:], strict=True):
        assert not re.search("[^A-Za-z0-9_.~/%-]", link)
        assert unquote_to_bytes(link) == os.fsencode(f"{name}.report.html")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_and_no_value_is_code(
    language: Any, summary: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_texts(monkeypatch)
    found = {
        "assessment": summary["assessment"] | {"cautions": [{"code": "blurred", "message": ""}]}
    }
    changes: list[dict[str, Any]] = [found | {"blink_rate_per_min": 10 + n % 4} for n in range(11)]
    changes += [{"blink_rate_per_min": 99.0}, {"failure": "undecodable"}]
    rows, outcomes = make_cohort(summary, tmp_path, tuple("abcdefghijklm"), changes)
    rows = [replace(row, file=ATTACK, failure_message=ATTACK) for row in rows]
    rows[1] = replace(rows[1], values=rows[0].values)
    path = write_cohort_page(rows, outcomes, [ATTACK], tmp_path, language)
    assert_harmless(path.read_text(encoding="utf-8"), script_count=4)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_and_failure_is_told(
    language: Any, summary: dict[str, Any], tmp_path: Path
) -> None:
    codes = sorted(FINDINGS)
    failures = sorted(
        key.split(".")[2] for key in TEXTS["en"] if re.fullmatch(r"cohort\.failure\.\w+", key)
    )
    found = [{"code": code, "message": ""} for code in codes]
    bad = {"assessment": summary["assessment"] | {"reasons": found, "status": "not_assessable"}}
    names = ("a", *failures)
    changes = [bad, *({"failure": code} for code in failures)]
    rows, outcomes = make_cohort(summary, tmp_path, names, changes)
    text = write_cohort_page(rows, outcomes, [], tmp_path, language).read_text(encoding="utf-8")
    for code in codes:
        assert TEXTS[language][f"cohort.code.{code}"] in text
    for code in failures:
        assert TEXTS[language][f"cohort.failure.{code}.remedy"] in text


def test_one_video_under_two_names_is_told(summary: dict[str, Any], tmp_path: Path) -> None:
    rows, outcomes = make_cohort(summary, tmp_path, ("a", "b", "c"), [{}, {}, {}])
    rows[2] = replace(rows[2], values=rows[0].values)
    text = write_cohort_page(rows, outcomes, [], tmp_path, "en").read_text(encoding="utf-8")
    assert "counted as often: a.mp4, c.mp4" in text


def test_in_a_browser(plain_browser: Any, summary: dict[str, Any], tmp_path: Path) -> None:
    from playwright.sync_api import expect

    from tests.browsing import PATIENCE_S, is_true

    changes: list[dict[str, Any]] = [
        {"vertical_peak_to_peak": 0.2, "status": "not_suspected"},
        {"vertical_peak_to_peak": 0.05, "status": "suspected"},
        {"vertical_peak_to_peak": 0.1, "status": "not_suspected"},
        {"failure": "undecodable"},
    ]
    names = ("c", "<b>b", "눈", "d")
    rows, outcomes = make_cohort(summary, tmp_path, names, changes)
    path = write_cohort_page(rows, outcomes, [], tmp_path, "en")
    context = plain_browser.new_context(viewport={"width": 390, "height": 844}, offline=True)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE_S)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda one: wrong.append(one.text))
    page.on("requestfailed", lambda one: wrong.append(one.url))
    page.goto(path.as_uri())

    def shown() -> list[str]:
        rows = page.locator("#recordings tbody tr").all()
        return [row.locator("th").inner_text() for row in rows if row.is_visible()]

    assert shown() == ["c.mp4", "<b>b.mp4", "눈.mp4", "d.mp4"]
    # Sorted with the keyboard; what is missing comes last both ways.
    head = page.locator("#recordings thead th").nth(2)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert shown() == ["<b>b.mp4", "눈.mp4", "c.mp4", "d.mp4"]
    page.keyboard.press("Space")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert shown() == ["c.mp4", "눈.mp4", "<b>b.mp4", "d.mp4"]
    # One status alone, then all.
    suspected = page.locator("button[data-filter=suspected]")
    assert suspected.locator(".count").inner_text() == "1"
    suspected.focus()
    page.keyboard.press("Enter")
    expect(suspected).to_have_attribute("aria-pressed", "true")
    assert shown() == ["<b>b.mp4"]
    expect(page.locator("#shown")).to_have_text("1 of 4 recordings shown")
    # A mark leads to its row, also to one that is not shown. Hidden marks are of the other traces.
    marks = page.locator("#plot-vertical_peak_to_peak .scatterlayer .trace")
    expect(marks).to_have_count(2)
    assert [trace.locator(".points path").count() for trace in marks.all()] == [1, 2]
    # The page hears clicks once Plotly has drawn everything.
    click = (
        "document.getElementById('plot-vertical_peak_to_peak').emit('plotly_click', "
        "{points: [{customdata: 2}]}), document.activeElement.dataset.number === '2'"
    )
    is_true(page, click)
    assert len(shown()) == 4
    # The threshold's line.
    expect(page.locator("#plot-vertical_peak_to_peak .shapelayer path")).to_have_count(1)
    assert "threshold 0.06" in page.locator("#plot-vertical_peak_to_peak").inner_html()
    # Nothing but the table, in its own place, is wider than a phone.
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert wrong == []
    context.close()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_everybody_can_read_it(
    plain_browser: Any, language: str, summary: dict[str, Any], tmp_path: Path
) -> None:
    """And each table fits its column: on a phone it is scrolled in its own place."""
    statuses = ("suspected", "borderline", "not_suspected", "not_assessable")
    changes: list[dict[str, Any]] = [{"status": one} for one in statuses]
    changes[0] |= CORRECTED
    changes += [{"failure": "undecodable"}]
    names = [f"site-{n}/participant-{n}/second visit of the study {n}" for n in range(5)]
    rows, outcomes = make_cohort(summary, tmp_path, names, changes)
    people = [Participant(f"participant-{n // 2}", "PSP", f"month {n}") for n in range(5)]
    rows = [replace(row, participant=one) for row, one in zip(rows, people, strict=True)]
    path = write_cohort_page(rows, outcomes, [], tmp_path, language)
    # In the short form, each language is on one screen.
    widths = WIDTHS if LONG else [WIDTHS[LANGUAGES.index(language) % 2]]
    assert find_violations(plain_browser, path.as_uri(), widths) == []
    page = plain_browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(path.as_uri())
    overflow = "all => all.map((one) => one.scrollWidth - one.parentElement.clientWidth)"
    assert max(page.locator("table").evaluate_all(overflow)) <= 0
    page.close()


CORRECTED = {
    "corrected": True,
    "corrected_by": "A<b>",
    "corrected_at": "2026-01-31T09:30:00Z",
    "correction_count": 4,
    "detected_blink_count": 9,
    "blink_count": 7,
    "unusable_time_s": 0.0,
}


@pytest.mark.parametrize(
    ("language", "mark", "title"),
    [
        ("en", "corrected by A<b>", "Corrections: 4. Blinks before: 9, now: 7."),
        ("ko", "A<b> 수정", "수정 4건. 눈 깜빡임 수정 전 9회, 수정 후 7회."),
    ],
)
def test_a_corrected_recording_is_marked(
    language: Any, mark: str, title: str, summary: dict[str, Any], tmp_path: Path
) -> None:
    changes: list[dict[str, Any]] = [{}, CORRECTED, {"failure": "undecodable"}]
    rows, outcomes = make_cohort(summary, tmp_path, ("a", "b", "c"), changes)
    text = write_cohort_page(rows, outcomes, [], tmp_path, language).read_text(encoding="utf-8")
    (small,) = re.findall(r'<small class="corrected" title="([^"]*)">([^<]*)</small>', text)
    assert tuple(map(html.unescape, small)) == (title, mark)
    row = text[text.index('data-number="1"') : text.index('data-number="2"')]
    assert "corrected" in row


@pytest.mark.parametrize("language", ["en", "ko"])
def test_groups_and_visits_are_shown(
    language: str, summary: dict[str, Any], tmp_path: Path
) -> None:
    rows, outcomes = make_cohort(summary, tmp_path, ("a", "b", "c"), [{}, {}, {}])
    without = write_cohort_page(rows, outcomes, [], tmp_path, language).read_text(encoding="utf-8")
    people = [
        Participant("p1", "<b>PSP</b>", "first"),
        Participant("p1", "<b>PSP</b>", "second"),
        None,
    ]
    rows = [replace(row, participant=one) for row, one in zip(rows, people, strict=True)]
    text = write_cohort_page(rows, outcomes, [], tmp_path, language).read_text(encoding="utf-8")
    for key in ("cohort.groups_use", "cohort.visits_use", "cohort.group.none"):
        words = TEXTS[language][key]
        assert words in text
        assert words not in without
    assert "&lt;b&gt;PSP&lt;/b&gt;" in text
    assert "<b>PSP" not in text
    # Nothing but their names says which of the visits was the first.
    by_name = TEXTS[language]["cohort.visits_by_name"]
    assert text.count(by_name) == 1
    dated = [
        replace(row, participant=one and replace(one, date=f"2026-01-0{number}"))
        for number, (row, one) in enumerate(zip(rows, people, strict=True), 1)
    ]
    again = write_cohort_page(dated, outcomes, [], tmp_path, language).read_text(encoding="utf-8")
    assert by_name not in again
    assert TEXTS[language]["cohort.visits_use"] in again
    # Each column has a head, also those of the participants.
    head = text.split("<thead>")[1].split("</thead>")[0]
    row = text.split("<tbody>")[1].split("</tr>")[0]
    assert head.count("<th") == row.count("<th") + row.count("<td")
