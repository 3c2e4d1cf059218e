"""The folder in the storage where an execution of the state machine keeps what its jobs made."""

import json
from pathlib import Path
from typing import Any

from handler.errors import HandlerError, NotFoundError
from handler.keys import make_part_key
from handler.storage import Storage
from handler.temporary import temporary_folder

PLAN = "plan.json"
UNDIVIDED = "undivided"
"""A file of this name says that the recording cannot be divided."""
CONTENT_TYPE = "application/octet-stream"
DAMAGED = "A part of the analysis is missing or damaged. Send it again."


class Parts:
    """The files of one execution. Each is written whole, and always under the same name.

    Parameters
    ----------
    storage : Storage
    analysis_id, execution : str
    work_folder : Path or None
        Folder for temporary files; None: the system's own folder for them.
    """

    def __init__(
        self, storage: Storage, analysis_id: str, execution: str, work_folder: Path | None
    ) -> None:
        self._storage = storage
        self._folder = make_part_key(analysis_id, execution, "")
        self._work_folder = work_folder

    def list_names(self) -> set[str]:
        """Return the names of the files that are stored."""
        return {key.removeprefix(self._folder) for key in self._storage.list_files(self._folder)}

    def put(self, name: str, path: Path) -> None:
        """Store a file under a name."""
        self._storage.put_file(self._folder + name, path, CONTENT_TYPE)

    def fetch(self, name: str, folder: Path) -> Path:
        """Copy a file into a folder, and return its path."""
        path = folder / name
        path.write_bytes(self._read(name))
        return path

    def write_plan(self, plan: dict[str, Any]) -> None:
        """Store the plan: ``segments``, texts for the engine, and ``sha256`` of the recording."""
        self._write(PLAN, json.dumps(plan).encode())

    def read_plan(self) -> dict[str, Any]:
        """Return the plan."""
        plan: dict[str, Any] = json.loads(self._read(PLAN))
        return plan

    def mark_undivided(self) -> None:
        """Store the mark that the recording cannot be divided."""
        self._write(UNDIVIDED, b"whole")

    def remove(self) -> None:
        """Remove all files."""
        self._storage.delete_files(self._folder)

    def _write(self, name: str, content: bytes) -> None:
        with temporary_folder(self._work_folder) as folder:
            path = folder / name
            path.write_bytes(content)
            self.put(name, path)

    def _read(self, name: str) -> bytes:
        """Return a file's content.

        Raises
        ------
        HandlerError
            The file is lost, or was removed because the analysis has ended meanwhile.
        """
        try:
            with self._storage.open_file(self._folder + name).stream as stream:
                return stream.read()
        except NotFoundError:
            raise HandlerError("part_damaged", DAMAGED) from None


def name_part(index: int) -> str:
    """Return the file name of a segment's part."""
    return f"{index}.npz"
