"""Make requests of events: of HTTP calls, notifications of S3, and messages of the queue.

Nothing in an event is trusted before this module or `handler.requests` has checked it.
"""

import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote_plus

from handler.errors import BadRequestError, HandlerError, TooLargeError, UnsupportedMediaError
from handler.form_query import parse_form_query
from handler.identity import Access, Caller
from handler.keys import check_analysis_id, parse_original_key
from handler.requests import (
    AnalyzeFile,
    AnalyzeForm,
    DeleteAnalysis,
    DeleteUser,
    GetDescription,
    GetHealth,
    GetStatus,
    ListAnalyses,
    Preflight,
    Request,
    assume_task,
    clean_file_name,
    decode_base64,
    parse_action,
    parse_language,
)
from handler.routes import Operation, find_route

MAX_BODY_BYTES = 6 * 2**20
"""Lambda's own limit for a request."""
MAX_LIST, DEFAULT_LIST = 100, 20


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file from a form: where the local server saved it, and its name as the client gave it."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class HttpCall:
    """An HTTP request, as API Gateway's event of version 1 or 2 describes it. Nothing is checked.

    Attributes
    ----------
    method : str
        In capitals, such as "GET".
    path : str
        Without the stage of the API and without the query, such as "/status/0a1b".
    query : mapping
        The values of the query by their names.
    content_type : str
        The header ``Content-Type``; empty if there is none.
    body : object
        The text that the client sent; None without a body. For a form, the local server writes the
        file to its disk and puts a `FormFile` here instead.
    is_base64 : bool
        Whether API Gateway encoded the body in base64, as it does with binary content.
    received_at_s : float
        Unix time at which API Gateway received the request; 0 if the event does not say.
    authorizer : mapping
        What the authorizer in front of the API says about the caller; empty if there is none.
    """

    method: str
    path: str
    query: Mapping[str, Any]
    content_type: str
    body: Any
    is_base64: bool
    received_at_s: float
    authorizer: Mapping[str, Any]


def read_http_event(event: Mapping[str, Any]) -> HttpCall | None:
    """Return the HTTP request in the proxy event of a REST (v1) or HTTP (v2) API.

    Parameters
    ----------
    event : dict
        The event that Lambda passes to the function.

    Returns
    -------
    HttpCall or None
        None for every other event, such as a notification or a direct invocation.
    """
    context = event.get("requestContext")
    context = context if isinstance(context, dict) else {}
    if event.get("version") == "2.0" and isinstance(context.get("http"), dict):
        method, path = context["http"].get("method"), event.get("rawPath")
        stage = f"/{context.get('stage')}"
        # The path of an HTTP API begins with the stage, except for the default stage.
        if isinstance(path, str) and (path == stage or path.startswith(stage + "/")):
            path = path[len(stage) :]
        received_at_ms = context.get("timeEpoch")
    elif "httpMethod" in event:
        method, path = event.get("httpMethod"), event.get("path")
        received_at_ms = context.get("requestTimeEpoch")
    else:
        return None
    authorizer = context.get("authorizer")
    query, headers = event.get("queryStringParameters"), event.get("headers")
    headers = headers if isinstance(headers, dict) else {}
    return HttpCall(
        method=str(method).upper(),
        path=path if isinstance(path, str) else "/",
        query=query if isinstance(query, dict) else {},
        content_type=next(
            (str(value) for name, value in headers.items() if name.lower() == "content-type"), ""
        ),
        body=event.get("body"),
        is_base64=event.get("isBase64Encoded") is True,
        received_at_s=received_at_ms / 1000 if isinstance(received_at_ms, int | float) else 0.0,
        authorizer=authorizer if isinstance(authorizer, dict) else {},
    )


