"""Keep all faces that were seen in a part of a recording, and follow them later without the video.

A long recording is divided among workers. Which face is the recorded person's, and who comes back,
depends on all that came before. Each worker therefore keeps everything that it saw. The parts of
the recording are then followed anew, in their order and by the same rules as in one run, but
without any picture. A *look* is one attempt to find a face in one region of a frame (`Look`).
"""

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels import LANDMARK_COUNT
from tracker.face.eye_pictures import EyePictures
from tracker.face.follow import TURNS_DEG, FaceFinder, FaceFollower, Look
from tracker.face.picture_gaze import HEIGHT_PX, WIDTH_PX, SmallPicture
from tracker.face.quality import ImageQuality
from tracker.face.region import Region
from tracker.video.frames import ImageLike

MAX_ASIDE = 0.3
"""Two regions show the same face if their centres are closer than this share of the side."""
MAX_TURN_RAD = math.radians(min(abs(turn) for turn in TURNS_DEG)) / 2
"""Regions that differ more in their turn are those of different passes over a frame."""

_REGION = tuple(field.name for field in fields(Region))
_QUALITY = tuple(field.name for field in fields(ImageQuality))


@dataclass(frozen=True, slots=True)
class Looks:
    """All faces that were seen in N successive analysed frames of a recording.

    A frame is given as an index of these N frames, and all frames below are in ascending order. A
    region is given by the four values of a `Region`: centre x, centre y and side in pixels, and the
    turn in radians. A look is one attempt to find a face in one region of a frame; those that found
    one are kept, in the order in which they were made. A frame has a look for each face, and, in
    some frames, a second look for the same face in a turned region (second pass), which only
    `asked` tells from the first; the first gives the face's landmarks. Which face a look is of,
    `RecallingFollower` decides from where the regions are.

    Attributes
    ----------
    begun : ndarray, shape (B,), int64
        First frame of each block (see `tracker.face.blocks`) but the recording's first block.
    begun_frame : ndarray, shape (S,), int64
        For each face with which a block begins, the block's first frame: one of `begun`.
    begun_region : ndarray, shape (S, 4), float64
        Region in which that face is looked for in that frame.
    detected_frame : ndarray, shape (D,), int64
        Frame of each face that a search of the whole image found.
    detected_region : ndarray, shape (D, 4), float64
        Region of that face.
    frame : ndarray, shape (L,), int64
        Frame of each look that found a face.
    asked, region : ndarray, shape (L, 4), float64
        `asked`: the region in which the face was looked for and found. `region`: the one in which
        it is looked for in the next frame.
    landmarks : ndarray, shape (L, K, 2), float32
        Landmarks that the look found, in pixels of the whole frame; K = 40.
    measured : ndarray, shape (L,), bool
        Whether the look's image quality was measured.
    quality : ndarray, shape (L, 5), float64
        The values of an `ImageQuality`, in its order; NaN where nothing was measured.
    pictured : ndarray, shape (P,), int64
        Looks of which a picture was taken, as indices of the L looks, strictly increasing.
    pictures : ndarray, shape (P, 56, 84), uint8
        These small pictures of both eyes, in grey: see `SmallPicture`.
    iris_columns : ndarray, shape (P, 2), float64
        Column of the middle of the left and of the right iris in them, in their pixels.
    eyes : tuple of bytes, length L
        For each look, a JPEG of the eyes; empty where none was kept.
    """

    begun: NDArray[np.int64]
    begun_frame: NDArray[np.int64]
    begun_region: NDArray[np.float64]
    detected_frame: NDArray[np.int64]
    detected_region: NDArray[np.float64]
    frame: NDArray[np.int64]
    asked: NDArray[np.float64]
    region: NDArray[np.float64]
    landmarks: NDArray[np.float32]
    measured: NDArray[np.bool_]
    quality: NDArray[np.float64]
    pictured: NDArray[np.int64]
    pictures: NDArray[np.uint8]
    iris_columns: NDArray[np.float64]
    eyes: tuple[bytes, ...]


class RecordingFollower(FaceFollower):
    """Follows faces as `FaceFollower` does, and keeps what was found of all of them.

    It is for one part of a recording: `looks` returns what a `RecallingFollower` needs to follow
    the faces through that part again, without its pictures.

    Parameters
    ----------
    finder : FaceFinder
        Finds faces and their landmarks in a frame.
    max_frames : int
        Most frames that will be added.
    step : int
        Every `step`-th source frame is added.
    keep_eyes : bool, default False
        Whether to keep pictures of the eyes for a report.
    """

    def __init__(
        self, finder: FaceFinder, max_frames: int, step: int, keep_eyes: bool = False
    ) -> None:
        super().__init__(finder, max_frames, step, keep_eyes)
        self._begun: list[tuple[int, list[Region]]] = []
        self._detected: list[tuple[int, Region]] = []
        self._looked: list[tuple[int, Region, Look]] = []

    def begin_anew(self, regions: list[Region]) -> None:
        super().begin_anew(regions)
        self._begun.append((self._frames, regions))

    def detect(self, image: ImageLike) -> list[Region]:
        regions = super().detect(image)
        self._detected += [(self._frames, region) for region in regions]
        return regions

    def look(self, image: ImageLike, region: Region) -> Look | None:
        look = super().look(image, region)
        if look is not None:
            self._looked.append((self._frames, region, look))
        return look

    def add(self, image: ImageLike, ordinal: int | None = None) -> None:
        before = len(self._looked)
        super().add(image, ordinal)
        for _, _, look in self._looked[before:]:
            look.release()

    def looks(self) -> Looks:
        """Return all faces that were found in the frames added so far."""
        begun = [(frame, region) for frame, regions in self._begun for region in regions]
        seen = [look for _, _, look in self._looked]
        pictures = {n: look.picture for n, look in enumerate(seen) if look.picture is not None}
        return Looks(
            begun=np.array([frame for frame, _ in self._begun], np.int64),
            begun_frame=np.array([frame for frame, _ in begun], np.int64),
            begun_region=_as_rows([one for _, one in begun], _REGION),
            detected_frame=np.array([frame for frame, _ in self._detected], np.int64),
            detected_region=_as_rows([one for _, one in self._detected], _REGION),
            frame=np.array([frame for frame, _, _ in self._looked], np.int64),
            asked=_as_rows([asked for _, asked, _ in self._looked], _REGION),
            region=_as_rows([look.region for look in seen], _REGION),
            landmarks=np.array([look.landmarks for look in seen], np.float32).reshape(
                -1, LANDMARK_COUNT, 2
            ),
            measured=np.array([look.quality is not None for look in seen], np.bool_),
            quality=_as_rows([look.quality or ImageQuality() for look in seen], _QUALITY),
            pictured=np.array(list(pictures), np.int64),
            pictures=np.array([one.grey for one in pictures.values()], np.uint8).reshape(
                -1, HEIGHT_PX, WIDTH_PX
            ),
            iris_columns=np.array(
                [one.iris_columns for one in pictures.values()], np.float64
            ).reshape(-1, 2),
            eyes=tuple(look.eyes or b"" for look in seen),
        )


