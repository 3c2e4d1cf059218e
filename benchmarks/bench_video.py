"""Time the way from the video to the track, beside a floor and beside a straightforward loop.

The **floor** of a frame is the time of two steps. libavcodec decodes the frame on one thread,
without converting it. FaceMesh, as MediaPipe offers it (``mediapipe.solutions.FaceMesh``), finds
the landmarks in a picture of the face `CROP_PX` wide. The floor includes opening the file. The
**lower floor** runs the models of `tracker.face.mesh` alone instead, after all frames were decoded.
They then stay in the processor's cache, which no program can do that looks at each frame, and
nothing is sampled from the frames. Its bound is wide: how far decoder and models displace each
other depends on the processor's cache, and on what else runs on the machine.

The **straightforward loop** reads and converts every frame with ``cv2.VideoCapture``, runs
``mediapipe.solutions.FaceMesh`` on the whole frame, and reads the landmarks one by one. At a step
of two it reads all frames and runs FaceMesh on every second one.

The real clips are three of ``../shared/data``, where that folder is. The others are synthetic, with
noise. They are compressed about as much as recordings that were sent by a messenger: 1 to 4 Mbit/s.
A phone's own files have 10 to 20 Mbit/s. With those, decoding takes most of the time in all three,
and both ratios fall. The short version has wider bounds, because it runs beside other work.
"""

import functools
import sys
import time
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.conftest import Figure, Race, Ratio
from tests.mediapipe_graphs import MediaPipeMesh, import_bindings
from tracker.face.mesh import FaceMesh
from tracker.face.region import Region, region_of
from tracker.lab.clip_spec import make_spec
from tracker.lab.synthetic import write_clip
from tracker.lab.timing import CROP_PX, cut_face
from tracker.machine import count_processors
from tracker.tracks.track import Track, track_video
from tracker.video.ffmpeg import Decoder
from tracker.video.frames import Image, Video

FORMATS: dict[str, dict[str, Any]] = {
    "1080p H.264": {"width": 1920, "height": 1080, "codec": "h264"},
    "720p H.264": {"width": 1280, "height": 720, "codec": "h264"},
    "1080x1920 HEVC": {"width": 1080, "height": 1920, "codec": "hevc"},
}
DATA = Path(__file__).parents[2] / "shared" / "data"
REAL = {
    "real 1080x1920 HEVC": "formats/hevc_1080x1920.mp4",
    "real 720x1280 H.264": "blinks/selfie_glasses.mp4",
    "real close-up 720p H.264": "blinks/closeup.mp4",
}
"""Recordings of people."""
AT_MOST = 1.0
"""End to end over the floor."""
AT_MOST_LOWER = 1.5
"""End to end over the lower floor."""
AT_LEAST = 1.45
"""The straightforward loop over end to end."""
SLACK = 1.15
"""By which the short version's bounds are wider."""
FACE = Region(CROP_PX / 2, CROP_PX / 2, CROP_PX, 0.0)


@dataclass(frozen=True)
class Clip:
    """A clip, how many of its frames are used, and a picture of the face in it."""

    path: Path
    frame_count: int
    face: Image


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return FaceMesh()


@pytest.fixture(scope="module")
def stock() -> Any:
    """Return MediaPipe's own face mesh solution.

    It is imported past its package's ``__init__``, which imports what is not installed.
    """
    import_bindings()
    name = "mediapipe.python.solutions"
    if name not in sys.modules:
        package = types.ModuleType(name)
        package.__path__ = [f"{sys.modules['mediapipe.python'].__path__[0]}/solutions"]
        sys.modules[name] = package
    from mediapipe.python.solutions.face_mesh import FaceMesh as StockFaceMesh

    return StockFaceMesh(refine_landmarks=True)


@pytest.fixture(scope="module")
def make_clip(
    mesh: FaceMesh, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Clip]:
    folder = tmp_path_factory.mktemp("video")

    @functools.cache
    def make(name: str) -> Clip:
        if name in REAL:
            path = DATA / REAL[name]
        else:
            path = folder / f"{name.replace(' ', '_')}.mp4"
            spec = make_spec(
                2.0 if pytestconfig.getoption("short") else 4.0,
                fps=30.0,
                noise_std=3.0,
                zoom=0.7,
                sway_px=20.0,
                **FORMATS[name],
            )
            write_clip(path, spec)
        with Video(path) as video:
            # Whole clips: of a part, end to end decodes some frames more than it tracks.
            frame_count = video.info.frame_count
            image = next(video.frames()).pixels
            points = mesh.find_landmarks(image, mesh.detect(image)[0])
            assert points is not None
            face = cut_face(image, region_of(points))
        return Clip(path, frame_count, face)

    return make


