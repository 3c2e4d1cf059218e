"""The requests of the API, and the checks of the JSON object that a client sends for one.

Nothing in that object is trusted before it is checked here. `handler.events` takes it out of the
event (such as an HTTP call) that it comes in.
"""

import base64
import binascii
import unicodedata
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from handler.errors import BadRequestError, UnsupportedMediaError
from handler.identity import Caller
from handler.keys import check_analysis_id, check_key, parse_original_key
from tracker.parameters import Parameters
from tracker.protocol import parse_protocol
from tracker.words import LANGUAGES, Language

MAX_UPLOAD_BYTES = 2 * 2**30
MAX_FILE_NAME_CHARACTERS = 255
MAX_CONSENT_CHARACTERS = 64
MAX_PROTOCOL_PHASES = 100
"""A protocol is part of the record, and the database limits a record to 400 kB."""
UPLOAD_TYPES = (
    *("video/mp4", "video/x-m4v", "video/quicktime", "video/3gpp", "video/3gpp2"),
    *("video/webm", "video/x-matroska", "video/matroska"),
    *("video/x-msvideo", "video/vnd.avi", "video/avi"),
    *("video/mpeg", "video/mp2t", "video/x-ms-wmv", "video/x-ms-asf"),
    *("image/jpeg", "image/png", "image/webp", "image/bmp", "image/tiff"),
    *("image/heic", "image/heif", "image/avif"),
)
"""The kinds of files that are read, as browsers and systems name them; the first is the default.

The content decides what a file is. These only keep a form from storing a page or a script.
"""
ACTIONS = ("analyze_image", "analyze_video", "process_s3_file", "create_upload")
ASSUMED = {"task": "up_down", "task_assumed": True}
"""The task of the app's guided flow. It is assumed if a request over HTTP names no task."""


@dataclass(frozen=True, slots=True)
class About:
    """What a client says about a file, and the language it wants to be answered in.

    None of this changes the analysis.

    Attributes
    ----------
    file_name : str
        The file's name without folders; empty if the client gives none.
    captured_at : str
        When the file was recorded, ISO 8601, perhaps without a zone; empty if the client gives
        none.
    consent : str
        Version of the consent text that the person agreed to; empty if the client gives none.
    language : {"en", "ko", None}
        Language of the answer's sentence for the patient. None: that of the report; without a
        report, no sentence.
    """

    file_name: str = ""
    captured_at: str = ""
    consent: str = ""
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class AnalyzeData:
    """A request to analyse the file it holds: the actions analyze_image and analyze_video.

    Attributes
    ----------
    kind : {"video", "image"}
        What the file must be; its content is checked.
    data : bytes or Path
        The file's content, or where the local server has saved it.
    user_id : str or None
        Who will own the analysis and its files; None: the user `ANONYMOUS`.
    parameters : Parameters
    report : {"en", "ko", None}
        Language of the report to write; None: no report.
    is_secret : bool
        If true, the analysis' id is random: nobody can compute it, and no earlier analysis of the
        same file is continued. If false, the same request, sent again, gets the same analysis.
    fan_out : bool
        If true, a long video is divided among many workers, even if one could analyse it in time.
    about : About
    """

    kind: str
    data: bytes | Path
    user_id: str | None
    parameters: Parameters
    report: Language | None = None
    is_secret: bool = False
    fan_out: bool = False
    about: About = field(default=About(), compare=False)


@dataclass(frozen=True, slots=True)
class AnalyzeForm:
    """A request to analyse a form's file, from an app that understands clear results and errors.

    `data` is the file and how to analyse it. If `keep` is false, a completed analysis and its files
    are deleted before the answer is sent.
    """

    data: AnalyzeData
    keep: bool


@dataclass(frozen=True, slots=True)
class AnalyzeFile:
    """A request to analyse a stored file: an action with ``s3_key``, or S3's notice of a new file.

    Attributes
    ----------
    kind : {"video", "image", None}
        What the file must be; None: whatever its content says.
    key : str
        The file's key in the storage.
    user_id : str or None
        Who will own the results; None: the user `ANONYMOUS`. In a notice of S3, what `name_user`
        made of the user.
    parameters : Parameters or None
        None: if `key` is an upload's, parameters and report in the record of that upload apply.
        Without such a record, the defaults apply.
    report, fan_out, about
        See `AnalyzeData`.
    version_id, etag : str
        Which version of the file S3's notice is about; empty for other requests.
    """

    kind: str | None
    key: str
    user_id: str | None
    parameters: Parameters | None
    report: Language | None = None
    fan_out: bool = False
    version_id: str = ""
    etag: str = ""
    about: About = field(default=About(), compare=False)


