"""The report: its numbers are the summary's, nothing of its input is code, nothing is hidden."""

import csv
import json
import math
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from kernels import BLINK
from tests.axe import WIDTHS, find_violations, read_colors
from tests.lengths import LONG
from tests.made_tracks import make_landmarks, make_looking, make_track
from tests.tracker.pages.made_reports import (
    ATTACK,
    FPS,
    analyzed,
    answered,
    assert_harmless,
    fake_pictures,
    long_analysis,
    looking,
    lookup,
    rendered,
    spoil_texts,
)
from tracker.cli.main import main
from tracker.files.fields import STATUSES, Status
from tracker.files.summary import summarize, write_analysis
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.pages import report
from tracker.pages.numbers import CORRECTION_FIELDS, FIELD_GROUPS, PROVENANCE_FIELDS
from tracker.pages.page import read_asset
from tracker.pages.report import MAX_BYTES, render_report
from tracker.pages.sections import _format_closed
from tracker.pages.selection import (
    find_events,
)
from tracker.parameters import Parameters
from tracker.protocol import parse_protocol
from tracker.words import LANGUAGES, TEXTS, Language

HOSTILE = "<img src=x onerror=alert(1)>\"'&</script><script>alert(2)</script>.mp4"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_is_the_summarys(language: Language) -> None:
    page, summary = rendered(analyzed(), language)
    shown = page.with_attribute("data-field")
    assert len(shown) > 80
    for attributes, text in shown:
        value = lookup(summary, attributes["data-field"] or "")
        values = value if isinstance(value, list) else [value]
        expected = " ".join(str(one) for one in values if one is not None)
        assert attributes["data-value"] == expected
        # An angle that is known to no more than its own size is not shown.
        is_vague = (attributes["data-field"] or "").startswith("vertical_peak_to_peak_deg")
        assert is_vague == ("further apart" in text or "보다 큽니다" in text), attributes
        if is_vague or not any(isinstance(one, float) for one in values):
            continue
        # What is read is the number itself, to three digits or more.
        read = [float(one) for one in re.findall(r"-?\d+\.?\d*(?:e[+-]\d+)?", text)]
        for one in values:
            assert any(math.isclose(one, number, rel_tol=6e-3, abs_tol=1e-3) for number in read), (
                attributes,
                text,
            )


def test_large_numbers_are_written_out() -> None:
    """720 frames, one every 30 s, are six hours."""
    track = make_track(looking(), 30.0)
    analysis = analyze_track(replace(track, times_s=track.times_s * 900), Parameters())
    shown = {
        one["data-field"]: text for one, text in rendered(analysis)[0].with_attribute("data-field")
    }
    assert re.search(r"\b21600\b", shown["duration_sec_est"])


def test_the_answer_shows_range_rate_and_intervals() -> None:
    analysis = analyzed()
    page, summary = rendered(analysis)
    low, high = summary["vertical_peak_to_peak_ci95"]
    assert f"95 % interval {low:.3f} to {high:.3f}" in page.text
    low, high = summary["blink_rate_per_min_ci95"]
    assert f"95 % interval {low:.1f} to {high:.1f}; 3 in 24.0 s" in page.text
    verdict = next(one for one in page.with_attribute("data-value") if "answer" in str(one[0]))
    assert verdict[0]["data-value"] == summary["assessment"]["status"] == "not_suspected"
    assert summary["psp_rule_reason"] in verdict[1]
    assert summary["assessment"]["patient_message"] in verdict[1]


def test_a_range_below_the_threshold_does_not_read_as_equal() -> None:
    analysis = analyzed()
    threshold = math.floor(analysis.measures.vertical_peak_to_peak * 1000 + 1) / 1000
    page, _ = rendered(analyzed(parameters=Parameters(vpp_thresh=threshold)))
    figure = next(
        text
        for one, text in page.with_attribute("data-field")
        if one["data-field"] == "vertical_peak_to_peak" and one.get("class") == "figure"
    )
    assert float(figure.split()[0]) < threshold


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_card_shows_what_the_answer_rests_on(language: Language) -> None:
    """Up by 0.15 and down by 0.004: the whole range would count against the suspicion."""
    vertical = np.repeat([0.0, -0.15, 0.004], [4 * FPS, 8 * FPS, 8 * FPS])
    protocol = parse_protocol(
        [
            {"phase": "fixate", "start_s": 0, "end_s": 4},
            {"phase": "up", "start_s": 4, "end_s": 12},
            {"phase": "down", "start_s": 12, "end_s": 20},
        ]
    )
    landmarks = make_landmarks(np.full(vertical.size, 0.3), vertical)
    page, summary = rendered(analyzed(landmarks, Parameters(protocol=protocol)), language)
    assert summary["assessment"]["status"] == "suspected"
    figures = {
        one["data-field"]: text
        for one, text in page.with_attribute("data-field")
        if one.get("class") == "figure"
    }
    assert list(figures) == ["down_range", "blink_rate_per_min"]
    assert figures["down_range"].startswith("0.004")
    assert TEXTS[language]["report.down"] in page.text
    assert "0.03" in page.text