def track(clip: Clip, mesh: FaceMesh, step: int = 1, ahead: bool = False) -> Track:
    return track_video(clip.path, mesh, step, clip.frame_count, decode_ahead=ahead, keep_step=True)


def decode(clip: Clip, each: Callable[[], object] = lambda: None) -> int:
    decoder = Decoder(clip.path)
    count = 0
    while count < clip.frame_count and decoder.grab():
        count += 1
        each()
    decoder.close()
    return count


def sum_bits(video: Video) -> float:
    """Return the mean number of bits of a frame, as the decoder counts them from the start."""
    for _ in video.frames(wants=lambda index: index == 0):
        pass
    return video.info.bits_per_frame


def run_straightforward_loop(clip: Clip, stock: Any, step: int = 1) -> list[list[Any]]:
    """Run the straightforward loop of the module's docstring on a clip.

    It returns the landmarks of every `step`-th frame, each a list of (x, y) in pixels.
    """
    capture = cv2.VideoCapture(str(clip.path))
    stock.reset()
    landmarks = []
    index = 0
    while index < clip.frame_count:
        decoded, image = capture.read()
        if not decoded:
            break
        if index % step == 0:
            height, width = image.shape[:2]
            result = stock.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            points = result.multi_face_landmarks[0].landmark if result.multi_face_landmarks else []
            landmarks.append([(point.x * width, point.y * height) for point in points])
        index += 1
    return landmarks


def assert_right(clip: Clip, tracked: Track, loop: list[list[Any]], mesh: FaceMesh) -> None:
    """Assert that the product and the loop found the face in all frames, in the same places."""
    from kernels import FACE_MESH_INDICES

    assert len(loop) == len(tracked.times_s)
    assert np.isfinite(tracked.landmarks).all()
    expected = np.array(loop)[:, np.array(FACE_MESH_INDICES)]
    face_px = np.ptp(expected[..., 1], axis=1).mean()
    assert np.abs(tracked.landmarks - expected).mean() < 0.05 * face_px


@pytest.mark.benchmark(group="video")
@pytest.mark.parametrize("name", [*FORMATS, *REAL])
def test_end_to_end(
    name: str,
    make_clip: Callable[[str], Clip],
    mesh: FaceMesh,
    stock: Any,
    race: Race,
    ratio: Ratio,
    figure: Figure,
    short: bool,
) -> None:
    if name in REAL and not DATA.is_dir():
        pytest.skip(f"the recordings are not at {DATA}")
    clip = make_clip(name)
    assert decode(clip) == clip.frame_count
    assert_right(clip, track(clip, mesh), run_straightforward_loop(clip, stock), mesh)
    rgb = cv2.cvtColor(clip.face, cv2.COLOR_BGR2RGB)
    stock.reset()
    assert stock.process(rgb).multi_face_landmarks
    assert mesh.find_landmarks(clip.face, FACE) is not None

    def reach_lower_floor() -> None:
        decode(clip)
        for _ in range(clip.frame_count):
            mesh._trunk.run()
            mesh._heads.run()

    def look_by_stock() -> int:
        # It keeps where the face was: in the loop it is elsewhere.
        stock.reset()
        return decode(clip, lambda: stock.process(rgb))

    medians = race(
        {
            "end to end": lambda: track(clip, mesh),
            "floor": look_by_stock,
            "lower floor": reach_lower_floor,
            "straightforward loop": lambda: run_straightforward_loop(clip, stock),
        },
        rounds=3 if short else 9,
    )
    for candidate, median_s in medians.items():
        figure(f"{candidate}, {name}", 1000 * median_s / clip.frame_count, "CPU ms a frame")
    with Video(clip.path) as video:
        bits_per_second = video.info.fps * sum_bits(video)
    figure(f"bitrate, {name}", bits_per_second / 1e6, "Mbit/s")
    ours_s = medians["end to end"]
    slack = SLACK if short else 1
    ratio(f"end to end over floor, {name}", ours_s / medians["floor"], at_most=AT_MOST * slack)
    ratio(
        f"end to end over lower floor, {name}",
        ours_s / medians["lower floor"],
        at_most=AT_MOST_LOWER * slack,
    )
    ratio(
        f"straightforward loop over end to end, {name}",
        medians["straightforward loop"] / ours_s,
        at_least=AT_LEAST / slack,
    )


