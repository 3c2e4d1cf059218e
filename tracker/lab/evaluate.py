"""Evaluate analyses against annotations: collect the scores, show them, and keep the tracks."""

import functools
import hashlib
import importlib.util
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.face.follow import FaceFinder
from tracker.face.models import CHECKSUMS, MODELS
from tracker.files.fingerprint import Fingerprint, take_fingerprint
from tracker.files.provenance import identify_code
from tracker.files.summary import write_track
from tracker.lab.scoring import ClipScore, ScoreSummary, summarize_scores
from tracker.parameters import Parameters
from tracker.pipeline import track_recording
from tracker.tracks.archive import TrackFileError, load_track
from tracker.tracks.track import Track
from tracker.version import __version__

TRACK_MODULES = (
    "kernels.landmarks",
    "kernels.refinement",
    "kernels.sampling",
    "tracker.video.frames",
    "tracker.face.eye_pictures",
    "tracker.face.picture_gaze",
    "tracker.face.mesh",
    "tracker.face.detector",
    "tracker.face.blocks",
    "tracker.face.region",
    "tracker.face.sampling",
    "tracker.face.models",
    "tracker.video.pixels",
    "tracker.video.hdr",
    "tracker.video.orientation",
    "tracker.video.quiet",
    "tracker.video.streams",
    "tracker.video.boxes",
    "tracker.video",
    "tracker.video.ffmpeg",
    "tracker.video.libav",
    "tracker.video.seeking",
    "tracker.video.ends",
    "tracker.video.division",
    "tracker.video.limits",
    "tracker.face.follow",
    "tracker.face.quality",
    "tracker.tracks.pacing",
    "tracker.protocol",
    "tracker.tracks.track",
    "tracker.video.container",
    "tracker.video.times",
    "tracker.machine",
)
"""The code that makes a track from a video: the imports of `tracker.tracks.track` and the models.

A kept track is only used again if none of this code has changed.
"""

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DrawnMistake:
    """A missed or false closure, and the picture that shows it.

    Attributes
    ----------
    kind : str
        ``missed_blink``, ``false_blink``, ``missed_prolonged_closure`` or
        ``false_prolonged_closure``.
    onset_frame, offset_frame : int
        The closure's first frame, and the first one after it, numbered as in the source video.
    picture : str or None
        Path of the picture; None if none was drawn.
    """

    kind: str
    onset_frame: int
    offset_frame: int
    picture: str | None