class _Recalled(Look):
    """A look that was kept in `Looks`, with what was read from its picture at that time.

    `n` is its index among the looks. Its methods return what was kept, because the picture is gone.
    """

    def __init__(self, looks: Looks, n: int) -> None:
        self.landmarks = looks.landmarks[n]
        self.region = Region(*looks.region[n].tolist())
        self.quality = ImageQuality(*looks.quality[n].tolist()) if looks.measured[n] else None
        self.picture = None
        place = int(np.searchsorted(looks.pictured, n))
        if place < looks.pictured.size and looks.pictured[place] == n:
            left, right = looks.iris_columns[place].tolist()
            self.picture = SmallPicture(looks.pictures[place], (left, right))
        self.eyes = looks.eyes[n] or None

    def measure(self) -> ImageQuality | None:
        return self.quality

    def take_picture(self) -> SmallPicture | None:
        return self.picture

    def keep_eyes(self, pictures: EyePictures, sample: int) -> None:
        if self.eyes:
            pictures.keep(sample, self.eyes)


class RecallingFollower(FaceFollower):
    """Follows faces through what was seen in the parts of a recording, without any picture.

    Call `follow` for each part, then `result`. It returns the same as that of a `FaceFollower` that
    sees the whole recording.

    Parameters
    ----------
    max_frames : int
        Number of analysed frames that were decoded, in all parts together.
    step : int
        Every `step`-th source frame was analysed.
    keep_eyes : bool, default False
        Whether to keep the pictures of the eyes that the parts hold, for a report.
    """

    def __init__(self, max_frames: int, step: int, keep_eyes: bool = False) -> None:
        super().__init__(_Blind(), max_frames, step, keep_eyes)

    def follow(self, looks: Looks, ordinals: NDArray[np.int64]) -> None:
        """Follow the faces through the next part.

        Parameters
        ----------
        looks : Looks
            What was seen in the N frames of the part. Give the parts in the recording's order.
        ordinals : ndarray, shape (N,), int64
            Number of each of these frames among the analysed frames of the whole recording, from 0.
            Frames that could not be decoded are counted, too, but are not among the N.
        """
        count = np.arange(ordinals.size + 1)
        self._looks = looks
        begun = set(looks.begun.tolist())
        found = np.searchsorted(looks.begun_frame, count).tolist()
        detected = np.searchsorted(looks.detected_frame, count).tolist()
        looked = np.searchsorted(looks.frame, count).tolist()
        for n, ordinal in enumerate(ordinals.tolist()):
            if n in begun:
                self.begin_anew(_as_regions(looks.begun_region[found[n] : found[n + 1]]))
            self._detected = slice(detected[n], detected[n + 1])
            self._looked = range(looked[n], looked[n + 1])
            self.add(_NO_IMAGE, ordinal)

    def detect(self, image: ImageLike) -> list[Region]:
        return _as_regions(self._looks.detected_region[self._detected])

    def look(self, image: ImageLike, region: Region) -> Look | None:
        nearest, least = None, math.inf
        for n in self._looked:
            asked = Region(*self._looks.asked[n].tolist())
            turn_rad = abs(math.remainder(asked.rotation_rad - region.rotation_rad, math.tau))
            aside = math.hypot(asked.centre_x - region.centre_x, asked.centre_y - region.centre_y)
            limit = MAX_ASIDE * max(asked.side_px, region.side_px)
            if turn_rad <= MAX_TURN_RAD and aside < min(least, limit):
                nearest, least = n, aside
        return None if nearest is None else _Recalled(self._looks, nearest)


class _Blind:
    """Stands in for the models where there is no picture; it finds no face."""

    def detect(self, image: ImageLike) -> list[Region]:
        return []

    def find_landmarks(self, image: ImageLike, region: Region) -> None:
        return None


_NO_IMAGE = np.empty((0, 0, 3), np.uint8)


def _as_rows(objects: list[Any], names: tuple[str, ...]) -> NDArray[np.float64]:
    rows = [[getattr(one, name) for name in names] for one in objects]
    return np.array(rows, np.float64).reshape(-1, len(names))


def _as_regions(rows: NDArray[np.float64]) -> list[Region]:
    return [Region(*row) for row in rows.tolist()]
