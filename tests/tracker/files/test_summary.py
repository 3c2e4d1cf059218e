"""What the command line prints of a recording, in both languages."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tracker.files.documents import parse_summary
from tracker.files.fields import Summary
from tracker.files.summary import describe_summary


def read(path: Path) -> Summary:
    return parse_summary(json.loads(path.read_text(encoding="utf-8")))[0]


@pytest.fixture
def summary(results: Path) -> Summary:
    found = read(results / "p-01" / "first.summary.json")
    return replace(found, vertical_peak_to_peak=0.25, blink_rate_per_min=7.5)


def test_both_languages_print_the_same_numbers(summary: Summary) -> None:
    english, korean = (describe_summary(summary, "a.mp4", one) for one in ("en", "ko"))
    assert "0.250 eye widths peak to peak" in english
    assert "0.250" in korean
    assert "3, 7.5 a minute" in english
    assert "3회, 분당 7.5회" in korean
    assert english.splitlines()[0] == "a.mp4: not_suspected"
    assert korean.splitlines()[0] == "a.mp4: PSP 의심 소견 없음"
    numbers = [set(re.findall(r"\d+\.\d+", text)) for text in (english, korean)]
    assert numbers[1] <= numbers[0]


def test_what_stands_against_an_answer_is_named_in_korean(results: Path) -> None:
    text = describe_summary(read(results / "누구.summary.json"), "누구.mp4", "ko")
    first, second, *_ = text.splitlines()
    assert first == "누구.mp4: 평가할 수 없음"
    assert "너무 짧음" in second
    assert not re.search("[A-Za-z]{4,}", text.replace("mp4", ""))
    assert "The face was seen" in describe_summary(read(results / "누구.summary.json"), "누구.mp4")
