"""Who was recorded, and when: a table that a study keeps beside its videos.

The table is ``participants.tsv`` as in BIDS, or ``participants.csv``.
"""

import csv
import datetime
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath

from tracker.files.fields import Summary
from tracker.files.names import ENDINGS, printable
from tracker.video.container import VIDEO_SUFFIXES

NAMES = ("participants.tsv", "participants.csv")
"""Names under which the table is found in a folder."""
MAX_BYTES = 16 * 2**20
MAX_TEXT = 128
"""Longest id, group or visit, in characters."""


class ParticipantsError(ValueError):
    """The table of participants cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Participant:
    """Who was recorded, at which visit; empty where the table says nothing.

    Attributes
    ----------
    participant_id : str
        The study's code of the person.
    group : str
        Such as ``PSP`` or ``control``.
    visit : str
        Name or number of the visit.
    date : str
        Date of the recording, ``YYYY-MM-DD``.
    """

    participant_id: str
    group: str = ""
    visit: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Participants:
    """A table of participants.

    Attributes
    ----------
    by_file : dict of str to Participant
        For rows that name a `file`. The key is that path or name, with "/" and without the suffix
        of a video.
    by_id : dict of str to Participant
        For rows without a `file`. The key is the participant's id.
    folder : Path or None
        Where the table lies, as `Path.resolve` names it. None: nowhere.
    """

    by_file: dict[str, Participant]
    by_id: dict[str, Participant]
    folder: Path | None = None

    def find(
        self, name: str, source: str = "", directory: Path | None = None
    ) -> Participant | None:
        """Return who was recorded; None if the table does not say it.

        The first of these rows is taken: one whose `file` is `name`; one whose `file` is the video
        `source` in the same folder; one without `file` whose id is the last part of `name`, else
        the folder before it, and so on upwards. Suffixes of videos are not compared. In `name`,
        ``sub-`` may stand before the id. A `file` without a folder is not looked for in folders:
        phones give many videos the same name. Before all, `file` is compared with the path from the
        table's own folder, where `directory` lies in it. A letter with a mark is the same as one
        character and as two, which macOS writes.

        Parameters
        ----------
        name : str
            The recording's path from the folder that was searched, "/" between parts. It is without
            suffix, or ends in the video's, as ``a.mov`` if the folder also holds ``a.mp4``.
        source : str
            The name of the file that was analysed, its path or not: a video or a track. Without
            it, a recording whose files are called otherwise than its video is not always found.
        directory : Path, optional
            Where the recording's files lie. In `name`, folders are missing if the user named the
            file itself or a folder below that of the table.

        Examples
        --------
        >>> table = Participants({}, {"p01": Participant("p01", "control")})
        >>> table.find("sub-p01/second")
        Participant(participant_id='p01', group='control', visit='', date='')
        """
        path = PurePosixPath(_compose(name))
        # A folder may hold a.mp4 and a.mov: their results are called a.mp4 and a.mov, too.
        short = _drop_suffix(path)
        names = [path.name, short.name]
        if analyzed := PurePosixPath(_compose(source).removesuffix(f".{ENDINGS['track']}")).name:
            own = _drop_suffix(PurePosixPath(analyzed))
            # A video visit.1 is called visit, too, but is not the visit.mp4 of the table.
            names = [own.name] if own.stem == path.name else [*names, own.name]
        for folder in (*self._locate(directory), path.parent):
            for one in names:
                if person := self.by_file.get(str(folder / one)):
                    return person
        for part in (path.name, short.name, *reversed(path.parent.parts)):
            for key in (part, part.removeprefix("sub-")):
                if key in self.by_id:
                    return self.by_id[key]
        return None

    def _locate(self, directory: Path | None) -> list[PurePosixPath]:
        """Return the path of a directory from the table's folder; none if it does not lie there."""
        if directory is None or self.folder is None:
            return []
        place = directory.resolve()
        if not place.is_relative_to(self.folder):
            return []
        return [PurePosixPath(_compose(place.relative_to(self.folder).as_posix()))]


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _drop_suffix(path: PurePosixPath) -> PurePosixPath:
    """Return a path without its suffix if that is one of a video: ``visit.1`` stays as it is."""
    is_video = path.suffix[1:].lower() in VIDEO_SUFFIXES
    return path.with_suffix("") if is_video else path


NOBODY = Participants({}, {})
"""The table of a folder that has none."""


def find_participants(folders: Iterable[Path]) -> Path | None:
    """Return the table of participants that lies directly in one of the folders; None without one.

    It is a file with one of `NAMES`: ``participants.tsv`` or ``participants.csv``.

    Raises
    ------
    ParticipantsError
        There are several in all the folders together.
    """
    found = [folder / name for folder in folders for name in NAMES if (folder / name).is_file()]
    if len(found) > 1:
        names = ", ".join(map(printable, found))
        raise ParticipantsError(f"there are several tables of participants: {names}. Keep one")
    return found[0] if found else None


