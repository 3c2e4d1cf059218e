"""What the lids do, with NumPy and pandas: a part of `benchmarks.vectorised`.

There are no loops over frames, but some over dips and closures, of which there are a few hundred.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kernels import closures, dips, opening, winks
from tracker.measures import lids
from tracker.parameters import Parameters

Array = NDArray[Any]


@dataclass
class Lids:
    """What the lids do at N samples (analysed frames).

    `level` (N,) is the EAR of the open eyes, `ratio` (N,) the EAR over it, and `eye_ratio` (N, 2)
    the same of each eye. `events` has a row for each closure, `winks` (W, 3) start, stop and eye of
    each, and `lowered` (L, 2) start and stop of each lowering. `closing`, `glance` and `hidden`
    (N,) mark the frames in which the lids close, look down, and cover the iris.
    """

    level: Array
    ratio: Array
    eye_ratio: Array
    events: pd.DataFrame
    winks: Array
    lowered: Array
    closing: Array
    glance: Array
    hidden: Array


def detect_lids(eyes: dict[str, Array], times_s: Array, parameters: Parameters) -> Lids:
    """Detect what the lids do from the eyes' traces, each (N, 2).

    `eyes` holds ``ear``, and ``vertical`` and ``upper_lid``, the heights of gaze and lid.
    """
    ear = eyes["ear"].mean(axis=1)
    typical = np.nanquantile(ear, opening.TYPICAL_QUANTILE)
    level = _measure_level(ear, times_s)
    noise = _measure_noise(ear, level, times_s)
    low = level < opening.SHUT_RATIO * typical
    opened = ~(ear < parameters.close_ratio * level) & (ear > 0)
    share = np.median(eyes["ear"][opened] / ear[opened, np.newaxis], axis=0)
    table, found = _detect(eyes["ear"], ear, level, share, low, times_s, noise, parameters)
    deep = table["peak"][
        (table["refused"] == "") & (table["least"] <= opening.SHUT_RATIO)
    ].to_numpy()
    from_low, deepest = deep[low[deep]], deep[~low[deep]]
    runs = pd.DataFrame(
        [*_runs_of(level < parameters.close_ratio * typical), *_runs_of(low)],
        columns=["start", "stop"],
    )
    runs["ear"] = [np.nanmedian(ear[start:stop]) for start, stop in runs.to_numpy()]
    highest = np.full(len(runs), lids.UNSEEN_SHUT_RATIO * typical)
    if deepest.size:
        # Shut eyes that look down read higher: as the blinks right before and after do.
        after = np.searchsorted(deepest, runs["start"])
        sides = ear[deepest[np.clip([after - 1, after], 0, deepest.size - 1)]]
        highest = np.maximum(np.median(ear[deepest]), sides.min(axis=0)) + lids.SLIT * typical
    inside = (runs[["start"]].to_numpy() <= from_low) & (from_low < runs[["stop"]].to_numpy())
    blinks = inside.any(axis=1)
    slit = (runs["ear"][blinks] - lids.SLIT * typical).min()
    is_shut = ~blinks & (runs["ear"] <= np.fmin(highest, slit))
    shut = runs[["start", "stop"]][is_shut].to_numpy().tolist()
    if shut:
        before = level.copy()
        for start, stop in shut:
            # A low run inside a partly low one was raised with that.
            if (level[start:stop] == before[start:stop]).any():
                _raise_level(level, start, stop, times_s, typical)
            low[start:stop] = False
        _, found = _detect(eyes["ear"], ear, level, share, low, times_s, noise, parameters)
    winked = _find_winks(found.eye_ratio, times_s)
    found.events, found.winks = _separate_winks(found.events, winked, found.eye_ratio)
    down = level < parameters.close_ratio * typical
    held = found.events[found.events["kind"] == closures.PROLONGED_CLOSURE]
    for start, stop in (*held[["start", "stop"]].to_numpy(), *found.winks[:, :2]):
        down[start:stop] = False
    gaze, below = (
        one.mean(axis=1) for one in (eyes["vertical"], eyes["vertical"] - eyes["upper_lid"])
    )
    ahead = np.nanmedian(gaze[~down])
    found.lowered = np.array(
        [
            (start, stop)
            for start, stop in _runs_of(down & np.isfinite(ear))
            if times_s[stop - 1] - times_s[start] >= lids.SHORTEST_LOWERING_S
            and (
                np.median(level[start:stop]) < opening.SHUT_RATIO * typical
                or np.median(gaze[start:stop]) - ahead >= lids.LOWERED_GAZE
            )
        ],
        dtype=int,
    ).reshape(-1, 2)
    for start, stop in found.lowered:
        found.hidden[start:stop] = below[start:stop] < lids.IRIS_IN_SIGHT
    return found


def _measure_level(ear: Array, times_s: Array) -> Array:
    length_s = opening.LEVEL_WINDOW_S - opening.TIME_TOLERANCE_S
    least = np.full(ear.size, np.nan)
    parts = np.split(np.arange(ear.size), np.flatnonzero(np.diff(times_s) > opening.MAX_GAP_S) + 1)
    for part in parts:
        part_s = times_s[part]
        # pandas' windows end at a sample: backwards in time they begin at it.
        index = pd.to_timedelta(part_s[-1] - part_s[::-1], unit="s")
        window = pd.Series(ear[part][::-1], index=index).rolling(pd.Timedelta(seconds=length_s))
        quantile = window.quantile(opening.LEVEL_QUANTILE).to_numpy()[::-1]
        stop = np.searchsorted(part_s, part_s + length_s)
        samples = stop - np.arange(part.size)
        passed = np.concatenate(([0], np.cumsum(np.isfinite(ear[part]))))
        present = passed[stop] - passed[:-1]
        span_s = part_s[stop - 1] - part_s
        whole = (stop < part.size) | (span_s * samples >= length_s * (samples - 1))
        known = whole & (samples > 1) & (present > 0) & (2 * present >= samples)
        series = pd.Series(
            np.where(known, quantile, np.nan), index=pd.to_timedelta(part_s - part_s[0], unit="s")
        )
        rolling = series.rolling(pd.Timedelta(seconds=length_s), min_periods=1)
        least[part] = rolling.min().to_numpy()
    return np.where(np.isnan(least), np.nanquantile(ear, opening.TYPICAL_QUANTILE), least)


def _measure_noise(ear: Array, level: Array, times_s: Array) -> float:
    n = np.arange(ear.size)
    due_s = times_s + opening.VARIATION_S
    later = np.maximum(np.searchsorted(times_s, due_s), n + 1)
    exists = later < ear.size
    later = np.minimum(later, ear.size - 1)
    nearer = (later - 1 > n) & (due_s - times_s[later - 1] < times_s[later] - due_s)
    later = later - nearer
    steady = ear > opening.STEADY_RATIO * level
    known = exists & steady & steady[later] & (times_s[later] - times_s <= 2 * opening.VARIATION_S)
    ratio = ear / level
    changes = np.abs(ratio[later] - ratio)[known]
    unit = NormalDist().inv_cdf((1 + opening.VARIATION_QUANTILE) / 2) * 2**0.5
    return float(np.quantile(changes, opening.VARIATION_QUANTILE)) / unit


def _detect(
    eye_ear: Array,
    ear: Array,
    level: Array,
    share: Array,
    low: Array,
    times_s: Array,
    noise: float,
    parameters: Parameters,
) -> tuple[pd.DataFrame, Lids]:
    """Find the dips of the EAR, the closures, and which samples close; no winks yet.

    `ear` is the mean of `eye_ear` (N, 2), `level` that of the open eyes, `share` (2,) each eye's
    EAR over the mean's, `low` marks samples whose level is that of shut eyes, and `noise` is the
    lids' noise as a share of the level. The first result has a row for each dip.
    """
    ratio = ear / level
    eye_ratio = eye_ear / (share * level[:, np.newaxis])
    table = _find_dips(ratio, eye_ratio, times_s, parameters.close_ratio)
    _refuse(table, low, noise, times_s, parameters.close_ratio)
    _merge(table, ratio, eye_ratio, times_s, parameters.close_ratio)
    events = _measure_closures(table, ratio, times_s, noise, parameters.shortest_closure_s)
    glance = np.zeros(ear.size, dtype=bool)
    wide = table["refused"].str.contains("long")
    for _, dip in table[wide & (table["least"] > dips.DEEP_RATIO)].iterrows():
        glance[dip["start"] : dip["stop"]] = True
    closing = (ratio < parameters.close_ratio) & ~glance
    nobody = np.zeros(ear.size, dtype=bool)
    empty = np.empty((0, 2), dtype=int)
    return table, Lids(level, ratio, eye_ratio, events, empty, empty, closing, glance, nobody)


def _find_dips(ratio: Array, eye_ratio: Array, times_s: Array, close: float) -> pd.DataFrame:
    open_ = (1 + close) / 2
    joined = np.diff(times_s) <= opening.MAX_GAP_S
    rows = []
    # Half of a dip's depth is above the opening that makes it one: all of it is in one run.
    for start, stop in zip(*find_runs(ratio < (1 + open_) / 2, joined), strict=True):
        values = ratio[start:stop]
        falls = np.diff(values, prepend=np.inf) < 0
        rises = np.diff(values, append=np.inf) >= 0
        for peak in np.flatnonzero(falls & rises & (values < open_)):
            half = 1 - dips.HALF * (1 - values[peak])
            before = np.flatnonzero(values[:peak] >= half)
            after = np.flatnonzero(values[peak:] >= half)
            first = before[-1] + 1 if before.size else 0
            end = peak + after[0] if after.size else values.size
            if (values[first:peak] <= values[peak]).any() or values[peak:end].min() < values[peak]:
                continue
            inside = eye_ratio[start + first : start + end]
            depths = np.sort(np.maximum(1 - inside.min(axis=0), 0))
            rows.append(
                {
                    "peak": start + peak,
                    "start": start + first,
                    "stop": start + end,
                    "least": values[peak],
                    "fall_s": _fall_s(ratio, times_s, start + first, start + peak),
                    "reopened": values[peak:end].max() - values[peak],
                    "eye_share": depths[0] / depths[1] if depths[1] > 0 else 0.0,
                }
            )
    table = pd.DataFrame(rows)
    half = (1 - dips.HALF * (1 - table["least"])).to_numpy()
    first, stop = table["start"].to_numpy(), table["stop"].to_numpy()
    table["begins_s"] = _cross_s(ratio, times_s, first - 1, first, half)
    table["width_s"] = _cross_s(ratio, times_s, stop, stop - 1, half) - table["begins_s"]
    return table


def _fall_s(ratio: Array, times_s: Array, first: int, peak: int) -> float:
    """Return how many seconds the fall to `peak` would take at its fastest speed.

    The time between the two samples that tell this speed is taken off. NaN if nothing falls.
    """
    from_ = max(first - 64, 0)
    climbs = (np.diff(ratio[from_ : first + 1]) < 0) & (
        np.diff(times_s[from_ : first + 1]) <= opening.MAX_GAP_S
    )
    stays = np.flatnonzero(~climbs)
    top = from_ + stays[-1] + 1 if stays.size else from_
    if top == peak:
        return float("nan")
    n = np.arange(top, peak)
    step_s = dips.FALL_STEP_S - opening.TIME_TOLERANCE_S
    later = top + np.searchsorted(times_s[top:peak], times_s[n] + step_s)
    later = np.minimum(np.maximum(later, n + 1), peak)
    speeds_per_s = (ratio[n] - ratio[later]) / (times_s[later] - times_s[n])
    fastest = speeds_per_s.argmax()
    between_s = times_s[later[fastest]] - times_s[n[fastest]]
    return float((1 - ratio[peak]) / speeds_per_s[fastest] - between_s)


def _refuse(table: pd.DataFrame, low: Array, noise: float, times_s: Array, close: float) -> None:
    """Add the column ``refused`` to the table of dips: why each is no closure; "" if it is one.

    The reasons are separated by spaces, in alphabetical order.
    """
    least = table["least"]
    deep, lowered = least <= dips.DEEP_RATIO, low[table["peak"]]
    tolerance_s = np.median(np.diff(times_s)) + opening.TIME_TOLERANCE_S
    begun = table["begins_s"].notna() & (table["reopened"] >= (1 - close) / 2)
    reasons = {
        "cut": table["width_s"].isna() & (lowered | ~(deep | begun)),
        "long": (~deep | lowered) & (table["width_s"] > dips.LONGEST_PARTIAL_S + tolerance_s),
        "noise": ((1 - least) / noise < dips.NOISE_MULTIPLE) & (~deep | lowered),
        "one_eye": table["eye_share"] < dips.EYE_SHARE,
        "slow": table["begins_s"].notna()
        & (table["fall_s"] > dips.LONGEST_FALL_S + opening.TIME_TOLERANCE_S),
    }
    table["refused"] = [
        " ".join(name for name, holds in zip(reasons, row, strict=True) if holds)
        for row in zip(*reasons.values(), strict=True)
    ]


def _merge(
    table: pd.DataFrame, ratio: Array, eye_ratio: Array, times_s: Array, close: float
) -> None:
    """Refuse the shallower of two dips between which the lids stay down and one eye reopens.

    It gets "merged" in the column ``refused``. `close` is the closing threshold as a share of the
    level.
    """
    last = None
    for d in np.flatnonzero(table["refused"] == ""):
        if last is not None:
            before, peak = table["peak"].iloc[[last, d]]
            between = ratio[before + 1 : peak + 1]
            gaps = np.diff(times_s[before : peak + 1]) > opening.MAX_GAP_S
            if (between < (1 + close) / 2).all() and not gaps.any():
                top = before + np.argmax(ratio[before : peak + 1])
                floor = np.maximum(eye_ratio[before], eye_ratio[peak])
                opened = np.where(floor < 1, (eye_ratio[top] - floor) / (1 - floor), 0.0)
                if opened.min() < dips.EYE_SHARE * opened.max():
                    is_last = ratio[before] > ratio[peak]
                    table.loc[last if is_last else d, "refused"] = "merged"
                    if not is_last:
                        continue
        last = d


def _group_dips(table: pd.DataFrame, times_s: Array) -> pd.DataFrame:
    """Return a row for each closure: first and last peak, the deepest one, whether it is a flutter.

    Most have one dip; a flutter has several.
    """
    trembling = table[table["refused"].isin(["", "noise"])]
    begins_s, ends_s = (
        times_s[trembling["start"].to_numpy()],
        times_s[trembling["stop"].to_numpy() - 1],
    )
    apart_s = begins_s[1:] - ends_s[:-1]
    limit_s = closures.FLUTTER_S + opening.TIME_TOLERANCE_S
    run = np.concatenate(([0], np.cumsum(apart_s > limit_s)))
    kept = trembling["refused"] == ""
    sizes, whole = (kept.groupby(run).transform(name) for name in ("size", "sum"))
    flutter = (sizes >= closures.FLUTTER_DIPS) & (whole >= closures.FLUTTER_CLOSURES)
    rows = [(peak, peak, peak, False) for peak in trembling["peak"][kept & ~flutter]]
    for _, one in trembling[flutter].groupby(run[flutter]):
        deepest = one.loc[one["least"].idxmin(), "peak"]
        rows.append((one["peak"].iloc[0], one["peak"].iloc[-1], deepest, True))
    grouped = pd.DataFrame(rows, columns=["first", "last", "peak", "flutter"])
    return grouped.sort_values("first", ignore_index=True)


def _measure_closures(
    table: pd.DataFrame, ratio: Array, times_s: Array, noise: float, shortest_s: float
) -> pd.DataFrame:
    events = _group_dips(table, times_s)
    events["least"] = ratio[events["peak"]]
    lows = np.concatenate(([0], events["last"].to_numpy()[:-1]))
    highs = np.append(events["first"].to_numpy()[1:], ratio.size - 1)
    rows = []
    for event, low, high in zip(events.itertuples(), lows, highs, strict=True):
        half = 1 - dips.HALF * (1 - event.least)
        closed = 1 - closures.CLOSED_DEPTH * (1 - event.least)
        before, after = (
            slice(event.first, low - 1 if low else None, -1),
            slice(event.last, high + 1),
        )
        earlier, begins_s = _flank(ratio[before], times_s[before], half, 0, noise)
        later, ends_s = _flank(ratio[after], times_s[after], half, 1, noise)
        first, last = event.first - earlier, event.last + later
        shut = first + np.flatnonzero(ratio[first : last + 1] <= closed)[[0, -1]]
        shut_s = _cross_s(
            ratio, times_s, shut + np.array((-1, 1)), shut, np.array([closed, closed])
        )
        shut_s = np.where(np.isnan(shut_s), times_s[shut], shut_s)
        rows.append((first, last + 1, begins_s, ends_s, shut_s[1] - shut_s[0]))
    columns = ["start", "stop", "onset_s", "offset_s", "closed_s"]
    events[columns] = pd.DataFrame(rows, columns=columns)
    onset_s, offset_s = events["onset_s"].to_numpy(), events["offset_s"].to_numpy()
    events["onset_seen"], events["offset_seen"] = np.isfinite(onset_s), np.isfinite(offset_s)
    onset_s = np.where(np.isfinite(onset_s), onset_s, times_s[events["start"]])
    offset_s = np.where(np.isfinite(offset_s), offset_s, times_s[events["stop"] - 1])
    between = np.flatnonzero(onset_s[1:] < offset_s[:-1])
    onset_s[between + 1] = offset_s[between] = (onset_s[between + 1] + offset_s[between]) / 2
    events["onset_s"], events["offset_s"] = onset_s, offset_s
    tolerance_s = np.median(np.diff(times_s)) / 2 + opening.TIME_TOLERANCE_S
    seen = events["onset_seen"] | events["offset_seen"]
    down_s = np.where(seen, events["closed_s"], offset_s - onset_s)
    is_long = down_s > closures.LONGEST_BLINK_S + tolerance_s
    events["kind"] = np.where(is_long, closures.PROLONGED_CLOSURE, closures.BLINK)
    events.loc[events["flutter"], "kind"] = closures.FLUTTER
    whole = events["onset_seen"] & events["offset_seen"]
    too_short = whole & (offset_s - onset_s < shortest_s - opening.TIME_TOLERANCE_S)
    return events[~too_short].reset_index(drop=True)


def _flank(ratio: Array, times_s: Array, half: float, side: int, noise: float) -> tuple[int, float]:
    """Return the outermost sample of a side, and when the movement begins or ends; NaN: not seen.

    `ratio` and `times_s` run outwards, from the closure's peak on. `half` is the ratio at half of
    its depth, `side` 0 before it and 1 after it, and `noise` the lids' noise as a share of the
    level.
    """
    joined = np.abs(np.diff(times_s)) <= opening.MAX_GAP_S
    stays = np.append(joined & np.isfinite(ratio[1:]), False)

    def reach(level: float) -> int:
        return int(np.argmax(~(stays & np.append(ratio[1:] < level, False))))

    inside = reach(half)
    near_s = np.abs(times_s - times_s[inside]) <= closures.REST_WITHIN_S[side]
    ends = inside + int(np.argmax(~(stays[inside:] & np.append(near_s[inside + 1 :], False))))
    at_rest = inside + int(np.argmax(ratio[inside : ends + 1]))
    rest = ratio[at_rest]
    way = rest - ratio[0]
    opens = rest - max(closures.ONSET_DEPTH * way, noise)
    if not stays[ends] and rest < opening.STEADY_RATIO:
        return reach(np.inf), float("nan")
    outermost = reach(opens)
    high, low = (rest - share * way for share in closures.FLANK_DEPTHS)
    outer = reach(high)
    inner = outer - int(np.argmax(ratio[outer::-1] <= low))
    if not (stays[outermost] and stays[outer] and stays[inner]):
        return outermost, float("nan")
    outer_s, inner_s = (
        np.interp(level, ratio[n : n + 2], times_s[n : n + 2])
        for n, level in ((outer, high), (inner, low))
    )
    begins, ends_ = (np.arccos(1 - 2 * share) / np.pi for share in closures.FLANK_DEPTHS)
    end_s = outer_s + begins / (ends_ - begins) * (outer_s - inner_s)
    return outermost, float((max, min)[side](end_s, times_s[at_rest]))


def _raise_level(level: Array, start: int, stop: int, times_s: Array, typical: float) -> None:
    """Give eyes that are held shut in [start, stop) the level before and after them, in place.

    `typical` is the level if neither side shows one.
    """
    falls = np.flatnonzero(np.diff(level[: start + 1]) >= 0)
    first = falls[-1] + 1 if falls.size else 0
    rises = np.flatnonzero(np.diff(level[stop - 1 :]) <= 0)
    last = stop - 1 + (rises[0] if rises.size else level.size - stop)
    around = [typical]
    enough_s = opening.LEVEL_WINDOW_S / 2
    sides = [
        level[n]
        for n, rest_s in ((first, times_s[first] - times_s[0]), (last, times_s[-1] - times_s[last]))
        if not start <= n < stop and rest_s >= enough_s
    ]
    level[first : last + 1] = min(sides or around)


def find_runs(inside: Array, joined: Array) -> tuple[Array, Array]:
    """Return starts and stops of the runs of true `inside` (N,).

    A run is also cut between samples n and n + 1 where `joined` (N - 1,) is false.
    """
    begins = inside & ~np.concatenate(([False], inside[:-1] & joined))
    ends = inside & ~np.concatenate((inside[1:] & joined, [False]))
    return np.flatnonzero(begins), np.flatnonzero(ends) + 1


def _runs_of(marked: Array) -> list[tuple[int, int]]:
    starts, stops = find_runs(marked, np.ones(marked.size - 1, dtype=bool))
    return list(zip(starts, stops, strict=True))


def _cross_s(ratio: Array, times_s: Array, outside: Array, inside: Array, level: Array) -> Array:
    """Return when ratio crosses the level between two samples; NaN where that is not seen."""
    exists = (outside >= 0) & (outside < times_s.size)
    other = np.where(exists, outside, inside)
    known = (
        exists
        & np.isfinite(ratio[other])
        & (np.abs(times_s[other] - times_s[inside]) <= opening.MAX_GAP_S)
    )
    rise = np.where(known, ratio[other] - ratio[inside], np.nan)
    share = (level - ratio[inside]) / rise
    crossed_s: Array = times_s[inside] + share * (times_s[other] - times_s[inside])
    return crossed_s


def _find_winks(eye_ratio: Array, times_s: Array) -> Array:
    """Return start, stop and eye of the winks, shape (W, 3), in order of their start."""
    closed = 1 - eye_ratio
    found = []
    joined = np.diff(times_s) <= opening.MAX_GAP_S
    for eye in (0, 1):
        one, other = closed[:, eye], closed[:, 1 - eye]
        start, stop = find_runs(
            (one >= winks.WINK_DEPTH) & (other < winks.WINK_ASYMMETRY * one), joined
        )
        seen_on = np.append(joined, False)[stop - 1]
        lasts_s = times_s[np.where(seen_on, stop, stop - 1)] - times_s[start]
        long = lasts_s >= winks.SHORTEST_WINK_S - opening.TIME_TOLERANCE_S
        found.append(np.column_stack((start, stop, np.full(start.size, eye)))[long])
    winked: Array = np.concatenate(found)
    return winked[np.argsort(winked[:, 0])]


def _separate_winks(
    events: pd.DataFrame, winked: Array, eye_ratio: Array
) -> tuple[pd.DataFrame, Array]:
    """Drop the closures that are winks, or all winks of a person whose eyes never close alike.

    `winked` are the winks of `_find_winks`. The results are the closures and the winks that are
    left.
    """
    start, stop = (events[name].to_numpy()[:, np.newaxis] for name in ("start", "stop"))
    common = np.minimum(stop, winked[:, 1]) - np.maximum(start, winked[:, 0])
    begins_in = (winked[:, 0] <= start) & (start < winked[:, 1])
    in_wink = (begins_in | (2 * common >= stop - start)).any(axis=1)
    bounds = events[["start", "stop"]].to_numpy().ravel()
    amplitude = 1 - np.minimum.reduceat(eye_ratio, bounds, axis=0)[::2]
    alike = amplitude[~in_wink].min(axis=1) / amplitude[~in_wink].max(axis=1)
    if alike.size and np.nanmedian(alike) >= winks.WINK_ASYMMETRY:
        return events[~in_wink], winked
    return events, winked[:0]
