"""A track and parameters to everything that is measured. Milliseconds; no video needed."""

import math
from dataclasses import dataclass, fields

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
    compute_open_baseline,
    compute_perclos,
    compute_rate_interval,
    compute_typical_opening,
    compute_valid_time_s,
    detect_closures,
    detect_winks,
    mark_around_closures,
    mark_closures_in_winks,
)
from kernels.closures import COMPLETE_RATIO, WINK_ASYMMETRY
from kernels.measures import median_finite
from tracker.gaze import Gaze, GazeMeasures, measure_gaze, trace_gaze
from tracker.parameters import NOMINAL_EAR, Parameters
from tracker.phases import PhaseResult, measure_phases
from tracker.track import Track

BLINK_GUARD_S = 0.1
"""Left out of the gaze on either side of a closure: the lid still moves the iris's outline."""
MIN_TYPICAL_EAR = 0.6 * NOMINAL_EAR
"""A typical opening below this is that of shut eyes: the baseline cannot be trusted."""
MIN_RATE_TIME_S = 1.0
"""Valid time below which no rate is computed."""
MIN_COVERAGE_FOR_BASELINE = 0.5
"""Share of the recording's time with a face, below which the baseline cannot be trusted."""

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Measures(GazeMeasures):
    """The recording's numbers, those of the gaze included; NaN where there is nothing to measure.

    Attributes
    ----------
    duration_s, fps, valid_time_s : float
        Length, source frames a second, time with a face.
    blink_count, incomplete_blink_count, prolonged_closure_count, wink_count : int
        Events; a wink is no blink.
    blink_rate_per_min : float
        Blinks over the time with a face.
    blink_rate_per_min_ci95 : (float, float)
        See `kernels.compute_rate_interval`.
    blink_duration_median_s, inter_blink_interval_median_s : float
        Onset to offset; onset to onset.
    perclos : float
        Share of the time with the lids at least 80 % closed.
    open_ear : float
        The person's open-eye EAR.
    """

    duration_s: float
    fps: float
    valid_time_s: float
    blink_count: int
    incomplete_blink_count: int
    prolonged_closure_count: int
    wink_count: int
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
    head : HeadPose
    ear : ndarray, shape (N,), float64
        Mean of both eyes.
    gaze : Gaze
        Offsets and which frames count for them.
    baseline : ndarray, shape (N,), float64
        Open-eye EAR around each frame.
    baseline_trusted : bool
        False where the adaptive baseline was not used for want of open eyes in sight.
    closures : Closures
    eye_amplitude : ndarray, shape (M, 2), float64
        Amplitude of each closure by eye: 0 = stays open, 1 = no opening left.
    winks : ndarray, shape (W, 2), int64
        Samples in which one eye alone is held closed, half-open.
    wink_eye : ndarray, shape (W,), int64
        Which one.
    phases : tuple of PhaseResult
        What the eyes did in each phase of the protocol.
    measures : Measures
    """

    track: Track
    parameters: Parameters
    geometry: EyeGeometry
    seen: BoolArray
    head: HeadPose
    ear: Float64Array
    gaze: Gaze
    baseline: Float64Array
    baseline_trusted: bool
    closures: Closures
    eye_amplitude: Float64Array
    winks: NDArray[np.int64]
    wink_eye: NDArray[np.int64]
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
    head = compute_head_pose(track.landmarks)
    ear = geometry.ear.mean(axis=1)
    seen = np.isfinite(ear)
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
    # NaN compares as not below.
    lids_open = ~(ratio < parameters.close_ratio)
    eye_ratio = _eye_ratios(geometry, ear, baseline, lids_open)
    closures = detect_closures(
        ratio, times_s, parameters.close_ratio, parameters.shortest_closure_s
    )
    eye_amplitude = np.empty((len(closures.kind), 2))
    for place, (start, stop) in enumerate(closures.interval):
        eye_amplitude[place] = 1 - eye_ratio[start:stop].min(axis=0)
    winks, wink_eye = detect_winks(eye_ratio, times_s)
    in_wink = mark_closures_in_winks(closures, winks)
    if _close_alike(eye_amplitude[~in_wink]):
        closures, eye_amplitude = closures.select(~in_wink), eye_amplitude[~in_wink]
    else:
        winks, wink_eye = winks[:0], wink_eye[:0]

    # A sample below the threshold is not gaze either where it is no closure: noise, or cut off.
    closing = ~lids_open
    for intervals in (closures.interval, winks):
        closing |= mark_around_closures(intervals, times_s, BLINK_GUARD_S)
    gaze = trace_gaze(track, geometry, head, seen & ~closing)
    gaze_measures = measure_gaze(gaze, geometry, head, times_s, parameters)

    is_blink = closures.kind == BLINK
    blink_count = int(is_blink.sum())
    complete = closures.least_ratio <= COMPLETE_RATIO
    onsets = closures.interval[is_blink, 0]
    whole = is_blink & closures.onset_seen & closures.offset_seen
    durations_s = times_s[closures.interval[whole, 1]] - times_s[closures.interval[whole, 0]]
    # The shut lids' own opening ratio is full closure; see kernels.closures.COMPLETE_RATIO.
    shut_ratio = median_finite(closures.least_ratio[complete]) if complete.any() else COMPLETE_RATIO
    rate_time_s = valid_time_s if valid_time_s >= MIN_RATE_TIME_S else math.nan
    measures = Measures(
        **{field.name: getattr(gaze_measures, field.name) for field in fields(gaze_measures)},
        duration_s=duration_s,
        fps=fps,
        valid_time_s=valid_time_s,
        blink_count=blink_count,
        incomplete_blink_count=int((is_blink & ~complete).sum()),
        prolonged_closure_count=int((closures.kind == PROLONGED_CLOSURE).sum()),
        wink_count=len(winks),
        blink_rate_per_min=60 * blink_count / rate_time_s,
        blink_rate_per_min_ci95=compute_rate_interval(blink_count, rate_time_s / 60),
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
        head=head,
        ear=ear,
        gaze=gaze,
        baseline=baseline,
        baseline_trusted=trusted,
        closures=closures,
        eye_amplitude=eye_amplitude,
        winks=winks,
        wink_eye=wink_eye,
        phases=measure_phases(
            parameters.protocol,
            times_s,
            gaze.vertical,
            gaze.horizontal,
            gaze.valid,
            measures.vertical_noise_floor,
        ),
        measures=measures,
    )


def _eye_ratios(
    geometry: EyeGeometry, ear: Float64Array, baseline: Float64Array, lids_open: BoolArray
) -> Float64Array:
    """Return each eye's EAR over its own open one, shape (N, 2); NaN where that is not known.

    One baseline serves both eyes: the person's eyes differ by a constant, and baselines that adapt
    each by itself would part where one of them takes lowered lids for open ones.
    """
    opened = lids_open & (ear > 0)
    usual_share = np.array(
        [median_finite(geometry.ear[opened, eye] / ear[opened]) for eye in (LEFT, RIGHT)]
    )
    # An eye without any opening while both are called open has none to be compared with.
    usual_share[usual_share == 0] = math.nan
    ratios: Float64Array = geometry.ear / (usual_share * baseline[:, np.newaxis])
    # An eye whose fellow was not seen is not told apart from it.
    ratios[np.isnan(ear)] = math.nan
    return ratios


def _close_alike(eye_amplitude: Float64Array) -> bool:
    """Tell whether this person's eyes close alike, by all closures but those in winks.

    Where one lid is weak, every blink looks like a wink, and the long ones for long enough; where
    there is no other closure, nobody knows.
    """
    asymmetry = eye_amplitude.min(axis=1) / eye_amplitude.max(axis=1)
    return median_finite(asymmetry) >= WINK_ASYMMETRY


def _duration(track: Track) -> tuple[float, float]:
    """Return the recording's length in seconds and its source frames per second, as measured."""
    times_s = track.times_s
    if times_s.size < 2:
        return 0.0, math.nan
    elapsed_s = float(times_s[-1] - times_s[0])
    fps = float(track.frame_index[-1] - track.frame_index[0]) / elapsed_s
    # The last frame is shown as long as a typical one.
    return elapsed_s + float(np.median(np.diff(times_s))), fps
