"""The API on this machine: a directory and SQLite for S3 and DynamoDB, a thread for the queue."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from aws_lambda_powertools import Logger

from handler.api import Api
from handler.engine import Engine
from handler.errors import (
    BadRequestError,
    ForbiddenError,
    HandlerError,
    MethodNotAllowedError,
    NotFoundError,
    StorageUnavailableError,
    TooLargeError,
    describe_for_log,
    to_document,
    to_handler_error,
)
from handler.requests import MAX_BODY_BYTES, MAX_UPLOAD_BYTES
from handler.service import TEMPORARY_PREFIX, Service, remove_leftovers
from handler.storage import (
    REPORT,
    UPLOAD_VALID_S,
    Page,
    Record,
    RecordChangedError,
    RecordExistsError,
    check_analysis_id,
    content_type_of,
    decode_token,
    encode_token,
)

HOST = "127.0.0.1"
LOCAL_NAMES = (HOST, "localhost")
SYNCHRONOUS_S = 300.0
"""As the Lambda function's timeout."""
WORKER_S = 3600.0
"""A message's time: there is no timeout, and a lease of this length ends with the process."""
MAX_DELIVERIES = 5
CHUNK_BYTES = 2**16
_PART_HEAD = re.compile(rb'name="file"')

WEB = Path(__file__).parents[1] / "web"
WEB_FILES = {
    "": ("index.html", "text/html; charset=utf-8"),
    "app.js": ("app.js", "text/javascript; charset=utf-8"),
    "config.js": ("config.js", "text/javascript; charset=utf-8"),
    "face.js": ("face.js", "text/javascript; charset=utf-8"),
    "task.js": ("task.js", "text/javascript; charset=utf-8"),
    "texts.js": ("texts.js", "text/javascript; charset=utf-8"),
    "style.css": ("style.css", "text/css; charset=utf-8"),
    "face_detection_short_range.tflite": (
        "face_detection_short_range.tflite",
        "application/octet-stream",
    ),
}
"""What is served below ``/app/``, by the last part of the path: nothing else can be asked for."""
_PAGE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
_APP_HEADERS = _PAGE_HEADERS | {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src data:; media-src blob:; connect-src 'self'; worker-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_REPORT_HEADERS = _PAGE_HEADERS | {
    # A page of its own origin, which is nobody's: its scripts reach neither the API nor a network.
    "Content-Security-Policy": "sandbox allow-scripts allow-modals allow-downloads; "
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'",
}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    analysis_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, created_at TEXT NOT NULL,
    version INTEGER NOT NULL, document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_user ON records (user_id, created_at DESC, analysis_id DESC);
CREATE TABLE IF NOT EXISTS messages (
    message_id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0, visible_at_s REAL NOT NULL DEFAULT 0);
"""


class DataInUseError(Exception):
    """Another server works on the same directory."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A stored file that is open."""

    size_bytes: int
    version_tag: str
    stream: BufferedIOBase


class LocalStorage:
    """See `handler.storage.Storage`. Survives a restart; one process at a time.

    Parameters
    ----------
    folder : Path
        Made if it is not there.

    Attributes
    ----------
    address : str
        Of the server, to which files are uploaded.
    has_message : threading.Event
        Set when a message came into the queue.
    work : Path
        For temporary files. What a process that was killed left there is removed.

    Raises
    ------
    DataInUseError, StorageUnavailableError
    """

    def __init__(self, folder: Path) -> None:
        self.address = ""
        self.has_message = threading.Event()
        self._files = folder / "files"
        self.work = folder / "work"
        for one in (self._files, self.work):
            one.mkdir(parents=True, exist_ok=True)
        self._database = folder / "records.sqlite"
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise DataInUseError(f"{folder} is in use by another server") from error
        remove_leftovers(self.work)
        with self._connect() as connection:
            connection.executescript(_SCHEMA)
        self._expire_leases()

    def close(self) -> None:
        """Let another one have the directory."""
        self._lock.close()

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection of this thread in one transaction."""
        try:
            connection = sqlite3.connect(self._database, timeout=10)
            with contextlib.closing(connection), connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise StorageUnavailableError(
                "storage_unavailable",
                "The database records.sqlite cannot be used. Disk full, or file damaged?",
            ) from error

    def _expire_leases(self) -> None:
        """Let what a process was working on that is gone be taken over."""
        with self._connect() as connection:
            rows = connection.execute("SELECT document FROM records").fetchall()
        for (document,) in rows:
            record = Record(**json.loads(document))
            if record.state == "processing":
                self.replace(replace(record, version=record.version + 1, lease_until_s=time.time()))

    def create(self, record: Record) -> None:
        with self._connect() as connection:
            written = connection.execute(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*_columns(record), _to_text(record)),
            ).rowcount
        if not written:
            raise RecordExistsError

    def read(self, analysis_id: str) -> Record:
        with self._connect() as connection:
            row = connection.execute(
                "SELECT document FROM records WHERE analysis_id = ?", (analysis_id,)
            ).fetchone()
        if row is None:
            raise NotFoundError("analysis_not_found", "There is no analysis of this id.")
        return Record(**json.loads(row[0]))

    def replace(self, record: Record) -> None:
        with self._connect() as connection:
            written = connection.execute(
                "UPDATE records SET version = ?, document = ? "
                "WHERE analysis_id = ? AND version = ?",
                (record.version, _to_text(record), record.analysis_id, record.version - 1),
            ).rowcount
        if not written:
            raise RecordChangedError

    def list_records(self, user_id: str, limit: int, token: str) -> Page:
        # Later than all there is.
        before = decode_token(token) if token else ("~", "~")
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT document FROM records WHERE user_id = ? AND (created_at, analysis_id) < "
                "(?, ?) ORDER BY created_at DESC, analysis_id DESC LIMIT ?",
                (user_id, *before, limit + 1),
            ).fetchall()
        records = tuple(Record(**json.loads(document)) for (document,) in rows)
        more = len(records) > limit
        return Page(records[:limit], encode_token(records[limit - 1]) if more else "")

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        with path.open("rb") as source, self.writing(key) as file:
            shutil.copyfileobj(source, file)

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[Any]:
        """Yield a file that takes its place under a key when it is whole."""
        target = self._path(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = self.work / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
            try:
                with partial.open("wb") as file:
                    yield file
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise StorageUnavailableError(
                "storage_unavailable", "The file cannot be written. Is the disk full?"
            ) from error

    def open_file(self, key: str) -> LocalFile:
        path = self._path(key)
        try:
            stream = path.open("rb")
        except OSError as error:
            raise NotFoundError("file_not_found", "There is no such file. Upload it first.") from (
                error
            )
        status = os.fstat(stream.fileno())
        return LocalFile(status.st_size, f"{status.st_size}-{status.st_mtime_ns}", stream)

    def locate(self, key: str) -> str:
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        path = (self._files / key).resolve()
        # The keys were checked; this says so for any that was not, and for links.
        if not path.is_relative_to(self._files.resolve()):
            raise NotFoundError("file_not_found", "There is no such file. Upload it first.")
        return path

    def offer_upload(self, key: str, content_type: str, max_bytes: int) -> dict[str, Any]:
        analysis_id = key.split("/")[3]
        return {
            "url": f"{self.address}/uploads/{analysis_id}",
            "fields": {"key": key, "Content-Type": content_type},
        }

    def offer_download(self, key: str, content_type: str) -> str:
        return f"{self.address}/reports/{key.split('/')[3]}"

    @property
    def can_enqueue(self) -> bool:
        return True

    def enqueue(self, message: dict[str, Any]) -> None:
        with self._connect() as connection:
            connection.execute("INSERT INTO messages (body) VALUES (?)", (json.dumps(message),))
        self.has_message.set()

    def receive(self) -> tuple[int, str] | None:
        """Return id and body of the next message, or None if there is none at present."""
        with self._connect() as connection:
            row: tuple[int, str] | None = connection.execute(
                "SELECT message_id, body FROM messages WHERE visible_at_s <= ? "
                "ORDER BY message_id LIMIT 1",
                (time.time(),),
            ).fetchone()
        return row

    def acknowledge(self, message_id: int) -> None:
        """Remove a message that was carried out."""
        with self._connect() as connection:
            connection.execute("DELETE FROM messages WHERE message_id = ?", (message_id,))

    def return_message(self, message_id: int) -> None:
        """Have a message delivered again in a while, if it was not too often yet."""
        with self._connect() as connection:
            connection.execute(
                "UPDATE messages SET deliveries = deliveries + 1, visible_at_s = ? + "
                "(1 << deliveries) WHERE message_id = ?",
                (time.time(), message_id),
            )
            connection.execute("DELETE FROM messages WHERE deliveries >= ?", (MAX_DELIVERIES,))


def _columns(record: Record) -> tuple[str, str, str, int]:
    return record.analysis_id, record.user_id, record.created_at, record.version


def _to_text(record: Record) -> str:
    return json.dumps(asdict(record), allow_nan=False)


class LocalContext:
    """Lambda's context object for one request."""

    def __init__(self, seconds: float) -> None:
        self.aws_request_id = str(uuid.uuid4())
        self._end_s = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return round(1000 * (self._end_s - time.monotonic()))


class LocalServer(ThreadingHTTPServer):
    """An HTTP server that makes of each request what API Gateway does, and works on the queue.

    Parameters
    ----------
    port : int
        0 takes a free one.
    folder : Path
        For the data.

    Attributes
    ----------
    storage : LocalStorage
    api : Api

    Raises
    ------
    DataInUseError, StorageUnavailableError, OSError
        The folder or the port is taken, or cannot be used.
    """

    daemon_threads = True

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__((HOST, port), _RequestHandler)
        try:
            self.storage = LocalStorage(folder)
        except BaseException:
            self.server_close()
            raise
        self.storage.address = f"http://{HOST}:{self.server_address[1]}"
        self._logger = logger = Logger(service="eye-tracking", stream=sys.stderr)
        work = self.storage.work
        self.api = Api(Service(self.storage, Engine(), work_folder=work), None, logger)
        # Models of its own: a long video keeps no request waiting.
        self._worker_api = Api(Service(self.storage, Engine(), work_folder=work), None, logger)
        threading.Thread(target=self._work, daemon=True).start()

    def server_close(self) -> None:
        super().server_close()
        if hasattr(self, "storage"):
            self.storage.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write down what happened, but for clients that went away."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            self._logger.error("failed", extra={"trace": describe_for_log(error)})

    def _work(self) -> None:
        while True:
            self.storage.has_message.wait(timeout=1)
            self.storage.has_message.clear()
            try:
                while (message := self.storage.receive()) is not None:
                    self._carry_out(*message)
            except Exception as error:
                # A disk that is full: the next message, or the same again, may find room.
                self._logger.error("failed", extra={"trace": describe_for_log(error)})

    def _carry_out(self, message_id: int, body: str) -> None:
        record = {"messageId": str(message_id), "body": body, "eventSource": "aws:sqs"}
        answer = self._worker_api.handle({"Records": [record]}, LocalContext(WORKER_S))
        if answer["batchItemFailures"]:
            self.storage.return_message(message_id)
        else:
            self.storage.acknowledge(message_id)


class _RequestHandler(BaseHTTPRequestHandler):
    """Turns a request into API Gateway's event, and its answer into a response."""

    server: LocalServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_version = "eye-tracking"
    sys_version = ""
    timeout = 60

    def _respond(self) -> None:
        url = urlsplit(self.path)
        context = LocalContext(SYNCHRONOUS_S)
        try:
            self._check_caller()
            if self.command == "POST" and re.fullmatch(r"/uploads/[^/]+", url.path):
                self._receive_upload(url.path.rsplit("/", 1)[1])
                return self._send(204, {}, b"")
            first, _, rest = url.path.removeprefix("/").partition("/")
            if first in ("app", "reports"):
                return self._send_page(first, url.path, rest)
            length = self._content_length(MAX_BODY_BYTES, "Send the file by create_upload.")
            body = self.rfile.read(length).decode("utf-8", "replace")
        except HandlerError as error:
            return self._send_error(error)
        except Exception as error:
            return self._send_error(to_handler_error(error, context.aws_request_id))
        answer = self.server.api.handle(
            {
                "httpMethod": self.command,
                "path": url.path,
                "headers": dict(self.headers),
                "queryStringParameters": dict(parse_qsl(url.query)),
                "body": body,
                "isBase64Encoded": False,
                "requestContext": {"requestTimeEpoch": round(1000 * time.time())},
            },
            context,
        )
        self._send(answer["statusCode"], answer["headers"], answer["body"].encode())

    do_GET = do_POST = do_OPTIONS = do_PUT = do_DELETE = do_PATCH = do_HEAD = _respond  # noqa: N815

    def _check_caller(self) -> None:
        """Refuse pages of other sites that a browser on this machine shows.

        They get here under a name of theirs that leads to this address, or from their own origin.
        """
        port = self.server.server_address[1]
        addresses = [f"{name}:{port}" for name in LOCAL_NAMES]
        if self.headers.get("Host", "").lower() not in addresses:
            self.close_connection = True
            raise BadRequestError(
                "bad_host", f"Host is not valid, expected {' or '.join(addresses)}"
            )
        origin = self.headers.get("Origin")
        if origin is not None and urlsplit(origin).hostname not in LOCAL_NAMES:
            self.close_connection = True
            raise ForbiddenError("foreign_origin", "Pages of other machines may not ask.")

    def _send_page(self, first: str, path: str, rest: str) -> None:
        """Answer with a file of the web client, or with a report."""
        if self.command not in ("GET", "HEAD"):
            self.close_connection = True
            raise MethodNotAllowedError(
                "method_not_allowed", "This path does not take this method."
            )
        if path == "/app" or (first == "app" and not self.headers["Host"].startswith(HOST)):
            # Uploads go to this address, which under another name would be another origin.
            location = f"{self.server.storage.address}/app/"
            return self._send(308, {"Location": location, **_APP_HEADERS}, b"")
        if first == "app":
            if rest not in WEB_FILES:
                raise NotFoundError("no_such_path", "There is no such path. The page is at /app.")
            name, content_type = WEB_FILES[rest]
            data = (WEB / name).read_bytes()
            return self._send(200, {"Content-Type": content_type, **_APP_HEADERS}, data)
        record = self.server.storage.read(check_analysis_id(rest))
        key = (record.files or {}).get("report")
        if key is None:
            raise NotFoundError("no_report", 'There is no report. Ask for one: "report": true.')
        with self.server.storage.open_file(key).stream as stream:
            data = stream.read()
        self._send(200, {"Content-Type": content_type_of(REPORT), **_REPORT_HEADERS}, data)

    def _content_length(self, limit: int, remedy: str) -> int:
        text = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not text.isascii() or not text.isdigit():
            self.close_connection = True
            raise BadRequestError("bad_length", "Content-Length is missing or not a number.")
        length = int(text[:20])
        if length > limit:
            # The body is not read: nothing more can come over this connection.
            self.close_connection = True
            raise TooLargeError("body_too_large", f"The body has over {limit >> 20} MB. {remedy}")
        return length

    def _receive_upload(self, analysis_id: str) -> None:
        """Take a form's file in S3's place, and say so to the queue as S3 does."""
        self.close_connection = True
        begun = datetime.now(UTC)
        record = self._read_awaited(check_analysis_id(analysis_id), begun)
        length = self._content_length(MAX_UPLOAD_BYTES + CHUNK_BYTES, "Cut the video.")
        boundary = re.search(r'boundary="?([^";]+)', self.headers.get("Content-Type", ""))
        if boundary is None:
            raise BadRequestError(
                "bad_upload", "Content-Type is not valid, expected multipart/form-data with a file"
            )
        with self.server.storage.writing(record.source_key) as file:
            copy_form_file(self.rfile, length, boundary[1].encode("latin-1"), file)
            # Not over the file of another upload that was faster, and is analysed already.
            self._read_awaited(analysis_id, begun)
        notification = {
            "eventName": "ObjectCreated:Post",
            "s3": {"bucket": {"name": "local"}, "object": {"key": quote(record.source_key)}},
        }
        self.server.storage.enqueue({"Records": [notification]})

    def _read_awaited(self, analysis_id: str, begun: datetime) -> Record:
        """Return a record whose file did not come yet, and could when the upload began."""
        record = self.server.storage.read(analysis_id)
        age_s = (begun - datetime.fromisoformat(record.created_at)).total_seconds()
        if record.state != "queued" or age_s > UPLOAD_VALID_S:
            raise NotFoundError("no_upload", "This upload is over. Ask for a new one.")
        return record

    def _send_error(self, error: HandlerError) -> None:
        body = json.dumps(to_document(error))
        self._send(error.status_code, {"Content-Type": "application/json"}, body.encode())

    def _send(self, status_code: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response(status_code)
        for name, value in headers.items():
            self.send_header(name, value)
        if status_code != 204:
            self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *_arguments: Any) -> None:
        """Write no access log: its lines hold user ids."""


def copy_form_file(stream: BufferedIOBase, length: int, boundary: bytes, target: Any) -> None:
    """Copy the field ``file`` of a multipart form, which is its last one, as S3 requires it.

    Parameters
    ----------
    stream : BufferedIOBase
        Where the form begins.
    length : int
        Of the form in bytes.
    boundary : bytes
        From its content type.
    target : file object
        To write to.

    Raises
    ------
    BadRequestError
        There is no such field, it is empty, or the form is cut off.
    """
    delimiter = b"\r\n--" + boundary
    buffer, left = b"\r\n", length
    copied: int | None = None
    while True:
        chunk = stream.read(min(CHUNK_BYTES, left))
        left -= len(chunk)
        buffer += chunk
        if copied is None:
            copied, buffer = _skip_to_file(buffer, delimiter)
        if copied is not None:
            end = buffer.find(delimiter)
            # The delimiter may begin in one chunk and end in the next.
            ready = end if end >= 0 else max(0, len(buffer) - len(delimiter) + 1)
            target.write(buffer[:ready])
            copied += ready
            buffer = buffer[ready:]
            if end >= 0:
                break
        elif len(buffer) > CHUNK_BYTES * 2:
            raise BadRequestError("bad_upload", "The form has no field `file`.")
        if not chunk:
            raise BadRequestError("bad_upload", "The form is cut off, or has no field `file`.")
    if not copied:
        raise BadRequestError("bad_upload", "The file is empty.")
    while left > 0 and (chunk := stream.read(min(CHUNK_BYTES, left))):
        left -= len(chunk)


def _skip_to_file(buffer: bytes, delimiter: bytes) -> tuple[int | None, bytes]:
    """Return 0 and what follows the head of the field ``file``; None and all if it is not there."""
    place = 0
    while (place := buffer.find(delimiter, place)) >= 0:
        place += len(delimiter)
        head_end = buffer.find(b"\r\n\r\n", place)
        if head_end >= 0 and _PART_HEAD.search(buffer[place:head_end]):
            return 0, buffer[head_end + 4 :]
    return None, buffer


def serve(port: int, folder: Path) -> None:
    """Serve until interrupted; see `LocalServer`."""
    with LocalServer(port, folder) as server:
        print(
            f"Serving the API on {server.storage.address}, the web client on "
            f"{server.storage.address}/app, data in {folder.resolve()}. Stop with Ctrl+C.",
            flush=True,
        )
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
