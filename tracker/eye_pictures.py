"""Small upright pictures of both eyes, cut while a face is followed: a report's evidence.

Which frames a report shows is known only when all of them were seen, and to decode the video once
more would cost as much again: so every frame's eyes are kept, as JPEGs of about 2 kB. Nothing of
the face but the eyes is kept.
"""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.decode import Image, Picture
from tracker.picture import EYE_CANTHI

EYE_WIDTH_PX, EYE_HEIGHT_PX = 96, 60
"""Of one eye's picture; 60 pixels from canthus to canthus, the canthi at half of the height."""
CANTHAL_DISTANCE_PX = 60
GAP_PX = 4
"""White between the subject's right eye, which is on the left, and the left one."""
JPEG_QUALITY = 80
MAX_BYTES = 32 * 2**20
"""Of one face's pictures. The 12,000 frames of a recording take 20-30 MB; of a longer one every
second frame is kept, or every fourth, …"""

_OUTSIDE = (128, 128, 128)
_HALF_DIAGONAL_PX = math.hypot(EYE_WIDTH_PX, EYE_HEIGHT_PX) / 2


class EyePictures:
    """Pictures of one face's eyes, by place of the frame among those analysed."""

    def __init__(self) -> None:
        self.jpegs: dict[int, bytes] = {}
        self._size = 0
        self._interval = 1

    def add(self, sample: int, image: Picture, points: NDArray[np.float32]) -> None:
        """Keep the eyes of a frame.

        Parameters
        ----------
        sample : int
        image : ndarray or DecodedPicture, shape (height, width, 3), uint8
            Blue-green-red.
        points : ndarray, shape (478, 2), float32
            All landmarks of the face in pixels.
        """
        if sample % self._interval:
            return
        picture = cut_eyes(image, points)
        if picture is None:
            return
        jpeg = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))[1].tobytes()
        self.jpegs[sample] = jpeg
        self._size += len(jpeg)
        while self._size > MAX_BYTES:
            self._interval *= 2
            for place in [place for place in self.jpegs if place % self._interval]:
                self.drop(place)

    def drop(self, sample: int) -> None:
        """Forget a frame: it turned out to show another face."""
        self._size -= len(self.jpegs.pop(sample, b""))


def cut_eyes(image: Picture, points: NDArray[np.float32]) -> Image | None:
    """Cut both eyes out of a picture, each turned upright about its canthi and scaled to them.

    Parameters
    ----------
    image : ndarray or DecodedPicture, shape (height, width, 3), uint8
        Blue-green-red.
    points : ndarray, shape (478, 2), float32

    Returns
    -------
    ndarray, shape (60, 196, 3), uint8, or None
        The subject's right eye, then the left one; grey where the picture ends. None where the eyes
        have no width or lie outside of the picture.
    """
    # Left to right in the picture: the subject's right eye comes first.
    eyes = [_cut_eye(image, points[first], points[second]) for first, second in EYE_CANTHI[::-1]]
    if any(eye is None for eye in eyes):
        return None
    gap = np.full((EYE_HEIGHT_PX, GAP_PX, 3), 255, dtype=np.uint8)
    return np.hstack((eyes[0], gap, eyes[1]))


def _cut_eye(image: Picture, first: NDArray[Any], second: NDArray[Any]) -> Any:
    """Cut the box around an eye whose canthi these are; None where there is nothing to cut.

    Plain numbers, not arrays: it runs for every frame, and NumPy would take longer than OpenCV.
    """
    (first_x, first_y), (second_x, second_y) = first.tolist(), second.tolist()
    distance = math.hypot(second_x - first_x, second_y - first_y)
    if not distance >= 1:
        return None
    scale = distance / CANTHAL_DISTANCE_PX
    centre_x, centre_y = (first_x + second_x) / 2, (first_y + second_y) / 2
    # Half of the box's diagonal, and a pixel for the interpolation.
    reach = scale * _HALF_DIAGONAL_PX + 1
    height, width = image.shape[:2]
    left, top = max(int(centre_x - reach), 0), max(int(centre_y - reach), 0)
    right, bottom = min(int(centre_x + reach) + 1, width), min(int(centre_y + reach) + 1, height)
    if right <= left or bottom <= top:
        return None
    # Averaged first, or the fine lines of a large eye would flicker from frame to frame; by a whole
    # factor, for which OpenCV is several times as fast.
    reduction = max(1, min(int(scale), right - left, bottom - top))
    size = ((right - left) // reduction, (bottom - top) // reduction)
    part: Any = image[top : top + size[1] * reduction, left : left + size[0] * reduction]
    if reduction > 1:
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    # From the box's pixels to those of the part: a pixel's centre is half a pixel from its edge.
    cos = (second_x - first_x) / CANTHAL_DISTANCE_PX / reduction
    sin = (second_y - first_y) / CANTHAL_DISTANCE_PX / reduction
    middle_x, middle_y = (EYE_WIDTH_PX - 1) / 2, (EYE_HEIGHT_PX - 1) / 2
    start_x = (centre_x - left + 0.5) / reduction - 0.5 - cos * middle_x + sin * middle_y
    start_y = (centre_y - top + 0.5) / reduction - 0.5 - sin * middle_x - cos * middle_y
    return cv2.warpAffine(
        part,
        np.array(((cos, -sin, start_x), (sin, cos, start_y))),
        (EYE_WIDTH_PX, EYE_HEIGHT_PX),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_OUTSIDE,
    )
