"""How the lids move in blinks: how fast, how far, how regularly, and how often in which phase."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kernels import (
    BLINK,
    Closures,
    compute_inter_blink_intervals_s,
    compute_rate_interval,
    compute_valid_time_s,
    fit_flanks,
)
from kernels.closures import COMPLETE_RATIO
from kernels.measures import median_finite
from kernels.student import compute_student_quantile
from tracker.measures.phases import mark_phases
from tracker.protocol import PHASES, REST_PHASES, Phase

PEAK_OVER_MEAN = math.pi / 2
"""Peak velocity of a raised cosine over its mean velocity."""
EXPOSURE_SPREAD = (1 / 12) / (1 / 4 - 2 / math.pi**2)
"""Spread in time of an exposure over that of a raised cosine's velocity, both of length 1.

The spreads are variances, which add: a movement that takes the time T reads as if it took
``sqrt(T**2 + EXPOSURE_SPREAD * w**2)`` if each frame collects light for the time w.
"""
MEDIAN_OVER_MEAN_ERROR = math.sqrt(math.pi / 2)
"""Standard error of a median over that of a mean, of normal values."""
LEAST_BLINKS = 3
"""Fewest blinks for a velocity."""
LEAST_BLINKS_IN_A_ROW = 6
"""Fewest blinks for a decrement, and for the variability of their intervals."""
MAX_EXPOSURE_FACTOR = 2.0
"""A velocity is not measurable if the unknown exposure alone may have halved it."""
FOLLOWED = (0.48, 1.9)
"""Least and largest true velocity over the one that the landmarks show, as on drawn faces
(docs/accuracy.md): landmarks follow the lids too little at first, and then snap shut."""
LEAST_RATE_TIME_S = 5.0
"""Least time with a face in the phases from which a blink rate is computed."""
TASK_PHASES = tuple(phase for phase in PHASES if phase not in REST_PHASES)
DECREMENT_BLINKS = 10
BLINKS_AT_REST_PER_MIN = {"psp": 3.0, "pd": 12.5, "healthy": 17.0}
"""Published means. PSP and Parkinson's disease: L. I. Golbe, P. H. Davis, F. E. Lepore, "Eyelid
movement abnormalities in progressive supranuclear palsy", Movement Disorders 4, 1989, 297-302.
Healthy: A. R. Bentivoglio et al., "Analysis of Blink Rate Patterns in Normal Subjects", Movement
Disorders 12, 1997, 1028-1034: 150 people."""

VelocityReason = Literal["too_few_blinks", "rate_too_low"]
RateReason = Literal["no_phase", "too_short"]

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class LidMeasures:
    """The numbers of the lids' movements in blinks; NaN where there is nothing to measure.

    A lid opening of 1 is that of the open eye.

    Attributes
    ----------
    lid_kinematics_phases : str
        Phases that the measures of velocity, amplitude and regularity come from: always ``all``,
        for they use the whole recording.
    blink_closing_velocity_per_s, blink_opening_velocity_per_s : float
        Median peak velocity with which the lids close and open, in lid openings per second. It
        comes from a raised cosine that is fitted to each movement. The fit assumes that each frame
        is exposed for half of the time to the next one.
    blink_closing_velocity_per_s_ci95, blink_opening_velocity_per_s_ci95 : (float, float)
        95 % intervals of the medians. They are widened because the exposure is not known: it may
        last for any part of the time between two frames.
    blink_closing_velocity_per_s_reason, blink_opening_velocity_per_s_reason : str or None
        Why there is no velocity; None if there is one. ``too_few_blinks``: this movement could be
        fitted in fewer than `LEAST_BLINKS` blinks; ``rate_too_low``: it is too short for the frame
        rate.
    blink_closing_velocity_true_per_s_ci95, blink_opening_velocity_true_per_s_ci95 : (float, float)
        Bounds of the true velocities of the lids: the 95 % intervals, widened by `FOLLOWED`,
        because landmarks do not follow the lids exactly.
    blink_closing_time_s, blink_opening_time_s : float
        Median durations of the two movements, as fitted; NaN where there is no velocity.
    blink_amplitude : float
        By how much of the lid opening the lids close in a blink, 0 to 1: median over all blinks.
    incomplete_blink_share : float
        Share of the blinks that are incomplete: the lids leave more than `COMPLETE_RATIO` open.
    inter_blink_interval_variation : float
        Standard deviation of the times from one blink's onset to the next one's, divided by their
        mean; NaN for fewer than `LEAST_BLINKS_IN_A_ROW` - 1 such times, or if all are 0.
    blink_amplitude_change_per_10 : float
        Change of the amplitude over 10 blinks, from a line through the amplitudes of all blinks, as
        a share of their mean: -0.1 if blinks become smaller by 10 % (a decrement). NaN for fewer
        than `LEAST_BLINKS_IN_A_ROW` blinks, or if the mean may be 0: a person may call something a
        blink in which no lid closes.
    blink_amplitude_change_per_10_ci95 : (float, float)
        95 % interval of that change.
    blink_rate_rest_per_min, blink_rate_task_per_min : float
        Blinks a minute in the protocol's phases ``rest``, and in all its other phases.
    blink_rate_rest_per_min_ci95, blink_rate_task_per_min_ci95 : (float, float)
        95 % intervals of these rates (Poisson).
    blink_rate_rest_per_min_reason, blink_rate_task_per_min_reason : str or None
        Why there is no rate; None if there is one. ``no_phase``: there is no protocol, or it has
        no such phase; ``too_short``: the face is seen for less than `LEAST_RATE_TIME_S` in them.
    blink_rate_rest_phases, blink_rate_task_phases : str or None
        Kinds of the protocol's phases for the rate, such as ``up, down``; None if it has none.
    blink_rate_rest_time_s : float
        Time with a face in the phases ``rest``; 0 without such a phase.
    """

    lid_kinematics_phases: str
    blink_closing_velocity_per_s: float
    blink_closing_velocity_per_s_ci95: tuple[float, float]
    blink_closing_velocity_per_s_reason: str | None
    blink_closing_velocity_true_per_s_ci95: tuple[float, float]
    blink_opening_velocity_per_s: float
    blink_opening_velocity_per_s_ci95: tuple[float, float]
    blink_opening_velocity_per_s_reason: str | None
    blink_opening_velocity_true_per_s_ci95: tuple[float, float]
    blink_closing_time_s: float
    blink_opening_time_s: float
    blink_amplitude: float
    incomplete_blink_share: float
    inter_blink_interval_variation: float
    blink_amplitude_change_per_10: float
    blink_amplitude_change_per_10_ci95: tuple[float, float]
    blink_rate_rest_per_min: float
    blink_rate_rest_per_min_ci95: tuple[float, float]
    blink_rate_rest_per_min_reason: str | None
    blink_rate_rest_phases: str | None
    blink_rate_rest_time_s: float
    blink_rate_task_per_min: float
    blink_rate_task_per_min_ci95: tuple[float, float]
    blink_rate_task_per_min_reason: str | None
    blink_rate_task_phases: str | None


def measure_lid_kinematics(
    ratio: Float64Array,
    closures: Closures,
    seen: BoolArray,
    times_s: Float64Array,
    interval_s: float,
    protocol: tuple[Phase, ...],
) -> LidMeasures:
    """Measure how the lids move in blinks.

    Parameters
    ----------
    ratio : ndarray, shape (N,), float64
        Lid opening over that of the open eye: 1 = open; NaN = no face.
    closures : Closures
        The closures in `ratio`. Only the blinks among them are measured.
    seen : ndarray, shape (N,), bool
        Frames with a face.
    times_s : ndarray, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    interval_s : float
        Median time in seconds between frames; NaN for fewer than two.
    protocol : tuple of Phase
        Tells when the person was at rest, for the blink rates; empty if it is not known.

    Returns
    -------
    LidMeasures
        NaN where there is nothing to measure.
    """
    blinks = closures.select(closures.kind == BLINK)
    moving_s = np.column_stack((blinks.onset_s, blinks.offset_s))
    step_s, depth = fit_flanks(ratio, times_s, moving_s, blinks.peak, interval_s)
    both_seen = np.column_stack((blinks.onset_seen, blinks.offset_seen))
    step_s[~both_seen] = math.nan
    amplitude = 1 - blinks.least_ratio
    intervals_s = compute_inter_blink_intervals_s(blinks.interval[:, 0], seen, times_s)
    return LidMeasures(
        lid_kinematics_phases="all",
        **_measure_velocity("closing", step_s[:, 0], depth[:, 0], interval_s),
        **_measure_velocity("opening", step_s[:, 1], depth[:, 1], interval_s),
        blink_amplitude=median_finite(amplitude),
        incomplete_blink_share=(
            float((blinks.least_ratio > COMPLETE_RATIO).mean()) if amplitude.size else math.nan
        ),
        inter_blink_interval_variation=_measure_variation(intervals_s),
        **_measure_change(amplitude),
        **_measure_rate("rest", REST_PHASES, blinks, seen, times_s, protocol),
        **_measure_rate("task", TASK_PHASES, blinks, seen, times_s, protocol),
    )


def _measure_velocity(
    name: str, step_s: Float64Array, depth: Float64Array, interval_s: float
) -> dict[str, Any]:
    """Return the fields of `LidMeasures` about how fast the lids close, or open, by name.

    They are the velocity, its intervals and reason, and the movement's duration. name is
    ``closing`` or ``opening``. step_s and depth (M,) are the fitted duration in seconds and the
    depth of this movement in each of M blinks, NaN where it could not be fitted; a depth of 1 is
    the whole opening. interval_s is the median time between frames.
    """
    fitted = np.isfinite(step_s)
    count = int(fitted.sum())
    typical_s = median_finite(step_s)
    value, ends = math.nan, (math.nan, math.nan)
    reason: VelocityReason | None = None
    if count < LEAST_BLINKS:
        reason = "too_few_blinks"
    else:
        slower, faster = _bound_exposure(typical_s, interval_s)
        logs = np.log(PEAK_OVER_MEAN * depth[fitted] / step_s[fitted])
        error = MEDIAN_OVER_MEAN_ERROR * float(logs.std(ddof=1)) / math.sqrt(count)
        reach = compute_student_quantile(count - 1) * error
        if faster > MAX_EXPOSURE_FACTOR:
            reason = "rate_too_low"
        else:
            value = math.exp(float(np.median(logs)))
            ends = slower * value * math.exp(-reach), faster * value * math.exp(reach)
    return {
        f"blink_{name}_velocity_per_s": value,
        f"blink_{name}_velocity_per_s_ci95": ends,
        f"blink_{name}_velocity_per_s_reason": reason,
        f"blink_{name}_velocity_true_per_s_ci95": (FOLLOWED[0] * ends[0], FOLLOWED[1] * ends[1]),
        f"blink_{name}_time_s": typical_s if reason is None else math.nan,
    }


def _bound_exposure(step_s: float, interval_s: float) -> tuple[float, float]:
    """Return the least and the largest factor from a fitted velocity to the true one.

    step_s is the fitted duration of the movement, and interval_s the time between frames. The
    factors differ from 1 because the fit assumes that a frame is exposed for half of the time to
    the next one. The first factor, below 1, holds if the exposure takes no time. The second one,
    above 1 and perhaps infinite, holds if it takes the whole time.
    """
    half, whole = (EXPOSURE_SPREAD * (share * interval_s) ** 2 for share in (0.5, 1.0))
    shortest = step_s**2 + half - whole
    return (
        step_s / math.sqrt(step_s**2 + half),
        step_s / math.sqrt(shortest) if shortest > 0 else math.inf,
    )


def _measure_variation(intervals_s: Float64Array) -> float:
    """Return the standard deviation of the times from blink to blink, divided by their mean.

    intervals_s are these times, NaN where a blink may have been missed. NaN for fewer than
    `LEAST_BLINKS_IN_A_ROW` - 1 known times, and if all of them are 0, which only corrections give.
    """
    known = intervals_s[np.isfinite(intervals_s)]
    if known.size < LEAST_BLINKS_IN_A_ROW - 1 or not known.any():
        return math.nan
    return float(known.std(ddof=1) / known.mean())


def _measure_change(amplitude: Float64Array) -> dict[str, Any]:
    """Return the fields of `LidMeasures` about the decrement: blinks that become smaller.

    They are the change of the amplitude over 10 blinks, as a share of its mean (-0.1: smaller by
    10 %), and its 95 % interval. amplitude (M,) is that of all blinks in order of time. Both are
    NaN for fewer than `LEAST_BLINKS_IN_A_ROW`, and if the 95 % interval of the mean reaches 0: a
    share of it means nothing then. Only blinks that a person entered can be so small.
    """
    name, count = "blink_amplitude_change_per_10", amplitude.size
    unknown = {name: math.nan, f"{name}_ci95": (math.nan, math.nan)}
    if count < LEAST_BLINKS_IN_A_ROW:
        return unknown
    mean = float(amplitude.mean())
    mean_error = float(amplitude.std(ddof=1)) / math.sqrt(count)
    if mean <= compute_student_quantile(count - 1) * mean_error:
        return unknown
    number = np.arange(count) - (count - 1) / 2
    power = float(number @ number)
    slope = float(number @ amplitude) / power
    rest = amplitude - mean - slope * number
    error = math.sqrt(float(rest @ rest) / (count - 2) / power)
    reach = compute_student_quantile(count - 2) * error
    low, value, high = (
        DECREMENT_BLINKS * one / mean for one in (slope - reach, slope, slope + reach)
    )
    return {name: value, f"{name}_ci95": (low, high)}


def _measure_rate(
    name: str,
    phases: tuple[str, ...],
    blinks: Closures,
    seen: BoolArray,
    times_s: Float64Array,
    protocol: tuple[Phase, ...],
) -> dict[str, Any]:
    """Return the fields of `LidMeasures` about the rate of blinks in some phases, by name.

    name is ``rest`` or ``task``, a part of the fields' names. phases are the kinds of phase that
    count, such as ``rest``; the protocol need not have them. seen (N,) marks frames with a face,
    and times_s (N,) are the frames' times. A blink belongs to the phase in which it begins. Without
    such a phase, or with a face for less than `LEAST_RATE_TIME_S` in them, the rate and its
    interval are NaN, and the reason says why.
    """
    asked = [phase for phase in phases if any(one.phase == phase for one in protocol)]
    inside = mark_phases(protocol, phases, times_s)
    time_s = compute_valid_time_s(inside & seen, times_s)
    reason: RateReason | None = None if asked else "no_phase"
    if asked and time_s < LEAST_RATE_TIME_S:
        reason = "too_short"
    count = int(inside[blinks.interval[:, 0]].sum())
    minutes = time_s / 60 if reason is None else math.nan
    rate = f"blink_rate_{name}"
    measured = {
        f"{rate}_per_min": count / minutes,
        f"{rate}_per_min_ci95": compute_rate_interval(count, minutes),
        f"{rate}_per_min_reason": reason,
        f"{rate}_phases": ", ".join(asked) or None,
    }
    return measured | ({f"{rate}_time_s": time_s} if name == "rest" else {})
