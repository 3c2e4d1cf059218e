"""What one worker is given to track of a long recording, what it gives back, and the files of both.

A worker is given a `Segment` of the recording, and gives back a `Part`: what it saw there. The
files come from other machines, so reading them checks everything.
"""

import json
import math
import re
import zipfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels import LANDMARK_COUNT
from tracker.face.looks import Looks
from tracker.face.picture_gaze import HEIGHT_PX, WIDTH_PX
from tracker.tracks.archive import (
    TrackFileError,
    is_count,
    is_number,
    open_arrays,
    parse_video_info,
)
from tracker.tracks.track import Reading
from tracker.video.container import InputError, check_readable
from tracker.video.division import Stretch
from tracker.video.libav import NO_TIME
from tracker.video.seeking import Packet

FORMAT = 1
"""Version of a part's layout; another version is refused."""
_ARRAYS = {
    "frame_index": (np.int64, ()),
    "stream_times_s": (np.float64, ()),
    "begun": (np.int64, ()),
    "begun_frame": (np.int64, ()),
    "begun_region": (np.float64, (4,)),
    "detected_frame": (np.int64, ()),
    "detected_region": (np.float64, (4,)),
    "frame": (np.int64, ()),
    "asked": (np.float64, (4,)),
    "region": (np.float64, (4,)),
    "landmarks": (np.float32, (LANDMARK_COUNT, 2)),
    "measured": (np.bool_, ()),
    "quality": (np.float64, (5,)),
    "pictured": (np.int64, ()),
    "pictures": (np.uint8, (HEIGHT_PX, WIDTH_PX)),
    "iris_columns": (np.float64, (2,)),
    "eye_bytes": (np.int64, ()),
    "eyes": (np.uint8, ()),
}
"""Type and shape of each array of a part's file, without the first dimension."""
_COUNTS = ("frames_decoded", "frames_failed", "recordings")
_FLAGS = ("complete", "out_of_time", "whole", "mirrored")


class PartFileError(InputError):
    """A file is not a `Part`, or a text is not a `Segment`, that this version can read.

    It is something else, of another version, damaged or forged. The message says which step to do
    again: to plan the segments, or to track one.
    """


@dataclass(frozen=True, slots=True)
class Segment:
    """What one worker tracks of a recording.

    Attributes
    ----------
    index, count : int
        Number of this segment, from 0, and how many segments the recording has.
    plan : str
        Tells one plan from another: only parts with the same one can be joined. It is a SHA-256, in
        hexadecimal, of the steps, of where the recording was divided, and of the timestamps and
        sizes of its encoded frames. If the segment is the whole recording, it is only of the steps
        and the most frames to track, and so does not tell one recording from another.
    asked_step, step : int
        Every `asked_step`-th source frame was to be tracked; every `step`-th one is tracked.
    max_frames : int
        Most frames to track in this segment, besides those of the run-in: frames before it in which
        faces are only looked for, so that its first frame can begin with them.
    ends_early : bool
        True, in all segments, if the recording goes on after the last one.
    bits_per_frame : float
        Mean size in bits of the recording's encoded frames, see `tracker.video.frames.VideoInfo`; 0
        if the segment is the whole recording.
    stretch : Stretch or None
        The source frames of the segment; None for the whole recording.
    """

    index: int
    count: int
    plan: str
    asked_step: int
    step: int
    max_frames: int
    ends_early: bool = False
    bits_per_frame: float = 0.0
    stretch: Stretch | None = None

    def to_json(self) -> str:
        """Return the segment as a JSON text, which `parse_segment` reads."""
        return json.dumps(asdict(self))


def parse_segment(text: str) -> Segment:
    """Return the segment in a text that `Segment.to_json` wrote, with every value checked.

    Raises
    ------
    PartFileError
        It is something else, or was damaged or forged.
    """
    try:
        values = json.loads(text)
        stretch = values.pop("stretch")
        if stretch is not None:
            key = stretch.pop("keyframe")
            stretch = Stretch(keyframe=None if key is None else Packet(**key), **stretch)
        segment = Segment(**values, stretch=stretch)
        _check_segment(segment)
    # json and the dataclasses raise several kinds of errors for what is damaged.
    except Exception as error:
        raise PartFileError("not a segment that can be read. Plan the segments again.") from error
    return segment


def _check_segment(segment: Segment) -> None:
    counts = (segment.index, segment.count, segment.asked_step, segment.step, segment.max_frames)
    if not (
        all(is_count(count) for count in counts)
        and segment.index < segment.count
        and min(segment.asked_step, segment.step, segment.max_frames) >= 1
        and type(segment.plan) is str
        and re.fullmatch("[0-9a-f]{64}", segment.plan)
        and type(segment.ends_early) is bool
        and is_number(segment.bits_per_frame)
        and (segment.stretch is None or _is_sound(segment.stretch))
        and (segment.stretch is not None or segment.count == 1)
    ):
        raise ValueError("a value of the segment is out of range")


def _is_sound(stretch: Stretch) -> bool:
    key = stretch.keyframe
    times = [stretch.first_pts, stretch.stop_pts, *((key.pts, key.dts) if key else ())]
    return (
        all(type(time) is int and NO_TIME <= time < -NO_TIME for time in times)
        and all(is_count(n) for n in (stretch.key_index, stretch.first, stretch.stop))
        and stretch.key_index <= stretch.first < stretch.stop
        and (key is None or (is_count(key.size) and key.is_key is True and key.is_hidden is False))
    )


