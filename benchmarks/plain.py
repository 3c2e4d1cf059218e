"""Compute all measures of a track frame by frame, with the plain code of the kernels' tests."""

import math
from dataclasses import dataclass

import numpy as np

from kernels.landmarks import FACE_MESH_INDICES
from kernels.opening import SHUT_RATIO
from kernels.pose import RIGID_POINTS
from tests import naive
from tracker.measures.gaze import AHEAD_OFFSET, MAX_HEAD_YAW_DEG, MAX_NOD_DEG
from tracker.measures.lids import (
    BLINK_GUARD_S,
    IRIS_IN_SIGHT,
    LOWERED_GAZE,
    SHORTEST_LOWERING_S,
    SLIT,
    UNSEEN_SHUT_RATIO,
)
from tracker.measures.phases import FIRST_S
from tracker.parameters import Parameters
from tracker.tracks.track import Track

NAN = math.nan


def measure_plain(track: Track, parameters: Parameters) -> dict[str, float]:
    """Compute the measures and the quality of a track without a protocol, below 110 Hz.

    Parameters
    ----------
    track : Track
    parameters : Parameters
        With the adaptive baseline.

    Returns
    -------
    dict of str to float
        Values by their names in `tracker.measures.analysis.Measures` and
        `tracker.measures.quality.Quality`.
    """
    times_s = track.times_s.tolist()
    frames = [_read_points(one) for one in track.landmarks]
    turned = [_read_points(one) for one in track.second_pass_landmarks]
    ear_by_eye = [[naive.ear(points, eye) for eye in naive.EYES] for points in frames]
    offsets = [[naive.gaze_offset(points, eye) for eye in naive.EYES] for points in frames]
    iris_px = [[naive.iris_diameter_px(points, eye) for eye in naive.EYES] for points in frames]
    width_px = [[naive.canthal_distance_px(points, eye) for eye in naive.EYES] for points in frames]
    roll_deg = [naive.head_roll_deg(points) for points in frames]
    ear = [(left + right) / 2 for left, right in ear_by_eye]
    seen = [not math.isnan(value) for value in ear]
    pose = [
        naive.head_pose_deg(list(RIGID_POINTS.values()), [points[i] for i in RIGID_POINTS])
        if there
        else (NAN, NAN)
        for points, there in zip(frames, seen, strict=True)
    ]
    level = naive.open_level(ear, times_s)
    lids = _detect_lids(ear, ear_by_eye, times_s, level, parameters)
    ratio, eye_ratio, closures = lids.ratio, lids.eye_ratio, lids.closures
    winks = naive.winks(eye_ratio, times_s)
    in_wink = naive.in_winks(closures.interval, [interval for interval, _ in winks])
    amplitude = naive.eye_amplitude(eye_ratio, closures.interval)
    alike = [
        min(both) / max(both) for both, part in zip(amplitude, in_wink, strict=True) if not part
    ]
    if alike and _median(alike) >= naive.WINK_ASYMMETRY:
        kept = [m for m, part in enumerate(in_wink) if not part]
    else:
        kept, winks = list(range(len(in_wink))), []
    typical = naive.typical_opening(ear)
    down = [value < parameters.close_ratio * typical for value in lids.level]
    held = [closures.interval[m] for m in kept if closures.kind[m] == naive.PROLONGED_CLOSURE]
    for start, stop in [*held, *(interval for interval, _ in winks)]:
        down[start:stop] = [False] * (stop - start)
    hidden = _find_hidden(frames, offsets, lids.level, typical, down, times_s, seen)
    intervals = [closures.interval[m] for m in kept]
    spans = [*intervals, *(interval for interval, _ in winks)]
    guard_s = BLINK_GUARD_S + naive.TIME_TOLERANCE_S
    near = naive.mark_around_closures(spans, times_s, guard_s)
    eyes_open = [
        there and not (closing or guarded or covered)
        for there, closing, guarded, covered in zip(seen, lids.closing, near, hidden, strict=True)
    ]

    pitch_deg = [one for _, one in pose]
    usual_pitch_deg = _median(pitch_deg)
    valid = [
        is_open and abs(yaw) <= MAX_HEAD_YAW_DEG and abs(pitch - usual_pitch_deg) <= MAX_NOD_DEG
        for is_open, (yaw, pitch) in zip(eyes_open, pose, strict=True)
    ]
    looks = [
        (n, turn, points)
        for n, turn, points in zip(
            track.second_pass_sample.tolist(), track.second_pass_turn.tolist(), turned, strict=True
        )
        if valid[n]
    ]
    gain, _ = naive.framing_gain(
        [sum(one.imag for one in offsets[n]) / 2 for n, _, _ in looks],
        [sum(naive.gaze_offset(p, eye).imag for eye in naive.EYES) / 2 for _, _, p in looks],
        [turn for _, turn, _ in looks],
    )
    centre = [
        _median([both[eye].imag for both, ok in zip(offsets, valid, strict=True) if ok])
        for eye in (0, 1)
    ]
    by_eye = [
        [centre[eye] + gain * (both[eye].imag - centre[eye]) for both in offsets] for eye in (0, 1)
    ]
    vertical = [(left + right) / 2 for left, right in zip(*by_eye, strict=True)]
    horizontal = [(left + right).real / 2 for left, right in offsets]
    difference = [(left - right) / 2 for left, right in zip(*by_eye, strict=True)]
    middle = _median([value for value, ok in zip(horizontal, valid, strict=True) if ok])
    ahead = [
        ok and abs(value - middle) <= AHEAD_OFFSET
        for value, ok in zip(horizontal, valid, strict=True)
    ]
    iris_ratio = _median(
        [
            iris / width
            for both, widths, ok in zip(iris_px, width_px, valid, strict=True)
            if ok
            for iris, width in zip(both, widths, strict=True)
        ]
    )
    degrees = [naive.rotation_deg(value, iris_ratio) for value in vertical]
    primary = _median(
        [v for v, t, ok in zip(vertical, times_s, valid, strict=True) if ok and t < FIRST_S]
    )
    low, high = naive.quantiles(vertical, valid, (0.05, 0.95))
    lid = [sum(naive.upper_lid_offset(p, eye) for eye in naive.EYES) / 2 for p in frames]
    near_closing = [a or b for a, b in zip(lids.closing, near, strict=True)]
    hidden_kept = [
        covered
        and not shut_
        and abs(yaw) <= MAX_HEAD_YAW_DEG
        and abs(pitch - usual_pitch_deg) <= MAX_NOD_DEG
        for covered, shut_, (yaw, pitch) in zip(hidden, near_closing, pose, strict=True)
    ]
    with_hidden = [a or b for a, b in zip(valid, hidden_kept, strict=True)]
    blinks = [m for m in kept if closures.kind[m] == naive.BLINK]
    durations_s = [
        closures.offset_s[m] - closures.onset_s[m]
        for m in blinks
        if closures.onset_seen[m] and closures.offset_seen[m]
    ]
    complete = [closures.least_ratio[m] for m in kept if closures.least_ratio[m] <= 0.6]
    shut = _median(complete) if complete else 0.6
    valid_time_s = naive.valid_time_s(seen, times_s)
    return {
        "valid_time_s": valid_time_s,
        "gaze_time_s": naive.valid_time_s(valid, times_s),
        "vertical_peak_to_peak": naive.peak_to_peak(vertical, valid),
        "vertical_peak_to_peak_any_time": high - low,
        "vertical_peak_to_peak_left": naive.peak_to_peak(by_eye[0], valid),
        "vertical_peak_to_peak_right": naive.peak_to_peak(by_eye[1], valid),
        "vertical_peak_to_peak_ahead": naive.peak_to_peak(vertical, ahead),
        "vertical_peak_to_peak_deg_est": naive.peak_to_peak(degrees, valid),
        "horizontal_peak_to_peak": naive.peak_to_peak(horizontal, valid),
        "head_pitch_range_deg": naive.peak_to_peak(pitch_deg, valid),
        "eye_disagreement": naive.peak_to_peak(difference, ahead),
        "vertical_noise_floor": naive.noise_floor(vertical, valid),
        "vertical_eye_correlation": naive.correlation(by_eye[0], by_eye[1], valid),
        "vertical_offset_median": _median(
            [value for value, ok in zip(vertical, valid, strict=True) if ok]
        ),
        "upper_lid_range": naive.peak_to_peak(lid, with_hidden),
        "down_range_is_lower_bound": sum(hidden_kept) > 0.01 * sum(with_hidden),
        "primary_position": primary,
        "up_range": primary - low,
        "down_range": high - primary,
        "framing_gain": gain,
        "blink_count": len(blinks),
        "prolonged_closure_count": sum(closures.kind[m] == naive.PROLONGED_CLOSURE for m in kept),
        "flutter_count": sum(closures.kind[m] == naive.FLUTTER for m in kept),
        "wink_count": len(winks),
        "blink_rate_per_min": 60 * len(blinks) / valid_time_s,
        "blink_duration_median_s": _median(durations_s),
        "inter_blink_interval_median_s": _median(
            naive.inter_blink_intervals_s([closures.interval[m][0] for m in blinks], seen, times_s)
        ),
        "perclos": naive.perclos(
            [
                0.0 if looks_down else (1 - value) / (1 - shut)
                for value, looks_down in zip(ratio, lids.glance, strict=True)
            ],
            times_s,
        ),
        "open_ear": _median([value for value, ok in zip(lids.level, seen, strict=True) if ok]),
        "canthal_distance_px": _median([value for both in width_px for value in both]),
        "iris_diameter_px": _median([value for both in iris_px for value in both]),
        "head_roll_deg": _median([abs(value) for value in roll_deg]),
        "head_yaw_deg": _median([abs(yaw) for yaw, _ in pose]),
        "head_pitch_deg": usual_pitch_deg,
    }


