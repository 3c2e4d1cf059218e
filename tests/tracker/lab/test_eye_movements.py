"""Drawn eye movements have the speeds, amplitudes and noise that were asked for."""

import numpy as np
import pytest

from kernels import LEFT, RIGHT, compute_eye_geometry
from tracker.lab.clip_spec import ClipSpec, GazePhase, LidClosure
from tracker.lab.eye_movements import (
    RISE_SHARE,
    LandmarkNoise,
    Shown,
    Target,
    add_jerks,
    displace,
    main_sequence_deg_s,
    make_steps,
    simulate_track,
    turn_time_s,
)
from tracker.lab.faces import rotation_deg
from tracker.measures.analysis import analyze_track
from tracker.parameters import Parameters

SILENT = LandmarkNoise(0.0, 0.0, settling=0.0)


def test_an_angle_is_the_displacement_that_is_drawn() -> None:
    # A third of an eye width times the sine of 30 degrees.
    assert displace(-30.0) == pytest.approx(-1 / 6)


def test_the_main_sequence_has_the_published_velocities() -> None:
    # 551 (1 - exp(-A / 14)), worked out by hand.
    assert main_sequence_deg_s(10.0) == pytest.approx(281.2, abs=0.1)
    assert main_sequence_deg_s(-25.0) == pytest.approx(458.6, abs=0.1)


@pytest.mark.parametrize("amplitude_deg", [2.0, 10.0, 25.0])
@pytest.mark.parametrize("velocity_deg_s", [50.0, 300.0, 600.0])
def test_a_step_has_its_velocity_and_time(amplitude_deg: float, velocity_deg_s: float) -> None:
    """On a dense grid of times: largest difference, and the moments of 10 and 90 %."""
    gaze = make_steps([Target(1.0, 0.0, amplitude_deg)], lambda _: velocity_deg_s)
    times_s = np.arange(0.9, 3.0, 1e-5)
    _, horizontal = ClipSpec(gaze=gaze).gaze_at(times_s)
    angle_deg = rotation_deg(horizontal)
    assert angle_deg[-1] == pytest.approx(amplitude_deg)
    # The raised cosine is that of the displacement, not of the angle: cos(25 degrees) is 0.906.
    assert np.diff(angle_deg).max() / 1e-5 == pytest.approx(velocity_deg_s, rel=0.06)
    share = horizontal / horizontal[-1]
    rise_s = times_s[np.searchsorted(share, 0.9)] - times_s[np.searchsorted(share, 0.1)]
    assert rise_s == pytest.approx(
        RISE_SHARE * turn_time_s(amplitude_deg, velocity_deg_s), abs=1e-4
    )
    assert times_s[np.flatnonzero(horizontal)[0]] == pytest.approx(1.0, abs=1e-3)


def test_a_jerk_goes_away_and_comes_back() -> None:
    targets = add_jerks([Target(1.0, -10.0)], [3.0], 2.0, 0.2)
    assert targets == (Target(1.0, -10.0), Target(3.0, -10.0, 2.0), Target(3.2, -10.0, 0.0))
    vertical, horizontal = ClipSpec(gaze=make_steps(targets)).gaze_at([2.9, 3.15, 3.5])
    assert vertical == pytest.approx([displace(-10.0)] * 3)
    assert horizontal == pytest.approx([0.0, displace(2.0), 0.0], abs=1e-12)


def test_drift_has_its_size_and_is_slow() -> None:
    spec = ClipSpec(drift=0.003)
    times_s = np.arange(0, 600, 0.01)
    drift = np.array(spec.gaze_at(times_s))
    assert drift.std(axis=1) == pytest.approx([0.003, 0.003], rel=0.05)
    # Its fastest wave, of 0.61 Hz, moves by less than 2 pi 0.61 of its amplitude in a second.
    assert np.abs(np.diff(drift)).max() / 0.01 < 4 * 2 * np.pi * 0.61 * 0.003
    # Each direction drifts by itself.
    assert np.abs(np.corrcoef(drift)[0, 1]) < 0.5


def test_an_exposure_shows_the_mean_of_its_moments() -> None:
    spec = ClipSpec(exposure_s=0.02, readout_s=0.01)
    moments_s = spec.exposed_at([1.0, 2.0], 0.5)
    assert moments_s.mean(axis=1) == pytest.approx([1.015, 2.015])
    assert (moments_s > [[1.005], [2.005]]).all()
    assert (moments_s < [[1.025], [2.025]]).all()
    assert ClipSpec().exposed_at([1.0], 0.5).tolist() == [[1.0]]


