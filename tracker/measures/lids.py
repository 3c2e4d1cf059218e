"""The lids: closures, winks, lids lowered with the gaze, and when the eyes are open."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kernels import (
    BLINK,
    FLUTTER,
    LEFT,
    PROLONGED_CLOSURE,
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
from kernels.dips import DEEP_RATIO, REFUSALS, RULES, ClosureRules
from kernels.measures import median_finite
from kernels.opening import LEVEL_WINDOW_S, SHUT_RATIO
from kernels.winks import WINK_ASYMMETRY
from tracker.measures.phases import mark_phases
from tracker.measures.traces import BoolArray, Float64Array, Traces, make_fixed_level
from tracker.parameters import Parameters

BLINK_GUARD_S = 0.1
"""Time on either side of a closure that the gaze leaves out, as the lid still moves the iris."""
SLIT = 0.04
"""Eyes are not shut if their EAR exceeds that of the person's shut eyes by more than this.

It is a share of the typical EAR. Eyes held shut read as the same person's blinks do at their
deepest (``phone_portrait``). Lids that are lowered to read or to look down as far as they go read
0.06 (``reads_downwards``) to 0.26 (``up_down``) more.
"""
UNSEEN_SHUT_RATIO = 0.25
"""If there is no blink to compare with, eyes are shut up to this share of the typical EAR."""
IRIS_IN_SIGHT = 0.02
"""The iris is in sight if its centre is at least this far below the upper lid's edge.

It is in canthal distances.
"""
SHORTEST_LOWERING_S = 1.0
"""Lids are lowered for at least this long: what is shorter is a glance."""
LOWERED_GAZE = 0.02
"""Low lids are lowered if the gaze is this far below that of the other frames, or further.

