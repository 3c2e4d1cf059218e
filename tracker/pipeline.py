"""From a video to its files: track, measure, assess, summarise, write.

Whoever analyses a recording does it by these three functions: the command line, the Python API,
the Lambda function, `compare`, `profile` and the check of the deployed bundle.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.files.fields import Summary
from tracker.files.names import result_path
from tracker.files.provenance import hash_video
from tracker.files.summary import summarize, write_analysis, write_track
from tracker.measures.analysis import Analysis, analyze_track
from tracker.measures.assessment import Assessment, assess
from tracker.parameters import Parameters
from tracker.tracks.track import Track, track_video
from tracker.video.frames import Video

if TYPE_CHECKING:
    from tracker.face.follow import FaceFinder
    from tracker.words import Language


@dataclass(frozen=True, slots=True)
class Analyzed:
    """A recording that was analysed.

    Attributes
    ----------
    analysis : Analysis
    assessment : Assessment
    summary : Summary
    eye_pictures : dict of int to bytes, or None
        JPEGs of the eyes by sample, for the report. None where there is no video to take them from.
    """

    analysis: Analysis
    assessment: Assessment
    summary: Summary
    eye_pictures: dict[int, bytes] | None = None


def track_recording(
    source: Path | BufferedIOBase | Video,
    finder: "FaceFinder",
    parameters: Parameters,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    video_sha256: str = "",
    budget_s: float | None = None,
    eye_pictures: dict[int, bytes] | None = None,
    decode_ahead: bool = True,
) -> Track:
    """Track a video; what was asked for and the content's hash go with the track.

    Parameters
    ----------
    source : Path, BufferedIOBase or Video
    finder : FaceFinder
    parameters : Parameters
    on_progress, budget_s, eye_pictures, decode_ahead
        See `tracker.tracks.track.track_video`.
    video_sha256 : str, optional
        Where it is known. Otherwise the source is read once for it; a `Video` has none.

    Returns
    -------
    Track

    Raises
    ------
    InputError
        The video cannot be read or decoded.
    """
    start_s = time.monotonic()
    if not video_sha256 and not isinstance(source, Video):
        video_sha256 = hash_video(source)
    track = track_video(
        source,
        finder,
        parameters.step,
        parameters.max_frames,
        on_progress,
        None if budget_s is None else budget_s - (time.monotonic() - start_s),
        eye_pictures=eye_pictures,
        decode_ahead=decode_ahead,
    )
    info = replace(track.info, protocol=parameters.protocol, video_sha256=video_sha256)
    return replace(track, info=info)


def measure_track(
    track: Track,
    parameters: Parameters,
    name: str,
    eye_pictures: dict[int, bytes] | None = None,
) -> Analyzed:
    """Measure a track, assess it and summarise both.

    Parameters
    ----------
    track : Track
    parameters : Parameters
        Without a protocol, the track's own holds.
    name : str
        What the summary calls the recording.
    eye_pictures : dict of int to bytes, optional
        See `Analyzed`.

    Returns
    -------
    Analyzed
    """
    protocol = parameters.protocol or track.info.protocol
    analysis = analyze_track(track, replace(parameters, protocol=protocol))
    assessment = assess(analysis)
    summary = summarize(analysis, assessment, name)
    return Analyzed(analysis, assessment, summary, eye_pictures)


def write_files(
    analyzed: Analyzed,
    directory: Path,
    stem: str,
    report: "Language | None" = None,
    *,
    report_name: str | None = None,
    with_track: bool = True,
    write_copy: Callable[[], object] | None = None,
) -> dict[str, Path]:
    """Write an analysis, the summary last: where one is, the files beside it belong to it.

    Parameters
    ----------
    analyzed : Analyzed
    directory : Path
        It is made if it is missing.
    stem : str
        Begins the files' names.
    report : {"en", "ko"}, optional
        Language of the report; without one, an earlier report is removed.
    report_name : str, optional
        What the report calls the recording, if not as the summary does.
    with_track : bool, default True
        False where the track is what was read.
    write_copy : callable, optional
        Writes the annotated copy; without it, an earlier copy is removed.

    Returns
    -------
    dict of str to Path
        The files by kind; see `tracker.files.names.ENDINGS`.

    Raises
    ------
    OSError
        A file cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = {kind: result_path(directory, stem, kind) for kind in ("summary", "report", "overlay")}
    for path in paths.values():
        path.unlink(missing_ok=True)
    files = {}
    if with_track:
        files["track"] = write_track(directory, stem, analyzed.analysis.track)
    if report is not None:
        # Only here: an analysis without a report does not load what makes one.
        from tracker.pages.report import write_report

        named = replace(analyzed.summary, source=report_name or analyzed.summary.source)
        files["report"] = write_report(
            directory,
            stem,
            analyzed.analysis,
            analyzed.assessment,
            named,
            analyzed.eye_pictures,
            report,
        )
    if write_copy is not None:
        write_copy()
        files["overlay"] = paths["overlay"]
    written = write_analysis(directory, stem, analyzed.analysis, analyzed.summary)
    return dict(zip(("summary", "frames", "blinks"), written, strict=True)) | files
