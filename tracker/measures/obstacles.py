"""Find the reasons why a recording is not assessable, and what limits its numbers.

An obstacle rules out an answer; a caution is told beside it. The basis is the range that decides.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from kernels import BLINK, compute_valid_time_s, mark_around_closures
from kernels.dips import REFUSALS
from kernels.measures import RANGE_QUANTILES, median_finite
from tracker.measures.analysis import Analysis
from tracker.measures.basis import SMALL_RANGE_COUNTS, Basis
from tracker.measures.findings import Finding
from tracker.measures.following import find_unfollowed
from tracker.measures.gaze import MAX_HEAD_YAW_DEG, NOTED_PITCH_RANGE_DEG
from tracker.measures.quality import MIN_RATE_HZ, Quality, measure_lost_share
from tracker.protocol import VERTICAL_PHASES
from tracker.words import round_range

MIN_VALID_TIME_S = 10.0
"""Least time with a face."""
MIN_GAZE_TIME_S = 5.0
"""Least time that counts for the gaze."""
MIN_COVERAGE = 0.7
"""Least share of the recording's time with a face."""
MAX_SLOW_SHARE = 0.1
"""Largest share of the time below `MIN_RATE_HZ`, if the step was raised to finish in time."""
MIN_PHASE_TIME_S = 1.0
"""Least gaze time in the phases up, and in the phases down; a percentile of less is meaningless."""
MIN_CANTHAL_DISTANCE_PX = 24.0
"""Least width of an eye. In degraded recordings, the measured range is off by 1 % at 24 and by 11 %
at 18 (docs/accuracy.md)."""
MAX_HEAD_PITCH_DEG = 25.0
"""Largest pitch, measured from a camera at the height of the eyes.

Foreshortening makes offsets read 9 % too large at 25 degrees. FaceMesh rarely saw faces with a
larger pitch.
"""
AMBIGUOUS_FACE_RATIO = 0.5
"""If the second face's area, summed over time, is this share of the first one's or more, it is not
clear who was recorded."""
NOTED_FACE_RATIO = 0.05
"""If it is this share or more, the second face is mentioned."""
MAX_FAILED_SHARE = 0.05
"""Share of frames that are damaged or missing, above which this is mentioned."""
SLOW_BLINK_S = 0.8
"""Median duration of closures above which a recording may be slow motion. Blinks last 0.1-0.4 s."""
SLOW_FALL_S = 0.2
"""Shortest fall of the lids, from onset to peak, above which the same holds: a blink's takes up to
0.15 s."""
SLOW_WIDTH_S = 0.5
"""Median width of dips that are all too slow for closures, above which the same holds."""
LEAST_SLOW_CLOSURES = 3
"""Fewer closures tell nothing of the speed of a recording."""
NOTED_CLOSURE_SHARE = 0.1
"""Share of the time with a face in prolonged closures and winks, above which it is mentioned."""

MIN_SHARPNESS = 0.15
"""Least sharpness. In degraded recordings, the range reads 12 % too small at 0.09
(docs/accuracy.md)."""
MIN_CONTRAST_OVER_NOISE = 5.0
"""Least contrast over noise. Degraded clips are still measured correctly at 5.2. The range of
synthetic clips is wrong at 3.7, and the blinks of recordings are wrong at 2.1
(docs/accuracy.md)."""
DARK_GREY_LEVEL = 60.0
"""Mean grey level below which a noisy image is called dark.

It only chooses the message, because it depends on the skin as well as on the light.
"""
MAX_CLIPPED_SHARE = 0.25
"""Largest share of black and white pixels. Degraded clips are still measured correctly at 0.14; at
0.41 the range reads 16 % too large (docs/accuracy.md)."""
MIN_BITS_PER_EYE = 10.0
"""Fewest bits for an eye. Three quarters of the re-encoded recordings whose measures became wrong
have fewer (docs/accuracy.md)."""
NOTED_BITS_PER_EYE = 30.0
"""Bits for an eye below which compression is mentioned. Nine tenths of the re-encoded recordings
whose measures became wrong have fewer. Original recordings have at least 18 (docs/accuracy.md)."""
MAX_EYE_DISAGREEMENT = 0.02
"""Largest disagreement of the two eyes. The median of original recordings is 0.013. The least
disagreement that made a fixed gaze pass the threshold was 0.023 (docs/accuracy.md)."""
NOTED_UNSEEN_SHARE = 0.1
"""Share of the time without a face, or in gaps between frames, above which it is mentioned.

The range ignores an extreme gaze that lasts less than 5 % of the time. Only a longer unseen time
can hide one that would count.
"""
NOTED_EXCLUDED_SHARE = 0.2
"""Share of the recording's time that does not count for the gaze, above which it is mentioned."""
NOTED_HEAD_SPREAD_DEG = 10.0
"""The head is called unsteady if it turns or nods further than this from its median for over 5 % of
the time. A nod this far moves resting eyes by as much as the verdict's threshold."""
NOTED_CUT_SHARE = 0.1
"""Share of the blinks with an unseen beginning or end, above which it is mentioned."""

