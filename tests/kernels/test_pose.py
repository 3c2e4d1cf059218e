"""The head's pose: against the reference, known rotations, and invariances."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from kernels import FACE_MESH_INDICES, LANDMARK_COUNT, HeadPose, compute_head_pose
from kernels.pose import RIGID_POINTS
from tests import naive

COLUMNS = [FACE_MESH_INDICES.index(index) for index in RIGID_POINTS]
SHAPE = np.array(list(RIGID_POINTS.values()))


def posed(
    yaw_deg: float = 0, pitch_deg: float = 0, roll_deg: float = 0, scale_px: float = 200
) -> NDArray[np.float32]:
    """One frame of a rigid face that is turned to its left, nodded down, then rolled clockwise."""
    yaw, pitch, roll = np.radians((yaw_deg, pitch_deg, roll_deg))
    # Columns: the subject's left (the image's right), down, away from the camera.
    nod = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    turn = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    tilt = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    points = np.zeros((1, LANDMARK_COUNT, 2))
    # The nod is the outermost of the two, so that it is the angle to the camera's axis.
    points[0, COLUMNS] = (scale_px * SHAPE @ (tilt @ nod @ turn).T)[:, :2] + (500, 400)
    return points.astype(np.float32)


def angles(pose: HeadPose) -> tuple[float, float]:
    return float(pose.yaw_deg[0]), float(pose.pitch_deg[0])


@pytest.mark.parametrize("yaw_deg", [-40.0, -10.0, 0.0, 25.0])
@pytest.mark.parametrize("roll_deg", [-90.0, -20.0, 0.0, 30.0])
def test_yaw(yaw_deg: float, roll_deg: float) -> None:
    assert angles(compute_head_pose(posed(yaw_deg, 0, roll_deg))) == pytest.approx(
        (yaw_deg, 0), abs=1e-3
    )


@pytest.mark.parametrize("pitch_deg", [-40.0, -10.0, 0.0, 25.0])
@pytest.mark.parametrize("scale_px", [20.0, 200.0, 2000.0])
def test_pitch(pitch_deg: float, scale_px: float) -> None:
    found = angles(compute_head_pose(posed(0, pitch_deg, 15, scale_px)))
    assert found == pytest.approx((0, pitch_deg), abs=0.01)


def test_the_nose_goes_where_the_face_turns() -> None:
    """Signs that do not come from the rotation matrices above."""
    nose = COLUMNS[list(RIGID_POINTS).index(1)]
    turned = posed()
    turned[0, nose, 0] += 20
    assert compute_head_pose(turned).yaw_deg[0] > 0
    nodded = posed()
    nodded[0, nose, 1] += 20
    assert compute_head_pose(nodded).pitch_deg[0] > 0


@pytest.mark.parametrize("noise_px", [0.0, 3.0, 30.0])
def test_pose_is_the_reference(rng: np.random.Generator, noise_px: float) -> None:
    frames = []
    for _ in range(20):
        yaw, pitch, roll = rng.uniform(-40, 40, 3)
        frames.append(posed(yaw, pitch, roll) + rng.normal(0, noise_px, (1, LANDMARK_COUNT, 2)))
    landmarks = np.concatenate(frames).astype(np.float32)
    found = compute_head_pose(landmarks)
    for n, frame in enumerate(landmarks.astype(float)):
        points = [complex(x, y) for x, y in frame[COLUMNS]]
        expected = naive.head_pose_deg(SHAPE.tolist(), points)
        assert_allclose((found.yaw_deg[n], found.pitch_deg[n]), expected, atol=1e-6)


def test_missing_degenerate_and_read_only() -> None:
    missing = np.full((1, LANDMARK_COUNT, 2), np.nan, dtype=np.float32)
    point = np.full((1, LANDMARK_COUNT, 2), 7, dtype=np.float32)
    landmarks = np.concatenate((posed(10, 5), missing, point))
    landmarks.setflags(write=False)
    before = landmarks.copy()
    pose = compute_head_pose(landmarks)
    assert_array_equal(np.isnan(pose.yaw_deg), [False, True, True])
    assert_array_equal(np.isnan(pose.pitch_deg), [False, True, True])
    assert_array_equal(landmarks, before)
    assert compute_head_pose(landmarks[:0]).yaw_deg.shape == (0,)
    with pytest.raises(ValueError, match="pixels"):
        compute_head_pose(np.zeros((1, 3, 2)))


def test_the_shape_is_a_face() -> None:
    """Mirror-symmetric, the outer canthi one unit apart, the nose in front, the temples behind."""
    for left, right in ((356, 127), (454, 234), (263, 33), (362, 133)):
        x, y, z = RIGID_POINTS[left]
        assert RIGID_POINTS[right] == (-x, y, z)
    assert math.dist(RIGID_POINTS[263], RIGID_POINTS[33]) == 1
    assert RIGID_POINTS[1][2] < RIGID_POINTS[168][2] < RIGID_POINTS[33][2] < RIGID_POINTS[127][2]
