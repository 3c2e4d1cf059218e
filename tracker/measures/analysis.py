"""The analysis: all measures of a track. It takes milliseconds and needs no video."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from kernels import (
    BLINK,
    FLUTTER,
    LEFT,
    PROLONGED_CLOSURE,
    RIGHT,
    compute_inter_blink_intervals_s,
    compute_peak_to_peak,
    compute_perclos,
    compute_quantiles,
    compute_rate_interval,
    compute_valid_time_s,
    mark_around_closures,
)
from kernels.closures import COMPLETE_RATIO
from kernels.measures import median_finite
from tracker.measures.corrected import correct_events
from tracker.measures.corrections import Corrections
from tracker.measures.fixation import FixationMeasures, measure_fixation
from tracker.measures.following import follows_eyes, withhold_area, withhold_movements
from tracker.measures.gaze import Gaze, GazeMeasures, mark_task, measure_gaze, trace_gaze
from tracker.measures.lid_kinematics import LidMeasures, measure_lid_kinematics
from tracker.measures.lids import Events, detect_events
from tracker.measures.phases import PhaseResult, measure_phases
from tracker.measures.saccades import Saccades, find_saccades
from tracker.measures.traces import BoolArray, Float64Array, Traces, trace_track
from tracker.parameters import Parameters
from tracker.tracks.track import Track

MAX_HIDDEN_SHARE = 0.01
"""Share of the frames with a hidden iris above which the range down is a lower bound.

In these frames the eyes look down further than in all others. This share of them moves the end of
the range, the 95th percentile, by one percentile.
"""
MIN_RATE_TIME_S = 1.0
"""Valid time below which no rate is computed."""
GAZE_MEASURES = tuple(field.name for field in fields(GazeMeasures))


@dataclass(frozen=True, slots=True)
class Measures(LidMeasures, FixationMeasures, GazeMeasures):
    """All numbers of a recording; NaN where there is nothing to measure, 0 in the counts below.

    Attributes
    ----------
    duration_s, fps, valid_time_s : float
        Length of the recording, from the first analysed frame to the end of the last one; frames
        per second in the video, skipped ones counted; time with a face.
    blink_count, incomplete_blink_count, prolonged_closure_count, wink_count, flutter_count : int
        Numbers of events. Incomplete blinks are blinks, too; none of the other events is.
    lids_lowered_s : float
        Time in which the lids are lowered because the person looks down.
    down_range_is_lower_bound : bool
        True if lowered lids hid the iris in more than `MAX_HIDDEN_SHARE` of the frames that
        `upper_lid_range` uses. The eyes then looked down by `down_range` or more.
    upper_lid_range : float
        95th minus 5th percentile of the height of the upper lid's edge, in canthal distances, over
        the frames that count for the gaze and those in which the lid hides the iris; only in
        the protocol's phases up and down, if it has any. The lid follows the eye up and down,
        and stays in sight when the iris does not.
    blink_rate_per_min : float
        Number of blinks divided by the minutes with a face; NaN for less than `MIN_RATE_TIME_S`.
    blink_rate_per_min_ci95 : (float, float)
        95 % interval of that rate, as if blinks came at random times (Poisson).
    blink_duration_median_s : float
        Median time from onset to offset, of the blinks of which both were seen.
    inter_blink_interval_median_s : float
        Median time from one blink's onset to the next one's, of those between which the face was
        seen all the time.
    perclos : float
        Share of the time with a face in which the lids are at least 80 % closed, 0 to 1. 100 % is
        how far they close in the person's complete closures. A glance down or a squint is open.
    open_ear : float
        The person's EAR (eye aspect ratio) with open eyes: median of `Events.baseline` over the
        frames with a face.
    """

    duration_s: float
    fps: float
    valid_time_s: float
    blink_count: int
    incomplete_blink_count: int
    prolonged_closure_count: int
    wink_count: int
    flutter_count: int
    lids_lowered_s: float
    down_range_is_lower_bound: bool
    upper_lid_range: float
    blink_rate_per_min: float
    blink_rate_per_min_ci95: tuple[float, float]
    blink_duration_median_s: float
    inter_blink_interval_median_s: float
    perclos: float
    open_ear: float


@dataclass(frozen=True, slots=True)
class GazeResult:
    """The gaze while the eyes are open, with its measures.

    Attributes
    ----------
    gaze : Gaze
        The gaze in each frame.
    saccades : Saccades
        The steps of the gaze, and those that do not count.
    measures : GazeMeasures
        The numbers of the gaze over the recording.
    phases : tuple of PhaseResult
        What the eyes did in each phase of the protocol; empty without a protocol.
    is_followed : bool
        Whether the landmarks follow the eyes up and down; True also if the pictures do not tell
        (`tracker.measures.following.follows_eyes`). If not, what rests on the size or the course of
        vertical movements is withheld.
    """

    gaze: Gaze
    saccades: Saccades
    measures: GazeMeasures
    phases: tuple[PhaseResult, ...]
    is_followed: bool


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that is computed from a track with one set of parameters.

    Attributes
    ----------
    parameters : Parameters
        The thresholds and the protocol that were used.
    traces : Traces
        The signals before any threshold is applied, (N,) for N frames. They hold the track itself.
        With corrections, they show no face in the times that the person calls unusable.
    events : Events
        Closures and winks, after the corrections if there are any.
    gaze : Gaze
        Gaze offset of each frame, and the frames that count.
    saccades : Saccades
        The steps of the gaze, and those that do not count.
    phases : tuple of PhaseResult
        What the eyes did in each phase of the protocol; empty without a protocol.
    measures : Measures
        All numbers of the recording.
    corrections : Corrections or None
        What a person said that the eyes did; None if nobody corrected anything.
    detected : Events or None
        The events before the corrections; None without corrections.

    Examples
    --------
    >>> import tracker
    >>> analysis = tracker.analyze("clip.mp4").analysis
    >>> analysis.measures.blink_count
    3
    >>> analysis.traces.ear.shape, analysis.events.closures.interval.shape
    ((180,), (3, 2))
    """

    parameters: Parameters
    traces: Traces
    events: Events
    gaze: Gaze
    saccades: Saccades
    phases: tuple[PhaseResult, ...]
    measures: Measures
    corrections: Corrections | None = None
    detected: Events | None = None

    @property
    def track(self) -> Track:
        """The track that was analysed."""
        return self.traces.track

    def __repr__(self) -> str:
        return f"<Analysis of {self.track!r}, {self.measures.blink_count} blinks>"


