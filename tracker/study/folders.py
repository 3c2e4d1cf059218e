"""Find recordings among files and in folders, and decide where the results of each are written."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tracker.files.names import shorten_stem
from tracker.study.recording import OWN_VIDEO_ENDINGS, Recording
from tracker.video.container import HEAD_BYTES, VIDEO_SUFFIXES, detect_kind

AMBIGUOUS_SUFFIXES = frozenset(("ts", "mts"))
"""Suffixes that MPEG transport streams (videos) and TypeScript files share."""
AUDIO_SUFFIXES = frozenset(("m4a", "m4b", "mka", "wma", "weba", "aac"))
"""Suffixes of files with sound only, which use the same containers as videos."""
_ONE_AT_A_TIME = "analyse them one at a time with an --out DIR each"


@dataclass(frozen=True, slots=True)
class FoundRecordings:
    """What a search for recordings found.

    Attributes
    ----------
    recordings : tuple of Recording
        In a fixed order: that of the paths, and in directories that of the names.
    problems : tuple of str
        A message for each file or directory that could not be read.
    notes : tuple of str
        Messages on links to directories, which were not followed, and on files found twice.
    """

    recordings: tuple[Recording, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_recordings(paths: Sequence[Path], out: Path) -> FoundRecordings:
    """Find the videos among files and in directories and their sub-directories.

    Every file in `paths` is taken for a recording. In a directory, a file is taken for a recording
    if it has a video's suffix, so that a damaged video is reported, or if its content is a video's.
    Left out are hidden files and directories (such as ``._x.mp4``, which macOS writes beside
    ``x.mp4``), `out` itself, annotated copies, and links to directories. Two links to one file are
    one recording.

    Parameters
    ----------
    paths : sequence of Path
        Files and directories.
    out : Path
        Directory for the results. Those of a file in `paths` are written directly into it. Those of
        a file in a sub-directory are written into a sub-directory of the same name. If `paths` has
        several directories, each also gets a sub-directory with its own name.

    Returns
    -------
    FoundRecordings
        The stem of a recording's files is the video's stem. If videos in a directory differ only
        in suffix or case, the stem is the whole name, with a number if that is not enough. A stem
        that is too long for a file system is shortened.

    Raises
    ------
    ValueError
        The results of two files, or of two directories, in `paths` would be the same files.
    """
    search = _Search(out)
    roots = [path for path in paths if path.is_dir()]
    targets = {
        root: out / Path(os.path.realpath(root)).name if len(roots) > 1 else out for root in roots
    }
    for target, count in Counter(targets.values()).items():
        if count > 1:
            raise ValueError(f"several directories are called {target.name}: {_ONE_AT_A_TIME}")
    for path in paths:
        if path in targets:
            search.look_into(path, targets[path])
        else:
            search.add(Recording(path, out, path.stem, path.name), in_directory=False)
    recordings = [
        replace(recording, stem=shorten_stem(recording.stem))
        for recording in _make_stems_unique(list(search.found.values()))
    ]
    return FoundRecordings(tuple(recordings), tuple(search.problems), tuple(search.notes))


@dataclass(frozen=True, slots=True)
class TrackFile:
    """The file of a track (``STEM.track.npz``), and where the results of its analysis are written.

    Attributes
    ----------
    path : Path
        The file of the track.
    directory : Path
        Directory of the results.
    stem : str
        Start of the results' names.
    """

    path: Path
    directory: Path
    stem: str


class _Search:
    """Collects the recordings of a search. A file that is found twice is collected once.

    `out` is the directory for the results, which is not searched. `found` holds each recording, and
    whether it was found in a directory, by the real path of its video.
    """

    def __init__(self, out: Path) -> None:
        self.found: dict[str, tuple[Recording, bool]] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._target = out
        self._out = os.path.realpath(out)

    def add(self, recording: Recording, in_directory: bool) -> None:
        real = os.path.realpath(recording.video)
        other, _ = self.found.get(real, (None, False))
        if other is not None:
            # Keep the file itself, not a link to it.
            kept, left = (recording, other) if other.video.is_symlink() else (other, recording)
            self.notes.append(f"{left.video} is {kept.video}: analysed once")
            recording = kept
        self.found[real] = (recording, in_directory)

    def look_into(self, root: Path, target: Path) -> None:
        for video in self._walk(root):
            directory = target / video.parent.relative_to(root)
            name = str((directory / video.name).relative_to(self._target))
            self.add(Recording(video, directory, video.stem, name), in_directory=True)

    def _walk(self, root: Path) -> Iterator[Path]:
        for folder, folders, names in _walk(root, self.problems):
            for name in folders:
                if (folder / name).is_symlink():
                    self.notes.append(
                        f"{folder / name} links to a directory, which is not followed: name it to "
                        "have it analysed"
                    )
            folders[:] = [name for name in folders if os.path.realpath(folder / name) != self._out]
            yield from (folder / name for name in names if self.is_video(folder / name))

    def is_video(self, path: Path) -> bool:
        if path.name.lower().endswith(OWN_VIDEO_ENDINGS):
            return False
        suffix = path.suffix.lower().removeprefix(".")
        if suffix in VIDEO_SUFFIXES - AMBIGUOUS_SUFFIXES:
            return True
        if suffix in AUDIO_SUFFIXES or not path.is_file():
            return False
        try:
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES)
        except OSError as error:
            self.problems.append(_unreadable(error))
            return False
        # Text can start like a transport stream or an MP4 box, but contains no zero bytes.
        return detect_kind(head) == "video" and b"\0" in head


def _walk(root: Path, problems: list[str]) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Walk like `os.walk`, but in a fixed order and without hidden files and directories.

    Yields a directory, the names of its sub-directories, and the names of its files. Names that are
    removed from the list of sub-directories are not entered. A message for each directory that
    cannot be read is added to `problems`.
    """
    for folder, folders, names in os.walk(
        root, onerror=lambda error: problems.append(_unreadable(error))
    ):
        # In place, because os.walk descends into this very list.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(folder), folders, sorted(name for name in names if not name.startswith("."))


