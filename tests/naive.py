"""References for `kernels`: the definitions as plain loops, written for reading, not for speed.

Nothing here is imported from `kernels`, the constants included. Series are lists of floats, NaN is
missing; a frame's landmarks are a mapping from FaceMesh index to a point ``x + 1j * y`` in pixels.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from itertools import groupby, pairwise
from statistics import NormalDist

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
LEVEL_WINDOW_S = 1.0
LEVEL_QUANTILE = 0.9
TIME_TOLERANCE_S = 1e-6
TYPICAL_QUANTILE = 0.75
STEADY_RATIO = 0.875
VARIATION_S = 0.1
VARIATION_QUANTILE = 0.8
NOMINAL_VARIATION = 0.02
LEAST_CHANGES = 10
NOISE_MULTIPLE = 8.0
DEEP_RATIO = 0.5
LONGEST_PARTIAL_S = 0.3
LONGEST_FALL_S = 0.15
EYE_SHARE = 0.3
FALL_STEP_S = 0.025
FLUTTER_S = 0.2
FLUTTER_DIPS = 4
FLUTTER_CLOSURES = 3
ONSET_DEPTH = 0.1
FLANK_DEPTHS = (0.2, 0.6)
REST_WITHIN_S = (0.25, 0.5)
CLOSED_DEPTH = 0.9
LONGEST_BLINK_S = 0.5
MAX_GAP_S = 0.5
WINK_DEPTH = 0.6
WINK_ASYMMETRY = 0.5
SHORTEST_WINK_S = 0.3
MAD_TO_STD = 1.4826
NORMAL_RANGE = 3.2897
GAIN_STD = 0.08
LARGEST_GAIN_STDS = 2.0
MOST_SAMPLES = 40
FRAMING_STD = 0.03
BLINK = 1
PROLONGED_CLOSURE = 2
FLUTTER = 3

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


def upper_lid_offset(points: Points, eye: Mapping) -> float:
    """Return how far the upper lid's edge is below the canthus axis, in its length."""
    right, left = (points[index] for index in eye["canthi"])
    if left == right:
        return NAN
    return ((points[eye["mid_lids"][0]] - (right + left) / 2) / (left - right)).imag


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


def connected(times_s: Sequence[float], n: int, other: int) -> bool:
    """Tell whether the sample next to n exists and is no gap away."""
    return 0 <= other < len(times_s) and abs(times_s[other] - times_s[n]) <= MAX_GAP_S


def open_level(ear_values: Sequence[float], times_s: Sequence[float]) -> list[float]:
    """Return for each sample the least quantile of the windows that hold it."""
    count = len(times_s)
    level = [math.inf] * count
    for start in range(count):
        window = [start]
        while (
            connected(times_s, window[-1], window[-1] + 1)
            and times_s[window[-1] + 1] < times_s[start] + LEVEL_WINDOW_S - TIME_TOLERANCE_S
        ):
            window.append(window[-1] + 1)
        goes_on = connected(times_s, window[-1], window[-1] + 1)
        if len(window) == 1:
            continue
        # Each sample lasts as long as the mean one.
        covered_s = (times_s[window[-1]] - times_s[start]) * len(window) / (len(window) - 1)
        present = [ear_values[n] for n in window if not math.isnan(ear_values[n])]
        if not goes_on and covered_s < LEVEL_WINDOW_S - TIME_TOLERANCE_S:
            continue
        if not present or len(present) < len(window) / 2:
            continue
        for n in window:
            level[n] = min(level[n], quantile(present, LEVEL_QUANTILE))
    typical = typical_opening(ear_values)
    return [typical if math.isinf(value) else value for value in level]


def lid_noise(
    ear_values: Sequence[float], level: Sequence[float], times_s: Sequence[float]
) -> float:
    """Return the standard deviation of the open lids, a share of the level."""
    count = len(times_s)
    still = [value > STEADY_RATIO * one for value, one in zip(ear_values, level, strict=True)]
    changes = []
    for n in range(count):
        if not still[n]:
            continue
        due_s = times_s[n] + VARIATION_S
        later = [k for k in range(n + 1, count) if times_s[k] >= due_s]
        if later:
            # The nearest to what is due; of two that are equally near, the later.
            before = later[0] - 1
            nearest = later[0]
            if before > n and due_s - times_s[before] < times_s[later[0]] - due_s:
                nearest = before
            if still[nearest] and times_s[nearest] - times_s[n] <= 2 * VARIATION_S:
                changes.append(abs(ear_values[nearest] / level[nearest] - ear_values[n] / level[n]))
    if len(changes) < LEAST_CHANGES:
        return NOMINAL_VARIATION
    # A change is the difference of two samples, and its sign is dropped.
    unit = NormalDist().inv_cdf((1 + VARIATION_QUANTILE) / 2)
    return quantile(changes, VARIATION_QUANTILE) / unit / math.sqrt(2)


