"""What a patient goes through in the web client: without a connection, over a page that is closed,
with a file that is no video, with the keyboard alone, and with a screen reader."""

import base64
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import requests
from playwright.sync_api import Browser, Dialog, Page, Route, expect

from tests.axe import SCHEMES, ask_axe
from tests.browsing import (
    TASK,
    Visit,
    assert_it_fits,
    choose,
    configure,
    is_kept,
    is_reviewed,
    is_shown,
    is_true,
    open_app,
    shorten,
    until,
)
from tracker.lab.clip_spec import make_spec
from tracker.lab.drawing import render_frame
from tracker.video.container import detect_kind
from tracker.video.frames import Image

CONSENT = {"version": "1", "text": {"en": "I agree.", "ko": "동의합니다."}}
DAY_S = 24 * 3600


@pytest.fixture
def url(page_server: str) -> str:
    return page_server


def count_requests(page: Page, path: str) -> list[dict[str, Any]]:
    """Return a list that gets the body of each request to a path."""
    found: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda one: found.append(one.post_data_json) if one.url.endswith(path) else None,
    )
    return found


def record(page: Page) -> None:
    page.click("#record")
    is_shown(page, "camera")
    page.click("#begin")
    is_reviewed(page)


# Without a connection, and over a page that is closed


def test_it_is_recorded_without_a_connection_and_sent_later(chromium: Browser, url: str) -> None:
    visit = Visit(chromium, "phone", service_workers="allow")
    page = visit.page
    page.goto(f"{url}/app")
    expect(page.locator("#note-offline")).to_be_visible()
    devtools = visit.context.new_cdp_session(page)
    # Playwright's contexts are private windows, where nothing is installed.
    wrong = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {one["errorId"] for one in wrong} <= {"in-incognito"}
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert json.loads(manifest["data"])["lang"] == "en"
    # An older version of the page, with a shorter task. Encoding a video costs more than all else.
    phases = [(phase, 0.5) for phase, _ in TASK]
    task = json.dumps({"up_down": [["up_down", phases]], "extended": []})
    script = f"export const READY_S = 0.2; export const PAUSE_S = 1; export const TASKS = {task};"
    page.evaluate(
        """async (script) => {
          const [name] = await caches.keys();
          const [now, old] = [await caches.open(name), await caches.open("page-old")];
          for (const request of await now.keys()) await old.put(request, await now.match(request));
          const headers = {"Content-Type": "text/javascript"};
          await old.put("task.js", new Response(script, {headers}));
          await caches.delete(name);
        }""",
        script,
    )
    visit.context.set_offline(True)
    page.reload()
    page.fill("#participant", "P-017")
    page.check("#consent")
    record(page)
    is_kept(page, "about", "video")
    # The next person finds neither the code nor the consent of this one.
    assert page.input_value("#participant") == ""
    assert not page.is_checked("#consent")
    page.reload()
    is_shown(page, "waiting")
    # Nobody's face is shown before it is asked for.
    assert page.get_attribute("#playback", "src") is None
    expect(page.locator("#waiting-code")).to_have_text("Participant code: P-017")
    page.click("#continue")
    is_shown(page, "review")
    is_true(page, "document.getElementById('playback').readyState >= 1")
    page.click("#send")
    is_shown(page, "failed")
    expect(page.locator("#failed-text")).to_contain_text("Your video is not lost")
    asked = count_requests(page, "/uploads")
    visit.context.set_offline(False)
    page.click("#retry")
    is_shown(page, "result")
    (request,) = asked
    assert (request["user_id"], request["consent"]) == ("P-017", "2")
    assert [one["phase"] for one in request["parameters"]["protocol"]] == [one for one, _ in TASK]
    is_kept(page)
    page.click("#again")
    is_shown(page, "start")
    # The page brings itself up to date: the new version is there after one more start, whole.
    page.reload()
    whole = "caches.keys().then((names) => Promise.all(names.map((name) => caches.match("
    whole += "'./', {cacheName: name})))).then((pages) => pages.filter(Boolean).length)"
    is_true(page, f"{whole}.then((count) => count === 2)")
    page.reload()
    is_shown(page, "start")
    is_true(page, "caches.keys().then((names) => names.length === 1)")
    assert page.evaluate("caches.has('page-old')") is False
    assert page.evaluate("import('./task.js').then((one) => one.READY_S)") == 3
    visit.end("ERR_INTERNET_DISCONNECTED", "/uploads", "/health")


