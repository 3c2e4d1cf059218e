"""Which job comes next, without any process: workers are counted, answers made up."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from tracker.files.fingerprint import Fingerprint
from tracker.study.jobs import Division, Indivisible, Joining, OneSegment, Whole
from tracker.study.recording import Failure, FinishedRecording, Recording, Request
from tracker.study.schedule import SEGMENTS_PER_WORKER, Schedule
from tracker.tracks.parts import Segment

FINISHED = FinishedRecording(cast("Any", None), {})
FAILED = Failure("process_died", "it died")


@dataclass(frozen=True)
class MadePart:
    """What stands for a part; a schedule only hands it on."""

    number: int


def make_recordings(folder: Path, sizes: list[int]) -> list[Recording]:
    recordings = []
    for number, size in enumerate(sizes):
        video = folder / f"{number}.mp4"
        video.write_bytes(bytes(size))
        recordings.append(Recording(video, folder, str(number), video.name))
    return recordings


def divide(count: int) -> Division:
    segments = tuple(Segment(n, count, "0" * 64, 1, 1, 3000) for n in range(count))
    return Division(Fingerprint(Path("a"), "", 0, 0), segments)


def list_divided(sizes: list[int], workers: int, tmp_path: Path) -> list[int]:
    """Return which recordings may be divided, if all are done one after the other."""
    schedule = Schedule(make_recordings(tmp_path, sizes), Request(), workers)
    divided = []
    while schedule.pending:
        index, job = schedule.take()
        assert isinstance(job, Whole)
        if job.segments > 1:
            divided.append(index)
        assert schedule.note(index, job, FINISHED) is FINISHED
    return divided


@pytest.mark.parametrize(
    ("sizes", "workers", "expected"),
    [
        ([100], 1, []),
        ([100], 2, [0]),
        ([100] * 6, 1, []),
        # Only the last one would leave the other worker with nothing to do.
        ([100] * 6, 2, [5]),
        ([100] * 6, 3, [4, 5]),
        # An hour among minutes: wherever it is, the rest is done before it.
        ([600, 10, 10, 10], 2, [0, 3]),
        ([10, 10, 10, 600], 2, [3]),
        # Of the second long one, the worker that has the first may do a part when it is done.
        ([10, 600, 600, 10], 2, [2, 3]),
        ([0, 0], 2, []),
    ],
)
def test_what_others_would_wait_for_is_divided(
    sizes: list[int], workers: int, expected: list[int], tmp_path: Path
) -> None:
    assert list_divided(sizes, workers, tmp_path) == expected


def test_there_are_segments_for_workers_that_join_in_later(tmp_path: Path) -> None:
    alone = Schedule(make_recordings(tmp_path, [100]), Request(), 4).take()[1]
    schedule = Schedule(make_recordings(tmp_path, [1, 100]), Request(), 4)
    schedule.take()
    assert cast("Whole", alone).segments == 4
    assert cast("Whole", schedule.take()[1]).segments == 4 * SEGMENTS_PER_WORKER


def start_divided(
    tmp_path: Path, sizes: tuple[int, ...] = (100, 1), overlay: bool = False
) -> tuple[Schedule, list[OneSegment]]:
    """Return a schedule whose first recording is divided into three segments, which are taken."""
    schedule = Schedule(make_recordings(tmp_path, [*sizes]), Request(overlay=overlay), 2)
    index, job = schedule.take()
    assert schedule.note(index, job, divide(3)) is None
    taken = [schedule.take() for _ in range(3)]
    assert [index for index, _ in taken] == [0, 0, 0]
    jobs = [cast("OneSegment", one) for _, one in taken]
    assert [one.segment.index for one in jobs] == [0, 1, 2]
    return schedule, jobs


def test_parts_are_joined_before_anything_else_begins(tmp_path: Path) -> None:
    schedule, jobs = start_divided(tmp_path)
    for number in (2, 0):
        assert schedule.note(0, jobs[number], cast("Any", MadePart(number))) is None
        assert [index for index, _ in schedule.pending] == [1]
    schedule.note(0, jobs[1], cast("Any", MadePart(1)))
    index, joining = schedule.take()
    assert index == 0
    assert isinstance(joining, Joining)
    assert joining.parts == (MadePart(2), MadePart(0), MadePart(1))
    assert schedule.note(0, joining, FINISHED) is FINISHED
    assert schedule.is_done(0)


def test_a_killed_worker_takes_its_recording_along_and_no_other(tmp_path: Path) -> None:
    schedule = Schedule(make_recordings(tmp_path, [100, 1]), Request(), 2)
    schedule.note(*schedule.take(), divide(3))
    taken = [schedule.take() for _ in range(2)]
    assert schedule.note(*taken[0], FAILED) is FAILED
    # The third segment is not tracked any more, and nobody waits for the second.
    assert [index for index, _ in schedule.pending] == [1]
    assert schedule.note(*taken[1], cast("Any", MadePart(1))) is None
    assert [index for index, _ in schedule.pending] == [1]


def test_what_is_not_as_planned_is_tracked_as_a_whole(tmp_path: Path) -> None:
    schedule, jobs = start_divided(tmp_path)
    schedule.note(0, jobs[0], cast("Any", MadePart(0)))
    schedule.note(0, jobs[1], Indivisible())
    schedule.note(0, jobs[2], Indivisible())
    index, whole = schedule.take()
    assert (index, whole) == (0, Whole(jobs[0].recording))
    assert [index for index, _ in schedule.pending] == [1]
    assert schedule.note(0, whole, FINISHED) is FINISHED


@pytest.mark.parametrize("overlay", [False, True])
def test_progress_is_that_of_the_recording(tmp_path: Path, overlay: bool) -> None:
    schedule, jobs = start_divided(tmp_path, overlay=overlay)
    # An annotated copy is a second pass over all frames.
    expected = 18_000 if overlay else 9000
    assert schedule.note_progress(0, jobs[0], 100, 3000) == (100, expected)
    assert schedule.note_progress(0, jobs[2], 50, 3000) == (150, expected)
    assert schedule.note_progress(0, jobs[0], 120, 3000) == (170, expected)
    assert schedule.note_progress(1, Whole(jobs[0].recording), 7, 9) == (7, 9)
