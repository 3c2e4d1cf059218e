"""Compute all measures of a track with NumPy and pandas: the competitor of the kernels.

This has no loop over frames, no Numba, and only the constants of `kernels`. It uses the same
definitions and references, and must give the same numbers. The bootstrap, and every value that
depends on it, is left out on both sides.
"""

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.vectorised_lids import detect_lids
from kernels import closures, opening, pose
from kernels import gaze as framing
from kernels.geometry import IRIS_DIAMETER_MM, ROTATION_RADIUS_MM
from kernels.landmarks import EYE_COLUMNS
from kernels.measures import RANGE_QUANTILES
from kernels.student import CONFIDENCE
from kernels.uncertainty import MAD_TO_STD, NORMAL_RANGE
from tracker.measures.analysis import MAX_HIDDEN_SHARE
from tracker.measures.gaze import AHEAD_OFFSET, MAX_HEAD_YAW_DEG, MAX_NOD_DEG
from tracker.measures.lids import BLINK_GUARD_S
from tracker.measures.phases import FIRST_S
from tracker.measures.quality import GAP_S
from tracker.parameters import Parameters
from tracker.tracks.track import Track

Array = NDArray[Any]


def measure_vectorised(track: Track, parameters: Parameters) -> dict[str, float]:
    """Compute the measures and the quality of a track without a protocol, below 110 Hz.

    Parameters
    ----------
    track : Track
    parameters : Parameters
        With the adaptive baseline.

    Returns
    -------
    dict of str to float
        Values by their names in `tracker.measures.analysis.Measures` and
        `tracker.measures.quality.Quality`.
    """
    times_s, points = track.times_s, track.landmarks.astype(np.float64)
    intervals_s = np.diff(times_s)
    eyes = _measure_eyes(points)
    yaw_deg, pitch_deg = _measure_head(points)
    ear = eyes["ear"].mean(axis=1)
    seen = np.isfinite(ear)
    both_seen = seen[1:] & seen[:-1] & (intervals_s <= opening.MAX_GAP_S)
    valid_time_s = intervals_s[both_seen].sum()
    found = detect_lids(eyes, times_s, parameters)
    ratio, events = found.ratio, found.events

    around = np.zeros(times_s.size + 1, dtype=np.int64)
    spans = np.concatenate((events[["start", "stop"]].to_numpy(), found.winks[:, :2]))
    guard_s = BLINK_GUARD_S + opening.TIME_TOLERANCE_S
    np.add.at(around, np.searchsorted(times_s, times_s[spans[:, 0]] - guard_s), 1)
    np.add.at(around, np.searchsorted(times_s, times_s[spans[:, 1] - 1] + guard_s, "right"), -1)
    eyes_open = seen & ~found.closing & ~found.hidden & (np.cumsum(around)[:-1] == 0)
    nod_deg = pitch_deg - np.nanmedian(pitch_deg)
    in_place = (np.abs(yaw_deg) <= MAX_HEAD_YAW_DEG) & (np.abs(nod_deg) <= MAX_NOD_DEG)
    hidden = found.hidden & ~found.closing & (np.cumsum(around)[:-1] == 0) & in_place
    with_hidden = (eyes_open & in_place) | hidden
    lid_low, lid_high = np.quantile(eyes["upper_lid"].mean(axis=1)[with_hidden], RANGE_QUANTILES)
    gaze = _measure_gaze(track, eyes, eyes_open, yaw_deg, pitch_deg)

    blinks = events[events["kind"] == closures.BLINK]
    complete = events["least"] <= closures.COMPLETE_RATIO
    shut = events["least"][complete].median() if complete.any() else closures.COMPLETE_RATIO
    whole = blinks[blinks["onset_seen"] & blinks["offset_seen"]]
    closed = ((1 - ratio) / (1 - shut) >= 0.8) & ~found.glance
    low, high = _poisson_limits(len(blinks))
    onsets = blinks["start"].to_numpy()
    breaks = np.concatenate(([0], np.cumsum(~seen | (np.diff(times_s, prepend=0) > 0.5))))
    unbroken = np.diff(breaks[onsets + 1]) == 0
    between_s = np.diff(times_s[onsets])[unbroken]
    elapsed_s = intervals_s.sum()
    too_long = intervals_s > GAP_S + opening.TIME_TOLERANCE_S
    rate_min = valid_time_s / 60
    return {
        **gaze,
        "duration_s": elapsed_s + np.median(intervals_s),
        "fps": (track.frame_index[-1] - track.frame_index[0]) / elapsed_s,
        "valid_time_s": valid_time_s,
        "blink_count": len(blinks),
        "incomplete_blink_count": (blinks["least"] > closures.COMPLETE_RATIO).sum(),
        "prolonged_closure_count": (events["kind"] == closures.PROLONGED_CLOSURE).sum(),
        "wink_count": len(found.winks),
        "flutter_count": (events["kind"] == closures.FLUTTER).sum(),
        "upper_lid_range": lid_high - lid_low,
        "down_range_is_lower_bound": hidden.sum() > MAX_HIDDEN_SHARE * with_hidden.sum(),
        "lids_lowered_s": _lowered_s(found.lowered, times_s, both_seen),
        "blink_rate_per_min": len(blinks) / rate_min,
        "blink_rate_per_min_low": low / rate_min,
        "blink_rate_per_min_high": high / rate_min,
        "blink_duration_median_s": (whole["offset_s"] - whole["onset_s"]).median(),
        "inter_blink_interval_median_s": np.median(between_s),
        "perclos": np.sum(intervals_s * (closed[1:].astype(int) + closed[:-1]) / 2, where=both_seen)
        / valid_time_s,
        "open_ear": np.median(found.level[seen]),
        "face_coverage": valid_time_s / elapsed_s,
        "sampled_rate_hz": 1 / np.median(intervals_s),
        "longest_gap_s": intervals_s.max(),
        "canthal_distance_px": np.nanmedian(eyes["canthal_distance_px"]),
        "iris_diameter_px": np.nanmedian(eyes["iris_diameter_px"]),
        "head_roll_deg": np.nanmedian(np.abs(eyes["head_roll_deg"])),
        "head_yaw_deg": np.nanmedian(np.abs(yaw_deg)),
        "head_pitch_deg": np.nanmedian(pitch_deg),
        "gap_share": intervals_s[too_long].sum() / elapsed_s,
    }