def test_a_recording_is_deleted_after_a_day(chromium: Browser, url: str, clips: Path) -> None:
    visit = open_app(chromium, url)
    page = visit.page
    choose(page, clips / "tiny.mp4")
    expect(page.locator("#review-kept")).to_contain_text("24 hours at most")
    now_s = time.time()
    page.clock.set_fixed_time(now_s + DAY_S - 600)
    page.reload()
    is_shown(page, "waiting")
    # Two tabs would send it twice.
    other = visit.context.new_page()
    other.goto(f"{url}/app/")
    expect(other.locator("#failed-text")).to_contain_text("open in another tab")
    expect(other.locator("#restart")).to_be_hidden()
    other.close()
    page.clock.set_fixed_time(now_s + DAY_S + 600)
    page.reload()
    is_shown(page, "start")
    expect(page.locator("#start-note")).to_contain_text("24 hours old")
    is_kept(page)
    # The same of a page that stays open, where it could not be sent.
    choose(page, clips / "tiny.mp4")
    page.route("**/uploads", lambda route: route.abort(), times=1)
    page.click("#send")
    is_shown(page, "failed")
    page.clock.set_fixed_time(now_s + 2 * DAY_S + 1200)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    is_shown(page, "start")
    expect(page.locator("#start-note")).to_contain_text("24 hours old")
    is_kept(page)
    assert page.get_attribute("#playback", "src") is None
    # Whoever has sent a video is not told to record it again.
    page.evaluate(
        """() => import("./storage.js").then((one) => one.note(
          { arrived: true, madeMs: Date.now() - 25 * 3600e3, offer: { analysis_id: "x" } },
        ))"""
    )
    page.reload()
    expect(page.locator("#start-note")).to_contain_text("You need not send it again")
    is_kept(page)
    visit.end("ERR_FAILED", "/uploads")


def test_a_page_that_is_loaded_again_goes_on(chromium: Browser, url: str, clips: Path) -> None:
    visit = open_app(chromium, url)
    page = visit.page
    asked = count_requests(page, "/uploads")
    upload, status = re.compile("/uploads/."), re.compile("/status/")
    held: list[Route] = []
    page.route(upload, lambda route: held.append(route))
    choose(page, clips / "tiny.mp4")
    page.click("#send")
    expect(page.locator("#working-title")).to_have_text("Sending")
    until(page, lambda: len(held) == 1)
    # While it is sent: the video is there still, and goes to the same place.
    page.reload()
    until(page, lambda: len(held) == 2)
    is_kept(page, "about", "video")
    assert held[0].request.url == held[1].request.url
    page.evaluate(
        """() => {
          window.said = [];
          const text = document.getElementById("working-text");
          new MutationObserver(() => window.said.push(text.textContent))
            .observe(text, { childList: true });
        }"""
    )
    page.route(
        status,
        lambda route: route.fulfill(json={"status": "processing", "progress_percent": 42}),
    )
    held[1].continue_()
    # While it is analysed: the face is not on this device any more.
    expect(page.locator("#working-text")).to_have_text("42 % done")
    assert page.evaluate("document.getElementById('bar').value") == 42
    assert any(one.startswith("100 % of ") for one in page.evaluate("window.said"))
    is_kept(page, "about")
    page.reload()
    expect(page.locator("#working-text")).to_have_text("42 % done")
    page.unroute(status)
    is_shown(page, "result")
    is_kept(page)
    message = page.inner_text("#message")
    # A phone loads the page again while the report is looked at.
    page.reload()
    is_shown(page, "result")
    assert page.inner_text("#message") == message
    page.click("#again")
    page.reload()
    is_shown(page, "start")
    assert len(asked) == 1
    # It can be cancelled by a page that was loaded again.
    page.unroute(upload)
    page.route(status, lambda route: route.fulfill(json={"status": "queued"}))
    choose(page, clips / "tiny.mp4")
    page.click("#send")
    expect(page.locator("#working-title")).to_have_text("Waiting for the analysis")
    page.reload()
    expect(page.locator("#working-title")).to_have_text("Waiting for the analysis")
    with page.expect_request(lambda one: one.method == "DELETE") as deleted:
        page.click("#cancel")
    expect(page.locator("#status")).to_have_text("What was sent is deleted.")
    is_shown(page, "start")
    is_kept(page)
    gone = requests.get(f"{url}/status/{deleted.value.url.split('/')[-1]}", timeout=60)
    assert gone.status_code == 404
    # A video that the service refused while the page was closed is not sent again.
    page.unroute(status)
    held.clear()
    page.route(upload, lambda route: held.append(route))
    choose(page, clips / "tiny.mp4")
    page.click("#send")
    until(page, lambda: len(held) == 1)
    refused = {"status": "failed", "code": "undecodable", "error": "damaged"}
    page.route(status, lambda route: route.fulfill(json=refused))
    page.reload()
    is_shown(page, "failed")
    expect(page.locator("#failed-text")).to_contain_text("could not be analysed")
    expect(page.locator("#retry")).to_be_hidden()
    assert len(held) == 1
    is_kept(page)
    visit.end("/uploads/", "ERR_FAILED", "/status/", "AbortError")


