"""The synthetic clips: FaceMesh sees what is drawn, and the truth is what the file holds."""

import csv
import importlib.metadata
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import FACE_MESH_INDICES, EyeGeometry, compute_eye_geometry
from tests.made_tracks import make_track
from tracker.face.follow import FaceFollower
from tracker.face.mesh import FaceMesh
from tracker.face.region import region_of
from tracker.lab import clip_spec, drawing, portraits
from tracker.lab.clip_spec import (
    LEFT,
    RIGHT,
    ClipSpec,
    GazePhase,
    LidClosure,
    demo_spec,
    make_spec,
)
from tracker.lab.drawing import render_frame
from tracker.lab.synthetic import compute_truth, write_clip
from tracker.measures.analysis import analyze_track
from tracker.parameters import Parameters

SMALL: dict[str, Any] = {"width": 320, "height": 240}
NEVER_ENDING_S = 60.0


@pytest.fixture(scope="module")
def face_mesh() -> FaceMesh:
    return FaceMesh()


def measure(face_mesh: FaceMesh, images: list[clip_spec.Image]) -> EyeGeometry:
    landmarks, region = [], None
    for image in images:
        if region is None:
            (found,) = face_mesh.detect(image)
            first = face_mesh.find_landmarks(image, found)
            assert first is not None
            region = region_of(first)
        points = face_mesh.find_landmarks(image, region)
        assert points is not None
        region = region_of(points)
        landmarks.append(points[list(FACE_MESH_INDICES)])
    return compute_eye_geometry(np.array(landmarks))


def draw(
    closure: float = 0.0,
    vertical: float = 0.0,
    horizontal: float = 0.0,
    eyes: Any = "both",
    **fields: Any,
) -> clip_spec.Image:
    """Draw eyes that hold still, shape (height, width, 3)."""
    spec = ClipSpec(
        duration_s=NEVER_ENDING_S,
        closures=(LidClosure(0.0, NEVER_ENDING_S, closure, eyes),),
        gaze=(GazePhase(0.0, vertical, horizontal),),
        **fields,
    )
    return render_frame(spec, NEVER_ENDING_S / 2)


def fit(drawn: NDArray[np.float64], measured: NDArray[np.float64]) -> tuple[float, float]:
    """Return the slope of a line and its R²."""
    slope = float(np.polyfit(drawn, measured, 1)[0])
    return slope, float(np.corrcoef(drawn, measured)[0, 1] ** 2)


def read_pts_s(path: Path) -> NDArray[np.float64]:
    with av.open(path) as container:
        return np.array([frame.time for frame in container.decode(video=0)], dtype=np.float64)


# FaceMesh sees what is drawn


@pytest.mark.parametrize("zoom", [0.5, 1.0, 1.4])
@pytest.mark.parametrize("roll_deg", [0.0, 20.0])
def test_ear_falls_as_the_lids_close(face_mesh: FaceMesh, zoom: float, roll_deg: float) -> None:
    closures = (0.0, 0.25, 0.5, 0.75, 1.0)
    ear = measure(face_mesh, [draw(c, zoom=zoom, roll_deg=roll_deg) for c in closures]).ear
    assert ear[0] == pytest.approx([0.32, 0.32], abs=0.04)
    assert (np.diff(ear.mean(axis=1)) < 0).all()
    assert (ear[-1] < 0.1).all()


@pytest.mark.parametrize(("eyes", "shut", "open_"), [("left", LEFT, RIGHT), ("right", RIGHT, LEFT)])
def test_a_wink_shuts_the_subjects_own_eye(
    face_mesh: FaceMesh, eyes: str, shut: int, open_: int
) -> None:
    ear = measure(face_mesh, [draw(1.0, eyes=eyes)]).ear[0]
    assert ear[shut] < 0.15
    assert ear[open_] > 0.25


