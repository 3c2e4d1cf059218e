"""The saccades of simulated recordings are those that were drawn, or have a reason."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.saccades import RISE_MS, StepFit
from tracker.lab.clip_spec import ClipSpec, LidClosure
from tracker.lab.eye_movements import (
    RISE_SHARE,
    LandmarkNoise,
    Target,
    displace,
    make_steps,
    simulate_track,
    turn_time_s,
)
from tracker.measures.analysis import analyze_track
from tracker.measures.gaze import Gaze
from tracker.measures.saccades import (
    LEAST_RATE_HZ,
    TIME_ERROR,
    SaccadeMeasures,
    find_onset_error_s,
    find_saccades,
    measure_saccades,
)
from tracker.measures.steps import Step
from tracker.parameters import Parameters
from tracker.protocol import Phase
from tracker.words.en import TEXTS

Float64Array = NDArray[np.float64]

QUIET = LandmarkNoise(0.0005, 0.0008, 0.1)
LATENCY_S = {"up": 0.2, "down": 0.4, "left": 0.2, "right": 0.3}
SIGNS = {"up": (-1, 0), "down": (1, 0), "left": (0, 1), "right": (0, -1)}
STEP_DEG = 16.0
NAMES = tuple(
    field.name.removesuffix("_reason")
    for field in fields(SaccadeMeasures)
    if field.name.endswith("_reason")
)


def ask(*names: str) -> tuple[Phase, ...]:
    """Two seconds ahead, then two seconds for each instruction."""
    asked = [Phase("fixate", 0.0, 2.0)]
    return (*asked, *(Phase(name, 2.0 + 2 * n, 4.0 + 2 * n) for n, name in enumerate(names)))


VERTICAL = ask(*["up", "down"] * 4)
BOTH = ask(*["up", "down"] * 4, *["left", "right"] * 4)


def follow(protocol: tuple[Phase, ...], fps: float, velocity_deg_s: float, **spec: Any) -> ClipSpec:
    """Eyes that step from side to side, as they are asked, after the latency."""
    opposite = [-STEP_DEG / 2 * sign for sign in SIGNS[protocol[1].phase]]
    targets = [Target(0.0, *opposite)] + [
        Target(
            phase.start_s + LATENCY_S[phase.phase],
            *(STEP_DEG / 2 * sign for sign in SIGNS[phase.phase]),
        )
        for phase in protocol[1:]
    ]
    gaze = make_steps(targets, lambda _: velocity_deg_s)
    made: dict[str, Any] = {"duration_s": protocol[-1].end_s, "exposure_s": 0.5 / fps}
    return ClipSpec(fps=fps, gaze=gaze, **(made | spec))


def measure(
    spec: ClipSpec, protocol: tuple[Phase, ...] = (), noise: LandmarkNoise = QUIET
) -> SaccadeMeasures:
    track = simulate_track(spec, np.random.default_rng(3), noise)
    return analyze_track(track, Parameters(protocol=protocol)).measures


def reasons(measures: SaccadeMeasures) -> dict[str, str | None]:
    """The reason of each value that is missing."""
    found = {name: getattr(measures, f"{name}_reason") for name in NAMES}
    for name, reason in found.items():
        values = (getattr(measures, name), *getattr(measures, f"{name}_ci95"))
        assert np.isnan(values).all() == (reason is not None), name
        assert reason is None or values[1] <= values[0] <= values[2] or np.isnan(values[0])
        assert reason is None or f"report.missing.saccade_{reason}" in TEXTS
    return {name: reason for name, reason in found.items() if reason is not None}


@pytest.mark.parametrize("fps", [30, 60, 120])
@pytest.mark.parametrize("velocity_deg_s", [80.0, 350.0])
def test_what_was_drawn_lies_in_the_intervals(fps: float, velocity_deg_s: float) -> None:
    measures = measure(follow(BOTH, fps, velocity_deg_s, readout_s=0.3 / fps), BOTH)
    assert reasons(measures) == {}
    assert measures.vertical_saccade_count == 8
    # The first horizontal step, from down to the left, is oblique.
    assert measures.horizontal_saccade_count in (7, 8)
    rise_s = RISE_SHARE * turn_time_s(STEP_DEG, velocity_deg_s)
    # The landmarks show 0.44 of a vertical movement.
    amplitude = 0.44 * 2 * displace(STEP_DEG / 2)
    product = amplitude**2 * 0.927 / rise_s
    for name, drawn in (
        ("vertical_saccade_time_ms", 1000 * rise_s),
        ("vertical_saccade_time_ms_left", 1000 * rise_s),
        ("vertical_saccade_time_ms_right", 1000 * rise_s),
        ("vertical_saccade_amplitude", amplitude),
        ("vertical_saccade_peak_velocity_deg_s_est", velocity_deg_s),
        ("amplitude_times_velocity_up", product),
        ("amplitude_times_velocity_down", product),
        ("amplitude_times_velocity_horizontal", product * (0.80 / 0.44) ** 2),
        ("amplitude_times_velocity_ratio", (0.44 / 0.80) ** 2),
        ("saccade_latency_ms_up", 200.0),
        ("saccade_latency_ms_down", 400.0),
    ):
        low, high = getattr(measures, f"{name}_ci95")
        assert low <= drawn <= high, name
    # The estimate in degrees reads too small by the share that the landmarks show.
    estimate = measures.vertical_saccade_peak_velocity_deg_s_est
    assert estimate == pytest.approx(0.44 * velocity_deg_s, rel=0.25)
    half_frame_ms = 500 / fps
    for name in ("up", "down"):
        latency_ms = getattr(measures, f"saccade_latency_ms_{name}")
        assert latency_ms == pytest.approx(1000 * LATENCY_S[name], abs=half_frame_ms + 10)


def test_a_start_is_off_by_half_of_what_the_duration_is() -> None:
    """Of a raised cosine, 59.0 % lie between 10 and 90 % of the way: 0.1695 s of all take 100 ms.

    A quarter of the 0.1695 s may be wrong (`TIME_ERROR`), and the start by half of that.
    """
    logs = np.full((1, RISE_MS.size), -1e3)
    spike = int(np.argmin(np.abs(RISE_MS - 100)))
    logs[0, spike] = 0.0
    nothing = np.zeros_like(logs)
    step = Step(1.0, 0.1, slice(0), StepFit(logs, nothing, nothing, nothing, nothing, 1.0, 9))
    assert step.find_time_ms(np.nan) == pytest.approx(RISE_MS[spike])
    error_s = find_onset_error_s(step, np.nan)
    assert error_s == pytest.approx(0.25 * 0.1695 * RISE_MS[spike] / 100 / 2, rel=1e-3)


@pytest.mark.parametrize("velocity_deg_s", [80.0, 350.0])
def test_a_latency_is_as_uncertain_as_its_duration_and_its_clock(velocity_deg_s: float) -> None:
    """At least 1.96 deviations of the shared error, half a frame and 50 ms to either side."""
    measures = measure(follow(VERTICAL, 60, velocity_deg_s), VERTICAL)
    low, high = measures.saccade_latency_ms_up_ci95
    turn_ms = measures.vertical_saccade_time_ms / RISE_SHARE
    least_ms = 1.96 * TIME_ERROR * turn_ms / 2 + 500 / 60 + 50
    assert least_ms < 0.55 * (high - low) < 2 * least_ms


def test_slow_and_fast_saccades_differ_at_30_frames_a_second() -> None:
    slow, fast = (
        measure(follow(VERTICAL, 30, velocity, seed=1), VERTICAL, LandmarkNoise())
        for velocity in (80.0, 350.0)
    )
    assert fast.vertical_saccade_time_ms_ci95[1] < slow.vertical_saccade_time_ms_ci95[0]
    assert slow.amplitude_times_velocity_up_ci95[1] < fast.amplitude_times_velocity_up_ci95[0]


def test_without_a_protocol_there_is_no_latency() -> None:
    missing = reasons(measure(follow(BOTH, 60, 300.0)))
    assert missing == dict.fromkeys(
        ("saccade_latency_ms_up", "saccade_latency_ms_down"), "no_protocol"
    )


def test_steps_outside_of_the_phases_do_not_count() -> None:
    """The last step begins at 16.4 s."""
    asked = (Phase("fixate", 0.0, 16.0), Phase("up", 17.0, 18.0))
    missing = reasons(measure(follow(VERTICAL, 60, 300.0), asked))
    assert missing["vertical_saccade_time_ms"] == "no_steps"
    assert missing["saccade_latency_ms_up"] == "no_steps"
    assert missing["saccade_latency_ms_down"] == "no_protocol"


def test_sideways_steps_are_not_vertical_ones() -> None:
    """A sixth of a horizontal movement shows in the vertical offset."""
    times_s = np.arange(20 * 60) / 60
    rng = np.random.default_rng(0)
    horizontal = 0.1 * np.tanh(20 * np.sin(np.pi * times_s / 2))
    noise = rng.normal(0, 0.0005, (2, times_s.size))
    measured = run(horizontal / 6 + noise[0], horizontal + noise[1], times_s)
    assert measured["vertical_saccade_count"] == 0
    assert measured["horizontal_saccade_count"] == 9


def run(vertical: Float64Array, horizontal: Float64Array, times_s: Float64Array) -> dict[str, Any]:
    gaze = Gaze(
        vertical=vertical,
        horizontal=horizontal,
        vertical_by_eye=np.stack((vertical, vertical), axis=1),
        eyes_open=np.isfinite(vertical),
        valid=np.isfinite(vertical),
        ahead=np.isfinite(vertical),
        framing_gain=1.0,
        framing_gain_std=0.03,
    )
    interval_s = float(times_s[1] - times_s[0]) if times_s.size > 1 else np.nan
    found = find_saccades(gaze, times_s, interval_s, ())
    return measure_saccades(found, gaze.framing_gain_std, 0.39, ())


def jump(parts: tuple[float, ...], apart_s: float) -> Float64Array:
    """Nine jumps by 0.1, down and up in turn, each in these parts. 20 s at 60 a second."""
    times_s = np.arange(1200) / 60
    trace = np.random.default_rng(0).normal(0, 0.0008, 1200)
    for n in range(9):
        for number, part in enumerate(parts):
            at_s = 2 + 2 * n + number * apart_s
            trace += (-1) ** n * 0.1 * part * np.clip((times_s - at_s) / 0.03, 0, 1)
    return trace


STILL = np.random.default_rng(1).normal(0, 0.0008, 1200)


def test_landmarks_that_overshoot_after_each_step_are_unsteady() -> None:
    times_s = np.arange(1200) / 60
    assert run(jump((1.0,), 0.0), STILL, times_s)["vertical_saccade_time_ms_reason"] is None
    measured = run(jump((1.7, -0.7), 0.1), STILL, times_s)
    assert measured["vertical_saccade_time_ms_reason"] == "unsteady"
    assert measured["vertical_saccade_count"] == 0


def test_a_single_step_that_overshoots_does_not_count() -> None:
    trace = jump((1.0,), 0.0)
    trace[490:496] += 0.07
    measured = run(trace, STILL, np.arange(1200) / 60)
    assert measured["vertical_saccade_count"] == 8
    assert measured["vertical_saccade_time_ms_reason"] is None


def test_two_steps_within_a_fifth_of_a_second_are_no_slow_step() -> None:
    """Without much noise this is seen; with it, they read as one slow step (definitions.md)."""
    measured = run(jump((0.5, 0.5), 0.16), STILL, np.arange(1200) / 60)
    assert measured["vertical_saccade_time_ms_reason"] == "unsteady"


def test_steps_that_follow_too_soon_are_crowded() -> None:
    """Back after 0.15 s: no time in which the eyes are seen at rest."""
    times_s = np.arange(1200) / 60
    rng = np.random.default_rng(2)
    away = (times_s % 2 > 1) & (times_s % 2 < 1.27)
    measured = run(0.1 * away + rng.normal(0, 0.0008, 1200), rng.normal(0, 0.0008, 1200), times_s)
    assert measured["vertical_saccade_time_ms_reason"] in ("crowded", "not_single", None)


def test_blinks_hide_steps() -> None:
    closures = tuple(
        LidClosure(2.1 + 2 * n + LATENCY_S[("up", "down")[n % 2]] - 0.15, 0.3) for n in range(8)
    )
    missing = reasons(measure(follow(VERTICAL, 60, 300.0, closures=closures), VERTICAL))
    assert missing["vertical_saccade_time_ms"] == "hidden"
    assert missing["saccade_latency_ms_up"] == "hidden"


def test_eyes_at_rest_make_no_steps() -> None:
    missing = reasons(measure(ClipSpec(duration_s=20.0, fps=60.0), (), LandmarkNoise()))
    assert missing["vertical_saccade_time_ms"] in ("no_steps", "too_few_steps")


def test_few_steps_are_too_few() -> None:
    asked = ask("up", "down")
    missing = reasons(measure(follow(asked, 60, 300.0), asked))
    assert missing["vertical_saccade_time_ms"] == "too_few_steps"
    assert missing["amplitude_times_velocity_up"] == "too_few_steps"
    assert missing["saccade_latency_ms_down"] == "too_few_steps"
    assert missing["amplitude_times_velocity_horizontal"] == "no_steps"


@pytest.mark.parametrize(("fps", "reason"), [(LEAST_RATE_HZ - 1, "frame_rate"), (25.0, None)])
def test_too_few_frames_a_second(fps: float, reason: str | None) -> None:
    measures = measure(follow(VERTICAL, fps, 300.0), VERTICAL)
    assert measures.vertical_saccade_time_ms_reason == reason
    assert (measures.vertical_saccade_count is None) == (reason is not None)
    if reason is not None:
        assert reasons(measures) == dict.fromkeys(NAMES, reason)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_without_a_gaze_all_is_missing(count: int) -> None:
    nothing = np.full(count, np.nan)
    measured = run(nothing, nothing, np.arange(count) / 30.0)
    assert reasons(SaccadeMeasures(**measured)) == dict.fromkeys(NAMES, "no_gaze")


@pytest.mark.parametrize(
    ("fps", "velocity_deg_s", "uneven"),
    [(30.0, 350.0, 0.8), (60.0, 350.0, 0.8), (30.0, 350.0, 1.5), (30.0, 200.0, 1.5)],
)
def test_landmarks_may_swing_in_some_fixations(
    fps: float, velocity_deg_s: float, uneven: float
) -> None:
    """The face's region follows the landmarks, which follow the region: they swing now and then."""
    steady, swinging = (
        measure(follow(VERTICAL, fps, velocity_deg_s), VERTICAL, LandmarkNoise(0.001, uneven=one))
        for one in (0.0, uneven)
    )
    drawn_ms = 1000 * RISE_SHARE * turn_time_s(STEP_DEG, velocity_deg_s)
    for measures in (steady, swinging):
        assert measures.vertical_saccade_time_ms_reason is None
        low, high = measures.vertical_saccade_time_ms_ci95
        assert low <= drawn_ms <= high


@pytest.mark.parametrize(("velocity_deg_s", "rush"), [(200.0, 0.5), (350.0, 1.0)])
@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_landmarks_that_rush_ahead_are_no_faster_eyes(
    fps: float, velocity_deg_s: float, rush: float
) -> None:
    """They go too far by half of the movement since the frame before, or by all of it."""
    noise = LandmarkNoise(0.0005, 0.001, 0.1, rush=(rush, rush))
    measures = measure(follow(VERTICAL, fps, velocity_deg_s), VERTICAL, noise)
    low, high = measures.vertical_saccade_time_ms_ci95
    assert low <= 1000 * RISE_SHARE * turn_time_s(STEP_DEG, velocity_deg_s) <= high
