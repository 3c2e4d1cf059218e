"""Lids: drawn blinks have their velocity, within its interval where the frame rate is low."""

import math
from typing import Any

import numpy as np
import pytest

from kernels import BLINK, Closures
from tests.made_tracks import make_landmarks, make_track
from tracker.lab.clip_spec import ClipSpec, LidClosure
from tracker.lab.eye_movements import LandmarkNoise, simulate_track
from tracker.measures.analysis import Measures, analyze_track
from tracker.measures.lid_kinematics import measure_lid_kinematics
from tracker.parameters import Parameters
from tracker.protocol import Phase


def record(
    fps: float, blinks: list[LidClosure], seconds: float, exposure_share: float = 0.5
) -> Measures:
    spec = ClipSpec(
        duration_s=seconds, fps=fps, closures=tuple(blinks), exposure_s=exposure_share / fps
    )
    track = simulate_track(spec, np.random.default_rng(0), LandmarkNoise(0.001, 0.001))
    return analyze_track(track, Parameters()).measures


def draw_blinks(rng: np.random.Generator, seconds: float) -> list[LidClosure]:
    """Blinks of 0.2 to 0.4 s, every 2 to 4 s."""
    drawn, onset_s = [], 1.0
    while onset_s < seconds - 1:
        drawn.append(LidClosure(onset_s, float(rng.uniform(0.2, 0.4))))
        onset_s += float(rng.uniform(2.0, 4.0))
    return drawn


def true_velocity(blinks: list[LidClosure], phase: str) -> float:
    """Median peak velocity of the drawn movements: pi / 2 of the depth over the time."""
    return float(np.median([math.pi / 2 / getattr(one, f"{phase}_s") for one in blinks]))


@pytest.mark.parametrize("exposure_share", [0.01, 0.5, 1.0])
@pytest.mark.parametrize("phase", ["closing", "opening"])
def test_the_velocity_is_right_at_120_frames_a_second(phase: str, exposure_share: float) -> None:
    blinks = draw_blinks(np.random.default_rng(1), 60.0)
    measures = record(120.0, blinks, 60.0, exposure_share)
    found = getattr(measures, f"blink_{phase}_velocity_per_s")
    truth = true_velocity(blinks, phase)
    assert found == pytest.approx(truth, rel=0.1)
    low, high = getattr(measures, f"blink_{phase}_velocity_per_s_ci95")
    assert low < found < high
    time_s = getattr(measures, f"blink_{phase}_time_s")
    assert time_s == pytest.approx(math.pi / 2 / truth, rel=0.1)


@pytest.mark.parametrize("exposure_share", [0.01, pytest.param(0.5, marks=pytest.mark.long), 1.0])
@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_the_interval_holds_the_velocity_at_lower_rates(fps: float, exposure_share: float) -> None:
    """Of the typical blink of this person, 0.3 s: in 95 % of 20 recordings, up to chance."""
    held = []
    for seed in range(20):
        rng = np.random.default_rng((seed, round(fps)))
        onsets_s = 1 + np.cumsum(rng.uniform(2.0, 4.0, 8))
        blinks = [LidClosure(one, float(rng.normal(0.3, 0.02))) for one in onsets_s.tolist()]
        measures = record(fps, blinks, float(onsets_s[-1]) + 2, exposure_share)
        low, high = measures.blink_closing_velocity_per_s_ci95
        # 0.09 s to close.
        held.append(low <= math.pi / 2 / 0.09 <= high)
    # 16 or more of 20 have a probability of 0.997 if each has one of 0.95.
    assert sum(held) >= 16


SHOWN = {
    "astronaut": (1, 0.96, 0.91, 0.83, 0.78, 0.70, 0.60, 0.29, 0.15, 0.13, 0.11),
    "spectacles": (1, 0.97, 0.96, 0.89, 0.87, 0.83, 0.74, 0.62, 0.53, 0.56, 0.65),
    "narrow": (1, 0.95, 0.88, 0.85, 0.79, 0.71, 0.48, 0.17, 0.12, 0.12, 0.13),
}
"""Lid opening that FaceMesh shows of drawn faces whose lids are shut by 0, 0.1, …, 1, read off
still pictures."""


