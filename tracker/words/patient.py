"""One sentence for the patient: what to do better, or that it is done. Never the verdict."""

from collections.abc import Collection

from tracker.words.en import Language
from tracker.words.ko import PATIENT

DONE = "Your recording could be measured, and your doctor will discuss the result with you."
NEXT_TIME = "For the next time:"

SENTENCES = {
    "no_face": "Hold the phone upright in front of you, so that your whole face is in the picture.",
    "several_faces": "Please record yourself alone, with nobody else in the picture.",
    "low_rate": "Please record a normal video, not a time lapse.",
    "sampling_gaps": "Please close all other apps on the phone while you record.",
    "too_dark_or_noisy": "Please record in more light, facing a window or a lamp.",
    "picture_not_measured": "Please record in good light, with your whole face in the picture.",
    "overexposed": "Please record out of the sun and away from bright lamps.",
    "strong_compression": "Please send the video as the phone recorded it, not by a messenger app.",
    "eyes_too_small": "Please move closer to the camera.",
    "blurred": "Please clean the lens and hold the phone still while you record.",
    "head_not_measured": "Please face the camera, with your whole face in the picture.",
    "head_turned": "Please face the camera, and move only your eyes.",
    "camera_angle": "Please hold the phone at the height of your eyes.",
    "head_moved": "Please keep your head still, and move only your eyes.",
    "face_lost": "Please keep your head still and your whole face in the picture.",
    "too_short": "Please record for longer: 10 seconds looking up, then 10 seconds looking down.",
    "eyes_closed": "Please keep your eyes open between blinks.",
    "phase_up_missing": "Please record the whole task, looking up as well.",
    "phase_down_missing": "Please record the whole task, looking down as well.",
    "gaze_not_measured": "Please record in more light, looking at the camera first.",
    "eyes_disagree": "Please record again in good light, and keep your head still.",
    "protocol_mismatch": "Please look up and down when you are asked to.",
    "looked_aside": "Please record again, looking straight up and then straight down.",
    "lids_lowered": "Please hold the phone a little lower while you record.",
    "face_partly_lost": "Please keep your head still and your whole face in the picture.",
    "blinks_cut": "Please keep your head still and your whole face in the picture.",
    "video_damaged": "Please send the video unchanged, and wait until all of it is sent.",
    "out_of_time": "Please record a shorter video.",
    "max_frames_reached": "Please record a shorter video.",
    "step_raised": "Please record a shorter video.",
    "borderline": "Please record once more, so that the result becomes more certain.",
    "other_face": "Please record yourself alone, with nobody else in the picture.",
    "baseline_fixed": "Please keep your eyes open between blinks.",
    "timestamps_unusable": "Please record with the phone's own camera app.",
    "timestamps_repaired": "Please record with the phone's own camera app.",
}
"""What to tell the patient for each code of a finding, the most important first: what is to be put
right before the others can be judged. Those of cautions are for the next time as well, so that they
do not ask to record again."""


def choose_patient_message(
    reasons: Collection[str], cautions: Collection[str], language: Language = "en"
) -> str:
    """Choose the sentence for what was found.

    Parameters
    ----------
    reasons, cautions : collection of str
        Codes of the findings that stand against a certain answer, and of the others.
    language : {"en", "ko"}, optional

    Returns
    -------
    str
        The remedy of the most important reason. Without one: that it is done, and, for the next
        time, the remedy of the most important caution.
    """
    sentences = PATIENT if language == "ko" else SENTENCES | {"done": DONE, "next": NEXT_TIME}
    for code in SENTENCES:
        if code in reasons:
            return sentences[code]
    for code in SENTENCES:
        if code in cautions:
            return f"{sentences['done']} {sentences['next']} {sentences[code]}"
    return sentences["done"]
