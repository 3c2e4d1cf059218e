"""The lids: closures, winks, lids lowered with the gaze, and when the eyes are open."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import (
    LEFT,
    RIGHT,
    Closures,
    Dips,
    compute_eye_amplitude,
    compute_lid_noise,
    compute_quantiles,
    detect_closures,
    detect_winks,
    find_dips,
    mark_around_closures,
    mark_closures_in_winks,
)
from kernels.dips import REFUSALS, RULES, ClosureRules
from kernels.measures import median_finite
from kernels.opening import LEVEL_WINDOW_S, SHUT_RATIO
from kernels.winks import WINK_ASYMMETRY
from tracker.measures.phases import mark_phases
from tracker.measures.traces import BoolArray, Float64Array, Traces, make_fixed_level
from tracker.parameters import Parameters

BLINK_GUARD_S = 0.1
"""Time on either side of a closure that the gaze leaves out, as the lid still moves the iris."""
SLIT = 0.04
"""EAR above that of the person's own shut eyes, over the typical one, from which a slit is open.

Eyes held shut read as the same person's blinks do at their deepest (``phone_portrait``). Lids that
are lowered to read or to look down as far as they go read 0.06 (``reads_downwards``) to 0.26
(``up_down``) more.
"""
UNSEEN_SHUT_RATIO = 0.25
"""EAR over the typical one below which eyes are shut, of people without a blink to compare with."""
IRIS_IN_SIGHT = 0.02
"""Iris centre below the upper lid's edge, in canthal distances, from which the iris is measured."""
SHORTEST_LOWERING_S = 1.0
"""Lids are lowered for at least this long: what is shorter is a glance."""
LOWERED_GAZE = 0.02
"""Gaze below that of the other frames, in canthal distances, with which lids are lowered.

Lids that are half down are lowered without it: no squint and no turn of the head goes so far.
"""

Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Events:
    """What the lids did: all that depends on the blink thresholds.

    Attributes
    ----------
    baseline, ratio : ndarray, shape (N,), float64
        EAR from which the lids fall, around each frame, and the EAR over it. Within eyes that are
        held shut it is that before and after; lowered lids have their own.
    dips : Dips
        What was looked at, and why most of it is no closure.
    closures : Closures
    eye_amplitude : ndarray, shape (M, 2), float64
        Amplitude of each closure by eye: 0 = stays open, 1 = no opening left.
    winks : ndarray, shape (W, 2), int64
        Sample intervals [start, stop) in which only one eye is closed.
    wink_eye : ndarray, shape (W,), int64
        That eye: `kernels.LEFT` or `kernels.RIGHT`.
    lowered : ndarray, shape (L, 2), int64
        Samples in which the lids are lowered with the gaze, half-open.
    iris_hidden : ndarray, shape (N,), bool
        Frames within them in which the upper lid covers the iris' centre.
    eyes_open : ndarray, shape (N,), bool
        Frames with a face and an iris in sight, outside closures and their guard.
    """

    baseline: Float64Array
    ratio: Float64Array
    dips: Dips
    closures: Closures
    eye_amplitude: Float64Array
    winks: Int64Array
    wink_eye: Int64Array
    lowered: Int64Array
    iris_hidden: BoolArray
    eyes_open: BoolArray

    def key(self) -> tuple[bytes, ...]:
        """Return a key; events with one key have the same measures."""
        arrays = (
            *(self.baseline, self.eyes_open, self.winks, self.lowered, self.iris_hidden),
            *self.closures.arrays(),
        )
        return tuple(array.tobytes() for array in arrays)


@dataclass(frozen=True, slots=True)
class _Level:
    """The level that the lids fall from, and what it says of each frame, shape (N,)."""

    ear: Float64Array
    lid_noise: tuple[float, float]
    is_low: BoolArray

    @property
    def noise(self) -> Float64Array:
        """Standard deviation of the open lids over the level, (N,): the larger of the two."""
        variation, jitter = self.lid_noise
        # Eyes without any opening have no noise that could be told from a closure.
        with np.errstate(divide="ignore", invalid="ignore"):
            noise: Float64Array = np.fmax(variation, jitter / self.ear)
        return noise


