"""Sampling against its reference: formats, ranges, turns, edges."""

import math
from dataclasses import fields

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.sampling import (
    FARTHEST_PX,
    Planes,
    average_plane,
    compute_colour,
    sample_pixels,
    sample_planes,
)
from tests import naive

SHIFTS = {"4:2:0": (1, 1), "4:2:2": (1, 0), "4:4:4": (0, 0)}
MAPS = {
    "as it is": [[1, 0, 0], [0, 1, 0]],
    "turned and larger": [[0.4, -0.25, 9.3], [0.25, 0.4, 4.1]],
    "smaller": [[2.6, 0.3, 1.2], [-0.3, 2.6, 6.4]],
    "90 degrees": [[0, 1, 0], [-1, 0, 22]],
    "180 degrees": [[-1, 0, 30], [0, -1, 22]],
    "mirrored": [[-1, 0, 30], [0, 1, 0]],
    "squeezed": [[2, 0, -3.5], [0, 0.5, 6]],
    "beyond every edge": [[3, 1, -20], [-1, 3, -10]],
    "far outside": [[1, 0, -500], [0, 1, 900]],
}


def make_planes(
    rng: np.random.Generator,
    shift: tuple[int, int] = (1, 1),
    bits: int = 8,
    matrix: int = 5,
    full_range: bool = False,
    size: tuple[int, int] = (31, 23),
) -> Planes:
    """Return smooth random planes with padding at the rows' ends that must not be read."""
    width, height = size
    columns, rows = -(-width >> shift[0]), -(-height >> shift[1])
    kind = np.uint8 if bits == 8 else np.uint16
    planes = []
    for across, down in ((width, height), (columns, rows), (columns, rows)):
        plane = np.full((down, across + 9), 2**bits - 1)
        plane[:, :across] = rng.integers(0, 2**bits, (down, across))
        planes.append(plane.astype(kind).ravel())
    return Planes(*planes, width + 9, columns + 9, width, height, *shift, bits, matrix, full_range)


def rows_of(plane: NDArray, stride: int) -> list[list[float]]:
    return plane.reshape(-1, stride)[:, :-9].astype(float).tolist()


