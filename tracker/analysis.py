"""A track and parameters to everything that is measured. Milliseconds; no video needed."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import (
    BLINK,
    LEFT,
    PROLONGED_CLOSURE,
    RIGHT,
    Closures,
    EyeGeometry,
    HeadPose,
    compute_eye_geometry,
    compute_head_pose,
    compute_inter_blink_intervals_s,
    compute_noise_floor,
    compute_open_baseline,
    compute_peak_to_peak,
    compute_peak_to_peak_interval,
    compute_perclos,
    compute_rate_interval,
    compute_rotation_deg,
    compute_typical_opening,
    compute_valid_time_s,
    detect_closures,
    detect_winks,
    mark_around_closures,
    mark_closures_in_winks,
)
from kernels.closures import COMPLETE_RATIO
from tracker.parameters import NOMINAL_EAR, Parameters
from tracker.phases import PhaseResult, mark_phases, measure_phases
from tracker.protocol import VERTICAL_PHASES
from tracker.track import Track

BLINK_GUARD_S = 0.1
"""Left out of the gaze on either side of a closure: the lid still moves the iris's outline."""
MIN_TYPICAL_EAR = 0.6 * NOMINAL_EAR
"""A typical opening below this is that of shut eyes: the baseline cannot be trusted."""
MIN_RATE_TIME_S = 1.0
"""Valid time below which no rate is computed."""
MAX_HEAD_YAW_DEG = 20.0
"""Foreshortening divides by the yaw's cosine: offsets read 6 % too large at 20 degrees."""
MAX_NOD_DEG = 10.0
"""Pitch from the recording's median beyond which a frame is left out of the gaze: eyes that rest in
a head that nods by so much move in the picture by as much as the verdict's threshold."""
AHEAD_OFFSET = 0.1
"""Horizontal offset from its median within which the eyes look ahead: beyond it, the measured
vertical offset moves along, by about a sixth."""
MIN_AHEAD_TIME_S = 3.0
"""Time with the eyes ahead below which their range is not computed."""
MIN_COVERAGE_FOR_BASELINE = 0.5
"""Share of the recording's time with a face, below which the baseline cannot be trusted."""

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Measures:
    """The recording's numbers; NaN where there is nothing to measure.

    Peak-to-peaks are the 95th minus the 5th percentile outside closures and their guard, the
    vertical ones within the protocol's phases up and down where it has them; in canthal
    distances unless the name says degrees. `_left` and `_right` are the subject's. `_deg_est` is
    an estimate and too small vertically: FaceMesh follows only a part of the iris's movement (0.4
    of it on the synthetic clips) and of the rest moves the lids and canthi along. `_ci95` are the
    95 % intervals of `kernels.uncertainty`; the noise floor is the peak-to-peak that the landmarks'
    jitter alone would give. `_ahead` is over the frames in which the eyes do not look aside.
    """

    duration_s: float
    fps: float
    valid_time_s: float
    gaze_time_s: float
    vertical_peak_to_peak: float
    vertical_peak_to_peak_ci95: tuple[float, float]
    vertical_noise_floor: float
    vertical_peak_to_peak_left: float
    vertical_peak_to_peak_right: float
    vertical_peak_to_peak_ahead: float
    vertical_peak_to_peak_deg_est: float
    vertical_offset_std: float
    vertical_offset_median: float
    horizontal_peak_to_peak: float
    horizontal_peak_to_peak_deg_est: float
    blink_count: int
    incomplete_blink_count: int
    prolonged_closure_count: int
    blink_rate_per_min: float
    blink_rate_per_min_ci95: tuple[float, float]
    blink_duration_median_s: float
    inter_blink_interval_median_s: float
    perclos: float
    open_ear: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that is computed from a track with one set of parameters.

    Attributes
    ----------
    track : Track
    parameters : Parameters
    geometry : EyeGeometry
        Per frame and eye.
    seen : ndarray, shape (N,), bool
        Frames with a face.
    ear, vertical_offset, horizontal_offset : ndarray, shape (N,), float64
        Means of both eyes.
    baseline : ndarray, shape (N,), float64
        Open-eye EAR around each frame.
    baseline_trusted : bool
        False where the adaptive baseline was not used for want of open eyes in sight.
    closures : Closures
    eye_amplitude : ndarray, shape (M, 2), float64
        Amplitude of each closure by eye: 0 = stays open, 1 = no opening left.
    gaze_valid : ndarray, shape (N,), bool
        Frames that count for the gaze: seen, outside closures and their guard.
    phases : tuple of PhaseResult
        What the eyes did in each phase of the protocol.
    measures : Measures
    """

    track: Track
    parameters: Parameters
    geometry: EyeGeometry
    seen: NDArray[np.bool_]
    ear: Float64Array
    vertical_offset: Float64Array
    horizontal_offset: Float64Array
    baseline: Float64Array
    baseline_trusted: bool
    closures: Closures
    eye_amplitude: Float64Array
    gaze_valid: NDArray[np.bool_]
    phases: tuple[PhaseResult, ...]
    measures: Measures


def analyze_track(track: Track, parameters: Parameters) -> Analysis:
    """Measure gaze and blinks.

    Parameters
    ----------
    track : Track
    parameters : Parameters
        `step` and `max_frames` were applied when the track was made and are not read here.

    Returns
    -------
    Analysis
    """
    times_s = track.times_s
    geometry = compute_eye_geometry(track.landmarks)
    ear = geometry.ear.mean(axis=1)
    vertical = geometry.vertical_offset.mean(axis=1)
    horizontal = geometry.horizontal_offset.mean(axis=1)
    seen = np.isfinite(ear)
    head = compute_head_pose(track.landmarks)
    valid_time_s = compute_valid_time_s(seen, times_s)
    duration_s, fps = _duration(track)

    trusted = (
        compute_typical_opening(ear) >= MIN_TYPICAL_EAR
        and valid_time_s >= MIN_COVERAGE_FOR_BASELINE * duration_s
    )
    if trusted and parameters.blink_baseline == "adaptive":
        baseline = compute_open_baseline(ear, times_s)
    else:
        baseline = np.full(ear.size, NOMINAL_EAR)
    ratio = ear / baseline
    eye_ratio = _eye_ratios(geometry, ear, ratio >= parameters.close_ratio) * ratio[:, np.newaxis]
    winks, _ = detect_winks(eye_ratio, times_s)
    closures = detect_closures(
        ratio, times_s, parameters.close_ratio, parameters.shortest_closure_s
    )
    closures = closures.select(~mark_closures_in_winks(closures, winks))
    # A sample below the threshold is not gaze either where it is no closure: noise, or cut off.
    lids_open = ~(ratio < parameters.close_ratio)
    eyes_closing = mark_around_closures(closures.interval, times_s, BLINK_GUARD_S)
    eyes_closing |= mark_around_closures(winks, times_s, BLINK_GUARD_S)
    gaze_valid = seen & lids_open & ~eyes_closing & _head_in_place(head)
    eye_amplitude = np.empty((len(closures.kind), 2))
    for place, (start, stop) in enumerate(closures.interval):
        eye_amplitude[place] = 1 - eye_ratio[start:stop].min(axis=0)

    is_blink = closures.kind == BLINK
    complete = closures.least_ratio <= COMPLETE_RATIO
    onsets = closures.interval[is_blink, 0]
    whole = is_blink & closures.onset_seen & closures.offset_seen
    durations_s = times_s[closures.interval[whole, 1]] - times_s[closures.interval[whole, 0]]
    # The shut lids' own opening ratio is full closure; see kernels.closures.COMPLETE_RATIO.
    shut_ratio = median_finite(closures.least_ratio[complete]) if complete.any() else COMPLETE_RATIO
    by_eye = geometry.vertical_offset
    in_task = mark_phases(parameters.protocol, VERTICAL_PHASES, times_s)
    vertical_valid = gaze_valid & in_task if in_task.any() else gaze_valid
    noise_floor = compute_noise_floor(vertical, gaze_valid)
    ahead = vertical_valid & (
        np.abs(horizontal - median_finite(horizontal[gaze_valid])) <= AHEAD_OFFSET
    )
    enough_ahead = compute_valid_time_s(ahead, times_s) >= MIN_AHEAD_TIME_S
    rate_time_s = valid_time_s if valid_time_s >= MIN_RATE_TIME_S else math.nan
    iris_ratio = median_finite(
        (geometry.iris_diameter_px / geometry.canthal_distance_px)[gaze_valid].ravel()
    )
    iris_ratio = iris_ratio if iris_ratio > 0 else math.nan
    vertical_deg = compute_rotation_deg(vertical, iris_ratio)
    horizontal_deg = compute_rotation_deg(horizontal, iris_ratio)
    measures = Measures(
        duration_s=duration_s,
        fps=fps,
        valid_time_s=valid_time_s,
        gaze_time_s=compute_valid_time_s(gaze_valid, times_s),
        vertical_peak_to_peak=compute_peak_to_peak(vertical, vertical_valid),
        vertical_peak_to_peak_ci95=compute_peak_to_peak_interval(vertical, vertical_valid, times_s),
        vertical_noise_floor=noise_floor,
        vertical_peak_to_peak_left=compute_peak_to_peak(by_eye[:, LEFT], vertical_valid),
        vertical_peak_to_peak_right=compute_peak_to_peak(by_eye[:, RIGHT], vertical_valid),
        vertical_peak_to_peak_ahead=compute_peak_to_peak(vertical, ahead & enough_ahead),
        vertical_peak_to_peak_deg_est=compute_peak_to_peak(vertical_deg, vertical_valid),
        vertical_offset_std=float(vertical[gaze_valid].std()) if gaze_valid.any() else math.nan,
        vertical_offset_median=median_finite(vertical[gaze_valid]),
        horizontal_peak_to_peak=compute_peak_to_peak(horizontal, gaze_valid),
        horizontal_peak_to_peak_deg_est=compute_peak_to_peak(horizontal_deg, gaze_valid),
        blink_count=int(is_blink.sum()),
        incomplete_blink_count=int((is_blink & ~complete).sum()),
        prolonged_closure_count=int((closures.kind == PROLONGED_CLOSURE).sum()),
        blink_rate_per_min=60 * int(is_blink.sum()) / rate_time_s,
        blink_rate_per_min_ci95=compute_rate_interval(int(is_blink.sum()), rate_time_s / 60),
        blink_duration_median_s=median_finite(durations_s),
        inter_blink_interval_median_s=median_finite(
            compute_inter_blink_intervals_s(onsets, seen, times_s)
        ),
        perclos=compute_perclos((1 - ratio) / (1 - shut_ratio), times_s),
        open_ear=median_finite(baseline[seen]),
    )
    return Analysis(
        track=track,
        parameters=parameters,
        geometry=geometry,
        seen=seen,
        ear=ear,
        vertical_offset=vertical,
        horizontal_offset=horizontal,
        baseline=baseline,
        baseline_trusted=trusted,
        closures=closures,
        eye_amplitude=eye_amplitude,
        gaze_valid=gaze_valid,
        phases=measure_phases(
            parameters.protocol, times_s, vertical, horizontal, gaze_valid, noise_floor
        ),
        measures=measures,
    )


def _eye_ratios(geometry: EyeGeometry, ear: Float64Array, lids_open: BoolArray) -> Float64Array:
    """Return each eye's EAR over the mean's, shape (N, 2), over the same of the open eyes.

    One baseline serves both eyes: the person's eyes differ by a constant, and baselines that adapt
    each by itself would part where one of them takes lowered lids for open ones.
    """
    share = geometry.ear / ear[:, np.newaxis]
    usual = [median_finite(share[lids_open, eye]) for eye in (LEFT, RIGHT)]
    return share / np.array(usual)


def _head_in_place(head: HeadPose) -> BoolArray:
    """Mark the frames in which the head faces the camera as it mostly does."""
    nod_deg = head.pitch_deg - median_finite(head.pitch_deg)
    return (np.abs(head.yaw_deg) <= MAX_HEAD_YAW_DEG) & (np.abs(nod_deg) <= MAX_NOD_DEG)


def _duration(track: Track) -> tuple[float, float]:
    """Return the recording's length in seconds and its source frames per second, as measured."""
    times_s = track.times_s
    if times_s.size < 2:
        return 0.0, math.nan
    elapsed_s = float(times_s[-1] - times_s[0])
    fps = float(track.frame_index[-1] - track.frame_index[0]) / elapsed_s
    # The last frame is shown as long as a typical one.
    return elapsed_s + float(np.median(np.diff(times_s))), fps


def median_finite(values: Float64Array) -> float:
    """Return the median of the values that are not missing, NaN without one."""
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else math.nan