@dataclass(frozen=True, slots=True)
class Part:
    """What a worker saw in one segment of a recording: all that is needed to join its track.

    Attributes
    ----------
    segment : Segment
        Which segment it is.
    reading : Reading
        The indices and times of its tracked frames, and how the decoding went.
    looks : Looks
        All faces and landmarks that were found in these frames, also those of other people.
    """

    segment: Segment
    reading: Reading
    looks: Looks

    def save(self, path: Path) -> None:
        """Write the part as a compressed ``.npz`` without pickled objects.

        Parameters
        ----------
        path : Path
            File to write; its suffix must be ``.npz``, or NumPy adds it. An existing file is
            replaced.
        """
        np.savez_compressed(path, allow_pickle=False, **self._arrays())

    def is_same(self, other: "Part") -> bool:
        """Return whether another part has the same content, bit for bit, segment included."""
        ours, theirs = self._arrays(), other._arrays()
        return all(ours[name].tobytes() == theirs[name].tobytes() for name in ours)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """Return the whole part as the arrays that are written to its file, by their names there.

        The array ``header`` is a JSON text of all that is no array.
        """
        reading, looks = self.reading, self.looks
        header = {
            "format": FORMAT,
            "segment": self.segment.to_json(),
            "video": asdict(reading.video),
            "capture_fps": reading.capture_fps,
            **{name: getattr(reading, name) for name in (*_COUNTS, *_FLAGS)},
        }
        return {
            "header": np.array(json.dumps(header, allow_nan=False)),
            "frame_index": reading.frame_index,
            "stream_times_s": reading.stream_times_s,
            "eye_bytes": np.array([len(jpeg) for jpeg in looks.eyes], np.int64),
            "eyes": np.frombuffer(b"".join(looks.eyes), np.uint8),
            **{one.name: getattr(looks, one.name) for one in fields(looks) if one.name != "eyes"},
        }


def load_part(path: Path) -> Part:
    """Read a part that `Part.save` wrote, and check every value.

    Raises
    ------
    InputNotFoundError
        There is no such file, or it is a directory.
    PartFileError
        The file cannot be opened, is not a part, is damaged or forged, or was written by another
        version.
    """
    check_readable(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_part(archive, path.name)
    # zipfile, zlib, NumPy and json raise many kinds of errors for a damaged file.
    except Exception as error:
        told = str(error) if isinstance(error, TrackFileError) else "not a part that can be read."
        raise PartFileError(f"{path.name}: {told} Track its segment again.") from error


def _read_part(archive: zipfile.ZipFile, name: str) -> Part:
    read = open_arrays(archive, name)
    header = json.loads(str(read("header")))
    if header["format"] != FORMAT:
        raise ValueError("written by another version")
    arrays = {array: read(array) for array in _ARRAYS}
    for array, (kind, shape) in _ARRAYS.items():
        if arrays[array].dtype != kind or arrays[array].shape[1:] != shape:
            raise ValueError(f"{array} has another type or shape")
    ends = np.cumsum(arrays["eye_bytes"]).tolist()
    eyes = arrays["eyes"].tobytes()
    part = Part(
        segment=parse_segment(header["segment"]),
        reading=Reading(
            frame_index=arrays["frame_index"],
            stream_times_s=arrays["stream_times_s"],
            video=parse_video_info(header["video"]),
            capture_fps=header["capture_fps"],
            **{name: header[name] for name in (*_COUNTS, *_FLAGS)},
        ),
        looks=Looks(
            eyes=tuple(eyes[a:b] for a, b in zip([0, *ends], ends, strict=False)),
            **{one.name: arrays[one.name] for one in fields(Looks) if one.name != "eyes"},
        ),
    )
    if (arrays["eye_bytes"] < 0).any() or sum(map(len, part.looks.eyes)) != len(eyes):
        raise ValueError("the pictures of the eyes do not fit")
    _check_reading(part.segment, part.reading)
    _check_looks(part.reading.frame_index.size, part.looks)
    return part


def _check_reading(segment: Segment, reading: Reading) -> None:
    index = reading.frame_index
    first, stop = (
        (0, math.inf) if segment.stretch is None else (segment.stretch.first, segment.stretch.stop)
    )
    if not (
        index.shape == reading.stream_times_s.shape
        and index.size <= segment.max_frames
        and ((index >= first) & (index < stop)).all()
        and (np.diff(index) > 0).all()
        and (index % segment.step == 0).all()
        and all(is_count(getattr(reading, name)) for name in _COUNTS)
        and all(type(getattr(reading, name)) is bool for name in _FLAGS)
        and is_number(reading.capture_fps)
    ):
        raise ValueError("the frames are not those of the segment")


def _check_looks(frames: int, looks: Looks) -> None:
    pairs = {
        "frame": ("region", "asked", "landmarks", "measured", "quality", "eyes"),
        "detected_frame": ("detected_region",),
        "begun_frame": ("begun_region",),
        "begun": (),
        "pictured": ("pictures", "iris_columns"),
    }
    regions = (looks.asked, looks.region, looks.detected_region, looks.begun_region)
    if not (
        all(
            len(getattr(looks, value)) == len(getattr(looks, frame))
            for frame, values in pairs.items()
            for value in values
        )
        and all(
            ((one >= 0) & (one < frames)).all() and (np.diff(one) >= 0).all()
            for one in (getattr(looks, frame) for frame in pairs if frame != "pictured")
        )
        and np.isin(looks.begun_frame, looks.begun).all()
        and all(np.isfinite(one).all() and (one[:, 2] > 0).all() for one in regions)
        and np.isfinite(looks.landmarks).all()
        and ((looks.pictured >= 0) & (looks.pictured < looks.frame.size)).all()
        and (np.diff(looks.pictured) > 0).all()
        and np.isfinite(looks.iris_columns).all()
        and not np.isinf(looks.quality).any()
        and (np.isnan(looks.quality) | (looks.quality >= 0)).all()
    ):
        raise ValueError("what was seen does not fit together")