def naive_sample(
    planes: Planes, matrix: NDArray, shape: tuple[int, int], outside: float
) -> NDArray[np.float64]:
    luma = rows_of(planes.luma, planes.stride)
    blue, red = (
        naive.spread(
            rows_of(one, planes.chroma_stride),
            planes.width, planes.height, planes.shift_x, planes.shift_y,
        )
        for one in (planes.blue, planes.red)
    )  # fmt: skip
    out = np.empty((*shape, 3))
    for j in range(shape[0]):
        for i in range(shape[1]):
            x, y = (float(row @ (i, j, 1)) for row in matrix)
            sample = (naive.interpolate(rows, x, y) for rows in (luma, blue, red))
            out[j, i] = naive.rgb(*sample, planes.matrix, planes.full_range, planes.bits)
            within = -0.5 <= x <= planes.width - 0.5 and -0.5 <= y <= planes.height - 0.5
            if not within and not math.isnan(outside):
                out[j, i] = outside
    return out


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("outside", [math.nan, 0.25])
def test_each_pixel_is_where_the_map_leads(
    rng: np.random.Generator, name: str, outside: float
) -> None:
    planes = make_planes(rng)
    matrix = np.array(MAPS[name], float)
    out = np.full((17, 13, 3), np.nan, np.float32)
    sample_planes(planes, matrix, out, outside=outside)
    # 11 bits of a place between two samples, and one to add places up.
    atol = 2.5 / 2**11
    np.testing.assert_allclose(out, naive_sample(planes, matrix, (17, 13), outside), atol=atol)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_wide_row_is_made_in_pieces(rng: np.random.Generator, bits: int) -> None:
    planes = make_planes(rng, bits=bits)
    matrix = np.array([[0.04, -0.2, 3.117], [0.02, 0.7, 2.9]])
    out = np.full((3, 700, 3), np.nan, np.float32)
    sample_planes(planes, matrix, out, outside=0.25)
    expected = naive_sample(planes, matrix, (3, 700), 0.25)
    np.testing.assert_allclose(out, expected, atol=2.5 / 2 ** ((30 - bits) // 2))


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", [1, 5, 9])
def test_the_frames_own_tags_say_how_it_is_converted(
    rng: np.random.Generator, matrix: int, full_range: bool, bits: int
) -> None:
    planes = make_planes(rng, bits=bits, matrix=matrix, full_range=full_range)
    to_picture = np.array(MAPS["turned and larger"])
    out = np.empty((17, 13, 3), np.float32)
    sample_planes(planes, to_picture, out)
    expected = naive_sample(planes, to_picture, (17, 13), math.nan)
    # A place has 11 bits, fewer where a sample has more.
    np.testing.assert_allclose(out, expected, atol=2.5 / 2 ** ((30 - bits) // 2))


@pytest.mark.parametrize("name", SHIFTS)
@pytest.mark.parametrize("size", [(31, 23), (32, 24), (1, 1), (2, 1)])
def test_colour_is_that_of_the_pixels(
    rng: np.random.Generator, name: str, size: tuple[int, int]
) -> None:
    planes = make_planes(rng, SHIFTS[name], size=size)
    matrix = np.array(MAPS["smaller"])
    out = np.empty((17, 13, 3), np.float32)
    sample_planes(planes, matrix, out)
    expected = naive_sample(planes, matrix, (17, 13), math.nan)
    np.testing.assert_allclose(out, expected, atol=2.5 / 2**11)


@pytest.mark.parametrize(
    ("yuv", "expected"),
    # Of BT.601's own colour bars: white, black, red, blue.
    [
        ((235, 128, 128), (1, 1, 1)),
        ((16, 128, 128), (0, 0, 0)),
        ((81, 90, 240), (1, 0, 0)),
        ((41, 240, 110), (0, 0, 1)),
    ],
)
def test_known_colours(yuv: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    luma, blue, red = (
        np.full(size, value, np.uint8) for size, value in zip((16, 4, 4), yuv, strict=True)
    )
    out = np.empty((2, 2, 3), np.float32)
    sample_planes(Planes(luma, blue, red, 4, 2, 4, 4, matrix=5), np.eye(2, 3), out)
    np.testing.assert_allclose(out, np.broadcast_to(expected, out.shape), atol=0.006)


def test_black_and_white_are_what_is_asked_for(rng: np.random.Generator) -> None:
    planes = make_planes(rng)
    unit, signed = np.empty((2, 9, 9, 3), np.float32)
    sample_planes(planes, np.eye(2, 3), unit)
    sample_planes(planes, np.eye(2, 3), signed, -1, 1)
    np.testing.assert_allclose(signed, 2 * unit - 1, atol=1e-6)


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("outside", [math.nan, 0.25])
def test_pixels(rng: np.random.Generator, name: str, outside: float) -> None:
    pixels = rng.integers(0, 256, (23, 31, 3)).astype(np.uint8)
    before = pixels.copy()
    matrix = np.array(MAPS[name], float)
    out = np.empty((17, 13, 3), np.float32)
    sample_pixels(pixels, matrix, out, -1, 1, outside)
    channels = [pixels[..., k].astype(float).tolist() for k in (2, 1, 0)]
    for j in range(17):
        for i in range(13):
            x, y = (float(row @ (i, j, 1)) for row in matrix)
            expected = [naive.interpolate(one, x, y) / 127.5 - 1 for one in channels]
            within = -0.5 <= x <= 30.5 and -0.5 <= y <= 22.5
            if not within and not math.isnan(outside):
                expected = [outside] * 3
            np.testing.assert_allclose(out[j, i], expected, atol=1e-5)
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("factors", [(1, 1), (2, 2), (1, 3), (2, 3), (5, 4), (8, 8), (40, 30)])
def test_averaging(rng: np.random.Generator, factors: tuple[int, int], bits: int) -> None:
    kind = np.uint8 if bits == 8 else np.uint16
    plane = rng.integers(0, 2**bits, 50 * 35).astype(kind)
    before = plane.copy()
    left, top, right, bottom = box = (4, 3, 47, 35)
    averaged = average_plane(plane, 50, box, *factors)
    assert averaged.dtype == kind
    part = plane.reshape(35, 50)[top:bottom, left:right]
    expected = np.array(naive.average_blocks(part.astype(float).tolist(), *factors))
    assert averaged.shape == expected.shape
    np.testing.assert_allclose(averaged, expected, atol=0.5001)
    height, width = expected.shape
    opencvs = cv2.resize(
        part[: height * factors[1], : width * factors[0]], (width, height),
        interpolation=cv2.INTER_AREA,
    )  # fmt: skip
    np.testing.assert_array_equal(averaged, opencvs)
    np.testing.assert_array_equal(plane, before)


@pytest.mark.parametrize("value", [math.nan, math.inf, 2 * FARTHEST_PX])
def test_a_map_that_leads_nowhere_is_an_error(rng: np.random.Generator, value: float) -> None:
    matrix = np.eye(2, 3)
    matrix[1, 0] = value
    out = np.empty((4, 4, 3), np.float32)
    with pytest.raises(ValueError, match="expected below"):
        sample_planes(make_planes(rng), matrix, out)
    with pytest.raises(ValueError, match="expected below"):
        sample_pixels(np.zeros((4, 4, 3), np.uint8), matrix, out)


@pytest.mark.parametrize(
    "change", [{"height": 24}, {"stride": 41}, {"width": 41}, {"shift_y": 0}, {"height": 0}]
)
def test_planes_that_are_too_small_are_an_error(
    rng: np.random.Generator, change: dict[str, int]
) -> None:
    planes = make_planes(rng)
    arguments = {one.name: getattr(planes, one.name) for one in fields(planes) if one.init}
    with pytest.raises(ValueError, match="smaller than the picture"):
        Planes(**arguments | change)


def test_an_unknown_matrix_is_taken_as_bt601() -> None:
    unknown, bt601 = (compute_colour(matrix, False, 8, 0, 1, 0) for matrix in (2, 5))
    np.testing.assert_array_equal(unknown, bt601)