def analyze_track(
    track: Track, parameters: Parameters, corrections: Corrections | None = None
) -> Analysis:
    """Measure the gaze and the blinks of a track.

    Parameters
    ----------
    track : Track
        The landmarks of a recording.
    parameters : Parameters
        `step` and `max_frames` are not used: they were applied when the track was made.
    corrections : Corrections, optional
        What a person says that the eyes did. Their closures and winks replace all that are
        detected, their unusable times count as times without a face, and their primary position is
        taken if they give one.

    Returns
    -------
    Analysis
        Its numbers are NaN where there is nothing to measure: a track without a face is no error.
    """
    traces = trace_track(track)
    events = detect_events(traces, parameters)
    detected = None
    if corrections is not None:
        detected = events
        traces = _correct_traces(traces, corrections)
        events = correct_events(detected, traces, parameters, corrections)
    gaze = analyze_gaze(traces, events.eyes_open, parameters)
    analysis = measure_events(traces, events, gaze, parameters)
    return replace(analysis, corrections=corrections, detected=detected)


def _correct_traces(traces: Traces, corrections: Corrections) -> Traces:
    """Return the traces as a person's corrections change them.

    Times that the person calls unusable are treated as if no face was seen. The frames in which the
    person says that the eyes look straight ahead are marked in `GazeTraces.said_primary`; it stays
    None if the person names none. The person's closures and winks are not used here.
    """
    track, primary = traces.track, corrections.primary
    if corrections.unusable:
        traces = trace_track(track, corrections.mark_unusable(track.times_s))
    if primary is None:
        return traces
    return replace(traces, gaze=replace(traces.gaze, said_primary=primary.mark(track.times_s)))


def analyze_gaze(traces: Traces, eyes_open: BoolArray, parameters: Parameters) -> GazeResult:
    """Measure the gaze while the eyes are open.

    Parameters
    ----------
    traces : Traces
        The signals of the track, N frames.
    eyes_open : ndarray, shape (N,), bool
        `Events.eyes_open`. The gaze depends on no other result of the blink detection.
    parameters : Parameters
        The protocol is used, and `vpp_thresh`, to which the range is compared; the blink
        thresholds are not.

    Returns
    -------
    GazeResult
        Its numbers are NaN where there is nothing to measure.
    """
    gaze = trace_gaze(traces.gaze, eyes_open)
    times_s = traces.track.times_s
    saccades = find_saccades(gaze, times_s, traces.interval_s, parameters.protocol)
    measures = measure_gaze(gaze, saccades, traces.gaze, traces.head, times_s, parameters)
    phases = measure_phases(
        parameters.protocol,
        times_s,
        gaze.vertical,
        gaze.horizontal,
        gaze.valid,
        measures.vertical_noise_floor,
        traces.gaze.said_primary,
    )
    is_followed = follows_eyes(traces, gaze, saccades, measures, parameters.protocol)
    if not is_followed:
        saccades, measures, phases = withhold_movements(saccades, measures, phases)
    return GazeResult(gaze, saccades, measures, phases, is_followed)


