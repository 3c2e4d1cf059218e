"""Find the dips of the lid opening, and the reasons why a dip is not a closure of both eyes.

A dip is a place where the lid opening falls and rises again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_eye_ratio, as_flags, as_series, as_times, require
from kernels._jit import kernel
from kernels.opening import MAX_GAP_S, TIME_TOLERANCE_S
from kernels.quantiles import take_quantiles

HALF = 0.5
"""Share of a dip's depth that the lids must reopen on both sides before they fall deeper.

Two dips with less between them are one. Full width at half of the depth is the convention for the
duration of a pulse.
"""
NOISE_MULTIPLE = 8.0
"""Least depth of a dip, in standard deviations of the open lids (`compute_lid_noise`).

Chosen on the annotated recordings and variants of them (`tracker.lab.validation`). There, the
shallowest blink reaches 12, and other dips of the same shape reach 7. The limit is nearer to 7,
because other people's blinks may be shallower.
"""
DEEP_RATIO = 0.5
"""A dip down to this share of the level or less is not noise: the lids are shut.

Lids that follow the gaze 40 degrees down leave 0.66 of the opening.
"""
LONGEST_PARTIAL_S = 0.3
"""Longest width of a closure that leaves more than `DEEP_RATIO` open.

A wider dip may be a glance or a squint. A spontaneous blink takes up to 0.4 s, and its width at
half of its depth is less. A glance down lasts longer: between its two saccades, of 0.1 s each, lies
a fixation of 0.2 s or more.
"""
LONGEST_FALL_S = 0.15
"""Longest time that the lids of a closure would need for its whole depth at their fastest speed.

The closing phase of a spontaneous blink lasts about 0.1 s; by this measure, 0.115 s at most in the
annotated recordings. Half as much again leaves room for slow lids.
"""
EYE_SHARE = 0.3
"""The eye that closes less closes by at least this share of what the other eye does.

