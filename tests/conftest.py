"""What tests share: one seeded source of random numbers; models, clips and AWS, made once."""

import gc
import itertools
import os
import shutil
import signal
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.lengths import AGAIN, AHEAD, FEW, LONG, start_fast

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType

    from handler.engine import Engine
    from tests.aws_server import Aws


# In the background of a shell, a process ignores Ctrl-C, and so would all programs that the tests
# start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

MARK_OF = {"chromium_path": "browser", "aws_server": "aws"}
"""What a test is marked as for the fixture that it uses, itself or through another one."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by what they need, before those that are not asked for are left out.

    Those that belong to the long form are left out here; pytest counts them as deselected. Of the
    kernels' tests that run again, three in four cases are.
    """
    for item in items:
        for fixture, mark in MARK_OF.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
    later = {mark for mark, left_out in (("long", not LONG), ("repeats", FEW)) if left_out}
    deselected = {item for item in items if later & {mark.name for mark in item.iter_markers()}}
    if AGAIN:
        cases = [item for item in items if item not in deselected]
        for _, of_one in itertools.groupby(cases, lambda item: item.nodeid.partition("[")[0]):
            # By their names: every fourth one may have the same value of a parameter.
            ranked = sorted(of_one, key=lambda item: zlib.crc32(item.nodeid.encode()))
            deselected.update(ranked[-(-len(ranked) // 4) :])
    items[:] = [item for item in items if item not in deselected]
    config.hook.pytest_deselected(items=[*deselected])


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Look for no garbage while tests are collected: there is none, and it takes long.

    What was collected is no garbage later, either.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _processes_start_fast() -> None:
    """Let all processes that tests start find the kernels that are compiled ahead of time.

    This process has loaded its kernels before. In the long form, the processes load Numba, too.
    """
    if AHEAD and not LONG:
        os.environ["PYTHONPATH"] = start_fast()["PYTHONPATH"]
        # Processes that are spawned get this one's path.
        sys.path.append(AHEAD)


@pytest.fixture
def rng() -> np.random.Generator:
    """Return the same random numbers to every test that asks."""
    return np.random.default_rng(20160203)


@pytest.fixture(scope="session")
def engine() -> "Engine":
    from handler.engine import Engine

    return Engine()


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with tiny.mp4 (0.5 s), short.mp4 (12 s), no_face.mp4 and still.png."""
    import cv2

    from tracker.lab.clip_spec import ClipSpec, make_spec
    from tracker.lab.drawing import render_frame
    from tracker.lab.synthetic import write_clip

    folder = tmp_path_factory.mktemp("clips")
    small = {"width": 320, "height": 240}
    write_clip(folder / "tiny.mp4", make_spec(0.5, fps=10.0, blinks_per_min=0.0, **small))
    write_clip(folder / "short.mp4", make_spec(12.0, fps=15.0, seed=3, **small))
    nobody = ClipSpec(duration_s=1.0, fps=15.0, dropouts_s=((0.0, 1.0),), **small)
    write_clip(folder / "no_face.mp4", nobody)
    cv2.imwrite(str(folder / "still.png"), render_frame(make_spec(4.0, **small), 0.0))
    return folder


@pytest.fixture(scope="session")
def aws_server() -> Iterator["Aws"]:
    from tests.aws_server import run_aws

    with run_aws() as aws:
        yield aws


@pytest.fixture
def aws(
    request: pytest.FixtureRequest, aws_server: "Aws", monkeypatch: pytest.MonkeyPatch
) -> "Aws":
    """Return AWS without records, files, messages and faults; the environment leads to it."""
    # Who asks for it while it runs, by `getfixturevalue`, has to say so before.
    assert request.node.get_closest_marker("aws"), "mark the test, or its parameter, as `aws`"
    aws_server.clear()
    for name, value in aws_server.environment.items():
        monkeypatch.setenv(name, value)
    return aws_server


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return where the machine's Chromium is; without one the tests that ask for it are skipped,
    but where EYE_TRACKING_NEEDS_BROWSER is set they fail.

    In the short form, this is Chromium's headless shell where the machine has it, too: it has no
    windows, so that a new page costs a third. The long form has the browser that people have.
    """
    path = shutil.which("chromium")
    if path is None:
        missing = "there is no `chromium` in PATH (Debian: apt-get install chromium)"
        if os.environ.get("EYE_TRACKING_NEEDS_BROWSER"):
            pytest.fail(missing)
        pytest.skip(missing)
    return path if LONG else shutil.which("chromium-headless-shell") or path


@pytest.fixture(scope="session")
def playwright_chromium(chromium_path: str) -> "Iterator[BrowserType]":
    """Return what starts browsers. There can be only one at a time."""
    from playwright.sync_api import expect, sync_playwright

    from tests.browsing import PATIENCE_S

    expect.set_options(timeout=1000 * PATIENCE_S)
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="session")
def plain_browser(playwright_chromium: "BrowserType", chromium_path: str) -> "Iterator[Browser]":
    """Return the machine's Chromium, without a camera."""
    flags = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
    browser = playwright_chromium.launch(executable_path=chromium_path, args=list(flags))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def chromium(
    playwright_chromium: "BrowserType",
    chromium_path: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> "Iterator[Browser]":
    """Return the machine's Chromium with a camera that plays a clip."""
    from tests.browsing import launch, write_camera

    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    write_camera(path)
    browser = launch(playwright_chromium, chromium_path, path)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a local server for the tests of pages."""
    from tests.local_server import start

    process, address = start(tmp_path_factory.mktemp("browser") / "data")
    yield address
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
