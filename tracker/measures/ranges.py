"""Gaze ranges: up and down separately, intervals, bounds in degrees, distance to the threshold."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels import compute_rotation_deg, compute_valid_time_s
from kernels.uncertainty import NORMAL_QUANTILE, RangeReach, compute_held_mean_variance
from tracker.measures.phases import find_primary, mark_primary
from tracker.protocol import Phase

FOLLOWED_SHARE = (0.15, 1.0)
"""Bounds of the share of an eye movement that the measured offset follows.

With the lower bound, the interval in degrees holds the drawn angle of every synthetic face, whether
its lids follow the gaze or not (docs/accuracy.txt). The offset follows 0.27 to 0.53 of their range
without spectacles, but 0.13 to 0.32 through them. The upper bound is all of the movement.
"""
LARGEST_RANGE_DEG = 110.0
"""Vertical range that healthy people do not exceed.

They look up by 28 and down by 47 degrees, with a standard deviation of 8 each: this is three
standard deviations above the mean of the sum.
"""
EYE_SIZE_ERROR = 0.1
"""Relative error of an angle, because a person's eyeball and iris differ from the assumed ones."""
NO_PRIMARY = (
    "the eyes were not seen looking straight ahead: begin the recording with it, or name a phase "
    "fixate or rest in the protocol"
)

NO_SAID_PRIMARY = (
    "the eyes were not seen for long enough in the stretch that was set for it: set another one"
)

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def make_interval(
    range_: float, reach: float, gain_std: float, noise: float, least: float = 0.0
) -> tuple[float, float]:
    """Return the 95 % interval of a range: its lower and its upper end.

    Parameters
    ----------
    range_ : float
        The measured range. The arguments below have the same unit, except `gain_std`.
    reach : float
        How far the interval reaches to either side because the person looked up and down only a
        few times: from `kernels.compute_range_reach`.
    gain_std : float
        Standard deviation of a further, independent error, as a share of the range: 0.1 is 10 %.
        The interval covers 95 % of this error, too.
    noise : float
        How much of the range may be noise. Noise can only make a range larger, so the lower end
        goes down by this much, and the upper end does not change.
    least : float, optional
        The lower end is not below this.

    Returns
    -------
    low, high : float
        Both ends, in the unit of the range; NaN if an argument is NaN, but `high` does not depend
        on `noise`.
    """
    whole_reach = math.hypot(reach, NORMAL_QUANTILE * gain_std * range_)
    # NaN stays NaN.
    return max(range_ - whole_reach - noise, least), range_ + whole_reach


def measure_threshold_distance(
    range_: float, interval: tuple[float, float], noise_floor: float, vpp_thresh: float
) -> dict[str, Any]:
    """Return how far the vertical range is from the verdict's threshold, in three units.

    The distance is the range minus the threshold: positive if the range is above it.

    Parameters
    ----------
    range_ : float
        The vertical range, in eye widths like all arguments.
    interval : (float, float)
        Its 95 % interval.
    noise_floor : float
        Range that the jitter of the landmarks alone would give.
    vpp_thresh : float
        The threshold.

    Returns
    -------
    dict
        Three fields of `GazeMeasures`: ``threshold_distance`` in eye widths;
        ``threshold_distance_in_ci_half_widths``, divided by how far the interval reaches towards
        the threshold; and ``threshold_distance_in_noise_floors``, divided by `noise_floor`. NaN
        where the divisor is 0 or an argument is NaN.
    """
    distance = range_ - vpp_thresh
    half_width = range_ - interval[0] if distance >= 0 else interval[1] - range_
    return {
        "threshold_distance": distance,
        "threshold_distance_in_ci_half_widths": (
            distance / half_width if half_width > 0 else math.nan
        ),
        "threshold_distance_in_noise_floors": (
            distance / noise_floor if noise_floor > 0 else math.nan
        ),
    }


def measure_directions(
    vertical: Float64Array,
    valid: BoolArray,
    times_s: Float64Array,
    protocol: tuple[Phase, ...],
    *,
    said_primary: BoolArray | None,
    ends: tuple[float, float],
    reach: RangeReach,
    gain_std: float,
    noise: float,
) -> dict[str, Any]:
    """Return the fields of `GazeMeasures` about the primary position and the ranges up and down.

    Parameters
    ----------
    vertical, times_s : ndarray, shape (N,), float64
        Vertical gaze offset, in canthal distances, and presentation time of each frame.
    valid : ndarray, shape (N,), bool
        Frames that count for the gaze.
    protocol : tuple of Phase
        What the person was asked to do, and when; it may say when the eyes look straight ahead.
    said_primary : ndarray, shape (N,), bool, or None
        Frames in which a person says that the eyes look straight ahead; None if nobody says so.
    ends : (float, float)
        Vertical offsets of the upper and the lower end of the range; NaN if there is no range.
    reach : RangeReach
        How far the confidence intervals of these two ends reach.
    gain_std : float
        Standard deviation of the error in how far landmarks follow the gaze: 0.1 is 10 %.
    noise : float
        How much of each of the two ranges may be the landmarks' jitter, in canthal distances.

    Returns
    -------
    dict
        These fields by name; without a primary position, NaN and the reason.
    """
    primary, source = find_primary(protocol, times_s, vertical, valid, said_primary)
    where = mark_primary(protocol, times_s, valid, said_primary)[0]
    primary_std = math.nan
    held = vertical[where & np.isfinite(vertical)]
    if source and held.size:
        shown_s = compute_valid_time_s(where, times_s)
        primary_std = float(held.std()) * math.sqrt(compute_held_mean_variance(shown_s))
    reason = NO_PRIMARY if said_primary is None else NO_SAID_PRIMARY
    measured: dict[str, Any] = {
        "primary_position": primary,
        "primary_position_source": source,
        "primary_position_reason": None if source else reason,
    }
    for name, range_, end_reach in (
        ("up_range", primary - ends[0], reach.top),
        ("down_range", ends[1] - primary, reach.bottom),
    ):
        whole_reach = math.hypot(end_reach, NORMAL_QUANTILE * primary_std)
        # Both ends of the range can lie on one side of the primary position.
        interval = make_interval(range_, whole_reach, gain_std, noise, least=-math.inf)
        measured |= {name: range_, f"{name}_ci95": interval}
    return measured


def bound_angle(interval: tuple[float, float], iris_ratio: float) -> tuple[float, float]:
    """Return the least and the largest angle, in degrees, that the vertical range may truly have.

    `interval` is the 95 % interval of the range in canthal distances, and `iris_ratio` the iris
    diameter divided by the canthal distance. The bounds are wide, because landmarks follow only a
    part of the movement that is not known (`FOLLOWED_SHARE`). The largest angle is at most
    `LARGEST_RANGE_DEG`. An end is NaN if that of the interval is, and both are if `iris_ratio` is.
    """
    # As an angle, the range is centred on straight ahead.
    low_deg, high_deg = 2 * compute_rotation_deg(np.array(interval) / 2, iris_ratio)
    followed_least, followed_most = FOLLOWED_SHARE
    low = (1 - EYE_SIZE_ERROR) * float(low_deg) / followed_most
    high = (1 + EYE_SIZE_ERROR) * float(high_deg) / followed_least
    # A low end that is NaN must not take the cap off the high one, so it comes second.
    return low, min(high, max(LARGEST_RANGE_DEG, low))
