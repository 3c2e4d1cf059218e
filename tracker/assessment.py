"""The verdict, and what stands against one: quality flags, gates, and the words for both."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kernels import LEFT, PROLONGED_CLOSURE, RIGHT
from kernels.landmarks import FACE_MESH_INDICES
from tracker.analysis import Analysis, Float64Array, median_finite
from tracker.protocol import VERTICAL_PHASES

MIN_VALID_TIME_S = 10.0
MIN_GAZE_TIME_S = 5.0
MIN_COVERAGE = 0.7
MIN_RATE_HZ = 9.0
"""Degraded recordings: blinks hold at 7.5 Hz and break at 6 (docs/accuracy.md)."""
MIN_PHASE_TIME_S = 1.0
"""Gaze seen in the phases up, and in the phases down, so that their percentiles mean something."""
MIN_CANTHAL_DISTANCE_PX = 24.0
"""Degraded recordings: at 24 the known range changes by 4 %, at 20 by 12 % (docs/accuracy.md)."""
MAX_HEAD_YAW_DEG = 20.0
"""Foreshortening divides by the yaw's cosine: ranges read 6 % too large at 20 degrees."""
AMBIGUOUS_FACE_RATIO = 0.5
"""Second face over first, in area summed over time, from which it is not clear whose eyes count."""
NOTED_FACE_RATIO = 0.05
MAX_FAILED_SHARE = 0.05
NOTED_CLOSURE_SHARE = 0.1
"""Share of the time with a face in prolonged closures, from which they are mentioned."""

