"""The rate of capture in boxes of Samsung and Sony, laid out by hand."""

import io
import struct
from pathlib import Path

import pytest

from tests.containers import add_user_box, make_samsung_box
from tests.tracker.video.test_frames import regular, write_counting_clip
from tracker.video.boxes import UnknownSpeedError, read_capture_fps
from tracker.video.container import VideoOpenError
from tracker.video.frames import Video

SONY = b"""<?xml version="1.0"?><NonRealTimeMeta><VideoFormat>
<VideoFrame videoCodec="AVC" captureFps="119.88p" formatFps="29.97p"/></VideoFormat>"""


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def read(content: bytes) -> float:
    stream = io.BytesIO(content)
    fps = read_capture_fps(stream)
    assert stream.tell() == 0
    return fps


def movie(user: bytes) -> bytes:
    head = box(b"ftyp", b"isom") + box(b"mdat", bytes(100))
    return head + box(b"moov", box(b"mvhd", bytes(100)) + box(b"udta", user))


@pytest.mark.parametrize(
    ("mode", "told", "fps"),
    [(12, None, 240.0), (13, None, 120.0), (21, 480.0, 480.0), (0, None, 0.0), (16, None, 0.0)],
)
def test_the_mode_of_samsungs_camera_tells(mode: int, told: float | None, fps: float) -> None:
    assert read(movie(make_samsung_box(mode, told))) == fps
    assert read(movie(box(b"auth", b"x") + make_samsung_box(mode, told))) == fps


@pytest.mark.parametrize("mode", [1, 2, 5, 7, 8, 9, 15, 21, 22, 23])
def test_a_mode_whose_speed_is_not_told_is_refused(mode: int) -> None:
    with pytest.raises(UnknownSpeedError):
        read(movie(make_samsung_box(mode)))


def test_a_recording_of_unknown_speed_says_what_to_do(tmp_path: Path) -> None:
    path = add_user_box(
        write_counting_clip(tmp_path / "super.mp4", regular(3)), make_samsung_box(7)
    )
    for source in (path, io.BytesIO(path.read_bytes())):
        with pytest.raises(VideoOpenError, match=r"slow or fast motion.*Record at normal speed"):
            Video(source)


@pytest.mark.parametrize("version", [b"", bytes(4)])
def test_sonys_description_tells(version: bytes) -> None:
    description = box(b"meta", version + box(b"xml ", bytes(4) + SONY))
    for content in (box(b"ftyp", b"XAVC") + description, movie(b"") + description):
        assert read(content) == 119.88
    inside = box(b"ftyp", b"XAVC") + box(b"moov", box(b"mvhd", bytes(100)) + description)
    assert read(inside) == 119.88


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1a\x45\xdf\xa3" + bytes(50),
        box(b"ftyp", b"") + b"\0\0\0\x05moov",  # smaller than its own head
        box(b"ftyp", b"") + b"\0\0\0\x01moov" + b"\xff" * 8,
        box(b"ftyp", b"") + b"\xff\xff\xff\xffmoov" + bytes(20),
        movie(box(b"smta", b"")),
        movie(b"")[:-8] + b"\0\0\0\x08smta",
        movie(box(b"smta", bytes(4) + box(b"saut", b"\0\0"))),
        box(b"ftyp", b"") + box(b"free", b"") * 5000,
    ],
)
def test_what_is_damaged_or_absent_tells_nothing(content: bytes) -> None:
    assert read(content) == 0.0


def test_a_box_of_64_bits_and_one_to_the_end_are_read() -> None:
    content = box(b"udta", make_samsung_box(12))
    long = struct.pack(">I4sQ", 1, b"moov", 16 + len(content)) + content
    assert read(box(b"ftyp", b"") + long) == 240.0
    assert read(box(b"ftyp", b"") + struct.pack(">I4s", 0, b"moov") + content) == 240.0
