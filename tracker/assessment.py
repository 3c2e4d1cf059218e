"""The verdict, and what stands against one: quality flags, gates, and the words for both."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kernels import LEFT, PROLONGED_CLOSURE, RIGHT
from kernels.landmarks import FACE_MESH_INDICES
from tracker.analysis import Analysis, Float64Array
from tracker.protocol import VERTICAL_PHASES

MIN_VALID_TIME_S = 10.0
MIN_GAZE_TIME_S = 5.0
MIN_COVERAGE = 0.7
MIN_RATE_HZ = 9.0
MIN_PHASE_TIME_S = 1.0
"""Gaze seen in the phases up, and in the phases down, so that their percentiles mean something."""
MIN_CANTHAL_DISTANCE_PX = 20.0
MAX_HEAD_YAW_DEG = 25.0
AMBIGUOUS_FACE_RATIO = 0.5
"""Second face over first, in area summed over time, from which it is not clear whose eyes count."""
NOTED_FACE_RATIO = 0.05
MAX_FAILED_SHARE = 0.05
NOTED_CLOSURE_SHARE = 0.1
"""Share of the time with a face in prolonged closures, from which they are mentioned."""

Status = Literal["suspected", "not_suspected", "not_assessable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that limits the result.

    Attributes
    ----------
    code : str
        Machine-readable.
    message : str
        What was found and what to do about it.
    """

    code: str
    message: str


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
        Medians of the absolute values; the yaw is estimated from the nose tip's place between the
        outer canthi.
    other_face_ratio : float
        Second largest face's area summed over time over the analysed one's.
    """

    face_coverage: float
    sampled_rate_hz: float
    longest_gap_s: float
    canthal_distance_px: float
    iris_diameter_px: float
    head_roll_deg: float
    head_yaw_deg: float
    other_face_ratio: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """The screening answer.

    Attributes
    ----------
    status : {"suspected", "not_suspected", "not_assessable"}
    reasons : tuple of Finding
        Why it is not assessable, or what makes the answer uncertain (`borderline`).
    cautions : tuple of Finding
        What to keep in mind about the numbers; they do not stand against an answer.
    rule_reason : str
        The verdict in words.
    quality : Quality
    """

    status: Status
    reasons: tuple[Finding, ...]
    cautions: tuple[Finding, ...]
    rule_reason: str
    quality: Quality


def assess(analysis: Analysis) -> Assessment:
    """Decide whether the recording supports a suspicion of PSP.

    Parameters
    ----------
    analysis : Analysis

    Returns
    -------
    Assessment
        Suspected when assessable and the vertical peak-to-peak is below `vpp_thresh`.
    """
    quality = measure_quality(analysis)
    obstacles = _find_obstacles(analysis, quality)
    cautions = tuple(_find_cautions(analysis, quality))
    if obstacles:
        words = "Not assessable. " + " ".join(obstacle.message for obstacle in obstacles)
        return Assessment("not_assessable", tuple(obstacles), cautions, words, quality)
    range_ = analysis.measures.vertical_peak_to_peak
    low, high = analysis.measures.vertical_peak_to_peak_ci95
    threshold = analysis.parameters.vpp_thresh
    status: Status
    if range_ < threshold:
        status = "suspected"
        words = (
            f"The eyes' vertical range, {range_:.3f} of the eye's width, is below {threshold:g}: "
            "this supports a suspicion of PSP"
        )
        words += (
            ". The person was asked to look up and down as far as possible."
            if analysis.parameters.protocol
            else " if the person was asked to look up and down as far as possible, which the "
            "recording cannot tell."
        )
        doubts = [caution.message for caution in cautions if caution.code == "lids_lowered"]
    else:
        status = "not_suspected"
        words = (
            f"The eyes' vertical range, {range_:.3f} of the eye's width, is not below "
            f"{threshold:g}."
        )
        doubts = []
    reasons = []
    if low < threshold <= high:
        borderline = Finding(
            "borderline",
            f"The range is uncertain, {low:.3f} to {high:.3f}, and the threshold lies in between: "
            "record again.",
        )
        reasons.append(borderline)
        doubts.append(borderline.message)
    return Assessment(status, tuple(reasons), cautions, " ".join([words, *doubts]), quality)


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
    measures, geometry = analysis.measures, analysis.geometry
    intervals_s = np.diff(analysis.track.times_s)
    elapsed_s = float(intervals_s.sum())
    return Quality(
        face_coverage=measures.valid_time_s / elapsed_s if elapsed_s else math.nan,
        sampled_rate_hz=float(1 / np.median(intervals_s)) if intervals_s.size else math.nan,
        longest_gap_s=float(intervals_s.max()) if intervals_s.size else math.nan,
        canthal_distance_px=_median_seen(geometry.canthal_distance_px),
        iris_diameter_px=_median_seen(geometry.iris_diameter_px),
        head_roll_deg=_median_seen(np.abs(geometry.head_roll_deg)),
        head_yaw_deg=_median_seen(np.abs(_head_yaw_deg(analysis))),
        other_face_ratio=analysis.track.info.other_face_ratio,
    )


def _find_obstacles(analysis: Analysis, quality: Quality) -> list[Finding]:
    """Return what makes the recording not assessable."""
    measures = analysis.measures
    if not analysis.seen.any():
        return [
            Finding(
                "no_face",
                "No face was found. Hold the phone upright at arm's length, with the whole face in "
                "the picture and light from the front.",
            )
        ]
    found = []
    if measures.valid_time_s < MIN_VALID_TIME_S:
        found.append(
            Finding(
                "too_short",
                f"The face was seen for {measures.valid_time_s:.1f} s; at least "
                f"{MIN_VALID_TIME_S:.0f} s are needed. Record 10 s looking up and 10 s looking "
                "down.",
            )
        )
    elif measures.gaze_time_s < MIN_GAZE_TIME_S:
        found.append(
            Finding(
                "eyes_closed",
                f"The eyes were open for {measures.gaze_time_s:.1f} s; at least "
                f"{MIN_GAZE_TIME_S:.0f} s are needed. Keep the eyes open between blinks.",
            )
        )
    if analysis.parameters.protocol:
        seen_s = dict.fromkeys(VERTICAL_PHASES, 0.0)
        for phase in analysis.phases:
            if phase.phase in seen_s:
                seen_s[phase.phase] += phase.gaze_time_s
        for name, time_s in seen_s.items():
            if time_s < MIN_PHASE_TIME_S:
                found.append(
                    Finding(
                        f"phase_{name}_missing",
                        f"The open eyes were seen for {time_s:.1f} s while asked to look {name}; "
                        f"at least {MIN_PHASE_TIME_S:.0f} s is needed. Record the whole task.",
                    )
                )
    if quality.face_coverage < MIN_COVERAGE:
        found.append(
            Finding(
                "face_lost",
                f"The face was seen for {quality.face_coverage:.0%} of the time; at least "
                f"{MIN_COVERAGE:.0%} are needed. Keep the whole face in the picture.",
            )
        )
    if quality.sampled_rate_hz < MIN_RATE_HZ:
        found.append(
            Finding(
                "low_rate",
                f"{quality.sampled_rate_hz:.1f} frames a second were analysed; at least "
                f"{MIN_RATE_HZ:.0f} are needed. Record at 30 frames a second, or lower the step.",
            )
        )
    if quality.canthal_distance_px < MIN_CANTHAL_DISTANCE_PX:
        found.append(
            Finding(
                "eyes_too_small",
                f"An eye is {quality.canthal_distance_px:.0f} pixels wide; at least "
                f"{MIN_CANTHAL_DISTANCE_PX:.0f} are needed. Move closer to the camera.",
            )
        )
    if quality.head_yaw_deg > MAX_HEAD_YAW_DEG:
        found.append(
            Finding(
                "head_turned",
                f"The head is turned by about {quality.head_yaw_deg:.0f} degrees; at most "
                f"{MAX_HEAD_YAW_DEG:.0f} are possible. Face the camera and move only the eyes.",
            )
        )
    if quality.other_face_ratio >= AMBIGUOUS_FACE_RATIO:
        found.append(
            Finding(
                "several_faces",
                "Two faces of similar size are in the picture, and it is not clear whose is "
                "meant. Record one person alone.",
            )
        )
    return found


def _find_cautions(analysis: Analysis, quality: Quality) -> list[Finding]:
    """Return what limits the numbers without standing against an answer."""
    info = analysis.track.info
    found = []
    if analysis.parameters.blink_baseline == "adaptive" and not analysis.baseline_trusted:
        found.append(
            Finding(
                "baseline_fixed",
                "The open eye was seen too little to know its shape: a fixed blink threshold was "
                "used.",
            )
        )
    closed_s = _prolonged_closure_s(analysis)
    if closed_s > NOTED_CLOSURE_SHARE * analysis.measures.valid_time_s:
        found.append(
            Finding(
                "lids_lowered",
                f"The eyes were shut, or the lids lowered that far, for {closed_s:.1f} s, in which "
                "the gaze is not counted. If they were looking down then, the range is larger than "
                "measured: lift the lids with a finger, or film from slightly below.",
            )
        )
    if NOTED_FACE_RATIO <= quality.other_face_ratio < AMBIGUOUS_FACE_RATIO:
        found.append(
            Finding(
                "other_face", "Another, smaller face is in the picture; the largest was analysed."
            )
        )
    if not info.complete:
        found.append(
            Finding(
                "max_frames_reached",
                f"Only the first {len(analysis.track.times_s)} frames were analysed. Raise "
                "max_frames or the step to cover the whole recording.",
            )
        )
    expected = info.video.frame_count if info.complete else 0
    failed = max(info.frames_failed, expected - info.frames_decoded)
    if failed > MAX_FAILED_SHARE * max(info.frames_decoded, 1):
        found.append(
            Finding(
                "video_damaged",
                f"{failed} frames are missing or damaged: the result covers the rest. Copy the "
                "video from the phone again.",
            )
        )
    if info.time_source == "stream_repaired":
        found.append(
            Finding("timestamps_repaired", "Some of the video's timestamps were wrong and mended.")
        )
    if info.time_source == "frame_rate":
        found.append(
            Finding(
                "timestamps_unusable",
                "The video's timestamps are unusable: all times come from its nominal frame rate.",
            )
        )
    return found


def _prolonged_closure_s(analysis: Analysis) -> float:
    """Return the time within prolonged closures."""
    times_s = analysis.track.times_s
    prolonged = analysis.closures.interval[analysis.closures.kind == PROLONGED_CLOSURE]
    return float((times_s[prolonged[:, 1] - 1] - times_s[prolonged[:, 0]]).sum())


def _head_yaw_deg(analysis: Analysis) -> Float64Array:
    """Estimate the yaw from where the nose tip stands between the outer canthi, shape (N,).

    The tip lies about as far in front of the canthi as these are from the middle, so that its
    place, from -1 at one canthus to 1 at the other, is the tangent of the yaw.
    """
    points = analysis.track.landmarks.astype(np.float64)
    outer = {eye: FACE_MESH_INDICES.index(i) for eye, i in ((LEFT, 263), (RIGHT, 33))}
    right, left = points[:, outer[RIGHT]], points[:, outer[LEFT]]
    nose = points[:, FACE_MESH_INDICES.index(1)]
    across = left - right
    length = (across**2).sum(axis=1)
    length[length == 0] = np.nan
    place = 2 * ((nose - right) * across).sum(axis=1) / length - 1
    yaw_deg: Float64Array = np.degrees(np.arctan(place))
    return yaw_deg


def _median_seen(values: Float64Array) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else math.nan
