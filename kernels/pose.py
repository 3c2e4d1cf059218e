"""Head pose from landmarks, with a model of a rigid face and a projection without perspective."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_landmarks
from kernels._jit import kernel
from kernels.landmarks import FACE_MESH_INDICES

RIGID_POINTS: dict[int, tuple[float, float, float]] = {
    1: (0.000, 0.446, -0.487),
    2: (0.000, 0.521, -0.316),
    168: (0.000, -0.054, -0.244),
    10: (0.000, -0.608, -0.177),
    356: (0.766, 0.061, 0.559),
    127: (-0.766, 0.061, 0.559),
    454: (0.759, 0.225, 0.607),
    234: (-0.759, 0.225, 0.607),
    263: (0.500, 0.000, 0.000),
    33: (-0.500, 0.000, 0.000),
    362: (0.195, 0.017, -0.060),
    133: (-0.195, 0.017, -0.060),
}
"""A mean face: x, y and z of landmarks, by their FaceMesh index.

The unit is the distance between the outer canthi (the outer corners of the eyes).

x points to the subject's left, y down, and z away from the camera. The coordinates are the mean of
FaceMesh's over 16 people. Each face was turned so that the outer canthi lie level and at one
depth, and the mean was made mirror-symmetric. Jaw, mouth and brows are left out because they move.
Pitch is 0 as these people held their heads on average, filmed from about the height of their
eyes. The natural pitch of a single person differs from that by some degrees.
"""

Float64Array = NDArray[np.float64]

_COLUMNS = np.array([FACE_MESH_INDICES.index(index) for index in RIGID_POINTS], dtype=np.int64)
_SHAPE = np.array(list(RIGID_POINTS.values()))
# Image = matrix @ shape in the least-squares sense: the matrix is the image times this.
_PSEUDO_INVERSE = np.ascontiguousarray(np.linalg.pinv(_SHAPE - _SHAPE.mean(axis=0)).T)


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Direction of the head in each of N frames, in degrees; NaN where there is no face.

    Attributes
    ----------
    yaw_deg : ndarray, shape (N,), float64
        Positive if the head is turned to the subject's left; 0 if it faces the camera.
    pitch_deg : ndarray, shape (N,), float64
        Positive if the nose points down, relative to the camera. 0 is as people hold their heads on
        average who are filmed from the height of their eyes.
    """

    yaw_deg: Float64Array
    pitch_deg: Float64Array


@kernel("void(f4[:,:,::1], i8[::1], f8[:,::1], f8[:,::1])")
def _fit_affine(landmarks, columns, pseudo_inverse, rows):
    """Fit the affine map from `RIGID_POINTS` to each frame's landmarks by least squares.

    The map's six factors for each frame are written to `rows` (6, N), in pixels: those of the
    model's x, y and z in the image's x, then those in the image's y. Its shift is not needed.
    `columns` (P,) says which of the landmarks (N, K, 2), in pixels, are used. `pseudo_inverse`
    (P, 3) is computed from the same points of `RIGID_POINTS`. A frame without a face gives NaN.
    """
    for n in range(landmarks.shape[0]):
        # Each column of the pseudo-inverse sums to zero, so any point can be the origin. With one
        # of the landmarks, the differences are exact.
        origin_x = np.float64(landmarks[n, columns[0], 0])
        origin_y = np.float64(landmarks[n, columns[0], 1])
        ax, ay, az, bx, by, bz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for p in range(columns.size):
            x = np.float64(landmarks[n, columns[p], 0]) - origin_x
            y = np.float64(landmarks[n, columns[p], 1]) - origin_y
            ax += x * pseudo_inverse[p, 0]
            ay += x * pseudo_inverse[p, 1]
            az += x * pseudo_inverse[p, 2]
            bx += y * pseudo_inverse[p, 0]
            by += y * pseudo_inverse[p, 1]
            bz += y * pseudo_inverse[p, 2]
        rows[0, n], rows[1, n], rows[2, n] = ax, ay, az
        rows[3, n], rows[4, n], rows[5, n] = bx, by, bz


