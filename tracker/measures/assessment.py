"""The verdict, and what stands against one: quality flags and gates. Their words: `texts`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kernels import (
    BLINK,
    compute_valid_time_s,
)
from tracker.measures.analysis import Analysis
from tracker.measures.gaze import MAX_HEAD_YAW_DEG
from tracker.measures.quality import (
    MIN_RATE_HZ,
    Finding,
    Quality,
    _closed_s,
    _sampling_gaps,
    measure_quality,
)
from tracker.protocol import VERTICAL_PHASES
from tracker.words import Language, format_text, round_range
from tracker.words.patient import choose_patient_message

MIN_VALID_TIME_S = 10.0
MIN_GAZE_TIME_S = 5.0
MIN_COVERAGE = 0.7
MAX_SLOW_SHARE = 0.1
"""Share of the time below that rate, of a recording whose step was raised for want of time."""
MIN_PHASE_TIME_S = 1.0
"""Gaze seen in the phases up, and in the phases down, so that their percentiles mean something."""
MIN_CANTHAL_DISTANCE_PX = 24.0
"""Degraded recordings: at 24 the known range changes by 1 %, at 18 by 11 % (docs/accuracy.md)."""
MAX_HEAD_PITCH_DEG = 25.0
"""From the height of the eyes. Foreshortening, as for the yaw: 9 % at 25 degrees, and the face is
that far from how FaceMesh mostly sees it."""
NOTED_PITCH_RANGE_DEG = 4.0
"""Range of the head's pitch from which it is held against the eyes': above what heads at rest show
(2.6 at most in the ZJU recordings) and what eyes alone move it by (3 on the synthetic face)."""
AMBIGUOUS_FACE_RATIO = 0.5
"""Second face over first, in area summed over time, from which it is not clear whose eyes count."""
NOTED_FACE_RATIO = 0.05
MAX_FAILED_SHARE = 0.05
NOTED_CLOSURE_SHARE = 0.1
"""Share of the time with a face in prolonged closures, from which they are mentioned."""

MIN_SHARPNESS = 0.15
"""Degraded recordings: at 0.09 the known range reads 12 % too small (docs/accuracy.md)."""
MIN_CONTRAST_OVER_NOISE = 5.0
"""Degraded clips: 5.2 holds; the synthetic range breaks at 3.7, the blinks of recordings at 2.1
(docs/accuracy.md)."""
DARK_GREY_LEVEL = 60.0
"""Mean grey level below which a noisy picture is called dark. For the words only: it depends on the
skin as well as on the light."""
MAX_CLIPPED_SHARE = 0.25
"""Degraded clips: 0.14 holds, at 0.41 the range reads 16 % too large (docs/accuracy.md)."""
MIN_BITS_PER_EYE = 10.0
NOTED_BITS_PER_EYE = 30.0
"""Re-encoded recordings: three quarters of those that broke have fewer than 10, nine tenths fewer
than 30; of those as made the least has 18 (docs/accuracy.md)."""
MAX_EYE_DISAGREEMENT = 0.02
"""Of recordings as made, the median is 0.013; the least that cleared a fixed gaze had 0.023
(docs/accuracy.md)."""
NOTED_UNSEEN_SHARE = 0.1
"""Share of the time without a face, or between frames too far apart, from which it is mentioned.
The range leaves out 5 % of the time at either end: what is not seen for longer can have held it."""
NOTED_CUT_SHARE = 0.1
"""Share of the blinks that begin or end where the face is not seen, from which it is mentioned."""

RANGE_HIDING = (
    "max_frames_reached",
    "out_of_time",
    "video_damaged",
    "lids_lowered",
    "face_partly_lost",
    "head_moved",
    "sampling_gaps",
)
"""Cautions of something that was not seen and can have held a part of the range."""

Status = Literal["suspected", "not_suspected", "not_assessable"]


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
    verdict : str
        Which of the texts ``because.…`` says it.
    verdict_values : dict
        The numbers in that text.
    quality : Quality
    """

    status: Status
    reasons: tuple[Finding, ...]
    cautions: tuple[Finding, ...]
    verdict: str
    verdict_values: dict[str, float]
    quality: Quality

    @property
    def rule_reason(self) -> str:
        """The verdict in words, in English."""
        return self.describe("en")

    @property
    def patient_message(self) -> str:
        """For the patient: what to do better, or that it is done. Never the verdict."""
        return self.describe_for_patient("en")

    def describe(self, language: Language) -> str:
        """Say the verdict and why."""
        words = format_text(language, f"because.{self.verdict}", **self.verdict_values)
        return " ".join((words, *(reason.describe(language) for reason in self.reasons)))

    def describe_for_patient(self, language: Language) -> str:
        """Say what to do better, or that it is done, to the patient."""
        return choose_patient_message(
            [reason.code for reason in self.reasons],
            # What is to be put right first is told alone.
            [] if self.status == "not_assessable" else [caution.code for caution in self.cautions],
            language,
        )


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
    (assessment,) = assess_thresholds(analysis, (analysis.parameters.vpp_thresh,))
    return assessment


