"""Times of frames, hand-worked."""

import numpy as np
import pytest

from tracker.video.times import repair_times


class TestRepairTimes:
    """Hand-worked."""

    index = np.arange(10)

    def test_good_times_are_kept_from_zero(self) -> None:
        times_s, source = repair_times(np.array([5.0, 5.1, 5.4]), np.array([0, 1, 2]), 30)
        np.testing.assert_allclose(times_s, [0, 0.1, 0.4], atol=1e-12)
        assert source == "stream"

    def test_a_single_step_back_is_interpolated(self) -> None:
        stream_s = self.index / 10
        stream_s[4] = 0.1
        times_s, source = repair_times(stream_s, self.index, 10)
        np.testing.assert_allclose(times_s, self.index / 10, atol=1e-12)
        assert source == "stream_repaired"

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("index", [0, 5, 9])
    def test_a_missing_stamp_is_interpolated_and_the_ends_continue(
        self, bad: float, index: int
    ) -> None:
        stream_s = self.index / 10
        stream_s[index] = bad
        times_s, source = repair_times(stream_s, self.index, 10)
        np.testing.assert_allclose(times_s, self.index / 10, atol=1e-12)
        assert source == "stream_repaired"

    @pytest.mark.parametrize(
        "stream_s",
        [np.zeros(10), np.arange(10)[::-1] / 10, np.full(10, np.nan), np.r_[1e9, np.arange(9)]],
        ids=["all the same", "backwards", "none", "first one absurd"],
    )
    def test_useless_times_give_way_to_the_frame_rate(self, stream_s: np.ndarray) -> None:
        times_s, source = repair_times(stream_s.astype(float), 2 * self.index, 25)
        np.testing.assert_allclose(times_s, 2 * self.index / 25, atol=1e-12)
        assert source == "frame_rate"

    @pytest.mark.parametrize("bad", [0, 2, 29])
    def test_a_missing_stamp_at_an_end_continues_at_the_measured_rate(self, bad: int) -> None:
        """30 frames a second, of which the container declares 25."""
        index = np.arange(30)
        stream_s = index / 30
        stream_s[bad] = np.nan
        times_s, source = repair_times(stream_s, index, 25)
        np.testing.assert_allclose(times_s, index / 30, atol=1e-12)
        assert source == "stream_repaired"

    @pytest.mark.parametrize("tick_s", [0, 1 / 90_000])
    def test_a_rate_that_is_declared_wrongly_gives_way_to_the_measured_one(
        self, tick_s: float
    ) -> None:
        """After 20 frames the clock almost stands still; the declared mean rate is twice 30."""
        index = np.arange(40)
        stream_s = np.where(index < 20, index / 30, 19 / 30 + (index - 19) * tick_s)
        times_s, source = repair_times(stream_s, index, 60)
        np.testing.assert_allclose(times_s, index / 30, atol=1e-12)
        assert source == "frame_rate"

    @pytest.mark.parametrize("frame_s", [1 / 60_000, 5.0])
    def test_implausible_steps_give_way_to_the_frame_rate(self, frame_s: float) -> None:
        times_s, source = repair_times(self.index * frame_s, self.index, 25)
        np.testing.assert_allclose(times_s, self.index / 25, atol=1e-12)
        assert source == "frame_rate"

    def test_a_container_without_a_rate_counts_as_30(self) -> None:
        times_s, _ = repair_times(np.zeros(3), np.arange(3), 0)
        np.testing.assert_allclose(times_s, [0, 1 / 30, 2 / 30], atol=1e-12)

    @pytest.mark.parametrize("count", [0, 1])
    def test_short(self, count: int) -> None:
        times_s, source = repair_times(np.full(count, 3.0), np.arange(count), 30)
        np.testing.assert_array_equal(times_s, np.zeros(count))
        assert source == "stream"

    def test_always_strictly_increasing_and_input_unchanged(self) -> None:
        rng = np.random.default_rng(3)
        for _ in range(500):
            count = int(rng.integers(1, 40))
            index = np.cumsum(rng.integers(1, 4, count))
            stream_s = np.cumsum(rng.uniform(0, 0.1, count)) + rng.choice([0, 0, 0, -5, 5], count)
            stream_s[rng.random(count) < 0.05] = np.nan
            before = stream_s.copy()
            times_s, _ = repair_times(stream_s, index, float(rng.choice([0, 24, 30, np.nan])))
            assert times_s[0] == 0
            assert (np.diff(times_s) > 0).all()
            np.testing.assert_array_equal(stream_s, before)