@pytest.mark.parametrize("face", SHOWN)
@pytest.mark.parametrize("fps", [30.0, 60.0, 120.0])
def test_the_bounds_hold_the_velocity_of_lids_that_landmarks_follow_unevenly(
    face: str, fps: float
) -> None:
    rng = np.random.default_rng(4)
    times_s = np.arange(round(60 * fps)) / fps
    onsets_s = np.arange(1.0, 55.0, 3.0) + rng.uniform(0, 1, 18)
    closed = ClipSpec(
        duration_s=60.0,
        fps=fps,
        closures=tuple(LidClosure(float(one), 0.3) for one in onsets_s),
        exposure_s=0.5 / fps,
    )
    closure = closed.closure_at(closed.exposed_at(times_s, 0.0)).mean(axis=(1, 2))
    ratio = np.interp(closure, np.linspace(0, 1, 11), SHOWN[face]) + rng.normal(
        0, 0.01, closure.size
    )
    measures = analyze_track(
        make_track(make_landmarks(0.3 * ratio, 0.0), fps), Parameters()
    ).measures
    for phase, time_s in (("closing", 0.09), ("opening", 0.15)):
        if (
            fps == 30
            and getattr(measures, f"blink_{phase}_velocity_per_s_reason") == "rate_too_low"
        ):
            # Lids that snap shut within a frame.
            continue
        low, high = getattr(measures, f"blink_{phase}_velocity_true_per_s_ci95")
        assert low <= math.pi / 2 / time_s <= high
        inner = getattr(measures, f"blink_{phase}_velocity_per_s_ci95")
        assert low < inner[0] < inner[1] < high


def test_a_frame_rate_that_cannot_show_it_is_told() -> None:
    """Lids that close in 0.03 s, at 20 frames a second."""
    blinks = [LidClosure(2.0 * n + 1, 0.1 + 0.001 * n) for n in range(20)]
    measures = record(20.0, blinks, 42.0)
    if measures.blink_count >= 3:
        assert measures.blink_closing_velocity_per_s_reason == "rate_too_low"
    assert math.isnan(measures.blink_closing_velocity_per_s)
    assert np.isnan(measures.blink_closing_velocity_per_s_ci95).all()
    assert math.isnan(measures.blink_closing_time_s)


def closures(onsets_s: list[float], least: list[float], fps: float = 30.0) -> Closures:
    """Blinks of 0.3 s at these times."""
    first = np.array([round(one * fps) for one in onsets_s], np.int64).reshape(-1)
    onset_s = first / fps
    seen = np.ones(first.size, bool)
    return Closures(
        interval=np.column_stack((first, first + 9)),
        peak=first + 4,
        kind=np.full(first.size, BLINK, np.int8),
        least_ratio=np.array(least, float),
        onset_s=onset_s,
        offset_s=onset_s + 0.3,
        closed_s=np.full(first.size, 0.1),
        onset_seen=seen,
        offset_seen=seen,
    )


def measure(found: Closures, protocol: tuple[Phase, ...] = (), seconds: float = 120.0) -> Any:
    times_s = np.arange(round(30 * seconds)) / 30
    return measure_lid_kinematics(
        np.ones(times_s.size), found, np.ones(times_s.size, bool), times_s, 1 / 30, protocol
    )


def test_few_blinks_have_no_velocity() -> None:
    measures = measure(closures([1.0, 3.0], [0.2, 0.2]))
    assert measures.blink_closing_velocity_per_s_reason == "too_few_blinks"
    assert measures.blink_opening_velocity_per_s_reason == "too_few_blinks"
    none = measure(closures([], []))
    assert none.blink_closing_velocity_per_s_reason == "too_few_blinks"
    assert math.isnan(none.blink_amplitude)
    assert math.isnan(none.incomplete_blink_share)


def test_amplitude_and_incomplete_blinks_are_counted_by_hand() -> None:
    """0.6 of the opening and more is incomplete."""
    measures = measure(closures([1, 3, 5, 7], [0.1, 0.3, 0.7, 0.8]))
    assert measures.blink_amplitude == pytest.approx(0.5)
    assert measures.incomplete_blink_share == pytest.approx(0.5)


def test_the_variability_of_the_intervals_is_worked_out_by_hand() -> None:
    # Intervals of 2, 4, 2, 4, 2, 4: mean 3, standard deviation sqrt(6 / 5).
    measures = measure(closures([1, 3, 7, 9, 13, 15, 19], [0.2] * 7))
    assert measures.inter_blink_interval_variation == pytest.approx(math.sqrt(6 / 5) / 3)
    few = measure(closures([1, 3, 7, 9, 13], [0.2] * 5))
    assert math.isnan(few.inter_blink_interval_variation)


