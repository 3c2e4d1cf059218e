"""What is said of findings, verdicts and in reports: English here, Korean in `korean`.

Keys and placeholders are the same in both. Imports nothing heavy.
"""

import string
from typing import Any, Literal

from tracker.korean import KOREAN

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")

FINDINGS = {
    "finding.no_face": "No face was found. Hold the phone upright at arm's length, with the whole "
    "face in the picture and light from the front.",
    "finding.low_rate": "{rate_hz:.1f} frames a second were analysed; at least {least_hz:.0f} are "
    "needed. Record at 30 frames a second, or lower the step.",
    "finding.low_rate.part": "Time was short: for {share:.0%} of the recording fewer than "
    "{least_hz:.0f} frames a second were analysed. Record a shorter video, or at 1280x720.",
    "finding.too_short": "The face was seen for {seen_s:.1f} s; at least {least_s:.0f} s are "
    "needed. Record 10 s looking up and 10 s looking down.",
    "finding.eyes_closed": "The eyes were open for {open_s:.1f} s; at least {least_s:.0f} s are "
    "needed. Keep the eyes open between blinks.",
    "finding.phase_up_missing": "The open eyes were seen for {seen_s:.1f} s while asked to look "
    "up; at least {least_s:.0f} s is needed. Record the whole task.",
    "finding.phase_down_missing": "The open eyes were seen for {seen_s:.1f} s while asked to look "
    "down; at least {least_s:.0f} s is needed. Record the whole task.",
    "finding.face_lost": "The face was seen for {seen:.0%} of the time; at least {least:.0%} are "
    "needed. Keep the whole face in the picture.",
    "finding.eyes_too_small": "An eye is {width_px:.0f} pixels wide; at least {least_px:.0f} are "
    "needed. Move closer to the camera.",
    "finding.head_not_measured": "It could not be measured how the head is held. Face the camera, "
    "with the whole face in the picture.",
    "finding.head_turned": "The head is turned by about {yaw_deg:.0f} degrees; at most "
    "{most_deg:.0f} are possible. Face the camera and move only the eyes.",
    "finding.head_moved.time": "The head moved so much that only {left_s:.1f} s are left; at least "
    "{least_s:.0f} s are needed. Keep the head still and move only the eyes.",
    "finding.head_moved.nod": "The head nodded by {nod_deg:.0f} degrees, which can make "
    "{allowance:.3f} of the measured {range:.3f}. Keep the head still and move only the eyes.",
    "finding.head_moved": "For {share:.0%} of the time the head was turned or nodded, and the gaze "
    "is not counted. Keep the head still and move only the eyes.",
    "finding.camera_angle.above": "The camera looks at the face from above by about "
    "{pitch_deg:.0f} degrees; at most {most_deg:.0f} are possible. Hold the phone at the height of "
    "the eyes.",
    "finding.camera_angle.below": "The camera looks at the face from below by about "
    "{pitch_deg:.0f} degrees; at most {most_deg:.0f} are possible. Hold the phone at the height of "
    "the eyes.",
    "finding.several_faces": "Two faces of similar size are in the picture, and it is not clear "
    "whose is meant. Record one person alone.",
    "finding.gaze_not_measured": "The irises could not be measured. Record in more light.",
    "finding.picture_not_measured": "It could not be measured whether the picture is sharp and "
    "bright enough. Record again in good light, with the whole face in the picture.",
    "finding.too_dark_or_noisy.dark": "The eyes stand out only {ratio:.1f} times above the "
    "picture's noise; {least:.0f} times are needed. The face is dark: record in more light, from "
    "the front.",
    "finding.too_dark_or_noisy.grainy": "The eyes stand out only {ratio:.1f} times above the "
    "picture's noise; {least:.0f} times are needed. The picture is grainy: record in more light, "
    "without digital zoom.",
    "finding.blurred": "The eyes are blurred (sharpness {sharpness:.2f}; at least {least:g} is "
    "needed). Clean the lens, hold the phone still at arm's length, and let it focus on the face.",
    "finding.overexposed": "{share:.0%} of the face is plain white or black; at most {most:.0%} "
    "are possible. Avoid direct sun and lamps on the face or behind it.",
    "finding.sampling_gaps": "The video has too few frames for {share:.0%} of its time (longest "
    "gap {longest_s:.1f} s). Close other apps and record again, and send the video as the phone "
    "stores it.",
    "finding.protocol_mismatch.elsewhere": "The eyes moved by {range:.3f}, but not when they were "
    "asked to: check the protocol's times, or record again.",
    "finding.protocol_mismatch": "The eyes were lower while asked up than while asked down: check "
    "the protocol.",
    "finding.looked_aside": "The eyes moved sideways, which the vertical range depends on: without "
    "it, the range is {range:.3f}. Record again, looking straight up and straight down.",
    "finding.eyes_disagree": "The eyes do not move together: by {disagreement:.3f} of the "
    "{range:.3f} each goes its own way, as lids that flutter, darkness or strong compression make "
    "it look. Record again in good light, the head still.",
    "finding.strong_compression": "The video is strongly compressed ({bits:.0f} bits a frame for "
    "an eye), which blurs and moves the eyes. Send it as the phone stores it, not through a "
    "messenger.",
    "finding.baseline_fixed": "The open eye was seen too little to know its shape: a fixed blink "
    "threshold was used.",
    "finding.lids_lowered": "An eye was shut, or the lids lowered that far, for {closed_s:.1f} s, "
    "in which the gaze is not counted. If they were looking down then, the range is larger than "
    "measured: lift the lids with a finger, or film from slightly below.",
    "finding.face_partly_lost": "The face was seen for {seen:.0%} of the time: what the eyes did "
    "in the rest is not in the range. Keep the whole face in the picture.",
    "finding.blinks_cut": "{cut} of the {blinks} blinks begin or end where the face or frames are "
    "missing: one blink may have been counted as several, and others missed. Do not rely on the "
    "count and the rate. Keep the whole face in the picture.",
    "finding.other_face": "Another, smaller face is in the picture; the largest was analysed.",
    "finding.step_raised": "Time was short: at times only 1 frame in {largest_step} was analysed "
    "instead of 1 in {step}, and short blinks may have been missed. Record a shorter video, or at "
    "1280x720 and 30 frames a second.",
    "finding.out_of_time": "Time ran out: only the first {analysed_s:.0f} s were analysed. Record "
    "a shorter video, or at 1280x720.",
    "finding.max_frames_reached": "Only the first {frames} frames were analysed. Raise max_frames "
    "or the step to cover the whole recording.",
    "finding.video_damaged": "{frames} frames are missing or damaged: the result covers the rest. "
    "Copy the video from the phone again.",
    "finding.timestamps_repaired": "Some of the video's timestamps were wrong and mended.",
    "finding.timestamps_unusable": "The video's timestamps are unusable: all times come from its "
    "nominal frame rate.",
    "finding.borderline": "The range is uncertain, {low:.3f} to {high:.3f}, and the threshold lies "
    "in between: record again.",
}
"""By ``finding.CODE``, or ``finding.CODE.VARIANT`` where a code has several texts."""