@pytest.mark.benchmark(group="video")
def test_every_second_frame(
    make_clip: Callable[[str], Clip],
    mesh: FaceMesh,
    stock: Any,
    race: Race,
    ratio: Ratio,
    short: bool,
) -> None:
    clip = make_clip("1080p H.264")
    loop = run_straightforward_loop(clip, stock, step=2)
    assert_right(clip, track(clip, mesh, step=2), loop, mesh)
    medians = race(
        {
            "step 2": lambda: track(clip, mesh, step=2),
            "loop at step 2": lambda: run_straightforward_loop(clip, stock, step=2),
        },
        rounds=3 if short else 9,
    )
    ratio(
        "straightforward loop over end to end at step 2, 1080p H.264",
        medians["loop at step 2"] / medians["step 2"],
        at_least=1.4 / (SLACK if short else 1),
    )


@pytest.mark.benchmark(group="video", timer=time.perf_counter)
@pytest.mark.skipif(count_processors() < 2, reason="one core: nothing is decoded ahead")
def test_two_cores(
    make_clip: Callable[[str], Clip], mesh: FaceMesh, race: Race, ratio: Ratio, short: bool
) -> None:
    clip = make_clip("1080p H.264")
    one, two = track(clip, mesh), track(clip, mesh, ahead=True)
    np.testing.assert_array_equal(one.landmarks, two.landmarks)
    medians = race(
        {
            "two cores": lambda: track(clip, mesh, ahead=True),
            "one core": lambda: track(clip, mesh),
        },
        rounds=3 if short else 9,
    )
    ratio(
        "wall time on two cores over one, 1080p H.264",
        medians["two cores"] / medians["one core"],
        at_most=0.9 if short else 0.62,
    )


@pytest.mark.whole
@pytest.mark.benchmark(group="decode")
@pytest.mark.parametrize("name", FORMATS)
def test_decode(
    name: str, make_clip: Callable[[str], Clip], race: Race, ratio: Ratio, figure: Figure
) -> None:
    """All frames, converted nowhere, in a part and as a whole; by OpenCV without and with."""
    clip = make_clip(name)

    def convert(rows: slice, columns: slice) -> int:
        with Video(clip.path) as video:
            return sum(frame.pixels[rows, columns].size > 0 for frame in video.frames())

    def grab(read: bool) -> int:
        capture = cv2.VideoCapture(str(clip.path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        count, image = 0, None
        while capture.grab():
            count += 1
            if read:
                _, image = capture.retrieve(image)
        return count

    candidates: dict[str, Callable[[], int]] = {
        "decode": lambda: decode(clip),
        "a part of 512x512": lambda: convert(slice(100, 612), slice(100, 612)),
        "the whole": lambda: convert(slice(None), slice(None)),
        "OpenCV grab": lambda: grab(False),
        "OpenCV read": lambda: grab(True),
    }
    assert {count() for count in candidates.values()} == {clip.frame_count}
    medians = race(candidates, rounds=9)
    for candidate, median_s in medians.items():
        figure(f"{candidate}, {name}", 1000 * median_s / clip.frame_count, "CPU ms a frame")
    ratio(
        f"decoding over OpenCV's, {name}", medians["decode"] / medians["OpenCV grab"], at_most=1.1
    )


@pytest.mark.whole
@pytest.mark.benchmark(group="face_mesh")
def test_face_mesh(
    make_clip: Callable[[str], Clip],
    mesh: FaceMesh,
    stock: Any,
    race: Race,
    ratio: Ratio,
    figure: Figure,
) -> None:
    """Our runner, MediaPipe's graph and its stock solution on a picture of the face."""
    clip = make_clip("720p H.264")
    rgb = cv2.cvtColor(clip.face, cv2.COLOR_BGR2RGB)
    assert mesh.find_landmarks(clip.face, FACE) is not None
    stock.reset()
    assert stock.process(rgb).multi_face_landmarks
    count, graph = 100, MediaPipeMesh()
    medians = race(
        {
            "ours": lambda: [mesh.find_landmarks(clip.face, FACE) for _ in range(count)],
            "graph": lambda: [graph.find_landmarks(clip.face, FACE) for _ in range(count)],
            "stock solution": lambda: [stock.process(rgb) for _ in range(count)],
        },
        rounds=9,
    )
    for candidate, median_s in medians.items():
        figure(f"FaceMesh, {candidate}", 1000 * median_s / count, "CPU ms")
    ratio(
        "our runner over the stock solution",
        medians["ours"] / medians["stock solution"],
        at_most=0.9,
    )
