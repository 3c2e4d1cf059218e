"""Irises that are drawn at known heights, with points that follow them or do not."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.clips import PLAIN, base_spec, measure_spec
from tracker.face.mesh import FaceMesh
from tracker.face.picture_gaze import EYE_PX, MOST_PICTURES, PictureGaze, cut_picture
from tracker.lab.clip_spec import GazePhase
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import Assessment, assess
from tracker.parameters import Parameters

EYE_WIDTH_PX = 60.0
CANTHI = {33: (90, 150), 133: (150, 150), 362: (210, 150), 263: (270, 150)}
IRISES = {473: (240, 150), 468: (120, 150)}
PRECISION = 0.5 / EYE_PX
"""Half a pixel of the small picture, in eye widths."""


def draw(
    left: float, right: float, rims: bool = False, rng: np.random.Generator | None = None
) -> NDArray[np.uint8]:
    """Draw two eyes whose irises are so much lower than the canthi, in eye widths.

    The lids follow, and the upper one hides a third of the iris.
    """
    image = np.full((360, 360, 3), 150, np.uint8)
    # The nose, and a shadow on its bridge.
    cv2.line(image, (172, 120), (168, 220), (120, 120, 120), 5)
    cv2.line(image, (190, 120), (194, 220), (175, 175, 175), 5)
    cv2.ellipse(image, (180, 138), (9, 4), 0, 0, 360, (115, 115, 115), -1)
    for x, height in ((240, left), (120, right)):
        middle = 150 + height * EYE_WIDTH_PX
        white = (16 * x, round(16 * middle)), (16 * 30, 16 * 14)
        cv2.ellipse(image, *white, 0, 0, 360, (215, 215, 215), -1, cv2.LINE_AA, 4)
        cv2.circle(image, white[0], 16 * 12, (50, 50, 50), -1, cv2.LINE_AA, 4)
        lid = np.array(((x - 32, 100), (x + 32, 100), (x + 32, middle - 4), (x - 32, middle - 4)))
        cv2.fillPoly(image, [np.rint(16 * lid).astype(np.int32)], (150, 150, 150), cv2.LINE_AA, 4)
        if rims:
            cv2.ellipse(image, (x, 152), (42, 24), 0, 0, 360, (25, 25, 25), 6, cv2.LINE_AA)
    blurred = cv2.GaussianBlur(image, (0, 0), 1.2)
    if rng is None:
        return blurred
    return np.clip(blurred + rng.normal(0, 4, blurred.shape), 0, 255).astype(np.uint8)


def points(drift: float = 0.0) -> NDArray[np.float32]:
    """Return landmarks that are lower than the eyes by `drift`, in eye widths."""
    placed = np.zeros((478, 2), np.float32)
    for index, place in (CANTHI | IRISES).items():
        placed[index] = place
    return placed + np.float32((0, drift * EYE_WIDTH_PX))


def take(gaze: PictureGaze, index: int, image: NDArray[np.uint8], placed: NDArray[Any]) -> None:
    picture = cut_picture(image, placed)
    assert picture is not None
    gaze.add(index, picture)


def measure(
    heights: list[tuple[float, float]], drifts: list[float] | None = None, rims: bool = False
) -> NDArray[np.float32]:
    rng = np.random.default_rng(3)
    gaze = PictureGaze()
    for index, (left, right) in enumerate(heights):
        drift = drifts[index] if drifts else 0.0
        take(gaze, index, draw(left, right, rims, rng), points(drift))
    samples, measured = gaze.measure()
    np.testing.assert_array_equal(samples, np.arange(len(heights)))
    return measured


UP_AND_DOWN = [0.0, -0.1, -0.1, 0.0, 0.05, 0.12, 0.12, 0.0, 0.0]


@pytest.mark.parametrize("rims", [False, True])
def test_it_measures_how_far_the_irises_move(rims: bool) -> None:
    measured = measure([(h, h) for h in UP_AND_DOWN], rims=rims)
    for eye in measured.T:
        np.testing.assert_allclose(eye - eye[0], UP_AND_DOWN, atol=PRECISION)


def test_landmarks_that_drift_with_the_gaze_change_nothing() -> None:
    drifts = [0.6 * h for h in UP_AND_DOWN]
    measured = measure([(h, h) for h in UP_AND_DOWN], drifts)
    for eye in measured.T:
        np.testing.assert_allclose(eye - eye[0], UP_AND_DOWN, atol=PRECISION)


def test_the_left_eye_comes_first() -> None:
    measured = measure([(0.0, 0.0), (0.1, 0.0), (0.0, 0.0), (0.0, 0.0)])
    np.testing.assert_allclose(measured[1] - measured[0], (0.1, 0.0), atol=PRECISION)


def test_irises_at_rest_stay_at_zero() -> None:
    np.testing.assert_allclose(measure([(0.0, 0.0)] * 5, rims=True), 0, atol=PRECISION / 4)


def test_of_a_face_turned_and_enlarged_it_measures_the_same() -> None:
    turn = cv2.getRotationMatrix2D((180, 180), 20, 1.8)
    turn[:, 2] += 150
    gaze = PictureGaze()
    for index, height in enumerate(UP_AND_DOWN):
        image = cv2.warpAffine(draw(height, height), turn, (660, 660))
        placed = points() @ turn[:, :2].T + turn[:, 2]
        take(gaze, index, image, placed.astype(np.float32))
    measured = gaze.measure()[1]
    np.testing.assert_allclose(measured[:, 0] - measured[0, 0], UP_AND_DOWN, atol=PRECISION)


def test_without_eyes_in_the_picture_nothing_is_found() -> None:
    gaze = PictureGaze()
    for index in range(3):
        take(gaze, index, np.full((360, 360, 3), 150, np.uint8), points())
    assert np.isnan(gaze.measure()[1]).all()


def test_eyes_without_width_give_no_picture() -> None:
    assert cut_picture(draw(0, 0), np.zeros((478, 2), np.float32)) is None
    assert cut_picture(draw(0, 0), 100 * points()) is None


def test_in_a_picture_of_something_else_nothing_is_found() -> None:
    gaze = PictureGaze()
    take(gaze, 0, draw(0, 0), points() + np.float32(5000))
    assert np.isnan(gaze.measure()[1]).all()


def test_without_a_picture_the_arrays_are_empty() -> None:
    samples, measured = PictureGaze().measure()
    assert samples.shape == (0,)
    assert measured.shape == (0, 2)


def test_the_picture_of_another_face_is_dropped() -> None:
    gaze = PictureGaze()
    for index in range(3):
        take(gaze, index, draw(0, 0), points())
    gaze.drop(2)
    gaze.drop(0)
    assert gaze.measure()[0].tolist() == [0, 1]


def test_of_a_long_recording_fewer_pictures_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.face.picture_gaze.MOST_PICTURES", 4)
    gaze, image, placed = PictureGaze(), draw(0, 0), points()
    for index in range(20):
        take(gaze, index, image, placed)
    samples = gaze.measure()[0]
    assert len(samples) <= 4 < MOST_PICTURES
    np.testing.assert_array_equal(np.diff(samples), np.diff(samples)[0])


def look(amplitude: float) -> Assessment:
    """Assess a drawn wearer of spectacles who looks up and down this far, in eye widths."""
    gaze = tuple(GazePhase(2.7 * n, amplitude * sign) for n, sign in enumerate((0, -1, 0, 1)))
    spec = base_spec(10.8, fps=10.0, gaze=gaze, face="officer", blinks_per_min=12, seed=1)
    (measured,) = measure_spec(FaceMesh(), spec, [PLAIN])
    return assess(analyze_track(measured.analysis.track, Parameters(task="up_down")))


@pytest.mark.slow
def test_behind_thick_rims_a_healthy_person_is_not_suspected() -> None:
    assessed = look(0.12)
    # What the landmarks show is that of a palsy.
    assert assessed.basis.value < assessed.basis.limit
    assert assessed.status == "not_assessable"
    assert [reason.code for reason in assessed.reasons] == ["gaze_not_followed"]
    assert "glasses" in assessed.patient_message


@pytest.mark.slow
def test_behind_thick_rims_a_palsy_is_suspected() -> None:
    assert look(0.03).status == "suspected"