def crossing_s(
    ratio: Sequence[float], times_s: Sequence[float], outside: int, inside: int, level: float
) -> float:
    """Return when the line between two neighbours meets level; NaN without a line."""
    if not connected(times_s, inside, outside) or math.isnan(ratio[outside]):
        return NAN
    slope = (ratio[outside] - ratio[inside]) / (times_s[outside] - times_s[inside])
    return times_s[inside] + (level - ratio[inside]) / slope


@dataclass
class Dip:
    """One dip; `refused` names why it is no closure."""

    peak: int
    span: tuple[int, int]
    least_ratio: float
    noises: float
    width_s: float
    fall_s: float
    reopened: float
    onset_seen: bool
    eye_share: float
    refused: set[str] = field(default_factory=set)


def half_span(
    ratio: Sequence[float], times_s: Sequence[float], peak: int
) -> tuple[int, int] | None:
    """Return the samples around a peak at or below half of its depth; None if it is no peak."""
    half = (1 + ratio[peak]) / 2
    ends = []
    for step in (-1, 1):
        n = peak
        while connected(times_s, n, n + step) and ratio[n + step] < half:
            n += step
            deeper = ratio[n] < ratio[peak]
            earlier = step < 0 and ratio[n] == ratio[peak]
            if deeper or earlier:
                return None
        ends.append(n)
    return ends[0], ends[1] + 1


def fall_s(ratio: Sequence[float], times_s: Sequence[float], first: int, peak: int) -> float:
    """Return the time of the whole fall at its fastest, less that between the two samples."""
    top = first
    while connected(times_s, top, top - 1) and ratio[top - 1] > ratio[top]:
        top -= 1
    steps = []
    for n in range(top, peak):
        later = [k for k in range(n + 1, peak + 1) if times_s[k] - times_s[n] >= FALL_STEP_S - 1e-6]
        k = later[0] if later else peak
        steps.append(((ratio[n] - ratio[k]) / (times_s[k] - times_s[n]), times_s[k] - times_s[n]))
    speed_per_s, between_s = max(steps, key=lambda step: step[0], default=(0.0, 0.0))
    return (1 - ratio[peak]) / speed_per_s - between_s if speed_per_s > 0 else NAN


def eye_share(eye_ratio: Sequence[Sequence[float]], span: tuple[int, int]) -> float:
    """Return the depth of the eye that closes less over the other's; NaN if one is missing."""
    inside = list(eye_ratio[span[0] : span[1]])
    if any(math.isnan(one) for both in inside for one in both):
        return NAN
    depths = sorted(max(0.0, *(1 - both[eye] for both in inside)) for eye in (0, 1))
    return depths[0] / depths[1] if depths[1] > 0 else 0.0


def find_dips(
    ratio: Sequence[float],
    eye_ratio: Sequence[Sequence[float]],
    times_s: Sequence[float],
    noise: float,
    lowered: Sequence[bool],
    close_ratio: float,
) -> list[Dip]:
    """Find the dips and say why each is no closure."""
    open_ratio = (1 + close_ratio) / 2
    dips: list[Dip] = []
    for n, value in enumerate(ratio):
        span = half_span(ratio, times_s, n) if value < open_ratio else None
        if span is None:
            continue
        half = (1 + value) / 2
        begins_s = crossing_s(ratio, times_s, span[0] - 1, span[0], half)
        ends_s = crossing_s(ratio, times_s, span[1], span[1] - 1, half)
        dips.append(
            Dip(
                peak=n,
                span=span,
                least_ratio=value,
                noises=(1 - value) / noise if noise else math.inf,
                width_s=ends_s - begins_s,
                fall_s=fall_s(ratio, times_s, span[0], n),
                reopened=max(ratio[n : span[1]]) - value,
                onset_seen=not math.isnan(begins_s),
                eye_share=eye_share(eye_ratio, span),
            )
        )
    for dip in dips:
        dip.refused = refusals(dip, lowered[dip.peak], 1 - open_ratio, interval_s(times_s))
    merge_dips(dips, ratio, eye_ratio, times_s, open_ratio)
    return dips


