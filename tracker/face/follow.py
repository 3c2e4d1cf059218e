"""Follow the faces of one recording from frame to frame and settle whose it is."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kernels import FACE_MESH_INDICES, LANDMARK_COUNT
from tracker.face.eye_pictures import EyePictures
from tracker.face.mesh import Region, region_of
from tracker.face.quality import ImageQuality, measure_image, median_quality
from tracker.video.frames import ImageLike

SCAN_INTERVAL_FRAMES = 30
"""Source frames from one look at the whole picture to the next while a face is followed.

Counted in frames, for a broken file's times may stand still.
"""
QUALITY_INTERVAL_FRAMES = 30
"""Source frames in which a face is followed, from one measurement of its picture to the next."""
TURN_INTERVAL_FRAMES = 10
"""Analysed frames from one look at a face in a turned region to the next."""
TURNS_DEG = (-6.0, 2.0, -2.0, 6.0)
"""Turns of the region, one after the other. How far FaceMesh follows vertical gaze changes by 7 %
(one standard deviation) with how the region happens to frame the face, even where it turns by a
degree, and stays so while the head is still: the gaze is measured against these looks' mean."""
MAX_FACES = 4
"""People told apart in one recording; each costs its landmarks' memory."""
MIN_AREA_SHARE = 0.25
"""A face smaller than this share of the largest one's area is counted, not followed."""
MAX_SIZE_CHANGE = 2.0
"""Factor by which a face's size may differ when it comes back, to be taken for the same."""

_COLUMNS = np.array(FACE_MESH_INDICES)


class FaceFinder(Protocol):
    """What is used of `tracker.face.mesh.FaceMesh`."""

    def detect(self, image: ImageLike) -> list[Region]: ...

    def find_landmarks(self, image: ImageLike, region: Region) -> NDArray[np.float32] | None: ...


@dataclass(frozen=True, slots=True)
class FollowedFace:
    """A recording's face.

    Attributes
    ----------
    landmarks : ndarray, shape (N, K, 2), float32
        In each frame; NaN rows where it was not seen.
    second_pass_sample : ndarray, shape (T,), int64
        Frames, by place among the N, in which it was found in a turned region as well.
    second_pass_landmarks : ndarray, shape (T, K, 2), float32
        Its landmarks there.
    second_pass_turn : ndarray, shape (T,), int64
        Which turn it was, by place in `TURNS_DEG`.
    other_face_ratio : float
        The next largest face's area summed over the frames, over this one's; 0 if alone.
    image_quality : ImageQuality
        Medians over pictures of the face, one in `QUALITY_INTERVAL_FRAMES`: blinks are the
        minority. NaN without one.
    eye_pictures : dict of int to bytes
        JPEGs of the eyes, by place among the N, where they were asked for.
    """

    landmarks: NDArray[np.float32]
    second_pass_sample: NDArray[np.int64]
    second_pass_landmarks: NDArray[np.float32]
    second_pass_turn: NDArray[np.int64]
    other_face_ratio: float
    image_quality: ImageQuality
    eye_pictures: dict[int, bytes]


