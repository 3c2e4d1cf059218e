"""What tests of pages share: the machine's Chromium with a camera, and a page that is watched.

The camera is a file that Chromium plays in its place.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import cv2
from playwright.sync_api import Browser, BrowserType, Page, expect

from tracker.lab.clip_spec import ClipSpec, GazePhase, LidClosure
from tracker.lab.drawing import render_frame
from tracker.protocol import GUIDED_TASKS, PAUSE_S

FPS = 30.0
ONSETS_S = (0.4, 1.3, 2.5, 4.0, 5.8)
"""Of the camera's blinks: every two neighbours are apart by another time, also over the loop."""
CLIP_S = 7.6
TASK = [("fixate", 1.0), ("up", 2.5), ("down", 2.5)]
EXTENDED_SHARE = float(os.environ.get("EXTENDED_SHARE", "0.1"))
"""Share of the extended task's time that is recorded; ``make extended`` records all of it."""
SCREENS = {"desktop": (1280, 800), "phone": (390, 844)}
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
BLOCKED = "Service Worker registration blocked by Playwright"


def write_camera(path: Path) -> None:
    """Write a file for Chromium to play as the camera, over and over."""
    spec = ClipSpec(
        duration_s=CLIP_S,
        width=640,
        height=480,
        closures=tuple(LidClosure(onset_s, 0.25) for onset_s in ONSETS_S),
        gaze=(GazePhase(0.0, -0.1), GazePhase(CLIP_S / 2, 0.1)),
    )
    with path.open("wb") as file:
        for index in range(round(CLIP_S * FPS)):
            _, jpeg = cv2.imencode(".jpg", render_frame(spec, index / FPS))
            file.write(jpeg.tobytes())


def launch(chromium: BrowserType, path: str, camera: Path) -> Browser:
    """Start Chromium with a camera."""
    camera_flag = f"--use-file-for-fake-video-capture={camera}"
    return chromium.launch(executable_path=path, args=[*FLAGS, camera_flag])


class Visit:
    """A page that is looked at, and what went wrong in it."""

    def __init__(self, browser: Browser, screen: str = "desktop", **context: Any) -> None:
        width, height = SCREENS[screen]
        # Playwright cannot answer what a service worker asks for.
        context.setdefault("service_workers", "block")
        self.context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.wrong: list[str] = []
        self.watch(self.page)

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on(
            "console",
            lambda one: (
                self.wrong.append(one.text)
                if one.type in ("error", "warning") and one.text != BLOCKED
                else None
            ),
        )
        page.on(
            "requestfailed",
            # Chromium takes back its own first request of a recorded video.
            lambda one: None if one.url.startswith("blob:") else self.wrong.append(one.url),
        )

    def end(self, *expected: str) -> None:
        """Close the page; nothing went wrong but what these texts are in."""
        assert_it_fits(self.page)
        self.context.close()
        assert [one for one in self.wrong if not any(text in one for text in expected)] == []


def assert_it_fits(page: Page) -> None:
    """Check that nothing has to be scrolled sideways for."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def shorten(page: Page, ready_s: float = 0.2) -> None:
    """Have the page record for seconds instead of half a minute, and ask for no consent."""
    tasks = {
        "up_down": [["up_down", TASK]],
        "extended": [
            [part.name, [[phase, EXTENDED_SHARE * s] for phase, s in part.instructions]]
            for part in GUIDED_TASKS["extended"]
        ],
    }
    code = (
        f"export const READY_S = {ready_s}; export const PAUSE_S = {EXTENDED_SHARE * PAUSE_S};"
        f"export const TASKS = {json.dumps(tasks)};"
    )
    page.route(
        "**/task.js",
        lambda route: route.fulfill(body=code, content_type="text/javascript; charset=utf-8"),
    )
    configure(page, consent=None)


def configure(
    page: Page,
    consent: dict[str, Any] | None,
    *,
    needs_key: bool = False,
    needs_token: bool = False,
) -> None:
    """Have the page of another deployment, with another config.js."""
    code = (
        f"export const API = ''; export const NEEDS_KEY = {json.dumps(needs_key)};"
        f"export const NEEDS_TOKEN = {json.dumps(needs_token)};"
        f"export const CONSENT = {json.dumps(consent)};"
    )
    page.route(
        "**/config.js",
        lambda route: route.fulfill(body=code, content_type="text/javascript; charset=utf-8"),
    )


def open_app(browser: Browser, url: str, screen: str = "desktop", **context: Any) -> Visit:
    visit = Visit(browser, screen, **context)
    shorten(visit.page)
    visit.page.goto(f"{url}/app")
    is_shown(visit.page, "start")
    return visit


def is_true(page: Page, expression: str, timeout_s: float = 15.0) -> None:
    """Wait until a JavaScript expression, or the promise that it gives, is true.

    `Page.wait_for_function` asks again from within the page, where the page's policy forbids it.
    """
    end_s = time.monotonic() + timeout_s
    while not page.evaluate(expression):
        assert time.monotonic() < end_s, f"never true: {expression}"
        page.wait_for_timeout(50)


def is_shown(page: Page, name: str) -> None:
    expect(page.locator(f"section#{name}")).to_be_visible(timeout=20_000)
    expect(page.locator(f"section#{name} h2")).to_be_focused()
    assert_it_fits(page)


def choose(page: Page, clip: Path) -> None:
    page.set_input_files("#file", clip)
    is_shown(page, "review")


def list_kept(page: Page) -> list[str]:
    """Return the names of what the page keeps in the browser's database."""
    found: list[str] = page.evaluate(
        """() => new Promise((resolve, reject) => {
          const request = indexedDB.open("eye-tracking", 1);
          request.onupgradeneeded = () => request.result.createObjectStore("kept");
          request.onerror = () => reject(request.error);
          request.onsuccess = () => {
            const database = request.result;
            const keys = database.transaction("kept").objectStore("kept").getAllKeys();
            keys.onsuccess = () => { database.close(); resolve(keys.result); };
          };
        })"""
    )
    return found
