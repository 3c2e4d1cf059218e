"""Intervals and the noise floor: against a naive reference, tables, and simulation."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from kernels import (
    compute_noise_floor,
    compute_peak_to_peak_interval,
    compute_rate_interval,
    uncertainty,
)
from kernels.looks import compute_look_reach
from kernels.student import compute_student_quantile
from kernels.uncertainty import (
    BLOCK_S,
    HELD_S,
    REPLICATES,
    SEED,
    STRATUM_BLOCKS,
    _bootstrap_quantiles,
    _cut_blocks,
    _draw_weights,
    _poisson_cumulative,
    compute_bootstrap_correction,
    compute_range_reach,
    count_draws,
)
from tests import naive

Floats = NDArray[np.float64]


@pytest.mark.parametrize("sizes", [(1, 1), (3, 1, 4), (30, 29, 30, 12), (5,) * 20])
@pytest.mark.parametrize("ties", [True, False])
def test_bootstrap_is_the_reference(
    rng: np.random.Generator, sizes: tuple[int, ...], ties: bool
) -> None:
    values = rng.normal(size=sum(sizes))
    if ties:
        values = np.round(values)
    draws = rng.integers(0, len(sizes), (40, len(sizes)))
    order = np.argsort(values)
    block = np.repeat(np.arange(len(sizes)), sizes)
    blocks = np.split(values, np.cumsum(sizes)[:-1])
    for low, high in ((0.05, 0.95), (0.3, 0.6), (0.0, 1.0)):
        quantiles = np.empty((2, len(draws)))
        _bootstrap_quantiles(
            values[order],
            block[order],
            np.array(sizes),
            count_draws(draws),
            np.array([low, high]),
            np.empty((6, len(draws)), np.int32),
            quantiles,
        )
        expected = naive.bootstrap_ranges(blocks, draws, low, high)  # type: ignore[arg-type]
        assert_allclose(quantiles[1] - quantiles[0], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("count", [0, 1, 2, 200])
@pytest.mark.parametrize("missing", [0.0, 0.4, 1.0])
def test_blocks_are_the_reference(rng: np.random.Generator, count: int, missing: float) -> None:
    times_s = np.cumsum(rng.choice([0.03, 0.1, 2.7], count, p=[0.5, 0.4, 0.1]))
    values, keep = rng.normal(size=count), rng.random(count) >= missing
    values[rng.random(count) < 0.1] = np.nan
    kept, blocks, sizes = np.empty(count), *np.empty((2, count), np.int64)
    found = _cut_blocks(values, keep, times_s, 1.0, kept, blocks, sizes)
    expected = naive.cut_blocks(values.tolist(), keep.tolist(), times_s.tolist(), 1.0)
    assert kept[:found].tolist() == [value for block in expected for value in block]
    assert sizes[: len(expected)].tolist() == [len(block) for block in expected]
    assert blocks[:found].tolist() == [n for n, block in enumerate(expected) for _ in block]


def test_the_interval_is_that_of_all_draws_of_one_second_blocks() -> None:
    """Blocks are seconds, 30 frames each, whichever of them are kept; five make a stratum."""
    rng = np.random.default_rng(1)
    phases = np.repeat([0.0, 20.0, 0.0], [150, 150, 60])
    values = np.repeat(rng.normal(size=12), 30) + phases
    keep = rng.random(360) < 0.8
    keep[0] = True
    times_s = 5 + np.arange(360) / 30
    low, high = compute_peak_to_peak_interval(values, keep, times_s)
    blocks = [values[30 * n : 30 * n + 30][keep[30 * n : 30 * n + 30]] for n in range(12)]
    first, stop = [0] * 5 + [5] * 5 + [10] * 2, [5] * 5 + [10] * 5 + [12] * 2
    draws = np.random.default_rng(SEED).integers(first, stop, (REPLICATES, 12))
    kept = values[keep].tolist()
    middle = sum(naive.quantile(kept, share) for share in (0.05, 0.95)) / 2
    looks = naive.look_reach(kept, middle, compute_student_quantile)
    # Twelve blocks in three strata: tabulated for 9 degrees of freedom.
    expected = naive.peak_to_peak_interval(blocks, draws, 5, HELD_S, 2.262157, looks)  # type: ignore[arg-type]
    assert (low, high) == pytest.approx(expected, rel=2e-4)
    assert low > 0


def test_the_interval_does_not_go_below_0() -> None:
    """One short look in twelve seconds of rest: draws without it have no range."""
    values = np.zeros(360)
    values[100:125] = 1.0
    low, high = compute_peak_to_peak_interval(values, np.ones(360, bool), np.arange(360) / 30)
    assert low == 0
    assert high > 1


def test_the_interval_is_that_of_the_same_quantiles_as_the_range(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uncertainty, "REPLICATES", 200)
    values = np.random.default_rng(1).normal(size=600)
    everything, times_s = np.ones(600, bool), np.arange(600) / 30
    wide = compute_peak_to_peak_interval(values, everything, times_s)
    monkeypatch.setattr(uncertainty, "RANGE_QUANTILES", (0.4, 0.6))
    narrow = compute_peak_to_peak_interval(values, everything, times_s)
    assert narrow[1] < wide[0]
    assert sum(narrow) / 2 == pytest.approx(np.quantile(values, 0.6) - np.quantile(values, 0.4))


def test_a_constant_has_no_uncertainty_and_the_same_input_the_same_interval() -> None:
    times_s = np.arange(300) / 30
    everything = np.ones(300, bool)
    assert compute_peak_to_peak_interval(np.full(300, 0.2), everything, times_s) == (0, 0)
    noise = np.random.default_rng(2).normal(size=300)
    first, second = (compute_peak_to_peak_interval(noise, everything, times_s) for _ in "ab")
    assert first == second
    assert first[0] < first[1]


def hold_positions(rng: np.random.Generator, count: int, rate_hz: float, held_s: float) -> Floats:
    """Return normal positions (count,), each held for an exponentially distributed time."""
    changes = rng.random(count) < -math.expm1(-1 / (held_s * rate_hz))
    return rng.normal(size=changes.sum() + 1)[np.cumsum(changes)]


@pytest.mark.repeats
def test_the_interval_covers_the_true_range(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 60 simulated recordings of 24 s, of which the percentile interval holds it in 39."""
    monkeypatch.setattr("kernels.uncertainty.REPLICATES", 100)
    rng = np.random.default_rng(3)
    times_s = np.arange(240) / 10
    true_range = 2 * 1.6448536
    hits = 0
    for _ in range(60):
        values = hold_positions(rng, 240, 10, HELD_S)
        low, high = compute_peak_to_peak_interval(values, np.ones(240, bool), times_s)
        hits += low <= true_range <= high
    assert hits >= 52