def test_where_nothing_can_be_kept_the_page_says_so(
    chromium: Browser, url: str, clips: Path
) -> None:
    visit = Visit(chromium)
    page = visit.page
    shorten(page)
    page.add_init_script(
        """
        const refuse = () => { throw new DOMException("", "SecurityError"); };
        IDBFactory.prototype.open = refuse;
        Object.defineProperty(window, "sessionStorage", { get: refuse });
        LockManager.prototype.request = async () => refuse();
        """
    )
    asked_to_stay: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked_to_stay.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.goto(f"{url}/app")
    is_shown(page, "start")
    choose(page, clips / "tiny.mp4")
    expect(page.locator("#review-kept")).to_contain_text("cannot keep the video")
    page.click("#english")
    page.reload()
    is_shown(page, "start")
    assert asked_to_stay == ["beforeunload"]
    # An analysis that broke off, not because of the video, begins anew.
    asked = count_requests(page, "/uploads")
    broken = {"status": "failed", "code": "interrupted", "error": "x"}
    page.route(re.compile("/status/"), lambda route: route.fulfill(json=broken), times=1)
    choose(page, clips / "tiny.mp4")
    page.click("#send")
    is_shown(page, "failed")
    expect(page.locator("#failed-text")).to_contain_text("was interrupted")
    page.click("#retry")
    is_shown(page, "result")
    assert len(asked) == 2
    visit.end()


# What the service must be told, and what it refuses


