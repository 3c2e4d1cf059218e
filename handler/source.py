"""The file that an analysis reads, where it comes from, and the facts that identify it later."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from handler.errors import UnsupportedMediaError
from handler.storage import StoredVersion
from tracker.version import __version__


@dataclass(frozen=True, slots=True)
class Source:
    """A file to analyse.

    Attributes
    ----------
    file : Path or BufferedIOBase
        The path of the file on this disk, or a stream that reads it from the storage.
    kind : {"video", "image"}
    original : Path or None
        The path of a file that came with the request and is not yet in the storage; else None.
    size_bytes : int
        The file's size in the storage; 0 if it is not there.
    version : StoredVersion or None
        The file's version in the storage; None if it is not there.
    stored_at : str
        When it was stored, ISO 8601 in UTC; empty if it is not in the storage.
    """

    file: Path | BufferedIOBase
    kind: str
    original: Path | None
    size_bytes: int = 0
    version: StoredVersion | None = None
    stored_at: str = ""

    @property
    def stream(self) -> BufferedIOBase:
        """`file`, which must be a stream that reads from the storage and not a path."""
        assert isinstance(self.file, BufferedIOBase)
        return self.file

    def rewind(self) -> None:
        """Go back to the beginning if the file is a stream; do nothing if it is a path."""
        if not isinstance(self.file, Path):
            self.file.seek(0)

    def measure_content(self, sha256: str | None) -> dict[str, Any]:
        """Return a dictionary with ``sha256`` (hexadecimal) and ``size_bytes`` of the file.

        `sha256` is the hash if it is known already. If it is None and the file a path, it is
        computed; for a stream, which would have to be downloaded again, it stays None.
        """
        if not isinstance(self.file, Path):
            return {"sha256": sha256, "size_bytes": self.size_bytes}
        if sha256 is None:
            with self.file.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return {"sha256": sha256, "size_bytes": self.file.stat().st_size}

    def identify(
        self,
        code: Mapping[str, str],
        version: StoredVersion | None,
        stored_at: str,
        sha256: str | None = None,
    ) -> dict[str, Any]:
        """Return which bytes were analysed, when, and by which program: `Record.provenance`.

        Parameters
        ----------
        code : mapping
            Hashes of the program and the models: see `Engine.identity`.
        version : StoredVersion or None
            The stored version. None for a file that came with the request and failed, because only
            what was analysed is stored.
        stored_at : str
            When it was stored, ISO 8601; empty: not stored.
        sha256 : str, optional
            The file's hash in hexadecimal. Default: it is computed if `file` is a path.

        Returns
        -------
        dict
            ``sha256``, ``size_bytes``, ``etag``, ``version_id``, ``stored_at``, ``analysed_at``
            (now), ``program_version``, and all of `code`; None for what is not known.
        """
        return {
            **self.measure_content(sha256),
            "etag": version.etag.strip('"') if version else None,
            "version_id": (version.version_id or None) if version else None,
            "stored_at": stored_at or None,
            "analysed_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "program_version": __version__,
            **code,
        }


def check_kind(kind: str, expected: str | None) -> None:
    """Raise an error if a file is of another kind than the request names.

    Parameters
    ----------
    kind : {"video", "image"}
        What the file is, by its content.
    expected : {"video", "image", None}
        What the request names; None takes either.

    Raises
    ------
    UnsupportedMediaError
    """
    if expected is not None and kind != expected:
        raise UnsupportedMediaError(
            "unsupported_media_type",
            f"The file is of kind {kind}: use the action analyze_{kind}.",
        )
