"""How still the eyes hold a fixation: square-wave jerks, and the area that the gaze covers."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kernels import compute_rate_interval, compute_rotation_deg, compute_valid_time_s, detect_jerks
from kernels.measures import median_finite
from kernels.student import compute_student_quantile
from tracker.measures.phases import mark_phases
from tracker.protocol import FIXATION_PHASES, Phase

HORIZONTAL_SHOWN = 0.84
"""Share of a horizontal eye movement that the landmarks show: 0.79 to 0.89 on synthetic faces
(docs/accuracy.md)."""
JERK_DEG = (0.5, 5.0)
"""Least and largest amplitude of a square-wave jerk."""
LEAST_RATE_HZ = 23.0
"""Least frame rate for jerks: between their steps, the eyes are seen three times or more."""
LEAST_SEARCHED_S = 5.0
"""A rate is only computed if jerks can be seen in this much time or more."""
CONTOUR_SHARE = 0.682
"""Share of the gaze that the contour of the BCEA holds, as is usual."""
BLOCK_S = 1.0
"""Length of the blocks that are left out one by one to find the interval of the BCEA."""
LEAST_BLOCKS = 5
"""Fewest seconds of fixation for a BCEA."""

JerkReason = Literal["no_fixation", "not_seen", "too_short", "rate_too_low", "too_noisy"]
AreaReason = Literal["no_fixation", "too_short", "not_followed"]

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class FixationMeasures:
    """The numbers of the fixations; NaN where there is nothing to measure.

    They come from the protocol's phases ``fixate``, in which the person is asked to look at the
    camera. A square-wave jerk is a small horizontal step of the eyes, and shortly after it a step
    back. Angles in degrees (``deg_est``) are estimates.

    Attributes
    ----------
    fixation_phases : str or None
        ``fixate``; None if no protocol asks for a fixation.
    fixation_time_s : float
        Time in these phases that counts for the gaze: the eyes are open and the head is in place.
    square_wave_jerk_rate_per_min : float
        Square-wave jerks with an amplitude in the range `JERK_DEG`, over the time in which they
        can be seen.
    square_wave_jerk_rate_per_min_ci95 : (float, float)
        95 % interval of that rate (Poisson).
    square_wave_jerk_rate_per_min_reason : str or None
        Why there is no rate; None if there is one. ``no_fixation``: no protocol asks for a
        fixation; ``rate_too_low``: the frame rate is below `LEAST_RATE_HZ`; ``not_seen``: blinks
        or a turned head interrupt it all the time, or the size of the iris is not known;
        ``too_short``: jerks can be seen for less than `LEAST_SEARCHED_S`; ``too_noisy``: no jerk
        in the range `JERK_DEG` would be visible. If several hold, it is the first in this order.
    square_wave_jerk_count : int or None
        Number of these jerks; None if there is no rate.
    square_wave_jerk_amplitude_deg_est : float
        Median amplitude of these jerks, without its sign; NaN also if there are none.
    square_wave_jerk_visible_deg_est : float
        Amplitude from which on this recording shows 95 % of the jerks: at least three times the
        noise floor. More of the smaller ones are missed, the smaller they are. Some of those that
        count are smaller, and some of these are noise. It may be known although there is no rate.
    fixation_noise_floor_deg_est : float
        Noise of the horizontal gaze: standard deviation of the difference between its means over
        two neighbouring windows of 0.15 s, without the jerks.
    fixation_bcea : float
        Bivariate contour ellipse area: the area of the ellipse that holds `CONTOUR_SHARE` of the
        gaze, in squared canthal distances. The noise of the landmarks is a part of it.
    fixation_bcea_ci95 : (float, float)
        95 % interval of that area, in the same unit; NaN also if the gaze does not move at all.
    fixation_bcea_reason : str or None
        Why there is no area. ``no_fixation``: no protocol asks for a fixation; ``too_short``: the
        gaze is seen in fewer than `LEAST_BLOCKS` seconds of fixation, in whole or in part;
        ``not_followed``: the landmarks do not follow the eyes up and down
        (`tracker.measures.following`). None if there is one.
    """

    fixation_phases: str | None
    fixation_time_s: float
    square_wave_jerk_rate_per_min: float
    square_wave_jerk_rate_per_min_ci95: tuple[float, float]
    square_wave_jerk_rate_per_min_reason: str | None
    square_wave_jerk_count: int | None
    square_wave_jerk_amplitude_deg_est: float
    square_wave_jerk_visible_deg_est: float
    fixation_noise_floor_deg_est: float
    fixation_bcea: float
    fixation_bcea_ci95: tuple[float, float]
    fixation_bcea_reason: str | None


@dataclass(frozen=True, slots=True)
class FoundJerks:
    """The square-wave jerks of a recording: M of them, in order of time.

    Attributes
    ----------
    interval : ndarray, shape (M, 2), int64
        Indices of the frames at which the first and the second step begin.
    amplitude_deg : ndarray, shape (M,), float64
        Estimated amplitude in degrees; positive if the first step goes to the subject's left.
    visible_deg : float
        Amplitude from which on 95 % of the jerks are found; NaN if none can be seen, because
        no fixation is seen for long enough or the size of the iris is not known.
    noise_floor_deg : float
        Standard deviation of the difference between the mean gaze over two neighbouring windows of
        0.15 s, without the jerks; NaN where `visible_deg` is.
    searched_s : float
        Seconds in which a jerk could begin and be seen whole; 0 where `visible_deg` is NaN.
    """

    interval: NDArray[np.int64]
    amplitude_deg: Float64Array
    visible_deg: float
    noise_floor_deg: float
    searched_s: float


def find_jerks(
    horizontal: Float64Array,
    keep: BoolArray,
    times_s: Float64Array,
    interval_s: float,
    iris_ratio: float,
) -> FoundJerks:
    """Find square-wave jerks among the frames that `keep` marks.

    Parameters
    ----------
    horizontal : ndarray, shape (N,), float64
        Horizontal gaze offset in canthal distances; the subject's left is positive.
    keep : ndarray, shape (N,), bool
        Frames of fixations that count for the gaze.
    times_s : ndarray, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    interval_s : float
        Median time in seconds between frames; NaN for fewer than two.
    iris_ratio : float
        Iris diameter over canthal distance; NaN if unknown.

    Returns
    -------
    FoundJerks
        Those whose amplitude, without its sign, is within `JERK_DEG`; none if `keep` marks nothing,
        or `interval_s` or `iris_ratio` is NaN.
    """
    if not keep.any():
        return FoundJerks(np.empty((0, 2), np.int64), np.empty(0), math.nan, math.nan, 0.0)
    ahead = median_finite(horizontal[keep])
    angle_deg = compute_rotation_deg(horizontal - ahead, iris_ratio) / HORIZONTAL_SHOWN
    jerks = detect_jerks(angle_deg, keep, times_s, interval_s)
    low_deg, high_deg = JERK_DEG
    size_deg = np.abs(jerks.amplitude)
    kept = (size_deg >= low_deg) & (size_deg <= high_deg)
    return FoundJerks(
        jerks.interval[kept],
        jerks.amplitude[kept],
        jerks.visible,
        jerks.noise_floor,
        jerks.searched_s,
    )


def measure_fixation(
    vertical: Float64Array,
    horizontal: Float64Array,
    valid: BoolArray,
    times_s: Float64Array,
    interval_s: float,
    iris_ratio: float,
    protocol: tuple[Phase, ...],
) -> FixationMeasures:
    """Measure how still the eyes are while the protocol asks for a fixation.

    Parameters
    ----------
    vertical, horizontal : ndarray, shape (N,), float64
        Gaze offsets in canthal distances; down and the subject's left are positive.
    valid : ndarray, shape (N,), bool
        Frames that count for the gaze.
    times_s : ndarray, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    interval_s : float
        Median time in seconds between frames; NaN for fewer than two.
    iris_ratio : float
        Iris diameter over canthal distance; NaN if unknown.
    protocol : tuple of Phase
        Only its phases ``fixate`` are measured. Empty if it is not known.

    Returns
    -------
    FixationMeasures
        NaN and None where there is nothing to measure, with the reasons.
    """
    fixations = tuple(phase for phase in protocol if phase.phase in FIXATION_PHASES)
    keep = valid & mark_phases(protocol, FIXATION_PHASES, times_s)
    found = find_jerks(horizontal, keep, times_s, interval_s, iris_ratio)
    reason = _find_jerk_reason(found, fixations, interval_s)
    count = len(found.amplitude_deg)
    minutes = found.searched_s / 60 if reason is None else math.nan
    area, area_interval = _measure_area(vertical, horizontal, keep, times_s, fixations)
    no_area: AreaReason | None = None
    if math.isnan(area):
        no_area = "too_short" if fixations else "no_fixation"
    return FixationMeasures(
        fixation_phases=", ".join(FIXATION_PHASES) if fixations else None,
        fixation_time_s=compute_valid_time_s(keep, times_s) if fixations else math.nan,
        square_wave_jerk_rate_per_min=count / minutes,
        square_wave_jerk_rate_per_min_ci95=compute_rate_interval(count, minutes),
        square_wave_jerk_rate_per_min_reason=reason,
        square_wave_jerk_count=count if reason is None else None,
        square_wave_jerk_amplitude_deg_est=(
            median_finite(np.abs(found.amplitude_deg)) if reason is None else math.nan
        ),
        square_wave_jerk_visible_deg_est=found.visible_deg,
        fixation_noise_floor_deg_est=found.noise_floor_deg,
        fixation_bcea=area,
        fixation_bcea_ci95=area_interval,
        fixation_bcea_reason=no_area,
    )


def _find_jerk_reason(
    found: FoundJerks, fixations: tuple[Phase, ...], interval_s: float
) -> JerkReason | None:
    """Return why there is no rate of jerks; None if there is one.

    It is the first that holds of ``no_fixation``, ``rate_too_low``, ``not_seen``, ``too_short`` and
    ``too_noisy``; `FixationMeasures` explains them. fixations are the protocol's phases ``fixate``,
    and interval_s is the median time in seconds between frames, or NaN.
    """
    if not fixations:
        return "no_fixation"
    # Fewer than two frames have no interval; NaN must not pass.
    if not interval_s <= 1 / LEAST_RATE_HZ:
        return "rate_too_low"
    if math.isnan(found.visible_deg):
        return "not_seen"
    if found.searched_s < LEAST_SEARCHED_S:
        return "too_short"
    return "too_noisy" if found.visible_deg > JERK_DEG[1] else None


def _measure_area(
    vertical: Float64Array,
    horizontal: Float64Array,
    keep: BoolArray,
    times_s: Float64Array,
    fixations: tuple[Phase, ...],
) -> tuple[float, tuple[float, float]]:
    """Return the area that the gaze covers (BCEA) in the samples `keep`, and its 95 % interval.

    The BCEA is the area of the ellipse that holds `CONTOUR_SHARE` of the gaze. All are in squared
    canthal distances; NaN if the gaze is seen in fewer than `LEAST_BLOCKS` of the phases' seconds.
    vertical and horizontal (N,) are gaze offsets in canthal distances. Each of the phases
    `fixations` has its own centre. The interval comes from a jackknife: the area is computed again
    for each second that is left out, and the spread of these areas' logarithms gives the standard
    error. It is NaN if the gaze does not move. times_s (N,) are the times of the samples.
    """
    sums = []
    for phase in fixations:
        inside = keep & (times_s >= phase.start_s) & (times_s < phase.end_s)
        if np.count_nonzero(inside) > 1:
            x, y = (offset[inside] - offset[inside].mean() for offset in (horizontal, vertical))
            block = ((times_s[inside] - phase.start_s) // BLOCK_S).astype(np.int64)
            powers = (np.ones(x.size), x, y, x * x, y * y, x * y)
            of_phase = np.array([np.bincount(block, weights=power) for power in powers])
            sums.append(of_phase[:, of_phase[0] > 0])
    blocks = np.concatenate(sums, axis=1) if sums else np.empty((6, 0))
    count = blocks.shape[1]
    if count < LEAST_BLOCKS:
        return math.nan, (math.nan, math.nan)
    total = blocks.sum(axis=1, keepdims=True)
    log_area = float(_log_area(total)[0])
    without = _log_area(total - blocks)
    # A gaze that does not move at all has no area, and its logarithm is minus infinity.
    if not np.isfinite(without).all():
        return math.exp(log_area), (math.nan, math.nan)
    error = math.sqrt((count - 1) / count * float(((without - without.mean()) ** 2).sum()))
    reach = compute_student_quantile(count - 1) * error
    return math.exp(log_area), (math.exp(log_area - reach), math.exp(log_area + reach))


def _log_area(sums: Float64Array) -> Float64Array:
    """Return the natural logarithm of the area that the gaze covers (BCEA), shape (B,).

    sums (6, B) hold, for each of B sets of samples, the sums of 1, x, y, x x, y y and x y. x and y
    are the horizontal and the vertical gaze offset. The result is -inf for a set in which the gaze
    does not move, or only along a line.
    """
    count, x, y, xx, yy, xy = sums
    determinant = (xx / count - (x / count) ** 2) * (yy / count - (y / count) ** 2)
    determinant -= (xy / count - x * y / count**2) ** 2
    with np.errstate(divide="ignore"):
        log_area: Float64Array = np.log(np.maximum(determinant, 0.0)) / 2
    return log_area + math.log(-2 * math.pi * math.log(1 - CONTOUR_SHARE))
