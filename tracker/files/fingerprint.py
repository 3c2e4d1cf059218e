"""The hash of a video's content, and whether the file is still the one that was hashed."""

import hashlib
import io
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from tracker.video.container import InputError, InputNotFoundError, check_readable

MAX_GAP_BYTES = 2**20
"""If the decoder skips at most this many bytes, they are read at once for the hash. The decoder
skips sound in many such steps, and no stream is fetched in much smaller pieces."""
MAX_REST_BYTES = 16 * 2**20
"""Most bytes that are read only for the hash when the decoder is done. The index at a video's end
is smaller. More bytes are left only if the analysis ended before the video."""
_BLOCK_BYTES = 2**20


class VideoChangedError(InputError):
    """The file was written to, or removed, while it was analysed."""

    code = "changed"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A video file as it was when it was hashed.

    Attributes
    ----------
    path : Path
        The file.
    sha256 : str
        SHA-256 of the content, 64 hexadecimal digits.
    size_bytes, modified_ns : int
        Size, and time of the last change in nanoseconds since 1970, just before it was hashed. If
        either differs later, the file was written to.
    """

    path: Path
    sha256: str
    size_bytes: int
    modified_ns: int

    def check_unchanged(self) -> None:
        """Raise `VideoChangedError` if the file was written to or removed since it was hashed.

        This is judged by its size and the time of its last change. It is not hashed again.
        """
        try:
            status = self.path.stat()
        except OSError:
            status = None
        if status is None or (status.st_size, status.st_mtime_ns) != (
            self.size_bytes,
            self.modified_ns,
        ):
            raise VideoChangedError(
                f"{self.path.name}: was written to while it was analysed. Wait until it is "
                "copied, then analyse it again."
            )


def take_fingerprint(path: Path) -> Fingerprint:
    """Hash a video file, and note its size and the time of its last change.

    Raises
    ------
    InputNotFoundError
        The file is missing or cannot be read, or it is a folder or a device.
    """
    check_readable(path)
    try:
        # Stat before reading, so that a write during reading is detected.
        status = path.stat()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputNotFoundError(f"{path}: cannot be read ({error.strerror}).") from error
    return Fingerprint(path, digest, status.st_size, status.st_mtime_ns)


class HashedStream(BufferedIOBase):
    """A stream that computes the SHA-256 of its whole content while a decoder reads from it.

    So the content need not be fetched again for the hash. Give this object to the decoder in place
    of `stream`, then call `finish`: it reads what is not hashed yet, and returns the hash. If the
    decoder skips more than `MAX_GAP_BYTES`, nothing after these is hashed until they are read.

    Parameters
    ----------
    stream : BufferedIOBase
        Where to read from: seekable, and at its start. It stays open when this object is closed.
    """

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self._hashed = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        start = self._stream.tell()
        content = self._stream.read(size)
        if content and 0 < start - self._hashed <= MAX_GAP_BYTES:
            self._hash_until(start)
            self._stream.seek(start + len(content))
        known = self._hashed - start
        if 0 <= known < len(content):
            self._digest.update(memoryview(content)[known:])
            self._hashed = start + len(content)
        return content

    def finish(self) -> str:
        """Read what is not hashed yet, and return the SHA-256 of the whole content.

        Returns
        -------
        str
            64 hexadecimal digits; empty if more than `MAX_REST_BYTES` are not hashed yet.

        Raises
        ------
        OSError
            The stream cannot be read, or ends early.
        """
        size = self._stream.seek(0, io.SEEK_END)
        if size - self._hashed > MAX_REST_BYTES:
            return ""
        self._hash_until(size)
        return self._digest.hexdigest()

    def _hash_until(self, end: int) -> None:
        self._stream.seek(self._hashed)
        while self._hashed < end:
            content = self._stream.read(min(_BLOCK_BYTES, end - self._hashed))
            if not content:
                raise OSError("the stream ended before its size")
            self._digest.update(content)
            self._hashed += len(content)
