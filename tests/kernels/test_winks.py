"""Winks, against the reference and worked by hand."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import ArrayLike

from kernels import BLINK, Closures, detect_winks, mark_closures_in_winks
from tests import naive
from tests.kernels.lid_traces import at_fps, irregular_times_s


@pytest.mark.parametrize("count", [0, 1, 2, 400])
@pytest.mark.parametrize("missing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("fps", [10.0, 30.0])
def test_winks_are_the_reference(
    rng: np.random.Generator, count: int, missing: float, fps: float
) -> None:
    times_s = irregular_times_s(rng, count, fps, gaps=0.02)
    # Slow walks of each eye between shut and open.
    walks = np.cumsum(rng.normal(0, 0.15, (count, 2)), axis=0)
    ratio = 0.55 + 0.5 * np.sin(walks)
    ratio[rng.random(count) < missing] = np.nan
    before = ratio.copy()
    intervals, eyes = detect_winks(ratio, times_s)
    expected = naive.winks(ratio.tolist(), times_s.tolist())
    assert [tuple(one) for one in intervals.tolist()] == [interval for interval, _ in expected]
    assert eyes.tolist() == [eye for _, eye in expected]
    assert_array_equal(ratio, before)


@pytest.mark.parametrize(("eye", "seconds"), [(0, 0.3), (1, 0.3), (0, 2.0)])
def test_one_eye_held_shut_is_a_wink(eye: int, seconds: float) -> None:
    times_s = at_fps(30, 4)
    ratio = np.ones((times_s.size, 2))
    ratio[30 : 30 + round(30 * seconds), eye] = 0.2
    # FaceMesh moves the other eye along.
    ratio[30 : 30 + round(30 * seconds), 1 - eye] = 0.7
    intervals, eyes = detect_winks(ratio, times_s)
    assert intervals.tolist() == [[30, 30 + round(30 * seconds)]]
    assert eyes.tolist() == [eye]


@pytest.mark.parametrize(
    ("left", "right", "seconds"),
    [
        (0.2, 1.0, 0.29),  # too short: a blink that is uneven
        (0.2, 0.59, 1.0),  # the other eye closes by over half as much
        (0.41, 1.0, 1.0),  # not closed
        (0.2, 0.2, 1.0),
    ],
)
def test_what_is_no_wink(left: float, right: float, seconds: float) -> None:
    times_s = at_fps(100, 4)
    ratio = np.ones((400, 2))
    ratio[100 : 100 + round(100 * seconds)] = left, right
    assert detect_winks(ratio, times_s)[0].size == 0


def test_a_lost_face_and_a_gap_end_a_wink() -> None:
    ratio = np.ones((90, 2))
    ratio[20:40, 0] = 0.1
    times_s = at_fps(30, 3)
    lost = ratio.copy()
    lost[30] = np.nan
    assert detect_winks(lost, times_s)[0].tolist() == [[20, 30], [31, 40]]
    times_s = times_s + np.where(np.arange(90) >= 30, 1.0, 0.0)
    # What is before the gap lasts until its last sample: 9 intervals, not 10.
    assert detect_winks(ratio, times_s)[0].tolist() == [[20, 30], [30, 40]]
    assert detect_winks(ratio[:29], times_s[:29])[0].tolist() == []


def test_closures_in_winks(rng: np.random.Generator) -> None:
    cases = [
        ((10, 20), (5, 12), True),  # begins within
        ((10, 20), (12, 17), True),  # half of it
        ((10, 20), (12, 16), False),
        ((10, 20), (15, 40), True),
        ((10, 20), (16, 40), False),
        ((10, 20), (1, 10), True),  # begins as it ends: one eye stays shut
        ((10, 20), (1, 9), False),
        ((10, 20), (20, 30), False),
    ]
    for closure, wink, expected in cases:
        assert naive.in_winks([closure], [wink]) == [expected]
        assert mark_closures_in_winks(closures_at([closure]), [wink]).tolist() == [expected]
    for _ in range(50):
        ends = np.sort(rng.choice(200, 12, replace=False)).reshape(-1, 2)
        wink_ends = np.sort(rng.choice(200, 8, replace=False)).reshape(-1, 2)
        expected = naive.in_winks(ends.tolist(), wink_ends.tolist())
        assert mark_closures_in_winks(closures_at(ends), wink_ends).tolist() == expected
    assert mark_closures_in_winks(closures_at([(1, 2)]), []).tolist() == [False]


def closures_at(intervals: ArrayLike) -> Closures:
    pairs = np.array(intervals, dtype=np.int64).reshape(-1, 2)
    count = len(pairs)
    return Closures(
        pairs,
        pairs[:, 0],
        np.full(count, BLINK, dtype=np.int8),
        *np.zeros((4, count)),
        np.ones(count, dtype=np.bool_),
        np.ones(count, dtype=np.bool_),
    )
