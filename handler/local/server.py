"""The API on this machine: an HTTP server, and a thread that handles the queue's messages."""

import contextlib
import os
import signal
import sys
import threading
import time
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
from handler.local.guard import Guard
from handler.local.storage import LocalStorage
from handler.service import Service

WORKER_S = 3600.0
"""How long a message's analysis belongs to this process. If the process was killed, another can
take it over after this time. An analysis that takes longer is not stopped."""
HTTP_THREADS = 32
STALLED_S = 60
"""A client that sends nothing for this long is cut off."""
MAX_HEAD_BYTES = 2**16
CLEANING_S = 3600.0
"""Time from one removal of expired records and files to the next."""


class LocalServer:
    """Serves the API over HTTP and handles the queue's messages.

    It begins when it is made, in threads of its own, and goes on until the process ends.

    Parameters
    ----------
    port : int
        The TCP port; 0: any free one.
    folder : Path
        Folder in which the server keeps its data: files, records and messages. It is made if
        missing.
    host : str, optional
        The name or address at which the server listens, and which clients use. Default: only
        this machine can reach it.
    guard : Guard, optional
        Checks the callers. Default: callers are not checked.

    Attributes
    ----------
    storage : LocalStorage
        The records, files and messages in `folder`.

    Raises
    ------
    DataInUseError, StorageUnavailableError, OSError
        The folder or the port is in use by another process, or cannot be used.
    """

    def __init__(
        self, port: int, folder: Path, host: str = HOST, guard: Guard | None = None
    ) -> None:
        guard = guard or Guard()
        self.storage = LocalStorage(folder)
        self.storage.sign = guard.sign
        self._host = host
        self._stopping = threading.Event()
        self._logger = logger = Logger(service="eye-tracking", stream=sys.stderr)
        work, access = self.storage.work, guard.access
        api = Api(Service(self.storage, Engine(), work_folder=work), None, access, logger)
        # The worker has its own models, so that a long video keeps no request waiting.
        worker = Service(self.storage, Engine(), work_folder=work)
        self._worker_api = Api(worker, None, access, logger)
        app = LocalApp(api, self.storage, guard, logger)
        self._http = _HttpServer(host, port, app, logger)
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

    def stop(self) -> None:
        """Give up the running analyses; those with a queued message begin again at the next start.

        The others are marked as failed. HTTP requests are still answered, so the process must end
        right after this.
        """
        self._stopping.set()
        self.storage.release()

    def close(self) -> None:
        """Close the storage, after `stop`, so that another server can use the folder."""
        self.storage.close()

    def _serve(self, bound: "Future[None]") -> None:
        try:
            self._http.prepare()
            self.storage.address = f"http://{self._host}:{self._http.bind_addr[1]}"
        except BaseException as error:
            bound.set_exception(error)
            return
        bound.set_result(None)
        self._http.serve()

    def _work(self) -> None:
        cleaned_s = time.monotonic()
        while not self._stopping.is_set():
            self.storage.has_message.wait(timeout=1)
            self.storage.has_message.clear()
            try:
                if time.monotonic() - cleaned_s > CLEANING_S:
                    cleaned_s = time.monotonic()
                    self.storage.remove_expired()
                while not self._stopping.is_set() and (message := self.storage.receive()):
                    self._carry_out(*message)
            except Exception as error:
                # Perhaps the disk is full. The next attempt may find room.
                self._logger.error("failed", extra={"trace": describe_for_log(error)})

    def _carry_out(self, message_id: int, body: str, failures: int) -> None:
        record = {
            "messageId": str(message_id),
            "body": body,
            "eventSource": "aws:sqs",
            "attributes": {"ApproximateReceiveCount": str(failures + 1)},
        }
        answer = self._worker_api.handle({"Records": [record]}, LocalContext(WORKER_S))
        if self._stopping.is_set():
            # The message stays as it is, for the next start.
            return
        if answer["batchItemFailures"]:
            self.storage.return_message(message_id)
        else:
            self.storage.acknowledge(message_id)


class _HttpRequest(HTTPRequest):
    """A request whose body may stay unread: the connection is then closed after the answer."""

    def send_headers(self) -> None:
        # Cheroot would read the rest of the body, gigabytes perhaps, into memory.
        if self.chunked_read or self.rfile.remaining != 0:
            self.close_connection = True
        super().send_headers()


class _HttpConnection(HTTPConnection):
    RequestHandlerClass = _HttpRequest


class _HttpServer(wsgi.Server):
    """Cheroot's HTTP server with the limits and the log of this program."""

    ConnectionClass = _HttpConnection
    max_request_header_size = MAX_HEAD_BYTES

    def __init__(self, host: str, port: int, app: LocalApp, logger: Logger) -> None:
        super().__init__(
            (host, port),
            app,
            numthreads=HTTP_THREADS,
            server_name="eye-tracking",
            timeout=STALLED_S,
        )
        self._logger = logger

    def error_log(self, msg: str = "", level: int = 0, traceback: bool = False) -> None:
        """Log where an error happened, but no texts: these could quote a request.

        Only exceptions are logged (`traceback` is true then), and of these no lost connections.
        """
        error = sys.exception()
        if traceback and error is not None and not isinstance(error, ConnectionError):
            self._logger.error("failed", extra={"trace": describe_for_log(error)})


def serve(port: int, folder: Path, host: str, guard: Guard) -> NoReturn:
    """Serve until Ctrl+C or SIGTERM, then end the process with code 0.

    The server listens on TCP port `port` (0: any free one) of `host`, and keeps its data in
    `folder`. `guard` checks the callers.

    Raises
    ------
    DataInUseError, StorageUnavailableError, OSError
        See `LocalServer`.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # A second one changes nothing: the first one's work takes milliseconds.
        signal.signal(number, lambda _number, _frame: stopped.set())
    with contextlib.closing(LocalServer(port, folder, host, guard)) as server:
        print(
            f"Serving the API on {server.storage.address}, the web client on "
            f"{server.storage.address}/app, data in {folder.resolve()}. Stop with Ctrl+C.",
            flush=True,
        )
        stopped.wait()
        server.stop()
    # End without the interpreter's clean-up: MediaPipe aborts if it is still analysing then.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
