"""Square-wave jerks: against the reference, drawn ones, and everything that is none."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from kernels import detect_jerks, fixation
from tests import naive

Float64Array = NDArray[np.float64]


def step(times_s: Float64Array, begin_s: float, step_s: float = 0.045) -> Float64Array:
    """A raised cosine of size 1."""
    return (1 - np.cos(np.pi * np.clip((times_s - begin_s) / step_s, 0, 1))) / 2


def jerk(times_s: Float64Array, begin_s: float, held_s: float = 0.25) -> Float64Array:
    return step(times_s, begin_s) - step(times_s, begin_s + held_s)


def noise(rng: np.random.Generator, count: int, fps: float, slow: float = 0.3) -> Float64Array:
    """White noise of 0.1, and noise whose correlation falls to 1 / e in 0.2 s."""
    kept = np.exp(-5 / fps)
    drawn = slow * rng.normal(size=count)
    for n in range(1, count):
        drawn[n] = kept * drawn[n - 1] + np.sqrt(1 - kept**2) * drawn[n]
    return drawn + 0.1 * rng.normal(size=count)


def detect(values: Float64Array, fps: float) -> fixation.Jerks:
    return detect_jerks(values, np.ones(values.size, bool), np.arange(values.size) / fps, 1 / fps)


# Against the reference


def test_samples_are_put_on_a_grid_that_ends_at_gaps(rng: np.random.Generator) -> None:
    keep = rng.random(200) < 0.8
    keep[[0, 50, 51, 52, 53, 54, 199]] = True, False, False, False, False, False, True
    times_s = np.arange(200) / 30
    values = rng.normal(size=200)
    found, runs = fixation._resample(values[keep], times_s[keep], 1 / 30)
    assert runs.tolist() == naive.find_runs(keep.tolist(), times_s.tolist(), 0.11)
    assert found.size == 200
    assert_allclose(found[keep], values[keep])
    # Between two samples, on the line from the one to the other.
    n = next(n for n in range(1, 199) if keep[n - 1] and not keep[n] and keep[n + 1])
    assert found[n] == pytest.approx((values[n - 1] + values[n + 1]) / 2)


RUNS = np.array([[0, 60], [70, 130]])


@pytest.mark.parametrize("order", [2, 5])
def test_the_noise_is_predicted_as_the_reference_does(rng: np.random.Generator, order: int) -> None:
    values = noise(rng, 130, 30.0)
    covariance, weights = np.empty(order + 1), np.empty(order)
    centred, white = np.zeros(130), np.empty(130)
    fixation._autocovariance(values, RUNS, centred, covariance)
    assert_allclose(covariance, naive.autocovariance(values.tolist(), RUNS.tolist(), order))
    fixation._predict(covariance, weights)
    assert_allclose(weights, naive.predict(covariance.tolist()), rtol=1e-5)
    fixation._whiten(centred, RUNS, weights, white)
    for start, stop in RUNS.tolist():
        expected = naive.whiten(centred[start:stop].tolist(), weights.tolist(), 0)
        assert_allclose(white[start:stop], [np.nan if one is None else one for one in expected])


def test_a_constant_series_has_no_prediction() -> None:
    weights = np.full(3, np.nan)
    fixation._predict(np.zeros(4), weights)
    assert weights.tolist() == [0, 0, 0]


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_jerks_are_fitted_as_the_reference_does(rng: np.random.Generator, fps: float) -> None:
    count = round(1.5 * fps)
    times_s = np.arange(count) / fps
    values = noise(rng, count, fps) + 1.5 * jerk(times_s, 0.5)
    values -= values.mean()
    weights = np.array([0.6, 0.1, 0.05])
    runs = np.array([[0, count]])
    turn, fewest, most = round(0.07 * fps), round(0.2 * fps), 14
    margin = turn + 4
    phases = (0.0, 0.5)
    steps = [
        [naive.raised_step_exact((n + p) / fps, 0.045, 0.5 / fps) for n in range(turn + 4)]
        for p in phases
    ]
    edges = np.empty((2, turn + 4))
    fixation._whiten_steps(np.array(steps), weights, edges)
    white, found, held = np.empty(count), np.empty((3, count)), np.empty(count, np.int64)
    fixation._whiten(values, runs, weights, white)
    fixation._match(
        white / 0.2,
        runs,
        edges / 0.2,
        float(1 - weights.sum()) / 0.2,
        np.array((fewest, most, 2, margin, 1)),
        found,
        held,
        np.empty((2, count)),
        np.empty(count + 1),
    )
    begins = [n for n in range(count) if held[n]]
    assert begins[0] == margin
    for n in (begins[0], begins[len(begins) // 2], begins[-1], int(np.abs(found[1]).argmax())):
        fits = [
            (
                d,
                *naive.fit_jerk(
                    *(values.tolist(), weights.tolist(), 0.2, (n - 1, n + d + margin)),
                    *(0.045, 1 / fps, one),
                ),
            )
            for d in range(fewest, most + 1, 2)
            if n + d + margin < count and n + d + edges.shape[1] <= count
            for one in (((n, p), (n + d, q)) for p in phases for q in phases)
        ]
        d, amplitude, score = max(fits, key=lambda fit: abs(fit[2]))
        assert held[n] == d
        assert_allclose(found[:2, n], (amplitude, score), rtol=1e-9)
        assert found[2, n] == pytest.approx(fits[0][2], rel=1e-9)


def test_the_floor_is_that_of_the_reference(rng: np.random.Generator) -> None:
    values = noise(rng, 130, 30.0)
    out = np.empty(130)
    count = fixation._window_differences(values, RUNS, 5, out)
    expected = naive.window_differences(values.tolist(), RUNS.tolist(), 5)
    assert_allclose(out[:count], expected, atol=1e-12)
    assert fixation._window_differences(values, np.array([[0, 9]]), 5, out) == 0


# Truth that is drawn


@pytest.mark.parametrize("fps", [30.0, 60.0, 120.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_drawn_jerks_are_found(rng: np.random.Generator, fps: float, sign: float) -> None:
    times_s = np.arange(round(8 * fps)) / fps
    drawn = [(1.0, 0.2), (2.5, 0.3), (4.03, 0.4), (6.0, 0.16)]
    values = 0.03 * rng.normal(size=times_s.size)
    for begin_s, held_s in drawn:
        values += sign * 2 * jerk(times_s, begin_s, held_s)
    found = detect(values, fps)
    assert len(found.amplitude) == 4
    assert_allclose(found.amplitude, 2 * sign, rtol=0.1)
    begins_s = times_s[found.interval]
    assert_allclose(begins_s[:, 0], [one[0] for one in drawn], atol=0.04)
    assert_allclose(begins_s[:, 1] - begins_s[:, 0], [one[1] for one in drawn], atol=0.04)
    assert found.visible < 0.5


@pytest.mark.repeats
def test_the_noise_floor_is_that_of_white_noise(rng: np.random.Generator) -> None:
    """The mean of 18 samples has a deviation of 1 / sqrt(18); a difference, sqrt(2) times that."""
    found = detect(rng.normal(size=40_000), 120.0)
    assert found.noise_floor == pytest.approx(np.sqrt(2 / 18), rel=0.03)
    assert found.visible >= 3 * found.noise_floor


@pytest.mark.repeats
def test_jerks_do_not_raise_the_noise_floor(rng: np.random.Generator) -> None:
    times_s = np.arange(1800) / 60
    values = 0.1 * rng.normal(size=times_s.size)
    quiet = detect(values, 60.0).noise_floor
    for begin_s in np.arange(1.0, 29.0, 1.5):
        values += 3 * jerk(times_s, begin_s)
    assert detect(values, 60.0).noise_floor == pytest.approx(quiet, rel=0.15)


NONE = {
    "a single step": lambda t: 3 * step(t, 4.0),
    "two steps the same way": lambda t: 2 * step(t, 4.0) + 2 * step(t, 4.25),
    "held for too long": lambda t: 3 * jerk(t, 3.0, 1.2),
    "a drift": lambda t: 2 * np.sin(2 * np.pi * 0.3 * t),
    "an outlier of one frame": lambda t: np.where(np.arange(t.size) == t.size // 2, 6.0, 0.0),
    "at the beginning": lambda t: 3 * jerk(t, -0.1),
    "at the end": lambda t: 3 * jerk(t, t[-1] - 0.2),
}


@pytest.mark.parametrize("kind", NONE)
@pytest.mark.parametrize("fps", [30.0, 60.0, pytest.param(120.0, marks=pytest.mark.repeats)])
def test_what_is_no_jerk(rng: np.random.Generator, kind: str, fps: float) -> None:
    times_s = np.arange(round(8 * fps)) / fps
    values = NONE[kind](times_s) + 0.1 * rng.normal(size=times_s.size)
    assert len(detect(values, fps).amplitude) == 0


def test_a_jerk_across_missing_samples_is_not_counted(rng: np.random.Generator) -> None:
    times_s = np.arange(480) / 60
    values = 2 * jerk(times_s, 4.0) + 0.05 * rng.normal(size=480)
    keep = np.ones(480, bool)
    assert len(detect_jerks(values, keep, times_s, 1 / 60).amplitude) == 1
    # A dropped frame or two are bridged.
    keep[246:248] = False
    found = detect_jerks(values, keep, times_s, 1 / 60)
    assert len(found.amplitude) == 1
    assert times_s[found.interval[0]] == pytest.approx([4.0, 4.25], abs=0.04)
    keep[244:252] = False
    found = detect_jerks(values, keep, times_s, 1 / 60)
    assert len(found.amplitude) == 0
    # Two runs of 244 and 228 frames, each of which loses 0.6 s.
    assert found.searched_s == pytest.approx((244 + 228) / 60 - 2 * 0.6, abs=0.05)
    values[244:252] = np.nan
    assert len(detect_jerks(values, np.ones(480, bool), times_s, 1 / 60).amplitude) == 0


def test_jerks_are_found_at_irregular_times(rng: np.random.Generator) -> None:
    """A clock that jitters by a quarter of a frame, and a tenth of the frames dropped."""
    times_s = np.sort(np.arange(600) / 60 + rng.uniform(-0.25, 0.25, 600) / 60)
    times_s = times_s[rng.random(600) < 0.9]
    values = 0.05 * rng.normal(size=times_s.size)
    for begin_s in (2.0, 5.0, 8.0):
        values += 2 * jerk(times_s, begin_s)
    found = detect_jerks(values, np.ones(times_s.size, bool), times_s, 1 / 60)
    assert times_s[found.interval[:, 0]] == pytest.approx([2.0, 5.0, 8.0], abs=0.05)
    assert_allclose(found.amplitude, 2, rtol=0.15)


@pytest.mark.repeats
@pytest.mark.parametrize("fps", [30.0, 60.0, 120.0])
def test_noise_alone_shows_few_jerks(fps: float) -> None:
    """Of noise that is half white, half slow: under one a minute."""
    rng = np.random.default_rng(8)
    found = detect(noise(rng, round(240 * fps), fps), fps)
    assert len(found.amplitude) <= 4


@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_too_few_samples_show_nothing(size: int) -> None:
    found = detect(np.zeros(size), 30.0)
    assert (len(found.amplitude), found.searched_s) == (0, 0.0)
    assert np.isnan(found.noise_floor)


def test_series_without_anything_to_see() -> None:
    times_s = np.arange(300) / 30
    missing = detect_jerks(np.full(300, np.nan), np.ones(300, bool), times_s, 1 / 30)
    assert np.isnan(missing.visible)
    for interval_s in (1 / 30, np.nan):
        unseen = detect_jerks(np.zeros(300), np.zeros(300, bool), times_s, interval_s)
        assert np.isnan(unseen.visible)
    constant = detect(np.ones(300), 30.0)
    assert (len(constant.amplitude), constant.noise_floor, constant.visible) == (0, 0.0, 0.0)


def test_the_input_is_left_alone_and_may_have_any_layout(rng: np.random.Generator) -> None:
    times_s = np.arange(300) / 30
    values = 2 * jerk(times_s, 4.0) + 0.05 * rng.normal(size=300)
    expected = detect(values, 30.0)
    before = values.copy()
    values.setflags(write=False)
    for given in (values, np.repeat(values, 2)[::2], values.tolist()):
        found = detect_jerks(given, [True] * 300, times_s, 1 / 30)
        assert found.interval.tolist() == expected.interval.tolist()
    assert (values == before).all()
    with pytest.raises(ValueError, match="shapes"):
        detect_jerks(values, [True] * 299, times_s, 1 / 30)
    with pytest.raises(ValueError, match="strictly increasing"):
        detect_jerks(values, [True] * 300, times_s[::-1], 1 / 30)
