"""The eyes' pictures: of the right frame, of the right face, of the eyes alone."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import BLINK, FACE_MESH_INDICES
from tests.tracker.face.test_follow import FakeFinder, Person
from tracker.face import eye_pictures
from tracker.face.eye_pictures import (
    CANTHAL_DISTANCE_PX,
    EYE_HEIGHT_PX,
    EYE_WIDTH_PX,
    GAP_PX,
    USUAL_INTERVAL,
    WARM_UP_FRAMES,
    EyePictures,
    cut_eyes,
)
from tracker.face.follow import FaceFollower
from tracker.face.mesh import LANDMARK_COUNT, FaceMesh
from tracker.measures.analysis import analyze_track
from tracker.pages.selection import find_events
from tracker.parameters import Parameters
from tracker.tracks.track import Track, track_video
from tracker.video.frames import Image, Video

SIZE = (EYE_HEIGHT_PX, 2 * EYE_WIDTH_PX + GAP_PX, 3)


def decode(jpeg: bytes) -> NDArray[np.float64]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, dtype=np.float64)


@pytest.fixture(scope="module")
def tracked(clips: Path) -> tuple[Track, dict[int, bytes]]:
    pictures: dict[int, bytes] = {}
    track = track_video(clips / "short.mp4", FaceMesh(), 2, 1000, eye_pictures=pictures)
    return track, pictures


def naive_eye(image: Image, first: NDArray, second: NDArray) -> NDArray:
    """Look up each pixel of the box by itself."""
    across = (second - first).astype(float) / CANTHAL_DISTANCE_PX
    down = np.array([-across[1], across[0]])
    centre = (first.astype(float) + second) / 2
    box = np.full((EYE_HEIGHT_PX, EYE_WIDTH_PX, 3), 128.0)
    for row in range(EYE_HEIGHT_PX):
        for column in range(EYE_WIDTH_PX):
            x, y = (
                centre
                + (column - (EYE_WIDTH_PX - 1) / 2) * across
                + (row - (EYE_HEIGHT_PX - 1) / 2) * down
            )
            if 0 <= round(x) < image.shape[1] and 0 <= round(y) < image.shape[0]:
                box[row, column] = image[round(y), round(x)]
    return box


def test_each_picture_is_of_its_frame(clips: Path, tracked: tuple[Track, dict[int, bytes]]) -> None:
    """Against a decode of the frame that the track names, and no other one fits as well."""
    track, pictures = tracked
    assert set(pictures) <= set(np.flatnonzero(np.isfinite(track.landmarks[:, 0, 0])).tolist())
    with Video(clips / "short.mp4") as video:
        images = {frame.index: frame.image.copy() for frame in video.frames()}
    columns = {index: column for column, index in enumerate(FACE_MESH_INDICES)}
    moved = sorted(pictures)[::5]
    differences = np.empty((len(moved), len(moved)))
    frames = []
    for row, sample in enumerate(moved):
        points = track.landmarks[sample]
        image = images[int(track.frame_index[sample])]
        expected = np.hstack(
            [
                naive_eye(image, points[columns[33]], points[columns[133]]),
                np.full((EYE_HEIGHT_PX, GAP_PX, 3), 255.0),
                naive_eye(image, points[columns[362]], points[columns[263]]),
            ]
        )
        frames.append(expected)
        for column, other in enumerate(moved):
            differences[row, column] = np.abs(expected - decode(pictures[other])).mean()
    assert np.diag(differences).max() < 6
    # While the drawn eyes are still, frames are alike but for the noise, and no picture fits best.
    unlike = np.abs(np.array(frames)[:, None] - np.array(frames)).mean(axis=(2, 3, 4)) > 1
    assert unlike.sum() > 0.8 * unlike.size
    others = np.where(unlike, differences, np.inf)
    assert (np.diag(differences) < others.min(axis=1)).all()


def test_at_the_peak_of_a_blink_the_eyes_are_shut(
    tracked: tuple[Track, dict[int, bytes]],
) -> None:
    """The drawn eye's white and iris are gone: the middle of it varies less."""
    track, pictures = tracked
    analysis = analyze_track(track, Parameters())
    peaks = analysis.events.closures.peak[analysis.events.closures.kind == BLINK]
    assert peaks.size

    def variation(sample: int) -> float:
        eye = decode(pictures[sample])[20:40, 20 : EYE_WIDTH_PX - 20]
        return float(eye.std(axis=(0, 1)).mean())

    open_samples = [n for n in np.flatnonzero(analysis.gaze.valid).tolist() if n in pictures]
    opened = np.median([variation(n) for n in open_samples])
    for peak in peaks.tolist():
        assert variation(peak) < 0.75 * opened


