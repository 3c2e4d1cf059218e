"""Follow the faces of a recording from frame to frame, and choose the recorded person's."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kernels import FACE_MESH_INDICES, LANDMARK_COUNT
from tracker.face.eye_pictures import EyePictures
from tracker.face.picture_gaze import PictureGaze, SmallPicture, cut_picture
from tracker.face.quality import ImageQuality, measure_image, median_quality
from tracker.face.region import Region, region_of
from tracker.video.frames import ImageLike

SCAN_INTERVAL_FRAMES = 30
"""Source frames between searches of the whole image while a face is followed.

Frames are counted, not seconds, because the times of a damaged file may stand still.
"""
QUALITY_INTERVAL_FRAMES = 30
"""Source frames between measurements of the image quality of a followed face."""
PICTURE_INTERVAL_FRAMES = 10
"""Source frames between pictures of a followed face in which the irises are measured."""
SECOND_PASS_INTERVAL_FRAMES = 10
"""Analysed frames between second passes, at the beginning."""
SECOND_PASS_STRETCH, SECOND_PASSES_PER_INTERVAL = 3, 80
"""By what factor the interval between second passes grows, and after how many that found the face.

The factor is odd, so that all `TURNS_DEG` still come in turn. A second pass takes as long as a
first one. The gain (`kernels.compute_framing_gain`) counts at most 40 of them as independent, and
uses none that falls into a blink or a turn of the head. In the first 26 s at 30 frames a second, in
which the task ends, the interval does not grow. In simulated longer recordings, the growth changes
the gain by less than half of its own uncertainty (docs/accuracy.md). If the interval grew after 40
of them, most would fall into the first half of the task: in a recording of 24 s, the gain's
uncertainty grew by 40 %.
"""
TURNS_DEG = (-6.0, 2.0, -2.0, 6.0)
"""Turns of the region in successive second passes.

How far FaceMesh follows vertical gaze depends on how the region frames the face. It varies by 7 %
(one standard deviation), even with a turn of one degree, and stays the same while the head is
still. The gaze is therefore also measured in these framings, and the results are compared.
"""
MAX_FACES = 4
"""Most people that are followed in one frame, and kept; each needs memory for landmarks."""
MIN_AREA_SHARE = 0.25
"""A face below this share of the largest one's area is counted, but not followed."""
MAX_SIZE_CHANGE = 2.0
"""A face that comes back may differ in size by this factor; otherwise it is somebody else."""

_COLUMNS = np.array(FACE_MESH_INDICES)


class FaceFinder(Protocol):
    """What `FaceFollower` finds faces with: `tracker.face.mesh.FaceMesh`, or a stand-in for it.

    `detect` searches a whole frame, blue-green-red, and returns the regions of the faces, the most
    certain first. `find_landmarks` returns the landmarks of the face in one region, (478, 2) in
    pixels of the frame; None if no face is there.
    """

    def detect(self, image: ImageLike) -> list[Region]: ...

    def find_landmarks(self, image: ImageLike, region: Region) -> NDArray[np.float32] | None: ...