@dataclass(frozen=True, slots=True)
class ClipEvaluation:
    """A recording's score and its mistakes.

    Attributes
    ----------
    name : str
        The video's path, relative to the directory that was searched.
    view : str or None
        Kind of camera view; None if the annotation names none.
    complete : bool
        False if it was only scored up to the end of a track that ends before the video, because of
        ``--max-frames`` for instance.
    summary : ScoreSummary
        Score of this recording alone.
    mistakes : tuple of DrawnMistake
        In order of time.
    """

    name: str
    view: str | None
    complete: bool
    summary: ScoreSummary
    mistakes: tuple[DrawnMistake, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well the analyses of annotated recordings match the annotations.

    Attributes
    ----------
    overall : ScoreSummary
        Score of all recordings together.
    views : dict of str to ScoreSummary
        Score of the recordings from each camera view (`AnnotatedClip.view`). A recording whose
        annotation names no view is only in `overall`.
    clips : tuple of ClipEvaluation
        Score of each recording, in the order in which they were scored.
    failures : tuple of str
        Messages about recordings that were not scored.
    parameters : Parameters
        Those of the analyses.
    """

    overall: ScoreSummary
    views: dict[str, ScoreSummary]
    clips: tuple[ClipEvaluation, ...]
    failures: tuple[str, ...]
    parameters: Parameters

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as dicts and lists, for `tracker.files.summary.to_json`.

        The version of this program is added.
        """
        return {
            "overall": asdict(self.overall),
            "views": {view: asdict(summary) for view, summary in self.views.items()},
            "clips": [
                {
                    "name": clip.name,
                    "view": clip.view,
                    "complete": clip.complete,
                    **asdict(clip.summary),
                    "mistakes": [asdict(mistake) for mistake in clip.mistakes],
                }
                for clip in self.clips
            ],
            "failures": list(self.failures),
            "parameters": asdict(self.parameters),
            "version": __version__,
        }


def collect_evaluation(
    scored: Sequence[tuple[ClipScore, Sequence[Path | None]]],
    failures: Sequence[str],
    parameters: Parameters,
) -> Evaluation:
    """Combine the scores of recordings into an evaluation.

    Parameters
    ----------
    scored : sequence of (ClipScore, sequence of (Path or None))
        Each score with the picture of each of its mistakes, in the order of `ClipScore.mistakes`;
        None for a mistake that was not drawn.
    failures : sequence of str
        Messages about recordings that were not scored.
    parameters : Parameters
        Those of the analyses.

    Returns
    -------
    Evaluation
    """
    scores = [score for score, _ in scored]
    views = sorted({score.clip.view for score in scores if score.clip.view is not None})
    return Evaluation(
        overall=summarize_scores(scores),
        views={
            view: summarize_scores([score for score in scores if score.clip.view == view])
            for view in views
        },
        clips=tuple(
            ClipEvaluation(
                name=score.clip.name,
                view=score.clip.view,
                complete=score.complete,
                summary=summarize_scores([score]),
                mistakes=tuple(
                    DrawnMistake(
                        mistake.kind,
                        mistake.closure.start,
                        mistake.closure.stop,
                        None if picture is None else str(picture),
                    )
                    for mistake, picture in zip(score.mistakes, pictures, strict=True)
                ),
            )
            for score, pictures in scored
        ),
        failures=tuple(failures),
        parameters=parameters,
    )


def describe_evaluation(evaluation: Evaluation) -> str:
    """Return as text how well detected closures match annotated ones.

    A table has a row for each recording, for each view, and for all. Below it are what its columns
    mean, the median timing errors of all recordings with their intervals, a line for each mistake,
    and the number of recordings that were not scored.
    """
    rows = [
        *((clip.name, clip.summary) for clip in evaluation.clips),
        *((f"view {view}", summary) for view, summary in evaluation.views.items()),
        ("all", evaluation.overall),
    ]
    header = "recording TP FP FN precision recall F1 count right onset_ms offset_ms prolonged"
    cells = [header.split(), *([label, *_format_row(summary)] for label, summary in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in cells
    ]
    lines += [
        "",
        "count: blinks detected minus annotated; right: recordings in which they are as many",
        "onset_ms, offset_ms: detected minus annotated, |median| / |90th percentile| / median",
        "prolonged: long closures found / missed / false",
        *(
            f"{name}: {errors.median:+.0f} ms in the median, 95 % interval "
            f"{errors.median_low:+.0f} to {errors.median_high:+.0f}, {errors.count} blinks"
            for name, errors in (
                ("onset", evaluation.overall.onset_error_ms),
                ("offset", evaluation.overall.offset_error_ms),
                ("duration", evaluation.overall.duration_error_ms),
            )
            if errors.count
        ),
    ]
    for clip in evaluation.clips:
        if not clip.complete:
            lines.append(f"{clip.name}: scored up to --max-frames only")
        lines += [
            f"{clip.name}: {mistake.kind.replace('_', ' ')}, frames "
            f"{mistake.onset_frame} to {mistake.offset_frame - 1}"
            + (f": {mistake.picture}" if mistake.picture else "")
            for mistake in clip.mistakes
        ]
    if evaluation.failures:
        lines.append(f"not scored, see the errors: {len(evaluation.failures)}")
    return "\n".join(lines)


def _format_row(summary: ScoreSummary) -> list[str]:
    """Return a row of the table of `describe_evaluation`, without its first cell, the name.

    A value that is NaN becomes ``-``. Values that belong together share a cell, as in ``41/88/-35``
    for the median, 90th percentile and signed median of the onset errors in milliseconds.
    """
    onset, offset, prolonged = (
        summary.onset_error_ms,
        summary.offset_error_ms,
        summary.prolonged_closures,
    )
    cells: list[list[tuple[float, str]]] = [
        [(summary.true_positives, "d")],
        [(summary.false_positives, "d")],
        [(summary.false_negatives, "d")],
        [(summary.precision, ".3f")],
        [(summary.recall, ".3f")],
        [(summary.f1, ".3f")],
        [(summary.count_error, "+d")],
        [(summary.count_error_zero_share, ".0%")],
        *(
            [(errors.median_abs, ".0f"), (errors.p90_abs, ".0f"), (errors.median, "+.0f")]
            for errors in (onset, offset)
        ),
        [(prolonged.found, "d"), (prolonged.missed, "d"), (prolonged.false, "d")],
    ]
    return [
        "/".join("-" if math.isnan(value) else format(value, form) for value, form in cell)
        for cell in cells
    ]


def load_or_make_track(
    video: Path,
    parameters: Parameters,
    folder: Path,
    make_finder: Callable[[], FaceFinder],
    on_progress: Callable[[int, int], None] | None = None,
) -> Track:
    """Return the track of a video: load the one that an earlier run kept, or make and keep it.

    Parameters
    ----------
    video : Path
    parameters : Parameters
        Leave the task and the protocol at their defaults: a kept track is returned whatever task
        and protocol it was made with. Frames beyond `max_frames` are left out, not thinned out.
    folder : Path
        Folder of the kept tracks; it is made when the first one is kept. The name of a track's file
        is its `track_key`. A file that is damaged is made again.
    make_finder : callable
        Takes nothing and returns the models. It is only called if the video has to be tracked,
        because loading them takes time.
    on_progress : callable, optional
        Called after each tracked frame with the frames tracked and those expected (0: unknown).

    Returns
    -------
    Track

    Raises
    ------
    InputError
        The video cannot be read, or was written to while it was tracked.
    """
    fingerprint = take_fingerprint(video)
    key = track_key(fingerprint, parameters)
    kept = folder / f"{key}.track.npz"
    if kept.is_file():
        try:
            return load_track(kept)
        except TrackFileError:
            # A damaged track is made again and replaced.
            pass
    # The pipeline only adds the hash, which no score depends on: its code is not in the key.
    # Blinks are scored frame by frame: what is beyond `max_frames` is left out, not thinned out.
    track = track_recording(
        video, make_finder(), parameters, on_progress, fingerprint=fingerprint, keep_step=True
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_track(folder, key, track)
    return track


def track_key(fingerprint: Fingerprint, parameters: Parameters) -> str:
    """Return a hash, 32 hexadecimal digits, of what a video's track depends on.

    This is the video's content (`fingerprint`), `step`, `max_frames`, the code of `TRACK_MODULES`,
    the models, and the versions of this program and of the libraries that find landmarks. A kept
    track with the same hash need not be made again. A task and a protocol, which the command
    ``evaluate`` does not take, are not in the hash.
    """
    asked = f"{parameters.step} {parameters.max_frames}"
    identity = f"{fingerprint.sha256} {asked} {_tracker_identity()}"
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


@functools.cache
def _tracker_identity() -> str:
    specs = [importlib.util.find_spec(module) for module in TRACK_MODULES]
    paths = [Path(spec.origin) for spec in specs if spec and spec.origin]
    # The model files change with their checksums.
    return identify_code([*paths, MODELS / CHECKSUMS])
