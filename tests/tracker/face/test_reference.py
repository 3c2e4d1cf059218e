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
WITHOUT_FACE = ("hard/no_face.mp4", "field/cover_before_video.mp4")
UPSIDE_DOWN = "field/mirrored_matrix.mp4"
"""As long as flips are not applied: the landmarks of no face that either model knows."""

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the recordings are not at {DATA}")


def clips() -> list[str]:
    videos = (path for path in DATA.rglob("*") if path.suffix in (".mp4", ".mov", ".webm", ".avi"))
    names = (str(path.relative_to(DATA)) for path in videos)
    return sorted(name for name in names if name != UPSIDE_DOWN)


def convert_exactly(picture: LazyImage) -> Image:
    """Convert a whole picture; FFmpeg's own converter is fast, and 1 to 1.5 grey levels dark."""
    planes = picture.planes()
    assert planes is not None
    rgb = np.empty(picture.shape, np.float32)
    sample_planes(planes, picture.to_stored, rgb, 0, 255)
    return np.ascontiguousarray(np.rint(rgb[..., ::-1]).astype(np.uint8))


@pytest.fixture(scope="module")
def meshes() -> tuple[FaceMesh, MediaPipeMesh]:
    require_mediapipe()
    return FaceMesh(), MediaPipeMesh()


@pytest.mark.parametrize("name", clips())
def test_landmarks_are_mediapipes(name: str, meshes: tuple[FaceMesh, MediaPipeMesh]) -> None:
    mesh, reference = meshes
    region: Region | None = None
    from_picture: list[NDArray[np.float32]] = []
    from_planes: list[NDArray[np.float32]] = []
    with Video(DATA / name) as video:
        for frame in video.frames(step=EVERY):
            if len(from_planes) == FRAMES:
                break
            image = convert_exactly(frame.pixels)
            if region is None:
                region = next(iter(mesh.detect(frame.pixels)), None)
            expected = None if region is None else reference.find_landmarks(image, region)
            if region is None or expected is None:
                region = None
                continue
            for points, differences in (
                (find_from_mediapipes_picture(mesh, image, region), from_picture),
                (mesh.find_landmarks(frame.pixels, region), from_planes),
            ):
                assert points is not None
                difference_px = np.linalg.norm(points - expected, axis=1)[REFINED]
                differences.append(difference_px * SIDE_PX / region.side_px)
            region = region_of(expected)
    if not from_planes:
        assert name in WITHOUT_FACE
        return
    print(
        f"{name}: from the same picture at most {np.max(from_picture):.4f} px, from the planes "
        f"{np.mean(from_planes):.4f} in the mean, at most {np.max(from_planes):.4f}"
    )
    assert np.max(from_picture) < 0.05
    # MediaPipe rounds the image and then the region to 8 bits. In small faces that alone moves its
    # landmarks by 0.03 to 0.05 px, and by up to 0.56 in a single frame: as far as between two ways
    # of converting the image. In larger faces it is 0.02.
    assert np.mean(from_planes) < 0.05
    assert np.percentile(from_planes, 99.5) < 0.35
    assert np.max(from_planes) < 0.6