def detect_events(traces: Traces, parameters: Parameters, rules: ClosureRules = RULES) -> Events:
    """Detect closures, winks, lowered lids, and the frames in which the eyes are open.

    Parameters
    ----------
    traces : Traces
    parameters : Parameters
    rules : ClosureRules, optional
        Other ones are for choosing them, not for an analysis.

    Returns
    -------
    Events
    """
    times_s = traces.track.times_s
    level = _choose_level(traces, parameters)
    eye_share = _usual_share(traces, level.ear, parameters.close_ratio)
    dips, closures, eye_ratio = _detect(traces, level, eye_share, parameters, rules)
    low = _find_runs(level.is_low)
    if len(low):
        shut = _tell_shut(traces, parameters, low, closures, level.is_low)
        if shut.any():
            level = _raise_level(traces, level, low[shut])
            dips, closures, eye_ratio = _detect(traces, level, eye_share, parameters, rules)
    eye_amplitude = compute_eye_amplitude(eye_ratio, closures.interval)
    winks, wink_eye = detect_winks(eye_ratio, times_s)
    if len(winks):
        in_wink = mark_closures_in_winks(closures, winks)
        if _close_alike(eye_amplitude[~in_wink]):
            closures, eye_amplitude = closures.select(~in_wink), eye_amplitude[~in_wink]
        else:
            winks, wink_eye = winks[:0], wink_eye[:0]
    lowered = _find_lowered(traces, level.ear, parameters.close_ratio)
    ratio = traces.ear / level.ear
    closing = _mark_closing(ratio, dips, parameters.close_ratio)
    for intervals in (closures.interval, winks):
        if len(intervals):
            closing |= mark_around_closures(intervals, times_s, BLINK_GUARD_S)
    hidden = _mark_hidden(traces, lowered) & ~closing
    return Events(
        baseline=level.ear,
        ratio=ratio,
        dips=dips,
        closures=closures,
        eye_amplitude=eye_amplitude,
        winks=winks,
        wink_eye=wink_eye,
        lowered=lowered,
        iris_hidden=hidden,
        eyes_open=traces.seen & ~closing & ~hidden,
    )


def _choose_level(traces: Traces, parameters: Parameters) -> _Level:
    if parameters.blink_baseline == "adaptive":
        # Without eyes that were open for long enough, the level is that of nobody.
        is_low = traces.level < SHUT_RATIO * traces.typical_ear
        return _Level(traces.level, traces.lid_noise, is_low & traces.baseline_trusted)
    ear = make_fixed_level(traces.ear)
    lid_noise = compute_lid_noise(traces.ear, ear, traces.track.times_s)
    return _Level(ear, lid_noise, np.zeros(ear.size, dtype=np.bool_))


def _detect(
    traces: Traces,
    level: _Level,
    eye_share: Float64Array,
    parameters: Parameters,
    rules: ClosureRules,
) -> tuple[Dips, Closures, Float64Array]:
    """Return the dips below a level, those that are closures, and each eye's ratio to it."""
    times_s, interval_s = traces.track.times_s, traces.interval_s
    ratio = traces.ear / level.ear
    eye_ratio = _eye_ratios(traces, level.ear, eye_share)
    noise = level.noise
    dips = find_dips(
        ratio,
        eye_ratio,
        times_s,
        noise,
        level.is_low,
        parameters.close_ratio,
        rules,
        interval_s,
    )
    closures = detect_closures(
        ratio, times_s, dips, noise, parameters.shortest_closure_s, interval_s
    )
    return dips, closures, eye_ratio


def _find_runs(marked: BoolArray) -> Int64Array:
    """Return the half-open intervals of the marked samples, shape (R, 2)."""
    edges = np.flatnonzero(np.diff(marked, prepend=False, append=False))
    runs: Int64Array = edges.reshape(-1, 2).astype(np.int64, copy=False)
    return runs


def _tell_shut(
    traces: Traces,
    parameters: Parameters,
    low: Int64Array,
    closures: Closures,
    is_low: BoolArray,
) -> BoolArray:
    """Return for each run of a low level (R,) whether the eyes are shut; if not, they look down.

    Shut eyes read like the person's own blinks at their deepest. While the person is asked to look
    down, lids are lowered, however far.
    """
    asked = mark_phases(parameters.protocol, ("down",), traces.track.times_s)
    deepest = closures.peak[(closures.least_ratio <= SHUT_RATIO) & ~is_low[closures.peak]]
    shut_ear = median_finite(traces.ear[deepest])
    if math.isnan(shut_ear):
        highest = UNSEEN_SHUT_RATIO * traces.typical_ear
    else:
        highest = shut_ear + SLIT * traces.typical_ear
    shut = np.zeros(len(low), dtype=np.bool_)
    for n, (start, stop) in enumerate(low):
        if 2 * np.count_nonzero(asked[start:stop]) < stop - start:
            shut[n] = median_finite(traces.ear[start:stop]) <= highest
    return shut


