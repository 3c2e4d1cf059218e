"""Small upright pictures of both eyes, which a report shows as evidence.

A report can only choose its frames after all of them were seen, and decoding the video again would
cost as much as the first time. The eyes are therefore kept while the face is followed, as JPEGs of
about 2 kB: in every frame in which they are less open than usual, and in some of the others. If
that becomes too much, some of them are removed again. Nothing of the face is kept but the eyes.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kernels.sampling import Affine
from tracker.face.quality import EYE_CANTHI
from tracker.face.sampling import sample
from tracker.video.frames import Image, ImageLike

EYE_WIDTH_PX, EYE_HEIGHT_PX = 96, 60
"""Size of one eye's picture. The canthi are at half of its height, `CANTHAL_DISTANCE_PX` apart."""
CANTHAL_DISTANCE_PX = 60
GAP_PX = 4
"""White gap between the subject's right eye, on the left of the picture, and the left eye."""
JPEG_QUALITY = 80
MAX_BYTES = 32 * 2**20
"""Limit for the pictures of one face. If they take more, every second one is kept, then every
fourth, and so on. All 12,000 frames of a recording would take 20-30 MB; usually a third is kept."""
USUAL_INTERVAL = 4
"""Frames between pictures of eyes that are as open as usual. These only show extremes of gaze."""
USUAL_SHARE = 0.93
"""Every frame below this share of the usual opening is kept. Closures begin at 0.75 of it, and the
landmarks' jitter is 2 %."""
WARM_UP_FRAMES = 30
"""All of these first frames are kept, because the usual opening is not known yet."""
ADAPTATION = 0.02
"""Weight of a new opening in the usual one, which takes two seconds to follow lowered lids."""

OUTSIDE = 128
"""Grey level of what lies beyond the edge of the image."""
LARGEST_EYE = 4
"""Distance of the canthi over the picture's longer side, above which no eye is cut out."""

_GAP = np.full((EYE_HEIGHT_PX, GAP_PX, 3), 255, dtype=np.uint8)
_LIDS = (159, 145, 386, 374)
_HALF_DIAGONAL_PX = math.hypot(EYE_WIDTH_PX, EYE_HEIGHT_PX) / 2


class EyePictures:
    """Keeps pictures of the eyes of one face, for a report.

    Attributes
    ----------
    jpegs : dict of int to bytes
        The JPEGs that are kept now, by the index of the analysed frame. Together they take at most
        `MAX_BYTES`.
    """

    def __init__(self) -> None:
        self.jpegs: dict[int, bytes] = {}
        self._size = 0
        self._interval = 1
        self._frames = 0
        self._usual = 0.0
        self._closing = False

    def add(self, sample: int, image: ImageLike, points: NDArray[np.float32]) -> bytes | None:
        """Keep a picture of the eyes of a frame, if a report may show it, and return it.

        Call it for each frame in which the face is seen, in order: it learns from all of them how
        far the eyes are usually open, and so which frames show less open eyes.

        Parameters
        ----------
        sample : int
            Index of the analysed frame.
        image : ndarray or LazyImage, shape (height, width, 3), uint8
            Blue-green-red.
        points : ndarray, shape (478, 2), float32
            All landmarks of the face in pixels.

        Returns
        -------
        bytes or None
            The JPEG, even if `keep` removed it at once; None if the frame is not wanted, or its
            eyes cannot be cut out.
        """
        wanted = self._may_be_wanted(sample, points)
        picture = cut_eyes(image, points) if wanted else None
        if picture is None:
            return None
        jpeg = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))[1].tobytes()
        self.keep(sample, jpeg)
        return jpeg

    def begin_anew(self) -> None:
        """Forget how far the eyes are usually open; keep the pictures.

        It is called where a block begins, whose result must not depend on the frames before it.
        """
        self._frames, self._usual, self._closing = 0, 0.0, False

    def keep(self, sample: int, jpeg: bytes) -> None:
        """Keep the JPEG of the eyes in the analysed frame `sample` (its index).

        Once all pictures together take more than `MAX_BYTES`, only those of frames with an even
        index are kept, then only those with a multiple of 4, and so on. For that reason, this
        picture may be left out, too.
        """
        if sample % self._interval:
            return
        self.jpegs[sample] = jpeg
        self._size += len(jpeg)
        while self._size > MAX_BYTES:
            self._interval *= 2
            for other in [other for other in self.jpegs if other % self._interval]:
                self.drop(other)

    def drop(self, sample: int) -> None:
        """Remove the picture of the analysed frame `sample` (its index), if there is one.

        It is called where a picture turned out to be of another person's face.
        """
        self._size -= len(self.jpegs.pop(sample, b""))

    def _may_be_wanted(self, sample: int, points: NDArray[np.float32]) -> bool:
        """Return whether to keep the picture of the analysed frame `sample` (its index).

        It is kept if the eyes are open by less than `USUAL_SHARE` of their usual opening, or were
        so in the call before; in the first `WARM_UP_FRAMES` calls of a block; and if the index is a
        multiple of `USUAL_INTERVAL`. But it is not kept if `keep` would leave it out. Every call
        also updates the usual opening, from all landmarks: points (478, 2), in pixels.
        """
        before, self._closing = self._closing, True
        opening = _lid_opening(points)
        if opening is not None:
            self._closing = opening < USUAL_SHARE * self._usual
            weight = max(ADAPTATION, 1 / (self._frames + 1))
            # Shut eyes never count as usual, however long they stay shut.
            if opening > self._usual / 2:
                self._usual += weight * (opening - self._usual)
        self._frames += 1
        kept = self._closing or before or self._frames <= WARM_UP_FRAMES
        return (kept or sample % USUAL_INTERVAL == 0) and sample % self._interval == 0