@pytest.mark.parametrize(
    "pose", [{}, {"zoom": 0.5}, {"zoom": 1.4}, {"roll_deg": 20.0}, {"roll_deg": -20.0}], ids=str
)
def test_measured_gaze_follows_the_drawn_one(face_mesh: FaceMesh, pose: dict[str, float]) -> None:
    drawn = np.linspace(-0.12, 0.12, 9)
    vertical = measure(face_mesh, [draw(vertical=v, **pose) for v in drawn]).vertical_offset
    horizontal = measure(face_mesh, [draw(horizontal=h, **pose) for h in drawn]).horizontal_offset
    # FaceMesh takes part of a look up or down for a nod: about 0.4 of it arrives, 0.8 sideways.
    for measured, low, high in ((vertical, 0.3, 0.6), (horizontal, 0.6, 1.0)):
        mean = measured.mean(axis=1)
        slope, r_squared = fit(drawn, mean)
        assert low < slope < high
        assert r_squared > 0.96
        assert (np.diff(mean[::2]) > 0).all()


def test_the_drawn_geometry_is_the_measured_one(face_mesh: FaceMesh) -> None:
    geometry = measure(face_mesh, [draw(roll_deg=roll) for roll in (-20.0, 0.0, 15.0)])
    assert geometry.head_roll_deg == pytest.approx([-20.0, 0.0, 15.0], abs=1.0)
    # The portrait's canthal distances, 19.3 and 18.5 px, at 720 / 180 = 4 times its size.
    assert geometry.canthal_distance_px.mean(axis=0) == pytest.approx([77.3, 73.9], rel=0.07)
    assert geometry.vertical_offset[1].mean() == pytest.approx(-0.05, abs=0.02)


def test_blinks_do_not_look_like_gaze(face_mesh: FaceMesh) -> None:
    spec = make_spec(6.0, blinks_per_min=30.0, gaze_amplitude=0.0, noise_std=3.0, sway_px=4.0)
    truth = compute_truth(spec)
    geometry = measure(face_mesh, [render_frame(spec, float(t)) for t in truth.times_s[::3]])
    is_open = truth.closure[::3].max(axis=1) == 0
    low, high = np.percentile(geometry.vertical_offset.mean(axis=1)[is_open], (5, 95))
    assert high - low < 0.02
    assert not is_open.all()


@pytest.mark.slow
@pytest.mark.parametrize("fps", [30.0, pytest.param(60.0, marks=pytest.mark.long)])
def test_blinks_last_as_long_as_drawn(face_mesh: FaceMesh, fps: float) -> None:
    spec = make_spec(8.0, fps=fps, blinks_per_min=60, width=320, height=320, seed=5, sway_px=3.0)
    times_s = compute_truth(spec).times_s
    follower = FaceFollower(face_mesh, times_s.size, 1)
    for time_s in times_s:
        follower.add(render_frame(spec, float(time_s)))
    track = make_track(follower.result().landmarks, fps)
    analysis = analyze_track(track, Parameters())
    drawn_s = [event.duration_s for event in spec.closures]
    assert analysis.measures.blink_count == len(drawn_s) == 8
    closures = analysis.events.closures
    errors_s = closures.offset_s - closures.onset_s - drawn_s
    print(f"{fps:g} a second: {1000 * np.median(errors_s):+.0f} ms, {1000 * errors_s.std():.0f} ms")
    assert np.median(errors_s) == pytest.approx(0, abs=0.02)
    assert analysis.measures.blink_duration_median_s == pytest.approx(np.median(drawn_s), abs=0.02)


def test_a_dropout_has_no_face(face_mesh: FaceMesh) -> None:
    spec = ClipSpec(duration_s=2.0, dropouts_s=((0.5, 1.0),), noise_std=2.0)
    faces = [len(face_mesh.detect(render_frame(spec, t))) for t in (0.49, 0.5, 0.99, 1.0)]
    assert faces == [1, 0, 0, 1]
    present = compute_truth(spec).face_present
    assert np.flatnonzero(~present).tolist() == list(range(15, 30))


# The truth is what was commanded


def test_closure_has_the_commanded_course() -> None:
    # 0.4 s: closes in 0.10, stays shut for 0.10, opens in 0.20.
    event = LidClosure(onset_s=1.0, duration_s=0.4, depth=0.8)
    times_s = np.array([0.9, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5])
    expected = [0.0, 0.0, 0.4, 0.8, 0.8, 0.8, 0.4, 0.0, 0.0]
    assert event.closure_at(times_s) == pytest.approx(expected, abs=1e-12)
    assert event.peak_s == pytest.approx(1.15)
    both = ClipSpec(closures=(event, LidClosure(1.0, 0.4, 0.5, "left"))).closure_at(1.15)
    assert both == pytest.approx([0.8, 0.8])


