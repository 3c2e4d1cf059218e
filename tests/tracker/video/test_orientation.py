"""Where stored pixels are shown: hand-worked places of all eight turns, and of odd sizes."""

import numpy as np
import pytest

from tests.containers import MATRICES
from tracker.video.orientation import (
    NO_TURN,
    is_believable_aspect,
    is_mirrored,
    mirror_back,
    place_picture,
    read_display_matrix,
    shown_size,
)

# Where the stored picture's first row is shown, and where its first column, as EXIF's table has it.
SIDES = {
    "upright": ("top", "left"),
    "flipped": ("top", "right"),
    "upside down": ("bottom", "right"),
    "upside down flipped": ("bottom", "left"),
    "clockwise flipped": ("left", "top"),
    "clockwise": ("right", "top"),
    "anticlockwise flipped": ("right", "bottom"),
    "anticlockwise": ("left", "bottom"),
}


def numbers(name: str, scale: float = 1.0) -> list[int]:
    (a, b), (c, d) = MATRICES[name]
    one = round(scale * (1 << 16))
    return [a * one, b * one, 0, c * one, d * one, 0, 5, 9, 1 << 30]


@pytest.mark.parametrize("name", MATRICES)
def test_each_turn_shows_each_corner_where_it_belongs(name: str) -> None:
    turn = read_display_matrix(numbers(name))
    assert is_mirrored(turn) == ("flipped" in name)
    width, height = shown_size(6, 4, turn, 1.0)
    place = place_picture(6, 4, turn, 1.0, (width, height))
    assert place.whole_pixels
    edges = {"left": (0, 0), "right": (0, width - 1), "top": (1, 0), "bottom": (1, height - 1)}
    for side, stored_axis in zip(SIDES[name], (1, 0), strict=True):
        axis, value = edges[side]
        shown = np.array([width // 2, height // 2, 1.0])
        shown[axis] = value
        # The first row has y = 0, the first column x = 0.
        assert (place.to_stored @ shown)[stored_axis] == 0


@pytest.mark.parametrize("name", MATRICES)
def test_a_mirror_image_is_mirrored_back(name: str) -> None:
    """What is at the left is then shown at the right, and up stays up."""
    other = {"left": "right", "right": "left"}
    sides = SIDES[name]
    if "flipped" in name:
        sides = tuple(other.get(side, side) for side in sides)
    (expected,) = (one for one, its in SIDES.items() if its == sides)
    turn = mirror_back(read_display_matrix(numbers(name)))
    np.testing.assert_array_equal(turn, read_display_matrix(numbers(expected)))
    assert not is_mirrored(turn)


@pytest.mark.parametrize("scale", [0.25, 3])
def test_the_scale_of_a_matrix_is_that_of_nothing(scale: float) -> None:
    for name in MATRICES:
        turn = read_display_matrix(numbers(name, scale))
        np.testing.assert_array_equal(turn, read_display_matrix(numbers(name)))


@pytest.mark.parametrize(
    "values", [[0] * 9, [1, 0, 0, 0, 0, 0, 0, 0, 0], [0, 7, 0, 0, 0, 0, 0, 0, 0]]
)
def test_a_matrix_that_collapses_the_picture_is_none(values: list[int]) -> None:
    np.testing.assert_array_equal(read_display_matrix(values), NO_TURN)


def test_a_slanted_matrix_is_the_nearest_turn() -> None:
    ten_deg = [64540, 11380, 0, -11380, 64540, 0, 0, 0, 1 << 30]
    np.testing.assert_array_equal(read_display_matrix(ten_deg), NO_TURN)


def test_square_pixels() -> None:
    assert shown_size(450, 360, NO_TURN, 64 / 45) == (640, 360)
    assert shown_size(640, 180, NO_TURN, 0.5) == (640, 360)
    clockwise = read_display_matrix(numbers("clockwise"))
    assert shown_size(450, 360, clockwise, 64 / 45) == (360, 640)
    place = place_picture(4, 4, NO_TURN, 2.0, (8, 4))
    assert not place.whole_pixels
    # The left edge of a stored pixel is the left edge of the first of its two shown pixels.
    np.testing.assert_allclose(place.to_stored @ (-0.5, -0.5, 1), (-0.5, -0.5))
    np.testing.assert_allclose(place.to_stored @ (0.5, 0, 1), (0, 0))
    np.testing.assert_allclose(place.to_stored @ (7.5, 3.5, 1), (3.5, 3.5))


def test_another_size_of_the_same_shape_fills_the_picture() -> None:
    place = place_picture(240, 428, NO_TURN, 1.0, (480, 854))
    np.testing.assert_allclose(place.to_stored @ (-0.5, -0.5, 1), (-0.5, -0.5))
    np.testing.assert_allclose(place.to_stored @ (479.5, 853.5, 1), (239.5, 427.5))


def test_a_picture_with_a_margin_is_not_whole() -> None:
    """Its own pixels are shown one to one, but there are more shown ones."""
    place = place_picture(40, 20, NO_TURN, 1.0, (40, 41))
    assert not place.whole_pixels
    np.testing.assert_allclose(place.to_stored @ (0, 10.5, 1), (0, 0))


def test_another_shape_stands_in_the_middle_and_keeps_square_pixels() -> None:
    place = place_picture(400, 200, NO_TURN, 1.0, (200, 400))
    np.testing.assert_allclose(place.to_stored[:, :2], np.diag((2, 2)))
    np.testing.assert_allclose(place.to_stored @ (99.5, 199.5, 1), (199.5, 99.5))


@pytest.mark.parametrize(
    ("aspect", "believed"),
    [(1.0, True), (64 / 45, True), (0.5, True), (32 / 11, True), (5.0, False), (0.1, False)],
)
def test_absurd_pixels_are_not_believed(aspect: float, believed: bool) -> None:
    assert is_believable_aspect(aspect) == believed