def refusals(dip: Dip, lowered: bool, least_depth: float, between_s: float) -> set[str]:
    refused = set()
    deep = dip.least_ratio <= DEEP_RATIO
    if dip.noises < NOISE_MULTIPLE and (lowered or not deep):
        refused.add("noise")
    if dip.eye_share < EYE_SHARE:
        refused.add("one_eye")
    longest_s = math.inf if deep and not lowered else LONGEST_PARTIAL_S
    if dip.width_s > longest_s + min(between_s, MAX_GAP_S / 2) + TIME_TOLERANCE_S:
        refused.add("long")
    if dip.onset_seen and dip.fall_s > LONGEST_FALL_S + TIME_TOLERANCE_S:
        refused.add("slow")
    if math.isnan(dip.width_s):
        begun = dip.onset_seen and dip.reopened >= least_depth
        if lowered or not (deep or begun):
            refused.add("cut")
    return refused


def merge_dips(
    dips: list[Dip],
    ratio: Sequence[float],
    eye_ratio: Sequence[Sequence[float]],
    times_s: Sequence[float],
    open_ratio: float,
) -> None:
    """Refuse the shallower of two neighbours between which the lids stay down and one eye opens."""
    last: Dip | None = None
    for dip in dips:
        if dip.refused:
            continue
        if last is not None:
            way = range(last.peak, dip.peak + 1)
            joined = all(
                ratio[n] < open_ratio and connected(times_s, n, n - 1) for n in list(way)[1:]
            )
            if joined:
                top = max(way, key=lambda n: ratio[n])
                opened = []
                for eye in (0, 1):
                    floor = max(eye_ratio[last.peak][eye], eye_ratio[dip.peak][eye])
                    rise = eye_ratio[top][eye] - floor
                    opened.append(rise / (1 - floor) if floor < 1 else 0.0)
                if min(opened) < EYE_SHARE * max(opened):
                    if last.least_ratio <= dip.least_ratio:
                        dip.refused.add("merged")
                        continue
                    last.refused.add("merged")
        last = dip


def interval_s(times_s: Sequence[float]) -> float:
    intervals_s = [after - before for before, after in pairwise(times_s)]
    return quantile(intervals_s, 0.5) if intervals_s else 0.0


@dataclass
class Detected:
    """All closures, column by column."""

    interval: list[tuple[int, int]] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    least_ratio: list[float] = field(default_factory=list)
    onset_s: list[float] = field(default_factory=list)
    offset_s: list[float] = field(default_factory=list)
    closed_s: list[float] = field(default_factory=list)
    onset_seen: list[bool] = field(default_factory=list)
    offset_seen: list[bool] = field(default_factory=list)


def group_dips(dips: Sequence[Dip], times_s: Sequence[float]) -> list[list[Dip]]:
    """Return the dips of each closure: one, or all of a flutter."""
    runs: list[list[Dip]] = []
    for dip in dips:
        if dip.refused - {"noise"}:
            continue
        if runs:
            apart_s = times_s[dip.span[0]] - times_s[runs[-1][-1].span[1] - 1]
            if apart_s <= FLUTTER_S + TIME_TOLERANCE_S:
                runs[-1].append(dip)
                continue
        runs.append([dip])
    groups: list[list[Dip]] = []
    for run in runs:
        kept = [dip for dip in run if not dip.refused]
        if len(run) >= FLUTTER_DIPS and len(kept) >= FLUTTER_CLOSURES:
            groups.append(run)
        else:
            groups += [[dip] for dip in kept]
    return groups


def reach(
    ratio: Sequence[float], times_s: Sequence[float], way: Sequence[int], level: float
) -> int:
    """Return the last sample of a way that begins at a peak, before the ratio is level."""
    n = way[0]
    for k in way[1:]:
        if not connected(times_s, n, k) or not ratio[k] < level:
            break
        n = k
    return n


def flank(
    ratio: Sequence[float],
    times_s: Sequence[float],
    way: Sequence[int],
    step: int,
    half: float,
    within_s: float,
    noise: float,
) -> tuple[int, float]:
    """Return the outermost sample of a closure on one side, and when the lids begin or end to move.

    The way is from the closure's peak outwards. NaN: that is not seen.
    """
    peak, inside = way[0], reach(ratio, times_s, way, half)
    near = [inside]
    for n in way[way.index(inside) + 1 :]:
        too_far = abs(times_s[n] - times_s[inside]) > within_s
        if too_far or not connected(times_s, near[-1], n) or math.isnan(ratio[n]):
            break
        near.append(n)
    rest = max(ratio[n] for n in near)
    depth = rest - ratio[peak]
    opens = rest - max(ONSET_DEPTH * depth, noise)
    beyond = near[-1] + step
    face_ends = not connected(times_s, near[-1], beyond) or math.isnan(ratio[beyond])
    if face_ends and rest < STEADY_RATIO:
        opens = math.inf
    outermost = reach(ratio, times_s, way, opens)
    high, low = (rest - share * depth for share in FLANK_DEPTHS)
    outer = reach(ratio, times_s, way, high)
    inner = next(n for n in range(outer, peak - step, -step) if ratio[n] <= low or n == peak)
    outer_s = crossing_s(ratio, times_s, outer + step, outer, high)
    inner_s = crossing_s(ratio, times_s, inner + step, inner, low)
    if math.isnan(crossing_s(ratio, times_s, outermost + step, outermost, opens)):
        return outermost, NAN
    # Of a raised cosine the shares are passed at these shares of its time.
    begins, ends = (math.acos(1 - 2 * share) / math.pi for share in FLANK_DEPTHS)
    whole_s = (inner_s - outer_s) / (ends - begins)
    end_s = outer_s - begins * whole_s
    at_rest_s = times_s[next(n for n in near if ratio[n] == rest)]
    return outermost, min(end_s, at_rest_s) if step > 0 else max(end_s, at_rest_s)


