"""Tracks made from the numbers they are meant to show, without a face."""

import numpy as np
from numpy.typing import ArrayLike

from kernels import FACE_MESH_INDICES, LANDMARK_COUNT
from tracker.decode import VideoInfo
from tracker.picture import PictureQuality
from tracker.track import Track, TrackInfo

COLUMN = {index: column for column, index in enumerate(FACE_MESH_INDICES)}
EYE_WIDTH_PX = 60.0
IRIS_WIDTH_PX = 24.0
GOOD_PICTURE = PictureQuality(
    sharpness=0.5, eye_contrast=20.0, noise_std=1.0, face_grey=110.0, clipped_share=0.01
)


def make_landmarks(ear: ArrayLike, vertical: ArrayLike, horizontal: ArrayLike = 0) -> np.ndarray:
    """Draw both eyes of an upright face with these EARs and gaze offsets.

    Arguments are shape (N,) or (N, 2), left eye first.
    """
    ears, verticals, horizontals = np.broadcast_arrays(
        *(
            np.asarray(a, float) if np.ndim(a) == 2 else np.reshape(a, (-1, 1))
            for a in (ear, vertical, horizontal)
        ),
        np.zeros((1, 2)),
    )[:3]
    points = np.zeros((len(ears), LANDMARK_COUNT, 2))
    # Image left to right: the right eye's outer and inner canthus, the left eye's inner and outer.
    for eye, (first, second, centre_x) in enumerate(((362, 263, 400.0), (33, 133, 240.0))):
        uppers, lowers = (((385, 387, 386), (380, 373, 374)), ((160, 158, 159), (144, 153, 145)))[
            eye
        ]
        iris = (473, 468)[eye]
        points[:, COLUMN[first]] = (centre_x - EYE_WIDTH_PX / 2, 200)
        points[:, COLUMN[second]] = (centre_x + EYE_WIDTH_PX / 2, 200)
        half_gap_px = ears[:, eye] * EYE_WIDTH_PX / 2
        for place, (upper, lower) in enumerate(zip(uppers, lowers, strict=True)):
            x = centre_x + (-10, 10, 0)[place]
            points[:, COLUMN[upper]] = np.column_stack((np.full(len(ears), x), 200 - half_gap_px))
            points[:, COLUMN[lower]] = np.column_stack((np.full(len(ears), x), 200 + half_gap_px))
        centre = np.column_stack(
            (
                centre_x + horizontals[:, eye] * EYE_WIDTH_PX,
                200 + verticals[:, eye] * EYE_WIDTH_PX,
            )
        )
        points[:, COLUMN[iris]] = centre
        for ring, shift in enumerate(((1, 0), (0, -1), (-1, 0), (0, 1)), start=iris + 1):
            points[:, COLUMN[ring]] = centre + np.array(shift) * IRIS_WIDTH_PX / 2
    points[:, COLUMN[1]] = (320, 250)  # the nose tip in the middle: no yaw
    return points.astype(np.float32)


def make_track(landmarks: np.ndarray, fps: float = 30, **info: object) -> Track:
    """Return a track of these landmarks at a regular rate."""
    count = len(landmarks)
    defaults: dict[str, object] = {
        "video": VideoInfo(640, 480, fps, count),
        "step": 1,
        "frames_decoded": count,
        "frames_failed": 0,
        "time_source": "stream",
        "complete": True,
        "other_face_ratio": 0.0,
        "picture": GOOD_PICTURE,
    }
    return Track(
        np.arange(count, dtype=np.int64),
        np.arange(count) / fps,
        landmarks,
        TrackInfo(**(defaults | info)),  # type: ignore[arg-type]
    )


def blink(ear: np.ndarray, start: int, frames: int, level: float = 0.06) -> None:
    """Close the eyes for some frames."""
    ear[start : start + frames] = level
