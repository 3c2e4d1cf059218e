"""Every kind of container gives the numbers of its plain twin, however it is read."""

import io
import json
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aws_lambda_powertools import Logger

from handler.api import Api
from handler.aws import AwsStorage, read_environment
from handler.engine import Engine
from handler.identity import Access
from handler.local.app import LocalContext
from handler.service import Service
from tests.aws_server import BUCKET, Aws
from tests.containers import KINDS, MATRICES, encode, read_images, write_shown
from tracker.face.mesh import FaceMesh
from tracker.lab.clip_spec import make_spec
from tracker.lab.synthetic import write_clip
from tracker.parameters import Parameters
from tracker.pipeline import measure_track, track_recording
from tracker.result import Result
from tracker.video.frames import Video

pytestmark = pytest.mark.slow

FPS = 120
"""High enough for the tag of slow motion to be meant."""
FRAMES = 2 * FPS


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return FaceMesh()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return 2 s of a face that looks up and down and blinks; key frames every half second."""
    folder = tmp_path_factory.mktemp("plain")
    spec = make_spec(2.0, fps=FPS, width=320, height=240, seed=3, blinks_per_min=60.0)
    write_clip(folder / "drawn.mp4", spec)
    images = list(read_images(folder / "drawn.mp4"))
    return encode(folder / "plain.mp4", images, qp="0", g="60", bf="0")


def analyze(source: Path | io.BytesIO, mesh: FaceMesh) -> Result:
    track = track_recording(source, mesh, Parameters())
    return measure_track(track, Parameters(), "video")


@pytest.fixture(scope="module")
def twin(plain: Path, mesh: FaceMesh) -> Result:
    result = analyze(plain, mesh)
    assert result.summary.frames_processed == FRAMES
    assert result.summary.blink_count >= 2
    return result


def assert_twins(result: Result, twin: Result, hidden_s: float = 0.0) -> None:
    """Compare frames, times, blinks, ranges and the sides of both eyes."""
    hidden = round(hidden_s * FPS)
    track, expected = result.track, twin.track
    assert track.info.frames_failed == 0
    assert track.info.complete
    assert track.info.time_source == "stream"
    assert track.frame_index.tolist() == list(range(FRAMES - hidden))
    np.testing.assert_allclose(track.times_s, expected.times_s[: FRAMES - hidden], atol=1.5e-3)
    seen, wanted = result.analysis.traces, twin.analysis.traces
    assert np.corrcoef(seen.ear, wanted.ear[hidden:])[0, 1] > 0.98
    # In every picture, the left eye is the one on the right.
    scale = track.info.video.width / expected.info.video.width
    apart = track.landmarks.mean(axis=(0, 1)) - scale * expected.landmarks[hidden:].mean(
        axis=(0, 1)
    )
    assert np.abs(apart).max() < 1.5
    if hidden:
        return
    assert result.summary.blink_count == twin.summary.blink_count
    ours, theirs = (one.summary.vertical_peak_to_peak for one in (result, twin))
    assert ours == pytest.approx(theirs, abs=0.01)


def read_frames(source: Path | BufferedIOBase) -> list[tuple[int, float, float]]:
    """Return the index, the time and the sum of all pixels of each frame."""
    with Video(source) as video:
        return [
            (one.index, one.stream_time_s, float(one.image.sum(dtype=np.int64)))
            for one in video.frames()
        ]


def ask_api(aws: Aws, engine: Engine, path: Path) -> tuple[dict[str, Any], bytes, bytes]:
    """Let the API analyse an upload in S3; return the summary and the tables' bytes."""
    log = Logger(service="test", stream=io.StringIO())
    api = Api(Service(AwsStorage(read_environment()), engine), BUCKET, Access("local"), log)
    folder = f"users/somebody/eye/{'a' * 32}/"
    aws.s3.put_object(Bucket=BUCKET, Key=f"{folder}original", Body=path.read_bytes())
    place = {"bucket": {"name": BUCKET}, "object": {"key": f"{folder}original"}}
    created = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": place}
    assert api.handle({"Records": [created]}, LocalContext(900)) == {"status": "success"}
    question = {"httpMethod": "GET", "path": f"/status/{'a' * 32}"}
    answer = json.loads(api.handle(question, LocalContext(60))["body"])
    assert answer["status"] == "completed", answer
    frames, blinks = (
        aws.s3.get_object(Bucket=BUCKET, Key=f"{folder}{name}.csv")["Body"].read()
        for name in ("frames", "blinks")
    )
    return answer["summary"], frames, blinks


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_its_plain_twin(
    kind: str, plain: Path, twin: Result, aws: Aws, engine: Engine, mesh: FaceMesh, tmp_path: Path
) -> None:
    """As a file, as a stream, read from S3, and analysed by the API."""
    path = KINDS[kind](plain, tmp_path)
    result = analyze(path, mesh)
    assert_twins(result, twin, hidden_s=1.0 if kind == "trimmed" else 0.0)
    codes = {one.code for one in result.summary.assessment.cautions}
    assert not codes & {"video_damaged", "video_cut_off", "several_videos"}

    frames = read_frames(path)
    assert len(frames) == result.track.times_s.size
    assert read_frames(io.BytesIO(path.read_bytes())) == frames
    files = result.save(tmp_path / "out", report=None)
    summary, frames_table, blinks_table = ask_api(aws, engine, path)
    assert frames_table == files["frames"].read_bytes()
    assert blinks_table == files["blinks"].read_bytes()
    ours = json.loads(files["summary"].read_text(encoding="utf-8"))
    for name in ("frames_processed", "blink_count", "vertical_peak_to_peak", "video_meta"):
        assert summary[name] == ours[name], name
    assert summary["assessment"]["status"] == ours["assessment"]["status"]
    stored = AwsStorage(read_environment()).open_file(f"users/somebody/eye/{'a' * 32}/original")
    assert read_frames(stored) == frames


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


