"""Irises whose range is known, in the landmarks and in the pictures, up and down apart."""

import dataclasses

import numpy as np
import pytest

from benchmarks.clips import PLAIN, base_spec, measure_spec
from tests.made_tracks import make_landmarks, make_track
from tracker.face.mesh import FaceMesh
from tracker.lab.clip_spec import GazePhase
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import Assessment, assess
from tracker.measures.following import measure_picture_ranges
from tracker.parameters import Parameters
from tracker.protocol import Phase
from tracker.tracks.track import Track

FPS = 30.0
TASK = (Phase("fixate", 0, 3), Phase("up", 3, 11), Phase("down", 11, 19))


def looking(landmarks: tuple[float, float], pictures: tuple[float, float]) -> Track:
    """Make a track of the task, given the ranges up and down in the landmarks and the pictures."""
    times_s = np.arange(round(19 * FPS)) / FPS
    phase = np.searchsorted([3.0, 11.0], times_s, side="right")
    shown, moved = (np.array((0.0, -up, down))[phase] for up, down in (landmarks, pictures))
    sample = np.arange(0, times_s.size, 10)
    heights = np.column_stack((moved[sample], moved[sample])).astype(np.float32)
    return dataclasses.replace(
        make_track(make_landmarks(np.full(times_s.size, 0.3), shown)),
        picture_sample=sample,
        picture_heights=heights,
    )


def answer(track: Track, protocol: tuple[Phase, ...] = TASK) -> Assessment:
    return assess(analyze_track(track, Parameters(task="up_down", protocol=protocol)))


def codes(assessed: Assessment) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the code and the variant of each reason, and of each caution about following."""
    reasons = [(one.code, one.variant) for one in assessed.reasons]
    cautions = [(one.code, one.variant) for one in assessed.cautions]
    return reasons, [one for one in cautions if one[0] == "gaze_not_followed"]


def test_the_ranges_in_the_pictures_are_those_that_were_put_in() -> None:
    track = looking((0.1, 0.1), (0.12, 0.07))
    analysis = analyze_track(track, Parameters(protocol=TASK))
    assert measure_picture_ranges(analysis) == pytest.approx((0.19, 0.07), abs=1e-6)


def test_a_good_range_up_does_not_hide_that_the_landmarks_do_not_follow_down() -> None:
    """Of the whole range they show more than half, but of the range down a sixth."""
    assessed = answer(looking((0.1, 0.01), (0.12, 0.06)))
    assert assessed.basis.name == "down_range"
    assert assessed.status == "not_assessable"
    assert codes(assessed)[0] == [("gaze_not_followed", "down")]


def test_a_range_up_that_is_not_followed_says_nothing_about_a_lost_range_down() -> None:
    """The irises go up by 0.15, and hardly down: the palsy that is looked for."""
    assessed = answer(looking((0.02, 0.005), (0.15, 0.01)))
    assert assessed.status == "suspected"
    assert codes(assessed)[1] == [("gaze_not_followed", "up")]


def test_where_the_whole_range_decides_the_whole_range_is_compared() -> None:
    assessed = answer(looking((0.02, 0.005), (0.15, 0.01)), ())
    assert codes(assessed)[0] == [("gaze_not_followed", "")]


@pytest.mark.parametrize(("ahead", "variant"), [(2, ""), (3, "down")])
def test_with_too_few_pictures_of_eyes_ahead_the_whole_range_is_compared(
    ahead: int, variant: str
) -> None:
    track = looking((0.02, 0.01), (0.12, 0.06))
    keep = np.concatenate((np.arange(ahead), np.arange(9, track.picture_sample.size)))
    fewer = dataclasses.replace(
        track,
        picture_sample=track.picture_sample[keep],
        picture_heights=track.picture_heights[keep],
    )
    assert codes(answer(fewer))[0] == [("gaze_not_followed", variant)]


@pytest.mark.parametrize(("moved", "status"), [(0.044, "suspected"), (0.046, "not_assessable")])
def test_down_half_of_the_range_in_the_pictures_is_asked_for(moved: float, status: str) -> None:
    assert answer(looking((0.1, 0.01), (0.12, moved))).status == status


def draw(face: str, up: float, down: float, lid_follow: float) -> Assessment:
    """Assess a drawn wearer of spectacles in the app's task: ahead, then long up, then down."""
    phases = ((0.0, "fixate", 0.0), (2.0, "up", -up), (7.0, "down", down))
    ends_s = (2.0, 7.0, 12.0)
    spec = base_spec(
        12.0,
        fps=15.0,
        gaze=tuple(GazePhase(start_s, vertical) for start_s, _, vertical in phases),
        face=face,
        blinks_per_min=12,
        seed=1,
        lid_follow=lid_follow,
    )
    (measured,) = measure_spec(FaceMesh(), spec, [PLAIN])
    protocol = tuple(
        Phase(name, start_s, end_s)
        for (start_s, name, _), end_s in zip(phases, ends_s, strict=True)
    )
    return answer(measured.analysis.track, protocol)


@pytest.mark.slow
def test_a_healthy_wearer_is_not_suspected_for_the_range_down() -> None:
    """21 degrees up and down; the landmarks show a range down wholly below its limit."""
    assessed = draw("officer", 0.12, 0.12, 0.5)
    assert assessed.basis.side == "below"
    assert codes(assessed)[0] == [("gaze_not_followed", "down")]


@pytest.mark.slow
def test_a_wearer_whose_range_down_is_lost_is_suspected() -> None:
    """21 degrees up, which the landmarks do not show, and 3.4 down."""
    assert draw("astronaut_with_spectacles", 0.12, 0.02, 1.0).status == "suspected"
