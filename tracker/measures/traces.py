"""Traces: the signals of a track, before any threshold is applied."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import (
    LEFT,
    RIGHT,
    EyeGeometry,
    HeadPose,
    compute_eye_geometry,
    compute_head_pose,
    compute_lid_noise,
    compute_open_level,
    compute_typical_opening,
    compute_valid_time_s,
)
from kernels.measures import median_finite
from kernels.opening import MAX_GAP_S
from tracker.measures.gaze import GazeTraces, prepare_gaze
from tracker.parameters import NOMINAL_EAR
from tracker.tracks.track import Track

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MIN_TYPICAL_EAR = 0.6 * NOMINAL_EAR
"""Below this typical opening the eyes are mostly shut, so the baseline cannot be trusted."""
MIN_COVERAGE_FOR_BASELINE = 0.5
"""Share of the recording's time with a face below which the baseline cannot be trusted."""


@dataclass(frozen=True, slots=True)
class Traces:
    """The signals of a track before any threshold is applied.

    Analyses of one track with different thresholds share them.

    Attributes
    ----------
    track : Track
        The track itself, N frames.
    landmarks : ndarray, shape (N, K, 2), float32
        The track's landmarks in pixels, K = 40; NaN in frames without a face, and in those that a
        person calls unusable.
    geometry : EyeGeometry
        Lid opening and gaze offset of each eye in each frame.
    head : HeadPose
        Direction of the head in each frame.
    seen : ndarray, shape (N,), bool
        Frames with a face. Where it is False, the other signals are NaN, but for `level`.
    ear : ndarray, shape (N,), float64
        Eye aspect ratio (EAR): how far the eyes are open; mean of both eyes.
    ear_share : ndarray, shape (2, N), float64
        EAR of the left and the right eye, each divided by the mean of both.
    typical_ear : float
        The recording's typical open-eye EAR: a high quantile of `ear`.
    level : ndarray, shape (N,), float64
        EAR from which the lids fall in a blink, around each frame: the person's own if
        `baseline_trusted`, else `NOMINAL_EAR`.
    lid_noise : float
        Standard deviation of the lid opening while the eyes are open, as a share of `level`.
    baseline_trusted : bool
        False if the face, or open eyes, were not seen for long enough to know the person's level.
    gaze : GazeTraces
        The signals that the gaze is measured from.
    duration_s, fps, valid_time_s : float
        Length of the recording, frames per second in the video, time with a face.
    interval_s : float
        Median time between analysed frames; NaN for fewer than two.
    canthal_distance_px, iris_diameter_px : float
        Width of an eye, from corner to corner, and of an iris, in pixels; medians over both eyes
        and all frames.
    iris_ratio : float
        `iris_diameter_px` over `canthal_distance_px`; NaN if either is unknown or 0.
    head_roll_deg, head_yaw_deg, head_pitch_deg : float
        Medians: of the absolute values for roll and yaw; of the values for pitch, nose down is
        positive.
    """

    track: Track
    landmarks: NDArray[np.float32]
    geometry: EyeGeometry
    head: HeadPose
    seen: BoolArray
    ear: Float64Array
    ear_share: Float64Array
    typical_ear: float
    level: Float64Array
    lid_noise: float
    baseline_trusted: bool
    gaze: GazeTraces
    duration_s: float
    fps: float
    valid_time_s: float
    interval_s: float
    canthal_distance_px: float
    iris_diameter_px: float
    iris_ratio: float
    head_roll_deg: float
    head_yaw_deg: float
    head_pitch_deg: float


