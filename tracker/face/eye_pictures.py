"""Small upright pictures of both eyes, which a report shows as evidence.

A report can only choose its frames after all of them were seen, and decoding the video again would
cost as much as the first time. The eyes are therefore kept while the face is followed, as JPEGs of
about 2 kB: in every frame in which they are less open than usual, and in some of the others.
Nothing of the face is kept but the eyes.
"""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.face.quality import EYE_CANTHI
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

_OUTSIDE = (128, 128, 128)
_GAP = np.full((EYE_HEIGHT_PX, GAP_PX, 3), 255, dtype=np.uint8)
_LIDS = (159, 145, 386, 374)
_HALF_DIAGONAL_PX = math.hypot(EYE_WIDTH_PX, EYE_HEIGHT_PX) / 2


class EyePictures:
    """Pictures of the eyes of one face, by index of the analysed frame."""

    def __init__(self) -> None:
        self.jpegs: dict[int, bytes] = {}
        self._size = 0
        self._interval = 1
        self._frames = 0
        self._usual = 0.0
        self._closing = False

    def add(self, sample: int, image: ImageLike, points: NDArray[np.float32]) -> None:
        """Keep the eyes of a frame, if a report may want them.

        Parameters
        ----------
        sample : int
            Index of the analysed frame.
        image : ndarray or LazyImage, shape (height, width, 3), uint8
            Blue-green-red.
        points : ndarray, shape (478, 2), float32
            All landmarks of the face in pixels.
        """
        wanted = self._may_be_wanted(sample, points)
        picture = cut_eyes(image, points) if wanted else None
        if picture is None:
            return
        jpeg = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))[1].tobytes()
        self.jpegs[sample] = jpeg
        self._size += len(jpeg)
        while self._size > MAX_BYTES:
            self._interval *= 2
            for other in [other for other in self.jpegs if other % self._interval]:
                self.drop(other)

    def drop(self, sample: int) -> None:
        """Drop a frame, for example because it shows another face."""
        self._size -= len(self.jpegs.pop(sample, b""))

    def _may_be_wanted(self, sample: int, points: NDArray[np.float32]) -> bool:
        """Return whether the eyes close or have just opened, or a regular picture is due."""
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
    """Return the lid opening of both eyes over their width; None if they have no width.

    It is less exact than the EAR. Plain numbers make it fast, because every frame needs it.
    """
    (a, b, c, d) = points[list(_LIDS)].tolist()
    (e, f), (g, h) = (points[list(pair)].tolist() for pair in EYE_CANTHI)
    width = math.dist(e, f) + math.dist(g, h)
    return (math.dist(a, b) + math.dist(c, d)) / width if width > 0 else None


def cut_eyes(image: ImageLike, points: NDArray[np.float32]) -> Image | None:
    """Cut both eyes out of an image, turned upright and scaled by their canthi.

    This uses plain numbers, because NumPy would take longer for them than OpenCV for the images.

    Parameters
    ----------
    image : ndarray or LazyImage, shape (height, width, 3), uint8
        Blue-green-red.
    points : ndarray, shape (478, 2), float32

    Returns
    -------
    ndarray, shape (60, 196, 3), uint8, or None
        The subject's right eye, then the left eye; grey beyond the edge of the image. None if an
        eye has no width or lies outside the image.
    """
    height, width = image.shape[:2]
    # From left to right in the image, so the subject's right eye comes first.
    canthi = [points[list(pair)].tolist() for pair in EYE_CANTHI[::-1]]
    boxes = []
    for (first_x, first_y), (second_x, second_y) in canthi:
        distance = math.hypot(second_x - first_x, second_y - first_y)
        if not distance >= 1:
            return None
        # Half of the box's diagonal, plus a pixel for the interpolation.
        reach = distance / CANTHAL_DISTANCE_PX * _HALF_DIAGONAL_PX + 1
        x, y = (first_x + second_x) / 2, (first_y + second_y) / 2
        left, top = max(int(x - reach), 0), max(int(y - reach), 0)
        right, bottom = min(int(x + reach) + 1, width), min(int(y + reach) + 1, height)
        if right <= left or bottom <= top:
            return None
        boxes.append((left, top, right, bottom))
    # Slice both eyes at once, because every slice of a decoded frame is converted separately.
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    part: Any = image[top:bottom, left:right]
    eyes = [
        _cut_eye(
            part[box[1] - top : box[3] - top, box[0] - left : box[2] - left],
            [(x - box[0], y - box[1]) for x, y in ends],
        )
        for ends, box in zip(canthi, boxes, strict=True)
    ]
    return np.hstack((eyes[0], _GAP, eyes[1]))


def _cut_eye(part: Any, canthi: list[tuple[float, float]]) -> Any:
    """Turn and scale the part of an image around an eye; the canthi are in its coordinates."""
    (first_x, first_y), (second_x, second_y) = canthi
    across, down = second_x - first_x, second_y - first_y
    height, width = part.shape[:2]
    # Reduce a large eye first, or its fine lines would flicker from frame to frame. OpenCV is
    # several times as fast with a whole factor.
    reduction = max(1, min(int(math.hypot(across, down) / CANTHAL_DISTANCE_PX), width, height))
    if reduction > 1:
        size = (width // reduction, height // reduction)
        whole = part[: size[1] * reduction, : size[0] * reduction]
        part = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    # Map pixels of the box to pixels of the part. A pixel's centre is half a pixel from its edge.
    cos, sin = across / CANTHAL_DISTANCE_PX / reduction, down / CANTHAL_DISTANCE_PX / reduction
    middle_x, middle_y = (EYE_WIDTH_PX - 1) / 2, (EYE_HEIGHT_PX - 1) / 2
    centre_x = ((first_x + second_x) / 2 + 0.5) / reduction - 0.5
    centre_y = ((first_y + second_y) / 2 + 0.5) / reduction - 0.5
    return cv2.warpAffine(
        part,
        np.array(
            (
                (cos, -sin, centre_x - cos * middle_x + sin * middle_y),
                (sin, cos, centre_y - sin * middle_x - cos * middle_y),
            )
        ),
        (EYE_WIDTH_PX, EYE_HEIGHT_PX),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_OUTSIDE,
    )
