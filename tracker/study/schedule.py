"""Which job comes next when several processes analyse recordings, and what their answers mean.

`tracker.study.jobs` defines the jobs and the answers. This module only decides; it starts nothing.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tracker.study.jobs import Division, Indivisible, Job, Joining, OneSegment, Whole
from tracker.study.recording import Failure, FinishedRecording, Recording, Request

if TYPE_CHECKING:
    from tracker.study.jobs import Answer
    from tracker.tracks.parts import Part


SEGMENTS_PER_WORKER = 3
"""Segments for each worker if there are other recordings too. Each costs some extra frames."""


class Schedule:
    """The jobs to do: recordings in their order, and long ones in segments where that saves time.

    Until nothing is pending and no job is being done: `take` a job, do it, and `note` its answer.

    Parameters
    ----------
    recordings : sequence of Recording
    request : Request
    workers : int
        Number of processes that do jobs; 1 never divides a recording.

    Attributes
    ----------
    pending : deque of (int, Job)
        Jobs that no process has yet, each after the index of its recording in `recordings`; the
        next one first. It may be empty while other jobs are being done, whose answers can add some.
    """

    def __init__(self, recordings: Sequence[Recording], request: Request, workers: int) -> None:
        self._workers = workers
        # Workers that are busy with other recordings join in later, so that all need segments.
        self._segments = workers if len(recordings) == 1 else SEGMENTS_PER_WORKER * workers
        self._passes = 2 if request.overlay else 1
        self._sizes = [_size_bytes(recording) for recording in recordings]
        self._left_bytes = sum(self._sizes)
        self._divided: dict[int, _Divided] = {}
        self._done: set[int] = set()
        self.pending: deque[tuple[int, Job]] = deque(
            (index, Whole(recording)) for index, recording in enumerate(recordings)
        )

    def take(self) -> tuple[int, Job]:
        """Remove the next job from `pending`, and return the index of its recording and the job.

        Call it only if `pending` is not empty. A `Whole` may come back with more `segments` than it
        had in `pending`: if the other workers would otherwise be idle before it is done.
        """
        index, job = self.pending.popleft()
        if isinstance(job, Whole) and index not in self._divided:
            # A file's size stands for the work. If it is more than a worker's share of what is
            # left, the other workers would be idle before this one is done.
            size, left = self._sizes[index], self._left_bytes
            self._left_bytes -= size
            if self._workers > 1 and size * self._workers > left:
                job = replace(job, segments=self._segments)
        return index, job

    def note(self, index: int, job: Job, answer: "Answer") -> FinishedRecording | Failure | None:
        """Note a job's answer, and return the recording's outcome if it is known now, else None.

        `index` and `job` are what `take` returned. The answer may add jobs to the front of
        `pending`, such as the segments of a long recording. A failure removes the recording's other
        jobs from it; what jobs that are being done then answer is ignored, and None is returned.
        """
        if index in self._done:
            # Another of its segments has failed.
            return None
        if isinstance(answer, FinishedRecording | Failure):
            self._done.add(index)
            self._forget(index)
            return answer
        if isinstance(answer, Division):
            self._divided[index] = _Divided(answer)
            jobs = [OneSegment(job.recording, segment) for segment in answer.segments]
            self.pending.extendleft((index, one) for one in reversed(jobs))
            return None
        divided = self._divided[index]
        if isinstance(answer, Indivisible):
            if not divided.given_up:
                divided.given_up = True
                self._forget(index)
                self.pending.appendleft((index, Whole(job.recording)))
        elif not divided.given_up:
            divided.parts.append(answer)
            if len(divided.parts) == divided.count:
                joining = Joining(job.recording, divided.fingerprint, tuple(divided.parts))
                divided.parts.clear()
                self.pending.appendleft((index, joining))
        return None

    def note_progress(self, index: int, job: Job, done: int, expected: int) -> tuple[int, int]:
        """Return how many frames of a recording are done in all, and how many are expected.

        The recording is the one at `index`; `done` and `expected` (0: unknown) are what its `job`
        has told. If that is a `OneSegment`, both results are sums over all the recording's
        segments, and an annotated copy, which is still to come, doubles the second. For any other
        job, `done` and `expected` are returned as they are.
        """
        if not isinstance(job, OneSegment):
            return done, expected
        divided = self._divided[index]
        divided.frames_done[job.segment.index] = done
        return sum(divided.frames_done.values()), self._passes * divided.frames

    def is_done(self, index: int) -> bool:
        """Return whether the recording at `index` has its outcome: a result or a failure."""
        return index in self._done

    def _forget(self, index: int) -> None:
        """Remove all pending jobs of the recording at `index`."""
        self.pending = deque(one for one in self.pending if one[0] != index)


class _Divided:
    """A recording that is tracked in segments: what is known of them so far.

    `count` is the number of segments, and `frames` that of the frames in all of them. `parts` holds
    what was seen in the finished segments, until they are joined. `frames_done` is how many frames
    of a segment are done, by `Segment.index`. `given_up` is True once the recording must be
    analysed in one piece.
    """

    def __init__(self, division: Division) -> None:
        self.fingerprint = division.fingerprint
        self.count = len(division.segments)
        self.frames = sum(segment.max_frames for segment in division.segments)
        self.frames_done: dict[int, int] = {}
        self.parts: list[Part] = []
        self.given_up = False


def _size_bytes(recording: Recording) -> int:
    try:
        return recording.video.stat().st_size
    except OSError:
        return 0
