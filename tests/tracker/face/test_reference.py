"""Every real clip: our landmarks beside those of MediaPipe's own graph, frame by frame."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.sampling import sample_planes
from tests.mediapipe_graphs import (
    REFINED,
    MediaPipeMesh,
    find_from_mediapipes_picture,
    require_mediapipe,
)
from tracker.face.mesh import SIDE_PX, FaceMesh
from tracker.face.region import Region, region_of
from tracker.video.frames import Image, Video
from tracker.video.pixels import LazyImage

DATA = Path(__file__).parents[4] / "shared" / "data"
FRAMES, EVERY = 16, 7
ROUNDINGS = 8
WITHOUT_FACE = ("hard/no_face.mp4", "field/cover_before_video.mp4")
STRETCHED = ("field/pixels_1_2.mp4", "field/pixels_64_45.mp4")
"""Pixels that are not square: MediaPipe's picture is interpolated twice, to square ones first."""

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the recordings are not at {DATA}")


def clips() -> list[str]:
    videos = (path for path in DATA.rglob("*") if path.suffix in (".mp4", ".mov", ".webm", ".avi"))
    names = (str(path.relative_to(DATA)) for path in videos)
    return sorted(name for name in names if name not in STRETCHED)


def convert_exactly(picture: LazyImage) -> NDArray[np.float32]:
    """Convert a whole picture to blue, green and red, 0 to 255, without rounding it.

    FFmpeg's own converter truncates: it is 1 to 1.5 grey levels dark.
    """
    planes = picture.planes()
    assert planes is not None
    rgb = np.empty(picture.shape, np.float32)
    sample_planes(planes, picture.to_stored, rgb, 0, 255)
    return np.ascontiguousarray(rgb[..., ::-1])


def find_without_rounding(
    reference: MediaPipeMesh, exact: NDArray[np.float32], region: Region, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return MediaPipe's landmarks as the mean over pictures that are rounded by chance.

    Its graph takes 8 bits, and makes a picture of 8 bits of the region. That alone moves its
    landmarks, by as much as 0.05 px in the mean. Each picture here is rounded up or down with the
    probability that makes it right in the mean, so that what rounding does is averaged out.
    """
    reach = region.side_px
    rows = slice(max(0, int(region.centre_y - reach)), int(region.centre_y + reach) + 1)
    columns = slice(max(0, int(region.centre_x - reach)), int(region.centre_x + reach) + 1)
    part = exact[rows, columns]
    image = np.zeros(exact.shape, np.uint8)
    found = []
    for _ in range(ROUNDINGS):
        image[rows, columns] = part + rng.random(part.shape, np.float32)
        points = reference.find_landmarks(image, region)
        assert points is not None
        found.append(points)
    mean: NDArray[np.float64] = np.mean(found, axis=0, dtype=np.float64)
    return mean


@pytest.fixture(scope="module")
def meshes() -> tuple[FaceMesh, MediaPipeMesh]:
    require_mediapipe()
    return FaceMesh(), MediaPipeMesh()


@pytest.mark.slow
@pytest.mark.parametrize("name", clips())
def test_landmarks_are_mediapipes(name: str, meshes: tuple[FaceMesh, MediaPipeMesh]) -> None:
    mesh, reference = meshes
    rng = np.random.default_rng(0)
    region: Region | None = None
    pixels: list[NDArray[np.float64]] = []
    planes: list[NDArray[np.float64]] = []
    rounded: list[NDArray[np.float64]] = []
    with Video(DATA / name) as video:
        for frame in video.frames(step=EVERY):
            if len(planes) == FRAMES:
                break
            exact = convert_exactly(frame.pixels)
            image: Image = np.rint(exact).astype(np.uint8)
            if region is None:
                region = next(iter(mesh.detect(frame.pixels)), None)
            given = None if region is None else reference.find_landmarks(image, region)
            if region is None or given is None:
                region = None
                continue
            same = find_from_mediapipes_picture(mesh, image, region)
            ours = mesh.find_landmarks(frame.pixels, region)
            assert same is not None
            assert ours is not None
            expected = find_without_rounding(reference, exact, region, rng)
            for one, other, differences in (
                (same, given, pixels), (ours, expected, planes), (given, expected, rounded),
            ):  # fmt: skip
                difference_px = np.linalg.norm(one - other, axis=1)[REFINED]
                differences.append(difference_px * SIDE_PX / region.side_px)
            region = region_of(given)
    if not planes:
        assert name in WITHOUT_FACE
        return
    print(
        f"{name}: from the same pixels at most {np.max(pixels):.4f} px, from the planes "
        f"{np.mean(planes):.4f} in the mean, at most {np.max(planes):.4f}; "
        f"by MediaPipe's rounding {np.mean(rounded):.4f}, at most {np.max(rounded):.4f}"
    )
    assert np.max(pixels) < 0.05
    assert np.mean(planes) < 0.03
    assert np.max(planes) < 0.35
