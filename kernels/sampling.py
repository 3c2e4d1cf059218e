"""Make the small RGB picture that a model reads from a turned part of a video frame.

A decoder gives a frame as three planes: lightness (Y) and two colour differences (U and V). One
kernel turns and scales the part and converts it to RGB at the same time. It interpolates Y, U and V
and converts only the result. This gives the same as converting first, because all steps are linear
except for the clipping. A pixel takes the sample of colour whose area it lies in, as in FFmpeg's
own conversion. Pixels are not averaged where the picture becomes smaller, because MediaPipe's
models were trained on pictures that were made in this way.
"""

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels._jit import kernel

REPEAT = np.nan
"""Value of `outside` with which pixels outside of the picture repeat its edge."""
FARTHEST_PX = 2.0**30
"""A map's numbers, without their signs, must sum up to less: places are counted in 2**-20 px, and
these counts must fit into 64 bits."""

Affine = NDArray[np.float64]
"""Shape (2, 3): takes a pixel ``(x, y, 1)`` of what is made to one of the picture. The centre of
the pixel in the first row and column is (0, 0)."""


@kernel("i8(u1[::1], u8, u8, u8, u8, u8, u8)", "i8(u2[::1], u8, u8, u8, u8, u8, u8)")
def _touch(plane, row, left, right, top, bottom, line):
    """Bring a part of a plane (N,) into the processor's cache, by reading from it row by row.

    `line` is the number of samples that a line of the cache holds: one sample of each is read.
    `row` is the number of samples from the start of one row to that of the next. The part goes from
    column `left` and row `top` to column `right` and row `bottom`, both included. The returned sum
    of the samples keeps the compiler from leaving the reading out.
    """
    total = np.int64(0)
    one = np.uint64(1)
    for y in range(top, bottom + one):
        for p in range(y * row + left, y * row + right + one, line):
            total += plane[p]
    return total


@kernel("void(i8, i8, i8, i8, i8[::1], u4[:,::1], i4[:,::1], i8)")
def _place(x, y, step_x, step_y, layout, places, weights, count):
    """Find the samples of `count` pixels in a row, for `_read_pairs` and `_convert`.

    Each pixel of the small picture is mixed from samples of the decoded picture around one place. x
    and y are the place of the row's first pixel, and step_x and step_y lead to the next one, all in
    2**-20 px. layout (7,) holds stride, chroma_stride, width, height, shift_x, shift_y and bits of
    `Planes`. What lies outside of the decoded picture has the samples of its edge.

    The first `count` columns are filled. places (4, N) get the indices of the left samples: in the
    plane of lightness above and below the place, then above and below it in those of colour.
    weights (3, N) get the weight of the right samples of lightness and of colour, and that of the
    lower ones: whole numbers, of which ``2 ** ((30 - bits) // 2)`` stands for 1.
    """
    stride, chroma_stride, width, height, shift_x, shift_y, bits = layout
    row, chroma_row = np.uint32(stride), np.uint32(chroma_stride)
    down_shift, right_shift = np.uint32(shift_y), np.uint32(shift_x)
    zero, one, whole = np.int64(0), np.uint32(1), np.uint64(20)
    x_most, y_most = np.uint64((width - 1) << 20), np.uint64((height - 1) << 20)
    last_column, last_line = np.uint32(width - 1), np.uint32(height - 1)
    # The last sample of a row has none to its right. It is read as the right one of a pair.
    last_pair = np.uint32(width - 2)
    last_chroma_pair = np.uint32(((width - 1) >> shift_x) - 1)
    weight_bits = (30 - bits) // 2
    fraction, mask = np.uint64(20 - weight_bits), np.uint32((1 << weight_bits) - 1)
    all_, none = np.int32(1 << weight_bits), np.int32(0)
    for i in range(count):
        at_x = min(np.uint64(max(x + i * step_x, zero)), x_most)
        at_y = min(np.uint64(max(y + i * step_y, zero)), y_most)
        column, line = np.uint32(at_x >> whole), np.uint32(at_y >> whole)
        right = np.int32(np.uint32(at_x >> fraction) & mask)
        next_column = min(np.uint32(column + one), last_column)
        next_line = min(np.uint32(line + one), last_line)
        left = min(column, last_pair)
        places[0, i] = np.uint32(line * row) + left
        places[1, i] = np.uint32(next_line * row) + left
        weights[0, i] = right if left == column else all_
        # Both pixels may have the same sample of colour.
        first, second = np.uint32(column >> right_shift), np.uint32(next_column >> right_shift)
        left = min(first, last_chroma_pair)
        places[2, i] = np.uint32(np.uint32(line >> down_shift) * chroma_row) + left
        places[3, i] = np.uint32(np.uint32(next_line >> down_shift) * chroma_row) + left
        weights[1, i] = right if first != second else none if left == first else all_
        weights[2, i] = np.int32(np.uint32(at_y >> fraction) & mask)


