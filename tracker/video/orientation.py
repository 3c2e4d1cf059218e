"""How a stored picture is shown: turned, mirrored, with square pixels, in one coordinate system.

A viewer turns a picture by its display matrix, and stretches it by its sample aspect ratio. The
picture that is measured is the one that is shown, upright and with square pixels, but never
mirrored. A matrix that mirrors says that the file shows a mirror image of what the camera saw, as
the preview of a front camera does: the subject's left eye is then on the picture's left. It is
mirrored back, so that "left" is the subject's left in every case, and the eye on the right of what
is measured. The summary tells it (`mirrored` in `video_meta`). No file tells whether its pixels
were mirrored before they were stored.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.sampling import Affine

MAX_PIXEL_ASPECT = 4.0
"""Widest or tallest pixel that is believed: PAL video of half the width, 16:9, has 2.9."""
SAME_ASPECT = 0.02
"""Sizes whose aspect ratios differ by less show the same: encoders round sizes to whole blocks."""

Turn = NDArray[np.int64]
"""Shape (2, 2): takes a direction in the stored picture to one in the shown picture."""

NO_TURN: Turn = np.eye(2, dtype=np.int64)


def read_display_matrix(values: Sequence[int]) -> Turn:
    """Return the nearest of the eight turns and mirrorings to a display matrix.

    Parameters
    ----------
    values : sequence of int
        The nine numbers ``a b u c d v x y w``: a stored point ``(x, y)`` is shown at
        ``(a x + c y, b x + d y)``, moved into the picture. The scale does not matter.

    Returns
    -------
    ndarray, shape (2, 2), int64
        `NO_TURN` for a matrix that collapses the picture.
    """
    a, b, c, d = values[0], values[1], values[3], values[4]
    straight, across = (a, d), (c, b)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return np.diag(np.sign(straight)) if all(straight) else NO_TURN
    return np.fliplr(np.diag(np.sign(across))) if all(across) else NO_TURN


def is_mirrored(turn: Turn) -> bool:
    """Return whether a turn also mirrors."""
    return bool(turn[0, 0] * turn[1, 1] - turn[0, 1] * turn[1, 0] < 0)


def mirror_back(turn: Turn) -> Turn:
    """Return a turn that shows the same way up, but as the camera saw it."""
    return turn * ((-1,), (1,)) if is_mirrored(turn) else turn


def is_transposed(turn: Turn) -> bool:
    """Return whether the stored picture's rows are shown as columns."""
    return not turn[0, 0]


def map_points(affine: Affine, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """Return where N points lead to, shape (2, N)."""
    points = np.atleast_2d(x), np.atleast_2d(y)
    mapped: NDArray[np.float64] = affine[:, :1] * points[0] + affine[:, 1:2] * points[1]
    return mapped + affine[:, 2:]


def is_believable_aspect(pixel_aspect: float) -> bool:
    """Return whether pixels may be so wide; their width over their height is given."""
    return 1 / MAX_PIXEL_ASPECT <= pixel_aspect <= MAX_PIXEL_ASPECT


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the pixels of a stored picture are shown.

    Attributes
    ----------
    width, height : int
        Size of the stored picture.
    turn : ndarray, shape (2, 2), int64
    shown_width, shown_height : int
        Size of the shown picture, which all pictures of a video share.
    to_stored : ndarray, shape (2, 3), float64
        Takes a pixel of the shown picture to one of the stored picture.
    whole_pixels : bool
        Whether each shown pixel is a stored one.
    """

    width: int
    height: int
    turn: Turn
    shown_width: int
    shown_height: int
    to_stored: Affine
    whole_pixels: bool


def shown_size(width: int, height: int, turn: Turn, pixel_aspect: float) -> tuple[int, int]:
    """Return the width and height with square pixels, upright. The shorter side is stretched."""
    if pixel_aspect > 1:
        width = round(width * pixel_aspect)
    else:
        height = round(height / pixel_aspect)
    return (height, width) if is_transposed(turn) else (width, height)


def place_picture(
    width: int, height: int, turn: Turn, pixel_aspect: float, shown: tuple[int, int]
) -> Placement:
    """Lay a stored picture into the shown picture.

    Parameters
    ----------
    width, height : int
        Size of the stored picture.
    turn : ndarray, shape (2, 2), int64
    pixel_aspect : float
        Width of a stored pixel over its height.
    shown : tuple of int
        Width and height of the shown picture.

    Returns
    -------
    Placement
        The picture fills the shown one. If it has another aspect ratio, for example after the phone
        was turned, it keeps its own and stands in the middle.
    """
    own_width, own_height = shown_size(width, height, turn, pixel_aspect)
    filled_width, filled_height = map(float, shown)
    scale_x, scale_y = filled_width / own_width, filled_height / own_height
    if abs(math.log(scale_x / scale_y)) > SAME_ASPECT:
        scale = min(scale_x, scale_y)
        filled_width, filled_height = scale * own_width, scale * own_height
    if is_transposed(turn):
        scale_x, scale_y = width / filled_height, height / filled_width
    else:
        scale_x, scale_y = width / filled_width, height / filled_height
    # From the middle of the one picture to the middle of the other.
    linear = turn.T * ((scale_x,), (scale_y,)) + 0.0
    middle_shown = (np.array(shown) - 1) / 2
    middle_stored = (np.array((width, height)) - 1) / 2
    offset = middle_stored - (linear * middle_shown).sum(axis=1)
    to_stored = np.ascontiguousarray(np.column_stack((linear, offset)))
    whole_pixels = scale_x == scale_y == 1 and (own_width, own_height) == shown
    return Placement(width, height, turn, *shown, to_stored, whole_pixels)
