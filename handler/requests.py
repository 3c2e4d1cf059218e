"""Events to checked requests. Everything in an event is hostile until it has passed here."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NoReturn
from urllib.parse import unquote_plus

from handler.errors import (
    BadRequestError,
    MethodNotAllowedError,
    NotFoundError,
    TooLargeError,
    UnsupportedMediaError,
)
from handler.storage import check_analysis_id, check_key, check_user_id, parse_original_key
from tracker.parameters import Parameters
from tracker.protocol import parse_protocol
from tracker.words import LANGUAGES, Language

MAX_BODY_BYTES = 6 * 2**20
"""Lambda's own limit of a request."""
MAX_UPLOAD_BYTES = 2 * 2**30
MAX_PROTOCOL_PHASES = 100
"""A protocol goes into the record, which the database limits to 400 kB."""
MAX_LIST = 100
API_LIMIT_S = 29.0
"""API Gateway gives up then."""
UPLOAD_TYPES = (
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "video/x-matroska",
    "video/x-msvideo",
    "video/3gpp",
    "image/jpeg",
    "image/png",
    "image/webp",
)
ACTIONS = ("analyze_image", "analyze_video", "process_s3_file", "create_upload")


@dataclass(frozen=True, slots=True)
class AnalyzeData:
    """Analyse a file that came with the request: the actions analyze_image and analyze_video.

    `report` is the language of the report to write, here as elsewhere.
    """

    kind: str
    data: bytes
    user_id: str | None
    parameters: Parameters
    report: Language | None = None


@dataclass(frozen=True, slots=True)
class AnalyzeFile:
    """Analyse a file of the bucket. `kind` is None where its content decides.

    `parameters` is None where neither they nor a report were asked for: an upload's are in its
    record.
    """

    kind: str | None
    key: str
    user_id: str | None
    parameters: Parameters | None
    report: Language | None = None


@dataclass(frozen=True, slots=True)
class CreateUpload:
    """Offer a place to upload a file to."""

    user_id: str | None
    content_type: str
    parameters: Parameters
    report: Language | None = None


@dataclass(frozen=True, slots=True)
class GetStatus:
    """Tell how far an analysis is."""

    analysis_id: str


@dataclass(frozen=True, slots=True)
class ListAnalyses:
    """List a user's analyses, the newest first."""

    user_id: str
    limit: int
    token: str


@dataclass(frozen=True, slots=True)
class GetHealth:
    """Tell whether the function works."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """A browser asks what it may ask."""


Request = (
    AnalyzeData | AnalyzeFile | CreateUpload | GetStatus | ListAnalyses | GetHealth | Preflight
)


@dataclass(frozen=True, slots=True)
class HttpCall:
    """What an API Gateway's event says, of either version."""

    method: str
    path: str
    query: Mapping[str, Any]
    content_type: str
    body: Any
    is_base64: bool
    received_at_s: float


def read_http_event(event: Mapping[str, Any]) -> HttpCall | None:
    """Return the call that a REST (v1) or HTTP (v2) API's proxy event holds; None of other events.

    Parameters
    ----------
    event : dict

    Returns
    -------
    HttpCall or None
    """
    context = event.get("requestContext")
    context = context if isinstance(context, dict) else {}
    if event.get("version") == "2.0" and isinstance(context.get("http"), dict):
        method, path = context["http"].get("method"), event.get("rawPath")
        stage = f"/{context.get('stage')}"
        # An HTTP API's path begins with the stage unless that is the default one.
        if isinstance(path, str) and (path == stage or path.startswith(stage + "/")):
            path = path[len(stage) :]
        received_at_ms = context.get("timeEpoch")
    elif "httpMethod" in event:
        method, path = event.get("httpMethod"), event.get("path")
        received_at_ms = context.get("requestTimeEpoch")
    else:
        return None
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
    )


