"""Which stream is the recording, and what is refused of what a file says of itself."""

import io
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.containers import encode, read_images, remux
from tests.tracker.video.test_frames import read_all, regular, write_counting_clip
from tracker.video.boxes import UnknownSpeedError
from tracker.video.container import VideoOpenError
from tracker.video.frames import Video
from tracker.video.streams import choose_capture_fps
from tracker.video.times import check_recorded_at, compute_slowed_down


def write_two(path: Path, lengths: tuple[int, int], default: int | None) -> Path:
    """Write two videos of grey pictures, the first black and the second white."""
    with av.open(path, "w", options={"default_mode": "passthrough"}) as container:
        streams: list[Any] = []
        for n in range(2):
            stream: Any = container.add_stream("libx264", rate=30)
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            stream.disposition = av.stream.Disposition.default if n == default else 0
            streams.append(stream)
        for n, stream in enumerate(streams):
            for _ in range(lengths[n]):
                image = np.full((64, 64, 3), 255 * n, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
            container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("lengths", "default", "white", "recordings"),
    [
        ((10, 40), None, True, 2),
        ((40, 10), None, False, 2),
        ((40, 10), 1, True, 2),
        ((10, 40), 0, False, 2),
    ],
)
def test_the_default_or_else_the_longest_video_is_taken(
    tmp_path: Path, lengths: tuple[int, int], default: int | None, white: bool, recordings: int
) -> None:
    with Video(write_two(tmp_path / "two.mkv", lengths, default)) as video:
        assert video.recordings == recordings
        images = [frame.image.mean() for frame in video.frames()]
    assert len(images) == lengths[white]
    assert (np.mean(images) > 128) == white


@pytest.mark.parametrize("lengths", [(1, 40), (40, 1)])
def test_a_single_picture_in_matroska_is_no_recording(
    tmp_path: Path, lengths: tuple[int, int]
) -> None:
    with Video(write_two(tmp_path / "picture.mkv", lengths, None)) as video:
        assert video.recordings == 1
        assert sum(1 for _ in video.frames()) == 40


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("cover.mp4", ""),
        ("cover.mp4", "frag_keyframe"),
        ("cover.mp4", "frag_keyframe+empty_moov"),
        ("cover.mkv", ""),
    ],
)
def test_a_cover_before_the_video_is_no_recording(tmp_path: Path, name: str, flags: str) -> None:
    """In a fragmented file, the cover alone is marked as default, and no frames are counted."""
    plain = write_counting_clip(tmp_path / "plain.mp4", regular(60), g="15", bf="0")
    options = {"movflags": flags} if flags else {}
    with Video(remux(plain, tmp_path / name, cover=True, **options)) as video:
        assert video.recordings == 1
        assert sum(1 for _ in video.frames()) == 60


def test_absurd_pixels_are_refused_with_the_reason(tmp_path: Path) -> None:
    plain = write_counting_clip(tmp_path / "plain.mp4", regular(3))
    path = encode(tmp_path / "absurd.mp4", list(read_images(plain)), aspect=Fraction(9))
    with pytest.raises(VideoOpenError, match="9 times as wide as tall"):
        Video(path)


@pytest.mark.parametrize("rate", ["5000", "0.2", "1201"])
def test_rates_that_do_not_fit_together_are_refused(tmp_path: Path, rate: str) -> None:
    plain = write_counting_clip(tmp_path / "plain.mp4", regular(30))
    tag = {"com.android.capture.fps": rate}
    path = remux(plain, tmp_path / "tag.mp4", metadata=tag, movflags="use_metadata_tags")
    with pytest.raises(VideoOpenError, match="do not fit together"):
        Video(path)


@pytest.mark.parametrize("rate", ["", "none", "nan", "-30", "0"])
def test_a_rate_that_is_no_number_tells_nothing(tmp_path: Path, rate: str) -> None:
    plain = write_counting_clip(tmp_path / "plain.mp4", regular(30))
    tag = {"com.android.capture.fps": rate}
    path = remux(plain, tmp_path / "tag.mp4", metadata=tag, movflags="use_metadata_tags")
    with Video(path) as video:
        assert video.capture_fps == 0


NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-03-02T00:15:00.000000Z", "2026-03-02T00:15:00+00:00"),
        ("2026-03-02T09:15:00+0900", "2026-03-02T09:15:00+09:00"),
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00+00:00"),
        # A clock may be a day fast.
        ("2026-11-30T12:00:00Z", "2026-11-30T12:00:00+00:00"),
        ("2026-11-30T12:00:01Z", ""),
        ("1999-12-31T23:59:59Z", ""),
        ("2000-01-01T08:59:59+09:00", ""),
        ("1904-01-01T00:00:00Z", ""),
        ("1970-01-01T00:00:00Z", ""),
        ("9999-12-31T23:59:59-14:00", ""),
        ("2026-02-30T00:00:00Z", ""),
        ("2026-03-02T24:15:00Z", ""),
        ("2026-03-02T00:15:00", ""),
        ("2026-03-02T00:15:00+24:00", ""),
        ("2026-03-02", ""),
        ("2026-W10-1T00:15:00Z", ""),
        ("<script>alert(1)</script>", ""),
        ("٢٠٢٦-03-02T00:15:00Z", ""),
        ("2026-03-02T00:15:00Z" * 5000, ""),
        ("", ""),
    ],
)
def test_a_recordings_time_is_checked(text: str, shown: str) -> None:
    assert check_recorded_at(text, NOW) == shown


