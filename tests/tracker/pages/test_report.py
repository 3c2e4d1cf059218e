"""The report: its numbers are the summary's, nothing of its input is code, nothing is hidden."""

import ast
import inspect
import json
import math
import re
import string
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernels import BLINK
from tests.made_tracks import blink, make_landmarks, make_track
from tests.tracker.measures.test_gates import GATES, Gate, codes_in_the_source
from tracker.cli.main import main
from tracker.files.summary import summarize
from tracker.measures.analysis import Analysis, analyze_track
from tracker.measures.assessment import assess
from tracker.pages import report
from tracker.pages.report import (
    FIELDS,
    LIGHTS,
    MAX_BYTES,
    PROVENANCE_FIELDS,
    grade_light,
    render_report,
)
from tracker.pages.selection import (
    EXTREME_APART_S,
    choose_samples,
    count_distributions,
    find_events,
    find_extremes,
)
from tracker.parameters import Parameters
from tracker.protocol import parse_protocol
from tracker.words import en as texts
from tracker.words import ko as korean
from tracker.words import patient
from tracker.words.en import ENGLISH, LANGUAGES, Language, write

FPS = 30.0
HOSTILE = "<img src=x onerror=alert(1)>\"'&</script><script>alert(2)</script>.mp4"


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
        for place in self._open:
            self.texts[place] += data

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


# Numbers


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_is_the_summarys(language: Language) -> None:
    page, summary = rendered(analyzed(), language)
    shown = page.with_attribute("data-field")
    assert len(shown) > 80
    for attributes, text in shown:
        value = lookup(summary, attributes["data-field"] or "")
        values = value if isinstance(value, list) else [value]
        expected = " ".join("" if one is None else str(one) for one in values)
        assert attributes["data-value"] == expected
        if not any(isinstance(one, float) for one in values):
            continue
        # What is read is the number itself, to three digits or more.
        read = [float(one) for one in re.findall(r"-?\d+\.?\d*(?:e[+-]\d+)?", text)]
        for one in values:
            assert any(math.isclose(one, number, rel_tol=6e-3, abs_tol=1e-3) for number in read), (
                attributes,
                text,
            )


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


def test_the_whole_summary_is_shown() -> None:
    """But for what is shown otherwise: words, phases, file, version, hash."""
    _, summary = rendered(analyzed())

    def leaves(value: Any, name: str) -> set[str]:
        if isinstance(value, dict):
            return {leaf for key, one in value.items() for leaf in leaves(one, f"{name}.{key}")}
        return {name.removeprefix(".")}

    fields = {field for group in FIELDS.values() for field in group} | set(PROVENANCE_FIELDS)
    otherwise = {
        *("source", "video_sha256", "version", "note", "psp_suspected", "psp_rule_reason"),
        *("phases", "parameters.protocol", "vertical_saccade_reason", "primary_position_reason"),
    }
    left = leaves(summary, "") - fields - otherwise
    assert {name for name in left if not name.startswith("assessment.")} == set()
    assert fields <= leaves(summary, "")


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


# Quality


def test_every_finding_belongs_to_a_light() -> None:
    codes = {code for light in LIGHTS for code in light.codes}
    assert codes == codes_in_the_source() - {"borderline"}


@pytest.mark.parametrize(
    "gate",
    [gate for gate in GATES if gate.code != "borderline"],
    ids=lambda gate: " ".join((gate.code, gate.kind, gate.name)).strip(),
)
def test_lights_follow_the_gates(gate: Gate) -> None:
    inside, outside = assess(gate.make(gate.inside)), assess(gate.make(gate.outside))
    for light in LIGHTS:
        if gate.code not in light.codes:
            continue
        assert grade_light(light, outside, True) in ("bad", "caution")
        assert grade_light(light, outside, False) in ("bad", "caution")
        if gate.kind == "reason":
            assert grade_light(light, outside, True) == "bad"
        if inside.status != "not_assessable":
            assert grade_light(light, inside, True) in ("good", "caution")


def test_what_was_not_judged_is_not_good() -> None:
    nobody = assess(analyzed(np.full_like(looking(12.0), np.nan)))
    grades = {light.name: grade_light(light, nobody, True) for light in LIGHTS}
    assert grades["face"] == "bad"
    assert {name for name, grade in grades.items() if grade == "good"} == {"video"}
    short = assess(analyzed(looking(6.0, ())))
    grades = {light.name: grade_light(light, short, True) for light in LIGHTS}
    assert {name for name, grade in grades.items() if grade == "unknown"} == {"lids", "task"}
    good = assess(analyzed())
    assert {grade_light(light, good, True) for light in LIGHTS} == {"good"}
    assert grade_light(LIGHTS[0], good, False) == "unknown"