def detect_closures(
    ratio: Sequence[float],
    times_s: Sequence[float],
    dips: Sequence[Dip],
    noise: float,
    shortest_s: float,
) -> Detected:
    """Measure the closures among the dips, drop what is short, tell their kinds apart."""
    detected = Detected()
    groups = group_dips(dips, times_s)
    for m, group in enumerate(groups):
        deepest = min(group, key=lambda dip: dip.least_ratio)
        depth = 1 - deepest.least_ratio
        low = groups[m - 1][-1].peak if m else 0
        high = groups[m + 1][0].peak if m + 1 < len(groups) else len(ratio) - 1
        half = 1 - depth / 2
        begin, end = group[0].peak, group[-1].peak
        before = list(range(begin, low - 1, -1))
        after = list(range(end, high + 1))
        first, onset_s = flank(ratio, times_s, before, -1, half, REST_WITHIN_S[0], noise)
        last, offset_s = flank(ratio, times_s, after, 1, half, REST_WITHIN_S[1], noise)
        seen = not math.isnan(onset_s), not math.isnan(offset_s)
        closed = 1 - CLOSED_DEPTH * depth
        shut = [n for n in range(first, last + 1) if ratio[n] <= closed]
        closes_s = crossing_s(ratio, times_s, shut[0] - 1, shut[0], closed)
        opens_s = crossing_s(ratio, times_s, shut[-1] + 1, shut[-1], closed)
        closes_s = times_s[shut[0]] if math.isnan(closes_s) else closes_s
        opens_s = times_s[shut[-1]] if math.isnan(opens_s) else opens_s
        # Durations are known to half of the time between samples.
        tolerance_s = min(interval_s(times_s), MAX_GAP_S) / 2 + TIME_TOLERANCE_S
        kind = BLINK
        down_s = opens_s - closes_s if any(seen) else times_s[last] - times_s[first]
        if down_s > LONGEST_BLINK_S + tolerance_s:
            kind = PROLONGED_CLOSURE
        if len(group) > 1:
            kind = FLUTTER
        detected.interval.append((first, last + 1))
        detected.peak.append(deepest.peak)
        detected.kind.append(kind)
        detected.least_ratio.append(deepest.least_ratio)
        detected.onset_s.append(onset_s if seen[0] else times_s[first])
        detected.offset_s.append(offset_s if seen[1] else times_s[last])
        detected.closed_s.append(opens_s - closes_s)
        detected.onset_seen.append(seen[0])
        detected.offset_seen.append(seen[1])
    # Flanks that overlap meet in the middle.
    for m in range(1, len(detected.peak)):
        if detected.onset_s[m] < detected.offset_s[m - 1]:
            middle_s = (detected.onset_s[m] + detected.offset_s[m - 1]) / 2
            detected.onset_s[m] = detected.offset_s[m - 1] = middle_s
    lasting = [
        m
        for m in range(len(detected.peak))
        if not (detected.onset_seen[m] and detected.offset_seen[m])
        or detected.offset_s[m] - detected.onset_s[m] >= shortest_s - TIME_TOLERANCE_S
    ]
    return Detected(
        **{one.name: [getattr(detected, one.name)[m] for m in lasting] for one in fields(Detected)}
    )


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


def find_looks(
    values: Sequence[float], top_line: float, bottom_line: float
) -> list[tuple[int, list[float]]]:
    """Return each look: its end (0 = top, 1 = bottom), and its values beyond that end's line."""
    beyond = [
        (0 if value <= top_line else 1, value)
        for value in values
        if value <= top_line or value >= bottom_line
    ]
    return [
        (end, [value for _, value in look]) for end, look in groupby(beyond, lambda one: one[0])
    ]


