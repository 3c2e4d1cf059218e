"""Check that a file can be opened: it is a regular file, and its content is of a known kind."""

from io import BufferedIOBase
from pathlib import Path

VIDEO_SUFFIXES = frozenset(
    ("mp4", "m4v", "mov", "3gp", "mkv", "webm", "avi", "mpg", "mpeg", "mts", "ts", "wmv")
)
"""In a folder, files with these suffixes are taken for videos."""
MIN_SIDE_PX = 32
"""Smallest width and height of a video or an image."""
_IMAGE_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
)
HEAD_BYTES = 512
"""Number of bytes at the start of a file that show its kind."""


class InputError(Exception):
    """An input, such as a video or a track, cannot be used. The message says what to do."""

    code = "unusable"
    """Machine-readable kind of the error."""


class InputNotFoundError(InputError):
    """There is no such regular file, or it cannot be read."""

    code = "not_found"


class VideoOpenError(InputError):
    """The file is not a video, cannot be decoded, or is refused, for example as too large."""

    code = "undecodable"


class ImageOpenError(InputError):
    """The file is not an image, cannot be decoded, or is refused as too large or too small."""


class ImageKindError(ImageOpenError):
    """The image is of a kind for which this machine has no decoder."""


def detect_kind(head: bytes) -> str | None:
    """Return a file's kind, ``"video"``, ``"image"`` or None, from its first `HEAD_BYTES` bytes."""
    if is_video(head):
        return "video"
    return "image" if is_image(head) else None


def read_head(source: Path | BufferedIOBase) -> bytes:
    """Return the first `HEAD_BYTES` bytes of a file, or of a seekable stream at its start.

    A shorter file gives fewer bytes. The stream is at its start again afterwards. Raises
    `InputNotFoundError` if the path is no regular file or cannot be read.
    """
    if isinstance(source, BufferedIOBase):
        head = source.read(HEAD_BYTES)
        source.seek(0)
        return head
    check_readable(source)
    try:
        with source.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise InputNotFoundError(f"{source}: cannot be read ({error.strerror}).") from error


def check_readable(path: Path) -> None:
    """Check that a path is a regular file, or a link to one. It is not opened.

    Raises
    ------
    InputNotFoundError
        The path does not exist, or is a directory, a pipe or a device.
    """
    if path.is_dir():
        raise InputNotFoundError(f"{path}: is a directory. Name the files in it.")
    if not path.exists():
        raise InputNotFoundError(f"{path}: no such file. Check the path.")
    if not path.is_file():
        raise InputNotFoundError(f"{path}: not a regular file. Copy it to one first.")


def check_container(head: bytes, name: str) -> None:
    """Check that a file is a video container, before FFmpeg opens it.

    FFmpeg guesses the format from the content. It would also open playlists and scripts, which name
    other files and addresses to read.

    Parameters
    ----------
    head : bytes
        The file's first `HEAD_BYTES` bytes.
    name : str
        How the error's message calls the file.

    Raises
    ------
    VideoOpenError
        The file is empty, a still image, or something else.
    """
    if is_video(head):
        return
    if not head:
        raise VideoOpenError(f"{name}: the file is empty. Copy it from the phone again.")
    if is_image(head):
        raise VideoOpenError(f"{name}: this is a still image: use `eye-tracker image`.")
    raise VideoOpenError(
        f"{name}: not a video file. Use MP4, MOV, WebM, MKV, AVI, MPEG or WMV as phones and "
        "cameras write them."
    )


def is_video(head: bytes) -> bool:
    """Return whether a file that starts with `head` (`HEAD_BYTES` bytes) is a video container.

    A file of such a format that holds sound only counts, too: its streams are not looked at.
    """
    return (
        # ISO base media (MP4, MOV, 3GP) starts with a box of one of these types.
        (
            head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
            and not is_image(head)
        )
        or head[:4] == b"\x1a\x45\xdf\xa3"  # Matroska, WebM
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or head[:4] in (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")  # MPEG program stream, video
        or (head[:1] == b"\x47" and head[188:189] == b"\x47")  # MPEG transport stream
        or (head[4:5] == b"\x47" and head[196:197] == b"\x47")  # the same, as camcorders write it
        or head[:4] == b"\x30\x26\xb2\x75"  # ASF (WMV)
    )


def is_image(head: bytes) -> bool:
    """Return whether a file that starts with `head` (`HEAD_BYTES` bytes) is a still image.

    Kinds for which this machine may have no decoder, such as HEIC, count too.
    """
    return (
        head[:3] == b"\xff\xd8\xff"  # JPEG
        or head[:8] == b"\x89PNG\r\n\x1a\n"
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[:2] == b"BM" and head[6:10] == b"\x00\x00\x00\x00")
        or head[:4] in (b"II*\x00", b"MM\x00*")  # TIFF
        or image_brand(head) is not None
    )


def image_brand(head: bytes) -> str | None:
    """Return ``"heic"`` or ``"avif"`` if a file that starts with `head` is such a picture, or None.

    Both begin like an MP4, with a list of the formats that the file conforms to. The first format
    may be one that both kinds share, so a file is AVIF if any format in the list is. `head` holds
    the file's first `HEAD_BYTES` bytes.
    """
    if head[4:8] != b"ftyp":
        return None
    size = min(int.from_bytes(head[:4]), len(head))
    names = [head[8:12], *(head[n : n + 4] for n in range(16, size - 3, 4))]
    if names[0] not in _IMAGE_BRANDS:
        return None
    return "avif" if {b"avif", b"avis"} & set(names) else "heic"
