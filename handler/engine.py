"""Analyse one file with the tracker: check its limits, estimate the time, run the models.

This is the only module of the handler that runs the tracker on a file.
"""

import functools
import hashlib
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from handler.errors import (
    HandlerError,
    IndivisibleError,
    TooLargeError,
    UndecodableError,
    UnsupportedMediaError,
)
from handler.parts import DAMAGED
from tracker.face.mesh import FaceMesh
from tracker.files.fields import Summary
from tracker.files.fingerprint import HashedStream
from tracker.files.provenance import identify_models, identify_program
from tracker.files.results_table import write_results
from tracker.parameters import Parameters
from tracker.pipeline import describe_source, measure_still, measure_track, track_recording
from tracker.result import document_still, write_files, write_still
from tracker.tracks.parts import PartFileError, load_part, parse_segment
from tracker.tracks.segments import PartsError, join_parts, plan_segments, track_segment
from tracker.tracks.track import Track, raise_step
from tracker.video.container import ImageKindError, InputError, detect_kind
from tracker.video.frames import DivisionError, Video, VideoInfo
from tracker.words import Language

MAX_DURATION_S = 3600.0
MAX_SOURCE_FRAMES = 216_000
"""An hour at 60 frames a second."""
DECODING_S_PER_MEGAPIXEL = 4.5e-3
TRACKING_S = 7e-3
TRACKING_S_PER_MEGAPIXEL = 1.2e-3
"""CPU time for H.264 on one core of a Lambda function. It only decides whether to queue."""


