"""How well a picture shows the eyes: against hand-made pictures and known degradations."""

import dataclasses
import itertools
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmarks.sweeps import Degradation
from tracker.face.mesh import LANDMARK_COUNT, FaceMesh
from tracker.face.quality import (
    BLACK_LEVEL,
    GRID_PX,
    STRIP_ROWS,
    WHITE_LEVEL,
    ImageQuality,
    _sample_eye,
    measure_image,
    median_quality,
    worst_quality,
)
from tracker.lab.clip_spec import Image, make_spec
from tracker.lab.drawing import render_frame


@pytest.fixture(scope="module")
def face_mesh() -> FaceMesh:
    return FaceMesh()


@pytest.fixture(scope="module")
def picture() -> Image:
    return render_frame(make_spec(1.0, blinks_per_min=0, width=400, height=400), 0.0)


def find_points(face_mesh: FaceMesh, image: Image) -> np.ndarray:
    (region,) = face_mesh.detect(image)
    points = face_mesh.find_landmarks(image, region)
    assert points is not None
    return points


def box_points(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Landmarks that only span a box; the eyes lie in its middle."""
    points = np.empty((LANDMARK_COUNT, 2), np.float32)
    points[:] = ((left + right) / 2, (top + bottom) / 2)
    points[0], points[1] = (left, top), (right, bottom)
    return points


def test_sharpness_falls_with_blur_alone(face_mesh: FaceMesh, picture: Image) -> None:
    points = find_points(face_mesh, picture)
    sharp = measure_image(picture, points).sharpness
    blurred = [
        measure_image(Degradation(blur_sigma_px=sigma).apply(picture, 0), points)
        for sigma in (1.0, 2.0, 4.0)
    ]
    values = [sharp, *(quality.sharpness for quality in blurred)]
    assert all(after < 0.8 * before for before, after in itertools.pairwise(values))
    # How bright the picture is does not matter, and how large the eye little: blur that matters
    # lowers the sharpness ten times.
    darker = Degradation(gain=0.5).apply(picture, 0)
    assert measure_image(darker, points).sharpness == pytest.approx(sharp, rel=0.05)
    smaller = Degradation(scale=0.6).apply(picture, 0)
    small = measure_image(smaller, (points * 0.6).astype(np.float32))
    assert small.sharpness == pytest.approx(sharp, rel=0.35)


def test_sharpness_does_not_turn_with_the_head(face_mesh: FaceMesh) -> None:
    values = []
    for roll_deg in (0.0, 20.0):
        spec = make_spec(1.0, blinks_per_min=0, width=400, height=400, roll_deg=roll_deg)
        image = render_frame(spec, 0.0)
        values.append(measure_image(image, find_points(face_mesh, image)).sharpness)
    assert values[1] == pytest.approx(values[0], rel=0.15)


def test_sharpness_of_white_noise_on_the_grid_is_that_of_the_mask(rng: np.random.Generator) -> None:
    """4 neighbours of weight 1 around -4: 4 + 16 times the noise's variance."""
    values = []
    for _ in range(40):
        grey = np.clip(np.rint(128 + 20 * rng.standard_normal((200, 200))), 0, 255)
        image = cv2.cvtColor(grey.astype(np.uint8), cv2.COLOR_GRAY2BGR)
        points = box_points(0, 0, 199, 199)
        for first, second in ((362, 263), (33, 133)):
            points[first], points[second] = (80, 100), (80 + GRID_PX, 100)
        # The boxes have an even number of columns and rows: the grid would fall between pixels.
        points[[362, 263, 33, 133]] += 0.5
        values.append(measure_image(image, points).sharpness)
    assert np.median(values) == pytest.approx(20, rel=0.08)


def test_the_eye_is_sampled_upright_at_the_grid() -> None:
    """A step across the axis, half of an eye that is turned and larger than the grid."""
    for angle_deg, width_px in ((0.0, 20.0), (30.0, 60.0), (-45.0, 200.0)):
        angle = np.radians(angle_deg)
        axis = np.array([np.cos(angle), np.sin(angle)])
        y, x = np.mgrid[:400, :400]
        below = (y - 200) * axis[0] - (x - 200) * axis[1] > 0
        image = np.where(below[..., None], 200, 50).astype(np.uint8).repeat(3, axis=2)
        first, second = 200 - axis * width_px / 2, 200 + axis * width_px / 2
        box = _sample_eye(image, first, second)
        assert box.shape == (14, 24)
        np.testing.assert_allclose(box[:6], 50, atol=4)
        np.testing.assert_allclose(box[8:], 200, atol=4)


def test_exposure_is_that_of_the_face() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    image[50:150, 50:150] = 100
    image[50:150, 50:75] = 255
    quality = measure_image(image, box_points(50, 50, 149, 149))
    assert quality.face_grey == pytest.approx(0.25 * 255 + 0.75 * 100)
    assert quality.clipped_share == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("level", "clipped"), [(0, 1), (4, 1), (5, 0), (250, 0), (251, 1), (255, 1)]
)
def test_what_is_clipped(level: int, clipped: int) -> None:
    image = np.full((50, 50, 3), level, np.uint8)
    assert measure_image(image, box_points(5, 5, 40, 40)).clipped_share == clipped


