"""The steps from a video to its result: track, measure, assess, summarise.

Every analysis uses these functions: in the command line, the Python API, the Lambda function,
`compare`, `profile` and the check of the deployed bundle. `measure_still` measures a picture.
`tracker.result` writes results to files.
"""

import functools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.files.corrections import check_corrections
from tracker.files.fingerprint import Fingerprint, HashedStream, take_fingerprint
from tracker.files.participants import Participant
from tracker.files.summary import summarize
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.measures.corrections import Corrections
from tracker.measures.still import StillMeasures, analyze_image
from tracker.parameters import Parameters
from tracker.result import Result
from tracker.tracks.segments import join_parts
from tracker.tracks.track import Track, TrackInfo, raise_step, track_video
from tracker.video.division import count_frames
from tracker.video.frames import Video
from tracker.video.stills import read_image

if TYPE_CHECKING:
    from tracker.face.follow import FaceFinder
    from tracker.tracks.parts import Part


def track_recording(
    source: Path | BufferedIOBase | Video,
    finder: "FaceFinder",
    parameters: Parameters,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    fingerprint: Fingerprint | None = None,
    budget_s: float | None = None,
    eye_pictures: dict[int, bytes] | None = None,
    decode_ahead: bool = True,
    keep_step: bool = False,
) -> Track:
    """Find the eyes' landmarks in a video; the track also names its protocol, task and hash.

    Parameters
    ----------
    source : Path, BufferedIOBase or Video
        A file, a seekable binary stream, or an open video, which is closed at the end.
    finder, parameters : FaceFinder, Parameters
        The models; which frames to track, the protocol and the task.
    on_progress, eye_pictures : callable, dict, optional
        Called with frames tracked and expected (0: unknown); filled with JPEGs, by index in track.
    budget_s : float, optional
        Seconds that this may take; if they are few, frames are skipped, or the track ends early.
    decode_ahead, keep_step : bool
        Decode on a second thread; keep a step of 1 even if `max_frames` then ends the track early.
    fingerprint : Fingerprint, optional
        Of the video's file, if it was taken before. If not, a file is hashed here. A stream is
        hashed while it is decoded, unless over 16 MB of it are left then. An open `Video` is not.

    Returns
    -------
    Track
        If there is no face, all landmarks are NaN.

    Raises
    ------
    InputError
        The video cannot be read or decoded, or its file was written to during the analysis.
    """
    start_s = time.monotonic()
    if fingerprint is None and isinstance(source, Path):
        # Hash first: the system then has the file in memory when FFmpeg reads it.
        fingerprint = take_fingerprint(source)
    stream = HashedStream(source) if isinstance(source, BufferedIOBase) else None
    track = _track_all_that_fits(
        stream or source,
        parameters,
        keep_step,
        None if budget_s is None else budget_s - (time.monotonic() - start_s),
        eye_pictures,
        functools.partial(
            track_video, finder=finder, on_progress=on_progress, decode_ahead=decode_ahead
        ),
    )
    video_sha256 = stream.finish() if stream else ""
    if fingerprint is not None:
        fingerprint.check_unchanged()
        video_sha256 = fingerprint.sha256
    return replace(track, info=describe_source(track.info, parameters, video_sha256))


def _track_all_that_fits(
    source: Path | BufferedIOBase | Video,
    parameters: Parameters,
    keep_step: bool,
    budget_s: float | None,
    eye_pictures: dict[int, bytes] | None,
    track_with: Callable[..., Track],
) -> Track:
    """Track a recording, and once more if the step did not suit its number of frames.

    The step says which frames are tracked: every `step`-th one. A video file may promise many more
    frames than it has, because its clock jumped or its sound is longer. The step is then raised
    without need. A file may also promise fewer frames than it has, or no number if it was recorded
    live. Then `max_frames` may end the track too early. The second track is returned instead of the
    first. There is none if `source` is an open `Video`, `keep_step` is set, the caller's step is
    above 1, or the first track took a third of `budget_s` or more.

    `track_with` is `track_video` with its models and callbacks; the other arguments are those of
    `track_recording`, and `budget_s` is what is left of the time in seconds, or None.
    """
    start_s = time.monotonic()
    track_with = functools.partial(track_with, step=parameters.step, eye_pictures=eye_pictures)
    video = source if isinstance(source, Video) else Video(source)
    most_frames = _bound_frames(parameters, video.expected_frames)
    track = track_with(video, max_frames=most_frames, budget_s=budget_s, keep_step=keep_step)
    # If time was short, the step was raised for that reason, and there is no time to track again.
    in_time = budget_s is None or time.monotonic() - start_s < budget_s / 3
    if isinstance(source, Video) or keep_step or parameters.step > 1 or not in_time:
        return track
    expected_frames = _correct_expected_frames(source, track.info, most_frames)
    if not expected_frames:
        return track
    if isinstance(source, BufferedIOBase):
        source.seek(0)
    if eye_pictures is not None:
        eye_pictures.clear()
    video = Video(source)
    video.expected_frames = expected_frames
    left_s = None if budget_s is None else budget_s - (time.monotonic() - start_s)
    most_frames = _bound_frames(parameters, expected_frames)
    return track_with(video, max_frames=most_frames, budget_s=left_s, keep_step=False)