def compute_second_pass_interval(found: int) -> int:
    """Return the analysed frames from one second pass to the next: 10, later 30, 90 and so on.

    In a second pass, the landmarks of a frame are found again in a turned region, to see how
    closely they follow the gaze. It takes time, so it is made less often as the recording goes on.
    `found` is how many second passes have found the face so far; the interval grows after every
    `SECOND_PASSES_PER_INTERVAL` of them.
    """
    stretch: int = SECOND_PASS_STRETCH ** (found // SECOND_PASSES_PER_INTERVAL)
    return SECOND_PASS_INTERVAL_FRAMES * stretch


def choose_second_passes(found: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return in which frames of a recording `FaceFollower` makes and keeps a second pass.

    In a second pass, the landmarks are found again in a turned region. The interval between them
    grows, always to a multiple of the earlier ones. A part of a recording, if followed alone,
    therefore has all second passes that the whole recording has there, and more.

    Parameters
    ----------
    found : ndarray, shape (N,), bool
        For each analysed frame of the recording, from its first one, whether a second pass would
        find the face there. It is assumed that every frame was decoded.

    Returns
    -------
    ndarray, shape (T,), int64
        The frames with a second pass that finds the face, as indices of the N, ascending.
    """
    chosen: list[int] = []
    for frame in range(0, found.size, SECOND_PASS_INTERVAL_FRAMES):
        if found[frame] and frame % compute_second_pass_interval(len(chosen)) == 0:
            chosen.append(frame)
    return np.array(chosen, np.int64)


@dataclass(frozen=True, slots=True)
class FollowedFace:
    """The face of the person who was recorded.

    Attributes
    ----------
    landmarks : ndarray, shape (N, K, 2), float32
        Landmarks in each analysed frame, in pixels of the whole upright frame, in the columns of
        `kernels.FACE_MESH_INDICES`; NaN where the face was not seen.
    second_pass_sample : ndarray, shape (T,), int64
        Frames in which the landmarks were found a second time, with the region of the face turned,
        to see how closely they follow the gaze; as indices of the N frames, ascending.
    second_pass_landmarks : ndarray, shape (T, K, 2), float32
        Landmarks of the second pass, in pixels like the others; none is NaN.
    second_pass_turn : ndarray, shape (T,), int64
        How far the region was turned: index of `TURNS_DEG`.
    picture_sample : ndarray, shape (S,), int64
        Frames in whose pictures the irises' heights were measured, not taken from landmarks
        (`tracker.face.picture_gaze`), as indices of the N.
    picture_heights : ndarray, shape (S, 2), float32
        Height of the left and the right iris in them, in canthal distances (from corner to corner
        of an eye), lower is positive; 0 is the height in this face's typical picture. NaN where not
        found.
    other_face_ratio : float
        Area of the next largest face divided by the area of this face, both summed over the frames;
        0 if there is no other face.
    image_quality : ImageQuality
        Median of each value over the frames in which it was measured: the first with the face, and
        one in `QUALITY_INTERVAL_FRAMES` source frames. NaN if none was measured.
    eye_pictures : dict of int to bytes
        JPEGs of the eyes, by index of the N frames; empty unless requested.
    """

    landmarks: NDArray[np.float32]
    second_pass_sample: NDArray[np.int64]
    second_pass_landmarks: NDArray[np.float32]
    second_pass_turn: NDArray[np.int64]
    picture_sample: NDArray[np.int64]
    picture_heights: NDArray[np.float32]
    other_face_ratio: float
    image_quality: ImageQuality
    eye_pictures: dict[int, bytes]


class Look:
    """What was found by looking for a face in one region of one frame: its landmarks.

    Its methods read more from the whole frame `image`, (height, width, 3), blue-green-red. They
    cannot be called after `release`, which lets it go. `points` (478, 2) are all landmarks of the
    face in pixels of `image`.

    Attributes
    ----------
    landmarks : ndarray, shape (K, 2), float32
        Pixels of `image`, in the columns of `kernels.FACE_MESH_INDICES`.
    region : Region
        Where to look for the face in the next frame.
    quality : ImageQuality or None
        None unless `measure` was called.
    picture : SmallPicture or None
        None unless `take_picture` was called and could cut one out.
    eyes : bytes or None
        JPEG of the eyes, if `keep_eyes` made one.
    """

    def __init__(self, image: ImageLike, points: NDArray[np.float32]) -> None:
        self._image, self._points = image, points
        self.landmarks = points[_COLUMNS]
        self.region = region_of(points)
        self.quality: ImageQuality | None = None
        self.picture: SmallPicture | None = None
        self.eyes: bytes | None = None

    def measure(self) -> ImageQuality | None:
        """Measure the image's quality; set and return `quality`; None only from `_Recalled`."""
        self.quality = measure_image(self._image, self._points)
        return self.quality

    def take_picture(self) -> SmallPicture | None:
        """Cut out the eyes and nose, to measure the irises; set and return `picture`, or None."""
        self.picture = cut_picture(self._image, self._points)
        return self.picture

    def keep_eyes(self, pictures: EyePictures, sample: int) -> None:
        """If a report may show frame `sample` (its index), keep a JPEG in `eyes` and `pictures`."""
        self.eyes = pictures.add(sample, self._image, self._points)

    def release(self) -> None:
        """Let the image and most of the face's points go; what was read from them stays."""
        del self._image, self._points


class _Face:
    """One person's face, and all that is kept of it.

    It is looked for next in `region`, if it is `followed`. `area` is its region's, in square
    pixels, summed over all frames with the face, and `recent_area` over those since the last
    `FaceFollower.begin_anew`. There is room for landmarks in `max_frames` frames; those of the
    first `frames_before` are set to NaN.
    """

    def __init__(self, region: Region, max_frames: int, frames_before: int) -> None:
        self.region = region
        self.followed = False
        self.area = self.recent_area = 0.0
        self.frames_followed = 0
        self.qualities: list[ImageQuality] = []
        self.eyes = EyePictures()
        self.picture_gaze = PictureGaze()
        # Pages of an empty array take no memory until they are written.
        self.landmarks = np.empty((max_frames, LANDMARK_COUNT, 2), dtype=np.float32)
        self.landmarks[:frames_before] = np.nan
        self.second_passes: dict[int, _SecondPass] = {}


@dataclass(frozen=True, slots=True)
class _SecondPass:
    """What was found in a frame with the region of the face turned.

    landmarks (K, 2) are in pixels; turn is the index of the region's turn in `TURNS_DEG`.
    """

    landmarks: NDArray[np.float32]
    turn: int


class FaceFollower:
    """Follows up to `MAX_FACES` faces of a recording, and keeps their landmarks apart.

    The face with the largest area, summed over all frames, is the recorded person's. This is only
    known at the end, so every large face is followed.

    Parameters
    ----------
    finder : FaceFinder
        Finds faces and their landmarks in a frame.
    max_frames : int
        Most frames that will be added. It bounds the memory: 0.3 kB for each frame and face.
    step : int
        Every `step`-th source frame is added. It only sets every how many frames the rare steps are
        made, such as a search of the whole frame.
    keep_eyes : bool, default False
        Whether to keep pictures of the eyes for a report.
    """

    def __init__(
        self, finder: FaceFinder, max_frames: int, step: int, keep_eyes: bool = False
    ) -> None:
        self._finder = finder
        self._max_frames = max_frames
        self._keep_eyes = keep_eyes
        self._scan_interval = max(1, round(SCAN_INTERVAL_FRAMES / step))
        self._quality_interval = max(1, round(QUALITY_INTERVAL_FRAMES / step))
        self._picture_interval = max(1, round(PICTURE_INTERVAL_FRAMES / step))
        self._faces: list[_Face] = []
        self._frames = 0
        self._frames_unscanned = 0
        self._ordinal = self._ordinal_before = -1

    def add(self, image: ImageLike, ordinal: int | None = None) -> None:
        """Find the faces of the next frame, and keep what is found.

        Parameters
        ----------
        image : ndarray or LazyImage, shape (height, width, 3), uint8
            The whole frame, blue-green-red.
        ordinal : int, optional
            Number of the frame among the analysed ones, 0 for the recording's first, in which
            frames that could not be decoded are counted. It decides in which frames the rare steps
            are made, such as a second pass. Default: one more than that of the frame before.
        """
        self._ordinal_before = self._ordinal
        self._ordinal = self._ordinal + 1 if ordinal is None else ordinal
        self._frames_unscanned += 1
        for face in self._faces:
            face.landmarks[self._frames] = np.nan
            if face.followed:
                self._follow(face, image)
        self._drop_doubles()
        lost = not any(face.followed for face in self._faces)
        if lost or self._is_due(self._scan_interval):
            self._scan(image)
        self._frames += 1

    def skip(self, ordinal: int) -> None:
        """Pass over frame `ordinal`, counted as in `add`: it gets no row in the result.

        The rare steps that were due in it are not made in a later frame instead.
        """
        self._ordinal = ordinal

    def begin_anew(self, regions: list[Region]) -> None:
        """Begin a block: from now on, follow the faces in these regions instead of those before.

        A region where a followed face is now is that person's. Other regions are of people who were
        lost nearby, or of new people. Landmarks and pictures of all people stay. A search of the
        whole frame, even of the next one, may add more faces.
        """
        before = [face for face in self._faces if face.followed]
        for face in self._faces:
            face.followed, face.recent_area = False, 0.0
            face.eyes.begin_anew()
        seen: list[_Face] = []
        for region in regions:
            same = [face for face in before if face not in seen and _overlap(face.region, region)]
            one = _nearest(same, region) if same else self._claim(region, seen)
            if one is not None:
                one.region, one.followed = region, True
                seen.append(one)

    @property
    def followed_regions(self) -> list[Region]:
        """Where each followed face is looked for in the next frame; empty if none is followed."""
        return [face.region for face in self._faces if face.followed]

    def result(self) -> FollowedFace:
        """Return the recorded person's face: the one with the largest area, summed over the frames.

        If no face was found at all, its landmarks are NaN in every frame.
        """
        # A face that only the detector saw, but never FaceMesh, has no area.
        ranked = sorted(
            (face for face in self._faces if face.area > 0),
            key=lambda face: face.area,
            reverse=True,
        )
        if not ranked:
            nothing = np.full((self._frames, LANDMARK_COUNT, 2), np.nan, dtype=np.float32)
            none = np.empty(0, np.int64)
            empty = np.empty((0, 2), np.float32)
            return FollowedFace(
                nothing, none, nothing[:0], none, none, empty, 0.0, ImageQuality(), {}
            )
        main = ranked[0]
        passes = main.second_passes
        picture_sample, picture_heights = main.picture_gaze.measure()
        return FollowedFace(
            landmarks=main.landmarks[: self._frames],
            second_pass_sample=np.array(list(passes), np.int64),
            second_pass_landmarks=np.array(
                [one.landmarks for one in passes.values()], np.float32
            ).reshape(-1, LANDMARK_COUNT, 2),
            second_pass_turn=np.array([one.turn for one in passes.values()], np.int64),
            picture_sample=picture_sample,
            picture_heights=picture_heights,
            other_face_ratio=(ranked[1].area if len(ranked) > 1 else 0.0) / main.area,
            image_quality=median_quality(main.qualities),
            eye_pictures=main.eyes.jpegs,
        )

    def detect(self, image: ImageLike) -> list[Region]:
        """Search a whole frame for faces; return their regions, the most certain first."""
        return self._finder.detect(image)

    def look(self, image: ImageLike, region: Region) -> Look | None:
        """Find the landmarks of the face in a region of a frame; None if there is no face.

        The region is where the face was before, or where `detect` found it. It need not be exact.
        """
        points = self._finder.find_landmarks(image, region)
        return None if points is None else Look(image, points)

    def _is_due(self, interval: int) -> bool:
        """Return whether to do in this frame what is done in every `interval`-th analysed frame.

        It is done in frames 0, `interval`, 2 `interval` and so on. If such a frame could not be
        decoded, the next frame that was takes its place.
        """
        return self._ordinal // interval != self._ordinal_before // interval

    def _follow(self, face: _Face, image: ImageLike) -> None:
        look = self.look(image, face.region)
        face.followed = look is not None
        if look is not None:
            face.landmarks[self._frames] = look.landmarks
            self._add_second_pass(face, image)
            if self._is_due(self._picture_interval):
                picture = look.take_picture()
                if picture is not None:
                    face.picture_gaze.add(self._frames, picture)
            face.region = look.region
            face.area += face.region.side_px**2
            face.recent_area += face.region.side_px**2
            if face.frames_followed == 0 or self._is_due(self._quality_interval):
                quality = look.measure()
                if quality is not None:
                    face.qualities.append(quality)
            face.frames_followed += 1
            if self._keep_eyes:
                look.keep_eyes(face.eyes, self._frames)

    def _add_second_pass(self, face: _Face, image: ImageLike) -> None:
        """If a second pass is due in this frame, find the face's landmarks again, and keep them.

        The region is turned for it, each time by another one of the angles in `TURNS_DEG`.
        """
        if not self._is_due(compute_second_pass_interval(len(face.second_passes))):
            return
        turn = self._ordinal // SECOND_PASS_INTERVAL_FRAMES % len(TURNS_DEG)
        turn_rad = np.radians(TURNS_DEG[turn])
        region = replace(face.region, rotation_rad=face.region.rotation_rad + turn_rad)
        look = self.look(image, region)
        if look is not None:
            face.second_passes[self._frames] = _SecondPass(look.landmarks, turn)

    def _drop_doubles(self) -> None:
        """If two followed faces are in one place, stop following the one with less `recent_area`.

        They had come to follow one face. The stopped one's landmarks and pictures of this frame
        are removed.
        """
        followed = [face for face in self._faces if face.followed]
        followed.sort(key=lambda face: face.recent_area, reverse=True)
        for rank, face in enumerate(followed):
            if any(_overlap(face.region, other.region) for other in followed[:rank]):
                face.followed = False
                face.landmarks[self._frames] = np.nan
                face.eyes.drop(self._frames)
                face.second_passes.pop(self._frames, None)
                face.picture_gaze.drop(self._frames)

    def _scan(self, image: ImageLike) -> None:
        """Search the whole image for faces that are not followed, and follow those large enough.

        Those below `MIN_AREA_SHARE` of the area of this frame's largest face are not followed.
        Their area is summed up, as if they had been seen in all frames since the last search.
        """
        unscanned, self._frames_unscanned = self._frames_unscanned, 0
        seen = [face for face in self._faces if face.followed]
        newly_seen = []
        for region in self.detect(image):
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
        """Return the person to whom a newly found face belongs; `region` is where it is.

        This is a person who was lost nearby, with a face of about that size, or else a new one, who
        is added. Nobody in `seen` is returned: their faces were found elsewhere in this frame. If
        there are `MAX_FACES` people already, the absent one with the least area is forgotten for
        the new one; if nobody is absent, None is returned.
        """
        absent = [
            face
            for face in self._faces
            if face not in seen
            and 1 / MAX_SIZE_CHANGE <= region.side_px / face.region.side_px <= MAX_SIZE_CHANGE
        ]
        # A face that appears elsewhere may be somebody else, and a track must show one person.
        nearby = [face for face in absent if _distance(face.region, region) < face.region.side_px]
        if nearby:
            return _nearest(nearby, region)
        if len(self._faces) == MAX_FACES:
            others = [one for one in self._faces if one not in seen and not one.followed]
            if not others:
                return None
            self._faces.remove(min(others, key=lambda one: one.area))
        face = _Face(region, self._max_frames, self._frames + 1)
        self._faces.append(face)
        return face


class RunInFollower(FaceFollower):
    """Follows faces only to find out where they are when a block of frames begins.

    It leaves out the second passes, which take time and which nobody would use.
    """

    def _add_second_pass(self, face: _Face, image: ImageLike) -> None:
        pass


def _distance(a: Region, b: Region) -> float:
    return float(np.hypot(a.centre_x - b.centre_x, a.centre_y - b.centre_y))


def _nearest(faces: list[_Face], region: Region) -> _Face:
    return min(faces, key=lambda face: _distance(face.region, region))


def _overlap(a: Region, b: Region) -> bool:
    """Return whether two regions show one face: centres under 0.3 of the larger side apart."""
    return _distance(a, b) < 0.3 * max(a.side_px, b.side_px)