class SignedInService:
    """Answers the page in place of a service that needs a key and a token of each caller.

    The first upload breaks off. An analysis is completed when `is_done` is set.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.url = url
        self.callers: list[tuple[str, str, str]] = []
        self.uploads = 0
        self.is_done = False
        page.route(re.compile("/(uploads|status|analyses)"), self.answer)

    def answer(self, route: Route) -> None:
        request = route.request
        if "/uploads/" in request.url:
            self.uploads += 1
            if self.uploads > 1:
                route.fulfill(status=204)
            return
        key, token = (request.headers.get(one, "") for one in ("x-api-key", "authorization"))
        self.callers.append((request.method, key, token))
        if key != "the-key":
            route.fulfill(status=403, json={"error": "x", "code": "foreign_key"})
        elif token not in ("Bearer anna", "Bearer berta"):
            route.fulfill(status=401, json={"error": "x", "code": "unauthorized"})
        elif request.method == "POST":
            assert "user_id" not in request.post_data_json
            offer = {"url": f"{self.url}/uploads/1", "fields": {}}
            route.fulfill(status=201, json={"analysis_id": "1", "upload": offer})
        elif request.method == "DELETE":
            deletions = [one for one in self.callers if one[0] == "DELETE"]
            if len(deletions) == 1:
                route.abort()
            else:
                route.fulfill(status=204)
        else:
            state = {"status": "completed", "patient_message": "Well."}
            waits = {"status": "queued" if self.uploads < 2 else "processing"}
            told = state if self.is_done else waits
            route.fulfill(json={"analysis_id": "1", "progress_percent": 7, **told})


def sign_in(page: Page, name: str) -> None:
    page.fill("#key", "the-key")
    page.fill("#token", name)


def test_keys_and_tokens_are_asked_for_again_and_belong_to_one_person(
    chromium: Browser, url: str, clips: Path
) -> None:
    visit = Visit(chromium, "phone")
    page = visit.page
    shorten(page)
    configure(page, None, needs_key=True, needs_token=True)
    service = SignedInService(page, url)
    page.goto(f"{url}/app")
    choose(page, clips / "tiny.mp4")
    # What is missing is said where it is entered, and nothing is asked without it.
    page.click("#send")
    expect(page.locator("#access-error")).to_contain_text("API key is missing")
    expect(page.locator("#key")).to_be_focused()
    page.fill("#key", "another-key")
    page.fill("#token", "안나")  # a header cannot hold it
    page.click("#send")
    expect(page.locator("#access-error")).to_contain_text("access token is missing")
    expect(page.locator("#token")).to_be_focused()
    assert service.callers == []
    page.fill("#token", "anna")
    page.click("#send")
    expect(page.locator("#failed-text")).to_contain_text("API key is missing or wrong")
    page.click("#restart")
    sign_in(page, "anna")
    page.click("#send")
    expect(page.locator("#working-title")).to_have_text("Sending")
    # While it is sent: the token decides whose the video is, so it is looked at first.
    page.reload()
    is_shown(page, "waiting")
    page.click("#continue")
    is_shown(page, "review")
    assert page.input_value("#key") + page.input_value("#token") == ""
    sign_in(page, "anna")
    page.click("#send")
    expect(page.locator("#working-text")).to_have_text("7 % done")
    # While it is analysed.
    page.reload()
    is_shown(page, "waiting")
    page.click("#continue")
    expect(page.locator("#key")).to_be_focused()
    sign_in(page, "anna")
    service.is_done = True
    page.click("#continue")
    is_shown(page, "result")
    page.click("#again")
    # The next one is of another person, who has another token. The key is the clinic's.
    assert (page.input_value("#key"), page.input_value("#token")) == ("the-key", "")
    service.is_done = False
    sign_in(page, "berta")
    choose(page, clips / "tiny.mp4")
    page.click("#send")
    expect(page.locator("#working-text")).to_have_text("7 % done")
    kept = page.evaluate("import('./storage.js').then((one) => one.recall()).then(JSON.stringify)")
    assert "berta" not in kept
    assert "the-key" not in kept
    page.click("#cancel")
    is_shown(page, "review")
    page.click("#discard")
    is_shown(page, "start")
    assert page.input_value("#token") == ""
    # The deletion is tried again in the name of the person who asked for it.
    expect(page.locator("#status")).to_have_text("What was sent is deleted.")
    assert {caller for caller in service.callers if caller[0] == "DELETE"} == {
        ("DELETE", "the-key", "Bearer berta")
    }
    tokens = [token for _, key, token in service.callers if key == "the-key"]
    first = tokens.index("Bearer berta")
    assert set(tokens[:first]) == {"Bearer anna"}
    assert set(tokens[first:]) == {"Bearer berta"}
    visit.end("/uploads", "403", "ERR_FAILED", "/analyses/", "/status/")


def test_what_is_cancelled_or_refused_is_left_nowhere(
    chromium: Browser, url: str, clips: Path
) -> None:
    visit = open_app(chromium, url, "phone")
    page = visit.page
    deleted: list[str] = []
    page.on(
        "request",
        lambda one: deleted.append(one.url.split("/")[-1]) if one.method == "DELETE" else None,
    )
    page.click("#korean")
    page.click("#larger")
    page.evaluate(
        """() => {
          window.awake = [0, 0];
          navigator.wakeLock.request = async () => {
            window.awake[0] += 1;
            return { release: async () => { window.awake[1] += 1; } };
          };
        }"""
    )
    # Cancelled before the page knows the analysis's id.
    held: list[Route] = []
    page.route("**/uploads", lambda route: held.append(route), times=1)
    choose(page, clips / "tiny.mp4")
    page.click("#send")
    until(page, lambda: len(held) == 1)
    assert page.evaluate("window.awake") == [1, 0]
    page.click("#cancel")
    is_shown(page, "review")
    with page.expect_response(lambda one: one.request.method == "DELETE") as answered:
        held[0].continue_()
    assert answered.value.status == 204
    is_true(page, "window.awake.join() === '1,1'")
    # An address that takes the file no more is not tried for ever.
    page.route(re.compile("/uploads/."), lambda route: route.fulfill(status=403), times=1)
    asked = count_requests(page, "/uploads")
    page.click("#send")
    is_shown(page, "failed")
    expect(page.locator("#failed-code")).to_have_text("병원이나 연구진에게 알려 줄 코드: HTTP 403")
    assert_everybody_can_use_it(page)
    # Why the service refuses a video is said in the page's language.
    refused = {"status": "failed", "code": "undecodable", "error": "It is damaged."}
    status = re.compile("/status/")
    page.route(
        status,
        lambda route: route.fulfill(json=refused if len(asked) == 2 else {"status": "queued"}),
    )
    page.click("#retry")
    expect(page.locator("#failed-detail")).to_contain_text("손상되었거나")
    expect(page.locator("#failed-code")).to_contain_text("undecodable")
    assert "damaged" not in page.inner_text("main")
    with page.expect_response(lambda one: one.request.method == "DELETE"):
        page.reload()
    assert len(asked) == len(set(deleted)) == 2
    # The language and the size of the text outlive the page.
    assert page.evaluate("document.documentElement.lang") == "ko"
    expect(page.locator("#larger")).to_have_attribute("aria-pressed", "true")
    visit.end("403", "/uploads", "/status/")


# Files that are no video

REFUSED = {
    "photo.mp4": (b"\xff\xd8\xff\xe0" + bytes(600), "photo", "사진"),
    "live.heic": (b"\0\0\0\x18ftypheic" + bytes(600), "photo", "사진"),
    "letter.pdf": (b"%PDF-1.7\n" + bytes(600), "not a video that can be", "영상 파일이 아닙니다"),
    "voice.m4a": (b"\0\0\0\x18ftypM4A " + bytes(600), "sound recording", "소리"),
    "nothing.mov": (b"", "empty", "빈 파일"),
}
HEADS: dict[str, tuple[bytes, str]] = {
    "JPEG": (b"\xff\xd8\xff\xe0", "image"),
    "PNG": (b"\x89PNG\r\n\x1a\n", "image"),
    "WebP": (b"RIFF\0\0\0\0WEBP", "image"),
    "BMP": (b"BM\0\0\0\0\0\0\0\0", "image"),
    "TIFF": (b"II*\0", "image"),
    "HEIC": (b"\0\0\0\x18ftypheic", "image"),
    "AVIF": (b"\0\0\0\x18ftypavif", "image"),
    "MP4": (b"\0\0\0\x18ftypisom", "video"),
    "HEVC in MOV": (b"\0\0\0\x14ftypqt  ", "video"),
    "old MOV": (b"\0\0\0\x08wide\0\0\0\0mdat", "video"),
    "3GP": (b"\0\0\0\x18ftyp3gp5", "video"),
    "MKV": (b"\x1a\x45\xdf\xa3", "video"),
    "AVI": (b"RIFF\0\0\0\0AVI ", "video"),
    "MPEG": (b"\0\0\x01\xba", "video"),
    "TS": (b"G" + bytes(187) + b"G", "video"),
    "MTS": (bytes(4) + b"G" + bytes(191) + b"G", "video"),
    "WMV": (b"\x30\x26\xb2\x75", "video"),
    "ZIP": (b"PK\x03\x04", "other"),
    "text": (b"no video at all ", "other"),
    "MP3": (b"ID3\x04", "other"),
}
"""The first bytes of files, and what the page takes them for."""


def test_a_file_that_is_no_video_is_refused_before_it_is_sent(
    chromium: Browser, url: str, clips: Path
) -> None:
    visit = open_app(chromium, url, "phone")
    page = visit.page
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if one.method == "POST" else None)
    for name, (content, english, korean) in REFUSED.items():
        page.set_input_files("#file", {"name": name, "mimeType": "video/mp4", "buffer": content})
        is_shown(page, "failed")
        expect(page.locator("#failed-text")).to_contain_text(english)
        page.click("#korean")
        expect(page.locator("#failed-text")).to_contain_text(korean)
        page.click("#english")
    for content, kind in HEADS.values():
        head = (content + bytes(512))[:512]
        found = page.evaluate(
            """async (text) => {
              const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
              return (await import("./kind.js")).findKind(new File([bytes], "x"));
            }""",
            base64.b64encode(head).decode(),
        )
        assert found == kind
        # The page refuses no file that the service would take for a video.
        assert (detect_kind(head) or "other") == kind
    assert asked == []
    is_kept(page)
    # To try again is to choose another one.
    with page.expect_file_chooser() as chooser:
        page.click("#retry")
    chooser.value.set_files(clips / "tiny.mp4")
    is_shown(page, "review")
    visit.end()


# The practice run


def show_pictures(page: Page) -> Callable[[Image], None]:
    """Have the page see pictures in place of a camera's; return what shows one of 1280x720."""
    page.add_init_script(
        """
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [1280, 720];
        const context = canvas.getContext("2d");
        window.shown = new ImageData(1280, 720);
        setInterval(() => context.putImageData(window.shown, 0, 0), 120);
        navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
        window.recorders = 0;
        window.MediaRecorder = class extends MediaRecorder {
          constructor(...given) { super(...given); window.recorders += 1; }
        };
        """
    )

    def show(image: Image) -> None:
        _, jpeg = cv2.imencode(".jpg", image)
        page.evaluate(
            """async (text) => {
              const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
              const bitmap = await createImageBitmap(new Blob([bytes], {type: "image/jpeg"}));
              const canvas = new OffscreenCanvas(1280, 720);
              canvas.getContext("2d").drawImage(bitmap, 0, 0);
              window.shown = canvas.getContext("2d").getImageData(0, 0, 1280, 720);
            }""",
            base64.b64encode(jpeg.tobytes()).decode(),
        )

    return show