def parse_http_call(call: HttpCall) -> Request:
    """Check an HTTP request.

    Parameters
    ----------
    call : HttpCall

    Returns
    -------
    Request

    Raises
    ------
    HandlerError
        What is wrong with it, by status code.
    """
    if call.method == "OPTIONS":
        return Preflight()
    parts = tuple(part for part in call.path.split("/") if part)
    match call.method, parts:
        case "POST", () | ("analyze",):
            return parse_action(_parse_body(call))
        case "POST", ("uploads",):
            # The same as the action, where a function that only does light work is to get it.
            return parse_action(_parse_body(call) | {"action": "create_upload"})
        case "GET", () | ("health",):
            return GetHealth()
        case "GET", ("status", analysis_id):
            return GetStatus(check_analysis_id(analysis_id))
        case "GET", ("analyses",):
            return ListAnalyses(
                user_id=check_user_id(call.query.get("user_id")),
                limit=_parse_limit(call.query.get("limit")),
                token=str(call.query.get("next") or ""),
            )
        case _, () | ("analyze" | "uploads" | "analyses" | "health",) | ("status", _):
            raise MethodNotAllowedError(
                "method_not_allowed", "This path does not take this method."
            )
    raise NotFoundError(
        "no_such_path",
        "There is no such path: POST /analyze, POST /uploads, GET /, GET /status/{analysis_id}, "
        "GET /analyses?user_id=…",
    )


def parse_action(document: Any) -> Request:
    """Check the API's request object, from a body or a direct invocation.

    Parameters
    ----------
    document : object
        From JSON.

    Returns
    -------
    Request

    Raises
    ------
    HandlerError
        What is wrong with it.
    """
    if not isinstance(document, dict):
        raise BadRequestError("bad_json", "The request is not valid, expected a JSON object")
    action = document.get("action")
    if action not in ACTIONS:
        raise BadRequestError(
            "unknown_action", f"action is {action!r}, expected one of {', '.join(ACTIONS)}"
        )
    user_id = document.get("user_id")
    user_id = None if user_id is None or user_id == "" else check_user_id(user_id)
    given = document.get("parameters")
    parameters = parse_parameters(given)
    report = _parse_report(document)
    if action == "create_upload":
        return CreateUpload(user_id, _parse_upload_type(document), parameters, report)
    file_data, s3_key = document.get("file_data"), document.get("s3_key")
    if action != "process_s3_file" and file_data is not None:
        kind = action.removeprefix("analyze_")
        return AnalyzeData(kind, _decode_base64(file_data), user_id, parameters, report)
    if s3_key is None:
        needed = "s3_key" if action == "process_s3_file" else "file_data (base64) or s3_key"
        raise BadRequestError("missing_field", f"{needed} is missing")
    return AnalyzeFile(
        kind=None if action == "process_s3_file" else action.removeprefix("analyze_"),
        key=check_key(s3_key, user_id),
        user_id=user_id,
        parameters=parameters if given or report else None,
        report=report,
    )


def parse_parameters(given: Any) -> Parameters:
    """Check the parameters of an analysis.

    Parameters
    ----------
    given : object
        From JSON; None and an empty object mean the defaults.

    Returns
    -------
    Parameters

    Raises
    ------
    BadRequestError
        Which one is wrong, and what is expected.
    """
    if given is None:
        return Parameters()
    if not isinstance(given, dict):
        raise BadRequestError("bad_parameter", "parameters is not valid, expected a JSON object")
    unknown = given.keys() - Parameters.__dataclass_fields__.keys()
    if unknown:
        raise BadRequestError(
            "bad_parameter",
            f"parameters has {', '.join(sorted(map(repr, unknown)))}, expected only "
            f"{', '.join(Parameters.__dataclass_fields__)}",
        )
    values = dict(given)
    try:
        if "protocol" in values:
            protocol = values["protocol"]
            if isinstance(protocol, list) and len(protocol) > MAX_PROTOCOL_PHASES:
                raise ValueError(
                    f"protocol has {len(protocol)} phases, expected at most {MAX_PROTOCOL_PHASES}"
                )
            values["protocol"] = parse_protocol(protocol)
        return Parameters(**values)
    except (ValueError, TypeError) as error:
        raise BadRequestError("bad_parameter", str(error)) from error


def document_parameters(parameters: Parameters) -> dict[str, Any]:
    """Return the parameters as they come in requests; `parse_parameters` takes them back."""
    document = asdict(parameters)
    document["protocol"] = list(document["protocol"])
    return document


def document_file_request(request: AnalyzeFile) -> dict[str, Any]:
    """Return a request as it goes into the queue; `parse_action` takes it back."""
    document: dict[str, Any] = {
        "action": "process_s3_file" if request.kind is None else f"analyze_{request.kind}",
        "s3_key": request.key,
    }
    if request.user_id is not None:
        document["user_id"] = request.user_id
    if request.parameters is not None:
        document["parameters"] = document_parameters(request.parameters)
    if request.report:
        document |= {"report": True, "lang": request.report}
    return document


