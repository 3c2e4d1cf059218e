"""The model of long recordings in AWS, on cases worked by hand, and what docs/scale.json holds."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from benchmarks.long_on_cores import AT_MOST
from benchmarks.scale import (
    BYTES_PER_FRAME,
    DOCS,
    FPS,
    MINUTES,
    Costs,
    Published,
    compare,
    count_paying_workers,
    divide,
    find_misses,
    read_costs,
    simulate,
)

COSTS = Costs(
    init_s=1.0,
    frame_s=0.01,
    decode_s=0.0,
    look_s=0.0,
    plan_frame_s=0.0,
    join_frame_s=0.0,
    join_s=2.0,
    spread=0.0,
)
"""A core of 1769 MB tracks 100 frames a second."""
AT_ONCE = Published(
    start_s=0.0,
    starts_per_s=1e9,
    request_s=0.0,
    s3_bytes_per_s=1e18,
    map_start_s=0.0,
    map_end_s=0.0,
    transition_s=0.0,
    gb_s_usd=1.0,
    request_usd=0.0,
    transition_usd=0.0,
)
"""AWS without latencies, in which only seconds of a GB cost something."""


def test_one_invocation() -> None:
    run = simulate(COSTS, [3000], 1, 1769, 1, AT_ONCE)
    # Start 1, 3000 frames of 0.01, 2 for the result.
    assert run.wall_s == pytest.approx(33)
    assert run.usd == pytest.approx(33 * 1769 / 1024)


def test_half_a_core_takes_twice_as_long() -> None:
    run = simulate(COSTS, [3000], 1, 1769 // 2, 1, AT_ONCE)
    assert run.wall_s == pytest.approx(66, rel=0.01)


def test_a_second_core_only_decodes_ahead() -> None:
    run = simulate(COSTS, [3000], 1, 2 * 1769, 1, AT_ONCE)
    # 32 s at 1 / 0.58, and a start that is on one core.
    assert run.wall_s == pytest.approx(1 + 32 * 0.58)


def test_segments_are_tracked_at_the_same_time() -> None:
    run = simulate(COSTS, [3000], 2, 1769, 2, AT_ONCE)
    # The plan's environment starts (1) and then tracks one segment (15 s; the other has a run-in of
    # 30 frames and a start); joining takes 2.
    assert run.wall_s == pytest.approx(1 + 1 + 15.3 + 2)
    assert run.usd == pytest.approx((2 + 15 + 15.3 + 2) * 1769 / 1024)


def test_with_one_environment_segments_wait_for_each_other() -> None:
    run = simulate(COSTS, [3000], 2, 1769, 1, AT_ONCE)
    assert run.wall_s == pytest.approx(1 + 15 + 15.3 + 2)


def test_latencies_are_waited_for_and_transitions_paid() -> None:
    published = replace(
        AT_ONCE, map_start_s=10.0, map_end_s=20.0, transition_s=40.0, gb_s_usd=0.0,
        transition_usd=1.0, request_usd=100.0,
    )  # fmt: skip
    run = simulate(COSTS, [3000], 2, 1769, 2, published)
    assert run.wall_s == pytest.approx(1 + 1 + 15.3 + 2 + 70)
    # Plan, map, join and the end, and one of each segment; four invocations.
    assert run.usd == pytest.approx(4 + 2 + 400)


def test_the_file_is_read_before_the_map_begins() -> None:
    published = replace(AT_ONCE, s3_bytes_per_s=BYTES_PER_FRAME * 300)
    run = simulate(COSTS, [3000], 2, 1769, 2, published)
    assert run.wall_s == pytest.approx(1 + 1 + 15.3 + 2 + 10)


def test_a_cohort_is_bounded_by_its_concurrency() -> None:
    run = simulate(COSTS, [800] * 100, 1, 1769, 10, AT_ONCE)
    # Ten rounds of 10 s, of which the first has the starts.
    assert run.wall_s == pytest.approx(101)


def test_new_environments_come_one_after_the_other() -> None:
    run = simulate(COSTS, [800] * 10, 1, 1769, 10, replace(AT_ONCE, starts_per_s=2.0))
    assert run.wall_s == pytest.approx(11 + 9 / 2)


@pytest.mark.parametrize(
    ("frames", "workers", "expected"),
    [
        (18_000, 12, [1500] * 12),
        (18_000, 50, [1500] * 12),
        (18_000, 4, [4500] * 4),
        (17_982, 12, [1500] * 11 + [1482]),
        (4000, 2, [3000, 1000]),
        (1500, 2, [1500]),
    ],
)
def test_segments_are_whole_blocks(frames: int, workers: int, expected: list[int]) -> None:
    assert divide(frames, workers) == expected


def test_where_more_workers_stop_paying() -> None:
    assert count_paying_workers([100, 50, 25, 24, 23], [1, 2, 4, 8, 12]) == 4
    assert count_paying_workers([100, 50], [1, 2]) == 2
    # Blocks do not divide evenly among 16, but among 24.
    assert count_paying_workers([76, 76, 65, 53, 52], [12, 16, 24, 36, 72]) == 36


@pytest.fixture(scope="module")
def measured() -> dict[str, object]:
    found: dict[str, object] = json.loads((DOCS / "scale.json").read_text())
    return found


def test_the_real_run_is_as_the_model_says(measured: dict[str, object]) -> None:
    assert measured["frames"] == 18_000
    assert len(measured["segments"]) == 12  # type: ignore[arg-type]
    assert find_misses(measured) == []


def test_two_workers_take_little_more_than_half(measured: dict[str, Any]) -> None:
    cores = measured["cores"]
    assert cores["same"] is True
    assert cores["two"]["wall_s"] <= AT_MOST * cores["one"]["wall_s"]


def test_what_is_wrong_with_a_run_is_told(measured: dict[str, object]) -> None:
    assert len(find_misses({**measured, "same": False})) == 1
    segments = [dict(one) for one in measured["segments"]]  # type: ignore[attr-defined]
    segments[3]["wall_s"] *= 2
    segments[4]["segment_s"] += 0.09 * compare(measured)["single_cpu_s"]
    assert len(find_misses({**measured, "segments": segments})) == 2


def test_the_readme_has_the_cost_of_one_recording(measured: dict[str, object]) -> None:
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    for minutes in MINUTES:
        run = simulate(read_costs(measured), [60 * FPS * minutes], 12, 1024, 12)
        row = f"| {minutes} min of 720p30, 12 workers | {run.wall_s:.0f} s | {run.usd:.4f} USD |"
        assert row in readme, row


def test_ten_minutes_take_under_one(measured: dict[str, object]) -> None:
    costs = read_costs(measured)
    assert simulate(costs, [18_000], 12, 1024, 12).wall_s < 60
    walls_s = [simulate(costs, [18_000], n, 1024, n).wall_s for n in (1, 2, 4, 12)]
    assert all(more > fewer for more, fewer in pairwise(walls_s))
