"""Which videos are found in folders whose content nobody checked."""

import itertools
import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from tracker.files.participants import read_participants
from tracker.study.folders import FoundRecordings, find_recordings, find_tracks
from tracker.study.recording import find_person

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


def test_a_video_is_looked_up_by_its_place_beside_the_table(folder: Path) -> None:
    """Whichever folder is searched: the table has a row of the other video of its name, too."""
    put(folder / "a.mp4")
    put(folder / "tuesday" / "a.mp4")
    table = folder / "participants.tsv"
    table.write_text("participant_id\tfile\nP-1\ta.mp4\nP-2\ttuesday/a.mp4\n")
    people = read_participants(table)
    for root, expected in ((folder, ["P-1", "P-2"]), (folder / "tuesday", ["P-2"])):
        found = [find_person(people, one) for one in find_recordings([root], OUT).recordings]
        assert [one and one.participant_id for one in found] == expected


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


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_named_file_s_results_go_to_out_in_any_order(
    folder: Path, order: tuple[int, ...]
) -> None:
    """Their names differ in suffix only, and they were found in a folder."""
    paths = [folder, put(folder / "x" / "a.mp4"), put(folder / "x" / "a.mov")]
    findings = find_recordings([paths[n] for n in order], OUT)
    assert sorted(places(findings)) == ["out/a.mov", "out/a.mp4"]
    # The folder may say who was recorded.
    assert sorted(names(findings)) == ["x/a.mov", "x/a.mp4"]
    assert len(findings.notes) == 2


@pytest.mark.parametrize("is_first", [True, False])
def test_a_named_link_is_the_file_that_it_links_to(folder: Path, is_first: bool) -> None:
    put(folder / "x" / "a.mp4")
    put(folder / "x" / "b.mp4")
    link = Path("link.mp4")
    link.symlink_to(Path("in", "x", "a.mp4"))
    findings = find_recordings([link, folder] if is_first else [folder, link], OUT)
    assert sorted(places(findings)) == ["out/a", "out/x/b"]
    assert findings.notes == ("link.mp4 is in/x/a.mp4: analysed once",)


class TestTracks:
    def test_the_folder_of_the_results_is_left_out_unless_it_is_named(self, folder: Path) -> None:
        put(folder / "a.track.npz")
        put(folder / "again" / "a.track.npz")
        for out in (folder / "again", folder / "x" / ".." / "again"):
            found = find_tracks([folder], out)
            assert [track.path for track in found.tracks] == [folder / "a.track.npz"]
            (note,) = found.notes
            assert "in/again is not searched" in note
        # A sweep writes no files of single tracks.
        for searched, out, expected in (
            (folder, folder, ["in/a", "in/again/a"]),
            (folder / "again", folder / "again", ["in/again/a"]),
            (folder, OUT, ["out/a", "out/again/a"]),
        ):
            found = find_tracks([searched], out)
            assert [str(track.directory / track.stem) for track in found.tracks] == expected
            assert found.notes == ()
        assert len(find_tracks([folder], None).tracks) == 2

    def test_what_differs_in_case_only_shares_no_file(self, folder: Path) -> None:
        for name in ("A", "a", "a.2", "\uac00", "\u1100\u1161"):
            put(folder / f"{name}.track.npz")
        found = find_tracks([folder], OUT)
        stems = [track.stem for track in found.tracks]
        written = {unicodedata.normalize("NFC", stem).casefold() for stem in stems}
        assert len(written) == len(stems) == 5
        # What lies beside a track, and who the table says it is, follow its own name.
        assert {track.own_stem: track.name for track in found.tracks} == {
            name: name for name in ("A", "a", "a.2", "\uac00", "\u1100\u1161")
        }
        # Beside the tracks, where the file system tells them apart, results keep the names.
        for paths in ([folder], [folder / f"{name}.track.npz" for name in ("A", "a")]):
            at_home = find_tracks(paths, folder).tracks
            assert [track.stem for track in at_home] == [track.own_stem for track in at_home]
        with pytest.raises(ValueError, match=r"would write a\.summary\.json"):
            find_tracks([folder / "A.track.npz", folder / "a.track.npz"], OUT)

    def test_two_tracks_that_are_told_apart_nowhere_are_refused(self, folder: Path) -> None:
        put(folder / "b.npz")
        put(folder / "b.track.npz")
        for out in (OUT, folder):
            with pytest.raises(ValueError, match=r"would write b\.summary\.json"):
                find_tracks([folder / "b.npz", folder / "b.track.npz"], out)
        for name in ("x", "y"):
            put(folder / name / "p" / "a.track.npz")
        folders = [folder / "x" / "p", folder / "y" / "p"]
        with pytest.raises(ValueError, match="several directories are called p"):
            find_tracks(folders, OUT)
        assert len(find_tracks(folders, None).tracks) == 2

    def test_a_file_and_the_links_to_it_are_one_track(self, folder: Path) -> None:
        track = put(folder / "x" / "b.track.npz")
        (folder / "a.track.npz").symlink_to(track.resolve())
        (folder / "loop").symlink_to(".")
        (folder / "broken.track.npz").symlink_to("nowhere.npz")
        found = find_tracks([folder, folder / "x"], OUT)
        assert [one.path for one in found.tracks] == [track, folder / "broken.track.npz"]
        assert [str(one.directory / one.stem) for one in found.tracks] == [
            "out/in/x/b",
            "out/in/broken",
        ]
        assert sorted(found.notes) == [
            "in/a.track.npz is in/x/b.track.npz: analysed once",
            "in/loop links to a directory, which is not followed: name it to have it analysed",
            "in/x/b.track.npz is in/x/b.track.npz: analysed once",
        ]
        for paths in ([folder, track], [track, folder]):
            (one, _) = sorted(find_tracks(paths, OUT).tracks, key=lambda one: one.own_stem)
            assert (one.path, one.directory, one.stem, one.name) == (track, OUT, "b", "x/b")


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
