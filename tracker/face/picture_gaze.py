"""Measure in the pictures how far the irises move up and down; landmarks only say where to look.

Landmarks follow the iris only in part, and behind thick rims of spectacles hardly at all. Nothing
in the landmarks shows that they do not follow. In the picture, the iris is darker than the white of
the eye beside it. Rims, lids and lashes run across, and so are not darker than what is beside them.
How that dark place moves against the bridge of the nose is a coarse measure, but no rim holds it
back.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.face.sampling import sample
from tracker.video.frames import ImageLike

MOST_PICTURES = 512
"""Most pictures of a face. If there are more, every second one is kept, then every fourth, ..."""
EYE_PX = 24
"""Distance of an eye's canthi in the small picture: no more than in the smallest eyes that are
assessed."""
WIDTH_PX, HEIGHT_PX, EYE_ROW = 84, 56, 16
"""Size of the small picture, which shows both eyes and the nose, and the row of the eyes."""
BRIDGE_ROWS, BRIDGE_COLUMNS = (8, 24), (30, 54)
"""Where the bridge of the nose is. It moves with the skull, and spectacles rest on it.

Further down, the nose stands out more, so that a nod moves it further against the eyes.
"""
IRIS_ROWS = (8, 30)
"""Rows in which the iris is looked for: 0.33 above the eye's axis to 0.54 below, in eye widths."""
LARGEST_SHIFT_PX = (4, 8)
"""Farthest shift that is looked for, to the sides and up or down: a sixth and a third of an eye."""
IRIS_RADIUS_PX = 0.195 * EYE_PX
"""Radius of the iris: 11.7 mm of diameter in an eye 30 mm wide."""
CORE, BESIDE = 0.7, (1.05, 1.65)
"""In radii from the iris' middle: its dark part, and the white of the eye on both sides."""
LEAST_LIKENESS = 0.6
"""Least correlation of a part of a picture with the same part of the typical one, to be found."""
TYPICAL_OF = 64
"""Most pictures from which the typical one is made; they are spread over the recording."""

_CANTHI = (33, 133, 362, 263)
_IRISES = (473, 468)

Float64Array = NDArray[np.float64]
Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SmallPicture:
    """Both eyes and the nose of a face, upright and in one size.

    Attributes
    ----------
    grey : ndarray, shape (56, 84), uint8
        The picture: the mean of red, green and blue. `EYE_PX` is the mean width of both eyes in it.
    iris_columns : (float, float)
        Columns of `grey` with the middle of the subject's left iris and of the right one, by the
        landmarks.
    """

    grey: NDArray[np.uint8]
    iris_columns: tuple[float, float]


