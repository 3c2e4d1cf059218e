"""Read the frames of a video with their times, after checking what the video says of itself."""

import contextlib
import math
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BufferedIOBase
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.video.boxes import UnknownSpeedError
from tracker.video.container import MIN_SIDE_PX, VideoOpenError, check_container, read_head
from tracker.video.division import Stretch
from tracker.video.ffmpeg import Decoder
from tracker.video.libav import FFmpegError, FrameSizeError, PixelAspectError
from tracker.video.limits import MAX_FRAME_PIXELS
from tracker.video.pixels import LazyImage
from tracker.video.seeking import Packet, SeekingDecoder

Image = NDArray[np.uint8]
"""Pixels, shape (height, width, 3), blue-green-red."""
ImageLike = Image | LazyImage
"""An image, or a decoded frame that becomes one when it is sliced."""

MAX_CONSECUTIVE_FAILURES = 600
"""Decoding stops after this many failed packets in a row: 20 s at 30 fps."""
MAX_FPS = 1e6
"""Higher declared rates are ignored. Some containers declare up to 90,000, which is wrong."""
MAX_COUNTED_FPS = 300.0
"""A higher declared rate is not trusted to tell the number of frames from the duration."""
MAX_VIDEO_S = 24 * 3600.0
"""Longest duration of a video that is believed."""
CAPTURE_FPS_RANGE = (1.0, 1000.0)
"""Rates of capture that are believed: phones record up to 960 frames a second."""
MAX_SLOWED_DOWN = 40.0
"""Most that a recording is believed to be slowed down: 960 frames a second, played at 24."""
MAX_FRAME_COUNT = round(1000 * MAX_VIDEO_S)
"""Most frames that are believed: a day at 1000 frames per second."""
FRAMES_AHEAD = 3
"""Frames that may be decoded on another core before they are tracked."""
BATCH_FRAMES, BATCH_SOURCE_FRAMES, BATCH_BYTES = 8, 16, 32 * 2**20
"""Limits of a batch of frames: wanted ones, decoded ones, and their memory.

On one core, a batch is decoded before its first frame is tracked. Decoding and tracking evict each
other from the processor's cache, which would cost a tenth of a frame's time if they alternated.
"""

cv2.setNumThreads(1)