def _lid_opening(points: NDArray[np.float32]) -> float | None:
    """Return the sum of both eyes' lid openings over the sum of their widths; None if that is 0.

    An opening is the distance of the lids in the middle of the eye, and a width that of its
    corners. points (478, 2) are all landmarks of the face in pixels. This is less exact than the
    EAR (eye aspect ratio), but fast: it computes with Python's floats instead of arrays.
    """
    (a, b, c, d) = points[list(_LIDS)].tolist()
    (e, f), (g, h) = (points[list(pair)].tolist() for pair in EYE_CANTHI)
    width = math.dist(e, f) + math.dist(g, h)
    return (math.dist(a, b) + math.dist(c, d)) / width if width > 0 else None


def cut_eyes(image: ImageLike, points: NDArray[np.float32]) -> Image | None:
    """Cut both eyes out of an image, upright and with their corners always at the same places.

    Parameters
    ----------
    image : ndarray or LazyImage, shape (height, width, 3), uint8
        Blue-green-red.
    points : ndarray, shape (478, 2), float32
        All landmarks of the face in pixels.

    Returns
    -------
    ndarray, shape (60, 196, 3), uint8, or None
        Blue-green-red: the subject's right eye, then the left eye, with a white gap between them;
        grey beyond the edge of the image. None if one eye is under a pixel wide, wider than
        `LARGEST_EYE` times the image's longer side, or lies wholly outside of the image.
    """
    # From left to right in the image, so the subject's right eye comes first.
    canthi = [points[list(pair)].tolist() for pair in EYE_CANTHI[::-1]]
    places = [_place_eye(image.shape[1], image.shape[0], *ends) for ends in canthi]
    eyes = np.empty((len(places), EYE_HEIGHT_PX, EYE_WIDTH_PX, 3), np.float32)
    for place, eye in zip(places, eyes, strict=True):
        if place is None:
            return None
        # Averaged first, or the fine lines of a large eye would flicker from frame to frame.
        sample(image, place.matrix, eye, high=255, outside=OUTSIDE, reduction=place.reduction)
    right, left = np.rint(eyes[..., ::-1]).astype(np.uint8)
    return np.hstack((right, _GAP, left))


@dataclass(frozen=True, slots=True)
class _Place:
    """How to cut an eye out of an image.

    `matrix`, (2, 3), maps a pixel (x, y) of the eye's small picture to one of the image. First,
    blocks of `reduction` by `reduction` pixels of the image are averaged; 1: none are.
    """

    matrix: Affine
    reduction: int


def _place_eye(
    width: int, height: int, first: tuple[float, float], second: tuple[float, float]
) -> _Place | None:
    """Return how to cut an eye out of an image of `width` by `height` pixels.

    `first` and `second` are x and y of the eye's corners, from left to right in the image, in its
    pixels. None if they are less than a pixel apart, or farther than `LARGEST_EYE` times the
    image's longer side, or if the eye lies wholly outside of the image.
    """
    (first_x, first_y), (second_x, second_y) = first, second
    distance = math.hypot(second_x - first_x, second_y - first_y)
    if not 1 <= distance <= LARGEST_EYE * max(width, height):
        return None
    # Half of the picture's diagonal, and a pixel for the interpolation.
    reach = distance / CANTHAL_DISTANCE_PX * _HALF_DIAGONAL_PX + 1
    x, y = (first_x + second_x) / 2, (first_y + second_y) / 2
    if not (-reach < x < width + reach and -reach < y < height + reach):
        return None
    cos, sin = (
        (second_x - first_x) / CANTHAL_DISTANCE_PX,
        (second_y - first_y) / CANTHAL_DISTANCE_PX,
    )
    middle_x, middle_y = (EYE_WIDTH_PX - 1) / 2, (EYE_HEIGHT_PX - 1) / 2
    matrix = np.array(
        (
            (cos, -sin, x - cos * middle_x + sin * middle_y),
            (sin, cos, y - sin * middle_x - cos * middle_y),
        )
    )
    return _Place(matrix, max(1, min(int(distance / CANTHAL_DISTANCE_PX), width // 4, height // 4)))
