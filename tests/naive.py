"""References for `kernels`: the definitions as plain loops, written for reading, not for speed.

Nothing here is imported from `kernels`, the constants included. Series are lists of floats, NaN is
missing; a frame's landmarks are a mapping from FaceMesh index to a point ``x + 1j * y`` in pixels.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

NAN = math.nan

# FaceMesh indices, per eye: the canthi from the subject's right to the subject's left, the two lid
# pairs of the EAR, the pair at mid lid, the iris centre and its horizontal diameter.
LEFT_EYE = {
    "canthi": (362, 263),
    "lid_pairs": ((387, 373), (385, 380)),
    "mid_lids": (386, 374),
    "iris": 473,
    "iris_diameter": (474, 476),
}
RIGHT_EYE = {
    "canthi": (33, 133),
    "lid_pairs": ((160, 144), (158, 153)),
    "mid_lids": (159, 145),
    "iris": 468,
    "iris_diameter": (469, 471),
}
EYES = (LEFT_EYE, RIGHT_EYE)

IRIS_DIAMETER_MM = 11.7
ROTATION_RADIUS_MM = 10.0
BASELINE_WINDOW_S = 2.0
TIME_TOLERANCE_S = 1e-6
BASELINE_QUANTILE = 0.6
TYPICAL_QUANTILE = 0.75
SHUT_RATIO = 0.5
CLOSED_DEPTH = 0.9
LONGEST_BLINK_S = 0.5
LONGEST_LOWERING_S = 1.0
DEEP_RATIO = 0.5
MAX_GAP_S = 0.5
WINK_DEPTH = 0.6
WINK_ASYMMETRY = 0.5
SHORTEST_WINK_S = 0.3
SACCADE_NOISE_FACTOR = 6.0
SHORTEST_SACCADE_SAMPLES = 3
MAD_TO_STD = 1.4826
NORMAL_RANGE = 3.2897
GAIN_STD = 0.08
LARGEST_GAIN_STDS = 2.0
MOST_SAMPLES = 40
FRAMING_STD = 0.03
BLINK = 1
PROLONGED_CLOSURE = 2

Points = Mapping[int, complex]


def quantile(values: Sequence[float], share: float) -> float:
    """Interpolate linearly between the order statistics; NaN without a value."""
    ordered = sorted(values)
    if not ordered:
        return NAN
    position = share * (len(ordered) - 1)
    below, above = math.floor(position), math.ceil(position)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def ear(points: Points, eye: Mapping) -> float:
    """Divide the mean gap of the two lid pairs by the canthal distance."""
    width = canthal_distance_px(points, eye)
    gaps = [abs(points[upper] - points[lower]) for upper, lower in eye["lid_pairs"]]
    return sum(gaps) / 2 / width if width else NAN


def gaze_offset(points: Points, eye: Mapping) -> complex:
    """Return the iris offset, horizontal + 1j * vertical.

    A quotient of complex numbers is a quotient of lengths and a difference of angles: dividing by
    the canthus axis resolves the offset along and across it and scales it by its length.
    """
    right, left = (points[index] for index in eye["canthi"])
    if left == right:
        return complex(NAN, NAN)
    return (points[eye["iris"]] - (right + left) / 2) / (left - right)


def iris_diameter_px(points: Points, eye: Mapping) -> float:
    one, other = eye["iris_diameter"]
    return abs(points[one] - points[other])


def palpebral_fissure_px(points: Points, eye: Mapping) -> float:
    upper, lower = eye["mid_lids"]
    return abs(points[upper] - points[lower])


def canthal_distance_px(points: Points, eye: Mapping) -> float:
    right, left = eye["canthi"]
    return abs(points[right] - points[left])


def head_roll_deg(points: Points) -> float:
    """Return the angle of the line from the right eye's canthus midpoint to the left eye's."""
    left, right = (sum(points[index] for index in eye["canthi"]) / 2 for eye in EYES)
    if left == right:
        return NAN
    return math.degrees(math.atan2((left - right).imag, (left - right).real))


def rotation_deg(offset: float, iris_to_canthal_ratio: float) -> float:
    """Return the angle whose sine is the offset in mm over the radius in mm."""
    canthal_distance_mm = IRIS_DIAMETER_MM / iris_to_canthal_ratio
    sine = offset * canthal_distance_mm / ROTATION_RADIUS_MM
    return math.degrees(math.asin(sine)) if abs(sine) <= 1 else NAN


def typical_opening(ear_values: Sequence[float]) -> float:
    return quantile([value for value in ear_values if not math.isnan(value)], TYPICAL_QUANTILE)


def window_quantile(
    values: Sequence[float],
    times_s: Sequence[float],
    chosen: Sequence[int],
    window_s: float,
    share: float,
) -> float:
    """Return the quantile over the chosen frames, NaN where they hold too little to say.

    Too little: they span under half of the window, or over half of them have no value.
    """
    present = [values[n] for n in chosen if not math.isnan(values[n])]
    span_s = max(times_s[n] for n in chosen) - min(times_s[n] for n in chosen)
    if span_s < window_s / 2 or len(present) < len(chosen) / 2:
        return NAN
    return quantile(present, share)


def forward_quantile(
    values: Sequence[float], times_s: Sequence[float], window_s: float, share: float
) -> list[float]:
    """Return for each frame the quantile over the frames in [t, t + window_s)."""
    result = []
    for now_s in times_s:
        chosen = [n for n, t in enumerate(times_s) if t >= now_s and t < now_s + window_s]
        result.append(window_quantile(values, times_s, chosen, window_s, share))
    return result


def open_baseline(ear_values: Sequence[float], times_s: Sequence[float]) -> list[float]:
    """Return for each frame the lower of the quantiles over the window before and after it."""
    typical = typical_opening(ear_values)
    lids_open = [NAN if value < SHUT_RATIO * typical else value for value in ear_values]
    result = []
    for now_s in times_s:
        after = [n for n, t in enumerate(times_s) if t >= now_s and t - now_s < BASELINE_WINDOW_S]
        before = [n for n, t in enumerate(times_s) if t <= now_s and now_s - t < BASELINE_WINDOW_S]
        sides = [
            window_quantile(lids_open, times_s, side, BASELINE_WINDOW_S, BASELINE_QUANTILE)
            for side in (before, after)
        ]
        result.append(min((side for side in sides if not math.isnan(side)), default=typical))
    return result


def find_closures(
    ratio: Sequence[float], times_s: Sequence[float], close: float, open_: float, max_gap_s: float
) -> list[tuple[int, int]]:
    """Return the runs below open_, cut at gaps, of which at least one sample is below close."""
    runs: list[list[int]] = []
    for n, value in enumerate(ratio):
        if math.isnan(value) or value >= open_:
            continue
        joins = runs and runs[-1][-1] == n - 1 and times_s[n] - times_s[n - 1] <= max_gap_s
        if joins:
            runs[-1].append(n)
        else:
            runs.append([n])
    return [(run[0], run[-1] + 1) for run in runs if min(ratio[n] for n in run) < close]


def connected(
    ratio: Sequence[float], times_s: Sequence[float], n: int, other: int, max_gap_s: float
) -> bool:
    """Tell whether the sample next to n exists, has a face, and is no gap away."""
    if not 0 <= other < len(ratio) or math.isnan(ratio[other]):
        return False
    return abs(times_s[other] - times_s[n]) <= max_gap_s


def crossing_s(
    ratio: Sequence[float],
    times_s: Sequence[float],
    outside: int,
    inside: int,
    level: float,
    max_gap_s: float,
) -> float:
    """Return when the line between two neighbours meets level; the inner time without a line."""
    if not connected(ratio, times_s, inside, outside, max_gap_s):
        return times_s[inside]
    slope = (ratio[outside] - ratio[inside]) / (times_s[outside] - times_s[inside])
    return times_s[inside] + (level - ratio[inside]) / slope


@dataclass
class Measured:
    """One closure."""

    interval: tuple[int, int]
    peak: int
    least_ratio: float
    below_s: float
    closed_s: float
    onset_seen: bool
    offset_seen: bool


def measure_closure(
    ratio: Sequence[float],
    times_s: Sequence[float],
    interval: tuple[int, int],
    close: float,
    open_: float,
    closed_depth: float,
    max_gap_s: float,
) -> Measured:
    """Measure one closure."""
    inside = range(*interval)
    least = min(ratio[n] for n in inside)

    # Each sample below the closing threshold lasts until the next one, or, before a gap or the
    # end, as long as the one before it.
    below_s = 0.0
    for n in inside:
        lasts_s = [
            abs(times_s[other] - times_s[n]) for other in (n + 1, n - 1) if 0 <= other < len(ratio)
        ]
        lasts_s = [duration_s for duration_s in lasts_s if duration_s <= max_gap_s]
        if ratio[n] < close and lasts_s:
            below_s += lasts_s[0]

    level = 1 - closed_depth * (1 - least)
    closed = [n for n in inside if ratio[n] <= level]
    closes_s = crossing_s(ratio, times_s, closed[0] - 1, closed[0], level, max_gap_s)
    opens_s = crossing_s(ratio, times_s, closed[-1] + 1, closed[-1], level, max_gap_s)

    start, last = inside[0], inside[-1]
    return Measured(
        interval=interval,
        peak=next(n for n in inside if ratio[n] == least),
        least_ratio=least,
        below_s=below_s,
        closed_s=opens_s - closes_s,
        onset_seen=connected(ratio, times_s, start, start - 1, max_gap_s)
        and ratio[start - 1] >= open_,
        offset_seen=connected(ratio, times_s, last, last + 1, max_gap_s)
        and ratio[last + 1] >= open_,
    )


@dataclass
class Detected:
    """All closures that are not noise, column by column."""

    interval: list[tuple[int, int]] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    least_ratio: list[float] = field(default_factory=list)
    closed_s: list[float] = field(default_factory=list)
    onset_seen: list[bool] = field(default_factory=list)
    offset_seen: list[bool] = field(default_factory=list)


def half_interval_s(times_s: Sequence[float]) -> float:
    """Return half of the typical time between samples, of a gap at most."""
    intervals_s = [after - before for before, after in pairwise(times_s)]
    return min(quantile(intervals_s, 0.5), MAX_GAP_S) / 2 if intervals_s else 0.0


def detect_closures(
    ratio: Sequence[float], times_s: Sequence[float], close_ratio: float, shortest_s: float
) -> Detected:
    """Find closures, drop what is short and shallow, tell blinks from prolonged closures."""
    open_ratio = (1 + close_ratio) / 2
    detected = Detected()
    for interval in find_closures(ratio, times_s, close_ratio, open_ratio, MAX_GAP_S):
        one = measure_closure(
            ratio, times_s, interval, close_ratio, open_ratio, CLOSED_DEPTH, MAX_GAP_S
        )
        short = one.below_s < shortest_s - TIME_TOLERANCE_S
        cut_off = not one.onset_seen or not one.offset_seen
        if (short or cut_off) and one.least_ratio >= DEEP_RATIO:
            continue
        detected.interval.append(interval)
        detected.peak.append(one.peak)
        # Durations are known to half of the time between samples.
        tolerance_s = half_interval_s(times_s) + TIME_TOLERANCE_S
        prolonged = (
            one.closed_s > LONGEST_BLINK_S + tolerance_s
            or one.below_s > LONGEST_LOWERING_S + tolerance_s
        )
        detected.kind.append(PROLONGED_CLOSURE if prolonged else BLINK)
        detected.least_ratio.append(one.least_ratio)
        detected.closed_s.append(one.closed_s)
        detected.onset_seen.append(one.onset_seen)
        detected.offset_seen.append(one.offset_seen)
    return detected


def percentile_range(
    values: Sequence[float], keep: Sequence[bool], low: float, high: float
) -> float:
    kept = [v for v, wanted in zip(values, keep, strict=True) if wanted and math.isfinite(v)]
    return quantile(kept, high) - quantile(kept, low) if len(kept) > 1 else math.nan


def quantiles(
    values: Sequence[float], keep: Sequence[bool], shares: Sequence[float]
) -> list[float]:
    kept = [v for v, wanted in zip(values, keep, strict=True) if wanted and math.isfinite(v)]
    return [quantile(kept, share) for share in shares]


def correlation(one: Sequence[float], other: Sequence[float], keep: Sequence[bool]) -> float:
    """Return Pearson's correlation, from the sums of squares about the means."""
    pairs = [(x, y) for x, y, wanted in zip(one, other, keep, strict=True) if wanted]
    if not pairs:
        return NAN
    mean_x, mean_y = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
    power_x = sum((x - mean_x) ** 2 for x, _ in pairs)
    power_y = sum((y - mean_y) ** 2 for _, y in pairs)
    if not power_x or not power_y:
        return NAN
    return sum((x - mean_x) * (y - mean_y) for x, y in pairs) / (power_x * power_y) ** 0.5


