"""Write files so that each appears whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path


def remove_partial_files(directory: Path, stem: str, process_id: int) -> None:
    """Remove the half-written files of recording `stem` that the dead process `process_id` left.

    These are the temporary files of `write_whole` in `directory`; none need be there.
    """
    for path in directory.glob(f".{process_id}.*"):
        if path.name.startswith(f".{process_id}.{stem}."):
            path.unlink(missing_ok=True)


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Write a file under a temporary name, then rename it: a reader never sees half a file.

    `write` gets the temporary path, beside `path`, and creates the file. Return `path`. If an error
    is raised, what was at `path` is still there, and the temporary file is removed.
    """
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def write_text_whole(path: Path, text: str) -> Path:
    """Write a text as UTF-8, whole or not at all; return `path`.

    Line ends stay as they are: the content security policy of a page contains hashes of them.
    """
    return write_whole(path, lambda partial: partial.write_bytes(text.encode()))