RANGE_HIDING = (
    "max_frames_reached",
    "out_of_time",
    "video_cut_off",
    "video_damaged",
    "eyes_held_shut",
    "lids_lowered",
    "face_partly_lost",
    "head_moved",
    "sampling_gaps",
    "gaze_not_followed",
)
"""Cautions about what may hide a part of the range: time that was not seen, mostly."""


def find_obstacles(analysis: Analysis, quality: Quality) -> list[Finding]:
    """Return the findings that rule out an answer at any threshold; empty if there are none."""
    if not analysis.traces.seen.any():
        return [Finding("no_face")]
    if quality.sampled_rate_hz < MIN_RATE_HZ:
        # Frames this far apart add no valid time, so the other checks would report a lost face.
        return [Finding("low_rate", {"rate_hz": quality.sampled_rate_hz, "least_hz": MIN_RATE_HZ})]
    found = _find_slow_part(analysis)
    open_time_s = compute_valid_time_s(analysis.gaze.eyes_open, analysis.track.times_s)
    found += _find_time_obstacles(analysis, quality, open_time_s)
    # Every face has a width; NaN must not pass.
    if not quality.canthal_distance_px >= MIN_CANTHAL_DISTANCE_PX:
        width = {"width_px": quality.canthal_distance_px, "least_px": MIN_CANTHAL_DISTANCE_PX}
        found.append(Finding("eyes_too_small", width))
    found += _find_head_obstacles(analysis, quality, open_time_s)
    # NaN must not pass.
    if not quality.other_face_ratio < AMBIGUOUS_FACE_RATIO:
        found.append(Finding("several_faces"))
    found += _find_image_obstacles(quality)
    if not found and not math.isfinite(analysis.measures.vertical_peak_to_peak):
        found.append(Finding("gaze_not_measured"))
    return found


def _find_slow_part(analysis: Analysis) -> list[Finding]:
    """Return a finding if the rate of frames is too low in a part of the recording.

    Frames are skipped so that tracking ends in time. The median time between frames does not show
    such a part. Blinks are missed in it, so their rate reads too low. The list is empty if the rate
    is below `MIN_RATE_HZ` in `MAX_SLOW_SHARE` of the time or less, or if none were skipped.
    """
    intervals_s = np.diff(analysis.track.times_s)
    slow = intervals_s > 1.05 / MIN_RATE_HZ
    share = float(intervals_s[slow].sum() / intervals_s.sum()) if intervals_s.size else 0.0
    if not analysis.track.info.raised_step or share <= MAX_SLOW_SHARE:
        return []
    return [Finding("low_rate", {"share": share, "least_hz": MIN_RATE_HZ}, "part")]


def _find_time_obstacles(
    analysis: Analysis, quality: Quality, open_time_s: float
) -> Iterator[Finding]:
    """Yield findings if the face, or open eyes (`open_time_s` seconds), were seen too briefly.

    With a protocol, the gaze must also be seen in its phases up and in its phases down. Gaps and a
    lost face must not take too large a share of the recording.
    """
    seen_s = analysis.measures.valid_time_s
    if seen_s < MIN_VALID_TIME_S:
        yield Finding("too_short", {"seen_s": seen_s, "least_s": MIN_VALID_TIME_S})
    elif open_time_s < MIN_GAZE_TIME_S:
        yield Finding("eyes_closed", {"open_s": open_time_s, "least_s": MIN_GAZE_TIME_S})
    if analysis.parameters.protocol:
        phases_s = dict.fromkeys(VERTICAL_PHASES, 0.0)
        for phase in analysis.phases:
            if phase.phase in phases_s:
                phases_s[phase.phase] += phase.gaze_time_s
        for name, time_s in phases_s.items():
            if time_s < MIN_PHASE_TIME_S:
                yield Finding(
                    f"phase_{name}_missing", {"seen_s": time_s, "least_s": MIN_PHASE_TIME_S}
                )
    too_many_gaps, too_often_lost = _say_why_unseen(analysis, quality)
    if too_many_gaps:
        yield _sampling_gaps(quality)
    if too_often_lost:
        yield Finding("face_lost", {"seen": quality.face_coverage, "least": MIN_COVERAGE})


