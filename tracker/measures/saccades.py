"""Saccades: how far, how fast and how soon the eyes jump, at 30 to 120 frames a second.

The gaze's steps are found and fitted one by one (`tracker.measures.steps`). What they say is pooled
into the person's typical values, with intervals (`kernels.pooling`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kernels import LEFT, RIGHT
from kernels.geometry import IRIS_DIAMETER_MM, ROTATION_RADIUS_MM
from kernels.pooling import interpolate_nodes, make_log_grid, pool_events
from kernels.saccades import RISE_MS, RISE_SHARE, weigh_products
from kernels.saccades import Steps as StepCandidates
from kernels.uncertainty import NORMAL_QUANTILE
from tracker.measures.ranges import EYE_SIZE_ERROR, FOLLOWED_SHARE
from tracker.measures.steps import OBLIQUE, Camera, Step, Steps, fit_steps, refit_steps
from tracker.protocol import HORIZONTAL_PHASES, VERTICAL_PHASES, Phase

if TYPE_CHECKING:
    from tracker.measures.gaze import Gaze

LEAST_RATE_HZ = 23.0
"""Least frame rate at which steps are fitted. Below it, most of a saccade lies in one frame."""
LEAST_STEPS = 6
"""Fewest steps from which a typical value is computed."""
LEAST_ONE_WAY = 3
"""The same for steps in one direction. The task ``extended`` asks for each four times or more."""
MOST_RATIO = 8.0
"""An interval whose ends have a larger ratio says nothing."""
RECORDER_START_S = 0.05
"""How far a recorder's clock may be from the app's when the recording begins: an assumption."""
TIME_ERROR = 0.25
"""Relative error of the 10-90 % time that all steps of a recording share: its standard deviation in
25 rendered clips (95 % interval: 0.18 to 0.36; docs/saccades.md). Landmarks may
follow the eyes more in the middle of their way than at its ends, and all steps then read shorter;
or they follow less there, and all steps read longer."""
FASTEST_DEG_S = 1000.0
"""No human eye turns faster."""
ANTICIPATED_S = 0.06
"""A step so soon after the prompt began before the prompt was seen or heard."""

NO_INTERVAL = (math.nan, math.nan)
NO_STEPS = Steps((), (), StepCandidates(np.empty(0), np.empty(0), math.nan))

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Pooled = tuple[float, float, float]
"""A typical value, and both ends of its interval."""


@dataclass(frozen=True, slots=True)
class SaccadeMeasures:
    """The numbers of the saccades; NaN where there is nothing to measure.

    A saccade is a fast jump of the eyes; in the gaze it is a *step*. `_left` and `_right` are the
    subject's eyes; `_up` and `_down` are directions.

    Each but the counts has a 95 % interval (``_ci95``), and a reason (``_reason``) if it is
    missing, else None: ``frame_rate``, ``no_gaze``, ``no_steps``, ``too_few_steps``, ``hidden``,
    ``crowded``, ``not_single``, ``unsteady``, ``imprecise``, ``no_protocol`` or ``not_followed``,
    which docs/definitions.md explains. Lengths are in eye widths.

    Attributes
    ----------
    vertical_saccade_count, horizontal_saccade_count : int or None
        Number of steps that the values come from, at most `tracker.measures.steps.MOST_STEPS`; None
        if steps could not be looked for, or if landmarks do not follow the eyes that way.
    vertical_saccade_time_ms : float
        Time from 10 % of a vertical step to 90 %, typical value (median) over the steps.
    vertical_saccade_time_ms_left, vertical_saccade_time_ms_right : float
        The same of each eye.
    vertical_saccade_amplitude : float
        How far the eyes jump vertically, as the landmarks show it: median over the steps.
    vertical_saccade_peak_velocity_deg_s_est : float
        Median over the vertical steps. Too small: landmarks follow only a part. Its interval
        bounds the true velocity: it allows for the share that they follow, like
        `vertical_peak_to_peak_deg_range`.
    amplitude_times_velocity_up, amplitude_times_velocity_down : float
        A step's amplitude times its peak velocity, in squared eye widths a second: median over the
        steps in that direction.
    amplitude_times_velocity_horizontal : float
        The same of the horizontal steps, both directions.
    amplitude_times_velocity_ratio : float
        That of all vertical steps, up and down, over that of the horizontal ones.
    saccade_latency_ms_up, saccade_latency_ms_down : float
        Median time from the start of a phase of the protocol, when the person was asked to look
        there, until the eyes begin their first step that way in it. Phases in which this step
        begins before `ANTICIPATED_S` do not count.
    """

    vertical_saccade_count: int | None
    horizontal_saccade_count: int | None
    vertical_saccade_time_ms: float
    vertical_saccade_time_ms_ci95: tuple[float, float]
    vertical_saccade_time_ms_reason: str | None
    vertical_saccade_time_ms_left: float
    vertical_saccade_time_ms_left_ci95: tuple[float, float]
    vertical_saccade_time_ms_left_reason: str | None
    vertical_saccade_time_ms_right: float
    vertical_saccade_time_ms_right_ci95: tuple[float, float]
    vertical_saccade_time_ms_right_reason: str | None
    vertical_saccade_amplitude: float
    vertical_saccade_amplitude_ci95: tuple[float, float]
    vertical_saccade_amplitude_reason: str | None
    vertical_saccade_peak_velocity_deg_s_est: float
    vertical_saccade_peak_velocity_deg_s_est_ci95: tuple[float, float]
    vertical_saccade_peak_velocity_deg_s_est_reason: str | None
    amplitude_times_velocity_up: float
    amplitude_times_velocity_up_ci95: tuple[float, float]
    amplitude_times_velocity_up_reason: str | None
    amplitude_times_velocity_down: float
    amplitude_times_velocity_down_ci95: tuple[float, float]
    amplitude_times_velocity_down_reason: str | None
    amplitude_times_velocity_horizontal: float
    amplitude_times_velocity_horizontal_ci95: tuple[float, float]
    amplitude_times_velocity_horizontal_reason: str | None
    amplitude_times_velocity_ratio: float
    amplitude_times_velocity_ratio_ci95: tuple[float, float]
    amplitude_times_velocity_ratio_reason: str | None
    saccade_latency_ms_up: float
    saccade_latency_ms_up_ci95: tuple[float, float]
    saccade_latency_ms_up_reason: str | None
    saccade_latency_ms_down: float
    saccade_latency_ms_down_ci95: tuple[float, float]
    saccade_latency_ms_down_reason: str | None


@dataclass(frozen=True, slots=True)
class Saccades:
    """The steps of the gaze (saccades) in a recording, each fitted by itself.

    Attributes
    ----------
    reason : str or None
        Why steps were not looked for: ``frame_rate`` or ``no_gaze``; None if they were.
    upright, level : Steps
        Steps of the vertical (upright) and of the horizontal (level) offset, mean of both eyes.
    upright_by_eye : tuple of Steps
        The vertical ones, fitted to the offset of one eye: at the indices `LEFT` and `RIGHT`.
    camera : Camera
        When the frames were exposed.
    """

    reason: str | None
    upright: Steps
    level: Steps
    upright_by_eye: tuple[Steps, ...]
    camera: Camera


def find_saccades(
    gaze: "Gaze", times_s: Float64Array, interval_s: float, protocol: tuple[Phase, ...]
) -> Saccades:
    """Find the steps of the gaze and fit them.

    Parameters
    ----------
    gaze : Gaze
        The gaze in each frame.
    times_s : ndarray, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    interval_s : float
        Median time in seconds between frames; NaN for fewer than two.
    protocol : tuple of Phase
        If it has phases up or down, only the vertical steps within these count. If it has phases
        left or right, only the horizontal steps within those count.

    Returns
    -------
    Saccades
        If steps cannot be looked for, there are none, and `reason` says why.
    """
    camera = Camera.of(times_s, interval_s)
    if not gaze.valid.any():
        return Saccades("no_gaze", NO_STEPS, NO_STEPS, (NO_STEPS, NO_STEPS), camera)
    if not 1 / interval_s >= LEAST_RATE_HZ:
        return Saccades("frame_rate", NO_STEPS, NO_STEPS, (NO_STEPS, NO_STEPS), camera)
    vertical, horizontal, valid = gaze.vertical, gaze.horizontal, gaze.valid
    phases = find_phases(protocol, VERTICAL_PHASES)
    upright = fit_steps(vertical, horizontal, OBLIQUE, valid, camera, phases)
    phases = find_phases(protocol, HORIZONTAL_PHASES)
    level = fit_steps(horizontal, vertical, 1.0, valid, camera, phases)
    by_eye = (np.ascontiguousarray(gaze.vertical_by_eye[:, side]) for side in (LEFT, RIGHT))
    return Saccades(
        None,
        upright,
        level,
        tuple(refit_steps(upright, offset, valid, camera) for offset in by_eye),
        camera,
    )


def measure_saccades(
    found: Saccades, gain_std: float, iris_ratio: float, protocol: tuple[Phase, ...]
) -> dict[str, Any]:
    """Measure the saccades, and return the fields of `SaccadeMeasures`, by name.

    Parameters
    ----------
    found : Saccades
        The steps of the gaze, from `find_saccades`.
    gain_std : float
        Standard deviation of how far the landmarks follow the vertical gaze: 0.1 is 10 %.
    iris_ratio : float
        Iris diameter over eye width.
    protocol : tuple of Phase
        Its phases up and down are the prompts from which latencies are measured.

    Returns
    -------
    dict
        A value that cannot be measured is NaN, with its reason.
    """
    if found.reason is not None:
        return explain_all(found.reason)
    upright, level = found.upright, found.level
    measured: dict[str, Any] = {
        "vertical_saccade_count": len(upright.steps),
        "horizontal_saccade_count": len(level.steps),
        **_measure_vertical(upright, iris_ratio, gain_std),
        **_measure_products(upright, level, gain_std),
    }
    for side, name in ((LEFT, "left"), (RIGHT, "right")):
        one = found.upright_by_eye[side]
        measured |= _pack(f"vertical_saccade_time_ms_{name}", one, LEAST_STEPS, pool_times(one))
    typical_ms = measured["vertical_saccade_time_ms"]
    for name, sign in (("up", -1.0), ("down", 1.0)):
        steps = upright.one_way(sign)
        measured |= _measure_latency(name, steps, protocol, found.camera, typical_ms)
    return measured


def pool_times(steps: Steps) -> Pooled | None:
    """Return the median 10-90 % time of the steps in milliseconds, with its 95 % interval.

    It is the time in which a step passes from 10 % to 90 % of its amplitude. The result is (median,
    low, high); None if there are no steps.
    """
    if not steps.steps:
        return None
    grid, logs = weigh_times(steps)
    return pool_events(grid, logs, TIME_ERROR)


def find_typical_ms(steps: Steps) -> float:
    """Return the person's typical time from 10 to 90 % of a step, in milliseconds.

    NaN if it is not known: there are fewer than `LEAST_STEPS`, or the interval is too wide.
    """
    typical_ms: float = _pack("time", steps, LEAST_STEPS, pool_times(steps))["time"]
    return typical_ms


def weigh_times(steps: Steps) -> tuple[Float64Array, Float64Array]:
    """Return logarithms of 10-90 % times in milliseconds, (G,), and the log likelihood of each.

    These are the times to try. The likelihoods have the shape (M, L, G), for each of the M steps,
    if a frame is exposed for each of the L times in `Camera.exposures_s`. M must not be 0.
    """
    grid = make_log_grid(RISE_MS[0], RISE_MS[-1])
    at = (grid - grid[0]) / float(np.log(RISE_MS[1] / RISE_MS[0]))
    nodes = np.concatenate([step.fit.log_likelihood for step in steps.steps])
    return grid, interpolate_nodes(nodes, at).reshape(len(steps.steps), -1, grid.size)


def pool_products(
    steps: Steps, amplitudes: int, velocities: int, error: float = 0.0
) -> Pooled | None:
    """Return the steps' median amplitude, velocity, or product of both, with its 95 % interval.

    `amplitudes` and `velocities` are 1 or 0: whether each is a factor. Amplitudes are in eye
    widths, and velocities are peak velocities in eye widths a second. `error` is the relative
    standard deviation of an error that all amplitudes share (0.1 is 10 %). The result is (median,
    low, high), without a sign; None if there are no steps.
    """
    if not steps.steps:
        return None
    grid, logs = weigh_steps(steps, amplitudes, velocities)
    return pool_events(grid, logs, find_shared_error(amplitudes, velocities, error))


def weigh_steps(
    steps: Steps, amplitudes: int, velocities: int
) -> tuple[Float64Array, Float64Array]:
    """Return logarithms of amplitudes, velocities or products, (G,), and their log likelihoods.

    These are the values to try. `amplitudes` and `velocities` are 1 or 0: whether each is a factor.
    Amplitudes are in eye widths, velocities are peak velocities in eye widths a second. The
    likelihoods have the shape (M, L, G), for each of the M steps, if a frame is exposed for each of
    the L times in `Camera.exposures_s`. M must not be 0.
    """
    best = []
    for step in steps.steps:
        exposure, k = np.unravel_index(
            np.argmax(step.fit.log_likelihood), step.fit.log_likelihood.shape
        )
        amplitude = max(abs(float(step.fit.amplitude[exposure, k])), 1e-6)
        best.append(amplitude ** (amplitudes + velocities) * (1000 / RISE_MS[k]) ** velocities)
    middle, width = float(np.median(best)), math.exp(3.1)
    grid = make_log_grid(middle / width, middle * width)
    logs = [
        weigh_products(step.fit, step.sign, grid, amplitudes, velocities) for step in steps.steps
    ]
    return grid, np.stack(logs)


def find_shared_error(amplitudes: int, velocities: int, error: float) -> float:
    """Return the relative standard deviation of an error of a product that all steps share.

    `amplitudes` and `velocities` are 1 or 0: whether each is a factor of the product. `error` is
    that of the amplitudes alone. Velocities have it, too, and `TIME_ERROR` besides.
    """
    return math.hypot(error * (amplitudes + velocities), TIME_ERROR * velocities)


def _measure_vertical(steps: Steps, iris_ratio: float, gain_std: float) -> dict[str, Any]:
    """Return the fields of `SaccadeMeasures` about time, amplitude and velocity, by name.

    steps are the vertical ones. iris_ratio is iris diameter over eye width. gain_std is the
    relative standard deviation of how far the landmarks follow the gaze.
    """
    velocity = pool_products(steps, 0, 1, gain_std)
    if velocity is not None:
        velocity = to_degrees(velocity, iris_ratio, FOLLOWED_SHARE)
    return {
        **_pack("vertical_saccade_time_ms", steps, LEAST_STEPS, pool_times(steps)),
        **_pack(
            "vertical_saccade_amplitude", steps, LEAST_STEPS, pool_products(steps, 1, 0, gain_std)
        ),
        **_pack("vertical_saccade_peak_velocity_deg_s_est", steps, LEAST_STEPS, velocity, math.inf),
    }


def to_degrees(velocity: Pooled, iris_ratio: float, shown: tuple[float, float]) -> Pooled:
    """Return a velocity in degrees a second, from one in eye widths a second.

    Both are (value, low, high). The value stays what landmarks show. The interval bounds the true
    velocity, of which landmarks show a share between `shown` (least, most), but its upper end is at
    most `FASTEST_DEG_S`. `iris_ratio` is iris diameter over eye width.
    """
    radius = ROTATION_RADIUS_MM * iris_ratio / IRIS_DIAMETER_MM
    middle, low, high = (math.degrees(one / radius) for one in velocity)
    least, most = shown
    low *= (1 - EYE_SIZE_ERROR) / most
    return middle, low, min(high * (1 + EYE_SIZE_ERROR) / least, max(FASTEST_DEG_S, low))


def _measure_products(upright: Steps, level: Steps, gain_std: float) -> dict[str, Any]:
    """Return the fields of `SaccadeMeasures` about amplitude times velocity, by name.

    upright are the vertical steps, level the horizontal ones. gain_std is the relative standard
    deviation of how far the landmarks follow the vertical gaze.
    """
    horizontal = pool_products(level, 1, 1)
    measured = _pack("amplitude_times_velocity_horizontal", level, LEAST_STEPS, horizontal)
    for name, sign in (("up", -1.0), ("down", 1.0)):
        steps = upright.one_way(sign)
        product = pool_products(steps, 1, 1, gain_std)
        measured |= _pack(f"amplitude_times_velocity_{name}", steps, LEAST_ONE_WAY, product)
    ratio = None
    if horizontal is not None and (vertical := pool_products(upright, 1, 1, gain_std)) is not None:
        # The errors of both are independent.
        below, above = (
            math.hypot(*(math.log(one[end] / one[0]) for one in (vertical, horizontal)[::order]))
            for end, order in ((1, 1), (2, -1))
        )
        middle = vertical[0] / horizontal[0]
        ratio = (middle, middle * math.exp(-below), middle * math.exp(above))
    fewer = upright if upright.find_reason(LEAST_STEPS) else level
    return measured | _pack("amplitude_times_velocity_ratio", fewer, LEAST_STEPS, ratio)


def _measure_latency(
    name: str, steps: Steps, protocol: tuple[Phase, ...], camera: Camera, typical_ms: float
) -> dict[str, Any]:
    """Return the fields of `SaccadeMeasures` about the latency in one direction, by name.

    `name` is ``up`` or ``down``, and `steps` holds the steps in this direction only. The latency is
    the time from the start of a phase `name` of the protocol to the start of the first step in it.
    If that step begins within `ANTICIPATED_S`, the phase does not count. `typical_ms` is the
    person's 10-90 % time, NaN if it is not known.
    """
    prompts = find_phases(protocol, (name,))
    field = f"saccade_latency_ms_{name}"
    if not prompts:
        return _explain(field, "no_protocol")
    answers = [
        (late_s, std_s) for _, late_s, std_s in find_answers(steps, prompts, typical_ms).values()
    ]
    if len(answers) < LEAST_ONE_WAY:
        return _explain(field, steps.find_reason(LEAST_ONE_WAY) or "too_few_steps")
    grid = make_log_grid(ANTICIPATED_S / 2, 5.0)
    late_s, stds_s = np.array(answers).T[:, :, None]
    logs = -(((np.exp(grid) - late_s) / np.maximum(stds_s, 1e-3)) ** 2) / 2
    _, low, high = pool_events(grid, logs[:, None])
    middle_s = float(np.median(late_s))
    shared_s = float(np.median([find_onset_error_s(one, typical_ms) for one in steps.steps]))
    below_s, above_s = (
        math.hypot(max(reach_s, 0.0), NORMAL_QUANTILE * shared_s)
        for reach_s in (middle_s - low, high - middle_s)
    )
    pooled = add_clock_error((middle_s, middle_s - below_s, middle_s + above_s), camera)
    return _pack(field, steps, LEAST_ONE_WAY, pooled, math.inf)


def find_answers(
    steps: Steps, prompts: Sequence[Phase], typical_ms: float
) -> dict[float, tuple[Phase, float, float]]:
    """Find the steps that answer a prompt: in each phase, the first one whose middle is in it.

    Parameters
    ----------
    steps : Steps
        The steps in the direction that is asked for.
    prompts : sequence of Phase
        The protocol's phases that ask for this direction.
    typical_ms : float
        The person's time from 10 to 90 % of a step in milliseconds, NaN if it is not known.

    Returns
    -------
    dict of float to (Phase, float, float)
        By the step's `centre_s`: the phase, the latency in seconds, and its standard deviation. A
        phase without such a step, or whose first one began before `ANTICIPATED_S`, has no answer.
    """
    answers = {}
    for prompt in prompts:
        after = [one for one in steps.steps if prompt.start_s < one.centre_s < prompt.end_s]
        if after:
            onset_s, std_s = after[0].find_onset(typical_ms)
            if onset_s - prompt.start_s > ANTICIPATED_S:
                answers[after[0].centre_s] = (prompt, onset_s - prompt.start_s, std_s)
    return answers


def find_onset_error_s(step: Step, typical_ms: float) -> float:
    """Return the error of onsets that all steps share, in seconds: its standard deviation.

    If landmarks show a step too short or too long, they still show its middle at the right time.
    Its start is then off by half of what its duration is off. `typical_ms` is the person's 10-90 %
    time, or NaN.
    """
    return TIME_ERROR * step.find_time_ms(typical_ms) / 1000 / RISE_SHARE / 2


def add_clock_error(latency_s: Pooled, camera: Camera) -> Pooled:
    """Return a latency in milliseconds, its interval widened by what is unknown of the clock.

    `latency_s` is (value, low, high) in seconds, and so is the result in milliseconds; its lower
    end is not below 0.
    """
    middle_s, low_s, high_s = latency_s
    clock_s = camera.interval_s / 2 + RECORDER_START_S
    return 1000 * middle_s, 1000 * max(low_s - clock_s, 0.0), 1000 * (high_s + clock_s)


def find_phases(protocol: tuple[Phase, ...], names: tuple[str, ...]) -> list[Phase]:
    """Return the protocol's phases with these names, in its order; empty if it has none."""
    return [phase for phase in protocol if phase.phase in names]


