"""Write and read ``STEM.track.npz``, the file of a track (the landmarks of a recording).

Reading checks everything, because a file may be damaged or forged.
"""

import json
import math
import re
import sys
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from kernels import FACE_MESH_INDICES, LANDMARK_COUNT
from tracker.face.quality import ImageQuality
from tracker.protocol import TASKS, parse_protocol
from tracker.tracks.track import Track, TrackInfo
from tracker.video.container import InputError, check_readable
from tracker.video.frames import (
    MAX_FPS,
    MAX_FRAME_COUNT,
    VideoInfo,
    most_frames,
)
from tracker.video.limits import MAX_FRAME_PIXELS
from tracker.video.times import TIME_SOURCES, check_recorded_at

FORMAT = 2
"""Version of the file's layout; another version is refused."""
MAX_TRACK_BYTES = 2**30
"""Largest size to which a file may unpack."""
_PICTURE_ARRAYS = ("picture_sample", "picture_heights")
_LAST_TIME = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)
_HEADER_NAMES = {"image_quality": "picture"}
"""Header names of fields that `TrackInfo` has renamed since. Old files must stay readable."""


class TrackFileError(InputError):
    """The file is not a track that this version can read: damaged, another kind or version.

    Its message tells the user which, and what to do.
    """


def save_track(track: Track, path: Path) -> None:
    """Write a track as a compressed ``.npz`` without pickled objects.

    Parameters
    ----------
    track : Track
        What to write.
    path : Path
        File to write; its suffix must be ``.npz``, or NumPy adds it. An existing file is replaced.
    """
    header: dict[str, Any] = {"format": FORMAT, "landmarks": FACE_MESH_INDICES}
    for name, value in asdict(track.info).items():
        header[_HEADER_NAMES.get(name, name)] = value
    header["picture"] = {
        name: None if math.isnan(value) else value for name, value in header["picture"].items()
    }
    np.savez_compressed(
        path,
        header=np.array(json.dumps(header, allow_nan=False)),
        frame_index=track.frame_index,
        times_s=track.times_s,
        landmarks=track.landmarks,
        turned_sample=track.second_pass_sample,
        turned_landmarks=track.second_pass_landmarks,
        turned_by=track.second_pass_turn,
        picture_sample=track.picture_sample,
        picture_heights=track.picture_heights,
    )


