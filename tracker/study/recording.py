"""Analyse one video and write all its files. The command ``analyze`` does this for each video."""

import functools
import hashlib
import json
import os
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from tracker.files.documents import parse_summary
from tracker.files.fields import Summary
from tracker.files.fingerprint import Fingerprint, VideoChangedError, take_fingerprint
from tracker.files.names import CORRECTIONS, DETECTED, ENDINGS, result_path
from tracker.files.participants import Participant, Participants
from tracker.files.provenance import identify_program
from tracker.parameters import Parameters
from tracker.video.container import InputError
from tracker.words import Language

if TYPE_CHECKING:
    from tracker.face.follow import FaceFinder
    from tracker.measures.corrections import Corrections
    from tracker.result import Result
    from tracker.tracks.parts import Part, Segment
    from tracker.tracks.track import Track


_Report = Callable[[int, int, int], None]
"""A function that is told the progress of one pass over a video. Its arguments are the number of
frames done in earlier passes, the number done in this pass, and the number expected in this one."""
OWN_VIDEO_ENDINGS = (f".{ENDINGS['overlay']}",)
"""Endings of the names of videos that this program writes itself."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for, besides the parameters of the analysis; the same for each recording.

    A new kind of file needs a field here, its name in `Recording.files` and a line in `_write`. A
    finished recording is analysed again if any of these fields has changed.

    Attributes
    ----------
    overlay : bool
        Whether to write an annotated copy of the video.
    blur_face : bool
        Whether that copy shows a box around each eye, and plain grey in place of all else.
    report, pdf : {"en", "ko", None}
        Language of the report, and of its first part on one sheet as PDF; None for none.
    keep_step : bool
        Whether the user gave a step. Of a video with too many frames, a step of 1 is then kept, and
        the end is not analysed. Otherwise it is raised: only every second frame, say, is analysed.
    """

    overlay: bool = False
    blur_face: bool = False
    report: Language | None = None
    pdf: Language | None = None
    keep_step: bool = False

    @property
    def needs_pictures(self) -> bool:
        """Whether a report or a PDF is wanted: they show pictures of the eyes."""
        return bool(self.report or self.pdf)


@dataclass(frozen=True, slots=True)
class Recording:
    """A video, and where the files of its results go.

    Attributes
    ----------
    video, directory : Path
        The video's file, and where its results go: a directory that is made when they are written.
    stem : str
        Beginning of the files' names.
    name : str
        What the user is shown: for ``videos/a/b.mp4``, found in the directory ``videos``, it is
        ``a/b.mp4``, or ``videos/a/b.mp4`` if several directories were searched; else the file name.
    participant : Participant, optional
        Who was recorded; None if nothing says it.
    """

    video: Path
    directory: Path
    stem: str
    name: str
    participant: Participant | None = None

    def files(self, request: Request, corrected: bool = False) -> dict[str, Path]:
        """Return the path of each file to write, by its kind, such as ``"report"``; summary first.

        `corrected` says that a person corrected the recording. Two kinds then follow: ``detected``,
        the closures as the program detected them, and ``corrections``, what the person said.
        """
        kinds = ["summary", "frames", "blinks", "saccades", "track"]
        kinds += ["overlay"] if request.overlay else []
        kinds += ["report"] if request.report else []
        kinds += ["pdf"] if request.pdf else []
        files = {kind: result_path(self.directory, self.stem, kind) for kind in kinds}
        if corrected:
            files["detected"] = self.directory / f"{self.stem}.{DETECTED}"
            files["corrections"] = self.directory / f"{self.stem}.{CORRECTIONS}"
        return files