def look_reach(
    values: Sequence[float], middle: float, student: Callable[[int], float]
) -> tuple[float, float]:
    """Return how far the looks' intervals of the 5th and the 95th percentile reach."""
    top, bottom = quantile(values, 0.05), quantile(values, 0.95)
    quarter = (bottom - top) / 4
    looks = find_looks(values, top + quarter, bottom - quarter)
    reaches = []
    for end, position in ((0, top), (1, bottom)):
        of_end = [look for one, look in looks if one == end]
        total = sum(map(len, of_end))
        weights = [len(look) / total for look in of_end]
        means = [sum(look) / len(look) for look in of_end]
        mean = sum(w * x for w, x in zip(weights, means, strict=True))
        worth = 1 / sum(w**2 for w in weights)
        squares = worth * sum(w * (x - mean) ** 2 for w, x in zip(weights, means, strict=True))
        free = 4 + worth - 1
        variance = (squares + 4 * (0.1 * (position - middle)) ** 2) / free
        variance *= 1 / worth + (1.2816 / worth) ** 2
        reaches.append(student(int(free)) * math.sqrt(variance))
    return reaches[0], reaches[1]


def crosstalk_sums(
    vertical: Sequence[float], horizontal: Sequence[float], keep: Sequence[bool], middle: float
) -> list[float]:
    """Return sums over the kept samples: 1, v, h, b, h h, h b, b b, h v, b v, with b = |h|."""
    used = [
        (v, h - middle)
        for v, h, kept in zip(vertical, horizontal, keep, strict=True)
        if kept and math.isfinite(v) and math.isfinite(h)
    ]
    products: list[Callable[[float, float], float]] = [
        lambda v, h: 1,
        lambda v, h: v,
        lambda v, h: h,
        lambda v, h: abs(h),
        lambda v, h: h * h,
        lambda v, h: h * abs(h),
        lambda v, h: h * h,
        lambda v, h: h * v,
        lambda v, h: abs(h) * v,
    ]
    return [sum(product(v, h) for v, h in used) for product in products]


def peak_to_peak_interval(
    blocks: Sequence[Sequence[float]],
    draws: Sequence[Sequence[int]],
    stratum: int,
    held: float,
    student: float,
    looks: tuple[float, float],
) -> tuple[float, float]:
    """Return the interval of the range of all blocks: that of the draws, and that of the looks."""
    ranges = bootstrap_ranges(blocks, draws, 0.05, 0.95)
    values = [value for block in blocks for value in block]
    whole = quantile(values, 0.95) - quantile(values, 0.05)
    reach = max(whole - quantile(ranges, 0.025), quantile(ranges, 0.975) - whole)
    reach = math.hypot(reach * bootstrap_correction(len(blocks), stratum, held, student), *looks)
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
    """Tell of each closure whether it begins in a wink or as one ends, or is half in one."""
    return [
        any(
            start in range(wink[0], wink[1] + 1)
            or 2 * len(set(range(start, stop)) & set(range(*wink))) >= stop - start
            for wink in wink_intervals
        )
        for start, stop in closures
    ]


def step_scores(
    values: Sequence[float],
    keep: Sequence[bool],
    times_s: Sequence[float],
    gap_s: float,
    mean_s: float,
    least: int,
) -> list[float]:
    """Return the mean after each sample minus the mean before it."""

    def mean(low_s: float, high_s: float) -> float:
        chosen = [
            value
            for value, kept, time_s in zip(values, keep, times_s, strict=True)
            if kept and not math.isnan(value) and low_s <= time_s <= high_s
        ]
        return sum(chosen) / len(chosen) if len(chosen) >= least else math.nan

    return [
        mean(t + gap_s, t + gap_s + mean_s) - mean(t - gap_s - mean_s, t - gap_s) for t in times_s
    ]


def group_steps(
    score: Sequence[float], times_s: Sequence[float], threshold: float
) -> list[tuple[float, float]]:
    """Return centre and rise of each run of scores above the threshold, in one direction."""
    runs: list[list[int]] = []
    for n, value in enumerate(score):
        if not abs(value) > threshold:
            continue
        if runs and runs[-1][-1] == n - 1 and value * score[n - 1] > 0:
            runs[-1].append(n)
        else:
            runs.append([n])
    found = []
    for run in runs:
        best = max(run, key=lambda n: abs(score[n]))
        core = [best]
        for way in (-1, 1):
            n = best + way
            while n in run and abs(score[n]) >= abs(score[best]) / 2:
                core.append(n)
                n += way
        weights = [abs(score[n]) for n in core]
        centre = sum(w * times_s[n] for w, n in zip(weights, core, strict=True)) / sum(weights)
        found.append((centre, score[best]))
    return found


