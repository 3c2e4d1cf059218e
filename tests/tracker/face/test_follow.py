"""Whose face it is, told with faces that are only regions: no model, no picture."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import FACE_MESH_INDICES, compute_framing_gain
from tracker.face.follow import (
    MAX_FACES,
    QUALITY_INTERVAL_FRAMES,
    SCAN_INTERVAL_FRAMES,
    FaceFollower,
    choose_second_passes,
)
from tracker.face.mesh import LANDMARK_COUNT
from tracker.face.quality import ImageQuality
from tracker.face.region import REGION_SCALE, Region, region_of
from tracker.video.frames import Image

BLANK: Image = np.zeros((64, 64, 3), dtype=np.uint8)


@dataclass
class Person:
    """A face of a given size that walks from x by speed_px a frame and is there for some time."""

    x: float
    side_px: float
    frames: range
    speed_px: float = 0
    y: float = 200


@dataclass
class FakeFinder:
    """Finds those people that are there in the current frame, as the models would."""

    people: list[Person]
    frame: int = -1
    detections: int = 0
    searches: list[tuple[int, float]] = field(default_factory=list)

    def _boxes(self) -> list[tuple[float, float, float]]:
        return [
            (p.x + p.speed_px * self.frame, p.y, p.side_px)
            for p in self.people
            if self.frame in p.frames
        ]

    def detect(self, image: Image) -> list[Region]:
        self.detections += 1
        return [Region(x, y, side * REGION_SCALE, 0.0) for x, y, side in self._boxes()]

    def find_landmarks(self, image: Image, region: Region) -> NDArray[np.float32] | None:
        self.searches.append((self.frame, region.side_px))
        for x, y, side in self._boxes():
            if np.hypot(x - region.centre_x, y - region.centre_y) < region.side_px / 4:
                points = np.full((LANDMARK_COUNT, 2), (x, y), dtype=np.float32)
                points[33], points[263] = (x - side / 2, y), (x + side / 2, y)
                return points
        return None


def follow(people: list[Person], frames: int) -> tuple[NDArray, float, FakeFinder]:
    """Return the followed face's x in each frame, the other's ratio, and the finder."""
    finder = FakeFinder(people)
    follower = FaceFollower(finder, max_frames=frames, step=1)
    for n in range(frames):
        finder.frame = n
        follower.add(BLANK)
    face = follower.result()
    landmarks, other = face.landmarks, face.other_face_ratio
    assert landmarks.shape == (frames, len(FACE_MESH_INDICES), 2)
    return landmarks[:, FACE_MESH_INDICES.index(1), 0], other, finder


def test_a_lone_face_is_followed_where_it_goes() -> None:
    x, other, finder = follow([Person(100, 80, range(90), speed_px=3)], 90)
    np.testing.assert_allclose(x, 100 + 3 * np.arange(90))
    assert other == 0
    # The whole picture is looked at now and then, not in every frame.
    assert finder.detections == 90 / SCAN_INTERVAL_FRAMES


def test_nobody() -> None:
    x, other, finder = follow([], 10)
    assert np.isnan(x).all()
    assert other == 0
    assert finder.detections == 10


def test_no_frames() -> None:
    x, other, _ = follow([], 0)
    assert x.shape == (0,)
    assert other == 0


def test_a_missing_face_is_nan_and_found_in_the_frame_in_which_it_is_back() -> None:
    x, _, _ = follow([Person(100, 80, range(20)), Person(130, 80, range(50, 90))], 90)
    np.testing.assert_allclose(x[:20], 100)
    assert np.isnan(x[20:50]).all()
    np.testing.assert_allclose(x[50:], 130)


def test_one_who_appears_elsewhere_is_another() -> None:
    x, other, _ = follow([Person(100, 80, range(50)), Person(500, 80, range(60, 90))], 90)
    np.testing.assert_allclose(x[:50], 100)
    assert np.isnan(x[50:]).all()
    assert other == pytest.approx(30 / 50)


def test_what_only_the_detector_takes_for_a_face_is_none() -> None:
    class Mistaken(FakeFinder):
        def find_landmarks(self, image: Image, region: Region) -> None:
            return None

    follower = FaceFollower(Mistaken([Person(100, 80, range(9))], frame=0), 9, 1)
    for _ in range(9):
        follower.add(BLANK)
    face = follower.result()
    landmarks, other = face.landmarks, face.other_face_ratio
    assert np.isnan(landmarks).all()
    assert other == 0


@pytest.mark.parametrize("step", [1, 3, 100])
def test_a_newcomer_is_seen_within_30_source_frames(step: int) -> None:
    finder = FakeFinder([Person(100, 80, range(900)), Person(500, 200, range(1, 900))])
    follower = FaceFollower(finder, 900, step)
    for n in range(max(31 // step, 1) + 1):
        finder.frame = n
        follower.add(BLANK)
    assert follower.result().other_face_ratio > 0


def test_one_of_another_size_elsewhere_is_another() -> None:
    x, other, _ = follow([Person(100, 80, range(60)), Person(500, 300, range(60, 70))], 120)
    # 80 px for 60 frames against 300 px for 10: 80 * 80 * 60 < 300 * 300 * 10.
    assert np.isnan(x[:60]).all()
    np.testing.assert_allclose(x[60:70], 500)
    assert 0 < other < 1


@pytest.mark.parametrize("large_first", [True, False])
def test_the_face_that_fills_most_over_time_wins_whoever_came_first(large_first: bool) -> None:
    large = Person(400, 100, range(200) if large_first else range(60, 200))
    small = Person(100, 70, range(60, 200) if large_first else range(200))
    x, other, _ = follow([small, large], 200)
    np.testing.assert_allclose(x[70:][np.isfinite(x[70:])], 400)
    assert np.isfinite(x).sum() >= len(large.frames) - 31  # a newcomer is seen within 30 frames
    assert 0.2 < other < 1


def test_never_two_people_in_one_track() -> None:
    """They cross; whichever it is, the track is one person's."""
    people = [Person(0, 100, range(120), speed_px=5), Person(600, 95, range(120), speed_px=-5)]
    x, _, _ = follow(people, 120)
    seen = np.flatnonzero(np.isfinite(x))
    apart = seen[np.abs(seen - 60) > 12]  # away from the crossing
    first = np.isclose(x[apart], 5 * apart)
    second = np.isclose(x[apart], 600 - 5 * apart)
    assert (first | second).all()
    before, after = first[apart < 60], first[apart > 60]
    assert before.all() or not before.any()
    assert after.all() or not after.any()


