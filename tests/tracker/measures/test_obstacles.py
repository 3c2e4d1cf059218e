"""Every gate and caution: a recording just outside is refused or marked, one just inside is not."""

import ast
import dataclasses
import functools
import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from benchmarks.sweeps import Degradation
from kernels import FACE_MESH_INDICES, LANDMARK_COUNT
from kernels.dips import LONGEST_FALL_S
from kernels.pose import RIGID_POINTS
from kernels.uncertainty import MAD_TO_STD, NORMAL_RANGE
from tests.made_tracks import (
    CANTHI,
    EYE_WIDTH_PX,
    GOOD_IMAGE,
    IRIS_WIDTH_PX,
    blink,
    make_landmarks,
    make_looking,
    make_track,
    turn_head,
)
from tracker.face.follow import FaceFollower
from tracker.face.mesh import FaceMesh
from tracker.face.quality import ImageQuality
from tracker.lab.clip_spec import make_spec
from tracker.lab.drawing import render_frame
from tracker.measures import assessment, following, obstacles
from tracker.measures.analysis import Analysis, analyze_track
from tracker.measures.assessment import assess
from tracker.measures.following import MIN_FOLLOWED_SHARE, MIN_PICTURE_RANGE
from tracker.measures.gaze import MAX_HEAD_YAW_DEG, MAX_NOD_DEG, NOTED_PITCH_RANGE_DEG
from tracker.measures.lids import BLINK_GUARD_S
from tracker.measures.obstacles import (
    AMBIGUOUS_FACE_RATIO,
    MAX_CLIPPED_SHARE,
    MAX_EYE_DISAGREEMENT,
    MAX_FAILED_SHARE,
    MAX_HEAD_PITCH_DEG,
    MIN_BITS_PER_EYE,
    MIN_CANTHAL_DISTANCE_PX,
    MIN_CONTRAST_OVER_NOISE,
    MIN_COVERAGE,
    MIN_GAZE_TIME_S,
    MIN_PHASE_TIME_S,
    MIN_SHARPNESS,
    MIN_VALID_TIME_S,
    NOTED_BITS_PER_EYE,
    NOTED_CLOSURE_SHARE,
    NOTED_EXCLUDED_SHARE,
    NOTED_FACE_RATIO,
    NOTED_HEAD_SPREAD_DEG,
    NOTED_UNSEEN_SHARE,
)
from tracker.measures.quality import GAP_S, MIN_RATE_HZ
from tracker.measures.traces import MIN_COVERAGE_FOR_BASELINE, MIN_TYPICAL_EAR
from tracker.parameters import Parameters
from tracker.protocol import Phase, Task
from tracker.tracks.track import Track
from tracker.video.frames import VideoInfo
from tracker.words import TEXTS, patient

FPS = 30
SECONDS = 30.0
JITTER = 0.01
ASKED = Parameters(task="up_down")
THRESHOLD = ASKED.vpp_thresh


def looking(seconds: float = SECONDS, fps: float = FPS) -> tuple[np.ndarray, np.ndarray]:
    """EAR and vertical gaze of someone with open eyes who looks up, then down, every 2 s."""
    times_s = np.arange(round(seconds * fps)) / fps
    return np.full(times_s.size, 0.3), np.where(times_s % 2 < 1, -0.1, 0.1)


def analyzed(landmarks: np.ndarray | None = None, fps: float = FPS, **info: object) -> Analysis:
    if landmarks is None:
        landmarks = make_landmarks(*looking())
    return analyze_track(make_track(landmarks, fps, **info), ASKED)


def of_length(seconds: float) -> Analysis:
    return analyzed(make_landmarks(*looking(seconds)))


def with_open_eyes_for(seconds: float) -> Analysis:
    ear, vertical = looking(15)
    blink(ear, 0, ear.size - round((seconds + BLINK_GUARD_S) * FPS))
    return analyzed(make_landmarks(ear, vertical))


def with_a_face_for(share: float) -> Analysis:
    landmarks = make_landmarks(*looking())
    landmarks[round(share * len(landmarks)) :] = np.nan
    return analyzed(landmarks)


def keep_frames(track: Track, keep: np.ndarray) -> Track:
    return dataclasses.replace(
        track,
        frame_index=track.frame_index[keep],
        times_s=track.times_s[keep],
        landmarks=track.landmarks[keep],
    )


def with_gaps(share: float, period_s: float = 1.0) -> Analysis:
    """One gap without frames in each period, of that share of it."""
    track = make_track(make_landmarks(*looking(fps=100)), 100)
    keep = track.times_s % period_s >= share * period_s - 0.011
    keep[[0, -1]] = True
    return analyze_track(keep_frames(track, keep), ASKED)


def second_pass_turn(yaw_deg: float) -> Analysis:
    return analyzed(turn_head(make_landmarks(*looking()), yaw_deg=yaw_deg))


def seen_from(pitch_deg: float) -> Analysis:
    return analyzed(turn_head(make_landmarks(*looking()), pitch_deg=pitch_deg))


def head_away_for(share: float) -> Analysis:
    landmarks = make_landmarks(*looking())
    away = np.arange(len(landmarks)) >= len(landmarks) * (1 - share)
    return analyzed(turn_head(landmarks, yaw_deg=np.where(away, 1.5 * MAX_HEAD_YAW_DEG, 0)))


