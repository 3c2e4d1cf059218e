"""FFmpeg's decoder against OpenCV, which converts every frame as a whole, and frames decoded ahead
of who takes them."""

import contextlib
import gc
import io
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from tests.lengths import thin
from tests.tracker.video.test_frames import read_index, regular, write_counting_clip
from tracker.face.mesh import FaceMesh
from tracker.lab.clip_spec import make_spec
from tracker.lab.synthetic import write_clip
from tracker.tracks.track import Track, track_video
from tracker.video.ffmpeg import Decoder
from tracker.video.frames import FRAMES_AHEAD, Frame, Video
from tracker.video.libav import FFmpegError
from tracker.video.pixels import Converter

BT709, FULL_RANGE = 1, 2


def write_noise(
    path: Path,
    width: int,
    height: int,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    count: int = 4,
    **changes: int,
) -> Path:
    """Encode coloured noise, every pixel of which is another, smooth enough to stay so."""
    rng = np.random.default_rng(width * height)
    with av.open(path, "w") as container:
        stream: Any = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        if codec == "libx265":
            stream.options = {"x265-params": "log-level=none"}
        for name, value in changes.items():
            setattr(stream.codec_context, name, value)
        for n in range(count):
            small = rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
            image = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = n, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turn(path: Path, degrees: int, width: int, height: int) -> None:
    """Write the rotation into the track's header, as phones do."""
    one = 1 << 16
    matrix = {
        90: (0, one, 0, -one, 0, 0, height * one, 0, 1 << 30),
        180: (-one, 0, 0, 0, -one, 0, width * one, height * one, 1 << 30),
        270: (0, -one, 0, one, 0, 0, 0, width * one, 1 << 30),
    }[degrees]
    content = bytearray(path.read_bytes())
    index = content.index(b"tkhd") + 4 + 40
    content[index : index + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(content)


def assert_like_opencv(path: Path) -> int:
    """Compare what is declared, all times, whole frames and parts of them; return their number."""
    rng = np.random.default_rng(1)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    decoder = Decoder(path)
    frame_count = decoder.frame_count or decoder.estimated_frame_count
    assert (decoder.width, decoder.height, frame_count) == (
        capture.get(cv2.CAP_PROP_FRAME_WIDTH),
        capture.get(cv2.CAP_PROP_FRAME_HEIGHT),
        capture.get(cv2.CAP_PROP_FRAME_COUNT),
    )
    assert decoder.fps == pytest.approx(capture.get(cv2.CAP_PROP_FPS))
    count = 0
    while capture.grab():
        assert decoder.grab()
        assert decoder.time_s == pytest.approx(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        _, expected = capture.retrieve()
        picture = decoder.take()
        assert picture is not None
        assert picture.shape == expected.shape
        np.testing.assert_array_equal(np.asarray(picture), expected)
        height, width = expected.shape[:2]
        for _ in range(20):
            top, bottom = sorted(rng.integers(0, height + 1, 2).tolist())
            left, right = sorted(rng.integers(0, width + 1, 2).tolist())
            wanted = expected[top:bottom, left:right]
            np.testing.assert_array_equal(picture[top:bottom, left:right], wanted)
            # Also where the whole, which was converted before, does not hold it.
            alone = picture._converter.convert(picture._held_frame(), top, bottom, left, right)
            np.testing.assert_array_equal(alone, wanted)
        count += 1
    assert not decoder.grab()
    decoder.close()
    return count


@pytest.mark.parametrize(
    ("width", "height", "codec", "pixels", "changes"),
    [
        (640, 360, "libx264", "yuv420p", {}),
        (640, 360, "libx264", "yuv420p", {"colorspace": BT709}),
        (640, 360, "libx264", "yuvj420p", {"color_range": FULL_RANGE}),
        pytest.param(
            *(1080, 608, "libx265", "yuv420p", {"colorspace": BT709}), marks=pytest.mark.long
        ),
        (480, 272, "libx265", "yuv420p10le", {}),
        (480, 272, "libx264", "yuv422p", {}),
        pytest.param(*(854, 480, "libvpx-vp9", "yuv420p", {}), marks=pytest.mark.long),
        (270, 478, "libx264", "yuv420p", {}),
        (322, 242, "mpeg4", "yuv420p", {}),
        (331, 243, "libvpx-vp9", "yuv420p", {}),
        (426, 240, "libsvtav1", "yuv420p", {}),
    ],
)
def test_parts_and_whole_are_what_opencv_converts(
    width: int, height: int, codec: str, pixels: str, changes: dict[str, int], tmp_path: Path
) -> None:
    path = write_noise(tmp_path / "a.mkv", width, height, codec, pixels, **changes)
    assert assert_like_opencv(path) == 4


@pytest.mark.parametrize(
    ("name", "value"),
    thin([("colorspace", 8), ("colorspace", 14), ("colorspace", 15), ("color_trc", 10)], 3),
)
def test_colours_that_swscale_does_not_know_are_taken_for_usual_ones(
    name: str, value: int, tmp_path: Path
) -> None:
    """Dolby Vision declares such; the analysis ended with an internal error."""
    path = write_noise(tmp_path / "a.mkv", 480, 272, "libx265", "yuv420p10le", **{name: value})
    usual = write_noise(tmp_path / "b.mkv", 480, 272, "libx265", "yuv420p10le")
    with Video(path) as video, Video(usual) as expected:
        for frame, other in zip(video.frames(), expected.frames(), strict=True):
            np.testing.assert_array_equal(frame.image, other.image)


def test_primaries_that_swscale_crashes_at_are_not_given_to_it(tmp_path: Path) -> None:
    decoder = Decoder(write_noise(tmp_path / "a.mkv", 480, 272, "libx264", "yuv422p"))
    assert decoder.grab()
    usual = decoder.take()
    assert decoder.grab()
    decoder._frame.contents.primaries = 18
    picture = decoder.take()
    assert picture is not None
    assert usual is not None
    assert np.asarray(picture).shape == np.asarray(usual).shape
    decoder.close()


def test_interlaced_pictures_are_converted_as_a_whole(tmp_path: Path) -> None:
    rows = np.arange(240, dtype=np.uint8)[:, None, None]
    image = np.broadcast_to(rows, (240, 320, 3)).copy()
    path = tmp_path / "a.mkv"
    with av.open(path, "w") as container:
        stream: Any = container.add_stream("mpeg2video", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv422p"
        stream.options = {"flags": "+ildct+ilme", "q": "1"}
        frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv422p")
        frame.pts, frame.time_base = 0, Fraction(1, 30)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    decoder = Decoder(path)
    assert decoder.grab()
    assert decoder._frame.contents.flags & 8
    np.testing.assert_allclose(np.asarray(decoder.take()).astype(int), image, atol=6)
    decoder.close()


LOOK_AT_SIZE = """
import sys
from pathlib import Path
import tracker.video.limits
tracker.video.limits.MAX_FRAME_PIXELS = 10**6
from tracker.video.frames import Video
from tracker.video.container import VideoOpenError

def peak_mb():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

before_mb = peak_mb()
try:
    Video(Path(sys.argv[1]))
except VideoOpenError as error:
    print(peak_mb() - before_mb, error)
"""


def test_no_frame_that_is_too_large_is_decoded_to_find_out(tmp_path: Path) -> None:
    side = 3072
    path = write_noise(tmp_path / "a.mkv", side, side, "mpeg4", count=2)
    answer = subprocess.run(
        [sys.executable, "-c", LOOK_AT_SIZE, path], capture_output=True, text=True, check=True
    ).stdout
    grown_mb, message = answer.split(" ", 1)
    assert f"the picture is {side}x{side}" in message
    # FFmpeg's libraries, which are loaded by then, take 8; one such frame 14, of which it decodes
    # some.
    assert float(grown_mb) < 22


def test_a_size_that_grows_too_large_on_the_way_is_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.video.ffmpeg._MAX_PIXELS", b"%d" % (320 * 176))
    path = tmp_path / "joined.ts"
    path.write_bytes(
        b"".join(
            write_noise(tmp_path / f"{width}.ts", width, 176, count=5).read_bytes()
            for width in (320, 640)
        )
    )
    decoder = Decoder(path)
    widths = set()
    while not decoder.ended:
        if decoder.grab():
            widths.add(decoder._frame.contents.width)
    decoder.close()
    assert widths == {320}


def test_playlists_and_scripts_are_not_opened(tmp_path: Path) -> None:
    target = write_noise(tmp_path / "a.mp4", 320, 176)
    script = f"ffconcat version 1.0\nfile {target.name}\n".encode()
    path = tmp_path / "script.mp4"
    path.write_bytes(script)
    for source in (path, io.BytesIO(script)):
        with pytest.raises(FFmpegError):
            Decoder(source)


def test_a_stream_that_gives_more_than_asked_is_refused(clip: Path) -> None:
    class Generous(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size) + bytes(2**20)

    with pytest.raises(OSError, match="bytes where"):
        Decoder(Generous(clip.read_bytes()))


def test_opening_and_closing_leaks_nothing(clip: Path, tmp_path: Path) -> None:
    content = clip.read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(content[: len(content) // 2])

    def use() -> None:
        for source in (clip, io.BytesIO(content), broken):
            with contextlib.suppress(FFmpegError):
                decoder = Decoder(source)
                decoder.grab()
                picture = decoder.take()
                assert picture is not None
                picture[0:64, 0:64]
                decoder.close()

    def resident_bytes() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    for _ in range(20):
        use()
    before = resident_bytes()
    for _ in range(100):
        use()
    # A decoder of this clip keeps 0.5 MB, a stream's buffer is 64 kB.
    assert resident_bytes() - before < 100 * 2**15


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_parts_are_what_opencv_turns(degrees: int, tmp_path: Path) -> None:
    path = write_noise(tmp_path / "a.mp4", 320, 176)
    turn(path, degrees, 320, 176)
    assert assert_like_opencv(path) == 4
    with Video(path) as video:
        assert (video.info.width, video.info.height) == (
            (320, 176) if degrees == 180 else (176, 320)
        )


def test_a_part_beyond_the_picture_ends_with_it(tmp_path: Path) -> None:
    with Video(write_noise(tmp_path / "a.mp4", 320, 176)) as video:
        frame = next(video.frames())
        parts = (np.s_[100:900, 300:301], np.s_[-20:, :9], np.s_[5:5, 0:9], np.s_[200:, 3:9])
        found = [frame.pixels[part] for part in parts]
        whole = frame.image
        for part, one in zip(parts, found, strict=True):
            np.testing.assert_array_equal(one, whole[part])
            np.testing.assert_array_equal(frame.pixels[part], whole[part])


@pytest.mark.parametrize(
    ("codec", "pixels", "conversions"),
    # Of 10 bits, any part takes the whole.
    [("libx264", "yuv420p", 2), ("libx265", "yuv420p10le", 1)],
)
def test_what_was_converted_last_is_not_converted_again(
    codec: str, pixels: str, conversions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted: list[tuple[int, ...]] = []
    convert = Converter.convert

    def count(self: Converter, frame: Any, *box: int) -> Any:
        converted.append(box)
        return convert(self, frame, *box)

    monkeypatch.setattr(Converter, "convert", count)
    with Video(write_noise(tmp_path / "a.mkv", 480, 272, codec, pixels)) as video:
        frames = video.frames()
        picture = next(frames).pixels
        large, inside, edge = picture[20:200, 30:300], picture[50:60, 70:80], picture[190:200, 299:]
        np.testing.assert_array_equal(inside, large[30:40, 40:50])
        assert edge.shape == (10, 181, 3)
        assert len(converted) == conversions
        next(frames)
        with pytest.raises(ValueError, match="the frame was released"):
            picture[50:60, 70:80]


def test_frames_of_another_size_are_shown_in_one_size(tmp_path: Path) -> None:
    """Landmarks in pixels of two sizes would be one movement."""
    parts = [
        write_counting_clip(tmp_path / "a.ts", regular(6), g="1", bf="0").read_bytes(),
        write_noise(tmp_path / "b.ts", 320, 176, count=5).read_bytes(),
    ]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(parts))
    with Video(path) as video:
        size = (video.info.height, video.info.width, 3)
        assert {frame.image.shape for frame in video.frames()} == {size}
        assert (video.frames_decoded, video.frames_failed) == (11, 0)


def test_pictures_that_are_kept_outlive_the_video(tmp_path: Path) -> None:
    decoder = Decoder(write_counting_clip(tmp_path / "a.mp4", regular(5)))
    pictures = []
    while decoder.grab():
        pictures.append(decoder.take())
    decoder.close()
    del decoder
    gc.collect()
    assert [read_index(np.asarray(picture)) for picture in pictures] == list(range(5))


def test_a_closed_video_says_so(tmp_path: Path) -> None:
    video = Video(write_counting_clip(tmp_path / "a.mp4", regular(40)))
    frames = video.frames()
    next(frames)
    video.close()
    video.close()
    with pytest.raises(ValueError, match="closed"):
        list(frames)


def test_an_interruption_while_a_stream_is_read_is_not_lost(tmp_path: Path) -> None:
    class Interrupted(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 30_000:
                raise KeyboardInterrupt
            return super().read(min(size or 0, 20_000))

    path = tmp_path / "clip.mkv"
    write_clip(path, make_spec(2.0, blinks_per_min=0.0, width=320, height=240, noise_std=20.0))
    with pytest.raises(KeyboardInterrupt), Video(Interrupted(path.read_bytes())) as video:
        list(video.frames())


# Decoded ahead


def decoders_alive() -> int:
    return sum(thread.name == "decoder" for thread in threading.enumerate())


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    assert decoders_alive() == 0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_counting_clip(tmp_path_factory.mktemp("ahead") / "a.mp4", regular(60), bf="2")


def read(path: Path, ahead: bool, step: int, stop: int) -> tuple[list[Any], Any]:
    with Video(path) as video:
        seen = []
        for frame in video.frames(step, ahead=ahead):
            seen.append((frame.index, frame.stream_time_s, read_index(frame.image)))
            if len(seen) == stop:
                break
        return seen, (video.info, video.frames_decoded, video.frames_failed)


@pytest.mark.parametrize("step", [1, 3, 100])
@pytest.mark.parametrize("stop", [1, 2, 7, 1000])
def test_frames_and_counts_are_the_same_ahead(clip: Path, step: int, stop: int) -> None:
    assert read(clip, True, step, stop) == read(clip, False, step, stop)


def test_damage_is_counted_the_same_ahead(clip: Path, tmp_path: Path) -> None:
    content = bytearray(clip.read_bytes())
    media = content.index(b"mdat")
    for seed in range(8):
        rng = np.random.default_rng(seed)
        damaged = content.copy()
        for index in rng.integers(media + 4, len(content) - 4, 30):
            damaged[index : index + 4] = rng.bytes(4)
        path = tmp_path / "damaged.mp4"
        path.write_bytes(damaged)
        try:
            alone = read(path, False, 1, 1000)
        except Exception as error:
            with pytest.raises(type(error)):
                read(path, True, 1, 1000)
        else:
            assert read(path, True, 1, 1000) == alone


def test_no_more_than_a_few_frames_are_decoded_ahead(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Video(clip) as video:
        taken = 0
        take = video._decoder.take

        def count() -> Any:
            nonlocal taken
            taken += 1
            return take()

        monkeypatch.setattr(video._decoder, "take", count)
        for n, _ in enumerate(video.frames(ahead=True), 1):
            if n % 20 == 0:
                end_s = time.monotonic() + 60
                while n < 60 and taken <= n:
                    assert time.monotonic() < end_s
                    time.sleep(0.01)
                time.sleep(0.1)
                # Those that wait, one that waits to wait, and this one.
                assert taken - n <= FRAMES_AHEAD + 1


@pytest.mark.parametrize("at", [0, 5, 59])
def test_an_error_on_the_thread_is_raised_where_the_frames_are_taken(
    clip: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Video(clip) as video:
        grab, calls = video._decoder.grab, iter(range(1000))

        def fail() -> bool:
            if next(calls) == at:
                raise ConnectionResetError("gone")
            return grab()

        monkeypatch.setattr(video._decoder, "grab", fail)
        seen = []
        with pytest.raises(ConnectionResetError, match="gone"):
            seen.extend(frame.index for frame in video.frames(ahead=True))
        assert seen == list(range(at))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_where_the_frames_are_taken_ends_the_thread(
    clip: Path, error: type[BaseException]
) -> None:
    def look_at_all() -> None:
        with Video(clip) as video:
            for frame in video.frames(ahead=True):
                if frame.index == 3:
                    raise error

    with pytest.raises(error):
        look_at_all()
    assert decoders_alive() == 0


@pytest.mark.slow
def test_a_stream_that_hangs_for_a_while_ends_with_the_video(clip: Path) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            time.sleep(0.05)
            return super().read(200)

    start_s = time.monotonic()
    with Video(Slow(clip.read_bytes())) as video:
        next(video.frames(ahead=True))
    assert time.monotonic() - start_s < 10


def test_who_never_takes_a_frame_leaves_no_thread(clip: Path) -> None:
    with Video(clip) as video:
        video.frames(ahead=True)


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return FaceMesh()


def assert_same(one: Track, other: Track) -> None:
    assert one.info == other.info
    for name in (
        "frame_index",
        "times_s",
        "landmarks",
        "second_pass_sample",
        "second_pass_landmarks",
    ):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize(
    ("step", "max_frames"), [pytest.param(1, 1000, marks=pytest.mark.long), (2, 1000), (1, 50)]
)
def test_a_track_is_the_same_ahead(
    step: int, max_frames: int, mesh: FaceMesh, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    frames = Video.frames

    def note(video: Video, step: int, wants: Any, ahead: bool) -> Iterator[Frame]:
        asked.append(ahead)
        return frames(video, step, wants, ahead)

    monkeypatch.setattr(Video, "frames", note)
    path = clips / "short.mp4"
    monkeypatch.setattr("tracker.tracks.track.count_processors", lambda: 2)
    ahead = track_video(path, mesh, step, max_frames)
    assert_same(ahead, track_video(path, mesh, step, max_frames, decode_ahead=False))
    assert_same(ahead, track_video(path, mesh, step, max_frames, budget_s=600.0))
    monkeypatch.setattr("tracker.tracks.track.count_processors", lambda: 1)
    assert_same(ahead, track_video(path, mesh, step, max_frames))
    # One core or a budget: one after the other.
    assert asked == [True, False, False, False]
    assert np.isfinite(ahead.landmarks).any()
