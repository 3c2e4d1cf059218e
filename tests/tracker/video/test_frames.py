"""The decoder, on clips made here: each frame shows its own index."""

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.containers import encode, remux, set_edits, shift
from tracker.lab.clip_spec import make_spec
from tracker.lab.synthetic import write_clip
from tracker.video.container import VideoOpenError
from tracker.video.ffmpeg import BITRATE_FRAMES
from tracker.video.frames import Video
from tracker.video.pixels import LazyImage
from tracker.video.times import TimeSource, repair_times

WIDTH, HEIGHT, BITS = 256, 64, 8
TIME_BASE = Fraction(1, 60_000)  # MPEG-4 part 2 takes no finer one


def draw_index(index: int) -> np.ndarray:
    """Write the index in binary, a black or white bar a bit, lowest bit first."""
    bits = [(index >> bit) & 1 for bit in range(BITS)]
    row = np.repeat(np.array(bits, dtype=np.uint8) * 255, WIDTH // BITS)
    return np.repeat(np.tile(row, (HEIGHT, 1))[:, :, np.newaxis], 3, axis=2)


def read_index(image: np.ndarray) -> int:
    centres = image[HEIGHT // 2, WIDTH // BITS // 2 :: WIDTH // BITS, 0]
    return int(sum((int(level) > 127) << bit for bit, level in enumerate(centres)))


def write_counting_clip(
    path: Path, pts_s: Sequence[float], codec: str = "libx264", **options: str
) -> Path:
    """Encode a frame for each time."""
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = TIME_BASE
        stream.time_base = TIME_BASE
        stream.options = options
        for index, time_s in enumerate(pts_s):
            frame = av.VideoFrame.from_ndarray(draw_index(index), format="bgr24")
            frame.pts = round(time_s / TIME_BASE)
            frame.time_base = TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def regular(count: int, fps: float = 30, start_s: float = 0) -> list[float]:
    return [start_s + n / fps for n in range(count)]


def read_all(path: Path, step: int = 1) -> tuple[list[int], list[int], np.ndarray, Video]:
    """Return the frames' claimed indices, drawn indices and repaired times, and the video."""
    claimed, drawn, repaired, video, source = read_repaired(path, step)
    assert source == "stream"
    return claimed, drawn, repaired, video


def read_repaired(
    path: Path, step: int = 1
) -> tuple[list[int], list[int], np.ndarray, Video, TimeSource]:
    """Return the same, and where the times come from."""
    with Video(path) as video:
        claimed, drawn, times_s = [], [], []
        for frame in video.frames(step):
            claimed.append(frame.index)
            drawn.append(read_index(frame.image))
            times_s.append(frame.stream_time_s)
    repaired, source = repair_times(np.array(times_s), np.array(claimed), video.info.fps)
    return claimed, drawn, repaired, video, source


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        (".mp4", "libx264", {"bf": "3", "g": "12"}),
        (".mp4", "libx264", {"bf": "0"}),
        (".mkv", "libx265", {"x265-params": "log-level=none:bframes=4"}),
        (".webm", "libvpx-vp9", {"deadline": "realtime"}),
        (".avi", "mpeg4", {}),
        (".mov", "mjpeg", {"strict": "-1"}),
    ],
)
def test_every_step_th_frame_is_the_one_it_claims_to_be(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, str], step: int
) -> None:
    path = write_counting_clip(tmp_path / f"clip{suffix}", regular(50), codec, **options)
    claimed, drawn, times_s, video = read_all(path, step)
    assert claimed == drawn == list(range(0, 50, step))
    np.testing.assert_allclose(times_s, np.arange(0, 50, step) / 30, atol=1.1e-3)
    assert (video.frames_decoded, video.frames_failed) == (50, 0)
    assert (video.info.width, video.info.height) == (WIDTH, HEIGHT)


