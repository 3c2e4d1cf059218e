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
    compute_eye_amplitude,
    compute_eye_geometry,
    compute_head_pose,
    compute_inter_blink_intervals_s,
    compute_open_baseline,
    compute_perclos,
    compute_quantiles,
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
from tracker.measures.gaze import (
    Gaze,
    GazeMeasures,
    GazeTraces,
    measure_gaze,
    prepare_gaze,
    trace_gaze,
)
from tracker.measures.phases import PhaseResult, measure_phases
from tracker.parameters import NOMINAL_EAR, Parameters
from tracker.tracks.track import Track

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


GAZE_MEASURES = tuple(field.name for field in fields(GazeMeasures))


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
class Traces:
    """What a track shows whatever the thresholds, so that many of them share the work.

    Attributes
    ----------
    track : Track
    geometry : EyeGeometry
        Per frame and eye.
    head : HeadPose
    seen : ndarray, shape (N,), bool
        Frames with a face.
    ear : ndarray, shape (N,), float64
        Mean of both eyes.
    ear_share : ndarray, shape (2, N), float64
        Each eye's over the mean.
    baseline : ndarray, shape (N,), float64
        Open-eye EAR around each frame: the person's own, where it can be trusted.
    baseline_trusted : bool
        False where the open eyes were too little in sight for it.
    gaze : GazeTraces
    duration_s, fps, valid_time_s : float
        Length, source frames a second, time with a face.
    interval_s : float
        Median time between analysed frames; NaN below two.
    canthal_distance_px, iris_diameter_px : float
        Medians of both eyes.
    head_roll_deg, head_yaw_deg, head_pitch_deg : float
        Medians, of roll and yaw of the absolute values.
    """

    track: Track
    geometry: EyeGeometry
    head: HeadPose
    seen: BoolArray
    ear: Float64Array
    ear_share: Float64Array
    baseline: Float64Array
    baseline_trusted: bool
    gaze: GazeTraces
    duration_s: float
    fps: float
    valid_time_s: float
    interval_s: float
    canthal_distance_px: float
    iris_diameter_px: float
    head_roll_deg: float
    head_yaw_deg: float
    head_pitch_deg: float


@dataclass(frozen=True, slots=True)
class Events:
    """What the lids did; all that the thresholds of blinks decide.

    Attributes
    ----------
    baseline, ratio : ndarray, shape (N,), float64
        Open-eye EAR around each frame, and the EAR over it.
    closures, eye_amplitude, winks, wink_eye
        See `Analysis`.
    eyes_open : ndarray, shape (N,), bool
        Frames with a face outside closures and their guard.
    """

    baseline: Float64Array
    ratio: Float64Array
    closures: Closures
    eye_amplitude: Float64Array
    winks: NDArray[np.int64]
    wink_eye: NDArray[np.int64]
    eyes_open: BoolArray

    def key(self) -> tuple[bytes, ...]:
        """Return what is the same for events of one baseline whose measures are the same."""
        arrays = (self.eyes_open, self.winks, *self.closures.arrays())
        return tuple(array.tobytes() for array in arrays)