def parse_http_call(call: HttpCall, access: Access) -> Request:
    """Check an HTTP call, and return the request that it makes of the API.

    Parameters
    ----------
    call : HttpCall
    access : Access
        How the caller is identified.

    Returns
    -------
    Request

    Raises
    ------
    HandlerError
        There is no such path, or not with this method; the path needs a known caller, and the
        caller is not known; or the request is not valid, or not allowed to this caller. Status code
        and message say why.
    """
    if call.method == "OPTIONS":
        return Preflight()
    route, variable = find_route(call.method, call.path)
    if route.is_public:
        return _parse_operation(route.operation, call, variable, access.operator)
    caller = access.identify(call.authorizer, time.time())
    return _parse_operation(route.operation, call, variable, caller)


def _parse_operation(
    operation: Operation, call: HttpCall, variable: str, caller: Caller
) -> Request:
    match operation:
        case "get_health":
            return GetHealth()
        case "run_action":
            document = _parse_body(call)
            if document.get("action") == "get_status":
                # Over HTTP, it has a path of its own, which the light function answers.
                document |= {"action": None}
            return parse_action(assume_task(document), caller)
        case "process_form":
            return _parse_form(call, caller)
        case "get_openapi":
            return GetDescription(as_page=False)
        case "get_docs":
            return GetDescription(as_page=True)
        case "create_upload":
            # The same as the action. Its own path lets a function without the models answer it.
            document = _parse_body(call) | {"action": "create_upload"}
            return parse_action(assume_task(document), caller)
        case "get_status":
            language = parse_language(call.query["lang"]) if "lang" in call.query else None
            return GetStatus(check_analysis_id(variable), caller, language)
        case "list_analyses":
            return ListAnalyses(
                user_id=caller.choose_listed(call.query.get("user_id")),
                limit=_parse_limit(call.query.get("limit")),
                token=str(call.query.get("next") or ""),
                caller=caller,
            )
        case "delete_analysis":
            return DeleteAnalysis(check_analysis_id(variable), caller)
        case "delete_user":
            return DeleteUser(caller.choose_forgotten(call.query.get("user_id")), caller)


def parse_notification(record: Any, bucket: str | None) -> AnalyzeFile | None:
    """Return the request in one record of an S3 notification.

    Parameters
    ----------
    record : object
        One of the notification's `Records`.
    bucket : str or None
        Name of the bucket. Files of other buckets are ignored; None: those of all buckets count.

    Returns
    -------
    AnalyzeFile or None
        None if the record starts no analysis: it is not about a new file, or the file is in another
        bucket, or its key is not that of an upload (``users/.../original``), but for example that
        of a result that an analysis wrote.

    Raises
    ------
    BadRequestError
        The record is not one of an S3 notification.
    """
    try:
        if not record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
            return None
        if bucket is not None and record["s3"]["bucket"]["name"] != bucket:
            return None
        # Notifications encode keys as HTML forms encode values.
        key = unquote_plus(record["s3"]["object"]["key"], errors="strict")
        version_id = record["s3"]["object"].get("versionId")
        etag = record["s3"]["object"].get("eTag")
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise BadRequestError("bad_event", "The record is not an S3 notification.") from error
    original = parse_original_key(key)
    if original is None:
        return None
    return AnalyzeFile(
        kind=None,
        key=key,
        user_id=original[0],
        parameters=None,
        version_id=version_id if isinstance(version_id, str) and version_id != "null" else "",
        etag=etag if isinstance(etag, str) else "",
    )


def parse_notifications(
    records: Sequence[Any], bucket: str | None
) -> list[AnalyzeFile | HandlerError]:
    """Return the requests in the records of an S3 notification, in the order of `records`.

    The list holds one for each record that starts an analysis; for a record that is not one of an
    S3 notification, the error (not raised), so that the others are not lost with it. `bucket` is
    that of `parse_notification`.
    """
    found: list[AnalyzeFile | HandlerError] = []
    for record in records:
        try:
            request = parse_notification(record, bucket)
        except HandlerError as error:
            found.append(error)
        else:
            found += [request] if request else []
    return found