def test_a_track_shows_the_drawn_shares() -> None:
    spec = ClipSpec(
        duration_s=4.0,
        gaze=(GazePhase(1.0, 0.1, 0.05), GazePhase(2.0, -0.1, -0.05)),
        closures=(LidClosure(3.0, 0.4),),
    )
    track = simulate_track(spec, np.random.default_rng(0), SILENT, Shown(framing_gain=1.1))
    eyes = compute_eye_geometry(track.landmarks)
    for side in (LEFT, RIGHT):
        assert eyes.vertical_offset[[0, 45, 75], side] == pytest.approx(
            [0.0, 0.0484, -0.0484], abs=1e-5
        )
        assert eyes.horizontal_offset[[0, 45, 75], side] == pytest.approx(
            [0.0, 0.04, -0.04], abs=1e-5
        )
    second = compute_eye_geometry(track.second_pass_landmarks).vertical_offset
    assert second[track.second_pass_sample == 40] == pytest.approx(0.044, abs=1e-5)
    assert analyze_track(track, Parameters()).measures.blink_count == 1


def test_smeared_steps_take_longer() -> None:
    """A step of 40 ms: the exposures of 33 ms from 1 s and from 1.033 s both see it."""
    gaze = (GazePhase(1.0, 0.1, 0.0, 0.04),)
    between = []
    for exposure_s in (0.0, 1 / 30):
        track = simulate_track(
            ClipSpec(duration_s=2.0, gaze=gaze, exposure_s=exposure_s),
            np.random.default_rng(0),
            SILENT,
        )
        offset = compute_eye_geometry(track.landmarks).vertical_offset[:, LEFT]
        between.append(int(((offset > 1e-4) & (offset < 0.0439)).sum()))
    assert between == [1, 2]


def test_the_noise_has_its_sizes() -> None:
    """Of the mean of both eyes; the noise of the eyes is independent."""
    spec = ClipSpec(duration_s=400.0)
    rng = np.random.default_rng(1)
    track = simulate_track(spec, rng, LandmarkNoise(jitter=0.001, slow=0.003, slow_s=0.2))
    eyes = compute_eye_geometry(track.landmarks)
    mean = eyes.vertical_offset.mean(axis=1)
    assert mean.std() == pytest.approx(np.hypot(0.001, 0.003), rel=0.1)
    difference = (eyes.vertical_offset[:, LEFT] - eyes.vertical_offset[:, RIGHT]) / 2
    assert np.corrcoef(mean, difference)[0, 1] == pytest.approx(0.0, abs=0.05)
    assert difference.std() == pytest.approx(mean.std(), rel=0.1)
    # Six samples are 0.2 s: exp(-1) of the slow part's variance is left.
    shared = np.mean((mean[6:] - mean.mean()) * (mean[:-6] - mean.mean()))
    assert shared == pytest.approx(9e-6 / np.e, rel=0.2)
    assert eyes.horizontal_offset.mean(axis=1).std() == pytest.approx(
        1.5 * np.hypot(0.001, 0.003), rel=0.1
    )


def test_the_landmarks_settle_after_a_step() -> None:
    """The error is a share of the step: large after it, and gone half a second later."""
    gaze = tuple(GazePhase(float(n), 0.1 * (-1) ** n, 0.0, 0.01) for n in range(1, 400))
    noise = LandmarkNoise(0.0, 0.0, settling=0.1, settling_s=0.1)
    track = simulate_track(ClipSpec(duration_s=400.0, gaze=gaze), np.random.default_rng(2), noise)
    eyes = compute_eye_geometry(track.landmarks).vertical_offset.mean(axis=1)
    error = np.abs(eyes).reshape(400, 30)[2:] - 0.044
    # A tenth of the step of 0.088; 33 ms later, exp(-1 / 3) of that, and so on.
    assert error[:, 1].std() == pytest.approx(0.0088 * np.exp(-1 / 3), rel=0.15)
    assert error[:, 7].std() == pytest.approx(0.0088 * np.exp(-7 / 3), rel=0.15)
    assert error[:, 28].std() < 0.0001


