"""Find videos or tracks among files and in folders, and decide where each one's results go."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tracker.files.names import fold_name, shorten_stem
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
        In the order of the given paths. Of a directory, first its own files by their names, then
        those of each sub-directory. Each video is there once.
    problems : tuple of str
        A message for each directory, and each file without a video's suffix, that could not be
        read. A damaged or missing video is no problem here: its analysis fails later.
    notes : tuple of str
        Messages on links to directories, which were not followed, and on files found twice.
    """

    recordings: tuple[Recording, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_recordings(paths: Sequence[Path], out: Path) -> FoundRecordings:
    """Find the videos among files and in directories and their sub-directories.

    Every file in `paths` is taken for a recording, also one that does not exist. In a directory, a
    file is taken for a recording if it has a video's suffix, so that a damaged video is reported,
    or if its content is a video's. For ``.ts`` and ``.mts``, which TypeScript files share, only the
    content counts, so that a damaged one is left out. Left out in directories are hidden files and
    directories (such as ``._x.mp4``, which macOS writes beside ``x.mp4``), `out` itself, annotated
    copies, files with a suffix of sound, and links to directories. A file and the links to it are
    one recording.

    Parameters
    ----------
    paths : sequence of Path
        Files and directories.
    out : Path
        Directory for the results, which need not exist. Those of a file in `paths` are written
        directly into it. Those of ``videos/a/b.mp4``, found in the directory ``videos``, are
        written into ``out/a``; if `paths` has several directories, into ``out/videos/a``.

    Returns
    -------
    FoundRecordings
        The stem, with which the names of a recording's files begin, is the video's name without its
        suffix. If videos that were found in a directory differ only in suffix or case, their stems
        are the whole names (``b.mp4``, ``b.mov``), with a number if that is not enough. A stem that
        is too long for a file system is shortened.

    Raises
    ------
    ValueError
        Two files in `paths` would have the same result files, or two directories in `paths` have
        the same name.
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
        Start of the results' names: the file's name without ``.track.npz``, shortened if it is too
        long for a file system.
    """

    path: Path
    directory: Path
    stem: str


class _Search:
    """Collects the recordings of a search. A file that is found twice is collected once.

    `out` is the directory for the results, which is left out where a searched directory holds it.
    The keys of `found` are the videos' real paths, with links followed. Each value is a recording,
    and whether it was last found in a directory, rather than named by the caller.
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

    Yields a directory, the sorted names of its sub-directories, and those of its files. A caller
    may remove names from the list of sub-directories: these are not entered. Links to directories
    are among the sub-directories, but are not entered either. A message for each directory that
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
    whether it was found in a directory. Only then may its stem be changed: to the video's whole
    name, and if that is taken, to ``NAME.2``, ``NAME.3`` and so on.

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
    """Return directory and stem of a recording's results, as a text that is only to be compared.

    Those that some file systems treat as the same give equal texts: see `fold_name`.
    """
    return fold_name(recording.directory / recording.stem)


TRACK_ENDING = ".track.npz"


def find_tracks(paths: Sequence[Path], out: Path) -> tuple[list[TrackFile], list[str]]:
    """Find the tracks among files and in directories and their sub-directories.

    Every file in `paths` is taken for a track, also one that does not exist. In a directory, tracks
    are the files whose names end in ``.track.npz``. Hidden files and directories and links to
    directories in it are left out. `out` is searched, too, if a directory in `paths` holds it.

    Parameters
    ----------
    paths : sequence of Path
        Files and directories.
    out : Path
        Directory for the results, which need not exist. Those of a file in `paths` are written
        directly into it. Those of ``old/a/b.track.npz``, found in the directory ``old``, are
        written into ``out/a``; if `paths` has several directories, into ``out/old/a``.

    Returns
    -------
    tracks : list of TrackFile
        In the order of the given paths. Of a directory, first its own files by their names, then
        those of each sub-directory. The same path is there once, but a link to it is another track.
    problems : list of str
        A message for each directory that could not be read.

    Raises
    ------
    ValueError
        The results of two tracks would have the same directory and stem, or such as some file
        systems treat as the same.
    """
    found: dict[str, TrackFile] = {}
    problems: list[str] = []
    several = sum(path.is_dir() for path in paths) > 1

    def add(path: Path, directory: Path) -> None:
        stem = shorten_stem(path.name.removesuffix(".npz").removesuffix(".track"))
        place = fold_name(directory / stem)
        if found.setdefault(place, TrackFile(path, directory, stem)).path != path:
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
