"""Tracks made from the numbers they are meant to show, without a face."""

import numpy as np
from numpy.typing import ArrayLike

from kernels import FACE_MESH_INDICES, LANDMARK_COUNT
from kernels.pose import RIGID_POINTS
from tracker.face.quality import ImageQuality
from tracker.tracks.track import Track, TrackInfo
from tracker.video.frames import VideoInfo

COLUMN = {index: column for column, index in enumerate(FACE_MESH_INDICES)}
EYE_WIDTH_PX = 60.0
IRIS_WIDTH_PX = 24.0
OUTER_CANTHI_PX = 220.0
RADIUS_PER_EYE_WIDTH = 1 / 3
"""10 mm from the centre of rotation to the iris, 30 mm from canthus to canthus."""
LIDS = (385, 387, 386, 160, 158, 159, 380, 373, 374, 144, 153, 145)
CANTHI = {362, 263, 33, 133}
GOOD_IMAGE = ImageQuality(
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
        for index, (upper, lower) in enumerate(zip(uppers, lowers, strict=True)):
            x = centre_x + (-10, 10, 0)[index]
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
    for index in RIGID_POINTS.keys() - CANTHI:
        x, y, _ = RIGID_POINTS[index]
        points[:, COLUMN[index]] = (320 + x * OUTER_CANTHI_PX, 200 + y * OUTER_CANTHI_PX)
    return points.astype(np.float32)


def make_looking(
    deg: np.ndarray, lid_share: float = 1.0, closed: ArrayLike = 0.0, noise: float = 0.006
) -> np.ndarray:
    """Draw eyes that look down by some degrees (N,), with lids as anatomy has them.

    The upper lid goes down with the iris, by `lid_share` of its way. The lid opening of 0.3 narrows
    by 0.34 at 40 degrees down, and widens as much up. A blink closes it by the share `closed`.
    """
    rng = np.random.default_rng(4)
    gaze = RADIUS_PER_EYE_WIDTH * np.sin(np.radians(deg))
    fissure = 0.3 * (1 - 0.34 * deg / 40)
    ear = fissure * (1 - np.asarray(closed)) * (1 + rng.normal(0, noise, deg.size))
    landmarks = make_landmarks(ear, gaze + rng.normal(0, 0.001, deg.size))
    # The lids of a blink meet at the lower one.
    middle = -0.15 + lid_share * gaze + (1 + np.asarray(closed)) * fissure / 2
    lids = [COLUMN[point] for point in LIDS]
    landmarks[:, lids, 1] += (middle * EYE_WIDTH_PX)[:, np.newaxis].astype(np.float32)
    return landmarks


def turn_head(
    landmarks: np.ndarray, yaw_deg: ArrayLike = 0, pitch_deg: ArrayLike = 0
) -> np.ndarray:
    """Turn the head of `make_landmarks` to the subject's left and nod it down, seen from far away.

    The angles are shape (N,) or single. The eyes, all at one depth, do not turn in the head.
    """
    yaw, pitch = (np.reshape(np.radians(angle), (-1, 1)) for angle in (yaw_deg, pitch_deg))
    depth = np.zeros(LANDMARK_COUNT)
    for index in RIGID_POINTS.keys() - CANTHI:
        depth[COLUMN[index]] = RIGID_POINTS[index][2] * OUTER_CANTHI_PX
    x, y = landmarks[:, :, 0] - 320.0, landmarks[:, :, 1] - 200.0
    down, ahead = (
        y * np.cos(pitch) - depth * np.sin(pitch),
        y * np.sin(pitch) + depth * np.cos(pitch),
    )
    turned = np.stack((320 + x * np.cos(yaw) - ahead * np.sin(yaw), 200 + down), axis=2)
    return turned.astype(np.float32)


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
        "image_quality": GOOD_IMAGE,
    }
    return Track(
        np.arange(count, dtype=np.int64),
        np.arange(count) / fps,
        landmarks,
        np.empty(0, dtype=np.int64),
        landmarks[:0],
        np.empty(0, dtype=np.int64),
        TrackInfo(**(defaults | info)),  # type: ignore[arg-type]
    )


def blink(ear: np.ndarray, start: int, frames: int, level: float = 0.06) -> None:
    """Close the eyes for some frames."""
    ear[start : start + frames] = level