def test_landmarks_rush_ahead_in_the_frame_in_which_the_eyes_move() -> None:
    """By half of the movement up, 0.2 of which 0.44 are shown; a frame later they are right."""
    gaze = (GazePhase(0.0, 0.1), GazePhase(1.0, -0.1, 0.0, 0.005), GazePhase(2.0, 0.1, 0.0, 0.005))
    spec = ClipSpec(duration_s=3.0, gaze=gaze)
    noise = LandmarkNoise(0.0, 0.0, settling=0.0, rush=(0.5, 0.0))
    track = simulate_track(spec, np.random.default_rng(0), noise)
    shown = compute_eye_geometry(track.landmarks).vertical_offset.mean(axis=1)
    moved = int(np.argmax(shown < 0))
    assert moved in (30, 31)
    assert shown[moved] == pytest.approx(-0.044 - 0.5 * 0.088, abs=1e-5)
    assert shown[moved + 1] == pytest.approx(-0.044, abs=1e-5)
    # Down, they do not.
    assert shown[62] == pytest.approx(0.044, abs=1e-5)
    assert shown.max() == pytest.approx(0.044, abs=1e-5)


def test_landmarks_that_bend_are_right_at_the_ends() -> None:
    """Of half of the way, 0.5 + 0.4 * (0.125 - 0.5) = 0.35 are shown."""
    gaze = (GazePhase(0.0, -0.1), GazePhase(1.0, 0.05, 0.0, 0.01), GazePhase(2.0, 0.1, 0.0, 0.01))
    noise = LandmarkNoise(0.0, 0.0, settling=0.0, bend=0.4)
    track = simulate_track(ClipSpec(duration_s=3.0, gaze=gaze), np.random.default_rng(0), noise)
    shown = compute_eye_geometry(track.landmarks).vertical_offset.mean(axis=1)
    expected = [-0.044, 0.044 * 0.35, 0.044]
    assert [shown[10], shown[50], shown[80]] == pytest.approx(expected, abs=1e-5)


def test_landmarks_with_another_pace_begin_where_the_eyes_do() -> None:
    """A phase at 0 is where the clip begins: nothing turns, so no pace changes it."""
    spec = ClipSpec(duration_s=1.0, fps=30.0, gaze=(GazePhase(0.0, 0.2),))
    noise = LandmarkNoise(0.0, 0.0, settling=0.0, pace=0.5)
    geometry = compute_eye_geometry(simulate_track(spec, np.random.default_rng(0), noise).landmarks)
    np.testing.assert_allclose(np.diff(geometry.vertical_offset, axis=0), 0.0, atol=1e-6)


def test_landmarks_with_another_pace_move_around_the_same_middle() -> None:
    """Of a movement from 1.0 to 1.4 s, half the pace shows one from 1.1 to 1.3 s."""
    gaze = (GazePhase(0.0, 0.0), GazePhase(1.0, 0.1, 0.1, 0.4))
    noise = LandmarkNoise(0.0, 0.0, settling=0.0, pace=0.5)
    spec = ClipSpec(duration_s=3.0, fps=100.0, gaze=gaze, exposure_s=0.0, readout_s=0.0)
    geometry = compute_eye_geometry(simulate_track(spec, np.random.default_rng(0), noise).landmarks)
    shown = geometry.vertical_offset.mean(axis=1) / 0.044
    # A raised cosine has moved by (1 - cos(pi / 4)) / 2 after a quarter of its time.
    expected = [0.0, (1 - np.cos(np.pi / 4)) / 2, 0.5, 1.0]
    assert shown[[110, 115, 120, 130]] == pytest.approx(expected, abs=1e-4)
    # Horizontal landmarks keep the eyes' pace.
    assert geometry.horizontal_offset.mean(axis=1)[110] > 0.01


def test_the_jitter_differs_from_fixation_to_fixation() -> None:
    gaze = tuple(GazePhase(float(n), 0.1 * (-1) ** n, 0.0, 0.01) for n in range(400))
    noise = LandmarkNoise(0.001, 0.0, settling=0.0, uneven=0.8)
    track = simulate_track(ClipSpec(duration_s=400.0, gaze=gaze), np.random.default_rng(3), noise)
    shown = compute_eye_geometry(track.landmarks).vertical_offset.mean(axis=1)
    sizes = np.log(shown.reshape(400, 30)[:, 2:].std(axis=1))
    assert np.median(sizes) == pytest.approx(np.log(0.001), abs=0.15)
    # A standard deviation of 28 samples has an error of 0.13 itself.
    assert sizes.std() == pytest.approx(np.hypot(0.8, 0.13), rel=0.1)
