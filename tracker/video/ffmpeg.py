"""FFmpeg's decoder, by its C interface: what OpenCV has of it converts every frame as a whole.

The libraries are those in OpenCV's wheel, which decodes with them too. Converting a 1080p frame,
of which the face's part is looked at, costs a quarter to a third of decoding it; here the part is
converted alone, by the same function of swscale, to the same bits
(`tests/tracker/video/test_ffmpeg.py`).
"""

import contextlib
import ctypes as c
import errno
from collections.abc import Callable
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.video.libav import (
    NO_TIME,
    AvCodecParameters,
    AvFrame,
    AvIoContext,
    AvReadFunction,
    AvSeekFunction,
    AvStream,
    load_libraries,
)
from tracker.video.limits import MAX_FRAME_PIXELS

BITRATE_FRAMES = 300
"""Frames from the start over which the bits of a frame are counted: 10 s at 30 fps."""
READ_ATTEMPTS, DECODE_ATTEMPTS = 4096, 64
"""Packets of other streams, and packets without a picture, that one call passes over at most."""
STREAM_BUFFER_BYTES = 2**16
CONTAINERS = b"mov,matroska,avi,mpegts,mpeg,mpegvideo,asf"
"""Formats that are opened. FFmpeg guesses by the whole content, and knows playlists and scripts,
which name other files and addresses to read."""
BLOCK_PX = 64
"""Parts are converted in whole blocks of columns: swscale's vectors hold up to 32 pixels, and
computes what is left over of a row in another way."""