def measure_events(
    traces: Traces, events: Events, gaze: GazeResult, parameters: Parameters
) -> Analysis:
    """Measure the events, and combine everything into an analysis.

    Parameters
    ----------
    traces : Traces
        The signals of the track.
    events : Events
        Its closures and winks.
    gaze : GazeResult
        Its gaze while the eyes are open, from `analyze_gaze`.
    parameters : Parameters
        Those with which events and gaze were found.

    Returns
    -------
    Analysis
        Its `corrections` and `detected` are None, even if `events` are corrected ones.
    """
    times_s, seen, closures = traces.track.times_s, traces.seen, events.closures
    is_blink = closures.kind == BLINK
    blink_count = int(is_blink.sum())
    complete = closures.least_ratio <= COMPLETE_RATIO
    onsets = closures.interval[is_blink, 0]
    whole = is_blink & closures.onset_seen & closures.offset_seen
    durations_s = closures.offset_s[whole] - closures.onset_s[whole]
    # FaceMesh keeps a slit between shut lids, so their own ratio counts as fully closed; see
    # kernels.closures.COMPLETE_RATIO.
    shut_ratio = median_finite(closures.least_ratio[complete]) if complete.any() else COMPLETE_RATIO
    movements = measure_movements(traces, events, gaze.gaze, parameters)
    if not gaze.is_followed:
        movements = withhold_area(movements)
    rate_time_s = traces.valid_time_s if traces.valid_time_s >= MIN_RATE_TIME_S else math.nan
    measures = Measures(
        **{name: getattr(gaze.measures, name) for name in GAZE_MEASURES},
        **movements,
        duration_s=traces.duration_s,
        fps=traces.fps,
        valid_time_s=traces.valid_time_s,
        blink_count=blink_count,
        incomplete_blink_count=int((is_blink & ~complete).sum()),
        prolonged_closure_count=int((closures.kind == PROLONGED_CLOSURE).sum()),
        wink_count=len(events.winks),
        flutter_count=int((closures.kind == FLUTTER).sum()),
        lids_lowered_s=_lowered_s(events, times_s),
        **_measure_upper_lid(traces, events, gaze.gaze, parameters),
        blink_rate_per_min=60 * blink_count / rate_time_s,
        blink_rate_per_min_ci95=compute_rate_interval(blink_count, rate_time_s / 60),
        blink_duration_median_s=median_finite(durations_s),
        inter_blink_interval_median_s=median_finite(
            compute_inter_blink_intervals_s(onsets, seen, times_s)
        ),
        perclos=compute_perclos(
            np.where(events.glance, 0.0, (1 - events.ratio) / (1 - shut_ratio)), times_s
        ),
        open_ear=float(compute_quantiles(events.baseline, seen, (0.5,))[0]),
    )
    return Analysis(parameters, traces, events, gaze.gaze, gaze.saccades, gaze.phases, measures)


def measure_movements(
    traces: Traces, events: Events, gaze: Gaze, parameters: Parameters
) -> dict[str, Any]:
    """Measure how still the eyes hold a fixation, and how the lids move in blinks.

    Return the fields of `FixationMeasures` and of `LidMeasures`, by name. All arguments are of the
    same recording.
    """
    times_s, protocol = traces.track.times_s, parameters.protocol
    fixation = measure_fixation(
        gaze.vertical,
        gaze.horizontal,
        gaze.valid,
        times_s,
        traces.interval_s,
        traces.iris_ratio,
        protocol,
    )
    lids = measure_lid_kinematics(
        events.ratio, events.closures, traces.seen, times_s, traces.interval_s, protocol
    )
    return vars(fixation) | vars(lids)


def _measure_upper_lid(
    traces: Traces, events: Events, gaze: Gaze, parameters: Parameters
) -> dict[str, Any]:
    """Return the fields of `Measures` that are computed from the upper lid, by name.

    They are `upper_lid_range` (how far the upper lids moved, in canthal distances) and
    `down_range_is_lower_bound` (whether lowered lids hid the irises in more than `MAX_HIDDEN_SHARE`
    of the frames from which that range is taken).
    """
    hidden = events.iris_hidden & traces.gaze.head_in_place
    kept = mark_task(gaze.valid | hidden, parameters.protocol, traces.track.times_s)
    edge = traces.geometry.upper_lid_offset
    hidden_count = int(np.count_nonzero(hidden & kept))
    return {
        "down_range_is_lower_bound": hidden_count > MAX_HIDDEN_SHARE * int(np.count_nonzero(kept)),
        "upper_lid_range": compute_peak_to_peak((edge[:, LEFT] + edge[:, RIGHT]) / 2, kept),
    }


def _lowered_s(events: Events, times_s: Float64Array) -> float:
    """Return the seconds in which the lids are lowered because the person looks down; 0 if never.

    times_s (N,) are the times of the frames. The times between neighbouring frames are added, but
    not those above `kernels.opening.MAX_GAP_S`.
    """
    if not len(events.lowered):
        return 0.0
    return compute_valid_time_s(mark_around_closures(events.lowered, times_s, 0.0), times_s)
