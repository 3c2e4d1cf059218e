"""HEIC and AVIF pictures, written box by box around a frame that PyAV encodes."""

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

CODECS = {
    "heic": ("libx265", b"hvc1", b"hvcC", {"x265-params": "log-level=none:qp=4:keyint=1"}),
    "avif": ("libsvtav1", b"av01", b"av1C", {"preset": "8", "crf": "5"}),
}
"""Encoder, kind of item, kind of its set-up, and options."""


def box(kind: bytes, *content: bytes) -> bytes:
    joined = b"".join(content)
    return struct.pack(">I4s", 8 + len(joined), kind) + joined


def full(kind: bytes, *content: bytes, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", flags), *content)


def encode_still(path: Path, image: NDArray[np.uint8], brand: str, bits: int) -> tuple[bytes, Any]:
    """Return the encoded picture, and the set-up of its decoder, by way of an MP4."""
    codec, _, _, options = CODECS[brand]
    with av.open(path, "w") as container:
        stream: Any = container.add_stream(codec, rate=1, options=options)
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = "yuv420p" if bits == 8 else "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc = 6, 1, 13
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        frame = frame.reformat(format=stream.pix_fmt, dst_colorspace="ITU601")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with av.open(path) as container:
        packet = next(packet for packet in container.demux(video=0) if packet.size)
        return bytes(packet), container.streams.video[0].codec_context.extradata


def write_heif(
    path: Path,
    image: NDArray[np.uint8],
    brand: str = "heic",
    bits: int = 8,
    turns: int = 0,
    mirror: int | None = None,
) -> Path:
    """Write a picture that is shown turned anticlockwise by quarters, then mirrored.

    Parameters
    ----------
    mirror : {0, 1}, optional
        0: top and bottom are exchanged; 1: left and right.
    """
    coded, setup = encode_still(path.with_suffix(".mp4"), image, brand, bits)
    _, item, setup_kind, _ = CODECS[brand]
    height, width = image.shape[:2]
    properties = [
        box(setup_kind, setup),
        full(b"ispe", struct.pack(">II", width, height)),
        box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0)),
        full(b"pixi", bytes((3, bits, bits, bits))),
    ]
    if turns:
        properties.append(box(b"irot", bytes((turns,))))
    if mirror is not None:
        properties.append(box(b"imir", bytes((mirror,))))
    # The set-up and the turns must be understood, and are marked so.
    links = bytes(
        n | (0x80 if kind[4:8] in (setup_kind, b"irot", b"imir") else 0)
        for n, kind in enumerate(properties, 1)
    )

    def index(start: int) -> bytes:
        return full(
            b"meta",
            full(b"hdlr", struct.pack(">I4s12xB", 0, b"pict", 0)),
            full(b"pitm", struct.pack(">H", 1)),
            full(b"iloc", struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, start, len(coded))),
            full(b"iinf", struct.pack(">H", 1),
                 full(b"infe", struct.pack(">HH4sB", 1, 0, item, 0), flags=2 << 24)),
            box(b"iprp", box(b"ipco", *properties),
                full(b"ipma", struct.pack(">IHB", 1, 1, len(links)), links)),
        )  # fmt: skip

    head = box(b"ftyp", brand.encode(), bytes(4), b"mif1", b"miaf", brand.encode())
    start = len(head) + len(index(0)) + 8
    path.write_bytes(head + index(start) + box(b"mdat", coded))
    return path
