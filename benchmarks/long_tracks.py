"""Make tracks of any length without a video, with the signals of a real session."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tests.made_tracks import make_landmarks, make_track
from tracker.face.follow import choose_second_passes
from tracker.tracks.track import Track


def make_session(duration_s: float, fps: float = 30.0, seed: int = 0) -> Track:
    """Make a track of eyes that look up and down every 10 s and blink every 3 s or so.

    Times jitter as those of a phone. Lids follow the gaze. Blinks close in 80 to 120 ms and open in
    150 to 250 ms; every tenth is incomplete. A few closures are long, and a few close one eye only.
    Sometimes the face is lost.

    Parameters
    ----------
    duration_s, fps : float
        Length, and nominal frame rate.
    seed : int
        Seed of everything random.

    Returns
    -------
    Track
    """
    rng = np.random.default_rng(seed)
    count = round(duration_s * fps)
    times_s = (np.arange(count) + rng.uniform(0, 0.2, count)) / fps
    times_s -= times_s[0]
    looks_down = times_s % 20 >= 10
    ear = np.where(looks_down, 0.26, 0.3)[:, np.newaxis] + rng.normal(0, 0.004, (count, 2))
    ear *= 1 - _make_closures(rng, times_s)
    gaze = np.where(looks_down, 0.06, -0.06) + rng.normal(0, 0.01, count)
    landmarks = make_landmarks(
        ear,
        gaze[:, np.newaxis] + rng.normal(0, 0.004, (count, 2)),
        rng.normal(0, 0.02, (count, 2)),
    )
    landmarks += rng.normal(0, 0.05, landmarks.shape).astype(np.float32)
    for start_s in np.arange(35, duration_s, 60):
        landmarks[(times_s >= start_s) & (times_s < start_s + 0.7)] = np.nan
    sample = choose_second_passes(np.isfinite(landmarks[:, 0, 0]))
    again = landmarks[sample] + rng.normal(0, 0.05, landmarks[sample].shape).astype(np.float32)
    return replace(
        make_track(landmarks, fps),
        times_s=times_s,
        second_pass_sample=sample,
        second_pass_landmarks=again,
        second_pass_turn=np.arange(sample.size) % 4,
    )


def _make_closures(rng: np.random.Generator, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each eye is closed at N times, shape (N, 2): 0 = open, up to 0.95."""
    closed = np.zeros((times_s.size, 2))
    end_s = float(times_s[-1]) if times_s.size else 0.0
    onset_s, number = 1.0, 0
    while onset_s < end_s - 2:
        closing_s, opening_s = rng.uniform(0.08, 0.12), rng.uniform(0.15, 0.25)
        shut_s = 0.8 if number % 25 == 24 else 0.4 if number % 30 == 29 else rng.uniform(0, 0.05)
        depth = 0.5 if number % 10 == 4 else rng.uniform(0.75, 0.92)
        corners_s = onset_s + np.cumsum([0, closing_s, shut_s, opening_s])
        share = np.interp(times_s, corners_s, [0, 1, 1, 0], left=0, right=0)
        eyes = [0] if number % 30 == 29 else [0, 1]
        # The lids start and stop slowly.
        closed[:, eyes] += (depth * (1 - np.cos(np.pi * share)) / 2)[:, np.newaxis]
        onset_s = corners_s[-1] + 0.3 + rng.exponential(2.7)
        number += 1
    return np.minimum(closed, 0.95)
