"""The description of the API in OpenAPI 3.1, and the HTML page that shows it.

Its routes, and what requests may hold, come from the tables that the handler checks requests with;
the answers are described here. This module is imported only when a client asks for the description.
"""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from handler.answers import CLEAR_ANSWERS
from handler.division import SEGMENT_S
from handler.events import DEFAULT_LIST, MAX_LIST
from handler.form_query import FORM_FLAGS, FORM_PARAMETERS
from handler.keys import MAX_KEY_BYTES, MAX_USER_ID_CHARACTERS, RESULT_NAMES
from handler.requests import (
    ACTIONS,
    MAX_CONSENT_CHARACTERS,
    MAX_PROTOCOL_PHASES,
    UPLOAD_TYPES,
)
from handler.routes import ROUTES, Route
from handler.webhook_description import describe_webhooks
from tracker.files.documents import describe_record
from tracker.files.fields import Summary
from tracker.parameters import CHOICES, RANGES, Parameters
from tracker.protocol import MAX_TIME_S, PHASES
from tracker.version import __version__
from tracker.words import LANGUAGES

TEMPLATES = Path(__file__).with_name("templates")
OWNER = (
    "Who will own the analysis. Where tokens name users, it is the token's subject, also of a "
    "clinician; leave it out, or give the same."
)
LISTED = (
    "Whose analyses to list. Where tokens name users, it is the token's subject if left out; a "
    "clinician may give anybody's, others only their own. Without such tokens, it must be given; a "
    "deployment with open access lists nothing."
)
FORGOTTEN = (
    "Whose data to delete. Where tokens name users, it is the token's subject, also of a "
    "clinician; leave it out, or give the same. Without such tokens, it must be given; a "
    "deployment with open access deletes no user's data."
)
DIVIDED = (
    "Divide a video among many workers, also if one could analyse it in time. It stays whole if "
    f"one worker needs at most {SEGMENT_S:g} s for it, if its container does not tell its length, "
    "and where there are no workers."
)
STATES = ("queued", "processing", "completed", "failed", "expired")
_ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_TEXT = {"type": "string"}
_NUMBER = {"type": ["number", "null"]}
_LANGUAGE = {"enum": list(LANGUAGES)}
_TIME = {"type": "string", "description": "ISO 8601"}

SUMMARIES = {
    "get_health": "Say whether the service works.",
    "get_openapi": "This description.",
    "get_docs": "This description, as a page.",
    "run_action": "Analyse a picture or a video, or ask where to send one.",
    "process_form": "Analyse the video of a form; answer only with a clear answer or an error.",
    "create_upload": "Say where a file of up to 2 GB can be sent.",
    "get_status": "Return the state of an analysis.",
    "list_analyses": "List a user's analyses, the newest first.",
    "delete_analysis": "Delete an analysis: record, results, and the caller's own file.",
    "delete_user": "Delete all that is the caller's.",
}
ERRORS = {
    400: "A field is wrong; the message names it.",
    401: "No valid token.",
    403: "A file or a name that is not the caller's.",
    404: "Not there, or another's.",
    405: "Another method.",
    408: "The request did not arrive in time.",
    409: "The same analysis is running.",
    410: "The analysis was deleted meanwhile.",
    413: "Too large. POST /uploads takes more.",
    415: "Neither a video nor a picture.",
    422: "It cannot be analysed; or, of a form, there is no clear answer. The message says why.",
    429: "Too many requests.",
    500: "A defect; the log has it under the answer's X-Request-Id.",
    503: "The storage does not answer, or has no room. Send it again.",
}


def make_document() -> dict[str, Any]:
    """Return the description of the API, an OpenAPI 3.1 document that JSON can hold."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _describe_route(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Eye tracking",
            "version": __version__,
            "description": "Vertical gaze range, blinks and a PSP screening assessment from a "
            "phone video. For research use; not a diagnosis.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "webhooks": describe_webhooks(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _describe_schemas(),
        },
    }


def make_page(document: dict[str, Any]) -> str:
    """Return the text of an HTML page that shows `document`, from `make_document`.

    The page loads no other file.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("docs.html.j2").render(document=document) + "\n"