@kernel(
    "void(u1[::1], u1[::1], u1[::1], u4[:,::1], u4[:,::1], i8)",
    "void(u2[::1], u2[::1], u2[::1], u4[:,::1], u4[:,::1], i8)",
)
def _read_pairs(luma, blue, red, places, pairs, count):
    """Read the samples at places (4, N), from `_place`, each with the one to its right.

    luma, blue and red are a picture's planes, row after row. The first `count` columns of pairs
    (6, N) are filled with luma's pair of samples above and the one below the place, then with
    blue's and red's. The left sample of a pair has its lower bits. The compiler reads two
    neighbours in one access.
    """
    next_, bits = np.uint64(1), np.uint64(np.iinfo(luma.dtype).bits)
    for i in range(count):
        p, q = np.uint64(places[0, i]), np.uint64(places[1, i])
        pairs[0, i] = luma[p] | (np.uint64(luma[p + next_]) << bits)
        pairs[1, i] = luma[q] | (np.uint64(luma[q + next_]) << bits)
        p, q = np.uint64(places[2, i]), np.uint64(places[3, i])
        pairs[2, i] = blue[p] | (np.uint64(blue[p + next_]) << bits)
        pairs[3, i] = blue[q] | (np.uint64(blue[q + next_]) << bits)
        pairs[4, i] = red[p] | (np.uint64(red[p + next_]) << bits)
        pairs[5, i] = red[q] | (np.uint64(red[q + next_]) << bits)


@kernel("i4(u4, u4, i4, i4, i4, u4)")
def _mix(above, below, right, down, weight_bits, bits):
    """Return the bilinear mean of two pairs of samples, times ``2 ** (2 * weight_bits)``.

    above and below each hold two neighbouring samples: the left one in the lower `bits` bits, the
    right one in those above. The weight of the right samples is right / 2 ** weight_bits, and that
    of the lower pair is down / 2 ** weight_bits.
    """
    mask = np.uint32((1 << bits) - 1)
    first, second = np.int32(above & mask), np.int32(above >> bits)
    third, fourth = np.int32(below & mask), np.int32(below >> bits)
    high = np.int32(np.int32(first << weight_bits) + np.int32((second - first) * right))
    low = np.int32(np.int32(third << weight_bits) + np.int32((fourth - third) * right))
    return np.int32(np.int32(high << weight_bits) + np.int32((low - high) * down))


