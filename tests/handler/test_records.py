"""How the record of an analysis goes from one state to the next."""

import json
from dataclasses import asdict

import pytest

from handler.errors import ConflictError, UndecodableError
from handler.fan_out import check_attempts
from handler.records import Record, claim, fail, give_back, requeue

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


def test_only_killed_attempts_count_against_a_file() -> None:
    """A file is refused after two attempts that left neither a result nor an error."""
    error = {"code": "x", "error": "y"}
    failed = fail(claim(RECORD, "a", 0.0, 1.0), error)
    given_back = give_back(claim(failed, "b", 2.0, 3.0))
    once = claim(given_back, "c", 4.0, 5.0)
    # One ordinary failure, one attempt that does not count, and one kill.
    check_attempts(once)
    twice = claim(once, "d", 6.0, 7.0)
    assert (twice.attempts, twice.killed) == (3, 1)
    with pytest.raises(UndecodableError, match="was stopped 2 times without a result"):
        check_attempts(twice)
    # Whoever sends it again after that gets another attempt.
    check_attempts(requeue(fail(twice, error)))


def test_a_record_of_before_kills_were_counted_is_read() -> None:
    document = asdict(claim(RECORD, "a", 0.0, 1.0))
    del document["killed"]
    stored = Record(**json.loads(json.dumps(document)))
    assert claim(stored, "b", 2.0, 3.0).killed == 1
