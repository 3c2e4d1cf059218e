"""FFmpeg's decoder, used through its C interface.

`cv2.VideoCapture` decodes with the same libraries, which come with OpenCV's wheel, but it converts
and copies every whole frame. For a 1080p frame, that takes a quarter to a third as long as decoding
it, although only the part with the face is needed. Here, `tracker.video.pixels` converts only that
part. The pixels are exactly the same (`tests/tracker/video/test_ffmpeg.py`).
"""

import contextlib
import ctypes as c
import errno
import math
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from tracker.video import boxes
from tracker.video.container import MIN_SIDE_PX
from tracker.video.ends import is_cut_off
from tracker.video.hdr import Light
from tracker.video.libav import (
    NO_TIME,
    AvCodecParameters,
    AvIoContext,
    AvPacket,
    AvReadFunction,
    AvSeekFunction,
    FFmpegError,
    FrameSizeError,
    PixelAspectError,
    load_libraries,
)
from tracker.video.limits import MAX_FRAME_PIXELS
from tracker.video.orientation import (
    is_believable_aspect,
    is_mirrored,
    mirror_back,
    place_picture,
    shown_size,
)
from tracker.video.pixels import Converter, LazyImage
from tracker.video.streams import (
    choose_capture_fps,
    choose_recording,
    count_hidden,
    estimate_frame_count,
    find_recordings,
    is_data_missing,
    read_capture_fps,
    read_pixel_aspect,
    read_recorded_at,
    read_turn,
    tells_times,
)

BITRATE_FRAMES = 300
"""Encoded frames from the start whose size is counted: 10 s at 30 fps."""
READ_ATTEMPTS, DECODE_ATTEMPTS = 4096, 64
"""One call tries at most this often to read a packet, and this many packets without a frame."""
READ_ERRORS = 600
"""Packets in a row that cannot be read, after which reading ends."""
MAX_CONVERTERS = 16
"""Most different sizes of frames in one video; frames of further sizes are left out."""
STREAM_BUFFER_BYTES = 2**16
MOST_STREAM_BYTES = 2**44 - 2**12
"""Largest file that Linux' usual file system holds; no place beyond it is sought."""
CONTAINERS = b"mov,matroska,avi,mpegts,mpeg,mpegvideo,asf"
"""Formats that may be opened.

FFmpeg guesses the format from the whole content. It also knows playlists and scripts, which name
other files and addresses to read.
"""

