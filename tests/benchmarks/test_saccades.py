"""The simulated recordings of saccades: what they are made of, and how they are counted."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ideal_observers, saccades
from benchmarks.saccades import (
    PHASES,
    Eyes,
    Result,
    compare,
    compute_auroc,
    compute_sensitivity,
    draw_normal,
    draw_patient,
    draw_recording,
    draw_slow,
    find_share_at_rest,
    measure,
    simulate,
    summarize,
)
from tests.lengths import LONG
from tracker.lab.clip_spec import ClipSpec, GazePhase, LidClosure
from tracker.lab.eye_movements import LandmarkNoise, main_sequence_deg_s, simulate_track
from tracker.lab.faces import rotation_deg

EYES = Eyes(amplitude_deg=15.0, velocity_deg_s=300.0, latency_s=0.3)


def result(time_ms: float = 50.0, inside: float = 1.0, late_ms: float = 0.0) -> Result:
    late = (late_ms, -late_ms)
    return Result(time_ms, 50.0, inside, inside, 1.2, late, (late_ms + 2, 2.0), 100.0, 0.01)


def test_a_recording_has_the_steps_of_its_person() -> None:
    """By hand: 0.590 of pi / 2 * 15 / 300 is 46 ms."""
    assert EYES.time_ms == pytest.approx(46.4, abs=0.1)
    recordings = [
        draw_recording(EYES, 60.0, np.random.default_rng(seed), blinks=False) for seed in range(60)
    ]
    amplitudes, turns_s, late_s = [], [], []
    for recording in recordings:
        gaze = recording.spec.gaze
        assert len(gaze) == 9
        assert recording.spec.duration_s == 18.0
        places_deg = rotation_deg(np.array([one.vertical for one in gaze]))
        amplitudes += np.abs(np.diff(places_deg)).tolist()
        turns_s += [one.turn_s for one in gaze[1:]]
        late_s += [
            one.start_s - phase.start_s for one, phase in zip(gaze[1:], PHASES[1:], strict=True)
        ]
        for name, first in (("up", 0), ("down", 1)):
            drawn_ms = 1000 * np.median(late_s[-8:][first::2])
            asked = [phase for phase in PHASES if phase.phase == name]
            assert recording.find_latency_ms(asked) == pytest.approx(drawn_ms)
            assert recording.find_latency_ms(asked[1:2]) == pytest.approx(
                1000 * late_s[-8:][first + 2]
            )
    assert math.isnan(recordings[0].find_latency_ms([]))
    assert np.median(amplitudes) == pytest.approx(15.0, rel=0.02)
    assert 0.590 * 1000 * np.median(turns_s) == pytest.approx(EYES.time_ms, rel=0.03)
    assert np.median(late_s) == pytest.approx(0.3, rel=0.03)


def test_slow_and_normal_people_are_what_they_are_called() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        assert draw_slow(rng).velocity_deg_s <= 100
        normal = draw_normal(rng)
        assert 10 <= normal.amplitude_deg <= 20
        spread = math.log(normal.velocity_deg_s / main_sequence_deg_s(normal.amplitude_deg))
        assert abs(spread) < 5 * 0.15


def test_the_cohorts_have_the_published_separation() -> None:
    """84 and 55 % at a specificity of 95 %, of 4000 people each."""
    rng = np.random.default_rng(1)
    groups = [[draw_patient(kind, rng) for _ in range(4000)] for kind in ("PSP", "PD")]
    products = [[-one.amplitude_deg * one.velocity_deg_s for one in group] for group in groups]
    assert compute_sensitivity(*products) == pytest.approx(0.84, abs=0.03)
    velocities = [[-one.velocity_deg_s for one in group] for group in groups]
    assert compute_sensitivity(*velocities) == pytest.approx(0.55, abs=0.04)
    assert np.median([one.latency_s for one in groups[0]]) == pytest.approx(0.903, rel=0.02)


def test_areas_and_sensitivities_are_those_worked_out_by_hand() -> None:
    nan = math.nan
    assert compute_auroc([3.0, 4.0, nan], [1.0, 2.0]) == 1.0
    assert compute_auroc([1.0, 3.0], [2.0, 2.0]) == 0.5
    assert compute_auroc([2.0], [2.0, 1.0]) == 0.75
    well = np.arange(1.0, 101.0)
    # 95 % of the well are below 95.05.
    assert compute_sensitivity([95.0, 96.0, 97.0, nan], [*well, nan]) == pytest.approx(2 / 3)


def test_a_cell_counts_what_was_measured() -> None:
    nan, late_ms = math.nan, (math.nan, 4.0)
    missing = Result(nan, 50.0, nan, nan, nan, late_ms, late_ms, nan, 0.0)
    cell = summarize("some", 30.0, [result(55.0), result(45.0, 0.0, 6.0), result(50.0), missing])
    assert (cell.recordings, cell.measured) == (4, 0.75)
    assert cell.time_covered == pytest.approx(2 / 3)
    assert cell.time_bias == pytest.approx(0.0)
    assert cell.time_error == pytest.approx(0.1)
    # 0, 0, 6, -6, 0, 0 and 4: the median of their absolute values.
    assert cell.latency_error_ms == 0.0
    # 2 and 2, 8 and 2, 2 and 2, and 4.
    assert cell.latency_miss_ms == 2.0
    assert math.isnan(summarize("none", 30.0, [missing]).time_covered)


def test_a_bend_changes_what_shows_of_movements_between_resting_places() -> None:
    """By hand, a bend of 0.4 shows 0.5 + 0.4 (0.125 - 0.5) = 0.35 of 0.5, and all of 1."""
    places = (0.1, 0.2)
    spec = ClipSpec(gaze=tuple(GazePhase(float(n), place) for n, place in enumerate(places)))
    share = (0.5 * 0.35 + 1) / (0.25 + 1)
    assert find_share_at_rest(spec, 0.4) == pytest.approx(share)
    assert find_share_at_rest(spec, 0.0) == pytest.approx(1.0)


def test_a_latency_is_compared_with_that_of_the_movements_that_are_seen() -> None:
    """A closure hides the first movement up: three of four count."""
    rng = np.random.default_rng(4)
    open_eyes = draw_recording(EYES, 120.0, rng, blinks=False)
    hidden = LidClosure(open_eyes.spec.gaze[1].start_s - 0.1, 0.3)
    recording = replace(open_eyes, spec=replace(open_eyes.spec, closures=(hidden,)))
    noise = LandmarkNoise(jitter=0.0003, slow=0.0003, settling=0.0)
    found = compare(measure(simulate_track(recording.spec, rng, noise)), recording, 0.44)
    asked = [phase for phase in PHASES if phase.phase == "up"]
    error_ms, miss_ms = found.latency_errors_ms[0], found.latency_misses_ms[0]
    assert abs(error_ms) < 4
    apart_ms = recording.find_latency_ms(asked[1:]) - recording.find_latency_ms(asked)
    assert abs(apart_ms) > 4
    assert miss_ms == pytest.approx(error_ms + apart_ms)
    # Nothing hides a movement down.
    assert found.latency_errors_ms[1] == found.latency_misses_ms[1]


@pytest.mark.slow
def test_some_recordings_are_measured_as_many_are() -> None:
    """The short form of `make saccades`: intervals that hold, and slow people that stand out."""
    normal = simulate(draw_normal, 60.0, 24, (90,))
    slow = simulate(draw_slow, 60.0, 8, (91,))
    cell = summarize("normal", 60.0, normal)
    assert cell.measured > 0.6
    assert cell.time_covered > 0.75
    assert cell.amplitude_covered > 0.75
    assert cell.latency_error_ms < 500 / 60
    assert compute_auroc([one.time_ms for one in slow], [one.time_ms for one in normal]) > 0.95


@pytest.mark.slow
def test_the_command_writes_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saccades, "RATES_HZ", (30.0,))
    if not LONG:
        monkeypatch.setattr(ideal_observers, "FLOORS", (5.0,))
        monkeypatch.setattr(ideal_observers, "NOISES", ideal_observers.NOISES[:1])
    page = tmp_path / "saccades.md"
    page.write_text(
        "before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n", encoding="utf-8"
    )
    saccades.main(["--recordings", "4", "--rendered", "0", "--out", str(tmp_path)])
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| normal | 30 | 4 |" in text
    assert "old" not in text
    assert (tmp_path / "saccades.json").stat().st_size > 500
    assert (tmp_path / "saccades.png").stat().st_size > 5000
