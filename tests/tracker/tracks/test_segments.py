"""One recording in segments: the track of the joined parts is the one of a single run."""

import contextlib
import dataclasses
import io
import itertools
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.containers import encode, read_images
from tests.tracker.tracks.test_track import assert_equal
from tracker.face import blocks
from tracker.face.mesh import FaceMesh
from tracker.lab.clip_spec import ClipSpec
from tracker.lab.synthetic import write_clip
from tracker.tracks import segments
from tracker.tracks.parts import Part, PartFileError, Segment, load_part, parse_segment
from tracker.tracks.segments import PartsError, join_parts, plan_segments, track_segment
from tracker.tracks.track import Track, track_video
from tracker.video.container import InputNotFoundError
from tracker.video.frames import DivisionError

FRAMES, MANY = 180, 12_000


@pytest.fixture(autouse=True, scope="module")
def short_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (blocks, segments):
            patch.setattr(module, "BLOCK_FRAMES", 30)
            patch.setattr(module, "RUN_IN_FRAMES", 10)
        yield


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return FaceMesh()


@pytest.fixture(scope="module")
def clip(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip with a keyframe in every twelfth frame, some of whose frames come late."""
    images = [
        (image, time + Fraction(1, 10) * (n >= 50))
        for n, (image, time) in enumerate(read_images(clips / "short.mp4"))
    ]
    path = tmp_path_factory.mktemp("segments") / "clip.mp4"
    options = "keyint=12:min-keyint=12:scenecut=0:bframes=2:b-adapt=0:open-gop=1"
    return encode(path, images, **{"x264-params": options})


@pytest.fixture(scope="module")
def parts(clip: Path, mesh: FaceMesh) -> list[Part]:
    return [
        track_segment(clip, segment, mesh, keep_eyes=True)
        for segment in plan_segments(clip, 3, 1, MANY)
    ]


def assert_same(one: Track, other: Track) -> None:
    assert_equal(one, other)
    np.testing.assert_array_equal(one.second_pass_sample, other.second_pass_sample)
    np.testing.assert_array_equal(one.second_pass_landmarks, other.second_pass_landmarks)
    np.testing.assert_array_equal(one.second_pass_turn, other.second_pass_turn)


@pytest.mark.parametrize(
    ("count", "step", "most"),
    [pytest.param(2, 1, MANY, marks=pytest.mark.long), (7, 1, MANY), (2, 2, MANY)],
)
def test_the_track_is_that_of_a_single_run(
    count: int, step: int, most: int, clip: Path, mesh: FaceMesh
) -> None:
    plan = plan_segments(clip, count, step, most)
    # Blocks of 30 analysed frames.
    assert len(plan) == min(count, FRAMES // (30 * step))
    found = [track_segment(clip, parse_segment(one.to_json()), mesh) for one in plan]
    assert_same(join_parts(reversed(found)), track_video(clip, mesh, step, most))


def test_the_parts_may_come_in_any_order_and_twice(
    parts: list[Part], clip: Path, mesh: FaceMesh
) -> None:
    pictures: dict[int, bytes] = {}
    whole = track_video(clip, mesh, 1, MANY, eye_pictures=pictures)
    assert len(pictures) > 10
    for order in itertools.permutations(parts):
        joined: dict[int, bytes] = {}
        assert_same(join_parts([*order, order[0]], joined), whole)
        assert joined == pictures


@pytest.mark.parametrize("most", [100, 179])
def test_max_frames_ends_the_last_segment(most: int, clip: Path, mesh: FaceMesh) -> None:
    plan = plan_segments(clip, 2, 1, most, keep_step=True)
    assert len(plan) == 2
    joined = join_parts([track_segment(clip, one, mesh) for one in plan])
    assert joined.times_s.size == most
    assert not joined.info.complete
    whole = track_video(clip, mesh, 1, most, keep_step=True)
    # A single run only counts the size of what it reads; a divided recording has more than that.
    video = dataclasses.replace(joined.info.video, bits_per_frame=whole.info.video.bits_per_frame)
    info = dataclasses.replace(joined.info, video=video)
    assert_same(dataclasses.replace(joined, info=info), whole)


def test_max_frames_raises_the_step_of_the_whole_recording(clip: Path, mesh: FaceMesh) -> None:
    plan = plan_segments(clip, 2, 1, 90)
    assert [one.step for one in plan] == [2, 2]
    joined = join_parts([track_segment(clip, one, mesh) for one in plan])
    assert joined.info.raised_step == 2
    assert_same(joined, track_video(clip, mesh, 1, 90))


def test_a_promise_of_many_more_frames_raises_no_step(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "raise_step", lambda *_: 5)
    assert {one.step for one in plan_segments(clip, 3, 1, FRAMES)} == {1}
    assert {one.step for one in plan_segments(clip, 3, 1, FRAMES - 1)} == {5}


@pytest.mark.long
def test_half_an_hour_is_covered_at_every_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (blocks, segments):
        monkeypatch.setattr(module, "BLOCK_FRAMES", 1500)
        monkeypatch.setattr(module, "RUN_IN_FRAMES", 30)
    path, frames = tmp_path / "long.mp4", 30 * 60 * 30
    spec = ClipSpec(duration_s=1.0, fps=30.0, width=64, height=64)
    write_clip(path, spec, repeats=1800)
    plan = plan_segments(path, 12, 1, 60_000)
    assert [one.step for one in plan] == [1] * 12
    stretches = [one.stretch for one in plan]
    assert all(stretch is not None for stretch in stretches)
    ends = [(one.first, one.stop) for one in stretches if one is not None]
    assert ends == [(4500 * n, 4500 * (n + 1)) for n in range(12)]
    assert ends[-1][1] == frames
    assert sum(one.max_frames for one in plan) == frames
    assert not plan[-1].ends_early
    # By default, a single run raises the step, and so does a plan.
    assert {one.step for one in plan_segments(path, 12, 1, MANY)} == {5}


def test_a_stream_is_divided_too(parts: list[Part], clip: Path, mesh: FaceMesh) -> None:
    stream = io.BytesIO(clip.read_bytes())
    plan = plan_segments(stream, 3, 1, MANY)
    assert [part.segment for part in parts] == list(plan)
    assert track_segment(stream, plan[1], mesh, keep_eyes=True).is_same(parts[1])


@pytest.mark.slow
def test_what_cannot_be_divided_is_one_segment(clip: Path, mesh: FaceMesh, tmp_path: Path) -> None:
    one_keyframe = encode(tmp_path / "a.mp4", list(read_images(clip))[:100], g="1000")
    (segment,) = plan_segments(one_keyframe, 5, 1, MANY)
    assert segment.stretch is None
    part = track_segment(one_keyframe, segment, mesh)
    assert_same(join_parts([part]), track_video(one_keyframe, mesh, 1, MANY))


@pytest.fixture(scope="module")
def plain_clip(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip whose frames are stored in the order in which they are shown."""
    path = tmp_path_factory.mktemp("plain") / "plain.mp4"
    return encode(path, list(read_images(clip)), g="12", bf="0")


@pytest.mark.slow
@pytest.mark.parametrize("good", [100, 115, 130])
def test_a_damaged_end_gives_the_track_of_a_single_run(
    good: int, plain_clip: Path, mesh: FaceMesh, tmp_path: Path
) -> None:
    """The last segment has frames 120 to 179, and its run-in begins at frame 110."""
    data = bytearray(plain_clip.read_bytes())
    with av.open(str(plain_clip)) as container:
        places = [one.pos for one in container.demux(video=0) if one.size]
    assert len(places) == FRAMES
    end = data.index(b"moov") - 4
    data[places[good] : end] = bytes(end - places[good])
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    whole = track_video(path, mesh, 1, MANY)
    assert whole.times_s.size == good
    plan = plan_segments(path, 3, 1, MANY)
    assert len(plan) == 3
    try:
        # Where workers track them at once, the last one ends first: it has the fewest frames.
        parts = [track_segment(path, one, mesh) for one in reversed(plan)]
    except DivisionError:
        assert good < 120
        parts = [track_segment(path, one, mesh) for one in plan_segments(path, 1, 1, MANY)]
    assert_same(join_parts(parts), whole)


def test_a_recording_that_marks_no_keyframe_is_one_segment(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.video.division.Layout.find_keyframes", lambda _: [])
    assert len(plan_segments(clip, 3, 1, MANY)) == 1


def test_progress_is_told(clip: Path, mesh: FaceMesh) -> None:
    told: list[tuple[int, int]] = []
    segment = plan_segments(clip, 3, 1, MANY)[1]
    track_segment(clip, segment, mesh, on_progress=lambda *one: told.append(one))
    # 60 frames after a run-in of 10.
    assert told == [(0, 60)] * 10 + [(n + 1, 60) for n in range(60)]


def test_parts_that_do_not_make_a_whole_are_refused(
    parts: list[Part], clip: Path, mesh: FaceMesh
) -> None:
    with pytest.raises(PartsError, match="no part"):
        join_parts([])
    with pytest.raises(PartsError, match="track segments 0, 2 too"):
        join_parts(parts[1:2])
    looks = parts[1].looks
    moved = dataclasses.replace(looks, landmarks=looks.landmarks + np.float32(1))
    with pytest.raises(PartsError, match="segment 1 has two parts that differ"):
        join_parts([*parts, dataclasses.replace(parts[1], looks=moved)])
    foreign = [track_segment(clip, one, mesh) for one in plan_segments(clip, 3, 3, MANY)]
    with pytest.raises(PartsError, match="different plans"):
        join_parts([*parts[:2], foreign[-1]])


def test_a_saved_part_comes_back_bit_for_bit(parts: list[Part], tmp_path: Path) -> None:
    for part in parts:
        part.save(tmp_path / "a.part.npz")
        loaded = load_part(tmp_path / "a.part.npz")
        assert loaded.is_same(part)
        assert loaded.segment == part.segment
        assert loaded.looks.eyes == part.looks.eyes


@pytest.mark.parametrize("kind", ["random", "empty", "truncated", "track", "directory", "missing"])
def test_what_is_no_part_is_refused(kind: str, parts: list[Part], tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    if kind == "random":
        path.write_bytes(np.random.default_rng(0).bytes(5000))
    elif kind == "empty":
        path.touch()
    elif kind == "truncated":
        parts[0].save(path)
        path.write_bytes(path.read_bytes()[:3000])
    elif kind == "track":
        np.savez(path, header=np.array(json.dumps({"format": 2})))
    elif kind == "directory":
        path.mkdir()
    is_absent = kind in ("directory", "missing")
    with pytest.raises(InputNotFoundError if is_absent else PartFileError):
        load_part(path)


@pytest.mark.parametrize("seed", range(20))
def test_damage_anywhere_is_a_named_error_or_nothing(
    seed: int, parts: list[Part], tmp_path: Path
) -> None:
    path = tmp_path / "a.npz"
    parts[1].save(path)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for index in rng.integers(0, len(content), 1 + seed % 8):
        content[index] = rng.integers(0, 256)
    path.write_bytes(content)
    with contextlib.suppress(PartFileError):
        load_part(path)


FORGED_LOOKS = {
    "frame beyond": lambda looks: {"frame": looks.frame + 1000},
    "frames unordered": lambda looks: {"frame": looks.frame[::-1]},
    "region without size": lambda looks: {"asked": looks.asked * 0},
    "endless region": lambda looks: {"region": looks.region * np.inf},
    "landmarks missing": lambda looks: {"landmarks": looks.landmarks[:-1]},
    "landmarks nowhere": lambda looks: {"landmarks": looks.landmarks * np.nan},
    "endless quality": lambda looks: {"quality": looks.quality + np.inf},
    "picture of no look": lambda looks: {"pictured": looks.pictured + 1000},
    "pictures unordered": lambda looks: {"pictured": looks.pictured[::-1]},
    "picture missing": lambda looks: {"pictures": looks.pictures[:-1]},
    "picture of another size": lambda looks: {"pictures": looks.pictures[:, 1:]},
    "irises nowhere": lambda looks: {"iris_columns": looks.iris_columns * np.nan},
    "faces of no beginning": lambda looks: {"begun": looks.begun[:0]},
    "other type": lambda looks: {"landmarks": looks.landmarks.astype(np.float64)},
}


@pytest.mark.parametrize("kind", FORGED_LOOKS)
def test_forged_looks_are_refused(kind: str, parts: list[Part], tmp_path: Path) -> None:
    part = parts[1]
    changed = dataclasses.replace(part.looks, **FORGED_LOOKS[kind](part.looks))
    dataclasses.replace(part, looks=changed).save(tmp_path / "a.npz")
    with pytest.raises(PartFileError):
        load_part(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "change",
    [
        {"frame_index": np.arange(60, dtype=np.int64)},
        {"frame_index": np.arange(60, 120, dtype=np.int32)},
        {"frame_index": np.full(60, 60, np.int64)},
        {"stream_times_s": np.zeros(59)},
        {"frames_decoded": -1},
        {"frames_failed": True},
        {"whole": 1},
        {"recordings": "1"},
    ],
)
def test_forged_readings_are_refused(
    change: dict[str, object], parts: list[Part], tmp_path: Path
) -> None:
    part = parts[1]
    reading = dataclasses.replace(part.reading, **change)  # type: ignore[arg-type]
    dataclasses.replace(part, reading=reading).save(tmp_path / "a.npz")
    with pytest.raises(PartFileError):
        load_part(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "change",
    [
        {"index": 3},
        {"index": -1},
        {"count": True},
        {"plan": "x"},
        {"step": 0},
        {"max_frames": 10**12},
        {"bits_per_frame": float("nan")},
        {"ends_early": 1},
        {"other": 1},
        {"stretch": {"first": 0}},
        {"stretch": None},
    ],
)
def test_forged_segments_are_refused(change: dict[str, object], parts: list[Part]) -> None:
    segment = parts[1].segment
    values = json.loads(segment.to_json())
    assert parse_segment(json.dumps(values)) == segment
    with pytest.raises(PartFileError):
        parse_segment(json.dumps({**values, **change}))


@pytest.mark.parametrize("key", ["first", "stop", "key_index", "first_pts", "stop_pts"])
@pytest.mark.parametrize("value", [-1, 2**63, 1.5, None])
def test_forged_stretches_are_refused(key: str, value: object, parts: list[Part]) -> None:
    values = json.loads(parts[1].segment.to_json())
    if value == -1 and key.endswith("_pts"):
        return
    values["stretch"][key] = value
    with pytest.raises(PartFileError):
        parse_segment(json.dumps(values))


@pytest.mark.parametrize("count", [0, 1001])
def test_a_count_out_of_range_is_refused(count: int, clip: Path) -> None:
    with pytest.raises(ValueError, match="expected 1-1000"):
        plan_segments(clip, count, 1, MANY)


def test_a_plan_of_one_is_the_whole_recording(clip: Path) -> None:
    assert plan_segments(clip, 1, 1, MANY)[0] == Segment(
        0, 1, plan_segments(clip, 1, 1, MANY)[0].plan, 1, 1, MANY
    )
