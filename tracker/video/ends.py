"""Find whether a file was cut off: whether it ends before its container says.

A recording that stopped halfway, or was copied in part, lacks its last seconds; the result must say
so. MP4, Matroska, AVI and WMV declare sizes. A program that streams a recording does not know its
size, and declares none. MPEG declares no size of the whole file either. In such a file, only the
last element can show that the file was cut off: it is incomplete. A cut exactly between two
elements cannot be seen.
"""

from io import BufferedIOBase

from tracker.video.container import HEAD_BYTES

SLACK_BYTES = 16
"""A file may be this much too short: some programs count a header twice, or a padding byte."""
TAIL_BYTES = 2**18
"""Bytes at the end of an MPEG file that are read: several encoded frames with their sound."""
MAX_ELEMENTS = 10_000
"""Most elements that are read after the last frame, such as an index and tags."""

_BOX_TYPES = frozenset((b"moof", b"mdat", b"mfra", b"sidx", b"styp", b"moov", b"free", b"prft",
                        b"emsg", b"uuid", b"ssix", b"udta", b"meta"))  # fmt: skip
_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
_SIMPLE_BLOCK, _BLOCK = b"\xa3", b"\xa1"
_UNKNOWN_RIFF_SIZES = (0, 0xFFFFFFFF)
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_ASF_INDEX = bytes.fromhex("90080033b1e5cf1189f400a0c90349cb")
_ASF_BROADCAST = 1
_PACK, _PROGRAM_END = b"\0\0\1\xba", b"\0\0\1\xb9"


class _Reader:
    """Reads bytes of a file at any offset. `size` is the file's size in bytes."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file
        self.size: int = file.seek(0, 2)

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from the byte offset `start` on.

        There are fewer at the end of the file, and none if `start` is negative or beyond the end.
        """
        if not 0 <= start < self.size:
            return b""
        self._file.seek(start)
        return self._file.read(max(0, min(size, self.size - start)))


def is_cut_off(file: BufferedIOBase, last_frame: int, data_end: int) -> bool:
    """Return whether a video file ends before its container says; False if that is not known.

    Parameters
    ----------
    file : BufferedIOBase
        The whole file, seekable; its position afterwards may be any.
    last_frame : int
        Byte offset of the encoded frame that lies furthest into the file, as FFmpeg gives it; in
        Matroska it is that of the content of the frame's block. Negative if no frame was read.
    data_end : int
        Byte offset at which the frames and the sound that were read end.
    """
    reader = _Reader(file)
    head = reader.read(0, HEAD_BYTES)
    if head[:4] == b"RIFF":
        return _is_riff_cut(reader, last_frame)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _is_matroska_cut(reader, last_frame)
    if head[:4] == b"\x30\x26\xb2\x75":
        return _is_asf_cut(reader, head)
    if head[:4] == _PACK:
        return _is_program_cut(reader.read(reader.size - min(reader.size, TAIL_BYTES), TAIL_BYTES))
    for prefix in (0, 4):
        if head[prefix : prefix + 1] == head[prefix + 188 + prefix :][:1] == b"\x47":
            return _is_transport_cut(reader, prefix)
    if head[4:8].isalpha():
        return _are_boxes_cut(reader, data_end)
    return False


def _are_boxes_cut(reader: _Reader, place: int) -> bool:
    """Return whether an MP4 ends within a box, following its boxes from the byte offset `place` on.

    `place` is where the last frame or sound ends, and the next box begins if there is one. False
    where no box of a known type begins there. Frames that lie beyond the end of the file are found
    by `tracker.video.streams.is_data_missing`.
    """
    for _ in range(MAX_ELEMENTS):
        head = reader.read(place, 16)
        kind = head[4:8]
        if len(kind) < 4:
            # A fragment's head that is itself cut.
            return bool(kind) and any(one.startswith(kind) for one in _BOX_TYPES)
        size = int.from_bytes(head[:4])
        if size == 1:
            size = int.from_bytes(head[8:])
        if kind not in _BOX_TYPES or size < 8:
            return False
        place += size
        if place > reader.size:
            return True
    return False


