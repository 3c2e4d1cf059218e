"""The faces of synthetic clips: lids follow the gaze as they do in healthy people, and FaceMesh
sees what is drawn on each of them."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import FACE_MESH_INDICES, compute_eye_geometry
from tests.lengths import thin
from tracker.face.mesh import FaceMesh
from tracker.face.region import region_of
from tracker.lab import drawing
from tracker.lab.clip_spec import (
    LEFT,
    RIGHT,
    ClipSpec,
    GazePhase,
    Image,
    LidClosure,
    glances_spec,
)
from tracker.lab.drawing import render_frame
from tracker.lab.faces import FACES, foreshortened, rotation_deg
from tracker.lab.synthetic import compute_truth

DOWN_40_DEG = 10 / 30 * 0.6427876
"""The iris plane lies 10 mm in front of the centre of rotation, the canthi 30 mm apart."""
ORIGINALS = [name for name in FACES if "_with_" not in name]
VARIANTS = [name for name in FACES if "_with_" in name]
NEVER_ENDING_S = 60.0
IRIS_CENTRE = {LEFT: 473, RIGHT: 468}


def hold(vertical: float = 0.0, closure: float = 0.0, **fields: Any) -> ClipSpec:
    """Return a clip whose eyes hold still."""
    return ClipSpec(
        **{"width": 480, "height": 480, "duration_s": NEVER_ENDING_S} | fields,
        closures=(LidClosure(0.0, NEVER_ENDING_S, closure),),
        gaze=(GazePhase(0.0, vertical),),
    )


def draw(spec: ClipSpec) -> Image:
    return render_frame(spec, NEVER_ENDING_S / 2)


# What is drawn, by hand


@pytest.mark.parametrize("name", FACES)
def test_the_fissure_narrows_to_two_thirds_at_40_degrees_down(name: str) -> None:
    """To 0.66; to 0.83 halfway, because it is linear. The upper lid goes along with the iris."""
    vertical = np.array([0.0, DOWN_40_DEG / 2, DOWN_40_DEG, -DOWN_40_DEG / 2])
    upper, lower = FACES[name].lid_heights(np.zeros(4), vertical, 1.0)
    fissure = lower - upper
    assert fissure / fissure[0] == pytest.approx([1, 0.83, 0.66, 1.17], abs=1e-6)
    assert upper - upper[0] == pytest.approx(vertical)
    assert (np.diff(lower[[3, 0, 1, 2]]) > 0).all()


def test_lids_that_do_not_follow_stay() -> None:
    upper, lower = FACES["astronaut"].lid_heights(np.zeros(2), np.array([0.0, 0.2]), 0.0)
    assert upper == pytest.approx([-0.225, -0.225])
    assert lower == pytest.approx([0.125, 0.125])


def test_shut_lids_meet_wherever_the_eyes_look() -> None:
    upper, lower = FACES["officer"].lid_heights(np.ones(3), np.array([-0.1, 0.0, 0.2]), 1.0)
    assert upper == pytest.approx(lower)


def test_the_iris_in_sight_is_what_lies_between_the_lids() -> None:
    """The astronaut's lids are at -0.225 and 0.125. Her iris is 0.39 high, around -0.05."""
    face = FACES["astronaut"]
    vertical = np.array([0.0, DOWN_40_DEG, 0.0, 0.0])
    closure = np.array([0.0, 0.0, 1.0, 0.5])
    # Down: the centre is at -0.05 + 0.21426, the radius 0.195 cos(40 degrees), the upper lid at
    # -0.225 + 0.21426 and the lower one 0.66 * 0.35 below it: it hides the iris' lower end.
    radius = 0.195 * 0.7660444
    down = (-0.225 + 0.66 * 0.35 - (-0.05 - radius)) / (2 * radius)
    # Half shut: the lower lid is at 0.125 * 0.95, the upper one 0.175 above it.
    seen = face.iris_in_sight(closure, vertical, np.zeros(4), 1.0)
    assert seen == pytest.approx([0.35 / 0.39, down, 0.0, 0.175 / 0.39], abs=1e-6)


def test_an_eye_turns_about_a_centre_10_mm_behind_its_iris() -> None:
    assert rotation_deg(1 / 6) == pytest.approx(30.0)
    assert foreshortened(DOWN_40_DEG) == pytest.approx(0.7660444, abs=1e-6)