def test_times_come_from_the_stream_at_a_variable_frame_rate(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    pts_s = np.cumsum(rng.uniform(0.01, 0.2, 60)) + 3.5  # begins at a time other than zero
    path = write_counting_clip(tmp_path / "vfr.mp4", pts_s.tolist(), bf="2")
    claimed, drawn, times_s, _ = read_all(path)
    assert claimed == drawn == list(range(60))
    np.testing.assert_allclose(times_s, pts_s - pts_s[0], atol=1e-3)


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".m1v", "mpeg1video"), (".m2v", "mpeg2video"), (".mpg", "mpeg1video"),
        (".vob", "mpeg2video"), (".ts", "mpeg2video"),
    ],
)  # fmt: skip
def test_frames_of_mpeg_that_have_no_time_are_where_they_belong(
    tmp_path: Path, suffix: str, codec: str, b_frames: int
) -> None:
    """Without a container, MPEG video has no times; in one, the last frame may have none."""
    path = tmp_path / f"clip{suffix}"
    images = [(draw_index(n), Fraction(n, 30)) for n in range(50)]
    encode(path, images, codec, clock_hz=30, bf=str(b_frames), qmin="1", qmax="2", b="20M")
    claimed, drawn, times_s, _, source = read_repaired(path)
    assert claimed == drawn == list(range(50))
    np.testing.assert_allclose(times_s, np.arange(50) / 30, atol=1e-3)
    assert source in ("stream", "stream_repaired")


def test_an_impossible_duration_in_an_mp4_leaves_the_rate_right(tmp_path: Path) -> None:
    """FFmpeg takes a frame of ten hours for one of a tick, so that no time after it is right."""
    plain = write_counting_clip(tmp_path / "plain.mp4", regular(40), bf="0")
    path = shift(plain, tmp_path / "long.mp4", lambda time_s: 36_000 if time_s > 0.99 else 0.0)
    claimed, drawn, times_s, _, source = read_repaired(path)
    assert claimed == drawn == list(range(40))
    np.testing.assert_allclose(times_s, np.arange(40) / 30, atol=1e-3)
    assert source == "frame_rate"


def test_times_below_zero_are_times(tmp_path: Path) -> None:
    plain = write_counting_clip(tmp_path / "plain.mp4", regular(60), bf="2")
    path = shift(plain, tmp_path / "shifted.ts", lambda _: -1.0)
    with av.open(path) as container:
        assert container.streams.video[0].start_time == -90_000
    claimed, drawn, times_s, video = read_all(path)
    assert claimed == drawn == list(range(60))
    np.testing.assert_allclose(times_s, np.arange(60) / 30, atol=1e-4)
    assert video.whole


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_gap_stays_a_gap(tmp_path: Path, suffix: str) -> None:
    """The recording was paused for five seconds."""
    plain = write_counting_clip(tmp_path / "plain.mp4", regular(40), bf="0")
    path = shift(plain, tmp_path / f"shifted{suffix}", lambda time_s: 5.0 if time_s > 0.99 else 0.0)
    claimed, drawn, times_s, video = read_all(path)
    assert claimed == drawn == list(range(40))
    expected = np.arange(40) / 30
    expected[30:] += 5
    np.testing.assert_allclose(times_s, expected, atol=1.1e-3)
    assert video.whole


@pytest.mark.parametrize(
    ("edits", "shown"),
    [
        ([(1.0, 1.0)], [*range(30, 60)]),  # trimmed at both ends
        ([(2.0, -1), (2.0, 0.0)], [*range(60)]),  # begins after a pause
        ([(0.5, 0.0), (0.5, 1.5)], [*range(15), *range(45, 60)]),  # a cut in the middle
    ],
)
def test_an_edit_list_is_what_is_shown(
    tmp_path: Path, edits: list[tuple[float, float]], shown: list[int]
) -> None:
    plain = write_counting_clip(tmp_path / "plain.mp4", regular(60), g="15", bf="0")
    path = set_edits(remux(plain, tmp_path / "edited.mp4"), edits)
    claimed, drawn, times_s, video = read_all(path)
    assert drawn == shown
    assert claimed == list(range(len(shown)))
    np.testing.assert_allclose(times_s, np.arange(len(shown)) / 30, atol=1e-3)
    assert (video.frames_failed, video.whole) == (0, True)
    assert video.info.frame_count == len(shown)


