"""Simulated people have the published means, and their recordings what was drawn."""

import numpy as np
import pytest

from tracker.lab.people import (
    COHORTS,
    Cohort,
    Person,
    compute_true_range,
    draw_person,
    make_task,
    record,
)
from tracker.measures.analysis import analyze_track
from tracker.parameters import Parameters

AVERAGE = Person(
    up=0.07,
    down=0.11,
    eye_widths_per_deg=0.0025,
    down_deg=47.0,
    open_ear=0.3,
    blinks_per_min=17.0,
    latency_s=0.27,
    jitter=0.001,
    framing_gain=1.0,
    second_gain=1.0,
)


def draw_many(cohort: Cohort) -> list[Person]:
    rng = np.random.default_rng(1)
    return [draw_person(cohort, rng) for _ in range(2000)]


def test_healthy_people_have_the_published_ranges() -> None:
    """Down 47.1 +- 8.0 degrees at any age; up 27.9 at 48 years, less later."""
    young, old = (draw_many(cohort) for cohort in COHORTS[:2])
    for people in (young, old):
        down_deg = [person.down_deg for person in people]
        assert np.mean(down_deg) == pytest.approx(47.1, abs=0.6)
        assert np.std(down_deg) == pytest.approx(8.0, abs=0.4)
    # 30 years are 0.506 * 7.6 / 24.8 * 30 = 4.65 degrees; 0.0026 eye widths each, as measured.
    difference = np.mean([one.up for one in young]) - np.mean([one.up for one in old])
    assert difference == pytest.approx(4.65 * 0.0023, rel=0.15)


def test_the_ranges_of_psp_are_shares_of_the_healthy_ones() -> None:
    healthy_deg = np.mean([person.down_deg for person in draw_many(COHORTS[1])])
    for cohort in COHORTS[3:]:
        low, high = cohort.down_share
        share = np.mean([person.down_deg for person in draw_many(cohort)]) / healthy_deg
        assert share == pytest.approx((low + high) / 2, rel=0.06)


@pytest.mark.parametrize("rounds", [1, 4])
def test_the_task_is_whole(rounds: int) -> None:
    task = make_task(23.0, rounds)
    assert [phase.phase for phase in task] == ["fixate", *["up", "down"] * rounds]
    assert (task[0].start_s, task[-1].end_s) == (0.0, 23.0)
    lengths_s = [phase.end_s - phase.start_s for phase in task[1:]]
    assert lengths_s == pytest.approx([20 / (2 * rounds)] * (2 * rounds))


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
def test_a_recording_shows_the_person(fps: float) -> None:
    """Looks fall short of the most by a tenth on average, and jitter adds to the range."""
    task = make_task(43.0, 4)
    track = record(AVERAGE, task, fps, np.random.default_rng(5))
    assert track.times_s.size == round(43 * fps)
    analysis = analyze_track(track, Parameters(protocol=task))
    measures = analysis.measures
    assert measures.vertical_peak_to_peak == pytest.approx(0.18, rel=0.08)
    assert measures.up_range == pytest.approx(0.07, rel=0.15)
    assert measures.down_range == pytest.approx(0.11, rel=0.1)
    # 17 a minute: 12 in 43 s, give or take three standard deviations.
    assert 3 <= measures.blink_count <= 22
    assert not measures.down_range_is_lower_bound
    assert abs(measures.head_pitch_range_deg) < 1


def test_the_true_range_is_that_of_many_recordings() -> None:
    rng = np.random.default_rng(6)
    true_range = compute_true_range(AVERAGE, rng)
    long = record(AVERAGE, make_task(600.0, 60), 10.0, rng)
    measured = analyze_track(long, Parameters()).measures.vertical_peak_to_peak
    assert measured == pytest.approx(true_range, rel=0.05)


def test_lids_follow_the_eyes_down() -> None:
    """The fissure narrows to 0.66 at 40 degrees, in proportion; the farthest look is 47 degrees."""
    track = record(AVERAGE, make_task(23.0), 30.0, np.random.default_rng(7))
    analysis = analyze_track(track, Parameters())
    ear, gaze = analysis.traces.ear, analysis.gaze.vertical
    down_deg = 47 * np.median(gaze[420:]) / AVERAGE.down
    assert 30 < down_deg < 47
    expected = 1 - 0.34 * down_deg / 40
    assert np.median(ear[420:]) / np.median(ear[:80]) == pytest.approx(expected, abs=0.02)
