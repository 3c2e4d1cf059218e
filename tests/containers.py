"""Videos as people's software writes them, each from one plain video."""

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
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
    **options: str,
) -> Path:
    """Encode images with little loss but that of their colours' fineness."""
    with av.open(path, "w") as container:
        height, width = images[0][0].shape[:2]
        stream: Any = container.add_stream(codec, rate=30, options=options or {"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
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


def write_fragments(plain: Path, folder: Path) -> Path:
    """A fragment for each key frame; the header counts the first one's frames alone."""
    return remux(plain, folder / "fragments.mp4", movflags="frag_keyframe")


def write_short_header(plain: Path, folder: Path) -> Path:
    """An AVI whose header claims ten frames."""
    images = list(read_images(plain))
    path = encode(folder / "short.avi", images, "mpeg4", clock_hz=120, qmin="1", qmax="2", b="20M")
    content = bytearray(path.read_bytes())
    for box, offset in ((b"avih", 8 + 16), (b"strh", 8 + 32)):
        start = content.index(box) + offset
        content[start : start + 4] = struct.pack("<I", 10)
    path.write_bytes(content)
    return path


def write_wide_pixels(plain: Path, folder: Path) -> Path:
    images = [
        (cv2.resize(image, None, fx=0.5, fy=1, interpolation=cv2.INTER_AREA), time)
        for image, time in read_images(plain)
    ]
    return encode(folder / "wide.mp4", images, aspect=Fraction(2))


def write_tall_pixels(plain: Path, folder: Path) -> Path:
    images = [
        (cv2.resize(image, None, fx=1, fy=0.75, interpolation=cv2.INTER_AREA), time)
        for image, time in read_images(plain)
    ]
    return encode(folder / "tall.mkv", images, aspect=Fraction(3, 4))


def write_trimmed(plain: Path, folder: Path) -> Path:
    """The same, and an edit list that hides the first half of two seconds."""
    return set_edits(remux(plain, folder / "trimmed.mp4"), [(1.0, 1.0)])


def write_cover(plain: Path, folder: Path) -> Path:
    return remux(plain, folder / "cover.mp4", cover=True)


def write_sizes(plain: Path, folder: Path) -> Path:
    """As a browser's recorder when the network slows: every second, another size."""
    images = list(read_images(plain))
    path = folder / "sizes.webm"
    with av.open(path, "w") as container:
        stream: Any = container.add_stream("libvpx", rate=30, options={"qmin": "2", "qmax": "4"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.codec_context.bit_rate = 4_000_000
        for start in range(0, len(images), 30):
            factor = 1 if start // 30 % 2 == 0 else 0.75
            context: Any = av.CodecContext.create("libvpx", "w")
            context.width, context.height = round(320 * factor), round(240 * factor)
            context.pix_fmt, context.time_base = "yuv420p", Fraction(1, 1000)
            context.bit_rate = 4_000_000
            context.options = {
                "qmin": "2", "qmax": "4", "lag-in-frames": "0", "deadline": "realtime",
                "cpu-used": "8",
            }  # fmt: skip
            for image, time in images[start : start + 30]:
                small = cv2.resize(
                    image, (context.width, context.height), interpolation=cv2.INTER_AREA
                )
                frame = av.VideoFrame.from_ndarray(small, format="bgr24").reformat(format="yuv420p")
                frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
                for packet in context.encode(frame):
                    packet.stream, packet.time_base = stream, Fraction(1, 1000)
                    container.mux(packet)
    return path


def write_slow_motion(plain: Path, folder: Path) -> Path:
    """Played eight times slower; the tag of Android says how fast it was recorded."""

    def stretch(packet: Any) -> None:
        packet.pts, packet.dts = 8 * packet.pts, 8 * packet.dts

    return remux(
        plain,
        folder / "slow.mp4",
        stretch,
        metadata={"com.android.capture.fps": "120.000000"},
        movflags="use_metadata_tags",
    )


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


def write_samsung_slow_motion(plain: Path, folder: Path) -> Path:
    """Played eight times slower; the mode of Samsung's camera says how fast it was recorded."""

    def stretch(packet: Any) -> None:
        packet.pts, packet.dts = 8 * packet.pts, 8 * packet.dts

    return add_user_box(remux(plain, folder / "samsung.mp4", stretch), make_samsung_box(13))


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


def write_wrapped(plain: Path, folder: Path) -> Path:
    """A transport stream whose clock of 33 bits starts anew after a second."""

    def shift(packet: Any) -> None:
        ahead = round((2**33 / 90_000 - 1) / packet.time_base)
        packet.pts, packet.dts = packet.pts + ahead, packet.dts + ahead

    return remux(plain, folder / "wrapped.ts", shift, muxdelay="0", muxpreload="0")


def write_hlg(plain: Path, folder: Path) -> Path:
    """As phones record with high dynamic range: the same light in HLG, BT.2020 and 10 bits.

    ITU-R BT.2100 gives the transfer, BT.2087 the matrix; white is 203 cd/m2 of a screen of 1000.
    """
    to_bt2020 = np.array(
        [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    )
    weights = np.array([0.2627, 0.6780, 0.0593])
    path = folder / "hlg.mp4"
    with av.open(path, "w") as container:
        options = {"x265-params": "log-level=none:qp=4:bframes=0", "preset": "ultrafast"}
        stream: Any = container.add_stream("libx265", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p10le"
        context = stream.codec_context
        context.time_base, context.color_range = Fraction(1, 90_000), 1
        context.colorspace, context.color_primaries, context.color_trc = 9, 9, 18
        for image, time in read_images(plain):
            shown = 0.203 * (image[..., ::-1] / 255.0) ** 2.4 @ to_bt2020.T
            scene = shown * np.maximum(shown @ weights, 1e-6)[..., np.newaxis] ** (1 / 1.2 - 1)
            bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
            signal = np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)
            luma = signal @ weights
            blue, red = (
                cv2.resize((signal[..., one] - luma) / most, None, fx=0.5, fy=0.5)
                for one, most in ((2, 1.8814), (0, 1.4746))
            )
            frame = av.VideoFrame(320, 240, "yuv420p10le")
            samples = (876 * luma + 64, 896 * blue + 512, 896 * red + 512)
            for plane, values in zip(frame.planes, samples, strict=True):
                rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
                rows[:, : values.shape[1]] = np.rint(values)
                plane.update(rows.tobytes())
            frame.colorspace, frame.color_range = 9, 1
            frame.pts, frame.time_base = round(time * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


KINDS: dict[str, Callable[[Path, Path], Path]] = {
    "fragments": write_fragments,
    "short header": write_short_header,
    "wide pixels": write_wide_pixels,
    "tall pixels": write_tall_pixels,
    "trimmed": write_trimmed,
    "cover": write_cover,
    "sizes": write_sizes,
    "slow motion": write_slow_motion,
    "Samsung's slow motion": write_samsung_slow_motion,
    "wrapped": write_wrapped,
    "high dynamic range": write_hlg,
}
"""Writes each kind of container into a folder, from a plain MP4."""


def write_shown(plain: Path, folder: Path, name: str) -> Path:
    """Store a video so that its display matrix shows what the plain one shows."""
    matrix = MATRICES[name]
    images = [(store_for(image, matrix), time) for image, time in read_images(plain)]
    path = encode(folder / f"{name}.mp4", images)
    set_matrix(path, matrix)
    return path
