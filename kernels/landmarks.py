"""The landmarks that are kept of each frame: which of FaceMesh's 478 points, and in which column.

"left" and "right" are the **subject's**: the subject's right eye is on the left of an unmirrored
image. Arrays of both eyes have an axis of length 2: the left eye at `LEFT`, the right at `RIGHT`.
"""

import numpy as np

LEFT, RIGHT = 0, 1

FACE_MESH_INDICES: tuple[int, ...] = (
    # Left eye: canthi (inner, outer), upper lid, lower lid, iris centre and ring.
    *(362, 263, 387, 386, 385, 373, 374, 380, 473, 474, 475, 476, 477),
    # Right eye, in the mirrored order.
    *(133, 33, 160, 159, 158, 144, 145, 153, 468, 469, 470, 471, 472),
    # Rigid points of the face for the head's pose: nose tip, nasion, subnasale, forehead, chin,
    # temples, cheekbones (left, right), mouth corners, brows, jaw.
    *(1, 168, 2, 10, 152, 356, 127, 454, 234, 291, 61, 334, 105, 199),
)
"""FaceMesh's index of the point in each column of an array of landmarks (K = 40)."""

LANDMARK_COUNT = len(FACE_MESH_INDICES)

_COLUMN = {index: column for column, index in enumerate(FACE_MESH_INDICES)}

EYE_COLUMNS = np.array(
    [
        # The first two run from the subject's right to the left (left to right in the image), so
        # that both eyes share the same axes; then p2, p6, p3, p5 of the EAR; then the mid lids
        # (upper, lower); then the iris centre and the two ends of its horizontal diameter.
        [_COLUMN[i] for i in (362, 263, 385, 380, 387, 373, 386, 374, 473, 474, 476)],
        [_COLUMN[i] for i in (33, 133, 160, 144, 158, 153, 159, 145, 468, 469, 471)],
    ],
    dtype=np.int64,
)
"""Columns of the points that each eye's geometry is computed from, shape (2, 11), left first."""
