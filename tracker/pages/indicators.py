"""Quality indicators of a report: each grades one aspect of the recording, such as light.

An indicator measures nothing itself. Its grade follows from the assessment's findings: its reasons,
which prevent an answer, and its cautions, which only limit one.
"""

import math
from dataclasses import dataclass

from tracker.measures import obstacles
from tracker.measures.analysis import Analysis
from tracker.measures.assessment import Assessment
from tracker.measures.following import MIN_FOLLOWED_SHARE
from tracker.measures.gaze import MAX_HEAD_YAW_DEG
from tracker.measures.quality import MIN_RATE_HZ
from tracker.pages.page import Grade
from tracker.words import Language, format_text


@dataclass(frozen=True, slots=True)
class QualityIndicator:
    """An aspect of the recording's quality, graded by what the assessment found to limit it.

    Attributes
    ----------
    name : str
        Name of the indicator. Its texts have the keys ``report.indicator.NAME``.
    codes : tuple of str
        Codes of the findings that lower its grade.
    not_judged_with : tuple of str
        Codes of findings that stop the assessment before it looks for `codes`. If one of them was
        found, and none of `codes`, the grade is "unknown".
    last : bool
        Whether the assessment looks for `codes` last: only if nothing else rules out an answer. If
        something does, and none of `codes` was found, the grade is "unknown".
    """

    name: str
    codes: tuple[str, ...]
    not_judged_with: tuple[str, ...] = ("no_face", "low_rate")
    last: bool = False


INDICATORS = (
    QualityIndicator(
        "face",
        ("no_face", "too_short", "face_lost", "face_partly_lost"),
        ("low_rate", "sampling_gaps"),
    ),
    QualityIndicator(
        "rate",
        (
            "low_rate",
            "sampling_gaps",
            "step_raised",
            "slow_motion_suspected",
            "timestamps_repaired",
            "timestamps_unusable",
        ),
        ("no_face",),
    ),
    QualityIndicator("eye_size", ("eyes_too_small",)),
    QualityIndicator(
        "head",
        ("head_turned", "head_moved", "head_unsteady", "camera_angle", "head_not_measured"),
    ),
    QualityIndicator("light", ("too_dark_or_noisy", "overexposed", "picture_not_measured")),
    QualityIndicator("sharpness", ("blurred", "picture_not_measured")),
    QualityIndicator("compression", ("strong_compression",)),
    QualityIndicator("people", ("several_faces", "other_face")),
    QualityIndicator(
        "lids",
        (
            "eyes_closed",
            "eyes_held_shut",
            "lids_lowered",
            "range_is_lower_bound",
            "gaze_partly_used",
            "baseline_fixed",
            "blinks_cut",
        ),
        ("no_face", "low_rate", "too_short"),
    ),
    QualityIndicator(
        "task",
        (
            "phase_up_missing",
            "phase_down_missing",
            "gaze_not_measured",
            "protocol_mismatch",
            "task_unknown",
            "times_unknown",
            "task_assumed",
            "down_not_apart",
            "up_limited",
            "looked_aside",
            "eyes_disagree",
            "gaze_partly_used",
        ),
        last=True,
    ),
    QualityIndicator("following", ("gaze_not_followed",)),
    QualityIndicator(
        "video",
        (
            "video_cut_off",
            "video_damaged",
            "several_videos",
            "max_frames_reached",
            "out_of_time",
        ),
        (),
    ),
)


@dataclass(frozen=True, slots=True)
class GradedIndicator:
    """A quality indicator as the report shows it.

    `name` is that of the `QualityIndicator`, and `grade` how good the recording is in this respect.
    `numbers` is a text with its measured values and their limits, in the report's language; or, if
    one of them is missing, that it was not measured.
    """

    name: str
    grade: Grade
    numbers: str