def read_participants(path: Path) -> Participants:
    """Read a table of participants.

    Parameters
    ----------
    path : Path
        UTF-8, values separated by tabs, commas or semicolons. Each row needs a `participant_id`.
        The columns `file`, `group`, `visit` and `date` (``YYYY-MM-DD``) are optional. Other columns
        are left out, and ``n/a`` is empty, as in BIDS.

    Returns
    -------
    Participants

    Raises
    ------
    ParticipantsError
        The file cannot be read or has over `MAX_BYTES`; it has no rows; an id is missing; a text or
        date is refused by `check_participant`; or two rows have the same `file`, or the same id and
        no `file`. The message says which, and names the line if it is one.
    """
    where = printable(path.name)
    rows = _read_rows(path)
    by_file: dict[str, Participant] = {}
    by_id: dict[str, Participant] = {}
    for number, row in rows:
        line = f"{where}, line {number}"
        values = {
            name.strip(): _clean(value)
            for name, value in row.items()
            if name and isinstance(value, str)
        }
        if not values.get("participant_id"):
            columns = ", ".join(map(printable, values))
            raise ParticipantsError(f"{line}: participant_id is missing. Columns: {columns}")
        one = Participant(**{item.name: values.get(item.name, "") for item in fields(Participant)})
        try:
            check_participant(one)
        except ParticipantsError as error:
            raise ParticipantsError(f"{line}: {error}") from None
        table, key = by_id, one.participant_id
        if file_name := values.get("file", "").replace("\\", "/"):
            table, key = by_file, str(_drop_suffix(PurePosixPath(file_name)))
        if key in table:
            raise ParticipantsError(
                f"{line}: {printable(key)} is there twice; give each visit its own `file`"
            )
        table[key] = one
    if not rows:
        raise ParticipantsError(f"{where} has no row with a participant_id")
    return Participants(by_file, by_id, path.parent.resolve())


def _read_rows(path: Path) -> list[tuple[int, dict[str | None, str | list[str] | None]]]:
    """Return the rows of a table: the number of a row's last line, and its texts by their columns.

    Lines are counted from 1, as an editor does: some are blank, and a quoted text may have several.
    A text that a row lacks at its end is None. Texts beyond the last column are a list under None.

    Values may be separated by tabs, commas or semicolons: by the one with which the first line has
    a column `participant_id`.

    Raises
    ------
    ParticipantsError
        The file is too large, cannot be read, or is no such table in UTF-8.
    """
    where = printable(path.name)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ParticipantsError(f"{where} is over {MAX_BYTES >> 20} MB")
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = file.readline()
            file.seek(0)
            # Where a comma is the decimal sign, spreadsheets write semicolons into a .csv.
            usual = "\t,;" if path.suffix.lower() == ".tsv" else ",;\t"
            fitting = [one for one in usual if "participant_id" in _split(header, one)]
            delimiter = (fitting or usual)[0]
            reader = csv.DictReader(file, delimiter=delimiter, strict=True)
            return [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise ParticipantsError(f"{where} cannot be read ({error.strerror})") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise ParticipantsError(
            f"{where} is not a table in UTF-8: {error}. A spreadsheet saves one as “CSV UTF-8”"
        ) from error


def _split(header: str, delimiter: str) -> list[str]:
    return [name.strip() for row in csv.reader([header], delimiter=delimiter) for name in row]


def _clean(value: str) -> str:
    value = _compose(value.strip())
    return "" if value == "n/a" else value


def read_participant_of(summary: Summary) -> Participant | None:
    """Return who was recorded, as a summary says; None if it does not. The `group` is always "".

    An empty id, or one of spaces, names nobody: all who had it would be one person.

    Raises
    ------
    ParticipantsError
        A text in the summary is too long or cannot be printed, or its date is no date.
    """
    said = summary.participant
    if said is None or not said.participant_id.strip():
        return None
    one = Participant(said.participant_id, "", said.visit or "", said.date or "")
    check_participant(one)
    return one


def check_participant(one: Participant) -> None:
    """Check the texts and the date that describe a participant. All of them may be empty.

    Raises
    ------
    ParticipantsError
        One has more than `MAX_TEXT` characters, or some that cannot be printed, or `date` is no
        date as ``YYYY-MM-DD``.
    """
    for item in fields(Participant):
        value = getattr(one, item.name)
        if len(value) > MAX_TEXT or not value.isprintable():
            raise ParticipantsError(
                f"{item.name} is longer than {MAX_TEXT} characters, or cannot be printed"
            )
    if one.date:
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", one.date):
                raise ValueError
            datetime.date.fromisoformat(one.date)
        except ValueError:
            raise ParticipantsError(f"date is {one.date!r}, expected YYYY-MM-DD") from None
