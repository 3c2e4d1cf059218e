"""Tell which dips of the lid opening are blinks, prolonged closures or flutters, and time them.

The lid opening is the mean of both eyes. A dip is a place where it falls and rises again.
"""

import operator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_eye_ratio, as_intervals, as_series, as_times
from kernels._jit import kernel
from kernels.dips import HALF, REFUSALS, Dips, cross_s, median_interval_s
from kernels.opening import MAX_GAP_S, STEADY_RATIO, TIME_TOLERANCE_S

BLINK, PROLONGED_CLOSURE, FLUTTER = 1, 2, 3
"""Kinds of closure, as in `Closures.kind`."""
FLUTTER_S = 0.2
"""Longest time for which the lids reopen within a flutter: shorter than a fixation."""
FLUTTER_DIPS = 4
"""Fewest dips in a row of a flutter: two are a double blink, three are still told apart."""
FLUTTER_CLOSURES = 3
"""Fewest of these dips that must be closures by themselves, so that noise alone is no flutter."""
ONSET_DEPTH = 0.1
"""Share of the way down from which a sample belongs to a closure; 0.1 is usual for rise times."""
FLANK_DEPTHS = (0.2, 0.6)
"""Shares of the way down between which a flank is timed, to tell when the lids begin to move.

Outside of these shares, the movement is taken to go on as a raised cosine. Its ends are smooth, and
nearly those of a movement of least jerk. The real ends cannot be timed: the upper one is lost in
the noise, and at the lower one the landmarks of shut lids still move.
"""
REST_WITHIN_S = (0.25, 0.5)
"""The lids at rest are looked for in these times: before the lids pass half of a closure's depth on
the way down, and after they pass it on the way up.

Lids close in 0.1 s and open in two to three times as long. Slower changes of the opening do not
belong to the closure.
"""
CLOSED_DEPTH = 0.9
"""Lids count as closed from this share of the closure's depth; 0.9 is usual for rise times."""
LONGEST_BLINK_S = 0.5
"""A closure that stays closed for longer is prolonged; a microsleep is at least this long."""
COMPLETE_RATIO = 0.6
"""A blink is complete at or below this share of the baseline.

FaceMesh keeps a slit between shut lids. The 143 closures that the ZJU set annotates as full read
0.08 to 0.59, and the partial ones 0.68.
"""

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Closures:
    """Closures of the eyes: M of them, in order of time.

    A closure's depth is 1 minus `least_ratio`: how far the lids go down from the open eye. Beside a
    closure, the lids may rest at another opening than that of the open eye.

    Attributes
    ----------
    interval : ndarray, shape (M, 2), int64
        Indices of samples, [start, stop), in which the lids are down by more than `ONSET_DEPTH` of
        the way from their rest beside the closure to its peak, and by more than the noise. Where
        the recording or the face ends before the lids are seen open, it lasts until there.
    peak : ndarray, shape (M,), int64
        Index of the sample with the least lid opening.
    kind : ndarray, shape (M,), int8
        `BLINK`, `PROLONGED_CLOSURE` or `FLUTTER`.
    least_ratio : ndarray, shape (M,), float64
        Lid opening at the peak, divided by the opening of the open eye.
    onset_s, offset_s : ndarray, shape (M,), float64
        When the lids begin to close and cease to open, in seconds on the clock of the samples'
        times. It follows from when they pass the shares `FLANK_DEPTHS` of the way, and may lie
        between samples. Where this was not seen, the time of the first or last sample of
        `interval`. Where neighbours would overlap, both times are halfway between the two.
    closed_s : ndarray, shape (M,), float64
        For how many seconds the lids are closed: from when they first go down by `CLOSED_DEPTH` of
        the depth until they last rise above that. If the sample before the first closed one, or
        after the last, is missing, the time of that closed sample counts.
    onset_seen, offset_seen : ndarray, shape (M,), bool
        False where `onset_s` or `offset_s` was not seen, because the recording or the face begins
        or ends within the closure, or samples are missing there for more than `MAX_GAP_S`.
    """

    interval: Int64Array
    peak: Int64Array
    kind: NDArray[np.int8]
    least_ratio: Float64Array
    onset_s: Float64Array
    offset_s: Float64Array
    closed_s: Float64Array
    onset_seen: BoolArray
    offset_seen: BoolArray

    def select(self, chosen: BoolArray) -> "Closures":
        """Return only the closures for which `chosen`, shape (M,), is True."""
        arrays: Any = self.arrays()
        return Closures(*(array[chosen] for array in arrays))

    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        """Return all arrays, in the order in which the fields are declared."""
        arrays: tuple[NDArray[np.generic], ...] = _ATTRIBUTES(self)
        return arrays


