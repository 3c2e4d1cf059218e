"""Tracks: saved, loaded, concatenated; hostile files refused."""

import contextlib
import dataclasses
import json
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kernels.opening import MAX_GAP_S
from tests.lengths import thin
from tests.made_tracks import GOOD_IMAGE, make_landmarks, make_track
from tracker.protocol import Phase
from tracker.tracks.archive import TrackFileError, load_track, save_track
from tracker.tracks.track import Track, concatenate_tracks
from tracker.video.container import InputNotFoundError
from tracker.video.frames import VideoInfo

VIDEO = dataclasses.asdict(VideoInfo(640, 480, 30.0, 40, 5000.0))
QUALITY = dataclasses.asdict(GOOD_IMAGE)


@pytest.fixture
def track(rng: np.random.Generator) -> Track:
    landmarks = make_landmarks(rng.uniform(0.1, 0.3, 40), rng.uniform(-0.1, 0.1, 40))
    landmarks[7] = np.nan
    return dataclasses.replace(
        make_track(landmarks, frames_failed=3, other_face_ratio=0.25),
        picture_sample=np.array([0, 10, 20, 30]),
        picture_heights=np.array([(0, 0), (0.1, np.nan), (0.1, 0.2), (-0.1, 0)], np.float32),
    )


def assert_equal(one: Track, other: Track) -> None:
    np.testing.assert_array_equal(one.frame_index, other.frame_index)
    np.testing.assert_array_equal(one.times_s, other.times_s)
    np.testing.assert_array_equal(one.landmarks, other.landmarks)
    np.testing.assert_array_equal(one.picture_sample, other.picture_sample)
    np.testing.assert_array_equal(one.picture_heights, other.picture_heights)
    assert one.info == other.info


def test_a_saved_track_comes_back_bit_for_bit(track: Track, tmp_path: Path) -> None:
    save_track(track, tmp_path / "a.track.npz")
    assert_equal(load_track(tmp_path / "a.track.npz"), track)


def test_what_was_not_measured_of_the_picture_stays_so(track: Track, tmp_path: Path) -> None:
    quality = dataclasses.replace(GOOD_IMAGE, sharpness=math.nan)
    save_track(
        dataclasses.replace(track, info=dataclasses.replace(track.info, image_quality=quality)),
        tmp_path / "a.npz",
    )
    with np.load(tmp_path / "a.npz") as arrays:
        assert json.loads(str(arrays["header"]))["picture"]["sharpness"] is None
    loaded = load_track(tmp_path / "a.npz").info.image_quality
    assert math.isnan(loaded.sharpness)
    assert loaded.face_grey == GOOD_IMAGE.face_grey