def test_glances_are_held_for_all_times_and_nobody_blinks() -> None:
    spec = glances_spec(0.2, seed=1)
    assert (spec.duration_s, spec.closures, spec.lid_follow) == (120.0, (), 1.0)
    starts_s = np.array([phase.start_s for phase in spec.gaze])
    vertical = np.array([phase.vertical for phase in spec.gaze])
    held_s = np.diff(starts_s, append=120.0)
    for direction in (0.2, -0.2):
        held = np.sort(held_s[vertical == direction])
        assert held.size == 8
        assert (held[0], held[-1]) == pytest.approx((0.4, 10.0))
    assert starts_s[-1] < 120.0
    assert vertical[-1] == 0.0


# What the pictures show


@pytest.mark.parametrize("name", thin(VARIANTS, 4))
def test_a_variant_is_one_of_the_portraits(name: str) -> None:
    original, variant = FACES[name.split("_with_")[0]], FACES[name]
    assert (variant.file, variant.canthi_px) == (original.file, original.canthi_px)
    assert (draw(hold(face=name)) != draw(hold(face=name.split("_with_")[0]))).any()


def test_darker_skin_leaves_what_is_no_skin() -> None:
    light, dark = (
        draw(hold(face=face)).astype(float) for face in ("astronaut", "astronaut_with_darker_skin")
    )
    # In the frame the astronaut's face is 60 % of the side: forehead, and the wall beside her.
    forehead, wall = np.s_[150:160, 225:255], np.s_[60:80, 440:470]
    assert dark[forehead].mean() < 0.5 * light[forehead].mean()
    assert dark[wall] == pytest.approx(light[wall])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["officer", "astronaut_with_spectacles"])
def test_spectacles_stay_in_place_while_the_lids_move(name: str) -> None:
    specs = [hold(vertical, closure, face=name) for vertical, closure in ((0, 0), (0.2, 0), (0, 1))]
    frames = [draw(spec) for spec in specs]
    _, eyes = drawing._Renderer(specs[0])._place_face(0.0)
    for eye in eyes:
        assert eye.glass is not None
        opaque = eye.glass[..., 3] == 255
        assert opaque.sum() > 100
        boxes = [frame[eye.rows, eye.columns] for frame in frames]
        assert (boxes[0][opaque] == boxes[1][opaque]).all()
        assert (boxes[0][opaque] == boxes[2][opaque]).all()
        assert (boxes[0] != boxes[1]).any()


# FaceMesh sees what is drawn


@pytest.fixture(scope="module")
def face_mesh() -> FaceMesh:
    return FaceMesh()


def find(face_mesh: FaceMesh, specs: list[ClipSpec]) -> NDArray[np.float32]:
    """Find the landmarks, shape (N, 478, 2), as in a recording that shows each for a while."""
    landmarks, region = [], None
    for spec in specs:
        image = draw(spec)
        if region is None:
            (found,) = face_mesh.detect(image)
            first = face_mesh.find_landmarks(image, found)
            assert first is not None
            region = region_of(first)
        for _ in range(2):
            points = face_mesh.find_landmarks(image, region)
            assert points is not None
            region = region_of(points)
        landmarks.append(points)
    return np.array(landmarks)


@pytest.mark.parametrize("name", FACES)
def test_lids_and_iris_are_found_where_they_are_drawn(face_mesh: FaceMesh, name: str) -> None:
    vertical = np.array([-0.12, 0.0, DOWN_40_DEG / 2, DOWN_40_DEG])
    specs = [hold(float(v), face=name) for v in vertical]
    landmarks = find(face_mesh, specs)
    for spec, points, gaze in zip(specs, landmarks, vertical, strict=True):
        _, eyes = drawing._Renderer(spec)._place_face(0.0)
        for eye in eyes:
            x, y = points[IRIS_CENTRE[eye.side]]
            row, column = round(float(y)) - eye.rows.start, round(float(x)) - eye.columns.start
            # A tenth of the eye's width: half of the iris's radius.
            assert eye.u[row, column] == pytest.approx(0.0, abs=0.1)
            drawn = FACES[name].primary_vertical_offset + gaze
            assert eye.v[row, column] == pytest.approx(drawn, abs=0.1)
    ear = compute_eye_geometry(landmarks[:, list(FACE_MESH_INDICES)]).ear.mean(axis=1)
    # The lids that are found narrow as the drawn ones do, to 0.66 of the primary position's.
    assert (np.diff(ear[1:]) < 0).all()
    assert ear[3] / ear[1] == pytest.approx(0.66, abs=0.2)
    assert compute_truth(specs[3]).iris_in_sight.min() > 0.45