def assess_thresholds(analysis: Analysis, thresholds: Sequence[float]) -> list[Assessment]:
    """Decide at several thresholds; what none of them touches is found once.

    Parameters
    ----------
    analysis : Analysis
    thresholds : sequence of float
        Each in place of the analysis' own `vpp_thresh`.

    Returns
    -------
    list of Assessment
        What `assess` says with each.
    """
    quality = measure_quality(analysis)
    cautions = tuple(_find_cautions(analysis, quality))
    obstacles = _find_obstacles(analysis, quality)
    return [_decide(analysis, quality, cautions, obstacles, threshold) for threshold in thresholds]


def _decide(
    analysis: Analysis,
    quality: Quality,
    cautions: tuple[Finding, ...],
    obstacles: list[Finding],
    threshold: float,
) -> Assessment:
    obstacles = (
        obstacles
        or _find_hidden_range(analysis, cautions, threshold)
        or _find_disagreement(analysis, quality, threshold)
    )
    if obstacles:
        return Assessment(
            "not_assessable", tuple(obstacles), cautions, "not_assessable", {}, quality
        )
    suspected = analysis.measures.vertical_peak_to_peak < threshold
    status: Status = "suspected" if suspected else "not_suspected"
    verdict: str = status
    if suspected:
        verdict += ".asked" if analysis.parameters.protocol else ".if_asked"
    values = {
        "range": round_range(analysis.measures.vertical_peak_to_peak, threshold),
        "threshold": threshold,
    }
    reasons = []
    low, high = analysis.measures.vertical_peak_to_peak_ci95
    if low < threshold <= high:
        reasons.append(
            Finding(
                "borderline",
                {"low": round_range(low, threshold), "high": round_range(high, threshold)},
            )
        )
    return Assessment(status, tuple(reasons), cautions, verdict, values, quality)


def _find_obstacles(analysis: Analysis, quality: Quality) -> list[Finding]:
    """Return what makes the recording not assessable."""
    measures = analysis.measures
    if not analysis.traces.seen.any():
        return [Finding("no_face")]
    if quality.sampled_rate_hz < MIN_RATE_HZ:
        # Frames that far apart do not join to valid time: the other gates would speak of a face
        # that is not seen.
        return [Finding("low_rate", {"rate_hz": quality.sampled_rate_hz, "least_hz": MIN_RATE_HZ})]
    found = _find_slow_part(analysis)
    open_time_s = compute_valid_time_s(analysis.gaze.eyes_open, analysis.track.times_s)
    if measures.valid_time_s < MIN_VALID_TIME_S:
        found.append(
            Finding("too_short", {"seen_s": measures.valid_time_s, "least_s": MIN_VALID_TIME_S})
        )
    elif open_time_s < MIN_GAZE_TIME_S:
        found.append(Finding("eyes_closed", {"open_s": open_time_s, "least_s": MIN_GAZE_TIME_S}))
    if analysis.parameters.protocol:
        seen_s = dict.fromkeys(VERTICAL_PHASES, 0.0)
        for phase in analysis.phases:
            if phase.phase in seen_s:
                seen_s[phase.phase] += phase.gaze_time_s
        for name, time_s in seen_s.items():
            if time_s < MIN_PHASE_TIME_S:
                found.append(
                    Finding(
                        f"phase_{name}_missing", {"seen_s": time_s, "least_s": MIN_PHASE_TIME_S}
                    )
                )
    if quality.gap_share > 1 - MIN_COVERAGE:
        found.append(_sampling_gaps(quality))
    elif quality.face_coverage < MIN_COVERAGE:
        # Not a number below two frames: too short.
        found.append(Finding("face_lost", {"seen": quality.face_coverage, "least": MIN_COVERAGE}))
    # Whatever face is seen has a width, and nothing else passes.
    if not quality.canthal_distance_px >= MIN_CANTHAL_DISTANCE_PX:
        found.append(
            Finding(
                "eyes_too_small",
                {"width_px": quality.canthal_distance_px, "least_px": MIN_CANTHAL_DISTANCE_PX},
            )
        )
    if math.isnan(quality.head_yaw_deg + quality.head_pitch_deg):
        found.append(Finding("head_not_measured"))
    elif quality.head_yaw_deg > MAX_HEAD_YAW_DEG:
        found.append(
            Finding("head_turned", {"yaw_deg": quality.head_yaw_deg, "most_deg": MAX_HEAD_YAW_DEG})
        )
    elif measures.gaze_time_s < MIN_GAZE_TIME_S <= open_time_s:
        found.append(
            Finding(
                "head_moved", {"left_s": measures.gaze_time_s, "least_s": MIN_GAZE_TIME_S}, "time"
            )
        )
    if abs(quality.head_pitch_deg) > MAX_HEAD_PITCH_DEG:
        found.append(
            Finding(
                "camera_angle",
                {"pitch_deg": abs(quality.head_pitch_deg), "most_deg": MAX_HEAD_PITCH_DEG},
                "above" if quality.head_pitch_deg > 0 else "below",
            )
        )
    if not quality.other_face_ratio < AMBIGUOUS_FACE_RATIO:
        found.append(Finding("several_faces"))
    found += _find_image_obstacles(quality)
    if not found and not math.isfinite(measures.vertical_peak_to_peak):
        found.append(Finding("gaze_not_measured"))
    return found


