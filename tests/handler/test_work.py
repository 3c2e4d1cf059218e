"""A record that is written while other writes of it are still under way."""

from dataclasses import replace
from typing import Any, cast

import pytest

from handler.errors import ConflictError, HandlerError, NotFoundError, ThrottledError
from handler.records import Record, claim
from handler.storage import RecordChangedError, Storage
from handler.work import Work

RECORD = Record("0" * 32, "u", "k", "2026-01-02T03:04:05.000000+00:00", {}, state="processing")


class LateStorage:
    """Writes that seemed to have failed arrive late: just before one of the next writes."""

    def __init__(self, *late: Record) -> None:
        self.late = list(late)
        self.stored = RECORD

    def replace(self, record: Record) -> None:
        if self.late:
            self.stored = self.late.pop(0)
        if record.version != self.stored.version + 1:
            raise RecordChangedError
        self.stored = record

    def read(self, _analysis_id: str) -> Record:
        return self.stored


def make_work(**late: Any) -> tuple[Work, LateStorage]:
    """Return work whose own two earlier writes are late; the last one differs by `late`."""
    storage = LateStorage()
    work = Work(cast(Storage, storage), RECORD)
    mine = replace(RECORD, owner=work.owner)
    storage.late = [replace(mine, version=2), replace(mine, version=3, **late)]
    return work, storage


def test_earlier_writes_of_ones_own_that_arrive_late_are_gone_on_from() -> None:
    work, storage = make_work()
    work.save(replace(RECORD, owner=work.owner, version=2, progress_percent=50))
    assert storage.stored.version == 4
    assert storage.stored.progress_percent == 50
    assert work.record == storage.stored


def test_one_that_takes_over_meanwhile_is_a_conflict() -> None:
    work, storage = make_work(owner="another")
    with pytest.raises(ConflictError):
        work.save(replace(RECORD, owner=work.owner, version=2))
    assert storage.stored.owner == "another"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ThrottledError("throttled", "Later."), "processing"),
        (NotFoundError("file_not_found", "Gone."), "failed"),
    ],
)
def test_a_kill_still_counts_if_the_next_process_fails_before_its_attempt(
    error: HandlerError, state: str
) -> None:
    storage = LateStorage()
    storage.stored = replace(RECORD, owner="killed", lease_until_s=1.0, attempts=1)
    Work(cast(Storage, storage), storage.stored).fail(error, comes_again=True)
    assert storage.stored.state == state
    # The next attempt begins after one kill, and nothing but a begun attempt counts as one.
    after = claim(storage.stored, "next", 2.0, 3.0)
    assert (after.killed, after.attempts) == (1, 2)