@dataclass(frozen=True, slots=True)
class FinishedRecording:
    """The outcome of a recording that was analysed, small enough to pass between processes.

    Attributes
    ----------
    summary : Summary
    files : dict of str to Path
        From `Recording.files`: the path of each file by its kind, such as ``"report"``.
    resumed : bool
        True if an earlier run of the program wrote the files, and they were kept.
    """

    summary: Summary
    files: dict[str, Path]
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a recording has no result, small enough to pass between processes.

    Attributes
    ----------
    code : str
        Kind of failure, for programs, such as ``undecodable``.
    message : str
        What happened and what to do about it.
    is_input : bool
        True if the input is at fault, not the program or the machine.
    """

    code: str
    message: str
    is_input: bool = False

    def message_alone(self, recording: Recording) -> str:
        """Return the message without the video's name or path at its beginning."""
        alone = self.message
        for name in (recording.video, recording.video.name):
            alone = alone.removeprefix(f"{name}: ")
        return alone


def explain_failure(error: Exception) -> Failure:
    """Turn any exception into a failure, whose message the user can understand."""
    if isinstance(error, InputError):
        return Failure(error.code, str(error), is_input=True)
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return Failure("system_error", f"{error.strerror or error}{where}")
    # Here, because a damaged installation is rare, and this loads NumPy.
    from tracker.face.models import ModelFileError

    if isinstance(error, ModelFileError):
        return Failure("installation_damaged", str(error))
    raised_at = traceback.extract_tb(error.__traceback__)[-1]
    return Failure(
        "internal_error",
        f"{type(error).__name__}: {error} ({Path(raised_at.filename).name}:{raised_at.lineno}). "
        "Please report this line.",
    )


def analyze_recording(
    recording: Recording,
    parameters: Parameters,
    request: Request,
    make_finder: Callable[[], "FaceFinder"],
    on_progress: Callable[[int, int], None] | None = None,
    resume: bool = False,
    decode_ahead: bool = True,
) -> FinishedRecording:
    """Analyse a video and write all its files. Existing ones are replaced.

    What a person corrected, in the file of corrections beside the results, is applied.

    Parameters
    ----------
    recording, parameters, request
    make_finder : callable
        Returns the face models. It is only called if the video must be tracked.
    on_progress : callable, optional
        Called with the number of frames done and expected (0: unknown). With an annotated copy, a
        frame counts twice: when it is tracked, and when it is copied.
    resume : bool, default False
        If this very program wrote the files before, from the same video, parameters, request,
        corrections and participant, and the summary is unedited, return them without an analysis.
    decode_ahead : bool, default True
        Decode on a second thread, if there is a second core.

    Returns
    -------
    FinishedRecording

    Raises
    ------
    InputError
        The video cannot be read, it changed during the work, or its corrections cannot be used.
    OSError
        A file cannot be written.
    """
    fingerprint = take_fingerprint(recording.video)
    corrections = _read_corrections(recording, fingerprint)
    asked = (recording, parameters, request, fingerprint, corrections)
    if resume and (finished := _load_finished(*asked)):
        return finished

    # Only here: a recording that is finished already needs none of it.
    from tracker.pipeline import track_recording

    def track(report: _Report, pictures: dict[int, bytes] | None) -> "Track":
        return track_recording(
            recording.video,
            make_finder(),
            parameters,
            functools.partial(report, 0),
            fingerprint=fingerprint,
            eye_pictures=pictures,
            decode_ahead=decode_ahead,
            keep_step=request.keep_step,
        )

    return _finish(*asked, track, on_progress, decode_ahead)


def _read_corrections(recording: Recording, fingerprint: Fingerprint) -> "Corrections | None":
    """Return what a person corrected in this recording; None if there is no file of it.

    `fingerprint` is the video's. A file of another video, or a damaged one, raises `InputError`.
    """
    path = recording.directory / f"{recording.stem}.{CORRECTIONS}"
    if not os.path.lexists(path):
        return None
    # Only here, because it loads the kernels.
    from tracker.files.corrections import read_of_video

    return read_of_video(path, fingerprint.sha256)


def find_person(participants: Participants, recording: Recording) -> Participant | None:
    """Return who was recorded, by the video's name and place; None if the table does not say it."""
    name = PurePath(recording.name).with_suffix("").as_posix()
    return participants.find(name, recording.name, recording.video.parent)