RANGE_HIDING = ("max_frames_reached", "out_of_time", "video_damaged", "lids_lowered")
"""Cautions of something that was not seen and can have held a part of the range."""

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
    cautions = _find_cautions(analysis, quality)
    obstacles = _find_obstacles(analysis, quality) or _find_hidden_range(analysis, cautions)
    if obstacles:
        words = "Not assessable. " + " ".join(obstacle.message for obstacle in obstacles)
        return Assessment("not_assessable", tuple(obstacles), tuple(cautions), words, quality)
    threshold = analysis.parameters.vpp_thresh
    suspected = analysis.measures.vertical_peak_to_peak < threshold
    words = (
        f"The eyes' vertical range, {_floor(analysis.measures.vertical_peak_to_peak)} of the eye's "
        f"width, is {'below' if suspected else 'not below'} {threshold:g}"
    )
    if suspected and analysis.parameters.protocol:
        words += (
            ": this supports a suspicion of PSP. The person was asked to look up and down as far "
            "as possible"
        )
    elif suspected:
        words += (
            ": this supports a suspicion of PSP if the person was asked to look up and down as far "
            "as possible, which the recording cannot tell"
        )
    words += "."
    reasons = []
    low, high = analysis.measures.vertical_peak_to_peak_ci95
    if low < threshold <= high:
        reasons.append(
            Finding(
                "borderline",
                f"The range is uncertain, {low:.3f} to {high:.3f}, and the threshold lies in "
                "between: record again.",
            )
        )
        words += " " + reasons[0].message
    status: Status = "suspected" if suspected else "not_suspected"
    return Assessment(status, tuple(reasons), tuple(cautions), words, quality)


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
        canthal_distance_px=median_finite(geometry.canthal_distance_px),
        iris_diameter_px=median_finite(geometry.iris_diameter_px),
        head_roll_deg=median_finite(np.abs(geometry.head_roll_deg)),
        head_yaw_deg=median_finite(np.abs(_head_yaw_deg(analysis))),
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
    if quality.sampled_rate_hz < MIN_RATE_HZ:
        # Frames that far apart do not join to valid time: the other gates would speak of a face
        # that is not seen.
        return [
            Finding(
                "low_rate",
                f"{quality.sampled_rate_hz:.1f} frames a second were analysed; at least "
                f"{MIN_RATE_HZ:.0f} are needed. Record at 30 frames a second, or lower the step.",
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
    if not quality.face_coverage >= MIN_COVERAGE:
        found.append(
            Finding(
                "face_lost",
                f"The face was seen for {quality.face_coverage:.0%} of the time; at least "
                f"{MIN_COVERAGE:.0%} are needed. Keep the whole face in the picture.",
            )
        )
    # Not a number fails every gate.
    if not quality.canthal_distance_px >= MIN_CANTHAL_DISTANCE_PX:
        found.append(
            Finding(
                "eyes_too_small",
                f"An eye is {quality.canthal_distance_px:.0f} pixels wide; at least "
                f"{MIN_CANTHAL_DISTANCE_PX:.0f} are needed. Move closer to the camera.",
            )
        )
    if not quality.head_yaw_deg <= MAX_HEAD_YAW_DEG:
        found.append(
            Finding(
                "head_turned",
                f"The head is turned by about {quality.head_yaw_deg:.0f} degrees; at most "
                f"{MAX_HEAD_YAW_DEG:.0f} are possible. Face the camera and move only the eyes.",
            )
        )
    if not quality.other_face_ratio < AMBIGUOUS_FACE_RATIO:
        found.append(
            Finding(
                "several_faces",
                "Two faces of similar size are in the picture, and it is not clear whose is "
                "meant. Record one person alone.",
            )
        )
    if not found and not math.isfinite(measures.vertical_peak_to_peak):
        found.append(
            Finding("gaze_not_measured", "The irises could not be measured. Record in more light.")
        )
    return found


def _find_hidden_range(analysis: Analysis, cautions: list[Finding]) -> list[Finding]:
    """Return what makes the range say less than it seems to.

    What was not seen can only enlarge the range: a range below the threshold is then no evidence.
    Looking aside moves the measured iris up as well: a range that needs it is none, either.
    """
    measures, threshold = analysis.measures, analysis.parameters.vpp_thresh
    if measures.vertical_peak_to_peak < threshold:
        return [caution for caution in cautions if caution.code in RANGE_HIDING]
    if not measures.vertical_peak_to_peak_ahead >= threshold:
        return [
            Finding(
                "looked_aside",
                "The eyes moved sideways, which the vertical range depends on: without it, the "
                f"range is {_floor(measures.vertical_peak_to_peak_ahead)}. Record again, looking "
                "straight up and straight down.",
            )
        ]
    return []


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
    if info.raised_step:
        found.append(
            Finding(
                "step_raised",
                f"Time was short: at times only 1 frame in {info.raised_step} was analysed instead "
                f"of 1 in {info.step}, and short blinks may have been missed. Record a shorter "
                "video, or at 1280x720 and 30 frames a second.",
            )
        )
    if info.out_of_time:
        found.append(
            Finding(
                "out_of_time",
                f"Time ran out: only the first {analysis.measures.duration_s:.0f} s were analysed. "
                "Record a shorter video, or at 1280x720.",
            )
        )
    elif not info.complete:
        found.append(
            Finding(
                "max_frames_reached",
                f"Only the first {len(analysis.track.times_s)} frames were analysed. Raise "
                "max_frames or the step to cover the whole recording.",
            )
        )
    failed = max(info.frames_failed, _missing_frames(analysis))
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


def _missing_frames(analysis: Analysis) -> int:
    """Return how many frames the container declares and does not hold at its end.

    Containers that declare a rate only in name, or estimate the count, are not believed where the
    times reach as far as they say.
    """
    info = analysis.track.info
    if not info.complete or not info.video.fps:
        return 0
    declared_s = info.video.frame_count / info.video.fps
    if analysis.measures.duration_s >= (1 - MAX_FAILED_SHARE) * declared_s:
        return 0
    return info.video.frame_count - info.frames_decoded


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


def _floor(range_: float) -> str:
    """Return three decimals, rounded down: what is below the threshold must not read as equal."""
    return f"{math.floor(range_ * 1000) / 1000:.3f}" if math.isfinite(range_) else "not measurable"