def noise_floor(values: Sequence[float], keep: Sequence[bool]) -> float:
    """Scale the median distance of kept neighbours to a normal distribution's percentile range."""
    distances = [
        abs(values[n] - values[n - 1])
        for n in range(1, len(values))
        if keep[n] and keep[n - 1] and math.isfinite(values[n] - values[n - 1])
    ]
    return quantile(distances, 0.5) * MAD_TO_STD / 2**0.5 * NORMAL_RANGE


def cut_blocks(
    values: Sequence[float], keep: Sequence[bool], times_s: Sequence[float], block_s: float
) -> list[list[float]]:
    """Return the kept values by blocks of time from the first of them on, without empty ones."""
    used = [n for n, v in enumerate(values) if keep[n] and math.isfinite(v)]
    blocks: dict[int, list[float]] = {}
    for n in used:
        number = math.floor((times_s[n] - times_s[used[0]]) / block_s)
        blocks.setdefault(number, []).append(values[n])
    return list(blocks.values())


def poisson_cumulative(count: int, mean: float) -> float:
    """Return the probability of `count` or fewer events, term by term from none on."""
    term, total = math.exp(-mean), 0.0
    for k in range(count + 1):
        total += term
        term *= mean / (k + 1)
    return total


def eye_amplitude(
    eye_ratio: Sequence[Sequence[float]], intervals: Sequence[tuple[int, int]]
) -> list[list[float]]:
    """Return 1 less the least ratio of each eye in each interval; NaN if one is missing."""
    result = []
    for start, stop in intervals:
        columns = [[eye_ratio[n][eye] for n in range(start, stop)] for eye in (0, 1)]
        result.append([NAN if any(map(math.isnan, one)) else 1 - min(one) for one in columns])
    return result


