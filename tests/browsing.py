"""What tests of pages share: the machine's Chromium with a camera, and a page that is watched.

The camera is a file that Chromium plays in its place.
"""

import base64
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Browser, BrowserType, Page, expect

from tracker.lab.clip_spec import ClipSpec, GazePhase, LidClosure
from tracker.lab.drawing import render_frame
from tracker.protocol import GUIDED_TASKS, PAUSE_S

PATIENCE_S = 60.0
"""How long a page is waited for. On a busy machine it needs a multiple of its usual time."""
FPS = 30.0
ONSETS_S = (0.4, 1.3, 2.2, 3.3, 4.2, 5.3, 6.4)
"""When each of the camera's blinks begins, in the clip that it plays over and over."""
CLIP_S = 7.6
MARK_BITS, MARK_PX = 8, 16
TASK = [("fixate", 1.0), ("up", 2.0), ("down", 2.0)]
EXTENDED_SHARE = float(os.environ.get("EXTENDED_SHARE", "0.05"))
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
            image = render_frame(spec, index / FPS)
            bits = [255 * (index >> bit & 1) for bit in range(MARK_BITS)]
            image[-MARK_PX:] = np.repeat(bits, image.shape[1] // MARK_BITS)[None, :, None]
            _, jpeg = cv2.imencode(".jpg", image)
            file.write(jpeg.tobytes())


def read_mark(grey: np.ndarray) -> float:
    """Return a picture's time in the camera's clip, in s, which is written at its foot."""
    height, width = grey.shape
    row = grey[height - MARK_PX // 2, width // (2 * MARK_BITS) :: width // MARK_BITS]
    return sum(1 << int(bit) for bit in np.flatnonzero(row > 127)) / FPS


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
        # What moves without end takes a processor.
        context.setdefault("reduced_motion", "reduce")
        self.context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE_S)
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
            # A page that is left or loaded again takes its requests back, and so does Chromium its
            # own first one of a recorded video.
            lambda one: (
                None
                if one.failure == "net::ERR_ABORTED"
                else self.wrong.append(f"{one.url}: {one.failure}")
            ),
        )

    def end(self, *expected: str) -> None:
        """Close the page; nothing went wrong but what these texts are in."""
        assert_it_fits(self.page)
        self.context.close()
        wrong = [one for one in self.wrong if not any(text in one for text in expected)]
        assert not wrong, wrong


def assert_it_fits(page: Page) -> None:
    """Check that nothing has to be scrolled sideways for."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def shorten(page: Page, task: Sequence[tuple[str, float]] = TASK) -> None:
    """Have the page record for seconds instead of half a minute, and ask for no consent."""
    tasks = {
        "up_down": [["up_down", task]],
        "extended": [
            [part.name, [[phase, EXTENDED_SHARE * s] for phase, s in part.instructions]]
            for part in GUIDED_TASKS["extended"]
        ],
    }
    code = (
        f"export const READY_S = 0.2; export const PAUSE_S = {EXTENDED_SHARE * PAUSE_S};"
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


def watch_prompts(page: Page) -> None:
    """Have the page note each instruction that it shows, and by how much its own clock is late."""
    page.evaluate(
        """() => {
          const [prompt, part, bar] = ["prompt-text", "task-progress", "task-bar"]
            .map((id) => document.getElementById(id));
          [window.prompts, window.late_s] = [[], 0];
          new MutationObserver(() => window.prompts.push({
            at_s: performance.now() / 1000,
            part: part.textContent,
            words: prompt.textContent,
            bar_s: bar.value,
            fits: document.documentElement.scrollWidth <= window.innerWidth,
          })).observe(prompt, { childList: true });
          let before = performance.now();
          setInterval(() => {
            const now = performance.now();
            window.late_s = Math.max(window.late_s, (now - before) / 1000 - 0.02);
            before = now;
          }, 20);
        }"""
    )


def keep_recorded(page: Page) -> None:
    """Have the page, which is still to be opened, hand out what it records."""
    page.add_init_script(
        "const make = URL.createObjectURL;"
        "URL.createObjectURL = (blob) => { window.recorded = blob; return make(blob); };"
    )


def read_recorded(page: Page) -> bytes:
    """Return the video that the page has recorded."""
    content: str = page.evaluate(
        """() => new Promise((resolve) => {
          const reader = new FileReader();
          reader.onload = () => resolve(reader.result.split(",")[1]);
          reader.readAsDataURL(window.recorded);
        })"""
    )
    return base64.b64decode(content)


def until(page: Page, is_so: Callable[[], object]) -> None:
    """Wait, while the page goes on, until something is so.

    What a page does after a click, it does some time after it: a question that is asked once gets
    the answer of before.
    """
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end_s, "it never was"
        page.wait_for_timeout(50)


def is_true(page: Page, expression: str) -> None:
    """Wait until a JavaScript expression, or the promise that it gives, is true.

    `Page.wait_for_function` asks again from within the page, where the page's policy forbids it.
    """
    until(page, lambda: page.evaluate(expression))


def is_shown(page: Page, name: str) -> None:
    expect(page.locator(f"section#{name}")).to_be_visible()
    # The section may be one that was shown before the action already.
    expect(page.locator(f"section#{name} h2")).to_be_focused()
    assert_it_fits(page)


def choose(page: Page, clip: Path) -> None:
    # A page that begins forgets what was chosen before.
    expect(page.locator("main > section:not([hidden])")).to_have_count(1)
    page.set_input_files("#file", clip)
    is_reviewed(page)


def is_reviewed(page: Page) -> None:
    """Wait until a video is shown, and the page knows whether it keeps it."""
    is_shown(page, "review")
    expect(page.locator("#review-kept")).not_to_be_empty()


def is_kept(page: Page, *names: str) -> None:
    """Wait until the page keeps these, and nothing else, in the browser's database."""
    until(page, lambda: sorted(list_kept(page)) == sorted(names))


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
