"""Eye geometry and rotation: against the reference, hand-worked numbers, and invariances."""

import cmath
import math
from dataclasses import fields

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from kernels import (
    FACE_MESH_INDICES,
    LANDMARK_COUNT,
    LEFT,
    RIGHT,
    EyeGeometry,
    compute_eye_geometry,
    compute_rotation_deg,
)
from tests import naive

RATIOS = ("ear", "upper_lid_offset", "vertical_offset", "horizontal_offset")
LENGTHS = ("iris_diameter_px", "palpebral_fissure_px", "canthal_distance_px")

# Landmarks are float32, good to 3e-5 px below 1024 px; eyes here are at least 40 px wide.
MOVED_RATIO_ATOL = 5e-6
MOVED_LENGTH_ATOL_PX = 2e-4
MOVED_ROLL_ATOL_DEG = 1e-4

# The subject's right eye is 40 px wide, the left one 50 px; the face is upright.
UPRIGHT_FACE: dict[int, complex] = {
    # Right eye: midpoint (120, 200).
    33: 100 + 200j,
    133: 140 + 200j,
    160: 110 + 195j,
    144: 110 + 205j,
    158: 130 + 194j,
    153: 130 + 206j,
    159: 120 + 192j,
    145: 120 + 207j,
    468: 122 + 203j,
    469: 116 + 203j,
    471: 128 + 203j,
    # Left eye: midpoint (205, 200).
    362: 180 + 200j,
    263: 230 + 200j,
    385: 190 + 192j,
    380: 190 + 204j,
    387: 220 + 192j,
    373: 220 + 210j,
    386: 205 + 190j,
    374: 205 + 210j,
    473: 200 + 196j,
    474: 207 + 196j,
    476: 193 + 196j,
}


def to_landmarks(*faces: dict[int, complex]) -> NDArray[np.float32]:
    """Lay out faces as landmarks (N, 40, 2); points that a face lacks are (7, 7)."""
    points = [[face.get(index, 7 + 7j) for index in FACE_MESH_INDICES] for face in faces]
    complex_points = np.array(points, dtype=np.complex128).reshape(-1, LANDMARK_COUNT)
    return np.stack([complex_points.real, complex_points.imag], axis=-1).astype(np.float32)


def random_landmarks(
    rng: np.random.Generator, frame_count: int, size_px: float, missing: float = 0.0
) -> NDArray[np.float32]:
    landmarks = rng.uniform(0, size_px, (frame_count, LANDMARK_COUNT, 2)).astype(np.float32)
    landmarks[rng.random(frame_count) < missing] = np.nan
    return landmarks


def transformed(
    landmarks: NDArray[np.float32], scale: float, angle_deg: float, shift_px: complex
) -> NDArray[np.float32]:
    """Scale, turn clockwise in the image about the origin, and shift."""
    points = landmarks[..., 0].astype(np.float64) + 1j * landmarks[..., 1]
    moved = points * cmath.rect(scale, math.radians(angle_deg)) + shift_px
    return np.stack([moved.real, moved.imag], axis=-1).astype(np.float32)