def peak_to_peak(values: Sequence[float], keep: Sequence[bool]) -> float:
    return percentile_range(values, keep, 0.05, 0.95)


def valid_time_s(
    valid: Sequence[bool], times_s: Sequence[float], max_gap_s: float = MAX_GAP_S
) -> float:
    """Sum the intervals that have a face at both ends and are no gaps."""
    return sum(
        times_s[after] - times_s[before]
        for before, after in pairwise(range(len(valid)))
        if valid[before] and valid[after] and times_s[after] - times_s[before] <= max_gap_s
    )


def perclos(
    closure: Sequence[float],
    times_s: Sequence[float],
    threshold: float = 0.8,
    max_gap_s: float = MAX_GAP_S,
) -> float:
    """Give each sample half of the valid interval on either side; return the closed share."""
    valid = [not math.isnan(value) for value in closure]
    weight_s = [0.0] * len(closure)
    for n in range(1, len(closure)):
        interval_s = times_s[n] - times_s[n - 1]
        if valid[n - 1] and valid[n] and interval_s <= max_gap_s:
            weight_s[n - 1] += interval_s / 2
            weight_s[n] += interval_s / 2
    if sum(weight_s) == 0:
        return NAN
    closed_s = sum(w for w, value in zip(weight_s, closure, strict=True) if value >= threshold)
    return closed_s / sum(weight_s)