@pytest.mark.parametrize("language", LANGUAGES)
def test_findings_are_there_in_words(language: Language) -> None:
    analysis = analyzed(looking(6.0, ()))
    assessment = assess(analysis)
    page, _ = rendered(analysis, language)
    found = {one["data-code"]: text for one, text in page.with_attribute("data-code")}
    assert found.keys() == {one.code for one in (*assessment.reasons, *assessment.cautions)}
    for finding in (*assessment.reasons, *assessment.cautions):
        assert finding.describe(language) in found[finding.code]


# Evidence


def test_every_event_is_in_the_table_and_in_pictures_with_its_times() -> None:
    analysis = analyzed()
    page, _ = rendered(analysis, pictures=fake_pictures(analysis))
    events = find_events(analysis)
    assert [event.kind for event in events] == ["blink"] * 3
    onsets = [float(one["data-onset"] or "") for one, _ in page.with_attribute("data-onset")]
    np.testing.assert_allclose(onsets, [2.0, 7.5, 15.0])
    samples = [int(one["data-sample"] or "") for one, _ in page.with_attribute("data-sample")]
    for event in events:
        shown = dict(event.frames())
        assert set(shown) <= set(samples)
        assert [role for roles in shown.values() for role in roles] == [
            *("onset", "closing", "peak", "opening", "offset")
        ] or {"onset", "peak", "offset"} <= {role for roles in shown.values() for role in roles}
    assert [one["start"] for one in page.data()["events"]] == [2.0, 7.5, 15.0]


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


def test_roles_of_a_short_event_are_told_once() -> None:
    landmarks = looking(12.0, ())
    ear = np.full(len(landmarks), 0.3)
    blink(ear, 60, 2)
    events = find_events(analyzed(make_landmarks(ear, 0.0)))
    assert [(sample, roles) for sample, roles in events[0].frames()] == [
        (60, ["onset", "peak"]),
        (61, ["opening"]),
        (62, ["offset"]),
    ]


def test_extremes_are_frames_at_the_ends_of_the_range() -> None:
    analysis = analyzed()
    extremes = find_extremes(analysis, None)
    vertical, times_s = analysis.gaze.vertical, analysis.track.times_s
    low, high = np.percentile(vertical[analysis.gaze.valid], [5, 95])
    assert extremes["up"].offset == pytest.approx(low)
    assert extremes["down"].offset == pytest.approx(high)
    assert extremes["down"].offset - extremes["up"].offset == pytest.approx(
        analysis.measures.vertical_peak_to_peak
    )
    for extreme in extremes.values():
        assert len(extreme.samples) >= 1
        assert analysis.gaze.valid[extreme.samples].all()
        np.testing.assert_allclose(vertical[extreme.samples], extreme.offset, atol=0.016)
        assert (np.diff(times_s[extreme.samples]) >= EXTREME_APART_S).all()
    only = find_extremes(analysis, {int(np.flatnonzero(analysis.gaze.valid)[5])})
    assert [len(one.samples) for one in only.values()] == [1, 1, 1]


def test_extremes_are_those_of_the_protocols_phases() -> None:
    protocol = parse_protocol([{"phase": "up", "start_s": 2, "end_s": 10}])
    analysis = analyzed(parameters=Parameters(protocol=protocol))
    extremes = find_extremes(analysis, None)
    assert extremes["down"].offset < -0.07, "looking down comes after the phase"
    page, _ = rendered(analysis)
    assert page.data()["phases"] == [{"name": "up", "start": 2, "stop": 10}]


def long_analysis(minutes: float, blinks: int) -> Analysis:
    count = round(60 * minutes * FPS)
    rng = np.random.default_rng(5)
    ear = np.full(count, 0.3) + rng.normal(0, 0.004, count)
    for start in np.linspace(100, count - 100, blinks).astype(int):
        blink(ear, start, 4, 0.05 + 0.03 * rng.random())
    return analyzed(make_landmarks(ear, 0.05 * np.sin(np.arange(count) / 40)))