def test_the_whole_summary_is_shown() -> None:
    """But for what is shown otherwise: words, phases, file, version, hash."""
    _, summary = rendered(analyzed())

    def leaves(value: Any, name: str) -> set[str]:
        if isinstance(value, dict):
            return {leaf for key, one in value.items() for leaf in leaves(one, f"{name}.{key}")}
        return {name.removeprefix(".")}

    fields = {field for group in FIELD_GROUPS.values() for field in group}
    fields |= {*PROVENANCE_FIELDS, *CORRECTION_FIELDS}
    otherwise = {
        *("source", "video_sha256", "version", "note", "psp_suspected", "psp_rule_reason"),
        *("phases", "parameters.protocol", "primary_position_reason"),
        # At the top of the page.
        "video_meta.recorded_at",
        # The table tells reasons in words, where the number is missing.
        *(name for name in summary if name.endswith("_reason")),
        # The top of a corrected report tells these (test_corrections.py).
        *("corrected_by", "corrected_at", "corrected_why"),
        # The section of movements names the phases.
        *(name for name in summary if name.endswith("_phases")),
    }
    left = leaves(summary, "") - fields - otherwise
    assert {name for name in left if not name.startswith("assessment.")} == set()
    assert fields <= leaves(summary, "")


@pytest.mark.parametrize(
    ("lid_share", "language", "shown"),
    [(1.0, "en", "0.2"), (1.9, "en", "at least 0.1"), (1.9, "ko", "최소 0.1")],
)
def test_a_range_that_the_lids_hid_is_at_least_that(
    lid_share: float, language: Language, shown: str
) -> None:
    """Down by 20 and by 40 degrees: 0.114 and 0.214; the lids hide the latter, or do not."""
    deg = np.repeat([0.0, 20.0, 0.0, 40.0, 0.0], 4 * FPS)
    page, summary = rendered(analyzed(make_looking(deg, lid_share)), language)
    assert summary["down_range_is_lower_bound"] == (lid_share > 1)
    cells = [t for one, t in page.with_attribute("data-field") if one["data-field"] == "down_range"]
    assert len(cells) == 1
    assert shown in cells[0]
    assert ("at least" in cells[0] or "최소" in cells[0]) == (lid_share > 1)


def test_what_is_missing_says_why() -> None:
    """Nobody, one frame, no frame: each number that is none has a reason, and none reads as 0."""
    nothing = np.full_like(looking(12.0), np.nan)
    for landmarks in (nothing, nothing[:1], nothing[:0], looking()[:1], looking(0.5, ())):
        page, summary = rendered(analyzed(landmarks))
        words = re.sub(r"<(script|style).*?</(script|style)>", "", page.text, flags=re.DOTALL)
        assert not re.search(r"\b(nan|inf)\b|None[^ ]", words)
        for attributes, text in page.with_attribute("data-field"):
            if attributes["data-value"] == "":
                assert re.search(r"not measured|none: |not known", text), attributes
        assert summary["assessment"]["status"] == "not_assessable"


def test_a_number_of_a_recording_that_is_not_assessable_is_marked() -> None:
    page, _ = rendered(analyzed(looking(6.0, ())))
    assert "Measured, but not to be relied on" in page.text
    page, _ = rendered(analyzed())
    assert "Measured, but not to be relied on" not in page.text


def test_a_blink_rate_that_may_have_missed_some_is_marked() -> None:
    landmarks = looking()
    for at_s in (2.0, 7.5, 15.0):
        # The face is lost as the eyes open.
        landmarks[round(at_s * FPS) + 4 :][:12] = np.nan
    analysis = analyzed(landmarks)
    assert "blinks_cut" in {one.code for one in assess(analysis).cautions}
    page, summary = rendered(analysis)
    assert summary["assessment"]["status"] == "not_suspected"
    assert page.text.count("Measured, but not to be relied on") == 1