def mark_around_closures(
    intervals: Sequence[tuple[int, int]], times_s: Sequence[float], guard_s: float
) -> list[bool]:
    """Mark a sample if any interval, widened by the guard, holds its time."""
    return [
        any(
            times_s[start] - guard_s <= now_s <= times_s[stop - 1] + guard_s
            for start, stop in intervals
        )
        for now_s in times_s
    ]


def inter_blink_intervals_s(
    onsets: Sequence[int],
    valid: Sequence[bool],
    times_s: Sequence[float],
    max_gap_s: float = MAX_GAP_S,
) -> list[float]:
    """Return onset to onset; NaN if a frame between has no face or follows a gap."""
    result = []
    for one, other in pairwise(onsets):
        face_seen = all(valid[n] for n in range(one + 1, other + 1))
        steps_s = [times_s[n + 1] - times_s[n] for n in range(one, other)]
        unbroken = face_seen and max(steps_s) <= max_gap_s
        result.append(times_s[other] - times_s[one] if unbroken else NAN)
    return result


def bootstrap_ranges(
    blocks: Sequence[Sequence[float]], draws: Sequence[Sequence[int]], low: float, high: float
) -> list[float]:
    """Return the percentile range of each draw of blocks."""
    ranges = []
    for draw in draws:
        values = [value for block in draw for value in blocks[block]]
        ranges.append(quantile(values, high) - quantile(values, low))
    return ranges


