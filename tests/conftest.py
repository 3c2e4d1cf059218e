"""What all tests share: one seeded source of random numbers."""

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """Return the same random numbers to every test that asks."""
    return np.random.default_rng(20160203)
