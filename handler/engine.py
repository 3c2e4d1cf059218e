"""Analyse one file with the tracker: check its limits, estimate the time, run the models."""

import functools
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from handler.errors import TooLargeError, UndecodableError, UnsupportedMediaError
from tracker.face.mesh import FaceMesh
from tracker.files.fields import Summary
from tracker.files.provenance import identify_models, identify_program
from tracker.parameters import Parameters
from tracker.pipeline import measure_still, measure_track, track_recording
from tracker.result import document_still, write_files, write_still
from tracker.video.container import ImageKindError, InputError, detect_kind
from tracker.video.frames import Video, VideoInfo
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

    It analyses one file at a time: a second thread waits.
    """

    def __init__(self) -> None:
        self._mesh = FaceMesh()
        self._lock = threading.Lock()

    @functools.cached_property
    def identity(self) -> dict[str, str]:
        """The hashes of the program and of its models, which each record keeps."""
        return {"program_sha256": identify_program(), "models_sha256": identify_models()}

    def detect_kind(self, head: bytes) -> str:
        """Return "video" or "image", by the first 512 bytes of the file.

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

        Parameters
        ----------
        source : Path or BufferedIOBase
        parameters : Parameters

        Returns
        -------
        float
            CPU time in seconds.

        Raises
        ------
        UndecodableError, TooLargeError
        """
        with _translated_errors(), Video(source) as video:
            info = replace(video.info, frame_count=video.expected_frames)
        _check_limits(info)
        most = parameters.most_frames * parameters.step
        frames = min(most, info.frame_count or most)
        megapixels = info.width * info.height / 1e6
        tracked = math.ceil(frames / parameters.step)
        return frames * DECODING_S_PER_MEGAPIXEL * megapixels + tracked * (
            TRACKING_S + TRACKING_S_PER_MEGAPIXEL * megapixels
        )

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
        """Analyse a video whose limits were checked.

        Parameters
        ----------
        source : Path or BufferedIOBase
        parameters : Parameters
        folder : Path
            Where to write the results.
        budget_s : float
            How many seconds decoding and tracking may take.
        on_progress : callable
            See `tracker.tracks.track.track_video`.
        report : {"en", "ko"}, optional
            Language of the report to write.
        name : str, optional
            What the report calls the recording.

        Returns
        -------
        summary : Summary
        files : list of Path
            summary.json, frames.csv, blinks.csv, track.npz; report.html if it was requested.

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
        result = measure_track(track, parameters, "original", pictures)
        files = write_files(result, folder, "analysis", report, report_name=name)
        return result.summary, list(files.values())

    def analyze_image(
        self, path: Path, parameters: Parameters, folder: Path
    ) -> tuple[dict[str, Any], list[Path]]:
        """Analyse an image.

        Parameters
        ----------
        path : Path
        parameters : Parameters
        folder : Path
            Where to write the result.

        Returns
        -------
        result : dict
            The JSON document; see `tracker.result.document_still`.
        files : list of Path
            result.json.

        Raises
        ------
        UndecodableError
        """
        with self._lock, _translated_errors():
            still = measure_still(path, self._mesh, parameters.blink_thresh)
        return document_still(still), [write_still(still, folder, "analysis")]


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
    except InputError as error:
        raise UndecodableError("undecodable", str(error)) from error
