"""The bounds of the vertical range as an angle."""

import math

import pytest

from tracker.measures.ranges import bound_angle

LARGEST_DEG = 110.0
"""No person's eyes turn further from the highest to the lowest gaze."""


@pytest.mark.parametrize("low", [0.1, math.nan])
def test_no_bound_is_further_than_eyes_turn(low: float) -> None:
    """A third of the eye's width, of which landmarks show a part, would be several turns."""
    assert bound_angle((low, 0.3), 0.45)[1] == LARGEST_DEG


def test_what_is_not_known_has_no_bound() -> None:
    assert math.isnan(bound_angle((math.nan, 0.3), 0.45)[0])
    assert math.isnan(bound_angle((0.1, math.nan), 0.45)[1])
    assert all(math.isnan(end) for end in bound_angle((0.1, 0.3), math.nan))