class _Pipe(io.RawIOBase):
    """Takes what is written once, and cannot go back."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        taken = bytes(data)  # type: ignore[call-overload]
        self.data += taken
        return len(taken)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_recording_that_a_browser_streams_has_its_times(tmp_path: Path, codec: str) -> None:
    """MediaRecorder's WebM: frames when they came, in the end neither a duration nor an index."""
    pts_s = np.cumsum(np.random.default_rng(8).uniform(0.015, 0.12, 60))
    fast = {"deadline": "realtime", "threads": "1"}
    whole = write_counting_clip(tmp_path / "whole.webm", pts_s.tolist(), codec, **fast)
    pipe = _Pipe()
    with (
        av.open(whole) as source,
        av.open(pipe, "w", format="webm", options={"live": "1"}) as live,
    ):
        stream = live.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                live.mux(packet)
    streamed = tmp_path / "streamed.webm"
    streamed.write_bytes(pipe.data)
    with av.open(streamed) as container:
        assert container.duration is None
    claimed, drawn, times_s, video = read_all(streamed)
    assert claimed == drawn == list(range(60))
    np.testing.assert_allclose(times_s, pts_s - pts_s[0], atol=1.1e-3)
    assert video.info.frame_count == 0


def test_rotation_metadata_is_applied(tmp_path: Path) -> None:
    path = write_counting_clip(tmp_path / "clip.mp4", regular(5))
    content = bytearray(path.read_bytes())
    # The track header's matrix (16.16 fixed point) follows 40 bytes after the box's type; this is
    # the one that phones write when held upright.
    matrix = content.index(b"tkhd") + 4 + 40
    content[matrix : matrix + 36] = struct.pack(
        ">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, HEIGHT << 16, 0, 1 << 30
    )
    path.write_bytes(content)
    with Video(path) as video:
        assert (video.info.width, video.info.height) == (HEIGHT, WIDTH)
        for frame in video.frames():
            assert frame.image.shape == (WIDTH, HEIGHT, 3)
            upright = cv2.rotate(frame.image, cv2.ROTATE_90_COUNTERCLOCKWISE)
            assert read_index(upright) == frame.index


def test_one_frame_is_alive_at_a_time(tmp_path: Path) -> None:
    path = write_counting_clip(tmp_path / "clip.mp4", regular(10))
    before: list[LazyImage] = []
    with Video(path) as video:
        for frame in video.frames():
            for picture in before:
                with pytest.raises(ValueError, match="the frame was released"):
                    picture[:, :]
            before.append(frame.pixels)
            assert read_index(frame.image) == frame.index
    assert len(before) == 10


def test_a_stream_is_read_like_a_file(tmp_path: Path) -> None:
    path = write_counting_clip(tmp_path / "clip.mp4", regular(10))
    with path.open("rb") as file, Video(file) as video:
        assert [read_index(frame.image) for frame in video.frames()] == list(range(10))


def test_what_follows_damage_is_used_and_what_is_damaged_is_counted(tmp_path: Path) -> None:
    # Every frame a key frame, so that each stands for itself.
    path = write_counting_clip(tmp_path / "clip.mp4", regular(60), g="1", bf="0")
    with av.open(path) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        start, stop = packets[20].pos, packets[29].pos + packets[29].size
    content = bytearray(path.read_bytes())
    content[start:stop] = bytes(stop - start)
    path.write_bytes(content)
    claimed, drawn, times_s, video = read_all(path)
    expected = [*range(20), *range(30, 60)]
    assert claimed == drawn == expected
    assert (video.frames_decoded, video.frames_failed) == (50, 10)
    np.testing.assert_allclose(times_s, np.array(expected) / 30, atol=1e-3)