def _is_riff_cut(reader: _Reader, last_frame: int) -> bool:
    """Return whether an AVI is shorter than the size it declares.

    A long AVI consists of several RIFF lists, each with a size of its own. If one declares no size,
    the chunks from the last frame on are followed instead, and the file is cut if it ends within
    one. `last_frame` is the byte offset of that frame's content.
    """
    place = 0
    while True:
        head = reader.read(place, 12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] not in (b"AVI ", b"AVIX"):
            return False
        size = _little(head[4:8])
        if size in _UNKNOWN_RIFF_SIZES:
            return _are_chunks_cut(reader, last_frame - 8)
        place += 8 + size + size % 2
        if place > reader.size + SLACK_BYTES:
            return True


def _are_chunks_cut(reader: _Reader, place: int) -> bool:
    """Return whether an AVI ends within a chunk, following its chunks from the last frame's on.

    A chunk is a type, a size and so many bytes of content. `place` is the byte offset where the
    chunk of the last frame begins; False if it is negative. This is for an AVI whose header
    declares no size for the whole.
    """
    if place < 0:
        return False
    for _ in range(MAX_ELEMENTS):
        head = reader.read(place, 8)
        if len(head) < 8:
            return bool(head.strip(b"\0"))
        size = _little(head[4:])
        if size in _UNKNOWN_RIFF_SIZES:
            # A list's own type of four letters stands before its chunks.
            size = 4 if head[:4] in (b"RIFF", b"LIST") else size
        place += 8 + size
        if place >= reader.size:
            return place > reader.size
        place += size % 2
    return False


def _read_ebml_size(content: bytes) -> tuple[int, int | None]:
    """Return how long the size field is that `content` begins with, and the size that it tells.

    Both are in bytes: of ``b"\\x85..."`` 1 and 5, of ``b"\\x40\\x85..."`` 2 and 133. In Matroska,
    each element is a kind, a size field of 1 to 8 bytes, and as many bytes of content as the field
    tells. The field's number of leading zero bits tells its length. The size is None if the field
    says that it is not known. A length of 9 means that `content` does not begin with a whole field;
    the size means nothing then.
    """
    length = 9 - content[0].bit_length() if content else 9
    if length > len(content):
        return 9, None
    mask = (1 << 7 * length) - 1
    size = int.from_bytes(content[:length]) & mask
    return length, None if size == mask else size


def _is_matroska_cut(reader: _Reader, last_frame: int) -> bool:
    """Return whether a Matroska file is shorter than it declares, or incomplete at its end.

    If it declares no size, the elements from the last frame on are followed: frames, pieces of
    sound, an index. The file is cut if it ends within one. `last_frame` is the byte offset of that
    frame's content.
    """
    head = reader.read(0, HEAD_BYTES)
    length, size = _read_ebml_size(head[4:12])
    place = 4 + length + (size or 0)
    head = reader.read(place, 12)
    if head[:4] != _SEGMENT:
        return False
    length, size = _read_ebml_size(head[4:])
    if size is not None:
        return place + 4 + length + size > reader.size
    # The head of the last block stands right before it: its kind, and its size in 1 to 8 bytes.
    before = reader.read(max(0, last_frame - 9), min(last_frame, 9))
    for length in range(1, len(before)):
        found, size = _read_ebml_size(before[-length:])
        kind = before[-length - 1 : -length]
        if found == length and size is not None and kind in (_SIMPLE_BLOCK, _BLOCK):
            return _are_elements_cut(reader, last_frame + size)
    return False


def _are_elements_cut(reader: _Reader, place: int) -> bool:
    """Return whether a Matroska file ends within an element.

    The elements are followed from the byte offset `place` on, where the last frame's block ends.
    """
    for _ in range(MAX_ELEMENTS):
        if place >= reader.size:
            return place > reader.size
        head = reader.read(place, 12)
        kind_length = 9 - head[0].bit_length()
        if kind_length > 4:
            return False
        length, size = _read_ebml_size(head[kind_length:])
        if length > 8:
            return len(head) < 12
        if size is None and head[:4] != _CLUSTER:
            return False
        place += kind_length + length + (size or 0)
    return False


