"""Videos as people's software writes them, each from one plain video."""

import functools
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tests.containers import (
    MATRICES,
    add_user_box,
    encode,
    make_samsung_box,
    read_images,
    remux,
    set_edits,
    set_matrix,
    shift,
    store_for,
)

BT709, BT601, MPEG_RANGE, FULL_RANGE = 1, 5, 1, 2
"""Of FFmpeg's lists of colour matrices and ranges."""


def remux_to(name: str, plain: Path, folder: Path, **options: str) -> Path:
    return remux(plain, folder / name, **options)


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
        (cv2.resize(image, None, fx=0.75, fy=1, interpolation=cv2.INTER_AREA), time)
        for image, time in read_images(plain)
    ]
    return encode(folder / "wide.mp4", images, aspect=Fraction(4, 3))


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


PART_FRAMES = 15
"""Frames after which a video changes on its way."""


def write_changing(plain: Path, path: Path, codec: str, parts: list[dict[str, Any]]) -> Path:
    """Encode a video whose parts, in turn, have other sizes, pixel formats or colours.

    A part may have a ``factor`` of its size, a pixel ``format``, a colour ``matrix`` and ``range``.
    """
    images = list(read_images(plain))
    options = {
        "libvpx": {"qmin": "2", "qmax": "4", "lag-in-frames": "0", "deadline": "realtime",
                   "cpu-used": "8", "threads": "1"},
        "libx264": {"qp": "0", "bf": "0", "preset": "ultrafast"},
    }[codec]  # fmt: skip
    tick = Fraction(1, 1000 if codec == "libvpx" else 90_000)
    with av.open(path, "w") as container:
        stream: Any = container.add_stream(codec, rate=30, options=options)
        height, width = images[0][0].shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.bit_rate = 4_000_000
        for start in range(0, len(images), PART_FRAMES):
            part = parts[start // PART_FRAMES % len(parts)]
            factor, range_ = part.get("factor", 1), part.get("range", MPEG_RANGE)
            matrix = part.get("matrix", BT601)
            context: Any = av.CodecContext.create(codec, "w")
            context.width, context.height = round(width * factor), round(height * factor)
            context.pix_fmt, context.time_base = part.get("format", "yuv420p"), tick
            context.bit_rate, context.options = 4_000_000, options
            if codec == "libx264":
                context.colorspace, context.color_range = matrix, range_
            for image, time in images[start : start + PART_FRAMES]:
                small = cv2.resize(
                    image, (context.width, context.height), interpolation=cv2.INTER_AREA
                )
                frame = av.VideoFrame.from_ndarray(small, format="bgr24").reformat(
                    format=context.pix_fmt, dst_colorspace=matrix, dst_color_range=range_
                )
                frame.pts, frame.time_base = round(time / tick), tick
                for packet in context.encode(frame):
                    packet.stream, packet.time_base = stream, tick
                    container.mux(packet)
            for packet in context.encode():
                packet.stream, packet.time_base = stream, tick
                container.mux(packet)
    return path


def write_sizes(plain: Path, folder: Path) -> Path:
    """As a browser's recorder when the network slows."""
    return write_changing(plain, folder / "sizes.webm", "libvpx", [{}, {"factor": 0.75}])


def write_formats(plain: Path, folder: Path) -> Path:
    formats: list[dict[str, Any]] = [
        {"format": one} for one in ("yuv420p", "yuv444p", "yuv422p", "yuv420p10le")
    ]
    return write_changing(plain, folder / "formats.ts", "libx264", formats)


def write_colours(plain: Path, folder: Path) -> Path:
    colours: list[dict[str, Any]] = [
        {},
        {"range": FULL_RANGE},
        {"matrix": BT709},
        {"matrix": BT709, "range": FULL_RANGE, "factor": 0.75},
    ]
    return write_changing(plain, folder / "colours.ts", "libx264", colours)


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


def write_samsung_slow_motion(plain: Path, folder: Path) -> Path:
    """Played eight times slower; the mode of Samsung's camera says how fast it was recorded."""

    def stretch(packet: Any) -> None:
        packet.pts, packet.dts = 8 * packet.pts, 8 * packet.dts

    return add_user_box(remux(plain, folder / "samsung.mp4", stretch), make_samsung_box(13))


def write_wrapped(plain: Path, folder: Path) -> Path:
    """A transport stream whose clock of 33 bits starts anew after a second."""

    def shift(packet: Any) -> None:
        ahead = round((2**33 / 90_000 - 1) / packet.time_base)
        packet.pts, packet.dts = packet.pts + ahead, packet.dts + ahead

    return remux(plain, folder / "wrapped.ts", shift, muxdelay="0", muxpreload="0")


def code_hlg(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return HLG's signal of light (..., 3) that a screen of 1000 cd/m2 shows (ITU-R BT.2100)."""
    shown = light / 1000
    scene = shown * np.maximum(shown @ BT2020_WEIGHTS, 1e-6)[..., np.newaxis] ** (1 / 1.2 - 1)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


def code_pq(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return PQ's signal of light in cd/m2 (ITU-R BT.2100)."""
    power = (np.maximum(light, 0) / 10_000) ** 0.1593017578125
    coded: NDArray[np.float64] = (
        (0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)
    ) ** 78.84375
    return coded


BT2020_WEIGHTS = np.array([0.2627, 0.6780, 0.0593])
TRANSFERS = {"hlg": (18, code_hlg), "pq": (16, code_pq)}
"""FFmpeg's number of each, and what makes its signal of light."""


def write_hdr(plain: Path, folder: Path, transfer: str) -> Path:
    """As phones record with high dynamic range: the same light in BT.2020 and 10 bits.

    ITU-R BT.2087 gives the matrix; white is 203 cd/m2.
    """
    to_bt2020 = np.array(
        [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    )
    number, code = TRANSFERS[transfer]
    images = list(read_images(plain))
    height, width = images[0][0].shape[:2]
    path = folder / f"{transfer}.mp4"
    with av.open(path, "w") as container:
        options = {"x265-params": "log-level=none:qp=4:bframes=0", "preset": "ultrafast"}
        stream: Any = container.add_stream("libx265", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p10le"
        context = stream.codec_context
        context.time_base, context.color_range = Fraction(1, 90_000), MPEG_RANGE
        context.colorspace, context.color_primaries, context.color_trc = 9, 9, number
        for image, time in images:
            signal = code(203 * (image[..., ::-1] / 255.0) ** 2.4 @ to_bt2020.T)
            luma = signal @ BT2020_WEIGHTS
            blue, red = (
                cv2.resize((signal[..., one] - luma) / most, None, fx=0.5, fy=0.5)
                for one, most in ((2, 1.8814), (0, 1.4746))
            )
            frame = av.VideoFrame(width, height, "yuv420p10le")
            samples = (876 * luma + 64, 896 * blue + 512, 896 * red + 512)
            for plane, values in zip(frame.planes, samples, strict=True):
                rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
                rows[:, : values.shape[1]] = np.rint(values)
                plane.update(rows.tobytes())
            frame.colorspace, frame.color_range = 9, MPEG_RANGE
            frame.pts, frame.time_base = round(time * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_paused(plain: Path, folder: Path, suffix: str = ".mkv") -> Path:
    """The recording was paused after a second, for five."""
    return shift(plain, folder / f"paused{suffix}", lambda time_s: 5.0 if time_s > 0.99 else 0.0)


def write_below_zero(plain: Path, folder: Path) -> Path:
    """A transport stream whose times begin at -1 s."""
    return shift(plain, folder / "below.ts", lambda _: -1.0)


def write_both_ends(plain: Path, folder: Path) -> Path:
    """QuickTime: after a pause, the half second in the middle is shown."""
    return set_edits(remux(plain, folder / "ends.mov"), [(0.7, -1), (1.0, 0.5)])


def write_turned_wide(plain: Path, folder: Path, name: str = "clockwise") -> Path:
    """Turned by its matrix, and its stored pixels are wider than tall."""
    images = [
        (
            cv2.resize(
                store_for(image, MATRICES[name]), None, fx=0.75, fy=1, interpolation=cv2.INTER_AREA
            ),
            time,
        )
        for image, time in read_images(plain)
    ]
    path = encode(folder / f"{name} wide.mp4", images, aspect=Fraction(4, 3))
    set_matrix(path, MATRICES[name])
    return path


def write_studio(plain: Path, folder: Path) -> Path:
    """10 bits, and colours of every row."""
    return encode(folder / "studio.mov", list(read_images(plain)), pixels="yuv422p10le")


def write_alpha(plain: Path, folder: Path) -> Path:
    """WebM whose pictures are transparent."""
    images = list(read_images(plain))
    return encode(
        folder / "alpha.webm", images, "libvpx", clock_hz=1000, pixels="yuva420p",
        deadline="realtime", qmin="2", qmax="4", b="4M", threads="1",
        **{"auto-alt-ref": "0", "cpu-used": "8"},
    )  # fmt: skip


def write_two_videos(plain: Path, folder: Path) -> Path:
    """A second, shorter video stands before the one that is marked as default."""
    path = folder / "two.mkv"
    with (
        av.open(plain) as source,
        av.open(path, "w", options={"default_mode": "passthrough"}) as target,
    ):
        other: Any = target.add_stream("libx264", rate=30)
        other.width, other.height, other.pix_fmt, other.disposition = 64, 64, "yuv420p", 0
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.disposition = av.stream.Disposition.default
        for _ in range(10):
            grey = np.full((64, 64, 3), 90, np.uint8)
            target.mux(other.encode(av.VideoFrame.from_ndarray(grey, format="bgr24")))
        target.mux(other.encode())
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return path


def write_long_avi(plain: Path, folder: Path) -> Path:
    """OpenDML: half of the frames stand in a second part of the file."""
    images = list(read_images(plain))
    path = encode(folder / "long.avi", images, "mpeg4", clock_hz=120, qmin="1", qmax="2", b="20M")
    content = path.read_bytes()
    start = content.index(b"movi") + 4
    place = start
    places = []
    while content[place : place + 4] == b"00dc":
        places.append(place)
        (size,) = struct.unpack("<I", content[place + 4 : place + 8])
        place += 8 + size + size % 2
    middle = places[len(places) // 2]

    def pack(kind: bytes, name: bytes, chunks: bytes) -> bytes:
        return kind + struct.pack("<I", 4 + len(chunks)) + name + chunks

    first = content[12 : start - 12] + pack(b"LIST", b"movi", content[start:middle])
    second = pack(b"LIST", b"movi", content[middle:place])
    path.write_bytes(pack(b"RIFF", b"AVI ", first) + pack(b"RIFF", b"AVIX", second))
    return path


@dataclass(frozen=True)
class Kind:
    """A kind of container, and what it shows of the plain video.

    Attributes
    ----------
    write : callable
        Writes it into a folder, from a plain MP4.
    from_s, to_s : float
        What it shows of the plain video.
    paused_s : float
        How long it pauses after a second.
    told : set of str
        Codes of the cautions that it raises.
    fast : bool
        Whether it is made from 120 frames a second, which is enough for slow motion to be meant.
    """

    write: Callable[[Path, Path], Path]
    from_s: float = 0.0
    to_s: float = math.inf
    paused_s: float = 0.0
    told: frozenset[str] = frozenset()
    fast: bool = False


KINDS = {
    "fragments": Kind(write_fragments),
    "fragments without a table": Kind(
        functools.partial(remux_to, "mixed.mp4", movflags="frag_keyframe+empty_moov+skip_trailer")
    ),
    "fragments for streaming": Kind(
        functools.partial(remux_to, "sidx.mp4", movflags="frag_keyframe+empty_moov+dash")
    ),
    "short header": Kind(write_short_header),
    "long AVI": Kind(write_long_avi),
    "wide pixels": Kind(write_wide_pixels),
    "tall pixels": Kind(write_tall_pixels),
    "turned wide pixels": Kind(write_turned_wide),
    "trimmed": Kind(write_trimmed, from_s=1.0),
    "trimmed at both ends": Kind(write_both_ends, from_s=0.5, to_s=1.5),
    "cover": Kind(write_cover),
    "two videos": Kind(write_two_videos, told=frozenset(("several_videos",))),
    "sizes": Kind(write_sizes),
    "pixel formats": Kind(write_formats),
    "colours": Kind(write_colours),
    "10 bits": Kind(write_studio),
    "alpha": Kind(write_alpha),
    "slow motion": Kind(write_slow_motion, fast=True),
    "Samsung's slow motion": Kind(write_samsung_slow_motion, fast=True),
    "wrapped": Kind(write_wrapped),
    "below zero": Kind(write_below_zero),
    "paused": Kind(write_paused, paused_s=5.0, told=frozenset(("sampling_gaps",))),
    "paused MP4": Kind(
        functools.partial(write_paused, suffix=".mp4"),
        paused_s=5.0,
        told=frozenset(("sampling_gaps",)),
    ),
    "HLG": Kind(functools.partial(write_hdr, transfer="hlg")),
    "PQ": Kind(functools.partial(write_hdr, transfer="pq")),
}


def write_odd_rate(plain: Path, folder: Path) -> Path:
    tags = {"com.android.capture.fps": "5000"}
    return remux(plain, folder / "odd.mp4", metadata=tags, movflags="use_metadata_tags")


def write_super_slow(plain: Path, folder: Path) -> Path:
    return add_user_box(remux(plain, folder / "super.mp4"), make_samsung_box(9))


def write_two_rates(plain: Path, folder: Path) -> Path:
    """Android's tag and Samsung's mode tell different slow motion."""
    tags = {"com.android.capture.fps": "240.000000"}
    path = remux(plain, folder / "rates.mp4", metadata=tags, movflags="use_metadata_tags")
    return add_user_box(path, make_samsung_box(13))


def write_absurd_pixels(plain: Path, folder: Path) -> Path:
    return encode(folder / "absurd.mp4", list(read_images(plain)), aspect=Fraction(9))


REFUSED: dict[str, tuple[Callable[[Path, Path], Path], str]] = {
    "absurd pixels": (write_absurd_pixels, "9 times as wide as tall"),
    "odd rate": (write_odd_rate, "do not fit together"),
    "super slow motion": (write_super_slow, "does not tell how fast"),
    "two rates": (write_two_rates, "does not tell how fast"),
}
"""Writes each kind of file that is refused, and a part of the reason that is given."""