def _find_slow_part(analysis: Analysis) -> list[Finding]:
    """Return that want of time left too few frames of a part, where the median interval hides it.

    Blinks are missed there, and their rate reads too low.
    """
    intervals_s = np.diff(analysis.track.times_s)
    slow = intervals_s > 1.05 / MIN_RATE_HZ
    share = float(intervals_s[slow].sum() / intervals_s.sum()) if intervals_s.size else 0.0
    if not analysis.track.info.raised_step or share <= MAX_SLOW_SHARE:
        return []
    return [Finding("low_rate", {"share": share, "least_hz": MIN_RATE_HZ}, "part")]


def _find_image_obstacles(quality: Quality) -> list[Finding]:
    """Return what makes the pictures too bad to measure the eyes in them."""
    found = []
    # What was not measured is called so, and not bad.
    if math.isnan(
        quality.contrast_over_noise + quality.sharpness + quality.face_grey + quality.clipped_share
    ):
        found.append(Finding("picture_not_measured"))
    if quality.contrast_over_noise < MIN_CONTRAST_OVER_NOISE:
        found.append(
            Finding(
                "too_dark_or_noisy",
                {"ratio": quality.contrast_over_noise, "least": MIN_CONTRAST_OVER_NOISE},
                "dark" if quality.face_grey < DARK_GREY_LEVEL else "grainy",
            )
        )
    if quality.sharpness < MIN_SHARPNESS:
        found.append(Finding("blurred", {"sharpness": quality.sharpness, "least": MIN_SHARPNESS}))
    if quality.clipped_share > MAX_CLIPPED_SHARE:
        found.append(
            Finding("overexposed", {"share": quality.clipped_share, "most": MAX_CLIPPED_SHARE})
        )
    # Not a number passes: how a video was encoded is not always known.
    if quality.bits_per_eye < MIN_BITS_PER_EYE:
        found.append(_strong_compression(quality))
    return found


def _find_hidden_range(
    analysis: Analysis, cautions: Sequence[Finding], threshold: float
) -> list[Finding]:
    """Return what makes the range say less than it seems to.

    What was not seen can only enlarge the range: a range below the threshold is then no evidence.
    Looking aside moves the measured iris up as well, and so does a nod: a range that needs one of
    them is none, either.
    """
    measures = analysis.measures
    if measures.vertical_peak_to_peak < threshold:
        hiding = [caution for caution in cautions if caution.code in RANGE_HIDING]
        if measures.vertical_peak_to_peak_any_time >= threshold:
            hiding.append(
                Finding(
                    "protocol_mismatch",
                    {"range": round_range(measures.vertical_peak_to_peak_any_time, threshold)},
                    "elsewhere",
                )
            )
        return hiding
    if not measures.vertical_peak_to_peak_ahead >= threshold:
        return [
            Finding(
                "looked_aside",
                {"range": round_range(measures.vertical_peak_to_peak_ahead, threshold)},
            )
        ]
    nodded = measures.head_pitch_range_deg > NOTED_PITCH_RANGE_DEG
    if nodded and measures.vertical_peak_to_peak - measures.nod_allowance < threshold:
        return [
            Finding(
                "head_moved",
                {
                    "nod_deg": measures.head_pitch_range_deg,
                    "allowance": measures.nod_allowance,
                    "range": round_range(measures.vertical_peak_to_peak, threshold),
                },
                "nod",
            )
        ]
    return []