@kernel("void(u4[:,::1], i4[:,::1], u4, f4[::1], f4[::1], u8, i8)")
def _convert(pairs, weights, bits, colour, out, first, count):
    """Write red, green and blue of `count` pixels into out (M,), from index `first` on.

    pairs (6, N) are from `_read_pairs`, weights (3, N) from `_place`, and colour (10,) is from
    `compute_colour`, which also sets the values of black and white. bits is the number of bits of a
    sample.
    """
    weight_bits, bits = np.int32((30 - bits) // 2), np.uint32(8 if bits == 8 else 16)
    unit = np.float32(1 << (2 * weight_bits))
    y_scale, y_offset, middle = colour[0] / unit, colour[1], colour[6] * unit
    red_v, green_u, green_v, blue_u = (
        colour[2] / unit, colour[3] / unit, colour[4] / unit, colour[5] / unit,
    )  # fmt: skip
    low, high = colour[7], colour[8]
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    for i in range(count):
        right, right_chroma, down = weights[0, i], weights[1, i], weights[2, i]
        grey = _mix(pairs[0, i], pairs[1, i], right, down, weight_bits, bits)
        blue = _mix(pairs[2, i], pairs[3, i], right_chroma, down, weight_bits, bits)
        red = _mix(pairs[4, i], pairs[5, i], right_chroma, down, weight_bits, bits)
        light = np.float32(grey) * y_scale + y_offset
        u, v = np.float32(blue) - middle, np.float32(red) - middle
        out[first] = min(max(light + red_v * v, low), high)
        out[first + one] = min(max(light + green_u * u + green_v * v, low), high)
        out[first + two] = min(max(light + blue_u * u, low), high)
        first += three


@kernel(
    "i8(u1[::1], u1[::1], u1[::1], i8[::1], f8[:,::1], i8, i8)",
    "i8(u2[::1], u2[::1], u2[::1], i8[::1], f8[:,::1], i8, i8)",
)
def _read_ahead(luma, blue, red, layout, matrix, rows, size):
    """Bring the part of the planes that `_sample_planes` samples into the processor's cache.

    A decoded frame is seldom there, and a loop that jumps from row to row waits for each line of
    the cache. Here, one sample of each line is read in order: the processor fetches ahead of that.
    luma, blue and red are the planes, row after row. layout (7,) holds stride, chroma_stride,
    width, height, shift_x, shift_y and bits of `Planes`. matrix (2, 3) maps a pixel of the small
    picture, which has `rows` rows and `size` columns, to the decoded one. The returned number has
    no meaning.
    """
    stride, chroma_stride, width, height, shift_x, shift_y, _ = layout
    span = abs(matrix[0, 0]) * size + abs(matrix[0, 1]) * rows
    x_mid = matrix[0, 2] + (matrix[0, 0] * size + matrix[0, 1] * rows) / 2
    left = np.uint64(min(max(x_mid - span / 2, 0), width - 1))
    right = np.uint64(min(max(x_mid + span / 2 + 1, 0), width - 1))
    span = abs(matrix[1, 0]) * size + abs(matrix[1, 1]) * rows
    y_mid = matrix[1, 2] + (matrix[1, 0] * size + matrix[1, 1] * rows) / 2
    top = np.uint64(min(max(y_mid - span / 2, 0), height - 1))
    bottom = np.uint64(min(max(y_mid + span / 2 + 1, 0), height - 1))
    row, chroma_row = np.uint64(stride), np.uint64(chroma_stride)
    line = np.uint64(64 // luma.itemsize)
    touched = _touch(luma, row, left, right, top, bottom, line)
    left, right = left >> np.uint64(shift_x), right >> np.uint64(shift_x)
    top, bottom = top >> np.uint64(shift_y), bottom >> np.uint64(shift_y)
    touched += _touch(blue, chroma_row, left, right, top, bottom, line)
    return touched + _touch(red, chroma_row, left, right, top, bottom, line)


@kernel(
    "i8(u1[::1], u1[::1], u1[::1], i8[::1], f8[:,::1], f4[::1], f4[:,:,::1])",
    "i8(u2[::1], u2[::1], u2[::1], i8[::1], f8[:,::1], f4[::1], f4[:,:,::1])",
)
def _sample_planes(luma, blue, red, layout, matrix, colour, out):
    """Fill out (H, W, 3), RGB, from the planes luma (N,), blue (M,) and red (M,) of a picture.

    It is the kernel of `sample_planes`. matrix (2, 3) maps a pixel of out to the picture. layout
    (7,) holds stride, chroma_stride, width, height, shift_x, shift_y and bits of `Planes`. colour
    (10,) is from `compute_colour`. The returned number has no meaning: it keeps the compiler from
    leaving out the reading ahead.

    Positions are whole numbers of 2**-20 px that are added up. Weights have so many bits that a
    sample times two of them fits into 32. Only `_read_pairs` takes one pixel after the other: the
    compiler vectorises the loops before and after it. Indices are unsigned: for signed ones Numba
    checks at each access whether they are negative.
    """
    _, _, width, height, _, _, bits = layout
    rows, size = out.shape[0], out.shape[1]
    one = np.int64(1) << 20
    half = one >> 1
    outside = colour[9]
    # Of a size that the compiler knows: it then needs fewer registers.
    piece = 256
    pairs = np.empty((6, piece), np.uint32)
    flat = out.reshape(out.size)
    places, weights = np.empty((4, piece), np.uint32), np.empty((3, piece), np.int32)
    step_x, step_y = np.int64(np.rint(matrix[0, 0] * one)), np.int64(np.rint(matrix[1, 0] * one))
    x_most, y_most = (width - 1) * one, (height - 1) * one

    touched = _read_ahead(luma, blue, red, layout, matrix, rows, size)
    for j in range(rows):
        x = np.int64(np.floor((matrix[0, 1] * j + matrix[0, 2]) * one))
        y = np.int64(np.floor((matrix[1, 1] * j + matrix[1, 2]) * one))
        for start in range(0, size, piece):
            count = min(size - start, piece)
            _place(
                x + start * step_x, y + start * step_y, step_x, step_y,
                layout, places, weights, count,
            )  # fmt: skip
            _read_pairs(luma, blue, red, places, pairs, count)
            first = np.uint64(3 * (j * size + start))
            _convert(pairs, weights, np.uint32(bits), colour, flat, first, count)
        if not np.isnan(outside):
            for i in range(size):
                if x < -half or x > x_most + half or y < -half or y > y_most + half:
                    out[j, i, 0] = out[j, i, 1] = out[j, i, 2] = outside
                x += step_x
                y += step_y
    return touched  # or the reading would be left out


@kernel("void(u1[:,:,::1], f8[:,::1], f4[::1], f4[:,:,::1])")
def _sample_pixels(pixels, matrix, colour, out):
    """Fill out (H, W, 3), RGB, from pixels (R, C, 3), blue-green-red, bilinearly.

    It is the kernel of `sample_pixels`. matrix (2, 3) maps a pixel of out to one of pixels. colour
    (3,) holds the factor and the offset that turn a value of pixels into one of out, and the value
    in out of what lies outside of the picture; NaN (`REPEAT`) repeats the picture's edge.
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


@kernel(
    "void(u1[::1], u8, u8, u8, u8, u4[::1], u1[:,::1])",
    "void(u2[::1], u8, u8, u8, u8, u4[::1], u2[:,::1])",
)
def _average_plane(plane, row, first, factor_x, factor_y, sums, out):
    """Fill out (H, W) with the rounded means of blocks of samples of plane (N,).

    It is the kernel of `average_plane`. row is the number of samples from the start of one row to
    that of the next, and first is the index in plane of the first block's first sample. A block is
    factor_x samples wide and factor_y high. sums (W * factor_x,) is working memory. A mean with the
    fraction 0.5 is rounded up in blocks of 2 by 2, and to the even number in others.
    """
    columns, one = np.uint64(out.shape[1]), np.uint64(1)
    width = columns * factor_x
    share = np.float32(1) / np.float32(factor_x * factor_y)
    # OpenCV, with which the limits of picture quality were set, rounds means of four up.
    of_four = factor_x == 2 and factor_y == 2
    for j in range(np.uint64(out.shape[0])):
        for i in range(width):
            sums[i] = 0
        for k in range(factor_y):
            start = first + (j * factor_y + k) * row
            for i in range(width):
                sums[i] += plane[start + i]
        p = np.uint64(0)
        for i in range(columns):
            total = np.uint32(0)
            for _ in range(factor_x):
                total = np.uint32(total + sums[p])
                p += one
            if of_four:
                out[j, i] = np.uint32(total + np.uint32(2)) >> np.uint32(2)
            else:
                out[j, i] = np.rint(np.float32(total) * share)


@dataclass(frozen=True, slots=True)
class Planes:
    """A decoded picture: lightness and two colour differences, each in a plane of its own.

    A ValueError is raised if a plane is smaller than the picture.

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
        A sample of colour stands for 2**shift_x pixels across and 2**shift_y down: 1, 1 for 4:2:0.
    bits : int
        Bits of a sample, 8 to 16; they are the lower bits of its number.
    matrix : int
        ITU-T H.273's number of the matrix coefficients. BT.601 is used where it is unknown.
    full_range : bool
        Whether black is 0 and white the largest number. Otherwise black is 16 and white 235, for
        samples of 8 bits.
    layout : ndarray, shape (7,), int64
        The seven numbers from `stride` to `bits`, as the kernels take them; computed from them.
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
    layout: NDArray[np.int64] = field(init=False, repr=False, compare=False)

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
        p = self
        numbers = (p.stride, p.chroma_stride, p.width, p.height, p.shift_x, p.shift_y, p.bits)
        object.__setattr__(self, "layout", np.array(numbers, np.int64))


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

    Parameters
    ----------
    matrix, full_range, bits : int, bool, int
        H.273's number of the matrix coefficients (no affine map; BT.601 if it is unknown); whether
        black is 0 and white the largest number of `bits` bits; and the bits of a sample.
    low, high : float
        What black and white become.
    outside : float
        What pixels outside of the picture become; it is passed on in the result.

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
    """Fill a small picture with a part of a decoded picture, interpolated bilinearly.

    Parameters
    ----------
    planes : Planes
        The decoded picture.
    matrix : ndarray, shape (2, 3), float64
        Maps a pixel ``(x, y, 1)`` of `out` to the decoded picture, in pixels; the centre of the
        first pixel is (0, 0) in both. It may turn, mirror and squeeze.
    out : ndarray, shape (H, W, 3), float32
        Filled with red, green and blue, clipped to `low` and `high`.
    low, high : float
        Values of black and white in `out`.
    outside : float, optional
        Value of the pixels of `out` that lie outside of the decoded picture. `REPEAT` repeats that
        picture's edge.

    Raises
    ------
    ValueError
        The absolute values of the six numbers of `matrix` sum up to `FARTHEST_PX` or more, or one
        of them is not finite.
    """
    _require_near(matrix)
    p = planes
    colour = _cached_colour(p.matrix, p.full_range, p.bits, low, high, outside)
    luma, blue, red = p.luma, p.blue, p.red
    if p.width - 1 >> p.shift_x == 0:
        # Samples are read in pairs: the last one of all needs one to its right, without a weight.
        luma, blue, red = (np.append(one, one[-1:]) for one in (luma, blue, red))
    _sample_planes(luma, blue, red, p.layout, matrix, colour, out)


def average_plane(
    plane: NDArray[Any], stride: int, box: tuple[int, int, int, int], factor_x: int, factor_y: int
) -> NDArray[Any]:
    """Make a part of a plane smaller: each new sample is the mean of a block of samples.

    Parameters
    ----------
    plane : ndarray, shape (N,), uint8 or uint16
        Samples, row after row.
    stride : int
        Samples from the start of a row to that of the next.
    box : tuple of int
        Left, top, right and bottom of the part, in samples; the last two exclusive. It must lie in
        the plane, which is not checked.
    factor_x, factor_y : int
        Width and height of the blocks, in samples.

    Returns
    -------
    ndarray, shape (H, W), of the plane's type
        The rounded means. An incomplete block at the right or lower end is left out. A mean with
        the fraction 0.5 is rounded up in blocks of 2 by 2, and to the even number in others.
    """
    left, top, right, bottom = box
    rows, columns = (bottom - top) // factor_y, (right - left) // factor_x
    out = np.empty((rows, columns), plane.dtype)
    sums = np.empty(columns * factor_x, np.uint32)
    _average_plane(plane, stride, top * stride + left, factor_x, factor_y, sums, out)
    return out


def sample_pixels(
    pixels: NDArray[np.uint8],
    matrix: Affine,
    out: NDArray[np.float32],
    low: float = 0.0,
    high: float = 1.0,
    outside: float = REPEAT,
) -> None:
    """Fill a small picture with a part of a picture, interpolated bilinearly.

    Parameters
    ----------
    pixels : ndarray, shape (R, C, 3), uint8
        The picture: blue, green and red.
    matrix : ndarray, shape (2, 3), float64
        Maps a pixel ``(x, y, 1)`` of `out` to one of `pixels`; the centre of the first pixel is
        (0, 0) in both. It may turn, mirror and squeeze.
    out : ndarray, shape (H, W, 3), float32
        Filled with red, green and blue, from `low` to `high`.
    low, high : float
        Values in `out` of 0 and 255 in `pixels`.
    outside : float, optional
        Value of the pixels of `out` that lie outside of the picture. `REPEAT` repeats its edge.

    Raises
    ------
    ValueError
        The absolute values of the six numbers of `matrix` sum up to `FARTHEST_PX` or more, or one
        of them is not finite.
    """
    _require_near(matrix)
    colour = np.array([(high - low) / 255, low, outside], np.float32)
    _sample_pixels(np.ascontiguousarray(pixels), matrix, colour, out)


_cached_colour = functools.lru_cache(maxsize=64)(compute_colour)


def _require_near(matrix: Affine) -> None:
    total = sum(map(abs, matrix.ravel().tolist()))
    # In this form, NaN is too far as well.
    if not total < FARTHEST_PX:
        raise ValueError(
            f"the map's numbers sum up to {total:.3g}, expected below {FARTHEST_PX:.3g}"
        )