def head_in_place_for(seconds: float) -> Analysis:
    """The rest of the time, it nods as far to one side as to the other."""
    landmarks = make_landmarks(*looking(15))
    times_s = np.arange(len(landmarks)) / FPS
    nod_deg = np.where(times_s % 2 < 1, -1.5, 1.5) * MAX_NOD_DEG * (times_s > seconds)
    return analyzed(turn_head(landmarks, pitch_deg=nod_deg))


def nodding(range_deg: float, measured: float) -> Analysis:
    """The head nods slowly while the eyes move by a known range."""
    ear, vertical = looking()
    # The range is that of 90 % of the time, and the outer 10 % are at its ends.
    nod_deg = np.clip(np.linspace(-0.6, 0.6, ear.size), -0.5, 0.5) * range_deg
    return analyzed(turn_head(make_landmarks(ear, np.sign(vertical) * measured / 2), 0, nod_deg))


def nod_range(range_deg: float) -> float:
    """Range in eye widths of eyes that turn with the head: 10 mm from the eye's centre."""
    return 10 / 11.7 * IRIS_WIDTH_PX / EYE_WIDTH_PX * np.sin(np.radians(range_deg))


def with_image(**values: float) -> Analysis:
    return analyzed(image_quality=dataclasses.replace(GOOD_IMAGE, **values))


def with_bits_per_eye(bits: float) -> Analysis:
    per_frame = bits * 640 * 480 / EYE_WIDTH_PX**2
    return analyzed(video=VideoInfo(640, 480, FPS, 900, per_frame))


def with_eyes_apart(disagreement: float, measured: float) -> Analysis:
    ear, vertical = looking()
    apart = np.where(np.arange(ear.size) % 2, disagreement / 2, -disagreement / 2)
    gaze = np.sign(vertical) * measured / 2
    return analyzed(make_landmarks(ear[:, None], np.stack((gaze + apart, gaze - apart), axis=1)))


def with_eyes_shut_for(share: float) -> Analysis:
    ear, vertical = looking()
    # Below a quarter of the usual opening the eyes are shut.
    blink(ear, 300, round(share * ear.size), level=0.06)
    return analyzed(make_landmarks(ear, vertical))


def with_irises_hidden_for(share: float) -> Analysis:
    """Eyes that look up and down by 20 degrees, and once further, behind their lids."""
    deg = np.tile(np.repeat([0.0, -20.0, 0.0, 20.0], 75), 3)
    deg[250 : 250 + round(share * deg.size)] = 45
    return analyzed(make_looking(deg, lid_share=1.7))


