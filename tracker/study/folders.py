"""Find videos or tracks among files and in folders, and decide where each one's results go."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tracker.files.names import ENDINGS, fold_name, shorten_stem
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
        directly into it, also if it is found in a directory as well. Those of ``videos/a/b.mp4``,
        found in the directory ``videos``, are written into ``out/a``; if `paths` has several
        directories, into ``out/videos/a``.

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
        Two files in `paths`, found in no directory, would have the same result files, or two
        directories in `paths` have the same name, or one that some file systems treat as the same.
    """
    search = _Search(out, _is_video)
    found = search.look_into(paths)
    stems = _make_stems_unique(
        [(one, one.path.stem, one.path.name if one.in_directory else None) for one in found]
    )
    recordings = [
        Recording(one.path, one.directory, shorten_stem(stem), one.name)
        for one, stem in zip(found, stems, strict=True)
    ]
    return FoundRecordings(tuple(recordings), tuple(search.problems), tuple(search.notes))


def _is_video(path: Path, problems: list[str]) -> bool:
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
        problems.append(_unreadable(error))
        return False
    # Text can start like a transport stream or an MP4 box, but contains no zero bytes.
    return detect_kind(head) == "video" and b"\0" in head


TRACK_ENDING = f".{ENDINGS['track']}"


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
        Start of the results' names: `own_stem`, unless another track's results begin so, too (see
        `find_tracks`).
    name : str
        What the user is shown, without ``.track.npz``: for ``old/a/b.track.npz``, found in the
        directory ``old``, it is ``a/b``, or ``old/a/b`` if several directories were searched; else
        `own_stem`.
    """

    path: Path
    directory: Path
    stem: str
    name: str

    @property
    def own_stem(self) -> str:
        """Name of the track's file without ``.track.npz``, shortened if it is too long.

        The names of the recording's other files beside the track begin with it.
        """
        return _own_stem(self.path)


@dataclass(frozen=True, slots=True)
class FoundTracks:
    """What a search for tracks found.

    Attributes
    ----------
    tracks : tuple of TrackFile
        In the order of the given paths. Of a directory, first its own files by their names, then
        those of each sub-directory. Each track is there once.
    problems : tuple of str
        A message for each directory that could not be read.
    notes : tuple of str
        Messages on directories that were not searched, and on files found twice.
    """

    tracks: tuple[TrackFile, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_tracks(paths: Sequence[Path], out: Path | None) -> FoundTracks:
    """Find the tracks among files and in directories and their sub-directories.

    Every file in `paths` is taken for a track, also one that does not exist. In a directory, tracks
    are the files whose names end in ``.track.npz``. Left out in directories are hidden files and
    directories, `out` itself, and links to directories. A file and the links to it are one track.

    Parameters
    ----------
    paths : sequence of Path
        Files and directories; `out` may be among them.
    out : Path or None
        Directory for the results, which need not exist. Those of a file in `paths` are written
        directly into it, also if it is found in a directory as well. Those of
        ``old/a/b.track.npz``, found in the directory ``old``, are written into ``out/a``; if
        `paths` has several directories, into ``out/old/a``. None if the tracks have no files of
        results: then no directory is left out for these, and nothing is refused.

    Returns
    -------
    FoundTracks
        The stem, with which the names of a track's results begin, is the name of the track's file
        without ``.track.npz``. If tracks that were found in a directory differ only in case, the
        stem of the second one ends in ``.2``, and so on, unless the results go where the tracks
        are. A stem that is too long for a file system is shortened.

    Raises
    ------
    ValueError
        Two files in `paths`, found in no directory, would have the same result files, or two
        directories in `paths` have the same name, or one that some file systems treat as the same.
    """
    search = _Search(out, lambda path, _: path.name.endswith(TRACK_ENDING))
    found = search.look_into(paths)
    stems = [_own_stem(one.path) for one in found]
    names = [
        (Path(one.name).parent / stem).as_posix() for one, stem in zip(found, stems, strict=True)
    ]
    if out is not None:
        # Beside the track, results keep its name: the file system told it apart from the others.
        items = [
            (one, stem, stem if one.in_directory and not one.is_at_home else None)
            for one, stem in zip(found, stems, strict=True)
        ]
        stems = [shorten_stem(stem) for stem in _make_stems_unique(items)]
    tracks = [
        TrackFile(one.path, one.directory, stem, name)
        for one, stem, name in zip(found, stems, names, strict=True)
    ]
    notes = [
        f"{folder} is not searched, because the results go there: name it to have it analysed"
        for folder in search.left_out
    ]
    return FoundTracks(tuple(tracks), tuple(search.problems), (*search.notes, *notes))


def _own_stem(track: Path) -> str:
    return shorten_stem(track.name.removesuffix(".npz").removesuffix(".track"))


@dataclass(frozen=True, slots=True)
class _Found:
    """A file that a search found.

    Attributes
    ----------
    path, directory : Path
        The file, and the directory of its results.
    name : str
        What the user is shown, with the file's suffix.
    is_named, in_directory : bool
        Whether the file is among the given paths, and whether it was found in a directory.
    """

    path: Path
    directory: Path
    name: str
    is_named: bool = False
    in_directory: bool = False

    @property
    def is_at_home(self) -> bool:
        """Whether the results go where the file is."""
        return os.path.realpath(self.directory) == os.path.realpath(self.path.parent)


class _Search:
    """Collects the files of a search. A file that is found twice is collected once.

    `out` is the directory for the results, which is left out where a searched directory holds it.
    If it is None, the directories of what is found mean nothing. `is_wanted` says whether a file in
    a directory is collected, and may add a message to a list of problems. `left_out` has each path
    at which `out` was met and left out.
    """

    def __init__(self, out: Path | None, is_wanted: Callable[[Path, list[str]], bool]) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.left_out: list[Path] = []
        self._target = out or Path()
        self._out = None if out is None else os.path.realpath(out)
        self._is_wanted = is_wanted

    def look_into(self, paths: Sequence[Path]) -> list[_Found]:
        """Return the files among `paths` and in the directories; see `find_recordings`."""
        roots = [path for path in paths if path.is_dir()]
        targets = {
            root: self._target / Path(os.path.realpath(root)).name
            if len(roots) > 1
            else self._target
            for root in roots
        }
        counts = Counter(map(fold_name, targets.values()))
        for target in targets.values():
            if counts[fold_name(target)] > 1 and self._out is not None:
                raise ValueError(f"several directories are called {target.name}: {_ONE_AT_A_TIME}")
        finds: dict[str, list[_Found]] = {}
        for path in paths:
            named = _Found(path, self._target, path.name, is_named=True)
            for one in self._walk(path, targets[path]) if path in targets else [named]:
                # Links are followed, so that a file and the links to it come together.
                finds.setdefault(os.path.realpath(one.path), []).append(one)
        return [self._join(some) for some in finds.values()]

    def _join(self, finds: Sequence[_Found]) -> _Found:
        """Return what is to be done with a file that was found once or several times.

        The file itself is kept, not a link to it. Its results go where those of a named file go if
        it, or a link to it, was named. Its name is that of the file in its directory. The order of
        `finds` only decides where several of them are alike.
        """
        kept = min(finds, key=lambda one: (one.path.is_symlink(), not one.is_named))
        self.notes += [
            f"{one.path} is {kept.path}: analysed once" for one in finds if one is not kept
        ]
        inside = [one for one in finds if one.in_directory and not one.path.is_symlink()]
        return _Found(
            kept.path,
            next((one.directory for one in finds if one.is_named), kept.directory),
            inside[0].name if inside else kept.name,
            is_named=any(one.is_named for one in finds),
            in_directory=any(one.in_directory for one in finds),
        )

    def _walk(self, root: Path, target: Path) -> Iterator[_Found]:
        for folder, folders, names in _walk(root, self.problems):
            for name in folders:
                if (folder / name).is_symlink():
                    self.notes.append(
                        f"{folder / name} links to a directory, which is not followed: name it to "
                        "have it analysed"
                    )
            results = [name for name in folders if os.path.realpath(folder / name) == self._out]
            self.left_out += [folder / name for name in results]
            folders[:] = [name for name in folders if name not in results]
            directory = target / folder.relative_to(root)
            for name in names:
                if self._is_wanted(folder / name, self.problems):
                    shown = str((directory / name).relative_to(self._target))
                    yield _Found(folder / name, directory, shown, in_directory=True)


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


def _make_stems_unique(found: Sequence[tuple[_Found, str, str | None]]) -> list[str]:
    """Return a stem for each file such that no two write the same files.

    The stem is the beginning of the results' names. Each item of `found` is a file, its stem, and
    what its stem may be changed to: this second one, and if that is taken, ``SECOND.2``,
    ``SECOND.3`` and so on. Without a second one, the stem is kept.

    Raises
    ------
    ValueError
        The results of two files whose stems are kept would have the same paths. Names that differ
        only in case are no such paths if all the results go where the files are.
    """
    keys = [_locate_files(one.directory, stem) for one, stem, _ in found]
    taken: dict[str, tuple[_Found, str]] = {}
    for key, (one, stem, second) in zip(keys, found, strict=True):
        if second is not None:
            continue
        other, other_stem = taken.setdefault(key, (one, stem))
        if other is not one and (stem == other_stem or not (one.is_at_home and other.is_at_home)):
            raise ValueError(f"several inputs would write {stem}.summary.json: {_ONE_AT_A_TIME}")
    counts = Counter(keys)
    stems = []
    for key, (one, stem, second) in zip(keys, found, strict=True):
        if second is not None:
            stem = wanted = stem if counts[key] == 1 else second
            number = 1
            while _locate_files(one.directory, stem) in taken:
                number += 1
                stem = f"{wanted}.{number}"
            taken[_locate_files(one.directory, stem)] = (one, stem)
        stems.append(stem)
    return stems


def _locate_files(directory: Path, stem: str) -> str:
    """Return directory and stem of a file's results, as a text that is only to be compared.

    Those that some file systems treat as the same give equal texts: see `fold_name`.
    """
    return fold_name(directory / stem)
