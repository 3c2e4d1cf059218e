"""Irises whose range is known, in the landmarks and in the pictures, up and down apart."""

import dataclasses
import math

import numpy as np
import pytest

from benchmarks.clips import PLAIN, base_spec, measure_spec
from tests.made_tracks import make_landmarks, make_track
from tests.tracker.measures.test_saccades import BOTH, NAMES, QUIET, VERTICAL, follow, reasons
from tracker.face.mesh import FaceMesh
from tracker.lab.clip_spec import ClipSpec, GazePhase
from tracker.lab.eye_movements import RISE_SHARE, Target, displace, make_steps, simulate_track
from tracker.measures.analysis import Analysis, analyze_track
from tracker.measures.assessment import Assessment, assess
from tracker.measures.following import MIN_PICTURES, measure_picture_ranges
from tracker.measures.saccade_rows import EYES, SaccadeRow, list_saccade_rows
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
    assert measure_picture_ranges(analysis.traces, analysis.gaze, TASK) == pytest.approx(
        (0.19, 0.07), abs=1e-6
    )


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


# Saccades that the landmarks do not follow

SHOWN = 0.44
"""Share of a vertical movement that simulated landmarks show."""
HORIZONTAL = ("amplitude_times_velocity_horizontal",)


def film(
    spec: ClipSpec, protocol: tuple[Phase, ...], seen: float, pictures: int | None = None
) -> Analysis:
    """Analyse a simulated recording whose pictures show the share `seen` of the movement.

    Only the first of its pictures are kept if `pictures` says how many.
    """
    track = simulate_track(spec, np.random.default_rng(3), QUIET)
    sample = np.arange(0, track.times_s.size, 10)[:pictures]
    height = seen * spec.gaze_at(track.times_s[sample])[0]
    seen_by_eye = np.column_stack((height, height)).astype(np.float32)
    track = dataclasses.replace(track, picture_sample=sample, picture_heights=seen_by_eye)
    return analyze_track(track, Parameters(protocol=protocol))


def measured(row: SaccadeRow) -> bool:
    return not math.isnan(row.amplitude[0])


def is_vertical(row: SaccadeRow) -> bool:
    return row.direction in ("up", "down")


def test_saccades_are_withheld_where_the_landmarks_do_not_follow() -> None:
    """They show 0.44 of the movement: 0.46 of what these pictures show, or 0.34 of it."""
    spec = follow(BOTH, 60, 200.0)
    plain, followed, lost = (film(spec, BOTH, seen) for seen in (0.0, SHOWN / 0.46, SHOWN / 0.34))
    assert reasons(plain.measures) == reasons(followed.measures) == {}
    # NaN is not equal to itself.
    assert repr(followed.measures) == repr(plain.measures)
    assert repr(list_saccade_rows(followed)) == repr(list_saccade_rows(plain))
    vertical = [name for name in NAMES if name not in HORIZONTAL]
    assert reasons(lost.measures) == dict.fromkeys(vertical, "not_followed")
    assert len(vertical) == 10
    # 0 would read as eyes that did not move.
    assert lost.measures.vertical_saccade_count is None
    assert lost.saccades.upright.steps == ()
    # The landmarks follow to the side: nothing of that changes.
    for name in ("horizontal_saccade_count", *HORIZONTAL, "vertical_peak_to_peak"):
        assert getattr(lost.measures, name) == getattr(plain.measures, name)
    assert lost.measures.horizontal_saccade_count is not None


def test_each_vertical_step_that_is_not_followed_says_so() -> None:
    """There are eight, and eight to the side. The seventh and the eighth of all are not made."""
    spec = follow(BOTH, 60, 200.0)
    spec = dataclasses.replace(spec, gaze=(*spec.gaze[:7], *spec.gaze[9:]))
    plain, lost = (list_saccade_rows(film(spec, BOTH, seen)) for seen in (0.0, SHOWN / 0.34))
    assert {row.reason for row in plain if is_vertical(row)} == {"", "not_found"}
    assert {row.reason for row in lost if is_vertical(row)} == {"not_followed"}
    assert not any(measured(row) for row in lost if is_vertical(row))
    # When the steps were is known, and so is that somebody asked for them.
    for one, other in zip(plain, lost, strict=True):
        assert (one.step, one.eye, one.prompt_s) == (other.step, other.eye, other.prompt_s)
        assert one.middle_s == pytest.approx(other.middle_s, nan_ok=True)
    assert sum(measured(row) for row in lost) >= 5 * len(EYES)