def test_every_frame_that_shows_an_event_is_pictured(
    tracked: tuple[Track, dict[int, bytes]],
) -> None:
    track, pictures = tracked
    events = find_events(analyze_track(track, Parameters()))
    assert events
    for event in events:
        assert {sample for sample, _ in event.frames()} <= set(pictures)
    assert len(pictures) < 0.8 * track.times_s.size


def with_opening(share: float) -> NDArray[np.float32]:
    """Return landmarks of two eyes 60 pixels wide whose lids are that far apart."""
    points = points_at(((50, 60), (110, 60)), ((180, 60), (240, 60)))
    for upper, lower, x in ((159, 145, 80), (386, 374, 210)):
        points[upper], points[lower] = (x, 60 - 30 * share), (x, 60 + 30 * share)
    return points


def test_eyes_as_open_as_usual_are_kept_now_and_then_and_closing_ones_always() -> None:
    opening = np.full(400, 0.3)
    opening[200:206] = (0.27, 0.15, 0.05, 0.05, 0.2, 0.27)
    # Lowered for long: kept until that is usual.
    opening[300:] = 0.2
    pictures = EyePictures()
    for sample, share in enumerate(opening):
        pictures.add(sample, np.zeros((120, 300, 3), np.uint8), with_opening(share))
    kept = set(pictures.jpegs)
    assert kept & set(range(200)) == {*range(WARM_UP_FRAMES), *range(32, 200, USUAL_INTERVAL)}
    assert set(range(200, 207)) <= kept
    assert set(range(300, 340)) <= kept
    assert len(kept & set(range(380, 400))) < 20


def points_at(right: tuple, left: tuple) -> NDArray[np.float32]:
    """Return landmarks of which only the canthi count, ((x, y), (x, y)) of each eye."""
    points = np.zeros((LANDMARK_COUNT, 2), dtype=np.float32)
    points[33], points[133] = right
    points[362], points[263] = left
    return points


def spotted(size: tuple[int, int], spots: list[tuple[float, float]], radius: int) -> Image:
    """Return a grey picture with black discs."""
    image = np.full((*size, 3), 200, dtype=np.uint8)
    for x, y in spots:
        cv2.circle(image, (round(x), round(y)), radius, (0, 0, 0), -1)
    return image


@pytest.mark.parametrize("turn_deg", [0, 30, 90, 180, -75])
@pytest.mark.parametrize("width_px", [20, 60, 150, 400])
def test_eyes_are_upright_and_as_large_whatever_their_roll_and_size(
    turn_deg: float, width_px: float
) -> None:
    turn = np.radians(turn_deg)
    axis = np.array([np.cos(turn), np.sin(turn)])
    down = np.array([-axis[1], axis[0]])
    middle = np.array([900.0, 900.0])
    centres = middle - width_px * axis, middle + width_px * axis
    ends = [(c - width_px / 2 * axis, c + width_px / 2 * axis) for c in centres]
    # An iris a fifth of the eye's width below the canthi of the right eye, above those of the left.
    irises = [centres[0] + 0.2 * width_px * down, centres[1] - 0.2 * width_px * down]
    image = spotted((1800, 1800), [tuple(one) for one in irises], round(0.15 * width_px))
    picture = cut_eyes(image, points_at(*ends))
    assert picture is not None
    assert picture.shape == SIZE
    # The disc is drawn at whole pixels.
    tolerance = 0.8 + 0.7 * CANTHAL_DISTANCE_PX / width_px
    dark = 255.0 - np.asarray(picture, float)[:, :, 0]
    for eye, expected_y in ((0, 0.5 + 0.2 * 60 / 60), (1, 0.5 - 0.2 * 60 / 60)):
        part = dark[:, eye * (EYE_WIDTH_PX + GAP_PX) :][:, :EYE_WIDTH_PX] > 128
        rows, columns = np.nonzero(part)
        assert columns.mean() == pytest.approx((EYE_WIDTH_PX - 1) / 2, abs=tolerance)
        assert rows.mean() == pytest.approx(EYE_HEIGHT_PX * expected_y - 0.5, abs=tolerance)
        assert part.sum() == pytest.approx(np.pi * 9**2, rel=0.25)


def test_beyond_the_pictures_edge_it_is_grey() -> None:
    image = np.full((100, 100, 3), 20, dtype=np.uint8)
    picture = cut_eyes(image, points_at(((-30, 50), (30, 50)), ((60, 50), (120, 50))))
    assert picture is not None
    assert picture.shape == SIZE
    assert (picture[30, 2] == 128).all()
    assert (picture[30, EYE_WIDTH_PX - 3] == 20).all()
    assert (picture[30, -2] == 128).all()


