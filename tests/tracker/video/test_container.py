"""What is no video is refused, with a message that says what to do."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.tracker.video.test_frames import (
    HEIGHT,
    WIDTH,
    draw_index,
    regular,
    write_counting_clip,
)
from tracker.video.container import InputNotFoundError, VideoOpenError
from tracker.video.frames import Video


def write_audio(path: Path, codec: str) -> Path:
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=44_100, layout="mono")
        for n in range(20):
            samples = np.zeros((1, 1024), dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate = 44_100
            frame.pts = n * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def make_bad_input(kind: str, tmp_path: Path) -> Path:
    path = tmp_path / f"{kind}.mp4"
    if kind == "missing":
        return path
    if kind == "directory":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "random":
        path.write_bytes(np.random.default_rng(1).bytes(100_000))
    elif kind == "text":
        path.write_text("not a video\n" * 100)
    elif kind == "playlist":
        path.write_text("#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n")
    elif kind == "concat script":
        path.write_text("ffconcat version 1.0\nfile /etc/passwd\n")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "mp3":
        return write_audio(tmp_path / "sound.mp3", "mp3")
    elif kind == "sound only":
        return write_audio(tmp_path / "sound.m4a", "aac")
    elif kind == "still image":
        cv2.imwrite(str(tmp_path / "picture.jpg"), draw_index(1))
        (tmp_path / "picture.jpg").rename(path)
    else:
        write_counting_clip(path, regular(60))
        content = path.read_bytes()
        if kind == "truncated":  # the index stands at the end
            path.write_bytes(content[: len(content) // 2])
        elif kind == "header only":
            path.write_bytes(content[:24])
        elif kind == "no frames":
            media = content.index(b"mdat")
            size = int.from_bytes(content[media - 4 : media], "big")
            path.write_bytes(content[: media + 4] + bytes(size - 8) + content[media + size - 4 :])
        elif kind == "absurd dimensions":
            entry = content.index(b"avc1", content.index(b"stsd")) + 4 + 24
            huge = struct.pack(">HH", 65_000, 65_000)
            header = content.index(b"tkhd") + 4 + 76
            size = struct.pack(">II", 65_000 << 16, 65_000 << 16)
            changed = bytearray(content)
            changed[entry : entry + 4] = huge
            changed[header : header + 8] = size
            path.write_bytes(changed)
        else:
            raise AssertionError(kind)
    return path


@pytest.mark.parametrize(
    ("kind", "error", "remedy"),
    [
        ("missing", InputNotFoundError, "Check the path"),
        ("directory", InputNotFoundError, "Name the files"),
        ("fifo", InputNotFoundError, "Copy it to one first"),
        ("empty", VideoOpenError, "Copy it from the phone again"),
        ("random", VideoOpenError, "not a video file"),
        ("text", VideoOpenError, "not a video file"),
        ("playlist", VideoOpenError, "not a video file"),
        ("concat script", VideoOpenError, "not a video file"),
        ("mp3", VideoOpenError, "not a video file"),
        ("sound only", VideoOpenError, "sound only"),
        ("still image", VideoOpenError, "eye-tracker image"),
        ("truncated", VideoOpenError, "Copy it from the phone again"),
        ("header only", VideoOpenError, "Copy it from the phone again"),
        ("no frames", VideoOpenError, "Copy it from the phone again"),
    ],
)
def test_what_is_no_video_is_refused_with_a_remedy(
    tmp_path: Path, kind: str, error: type[Exception], remedy: str
) -> None:
    path = make_bad_input(kind, tmp_path)
    with pytest.raises(error, match=remedy) as caught, Video(path) as video:
        list(video.frames())
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_lie_about_the_dimensions_takes_no_memory(tmp_path: Path) -> None:
    """65,000 x 65,000 pixels would be 12 GB; what is decoded is what the frames really hold."""
    path = make_bad_input("absurd dimensions", tmp_path)
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from tracker.video.container import InputError\n"
        "from tracker.video.frames import Video\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "try:\n"
        "    with Video(Path(sys.argv[1])) as video:\n"
        "        print(max(frame.image.nbytes for frame in video.frames()))\n"
        "except InputError as error:\n"
        "    print('refused', error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("refused") or int(result.stdout) == WIDTH * HEIGHT * 3