def test_a_blink_rate_of_shut_eyes_is_marked() -> None:
    """No blink in a minute of shut eyes is no low blink rate."""
    page, summary = rendered(analyzed(make_landmarks(np.full(600, 0.05), np.zeros(600))))
    assert "eyes_closed" in {one["code"] for one in summary["assessment"]["reasons"]}
    assert summary["blink_rate_per_min"] == 0
    # The range has no number to mark.
    assert summary["vertical_peak_to_peak"] is None
    assert page.text.count("Measured, but not to be relied on") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_findings_are_there_in_words(language: Language) -> None:
    analysis = analyzed(looking(6.0, ()))
    assessment = assess(analysis)
    page, _ = rendered(analysis, language)
    found = {one["data-code"]: text for one, text in page.with_attribute("data-code")}
    assert found.keys() == {one.code for one in (*assessment.reasons, *assessment.cautions)}
    for finding in (*assessment.reasons, *assessment.cautions):
        assert finding.describe(language) in found[finding.code]


def test_every_event_is_in_the_table_and_in_pictures_with_its_times() -> None:
    analysis = analyzed()
    page, _ = rendered(analysis, pictures=fake_pictures(analysis))
    events = find_events(analysis)
    assert [event.kind for event in events] == ["blink"] * 3
    onsets = [float(one["data-onset"] or "") for one, _ in page.with_attribute("data-onset")]
    # The eyes are open in the frame before, and shut in the first one that is shown.
    frame_s = 1 / 30
    np.testing.assert_allclose(onsets, [2.0 - frame_s, 7.5 - frame_s, 15.0 - frame_s])
    assert [event.onset for event in events] == [60, 225, 450]
    samples = [int(one["data-sample"] or "") for one, _ in page.with_attribute("data-sample")]
    for event in events:
        shown = dict(event.frames())
        assert set(shown) <= set(samples)
        assert [role for roles in shown.values() for role in roles] == [
            *("onset", "closing", "peak", "opening", "offset")
        ] or {"onset", "peak", "offset"} <= {role for roles in shown.values() for role in roles}
    assert [one["start"] for one in page.data()["events"]] == [1.9667, 7.4667, 14.9667]
    assert [one["peak"] for one in page.data()["events"]] == [2.0, 7.5, 15.0]


def test_a_blinks_duration_is_the_same_everywhere(tmp_path: Path) -> None:
    """The lids fall from frame 100, 300 and 500 on for 4 frames, are shut for 3, and rise for 4.

    Eleven frames, 0.367 s, are between the histogram's edges 0.35 and 0.40 s. The frames in which
    the lids are seen lower make up ten: 0.333 s.
    """
    ear = np.full(24 * 30, 0.3)
    for start in (100, 300, 500):
        ear[start : start + 5], ear[start + 5 : start + 7] = np.linspace(0.3, 0.05, 5), 0.05
        ear[start + 7 : start + 12] = np.linspace(0.05, 0.3, 5)
    analysis = analyzed(make_landmarks(ear, np.zeros(ear.size)))
    page, summary = rendered(analysis)
    assert summary["blink_duration_median_s"] == pytest.approx(11 / 30, abs=1e-5)
    write_analysis(tmp_path, "clip", analysis, summarize(analysis, assess(analysis), "clip.mp4"))
    with (tmp_path / "clip.blinks.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    rows = page.text.split("<tbody>")[1].split("</tbody>")[0].split("<tr ")[1:]
    cells = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in rows]
    for start, row, one in zip((100, 300, 500), cells, written, strict=True):
        assert float(one["duration_s"]) == pytest.approx(11 / 30, abs=1e-5)
        assert row[1:3] == [f"{start / 30:.2f}", "0.37"]
        assert row[6] == f"{one['onset_frame']}-{one['offset_frame']}"
        assert f"{start / 30:.2f} to {(start + 11) / 30:.2f} s" in page.text
    for start, shown in zip((100, 300, 500), page.data()["events"], strict=True):
        assert shown["start"] == pytest.approx(start / 30, abs=1e-4)
        assert shown["stop"] == pytest.approx((start + 11) / 30, abs=1e-4)
    histogram = page.data()["distributions"]["duration"]
    assert histogram["edges"][-2:] == [0.35, 0.4]
    assert histogram["counts"] == [0] * 7 + [3]