def test_noise_is_measured_in_grey_levels(rng: np.random.Generator) -> None:
    grey = np.clip(np.rint(120 + 6 * rng.standard_normal((200, 200))), 0, 255).astype(np.uint8)
    # One channel in all three: their grey has the noise of the channel.
    quality = measure_image(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), box_points(0, 0, 199, 199))
    assert quality.noise_std == pytest.approx(6.0, rel=0.03)


@pytest.mark.parametrize("height", [3, STRIP_ROWS, STRIP_ROWS + 1, 2 * STRIP_ROWS + 2])
def test_a_face_of_several_strips_is_measured_as_a_whole(
    height: int, rng: np.random.Generator
) -> None:
    grey = rng.integers(0, 256, (height, 40))
    image = np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
    quality = measure_image(image, box_points(0, 0, 39, height - 1))
    # Immerkær's mask, written out: what is left of each pixel's second difference, both ways.
    across = grey[:, :-2] - 2 * grey[:, 1:-1] + grey[:, 2:]
    response = across[:-2] - 2 * across[1:-1] + across[2:]
    noise_std = np.abs(response).mean() * math.sqrt(math.pi / 2) / 6
    assert quality.noise_std == pytest.approx(noise_std, rel=1e-12)
    assert quality.face_grey == pytest.approx(grey.mean(), rel=1e-12)
    clipped = ((grey <= BLACK_LEVEL) | (grey >= WHITE_LEVEL)).mean()
    assert quality.clipped_share == pytest.approx(clipped, abs=1e-12)


def test_contrast_over_noise_has_the_floor_of_the_rounding() -> None:
    assert ImageQuality(eye_contrast=20, noise_std=4).contrast_over_noise == 5
    assert ImageQuality(eye_contrast=1, noise_std=0).contrast_over_noise == pytest.approx(12**0.5)
    assert math.isnan(ImageQuality().contrast_over_noise)


@pytest.mark.parametrize(
    "box", [(10, 10, 10, 10), (-500, -500, -400, -400), (900, 20, 1000, 60), (0, 0, 49, 49)]
)
def test_faces_at_the_edge_and_of_no_size_are_measured_or_not_but_never_fail(
    box: tuple[float, float, float, float],
) -> None:
    image = np.full((50, 50, 3), 128, np.uint8)
    values = dataclasses.asdict(measure_image(image, box_points(*box)))
    # Plain grey has no contrast, so that its sharpness is not defined.
    assert math.isnan(values["sharpness"])
    if box == (0, 0, 49, 49):
        assert (values["face_grey"], values["clipped_share"], values["noise_std"]) == (128, 0, 0)


def test_the_picture_is_not_changed(picture: Image, face_mesh: FaceMesh) -> None:
    before = picture.copy()
    measure_image(picture, find_points(face_mesh, picture))
    assert (picture == before).all()


def test_medians_leave_out_what_was_not_measured() -> None:
    pictures = [ImageQuality(sharpness=value) for value in (0.1, math.nan, 0.4, 0.2)]
    median = median_quality(pictures)
    assert median.sharpness == 0.2
    assert math.isnan(median.face_grey)
    assert math.isnan(median_quality([]).sharpness)


def test_the_worst_of_joined_recordings() -> None:
    good, bad = ImageQuality(0.5, 20, 1, 110, 0.0), ImageQuality(0.9, 10, 5, 40, 0.2)
    worst = worst_quality([good, ImageQuality(), bad])
    assert worst == ImageQuality(0.5, 10, 5, 40, 0.2)
    assert math.isnan(worst_quality([ImageQuality()]).sharpness)
    blurred = replace(bad, sharpness=math.nan)
    assert worst_quality([blurred, good]).sharpness == good.sharpness
    assert worst_quality([good, blurred]).sharpness == good.sharpness