def test_what_else_rests_on_vertical_movements_is_withheld() -> None:
    """The latency of a phase, and the area of the gaze; not the jerks, which are horizontal."""
    spec = follow(VERTICAL, 60, 200.0)
    asked = (Phase("fixate", 0.0, 2.0), *VERTICAL[1:], Phase("fixate", 18.0, 26.0))
    spec = dataclasses.replace(spec, duration_s=26.0)
    plain, lost = (film(spec, asked, seen) for seen in (0.0, SHOWN / 0.34))
    assert {phase.latency_reason for phase in plain.phases} == {None, "no_direction"}
    for phase in lost.phases:
        expected = "no_direction" if phase.phase == "fixate" else "not_followed"
        assert (phase.latency_reason, math.isnan(phase.latency_s)) == (expected, True)
    assert plain.measures.fixation_bcea > 0
    assert lost.measures.fixation_bcea_reason == "not_followed"
    assert np.isnan([lost.measures.fixation_bcea, *lost.measures.fixation_bcea_ci95]).all()
    assert lost.measures.square_wave_jerk_count == plain.measures.square_wave_jerk_count == 0


def step_by(side_deg: float, fps: float) -> ClipSpec:
    """Look up and down by this angle from straight ahead, each time 0.3 s after the prompt."""
    targets = [Target(0.0, side_deg)] + [
        Target(phase.start_s + 0.3, side_deg if phase.phase == "down" else -side_deg)
        for phase in VERTICAL[1:]
    ]
    return ClipSpec(duration_s=VERTICAL[-1].end_s, fps=fps, gaze=make_steps(targets))


@pytest.mark.parametrize(
    ("fps", "moved", "withheld"),
    [(60.0, 0.058, False), (60.0, 0.062, True), (20.0, 0.088, False), (20.0, 0.092, True)],
)
def test_pictures_must_show_a_movement(fps: float, moved: float, withheld: bool) -> None:
    """Of 3 degrees to either side the landmarks show a third of 0.06, or less.

    At 20 frames a second no step is measured: then the pictures must show more.
    """
    drawn = 2 * displace(3.0)
    assert SHOWN * drawn < 0.4 * 0.058
    analysis = film(step_by(3.0, fps), VERTICAL, moved / drawn)
    found = {phase.latency_reason for phase in analysis.phases if phase.phase == "up"}
    assert (found == {"not_followed"}) == withheld
    # The answer says the same of its range.
    assert (codes(assess(analysis))[1] != []) == withheld
    if fps == 60.0:
        assert (analysis.measures.vertical_saccade_count is None) == withheld
    else:
        assert analysis.measures.vertical_saccade_time_ms_reason == "frame_rate"


@pytest.mark.parametrize(("down", "status"), [(0.034, "not_assessable"), (0.024, "suspected")])
def test_where_the_eyes_step_less_in_the_pictures_is_enough(down: float, status: str) -> None:
    """The landmarks show 0.018 up and 0.007 down, the pictures `down`, and 2.5 times that up.

    If the eyes go down by less than 0.03 in the pictures, that may be the palsy.
    """
    targets = [Target(0.0)] + [
        Target(phase.start_s + 0.3, 2.8 if phase.phase == "down" else -7.0)
        for phase in VERTICAL[1:]
    ]
    spec = ClipSpec(duration_s=VERTICAL[-1].end_s, fps=60.0, gaze=make_steps(targets))
    analysis = film(spec, VERTICAL, down / displace(2.8))
    assert analysis.measures.vertical_saccade_amplitude_reason == "not_followed"
    assessed = assess(analysis)
    assert assessed.status == status
    assert ("gaze_not_followed", "down" if status == "not_assessable" else "up") in (
        *codes(assessed)[0],
        *codes(assessed)[1],
    )


def test_too_few_pictures_withhold_nothing() -> None:
    """The first ones are of the time ahead, which does not count: 12 of them lie in its 2 s."""
    spec = follow(VERTICAL, 60, 200.0)
    few, enough = (film(spec, VERTICAL, 2.0, 12 + count) for count in (MIN_PICTURES - 1, 60))
    assert "not_followed" not in reasons(few.measures).values()
    assert few.measures.vertical_saccade_count == 8
    assert set(reasons(enough.measures).values()) >= {"not_followed"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("face", "is_followed"),
    [pytest.param("astronaut", True, marks=pytest.mark.long), ("officer", False)],
)
def test_a_drawn_wearer_of_spectacles_has_no_saccades(face: str, is_followed: bool) -> None:
    """Both look up and down by 17 degrees, as fast as healthy eyes do; the officer wears them."""
    gaze = step_by(17.0, 30.0).gaze
    spec = base_spec(18.0, blinks_per_min=0, seed=1, gaze=gaze, face=face, exposure_s=0.015)
    (found,) = measure_spec(FaceMesh(), spec, [PLAIN])
    measures = analyze_track(found.analysis.track, Parameters(protocol=VERTICAL)).measures
    if is_followed:
        low, high = measures.vertical_saccade_time_ms_ci95
        assert low <= 1000 * RISE_SHARE * gaze[1].turn_s <= high
    else:
        vertical = [name for name in NAMES if name not in HORIZONTAL]
        assert {reasons(measures)[name] for name in vertical} == {"not_followed"}
