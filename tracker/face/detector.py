"""MediaPipe's short-range face detector: it finds the regions of the faces in a picture.

For each of 896 anchors, which are fixed points of the picture, the model tells whether a face is
there and where its box lies. MediaPipe makes the picture square before the model runs, and joins
the boxes of each face afterwards. Both are done here with the same constants.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from tracker.face.models import Model
from tracker.face.region import Region
from tracker.face.sampling import sample
from tracker.video.frames import ImageLike

SIDE_PX = 128
"""Side of the model's picture."""
MAX_REDUCED_PX = 2 * SIDE_PX
"""Largest side of the picture that it is sampled from: a larger picture is averaged first."""
MIN_SCORE = 0.5
MIN_OVERLAP = 0.3
"""Intersection over union from which two boxes are of one face."""
REGION_SCALE = 1.5
"""Side of the region over the longer side of the box."""
LARGEST_LOGIT = 100.0

_ANCHORS = ((8, 2), (16, 6))
"""For each grid of anchors: pixels from place to place, and anchors at a place. The second grid
holds three layers of the model, with two anchors each."""
_RIGHT_EYE, _LEFT_EYE = 4, 6
"""Columns of a box's answer: centre, size, then x and y of six points, these two first."""


class Detector:
    """The face detector's model, loaded and warmed up.

    No call depends on an earlier one. But all calls work in the same memory, so each thread needs
    an object of its own.

    Raises
    ------
    ModelFileError
        The model's file is missing or damaged.
    RuntimeError
        LiteRT, which runs the model, is not installed.
    """

    def __init__(self) -> None:
        self._model = Model("detector.tflite")

    def detect(self, picture: ImageLike) -> list[Region]:
        """Find the faces of a picture.

        Parameters
        ----------
        picture : ndarray or LazyImage, shape (height, width, 3), uint8
            Blue-green-red.

        Returns
        -------
        list of Region
            The square around each face, in pixels of the picture, the most certain face first;
            empty if there is no face.
        """
        height, width = picture.shape[:2]
        # The picture fits into the square; what is left of it is black.
        scale = max(height, width) / SIDE_PX
        offset_x, offset_y = (width - SIDE_PX * scale) / 2, (height - SIDE_PX * scale) / 2
        reduction = min(-(-max(height, width) // MAX_REDUCED_PX), min(height, width) // 4)
        # MediaPipe lays its square corner to corner, without half pixels: here over the averaged
        # picture.
        half = (reduction - 1) / 2
        to_picture = np.array([[scale, 0, offset_x + half], [0, scale, offset_y + half]])
        sample(
            picture, to_picture, self._model.inputs[0]()[0],
            low=-1, high=1, outside=-1, reduction=reduction,
        )  # fmt: skip
        self._model.run()
        boxes, logits = (output()[0] for output in self._model.outputs)
        faces = suppress_doubles(*decode(boxes, logits[:, 0]))
        return [_region_of_box(face, scale * SIDE_PX, offset_x, offset_y) for face in faces]


@functools.cache
def anchors() -> NDArray[np.float32]:
    """Return the position of each anchor, in the order in which the model answers for them.

    Anchors are fixed points of the model's picture, around which it looks for faces.

    Returns
    -------
    ndarray, shape (896, 2), float32
        x and y, each from 0 to 1 across the model's picture.
    """
    centres = []
    for step, count in _ANCHORS:
        side = SIDE_PX // step
        centres += [
            ((column + 0.5) / side, (row + 0.5) / side)
            for row in range(side)
            for column in range(side)
            for _ in range(count)
        ]
    return np.array(centres, np.float32)


def decode(
    boxes: NDArray[np.float32], logits: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn the model's answer into boxes of faces.

    Boxes with a probability below `MIN_SCORE` are left out, and so are those whose size is
    negative or not a number. One face often has several boxes: see `suppress_doubles`.

    Parameters
    ----------
    boxes : ndarray, shape (896, 16), float32
        For each anchor: centre (x, y), width and height of a box, then x and y of six points of the
        face, of which the right and the left eye come first. All in pixels of the model's picture.
        Centre and points are counted from the anchor.
    logits : ndarray, shape (896,), float32
        Log-odds that the box holds a face.

    Returns
    -------
    faces : ndarray, shape (F, 16), float32
        Left, top, right and bottom of each box, then the six points, all counted from the left and
        top edge of the model's picture, from 0 to 1 across it; the most certain box first.
    scores : ndarray, shape (F,), float32
        Probability that each box holds a face.
    """
    clipped = np.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT).astype(np.float64)
    scores = (1 / (1 + np.exp(-clipped))).astype(np.float32)
    # In this form, what is not a number is left out as well.
    kept = np.flatnonzero((scores >= MIN_SCORE) & (boxes[:, 2:4] >= 0).all(axis=1))
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    faces = boxes[kept] / np.float32(SIDE_PX)
    faces[:, :2] += anchors()[kept]
    faces[:, 4:] += np.tile(anchors()[kept], 6)
    half = faces[:, 2:4] / 2
    faces[:, :2], faces[:, 2:4] = faces[:, :2] - half, faces[:, :2] + half
    return faces, scores[kept]


def suppress_doubles(
    faces: NDArray[np.float32], scores: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """Join the boxes of one face into one box: their mean, weighted by the scores.

    Boxes are of one face if the area that they share with the most certain of them is more than
    `MIN_OVERLAP` of the area of their union. Their points are averaged in the same way. If a box
    without an area comes first among those that are left, it is returned as it is, and the others
    are left out, as in MediaPipe.

    Parameters
    ----------
    faces : ndarray, shape (F, 16), float32
        Boxes and points from `decode`, the most certain first.
    scores : ndarray, shape (F,), float32
        Probability of each, from `decode`.

    Returns
    -------
    list of ndarray, shape (16,), float32
        For each face, one box with its points, in the order of their most certain boxes.
    """
    joined = []
    while len(faces):
        same = _overlap(faces[0], faces) > MIN_OVERLAP
        if not same.any():  # a box without an area does not overlap itself
            joined.append(faces[0])
            break
        weights = scores[same] / scores[same].sum()
        # Not a matrix product: BLAS adds in an order that depends on the processor. The last bit
        # would then differ between machines, and so would all later regions, which follow from it.
        joined.append((weights[:, np.newaxis] * faces[same]).sum(axis=0))
        faces, scores = faces[~same], scores[~same]
    return joined


def _overlap(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the area that `box` shares with each of `boxes`, divided by the area of their union.

    box (16,) and boxes (F, 16) begin with left, top, right and bottom. The result (F,) is from 0 to
    1; 0 if the union has no area.
    """
    sides = np.minimum(box[2:4], boxes[:, 2:4]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    area = (box[2:4] - box[:2]).prod()
    union = area + (boxes[:, 2:4] - boxes[:, :2]).prod(axis=1) - shared
    overlap: NDArray[np.float32] = np.zeros_like(shared)
    np.divide(shared, union, out=overlap, where=union > 0)
    return overlap


def _region_of_box(
    face: NDArray[np.float32], side_px: float, offset_x: float, offset_y: float
) -> Region:
    left, top, right, bottom = face[:4].tolist()
    right_eye, left_eye = face[_RIGHT_EYE : _RIGHT_EYE + 2], face[_LEFT_EYE : _LEFT_EYE + 2]
    across, down = (left_eye - right_eye).tolist()
    return Region(
        centre_x=(left + right) / 2 * side_px + offset_x,
        centre_y=(top + bottom) / 2 * side_px + offset_y,
        side_px=REGION_SCALE * max(right - left, bottom - top) * side_px,
        rotation_rad=math.atan2(down, across),
    )