def test_the_table_shows_what_makes_a_closure_prolonged() -> None:
    """Shut for 0.4 and for 0.8 s, after lids that take 0.1 s to fall and to rise."""
    ear = np.full(24 * 30, 0.3)
    flank = np.linspace(0.3, 0.05, 4)
    for start, shut in ((100, 12), (400, 24)):
        ear[start : start + 4], ear[start + 4 + shut : start + 8 + shut] = flank, flank[::-1]
        ear[start + 4 : start + 4 + shut] = 0.05
    analysis = analyzed(make_landmarks(ear, np.zeros(ear.size)))
    page, _ = rendered(analysis)
    rows = page.text.split("<tbody>")[1].split("</tbody>")[0].split("<tr ")[1:]
    cells = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in rows]
    assert [row[0] for row in cells] == ["Blink", "Prolonged closure"]
    for row, shut_s in zip(cells, (0.4, 0.8), strict=True):
        assert float(row[3]) == pytest.approx(shut_s, abs=0.1)
        assert float(row[2]) > float(row[3]), "its duration has the flanks, too"
    assert "more than 0.5 s" in page.text
    assert "Closed for (s)" in page.text


def test_what_is_closed_for_just_over_the_limit_does_not_read_as_the_limit() -> None:
    assert _format_closed(0.5004) == "0.5004"
    assert _format_closed(0.5) == "0.50"
    assert _format_closed(math.nan) == "-"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("status", "mark"),
    [("not_suspected", "good"), ("borderline", "between"), ("suspected", "alarm")],
)
def test_the_answers_colour_mark_and_words_are_those_of_its_state(
    language: Language, status: str, mark: str
) -> None:
    page, summary = rendered(answered(status), language)
    assert summary["assessment"]["status"] == status
    (answer,) = [one for one, _ in page.with_attribute("data-value") if "answer" in str(one)]
    assert answer["class"] == f"card answer {mark}"
    words = next(text for one, text in page.with_attribute("id") if one["id"] == "answer")
    assert words == TEXTS[language][f"verdict.{status}"]
    sentence = TEXTS[language][f"because.{status}.down_range"]
    begun = page.text.split('aria-labelledby="answer"')[1].split("</section>")[0]
    assert re.search(re.sub(r"\\\{[^{}]+\\\}", ".*?", re.escape(sentence)), unescape(begun))


def test_borderline_is_amber_and_suspected_is_not() -> None:
    style = read_asset("page.css")
    amber = re.search(r"([^{}]*)\{ fill: var\(--orange\); \}", style)
    assert amber is not None
    assert "between" in amber[1]
    assert "alarm" not in amber[1]


@pytest.mark.parametrize(("language", "healthy"), [("en", "healthy 17"), ("ko", "건강인 17")])
def test_the_scale_of_blinks_has_the_published_means_and_their_sources(
    language: Language, healthy: str
) -> None:
    page, _ = rendered(analyzed(), language)
    card = page.text.split('aria-labelledby="rate"')[1].split("</section>")[0]
    # Of 340 units from 10 on for 40 a minute: 3, 12.5 and 17.
    marks = re.findall(r'class="reference" d="M([\d.]+)', card)
    assert marks == ["35.5", "116.2", "154.5"]
    for words in ("PSP 3", "12.5", healthy, "Golbe", "Bentivoglio", "Movement Disorders 4, 1989"):
        assert words in card


@pytest.mark.parametrize("status", STATUSES)
def test_everybody_can_read_it(plain_browser: Browser, tmp_path: Path, status: Status) -> None:
    """By axe: contrast, names, order; on two screens, in light and in dark colours."""
    analysis = answered(status)
    assessment = assess(analysis)
    summary = summarize(analysis, assessment, "a name that is long " * 5)
    language: Language = "ko" if status in ("suspected", "borderline") else "en"
    text = render_report(analysis, assessment, summary, fake_pictures(analysis), language)
    path = tmp_path / "report.html"
    path.write_text(text, encoding="utf-8", newline="")
    # Answers differ in their colours and words: in the short form, each is on one screen.
    widths = WIDTHS if LONG else [WIDTHS[STATUSES.index(status) % 2]]
    assert find_violations(plain_browser, path.as_uri(), widths) == []
    if LONG or status == "suspected":
        # What is dark on a screen is light on paper.
        colors = read_colors(plain_browser, path.as_uri())
        assert colors["dark", "screen"] != colors["light", "screen"]
        assert colors["dark", "print"] == colors["light", "screen"]