def peak_to_peak_interval(
    blocks: Sequence[Sequence[float]],
    draws: Sequence[Sequence[int]],
    stratum: int,
    held: float,
    student: float,
) -> tuple[float, float]:
    """Return the interval of the range of all blocks, as `bootstrap_ranges` and its factor say."""
    ranges = bootstrap_ranges(blocks, draws, 0.05, 0.95)
    values = [value for block in blocks for value in block]
    whole = quantile(values, 0.95) - quantile(values, 0.05)
    reach = max(whole - quantile(ranges, 0.025), quantile(ranges, 0.975) - whole)
    reach *= bootstrap_correction(len(blocks), stratum, held, student)
    return max(0, whole - reach), whole + reach


def bootstrap_correction(blocks: int, stratum: int, held: float, student: float) -> float:
    """Return by how much the bootstrap's interval is too narrow, from the blocks' covariances.

    `held` is the mean hold, in blocks; the covariances are summed over hundredths of a block.
    """

    def covariance(apart: int) -> float:
        # Pairs of hundredths at each distance, of two blocks.
        return sum(
            (100 - abs(k)) / 100**2 * math.exp(-abs(apart + k / 100) / held)
            for k in range(-99, 100)
        )

    apart = [covariance(k) for k in range(blocks)]
    true = sum(apart[abs(i - j)] for i in range(blocks) for j in range(blocks))
    seen = 0.0
    for first in range(0, blocks, stratum):
        members = range(first, min(first + stratum, blocks))
        # Squares of the distances to their mean, as expected.
        seen += len(members) * apart[0]
        seen -= sum(apart[abs(i - j)] for i in members for j in members) / len(members)
    return student / 1.96 * math.sqrt(true / seen)


def binomial_at_most(count: int, total: int, chance: Fraction) -> float:
    """Return the probability of `count` or fewer of `total`, exactly."""
    ways = (math.comb(total, k) * chance**k * (1 - chance) ** (total - k) for k in range(count + 1))
    return float(sum(ways))


def student_within(t: float, degrees_of_freedom: int) -> float:
    """Return the probability between -t and t: the density, by Simpson's rule."""
    scale = math.exp(
        math.lgamma((degrees_of_freedom + 1) / 2) - math.lgamma(degrees_of_freedom / 2)
    )
    scale /= math.sqrt(degrees_of_freedom * math.pi)

    def density(x: float) -> float:
        return scale * (1 + x * x / degrees_of_freedom) ** (-(degrees_of_freedom + 1) / 2)

    steps = 20_000
    width = t / steps
    inner = sum((4 if n % 2 else 2) * density(n * width) for n in range(1, steps))
    return 2 * width / 3 * (density(0) + inner + density(t))


