"""Make the small RGB picture that a model reads from a turned part of a video frame.

A decoder gives a frame as three planes: lightness (Y) and two colour differences (U and V). One
kernel turns and scales the part and converts it to RGB at the same time. It interpolates Y, U and V
and converts only the result. This gives the same as converting first, because all steps are linear
except for the clipping. A pixel takes the sample of colour whose area it lies in, as in FFmpeg's
own conversion. Pixels are not averaged where the picture becomes smaller, because MediaPipe's
models were trained on pictures that were made in this way.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels._jit import kernel

REPEAT = np.nan
"""As `outside`: what lies outside of the picture repeats its edge."""
FARTHEST_PX = 2.0**30
"""Largest number that an affine map may hold: places are whole numbers of 2**-20 px in 64 bits."""

Affine = NDArray[np.float64]
"""Shape (2, 3): takes a pixel ``(x, y, 1)`` of what is made to one of the picture. The centre of
the pixel in the first row and column is (0, 0)."""


@kernel("i8(u1[::1], u8, u8, u8, u8, u8, u8)", "i8(u2[::1], u8, u8, u8, u8, u8, u8)")
def _touch(plane, row, left, right, top, bottom, line):
    """Read every `line`-th sample of a part of a plane (N,), row by row; return their sum.

    This brings the part into the processor's cache. `row` is the number of samples from one row to
    the next. The part ends with column `right` and row `bottom`, both included.
    """
    total = np.int64(0)
    one = np.uint64(1)
    for y in range(top, bottom + one):
        for p in range(y * row + left, y * row + right + one, line):
            total += plane[p]
    return total


@kernel(
    "i4(u1, u1, u1, u1, i4, i4, i4)",
    "i4(u2, u2, u2, u2, i4, i4, i4)",
)
def _mix(a, b, c, e, right, down, bits):
    """Return the bilinear mean of four samples, multiplied by ``2 ** (2 * bits)``.

    b lies to the right of a, c lies below a, and e lies below b. The weight of the right samples is
    right / 2 ** bits, and that of the lower samples is down / 2 ** bits.
    """
    first, third = np.int32(a), np.int32(c)
    above = (first << bits) + (np.int32(b) - first) * right
    below = (third << bits) + (np.int32(e) - third) * right
    return np.int32((above << bits) + (below - above) * down)


@kernel(
    "i8(u1[::1], u1[::1], u1[::1], i8[::1], f8[:,::1], f4[::1], f4[:,:,::1])",
    "i8(u2[::1], u2[::1], u2[::1], i8[::1], f8[:,::1], f4[::1], f4[:,:,::1])",
)
def _sample_planes(luma, blue, red, layout, matrix, colour, out):
    """Fill out (H, W, 3) from the planes luma (N,), blue (M,) and red (M,); see `sample_planes`.

    matrix (2, 3) maps a pixel of out to the picture. layout (7,) holds seven numbers of `Planes`,
    from stride to bits. colour (10,) is from `compute_colour`. The returned number has no meaning:
    it keeps the compiler from leaving out the reading ahead (`_touch`).

    Positions are whole numbers of 2**-20 px that are added up. Weights have so many bits that a
    sample times two of them fits into 32. Indices are unsigned: for signed ones Numba checks at
    each access whether they are negative, which doubles the time. Rows wholly within the picture,
    nearly all, take a loop that does not limit the indices. The conversion to RGB is a loop of its
    own, so that the compiler vectorises it.
    """
    stride, chroma_stride, width, height, shift_x, shift_y, bits = layout
    size = out.shape[1]
    one = np.int64(1) << 20
    half = one >> 1
    weight_bits = np.int32((30 - bits) // 2)
    fraction, mask = np.int64(20 - weight_bits), np.int64((1 << weight_bits) - 1)
    unit = np.float32(1 << (2 * weight_bits))
    y_scale, y_offset, middle = colour[0] / unit, colour[1], colour[6] * unit
    red_v, green_u, green_v, blue_u = (
        colour[2] / unit, colour[3] / unit, colour[4] / unit, colour[5] / unit,
    )  # fmt: skip
    low, high, outside = colour[7], colour[8], colour[9]
    repeat = np.isnan(outside)
    grey, us, vs = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    row, chroma_row, next_ = np.uint64(stride), np.uint64(chroma_stride), np.uint64(1)
    right_shift, down_shift = np.uint64(shift_x), np.uint64(shift_y)
    step_x, step_y = np.int64(np.rint(matrix[0, 0] * one)), np.int64(np.rint(matrix[1, 0] * one))
    x_most, y_most = (width - 1) * one, (height - 1) * one

    # A decoded frame is seldom in the cache, and a loop that jumps from row to row waits for each
    # line. Read one byte of each line in order first: the processor fetches ahead of that.
    rows = out.shape[0]
    span = abs(matrix[0, 0]) * size + abs(matrix[0, 1]) * rows
    x_mid = matrix[0, 2] + (matrix[0, 0] * size + matrix[0, 1] * rows) / 2
    left = np.uint64(min(max(x_mid - span / 2, 0), width - 1))
    right = np.uint64(min(max(x_mid + span / 2 + 1, 0), width - 1))
    span = abs(matrix[1, 0]) * size + abs(matrix[1, 1]) * rows
    y_mid = matrix[1, 2] + (matrix[1, 0] * size + matrix[1, 1] * rows) / 2
    top = np.uint64(min(max(y_mid - span / 2, 0), height - 1))
    bottom = np.uint64(min(max(y_mid + span / 2 + 1, 0), height - 1))
    line = np.uint64(64 // luma.itemsize)
    touched = _touch(luma, row, left, right, top, bottom, line)
    left, right = left >> right_shift, right >> right_shift
    top, bottom = top >> down_shift, bottom >> down_shift
    touched += _touch(blue, chroma_row, left, right, top, bottom, line)
    touched += _touch(red, chroma_row, left, right, top, bottom, line)

    for j in range(rows):
        x = np.int64(np.floor((matrix[0, 1] * j + matrix[0, 2]) * one))
        y = np.int64(np.floor((matrix[1, 1] * j + matrix[1, 2]) * one))
        x_end, y_end = x + step_x * (size - 1), y + step_y * (size - 1)
        within = (
            min(x, x_end) >= 0 and max(x, x_end) < x_most - half
            and min(y, y_end) >= 0 and max(y, y_end) < y_most - half
        )  # fmt: skip
        if within:
            for i in range(size):
                r, d = np.int32((x >> fraction) & mask), np.int32((y >> fraction) & mask)
                column, line_ = np.uint64(x >> 20), np.uint64(y >> 20)
                p, q = line_ * row + column, (line_ + next_) * row + column
                grey[i] = _mix(
                    luma[p], luma[p + next_], luma[q], luma[q + next_], r, d, weight_bits
                )
                a, b = column >> right_shift, (column + next_) >> right_shift
                p = (line_ >> down_shift) * chroma_row
                q = ((line_ + next_) >> down_shift) * chroma_row
                us[i] = _mix(blue[p + a], blue[p + b], blue[q + a], blue[q + b], r, d, weight_bits)
                vs[i] = _mix(red[p + a], red[p + b], red[q + a], red[q + b], r, d, weight_bits)
                x += step_x
                y += step_y
        else:
            for i in range(size):
                cx, cy = min(max(x, 0), x_most), min(max(y, 0), y_most)
                r, d = np.int32((cx >> fraction) & mask), np.int32((cy >> fraction) & mask)
                column, line_ = np.uint64(cx >> 20), np.uint64(cy >> 20)
                right_by = next_ if cx < x_most else np.uint64(0)
                down_by = next_ if cy < y_most else np.uint64(0)
                p, q = line_ * row + column, (line_ + down_by) * row + column
                grey[i] = _mix(
                    luma[p], luma[p + right_by], luma[q], luma[q + right_by], r, d, weight_bits
                )
                a, b = column >> right_shift, (column + right_by) >> right_shift
                p = (line_ >> down_shift) * chroma_row
                q = ((line_ + down_by) >> down_shift) * chroma_row
                us[i] = _mix(blue[p + a], blue[p + b], blue[q + a], blue[q + b], r, d, weight_bits)
                vs[i] = _mix(red[p + a], red[p + b], red[q + a], red[q + b], r, d, weight_bits)
                x += step_x
                y += step_y
        for i in range(size):
            light = np.float32(grey[i]) * y_scale + y_offset
            u, v = np.float32(us[i]) - middle, np.float32(vs[i]) - middle
            out[j, i, 0] = min(max(light + red_v * v, low), high)
            out[j, i, 1] = min(max(light + green_u * u + green_v * v, low), high)
            out[j, i, 2] = min(max(light + blue_u * u, low), high)
        if not (within or repeat):
            x, y = x_end, y_end
            for i in range(size - 1, -1, -1):
                if x < -half or x > x_most + half or y < -half or y > y_most + half:
                    out[j, i, 0] = out[j, i, 1] = out[j, i, 2] = outside
                x -= step_x
                y -= step_y
    return touched  # or the reading would be left out


@kernel("void(u1[:,:,::1], f8[:,::1], f4[::1], f4[:,:,::1])")
def _sample_pixels(pixels, matrix, colour, out):
    """Fill out (H, W, 3), RGB, from pixels (R, C, 3), BGR; see `sample_pixels`.

    matrix (2, 3) maps a pixel of out to one of pixels. colour (3,) holds the factor and the offset
    for all values, and the value outside of the picture.
    """
    scale, offset, outside = colour[0], colour[1], colour[2]
    repeat = np.isnan(outside)
    height, width = pixels.shape[0], pixels.shape[1]
    one, next_ = np.float32(1), np.uint64(1)
    last_column, last_row = np.uint64(width - 1), np.uint64(height - 1)
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            x = matrix[0, 0] * i + matrix[0, 1] * j + matrix[0, 2]
            y = matrix[1, 0] * i + matrix[1, 1] * j + matrix[1, 2]
            if not repeat and (x < -0.5 or y < -0.5 or x > width - 0.5 or y > height - 0.5):
                out[j, i, 0] = out[j, i, 1] = out[j, i, 2] = outside
                continue
            x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
            left, top = np.uint64(x), np.uint64(y)
            right = min(left + next_, last_column)
            bottom = min(top + next_, last_row)
            u, v = np.float32(x - left), np.float32(y - top)
            a, b, c, d = (one - u) * (one - v), u * (one - v), (one - u) * v, u * v
            for k in range(3):
                level = (
                    a * pixels[top, left, k]
                    + b * pixels[top, right, k]
                    + c * pixels[bottom, left, k]
                    + d * pixels[bottom, right, k]
                )
                out[j, i, 2 - k] = level * scale + offset


@dataclass(frozen=True, slots=True)
class Planes:
    """A decoded picture: lightness and two colour differences, each in a plane of its own.

    Attributes
    ----------
    luma : ndarray, shape (N,), uint8 or uint16
        Lightness, row after row.
    blue, red : ndarray, shape (M,), of the same type
        Blue and red colour difference, row after row; often with fewer rows and columns.
    stride, chroma_stride : int
        Samples from the start of a row to that of the next: in `luma`, and in `blue` and `red`.
    width, height : int
        Size of the picture in pixels, as stored: before it is turned upright.
    shift_x, shift_y : int
        A sample of colour stands for 2**shift_x times 2**shift_y pixels: 1, 1 for 4:2:0.
    bits : int
        Bits of a sample, 8 to 16.
    matrix : int
        ITU-T H.273's number of the matrix coefficients. BT.601 is used where it is unknown.
    full_range : bool
        Whether black is 0 and white the largest number. Otherwise black is 16 and white 235, for
        samples of 8 bits.
    """

    luma: NDArray[Any]
    blue: NDArray[Any]
    red: NDArray[Any]
    stride: int
    chroma_stride: int
    width: int
    height: int
    shift_x: int = 1
    shift_y: int = 1
    bits: int = 8
    matrix: int = 2
    full_range: bool = False

    def __post_init__(self) -> None:
        rows, columns = -(-self.height >> self.shift_y), -(-self.width >> self.shift_x)
        if not (
            self.stride >= self.width >= 1
            and self.height >= 1
            and self.chroma_stride >= columns
            and self.luma.size >= self.stride * (self.height - 1) + self.width
            and min(self.blue.size, self.red.size) >= self.chroma_stride * (rows - 1) + columns
        ):
            raise ValueError("a plane is smaller than the picture")


_BT601 = (0.299, 0.114)
_RED_AND_BLUE_SHARE = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
    10: (0.2627, 0.0593),
}


def compute_colour(
    matrix: int, full_range: bool, bits: int, low: float, high: float, outside: float
) -> NDArray[np.float32]:
    """Return the numbers that `_sample_planes` needs to convert samples to red, green and blue.

    The first three arguments are `Planes`'s, and the others `sample_planes`'s.

    Returns
    -------
    ndarray, shape (10,), float32
        In this order: factor and offset of the lightness; factor of the red difference in red, of
        the blue one in green, of the red one in green, and of the blue one in blue; the colour
        differences' value for grey; `low`, `high`, `outside`.

    References
    ----------
    .. [1] ITU-T H.273, equations 20 to 25 and table 4.
    """
    red, blue = _RED_AND_BLUE_SHARE.get(matrix, _BT601)
    green = 1 - red - blue
    unit = 1 << (bits - 8)
    largest = (1 << bits) - 1
    gain = high - low
    scale = gain / (largest if full_range else 219 * unit)
    chroma = gain / (largest if full_range else 224 * unit)
    black = 0 if full_range else 16 * unit
    return np.array(
        [
            scale, low - black * scale,
            2 * (1 - red) * chroma, -2 * blue * (1 - blue) / green * chroma,
            -2 * red * (1 - red) / green * chroma, 2 * (1 - blue) * chroma,
            128 * unit, low, high, outside,
        ],
        np.float32,
    )  # fmt: skip


def sample_planes(
    planes: Planes,
    matrix: Affine,
    out: NDArray[np.float32],
    low: float = 0.0,
    high: float = 1.0,
    outside: float = REPEAT,
) -> None:
    """Fill a small picture with a part of a decoded picture.

    Parameters
    ----------
    planes : Planes
        The decoded picture.
    matrix : ndarray, shape (2, 3), float64
        Maps a pixel of `out` to the decoded picture, see `Affine`. It may turn, mirror and squeeze.
    out : ndarray, shape (H, W, 3), float32
        Filled with red, green and blue.
    low, high : float
        Values of black and white in `out`.
    outside : float, optional
        Value of the pixels of `out` that lie outside of the decoded picture. `REPEAT` repeats that
        picture's edge.

    Raises
    ------
    ValueError
        `matrix` holds a number as large as `FARTHEST_PX`, or one that is not finite.
    """
    _require_near(matrix)
    p = planes
    layout = np.array(
        [p.stride, p.chroma_stride, p.width, p.height, p.shift_x, p.shift_y, p.bits], np.int64
    )
    colour = _cached_colour(p.matrix, p.full_range, p.bits, low, high, outside)
    _sample_planes(p.luma, p.blue, p.red, layout, matrix, colour, out)


def sample_pixels(
    pixels: NDArray[np.uint8],
    matrix: Affine,
    out: NDArray[np.float32],
    low: float = 0.0,
    high: float = 1.0,
    outside: float = REPEAT,
) -> None:
    """Fill a small picture with a part of `pixels`, shape (R, C, 3), blue-green-red.

    The other arguments are those of `sample_planes`.
    """
    _require_near(matrix)
    colour = np.array([(high - low) / 255, low, outside], np.float32)
    _sample_pixels(np.ascontiguousarray(pixels), matrix, colour, out)


_cached_colour = functools.lru_cache(maxsize=64)(compute_colour)


def _require_near(matrix: Affine) -> None:
    largest = max(abs(value) for row in matrix.tolist() for value in row)
    # In this form, NaN is too far as well; max() may pass over one.
    if not (largest < FARTHEST_PX and math.isfinite(matrix.sum())):
        raise ValueError(f"the map holds {largest:.3g}, expected below {FARTHEST_PX:.3g}")
