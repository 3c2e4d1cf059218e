"""The sweeps' short version: the gaze's slope and R², and the parts that the sweeps stand on."""

import functools
import itertools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.accuracy import (
    Degradation,
    GazeResponse,
    Point,
    compute_f1,
    find_recordings,
    measure_gaze_range,
    measure_gaze_response,
    measure_picture,
    score_blinks,
)
from benchmarks.synthetic import Image, make_spec, render_frame
from tracker.face_mesh import FaceMesh

Measure = Callable[[float, float], GazeResponse]


@pytest.fixture(scope="module")
def face_mesh() -> FaceMesh:
    return FaceMesh()


# What is measured of what is drawn


def known(roll_deg: float, deviation: str, *, strict: bool) -> object:
    """A roll at which the slope is known to leave the 10 % that are asked for."""
    # FaceMesh follows vertical gaze to a share that jumps with how its crop frames the face, by up
    # to 20 % (docs/accuracy.md). Strict where no rounding on another CPU could make it pass.
    reason = f"the vertical slope is {deviation} at a roll of {roll_deg:g} degrees"
    return pytest.param(1.0, roll_deg, marks=pytest.mark.xfail(reason=reason, strict=strict))


CONDITIONS = [
    (0.75, 0.0),
    (1.5, 0.0),
    (1.0, -20.0),
    known(-10.0, "+20 %", strict=True),
    known(10.0, "+20 %", strict=True),
    known(20.0, "+11 %", strict=False),
]


@pytest.fixture(scope="module")
def measure(face_mesh: FaceMesh) -> Measure:
    """Return a function that measures each condition once."""
    return functools.cache(lambda zoom, roll_deg: measure_gaze_response(face_mesh, zoom, roll_deg))


@pytest.mark.parametrize(
    ("zoom", "roll_deg"), [(1.0, 0.0), (0.75, 0.0), (1.5, 0.0), (1.0, -20.0), (1.0, 20.0)]
)
def test_measured_gaze_is_linear_in_the_drawn_one(
    measure: Measure, zoom: float, roll_deg: float
) -> None:
    response = measure(zoom, roll_deg)
    assert response.vertical_r2 >= 0.98
    assert response.horizontal_r2 >= 0.98


@pytest.mark.parametrize(("zoom", "roll_deg"), CONDITIONS)
def test_gaze_slope_is_stable(measure: Measure, zoom: float, roll_deg: float) -> None:
    plain, response = measure(1.0, 0.0), measure(zoom, roll_deg)
    assert response.horizontal_slope == pytest.approx(plain.horizontal_slope, rel=0.1)
    assert response.vertical_slope == pytest.approx(plain.vertical_slope, rel=0.1)


def test_measured_range_is_linear_in_the_drawn_one(face_mesh: FaceMesh) -> None:
    ranges = [measure_gaze_range(face_mesh, amplitude) for amplitude in (0.0, 0.06, 0.12)]
    drawn = [r.drawn for r in ranges]
    assert drawn == [0.0, 0.12, 0.24]
    assert np.corrcoef(drawn, [r.vertical for r in ranges])[0, 1] ** 2 >= 0.98
    assert np.corrcoef(drawn, [r.horizontal for r in ranges])[0, 1] ** 2 >= 0.98
    # A gaze that is fixed must read as such: the verdict's threshold is 0.06.
    assert ranges[0].vertical < accuracy.MAX_FIXED_PEAK_TO_PEAK


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


# How a picture is degraded and measured


@pytest.fixture(scope="module")
def picture() -> Image:
    return render_frame(make_spec(1.0, blinks_per_min=0, width=400, height=400), 0.0)


def find_points(face_mesh: FaceMesh, image: Image) -> np.ndarray:
    (region,) = face_mesh.detect(image)
    points = face_mesh.find_landmarks(image, region)
    assert points is not None
    return points


def test_degradation_does_what_it_says(picture: Image) -> None:
    before = picture.copy()
    clean = Degradation(noise_std=0.0)
    assert clean.apply(picture, 0) is picture
    half = Degradation(scale=0.5, noise_std=0.0).apply(picture, 0)
    assert half.shape == (200, 200, 3)
    assert half[10, 20] == pytest.approx(picture[20:22, 40:42].mean(axis=(0, 1)), abs=0.6)
    dark = Degradation(gain=0.25, noise_std=0.0).apply(picture, 0)
    assert np.abs(dark - picture / 4.0).max() <= 0.5
    grey = np.full((200, 300, 3), 128, np.uint8)
    noisy = Degradation(noise_std=5.0).apply(grey, 3)
    assert noisy.astype(float).std() == pytest.approx(5.0, rel=0.03)
    assert (noisy == Degradation(noise_std=5.0).apply(grey, 3)).all()
    assert (noisy != Degradation(noise_std=5.0).apply(grey, 4)).any()
    assert (picture == before).all()