def test_events_name_the_frames_that_show_them() -> None:
    # 100 frames a second; closing ends at 1.10, opening starts at 1.20. The raised cosine
    # (1 - cos(pi x)) / 2 passes 0.05 at x = 0.1436 and 0.9 at x = 0.7952.
    spec = ClipSpec(
        duration_s=4.0,
        fps=100.0,
        closures=(LidClosure(1.0, 0.4), LidClosure(2.0, 1.0, eyes="right")),
        start_time_s=5.0,
    )
    blink, wink = compute_truth(spec).closures
    assert (blink.onset_s, blink.offset_s) == pytest.approx((6.0, 6.4))
    assert (blink.start, blink.closed_first, blink.peak) == (102, 108, 115)
    assert (blink.closed_last, blink.end) == (124, 137)
    assert (blink.kind, wink.kind) == ("blink", "long_closure")
    assert wink.eyes == "right"
    assert (compute_truth(spec).closure[205:295].max(axis=0) == [0.0, 1.0]).all()


def test_an_event_without_a_frame_names_none() -> None:
    spec = ClipSpec(duration_s=2.0, closures=(LidClosure(0.5, 0.3),), dropouts_s=((0.4, 0.9),))
    (event,) = compute_truth(spec).closures
    assert (event.start, event.peak, event.end) == (None, None, None)


def test_gaze_moves_by_saccades_between_phases() -> None:
    spec = ClipSpec(gaze=(GazePhase(0.0, 0.1), GazePhase(1.0, -0.1, 0.05)))
    vertical, horizontal = spec.gaze_at([0.0, 1.0, 1.04, 1.08, 9.0])
    assert vertical == pytest.approx([0.1, 0.1, 0.0, -0.1, -0.1])
    assert horizontal == pytest.approx([0.0, 0.0, 0.025, 0.05, 0.05])


def test_fissure_follows_lids_and_gaze() -> None:
    spec = ClipSpec(
        duration_s=4.0,
        closures=(LidClosure(1.0, 1.0),),
        gaze=(GazePhase(0.0, 0.0), GazePhase(3.0, 0.1)),
        lid_follow=0.6,
    )
    fissure = compute_truth(spec).fissure[:, LEFT]
    # Open 0.225 + 0.125; shut; looking down by 0.1, a healthy person's fissure narrows by 0.34 of
    # itself times 0.1 over sin(40 degrees) / 3, and this person's by 0.6 of that.
    narrowing = 0.34 * 0.1 / (0.6427876 / 3)
    assert fissure[[0, 45, 110]] == pytest.approx([0.35, 0.0, 0.35 * (1 - 0.6 * narrowing)])


def test_protocol_blinks_stay_apart_and_inside() -> None:
    spec = make_spec(30.0, blinks_per_min=60.0, gaze_amplitude=0.2, seed=3)
    assert len(spec.closures) == 30
    for event, following in zip(spec.closures, spec.closures[1:], strict=False):
        assert event.offset_s < following.onset_s
    assert spec.closures[-1].offset_s <= 30.0
    starts = [(phase.start_s, phase.vertical) for phase in spec.gaze]
    assert starts == [(0.0, 0.0), (7.5, -0.2), (15.0, 0.0), (22.5, 0.2)]
    kinds = [event.kind for event in compute_truth(demo_spec()).closures]
    assert kinds.count("long_closure") == 1
    assert kinds.count("blink") >= 4


def test_same_seed_same_frames() -> None:
    spec = make_spec(2.0, noise_std=3.0, blur_sigma_px=0.8, sway_px=3.0, seed=7, **SMALL)
    frame = render_frame(spec, 0.7)
    drawing._renderer.cache_clear()
    again = render_frame(
        make_spec(2.0, noise_std=3.0, blur_sigma_px=0.8, sway_px=3.0, seed=7, **SMALL), 0.7
    )
    assert (frame == again).all()
    other = render_frame(
        make_spec(2.0, noise_std=3.0, blur_sigma_px=0.8, sway_px=3.0, seed=8, **SMALL), 0.7
    )
    assert (frame != other).any()


