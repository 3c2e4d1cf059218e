"""NumPy's version of the measures, which the kernels race against, beside plain Python's.

The whole sessions of `make bench` lose the face within a blink, the short ones never do.
"""

from dataclasses import asdict, replace

import numpy as np
import pytest

from benchmarks.plain import measure_plain
from benchmarks.vectorised import measure_vectorised
from tests.made_tracks import make_landmarks, make_track
from tracker.face.follow import choose_second_passes
from tracker.measures.analysis import analyze_track
from tracker.parameters import Parameters
from tracker.tracks.track import Track

WHOLE_BLINKS = 4
FALL = (0.97, 0.85, 0.63)
"""Lid opening of the last samples before the face is lost: a blink of which half is not seen."""


def make_cut_blinks() -> Track:
    """Make 16 s with whole blinks, and two of which only the fall or only the rise is seen."""
    rng = np.random.default_rng(5)
    count = 480
    ratio = np.ones(count)
    for onset in (60, 200, 250, 400):
        ratio[onset : onset + 9] = (0.9, 0.5, 0.2, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95)
    ratio[127:130] = FALL
    ratio[320:322] = (0.74, 0.94)
    ear = 0.3 * ratio[:, np.newaxis] * (1 + rng.normal(0, 0.004, (count, 2)))
    gaze = np.where(np.arange(count) % 240 < 120, -0.05, 0.05) + rng.normal(0, 0.005, count)
    landmarks = make_landmarks(ear, gaze[:, np.newaxis] + rng.normal(0, 0.003, (count, 2)))
    landmarks[130:140] = landmarks[310:320] = np.nan
    sample = choose_second_passes(np.isfinite(landmarks[:, 0, 0]))
    again = landmarks[sample] + rng.normal(0, 0.05, landmarks[sample].shape).astype(np.float32)
    return replace(
        make_track(landmarks),
        second_pass_sample=sample,
        second_pass_landmarks=again,
        second_pass_turn=np.arange(sample.size) % 4,
    )


def test_a_blink_of_which_half_is_not_seen_counts_in_none_of_the_three() -> None:
    track = make_cut_blinks()
    own = asdict(analyze_track(track, Parameters()).measures)
    vectorised = measure_vectorised(track, Parameters())
    plain = measure_plain(track, Parameters())
    assert own["blink_count"] == WHOLE_BLINKS
    assert vectorised["blink_count"] == plain["blink_count"] == WHOLE_BLINKS
    shared = own.keys() & vectorised.keys() & plain.keys()
    assert len(shared) > 25
    for name in shared:
        assert own[name] == pytest.approx(plain[name], rel=1e-9, abs=1e-9), name
        assert vectorised[name] == pytest.approx(plain[name], rel=1e-9, abs=1e-9), name