def parse_queue_message(
    body: Any, bucket: str | None, operator: Caller
) -> list[AnalyzeFile | HandlerError]:
    """Return the requests in a message of the queue.

    The message is a notification from S3, or the JSON object of a request to this API.

    Parameters
    ----------
    body : object
        Text of the message.
    bucket : str or None
        See `parse_notification`.
    operator : Caller
        The caller to assume, because a message does not say who sent it.

    Returns
    -------
    list of AnalyzeFile or HandlerError
        Of a notification, what `parse_notifications` returns; of a request, this one alone. Empty
        for the test message that S3 sends when notifications are set up.

    Raises
    ------
    HandlerError
        The message is neither a notification nor a request to analyse a stored file.
    """
    document = parse_json(body)
    if isinstance(document, dict) and document.get("Event") == "s3:TestEvent":
        return []
    if isinstance(document, dict) and isinstance(document.get("Records"), list):
        return parse_notifications(document["Records"], bucket)
    request = parse_action(document, operator)
    if not isinstance(request, AnalyzeFile):
        raise BadRequestError(
            "bad_event", "A queue's message can only ask for files of the bucket."
        )
    return [request]


def parse_json(text: Any) -> Any:
    """Return the value that a JSON text holds; refuse NaN and infinity, which Python would take.

    Raises
    ------
    BadRequestError
        `text` is neither str nor bytes, is no JSON, or is nested too deeply.
    """
    if not isinstance(text, str | bytes):
        raise BadRequestError("bad_json", "The body is missing, expected a JSON object")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        position = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadRequestError("bad_json", f"The body is not valid JSON{position}.") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parse_body(call: HttpCall) -> Any:
    body = call.body
    kind = call.content_type.split(";")[0].strip().lower()
    if kind.startswith(("multipart/", "video/", "image/")) or kind == "application/octet-stream":
        raise UnsupportedMediaError(
            "unsupported_media_type",
            f"Content-Type is {kind}, expected application/json with the file as base64 in "
            "file_data. Send larger files by create_upload.",
        )
    if isinstance(body, str) and call.is_base64:
        body = decode_base64(body, "The body")
    if isinstance(body, str | bytes) and len(body) > MAX_BODY_BYTES:
        raise TooLargeError(
            "body_too_large",
            f"The body has over {MAX_BODY_BYTES >> 20} MB. Send the file by create_upload.",
        )
    document = parse_json(body)
    if not isinstance(document, dict):
        raise BadRequestError("bad_json", "The body is not valid, expected a JSON object")
    return document


def _parse_form(call: HttpCall, caller: Caller) -> AnalyzeForm:
    """Check a form that holds a video, and return the request to analyse it at once.

    Raises
    ------
    HandlerError
        The query of the URL or the form is not valid, or the form came in the event itself and has
        over `MAX_BODY_BYTES`.
    """
    # No other request needs it.
    from handler.forms import copy_form_file, read_boundary

    request, keep = parse_form_query(call.query, caller)
    boundary = read_boundary(call.content_type)
    body = call.body
    if isinstance(body, FormFile):
        data: bytes | Path = body.path
        name = body.name
    else:
        if not call.is_base64 or not isinstance(body, str):
            raise BadRequestError(
                "bad_upload", "The form did not arrive as it was sent: it must be passed on binary."
            )
        content = decode_base64(body, "The body")
        if len(content) > MAX_BODY_BYTES:
            raise TooLargeError(
                "body_too_large",
                "The video has over 4.5 MB. Ask POST /uploads where to send it.",
            )
        file = io.BytesIO()
        name = copy_form_file(io.BytesIO(content), boundary, file)
        data = file.getvalue()
    about = replace(request.about, file_name=clean_file_name(name))
    return AnalyzeForm(replace(request, data=data, about=about), keep)


def _parse_limit(text: Any) -> int:
    if text is None:
        return DEFAULT_LIST
    if not isinstance(text, str) or not text.isascii() or not text.isdigit() or len(text) > 9:
        text = "0"
    limit = int(text)
    if not 1 <= limit <= MAX_LIST:
        raise BadRequestError("bad_parameter", f"limit is not valid, expected 1 to {MAX_LIST}")
    return limit
