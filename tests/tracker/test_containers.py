"""Every kind of container gives the numbers of its plain twin, however it is read."""

import functools
import hashlib
import io
import json
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aws_lambda_powertools import Logger

from handler.api import Api
from handler.aws import AwsStorage
from handler.engine import Engine
from handler.environment import read_environment
from handler.identity import Access
from handler.local.app import LocalContext
from handler.service import Service
from tests.aws_server import BUCKET, Aws
from tests.container_kinds import KINDS, REFUSED, Kind, remux_to, write_turned_wide
from tests.containers import MATRICES, encode, read_images, remux, shift, write_shown
from tests.lengths import thin
from tracker.face.mesh import FaceMesh
from tracker.lab.clip_spec import make_spec
from tracker.lab.synthetic import write_clip
from tracker.parameters import Parameters
from tracker.pipeline import measure_track, track_recording
from tracker.result import Result
from tracker.tracks.segments import plan_segments
from tracker.video.container import VideoOpenError
from tracker.video.frames import Video

pytestmark = pytest.mark.slow

FPS, SECONDS = {False: 30, True: 120}, {False: 2.0, True: 1.0}
"""Of the plain video, and of the fast one that kinds of slow motion are made from."""
FRAMES = 60
PLAIN = Kind(functools.partial(remux_to, "plain.mp4"))


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return FaceMesh()


