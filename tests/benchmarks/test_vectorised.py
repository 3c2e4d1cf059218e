"""NumPy's version of the measures, which the kernels race against, beside plain Python's.

The whole sessions of `make bench` lose the face within a blink, the short ones never do.
"""

from dataclasses import asdict, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.plain import measure_plain
from benchmarks.vectorised import measure_vectorised
from tests.made_tracks import make_landmarks, make_track
from tracker.face.follow import choose_second_passes
from tracker.measures.analysis import analyze_track
from tracker.parameters import Parameters
from tracker.tracks.track import Track


def make_session(ratio: NDArray[np.float64], lowest: float = 0.3) -> Track:
    """Make a track of lids that open by a ratio (N,) of 0.3, and of `lowest` in looks down."""
    rng = np.random.default_rng(5)
    count = ratio.size
    looks_down = np.arange(count) % 240 >= 120
    open_ = np.where(looks_down, lowest, 0.3)[:, np.newaxis]
    ear = open_ * ratio[:, np.newaxis] * (1 + rng.normal(0, 0.004, (count, 2)))
    gaze = np.where(looks_down, 0.05, -0.05) + rng.normal(0, 0.005, count)
    landmarks = make_landmarks(ear, gaze[:, np.newaxis] + rng.normal(0, 0.003, (count, 2)))
    landmarks[np.isnan(ratio)] = np.nan
    sample = choose_second_passes(np.isfinite(landmarks[:, 0, 0]))
    again = landmarks[sample] + rng.normal(0, 0.05, landmarks[sample].shape).astype(np.float32)
    return replace(
        make_track(landmarks),
        second_pass_sample=sample,
        second_pass_landmarks=again,
        second_pass_turn=np.arange(sample.size) % 4,
    )


def assert_all_agree(track: Track, **expected: int) -> None:
    """Compare kernels, NumPy and plain Python with each other, and with what was drawn."""
    own = asdict(analyze_track(track, Parameters()).measures)
    vectorised = measure_vectorised(track, Parameters())
    plain = measure_plain(track, Parameters())
    assert {name: own[name] for name in expected} == expected
    shared = own.keys() & vectorised.keys() & plain.keys()
    assert len(shared) > 25
    for name in shared:
        assert own[name] == pytest.approx(plain[name], rel=1e-9, abs=1e-9), name
        assert vectorised[name] == pytest.approx(plain[name], rel=1e-9, abs=1e-9), name


def draw_blinks(count: int, *onsets: int) -> NDArray[np.float64]:
    ratio = np.ones(count)
    for onset in onsets:
        ratio[onset : onset + 9] = (0.9, 0.5, 0.2, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95)
    return ratio


@pytest.mark.slow
def test_a_blink_of_which_half_is_not_seen_counts_in_none_of_the_three() -> None:
    """Of two blinks, the face is lost before the lids open again, or comes back after they shut."""
    ratio = draw_blinks(480, 60, 200, 250, 400)
    ratio[127:130], ratio[130:140] = (0.97, 0.85, 0.63), np.nan
    ratio[310:320], ratio[320:322] = np.nan, (0.74, 0.94)
    assert_all_agree(make_session(ratio), blink_count=4, prolonged_closure_count=0)


@pytest.mark.slow
def test_eyes_held_shut_while_they_look_down_are_closed_in_all_three() -> None:
    """Shut lids read higher then: within 0.04 of the blinks around, but not of all blinks."""
    ratio = draw_blinks(480, 20, 40, 60, 90, 250, 280, 310)
    ratio[130:139] = ratio[220:229] = np.maximum(ratio[20:29], 0.2)
    ratio[160:195] = 0.235
    assert_all_agree(make_session(ratio, 0.27), blink_count=9, prolonged_closure_count=1)
