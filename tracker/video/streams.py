"""Find which of a file's streams is the recording, and read what the file says of it.

A file may have several video streams. Attached pictures, such as a cover, are not recordings. A
stream with one frame is not a recording either, if another stream has more. If several recordings
are left, the one that the file marks as default is taken, or else the longest one.
"""

import contextlib
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tracker.video.boxes import UnknownSpeedError
from tracker.video.libav import (
    AvCodecParameters,
    AvFormatContext,
    AvIndexEntry,
    AvStream,
    FrameSizeError,
    load_libraries,
)
from tracker.video.limits import MAX_FRAME_PIXELS
from tracker.video.orientation import NO_TURN, Turn, read_display_matrix
from tracker.video.times import SLOW_MOTION_FPS, check_recorded_at

CAPTURE_RATE_TAGS = (b"com.android.capture.fps",)
"""Tags with the rate at which frames were captured; players ignore them."""
RECORDED_TAGS = (b"com.apple.quicktime.creationdate", b"creation_time")
"""Tags with the time of the recording. The first one is preferred: it also tells the time zone."""

LEAST_FRAME_BYTES = 16
"""Size of the smallest frame, in which nothing moves, with what the container adds to it."""
SAME_RATE = 0.05
"""Rates of capture that differ by a smaller share mean the same: 119.88 and 120."""

_VIDEO = 0
_TIME_BASE_HZ = 1_000_000
_DEFAULT = 1
_NO_RECORDING = 0x0400 | 0x0800 | 0x100000
"""Streams that are attached pictures, thumbnails of a timeline, or still images."""
_HIDDEN_ENTRY = 2
_DISPLAY_MATRIX, _DISPLAY_MATRIX_BYTES = 5, 36


def find_recordings(context: AvFormatContext) -> list[AvStream]:
    """Return the video streams that could be the recording; [] if none could.

    These are the ones that FFmpeg has found so far in the file opened as `context`, without
    attached pictures, such as a cover, and without streams of one frame if another may have more.

    Raises
    ------
    FrameSizeError
        The frames of one of them have more than `MAX_FRAME_PIXELS` pixels.
    """
    streams = [context.streams[n].contents for n in range(context.stream_count)]
    videos = [
        one
        for one in streams
        if one.parameters.contents.codec_type == _VIDEO and not one.disposition & _NO_RECORDING
    ]
    if any(one.frame_count != 1 for one in videos):
        videos = [one for one in videos if one.frame_count != 1]
    # Fragmented files and Matroska declare no count. Only several frames of another stream prove
    # that a stream of about one frame is a cover: the header may know the first fragment alone.
    if any(_frames_by_duration(one) > 1 for one in videos):
        videos = [one for one in videos if _frames_by_duration(one) != 1]
    for video in videos:
        width, height = video.parameters.contents.width, video.parameters.contents.height
        if width * height > MAX_FRAME_PIXELS:
            raise FrameSizeError(width, height)
    return videos


def choose_recording(videos: list[AvStream]) -> AvStream:
    """Return which of the streams, at least one, to decode: the one that the file marks as default.

    If it marks several, return the longest of them. If it marks none, return the longest of all.
    """
    default = [one for one in videos if one.disposition & _DEFAULT]
    if len(default) == 1:
        return default[0]
    return max(
        default or videos,
        key=lambda one: (_duration_s(one), one.frame_count),
    )


def _duration_s(stream: AvStream) -> float:
    """Return how many seconds a stream lasts; 0 if that is not known."""
    # Matroska tells it in a tag alone. FFmpeg then gives the whole file's duration to a stream of
    # which it found no packet, such as a cover, so that the tag comes first.
    entry = load_libraries()["avutil"].av_dict_get(stream.metadata, b"DURATION", None, 0)
    with contextlib.suppress(ValueError):
        hours, minutes, seconds = (
            map(float, entry.contents.value.split(b":")) if entry else (0, 0, 0)
        )
        told_s = 3600 * hours + 60 * minutes + seconds
        if 0 < told_s < math.inf:
            return told_s
    return max(0.0, float(stream.duration * float(stream.time_base)))


def _frames_by_duration(stream: AvStream) -> int:
    """Return a stream's duration times its frame rate, rounded; 0 if one of them is not known."""
    return round(_duration_s(stream) * float(stream.mean_frame_rate))


def estimate_frame_count(
    context: AvFormatContext, stream: AvStream, fps: float, fragmented: bool
) -> int:
    """Return the expected number of frames of a file's video stream `stream`; 0 if it is not known.

    Hidden frames count. An MP4 that is not `fragmented` (see `tracker.video.boxes.is_fragmented`)
    gives it in its index, which lists all frames. For other files it is the declared duration,
    which may be that of the sound, times `fps`, the declared frame rate. It is 0 if the file is too
    small for so many frames, as when the camera's clock jumped.
    """
    if _is_mp4(context) and not fragmented and stream.frame_count:
        return stream.frame_count  # type: ignore[no-any-return]
    seconds = context.duration / _TIME_BASE_HZ
    if seconds <= 0:
        seconds = stream.duration * float(stream.time_base)
    count = max(0, int(seconds * fps + 0.5))
    size_bytes = load_libraries()["avformat"].avio_size(context.io)
    return count if count * LEAST_FRAME_BYTES <= size_bytes else 0


