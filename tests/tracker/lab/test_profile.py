"""Where the time of an analysis goes: stages that add up, a floor below them, gains that follow."""

import json
import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.missing_modules import hide_modules
from tracker.cli.main import main
from tracker.lab.profile import STAGES, Floor, Profile, Stage, draw_profile, profile_video
from tracker.machine import measure_peak_bytes
from tracker.parameters import Parameters

MADE = Profile(
    source="a.mp4",
    width=1080,
    height=1920,
    fps=30.0,
    step=1,
    frames_decoded=100,
    frames_tracked=100,
    cores=2,
    decoded_ahead=False,
    stages=tuple(
        Stage(name, seconds, seconds)
        for name, seconds in zip(
            STAGES, (0.2, 0.1, 0.9, 0.15, 0.6, 0.05, 0.2, 0.05, 0.04, 0.01), strict=True
        )
    ),
    cpu_s=2.3,
    wall_s=2.4,
    peak_memory_mb=200.0,
    floor=Floor(decode_ms=8.0, face_mesh_ms=5.0),
    eye_width_px=60.0,
)
"""Decoding 0.9 s, looking at frames 1.0 s, the rest 0.4 s."""


def test_gains_are_worked_by_hand() -> None:
    gains = {gain.change: gain for gain in MADE.gains()}
    assert gains["--step 2"].cpu_s == pytest.approx(0.9 + 0.5 + 0.4)
    assert gains["--step 2"].wall_s == pytest.approx(1.8)
    assert gains["a second core"].cpu_s == pytest.approx(2.3)
    assert gains["a second core"].wall_s == pytest.approx(1.0 + 0.4)
    share = (720 / 1080) ** 2
    assert gains["recording at 720p"].cpu_s == pytest.approx(
        share * 0.9 + 1.0 - (1 - share) * 0.15 + 0.4
    )
    assert "40 px" in gains["recording at 720p"].note
    assert gains["folders with --workers 2"].wall_s == pytest.approx(1.15)
    walls = [gain.wall_s for gain in MADE.gains()]
    assert walls == sorted(walls)

    ahead = {gain.change: gain for gain in replace(MADE, decoded_ahead=True).gains()}
    assert "a second core" not in ahead
    assert ahead["--step 2"].wall_s == pytest.approx(0.9 + 0.4)
    small = replace(MADE, width=480, height=640, cores=1)
    assert {gain.change for gain in small.gains()} == {"--step 2", "a second core"}


def test_the_ratio_to_the_floor_is_worked_by_hand() -> None:
    assert MADE.frame_ms == pytest.approx(20.0)
    assert MADE.floor_ms == pytest.approx(13.0)
    # At a step of two, a tracked frame takes two decoded ones.
    assert replace(MADE, frames_tracked=50).floor_ms == pytest.approx(21.0)
    assert math.isnan(replace(MADE, floor=None).floor_ms)


def test_what_limits_is_the_largest_part() -> None:
    def limited(**seconds: float) -> str:
        stages = tuple(
            replace(stage, cpu_s=seconds.get(stage.name, stage.cpu_s)) for stage in MADE.stages
        )
        return replace(MADE, stages=stages, cpu_s=sum(one.cpu_s for one in stages)).limited_by

    assert limited().startswith("FaceMesh")
    assert limited(decode=1.1).startswith("Decoding")
    assert limited(load=5.0).startswith("Starting")
    assert limited(detector=2.0).startswith("Looking for faces")


@pytest.mark.parametrize("step", [1, 2])
def test_stages_add_up_to_the_whole(step: int, clips: Path) -> None:
    before_bytes = measure_peak_bytes()
    profile = profile_video(clips / "short.mp4", Parameters(step=step))
    assert [stage.name for stage in profile.stages] == list(STAGES)
    assert sum(stage.cpu_s for stage in profile.stages) == pytest.approx(profile.cpu_s)
    assert all(stage.cpu_s >= 0 for stage in profile.stages[:-1])
    other = profile.stages[-1]
    assert abs(other.cpu_s) < 0.2 * profile.cpu_s
    assert (profile.frames_decoded, profile.frames_tracked) == (180, 180 // step)
    assert all(profile.cpu_of(name) > 0 for name in ("decode", "convert", "face_mesh", "tracking"))
    assert profile.floor is not None
    assert 0 < profile.floor_ms < 1.5 * profile.frame_ms
    # Of the whole process, which has run other tests: no less than before, no more than after.
    assert 50 < before_bytes / 2**20 <= profile.peak_memory_mb <= measure_peak_bytes() / 2**20
    assert 10 < profile.eye_width_px < 60


def test_without_a_face_there_is_no_floor(clips: Path) -> None:
    profile = profile_video(clips / "no_face.mp4", Parameters())
    assert profile.floor is None
    document = profile.document()
    assert document["ratio_to_floor"] is document["eye_width_px"] is None
    json.dumps(document, allow_nan=False)
    assert "no face" in profile.describe()


def test_the_command_writes_a_picture_and_one_document(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["profile", str(clips / "tiny.mp4"), "--out", str(tmp_path)]
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["source"] == "tiny.mp4"
    assert sum(stage["cpu_share"] for stage in document["stages"]) == pytest.approx(1, abs=1e-4)
    assert {gain["change"] for gain in document["gains"]} >= {"--step 2"}
    picture = cv2.imread(str(tmp_path / "tiny.profile.png"))
    assert picture is not None
    assert np.ptp(picture) > 200
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.profile.png"]

    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "times the floor" in said
    assert all(text in said for text in STAGES.values())


def test_input_that_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", str(tmp_path / "missing.mp4"), "--out", str(tmp_path)]) == 3
    assert "missing.mp4" in capsys.readouterr().err


def test_without_matplotlib_there_is_no_picture(
    clips: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hide_modules(monkeypatch, "matplotlib")
    arguments = ["profile", str(clips / "tiny.mp4"), "--out", str(tmp_path)]
    assert main([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["frames_tracked"] == 5
    assert captured.err.count("\n") == 1
    assert "pip install matplotlib" in captured.err
    assert list(tmp_path.iterdir()) == []


def test_memory_that_the_system_does_not_tell_is_left_out() -> None:
    assert "peak memory 200 MB" in MADE.describe()
    unknown = replace(MADE, peak_memory_mb=math.nan)
    assert "memory" not in unknown.describe()
    assert "nan" not in unknown.describe()


def test_a_profile_without_frames_can_be_told_and_drawn(tmp_path: Path) -> None:
    nothing = replace(MADE, frames_tracked=0, floor=None, eye_width_px=math.nan)
    json.dumps(nothing.document(), allow_nan=False)
    assert nothing.describe()
    draw_profile(nothing, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000
