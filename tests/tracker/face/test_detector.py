"""The detector's anchors, boxes and doubles, by hand; its regions, by MediaPipe's own graph."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.mediapipe_graphs import MediaPipeMesh, require_mediapipe
from tracker.face.detector import SIDE_PX, Detector, anchors, decode, suppress_doubles
from tracker.lab.clip_spec import ClipSpec
from tracker.lab.drawing import render_frame


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.fixture(scope="module")
def reference() -> MediaPipeMesh:
    require_mediapipe()
    return MediaPipeMesh()


def test_anchors() -> None:
    """Two at each place of 16 x 16, then six at each of 8 x 8; the row's places come first."""
    found = anchors()
    assert found.shape == (896, 2)
    np.testing.assert_allclose(found[[0, 1]], [(1 / 32, 1 / 32)] * 2)
    np.testing.assert_allclose(found[2], (3 / 32, 1 / 32))
    np.testing.assert_allclose(found[32], (1 / 32, 3 / 32))
    np.testing.assert_allclose(found[512:518], [(1 / 16, 1 / 16)] * 6)
    np.testing.assert_allclose(found[895], (15 / 16, 15 / 16))


def test_decoding() -> None:
    boxes = np.zeros((896, 16), np.float32)
    logits = np.full(896, -20, np.float32)
    # Anchor 2 is at (12, 4) px. A box of 40 x 60 px, 8 px right of it and 28 px below.
    boxes[2, :6] = (8, 28, 40, 60, -2, 5)
    logits[2] = 0
    boxes[5, 2:4] = (10, 10)
    logits[5] = np.log(3)
    boxes[7, 2] = -1  # no width
    logits[7] = 200
    faces, scores = decode(boxes, logits)
    np.testing.assert_allclose(scores, (0.75, 0.5))
    np.testing.assert_allclose(faces[1, :6] * SIDE_PX, (0, 2, 40, 62, 10, 9), atol=1e-5)


def make_face(left: float, top: float, side: float) -> NDArray[np.float32]:
    face = np.zeros(16, np.float32)
    face[:4] = left, top, left + side, top + side
    face[4:] = left
    return face


def test_doubles_are_joined_by_their_scores() -> None:
    # Two boxes of side 4, one to the right by 1: 12 of 20 are shared. The third shares 6 of 26 with
    # the first: under 0.3, another face.
    faces = np.array([make_face(0, 0, 4), make_face(1, 0, 4), make_face(2.5, 0, 4)])
    scores = np.array([0.9, 0.6, 0.5], np.float32)
    joined = suppress_doubles(faces, scores)
    assert len(joined) == 2
    # (0.9 * 0 + 0.6 * 1) / 1.5
    np.testing.assert_allclose(joined[0][:5], (0.4, 0, 4.4, 4, 0.4), atol=1e-6)
    np.testing.assert_allclose(joined[1], faces[2])
    assert suppress_doubles(faces[:0], scores[:0]) == []


DOUBLES = """
import numpy as np
from tracker.face.detector import suppress_doubles
rng = np.random.default_rng(1)
faces = np.concatenate((np.repeat([[0.2, 0.2, 0.6, 0.6]], 11, axis=0), np.zeros((11, 12))), axis=1)
faces = (faces + rng.normal(0, 0.01, faces.shape)).astype(np.float32)
(joined,) = suppress_doubles(faces, rng.uniform(0.5, 1, 11).astype(np.float32))
print(joined.tobytes().hex())
"""
"""Joins eleven boxes of one face, and prints the bits."""


@pytest.mark.slow
def test_joined_boxes_are_the_same_on_every_processor() -> None:
    """BLAS adds in another order on each kind of processor. NumPy's can be told to be another."""
    found = {
        kind: subprocess.run(
            [sys.executable, "-c", DOUBLES],
            env={**os.environ, "OPENBLAS_CORETYPE": kind},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for kind in ("Prescott", "Haswell", "SkylakeX")
    }
    assert len(set(found.values())) == 1, found


def test_a_box_without_an_area_ends_the_search() -> None:
    faces = np.array([make_face(0.5, 0.5, 0), make_face(0, 0, 1)])
    joined = suppress_doubles(faces, np.array([0.9, 0.8], np.float32))
    np.testing.assert_array_equal(joined[0], faces[0])
    assert len(joined) == 1


@pytest.mark.parametrize("size", [(256, 256), (256, 144), (144, 256), (200, 150), (128, 128)])
@pytest.mark.parametrize("roll_deg", [0, 25])
def test_regions_are_those_of_mediapipes_graph(
    detector: Detector, reference: MediaPipeMesh, size: tuple[int, int], roll_deg: float
) -> None:
    whole = render_frame(ClipSpec(width=960, height=960, roll_deg=roll_deg), 0.0)
    image = cv2.resize(whole, (max(size),) * 2, interpolation=cv2.INTER_AREA)
    image = np.ascontiguousarray(image[: size[1], : size[0]])
    expected = reference.detect(image)  # type: ignore[arg-type]
    found = detector.detect(image)  # type: ignore[arg-type]
    assert len(found) == len(expected)
    # MediaPipe rounds each place to 1/32 px: exact where the sides are multiples of the model's.
    atol = 0.1 if 200 in size else 0.02
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.centre_x == pytest.approx(theirs.centre_x, abs=atol)
        assert ours.centre_y == pytest.approx(theirs.centre_y, abs=atol)
        assert ours.side_px == pytest.approx(theirs.side_px, abs=atol)
        assert ours.rotation_rad == pytest.approx(theirs.rotation_rad, abs=0.001)


def test_a_large_picture_is_averaged_first(detector: Detector, reference: MediaPipeMesh) -> None:
    """Fine stripes over a face, which would become coarse ones if it were not averaged."""
    image = render_frame(ClipSpec(width=1280, height=960), 0.0)
    image[:, ::2] //= 2
    (found,) = detector.detect(image)
    small = cv2.resize(image, (256, 192), interpolation=cv2.INTER_AREA)
    (expected,) = reference.detect(small)  # type: ignore[arg-type]
    assert found.side_px == pytest.approx(5 * expected.side_px, rel=0.005)
    assert found.centre_x == pytest.approx(5 * expected.centre_x, abs=3)
    assert found.centre_y == pytest.approx(5 * expected.centre_y, abs=3)


def test_no_face(detector: Detector) -> None:
    for shape in ((240, 320, 3), (32, 4000, 3), (3000, 33, 3)):
        assert detector.detect(np.full(shape, 90, np.uint8)) == []
