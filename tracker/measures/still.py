"""One picture: are there eyes, how far open, and where do they look."""

from typing import Any

import numpy as np

from kernels import FACE_MESH_INDICES, LEFT, RIGHT, compute_eye_geometry
from tracker.face.follow import FaceFinder
from tracker.face.mesh import region_of
from tracker.parameters import NOMINAL_EAR
from tracker.video.frames import Image


def analyze_image(image: Image, finder: FaceFinder, blink_thresh: float) -> dict[str, Any]:
    """Measure the largest face of a picture.

    Parameters
    ----------
    image : ndarray, shape (height, width, 3), uint8
        Blue-green-red.
    finder : FaceFinder
        The models.
    blink_thresh : float
        EAR that closes an eye.

    Returns
    -------
    dict
        ``detected``; ``left`` and ``right`` (the subject's): iris centre in pixels, ``eye_open``
        (EAR), ``v_offset``, ``h_offset``; their means; ``blink_prob``; ``landmarks``: pixels by
        FaceMesh index; ``faces``: how many there are. None where there is no face.

    Notes
    -----
    ``blink_prob`` is a scale, not a frequency: a logistic function of the EAR that is 0.5 at
    `blink_thresh` and 0.05 at the nominal open eye. One picture cannot tell a narrow eye from a
    closing one.
    """
    result: dict[str, Any] = {
        "detected": False,
        "faces": 0,
        "left": None,
        "right": None,
        "eye_open": None,
        "v_offset": None,
        "h_offset": None,
        "blink_prob": None,
        "landmarks": None,
    }
    regions = sorted(finder.detect(image), key=lambda region: region.side_px, reverse=True)
    result["faces"] = len(regions)
    for region in regions:
        points = finder.find_landmarks(image, region)
        # Once more from the landmarks' own region: the detector's is rough.
        refined = None if points is None else finder.find_landmarks(image, region_of(points))
        if refined is not None:
            break
    else:
        return result
    track = refined[np.array(FACE_MESH_INDICES)]
    geometry = compute_eye_geometry(track[np.newaxis])
    for name, eye, iris_index in (("left", LEFT, 473), ("right", RIGHT, 468)):
        iris_x, iris_y = track[FACE_MESH_INDICES.index(iris_index)]
        result[name] = {
            "iris_cx": float(iris_x),
            "iris_cy": float(iris_y),
            "eye_open": float(geometry.ear[0, eye]),
            "v_offset": float(geometry.vertical_offset[0, eye]),
            "h_offset": float(geometry.horizontal_offset[0, eye]),
        }
    eye_open = float(geometry.ear[0].mean())
    slope = np.log(0.95 / 0.05) / (NOMINAL_EAR - 0.18)
    return result | {
        "detected": True,
        "eye_open": eye_open,
        "v_offset": float(geometry.vertical_offset[0].mean()),
        "h_offset": float(geometry.horizontal_offset[0].mean()),
        "blink_prob": float(1 / (1 + np.exp(slope * (eye_open - blink_thresh)))),
        "landmarks": {
            str(index): [float(x), float(y)]
            for index, (x, y) in zip(FACE_MESH_INDICES, track, strict=True)
        },
    }