def _unreadable(error: OSError) -> str:
    return f"{error.filename}: cannot be read ({error.strerror})."


def _make_stems_unique(found: Sequence[tuple[Recording, bool]]) -> list[Recording]:
    """Return the recordings in their order, with stems such that no two write the same files.

    The stem is the beginning of the results' names. Each item of `found` is a recording, and
    whether it was found in a directory: only then may its stem be changed.

    Raises
    ------
    ValueError
        The results of two recordings that the user named as files would have the same paths.
    """
    counts = Counter(_locate_files(recording) for recording, _ in found)
    named = Counter(
        _locate_files(recording) for recording, in_directory in found if not in_directory
    )
    for path, count in named.items():
        if count > 1:
            raise ValueError(
                f"several inputs would write {Path(path).name}.summary.json: {_ONE_AT_A_TIME}"
            )
    taken = set(named)
    recordings = []
    for recording, in_directory in found:
        if in_directory:
            stem = recording.stem if counts[_locate_files(recording)] == 1 else recording.video.name
            recording = replace(recording, stem=stem)
            number = 1
            while _locate_files(recording) in taken:
                number += 1
                recording = replace(recording, stem=f"{stem}.{number}")
            taken.add(_locate_files(recording))
        recordings.append(recording)
    return recordings


def _locate_files(recording: Recording) -> str:
    """Return where a recording's results are written, as text to compare.

    The texts are equal for paths that some file systems treat as the same, such as ``A`` and ``a``.
    """
    path = str(recording.directory / recording.stem)
    return unicodedata.normalize("NFC", path).casefold()


TRACK_ENDING = ".track.npz"


def find_tracks(paths: Sequence[Path], out: Path) -> tuple[list[TrackFile], list[str]]:
    """Find the tracks among files and in directories and their sub-directories.

    Every file in `paths` is taken for a track. In a directory, tracks are the files whose names end
    in ``.track.npz``. Hidden files and directories and links to directories are left out.

    Parameters
    ----------
    paths : sequence of Path
        Files and directories.
    out : Path
        Directory for the results. Those of a file in `paths` are written directly into it. Those of
        a file in a sub-directory are written into a sub-directory of the same name. If `paths` has
        several directories, each also gets a sub-directory with its own name.

    Returns
    -------
    tracks : list of TrackFile
    problems : list of str
        A message for each directory that could not be read.

    Raises
    ------
    ValueError
        The results of two tracks would be the same files.
    """
    found: dict[Path, TrackFile] = {}
    problems: list[str] = []
    several = sum(path.is_dir() for path in paths) > 1

    def add(path: Path, directory: Path) -> None:
        stem = shorten_stem(path.name.removesuffix(".npz").removesuffix(".track"))
        if found.setdefault(directory / stem, TrackFile(path, directory, stem)).path != path:
            raise ValueError(f"several inputs would write {stem}.summary.json: {_ONE_AT_A_TIME}")

    for path in paths:
        if not path.is_dir():
            add(path, out)
            continue
        target = out / path.resolve().name if several else out
        for folder, _, names in _walk(path, problems):
            for name in names:
                if name.endswith(TRACK_ENDING):
                    add(folder / name, target / folder.relative_to(path))
    return list(found.values()), problems