def _raise_level(traces: Traces, level: _Level, shut: Int64Array) -> _Level:
    """Return the level with that of eyes held shut, in runs (R, 2), as before and after them."""
    ear, is_low, times_s = level.ear.copy(), level.is_low.copy(), traces.track.times_s
    for start, stop in shut:
        # Windows that hold a few open samples give levels between the two.
        first, last = start, stop - 1
        while first > 0 and ear[first - 1] > ear[first]:
            first -= 1
        while last + 1 < ear.size and ear[last + 1] > ear[last]:
            last += 1
        # Of less than half a window of open lids, the level is that of the shut ones beside them.
        around = [
            ear[n]
            for n, rest_s in (
                (first, times_s[first] - times_s[0]),
                (last, times_s[-1] - times_s[last]),
            )
            if not start <= n < stop and rest_s >= LEVEL_WINDOW_S / 2
        ]
        ear[first : last + 1] = min(around, default=traces.typical_ear)
        is_low[start:stop] = False
    return _Level(ear, level.lid_noise, is_low)


def _find_lowered(traces: Traces, level: Float64Array, close_ratio: float) -> Int64Array:
    """Return the samples in which the lids are lowered with the gaze, shape (L, 2), half-open."""
    if not traces.baseline_trusted:
        return np.empty((0, 2), dtype=np.int64)
    down = level < close_ratio * traces.typical_ear
    runs, times_s = _find_runs(down & traces.seen), traces.track.times_s
    if not len(runs):
        return runs
    gaze = (traces.gaze.vertical_by_eye[LEFT] + traces.gaze.vertical_by_eye[RIGHT]) / 2
    ahead = median_finite(gaze[~down & traces.seen])
    kept = [
        (start, stop)
        for start, stop in runs
        if times_s[stop - 1] - times_s[start] >= SHORTEST_LOWERING_S
        and (
            median_finite(level[start:stop]) < SHUT_RATIO * traces.typical_ear
            or median_finite(gaze[start:stop]) - ahead >= LOWERED_GAZE
        )
    ]
    return np.array(kept, dtype=np.int64).reshape(-1, 2)


def _mark_closing(ratio: Float64Array, dips: Dips, close_ratio: float) -> BoolArray:
    """Mark the samples below the closing threshold that are no glance, shape (N,)."""
    # NaN compares as not below.
    closing: BoolArray = ratio < close_ratio
    for start, stop in dips.span[dips.refused == REFUSALS["long"]]:
        closing[start:stop] = False
    return closing


def _iris_below_lid(traces: Traces) -> Float64Array:
    """Return how far the iris' centre is below the upper lid's edge, mean of the eyes, (N,)."""
    geometry = traces.geometry
    below = geometry.vertical_offset - geometry.upper_lid_offset
    mean: Float64Array = (below[:, LEFT] + below[:, RIGHT]) / 2
    return mean


def _mark_hidden(traces: Traces, lowered: Int64Array) -> BoolArray:
    """Mark the frames with lowered lids in which the upper lid covers the iris' centre, (N,)."""
    hidden = np.zeros(traces.seen.size, dtype=np.bool_)
    if len(lowered):
        covered = _iris_below_lid(traces) < IRIS_IN_SIGHT
        for start, stop in lowered:
            hidden[start:stop] = covered[start:stop]
    return hidden


def _usual_share(traces: Traces, level: Float64Array, close_ratio: float) -> Float64Array:
    """Return the usual EAR of each open eye over the mean of both, shape (2,).

    NaN for an eye that has no opening while the mean counts as open.
    """
    # NaN compares as not below.
    opened = ~(traces.ear < close_ratio * level) & (traces.ear > 0)
    share = np.concatenate([compute_quantiles(one, opened, (0.5,)) for one in traces.ear_share])
    share[share == 0] = math.nan
    return share


def _eye_ratios(traces: Traces, level: Float64Array, eye_share: Float64Array) -> Float64Array:
    """Return the EAR of each eye over its own open one, shape (N, 2); NaN where that is unknown.

    Both eyes share one level, because a person's eyes differ by a constant factor. Separate levels
    would diverge as soon as one of them took lowered lids for open ones.
    """
    ratios: Float64Array = traces.geometry.ear / (eye_share * level[:, np.newaxis])
    # Without the other eye, nothing tells a wink from a blink.
    ratios[~traces.seen] = math.nan
    return ratios


def _close_alike(eye_amplitude: Float64Array) -> bool:
    """Return whether both eyes close alike, judged by the closures outside winks.

    If one lid is weak, every blink looks like a wink, and a long one lasts as long as a wink.
    Without a closure outside winks the question has no answer, and the result is False.
    """
    asymmetry = eye_amplitude.min(axis=1) / eye_amplitude.max(axis=1)
    return median_finite(asymmetry) >= WINK_ASYMMETRY