def _lowered_s(lowered: Array, times_s: Array, both_seen: Array) -> float:
    inside = np.zeros(times_s.size, dtype=bool)
    for start, stop in lowered:
        inside[start:stop] = True
    return float(np.diff(times_s)[both_seen & inside[1:] & inside[:-1]].sum())


def _measure_eyes(points: Array) -> dict[str, Array]:
    # (2, 11) columns of (N, K, 2) points: (11, N, 2 eyes, 2 coordinates).
    a, b, p2, p6, p3, p5, upper, lower, iris, ring_a, ring_b = np.moveaxis(
        points[:, EYE_COLUMNS], 2, 0
    )
    axis = b - a
    width = np.sqrt((axis**2).sum(axis=-1))
    unit = axis / width[..., np.newaxis]
    offset = iris - (a + b) / 2
    gaps = np.sqrt(((p6 - p2) ** 2).sum(axis=-1)) + np.sqrt(((p5 - p3) ** 2).sum(axis=-1))
    middles = a + b
    across = middles[:, 0] - middles[:, 1]
    return {
        "ear": gaps / (2 * width),
        "horizontal": (offset * unit).sum(axis=-1) / width,
        "vertical": (offset[..., 1] * unit[..., 0] - offset[..., 0] * unit[..., 1]) / width,
        "iris_diameter_px": np.sqrt(((ring_b - ring_a) ** 2).sum(axis=-1)),
        "palpebral_fissure_px": np.sqrt(((lower - upper) ** 2).sum(axis=-1)),
        "canthal_distance_px": width,
        "upper_lid": (
            (upper - (a + b) / 2)[..., 1] * unit[..., 0]
            - (upper - (a + b) / 2)[..., 0] * unit[..., 1]
        )
        / width,
        "head_roll_deg": np.degrees(np.arctan2(across[:, 1], across[:, 0])),
    }


