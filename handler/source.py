"""A file to analyse, and what its record says of it."""

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
    size_bytes, version, stored_at
        Size, version and time of storing, if the file is in the storage.
    """

    file: Path | BufferedIOBase
    kind: str
    original: Path | None
    size_bytes: int = 0
    version: StoredVersion | None = None
    stored_at: str = ""

    @property
    def stream(self) -> BufferedIOBase:
        """The stream of a file that is read from the storage."""
        assert isinstance(self.file, BufferedIOBase)
        return self.file

    def rewind(self) -> None:
        """Go back to the beginning of a stream."""
        if not isinstance(self.file, Path):
            self.file.seek(0)

    def measure_content(self, sha256: str | None) -> dict[str, Any]:
        """Return the size and the SHA-256 of the analysed file.

        `sha256` is the hash if it is known already. If it is None, it is computed from the file,
        or stays None if the file is a stream.
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
        """Return which bytes were analysed, when, and by which program and models.

        `code` names the program's and the models' files. `version` is None for a file that came
        with the request and failed, because only what was analysed is stored.
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
    """Refuse a file of another kind than the request names; None takes any kind."""
    if expected is not None and kind != expected:
        raise UnsupportedMediaError(
            "unsupported_media_type",
            f"The file is of kind {kind}: use the action analyze_{kind}.",
        )