_ATTRIBUTES = operator.attrgetter(*(field.name for field in fields(Closures)))


@kernel("i8(f8[::1], f8[::1], i8, i8, i8, f8, f8)")
def _within(ratio, times_s, peak, step, bound, level, max_gap_s):
    """Walk from the sample `peak` while ratio is below level; return the last such sample.

    ratio (N,) is the lid opening divided by that of the open eye. step is 1 (forward in time) or -1
    (back). The walk also ends at the sample `bound`, and before a missing face (NaN) or a gap of
    more than max_gap_s seconds.
    """
    n = peak
    while n != bound:
        k = n + step
        if not ratio[k] < level or np.abs(times_s[k] - times_s[n]) > max_gap_s:
            break
        n = k
    return n


@kernel("void(f8[::1], f8[::1], i8, i8, i8, f8, f8[::1], f8, i8[::1], f8[::1])")
def _flank(ratio, times_s, peak, step, bound, half, settings, max_gap_s, samples, levels):
    """Find where the lids fall before a closure's peak, or rise after it: fill samples and levels.

    ratio (N,) is the lid opening divided by that of the open eye; samples (4,) and levels (3,) are
    filled. The search starts at the sample `peak` and goes back in time (step -1) or forward (step
    1), at most to the sample `bound`, a missing face, or a gap of more than max_gap_s seconds. It
    first walks to the last sample with a ratio below `half`, the ratio at half of the depth. Then
    it looks at the settings[0] seconds beyond that sample. The lids are at rest there at the sample
    with the highest ratio. The rise is the ratio at rest minus the ratio at the peak.

    levels (3,) are ratios, each a distance below the ratio at rest. For levels[0] the distance is
    the share settings[1] of the rise, or the noise settings[5] if that is more. Samples below
    levels[0] belong to the closure. For levels[1] and levels[2] the distances are the shares
    settings[2] and settings[3] of the rise; the lids' movement is timed between these two levels.
    The recording or the face may end, or a gap come, in the settings[0] seconds, before the ratio
    reaches settings[4] (open eyes). The closure then lasts until there, and levels[0] is infinite.

    samples[0] and samples[1] are the samples furthest from the peak below levels[0] and below
    levels[1]. samples[2] is the first sample at or below levels[2] on the way from samples[1] to
    the peak. At samples[3] the lids are at rest.
    """
    within_s, open_, noise = settings[0], settings[4], settings[5]
    inside = _within(ratio, times_s, peak, step, bound, half, max_gap_s)
    rest, k = ratio[inside], inside
    samples[3] = inside
    while k != bound and np.abs(times_s[k + step] - times_s[inside]) <= within_s:
        # NaN ends the way.
        if np.isnan(ratio[k + step]) or np.abs(times_s[k + step] - times_s[k]) > max_gap_s:
            break
        k += step
        if ratio[k] > rest:
            rest, samples[3] = ratio[k], k
    way = rest - ratio[peak]
    levels[0] = rest - max(settings[1] * way, noise)
    levels[1], levels[2] = rest - settings[2] * way, rest - settings[3] * way
    ends = k + step < 0 or k + step >= ratio.size
    if not ends:
        ends = np.isnan(ratio[k + step]) or np.abs(times_s[k + step] - times_s[k]) > max_gap_s
    if ends and rest < open_:
        levels[0] = np.inf
    samples[0] = _within(ratio, times_s, peak, step, bound, levels[0], max_gap_s)
    samples[1] = _within(ratio, times_s, peak, step, bound, levels[1], max_gap_s)
    # Lids that tremble while they are down pass this level several times.
    n = samples[1]
    while n != peak and ratio[n] > levels[2]:
        n -= step
    samples[2] = n