OPEN, SHUT = {"isClear": True, "isOpen": True}, {"isClear": True, "isOpen": False}
HIDDEN = {"isClear": False, "isOpen": True}
GOOD_LOOK = {"place": "", "light": "", "eyes": OPEN}
PRACTICES: dict[str, tuple[list[dict[str, Any]], str, dict[str, str]]] = {
    "good, with a blink": (
        [GOOD_LOOK, GOOD_LOOK, {**GOOD_LOOK, "eyes": SHUT}],
        "practiceGood",
        {"light": "practiceLight", "distance": "practiceDistance", "eyes": "practiceEyes"},
    ),
    "dark, and shut eyes": (
        [{**GOOD_LOOK, "light": "hintTooDark", "eyes": SHUT}] * 3,
        "practiceBad",
        {"light": "hintTooDark", "distance": "practiceDistance", "eyes": "practiceEyesShut"},
    ),
    "far in most looks, in different ways": (
        [
            GOOD_LOOK,
            {**GOOD_LOOK, "place": "hintTooFar"},
            {**GOOD_LOOK, "place": "hintOffCentre"},
            {**GOOD_LOOK, "place": "hintTooFar", "eyes": HIDDEN},
        ],
        "practiceBad",
        {"light": "practiceLight", "distance": "hintTooFar", "eyes": "practiceEyes"},
    ),
    "dark glasses": (
        [{**GOOD_LOOK, "eyes": HIDDEN}] * 4,
        "practiceBad",
        {"light": "practiceLight", "distance": "practiceDistance", "eyes": "practiceEyesHidden"},
    ),
    "nobody": (
        [{"place": "hintNoFace"}] * 3 + [GOOD_LOOK],
        "practiceBad",
        {"distance": "hintNoFace"},
    ),
    "a slow phone": ([GOOD_LOOK] * 2, "practiceUnknown", {}),
}


