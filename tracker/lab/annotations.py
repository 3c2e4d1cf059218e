"""Read annotations: files in which a person noted the blinks in a recording."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from tracker.files.corrections import check_corrections, read_corrections
from tracker.files.names import CORRECTIONS
from tracker.measures.corrections import Corrections, TimedEvent
from tracker.tracks.track import Track
from tracker.video.container import VIDEO_SUFFIXES, InputError

KINDS = ("blink", "long_closure", "ambiguous")
"""Kinds of annotated lid closures. A row that names no kind is a ``blink``."""
TAG_FIELDS = 7
"""Least number of fields in a row of a ``.tag`` file; more may follow, which are not read."""


class AnnotationError(InputError):
    """An annotation cannot be used. The message names the file and, if there is one, the line."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A lid closure, annotated or detected. Its frames are numbered as in the source video.

    Attributes
    ----------
    start, stop : int
        First frame of the closure, and first frame after it; counted from 0.
    onset_seen, offset_seen : bool
        Whether the beginning and the end of the closure were seen. They were not if the recording
        or the annotated range begins or ends during the closure, or if the face was lost then. For
        an annotated closure both are True until `score_clip` compares it with the range.
    peak : int or None
        Frame in which the lids of a detected closure are lowest; None for an annotated one.
    onset_s, offset_s : float
        Times at which a detected closure begins and ends, in seconds since the video's first frame.
        NaN if that was not seen, and for an annotated closure.
    """

    start: int
    stop: int
    onset_seen: bool = True
    offset_seen: bool = True
    peak: int | None = None
    onset_s: float = math.nan
    offset_s: float = math.nan

    def overlap(self, start: int, stop: int) -> int:
        """Return how many frames this closure shares with the frames [start, stop).

        Without a shared frame, return minus the number of frames between the two.
        """
        return min(self.stop, stop) - max(self.start, start)


@dataclass(frozen=True, slots=True)
class AnnotatedClip:
    """A recording, and the lid closures that its annotator saw.

    Attributes
    ----------
    name : str
        Path of the video, relative to the directory that was searched for annotations.
    video, annotation : Path
        The video's file, and the file with its annotation. Nobody has checked that a video exists
        which ``clips.csv`` names.
    blinks, long_closures : tuple of Closure
        In order of their start.
    ambiguous : tuple of Closure
        Closures of which the annotator was not sure, and times marked as not usable. A detected
        closure whose `peak` lies there, and which matches no other annotation, is no mistake.
    scored : tuple of (int, int) or None
        The frames that were annotated, as (first, first one after them); None for the whole video.
    view : str or None
        Kind of camera view (``view_code``); None if the annotation names none.
    person : str
        Code of the person: the folder in `name` and the annotation's ``subject``, as in
        ``clinic/ann``. Without a ``subject`` it equals `name`: each recording is another person.
    corrections : Corrections or None
        What a person corrected in the recording's report; `place_corrections` makes closures of it.
    """

    name: str
    video: Path
    annotation: Path
    blinks: tuple[Closure, ...]
    long_closures: tuple[Closure, ...] = ()
    ambiguous: tuple[Closure, ...] = ()
    scored: tuple[int, int] | None = None
    view: str | None = None
    person: str = ""
    corrections: Corrections | None = None


def find_annotations(directory: Path) -> tuple[list[AnnotatedClip], list[AnnotationError]]:
    """Read all annotations in a directory and its sub-directories.

    Frames count from 0 in the order in which they are decoded. A closure includes its start frame
    and its end frame. ``kind`` is ``blink`` (the default), ``long_closure`` or ``ambiguous``. An
    annotation has one of these forms:

    ``clips.csv`` with ``blinks.csv`` in the same folder
        One row for each recording (``video, tag_first, tag_last``, optionally ``view_code`` and
        ``subject``), and one for each closure (``video, start, end``, optionally ``kind``).
        ``video`` is a path from that folder; the tags are the first and last annotated frame.
    ``<stem>.blinks.csv`` or ``<stem>.truth.blinks.csv`` beside the video ``<stem>.*``
        One row for each closure: ``start, end``, optionally ``kind``. ``analyze`` writes a file
        with the first name too; it is recognised by its columns and skipped.
    ``<stem>.tag`` beside the video ``<stem>.*``
        One row for each frame, in the format of the public blink sets.
    ``<stem>.corrections.json`` beside the video ``<stem>.*``
        What a person saved in the recording's report. It gives seconds, not frames: see
        `place_corrections`.

    Returns
    -------
    clips : list of AnnotatedClip
        In order of their names.
    errors : list of AnnotationError
        One for each recording that is left out, such as one that is annotated twice, and one for
        each ``blinks.csv`` all of whose recordings are left out for one reason.

    Raises
    ------
    AnnotationError
        There is no such directory, or no annotation in it, not even one with an error.
    """
    if not directory.is_dir():
        raise AnnotationError(f"{directory}: no such directory. Check the path.")
    found: list[AnnotatedClip | AnnotationError] = []
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        try:
            if path.name == "blinks.csv":
                found += _read_clip_tables(path, directory)
            elif path.name.endswith(".blinks.csv"):
                found += _read_closure_table(path, directory)
            elif path.suffix.lower() == ".tag":
                found.append(read_tag(path, directory))
            elif path.name.endswith(f".{CORRECTIONS}"):
                found.append(_read_corrected(path, directory))
        except AnnotationError as error:
            found.append(error)
    if not found:
        raise AnnotationError(
            f"{directory}: no annotations found. Put STEM.blinks.csv (columns start, end, kind) or "
            "STEM.tag or STEM.corrections.json beside each video STEM.mp4, or blinks.csv and "
            "clips.csv beside all of them."
        )
    clips, errors = _keep_single(item for item in found if isinstance(item, AnnotatedClip))
    return clips, [item for item in found if isinstance(item, AnnotationError)] + errors


def _keep_single(
    found: Iterable[AnnotatedClip],
) -> tuple[list[AnnotatedClip], list[AnnotationError]]:
    """Return the clips of videos that are annotated once, and an error for each other video.

    Both are in order of the videos' names.
    """
    by_video: dict[str, list[AnnotatedClip]] = {}
    for clip in found:
        by_video.setdefault(clip.name, []).append(clip)
    clips, errors = [], []
    for name, (clip, *others) in sorted(by_video.items()):
        if others:
            files = " and ".join(str(one.annotation) for one in (clip, *others))
            errors.append(AnnotationError(f"{name}: annotated twice, in {files}. Keep one."))
        else:
            clips.append(clip)
    return clips, errors


def read_tag(path: Path, directory: Path) -> AnnotatedClip:
    """Read a ``.tag`` file of the public blink sets (Eyeblink8, ZJU, talking face, ...).

    Between the lines ``#start`` and ``#end`` the file has one row for each frame:
    ``frame ID : blink ID : NF : LE_FC : LE_NV : RE_FC : RE_NV : F_X : ...``. A blink is a run of
    rows with the same blink ID; -1 means no blink. Another ID begins another blink.

    Parameters
    ----------
    path, directory : Path
        The file, and the directory that was searched for annotations.

    Returns
    -------
    AnnotatedClip
        Its `scored` range goes from the first to the last frame in the file.

    Raises
    ------
    AnnotationError
        A row is malformed, ``#start`` or ``#end`` is missing, or there is not exactly one video
        ``<stem>.*`` beside the file.

    Notes
    -----
    This follows descriptions of the format and two published programs that read it: no file of the
    public sets was available. NF (face not frontal), FC (eye fully closed) and NV (eye not visible)
    are flags of the face, the left eye (LE) and the right eye (RE). They are ignored, because the
    authors are quoted as calling them inconsistent: every blink counts, visible or not. Frame IDs
    are assumed to count from 0, as those of the ZJU annotation do.

    References
    ----------
    .. [1] A. Fogelton, W. Benesova, Eye blink detection based on motion vectors analysis, Computer
       Vision and Image Understanding 148, 2016, 23-33; https://www.blinkingmatters.com/research
    """
    rows = _read_tag_rows(path)
    runs = [
        (blink, [frame for frame, _ in run]) for blink, run in groupby(rows, key=lambda row: row[1])
    ]
    video = _video_beside(path, path.stem)
    return AnnotatedClip(
        name=video.relative_to(directory).as_posix(),
        video=video,
        annotation=path,
        blinks=tuple(Closure(run[0], run[-1] + 1) for blink, run in runs if blink != -1),
        scored=(rows[0][0], rows[-1][0] + 1),
        person=video.relative_to(directory).as_posix(),
    )


def _read_tag_rows(path: Path) -> list[tuple[int, int]]:
    """Return the frame ID and the blink ID (-1: no blink) of each row of a ``.tag`` file.

    The frame IDs rise. Raises `AnnotationError` if they do not, or if the file is malformed.
    """
    lines = _read_text(path, errors="replace").splitlines()
    marks = [line.strip().lower() for line in lines]
    if "#start" not in marks or "#end" not in marks[marks.index("#start") :]:
        raise AnnotationError(
            f"{path}: not a whole .tag file: no line #start, or no line #end after it. "
            "Copy it again."
        )
    begin = marks.index("#start") + 1
    end = marks.index("#end", begin)
    rows: list[tuple[int, int]] = []
    for number, line in enumerate(lines[begin:end], start=begin + 1):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split(":")]
        if len(fields) < TAG_FIELDS:
            raise _row_error(path, number, f"{len(fields)} fields, expected {TAG_FIELDS} or more")
        frame = _whole_number(path, number, "frame ID", fields[0])
        blink = -1 if fields[1] == "-1" else _whole_number(path, number, "blink ID", fields[1])
        if rows and frame <= rows[-1][0]:
            raise _row_error(path, number, f"frame {frame} follows frame {rows[-1][0]}")
        rows.append((frame, blink))
    if not rows:
        raise AnnotationError(f"{path}: no frame between #start and #end. Copy it again.")
    return rows


def _row_error(path: Path, line: int, what: str) -> AnnotationError:
    return AnnotationError(f"{path}, line {line}: {what}. Correct the line.")


def _whole_number(path: Path, line: int, name: str, text: str) -> int:
    # A frame number never has more than 12 digits, and Python refuses to convert more than 4,300.
    if not text.strip().isdecimal() or len(text) > 12:
        raise _row_error(path, line, f"{name} is {text!r}, expected a whole number from 0 on")
    return int(text)


def _read_text(path: Path, errors: str = "strict") -> str:
    try:
        # Spreadsheets begin their CSV files with a byte order mark.
        return path.read_text(encoding="utf-8-sig", errors=errors)
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path}: not text in UTF-8. Save it as CSV in UTF-8.") from error


class _Row:
    """A row of a CSV file. It is checked when a cell is read, not before; an error names the line.

    `line` is its number in the file, from 1. `header` holds the names of the columns of `cells`.
    """

    def __init__(self, path: Path, line: int, header: list[str], cells: list[str]) -> None:
        self.path, self.line = path, line
        self._cells = dict(zip(header, cells, strict=False))
        self._widths = (len(cells), len(header))

    def text(self, name: str) -> str:
        """Return the cell in the column `name`, stripped; empty if there is no such column.

        Raises `AnnotationError` if the row has more or fewer cells than the header.
        """
        if self._widths[0] != self._widths[1]:
            raise self.error("{} cells, expected {}".format(*self._widths))
        return self._cells.get(name, "").strip()

    def number(self, name: str) -> int:
        return _whole_number(self.path, self.line, name, self.text(name))

    def error(self, what: str) -> AnnotationError:
        return _row_error(self.path, self.line, what)


def _read_rows(path: Path, required: Sequence[str]) -> list[_Row]:
    reader = csv.reader(_read_text(path).splitlines(keepends=True))
    try:
        header = [cell.strip() for cell in next(reader, [])]
        missing = [name for name in required if name not in header]
        if missing:
            raise AnnotationError(
                f"{path}, line 1: no column {', '.join(missing)}. Write the columns' names there, "
                "between commas."
            )
        return [
            _Row(path, reader.line_num, header, cells)
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise _row_error(path, reader.line_num, str(error)) from error


def _read_closure(row: _Row) -> tuple[str, Closure]:
    """Return the kind of the closure that a row describes (one of `KINDS`), and the closure.

    Raises `AnnotationError` if a cell is malformed, or if the closure ends before it starts.
    """
    start, end = row.number("start"), row.number("end")
    if end < start:
        raise row.error(f"end {end} lies before start {start}")
    kind = row.text("kind") or KINDS[0]
    if kind not in KINDS:
        raise row.error(f"kind is {kind!r}, expected {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    return kind, Closure(start, end + 1)


def _make_clip(
    video: Path,
    annotation: Path,
    directory: Path,
    rows: Iterable[_Row],
    scored: tuple[int, int] | None = None,
    view: str | None = None,
    subject: str = "",
) -> AnnotatedClip:
    by_kind: dict[str, list[Closure]] = {kind: [] for kind in KINDS}
    for row in rows:
        kind, closure = _read_closure(row)
        if scored is not None and closure.overlap(*scored) <= 0:
            raise row.error(f"outside the annotated frames {scored[0]} to {scored[1] - 1}")
        by_kind[kind].append(closure)
    for closures in by_kind.values():
        closures.sort(key=lambda closure: closure.start)
    name = video.relative_to(directory)
    return AnnotatedClip(
        name=name.as_posix(),
        video=video,
        annotation=annotation,
        blinks=tuple(by_kind["blink"]),
        long_closures=tuple(by_kind["long_closure"]),
        ambiguous=tuple(by_kind["ambiguous"]),
        scored=scored,
        view=view,
        # Another directory's subject of that name is somebody else.
        person=(name.parent / subject if subject else name).as_posix(),
    )


def _read_closure_table(path: Path, directory: Path) -> list[AnnotatedClip]:
    """Read ``<stem>.blinks.csv``, which annotates one recording; return a list with that one.

    The list is empty if the command ``analyze`` wrote the file: it is a result, not an annotation.
    The recording's name is relative to `directory`, which was searched. Raises `AnnotationError` if
    a row is malformed, or if there is not exactly one video ``<stem>.*`` beside the file.
    """
    if "onset_frame" in _read_text(path).partition("\n")[0].split(","):
        return []
    rows = _read_rows(path, ("start", "end"))
    stem = path.name.removesuffix(".blinks.csv").removesuffix(".truth")
    return [_make_clip(_video_beside(path, stem), path, directory, rows)]


def _read_clip_tables(path: Path, directory: Path) -> list[AnnotatedClip | AnnotationError]:
    """Read ``blinks.csv`` and the ``clips.csv`` beside it, which annotate many recordings.

    `path` is that of ``blinks.csv``. Return each recording, or in its place the error because of
    which it cannot be used. Names of recordings are relative to `directory`, which was searched.
    Raises `AnnotationError` if none can be used: a table is missing or malformed, or ``blinks.csv``
    names a video that ``clips.csv`` does not.
    """
    table = path.with_name("clips.csv")
    if not table.is_file():
        raise AnnotationError(
            f"{path}: no clips.csv (columns video, tag_first, tag_last) beside it. It names the "
            "recordings, those without a blink too."
        )
    recordings = _read_rows(table, ("video", "tag_first", "tag_last"))
    by_video: dict[str, list[_Row]] = {row.text("video"): [] for row in recordings}
    # A blink with an unknown video is missing from some recording. It is unclear from which one, so
    # none of them can be scored.
    for row in _read_rows(path, ("video", "start", "end")):
        if row.text("video") not in by_video:
            raise row.error(f"video {row.text('video')!r} is not in {table.name}")
        by_video[row.text("video")].append(row)
    clips: list[AnnotatedClip | AnnotationError] = []
    for row in recordings:
        try:
            name = row.text("video")
            if not name or Path(name).is_absolute():
                raise row.error(f"video is {name!r}, expected the name of a file beside it")
            scored = (row.number("tag_first"), row.number("tag_last") + 1)
            if scored[1] <= scored[0]:
                raise row.error(f"tag_last {scored[1] - 1} lies before tag_first {scored[0]}")
            video, view = path.parent / name, row.text("view_code") or None
            subject = row.text("subject")
            clips.append(_make_clip(video, path, directory, by_video[name], scored, view, subject))
        except AnnotationError as error:
            clips.append(error)
    return clips


def _read_corrected(path: Path, directory: Path) -> AnnotatedClip:
    """Read corrections that lie beside a video, as a clip that has no closures yet.

    `place_corrections` adds the closures. `path` is the file of corrections, and `directory` the
    one that was searched, from which the clip's name counts. Raises `AnnotationError` if the file
    holds no corrections, or if there is not exactly one video of its name beside it.
    """
    try:
        corrections = read_corrections(path)
    except InputError as error:
        raise AnnotationError(str(error)) from error
    video = _video_beside(path, path.name.removesuffix(f".{CORRECTIONS}"))
    name = video.relative_to(directory).as_posix()
    return AnnotatedClip(name, video, path, (), person=name, corrections=corrections)


def place_corrections(clip: AnnotatedClip, track: Track) -> AnnotatedClip:
    """Return a clip with the closures that its corrections name, in frames of the video.

    A clip without corrections is returned as it is. Flutters (quick closures in a row), and times
    marked as not usable, become ambiguous closures. An event whose middle lies in a time that is
    not usable is left out. Winks are left out too, because they are not scored.

    `track` is that of the clip's video: it tells which frame is nearest to a time. Raises
    `InputError` if the corrections belong to another recording, or name times after its end.
    """
    said = clip.corrections
    if said is None:
        return clip
    check_corrections(said, track)

    def place(start_s: float, end_s: float) -> Closure:
        # The nearest frame. Between two tracked frames, frame numbers are interpolated.
        start, stop = np.rint(np.interp((start_s, end_s), track.times_s, track.frame_index))
        return Closure(int(start), max(int(stop), int(start) + 1))

    def is_usable(event: TimedEvent) -> bool:
        middle_s = (event.onset_s + event.offset_s) / 2
        return not any(one.start_s <= middle_s < one.end_s for one in said.unusable)

    by_kind: dict[str, list[Closure]] = {}
    for event in filter(is_usable, said.events):
        by_kind.setdefault(event.kind, []).append(place(event.onset_s, event.offset_s))
    return replace(
        clip,
        blinks=tuple(by_kind.get("blink", ())),
        long_closures=tuple(by_kind.get("prolonged_closure", ())),
        ambiguous=(
            *by_kind.get("flutter", ()),
            *(place(one.start_s, one.end_s) for one in said.unusable),
        ),
    )


def _video_beside(annotation: Path, stem: str) -> Path:
    found = sorted(
        path
        for path in annotation.parent.iterdir()
        if path.stem == stem and path.suffix[1:].lower() in VIDEO_SUFFIXES and path.is_file()
    )
    if len(found) != 1:
        what = f"several videos {stem}.*: keep one" if found else f"no video {stem}.mp4: add it"
        raise AnnotationError(
            f"{annotation}: beside it there is {what} (or MOV, MKV, WebM, AVI, ...)."
        )
    return found[0]
