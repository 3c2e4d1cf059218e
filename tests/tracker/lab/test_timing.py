"""The clock of a profile: the time of each stage."""

import time

import pytest

from tracker.lab.timing import Clock


def test_time_within_a_stage_is_not_counted_twice() -> None:
    clock = Clock()

    def fail() -> None:
        with clock.stage("innermost"):
            time.sleep(0.01)
            raise ValueError("x")

    start_s = time.perf_counter()
    with clock.stage("outer"):
        begun_s = time.perf_counter()
        time.sleep(0.02)
        for _ in range(2):
            with clock.stage("inner"):
                time.sleep(0.03)
                with pytest.raises(ValueError, match="x"):
                    fail()
        ended_s = time.perf_counter()
    took_s = time.perf_counter() - start_s
    assert clock.wall_s["inner"] >= 0.06
    assert clock.wall_s["innermost"] >= 0.02
    assert 0.02 <= clock.wall_s["outer"] < took_s - 0.07
    assert ended_s - begun_s <= sum(clock.wall_s.values()) <= took_s
