"""Results as NDJSON: one JSON object a line, which databases and stream tools read."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tracker.exports.recordings import ExportedRecording
from tracker.files.whole import write_whole


def export_ndjson(recordings: Iterable[ExportedRecording], out: Path) -> list[Path]:
    """Write ``recordings.ndjson``, ``blinks.ndjson``, ``saccades.ndjson`` and ``frames.ndjson``.

    A line of the first file is a recording: its person, if known, and its summary. A line of the
    others is a row of a recording's table; what is missing is null. Each line names its recording
    in the field ``recording``. `out` is an existing folder; earlier files in it are replaced. The
    four paths are returned in this order.

    Raises
    ------
    ExportInputError
        A table of a recording cannot be read. Some of the files may have been written by then.
    """
    recordings = list(recordings)
    return [
        _write(out / "recordings.ndjson", map(_describe, recordings)),
        _write(out / "blinks.ndjson", _rows(recordings, ExportedRecording.read_blinks)),
        _write(out / "saccades.ndjson", _rows(recordings, ExportedRecording.read_saccades)),
        _write(out / "frames.ndjson", _rows(recordings, ExportedRecording.read_frames)),
    ]


def _describe(recording: ExportedRecording) -> dict[str, Any]:
    person = asdict(recording.participant) if recording.participant else {}
    return {
        "recording": recording.name,
        **{name: value or None for name, value in person.items()},
        "summary": recording.summary.to_dict(),
    }


def _rows(recordings: Iterable[ExportedRecording], read: Any) -> Iterator[dict[str, Any]]:
    for recording in recordings:
        for row in read(recording):
            yield {"recording": recording.name, **row}


def _write(path: Path, lines: Iterable[dict[str, Any]]) -> Path:
    def write(partial: Path) -> None:
        with partial.open("w", encoding="utf-8", newline="") as file:
            for line in lines:
                file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")

    return write_whole(path, write)