@dataclass
class Lids:
    """What the lids do; lists have one value for each sample (analysed frame).

    `level` is the EAR of the open eyes, `ratio` the EAR over it, and `eye_ratio` the same of each
    eye, left and right. `closing` marks the samples below the closing threshold, `glance` those in
    which the person only looks down. `closures` are the events.
    """

    level: list[float]
    ratio: list[float]
    eye_ratio: list[list[float]]
    closing: list[bool]
    glance: list[bool]
    closures: naive.Detected


def _detect_lids(
    ear: list[float],
    ear_by_eye: list[list[float]],
    times_s: list[float],
    level: list[float],
    parameters: Parameters,
) -> Lids:
    """Detect closures; then again, with eyes that are held shut told from lowered lids.

    `ear` is the mean of both eyes, `ear_by_eye` that of each, and `level` that of the open eyes,
    which is raised in place where eyes are held shut.
    """
    typical = naive.typical_opening(ear)
    noise = naive.lid_noise(ear, level, times_s)
    is_low = [value < SHUT_RATIO * typical for value in level]
    share = [
        _median(
            [
                both[eye] / mean
                for both, mean, open_ in zip(ear_by_eye, ear, level, strict=True)
                if not mean < parameters.close_ratio * open_ and mean > 0
            ]
        )
        for eye in (0, 1)
    ]

    def detect() -> tuple[list[naive.Dip], Lids]:
        ratio = [value / one for value, one in zip(ear, level, strict=True)]
        eye_ratio = [
            [both[eye] / (share[eye] * one) for eye in (0, 1)]
            for both, one in zip(ear_by_eye, level, strict=True)
        ]
        dips = naive.find_dips(ratio, eye_ratio, times_s, noise, is_low, parameters.close_ratio)
        closures = naive.detect_closures(ratio, times_s, dips, noise, parameters.shortest_closure_s)
        glance = [False] * len(ear)
        for dip in dips:
            if "long" in dip.refused and dip.least_ratio > naive.DEEP_RATIO:
                glance[slice(*dip.span)] = [True] * (dip.span[1] - dip.span[0])
        closing = [
            value < parameters.close_ratio and not looks_down
            for value, looks_down in zip(ratio, glance, strict=True)
        ]
        return dips, Lids(level, ratio, eye_ratio, closing, glance, closures)

    dips, lids = detect()
    deep = [dip.peak for dip in dips if not dip.refused and dip.least_ratio <= SHUT_RATIO]
    deepest = [n for n in deep if not is_low[n]]
    partly_low = [value < parameters.close_ratio * typical for value in level]
    runs = [*_runs(partly_low), *_runs(is_low)]
    opening = [_median([ear[n] for n in run]) for run in runs]
    blinks = [any(n in run for n in deep if is_low[n]) for run in runs]
    slits = [one - SLIT * typical for one, is_open in zip(opening, blinks, strict=True) if is_open]
    runs = [
        run
        for run, one, is_open in zip(runs, opening, blinks, strict=True)
        if one <= min(_expect_shut(ear, deepest, run, typical), *slits, math.inf) and not is_open
    ]
    before = list(level)
    for run in runs:
        # A low run inside a partly low one was raised with that.
        if any(level[n] == before[n] for n in run):
            _raise_level(level, run, times_s, typical)
        for n in run:
            is_low[n] = False
    return detect()[1] if runs else lids


