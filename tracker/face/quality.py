"""How well an image shows a face and its eyes: sharpness, contrast, noise, exposure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.video.frames import ImageLike

GRID_PX = 20
"""Canthal distance on the grid that sharpness is measured on.

It is no larger than the smallest eye that is assessed, so sharpness does not depend on the size of
the eye.
"""
EYE_BOX_U, EYE_BOX_V = 0.6, 0.35
"""Half width and half height of the eye's box in canthal distances: the lids, not the brows."""
BLACK_LEVEL, WHITE_LEVEL = 4, 251
"""A pixel is clipped at or below the first grey level, and at or above the second."""
ROUNDING_STD = 1 / math.sqrt(12)
"""Standard deviation of the error from rounding to whole grey levels."""

EYE_CANTHI = ((362, 263), (33, 133))
"""FaceMesh indices of the canthi of the left and the right eye, from left to right in the image."""
STRIP_ROWS = 256
"""Rows of the face's box that are measured at a time."""
_NOISE_MASK = np.array([1, -2, 1], np.float32)
"""Applied to rows and to columns."""


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """How well an image shows a face and its eyes; NaN where that cannot be measured.

    Attributes
    ----------
    sharpness : float
        Variance of the Laplacian over the variance of the grey levels in a box around an eye, mean
        of both eyes. The boxes are turned upright and resized so that an eye is `GRID_PX` pixels
        wide from canthus to canthus. 0 means nothing but smooth shading; white noise would give 20.
    eye_contrast : float
        Standard deviation of the grey levels (0 to 255) in the same boxes, mean of both.
    noise_std : float
        Standard deviation of the noise of the grey levels in the box around all landmarks of the
        face, estimated after Immerkær [1]_.
    face_grey : float
        Mean grey level in the face's box, 0 to 255.
    clipped_share : float
        Share of pixels in the face's box, 0 to 1, that are black (a grey level of `BLACK_LEVEL` or
        less) or white (`WHITE_LEVEL` or more).

    References
    ----------
    .. [1] J. Immerkær, "Fast Noise Variance Estimation", Computer Vision and Image Understanding
       64 (2), 1996: the mean absolute response to a difference of two Laplacians.
    """

    sharpness: float = math.nan
    eye_contrast: float = math.nan
    noise_std: float = math.nan
    face_grey: float = math.nan
    clipped_share: float = math.nan

    @property
    def contrast_over_noise(self) -> float:
        """`eye_contrast` over `noise_std`, or over the rounding error (0.29) if that is larger.

        NaN if they were not measured.
        """
        return self.eye_contrast / max(self.noise_std, ROUNDING_STD)


def measure_image(image: ImageLike, points: NDArray[np.float32]) -> ImageQuality:
    """Measure how well an image shows a face: sharpness, contrast, noise, exposure.

    Parameters
    ----------
    image : ndarray or LazyImage, shape (height, width, 3), uint8
        Blue-green-red. Only the part around the face is converted.
    points : ndarray, shape (478, 2), float32
        All landmarks of the face, in pixels.

    Returns
    -------
    ImageQuality
        All values are NaN if the landmarks' bounding box covers less than 3 pixels of the image in
        width or height. Sharpness is also NaN if the box around either eye is of one grey level.
    """
    height, width = image.shape[:2]
    left, top = np.maximum(points.min(axis=0).astype(int), 0)
    right, bottom = np.minimum(points.max(axis=0).astype(int) + 1, (width, height))
    if right - left < 3 or bottom - top < 3:
        return ImageQuality()
    noise_std, face_grey, clipped_share = _measure_face(image[top:bottom, left:right])
    sharpness, contrast = [], []
    for first, second in EYE_CANTHI:
        box = _sample_eye(image, points[first], points[second])
        variance = float(box.var())
        edges = cv2.Laplacian(box, cv2.CV_32F)[1:-1, 1:-1]
        sharpness.append(float(edges.var()) / variance if variance > 0 else math.nan)
        contrast.append(math.sqrt(variance))
    return ImageQuality(
        sharpness=float(np.mean(sharpness)),
        eye_contrast=float(np.mean(contrast)),
        noise_std=noise_std,
        face_grey=face_grey,
        clipped_share=clipped_share,
    )