def test_pixels_that_change_their_shape_on_the_way_are_stretched_as_they_say(
    tmp_path: Path,
) -> None:
    """First they are wide; then they are square, and the picture stands in the middle."""
    image = np.zeros((240, 240, 3), np.uint8)
    image[:, 60:180] = 255
    images = [(image, Fraction(n, 30)) for n in range(20)]
    parts = [
        encode(tmp_path / f"{aspect.numerator}.ts", images, "mpeg2video", aspect, 30, bf="0")
        for aspect in (Fraction(4, 3), Fraction(1))
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with Video(path) as video:
        assert (video.info.width, video.info.height) == (320, 240)
        rows = [frame.image[120, :, 1] > 127 for frame in video.frames()]
    spans = [(int(row.argmax()), int(row.sum())) for row in rows]
    np.testing.assert_allclose(spans[:20], [(80, 160)] * 20, atol=1)
    np.testing.assert_allclose(spans[20:], [(40 + 60, 120)] * 20, atol=1)


def test_frames_that_cannot_be_converted_are_counted_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_counting_clip(tmp_path / "clip.mp4", regular(6))
    with Video(path) as video:
        decoder = video._decoder
        take, calls = decoder.take, iter(range(6))
        monkeypatch.setattr(decoder, "take", lambda: take() if next(calls) not in (2, 3) else None)
        assert [frame.index for frame in video.frames()] == [0, 1, 4, 5]
        assert (video.frames_decoded, video.frames_failed) == (4, 2)


def test_a_truncated_file_gives_what_it_holds(tmp_path: Path) -> None:
    path = write_counting_clip(tmp_path / "clip.ts", regular(60), g="1", bf="0")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    claimed, drawn, _, video = read_all(path)
    assert 20 < len(claimed) < 40
    assert claimed == drawn == list(range(video.frames_decoded))


def test_dimensions_beyond_the_limit_are_refused_before_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_counting_clip(tmp_path / "clip.mp4", regular(2))
    monkeypatch.setattr("tracker.video.ffmpeg.MAX_FRAME_PIXELS", WIDTH * HEIGHT)
    Video(path).close()
    monkeypatch.setattr("tracker.video.ffmpeg.MAX_FRAME_PIXELS", WIDTH * HEIGHT - 1)
    with pytest.raises(VideoOpenError, match="Export it at 1920x1080"):
        Video(path)


def test_a_count_or_rate_that_cannot_be_meant_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_counting_clip(tmp_path / "clip.mp4", regular(20))
    with Video(path) as video:
        declared = video.info
    monkeypatch.setattr("tracker.video.frames.MAX_VIDEO_S", 19.5 / declared.fps)
    with Video(path) as video:
        assert (declared.frame_count, video.info.frame_count) == (20, 0)
        assert video.info.fps == declared.fps
    monkeypatch.setattr("tracker.video.frames.MAX_FPS", declared.fps - 1)
    with Video(path) as video:
        assert (video.info.fps, video.info.frame_count) == (0, 20)


def test_a_rate_that_cannot_be_meant_makes_no_recording_long(tmp_path: Path) -> None:
    """Two seconds would count as 60,000 frames, of which only every fifth one fits."""
    plain = write_counting_clip(tmp_path / "plain.mp4", regular(60), bf="0")
    with Video(remux(plain, tmp_path / "rate.mkv")) as video:
        assert video.info.fps > 10_000
        assert video.expected_frames == 0
        assert sum(1 for _ in video.frames()) == 60


def write_clip_with_sound(path: Path, codec: str, sound: str, noisy: int, plain: int) -> float:
    """Encode frames of noise, then plain ones; return the bits of the noisy ones' packets."""
    rng = np.random.default_rng(3)
    with av.open(path, "w") as container:
        fast = {"deadline": "realtime", "cpu-used": "8"} if "vpx" in codec else {}
        stream = container.add_stream(codec, rate=30, options=fast)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream(sound, rate=48_000, layout="mono")
        for index in range(noisy + plain):
            image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
            if index < noisy:
                image += rng.integers(0, 60, image.shape, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
            noise = rng.integers(-20_000, 20_000, (1, 1600)).astype(np.int16)
            samples = av.AudioFrame.from_ndarray(noise, format="s16p", layout="mono")
            samples.sample_rate = 48_000
            container.mux(audio.encode(samples))
        container.mux(stream.encode())
        container.mux(audio.encode())
    with av.open(path) as container:
        sizes = [packet.size for packet in container.demux(video=0) if packet.size]
    assert len(sizes) == noisy + plain
    return 8 * float(np.mean(sizes[:noisy]))


@pytest.mark.parametrize(
    ("suffix", "codec", "sound"),
    [
        (".mp4", "libx264", "aac"),
        (".mkv", "mpeg4", "pcm_s16le"),
        (".webm", "libvpx-vp9", "libopus"),
    ],
)
def test_the_bits_of_a_frame_are_those_of_the_picture_alone(
    suffix: str, codec: str, sound: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    expected = write_clip_with_sound(path, codec, sound, 40, 0)
    assert 8 * path.stat().st_size / 40 > 1.05 * expected
    with Video(path) as video:
        assert sum(1 for _ in video.frames()) == 40
        assert video.info.bits_per_frame == pytest.approx(expected)


def test_the_bits_are_those_of_the_first_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    # Plain frames count for hardly anything: all of them would make two fifths less.
    expected = write_clip_with_sound(path, "mpeg4", "pcm_s16le", BITRATE_FRAMES, 200)
    with Video(path) as video:
        assert sum(1 for _ in video.frames()) == BITRATE_FRAMES + 200
        assert video.info.bits_per_frame == pytest.approx(expected)


def test_frames_far_apart_are_counted_without_the_sound_between_them(tmp_path: Path) -> None:
    """A recording of a screen has no new frame while nothing moves; here, for 6000 packets."""
    path = tmp_path / "a.mkv"
    pts = [0, 1, 2, 902, 903, 904]
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        for index, at in enumerate(pts):
            frame = av.VideoFrame.from_ndarray(draw_index(index), format="bgr24")
            frame.pts, frame.time_base = at, Fraction(1, 30)
            container.mux(stream.encode(frame))
            for _ in range(6000 if index == 2 else 6):
                silence = np.zeros((1, 240), np.int16)
                samples = av.AudioFrame.from_ndarray(silence, format="s16p", layout="mono")
                samples.sample_rate = 48_000
                container.mux(audio.encode(samples))
        container.mux(stream.encode())
    claimed, drawn, times_s, video = read_all(path)
    assert claimed == drawn == [0, 1, 2, 3, 4, 5]
    assert times_s == pytest.approx([at / 30 for at in pts], abs=1e-3)
    assert video.frames_failed == 0


class _Breaking(io.BytesIO):
    """A stream that can be read only so often."""

    reads_left = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads_left -= 1
        if self.reads_left < 0:
            raise ConnectionResetError("gone")
        return super().read(size)


@pytest.mark.slow
def test_a_stream_that_breaks_off_is_its_own_error_and_no_short_video(tmp_path: Path) -> None:
    """An end that is none must not read as one."""
    path = tmp_path / "clip.mp4"
    write_clip(
        path, make_spec(1.0, fps=30.0, blinks_per_min=0.0, width=320, height=240, noise_std=20.0)
    )
    reads = 0
    for reads in range(1, 200):
        stream = _Breaking(path.read_bytes())
        stream.reads_left = reads
        try:
            with Video(stream) as video:
                count = sum(1 for _ in video.frames())
        except ConnectionResetError:
            continue
        assert count == 30
        break
    assert reads > 5