def _measure_head(points: Array) -> tuple[Array, Array]:
    face = points[:, pose._COLUMNS]
    face = face - face.mean(axis=1, keepdims=True)
    # Rows of the affine map for x and y, (N, 3) each.
    a, b = face[..., 0] @ pose._PSEUDO_INVERSE, face[..., 1] @ pose._PSEUDO_INVERSE
    aa, ab, bb = ((u * v).sum(axis=1) for u, v in ((a, a), (a, b), (b, b)))
    root = np.sqrt(np.maximum(aa * bb - ab * ab, 0))
    r = (bb + root)[:, np.newaxis] * a - ab[:, np.newaxis] * b
    s = (aa + root)[:, np.newaxis] * b - ab[:, np.newaxis] * a
    length = np.sqrt((r * r).sum(axis=1))
    right, down = -r[:, 2] / length, -s[:, 2] / length
    ahead = (r[:, 0] * s[:, 1] - r[:, 1] * s[:, 0]) / length**2
    across = np.hypot(r[:, 0], s[:, 0])
    cosine, sine = r[:, 0] / across, s[:, 0] / across
    right, down = cosine * right + sine * down, cosine * down - sine * right
    yaw_deg = np.degrees(np.arctan2(right, ahead))
    return yaw_deg, np.degrees(np.arcsin(np.clip(down, -1, 1)))


def _measure_gaze(
    track: Track, eyes: dict[str, Array], eyes_open: Array, yaw_deg: Array, pitch_deg: Array
) -> dict[str, float]:
    times_s = track.times_s
    intervals_s = np.diff(times_s)
    nod_deg = pitch_deg - np.nanmedian(pitch_deg)
    valid = eyes_open & (np.abs(yaw_deg) <= MAX_HEAD_YAW_DEG) & (np.abs(nod_deg) <= MAX_NOD_DEG)
    counted = valid[track.second_pass_sample]
    turned = _measure_eyes(track.second_pass_landmarks.astype(np.float64))["vertical"].mean(axis=1)
    offset = eyes["vertical"][track.second_pass_sample].mean(axis=1)
    gain = _measure_gain(offset[counted], turned[counted], track.second_pass_turn[counted])
    by_eye = eyes["vertical"][valid]
    centre = np.median(by_eye, axis=0)
    by_eye = centre + gain * (by_eye - centre)
    vertical = by_eye.mean(axis=1)
    horizontal = eyes["horizontal"].mean(axis=1)[valid]
    aside = np.abs(horizontal - np.median(horizontal)) <= AHEAD_OFFSET
    iris_ratio = np.median((eyes["iris_diameter_px"] / eyes["canthal_distance_px"])[valid])
    series = np.column_stack(
        (
            vertical,
            by_eye,
            horizontal,
            _rotation_deg(vertical, iris_ratio),
            _rotation_deg(horizontal, iris_ratio),
            pitch_deg[valid],
            (by_eye[:, 0] - by_eye[:, 1]) / 2,
        )
    )
    low, high = np.quantile(series[:, :-1], RANGE_QUANTILES, axis=0)
    ranges = dict(
        zip(
            (
                "vertical_peak_to_peak",
                "vertical_peak_to_peak_left",
                "vertical_peak_to_peak_right",
                "horizontal_peak_to_peak",
                "vertical_peak_to_peak_deg_est",
                "horizontal_peak_to_peak_deg_est",
                "head_pitch_range_deg",
            ),
            high - low,
            strict=True,
        )
    )
    neighbours = np.diff(np.flatnonzero(valid)) == 1
    noise = [
        np.median(np.abs(np.diff(one)[neighbours])) * MAD_TO_STD / math.sqrt(2) * NORMAL_RANGE
        for one in (vertical, horizontal)
    ]
    both_valid = valid[1:] & valid[:-1] & (intervals_s <= opening.MAX_GAP_S)
    primary = np.median(vertical[times_s[valid] < FIRST_S])
    range_ = ranges["vertical_peak_to_peak"]
    ahead = np.quantile(vertical[aside], RANGE_QUANTILES)
    apart = np.quantile(series[aside, -1], RANGE_QUANTILES)
    radius = ROTATION_RADIUS_MM * iris_ratio / IRIS_DIAMETER_MM
    return {
        **ranges,
        "gaze_time_s": intervals_s[both_valid].sum(),
        "vertical_noise_floor": noise[0],
        "vertical_peak_to_peak_any_time": range_,
        "threshold_distance": range_ - Parameters().vpp_thresh,
        "threshold_distance_in_noise_floors": (range_ - Parameters().vpp_thresh) / noise[0],
        "vertical_peak_to_peak_ahead": ahead[1] - ahead[0],
        "vertical_offset_std": vertical.std(),
        "vertical_offset_median": np.median(vertical),
        "vertical_eye_correlation": np.corrcoef(by_eye.T)[0, 1],
        "primary_position": primary,
        "up_range": primary - low[0],
        "down_range": high[0] - primary,
        "vertical_to_horizontal_ratio": (
            range_ / ranges["horizontal_peak_to_peak"]
            if ranges["horizontal_peak_to_peak"] > noise[1]
            else math.nan
        ),
        "nod_allowance": radius * math.sin(math.radians(ranges["head_pitch_range_deg"])),
        "head_moved_share": 1 - valid.sum() / eyes_open.sum(),
        "eye_disagreement": apart[1] - apart[0],
        "framing_gain": gain,
    }