def _measure_face(face: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Return `noise_std`, `face_grey` and `clipped_share` (see `ImageQuality`) of the face's box.

    face (H, W, 3) is the box in blue-green-red, 3 pixels or more in width and height. It is
    measured in strips, so that what is computed from each stays in the processor's cache.
    """
    height, width = face.shape[:2]
    response_sum, grey_sum, usual = 0.0, 0.0, 0
    for first in range(0, height, STRIP_ROWS):
        # The mask covers a row above and one below.
        above, end = max(first - 1, 0), min(first + STRIP_ROWS, height)
        strip: Any = cv2.cvtColor(face[above : end + 1], cv2.COLOR_BGR2GRAY)
        response = cv2.sepFilter2D(strip, cv2.CV_16S, _NOISE_MASK, _NOISE_MASK)[1:-1, 1:-1]
        response_sum += cv2.norm(response, cv2.NORM_L1) if response.size else 0.0
        own = strip[first - above : end - above]
        grey_sum += cv2.sumElems(own)[0]
        usual += cv2.countNonZero(cv2.inRange(own, BLACK_LEVEL + 1, WHITE_LEVEL - 1))
    mean_response = response_sum / ((height - 2) * (width - 2))
    return (
        # The mask's norm is 6. The mean absolute value of a normal variable is sqrt(2 / pi) of its
        # standard deviation.
        mean_response * math.sqrt(math.pi / 2) / 6,
        grey_sum / (height * width),
        1 - usual / (height * width),
    )


def median_quality(qualities: Sequence[ImageQuality]) -> ImageQuality:
    """Return the median of each value over the images in which it could be measured.

    A value that could be measured in no image is NaN; if there is no image, all are.
    """
    return ImageQuality(
        **{
            field.name: _median([getattr(quality, field.name) for quality in qualities])
            for field in fields(ImageQuality)
        }
    )


def worst_quality(qualities: Sequence[ImageQuality]) -> ImageQuality:
    """Return the worst values of joined recordings: a good recording does not hide a bad one.

    Each recording has one of `qualities`. Sharpness is the least of them, and the clipped share the
    largest. Contrast, noise and grey level all come from the recording with the least contrast over
    noise. A recording whose contrast over noise is NaN counts for none of the values; all are NaN
    if no other recording is left. A value that is NaN in a recording is taken from the others.
    """
    seen = [quality for quality in qualities if not math.isnan(quality.contrast_over_noise)]
    if not seen:
        return ImageQuality()
    faintest = min(seen, key=lambda quality: quality.contrast_over_noise)
    return ImageQuality(
        sharpness=float(np.fmin.reduce([quality.sharpness for quality in seen])),
        eye_contrast=faintest.eye_contrast,
        noise_std=faintest.noise_std,
        face_grey=faintest.face_grey,
        clipped_share=float(np.fmax.reduce([quality.clipped_share for quality in seen])),
    )


def _median(values: list[float]) -> float:
    measured = [value for value in values if math.isfinite(value)]
    return float(np.median(measured)) if measured else math.nan


def _sample_eye(image: ImageLike, first: NDArray[Any], second: NDArray[Any]) -> Any:
    """Return the box around an eye as a small upright picture: (14, 24), grey (0 to 255), float32.

    `first` and `second`, (2,), are the eye's corners in pixels of the image, from left to right;
    they are `GRID_PX` apart in the small picture. Beyond the edge of the image, the edge is
    repeated; the picture is black if the eye lies wholly outside.
    """
    axis = (second - first).astype(np.float64)
    # Frame pixels per grid pixel.
    step = axis / GRID_PX
    columns, rows = (round(2 * half * GRID_PX) for half in (EYE_BOX_U, EYE_BOX_V))
    turn = np.array([[step[0], -step[1]], [step[1], step[0]]])
    origin = (first + second) / 2 - turn[:, 0] * (columns - 1) / 2 - turn[:, 1] * (rows - 1) / 2
    # Blur details too fine for the grid: they would alias. Only the part around the eye is read.
    reduction = float(np.hypot(*step))
    reach = EYE_BOX_U * abs(axis) + EYE_BOX_V * abs(axis[::-1]) + 2 * reduction + 2
    middle = (first + second) / 2
    left, top = np.maximum((middle - reach).astype(int), 0)
    right, bottom = (middle + reach).astype(int) + 1
    part: Any = image[top : max(bottom, 0), left : max(right, 0)]
    if part.size == 0:
        return np.zeros((rows, columns), np.float32)
    part = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY).astype(np.float32)
    if reduction > 1:
        part = cv2.GaussianBlur(part, (0, 0), 0.5 * math.sqrt(reduction**2 - 1) + 1e-3)
    return cv2.warpAffine(
        part,
        np.column_stack((turn, origin - (left, top))),
        (columns, rows),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
