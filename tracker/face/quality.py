"""How well a picture shows a face and its eyes: sharpness, contrast, noise, exposure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.video.frames import ImageLike

GRID_PX = 20
"""Canthal distance on the grid that sharpness is measured on: no larger than the smallest eye that
is to be assessed, so that it does not depend on how much larger the eye is filmed."""
EYE_BOX_U, EYE_BOX_V = 0.6, 0.35
"""Half width and half height of the eye's box in canthal distances: the lids, not the brows."""
BLACK_LEVEL, WHITE_LEVEL = 4, 251
"""Grey levels up to and from which a pixel counts as clipped."""
ROUNDING_STD = 1 / math.sqrt(12)
"""Standard deviation of the error that whole grey levels make."""

EYE_CANTHI = ((362, 263), (33, 133))
"""FaceMesh's canthi of the left and the right eye, each from left to right in the image."""
_NOISE_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """How well a picture shows a face and its eyes; NaN where it cannot be measured.

    Attributes
    ----------
    sharpness : float
        Variance of the Laplacian over the variance of the grey levels, in the boxes around the
        eyes, turned upright and resampled to `GRID_PX` a canthal distance. 0 = nothing but slow
        shading; white noise would read 20.
    eye_contrast : float
        Standard deviation of the grey levels in the same boxes.
    noise_std : float
        Of the grey levels in the face's box, after Immerkær [1]_.
    face_grey : float
        Mean grey level of the box around the face's landmarks.
    clipped_share : float
        Share of that box's pixels that are black or white, see `BLACK_LEVEL`.

    References
    ----------
    .. [1] J. Immerkær, "Fast Noise Variance Estimation", Computer Vision and Image Understanding
       64 (2), 1996: the mean absolute answer to a difference of two Laplacians.
    """

    sharpness: float = math.nan
    eye_contrast: float = math.nan
    noise_std: float = math.nan
    face_grey: float = math.nan
    clipped_share: float = math.nan

    @property
    def contrast_over_noise(self) -> float:
        """Contrast of the eyes over the noise, which is at least that of the rounding."""
        return self.eye_contrast / max(self.noise_std, ROUNDING_STD)


def measure_image(image: ImageLike, points: NDArray[np.float32]) -> ImageQuality:
    """Measure sharpness and exposure of a face.

    Parameters
    ----------
    image : ndarray or LazyImage, shape (height, width, 3), uint8
        Blue-green-red. Only the part around the face is read.
    points : ndarray, shape (478, 2), float32
        All landmarks of the face in pixels.

    Returns
    -------
    ImageQuality
    """
    height, width = image.shape[:2]
    left, top = np.maximum(points.min(axis=0).astype(int), 0)
    right, bottom = np.minimum(points.max(axis=0).astype(int) + 1, (width, height))
    if right - left < 3 or bottom - top < 3:
        return ImageQuality()
    face: Any = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    answer = cv2.filter2D(face, cv2.CV_16S, _NOISE_MASK)[1:-1, 1:-1]
    levels = cv2.calcHist([face], [0], None, [256], [0, 256]).ravel() / face.size
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
        # The mask's norm is 6; a normal variable's mean absolute value is sqrt(2 / pi) of its std.
        noise_std=cv2.norm(answer, cv2.NORM_L1) / answer.size * math.sqrt(math.pi / 2) / 6,
        face_grey=float(levels @ np.arange(256)),
        clipped_share=float(levels[: BLACK_LEVEL + 1].sum() + levels[WHITE_LEVEL:].sum()),
    )


def median_quality(qualities: Sequence[ImageQuality]) -> ImageQuality:
    """Return the median of each value over the qualities in which it could be measured."""
    return ImageQuality(
        **{
            field.name: _median([getattr(quality, field.name) for quality in qualities])
            for field in fields(ImageQuality)
        }
    )


def worst_quality(qualities: Sequence[ImageQuality]) -> ImageQuality:
    """Return the worst values of joined recordings: the good parts do not make up for a bad one.

    Contrast, noise and grey level are those of the part with the least contrast over noise.
    """
    seen = [quality for quality in qualities if not math.isnan(quality.contrast_over_noise)]
    if not seen:
        return ImageQuality()
    faintest = min(seen, key=lambda quality: quality.contrast_over_noise)
    return ImageQuality(
        sharpness=min(quality.sharpness for quality in seen),
        eye_contrast=faintest.eye_contrast,
        noise_std=faintest.noise_std,
        face_grey=faintest.face_grey,
        clipped_share=max(quality.clipped_share for quality in seen),
    )


def _median(values: list[float]) -> float:
    measured = [value for value in values if math.isfinite(value)]
    return float(np.median(measured)) if measured else math.nan


def _sample_eye(image: ImageLike, first: NDArray[Any], second: NDArray[Any]) -> Any:
    """Resample the box around an eye: grey, float32, upright, `GRID_PX` between the canthi."""
    axis = (second - first).astype(np.float64)
    # Frame pixels per grid pixel.
    step = axis / GRID_PX
    columns, rows = (round(2 * half * GRID_PX) for half in (EYE_BOX_U, EYE_BOX_V))
    turn = np.array([[step[0], -step[1]], [step[1], step[0]]])
    origin = (first + second) / 2 - turn @ np.array([(columns - 1) / 2, (rows - 1) / 2])
    # What the grid is too coarse for is averaged away, not folded back. Only around the eye.
    reduction = float(np.hypot(*step))
    reach = math.hypot(EYE_BOX_U, EYE_BOX_V) * float(np.hypot(*axis)) + 2 * reduction + 2
    middle = (first + second) / 2
    left, top = np.maximum((middle - reach).astype(int), 0)
    part: Any = image[top : int(middle[1] + reach) + 1, left : int(middle[0] + reach) + 1]
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