def test_thinned_traces_keep_every_blink_and_every_extreme() -> None:
    analysis = long_analysis(12, 250)
    samples = choose_samples(analysis, 4000)
    count = analysis.track.times_s.size
    assert samples.size < 6000 < count
    assert (np.diff(samples) > 0).all()
    kept = set(samples.tolist())
    for event in find_events(analysis):
        assert {event.onset, event.peak, event.offset} <= kept
    traces = (*analysis.traces.geometry.ear.T, analysis.gaze.vertical, analysis.gaze.horizontal)
    for start in range(0, count - 200, 200):
        for trace in traces:
            # Within any stretch of five bins nothing sticks out that is not drawn.
            inside = samples[(samples >= start) & (samples < start + 200)]
            assert np.ptp(trace[inside]) >= 0.5 * np.ptp(trace[start : start + 200])
    for trace in traces:
        assert np.nanmin(trace[samples]) == np.nanmin(trace)
        assert np.nanmax(trace[samples]) == np.nanmax(trace)
    np.testing.assert_array_equal(choose_samples(analysis, count), np.arange(count))


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


def test_distributions_count_everything() -> None:
    analysis = analyzed()
    histograms = count_distributions(analysis)
    assert histograms["vertical"].counts.sum() == analysis.gaze.valid.sum()
    assert histograms["duration"].counts.sum() == 3
    assert histograms["interval"].counts.sum() == 2
    np.testing.assert_allclose(histograms["interval"].edges[-1], 7.5)
    np.testing.assert_allclose(histograms["duration"].edges[:2], [0, 0.05])
    assert count_distributions(analyzed(np.full_like(looking(2.0), np.nan))) == {}


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


# Safety


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


# Words


def placeholders(text: str) -> list[tuple[str, str | None]]:
    return sorted(
        (name, form) for _, name, form, _ in string.Formatter().parse(text) if name is not None
    )


def test_every_text_is_there_in_korean_with_the_same_numbers() -> None:
    assert korean.KOREAN.keys() == ENGLISH.keys()
    for key, text in ENGLISH.items():
        assert placeholders(korean.KOREAN[key]) == placeholders(text), key
    assert korean.PATIENT.keys() == {*patient.SENTENCES, "done", "next"}
    untranslated = {"report.interval_short", "report.light.sharpness.value"}
    untranslated |= {"report.definition.picture"}
    for key, text in korean.KOREAN.items():
        assert re.search("[가-힣]", text) or key in untranslated, key


def test_every_finding_has_its_texts_and_every_text_is_used() -> None:
    used = set()
    for module in (report, inspect.getmodule(assess)):
        for node in ast.walk(ast.parse(inspect.getsource(module))):  # type: ignore[arg-type]
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
    codes = {key.split(".")[1] for key in ENGLISH if key.startswith("finding.")}
    assert codes == codes_in_the_source()
    for key in ENGLISH:
        if key.startswith("finding.") and key.count(".") == 2:
            assert key.split(".")[2] in used, key


@pytest.mark.parametrize(
    "gate", GATES, ids=lambda gate: " ".join((gate.code, gate.kind, gate.name)).strip()
)
def test_findings_say_the_same_numbers_in_both_languages(gate: Gate) -> None:
    assessment = assess(gate.make(gate.outside))
    for finding in (*assessment.reasons, *assessment.cautions):
        english, other = finding.describe("en"), finding.describe("ko")
        for name, value in finding.values.items():
            form = dict(placeholders(ENGLISH[_key(finding)]))[name]
            number = format(value, form or "")
            assert number in english
            assert number in other
    said = assessment.describe("ko")
    assert re.search("[가-힣]", said)
    assert assessment.describe("en") == assessment.rule_reason
    assert re.search("[가-힣]", assessment.describe_for_patient("ko"))


def _key(finding: Any) -> str:
    return ".".join(("finding", finding.code, *([finding.variant] if finding.variant else [])))


def test_a_missing_number_is_called_so() -> None:
    for language, word in (("en", "not measurable"), ("ko", "측정 불가")):
        assert word in write(language, "finding.looked_aside", range=math.nan)  # type: ignore[arg-type]


def test_texts_load_nothing_heavy() -> None:
    names = {
        alias.name
        for node in ast.walk(ast.parse(inspect.getsource(texts)))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert names <= {"math", "string"}


# Files


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
    assert find_events(analysis)[0].offset == 152