def _say_why_unseen(analysis: Analysis, quality: Quality) -> tuple[bool, bool]:
    """Return whether gaps between frames, and whether a lost face, rule out an answer.

    Each has a remedy of its own: a face is not lost where there are no frames. If too little is
    seen, and the face was hardly lost, it is for the gaps.
    """
    # With fewer than two frames the coverage is NaN, and the recording is too short.
    too_little = quality.face_coverage < MIN_COVERAGE
    is_lost = too_little and measure_lost_share(analysis) > NOTED_UNSEEN_SHARE
    return quality.gap_share > 1 - MIN_COVERAGE or (too_little and not is_lost), is_lost


def _find_head_obstacles(
    analysis: Analysis, quality: Quality, open_time_s: float
) -> Iterator[Finding]:
    """Yield findings if the head's median direction is unknown, or too far from the camera's.

    Also yield one if the head moves so much that too little of `open_time_s`, the seconds in which
    the eyes were seen open, is left to measure the gaze.
    """
    gaze_time_s = analysis.measures.gaze_time_s
    if math.isnan(quality.head_yaw_deg + quality.head_pitch_deg):
        yield Finding("head_not_measured")
    elif quality.head_yaw_deg > MAX_HEAD_YAW_DEG:
        yield Finding(
            "head_turned", {"yaw_deg": quality.head_yaw_deg, "most_deg": MAX_HEAD_YAW_DEG}
        )
    elif gaze_time_s < MIN_GAZE_TIME_S <= open_time_s:
        yield Finding("head_moved", {"left_s": gaze_time_s, "least_s": MIN_GAZE_TIME_S}, "time")
    if abs(quality.head_pitch_deg) > MAX_HEAD_PITCH_DEG:
        yield Finding(
            "camera_angle",
            {"pitch_deg": abs(quality.head_pitch_deg), "most_deg": MAX_HEAD_PITCH_DEG},
            "above" if quality.head_pitch_deg > 0 else "below",
        )


def _find_image_obstacles(quality: Quality) -> Iterator[Finding]:
    """Yield findings if the images are too bad to measure, such as blurred, or not assessed."""
    # A missing value is reported as not measured, not as bad.
    if math.isnan(
        quality.contrast_over_noise + quality.sharpness + quality.face_grey + quality.clipped_share
    ):
        yield Finding("picture_not_measured")
    if quality.contrast_over_noise < MIN_CONTRAST_OVER_NOISE:
        yield Finding(
            "too_dark_or_noisy",
            {"ratio": quality.contrast_over_noise, "least": MIN_CONTRAST_OVER_NOISE},
            "dark" if quality.face_grey < DARK_GREY_LEVEL else "grainy",
        )
    if quality.sharpness < MIN_SHARPNESS:
        yield Finding("blurred", {"sharpness": quality.sharpness, "least": MIN_SHARPNESS})
    if quality.clipped_share > MAX_CLIPPED_SHARE:
        yield Finding("overexposed", {"share": quality.clipped_share, "most": MAX_CLIPPED_SHARE})
    # NaN passes, because the bit rate of a video is not always known.
    if quality.bits_per_eye < MIN_BITS_PER_EYE:
        yield Finding("strong_compression", {"bits": quality.bits_per_eye})


