"""Variants of recordings: what they change, by how much, and that they leave the rest alone."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from kernels import LEFT, RIGHT, compute_eye_geometry
from tests.made_tracks import blink, make_landmarks, make_track
from tracker.lab.annotations import AnnotatedClip, Closure
from tracker.lab.variants import (
    EYE_LANDMARKS,
    VARIANTS,
    add_closing,
    add_glare,
    add_noise,
    make_narrower,
    make_restless,
    make_shallower,
    make_slower,
    scale_lids,
    thin_track,
)
from tracker.tracks.track import Track

FRAMES = 240


def ears(track: Track) -> np.ndarray:
    return compute_eye_geometry(track.landmarks).ear


@pytest.fixture
def track() -> Track:
    """Eyes that are open by 0.3 and 0.24, and blink to a fifth in frames 100 to 103."""
    ear = np.tile([0.3, 0.24], (FRAMES, 1))
    ear[100:104] *= 0.2
    return make_track(make_landmarks(ear, 0.01))


def clip(*blinks: tuple[int, int]) -> AnnotatedClip:
    closures = tuple(Closure(start, stop) for start, stop in blinks)
    return AnnotatedClip("x.mp4", Path("x.mp4"), Path("x.blinks.csv"), closures)


def test_lids_are_moved_and_nothing_else(track: Track) -> None:
    factor = np.linspace(0.5, 1.5, FRAMES)[:, None]
    scaled = scale_lids(track, factor)
    assert_allclose(ears(scaled), factor * ears(track), rtol=1e-5)
    before, after = (compute_eye_geometry(one.landmarks) for one in (track, scaled))
    assert_allclose(after.vertical_offset, before.vertical_offset, atol=1e-7)
    assert_allclose(after.canthal_distance_px, before.canthal_distance_px)
    assert_array_equal(scaled.landmarks[:, EYE_LANDMARKS:], track.landmarks[:, EYE_LANDMARKS:])


@pytest.mark.parametrize(("step", "first"), [(2, 0), (2, 1), (3, 2)])
def test_frames_are_left_out(track: Track, step: int, first: int) -> None:
    thinned = thin_track(track, step, first)
    assert_array_equal(thinned.frame_index, np.arange(first, FRAMES, step))
    assert_allclose(thinned.times_s, np.arange(len(thinned.times_s)) * step / 30)
    assert_array_equal(thinned.landmarks, track.landmarks[first::step])
    assert thinned.info.step == step


def test_noise_is_as_large_as_asked(track: Track) -> None:
    moved = add_noise(track, 0.01).landmarks - track.landmarks
    # The eyes are 60 px wide.
    assert moved[:, :EYE_LANDMARKS].std() == pytest.approx(0.6, rel=0.03)
    assert (moved[:, EYE_LANDMARKS:] == 0).all()


def test_blinks_become_shallower(track: Track) -> None:
    made = ears(make_shallower(track, 0.5))
    assert_allclose(made[50], [0.3, 0.24], rtol=1e-5)
    # Half of the way from open to a fifth: three fifths.
    assert_allclose(made[101], [0.18, 0.144], rtol=1e-5)


def test_eyes_become_narrower(track: Track) -> None:
    # A fifth of the mean of 0.27 less.
    assert_allclose(ears(make_narrower(track, 0.2))[50], [0.246, 0.186], rtol=1e-5)


def test_lids_never_meet(track: Track) -> None:
    made = ears(make_narrower(track, 0.9))
    assert_allclose(made, np.maximum(ears(track) - 0.243, 0.01), rtol=1e-4)


def test_everything_takes_longer(track: Track) -> None:
    assert_allclose(make_slower(track, 1.5).times_s, np.arange(FRAMES) * 0.05)


def test_restless_lids_wander_together(track: Track) -> None:
    factor = ears(make_restless(track, 0.05, 0.5)) / ears(track)
    assert_allclose(factor[:, LEFT], factor[:, RIGHT], rtol=1e-5)
    # Seventeen places, in a logarithm's standard deviations.
    assert 0.025 < np.log(factor[::15, 0]).std() < 0.08
    # From one to the next in 15 frames, in a straight line of the logarithm.
    assert_allclose(np.diff(np.log(factor[:16, 0]), 2), 0, atol=1e-5)


def test_glare_is_seen_in_one_eye(track: Track) -> None:
    factor = ears(add_glare(track, 0.3)) / ears(track)
    assert_allclose(factor[:, RIGHT], 1, rtol=1e-6)
    # Deepest at 0.7 s and 1.8 s: frames 21 and 54.
    assert_allclose(factor[[21, 54], LEFT], 0.7, rtol=1e-4)
    assert factor[38, LEFT] == pytest.approx(1, abs=1e-3)


def test_lids_close_where_there_is_room(track: Track) -> None:
    made = add_closing(clip((100, 104)), track, (0.1, 0.4, 0.2), (0.3, 0.6))
    share = (1 - ears(made) / ears(track))[:, 0]
    # Before the blink, from frame 0 to 100, and after it, from 104 on: one in the middle of each.
    first, second = share[:100], share[104:]
    assert share[100:104].max() == pytest.approx(0, abs=1e-5)
    assert (first.max(), second.max()) == pytest.approx((0.3, 0.6), rel=1e-4)
    # Down by over half of it for 0.4 s and half of the falls: 0.55 s, 16 or 17 frames.
    assert np.count_nonzero(first > 0.15) in (16, 17)
    assert abs(np.flatnonzero(first > 0.15).mean() - 49) < 3
    # No room between two blinks of less than 1 s.
    crowded = add_closing(clip((20, 24), (45, 49)), track, (0.1, 0.4, 0.2), (0.3,))
    share = (1 - ears(crowded) / ears(track))[:, 0]
    assert share[:50].max() == pytest.approx(0, abs=1e-5)
    assert share[50:].max() == pytest.approx(0.3, rel=1e-4)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_keeps_the_recording_scorable(track: Track, name: str) -> None:
    ear = np.full(FRAMES, 0.3)
    blink(ear, 100, 4)
    made = VARIANTS[name](clip((100, 104)), make_track(make_landmarks(ear, 0)))
    frames = np.sort(np.concatenate([one.frame_index for one in made]))
    assert_array_equal(frames, np.arange(FRAMES))
    for one in made:
        assert (np.diff(one.times_s) > 0).all()
        assert np.isfinite(ears(one)).all()
