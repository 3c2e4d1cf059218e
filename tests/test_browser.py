"""The web client and the reports in the machine's Chromium: what a person does, sees and hears."""

import base64
import csv
import io
import json
import math
import re
import shutil
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import requests
from playwright.sync_api import Browser, Page, Route, expect

from handler.errors import HandlerError
from handler.keys import check_user_id
from tests.browsing import (
    CLIP_S,
    EXTENDED_SHARE,
    ONSETS_S,
    SCREENS,
    TASK,
    Visit,
    assert_it_fits,
    choose,
    configure,
    is_kept,
    is_reviewed,
    is_shown,
    is_true,
    keep_recorded,
    open_app,
    read_mark,
    read_recorded,
    shorten,
    until,
    watch_prompts,
)
from tests.lengths import thin
from tracker.cli.main import main
from tracker.face.mesh import FaceMesh
from tracker.face.region import REGION_SCALE
from tracker.lab.clip_spec import (
    make_spec,
)
from tracker.lab.drawing import render_frame
from tracker.protocol import PAUSE_S, plan_protocol
from tracker.video.frames import Image


@pytest.fixture
def url(page_server: str) -> str:
    return page_server


# Recording, sending, the result


def record_only(page: Page, kind: str) -> None:
    """Have the page, which is still to be opened, record in this format, as some browsers do."""
    page.add_init_script(
        "const supported = MediaRecorder.isTypeSupported;"
        f"MediaRecorder.isTypeSupported = (type) => type.startsWith('{kind}') && supported(type);"
    )


# In the short form, the extended task is recorded in the other format.
@pytest.mark.parametrize(
    ("screen", "kind"),
    [
        pytest.param("desktop", "video/mp4", id="mp4"),
        pytest.param("phone", "video/webm", id="webm", marks=pytest.mark.long),
    ],
)
def test_the_task_is_recorded_sent_and_analysed(
    chromium: Browser, url: str, screen: str, kind: str
) -> None:
    visit = Visit(chromium, screen, reduced_motion="no-preference")
    page = visit.page
    shorten(page)
    keep_recorded(page)
    record_only(page, kind)
    asked: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda one: asked.append(one.post_data_json) if one.url.endswith("/uploads") else None,
    )
    page.goto(f"{url}/app")
    page.fill("#participant", "P-017")
    watch_prompts(page)
    page.click("#record")
    is_shown(page, "camera")
    expect(page.locator("#hint")).to_have_text("Good position")
    page.click("#begin")
    is_reviewed(page)
    prompts, late_s = page.evaluate("[window.prompts, window.late_s]")
    assert [(one["words"], one["fits"]) for one in prompts] == [
        (words, True) for words in ("Get ready", "Look at the camera", "Look up", "Look down")
    ]
    assert page.evaluate("document.getElementById('preview').srcObject") is None
    recorded = read_recorded(page)
    page.click("#send")
    is_shown(page, "result")
    # The patient reads no verdict; the clinician opens it.
    assert "suspicion" not in page.inner_text("main")
    with visit.context.expect_page() as opening:
        page.click("#report")
    report = opening.value
    visit.watch(report)
    expect(report.locator("#answer")).to_be_visible()
    assert_it_fits(report)
    # Its scripts run, but in nobody's name: what they could ask the API is nothing.
    assert report.evaluate("self.origin") == "null"
    expect(report.locator("#plot-traces .main-svg").first).to_be_visible()
    visit.end()

    (request,) = asked
    assert request["user_id"] == "P-017"
    assert request["content_type"] == kind
    assert (request["report"], request["lang"]) == (True, "en")
    protocol = request["parameters"]["protocol"]
    assert [one["phase"] for one in protocol] == [phase for phase, _ in TASK]
    assert protocol[0]["start_s"] == 0
    assert_lengths(protocol, [seconds for _, seconds in TASK], late_s)

    (analysis,) = requests.get(
        f"{url}/analyses", {"user_id": "P-017", "limit": 1}, timeout=60
    ).json()["analyses"]
    reported = requests.get(f"{url}/status/{analysis['analysis_id']}", timeout=60).json()
    summary = reported["summary"]
    assert summary["task"] == "protocol"
    assert summary["video_meta"]["time_source"] == "stream"
    assert summary["quality"]["face_coverage"] == 1.0
    with Path(reported["blinks_path"]).open() as file:
        onsets_s = [float(row["onset_s"]) for row in csv.DictReader(file)]
    times_s, clip_s = read_camera(recorded)
    # The video ends with the last phase; the last pictures are missing where the machine is busy.
    missing_s = protocol[-1]["end_s"] - summary["duration_sec_est"]
    assert -0.15 < missing_s < max(0.5, 2 * np.diff(times_s).max())
    # A blink is found where the recording shows it, late as the camera may be on a busy machine.
    assert len(onsets_s) >= 3
    shown = list_shown(times_s, clip_s)
    for one in shown:
        if one.gap_s < 0.1:
            assert np.abs(np.array(onsets_s) - one.onset_s).min() < 0.05 + one.gap_s
    for onset_s in onsets_s[onsets_s[0] < 0.3 :]:
        assert any(abs(one.onset_s - onset_s) < 0.05 + one.gap_s for one in shown), onset_s


