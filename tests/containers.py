"""Write videos: encode images, copy encoded frames, and change what containers say of them."""

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

MATRICES = {
    "upright": ((1, 0), (0, 1)),
    "flipped": ((-1, 0), (0, 1)),
    "upside down": ((-1, 0), (0, -1)),
    "upside down flipped": ((1, 0), (0, -1)),
    "clockwise": ((0, 1), (-1, 0)),
    "clockwise flipped": ((0, 1), (1, 0)),
    "anticlockwise": ((0, -1), (1, 0)),
    "anticlockwise flipped": ((0, -1), (-1, 0)),
}
"""``(a, b), (c, d)`` of the display matrix: ``(x, y)`` is shown at ``(a x + c y, b x + d y)``."""


def store_for(image: Image, matrix: tuple[tuple[int, int], tuple[int, int]]) -> Image:
    """Return the pixels that a display matrix shows as this image, by its definition."""
    (a, b), (c, d) = matrix
    height, width = image.shape[:2]
    stored = np.empty((width, height, 3) if b else image.shape, np.uint8)
    rows, columns = np.indices(stored.shape[:2])
    x, y = a * columns + c * rows, b * columns + d * rows
    stored[rows, columns] = image[y - y.min(), x - x.min()]
    return stored


def set_matrix(path: Path, matrix: tuple[tuple[int, int], tuple[int, int]]) -> None:
    """Write a display matrix into an MP4's track header."""
    (a, b), (c, d) = matrix
    content = bytearray(path.read_bytes())
    start = content.index(b"tkhd") + 44
    one = 1 << 16
    packed = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    content[start : start + 36] = packed
    path.write_bytes(content)


def read_images(path: Path) -> Iterator[tuple[Image, Fraction]]:
    """Yield the images, blue-green-red, with their times."""
    with av.open(path) as container:
        for frame in container.decode(video=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            yield frame.to_ndarray(format="bgr24"), frame.pts * frame.time_base


def encode(
    path: Path,
    images: list[tuple[Image, Fraction]],
    codec: str = "libx264",
    aspect: Fraction | None = None,
    clock_hz: int = 90_000,
    pixels: str = "yuv420p",
    **options: str,
) -> Path:
    """Encode images with little loss but that of their colours' fineness."""
    with av.open(path, "w") as container:
        height, width = images[0][0].shape[:2]
        # Without loss, all presets give the same pixels.
        options = options or {"qp": "0", "preset": "ultrafast"}
        stream: Any = container.add_stream(codec, rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.time_base = Fraction(1, clock_hz)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for image, time in images:
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = round(time * clock_hz), Fraction(1, clock_hz)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def remux(
    plain: Path,
    path: Path,
    change: Callable[[Any], None] = lambda packet: None,
    cover: bool = False,
    metadata: dict[str, str] | None = None,
    **options: str,
) -> Path:
    """Copy the encoded frames into another container."""
    with av.open(plain) as source, av.open(path, "w", options=options) as target:
        target.metadata.update(metadata or {})
        if cover:
            picture: Any = target.add_stream("mjpeg", rate=1, options={"strict": "-1"})
            picture.width, picture.height, picture.pix_fmt = 160, 160, "yuvj420p"
        stream = target.add_stream_from_template(source.streams.video[0])
        if cover:
            drawn = np.full((160, 160, 3), 90, np.uint8)
            target.mux(picture.encode(av.VideoFrame.from_ndarray(drawn, format="bgr24")))
            target.mux(picture.encode())
        for packet in source.demux(video=0):
            if packet.dts is not None:
                change(packet)
                packet.stream = stream
                target.mux(packet)
    return path


def shift(plain: Path, path: Path, by_s: Callable[[float], float], **options: str) -> Path:
    """Copy a video with other times; `by_s` says by how much, given the time."""

    def change(packet: Any) -> None:
        ticks = round(by_s(float(packet.dts * packet.time_base)) / packet.time_base)
        packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks

    return remux(plain, path, change, avoid_negative_ts="disabled", **options)


def add_user_box(path: Path, box: bytes) -> Path:
    """Add a box to the user data of an MP4 whose index stands behind its frames."""
    content = bytearray(path.read_bytes())
    index = content.index(b"moov") - 4
    (size,) = struct.unpack(">I", content[index : index + 4])
    assert index + size == len(content)
    user = struct.pack(">I4s", 8 + len(box), b"udta") + box
    content[index : index + 4] = struct.pack(">I", size + len(user))
    path.write_bytes(content + user)
    return path


def make_samsung_box(mode: int, fps: float | None = None) -> bytes:
    """Make the box in which Samsung's camera tells its mode, and in some modes its rate."""
    author = struct.pack(">I4s4x4B", 16, b"saut", 0, mode, 1, 4)
    rate = b"" if fps is None else struct.pack(">I4sI", 12, b"srfr", round(fps * 2**16))
    return struct.pack(">I4s4x", 12 + len(author + rate), b"smta") + author + rate


def set_edits(path: Path, edits: list[tuple[float, float]]) -> Path:
    """Replace the edit list of an MP4 of one track, whose index stands behind its frames.

    Each edit shows a length from a time on, both in seconds; of an empty one, the time is -1.
    """
    content = bytearray(path.read_bytes())
    with av.open(path) as container:
        (stream,) = container.streams
        assert stream.time_base is not None
        ticks_a_s = 1 / stream.time_base
    head = content.index(b"mvhd")
    (movie_ticks_a_s,) = struct.unpack(">I", content[head + 16 : head + 20])
    start = content.index(b"elst") - 4
    (size,) = struct.unpack(">I", content[start : start + 4])
    entries = b"".join(
        struct.pack(
            ">Iii",
            round(movie_ticks_a_s * length),
            -1 if at < 0 else round(at * ticks_a_s),
            1 << 16,
        )
        for length, at in edits
    )
    changed = struct.pack(">I4sII", 16 + len(entries), b"elst", 0, len(edits)) + entries
    content[start : start + size] = changed
    for kind in (b"edts", b"trak", b"moov"):
        place = content.index(kind) - 4
        (old,) = struct.unpack(">I", content[place : place + 4])
        content[place : place + 4] = struct.pack(">I", old + len(changed) - size)
    path.write_bytes(content)
    return path


def write_shown(plain: Path, folder: Path, name: str) -> Path:
    """Store a video so that its display matrix shows what the plain one shows."""
    matrix = MATRICES[name]
    images = [(store_for(image, matrix), time) for image, time in read_images(plain)]
    path = encode(folder / f"{name}.mp4", images)
    set_matrix(path, matrix)
    return path
