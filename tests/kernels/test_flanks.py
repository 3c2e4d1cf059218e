"""The fall and the rise of the lids: against the reference and drawn blinks."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from kernels import fit_flanks, flanks
from tests import naive
from tests.lengths import thin

Float64Array = NDArray[np.float64]
ONSET_S = 0.5


def draw(
    times_s: Float64Array,
    closing_s: float,
    opening_s: float,
    depth: float = 0.85,
    exposure_s: float = 1e-6,
    held_s: float = 0.05,
) -> Float64Array:
    """The lid opening of a blink that begins at `ONSET_S`, as the mean over each exposure."""
    moments_s = np.add.outer(times_s, (np.arange(32) + 0.5) / 32 * exposure_s)
    fall = (moments_s - ONSET_S) / closing_s
    rise = (ONSET_S + closing_s + held_s + opening_s - moments_s) / opening_s
    share = np.clip(np.minimum(fall, rise), 0, 1)
    drawn: Float64Array = 1 - depth * (1 - np.cos(np.pi * share)).mean(axis=1) / 2
    return drawn


def fit(
    ratio: Float64Array, times_s: Float64Array, length_s: float, interval_s: float
) -> tuple[list[float], list[float]]:
    step_s, depth = fit_flanks(
        ratio, times_s, [[ONSET_S, ONSET_S + length_s]], np.array([np.argmin(ratio)]), interval_s
    )
    return step_s[0].tolist(), depth[0].tolist()


@pytest.mark.parametrize("time_s", [-0.2, -0.02, -0.005, 0.0, 0.03, 0.07, 0.09, 0.2])
@pytest.mark.parametrize("exposure_s", [0.002, 0.0166, 0.2])
def test_a_step_through_an_exposure_is_its_mean(time_s: float, exposure_s: float) -> None:
    expected = naive.raised_step(time_s, 0.08, exposure_s)
    assert flanks.raised_step(time_s, 0.08, exposure_s) == pytest.approx(expected, abs=1e-5)
    exact = naive.raised_step_exact(time_s, 0.08, exposure_s)
    assert flanks.raised_step(time_s, 0.08, exposure_s) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize(
    ("step_s", "fps"), thin([*itertools.product((0.25, 0.1, 0.06), (30.0, 60.0, 120.0))], 4)
)
def test_a_step_is_fitted_as_the_reference_does(
    rng: np.random.Generator, step_s: float, fps: float
) -> None:
    times_s = np.arange(round(0.5 * fps)) / fps
    shares = np.array([naive.raised_step(t - 0.15, step_s, 0.5 / fps) for t in times_s])
    shares += rng.normal(0, 0.02, times_s.size)
    limits_s, starts_s = np.array((0.2 / fps, 2.0)), np.array((0.03, 0.1, 0.3))
    found = flanks._fit_step(times_s, shares, 0.5 / fps, limits_s, starts_s, 40)
    expected = naive.fit_step(times_s.tolist(), shares.tolist(), 0.5 / fps, *limits_s.tolist())
    assert found == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("least_s", "most_s", "nearest_s"), [(0.1, 2.0, 0.1), (0.01, 0.04, 0.04)])
@pytest.mark.parametrize("iterations", [0, 40])
def test_a_step_is_fitted_within_its_limits(
    least_s: float, most_s: float, nearest_s: float, iterations: int
) -> None:
    """A step of 0.06 s, which no duration within the limits fits as well as the nearest limit."""
    times_s = np.arange(30) / 60
    shares = np.array([naive.raised_step_exact(t - 0.15, 0.06, 0.5 / 60) for t in times_s])
    limits_s, starts_s = np.array((least_s, most_s)), np.array((0.005, 0.03, 0.06, 0.3))
    found = flanks._fit_step(times_s, shares, 0.5 / 60, limits_s, starts_s, iterations)
    assert found == pytest.approx(nearest_s, rel=1e-9)
    expected = naive.fit_step(times_s.tolist(), shares.tolist(), 0.5 / 60, least_s, most_s)
    assert expected == pytest.approx(nearest_s, rel=1e-9)


def test_no_flank_is_shorter_than_half_the_time_between_frames(rng: np.random.Generator) -> None:
    """At 10 frames a second, some of the durations that are tried first are shorter than that."""
    shortest_s = []
    for begin in np.arange(40) / 40:
        times_s = (np.arange(25) + begin) / 10
        ratio = draw(times_s, 0.1, 0.2, exposure_s=0.05) + rng.normal(0, 0.02, times_s.size)
        shortest_s.append(min(fit(ratio, times_s, 0.35, 0.1)[0]))
    assert min(shortest_s) >= 0.05 * (1 - 1e-12)


@pytest.mark.parametrize("fps", [60.0, 120.0, 240.0])
@pytest.mark.parametrize(("closing_s", "opening_s"), [(0.06, 0.12), (0.09, 0.2), (0.2, 0.4)])
def test_drawn_blinks_have_their_times_and_depth(
    fps: float, closing_s: float, opening_s: float
) -> None:
    """Frames are exposed for half of their time, and the blink begins anywhere between two."""
    found = []
    for begin in np.arange(8) / 8:
        times_s = (np.arange(round(1.5 * fps)) + begin) / fps
        ratio = draw(times_s, closing_s, opening_s, exposure_s=0.5 / fps)
        found.append(fit(ratio, times_s, closing_s + opening_s + 0.05, 1 / fps))
    step_s, depth = np.median(found, axis=0)
    assert_allclose(step_s, (closing_s, opening_s), rtol=0.03)
    assert_allclose(depth, 0.85, atol=0.01)


def test_the_rise_is_a_fall_seen_backwards() -> None:
    """Without a shutter, a blink that closes as fast as it opens has two equal flanks."""
    times_s = np.arange(-60, 61) / 120 + 0.625
    ratio = draw(times_s, 0.1, 0.1)
    assert_allclose(ratio, ratio[::-1], atol=1e-4)
    # Both are read as if exposed for half of the time to the next frame.
    step_s, _ = fit(ratio, times_s, 0.25, 1 / 120)
    assert step_s[0] == pytest.approx(step_s[1], rel=1e-3)
    assert step_s[0] == pytest.approx(0.1, rel=0.03)


@pytest.mark.parametrize("side", [0, 1])
def test_a_flank_that_is_not_seen_is_not_fitted(side: int) -> None:
    times_s = np.arange(120) / 60
    ratio = draw(times_s, 0.1, 0.2)
    hidden = times_s < 0.55 if side == 0 else times_s > 0.7
    ratio[hidden] = np.nan
    step_s, depth = fit_flanks(
        ratio, times_s, [[0.5, 0.85]], np.array([np.nanargmin(ratio)]), 1 / 60
    )
    assert np.isnan(step_s[0, side])
    assert np.isnan(depth[0, side])
    assert step_s[0, 1 - side] == pytest.approx((0.2, 0.1)[side], rel=0.1)


def test_a_flank_across_a_gap_is_not_fitted() -> None:
    times_s = np.arange(120) / 60
    ratio = draw(times_s, 0.1, 0.2)
    later = np.where(times_s > 0.53, times_s + 2, times_s)
    step_s, _ = fit_flanks(ratio, later, [[2.45, 2.85]], np.array([np.argmin(ratio)]), 1 / 60)
    assert np.isnan(step_s[0, 0])
    assert np.isfinite(step_s[0, 1])


@pytest.mark.parametrize("size", [0, 1, 2])
def test_short_and_empty_series(size: int) -> None:
    step_s, depth = fit_flanks(
        np.ones(size), np.arange(size) / 30, np.empty((0, 2)), np.empty(0, np.int64), 1 / 30
    )
    assert step_s.shape == depth.shape == (0, 2)
    if size:
        step_s, _ = fit_flanks(np.ones(size), np.arange(size) / 30, [[0, 1]], np.array([0]), np.nan)
        assert np.isnan(step_s).all()


def test_constant_lids_have_no_flank() -> None:
    step_s, _ = fit_flanks(np.ones(60), np.arange(60) / 30, [[0.9, 1.1]], np.array([30]), 1 / 30)
    assert np.isnan(step_s).all()


def test_arguments_that_do_not_fit_are_refused() -> None:
    ratio, times_s = np.ones(30), np.arange(30) / 30
    with pytest.raises(ValueError, match="moving_s has 1 blinks and peak 2"):
        fit_flanks(ratio, times_s, [[0.1, 0.2]], np.array([3, 4]), 1 / 30)
    with pytest.raises(ValueError, match="shapes"):
        fit_flanks(ratio, times_s[1:], [[0.1, 0.2]], np.array([3]), 1 / 30)
    before = ratio.copy()
    ratio.setflags(write=False)
    fit_flanks(ratio, times_s, [[0.1, 0.2]], np.array([3]), 1 / 30)
    assert (ratio == before).all()