def _find_disagreement(analysis: Analysis, quality: Quality, threshold: float) -> list[Finding]:
    """Return what makes a range the work of errors: the eyes, which move together, do not.

    The range of two signals added is at most the sum of their ranges, so that the gaze's own is at
    least what is left of the measured one without that of the errors.
    """
    measured, disagreement = analysis.measures.vertical_peak_to_peak, quality.eye_disagreement
    if disagreement > MAX_EYE_DISAGREEMENT and measured - disagreement < threshold <= measured:
        return [
            Finding(
                "eyes_disagree",
                {"disagreement": disagreement, "range": round_range(measured, threshold)},
            )
        ]
    return []


def _strong_compression(quality: Quality) -> Finding:
    return Finding("strong_compression", {"bits": quality.bits_per_eye})


def _find_cautions(analysis: Analysis, quality: Quality) -> list[Finding]:
    """Return what limits the numbers without standing against an answer."""
    info = analysis.track.info
    found = []
    if analysis.parameters.blink_baseline == "adaptive" and not analysis.traces.baseline_trusted:
        found.append(Finding("baseline_fixed"))
    closed_s = _closed_s(analysis)
    if closed_s > NOTED_CLOSURE_SHARE * analysis.measures.valid_time_s:
        found.append(Finding("lids_lowered", {"closed_s": closed_s}))
    if 1 - NOTED_UNSEEN_SHARE > quality.face_coverage >= MIN_COVERAGE:
        found.append(Finding("face_partly_lost", {"seen": quality.face_coverage}))
    if quality.head_moved_share > NOTED_UNSEEN_SHARE:
        found.append(Finding("head_moved", {"share": quality.head_moved_share}))
    held = {phase.phase: phase.held_offset for phase in analysis.phases}
    if held.get("up", math.nan) - held.get("down", math.nan) > (
        analysis.measures.vertical_noise_floor
    ):
        found.append(Finding("protocol_mismatch"))
    cut, blinks = _count_cut_blinks(analysis), analysis.measures.blink_count
    if cut > NOTED_CUT_SHARE * blinks:
        found.append(Finding("blinks_cut", {"cut": cut, "blinks": blinks}))
    if NOTED_UNSEEN_SHARE < quality.gap_share <= 1 - MIN_COVERAGE:
        found.append(_sampling_gaps(quality))
    if MIN_BITS_PER_EYE <= quality.bits_per_eye < NOTED_BITS_PER_EYE:
        found.append(_strong_compression(quality))
    if NOTED_FACE_RATIO <= quality.other_face_ratio < AMBIGUOUS_FACE_RATIO:
        found.append(Finding("other_face"))
    if info.raised_step:
        found.append(Finding("step_raised", {"largest_step": info.raised_step, "step": info.step}))
    if info.out_of_time:
        found.append(Finding("out_of_time", {"analysed_s": analysis.measures.duration_s}))
    elif not info.complete:
        found.append(Finding("max_frames_reached", {"frames": len(analysis.track.times_s)}))
    failed = max(info.frames_failed, _missing_frames(analysis))
    if failed > MAX_FAILED_SHARE * max(info.frames_decoded, 1):
        found.append(Finding("video_damaged", {"frames": failed}))
    if info.time_source == "stream_repaired":
        found.append(Finding("timestamps_repaired"))
    if info.time_source == "frame_rate":
        found.append(Finding("timestamps_unusable"))
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


def _count_cut_blinks(analysis: Analysis) -> int:
    """Return how many blinks have an end that was not seen, within the recording."""
    closures = analysis.events.closures.select(analysis.events.closures.kind == BLINK)
    inside = (closures.interval[:, 0] > 0, closures.interval[:, 1] < analysis.traces.seen.size)
    cut = (~closures.onset_seen & inside[0]) | (~closures.offset_seen & inside[1])
    return int(cut.sum())
