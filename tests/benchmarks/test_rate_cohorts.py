"""Simulated people with published rates of jerks and blinks."""

import math

import numpy as np
import pytest

from benchmarks import saccades
from benchmarks.rate_cohorts import draw_times_s, format_cells, measure_rates


def test_moments_have_their_rate_and_their_distance() -> None:
    times_s = draw_times_s(np.random.default_rng(0), 10.0, 6010.0, 20.0, 0.5)
    assert len(times_s) == pytest.approx(2000, rel=0.05)
    assert min(np.diff(times_s)) >= 0.5
    assert min(times_s) >= 10.0


def test_published_rates_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saccades, "RATES_HZ", (60.0,))
    drawn_jerks, jerks, drawn_blinks, blinks = measure_rates(6)
    assert math.isnan(drawn_jerks.fps)
    assert jerks.fps == 60.0
    assert drawn_jerks.means["PSP"] > 2 * drawn_jerks.means["healthy"]
    # Of 60 s each, every blink is found.
    for kind in ("healthy", "PD", "PSP"):
        assert blinks.means[kind] == pytest.approx(drawn_blinks.means[kind], rel=0.5)
    assert blinks.auroc_healthy > 0.9
    assert "| blinks | 60 |" in format_cells([blinks])
