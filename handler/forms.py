"""Read the file out of a multipart form, piece by piece."""

from collections.abc import Callable, Iterator
from email.message import Message
from typing import IO

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from handler.errors import BadRequestError

CHUNK_BYTES = 2**16
MAX_HEAD_BYTES = 2 * CHUNK_BYTES
"""Most bytes that the fields before the file of a form may take."""


def read_boundary(content_type: str) -> bytes:
    """Return the boundary that separates a form's fields, as its content type gives it.

    `content_type` is the request's header, ``multipart/form-data; boundary=abc``: the result is
    then ``b"abc"``.

    Raises
    ------
    BadRequestError
        The content type is not that of a multipart form, or has no boundary.
    """
    message = Message()
    message["Content-Type"] = content_type.encode("latin-1", "replace").decode("latin-1")
    boundary = message.get_boundary()
    if message.get_content_type() != "multipart/form-data" or not boundary:
        raise BadRequestError(
            "bad_upload", "Content-Type is not valid, expected multipart/form-data with a file"
        )
    return boundary.encode("latin-1", "replace")


def read_stream(stream: IO[bytes]) -> bytes:
    """Return the next bytes of a stream, `CHUNK_BYTES` at most; empty at its end."""
    return stream.read(CHUNK_BYTES)


def copy_form_file(
    stream: IO[bytes],
    boundary: bytes,
    target: IO[bytes],
    read_chunk: Callable[[IO[bytes]], bytes] = read_stream,
) -> str:
    """Copy the content of the field ``file`` of a multipart form, and read the stream to its end.

    Parameters
    ----------
    stream : file object
        The form; the stream ends where the form ends.
    boundary : bytes
        From `read_boundary`.
    target : file object
        The file that the content is written to.
    read_chunk : callable, optional
        Reads the next bytes of the stream; empty at its end. Default: `read_stream`.

    Returns
    -------
    str
        The file's name, as the client gives it; empty if it gives none.

    Raises
    ------
    BadRequestError
        There is no such field, or over `MAX_HEAD_BYTES` come before it; it is empty, or cut off.
        Part of the content may have been written to `target` by then.
    """
    parser = PushMultipartParser(boundary)
    read_bytes = copied_bytes = 0
    found = complete = False
    name = ""
    while not complete:
        chunk = read_chunk(stream)
        read_bytes += len(chunk)
        for event in _parse(parser, chunk):
            if isinstance(event, MultipartSegment):
                found = event.name == "file"
                name = event.filename or "" if found else name
            elif not found:
                continue
            elif event is None:
                complete = True
                break
            else:
                target.write(event)
                copied_bytes += len(event)
        if not complete and (not chunk or parser.closed):
            raise _cut_off()
        if not found and read_bytes > MAX_HEAD_BYTES:
            raise BadRequestError("bad_upload", "The form has no field `file`.")
    if not copied_bytes:
        raise BadRequestError("bad_upload", "The file is empty.")
    # S3 wants the file as the last field. Read what follows, so that the client can finish sending,
    # and ignore it.
    while read_chunk(stream):
        pass
    return name


def _parse(parser: PushMultipartParser, chunk: bytes) -> Iterator[MultipartSegment | bytes | None]:
    """Yield what a chunk holds of each field: its head, pieces of its content, None at its end.

    A field can reach over several chunks. The head is a `MultipartSegment`: the field's name and,
    of a file, the file's name. An empty chunk says that nothing more comes.

    Raises
    ------
    BadRequestError
        The form is cut off, or is no multipart form.
    """
    try:
        yield from parser.parse(chunk)
    except MultipartError as error:
        raise _cut_off() from error


def _cut_off() -> BadRequestError:
    return BadRequestError("bad_upload", "The form is cut off, or has no field `file`.")
