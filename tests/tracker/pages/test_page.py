"""The shell of the HTML pages: self-contained, safe against what is put into it."""

import hashlib
import json
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from markupsafe import Markup

from tracker.pages import page
from tracker.pages.page import Grade, RulerMark, draw_mark, draw_ruler, make_page
from tracker.words import LANGUAGES

HOSTILE = "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>\u2028\u2029&"


class Elements(HTMLParser):
    """Collects elements, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


def simple_page(**changes: object) -> str:
    arguments = {"title": "T", "language": "en", "body": Markup("<h1>B</h1>")} | changes
    return make_page(**arguments)  # type: ignore[arg-type]


def test_the_plotting_library_is_the_released_one() -> None:
    path = Path(page.__file__).with_name("assets") / "plotly-basic.min.js"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == page.PLOTLY_SHA256
    assert f"v{page.PLOTLY_VERSION}\n" in path.read_text(encoding="utf-8")[:200]
    assert "MIT" in path.with_name("plotly.LICENSE").read_text(encoding="utf-8")


def test_data_is_read_as_it_was_and_ends_nothing() -> None:
    data = {"name": HOSTILE, "values": np.array([0.5, np.nan]), "korean": "눈"}
    text = simple_page(data=data)
    scripts = Elements(text).scripts
    assert json.loads(scripts[0]) == {"name": HOSTILE, "values": [0.5, None], "korean": "눈"}
    assert len(scripts) == 2
    assert not set(scripts[0]) & set("<>&\u2028\u2029")
    assert "alert(1)</script>" not in text


def test_a_hostile_title_is_text() -> None:
    elements = Elements(simple_page(title=HOSTILE)).found
    assert [tag for tag, _ in elements].count("script") == 2
    assert "img" not in [tag for tag, _ in elements]


def test_the_policy_allows_just_the_scripts_that_are_there() -> None:
    elements = Elements(simple_page(script="Page.plot('<b>');\n"))
    policy = next(
        attributes["content"] or ""
        for _, attributes in elements.found
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; ")
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    run = [script for script in elements.scripts if not script.startswith("null")]
    assert [b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in run] == allowed
    assert len(run) == 3
    assert "unsafe-inline" not in policy.partition("style-src")[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_loads_nothing_and_says_its_language(language: str) -> None:
    text = simple_page(language=language, script="1;")
    elements = Elements(text).found
    assert ("html", {"lang": language}) in elements
    for tag, attributes in elements:
        for name in ("src", "href", "action", "data", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
    assert "url(http" not in text
    assert "@import" not in page.read_asset("page.css")


def test_without_a_script_the_library_is_left_out() -> None:
    assert len(simple_page()) < 50_000 < len(simple_page(script="1;"))


def test_every_status_has_its_own_shape() -> None:
    marks = {draw_mark(status) for status in get_args(Grade)}
    assert len({re.sub('class="mark [a-z]+"', "", mark) for mark in marks}) == 6


def test_a_ruler_is_to_scale() -> None:
    """340 units wide from 10: half of the scale is at 180, a quarter at 95."""
    ruler = draw_ruler(
        0.1,
        (0.05, 0.3),
        description='a "b" <c>',
        end=0.2,
        ticks=(0.0, 0.2),
        threshold=RulerMark(0.05, "<limit>"),
    )
    assert '<circle class="value" cx="180.0"' in ruler
    assert 'd="M95.0 51.0H350.0"' in ruler
    assert 'class="threshold" d="M95.0 ' in ruler
    assert 'class="beyond"' in ruler, "the interval's end lies beyond the scale"
    assert "&lt;limit&gt;" in ruler
    assert 'aria-label="a &#34;b&#34; &lt;c&gt;"' in ruler


def test_a_threshold_near_zero_leaves_room_for_its_words() -> None:
    mark = RulerMark(0.001, "threshold")
    ruler = draw_ruler(
        0.1, None, description="", end=0.2, ticks=(0.0,), threshold=mark, below="<", above=">"
    )
    assert 'class="threshold" d="M11.7 ' in ruler
    for x, words in re.findall(r'<text x="([\d.]+)"[^>]*>(threshold|&lt;|&gt;)<', ruler):
        assert 60 < float(x) < 80, words


def test_a_ruler_without_a_number_has_no_dot() -> None:
    ruler = draw_ruler(None, None, description="not measured", end=1.0, ticks=(0.0, 1.0))
    assert 'class="value"' not in ruler
    assert 'class="interval"' not in ruler


@pytest.mark.parametrize("name", ["report", "corrections", "cohort", "comparison"])
def test_every_colour_that_a_style_uses_is_one_of_the_pages(name: str) -> None:
    """A name that is not defined would be drawn black, also on a dark screen."""
    shell, style = page.read_asset("page.css"), page.read_asset(f"{name}.css")
    defined = set(re.findall(r"(--[a-z-]+):", shell + style))
    assert set(re.findall(r"var\((--[a-z-]+)", style)) <= defined