@pytest.fixture(scope="module")
def plains(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Return a face that looks up and down and blinks, at both rates.

    There is a key frame every half second.
    """
    folder = tmp_path_factory.mktemp("plain")
    paths = {}
    for fast, fps in FPS.items():
        spec = make_spec(SECONDS[fast], fps=fps, width=384, height=288, seed=3, blinks_per_min=60.0)
        write_clip(folder / "drawn.mp4", spec)
        images = list(read_images(folder / "drawn.mp4"))
        options = {"qp": "0", "preset": "ultrafast", "g": str(fps // 2), "bf": "0"}
        paths[fast] = encode(folder / f"{fps}.mp4", images, **options)
    return paths


@pytest.fixture(scope="module")
def plain(plains: dict[bool, Path]) -> Path:
    return plains[False]


def analyze(source: Path | io.BytesIO, mesh: FaceMesh) -> Result:
    track = track_recording(source, mesh, Parameters())
    return measure_track(track, Parameters(), "video")


@pytest.fixture(scope="module")
def twins(plains: dict[bool, Path], mesh: FaceMesh) -> dict[bool, Result]:
    results = {fast: analyze(path, mesh) for fast, path in plains.items()}
    assert results[False].summary.frames_processed == FRAMES
    assert results[False].summary.blink_count >= 2
    assert results[True].summary.blink_count >= 1
    return results


def assert_twins(result: Result, twin: Result, kind: Kind) -> None:
    """Compare frames, times, blinks, ranges and the sides of both eyes."""
    track, expected = result.track, twin.track
    shown = (expected.times_s > kind.from_s - 1e-3) & (expected.times_s < kind.to_s - 1e-3)
    times_s = expected.times_s[shown] - kind.from_s
    times_s += np.where(times_s > 1 - 1e-3, kind.paused_s, 0)
    assert track.info.frames_failed == 0
    assert track.info.complete
    assert track.info.time_source == "stream"
    assert track.frame_index.tolist() == list(range(times_s.size))
    np.testing.assert_allclose(track.times_s, times_s, atol=1.5e-3)
    seen, wanted = result.analysis.traces, twin.analysis.traces
    assert np.corrcoef(seen.ear, wanted.ear[shown])[0, 1] > 0.98
    # In every picture, the left eye is the one on the right.
    scale = track.info.video.width / expected.info.video.width
    apart = track.landmarks.mean(axis=(0, 1)) - scale * expected.landmarks[shown].mean(axis=(0, 1))
    assert np.abs(apart).max() < 1.5
    if not shown.all():
        return
    assert result.summary.blink_count == twin.summary.blink_count
    ours, theirs = (one.summary.vertical_peak_to_peak for one in (result, twin))
    assert ours == pytest.approx(theirs, abs=0.01)


def find_told(result: Result) -> set[str]:
    """Return what is told of the file itself, as a caution or as a reason against an answer."""
    assessment = result.summary.assessment
    codes = {one.code for one in (*assessment.cautions, *assessment.reasons)}
    return codes & {"video_damaged", "video_cut_off", "several_videos", "sampling_gaps"}


def read_frames(source: Path | BufferedIOBase) -> list[tuple[int, float, float]]:
    """Return the index, the time and the sum of all pixels of each frame."""
    with Video(source) as video:
        return [
            (one.index, one.stream_time_s, float(one.image.sum(dtype=np.int64)))
            for one in video.frames()
        ]


def ask_api(aws: Aws, engine: Engine, path: Path) -> dict[str, Any]:
    """Let the API analyse an upload in S3; return its answer about it."""
    log = Logger(service="test", stream=io.StringIO())
    api = Api(Service(AwsStorage(read_environment()), engine), BUCKET, Access("local"), log)
    aws.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}original", Body=path.read_bytes())
    place = {"bucket": {"name": BUCKET}, "object": {"key": f"{FOLDER}original"}}
    created = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": place}
    api.handle({"Records": [created]}, LocalContext(900))
    question = {"httpMethod": "GET", "path": f"/status/{'a' * 32}"}
    answer: dict[str, Any] = json.loads(api.handle(question, LocalContext(60))["body"])
    return answer


FOLDER = f"users/somebody/eye/{'a' * 32}/"


def open_stored() -> BufferedIOBase:
    return AwsStorage(read_environment()).open_file(f"{FOLDER}original")


def assert_same_by_every_way(
    path: Path, result: Result, aws: Aws, engine: Engine, folder: Path
) -> None:
    """Compare what was measured of a file with a stream of it, S3's, and what the API answers."""
    frames = read_frames(path)
    assert len(frames) == result.track.times_s.size
    assert read_frames(io.BytesIO(path.read_bytes())) == frames
    files = result.save(folder, report=None)
    answer = ask_api(aws, engine, path)
    assert answer["status"] == "completed", answer
    for name in ("frames", "blinks", "saccades"):
        table = aws.s3.get_object(Bucket=BUCKET, Key=f"{FOLDER}{name}.csv")["Body"].read()
        assert table == files[name].read_bytes()
    summary, ours = answer["summary"], json.loads(files["summary"].read_text(encoding="utf-8"))
    for name in ("frames_processed", "blink_count", "vertical_peak_to_peak", "video_meta"):
        assert summary[name] == ours[name], name
    assert summary["assessment"]["status"] == ours["assessment"]["status"]
    assert read_frames(open_stored()) == frames


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_its_plain_twin(
    name: str,
    plains: dict[bool, Path],
    twins: dict[bool, Result],
    aws: Aws,
    engine: Engine,
    mesh: FaceMesh,
    tmp_path: Path,
) -> None:
    """As a file, as a stream, read from S3, and analysed by the API."""
    kind = KINDS[name]
    path = kind.write(plains[kind.fast], tmp_path)
    result = analyze(path, mesh)
    assert_twins(result, twins[kind.fast], kind)
    assert find_told(result) == kind.told
    # The short form reads only some kinds by every way.
    if name in thin([*KINDS], 8):
        assert_same_by_every_way(path, result, aws, engine, tmp_path / "out")


@pytest.mark.parametrize(
    "name", ["cut.mkv", pytest.param("cut.ts", marks=pytest.mark.long), "cut.mp4"]
)
def test_a_cut_is_told_by_every_way(
    name: str, plain: Path, aws: Aws, engine: Engine, mesh: FaceMesh, tmp_path: Path
) -> None:
    fragments = {"movflags": "frag_keyframe"} if name == "cut.mp4" else {}
    path = remux(plain, tmp_path / name, **fragments)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 4 // 5 + 7])
    result = analyze(path, mesh)
    assert FRAMES / 2 < result.summary.frames_processed < FRAMES
    assert find_told(result) == {"video_cut_off"}
    assert not result.summary.video_meta.complete
    assert_same_by_every_way(path, result, aws, engine, tmp_path / "out")


@pytest.mark.parametrize("name", REFUSED)
def test_each_refusal_names_its_reason_by_every_way(
    name: str, plain: Path, aws: Aws, engine: Engine, tmp_path: Path
) -> None:
    write, reason = REFUSED[name]
    path = write(plain, tmp_path)
    for source in (path, io.BytesIO(path.read_bytes())):
        with pytest.raises(VideoOpenError, match=reason):
            read_frames(source)
    answer = ask_api(aws, engine, path)
    assert answer["status"] == "failed"
    assert reason in answer["error"]
    with pytest.raises(VideoOpenError, match=reason):
        read_frames(open_stored())


@pytest.fixture(scope="module")
def seen_by_camera(
    plain: Path, mesh: FaceMesh, tmp_path_factory: pytest.TempPathFactory
) -> dict[bool, Result]:
    """Return what is measured of the plain video, and of its mirror image."""
    folder = tmp_path_factory.mktemp("seen")
    images = list(read_images(plain))
    mirrored = [(np.ascontiguousarray(image[:, ::-1]), time) for image, time in images]
    return {
        False: analyze(encode(folder / "plain.mp4", images), mesh),
        True: analyze(encode(folder / "mirror_image.mp4", mirrored), mesh),
    }


@pytest.mark.parametrize("name", thin([*MATRICES], 4))
def test_what_the_camera_saw_is_measured(
    name: str,
    plain: Path,
    seen_by_camera: dict[bool, Result],
    aws: Aws,
    engine: Engine,
    mesh: FaceMesh,
    tmp_path: Path,
) -> None:
    """All eight files show the same, but where the matrix mirrors, that is a mirror image."""
    path = write_shown(plain, tmp_path, name)
    result = analyze(path, mesh)
    mirrored = "flipped" in name
    assert_twins(result, seen_by_camera[mirrored], PLAIN)
    assert result.summary.video_meta.mirrored == mirrored
    apart = np.abs(result.track.landmarks - seen_by_camera[mirrored].track.landmarks)
    assert np.quantile(apart, 0.99) < 0.3
    assert_same_by_every_way(path, result, aws, engine, tmp_path / "out")


# In the short form, others than those of the test above.
@pytest.mark.parametrize("name", thin([*MATRICES][::-1], 4))
def test_wide_pixels_are_turned_and_mirrored_too(
    name: str, plain: Path, seen_by_camera: dict[bool, Result], mesh: FaceMesh, tmp_path: Path
) -> None:
    result = analyze(write_turned_wide(plain, tmp_path, name), mesh)
    assert_twins(result, seen_by_camera["flipped" in name], PLAIN)


def test_slow_motion_is_told(plains: dict[bool, Path], mesh: FaceMesh, tmp_path: Path) -> None:
    path = KINDS["slow motion"].write(plains[True], tmp_path)
    sampling = analyze(path, mesh).summary.sampling
    assert sampling.capture_fps == FPS[True]
    assert sampling.slowed_down == pytest.approx(8, rel=0.01)
    assert sampling.effective_rate_hz == pytest.approx(FPS[True], rel=0.01)


def test_the_extended_task_is_analysed_whole(plain: Path, mesh: FaceMesh) -> None:
    """All 60 frames are tracked, although `max_frames` is 25."""
    track = track_recording(plain, mesh, Parameters(task="extended", max_frames=25))
    assert (track.times_s.size, track.info.raised_step, track.info.complete) == (FRAMES, 0, True)


@pytest.mark.parametrize(
    ("step", "keep_step", "tracked", "covered"),
    [(1, False, 20, True), (1, True, 25, False), (2, False, 25, False)],
)
def test_a_long_recording_is_covered_unless_its_step_was_asked_for(
    step: int, keep_step: bool, tracked: int, covered: bool, plain: Path, mesh: FaceMesh
) -> None:
    parameters = Parameters(step=step, max_frames=25)
    track = track_recording(plain, mesh, parameters, keep_step=keep_step)
    assert track.times_s.size == tracked
    assert track.info.complete == covered
    # Of 60 frames, every third one fits.
    assert track.info.raised_step == (3 if covered else 0)
    codes = {one.code for one in measure_track(track, parameters, "").summary.assessment.cautions}
    assert ("step_raised" in codes) == covered
    assert ("max_frames_reached" in codes) != covered


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["live", "short header"])
def test_a_long_recording_is_covered_though_its_header_does_not_tell_its_length(
    kind: str, stream: bool, plain: Path, mesh: FaceMesh, tmp_path: Path
) -> None:
    """A program that records live cannot go back to write how long it recorded."""
    if kind == "live":
        path = remux(plain, tmp_path / "live.mkv", live="1")
    else:
        path = KINDS[kind].write(plain, tmp_path)
    with Video(path) as video:
        assert video.expected_frames <= FRAMES / 2
    source = io.BytesIO(path.read_bytes()) if stream else path
    parameters = Parameters(max_frames=25)
    track = track_recording(source, mesh, parameters)
    # Of 60 frames, every third one fits.
    assert track.frame_index.tolist() == list(range(0, FRAMES, 3))
    assert (track.info.raised_step, track.info.complete) == (3, True)
    assert track.info.video_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert plan_segments(path, 4, parameters.step, parameters.max_frames)[0].step == 3


@pytest.mark.parametrize(
    ("jump_s", "expected", "stream"),
    [(350.0, 10_560, False), (350.0, 10_560, True), (36e3, 0, False)],
)
def test_a_clock_that_jumps_leaves_no_frame_out(
    jump_s: float, expected: int, stream: bool, plain: Path, mesh: FaceMesh, tmp_path: Path
) -> None:
    """By its times the recording has too many frames; by its size it cannot last ten hours."""
    path = shift(plain, tmp_path / "jump.ts", lambda time_s: jump_s if time_s > 0.99 else 0.0)
    with Video(path) as video:
        assert video.expected_frames == expected
    source = io.BytesIO(path.read_bytes()) if stream else path
    track = track_recording(source, mesh, Parameters())
    assert track.times_s.size == FRAMES
    assert track.times_s[-1] == pytest.approx(jump_s + (FRAMES - 1) / 30, abs=0.01)
    assert (track.info.raised_step, track.info.complete) == (0, True)
    assert len(track.info.video_sha256) == 64
