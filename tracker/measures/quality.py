"""How well a recording shows the eyes."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import (
    LEFT,
    RIGHT,
    compute_peak_to_peak,
    compute_quantiles,
)
from kernels.measures import median_finite
from kernels.opening import MAX_GAP_S, TIME_TOLERANCE_S
from tracker.measures.analysis import Analysis
from tracker.measures.following import measure_picture_ranges

MIN_RATE_HZ = 9.0
"""Least rate of analysed frames. In degraded recordings, blinks are still counted correctly at
7.5 Hz, but not at 6 Hz (docs/accuracy.md)."""
GAP_S = 2 / MIN_RATE_HZ
"""A longer time between frames is a gap: even at the least rate, more than one frame is missing."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How well the recording shows the eyes; NaN where there is nothing to measure.

    Attributes
    ----------
    face_coverage : float
        Share of the recording's time with a face, 0-1.
    sampled_rate_hz : float
        Analysed frames per second, from the median time between two of them.
    longest_gap_s : float
        Longest time between two neighbouring analysed frames.
    canthal_distance_px, iris_diameter_px : float
        Width of an eye, from corner to corner, and of an iris in the upright picture, in pixels;
        medians over both eyes and all frames.
    head_roll_deg, head_yaw_deg : float
        How far the head is tilted and turned, to either side: medians of the absolute values.
    head_pitch_deg : float
        Median, relative to the camera; nose down is positive. At -20 the camera is far below the
        face.
    head_yaw_spread_deg, head_pitch_spread_deg : float
        95th percentile of how far the head is turned aside (yaw), or up or down (pitch), from its
        own median direction, over all frames with a face.
    head_moved_share : float
        Share of the frames with open eyes that the gaze leaves out because the head was turned or
        nodded, 0-1.
    gaze_share : float
        Share of the recording's time that counts for the gaze, 0-1.
    other_face_ratio : float
        Area of the second largest face divided by the area of the analysed face, both summed over
        time; 0 if no other face was seen.
    gap_share : float
        Share of the recording's time in gaps: intervals between analysed frames longer than
        `GAP_S`, 0-1.
    sharpness, contrast_over_noise, face_grey, clipped_share : float
        How sharp the eyes are, and how far their contrast exceeds the noise; how bright the face
        is, 0 to 255, and the share of its pixels that are black or white. Medians over the
        recording, or the worst values of joined ones. `tracker.face.quality.ImageQuality` defines
        them.
    bits_per_pixel : float
        Bits that the encoded video, without sound, spends on a pixel of a frame, from the first
        `tracker.video.ffmpeg.BITRATE_FRAMES` frames; NaN if they could not be counted.
    bits_per_eye : float
        Bits of a frame that an eye gets, if they are spread evenly over the frame. An eye is a
        square that is one canthal distance wide.
    eye_disagreement : float
        95th minus 5th percentile of half the difference between the vertical offsets of the two
        eyes, in canthal distances. If the two eyes err independently, their mean would show this
        range from errors alone. Only frames that count for the gaze and in which the eyes do not
        look aside are used: perspective makes the offsets differ when they do.
    picture_gaze_range : float
        95th minus 5th percentile of the height of the irises in the pictures, found without
        landmarks (`tracker.face.picture_gaze`), in canthal distances and over the frames that
        count for the vertical range. The smaller of the two eyes' ranges is taken: both eyes move
        together, so that what only one of them shows is an error. An iris that was found in fewer
        than 8 pictures does not count; NaN if neither counts.
    """

    face_coverage: float
    sampled_rate_hz: float
    longest_gap_s: float
    canthal_distance_px: float
    iris_diameter_px: float
    head_roll_deg: float
    head_yaw_deg: float
    head_pitch_deg: float
    head_yaw_spread_deg: float
    head_pitch_spread_deg: float
    head_moved_share: float
    gaze_share: float
    other_face_ratio: float
    gap_share: float
    sharpness: float
    contrast_over_noise: float
    face_grey: float
    clipped_share: float
    bits_per_pixel: float
    bits_per_eye: float
    eye_disagreement: float
    picture_gaze_range: float


def measure_quality(analysis: Analysis) -> Quality:
    """Measure how well the eyes could be seen.

    Parameters
    ----------
    analysis : Analysis
        What was measured in the recording.

    Returns
    -------
    Quality
        NaN where there is nothing to measure.
    """
    measures, traces, info = analysis.measures, analysis.traces, analysis.track.info
    intervals_s = np.diff(analysis.track.times_s)
    elapsed_s = float(intervals_s.sum())
    too_long = intervals_s > GAP_S + TIME_TOLERANCE_S
    bits_per_pixel = (info.video.bits_per_frame or math.nan) / (
        info.video.width * info.video.height
    )
    difference = analysis.gaze.vertical_by_eye[:, LEFT] - analysis.gaze.vertical_by_eye[:, RIGHT]
    ahead = analysis.gaze.valid & analysis.gaze.ahead
    return Quality(
        face_coverage=measures.valid_time_s / elapsed_s if elapsed_s else math.nan,
        sampled_rate_hz=1 / traces.interval_s,
        longest_gap_s=float(intervals_s.max()) if intervals_s.size else math.nan,
        canthal_distance_px=traces.canthal_distance_px,
        iris_diameter_px=traces.iris_diameter_px,
        head_roll_deg=traces.head_roll_deg,
        head_yaw_deg=traces.head_yaw_deg,
        head_pitch_deg=traces.head_pitch_deg,
        head_yaw_spread_deg=_measure_spread(
            traces.head.yaw_deg, median_finite(traces.head.yaw_deg)
        ),
        head_pitch_spread_deg=_measure_spread(traces.head.pitch_deg, traces.head_pitch_deg),
        head_moved_share=_head_moved_share(analysis),
        gaze_share=measures.gaze_time_s / elapsed_s if elapsed_s else math.nan,
        other_face_ratio=info.other_face_ratio,
        gap_share=float(intervals_s[too_long].sum()) / elapsed_s if elapsed_s else math.nan,
        sharpness=info.image_quality.sharpness,
        contrast_over_noise=info.image_quality.contrast_over_noise,
        face_grey=info.image_quality.face_grey,
        clipped_share=info.image_quality.clipped_share,
        bits_per_pixel=bits_per_pixel,
        bits_per_eye=bits_per_pixel * traces.canthal_distance_px**2,
        eye_disagreement=compute_peak_to_peak(difference / 2, ahead),
        picture_gaze_range=measure_picture_ranges(
            traces, analysis.gaze, analysis.parameters.protocol
        )[0],
    )


def _measure_spread(angle_deg: NDArray[np.float64], median_deg: float) -> float:
    """Return the 95th percentile of how far an angle is from its median, in degrees.

    angle_deg (N,) is the angle in each frame, NaN without a face; median_deg is its median.
    """
    distance_deg = np.abs(angle_deg - median_deg)
    (spread_deg,) = compute_quantiles(distance_deg, np.isfinite(distance_deg), (0.95,)).tolist()
    return float(spread_deg)


def _head_moved_share(analysis: Analysis) -> float:
    """Return the share of the frames with open eyes in which the head is not in place, 0 to 1.

    It is then turned or nodded too far for the gaze to count. NaN if the eyes are never open.
    """
    opened = int(analysis.gaze.eyes_open.sum())
    return 1 - int(analysis.gaze.valid.sum()) / opened if opened else math.nan


def measure_lost_share(analysis: Analysis) -> float:
    """Return the share of a recording's time in which there are frames, but no face, 0-1.

    The time between two frames counts if one of them has no face, unless they are so far apart
    (`MAX_GAP_S`) that it would not count as seen with a face, either. A shorter gap counts: with a
    face, `face_coverage` would hold it. NaN if there are fewer than two frames.
    """
    intervals_s, seen = np.diff(analysis.track.times_s), analysis.traces.seen
    lost = ~(seen[:-1] & seen[1:]) & (intervals_s <= MAX_GAP_S)
    return float(intervals_s[lost].sum() / intervals_s.sum()) if intervals_s.size else math.nan
