"""Which videos are found in folders whose content nobody checked."""

import os
import shutil
from pathlib import Path

import pytest

from tracker.study.folders import FoundRecordings, find_recordings

MP4 = b"\0\0\0\x20ftypisom" + bytes(500)
OUT = Path("out")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("in")
    path.mkdir()
    return path


def put(path: Path, content: bytes = MP4) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(findings: FoundRecordings) -> list[str]:
    return [recording.name for recording in findings.recordings]


def places(findings: FoundRecordings) -> list[str]:
    return [str(recording.directory / recording.stem) for recording in findings.recordings]


def test_videos_are_found_by_suffix_or_content(folder: Path) -> None:
    put(folder / "a.mp4")
    put(folder / "B.MOV")
    put(folder / "damaged.mkv", b"nothing")
    put(folder / "empty.webm", b"")
    put(folder / "sub" / "deep" / "original")
    put(folder / "sub" / "recording.bin", b"\x1a\x45\xdf\xa3" + bytes(500))
    put(folder / "stream.ts", (b"\x47" + bytes(187)) * 3)
    put(folder / "program.ts", b"const x = 1;\n" * 50)
    put(folder / "notes.txt", b"The free text, which begins like a box of MP4" * 20)
    put(folder / "song.m4a", b"\0\0\0\x20ftypM4A " + bytes(500))
    put(folder / "picture.jpg", b"\xff\xd8\xff" + bytes(500))
    put(folder / "photo.heic", b"\0\0\0\x20ftypheic" + bytes(500))
    put(folder / "empty", b"")
    findings = find_recordings([folder], OUT)
    assert names(findings) == [
        "B.MOV",
        "a.mp4",
        "damaged.mkv",
        "empty.webm",
        "stream.ts",
        "sub/recording.bin",
        "sub/deep/original",
    ]
    assert findings.problems == findings.notes == ()


def test_hidden_files_and_results_are_left_out(folder: Path) -> None:
    put(folder / "x.mp4")
    put(folder / "._x.mp4")
    put(folder / ".Trashes" / "y.mp4")
    put(folder / "x.overlay.mp4")
    put(folder / "X.Overlay.MP4")
    put(folder / "results" / "z.mp4")
    assert names(find_recordings([folder], folder / "results")) == ["x.mp4"]
    # Also when the way there is another one.
    Path("link").symlink_to(folder)
    assert names(find_recordings([folder], Path("link", "results"))) == ["x.mp4"]
    # The folder itself is searched although the results go there.
    assert names(find_recordings([folder], folder)) == ["x.mp4", "results/z.mp4"]


def test_links(folder: Path) -> None:
    real = put(folder / "real.mp4")
    (folder / "a_link.mp4").symlink_to(real.resolve())
    (folder / "broken.mp4").symlink_to("nowhere.mp4")
    (folder / "round.mp4").symlink_to("round.mp4")
    (folder / "round").symlink_to("round")
    (folder / "loop").symlink_to(".")
    (folder / "outside.mp4").symlink_to(put(Path("elsewhere.mp4")).resolve())
    findings = find_recordings([folder], OUT)
    # What is named like a video and cannot be read is told of when it is analysed.
    assert names(findings) == ["real.mp4", "broken.mp4", "outside.mp4", "round.mp4"]
    assert len(findings.notes) == 2
    assert any("in/a_link.mp4 is in/real.mp4" in note for note in findings.notes)
    assert any("in/loop links to a directory" in note for note in findings.notes)


def test_what_would_block_is_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "pipe.mp4")
    assert names(find_recordings([folder], OUT)) == ["pipe.mp4"]


def test_what_cannot_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder / "a.mp4")
    put(folder / "locked" / "b.mp4")
    put(folder / "secret")
    scan, opened = os.scandir, Path.open

    # For the administrator, as whom tests may run, nothing is locked.
    def scandir(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    def open_path(path: Path, *arguments: object) -> object:
        if path.name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(Path, "open", open_path)
    findings = find_recordings([folder], OUT)
    assert names(findings) == ["a.mp4"]
    assert sorted(findings.problems) == [
        "in/locked: cannot be read (Permission denied).",
        "in/secret: cannot be read (Permission denied).",
    ]


def test_files_go_where_the_videos_are(folder: Path) -> None:
    put(folder / "clip.mp4")
    put(folder / "on" / "clip.mp4")
    put(folder / "off" / "clip.mp4")
    findings = find_recordings([folder], OUT)
    assert places(findings) == ["out/clip", "out/off/clip", "out/on/clip"]


def test_what_differs_in_suffix_or_case_only_keeps_its_whole_name(folder: Path) -> None:
    put(folder / "a.mp4")
    put(folder / "a.mov")
    put(folder / "B.mp4")
    put(folder / "b.mp4")
    put(folder / "c.mp4")
    # One name in two ways to write it in Unicode.
    put(folder / "\uac00.mp4")
    put(folder / "\u1100\u1161.mov")
    findings = find_recordings([folder], OUT)
    stems = {recording.video.name: recording.stem for recording in findings.recordings}
    assert stems == {
        "a.mp4": "a.mp4",
        "a.mov": "a.mov",
        "B.mp4": "B.mp4",
        "b.mp4": "b.mp4.2",
        "c.mp4": "c",
        "\uac00.mp4": "\uac00.mp4",
        "\u1100\u1161.mov": "\u1100\u1161.mov",
    }


def test_several_folders_are_kept_apart_by_their_names(folder: Path) -> None:
    put(folder / "p1" / "on.mp4")
    put(folder / "p2" / "on.mp4")
    put(Path("more.mp4"))
    findings = find_recordings([folder / "p1", Path("more.mp4"), folder / "p2"], OUT)
    assert places(findings) == ["out/p1/on", "out/more", "out/p2/on"]
    assert names(findings) == ["p1/on.mp4", "more.mp4", "p2/on.mp4"]


def test_a_folder_and_a_file_in_it(folder: Path) -> None:
    video = put(folder / "a.mp4")
    findings = find_recordings([folder, video], OUT)
    assert places(findings) == ["out/a"]
    assert findings.notes == ("in/a.mp4 is in/a.mp4: analysed once",)


def test_collisions_that_cannot_be_told_apart_are_refused(folder: Path) -> None:
    put(folder / "x" / "p" / "a.mp4")
    put(folder / "y" / "p" / "a.mp4")
    with pytest.raises(ValueError, match="several directories are called p"):
        find_recordings([folder / "x" / "p", folder / "y" / "p"], OUT)
    with pytest.raises(ValueError, match=r"would write a\.summary\.json"):
        find_recordings([folder / "x" / "p" / "a.mp4", Path("a.mov")], OUT)


def test_hostile_names(folder: Path) -> None:
    for name in (
        "<script>.mp4",
        "=cmd.mp4",
        "two\nlines.mp4",
        " a b .mp4",
        "눈 검사.mp4",
        "-x.mp4",
    ):
        put(folder / name)
    put(Path(os.fsdecode(os.fsencode(folder) + b"/\xff.mp4")))
    shutil.copy(folder / "=cmd.mp4", folder / "*?[a].mp4")
    assert len(find_recordings([folder], OUT).recordings) == 8