def test_sharpness_falls_with_blur_alone(face_mesh: FaceMesh, picture: Image) -> None:
    points = find_points(face_mesh, picture)
    sharp = measure_picture(picture, points).sharpness
    blurred = [
        measure_picture(Degradation(blur_sigma_px=sigma, noise_std=0.0).apply(picture, 0), points)
        for sigma in (1.0, 2.0, 4.0)
    ]
    values = [sharp, *(quality.sharpness for quality in blurred)]
    assert all(after < 0.8 * before for before, after in itertools.pairwise(values))
    # How bright the picture is does not matter, and how large the eye little: blur that matters
    # lowers the sharpness ten times.
    darker = Degradation(gain=0.5, noise_std=0.0).apply(picture, 0)
    assert measure_picture(darker, points).sharpness == pytest.approx(sharp, rel=0.05)
    smaller = Degradation(scale=0.6, noise_std=0.0).apply(picture, 0)
    small = measure_picture(smaller, (points * 0.6).astype(np.float32))
    assert small.sharpness == pytest.approx(sharp, rel=0.35)


def test_sharpness_does_not_turn_with_the_head(face_mesh: FaceMesh) -> None:
    values = []
    for roll_deg in (0.0, 20.0):
        spec = make_spec(1.0, blinks_per_min=0, width=400, height=400, roll_deg=roll_deg)
        image = render_frame(spec, 0.0)
        values.append(measure_picture(image, find_points(face_mesh, image)).sharpness)
    assert values[1] == pytest.approx(values[0], rel=0.15)


def test_exposure_is_that_of_the_face() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    image[50:150, 50:150] = 100
    image[50:150, 50:75] = 255
    points = np.zeros((478, 2), np.float32)
    points[:] = 50
    points[0] = 149
    quality = measure_picture(image, points)
    assert quality.face_grey == pytest.approx(0.25 * 255 + 0.75 * 100)
    assert quality.clipped_share == pytest.approx(0.25)


def test_noise_is_measured_in_grey_levels(rng: np.random.Generator) -> None:
    grey = np.clip(np.rint(120 + 6 * rng.standard_normal((200, 200))), 0, 255).astype(np.uint8)
    points = np.zeros((478, 2), np.float32)
    points[0] = 199
    # One channel in all three: their grey has the noise of the channel.
    quality = measure_picture(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), points)
    assert quality.noise_std == pytest.approx(6.0, rel=0.03)


# How blinks are scored


@pytest.mark.parametrize(
    ("predicted", "true", "expected"),
    [
        ([], [], (0, 0, 0)),
        ([(1, 4)], [(3, 9)], (1, 0, 0)),
        ([(1, 3)], [(3, 9)], (0, 1, 1)),  # half-open: they only touch
        ([(1, 9)], [(1, 3), (5, 9)], (1, 0, 1)),  # each is used once
        ([(1, 3), (5, 9)], [(1, 9)], (1, 1, 0)),
    ],
)
def test_score(
    predicted: list[tuple[float, float]],
    true: list[tuple[float, float]],
    expected: tuple[int, int, int],
) -> None:
    assert score_blinks(predicted, true) == expected


def test_f1() -> None:
    assert compute_f1(8, 1, 3) == pytest.approx(16 / 20)
    assert math.isnan(compute_f1(0, 0, 0))


def test_what_cannot_be_measured_is_broken() -> None:
    fine = Point(0, 0.01, 1.05, 1.0, 0, 8, 1.0, 40, 30, accuracy.PictureQuality(), 2)
    assert fine.failures == []
    lost = Point(0, math.inf, math.nan, 0.0, -8, 8, 0.0, 40, 30, accuracy.PictureQuality(), 2)
    assert lost.failures == ["F1", "fixed", "ratio", "coverage"]
    # No clip with a fixed gaze among them: nothing to fail.
    assert replace(fine, fixed_peak_to_peak=math.nan).failures == []


def test_annotations_are_read_as_half_open_frames(tmp_path: Path) -> None:
    for name in ("zju", "blinks"):
        (tmp_path / name).mkdir()
    (tmp_path / "zju/clips.csv").write_text("video,tag_first,tag_last\na.mp4,1,90\n")
    (tmp_path / "zju/blinks.csv").write_text("video,start,end\na.mp4,10,17\n")
    (tmp_path / "blinks/b.mp4").touch()
    (tmp_path / "blinks/b.blinks.csv").write_text("start,end,kind\n3,8,blink\n20,90,long_closure\n")
    first, second, last = find_recordings(tmp_path)
    assert (first.blinks, first.annotated, first.fixed) == ([(10, 18)], (1, 91), True)
    assert (second.blinks, second.fixed) == ([(3, 9)], False)
    assert last.blinks is None
