"""Choose the patient's sentence: what to do better, or that it is done. Never the verdict."""

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
    "head_unsteady",
    "gaze_partly_used",
    "down_not_apart",
    "other_face",
    "baseline_fixed",
    "timestamps_unusable",
    "timestamps_repaired",
    "several_videos",
)
"""The codes of findings, the most important first: a problem comes before all that can only be
judged once it is solved. A caution's sentence is advice for the next time, so it does not ask the
patient to record again."""
NOT_TOLD = ("task_assumed", "up_limited")
"""Findings without a sentence: a patient can do nothing about them."""


def choose_patient_message(
    reasons: Collection[str], cautions: Collection[str], language: Language = "en"
) -> str:
    """Choose the sentence for what was found.

    Parameters
    ----------
    reasons, cautions : collection of str
        The codes of the findings that stand against a certain answer, and of the others.
    language : {"en", "ko"}, optional

    Returns
    -------
    str
        The remedy of the most important reason. Without a reason, the text says that the recording
        is done, and gives the remedy of the most important caution for the next time.
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