def cut_picture(image: ImageLike, points: NDArray[np.float32]) -> SmallPicture | None:
    """Cut both eyes and the nose out of an image, as a small upright picture of one size.

    Parameters
    ----------
    image : ndarray or LazyImage, shape (height, width, 3), uint8
        Blue-green-red. Only the part around the eyes is read.
    points : ndarray, shape (478, 2), float32
        All landmarks of the face in pixels.

    Returns
    -------
    SmallPicture or None
        None if the mean width of both eyes, or the distance between them, is not over a pixel, or
        if that width is not below the image's longer side.
    """
    # Points of the image are complex numbers, so that a factor turns and scales them.
    outer, inner, left_inner, left_outer, *irises = (
        complex(x, y) for x, y in points[list(_CANTHI + _IRISES)].tolist()
    )
    apart = (left_inner + left_outer - outer - inner) / 2
    eye_px = (abs(inner - outer) + abs(left_outer - left_inner)) / 2
    if not (abs(apart) > 1 and 1 < eye_px < max(image.shape[:2])):
        return None
    pixel = apart / abs(apart) * eye_px / EYE_PX
    corner = (outer + inner + apart) / 2 - pixel * complex((WIDTH_PX - 1) / 2, EYE_ROW)
    matrix = np.array(
        ((pixel.real, -pixel.imag, corner.real), (pixel.imag, pixel.real, corner.imag))
    )
    small = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.float32)
    reduction = max(1, min(int(eye_px / EYE_PX), min(image.shape[:2]) // 4))
    sample(image, matrix, small, high=255, reduction=reduction)
    left, right = (((iris - corner) / pixel).real for iris in irises)
    # The mean over the colours. NumPy's `mean` takes several times as long for three values.
    grey = (small[..., 0] + small[..., 1] + small[..., 2]) / np.float32(3)
    return SmallPicture(np.rint(grey).astype(np.uint8), (left, right))


class PictureGaze:
    """Keeps small pictures of one face over a recording, and measures the irises in them.

    At most `MOST_PICTURES` of those that are added are kept, spread evenly.
    """

    def __init__(self) -> None:
        self._samples: list[int] = []
        self._pictures: list[SmallPicture] = []
        self._added = 0
        self._every = 1

    def add(self, index: int, picture: SmallPicture) -> None:
        """Keep the picture of a frame, or leave it out if there are many.

        `index` is the frame's index among the analysed ones. Add the pictures in order of time.
        """
        self._added += 1
        if (self._added - 1) % self._every:
            return
        self._samples.append(index)
        self._pictures.append(picture)
        if len(self._samples) > MOST_PICTURES:
            self._every *= 2
            del self._samples[1::2], self._pictures[1::2]

    def drop(self, index: int) -> None:
        """Remove the picture of frame `index`, which showed another face.

        Nothing is done if that picture is not the last one that was kept.
        """
        if self._samples and self._samples[-1] == index:
            del self._samples[-1], self._pictures[-1]

    def measure(self) -> tuple[NDArray[np.int64], Float32Array]:
        """Measure the height of the irises in all pictures that were kept.

        Returns
        -------
        samples : ndarray, shape (S,), int64
            The frames of these pictures, as indices of the analysed ones, ascending.
        heights : ndarray, shape (S, 2), float32
            Of the left and the right iris: how much lower it is, against the bridge of the nose,
            than in the typical picture, the median of the pictures; in canthal distances (from
            corner to corner of an eye). NaN where the iris or the bridge is not found.
        """
        samples = np.array(self._samples, np.int64)
        if not samples.size:
            return samples, np.empty((0, 2), np.float32)
        pictures = np.array([one.grey for one in self._pictures])
        columns = np.array([one.iris_columns for one in self._pictures])
        rows = [_iris_rows(pictures, columns[:, side]) for side in (0, 1)]
        bridge = _find_shifts(pictures, BRIDGE_ROWS, BRIDGE_COLUMNS)
        irises = [_find_shifts(one[..., None], IRIS_ROWS, (0, 1)) for one in rows]
        heights = (np.column_stack(irises) - bridge[:, None]) / EYE_PX
        return samples, heights.astype(np.float32)


def _iris_rows(pictures: NDArray[np.uint8], columns: Float64Array) -> Float32Array:
    """Return how much darker the iris is than what is beside it, in each row: shape (S, HEIGHT_PX).

    pictures (S, `HEIGHT_PX`, `WIDTH_PX`) are small pictures in grey, and columns (S,) the columns
    of the middle of one iris in them, in pixels. The result is in grey levels, 0 in rows that are
    not darker there. So it is about 0 at lids, rims and lashes, which run across: they are as dark
    in the middle as on both sides.
    """
    away = np.abs(np.arange(WIDTH_PX) - columns[:, None]) / IRIS_RADIUS_PX
    soft = 1 / IRIS_RADIUS_PX
    core = np.clip((CORE - away) / soft + 0.5, 0, 1)
    low, high = BESIDE
    beside = np.clip(np.minimum(away - low, high - away) / soft + 0.5, 0, 1)
    # Beyond the picture there is no white of the eye.
    weights = beside / np.maximum(beside.sum(axis=1, keepdims=True), 1)
    weights -= core / np.maximum(core.sum(axis=1, keepdims=True), 1)
    darker: Float64Array = np.maximum((pictures * weights[:, None]).sum(axis=2), 0)
    return darker.astype(np.float32)


def _find_shifts(
    pictures: NDArray[np.uint8] | Float32Array, rows: tuple[int, int], columns: tuple[int, int]
) -> Float64Array:
    """Return by how many pixels a part of each picture (S, H, W) is lower than usual, shape (S,).

    `rows` and `columns`, each (first, stop), are where the part is in the typical picture: the
    median of the pictures. In each picture, it is searched for up to `LARGEST_SHIFT_PX` away, but
    not to the sides if it is one column wide. The shift is interpolated between rows, and negative
    if the part is higher up. NaN where no place is like the part by `LEAST_LIKENESS`, or the most
    like one is at the upper or lower end of the search; all NaN if the typical part is uniform.
    """
    typical = np.median(pictures[:: -(-len(pictures) // TYPICAL_OF)], axis=0).astype(np.float32)
    (top, bottom), (left, right) = rows, columns
    aside, down = LARGEST_SHIFT_PX if right - left > 1 else (0, LARGEST_SHIFT_PX[1])
    part = typical[top:bottom, left:right]
    if not part.std() > 0:
        return np.full(len(pictures), np.nan)
    shifts = np.full(len(pictures), np.nan)
    for n, picture in enumerate(pictures):
        searched = picture[top - down : bottom + down, left - aside : right + aside]
        likeness = cv2.matchTemplate(
            np.ascontiguousarray(searched, np.float32), part, cv2.TM_CCOEFF_NORMED
        )
        row, column = np.unravel_index(int(likeness.argmax()), likeness.shape)
        if likeness[row, column] >= LEAST_LIKENESS and 0 < row < 2 * down:
            before, at, after = likeness[row - 1 : row + 2, column].astype(np.float64)
            # A parabola through the best row and its neighbours is highest between two rows.
            shifts[n] = row - down + (before - after) / 2 / min(before - 2 * at + after, -1e-9)
    return shifts
