"""The operators between the attention model's parts, against their definition."""

import numpy as np
import pytest

from kernels.refinement import compute_extent, cut_eye, map_points, place_points
from tests import naive

POINTS = np.array([3, 5, 7, 8], np.int64)
SIZE, SCALE, TO_MAP = 16, 1.5, 0.25


def make_mesh(rng: np.random.Generator, turn: float, centre: tuple[float, float]) -> np.ndarray:
    mesh = rng.normal(0, 20, (12, 3)).astype(np.float32)
    mesh[1, :2], mesh[2, :2] = (-30, 4), (30, -3)
    across = mesh[:, 0] + 1j * mesh[:, 1]
    across = across * np.exp(1j * turn) + complex(*centre)
    mesh[:, 0], mesh[:, 1] = across.real, across.imag
    return mesh


@pytest.mark.parametrize("turn", [0.0, 0.4, -2.0, 3.1])
@pytest.mark.parametrize("centre", [(96.0, 96.0), (5.0, 180.0), (-400.0, 96.0)])
def test_the_square_and_what_is_cut_out(
    rng: np.random.Generator, turn: float, centre: tuple[float, float]
) -> None:
    mesh = make_mesh(rng, turn, centre)
    features = rng.normal(size=(48, 48, 3)).astype(np.float32)
    out = np.full((SIZE, SIZE, 3), np.nan, np.float32)
    matrix = cut_eye(mesh, features, POINTS, (1, 2), SCALE, TO_MAP, out)

    points = [complex(x, y) for x, y, _ in mesh.astype(float) * TO_MAP]
    corner, column, row = naive.level_square(points, POINTS.tolist(), 1, 2, SCALE, SIZE)
    expected = np.array([column - corner, row - corner, corner])
    np.testing.assert_allclose(matrix, [expected.real, expected.imag], atol=1e-4)

    channels = [features[..., k].astype(float).tolist() for k in range(3)]
    for j in range(SIZE):
        for i in range(SIZE):
            # A pixel's centre is half a pixel from its corner, in the square and in the map.
            place = corner + (i + 0.5) * (column - corner) + (j + 0.5) * (row - corner)
            x, y = place.real - 0.5, place.imag - 0.5
            if min(x, y) > 1e-3 and max(x, y) < 47 - 1e-3:
                values = [naive.interpolate(one, x, y) for one in channels]
                np.testing.assert_allclose(out[j, i], values, atol=2e-4)
            elif min(x, y) < -1e-3 or max(x, y) > 47 + 1e-3:
                assert (out[j, i] == 0).all()


def test_points_of_the_square_return_to_the_image(rng: np.random.Generator) -> None:
    """The square's corners, by hand: it is level, 1.5 times the box, and the box is 40 x 20."""
    mesh = np.zeros((12, 3), np.float32)
    mesh[1, :2], mesh[2, :2] = (0, 0), (10, 0)
    for index, point in zip(POINTS, ((80, 100), (120, 100), (100, 90), (100, 110)), strict=True):
        mesh[index, :2] = point
    features = np.zeros((48, 48, 1), np.float32)
    out = np.zeros((SIZE, SIZE, 1), np.float32)
    matrix = cut_eye(mesh, features, POINTS, (1, 2), SCALE, TO_MAP, out)
    points = np.full((12, 2), 7, np.float32)
    corners = np.array([0, 0, 16, 0, 0, 16, 8, 8], np.float32)
    place_points(corners, matrix, TO_MAP, POINTS, points)
    # MediaPipe takes the offset to the image and leaves the turn at the map's scale: 60 x 30 px of
    # the image are 15 x 7.5 here.
    np.testing.assert_allclose(
        points[POINTS], [(70, 85), (85, 85), (70, 92.5), (77.5, 88.75)], atol=1e-4
    )
    assert (np.delete(points, POINTS, axis=0) == 7).all()


def test_a_mesh_without_extent_cuts_nothing_but_numbers() -> None:
    out = np.full((SIZE, SIZE, 2), np.nan, np.float32)
    cut_eye(np.zeros((12, 3), np.float32), np.ones((48, 48, 2), np.float32), POINTS, (1, 2), SCALE,
            TO_MAP, out)  # fmt: skip
    assert np.isfinite(out).all()
    mesh = np.full((12, 3), np.nan, np.float32)
    cut_eye(mesh, np.ones((48, 48, 2), np.float32), POINTS, (1, 2), SCALE, TO_MAP, out)
    assert (out == 0).all()


def test_points_are_mapped(rng: np.random.Generator) -> None:
    points = rng.normal(0, 100, (5, 2)).astype(np.float32)
    matrix = np.array([[2.0, -0.5, 1000.0], [0.5, 2.0, -3.0]])
    found = map_points(points, matrix)
    expected = points.astype(float) @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.T.flags.c_contiguous


@pytest.mark.parametrize("order", ["C", "F"])
def test_extent(rng: np.random.Generator, order: str) -> None:
    points = np.array(rng.normal(0, 100, (7, 2)).astype(np.float32), order=order)
    x, y = points[:, 0].tolist(), points[:, 1].tolist()
    assert compute_extent(points) == (min(x), min(y), max(x), max(y))
    assert compute_extent(points[:1]) == (x[0], y[0], x[0], y[0])
