"""Take forms with a file, as S3 does, and write the file to the disk while it arrives."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import quote

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request

from handler.errors import BadRequestError, HandlerError, NotFoundError, TooLargeError
from handler.events import FormFile
from handler.forms import CHUNK_BYTES, copy_form_file, read_boundary
from handler.keys import ORIGINAL, check_analysis_id
from handler.local.storage import LocalStorage
from handler.records import Record
from handler.requests import MAX_UPLOAD_BYTES
from handler.storage import UPLOAD_VALID_S
from handler.temporary import temporary_folder


class StalledError(HandlerError):
    """The client sent no data within the server's time limit."""

    status_code = 408


def receive_upload(storage: LocalStorage, request: Request, analysis_id: str) -> None:
    """Store the file from an upload form, and queue a message that it has arrived, as S3 does.

    The message makes the server analyse the file.

    Parameters
    ----------
    storage : LocalStorage
    request : Request
        The HTTP request, its body still unread.
    analysis_id : str
        From the path of the request, not checked yet.

    Raises
    ------
    HandlerError
        No file is expected under this id (any more), the form is too large, not valid, or stopped
        arriving, or the disk is full. Nothing is stored or queued then.
    """
    begun = datetime.now(UTC)
    record = _read_awaited(storage, check_analysis_id(analysis_id), begun)
    check_length(request, MAX_UPLOAD_BYTES + CHUNK_BYTES, "Cut the video.")
    boundary = read_boundary(request.headers.get("Content-Type", ""))
    with storage.writing(record.source_key) as target:
        copy_form_file(request.stream, boundary, target, read_chunk)
        # A faster upload may have arrived in the meantime, and be under analysis: keep its file.
        _read_awaited(storage, analysis_id, begun)
    notification = {
        "eventName": "ObjectCreated:Post",
        "s3": {"bucket": {"name": "local"}, "object": {"key": quote(record.source_key)}},
    }
    storage.enqueue({"Records": [notification]})


@contextmanager
def received_form(request: Request, work: Path) -> Iterator[FormFile]:
    """Yield the file of a form that is to be analysed at once; remove it after the ``with`` block.

    Parameters
    ----------
    request : Request
        The HTTP request, its body still unread.
    work : Path
        Folder for temporary files.

    Raises
    ------
    HandlerError
        The form is not valid, too large, or stopped arriving, or the disk is full.
    """
    check_length(request, MAX_UPLOAD_BYTES + CHUNK_BYTES, "Cut the video.")
    boundary = read_boundary(request.headers.get("Content-Type", ""))
    with temporary_folder(work) as folder:
        path = folder / ORIGINAL
        with path.open("wb") as target:
            name = copy_form_file(request.stream, boundary, target, read_chunk)
        yield FormFile(path, name)


def _read_awaited(storage: LocalStorage, analysis_id: str, begun: datetime) -> Record:
    """Return the record of an analysis that still takes a file.

    It takes one if its state is ``queued``, and if the upload began (at the time `begun`) at most
    `UPLOAD_VALID_S` seconds after the record was made.

    Raises
    ------
    NotFoundError
        It takes none, or there is no such analysis.
    """
    record = storage.read(analysis_id)
    age_s = (begun - datetime.fromisoformat(record.created_at)).total_seconds()
    if record.state != "queued" or age_s > UPLOAD_VALID_S:
        raise NotFoundError("no_upload", "This upload is over. Ask for a new one.")
    return record


def check_length(request: Request, limit: int, remedy: str) -> None:
    """Check that a request's body is declared to have at most `limit` bytes, before it is read.

    A request without the header Content-Length has no body, 0 bytes. `remedy` is a sentence for the
    error's message about a body that is too large: what the client can do.

    Raises
    ------
    BadRequestError
        Content-Length is no number, or the body comes in chunks (Transfer-Encoding).
    TooLargeError
        The declared length is over `limit`.
    """
    text = request.headers.get("Content-Length", "0")
    if request.headers.get("Transfer-Encoding") or not text.isascii() or not text.isdigit():
        raise BadRequestError("bad_length", "Send the body in one piece, with its Content-Length.")
    if int(text[:20]) > limit:
        raise TooLargeError("body_too_large", f"The body has over {limit >> 20} MB. {remedy}")


def read_chunk(stream: IO[bytes], size: int = CHUNK_BYTES) -> bytes:
    """Return the next bytes of a request's body, at most `size`.

    They are empty at its end, and also if the client disconnected before it.

    Raises
    ------
    StalledError
        The client sent nothing until the connection's time was over. Python raises `TimeoutError`
        then, which is an `OSError` and would be taken for an error of the disk.
    """
    try:
        return stream.read(size)
    except TimeoutError as error:
        raise StalledError("stalled", "The request did not arrive in time. Send it again.") from (
            error
        )
    except (ClientDisconnected, ConnectionError):
        return b""