def compute_naive(landmarks: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    per_eye: dict[str, list[list[float]]] = {name: [] for name in RATIOS + LENGTHS}
    rolls_deg = []
    for frame in landmarks.astype(np.float64):
        points = {
            index: complex(x, y) for index, (x, y) in zip(FACE_MESH_INDICES, frame, strict=True)
        }
        offsets = [naive.gaze_offset(points, eye) for eye in naive.EYES]
        per_eye["ear"].append([naive.ear(points, eye) for eye in naive.EYES])
        per_eye["upper_lid_offset"].append(
            [naive.upper_lid_offset(points, eye) for eye in naive.EYES]
        )
        per_eye["vertical_offset"].append([offset.imag for offset in offsets])
        per_eye["horizontal_offset"].append([offset.real for offset in offsets])
        for name in LENGTHS:
            per_eye[name].append([getattr(naive, name)(points, eye) for eye in naive.EYES])
        rolls_deg.append(naive.head_roll_deg(points))
    arrays = {name: np.array(values).reshape(-1, 2) for name, values in per_eye.items()}
    return arrays | {"head_roll_deg": np.array(rolls_deg)}


def assert_geometry_equal(one: EyeGeometry, other: EyeGeometry) -> None:
    for field in fields(EyeGeometry):
        assert_array_equal(getattr(one, field.name), getattr(other, field.name), field.name)


def angle_difference_deg(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray:
    return (one - other + 180) % 360 - 180


# Against the reference.


@pytest.mark.parametrize("frame_count", [0, 1, 2, 57])
@pytest.mark.parametrize("size_px", [1.0, 300.0, 4000.0])
@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
def test_geometry_is_the_reference(
    rng: np.random.Generator, frame_count: int, size_px: float, missing: float
) -> None:
    landmarks = random_landmarks(rng, frame_count, size_px, missing)
    geometry = compute_eye_geometry(landmarks)
    for name, expected in compute_naive(landmarks).items():
        computed = getattr(geometry, name)
        assert computed.dtype == np.float64
        # Both compute in float64; what differs is the order of a handful of operations.
        assert_allclose(computed, expected, rtol=1e-11, atol=1e-12, err_msg=name)


def test_lengths_are_differences_in_float64(rng: np.random.Generator) -> None:
    # At 4000 px float32 coordinates are 2.4e-4 px apart: a difference of squares in float32
    # would be off by far more than 1e-9.
    landmarks = random_landmarks(rng, 20, 60.0) + np.float32(4000)
    computed = compute_eye_geometry(landmarks).canthal_distance_px
    assert_allclose(computed, compute_naive(landmarks)["canthal_distance_px"], rtol=1e-12)


@pytest.mark.parametrize("iris_to_canthal_ratio", [0.3, 0.42, 0.6])
def test_rotation_is_the_reference(rng: np.random.Generator, iris_to_canthal_ratio: float) -> None:
    offsets = rng.uniform(-0.6, 0.6, 200)
    offsets[::17] = np.nan
    computed = compute_rotation_deg(offsets, iris_to_canthal_ratio)
    expected = [naive.rotation_deg(offset, iris_to_canthal_ratio) for offset in offsets]
    assert_allclose(computed, expected, rtol=1e-12, atol=1e-12)


# Hand-worked numbers.


def test_hand_worked_upright_face() -> None:
    geometry = compute_eye_geometry(to_landmarks(UPRIGHT_FACE))
    # Right: lid gaps 10 and 12 over 2 * 40; iris 2 right and 3 down of the midpoint, over 40.
    assert_allclose(geometry.ear[0, RIGHT], 22 / 80, rtol=1e-12)
    assert_allclose(geometry.horizontal_offset[0, RIGHT], 0.05, rtol=1e-12)
    assert_allclose(geometry.vertical_offset[0, RIGHT], 0.075, rtol=1e-12)
    assert_allclose(geometry.iris_diameter_px[0, RIGHT], 12, rtol=1e-12)
    assert_allclose(geometry.palpebral_fissure_px[0, RIGHT], 15, rtol=1e-12)
    # The upper lid's middle lies 8 px above the midpoint.
    assert_allclose(geometry.upper_lid_offset[0, RIGHT], -8 / 40, rtol=1e-12)
    assert_allclose(geometry.canthal_distance_px[0, RIGHT], 40, rtol=1e-12)
    # Left: lid gaps 12 and 18 over 2 * 50; iris 5 left and 4 up of the midpoint, over 50.
    assert_allclose(geometry.ear[0, LEFT], 0.3, rtol=1e-12)
    assert_allclose(geometry.horizontal_offset[0, LEFT], -0.1, rtol=1e-12)
    assert_allclose(geometry.vertical_offset[0, LEFT], -0.08, rtol=1e-12)
    assert_allclose(geometry.iris_diameter_px[0, LEFT], 14, rtol=1e-12)
    assert_allclose(geometry.palpebral_fissure_px[0, LEFT], 20, rtol=1e-12)
    assert_allclose(geometry.upper_lid_offset[0, LEFT], -10 / 50, rtol=1e-12)
    assert_allclose(geometry.canthal_distance_px[0, LEFT], 50, rtol=1e-12)
    assert geometry.head_roll_deg[0] == 0


def test_hand_worked_tilted_face() -> None:
    # Both eyes along (40, 30), a 3-4-5 triangle: width 50, axis (0.8, 0.6), chin at (-0.6, 0.8).
    face = dict(UPRIGHT_FACE)
    for outer, inner, iris, shift in ((33, 133, 468, 0), (362, 263, 473, 80 + 60j)):
        face[outer] = 100 + 200j + shift
        face[inner] = 140 + 230j + shift
        # Midpoint (120, 215), then 5 px along the axis (4, 3) and 10 px to the chin (-6, 8).
        face[iris] = 118 + 226j + shift
    geometry = compute_eye_geometry(to_landmarks(face))
    assert_allclose(geometry.canthal_distance_px, [[50, 50]], rtol=1e-12)
    assert_allclose(geometry.horizontal_offset, [[0.1, 0.1]], rtol=1e-12)
    assert_allclose(geometry.vertical_offset, [[0.2, 0.2]], rtol=1e-12)
    # tan(36.8699 deg) = 3 / 4, the left eye lower in the image.
    assert_allclose(geometry.head_roll_deg, [36.86989764584402], rtol=1e-12)


def test_hand_worked_oblique_lids() -> None:
    # Lid gaps along (3, 4) and (6, 8): lengths 5 and 10, not the 4 and 8 of their heights.
    face = UPRIGHT_FACE | {160: 110 + 195j, 144: 113 + 199j, 158: 124 + 194j, 153: 130 + 202j}
    assert_allclose(compute_eye_geometry(to_landmarks(face)).ear[0, RIGHT], 15 / 80, rtol=1e-12)


@pytest.mark.parametrize(
    ("offset", "iris_to_canthal_ratio", "expected_deg"),
    [
        # 11.7 mm over 0.39 is a canthal distance of 30 mm; a sixth of it is 5 mm; asin(5 / 10).
        (1 / 6, 0.39, 30.0),
        (-1 / 6, 0.39, -30.0),
        (0.0, 0.39, 0.0),
        # The whole radius: 10 mm of 30 mm, but for rounding.
        (0.3333333, 0.39, 89.97),
        # 10.5 mm: beyond the eyeball.
        (0.35, 0.39, math.nan),
        (-0.35, 0.39, math.nan),
        (math.nan, 0.39, math.nan),
        (1 / 6, math.nan, math.nan),
    ],
)
def test_hand_worked_rotation(
    offset: float, iris_to_canthal_ratio: float, expected_deg: float
) -> None:
    computed = compute_rotation_deg(offset, iris_to_canthal_ratio)
    assert_allclose(computed, expected_deg, rtol=0, atol=0.01)


def test_rotation_keeps_the_shape_and_the_input(rng: np.random.Generator) -> None:
    offsets = rng.uniform(-0.2, 0.2, (5, 2))
    before = offsets.copy()
    offsets.setflags(write=False)
    assert compute_rotation_deg(offsets, 0.4).shape == (5, 2)
    assert compute_rotation_deg([], 0.4).shape == (0,)
    assert_array_equal(offsets, before)


# Signs and sides.


@pytest.mark.parametrize("roll_deg", [0, 30, -75, 180])
@pytest.mark.parametrize(("eye", "iris"), [(LEFT, 473), (RIGHT, 468)])
def test_iris_towards_the_chin_is_positive(roll_deg: float, eye: int, iris: int) -> None:
    # In an unturned image the chin is in +y; the face turns with the iris in place.
    lower = UPRIGHT_FACE | {iris: UPRIGHT_FACE[iris] + 4j}
    before, after = compute_eye_geometry(
        transformed(to_landmarks(UPRIGHT_FACE, lower), 1, roll_deg, 300 + 300j)
    ).vertical_offset
    width_px = (50, 40)[eye]
    assert_allclose(after[eye] - before[eye], 4 / width_px, rtol=0, atol=MOVED_RATIO_ATOL)
    assert_array_equal(after[1 - eye], before[1 - eye])


@pytest.mark.parametrize("roll_deg", [0, 30, -75, 180])
@pytest.mark.parametrize(("eye", "iris"), [(LEFT, 473), (RIGHT, 468)])
def test_iris_towards_the_subjects_left_is_positive(roll_deg: float, eye: int, iris: int) -> None:
    # The image is not mirrored: the subject's left is in +x.
    aside = UPRIGHT_FACE | {iris: UPRIGHT_FACE[iris] + 4}
    before, after = compute_eye_geometry(
        transformed(to_landmarks(UPRIGHT_FACE, aside), 1, roll_deg, 300 + 300j)
    ).horizontal_offset
    width_px = (50, 40)[eye]
    assert_allclose(after[eye] - before[eye], 4 / width_px, rtol=0, atol=MOVED_RATIO_ATOL)
    assert_array_equal(after[1 - eye], before[1 - eye])


@pytest.mark.parametrize(
    ("eye", "indices"),
    [
        (LEFT, (362, 263, 387, 386, 385, 373, 374, 380, 473, 474, 476)),
        (RIGHT, (133, 33, 160, 159, 158, 144, 145, 153, 468, 469, 471)),
    ],
)
def test_an_eye_is_computed_from_its_own_points(
    rng: np.random.Generator, eye: int, indices: tuple[int, ...]
) -> None:
    landmarks = to_landmarks(UPRIGHT_FACE, UPRIGHT_FACE)
    columns = [FACE_MESH_INDICES.index(index) for index in indices]
    others = [column for column in range(LANDMARK_COUNT) if column not in columns]
    landmarks[1, others] = rng.uniform(0, 500, (len(others), 2))
    geometry = compute_eye_geometry(landmarks)
    for name in RATIOS + LENGTHS:
        before, after = getattr(geometry, name)[:, eye]
        assert before == after, name


def test_the_layout_holds_every_landmark_once() -> None:
    assert len(set(FACE_MESH_INDICES)) == LANDMARK_COUNT == 40
    assert all(0 <= index < 478 for index in FACE_MESH_INDICES)
    assert set(UPRIGHT_FACE) <= set(FACE_MESH_INDICES)
    assert {LEFT, RIGHT} == {0, 1}


# Invariances.


@pytest.mark.parametrize("scale", [1.0, 1.7])
@pytest.mark.parametrize("angle_deg", [0.0, 12.5, -40.0, 90.0, 179.0])
@pytest.mark.parametrize("shift_px", [0j, 250 + 130j, -300.5 + 77.25j])
def test_similarity_moves_only_lengths_and_roll(
    scale: float, angle_deg: float, shift_px: complex
) -> None:
    landmarks = to_landmarks(UPRIGHT_FACE)
    still = compute_eye_geometry(landmarks)
    moved = compute_eye_geometry(transformed(landmarks, scale, angle_deg, shift_px))
    for name in RATIOS:
        expected = getattr(still, name)
        assert_allclose(getattr(moved, name), expected, rtol=0, atol=MOVED_RATIO_ATOL)
    for name in LENGTHS:
        expected = scale * getattr(still, name)
        assert_allclose(getattr(moved, name), expected, rtol=0, atol=MOVED_LENGTH_ATOL_PX)
    turned_deg = angle_difference_deg(moved.head_roll_deg, still.head_roll_deg)
    assert_allclose(
        angle_difference_deg(turned_deg, np.array([angle_deg])), 0, atol=MOVED_ROLL_ATOL_DEG
    )


def test_a_blink_does_not_move_the_gaze() -> None:
    # The lids meet; nothing that the offset is made of moves.
    shut = dict(UPRIGHT_FACE)
    for upper, lower in ((160, 144), (158, 153), (159, 145), (385, 380), (387, 373), (386, 374)):
        shut[upper] = shut[lower]
    geometry = compute_eye_geometry(to_landmarks(UPRIGHT_FACE, shut))
    assert_array_equal(geometry.ear[1], [0, 0])
    assert_array_equal(geometry.palpebral_fissure_px[1], [0, 0])
    assert_array_equal(geometry.vertical_offset[1], geometry.vertical_offset[0])
    assert_array_equal(geometry.horizontal_offset[1], geometry.horizontal_offset[0])


# Awkward cases.


def test_a_frame_without_a_face_is_nan_and_alone() -> None:
    landmarks = to_landmarks(UPRIGHT_FACE, UPRIGHT_FACE, UPRIGHT_FACE)
    landmarks[1] = np.nan
    geometry = compute_eye_geometry(landmarks)
    for field in fields(EyeGeometry):
        values = getattr(geometry, field.name)
        assert np.isnan(values[1]).all(), field.name
        assert np.isfinite(values[[0, 2]]).all(), field.name


@pytest.mark.parametrize(
    ("eye", "right_canthus", "left_canthus"), [(LEFT, 362, 263), (RIGHT, 33, 133)]
)
def test_an_eye_of_zero_width_has_no_ratios(
    eye: int, right_canthus: int, left_canthus: int
) -> None:
    flat = UPRIGHT_FACE | {left_canthus: UPRIGHT_FACE[right_canthus]}
    whole, geometry = (compute_eye_geometry(to_landmarks(face)) for face in (UPRIGHT_FACE, flat))
    for name in RATIOS:
        values = getattr(geometry, name)[0]
        assert np.isnan(values[eye]), name
        assert values[1 - eye] == getattr(whole, name)[0, 1 - eye], name


def test_a_face_in_one_point_has_no_roll() -> None:
    geometry = compute_eye_geometry(np.full((1, LANDMARK_COUNT, 2), 5.0))
    assert np.isnan(geometry.head_roll_deg).all()
    assert np.isnan(geometry.ear).all()


def test_any_memory_layout_and_type_gives_the_same(rng: np.random.Generator) -> None:
    landmarks = random_landmarks(rng, 6, 500.0, missing=0.2)
    expected = compute_eye_geometry(landmarks)
    read_only = landmarks.copy()
    read_only.setflags(write=False)
    every_other = np.repeat(landmarks, 2, axis=0)[::2]
    assert not every_other.flags.c_contiguous
    variants = {
        "read-only": read_only,
        "every other": every_other,
        "backwards": landmarks[::-1].copy()[::-1],
        "Fortran order": np.asfortranarray(landmarks),
        "float64": landmarks.astype(np.float64),
        "big endian": landmarks.astype(">f4"),
        "list": landmarks.tolist(),
    }
    for variant in variants.values():
        assert_geometry_equal(compute_eye_geometry(variant), expected)


def test_landmarks_are_not_changed(rng: np.random.Generator) -> None:
    landmarks = random_landmarks(rng, 6, 500.0, missing=0.2)
    before = landmarks.copy()
    compute_eye_geometry(landmarks)
    assert_array_equal(landmarks, before)


@pytest.mark.parametrize("shape", [(40, 2), (3, 39, 2), (3, 478, 2), (3, 40, 3), (0,)])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(N, 40, 2\)") as caught:
        compute_eye_geometry(np.zeros(shape))
    assert str(shape) in str(caught.value)