def _expect_shut(ear: list[float], deepest: list[int], run: range, typical: float) -> float:
    """Return the highest EAR of shut eyes in a run; deepest are the samples of blinks' peaks."""
    if not deepest:
        return UNSEEN_SHUT_RATIO * typical
    before = [n for n in deepest if n < run[0]] or deepest[:1]
    after = [n for n in deepest if n >= run[0]] or deepest[-1:]
    beside = min(ear[before[-1]], ear[after[0]])
    return max(_median([ear[n] for n in deepest]), beside) + SLIT * typical


def _raise_level(level: list[float], run: range, times_s: list[float], typical: float) -> None:
    """Give eyes that are held shut, the samples in `run`, the level around them, in place.

    `typical` is the level if neither side shows one.
    """
    first, last = run[0], run[-1]
    while first > 0 and level[first - 1] > level[first]:
        first -= 1
    while last + 1 < len(level) and level[last + 1] > level[last]:
        last += 1
    around = []
    if first not in run and times_s[first] - times_s[0] >= naive.LEVEL_WINDOW_S / 2:
        around.append(level[first])
    if last not in run and times_s[-1] - times_s[last] >= naive.LEVEL_WINDOW_S / 2:
        around.append(level[last])
    for n in range(first, last + 1):
        level[n] = min(around, default=typical)


