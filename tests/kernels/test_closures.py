"""Closures: dips, detection and measures, against the reference and against known blinks."""

import itertools
import math
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import ArrayLike, NDArray

from kernels import (
    BLINK,
    FLUTTER,
    PROLONGED_CLOSURE,
    Closures,
    Dips,
    compute_eye_amplitude,
    compute_lid_noise,
    compute_open_level,
    detect_closures,
    find_dips,
)
from kernels.dips import REFUSALS, RULES
from tests import naive
from tests.kernels.lid_traces import (
    OPEN_EAR,
    at_fps,
    blinking_ear,
    irregular_times_s,
    random_ear,
    random_ratio,
    smooth_blinks,
)
from tests.lengths import FEW, thin

Float64Array = NDArray[np.float64]
REPEATS = pytest.mark.repeats

# As in production, with `blink_min_frames` at its default of 2.
CLOSE_RATIO = 0.75
OPEN_RATIO = 0.875
SHORTEST_S = (2 - 0.5) / 30

REPOSITORY = Path(__file__).parents[2]

# Both interpolate between the same two float64 samples.
RTOL = 1e-11
ATOL = 1e-11


def both(ratio: ArrayLike) -> Float64Array:
    """Two eyes that do the same."""
    values = np.asarray(ratio, dtype=np.float64)
    return np.stack((values, values), axis=-1)


def dips_of(
    ratio: ArrayLike, times_s: ArrayLike, noise: float = 0.0, eye_ratio: ArrayLike | None = None
) -> Dips:
    eyes = both(ratio) if eye_ratio is None else eye_ratio
    lowered = np.zeros(len(eyes), np.bool_)
    return find_dips(ratio, eyes, times_s, noise, lowered, CLOSE_RATIO)


def detect(
    ratio: ArrayLike,
    times_s: ArrayLike,
    shortest_s: float = SHORTEST_S,
    noise: float = 0.0,
    eye_ratio: ArrayLike | None = None,
) -> Closures:
    dips = dips_of(ratio, times_s, noise, eye_ratio)
    return detect_closures(ratio, times_s, dips, noise, shortest_s)


def detect_in_ear(ear: Float64Array, times_s: Float64Array) -> Closures:
    level = compute_open_level(ear, times_s)
    noise = compute_lid_noise(ear, level, times_s)
    lowered = np.zeros(ear.size, np.bool_)
    dips = find_dips(ear / level, both(ear / level), times_s, noise, lowered, CLOSE_RATIO)
    return detect_closures(ear / level, times_s, dips, noise, SHORTEST_S)


def refused(dips: Dips) -> list[set[str]]:
    return [{name for name, bit in REFUSALS.items() if bits & bit} for bits in dips.refused]


def assert_closures(detected: Closures, expected: naive.Detected) -> None:
    assert_array_equal(detected.interval, np.array(expected.interval).reshape(-1, 2))
    for name in ("peak", "kind", "onset_seen", "offset_seen"):
        assert_array_equal(getattr(detected, name), getattr(expected, name), name)
    assert_array_equal(detected.least_ratio, expected.least_ratio)
    for name in ("onset_s", "offset_s", "closed_s"):
        assert_allclose(getattr(detected, name), getattr(expected, name), rtol=RTOL, atol=ATOL)


def assert_dips(dips: Dips, expected: list[naive.Dip]) -> None:
    assert_array_equal(dips.peak, [one.peak for one in expected])
    assert_array_equal(dips.span, np.array([one.span for one in expected]).reshape(-1, 2))
    assert refused(dips) == [one.refused for one in expected]
    for name in ("least_ratio", "noises", "width_s", "fall_s", "reopened", "eye_share"):
        values = [getattr(one, name) for one in expected]
        assert_allclose(getattr(dips, name), values, rtol=1e-9, atol=1e-9, err_msg=name)
    assert_array_equal(dips.onset_seen, [one.onset_seen for one in expected])


# Against the reference.


# The short form has one case in seven, which divides none of the numbers of values: each value, and
# each pair of values, is still among them.
@pytest.mark.parametrize(
    ("count", "fps", "close_ratio", "noise", "shortest_s", "missing", "gaps"),
    thin(
        [
            (*values, *lost)
            for *values, lost in itertools.product(
                (0, 1, 2, 3, 200),
                (15.0, 30.0, 120.0),
                (0.3, 0.75, 0.95),
                (0.0, 0.05),
                (0.0, SHORTEST_S, 0.31),
                ((0.0, 0.0), (0.15, 0.0), (0.05, 0.05), (1.0, 0.0)),
            )
        ],
        7,
    ),
)
def test_detection_is_the_reference(
    rng: np.random.Generator,
    count: int,
    fps: float,
    close_ratio: float,
    noise: float,
    shortest_s: float,
    missing: float,
    gaps: float,
) -> None:
    times_s = irregular_times_s(rng, count, fps, gaps)
    ratio = random_ratio(rng, times_s, missing)
    # Eyes that go their own ways for a while, ties, and lids that are lowered in the second half.
    eyes = both(ratio) + 0.2 * np.sin(np.arange(count) / 9)[:, np.newaxis] * [1, -1]
    ratio = np.round(ratio, 2)
    lowered = np.arange(count) > count / 2
    series = ratio.tolist(), eyes.tolist(), times_s.tolist()
    dips = find_dips(ratio, eyes, times_s, noise, lowered, close_ratio)
    expected = naive.find_dips(*series, noise, lowered.tolist(), close_ratio)
    assert_dips(dips, expected)
    assert_closures(
        detect_closures(ratio, times_s, dips, noise, shortest_s),
        naive.detect_closures(series[0], series[2], expected, noise, shortest_s),
    )


