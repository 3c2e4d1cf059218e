"""Names as long as a file system takes them."""

import os
import shutil
from pathlib import Path

import pytest

from tracker.files.names import (
    CORRECTIONS,
    DETECTED,
    ENDINGS,
    MAX_STEM_BYTES,
    result_path,
    shorten_stem,
)
from tracker.files.whole import write_whole
from tracker.study.folders import find_recordings, find_tracks

KOREAN = "환자의 아주 긴 이름을 가진 영상 파일 " * 10


def fill(text: str, size_bytes: int) -> str:
    """Return the text, cut and filled up to so many bytes."""
    while len(text.encode()) > size_bytes:
        text = text[:-1]
    return text + "x" * (size_bytes - len(text.encode()))


def test_a_stem_that_fits_is_kept() -> None:
    for stem in ("clip", fill(KOREAN, MAX_STEM_BYTES), "x" * MAX_STEM_BYTES):
        assert shorten_stem(stem) == stem


def test_a_long_stem_keeps_its_beginning_and_is_unique() -> None:
    stems = [fill(KOREAN, 250) + end for end in ("a", "b")]
    short = [shorten_stem(stem) for stem in stems]
    assert short[0] != short[1]
    for one, stem in zip(short, stems, strict=True):
        assert len(one.encode()) <= MAX_STEM_BYTES
        assert stem.startswith(one.rpartition("~")[0])
        assert shorten_stem(stem) == one
        assert shorten_stem(one) == one


def test_a_name_that_is_no_text_is_shortened() -> None:
    stem = os.fsdecode(b"\xff\xfe" * 120)
    assert len(os.fsencode(shorten_stem(stem))) <= MAX_STEM_BYTES


@pytest.mark.parametrize("text", ["x" * 300, KOREAN])
def test_all_files_of_the_longest_name_can_be_written(text: str, tmp_path: Path) -> None:
    videos = [tmp_path / (fill(text, 250) + end + ".mp4") for end in "ab"]
    for video in videos:
        assert len(os.fsencode(video.name)) == 255
        video.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(600))
    found = find_recordings([tmp_path], tmp_path / "out").recordings
    assert [one.video for one in found] == videos
    written = set()
    for one in found:
        one.directory.mkdir(parents=True, exist_ok=True)
        paths = [result_path(one.directory, one.stem, kind) for kind in ENDINGS]
        paths += [one.directory / f"{one.stem}.{ending}" for ending in (DETECTED, CORRECTIONS)]
        for path in paths:
            write_whole(path, lambda partial: partial.write_bytes(b""))
        written.update(paths)
    assert len(written) == 2 * (len(ENDINGS) + 2)
    # Analysed anew, a track's files are named like those that it came with.
    tracks = find_tracks([tmp_path / "out"], tmp_path / "out").tracks
    assert {track.stem for track in tracks} == {one.stem for one in found}


@pytest.mark.slow
@pytest.mark.usefixtures("chromium_path")
def test_a_recording_of_the_longest_name_is_analysed(clips: Path, tmp_path: Path) -> None:
    from tracker.cli.main import main

    video = tmp_path / (fill(KOREAN, 251) + ".mp4")
    shutil.copy(clips / "tiny.mp4", video)
    out = tmp_path / "out"
    assert main(["analyze", "--out", str(out), "--overlay", "--pdf", str(video)]) == 0
    stem = shorten_stem(video.stem)
    assert {path.name for path in out.iterdir()} == {f"{stem}.{end}" for end in ENDINGS.values()}
