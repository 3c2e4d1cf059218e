"""The intervals of single steps, in a few simulated recordings."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.saccades import draw_normal
from benchmarks.step_intervals import list_rows, main, summarize
from tracker.measures.saccade_rows import SaccadeRow


def test_rows_are_compared_with_the_step_at_their_time() -> None:
    count, rows = list_rows(draw_normal, 60.0, (3,))
    assert count == 8
    assert len(rows) > 12
    for row, drawn in rows:
        assert row.onset_s[0] == pytest.approx(drawn["onset_s"], abs=0.05)
        assert row.amplitude[0] == pytest.approx(drawn["amplitude"], rel=0.25)


def test_shares_are_counted() -> None:
    """The first row holds its truth, the second one does not; one has no latency."""
    nothing = (np.nan, np.nan, np.nan)
    truth = {"onset_s": 1.0, "latency_ms": 200.0, "amplitude": 0.1, "time_10_90_ms": 40.0}
    rows = [
        SaccadeRow(
            1, "both", "up", "up", 0.8, 1.0, "",
            (1.0, 0.9, 1.1), (200.0, 150.0, 250.0), (0.1, 0.09, 0.11), (40.0, 20.0, 60.0),
        ),
        SaccadeRow(
            2, "both", "up", "up", 0.8, 1.0, "",
            (1.2, 1.1, 1.3), nothing, (0.2, 0.19, 0.21), (90.0, 50.0, 100.0),
        ),
    ]  # fmt: skip
    cell = summarize("normal", 60.0, "both", 8, [(row, truth) for row in rows])
    assert (cell.drawn, cell.used) == (8, 2)
    assert cell.held == {"onset_s": 0.5, "latency_ms": 1.0, "amplitude": 0.5, "time_10_90_ms": 0.5}
    assert cell.width == pytest.approx(2.5)


def test_the_command_writes_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.step_intervals.RATES_HZ", (30.0,))
    page = tmp_path / "saccades.md"
    page.write_text("a\n<!-- steps: begin -->\nold\n<!-- steps: end -->\nb\n", encoding="utf-8")
    main(["--recordings", "1", "--out", str(tmp_path)])
    text = page.read_text(encoding="utf-8")
    assert text.count("| normal | 30 |") == 3
    assert "old" not in text
