"""Lids that follow the gaze, told apart from closures; on landmarks drawn as anatomy has them."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from kernels import BLINK, PROLONGED_CLOSURE
from tests.made_tracks import RADIUS_PER_EYE_WIDTH, make_landmarks, make_looking, make_track
from tracker.measures.analysis import Analysis, analyze_track
from tracker.parameters import Parameters

SHAPE = (0.93, 0.5, 0.15, 0.1, 0.16, 0.4, 0.7, 0.9)
"""Lid opening of a blink in frames of a thirtieth of a second."""


def look(
    deg: np.ndarray, fps: float, lid_share: float = 1.0, closed: np.ndarray | float = 0.0
) -> Analysis:
    landmarks = make_looking(deg, lid_share, closed)
    return analyze_track(make_track(landmarks, fps), Parameters())


def hold(
    degrees: Sequence[float], holds_s: Sequence[float], fps: float, seconds: float
) -> np.ndarray:
    """Degrees in turn, each held in turn, after two seconds ahead; saccades take 80 ms."""
    corners_s, values, at_s, n = [0.0, 2.0], [0.0, 0.0], 2.0, 0
    while at_s < seconds:
        value, held_s = degrees[n % len(degrees)], holds_s[n % len(holds_s)]
        corners_s += [at_s + 0.08, at_s + 0.08 + held_s]
        values += [value, value]
        at_s, n = at_s + 0.08 + held_s, n + 1
    return np.interp(np.arange(round(seconds * fps)) / fps, corners_s, values)


def blinking(count: int, fps: float, starts_s: Sequence[float]) -> np.ndarray:
    """How far the lids are closed by blinks, shape (count,)."""
    closed = np.zeros(count)
    times_s = np.arange(count) / fps
    for start_s in starts_s:
        since = (times_s - start_s) * 30
        closed += np.interp(since, np.arange(-1, 9), [0, *(1 - np.array(SHAPE)), 0], 0, 0)
    return closed


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
@pytest.mark.parametrize("hold_s", [0.4, 0.5, 0.7, 1.0, 1.5, 2.5, 5.0, 10.0])
def test_two_minutes_of_glances_have_no_blink(fps: float, hold_s: float) -> None:
    deg = hold([40, -10, 20, 0, 40, 15, 30, -20], [hold_s], fps, 120)
    analysis = look(deg, fps)
    assert analysis.events.closures.kind.tolist() == []
    assert analysis.measures.perclos == 0
    drawn = RADIUS_PER_EYE_WIDTH * np.sin(np.radians(deg))
    assert analysis.measures.down_range == pytest.approx(np.quantile(drawn, 0.95), rel=0.1)
    assert not analysis.measures.down_range_is_lower_bound


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
def test_blinks_among_glances_of_all_lengths_are_found(fps: float) -> None:
    holds_s = [0.4, 3.0, 1.0, 10.0, 0.6, 6.0, 0.5, 2.0]
    deg = hold([40, -10, 20, 0, 35, 15, 30, -20], holds_s, fps, 120)
    moving = np.abs(np.diff(deg, prepend=0)) > 0
    # Once in every hold of over a second, in the middle of it, but for the beginning.
    edges = np.flatnonzero(np.diff(moving.astype(int)))
    middles = [(a + b) / 2 / fps for a, b in zip(edges[1::2], edges[2::2], strict=False)]
    lengths_s = np.diff(edges)[1::2][: len(middles)] / fps
    starts_s = [middle for middle, length in zip(middles, lengths_s, strict=True) if length > 1.5]
    assert len(starts_s) > 15
    analysis = look(deg, fps, closed=blinking(deg.size, fps, starts_s))
    closures = analysis.events.closures
    assert closures.kind.tolist() == [BLINK] * len(starts_s)
    # They are shut 0.1 s after their start.
    peaks_s = analysis.track.times_s[closures.peak]
    assert peaks_s == pytest.approx(np.array(starts_s) + 0.1, abs=0.5 / fps + 0.034)


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_what_the_lids_hide_makes_the_range_a_lower_bound(fps: float) -> None:
    """Lids that go down further than the eyes cover them at 40 degrees, but not at 20."""
    deg = hold([20, 0, 40, 0], [3.0], fps, 60)
    analysis = look(deg, fps, lid_share=1.9)
    assert analysis.events.closures.kind.tolist() == []
    assert analysis.measures.down_range_is_lower_bound
    hidden = analysis.events.iris_hidden
    assert not hidden[deg < 22].any()
    assert hidden[np.minimum.reduce([deg, np.roll(deg, 6), np.roll(deg, -6)]) == 40].mean() > 0.9
    drawn = RADIUS_PER_EYE_WIDTH * np.sin(np.radians(40))
    seen = RADIUS_PER_EYE_WIDTH * np.sin(np.radians(20))
    assert seen - 0.005 < analysis.measures.down_range < drawn
    # The upper lid is seen all the time: it goes 1.9 times as far.
    assert analysis.measures.upper_lid_range == pytest.approx(1.9 * drawn, rel=0.05)


@pytest.mark.parametrize(("share", "is_bound"), [(0.005, False), (0.02, True)])
def test_a_range_is_a_bound_if_enough_is_hidden_to_move_it(share: float, is_bound: bool) -> None:
    """Two seconds of hidden eyes in recordings of different lengths."""
    deg = np.zeros(round(60 / share))
    deg[300:360] = 40
    analysis = look(deg, 30, lid_share=1.9)
    assert 40 < analysis.events.iris_hidden.sum() <= 60
    assert analysis.measures.down_range_is_lower_bound == is_bound


def test_the_upper_lid_goes_with_the_eye() -> None:
    deg = hold([30, -15], [2.0], 30, 40)
    analysis = look(deg, 30)
    drawn = RADIUS_PER_EYE_WIDTH * (np.sin(np.radians(30)) + np.sin(np.radians(15)))
    assert analysis.measures.upper_lid_range == pytest.approx(drawn, rel=0.03)
    assert analysis.measures.vertical_peak_to_peak == pytest.approx(drawn, rel=0.03)


def test_blinks_do_not_move_the_upper_lid_s_range() -> None:
    starts_s = np.arange(2, 58, 3.0)
    analysis = look(np.zeros(1800), 30, closed=blinking(1800, 30, starts_s))
    assert analysis.measures.blink_count == len(starts_s)
    assert analysis.measures.upper_lid_range < 0.01


@pytest.mark.parametrize("shut_s", [0.7, 0.9, 1.0, 1.1, 1.3, 2.0, 5.0])
@pytest.mark.parametrize("fps", [15.0, 30.0])
def test_eyes_held_shut_are_closed_however_long(fps: float, shut_s: float) -> None:
    """A second is the length of the window that the level is taken from."""
    count = round(40 * fps)
    times_s = np.arange(count) / fps
    closed = blinking(count, fps, [5.0, 10.0, 30.0])
    edges_s = np.cumsum([20.0, 0.1, shut_s, 0.2])
    closed += np.interp(times_s, edges_s, [0, 0.88, 0.88, 0])
    analysis = look(np.zeros(count), fps, closed=closed)
    kinds = analysis.events.closures.kind
    assert_array_equal(kinds, [BLINK, BLINK, PROLONGED_CLOSURE, BLINK])
    assert analysis.events.closures.closed_s[2] == pytest.approx(shut_s, abs=0.06)
    assert len(analysis.events.lowered) == 0
    assert analysis.measures.perclos > shut_s / 40


def test_a_wink_is_no_lowered_lid() -> None:
    """One eye alone lowers the mean of both, and the level if it stays shut."""
    ear = np.full((900, 2), 0.3)
    gaze = np.zeros(900)
    ear[200:206] = 0.03
    ear[300:360, 0] = 0.03
    # FaceMesh moves the iris down with the lids.
    gaze[300:360] = 0.1
    analysis = analyze_track(make_track(make_landmarks(ear, gaze)), Parameters())
    assert analysis.events.winks.tolist() == [[300, 360]]
    assert analysis.events.lowered.tolist() == []


def test_uneven_lids_that_are_lowered_far_are_no_wink() -> None:
    """Neither eye is open: over the level of lowered lids, small differences look large."""
    ear = np.full((900, 2), 0.3)
    gaze = np.zeros(900)
    ear[200:206] = 0.03
    ear[300:420] = 0.09
    ear[350:366] = (0.03, 0.12)
    gaze[300:420] = 0.1
    analysis = analyze_track(make_track(make_landmarks(ear, gaze)), Parameters())
    assert analysis.events.winks.tolist() == []
    ((first, stop),) = analysis.events.lowered.tolist()
    # The level is that of a second around.
    assert abs(first - 300) <= 5
    assert abs(stop - 420) <= 5


def test_a_slit_that_blinks_is_not_shut() -> None:
    """Eyes that look down through a slit as narrow as the person's blinks: they blink in it."""
    ear = np.full(1800, 0.3)
    for start in (100, 200, 1700):
        ear[start : start + 5] = 0.05
    # Twice down to read, and once shut.
    ear[300:600] = 0.055
    ear[700:900] = 0.055
    ear[1100:1300] = 0.04
    for start in (400, 480):
        ear[start : start + 4] = 0.02
    analysis = analyze_track(make_track(make_landmarks(ear, 0)), Parameters())
    closures = analysis.events.closures
    expected = [BLINK, BLINK, BLINK, BLINK, PROLONGED_CLOSURE, BLINK]
    assert closures.kind.tolist() == expected
    assert closures.interval[4].tolist() == [1100, 1300]
    lowered = analysis.events.lowered
    assert lowered.ravel().tolist() == pytest.approx([300, 600, 700, 900], abs=4)


