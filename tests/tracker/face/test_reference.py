"""Every real clip: our landmarks beside those of MediaPipe's own graph, frame by frame."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.sampling import sample_planes
from tests.lengths import LONG, thin
from tests.mediapipe_graphs import (
    REFINED,
    MediaPipeMesh,
    find_from_mediapipes_picture,
    require_mediapipe,
)
from tracker.face.mesh import SIDE_PX, FaceMesh
from tracker.face.region import Region, region_of
from tracker.measures.analysis import analyze_track
from tracker.parameters import Parameters
from tracker.tracks.track import track_video
from tracker.video.frames import Image, Video
from tracker.video.pixels import LazyImage

DATA = Path(__file__).parents[4] / "shared" / "data"
FRAMES, EVERY = 16 if LONG else 4, 7
ROUNDINGS = 8
WITHOUT_FACE = ("hard/no_face.mp4", "field/cover_before_video.mp4")
STRETCHED = ("field/pixels_1_2.mp4", "field/pixels_64_45.mp4")
"""Pixels that are not square: we interpolate the stored ones, once. MediaPipe's graph is given
square ones, and interpolates a second time, which blurs. It is given them `ZOOM` times as large, so
that the second time changes little."""
ZOOM = 2

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the recordings are not at {DATA}")


def clips() -> list[str]:
    """Return the names of the clips; in the short form, one in ten of each folder."""
    videos = (path for path in DATA.rglob("*") if path.suffix in (".mp4", ".mov", ".webm", ".avi"))
    names = sorted(str(path.relative_to(DATA)) for path in videos)
    folders = itertools.groupby(names, lambda name: name.rpartition("/")[0])
    return [name for _, folder in folders for name in thin([*folder], 10)]


@dataclass(frozen=True)
class Part:
    """A part of a picture, drawn `zoom` times as large without rounding its pixels.

    FFmpeg's own converter truncates: it is 1 to 1.5 grey levels dark.
    """

    exact: NDArray[np.float32]
    """Blue, green and red, 0 to 255."""
    region: Region
    """The region of the face, in pixels of the part."""
    left: int
    top: int
    zoom: int

    def place(self, points: NDArray[Any]) -> NDArray[np.float32]:
        """Take points of the part to the picture."""
        placed: NDArray[np.float32] = (points / self.zoom + (self.left, self.top)).astype("f4")
        return placed


def draw_exactly(picture: LazyImage, region: Region, zoom: int = 1) -> Part:
    """Draw the part of a picture that holds a region, and all that MediaPipe's graph reads."""
    planes = picture.planes()
    assert planes is not None
    height, width = picture.shape[:2]
    # Half of a square's diagonal is 0.71 of its side; the graph reads two pixels more.
    reach = 0.72 * region.side_px + 3
    left, top = max(0, int(region.centre_x - reach)), max(0, int(region.centre_y - reach))
    right = min(width, int(region.centre_x + reach) + 1)
    bottom = min(height, int(region.centre_y + reach) + 1)
    to_stored = picture.to_stored.copy()
    to_stored[:, 2] += to_stored[:, :2] @ (left, top)
    to_stored[:, :2] /= zoom
    rgb = np.empty(((bottom - top) * zoom, (right - left) * zoom, 3), np.float32)
    sample_planes(planes, to_stored, rgb, 0, 255)
    in_part = Region(
        (region.centre_x - left) * zoom, (region.centre_y - top) * zoom,
        region.side_px * zoom, region.rotation_rad,
    )  # fmt: skip
    return Part(np.ascontiguousarray(rgb[..., ::-1]), in_part, left, top, zoom)