def test_a_track_of_an_earlier_version_has_no_pictures(track: Track, tmp_path: Path) -> None:
    save_track(track, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as arrays:
        kept = {name: arrays[name] for name in arrays if not name.startswith("picture")}
    np.savez_compressed(tmp_path / "old.npz", **kept)
    loaded = load_track(tmp_path / "old.npz")
    assert loaded.picture_sample.size == loaded.picture_heights.size == 0
    np.testing.assert_array_equal(loaded.landmarks, track.landmarks)


def test_a_saved_track_is_small(tmp_path: Path) -> None:
    save_track(make_track(make_landmarks(np.full(12_000, 0.3), 0)), tmp_path / "a.npz")
    assert (tmp_path / "a.npz").stat().st_size < 4.5e6


@pytest.mark.parametrize(
    "kind", ["random", "empty", "truncated", "zip of nothing", "other npz", "pickle", "directory"]
)
def test_what_is_no_track_is_refused(kind: str, track: Track, tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    if kind == "random":
        path.write_bytes(np.random.default_rng(0).bytes(5000))
    elif kind == "empty":
        path.touch()
    elif kind == "truncated":
        save_track(track, path)
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "zip of nothing":
        zipfile.ZipFile(path, "w").close()
    elif kind == "other npz":
        np.savez(path, a=np.zeros(3))
    elif kind == "pickle":
        np.savez(path, header=np.array([{"format": 1}], dtype=object))
    else:
        path.mkdir()
    error = InputNotFoundError if kind == "directory" else TrackFileError
    with pytest.raises(error, match=r"Make it again from the video|is a directory"):
        load_track(path)


@pytest.mark.parametrize(
    "change",
    [
        {"times_s": np.zeros(40)},
        {"times_s": np.full(40, np.nan)},
        {"times_s": np.arange(40) / 30 + 5},
        {"times_s": np.arange(40) / 30 - 1},
        {"frame_index": np.zeros(40, np.int64)},
        {"landmarks": np.zeros((40, 3, 2), np.float32)},
        {"landmarks": np.zeros((40, 40, 2), np.float64)},
        {"landmarks": np.zeros((39, 40, 2), np.float32)},
        {"landmarks": np.full((40, 40, 2), np.inf, np.float32)},
        {"picture_sample": np.array([0, 10, 20, 40])},
        {"picture_sample": np.array([-1, 10, 20, 30])},
        {"picture_sample": np.array([0, 20, 10, 30])},
        {"picture_sample": np.array([0.0, 10.0, 20.0, 30.0])},
        {"picture_heights": np.zeros((3, 2), np.float32)},
        {"picture_heights": np.zeros((4, 2))},
        {"picture_heights": np.full((4, 2), np.inf, np.float32)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    change: dict[str, np.ndarray], track: Track, tmp_path: Path
) -> None:
    save_track(dataclasses.replace(track, **change), tmp_path / "bad.npz")
    with pytest.raises(TrackFileError):
        load_track(tmp_path / "bad.npz")


@pytest.mark.parametrize("seed", thin(range(40), 2))
def test_damage_anywhere_is_a_named_error_or_nothing(
    seed: int, track: Track, tmp_path: Path
) -> None:
    path = tmp_path / "a.npz"
    save_track(track, path)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for index in rng.integers(0, len(content), 1 + seed % 8):
        content[index] = rng.integers(0, 256)
    path.write_bytes(content)
    with contextlib.suppress(TrackFileError):
        assert_equal(load_track(path), track)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", 0),
        ("step", "x"),
        ("step", True),
        ("frames_decoded", None),
        ("frames_failed", -1),
        ("time_source", "guess"),
        ("complete", "yes"),
        ("video_sha256", None),
        ("video_sha256", "<b>"),
        ("other_face_ratio", None),
        ("other_face_ratio", -3),
        ("other_face_ratio", float("nan")),
        ("picture", None),
        ("picture", {}),
        ("picture", QUALITY | {"sharpness": -1}),
        ("picture", QUALITY | {"sharpness": float("nan")}),
        ("picture", QUALITY | {"sharpness": float("inf")}),
        ("picture", QUALITY | {"face_grey": "120"}),
        ("picture", QUALITY | {"face_grey": True}),
        ("picture", QUALITY | {"another": 1}),
        ("video", []),
        ("video", {"width": 1, "height": 1, "fps": 30, "frame_count": 1}),
        ("video", VIDEO | {"width": 0}),
        ("video", VIDEO | {"recorded_at": None}),
        ("video", VIDEO | {"recorded_at": 0}),
        ("video", VIDEO | {"recorded_at": "<b>"}),
        ("video", VIDEO | {"recorded_at": "1904-01-01T00:00:00+00:00"}),
        ("video", VIDEO | {"recorded_at": "2024-05-06T07:08:09Z"}),
        ("video", VIDEO | {"bits_per_frame": -1}),
        ("video", VIDEO | {"bits_per_frame": None}),
        ("video", VIDEO | {"fps": float("inf")}),
        ("video", VIDEO | {"frame_count": None}),
        ("video", VIDEO | {"width": 10**400}),
        ("video", VIDEO | {"width": 4097, "height": 4096}),
        ("video", VIDEO | {"fps": True}),
        ("video", VIDEO | {"fps": 10**400}),
        ("video", VIDEO | {"fps": 1e300}),
        ("video", VIDEO | {"fps": 1e-300, "frame_count": 10**9}),
        ("video", VIDEO | {"fps": 1.0, "frame_count": 24 * 3600 + 1}),
        ("video", VIDEO | {"fps": 0.0, "frame_count": 10**9}),
        ("video", VIDEO | {"bits_per_frame": 10**400}),
        ("video", VIDEO | {"bits_per_frame": True}),
        ("other_face_ratio", True),
        ("other_face_ratio", 10**400),
        ("picture", QUALITY | {"eye_contrast": 10**400}),
        ("step", 10**400),
        ("frames_decoded", 10**9),
        ("protocol", [{"phase": "x", "start_s": 0, "end_s": 1}]),
    ],
)
def test_header_values_are_checked(name: str, value: object, track: Track, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_track(track, path)
    with np.load(path) as arrays:
        contents = dict(arrays)
    header = json.loads(str(contents["header"])) | {name: value}
    np.savez(path, **(contents | {"header": np.array(json.dumps(header))}))
    with pytest.raises(TrackFileError, match="Make it again from the video"):
        load_track(path)


@pytest.mark.parametrize(
    "video",
    [
        VideoInfo(4096, 4096, 240.0, 24 * 3600 * 240),
        VideoInfo(640, 480, 90_000.0, 40),
        VideoInfo(640, 480, 0.0, 0),
        VideoInfo(32, 32, 0.5, 40),
        VideoInfo(640, 480, 30.0, 40, recorded_at="2024-05-06T16:08:09+09:00"),
    ],
)
def test_what_containers_declare_is_no_damage(
    video: VideoInfo, track: Track, tmp_path: Path
) -> None:
    info = dataclasses.replace(track.info, video=video)
    save_track(dataclasses.replace(track, info=info), tmp_path / "a.npz")
    assert load_track(tmp_path / "a.npz").info == info


def test_a_track_from_before_times_were_read_has_none(track: Track, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_track(track, path)
    with np.load(path) as arrays:
        contents = dict(arrays)
    header = json.loads(str(contents["header"]))
    del header["video"]["recorded_at"]
    np.savez(path, **(contents | {"header": np.array(json.dumps(header))}))
    assert load_track(path).info.video.recorded_at == ""


def test_a_header_that_is_no_object_is_refused(track: Track, tmp_path: Path) -> None:
    for header in ("[]", "1", "null", "{", "[" * 100_000):
        np.savez(tmp_path / "a.npz", header=np.array(header))
        with pytest.raises(TrackFileError):
            load_track(tmp_path / "a.npz")


def test_the_protocol_goes_with_the_track(track: Track, tmp_path: Path) -> None:
    info = dataclasses.replace(track.info, protocol=(Phase("up", 0, 1.5), Phase("down", 2, 3)))
    track = dataclasses.replace(track, info=info)
    save_track(track, tmp_path / "a.npz")
    assert_equal(load_track(tmp_path / "a.npz"), track)


@pytest.mark.parametrize("version", [1, 99])
def test_another_version_says_so(version: int, track: Track, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    header = json.dumps({"format": version, "landmarks": []})
    np.savez(path, header=np.array(header), times_s=track.times_s)
    with pytest.raises(TrackFileError, match="another version"):
        load_track(path)


def test_what_unpacks_to_too_much_is_refused_before_it_is_read(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_track(track, tmp_path / "a.npz")
    monkeypatch.setattr("tracker.tracks.archive.MAX_TRACK_BYTES", 100)
    with pytest.raises(TrackFileError, match="unpacks to over"):
        load_track(tmp_path / "a.npz")


def test_concatenated_tracks_continue_with_a_gap(track: Track) -> None:
    whole = concatenate_tracks([track, track, track])
    assert whole.times_s.size == 120
    assert (np.diff(whole.frame_index) > 0).all()
    steps_s = np.diff(whole.times_s)
    np.testing.assert_allclose(np.delete(steps_s, [39, 79]), 1 / 30)
    assert (steps_s[[39, 79]] > MAX_GAP_S).all()
    np.testing.assert_array_equal(whole.landmarks[40:80], track.landmarks)
    expected = (np.arange(3)[:, None] * 40 + track.picture_sample).ravel()
    np.testing.assert_array_equal(whole.picture_sample, expected)
    np.testing.assert_array_equal(whole.picture_heights[4:8], track.picture_heights)
    assert (whole.info.frames_decoded, whole.info.frames_failed) == (120, 9)
    assert whole.info.video.frame_count == 120


def test_concatenated_tracks_have_the_worst_picture(track: Track) -> None:
    def with_image(bits_per_frame: float, **values: float) -> Track:
        info = dataclasses.replace(
            track.info,
            image_quality=dataclasses.replace(GOOD_IMAGE, **values),
            video=dataclasses.replace(track.info.video, bits_per_frame=bits_per_frame),
        )
        return dataclasses.replace(track, info=info)

    info = concatenate_tracks(
        [with_image(900, sharpness=0.1), with_image(500, clipped_share=0.9)]
    ).info
    expected = dataclasses.replace(GOOD_IMAGE, sharpness=0.1, clipped_share=0.9)
    assert (info.image_quality, info.video.bits_per_frame) == (expected, 500)


def test_concatenating_one_or_an_empty_one_changes_nothing(track: Track) -> None:
    assert_equal(concatenate_tracks([track]), track)
    nothing = make_track(np.empty((0, 40, 2), np.float32))
    np.testing.assert_array_equal(concatenate_tracks([nothing, track]).times_s, track.times_s)


def test_tracks_that_do_not_fit_together_are_refused(track: Track) -> None:
    other_size = dataclasses.replace(
        track, info=dataclasses.replace(track.info, video=VideoInfo(1, 2, 30, 40))
    )
    for tracks in ([], [track, other_size]):
        with pytest.raises(ValueError, match="track"):
            concatenate_tracks(tracks)
