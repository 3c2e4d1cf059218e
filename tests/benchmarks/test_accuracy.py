"""The sweeps' short version: the gaze's slope and R², and the parts that the sweeps stand on."""

import functools
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.accuracy import (
    GazeResponse,
    _keep,
    find_changes,
    measure_gaze_range,
    measure_gaze_response,
)
from benchmarks.recordings import Jerk, find_recordings, format_jerks
from benchmarks.sweeps import MAX_FIXED_PEAK_TO_PEAK, Degradation, Point
from tests.lengths import LONG
from tests.made_tracks import make_landmarks, make_track
from tracker.face.mesh import FaceMesh
from tracker.face.quality import ImageQuality
from tracker.lab.clip_spec import Image, make_spec
from tracker.lab.drawing import render_frame
from tracker.tracks.archive import load_track, save_track

Measure = Callable[[float, float], GazeResponse]


@pytest.fixture(scope="module")
def face_mesh() -> FaceMesh:
    return FaceMesh()


# What is measured of what is drawn


CONDITIONS = [(1.0, -20.0)]
CONDITIONS += (
    [(0.75, 0.0), (1.5, 0.0), (1.0, -10.0), (1.0, 10.0), (1.0, 20.0), (0.5, 0.0)] if LONG else []
)


@pytest.fixture(scope="module")
def measure(face_mesh: FaceMesh) -> Iterator[Measure]:
    """Yield a function that measures each condition once; in the short form, at fewer levels."""
    with pytest.MonkeyPatch.context() as patch:
        if not LONG:
            patch.setattr(accuracy, "STAIRS", 5)
        yield functools.cache(lambda *condition: measure_gaze_response(face_mesh, *condition))


@pytest.mark.parametrize(
    ("zoom", "roll_deg"),
    [
        *((1.0, 0.0), (1.0, -20.0)),
        pytest.param(0.75, 0.0, marks=pytest.mark.long),
        pytest.param(1.5, 0.0, marks=pytest.mark.long),
        pytest.param(1.0, 20.0, marks=pytest.mark.long),
    ],
)
@pytest.mark.slow
def test_measured_gaze_is_linear_in_the_drawn_one(
    measure: Measure, zoom: float, roll_deg: float
) -> None:
    response = measure(zoom, roll_deg)
    # Lids that follow the gaze take a part of it along, and not everywhere the same part.
    assert response.vertical_r2 >= 0.97
    assert response.horizontal_r2 >= 0.98


@pytest.mark.parametrize(("zoom", "roll_deg"), CONDITIONS)
@pytest.mark.slow
def test_gaze_slope_is_stable(measure: Measure, zoom: float, roll_deg: float) -> None:
    plain, response = measure(1.0, 0.0), measure(zoom, roll_deg)
    assert response.horizontal_slope == pytest.approx(plain.horizontal_slope, rel=0.1)
    # Of the vertical slopes, the upright face's is not the middle one.
    mean = np.mean([measure(*condition).vertical_slope for condition in [(1.0, 0.0), *CONDITIONS]])
    assert response.vertical_slope == pytest.approx(mean, rel=0.1)


@pytest.mark.slow
@pytest.mark.long
def test_measured_range_is_linear_in_the_drawn_one(face_mesh: FaceMesh) -> None:
    ranges = [measure_gaze_range(face_mesh, amplitude) for amplitude in (0.0, 0.06, 0.12)]
    drawn = [r.drawn for r in ranges]
    assert drawn == [0.0, 0.12, 0.24]
    assert np.corrcoef(drawn, [r.vertical for r in ranges])[0, 1] ** 2 >= 0.98
    assert np.corrcoef(drawn, [r.horizontal for r in ranges])[0, 1] ** 2 >= 0.98
    # A gaze that is fixed must read as such: the verdict's threshold is 0.06.
    assert ranges[0].vertical < MAX_FIXED_PEAK_TO_PEAK


@pytest.mark.slow
@pytest.mark.long
def test_a_sweep_reaches_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accuracy.main(["--short", "--only", "rate", "--out", str(tmp_path)])
    document = json.loads((tmp_path / "accuracy.json").read_text())
    (sweep,) = document["sweeps"]
    assert sweep["name"] == "rate"
    points = {point["value"]: point for point in sweep["points"]}
    assert list(points) == [5.0, 10.0, 30.0]
    assert points[30.0]["f1"] == 1.0
    assert points[30.0]["moving_ratio"] == 1.0
    assert points[5.0]["rate_hz"] == pytest.approx(5.0)
    assert cv2.imread(str(tmp_path / "accuracy.png")) is not None
    assert "rate: frames per second" in capsys.readouterr().out


def test_a_part_of_a_track_is_a_track_that_can_be_kept(tmp_path: Path) -> None:
    """Frames 10 to 29 of 40: their times begin at 0, as those of every track."""
    whole = make_track(make_landmarks(np.full(40, 0.3), 0))
    part = _keep(whole, (np.arange(40) >= 10) & (np.arange(40) < 30))
    save_track(part, tmp_path / "part.npz")
    loaded = load_track(tmp_path / "part.npz")
    np.testing.assert_allclose(loaded.times_s, np.arange(20) / 30, atol=1e-12)
    np.testing.assert_array_equal(loaded.frame_index, np.arange(10, 30))


# How a picture is degraded and measured


@pytest.fixture(scope="module")
def picture() -> Image:
    return render_frame(make_spec(1.0, blinks_per_min=0, width=400, height=400), 0.0)


