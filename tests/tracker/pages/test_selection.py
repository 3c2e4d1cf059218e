"""The frames and samples that are shown as evidence are those that the numbers come from."""

import numpy as np
import pytest

from tests.made_tracks import blink, make_landmarks
from tests.tracker.pages.made_reports import analyzed, long_analysis, looking, rendered
from tracker.pages.selection import (
    EXTREME_APART_S,
    choose_samples,
    count_distributions,
    find_events,
    find_extremes,
)
from tracker.parameters import Parameters
from tracker.protocol import parse_protocol


def test_roles_of_a_short_event_are_told_once() -> None:
    landmarks = looking(12.0, ())
    ear = np.full(len(landmarks), 0.3)
    blink(ear, 60, 2)
    events = find_events(analyzed(make_landmarks(ear, 0.0)))
    assert [(sample, roles) for sample, roles in events[0].frames()] == [
        (60, ["onset", "peak"]),
        (61, ["opening"]),
        (62, ["offset"]),
    ]


def test_an_end_of_a_wink_is_seen_only_where_the_face_is() -> None:
    """Winks: at the beginning, after a lost face, before one, in sight, at the end; and blinks."""
    ear = np.full((900, 2), 0.3)
    for eye, start, stop in (
        (0, 0, 30),
        (1, 200, 230),
        (0, 400, 430),
        (0, 500, 530),
        (1, 870, 900),
    ):
        ear[start:stop, eye] = 0.05
    for start in (80, 300, 600):
        blink(ear, start, 6)
    landmarks = make_landmarks(ear, np.zeros((900, 2)))
    landmarks[195:200] = landmarks[430:436] = np.nan
    events = find_events(analyzed(landmarks))
    winks = [one for one in events if one.kind.startswith("wink")]
    assert [
        (one.kind, one.onset, one.offset, one.onset_seen, one.offset_seen) for one in winks
    ] == [
        ("wink_left", 0, 30, False, True),
        ("wink_right", 200, 230, False, True),
        ("wink_left", 400, 429, True, False),
        ("wink_left", 500, 530, True, True),
        ("wink_right", 870, 899, True, False),
    ]
    assert len(events) == 8


def test_extremes_are_frames_at_the_ends_of_the_range() -> None:
    analysis = analyzed()
    extremes = find_extremes(analysis, None)
    vertical, times_s = analysis.gaze.vertical, analysis.track.times_s
    low, high = np.percentile(vertical[analysis.gaze.valid], [5, 95])
    assert extremes["up"].offset == pytest.approx(low)
    assert extremes["down"].offset == pytest.approx(high)
    assert extremes["down"].offset - extremes["up"].offset == pytest.approx(
        analysis.measures.vertical_peak_to_peak
    )
    for extreme in extremes.values():
        assert len(extreme.samples) >= 1
        assert analysis.gaze.valid[extreme.samples].all()
        np.testing.assert_allclose(vertical[extreme.samples], extreme.offset, atol=0.016)
        assert (np.diff(times_s[extreme.samples]) >= EXTREME_APART_S).all()
    only = find_extremes(analysis, {int(np.flatnonzero(analysis.gaze.valid)[5])})
    assert [len(one.samples) for one in only.values()] == [1, 1, 1]


def test_extremes_are_those_of_the_protocols_phases() -> None:
    protocol = parse_protocol([{"phase": "up", "start_s": 2, "end_s": 10}])
    analysis = analyzed(parameters=Parameters(protocol=protocol))
    extremes = find_extremes(analysis, None)
    assert extremes["down"].offset < -0.07, "looking down comes after the phase"
    page, _ = rendered(analysis)
    assert page.data()["phases"] == [{"name": "up", "start": 2, "stop": 10}]


def test_thinned_traces_keep_every_blink_and_every_extreme() -> None:
    analysis = long_analysis(12, 250)
    samples = choose_samples(analysis, 4000)
    count = analysis.track.times_s.size
    assert samples.size < 6000 < count
    assert (np.diff(samples) > 0).all()
    kept = set(samples.tolist())
    for event in find_events(analysis):
        assert {event.onset, event.peak, event.offset} <= kept
    traces = (*analysis.traces.geometry.ear.T, analysis.gaze.vertical, analysis.gaze.horizontal)
    for start in range(0, count - 200, 200):
        for trace in traces:
            # Within any stretch of five bins nothing sticks out that is not drawn.
            inside = samples[(samples >= start) & (samples < start + 200)]
            assert np.ptp(trace[inside]) >= 0.5 * np.ptp(trace[start : start + 200])
    for trace in traces:
        assert np.nanmin(trace[samples]) == np.nanmin(trace)
        assert np.nanmax(trace[samples]) == np.nanmax(trace)
    np.testing.assert_array_equal(choose_samples(analysis, count), np.arange(count))


def test_distributions_count_everything() -> None:
    analysis = analyzed()
    histograms = count_distributions(analysis)
    assert histograms["vertical"].counts.sum() == analysis.gaze.valid.sum()
    assert histograms["duration"].counts.sum() == 3
    assert histograms["interval"].counts.sum() == 2
    np.testing.assert_allclose(histograms["interval"].edges[-1], 7.5)
    np.testing.assert_allclose(histograms["duration"].edges[:2], [0, 0.05])
    assert count_distributions(analyzed(np.full_like(looking(2.0), np.nan))) == {}