class Engine:
    """Analyses files with MediaPipe's models, which it has loaded and warmed up.

    It runs the models on one file at a time: a second thread waits.
    """

    def __init__(self) -> None:
        self._mesh = FaceMesh()
        self._lock = threading.Lock()

    @functools.cached_property
    def identity(self) -> dict[str, str]:
        """Hashes of the program and its models: ``program_sha256``, ``models_sha256``, in hex."""
        return {"program_sha256": identify_program(), "models_sha256": identify_models()}

    def detect_kind(self, head: bytes) -> str:
        """Return "video" or "image"; `head` is the first 512 bytes of the file.

        Raises
        ------
        UnsupportedMediaError
            The file is neither a video nor an image of a supported kind.
        """
        kind = detect_kind(head)
        if kind is None:
            raise UnsupportedMediaError(
                "unsupported_media_type",
                "The file is neither a video (MP4, MOV, WebM, MKV, AVI, MPEG, WMV) nor an image "
                "(JPEG, HEIC, AVIF, PNG, WebP, BMP, TIFF).",
            )
        return kind

    def estimate_video_s(self, source: Path | BufferedIOBase, parameters: Parameters) -> float:
        """Check a video's limits before anything is decoded, and estimate the time to analyse it.

        `source` is a path, or a stream at its beginning; the stream is somewhere else afterwards.

        Returns
        -------
        float
            CPU time in seconds on one whole core in Lambda, for all frames that `analyze_video`
            analyses if it has the time; for `Parameters.most_frames` if no length is known.

        Raises
        ------
        UndecodableError, TooLargeError
            The video cannot be read; or, by its container, it has over `MAX_SOURCE_FRAMES`, or
            lasts over `MAX_DURATION_S`.
        """
        return _estimate_s(_inspect(source), parameters)

    def estimate_whole_s(self, source: Path | BufferedIOBase, parameters: Parameters) -> float:
        """Do as `estimate_video_s`, but return 0 if the video's container tells no length.

        With 0, the video is not divided among workers.
        """
        info = _inspect(source)
        return _estimate_s(info, parameters) if info.frame_count else 0.0

    def analyze_video(
        self,
        source: Path | BufferedIOBase,
        parameters: Parameters,
        folder: Path,
        budget_s: float,
        on_progress: Callable[[int, int], None],
        report: Language | None = None,
        name: str = "original",
    ) -> tuple[Summary, list[Path]]:
        """Analyse a video whose limits were checked by `estimate_video_s`, and write its results.

        Parameters
        ----------
        source : Path or BufferedIOBase
            A stream must be at its beginning.
        parameters : Parameters
        folder : Path
            An existing folder for the results; each name begins with ``analysis.``.
        budget_s : float
            Seconds that decoding and tracking may take. If they are too few, only every second,
            third, ... frame is analysed, or else the end of the video is not; the summary says so.
        on_progress : callable
            Called after each frame with two counts: frames done (analysed, or skipped for the
            budget), and frames expected (0: unknown). What it raises ends the analysis.
        report : {"en", "ko"}, optional
            Language of the report to write. Default: no report.
        name : str, optional
            What the report calls the recording.

        Returns
        -------
        summary : Summary
        files : list of Path
            Summary, tables of frames, blinks and saccades, track; the report if it was requested.

        Raises
        ------
        UndecodableError
        """
        pictures: dict[int, bytes] | None = {} if report else None
        with self._lock, _translated_errors():
            track = track_recording(
                source,
                self._mesh,
                parameters,
                on_progress,
                budget_s=budget_s,
                eye_pictures=pictures,
            )
        return _write_result(track, parameters, folder, report, name, pictures)

    def plan_segments(
        self, source: BufferedIOBase, parameters: Parameters, count: int
    ) -> dict[str, Any]:
        """Divide a video at keyframes into segments that workers can track one by one.

        Parameters
        ----------
        source : BufferedIOBase
            It is read to its end, for the hash.
        parameters : Parameters
        count : int
            Largest number of segments.

        Returns
        -------
        dict
            ``segments``, in order of time: each is a text for `track_segment`. ``sha256`` of the
            video, in hexadecimal. If the video cannot be divided, there is one segment.

        Raises
        ------
        UndecodableError
        """
        stream = HashedStream(source)
        with _translated_errors():
            segments = plan_segments(stream, count, parameters.step, parameters.most_frames)
        sha256 = stream.finish()
        if not sha256:
            source.seek(0)
            sha256 = hashlib.file_digest(source, "sha256").hexdigest()
        return {"segments": [one.to_json() for one in segments], "sha256": sha256}

    def track_segment(
        self,
        source: BufferedIOBase,
        segment: str,
        path: Path,
        on_progress: Callable[[int, int], None],
        with_pictures: bool,
    ) -> None:
        """Find the landmarks in one segment of a video, and write them to a file, the "part".

        Parameters
        ----------
        source : BufferedIOBase
            The whole video; only the segment, and a little before it, is decoded.
        segment : str
            One of the ``segments`` of `plan_segments`.
        path : Path
            Where to write the part.
        on_progress : callable
            As in `analyze_video`, with the counts of what is decoded for this segment.
        with_pictures : bool
            Whether the part also keeps pictures of the eyes, which a report needs.

        Raises
        ------
        UndecodableError, IndivisibleError
            The video cannot be read; or the segment cannot be tracked on its own after all.
        """
        with self._lock, _translated_errors():
            part = track_segment(
                source,
                parse_segment(segment),
                self._mesh,
                on_progress=on_progress,
                keep_eyes=with_pictures,
            )
        part.save(path)

    def join_parts(
        self,
        paths: Iterable[Path],
        sha256: str,
        parameters: Parameters,
        folder: Path,
        report: Language | None,
        name: str,
    ) -> tuple[Summary, list[Path]]:
        """Join the parts of all segments of one video, measure the whole, and write the results.

        Parameters
        ----------
        paths : iterable of Path
            The files that `track_segment` wrote, one for each segment, in any order.
        sha256 : str
            Hash of the video, from `plan_segments`.
        parameters, folder, report, name
            As in `analyze_video`: how to measure, where to write, the report's language (None: no
            report), what it calls the video. What is returned is the same, too.

        Raises
        ------
        HandlerError
            A part is missing, damaged, or of another video.
        """
        pictures: dict[int, bytes] | None = {} if report else None
        try:
            track = join_parts([load_part(path) for path in paths], pictures)
        except (PartsError, PartFileError) as error:
            raise HandlerError("part_damaged", DAMAGED) from error
        track = replace(track, info=describe_source(track.info, parameters, sha256))
        return _write_result(track, parameters, folder, report, name, pictures)

    def write_table(self, path: Path, results: Sequence[Mapping[str, Any]]) -> None:
        """Write the results of many recordings as one Parquet file at `path`.

        Each is a row: ``file``, the video's key, and ``analysis_id``, ``summary`` and ``files``, or
        if it failed ``code`` and ``error``. See `tracker.files.results_table.write_results`.
        """
        write_results(path, results)

    def analyze_image(
        self, path: Path, parameters: Parameters, folder: Path
    ) -> tuple[dict[str, Any], list[Path]]:
        """Analyse an image, and write its result.

        Parameters
        ----------
        path, folder : Path
            The image, and an existing folder for the result.
        parameters : Parameters
            Only `blink_thresh` is used.

        Returns
        -------
        result : dict
            See `tracker.result.document_still`; its measures are None if there is no face.
        files : list of Path
            The one file that was written, ``analysis.result.json``.

        Raises
        ------
        UndecodableError, UnsupportedMediaError
            The image cannot be decoded, or is of no supported kind.
        """
        with self._lock, _translated_errors():
            still = measure_still(path, self._mesh, parameters.blink_thresh)
        return document_still(still), [write_still(still, folder, "analysis")]


