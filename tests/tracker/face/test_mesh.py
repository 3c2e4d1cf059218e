"""FaceMesh against MediaPipe's own, on rendered frames; one picture's measures, on a made face."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import FACE_MESH_INDICES
from tests.made_tracks import make_landmarks
from tests.mediapipe_graphs import (
    REFINED,
    MediaPipeMesh,
    find_from_mediapipes_picture,
    require_mediapipe,
)
from tracker.face.mesh import LANDMARK_COUNT, SIDE_PX, FaceMesh
from tracker.face.region import Region, region_of
from tracker.lab.clip_spec import ClipSpec
from tracker.lab.drawing import render_frame
from tracker.measures.still import analyze_image
from tracker.video.frames import Image


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return FaceMesh()


@pytest.fixture(scope="module")
def reference() -> MediaPipeMesh:
    require_mediapipe()
    return MediaPipeMesh()


@pytest.mark.parametrize("roll_deg", [0, 45, -30])
@pytest.mark.parametrize("time_s", [0.0, 0.4])
def test_the_same_pixels_give_mediapipes_landmarks(
    mesh: FaceMesh, reference: MediaPipeMesh, roll_deg: float, time_s: float
) -> None:
    """Of the region's picture as MediaPipe's graph makes it: 192 pixels a side, 8 bits."""
    image = render_frame(ClipSpec(roll_deg=roll_deg), time_s)
    (detected, *_) = mesh.detect(image)
    first = mesh.find_landmarks(image, detected)
    assert first is not None
    for region in (detected, region_of(first)):
        expected = reference.find_landmarks(image, region)
        points = find_from_mediapipes_picture(mesh, image, region)
        assert expected is not None
        assert points is not None
        to_region_px = SIDE_PX / region.side_px
        difference = np.linalg.norm(points - expected, axis=1) * to_region_px
        assert difference[REFINED].max() < 0.05
        # Of the lips, which are not refined here.
        assert difference.max() > 0.05


@pytest.mark.parametrize("roll_deg", [0, 45, -30])
@pytest.mark.parametrize("shift_x_px", [0, 350])
def test_the_picture_gives_mediapipes_landmarks(
    mesh: FaceMesh, reference: MediaPipeMesh, roll_deg: float, shift_x_px: float
) -> None:
    """MediaPipe rounds each place to 1/32 pixel, and each pixel to 8 bits."""
    image = render_frame(ClipSpec(roll_deg=roll_deg, shift_x_px=shift_x_px), 0.0)
    (region, *_) = mesh.detect(image)
    points = mesh.find_landmarks(image, region)
    assert points is not None
    region = region_of(points)
    assert np.degrees(region.rotation_rad) == pytest.approx(roll_deg, abs=8)
    found, expected = (one.find_landmarks(image, region) for one in (mesh, reference))
    assert found is not None
    assert expected is not None
    difference = np.linalg.norm(found - expected, axis=1)[REFINED] * SIDE_PX / region.side_px
    assert difference.mean() < 0.03
    assert difference.max() < 0.35


def test_several_threads_each_with_its_own(mesh: FaceMesh) -> None:
    images = [
        render_frame(ClipSpec(width=320, height=240, shift_x_px=shift), 0.0) for shift in (-40, 40)
    ]
    regions = [mesh.detect(image)[0] for image in images]
    expected = [
        mesh.find_landmarks(image, region) for image, region in zip(images, regions, strict=True)
    ]

    def run(_: int) -> list[NDArray[np.float32] | None]:
        own = FaceMesh()
        return [
            own.find_landmarks(image, region)
            for _ in range(5)
            for image, region in zip(images, regions, strict=True)
        ]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(run, range(4)):
            for one, points in enumerate(found):
                np.testing.assert_array_equal(points, expected[one % 2])


def test_no_state_is_kept_from_one_call_to_the_next(mesh: FaceMesh) -> None:
    one, other = (
        render_frame(ClipSpec(width=320, height=240, shift_x_px=shift), 0.0) for shift in (-40, 40)
    )
    region = mesh.detect(one)[0]
    first = mesh.find_landmarks(one, region)
    blank: Image = np.zeros_like(one)
    assert mesh.detect(blank) == []
    assert mesh.find_landmarks(blank, region) is None
    mesh.find_landmarks(other, mesh.detect(other)[0])
    np.testing.assert_array_equal(mesh.find_landmarks(one, region), first)


@pytest.mark.parametrize(
    "region",
    [
        Region(-500, -500, 100, 0),
        Region(50, 5000, 100, 0),
        Region(160, 120, 0, 0),
        Region(160, 120, 1e9, 0),
        Region(160, 120, math.nan, 0),
        Region(160, 120, 100, math.nan),
        Region(math.inf, 120, 100, 0),
    ],
)
def test_a_region_outside_the_picture_has_no_face(mesh: FaceMesh, region: Region) -> None:
    assert mesh.find_landmarks(np.zeros((240, 320, 3), np.uint8), region) is None


@dataclass
class TwoFaces:
    """A small face, found first, and a large one whose left eye is wider open than the right."""

    searched: list[float] = field(default_factory=list)

    def detect(self, image: Image) -> list[Region]:
        return [Region(50, 50, 40, 0), Region(320, 200, 400, 0)]

    def find_landmarks(self, image: Image, region: Region) -> NDArray[np.float32] | None:
        self.searched.append(region.side_px)
        points = np.full((LANDMARK_COUNT, 2), (320, 200), dtype=np.float32)
        made = make_landmarks(np.array([[0.30, 0.20]]), np.array([[0.05, -0.03]]))[0]
        points[list(FACE_MESH_INDICES)] = made if region.side_px > 100 else made / 10
        return points


class TestStill:
    blank: Image = np.zeros((480, 640, 3), dtype=np.uint8)

    def test_the_largest_face_counts_and_is_looked_at_twice(self) -> None:
        finder = TwoFaces()
        result = analyze_image(self.blank, finder, 0.18)
        assert result.face is not None
        assert result.face_count == 2
        assert finder.searched[0] == 400
        assert len(finder.searched) == 2
        assert finder.searched[1] != 400
        assert result.face.left.eye_open == pytest.approx(0.30, abs=1e-5)
        assert result.face.right.eye_open == pytest.approx(0.20, abs=1e-5)
        assert result.face.eye_open == pytest.approx(0.25, abs=1e-5)
        assert result.face.left.v_offset == pytest.approx(0.05, abs=1e-5)
        assert result.face.right.v_offset == pytest.approx(-0.03, abs=1e-5)
        assert (result.face.left.iris_cx, result.face.right.iris_cx) == (400, 240)

    @pytest.mark.parametrize(
        ("blink_thresh", "probability"),
        # Logistic, 0.5 at the threshold; log(19) / 0.06 a unit: 0.05 lies 2.454 below.
        [(0.25, 0.5), (0.20, 0.0792), (0.30, 0.9208)],
    )
    def test_the_threshold_moves_the_blink_scale(
        self, blink_thresh: float, probability: float
    ) -> None:
        result = analyze_image(self.blank, TwoFaces(), blink_thresh)
        assert result.face is not None
        assert result.face.blink_prob == pytest.approx(probability, abs=1e-3)