It is in canthal distances. Lids that are half down are lowered wherever the gaze is: no squint and
no turn of the head brings them so far down.
"""

KIND_NAMES = {BLINK: "blink", PROLONGED_CLOSURE: "prolonged_closure", FLUTTER: "flutter"}
WINK_NAMES = {LEFT: "wink_left", RIGHT: "wink_right"}

Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Events:
    """What the lids did: all that depends on the blink thresholds.

    Attributes
    ----------
    baseline : ndarray, shape (N,), float64
        EAR (eye aspect ratio) of the open eyes around each frame; of eyes that are held shut, from
        before or after. While the lids are lowered to look down, it is the lowered lids' EAR. It is
        `NOMINAL_EAR` throughout if the person's own is not known or not wanted.
    ratio : ndarray, shape (N,), float64
        Mean EAR of both eyes divided by the baseline: 1 = open; NaN = no face.
    eye_ratio : ndarray, shape (N, 2), float64
        The same of the left and the right eye, whose baselines are `baseline` times a constant.
    dips : Dips
        All falls of the lid opening, each with why the rules refuse it, if they do. Closures and
        winks that a person entered do not change them.
    closures : Closures
        The blinks, prolonged closures and flutters of both eyes: M of them, in order of time.
    eye_amplitude : ndarray, shape (M, 2), float64
        How far each eye closes, left first: 1 = no opening left, 0 or less = not; NaN if unseen.
    winks : ndarray, shape (W, 2), int64
        Sample intervals [start, stop) in which only one eye is closed.
    wink_eye : ndarray, shape (W,), int64
        The closed eye of each wink: `kernels.LEFT` or `kernels.RIGHT`.
    lowered : ndarray, shape (L, 2), int64
        Sample intervals [start, stop) in which the lids are lowered because the person looks down.
    glance : ndarray, shape (N,), bool
        Frames in which the lids are low too long for a blink, and too far open for shut eyes: a
        glance down, or a squint. Also frames of events that a person removed.
    iris_hidden : ndarray, shape (N,), bool
        Frames within `lowered` in which the upper lid covers the iris' centre, or nearly; not
        within `BLINK_GUARD_S` of a closure or wink.
    eyes_open : ndarray, shape (N,), bool
        Frames with a face, open eyes (also in a glance) and an iris in sight, at least
        `BLINK_GUARD_S` away from closures and winks.
    """

    baseline: Float64Array
    ratio: Float64Array
    eye_ratio: Float64Array
    dips: Dips
    closures: Closures
    eye_amplitude: Float64Array
    winks: Int64Array
    wink_eye: Int64Array
    lowered: Int64Array
    glance: BoolArray
    iris_hidden: BoolArray
    eyes_open: BoolArray

    def key(self) -> tuple[bytes, ...]:
        """Return a key to compare two detections in one track that differ in blink thresholds only.

        If their keys are equal, so are all `Measures` of the recording.
        """
        arrays = (
            *(self.baseline, self.eyes_open, self.winks, self.lowered),
            *(self.glance, self.iris_hidden),
            *self.closures.arrays(),
        )
        return tuple(array.tobytes() for array in arrays)


@dataclass(frozen=True, slots=True)
class _Level:
    """The level: the EAR (eye aspect ratio) of the open eyes around each frame.

    Attributes
    ----------
    ear : ndarray, shape (N,)
        The level itself, an EAR.
    noise : float
        Standard deviation of the opening of open lids, as a share of the level.
    is_partly_low, is_low : ndarray, shape (N,)
        Frames whose level, divided by `Traces.typical_ear`, is below the closing threshold
        (`is_partly_low`) or below `SHUT_RATIO` (`is_low`): the eyes are held shut, or the lids are
        lowered. False everywhere if the level is not the person's own.
    """

    ear: Float64Array
    noise: float
    is_partly_low: BoolArray
    is_low: BoolArray


def detect_events(traces: Traces, parameters: Parameters, rules: ClosureRules = RULES) -> Events:
    """Detect closures, winks, lowered lids, and the frames in which the eyes are open.

    Parameters
    ----------
    traces, parameters : Traces, Parameters
        The signals of a track, N frames; the blink thresholds and the protocol.
    rules : ClosureRules, optional
        Limits by which a dip is a closure. An analysis uses the default.
    """
    times_s = traces.track.times_s
    level, ratio, eye_ratio = _choose_level(traces, parameters, rules)
    dips = _find_dips(traces, ratio, eye_ratio, level, parameters, rules)
    closures = detect_closures(
        ratio,
        times_s,
        dips,
        level.noise,
        parameters.shortest_closure_s,
        traces.interval_s,
    )
    eye_amplitude = compute_eye_amplitude(eye_ratio, closures.interval)
    # While the lids are lowered far, neither eye is open, and so neither is closed alone.
    either_open = np.where(level.is_low[:, np.newaxis], np.nan, eye_ratio)
    winks, wink_eye = detect_winks(either_open, times_s)
    if len(winks):
        in_wink = mark_closures_in_winks(closures, winks)
        if _close_alike(eye_amplitude[~in_wink]):
            closures, eye_amplitude = closures.select(~in_wink), eye_amplitude[~in_wink]
        else:
            winks, wink_eye = winks[:0], wink_eye[:0]
    glance = _mark_glances(dips, len(times_s))
    open_ = find_open(traces, parameters, level.ear, ratio, closures, winks, glance)
    return Events(
        baseline=level.ear,
        ratio=ratio,
        eye_ratio=eye_ratio,
        dips=dips,
        closures=closures,
        eye_amplitude=eye_amplitude,
        winks=winks,
        wink_eye=wink_eye,
        lowered=open_.lowered,
        glance=glance,
        iris_hidden=open_.iris_hidden,
        eyes_open=open_.eyes_open,
    )


@dataclass(frozen=True, slots=True)
class OpenEyes:
    """When the eyes are open, and when lowered lids hide the irises.

    lowered (L, 2) are frames [start, stop) in which the lids are lowered to look down; iris_hidden
    (N,) marks frames of them whose iris is covered. eyes_open (N,) marks frames with a face, open
    eyes and an iris in sight. Both marks keep `BLINK_GUARD_S` or more from closures and winks.
    """

    lowered: Int64Array
    iris_hidden: BoolArray
    eyes_open: BoolArray


def find_open(
    traces: Traces,
    parameters: Parameters,
    baseline: Float64Array,
    ratio: Float64Array,
    closures: Closures,
    winks: Int64Array,
    glance: BoolArray,
    also_lowered: Int64Array | None = None,
) -> OpenEyes:
    """Find the frames with open eyes: no closure, no wink, and no lid that hides the iris.

    Parameters
    ----------
    traces, parameters : Traces, Parameters
        The signals of a track, N frames; the blink threshold.
    baseline, ratio : ndarray, shape (N,), float64
        EAR of the open eyes (or of lowered lids) around each frame, and EAR divided by it.
    closures, winks : Closures; ndarray, shape (W, 2), int64
        Closures of both eyes, and frames [start, stop) in which only one eye is closed.
    glance : ndarray, shape (N,), bool
        Frames of glances down and squints: the eyes are open there although the ratio is low.
    also_lowered : ndarray, shape (A, 2), int64, optional
        Frames [start, stop) in which the lids are lowered, besides those that `baseline` shows.
    """
    times_s = traces.track.times_s
    held = closures.interval[closures.kind == PROLONGED_CLOSURE]
    lowered = _find_lowered(traces, baseline, parameters.close_ratio, np.concatenate((held, winks)))
    if also_lowered is not None and len(also_lowered):
        either = mark_intervals(np.concatenate((lowered, also_lowered)), len(times_s))
        lowered = find_runs(either & traces.seen)
    # NaN compares as not below.
    closing = (ratio < parameters.close_ratio) & ~glance
    for intervals in (closures.interval, winks):
        if len(intervals):
            closing |= mark_around_closures(intervals, times_s, BLINK_GUARD_S)
    hidden = _mark_hidden(traces, lowered) & ~closing
    return OpenEyes(lowered, hidden, traces.seen & ~closing & ~hidden)


def _choose_level(
    traces: Traces, parameters: Parameters, rules: ClosureRules
) -> tuple[_Level, Float64Array, Float64Array]:
    """Return the level, the EAR divided by it, (N,), and the same for each eye, (N, 2).

    The level is the EAR of the open eyes around each frame; while they are held shut, that before
    or after. Both eyes share one level, because a person's eyes differ by a constant factor. Two
    levels would differ more as soon as only one of them took lowered lids for open lids.
    """
    level = _start_level(traces, parameters)
    eye_share = _usual_share(traces, level.ear, parameters.close_ratio)
    ratio = traces.ear / level.ear
    eye_ratio = eye_share * level.ear[:, np.newaxis]
    np.divide(traces.geometry.ear, eye_ratio, out=eye_ratio)
    if not level.is_partly_low.any():
        return level, ratio, eye_ratio
    dips = _find_dips(traces, ratio, eye_ratio, level, parameters, rules)
    shut = _find_shut(traces, parameters, level, dips)
    if len(shut):
        before = level
        is_low = level.is_low & ~mark_intervals(shut, level.is_low.size)
        level = replace(level, ear=raise_level(traces, level.ear, shut), is_low=is_low)
        changed = np.flatnonzero(level.ear != before.ear)
        raised = level.ear[changed]
        ratio[changed] = traces.ear[changed] / raised
        eye_ratio[changed] = traces.geometry.ear[changed] / (eye_share * raised[:, np.newaxis])
    return level, ratio, eye_ratio


def _start_level(traces: Traces, parameters: Parameters) -> _Level:
    if parameters.blink_baseline == "adaptive":
        # If open eyes were not seen for long enough, the level is not the person's own.
        share = np.ones(traces.level.size)
        if traces.baseline_trusted:
            share = traces.level / traces.typical_ear
        return _Level(
            traces.level, traces.lid_noise, share < parameters.close_ratio, share < SHUT_RATIO
        )
    ear = make_fixed_level(traces.ear)
    noise = compute_lid_noise(traces.ear, ear, traces.track.times_s)
    nowhere = np.zeros(ear.size, dtype=np.bool_)
    return _Level(ear, noise, nowhere, nowhere)


def _find_dips(
    traces: Traces,
    ratio: Float64Array,
    eye_ratio: Float64Array,
    level: _Level,
    parameters: Parameters,
    rules: ClosureRules,
) -> Dips:
    return find_dips(
        ratio,
        eye_ratio,
        traces.track.times_s,
        level.noise,
        level.is_low,
        parameters.close_ratio,
        rules,
        traces.interval_s,
    )


def mark_intervals(intervals: Int64Array, count: int) -> BoolArray:
    """Return which of `count` samples lie in the intervals (M, 2), [start, stop): bool (count,)."""
    marked = np.zeros(count, dtype=np.bool_)
    for start, stop in intervals:
        marked[start:stop] = True
    return marked


def find_runs(marked: BoolArray) -> Int64Array:
    """Return the intervals [start, stop) of samples in a row that are marked (N,), shape (R, 2)."""
    changes = np.flatnonzero(marked[1:] != marked[:-1]) + 1
    ends = [0] * int(marked[:1].any()), [marked.size] * int(marked[-1:].any())
    return np.concatenate((ends[0], changes, ends[1])).astype(np.int64).reshape(-1, 2)


def _find_shut(traces: Traces, parameters: Parameters, level: _Level, dips: Dips) -> Int64Array:
    """Return the intervals [start, stop) of a low level in which the eyes are shut, shape (S, 2).

    The level, the EAR of the open eyes around each frame, sinks while eyes are held shut or lids
    are lowered; this tells the two apart. dips are those below this level. Intervals may overlap.
    Shut eyes have an EAR like the person's own blinks at their deepest, and do not blink. An
    interval counts as lowered lids if the person was asked to look down in half of it or more.
    """
    typical = traces.typical_ear
    # In a closure as long as the level's window, the level lies between shut and open.
    runs = np.concatenate((find_runs(level.is_partly_low), find_runs(level.is_low)))
    if not len(runs):
        return runs
    asked = mark_phases(parameters.protocol, ("down",), traces.track.times_s)
    deep = dips.peak[(dips.refused == 0) & (dips.least_ratio <= SHUT_RATIO)]
    in_low = level.is_low[deep]
    opening = np.array([median_finite(traces.ear[start:stop]) for start, stop in runs])
    open_ = np.array(
        [
            ((start <= deep[in_low]) & (deep[in_low] < stop)).any()
            or 2 * np.count_nonzero(asked[start:stop]) >= stop - start
            for start, stop in runs
        ]
    )
    highest = np.full(len(runs), UNSEEN_SHUT_RATIO * typical)
    if not in_low.all():
        highest = _expect_shut(traces.ear, deep[~in_low], runs) + SLIT * typical
    # Some of these intervals surely show open eyes. Others with as wide a slit are open as well.
    slit = min(opening[open_] - SLIT * typical, default=math.inf)
    shut: Int64Array = runs[~open_ & (opening <= np.minimum(highest, slit))]
    return shut


def _expect_shut(ear: Float64Array, deepest: Int64Array, runs: Int64Array) -> Float64Array:
    """Return the EAR that shut eyes would have in each of the intervals runs (R, 2), shape (R,).

    ear (N,) is the EAR of each frame; runs are frames [start, stop). deepest (D,) are the frames in
    which blinks are at their deepest, in order of time, at least one. Their median EAR is that of
    shut eyes. Shut eyes that look down have a slightly higher EAR. Therefore the EAR of the blinks
    right before and after an interval counts too: the lower of the two is returned if it is above
    the median, else the median.
    """
    after = np.searchsorted(deepest, runs[:, 0])
    before = ear[deepest[np.maximum(after - 1, 0)]]
    following = ear[deepest[np.minimum(after, len(deepest) - 1)]]
    expected: Float64Array = np.maximum(median_finite(ear[deepest]), np.minimum(before, following))
    return expected


def raise_level(traces: Traces, level: Float64Array, shut: Int64Array) -> Float64Array:
    """Return the level (N,) after raising it where the eyes are held shut.

    The level is the EAR of the open eyes around each frame; shut eyes have drawn it down. shut
    (R, 2) are the intervals [start, stop) in which they are. In each, the level becomes that before
    the interval or that after it, whichever is lower, or `traces.typical_ear` if neither is known.
    The given array stays unchanged.
    """
    ear, times_s = level.copy(), traces.track.times_s
    for start, stop in shut:
        # A low stretch lies inside of a partly low one: it has been raised with that.
        if (ear[start:stop] != level[start:stop]).all():
            continue
        # Windows that hold a few open samples give levels between the two.
        first, last = start, stop - 1
        while first > 0 and ear[first - 1] > ear[first]:
            first -= 1
        while last + 1 < ear.size and ear[last + 1] > ear[last]:
            last += 1
        # Where open lids fill less than half a window, the level is that of the shut lids beside
        # them.
        around = [
            ear[n]
            for n, rest_s in (
                (first, times_s[first] - times_s[0]),
                (last, times_s[-1] - times_s[last]),
            )
            if not start <= n < stop and rest_s >= LEVEL_WINDOW_S / 2
        ]
        ear[first : last + 1] = min(around, default=traces.typical_ear)
    return ear


def _find_lowered(
    traces: Traces, level: Float64Array, close_ratio: float, closed: Int64Array
) -> Int64Array:
    """Return the intervals [start, stop) in which the person looks down with lowered lids, (L, 2).

    Each lasts for `SHORTEST_LOWERING_S` or more, with a face. In all of it, the level (N,), the EAR
    from which blinks start, is below close_ratio times `traces.typical_ear`. In its median, the
    gaze is lower than elsewhere, or the lids are half down. Frames of the intervals closed (C, 2),
    in which the eyes or one eye are held closed, are in none. L is 0 if `traces.baseline_trusted`
    is False.
    """
    if not traces.baseline_trusted:
        return np.empty((0, 2), dtype=np.int64)
    down = level < close_ratio * traces.typical_ear
    for start, stop in closed:
        down[start:stop] = False
    runs, times_s = find_runs(down & traces.seen), traces.track.times_s
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


def _mark_glances(dips: Dips, count: int) -> BoolArray:
    """Mark the samples of dips too long for a blink that do not shut the eyes: bool (count,)."""
    glance = np.zeros(count, dtype=np.bool_)
    wide = (dips.refused & REFUSALS["long"]) != 0
    for start, stop in dips.span[wide & (dips.least_ratio > DEEP_RATIO)]:
        glance[start:stop] = True
    return glance


def _iris_below_lid(traces: Traces) -> Float64Array:
    """Return how far the iris' centre is below the upper lid's edge, in canthal distances, (N,).

    It is the mean of both eyes; negative if the lids cover the centres, NaN without a face.
    """
    geometry = traces.geometry
    below = geometry.vertical_offset - geometry.upper_lid_offset
    mean: Float64Array = (below[:, LEFT] + below[:, RIGHT]) / 2
    return mean


def _mark_hidden(traces: Traces, lowered: Int64Array) -> BoolArray:
    """Mark the frames of the intervals lowered (L, 2) in which lids cover the irises, bool (N,)."""
    hidden = np.zeros(traces.seen.size, dtype=np.bool_)
    if len(lowered):
        covered = _iris_below_lid(traces) < IRIS_IN_SIGHT
        for start, stop in lowered:
            hidden[start:stop] = covered[start:stop]
    return hidden


def _usual_share(traces: Traces, level: Float64Array, close_ratio: float) -> Float64Array:
    """Return the usual EAR of each eye, divided by the mean of both eyes, shape (2,), left first.

    It is the median over the frames whose mean EAR is at least close_ratio of the level (N,), so
    that the eyes count as open; NaN for an eye whose median is 0, as if it was always shut.
    """
    # NaN compares as not below.
    opened = ~(traces.ear < close_ratio * level) & (traces.ear > 0)
    share = np.concatenate([compute_quantiles(one, opened, (0.5,)) for one in traces.ear_share])
    share[share == 0] = math.nan
    return share


def _close_alike(eye_amplitude: Float64Array) -> bool:
    """Return whether both eyes usually close about equally far.

    eye_amplitude (M, 2) is how far the left and the right eye close in each closure outside winks:
    0 = stays open, 1 = no opening left. The smaller one over the larger must be `WINK_ASYMMETRY` or
    more (median). If it is less, because one lid is weak, winks cannot be told from blinks: every
    blink looks like a wink, and a long one lasts as long as a wink. Also False if M is 0.
    """
    asymmetry = eye_amplitude.min(axis=1) / eye_amplitude.max(axis=1)
    return median_finite(asymmetry) >= WINK_ASYMMETRY
