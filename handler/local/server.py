"""The API on this machine: an HTTP server, and a thread that handles the queue's messages."""

import contextlib
import os
import signal
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import NoReturn

from aws_lambda_powertools import Logger
from cheroot import wsgi
from cheroot.server import HTTPConnection, HTTPRequest

from handler.api import Api
from handler.engine import Engine
from handler.errors import describe_for_log
from handler.local.app import HOST, LocalApp, LocalContext
from handler.local.storage import LocalStorage
from handler.service import Service

WORKER_S = 3600.0
"""After this time a message's lease ends, even if its process was killed. Work is not stopped."""
HTTP_THREADS = 32
STALLED_S = 60
"""A client that sends nothing for this long is cut off."""
MAX_HEAD_BYTES = 2**16


class LocalServer:
    """Serves the API over HTTP and handles the queue's messages, until the process ends.

    Parameters
    ----------
    port : int
        0 takes a free one.
    folder : Path
        For the data.

    Attributes
    ----------
    storage : LocalStorage

    Raises
    ------
    DataInUseError, StorageUnavailableError, OSError
        The folder or the port is taken, or cannot be used.
    """

    def __init__(self, port: int, folder: Path) -> None:
        self.storage = LocalStorage(folder)
        self._logger = logger = Logger(service="eye-tracking", stream=sys.stderr)
        work = self.storage.work
        api = Api(Service(self.storage, Engine(), work_folder=work), None, logger)
        # The worker has its own models, so that a long video keeps no request waiting.
        self._worker_api = Api(Service(self.storage, Engine(), work_folder=work), None, logger)
        self._http = _HttpServer(port, LocalApp(api, self.storage, logger), logger)
        bound: Future[None] = Future()
        try:
            # A thread that a daemon thread starts is a daemon, too. These must be daemons, so that
            # Ctrl+C does not wait for an analysis.
            threading.Thread(target=self._serve, args=(bound,), daemon=True).start()
            bound.result()
        except BaseException:
            self.storage.close()
            raise
        threading.Thread(target=self._work, daemon=True).start()

    def close(self) -> None:
        """Let another server use the folder."""
        self.storage.close()

    def _serve(self, bound: "Future[None]") -> None:
        try:
            self._http.prepare()
            self.storage.address = f"http://{HOST}:{self._http.bind_addr[1]}"
        except BaseException as error:
            bound.set_exception(error)
            return
        bound.set_result(None)
        self._http.serve()

    def _work(self) -> None:
        while True:
            self.storage.has_message.wait(timeout=1)
            self.storage.has_message.clear()
            try:
                while (message := self.storage.receive()) is not None:
                    self._carry_out(*message)
            except Exception as error:
                # Perhaps the disk is full. The next attempt may find room.
                self._logger.error("failed", extra={"trace": describe_for_log(error)})

    def _carry_out(self, message_id: int, body: str) -> None:
        record = {"messageId": str(message_id), "body": body, "eventSource": "aws:sqs"}
        answer = self._worker_api.handle({"Records": [record]}, LocalContext(WORKER_S))
        if answer["batchItemFailures"]:
            self.storage.return_message(message_id)
        else:
            self.storage.acknowledge(message_id)


class _HttpRequest(HTTPRequest):
    """A request whose body can be refused: the connection is closed instead of reading it."""

    def send_headers(self) -> None:
        # Cheroot would read the rest of the body, gigabytes perhaps, into memory.
        if self.chunked_read or self.rfile.remaining != 0:
            self.close_connection = True
        super().send_headers()


class _HttpConnection(HTTPConnection):
    RequestHandlerClass = _HttpRequest


class _HttpServer(wsgi.Server):
    """Cheroot's server with our limits and our log."""

    ConnectionClass = _HttpConnection
    max_request_header_size = MAX_HEAD_BYTES

    def __init__(self, port: int, app: LocalApp, logger: Logger) -> None:
        super().__init__(
            (HOST, port),
            app,
            numthreads=HTTP_THREADS,
            server_name="eye-tracking",
            timeout=STALLED_S,
        )
        self._logger = logger

    def error_log(self, msg: str = "", level: int = 0, traceback: bool = False) -> None:
        """Log what failed, without the message: it could quote a request."""
        error = sys.exception()
        if traceback and error is not None and not isinstance(error, ConnectionError):
            self._logger.error("failed", extra={"trace": describe_for_log(error)})


def serve(port: int, folder: Path) -> NoReturn:
    """Serve until Ctrl+C or SIGTERM, then end the process; see `LocalServer`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.closing(LocalServer(port, folder)) as server:
        print(
            f"Serving the API on {server.storage.address}, the web client on "
            f"{server.storage.address}/app, data in {folder.resolve()}. Stop with Ctrl+C.",
            flush=True,
        )
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    # End without the interpreter's clean-up: MediaPipe aborts if it is still analysing then.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
