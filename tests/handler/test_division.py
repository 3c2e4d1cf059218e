"""How a recording is divided, and what that costs."""

import re
from pathlib import Path

import pytest

from handler.division import divide
from handler.engine import _estimate_s
from tracker.parameters import Parameters
from tracker.video.frames import VideoInfo

ROOT = Path(__file__).parents[2]
CPU_SHARE = 1024 / 1769
"""Of a function of 1024 MB."""


@pytest.mark.parametrize(
    ("cpu_s", "share", "workers", "segments"),
    [
        (0.0, 0.5, 12, 1),
        (15.0, 0.5, 12, 1),
        (15.1, 0.5, 12, 2),
        (180.0, 0.5, 12, 12),
        # 13 would make 12 workers wait for one.
        (181.0, 0.5, 12, 24),
        (181.0, 0.5, 13, 13),
        (1e6, 0.5, 12, 1000),
    ],
)
def test_segments_fill_whole_rounds(
    cpu_s: float, share: float, workers: int, segments: int
) -> None:
    assert divide(cpu_s, share, workers).segments == segments


def test_the_estimate_is_the_sum_of_what_aws_asks_for() -> None:
    """Worked by hand, with the list prices."""
    share = 1024 / 1769
    division = divide(207.3, share, 12)
    # 207.3 s of a core take 358.12 s with 0.57886 of one: 12 segments of 29.84 s.
    assert division.segments == 12
    assert division.expected_s == pytest.approx(10 + 2 + 29.84, abs=0.01)
    # 388.12 GB-s at $16.6667 a million are $0.0064687; 15 invocations at $0.20 a million and their
    # writes at $5 a million $0.0000780; 50 transitions at $25 a million $0.0012500.
    assert division.cost_usd == pytest.approx(0.0064687 + 0.0000780 + 0.00125, abs=2e-6)
    assert division.document() == {"segments": 12, "expected_s": 42, "cost_usd": 0.0078}


def test_the_default_of_max_frames_bounds_a_segment_and_a_choice_the_recording() -> None:
    assert Parameters().cover_whole().max_frames == 216_000
    assert Parameters(max_frames=11_999).cover_whole().max_frames == 11_999
    assert Parameters(max_frames=54_000).cover_whole().max_frames == 54_000


# What the docs say of it


def estimate(height_px: int, minutes: int, workers: int = 12) -> dict[str, float]:
    info = VideoInfo(height_px * 16 // 9, height_px, 30.0, minutes * 60 * 30)
    cpu_s = _estimate_s(info, Parameters().cover_whole())
    return divide(cpu_s, CPU_SHARE, workers).document()


def test_the_table_of_the_docs_is_computed() -> None:
    text = (ROOT / "docs" / "aws.md").read_text()
    rows = re.findall(
        r"^\| ([0-9]+) min of ([0-9]+)p30 \| ([0-9]+) \| ([0-9]+) \| ([0-9]+) \| ([0-9.]+) \|$",
        text,
        re.MULTILINE,
    )
    assert [(row[0], row[1]) for row in rows] == [
        (minutes, height) for height in ("720", "1080") for minutes in ("10", "30", "60")
    ]
    for minutes, height, workers, segments, seconds, usd in rows:
        assert estimate(int(height), int(minutes), int(workers)) == {
            "segments": int(segments),
            "expected_s": int(seconds),
            "cost_usd": pytest.approx(float(usd), abs=5e-4),
        }


def test_the_readmes_cost_is_computed() -> None:
    text = (ROOT / "README.md").read_text()
    (found,) = re.findall(
        r"the first row has room to spare: ([0-9]+) s and \$([0-9]+\.[0-9]+)", text
    )
    told = estimate(720, 10)
    assert int(found[0]) == told["expected_s"] < 60
    assert float(found[1]) == pytest.approx(told["cost_usd"], abs=5e-4)


def test_no_segment_is_longer_than_max_frames() -> None:
    """By default, `max_frames` bounds a segment: also of the smallest pictures."""
    for size in (16, 64, 320, 1280, 4096):
        for frames in (13_000, 54_000, 216_000):
            cpu_s = _estimate_s(VideoInfo(size, size, 30.0, frames), Parameters().cover_whole())
            for workers in (1, 12, 1000):
                segments = divide(cpu_s, CPU_SHARE, workers).segments
                assert frames / segments <= Parameters().max_frames