class _Face:
    """One person: where the face is or was, its landmarks, its area summed over the frames, and how
    well pictures show it."""

    def __init__(self, region: Region, max_frames: int, frames_before: int) -> None:
        self.region = region
        self.followed = False
        self.area = 0.0
        self.frames_followed = 0
        self.qualities: list[ImageQuality] = []
        self.eyes = EyePictures()
        # Untouched pages of an empty array take no memory yet.
        self.landmarks = np.empty((max_frames, LANDMARK_COUNT, 2), dtype=np.float32)
        self.landmarks[:frames_before] = np.nan
        turned_count = -(-max_frames // TURN_INTERVAL_FRAMES)
        self.turned = np.full((turned_count, LANDMARK_COUNT, 2), np.nan, dtype=np.float32)


class FaceFollower:
    """Follows up to `MAX_FACES` faces of a recording and keeps each one's landmarks apart.

    The face that fills most of the picture over all frames is the recording's. Which one that is
    is known at the end; the others are followed as long as they could become it.

    Parameters
    ----------
    finder : FaceFinder
        The models.
    max_frames : int
        Most frames that will be added; bounds the memory, 0.3 kB each and face.
    step : int
        Every how many source frames one is added.
    keep_eyes : bool, optional
        Whether to keep pictures of the eyes, see `tracker.face.eye_pictures`.
    """

    def __init__(
        self, finder: FaceFinder, max_frames: int, step: int, keep_eyes: bool = False
    ) -> None:
        self._finder = finder
        self._max_frames = max_frames
        self._keep_eyes = keep_eyes
        self._scan_interval = max(1, round(SCAN_INTERVAL_FRAMES / step))
        self._quality_interval = max(1, round(QUALITY_INTERVAL_FRAMES / step))
        self._faces: list[_Face] = []
        self._frames = 0
        self._frames_unscanned = 0

    def add(self, image: ImageLike) -> None:
        """Find the faces of the next frame.

        Parameters
        ----------
        image : ndarray or LazyImage, shape (height, width, 3), uint8
            Blue-green-red.
        """
        self._frames_unscanned += 1
        for face in self._faces:
            face.landmarks[self._frames] = np.nan
            if face.followed:
                self._follow(face, image)
        self._drop_doubles()
        lost = not any(face.followed for face in self._faces)
        if lost or self._frames_unscanned == self._scan_interval:
            self._scan(image)
        self._frames += 1

    def result(self) -> FollowedFace:
        """Return the recording's face: the one with the largest area summed over the frames."""
        # What the detector took for a face and FaceMesh did not has no area.
        ranked = sorted(
            (face for face in self._faces if face.area > 0),
            key=lambda face: face.area,
            reverse=True,
        )
        if not ranked:
            nothing = np.full((self._frames, LANDMARK_COUNT, 2), np.nan, dtype=np.float32)
            none = np.empty(0, np.int64)
            return FollowedFace(nothing, none, nothing[:0], none, 0.0, ImageQuality(), {})
        main = ranked[0]
        looks = np.flatnonzero(np.isfinite(main.turned[:, 0, 0])).astype(np.int64)
        return FollowedFace(
            landmarks=main.landmarks[: self._frames],
            second_pass_sample=TURN_INTERVAL_FRAMES * looks,
            second_pass_landmarks=main.turned[looks],
            second_pass_turn=looks % len(TURNS_DEG),
            other_face_ratio=(ranked[1].area if len(ranked) > 1 else 0.0) / main.area,
            image_quality=median_quality(main.qualities),
            eye_pictures=main.eyes.jpegs,
        )

    def _follow(self, face: _Face, image: ImageLike) -> None:
        points = self._finder.find_landmarks(image, face.region)
        face.followed = points is not None
        if points is not None:
            face.landmarks[self._frames] = points[_COLUMNS]
            self._add_second_pass(face, image)
            face.region = region_of(points)
            face.area += face.region.side_px**2
            if face.frames_followed % self._quality_interval == 0:
                face.qualities.append(measure_image(image, points))
            face.frames_followed += 1
            if self._keep_eyes:
                face.eyes.add(self._frames, image, points)

    def _add_second_pass(self, face: _Face, image: ImageLike) -> None:
        """Find the landmarks of this frame's face once more in a turned region, in some frames."""
        place, rest = divmod(self._frames, TURN_INTERVAL_FRAMES)
        if rest:
            return
        turn_rad = np.radians(TURNS_DEG[place % len(TURNS_DEG)])
        region = replace(face.region, rotation_rad=face.region.rotation_rad + turn_rad)
        points = self._finder.find_landmarks(image, region)
        if points is not None:
            face.turned[place] = points[_COLUMNS]

    def _drop_doubles(self) -> None:
        """Stop following a face where another one, with the larger sum, is followed already."""
        followed = [face for face in self._faces if face.followed]
        followed.sort(key=lambda face: face.area, reverse=True)
        for place, face in enumerate(followed):
            if any(_overlap(face.region, other.region) for other in followed[:place]):
                face.followed = False
                face.landmarks[self._frames] = np.nan
                face.eyes.drop(self._frames)
                if self._frames % TURN_INTERVAL_FRAMES == 0:
                    face.turned[self._frames // TURN_INTERVAL_FRAMES] = np.nan

    def _scan(self, image: ImageLike) -> None:
        """Look for newcomers in the whole picture; follow the large ones, weigh the others."""
        unscanned, self._frames_unscanned = self._frames_unscanned, 0
        seen = [face for face in self._faces if face.followed]
        newly_seen = []
        for region in self._finder.detect(image):
            if any(_overlap(region, face.region) for face in seen):
                continue
            face = self._claim(region, seen)
            if face is not None:
                face.region = region
                seen.append(face)
                newly_seen.append(face)
        largest = max((face.region.side_px for face in seen), default=0.0)
        for face in newly_seen:
            if face.region.side_px**2 >= MIN_AREA_SHARE * largest**2:
                self._follow(face, image)
            else:
                face.area += face.region.side_px**2 * unscanned
        self._drop_doubles()

    def _claim(self, region: Region, seen: list[_Face]) -> _Face | None:
        """Return the person in a region where none of those seen so far is; None if too many."""
        absent = [
            face
            for face in self._faces
            if face not in seen
            and 1 / MAX_SIZE_CHANGE <= region.side_px / face.region.side_px <= MAX_SIZE_CHANGE
        ]
        # Who appears elsewhere may be somebody else: never two people in one track.
        nearby = [face for face in absent if _distance(face.region, region) < face.region.side_px]
        if nearby:
            return min(nearby, key=lambda face: _distance(face.region, region))
        if len(self._faces) == MAX_FACES:
            return None
        face = _Face(region, self._max_frames, self._frames + 1)
        self._faces.append(face)
        return face


def _distance(a: Region, b: Region) -> float:
    return float(np.hypot(a.centre_x - b.centre_x, a.centre_y - b.centre_y))


def _overlap(a: Region, b: Region) -> bool:
    """Whether two regions, each `REGION_SCALE` times its face, are of one face."""
    return _distance(a, b) < 0.3 * max(a.side_px, b.side_px)
