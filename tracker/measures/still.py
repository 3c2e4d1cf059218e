"""A still image: whether it shows eyes, how far they are open, and where they look."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kernels import FACE_MESH_INDICES, LEFT, RIGHT, compute_eye_geometry
from tracker.face.follow import FaceFinder
from tracker.face.region import Region, region_of
from tracker.parameters import NOMINAL_EAR
from tracker.video.frames import Image

LEAST_PART_PX = 512
"""Side of the smallest parts in which faces are looked for; there, a face of 60 pixels is found."""
SAME_FACE = 0.3
"""Regions whose centres are closer than this share of their side are of the same face."""


@dataclass(frozen=True, slots=True)
class StillEye:
    """An eye of a still image.

    Attributes
    ----------
    iris_cx, iris_cy : float
        The iris centre in pixels of the image, from its left and its top edge.
    eye_open : float
        Eye aspect ratio (EAR): height of the lid opening over the width of the eye.
    v_offset, h_offset : float
        Distance of the iris centre from halfway between the eye's corners, in eye widths:
        vertical, positive down, and horizontal, positive to the subject's left.
    """

    iris_cx: float
    iris_cy: float
    eye_open: float
    v_offset: float
    h_offset: float


@dataclass(frozen=True, slots=True)
class StillFace:
    """The largest face of a still image whose landmarks are found.

    Attributes
    ----------
    left, right : StillEye
        The subject's own left and right eye.
    eye_open, v_offset, h_offset : float
        Means over both eyes.
    blink_prob : float
        How far the eyes are closed: from 0 (wide open) to 1 (shut).
    landmarks : dict of int to (float, float)
        Positions (x, y) in pixels of the image, by FaceMesh index: 40 points.

    Notes
    -----
    `blink_prob` is a scale and not a frequency: a logistic function of the EAR that is 0.5 at
    `blink_thresh` and, if that has its default of 0.18, 0.05 at the nominal open eye. A single
    image cannot tell a narrow eye from a closing eye.
    """

    left: StillEye
    right: StillEye
    eye_open: float
    v_offset: float
    h_offset: float
    blink_prob: float
    landmarks: dict[int, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class StillMeasures:
    """What is measured in a still image.

    Attributes
    ----------
    face_count : int
        Faces that are detected in the image, also those whose landmarks are not found.
    face : StillFace or None
        The largest face whose landmarks are found; None if there is none.
    """

    face_count: int
    face: StillFace | None


def analyze_image(image: Image, finder: FaceFinder, blink_thresh: float) -> StillMeasures:
    """Measure the largest face of an image whose landmarks are found.

    Parameters
    ----------
    image : ndarray, shape (height, width, 3), uint8
        Blue-green-red.
    finder : FaceFinder
        The models that find faces and their landmarks.
    blink_thresh : float
        EAR below which an eye is closed; there, `StillFace.blink_prob` is 0.5.

    Returns
    -------
    StillMeasures
        Its `face` is None if no landmarks are found, which is no error.
    """
    regions = sorted(_detect(image, finder), key=lambda region: region.side_px, reverse=True)
    for region in regions:
        points = finder.find_landmarks(image, region)
        # The detector's region is rough, so find them again in the region of these landmarks.
        refined = None if points is None else finder.find_landmarks(image, region_of(points))
        if refined is not None:
            face = _measure_face(refined[np.array(FACE_MESH_INDICES)], blink_thresh)
            return StillMeasures(len(regions), face)
    return StillMeasures(len(regions), None)


def _detect(image: Image, finder: FaceFinder) -> list[Region]:
    """Find faces in the whole image or, as long as there are none, in smaller parts of it.

    The detector shrinks a picture to 128 pixels, in which a face must take about a tenth of the
    side. In a panorama or a picture of a group, a face takes less. The parts have a side of
    `LEAST_PART_PX` or more. The image is blue-green-red, (height, width, 3). The regions are in its
    pixels, one for each face, the largest first; none if there is no face.
    """
    height, width = image.shape[:2]
    found = finder.detect(image)
    side = min(height, width) if height != width else height // 2
    while not found and side >= LEAST_PART_PX:
        for top in _starts(height, side):
            for left in _starts(width, side):
                part = image[top : top + side, left : left + side]
                found += (
                    replace(one, centre_x=one.centre_x + left, centre_y=one.centre_y + top)
                    for one in finder.detect(part)
                )
        side //= 2
    return _drop_doubles(found)


def _starts(length: int, side: int) -> list[int]:
    """Return where to cut an image into parts of `side` pixels, along its width or its height.

    `length` is that width or height. The result is the first pixel of each part, counted from 0.
    The parts overlap by half or more, and the last one ends with the image. `side` is at most
    `length`.
    """
    return [*range(0, length - side, side // 2), length - side]


def _drop_doubles(regions: list[Region]) -> list[Region]:
    """Return the largest region of each face, because several parts may show the same face.

    Two regions are of one face if their centres are within `SAME_FACE` of the larger one's side.
    The largest region comes first.
    """
    kept: list[Region] = []
    for region in sorted(regions, key=lambda one: one.side_px, reverse=True):
        apart = (
            math.hypot(region.centre_x - one.centre_x, region.centre_y - one.centre_y) / one.side_px
            for one in kept
        )
        if all(distance > SAME_FACE for distance in apart):
            kept.append(region)
    return kept


def _measure_face(points: NDArray[np.float32], blink_thresh: float) -> StillFace:
    """Measure a face from its landmarks.

    points (40, 2) are x and y in pixels of the image, in the order of `kernels.FACE_MESH_INDICES`.
    blink_thresh is the EAR below which an eye is closed.
    """
    geometry = compute_eye_geometry(points[np.newaxis])

    def measure_eye(eye: int, iris_index: int) -> StillEye:
        iris_x, iris_y = points[FACE_MESH_INDICES.index(iris_index)]
        return StillEye(
            iris_cx=float(iris_x),
            iris_cy=float(iris_y),
            eye_open=float(geometry.ear[0, eye]),
            v_offset=float(geometry.vertical_offset[0, eye]),
            h_offset=float(geometry.horizontal_offset[0, eye]),
        )

    eye_open = float(geometry.ear[0].mean())
    slope = np.log(0.95 / 0.05) / (NOMINAL_EAR - 0.18)
    return StillFace(
        left=measure_eye(LEFT, 473),
        right=measure_eye(RIGHT, 468),
        eye_open=eye_open,
        v_offset=float(geometry.vertical_offset[0].mean()),
        h_offset=float(geometry.horizontal_offset[0].mean()),
        blink_prob=float(1 / (1 + np.exp(slope * (eye_open - blink_thresh)))),
        landmarks={
            index: (float(x), float(y))
            for index, (x, y) in zip(FACE_MESH_INDICES, points, strict=True)
        },
    )