def test_noise_and_blur_have_the_commanded_size() -> None:
    clean = render_frame(ClipSpec(**SMALL), 0.0).astype(int)
    noisy = render_frame(ClipSpec(noise_std=4.0, **SMALL), 0.0).astype(int)
    middle = (clean > 30) & (clean < 225)
    assert (noisy - clean)[middle].std() == pytest.approx(4.0, rel=0.05)
    blurred = render_frame(ClipSpec(blur_sigma_px=3.0, **SMALL), 0.0).astype(int)
    assert np.abs(np.diff(blurred, axis=1)).mean() < 0.7 * np.abs(np.diff(clean, axis=1)).mean()


def test_a_moving_eye_is_smeared_by_the_exposure_and_only_while_it_moves() -> None:
    """The eye moves by 0.1 within 80 ms from 1 s on, in the middle of a frame's exposure."""
    gaze = (GazePhase(1.0, 0.1),)
    sharp, exposed = (
        ClipSpec(gaze=gaze, exposure_s=exposure_s, **SMALL) for exposure_s in (0.0, 0.08)
    )
    for time_s in (0.5, 1.5):
        assert (render_frame(sharp, time_s) == render_frame(exposed, time_s)).all()
    shown = render_frame(exposed, 1.0).astype(int)
    frames = [render_frame(sharp, time_s).astype(int) for time_s in exposed.exposed_at(1.0, 0.0)]
    assert np.abs(shown - np.mean(frames, axis=0)).max() <= 0.5 + 1e-9
    assert np.abs(shown - render_frame(sharp, 1.04)).max() > 20


def test_lower_rows_are_read_later() -> None:
    """Rolled to the side, the eyes lie at different heights: the lower one is ahead in time."""
    gaze = (GazePhase(1.0, 0.0, 0.15),)
    still, rolling = (
        ClipSpec(gaze=gaze, roll_deg=90.0, readout_s=readout_s, **SMALL)
        for readout_s in (0.0, 0.08)
    )
    moved = render_frame(rolling, 0.98).astype(int) - render_frame(still, 0.98)
    upper, lower = np.split(np.abs(moved), 2)
    assert lower.sum() > 2 * upper.sum() > 0


# The file holds what the truth says


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("clip.mp4", "h264"),
        ("clip.mov", "h264"),
        ("clip.mkv", "h264"),
        ("clip.mp4", "hevc"),
        ("clip.webm", "vp9"),
        ("clip.mp4", "av1"),
        ("clip.mp4", "mpeg4"),
    ],
)
def test_file_has_the_timestamps_of_the_truth(tmp_path: Path, name: str, codec: str) -> None:
    spec = make_spec(1.0, vfr=True, start_time_s=1.5, codec=codec, **SMALL)
    truth = write_clip(tmp_path / name, spec)
    assert read_pts_s(tmp_path / name) == pytest.approx(truth.times_s, abs=1e-9)
    assert truth.times_s[0] == 1.5
    assert 20 <= truth.times_s.size < 30
    assert np.diff(truth.times_s).min() > 0
    assert np.diff(truth.times_s).std() > 0.005


def test_constant_rate_is_exact(tmp_path: Path) -> None:
    truth = write_clip(tmp_path / "clip.mp4", make_spec(1.0, fps=30000 / 1001, **SMALL))
    assert truth.times_s == pytest.approx(np.arange(30) * 1001 / 30000, abs=1e-12)
    assert read_pts_s(tmp_path / "clip.mp4") == pytest.approx(truth.times_s, abs=1e-12)