def find_basis_obstacles(
    analysis: Analysis, quality: Quality, cautions: Sequence[Finding], basis: Basis
) -> list[Finding]:
    """Return why the range that decides (`basis`) does not support an answer; empty if it does.

    The range may be hidden in part (`cautions`, from `find_cautions`, tell that), owe too much to
    other movements, or differ between the eyes. If its 95 % interval is not above the limit, it may
    be a lower bound, or nobody may know that the person was asked for it.
    """
    found = _find_hidden_range(analysis, cautions, basis) or _find_disagreement(quality, basis)
    if found or basis.side == "above":
        return found
    shown = {"range": round_range(basis.value, basis.limit)}
    if basis.is_lower_bound:
        return [Finding("range_is_lower_bound", shown)]
    parameters = analysis.parameters
    if not parameters.protocol and not SMALL_RANGE_COUNTS[parameters.task]:
        variant = "" if basis.side == "below" else "between"
        if parameters.task == "unknown":
            return [Finding("task_unknown", {}, variant)]
        return [Finding("times_unknown", {}, variant)]
    return []


def _find_hidden_range(
    analysis: Analysis, cautions: Sequence[Finding], basis: Basis
) -> list[Finding]:
    """Return why the true range of gaze may lie on the other side of the verdict's limit.

    `basis` is the range that decides. If it is below its limit, time in which the eyes were not
    seen, or landmarks that do not follow the irises, may have made it too small: the `cautions`
    (from `find_cautions`) in `RANGE_HIDING` are returned, but no variant ``up``, and a finding if
    the range over all the recording passes the limit. If it is not below, there is a finding if
    only looking aside, or nodding, brought it there: both move the measured iris up and down.
    """
    measures = analysis.measures
    if basis.value < basis.limit:
        hiding = [one for one in cautions if one.code in RANGE_HIDING and one.variant != "up"]
        any_time = measures.vertical_peak_to_peak_any_time
        if measures.vertical_peak_to_peak < basis.threshold <= any_time:
            shown = round_range(any_time, basis.threshold)
            hiding.append(Finding("protocol_mismatch", {"range": shown}, "elsewhere"))
        return hiding
    # What looking aside adds to the whole range may all have been added to the basis.
    least = min(
        measures.vertical_peak_to_peak_ahead, measures.vertical_peak_to_peak_beyond_horizontal
    )
    straight = basis.value - (measures.vertical_peak_to_peak - least)
    # NaN must not pass: without enough time ahead, there is no range ahead.
    if not straight >= basis.limit or math.isnan(measures.vertical_peak_to_peak_ahead):
        return [Finding("looked_aside", {"range": round_range(straight, basis.limit)})]
    nodded = measures.head_pitch_range_deg > NOTED_PITCH_RANGE_DEG
    if nodded and basis.value - measures.nod_allowance < basis.limit:
        nod = {
            "nod_deg": measures.head_pitch_range_deg,
            "allowance": measures.nod_allowance,
            "range": round_range(basis.value, basis.limit),
        }
        return [Finding("head_moved", nod, "nod")]
    return []


def _find_disagreement(quality: Quality, basis: Basis) -> list[Finding]:
    """Return a finding if the eyes disagree so much that the answer may be wrong.

    `basis` is the range that decides. The true range is assumed to differ from the measured one by
    no more than the disagreement of the two eyes (`Quality.eye_disagreement`). There is a finding
    if the true range can then lie on the other side of the limit, and the disagreement is above
    `MAX_EYE_DISAGREEMENT`. For example, if one eye's landmarks do not move, the mean of both eyes
    shows half of the other eye's range, and the disagreement is the half that is missing.

    In a range down below its limit, only a part of the disagreement can be missing: its limit
    divided by the limit of the whole range.
    """
    disagreement = quality.eye_disagreement
    missing = disagreement * basis.limit / basis.threshold
    passes = (
        basis.value - disagreement < basis.limit
        if basis.value >= basis.limit
        else basis.value + missing >= basis.limit
    )
    if disagreement > MAX_EYE_DISAGREEMENT and passes:
        shown = round_range(basis.value, basis.limit)
        return [Finding("eyes_disagree", {"disagreement": disagreement, "range": shown})]
    return []


def find_basis_cautions(analysis: Analysis, basis: Basis) -> list[Finding]:
    """Return the caution about the range that decides, if there is one: at most one.

    Without a protocol: the task is assumed. With one: the whole range decides, not the range down;
    or the range up is small.
    """
    parameters, measures = analysis.parameters, analysis.measures
    if not parameters.protocol:
        return [Finding("task_assumed")] if parameters.task_assumed else []
    if basis.name != "down_range":
        return [Finding("down_not_apart")]
    # Without a phase up, nobody asked for that range.
    asked_up = any(phase.phase == "up" for phase in parameters.protocol)
    if asked_up and measures.up_range_ci95[1] < basis.limit:
        shown = round_range(measures.up_range, basis.limit)
        return [Finding("up_limited", {"range": shown, "limit": basis.limit})]
    return []


