"""The report's section of movements: what it shows, how it grades it, what it does not claim."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.made_tracks import make_landmarks, make_track
from tracker.files.fields import Interval
from tracker.measures.findings import Finding
from tracker.measures.lid_kinematics import BLINKS_AT_REST_PER_MIN
from tracker.measures.saccade_rows import list_saccade_rows
from tracker.pages.movements import (
    MOVEMENTS,
    MovementRow,
    count_pairs_told_apart,
    list_movement_rows,
    list_saccades,
)
from tracker.pages.report import render_report
from tracker.pages.sections import ReportInput
from tracker.parameters import Parameters
from tracker.pipeline import measure_track
from tracker.protocol import Phase
from tracker.result import Result
from tracker.words import LANGUAGES, Language, en, ko

FPS = 30
DOCS = Path(__file__).parents[3] / "docs"
TEXTS_OF = {"en": en.TEXTS, "ko": ko.TEXTS}
STABLE = (
    "square_wave_jerk_rate_per_min",
    "fixation_bcea",
    "blink_closing_velocity_per_s",
    "blink_opening_velocity_per_s",
    "blink_rate_rest_per_min",
    "blink_rate_task_per_min",
)


def record(seconds: float = 90.0, *, protocol: bool = True, **info: Any) -> Result:
    """Fixate for 10 s, look up and down for 10 s each, and rest, with a blink every 5 s."""
    rng = np.random.default_rng(1)
    times_s = np.arange(round(seconds * FPS)) / FPS
    vertical = np.select([times_s < 10, times_s < 20, times_s < 30], [0.0, -0.1, 0.1], 0.0)
    ear = np.full(times_s.size, 0.3)
    for start in range(75, times_s.size - 30, 150):
        ear[start : start + 9] = (0.25, 0.15, 0.08, 0.06, 0.06, 0.1, 0.16, 0.22, 0.27)
    jitter = rng.normal(0, 0.001, (2, times_s.size))
    track = make_track(make_landmarks(ear, vertical + jitter[0], jitter[1]), FPS, **info)
    phases = (
        Phase("fixate", 0, 10),
        Phase("up", 10, 20),
        Phase("down", 20, 30),
        Phase("rest", 30, seconds),
    )
    return measure_track(track, Parameters(protocol=phases if protocol else ()), "a.mp4")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_step_is_listed_with_its_values_or_why_it_does_not_count(language: Language) -> None:
    result = record()
    source = ReportInput(result.analysis, result.assessment, result.summary, None, language)
    rows = list_saccades(source)
    # Up at 10 s, down at 20 s, and back at 30 s: the eyes move between two frames.
    fused = [row for row in list_saccade_rows(result.analysis) if row.eye == "both"]
    assert [row[0] for row in rows] == [str(row.step) for row in fused]
    page = render_report(result.analysis, result.assessment, result.summary, None, language)
    for cells, row in zip(rows, fused, strict=True):
        assert cells[3] == TEXTS_OF[language][f"report.phase_name.{row.direction}"]
        missing = cells[-1] != ""
        assert (cells[5] == "-") == missing == (row.reason != "")
        assert all(f"<td>{cell}</td>" in page for cell in cells)
    assert any(row.reason == "" for row in fused)
    assert any(row.reason == "not_found" for row in fused)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_a_step_has_words(language: Language) -> None:
    """The reasons are those that the definitions explain."""
    text = (DOCS / "definitions.md").read_text(encoding="utf-8")
    reasons = re.findall(r"^\| `(\w+)` \|", text.split("### Each step")[1].split("\n## ")[0], re.M)
    assert len(reasons) == 10
    assert {"small", "not_found", "hidden"} <= set(reasons)
    for reason in reasons:
        assert TEXTS_OF[language][f"report.step.{reason}"]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "the irises move up and down much further"), ("ko", "표식점보다 위아래로 훨씬 크게")],
)
def test_movements_that_the_landmarks_do_not_follow_have_that_reason(
    language: Language, words: str
) -> None:
    """The landmarks show 0.1 up and down, the pictures three times as much."""
    known = record()
    analysis = known.analysis
    sample = np.arange(0, analysis.track.times_s.size, 10)
    heights = 3 * analysis.gaze.vertical[sample, np.newaxis].astype(np.float32).repeat(2, axis=1)
    track = replace(analysis.track, picture_sample=sample, picture_heights=heights)
    result = measure_track(track, analysis.parameters, "a.mp4")
    summary = result.summary
    assert summary.vertical_saccade_count is None
    assert summary.vertical_saccade_time_ms_reason == "not_followed"
    assert (known.summary.fixation_bcea_reason, summary.fixation_bcea_reason) == (
        None,
        "not_followed",
    )
    texts = TEXTS_OF[language]
    source = ReportInput(result.analysis, result.assessment, summary, None, language)
    upright = {texts[f"report.phase_name.{name}"] for name in ("up", "down")}
    rows = [cells for cells in list_saccades(source) if cells[3] in upright]
    assert rows
    for cells in rows:
        assert cells[-1] == texts["report.step.not_followed"]
        assert cells[4:8] == ["-"] * 4
    page = render_report(result.analysis, result.assessment, summary, None, language)
    assert words in source.explain_missing("vertical_saccade_peak_velocity_deg_s_est")
    assert source.explain_missing("vertical_saccade_count") in page
    assert texts["report.latency.not_followed"] in page
    shown = show(result, language)["fixation_bcea"].shown
    assert {"en": "hardly follow the eyes", "ko": "거의 따라가지 못함"}[language] in shown


def show(result: Result, language: Language = "en") -> dict[str, MovementRow]:
    source = ReportInput(result.analysis, result.assessment, result.summary, None, language)
    return {row.field: row for row in list_movement_rows(source)}


def test_every_stable_measure_is_shown_once() -> None:
    assert set(STABLE) <= set(MOVEMENTS)
    assert len(MOVEMENTS) == len(set(MOVEMENTS))
    page = render_report(*(lambda one: (one.analysis, one.assessment, one.summary))(record()), None)
    assert re.findall(r'data-movement="(\w+)"', page) == list(MOVEMENTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_section_says_that_it_is_not_validated_and_names_its_phases(
    language: Language,
) -> None:
    result = record()
    page = render_report(result.analysis, result.assessment, result.summary, None, language)
    section = page.split('aria-labelledby="movements"')[1].split("</section>")[0]
    assert {"en": "Not validated on patients", "ko": "환자에서 검증되지 않았습니다"}[
        language
    ] in section
    rows = show(result, language)
    phases = {"en": "From: at rest.", "ko": "측정한 단계: 휴식."}[language]
    assert phases in rows["blink_rate_rest_per_min"].notes
    assert "<svg" in rows["blink_rate_rest_per_min"].ruler
    assert not rows["blink_rate_task_per_min"].ruler


def test_what_was_measured_has_its_value_and_interval() -> None:
    result = record()
    row = show(result)["blink_rate_rest_per_min"]
    # 12 blinks in the minute from 30 s on; Garwood's interval is 6.20 to 20.96.
    assert row.shown.startswith("12")
    low, high = map(float, re.findall(r"interval ([\d.]+) to ([\d.]+)", row.shown)[0])
    assert (low, high) == pytest.approx((6.2, 20.96), rel=0.02)
    assert float(row.exact) == result.summary.blink_rate_rest_per_min


def test_what_was_not_measured_has_its_reason() -> None:
    rows = show(record(protocol=False))
    assert rows["blink_rate_rest_per_min"].grade == "unknown"
    assert rows["blink_rate_rest_per_min"].shown == ("not measured: the protocol has no such phase")
    assert rows["fixation_bcea"].shown == "not measured: no phase asks for a fixation"
    # Measured, but the landmarks do not follow all lids alike.
    assert rows["blink_closing_velocity_per_s"].grade == "caution"
    assert "one person only" in rows["blink_closing_velocity_per_s"].notes[0]


def test_jerks_that_cannot_be_compared_are_limited() -> None:
    """A light is green only if the jerks that publications count are visible."""
    result = record()
    for visible_deg, grade in ((0.6, "good"), (2.0, "caution")):
        summary = replace(
            result.summary,
            square_wave_jerk_rate_per_min=6.0,
            square_wave_jerk_rate_per_min_ci95=Interval(4.0, 9.0),
        )
        measures = replace(result.analysis.measures, square_wave_jerk_visible_deg_est=visible_deg)
        changed = replace(
            result, summary=summary, analysis=replace(result.analysis, measures=measures)
        )
        row = show(changed)["square_wave_jerk_rate_per_min"]
        assert row.grade == grade
        assert f"Jerks of {visible_deg:.1f} degrees" in row.notes[0]


def test_a_recording_that_is_too_bad_has_no_good_light() -> None:
    rows = show(record(other_face_ratio=0.9))
    grades = {row.grade for row in rows.values()}
    assert "good" not in grades
    assert "caution" not in grades
    assert "bad" in grades


@pytest.mark.parametrize(
    ("code", "good"),
    [("task_unknown", True), ("gaze_not_measured", False), ("eyes_disagree", False)],
)
def test_a_reason_about_the_task_alone_leaves_lights_good(code: str, good: bool) -> None:
    result = record()
    assessment = replace(result.assessment, status="not_assessable", reasons=(Finding(code),))
    grades = {row.grade for row in show(replace(result, assessment=assessment)).values()}
    assert ("good" in grades, "bad" in grades) == (good, not good)


@pytest.mark.parametrize(
    ("seconds", "pairs"),
    [
        # 24 s cannot tell 3 from 12.5: 1 blink has an interval of up to 13.9 a minute.
        (24, 1),
        # 60 s can: 3 blinks, up to 8.8; 12 blinks, from 6.2. Not 12.5 from 17.
        (60, 2),
        (120, 2),
        (5, 0),
        (1200, 3),
    ],
)
def test_how_long_it_takes_to_tell_the_means_apart(seconds: float, pairs: int) -> None:
    assert sorted(BLINKS_AT_REST_PER_MIN.values()) == [3.0, 12.5, 17.0]
    assert count_pairs_told_apart(seconds) == pairs
