"""MediaPipe's face detector and FaceMesh with iris refinement: they find faces and their landmarks.

The models are MediaPipe's, but MediaPipe is not needed to run them: see `tracker.face.models.make`.
The landmarks are found in a region of the picture, which the caller gives each time. Nothing is
remembered from frame to frame or from one recording to the next.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.refinement import cut_eye, map_points, place_points
from kernels.sampling import Affine
from tracker.face.detector import Detector
from tracker.face.models import Model, read_options
from tracker.face.region import Region
from tracker.face.sampling import bounds, sample
from tracker.video.frames import ImageLike

LANDMARK_COUNT = 478
MESH_COUNT = 468
"""Landmarks of the mesh; those of the irises follow."""
SIDE_PX = 192
"""Side of the model's picture."""
LARGEST_REGION = 16
"""Side of a region over the picture's, beyond which no face is looked for."""

_IRISES = {"eye_33": np.arange(468, 473), "eye_362": np.arange(473, 478)}


class FaceMesh:
    """The models, loaded and warmed up.

    No call depends on an earlier one. But all calls work in the same memory, so each thread needs
    an object of its own.

    The landmarks of the eyes are refined. Those of the lips are not: the part of the model that
    refines them is left out.

    Raises
    ------
    ModelFileError
        A model file is missing or damaged.
    RuntimeError
        LiteRT, which runs the models, is not installed.
    """

    def __init__(self) -> None:
        self._detector = Detector()
        self._trunk = Model("trunk.tflite")
        self._heads = Model("eyes.tflite")
        self._eyes = [
            _Eye(options, _IRISES[name]) for name, options in read_options("eyes.json").items()
        ]
        self._points = np.zeros((LANDMARK_COUNT, 2), np.float32)

    def detect(self, image: ImageLike) -> list[Region]:
        """Search a whole picture (blue-green-red, uint8) for faces.

        Return the region of each in pixels, the most certain first; empty if there is none.
        """
        return self._detector.detect(image)

    def find_landmarks(self, image: ImageLike, region: Region) -> NDArray[np.float32] | None:
        """Find the landmarks of the face in a region.

        Parameters
        ----------
        image : ndarray or LazyImage, shape (height, width, 3), uint8
            The whole picture, blue-green-red. Only the part around `region` is read.
        region : Region
            Where the face is: from `detect`, or from `region_of` the landmarks of the frame before.

        Returns
        -------
        ndarray, shape (478, 2), float32, or None
            Landmarks in pixels of the whole picture; None if there is no face in the region, or if
            the region lies outside of the picture or is far larger than it.
        """
        to_picture = region.affine(SIDE_PX)
        if not _overlaps(image, region, to_picture):
            return None
        sample(image, to_picture, self._trunk.inputs[0]()[0])
        self._trunk.run()
        mesh, features, flag = (output() for output in self._trunk.outputs)
        # A logit: the face is more likely there than not. In this form, NaN is none.
        if not flag.item() > 0:
            return None
        mesh = mesh.reshape(MESH_COUNT, 3)
        matrices = [
            cut_eye(mesh, features[0], eye.points, eye.corners, eye.scale, eye.to_map, head()[0])
            for eye, head in zip(self._eyes, self._heads.inputs, strict=True)
        ]
        self._points[:MESH_COUNT] = mesh[:, :2]
        # LiteRT does not run while its arrays are held.
        del mesh, features, flag
        self._heads.run()
        answers = iter(self._heads.outputs)
        for eye, matrix in zip(self._eyes, matrices, strict=True):
            for points in (eye.points, eye.iris):
                place_points(next(answers)().reshape(-1), matrix, eye.to_map, points, self._points)
        return map_points(self._points, to_picture)


class _Eye:
    """How the landmarks of one eye are refined.

    Attributes
    ----------
    points, iris : ndarray, int64
        Indices of the landmarks that are refined: 71 around the eye, and the 5 of its iris.
    corners : (int, int)
        Indices of the eye's corners: the one further left in the picture, then the other.
    scale : float
        Width of the square that is cut out for the eye, divided by that of the bounding box of its
        71 landmarks.
    to_map : float
        Pixels of the model's feature map per pixel of the model's picture.
    """

    def __init__(self, options: dict[str, Any], iris: NDArray[np.int64]) -> None:
        self.points = np.array(options["points"], np.int64)
        self.iris = iris
        self.corners = (int(options["left"]), int(options["right"]))
        self.scale = float(options["scale"])
        self.to_map = float(options["to_map"])


def _overlaps(image: ImageLike, region: Region, to_picture: Affine) -> bool:
    """Return whether enough of a region lies inside the picture to look for a face there.

    That is two pixels of the picture or more in width and height. It is also False if the region's
    side is over `LARGEST_REGION` times the picture's longer side. `to_picture` maps a pixel of the
    model's picture, which shows the region, to one of the whole picture.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = bounds(to_picture, SIDE_PX, SIDE_PX)
    # In this form, NaN is outside.
    return bool(
        min(right, width) - max(left, 0) >= 2
        and min(bottom, height) - max(top, 0) >= 2
        and region.side_px <= LARGEST_REGION * max(width, height)
    )