def within_std(groups: Sequence[Sequence[float]]) -> tuple[float, int]:
    """Return the pooled standard deviation within groups and its degrees of freedom."""
    squares, free = 0.0, 0
    for group in groups:
        values = [value for value in group if not math.isnan(value)]
        for value in values:
            squares += (value - sum(values) / len(values)) ** 2
        free += max(len(values) - 1, 0)
    return (math.sqrt(squares / free) if free else NAN), free


def winks(
    eye_ratio: Sequence[Sequence[float]], times_s: Sequence[float]
) -> list[tuple[tuple[int, int], int]]:
    """Return the interval and the eye (0 left, 1 right) of each wink."""

    def closing(n: int) -> int | None:
        for eye in (0, 1):
            closed, other = 1 - eye_ratio[n][eye], 1 - eye_ratio[n][1 - eye]
            if closed >= WINK_DEPTH and other < WINK_ASYMMETRY * closed:
                return eye
        return None

    runs: list[tuple[int, list[int]]] = []
    for n in range(len(times_s)):
        eye = closing(n)
        if eye is None:
            continue
        joins = (
            runs
            and runs[-1][0] == eye
            and runs[-1][1][-1] == n - 1
            and times_s[n] - times_s[n - 1] <= MAX_GAP_S
        )
        if joins:
            runs[-1][1].append(n)
        else:
            runs.append((eye, [n]))
    found = []
    for eye, run in runs:
        after = run[-1] + 1
        seen_on = after < len(times_s) and times_s[after] - times_s[run[-1]] <= MAX_GAP_S
        until_s = times_s[after] if seen_on else times_s[run[-1]]
        if until_s - times_s[run[0]] >= SHORTEST_WINK_S - TIME_TOLERANCE_S:
            found.append(((run[0], after), eye))
    return found


def in_winks(
    closures: Sequence[tuple[int, int]], wink_intervals: Sequence[tuple[int, int]]
) -> list[bool]:
    """Tell of each closure whether a wink holds its first sample, or half of its samples."""
    return [
        any(
            start in range(*wink)
            or 2 * len(set(range(start, stop)) & set(range(*wink))) >= stop - start
            for wink in wink_intervals
        )
        for start, stop in closures
    ]


def velocity(
    values: Sequence[float], keep: Sequence[bool], times_s: Sequence[float], max_interval_s: float
) -> list[float]:
    """Return Engbert and Kliegl's slope over five samples, for irregular times."""
    result = []
    for n in range(len(values)):
        window = range(n - 2, n + 3)
        usable = (
            window[0] >= 0
            and window[-1] < len(values)
            and all(keep[k] and math.isfinite(values[k]) for k in window)
            and all(times_s[k + 1] - times_s[k] <= max_interval_s for k in window[:-1])
        )
        if not usable:
            result.append(NAN)
            continue
        ahead, behind = (n + 1, n + 2), (n - 1, n - 2)
        rise = sum(values[k] for k in ahead) - sum(values[k] for k in behind)
        result.append(rise / (sum(times_s[k] for k in ahead) - sum(times_s[k] for k in behind)))
    return result


@dataclass
class Saccade:
    """One saccade."""

    interval: tuple[int, int]
    amplitude: float
    peak_velocity_per_s: float


def saccades(
    values: Sequence[float], keep: Sequence[bool], times_s: Sequence[float], max_interval_s: float
) -> list[Saccade]:
    """Return the runs of one direction above the threshold."""
    speeds = velocity(values, keep, times_s, max_interval_s)
    known = [abs(speed) for speed in speeds if not math.isnan(speed)]
    if not known:
        return []
    threshold = SACCADE_NOISE_FACTOR * MAD_TO_STD * quantile(known, 0.5)
    runs: list[list[int]] = []
    for n, speed in enumerate(speeds):
        # NaN compares as not above.
        if not abs(speed) > threshold:
            continue
        if runs and runs[-1][-1] == n - 1 and speed * speeds[n - 1] > 0:
            runs[-1].append(n)
        else:
            runs.append([n])
    return [
        Saccade(
            (run[0], run[-1] + 1),
            values[run[-1] + 2] - values[run[0] - 2],
            max(abs(speeds[n]) for n in run),
        )
        for run in runs
        if len(run) >= SHORTEST_SACCADE_SAMPLES
    ]