def test_a_small_bystander_is_counted_but_costs_nothing() -> None:
    people = [Person(400, 100, range(91)), Person(100, 40, range(91))]
    x, other, finder = follow(people, 91)
    np.testing.assert_allclose(x, 400)
    assert other == pytest.approx(0.4 * 0.4)
    assert all(side > 100 for _, side in finder.searches)


def test_a_crowd_is_bounded() -> None:
    people = [Person(300 * n, 100 - n, range(90)) for n in range(3 * MAX_FACES)]
    x, other, finder = follow(people, 90)
    np.testing.assert_allclose(x, 0)
    assert other == pytest.approx(0.98, abs=0.01)
    assert len({side for _, side in finder.searches}) <= 2 * MAX_FACES


def test_the_region_is_the_turned_square_around_the_landmarks() -> None:
    points = np.zeros((LANDMARK_COUNT, 2), dtype=np.float32)
    points[:] = (100, 100)
    points[33], points[263] = (80, 90), (120, 110)
    # Box 40 x 20 around (100, 100); 1.5 times its longer side; atan(20 / 40).
    region = region_of(points)
    assert (region.centre_x, region.centre_y, region.side_px) == (100, 100, 60)
    assert region.rotation_rad == pytest.approx(np.arctan2(20, 40))


def test_the_picture_is_that_of_the_recording_s_face_and_measured_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[float] = []

    def measure(image: Image, points: NDArray[np.float32]) -> ImageQuality:
        measured.append(float(points[0, 0]))
        return ImageQuality(sharpness=float(points[0, 0]))

    monkeypatch.setattr("tracker.face.follow.measure_image", measure)
    people = [Person(100, 80, range(300)), Person(600, 100, range(300))]
    for step, times in ((1, 300 / QUALITY_INTERVAL_FRAMES), (3, 300 / QUALITY_INTERVAL_FRAMES)):
        measured.clear()
        finder = FakeFinder(people)
        follower = FaceFollower(finder, 300, step)
        for frame in range(0, 300, step):
            finder.frame = frame
            follower.add(BLANK)
        assert follower.result().image_quality.sharpness == 600
        # Once in so many source frames, for each of the two.
        assert measured.count(600) == measured.count(100) == times


def test_nobody_has_no_picture() -> None:
    follower = FaceFollower(FakeFinder([]), 3, 1)
    follower.add(BLANK)
    assert np.isnan(follower.result().image_quality.sharpness)


