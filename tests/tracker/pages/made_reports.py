"""Recordings of someone who looks up and down and blinks, and their reports, for tests."""

import json
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from tests.made_tracks import blink, make_landmarks, make_track
from tracker.files.summary import summarize
from tracker.measures.analysis import Analysis, analyze_track
from tracker.measures.assessment import assess
from tracker.pages.report import render_report
from tracker.parameters import Parameters
from tracker.protocol import parse_protocol
from tracker.words import TEXTS, Language

FPS = 30.0


class Page(HTMLParser):
    """Collects elements with their text, and the scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[int] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")
        if tag not in ("meta", "link", "img", "br"):
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self.elements[self._open.pop()][0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for index in self._open:
            self.texts[index] += data

    def with_attribute(self, name: str) -> list[tuple[dict[str, str | None], str]]:
        """Return the attributes and the text of each element that has this one."""
        return [
            (attributes, text)
            for (_, attributes), text in zip(self.elements, self.texts, strict=True)
            if name in attributes
        ]

    def data(self) -> Any:
        """Return what the page's script is given."""
        return json.loads(
            next(text for one, text in self.with_attribute("id") if one["id"] == "page-data")
        )


def looking(seconds: float = 24.0, blinks_s: tuple[float, ...] = (2.0, 7.5, 15.0)) -> Any:
    """Return landmarks of someone who looks up, then down, and blinks."""
    times_s = np.arange(round(seconds * FPS)) / FPS
    vertical = np.where(times_s < 1, 0.0, np.where(times_s < seconds / 2, -0.08, 0.07))
    ear = np.full(times_s.size, 0.3)
    for at_s in blinks_s:
        blink(ear, round(at_s * FPS), 6)
    jitter = 0.002 * np.sin(np.arange(times_s.size))
    return make_landmarks(ear, vertical + jitter, 2 * jitter)


def analyzed(landmarks: Any = None, parameters: Parameters | None = None) -> Analysis:
    landmarks = looking() if landmarks is None else landmarks
    return analyze_track(make_track(landmarks, FPS), parameters or Parameters())


def answered(status: str) -> Analysis:
    """Return an analysis with this answer: of someone who looks ahead, up, and down by 0.05.

    The limit of that is half of the parameter: twice the range, the range itself, or less.
    """
    if status == "not_assessable":
        return analyzed(looking(6.0, ()))
    vertical = np.repeat([0.0, -0.15, 0.05], [4 * 30, 8 * 30, 8 * 30])
    protocol = parse_protocol(
        [
            {"phase": "fixate", "start_s": 0, "end_s": 4},
            {"phase": "up", "start_s": 4, "end_s": 12},
            {"phase": "down", "start_s": 12, "end_s": 20},
        ]
    )
    limit = {"suspected": 0.2, "borderline": 0.1, "not_suspected": 0.04}[status]
    jitter = 0.002 * np.sin(np.arange(vertical.size))
    landmarks = make_landmarks(np.full(vertical.size, 0.3), vertical + jitter, 2 * jitter)
    return analyzed(landmarks, Parameters(vpp_thresh=limit, protocol=protocol))


def fake_pictures(analysis: Analysis, size: int = 30) -> dict[int, bytes]:
    return {
        int(sample): b"\xff\xd8" + bytes(size) for sample in np.flatnonzero(analysis.traces.seen)
    }


def rendered(
    analysis: Analysis,
    language: Language = "en",
    source: str = "clip.mp4",
    pictures: dict[int, bytes] | None = None,
) -> tuple[Page, dict[str, Any]]:
    assessment = assess(analysis)
    summary = summarize(analysis, assessment, source)
    page = Page(render_report(analysis, assessment, summary, pictures, language))
    return page, json.loads(json.dumps(summary.to_dict()))


def lookup(summary: dict[str, Any], field: str) -> Any:
    value: Any = summary
    for part in field.split("."):
        value = value[part]
    return value


def long_analysis(minutes: float, blinks: int) -> Analysis:
    count = round(60 * minutes * FPS)
    rng = np.random.default_rng(5)
    ear = np.full(count, 0.3) + rng.normal(0, 0.004, count)
    for start in np.linspace(100, count - 100, blinks).astype(int):
        blink(ear, start, 4, 0.05 + 0.03 * rng.random())
    return analyzed(make_landmarks(ear, 0.05 * np.sin(np.arange(count) / 40)))


ATTACK = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'</style></title>&"


def spoil_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Append an attack to every text in both languages."""
    for texts in TEXTS.values():
        for key, text in texts.items():
            monkeypatch.setitem(texts, key, text + ATTACK)


def assert_harmless(html: str, script_count: int) -> None:
    """Check that a page has its own scripts alone, and nothing else that would run."""
    page = Page(html)
    assert [tag for tag, _ in page.elements].count("script") == script_count
    assert ATTACK in "".join(page.texts), "the attack is on the page, as text"
    for tag, attributes in page.elements:
        assert attributes.get("src") != "x", tag
        assert not [name for name in attributes if name.startswith("on")], tag
