"""How a vertical range is shown: the same digits everywhere, on the right side of the threshold."""

import math
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.made_tracks import make_landmarks, make_track
from tracker.files.summary import describe_summary, summarize
from tracker.measures.analysis import Analysis, analyze_track
from tracker.measures.assessment import assess
from tracker.pages.overlay import _Painter
from tracker.pages.report import render_report
from tracker.parameters import Parameters
from tracker.study.cohort import cohort_rows
from tracker.study.cohort_page import write_cohort_page
from tracker.study.compare import compare
from tracker.study.compare_input import Labelled
from tracker.study.compare_text import describe_comparison
from tracker.study.recording import FinishedRecording, Recording, Request
from tracker.words import round_range


@pytest.mark.parametrize(
    ("range_", "threshold", "shown"),
    [
        (0.00688, 0.06, 0.007),
        (0.05996, 0.06, 0.059),
        (0.0594, 0.06, 0.059),
        (0.0596, 0.06, 0.059),
        (0.06, 0.06, 0.06),
        (0.0604, 0.06, 0.06),
        (0.0606, 0.06, 0.061),
        (0.0604, 0.0604, 0.061),
        (0.0603, 0.0604, 0.06),
        (0.06039, 0.0604, 0.06),
        (0.0605, 0.0606, 0.06),
        (0.0607, 0.0606, 0.061),
        (0.0004, 0.0003, 0.001),
        (0.0, 0.001, 0.0),
        (0.05996, None, 0.06),
    ],
)
def test_the_nearest_number_on_the_same_side_of_the_threshold(
    range_: float, threshold: float | None, shown: float
) -> None:
    assert round_range(range_, threshold) == shown


def test_what_is_missing_stays_missing() -> None:
    assert math.isnan(round_range(math.nan, 0.06))


def test_no_order_is_ever_wrong() -> None:
    rng = np.random.default_rng(1)
    for range_, threshold in rng.uniform(0.05, 0.06, (2000, 2)).tolist():
        for one in (range_, math.nextafter(threshold, 0), threshold):
            shown = round_range(one, threshold)
            assert (shown < threshold) == (one < threshold)
            assert abs(shown - one) < 0.001 + 1e-9
            assert f"{shown:.3f}" == f"{float(str(shown)):.3f}"


def make_analysis(range_: float, ends: tuple[float, float]) -> Analysis:
    """Return an analysis of 24 s of up and down whose range is told to be another."""
    rng = np.random.default_rng(9)
    gaze = np.where(np.arange(720) < 360, -0.02, 0.02) + rng.normal(0, 0.002, 720)
    track = make_track(make_landmarks(np.full(720, 0.3), gaze))
    analysis = analyze_track(track, Parameters(task="up_down"))
    measures = replace(
        analysis.measures, vertical_peak_to_peak=range_, vertical_peak_to_peak_ci95=ends
    )
    return replace(analysis, measures=measures)


def told_by_overlay(analysis: Analysis) -> str:
    words: list[str] = []
    pen: Any = SimpleNamespace(text=lambda *drawn: words.append(drawn[2]), line=lambda *drawn: None)
    painter = _Painter.__new__(_Painter)
    # Without a median, what follows the words is not drawn.
    painter._analysis, painter._median = analysis, math.nan
    painter._counted = analysis.gaze.valid
    painter._draw_gaze(pen, 0)
    return " ".join(words)


@pytest.mark.parametrize(
    ("range_", "ends", "shown"),
    [
        (0.00688, (0.0, 0.01388), ("0.007", "0.000", "0.014")),
        (0.05996, (0.0512, 0.06004), ("0.059", "0.051", "0.060")),
        (0.0423, (0.0312, 0.05997), ("0.042", "0.031", "0.059")),
    ],
)
def test_the_same_recording_has_the_same_digits_everywhere(
    range_: float,
    ends: tuple[float, float],
    shown: tuple[str, str, str],
    tmp_path: Path,
) -> None:
    value, low, high = shown
    analysis = make_analysis(range_, ends)
    assessment = assess(analysis)
    if ends[0] < 0.06 <= ends[1]:
        assert assessment.status == "borderline"
        assert f"range, {value} of the eye's width, is too close to 0.06" in assessment.rule_reason
        assert f"interval, {low} to {high}, holds the limit 0.06" in assessment.rule_reason
    else:
        assert assessment.status == "suspected"
        assert not assessment.reasons
        words = f"range, {value} of the eye's width (95 % interval {low} to {high}), is below 0.06"
        assert words in assessment.rule_reason

    summary = summarize(analysis, assessment, "a.mp4")
    text = describe_summary(summary, "a.mp4")
    assert f"{value} eye widths peak to peak (95 % interval {low}-{high}), threshold" in text
    assert summary.vertical_peak_to_peak == range_

    html = render_report(analysis, assessment, summary, None)
    (figure,) = re.findall(r">([0-9.]+) <small>eye widths", html)
    assert figure == value
    assert f"95 % interval {low} to {high}" in html
    (row,) = re.findall(r'<tr data-field="vertical_peak_to_peak".*?</tr>', html)
    assert row.endswith(f"<td>{value}</td></tr>")
    (row,) = re.findall(r'<tr data-field="vertical_peak_to_peak_ci95".*?</tr>', html)
    assert row.endswith(f"<td>{low} to {high}</td></tr>")

    recording = Recording(tmp_path / "a.mp4", tmp_path, "a", "a.mp4")
    hashed = replace(summary, video_sha256="0" * 64)
    outcomes = [FinishedRecording(hashed, recording.files(Request()))]
    rows = cohort_rows([recording], outcomes, tmp_path)
    cohort = write_cohort_page(rows, outcomes, [], tmp_path, "en").read_text()
    assert f">{value}<small>{low} - {high}</small></td>" in cohort

    other = replace(summary, source="b.mp4")
    comparison = compare([Labelled("off", summary), Labelled("on", other)])
    assert f"off  {value} ({low} to {high})" in describe_comparison(comparison)

    assert f"range of all {value}" in told_by_overlay(analysis)