def test_without_the_video_the_page_says_so() -> None:
    page, _ = rendered(analyzed())
    assert page.text.count("The pictures of the eyes need the video") == 2
    assert "img" not in [tag for tag, _ in page.elements]
    analysis = analyzed()
    page, _ = rendered(analysis, pictures=fake_pictures(analysis))
    assert "The pictures of the eyes need the video" not in page.text


def test_frames_without_a_picture_are_counted() -> None:
    analysis = analyzed()
    peak = int(analysis.events.closures.peak[0])
    pictures = fake_pictures(analysis)
    del pictures[peak]
    page, _ = rendered(analysis, pictures=pictures)
    assert "1 further pictures of these events are left out" in page.text


def test_a_long_recording_with_many_blinks_stays_small_and_says_what_is_left_out() -> None:
    analysis = long_analysis(400 / 60, 330)
    assert analysis.track.times_s.size == 12_000
    assert analysis.measures.blink_count == 330
    page, _ = rendered(analysis, pictures=fake_pictures(analysis, 2500))
    assert len(page.text.encode()) <= MAX_BYTES
    assert len(page.with_attribute("data-onset")) == 330, "the table has all of them"
    pictured = [one for one in page.with_attribute("id") if "event-" in (one[0]["id"] or "")]
    assert len(pictured) - 1 == 330
    assert re.search(r"[1-9]\d* further pictures of these events are left out", page.text)
    assert len(page.data()["series"]["time"]) == 12_000

    page, _ = rendered(analysis, pictures=fake_pictures(analysis, 12_000))
    assert len(page.text.encode()) <= MAX_BYTES
    left_out = re.search(r"The pictures of the last (\d+) events are left out", page.text)
    assert left_out is not None
    pictured = [one for one in page.with_attribute("id") if "event-" in (one[0]["id"] or "")]
    assert len(pictured) - 1 == 330 - int(left_out[1])


