"""The pictures of a face that a synthetic clip is drawn from, each made once.

Except for the portrait itself, they are `ENLARGEMENT` times as large as the portrait, so that they
stay smooth when the skin is stretched.
"""

import functools
import importlib.metadata
from typing import Any

import cv2
import numpy as np

from tracker.lab.clip_spec import (
    LEFT,
    Float64Array,
    Image,
    SyntheticSetupError,
)
from tracker.lab.faces import FACES, Face, lid_shape

ENLARGEMENT = 4

# Spectacles that are drawn. Lengths in canthal distances.
LENS_CENTRE_V, LENS_HALF_SIZE, LENS_EXPONENT = 0.14, (0.78, 0.58), 3.0
"""A lens covers ``|u / half width| ** exponent + |v / half height| ** exponent <= 1``."""
RIM_WIDTH, RIM_BGR = 0.09, (34, 30, 30)
BRIDGE_END = 1.4
"""Where half of the bridge ends: distance from the middle of an eye. The two halves overlap."""
REFLECTION_OPACITY = 0.2
"""Opacity of the window that each lens reflects."""

FILLED_BLUR_PX = 1.5
HEAD_RADIUS = 0.42
"""Distance from the face's middle to the end of the hair, as a share of `Face.short_side_px`."""


def eye_axes(face: Face, side: int) -> tuple[Float64Array, Float64Array, float]:
    """Return the midpoint, the direction and the length of an eye's axis, in portrait pixels.

    The axis is the line between the eye's two canthi (corners). The midpoint is (x, y), and the
    direction a unit vector (x, y) towards the subject's left. `side` is `LEFT` or `RIGHT`.
    """
    first, second = np.array(face.canthi_px[side])
    width_px = float(np.hypot(*(second - first)))
    return (first + second) / 2, (second - first) / width_px, width_px


@functools.cache
def load_portrait(name: str) -> Image:
    """Read a face's portrait, and darken the skin if the face is a variant that asks for it.

    Parameters
    ----------
    name : str
        A key of `tracker.lab.faces.FACES`.

    Returns
    -------
    ndarray, shape (height, width, 3), uint8
        Blue-green-red.

    Raises
    ------
    SyntheticSetupError
        The portrait's package is not installed, or its picture is missing or of another size.
    """
    face = FACES[name]
    missing = (
        f"the portrait that clips are drawn on ({face.file} of {face.package}) is missing: "
        f"pip install {face.package}"
    )
    try:
        # Only the file is used, because importing the library needs packages that are missing.
        path = importlib.metadata.distribution(face.package).locate_file(face.file)
    except importlib.metadata.PackageNotFoundError as error:
        raise SyntheticSetupError(missing) from error
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None or image.shape != (face.size_px[1], face.size_px[0], 3):
        raise SyntheticSetupError(missing)
    portrait: Image = image  # type: ignore[assignment]
    return _darken_skin(portrait, face) if face.skin_gain else portrait


@functools.cache
def enlarged_portrait(name: str) -> Image:
    """Return what `load_portrait` reads, `ENLARGEMENT` times as large.

    It is blue-green-red, shape (height, width, 3). `name` is a key of `tracker.lab.faces.FACES`.
    """
    return _enlarge(load_portrait(name))


@functools.cache
def open_skin(name: str) -> Image:
    """Return the enlarged portrait with skin in place of the spectacles that it wears, if any.

    The portrait's own eyes are still in it; drawn eyes cover them. The result is blue-green-red,
    shape (height, width, 3). `name` is a key of `tracker.lab.faces.FACES`.
    """
    if not FACES[name].rims_px:
        return enlarged_portrait(name)
    return _fill(name, _mark_rims(name))


@functools.cache
def bare_skin(name: str) -> Image:
    """Return the enlarged portrait with skin in place of eyes, lashes, lid creases and spectacles.

    It is what a shut lid shows. The result is blue-green-red, shape (height, width, 3). `name` is a
    key of `tracker.lab.faces.FACES`.
    """
    face = FACES[name]
    mask = _mark_rims(name)
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    for side in range(len(face.canthi_px)):
        midpoint, axis, width_px = eye_axes(face, side)
        dx, dy = (x - midpoint[0]) / width_px, (y - midpoint[1]) / width_px
        u, v = dx * axis[0] + dy * axis[1], dy * axis[0] - dx * axis[1]
        # Wider than the eye, because the lashes reach beyond the outer canthus.
        shape = lid_shape(u, 0.78)
        above, below = 1.6 * face.upper_lid * shape + 0.05, 1.6 * face.lower_lid * shape + 0.03
        mask |= (shape > 0) & (v > -above) & (v < below)
    return _fill(name, mask)


