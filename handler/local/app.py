"""The WSGI application of the local server, which gives the API events as API Gateway does."""

import json
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from aws_lambda_powertools import Logger
from werkzeug.wrappers import Request, Response

from handler.api import API_LIMIT_S, Api
from handler.errors import (
    BadRequestError,
    ForbiddenError,
    MethodNotAllowedError,
    NotFoundError,
    describe_for_log,
    to_document,
    to_handler_error,
)
from handler.events import MAX_BODY_BYTES, FormFile
from handler.local.guard import Guard
from handler.local.pages import answer_app_file, answer_report, redirect_to_app
from handler.local.storage import LocalStorage
from handler.local.uploads import check_length, read_chunk, receive_upload, received_form
from handler.routes import find_route

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HOST = "127.0.0.1"
LOCAL_NAMES = (HOST, "localhost")
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
"""Lets a browser show an answer to the page that asked; `LocalApp` refuses foreign pages before."""
SYNCHRONOUS_S = 300.0
"""Time limit of a request, the same as the Lambda function's timeout."""


class LocalContext:
    """Stands in for Lambda's context object during one request.

    `seconds` is how long the request may take, from when this object is made.
    """

    def __init__(self, seconds: float) -> None:
        self.aws_request_id = str(uuid.uuid4())
        self._end_s = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return round(1000 * (self._end_s - time.monotonic()))


