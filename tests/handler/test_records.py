"""How the record of an analysis goes from one state to the next."""

import pytest

from handler.errors import ConflictError
from handler.records import Record, claim, fail, requeue

RECORD = Record("0" * 32, "u", "k", "2026-01-02T03:04:05.000000+00:00", {})


def test_a_failed_record_is_retried_and_a_stale_one_taken_over() -> None:
    mine = claim(RECORD, "me", 100.0, 200.0)
    with pytest.raises(ConflictError, match="running"):
        claim(mine, "other", 199.9, 300.0)
    assert claim(mine, "other", 200.0, 300.0).owner == "other"
    failed = fail(mine, {"code": "x", "error": "y"})
    again = claim(failed, "other", 100.0, 300.0)
    assert (again.state, again.error, again.attempts) == ("processing", None, 2)
    assert requeue(failed).state == "queued"