def trace_track(track: Track, unusable: BoolArray | None = None) -> Traces:
    """Compute the signals of a track that do not depend on a threshold.

    Parameters
    ----------
    track : Track
        The landmarks of a recording, N frames.
    unusable : ndarray, shape (N,), bool, optional
        Frames of the track to treat as if they showed no face; none by default.
    """
    times_s, landmarks = track.times_s, _hide_frames(track.landmarks, unusable)
    geometry = compute_eye_geometry(landmarks)
    head = compute_head_pose(landmarks)
    head_pitch_deg = median_finite(head.pitch_deg)
    by_eye = np.ascontiguousarray(geometry.ear.T)
    ear = (by_eye[LEFT] + by_eye[RIGHT]) / 2
    seen = np.isfinite(ear)
    valid_time_s = compute_valid_time_s(seen, times_s)
    interval_s = median_finite(np.diff(times_s))
    duration_s, fps = _duration(track, interval_s)
    typical_ear = compute_typical_opening(ear)
    trusted = (
        typical_ear >= MIN_TYPICAL_EAR and valid_time_s >= MIN_COVERAGE_FOR_BASELINE * duration_s
    )
    level = compute_open_level(ear, times_s) if trusted else make_fixed_level(ear)
    canthal_distance_px = median_finite(geometry.canthal_distance_px)
    iris_diameter_px = median_finite(geometry.iris_diameter_px)
    with np.errstate(divide="ignore", invalid="ignore"):
        ear_share = by_eye / ear  # NaN if both eyes have no opening
    return Traces(
        track=track,
        landmarks=landmarks,
        geometry=geometry,
        head=head,
        seen=seen,
        ear=ear,
        ear_share=ear_share,
        typical_ear=typical_ear,
        level=level,
        lid_noise=compute_lid_noise(ear, level, times_s),
        baseline_trusted=trusted,
        gaze=prepare_gaze(track, geometry, head, head_pitch_deg, interval_s),
        duration_s=duration_s,
        fps=fps,
        valid_time_s=valid_time_s,
        interval_s=interval_s,
        canthal_distance_px=canthal_distance_px,
        iris_diameter_px=iris_diameter_px,
        iris_ratio=(
            iris_diameter_px / canthal_distance_px
            if min(iris_diameter_px, canthal_distance_px) > 0
            else math.nan
        ),
        head_roll_deg=median_finite(np.abs(geometry.head_roll_deg)),
        head_yaw_deg=median_finite(np.abs(head.yaw_deg)),
        head_pitch_deg=head_pitch_deg,
    )


def _hide_frames(landmarks: NDArray[np.float32], unusable: BoolArray | None) -> NDArray[np.float32]:
    """Return the landmarks (N, K, 2), with those of the frames `unusable` (N,) replaced by NaN.

    The given array stays unchanged, and is returned itself if no frame is unusable.
    """
    if unusable is None or not unusable.any():
        return landmarks
    return np.where(unusable[:, np.newaxis, np.newaxis], np.float32(math.nan), landmarks)


def is_seen_beside(seen: BoolArray, times_s: Float64Array, sample: int, beside: int) -> bool:
    """Return whether the sample `beside` shows the face right before or right after `sample`.

    `beside` is `sample` - 1 or + 1. It shows nothing if it lies outside of the N samples, or across
    a gap of more than `MAX_GAP_S`. seen (N,) marks samples with a face, and times_s (N,) are their
    times.
    """
    if not 0 <= beside < times_s.size or not seen[beside]:
        return False
    return bool(abs(times_s[beside] - times_s[sample]) <= MAX_GAP_S)


def make_fixed_level(ear: Float64Array) -> Float64Array:
    """Return `NOMINAL_EAR` for each frame, (N,): how far open a typical person's open eyes are.

    It stands in for the person's own level where the open eyes were not seen for long enough, or on
    request. Only the length of ear (N,) is used.
    """
    return np.full(ear.size, NOMINAL_EAR)


def _duration(track: Track, interval_s: float) -> tuple[float, float]:
    """Return the length of the recording in seconds, and the frames per second of the video.

    The length is from the first analysed frame to the end of the last one, which is taken to last
    for interval_s, the median time between analysed frames. The frames that were skipped count for
    the rate. With fewer than two analysed frames, the length is 0 and the rate NaN.
    """
    times_s = track.times_s
    if times_s.size < 2:
        return 0.0, math.nan
    elapsed_s = float(times_s[-1] - times_s[0])
    fps = float(track.frame_index[-1] - track.frame_index[0]) / elapsed_s
    # The last frame is shown for as long as a typical one.
    return elapsed_s + interval_s, fps