def test_h264_has_b_frames(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", make_spec(1.0, **SMALL))
    with av.open(tmp_path / "clip.mp4") as container:
        pts = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert pts != sorted(pts)


@pytest.mark.parametrize("codec", clip_spec.ENCODERS)
def test_quality_decides_the_size(tmp_path: Path, codec: str) -> None:
    sizes = []
    for crf in (10, 40):
        path = tmp_path / f"{crf}.mp4"
        write_clip(path, make_spec(0.3, codec=codec, crf=crf, noise_std=3.0, **SMALL))
        sizes.append(path.stat().st_size)
    assert sizes[1] < 0.7 * sizes[0]


def test_a_repeated_clip_is_the_clip_again(tmp_path: Path) -> None:
    spec = make_spec(1.0, blinks_per_min=60.0, **SMALL)
    seen: list[tuple[int, int]] = []
    truth = write_clip(
        tmp_path / "clip.mp4",
        spec,
        repeats=3,
        on_progress=lambda done, all_: seen.append((done, all_)),
    )
    assert seen == [(n, 30) for n in range(1, 31)]
    assert read_pts_s(tmp_path / "clip.mp4") == pytest.approx(np.arange(90) / 30, abs=1e-9)
    assert [event.start for event in truth.closures] == pytest.approx(
        [truth.closures[0].start + 30 * n for n in range(3)]  # type: ignore[operator]
    )
    assert truth.closures[2].peak_s == pytest.approx(truth.closures[0].peak_s + 2.0)
    with av.open(tmp_path / "clip.mp4") as container:
        images = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert (images[7] == images[67]).all()


def test_decoded_frames_are_the_rendered_ones(tmp_path: Path) -> None:
    spec = make_spec(0.5, blinks_per_min=60.0, crf=10, **SMALL)
    truth = write_clip(tmp_path / "clip.mp4", spec)
    with av.open(tmp_path / "clip.mp4") as container:
        for frame, time_s in zip(container.decode(video=0), truth.times_s, strict=True):
            image = frame.to_ndarray(format="bgr24").astype(int)
            assert np.abs(image - render_frame(spec, float(time_s))).mean() < 4


def test_truth_is_written_beside_the_clip(tmp_path: Path) -> None:
    spec = ClipSpec(
        duration_s=2.0,
        fps=30.0,
        closures=(LidClosure(0.5, 0.4), LidClosure(1.2, 0.4, eyes="left"), LidClosure(5.0, 0.4)),
        **SMALL,
    )
    truth = write_clip(tmp_path / "clip.mp4", spec)
    with (tmp_path / "clip.truth.blinks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0].values()) == ["16", "19", "26", "18", "22", "blink", "high", ""]
    assert [row["note"] for row in rows] == ["", "wink: left eye only"]
    document = json.loads((tmp_path / "clip.truth.json").read_text())
    assert document["frames"]["time_s"] == truth.times_s.tolist()
    assert document["frames"]["closure_left"] == truth.closure[:, LEFT].tolist()
    assert document["frames"]["closure_right"] == truth.closure[:, RIGHT].tolist()
    assert len(document["closures"]) == 3
    assert document["spec"]["closures"][1]["eyes"] == "left"


# What is refused


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"zoom": 9.0}, "zoom = 9.0: must be from 0.2 to 3.0"),
        ({"fps": float("nan")}, "fps = nan"),
        ({"width": 321}, "width = 321: must be even"),
        ({"width": 640.0}, "width = 640.0: must be a whole number"),
        ({"codec": "gif"}, "codec = 'gif': must be one of h264"),
        ({"face": "nobody"}, "face = 'nobody': must be one of astronaut, officer, "),
        ({"lid_follow": 1.1}, "lid_follow = 1.1: must be from 0.0 to 1.0"),
        ({"dropouts_s": ((1.0, 1.0),)}, "dropouts_s"),
        ({"gaze": (GazePhase(2.0, 0.0), GazePhase(1.0, 0.0))}, "in order of time"),
        ({"blinks_per_min": 90.0}, "blinks_per_min = 90.0: must be from 0.0 to 60.0"),
        ({"gaze_amplitude": 0.5}, "gaze_amplitude = 0.5"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_bad_value_is_named_with_its_range(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_spec(2.0, **fields)


def test_a_bad_closure_is_refused() -> None:
    with pytest.raises(ValueError, match=r"depth = 1\.5: must be from 0\.0 to 1\.0"):
        LidClosure(0.0, 0.3, depth=1.5)
    with pytest.raises(ValueError, match="eyes = 'both eyes'"):
        LidClosure(0.0, 0.3, eyes="both eyes")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "message"),
    [("clip.avi", r"must end in one of \.mp4"), ("clip.webm", "holds vp9 or av1")],
)
def test_a_container_that_does_not_fit_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_clip(tmp_path / name, make_spec(1.0, **SMALL))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("face", "package"), [("astronaut", "scikit-image"), ("officer", "matplotlib")]
)
def test_a_missing_portrait_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, face: str, package: str
) -> None:
    def not_installed(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", not_installed)
    with pytest.raises(clip_spec.SyntheticSetupError, match=f"pip install {package}"):
        portraits.load_portrait.__wrapped__(face)