# What is coded is up to a block larger than what is shown.
_MAX_PIXELS = b"%d" % (MAX_FRAME_PIXELS * 9 // 8)
_VIDEO = 0
_DISPLAY_MATRIX, _DISPLAY_MATRIX_BYTES = 5, 36
_TIME_BASE_HZ = 1_000_000
_PART_FORMATS = (b"yuv420p", b"yuvj420p")
"""Formats that swscale converts pixel by pixel, without a look at what is around: all that phones
record but 10-bit video."""
_BICUBIC = 4
_FULL_RANGE = 2
_DEFAULT_MATRIX = 5
_UNSPECIFIED = 2
_INTERLACED = 1 << 3
_SEEK_SIZE = 0x10000
_EOF = -int.from_bytes(b"EOF ", "little")
_TRY_AGAIN = -errno.EAGAIN
_ROTATIONS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


class FFmpegError(Exception):
    """The file cannot be opened or holds no video."""


class FrameSizeError(FFmpegError):
    """The picture is larger than what is decoded: `MAX_FRAME_PIXELS`."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"the picture is {width}x{height}")
        self.width, self.height = width, height


_NO_PIXELS: NDArray[np.uint8] = np.empty((0, 0, 3), np.uint8)


class LazyImage:
    """A decoded frame of which parts are converted as they are asked for.

    It is sliced like an array: ``picture[top:bottom, left:right]`` is that part in blue, green and
    red, not to be written to. `numpy.asarray` gives the whole. What lies within the part that was
    converted last is taken out of it.

    Attributes
    ----------
    shape : tuple of int
        Height, width, 3; the rotation applied.
    """

    def __init__(self, frame: Any, converter: "_Converter") -> None:
        self._frame = frame
        self._converter = converter
        self.shape = converter.shape
        self._box = (0, 0, 0, 0)
        self._pixels = _NO_PIXELS

    def __getitem__(self, part: tuple[slice, slice]) -> NDArray[np.uint8]:
        height, width = self.shape[:2]
        top, bottom, _ = part[0].indices(height)
        left, right, _ = part[1].indices(width)
        frame = self._held_frame()
        above, below, before, after = self._box
        if not (above <= top and bottom <= below and before <= left and right <= after):
            by_parts = self._converter.converts_parts(frame)
            self._box = (top, bottom, left, right) if by_parts else (0, height, 0, width)
            self._pixels = self._converter.convert(frame, *self._box)
            above, _, before, _ = self._box
        return self._pixels[top - above : bottom - above, left - before : right - before]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[np.uint8]:
        return self[:, :]

    def _held_frame(self) -> AvFrame:
        if self._frame is None:
            raise ValueError("the frame is given back: the next one was asked for")
        held: AvFrame = self._frame.contents
        return held

    def release(self) -> None:
        """Give the frame back to the decoder; it cannot be looked at any more."""
        self._pixels = _NO_PIXELS
        if self._frame is not None:
            frame, self._frame = self._frame, None
            load_libraries()["avutil"].av_frame_free(c.byref(frame))

    def __del__(self) -> None:
        self.release()


class _Converter:
    """Converts parts of frames of one size; keeps what swscale sets up for each width."""

    def __init__(self, width: int, height: int, rotation_deg: int) -> None:
        self._width, self._height = width, height
        self._rotation = _ROTATIONS.get(rotation_deg)
        self._rotation_deg = rotation_deg
        upright = (width, height) if rotation_deg in (90, 270) else (height, width)
        self.shape = (*upright, 3)
        library = load_libraries()["avutil"]
        self._bgr = library.av_get_pix_fmt(b"bgr24")
        self._part_formats = {library.av_get_pix_fmt(name) for name in _PART_FORMATS}
        self._whole_context = load_libraries()["swscale"].sws_alloc_context()
        self._contexts: dict[tuple[int, int, int, int], int] = {}

    def fits(self, frame: AvFrame) -> bool:
        """Tell whether a frame has the size the video began with, and pixels that are known."""
        if (frame.width, frame.height) != (self._width, self._height) or not frame.planes[0]:
            return False
        # Both fields are converted as one picture: swscale does not weave them otherwise.
        frame.flags &= ~_INTERLACED
        # Neither changes a pixel, as the picture that is made has none of its own to convert to;
        # of some values (primaries 18) swscale makes a jump through an empty pointer.
        frame.primaries = frame.transfer = _UNSPECIFIED
        convertible = load_libraries()["swscale"].sws_test_frame
        if not convertible(c.byref(frame), 0):
            # A matrix that swscale does not know, such as some of HDR: nearly right is enough for
            # who looks for a face.
            frame.matrix = _UNSPECIFIED
        return bool(convertible(c.byref(frame), 0))

    def converts_parts(self, frame: AvFrame) -> bool:
        """Tell whether parts can be converted alone; otherwise each takes the whole."""
        return (
            frame.format in self._part_formats
            and self._height % 2 == 0
            and min(frame.strides[:3]) > 0
            and all(frame.planes[:3])
        )

    def convert(
        self, frame: AvFrame, top: int, bottom: int, left: int, right: int
    ) -> NDArray[np.uint8]:
        """Return a part, given by its place upright, as a new array."""
        width, height = self._width, self._height
        if bottom <= top or right <= left:
            return np.empty((max(0, bottom - top), max(0, right - left), 3), np.uint8)
        if self._rotation_deg == 90:
            top, bottom, left, right = height - right, height - left, top, bottom
        elif self._rotation_deg == 270:
            top, bottom, left, right = left, right, width - bottom, width - top
        elif self._rotation_deg == 180:
            top, bottom, left, right = (
                height - bottom, height - top, width - right, width - left
            )  # fmt: skip
        part = self._convert_stored(frame, top, bottom, left, right)
        return part if self._rotation is None else cv2.rotate(part, self._rotation)  # type: ignore[return-value]

    def _convert_stored(
        self, frame: AvFrame, top: int, bottom: int, left: int, right: int
    ) -> NDArray[np.uint8]:
        if not self.converts_parts(frame):
            return self._convert_whole(frame)[top:bottom, left:right]
        first_row, last_row = top // 2 * 2, (bottom + 1) // 2 * 2
        first = left // BLOCK_PX * BLOCK_PX
        # A row's padding is the frame's own memory.
        last = min(-(-right // BLOCK_PX) * BLOCK_PX, frame.strides[0], 2 * frame.strides[1])
        width, rows = last - first, last_row - first_row
        pixels = np.empty((rows, -(-width // BLOCK_PX) * BLOCK_PX, 3), np.uint8)
        strides = (c.c_int * 4)(*frame.strides[:4])
        planes = (c.c_void_p * 4)(
            frame.planes[0] + first_row * strides[0] + first,
            frame.planes[1] + first_row // 2 * strides[1] + first // 2,
            frame.planes[2] + first_row // 2 * strides[2] + first // 2,
        )
        converted = load_libraries()["swscale"].sws_scale(
            self._context(frame, width),
            planes,
            strides,
            0,
            rows,
            (c.c_void_p * 4)(pixels.ctypes.data),
            (c.c_int * 4)(pixels.strides[0]),
        )
        if converted != rows:
            raise FFmpegError(f"swscale converted {converted} of {rows} rows")
        return pixels[top - first_row : bottom - first_row, left - first : right - first]

    def _convert_whole(self, frame: AvFrame) -> NDArray[np.uint8]:
        """Convert a frame of which parts depend on what is around them."""
        libraries = load_libraries()
        context = c.c_void_p(self._whole_context)
        result = libraries["avutil"].av_frame_alloc()
        try:
            picture = result.contents
            picture.format, picture.width, picture.height = self._bgr, self._width, self._height
            if libraries["swscale"].sws_scale_frame(context, result, c.byref(frame)) < 0:
                raise FFmpegError("the frame's pixels are in a form that cannot be converted")
            rows = (c.c_uint8 * (picture.strides[0] * self._height)).from_address(picture.planes[0])
            stored = np.frombuffer(rows, np.uint8).reshape(self._height, picture.strides[0])
            return stored[:, : 3 * self._width].reshape(self._height, self._width, 3).copy()
        finally:
            libraries["avutil"].av_frame_free(c.byref(result))

    def _context(self, frame: AvFrame, width: int) -> int:
        key = (frame.format, frame.matrix, frame.range, width)
        if key not in self._contexts:
            library = load_libraries()["swscale"]
            context = library.sws_getContext(
                width, self._height, frame.format, width, self._height, self._bgr, _BICUBIC,
                None, None, None,
            )  # fmt: skip
            if not context:
                raise FFmpegError("the frame's pixels are in a form that cannot be converted")
            # Brightness 0, contrast and saturation 1.
            library.sws_setColorspaceDetails(
                context,
                library.sws_getCoefficients(frame.matrix),
                frame.range == _FULL_RANGE,
                library.sws_getCoefficients(_DEFAULT_MATRIX),
                True,
                0,
                1 << 16,
                1 << 16,
            )
            self._contexts[key] = context
        return self._contexts[key]

    def __del__(self) -> None:
        for context in (*self._contexts.values(), self._whole_context):
            load_libraries()["swscale"].sws_freeContext(context)


class Decoder:
    """The first video stream of a file, decoded in order on one thread.

    Parameters
    ----------
    source : Path or BufferedIOBase
        A file, or a seekable binary stream at its start.

    Attributes
    ----------
    width, height : int
        Of the picture in pixels, the rotation applied.
    fps, frame_count : float, int
        As the container declares them; 0 where it does not.
    packets, packet_bytes : int
        The first encoded frames, at most `BITRATE_FRAMES` so far, and their size without sound.
    ended : bool
        Whether the file is read to its end and the decoder holds no frame any more.

    Raises
    ------
    FFmpegError
        It cannot be opened or has no video stream that can be decoded.
    Exception
        What the stream raised where it could not be read, here or from `grab`.
    """

    def __init__(self, source: Path | BufferedIOBase) -> None:
        self._library = library = load_libraries()
        self.packets = self.packet_bytes = 0
        self.ended = False
        self._frames_grabbed = 0
        self._stream_error: BaseException | None = None
        self._io = c.POINTER(AvIoContext)()
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
        options = c.c_void_p()
        self._set(options, b"format_whitelist", CONTAINERS)
        # Nothing that a file names is opened.
        self._set(options, b"protocol_whitelist", b"file")
        if isinstance(source, Path):
            url = b"file:" + str(source.resolve()).encode(errors="surrogateescape")
        else:
            self._attach(source)
            url = b""
        code = library.avformat_open_input(c.byref(self._format), url, None, c.byref(options))
        self._library["avutil"].av_dict_free(c.byref(options))
        self._raise_stream_error()
        if code < 0:
            raise FFmpegError("not a video file")
        self._find_videos()
        code = self._find_stream_info()
        self._raise_stream_error()
        if code < 0:
            raise FFmpegError("not a video file")
        videos = self._find_videos()
        if not videos:
            raise FFmpegError("no video stream")
        self._stream = videos[0]
        parameters = self._stream.parameters.contents
        self._open_codec(parameters)
        self.fps = float(self._stream.mean_frame_rate) or float(
            library.av_guess_frame_rate(self._format, c.byref(self._stream), None)
        )
        self.frame_count = self._stream.frame_count or self._estimate_frame_count()
        self._converter = _Converter(
            parameters.width, parameters.height, self._rotation_deg(parameters)
        )
        self.height, self.width = self._converter.shape[:2]

    def _find_videos(self) -> list[AvStream]:
        """Return the video streams that are known by now; none is larger than what is decoded."""
        context = self._format.contents
        streams = [context.streams[n].contents for n in range(context.stream_count)]
        videos = [one for one in streams if one.parameters.contents.codec_type == _VIDEO]
        for video in videos:
            width, height = video.parameters.contents.width, video.parameters.contents.height
            if width * height > MAX_FRAME_PIXELS:
                raise FrameSizeError(width, height)
        return videos

    def _find_stream_info(self) -> int:
        """Let the library decode a few frames, of streams whose size it accepts."""
        count = self._format.contents.stream_count
        # One for each stream that is known by now.
        options = [c.c_void_p() for _ in range(count)]
        for one in options:
            self._set(one, b"max_pixels", _MAX_PIXELS)
        array = (c.c_void_p * count)(*options)
        code: int = self._library["avformat"].avformat_find_stream_info(self._format, array)
        for left in array:
            self._library["avutil"].av_dict_free(c.byref(c.c_void_p(left)))
        return code

    def _open_codec(self, parameters: AvCodecParameters) -> None:
        library = self._library["avcodec"]
        codec = library.avcodec_find_decoder(parameters.codec_id)
        if not codec:
            raise FFmpegError("no decoder for its codec")
        self._context = c.c_void_p(library.avcodec_alloc_context3(codec))
        options = c.c_void_p()
        # One thread: FFmpeg's own cost more CPU time than they save where there is one core.
        self._set(options, b"threads", b"1")
        self._set(options, b"max_pixels", _MAX_PIXELS)
        opened = (
            library.avcodec_parameters_to_context(self._context, c.byref(parameters)) >= 0
            and library.avcodec_open2(self._context, codec, c.byref(options)) >= 0
        )
        self._library["avutil"].av_dict_free(c.byref(options))
        if not opened:
            raise FFmpegError("its codec cannot be opened")

    def _set(self, options: c.c_void_p, name: bytes, value: bytes) -> None:
        self._library["avutil"].av_dict_set(c.byref(options), name, value, 0)

    def _estimate_frame_count(self) -> int:
        seconds = self._format.contents.duration / _TIME_BASE_HZ
        if seconds <= 0:
            seconds = self._stream.duration * float(self._stream.time_base)
        return max(0, int(seconds * self.fps + 0.5))

    def _rotation_deg(self, parameters: AvCodecParameters) -> int:
        for n in range(parameters.side_data_count):
            one = parameters.side_data[n]
            if one.kind == _DISPLAY_MATRIX and one.size >= _DISPLAY_MATRIX_BYTES:
                turn = self._library["avutil"].av_display_rotation_get(one.data)
                return -round(turn) % 360 if np.isfinite(turn) else 0
        return 0

    def _attach(self, stream: BufferedIOBase) -> None:
        """Let the library read from a Python object."""

        def read(_opaque: Any, buffer: int, size: int) -> int:
            def copy() -> int:
                content = stream.read(size)
                if len(content) > size:
                    raise OSError(f"the stream gave {len(content)} bytes where {size} were asked")
                c.memmove(buffer, content, len(content))
                return len(content) or _EOF

            return self._guarded(copy)

        def seek(_opaque: Any, offset: int, whence: int) -> int:
            def move() -> int:
                if whence & _SEEK_SIZE:
                    here = stream.tell()
                    size = stream.seek(0, 2)
                    stream.seek(here)
                    return size
                return stream.seek(offset, whence & 3)

            return self._guarded(move)

        library = self._library
        # Kept: the library calls them for as long as it reads.
        self._functions = AvReadFunction(read), AvSeekFunction(seek)
        self._io = library["avformat"].avio_alloc_context(
            library["avutil"].av_malloc(STREAM_BUFFER_BYTES), STREAM_BUFFER_BYTES, 0, None,
            self._functions[0], None, self._functions[1],
        )  # fmt: skip
        self._format.contents.io = c.cast(self._io, c.c_void_p)

    def _guarded(self, action: Callable[[], int]) -> int:
        """Do what C asks for; an exception ends the stream for it and is raised after its call."""
        if self._stream_error is None:
            try:
                return action()
            except BaseException as error:
                self._stream_error = error
        return _EOF

    def _raise_stream_error(self) -> None:
        if self._stream_error is not None:
            raise self._stream_error

    def grab(self) -> bool:
        """Decode the next frame; return False if a packet gave none, or at the end."""
        if not self._context:
            raise ValueError("the video is closed")
        declared = self._stream.frame_count
        if 0 < declared < self._frames_grabbed:
            return False
        library = self._library["avcodec"]
        context, packet, frame = self._context, self._packet, self._frame
        found: bool = library.avcodec_receive_frame(context, frame) >= 0
        reads = attempts = 0
        while not found:
            library.av_packet_unref(packet)
            code = self._library["avformat"].av_read_frame(self._format, packet)
            self._raise_stream_error()
            others = code >= 0 and packet.contents.stream_index != self._stream.index
            if others or code == _TRY_AGAIN:
                reads += 1
                if reads > READ_ATTEMPTS:
                    break
                continue
            if code >= 0 and self.packets < BITRATE_FRAMES:
                self.packets += 1
                self.packet_bytes += packet.contents.size
            at_end = code == _EOF
            # At the end, an empty one asks for what the decoder still holds.
            if library.avcodec_send_packet(context, packet if code >= 0 else None) < 0:
                self.ended = at_end
                break
            code = library.avcodec_receive_frame(context, frame)
            found = code >= 0
            if not found and code != _TRY_AGAIN:
                attempts += 1
                if attempts > DECODE_ATTEMPTS:
                    break
        self._frames_grabbed += found
        return found

    @property
    def time_s(self) -> float:
        """Timestamp of the frame grabbed last, from the stream's start; 0 where it has none."""
        frame = self._frame.contents
        ticks: int = frame.packet_dts if frame.pts == NO_TIME else frame.pts
        if ticks == NO_TIME:
            return 0.0
        start: int = self._stream.start_time
        return (ticks - (0 if start == NO_TIME else start)) * float(self._stream.time_base)

    def take(self) -> LazyImage | None:
        """Return the frame grabbed last; None if it has another size or unknown pixels."""
        if not self._converter.fits(self._frame.contents):
            return None
        image = LazyImage(self._frame, self._converter)
        self._frame = self._library["avutil"].av_frame_alloc()
        return image

    def close(self) -> None:
        """Release what is held; pictures that were taken stay."""
        library = self._library
        library["avcodec"].avcodec_free_context(c.byref(self._context))
        library["avformat"].avformat_close_input(c.byref(self._format))
        library["avcodec"].av_packet_free(c.byref(self._packet))
        library["avutil"].av_frame_free(c.byref(self._frame))
        if self._io:
            buffer = c.addressof(self._io.contents) + AvIoContext.buffer.offset
            library["avutil"].av_freep(buffer)
            library["avformat"].avio_context_free(c.byref(self._io))

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):
            self.close()
