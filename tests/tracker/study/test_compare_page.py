"""The page of a comparison: self-contained, safe, and drawn to scale."""

import re
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape
from playwright.sync_api import Browser

from tests.axe import find_violations
from tests.tracker.pages.made_reports import ATTACK, assert_harmless, spoil_texts
from tests.tracker.study.made_summaries import make_summary, ranged
from tracker.study.compare import compare
from tracker.study.compare_input import Labelled
from tracker.study.compare_page import make_comparison_page
from tracker.words import LANGUAGES, TEXTS

HOSTILE = "<script>alert(1)</script>&\"'"


class TestPage:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_page_is_self_contained_and_safe_from_names(self, language: Any) -> None:
        recordings = [
            Labelled(HOSTILE, make_summary(source=HOSTILE, partial=True)),
            Labelled("on", ranged(0.2, 0.19, 0.21, source="b")),
        ]
        page = make_comparison_page(compare(recordings), language)
        assert HOSTILE not in page
        assert escape(HOSTILE) in page
        assert f'lang="{language}"' in page
        assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
        assert escape(TEXTS[language]["compare.verdict.once"]) in page

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_no_text_and_no_value_is_code(
        self, language: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spoil_texts(monkeypatch)
        usual = make_summary(source=ATTACK, partial=True)
        recordings = [
            Labelled(ATTACK, usual),
            Labelled(ATTACK, make_summary(source=ATTACK, blink_count=9)),
            Labelled("b" + ATTACK, ranged(0.9, 0.8, 1.0, source=ATTACK, version=ATTACK)),
        ]
        assert_harmless(make_comparison_page(compare(recordings), language), script_count=2)

    @pytest.mark.parametrize("width", [1280, 390])
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_chromium_shows_the_page_without_complaint(
        self, language: Any, width: int, tmp_path: Path, plain_browser: Browser
    ) -> None:
        path = tmp_path / "page.html"
        recordings = [
            Labelled("off", make_summary(source="a" * 90)),
            Labelled("a label " * 12, ranged(0.2, 0.19, 0.21)),
        ]
        path.write_text(make_comparison_page(compare(recordings), language), encoding="utf-8")
        page = plain_browser.new_page(viewport={"width": width, "height": 800})
        wrong: list[str] = []
        page.on("console", lambda one: wrong.append(one.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda one: wrong.append(one.url) if one.url != path.as_uri() else None)
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        drawn = page.locator("circle.value").first.bounding_box()
        assert drawn is not None
        assert drawn["width"] > 5
        page.close()
        assert [one for one in wrong if not one.startswith("data:")] == []

    def test_everybody_can_read_it(self, tmp_path: Path, plain_browser: Browser) -> None:
        recordings = [
            Labelled("off", make_summary(source="a" * 90)),
            Labelled("a label " * 12, ranged(0.2, 0.19, 0.21)),
        ]
        path = tmp_path / "page.html"
        path.write_text(make_comparison_page(compare(recordings), "en"), encoding="utf-8")
        assert find_violations(plain_browser, path.as_uri()) == []

    def test_no_warning_stands_beside_an_empty_list(self) -> None:
        usual, other = make_summary(source="a"), make_summary(source="b")
        page = make_comparison_page(compare([Labelled("off", usual), Labelled("on", other)]), "en")
        line = page.split("<li>")[1].split("</li>")[0]
        assert "Different from off" in line
        assert "none" in line
        assert 'class="mark unknown"' in line

    def test_the_page_draws_values_and_intervals_where_they_are(self) -> None:
        first, other = ranged(0.05, 0.04, 0.06), ranged(0.1, 0.08, 0.16)
        page = make_comparison_page(compare([Labelled("off", first), Labelled("on", other)]), "en")
        # A scale from 0 to 1.05 times 0.16, over 280 units after a margin of 10.
        places = [f"{10 + 280 * value / (1.05 * 0.16):.1f}" for value in (0.1, 0.08, 0.16)]
        assert f'<circle class="value" cx="{places[0]}"' in page
        assert f'class="interval" d="M{places[1]} 12.0H{places[2]}' in page
        assert 'aria-label="on: 0.100 (0.080 to 0.160)"' in page
