"""Damage videos in ways that can be repeated, and read each with the decoder.

A mutated file may be refused or read in part. It must not crash, hang, raise another error, or
read differently from a path and from a stream. Each batch runs in a process of its own, whose
allocator checks the heap and fills freed memory, so that its misuse shows.
"""

import argparse
import collections
import contextlib
import io
import os
import random
import resource
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

CODECS = {
    "h264.mp4": ("libx264", "yuv420p", {"bf": "2", "g": "6"}),
    "h264_fragments.mp4": ("libx264", "yuv420p", {"bf": "0", "g": "4"}),
    "h264_index_first.mov": ("libx264", "yuv422p", {"bf": "2", "g": "6"}),
    "h264.mkv": ("libx264", "yuv444p", {}),
    "h264.ts": ("libx264", "yuv420p", {"bf": "2"}),
    "h264.avi": ("libx264", "yuv420p", {"bf": "0"}),
    "hevc.mp4": ("libx265", "yuv420p10le", {"x265-params": "log-level=none:pools=1"}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {}),
    "mpeg4.3gp": ("mpeg4", "yuv420p", {}),
    "mjpeg.mov": ("mjpeg", "yuvj420p", {"strict": "-1"}),
    "mjpeg.avi": ("mjpeg", "yuvj422p", {"strict": "-1"}),
    "vp8.webm": ("libvpx", "yuv420p", {"deadline": "realtime", "threads": "1"}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"deadline": "realtime"}),
    "av1.mp4": ("libsvtav1", "yuv420p", {"preset": "12"}),
    "mpeg1.mpg": ("mpeg1video", "yuv420p", {}),
    "mpeg2.ts": ("mpeg2video", "yuv420p", {}),
    "wmv2.wmv": ("wmv2", "yuv420p", {}),
    "msmpeg4.avi": ("msmpeg4", "yuv420p", {}),
    "ffv1.mkv": ("ffv1", "yuv420p", {}),
    "prores.mov": ("prores_ks", "yuv422p10le", {}),
}
"""File, codec, pixels and options of the videos that are mutated."""

FRAMES, SIDE_PX = 16, 96
MAX_CPU_S = 30
"""Time of the processor after which reading a file counts as hanging."""
MAX_MEMORY_BYTES = 6 * 2**30
BATCH = 250
MOST_SHOWN = 20
CHECKED_HEAP = {"MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "165"}
CHECKING_LIBRARY = "libc_malloc_debug.so.0"
"""Since glibc 2.34, MALLOC_CHECK_ needs it."""

_NUMBERS = (0, 1, 2, 3, 7, 8, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF,
            0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)  # fmt: skip
_MP4_PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"udta", b"moof",
                b"traf", b"mvex"}  # fmt: skip
_MP4_TABLES = {b"stts", b"ctts", b"stsc", b"stsz", b"stco", b"stss", b"elst", b"trun", b"sdtp"}
_EBML_NUMBERS = (
    b"\xb0", b"\xba", b"\x54\xb0", b"\x54\xba", b"\x54\xb2", b"\x2a\xd7\xb1", b"\x23\xe3\x83",
    b"\x44\x89", b"\xe7", b"\xd7", b"\x83", b"\x88", b"\x55\xb0", b"\x76\x70",
)  # fmt: skip
"""Sizes, shown sizes, time scale, durations, clock, track, colours and projection of Matroska."""