@pytest.mark.parametrize("seed", range(5))
def test_detection_over_the_level_is_the_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times_s = irregular_times_s(rng, 400, gaps=0.005)
    ear = random_ear(rng, times_s, missing=0.05)
    detected = detect_in_ear(ear, times_s)
    level = naive.open_level(ear.tolist(), times_s.tolist())
    noise = naive.lid_noise(ear.tolist(), level, times_s.tolist())
    ratio = [value / one for value, one in zip(ear.tolist(), level, strict=True)]
    dips = naive.find_dips(
        ratio, both(ratio).tolist(), times_s.tolist(), noise, [False] * 400, CLOSE_RATIO
    )
    expected = naive.detect_closures(ratio, times_s.tolist(), dips, noise, SHORTEST_S)
    assert len(expected.peak) > 3
    assert_array_equal(detected.interval, expected.interval)
    assert_array_equal(detected.kind, expected.kind)
    assert_allclose(detected.closed_s, expected.closed_s, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_flutters_are_the_reference(rng: np.random.Generator, fps: float) -> None:
    times_s = irregular_times_s(rng, 600, fps)
    # Fast trembling that comes and goes.
    ratio = 1 - rng.uniform(0, 0.6, 600) * (np.sin(times_s) > 0)
    dips = dips_of(ratio, times_s, 0.02)
    expected = naive.find_dips(
        ratio.tolist(), both(ratio).tolist(), times_s.tolist(), 0.02, [False] * 600, 0.75
    )
    assert_dips(dips, expected)
    found = detect(ratio, times_s, noise=0.02)
    assert FLUTTER in found.kind
    assert_closures(
        found,
        naive.detect_closures(ratio.tolist(), times_s.tolist(), expected, 0.02, SHORTEST_S),
    )


# Hand-worked.


def test_hand_worked_closure() -> None:
    times_s = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    ratio = [1.0, 1.0, 0.2, 0.2, 0.8, 1.0]
    (span,) = dips_of(ratio, times_s).span
    # Half of the depth of 0.8 is at 0.6: samples 2 and 3.
    assert_array_equal(span, [2, 4])
    # It is passed at 0.5 of the way from 1 to 2, and at 4/6 of the way from 3 to 4.
    assert_allclose(dips_of(ratio, times_s).width_s, [0.3 + 0.1 * 4 / 6 - 0.15], rtol=1e-12)
    # The whole depth in one step of 0.1 s, less that step.
    assert_allclose(dips_of(ratio, times_s).fall_s, [0], atol=1e-12)
    detected = detect(ratio, times_s)
    assert_array_equal(detected.peak, [2])
    assert_array_equal(detected.kind, [BLINK])
    assert_array_equal(detected.least_ratio, [0.2])
    # A tenth of the depth is at 0.92: below it are the samples 2 to 4.
    assert_array_equal(detected.interval, [[2, 5]])
    # The way down, 0.2 and 0.6 of it, is at 0.84 and 0.52: 0.02 and 0.06 s past sample 1. As a
    # raised cosine, the lids began before sample 1; but there they are at rest.
    assert_allclose(detected.onset_s, [0.1], rtol=1e-12)
    # Way up at 0.32 / 0.6 * 0.1 s past sample 3 and at 0.02 s past sample 4. Of a raised cosine
    # they are passed acos(0.6) and acos(-0.2) of pi before its end.
    u = math.acos(0.6) / (math.acos(-0.2) - math.acos(0.6))
    assert_allclose(detected.offset_s, [0.42 + u * (0.42 - (0.3 + 0.032 / 0.6))], rtol=1e-12)
    # 90 % of the amplitude 0.8 is reached at ratio 1 - 0.72 = 0.28. Closing from 1.0 to 0.2 in
    # 0.1 s it is 0.09 s past sample 1; opening from 0.2 to 0.8, 0.08 / 0.6 * 0.1 s past sample 3.
    assert_allclose(detected.closed_s, [(0.3 + 0.1 * 0.08 / 0.6) - 0.19], rtol=1e-12)
    assert_array_equal(detected.onset_seen, [True])
    assert_array_equal(detected.offset_seen, [True])


def test_hand_worked_slow_fall() -> None:
    # 0.5 in 0.25 s, of which the fastest is 0.2 in 0.05 s: the whole would take 0.125 s.
    times_s = np.arange(12) * 0.05
    ratio = [1.0, 1.0, 1.0, 0.95, 0.9, 0.7, 0.6, 0.5, 0.8, 1.0, 1.0, 1.0]
    assert_allclose(dips_of(ratio, times_s).fall_s, [0.5 / 4 - 0.05], rtol=1e-9)


def test_lids_that_hang_are_no_closure() -> None:
    times_s = at_fps(30, 1)
    hanging = np.ones(30)
    hanging[5:25] = 0.76
    assert detect(hanging, times_s).peak.size == 0
    assert refused(dips_of(hanging, times_s)) == [{"long"}]


@pytest.mark.parametrize(
    ("reopened", "count"),
    # The shallower dip leaves 0.5: half of its depth is at 0.75.
    [(0.74, 1), (0.76, 2), (1.0, 2)],
)
def test_a_reopening_by_half_of_the_shallower_dip_makes_two_blinks(
    reopened: float, count: int
) -> None:
    ratio = np.ones(60)
    ratio[20:24] = [0.6, 0.5, 0.5, 0.6]
    ratio[24:26] = reopened
    ratio[26:30] = [0.5, 0.2, 0.2, 0.6]
    detected = detect(ratio, at_fps(30, 2))
    assert_array_equal(detected.kind, [BLINK] * count)
    assert_array_equal(detected.peak, [21, 27][2 - count :])
    if count == 2:
        # One begins where the other ends, between the two, where the lids are highest.
        assert detected.interval[0, 1] <= detected.interval[1, 0]
        assert set(detected.interval[:, 0]) == {20, 26}


@pytest.mark.parametrize(("other_eye", "count"), [(0.85, 2), (0.56, 1)])
def test_two_blinks_need_both_eyes_to_reopen(other_eye: float, count: int) -> None:
    """Glare reopens one eye alone, while the lids of both stay down."""
    eyes = np.ones((60, 2))
    eyes[20:32] = 0.5
    eyes[25:27] = 1.05, other_eye
    ratio = eyes.mean(axis=1)
    times_s = at_fps(30, 2)
    assert_array_equal(detect(ratio, times_s, eye_ratio=eyes).kind, [BLINK] * count)
    names = {frozenset(one) for one in refused(dips_of(ratio, times_s, eye_ratio=eyes))}
    assert names == ({frozenset()} if count == 2 else {frozenset(), frozenset({"merged"})})


def test_the_opening_threshold_is_open() -> None:
    times_s = at_fps(30, 1)
    at_threshold = np.ones(30)
    at_threshold[10:13] = OPEN_RATIO
    assert dips_of(at_threshold, times_s).peak.size == 0
    at_threshold[10:13] = np.nextafter(OPEN_RATIO, 0)
    assert detect(at_threshold, times_s, 0).peak.size == 1


# Each rule, from both sides.


def one_dip(depth: float, seconds: float, fps: float = 100.0) -> Float64Array:
    """Lids that fall and rise within a sample and leave 1 - depth for some seconds."""
    ratio = np.ones(round(4 * fps))
    ratio[round(fps) : round(fps) + round(seconds * fps)] = 1 - depth
    return ratio


@pytest.mark.parametrize(
    ("depth", "noise", "found"),
    [
        (0.24, 0.029, True),
        (0.24, 0.031, False),
        # Shut to half, noise does not count.
        (0.5, 0.2, True),
        (0.49, 0.2, False),
    ],
)
def test_a_dip_stands_out_of_the_noise(depth: float, noise: float, found: bool) -> None:
    ratio, times_s = one_dip(depth, 0.1), at_fps(100, 4)
    assert detect(ratio, times_s, noise=noise).peak.size == found
    assert refused(dips_of(ratio, times_s, noise)) == [set() if found else {"noise"}]


@pytest.mark.parametrize("deeper", [0, 1])
@pytest.mark.parametrize(("other", "found"), [(0.31, True), (0.29, False)])
def test_both_eyes_take_part(deeper: int, other: float, found: bool) -> None:
    ratio, times_s = one_dip(0.5, 0.1), at_fps(100, 4)
    eyes = both(ratio)
    eyes[:, 1 - deeper] = 1 - 0.5 * other * (ratio < 1)
    assert detect(ratio, times_s, eye_ratio=eyes).peak.size == found
    assert refused(dips_of(ratio, times_s, eye_ratio=eyes)) == [set() if found else {"one_eye"}]


def test_of_an_eye_that_is_not_known_nothing_is_asked() -> None:
    ratio, times_s = one_dip(0.5, 0.1), at_fps(100, 4)
    eyes = both(ratio)
    eyes[:, 0] = np.nan
    assert detect(ratio, times_s, eye_ratio=eyes).peak.size == 1


@pytest.mark.parametrize(
    ("depth", "seconds", "found"),
    [
        # What a glance could be.
        (0.33, 0.29, True),
        (0.33, 0.32, False),
        # What a squint could be.
        (0.49, 0.29, True),
        (0.49, 0.32, False),
        # Shut.
        (0.51, 0.32, True),
        (0.51, 3.0, True),
    ],
)
def test_lids_that_are_not_shut_return_soon(depth: float, seconds: float, found: bool) -> None:
    ratio = one_dip(depth, seconds)
    assert detect(ratio, at_fps(100, 4)).peak.size == found
    assert refused(dips_of(ratio, at_fps(100, 4))) == [set() if found else {"long"}]


@pytest.mark.parametrize(("fall_s", "found"), [(0.1, True), (0.14, True), (0.2, False)])
@pytest.mark.parametrize("fps", [30.0, 60.0, 240.0])
def test_lids_fall_fast(fps: float, fall_s: float, found: bool) -> None:
    times_s = at_fps(fps, 4)
    corners_s = np.cumsum([1.5, fall_s, 0.05, 0.1])
    ratio = np.interp(times_s, corners_s, [1, 0.6, 0.6, 1])
    assert detect(ratio, times_s).peak.size == found
    assert refused(dips_of(ratio, times_s)) == [set() if found else {"slow"}]


@pytest.mark.parametrize(("depth", "seconds", "found"), [(0.6, 0.29, True), (0.6, 0.32, False)])
def test_lids_that_are_lowered_blink_shortly_and_out_of_the_noise(
    depth: float, seconds: float, found: bool
) -> None:
    ratio, times_s = one_dip(depth, seconds), at_fps(100, 4)
    lowered = np.ones(400, np.bool_)
    dips = find_dips(ratio, both(ratio), times_s, 0.02, lowered, CLOSE_RATIO)
    assert refused(dips) == [set() if found else {"long"}]
    dips = find_dips(ratio, both(ratio), times_s, 0.1, lowered, CLOSE_RATIO)
    assert refused(dips)[0] >= {"noise"}


def test_other_rules_decide_otherwise() -> None:
    ratio, times_s = one_dip(0.24, 0.1), at_fps(100, 4)
    lowered = np.zeros(400, np.bool_)
    for multiple, found in ((7.0, True), (8.0, False)):
        rules = replace(RULES, noise_multiple=multiple)
        dips = find_dips(ratio, both(ratio), times_s, 0.031, lowered, CLOSE_RATIO, rules)
        assert (dips.refused == 0).tolist() == [found]


# Flutter.


@pytest.mark.parametrize(
    ("dips", "apart_s", "kinds"),
    [
        (2, 0.1, [BLINK] * 2),
        (3, 0.1, [BLINK] * 3),
        (4, 0.1, [FLUTTER]),
        (12, 0.1, [FLUTTER]),
        (4, 0.25, [BLINK] * 4),
    ],
)
def test_lids_that_tremble_are_one_flutter(dips: int, apart_s: float, kinds: list[int]) -> None:
    times_s = at_fps(100, 6)
    ratio = np.ones(600)
    for n in range(dips):
        start = 100 + n * round(100 * (apart_s + 0.08))
        ratio[start : start + 8] = 0.3 - 0.01 * n
    detected = detect(ratio, times_s)
    assert_array_equal(detected.kind, kinds)
    if kinds == [FLUTTER]:
        assert detected.interval[0, 0] == 100
        assert detected.peak[0] == 100 + (dips - 1) * round(100 * (apart_s + 0.08))
        assert detected.least_ratio[0] == pytest.approx(0.3 - 0.01 * (dips - 1))


def test_noise_does_not_tremble() -> None:
    """Two blinks among dips that are too shallow for closures are two blinks."""
    ratio = np.ones(400)
    for start, level in ((100, 0.8), (112, 0.3), (124, 0.8), (136, 0.3), (148, 0.8)):
        ratio[start : start + 6] = level
    detected = detect(ratio, at_fps(100, 4), noise=0.03)
    assert_array_equal(detected.kind, [BLINK, BLINK])
    assert_array_equal(detected.peak, [112, 136])


@pytest.mark.parametrize(
    ("shut_s", "kind"), [(0.2, BLINK), (0.44, BLINK), (0.56, PROLONGED_CLOSURE)]
)
@pytest.mark.parametrize("fps", [30, 60, 120])
def test_half_a_second_shut_is_the_limit_of_a_blink(shut_s: float, kind: int, fps: float) -> None:
    times_s = at_fps(fps, 10)
    ratio = np.where((times_s >= 4) & (times_s < 4 + shut_s), 0.1, 1.0)
    detected = detect(ratio, times_s)
    assert_array_equal(detected.kind, [kind])
    # Between the last open and the first open sample.
    assert_allclose(detected.closed_s, [shut_s], rtol=0, atol=1 / fps)


@pytest.mark.parametrize("lowered_s", [0.6, 0.9])
@pytest.mark.parametrize("fps", [30, 60, 120])
def test_a_blink_among_lids_that_hang_is_as_long_as_itself(lowered_s: float, fps: float) -> None:
    times_s = at_fps(fps, 10)
    ratio = np.where((times_s >= 4) & (times_s < 4 + lowered_s), 0.7, 1.0)
    ratio[(times_s >= 4.3) & (times_s < 4.5)] = 0.1
    detected = detect(ratio, times_s)
    assert_array_equal(detected.kind, [BLINK])
    assert_allclose(detected.closed_s, [0.2], rtol=0, atol=1.5 / fps)


# Synthetic traces with known blinks.


@pytest.mark.parametrize("fps", [15.0, 24.0, 30.0, 60.0, 120.0, "irregular"])
@pytest.mark.parametrize("depth", [0.6, 0.9])
def test_known_blinks_are_found(rng: np.random.Generator, fps: float | str, depth: float) -> None:
    times_s = irregular_times_s(rng, 900) if isinstance(fps, str) else at_fps(fps, 30)
    # Out of step with the frames, 12 of them.
    onsets_s = 1.0003 + 2.117 * np.arange(12)
    detected = detect_in_ear(smooth_blinks(times_s, onsets_s, depth), times_s)
    assert_array_equal(detected.kind, [BLINK] * 12)
    assert detected.onset_seen.all()
    assert detected.offset_seen.all()
    step_s = np.diff(times_s).max()
    assert_allclose(detected.onset_s, onsets_s, rtol=0, atol=0.6 * step_s)
    assert_allclose(detected.offset_s, onsets_s + 0.3, rtol=0, atol=0.6 * step_s)
    # The samples are those between the two in which the lids have moved by a tenth of the way.
    assert (times_s[detected.interval[:, 0]] >= detected.onset_s).all()
    assert (times_s[detected.interval[:, 1] - 1] <= detected.offset_s).all()
    # The eye is shut from 80 to 140 ms after the onset.
    after_onset_s = times_s[detected.peak] - onsets_s
    assert ((after_onset_s > 0.08 - step_s) & (after_onset_s < 0.14 + step_s)).all()


@pytest.mark.parametrize(
    ("fps", "tolerance_s"), [(15.0, 0.03), (24.0, 0.015), (30.0, 0.01), (60.0, 0.005), (120, 0.003)]
)
def test_durations_are_right_on_average(fps: float, tolerance_s: float) -> None:
    """The lids move for 300 ms, however the frames fall."""
    times_s = at_fps(fps, 130)
    onsets_s = 1.0 + 2.0937 * np.arange(60)
    detected = detect_in_ear(smooth_blinks(times_s, onsets_s), times_s)
    durations_s = detected.offset_s - detected.onset_s
    assert durations_s.size == 60
    assert_allclose(np.median(durations_s), 0.3, rtol=0, atol=tolerance_s)
    assert_allclose(durations_s.mean(), 0.3, rtol=0, atol=tolerance_s)


@pytest.mark.parametrize("depth", [0.2, 0.24, 0.3, 0.5])
@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
def test_shallow_blinks_of_a_calm_person_are_found(
    rng: np.random.Generator, fps: float, depth: float
) -> None:
    times_s = at_fps(fps, 40)
    onsets_s = 1.0 + 2.117 * np.arange(17)
    ear = OPEN_EAR * (1 + rng.normal(0, 0.008, times_s.size))
    for onset_s in onsets_s:
        corners_s = onset_s + np.array([0.0, 0.07, 0.09, 0.2])
        ear *= 1 - depth * np.interp(times_s, corners_s, [0, 1, 1, 0], left=0, right=0)
    detected = detect_in_ear(ear, times_s)
    near = np.abs(times_s[detected.peak][:, np.newaxis] - onsets_s - 0.08).min(axis=1)
    assert (near < 0.06).all()
    assert len(near) >= (15 if depth < 0.24 else 17)


@pytest.mark.parametrize("fps", [240.0, 1000.0])
def test_closed_time_is_that_of_the_waveform(fps: float) -> None:
    times_s = at_fps(fps, 3)
    detected = detect_in_ear(blinking_ear(times_s, [1.0, 2.5]), times_s)
    # 90 % closed 72 ms after the onset, 90 % still closed 16 ms after the opening begins at 140 ms.
    assert_allclose(detected.closed_s, 0.156 - 0.072, rtol=0, atol=0.3 / fps)
    assert_allclose(detected.least_ratio, 0.1, rtol=1e-9)


def test_later_times_change_nothing(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 900)
    ratio = random_ratio(rng, times_s, missing=0.05)
    now, later = detect(ratio, times_s), detect(ratio, times_s + 3600)
    assert now.peak.size > 5
    for field in fields(Closures):
        one, other = getattr(now, field.name), getattr(later, field.name)
        if field.name in ("onset_s", "offset_s"):
            other = other - 3600
        # float64 resolves 5e-13 s at one hour.
        assert_allclose(one, other, rtol=0, atol=1e-11, err_msg=field.name)


# What a clinician relies on.


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_lids_lowered_with_the_gaze_are_open(fps: float) -> None:
    times_s = at_fps(fps, 25)
    ear = np.where((times_s >= 10) & (times_s < 15), 0.55 * OPEN_EAR, OPEN_EAR)
    assert detect_in_ear(ear, times_s).peak.size == 0


@pytest.mark.parametrize("fps", [15, 30, 60])
@pytest.mark.parametrize("onset_s", [10.9, 12.5, 14.2])
def test_a_blink_with_the_lids_lowered_is_found(fps: float, onset_s: float) -> None:
    times_s = at_fps(fps, 25)
    ear = blinking_ear(times_s, onset_s)
    ear[(times_s >= 10) & (times_s < 15)] *= 0.55
    detected = detect_in_ear(ear, times_s)
    assert_array_equal(detected.kind, [BLINK])
    assert 0 < times_s[detected.peak[0]] - onset_s < 0.3


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_blinks_on_either_side_of_lowered_lids_are_found(fps: float) -> None:
    times_s = at_fps(fps, 25)
    ear = blinking_ear(times_s, [9.2, 15.4])
    ear[(times_s >= 10) & (times_s < 15)] *= 0.55
    assert_array_equal(detect_in_ear(ear, times_s).kind, [BLINK, BLINK])


@pytest.mark.parametrize("fps", [15, 30, 60])
@pytest.mark.parametrize("shut_s", [0.6, 0.8])
def test_eyes_shut_for_long_are_one_prolonged_closure(fps: float, shut_s: float) -> None:
    """Longer closures are told from lids that look down by more than the opening."""
    times_s = at_fps(fps, 40)
    ear = np.where((times_s >= 10) & (times_s < 10 + shut_s), 0.04, OPEN_EAR)
    detected = detect_in_ear(ear, times_s)
    assert_array_equal(detected.kind, [PROLONGED_CLOSURE])
    assert_allclose(detected.closed_s, [shut_s], rtol=0, atol=1 / fps)
    assert_allclose(times_s[detected.interval[0]], [10, 10 + shut_s], rtol=0, atol=1 / fps)


@pytest.mark.parametrize("hold_s", [0.4, 0.6, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("deg", [10, 20, 30, 40])
@pytest.mark.parametrize(
    "fps", [15.0, pytest.param(30.0, marks=REPEATS), pytest.param(60.0, marks=REPEATS)]
)
def test_glances_down_with_the_lids_are_no_blinks(
    rng: np.random.Generator, fps: float, deg: float, hold_s: float
) -> None:
    """Lids that follow leave 0.66 at 40 degrees; saccades of that size take about 0.1 s."""
    times_s = at_fps(fps, 60)
    corners_s = np.cumsum(np.tile([hold_s, 0.1], 200))
    down = np.interp(times_s, corners_s, np.tile([0, 1, 1, 0], 100))
    ear = OPEN_EAR * (1 - 0.34 * deg / 40 * down + rng.normal(0, 0.01, times_s.size))
    assert detect_in_ear(ear, times_s).peak.size == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_restless_open_eye_does_not_blink(seed: int) -> None:
    """Lids that wander by a tenth within seconds, with jitter on top."""
    rng = np.random.default_rng(seed)
    times_s = at_fps(30, 120)
    steps = rng.normal(0, 1, times_s.size)
    wander = np.convolve(steps, np.ones(15) / 15, mode="same") * 0.25
    ear = OPEN_EAR * (1 + wander + rng.normal(0, 0.02, times_s.size))
    assert detect_in_ear(ear, times_s).peak.size == 0


@pytest.mark.parametrize(
    ("fps", "frames", "ratio", "found"),
    [
        # From the last open sample to the first open one: frames plus one. The limit is 50 ms.
        (30, 1, 0.6, True),
        (30, 2, 0.6, True),
        (24, 1, 0.6, True),
        (30, 1, 0.2, True),
        # The same number of frames at another rate is another duration.
        (60, 1, 0.6, False),
        (60, 2, 0.6, True),
        (60, 4, 0.6, True),
        (15, 1, 0.6, True),
        (120, 4, 0.6, False),
        (120, 5, 0.6, True),
        # However deep: a lid that is shut for one of 240 frames a second is none.
        (240, 1, 0.49, False),
    ],
)
@pytest.mark.parametrize("start", [40, 41, 77])
def test_dips_are_judged_in_seconds(
    fps: float, frames: int, ratio: float, found: bool, start: int
) -> None:
    times_s = at_fps(fps, 8)
    trace = np.ones(times_s.size)
    trace[start : start + frames] = ratio
    assert_array_equal(detect(trace, times_s).kind, [BLINK] if found else [])


@pytest.mark.parametrize(("fps", "frames"), [(60, 2), (40, 1), (100, 4), (120, 5)])
def test_a_dip_as_long_as_the_limit_is_judged_alike_everywhere(fps: float, frames: int) -> None:
    # The limit is 50 ms, which these dips last: rounding of the times must not decide.
    times_s = at_fps(fps, 5)
    counts = set()
    for start in range(10, times_s.size - 10, 23 if FEW else 1):
        trace = np.ones(times_s.size)
        trace[start : start + frames] = 0.6
        counts.add(detect(trace, times_s).peak.size)
    assert len(counts) == 1


# Gaps and edges.


@pytest.mark.parametrize("missing_frames", [1, 2, 20])
def test_a_lost_face_never_joins_two_closures(missing_frames: int) -> None:
    times_s = at_fps(30, 4)
    ratio = np.ones(120)
    ratio[50 : 56 + missing_frames] = 0.2
    ratio[53 : 53 + missing_frames] = np.nan
    detected = detect(ratio, times_s)
    again = 53 + missing_frames
    assert_array_equal(detected.interval, [[50, 53], [again, again + 3]])
    assert_array_equal(detected.onset_seen, [True, False])
    assert_array_equal(detected.offset_seen, [False, True])
    # Nothing is interpolated into the gap: closed from 8/9 of the way between samples 49 and 50,
    # where 1.0 falls to 0.28 on its way to 0.2, to the last sample with a face.
    assert_allclose(detected.closed_s, [(2 + 0.1) / 30] * 2, rtol=1e-9)


@pytest.mark.parametrize(
    ("gap_s", "joined"), [(0.4, True), (0.49, True), (0.51, False), (5, False)]
)
def test_a_time_gap_of_over_half_a_second_ends_a_closure(gap_s: float, joined: bool) -> None:
    times_s = at_fps(30, 4)
    times_s[60:] += gap_s - 1 / 30
    ratio = np.ones(120)
    ratio[57:63] = 0.2
    detected = detect(ratio, times_s)
    assert_array_equal(detected.interval, [[57, 63]] if joined else [[57, 60], [60, 63]])
    assert_array_equal(detected.onset_seen, [True] if joined else [True, False])
    assert_array_equal(detected.offset_seen, [True] if joined else [False, True])
    if not joined:
        assert_allclose(detected.closed_s, [(2 + 0.1) / 30] * 2, rtol=1e-9)


def test_a_time_gap_beside_a_closure_is_not_its_duration() -> None:
    # Shut at the last sample before the gap, open at the first one after it.
    times_s = at_fps(30, 4)
    times_s[60:] += 3
    ratio = np.ones(120)
    ratio[57:60] = 0.2
    detected = detect(ratio, times_s)
    assert_array_equal(detected.interval, [[57, 60]])
    assert_array_equal(detected.kind, [BLINK])
    assert_array_equal(detected.offset_seen, [False])
    assert_allclose(detected.closed_s, [(2 + 0.1) / 30], rtol=1e-9)


@pytest.mark.parametrize("frames", [2, 8, 30])
def test_a_closure_at_either_edge_is_found_and_marked(frames: int) -> None:
    times_s = at_fps(30, 4)
    ratio = np.ones(120)
    ratio[:frames] = 0.2
    ratio[-frames:] = 0.2
    detected = detect(ratio, times_s)
    assert_array_equal(detected.interval, [[0, frames], [120 - frames, 120]])
    assert_array_equal(detected.onset_seen, [False, True])
    assert_array_equal(detected.offset_seen, [True, False])
    assert_allclose(detected.closed_s, [(frames - 1 + 0.1) / 30] * 2, rtol=1e-9)


def test_eyes_shut_throughout_are_one_closure_without_ends() -> None:
    detected = detect(np.full(120, 0.2), at_fps(30, 4))
    assert_array_equal(detected.interval, [[0, 120]])
    assert_array_equal(detected.kind, [PROLONGED_CLOSURE])
    assert_allclose(detected.closed_s, [119 / 30], rtol=1e-12)
    assert not detected.onset_seen.any()
    assert not detected.offset_seen.any()


SPARSE_SCRIPT = """
import numpy as np
from kernels import detect_closures, find_dips
for count in (3, 4, 40, 3000):
    ratio, times_s = np.full(count, 0.3), 0.6 * np.arange(count)
    eyes, lowered = np.full((count, 2), 0.3), np.zeros(count, bool)
    dips = find_dips(ratio, eyes, times_s, 0.0, lowered, 0.75)
    detected = detect_closures(ratio, times_s, dips, 0.0, 0.05)
    assert detected.interval.tolist() == [[n, n + 1] for n in range(count)], detected.interval
print("right")
"""


def test_samples_that_are_all_gaps_apart_are_a_closure_each() -> None:
    # More closures than half of the samples. In a process of its own: a kernel that writes
    # past the end of its output takes the interpreter with it.
    done = subprocess.run(
        [sys.executable, "-c", SPARSE_SCRIPT],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "right\n", done.stderr


def closing(level: float, reopens_to: float) -> Float64Array:
    """Lids that fall to a level in two frames and have begun to rise when the recording ends."""
    return np.concatenate((np.ones(84), [(1 + level) / 2, level, level, level, reopens_to]))


@pytest.mark.parametrize(
    ("level", "reopens_to", "found"),
    [
        (0.6, 0.72, False),  # by less than a lid must fall to be looked at
        (0.6, 0.74, True),  # begun to reopen, by 0.14
        (0.6, 0.79, True),  # by nearly half of the depth
        (0.45, 0.45, True),  # shut, and not seen to reopen
        (0.55, 0.55, False),
    ],
)
def test_a_blink_that_the_end_cuts_counts_when_the_lids_reopen(
    level: float, reopens_to: float, found: bool
) -> None:
    ratio = closing(level, reopens_to)
    detected = detect(ratio, np.arange(ratio.size) / 30)
    assert detected.peak.size == found
    if found:
        assert_array_equal(detected.onset_seen, [True])
        assert_array_equal(detected.offset_seen, [False])


# Awkward input.


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_nothing_is_found_without_a_face(count: int) -> None:
    detected = detect(np.full(count, np.nan), at_fps(30, count / 30))
    assert detected.interval.shape == (0, 2)
    for field in fields(Closures):
        assert len(getattr(detected, field.name)) == 0, field.name


@pytest.mark.parametrize("level", [0.88, 1.0, 1.4])
def test_a_constant_open_eye_does_not_blink(level: float) -> None:
    assert detect(np.full(120, level), at_fps(30, 4)).peak.size == 0


def test_the_columns_have_the_documented_types(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 200)
    detected = detect(random_ratio(rng, times_s), times_s)
    types = {field.name: getattr(detected, field.name).dtype.name for field in fields(Closures)}
    assert types == {
        "interval": "int64",
        "peak": "int64",
        "kind": "int8",
        "least_ratio": "float64",
        "onset_s": "float64",
        "offset_s": "float64",
        "closed_s": "float64",
        "onset_seen": "bool",
        "offset_seen": "bool",
    }


def test_any_memory_layout_and_type_gives_the_same(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 200)
    ratio = random_ratio(rng, times_s, missing=0.05).astype(np.float32).astype(np.float64)
    read_only = ratio.copy(), times_s.copy()
    for series in read_only:
        series.setflags(write=False)
    variants = {
        "read-only": read_only,
        "every other": (np.repeat(ratio, 2)[::2], np.repeat(times_s, 2)[::2]),
        "backwards": (ratio[::-1].copy()[::-1], times_s[::-1].copy()[::-1]),
        "float32": (ratio.astype(np.float32), times_s),
        "list": (ratio.tolist(), times_s.tolist()),
    }
    expected = detect(ratio, times_s)
    assert expected.peak.size > 3
    for values, times in variants.values():
        computed = detect(values, times)
        for field in fields(Closures):
            assert_array_equal(getattr(computed, field.name), getattr(expected, field.name))


def test_the_input_is_not_changed(rng: np.random.Generator) -> None:
    times_s = irregular_times_s(rng, 200)
    ratio = random_ratio(rng, times_s, missing=0.05)
    eyes, lowered = both(ratio), np.zeros(200, np.bool_)
    arrays = (ratio, eyes, times_s, lowered)
    before = [array.copy() for array in arrays]
    dips = find_dips(ratio, eyes, times_s, 0.01, lowered, CLOSE_RATIO)
    detect_closures(ratio, times_s, dips, 0.01, SHORTEST_S)
    for array, one in zip(arrays, before, strict=True):
        assert_array_equal(array, one)


@pytest.mark.parametrize(
    ("values_shape", "times_shape"), [((3,), (4,)), ((3, 2), (3,)), ((3, 1), (3, 1)), ((), ())]
)
def test_a_wrong_shape_is_refused(
    values_shape: tuple[int, ...], times_shape: tuple[int, ...]
) -> None:
    values, times_s = np.zeros(values_shape), np.zeros(times_shape)
    eyes, lowered = np.ones((3, 2)), np.zeros(3, np.bool_)
    with pytest.raises(ValueError, match="expected one") as caught:
        find_dips(values, eyes, times_s, 0.0, lowered, CLOSE_RATIO)
    assert str(values_shape) in str(caught.value)


@pytest.mark.parametrize("wrong", ["eye_ratio", "lowered"])
def test_series_of_other_lengths_are_refused(wrong: str) -> None:
    series = {"eye_ratio": np.ones((3, 2)), "lowered": np.zeros(3, np.bool_)}
    series[wrong] = series[wrong][:2]
    with pytest.raises(ValueError, match="expected one value for each sample"):
        find_dips(
            np.ones(3),
            series["eye_ratio"],
            np.arange(3.0),
            0.0,
            series["lowered"],
            CLOSE_RATIO,
        )


@pytest.mark.parametrize("times_s", [[0, 1, 1], [0, 2, 1], [0, np.nan, 1], [0, 1, np.inf]])
def test_times_that_do_not_increase_are_refused(times_s: list[float]) -> None:
    with pytest.raises(ValueError, match="times_s is not strictly increasing"):
        dips_of([1.0, 1.0, 1.0], times_s)
    dips = dips_of([1.0, 1.0, 1.0], [0, 1, 2])
    with pytest.raises(ValueError, match="times_s is not strictly increasing"):
        detect_closures([1.0, 1.0, 1.0], times_s, dips, 0.0, 0.05)


@pytest.mark.parametrize("close_ratio", [0.0, 1.0, -0.2, 1.5, np.nan])
def test_a_close_ratio_that_is_no_share_is_refused(close_ratio: float) -> None:
    with pytest.raises(ValueError, match=f"close_ratio is {close_ratio}"):
        find_dips([1.0], [[1.0, 1.0]], [0.0], [0.0], [False], close_ratio)


@pytest.mark.parametrize("edge", ["begins", "ends", "face lost after"])
@pytest.mark.parametrize(("level", "count"), [(0.49, 1), (0.51, 0)])
def test_a_dip_that_is_cut_off_counts_only_if_it_is_deep(
    edge: str, level: float, count: int
) -> None:
    ratio = np.ones(90)
    ratio[
        {"begins": slice(0, 6), "ends": slice(84, 90), "face lost after": slice(40, 46)}[edge]
    ] = level
    if edge == "face lost after":
        ratio[46:60] = np.nan
    assert len(detect(ratio, np.arange(90) / 30).kind) == count


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_eye_amplitude_is_the_reference(rng: np.random.Generator, missing: float) -> None:
    eye_ratio = rng.uniform(0, 1.1, (200, 2))
    eye_ratio[rng.random((200, 2)) < missing] = np.nan
    intervals = np.sort(rng.choice(201, 20, replace=False)).reshape(-1, 2)
    expected = naive.eye_amplitude(eye_ratio.tolist(), intervals.tolist())
    assert_array_equal(compute_eye_amplitude(eye_ratio, intervals), expected)


def test_a_hand_worked_eye_amplitude() -> None:
    eye_ratio = [[1.0, 1.0], [0.5, 0.25], [0.25, np.nan], [1.0, 1.0]]
    found = compute_eye_amplitude(eye_ratio, [[0, 2], [1, 4], [3, 4]])
    assert_array_equal(found, [[0.5, 0.75], [0.75, np.nan], [0, 0]])
    assert compute_eye_amplitude(eye_ratio, []).shape == (0, 2)
    with pytest.raises(ValueError, match="expected \\(N, 2\\)"):
        compute_eye_amplitude([1.0], [])
    with pytest.raises(ValueError, match="expected 0 to 4"):
        compute_eye_amplitude(eye_ratio, [[3, 5]])
    with pytest.raises(ValueError, match="empty or reversed"):
        compute_eye_amplitude(eye_ratio, [[2, 2]])


@pytest.mark.parametrize("fps", [20.0, 30.0, 60.0])
@pytest.mark.parametrize(("beyond", "kind"), [(0, BLINK), (1, PROLONGED_CLOSURE)])
def test_half_a_second_is_told_to_half_a_frame(fps: float, beyond: int, kind: int) -> None:
    """A closure that is shut from sample to sample reads 0.2 intervals longer than they are apart:
    its sides are crossed at a tenth of an interval on either side."""
    times_s = at_fps(fps, 4)
    ratio = np.ones(times_s.size)
    ratio[20 : 21 + round(0.5 * fps) + beyond] = 0.1
    found = detect(ratio, times_s)
    assert found.closed_s[0] == pytest.approx(0.5 + (beyond + 0.2) / fps)
    assert found.kind.tolist() == [kind]
