"""Put the closures and winks that a person entered in the place of the detected ones."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kernels import PROLONGED_CLOSURE, Closures, compute_eye_amplitude
from kernels.closures import CLOSED_DEPTH
from kernels.dips import cross_s
from kernels.opening import MAX_GAP_S
from tracker.measures.corrections import Corrections, TimedEvent, match_events, time_wink
from tracker.measures.lids import (
    KIND_NAMES,
    SHORTEST_LOWERING_S,
    WINK_NAMES,
    Events,
    detect_events,
    find_open,
    find_runs,
    mark_intervals,
    raise_level,
)
from tracker.measures.traces import BoolArray, Float64Array, Traces, is_seen_beside
from tracker.parameters import Parameters

Int64Array = NDArray[np.int64]

_CLOSURE_KINDS = {name: kind for kind, name in KIND_NAMES.items()}
_WINK_EYES = {name: eye for eye, name in WINK_NAMES.items()}


@dataclass(frozen=True, slots=True)
class _Placed:
    """A closure or a wink, and the samples of the recording that it covers.

    A sample is a frame of the track.

    Attributes
    ----------
    start, stop : int
        Index of the first sample of the event, and of the first sample after it.
    event : TimedEvent
        The event's own times, which may lie between samples, and its kind.
    onset_seen, offset_seen : bool
        Whether its beginning and its end were seen.
    closure : int or None
        If the event is a detected closure whose measures are kept: its index among the detected
        closures. None for a closure that is measured anew, and for a wink.
    """

    start: int
    stop: int
    event: TimedEvent
    onset_seen: bool
    offset_seen: bool
    closure: int | None = None


def correct_events(
    detected: Events, traces: Traces, parameters: Parameters, corrections: Corrections
) -> Events:
    """Return the events as a person corrected them.

    Parameters
    ----------
    detected : Events
        What was detected in the whole recording.
    traces : Traces
        Signals of the recording, without a face in the times that the person calls unusable.
    parameters : Parameters
        Those with which `detected` was detected.
    corrections : Corrections
        What the person says: all closures and winks, and the unusable times.

    Returns
    -------
    Events
        An event that the person kept stays as it was detected. Any other event has the person's
        times, and the lids' traces say how far the lids went down. Where a detected event was
        removed, the lids count as open or lowered, whatever the traces say. If there are unusable
        times, kept events are measured anew, too; of an event that reaches into such a time, only a
        part that is seen remains: that in which the lids are lowest. An event in which no face is
        seen is left out. Corrections that change nothing give equal events.
    """
    times_s = traces.track.times_s
    found = detect_events(traces, parameters) if corrections.unusable else detected
    originals = _place_detected(detected, times_s)
    kept, by_hand = _place_said(corrections, originals, traces, found.ratio)
    found = _raise_baseline(found, traces, parameters, kept)
    closures, amplitude = _make_closures(kept, detected, found, times_s)
    winking = [one for one in kept if one.event.kind in _WINK_EYES]
    winks = _as_intervals(winking)
    opened = traces.seen & _mark_removed(originals, closures, winks, times_s.size)
    glance = (found.glance & ~by_hand) | opened
    # Lids that are low for long without being closed are lowered.
    low = find_runs(opened & (found.ratio < parameters.close_ratio))
    lasting = [times_s[stop - 1] - times_s[start] >= SHORTEST_LOWERING_S for start, stop in low]
    open_ = find_open(
        traces,
        parameters,
        found.baseline,
        found.ratio,
        closures,
        winks,
        glance,
        low[np.array(lasting, dtype=np.bool_)],
    )
    return replace(
        found,
        closures=closures,
        eye_amplitude=amplitude,
        winks=winks,
        wink_eye=np.array([_WINK_EYES[one.event.kind] for one in winking], dtype=np.int64),
        lowered=open_.lowered,
        glance=glance,
        iris_hidden=open_.iris_hidden,
        eyes_open=open_.eyes_open,
    )


def find_unseen(corrections: Corrections, traces: Traces) -> list[TimedEvent]:
    """Return the events that a person entered where no face is seen.

    `correct_events` leaves them out, because nothing can be measured there. traces show no face in
    the times that the person calls unusable. The list is in the order of `corrections.events`, and
    empty if each of these shows a face in one frame or more.
    """
    placed = [_place(event, traces.track.times_s) for event in corrections.events]
    return [one.event for one in placed if not traces.seen[one.start : one.stop].any()]


def _place_detected(events: Events, times_s: Float64Array) -> list[_Placed]:
    """Return the detected closures and winks together, with their samples, in order of onset.

    This is the order of `list_events`. times_s (N,) are the times of the frames.
    """
    closures = events.closures
    seen = np.column_stack((closures.onset_seen, closures.offset_seen)).tolist()
    placed = []
    for m, (start, stop) in enumerate(closures.interval.tolist()):
        times = float(closures.onset_s[m]), float(closures.offset_s[m])
        event = TimedEvent(*times, KIND_NAMES[int(closures.kind[m])])
        onset_seen, offset_seen = seen[m]
        placed.append(_Placed(start, stop, event, onset_seen, offset_seen, closure=m))
    for (start, stop), eye in zip(events.winks.tolist(), events.wink_eye.tolist(), strict=True):
        event = time_wink(start, stop, eye, times_s)
        placed.append(_Placed(start, stop, event, True, stop < times_s.size))
    return sorted(placed, key=lambda one: one.event)


def _place_said(
    corrections: Corrections, originals: list[_Placed], traces: Traces, ratio: Float64Array
) -> tuple[list[_Placed], BoolArray]:
    """Return what is seen of the events that a person said, and the samples of the new ones.

    originals are the detected events, in order of onset. An event that is the same as one of them
    (`TimedEvent.is_same`) keeps its samples and, if no time is unusable, its measures. ratio (N,)
    is the lid opening divided by that of the open eye. The events come in order of their first
    samples. The second result, shape (N,) and bool, is True in the samples of all other events.
    """
    times_s = traces.track.times_s
    matched = match_events([one.event for one in originals], corrections.events)
    kept: list[_Placed] = []
    by_hand = np.zeros(times_s.size, dtype=np.bool_)
    for event, match in zip(corrections.events, matched, strict=True):
        placed: _Placed | None = _place(event, times_s) if match is None else originals[match]
        if placed is not None and (match is None or corrections.unusable):
            placed = _keep_seen(placed, traces, ratio)
        if placed is not None:
            kept.append(placed)
            by_hand[placed.start : placed.stop] |= match is None
    return sorted(kept, key=lambda one: one.start), by_hand


def _place(event: TimedEvent, times_s: Float64Array) -> _Placed:
    """Return a person's event with the samples from its onset on and before its offset.

    If there are none, it covers the one that is closest to its middle. times_s (N,) are the times
    of the samples. The event's beginning and end count as seen.
    """
    start, stop = np.searchsorted(times_s, (event.onset_s, event.offset_s)).tolist()
    if start == stop:
        middle_s = (event.onset_s + event.offset_s) / 2
        start = int(np.argmin(np.abs(times_s - middle_s)))
        stop = start + 1
    return _Placed(start, stop, event, True, True)


def _keep_seen(placed: _Placed, traces: Traces, ratio: Float64Array) -> _Placed | None:
    """Return what is seen of an event without an interruption; None if nothing is.

    Frames without a face, and gaps of more than `MAX_GAP_S` between frames, interrupt it. Of
    several parts, it is the one with the frame in which the lids are lowest. ratio (N,) is the lid
    opening divided by that of the open eye. A beginning or an end that such an interruption or the
    recording cuts off counts as not seen, and gets the time of the part's first or last frame.
    """
    times_s, seen = traces.track.times_s, traces.seen
    inside = np.arange(placed.start, placed.stop)[seen[placed.start : placed.stop]]
    if not inside.size:
        return None
    broken = (np.diff(inside) > 1) | (np.diff(times_s[inside]) > MAX_GAP_S)
    parts = np.split(inside, np.flatnonzero(broken) + 1)
    part = min(parts, key=lambda one: float(ratio[one].min()))
    start, stop = int(part[0]), int(part[-1]) + 1

    # A beginning is seen if the person or the detection saw it and nothing cuts it off here.
    onset_seen = (
        placed.onset_seen
        and start == placed.start
        and is_seen_beside(seen, times_s, start, start - 1)
    )
    offset_seen = (
        placed.offset_seen and stop == placed.stop and is_seen_beside(seen, times_s, stop - 1, stop)
    )
    onset_s = placed.event.onset_s if onset_seen else float(times_s[start])
    offset_s = placed.event.offset_s if offset_seen else float(times_s[stop - 1])
    # A person's event may lie between two frames, of which only one is seen.
    onset_s, offset_s = sorted((onset_s, offset_s))
    event = TimedEvent(onset_s, offset_s, placed.event.kind)
    return _Placed(start, stop, event, onset_seen, offset_seen)


def _raise_baseline(
    found: Events, traces: Traces, parameters: Parameters, kept: list[_Placed]
) -> Events:
    """Return the events with a higher baseline where a person says that the eyes were shut.

    `found` are the events, of which only the baseline and the lid openings are read and changed.
    The baseline is the EAR of the open eyes around each frame. The detection may have taken the
    shut eyes for lids that are lowered to look down, and so their EAR for the baseline. Where this
    is so in a prolonged closure of `kept` that is measured anew, the baseline becomes that before
    or after the closure, whichever is lower, and the lid openings are divided by it. `found` comes
    back unchanged if there is no such closure, or the person's own baseline is not used.
    """
    if parameters.blink_baseline == "fixed" or not traces.baseline_trusted:
        return found
    low = found.baseline < parameters.close_ratio * traces.typical_ear
    shut = [
        one
        for one in kept
        if one.closure is None
        and one.event.kind == KIND_NAMES[PROLONGED_CLOSURE]
        and low[one.start : one.stop].any()
    ]
    if not shut:
        return found
    baseline = raise_level(traces, found.baseline, _as_intervals(shut))
    lower = found.baseline / baseline
    return replace(
        found,
        baseline=baseline,
        ratio=found.ratio * lower,
        eye_ratio=found.eye_ratio * lower[:, np.newaxis],
    )


def _make_closures(
    kept: list[_Placed], detected: Events, found: Events, times_s: Float64Array
) -> tuple[Closures, Float64Array]:
    """Return the closures among the events `kept`, and how far each eye closes in them, (M, 2).

    M is the number of closures, in the order of `kept`. How far an eye closes is 0 if it stays
    open, 1 if it closes wholly: left, then right. A closure with an index in `_Placed.closure`
    keeps its measures from `detected`; the others are measured from the lid openings in the events
    `found`. times_s (N,) are the times of the frames.
    """
    closing = [one for one in kept if one.event.kind in _CLOSURE_KINDS]
    if [one.closure for one in closing] == list(range(len(detected.closures.kind))):
        return detected.closures, detected.eye_amplitude
    interval = _as_intervals(closing)
    peak = np.array(
        [start + int(np.argmin(found.ratio[start:stop])) for start, stop in interval],
        dtype=np.int64,
    )
    closed_s = [_measure_closed_s(one, found.ratio, times_s) for one in closing]
    amplitude = compute_eye_amplitude(found.eye_ratio, interval)
    same = np.array([one.closure is not None for one in closing], dtype=np.bool_)
    original = [one.closure for one in closing if one.closure is not None]
    made = Closures(
        interval=interval,
        peak=peak,
        kind=np.array([_CLOSURE_KINDS[one.event.kind] for one in closing], dtype=np.int8),
        least_ratio=found.ratio[peak],
        onset_s=np.array([one.event.onset_s for one in closing], dtype=np.float64),
        offset_s=np.array([one.event.offset_s for one in closing], dtype=np.float64),
        closed_s=np.array(closed_s, dtype=np.float64),
        onset_seen=np.array([one.onset_seen for one in closing], dtype=np.bool_),
        offset_seen=np.array([one.offset_seen for one in closing], dtype=np.bool_),
    )
    for array, first in zip(made.arrays(), detected.closures.arrays(), strict=True):
        array[same] = first[original]
    amplitude[same] = detected.eye_amplitude[original]
    return made, amplitude


def _measure_closed_s(placed: _Placed, ratio: Float64Array, times_s: Float64Array) -> float:
    """Return for how many seconds the lids are closed in an event; 0 if they do not go down.

    They are closed from when they first go down by `CLOSED_DEPTH` of the event's depth until they
    last rise from there. The depth is 1 minus the least `ratio` in the event. ratio (N,) is the lid
    opening divided by that of the open eye. times_s (N,) are the times of the frames.
    """
    inside = ratio[placed.start : placed.stop]
    depth = 1 - float(inside.min())
    if depth <= 0:
        return 0.0
    level = 1 - CLOSED_DEPTH * depth
    closed = placed.start + np.flatnonzero(inside <= level)
    first, last = closed[:1], closed[-1:]
    levels = np.array([level])
    closes_s, reopens_s = (
        crossed_s if math.isfinite(crossed_s) else float(times_s[inner[0]])
        for inner, crossed_s in (
            (first, float(cross_s(ratio, times_s, first - 1, first, levels)[0])),
            (last, float(cross_s(ratio, times_s, last + 1, last, levels)[0])),
        )
    )
    return reopens_s - closes_s


def _as_intervals(placed: list[_Placed]) -> Int64Array:
    return np.array([(one.start, one.stop) for one in placed], dtype=np.int64).reshape(-1, 2)


def _mark_removed(
    originals: list[_Placed], closures: Closures, winks: Int64Array, count: int
) -> BoolArray:
    """Mark the samples of detected events that are in no corrected event, bool (count,).

    These are whole events that were removed, and what was cut off from others. originals are the
    detected events; closures and winks (W, 2), samples [start, stop), are the corrected ones; count
    is the number of samples of the recording.
    """
    before = mark_intervals(_as_intervals(originals), count)
    return before & ~mark_intervals(np.concatenate((closures.interval, winks)), count)
