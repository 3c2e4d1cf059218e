"""The API on this machine: a directory and SQLite for S3 and DynamoDB, a thread for the queue."""

import contextlib
import json
import re
import sys
import threading
import time
import uuid
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
    TooLargeError,
    describe_for_log,
    to_document,
    to_handler_error,
)
from handler.events import MAX_BODY_BYTES
from handler.keys import REPORT, check_analysis_id, content_type_of
from handler.local.pages import _APP_HEADERS, _REPORT_HEADERS, WEB, WEB_FILES
from handler.local.storage import LocalStorage
from handler.records import Record
from handler.requests import MAX_UPLOAD_BYTES
from handler.service import Service
from handler.storage import UPLOAD_VALID_S

HOST = "127.0.0.1"
LOCAL_NAMES = (HOST, "localhost")
SYNCHRONOUS_S = 300.0
"""As the Lambda function's timeout."""
WORKER_S = 3600.0
"""A message's time: there is no timeout, and a lease of this length ends with the process."""
CHUNK_BYTES = 2**16
_PART_HEAD = re.compile(rb'name="file"')


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
