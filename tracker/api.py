"""`tracker.analyze`, `track` and `analyze_track`, for programs and notebooks."""

import functools
import os
import threading
from dataclasses import replace
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from tracker.files.corrections import read_corrections
from tracker.files.participants import Participant, check_participant
from tracker.measures.corrections import Corrections
from tracker.parameters import Parameters, ParameterValues
from tracker.pipeline import measure_track, track_recording
from tracker.result import Result
from tracker.tracks.track import Track

if TYPE_CHECKING:
    from tracker.face.mesh import FaceMesh

Source = str | os.PathLike[str] | BufferedIOBase

_one_at_a_time = threading.Lock()
"""Held while the models follow a video. They can only follow one, so a second thread waits."""


def analyze(
    source: Source,
    parameters: Parameters | None = None,
    *,
    participant: Participant | None = None,
    **values: Unpack[ParameterValues],
) -> Result:
    """Measure gaze and blinks in a video, and answer whether they raise a suspicion of PSP.

    Several threads may call it, but only one video is followed at a time.

    Parameters
    ----------
    source : str, PathLike or BufferedIOBase
        A video file, or a seekable binary stream such as ``open(path, "rb")`` or `io.BytesIO`,
        which is read from its beginning and stays open.
    parameters : Parameters, optional
        Default: every parameter has its default value.
    participant : Participant, optional
        Who was recorded, for the summary and the report.
    **values
        Single parameters by name, such as ``step=2``; they replace those of `parameters`.

    Returns
    -------
    Result
        The measures, the assessment and the track. `Result.save` writes them to files.

    Raises
    ------
    tracker.video.container.InputError
        The video cannot be read, or its file was written to meanwhile. The message says what to do.
    ValueError, TypeError
        A parameter is out of its range, a text of the participant is too long or cannot be
        printed, or the source is of another type, or a stream that is not seekable.

    Examples
    --------
    >>> import tracker
    >>> result = tracker.analyze("clip.mp4")
    >>> result.summary.blink_count
    3
    >>> files = result.save("results")
    """
    parameters = replace(parameters or Parameters(), **values)
    if participant is not None:
        check_participant(participant)
    path_or_stream = _open(source)
    eye_pictures: dict[int, bytes] = {}
    with _one_at_a_time:
        track = track_recording(
            path_or_stream, _load_models(), parameters, eye_pictures=eye_pictures
        )
    return measure_track(track, parameters, _name(source), eye_pictures, participant=participant)


def track(
    source: Source, parameters: Parameters | None = None, **values: Unpack[ParameterValues]
) -> Track:
    """Follow the eyes in a video, without measuring anything.

    This is the slow part of `analyze`; `analyze_track` does the rest.

    Parameters
    ----------
    source : str, PathLike or BufferedIOBase
        A video file, or a seekable binary stream, which is read from its beginning.
    parameters : Parameters, optional
        Only ``step``, ``max_frames``, ``protocol`` and ``task`` matter here; the last two are noted
        in the track, but not a task that is only assumed (``task_assumed``).
    **values
        Single parameters by name, such as ``step=2``; they replace those of `parameters`.

    Returns
    -------
    Track
        The landmarks of the eyes in each analysed frame. `analyze_track` measures them.

    Raises
    ------
    tracker.video.container.InputError
        The video cannot be read, or its file was written to meanwhile. The message says what to do.
    ValueError, TypeError
        A parameter is out of its range, or the source is of another type, or a stream that is not
        seekable.

    Examples
    --------
    >>> import tracker
    >>> track = tracker.track("clip.mp4", step=2)
    >>> track
    <Track of 90 frames in 11.9 s, 90 with a face>
    """
    parameters = replace(parameters or Parameters(), **values)
    path_or_stream = _open(source)
    with _one_at_a_time:
        return track_recording(path_or_stream, _load_models(), parameters)


def analyze_track(
    track: Track,
    parameters: Parameters | None = None,
    *,
    corrections: str | os.PathLike[str] | Corrections | None = None,
    participant: Participant | None = None,
    **values: Unpack[ParameterValues],
) -> Result:
    """Measure gaze and blinks in a track and assess them, as `analyze` does.

    This takes milliseconds, so the same track can be measured again with other thresholds.

    Parameters
    ----------
    track : Track
        From `track`, `load_track` or ``Result.track``.
    parameters : Parameters, optional
        Default: every parameter has its default value. The track's protocol is used if they have
        none, and its task if they have none or only assume one. ``step`` and ``max_frames`` have no
        effect: they only matter when a track is made.
    **values
        Single parameters by name, such as ``vpp_thresh=0.05``; they replace those of `parameters`.
    corrections : str, PathLike or Corrections, optional
        File of corrections, as a report saves it, or its content. What a person says there (which
        closures there are, what is unusable, when the eyes look ahead) replaces what is detected.
    participant : Participant, optional
        Who was recorded, for the summary and the report.

    Returns
    -------
    Result
        As from `analyze`, but without pictures of the eyes, and with the name ``track``, because a
        track does not know the name of its video.

    Raises
    ------
    tracker.video.container.InputError
        The corrections cannot be read, or belong to another recording.
    ValueError, TypeError
        A parameter is out of its range, or a text of the participant is too long or cannot be
        printed.

    Examples
    --------
    >>> import tracker
    >>> track = tracker.load_track("clip.track.npz")
    >>> for threshold in (0.15, 0.18, 0.21):
    ...     print(tracker.analyze_track(track, blink_thresh=threshold).summary.blink_count)
    3
    3
    3
    """
    if participant is not None:
        check_participant(participant)
    if isinstance(corrections, (str, os.PathLike)):
        corrections = read_corrections(Path(corrections))
    parameters = replace(parameters or Parameters(), **values)
    return measure_track(
        track, parameters, "track", corrections=corrections, participant=participant
    )


def _open(source: Source) -> Path | BufferedIOBase:
    if isinstance(source, (str, os.PathLike)):
        return Path(source)
    if not isinstance(source, BufferedIOBase):
        raise TypeError(
            f"source is {type(source).__name__}, expected a path or a binary stream, "
            'such as open(path, "rb") or io.BytesIO'
        )
    if not source.seekable():
        raise ValueError("the stream is not seekable: read it into io.BytesIO first")
    source.seek(0)
    return source


def _name(source: Source) -> str:
    """Return a source's file name, with its suffix but without its folder.

    It is ``video`` for a stream that has no such name.
    """
    path = getattr(source, "name", None) if isinstance(source, BufferedIOBase) else source
    return Path(path).name if isinstance(path, (str, os.PathLike)) else "video"


@functools.cache
def _load_models() -> "FaceMesh":
    from tracker.face.mesh import FaceMesh

    return FaceMesh()