def look_up_and_down(rng: np.random.Generator, count: int, rate_hz: float, look_s: float) -> Floats:
    """Return looks (count,) to -1 and to 1 in turn, each missing its end by 12 % and wandering."""
    look = np.floor(np.arange(count) / rate_hz / look_s).astype(int)
    ends = np.where(np.arange(look[-1] + 1) % 2, 1.0, -1.0)
    ends *= 1 + 0.12 * rng.normal(size=ends.size)
    return ends[look] + 0.08 * hold_positions(rng, count, rate_hz, HELD_S)


@pytest.mark.repeats
@pytest.mark.parametrize(("seconds", "look_s"), [(10, 2), (10, 5), (20, 5), (20, 10), (40, 10)])
def test_the_interval_covers_few_long_looks(
    seconds: int, look_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bootstrap alone holds the range of all looks in 30 to 88 of 100, from either side."""
    monkeypatch.setattr("kernels.uncertainty.REPLICATES", 100)
    rng = np.random.default_rng(4)
    forever = look_up_and_down(rng, 60_000, 1, look_s)
    top, bottom = np.quantile(forever, (0.05, 0.95))
    count = 5 * seconds
    times_s = np.arange(count) / 5
    everything = np.ones(count, bool)
    hits = np.zeros(3)
    for _ in range(100):
        values = look_up_and_down(rng, count, 5, look_s)
        reach = compute_range_reach(values, everything, times_s, middle=0.0)
        ends = np.quantile(values, (0.05, 0.95))
        misses = (ends[1] - ends[0] - bottom + top, ends[0] - top, ends[1] - bottom)
        hits += np.abs(misses) <= (reach.peak_to_peak, reach.top, reach.bottom)
    # Of 100 that cover with 95 %, fewer than 89 cover once in 200.
    assert hits.min() >= 89


class TestBootstrapCorrection:
    def test_by_hand(self) -> None:
        # Half-second holds in blocks of one second: V(1) = 1 - 0.5 (1 - 0.1353) = 0.5677,
        # V(5) = 0.2 (1 - 0.1) = 0.18, V(10) = 0.1 (1 - 0.05) = 0.095. Ten blocks in two strata:
        # 10 (0.5677 - 0.18) / (100 * 0.095) = 0.4081; t of 8 degrees of freedom is 2.306.
        expected = 2.306 / 1.96 / math.sqrt(0.4081)
        assert compute_bootstrap_correction(10) == pytest.approx(expected, rel=1e-3)
        # Two blocks: V(2) = 0.5 (1 - 0.25 (1 - 0.0183)) = 0.3773, and
        # 2 (0.5677 - 0.3773) / (4 * 0.3773) = 0.2523; t of 1 degree of freedom is 12.706.
        expected = 12.706 / 1.96 / math.sqrt(0.2523)
        assert compute_bootstrap_correction(2) == pytest.approx(expected, rel=1e-3)

    @pytest.mark.parametrize("blocks", [2, 3, 5, 6, 11, 24])
    def test_it_is_the_reference(self, blocks: int) -> None:
        strata = -(-blocks // STRATUM_BLOCKS)
        student = compute_student_quantile(blocks - strata)
        expected = naive.bootstrap_correction(blocks, STRATUM_BLOCKS, HELD_S / BLOCK_S, student)
        assert compute_bootstrap_correction(blocks) == pytest.approx(expected, rel=1e-4)

    def test_the_variance_of_a_mean_over_that_of_its_draws(self) -> None:
        """Of simulated holds: how means over all vary, over what draws within strata say."""
        rng = np.random.default_rng(11)
        rate_hz, blocks = 20, 12
        means, drawn = [], []
        weights = _draw_weights(blocks, REPLICATES).T / blocks
        for _ in range(1500):
            values = hold_positions(rng, blocks * rate_hz, rate_hz, HELD_S)
            means.append(values.mean())
            drawn.append((weights @ values.reshape(blocks, rate_hz).mean(axis=1)).var())
        student = compute_student_quantile(9) / 1.96
        factor = compute_bootstrap_correction(blocks) / student
        assert math.sqrt(np.var(means) / np.mean(drawn)) == pytest.approx(factor, rel=0.06)

    @pytest.mark.parametrize("blocks", [0, 1])
    def test_less_than_two_blocks_have_none(self, blocks: int) -> None:
        assert math.isnan(compute_bootstrap_correction(blocks))


def test_a_phase_of_the_task_is_in_every_draw() -> None:
    """Up for a quarter of the time and down for a quarter: a draw without one has half the range.

    One look to either end may miss it by a fifth (0.045 of 0.1, see test_looks).
    """
    rng = np.random.default_rng(5)
    phases = np.repeat([0.0, -0.1, 0.0, 0.1], 6 * 30) + rng.normal(scale=0.004, size=720)
    low, high = compute_peak_to_peak_interval(phases, np.ones(720, bool), np.arange(720) / 30)
    (reach,) = compute_look_reach(phases, -0.1, 0.1, 0.0)
    assert 0.2 - math.hypot(0.02, *reach) < low < high < 0.22 + math.hypot(0.02, *reach)


@pytest.mark.parametrize("count", [0, 1, 29])
def test_less_than_two_blocks_have_no_interval(count: int) -> None:
    interval = compute_peak_to_peak_interval(
        np.arange(count, dtype=float), np.ones(count, bool), np.arange(count) / 30
    )
    assert all(math.isnan(end) for end in interval)
    nothing = compute_peak_to_peak_interval(
        np.full(90, np.nan), np.ones(90, bool), np.arange(90) / 30
    )
    assert all(math.isnan(end) for end in nothing)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [
        # Two-sided 95 % limits of a Poisson mean, as tabulated (Garwood 1936).
        (0, 0.0, 3.689),
        (1, 0.0253, 5.572),
        (5, 1.623, 11.668),
        (10, 4.795, 18.390),
        (50, 37.11, 65.92),
        (100, 81.36, 121.63),
    ],
)
@pytest.mark.parametrize("exposure", [1.0, 0.25])
def test_poisson_limits_are_the_tabulated_ones(
    count: int, low: float, high: float, exposure: float
) -> None:
    assert_allclose(
        compute_rate_interval(count, exposure),
        (low / exposure, high / exposure),
        rtol=2e-4,
        atol=1e-3,
    )


@pytest.mark.parametrize("count", [0, 1, 7, 90])
@pytest.mark.parametrize("mean", [1e-9, 0.3, 8.0, 120.0])
def test_poisson_probabilities_are_the_reference(count: int, mean: float) -> None:
    log_factorials = np.array([math.lgamma(k + 1) for k in range(count + 1)])
    expected = naive.poisson_cumulative(count, mean)
    assert_allclose(_poisson_cumulative(log_factorials, mean), expected, rtol=1e-11)


def test_limits_of_a_count_whose_probabilities_underflow() -> None:
    # The normal approximation's, with the skewness' correction (z^2 + 2) / 6 in both.
    low, high = compute_rate_interval(2000, 1)
    assert low == pytest.approx(2000 - 1.96 * math.sqrt(2000) + 0.97, abs=0.6)
    assert high == pytest.approx(2000 + 1.96 * math.sqrt(2000) + 1.97, abs=0.6)


@pytest.mark.parametrize("exposure", [0.0, math.nan])
def test_no_exposure_no_rate(exposure: float) -> None:
    assert all(math.isnan(end) for end in compute_rate_interval(3, exposure))


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 or more"):
        compute_rate_interval(-1, 1)


def test_the_noise_floor_is_the_jitter_and_saccades_do_not_raise_it() -> None:
    rng = np.random.default_rng(4)
    jitter = rng.normal(scale=0.004, size=20_000)
    saccades = np.where(np.arange(20_000) // 50 % 2, 0.1, -0.1)
    keep = np.ones(20_000, bool)
    # 3.29 standard deviations lie between the 5th and 95th percentile of a normal distribution.
    assert compute_noise_floor(jitter, keep) == pytest.approx(0.01316, rel=0.03)
    assert compute_noise_floor(jitter + saccades, keep) == pytest.approx(0.01316, rel=0.05)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 200])
@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
def test_the_noise_floor_is_the_reference(
    rng: np.random.Generator, count: int, missing: float
) -> None:
    values, keep = rng.normal(size=count), rng.random(count) < 0.8
    values[rng.random(count) < missing] = np.nan
    expected = naive.noise_floor(values.tolist(), keep.tolist())
    assert_allclose(compute_noise_floor(values, keep), expected, rtol=1e-12)


def test_the_noise_floor_takes_neighbours_that_are_both_kept() -> None:
    values = np.array([0.0, 0.1, 50.0, 0.1, np.nan, 0.0, 0.1])
    keep = np.array([True, True, False, True, True, True, True])
    # Differences: 0.1 and 0.1; median 0.1 * 1.4826 / sqrt(2) * 3.2897.
    assert compute_noise_floor(values, keep) == pytest.approx(0.34488, rel=1e-4)
    assert math.isnan(compute_noise_floor([1.0], [True]))
    assert math.isnan(compute_noise_floor(values, np.zeros(7, bool)))


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="have shapes"):
        compute_noise_floor(np.zeros(3), np.ones(4, bool))
    with pytest.raises(ValueError, match="have shapes"):
        compute_peak_to_peak_interval(np.zeros(3), np.ones(4, bool), np.arange(3.0))
    with pytest.raises(ValueError, match="not strictly increasing"):
        compute_peak_to_peak_interval(np.zeros(3), np.ones(3, bool), np.zeros(3))
