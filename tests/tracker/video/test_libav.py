"""FFmpeg's libraries: those of PyAV's wheel, which macOS and Windows use, decode like OpenCV's."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lengths import LONG
from tests.tracker.video.test_ffmpeg import turn, write_noise
from tests.tracker.video.test_frames import regular, write_counting_clip
from tracker.video import libav

DATA = Path(__file__).parents[4] / "shared" / "data"
FRAMES = 60 if LONG else 12
"""How many frames of each real recording are compared."""

READ = """
import hashlib, json, sys
from dataclasses import asdict
from pathlib import Path

from tracker.video import libav

package, most, *paths = sys.argv[1:]
libav.WHEELS = tuple(wheel for wheel in libav.WHEELS if wheel[0] == package)
from tracker.video.container import InputError
from tracker.video.frames import Video

def rows(plane, stride, width, height):
    # Yield the pixels without the padding after each row, which is not set.
    for row in range(height):
        yield plane[row * stride : row * stride + width].tobytes()

def describe(frame):
    planes = frame.pixels.planes()
    digest = hashlib.sha256(frame.pixels[3:40, 5:31].tobytes())
    stored = []
    if planes is not None:
        width, height = planes.width, planes.height
        stored = [width, height, planes.shift_x, planes.shift_y, planes.bits, planes.matrix,
                  planes.full_range]
        parts = [(planes.luma, planes.stride, width, height)]
        width, height = -(-width >> planes.shift_x), -(-height >> planes.shift_y)
        parts += [(one, planes.chroma_stride, width, height) for one in (planes.blue, planes.red)]
        for part in parts:
            for row in rows(*part):
                digest.update(row)
    if frame.index % 20 == 0:
        digest.update(frame.image.tobytes())
    return [frame.index, frame.stream_time_s, frame.pixels.shape,
            frame.pixels.to_stored.tolist(), stored, digest.hexdigest()]

def read(path):
    try:
        with Video(Path(path)) as video:
            frames = []
            for frame in video.frames():
                frames.append(describe(frame))
                if len(frames) == int(most):
                    break
            return [asdict(video.info), video.frames_decoded, video.frames_failed, frames]
    except InputError as error:
        return [error.code, str(error)]

libraries = libav.load_libraries()
print(json.dumps({
    "files": [str(path) for path in libav.find_libraries().values()],
    "versions": {name: library[f"{name}_version"]() >> 16 for name, library in libraries.items()},
    "videos": [read(path) for path in paths],
}))
"""


def read_with(package: str, paths: list[Path], most: int = 10_000) -> dict[str, Any]:
    """Read videos with the libraries of one wheel, in a process of its own."""
    command = [sys.executable, "-c", READ, package, str(most), *map(str, paths)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    read: dict[str, Any] = json.loads(answer.stdout)
    assert all(f"/{package}" in path.replace("opencv_python", "cv2") for path in read["files"])
    assert read["versions"] == libav.MAJOR_VERSIONS
    return read


def assert_same(paths: list[Path], most: int = 10_000) -> list[Any]:
    """Compare what both wheels' libraries read; return it."""
    opencv, pyav = (read_with(package, paths, most)["videos"] for package in ("cv2", "av"))
    for path, expected, measured in zip(paths, opencv, pyav, strict=True):
        assert measured == expected, path.name
    return pyav


@pytest.mark.slow
def test_pyav_decodes_to_the_same_bytes_and_times(tmp_path: Path) -> None:
    """Codecs, 10 bits, RGB, rotations, a variable rate, damage, and a file that is no video."""
    paths = [
        write_noise(tmp_path / f"{codec}_{pixels}.mkv", width, height, codec, pixels)
        for width, height, codec, pixels in (
            (640, 360, "libx264", "yuv420p"),
            (480, 272, "libx264", "yuv422p"),
            (480, 272, "libx265", "yuv420p10le"),
            (331, 243, "libvpx-vp9", "yuv420p"),
            (426, 240, "libsvtav1", "yuv420p"),
            (322, 242, "mpeg4", "yuv420p"),
            (320, 240, "libx264rgb", "rgb24"),
        )
    ]
    for degrees in (90, 180, 270):
        path = tmp_path / f"turned_{degrees}.mp4"
        turn(write_noise(path, 330, 242), degrees, 330, 242)
        paths.append(path)
    uneven = [0.0, 0.03, 0.07, 0.2, 0.21, 0.5, 0.54, 0.9]
    paths.append(write_counting_clip(tmp_path / "uneven.mp4", uneven, bf="2"))
    whole = write_counting_clip(tmp_path / "whole.mp4", regular(60), bf="2").read_bytes()
    damaged = bytearray(whole)
    middle = len(whole) // 2
    damaged[middle : middle + 400] = bytes(400)
    for name, content in (("damaged", damaged), ("cut", whole[: -len(whole) // 3]), ("no", b"x")):
        paths.append(tmp_path / f"{name}.mp4")
        paths[-1].write_bytes(content)

    *videos, cut, no_video = assert_same(paths)
    assert [len(video[3]) for video in videos[:-1]] == [4] * 10 + [8]
    assert [frame[1] for frame in videos[10][3]] == pytest.approx(uneven, abs=1e-3)
    assert len(videos[11][3]) > 40
    assert len(cut) in (2, 4)
    assert no_video[0] == "undecodable"


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")
def test_pyav_reads_real_recordings_like_opencv() -> None:
    paths = sorted(
        path
        for folder in ("formats", "field", "blinks")
        for path in (DATA / folder).glob("*.*")
        if path.suffix in {".mp4", ".mov", ".webm", ".avi"}
    )
    read = assert_same(paths, most=FRAMES)
    assert sum(len(video) == 4 and len(video[3]) == FRAMES for video in read) > 15


def test_without_the_pinned_wheels_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(libav, "WHEELS", (("cv2", "no/{}{}"), ("no_such_package", "no/{}{}")))
    with pytest.raises(RuntimeError, match=r'pip install "opencv-python-headless==4\.14\.\*"'):
        libav.find_libraries()
