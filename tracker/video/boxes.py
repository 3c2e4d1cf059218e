"""Read what FFmpeg and OpenCV do not: MP4's capture rates and fragments, turns of AVIF pictures.

The capture rate is how many frames a second the camera took; a slow-motion video is played at a
lower rate. Only what Samsung and Sony write is read here; `tracker.video.streams` reads the tag of
other phones. Both kinds of file consist of boxes. A box has a size, a type of four letters, and
content, which often consists of further boxes.
"""

import io
import re
import struct
from collections.abc import Iterator
from io import BufferedIOBase

from tracker.video.libav import FFmpegError

MAX_BOXES = 256
"""Most boxes that are read one after another; a recording has a dozen side by side."""
MAX_XML_BYTES = 2**20

_SAMSUNG_CAPTURE_FPS = {12: 240.0, 13: 120.0}
"""Modes of Samsung's camera in which it records at a fixed rate, slowed down."""
_SAMSUNG_TOLD_FPS = 21
"""Mode in which another box tells the rate."""
_SAMSUNG_OTHER_SPEEDS = frozenset((1, 2, 5, 7, 8, 9, 15, 22, 23))
"""Modes of slow, super slow and fast motion and hyper-lapse, whose rate is told nowhere."""
_SONY_CAPTURE_FPS = re.compile(rb'captureFps="([0-9]{1,4}(?:\.[0-9]{1,4})?)')


class UnknownSpeedError(FFmpegError):
    """The recording is played faster or slower than reality, by a factor that is not known.

    The file does not say it, or says it twice in ways that differ. Its times cannot be trusted
    then, so the video is refused.
    """


class Box:
    """A box of an MP4 or AVIF file: a size, a type of four letters, and content, often more boxes.

    The whole file counts as the content of a box, too.

    Attributes
    ----------
    start, end : int
        Byte offsets in the file: of the first byte of its content, which follows its size and
        type, and of the first byte after its content.
    """

    def __init__(self, file: BufferedIOBase, start: int, end: int) -> None:
        self._file, self.start, self.end = file, start, end

    def read(self, size: int) -> bytes:
        """Return the first `size` bytes of the content, or all of it if it is shorter."""
        self._file.seek(self.start)
        return self._file.read(max(0, min(size, self.end - self.start)))

    def find(self, kind: bytes, skip: int = 0) -> Iterator["Box"]:
        """Yield the boxes of type `kind`, such as ``b"moov"``, directly in this box's content.

        The first `skip` bytes of the content, such as a version and flags, are passed over. Yields
        nothing if there is no such box.
        """
        return (box for found, box in self.boxes(skip) if found == kind)

    def boxes(self, skip: int = 0) -> Iterator[tuple[bytes, "Box"]]:
        """Yield the type (four bytes) and the box of each box directly in this box's content.

        The first `skip` bytes of the content are passed over. It stops without an error at a
        damaged box, and after `MAX_BOXES` boxes of this content.
        """
        place = self.start + skip
        for _ in range(MAX_BOXES):
            head = Box(self._file, place, self.end).read(16)
            if len(head) < 8:
                return
            size, header = struct.unpack(">I", head[:4])[0], 8
            if size == 1 and len(head) == 16:
                size, header = struct.unpack(">Q", head[8:])[0], 16
            elif size == 0:
                size = self.end - place
            if not header <= size <= self.end - place:
                return
            yield head[4:8], Box(self._file, place + header, place + size)
            place += size


def read_capture_fps(file: BufferedIOBase) -> float:
    """Return the rate at which an MP4's frames were captured, as Samsung or Sony write it.

    Parameters
    ----------
    file : BufferedIOBase
        A seekable stream, which is at its start again afterwards.

    Returns
    -------
    float
        Frames a second that the camera took, whether or not the video is slowed down; 0 if the
        file is not an MP4 or does not say. A slow-motion video is played at a lower rate.

    Raises
    ------
    UnknownSpeedError
        The video was recorded in slow or fast motion, and the file does not say at which rate.
    """
    try:
        return _read(file)
    finally:
        file.seek(0)


def _read(file: BufferedIOBase) -> float:
    size = file.seek(0, 2)
    whole = Box(file, 0, size)
    if whole.read(8)[4:] not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return 0.0
    for movie in whole.find(b"moov"):
        for user in movie.find(b"udta"):
            for samsung in user.find(b"smta"):
                return _read_samsung(samsung)
    # Some write the box as a version and flags and then boxes, some without the first two.
    places = [whole, *whole.find(b"moov")]
    for meta in (meta for place in places for meta in place.find(b"meta")):
        for xml in (*meta.find(b"xml ", skip=4), *meta.find(b"xml ")):
            told = _SONY_CAPTURE_FPS.search(xml.read(MAX_XML_BYTES))
            if told:
                return float(told[1])
    return 0.0


