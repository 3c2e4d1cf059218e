"""Choose the frames and values that show a reader where a recording's numbers come from.

A *sample* here is the index of an analysed frame, from 0: it selects a row of the track's arrays.
"""

import itertools
import math
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels import BLINK, LEFT, compute_inter_blink_intervals_s
from kernels.closures import COMPLETE_RATIO
from kernels.measures import RANGE_QUANTILES
from tracker.measures.analysis import Analysis
from tracker.measures.corrections import time_wink
from tracker.measures.gaze import mark_task
from tracker.measures.lids import KIND_NAMES
from tracker.measures.traces import is_seen_beside

MOST_SAMPLES = 16_000
"""About how many samples of a trace are drawn at most. A longer trace is drawn by its extremes."""
EXTREME_FRAMES = 3
EXTREME_APART_S = 0.5
"""Least time between the frames that show one end of the range, so that they are not one glance."""
EXTREME_SHARE = 0.1
"""The gaze in a frame that is shown for an end of the range differs from that end by at most this
share of the range. Only the closest frame may differ by more."""
VERTICAL_BINS, DURATION_BIN_S, INTERVAL_BINS = 40, 0.05, 12

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Event:
    """A blink, another closure of both eyes, or a wink.

    Attributes
    ----------
    kind : str
        ``blink``, ``prolonged_closure``, ``flutter``, ``wink_left`` or ``wink_right``.
    onset, peak, offset : int
        Indices of analysed frames: the first one of the event, the one with the least opening, and
        the first one after the event. If the end was not seen, `offset` is the event's last frame.
    onset_s, offset_s : float
        Its times in seconds: of a closure as in ``STEM.blinks.csv``, where they may lie between
        frames; of a wink from `time_wink`.
    amplitude, amplitude_left, amplitude_right : float
        How far both eyes (their mean), or one of them, closed: 0 = stays open, 1 = no opening left;
        NaN if it is not known, as for winks.
    closed_s : float
        Seconds for which the eyes were closed; NaN if it is not known, as for winks.
    complete : bool or None
        Whether the lids closed completely; None for winks.
    onset_seen, offset_seen : bool
        Whether the beginning and the end were seen; false if the face or frames are missing there.
    """

    kind: str
    onset: int
    peak: int
    offset: int
    onset_s: float
    offset_s: float
    amplitude: float
    amplitude_left: float
    amplitude_right: float
    closed_s: float
    complete: bool | None
    onset_seen: bool
    offset_seen: bool

    def frames(self) -> list[tuple[int, list[str]]]:
        """Return the frames to show for the event, at most five, in order of time.

        They are pairs of the analysed frame's index and its roles: "onset", "peak" and "offset" (a
        frame can have several), or else "closing", halfway from onset to peak, and "opening",
        halfway from peak to offset.
        """
        roles: dict[int, list[str]] = {}
        for role, sample in (
            ("onset", self.onset),
            ("closing", (self.onset + self.peak) // 2),
            ("peak", self.peak),
            ("opening", (self.peak + self.offset + 1) // 2),
            ("offset", self.offset),
        ):
            roles.setdefault(sample, []).append(role)
        # A sample that is onset, peak or offset is not called closing or opening as well.
        return [
            (sample, [name for name in names if name not in ("closing", "opening")] or names)
            for sample, names in sorted(roles.items())
        ]


@dataclass(frozen=True, slots=True)
class Extreme:
    """An end of the vertical range, or the primary position, and the samples that show it.

    Attributes
    ----------
    offset : float
        Its vertical gaze offset in eye widths; down is positive.
    samples : list of int
        Indices of up to `EXTREME_FRAMES` analysed frames whose offset is closest to that, at least
        `EXTREME_APART_S` seconds apart, in order of time; empty if no frame with a picture counts.
    """

    offset: float
    samples: list[int]


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values, `counts` (B,), lie between neighbouring `edges` (B + 1,), in their unit."""

    edges: NDArray[np.floating[Any]]
    counts: NDArray[np.int64]


def find_events(analysis: Analysis) -> list[Event]:
    """Return all closures and winks, after corrections if there are any, in order of onset."""
    closures = analysis.events.closures
    events = []
    for index, kind in enumerate(closures.kind):
        start, stop = (int(one) for one in closures.interval[index])
        seen = bool(closures.offset_seen[index])
        events.append(
            Event(
                kind=KIND_NAMES[kind],
                onset=start,
                peak=int(closures.peak[index]),
                offset=stop if seen else stop - 1,
                onset_s=float(closures.onset_s[index]),
                offset_s=float(closures.offset_s[index]),
                amplitude=float(1 - closures.least_ratio[index]),
                amplitude_left=float(analysis.events.eye_amplitude[index, LEFT]),
                amplitude_right=float(analysis.events.eye_amplitude[index, 1 - LEFT]),
                closed_s=float(closures.closed_s[index]),
                complete=bool(closures.least_ratio[index] <= COMPLETE_RATIO),
                onset_seen=bool(closures.onset_seen[index]),
                offset_seen=seen,
            )
        )
    for (start, stop), eye in zip(
        analysis.events.winks.tolist(), analysis.events.wink_eye.tolist(), strict=True
    ):
        events.append(_describe_wink(analysis, start, stop, eye))
    return sorted(events, key=lambda event: event.onset)


def _describe_wink(analysis: Analysis, start: int, stop: int, eye: int) -> Event:
    """Return a wink of the samples [start, stop); `eye` is `LEFT` or `RIGHT`, the closed one."""
    times_s, seen = analysis.track.times_s, analysis.traces.seen

    offset_seen = is_seen_beside(seen, times_s, stop - 1, stop)
    ear = analysis.traces.geometry.ear[start:stop, eye]
    timed = time_wink(start, stop, eye, times_s)
    return Event(
        kind=timed.kind,
        onset=start,
        peak=start + int(np.nanargmin(ear)) if np.isfinite(ear).any() else start,
        offset=stop if offset_seen else stop - 1,
        onset_s=timed.onset_s,
        offset_s=timed.offset_s,
        amplitude=math.nan,
        amplitude_left=math.nan,
        amplitude_right=math.nan,
        closed_s=math.nan,
        complete=None,
        onset_seen=is_seen_beside(seen, times_s, start, start - 1),
        offset_seen=offset_seen,
    )


def find_extremes(analysis: Analysis, pictured: Container[int] | None) -> dict[str, Extreme]:
    """Find up to `EXTREME_FRAMES` frames at each end of the vertical range, and straight ahead.

    Parameters
    ----------
    analysis : Analysis
    pictured : container of int or None
        The indices of the analysed frames that have a picture, to choose from. None: all frames.

    Returns
    -------
    dict
        ``up`` (5th percentile of the offset in the frames that the vertical range is computed
        from), ``ahead`` (the primary position, if it is known) and ``down`` (95th percentile). An
        entry for which no frame has a picture has no samples. The dictionary is empty if the range
        is computed from no frame.
    """
    times_s, vertical = analysis.track.times_s, analysis.gaze.vertical
    counted = mark_task(analysis.gaze.valid, analysis.parameters.protocol, times_s)
    if not counted.any():
        return {}
    up, down = (float(q) for q in np.quantile(vertical[counted], RANGE_QUANTILES))
    offsets = {"up": up, "ahead": analysis.measures.primary_position, "down": down}
    return {
        name: Extreme(
            offset,
            _closest(
                np.abs(vertical - offset),
                analysis.gaze.valid if name == "ahead" else counted,
                times_s,
                EXTREME_SHARE * (down - up),
                pictured,
            ),
        )
        for name, offset in offsets.items()
        if math.isfinite(offset)
    }


def _closest(
    misses: Float64Array,
    among: NDArray[np.bool_],
    times_s: Float64Array,
    most: float,
    pictured: Container[int] | None,
) -> list[int]:
    """Return up to `EXTREME_FRAMES` samples with the smallest misses, as indices in order of time.

    The best one is always returned; empty if there is none to choose from.

    Parameters
    ----------
    misses : ndarray, shape (N,), float64
        How far each sample is from the wanted gaze, in eye widths, 0 or more.
    among : ndarray, shape (N,), bool
        The samples to choose from.
    times_s : ndarray, shape (N,), float64
        Chosen samples are at least `EXTREME_APART_S` seconds apart.
    most : float
        Largest miss allowed, in eye widths, for all chosen samples but the best.
    pictured : container of int or None
        Only these samples are chosen; None: any.
    """
    candidates = np.flatnonzero(among)
    chosen: list[int] = []
    for sample in candidates[np.argsort(misses[candidates], kind="stable")].tolist():
        if pictured is not None and sample not in pictured:
            continue
        if chosen and (len(chosen) == EXTREME_FRAMES or misses[sample] > most):
            break
        if all(abs(times_s[sample] - times_s[other]) >= EXTREME_APART_S for other in chosen):
            chosen.append(sample)
    return sorted(chosen)


def choose_samples(analysis: Analysis, most: int = MOST_SAMPLES) -> NDArray[np.int64]:
    """Choose the samples (analysed frames) to draw traces from, so that no peak is lost.

    Parameters
    ----------
    analysis : Analysis
    most : int, optional
        About how many samples to choose at most. Very many events can give more.

    Returns
    -------
    ndarray, shape (S,), int64
        Indices of samples, increasing: all samples, if they are no more than `most`. Otherwise the
        recording is cut into equal pieces, and these are the samples with the least and the largest
        value of the left eye's EAR, the right eye's, the vertical and the horizontal gaze in each
        piece; those at onset, peak and offset of each event; those on both sides of where the face
        is lost or found; and the recording's first and last.
    """
    count = analysis.track.times_s.size
    if count <= most:
        return np.arange(count, dtype=np.int64)
    kept = {0, count - 1}
    for event in find_events(analysis):
        kept |= {event.onset, event.peak, event.offset}
    changes = np.flatnonzero(np.diff(analysis.traces.seen.astype(np.int8)))
    kept |= {*changes.tolist(), *(changes + 1).tolist()}
    traces = [*analysis.traces.geometry.ear.T, analysis.gaze.vertical, analysis.gaze.horizontal]
    edges = np.linspace(0, count, max(1, most // (2 * len(traces))) + 1).astype(int)
    for start, stop in itertools.pairwise(edges.tolist()):
        for trace in traces:
            part = trace[start:stop]
            if np.isfinite(part).any():
                kept |= {start + int(np.nanargmin(part)), start + int(np.nanargmax(part))}
            else:
                kept.add(start)
    return np.array(sorted(kept), dtype=np.int64)


def count_distributions(analysis: Analysis) -> dict[str, Histogram]:
    """Make the histograms that the report shows: of gaze, of blink durations and of intervals.

    Parameters
    ----------
    analysis : Analysis

    Returns
    -------
    dict
        ``vertical``: vertical gaze offsets, in eye widths, in the frames that the vertical range is
        computed from. ``duration``: seconds from onset to offset, which may lie between frames, of
        the blinks whose ends were both seen. ``interval``: seconds from the first frame of a blink
        to that of the next, where neither face nor frames are missing in between. These are the
        values whose medians the summary has. A histogram without values is left out.
    """
    times_s, closures = analysis.track.times_s, analysis.events.closures
    histograms = {}
    counted = mark_task(analysis.gaze.valid, analysis.parameters.protocol, times_s)
    offsets = analysis.gaze.vertical[counted]
    if offsets.size:
        histograms["vertical"] = _count(offsets, VERTICAL_BINS)
    is_blink = closures.kind == BLINK
    whole = is_blink & closures.onset_seen & closures.offset_seen
    durations_s = closures.offset_s[whole] - closures.onset_s[whole]
    if durations_s.size:
        bins = math.ceil(float(durations_s.max()) / DURATION_BIN_S + 1e-9)
        edges = DURATION_BIN_S * np.arange(bins + 1)
        counts = np.histogram(durations_s, edges)[0]
        histograms["duration"] = Histogram(edges, counts.astype(np.int64))
    intervals_s = compute_inter_blink_intervals_s(
        closures.interval[is_blink, 0], analysis.traces.seen, times_s
    )
    intervals_s = intervals_s[np.isfinite(intervals_s)]
    if intervals_s.size:
        top_s = float(intervals_s.max())
        edges = np.linspace(0, top_s * (1 + 1e-9), INTERVAL_BINS + 1)
        counts = np.histogram(intervals_s, edges)[0]
        histograms["interval"] = Histogram(edges, counts.astype(np.int64))
    return histograms


def _count(values: Float64Array, bins: int) -> Histogram:
    counts, edges = np.histogram(values, bins)
    return Histogram(edges, counts.astype(np.int64))