def with_lids_that_fall_for(seconds: float) -> Analysis:
    """Three closures of 1.2 s; at their fastest, the lids would fall all the way in that time.

    They move as a raised cosine, whose steepest part is pi / 2 times as steep as its mean.
    """
    ear, vertical = looking()
    fall = (1 + np.cos(np.linspace(0, np.pi, round(seconds * np.pi / 2 * FPS) + 1))) / 2
    rise = (1 - np.cos(np.linspace(0, np.pi, FPS // 2))) / 2
    shut = np.zeros(round(1.2 * FPS) - fall.size)
    closure = 0.03 + 0.27 * np.concatenate((fall, shut, rise))
    for start in (150, 350, 550):
        ear[start : start + closure.size] = closure
    return analyzed(make_landmarks(ear, vertical))


def with_phase_seen_for(seconds: float, phase: str) -> Analysis:
    """The task is 4 s up and 4 s down; of one of them the face is lost but for some time."""
    starts_s = {"up": 10.0, "down": 20.0}
    ear, vertical = looking()
    # Before the task, the eyes look ahead.
    vertical[: 10 * FPS] = 0.0
    landmarks = make_landmarks(ear, vertical)
    times_s = np.arange(len(landmarks)) / FPS
    inside = (times_s >= starts_s[phase]) & (times_s < starts_s[phase] + 4)
    # The time is that between frames: one frame more than intervals.
    landmarks[inside & (times_s >= starts_s[phase] + seconds + 0.5 / FPS)] = np.nan
    protocol = tuple(Phase(name, start_s, start_s + 4) for name, start_s in starts_s.items())
    return analyze_track(make_track(landmarks), Parameters(protocol=protocol))


def looking_aside(range_ahead: float) -> Analysis:
    """What is above the threshold only while the eyes look aside, and its range ahead."""
    times_s = np.arange(900) / FPS
    horizontal = np.where(times_s % 3 < 1, 0.4, 0.0)
    ahead = np.where(times_s % 2 < 1, 0, range_ahead)
    vertical = np.where(horizontal > 0, -0.05, ahead)
    return analyzed(make_landmarks(np.full(900, 0.3), vertical, horizontal))


def glancing(own_range: float) -> Analysis:
    """Glances to both sides make 0.03 of vertical range; the rest is the eyes' own, at other times.

    The glances are within what counts as ahead.
    """
    times_s = np.arange(900) / FPS
    horizontal = np.where(times_s % 2 < 1, 0.095, -0.095)
    own = np.where(times_s % 8 < 4, own_range / 2, -own_range / 2)
    return analyzed(make_landmarks(np.full(900, 0.3), own + 0.16 * horizontal, horizontal))


def moving_when_not_asked(range_: float) -> Analysis:
    vertical = np.where(np.arange(900) / FPS % 2 < 1, 0, range_) * (np.arange(900) < 450)
    protocol = (Phase("up", 15.0, 22.0), Phase("down", 22.0, 30.0))
    track = make_track(make_landmarks(np.full(900, 0.3), vertical))
    return analyze_track(track, Parameters(protocol=protocol))


def held_the_other_way(by: float) -> Analysis:
    """Up and down are swapped by more or less than the jitter, which is exactly 0.01."""
    times_s = np.arange(900) / FPS
    jitter = JITTER * np.where(np.arange(900) % 2, 0.5, -0.5)
    vertical = np.where(times_s < 15, by / 2, -by / 2) + jitter
    protocol = (Phase("up", 0.0, 15.0), Phase("down", 15.0, 30.0))
    track = make_track(make_landmarks(np.full(900, 0.3), vertical))
    return analyze_track(track, Parameters(protocol=protocol))


def with_typical_ear(ear: float) -> Analysis:
    return analyzed(make_landmarks(np.full(900, ear), looking()[1]))


def without_irises(missing: bool) -> Analysis:
    landmarks = make_landmarks(*looking())
    if missing:
        landmarks[:, [FACE_MESH_INDICES.index(473), FACE_MESH_INDICES.index(468)]] = np.nan
    return analyzed(landmarks)


def without_head_pose(missing: bool) -> Analysis:
    landmarks = make_landmarks(*looking())
    if missing:
        canthi = [FACE_MESH_INDICES.index(index) for index in CANTHI]
        rigid = [FACE_MESH_INDICES.index(index) for index in RIGID_POINTS]
        landmarks[:, [column for column in rigid if column not in canthi]] = np.nan
    return analyzed(landmarks)


def with_blinks_cut(count: int) -> Analysis:
    """29 blinks, of some of which the end is not seen."""
    ear, vertical = looking()
    starts = range(30, 900, 30)
    assert len(starts) == 29
    for start in starts:
        blink(ear, start, 6)
    landmarks = make_landmarks(ear, vertical)
    for start in starts[:count]:
        landmarks[start + 3 : start + 6] = np.nan
    analysis = analyzed(landmarks)
    assert analysis.measures.blink_count == 29
    return analysis


def with_glances_for(share: float) -> Analysis:
    """The eyes rest but for some of the time, in one piece: draws without it fall below."""
    vertical = np.zeros(900)
    vertical[600 : 600 + round(share * 900)] = 0.1
    return analyzed(make_landmarks(np.full(900, 0.3), vertical))


def moving_by(range_: float, task: Task, assumed: bool = False) -> Analysis:
    """The eyes go up and down by a known range, every second."""
    landmarks = make_landmarks(np.full(900, 0.3), np.sign(looking()[1]) * range_ / 2)
    return analyze_track(make_track(landmarks), Parameters(task=task, task_assumed=assumed))


def looking_down_behind_lids(lid_share: float) -> Analysis:
    """The eyes go down by 40 degrees once for 2.5 s, with the lids as far or covering them.

    That is less than a tenth of the time. Saccades take 80 ms.
    """
    down_deg = np.interp(np.arange(900) / FPS, (15.0, 15.08, 17.5, 17.58), (0.0, 40.0, 40.0, 0.0))
    return analyzed(make_looking(down_deg, lid_share))


def asked(vertical: np.ndarray, first_s: float) -> Analysis:
    """The task, up and down for 8 s each, begins after a time of looking ahead."""
    middle_s, end_s = first_s + 8, first_s + 16
    protocol = (Phase("up", first_s, middle_s), Phase("down", middle_s, end_s))
    track = make_track(make_landmarks(np.full(vertical.size, 0.3), vertical))
    return analyze_track(track, Parameters(protocol=protocol))


def asked_from(first_s: float) -> Analysis:
    times_s = np.arange(900) / FPS
    up, down = (times_s >= first_s) & (times_s < first_s + 8), times_s >= first_s + 8
    return asked(np.where(up, -0.1, np.where(down, 0.1, 0.0)), first_s)


def going_up(range_: float) -> Analysis:
    times_s = np.arange(900) / FPS
    up, down = (times_s >= 4) & (times_s < 12), times_s >= 12
    return asked(np.where(up, -range_, np.where(down, 0.1, 0.0)), 4.0)


def turning(spread_deg: float) -> Analysis:
    """The head turns evenly to both sides, 95 % of the time within the spread."""
    yaw_deg = np.linspace(-1, 1, 900) * spread_deg / 0.95
    return analyzed(turn_head(make_landmarks(*looking()), yaw_deg=yaw_deg))


def with_pictures(
    shown: float, moved: float, seen: tuple[float, float] = (1.0, 1.0), pitch_deg: float = 0.0
) -> Analysis:
    """The landmarks show a range of gaze, and the pictures another one, which each eye shows."""
    ear, vertical = looking()
    landmarks = make_landmarks(ear, shown / 2 * np.sign(vertical))
    if pitch_deg:
        landmarks = turn_head(landmarks, pitch_deg=np.linspace(-0.5, 0.5, ear.size) * pitch_deg)
    sample = np.arange(0, ear.size, 10)
    heights = moved / 2 * np.sign(vertical[sample])[:, None] * seen
    track = dataclasses.replace(
        make_track(landmarks), picture_sample=sample, picture_heights=heights.astype(np.float32)
    )
    return analyze_track(track, ASKED)


def with_gaze_for(share: float) -> Analysis:
    """A part of the frames shows a turned head."""
    landmarks = make_landmarks(*looking())
    away = np.arange(len(landmarks)) >= share * len(landmarks)
    return analyzed(turn_head(landmarks, yaw_deg=np.where(away, 1.5 * MAX_HEAD_YAW_DEG, 0)))


@dataclass(frozen=True)
class Gate:
    """A finding and the recordings on either side of its limit."""

    code: str
    kind: str
    make: Callable[[Any], Analysis]
    inside: Any
    outside: Any
    name: str = ""


def reason(code: str, make: Callable[[Any], Analysis], inside: Any, outside: Any, name: str = ""):  # type: ignore[no-untyped-def]
    return Gate(code, "reason", make, inside, outside, name)


def caution(code: str, make: Callable[[Any], Analysis], inside: Any, outside: Any, name: str = ""):  # type: ignore[no-untyped-def]
    return Gate(code, "caution", make, inside, outside, name)


def either_side(limit: float, by: float, least: bool) -> tuple[float, float]:
    """Return the values just inside and just outside of a least or a greatest value."""
    return (limit + by, limit - by) if least else (limit - by, limit + by)


GATES = [
    reason("no_face", with_a_face_for, 1.0, 0.0),
    reason("low_rate", lambda hz: analyzed(fps=hz), *either_side(MIN_RATE_HZ, 0.1, True)),
    reason("too_short", of_length, *either_side(MIN_VALID_TIME_S, 0.1, True)),
    reason("eyes_closed", with_open_eyes_for, *either_side(MIN_GAZE_TIME_S, 0.2, True)),
    reason(
        "phase_up_missing",
        lambda s: with_phase_seen_for(s, "up"),
        *either_side(MIN_PHASE_TIME_S, 0.1, True),
    ),
    reason(
        "phase_down_missing",
        lambda s: with_phase_seen_for(s, "down"),
        *either_side(MIN_PHASE_TIME_S, 0.1, True),
    ),
    reason("sampling_gaps", with_gaps, *either_side(1 - MIN_COVERAGE, 0.02, False)),
    caution(
        "sampling_gaps",
        lambda share: with_gaps(share, period_s=3),
        *either_side(NOTED_UNSEEN_SHARE, 0.01, False),
    ),
    reason("face_lost", with_a_face_for, *either_side(MIN_COVERAGE, 0.01, True)),
    caution("face_partly_lost", with_a_face_for, *either_side(1 - NOTED_UNSEEN_SHARE, 0.01, True)),
    reason(
        "eyes_too_small",
        lambda px: analyzed(make_landmarks(*looking()) * np.float32(px / EYE_WIDTH_PX)),
        *either_side(MIN_CANTHAL_DISTANCE_PX, 0.5, True),
    ),
    reason("head_turned", second_pass_turn, *either_side(MAX_HEAD_YAW_DEG, 0.5, False), "left"),
    reason(
        "head_turned",
        lambda deg: second_pass_turn(-deg),
        *either_side(MAX_HEAD_YAW_DEG, 0.5, False),
        "right",
    ),
    reason("head_not_measured", without_head_pose, False, True),
    reason("camera_angle", seen_from, *either_side(MAX_HEAD_PITCH_DEG, 1, False), "above"),
    reason(
        "camera_angle",
        lambda deg: seen_from(-deg),
        *either_side(MAX_HEAD_PITCH_DEG, 1, False),
        "below",
    ),
    reason("head_moved", head_in_place_for, *either_side(MIN_GAZE_TIME_S, 0.2, True), "time"),
    reason(
        "head_moved",
        lambda range_: nodding(8, range_),
        *either_side(THRESHOLD + nod_range(8), 0.002, True),
        "what is left",
    ),
    reason(
        "head_moved",
        lambda range_deg: nodding(range_deg, THRESHOLD + 0.005),
        *either_side(NOTED_PITCH_RANGE_DEG, 0.3, False),
        "nod",
    ),
    caution("head_moved", head_away_for, *either_side(NOTED_UNSEEN_SHARE, 0.01, False)),
    reason(
        "several_faces",
        lambda ratio: analyzed(other_face_ratio=ratio),
        *either_side(AMBIGUOUS_FACE_RATIO, 0.01, False),
    ),
    caution(
        "other_face",
        lambda ratio: analyzed(other_face_ratio=ratio),
        *either_side(NOTED_FACE_RATIO, 0.01, False),
    ),
    reason(
        "too_dark_or_noisy",
        lambda ratio: with_image(eye_contrast=ratio, noise_std=1.0),
        *either_side(MIN_CONTRAST_OVER_NOISE, 0.1, True),
    ),
    reason(
        "blurred",
        lambda value: with_image(sharpness=value),
        *either_side(MIN_SHARPNESS, 0.01, True),
    ),
    reason(
        "overexposed",
        lambda share: with_image(clipped_share=share),
        *either_side(MAX_CLIPPED_SHARE, 0.01, False),
    ),
    *(
        reason(
            "picture_not_measured",
            lambda value, name=name: with_image(**{name: value}),
            getattr(GOOD_IMAGE, name),
            math.nan,
            name,
        )
        for name in ImageQuality.__dataclass_fields__
    ),
    reason("strong_compression", with_bits_per_eye, *either_side(MIN_BITS_PER_EYE, 0.1, True)),
    caution("strong_compression", with_bits_per_eye, *either_side(NOTED_BITS_PER_EYE, 0.1, True)),
    reason("gaze_not_measured", without_irises, False, True),
    reason(
        "eyes_disagree",
        lambda range_: with_eyes_apart(range_, THRESHOLD + MAX_EYE_DISAGREEMENT / 2),
        *either_side(MAX_EYE_DISAGREEMENT, 0.001, False),
        "usual",
    ),
    reason(
        "eyes_disagree",
        lambda range_: with_eyes_apart(range_, THRESHOLD + 2 * MAX_EYE_DISAGREEMENT),
        *either_side(2 * MAX_EYE_DISAGREEMENT, 0.001, False),
        "what is left",
    ),
    reason(
        "gaze_not_followed",
        lambda moved: with_pictures(0.01, moved),
        *either_side(MIN_PICTURE_RANGE, 0.001, False),
    ),
    reason(
        "gaze_not_followed",
        lambda shown: with_pictures(shown, 0.12),
        *either_side(0.12 * MIN_FOLLOWED_SHARE, 0.001, True),
        "share",
    ),
    caution(
        "gaze_not_followed",
        lambda shown: with_pictures(shown, 0.6),
        *either_side(0.6 * MIN_FOLLOWED_SHARE, 0.001, True),
        "above the threshold",
    ),
    reason("protocol_mismatch", moving_when_not_asked, *either_side(THRESHOLD, 0.001, False)),
    caution(
        "protocol_mismatch",
        held_the_other_way,
        *either_side(JITTER * MAD_TO_STD / np.sqrt(2) * NORMAL_RANGE, 0.001, False),
    ),
    reason("looked_aside", looking_aside, *either_side(THRESHOLD, 0.001, True)),
    reason("looked_aside", glancing, 0.12, 0.045, "within what counts as ahead"),
    reason("borderline", with_glances_for, 0.5, 0.1),
    reason("task_unknown", lambda range_: moving_by(range_, "unknown"), 0.1, 0.02, "below"),
    reason("task_unknown", lambda range_: moving_by(range_, "unknown"), 0.1, THRESHOLD, "between"),
    reason("times_unknown", lambda range_: moving_by(range_, "extended"), 0.1, 0.02, "below"),
    reason(
        "times_unknown", lambda range_: moving_by(range_, "extended"), 0.1, THRESHOLD, "between"
    ),
    reason("range_is_lower_bound", looking_down_behind_lids, 1.0, 1.9),
    caution("task_assumed", lambda assumed: moving_by(0.1, "up_down", assumed), False, True),
    caution("down_not_apart", asked_from, 2.0, 0.0),
    caution("up_limited", going_up, 0.1, 0.01),
    caution("head_unsteady", turning, *either_side(NOTED_HEAD_SPREAD_DEG, 0.5, False)),
    caution("gaze_partly_used", with_gaze_for, *either_side(1 - NOTED_EXCLUDED_SHARE, 0.01, True)),
    caution("eyes_held_shut", with_eyes_shut_for, *either_side(NOTED_CLOSURE_SHARE, 0.01, False)),
    caution("lids_lowered", with_irises_hidden_for, *either_side(NOTED_CLOSURE_SHARE, 0.03, False)),
    # 2 of 29 are less than a tenth, 3 are more.
    caution("blinks_cut", with_blinks_cut, 2, 3),
    caution("baseline_fixed", with_typical_ear, *either_side(MIN_TYPICAL_EAR, 0.002, True), "ear"),
    caution(
        "baseline_fixed",
        with_a_face_for,
        *either_side(MIN_COVERAGE_FOR_BASELINE, 0.01, True),
        "coverage",
    ),
    caution("max_frames_reached", lambda whole: analyzed(complete=whole), True, False),
    caution(
        "out_of_time",
        lambda out_of_time: analyzed(complete=False, out_of_time=out_of_time),
        False,
        True,
    ),
    caution("step_raised", lambda step: analyzed(raised_step=step), 0, 2),
    caution(
        "video_damaged",
        lambda share: analyzed(frames_failed=round(share * 900)),
        *either_side(MAX_FAILED_SHARE, 0.01, False),
        "failed",
    ),
    caution(
        "video_damaged",
        lambda share: analyzed(video=VideoInfo(640, 480, FPS, round(900 / (1 - share)))),
        *either_side(MAX_FAILED_SHARE, 0.01, False),
        "cut off",
    ),
    caution("video_cut_off", lambda cut: analyzed(complete=not cut, cut_off=cut), False, True),
    caution("several_videos", lambda count: analyzed(recordings=count), 1, 2),
    caution(
        "slow_motion_suspected",
        with_lids_that_fall_for,
        # Falls of four and of ten frames.
        *either_side(LONGEST_FALL_S, 2 / FPS, False),
    ),
    caution("timestamps_repaired", lambda s: analyzed(time_source=s), "stream", "stream_repaired"),
    caution("timestamps_unusable", lambda s: analyzed(time_source=s), "stream", "frame_rate"),
]


def found(analysis: Analysis) -> dict[str, list[str]]:
    assessed = assess(analysis)
    return {
        "reason": [finding.code for finding in assessed.reasons],
        "caution": [finding.code for finding in assessed.cautions],
    }


@pytest.mark.parametrize(
    "gate", GATES, ids=lambda gate: " ".join((gate.code, gate.kind, gate.name)).strip()
)
def test_either_side_of_the_limit(gate: Gate) -> None:
    inside, outside = gate.make(gate.inside), gate.make(gate.outside)
    assert gate.code not in found(inside)[gate.kind]
    assert gate.code in found(outside)[gate.kind]
    if gate.code in ("borderline", "task_unknown", "times_unknown"):
        assert assess(inside).status == "not_suspected"
        assert assess(outside).status == (
            "borderline" if gate.code == "borderline" else "not_assessable"
        )
    elif gate.kind == "reason":
        # What is inside has an answer, unless it is for another gate's reason.
        assert assess(outside).status == "not_assessable"
        if gate.code not in ("eyes_closed", "baseline_fixed"):
            # Who does not move at all is suspected. What is just above the threshold is
            # borderline, and so is a single look down of one or two seconds.
            near = gate.code in (
                "head_moved",
                "eyes_disagree",
                "phase_down_missing",
                "range_is_lower_bound",
            )
            expected = (
                {"suspected"}
                if gate.code in ("protocol_mismatch", "gaze_not_followed")
                else {"not_suspected", "borderline"}
                if near
                else {"not_suspected"}
            )
            assert assess(inside).status in expected
            assert found(outside)["reason"] == [gate.code]


@pytest.mark.parametrize(
    ("refused", "mentioned"),
    [
        ("several_faces", "other_face"),
        ("face_lost", "face_partly_lost"),
        ("sampling_gaps", "sampling_gaps"),
        ("strong_compression", "strong_compression"),
    ],
)
def test_what_is_hardly_let_through_is_mentioned_and_what_is_refused_only_refused(
    refused: str, mentioned: str
) -> None:
    gate = next(gate for gate in GATES if (gate.code, gate.kind) == (refused, "reason"))
    assert mentioned in found(gate.make(gate.inside))["caution"]
    assert mentioned not in found(gate.make(gate.outside))["caution"]


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ({"blur_sigma_px": 8.0}, "blurred"),
        ({"gain": 0.06, "noise_std": 3.0}, "too_dark_or_noisy"),
        ({"noise_std": 25.0}, "too_dark_or_noisy"),
        ({"gain": 2.2}, "overexposed"),
        ({}, None),
    ],
)
def test_pictures_that_are_bad_are_refused_for_what_they_are(
    damage: dict[str, float], code: str | None
) -> None:
    spec = make_spec(1.0, blinks_per_min=0, width=400, height=400)
    follower = FaceFollower(FaceMesh(), 1, 1)
    follower.add(Degradation(**damage).apply(render_frame(spec, 0.0), 0))  # type: ignore[arg-type]
    quality = follower.result().image_quality
    assert found(analyzed(image_quality=quality))["reason"] == ([] if code is None else [code])


@pytest.mark.parametrize("seen", [(1.0, 0.0), (0.0, 1.0)])
def test_what_the_picture_of_one_eye_shows_is_no_movement(seen: tuple[float, float]) -> None:
    assessed = assess(with_pictures(0.01, 0.2, seen))
    assert assessed.status == "suspected"
    assert assessed.quality.picture_gaze_range == 0


@pytest.mark.parametrize("seen", [(1.0, np.nan), (np.nan, 1.0)])
def test_an_eye_that_no_picture_shows_does_not_count(seen: tuple[float, float]) -> None:
    assessed = assess(with_pictures(0.01, 0.2, seen))
    assert [reason.code for reason in assessed.reasons] == ["gaze_not_followed"]
    assert assessed.quality.picture_gaze_range == pytest.approx(0.2)


def test_a_nod_is_not_taken_for_irises_that_move() -> None:
    """The eyes of a head that nods by 10 degrees move by 10 mm * sin(10 degrees): 0.058."""
    moved = MIN_PICTURE_RANGE + 0.05
    assert "gaze_not_followed" in found(with_pictures(0.0, moved))["reason"]
    nodding_ = found(with_pictures(0.0, moved, pitch_deg=10 / 0.9))
    assert "gaze_not_followed" not in nodding_["caution"]


def test_a_track_without_pictures_has_no_range_in_them() -> None:
    assert math.isnan(assess(analyzed()).quality.picture_gaze_range)


def test_eyes_that_differ_while_they_look_aside_do_not_disagree() -> None:
    """Perspective raises the one and lowers the other; that is no error of the measurement."""
    ear, vertical = looking()
    aside = np.where(np.arange(ear.size) // FPS % 3 == 0, 0.3, 0.0)
    apart = 0.2 * aside
    eyes = np.stack((vertical + apart, vertical - apart), axis=1)
    analysis = analyzed(make_landmarks(ear[:, None], eyes, aside[:, None]))
    assert found(analysis)["reason"] == []
    assert assess(analysis).quality.eye_disagreement == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("interval_s", "is_gap"), [(GAP_S - 0.01, False), (GAP_S + 0.01, True)])
def test_a_frame_that_is_missing_is_no_gap_yet(interval_s: float, is_gap: bool) -> None:
    track = make_track(make_landmarks(*looking(12, fps=10)), 10)
    uneven_s = np.arange(120) // 2 * (0.1 + interval_s) + np.arange(120) % 2 * 0.1
    track = dataclasses.replace(track, times_s=uneven_s)
    quality = assess(analyze_track(track, ASKED)).quality
    expected = 59 * interval_s / uneven_s[-1] if is_gap else 0
    assert quality.gap_share == pytest.approx(expected)


@pytest.mark.parametrize(("moves", "status"), [(0.1, "not_assessable"), (0.03, "suspected")])
def test_one_eye_that_does_not_move_hides_no_healthy_other(moves: float, status: str) -> None:
    """The mean of both eyes shows half of what one does: 0.05, of a limit of 0.06."""
    ear, vertical = looking()
    eyes = np.stack((moves / 2 * np.sign(vertical), np.zeros(ear.size)), axis=1)
    analysis = analyzed(make_landmarks(ear[:, None], eyes))
    assert analysis.measures.vertical_peak_to_peak == pytest.approx(moves / 2, rel=1e-4)
    assert assess(analysis).status == status
    assert found(analysis)["reason"] == ([] if status == "suspected" else ["eyes_disagree"])


def test_a_dark_picture_is_called_dark_and_a_noisy_one_grainy() -> None:
    for grey, word in ((30.0, "dark"), (130.0, "grainy")):
        assessed = assess(with_image(eye_contrast=2.0, face_grey=grey))
        assert word in assessed.reasons[0].message


def test_what_is_not_known_of_the_encoding_stands_against_nothing() -> None:
    assert found(analyzed(video=VideoInfo(640, 480, FPS, 900)))["reason"] == []


def test_a_picture_that_could_not_be_measured_is_refused() -> None:
    nothing = {field.name: float("nan") for field in dataclasses.fields(GOOD_IMAGE)}
    assert found(with_image(**nothing))["reason"] == ["picture_not_measured"]


@functools.cache
def odd_landmarks() -> dict[str, np.ndarray]:
    """Return landmarks of which something is missing, of no size, or not to be had."""
    whole = make_landmarks(*looking(12))
    odd = {f"{count} frames": whole[:count] for count in (0, 1, 2, 3)} | {"whole": whole}
    odd["every second frame"] = whole.copy()
    odd["every second frame"][::2] = np.nan
    odd["one frame seen"] = np.full_like(whole, np.nan)
    odd["one frame seen"][100] = whole[100]
    odd["no face"] = np.full_like(whole, np.nan)
    odd["one place"] = np.full_like(whole, 100)
    odd["no width"] = whole * np.array([0, 1], np.float32)
    odd["no height"] = whole * np.array([1, 0], np.float32)
    odd["shut"] = make_landmarks(np.zeros(360), looking(12)[1])
    odd["one eye shut"] = make_landmarks(np.tile((0.3, 0.0), (360, 1)), looking(12)[1])
    odd["huge"] = whole * np.float32(1e30)
    odd["tiny"] = whole * np.float32(1e-30)
    eye = whole.copy()
    eye[::3, [FACE_MESH_INDICES.index(362), FACE_MESH_INDICES.index(263)]] = 300
    odd["an eye of no width in some frames"] = eye
    odd["no irises"] = without_irises(True).track.landmarks
    odd["no head pose"] = without_head_pose(True).track.landmarks
    for column in range(LANDMARK_COUNT):
        odd[f"without point {column}"] = whole.copy()
        odd[f"without point {column}"][:, column] = np.nan
    return odd


ODD_INFO: dict[str, dict[str, Any]] = {
    "usual": {},
    "nothing known": {"image_quality": ImageQuality(), "video": VideoInfo(640, 480, 0.0, 0)},
    "slow": {"fps": 0.5},
    "slow motion": {"fps": 240, "raised_step": 30, "out_of_time": True, "complete": False},
}


@pytest.mark.parametrize("info", ODD_INFO)
@pytest.mark.parametrize("name", odd_landmarks())
def test_no_text_speaks_of_a_number_that_is_none(name: str, info: str) -> None:
    track = make_track(odd_landmarks()[name], **ODD_INFO[info])
    for protocol in ((), (Phase("up", 0.0, 5.0), Phase("down", 5.0, 10.0))):
        analysis = analyze_track(track, Parameters(protocol=protocol))
        assessed = assess(analysis)
        texts = [finding.message for finding in (*assessed.reasons, *assessed.cautions)]
        for text in (*texts, assessed.rule_reason, assessed.patient_message):
            assert not re.search(r"\b(nan|inf)\b", text), text
        if info == "nothing known":
            assert assessed.status == "not_assessable"


def test_a_single_frame_is_too_short_and_lost_no_face() -> None:
    assert found(analyzed(make_landmarks(*looking(1 / FPS))))["reason"] == ["too_short"]


def test_blinks_of_a_face_lost_in_every_second_frame_are_not_to_be_relied_on() -> None:
    landmarks = with_blinks_cut(0).track.landmarks.copy()
    landmarks[::2] = np.nan
    analysis = analyzed(landmarks)
    assert analysis.measures.blink_count > 29
    assert np.isnan(analysis.measures.blink_rate_per_min)
    assert "blinks_cut" in found(analysis)["caution"]
    # Nor is a blink at the recording's edge cut by a face that is lost.
    ear, vertical = looking()
    blink(ear, 0, 4)
    blink(ear, ear.size - 4, 4)
    edges = analyzed(make_landmarks(ear, vertical))
    assert edges.measures.blink_count == 2
    assert found(edges)["caution"] == []


@pytest.mark.parametrize(
    ("gap_s", "lost_s", "reasons", "cautions"),
    [
        (0, 20, {"face_lost"}, set()),
        (24, 0, {"sampling_gaps"}, set()),
        # With enough frames, the face would still be lost for too long.
        (24, 18, {"sampling_gaps", "face_lost"}, set()),
        (24, 3, {"sampling_gaps"}, set()),
        # 33 % are not seen, of which the gap is 28 %: a face in the picture would not help.
        (17, 3, {"sampling_gaps"}, set()),
        (9, 12, {"face_lost"}, {"sampling_gaps"}),
        (9, 3, set(), {"sampling_gaps", "face_partly_lost"}),
        # 85 % are seen: all that has frames, or all but 1.7 %.
        (9, 0, set(), {"sampling_gaps"}),
        (9, 1, set(), {"sampling_gaps"}),
        (5, 2, set(), {"face_partly_lost"}),
    ],
)
def test_too_little_seen_is_put_down_to_what_it_is_due_to(
    gap_s: float, lost_s: float, reasons: set[str], cautions: set[str]
) -> None:
    """Of 60 s, `gap_s` have no frames, and `lost_s` have frames without a face."""
    track = make_track(make_landmarks(*looking(60)), FPS)
    track.landmarks[track.times_s >= 60 - lost_s] = np.nan
    keep = (track.times_s < 10) | (track.times_s >= 10 + gap_s)
    codes = found(analyze_track(keep_frames(track, keep), ASKED))
    about = {"sampling_gaps", "face_lost", "face_partly_lost"}
    assert about & set(codes["reason"]) == reasons
    assert about & set(codes["caution"]) == cautions


@pytest.mark.parametrize(
    ("sparse_s", "is_lost", "reasons"),
    [
        (25, True, {"sampling_gaps", "face_lost"}),
        (25, False, {"sampling_gaps"}),
        # The gaps are 28 % of the time; 33 % have no face.
        (17, True, {"face_lost"}),
        (17, False, set()),
    ],
)
def test_a_face_is_lost_in_few_frames_as_in_many(
    sparse_s: float, is_lost: bool, reasons: set[str]
) -> None:
    """Of 60 s, `sparse_s` have a frame every 0.27 s: gaps, and all seen if they show a face."""
    track = make_track(make_landmarks(*looking(60)), FPS)
    sparse = track.times_s >= 60 - sparse_s
    if is_lost:
        # Also the last 3 s before that.
        track.landmarks[track.times_s >= 57 - sparse_s] = np.nan
    keep = ~sparse | (track.frame_index % 8 == 0)
    codes = found(analyze_track(keep_frames(track, keep), ASKED))
    assert {"sampling_gaps", "face_lost"} & set(codes["reason"]) == reasons


@pytest.mark.parametrize("make", [with_a_face_for, lambda share: with_gaps(1 - share, 2.0)])
def test_a_range_below_the_threshold_with_a_part_unseen_is_no_evidence(
    make: Callable[[float], Analysis],
) -> None:
    track = make(0.85).track
    analysis = analyze_track(track, Parameters(vpp_thresh=0.3))
    assert assess(analysis).status == "not_assessable"
    assert found(analysis)["reason"] == found(analysis)["caution"] != []


# The patient's sentence


def codes_in_the_source() -> set[str]:
    """Return every code that a finding can have, as it is written where findings are made."""
    codes = set()
    sources = "".join(map(inspect.getsource, (assessment, obstacles, following)))
    for node in ast.walk(ast.parse(sources)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
            code = node.args[0]
            if isinstance(code, ast.Constant):
                codes.add(code.value)
            else:
                # The only one that is put together, of a phase's name.
                assert ast.unparse(code) == "f'phase_{name}_missing'"
                codes |= {f"phase_{name}_missing" for name in obstacles.VERTICAL_PHASES}
    return codes


SENTENCES = {
    key.removeprefix("patient."): text
    for key, text in TEXTS["en"].items()
    if key.startswith("patient.")
}


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    told = codes_in_the_source() - set(patient.NOT_TOLD)
    assert set(SENTENCES) - {"done", "next"} == told
    assert sorted(patient.CODES_BY_IMPORTANCE) == sorted(told)
    assert set(patient.NOT_TOLD) <= codes_in_the_source()


def test_every_code_has_a_gate_that_is_tested() -> None:
    assert {gate.code for gate in GATES} == codes_in_the_source()


@pytest.mark.parametrize("sentence", [text for key, text in SENTENCES.items() if key != "next"])
def test_sentences_are_plain(sentence: str) -> None:
    assert re.fullmatch(r"[A-Z][^.!?]*\.", sentence), "one sentence"
    assert len(sentence) <= 100
    # Not the verdict, no diagnosis, nothing that only a clinician understands.
    assert not re.search(r"palsy|PSP|suspect|threshold|Hz|pixel|canth|gaze|landmark", sentence)


def test_the_patient_hears_of_the_most_important_obstacle() -> None:
    landmarks = make_landmarks(*looking(5)) * np.float32(0.2)
    assessed = assess(
        analyzed(landmarks, image_quality=dataclasses.replace(GOOD_IMAGE, sharpness=0.1))
    )
    assert [finding.code for finding in assessed.reasons] == [
        "too_short",
        "eyes_too_small",
        "blurred",
    ]
    # A small face explains the others' trouble: first closer, then the rest.
    assert assessed.patient_message == SENTENCES["eyes_too_small"]


def test_the_patient_is_not_told_the_verdict() -> None:
    done = assess(analyzed())
    ear, vertical = looking()
    suspected = assess(analyzed(make_landmarks(ear, 0.1 * vertical)))
    assert (done.status, suspected.status) == ("not_suspected", "suspected")
    assert done.patient_message == suspected.patient_message == SENTENCES["done"]


@pytest.mark.parametrize(
    "code",
    sorted({gate.code for gate in GATES if gate.kind == "caution"} - set(patient.NOT_TOLD)),
)
def test_a_caution_asks_for_nothing_to_be_done_again(code: str) -> None:
    assert not re.search(r"again|once more", SENTENCES[code])


def test_a_caution_is_for_the_next_time() -> None:
    message = assess(analyzed(other_face_ratio=0.2)).patient_message
    assert message == f"{SENTENCES['done']} For the next time: {SENTENCES['other_face']}"


def test_the_order_is_the_table_s_and_not_the_findings() -> None:
    for codes in (["blurred", "no_face"], ["no_face", "blurred"]):
        assert patient.choose_patient_message(codes, []) == SENTENCES["no_face"]
