"""Steps of the gaze: against the reference, and steps whose truth is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from kernels import estimate_offset_noise, find_steps, fit_step, saccades, weigh_products
from kernels.pooling import make_log_grid
from kernels.saccades import PEAK_TIMES_RISE, RISE_MS, RISE_SHARE, OffsetNoise, Steps
from tests import naive
from tests.kernels.test_measures import irregular_times_s, layouts

Float64Array = NDArray[np.float64]

NOISE = OffsetNoise(0.001, 0.002, 0.16)
NO_STEPS = Steps(np.empty(0), np.empty(0), 0.0)


def draw_step(
    times_s: Float64Array, centre_s: float, rise_s: float, exposure_s: float
) -> Float64Array:
    """A step by 1, as the mean over 200 moments of each exposure: no formula of the kernel."""
    moments_s = times_s[:, None] + exposure_s * (np.arange(200) + 0.5) / 200
    done = np.clip((moments_s - centre_s) * RISE_SHARE / rise_s + 0.5, 0, 1)
    step: Float64Array = ((1 - np.cos(np.pi * done)) / 2).mean(axis=1)
    return step


def draw_noise(
    rng: np.random.Generator, times_s: Float64Array, noise: OffsetNoise, count: int
) -> Float64Array:
    """Noise (count, N) with the covariance of the reference."""
    covariance = naive.noise_covariance(times_s.tolist(), noise.jitter, noise.slow, noise.slow_s)
    factor = np.linalg.cholesky(covariance)
    drawn: Float64Array = rng.normal(size=(count, times_s.size)) @ factor.T
    return drawn


# Finding steps.


@pytest.mark.parametrize("count", [0, 1, 2, 3, 30, 200])
@pytest.mark.parametrize("kept", [0.0, 0.8, 1.0])
def test_scores_are_the_reference(rng: np.random.Generator, count: int, kept: float) -> None:
    times_s = irregular_times_s(rng, count, gaps=0.02)
    values = rng.normal(0, 0.1, count)
    values[rng.random(count) < 0.05] = np.nan
    keep = rng.random(count) < kept
    computed = np.empty(count)
    saccades._score_steps(values, keep, times_s, 0.1, 0.15, 2, computed)
    expected = naive.step_scores(values.tolist(), keep.tolist(), times_s.tolist(), 0.1, 0.15, 2)
    assert_allclose(computed, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_groups_are_the_reference(rng: np.random.Generator, count: int) -> None:
    times_s = irregular_times_s(rng, count, gaps=0.02)
    score = np.convolve(rng.normal(size=count + 8), np.ones(9), "valid")[:count]
    score[rng.random(count) < 0.03] = np.nan
    out = np.empty((count, 2))
    found = saccades._group_steps(score, times_s, 2.0, out)
    expected = naive.group_steps(score.tolist(), times_s.tolist(), 2.0)
    assert found == len(expected)
    assert found > 3 or count < 300
    assert_allclose(out[:found], np.reshape(expected, (-1, 2)), rtol=1e-9)


def test_steps_are_found_where_they_are(rng: np.random.Generator) -> None:
    """Down by 0.1 at 2 s, up by 0.08 at 4 s, and slowly down by 0.06 around 6 s."""
    times_s = np.arange(240) / 30
    values = 0.1 * draw_step(times_s, 2.0, 0.03, 0.01)
    values -= 0.08 * draw_step(times_s, 4.0, 0.05, 0.01)
    values += 0.06 * draw_step(times_s, 6.0, 0.2, 0.01) + rng.normal(0, 0.001, 240)
    keep = np.ones(240, bool)
    for given in (values, *layouts(values)):
        steps = find_steps(given, keep, times_s, 1 / 30)
        assert_allclose(steps.centre_s, [2.0, 4.0, 6.0], atol=0.03)
        assert_allclose(steps.rise, [0.1, -0.08, 0.06], atol=0.004)


def test_noise_and_nothing_hold_no_steps(rng: np.random.Generator) -> None:
    times_s = np.arange(900) / 30
    keep = np.ones(900, bool)
    assert len(find_steps(rng.normal(0, 0.01, 900), keep, times_s, 1 / 30).rise) <= 1
    for values, kept in ((np.zeros(900), keep), (np.full(900, np.nan), keep), (times_s, ~keep)):
        assert len(find_steps(values, kept, times_s, 1 / 30).rise) == 0
    assert len(find_steps([], [], [], np.nan).rise) == 0


# The noise.


@pytest.mark.parametrize(
    "noise", [OffsetNoise(0.002, 0.0, 0.08), OffsetNoise(0.0, 0.003, 0.16), NOISE]
)
def test_the_noise_is_the_drawn_one(rng: np.random.Generator, noise: OffsetNoise) -> None:
    values = draw_noise(rng, np.arange(300) / 60, noise, 12)
    # Between two blocks the eyes step, and that is no noise.
    values = (values + 0.1 * np.arange(12)[:, None]).ravel()
    times_s = np.arange(values.size) / 60
    steps = Steps(times_s[300::300].copy(), np.full(11, 0.1), 0.0)
    found = estimate_offset_noise(values, np.ones(values.size, bool), times_s, 1 / 60, steps)
    # The division into both is loose, their sum over 0.1 s is what a step is seen in.
    for lag_s in (1 / 60, 0.1):
        powers = [
            one.jitter**2 + one.slow**2 * (1 - np.exp(-lag_s / one.slow_s))
            for one in (found, noise)
        ]
        assert powers[0] == pytest.approx(powers[1], rel=0.2)


def test_noise_of_nothing_is_unknown() -> None:
    for count in (0, 1, 2):
        times_s = np.arange(count) / 30
        for values in (np.zeros(count), np.full(count, np.nan)):
            found = estimate_offset_noise(values, np.ones(count, bool), times_s, 1 / 30, NO_STEPS)
            assert np.isnan(found.jitter)


@pytest.mark.parametrize("interval_s", [0.0, -0.1, np.nan])
def test_samples_without_a_time_between_them_are_refused(interval_s: float) -> None:
    """But one sample alone has no such time, and no step."""
    for count in (0, 1):
        given = np.zeros(count), np.ones(count, bool), np.arange(count) / 30, interval_s
        steps = find_steps(*given)
        assert (steps.centre_s.size, steps.rise.size, steps.least_rise) == (0, 0, np.inf)
        assert np.isnan(estimate_offset_noise(*given, steps).slow)
    given = np.zeros(9), np.ones(9, bool), np.arange(9) / 30, interval_s
    with pytest.raises(ValueError, match=r"interval_s is .*, expected above 0"):
        find_steps(*given)
    with pytest.raises(ValueError, match=r"interval_s is .*, expected above 0"):
        estimate_offset_noise(*given, NO_STEPS)


@pytest.mark.parametrize("count", [1, 2, 9])
def test_whitening_is_the_reference(rng: np.random.Generator, count: int) -> None:
    times_s = irregular_times_s(rng, count, gaps=0.1)
    values = rng.normal(size=count)
    coefficients, white = np.empty((count, 3)), np.empty(count)
    saccades._whitening(times_s, NOISE.jitter, NOISE.slow, NOISE.slow_s, coefficients)
    saccades._whiten(values, coefficients, white)
    covariance = naive.noise_covariance(times_s.tolist(), NOISE.jitter, NOISE.slow, NOISE.slow_s)
    assert_allclose(white, naive.whiten_noise(values.tolist(), covariance), rtol=1e-9)


# Fitting a step.


@pytest.mark.parametrize("rush", [0.0, 0.02])
def test_the_fit_of_each_centre_is_the_reference(rng: np.random.Generator, rush: float) -> None:
    times_s = irregular_times_s(rng, 12, gaps=0.1) - 0.2
    values = 0.03 * draw_step(times_s, 0.01, 0.05, 0.02) + rng.normal(0, 0.001, 12)
    coefficients, white = np.empty((12, 3)), np.empty((2, 12))
    saccades._whitening(times_s, NOISE.jitter, NOISE.slow, NOISE.slow_s, coefficients)
    saccades._whiten(values, coefficients, white[0])
    saccades._whiten(np.ones(12), coefficients, white[1])
    out, work = np.empty((4, 5)), np.empty((13, 5))
    saccades._fit_centres(times_s, coefficients, white, 0.08, 0.02, 0.06, 0.3, rush, work, out)
    assert_allclose(out[3], [-0.06, -0.03, 0.0, 0.03, 0.06])
    noise = (NOISE.jitter, NOISE.slow, NOISE.slow_s)
    for column, centre_s in enumerate(out[3].tolist()):
        expected = naive.step_fit(
            values.tolist(),
            times_s.tolist(),
            noise,
            0.08,
            0.02,
            centre_s,
            0.3 if rush else 0.0,
            rush,
        )
        # The kernel's sine is a series, right to six digits.
        assert_allclose(out[:3, column], expected[:3], rtol=1e-4)
        assert work[4, column] == pytest.approx(expected[3], rel=1e-4)


def test_a_step_beyond_the_samples_has_no_likelihood() -> None:
    times_s = np.arange(10) / 30
    coefficients, white = np.empty((10, 3)), np.zeros((2, 10))
    saccades._whitening(times_s, NOISE.jitter, NOISE.slow, NOISE.slow_s, coefficients)
    saccades._whiten(np.ones(10), coefficients, white[1])
    out, work = np.empty((4, 3)), np.empty((13, 3))
    saccades._fit_centres(times_s - 2, coefficients, white, 0.08, 0.02, 2.0, 0.0, 0.0, work, out)
    assert np.isneginf(out[0]).tolist() == [False, True, True]


def test_means_over_the_centres_are_the_reference(rng: np.random.Generator) -> None:
    times_s = np.arange(14) / 30
    values = 0.03 * draw_step(times_s, 0.22, 0.05, 0.02) + rng.normal(0, 0.001, 14)
    coefficients, durations_s = np.empty((14, 3)), np.array((0.05, 0.1, 0.2))
    saccades._whitening(times_s, NOISE.jitter, NOISE.slow, NOISE.slow_s, coefficients)
    out, work, fits = np.zeros((5, 2, 3)), np.empty((13, 7)), np.empty((4, 7))
    exposures_s, white = np.array((0.01, 0.03)), np.empty((2, 14))
    least = saccades._fit_durations(
        values, times_s, coefficients, durations_s, exposures_s, 0.2, 0.05, 0.1, 1, 0.3, 0.01,
        white, work, fits, out,
    )  # fmt: skip
    noise, lefts = (NOISE.jitter, NOISE.slow, NOISE.slow_s), []
    for row, exposure_s in enumerate(exposures_s.tolist()):
        for column, duration_s in enumerate(durations_s.tolist()):
            reach_s = 0.05 + 0.1 * duration_s
            centres_s = 0.2 + reach_s * np.linspace(-1, 1, 7)
            found = np.array(
                [
                    naive.step_fit(
                        values.tolist(),
                        times_s.tolist(),
                        noise,
                        duration_s,
                        exposure_s,
                        centre_s,
                        0.3,
                        0.01,
                    )
                    for centre_s in centres_s.tolist()
                ]
            )
            lefts.append(found[:, 3].min())
            weights = np.exp(found[:, 0] - found[:, 0].max())
            weights /= weights.sum()
            mean, centre = weights @ found[:, 1], weights @ centres_s
            expected = (
                found[:, 0].max() + np.log(np.exp(found[:, 0] - found[:, 0].max()).sum() * reach_s),
                mean,
                np.sqrt(weights @ (found[:, 2] + (found[:, 1] - mean) ** 2)),
                centre,
                np.sqrt(weights @ (centres_s - centre) ** 2),
            )
            assert_allclose(out[:, row, column], expected, rtol=2e-4)
    assert least == pytest.approx(min(lefts), rel=1e-4)


@pytest.mark.parametrize(("fps", "rise_s"), [(30, 0.15), (120, 0.15), (120, 0.03)])
def test_a_step_has_the_time_and_size_it_was_drawn_with(
    rng: np.random.Generator, fps: int, rise_s: float
) -> None:
    """Hardly any noise: the likeliest time is the drawn one, to the spacing of the tried ones."""
    times_s = np.arange(-0.4, 0.4, 1 / fps)
    exposure_s, noise = 0.5 / fps, OffsetNoise(1e-5, 0.0, 0.08)
    values = 1.0 - 0.05 * draw_step(times_s, 0.013, rise_s, exposure_s)
    values += rng.normal(0, 1e-5, times_s.size)
    before = values.copy()
    fit = fit_step(values, times_s, 0.0, noise, [exposure_s])
    best = int(np.argmax(fit.log_likelihood[0]))
    assert RISE_MS[best] == pytest.approx(1000 * rise_s, rel=0.13)
    assert fit.amplitude[0, best] == pytest.approx(-0.05, rel=0.01)
    onset_s = 0.013 - rise_s / RISE_SHARE / 2
    assert fit.onset_s[0, best] == pytest.approx(onset_s, abs=0.07 * rise_s / RISE_SHARE)
    assert (values == before).all()


@pytest.mark.repeats
@pytest.mark.parametrize("fps", [30, 60])
def test_intervals_of_single_steps_hold_what_was_drawn(rng: np.random.Generator, fps: int) -> None:
    """Of 400 steps, whose exposures are those that are tried: 95 %, within three deviations."""
    times_s = np.arange(-0.35, 0.35, 1 / fps)
    exposures_s = np.array((0.2, 0.8)) / fps
    noises = draw_noise(rng, times_s, NOISE, 400)
    inside = np.zeros(2)
    for index, noise in enumerate(noises):
        rise_s = float(np.exp(rng.uniform(np.log(0.02), np.log(0.2))))
        centre_s = rng.uniform(-0.02, 0.02)
        step = draw_step(times_s, centre_s, rise_s, float(exposures_s[index % 2]))
        fit = fit_step(0.03 * step + noise, times_s, 0.0, NOISE, exposures_s)
        chances = np.exp(fit.log_likelihood - fit.log_likelihood.max())
        chances /= chances.sum()
        shares = chances.sum(axis=0)
        below = np.interp(np.log(1000 * rise_s), np.log(RISE_MS), shares.cumsum() - shares / 2)
        mean = (chances * fit.amplitude).sum()
        variance = (chances * (fit.amplitude_std**2 + (fit.amplitude - mean) ** 2)).sum()
        inside += (0.025 < below < 0.975, abs(mean - 0.03) < 1.96 * np.sqrt(variance))
    assert (np.abs(inside / 400 - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 400)).all()


def test_what_cannot_be_fitted_is_refused() -> None:
    times_s = np.arange(8) / 30
    with pytest.raises(ValueError, match="values has 3 samples"):
        fit_step(times_s[:3], times_s[:3], 0.0, NOISE, [0.01])
    with pytest.raises(ValueError, match="expected a standard deviation above 0"):
        fit_step(times_s, times_s, 0.0, OffsetNoise(0.0, 0.0, 0.1), [0.01])
    with pytest.raises(ValueError, match="values and times_s have shapes"):
        fit_step(times_s, times_s[:7], 0.0, NOISE, [0.01])


# What follows from a fit.


@pytest.mark.parametrize(("amplitudes", "velocities"), [(1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_products_are_the_reference(
    rng: np.random.Generator, amplitudes: int, velocities: int, sign: float
) -> None:
    times_s = np.arange(-0.3, 0.3, 1 / 30)
    values = sign * 0.05 * draw_step(times_s, 0.0, 0.06, 0.01)
    fit = fit_step(values + rng.normal(0, 0.002, times_s.size), times_s, 0.0, NOISE, [0.01, 0.03])
    middle = 0.05**amplitudes * (0.05 * PEAK_TIMES_RISE / 0.06) ** velocities
    grid = make_log_grid(middle / 4, middle * 4)
    found = weigh_products(fit, sign, grid, amplitudes, velocities)
    assert found.shape == (2, grid.size)
    tops = fit.log_likelihood.max(axis=1)
    for row in range(2):
        expected = naive.product_likelihood(
            list(
                zip(
                    fit.log_likelihood[row].tolist(),
                    (sign * fit.amplitude[row]).tolist(),
                    fit.amplitude_std[row].tolist(),
                    strict=True,
                )
            ),
            (RISE_MS / 1000).tolist(),
            grid.tolist(),
            amplitudes + velocities,
            velocities,
            velocities * np.log(PEAK_TIMES_RISE),
        )
        shift = tops[row] - tops.max()
        near = np.array(expected) > max(expected) - 8
        assert_allclose(found[row, near], np.array(expected)[near] + shift, atol=1e-3)
    best = grid[np.argmax(found.max(axis=0))]
    assert best == pytest.approx(np.log(middle), abs=0.35)
