"""A small Lambda Runtime API: events go out to a runtime client, its answers come back."""

import json
import queue
import threading
import time
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

PREFIX = "/2018-06-01/runtime/"
ARN = "arn:aws:lambda:ap-northeast-2:000000000000:function:"


class RuntimeStoppedError(Exception):
    """The runtime client did not ask, or answer, in time. The message is the client's report."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the runtime client; `error` is true if the handler raised."""

    document: Any
    error: bool


class RuntimeApi:
    """The server behind ``AWS_LAMBDA_RUNTIME_API``, on a free port of this machine.

    It serves one client at a time. The client asks for the next event when it is initialised, and
    again after each answer.
    """

    def __init__(self) -> None:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Without this, each answer waits 40 ms for the acknowledgement of its headers.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                api._asked.put(None)
                event = api._events.get()
                if event is None:
                    self.close_connection = True
                    return
                request_id, deadline_ms, body = event
                self._answer(
                    200,
                    body,
                    {
                        "Lambda-Runtime-Aws-Request-Id": request_id,
                        "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                        "Lambda-Runtime-Invoked-Function-Arn": ARN + "parkinson-eye-tracking",
                        "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000",
                    },
                )

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                error = self.path.endswith("/error")
                if self.path == f"{PREFIX}init/error":
                    api._init_error = body.decode(errors="replace")
                    api._asked.put(None)
                else:
                    api._answers.put(Answer(json.loads(body or b"null"), error))
                self._answer(202, b"{}", {})

            def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._asked: queue.Queue[None] = queue.Queue()
        self._events: queue.Queue[tuple[str, int, bytes] | None] = queue.Queue()
        self._answers: queue.Queue[Answer] = queue.Queue()
        self._init_error = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def wait_until_ready(self, timeout_s: float) -> None:
        """Wait until the client asks for an event: it is initialised, or has answered.

        Raises
        ------
        RuntimeStoppedError
            The client failed, or did not ask within `timeout_s`.
        """
        try:
            self._asked.get(timeout=timeout_s)
        except queue.Empty:
            raise RuntimeStoppedError(f"not ready after {timeout_s:.0f} s") from None
        if self._init_error:
            raise RuntimeStoppedError(self._init_error)

    def invoke(self, event: Any, timeout_s: float) -> Answer:
        """Hand an event to a client that is ready; return its answer once it is ready again.

        Parameters
        ----------
        event : object
            Must be valid in JSON.
        timeout_s : float
            The function's timeout. Its context object gives the deadline.

        Returns
        -------
        Answer

        Raises
        ------
        RuntimeStoppedError
            There is no answer by the deadline, at which Lambda would stop the function.
        """
        body = json.dumps(event).encode()
        deadline_ms = int((time.time() + timeout_s) * 1000)
        self._events.put((str(uuid.uuid4()), deadline_ms, body))
        end_s = time.monotonic() + timeout_s
        try:
            answer = self._answers.get(timeout=timeout_s)
        except queue.Empty:
            raise RuntimeStoppedError(f"no answer in {timeout_s:.0f} s") from None
        self.wait_until_ready(max(0.1, end_s - time.monotonic()))
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()