def assert_lengths(protocol: list[dict[str, Any]], lengths_s: list[float], late_s: float) -> None:
    """Check how long each phase took: no shorter than asked for, longer by the clock's lateness."""
    for one, length_s in zip(protocol, lengths_s, strict=True):
        too_long_s = one["end_s"] - one["start_s"] - length_s
        assert -0.002 < too_long_s < max(0.15, 0.05 + late_s), one["phase"]


def read_camera(recorded: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the times of a recording's pictures, and when each of them is in the camera's clip."""
    with av.open(io.BytesIO(recorded)) as container:
        frames = list(container.decode(video=0))
    clip_s = [read_mark(frame.to_ndarray(format="gray")) for frame in frames]
    return np.array([frame.time for frame in frames]), np.array(clip_s)


@dataclass(frozen=True)
class ShownBlink:
    """A blink in a recording: when it begins, and the longest time without a picture around it.

    If the recording does not show all of it, that time is infinite.
    """

    onset_s: float
    gap_s: float


def list_shown(times_s: np.ndarray, clip_s: np.ndarray) -> list[ShownBlink]:
    """Return the blinks that the pictures of these times, which are from the clip's, show."""
    clip_s = np.unwrap(clip_s, period=CLIP_S)
    shown = []
    for cycle, onset_s in product(range(int(clip_s[-1] // CLIP_S) + 1), ONSETS_S):
        in_clip_s = onset_s + cycle * CLIP_S
        if clip_s[0] < in_clip_s < clip_s[-1]:
            first, last = np.searchsorted(clip_s, (in_clip_s - 0.3, in_clip_s + 0.6))
            is_whole = first > 0 and last < clip_s.size
            gap_s = np.diff(times_s[first - 1 : last + 1]).max() if is_whole else math.inf
            shown.append(ShownBlink(float(np.interp(in_clip_s, clip_s, times_s)), float(gap_s)))
    return shown


def test_the_extended_task_is_recorded_sent_and_analysed(chromium: Browser, url: str) -> None:
    visit = Visit(chromium, "phone")
    page = visit.page
    shorten(page)
    record_only(page, "video/webm")
    page.goto(f"{url}/app")
    is_shown(page, "start")
    asked: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda one: asked.append(one.post_data_json) if one.url.endswith("/uploads") else None,
    )
    watch_prompts(page)
    page.check("#task-extended")
    page.click("#record")
    is_shown(page, "camera")
    expect(page.locator("#note-task")).to_contain_text("in 5 parts")
    page.click("#begin")
    expect(page.locator("section#review")).to_be_visible(timeout=180_000 * EXTENDED_SHARE + 60_000)
    prompts, late_s = page.evaluate("[window.prompts, window.late_s]")
    said = [(one["part"], one["words"]) for one in prompts]
    assert all(one["fits"] for one in prompts)
    page.click("#send")
    expect(page.locator("section#result")).to_be_visible(timeout=60_000 + 600_000 * EXTENDED_SHARE)
    analysis_id = page.inner_text("#analysis-id")
    with visit.context.expect_page() as opening:
        page.click("#report")
    report = opening.value
    visit.watch(report)
    expect(report.locator("#answer")).to_be_visible()
    assert_it_fits(report)
    visit.end()

    turns = [("Part 2 of 5", "Look up"), ("Part 2 of 5", "Look down")] * 4
    sides = [("Part 3 of 5", "Look left"), ("Part 3 of 5", "Look right")] * 4
    assert said == [
        ("", "Get ready"),
        ("Part 1 of 5", "Look at the camera"),
        ("Part 2 of 5", "Next: look up and down in turn"),
        *turns,
        ("Part 3 of 5", "Next: look left and right in turn"),
        *sides,
        ("Part 4 of 5", "Next: look up and stay there, then down"),
        ("Part 4 of 5", "Look up"),
        ("Part 4 of 5", "Look down"),
        ("Part 5 of 5", "Next: one minute of rest"),
        ("Part 5 of 5", "Rest: look where you like, blink as you like"),
    ]
    (request,) = asked
    assert request["content_type"] == "video/webm"
    assert request["parameters"]["task"] == "extended"
    protocol = request["parameters"]["protocol"]
    plan = plan_protocol("extended")
    assert [one["phase"] for one in protocol] == [one.phase for one in plan]
    assert_lengths(protocol, [EXTENDED_SHARE * (one.end_s - one.start_s) for one in plan], late_s)
    # The pauses are in the recording, and in no phase.
    pause = {"phase": "pause", "start_s": protocol[0]["end_s"], "end_s": protocol[1]["start_s"]}
    assert_lengths([pause], [EXTENDED_SHARE * PAUSE_S], late_s)
    # The last instruction is the minute of rest, which begins in the middle of the task. The bar
    # moves twice a second.
    bars_s = [one["bar_s"] for one in prompts]
    assert bars_s == sorted(bars_s)
    assert bars_s[0] == 0
    assert plan[-1].start_s / plan[-1].end_s == pytest.approx(64 / 124)
    assert -0.55 - late_s < bars_s[-1] - protocol[-1]["start_s"] <= 0
    summary = requests.get(f"{url}/status/{analysis_id}", timeout=60).json()["summary"]
    assert summary["parameters"]["task"] == "extended"
    assert len(summary["phases"]) == len(plan)
    assert summary["sampling"]["largest_step"] == 1
    assert not summary["partial"]


def test_the_protocols_times_count_from_the_videos_beginning(chromium: Browser, url: str) -> None:
    """The camera shows a clock in binary: the video tells which of its times was when."""
    visit = Visit(chromium)
    page = visit.page
    shorten(page, [("fixate", 0.6), ("up", 0.8), ("down", 0.8)])
    page.add_init_script(
        """
        navigator.mediaDevices.getUserMedia = async () => {
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [640, 120];
          const pen = canvas.getContext("2d");
          const stream = canvas.captureStream(0);
          setInterval(() => {
            const now = Math.round(performance.now());
            for (let bit = 0; bit < 20; bit += 1) {
              pen.fillStyle = (now >> bit) & 1 ? "#fff" : "#000";
              pen.fillRect(32 * bit, 0, 32, 120);
            }
            stream.getVideoTracks()[0].requestFrame();
          }, 33);
          return stream;
        };
        // As on a busy machine, where it is late.
        Object.defineProperty(MediaRecorder.prototype, "onstart", {
          set(told) { this.addEventListener("start", () => setTimeout(told, 400)); },
        });
        """
    )
    keep_recorded(page)
    asked: list[Any] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.post_data_json["parameters"]["protocol"])
        route.abort()

    page.route("**/uploads", refuse)
    page.goto(f"{url}/app")
    is_shown(page, "start")
    watch_prompts(page)
    page.click("#record")
    page.click("#begin")
    is_reviewed(page)
    prompts_ms = {one["words"]: 1000 * one["at_s"] for one in page.evaluate("window.prompts")}
    content = read_recorded(page)
    page.click("#send")
    is_shown(page, "failed")
    visit.end("net::ERR_FAILED", "/uploads")

    begun_ms = []
    with av.open(io.BytesIO(content)) as container:
        for frame in container.decode(video=0):
            bits = frame.to_ndarray(format="gray")[60, 16::32] > 127
            shown_ms = sum(1 << int(bit) for bit in np.flatnonzero(bits))
            begun_ms.append(shown_ms - 1000 * frame.time)
    assert len(begun_ms) > 30
    # A picture that is taken late seems to be from a video that began earlier.
    half = len(begun_ms) // 2
    early_ms, late_ms = (np.percentile(one, 90) for one in (begun_ms[:half], begun_ms[half:]))
    assert abs(early_ms - late_ms) < 20, "one clock, one video"
    (protocol,) = asked
    for phase, words in (("up", "Look up"), ("down", "Look down")):
        (start_s,) = [one["start_s"] for one in protocol if one["phase"] == phase]
        in_video_s = (prompts_ms[words] - np.percentile(begun_ms, 90)) / 1000
        assert start_s == pytest.approx(in_video_s, abs=0.02)


def test_a_video_is_chosen_sent_and_analysed(chromium: Browser, url: str, clips: Path) -> None:
    visit = open_app(chromium, url, locale="ko-KR")
    page = visit.page
    assert page.evaluate("document.documentElement.lang") == "ko"
    with page.expect_file_chooser() as chooser:
        page.click("#choose")
    chooser.value.set_files(clips / "short.mp4")
    is_shown(page, "review")
    assert "short.mp4" in page.inner_text("#review-text")
    page.click("#english")
    assert "short.mp4" in page.inner_text("#review-text")
    page.click("#korean")
    page.click("#send")
    is_shown(page, "result")
    analysis_id = page.inner_text("#analysis-id")
    reported = requests.get(f"{url}/status/{analysis_id}", timeout=60).json()
    assert reported["summary"]["task"] != "protocol"
    assert page.locator("#message").get_attribute("lang") == "ko"
    assert page.inner_text("#message") == reported["patient_message"]
    page.click("#again")
    is_shown(page, "start")
    visit.end()


# Reports, from disk


@pytest.fixture(scope="module")
def folder(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of which `eye-tracker analyze` made a report in each language."""
    folder = tmp_path_factory.mktemp("reports")
    recordings = folder / "recordings"
    recordings.mkdir()
    shutil.copy(clips / "short.mp4", recordings / "first.mp4")
    (recordings / "broken.mp4").write_bytes(b"no video")
    for language, source, code in (
        ("en", recordings, 3),
        ("ko", recordings / "first.mp4", 0),
    ):
        out = ["--out", str(folder / language)]
        assert main(["analyze", str(source), "--lang", language, *out]) == code
    return folder


@pytest.mark.parametrize(("screen", "language"), [("desktop", "en"), ("phone", "ko")])
def test_a_report_opens_from_disk(
    chromium: Browser, folder: Path, screen: str, language: str
) -> None:
    visit = Visit(chromium, screen, offline=True)
    page = visit.page
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    path = folder / language / "first.report.html"
    page.goto(path.as_uri())
    assert {one for one in asked if not one.startswith("data:")} == {path.as_uri()}
    assert page.evaluate("document.documentElement.lang") == language
    summary = json.loads((folder / language / "first.summary.json").read_text())
    # The answer is on the first screen.
    expect(page.locator("#answer")).to_be_in_viewport()
    answer = page.locator('[data-field="assessment.status"]')
    assert answer.get_attribute("data-value") == summary["assessment"]["status"]
    measured = page.locator('[data-field="vertical_peak_to_peak"]').first
    assert float(measured.get_attribute("data-value") or "nan") == pytest.approx(
        summary["vertical_peak_to_peak"], rel=1e-5
    )

    def shown_s() -> list[float]:
        found: list[float] = page.evaluate(
            "document.getElementById('plot-traces').layout.xaxis.range.map(Number)"
        )
        return found

    # A blink in the table leads to where it is in the traces, by the mouse and by the keyboard.
    with (folder / language / "first.blinks.csv").open() as file:
        onsets_s = [float(row["onset_s"]) for row in csv.DictReader(file)]
    rows = page.locator("#event-table tbody tr")
    assert rows.count() == len(onsets_s) > 1
    whole_s = shown_s()
    assert whole_s[1] - whole_s[0] == pytest.approx(summary["duration_sec_est"], abs=0.2)
    rows.nth(1).click()
    expect(page.locator("#plot-traces")).to_be_in_viewport()
    until(page, lambda: shown_s() != whole_s)
    start_s, stop_s = shown_s()
    assert start_s < onsets_s[1] < stop_s
    assert stop_s - start_s < 0.7 * (whole_s[1] - whole_s[0])
    rows.nth(0).locator("button").focus()
    page.keyboard.press("Enter")
    until(page, lambda: shown_s() != [start_s, stop_s])
    start_s, stop_s = shown_s()
    assert start_s <= onsets_s[0] < stop_s
    page.locator('[data-do="all"]').click()
    until(page, lambda: shown_s() == whole_s)
    # Each blink shows the eyes that it comes from.
    is_drawn = "(one) => one.complete && one.naturalWidth > 0"
    for index in range(len(onsets_s)):
        image = page.locator(f"#event-{index + 1} img").first
        image.scroll_into_view_if_needed()
        until(page, lambda image=image: image.evaluate(is_drawn))
    visit.end()


@pytest.mark.parametrize("screen", thin([*SCREENS][::-1], 2))
def test_a_cohorts_page_leads_to_its_reports(chromium: Browser, folder: Path, screen: str) -> None:
    visit = Visit(chromium, screen, offline=True)
    page = visit.page
    page.goto((folder / "en" / "cohort.html").as_uri())
    assert_it_fits(page)
    expect(page.locator("body")).to_contain_text("broken.mp4")
    expect(page.locator("body")).to_contain_text("not a video file")
    page.get_by_role("link", name="first.mp4").first.click()
    expect(page.locator("#answer")).to_be_in_viewport()
    assert page.url == (folder / "en" / "first.report.html").as_uri()
    visit.end()


# What does not work


def test_an_upload_that_breaks_off_is_sent_again(chromium: Browser, url: str, clips: Path) -> None:
    visit = open_app(chromium, url)
    page = visit.page
    upload = re.compile("/uploads/.")
    page.route(upload, lambda route: route.abort("connectionreset"), times=1)
    choose(page, clips / "tiny.mp4")
    page.click("#send")
    is_shown(page, "failed")
    expect(page.locator("#status")).to_contain_text("did not arrive")
    page.click("#retry")
    is_shown(page, "result")
    visit.end("ERR_CONNECTION_RESET", "/uploads/")


def test_an_upload_is_cancelled(chromium: Browser, url: str, clips: Path) -> None:
    visit = open_app(chromium, url)
    page = visit.page
    held: list[Route] = []
    page.route(re.compile("/uploads/."), lambda route: held.append(route))
    choose(page, clips / "tiny.mp4")
    page.click("#send")
    expect(page.locator("#working-title")).to_have_text("Sending")
    until(page, lambda: held)
    # Not only hidden: it is no longer sent.
    with page.expect_event("requestfailed", lambda request: "/uploads/" in request.url):
        page.click("#cancel")
    is_shown(page, "review")
    expect(page.locator("#status")).to_have_text("What was sent is deleted.")
    visit.end("/uploads/")


def wait_shorter(page: Page, selector: str, words: str) -> None:
    """Wait for a text, with the page's clock, which is a made one, put forward again and again."""

    def is_said() -> bool:
        page.clock.fast_forward(2500)
        return words in page.inner_text(selector)

    until(page, is_said)


def test_what_is_cancelled_is_deleted(chromium: Browser, url: str, clips: Path) -> None:
    visit = open_app(chromium, url)
    page = visit.page
    page.route(re.compile("/status/"), lambda route: route.fulfill(json={"status": "queued"}))
    choose(page, clips / "short.mp4")
    with page.expect_response(lambda one: one.url.endswith("/uploads")) as offered:
        page.click("#send")
    expect(page.locator("#working-title")).to_have_text("Waiting for the analysis")
    page.click("#cancel")
    expect(page.locator("#status")).to_have_text("What was sent is deleted.")
    answer = offered.value.json()
    assert requests.get(url + answer["status_url"], timeout=60).status_code == 404
    # If it cannot be deleted, the page says so.
    page.route(re.compile("/analyses/"), lambda route: route.abort())
    page.click("#send")
    expect(page.locator("#working-title")).to_have_text("Waiting for the analysis")
    page.clock.install()
    page.click("#cancel")
    wait_shorter(page, "#review-text", "could not be deleted")
    # The next time that the page is opened, it tries again.
    page.unroute(re.compile("/analyses/"))
    with page.expect_response(lambda one: one.request.method == "DELETE") as deleted:
        page.reload()
    assert deleted.value.status == 204
    assert (
        requests.get(f"{url}/status/{deleted.value.url.split('/')[-1]}", timeout=60).status_code
        == 404
    )
    visit.end("/analyses/", "net::ERR_FAILED", "AbortError", "/status/")


def test_a_token_says_who_it_is(chromium: Browser, url: str, clips: Path) -> None:
    visit = Visit(chromium)
    page = visit.page
    configure(page, consent=None, needs_token=True)
    asked: list[Any] = []

    def answer(route: Route) -> None:
        asked.append((route.request.headers.get("authorization"), route.request.post_data_json))
        route.fulfill(status=401, json={"error": "x", "code": "unauthorized"})

    page.route("**/uploads", answer)
    page.goto(f"{url}/app")
    expect(page.locator("#participant")).to_be_hidden()
    page.fill("#token", "a.b.c")
    choose(page, clips / "tiny.mp4")
    page.click("#send")
    is_shown(page, "failed")
    expect(page.locator("#failed-text")).to_contain_text("access token")
    ((header, body),) = asked
    assert header == "Bearer a.b.c"
    assert "user_id" not in body
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    visit.end("/uploads", "401")


def test_without_consent_nothing_is_recorded_or_sent(
    chromium: Browser, url: str, clips: Path
) -> None:
    visit = Visit(chromium)
    page = visit.page
    page.goto(f"{url}/app")
    expect(page.locator("#consent-text")).to_contain_text("I agree that a video of my face")
    page.click("#record")
    expect(page.locator("#consent-error")).to_contain_text("Please agree first")
    expect(page.locator("#consent")).to_be_focused()
    is_hidden = page.evaluate("document.getElementById('camera').hidden")
    assert is_hidden
    page.click("#korean")
    expect(page.locator("#consent-text")).to_contain_text("동의합니다")
    expect(page.locator("#consent-error")).to_contain_text("동의")
    page.check("#consent")
    choose(page, clips / "tiny.mp4")
    with page.expect_response(lambda one: one.url.endswith("/uploads")) as offered:
        page.click("#send")
    is_shown(page, "result")
    status_url = offered.value.json()["status_url"]
    reported = requests.get(url + status_url, timeout=60).json()
    assert (reported["consent"], reported["file_name"]) == ("2", "tiny.mp4")
    visit.end()


def test_a_service_that_does_not_answer_is_asked_again(
    chromium: Browser, url: str, clips: Path
) -> None:
    visit = open_app(chromium, url)
    page = visit.page
    page.clock.install()
    uploads: list[str] = []
    page.on("request", lambda one: uploads.append(one.url) if "/uploads" in one.url else None)
    page.route(
        re.compile("/status/"),
        lambda route: route.fulfill(status=503, json={"error": "x"}),
        times=5,
    )
    choose(page, clips / "tiny.mp4")
    page.click("#send")
    wait_shorter(page, "#failed-text", "cannot answer at present")
    is_shown(page, "failed")
    page.click("#retry")
    is_shown(page, "result")
    # The video was there: it is not sent again.
    assert len(uploads) == 2
    visit.end("503")


def test_what_cannot_be_analysed_is_said(chromium: Browser, url: str, tmp_path: Path) -> None:
    # Its first bytes are those of a video.
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x14ftypisom" + bytes(200))
    visit = open_app(chromium, url)
    page = visit.page
    uploads: list[str] = []
    page.on("request", lambda one: uploads.append(one.url) if "/uploads" in one.url else None)
    choose(page, tmp_path / "a.mp4")
    expect(page.locator("#review-play")).to_contain_text("cannot show the video")
    page.click("#send")
    is_shown(page, "failed")
    expect(page.locator("#failed-text")).to_have_text(
        "The video could not be analysed. Please record again, or ask your clinic or study."
    )
    assert "a.mp4" not in page.inner_text("#failed-detail")
    assert page.inner_text("#failed-detail")
    # It would fail again: it cannot be sent again, and nothing of it is left.
    expect(page.locator("#retry")).to_be_hidden()
    page.click("#restart")
    is_shown(page, "start")
    assert len(uploads) == 2
    is_kept(page)
    visit.end()


def test_a_camera_that_cannot_be_used_is_said(chromium: Browser, url: str) -> None:
    visit = open_app(chromium, url)
    page = visit.page
    cases = {"NotAllowedError": "not allowed", "NotFoundError": "No camera", "Other": "other apps"}
    for name, words in cases.items():
        page.evaluate(
            "void (navigator.mediaDevices.getUserMedia = "
            f"() => Promise.reject(new DOMException('', '{name}')))"
        )
        page.click("#record")
        is_shown(page, "failed")
        expect(page.locator("#failed-text")).to_contain_text(words)
        page.click("#restart")
    # Whoever presses twice opens one camera: a second one would stay on.
    page.click("#record")
    is_shown(page, "failed")
    page.evaluate(
        """() => {
          window.opened = 0;
          navigator.mediaDevices.getUserMedia = () => {
            window.opened += 1;
            return new Promise(() => {});
          };
        }"""
    )
    page.dblclick("#retry")
    is_true(page, "window.opened >= 1")
    assert page.evaluate("window.opened") == 1
    page.click("#restart")
    page.evaluate("delete window.MediaRecorder")
    page.click("#record")
    expect(page.locator("#failed-text")).to_contain_text("secure page")
    expect(page.locator("#retry")).to_be_hidden()
    visit.end()


def test_a_recording_is_stopped_and_begun_anew(chromium: Browser, url: str) -> None:
    visit = Visit(chromium)
    page = visit.page
    # Longer than the test looks at it, by the page's clock, which is put forward.
    shorten(page, [("fixate", 1000.0), ("up", 1.0)])
    page.clock.install()
    page.goto(f"{url}/app")
    page.evaluate(
        """
        window.recorders = [];
        window.MediaRecorder = class extends MediaRecorder {
          constructor(...given) { super(...given); window.recorders.push(this); }
        };
        null
        """
    )
    page.click("#record")
    is_shown(page, "camera")
    page.click("#begin")
    expect(page.locator("#prompt-text")).to_have_text("Look at the camera")
    page.click("#stop")
    expect(page.locator("#begin")).to_be_focused()
    is_true(page, "window.recorders.map((one) => one.state).join() === 'inactive'")
    page.clock.fast_forward(2_000_000)
    page.wait_for_timeout(300)
    expect(page.locator("#review")).to_be_hidden()
    # Left while it records, as when a call comes in.
    page.click("#begin")
    expect(page.locator("#prompt-text")).to_have_text("Look at the camera")
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {get: () => true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    is_shown(page, "failed")
    expect(page.locator("#failed-text")).to_contain_text("the page was left")
    is_true(page, "window.recorders.map((one) => one.state).join() === 'inactive,inactive'")
    page.clock.fast_forward(2_000_000)
    page.wait_for_timeout(300)
    assert page.locator("#prompt-text").text_content() == "Look at the camera"
    assert page.evaluate("document.getElementById('preview').srcObject") is None
    visit.end()


def test_a_code_that_the_service_would_refuse_is_said(chromium: Browser, url: str) -> None:
    visit = open_app(chromium, url)
    page = visit.page
    for code in ("홍길동", "a b", "../x", "-a", "a/b", "x" * 128):
        check_user_id(code)
        page.fill("#participant", code)
        page.evaluate("document.getElementById('choose').click()")
        expect(page.locator("#participant")).to_have_attribute("aria-invalid", "false")
    for code in ("a\x01b", "x" * 129):
        with pytest.raises(HandlerError):
            check_user_id(code)
        page.evaluate("(code) => { document.getElementById('participant').value = code; }", code)
        page.click("#record")
        expect(page.locator("#participant-error")).to_contain_text("128 characters")
        expect(page.locator("#participant")).to_be_focused()
        expect(page.locator("#participant")).to_have_attribute("aria-invalid", "true")
        page.fill("#participant", "")
        page.evaluate("document.getElementById('participant-error').textContent = ''")
    visit.end()


# In either language, and what the page keeps and loads


def test_both_languages_say_the_same_things(chromium: Browser, url: str) -> None:
    visit = open_app(chromium, url, "phone")
    texts = visit.page.evaluate("import('./texts.js').then((module) => module.TEXTS)")
    assert texts["en"].keys() == texts["ko"].keys()
    for name, text in texts["en"].items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(
            re.findall(r"\{\w+\}", texts["ko"][name])
        ), name
    source = visit.page.request.get(f"{url}/app/").text()
    used = set(re.findall(r'data-text="(\w+)"', source))
    assert used <= texts["en"].keys()
    visit.page.click("#korean")
    assert visit.page.title() == texts["ko"]["title"]
    assert visit.page.evaluate("document.documentElement.lang") == "ko"
    expect(visit.page.locator("#korean")).to_have_attribute("aria-pressed", "true")
    for one in visit.page.locator("main [data-text]").all():
        assert "{" not in (one.text_content() or "")
    visit.end()


def test_the_page_keeps_nothing_and_asks_nobody_else(chromium: Browser, url: str) -> None:
    visit = Visit(chromium)
    page = visit.page
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.goto(f"{url}/app")
    page.fill("#participant", "P-017")
    page.check("#consent")
    page.click("#record")
    expect(page.locator("#hint")).not_to_be_empty()
    assert asked
    assert all(one.startswith((f"{url}/app", "data:")) for one in asked)
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    is_kept(page)
    assert page.context.cookies() == []
    visit.end()


# The hint


def detector_picture(image: Image) -> Image:
    """Return the picture as the page gives it to its detector."""
    height, width = image.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.zeros((side, side, 3), np.uint8)
    square[top : top + height, left : left + width] = image
    return cv2.resize(square, (128, 128), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def picture_of(**fields: Any) -> Image:
    return render_frame(make_spec(4.0, **fields), 0.0)


def test_the_pages_detector_is_mediapipes(chromium: Browser, url: str) -> None:
    visit = open_app(chromium, url)
    find = """(text) => new Promise((resolve, reject) => {
      const worker = new Worker("face.js");
      worker.onmessage = ({data}) => { worker.terminate(); resolve(data); };
      worker.onerror = (error) => reject(error.message);
      const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
      worker.postMessage({pixels: new Uint8ClampedArray(bytes.buffer)});
    })"""
    mesh = FaceMesh()
    two = np.hstack([picture_of(width=640), picture_of(width=640)])
    pictures = [
        picture_of(),
        picture_of(zoom=0.5, shift_x_px=200.0),
        picture_of(zoom=0.6, roll_deg=15.0),
        picture_of(width=720, height=1280),
        two,
        np.full((720, 1280, 3), 90, np.uint8),
    ]
    counts = []
    for image in pictures:
        small = detector_picture(image)
        expected = mesh.detect(small)
        rgba = cv2.cvtColor(small, cv2.COLOR_BGR2RGBA)
        found = visit.page.evaluate(find, base64.b64encode(rgba.tobytes()).decode())
        counts.append(len(expected))
        assert len(found["faces"]) == len(expected)
        regions = sorted(expected, key=lambda one: one.centre_x)
        faces = sorted(found["faces"], key=lambda one: one["box"]["x"])
        for region, face in zip(regions, faces, strict=True):
            box = face["box"]
            right, left = face["eyes"]
            # MediaPipe averages the anchors that see a face, and this takes the best one.
            assert 128 * (box["x"] + box["width"] / 2) == pytest.approx(region.centre_x, abs=2)
            assert 128 * (box["y"] + box["height"] / 2) == pytest.approx(region.centre_y, abs=2)
            side_px = 128 * max(box["width"], box["height"])
            assert side_px == pytest.approx(region.side_px / REGION_SCALE, rel=0.08)
            angle_rad = math.atan2(left["y"] - right["y"], left["x"] - right["x"])
            assert angle_rad == pytest.approx(region.rotation_rad, abs=0.06)
    assert counts == [1, 1, 1, 1, 2, 0]
    visit.end()


def test_the_hint_says_how_the_face_is_placed(chromium: Browser, url: str) -> None:
    visit = Visit(chromium)
    page = visit.page
    # A camera that shows a picture of the test's.
    page.add_init_script(
        """
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [1280, 720];
        const context = canvas.getContext("2d");
        window.shown = new ImageData(1280, 720);
        setInterval(() => context.putImageData(window.shown, 0, 0), 50);
        navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
        """
    )
    page.goto(f"{url}/app")
    page.check("#consent")
    page.click("#record")
    is_shown(page, "camera")
    beside = picture_of(width=640)
    cases = {
        "Bring the whole face": np.full((720, 1280, 3), 128, np.uint8),
        "Only one face": np.hstack([beside, beside]),
        "Come closer": picture_of(zoom=0.4),
        "Move away": picture_of(zoom=1.9),
        "to the middle": picture_of(zoom=0.7, shift_x_px=-340.0),
        "Too dark": (picture_of() * 0.25).astype(np.uint8),
        "Good position": picture_of(),
    }
    for words, image in cases.items():
        _, jpeg = cv2.imencode(".jpg", image)
        page.evaluate(
            """async (text) => {
              const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
              const blob = new Blob([bytes], {type: "image/jpeg"});
              const bitmap = await createImageBitmap(blob);
              const canvas = new OffscreenCanvas(1280, 720);
              canvas.getContext("2d").drawImage(bitmap, 0, 0);
              window.shown = canvas.getContext("2d").getImageData(0, 0, 1280, 720);
            }""",
            base64.b64encode(jpeg.tobytes()).decode(),
        )
        expect(page.locator("#hint")).to_contain_text(words)
    visit.end()
