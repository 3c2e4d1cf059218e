"""Turn, mirror and stretch a stored picture as it must be shown.

A viewer turns a picture by its display matrix, and stretches it by its sample aspect ratio, so that
it is upright and has square pixels. This is the picture that is measured, with one exception. Some
matrices also mirror, so that a viewer shows a mirror image of what the camera saw, like the preview
of a front camera. Such a picture is mirrored back before it is measured. Then the subject's left
eye is always on the right of the picture. The summary says that this was done (`mirrored` in
`video_meta`). No file says whether its pixels were mirrored before they were stored.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    # Loading the kernels takes as long as tracking 100 frames, and planning needs none of them.
    from kernels.sampling import Affine

MAX_PIXEL_ASPECT = 4.0
"""Widest or tallest pixel that is believed: PAL video of half the width, 16:9, has 2.9."""
SAME_ASPECT = 0.02
"""Sizes whose aspect ratios differ by less show the same: encoders round sizes to whole blocks."""

Turn = NDArray[np.int64]
"""Shape (2, 2): takes a direction in the stored picture to one in the shown picture."""

NO_TURN: Turn = np.eye(2, dtype=np.int64)


def read_display_matrix(values: Sequence[int]) -> Turn:
    """Return the turn that is nearest to a video's display matrix, which says how to show it.

    There are eight turns: by 0 to 3 quarters, each with or without mirroring.

    Parameters
    ----------
    values : sequence of int
        The nine numbers ``a b u c d v x y w``: a stored point ``(x, y)`` is shown at
        ``(a x + c y, b x + d y)``. The scale of the matrix and its shift do not matter.

    Returns
    -------
    ndarray, shape (2, 2), int64
        Takes a direction (x, y) in the stored picture to one in the shown picture; entries -1, 0
        and 1. `NO_TURN` for a matrix that would make the picture a line or a point.
    """
    a, b, c, d = values[0], values[1], values[3], values[4]
    straight, across = (a, d), (c, b)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return np.diag(np.sign(straight)) if all(straight) else NO_TURN
    return np.fliplr(np.diag(np.sign(across))) if all(across) else NO_TURN


def is_mirrored(turn: Turn) -> bool:
    """Return whether a turn (2, 2), see `read_display_matrix`, mirrors; it may also rotate."""
    return bool(turn[0, 0] * turn[1, 1] - turn[0, 1] * turn[1, 0] < 0)


def mirror_back(turn: Turn) -> Turn:
    """Return the turn without its mirroring: left and right of the shown picture are exchanged.

    The picture is still shown the same way up. A turn that does not mirror is returned as it is.
    """
    return turn * ((-1,), (1,)) if is_mirrored(turn) else turn


def is_transposed(turn: Turn) -> bool:
    """Return whether a turn shows the stored picture's rows as columns, as a quarter turn does."""
    return not turn[0, 0]


def map_points(affine: "Affine", x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """Apply an affine transform, shape (2, 3), to N points in pixels; return x and y, shape (2, N).

    The centre of a picture's first pixel is (0, 0). `x` and `y` have shape (N,), or are numbers:
    then N is 1.
    """
    points = np.atleast_2d(x), np.atleast_2d(y)
    mapped: NDArray[np.float64] = affine[:, :1] * points[0] + affine[:, 1:2] * points[1]
    return mapped + affine[:, 2:]


def is_believable_aspect(pixel_aspect: float) -> bool:
    """Return whether a camera may record pixels of this aspect ratio (width over height).

    The limits are `MAX_PIXEL_ASPECT` and 1 over it, both included.
    """
    return 1 / MAX_PIXEL_ASPECT <= pixel_aspect <= MAX_PIXEL_ASPECT


@dataclass(frozen=True, slots=True)
class Placement:
    """How the pixels of a stored picture are placed in the shown picture.

    Attributes
    ----------
    width, height : int
        Size of the stored picture in pixels.
    turn : ndarray, shape (2, 2), int64
        The turn from the stored to the shown picture; see `read_display_matrix`.
    shown_width, shown_height : int
        Size of the shown picture in pixels, which is the same for all pictures of a video.
    to_stored : ndarray, shape (2, 3), float64
        Affine transform of a point (x, y, 1) in the shown picture to its point (x, y) in the stored
        picture, in pixels; the centre of the first pixel is (0, 0).
    whole_pixels : bool
        Whether each shown pixel is exactly one stored pixel, so that nothing is interpolated.
    """

    width: int
    height: int
    turn: Turn
    shown_width: int
    shown_height: int
    to_stored: "Affine"
    whole_pixels: bool


def shown_size(width: int, height: int, turn: Turn, pixel_aspect: float) -> tuple[int, int]:
    """Return the width and height of the shown picture in pixels, upright and with square pixels.

    Parameters
    ----------
    width, height : int
        Size of the stored picture in pixels.
    turn : ndarray, shape (2, 2), int64
        The turn from the stored to the shown picture; see `read_display_matrix`.
    pixel_aspect : float
        Width of a stored pixel over its height. The picture is only ever enlarged: in width if its
        pixels are wider than tall, in height if they are taller than wide.
    """
    if pixel_aspect > 1:
        width = round(width * pixel_aspect)
    else:
        height = round(height / pixel_aspect)
    return (height, width) if is_transposed(turn) else (width, height)


def place_picture(
    width: int, height: int, turn: Turn, pixel_aspect: float, shown: tuple[int, int]
) -> Placement:
    """Return where a stored picture is placed in the shown picture.

    Parameters
    ----------
    width, height : int
        Size of the stored picture in pixels.
    turn : ndarray, shape (2, 2), int64
        The turn from the stored to the shown picture; see `read_display_matrix`.
    pixel_aspect : float
        Width of a stored pixel over its height.
    shown : tuple of int
        Width and height of the shown picture in pixels.

    Returns
    -------
    Placement
        The stored picture fills the shown one. If their aspect ratios differ by over 2 %, for
        example because the phone was turned while recording, it keeps its own: it is placed in the
        middle, as large as it fits in.
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
