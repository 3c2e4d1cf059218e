"""The same parts from the planes and from converted pixels, of each turn and format."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.sampling import Planes
from tracker.face.region import Region
from tracker.face.sampling import average_planes, bounds, join_affine, sample
from tracker.video.frames import Video
from tracker.video.pixels import LazyImage

SIZE = (322, 180)
"""Width and height."""


def draw(size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Return a smooth picture, red, green and blue, with nothing alike in two places."""
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    picture = np.stack([x, (np.sin(6 * x * y) + 1) / 2, 1 - y], axis=-1)
    return np.rint(40 + 170 * picture).astype(np.uint8)


def write(path: Path, pixels: str, rotation_deg: int = 0) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1" if path.suffix == ".mkv" else "libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = *SIZE, pixels
        if path.suffix != ".mkv":
            stream.options = {"qp": "0"}
        frame = av.VideoFrame.from_ndarray(draw(), format="rgb24")
        for _ in range(2):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if rotation_deg:
        turn(path, rotation_deg)


def turn(path: Path, rotation_deg: int) -> None:
    """Put the display matrix of a rotation into an MP4's track header."""
    content = bytearray(path.read_bytes())
    start = content.index(b"tkhd") + 4 + 40
    one = 1 << 16
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[rotation_deg]
    matrix = np.array([cos * one, sin * one, 0, -sin * one, cos * one, 0, 0, 0, 1 << 30], ">i4")
    content[start : start + 36] = matrix.tobytes()
    path.write_bytes(content)


def both_ways(picture: LazyImage, region: Region) -> tuple[NDArray, NDArray]:
    """Return a region from the planes, and from the pixels that FFmpeg converts."""
    assert picture.planes() is not None
    results = np.empty((2, 64, 64, 3), np.float32)
    sample(picture, region.affine(64), results[0], high=255)
    sample(np.asarray(picture), region.affine(64), results[1], high=255)
    return results[0], results[1]


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_turned_videos(tmp_path: Path, rotation_deg: int) -> None:
    path = tmp_path / "clip.mp4"
    write(path, "yuv420p", rotation_deg)
    drawn = np.ascontiguousarray(draw()[..., ::-1])
    turns = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    upright = cv2.rotate(drawn, turns[rotation_deg]) if rotation_deg else drawn
    with Video(path) as video:
        picture = next(video.frames()).pixels
        assert picture.shape == upright.shape
        for region in (Region(95, 85, 60, 0.0), Region(70, 100, 90, 0.7), Region(20, 170, 120, 2)):
            planes, pixels = both_ways(picture, region)
            np.testing.assert_allclose(planes, pixels, atol=5)
            expected = np.empty_like(planes)
            sample(upright, region.affine(64), expected, high=255)
            np.testing.assert_allclose(planes, expected, atol=5)


@pytest.mark.parametrize(
    "pixels", ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le"]
)
def test_formats(tmp_path: Path, pixels: str) -> None:
    # FFV1 knows no full range.
    path = tmp_path / ("clip.mp4" if pixels == "yuvj420p" else "clip.mkv")
    write(path, pixels)
    with Video(path) as video:
        planes, converted = both_ways(next(video.frames()).pixels, Region(150, 85, 120, 0.3))
        np.testing.assert_allclose(planes, converted, atol=4)


def test_what_is_not_planar_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    write(path, "bgr0")
    out = np.empty((64, 64, 3), np.float32)
    region = Region(150, 85, 120, 0.3)
    with Video(path) as video:
        picture = next(video.frames()).pixels
        assert picture.planes() is None
        sample(picture, region.affine(64), out, high=255)
    expected = np.empty_like(out)
    sample(np.ascontiguousarray(draw()[..., ::-1]), region.affine(64), expected, high=255)
    np.testing.assert_allclose(out, expected, atol=1)


def test_planes_are_the_decoders_until_the_picture_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write(path, "yuv420p")
    with Video(path) as video:
        picture = next(video.frames()).pixels
        picture.release()
        with pytest.raises(ValueError, match="released"):
            picture.planes()


@pytest.mark.parametrize("from_planes", [False, True])
@pytest.mark.parametrize("reduction", [2, 3, 5])
def test_what_is_made_smaller_is_averaged(
    tmp_path: Path, from_planes: bool, reduction: int
) -> None:
    """Each pixel of a part, as large as so many, is their mean."""
    path = tmp_path / "clip.mkv"
    write(path, "yuv444p")
    left, top = 12 * reduction, 6 * reduction
    matrix = np.array([[reduction, 0, left], [0, reduction, top]], float)
    matrix[:, 2] += (reduction - 1) / 2
    out = np.empty((20, 24, 3), np.float32)
    with Video(path) as video:
        picture = next(video.frames()).pixels
        pixels = np.asarray(picture)
        sample(picture if from_planes else pixels, matrix, out, high=255, reduction=reduction)
        part = pixels[top : top + 20 * reduction, left : left + 24 * reduction, ::-1]
    blocks = part.reshape(20, reduction, 24, reduction, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(out, blocks, atol=3 if from_planes else 0.51)


@pytest.mark.parametrize("shift", [0, 1])
def test_averaging_leaves_out_what_is_not_whole(shift: int) -> None:
    luma = np.arange(23 * 40, dtype=np.uint16)
    chroma = np.zeros((23 * 40), np.uint16)
    planes = Planes(luma, chroma, chroma, 40, 40, 37, 23, shift, shift, 10)
    reduced = average_planes(planes, (0, 0, 37, 23), 5, 5)
    assert reduced.width in (6, 7)
    assert reduced.height == 4
    block = luma.reshape(23, 40)[5:10, 10:15]
    assert reduced.luma[reduced.stride + 2] == round(block.mean())


def test_a_picture_ends_where_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write(path, "yuv420p")
    out = np.empty((8, 12, 3), np.float32)
    with Video(path) as video:
        picture = next(video.frames()).pixels
        for source in (picture, np.asarray(picture)):
            # The last four columns lie outside; up to three before do not fill an averaged pixel.
            matrix = np.array([[1.0, 0, SIZE[0] - 8], [0, 1, 50]])
            for reduction in (1, 2):
                sample(source, matrix, out, outside=-1, reduction=reduction)
                assert (out[:, 8:] == -1).all()
                assert (out[:, : 8 if reduction == 1 else 5] > 0).all()


def test_affine_maps() -> None:
    first = np.array([[0.0, -2, 5], [2, 0, 1]])
    second = np.array([[1.0, 0.5, 0], [0, -1, 3]])
    point = np.array([3.0, 4, 1])
    joined = join_affine(second, first)
    np.testing.assert_allclose(joined @ point, second @ [*(first @ point), 1])
    assert bounds(first, 10, 4) == (-3, 1, 5, 21)