@kernel("void(f8[::1], f8[::1], i8[:,::1], f8[:,::1], f8[:,::1], f8, i8[:,::1], f8[:,::1])")
def _measure_closures(ratio, times_s, ends, openings, settings, max_gap_s, samples, levels):
    """Find where the lids fall and rise in each of M closures: fill samples and levels.

    ratio (N,) is the lid opening divided by that of the open eye. ends (M, 2) are the samples of
    the first and the last deepest point (peak) of each closure: only in a flutter they differ.
    openings (2, M) are the ratio at half of the closure's depth, and the ratio at or below which
    the lids count as closed. settings (2, 6) are what `_flank` takes for the fall (row 0) and for
    the rise (row 1). Nothing is looked for beyond a gap of more than max_gap_s seconds, nor beyond
    the nearest peak of the closure before or after.

    `_flank` fills samples[:, :4] and levels[:, :3] for the fall, and samples[:, 4:8] and
    levels[:, 3:] for the rise, of samples (M, 10) and levels (M, 6). The four samples of a flank
    are the outermost one of the closure, the outer and the inner one between which the lids'
    movement is timed, and that of lids at rest; the three levels are the ratios that the first
    three pass. A walk that ends at once gives the peak. The first level is infinite where a flank
    is cut off. samples[:, 8:] are the first and the last sample at which the lids are closed.
    """
    for m in range(ends.shape[0]):
        half, closed = openings[0, m], openings[1, m]
        low = ends[m - 1, 1] if m > 0 else 0
        high = ends[m + 1, 0] if m + 1 < ends.shape[0] else ratio.size - 1
        first, last = ends[m, 0], ends[m, 1]
        for side in range(2):
            _flank(
                ratio,
                times_s,
                last if side else first,
                1 if side else -1,
                high if side else low,
                half,
                settings[side],
                max_gap_s,
                samples[m, 4 * side : 4 * side + 4],
                levels[m, 3 * side : 3 * side + 3],
            )
        shut, until = last, first
        for n in range(samples[m, 0], samples[m, 4] + 1):
            if ratio[n] <= closed:
                shut, until = min(shut, n), max(until, n)
        samples[m, 8], samples[m, 9] = shut, until


@kernel(
    "i8(f8[::1], f8[::1], i8[::1], i8[:,::1], b1[::1], b1[::1], i8[::1], f8, i8[:,::1], i8[::1])"
)
def _group_dips(ratio, times_s, peaks, spans, kept, trembles, fewest, longest_s, ends, deepest):
    """Make closures of D dips of the lid opening; return the number of closures, M.

    Fill the first M rows of ends (D, 2) with the samples of a closure's first and last peak, and
    those of deepest (D,) with the sample of its least ratio. A peak is the deepest sample of a dip.
    peaks (D,) and spans (D, 2), [start, stop), are those of the dips. kept (D,) marks dips that are
    closures by themselves, and trembles (D,) all dips that can be a part of a flutter: the kept
    ones, and others.

    A closure is a single kept dip, or a flutter: a run of trembling dips, each of which begins at
    most longest_s seconds after the end of the trembling dip before it. A flutter needs at least
    fewest[0] dips, of which at least fewest[1] are kept ones. Its dips are no closures of their
    own.
    """
    found, run = 0, 0
    while run < peaks.size:
        if not trembles[run]:
            run += 1
            continue
        stop, last, dips, whole = run, run, 0, 0
        while stop < peaks.size:
            if trembles[stop]:
                apart_s = times_s[spans[stop, 0]] - times_s[spans[last, 1] - 1]
                if dips > 0 and apart_s > longest_s:
                    break
                last = stop
                dips += 1
                whole += kept[stop]
            stop += 1
        flutter = dips >= fewest[0] and whole >= fewest[1]
        if flutter:
            ends[found, 0], ends[found, 1], deepest[found] = peaks[run], peaks[last], peaks[run]
        for d in range(run, last + 1):
            if flutter and trembles[d]:
                if ratio[peaks[d]] < ratio[deepest[found]]:
                    deepest[found] = peaks[d]
            elif kept[d]:
                ends[found, 0], ends[found, 1], deepest[found] = peaks[d], peaks[d], peaks[d]
                found += 1
        found += flutter
        run = last + 1
    return found


