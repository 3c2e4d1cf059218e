"""The requests of the API, and the check of the JSON object that asks for one.

Everything in that object is hostile until it has passed here; `handler.events` opens the envelopes
that it comes in.
"""

import base64
import binascii
from dataclasses import asdict, dataclass
from typing import Any

from handler.errors import BadRequestError, UnsupportedMediaError
from handler.keys import check_key, check_user_id
from tracker.parameters import Parameters
from tracker.protocol import parse_protocol
from tracker.words import LANGUAGES, Language

MAX_UPLOAD_BYTES = 2 * 2**30
MAX_PROTOCOL_PHASES = 100
"""A protocol is part of the record, and the database limits a record to 400 kB."""
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

    Here and below, `report` is the language of the report to write; None for no report.
    """

    kind: str
    data: bytes
    user_id: str | None
    parameters: Parameters
    report: Language | None = None


@dataclass(frozen=True, slots=True)
class AnalyzeFile:
    """Analyse a file of the bucket. If `kind` is None, the file's content decides.

    If `parameters` is None, those in the record of the upload apply.
    """

    kind: str | None
    key: str
    user_id: str | None
    parameters: Parameters | None
    report: Language | None = None


@dataclass(frozen=True, slots=True)
class CreateUpload:
    """Say where a file can be uploaded to."""

    user_id: str | None
    content_type: str
    parameters: Parameters
    report: Language | None = None


@dataclass(frozen=True, slots=True)
class GetStatus:
    """Return the state of an analysis."""

    analysis_id: str


@dataclass(frozen=True, slots=True)
class ListAnalyses:
    """List a user's analyses, the newest first."""

    user_id: str
    limit: int
    token: str


@dataclass(frozen=True, slots=True)
class GetHealth:
    """Say whether the function works."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """A browser asks which requests it may send."""


Request = (
    AnalyzeData | AnalyzeFile | CreateUpload | GetStatus | ListAnalyses | GetHealth | Preflight
)


def parse_action(document: Any) -> Request:
    """Check the API's request object, which is a body or a direct invocation.

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
        The request is not valid. The message says why.
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
        return AnalyzeData(kind, decode_base64(file_data), user_id, parameters, report)
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
        A parameter is not valid. The message says which one, and what is expected.
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
    """Return parameters as JSON; the inverse of `parse_parameters`."""
    document = asdict(parameters)
    document["protocol"] = list(document["protocol"])
    return document


def document_file_request(request: AnalyzeFile) -> dict[str, Any]:
    """Return a request as JSON for the queue; the inverse of `parse_action`."""
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


def decode_base64(text: Any, name: str = "file_data") -> bytes:
    error_text = f"{name} is not valid, expected base64 (standard alphabet, padded) of a file"
    if not isinstance(text, str):
        raise BadRequestError("bad_base64", error_text)
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        # Android's encoder inserts line breaks.
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
    """Return the language of the report; None if no report is asked for."""
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