class DivisionError(Exception):
    """A `Stretch` is not where it was expected in the video, or none of it can be decoded.

    The caller must decode the whole video from its start instead.
    """


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded frame. Its `pixels` can be used until the next frame is requested.

    `index` counts all frames of the video from 0, also skipped and undecodable ones.
    `stream_time_s` is when it is shown, in seconds from the stream's start; as stored, so it may be
    NaN or not increase. A part of `pixels` is converted to an array when it is sliced.
    """

    index: int
    stream_time_s: float
    pixels: LazyImage

    @property
    def image(self) -> Image:
        """The whole frame: shape (height, width, 3), blue-green-red, 0-255."""
        return np.asarray(self.pixels)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Counts from where decoding began up to a decoded frame.

    `decoded` and `failed` are frames, without those of a stretch's run-in. `packets` are encoded
    frames, with the run-in's, of which only the first `tracker.video.ffmpeg.BITRATE_FRAMES` count;
    `packet_bytes` is their size. `whole` is False only in the last counts, if the video's end was
    not read or the file is cut off.
    """

    decoded: int
    failed: int
    packets: int
    packet_bytes: int
    whole: bool


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Size, frame rate and frame count of a video, as its container declares them.

    The size in pixels is that of the upright picture; `fps` is the rate at which it is played.
    `frame_count` leaves out the frames that an edit list hides; without a declared one, it is the
    duration times the rate. Rate and count are 0 if none is declared that can be true.
    `bits_per_frame` is measured: the mean size of the encoded frames read so far, without sound;
    only the first `tracker.video.ffmpeg.BITRATE_FRAMES` count. `recorded_at` is when it was
    recorded, ISO 8601 with the offset from UTC; "" if unknown.
    """

    width: int
    height: int
    fps: float
    frame_count: int
    bits_per_frame: float = 0.0
    recorded_at: str = ""


class Video:
    """A video file or stream, whose frames are decoded once, in order.

    Parameters
    ----------
    source : Path or BufferedIOBase
        A file, or a seekable binary stream at its start.
    stretch : Stretch, optional
        Decode only these frames of the video, and the frames before them that this needs (their
        run-in), which are yielded too. Indices are the same as in the whole video. By default, all
        frames are decoded.

    Attributes
    ----------
    frames_decoded, frames_failed : int
        Frames decoded so far, including skipped ones, and frames before the last decoded one that
        could not be decoded. Those of a run-in do not count.
    whole : bool
        False if the video's end could not be read, or the file was cut off. True until `frames` has
        ended, and for a stretch that ends before the video does.
    expected_frames : int
        Estimated number of frames of the whole video, to show progress and choose the step; 0 if
        nothing believable is known. Reading goes on if there are more.
    recordings, mirrored, capture_fps : int, bool, float
        Number of streams that could be the recording; whether the frames are mirrored back, because
        the file says to show a mirror image; frames a second that the camera took, or 0.

    Raises
    ------
    InputNotFoundError
        The file is missing or unreadable.
    VideoOpenError
        The input is not a video, has no video stream, its frames are too small or too large, it
        declares impossible pixels or frame rates, or is slow or fast by an unknown factor.
    DivisionError
        The file does not have this stretch, here or in `frames`.
    Exception
        Any error that the stream raises when it is read, here or in `frames`.
    """

    def __init__(self, source: Path | BufferedIOBase, stretch: Stretch | None = None) -> None:
        self._name = source.name if isinstance(source, Path) else "the video"
        self._stretch = stretch
        check_container(read_head(source), self._name)
        try:
            self._decoder = Decoder(source) if stretch is None else SeekingDecoder(source)
        except FrameSizeError as error:
            raise VideoOpenError(_wrong_size(self._name, error.width, error.height)) from error
        except PixelAspectError as error:
            raise VideoOpenError(_odd_pixels(self._name, error.aspect)) from error
        except UnknownSpeedError as error:
            raise VideoOpenError(_unknown_speed(self._name)) from error
        except FFmpegError as error:
            raise VideoOpenError(_not_decodable(self._name)) from error
        self._ahead: _Ahead | None = None
        self._counts = _Counts(0, 0, 0, 0, True)
        fps = _finite_or_zero(self._decoder.fps)
        fps = fps if fps <= MAX_FPS else 0.0
        width, height, count = self._decoder.width, self._decoder.height, self._decoder.frame_count
        hidden, estimated = self._decoder.hidden, self._decoder.estimated_frame_count
        # A header's count may be too small. A declared rate that is far too high, as some
        # containers have, gives too large a number.
        expected = max(count, estimated if fps <= MAX_COUNTED_FPS else 0) - hidden
        count = (count or estimated) - hidden
        self._info = VideoInfo(
            width,
            height,
            fps,
            frame_count=count if 0 <= count <= most_frames(fps) else 0,
            recorded_at=self._decoder.recorded_at,
        )
        if min(width, height) < MIN_SIDE_PX:
            self.close()
            known = width and height
            raise VideoOpenError(
                _wrong_size(self._name, width, height) if known else _not_decodable(self._name)
            )

        self.recordings, self.mirrored = self._decoder.recordings, self._decoder.mirrored
        self.capture_fps = self._decoder.capture_fps
        self.expected_frames = expected if 0 <= expected <= most_frames(fps) else 0
        if self.capture_fps and not _is_believable_capture(self.capture_fps, fps):
            self.close()
            raise VideoOpenError(_odd_capture(self._name, self.capture_fps, fps))
        if stretch is not None and stretch.keyframe is not None:
            self._start_at(stretch.keyframe)

    def _start_at(self, key: Packet) -> None:
        assert isinstance(self._decoder, SeekingDecoder)
        try:
            self._decoder.start_at(key)
        except FFmpegError as error:
            self.close()
            raise DivisionError(f"{self._name}: {error}") from error

    @property
    def info(self) -> VideoInfo:
        """What the container declares, with `bits_per_frame` of the frames read so far."""
        packets, size_bytes = self._counts.packets, self._counts.packet_bytes
        return replace(
            self._info,
            bits_per_frame=8 * size_bytes / packets if packets else 0.0,
        )

    @property
    def frames_decoded(self) -> int:
        return self._counts.decoded

    @property
    def frames_failed(self) -> int:
        return self._counts.failed

    @property
    def whole(self) -> bool:
        return self._counts.whole

    def frames(
        self, step: int = 1, wants: Callable[[int], bool] | None = None, ahead: bool = False
    ) -> Iterator[Frame]:
        """Yield the frames whose index is divisible by `step` and that can be decoded.

        Parameters
        ----------
        step : int, default 1
            1 = every frame, 2 = every second. Frames between are decoded (later ones need them).
        wants : callable, optional
            Takes a frame's index and returns whether to yield the frame; replaces `step`.
        ahead : bool, default False
            Decode on a second thread, which keeps up to `FRAMES_AHEAD` frames ready. This is faster
            if there is a second core. The frames are the same.

        Yields
        ------
        Frame
            Its pixels are released when the next frame is requested, so copy what you keep.

        Raises
        ------
        VideoOpenError
            No frame was yielded: none could be decoded or wanted. Of a stretch: `DivisionError`.
        """
        decoded = self._decode(step, wants)
        if ahead:
            self._ahead = _Ahead(decoded)
            decoded = self._ahead.results()
        else:
            decoded = self._in_batches(decoded)
        any_yielded = False
        for frame, self._counts in decoded:
            if frame is not None:
                any_yielded = True
                yield frame
                frame.pixels.release()
        if not any_yielded:  # The video may still have other frames than those of a stretch.
            error = VideoOpenError(_not_decodable(self._name))
            raise error if self._stretch is None else DivisionError("no frame can be decoded")

    def _decode(
        self, step: int, wants: Callable[[int], bool] | None
    ) -> Iterator[tuple[Frame | None, _Counts]]:
        """Yield what `frames` yields, with the counts so far; at the end, None and the counts."""
        decoder, guide = self._decoder, _Guide(self._stretch, self._decoder)
        index, consecutive, decoded, failed = guide.start, 0, 0, 0
        while consecutive < MAX_CONSECUTIVE_FAILURES:
            found = decoder.grab()
            consecutive += decoder.unreadable
            if not found:
                if decoder.ended:
                    break
                consecutive += 1
                continue
            if guide.is_before(index):
                continue
            # Failures before a success were damaged packets of one frame each. Failures at the end
            # of the file are not counted. Packets come in decoding order, so with B-frames the
            # indices of a few frames near the damage may be wrong. Their times are right.
            index += consecutive
            failed += guide.count(index, consecutive)
            consecutive = 0
            if guide.is_behind(index):
                yield None, self._count(decoded, failed)
                return
            decoded += guide.count(index + 1, 1)
            if index % step == 0 if wants is None else wants(index):
                time_s, pixels = decoder.time_s, decoder.take()
                if pixels is None:
                    failed += guide.count(index + 1, 1)
                    decoded -= guide.count(index + 1, 1)
                else:
                    yield Frame(index, time_s, pixels), self._count(decoded, failed)
            index += 1
        guide.check_end()
        whole = decoder.ended and not (decoder.unread_at_end or decoder.is_cut_off())
        yield None, replace(self._count(decoded, failed), whole=whole)

    def _count(self, decoded: int, failed: int) -> _Counts:
        read = self._decoder.packets
        return _Counts(decoded, failed, read.count, read.size_bytes, whole=True)

    def _in_batches(self, decoded: Iterator["_Decoded"]) -> Iterator["_Decoded"]:
        # A pixel takes 1.5 bytes, and with 10 bits twice as many.
        most = 2 * BATCH_BYTES // (3 * self._info.width * self._info.height)
        batch: list[_Decoded] = []
        start = 0
        for result in decoded:
            batch.append(result)
            read = result[1].decoded + result[1].failed
            if len(batch) >= min(most, BATCH_FRAMES) or read - start >= BATCH_SOURCE_FRAMES:
                yield from batch
                batch.clear()
                start = read
        yield from batch

    def close(self) -> None:
        """Stop decoding and free the decoder's memory."""
        if self._ahead is not None:
            self._ahead.stop()
        self._decoder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Guide:
    """Tells which decoded frames belong to a `Stretch`, and checks that their indices are right.

    It looks at the frame that `decoder` grabbed last. Without a `Stretch`, all frames belong.
    `start` is the index of the first frame that the decoder gives, the keyframe's.
    """

    def __init__(self, stretch: Stretch | None, decoder: Decoder) -> None:
        self._stretch, self._decoder = stretch, decoder
        self.start = 0 if stretch is None else stretch.key_index

    @property
    def _pts(self) -> int:
        assert isinstance(self._decoder, SeekingDecoder)
        return self._decoder.pts

    def is_before(self, index: int) -> bool:
        """Return whether the frame just decoded is stored after the keyframe but shown before it.

        Such a frame is to be skipped: it refers to frames before the keyframe, which were not
        decoded. `index` is the index that the frame would have.
        """
        key = None if self._stretch is None else self._stretch.keyframe
        return key is not None and index == self.start and self._pts < key.pts

    def is_behind(self, index: int) -> bool:
        """Return whether the frame just decoded, of this index, comes after the stretch.

        Raises `DivisionError` if its timestamp and its index disagree on whether it lies before (in
        the run-in), in or after the stretch.
        """
        stretch = self._stretch
        if stretch is None:
            return False
        pts = self._pts
        behind = not stretch.is_last and pts >= stretch.stop_pts
        # Else a frame is missing without a failure, or was counted twice.
        if (pts >= stretch.first_pts) != (index >= stretch.first) or behind != (
            index >= stretch.stop
        ):
            raise DivisionError("the frames are not those that the file lists")
        return behind

    def count(self, stop: int, frames: int) -> int:
        """Return how many of the `frames` frames right before index `stop` are no run-in.

        Those are the ones from the stretch's first frame on: if it is frame 10, 2 of the 5 frames
        before index 12.
        """
        first = 0 if self._stretch is None else self._stretch.first
        return max(0, min(frames, stop - first))

    def check_end(self) -> None:
        """Raise `DivisionError`, now that the video ended, unless the stretch ends there, too."""
        if self._stretch is not None and not self._stretch.is_last:
            raise DivisionError("the video ends before the stretch")


