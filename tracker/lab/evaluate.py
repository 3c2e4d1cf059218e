"""The evaluation of analyses against annotations: its document, its table, and kept tracks."""

import functools
import hashlib
import importlib.util
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.face.follow import FaceFinder
from tracker.files.fingerprint import take_fingerprint
from tracker.files.provenance import identify_code
from tracker.files.summary import write_track
from tracker.lab.scoring import ClipScore, summarize_scores
from tracker.parameters import Parameters
from tracker.tracks.archive import TrackFileError, load_track
from tracker.tracks.track import Track, track_video
from tracker.version import __version__

TRACK_MODULES = (
    "kernels.landmarks",
    "tracker.video.frames",
    "tracker.face.eye_pictures",
    "tracker.face.mesh",
    "tracker.video.pixels",
    "tracker.video.ffmpeg",
    "tracker.video.libav",
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


def document_evaluation(
    scored: Sequence[tuple[ClipScore, Sequence[Path]]],
    failures: Sequence[str],
    parameters: Parameters,
) -> dict[str, Any]:
    """Return all results as a document, for `tracker.files.summary.to_json`.

    Parameters
    ----------
    scored : sequence of (ClipScore, sequence of Path)
        Each score with the pictures of its mistakes.
    failures : sequence of str
        Messages about recordings that were not scored.
    parameters : Parameters

    Returns
    -------
    dict
        NaN where there is nothing to measure. Frames are those of the source; ``offset_frame`` is
        the first frame after a closure.
    """
    scores = [score for score, _ in scored]
    views = sorted({score.clip.view for score in scores if score.clip.view is not None})
    return {
        "overall": summarize_scores(scores),
        "views": {
            view: summarize_scores([score for score in scores if score.clip.view == view])
            for view in views
        },
        "clips": [
            {
                "name": score.clip.name,
                "view": score.clip.view,
                "complete": score.complete,
                **summarize_scores([score]),
                "mistakes": [
                    {
                        "kind": mistake.kind,
                        "onset_frame": mistake.closure.start,
                        "offset_frame": mistake.closure.stop,
                        "picture": str(picture),
                    }
                    for mistake, picture in zip(score.mistakes, pictures, strict=True)
                ],
            }
            for score, pictures in scored
        ],
        "failures": list(failures),
        "parameters": asdict(parameters),
        "version": __version__,
    }


def describe_evaluation(document: dict[str, Any]) -> str:
    """Return the document of `document_evaluation` as text: a table and a list of mistakes."""
    rows = [
        *((clip["name"], clip) for clip in document["clips"]),
        *((f"view {view}", summary) for view, summary in document["views"].items()),
        ("all", document["overall"]),
    ]
    header = "recording TP FP FN precision recall F1 count right onset_ms offset_ms prolonged"
    cells = [
        header.split(),
        *([label, *map(_format_cell, _COLUMNS, repeat(row))] for label, row in rows),
    ]
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
    ]
    for clip in document["clips"]:
        if not clip["complete"]:
            lines.append(f"{clip['name']}: scored up to --max-frames only")
        lines += [
            f"{clip['name']}: {mistake['kind'].replace('_', ' ')}, frames "
            f"{mistake['onset_frame']} to {mistake['offset_frame'] - 1}: {mistake['picture']}"
            for mistake in clip["mistakes"]
        ]
    if document["failures"]:
        lines.append(f"not scored, see the errors: {len(document['failures'])}")
    return "\n".join(lines)


def load_or_make_track(
    video: Path,
    parameters: Parameters,
    folder: Path,
    make_finder: Callable[[], FaceFinder],
    on_progress: Callable[[int, int], None] | None = None,
) -> Track:
    """Return the track of a video, from an earlier run if it would be the same.

    Parameters
    ----------
    video : Path
    parameters : Parameters
    folder : Path
        Folder of the kept tracks; it is made if it is missing.
    make_finder : callable
        Returns the models. It is only called if the video has to be tracked.
    on_progress : callable, optional
        See `tracker.tracks.track.track_video`.

    Returns
    -------
    Track

    Raises
    ------
    InputError
        The video cannot be read.
    """
    key = track_key(video, parameters)
    kept = folder / f"{key}.track.npz"
    if kept.is_file():
        try:
            return load_track(kept)
        except TrackFileError:
            # A damaged track is made again and replaced.
            pass
    track = track_video(video, make_finder(), parameters.step, parameters.max_frames, on_progress)
    folder.mkdir(parents=True, exist_ok=True)
    write_track(folder, key, track)
    return track


def track_key(video: Path, parameters: Parameters) -> str:
    """Return a hash of everything that the track of a video depends on.

    This is the video's content, `step`, `max_frames`, and the code of `TRACK_MODULES`.
    """
    asked = f"{parameters.step} {parameters.max_frames}"
    identity = f"{take_fingerprint(video).sha256} {asked} {_tracker_identity()}"
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


@functools.cache
def _tracker_identity() -> str:
    specs = [importlib.util.find_spec(module) for module in TRACK_MODULES]
    return identify_code(Path(spec.origin) for spec in specs if spec and spec.origin)


_COLUMNS = (
    ("true_positives", "d"),
    ("false_positives", "d"),
    ("false_negatives", "d"),
    ("precision", ".3f"),
    ("recall", ".3f"),
    ("f1", ".3f"),
    ("count_error", "+d"),
    ("count_error_zero_share", ".0%"),
    ("onset_error_ms", ".0f .0f +.0f"),
    ("offset_error_ms", ".0f .0f +.0f"),
    ("prolonged_closures", "d d d"),
)
"""Fields of a summary in the order of the table's columns, with their formats.

A field that is a dictionary has one format for each of its first values.
"""


def _format_cell(column: tuple[str, str], row: dict[str, Any]) -> str:
    name, forms = column
    values = list(row[name].values()) if isinstance(row[name], dict) else [row[name]]
    return "/".join(
        "-" if math.isnan(value) else format(value, form)
        for value, form in zip(values, forms.split(), strict=False)
    )
