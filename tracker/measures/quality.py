"""How well a recording shows what is measured."""

import math
from dataclasses import dataclass, field

import numpy as np

from kernels import (
    LEFT,
    PROLONGED_CLOSURE,
    RIGHT,
    compute_peak_to_peak,
    compute_valid_time_s,
    mark_around_closures,
)
from kernels.closures import TIME_TOLERANCE_S
from tracker.measures.analysis import Analysis
from tracker.measures.gaze import mark_ahead
from tracker.words import Language, format_text

MIN_RATE_HZ = 9.0
"""Degraded recordings: blinks hold at 7.5 Hz and break at 6 (docs/accuracy.md)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that limits the result.

    Attributes
    ----------
    code : str
        Machine-readable.
    values : dict
        The numbers in its words.
    variant : str
        Which of a code's several texts it is.
    """

    code: str
    values: dict[str, float] = field(default_factory=dict)
    variant: str = ""

    @property
    def message(self) -> str:
        """What was found and what to do about it, in English."""
        return self.describe("en")

    def describe(self, language: Language) -> str:
        """Say what was found and what to do about it."""
        key = f"finding.{self.code}.{self.variant}" if self.variant else f"finding.{self.code}"
        return format_text(language, key, **self.values)


GAP_S = 2 / MIN_RATE_HZ
"""Time between frames above which more than one is missing even at the least rate."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How well the recording could be measured.

    Attributes
    ----------
    face_coverage : float
        Share of the recording's time with a face, 0-1.
    sampled_rate_hz : float
        Analysed frames a second (of the median interval).
    longest_gap_s : float
        Longest time between analysed frames.
    canthal_distance_px, iris_diameter_px : float
        Medians of both eyes.
    head_roll_deg, head_yaw_deg : float
        Medians of the absolute values.
    head_pitch_deg : float
        Median; nose down is positive, relative to the camera: -20 is a camera far below.
    head_moved_share : float
        Share of the frames with open eyes that the gaze leaves out because the head was turned or
        nodded, 0-1.
    other_face_ratio : float
        Second largest face's area summed over time over the analysed one's.
    gap_share : float
        Share of the recording's time between analysed frames that are further apart than `GAP_S`,
        0-1.
    sharpness, contrast_over_noise, face_grey, clipped_share : float
        See `tracker.face.quality.ImageQuality`.
    bits_per_pixel : float
        Of the encoded video, without sound, over the first
        `tracker.video.ffmpeg.BITRATE_FRAMES` frames; NaN where they could not be counted.
    bits_per_eye : float
        The same over a square that is one canthal distance wide: what a frame has for an eye if it
        spends its bits evenly.
    eye_disagreement : float
        P95 - P5 of half the difference between the eyes' vertical offsets while they look ahead
        (aside, the two differ by perspective), in canthal distances: the range that their mean
        would show by errors alone if each eye erred by itself.
    """

    face_coverage: float
    sampled_rate_hz: float
    longest_gap_s: float
    canthal_distance_px: float
    iris_diameter_px: float
    head_roll_deg: float
    head_yaw_deg: float
    head_pitch_deg: float
    head_moved_share: float
    other_face_ratio: float
    gap_share: float
    sharpness: float
    contrast_over_noise: float
    face_grey: float
    clipped_share: float
    bits_per_pixel: float
    bits_per_eye: float
    eye_disagreement: float


def measure_quality(analysis: Analysis) -> Quality:
    """Measure how well the eyes could be seen.

    Parameters
    ----------
    analysis : Analysis

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
    ahead = analysis.gaze.valid & mark_ahead(analysis.gaze)
    return Quality(
        face_coverage=measures.valid_time_s / elapsed_s if elapsed_s else math.nan,
        sampled_rate_hz=1 / traces.interval_s,
        longest_gap_s=float(intervals_s.max()) if intervals_s.size else math.nan,
        canthal_distance_px=traces.canthal_distance_px,
        iris_diameter_px=traces.iris_diameter_px,
        head_roll_deg=traces.head_roll_deg,
        head_yaw_deg=traces.head_yaw_deg,
        head_pitch_deg=traces.head_pitch_deg,
        head_moved_share=_head_moved_share(analysis),
        other_face_ratio=info.other_face_ratio,
        gap_share=float(intervals_s[too_long].sum()) / elapsed_s if elapsed_s else math.nan,
        sharpness=info.image_quality.sharpness,
        contrast_over_noise=info.image_quality.contrast_over_noise,
        face_grey=info.image_quality.face_grey,
        clipped_share=info.image_quality.clipped_share,
        bits_per_pixel=bits_per_pixel,
        bits_per_eye=bits_per_pixel * traces.canthal_distance_px**2,
        eye_disagreement=compute_peak_to_peak(difference / 2, ahead),
    )


def _sampling_gaps(quality: Quality) -> Finding:
    return Finding(
        "sampling_gaps", {"share": quality.gap_share, "longest_s": quality.longest_gap_s}
    )


def _closed_s(analysis: Analysis) -> float:
    """Return the time within prolonged closures and winks."""
    times_s = analysis.track.times_s
    prolonged = analysis.events.closures.interval[
        analysis.events.closures.kind == PROLONGED_CLOSURE
    ]
    closed = np.zeros(times_s.size, dtype=np.bool_)
    for intervals in (prolonged, analysis.events.winks):
        if len(intervals):
            closed |= mark_around_closures(intervals, times_s, 0.0)
    return compute_valid_time_s(closed, times_s)


def _head_moved_share(analysis: Analysis) -> float:
    """Return the share of the frames with open eyes in which the head was not in place."""
    opened = int(analysis.gaze.eyes_open.sum())
    return 1 - int(analysis.gaze.valid.sum()) / opened if opened else math.nan