def _bound_frames(parameters: Parameters, expected_frames: int) -> int:
    """Return the most frames to track of a recording with `expected_frames` frames (0: unknown).

    It is `most_frames` of the parameters. If the number of frames is known, and `max_frames` has
    its default value, `max_frames` is raised first, so that it does not cut the recording. If the
    number is unknown, it is not raised: a time budget is then shared out as if the recording had
    the most frames, and with far more of them than most recordings have, frames would be skipped
    without need.
    """
    return (parameters.cover_whole() if expected_frames else parameters).most_frames


def _correct_expected_frames(
    source: Path | BufferedIOBase, info: TrackInfo, most_frames: int
) -> int:
    """Return a recording's true number of frames if it should be tracked again with another step.

    Return 0 if it was tracked with the step that suits it, or another step would not help. `info`
    is that of the track, and `most_frames` the most frames that were to be tracked. If they ended
    the track, the file is read, but not decoded, to count its frames.
    """
    read = info.frames_decoded + info.frames_failed
    if info.complete:
        return read if info.raised_step > 1 and read <= most_frames else 0
    if info.out_of_time or info.cut_off:
        return 0
    count = count_frames(source)
    used_step = max(info.step, info.raised_step)
    return count if raise_step(count, info.step, most_frames) > used_step else 0


def join_recording(
    parts: "Iterable[Part]",
    parameters: Parameters,
    fingerprint: Fingerprint,
    eye_pictures: dict[int, bytes] | None = None,
) -> Track:
    """Join what workers saw in the segments of a long recording into its track.

    Parameters
    ----------
    parts : iterable of Part
        What was seen in each segment, in any order. Two of one segment must be the same.
    parameters : Parameters
        The protocol and the task are added to the track.
    fingerprint : Fingerprint
        Of the recording's file, from before it was divided.
    eye_pictures : dict, optional
        Filled with JPEGs of the eyes, by the index of the frame in the track, if the parts kept
        them.

    Returns
    -------
    Track
        The same as from `track_recording`.

    Raises
    ------
    InputError
        The file was written to or removed meanwhile.
    PartsError
        A part is missing, the parts are of several plans, or two of one segment differ.
    """
    track = join_parts(parts, eye_pictures)
    fingerprint.check_unchanged()
    return replace(track, info=describe_source(track.info, parameters, fingerprint.sha256))


def describe_source(info: TrackInfo, parameters: Parameters, video_sha256: str) -> TrackInfo:
    """Return a track's information with the parameters' protocol and task, and the video's hash.

    They replace what is there. A task that is only assumed becomes ``unknown``. `video_sha256` is
    in hexadecimal; empty if it is not known.
    """
    # An assumption is not kept as if somebody had said so.
    task = "unknown" if parameters.task_assumed else parameters.task
    return replace(info, protocol=parameters.protocol, task=task, video_sha256=video_sha256)


def measure_track(
    track: Track,
    parameters: Parameters,
    name: str,
    eye_pictures: Mapping[int, bytes] | None = None,
    corrections: Corrections | None = None,
    participant: Participant | None = None,
) -> Result:
    """Measure a track, assess it and summarise both.

    Parameters
    ----------
    track : Track
        The landmarks of a recording.
    parameters : Parameters
        The track's protocol is used if they have none, and its task if they have none or only
        assume one.
    name : str
        What the summary calls the recording: the file name of its video, as a rule.
    eye_pictures : mapping of int to bytes, optional
        Pictures of the eyes for the report, from `track_recording`.
    corrections : Corrections, optional
        What a person says that the eyes did, from `tracker.files.corrections.read_corrections`; it
        replaces what is detected.
    participant : Participant, optional
        Who was recorded, for the summary and the report.

    Returns
    -------
    Result
        Measures, assessment and summary. It is not written to files yet.

    Raises
    ------
    CorrectionsError
        The corrections belong to another recording, or name times after its end.
    """
    if corrections is not None:
        check_corrections(corrections, track)
    parameters = parameters.complete(track.info.protocol, track.info.task)
    analysis = analyze_track(track, parameters, corrections)
    assessment = assess(analysis)
    summary = summarize(analysis, assessment, name, participant)
    return Result(name, analysis, assessment, summary, eye_pictures)


def measure_still(path: Path, finder: "FaceFinder", blink_thresh: float) -> StillMeasures:
    """In an image file, measure the eyes of the largest face whose landmarks are found.

    Parameters
    ----------
    path : Path
        An image file, such as JPEG or PNG.
    finder : FaceFinder
        The models: a `tracker.face.mesh.FaceMesh`.
    blink_thresh : float
        EAR (eye aspect ratio) at which `StillFace.blink_prob` is 0.5.

    Returns
    -------
    StillMeasures
        Its `face` is None if no landmarks of a face are found, which is no error.

    Raises
    ------
    InputError
        The image is missing or cannot be read.
    """
    return analyze_image(read_image(path), finder, blink_thresh)
