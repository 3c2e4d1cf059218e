"""Uploads: accept a form with a file as S3 does, and write the file to the disk as it arrives."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO
from urllib.parse import quote

from multipart import MultipartError, MultipartSegment, PushMultipartParser
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request

from handler.errors import BadRequestError, HandlerError, NotFoundError, TooLargeError
from handler.keys import check_analysis_id
from handler.local.storage import LocalStorage
from handler.records import Record
from handler.requests import MAX_UPLOAD_BYTES
from handler.storage import UPLOAD_VALID_S

CHUNK_BYTES = 2**16
MAX_HEAD_BYTES = 2 * CHUNK_BYTES
"""Largest total size of the form fields that come before the file."""


class StalledError(HandlerError):
    """The client sent no data within the server's time limit."""

    status_code = 408


def receive_upload(storage: LocalStorage, request: Request, analysis_id: str) -> None:
    """Store the file from an upload form, and queue a message that it has arrived, as S3 does.

    Parameters
    ----------
    storage : LocalStorage
    request : Request
    analysis_id : str
        From the path of the request, not checked yet.

    Raises
    ------
    HandlerError
        No file is expected under this id, the form is not valid, or the disk is full.
    """
    begun = datetime.now(UTC)
    record = _read_awaited(storage, check_analysis_id(analysis_id), begun)
    check_length(request, MAX_UPLOAD_BYTES + CHUNK_BYTES, "Cut the video.")
    boundary = request.mimetype_params.get("boundary")
    if not boundary:
        raise BadRequestError(
            "bad_upload", "Content-Type is not valid, expected multipart/form-data with a file"
        )
    with storage.writing(record.source_key) as target:
        copy_form_file(request.stream, boundary.encode("latin-1", "replace"), target)
        # A faster upload may have arrived in the meantime, and be under analysis: keep its file.
        _read_awaited(storage, analysis_id, begun)
    notification = {
        "eventName": "ObjectCreated:Post",
        "s3": {"bucket": {"name": "local"}, "object": {"key": quote(record.source_key)}},
    }
    storage.enqueue({"Records": [notification]})


def _read_awaited(storage: LocalStorage, analysis_id: str, begun: datetime) -> Record:
    """Return the record of an analysis if it still waits for its file.

    An analysis waits if its state is ``queued`` and the upload began at most `UPLOAD_VALID_S` after
    the record was made. Otherwise, raise `NotFoundError`.
    """
    record = storage.read(analysis_id)
    age_s = (begun - datetime.fromisoformat(record.created_at)).total_seconds()
    if record.state != "queued" or age_s > UPLOAD_VALID_S:
        raise NotFoundError("no_upload", "This upload is over. Ask for a new one.")
    return record


def copy_form_file(stream: IO[bytes], boundary: bytes, target: IO[bytes]) -> None:
    """Copy the content of a multipart form's field ``file``, and read the form to its end.

    Parameters
    ----------
    stream : file object
        The form; the stream ends where the form ends.
    boundary : bytes
        Separator of the form's fields, from its content type.
    target : file object
        Receives the content of the field.

    Raises
    ------
    BadRequestError
        There is no field ``file``, it is empty, or the form is cut off.
    StalledError
        The client stopped sending.
    """
    parser = PushMultipartParser(boundary)
    read_bytes = copied_bytes = 0
    found = complete = False
    while not complete:
        chunk = read_chunk(stream)
        read_bytes += len(chunk)
        for event in _parse(parser, chunk):
            if isinstance(event, MultipartSegment):
                found = event.name == "file"
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


def check_length(request: Request, limit: int, remedy: str) -> None:
    """Check the declared length of a request's body before any of it is read.

    Raises
    ------
    BadRequestError
        The length is not known.
    TooLargeError
        The length is over `limit` bytes. The message ends with `remedy`: what the client can do.
    """
    text = request.headers.get("Content-Length", "0")
    if request.headers.get("Transfer-Encoding") or not text.isascii() or not text.isdigit():
        raise BadRequestError("bad_length", "Content-Length is missing or not a number.")
    if int(text[:20]) > limit:
        raise TooLargeError("body_too_large", f"The body has over {limit >> 20} MB. {remedy}")


def read_chunk(stream: IO[bytes], size: int = CHUNK_BYTES) -> bytes:
    """Read the next bytes of a request's body; empty at its end, or if the client disconnected.

    Raises
    ------
    StalledError
        The client sends nothing. The `TimeoutError` is replaced because it is an `OSError`, which
        would look like an error of the disk.
    """
    try:
        return stream.read(size)
    except TimeoutError as error:
        raise StalledError("stalled", "The request did not arrive in time. Send it again.") from (
            error
        )
    except (ClientDisconnected, ConnectionError):
        return b""


def _parse(parser: PushMultipartParser, chunk: bytes) -> Iterator[MultipartSegment | bytes | None]:
    """Yield what a chunk of the form holds: of a field its head, pieces of its content, and None.

    None marks the end of a field. A chunk may hold only a part of a field.
    """
    try:
        yield from parser.parse(chunk)
    except MultipartError as error:
        raise _cut_off() from error


def _cut_off() -> BadRequestError:
    return BadRequestError("bad_upload", "The form is cut off, or has no field `file`.")