@kernel("void(f8[:,::1], i8[:,::1], f8[:,::1])")
def _eye_amplitude(eye_ratio, intervals, out):
    """Fill out (M, 2) with 1 minus the least of eye_ratio (N, 2) in each of intervals (M, 2).

    The columns of eye_ratio and out are the left and the right eye. intervals are samples [start,
    stop). NaN where a sample of the interval is missing.
    """
    for m in range(intervals.shape[0]):
        for eye in range(2):
            least = np.inf
            for n in range(intervals[m, 0], intervals[m, 1]):
                # A missing sample (NaN) makes the amplitude unknown.
                if not eye_ratio[n, eye] >= least:
                    least = eye_ratio[n, eye]
                if np.isnan(least):
                    break
            out[m, eye] = 1 - least


def detect_closures(
    ratio: ArrayLike,
    times_s: ArrayLike,
    dips: Dips,
    noise: float,
    shortest_s: float,
    interval_s: float | None = None,
) -> Closures:
    """Detect blinks, prolonged closures and flutters among the dips.

    Parameters
    ----------
    ratio : array_like, shape (N,), float64
        Lid opening over its open level, mean of both eyes: 1 = open; NaN = no face.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    dips : Dips
        From `find_dips`, of the same samples.
    noise : float
        Standard deviation of `ratio` while the eyes are open: from `compute_lid_noise`.
    shortest_s : float
        A closure, also a flutter, that lasts for less than this from onset to offset is noise, and
        is left out; one of which an end is not seen stays.
    interval_s : float, optional
        Median time in seconds between samples, if the caller knows it already; otherwise it is
        computed.

    Returns
    -------
    Closures
        A closure is prolonged if `closed_s` (if neither end is seen: the time from onset to offset)
        is longer than `LONGEST_BLINK_S` plus half of the time between samples: no duration is known
        more exactly. `FLUTTER_DIPS` or more dips, each within `FLUTTER_S` of the end of the one
        before it, are one flutter, if at least `FLUTTER_CLOSURES` of them are closures by
        themselves and the others are only too shallow (refused as "noise" alone).

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.
    """
    values = as_series(ratio, "ratio")
    times = as_times(times_s, values.size, "ratio")
    ends, peak = np.empty((dips.peak.size, 2), np.int64), np.empty(dips.peak.size, np.int64)
    kept = dips.refused == 0
    trembles = (dips.refused & ~REFUSALS["noise"]) == 0
    fewest = np.array((FLUTTER_DIPS, FLUTTER_CLOSURES))
    longest_s = FLUTTER_S + TIME_TOLERANCE_S
    count = _group_dips(
        values, times, dips.peak, dips.span, kept, trembles, fewest, longest_s, ends, peak
    )
    ends, peak = ends[:count], peak[:count].copy()
    least_ratio, depth = values[peak], 1 - values[peak]
    openings = np.array((1 - HALF * depth, 1 - CLOSED_DEPTH * depth))
    shares = (ONSET_DEPTH, *FLANK_DEPTHS, STEADY_RATIO, noise)
    settings = np.array([(one, *shares) for one in REST_WITHIN_S])
    samples, levels = np.empty((count, 10), np.int64), np.empty((count, 6))
    _measure_closures(values, times, ends, openings, settings, MAX_GAP_S, samples, levels)
    first, last, shut, until = samples[:, [0, 4, 8, 9]].T.copy()
    onset_s, onset_seen = _end_s(values, times, samples[:, :4], levels[:, :3], -1)
    offset_s, offset_seen = _end_s(values, times, samples[:, 4:8], levels[:, 3:], 1)
    # Flanks that overlap meet in the middle.
    between = np.flatnonzero(onset_s[1:] < offset_s[:-1])
    onset_s[between + 1] = offset_s[between] = (onset_s[between + 1] + offset_s[between]) / 2
    closes_s = cross_s(values, times, shut - 1, shut, openings[1])
    reopens_s = cross_s(values, times, until + 1, until, openings[1])
    closed_s = np.where(np.isfinite(reopens_s), reopens_s, times[until]) - np.where(
        np.isfinite(closes_s), closes_s, times[shut]
    )
    tolerance_s = min(median_interval_s(times, interval_s), MAX_GAP_S) / 2 + TIME_TOLERANCE_S
    # If neither end was seen, the lids are down in all samples: they count as closed for that long.
    down_s = np.where(onset_seen | offset_seen, closed_s, offset_s - onset_s)
    kind = np.where(down_s > LONGEST_BLINK_S + tolerance_s, PROLONGED_CLOSURE, BLINK)
    kind[ends[:, 0] < ends[:, 1]] = FLUTTER
    found = Closures(
        interval=np.column_stack((first, last + 1)),
        peak=peak,
        kind=kind.astype(np.int8),
        least_ratio=least_ratio,
        onset_s=onset_s,
        offset_s=offset_s,
        closed_s=closed_s,
        onset_seen=onset_seen,
        offset_seen=offset_seen,
    )
    real = ~(onset_seen & offset_seen & (offset_s - onset_s < shortest_s - TIME_TOLERANCE_S))
    return found if real.all() else found.select(real)