def _is_asf_cut(reader: _Reader, head: bytes) -> bool:
    """Return whether a WMV ends before the object with its frames does, by the size it declares.

    An object is a part of the file with a size of its own. If it declares none, the end of the file
    is looked at: see `_is_live_asf_cut`. `head` is the file's first `HEAD_BYTES` bytes. False if
    the file is not built as expected.
    """
    header_size = _little(head[16:24])
    header = reader.read(0, min(header_size, TAIL_BYTES))
    found = header.find(_ASF_PROPERTIES)
    properties, data = header[found : found + 104], reader.read(header_size, 50)
    if found < 0 or len(properties) < 104 or data[:16] != _ASF_DATA or len(data) < 50:
        return False
    packet_size, size, packets = map(_little, (properties[92:96], data[16:24], data[40:48]))
    if packet_size != _little(properties[96:100]):
        packet_size = 0
    if _little(properties[88:92]) & _ASF_BROADCAST or size <= 50:
        return _is_live_asf_cut(reader, header_size + 50, packet_size)
    if packet_size and packets:
        size = 50 + packets * packet_size
    return header_size + size > reader.size + SLACK_BYTES


def _is_live_asf_cut(reader: _Reader, start: int, packet_size: int) -> bool:
    """Return whether a WMV without a declared size ends within a packet, or within its index.

    An index follows the last packet in some files. `start` is the byte offset of the first packet,
    and `packet_size` the bytes of each; 0 if they vary: then only an index shows a cut.
    """
    tail_start = reader.size - min(reader.size, TAIL_BYTES)
    tail = reader.read(tail_start, TAIL_BYTES)
    index = tail.rfind(_ASF_INDEX)
    if index >= 0:
        return tail_start + index + _little(tail[index + 16 : index + 24]) > reader.size
    return packet_size > 0 and (reader.size - start) % packet_size > 0


def _little(content: bytes) -> int:
    return int.from_bytes(content, "little")


def _is_program_cut(tail: bytes) -> bool:
    """Return whether the last packet of an MPEG program stream is incomplete.

    `tail` holds the file's last bytes, up to `TAIL_BYTES`. Its packets are followed from the last
    pack on, which is a head before a group of packets. False if no pack begins in `tail`.
    """
    place = tail.rfind(_PACK)
    while place >= 0:
        head = tail[place : place + 14]
        if head[:3] != b"\0\0\1" or head[:4] == _PROGRAM_END:
            return False
        if len(head) < 6:
            return True
        if head[:4] == _PACK:
            # The head of a pack has a fixed size in MPEG-1. In MPEG-2, padding may follow.
            filled = head[13] & 7 if len(head) == 14 else 0
            place += 14 + filled if head[4] >> 6 == 1 else 12
        else:
            place += 6 + int.from_bytes(head[4:6])
        if place >= len(tail):
            return place > len(tail)
    return False


def _is_transport_cut(reader: _Reader, prefix: int) -> bool:
    """Return whether an MPEG transport stream ends within a packet, or within an encoded frame.

    A packet has 188 bytes. `prefix` is the number of bytes before each: 4 from a camcorder, else 0.
    A frame, or a piece of sound, is spread over many packets and says how long it is. The
    file is cut if one of them is incomplete at its end. Some say no length; of those, it cannot be
    seen whether they are complete.
    """
    step = 188 + prefix
    if reader.size % step:
        return True
    tail = reader.read(reader.size - min(reader.size, TAIL_BYTES // step * step), TAIL_BYTES)
    missing: dict[int, int] = {}
    for place in range(prefix, len(tail), step):
        packet = tail[place : place + 188]
        if packet[0] != 0x47:
            return False
        stream = int.from_bytes(packet[1:3]) & 0x1FFF
        payload = packet[4:] if packet[3] & 0x10 else b""
        if packet[3] & 0x20:
            payload = payload[1 + packet[4] :]
        if packet[1] & 0x40:
            # A length of 0 is not known.
            length = int.from_bytes(payload[4:6]) if payload[:3] == b"\0\0\1" else 0
            missing[stream] = 6 + length if length else 0
        if stream in missing:
            missing[stream] = max(0, missing[stream] - len(payload))
    return any(missing.values())