def find_without_rounding(
    reference: MediaPipeMesh, part: Part, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return MediaPipe's landmarks as the mean over pictures that are rounded by chance.

    Its graph takes 8 bits, and makes a picture of 8 bits of the region. That alone moves its
    landmarks, by as much as 0.05 px in the mean. Each picture here is rounded up or down with the
    probability that makes it right in the mean, so that what rounding does is averaged out.
    """
    found = []
    for _ in range(ROUNDINGS):
        shares = rng.integers(0, 256, part.exact.shape, np.uint8) / np.float32(256)
        image = (part.exact + shares).astype(np.uint8)
        points = reference.find_landmarks(image, part.region)
        assert points is not None
        found.append(points)
    mean: NDArray[np.float64] = np.mean(found, axis=0, dtype=np.float64)
    return mean


class ExactGraph:
    """MediaPipe's graph on accurately converted pixels, rounded to 8 bits."""

    def __init__(self, graph: MediaPipeMesh) -> None:
        self._graph = graph

    def detect(self, picture: LazyImage) -> list[Region]:
        height, width = picture.shape[:2]
        whole = draw_exactly(picture, Region(width / 2, height / 2, 2 * max(width, height), 0.0))
        return self._graph.detect(np.rint(whole.exact).astype(np.uint8))

    def find_landmarks(self, picture: LazyImage, region: Region) -> NDArray[np.float32] | None:
        part = draw_exactly(picture, region)
        image: Image = np.rint(part.exact).astype(np.uint8)
        points = self._graph.find_landmarks(image, part.region)
        return None if points is None else part.place(points)


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
    names = ("from the same pixels", "from the planes", "from them, MediaPipe rounded", "rounding")
    differences: dict[str, list[NDArray[np.float64]]] = {one: [] for one in names}
    frames = 0
    with Video(DATA / name) as video:
        for frame in video.frames(step=EVERY):
            if frames == FRAMES:
                break
            if region is None:
                region = next(iter(mesh.detect(frame.pixels)), None)
            if region is None:
                continue
            part = draw_exactly(frame.pixels, region, ZOOM if name in STRETCHED else 1)
            image: Image = np.rint(part.exact).astype(np.uint8)
            given = reference.find_landmarks(image, part.region)
            if given is None:
                region = None
                continue
            same = find_from_mediapipes_picture(mesh, image, part.region)
            ours = mesh.find_landmarks(frame.pixels, region)
            assert same is not None
            assert ours is not None
            expected = find_without_rounding(reference, part, rng)
            same, given, expected = (part.place(one) for one in (same, given, expected))
            pairs = ((same, given), (ours, expected), (ours, given), (given, expected))
            for kind, (one, other) in zip(names, pairs, strict=True):
                difference_px = np.linalg.norm(one - other, axis=1)[REFINED]
                differences[kind].append(difference_px * SIDE_PX / region.side_px)
            region = region_of(given)
            frames += 1
    if not frames:
        assert name in WITHOUT_FACE
        return
    mean = {kind: float(np.mean(values)) for kind, values in differences.items()}
    most = {kind: float(np.max(values)) for kind, values in differences.items()}
    print(f"{name}: " + ", ".join(f"{one} {mean[one]:.4f} (most {most[one]:.4f})" for one in names))
    assert most["from the same pixels"] < 0.05
    assert mean["from the planes"] < 0.03
    assert most["from the planes"] < 0.35
    # To the graph as it is, which takes a picture of 8 bits, its own rounding is added.
    assert mean["from them, MediaPipe rounded"] < 0.05
    assert most["from them, MediaPipe rounded"] < 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *(name for name in clips() if name.startswith("people/")),
        pytest.param("gaze/up_down.mp4", marks=pytest.mark.long),
        *[name for name in clips() if name.startswith("zju/")][2::4],
        pytest.param("field/mirrored_pixels.mp4", marks=pytest.mark.long),
    ],
)
def test_measures_are_those_of_mediapipes_landmarks(
    name: str, meshes: tuple[FaceMesh, MediaPipeMesh]
) -> None:
    """Where MediaPipe's graph is given accurate pixels.

    In all 76 recordings: the same number of closures, 295 of 333 of them on the same frames and
    322 within one. Where an end moves by more, the lids stay at the level that ends a closure.
    """
    mesh, graph = meshes
    ours, expected = (
        analyze_track(track_video(DATA / name, finder, 1, 1000, decode_ahead=False), Parameters())
        for finder in (mesh, ExactGraph(graph))
    )
    ranges = np.array([one.measures.vertical_peak_to_peak for one in (ours, expected)])
    gains = np.array([one.gaze.framing_gain for one in (ours, expected)])
    closures = [one.events.closures.interval for one in (ours, expected)]
    print(f"{name}: ranges {ranges}, gains {gains}, closures {[one.tolist() for one in closures]}")
    assert abs(np.subtract(*(ranges / gains))) < 0.002
    # With the eyes at rest, a gain is not known better than that, and neither is the range.
    assert abs(np.subtract(*gains)) < 2 * expected.gaze.framing_gain_std
    assert closures[0].shape == closures[1].shape
    # However far an end moves, the lids' opening is the same: it is next to its threshold.
    opening = ours.events.ratio - expected.events.ratio
    for edges in np.stack(closures, axis=-1).reshape(-1, 2):
        between = opening[edges.min() : edges.max()]
        assert between.size <= 3 or np.abs(between).max() < 0.03