def _measure_gain(offset: Array, turned: Array, turn: Array) -> float:
    looks = pd.DataFrame({"x": offset, "d": turned - offset, "turn": turn})
    looks = looks[np.isfinite(looks["x"] + looks["d"])]
    centred = looks[["x", "d"]] - looks.groupby("turn")[["x", "d"]].transform("mean")
    x, d = centred["x"].to_numpy(), centred["d"].to_numpy()
    free = x.size - looks["turn"].nunique() - 1
    slope = (x @ d) / (x @ x)
    noise = ((d - slope * x) ** 2).sum() / free
    known = (x @ x) / free + noise / (framing.GAIN_STD**2 * min(free, framing.MOST_SAMPLES))
    most = framing.LARGEST_GAIN_STDS * framing.GAIN_STD
    return float(1 + np.clip((x @ d) / free / known, -most, most))


def _rotation_deg(offset: Array, iris_ratio: float) -> Array:
    sine = offset * (IRIS_DIAMETER_MM / iris_ratio / ROTATION_RADIUS_MM)
    rotation_deg: Array = np.degrees(np.arcsin(sine))
    return rotation_deg


def _poisson_limits(count: int) -> tuple[float, float]:
    """Return the lowest and the highest mean at which `count` events are still probable.

    They are the ends of the 95 % interval of a Poisson mean, found by bisection.
    """
    numbers = np.arange(count + 1)
    log_factorials = np.concatenate(([0.0], np.cumsum(np.log(numbers[1:]))))
    means = []
    for upto, probability in (
        (count - 1, (1 + CONFIDENCE) / 2),
        (count, (1 - CONFIDENCE) / 2),
    ):
        low, high = 1e-9, 2.0 * count + 20
        k, logs = numbers[: upto + 1], log_factorials[: upto + 1]
        while high - low > 1e-9 * high:
            mean = (low + high) / 2
            if np.exp(k * math.log(mean) - mean - logs).sum() > probability:
                low = mean
            else:
                high = mean
        means.append((low + high) / 2)
    return means[0], means[1]