def parse_notification(record: Any, bucket: str | None) -> AnalyzeFile | None:
    """Return what an S3 notification's record asks for.

    Parameters
    ----------
    record : object
        One of the notification's `Records`.
    bucket : str or None
        The only one whose files are worked on.

    Returns
    -------
    AnalyzeFile or None
        None for what starts no analysis: other buckets, and files that are not uploads, as the
        results that the analysis itself writes.
    """
    try:
        if not record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
            return None
        if bucket is not None and record["s3"]["bucket"]["name"] != bucket:
            return None
        # Keys in notifications are encoded as in a form.
        key = unquote_plus(record["s3"]["object"]["key"], errors="strict")
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise BadRequestError("bad_event", "The record is not an S3 notification.") from error
    original = parse_original_key(key)
    if original is None:
        return None
    return AnalyzeFile(kind=None, key=key, user_id=original[0], parameters=None)


def parse_queue_message(body: Any, bucket: str | None) -> list[AnalyzeFile]:
    """Return what a queue's message asks for: an S3 notification, or the API's request object.

    Parameters
    ----------
    body : object
        Text of the message.
    bucket : str or None
        See `parse_notification`.

    Returns
    -------
    list of AnalyzeFile
        None for a notification's test message.

    Raises
    ------
    HandlerError
        It is neither.
    """
    document = parse_json(body)
    if isinstance(document, dict) and document.get("Event") == "s3:TestEvent":
        return []
    if isinstance(document, dict) and isinstance(document.get("Records"), list):
        found = [parse_notification(record, bucket) for record in document["Records"]]
        return [request for request in found if request is not None]
    request = parse_action(document)
    if not isinstance(request, AnalyzeFile):
        raise BadRequestError(
            "bad_event", "A queue's message can only ask for files of the bucket."
        )
    return [request]


def parse_json(text: Any) -> Any:
    """Parse strict JSON.

    Raises
    ------
    BadRequestError
        It is none, or nested too deeply.
    """
    if not isinstance(text, str | bytes):
        raise BadRequestError("bad_json", "The body is missing, expected a JSON object")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadRequestError("bad_json", f"The body is not valid JSON{place}.") from error


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
        body = _decode_base64(body, "The body")
    if isinstance(body, str | bytes) and len(body) > MAX_BODY_BYTES:
        raise TooLargeError(
            "body_too_large",
            f"The body has over {MAX_BODY_BYTES >> 20} MB. Send the file by create_upload.",
        )
    document = parse_json(body)
    if not isinstance(document, dict):
        raise BadRequestError("bad_json", "The body is not valid, expected a JSON object")
    return document


def _decode_base64(text: Any, name: str = "file_data") -> bytes:
    error_text = f"{name} is not valid, expected base64 (standard alphabet, padded) of a file"
    if not isinstance(text, str):
        raise BadRequestError("bad_base64", error_text)
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        # Android's encoder breaks lines.
        data = base64.b64decode(text.translate({10: None, 13: None}), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequestError("bad_base64", error_text) from error
    if not data:
        raise BadRequestError("bad_base64", f"{name} is empty, expected base64 of a file")
    return data


def _parse_upload_type(document: dict[str, Any]) -> str:
    content_type = document.get("content_type", UPLOAD_TYPES[0])
    if content_type not in UPLOAD_TYPES:
        raise UnsupportedMediaError(
            "unsupported_media_type",
            f"content_type is {content_type!r}, expected one of {', '.join(UPLOAD_TYPES)}",
        )
    return str(content_type)


def _parse_report(document: dict[str, Any]) -> Language | None:
    """Return the language of the report that is asked for, if one is."""
    wanted, language = document.get("report", False), document.get("lang", LANGUAGES[0])
    if not isinstance(wanted, bool):
        raise BadRequestError("bad_parameter", f"report is {wanted!r}, expected true or false")
    if language not in LANGUAGES:
        raise BadRequestError(
            "bad_parameter", f"lang is {language!r}, expected {' or '.join(LANGUAGES)}"
        )
    if not wanted:
        return None
    if document["action"] == "analyze_image":
        raise BadRequestError("bad_parameter", "report is true, expected false for an image")
    return "ko" if language == "ko" else "en"


def _parse_limit(text: Any) -> int:
    if text is None:
        return 20
    if not isinstance(text, str) or not text.isascii() or not text.isdigit() or len(text) > 9:
        text = "0"
    limit = int(text)
    if not 1 <= limit <= MAX_LIST:
        raise BadRequestError("bad_parameter", f"limit is not valid, expected 1 to {MAX_LIST}")
    return limit
