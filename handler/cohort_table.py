"""Write the results of a cohort as a table: Parquet files in a folder named after its day."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handler.keys import RESULT_NAMES
from handler.storage import Storage
from handler.temporary import temporary_folder

if TYPE_CHECKING:
    from handler.engine import Engine

FOLDER = "cohort-results/table/"
ROWS_OF_A_FILE = 5000
"""Most recordings in one file; their summaries are in memory at the same time."""
CHUNK_BYTES = 2**20
CONTENT_TYPE = "application/vnd.apache.parquet"
FILE_KINDS = {"frames" if name == "csv" else name: f"{name}_path" for name in RESULT_NAMES}
"""Field of an answer that holds a file's path, by the name that the table gives this file."""
_EXECUTION = re.compile(r"[A-Za-z0-9_-]{1,80}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=T)")


class CohortTable:
    """Writes the results of a cohort, many recordings that one state machine analysed, as a table.

    Parameters
    ----------
    storage : Storage
    engine : Engine
        It writes the Parquet files.
    work_folder : Path or None
        Folder for temporary files; None: the system's own folder for them.
    """

    def __init__(self, storage: Storage, engine: "Engine", work_folder: Path | None = None) -> None:
        self._storage = storage
        self._engine = engine
        self._work_folder = work_folder

    def write(self, results: str, execution: str, started_at: str) -> dict[str, Any]:
        """Write the table of one cohort into the storage, in as many Parquet files as it takes.

        Their keys are ``cohort-results/table/date=YYYY-MM-DD/EXECUTION-N.parquet``, N from 0, with
        at most `ROWS_OF_A_FILE` recordings each. The day is that of `started_at`. A second call
        with the same arguments replaces these files.

        Parameters
        ----------
        results : str
            Key of the manifest that the state machine's distributed map wrote: a JSON file with the
            keys of the files that hold the answers of all recordings.
        execution : str
            Name of the execution of the cohort's state machine.
        started_at : str
            When the execution was started, ISO 8601, UTC.

        Returns
        -------
        dict
            ``files`` and ``recordings``: how many of each were written, failed recordings included.

        Raises
        ------
        ValueError
            `execution` is not 1 to 80 letters, digits, ``-`` and ``_``, or `started_at` does not
            begin with a date and ``T``.
        """
        day = _DAY.match(started_at)
        if not day or not _EXECUTION.fullmatch(execution):
            raise ValueError("this is no execution of a state machine")
        found = self._read_results(results)
        files = recordings = 0
        while batch := list(itertools.islice(found, ROWS_OF_A_FILE)):
            name = f"{execution}-{files}.parquet"
            with temporary_folder(self._work_folder) as folder:
                path = folder / name
                self._engine.write_table(path, batch)
                self._storage.put_file(f"{FOLDER}date={day[0]}/{name}", path, CONTENT_TYPE)
            files, recordings = files + 1, recordings + len(batch)
        return {"files": files, "recordings": recordings}

    def _read_results(self, results: str) -> Iterator[dict[str, Any]]:
        """Yield what the table says of each recording: a dictionary for `Engine.write_table`.

        `results` is the manifest's key, see `write`. First come the videos that were analysed, then
        all files that failed, pictures too. Folders, and pictures that were analysed, are left out.
        """
        with self._storage.open_file(results).stream as stream:
            listed = json.load(stream)["ResultFiles"]
        for line in self._read_lines(listed["SUCCEEDED"]):
            answer = line["answer"]
            if "summary" in answer:
                files = {kind: answer[name] for kind, name in FILE_KINDS.items() if name in answer}
                known = {name: answer[name] for name in ("analysis_id", "summary")}
                yield {"file": line["key"], "files": files, **known}
        for line in self._read_lines(listed["FAILED"]):
            yield {"file": json.loads(line["Input"])["key"], **_read_failure(line)}

    def _read_lines(self, files: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for one in files:
            with self._storage.open_file(one["Key"]).stream as stream:
                rest = b""
                while chunk := stream.read(CHUNK_BYTES):
                    *lines, rest = (rest + chunk).split(b"\n")
                    yield from map(json.loads, filter(None, lines))
            # The last line may have no end.
            if rest:
                yield json.loads(rest)


def _read_failure(line: dict[str, Any]) -> dict[str, str]:
    """Return why a recording failed: ``code``, and the message ``error``.

    `line` is the state machine's entry of the recording. Its ``Cause`` is the JSON of the answer
    with both. If the function itself failed, there is no such answer: the code is then
    "not_analyzed", and the message names the entry's ``Error``.
    """
    try:
        answer = json.loads(line.get("Cause") or "{}")
        return {"code": answer["code"], "error": answer["error"]}
    except (ValueError, KeyError, TypeError):
        error = line.get("Error") or "unknown"
        told = f"The analysis was stopped ({error}). Start the cohort again."
        return {"code": "not_analyzed", "error": told}
