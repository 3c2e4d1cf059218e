"""The simulated recordings of saccades: what they are made of, and how they are counted."""

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ideal_observers, saccades
from benchmarks.saccades import (
    PHASES,
    Eyes,
    Result,
    compute_auroc,
    compute_sensitivity,
    draw_normal,
    draw_patient,
    draw_recording,
    draw_slow,
    simulate,
    summarize,
)
from tests.lengths import LONG
from tracker.lab.eye_movements import main_sequence_deg_s
from tracker.lab.faces import rotation_deg

EYES = Eyes(amplitude_deg=15.0, velocity_deg_s=300.0, latency_s=0.3)


def result(time_ms: float = 50.0, inside: float = 1.0, late_ms: float = 0.0) -> Result:
    return Result(time_ms, 50.0, inside, inside, 1.2, (late_ms, -late_ms), 100.0, 0.01)


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
            assert recording.latency_ms[name] == pytest.approx(drawn_ms)
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
    missing = Result(math.nan, 50.0, math.nan, math.nan, math.nan, (math.nan, 4.0), math.nan, 0.0)
    cell = summarize("some", 30.0, [result(55.0), result(45.0, 0.0, 6.0), result(50.0), missing])
    assert (cell.recordings, cell.measured) == (4, 0.75)
    assert cell.time_covered == pytest.approx(2 / 3)
    assert cell.time_bias == pytest.approx(0.0)
    assert cell.time_error == pytest.approx(0.1)
    # 0, 0, 6, -6, 0, 0 and 4: the median of their absolute values.
    assert cell.latency_error_ms == 0.0
    assert math.isnan(summarize("none", 30.0, [missing]).time_covered)


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
