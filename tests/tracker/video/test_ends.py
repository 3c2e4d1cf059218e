"""Files that were cut off, and files that only do not know their size."""

import functools
import io
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.tracker.video.test_frames import _Pipe, draw_index
from tracker.video.container import VideoOpenError
from tracker.video.ends import is_cut_off
from tracker.video.frames import Video

FRAMES = 60
Write = Callable[[Path], Path]


def write_with_sound(path: Path, codec: str, sound: str, **options: str) -> Path:
    """Encode a picture a frame, each a key frame, and sound between them."""
    rng = np.random.default_rng(4)
    muxer = {name: options.pop(name) for name in ("movflags", "live") if name in options}
    with av.open(path, "w", options=muxer) as container:
        # The threads of VP8's encoder wait for each other in a loop, for seconds on a busy machine.
        options = {"g": "5", "bf": "0", "threads": "1", **options}
        stream: Any = container.add_stream(codec, rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 256, 64, "yuv420p"
        audio = container.add_stream(sound, rate=48_000, layout="mono")
        audio.bit_rate = 96_000
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(draw_index(index), format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            container.mux(stream.encode(frame))
            noise = rng.integers(-9000, 9000, (1, 1600)).astype(np.int16)
            samples = av.AudioFrame.from_ndarray(noise, format="s16p", layout="mono")
            samples.sample_rate = 48_000
            container.mux(audio.encode(samples))
        container.mux(stream.encode())
        container.mux(audio.encode())
    return path


def write_live(plain: Path, kind: str) -> Path:
    """Copy a clip as a program does that cannot go back to write sizes."""
    pipe = _Pipe()
    with av.open(plain) as source, av.open(pipe, "w", format=kind) as live:
        streams = {one.index: live.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                live.mux(packet)
    path = plain.with_name(f"live.{kind}")
    path.write_bytes(pipe.data)
    return path


SEALED: dict[str, Write] = {
    "MP4, index first": lambda folder: write_with_sound(
        folder / "a.mp4", "libx264", "aac", movflags="faststart"
    ),
    "Matroska": lambda folder: write_with_sound(folder / "a.mkv", "libx264", "aac"),
    "WebM": lambda folder: write_with_sound(folder / "a.webm", "libvpx", "libopus"),
    "AVI": lambda folder: write_with_sound(folder / "a.avi", "mpeg4", "pcm_s16le"),
    "WMV": lambda folder: write_with_sound(folder / "a.wmv", "wmv2", "wmav2"),
}
"""Files that declare where they end."""
OPEN: dict[str, Write] = {
    "fragments": lambda folder: write_with_sound(
        folder / "a.mp4", "libx264", "aac", movflags="frag_keyframe+empty_moov"
    ),
    "Matroska, live": lambda folder: write_live(
        write_with_sound(folder / "a.mkv", "libx264", "aac"), "matroska"
    ),
    "WebM, live": lambda folder: write_live(
        write_with_sound(folder / "a.webm", "libvpx", "libopus"), "webm"
    ),
    "AVI, live": lambda folder: write_live(
        write_with_sound(folder / "a.avi", "mpeg4", "pcm_s16le"), "avi"
    ),
    "WMV, live": lambda folder: write_live(
        write_with_sound(folder / "a.wmv", "wmv2", "wmav2"), "asf"
    ),
    "transport stream": lambda folder: write_with_sound(folder / "a.ts", "mpeg2video", "mp2"),
    "camcorder": lambda folder: write_camcorder(folder),
    "program stream": lambda folder: write_with_sound(folder / "a.mpg", "mpeg2video", "mp2"),
    "MPEG-1": lambda folder: write_with_sound(folder / "a.mpeg", "mpeg1video", "mp2"),
}
"""Files that declare no size, and end with a whole element."""


def write_camcorder(folder: Path) -> Path:
    """A transport stream of packets of 192 bytes."""
    plain = write_with_sound(folder / "plain.ts", "mpeg2video", "mp2")
    path = folder / "a.mts"
    with (
        av.open(plain) as source,
        av.open(path, "w", format="mpegts", options={"mpegts_m2ts_mode": "1"}) as target,
    ):
        streams = {one.index: target.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    return path


@pytest.fixture(scope="module")
def content_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """Return a function that makes a file once and returns its content."""

    @functools.cache
    def content_of(kind: str) -> bytes:
        return (SEALED | OPEN)[kind](tmp_path_factory.mktemp("file")).read_bytes()

    return content_of


def read(content: bytes) -> tuple[int, bool]:
    """Return how many frames are read, and whether that is told to be the whole video."""
    with Video(io.BytesIO(content)) as video:
        return sum(1 for _ in video.frames()), video.whole


@pytest.mark.parametrize("kind", [*SEALED, *OPEN])
def test_a_whole_file_is_whole(
    kind: str, content_of: Callable[[str], bytes], tmp_path: Path
) -> None:
    assert read(content_of(kind)) == (FRAMES, True)
    path = tmp_path / "file"
    path.write_bytes(content_of(kind))
    with Video(path) as video:
        assert sum(1 for _ in video.frames()) == FRAMES
        assert video.whole


CUTS = (0.01, 0.02, 0.05, 0.1, 0.23, 0.41, 0.6)
"""Shares of a file that are missing."""


@pytest.mark.parametrize("kind", SEALED)
def test_every_cut_of_a_file_that_declares_its_size_is_told(
    kind: str, content_of: Callable[[str], bytes]
) -> None:
    content = content_of(kind)
    for missing in CUTS:
        frames, whole = read(content[: round((1 - missing) * len(content))])
        assert 0 < frames <= FRAMES
        # The index behind the frames of a WMV is not needed, nor is the last sound of an MP4.
        assert not whole or frames == FRAMES, missing
        assert not whole or missing < 0.1, missing


@pytest.mark.parametrize("kind", OPEN)
def test_a_cut_within_an_element_is_told(kind: str, content_of: Callable[[str], bytes]) -> None:
    """Of three neighbouring cuts, one at most can lie between two elements."""
    content = content_of(kind)
    for missing in CUTS:
        length = round((1 - missing) * len(content))
        told = []
        for cut in range(length, length - 3, -1):
            try:
                frames, whole = read(content[:cut])
            except VideoOpenError:
                # Of a fragment's head, too little may be left for the file to be opened.
                assert kind == "fragments"
                frames, whole = 0, False
            assert frames <= FRAMES
            told.append(not whole)
        assert sum(told) >= 2, missing


def change(content: bytes, place: int, value: bytes) -> bytes:
    return content[:place] + value + content[place + len(value) :]


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_an_avi_that_does_not_know_its_size_is_whole(
    size: int, content_of: Callable[[str], bytes]
) -> None:
    content = change(content_of("AVI"), 4, struct.pack("<I", size))
    assert read(content) == (FRAMES, True)
    assert read(content + bytes(100)) == (FRAMES, True)


def test_an_avi_whose_size_counts_its_header_is_whole(content_of: Callable[[str], bytes]) -> None:
    content = content_of("AVI")
    assert read(change(content, 4, struct.pack("<I", len(content)))) == (FRAMES, True)


def test_a_long_avi_is_followed_to_its_last_part() -> None:
    """OpenDML: each part has a size of its own."""
    first = b"RIFF" + struct.pack("<I", 1000) + b"AVI " + bytes(996)
    second = b"RIFF" + struct.pack("<I", 500) + b"AVIX" + bytes(496)
    assert not is_cut_off(io.BytesIO(first + second), 900, 10)
    assert is_cut_off(io.BytesIO(first + second[:400]), 900, 10)
    assert not is_cut_off(io.BytesIO(first), 900, 10)


@pytest.mark.parametrize("kind", SEALED)
def test_what_follows_a_whole_file_is_no_matter(
    kind: str, content_of: Callable[[str], bytes]
) -> None:
    for more in (bytes(3), bytes(1000), b"\xff" * 1000, b"a text behind the video"):
        assert read(content_of(kind) + more) == (FRAMES, True), more[:5]


@pytest.mark.parametrize("kind", SEALED)
def test_the_first_bytes_alone_tell_nothing(kind: str, content_of: Callable[[str], bytes]) -> None:
    """Nothing is known of a last frame, and the file is as short as may be."""
    content = content_of(kind)
    for size in (0, 1, 3, 4, 8, 12, 13, 20, 40, 60, 200):
        for place, length in ((-1, 0), (0, 5), (size - 1, 1), (2**62, 2**30)):
            assert is_cut_off(io.BytesIO(content[:size]), place, length) in (True, False)