VERDICTS = {
    "because.suspected.asked": "The eyes' vertical range, {range:.3f} of the eye's width, is "
    "below {threshold:g}: this supports a suspicion of PSP. The person was asked to look up and "
    "down as far as possible.",
    "because.suspected.if_asked": "The eyes' vertical range, {range:.3f} of the eye's width, is "
    "below {threshold:g}: this supports a suspicion of PSP if the person was asked to look up and "
    "down as far as possible, which the recording cannot tell.",
    "because.not_suspected": "The eyes' vertical range, {range:.3f} of the eye's width, is not "
    "below {threshold:g}.",
    "because.not_assessable": "Not assessable.",
    "verdict.suspected": "Supports a suspicion of PSP",
    "verdict.not_suspected": "Does not support a suspicion of PSP",
    "verdict.not_assessable": "Not assessable",
    "value.not_measurable": "not measurable",
}

ENGLISH = FINDINGS | VERDICTS


class _Filler(string.Formatter):
    """Formats as `str.format` does, and calls missing numbers so."""

    def __init__(self, missing: str) -> None:
        self._missing = missing

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, float) and value != value:
            return self._missing
        return str(super().format_field(value, format_spec))


def write(language: Language, key: str, **values: Any) -> str:
    """Return a text with its numbers.

    Parameters
    ----------
    language : {"en", "ko"}
    key : str
        Of `ENGLISH`.
    **values
        Its placeholders' values; NaN is written as "not measurable".

    Returns
    -------
    str
    """
    texts = KOREAN if language == "ko" else ENGLISH
    return _Filler(texts["value.not_measurable"]).format(texts[key], **values)