@pytest.mark.parametrize("most", [2_000_000, 3_000_000])
def test_the_size_is_kept_whatever_else_is_large(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis = long_analysis(2.0, 60)
    monkeypatch.setattr(report, "MAX_BYTES", most)
    page, _ = rendered(analysis, pictures=fake_pictures(analysis, 9000))
    assert most - 700_000 < len(page.text.encode()) <= most
    assert "are left out" in page.text


def test_a_page_that_events_alone_make_too_large_keeps_them_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    analysis = long_analysis(2.0, 60)
    monkeypatch.setattr(report, "MAX_BYTES", 1_000_000)
    page, _ = rendered(analysis, pictures=fake_pictures(analysis, 9000))
    assert len(page.text.encode()) > 1_000_000
    assert len(page.with_attribute("data-onset")) == 60
    assert len(page.data()["corrections"]["events"]) == len(page.data()["events"]) == 60
    assert "The pictures of the last 60 events are left out" in page.text


def test_the_drawn_traces_are_the_analysis() -> None:
    landmarks = looking()
    landmarks[100:130] = np.nan
    analysis = analyzed(landmarks)
    series = rendered(analysis)[0].data()["series"]
    for name, values, by in (
        ("time", analysis.track.times_s, 1000),
        ("left", analysis.traces.geometry.ear[:, 0], 10_000),
        ("right", analysis.traces.geometry.ear[:, 1], 10_000),
        ("limit", analysis.events.baseline * analysis.parameters.close_ratio, 10_000),
        ("vertical", analysis.gaze.vertical, 10_000),
        ("horizontal", analysis.gaze.horizontal, 10_000),
        ("yaw", analysis.traces.head.yaw_deg, 10),
        ("pitch", analysis.traces.head.pitch_deg, 10),
        ("roll", analysis.traces.geometry.head_roll_deg, 10),
    ):
        drawn = np.array([np.nan if one is None else one for one in series[name]], float) / by
        np.testing.assert_allclose(drawn, values, atol=0.6 / by)
    np.testing.assert_array_equal(np.array(series["seen"], bool), analysis.traces.seen)
    np.testing.assert_array_equal(np.array(series["counted"], bool), analysis.gaze.valid)
    assert series["in_task"] == series["counted"], "without a protocol, all of it is the task"


def test_gaze_outside_of_the_phases_is_not_drawn_as_counted() -> None:
    protocol = parse_protocol([{"phase": "up", "start_s": 2, "end_s": 10}])
    analysis = analyzed(parameters=Parameters(protocol=protocol))
    series = rendered(analysis)[0].data()["series"]
    times_s, valid = analysis.track.times_s, analysis.gaze.valid
    # Clear of the ends of the phase.
    assert not np.array(series["in_task"])[(times_s < 1.9) | (times_s > 10.1)].any()
    within = (times_s > 2.1) & (times_s < 9.9)
    np.testing.assert_array_equal(np.array(series["in_task"], bool)[within], valid[within])
    np.testing.assert_array_equal(np.array(series["counted"], bool), valid)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hostile_name_is_text(language: Language) -> None:
    analysis = analyzed()
    page, _ = rendered(analysis, language, HOSTILE, fake_pictures(analysis))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 4, "data, Plotly, the page's, the report's"
    pictures = [one for tag, one in page.elements if tag == "img"]
    assert pictures
    assert all((one["src"] or "").startswith("data:image/jpeg;base64,") for one in pictures)
    assert all(not name.startswith("on") for _, one in page.elements for name in one)
    heading = next(
        text for tag, text in zip(tags, page.texts, strict=True) if tag == "h1"
    )  # as it was
    assert HOSTILE in heading


def test_it_loads_nothing() -> None:
    analysis = analyzed()
    page, _ = rendered(analysis, pictures=fake_pictures(analysis))
    policies = [one for tag, one in page.elements if one.get("http-equiv")]
    assert "default-src 'none'" in str(policies[0]["content"])
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "srcset", "poster"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:")), (tag, value)
        assert "url(" not in (attributes.get("style") or "")
    targets = {one["href"] for tag, one in page.elements if tag == "a"} - {"#main"}
    ids = {one["id"] for one, _ in page.with_attribute("id")}
    assert {str(target)[1:] for target in targets} <= ids
    assert len(ids) == len(page.with_attribute("id")), "an id twice"


def test_the_command_writes_it_and_removes_it(tmp_path: Path, clips: Path) -> None:
    from tracker.tracks.archive import load_track, save_track

    clip, out = clips / "tiny.mp4", tmp_path / "out"
    assert main(["analyze", str(clip), "--out", str(out)]) == 0
    made = (out / "tiny.report.html").read_text(encoding="utf-8")
    summary = json.loads((out / "tiny.summary.json").read_text(encoding="utf-8"))
    assert summary["video_sha256"] in made
    assert "data:image/jpeg" in made or "No blink" in made
    assert '<html lang="en">' in made

    track = out / "tiny.track.npz"
    assert main(["reanalyze", str(track), "--out", str(out), "--lang", "ko"]) == 0
    again = (out / "tiny.report.html").read_text(encoding="utf-8")
    assert '<html lang="ko">' in again
    assert summary["video_sha256"] in again
    assert "눈 사진에는 영상이 필요하지만" in again

    assert main(["reanalyze", str(track), "--out", str(out), "--no-report"]) == 0
    assert not (out / "tiny.report.html").exists()

    # A name that a file system allows and HTML does not.
    hostile = tmp_path / "<img src=x onerror=alert(1)>.track.npz"
    save_track(load_track(track), hostile)
    assert main(["reanalyze", str(hostile), "--out", str(out)]) == 0
    written = (out / "<img src=x onerror=alert(1)>.report.html").read_text(encoding="utf-8")
    assert "<img src=x" not in written


def test_blinks_cut_by_a_lost_face_say_that_their_end_was_not_seen() -> None:
    landmarks = looking(24.0, (5.0,))
    landmarks[153:170] = np.nan
    analysis = analyzed(landmarks)
    assert (analysis.events.closures.kind == BLINK).sum() == 1
    page, _ = rendered(analysis, pictures=fake_pictures(analysis))
    assert "end not seen" in page.text
    event = find_events(analysis)[0]
    assert event.offset == 152
    assert event.offset_s == pytest.approx(152 / 30)
    # As in the table: the second one is the first frame after it.
    assert re.search(r"<td[^>]*>(\d+-153)</td>", page.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_and_no_value_of_the_summary_is_code(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_texts(monkeypatch)
    protocol = parse_protocol(
        [
            {"phase": "fixate", "start_s": 0, "end_s": 1},
            {"phase": "up", "start_s": 2, "end_s": 10},
        ]
    )
    usual, nobody = analyzed(), analyzed(np.full_like(looking(12.0), np.nan))
    for analysis in (usual, nobody, analyzed(parameters=Parameters(protocol=protocol))):
        assessment = assess(analysis)
        summary = replace(
            summarize(analysis, assessment, ATTACK), video_sha256=ATTACK, version=ATTACK
        )
        for pictures in (None, fake_pictures(analysis)):
            html = render_report(analysis, assessment, summary, pictures, language)
            assert_harmless(html, script_count=4)