_Decoded = tuple[Frame | None, _Counts]


class _Ahead:
    """Decodes on a second thread, which keeps up to `FRAMES_AHEAD` frames ready for the first."""

    def __init__(self, results: Iterator[_Decoded]) -> None:
        self._results = results
        self._queue: queue.Queue[_Decoded | BaseException | None] = queue.Queue(FRAMES_AHEAD)
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="decoder", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        end: BaseException | None = None
        try:
            for result in self._results:
                self._queue.put(result)
                if self._stopped:
                    break
        except BaseException as error:
            end = error
        self._queue.put(end)

    def results(self) -> Iterator[_Decoded]:
        """Yield the decoded frames; re-raise an error of the decoding thread."""
        while (result := self._queue.get()) is not None:
            if isinstance(result, BaseException):
                raise result
            yield result

    def stop(self) -> None:
        """End the decoding thread and wait for it; it first finishes the frame that it decodes."""
        self._stopped = True
        while self._thread.is_alive():
            # Make room in the queue, in case the thread waits for it.
            with contextlib.suppress(queue.Empty):
                self._queue.get(timeout=0.01)
        self._thread.join()


def most_frames(fps: float) -> float:
    """Return the largest frame count that is believed, if a file declares `fps` frames a second.

    This is `MAX_VIDEO_S * fps`, but `MAX_FRAME_COUNT` if that is less, or `fps` is 0 (unknown).
    """
    return min(MAX_VIDEO_S * fps, MAX_FRAME_COUNT) if fps else MAX_FRAME_COUNT