@dataclass(frozen=True, slots=True)
class CreateUpload:
    """A request for an address to upload a file to, which is analysed once it has come.

    `content_type` is the file's, one of `UPLOAD_TYPES`. The other attributes say who will own the
    file and how to analyse it: see `AnalyzeData`.
    """

    user_id: str | None
    content_type: str
    parameters: Parameters
    report: Language | None = None
    fan_out: bool = False
    about: About = field(default=About(), compare=False)


@dataclass(frozen=True, slots=True)
class GetStatus:
    """A request of `caller` for the state of an analysis, and for its result once there is one.

    `language` is that of the sentence for the patient; None: that of the report, if there is one.
    """

    analysis_id: str
    caller: Caller = field(compare=False)
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class ListAnalyses:
    """A request for at most `limit` analyses of a user, the newest first.

    `token` is the field ``next`` of the answer before; empty: from the newest on. That `caller` may
    list them was checked before.
    """

    user_id: str
    limit: int
    token: str
    caller: Caller = field(compare=False)


@dataclass(frozen=True, slots=True)
class DeleteAnalysis:
    """A request of `caller` to delete an analysis and its files.

    The analysed file is deleted too if it is one of its user's own files.
    """

    analysis_id: str
    caller: Caller


@dataclass(frozen=True, slots=True)
class DeleteUser:
    """A request of `caller`, who may do so, to delete all analyses and files of a user."""

    user_id: str
    caller: Caller


@dataclass(frozen=True, slots=True)
class GetDescription:
    """A request for the description of the API: an OpenAPI document, or a page that shows it."""

    as_page: bool


@dataclass(frozen=True, slots=True)
class GetHealth:
    """A request that asks whether the service works."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """A browser's question which requests it may send (a CORS preflight)."""


Request = (
    AnalyzeData
    | AnalyzeForm
    | AnalyzeFile
    | CreateUpload
    | GetStatus
    | ListAnalyses
    | DeleteAnalysis
    | DeleteUser
    | GetDescription
    | GetHealth
    | Preflight
)


def parse_action(document: Any, caller: Caller) -> Request:
    """Check the JSON object of a request, and return the request that its field ``action`` names.

    Parameters
    ----------
    document : object
        The body of an HTTP call as parsed JSON, or the event of a direct invocation.
    caller : Caller
        Who sent it. An id or file (``s3_key``) of a user for whom the caller may not ask is
        refused.

    Raises
    ------
    HandlerError
        The request is not valid, or not allowed to this caller. The message says why.
    """
    if not isinstance(document, dict):
        raise BadRequestError("bad_json", "The request is not valid, expected a JSON object")
    action = document.get("action")
    if action == "get_status":
        return GetStatus(check_analysis_id(document.get("analysis_id")), caller)
    if action not in ACTIONS:
        raise BadRequestError(
            "unknown_action", f"action is {action!r}, expected one of {', '.join(ACTIONS)}"
        )
    user_id = caller.take_user_id(document.get("user_id"))
    given = document.get("parameters")
    parameters = parse_parameters(given)
    report = _parse_report(document)
    fan_out = _parse_flag(document, "fan_out")
    about = _parse_about(document)
    if action == "create_upload":
        content_type = _parse_upload_type(document)
        return CreateUpload(user_id, content_type, parameters, report, fan_out, about)
    file_data = document.get("file_data")
    if action != "process_s3_file" and file_data is not None:
        return AnalyzeData(
            kind=action.removeprefix("analyze_"),
            data=decode_base64(file_data),
            user_id=user_id,
            parameters=parameters,
            report=report,
            is_secret=caller.role == "anyone",
            fan_out=fan_out,
            about=about,
        )
    return AnalyzeFile(
        kind=None if action == "process_s3_file" else action.removeprefix("analyze_"),
        key=_parse_own_key(document, caller, user_id),
        user_id=user_id,
        parameters=parameters if given or report else None,
        report=report,
        fan_out=fan_out,
        about=about,
    )


def _parse_own_key(document: dict[str, Any], caller: Caller, user_id: str | None) -> str:
    s3_key = document.get("s3_key")
    if s3_key is None:
        is_file = document["action"] == "process_s3_file"
        needed = "s3_key" if is_file else "file_data (base64) or s3_key"
        raise BadRequestError("missing_field", f"{needed} is missing")
    key = check_key(s3_key)
    caller.check_own_key(key, user_id)
    return key