def find_cautions(analysis: Analysis, quality: Quality) -> list[Finding]:
    """Return the findings that limit the numbers but do not by themselves rule out an answer."""
    return [
        *_find_seen_cautions(analysis, quality),
        *_find_event_cautions(analysis),
        *_find_recording_cautions(analysis, quality),
        *_find_track_cautions(analysis),
    ]


def _find_seen_cautions(analysis: Analysis, quality: Quality) -> Iterator[Finding]:
    """Yield cautions about eyes or face seen too little, a moved head, and irises not followed."""
    if analysis.parameters.blink_baseline == "adaptive" and not analysis.traces.baseline_trusted:
        yield Finding("baseline_fixed")
    shut_s, hidden_s = _covered_s(analysis)
    if shut_s + hidden_s > NOTED_CLOSURE_SHARE * analysis.measures.valid_time_s:
        # The larger part, because each has a remedy of its own.
        if hidden_s > shut_s:
            yield Finding("lids_lowered", {"hidden_s": hidden_s})
        else:
            yield Finding("eyes_held_shut", {"shut_s": shut_s})
    # Where gaps are told, a face is only told that was lost for so long that the range may miss it.
    by_gaps = quality.gap_share > NOTED_UNSEEN_SHARE
    is_lost = not by_gaps or measure_lost_share(analysis) >= RANGE_QUANTILES[0]
    if is_lost and 1 - NOTED_UNSEEN_SHARE > quality.face_coverage >= MIN_COVERAGE:
        yield Finding("face_partly_lost", {"seen": quality.face_coverage})
    if quality.head_moved_share > NOTED_UNSEEN_SHARE:
        yield Finding("head_moved", {"share": quality.head_moved_share})
    spread_deg = max(quality.head_yaw_spread_deg, quality.head_pitch_spread_deg)
    if spread_deg > NOTED_HEAD_SPREAD_DEG:
        yield Finding("head_unsteady", {"spread_deg": spread_deg})
    yield from find_unfollowed(analysis)
    if quality.gaze_share < 1 - NOTED_EXCLUDED_SHARE:
        times_s = {"used_s": analysis.measures.gaze_time_s, "seen_s": analysis.measures.duration_s}
        yield Finding("gaze_partly_used", times_s)


def _find_event_cautions(analysis: Analysis) -> Iterator[Finding]:
    """Yield cautions if gaze is lower in the phases up than down, or many blinks are seen in part.

    Of several phases of a direction, the median one counts.
    """
    up, down = (
        median_finite(np.array([one.held_offset for one in analysis.phases if one.phase == name]))
        for name in ("up", "down")
    )
    if up - down > analysis.measures.vertical_noise_floor:
        yield Finding("protocol_mismatch")
    cut, blinks = _count_cut_blinks(analysis), analysis.measures.blink_count
    if cut > NOTED_CUT_SHARE * blinks:
        yield Finding("blinks_cut", {"cut": cut, "blinks": blinks})


def _find_recording_cautions(analysis: Analysis, quality: Quality) -> Iterator[Finding]:
    """Yield cautions about time gaps, compression and a second face, unless they are obstacles."""
    if quality.gap_share > NOTED_UNSEEN_SHARE and not _say_why_unseen(analysis, quality)[0]:
        yield _sampling_gaps(quality)
    if MIN_BITS_PER_EYE <= quality.bits_per_eye < NOTED_BITS_PER_EYE:
        yield Finding("strong_compression", {"bits": quality.bits_per_eye})
    if NOTED_FACE_RATIO <= quality.other_face_ratio < AMBIGUOUS_FACE_RATIO:
        yield Finding("other_face")