def write_seeds(folder: Path) -> list[Path]:
    """Write a short video of noise for each container and codec, with every tag that is read."""
    import av
    import numpy as np

    from tests.containers import MATRICES, add_user_box, make_samsung_box, remux, set_matrix

    rng = np.random.default_rng(5)
    images = [rng.integers(0, 256, (6, 6, 3), dtype=np.uint8) for _ in range(FRAMES)]
    os.environ["SVT_LOG"] = "-1"
    paths = []
    for name, (codec, pixels, options) in CODECS.items():
        muxer = {"movflags": "frag_keyframe"} if "fragments" in name else {}
        with av.open(folder / name, "w", options=muxer) as container:
            stream: Any = container.add_stream(codec, rate=25, options={**options, "threads": "1"})
            stream.width, stream.height, stream.pix_fmt = SIDE_PX, SIDE_PX, pixels
            stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
            for image in images:
                big = np.kron(image, np.ones((SIDE_PX // 6, SIDE_PX // 6, 1), np.uint8))
                frame = av.VideoFrame.from_ndarray(big, format="bgr24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        paths.append(folder / name)
    turned, tagged = folder / "turned.mp4", folder / "tagged.mov"
    remux(folder / "h264.mp4", turned, cover=True)
    set_matrix(turned, MATRICES["clockwise flipped"])
    samsung = add_user_box(
        remux(folder / "mpeg4.3gp", folder / "samsung.mp4"), make_samsung_box(21, 240)
    )
    tags = {"com.android.capture.fps": "240.000000"}
    remux(folder / "h264.mp4", tagged, metadata=tags, movflags="use_metadata_tags+faststart")
    return [*paths, turned, tagged, samsung]


def mutate(content: bytes, seed: int) -> bytes:
    """Damage a file; the same seed damages it in the same way."""
    rng = random.Random(seed)
    changed = bytearray(content)
    kinds = [_flip, _overwrite, _set_number, _cut, _repeat, _remove]
    structure = _find_structure(bytes(changed))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        changed.extend(bytes(max(0, 2 * 188 - len(changed))))
        if structure is not None and rng.random() < 0.75:
            structure(changed, rng)
        else:
            rng.choice(kinds)(changed, rng)
    return bytes(changed)


def _find_structure(content: bytes) -> Callable[[bytearray, random.Random], None] | None:
    if content[4:8] in (b"ftyp", b"moov"):
        return _damage_box
    if content[:4] == b"\x1a\x45\xdf\xa3":
        return _damage_ebml
    if content[:4] == b"RIFF":
        return _damage_riff
    if content[:1] == b"\x47" and content[188:189] == b"\x47":
        return _damage_packets
    return None


def _flip(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 4, 40))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _overwrite(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content))
    for n in range(start, min(len(content), start + rng.choice((2, 16, 200)))):
        content[n] = rng.choice((0, 255, rng.randrange(256)))


def _set_number(content: bytearray, rng: random.Random, start: int | None = None) -> None:
    if start is None:
        start = rng.randrange(max(1, len(content) - 4))
    order = rng.choice("<>") if content[:4] == b"RIFF" else ">"
    number = rng.choice((*_NUMBERS, rng.randrange(1 << 32)))
    if start + 4 <= len(content):
        content[start : start + 4] = struct.pack(f"{order}I", number)


def _cut(content: bytearray, rng: random.Random) -> None:
    del content[rng.randrange(8, len(content)) :]


def _repeat(content: bytearray, rng: random.Random) -> None:
    start, size = rng.randrange(len(content)), rng.choice((1, 8, 100, 3000))
    content[start:start] = content[start : start + size]


def _remove(content: bytearray, rng: random.Random) -> None:
    start, size = rng.randrange(16, max(17, len(content) - 1)), rng.choice((1, 8, 100, 3000))
    del content[start : start + size]


def _find_boxes(content: bytes, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield the start, end and type of each box of an MP4, those inside of others as well."""
    while start + 8 <= end:
        size, kind = struct.unpack(">I4s", content[start : start + 8])
        stop = min(end, start + size) if size >= 8 else end
        yield start, stop, kind
        if kind in _MP4_PARENTS:
            yield from _find_boxes(content, start + 8, stop)
        elif kind == b"stsd":
            yield from _find_boxes(content, start + 16, stop)
        elif kind in (b"avc1", b"hvc1", b"mp4v", b"av01", b"jpeg", b"apcn"):
            yield from _find_boxes(content, start + 86, stop)
        start = stop


def _damage_box(content: bytearray, rng: random.Random) -> None:
    """Change the size, the type or a number of a box; remove it, or repeat it."""
    boxes = [box for box in _find_boxes(bytes(content), 0, len(content)) if box[2] != b"mdat"]
    if not boxes:
        return
    start, end, kind = rng.choice(boxes)
    what = rng.randrange(10)
    if what == 0:
        _set_number(content, rng, start)
    elif what == 1:
        content[start + 4 : start + 8] = rng.choice(boxes)[2]
    elif what == 2:
        del content[start:end]
    elif what == 3:
        content[start:start] = content[start:end]
    elif kind == b"tkhd" and end - start >= 84:
        _set_matrix(content, rng, start + 48)
    elif kind in _MP4_TABLES and rng.random() < 0.5:
        _set_number(content, rng, start + 12)  # the count of its entries
    elif end - start > 12:
        # Most boxes hold numbers of four bytes behind a version.
        _set_number(content, rng, start + 8 + 4 * rng.randrange((end - start - 8) // 4))


def _set_matrix(content: bytearray, rng: random.Random, start: int) -> None:
    one = 1 << 16
    values = (0, one, -one, 7, -(1 << 31), (1 << 31) - 1, rng.randrange(-one, one))
    content[start : start + 36] = struct.pack(">9i", *(rng.choice(values) for _ in range(9)))


def _damage_ebml(content: bytearray, rng: random.Random) -> None:
    """Change the value or the size of an element that says something of the picture or time."""
    element = rng.choice(_EBML_NUMBERS)
    places = [n for n in range(len(content) - 12) if content.startswith(element, n)][:40]
    if not places:
        return
    start = rng.choice(places) + len(element)
    if rng.random() < 0.3:
        content[start] = rng.choice((0x80, 0x81, 0x84, 0x88, 0x01, 0xFF, rng.randrange(256)))
    else:
        size = min(8, content[start] & 0x7F) or 1
        value = rng.choice((bytes(size), b"\xff" * size, rng.randbytes(size), b"\x01" * size))
        content[start + 1 : start + 1 + size] = value


def _damage_riff(content: bytearray, rng: random.Random) -> None:
    """Change the size or a number of a chunk of an AVI."""
    kinds = (b"RIFF", b"LIST", b"avih", b"strh", b"strf", b"movi", b"idx1", b"00dc", b"vprp")
    kind = rng.choice(kinds)
    places = [n for n in range(len(content) - 12) if content.startswith(kind, n)]
    if places:
        _set_number(content, rng, rng.choice(places) + 4 * rng.choice((1, 1, 2, 3, 5, 7, 8, 10)))


def _damage_packets(content: bytearray, rng: random.Random) -> None:
    """Drop, repeat, exchange or change packets of a transport stream."""
    count = len(content) // 188
    start = 188 * rng.randrange(count)
    what = rng.randrange(4)
    if what == 0:
        del content[start : start + 188 * rng.choice((1, 2, 10))]
    elif what == 1:
        content[start:start] = content[start : start + 188]
    elif what == 2:
        content[start + rng.randrange(1, 20)] = rng.randrange(256)
    else:
        other = 188 * rng.randrange(count)
        one, two = content[start : start + 188], content[other : other + 188]
        content[start : start + 188], content[other : other + 188] = two, one


def read_frames(source: Path | io.BytesIO) -> list[tuple[Any, ...]] | str:
    """Read a video as tracking does; return each frame's index, time and pixels, or the error."""
    import numpy as np

    from tracker.face.sampling import sample
    from tracker.video.container import InputError
    from tracker.video.frames import Video
    from tracker.video.times import compute_slowed_down, repair_times

    frames: list[tuple[Any, ...]] = []
    try:
        with Video(source) as video:
            assert np.isfinite([video.info.fps, video.capture_fps, video.expected_frames]).all()
            scale = max(video.info.width, video.info.height) / 48
            matrix = np.array([[scale, 0.1, -3.0], [0.1, scale, -3.0]])
            seen = np.empty((48, 48, 3), np.float32)
            for frame in video.frames():
                for reduction in (1, 4):
                    sample(frame.pixels, matrix, seen, reduction=reduction)
                    assert np.isfinite(seen).all()
                if frame.index % 7 == 0:
                    assert frame.image.shape == (video.info.height, video.info.width, 3)
                frames.append((frame.index, frame.stream_time_s, float(seen.sum())))
    except InputError as error:
        return type(error).__name__
    index = np.array([frame[0] for frame in frames])
    times_s, _ = repair_times(np.array([frame[1] for frame in frames]), index, video.info.fps)
    assert np.isfinite(times_s).all()
    assert (np.diff(times_s) > 0).all()
    slowed_down = compute_slowed_down(times_s, index, video.capture_fps)
    assert slowed_down > 0
    return [*frames, (video.frames_failed, video.whole)]


def read_batch(folder: Path, first: int, last: int) -> None:
    """Read mutated files, each as a file and as a stream, and print what became of each."""
    seeds = sorted(path for path in folder.iterdir() if path.name != "mutated")
    path = folder / "mutated"
    for seed in range(first, last):
        print(f"{seed} started", flush=True)
        signal.setitimer(signal.ITIMER_PROF, MAX_CPU_S)
        original = seeds[seed % len(seeds)]
        content = mutate(original.read_bytes(), seed)
        path.write_bytes(content)
        by_path, by_stream = read_frames(path), read_frames(io.BytesIO(content))
        assert by_path == by_stream, f"{by_path} from the file, {by_stream} from the stream"
        print(f"{seed} {by_path if isinstance(by_path, str) else 'read'}", flush=True)


@dataclass
class Campaign:
    """What became of mutated files: how many of each outcome, and the failures by their seed."""

    outcomes: collections.Counter[str]
    failures: dict[int, str]


def run_campaign(first: int, last: int, folder: Path) -> Campaign:
    """Read the mutated files of these seeds in processes of their own.

    Parameters
    ----------
    first, last : int
        The seeds, `last` not included.
    folder : Path
        An empty folder for the files.
    """
    write_seeds(folder)
    campaign = Campaign(collections.Counter(), {})
    while first < last:
        stop = min(last, first + BATCH)
        first = _run_batch(folder, first, stop, campaign)
    return campaign


def _run_batch(folder: Path, first: int, stop: int, campaign: Campaign) -> int:
    """Run a batch until its end or its first failure; return the seed that comes next."""
    environment = {**os.environ, **CHECKED_HEAP, "PYTHONFAULTHANDLER": "1"}
    if any(Path(place).glob(f"*/{CHECKING_LIBRARY}") for place in ("/lib", "/usr/lib")):
        environment["LD_PRELOAD"] = CHECKING_LIBRARY
    command = [sys.executable, "-m", "tests.fuzz", "--batch", str(folder), str(first), str(stop)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    last = first
    for line in ended.stdout.splitlines():
        seed, _, outcome = line.partition(" ")
        last = int(seed)
        if outcome != "started":
            campaign.outcomes[outcome] += 1
    if ended.returncode == 0:
        return stop
    campaign.outcomes["FAILED"] += 1
    why = f"exit {ended.returncode}: {' | '.join(ended.stderr.strip().splitlines()[-6:])}"
    campaign.failures[last] = why
    return last + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write this seed's file there")
    parser.add_argument("--batch", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.batch:
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        folder, first, last = options.batch
        read_batch(Path(folder), int(first), int(last))
        return
    with tempfile.TemporaryDirectory() as made:
        if options.keep:
            seeds = sorted(write_seeds(Path(made)))
            original = seeds[options.first % len(seeds)]
            options.keep.mkdir(parents=True, exist_ok=True)
            kept = options.keep / f"{options.first}_{original.name}"
            kept.write_bytes(mutate(original.read_bytes(), options.first))
            return
        campaign = run_campaign(options.first, options.first + options.files, Path(made))
    print(dict(campaign.outcomes))
    for seed, why in list(campaign.failures.items())[:MOST_SHOWN]:
        print(f"seed {seed}: {why}")
    sys.exit(bool(campaign.failures))


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
