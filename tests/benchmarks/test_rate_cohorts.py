"""Simulated people with published rates of jerks and blinks."""

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.rate_cohorts import (
    compare_groups,
    draw_times_s,
    format_cells,
    main,
    measure_rates,
)
from tracker.lab.people import BLINKS_PER_MIN


def test_moments_have_their_rate_and_their_distance() -> None:
    times_s = draw_times_s(np.random.default_rng(0), 10.0, 6010.0, 20.0, 0.5)
    assert len(times_s) == pytest.approx(2000, rel=0.05)
    assert min(np.diff(times_s)) >= 0.5
    assert min(times_s) >= 10.0


@pytest.mark.slow
def test_published_rates_come_back() -> None:
    cells = {(cell.measure, cell.seen): cell for cell in measure_rates(6, (60.0,))}
    assert len(cells) == 6
    assert math.isnan(cells["jerks", "typical"].fps)
    assert cells["jerks", "measured"].fps == 60.0
    means = cells["jerks", "typical"].means
    assert means["PSP"][0] > 2 * means["healthy"][0]
    # Of 60 s, every blink is found.
    counted, measured = (cells["blinks", seen].means for seen in ("counted", "measured"))
    for kind in ("healthy", "PD", "PSP"):
        assert measured[kind][0] == pytest.approx(counted[kind][0], rel=0.05)
        # The spread of six people's rates is known badly, and the published mean lies within.
        assert abs(counted[kind][0] - BLINKS_PER_MIN[kind]) < 3 * counted[kind][1]
    area, low, high = cells["blinks", "measured"].auroc_healthy
    assert low <= area <= high
    assert area > 0.9
    assert "| blinks | 60 |" in format_cells(list(cells.values()))


def test_groups_that_do_not_overlap_are_told_apart_wholly() -> None:
    rates = {"PSP": [30.0, 35, 40], "PD": [10.0, 11, np.nan], "healthy": [30.0, 35, 40]}
    cell = compare_groups("jerks", "typical", 60.0, {k: np.array(v) for k, v in rates.items()})
    assert cell.auroc_pd == (1.0, 1.0, 1.0)
    assert cell.auroc_healthy[0] == 0.5
    assert cell.measured == 8 / 9
    # The mean is 35, the standard deviation 5.
    assert cell.means["PSP"] == pytest.approx((35.0, 1.96 * 5 / 3**0.5))
    fewer = compare_groups("blinks", "typical", 60.0, {k: np.array(v) for k, v in rates.items()})
    assert fewer.auroc_pd[0] == 0.0


@pytest.mark.long
def test_the_command_writes_its_table(tmp_path: Path) -> None:
    page = tmp_path / "saccades.md"
    page.write_text("a\n<!-- rates: begin -->\nold\n<!-- rates: end -->\nb\n", encoding="utf-8")
    main(["--people", "4", "--out", str(tmp_path)])
    text = page.read_text(encoding="utf-8")
    assert "| jerks | 120 |" in text
    assert "4 people in each group" in text
    assert "old" not in text