def test_degradation_does_what_it_says(picture: Image) -> None:
    before = picture.copy()
    clean = Degradation()
    assert clean.apply(picture, 0) is picture
    half = Degradation(scale=0.5).apply(picture, 0)
    assert half.shape == (200, 200, 3)
    assert half[10, 20] == pytest.approx(picture[20:22, 40:42].mean(axis=(0, 1)), abs=0.6)
    dark = Degradation(gain=0.25).apply(picture, 0)
    assert np.abs(dark - picture / 4.0).max() <= 0.5
    grey = np.full((200, 300, 3), 128, np.uint8)
    noisy = Degradation(noise_std=5.0).apply(grey, 3)
    assert noisy.astype(float).std() == pytest.approx(5.0, rel=0.03)
    assert (noisy == Degradation(noise_std=5.0).apply(grey, 3)).all()
    assert (noisy != Degradation(noise_std=5.0).apply(grey, 4)).any()
    assert (picture == before).all()


# What is broken, what moved, and what is annotated


def test_what_cannot_be_measured_is_broken() -> None:
    fine = Point(0, 0.01, 1.05, 1.0, 0, 8, 1.0, 40, 30, 20, 0.01, ImageQuality(), 2)
    assert fine.failures == []
    lost = replace(
        fine, fixed_peak_to_peak=math.inf, moving_ratio=math.nan, f1=0.0, face_coverage=0.0
    )
    assert lost.failures == ["F1", "fixed", "ratio", "coverage"]
    # No clip with a fixed gaze among them: nothing to fail.
    assert replace(fine, fixed_peak_to_peak=math.nan).failures == []


def test_what_moved_against_the_baseline_is_named() -> None:
    def document(f1: float | None, ratio: float, value: float = 0.1) -> dict[str, object]:
        point = {"value": value, "f1": f1, "moving_ratio": ratio, "rate_hz": 30.0 * ratio}
        return {
            "gaze_ranges": [{"drawn": 0.08, "vertical": 0.04, "horizontal": 0.05}],
            "gaze_responses": [],
            "faces": [{"face": "officer", "lid_follow": 1.0, "drawn": 0.12, "ear_down": 0.85}],
            "sweeps": [{"name": "blur", "points": [point]}],
            "losses": {"coverage": [{"value": 0.7, "range_error": 0.1}]},
        }

    before = document(0.99, 1.0)
    assert find_changes(before, before) == []
    within = accuracy.NOTED_CHANGES["moving_ratio"] * 0.99
    assert find_changes(document(0.99, 1 - within), before) == []
    assert find_changes(document(0.9, 0.9), before) == [
        "blur 0.1: moving_ratio 1.0 -> 0.9",
        "blur 0.1: f1 0.99 -> 0.9",
    ]
    assert find_changes(document(None, 1.0), before) == ["blur 0.1: f1 0.99 -> None"]
    assert find_changes(before, document(None, 1.0)) == ["blur 0.1: f1 None -> 0.99"]
    # Another level of the sweep is another condition.
    assert find_changes(document(0.5, 0.5, value=0.2), before) == []
    other = document(0.99, 1.0)
    other["losses"] = {"coverage": [{"value": 0.7, "range_error": 0.2}]}
    assert find_changes(other, before) == ["lost, coverage 0.7: range_error 0.1 -> 0.2"]
    other = document(0.99, 1.0)
    other["faces"] = [{"face": "officer", "lid_follow": 1.0, "drawn": 0.12, "ear_down": 0.7}]
    assert find_changes(other, before) == ["face officer 1 0.12: ear_down 0.85 -> 0.7"]


def test_the_stored_baseline_has_every_table() -> None:
    """So that nothing is left uncompared because it is not there."""
    baseline = json.loads(accuracy.BASELINE.read_text())
    assert len(baseline["gaze_ranges"]) == 8
    assert len(baseline["gaze_responses"]) == 8
    assert len(baseline["faces"]) == 5 * 3 * 3
    assert {sweep["name"] for sweep in baseline["sweeps"]} >= {
        "size", "blur", "noise", "dark", "bright", "zoom", "roll", "rate", "length", "step",
        *accuracy.CODEC_LEVELS,
    }  # fmt: skip
    assert set(baseline["losses"]) == {"coverage", "gaps", "length"}
    assert find_changes(baseline, baseline) == []


def test_jerks_are_listed_with_their_rate() -> None:
    """Two events have a Poisson interval of 0.24 to 7.22."""
    jerks = [Jerk("a", 60, 73, -2.54, 3.0), Jerk("b", 30, 40, 3.27, 4.4)]
    assert format_jerks(jerks, 100.4, 60.0).splitlines()[1:] == [
        "2 square-wave jerks in 100 s, of which 60 s could show one: 2.0 a minute (0.2-7.2)",
        "clip, frames, degrees, visible from",
        "a 60-73 -2.5 3.0",
        "b 30-40 +3.3 4.4",
    ]


def test_recordings_are_those_annotated_and_the_one_that_moves(tmp_path: Path) -> None:
    for name in ("zju", "blinks"):
        (tmp_path / name).mkdir()
    (tmp_path / "zju/clips.csv").write_text("video,tag_first,tag_last\na.mp4,1,90\n")
    (tmp_path / "zju/blinks.csv").write_text("video,start,end\na.mp4,10,17\n")
    (tmp_path / "blinks/b.mp4").touch()
    (tmp_path / "blinks/b.blinks.csv").write_text("start,end,kind\n3,8,blink\n20,90,long_closure\n")
    first, second, last = find_recordings(tmp_path)
    assert (first.path.name, first.fixed) == ("b.mp4", False)
    assert (second.path.name, second.fixed) == ("a.mp4", True)
    assert (last.path.name, last.clip, last.fixed) == ("up_down.mp4", None, False)
