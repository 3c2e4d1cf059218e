"""The decoder, on clips made here: each frame shows its own index."""

import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tracker.lab.clip_spec import make_spec
from tracker.lab.synthetic import write_clip
from tracker.video.container import ImageOpenError, InputNotFoundError, VideoOpenError
from tracker.video.ffmpeg import BITRATE_FRAMES, LazyImage
from tracker.video.frames import Video
from tracker.video.stills import read_image
from tracker.video.times import repair_times

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
    with Video(path) as video:
        claimed, drawn, times_s = [], [], []
        for frame in video.frames(step):
            claimed.append(frame.index)
            drawn.append(read_index(frame.image))
            times_s.append(frame.stream_time_s)
    repaired, source = repair_times(np.array(times_s), np.array(claimed), video.info.fps)
    assert source == "stream"
    return claimed, drawn, repaired, video


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
    whole = write_counting_clip(tmp_path / "whole.webm", pts_s.tolist(), codec, deadline="realtime")
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
                with pytest.raises(ValueError, match="given back"):
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


def write_audio(path: Path, codec: str) -> Path:
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=44_100, layout="mono")
        for n in range(20):
            samples = np.zeros((1, 1024), dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate = 44_100
            frame.pts = n * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def make_bad_input(kind: str, tmp_path: Path) -> Path:
    path = tmp_path / f"{kind}.mp4"
    if kind == "missing":
        return path
    if kind == "directory":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "random":
        path.write_bytes(np.random.default_rng(1).bytes(100_000))
    elif kind == "text":
        path.write_text("not a video\n" * 100)
    elif kind == "playlist":
        path.write_text("#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n")
    elif kind == "concat script":
        path.write_text("ffconcat version 1.0\nfile /etc/passwd\n")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "mp3":
        return write_audio(tmp_path / "sound.mp3", "mp3")
    elif kind == "sound only":
        return write_audio(tmp_path / "sound.m4a", "aac")
    elif kind == "still image":
        cv2.imwrite(str(tmp_path / "picture.jpg"), draw_index(1))
        (tmp_path / "picture.jpg").rename(path)
    else:
        write_counting_clip(path, regular(60))
        content = path.read_bytes()
        if kind == "truncated":  # the index stands at the end
            path.write_bytes(content[: len(content) // 2])
        elif kind == "header only":
            path.write_bytes(content[:24])
        elif kind == "no frames":
            media = content.index(b"mdat")
            size = int.from_bytes(content[media - 4 : media], "big")
            path.write_bytes(content[: media + 4] + bytes(size - 8) + content[media + size - 4 :])
        elif kind == "absurd dimensions":
            entry = content.index(b"avc1", content.index(b"stsd")) + 4 + 24
            huge = struct.pack(">HH", 65_000, 65_000)
            header = content.index(b"tkhd") + 4 + 76
            size = struct.pack(">II", 65_000 << 16, 65_000 << 16)
            changed = bytearray(content)
            changed[entry : entry + 4] = huge
            changed[header : header + 8] = size
            path.write_bytes(changed)
        else:
            raise AssertionError(kind)
    return path


@pytest.mark.parametrize(
    ("kind", "error", "remedy"),
    [
        ("missing", InputNotFoundError, "Check the path"),
        ("directory", InputNotFoundError, "Name the files"),
        ("fifo", InputNotFoundError, "Copy it to one first"),
        ("empty", VideoOpenError, "Copy it from the phone again"),
        ("random", VideoOpenError, "not a video file"),
        ("text", VideoOpenError, "not a video file"),
        ("playlist", VideoOpenError, "not a video file"),
        ("concat script", VideoOpenError, "not a video file"),
        ("mp3", VideoOpenError, "not a video file"),
        ("sound only", VideoOpenError, "sound only"),
        ("still image", VideoOpenError, "eye-tracker image"),
        ("truncated", VideoOpenError, "Copy it from the phone again"),
        ("header only", VideoOpenError, "Copy it from the phone again"),
        ("no frames", VideoOpenError, "Copy it from the phone again"),
    ],
)
def test_what_is_no_video_is_refused_with_a_remedy(
    tmp_path: Path, kind: str, error: type[Exception], remedy: str
) -> None:
    path = make_bad_input(kind, tmp_path)
    with pytest.raises(error, match=remedy) as caught, Video(path) as video:
        list(video.frames())
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


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


def test_a_lie_about_the_dimensions_takes_no_memory(tmp_path: Path) -> None:
    """65,000 x 65,000 pixels would be 12 GB; what is decoded is what the frames really hold."""
    path = make_bad_input("absurd dimensions", tmp_path)
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from tracker.video.container import InputError\n"
        "from tracker.video.frames import Video\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "try:\n"
        "    with Video(Path(sys.argv[1])) as video:\n"
        "        print(max(frame.image.nbytes for frame in video.frames()))\n"
        "except InputError as error:\n"
        "    print('refused', error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("refused") or int(result.stdout) == WIDTH * HEIGHT * 3


class TestRepairTimes:
    """Hand-worked."""

    index = np.arange(10)

    def test_good_times_are_kept_from_zero(self) -> None:
        times_s, source = repair_times(np.array([5.0, 5.1, 5.4]), np.array([0, 1, 2]), 30)
        np.testing.assert_allclose(times_s, [0, 0.1, 0.4], atol=1e-12)
        assert source == "stream"

    def test_a_single_step_back_is_interpolated(self) -> None:
        stream_s = self.index / 10
        stream_s[4] = 0.1
        times_s, source = repair_times(stream_s, self.index, 10)
        np.testing.assert_allclose(times_s, self.index / 10, atol=1e-12)
        assert source == "stream_repaired"

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("place", [0, 5, 9])
    def test_a_missing_stamp_is_interpolated_and_the_ends_continue(
        self, bad: float, place: int
    ) -> None:
        stream_s = self.index / 10
        stream_s[place] = bad
        times_s, source = repair_times(stream_s, self.index, 10)
        np.testing.assert_allclose(times_s, self.index / 10, atol=1e-12)
        assert source == "stream_repaired"

    @pytest.mark.parametrize(
        "stream_s",
        [np.zeros(10), np.arange(10)[::-1] / 10, np.full(10, np.nan), np.r_[1e9, np.arange(9)]],
        ids=["all the same", "backwards", "none", "first one absurd"],
    )
    def test_useless_times_give_way_to_the_frame_rate(self, stream_s: np.ndarray) -> None:
        times_s, source = repair_times(stream_s.astype(float), 2 * self.index, 25)
        np.testing.assert_allclose(times_s, 2 * self.index / 25, atol=1e-12)
        assert source == "frame_rate"

    @pytest.mark.parametrize("frame_s", [1 / 60_000, 5.0])
    def test_implausible_steps_give_way_to_the_frame_rate(self, frame_s: float) -> None:
        times_s, source = repair_times(self.index * frame_s, self.index, 25)
        np.testing.assert_allclose(times_s, self.index / 25, atol=1e-12)
        assert source == "frame_rate"

    def test_a_container_without_a_rate_counts_as_30(self) -> None:
        times_s, _ = repair_times(np.zeros(3), np.arange(3), 0)
        np.testing.assert_allclose(times_s, [0, 1 / 30, 2 / 30], atol=1e-12)

    @pytest.mark.parametrize("count", [0, 1])
    def test_short(self, count: int) -> None:
        times_s, source = repair_times(np.full(count, 3.0), np.arange(count), 30)
        np.testing.assert_array_equal(times_s, np.zeros(count))
        assert source == "stream"

    def test_always_strictly_increasing_and_input_unchanged(self) -> None:
        rng = np.random.default_rng(3)
        for _ in range(500):
            count = int(rng.integers(1, 40))
            index = np.cumsum(rng.integers(1, 4, count))
            stream_s = np.cumsum(rng.uniform(0, 0.1, count)) + rng.choice([0, 0, 0, -5, 5], count)
            stream_s[rng.random(count) < 0.05] = np.nan
            before = stream_s.copy()
            times_s, _ = repair_times(stream_s, index, float(rng.choice([0, 24, 30, np.nan])))
            assert times_s[0] == 0
            assert (np.diff(times_s) > 0).all()
            np.testing.assert_array_equal(stream_s, before)


class TestReadImage:
    def test_exif_orientation_is_applied(self, tmp_path: Path) -> None:
        encoded = cv2.imencode(".jpg", draw_index(1))[1].tobytes()
        # An EXIF segment that says: turn by 90 degrees clockwise to view (orientation 6).
        tiff = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
        body = b"Exif\x00\x00" + tiff + bytes(4)
        segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
        path = tmp_path / "turned.jpg"
        path.write_bytes(encoded[:2] + segment + encoded[2:])
        assert read_image(path).shape == (WIDTH, HEIGHT, 3)

    def test_transparency_is_dropped(self, tmp_path: Path) -> None:
        path = tmp_path / "alpha.png"
        cv2.imwrite(str(path), np.full((40, 50, 4), (1, 2, 3, 0), dtype=np.uint8))
        assert read_image(path).shape == (40, 50, 3)

    @pytest.mark.parametrize(
        ("content", "remedy"),
        [
            (b"", "Use JPEG"),
            (b"text", "Use JPEG"),
            (b"\xff\xd8\xff" + bytes(100), "damaged"),
            (b"\x89PNG\r\n\x1a\n" + bytes(100), "damaged"),
            (b"\x00\x00\x00\x20ftypisom" + bytes(100), "eye-tracker analyze"),
            (b"\x00\x00\x00\x20ftypheic" + bytes(100), "Export it as JPEG"),
        ],
    )
    def test_what_is_no_image_is_refused(self, tmp_path: Path, content: bytes, remedy: str) -> None:
        path = tmp_path / "picture"
        path.write_bytes(content)
        with pytest.raises(ImageOpenError, match=remedy):
            read_image(path)

    def test_a_header_that_claims_gigapixels_is_refused(self, tmp_path: Path) -> None:
        encoded = bytearray(cv2.imencode(".png", draw_index(1))[1].tobytes())
        encoded[16:24] = struct.pack(">II", 30_000, 30_000)
        encoded[29:33] = struct.pack(">I", zlib.crc32(encoded[12:29]))
        path = tmp_path / "bomb.png"
        path.write_bytes(encoded)
        # In a process of its own: OpenCV reads its limit once, and this one has loaded it before.
        result = subprocess.run(
            [sys.executable, "-m", "tracker", "image", str(path)], capture_output=True, text=True
        )
        assert result.returncode == 3
        assert result.stdout == ""
        assert "Export it smaller" in result.stderr

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(InputNotFoundError, match="Check the path"):
            read_image(tmp_path / "none.jpg")


def write_clip_with_sound(path: Path, codec: str, sound: str, noisy: int, plain: int) -> float:
    """Encode frames of noise, then plain ones; return the bits of the noisy ones' packets."""
    rng = np.random.default_rng(3)
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=30)
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


class _Breaking(io.BytesIO):
    """A stream that can be read only so often."""

    reads_left = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads_left -= 1
        if self.reads_left < 0:
            raise ConnectionResetError("gone")
        return super().read(size)


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