def practise(page: Page) -> None:
    """Run the practice, for longer where the page does not look often enough in a short time."""
    for seconds in (1.5, 6, 24):
        page.evaluate("(seconds) => window.practiseFor(seconds)", seconds)
        page.click("#practise")
        expect(page.locator("#advice")).to_be_visible()
        if "cannot check" not in page.inner_text("#advice-title"):
            return


def test_a_practice_run_says_what_to_change(chromium: Browser, url: str) -> None:
    visit = Visit(chromium, "phone")
    page = visit.page
    shorten(page)
    script = requests.get(f"{url}/app/practice.js", timeout=60).text
    assert "const PRACTICE_S = 5;" in script
    page.route(
        "**/practice.js",
        lambda route: route.fulfill(
            body=script.replace("const PRACTICE_S = 5;", "let PRACTICE_S;")
            + "window.practiseFor = (seconds) => { PRACTICE_S = seconds; };",
            content_type="text/javascript; charset=utf-8",
        ),
    )
    show = show_pictures(page)
    page.goto(f"{url}/app")
    page.click("#record")
    is_shown(page, "camera")
    page.evaluate("window.practiseFor(1000)")
    page.click("#practise")
    expect(page.locator("#task-progress")).to_have_text("Practice: nothing is recorded.")
    # What it asks for is not cut off, also in text of twice the size.
    page.evaluate("document.documentElement.style.fontSize = '225%'")
    stage, words = (page.locator(one).bounding_box() for one in ("#stage", "#prompt"))
    assert stage is not None
    assert words is not None
    assert words["height"] <= stage["height"]
    page.evaluate("document.documentElement.style.fontSize = ''")
    # A practice run can be left.
    page.click("#stop")
    expect(page.locator("#begin")).to_be_focused()
    good = render_frame(make_spec(4.0), 0.0)
    show((good * 0.25).astype(np.uint8))
    expect(page.locator("#hint")).to_contain_text("Too dark")
    practise(page)
    expect(page.locator("#advice-title")).to_contain_text("Please change this")
    expect(page.locator("#advice-title")).to_be_focused()
    expect(page.locator("#advice-light")).to_contain_text("Too dark")
    assert_everybody_can_use_it(page)
    show(good)
    expect(page.locator("#hint")).to_contain_text("Good position")
    practise(page)
    expect(page.locator("#advice-title")).to_contain_text("nothing to change")
    # It promises no more than it sees.
    expect(page.locator("#advice-eyes")).to_contain_text("often misses eyes that are shut")
    # Nothing was recorded.
    assert page.evaluate("window.recorders") == 0
    is_kept(page)
    check_eyes(page)
    for seen, title, lines in PRACTICES.values():
        found = page.evaluate(
            "(seen) => import('./practice.js').then((one) => one.judge(seen))", seen
        )
        assert found["title"] == title
        assert {one["part"]: one["text"] for one in found["lines"]} == lines
        goods = {"practiceLight", "practiceDistance", "practiceEyes"}
        assert all(one["good"] == (one["text"] in goods) for one in found["lines"])
    visit.end()