def load_track(path: str | Path) -> Track:
    """Read a track that `save_track` wrote.

    Parameters
    ----------
    path : str or Path
        A file such as ``clip.track.npz``.

    Returns
    -------
    Track
        What older versions did not save has its default value.

    Raises
    ------
    InputNotFoundError
        There is no such file, or it is a directory.
    TrackFileError
        The file cannot be opened, is not a track, is damaged, or was written by a version whose
        files have another layout.

    Examples
    --------
    >>> import tracker
    >>> track = tracker.load_track("clip.track.npz")
    >>> float(track.times_s[-1])
    11.933333333333334
    """
    path = Path(path)
    check_readable(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_track(archive, path.name)
    except TrackFileError:
        raise
    # zipfile, zlib, NumPy and json raise many kinds of errors for a damaged file.
    except Exception as error:
        raise TrackFileError(
            f"{path.name}: not a track that can be read. Make it again from the video."
        ) from error


def open_arrays(archive: zipfile.ZipFile, name: str) -> Callable[[str], Any]:
    """Return a function that reads an array of an open ``.npz`` file, given the array's name.

    The returned function raises errors of many kinds if the array is missing or damaged. `name` is
    the name of the file, for the message of the error below.

    Raises
    ------
    TrackFileError
        All arrays together would take more than `MAX_TRACK_BYTES` in memory.
    """
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAX_TRACK_BYTES:
        raise TrackFileError(f"{name}: unpacks to over {MAX_TRACK_BYTES >> 20} MB.")

    def read(array: str) -> Any:
        # np.load would open the archive once more, and look at each member's kind.
        with archive.open(f"{array}.npy") as member:
            return np.lib.format.read_array(  # type: ignore[no-untyped-call]
                member, allow_pickle=False
            )

    return read


def _read_track(archive: zipfile.ZipFile, name: str) -> Track:
    """Read and check all of a track's file.

    `name` is the file's name, for an error's message. For a file that is too large or of another
    layout, it raises `TrackFileError`; for one that is damaged, errors of many kinds.
    """
    read = open_arrays(archive, name)
    header = json.loads(str(read("header")))
    if header["format"] != FORMAT or tuple(header["landmarks"]) != FACE_MESH_INDICES:
        raise TrackFileError(f"{name}: written by another version. Make it again from the video.")
    track = Track(
        frame_index=read("frame_index"),
        times_s=read("times_s"),
        landmarks=read("landmarks"),
        second_pass_sample=read("turned_sample"),
        second_pass_landmarks=read("turned_landmarks"),
        second_pass_turn=read("turned_by"),
        info=_parse_info(header),
        # Older tracks lack these, too.
        **{one: read(one) for one in _PICTURE_ARRAYS if f"{one}.npy" in archive.namelist()},
    )
    _check_arrays(track)
    return track


def _parse_info(header: dict[str, Any]) -> TrackInfo:
    """Return what a track's file says of its source: its JSON header, with every value checked.

    If a value is missing or out of its range, it raises errors of many kinds, such as KeyError,
    TypeError or ValueError. What older versions did not save has its default value.
    """
    info = TrackInfo(
        video=parse_video_info(header["video"]),
        step=header["step"],
        frames_decoded=header["frames_decoded"],
        frames_failed=header["frames_failed"],
        time_source=header["time_source"],
        complete=header["complete"],
        other_face_ratio=header["other_face_ratio"],
        image_quality=ImageQuality(
            **{
                name: math.nan if value is None else value
                for name, value in header["picture"].items()
            }
        ),
        protocol=parse_protocol(header["protocol"]),
        raised_step=header["raised_step"],
        out_of_time=header["out_of_time"],
        # Older tracks lack these. They are accepted without them.
        video_sha256=header.get("video_sha256", ""),
        # Older tracks do not say what the person was asked to do.
        task=header.get("task", "unknown"),
        cut_off=header.get("cut_off", False),
        recordings=header.get("recordings", 1),
        mirrored=header.get("mirrored", False),
        capture_fps=header.get("capture_fps", 0.0),
        slowed_down=header.get("slowed_down", 1.0),
    )
    _check_info(header, info)
    return info


def parse_video_info(values: dict[str, Any]) -> VideoInfo:
    """Return what the file of a track, or of a part of one, says of its video.

    `values` are the fields of `VideoInfo` by name, as they were read from JSON. Each is checked.
    Only ``recorded_at`` may be missing, as in files of older versions.

    Raises
    ------
    TypeError, ValueError
        A value is missing, is no field of `VideoInfo`, or is out of its range.
    """
    info = VideoInfo(**values)
    if not (
        # Older tracks do not say when their video was recorded.
        asdict(info).keys() - {"recorded_at"} <= values.keys()
        and _is_recorded_at(info.recorded_at)
        and all(is_count(count) for count in (info.width, info.height, info.frame_count))
        and min(info.width, info.height) >= 1
        and info.width * info.height <= MAX_FRAME_PIXELS
        and is_number(info.fps)
        and is_number(info.bits_per_frame)
        and info.fps <= MAX_FPS
        and info.frame_count <= most_frames(info.fps)
    ):
        raise ValueError("a value of the video is out of range")
    return info


def _is_recorded_at(value: object) -> bool:
    """Return whether a track's file may hold this value as its time of recording.

    True for a time exactly as `check_recorded_at` returns it, such as
    ``2026-03-02T00:15:00+00:00``, and for "", which means that no time is known. A time in the
    future is accepted: the clock of the machine that made the track may be ahead.
    """
    return type(value) is str and (value == "" or check_recorded_at(value, _LAST_TIME) == value)


def _check_info(header: dict[str, Any], info: TrackInfo) -> None:
    counts = (
        info.step,
        info.raised_step,
        info.frames_decoded,
        info.frames_failed,
        info.recordings,
    )
    if not (
        header["picture"].keys() == asdict(info.image_quality).keys()
        and all(is_count(count) for count in counts)
        and info.step >= 1
        and all(
            is_number(value)
            for value in (info.other_face_ratio, info.capture_fps, info.slowed_down)
        )
        and info.slowed_down > 0
        and info.time_source in TIME_SOURCES
        and info.task in TASKS
        and all(
            type(flag) is bool
            for flag in (info.complete, info.out_of_time, info.cut_off, info.mirrored)
        )
        and type(info.video_sha256) is str
        and re.fullmatch("([0-9a-f]{64})?", info.video_sha256)
        # null stands for "not measured". NaN and infinity, which Python's JSON allows, are refused.
        and all(value is None or is_number(value) for value in header["picture"].values())
    ):
        raise ValueError("a value of the header is out of range")


def is_count(value: object) -> bool:
    """Return whether a value can be a number of frames: an int from 0 to `MAX_FRAME_COUNT`.

    A bool is not.
    """
    return type(value) is int and 0 <= value <= MAX_FRAME_COUNT


def is_number(value: object) -> bool:
    """Return whether a value is an int or float (no bool), finite and 0 or more; NaN is not."""
    # Whole numbers in JSON can exceed every float; dividing them would overflow.
    return type(value) in (int, float) and 0 <= value <= sys.float_info.max  # type: ignore[operator]


def _check_arrays(track: Track) -> None:
    count = track.times_s.size
    if not (
        track.frame_index.dtype == np.int64
        and track.times_s.dtype == np.float64
        and track.landmarks.dtype == np.float32
        and track.frame_index.shape == track.times_s.shape == (count,)
        and track.landmarks.shape == (count, LANDMARK_COUNT, 2)
        and np.isfinite(track.times_s).all()
        and (track.times_s[:1] == 0).all()
        and (np.diff(track.times_s) > 0).all()
        and (np.diff(track.frame_index) > 0).all()
        and not np.isinf(track.landmarks).any()
        and track.second_pass_sample.dtype == np.int64
        and track.second_pass_sample.ndim == 1
        and (np.diff(track.second_pass_sample) > 0).all()
        and ((track.second_pass_sample >= 0) & (track.second_pass_sample < count)).all()
        and track.second_pass_landmarks.dtype == np.float32
        and track.second_pass_landmarks.shape == (track.second_pass_sample.size, LANDMARK_COUNT, 2)
        and np.isfinite(track.second_pass_landmarks).all()
        and track.second_pass_turn.dtype == np.int64
        and track.second_pass_turn.shape == track.second_pass_sample.shape
        and track.picture_sample.dtype == np.int64
        and track.picture_sample.ndim == 1
        and (np.diff(track.picture_sample) > 0).all()
        and ((track.picture_sample >= 0) & (track.picture_sample < count)).all()
        and track.picture_heights.dtype == np.float32
        and track.picture_heights.shape == (track.picture_sample.size, 2)
        and not np.isinf(track.picture_heights).any()
    ):
        raise ValueError("the arrays do not fit together")