def _inspect(source: Path | BufferedIOBase) -> VideoInfo:
    """Check a video's limits, and return what its container tells, such as size and frame count.

    `frame_count` is an estimate if the container does not count frames; 0 if it tells no length.

    Raises
    ------
    UndecodableError
        The video cannot be read.
    TooLargeError
        It has over `MAX_SOURCE_FRAMES`, or lasts over `MAX_DURATION_S`.
    """
    with _translated_errors(), Video(source) as video:
        info = replace(video.info, frame_count=video.expected_frames)
    _check_limits(info)
    return info


def _estimate_s(info: VideoInfo, parameters: Parameters) -> float:
    # As in `track_recording`: where the length is known, the default of `max_frames` cuts nothing,
    # and a step of 1 is raised so that no other value does.
    bound = parameters.cover_whole() if info.frame_count else parameters
    step = raise_step(info.frame_count, parameters.step, bound.most_frames)
    most = bound.most_frames * step
    frames = min(most, info.frame_count or most)
    megapixels = info.width * info.height / 1e6
    tracked = math.ceil(frames / step)
    return frames * DECODING_S_PER_MEGAPIXEL * megapixels + tracked * (
        TRACKING_S + TRACKING_S_PER_MEGAPIXEL * megapixels
    )


def _write_result(
    track: Track,
    parameters: Parameters,
    folder: Path,
    report: Language | None,
    name: str,
    pictures: dict[int, bytes] | None,
) -> tuple[Summary, list[Path]]:
    result = measure_track(track, parameters, "original", pictures)
    files = write_files(result, folder, "analysis", report, report_name=name)
    return result.summary, list(files.values())


def _check_limits(info: VideoInfo) -> None:
    duration_s = info.frame_count / info.fps if info.fps else 0.0
    if duration_s > MAX_DURATION_S or info.frame_count > MAX_SOURCE_FRAMES:
        raise TooLargeError(
            "video_too_long",
            f"The video has {info.frame_count} frames and lasts {duration_s:.0f} s; at most "
            f"{MAX_SOURCE_FRAMES} frames and {MAX_DURATION_S:.0f} s are analysed. Cut it.",
        )


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except ImageKindError as error:
        raise UnsupportedMediaError("unsupported_media_type", str(error)) from error
    except DivisionError as error:
        raise IndivisibleError("indivisible", "The video cannot be divided.") from error
    except InputError as error:
        raise UndecodableError("undecodable", str(error)) from error