def draw_eye(kind: str) -> list[list[float]]:
    """Draw an eye as the page cuts it out: 40x30 grey levels, the eyes 64 pixels apart."""
    image = np.full((30, 40), 170, np.uint8)
    if kind == "shut":
        cv2.ellipse(image, (20, 14), (14, 3), 0, 0, 180, 50, 2)
    else:
        cv2.ellipse(image, (20, 15), (14, 6), 0, 0, 360, 225, -1)
        cv2.circle(image, (20, 15), 6, 40, -1)
    if kind == "dark glasses":
        image = (20 + 0.05 * image).astype(np.uint8)
    if kind == "reflections":
        cv2.rectangle(image, (8, 8), (26, 18), 255, -1)
    return [[float(level) for level in row] for row in image]


def check_eyes(page: Page) -> None:
    """Check what the page says of drawn eyes; docs/web-client.md says how it does on people's."""
    found = {
        kind: page.evaluate(
            "(eye) => import('./eye.js').then((one) => one.judgeEyes([eye, eye]))", draw_eye(kind)
        )
        for kind in ("open", "shut", "dark glasses", "reflections")
    }
    assert (found["open"], found["shut"]) == (OPEN, SHUT)
    assert not found["dark glasses"]["isClear"]
    assert not found["reflections"]["isClear"]