def list_second_passes(people: list[Person], frames: int) -> tuple[list[int], NDArray]:
    """Return the frames with a second pass, and their turns."""
    finder = FakeFinder(people)
    follower = FaceFollower(finder, max_frames=frames, step=1)
    for n in range(frames):
        finder.frame = n
        follower.add(BLANK)
    face = follower.result()
    assert np.isfinite(face.second_pass_landmarks).all()
    return face.second_pass_sample.tolist(), face.second_pass_turn


def test_second_passes_become_rare_when_there_are_many() -> None:
    expected = [*range(0, 800, 10), *range(810, 3210, 30), *range(3240, 3600, 90)]
    passes, turns = list_second_passes([Person(100, 80, range(3600))], 3600)
    assert passes == expected
    for start in (0, 80, 160):
        assert sorted(turns[start : start + 4]) == [0, 1, 2, 3]
    assert choose_second_passes(np.ones(3600, np.bool_)).tolist() == expected


def test_a_face_that_comes_late_has_as_many_second_passes() -> None:
    # The third one after frame 1800 is the 80th.
    expected = [*range(0, 770, 10), *range(1800, 1830, 10), *range(1830, 2000, 30)]
    away = [Person(100, 80, range(765)), Person(100, 80, range(1800, 2000))]
    assert list_second_passes(away, 2000)[0] == expected


@pytest.mark.parametrize("starts", [(0, 1000), (0, 70, 2400, 5200), (0, 900, 1800, 2700, 3600)])
def test_parts_that_are_followed_apart_have_all_second_passes_of_the_whole(
    starts: tuple[int, ...], rng: np.random.Generator
) -> None:
    found = rng.random(6000) < 0.8
    whole = choose_second_passes(found)
    of_parts = np.zeros(6000, np.bool_)
    for start, stop in zip(starts, (*starts[1:], 6000), strict=True):
        part = found.copy()
        part[:start] = part[stop:] = False
        of_parts[choose_second_passes(part)] = True
    assert of_parts.sum() > whole.size
    np.testing.assert_array_equal(choose_second_passes(of_parts), whole)


def look_up_and_down(kind: str, rng: np.random.Generator) -> tuple[NDArray, NDArray, NDArray]:
    """Return a gaze of a long recording, as both passes measure it, and the second one's framing.

    How far the landmarks follow the gaze differs between the framings. Fixations are steady for
    0.3 s in the mean, and so is most of the noise; a blink hides the gaze every 4 s.
    """
    length_s = 400 if kind == "once, long" else 60
    times_s = np.arange(30 * length_s) / 30
    gaze = {
        "once": np.sign(times_s - 30),
        "once, long": np.sign(times_s - 200),
        "every 2 s": 1 - 2.0 * (times_s // 2 % 2),
        "rest first": np.sign(times_s - 40) * (times_s > 20),
        "rest last": np.sign(times_s - 10) * (times_s < 20),
    }[kind]

    def hold(std: float) -> NDArray:
        numbers = np.cumsum(rng.random(times_s.size) < 1 / 9)
        return rng.normal(0, std, numbers[-1] + 1)[numbers]

    framing = np.arange(times_s.size) // 10 % 4
    gaze = 0.06 * gaze + hold(0.012)
    noise = hold(0.003)
    gains = 1 + 0.08 * rng.normal() + 0.05 * rng.normal(size=4)
    first = (1 + 0.08 * rng.normal()) * gaze + noise + rng.normal(0, 0.004, gaze.size)
    second = gains[framing] * gaze + noise + rng.normal(0, 0.004, gaze.size)
    second[times_s % 4 < 0.3] = np.nan
    return first, second, framing


@pytest.mark.parametrize("kind", ["once", "once, long", "every 2 s", "rest first", "rest last"])
def test_rarer_second_passes_hardly_move_the_gain(kind: str, rng: np.random.Generator) -> None:
    every_tenth, chosen = [], []
    for _ in range(60):
        first, second, framing = look_up_and_down(kind, rng)
        for gains, frames in (
            (every_tenth, np.arange(0, first.size, 10)),
            (chosen, choose_second_passes(np.ones(first.size, np.bool_))),
        ):
            gains.append(compute_framing_gain(first[frames], second[frames], framing[frames]))
    (before, std_before), (after, std_after) = np.transpose(every_tenth), np.transpose(chosen)
    moved = np.sqrt(np.mean((after - before) ** 2))
    print(f"{kind}: moved by {moved:.4f}, of {std_before.mean():.4f}; then {std_after.mean():.4f}")
    assert 0 < moved < std_before.mean() / 2
    assert std_after.mean() < 1.05 * std_before.mean()
