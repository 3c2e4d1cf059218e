"""The gaze: how far and how fast the eyes moved, up and down above all."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels import (
    LEFT,
    RIGHT,
    EyeGeometry,
    HeadPose,
    compute_correlation,
    compute_eye_geometry,
    compute_framing_gain,
    compute_noise_floor,
    compute_peak_to_peak,
    compute_quantiles,
    compute_range_reach,
    compute_rotation_deg,
    compute_valid_time_s,
    remove_crosstalk,
)
from kernels.geometry import IRIS_DIAMETER_MM, ROTATION_RADIUS_MM
from kernels.measures import RANGE_QUANTILES
from tracker.measures.phases import find_primary, mark_phases
from tracker.measures.ranges import (
    bound_angle,
    make_interval,
    measure_directions,
    measure_threshold_distance,
)
from tracker.measures.saccades import SaccadeMeasures, Saccades, measure_saccades
from tracker.parameters import Parameters
from tracker.protocol import VERTICAL_PHASES, Phase
from tracker.tracks.track import Track

MAX_HEAD_YAW_DEG = 20.0
"""Largest yaw. Foreshortening makes offsets read 6 % too large at 20 degrees (1 / cosine)."""
NOTED_PITCH_RANGE_DEG = 4.0
"""A range of the head's pitch above this may explain the range of the eyes.

Heads at rest show less (2.6 at most in the ZJU recordings), and so do moving eyes in a still head
(3.3 on the synthetic face that looks up and down by 21 degrees).
"""
MAX_NOD_DEG = 10.0
"""Largest pitch, from the recording's median, at which a frame counts for the gaze.

If a head nods this far, eyes at rest move in the image by as much as the verdict's threshold.
"""
AHEAD_OFFSET = 0.1
"""The eyes look ahead within this horizontal offset from its median.

