"""``python -m benchmarks.report_picture OUT.png``: a picture of the demo clip's report."""

import shutil
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from tracker.face.mesh import FaceMesh
from tracker.files.participants import Participant
from tracker.lab.clip_spec import demo_spec
from tracker.lab.synthetic import write_clip
from tracker.parameters import Parameters
from tracker.study.recording import Recording, Request, analyze_recording

WIDTH_PX, ANSWER_HEIGHT_PX, EVIDENCE_HEIGHT_PX = 1180, 655, 500


def main() -> None:
    """Take a picture of the report's first screen and, below it, of a blink's evidence."""
    from playwright.sync_api import sync_playwright

    target = Path(sys.argv[1])
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("chromium is missing: install it (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = Path(folder) / "demo.mp4"
        write_clip(clip, demo_spec())
        result = analyze_recording(
            Recording(
                clip, Path(folder), "demo", "demo.mp4", Participant("P-017", visit="month 6")
            ),
            Parameters(task="up_down"),
            Request(report="en"),
            FaceMesh,
        )
        chromium = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page(viewport={"width": WIDTH_PX, "height": ANSWER_HEIGHT_PX})
        page.goto(result.files["report"].as_uri())
        shots = [page.screenshot()]
        page.set_viewport_size({"width": WIDTH_PX, "height": EVIDENCE_HEIGHT_PX})
        page.emulate_media(reduced_motion="reduce")
        page.reload()
        page.click("#event-table tbody tr:nth-child(3)")
        page.wait_for_timeout(500)
        shots.append(page.screenshot())
        chromium.close()
    pictures = [cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR) for shot in shots]
    cv2.imwrite(str(target), np.vstack([one for one in pictures if one is not None]))
    print(f"written {target}")


if __name__ == "__main__":
    main()