def test_blinks_at_one_time_have_no_variability() -> None:
    """A person may enter the same blink many times: all intervals are 0, and so is their mean."""
    assert math.isnan(measure(closures([1.0] * 7, [0.2] * 7)).inter_blink_interval_variation)


@pytest.mark.parametrize(
    ("amplitude", "known"),
    [
        ([0.0] * 8, False),  # no lid closes
        ([-0.1] * 8, False),  # the lids are opener than usual
        # Mean 0.1, standard deviation sqrt(8 / 7) * 0.2, standard error 0.0756; times 2.365 for 7
        # degrees of freedom it is 0.179, so the interval reaches 0.
        ([0.3, -0.1] * 4, False),
        ([0.4, 0.2] * 4, True),  # mean 0.3, standard error 0.0378
    ],
)
def test_a_decrement_is_a_share_of_an_amplitude_that_is_surely_there(
    amplitude: list[float], known: bool
) -> None:
    onsets_s = [2.0 * n + 1 for n in range(8)]
    measures = measure(closures(onsets_s, [1 - one for one in amplitude]))
    change = (measures.blink_amplitude_change_per_10, *measures.blink_amplitude_change_per_10_ci95)
    assert np.isfinite(change).tolist() == [known] * 3


def test_a_decrement_is_the_slope_of_the_amplitudes() -> None:
    """The amplitude falls from 0.9 by 0.02 a blink; its mean is 0.8: -0.25 over 10 blinks."""
    least = [0.1 + 0.02 * n for n in range(11)]
    measures = measure(closures([2.0 * n + 1 for n in range(11)], least))
    assert measures.blink_amplitude_change_per_10 == pytest.approx(-0.25)
    assert measures.blink_amplitude_change_per_10_ci95 == pytest.approx((-0.25, -0.25), abs=1e-6)
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(200):
        noisy = (np.array(least) + rng.normal(0, 0.05, 11)).tolist()
        found = measure(closures([2.0 * n + 1 for n in range(11)], noisy))
        low, high = found.blink_amplitude_change_per_10_ci95
        held += low <= -0.25 <= high
    assert 0.9 * 200 <= held <= 0.99 * 200
    few = measure(closures([1, 3, 5, 7, 9], [0.2] * 5))
    assert math.isnan(few.blink_amplitude_change_per_10)


PROTOCOL = (
    Phase("fixate", 0, 10),
    Phase("up", 10, 20),
    Phase("down", 20, 30),
    Phase("rest", 40, 100),
)


def test_blinks_at_rest_and_during_the_task_are_counted_apart() -> None:
    # 2 in the task, 1 between the phases, 5 at rest.
    onsets_s = [5.0, 25.0, 35.0, 41.0, 50.0, 60.0, 70.0, 99.0]
    measures = measure(closures(onsets_s, [0.2] * 8), PROTOCOL)
    # The time between the first and the last frame of a phase.
    assert measures.blink_rate_rest_per_min == pytest.approx(5 / (60 - 1 / 30) * 60)
    assert measures.blink_rate_task_per_min == pytest.approx(2 / (30 - 1 / 30) * 60)
    # Garwood's interval of 5 events: 1.62 to 11.67; of 2 in half a minute: 0.242 to 7.22.
    assert measures.blink_rate_rest_per_min_ci95 == pytest.approx((1.62, 11.67), rel=0.01)
    assert measures.blink_rate_task_per_min_ci95 == pytest.approx((0.485, 14.45), rel=0.01)
    assert measures.blink_rate_rest_per_min_reason is None
    assert measures.blink_rate_rest_phases == "rest"
    assert measures.blink_rate_task_phases == "up, down, fixate"
    assert measures.blink_rate_rest_time_s == pytest.approx(60, abs=0.04)


@pytest.mark.parametrize(
    ("protocol", "rest", "task"),
    [
        ((), "no_phase", "no_phase"),
        ((Phase("up", 0, 10),), "no_phase", None),
        ((Phase("rest", 0, 10),), None, "no_phase"),
        ((Phase("rest", 0, 4), Phase("up", 5, 9)), "too_short", "too_short"),
    ],
)
def test_a_rate_that_is_not_measured_has_its_reason(
    protocol: tuple[Phase, ...], rest: str | None, task: str | None
) -> None:
    measures = measure(closures([1.0], [0.2]), protocol)
    assert measures.blink_rate_rest_per_min_reason == rest
    assert measures.blink_rate_task_per_min_reason == task
    assert math.isnan(measures.blink_rate_rest_per_min) == (rest is not None)
    assert math.isnan(measures.blink_rate_task_per_min) == (task is not None)