def _find_track_cautions(analysis: Analysis) -> Iterator[Finding]:
    """Yield cautions about the frames and their times, such as damage and slow motion."""
    info = analysis.track.info
    if info.raised_step:
        yield Finding("step_raised", {"largest_step": info.raised_step, "step": info.step})
    if info.cut_off:
        yield Finding("video_cut_off", {"read_s": analysis.measures.duration_s})
    elif info.out_of_time:
        yield Finding("out_of_time", {"analysed_s": analysis.measures.duration_s})
    elif not info.complete:
        yield Finding("max_frames_reached", {"frames": len(analysis.track.times_s)})
    if info.recordings > 1:
        yield Finding("several_videos", {"videos": info.recordings})
    if _looks_slowed_down(analysis):
        yield Finding("slow_motion_suspected")
    failed = max(info.frames_failed, _count_missing_frames(analysis))
    if failed > MAX_FAILED_SHARE * max(info.frames_decoded, 1):
        yield Finding("video_damaged", {"frames": failed})
    if info.time_source == "stream_repaired":
        yield Finding("timestamps_repaired")
    if info.time_source == "frame_rate":
        yield Finding("timestamps_unusable")


def _sampling_gaps(quality: Quality) -> Finding:
    gaps = {"share": quality.gap_share, "longest_s": quality.longest_gap_s}
    return Finding("sampling_gaps", gaps)


def _covered_s(analysis: Analysis) -> tuple[float, float]:
    """Return how many seconds an eye is held shut, and how many lowered lids hide the irises.

    Eyes are held shut in prolonged closures, winks and flutters. Time in both counts as held shut.
    """
    times_s, closures = analysis.track.times_s, analysis.events.closures
    shut = np.zeros(times_s.size, dtype=np.bool_)
    for intervals in (closures.interval[closures.kind != BLINK], analysis.events.winks):
        if len(intervals):
            shut |= mark_around_closures(intervals, times_s, 0.0)
    hidden = analysis.events.iris_hidden & ~shut
    return compute_valid_time_s(shut, times_s), compute_valid_time_s(hidden, times_s)


def _count_missing_frames(analysis: Analysis) -> int:
    """Return the number of frames that the video file declares but lacks at its end.

    The result is 0 if the recording is about as long as declared, because some files declare a
    wrong rate or only estimate the count. It is also 0 if the track ended before the video did, or
    the file declares no rate.
    """
    info = analysis.track.info
    if not info.complete or not info.video.fps:
        return 0
    declared_s = info.video.frame_count / info.video.fps / info.slowed_down
    if analysis.measures.duration_s >= (1 - MAX_FAILED_SHARE) * declared_s:
        return 0
    return info.video.frame_count - info.frames_decoded


def _looks_slowed_down(analysis: Analysis) -> bool:
    """Return whether the lids move so slowly that the video is probably in slow motion.

    False if the file itself says that it is: its times are then corrected already. Also False if
    there are fewer than `LEAST_SLOW_CLOSURES` closures, or dips too slow for one, to tell from.
    """
    times_s, dips = analysis.track.times_s, analysis.events.dips
    if analysis.track.info.slowed_down != 1:
        return False
    # A blink that is slow enough is no closure any more: its dip is refused for its speed alone.
    shaped = dips.refused & ~(REFUSALS["slow"] | REFUSALS["long"]) == 0
    slow = shaped & (dips.refused & REFUSALS["slow"] > 0)
    if np.count_nonzero(slow) >= LEAST_SLOW_CLOSURES and (slow == shaped).all():
        return bool(np.nanmedian(dips.width_s[slow]) > SLOW_WIDTH_S)
    closures = analysis.events.closures
    whole = closures.select(closures.onset_seen & closures.offset_seen)
    if len(whole.peak) < LEAST_SLOW_CLOSURES:
        return False
    starts_s = times_s[whole.interval[:, 0]]
    durations_s = times_s[whole.interval[:, 1] - 1] - starts_s
    falls_s = times_s[whole.peak] - starts_s
    # Lids that sink with the gaze are as slow, but a single quick fall shows the normal speed.
    return bool(np.median(durations_s) > SLOW_BLINK_S and falls_s.min() > SLOW_FALL_S)


def _count_cut_blinks(analysis: Analysis) -> int:
    """Return the number of blinks cut by a lost face or a gap, not by the recording's own ends."""
    closures = analysis.events.closures.select(analysis.events.closures.kind == BLINK)
    inside = (closures.interval[:, 0] > 0, closures.interval[:, 1] < analysis.traces.seen.size)
    cut = (~closures.onset_seen & inside[0]) | (~closures.offset_seen & inside[1])
    return int(cut.sum())