def assume_task(document: Any) -> Any:
    """Return a request with the task of the app's guided flow, if it has no task or protocol.

    The task (look up and down) is what the person was asked to do. Without it, no small range of
    the gaze would support a suspicion.

    `document` is the request's JSON object, still unchecked. The result is a copy with `ASSUMED` in
    ``parameters``. It is `document` itself if that names a task or a protocol, is for an image, has
    parameters that are no object, or is for an upload and has neither parameters nor a report:
    those that came with the upload apply then.
    """
    if not isinstance(document, dict) or document.get("action") == "analyze_image":
        return document
    key, given = document.get("s3_key"), document.get("parameters")
    is_upload = isinstance(key, str) and parse_original_key(key) is not None
    if is_upload and not given and not document.get("report"):
        return document
    if (
        not isinstance(given, dict | None)
        or (given or {}).get("protocol")
        or "task" in (given or {})
    ):
        return document
    return document | {"parameters": {**(given or {}), **ASSUMED}}


def parse_parameters(given: Any) -> Parameters:
    """Check the parameters of an analysis.

    Parameters
    ----------
    given : object
        From JSON; None and an empty object mean the defaults.

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
    """Return parameters as the JSON object from which `parse_parameters` makes them again."""
    document = asdict(parameters)
    document["protocol"] = list(document["protocol"])
    return document


def document_file_request(request: AnalyzeFile) -> dict[str, Any]:
    """Return a request as a JSON object for the queue, from which `parse_action` makes it again.

    `about`, `version_id` and `etag` are left out.
    """
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
    if request.fan_out:
        document["fan_out"] = True
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


def _parse_about(document: dict[str, Any]) -> About:
    captured_at = document.get("captured_at", "")
    if captured_at != "":
        try:
            captured_at = datetime.fromisoformat(captured_at).isoformat()
        except (TypeError, ValueError) as error:
            raise BadRequestError(
                "bad_parameter",
                "captured_at is not valid, expected a time like 2026-01-02T03:04:05+09:00",
            ) from error
    consent = document.get("consent", "")
    if not isinstance(consent, str) or len(consent) > MAX_CONSENT_CHARACTERS:
        raise BadRequestError(
            "bad_parameter",
            f"consent is not valid, expected at most {MAX_CONSENT_CHARACTERS} characters: the "
            "version of the text that was agreed to",
        )
    return About(
        clean_file_name(document.get("file_name", "")),
        captured_at,
        consent,
        parse_language(document["lang"]) if "lang" in document else None,
    )


def clean_file_name(value: Any) -> str:
    """Return a client's name of a file, for display: without folders and invisible characters.

    It keeps the first `MAX_FILE_NAME_CHARACTERS`. A value that is no text gives an empty name.
    """
    name = value.replace("\\", "/").rpartition("/")[2] if isinstance(value, str) else ""
    shown = "".join(one for one in name if unicodedata.category(one)[0] != "C")
    return shown[:MAX_FILE_NAME_CHARACTERS]


def parse_language(value: Any) -> Language:
    """Return the value if it is the code of a supported language, "en" or "ko".

    Raises
    ------
    BadRequestError
        It is anything else.
    """
    if value not in LANGUAGES:
        raise BadRequestError(
            "bad_parameter", f"lang is {value!r}, expected {' or '.join(LANGUAGES)}"
        )
    return "ko" if value == "ko" else "en"


def _parse_report(document: dict[str, Any]) -> Language | None:
    """Return the language of the report that a request asks for; None if it asks for none.

    It asks by a true field ``report``; the field ``lang`` names the language (default English). A
    wrong value of either raises `BadRequestError`, and so does a report of an image.
    """
    language = parse_language(document.get("lang", LANGUAGES[0]))
    return language if _parse_flag(document, "report") else None


def _parse_flag(document: dict[str, Any], name: str) -> bool:
    """Return the true or false field `name` of a request; false if it is missing.

    Raises
    ------
    BadRequestError
        It is neither true nor false, or it is true in a request for an image.
    """
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise BadRequestError("bad_parameter", f"{name} is {value!r}, expected true or false")
    if value and document["action"] == "analyze_image":
        raise BadRequestError("bad_parameter", f"{name} is true, expected false for an image")
    return value