def is_long(recording: Recording, parameters: Parameters) -> bool:
    """Return whether a video may be divided: every `step`-th of its frames gives 3000 or more.

    False if it cannot be read. Loads no kernel and no model.
    """
    from tracker.face.blocks import BLOCK_FRAMES
    from tracker.video.frames import Video

    try:
        with Video(recording.video) as video:
            return video.expected_frames // parameters.step >= 2 * BLOCK_FRAMES
    except InputError:
        return False


def divide_recording(
    recording: Recording, parameters: Parameters, request: Request, segments: int, resume: bool
) -> "tuple[Fingerprint, tuple[Segment, ...]] | FinishedRecording | None":
    """Plan the segments of a long video, so that several processes can track it.

    Parameters
    ----------
    recording, parameters, request
    segments, resume : int, bool
        Most segments to make; whether the files of an earlier run may be kept.

    Returns
    -------
    tuple of Fingerprint and tuple of Segment
        Of a long video: its hash, and two or more segments, in order.
    FinishedRecording
        Returned if `resume` is true and the files of an earlier run can be kept.
    None
        Returned if the video is too short, cannot be opened, or cannot be divided.

    Raises
    ------
    InputError
        The video can no longer be read, or its corrections cannot be used.
    """
    if not is_long(recording, parameters):
        return None
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as aside:
        # Other processors have nothing to do yet, so the file is hashed while it is planned.
        hashing = aside.submit(take_fingerprint, recording.video)
        if resume:
            fingerprint = hashing.result()
            corrections = _read_corrections(recording, fingerprint)
            if finished := _load_finished(recording, parameters, request, fingerprint, corrections):
                return finished
        from tracker.tracks.segments import plan_segments

        most_frames = parameters.cover_whole().most_frames
        plan = plan_segments(
            recording.video, segments, parameters.step, most_frames, request.keep_step
        )
        # What cannot be used is said before the video is tracked.
        _read_corrections(recording, hashing.result())
        return (hashing.result(), plan) if len(plan) > 1 else None


def finish_divided(
    recording: Recording,
    parameters: Parameters,
    request: Request,
    fingerprint: Fingerprint,
    parts: "Iterable[Part]",
    on_progress: Callable[[int, int], None] | None = None,
    decode_ahead: bool = True,
) -> FinishedRecording:
    """Join the parts of a video that was tracked in segments, and write all its files.

    Parameters
    ----------
    recording, parameters, request
    fingerprint : Fingerprint
        From `divide_recording`.
    parts : iterable of Part
        What `tracker.tracks.segments.track_segment` saw in each segment, in any order.
    on_progress, decode_ahead
        As for `analyze_recording`, but only used while an annotated copy is made. The frames that
        were tracked are counted as done.

    Returns
    -------
    FinishedRecording

    Raises
    ------
    InputError
        The video changed since it was divided, or its corrections cannot be used.
    OSError
        A file cannot be written.
    """
    corrections = _read_corrections(recording, fingerprint)

    def track(_report: _Report, pictures: dict[int, bytes] | None) -> "Track":
        from tracker.pipeline import join_recording

        return join_recording(parts, parameters, fingerprint, pictures)

    return _finish(
        recording, parameters, request, fingerprint, corrections, track, on_progress, decode_ahead
    )


