"""What lies beside a sample."""

import numpy as np
import pytest

from tracker.measures.traces import is_seen_beside

TIMES_S = np.array([0.0, 0.03, 2.0, 2.03])
SEEN = np.array([True, True, True, False])


@pytest.mark.parametrize(
    ("sample", "beside", "is_seen"),
    [
        (0, 1, True),
        (1, 0, True),
        (0, -1, False),  # before the recording
        (1, 2, False),  # after two seconds without frames
        (2, 1, False),
        (2, 3, False),  # no face
        (3, 4, False),  # after the recording
    ],
)
def test_a_face_is_seen_beside_a_sample(sample: int, beside: int, is_seen: bool) -> None:
    assert is_seen_beside(SEEN, TIMES_S, sample, beside) is is_seen
