"""Make a small RGB picture from a turned part of a large one.

Where the large one is a decoded frame, its planes (lightness and colour) are read directly.
"""

import math
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kernels.sampling import (
    REPEAT,
    Affine,
    Planes,
    average_plane,
    sample_pixels,
    sample_planes,
)
from tracker.video.frames import ImageLike
from tracker.video.pixels import LazyImage

MARGIN_PX = 2
"""Averaged pixels around the part that is read, for the interpolation."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two exclusive."""


def sample(
    picture: ImageLike,
    matrix: Affine,
    out: NDArray[np.float32],
    *,
    low: float = 0.0,
    high: float = 1.0,
    outside: float = REPEAT,
    reduction: int = 1,
) -> None:
    """Fill a small picture with a turned part of a large one, interpolated bilinearly.

    Parameters
    ----------
    picture : ndarray or LazyImage, shape (height, width, 3), uint8
        The large picture, blue-green-red, upright. Only the part that is needed is read.
    matrix : ndarray, shape (2, 3), float64
        Maps a pixel ``(x, y, 1)`` of `out` to one of the large picture, as it is before averaging;
        the centre of the first pixel is (0, 0) in both.
    out : ndarray, shape (H, W, 3), float32
        Filled with red, green and blue.
    low, high : float
        Values of black and white in `out`.
    outside : float, optional
        Value in `out` of what lies outside of the picture; by default its edge is repeated.
    reduction : int, default 1
        Side in pixels of the blocks of the large picture that are averaged before it is sampled; at
        most half of its shorter side. An incomplete block at its right or lower edge is left out.
    """
    planes = picture.planes() if isinstance(picture, LazyImage) else None
    if planes is None:
        height, width = picture.shape[:2]
        left, top, right, bottom = _box(matrix, out, width, height, reduction, reduction)
        part = _average(np.asarray(picture[top:bottom, left:right]), reduction)
        to_part = _to_part(matrix, left, top, reduction, reduction)
        sample_pixels(part, to_part, out, low, high, outside)
        return
    to_stored: Affine = picture.to_stored  # type: ignore[union-attr]
    matrix = join_affine(to_stored, matrix)
    if reduction > 1:
        # A pixel of the picture may be more or less than one stored pixel. A block takes at most
        # half of the stored picture, which may be smaller than the picture.
        sizes = (planes.width >> planes.shift_x, planes.height >> planes.shift_y)
        factor_x, factor_y = (
            max(1, min(round(reduction * math.hypot(*row[:2])), size // 2))
            for row, size in zip(to_stored.tolist(), sizes, strict=True)
        )
        block_x, block_y = factor_x << planes.shift_x, factor_y << planes.shift_y
        box = _box(matrix, out, planes.width, planes.height, block_x, block_y)
        planes = average_planes(planes, box, factor_x, factor_y)
        matrix = _to_part(matrix, box[0], box[1], factor_x, factor_y)
    light = picture.light  # type: ignore[union-attr]
    if light.usual:
        sample_planes(planes, matrix, out, low, high, outside)
        return
    sample_planes(planes, matrix, out, 0, 1, (outside - low) / (high - low))
    np.multiply(light.show(out), high - low, out=out)
    out += low


def join_affine(second: Affine, first: Affine) -> Affine:
    """Return the affine map that does what `first` does and then what `second` does; all (2, 3)."""
    (a, b, x), (c, d, y) = first.tolist()
    # With plain numbers: NumPy takes several times as long for such small arrays.
    return np.array(
        [(p * a + q * c, p * b + q * d, p * x + q * y + r) for p, q, r in second.tolist()]
    )


def bounds(matrix: Affine, width: int, height: int) -> tuple[float, float, float, float]:
    """Return the box in a large picture that a small one comes from: left, top, right, bottom.

    `matrix`, (2, 3), maps a pixel of the small picture, `width` by `height`, to one of the large
    picture. The box is in pixels of the large picture and may reach beyond its edges.
    """
    (a, b, x), (c, d, y) = matrix.tolist()
    return (
        x + min(a * width, 0) + min(b * height, 0),
        y + min(c * width, 0) + min(d * height, 0),
        x + max(a * width, 0) + max(b * height, 0),
        y + max(c * width, 0) + max(d * height, 0),
    )


def average_planes(planes: Planes, box: Box, factor_x: int, factor_y: int) -> Planes:
    """Make a part of a picture smaller by averaging blocks of samples, in each of its planes.

    Parameters
    ----------
    planes : Planes
        The decoded picture, as it is stored: not yet turned upright.
    box : tuple of int
        Left, top, right and bottom of the part, in stored pixels; the last two exclusive. Left is a
        multiple of ``factor_x << planes.shift_x``, and top of ``factor_y << planes.shift_y``.
    factor_x, factor_y : int
        Width and height of the blocks of samples that are averaged into one, in each plane. Where
        colour is stored more coarsely than lightness, its blocks cover more pixels.

    Returns
    -------
    Planes
        The part, made smaller, with a size in averaged pixels. An incomplete block at its right or
        lower end is left out.
    """
    left, top, right, bottom = box
    shift_x, shift_y = planes.shift_x, planes.shift_y
    luma = average_plane(planes.luma, planes.stride, box, factor_x, factor_y)
    chroma_box = (left >> shift_x, top >> shift_y, -(-right >> shift_x), -(-bottom >> shift_y))
    blue, red = (
        average_plane(plane, planes.chroma_stride, chroma_box, factor_x, factor_y)
        for plane in (planes.blue, planes.red)
    )
    # With an odd number of pixels, the last sample of colour may lack some of its pixels.
    width = min(luma.shape[1], blue.shape[1] << shift_x)
    height = min(luma.shape[0], blue.shape[0] << shift_y)
    return replace(
        planes,
        luma=luma.ravel(),
        blue=blue.ravel(),
        red=red.ravel(),
        stride=luma.shape[1],
        chroma_stride=blue.shape[1],
        width=width,
        height=height,
    )


def _average(pixels: NDArray[Any], reduction: int) -> NDArray[Any]:
    if reduction == 1:
        return pixels
    height, width = (size // reduction for size in pixels.shape[:2])
    whole: Any = pixels[: height * reduction, : width * reduction]
    # By a whole factor, for which OpenCV is several times as fast.
    averaged: Any = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    return averaged  # type: ignore[no-any-return]


def _box(
    matrix: Affine, out: NDArray[np.float32], width: int, height: int, block_x: int, block_y: int
) -> Box:
    """Return the part of a `width` by `height` picture that has to be read to fill `out`.

    `matrix`, (2, 3), maps a pixel of `out`, (H, W, 3), to one of the picture. The result is left,
    top, right and bottom in pixels of the picture, the last two exclusive. The part consists of
    whole blocks of `block_x` by `block_y` pixels, counted from the picture's corner, except at the
    picture's right and lower edge. It has `MARGIN_PX` blocks more on each side, inside the picture.
    """
    left, top, right, bottom = bounds(matrix, out.shape[1], out.shape[0])
    return (
        *(_first(left, width, block_x), _first(top, height, block_y)),
        *(_end(right, left, width, block_x), _end(bottom, top, height, block_y)),
    )


def _first(low: float, size: int, block: int) -> int:
    # Where the part lies outside of the picture, the picture's edge is read, to be repeated.
    first = min(max(math.floor(low) - MARGIN_PX * block, 0), max(size - 2 * block, 0))
    return first // block * block


def _end(high: float, low: float, size: int, block: int) -> int:
    end = max(math.ceil(high) + MARGIN_PX * block + 1, _first(low, size, block) + 2 * block)
    return min(-(-end // block) * block, size)


def _to_part(matrix: Affine, left: int, top: int, factor_x: int, factor_y: int) -> Affine:
    """Return an affine map whose results are pixels of a smaller part, not of the whole picture.

    `matrix`, (2, 3), is the map into the whole picture. The part was cut out of it at `left` and
    `top`, in its pixels, and each pixel of the part is the mean of `factor_x` by `factor_y` pixels.
    """
    reduced = matrix / ((factor_x,), (factor_y,))
    reduced[0, 2] += (0.5 - left) / factor_x - 0.5
    reduced[1, 2] += (0.5 - top) / factor_y - 0.5
    return reduced
