"""Find where a video can be divided for several workers, without decoding it.

A part of a video can only be decoded from a keyframe on, a frame that refers to no other.
"""

import hashlib
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from tracker.video.ffmpeg import BITRATE_FRAMES
from tracker.video.libav import NO_TIME, FFmpegError
from tracker.video.seeking import Packet, SeekingDecoder


@dataclass(frozen=True, slots=True)
class Stretch:
    """Successive frames of a video, and where to start to decode them.

    Frames are numbered from 0 in the order in which they are shown; frames that an edit list hides
    do not count.

    Attributes
    ----------
    keyframe : Packet or None
        Keyframe at which decoding starts, at or before `first`; None for the start of the file.
    key_index : int
        Number of the keyframe's frame; 0 for the start of the file.
    first, stop : int
        Number of the stretch's first frame, and of the first frame after the stretch. The frames
        from the keyframe up to `first` are decoded too, because later frames depend on them: they
        are the run-in.
    first_pts, stop_pts : int
        Timestamps of these two frames, in ticks of the video stream's clock, to check that the
        frames are the expected ones; `stop_pts` is `NO_TIME` at the video's end.
    """

    keyframe: Packet | None
    key_index: int
    first: int
    stop: int
    first_pts: int
    stop_pts: int = NO_TIME

    @property
    def is_last(self) -> bool:
        """Whether the stretch ends where the video ends."""
        return self.stop_pts == NO_TIME


class Layout:
    """The encoded frames (packets) of a video, in the order in which they are stored.

    It is read to divide the video into stretches for several workers: see `Stretch`.

    Parameters
    ----------
    source : Path or BufferedIOBase
        A file, or a seekable binary stream at its start, which is read to its end.

    Attributes
    ----------
    frames : int
        Number of frames that are shown: those that an edit list hides do not count.
    sha256 : str
        Hash of the packets' timestamps and sizes, in hexadecimal, which tells one video from
        another.
    bits_per_frame : float
        Mean size of the first `BITRATE_FRAMES` encoded frames in bits, without sound; 0 if the
        video has none.
    is_divisible : bool
        False if the shown frames' order, or which of them can be decoded, is not known for sure: a
        timestamp is missing or occurs twice, or the file was cut off. True does not say that there
        is a keyframe to divide at: see `find_keyframes`.

    Raises
    ------
    FFmpegError
        The file cannot be opened or read to its end, or is refused, for example as too large.
    """

    def __init__(self, source: Path | BufferedIOBase) -> None:
        decoder = SeekingDecoder(source)
        try:
            self._packets = list(decoder.read_packets())
            is_sure = decoder.tells_times and not decoder.is_cut_off()
        finally:
            decoder.close()
        listed = [(packet.pts, packet.size) for packet in self._packets]
        self.sha256 = hashlib.sha256(np.array(listed, np.int64).tobytes()).hexdigest()
        first = [packet.size for packet in self._packets[:BITRATE_FRAMES]]
        self.bits_per_frame = 8 * sum(first) / len(first) if first else 0.0
        shown = [packet.pts for packet in self._packets if not packet.is_hidden]
        self._shown_pts = np.unique(np.array(shown, np.int64))
        self.frames = len(shown)
        all_differ = NO_TIME not in shown and self._shown_pts.size == self.frames
        self.is_divisible = is_sure and all_differ

    def find_keyframes(self) -> list[tuple[int, Packet]]:
        """Return the frame number and packet of each keyframe at which the video can be divided.

        The numbers count from 0 in the order in which frames are shown, as in `Stretch`, and
        ascend. The first is usually 0, the video's first frame. The list is empty if the file marks
        no keyframe. Keyframes that an edit list hides are left out.

        All frames that are stored before such a keyframe are also shown before it. Decoding
        from the keyframe on therefore misses no frame that is shown after it.
        """
        found = []
        latest = NO_TIME
        for packet in self._packets:
            if packet.is_hidden:
                continue
            if packet.is_key and packet.pts > latest:
                found.append((int(np.searchsorted(self._shown_pts, packet.pts)), packet))
            latest = max(latest, packet.pts)
        return found

    def stretch(self, key: Packet | None, key_index: int, first: int, stop: int) -> Stretch:
        """Return the `Stretch` of the frames from `first` up to, not including, `stop`.

        Parameters
        ----------
        key : Packet or None
            Keyframe to decode from, one of `find_keyframes`; None for the start of the file.
        key_index : int
            Number of its frame, as `find_keyframes` returns it; 0 for the start of the file.
        first, stop : int
            Frame numbers, counted from 0 as shown; `first` is less than the video's `frames`. A
            `stop` at or beyond the video's end means its end.
        """
        at_end = stop >= self.frames
        return Stretch(
            key,
            key_index,
            first,
            min(stop, self.frames),
            int(self._shown_pts[first]),
            NO_TIME if at_end else int(self._shown_pts[stop]),
        )


def count_frames(source: Path | BufferedIOBase) -> int:
    """Return how many frames a video shows; 0 if FFmpeg cannot open it or read it to its end.

    The file is read, but not decoded. Frames that an edit list hides do not count. A seekable
    stream is read from its start, wherever it is, and left anywhere.
    """
    if isinstance(source, BufferedIOBase):
        source.seek(0)
    try:
        return Layout(source).frames
    except FFmpegError:
        return 0


def can_start_at(source: Path | BufferedIOBase, keys: list[Packet | None]) -> bool:
    """Return whether decoding can start at every keyframe of `keys`, which must ascend.

    This is tried, because a file can list keyframes that FFmpeg does not reach by a seek. None in
    `keys` stands for the start of the file, and is not tried. False if FFmpeg cannot open `source`.
    If that is a seekable stream, it is read from its start, wherever it is, and left anywhere.
    """
    if isinstance(source, BufferedIOBase):
        source.seek(0)
    try:
        decoder = SeekingDecoder(source)
        try:
            # The last one first: FFmpeg has then not read what lies before it.
            for key in filter(None, reversed(keys)):
                decoder.start_at(key)
        finally:
            decoder.close()
    except FFmpegError:
        return False
    return True