@pytest.mark.parametrize("held", [30, 45, 150])
def test_eyes_held_shut_are_measured_from_the_open_eye_of_that_time(held: int) -> None:
    """The lids are at 0.26 while the eyes look down, not at the usual 0.3, and shut to 0.06."""
    ear, gaze = np.full(900, 0.3), np.zeros(900)
    ear[400:], gaze[400:] = 0.26, 0.06
    for start in (100, 200, 300):
        ear[start : start + 6] = 0.06
    ear[600 : 600 + held] = 0.06
    events = analyze_track(make_track(make_landmarks(ear, gaze)), Parameters()).events
    assert_array_equal(events.closures.kind, [BLINK] * 3 + [PROLONGED_CLOSURE])
    assert_array_equal(events.closures.interval[3], [600, 600 + held])
    assert events.closures.least_ratio[3] == pytest.approx(0.06 / 0.26, abs=1e-3)
    assert events.baseline[590 : 610 + held] == pytest.approx(0.26, abs=1e-3)
    assert events.closures.onset_s[3] == pytest.approx(599 / 30, abs=1e-3)
    assert events.closures.offset_s[3] == pytest.approx((600 + held) / 30, abs=1e-3)


def test_eyes_that_look_down_are_higher_when_shut() -> None:
    """The lids of the eye that looks down meet where the EAR of shut lids reads a little higher."""
    ear = np.full(1500, 0.32)
    ear[700:1100] = 0.26
    for start in (100, 250, 400, 550, 1200, 1400):
        ear[start : start + 5] = 0.036
    for start in (750, 1050):
        ear[start : start + 5] = 0.049
    ear[900:945] = 0.0495  # shut; over a typical opening of 0.32, 0.0422 above the usual blinks
    analysis = analyze_track(make_track(make_landmarks(ear, 0)), Parameters())
    closures = analysis.events.closures
    assert closures.kind.tolist() == [BLINK] * 5 + [PROLONGED_CLOSURE] + [BLINK] * 3
    assert closures.interval[5].tolist() == pytest.approx([900, 945], abs=4)
    assert analysis.events.lowered.tolist() == []
