"""Lid openings that the kernels' tests share: known blinks, and noise of all shapes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64Array = NDArray[np.float64]

OPEN_EAR = 0.3


def at_fps(fps: float, duration_s: float) -> Float64Array:
    return np.arange(round(duration_s * fps)) / fps


def irregular_times_s(
    rng: np.random.Generator, count: int, fps: float = 30.0, gaps: float = 0.0
) -> Float64Array:
    """Steps of 0.3 to 1.7 frame intervals; a share `gaps` of them a time gap of 0.6 to 2 s."""
    steps_s = rng.uniform(0.3, 1.7, count) / fps
    gap = rng.random(count) < gaps
    steps_s[gap] = rng.uniform(0.6, 2.0, gap.sum())
    return np.cumsum(steps_s)


def random_ear(
    rng: np.random.Generator, times_s: Float64Array, missing: float = 0.0
) -> Float64Array:
    """A noisy open eye with blinks of any depth and length, lowered lids, and lost faces."""
    ear = OPEN_EAR + rng.normal(0, 0.01, times_s.size)
    end_s = times_s[-1] if times_s.size else 0.0
    for _ in range(round(end_s)):
        center_s, width_s = rng.uniform(0, end_s), rng.choice([0.03, 0.1, 0.3])
        depth = rng.uniform(0.1, 1.0)
        ear *= 1 - depth * np.exp(-(((times_s - center_s) / width_s) ** 2))
    ear[times_s > 0.7 * end_s] *= 0.6
    ear[rng.random(times_s.size) < missing] = np.nan
    return ear


def random_ratio(
    rng: np.random.Generator, times_s: Float64Array, missing: float = 0.0
) -> Float64Array:
    """A random walk around the thresholds: closures of all shapes, touching both edges."""
    steps = rng.normal(0, 0.25, times_s.size)
    ratio = 0.8 + 0.5 * np.sin(np.cumsum(steps)) + rng.normal(0, 0.02, times_s.size)
    ratio[rng.random(times_s.size) < missing] = np.nan
    return ratio


def smooth_blinks(times_s: Float64Array, onsets_s: ArrayLike, depth: float = 0.9) -> Float64Array:
    """Blinks that close in 80 ms, stay shut for 60 ms and open in 160 ms, all as raised cosines."""
    ear = np.full(times_s.size, OPEN_EAR)
    for onset_s in np.atleast_1d(onsets_s):
        closing = np.clip((times_s - onset_s) / 0.08, 0, 1)
        opening = np.clip((times_s - onset_s - 0.14) / 0.16, 0, 1)
        ear -= OPEN_EAR * depth * (np.cos(np.pi * opening) - np.cos(np.pi * closing)) / 2
    return ear


def blinking_ear(times_s: Float64Array, onsets_s: ArrayLike, depth: float = 0.9) -> Float64Array:
    """Blinks that close in 80 ms, stay shut for 60 ms and open in 160 ms, all linearly."""
    ear = np.full(times_s.size, OPEN_EAR)
    for onset_s in np.atleast_1d(onsets_s):
        corners_s = onset_s + np.array([0.0, 0.08, 0.14, 0.3])
        ear -= OPEN_EAR * depth * np.interp(times_s, corners_s, [0, 1, 1, 0], left=0, right=0)
    return ear
