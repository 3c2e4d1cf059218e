"""Choose what the patient reads: what to do better, or that the recording is done.

The patient is never told the verdict.
"""

from collections.abc import Collection

from tracker.words import Language, format_text

CODES_BY_IMPORTANCE = (
    "no_face",
    "several_faces",
    "low_rate",
    "sampling_gaps",
    "too_dark_or_noisy",
    "picture_not_measured",
    "overexposed",
    "strong_compression",
    "eyes_too_small",
    "blurred",
    "head_not_measured",
    "head_turned",
    "camera_angle",
    "head_moved",
    "face_lost",
    "too_short",
    "eyes_closed",
    "phase_up_missing",
    "phase_down_missing",
    "gaze_not_measured",
    "eyes_disagree",
    "gaze_not_followed",
    "protocol_mismatch",
    "looked_aside",
    "range_is_lower_bound",
    "eyes_held_shut",
    "lids_lowered",
    "face_partly_lost",
    "blinks_cut",
    "video_cut_off",
    "video_damaged",
    "slow_motion_suspected",
    "out_of_time",
    "max_frames_reached",
    "step_raised",
    "borderline",
    "task_unknown",
    "times_unknown",
    "head_unsteady",
    "gaze_partly_used",
    "down_not_apart",
    "other_face",
    "baseline_fixed",
    "timestamps_unusable",
    "timestamps_repaired",
    "several_videos",
)
"""The codes of findings, the most important first.

A problem comes before those that can only be judged once it is solved. The sentence for a caution
is advice for the next time, so it does not ask the patient to record again.
"""
NOT_TOLD = ("task_assumed", "up_limited")
"""Findings about which the patient is told nothing, because a patient cannot change them."""


def choose_patient_message(
    reasons: Collection[str], cautions: Collection[str], language: Language = "en"
) -> str:
    """Choose what the patient reads about the findings in the recording.

    Parameters
    ----------
    reasons, cautions : collection of str
        Codes of findings. Reasons are those that prevent a clear answer; cautions are the others.
        Their importance is that of `CODES_BY_IMPORTANCE`; codes that are not in it are ignored.
    language : {"en", "ko"}, optional

    Returns
    -------
    str
        How to put right the most important reason. If there is no reason: that the recording is
        done, and advice for the next time about the most important caution, if there is one.
    """
    for code in CODES_BY_IMPORTANCE:
        if code in reasons:
            return format_text(language, f"patient.{code}")
    done = format_text(language, "patient.done")
    for code in CODES_BY_IMPORTANCE:
        if code in cautions:
            return " ".join(
                (done, *(format_text(language, f"patient.{k}") for k in ("next", code)))
            )
    return done
