"""The square region of a picture in which a model looks for the landmarks of a face."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.refinement import compute_extent
from kernels.sampling import Affine

REGION_SCALE = 1.5
"""Side of the region over the longer side of the landmarks' bounding box, as in FaceMesh."""


@dataclass(frozen=True, slots=True)
class Region:
    """A square around a face, in pixels of the whole picture, turned with the face.

    Attributes
    ----------
    centre_x, centre_y : float
        Its centre in pixels, from the picture's left and top edge.
    side_px : float
        Length of its sides.
    rotation_rad : float
        How far it is turned, in radians; clockwise in the picture is positive.
    """

    centre_x: float
    centre_y: float
    side_px: float
    rotation_rad: float

    def affine(self, size: int) -> Affine:
        """Return the affine map from a small picture of this region to the whole picture.

        The small picture has `size` pixels a side. The map has shape (2, 3): it takes a pixel
        ``(x, y, 1)`` of the small picture to x and y in the whole one. The pixel (0, 0) is mapped
        to the region's corner (the upper left one, if the region is not turned), not half a pixel
        inside. MediaPipe does the same, so its models expect it.
        """
        scale = self.side_px / size
        cos, sin = scale * math.cos(self.rotation_rad), scale * math.sin(self.rotation_rad)
        half = size / 2
        return np.array(
            [
                [cos, -sin, self.centre_x - (cos - sin) * half],
                [sin, cos, self.centre_y - (sin + cos) * half],
            ]
        )


def region_of(landmarks: NDArray[np.float32]) -> Region:
    """Compute the region in which FaceMesh looks for the face of these landmarks.

    Parameters
    ----------
    landmarks : ndarray, shape (478, 2), float32
        All landmarks of a face in pixels.

    Returns
    -------
    Region
        A square around the middle of the landmarks' bounding box. Its side is `REGION_SCALE` times
        the box's longer side. It is turned as the line from the right eye's outer canthus to the
        left one's. FaceMesh itself chooses its next region in the same way.
    """
    left, top, right, bottom = compute_extent(landmarks)
    (left_x, left_y), (right_x, right_y) = landmarks[263].tolist(), landmarks[33].tolist()
    return Region(
        centre_x=(left + right) / 2,
        centre_y=(top + bottom) / 2,
        side_px=REGION_SCALE * max(right - left, bottom - top),
        rotation_rad=math.atan2(left_y - right_y, left_x - right_x),
    )