@pytest.mark.parametrize("name", MATRICES)
def test_what_the_camera_saw_is_measured(
    name: str, plain: Path, seen_by_camera: dict[bool, Result], mesh: FaceMesh, tmp_path: Path
) -> None:
    """All eight files show the same, but where the matrix mirrors, that is a mirror image."""
    result = analyze(write_shown(plain, tmp_path, name), mesh)
    mirrored = "flipped" in name
    assert_twins(result, seen_by_camera[mirrored])
    assert result.summary.video_meta.mirrored == mirrored
    apart = np.abs(result.track.landmarks - seen_by_camera[mirrored].track.landmarks)
    assert np.quantile(apart, 0.99) < 0.3


def test_slow_motion_is_told(plain: Path, mesh: FaceMesh, tmp_path: Path) -> None:
    sampling = analyze(KINDS["slow motion"](plain, tmp_path), mesh).summary.sampling
    assert sampling.capture_fps == FPS
    assert sampling.slowed_down == pytest.approx(8, rel=0.01)
    assert sampling.effective_rate_hz == pytest.approx(FPS, rel=0.01)


def test_the_extended_task_is_analysed_whole(plain: Path, mesh: FaceMesh) -> None:
    """Of 240 frames, all are tracked, although `max_frames` is 100."""
    track = track_recording(plain, mesh, Parameters(task="extended", max_frames=100))
    assert (track.times_s.size, track.info.raised_step, track.info.complete) == (240, 0, True)


@pytest.mark.parametrize(
    ("step", "keep_step", "tracked", "covered"),
    [(1, False, 80, True), (1, True, 100, False), (2, False, 100, False)],
)
def test_a_long_recording_is_covered_unless_its_step_was_asked_for(
    step: int, keep_step: bool, tracked: int, covered: bool, plain: Path, mesh: FaceMesh
) -> None:
    parameters = Parameters(step=step, max_frames=100)
    track = track_recording(plain, mesh, parameters, keep_step=keep_step)
    assert track.times_s.size == tracked
    assert track.info.complete == covered
    # Of 240 frames, every third one fits.
    assert track.info.raised_step == (3 if covered else 0)
    codes = {one.code for one in measure_track(track, parameters, "").summary.assessment.cautions}
    assert ("step_raised" in codes) == covered
    assert ("max_frames_reached" in codes) != covered