def noise_covariance(
    times_s: Sequence[float], jitter: float, slow: float, slow_s: float
) -> list[list[float]]:
    """Return the covariance of white noise plus exponentially correlated noise."""
    return [
        [
            slow**2 * math.exp(-abs(a - b) / slow_s) + (jitter**2 if n == m else 0.0)
            for m, b in enumerate(times_s)
        ]
        for n, a in enumerate(times_s)
    ]


def factor_covariance(covariance: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the covariance's Cholesky factor."""
    size = len(covariance)
    factor = [[0.0] * size for _ in range(size)]
    for n in range(size):
        for m in range(n + 1):
            rest = covariance[n][m] - sum(factor[n][k] * factor[m][k] for k in range(m))
            factor[n][m] = math.sqrt(rest) if n == m else rest / factor[m][m]
    return factor


def log_determinant(covariance: Sequence[Sequence[float]]) -> float:
    """Return the logarithm of the covariance's determinant."""
    return 2 * sum(math.log(row[n]) for n, row in enumerate(factor_covariance(covariance)))


def whiten_noise(values: Sequence[float], covariance: Sequence[Sequence[float]]) -> list[float]:
    """Solve L x = values by substitution, where L is the Cholesky factor of the covariance."""
    factor = factor_covariance(covariance)
    white: list[float] = []
    for n, value in enumerate(values):
        rest = value - sum(factor[n][k] * white[k] for k in range(n))
        white.append(rest / factor[n][n])
    return white


def exposed_step(time_s: float, centre_s: float, duration_s: float, exposure_s: float) -> float:
    """Return the mean of a raised cosine step over an exposure that begins at a time."""

    def area(at_s: float) -> float:
        s = (at_s - centre_s) / duration_s + 0.5
        if s <= 0:
            return 0.0
        if s >= 1:
            return duration_s * (s - 0.5)
        return duration_s * (s / 2 - math.sin(math.pi * s) / (2 * math.pi))

    return (area(time_s + exposure_s) - area(time_s)) / exposure_s


def step_fit(
    values: Sequence[float],
    times_s: Sequence[float],
    noise: tuple[float, float, float],
    duration_s: float,
    exposure_s: float,
    centre_s: float,
    ahead: float,
    rush: float,
) -> tuple[float, float, float, float]:
    """Fit level and amplitude by generalised least squares.

    The rush, a multiple of the changes from sample to sample, has a normal distribution: its mean
    is a part of the step, and the rest a part of the noise. Return the log likelihood with level
    and amplitude integrated out, the amplitude, its variance, and the weighted sum of squares that
    is left.
    """
    shape = [exposed_step(time_s, centre_s, duration_s, exposure_s) for time_s in times_s]
    changes = [after - before for before, after in zip([0.0, *shape], shape, strict=False)]
    quiet = noise_covariance(times_s, *noise)
    covariance = [
        [one + rush**2 * a * b for one, b in zip(row, changes, strict=True)]
        for row, a in zip(quiet, changes, strict=True)
    ]
    y = whiten_noise(values, covariance)
    one = whiten_noise([1.0] * len(values), covariance)
    step = whiten_noise([a + ahead * b for a, b in zip(shape, changes, strict=True)], covariance)

    def product(a: Sequence[float], b: Sequence[float]) -> float:
        return sum(x * z for x, z in zip(a, b, strict=True))

    bottom = product(one, one) * product(step, step) - product(one, step) ** 2
    amplitude = product(one, one) * product(step, y) - product(one, step) * product(one, y)
    amplitude /= bottom
    level = (product(one, y) - amplitude * product(one, step)) / product(one, one)
    rest = [a - level * b - amplitude * c for a, b, c in zip(y, one, step, strict=True)]
    left = product(rest, rest)
    # The noise's determinant grows with the rush.
    louder = log_determinant(covariance) - log_determinant(quiet)
    likelihood = -(left + math.log(bottom) + louder) / 2
    return likelihood, amplitude, product(one, one) / bottom, left


def product_likelihood(
    fit: Sequence[tuple[float, float, float]],
    rises_s: Sequence[float],
    log_values: Sequence[float],
    power: float,
    slope: float,
    offset: float,
) -> list[float]:
    """Return the log likelihood of each product, up to a constant.

    `fit` holds log likelihood, amplitude and its standard deviation for each 10-90 % time.
    """
    top = max(one[0] for one in fit)
    found = []
    for log_value in log_values:
        total = 0.0
        for (log_likelihood, mean, std), rise_s in zip(fit, rises_s, strict=True):
            amplitude = math.exp((log_value + slope * math.log(rise_s) - offset) / power)
            z = (amplitude - mean) / std
            total += math.exp(log_likelihood - top) / std * math.exp(-z * z / 2)
        found.append(math.log(total + 1e-12))
    return found


def pooled_chances(
    log_values: Sequence[float],
    log_likelihoods: Sequence[Sequence[Sequence[float]]],
    spreads: Sequence[float],
    chances: Sequence[float],
) -> list[float]:
    """Return how likely each location of a log-normal population is, up to a factor.

    `log_likelihoods` (M, L, G) are those of M events under L shared assumptions.
    """
    found = []
    for location in log_values:
        total = 0.0
        for shared in range(len(log_likelihoods[0])):
            for spread, chance in zip(spreads, chances, strict=True):
                bell = [math.exp(-(((value - location) / spread) ** 2) / 2) for value in log_values]
                joint = chance
                for event in log_likelihoods:
                    top = max(map(max, event))
                    weights = [math.exp(one - top) for one in event[shared]]
                    mixed = sum(a * b for a, b in zip(weights, bell, strict=True))
                    joint *= mixed / sum(bell)
                total += joint
        found.append(total)
    return found


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


# --- The face models' inputs -----------------------------------------------------------------

RED_AND_BLUE_SHARE = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""Of lightness, by ITU-T H.273's number: BT.709, BT.601, BT.2020."""


def rgb(y: float, u: float, v: float, matrix: int, full_range: bool, bits: int) -> list[float]:
    """Convert one sample of 8 to 16 bits to red, green and blue, clipped to 0 to 1."""
    red_share, blue_share = RED_AND_BLUE_SHARE[matrix]
    if full_range:
        most = 2**bits - 1
        light, blue, red = y / most, (u - 2 ** (bits - 1)) / most, (v - 2 ** (bits - 1)) / most
    else:
        unit = 2 ** (bits - 8)
        light = (y / unit - 16) / 219
        blue, red = (u / unit - 128) / 224, (v / unit - 128) / 224
    r = light + 2 * (1 - red_share) * red
    b = light + 2 * (1 - blue_share) * blue
    # Lightness is the weighted sum of the three.
    g = (light - red_share * r - blue_share * b) / (1 - red_share - blue_share)
    return [min(max(value, 0.0), 1.0) for value in (r, g, b)]


def interpolate(rows: Sequence[Sequence[float]], x: float, y: float) -> float:
    """Look up a place between the samples of a plane; beyond its edge, the edge."""
    height, width = len(rows), len(rows[0])
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    left, top = math.floor(x), math.floor(y)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    u, v = x - left, y - top
    above = rows[top][left] * (1 - u) + rows[top][right] * u
    below = rows[bottom][left] * (1 - u) + rows[bottom][right] * u
    return above * (1 - v) + below * v


def average_blocks(
    rows: Sequence[Sequence[float]], factor_x: int, factor_y: int
) -> list[list[float]]:
    """Return the mean of each whole block of samples."""
    return [
        [
            math.fsum(rows[top + y][left + x] for y in range(factor_y) for x in range(factor_x))
            / (factor_x * factor_y)
            for left in range(0, len(rows[0]) - factor_x + 1, factor_x)
        ]
        for top in range(0, len(rows) - factor_y + 1, factor_y)
    ]


def spread(
    rows: Sequence[Sequence[float]], width: int, height: int, shift_x: int, shift_y: int
) -> list[list[float]]:
    """Give each pixel the sample of colour that it lies in."""
    return [[rows[y >> shift_y][x >> shift_x] for x in range(width)] for y in range(height)]


def level_square(
    mesh: Sequence[complex], points: Sequence[int], left: int, right: int, scale: float, size: int
) -> list[complex]:
    """Return where a square begins, and where the pixels right of and below that begin.

    The square is level with the line from left to right; its sides are `scale` times those of the
    points' bounding box in that direction.
    """
    level = mesh[right] - mesh[left]
    level /= abs(level)
    turned = [mesh[k] / level for k in points]
    x = [point.real for point in turned]
    y = [point.imag for point in turned]
    middle = complex((min(x) + max(x)) / 2, (min(y) + max(y)) / 2)
    across, down = scale * (max(x) - min(x)), scale * (max(y) - min(y))
    corner = middle - complex(across, down) / 2
    return [(corner + step) * level for step in (0, across / size, 1j * down / size)]


def raised_step(time_s, step_s, exposure_s):
    """The mean over an exposure of a raised-cosine step, by adding up a thousand moments."""
    total = 0.0
    for k in range(1000):
        share = (time_s + (k + 0.5) / 1000 * exposure_s) / step_s
        total += (1 - math.cos(math.pi * min(max(share, 0.0), 1.0))) / 2
    return total / 1000


def fit_step(times_s, shares, exposure_s, least_s, most_s):
    """Time of the step that fits best, on ever finer grids of its middle and its time.

    All times that are tried are kept between least_s and most_s.
    """

    def misfit(middle_s, step_s):
        begin_s = middle_s - step_s / 2
        model = [raised_step_fast(t - begin_s, step_s, exposure_s) for t in times_s]
        return sum((one - other) ** 2 for one, other in zip(shares, model, strict=True))

    def raised_step_fast(time_s, step_s, exposure_s):
        # 16 moments instead of a thousand.
        total = 0.0
        for k in range(16):
            share = (time_s + (k + 0.5) / 16 * exposure_s) / step_s
            total += (1 - math.cos(math.pi * min(max(share, 0.0), 1.0))) / 2
        return total / 16

    best = None
    for middle in range(60):
        for step in range(40):
            middle_s = times_s[0] + middle / 59 * (times_s[-1] - times_s[0])
            step_s = min(max(0.02 * 1.1**step, least_s), most_s)
            found = misfit(middle_s, step_s), middle_s, step_s
            best = found if best is None or found < best else best
    width_s, factor = (times_s[-1] - times_s[0]) / 59, 1.1
    for _ in range(12):
        _, centre_s, usual_s = best
        for shift in range(-3, 4):
            for power in range(-3, 4):
                middle_s, step_s = centre_s + shift / 3 * width_s, usual_s * factor ** (power / 3)
                step_s = min(max(step_s, least_s), most_s)
                best = min(best, (misfit(middle_s, step_s), middle_s, step_s))
        width_s, factor = width_s / 2, math.sqrt(factor)
    return best[2]


def find_runs(keep, times_s, max_gap_s):
    """Intervals [first, last + 1) of kept samples, each at most max_gap_s after the one before."""
    runs = []
    for n in [n for n, kept in enumerate(keep) if kept]:
        if runs and times_s[n] - times_s[runs[-1][1] - 1] <= max_gap_s:
            runs[-1][1] = n + 1
        else:
            runs.append([n, n + 1])
    return runs


def whiten(values, weights, start):
    """What is left of values minus their prediction; None for the first ones of a run."""
    order = len(weights)
    left = []
    for n in range(len(values)):
        if n < start + order:
            left.append(None)
        else:
            past = sum(weights[k] * values[n - 1 - k] for k in range(order))
            left.append(values[n] - past)
    return left


def fit_jerk(values, weights, noise, window, step_s, interval_s, jerk):
    """Amplitude and score of one jerk beside a level: least squares on a window's whitened samples.

    jerk are the samples and the shares of an interval at which the steps begin.
    """
    (first, first_share), (second, second_share) = jerk
    shape = []
    for n in range(len(values)):
        up, down = (
            raised_step_exact((n - at + share) * interval_s, step_s, interval_s / 2)
            for at, share in ((first, first_share), (second, second_share))
        )
        shape.append(up - down)
    white, pattern = (whiten(one, weights, 0)[slice(*window)] for one in (values, shape))
    level = sum(pattern) / len(pattern)
    power = sum((one - level) ** 2 for one in pattern) / noise**2
    product = sum(a * (b - level) for a, b in zip(white, pattern, strict=True)) / noise**2
    return product / power, product / math.sqrt(power)


def raised_step_exact(time_s, step_s, exposure_s):
    """The integral of (1 - cos) / 2 over the exposure, written out."""

    def integral(moment_s):
        share = moment_s / step_s
        if share <= 0:
            return 0.0
        if share >= 1:
            return step_s * (share - 0.5)
        return step_s * (share - math.sin(math.pi * share) / math.pi) / 2

    return (integral(time_s + exposure_s) - integral(time_s)) / exposure_s


def predict(covariance):
    """The weights of the best prediction from the past, from the normal equations."""
    order = len(covariance) - 1
    rows = [
        [covariance[abs(i - j)] for j in range(order)] + [covariance[i + 1]] for i in range(order)
    ]
    # Gauss's elimination.
    for i in range(order):
        rows[i] = [one / rows[i][i] for one in rows[i]]
        for k in range(order):
            if k != i:
                rows[k] = [a - rows[k][i] * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [row[-1] for row in rows]


def autocovariance(values, runs, order):
    """Mean product of samples `lag` apart in one run, without the run's mean."""
    found = []
    for lag in range(order + 1):
        products = []
        for start, stop in runs:
            mean = sum(values[start:stop]) / (stop - start)
            for n in range(start + lag, stop):
                products.append((values[n] - mean) * (values[n - lag] - mean))
        found.append(sum(products) / len(products))
    return found


def window_differences(values, runs, width):
    found = []
    for start, stop in runs:
        for n in range(start + width, stop - width + 1):
            before, after = values[n - width : n], values[n : n + width]
            found.append(sum(after) / width - sum(before) / width)
    return found
