"""What stands between the parts of MediaPipe's attention model: where its eye heads look.

The model refines each eye from a small square that is cut out of a feature map where the mesh has
the eye. MediaPipe does it in three operators of its own, Landmarks2TransformMatrix,
TransformTensorBilinear and TransformLandmarks: one kernel for each. Measured against its graph in
``tests/tracker/face/test_mesh.py``.
"""

import numpy as np
from numpy.typing import NDArray

from kernels._jit import kernel

Float32Array = NDArray[np.float32]


@kernel("void(f4[:,::1], i8[::1], i8, i8, f8, f8, f8, f8[:,::1])")
def _place_square(mesh, points, left, right, scale, size, to_map, matrix):
    """Fill matrix (2, 3) so that it takes a pixel of the square to one of the feature map."""
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
    """Fill out (S, S, C) from features (H, W, C), bilinear, pixel centres to pixel centres."""
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


@kernel("void(f4[::1], f8[:,::1], f8, i8[::1], f4[:,::1])")
def _place_points(head, matrix, to_map, points, out):
    """Fill the rows `points` of out (K, 2) from the head's x and y in turn."""
    for k in range(points.size):
        x, y = head[2 * k], head[2 * k + 1]
        # MediaPipe widens the translation to the image's pixels, and not the rest.
        out[points[k], 0] = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] / to_map
        out[points[k], 1] = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] / to_map


@kernel("void(f4[:,::1], f8[:,::1], f4[:,::1])")
def _map_points(points, matrix, out):
    """Fill out (2, K), x and then y, with matrix (2, 3) times the points (K, 2)."""
    for k in range(points.shape[0]):
        x, y = np.float64(points[k, 0]), np.float64(points[k, 1])
        out[0, k] = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
        out[1, k] = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]


@kernel("void(f4[:,::1], f8[::1])")
def _extent(points, out):
    """Fill out (4,) with the least x and y and the largest ones of points (2, K)."""
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
        Pixels of the model's image; x and y come first.
    features : ndarray, shape (H, W, C), float32
        The feature map.
    points : ndarray, shape (P,), int64
        Rows of `mesh` whose bounding box the square is laid around.
    corners : tuple of int
        Rows of the eye's left and right corner, whose line is level in the square.
    scale : float
        The square's sides over the box's. Each side is scaled alone: the square may be squeezed.
    to_map : float
        Pixels of the map in one of the image.
    out : ndarray, shape (S, S, C), float32
        Is filled; 0 where the map ends.

    Returns
    -------
    ndarray, shape (2, 3), float64
        Takes a pixel of the square to one of the map.
    """
    matrix = np.empty((2, 3))
    _place_square(mesh, points, corners[0], corners[1], scale, out.shape[0], to_map, matrix)
    _cut_square(features, matrix, out)
    return matrix


def place_points(
    head: Float32Array,
    matrix: NDArray[np.float64],
    to_map: float,
    points: NDArray[np.int64],
    out: Float32Array,
) -> None:
    """Put a head's points into the mesh.

    Parameters
    ----------
    head : ndarray, shape (2 P,), float32
        x and y of each point, in pixels of the head's square.
    matrix : ndarray, shape (2, 3), float64
        From `cut_eye`.
    to_map : float
        As there.
    points : ndarray, shape (P,), int64
        Rows of `out` that are filled.
    out : ndarray, shape (K, 2), float32
        In pixels of the model's image.
    """
    _place_points(head, matrix, to_map, points, out)


def map_points(points: Float32Array, matrix: NDArray[np.float64]) -> Float32Array:
    """Apply an affine map to points.

    Parameters
    ----------
    points : ndarray, shape (K, 2), float32
    matrix : ndarray, shape (2, 3), float64

    Returns
    -------
    ndarray, shape (K, 2), float32
        All x, then all y in memory: what is taken over the points is several times as fast.
    """
    out = np.empty((2, len(points)), np.float32)
    _map_points(points, matrix, out)
    return out.T


def compute_extent(points: Float32Array) -> tuple[float, float, float, float]:
    """Return the least x and y of points (K, 2), float32, and the largest ones."""
    out = np.empty(4)
    # No copy where all x stand before all y in memory.
    _extent(np.ascontiguousarray(points.T), out)
    left, top, right, bottom = out.tolist()
    return left, top, right, bottom