Beyond it, about a sixth of the horizontal movement shows up in the vertical offset.
"""
MIN_AHEAD_TIME_S = 3.0
"""Least time with the eyes ahead from which their range is measured."""
Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class GazeTraces:
    """The traces that the gaze is measured from, before any threshold is applied.

    They are NaN in frames without a face.

    Attributes
    ----------
    vertical_by_eye : ndarray, shape (2, N), float64
        Vertical offset of the left and the right iris from halfway between the eye's corners, in
        canthal distances (from corner to corner of an eye); down is positive.
    horizontal : ndarray, shape (N,), float64
        Horizontal offset, mean of both eyes, in the same unit; the subject's left is positive.
    head_in_place : ndarray, shape (N,), bool
        Frames in which the head is turned aside by at most `MAX_HEAD_YAW_DEG`, and its pitch
        differs from the recording's median by at most `MAX_NOD_DEG`. False without a face.
    iris_ratio : ndarray, shape (2, N), float64
        Iris diameter over canthal distance, left and right; infinite or NaN for an eye of no width.
    second_pass_sample : ndarray, shape (T,), int64
        Indices of the frames whose landmarks were found a second time, with the face turned, to see
        how closely they follow the gaze; T is 0 if there are none.
    first_pass_offset, second_pass_offset : ndarray, shape (T,), float64
        Vertical offset in those frames, mean of both eyes, from each pass.
    second_pass_turn : ndarray, shape (T,), int64
        By how much the face's region was turned in the second pass: index of
        `tracker.face.follow.TURNS_DEG`.
    interval_s : float
        Median time in seconds between frames; NaN for fewer than two.
    said_primary : ndarray, shape (N,), bool, or None
        Frames in which a person says that the eyes look straight ahead; None if nobody says so.
    """

    vertical_by_eye: Float64Array
    horizontal: Float64Array
    head_in_place: BoolArray
    iris_ratio: Float64Array
    second_pass_sample: NDArray[np.int64]
    first_pass_offset: Float64Array
    second_pass_offset: Float64Array
    second_pass_turn: NDArray[np.int64]
    interval_s: float
    said_primary: BoolArray | None = None


@dataclass(frozen=True, slots=True)
class Gaze:
    """The gaze in each frame.

    Attributes
    ----------
    vertical, horizontal : ndarray, shape (N,), float64
        Offsets of the iris from halfway between the eye's corners, mean of both eyes, in canthal
        distances. Down and the subject's left are positive. NaN without a face; the vertical one is
        all NaN if no frame is valid.
    vertical_by_eye : ndarray, shape (N, 2), float64
        Vertical offset of the left and the right eye.
    eyes_open : ndarray, shape (N,), bool
        Frames with a face and open eyes; see `tracker.measures.lids.Events`.
    valid : ndarray, shape (N,), bool
        Frames that count: the eyes are open and the head is in place.
    ahead : ndarray, shape (N,), bool
        Frames, valid or not, in which the eyes do not look aside: the horizontal offset is within
        `AHEAD_OFFSET` of its median over the valid ones. They may look up or down.
    framing_gain, framing_gain_std : float
        How closely landmarks follow the gaze depends on how the face is cut out of the frame. The
        vertical offsets above are corrected for that: their distance from the median is multiplied
        by `framing_gain`, which is near 1; its error has the standard deviation `framing_gain_std`.
    """

    vertical: Float64Array
    horizontal: Float64Array
    vertical_by_eye: Float64Array
    eyes_open: BoolArray
    valid: BoolArray
    ahead: BoolArray
    framing_gain: float
    framing_gain_std: float


@dataclass(frozen=True, slots=True)
class GazeMeasures(SaccadeMeasures):
    """The numbers of the gaze; NaN where there is nothing to measure.

    A range is the 95th minus the 5th percentile of the offset over the valid frames, in canthal
    distances unless its name says otherwise. Vertical ranges only use the protocol's phases up and
    down, if it has any: the *frames of the vertical range*. `_left` and `_right` are the subject's.

    Attributes
    ----------
    gaze_time_s : float
        Time with a face, open eyes, and the head in place: it counts for the gaze.
    vertical_peak_to_peak : float
        Vertical range of the mean of both eyes. The verdict rests on it, or on `down_range`.
    vertical_peak_to_peak_ci95 : (float, float)
        95 % interval from `kernels.compute_range_reach`. It is widened by the uncertainty of how
        far the landmarks follow the gaze in this framing of the face, and downwards by the noise
        floor, which may be a part of the measured range.
    vertical_noise_floor : float
        Range that the jitter of the landmarks alone would give for eyes at rest: from all valid
        frames.
    vertical_peak_to_peak_any_time : float
        Vertical range over all valid frames, also those outside of the phases up and down.
    threshold_distance : float
        `vertical_peak_to_peak` minus the threshold `vpp_thresh`; below 0 if the range is smaller.
    threshold_distance_in_ci_half_widths : float
        That distance divided by the length of the half of the 95 % interval that lies towards
        the threshold. 1 or -1: the interval ends at the threshold.
    threshold_distance_in_noise_floors : float
        That distance divided by the noise floor.
    vertical_peak_to_peak_left, vertical_peak_to_peak_right : float
        Vertical range of each eye.
    vertical_offset_std, vertical_offset_median : float
        Standard deviation and median of the vertical offset over all valid frames.
    vertical_peak_to_peak_ahead : float
        Vertical range over the frames in which the eyes do not look aside; NaN if these last less
        than `MIN_AHEAD_TIME_S`.
    vertical_peak_to_peak_beyond_horizontal : float
        Vertical range without the part that horizontal gaze explains: see
        `kernels.remove_crosstalk`.
    vertical_peak_to_peak_deg_est, horizontal_peak_to_peak_deg_est : float
        Vertical and horizontal range as angles: estimates. They are too small, because FaceMesh
        follows only a part of the iris's movement (`tracker.measures.ranges.FOLLOWED_SHARE`), and
        moves the lids and canthi along with the iris.
    vertical_peak_to_peak_deg_range : (float, float)
        Bounds of the true angle. The lower bound is the interval's lower end, as if all of the
        movement was followed. The upper bound is the upper end, as if the least share was
        followed, but not above `LARGEST_RANGE_DEG`. `EYE_SIZE_ERROR` widens both.
    primary_position : float
        Vertical offset of the eyes that look straight ahead, from which up and down are measured;
        NaN if it is not known, and so are the ranges up and down then.
    primary_position_source : str or None
        Which time it was taken from: ``corrected``, ``protocol``, ``before_protocol`` or
        ``assumed_first_second``, as `tracker.measures.phases.find_primary` explains; None if there
        is no primary position.
    primary_position_reason : str or None
        Why there is no primary position, as an English text; None if there is one.
    up_range, down_range : float
        Distance from the primary position up to the 5th percentile and down to the 95th percentile
        of the vertical range. Below 0 if that percentile is on the other side.
    up_range_ci95, down_range_ci95 : (float, float)
        95 % intervals of the two, made like that of the whole range. Half of the noise floor may be
        a part of each, and the primary position adds its own uncertainty.
    horizontal_peak_to_peak : float
        Horizontal range of the mean of both eyes, over all valid frames.
    vertical_to_horizontal_ratio : float
        Vertical over horizontal range; NaN if the horizontal range is within its noise floor.
    vertical_eye_correlation : float
        Pearson's correlation of the vertical offsets of the two eyes, over the frames of the
        vertical range.
    head_pitch_range_deg : float
        Range of the head's pitch over the frames of the vertical range.
    nod_allowance : float
        Vertical range that resting eyes would show in a head with that range of pitch.
    """

    gaze_time_s: float
    vertical_peak_to_peak: float
    vertical_peak_to_peak_ci95: tuple[float, float]
    vertical_noise_floor: float
    vertical_peak_to_peak_any_time: float
    threshold_distance: float
    threshold_distance_in_ci_half_widths: float
    threshold_distance_in_noise_floors: float
    vertical_peak_to_peak_left: float
    vertical_peak_to_peak_right: float
    vertical_peak_to_peak_ahead: float
    vertical_peak_to_peak_beyond_horizontal: float
    vertical_peak_to_peak_deg_est: float
    vertical_peak_to_peak_deg_range: tuple[float, float]
    vertical_offset_std: float
    vertical_offset_median: float
    vertical_eye_correlation: float
    primary_position: float
    primary_position_source: str | None
    primary_position_reason: str | None
    up_range: float
    up_range_ci95: tuple[float, float]
    down_range: float
    down_range_ci95: tuple[float, float]
    horizontal_peak_to_peak: float
    horizontal_peak_to_peak_deg_est: float
    vertical_to_horizontal_ratio: float
    head_pitch_range_deg: float
    nod_allowance: float


def prepare_gaze(
    track: Track,
    geometry: EyeGeometry,
    head: HeadPose,
    head_pitch_deg: float,
    interval_s: float,
) -> GazeTraces:
    """Compute the traces that the gaze is measured from.

    Parameters
    ----------
    track : Track
        The landmarks of a recording, N frames.
    geometry : EyeGeometry
        Eye geometry of the track's landmarks.
    head : HeadPose
        Head pose of the track's landmarks.
    head_pitch_deg : float
        Median of `head.pitch_deg`, from which nods are measured.
    interval_s : float
        Median time in seconds between frames; NaN for fewer than two.

    Returns
    -------
    GazeTraces
        NaN in frames without a face. `said_primary` is None.
    """
    nod_deg = head.pitch_deg - head_pitch_deg
    by_eye = np.ascontiguousarray(geometry.vertical_offset.T)
    second_pass = compute_eye_geometry(track.second_pass_landmarks).vertical_offset
    # The ratio of an eye without width is NaN or infinite; the median ignores it.
    with np.errstate(divide="ignore", invalid="ignore"):
        iris_ratio = np.ascontiguousarray(
            (geometry.iris_diameter_px / geometry.canthal_distance_px).T
        )
    return GazeTraces(
        vertical_by_eye=by_eye,
        horizontal=_mean_of_eyes(geometry.horizontal_offset.T),
        head_in_place=(np.abs(head.yaw_deg) <= MAX_HEAD_YAW_DEG) & (np.abs(nod_deg) <= MAX_NOD_DEG),
        iris_ratio=iris_ratio,
        second_pass_sample=track.second_pass_sample,
        first_pass_offset=_mean_of_eyes(by_eye[:, track.second_pass_sample]),
        second_pass_offset=_mean_of_eyes(second_pass.T),
        second_pass_turn=track.second_pass_turn,
        interval_s=interval_s,
    )


def _mean_of_eyes(by_eye: Float64Array) -> Float64Array:
    mean: Float64Array = (by_eye[LEFT] + by_eye[RIGHT]) / 2
    return mean


def trace_gaze(traces: GazeTraces, eyes_open: BoolArray) -> Gaze:
    """Compute the gaze in each frame, and the frames that count.

    Parameters
    ----------
    traces : GazeTraces
        The offsets as the landmarks show them, before any correction.
    eyes_open : ndarray, shape (N,), bool
        Frames with a face and open eyes.

    Returns
    -------
    Gaze
        The vertical offsets are corrected for how closely the landmarks follow the gaze.
    """
    valid = eyes_open & traces.head_in_place
    counted = valid[traces.second_pass_sample]
    gain, gain_std = compute_framing_gain(
        traces.first_pass_offset[counted],
        traces.second_pass_offset[counted],
        traces.second_pass_turn[counted],
    )
    centre = np.array(
        [compute_quantiles(offset, valid, (0.5,)) for offset in traces.vertical_by_eye]
    )
    by_eye = centre + gain * (traces.vertical_by_eye - centre)
    aside = traces.horizontal - compute_quantiles(traces.horizontal, valid, (0.5,))
    return Gaze(
        vertical=_mean_of_eyes(by_eye),
        horizontal=traces.horizontal,
        vertical_by_eye=by_eye.T,
        eyes_open=eyes_open,
        valid=valid,
        ahead=np.abs(aside) <= AHEAD_OFFSET,
        framing_gain=gain,
        framing_gain_std=gain_std,
    )


def measure_gaze(
    gaze: Gaze,
    saccades: Saccades,
    traces: GazeTraces,
    head: HeadPose,
    times_s: Float64Array,
    parameters: Parameters,
) -> GazeMeasures:
    """Measure the range and the speed of the gaze.

    Parameters
    ----------
    gaze, saccades, traces, head : Gaze, Saccades, GazeTraces, HeadPose
        The gaze in each frame, its steps, what it was computed from, and the head's direction.
    times_s : ndarray, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    parameters : Parameters
        The protocol and `vpp_thresh` are used.

    Returns
    -------
    GazeMeasures
        NaN where there is nothing to measure.
    """
    vertical, valid, protocol = gaze.vertical, gaze.valid, parameters.protocol
    in_task = mark_task(valid, protocol, times_s)
    top, bottom = compute_quantiles(vertical, in_task, RANGE_QUANTILES).tolist()
    range_ = bottom - top if np.count_nonzero(in_task) > 1 else math.nan  # One sample has none.
    primary = find_primary(protocol, times_s, vertical, valid, traces.said_primary)[0]
    reach = compute_range_reach(vertical, in_task, times_s, primary)
    noise_floor = compute_noise_floor(vertical, valid)
    interval = make_interval(range_, reach.peak_to_peak, gaze.framing_gain_std, noise_floor)
    iris_ratio = find_iris_ratio(traces, valid)
    return GazeMeasures(
        gaze_time_s=compute_valid_time_s(valid, times_s),
        vertical_peak_to_peak=range_,
        vertical_peak_to_peak_ci95=interval,
        vertical_noise_floor=noise_floor,
        vertical_peak_to_peak_any_time=(
            range_ if in_task is valid else compute_peak_to_peak(vertical, valid)
        ),
        **measure_threshold_distance(range_, interval, noise_floor, parameters.vpp_thresh),
        **_measure_parts(gaze, in_task, times_s, iris_ratio),
        vertical_peak_to_peak_deg_range=bound_angle(interval, iris_ratio),
        **measure_directions(
            vertical,
            valid,
            times_s,
            protocol,
            said_primary=traces.said_primary,
            ends=(top, bottom) if range_ >= 0 else (math.nan, math.nan),
            reach=reach,
            gain_std=gaze.framing_gain_std,
            noise=noise_floor / 2,
        ),
        **_measure_horizontal(gaze.horizontal, valid, range_, iris_ratio),
        **_measure_nod(head, in_task, iris_ratio),
        **measure_saccades(saccades, gaze.framing_gain_std, iris_ratio, protocol),
    )


def _measure_nod(head: HeadPose, in_task: BoolArray, iris_ratio: float) -> dict[str, Any]:
    """Return `head_pitch_range_deg` and `nod_allowance` of `GazeMeasures`, by name.

    in_task (N,) marks the frames of the vertical range; iris_ratio is iris diameter over canthal
    distance.
    """
    range_deg = compute_peak_to_peak(head.pitch_deg, in_task)
    return {
        "head_pitch_range_deg": range_deg,
        "nod_allowance": _nod_range(range_deg, iris_ratio),
    }


def find_iris_ratio(traces: GazeTraces, valid: BoolArray) -> float:
    """Return the median of iris diameter over canthal distance: of both eyes, in the valid frames.

    NaN if no eye has a finite ratio there, or if the median is 0: no angle can be computed then.
    valid (N,) marks the frames that count.
    """
    either = np.concatenate((valid, valid))
    (ratio,) = compute_quantiles(traces.iris_ratio.reshape(-1), either, (0.5,)).tolist()
    return float(ratio) if ratio > 0 else math.nan


def _measure_parts(
    gaze: Gaze, in_task: BoolArray, times_s: Float64Array, iris_ratio: float
) -> dict[str, Any]:
    """Return the fields of `GazeMeasures` about parts of the vertical gaze, by name.

    They are the ranges of each eye, of eyes that look ahead, without horizontal gaze, and in
    degrees; the correlation of both eyes; and the offset's median and standard deviation.
    in_task (N,) marks the frames of the vertical range, and times_s (N,) are the frames' times.
    iris_ratio is iris diameter over canthal distance.
    """
    vertical_deg = compute_rotation_deg(gaze.vertical, iris_ratio)
    left, right = gaze.vertical_by_eye[:, LEFT], gaze.vertical_by_eye[:, RIGHT]
    ahead = in_task & gaze.ahead
    enough_ahead = compute_valid_time_s(ahead, times_s) >= MIN_AHEAD_TIME_S
    return {
        "vertical_peak_to_peak_left": compute_peak_to_peak(left, in_task),
        "vertical_peak_to_peak_right": compute_peak_to_peak(right, in_task),
        "vertical_peak_to_peak_ahead": compute_peak_to_peak(gaze.vertical, ahead & enough_ahead),
        "vertical_peak_to_peak_beyond_horizontal": compute_peak_to_peak(
            remove_crosstalk(gaze.vertical, gaze.horizontal, in_task), in_task
        ),
        "vertical_peak_to_peak_deg_est": compute_peak_to_peak(vertical_deg, in_task),
        "vertical_offset_std": (
            float(gaze.vertical[gaze.valid].std()) if gaze.valid.any() else math.nan
        ),
        "vertical_offset_median": float(compute_quantiles(gaze.vertical, gaze.valid, (0.5,))[0]),
        "vertical_eye_correlation": compute_correlation(left, right, in_task),
    }


def _measure_horizontal(
    horizontal: Float64Array, valid: BoolArray, vertical_range: float, iris_ratio: float
) -> dict[str, Any]:
    """Return the fields of `GazeMeasures` about the horizontal gaze, by name.

    horizontal (N,) is the horizontal gaze offset, and valid (N,) marks the frames that count.
    vertical_range, for the ratio of both, is in canthal distances. iris_ratio is iris diameter over
    canthal distance.
    """
    range_ = compute_peak_to_peak(horizontal, valid)
    moves_aside = range_ > compute_noise_floor(horizontal, valid)
    horizontal_deg = compute_rotation_deg(horizontal, iris_ratio)
    return {
        "horizontal_peak_to_peak": range_,
        "horizontal_peak_to_peak_deg_est": compute_peak_to_peak(horizontal_deg, valid),
        "vertical_to_horizontal_ratio": vertical_range / range_ if moves_aside else math.nan,
    }


def mark_task(valid: BoolArray, protocol: tuple[Phase, ...], times_s: Float64Array) -> BoolArray:
    """Mark the valid samples that the vertical range is taken from, bool (N,).

    These are the valid samples in the protocol's phases up and down, or all valid ones if no sample
    of the recording, valid or not, lies in such a phase. valid (N,) marks the samples that count
    for the gaze, and times_s (N,) are the times of all samples.
    """
    in_task = mark_phases(protocol, VERTICAL_PHASES, times_s)
    return valid & in_task if in_task.any() else valid


def _nod_range(pitch_range_deg: float, iris_ratio: float) -> float:
    """Return the vertical range that eyes at rest show if the head nods, in canthal distances.

    `pitch_range_deg` is how far the head nods, and `iris_ratio` the iris diameter over the canthal
    distance. The range is taken to equal the distance that the iris moves when an eye turns by that
    angle, at most 90 degrees.
    """
    radius = ROTATION_RADIUS_MM * iris_ratio / IRIS_DIAMETER_MM
    return radius * math.sin(math.radians(min(pitch_range_deg, 90.0)))
