"""Faces that are followed in blocks: parts that are seen apart show what the whole does."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.lengths import thin
from tests.tracker.face.test_follow import BLANK, FakeFinder, Person
from tracker.face import blocks
from tracker.face.blocks import BlockFollower
from tracker.face.follow import FaceFollower, FollowedFace
from tracker.face.looks import Looks, RecallingFollower, RecordingFollower
from tracker.face.quality import ImageQuality
from tracker.video.frames import Image

FRAMES, BLOCK, RUN_IN = 400, 50, 10


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_FRAMES", BLOCK)
    monkeypatch.setattr(blocks, "RUN_IN_FRAMES", RUN_IN)

    def measure(image: Image, points: NDArray[np.float32]) -> ImageQuality:
        return ImageQuality(sharpness=float(points[0, 0]))

    monkeypatch.setattr("tracker.face.follow.measure_image", measure)


def follow(finder: FakeFinder, follower: FaceFollower, first: int, stop: int) -> None:
    """Follow the faces from the block that starts at `first`, with its run-in."""
    in_blocks = BlockFollower(follower, finder, 1, first)
    for n in range(max(0, first - RUN_IN) if first else 0, stop):
        finder.frame = n
        in_blocks.add(BLANK, n)


def follow_whole(people: list[Person]) -> FollowedFace:
    finder = FakeFinder(people)
    follower = FaceFollower(finder, FRAMES, 1)
    follow(finder, follower, 0, FRAMES)
    return follower.result()


def follow_parts(people: list[Person], starts: list[int]) -> FollowedFace:
    parts: list[tuple[Looks, NDArray[np.int64]]] = []
    for start, stop in zip(starts, [*starts[1:], FRAMES], strict=True):
        finder = FakeFinder(people)
        follower = RecordingFollower(finder, stop - start, 1)
        follow(finder, follower, start, stop)
        parts.append((follower.looks(), np.arange(start, stop)))
    whole = RecallingFollower(FRAMES, 1)
    for looks, ordinals in parts:
        whole.follow(looks, ordinals)
    return whole.result()


def assert_same(one: FollowedFace, other: FollowedFace) -> None:
    np.testing.assert_array_equal(one.landmarks, other.landmarks)
    np.testing.assert_array_equal(one.second_pass_sample, other.second_pass_sample)
    np.testing.assert_array_equal(one.second_pass_landmarks, other.second_pass_landmarks)
    np.testing.assert_array_equal(one.second_pass_turn, other.second_pass_turn)
    assert one.other_face_ratio == other.other_face_ratio
    np.testing.assert_equal(one.image_quality, other.image_quality)


STARTS = ([0], [0, 200], [0, 150, 250], [*range(0, FRAMES, BLOCK)])

PEOPLE = {
    "alone": [Person(100, 80, range(FRAMES), speed_px=0.7)],
    "nobody": [],
    "leaves for a while": [Person(100, 80, range(120)), Person(130, 80, range(270, FRAMES))],
    "appears in a run-in": [Person(100, 80, range(196, FRAMES))],
    "leaves in a run-in": [Person(100, 80, range(144))],
    "a bystander": [Person(400, 100, range(FRAMES)), Person(100, 40, range(33, FRAMES))],
    "another one stays longer": [Person(100, 80, range(140)), Person(600, 75, range(90, FRAMES))],
    "they cross": [
        Person(0, 100, range(FRAMES), speed_px=2),
        Person(900, 95, range(FRAMES), speed_px=-2),
    ],
}


@pytest.mark.parametrize("starts", STARTS, ids=len)
@pytest.mark.parametrize("kind", PEOPLE)
def test_parts_show_what_the_whole_does(kind: str, starts: list[int]) -> None:
    whole, parts = follow_whole(PEOPLE[kind]), follow_parts(PEOPLE[kind], starts)
    assert_same(whole, parts)


@pytest.mark.parametrize("seed", thin(range(24), 3))
def test_parts_show_what_the_whole_does_whoever_comes_and_goes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    people = [
        Person(
            x=rng.uniform(0, 800),
            side_px=rng.uniform(50, 120),
            frames=range(*sorted(rng.integers(0, FRAMES, 2).tolist())),
            speed_px=rng.uniform(-1, 1),
        )
        for _ in range(2 + seed % 8)
    ]
    assert_same(follow_whole(people), follow_parts(people, STARTS[seed % 4]))


def test_one_block_is_followed_as_before() -> None:
    people = [Person(100, 80, range(BLOCK), speed_px=0.7)]
    finder = FakeFinder(people)
    follower = FaceFollower(finder, BLOCK, 1)
    in_blocks = BlockFollower(follower, finder, 1)
    plain_finder = FakeFinder(people)
    plain = FaceFollower(plain_finder, BLOCK, 1)
    for n in range(BLOCK - RUN_IN):
        finder.frame = plain_finder.frame = n
        in_blocks.add(BLANK, n)
        plain.add(BLANK)
    assert_same(follower.result(), plain.result())
    # Nothing is looked at twice but in the run-in of a block that follows.
    assert finder.searches == plain_finder.searches


def test_a_block_begins_where_its_run_in_found_the_face() -> None:
    """Not where the block before left it: only that is known wherever decoding starts."""

    class Sticky(FakeFinder):
        """Finds a face beside where it was looked for, a little nearer to where it is."""

        def find_landmarks(self, image: Image, region: object) -> NDArray[np.float32] | None:
            points = super().find_landmarks(image, region)  # type: ignore[arg-type]
            if points is not None:
                points += np.float32(0.9 * (region.centre_x - points[0, 0]))  # type: ignore[attr-defined]
            return points

    people = [Person(100, 80, range(FRAMES), speed_px=0.5)]
    finder = Sticky(people)
    follower = FaceFollower(finder, FRAMES, 1)
    follow(finder, follower, 0, FRAMES)
    x = follower.result().landmarks[:, 1, 0]
    jumps = np.flatnonzero(np.abs(np.diff(x)) > 1) + 1
    assert set(jumps.tolist()) == set(range(BLOCK, FRAMES, BLOCK))
