"""How a summary is written, and what the command line prints of it, in both languages."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.made_tracks import make_landmarks, make_track
from tracker.files.documents import parse_summary
from tracker.files.fields import Summary
from tracker.files.summary import describe_summary, summarize, to_json
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters
from tracker.protocol import parse_protocol


def read(path: Path) -> Summary:
    return parse_summary(json.loads(path.read_text(encoding="utf-8")))[0]


@pytest.fixture
def summary(results: Path) -> Summary:
    found = read(results / "p-01" / "first.summary.json")
    return replace(found, vertical_peak_to_peak=0.25, blink_rate_per_min=7.5)


def test_times_of_a_long_recording_are_exact_to_a_tenth_of_a_millisecond() -> None:
    document = {"start_s": 3600.12345678, "day_s": -86399.98765432, "range": 0.123456789}
    document |= {"seen_s": np.float64(100.00004), "none": np.float32("nan"), "count": 12_345_678}
    written = json.loads(to_json(document))
    assert written == {
        "start_s": 3600.1235,
        "day_s": -86399.9877,
        "range": 0.123457,
        "seen_s": 100.0,
        "none": None,
        "count": 12_345_678,
    }


def test_a_protocol_of_a_long_recording_is_written_as_it_was_given() -> None:
    asked = {"phase": "up", "start_s": 3600.1254, "end_s": 3605.0008}
    track = replace(make_track(make_landmarks(np.full(60, 0.3), 0.0)), times_s=3600 + np.arange(60))
    analysis = analyze_track(track, Parameters(protocol=parse_protocol([asked])))
    summary = summarize(analysis, assess(analysis), "clip.mp4").to_dict()
    assert json.loads(to_json(summary))["parameters"]["protocol"] == [asked]
    (phase,) = json.loads(to_json(summary))["phases"]
    assert (phase["start_s"], phase["end_s"]) == (3600.1254, 3605.0008)


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