def _pack(
    field: str, steps: Steps, least: int, pooled: Pooled | None, most_ratio: float = MOST_RATIO
) -> dict[str, Any]:
    """Return a field of `SaccadeMeasures` with its interval and its reason, by name.

    `pooled` is its value, and both ends of its interval. The value is NaN if there are fewer than
    `least` steps (the reason is that of `Steps.find_reason`), or if one end of the interval is more
    than `most_ratio` times the other (``imprecise``).
    """
    reason = steps.find_reason(least)
    if reason is None and pooled is not None and pooled[2] > most_ratio * pooled[1]:
        reason = "imprecise"
    if reason is not None or pooled is None:
        return _explain(field, reason or "no_steps")
    return {field: pooled[0], f"{field}_ci95": pooled[1:], f"{field}_reason": None}


def _explain(field: str, reason: str) -> dict[str, Any]:
    """Return a field of `SaccadeMeasures` and its interval, both NaN, and `reason`, by name."""
    return {field: math.nan, f"{field}_ci95": NO_INTERVAL, f"{field}_reason": reason}


def explain_all(reason: str) -> dict[str, Any]:
    """Return all fields of `SaccadeMeasures` without a value, with one reason for all of them.

    It is for recordings in which no steps can be looked for: the counts are None, all else NaN.
    """
    measured: dict[str, Any] = {"vertical_saccade_count": None, "horizontal_saccade_count": None}
    for field in SaccadeMeasures.__dataclass_fields__:
        if field.endswith("_reason"):
            measured |= _explain(field.removesuffix("_reason"), reason)
    return measured