def count_hidden(context: AvFormatContext, stream: AvStream) -> int:
    """Return how many frames of an MP4 its edit list hides: stored, but shown by no player.

    For other kinds of file, it is 0. `stream` is the file's video stream that is decoded.
    """
    if not stream.frame_count or not _is_mp4(context):
        return 0
    entries = list(_index_entries(stream))
    shown = sum(not entry.flags & _HIDDEN_ENTRY for entry in entries)
    return max(0, stream.frame_count - shown) if entries else 0


def is_data_missing(context: AvFormatContext, stream: AvStream) -> bool:
    """Return whether an MP4 lists frames beyond the end of the file, because it was cut off.

    Return False for other kinds of file. The frames are those of `stream`, the video stream that is
    decoded. In a fragmented file, missing sound counts as well, because fragments of the video may
    have followed it. Call this for a fragmented file only after it was read to its end: its list is
    complete then.
    """
    size = load_libraries()["avformat"].avio_size(context.io)
    if size <= 0 or not _is_mp4(context):
        return False
    streams = [context.streams[n].contents for n in range(context.stream_count)]
    count = load_libraries()["avformat"].avformat_index_get_entries_count
    if not any(count(one) > one.frame_count for one in streams):
        streams = [stream]
    return any(
        entry.position + entry.size > size for one in streams for entry in _index_entries(one)
    )


def tells_times(context: AvFormatContext) -> bool:
    """Return whether the kind of file stores a time for each frame; False for raw MPEG video.

    FFmpeg then guesses when to show each frame, which is wrong after frames that refer to later
    ones. The time at which each packet is decoded is right, and can be used instead.
    """
    name: bytes = context.input_format.contents.name
    return name != b"mpegvideo"


def _is_mp4(context: AvFormatContext) -> bool:
    name: bytes = context.input_format.contents.name
    return name.startswith(b"mov")


def _index_entries(stream: AvStream) -> Iterator[AvIndexEntry]:
    library = load_libraries()["avformat"]
    for n in range(library.avformat_index_get_entries_count(stream)):
        yield library.avformat_index_get_entry(stream, n).contents


def read_turn(parameters: AvCodecParameters) -> Turn:
    """Return how the stream's display matrix turns and mirrors it; `NO_TURN` if it has none.

    The turn, shape (2, 2), takes a direction (x, y) in the stored picture to one in the shown
    picture.
    """
    for n in range(parameters.side_data_count):
        one = parameters.side_data[n]
        if one.kind == _DISPLAY_MATRIX and one.size >= _DISPLAY_MATRIX_BYTES:
            return read_display_matrix(one.numbers[:9])
    return NO_TURN


def read_pixel_aspect(context: Any, stream: AvStream, frame: Any = None) -> float:
    """Return the width of a frame's pixels over their height; 1 if it is not known.

    Parameters
    ----------
    context : pointer to AvFormatContext
    stream : AvStream
        If the stream has an aspect ratio, it is returned.
    frame : pointer to AvFrame, optional
        If the stream has none, the frame's aspect ratio is returned. Default: that of the codec.
    """
    ratio = load_libraries()["avformat"].av_guess_sample_aspect_ratio(context, stream, frame)
    return float(ratio) if ratio.numerator > 0 and ratio.denominator > 0 else 1.0


def read_capture_fps(context: AvFormatContext, stream: AvStream) -> float:
    """Return how many frames a second the camera took, by the file's tags; 0 if no tag says it.

    Android phones write such a tag, also at normal speed. A slow-motion video is played at a lower
    rate than this.
    """
    find = load_libraries()["avutil"].av_dict_get
    for metadata in (context.metadata, stream.metadata):
        for tag in CAPTURE_RATE_TAGS:
            entry = find(metadata, tag, None, 0)
            with contextlib.suppress(ValueError):
                rate = float(entry.contents.value) if entry else math.nan
                if math.isfinite(rate) and rate > 0:
                    return rate
    return 0.0


def read_recorded_at(context: AvFormatContext, stream: AvStream) -> str:
    """Return when the video was recorded, as its metadata say; "" if they say nothing believable.

    The text is ISO 8601, as `tracker.video.times.check_recorded_at` returns it. An iPhone tells the
    local time and its offset from UTC in a tag of its own; other cameras tell UTC.
    """
    find, now = load_libraries()["avutil"].av_dict_get, datetime.now(UTC)
    for tag in RECORDED_TAGS:
        for metadata in (context.metadata, stream.metadata):
            entry = find(metadata, tag, None, 0)
            text = entry.contents.value[:64].decode("ascii", "replace") if entry else ""
            if recorded_at := check_recorded_at(text, now):
                return recorded_at
    return ""


def choose_capture_fps(*told_fps: float) -> float:
    """Return the highest rate of capture of those that a file tells in several places; 0 if none.

    `told_fps` are frames a second that the camera took; 0 for a place that tells nothing. A camera
    that records in slow motion may write its usual rate into one of the places. The highest rate is
    therefore the right one.

    Raises
    ------
    UnknownSpeedError
        Two places tell rates of slow motion (`SLOW_MOTION_FPS` or more) that differ by over 5 %.
    """
    highest = max(told_fps)
    if any(SLOW_MOTION_FPS <= one < (1 - SAME_RATE) * highest for one in told_fps):
        raise UnknownSpeedError("different rates of slow motion are told")
    return highest
