"""Faces that are small in a large picture, and which of several parts show the same one."""

import cv2
import numpy as np
import pytest

from tracker.face.mesh import FaceMesh
from tracker.face.region import Region
from tracker.lab.clip_spec import make_spec
from tracker.lab.drawing import render_frame
from tracker.measures.still import _detect, _drop_doubles, _starts, analyze_image


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return FaceMesh()


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    """Return a picture of 480x640 in which the face is about 300 pixels high."""
    return render_frame(make_spec(4.0, width=480, height=640), 0.0)


def place(portrait: np.ndarray, width: int, height: int, left: int, top: int) -> np.ndarray:
    noise = np.random.default_rng(1).integers(90, 130, (height // 40, width // 40, 3), np.uint8)
    picture = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    picture[top : top + portrait.shape[0], left : left + portrait.shape[1]] = portrait
    return picture


@pytest.mark.parametrize(
    ("width", "height", "left", "top"),
    [
        (640, 640, 80, 0),
        (4000, 3000, 3400, 2300),
        pytest.param(*(16_000, 2000, 11_111, 900), marks=pytest.mark.slow),
        pytest.param(*(16_000, 4000, 7_777, 1234), marks=[pytest.mark.slow, pytest.mark.long]),
    ],
)
def test_a_face_of_300_pixels_is_found(
    width: int, height: int, left: int, top: int, portrait: np.ndarray, mesh: FaceMesh
) -> None:
    alone = analyze_image(portrait, mesh, 0.18).face
    measures = analyze_image(place(portrait, width, height, left, top), mesh, 0.18)
    assert measures.face_count == 1
    assert alone is not None
    assert measures.face is not None
    assert measures.face.eye_open == pytest.approx(alone.eye_open, abs=0.01)
    assert measures.face.left.iris_cx == pytest.approx(alone.left.iris_cx + left, abs=2)
    assert measures.face.left.iris_cy == pytest.approx(alone.left.iris_cy + top, abs=2)


def test_parts_cover_the_picture_and_overlap_by_half() -> None:
    assert _starts(1000, 1000) == [0]
    assert _starts(1000, 400) == [0, 200, 400, 600]
    assert _starts(1100, 400) == [0, 200, 400, 600, 700]


def test_a_face_in_several_parts_counts_once() -> None:
    faces = [Region(100, 100, 50, 0.0), Region(104, 98, 60, 0.1), Region(300, 100, 55, 0.0)]
    assert _drop_doubles(faces) == [faces[1], faces[2]]


class _Finder:
    def __init__(self) -> None:
        self.sides: list[int] = []

    def detect(self, image: np.ndarray) -> list[Region]:
        self.sides.append(max(image.shape[:2]))
        return []


def test_a_picture_without_a_face_is_searched_to_an_end() -> None:
    finder = _Finder()
    assert _detect(np.zeros((1200, 2000, 3), np.uint8), finder) == []
    assert sorted(set(finder.sides)) == [600, 1200, 2000]