@pytest.mark.parametrize(
    "eyes",
    [
        (((10, 10), (10, 10)), ((40, 10), (60, 10))),
        (((-500, 10), (-480, 10)), ((40, 10), (60, 10))),
        (((10, 10), (30, 10)), ((400, 900), (420, 900))),
        (((np.nan, 10), (30, 10)), ((40, 10), (60, 10))),
    ],
)
def test_where_there_is_no_eye_there_is_no_picture(eyes: tuple) -> None:
    assert cut_eyes(np.zeros((100, 100, 3), np.uint8), points_at(*eyes)) is None
    pictures = EyePictures()
    pictures.add(0, np.zeros((100, 100, 3), np.uint8), points_at(*eyes))
    assert pictures.jpegs == {}


def test_nothing_of_the_face_but_the_eyes() -> None:
    """The bridge of the nose, brows a whole eye width up, and cheeks are not in it."""
    image = np.full((400, 400, 3), 200, dtype=np.uint8)
    eyes = (((100, 200), (160, 200)), ((240, 200), (300, 200)))
    image[:, 179:221] = 0
    image[:169] = 0
    image[231:] = 0
    image[:, :81] = 0
    image[:, 319:] = 0
    picture = cut_eyes(image, points_at(*eyes))
    assert picture is not None
    assert picture.min() > 190


def test_memory_is_bounded_and_what_is_kept_is_spread_out(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    image = rng.integers(0, 255, (120, 300, 3), dtype=np.uint8)
    eyes = points_at(((50, 60), (110, 60)), ((180, 60), (240, 60)))
    one = EyePictures()
    one.add(0, image, eyes)
    size = len(one.jpegs[0])
    monkeypatch.setattr(eye_pictures, "MAX_BYTES", 20 * size)
    monkeypatch.setattr(eye_pictures, "USUAL_INTERVAL", 1)
    pictures = EyePictures()
    for sample in range(100):
        pictures.add(sample, image, eyes)
        assert sum(map(len, pictures.jpegs.values())) <= 20 * size
    assert list(pictures.jpegs) == list(range(0, 100, 8))


class FindsEyes(FakeFinder):
    """Puts the canthi where eyes would be."""

    def find_landmarks(self, image, region):  # type: ignore[no-untyped-def]
        points = super().find_landmarks(image, region)
        if points is not None:
            x, y = points[1]
            points[33], points[133] = (x - 40, y), (x - 15, y)
            points[362], points[263] = (x + 15, y), (x + 40, y)
        return points


def test_the_pictures_are_of_the_face_that_is_settled_on() -> None:
    """Two people in turns: the one seen for longer, from when they are seen."""
    people = [Person(100, 80, range(40)), Person(400, 80, range(50, 200))]
    finder = FindsEyes(people)
    follower = FaceFollower(finder, 200, 1, keep_eyes=True)
    image = np.full((400, 600, 3), 50, dtype=np.uint8)
    image[:, 250:] = 220
    for n in range(200):
        finder.frame = n
        follower.add(image)
    pictures = follower.result().eye_pictures
    assert set(range(50, 80)) < set(pictures) <= set(range(50, 200))
    for jpeg in pictures.values():
        assert decode(jpeg)[:, :EYE_WIDTH_PX].mean() == pytest.approx(220, abs=3)


def test_a_frame_whose_face_was_anothers_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two who come to stand in one place: what is dropped as a double leaves no picture."""
    monkeypatch.setattr(eye_pictures, "USUAL_INTERVAL", 1)
    people = [Person(100, 80, range(120)), Person(400, 60, range(120), speed_px=-3)]
    finder = FindsEyes(people)
    follower = FaceFollower(finder, 120, 1, keep_eyes=True)
    for n in range(120):
        finder.frame = n
        follower.add(np.full((400, 600, 3), 90, dtype=np.uint8))
    for face in follower._faces:
        seen = np.flatnonzero(np.isfinite(face.landmarks[:120, 0, 0]))
        assert set(face.eyes.jpegs) <= set(seen.tolist())
    assert sum(len(face.eyes.jpegs) for face in follower._faces) > 60


def test_without_being_asked_nothing_is_kept() -> None:
    finder = FindsEyes([Person(100, 80, range(5))])
    follower = FaceFollower(finder, 5, 1)
    for n in range(5):
        finder.frame = n
        follower.add(np.zeros((200, 200, 3), dtype=np.uint8))
    assert follower.result().eye_pictures == {}