def _read_samsung(samsung: Box) -> float:
    """Return the frames a second that the camera took; 0 in modes of normal speed or unknown ones.

    `samsung` is the box ``smta`` of Samsung's phones. It tells the camera's mode. Some modes have a
    fixed rate, and for one mode, a box in it tells the rate. `UnknownSpeedError` is raised for slow
    or fast motion whose rate is not told.
    """
    for author in samsung.find(b"saut", skip=4):
        pairs = author.read(8)[4:]
        mode = dict(zip(pairs[::2], pairs[1::2], strict=False)).get(0, 0)
        if mode in _SAMSUNG_OTHER_SPEEDS:
            raise UnknownSpeedError("slow or fast motion of a rate that is not told")
        if mode in _SAMSUNG_CAPTURE_FPS:
            return _SAMSUNG_CAPTURE_FPS[mode]
        if mode == _SAMSUNG_TOLD_FPS:
            for rate in (*samsung.find(b"srfr", skip=4), *author.find(b"srfr", skip=8)):
                content = rate.read(4)
                if len(content) == 4 and any(content):
                    return float(struct.unpack(">I", content)[0] / 2**16)
            raise UnknownSpeedError("slow motion of a rate that is not told")
    return 0.0


def is_fragmented(file: BufferedIOBase) -> bool:
    """Return whether an MP4 says that it may hold frames that its index does not list.

    Return False for other kinds of file. The stream `file` must be seekable; it is at its start
    again afterwards.
    """
    whole = Box(file, 0, file.seek(0, 2))
    found = any(True for movie in whole.find(b"moov") for _ in movie.find(b"mvex"))
    file.seek(0)
    return found


def read_picture_turns(content: bytes) -> list[tuple[bytes, int]]:
    """Return how an AVIF file's main picture must be turned and mirrored to be shown.

    Parameters
    ----------
    content : bytes
        The whole file.

    Returns
    -------
    list of (bytes, int)
        The steps, the first to be done first; empty if the picture is shown as stored, or if the
        file says nothing of it. ``(b"irot", n)``: turn it anticlockwise by n quarter turns, 0 to
        3. ``(b"imir", 0)``: exchange top and bottom. ``(b"imir", 1)``: exchange left and right.

    References
    ----------
    .. [1] ISO/IEC 23008-12, 6.5.10, 6.5.12 and 9.3.
    """
    file = io.BytesIO(content)
    for meta in Box(file, 0, len(content)).find(b"meta"):
        primary = next((one.read(8) for one in meta.find(b"pitm", skip=4)), b"")
        number = int.from_bytes(primary[4:] if primary[:1] == b"\1" else primary[4:6])
        for known in meta.find(b"iprp", skip=4):
            listed = [one for group in known.find(b"ipco") for one in group.boxes()]
            linked = [n for links in known.find(b"ipma") for n in _linked(links, number)]
            return [
                (listed[n - 1][0], (listed[n - 1][1].read(1) or b"\0")[0] & 3)
                for n in linked
                if 0 < n <= len(listed) and listed[n - 1][0] in (b"irot", b"imir")
            ]
    return []


def _linked(links: Box, number: int) -> list[int]:
    """Return which properties the picture with the id `number` has; [] if it has none.

    A property is, for example, a turn or a mirroring. The file lists all of them in the box
    ``ipco``; what is returned are their numbers in that list, counted from 1, in the order in which
    they are to be applied. The box `links` (of type ``ipma``) tells them for each of the file's
    pictures.
    """
    head = links.read(8)
    if len(head) < 8:
        return []
    wide_number, wide_link = head[0] > 0, head[3] & 1
    content = io.BytesIO(links.read(links.end - links.start)[8:])
    for _ in range(min(int.from_bytes(head[4:]), MAX_BOXES)):
        one = int.from_bytes(content.read(4 if wide_number else 2))
        count = int.from_bytes(content.read(1))
        width = 2 if wide_link else 1
        found = [content.read(width) for _ in range(count)]
        if one == number:
            return [int.from_bytes(link) & (0x7FFF if wide_link else 0x7F) for link in found]
    return []