def _describe_route(route: Route) -> dict[str, Any]:
    name = f"{route.operation}{route.path.strip('/').replace('/', '_').replace('.', '_')}"
    about: dict[str, Any] = {
        "operationId": name.replace("{", "").replace("}", ""),
        "summary": SUMMARIES[route.operation],
        "responses": _describe_answers(route),
    }
    if parameters := list(_describe_parameters(route)):
        about["parameters"] = parameters
    if route.is_public:
        about["security"] = []
    content: dict[str, Any] = {}
    if route.operation == "run_action":
        content = {"application/json": {"schema": _refer("Action")}}
    elif route.operation == "create_upload":
        content = {"application/json": {"schema": _refer("Upload")}}
    elif route.operation == "process_form":
        form = {"type": "object", "properties": {"file": {}}, "required": ["file"]}
        content = {"multipart/form-data": {"schema": form}}
    if content:
        about["requestBody"] = {"required": True, "content": content}
    return about


def _describe_parameters(route: Route) -> Iterable[dict[str, Any]]:
    """Yield the OpenAPI description of each parameter in a route's path, then in its query."""
    if "{analysis_id}" in route.path:
        yield {"name": "analysis_id", "in": "path", "required": True, "schema": _ID}
    if route.operation == "get_status":
        yield _query("lang", _LANGUAGE)
    if route.operation == "list_analyses":
        yield _query("user_id", _describe_user_id(LISTED))
        yield _query(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIST, "default": DEFAULT_LIST},
        )
        yield _query("next", _TEXT)
    if route.operation == "delete_user":
        yield _query("user_id", _describe_user_id(FORGOTTEN))
    if route.operation == "process_form":
        described = describe_analysis_parameters()
        yield from (_query(name, described[name]) for name in FORM_PARAMETERS)
        yield from (
            _query(name, {"type": "boolean", "default": default})
            for name, default in FORM_FLAGS.items()
        )
        yield _query("user_id", _describe_user_id(OWNER))
        yield _query("lang", _LANGUAGE)


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