Glare on spectacles moves the landmarks of one eye alone. In the annotated recordings the share is
0.396 or more in blinks, and 0.11 in dips that come from glare. Chosen on these recordings and all
variants of them (`tracker.lab.validation`). Without one of the 23 people, the choice would be 0.25.
Without any other one, it stays the same.
"""
FALL_STEP_S = 0.025
"""Least time over which the speed of a fall is taken: one frame at usual rates, several at high
rates."""

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ClosureRules:
    """The limits by which a dip counts as a closure.

    Attributes
    ----------
    noise_multiple : float
        Least depth of a closure, in standard deviations of the ratio of open eyes (`Dips.noises`).
    deep_ratio : float
        Lids that go down to this share of the open eye, or less, are shut: `noise_multiple` does
        not hold for such a dip, unless it starts from lids that were already far down.
    longest_partial_s : float
        Longest time at half of its depth (`Dips.width_s`) of a closure whose least ratio is above
        `deep_ratio`, or which starts from lids that were already far down; one sampling interval is
        added. Other closures may last for any time.
    longest_fall_s : float
        Longest time that the lids may need for the whole depth at their fastest speed
        (`Dips.fall_s`), in a closure of which the onset is seen.
    eye_share : float
        The eye that closes less closes by at least this share of what the other eye does, if both
        are seen.
    ignored : int
        Rules that are left out, as a sum of bits of `REFUSALS`; 0 leaves out none. The results with
        and without a rule show what it is good for.
    """

    noise_multiple: float = NOISE_MULTIPLE
    deep_ratio: float = DEEP_RATIO
    longest_partial_s: float = LONGEST_PARTIAL_S
    longest_fall_s: float = LONGEST_FALL_S
    eye_share: float = EYE_SHARE
    ignored: int = 0


RULES = ClosureRules()


@dataclass(frozen=True, slots=True)
class Dips:
    """Dips of the lid opening: D of them, in order of time. They are the candidates for closures.

    The ratio is the lid opening divided by that of the open eye. The depth of a dip is 1 minus the
    ratio at its peak.

    Attributes
    ----------
    peak : ndarray, shape (D,), int64
        Index of the sample with the least ratio.
    span : ndarray, shape (D, 2), int64
        Indices of samples, [start, stop), around the peak, in which the lids are down by more than
        half of the depth.
    least_ratio : ndarray, shape (D,), float64
        Ratio at the peak.
    noises : ndarray, shape (D,), float64
        Depth divided by the noise, the standard deviation of the ratio of open eyes; infinite if
        the noise is 0.
    width_s : ndarray, shape (D,), float64
        Time from passing half of the depth on the way down to passing it on the way up; NaN where
        one of the two is not seen.
    fall_s : ndarray, shape (D,), float64
        How slow the lids fall, at least: the time that they would need for the whole depth at their
        fastest speed, minus the time between the samples that show this speed. A fall that is
        faster than the samples gives about 0, or a little less; NaN if the lids do not fall.
    reopened : ndarray, shape (D,), float64
        Largest ratio in the span after the peak, minus the ratio at the peak; 0 if the span ends
        there.
    onset_seen : ndarray, shape (D,), bool
        Whether the passing of half of the depth on the way down is seen.
    eye_share : ndarray, shape (D,), float64
        Depth of the eye that closes less, divided by that of the other eye. An eye's depth is 1
        minus its own least ratio in the span, or 0 if that is negative. NaN if an eye is missing in
        a sample of the span; 0 if neither eye closes.
    refused : ndarray, shape (D,), int64
        Why the dip is not a closure: a sum of bits of `REFUSALS`; 0 for a closure. "noise": it is
        too shallow; "one_eye": one eye closes too little; "long": it is too wide; "slow": the lids
        fall too slowly; "cut": too little of it is seen; "merged": a deeper dip beside it counts.
    """

    peak: Int64Array
    span: Int64Array
    least_ratio: Float64Array
    noises: Float64Array
    width_s: Float64Array
    fall_s: Float64Array
    reopened: Float64Array
    onset_seen: BoolArray
    eye_share: Float64Array
    refused: Int64Array


REFUSALS = {"noise": 1, "one_eye": 2, "long": 4, "slow": 8, "cut": 16, "merged": 32}
"""Bits of `Dips.refused`."""


@kernel("i8(f8[::1], f8[::1], i8, i8, f8, f8)")
def _reach(ratio, times_s, peak, step, level, max_gap_s):
    """Walk from the sample `peak` while ratio is below level; return the last such sample.

    ratio (N,) is the lid opening divided by that of the open eye. step is 1 (forward in time) or -1
    (back). The walk also ends before a missing face (NaN) or a gap of more than max_gap_s seconds.
    Return -1 if ratio falls below its value at `peak` on the way, because `peak` is then not the
    lowest sample of the dip. Of equal samples, only the first counts as the lowest.
    """
    n = peak
    while True:
        k = n + step
        if k < 0 or k >= ratio.size or np.abs(times_s[k] - times_s[n]) > max_gap_s:
            return n
        # NaN ends the way as well.
        if not ratio[k] < level:
            return n
        if ratio[k] < ratio[peak] or (step < 0 and ratio[k] == ratio[peak]):
            return -1
        n = k


@kernel("void(f8[::1], f8[::1], i8[::1], i8[::1], f8[::1], f8, f8[::1])")
def _crossings_s(ratio, times_s, outside, inside, level, max_gap_s, out):
    """Fill out (M,) with the times at which ratio crosses level (M,), between two neighbours.

    The neighbours are the samples inside (M,) and outside (M,), and the times are interpolated
    linearly, in seconds. (If the level does not lie between the two ratios, the line through them
    is continued to it.) The time is NaN where the outside sample is beyond the recording, has no
    face, lies across a gap of more than max_gap_s, or has the same ratio as the inside sample.
    """
    for m in range(level.size):
        far, near = outside[m], inside[m]
        out[m] = np.nan
        if (
            0 <= far < ratio.size
            and np.abs(times_s[far] - times_s[near]) <= max_gap_s
            and ratio[far] != ratio[near]
        ):
            share = (level[m] - ratio[near]) / (ratio[far] - ratio[near])
            out[m] = times_s[near] + share * (times_s[far] - times_s[near])


@kernel("f8(f8[::1], f8[::1], i8, i8, f8, f8)")
def _fall_s(ratio, times_s, first, peak, step_s, max_gap_s):
    """Return how slow the lids fall in one dip, in seconds: `Dips.fall_s`.

    It is the time for the whole depth at the fastest speed, minus the time between the two samples
    that show this speed; NaN if the lids do not fall. `first` is the first sample of the dip's
    span, and `peak` its lowest. The fall begins at or before `first`, at the last sample at which
    the lids were not yet falling, and does not cross a gap of more than max_gap_s. Each speed is
    measured over step_s seconds or more, but not beyond the peak.
    """
    top = first
    while top > 0 and times_s[top] - times_s[top - 1] <= max_gap_s and ratio[top - 1] > ratio[top]:
        top -= 1
    fastest_per_s, between_s, k = 0.0, 0.0, top
    for n in range(top, peak):
        k = max(k, n + 1)
        while k < peak and times_s[k] - times_s[n] < step_s:
            k += 1
        speed_per_s = (ratio[n] - ratio[k]) / (times_s[k] - times_s[n])
        if speed_per_s > fastest_per_s:
            fastest_per_s, between_s = speed_per_s, times_s[k] - times_s[n]
    if fastest_per_s == 0:
        return np.nan
    return (1 - ratio[peak]) / fastest_per_s - between_s


@kernel("f8(f8[:,::1], i8, i8)")
def _eye_share(eye_ratio, start, stop):
    """Return how far the eye that closes less closes, divided by how far the other one does.

    eye_ratio (N, 2) is the opening of the left and the right eye, each divided by that when it is
    open. Only the samples from start up to, not including, stop count. An eye closes by 1 minus its
    least ratio, or by 0 if that is negative. NaN if an eye is missing in one of the samples; 0 if
    neither eye closes.
    """
    least_left, least_right = 1.0, 1.0
    for n in range(start, stop):
        if np.isnan(eye_ratio[n, 0]) or np.isnan(eye_ratio[n, 1]):
            return np.nan
        least_left = min(least_left, eye_ratio[n, 0])
        least_right = min(least_right, eye_ratio[n, 1])
    less, more = 1 - max(least_left, least_right), 1 - min(least_left, least_right)
    return less / more if more > 0 else 0.0


@kernel("i8(f8[::1], f8[:,::1], f8[::1], f8[::1], f8, i8[:,::1], f8[:,::1])")
def _find_dips(ratio, eye_ratio, times_s, levels, max_gap_s, spans, measured):
    """Find the dips of ratio (N,); return their number D.

    ratio is the lid opening divided by that of the open eye, and eye_ratio (N, 2) that of the left
    and the right eye. levels (3,) are the ratio below which the peak of a dip must be, the share of
    its depth by which the lids must reopen before they fall deeper, and the least time in seconds
    over which a speed is taken. A dip ends at a missing face and at a gap of more than max_gap_s,
    also if the lids have not reopened. Fill the first D rows of spans (N, 3) with each dip's peak,
    and start and stop of the samples around it in which the lids are down by more than that share
    of the depth. Fill those of measured (N, 3) with how slow the lids fall (`_fall_s`); the largest
    ratio from the peak to stop, minus that at the peak; and `_eye_share` from start to stop.
    """
    open_, half, step_s = levels
    found = 0
    for n in range(ratio.size):
        # NaN compares as not below.
        if not ratio[n] < open_:
            continue
        level = 1 - half * (1 - ratio[n])
        first = _reach(ratio, times_s, n, -1, level, max_gap_s)
        if first < 0:
            continue
        last = _reach(ratio, times_s, n, 1, level, max_gap_s)
        if last < 0:
            continue
        spans[found, 0], spans[found, 1], spans[found, 2] = n, first, last + 1
        highest = ratio[n]
        for k in range(n, last + 1):
            highest = max(highest, ratio[k])
        measured[found, 0] = _fall_s(ratio, times_s, first, n, step_s, max_gap_s)
        measured[found, 1] = highest - ratio[n]
        measured[found, 2] = _eye_share(eye_ratio, first, last + 1)
        found += 1
    return found


@kernel("void(f8[::1], f8[:,::1], f8[::1], f8[::1], f8, i8[::1], b1[::1])")
def _merge_dips(ratio, eye_ratio, times_s, levels, max_gap_s, peaks, merged):
    """Mark in merged (D,) the shallower of two dips in a row if only one eye reopens between them.

    ratio (N,) is the lid opening divided by that of the open eye, and eye_ratio (N, 2) that of the
    left and the right eye. peaks (D,) are the lowest samples of the dips. levels (2,) are the ratio
    from which the eyes count as open, and `ClosureRules.eye_share`. Two dips stay apart if the
    ratio reaches that of open eyes between them, if there is a missing face or a gap of more than
    max_gap_s, or if the eye that reopens less does so by at least that share of what the other one
    does. Of two equal dips, the later one is marked.

    How far an eye reopens is told where ratio is highest between the dips: it is the eye's opening
    there minus the larger one of its openings at the two peaks, as a share of what this one lacks
    of the open eye.
    """
    open_, eye_share = levels
    last = 0
    for d in range(1, peaks.size):
        before, peak = peaks[last], peaks[d]
        top, joined = before, True
        for n in range(before + 1, peak + 1):
            joined = joined and ratio[n] < open_ and times_s[n] - times_s[n - 1] <= max_gap_s
            if ratio[n] > ratio[top]:
                top = n
        if joined:
            least, most = np.inf, -np.inf
            for eye in range(2):
                floor = max(eye_ratio[before, eye], eye_ratio[peak, eye])
                reopened = (eye_ratio[top, eye] - floor) / (1 - floor) if floor < 1 else 0.0
                least, most = min(least, reopened), max(most, reopened)
            if least < eye_share * most:
                if ratio[before] <= ratio[peak]:
                    merged[d] = True
                    continue
                merged[last] = True
        last = d


def cross_s(
    ratio: Float64Array,
    times_s: Float64Array,
    outside: Int64Array,
    inside: Int64Array,
    level: Float64Array,
) -> Float64Array:
    """Return the times in seconds, shape (M,), at which ratio crosses level (M,).

    Each crossing lies between the samples inside (M,) and outside (M,), which are neighbours; its
    time is interpolated linearly. NaN where it is not seen: the outside sample is beyond the
    recording, has no face, is more than `MAX_GAP_S` away, or has the same ratio.
    """
    crossed_s = np.empty(level.size)
    _crossings_s(ratio, times_s, require(outside, np.int64), inside, level, MAX_GAP_S, crossed_s)
    return crossed_s


def find_dips(
    ratio: ArrayLike,
    eye_ratio: ArrayLike,
    times_s: ArrayLike,
    noise: float,
    lowered: ArrayLike,
    close_ratio: float,
    rules: ClosureRules = RULES,
    interval_s: float | None = None,
) -> Dips:
    """Find all dips of the lid opening, and tell for each whether it is a closure.

    A dip goes below the opening halfway between `close_ratio` and the open eye, and the lids reopen
    by half of its depth on both sides before they fall deeper. It may also begin or end where the
    recording does, at a missing face, or at a gap of more than `MAX_GAP_S`.

    Parameters
    ----------
    ratio : array_like, shape (N,), float64
        Lid opening over its open level, mean of both eyes: 1 = open; NaN = no face.
    eye_ratio : array_like, shape (N, 2), float64
        The same of the left and the right eye.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    noise : float
        Standard deviation of `ratio` while the eyes are open: from `compute_lid_noise`.
    lowered : array_like, shape (N,), bool
        True for samples around which the lids stay far down, such as in a gaze down: `ratio` was
        divided there by the opening of these lids, and not by that of open eyes. The value at its
        peak tells whether a dip starts from lids that are far down.
    close_ratio : float
        Ratio below which the eyes count as closing; in (0, 1).
    rules : ClosureRules, optional
        The limits by which a dip counts as a closure. Default: the constants of this module.
    interval_s : float, optional
        Median time in seconds between samples, if the caller knows it already; otherwise it is
        computed.

    Returns
    -------
    Dips
        All dips in order of time. Those whose `refused` is 0 are closures.

    Raises
    ------
    ValueError
        Shapes differ, `times_s` is not strictly increasing, or `close_ratio` is not in (0, 1).
    """
    values, eyes = as_series(ratio, "ratio"), as_eye_ratio(eye_ratio)
    times = as_times(times_s, values.size, "ratio")
    low = as_flags(lowered, "lowered")
    if not len(eyes) == low.size == values.size:
        raise ValueError(
            f"ratio, eye_ratio and lowered have shapes {values.shape}, {eyes.shape} and "
            f"{low.shape}, expected one value for each sample"
        )
    if not 0 < close_ratio < 1:
        raise ValueError(f"close_ratio is {close_ratio}, expected a share between 0 and 1")
    open_ratio = (close_ratio + 1) / 2
    spans, measured = np.empty((values.size, 3), np.int64), np.empty((values.size, 3))
    levels = np.array((open_ratio, HALF, FALL_STEP_S - TIME_TOLERANCE_S))
    count = _find_dips(values, eyes, times, levels, MAX_GAP_S, spans, measured)
    peak, first, stop = spans[:count].T.copy()
    fall_s, reopened, eye_share = measured[:count].T.copy()
    least_ratio, depth = values[peak], 1 - values[peak]
    half = 1 - HALF * depth
    begins_s = cross_s(values, times, first - 1, first, half)
    ends_s = cross_s(values, times, stop, stop - 1, half)
    dips = Dips(
        peak=peak,
        span=spans[:count, 1:].copy(),
        least_ratio=least_ratio,
        noises=depth / noise if noise > 0 else np.full(count, np.inf),
        width_s=ends_s - begins_s,
        fall_s=fall_s,
        reopened=reopened,
        onset_seen=np.isfinite(begins_s),
        eye_share=eye_share,
        refused=np.zeros(count, np.int64),
    )
    _refuse(dips, low[peak], 1 - open_ratio, median_interval_s(times, interval_s), rules)
    kept = np.flatnonzero(dips.refused == 0)
    merged = np.zeros(kept.size, np.bool_)
    shares = np.array((open_ratio, rules.eye_share))
    _merge_dips(values, eyes, times, shares, MAX_GAP_S, peak[kept], merged)
    dips.refused[kept[merged]] |= REFUSALS["merged"] & ~rules.ignored
    return dips


def _refuse(
    dips: Dips, lowered: BoolArray, least_depth: float, interval_s: float, rules: ClosureRules
) -> None:
    """Add to `dips.refused`, in place, the bits (`REFUSALS`) of the rules that each dip breaks.

    lowered (D,) marks the dips that start from lids that were already far down, and not from open
    eyes. least_depth is how far, as a share of the open eye, the lids must reopen in a dip of which
    only the fall is seen. interval_s is the median time between samples. Bits of `rules.ignored`
    are not added. The rule "merged" looks at two dips at a time, and is left to `_merge_dips`.
    """
    deep = dips.least_ratio <= rules.deep_ratio
    weak = dips.noises < rules.noise_multiple
    longest_s = np.where(deep & ~lowered, np.inf, rules.longest_partial_s)
    # A width is only known to within the time between samples: a dip of one sample has that width.
    tolerance_s = min(interval_s, MAX_GAP_S / 2) + TIME_TOLERANCE_S
    whole = np.isfinite(dips.width_s)
    begun = dips.onset_seen & (dips.reopened >= least_depth)
    for name, refused in {
        "noise": weak & (~deep | lowered),
        # If an eye is not seen, its share is NaN, which compares as large enough.
        "one_eye": dips.eye_share < rules.eye_share,
        "long": dips.width_s > longest_s + tolerance_s,
        # The speed of a fall that is not seen whole is not known.
        "slow": dips.onset_seen & (dips.fall_s > rules.longest_fall_s + TIME_TOLERANCE_S),
        # A dip that is seen in part does not show that the lids were open before, or open again.
        "cut": ~whole & (lowered | ~(deep | begun)),
    }.items():
        dips.refused[refused] |= REFUSALS[name] & ~rules.ignored


def median_interval_s(times_s: Float64Array, interval_s: float | None) -> float:
    """Return `interval_s`, or the median time between samples, in seconds, if that is None.

    Return 0 if there are fewer than two samples, whatever `interval_s` is. times_s is (N,).
    """
    if times_s.size < 2:
        return 0.0
    if interval_s is None:
        everything = np.ones(times_s.size - 1, np.bool_)
        interval_s = float(take_quantiles(np.diff(times_s), everything, (0.5,))[1][0])
    return interval_s