class LocalApp:
    """Answers the HTTP requests that the local server receives.

    Parameters
    ----------
    api : Api
        It answers the requests that API Gateway would pass on in AWS.
    storage : LocalStorage
        Uploads go there, and reports come from there. Its attribute `address` holds the URL of the
        server.
    guard : Guard
        It checks the callers.
    logger : Logger
        Errors of the server itself, those with a status of 500 or more, are logged.
    """

    def __init__(self, api: Api, storage: LocalStorage, guard: Guard, logger: Logger) -> None:
        self._api = api
        self._storage = storage
        self._guard = guard
        self._logger = logger

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        request = Request(environ)
        # Use the path as it was sent, because PATH_INFO is already decoded.
        path = environ["REQUEST_URI"].partition("?")[0]
        context = LocalContext(SYNCHRONOUS_S)
        try:
            response = self._respond(request, path, context)
        except Exception as error:
            response = self._answer_error(error, context.aws_request_id)
        return response(environ, start_response)

    def _answer_error(self, error: Exception, request_id: str) -> Response:
        known = to_handler_error(error, request_id)
        if known.status_code >= 500:
            self._logger.error(
                "failed",
                extra={
                    "request_id": request_id,
                    "code": known.code,
                    "status_code": known.status_code,
                    "trace": describe_for_log(error),
                },
            )
        headers = {"Content-Type": "application/json", "X-Request-Id": request_id, **ANY_ORIGIN}
        return Response(json.dumps(to_document(known)), known.status_code, headers)

    def _respond(self, request: Request, path: str, context: LocalContext) -> Response:
        self._check_caller(request)
        if request.method == "POST" and (upload := re.fullmatch(r"/uploads/([^/]+)", path)):
            self._check_address(request, path)
            receive_upload(self._storage, request, upload[1])
            response = Response(b"", 204, ANY_ORIGIN)
            del response.headers["Content-Type"]
            return response
        first, _, rest = path.removeprefix("/").partition("/")
        if first in ("app", "reports"):
            return self._answer_page(request, path, first, rest)
        # Refuse a caller before the body is read.
        authorizer = self._identify(request, path)
        if request.method == "POST" and path == "/eye/process":
            with received_form(request, self._storage.work) as file:
                return self._pass_on(request, path, authorizer, file, context)
        check_length(request, MAX_BODY_BYTES, "Send the file by create_upload.")
        body = b"".join(iter(lambda: read_chunk(request.stream), b""))
        return self._pass_on(request, path, authorizer, body.decode("utf-8", "replace"), context)

    def _pass_on(
        self,
        request: Request,
        path: str,
        authorizer: Mapping[str, Any],
        body: str | FormFile,
        context: LocalContext,
    ) -> Response:
        """Give a request to the API in the form of API Gateway's event, and return its answer.

        `authorizer` is what `_identify` returned. `body` is the text of the request, or the file of
        a form.

        The sender of a form waits until the analysis ends, at most `SYNCHRONOUS_S`. All others get
        an answer within API Gateway's time limit, `API_LIMIT_S`.
        """
        answer = self._api.handle(
            {
                "httpMethod": request.method,
                "path": path,
                "headers": dict(request.headers),
                "queryStringParameters": dict(parse_qsl(request.query_string.decode("latin-1"))),
                "body": body,
                "isBase64Encoded": False,
                "requestContext": {
                    "requestTimeEpoch": round(1000 * time.time()),
                    "authorizer": authorizer,
                },
            },
            context,
            SYNCHRONOUS_S if isinstance(body, FormFile) else API_LIMIT_S,
        )
        return Response(answer["body"], answer["statusCode"], answer["headers"])

    def _identify(self, request: Request, path: str) -> Mapping[str, Any]:
        """Check the caller's token, unless the route is public; return what it says about the user.

        The result has the form of what API Gateway's authorizer says: ``claims``, the token's. It
        is empty for a public route and the method OPTIONS, and if tokens name no users here.

        Raises
        ------
        UnauthorizedError, StorageUnavailableError
            The token is missing or wrong; or it cannot be checked now.
        """
        if request.method == "OPTIONS":
            return {}
        with suppress(NotFoundError, MethodNotAllowedError):
            if find_route(request.method, path)[0].is_public:
                return {}
        return self._guard.identify(request.headers.get("Authorization", ""))

    def _check_caller(self, request: Request) -> None:
        """Refuse a request that a web page of another site sends from a browser on this machine.

        The Host header must be a name in `LOCAL_NAMES` with the server's port, and the Origin
        header, if there is one, must be of such a name with any port. If the server requires a
        token, nothing is checked here, because a foreign page does not have the token.

        Raises
        ------
        BadRequestError, ForbiddenError
            The Host header is missing or another; or the Origin header is another.
        """
        if not self._guard.is_open:
            return
        port = urlsplit(self._storage.address).port
        addresses = [f"{name}:{port}" for name in LOCAL_NAMES]
        if request.headers.get("Host", "").lower() not in addresses:
            raise BadRequestError(
                "bad_host", f"Host is not valid, expected {' or '.join(addresses)}"
            )
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).hostname not in LOCAL_NAMES:
            raise ForbiddenError("foreign_origin", "Pages of other machines may not ask.")

    def _check_address(self, request: Request, path: str) -> None:
        """Refuse a request to an address that this server did not give out, or that has expired.

        The query of an address of a report or an upload holds a signature: see `Guard.sign`. If the
        server does not check callers, nothing is checked.

        Raises
        ------
        UnauthorizedError
        """
        query = request.args
        self._guard.check_signature(path, query.get("until", ""), query.get("signature", ""))

    def _answer_page(self, request: Request, path: str, first: str, rest: str) -> Response:
        """Answer with a file of the web client, or with a report.

        `first` is the first part of `path`, "app" or "reports", and `rest` is what follows it. A
        report's address must be signed. ``/app`` without a slash is answered by a redirect. So is
        the web client under another name of this machine, if callers are not checked.

        Raises
        ------
        HandlerError
            The method is not GET or HEAD, there is no such file or report, or its address is not
            signed.
        """
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowedError(
                "method_not_allowed", "This path does not take this method."
            )
        if first == "reports":
            self._check_address(request, path)
            return answer_report(self._storage, rest)
        # Under another host name, the page and the uploads would have different origins.
        foreign = self._guard.is_open and not request.headers["Host"].startswith(HOST)
        if path == "/app" or foreign:
            return redirect_to_app(self._storage.address)
        return answer_app_file(rest, needs_token=not self._guard.is_open)
