"""A video in stretches, on clips made here: each frame shows its own index."""

import io
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.containers import remux, set_edits
from tests.tracker.video.test_frames import read_index, regular, write_counting_clip
from tracker.video.division import Layout, can_start_at, count_frames
from tracker.video.frames import DivisionError, Video

FRAMES = 96
OPEN = {"x264-params": "keyint=12:min-keyint=12:scenecut=0:bframes=3:b-adapt=0:open-gop=1"}
CLOSED = {"x264-params": "keyint=12:min-keyint=12:scenecut=0:bframes=3:b-adapt=0"}


def uneven(count: int) -> list[float]:
    """Return the times of a phone's frames: no two intervals alike, and one that lasts 1 s."""
    steps = 1 / 30 + 0.01 * np.sin(np.arange(count))
    steps[40] = 1
    return [float(time) for time in np.cumsum(steps) - steps[0]]


KINDS: dict[str, Callable[[Path], Path]] = {
    "closed": lambda to: write_counting_clip(to / "a.mp4", regular(FRAMES), **CLOSED),
    "open": lambda to: write_counting_clip(to / "a.mp4", regular(FRAMES), **OPEN),
    "uneven": lambda to: write_counting_clip(to / "a.mp4", uneven(FRAMES), **OPEN),
    "late start": lambda to: write_counting_clip(to / "a.mkv", regular(FRAMES, start_s=2), **OPEN),
    "matroska": lambda to: write_counting_clip(to / "a.mkv", regular(FRAMES), **OPEN),
    "avi": lambda to: write_counting_clip(to / "a.avi", regular(FRAMES), "mpeg4", g="12"),
    "vp9": lambda to: write_counting_clip(to / "a.webm", regular(FRAMES), "libvpx-vp9", g="12"),
    "hevc": lambda to: write_counting_clip(
        to / "a.mp4",
        regular(FRAMES),
        "libx265",
        **{"x265-params": "keyint=12:min-keyint=12:bframes=3:open-gop=1:log-level=none"},
    ),
    "every frame is a keyframe": lambda to: write_counting_clip(
        to / "a.mp4", regular(FRAMES), g="1"
    ),
}


@pytest.fixture(params=KINDS)
def clip(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path: Path = KINDS[request.param](tmp_path)
    return path


def read(source: Path | io.BytesIO, *arguments: object) -> list[tuple[int, float, int]]:
    """Return index, time and shown index of each frame."""
    with Video(source, *arguments) as video:  # type: ignore[arg-type]
        frames = [(f.index, f.stream_time_s, read_index(f.image)) for f in video.frames()]
        assert video.frames_failed == 0
    return frames


def test_each_stretch_is_exactly_its_frames(clip: Path) -> None:
    whole = read(clip)
    assert [shown for _, _, shown in whole] == list(range(FRAMES))
    layout = Layout(clip)
    assert layout.frames == FRAMES
    assert layout.is_divisible
    keys = layout.find_keyframes()
    assert keys[0][0] == 0
    assert len(keys) >= 8
    assert can_start_at(clip, [key for _, key in keys])
    for (index, key), (after, _) in itertools.pairwise(keys[1:-5]):
        first, stop = index + 3, after + 5
        stretch = layout.stretch(key, index, first, stop)
        for source in (clip, io.BytesIO(clip.read_bytes())):
            # From the keyframe on: neither what is stored after it and shown before, nor more.
            assert read(source, stretch) == whole[index:stop]
        with Video(clip, stretch) as video:
            assert len(list(video.frames(step=2))) == len(range(index + index % 2, stop, 2))
            assert video.frames_decoded == stop - first


def test_the_last_stretch_goes_to_the_end(clip: Path) -> None:
    layout = Layout(clip)
    index, key = layout.find_keyframes()[-3]
    stretch = layout.stretch(key, index, index + 1, FRAMES)
    assert stretch.is_last
    assert read(clip, stretch) == read(clip)[index:]


def test_frames_that_an_edit_list_hides_are_not_counted(tmp_path: Path) -> None:
    plain = write_counting_clip(tmp_path / "plain.mp4", regular(FRAMES), **CLOSED)
    path = remux(plain, tmp_path / "edited.mp4")
    set_edits(path, [((FRAMES - 20) / 30, 20 / 30)])
    whole = read(path)
    hidden = whole[0][2]
    assert hidden > 12
    layout = Layout(path)
    assert layout.frames == len(whole) < FRAMES
    for index, key in layout.find_keyframes():
        assert whole[index][2] == index + hidden
        assert read(path, layout.stretch(key, index, index + 1, FRAMES)) == whole[index:]


def test_another_video_has_no_such_stretch(tmp_path: Path) -> None:
    path = write_counting_clip(tmp_path / "a.mp4", regular(FRAMES), **CLOSED)
    layout = Layout(path)
    index, key = layout.find_keyframes()[3]
    stretch = layout.stretch(key, index, index + 2, FRAMES)
    other = write_counting_clip(tmp_path / "b.mp4", regular(FRAMES, 24), **CLOSED)
    assert not can_start_at(other, [key])
    with pytest.raises(DivisionError):
        read(other, stretch)


def test_a_miscounted_stretch_is_noticed(tmp_path: Path) -> None:
    """As when a decoder gives no frame for a packet."""
    path = write_counting_clip(tmp_path / "a.mp4", regular(FRAMES), **CLOSED)
    layout = Layout(path)
    index, key = layout.find_keyframes()[3]
    with pytest.raises(DivisionError):
        read(path, layout.stretch(key, index - 1, index + 2, FRAMES - 20))


def test_a_file_that_was_cut_off_is_not_divided(tmp_path: Path) -> None:
    path = write_counting_clip(tmp_path / "a.mp4", regular(FRAMES), **CLOSED)
    whole = remux(path, tmp_path / "b.mp4", movflags="faststart").read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])
    assert not Layout(path).is_divisible


def test_times_that_occur_twice_are_not_divided(tmp_path: Path) -> None:
    # Matroska has whole milliseconds only.
    path = write_counting_clip(tmp_path / "a.mkv", regular(FRAMES, fps=1500), bf="0", g="12")
    assert len({time_s for _, time_s, _ in read(path)}) < FRAMES
    assert not Layout(path).is_divisible


@pytest.mark.parametrize("stream", [False, True])
def test_frames_are_counted_without_decoding(tmp_path: Path, stream: bool) -> None:
    path = write_counting_clip(tmp_path / "live.mkv", regular(70), bf="2")
    source = io.BytesIO(path.read_bytes()) if stream else path
    assert count_frames(source) == 70
    # Again, as after an analysis that has read the stream.
    assert count_frames(source) == 70
    nothing = tmp_path / "nothing.mkv"
    nothing.write_bytes(b"nothing")
    assert count_frames(nothing) == 0