def grade_indicator(
    indicator: QualityIndicator, assessment: Assessment, is_measured: bool
) -> Grade:
    """Grade an indicator by the findings of the assessment.

    Parameters
    ----------
    indicator : QualityIndicator
    assessment : Assessment
    is_measured : bool
        Whether all numbers that the indicator shows could be measured.

    Returns
    -------
    {"good", "caution", "bad", "unknown"}
        The first of these that holds: "bad" if one of its findings prevents an answer; "caution" if
        one only limits it; "unknown" if the assessment did not look for its findings, or
        `is_measured` is false; "good".
    """
    reasons = {finding.code for finding in assessment.reasons}
    if reasons & set(indicator.codes):
        return "bad"
    if {finding.code for finding in assessment.cautions} & set(indicator.codes):
        return "caution"
    was_stopped = indicator.last and assessment.status == "not_assessable"
    if was_stopped or not is_measured or reasons & set(indicator.not_judged_with):
        return "unknown"
    return "good"


def grade_indicators(
    analysis: Analysis, assessment: Assessment, language: Language
) -> list[GradedIndicator]:
    """Grade all indicators of a recording, in the order of `INDICATORS`, which is the report's."""
    numbers = _collect_numbers(analysis, assessment)
    graded = []
    for indicator in INDICATORS:
        name = indicator.name
        # Decoding can fail, but its counts are always known.
        is_measured = name == "video" or all(map(math.isfinite, numbers[name].values()))
        key = f"report.indicator.{name}.value" if is_measured else "report.not_measured"
        words = format_text(language, key, **numbers[name])
        grade = grade_indicator(indicator, assessment, is_measured)
        graded.append(GradedIndicator(name, grade, words))
    return graded


def _collect_numbers(analysis: Analysis, assessment: Assessment) -> dict[str, dict[str, float]]:
    """Return the numbers and limits that each indicator's text shows.

    They are by the indicator's name, then by the placeholder in its text; NaN if not measured.
    """
    quality, measures = assessment.quality, analysis.measures
    info = analysis.track.info
    return {
        "face": {
            "share": quality.face_coverage,
            "seconds": measures.valid_time_s,
            "least": obstacles.MIN_COVERAGE,
            "least_s": obstacles.MIN_VALID_TIME_S,
        },
        "rate": {
            "rate": quality.sampled_rate_hz,
            "gap": quality.longest_gap_s,
            "least": MIN_RATE_HZ,
        },
        "eye_size": {
            "width": quality.canthal_distance_px,
            "least": obstacles.MIN_CANTHAL_DISTANCE_PX,
        },
        "head": {
            "yaw": quality.head_yaw_deg,
            "spread": max(quality.head_yaw_spread_deg, quality.head_pitch_spread_deg),
            # A small one would read as -0, and 0 has no sign.
            "pitch": 0.0 if abs(quality.head_pitch_deg) < 0.5 else quality.head_pitch_deg,
            "most_yaw": MAX_HEAD_YAW_DEG,
            "most_pitch": obstacles.MAX_HEAD_PITCH_DEG,
            "most_spread": obstacles.NOTED_HEAD_SPREAD_DEG,
        },
        "light": {
            "ratio": quality.contrast_over_noise,
            "clipped": quality.clipped_share,
            "least": obstacles.MIN_CONTRAST_OVER_NOISE,
            "most": obstacles.MAX_CLIPPED_SHARE,
        },
        "sharpness": {"sharpness": quality.sharpness, "least": obstacles.MIN_SHARPNESS},
        "compression": {"bits": quality.bits_per_eye, "least": obstacles.MIN_BITS_PER_EYE},
        "people": {"share": quality.other_face_ratio, "most": obstacles.AMBIGUOUS_FACE_RATIO},
        "lids": {"seconds": measures.gaze_time_s, "seen": measures.duration_s},
        "task": {"disagreement": quality.eye_disagreement, "most": obstacles.MAX_EYE_DISAGREEMENT},
        "following": {
            "moved": quality.picture_gaze_range,
            "shown": measures.vertical_peak_to_peak,
            "least": MIN_FOLLOWED_SHARE,
        },
        "video": {
            "frames": len(analysis.track.times_s),
            "decoded": info.frames_decoded,
            "failed": info.frames_failed,
        },
    }