# With the keyboard alone, and for eyes and ears that need more


def assert_everybody_can_use_it(page: Page) -> None:
    """Check the screen with axe in light and dark, and with text of twice the size."""
    for scheme in SCHEMES:
        assert ask_axe(page, scheme) == []
    page.evaluate("document.documentElement.style.fontSize = '225%'")
    assert_it_fits(page)
    page.evaluate("document.documentElement.style.fontSize = ''")


def press(page: Page, name: str, key: str = "Enter") -> None:
    """Move to an element with the Tab key, see that it is marked, and press a key."""
    for _ in range(16):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == name:
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
            page.keyboard.press(key)
            return
    raise AssertionError(f"{name} cannot be reached")


def test_the_keyboard_is_enough_and_every_screen_is_accessible(
    chromium: Browser, url: str, clips: Path
) -> None:
    visit = Visit(chromium, "phone", reduced_motion="reduce")
    page = visit.page
    shorten(page, [("fixate", 1.5), ("up", 0.3), ("down", 0.3)])
    configure(page, CONSENT)
    page.goto(f"{url}/app")
    is_shown(page, "start")
    asked = count_requests(page, "/uploads")
    press(page, "record")
    expect(page.locator("#consent")).to_be_focused()
    assert_everybody_can_use_it(page)
    page.keyboard.press("Space")
    page.focus("#start h2")
    press(page, "participant", "P")
    page.keyboard.press("1")
    for name in ("choose", "record"):
        press(page, name, "Shift")
    page.keyboard.press("Enter")
    is_shown(page, "camera")
    press(page, "sound", "Shift")
    press(page, "leave-camera")
    is_shown(page, "start")
    # Nothing was recorded: what was entered is still there.
    assert page.input_value("#participant") == "P1"
    press(page, "record")
    is_shown(page, "camera")
    expect(page.locator("#hint")).to_have_text("Good position")
    assert_everybody_can_use_it(page)
    press(page, "begin")
    expect(page.locator("#prompt-text")).to_have_text("Look at the camera")
    assert_everybody_can_use_it(page)
    is_reviewed(page)
    assert_everybody_can_use_it(page)
    page.reload()
    is_shown(page, "waiting")
    assert_everybody_can_use_it(page)
    press(page, "continue")
    is_shown(page, "review")
    page.route("**/uploads", lambda route: route.abort(), times=1)
    press(page, "send")
    is_shown(page, "failed")
    assert_everybody_can_use_it(page)
    status = re.compile("/status/")
    page.route(status, lambda route: route.fulfill(json={"status": "queued"}))
    press(page, "retry")
    expect(page.locator("#working-title")).to_have_text("Waiting for the analysis")
    # What moves without end is not shown to those who asked for less motion.
    assert page.evaluate("getComputedStyle(document.getElementById('bar')).visibility") == "hidden"
    assert_everybody_can_use_it(page)
    page.unroute(status)
    is_shown(page, "result")
    assert_everybody_can_use_it(page)
    press(page, "again")
    is_shown(page, "start")
    assert page.input_value("#participant") == ""
    assert asked[-1]["user_id"] == "P1"
    # The page's own switch for larger text, in Korean.
    press(page, "larger")
    assert_it_fits(page)
    press(page, "korean")
    expect(page.locator("#larger")).to_have_attribute("aria-pressed", "true")
    assert_everybody_can_use_it(page)
    visit.end("ERR_FAILED", "/uploads", "/status/")