@dataclass(frozen=True, slots=True)
class Look:
    """The gaze and what is measured of it.

    Attributes
    ----------
    gaze : Gaze
    measures : GazeMeasures
    phases : tuple of PhaseResult
        What the eyes did in each phase of the protocol.
    """

    gaze: Gaze
    measures: GazeMeasures
    phases: tuple[PhaseResult, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that is computed from a track with one set of parameters.

    Attributes
    ----------
    track : Track
    parameters : Parameters
    traces : Traces
    geometry, head, seen, ear
        See `Traces`.
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
    traces: Traces
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
    traces = trace_track(track)
    events = detect_events(traces, parameters)
    look = measure_look(traces, events.eyes_open, parameters)
    return measure_events(traces, events, look, parameters)


def trace_track(track: Track) -> Traces:
    """Compute what all thresholds share.

    Parameters
    ----------
    track : Track

    Returns
    -------
    Traces
    """
    times_s = track.times_s
    geometry = compute_eye_geometry(track.landmarks)
    head = compute_head_pose(track.landmarks)
    by_eye = np.ascontiguousarray(geometry.ear.T)
    ear = (by_eye[LEFT] + by_eye[RIGHT]) / 2
    seen = np.isfinite(ear)
    valid_time_s = compute_valid_time_s(seen, times_s)
    interval_s = median_finite(np.diff(times_s))
    duration_s, fps = _duration(track, interval_s)
    trusted = (
        compute_typical_opening(ear) >= MIN_TYPICAL_EAR
        and valid_time_s >= MIN_COVERAGE_FOR_BASELINE * duration_s
    )
    # Eyes without any opening have no shares of it.
    with np.errstate(divide="ignore", invalid="ignore"):
        ear_share = by_eye / ear
    return Traces(
        track=track,
        geometry=geometry,
        head=head,
        seen=seen,
        ear=ear,
        ear_share=ear_share,
        baseline=compute_open_baseline(ear, times_s) if trusted else _fixed_baseline(ear),
        baseline_trusted=trusted,
        gaze=prepare_gaze(track, geometry, head, interval_s),
        duration_s=duration_s,
        fps=fps,
        valid_time_s=valid_time_s,
        interval_s=interval_s,
        canthal_distance_px=median_finite(geometry.canthal_distance_px),
        iris_diameter_px=median_finite(geometry.iris_diameter_px),
        head_roll_deg=median_finite(np.abs(geometry.head_roll_deg)),
        head_yaw_deg=median_finite(np.abs(head.yaw_deg)),
        head_pitch_deg=median_finite(head.pitch_deg),
    )


def _fixed_baseline(ear: Float64Array) -> Float64Array:
    return np.full(ear.size, NOMINAL_EAR)


def detect_events(traces: Traces, parameters: Parameters) -> Events:
    """Detect closures and winks, and with them the frames in which the gaze counts.

    Parameters
    ----------
    traces : Traces
    parameters : Parameters

    Returns
    -------
    Events
    """
    times_s, ear = traces.track.times_s, traces.ear
    adaptive = parameters.blink_baseline == "adaptive"
    baseline = traces.baseline if adaptive else _fixed_baseline(ear)
    ratio = ear / baseline
    # NaN compares as not below.
    lids_open = ~(ratio < parameters.close_ratio)
    eye_ratio = _eye_ratios(traces, baseline, lids_open)
    closures = detect_closures(
        ratio, times_s, parameters.close_ratio, parameters.shortest_closure_s, traces.interval_s
    )
    eye_amplitude = compute_eye_amplitude(eye_ratio, closures.interval)
    winks, wink_eye = detect_winks(eye_ratio, times_s)
    if len(winks):
        in_wink = mark_closures_in_winks(closures, winks)
        if _close_alike(eye_amplitude[~in_wink]):
            closures, eye_amplitude = closures.select(~in_wink), eye_amplitude[~in_wink]
        else:
            winks, wink_eye = winks[:0], wink_eye[:0]

    # A sample below the threshold is not gaze either where it is no closure: noise, or cut off.
    closing = ~lids_open
    for intervals in (closures.interval, winks):
        if len(intervals):
            closing |= mark_around_closures(intervals, times_s, BLINK_GUARD_S)
    return Events(baseline, ratio, closures, eye_amplitude, winks, wink_eye, traces.seen & ~closing)


def measure_look(traces: Traces, eyes_open: BoolArray, parameters: Parameters) -> Look:
    """Measure the gaze outside of the events.

    Parameters
    ----------
    traces : Traces
    eyes_open : ndarray, shape (N,), bool
        All of `Events` that the gaze depends on.
    parameters : Parameters
        Its thresholds of blinks are not read here.

    Returns
    -------
    Look
    """
    gaze = trace_gaze(traces.gaze, eyes_open)
    times_s = traces.track.times_s
    measures = measure_gaze(gaze, traces.gaze, traces.head, times_s, parameters)
    phases = measure_phases(
        parameters.protocol,
        times_s,
        gaze.vertical,
        gaze.horizontal,
        gaze.valid,
        measures.vertical_noise_floor,
    )
    return Look(gaze, measures, phases)


def measure_events(traces: Traces, events: Events, look: Look, parameters: Parameters) -> Analysis:
    """Measure the events, and put all together.

    Parameters
    ----------
    traces : Traces
    events : Events
    look : Look
        The gaze outside of the events.
    parameters : Parameters

    Returns
    -------
    Analysis
    """
    times_s, seen, closures = traces.track.times_s, traces.seen, events.closures
    is_blink = closures.kind == BLINK
    blink_count = int(is_blink.sum())
    complete = closures.least_ratio <= COMPLETE_RATIO
    onsets = closures.interval[is_blink, 0]
    whole = is_blink & closures.onset_seen & closures.offset_seen
    durations_s = times_s[closures.interval[whole, 1]] - times_s[closures.interval[whole, 0]]
    # The shut lids' own opening ratio is full closure; see kernels.closures.COMPLETE_RATIO.
    shut_ratio = median_finite(closures.least_ratio[complete]) if complete.any() else COMPLETE_RATIO
    rate_time_s = traces.valid_time_s if traces.valid_time_s >= MIN_RATE_TIME_S else math.nan
    measures = Measures(
        **{name: getattr(look.measures, name) for name in GAZE_MEASURES},
        duration_s=traces.duration_s,
        fps=traces.fps,
        valid_time_s=traces.valid_time_s,
        blink_count=blink_count,
        incomplete_blink_count=int((is_blink & ~complete).sum()),
        prolonged_closure_count=int((closures.kind == PROLONGED_CLOSURE).sum()),
        wink_count=len(events.winks),
        blink_rate_per_min=60 * blink_count / rate_time_s,
        blink_rate_per_min_ci95=compute_rate_interval(blink_count, rate_time_s / 60),
        blink_duration_median_s=median_finite(durations_s),
        inter_blink_interval_median_s=median_finite(
            compute_inter_blink_intervals_s(onsets, seen, times_s)
        ),
        perclos=compute_perclos((1 - events.ratio) / (1 - shut_ratio), times_s),
        open_ear=float(compute_quantiles(events.baseline, seen, (0.5,))[0]),
    )
    return Analysis(
        track=traces.track,
        parameters=parameters,
        traces=traces,
        geometry=traces.geometry,
        seen=seen,
        head=traces.head,
        ear=traces.ear,
        gaze=look.gaze,
        baseline=events.baseline,
        baseline_trusted=traces.baseline_trusted,
        closures=closures,
        eye_amplitude=events.eye_amplitude,
        winks=events.winks,
        wink_eye=events.wink_eye,
        phases=look.phases,
        measures=measures,
    )


def _eye_ratios(traces: Traces, baseline: Float64Array, lids_open: BoolArray) -> Float64Array:
    """Return each eye's EAR over its own open one, shape (N, 2); NaN where that is not known.

    One baseline serves both eyes: the person's eyes differ by a constant, and baselines that adapt
    each by itself would part where one of them takes lowered lids for open ones.
    """
    opened = lids_open & (traces.ear > 0)
    usual_share = np.concatenate(
        [compute_quantiles(share, opened, (0.5,)) for share in traces.ear_share]
    )
    # An eye without any opening while both are called open has none to be compared with.
    usual_share[usual_share == 0] = math.nan
    ratios: Float64Array = traces.geometry.ear / (usual_share * baseline[:, np.newaxis])
    # An eye whose fellow was not seen is not told apart from it.
    ratios[~traces.seen] = math.nan
    return ratios


def _close_alike(eye_amplitude: Float64Array) -> bool:
    """Tell whether this person's eyes close alike, by all closures but those in winks.

    Where one lid is weak, every blink looks like a wink, and the long ones for long enough; where
    there is no other closure, nobody knows.
    """
    asymmetry = eye_amplitude.min(axis=1) / eye_amplitude.max(axis=1)
    return median_finite(asymmetry) >= WINK_ASYMMETRY


def _duration(track: Track, interval_s: float) -> tuple[float, float]:
    """Return the recording's length in seconds and its source frames per second, as measured."""
    times_s = track.times_s
    if times_s.size < 2:
        return 0.0, math.nan
    elapsed_s = float(times_s[-1] - times_s[0])
    fps = float(track.frame_index[-1] - track.frame_index[0]) / elapsed_s
    # The last frame is shown as long as a typical one.
    return elapsed_s + interval_s, fps