@pytest.mark.parametrize(
    ("metadata", "shown"),
    [
        ({}, ""),
        ({"creation_time": "2024-05-06T07:08:09Z"}, "2024-05-06T07:08:09+00:00"),
        # An iPhone's own tag has the place's time; what it cannot be is not taken.
        (
            {
                "creation_time": "2024-05-06T07:08:09Z",
                "com.apple.quicktime.creationdate": "2024-05-06T16:08:09+0900",
            },
            "2024-05-06T16:08:09+09:00",
        ),
        (
            {
                "creation_time": "2024-05-06T07:08:09Z",
                "com.apple.quicktime.creationdate": "<b>yesterday</b>",
            },
            "2024-05-06T07:08:09+00:00",
        ),
        ({"creation_time": "1980-05-06T07:08:09Z"}, ""),
        ({"creation_time": "2039-05-06T07:08:09Z"}, ""),
    ],
)
def test_the_recordings_time_is_the_containers(
    metadata: dict[str, str], shown: str, tmp_path: Path
) -> None:
    plain = write_counting_clip(tmp_path / "plain.mp4", regular(3))
    flags = "use_metadata_tags" if len(metadata) > 1 else "faststart"
    path = remux(plain, tmp_path / "dated.mp4", metadata=metadata, movflags=flags)
    with Video(path) as video:
        assert video.info.recorded_at == shown


@pytest.mark.parametrize(
    ("capture_fps", "played_fps", "slowed_down"),
    [
        (240, 30, 8),
        (120, 60, 2),
        (960, 30, 32),
        (30, 30, 1),
        (30, 15, 1),  # darkness
        (60, 30, 1),
        (240, 240, 1),
        (2, 30, 1 / 15),
        (24, 60, 1),
        (0, 30, 1),
    ],
)
def test_slow_motion_is_told_from_darkness(
    capture_fps: float, played_fps: float, slowed_down: float
) -> None:
    index = np.arange(0, 100, 2)
    ratio = compute_slowed_down(index / played_fps, index, capture_fps)
    assert ratio == pytest.approx(slowed_down)


@pytest.mark.parametrize(
    ("told", "meant"), [((0, 0), 0), ((30, 120), 120), ((120, 0), 120), ((119.88, 120), 120)]
)
def test_rates_of_two_places_are_one(told: tuple[float, float], meant: float) -> None:
    assert choose_capture_fps(*told) == choose_capture_fps(*told[::-1]) == meant


def test_two_rates_of_slow_motion_are_none() -> None:
    for told in ((120, 240), (960, 240)):
        with pytest.raises(UnknownSpeedError):
            choose_capture_fps(*told)


@pytest.mark.parametrize(("flags", "expected"), [("faststart", 30), ("frag_keyframe", 300)])
def test_sound_that_goes_on_is_no_longer_video(tmp_path: Path, flags: str, expected: int) -> None:
    """An index lists all frames; of a fragmented file, only the duration is known."""
    path = tmp_path / "sound.mp4"
    with av.open(path, "w", options={"movflags": flags}) as container:
        stream: Any = container.add_stream("libx264", rate=30, options={"g": "5", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        audio = container.add_stream("aac", rate=48_000, layout="mono")
        for _ in range(30):
            image = np.zeros((64, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 480_000), np.float32), "fltp", "mono")
        silence.sample_rate = 48_000
        container.mux(audio.encode(silence))
        container.mux(audio.encode())
    with Video(path) as video:
        assert video.expected_frames == pytest.approx(expected, rel=0.05)
        assert sum(1 for _ in video.frames()) == 30
        assert video.whole


def test_what_is_cut_off_is_told(tmp_path: Path) -> None:
    """An MP4 whose index stands before its frames, of which the last third is missing."""
    plain = write_counting_clip(tmp_path / "plain.mp4", regular(60), g="1", bf="0")
    path = remux(plain, tmp_path / "cut.mp4", movflags="faststart")
    content = path.read_bytes()
    whole = read_all(path)[3]
    assert whole.whole
    with Video(io.BytesIO(content[: len(content) * 2 // 3])) as video:
        count = sum(1 for _ in video.frames())
        assert 10 < count < 60
        assert not video.whole