def _end_s(
    ratio: Float64Array, times_s: Float64Array, samples: Int64Array, levels: Float64Array, step: int
) -> tuple[Float64Array, BoolArray]:
    """Return when the lids begin (step -1) or cease (step 1) to move in each of M closures.

    Return the times in seconds, shape (M,), and whether each was seen, shape (M,). Where it was
    not, the time is that of the first or last sample of the closure. ratio (N,) is the eye opening
    over that of the open eye, and times_s (N,) are the samples' times in seconds; samples (M, 4)
    and levels (M, 3) are what `_flank` found for this side of each closure.
    """
    outermost, outer, inner, at_rest = samples.T.copy()
    outer_s, inner_s = (
        cross_s(ratio, times_s, one + step, one, levels[:, n].copy())
        for n, one in ((1, outer), (2, inner))
    )
    seen = np.isfinite(cross_s(ratio, times_s, outermost + step, outermost, levels[:, 0].copy()))
    seen &= np.isfinite(outer_s + inner_s)
    begins, ends = (np.arccos(1 - 2 * share) / np.pi for share in FLANK_DEPTHS)
    end_s = outer_s + begins / (ends - begins) * (outer_s - inner_s)
    # Lids that are at rest do not move any more.
    end_s = (np.minimum if step > 0 else np.maximum)(end_s, times_s[at_rest])
    return np.where(seen, end_s, times_s[outermost]), seen


def compute_eye_amplitude(eye_ratio: ArrayLike, intervals: ArrayLike) -> Float64Array:
    """Compute by which share of its opening each eye closes in each closure.

    Parameters
    ----------
    eye_ratio : array_like, shape (N, 2), float64
        Lid opening of the left and the right eye over its open baseline: 1 = open; NaN = missing.
    intervals : array_like, shape (M, 2), int64
        The closures: samples [start, stop) of each.

    Returns
    -------
    ndarray, shape (M, 2), float64
        Left and right eye: 1 minus the eye's least ratio in the closure, so that 0 or less = stays
        open, 1 = no opening left; NaN if one of its samples is missing in the closure.

    Raises
    ------
    ValueError
        A shape is wrong, or an interval is empty or reaches beyond the samples.
    """
    ratios = as_eye_ratio(eye_ratio)
    pairs = as_intervals(intervals, len(ratios))
    amplitude = np.empty((len(pairs), 2))
    _eye_amplitude(ratios, pairs, amplitude)
    return amplitude