# An encoded frame is up to a block larger than the frame that is shown.
_MAX_PIXELS = b"%d" % (MAX_FRAME_PIXELS * 9 // 8)
_SEEK_SIZE = 0x10000
END_OF_FILE = -int.from_bytes(b"EOF ", "little")
TRY_AGAIN = -errno.EAGAIN
_INVALID = -errno.EINVAL


class _StreamReader:
    """Lets FFmpeg read from a Python stream instead of a file; `context` is what FFmpeg is given.

    FFmpeg is C code, so an exception of the stream cannot pass through it. Instead, FFmpeg is told
    that the stream ends. When FFmpeg's function has returned, `raise_error` raises the exception.
    """

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self._error: BaseException | None = None
        library = load_libraries()
        # Keep a reference to the callbacks: the library calls them for as long as it reads.
        self._functions = AvReadFunction(self._read), AvSeekFunction(self._seek)
        self.context = library["avformat"].avio_alloc_context(
            library["avutil"].av_malloc(STREAM_BUFFER_BYTES), STREAM_BUFFER_BYTES, 0, None,
            self._functions[0], None, self._functions[1],
        )  # fmt: skip

    def raise_error(self) -> None:
        """Raise the exception that the stream raised while FFmpeg read, if there was one.

        After it, the stream is not read any more, and every further call raises it again.
        """
        if self._error is not None:
            raise self._error

    def _read(self, _opaque: Any, buffer: int, size: int) -> int:
        def copy() -> int:
            content = self._stream.read(size)
            if len(content) > size:
                raise OSError(f"the stream gave {len(content)} bytes where {size} were asked")
            c.memmove(buffer, content, len(content))
            return len(content) or END_OF_FILE

        return self._guarded(copy)

    def _seek(self, _opaque: Any, offset: int, whence: int) -> int:
        def move() -> int:
            here = self._stream.tell()
            size = self._stream.seek(0, 2)
            if whence & _SEEK_SIZE:
                self._stream.seek(here)
                return size
            target: int = offset + {0: 0, 1: here, 2: size}[whence & 3]
            if not 0 <= target < MOST_STREAM_BYTES:
                self._stream.seek(here)
                return _INVALID
            # A damaged file may name a place beyond its end, which many streams refuse.
            self._stream.seek(min(target, size))
            return target

        return self._guarded(move)

    def _guarded(self, action: Callable[[], int]) -> int:
        if self._error is None:
            try:
                return action()
            except BaseException as error:
                self._error = error
        return END_OF_FILE

    def close(self) -> None:
        """Free FFmpeg's memory for reading. Call this when the decoder is already closed."""
        if self.context:
            library = load_libraries()
            buffer = c.addressof(self.context.contents) + AvIoContext.buffer.offset
            library["avutil"].av_freep(buffer)
            library["avformat"].avio_context_free(c.byref(self.context))


@dataclass(slots=True)
class ReadPackets:
    """How much was read of a video file so far, in encoded frames and bytes.

    The recording is the video stream that is decoded; a file may hold others, and sound.

    Attributes
    ----------
    count, size_bytes : int
        Number of the recording's encoded frames, hidden ones too, and the sum of their sizes in
        bytes. Only the first `BITRATE_FRAMES` frames are counted.
    last_place : int
        Byte offset in the file of that frame of the recording which lies furthest into the file; -1
        if none was read.
    data_end : int
        Byte offset in the file at which the last of the frames and the sound read so far ends.
    """

    count: int = 0
    size_bytes: int = 0
    last_place: int = -1
    data_end: int = 0

    def note(self, packet: AvPacket, of_recording: bool) -> None:
        """Take a packet that was just read into these figures.

        If it is not `of_recording`, but sound or of another video stream, only `data_end` changes.
        """
        place, size = packet.position, packet.size
        self.data_end = max(self.data_end, place + size)
        if of_recording:
            self.last_place = max(self.last_place, place)
            if self.count < BITRATE_FRAMES:
                self.count += 1
                self.size_bytes += size


def _set_option(options: c.c_void_p, name: bytes, value: bytes) -> None:
    load_libraries()["avutil"].av_dict_set(c.byref(options), name, value, 0)


def _find_stream_info(context: Any) -> int:
    """Let FFmpeg read the start of the file to find its streams' properties, such as their rates.

    `context` is a pointer to an `AvFormatContext`. Return FFmpeg's code, negative if that failed.
    """
    count = context.contents.stream_count
    # One set of options for each stream known so far.
    options = [c.c_void_p() for _ in range(count)]
    for one in options:
        _set_option(one, b"max_pixels", _MAX_PIXELS)
    array = (c.c_void_p * count)(*options)
    code: int = load_libraries()["avformat"].avformat_find_stream_info(context, array)
    for left in array:
        load_libraries()["avutil"].av_dict_free(c.byref(c.c_void_p(left)))
    return code


def _open_codec(parameters: AvCodecParameters) -> c.c_void_p:
    library = load_libraries()["avcodec"]
    codec = library.avcodec_find_decoder(parameters.codec_id)
    if not codec:
        raise FFmpegError("no decoder for its codec")
    context = c.c_void_p(library.avcodec_alloc_context3(codec))
    options = c.c_void_p()
    # A single thread, because on one core FFmpeg's own threads cost more than they save.
    _set_option(options, b"threads", b"1")
    _set_option(options, b"max_pixels", _MAX_PIXELS)
    opened = (
        library.avcodec_parameters_to_context(context, c.byref(parameters)) >= 0
        and library.avcodec_open2(context, codec, c.byref(options)) >= 0
    )
    load_libraries()["avutil"].av_dict_free(c.byref(options))
    if not opened:
        library.avcodec_free_context(c.byref(context))
        raise FFmpegError("its codec cannot be opened")
    return context


class Decoder:
    """Decodes the frames of a file's recording, one of its video streams, in order on one thread.

    Call `grab`, read `time_s`, then call `take`. `tracker.video.streams` chooses the recording.

    Parameters
    ----------
    source : Path or BufferedIOBase
        A file, or a seekable binary stream at its start.

    Attributes
    ----------
    width, height : int
        Size of the shown picture in pixels; see `tracker.video.orientation`.
    mirrored : bool
        Whether the file says to show a mirror image; `take` returns the frames mirrored back.
    fps, frame_count : float, int
        Frame rate and number of frames, hidden ones too, that the container declares; 0 if none.
        Of a fragmented file, `frame_count` may be that of the first fragment.
    estimated_frame_count : int
        Number of all frames, hidden ones too: that of an MP4's index, else the declared duration
        times `fps`; 0 if it is not known. See `tracker.video.streams.estimate_frame_count`.
    hidden : int
        Number of frames that an MP4's edit list hides: they are stored, but no player shows them.
    capture_fps : float
        Frames a second when they were captured (not played: slow motion); 0 if it is not said.
    recorded_at : str
        When the video was recorded, ISO 8601 with the offset from UTC; "" if it is not known.
    recordings : int
        Number of video streams that could be the recording; only one of them is decoded.
    tells_times : bool
        Whether the file says when each frame is shown; see `tracker.video.streams.tells_times`.
    unreadable, unread_at_end : int
        Numbers of packets that could not be read: by the last `grab`, before the frame that it
        found; and at the file's end. After `READ_ERRORS` in a row, the file counts as ended.
    packets : ReadPackets
        How much was read so far.
    ended : bool
        Whether the file has been read to its end and the decoder holds no more frames.

    Raises
    ------
    FFmpegError
        The file cannot be opened, or has no video stream that can be decoded. Subclasses: its
        frames are too large, its pixels too wide or tall, or its speed is unknown.
    Exception
        Any error that the stream raises when it is read, here or in `grab`.
    """

    def __init__(self, source: Path | BufferedIOBase) -> None:
        self._library = library = load_libraries()
        self.packets = ReadPackets()
        self.unreadable = self.unread_at_end = 0
        self.ended = False
        self._converters: dict[tuple[int, int, float], Converter] = {}
        self._file = source.open("rb") if isinstance(source, Path) else source
        self._reader: _StreamReader | None = None
        self._context = c.c_void_p()
        self._format = library["avformat"].avformat_alloc_context()
        self._packet = library["avcodec"].av_packet_alloc()
        self._frame = library["avutil"].av_frame_alloc()
        try:
            self._open(source)
        except BaseException:
            self.close()
            raise

    def _open(self, source: Path | BufferedIOBase) -> None:
        library = self._library["avformat"]
        boxed_fps = boxes.read_capture_fps(self._file)
        fragmented = boxes.is_fragmented(self._file)
        options = c.c_void_p()
        _set_option(options, b"format_whitelist", CONTAINERS)
        # A file cannot make FFmpeg open an address on the network.
        _set_option(options, b"protocol_whitelist", b"file")
        if isinstance(source, Path):
            url = b"file:" + str(source.resolve()).encode(errors="surrogateescape")
        else:
            self._reader = _StreamReader(source)
            self._format.contents.io = c.cast(self._reader.context, c.c_void_p)
            url = b""
        code = library.avformat_open_input(c.byref(self._format), url, None, c.byref(options))
        self._library["avutil"].av_dict_free(c.byref(options))
        self._raise_stream_error()
        if code < 0:
            raise FFmpegError("not a video file")
        find_recordings(self._format.contents)
        code = _find_stream_info(self._format)
        self._raise_stream_error()
        if code < 0:
            raise FFmpegError("not a video file")
        videos = find_recordings(self._format.contents)
        if not videos:
            raise FFmpegError("no video stream")
        self.recordings = len(videos)
        self.tells_times = tells_times(self._format.contents)
        self._stream = choose_recording(videos)
        parameters = self._stream.parameters.contents
        self._context = _open_codec(parameters)
        self.fps = float(self._stream.mean_frame_rate) or float(
            library.av_guess_frame_rate(self._format, c.byref(self._stream), None)
        )
        self.estimated_frame_count = estimate_frame_count(
            self._format.contents, self._stream, self.fps, fragmented
        )
        self.frame_count = self._stream.frame_count
        self.hidden = count_hidden(self._format.contents, self._stream)
        tags = (self._format.contents, self._stream)
        self.capture_fps = choose_capture_fps(boxed_fps, read_capture_fps(*tags))
        self.recorded_at = read_recorded_at(*tags)
        turn = read_turn(parameters)
        self.mirrored, self._turn = is_mirrored(turn), mirror_back(turn)
        aspect = read_pixel_aspect(self._format, self._stream)
        if not is_believable_aspect(aspect):
            raise PixelAspectError(aspect)
        self.width, self.height = shown_size(
            parameters.width, parameters.height, self._turn, aspect
        )
        if self.width * self.height > MAX_FRAME_PIXELS:
            raise FrameSizeError(self.width, self.height)

    def _raise_stream_error(self) -> None:
        if self._reader is not None:
            self._reader.raise_error()

    def grab(self) -> bool:
        """Decode the next frame and return True; return False if this call found none.

        After False, look at `ended`. If it is set, there are no more frames. If not, a packet could
        not be decoded, and a later call may still find a frame. Raises ValueError after `close`.
        """
        if not self._context:
            raise ValueError("the video is closed")
        library = self._library["avcodec"]
        context, packet, frame = self._context, self._packet, self._frame
        found: bool = library.avcodec_receive_frame(context, frame) >= 0
        reads = attempts = self.unreadable = 0
        while not found:
            code = self._read()
            others = code >= 0 and packet.contents.stream_index != self._stream.index
            if code >= 0:
                self.packets.note(packet.contents, not others)
            if others:
                continue
            if code == TRY_AGAIN:
                reads += 1
                if reads > READ_ATTEMPTS:
                    break
                continue
            # What follows a packet that cannot be read may be whole.
            if code < 0 and code != END_OF_FILE and self.unreadable < READ_ERRORS:
                self.unreadable += 1
                continue
            if code < 0 and self.unreadable:
                self.unread_at_end, self.unreadable = self.unreadable, 0
            # At the end, send no packet: this asks the decoder for the frames that it still holds.
            if library.avcodec_send_packet(context, packet if code >= 0 else None) < 0:
                self.ended = code < 0
                break
            code = library.avcodec_receive_frame(context, frame)
            found = code >= 0
            if not found and code != TRY_AGAIN:
                attempts += 1
                if attempts > DECODE_ATTEMPTS:
                    break
        return found

    def is_cut_off(self) -> bool:
        """Return whether the file, now read to its end, was cut off; False if that is unknown."""
        return is_data_missing(self._format.contents, self._stream) or is_cut_off(
            self._file, self.packets.last_place, self.packets.data_end
        )

    def _read(self) -> int:
        """Read any stream's next packet to `_packet`; return FFmpeg's code (negative: none)."""
        self._library["avcodec"].av_packet_unref(self._packet)
        code: int = self._library["avformat"].av_read_frame(self._format, self._packet)
        self._raise_stream_error()
        return code

    @property
    def time_s(self) -> float:
        """When the last grabbed frame is shown, in seconds from the stream's first timestamp.

        NaN if it is not known, and after `take`, so read it before.
        """
        frame = self._frame.contents
        ticks: int = frame.pts
        if ticks == NO_TIME or not self.tells_times:
            # The packet's decoding time instead: frames leave as regularly as packets enter.
            ticks = frame.packet_dts
        if ticks == NO_TIME:
            return math.nan
        start: int = self._stream.start_time
        return (ticks - (0 if start == NO_TIME else start)) * float(self._stream.time_base)

    def take(self) -> LazyImage | None:
        """Hand over the last grabbed frame; None the second time, or if it cannot be converted.

        It cannot be if a side is under `MIN_SIDE_PX`, its pixels are far from square, swscale does
        not know their format, or it is of a new size after `MAX_CONVERTERS` other ones.
        """
        converter = self._find_converter()
        frame = self._frame.contents
        light = Light(frame.transfer, frame.primaries)
        if converter is None or not converter.fits(frame):
            return None
        image = LazyImage(self._frame, converter, light)
        self._frame = self._library["avutil"].av_frame_alloc()
        return image

    def _find_converter(self) -> Converter | None:
        """Return the converter for the last grabbed frame's size; None if the size is refused."""
        frame = self._frame.contents
        aspect = read_pixel_aspect(self._format, self._stream, self._frame)
        key = (frame.width, frame.height, aspect)
        if key not in self._converters:
            if (
                min(key[:2]) < MIN_SIDE_PX
                or not is_believable_aspect(aspect)
                or len(self._converters) == MAX_CONVERTERS
            ):
                return None
            placement = place_picture(
                frame.width, frame.height, self._turn, aspect, (self.width, self.height)
            )
            self._converters[key] = Converter(placement)
        return self._converters[key]

    def close(self) -> None:
        """Release the decoder; frames that were taken remain usable."""
        library = self._library
        library["avcodec"].avcodec_free_context(c.byref(self._context))
        library["avformat"].avformat_close_input(c.byref(self._format))
        library["avcodec"].av_packet_free(c.byref(self._packet))
        library["avutil"].av_frame_free(c.byref(self._frame))
        if self._reader is not None:
            self._reader.close()
        else:
            self._file.close()

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):
            self.close()
