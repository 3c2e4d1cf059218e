"""The cost of the report: eye pictures while tracking, and writing the page."""

from pathlib import Path

import pytest

from benchmarks.conftest import Race, Ratio
from tracker.face.mesh import FaceMesh
from tracker.lab.clip_spec import make_spec
from tracker.lab.synthetic import write_clip
from tracker.parameters import Parameters
from tracker.study.recording import Recording, Request, analyze_recording


@pytest.mark.benchmark(group="report")
def test_a_report_adds_a_tenth_at_most(
    race: Race, ratio: Ratio, short: bool, tmp_path: Path
) -> None:
    """Time an analysis with and without a report, from the video to the files.

    The video is a minute of 720p30, or 6 s in the short version.
    """
    clip = tmp_path / "clip.mp4"
    write_clip(clip, make_spec(6.0 if short else 60.0, fps=30.0, width=1280, height=720))
    mesh = FaceMesh()

    def analyze(request: Request, name: str) -> Path:
        recording = Recording(clip, tmp_path / name, "clip", "clip.mp4")
        result = analyze_recording(recording, Parameters(), request, lambda: mesh)
        return result.files.get("report", tmp_path / name / "clip.report.html")

    assert "data:image/jpeg" in analyze(Request(report="en"), "with").read_text(encoding="utf-8")
    assert not analyze(Request(), "without").exists()
    medians = race(
        {
            "with": lambda: analyze(Request(report="en"), "with"),
            "without": lambda: analyze(Request(), "without"),
        },
        rounds=5 if short else 7,
    )
    # The promised bound is 1.10. In six seconds, noise is too large to check it.
    bound = 1.15 if short else 1.10
    ratio(
        "analysis with a report over without", medians["with"] / medians["without"], at_most=bound
    )