def describe_analysis_parameters() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each parameter of an analysis, by its name, such as ``step``."""
    described: dict[str, dict[str, Any]] = {}
    for field in fields(Parameters):
        if field.name in RANGES:
            low, high = RANGES[field.name]
            described[field.name] = {
                "type": "integer" if field.type is int else "number",
                "minimum": low,
                "maximum": high,
                "default": field.default,
            }
        elif field.name in CHOICES:
            described[field.name] = {"enum": list(CHOICES[field.name])}
    described["task_assumed"] = {"type": "boolean", "default": False}
    described["protocol"] = {
        "type": "array",
        "maxItems": MAX_PROTOCOL_PHASES,
        "items": _make_object(
            {
                "phase": {"enum": list(PHASES)},
                "start_s": {"type": "number", "minimum": 0, "maximum": MAX_TIME_S},
                "end_s": {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TIME_S},
            },
            strict=True,
        ),
    }
    return described


def _describe_user_id(meaning: str) -> dict[str, Any]:
    return {"type": "string", "maxLength": MAX_USER_ID_CHARACTERS, "description": meaning}


def _describe_body(actions: Iterable[str]) -> dict[str, Any]:
    """Return the schema of a request's JSON body.

    `actions` are the allowed values of its field ``action``, as for ``POST /analyze``. If there are
    none, the schema is that of ``POST /uploads``, whose body needs no such field.
    """
    content_type = {"enum": list(UPLOAD_TYPES), "default": UPLOAD_TYPES[0]}
    properties: dict[str, Any] = {
        "user_id": {"anyOf": [_describe_user_id(OWNER), {"type": "null"}]},
        "parameters": {
            "anyOf": [
                {
                    "type": "object",
                    "properties": describe_analysis_parameters(),
                    "additionalProperties": False,
                    # If the task is marked as assumed, a known task must be given.
                    "if": {
                        "properties": {"task_assumed": {"const": True}},
                        "required": ["task_assumed"],
                    },
                    "then": {
                        "properties": {"task": {"not": {"const": "unknown"}}},
                        "required": ["task"],
                    },
                },
                {"type": "null"},
            ]
        },
        "report": {"type": "boolean", "default": False},
        "fan_out": {
            "type": "boolean",
            "default": False,
            "description": DIVIDED,
        },
        "lang": _LANGUAGE,
        "file_name": {"description": "Kept without folders."},
        "captured_at": _TIME,
        "consent": {"type": "string", "maxLength": MAX_CONSENT_CHARACTERS},
        "content_type": content_type,
    }
    actions = list(actions)
    if not actions:
        return {"type": "object", "properties": properties}
    del properties["content_type"]
    properties |= {
        "action": {"enum": actions},
        "file_data": {"description": "The file in base64."},
        "s3_key": {"description": "The key of a file in the bucket."},
    }
    key = {"type": "string", "maxLength": MAX_KEY_BYTES}
    return {
        "type": "object",
        "properties": properties,
        "required": ["action"],
        # Only a request for an upload has a content type; a stored file's content decides.
        "allOf": [
            _make_condition("create_upload", {"content_type": content_type}, ()),
            _make_condition("process_s3_file", {"s3_key": key}, ("s3_key",)),
        ],
    }


def _make_condition(
    action: str, properties: dict[str, Any], required: Iterable[str]
) -> dict[str, Any]:
    """Return a JSON Schema (``if``, ``then``) that binds a request only if it has this `action`.

    `properties` are the schemas of its fields by name. `required` are the fields that must be
    there then.
    """
    return {
        "if": {"properties": {"action": {"const": action}}},
        "then": {"properties": properties, "required": list(required)},
    }


def _describe_schemas() -> dict[str, Any]:
    outcome = _describe_outcome()
    return {
        "Action": _describe_body(ACTIONS),
        "Upload": _describe_body(()),
        **_describe_small_answers(),
        "Analysis": _make_object(
            {**outcome, "status": {"const": "success"}}, ("analysis_id", "status"), strict=True
        ),
        "Clear": {
            **_refer("Analysis"),
            "required": ["analysis_result"],
            "properties": {"analysis_result": _refer("ClearResult")},
        },
        "Status": _make_object(
            {
                **outcome,
                "status": {"enum": list(STATES)},
                "progress_percent": {"type": "integer", "minimum": 0, "maximum": 100},
                "created_at": _TIME,
                "error": _TEXT,
                "code": _TEXT,
                "parameters": {"type": "object"},
                "file_name": {"type": ["string", "null"]},
                "captured_at": {"type": ["string", "null"]},
                "consent": {"type": ["string", "null"]},
                "expires_at": {"type": ["integer", "null"], "description": "Unix seconds"},
            },
            ("analysis_id", "status", "progress_percent", "created_at"),
            strict=True,
        ),
        "AnalysisResult": _describe_result(
            {"anyOf": [{"type": "boolean"}, {"enum": ["borderline", "not_assessable"]}]}, _NUMBER
        ),
        "ClearResult": _describe_result({"enum": list(CLEAR_ANSWERS.values())}, {"type": "number"}),
        "Provenance": _make_object(
            {
                "sha256": {"type": ["string", "null"], "pattern": "^[0-9a-f]{64}$"},
                "size_bytes": {"type": "integer"},
                "etag": _TEXT,
                "version_id": {"type": ["string", "null"]},
                "stored_at": {"type": ["string", "null"]},
                "analysed_at": _TIME,
                "program_version": _TEXT,
                "program_sha256": _TEXT,
                "models_sha256": _TEXT,
            },
            strict=True,
        ),
        "Summary": describe_record(Summary, strict=False),
    }


def _describe_outcome() -> dict[str, Any]:
    """Return the schemas, by name, of the fields that an answer about an analysis can have.

    All but ``analysis_id`` are there only once it is completed, and only those of its kind of file.
    """
    return {
        "analysis_id": _ID,
        "summary": _refer("Summary"),
        "result": {"type": "object", "description": "Of a picture."},
        "analysis_result": _refer("AnalysisResult"),
        "provenance": {"anyOf": [_refer("Provenance"), {"type": "null"}]},
        "report_url": _TEXT,
        "patient_message": _TEXT,
        **{f"{name}_path": _TEXT for name in ("video", "image", *RESULT_NAMES)},
    }


def _describe_small_answers() -> dict[str, Any]:
    return {
        "Error": _make_object(
            {"error": _TEXT, "code": _TEXT, "analysis_id": _ID}, ("error", "code"), strict=True
        ),
        "Health": _make_object(
            {
                "status": {"const": "ok"},
                "version": _TEXT,
                "model_ready": {"type": "boolean"},
                "uptime_s": {"type": "number"},
            }
        ),
        "Queued": _make_object(
            {
                "analysis_id": _ID,
                "status": {"enum": ["queued", "processing"]},
                "status_url": _TEXT,
                "fan_out": _refer("Division"),
            },
            ("analysis_id", "status", "status_url"),
            strict=True,
        ),
        "Division": {
            "description": "The video is divided among many workers: an estimate.",
            **_make_object(
                {
                    "segments": {"type": "integer", "minimum": 2},
                    "expected_s": {"type": "integer", "description": "Seconds to the result."},
                    "cost_usd": {"type": "number", "description": "By AWS' list prices."},
                },
                strict=True,
            ),
        },
        "List": _make_object(
            {
                "analyses": {"type": "array", "items": _refer("Status")},
                "next": {"type": ["string", "null"]},
            },
            strict=True,
        ),
        "Offer": _make_object(
            {
                "analysis_id": _ID,
                "upload": _make_object({"url": _TEXT, "fields": {"type": "object"}}),
                "expires_in_s": {"type": "integer"},
                "max_bytes": {"type": "integer"},
                "status": {"const": "queued"},
                "status_url": _TEXT,
            },
            strict=True,
        ),
        "Deleted": _make_object({"status": {"enum": ["deleted", "incomplete"]}}, strict=True),
    }


def _describe_result(suspected: dict[str, Any], range_: dict[str, Any]) -> dict[str, Any]:
    return _make_object(
        {
            "frames_processed": {"type": "integer"},
            "duration_sec": {"type": "number"},
            "vertical_movement": _make_object(
                {"peak_to_peak": range_, "std": _NUMBER, "std_deviation": _NUMBER}
            ),
            "blink_analysis": _make_object(
                {"count": {"type": ["integer", "null"]}, "rate_per_minute": _NUMBER}
            ),
            "psp_screening": _make_object(
                {
                    "suspected": {
                        **suspected,
                        "description": "A text where there is no clear answer: never false.",
                    },
                    "threshold_used": {"type": "number"},
                    "vertical_ptp_measured": range_,
                }
            ),
        },
        strict=True,
    )


def _describe_answers(route: Route) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    schemas = {
        "get_health": {200: "Health"},
        "run_action": {200: "Analysis", 202: "Queued"},
        "create_upload": {200: "Offer"},
        "process_form": {200: "Clear"},
        "get_status": {200: "Status"},
        "list_analyses": {200: "List"},
        "delete_user": {200: "Deleted"},
    }.get(route.operation, {})
    for status, name in schemas.items():
        schema = _refer(name)
        if route.operation == "run_action" and status == 200:
            schema = {"anyOf": [schema, _refer("Offer")]}
        answers[str(status)] = {
            "description": "Accepted; ask again later." if status == 202 else "Done.",
            "content": {"application/json": {"schema": schema}},
        }
    if route.operation == "get_openapi":
        answers["200"] = {
            "description": "An OpenAPI 3.1 document.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    if route.operation == "get_docs":
        answers["200"] = {"description": "A page.", "content": {"text/html": {"schema": _TEXT}}}
    if route.operation == "delete_analysis":
        answers["204"] = {"description": "It is gone, or was never there."}
    for status, description in ERRORS.items():
        answers[str(status)] = {
            "description": description,
            "content": {"application/json": {"schema": _refer("Error")}},
        }
    return answers


def _make_object(
    properties: dict[str, Any], required: Iterable[str] | None = None, *, strict: bool = False
) -> dict[str, Any]:
    """Return the JSON Schema of an object with these properties: schemas by name.

    If `required` is None, all of them are required. If `strict` is true, no others are allowed.
    """
    names = list(properties if required is None else required)
    made: dict[str, Any] = {"type": "object", "properties": properties, "required": names}
    return made | {"additionalProperties": False} if strict else made


def _refer(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
