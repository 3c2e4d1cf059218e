"""A still image: whether it shows eyes, how far they are open, and where they look."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels import FACE_MESH_INDICES, LEFT, RIGHT, compute_eye_geometry
from tracker.face.follow import FaceFinder
from tracker.face.mesh import region_of
from tracker.parameters import NOMINAL_EAR
from tracker.video.frames import Image


def analyze_image(image: Image, finder: FaceFinder, blink_thresh: float) -> dict[str, Any]:
    """Measure the largest face of an image.

    Parameters
    ----------
    image : ndarray, shape (height, width, 3), uint8
        Blue-green-red.
    finder : FaceFinder
        The models.
    blink_thresh : float
        EAR below which an eye is closed.

    Returns
    -------
    dict
        ``detected``: whether there is a face. ``faces``: their number. ``left`` and ``right`` (the
        subject's): the iris centre in pixels, ``eye_open`` (EAR), ``v_offset`` and ``h_offset`` of
        each eye. The means of these three over both eyes. ``blink_prob``. ``landmarks``: pixels by
        FaceMesh index. Without a face, all but the first two are None.

    Notes
    -----
    ``blink_prob`` is a scale and not a frequency: a logistic function of the EAR that is 0.5 at
    `blink_thresh` and 0.05 at the nominal open eye. A single image cannot tell a narrow eye from a
    closing eye.
    """
    regions = sorted(finder.detect(image), key=lambda region: region.side_px, reverse=True)
    result: dict[str, Any] = {
        "detected": False,
        "faces": len(regions),
        "left": None,
        "right": None,
        "eye_open": None,
        "v_offset": None,
        "h_offset": None,
        "blink_prob": None,
        "landmarks": None,
    }
    for region in regions:
        points = finder.find_landmarks(image, region)
        # The detector's region is rough: find the landmarks again in a region around these.
        refined = None if points is None else finder.find_landmarks(image, region_of(points))
        if refined is not None:
            return result | _measure_face(refined[np.array(FACE_MESH_INDICES)], blink_thresh)
    return result


def _measure_face(points: NDArray[np.float32], blink_thresh: float) -> dict[str, Any]:
    """Return the fields of a face from the points (K, 2) that a track keeps."""
    geometry = compute_eye_geometry(points[np.newaxis])
    eyes = {}
    for name, eye, iris_index in (("left", LEFT, 473), ("right", RIGHT, 468)):
        iris_x, iris_y = points[FACE_MESH_INDICES.index(iris_index)]
        eyes[name] = {
            "iris_cx": float(iris_x),
            "iris_cy": float(iris_y),
            "eye_open": float(geometry.ear[0, eye]),
            "v_offset": float(geometry.vertical_offset[0, eye]),
            "h_offset": float(geometry.horizontal_offset[0, eye]),
        }
    eye_open = float(geometry.ear[0].mean())
    slope = np.log(0.95 / 0.05) / (NOMINAL_EAR - 0.18)
    return {
        "detected": True,
        **eyes,
        "eye_open": eye_open,
        "v_offset": float(geometry.vertical_offset[0].mean()),
        "h_offset": float(geometry.horizontal_offset[0].mean()),
        "blink_prob": float(1 / (1 + np.exp(slope * (eye_open - blink_thresh)))),
        "landmarks": {
            str(index): [float(x), float(y)]
            for index, (x, y) in zip(FACE_MESH_INDICES, points, strict=True)
        },
    }