def _is_believable_capture(capture_fps: float, fps: float) -> bool:
    low, high = CAPTURE_FPS_RANGE
    return low <= capture_fps <= high and capture_fps <= MAX_SLOWED_DOWN * (fps or math.inf)


def _finite_or_zero(value: float) -> float:
    return value if np.isfinite(value) and value > 0 else 0.0


def _not_decodable(name: str) -> str:
    return (
        f"{name}: no video could be decoded: the file is damaged, incomplete, or holds sound only. "
        "Copy it from the phone again, or export it as MP4 (H.264)."
    )


def _odd_pixels(name: str, aspect: float) -> str:
    return (
        f"{name}: says that its pixels are {aspect:.3g} times as wide as tall, which no camera "
        "records. Copy it from the phone again, or export it as MP4 (H.264)."
    )


def _odd_capture(name: str, capture_fps: float, fps: float) -> str:
    return (
        f"{name}: says that it was recorded at {capture_fps:.4g} frames a second and is played at "
        f"{fps:.4g}, which do not fit together. Send the original recording, at normal speed."
    )


def _unknown_speed(name: str) -> str:
    return (
        f"{name}: was recorded in slow or fast motion, and its file does not tell how fast. Record "
        "at normal speed."
    )


def _wrong_size(name: str, width: int, height: int) -> str:
    return (
        f"{name}: the picture is {width}x{height}; between {MIN_SIDE_PX} pixels a side and "
        f"{MAX_FRAME_PIXELS // 10**6} megapixels are supported. Export it at 1920x1080."
    )
