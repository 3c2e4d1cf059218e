"""Cut out the squares from which MediaPipe's attention model refines the eyes; use its answers.

The model has a trunk, which finds the mesh of the whole face and a feature map, and a head for each
eye. A head refines the eye's landmarks from a small square of the feature map around the eye.
MediaPipe does what lies between in three operators of its own, Landmarks2TransformMatrix,
TransformTensorBilinear and TransformLandmarks. Here, each of them is one kernel.
``tests/tracker/face/test_mesh.py`` compares the results with MediaPipe's.
"""

import numpy as np
from numpy.typing import NDArray

from kernels._jit import kernel

Float32Array = NDArray[np.float32]


@kernel("void(f4[:,::1], i8[::1], i8, i8, f8, f8, f8, f8[:,::1])")
def _place_square(mesh, points, left, right, scale, size, to_map, matrix):
    """Lay a square around an eye: fill matrix (2, 3), which maps its pixels to the feature map.

    mesh (K, D) holds x and y of the face's landmarks, in pixels of the model's input image. points
    (P,) are the eye's rows of it, and left and right the rows of the eye's corners, as seen in an
    upright image. scale is the square's width over that of the points' bounding box, turned like
    the line between the corners, and also its height over the box's. size is the side of the square
    in pixels, and to_map the size of a pixel of the image in pixels of the feature map.
    """
    dx = np.float64(mesh[right, 0]) - np.float64(mesh[left, 0])
    dy = np.float64(mesh[right, 1]) - np.float64(mesh[left, 1])
    turn = -np.arctan2(dy, dx)
    cos, sin = np.cos(turn), np.sin(turn)
    x_low = y_low = np.inf
    x_high = y_high = -np.inf
    for k in range(points.size):
        x, y = mesh[points[k], 0] * to_map, mesh[points[k], 1] * to_map
        x, y = x * cos - y * sin, x * sin + y * cos
        x_low, x_high = min(x_low, x), max(x_high, x)
        y_low, y_high = min(y_low, y), max(y_high, y)
    x, y = (x_low + x_high) / 2, (y_low + y_high) / 2
    across, down = scale * (x_high - x_low) / size, scale * (y_high - y_low) / size
    matrix[0, 0], matrix[0, 1] = cos * across, sin * down
    matrix[1, 0], matrix[1, 1] = -sin * across, cos * down
    matrix[0, 2] = x * cos + y * sin - size / 2 * (matrix[0, 0] + matrix[0, 1])
    matrix[1, 2] = -x * sin + y * cos - size / 2 * (matrix[1, 0] + matrix[1, 1])


@kernel("void(f4[:,:,::1], f8[:,::1], f4[:,:,::1])")
def _cut_square(features, matrix, out):
    """Fill out (S, S, C) from features (H, W, C), bilinearly; 0 beyond the edge of the feature map.

    C is the number of features of a pixel. matrix (2, 3) maps a position (x, y) in out to one in
    features, in pixels. The centre of the first pixel is at (0.5, 0.5) in both. The edge is where
    the centres of the outermost pixels lie.
    """
    height, width, depth = features.shape
    one = np.float32(1)
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            x = matrix[0, 0] * (i + 0.5) + matrix[0, 1] * (j + 0.5) + matrix[0, 2] - 0.5
            y = matrix[1, 0] * (i + 0.5) + matrix[1, 1] * (j + 0.5) + matrix[1, 2] - 0.5
            # In this form, NaN is outside as well.
            if not (x >= 0 and y >= 0 and x <= width - 1 and y <= height - 1):
                for k in range(depth):
                    out[j, i, k] = 0
                continue
            left, top = int(x), int(y)
            right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
            u, v = np.float32(x - left), np.float32(y - top)
            a, b, c, d = (one - u) * (one - v), u * (one - v), (one - u) * v, u * v
            for k in range(depth):
                out[j, i, k] = (
                    a * features[top, left, k]
                    + b * features[top, right, k]
                    + c * features[bottom, left, k]
                    + d * features[bottom, right, k]
                )


@kernel("void(f4[:,::1], f4[:,:,::1], i8[::1], i8, i8, f8, f8, f8[:,::1], f4[:,:,::1])")
def _cut_eye(mesh, features, points, left, right, scale, to_map, matrix, out):
    """Cut the square around an eye out of the feature map: fill matrix (2, 3) and out (S, S, C).

    It is `_place_square`, then `_cut_square`. mesh (K, D) holds x and y of the face's landmarks, in
    pixels of the model's input image, and features (H, W, C) the feature map. points (P,) are the
    eye's rows of mesh, and left and right those of its corners, as seen in an upright image. scale
    is the square's width over that of the points' bounding box, and its height over the box's.
    to_map is the size of a pixel of the image in pixels of the feature map. matrix maps the
    square's pixels to the feature map's.
    """
    _place_square(mesh, points, left, right, scale, out.shape[0], to_map, matrix)
    _cut_square(features, matrix, out)


