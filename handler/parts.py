"""Where the jobs of a divided recording keep their files in the storage until they are joined.

Each execution of the state machine that divides a recording has a folder of its own there.
"""

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
    """The files of one execution of the state machine that divides a recording.

    They are the plan, a part for each segment (the landmarks that a worker found in it), and
    perhaps the mark that the recording cannot be divided. Each file is written whole, and always
    under the same name, so that a job that runs twice does no harm.

    Parameters
    ----------
    storage : Storage
    analysis_id : str
    execution : str
        Name of the execution.
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
        """Return the names of the files stored so far: `PLAN`, parts, and perhaps `UNDIVIDED`.

        They are names like those that `put` takes, not keys.
        """
        return {key.removeprefix(self._folder) for key in self._storage.list_files(self._folder)}

    def put(self, name: str, path: Path) -> None:
        """Store the file at `path` under the name `name`, over an earlier one of that name."""
        self._storage.put_file(self._folder + name, path, CONTENT_TYPE)

    def fetch(self, name: str, folder: Path) -> Path:
        """Copy the file `name` from the storage into a local folder, and return its path there.

        Raises
        ------
        HandlerError
            There is no such file, or no longer.
        """
        path = folder / name
        path.write_bytes(self._read(name))
        return path

    def write_plan(self, plan: dict[str, Any]) -> None:
        """Store the plan, which says how the recording is divided.

        It is what `Engine.plan_segments` returns: ``segments``, a list of texts that
        `Engine.track_segment` takes, and ``sha256`` of the recording.
        """
        self._write(PLAN, json.dumps(plan).encode())

    def read_plan(self) -> dict[str, Any]:
        """Return the plan that `write_plan` stored.

        Raises
        ------
        HandlerError
            There is no plan, or no longer.
        """
        plan: dict[str, Any] = json.loads(self._read(PLAN))
        return plan

    def mark_undivided(self) -> None:
        """Store the mark that the recording cannot be divided.

        The job that would join the parts then analyses all of it.
        """
        self._write(UNDIVIDED, b"whole")

    def remove(self) -> None:
        """Remove all files of this execution."""
        self._storage.delete_files(self._folder)

    def _write(self, name: str, content: bytes) -> None:
        with temporary_folder(self._work_folder) as folder:
            path = folder / name
            path.write_bytes(content)
            self.put(name, path)

    def _read(self, name: str) -> bytes:
        """Return the content of the file `name`.

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
    """Return the file name of the part of segment number `index`, from 0: ``0.npz``, ``1.npz``."""
    return f"{index}.npz"