def _finish(
    recording: Recording,
    parameters: Parameters,
    request: Request,
    fingerprint: Fingerprint,
    corrections: "Corrections | None",
    track: "Callable[[_Report, dict[int, bytes] | None], Track]",
    on_progress: Callable[[int, int], None] | None,
    decode_ahead: bool,
) -> FinishedRecording:
    """Track and measure a recording, and write its files with the hash of `_seal` in the summary.

    `track` makes the track. It gets a `_Report`, and a dict to fill with JPEGs of the eyes by the
    track's frame, or None. With `blur_face`, an earlier annotated copy is removed first.
    """
    from tracker.pipeline import measure_track

    if request.blur_face:
        # An earlier copy may show the face: it must be gone even if this analysis fails.
        recording.files(request)["overlay"].unlink(missing_ok=True)
    # An annotated copy needs a second pass over the video, which counts as half of the progress.
    passes = 2 if request.overlay else 1

    def report(before: int, done: int, expected: int) -> None:
        if on_progress is not None:
            on_progress(before + done, passes * expected)

    pictures: dict[int, bytes] = {}
    tracked = track(report, pictures if request.needs_pictures else None)
    name, person = recording.video.name, recording.participant
    result = measure_track(tracked, parameters, name, pictures, corrections, person)
    identity = _identify(recording, fingerprint.sha256, parameters, request, corrections)
    sealed = replace(result.summary, resume_key=_seal(result.summary, identity))
    result = replace(result, summary=sealed)
    _write(recording, result, request, fingerprint, report, decode_ahead)
    return FinishedRecording(sealed, recording.files(request, corrected=corrections is not None))


def _write(
    recording: Recording,
    result: "Result",
    request: Request,
    fingerprint: Fingerprint,
    report: _Report,
    decode_ahead: bool,
) -> None:
    from tracker.result import write_files

    def write_copy() -> None:
        from tracker.pages.overlay import write_overlay

        copy = write_overlay(
            recording.directory,
            recording.stem,
            recording.video,
            result.analysis,
            request.blur_face,
            functools.partial(report, result.track.times_s.size),
            decode_ahead,
        )
        try:
            fingerprint.check_unchanged()
        except VideoChangedError:
            # The copy may show other pictures than the ones in which the landmarks were found.
            copy.unlink()
            raise

    write_files(
        result,
        recording.directory,
        recording.stem,
        request.report,
        pdf=request.pdf,
        write_copy=write_copy if request.overlay else None,
    )


def _identify(
    recording: Recording,
    video_sha256: str,
    parameters: Parameters,
    request: Request,
    corrections: "Corrections | None",
) -> str:
    """Return all that a recording's files depend on, as one text: video, program, what was asked.

    If the text has changed since the files were written, they must be written again.
    """
    person = recording.participant
    identity = {
        # What the summary and the report say of the person.
        "participant": person and [person.participant_id, person.visit, person.date],
        "source": recording.video.name,
        "video_sha256": video_sha256,
        "parameters": asdict(parameters),
        "request": asdict(request),
        "corrections": corrections and asdict(corrections),
        "program": identify_program(),
    }
    return json.dumps(identity, sort_keys=True)


def _seal(summary: Summary, identity: str) -> str:
    """Return a hash of the summary and of the text from `_identify`, in hexadecimal.

    Saved in the summary as `resume_key`, it tells a later run that nobody edited the summary.
    """
    text = json.dumps(replace(summary, resume_key=None).to_dict(), sort_keys=True) + identity
    return hashlib.sha256(text.encode()).hexdigest()


def _load_finished(
    recording: Recording,
    parameters: Parameters,
    request: Request,
    fingerprint: Fingerprint,
    corrections: "Corrections | None",
) -> FinishedRecording | None:
    """Return the outcome of an earlier run, or None if the video must be analysed again.

    It is only returned if nobody edited the summary, if it was written for what `_identify` names,
    and if all files exist. Whether the other files were edited is not checked.
    """
    files = recording.files(request, corrected=corrections is not None)
    identity = _identify(recording, fingerprint.sha256, parameters, request, corrections)
    try:
        document = json.loads(files["summary"].read_text(encoding="utf-8"))
        summary, _ = parse_summary(document)
    except (OSError, ValueError, RecursionError):
        return None
    is_finished = (
        summary.resume_key == _seal(summary, identity)
        # Reading drops unknown fields. Compare the documents: an added field is an edit, too.
        and summary.to_dict() == document
        and all(path.is_file() for path in files.values())
    )
    return FinishedRecording(summary, files, resumed=True) if is_finished else None