@functools.cache
def spectacles(name: str) -> Image | None:
    """Return the spectacles in front of the eyes; None if the face has none.

    They are those that the portrait wears, cut out of it (`Face.rims_px`), or drawn ones
    (`Face.draws_spectacles`). The shape is (h, w, 4): blue, green, red and opacity, 0 to 255; as
    large as `enlarged_portrait`. `name` is a key of `tracker.lab.faces.FACES`.
    """
    face = FACES[name]
    if face.rims_px:
        opacity = cv2.GaussianBlur(_enlarge(255 * _mark_rims(name)), (0, 0), 0.6 * ENLARGEMENT)
        return np.dstack((enlarged_portrait(name), opacity))
    return _draw_spectacles(face) if face.draws_spectacles else None


def _draw_spectacles(face: Face) -> Image:
    """Draw a rim around each eye, a bridge, and the reflection of a window on each lens.

    Return a picture (h, w, 4), as large as the enlarged portrait: blue, green, red and opacity, 0
    to 255.
    """
    width, height = (ENLARGEMENT * side for side in face.size_px)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    rim, reflection = np.zeros((2, height, width), dtype=np.float32)
    for side in range(len(face.canthi_px)):
        midpoint, axis, width_px = eye_axes(face, side)
        unit_px = ENLARGEMENT * width_px
        dx, dy = ((p - ENLARGEMENT * m) / unit_px for p, m in zip((x, y), midpoint, strict=True))
        u, v = dx * axis[0] + dy * axis[1], dy * axis[0] - dx * axis[1] - LENS_CENTRE_V
        half_width, half_height = LENS_HALF_SIZE
        powers = np.abs(u / half_width) ** LENS_EXPONENT + np.abs(v / half_height) ** LENS_EXPONENT
        # The distance from the edge of the lens is about right near it.
        from_edge = (powers ** (1 / LENS_EXPONENT) - 1) * half_height
        to_nose = -u if side == LEFT else u
        is_bridge = (to_nose > 0.95 * half_width) & (to_nose < BRIDGE_END)
        to_bridge = np.where(is_bridge, np.abs(v + 0.5 * half_height), np.inf)
        from_rim = np.minimum(np.abs(from_edge), to_bridge)
        np.maximum(rim, np.clip((RIM_WIDTH / 2 - from_rim) / 0.03 + 0.5, 0, 1), out=rim)
        band = np.clip((0.10 - np.abs(u + 0.5 * v + 0.4)) / 0.03, 0, 1) * (from_edge < 0)
        np.maximum(reflection, band, out=reflection)
    colour = np.where((rim > 0)[..., None], np.array(RIM_BGR), 255)
    opacity = 255 * np.maximum(rim, REFLECTION_OPACITY * reflection)
    return np.dstack((colour, opacity)).astype(np.uint8)


def _mark_rims(name: str) -> Image:
    """Return a mask (height, width): 1 where the portrait's own spectacles hide skin that moves.

    It is as large as the portrait itself, and 0 everywhere if the portrait wears none (drawn
    spectacles are not in it). `name` is a key of `tracker.lab.faces.FACES`.
    """
    face = FACES[name]
    mask = np.zeros((face.size_px[1], face.size_px[0]), dtype=np.uint8)
    for rim in face.rims_px:
        outline = np.rint(np.array(rim)).astype(np.int32)
        cv2.fillPoly(mask, [outline], 1)
        # The portrait is not sharp: a rim darkens the pixels beside it.
        cv2.polylines(mask, [outline], True, 1, thickness=3)
    return mask


def _fill(name: str, mask: Image) -> Image:
    """Return the enlarged portrait; where the mask is 1, skin from around is painted over it.

    `mask` (height, width) is as large as the portrait itself. `name` is a key of
    `tracker.lab.faces.FACES`.
    """
    filled = cv2.inpaint(load_portrait(name), mask, 3, cv2.INPAINT_TELEA)
    # Filling from the edges leaves streaks.
    smooth = cv2.GaussianBlur(filled, (0, 0), FILLED_BLUR_PX)
    return _enlarge(np.where(mask[..., None] > 0, smooth, filled))


def _enlarge(image: Any) -> Image:
    height, width = image.shape[:2]
    size = (ENLARGEMENT * width, ENLARGEMENT * height)
    enlarged: Image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    return enlarged


def _darken_skin(image: Image, face: Face) -> Image:
    """Return the portrait with the colours of the skin multiplied by `Face.skin_gain`.

    `image` is the portrait, blue-green-red; `Face.skin_gain` is not None. Teeth, clothes and what
    is behind the head keep their colours.
    """
    red_over_blue = image[..., 2].astype(np.float32) - image[..., 0]
    is_skin = np.clip((red_over_blue - 8) / 20, 0, 1)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    from_centre = np.hypot(x - face.centre_px[0], y - face.centre_px[1]) / face.short_side_px
    is_skin *= np.clip((HEAD_RADIUS - from_centre) / 0.1, 0, 1)
    weight = cv2.GaussianBlur(is_skin, (0, 0), 1.0)[..., None]
    darkened: Image = np.rint(image * (1 - weight * (1 - np.array(face.skin_gain)))).astype(
        np.uint8
    )
    return darkened
