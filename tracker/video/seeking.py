"""List the encoded frames of a video, and start to decode at one of them.

With both, several workers can each decode a part of a long video.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tracker.video.ffmpeg import END_OF_FILE, TRY_AGAIN, Decoder
from tracker.video.libav import NO_TIME, FFmpegError

_SEEK_BACKWARD = 1
_KEY, _HIDDEN = 1, 4


@dataclass(frozen=True, slots=True)
class Packet:
    """An encoded frame, without its content.

    Attributes
    ----------
    pts, dts : int
        When it is shown and when it is decoded, in ticks of the stream's clock (its time base);
        `NO_TIME` if the file does not say.
    size : int
        Its size in bytes.
    is_key : bool
        Whether decoding can start here.
    is_hidden : bool
        Whether the file's edit list hides the frame: it is stored, but no player shows it.
    """

    pts: int
    dts: int
    size: int
    is_key: bool
    is_hidden: bool


class SeekingDecoder(Decoder):
    """A decoder that lists the encoded frames of a recording, or starts to decode at one of them.

    Use one object for one of the two: listing reads the file to its end.
    """

    _waiting = False

    @property
    def pts(self) -> int:
        """Timestamp of the last grabbed frame in ticks of the stream's clock.

        `NO_TIME` if it has none, and after `take`, so read it before.
        """
        ticks: int = self._frame.contents.pts
        return ticks

    def read_packets(self) -> Iterator[Packet]:
        """Yield the recording's packets, in the order stored, up to the file's end; decode nothing.

        Frames that an edit list hides are among them; sound and other streams are not.

        Raises
        ------
        FFmpegError
            A packet cannot be read.
        """
        while (code := self._read()) != END_OF_FILE:
            if code < 0 and code != TRY_AGAIN:
                raise FFmpegError("a packet cannot be read")
            if code < 0:
                continue
            is_ours = self._packet.contents.stream_index == self._stream.index
            self.packets.note(self._packet.contents, is_ours)
            if is_ours:
                yield self._read_packet()

    def start_at(self, key: Packet) -> None:
        """Seek to a keyframe, so that the next `grab` decodes it.

        Parameters
        ----------
        key : Packet
            A keyframe that `read_packets` of another decoder gave for the same file.

        Raises
        ------
        FFmpegError
            The file has no such packet, or it cannot be reached.
        """
        self._waiting = False
        start: int = self._stream.start_time
        # Some demuxers compare the time with pts, others with dts, so both are tried. The start of
        # the file comes last: reading from there meets every packet, but takes longest.
        for ticks in (key.pts, key.dts, min(start, key.dts)):
            if ticks != NO_TIME and self._seek(ticks) and self._walk_to(key):
                self._waiting = True
                return
        raise FFmpegError("the keyframe is not where it was")

    def _seek(self, ticks: int) -> bool:
        code: int = self._library["avformat"].av_seek_frame(
            self._format, self._stream.index, ticks, _SEEK_BACKWARD
        )
        self._raise_stream_error()
        return code >= 0

    def _walk_to(self, key: Packet) -> bool:
        """Read packets until `key` was read; return False if it does not come.

        That is so at the file's end, and once a keyframe that is shown later than `key` was read.
        """
        while (code := self._read()) >= 0 or code == TRY_AGAIN:
            if code < 0 or self._packet.contents.stream_index != self._stream.index:
                continue
            packet = self._read_packet()
            if (packet.pts, packet.size, packet.is_key) == (key.pts, key.size, True):
                return True
            if packet.is_key and packet.pts > key.pts:
                return False
        return False

    def _read(self) -> int:
        if self._waiting:
            self._waiting = False
            return 0
        return super()._read()

    def _read_packet(self) -> Packet:
        packet = self._packet.contents
        return Packet(
            packet.pts,
            packet.dts,
            packet.size,
            bool(packet.flags & _KEY),
            bool(packet.flags & _HIDDEN),
        )