@kernel("void(f8[:,::1])")
def _turn_ahead(rows):
    """Replace each frame's affine map by the direction in which the face looks, in place.

    On entry, rows (6, N) hold what `_fit_affine` filled in. On return, the first three hold the
    direction as a vector of length 1: how far it points to the right of the image, down, and to the
    camera, after the roll of the head is undone. They are NaN where the map is, and where it sends
    all points to one line; the other rows stay as they are. The loop has no call and no branch, so
    that the compiler vectorises it.
    """
    rax, ray, raz, rbx, rby, rbz = rows[0], rows[1], rows[2], rows[3], rows[4], rows[5]
    for n in range(rows.shape[1]):
        ax, ay, az, bx, by, bz = rax[n], ray[n], raz[n], rbx[n], rby[n], rbz[n]
        # The nearest two rows of a rotation are the matrix over the square root of its Gram
        # matrix. For 2 by 2 matrices that root has a closed form.
        aa, ab = ax * ax + ay * ay + az * az, ax * bx + ay * by + az * bz
        bb = bx * bx + by * by + bz * bz
        squared = aa * bb - ab * ab
        root = np.sqrt(squared if squared > 0 else np.nan)
        # A common factor is left out, because the directions below do not depend on it.
        p11, p12, p22 = aa + root, ab, bb + root
        rx, ry, rz = p22 * ax - p12 * bx, p22 * ay - p12 * by, p22 * az - p12 * bz
        sx, sy, sz = p11 * bx - p12 * ax, p11 * by - p12 * ay, p11 * bz - p12 * az
        length = np.sqrt(rx * rx + ry * ry + rz * rz)
        # The face looks along its own -z: minus the third column of the rotation. The column's last
        # number is in the third row, the cross product of the other two; see the last line.
        right, down = -rz / length, -sz / length
        # Remove the roll. hypot would need a newer C library than Lambda's.
        across = np.sqrt(rx * rx + sx * sx)
        cosine, sine = rx / across, sx / across
        rax[n], ray[n] = cosine * right + sine * down, cosine * down - sine * right
        raz[n] = (rx * sy - ry * sx) / (length * length)


@kernel("void(f8[:,::1], f8[:,::1])")
def _head_angles(directions, angles_deg):
    """Fill angles_deg (2, N) with yaw and pitch in degrees, from directions (6, N).

    The first three rows of directions say how far the face looks to the right of the image, down,
    and to the camera (`_turn_ahead`); the other rows are not read. Yaw is positive to the right of
    the image, pitch is positive down; both are NaN where the direction is.
    """
    for n in range(directions.shape[1]):
        right, down, ahead = directions[0, n], directions[1, n], directions[2, n]
        if np.isnan(down):
            angles_deg[0, n], angles_deg[1, n] = np.nan, np.nan
            continue
        angles_deg[0, n] = np.degrees(np.arctan2(right, ahead))
        angles_deg[1, n] = np.degrees(np.arcsin(min(max(down, -1.0), 1.0)))


def compute_head_pose(landmarks: ArrayLike) -> HeadPose:
    """Compute the head's yaw and pitch in every frame.

    Parameters
    ----------
    landmarks : array_like, shape (N, K, 2), float32
        Points in pixels in the columns of `kernels.landmarks.FACE_MESH_INDICES` (K = 40); NaN = no
        face.

    Returns
    -------
    HeadPose
        NaN where there is no face, or where the points lie on a line.

    Raises
    ------
    ValueError
        The shape is not (N, 40, 2).

    Notes
    -----
    Find the best affine map from `RIGID_POINTS` to the image, then the nearest rotation with one
    scale; perspective is neglected. On the synthetic face, whose head is still, moving the eyes
    up and down by 21 degrees changes this pitch by 3 degrees, and by 37 degrees by up to 5.

    References
    ----------
    .. [1] D. F. DeMenthon, L. S. Davis, "Model-Based Object Pose in 25 Lines of Code",
       International Journal of Computer Vision 15, 1995: pose from scaled orthographic projection.
    """
    points = as_landmarks(landmarks)
    rows, angles_deg = np.empty((6, len(points))), np.empty((2, len(points)))
    _fit_affine(points, _COLUMNS, _PSEUDO_INVERSE, rows)
    _turn_ahead(rows)
    _head_angles(rows, angles_deg)
    return HeadPose(*angles_deg)