def _find_hidden(
    frames: list[dict[int, complex]],
    offsets: list[list[complex]],
    level: list[float],
    typical: float,
    down: list[bool],
    times_s: list[float],
    seen: list[bool],
) -> list[bool]:
    """Return for each sample whether a lowered lid covers the iris' centre.

    All lists have a value for each sample: the landmarks, as complex numbers in pixels; each eye's
    gaze offset (imaginary: down); the level of the open eyes; whether the lids are `down` but not
    in a closure; the time; whether there is a face. `typical` is the EAR of the open eyes.
    """
    gaze = [(left + right).imag / 2 for left, right in offsets]
    ahead = _median(
        [one for one, low, there in zip(gaze, down, seen, strict=True) if there and not low]
    )
    hidden = [False] * len(times_s)
    for run in _runs([low and there for low, there in zip(down, seen, strict=True)]):
        if times_s[run[-1]] - times_s[run[0]] < SHORTEST_LOWERING_S:
            continue
        far = _median([level[n] for n in run]) < SHUT_RATIO * typical
        if far or _median([gaze[n] for n in run]) - ahead >= LOWERED_GAZE:
            for n in run:
                lids = [naive.upper_lid_offset(frames[n], eye) for eye in naive.EYES]
                hidden[n] = gaze[n] - sum(lids) / 2 < IRIS_IN_SIGHT
    return hidden


def _runs(marked: list[bool]) -> list[range]:
    starts = [n for n in range(len(marked)) if marked[n] and not (n and marked[n - 1])]
    stops = [n + 1 for n in range(len(marked)) if marked[n] and not any(marked[n + 1 : n + 2])]
    return [range(start, stop) for start, stop in zip(starts, stops, strict=True)]


def _read_points(landmarks: np.ndarray) -> dict[int, complex]:
    return {
        index: complex(x, y)
        for index, (x, y) in zip(FACE_MESH_INDICES, landmarks.tolist(), strict=True)
    }


def _median(values: list[float]) -> float:
    return naive.quantile([value for value in values if not math.isnan(value)], 0.5)
