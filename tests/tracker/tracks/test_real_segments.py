"""Recordings in segments, as cameras and programs wrote them: the results are a single run's.

They are too short for more than one block, so that blocks are shorter here.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.lengths import LONG, thin
from tests.tracker.tracks.test_segments import assert_same
from tracker.face import blocks
from tracker.face.mesh import FaceMesh
from tracker.parameters import Parameters
from tracker.pipeline import measure_track
from tracker.result import Result
from tracker.tracks import segments
from tracker.tracks.segments import join_parts, plan_segments, track_segment
from tracker.tracks.track import Track, track_video

DATA = Path(__file__).parents[4] / "shared" / "data"
MANY, BLOCK = 12_000, 30
COUNTS = (2, 3, 7, 16) if LONG else (3,)
SHORT = ("formats/hevc_vfr_face_leaves.mov", "people/makeup_double_blink.mp4")
"""A recording whose face leaves, and one of a phone."""
ASKED = Parameters(task="up_down")
RANGE_TOLERANCE = 0.001

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the recordings are not at {DATA}"),
]


def list_recordings() -> list[str]:
    suffixes = (".mp4", ".mov", ".avi", ".webm", ".mkv")
    every = [path for path in DATA.rglob("*") if path.suffix in suffixes]
    names = sorted(str(path.relative_to(DATA)) for path in every)
    return names if LONG else [name for name in names if name in SHORT]


@pytest.fixture(autouse=True, scope="module")
def short_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (blocks, segments):
            patch.setattr(module, "BLOCK_FRAMES", BLOCK)
        yield


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return FaceMesh()


@pytest.fixture(scope="module", params=thin(list_recordings(), 2))
def recording(request: pytest.FixtureRequest, mesh: FaceMesh) -> tuple[Path, Track]:
    """Return a recording and its track from a single run, with the pictures of the eyes."""
    path = DATA / request.param
    return path, track_video(path, mesh, 1, MANY)


@pytest.mark.parametrize("count", COUNTS)
def test_segments_give_what_a_single_run_gives(
    recording: tuple[Path, Track], mesh: FaceMesh, count: int, rng: np.random.Generator
) -> None:
    path, whole = recording
    plan = plan_segments(path, count, 1, MANY)
    parts = [track_segment(path, segment, mesh) for segment in plan]
    rng.shuffle(parts)  # type: ignore[arg-type]
    joined = join_parts(parts)
    assert_same(joined, whole)
    measure = functools.partial(measure_track, parameters=ASKED, name=path.name)
    ours, expected = measure(joined), measure(whole)
    assert ours.summary.to_dict() == expected.summary.to_dict()


def test_most_recordings_can_be_divided(mesh: FaceMesh) -> None:
    divided = [
        name for name in list_recordings() if len(plan_segments(DATA / name, 7, 1, MANY)) > 1
    ]
    several_keyframes = 28 if LONG else 2
    assert len(divided) >= several_keyframes


def measure_alone(path: Path, mesh: FaceMesh, block: int) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_FRAMES", block)
        return measure_track(track_video(path, mesh, 1, MANY), ASKED, path.name)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("field/trimmed_edit_list.mp4", marks=pytest.mark.long),
        "people/makeup_double_blink.mp4",
    ],
)
def test_beginning_anew_hardly_moves_the_range(name: str, mesh: FaceMesh) -> None:
    in_one, in_blocks = (measure_alone(DATA / name, mesh, block) for block in (10**9, 150))
    ranges = [one.summary.vertical_peak_to_peak for one in (in_one, in_blocks)]
    assert ranges[0] is not None
    assert ranges[0] != ranges[1]
    assert ranges[1] == pytest.approx(ranges[0], abs=RANGE_TOLERANCE)
    peaks = [one.analysis.events.closures.peak for one in (in_one, in_blocks)]
    np.testing.assert_array_equal(*peaks)
