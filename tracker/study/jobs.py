"""The jobs of a worker: analyse a whole recording, track one of its segments, or join its parts.

A worker is a process (`tracker.study.workers`). A long recording is divided if other workers would
otherwise wait for the one that analyses it: a first job plans its segments, each segment is a job,
and a last job joins what was seen in them, the parts. The results are the same: see
`tracker.tracks.segments`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tracker.files.fingerprint import Fingerprint
from tracker.parameters import Parameters
from tracker.study.recording import (
    FinishedRecording,
    Recording,
    Request,
    analyze_recording,
    divide_recording,
    finish_divided,
)

if TYPE_CHECKING:
    from tracker.face.follow import FaceFinder
    from tracker.study.recording import Failure
    from tracker.tracks.parts import Part, Segment

    Answer: TypeAlias = "FinishedRecording | Failure | Division | Indivisible | Part"
    """What comes of a job."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The job to analyse `recording` in one piece, or, if it is long, only to plan its segments.

    `segments` is the most segments that it may be divided into; 1 never divides it, however long it
    is. A recording that is too short, or that cannot be divided, is analysed at once.
    """

    recording: Recording
    segments: int = 1


@dataclass(frozen=True, slots=True)
class OneSegment:
    """The job to track `segment` of `recording`: to find the landmarks of the segment's frames.

    `segment` is one of those that the recording's `Division` holds.
    """

    recording: Recording
    segment: "Segment"


@dataclass(frozen=True, slots=True)
class Joining:
    """The job to join the parts of a divided recording, to measure it, and to write its files.

    `parts` holds what was seen in each segment: one for each, in any order. `fingerprint` is that
    of the video when it was divided; another one means that the file has changed.
    """

    recording: Recording
    fingerprint: Fingerprint
    parts: "tuple[Part, ...]"


Job = Whole | OneSegment | Joining


@dataclass(frozen=True, slots=True)
class Division:
    """The answer to `Whole` for a long recording: the segments in which it must be tracked.

    There are two or more, in the order of time. `fingerprint` is the video's hash, to notice later
    whether the file has changed.
    """

    fingerprint: Fingerprint
    segments: "tuple[Segment, ...]"


@dataclass(frozen=True, slots=True)
class Indivisible:
    """The answer to `OneSegment` if the video's frames are not where the plan expects them.

    The recording must then be analysed in one piece; its other parts are of no use.
    """


def do_job(
    job: Job,
    parameters: Parameters,
    request: Request,
    make_finder: "Callable[[], FaceFinder]",
    on_progress: Callable[[int, int], None],
    *,
    resume: bool,
    decode_ahead: bool,
) -> "Answer":
    """Do a job, and return what comes of it.

    Parameters
    ----------
    job : Whole, OneSegment or Joining
    parameters, request : Parameters, Request
    make_finder : callable
        Returns the face models. It is only called if frames must be tracked.
    on_progress : callable
        Called after frames with the number done and expected (0: unknown), of the segment or the
        whole recording. With an annotated copy, a recording's frames count twice.
    resume : bool
        Only for `Whole`: keep the files of an earlier run if they are those that would be written.
    decode_ahead : bool
        Decode on a second thread, except for `OneSegment`.

    Returns
    -------
    FinishedRecording, Division, Indivisible or Part
        For `Whole`, a `FinishedRecording` or a `Division`. For `OneSegment`, the `Part` that was
        seen in it, or `Indivisible`. For `Joining`, a `FinishedRecording`. Never a `Failure`.

    Raises
    ------
    InputError
        The video cannot be read, it changed during the work, or its corrections cannot be used.
    OSError
        A file cannot be written.
    """
    if isinstance(job, OneSegment):
        return _track(job, request, make_finder, on_progress)
    if isinstance(job, Whole) and job.segments > 1:
        found = divide_recording(job.recording, parameters, request, job.segments, resume)
        if isinstance(found, FinishedRecording):
            return found
        if found is not None:
            return Division(*found)
    if isinstance(job, Joining):
        return finish_divided(
            job.recording,
            parameters,
            request,
            job.fingerprint,
            job.parts,
            on_progress,
            decode_ahead,
        )
    return analyze_recording(
        job.recording, parameters, request, make_finder, on_progress, resume, decode_ahead
    )


def _track(
    job: OneSegment,
    request: Request,
    make_finder: "Callable[[], FaceFinder]",
    on_progress: Callable[[int, int], None],
) -> "Part | Indivisible":
    from tracker.tracks.segments import track_segment
    from tracker.video.frames import DivisionError

    try:
        return track_segment(
            job.recording.video,
            job.segment,
            make_finder(),
            on_progress=on_progress,
            decode_ahead=False,
            keep_eyes=request.needs_pictures,
        )
    except DivisionError:
        return Indivisible()