def framing_gain(
    offset: Sequence[float], second: Sequence[float], framing: Sequence[int]
) -> tuple[float, float]:
    """Return the slope between two noisy series about a prior of 1, and its remaining error.

    Each framing has its own intercept.
    """
    pairs = [
        (group, one, other - one)
        for group, one, other in zip(framing, offset, second, strict=True)
        if math.isfinite(one) and math.isfinite(other)
    ]
    centred = []
    for group in {pair[0] for pair in pairs}:
        of_group = [(x, d) for other, x, d in pairs if other == group]
        mean_x = sum(x for x, _ in of_group) / len(of_group)
        mean_d = sum(d for _, d in of_group) / len(of_group)
        centred += [(x - mean_x, d - mean_d) for x, d in of_group]
    free = len(pairs) - len({pair[0] for pair in pairs}) - 1
    if free < 1:
        return 1.0, GAIN_STD
    power = sum(x * x for x, _ in centred)
    if power == 0:
        return 1.0, GAIN_STD
    product = sum(x * d for x, d in centred)
    noise = sum((d - product / power * x) ** 2 for x, d in centred) / free
    samples = min(free, MOST_SAMPLES)
    known = power / free + noise / (GAIN_STD**2 * samples)
    largest = LARGEST_GAIN_STDS * GAIN_STD
    return (
        1 + max(-largest, min(largest, product / free / known)),
        max(FRAMING_STD, (noise / (samples * known)) ** 0.5),
    )


def head_pose_deg(
    shape: Sequence[tuple[float, float, float]], points: Sequence[complex]
) -> tuple[float, float]:
    """Return yaw and pitch of the rotation that carries the shape best to the points.

    The affine map by the normal equations, then its nearest rotation by alternating: make the two
    rows orthogonal, then equally long, until they stay.
    """
    count = len(shape)
    centre = [sum(point[axis] for point in shape) / count for axis in range(3)]
    middle = sum(points) / count
    rows = [[point[axis] - centre[axis] for axis in range(3)] for point in shape]
    gram = [[sum(row[i] * row[j] for row in rows) for j in range(3)] for i in range(3)]
    image = [(point - middle).real for point in points], [(point - middle).imag for point in points]
    a, b = (
        solve_3(
            [
                sum(row[i] * value for row, value in zip(rows, column, strict=True))
                for i in range(3)
            ],
            gram,
        )
        for column in image
    )
    for _ in range(200):
        cosine = dot(a, b) / (dot(a, a) * dot(b, b)) ** 0.5
        length = ((dot(a, a) * dot(b, b)) ** 0.5) ** 0.5
        unit_a, unit_b = ([v / dot(one, one) ** 0.5 for v in one] for one in (a, b))
        a = [length * (u - cosine / 2 * v) for u, v in zip(unit_a, unit_b, strict=True)]
        b = [length * (v - cosine / 2 * u) for u, v in zip(unit_a, unit_b, strict=True)]
    a, b = ([v / dot(one, one) ** 0.5 for v in one] for one in (a, b))
    ahead = a[0] * b[1] - a[1] * b[0]
    roll = math.atan2(b[0], a[0])
    right, down = -a[2], -b[2]
    upright_right = math.cos(roll) * right + math.sin(roll) * down
    upright_down = math.cos(roll) * down - math.sin(roll) * right
    return (
        math.degrees(math.atan2(upright_right, ahead)),
        math.degrees(math.asin(max(-1.0, min(1.0, upright_down)))),
    )


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(u * v for u, v in zip(one, other, strict=True))


def solve_3(right: Sequence[float], matrix: Sequence[Sequence[float]]) -> list[float]:
    """Solve three linear equations by Cramer's rule."""

    def determinant(m: Sequence[Sequence[float]]) -> float:
        return (
            m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
            - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
        )

    whole = determinant(matrix)
    return [
        determinant([[right[i] if j == k else matrix[i][j] for j in range(3)] for i in range(3)])
        / whole
        for k in range(3)
    ]
