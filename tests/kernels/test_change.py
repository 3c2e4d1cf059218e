"""Changes between measurements: against naive references, tables, and simulation."""

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose

from kernels import compute_rate_interval
from kernels.change import (
    MAX_EVENTS,
    compute_detectable_change,
    compute_difference_interval,
    compute_rate_ratio_interval,
    compute_within_std,
)
from kernels.student import compute_student_quantile
from tests import naive


class TestDifference:
    def test_ends_that_lie_towards_each_other_are_added_as_squares(self) -> None:
        # Worked by hand: down hypot(3, 4) = 5, up hypot(5, 12) = 13.
        low, high = compute_difference_interval(20, (8, 24), 50, (47, 55))
        assert (low, high) == (25, 43)

    def test_symmetric_intervals_give_the_normal_one(self) -> None:
        low, high = compute_difference_interval(1, (0.4, 1.6), 2, (1.2, 2.8))
        assert_allclose((low, high), (0, 2), atol=1e-12)

    def test_the_other_way_round_is_its_mirror_image(self) -> None:
        one, other = (0.05, (0.04, 0.07)), (0.09, (0.08, 0.14))
        forth, back = (
            compute_difference_interval(*one, *other),
            compute_difference_interval(*other, *one),
        )
        assert_allclose(forth, (-back[1], -back[0]))

    def test_without_an_interval_there_is_none(self) -> None:
        interval = compute_difference_interval(1, (math.nan, math.nan), 2, (1, 3))
        assert all(math.isnan(end) for end in interval)

    def test_ends_in_the_wrong_order_are_refused(self) -> None:
        with pytest.raises(ValueError, match="ends before it begins"):
            compute_difference_interval(1, (0, 2), 1, (2, 0))


class TestRateRatio:
    @pytest.mark.parametrize(
        ("first", "second", "exposures"),
        [
            (10, 20, (1.0, 1.0)),
            (1, 1, (2.0, 3.0)),
            (7, 0, (1.5, 1.0)),
            (0, 4, (1, 2)),
            (31, 5, (1, 9)),
        ],
    )
    def test_its_ends_have_the_binomial_tails_they_should(
        self, first: int, second: int, exposures: tuple[float, float]
    ) -> None:
        low, high = compute_rate_ratio_interval(first, exposures[0], second, exposures[1])
        total = first + second
        # At a ratio of rates, the chance that an event is one of the second recording's.
        chances = [
            Fraction(ratio * exposures[1] / (ratio * exposures[1] + exposures[0]))
            for ratio in (low, high)
            if math.isfinite(ratio)
        ]
        if second:
            more = 1 - naive.binomial_at_most(second - 1, total, chances[0])
            assert more == pytest.approx(0.025, rel=1e-9)
        else:
            assert low == 0
        if first:
            fewer = naive.binomial_at_most(second, total, chances[-1])
            assert fewer == pytest.approx(0.025, rel=1e-9)
        else:
            assert high == math.inf

    def test_clopper_and_pearson_of_ten_in_thirty(self) -> None:
        # Tabulated 95 % limits of 10 of 30: 0.1729 and 0.5281.
        low, high = compute_rate_ratio_interval(20, 1, 10, 1)
        assert_allclose((low, high), (0.1729 / 0.8271, 0.5281 / 0.4719), rtol=2e-3)

    def test_nothing_limits_what_was_never_seen(self) -> None:
        assert compute_rate_ratio_interval(0, 1, 0, 1) == (0, math.inf)
        assert all(math.isnan(end) for end in compute_rate_ratio_interval(1, 0, 1, 1))

    def test_many_events_are_nearly_normal(self) -> None:
        low, high = compute_rate_ratio_interval(40_000, 1, 40_000, 1)
        half = 1.96 * math.sqrt(2 / 40_000)
        assert_allclose((math.log(low), math.log(high)), (-half, half), rtol=3e-3)

    @pytest.mark.parametrize("counts", [(-1, 3), (3, -1), (MAX_EVENTS, 1)])
    def test_counts_that_are_none_are_refused(self, counts: tuple[int, int]) -> None:
        with pytest.raises(ValueError, match="expected 0 or more"):
            compute_rate_ratio_interval(counts[0], 1, counts[1], 1)

    def test_it_holds_the_true_ratio_in_at_least_95_of_100(self) -> None:
        rng = np.random.default_rng(8)
        drawn = rng.poisson((6.0, 18.0), (4000, 2))
        pairs, times = np.unique(drawn, axis=0, return_counts=True)
        hits = 0
        for (first, second), count in zip(pairs.tolist(), times.tolist(), strict=True):
            low, high = compute_rate_ratio_interval(first, 0.5, second, 1.0)
            hits += count * (low <= 1.5 <= high)
        assert 0.95 < hits / 4000 < 0.99


class TestRepeats:
    @pytest.mark.parametrize("free", [1, 2, 3, 4, 7, 30, 101])
    def test_95_of_100_lie_within_the_quantile(self, free: int) -> None:
        quantile = compute_student_quantile(free)
        assert naive.student_within(quantile, free) == pytest.approx(0.95, abs=1e-8)

    @pytest.mark.parametrize(
        ("free", "quantile"), [(1, 12.706), (2, 4.303), (5, 2.571), (10, 2.228), (120, 1.980)]
    )
    def test_the_quantile_is_the_tabulated_one(self, free: int, quantile: float) -> None:
        assert compute_student_quantile(free) == pytest.approx(quantile, abs=6e-4)

    def test_the_spread_within_groups(self, rng: np.random.Generator) -> None:
        # By hand: squares 2 and 8 over 1 + 2 degrees of freedom.
        assert_allclose(compute_within_std([[1, 3], [10, 12, 14], [99]]), (math.sqrt(10 / 3), 3))
        groups = [rng.normal(size=n) for n in (1, 2, 5, 0)]
        groups[2][1] = math.nan
        expected = naive.within_std([group.tolist() for group in groups])
        assert_allclose(compute_within_std(groups), expected, rtol=1e-12)
        assert_allclose(compute_within_std([group + 7 for group in groups]), expected)
        std, free = compute_within_std([[1.0], [2.0]])
        assert math.isnan(std)
        assert free == 0

    def test_the_detectable_change_is_that_of_the_literature_for_many_repeats(self) -> None:
        assert compute_detectable_change(2.0, 10_000) == pytest.approx(
            1.96 * math.sqrt(2) * 2, 1e-3
        )
        # By hand: t of 4 degrees of freedom 2.7764, times 2, times sqrt(1/2 + 1/4).
        assert compute_detectable_change(2.0, 4, 2, 4) == pytest.approx(4.8090, abs=1e-3)
        assert math.isnan(compute_detectable_change(2.0, 0))
        assert math.isnan(compute_detectable_change(2.0, 3, 0, 1))

    def test_five_of_a_hundred_pairs_of_the_same_exceed_it(self) -> None:
        rng = np.random.default_rng(10)
        beyond = 0
        for _ in range(3000):
            groups = rng.normal(size=(2, 2))
            limit = compute_detectable_change(*compute_within_std(list(groups)), 2, 2)
            beyond += abs(groups[0].mean() - groups[1].mean()) > limit
        assert 0.04 < beyond / 3000 < 0.06


def test_a_rate_against_itself_agrees_with_its_own_interval() -> None:
    """The ratio's interval is wider than either rate's, and holds 1."""
    low, high = compute_rate_ratio_interval(12, 1, 12, 1)
    alone = compute_rate_interval(12, 1)
    assert low < alone[0] / 12 < 1 < alone[1] / 12 < high
