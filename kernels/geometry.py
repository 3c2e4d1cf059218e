"""Eye geometry from landmarks, in one pass over the frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_landmarks, require
from kernels._jit import kernel
from kernels.landmarks import EYE_COLUMNS

IRIS_DIAMETER_MM = 11.7
"""Horizontal iris diameter, nearly the same in all adults."""

ROTATION_RADIUS_MM = 10.0
"""Distance from the eye's centre of rotation to the plane of the iris.

The centre of rotation lies about 13.5 mm behind the corneal vertex, and the iris plane about
3.5 mm. This is an assumption: eyes differ by about 10 % between people, and so do the angles.
"""

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EyeGeometry:
    """Geometry of both eyes in each of N frames; NaN where there is no face.

    Arrays of shape (N, 2) hold the subject's left eye, then the right eye. A canthus is a corner of
    the eye; the canthus axis is the line from one corner to the other.

    Attributes
    ----------
    ear : ndarray, shape (N, 2), float64
        Eye aspect ratio: height of the lid opening (mean of two places) divided by the distance
        between the canthi.
    vertical_offset, horizontal_offset : ndarray, shape (N, 2), float64
        Distance of the iris centre from the midpoint between the canthi, across the canthus axis
        (vertical) and along it (horizontal), divided by the distance between the canthi. Down and
        the subject's left are positive. Like `ear`, NaN for an eye of zero width.
    iris_diameter_px : ndarray, shape (N, 2), float64
        Horizontal iris diameter in pixels.
    palpebral_fissure_px : ndarray, shape (N, 2), float64
        Height of the lid opening in the middle of the lids, in pixels.
    canthal_distance_px : ndarray, shape (N, 2), float64
        Distance between the inner and the outer canthus, in pixels.
    upper_lid_offset : ndarray, shape (N, 2), float64
        Like `vertical_offset`, for the middle of the upper lid's edge instead of the iris centre:
        negative where the lid is above the canthus axis.
    head_roll_deg : ndarray, shape (N,), float64
        Rotation of the head in the image plane in degrees, from the line between the two eyes;
        clockwise in the image is positive.
    """

    ear: Float64Array
    vertical_offset: Float64Array
    horizontal_offset: Float64Array
    iris_diameter_px: Float64Array
    palpebral_fissure_px: Float64Array
    canthal_distance_px: Float64Array
    upper_lid_offset: Float64Array
    head_roll_deg: Float64Array


@kernel("f8(f4[:,:,::1], i8, i8, i8)")
def _distance(landmarks, n, i, j):
    """Return the distance in pixels between columns i and j of landmarks (N, K, 2) in frame n."""
    # float64 before the difference: float32 resolves only 1e-4 px at 1000 px.
    dx = np.float64(landmarks[n, j, 0]) - np.float64(landmarks[n, i, 0])
    dy = np.float64(landmarks[n, j, 1]) - np.float64(landmarks[n, i, 1])
    return np.sqrt(dx * dx + dy * dy)


@kernel("void(f4[:,:,::1], i8[:,::1], f8[:,:,::1], f8[::1])")
def _eye_geometry(landmarks, eye_columns, measured, head_roll_deg):
    """Fill measured (7, N, 2) and head_roll_deg (N,) from landmarks (N, K, 2), in pixels.

    The numbers are those of `EyeGeometry`. measured[0] to measured[6] are ear, vertical_offset,
    horizontal_offset, iris_diameter_px, palpebral_fissure_px, canthal_distance_px and
    upper_lid_offset, each of the left eye, then of the right one. eye_columns (2, 11) is
    `EYE_COLUMNS`, the columns of landmarks for each eye.
    """
    ear, vertical_offset, horizontal_offset = measured[0], measured[1], measured[2]
    iris_diameter_px, palpebral_fissure_px = measured[3], measured[4]
    canthal_distance_px, upper_lid_offset = measured[5], measured[6]
    for n in range(landmarks.shape[0]):
        across_x, across_y = 0.0, 0.0
        for eye in range(2):
            a, b, p2, p6, p3, p5, upper, lower, iris, ring_a, ring_b = eye_columns[eye]
            ax, ay = np.float64(landmarks[n, a, 0]), np.float64(landmarks[n, a, 1])
            bx, by = np.float64(landmarks[n, b, 0]), np.float64(landmarks[n, b, 1])
            canthal_distance_px[n, eye] = _distance(landmarks, n, a, b)
            width = canthal_distance_px[n, eye]
            if width == 0:
                width = np.nan
            unit_x, unit_y = (bx - ax) / width, (by - ay) / width
            offset_x = np.float64(landmarks[n, iris, 0]) - (ax + bx) / 2
            offset_y = np.float64(landmarks[n, iris, 1]) - (ay + by) / 2
            lid_gaps = _distance(landmarks, n, p2, p6) + _distance(landmarks, n, p3, p5)
            ear[n, eye] = lid_gaps / (2 * width)
            horizontal_offset[n, eye] = (offset_x * unit_x + offset_y * unit_y) / width
            # The canthus axis turned by 90 degrees, towards the chin.
            vertical_offset[n, eye] = (offset_y * unit_x - offset_x * unit_y) / width
            lid_x = np.float64(landmarks[n, upper, 0]) - (ax + bx) / 2
            lid_y = np.float64(landmarks[n, upper, 1]) - (ay + by) / 2
            upper_lid_offset[n, eye] = (lid_y * unit_x - lid_x * unit_y) / width
            iris_diameter_px[n, eye] = _distance(landmarks, n, ring_a, ring_b)
            palpebral_fissure_px[n, eye] = _distance(landmarks, n, upper, lower)
            sign = 1 if eye == 0 else -1
            across_x += sign * (ax + bx)
            across_y += sign * (ay + by)
        if across_x == 0 and across_y == 0:
            head_roll_deg[n] = np.nan
        else:
            head_roll_deg[n] = np.degrees(np.arctan2(across_y, across_x))


@kernel("void(f8[::1], f8, f8, f8[::1])")
def _rotation_deg(offset, scale_mm, radius_mm, out):
    """Fill out (N,) with the eye's rotation in degrees; its sine is offset * scale_mm / radius_mm.

    offset (N,) is the gaze offset in eye widths, scale_mm the width of an eye, and radius_mm the
    distance from its centre of rotation to the iris. NaN where the sine would lie beyond -1 to 1,
    or is NaN.
    """
    for n in range(offset.size):
        sine = offset[n] * scale_mm / radius_mm
        out[n] = np.degrees(np.arcsin(sine)) if np.abs(sine) <= 1 else np.nan


def compute_eye_geometry(landmarks: ArrayLike) -> EyeGeometry:
    """Compute lid opening, gaze offset, iris size and head roll of every frame.

    Parameters
    ----------
    landmarks : array_like, shape (N, K, 2), float32
        Points in **pixels**, in the columns of `kernels.landmarks.FACE_MESH_INDICES` (K = 40). NaN
        = no face. Coordinates normalised by width and height would give wrong ratios.

    Returns
    -------
    EyeGeometry
        Of the same N frames. Ratios are NaN for an eye of zero width.

    Raises
    ------
    ValueError
        The shape is not (N, 40, 2).

    Notes
    -----
    Offsets are divided by the distance between the canthi (the corners of the eye), which a blink
    does not change, and never by the lid opening, which it does.

    References
    ----------
    .. [1] T. Soukupová, J. Čech, "Real-Time Eye Blink Detection using Facial Landmarks", 21st
       Computer Vision Winter Workshop, 2016, equation 1: the eye aspect ratio.
    """
    points = as_landmarks(landmarks)
    measured, head_roll_deg = np.empty((7, len(points), 2)), np.empty(len(points))
    _eye_geometry(points, EYE_COLUMNS, measured, head_roll_deg)
    ear, vertical, horizontal, iris_px, fissure_px, canthal_px, upper_lid = measured
    return EyeGeometry(
        ear, vertical, horizontal, iris_px, fissure_px, canthal_px, upper_lid, head_roll_deg
    )


def compute_rotation_deg(offset: ArrayLike, iris_to_canthal_ratio: float) -> Float64Array:
    """Estimate the rotation of the eye from its gaze offset.

    Parameters
    ----------
    offset : array_like, any shape, float64
        Gaze offset in canthal distances, such as `EyeGeometry.vertical_offset`.
    iris_to_canthal_ratio : float
        Horizontal iris diameter over canthal distance. It is a constant of the person; the median
        over the recording is the best estimate.

    Returns
    -------
    ndarray, float64
        ``asin(offset_mm / ROTATION_RADIUS_MM)`` in degrees, in the shape and with the sign of
        `offset`; NaN for an offset beyond the radius. ``offset_mm`` is the offset in millimetres of
        an eye whose iris is `IRIS_DIAMETER_MM` wide. The angle is only an estimate, because both
        lengths are assumed.

    Raises
    ------
    ValueError
        The ratio is zero or negative. (NaN stands for missing data, and gives NaN.)
    """
    if iris_to_canthal_ratio <= 0:
        raise ValueError(f"iris_to_canthal_ratio is {iris_to_canthal_ratio}, expected above 0")
    values = require(offset, np.float64)
    rotation_deg = np.empty_like(values)
    scale = IRIS_DIAMETER_MM / iris_to_canthal_ratio
    _rotation_deg(values.reshape(-1), scale, ROTATION_RADIUS_MM, rotation_deg.reshape(-1))
    return rotation_deg