@kernel("void(f4[::1], f8[:,::1], f8, i8[::1], f4[:,::1])")
def _place_points(head, matrix, to_map, points, out):
    """Fill the rows `points` (P,) of the mesh `out` (K, 2) with the landmarks of one head.

    head (2 P,) is x and y of each point in turn, in units of `to_map` pixels of the square that was
    cut out: with a `to_map` of 0.25, a square of 16 pixels is 64 wide. out is in pixels of the
    model's input image. matrix (2, 3) maps the square's pixels to the feature map's, and to_map is
    the size of a pixel of the image in pixels of the feature map.
    """
    for k in range(points.size):
        x, y = head[2 * k], head[2 * k + 1]
        # MediaPipe widens the translation to the image's pixels, and not the rest.
        out[points[k], 0] = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] / to_map
        out[points[k], 1] = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] / to_map


@kernel("void(f4[:,::1], f8[:,::1], f4[:,::1])")
def _map_points(points, matrix, out):
    """Fill out (2, K), all x and then all y, with the points (K, 2), mapped by matrix (2, 3)."""
    for k in range(points.shape[0]):
        x, y = np.float64(points[k, 0]), np.float64(points[k, 1])
        out[0, k] = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
        out[1, k] = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]


@kernel("void(f4[:,::1], f8[::1])")
def _extent(points, out):
    """Fill out (4,) with the least x, least y, largest x and largest y of points (2, K), K > 0."""
    for axis in range(2):
        low = high = points[axis, 0]
        for k in range(1, points.shape[1]):
            value = points[axis, k]
            low, high = min(low, value), max(high, value)
        out[axis], out[2 + axis] = low, high


def cut_eye(
    mesh: Float32Array,
    features: Float32Array,
    points: NDArray[np.int64],
    corners: tuple[int, int],
    scale: float,
    to_map: float,
    out: Float32Array,
) -> NDArray[np.float64]:
    """Cut the square around an eye out of the feature map.

    Parameters
    ----------
    mesh : ndarray, shape (K, D), float32
        Landmarks in pixels of the model's input image. The first two columns are x and y.
    features : ndarray, shape (H, W, C), float32
        The feature map.
    points : ndarray, shape (P,), int64
        Rows of `mesh` with the eye's points. The square is laid around their bounding box.
    corners : tuple of int
        Rows of `mesh` with the eye's left and right corner, as seen in an upright image. In the
        square, the line from the left to the right one runs to the right, without a slope.
    scale : float
        The square's width divided by the bounding box's width. The same holds for the heights,
        so that a box that is not square is stretched to one.
    to_map : float
        Size of a pixel of the model's input image, in pixels of the feature map.
    out : ndarray, shape (S, S, C), float32
        Filled with the square, interpolated bilinearly; 0 beyond the edge of the feature map.

    Returns
    -------
    ndarray, shape (2, 3), float64
        Affine map from the square's pixels to the feature map's.
    """
    matrix = np.empty((2, 3))
    _cut_eye(mesh, features, points, corners[0], corners[1], scale, to_map, matrix, out)
    return matrix


def place_points(
    head: Float32Array,
    matrix: NDArray[np.float64],
    to_map: float,
    points: NDArray[np.int64],
    out: Float32Array,
) -> None:
    """Write into the mesh the landmarks that one head of the model has found.

    Parameters
    ----------
    head : ndarray, shape (2 P,), float32
        Output of the head: x and y of each point in turn, in units of `to_map` pixels of the square
        that was cut out. With a `to_map` of 0.25, a square of 16 pixels is 64 wide.
    matrix : ndarray, shape (2, 3), float64
        Affine map from the square's pixels to the feature map's: the result of `cut_eye`.
    to_map : float
        Size of a pixel of the model's input image, in pixels of the feature map.
    points : ndarray, shape (P,), int64
        Rows of `out` that are filled. The others stay as they are.
    out : ndarray, shape (K, 2), float32
        The mesh: x and y of all landmarks, in pixels of the model's input image.
    """
    _place_points(head, matrix, to_map, points, out)


def map_points(points: Float32Array, matrix: NDArray[np.float64]) -> Float32Array:
    """Apply an affine map to points.

    Parameters
    ----------
    points : ndarray, shape (K, 2), float32
        x and y of each point.
    matrix : ndarray, shape (2, 3), float64
        The map: it gives ``matrix[:, :2] @ point + matrix[:, 2]``.

    Returns
    -------
    ndarray, shape (K, 2), float32
        The mapped points. In memory, all x come before all y. This makes a minimum or a maximum
        over the points several times as fast.
    """
    out = np.empty((2, len(points)), np.float32)
    _map_points(points, matrix, out)
    return out.T


def compute_extent(points: Float32Array) -> tuple[float, float, float, float]:
    """Return the least x, least y, largest x and largest y of points (K, 2), float32; K > 0."""
    out = np.empty(4)
    # No copy where all x stand before all y in memory.
    _extent(np.ascontiguousarray(points.T), out)
    left, top, right, bottom = out.tolist()
    return left, top, right, bottom
