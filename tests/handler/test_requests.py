"""Events to requests: what the app sends is understood, everything else is refused by name."""

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from hypothesis import example, given
from hypothesis import strategies as st

from handler.api import Api
from handler.errors import HandlerError, describe_for_log, to_document, to_handler_error
from handler.events import (
    MAX_BODY_BYTES,
    parse_http_call,
    parse_notification,
    parse_queue_message,
    read_http_event,
)
from handler.identity import Access
from handler.keys import check_key, make_key, name_user, parse_original_key
from handler.local.app import LocalContext
from handler.local.storage import LocalStorage
from handler.requests import (
    UPLOAD_TYPES,
    AnalyzeData,
    AnalyzeFile,
    CreateUpload,
    GetHealth,
    GetStatus,
    ListAnalyses,
    Preflight,
    Request,
    assume_task,
    document_file_request,
    document_parameters,
    parse_action,
    parse_parameters,
)
from handler.service import Service
from tracker.parameters import Parameters
from tracker.protocol import Phase

DATA = base64.b64encode(b"some bytes").decode()
ID = "0123456789abcdef" * 2
LOCAL = Access("local")
OPERATOR = LOCAL.operator
ASSUMED = Parameters(task="up_down", task_assumed=True)
"""What an HTTP call without parameters means: the app's guided flow."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def parse(event: dict[str, Any]) -> Request:
    call = read_http_event(event)
    assert call is not None
    return parse_http_call(call, LOCAL)


def post(body: Any, **event: Any) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {"httpMethod": "POST", "path": "/analyze", "body": text, **event}


def refused(event: dict[str, Any]) -> tuple[int, str, str]:
    with pytest.raises(HandlerError) as caught:
        parse(event)
    error = caught.value
    json.dumps(to_document(error), allow_nan=False, ensure_ascii=False).encode("utf-8")
    return error.status_code, error.code, error.message


# What the app sends


@pytest.mark.parametrize("path", ["/", "/analyze", "/analyze/"])
def test_actions_over_every_kind_of_event(path: str) -> None:
    body = {"action": "analyze_video", "file_data": DATA, "file_name": "../x.mp4", "user_id": "u1"}
    expected = AnalyzeData("video", b"some bytes", "u1", ASSUMED)
    text = json.dumps(body)
    encoded = base64.b64encode(text.encode()).decode()
    v1 = {"httpMethod": "POST", "path": path, "body": text, "requestContext": {"stage": "dev"}}
    v2 = {
        "version": "2.0",
        "rawPath": path,
        "requestContext": {"http": {"method": "POST"}, "stage": "$default"},
        "body": text,
    }
    staged = {**v2, "rawPath": f"/dev{path}"}
    staged["requestContext"] = {"http": {"method": "POST"}, "stage": "dev"}
    for event in (v1, v2, staged):
        assert parse(event) == expected
        assert parse({**event, "body": encoded, "isBase64Encoded": True}) == expected
    # A direct invocation is no guided flow.
    direct = AnalyzeData("video", b"some bytes", "u1", Parameters())
    assert parse_action(body, OPERATOR) == direct


def test_the_other_actions() -> None:
    key = f"users/u1/eye/{ID}/original"
    assert parse(post({"action": "analyze_image", "file_data": DATA})) == AnalyzeData(
        "image", b"some bytes", None, Parameters()
    )
    document = {"action": "process_s3_file", "s3_key": key, "user_id": "u1"}
    assert parse(post(document)) == AnalyzeFile(None, key, "u1", None)
    document = {"action": "analyze_video", "s3_key": "cohort/a.mp4", "parameters": {"step": 2}}
    assert parse_action(document, OPERATOR) == AnalyzeFile(
        "video", "cohort/a.mp4", None, Parameters(step=2)
    )
    document = {"action": "create_upload", "user_id": "u1", "content_type": "video/quicktime"}
    expected = CreateUpload("u1", "video/quicktime", ASSUMED)
    assert parse(post(document)) == parse(post(document, path="/uploads")) == expected


ROOT = Path(__file__).parents[2]
MEDIA_TYPES = {
    "MP4": ("video/mp4", "video/x-m4v"),
    "MOV": ("video/quicktime",),
    "3GP": ("video/3gpp", "video/3gpp2"),
    "WebM": ("video/webm",),
    "MKV": ("video/matroska", "video/x-matroska"),
    "AVI": ("video/vnd.avi", "video/avi", "video/x-msvideo"),
    "MPEG": ("video/mpeg",),
    "transport stream": ("video/mp2t",),
    "WMV": ("video/x-ms-wmv", "video/x-ms-asf"),
    "JPEG": ("image/jpeg",),
    "HEIC": ("image/heic", "image/heif"),
    "AVIF": ("image/avif",),
    "PNG": ("image/png",),
    "WebP": ("image/webp",),
    "BMP": ("image/bmp",),
    "TIFF": ("image/tiff",),
}
"""IANA's names, and the older ones that browsers and systems still give."""


def test_every_kind_that_is_read_may_be_uploaded() -> None:
    guide = (ROOT / "docs" / "videos.md").read_text(encoding="utf-8")
    (sentence,) = re.findall(r"^Any (.*)\.$", guide, re.MULTILINE)
    kinds = re.split(r", and any |, | or ", sentence)
    assert kinds == list(MEDIA_TYPES)
    names = [name for kind in kinds for name in MEDIA_TYPES[kind]]
    for name in names:
        body = {"action": "create_upload", "content_type": name}
        assert parse(post(body)) == CreateUpload(None, name, ASSUMED)
    # Nothing else, such as a page or a drawing with a script in it.
    assert set(UPLOAD_TYPES) == set(names)
    code = (ROOT / "handler" / "web" / "app.js").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^const UPLOAD_TYPES = \[(.*?)^\];", code, re.MULTILINE | re.DOTALL)
    assert re.findall(r'"(\S+?)"', listed) == [
        name for name in UPLOAD_TYPES if name.startswith("video/")
    ]


def test_a_report_is_asked_for_in_a_language() -> None:
    video = {"action": "analyze_video", "file_data": DATA}
    asked = parse(post({**video, "report": True}))
    assert asked == AnalyzeData("video", b"some bytes", None, ASSUMED, "en")
    asked = parse(post({**video, "report": True, "lang": "ko"}))
    assert asked == AnalyzeData("video", b"some bytes", None, ASSUMED, "ko")
    for unasked in ({}, {"report": False}, {"report": False, "lang": "ko"}, {"lang": "en"}):
        assert parse(post({**video, **unasked})) == parse(post(video))
    upload = {"action": "create_upload", "report": True, "lang": "ko"}
    assert parse(post(upload)) == CreateUpload(None, "video/mp4", ASSUMED, "ko")
    # A report of a file is an analysis with these parameters, not the one of its upload's record.
    file = {"action": "process_s3_file", "s3_key": "cohort/a.mp4", "report": True}
    expected = AnalyzeFile(None, "cohort/a.mp4", None, Parameters(), "en")
    assert parse_action(file, OPERATOR) == expected


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"report": "true"}, "report is 'true', expected true or false"),
        ({"report": 1}, "expected true or false"),
        ({"report": None}, "expected true or false"),
        ({"report": True, "lang": "fr"}, "lang is 'fr', expected en or ko"),
        ({"report": True, "lang": ["en"]}, "expected en or ko"),
        ({"lang": None}, "expected en or ko"),
        ({"report": True, "action": "analyze_image"}, "expected false for an image"),
    ],
)
def test_a_report_that_cannot_be_is_refused(fields: dict[str, Any], words: str) -> None:
    status, code, message = refused(post({"action": "analyze_video", "file_data": DATA, **fields}))
    assert (status, code) == (400, "bad_parameter")
    assert words in message


def test_paths() -> None:
    get = {"httpMethod": "GET", "queryStringParameters": None}
    assert parse({**get, "path": "/"}) == parse({**get, "path": "/health"}) == GetHealth()
    assert parse({**get, "path": f"/status/{ID}"}) == GetStatus(ID, OPERATOR)
    listing = {**get, "path": "/analyses", "queryStringParameters": {"user_id": "u1"}}
    assert parse(listing) == ListAnalyses("u1", 20, "", OPERATOR)
    listing["queryStringParameters"] = {"user_id": "u1", "limit": "7", "next": "abc"}
    assert parse(listing) == ListAnalyses("u1", 7, "abc", OPERATOR)
    assert parse({"httpMethod": "OPTIONS", "path": "/anything"}) == Preflight()


def test_lines_and_a_prefix_in_base64_are_taken() -> None:
    data = bytes(range(256))
    text = base64.encodebytes(data).decode().replace("\n", "\r\n")
    for given_ in (text, "data:video/mp4;base64," + text):
        request = parse(post({"action": "analyze_video", "file_data": given_}))
        assert isinstance(request, AnalyzeData)
        assert request.data == data


def test_a_protocol_and_all_parameters() -> None:
    given_ = {
        "step": 2,
        "vpp_thresh": 0.05,
        "blink_thresh": 0.2,
        "max_frames": 100,
        "blink_min_frames": 3,
        "blink_baseline": "fixed",
        "protocol": [{"phase": "up", "start_s": 0, "end_s": 10}],
        "task": "up_down",
        "task_assumed": True,
    }
    parameters = parse_parameters(given_)
    protocol = (Phase("up", 0, 10),)
    assert parameters == Parameters(2, 0.05, 0.2, 100, 3, "fixed", protocol, "up_down", True)
    assert document_parameters(parameters) == given_
    assert parse_parameters(json.loads(json.dumps(document_parameters(parameters)))) == parameters


@pytest.mark.parametrize(
    ("given_", "task", "assumed"),
    [
        ({}, "up_down", True),
        ({"step": 2}, "up_down", True),
        ({"protocol": []}, "up_down", True),
        ({"task": "up_down"}, "up_down", False),
        ({"task": "unknown"}, "unknown", False),
        ({"protocol": [{"phase": "up", "start_s": 0, "end_s": 10}]}, "unknown", False),
    ],
)
def test_only_a_call_that_says_nothing_of_a_task_gets_the_app_s(
    given_: dict[str, Any], task: str, assumed: bool
) -> None:
    for body in (
        {"action": "analyze_video", "file_data": DATA},
        {"action": "create_upload"},
    ):
        request = parse(post({**body, "parameters": given_}))
        assert isinstance(request, AnalyzeData | CreateUpload)
        assert (request.parameters.task, request.parameters.task_assumed) == (task, assumed)
    file = {"action": "process_s3_file", "s3_key": "cohort/a.mp4", "parameters": given_}
    request = parse_action(assume_task(file), OPERATOR)
    assert isinstance(request, AnalyzeFile)
    assert request.parameters is not None
    assert (request.parameters.task, request.parameters.task_assumed) == (task, assumed)
    # The queue hands on what was assumed.
    assert parse_action(document_file_request(request), OPERATOR) == request


def test_an_upload_keeps_what_was_said_of_it_and_an_image_has_no_task() -> None:
    key = f"users/u1/eye/{ID}/original"
    upload = {"action": "process_s3_file", "s3_key": key, "user_id": "u1"}
    for given_ in ({}, {"parameters": {}}, {"parameters": None}):
        assert parse(post({**upload, **given_})) == AnalyzeFile(None, key, "u1", None)
    with_report = AnalyzeFile(None, key, "u1", ASSUMED, "en")
    assert parse(post({**upload, "report": True})) == with_report
    image = parse(post({"action": "analyze_image", "file_data": DATA}))
    assert image == AnalyzeData("image", b"some bytes", None, Parameters())


# What is refused


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "bad_json"),
        ("{", "bad_json"),
        ("[]", "bad_json"),
        ("null", "bad_json"),
        ('"text"', "bad_json"),
        ("[" * 100_000, "bad_json"),
        ('{"action": "analyze_video", "parameters": {"vpp_thresh": NaN}}', "bad_json"),
        ('{"a": ' + "1" * 5000 + "}", "bad_json"),
        ({}, "unknown_action"),
        ({"action": "delete_everything"}, "unknown_action"),
        ({"action": ["analyze_video"]}, "unknown_action"),
        ({"action": "analyze_\ud800"}, "unknown_action"),
        ({"action": "analyze_video"}, "missing_field"),
        ({"action": "process_s3_file", "file_data": DATA}, "missing_field"),
        ({"action": "analyze_video", "file_data": ""}, "bad_base64"),
        ({"action": "analyze_video", "file_data": DATA[:-3]}, "bad_base64"),
        ({"action": "analyze_video", "file_data": "not base64!"}, "bad_base64"),
        ({"action": "analyze_video", "file_data": "ÄÖÜ="}, "bad_base64"),
        ({"action": "analyze_video", "file_data": 17}, "bad_base64"),
        ({"action": "analyze_video", "file_data": [DATA]}, "bad_base64"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_bodies(body: Any, code: str) -> None:
    assert refused(post(body))[:2] == (400, code)


def test_a_body_that_is_missing_or_no_text() -> None:
    for body in (None, 5, {"action": "analyze_video"}):
        assert refused({"httpMethod": "POST", "path": "/", "body": body})[:2] == (400, "bad_json")
    assert refused(post("***", isBase64Encoded=True))[:2] == (400, "bad_base64")
    assert refused(post(base64.b64encode(b"\xff\xfe{").decode(), isBase64Encoded=True))[0] == 400


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"step": 0}, ("step", "1 to 30")),
        ({"step": 1.5}, ("step", "whole number")),
        ({"step": True}, ("step", "whole number")),
        ({"step": None}, ("step", "whole number")),
        ({"vpp_thresh": "0.06"}, ("vpp_thresh", "number")),
        ({"vpp_thresh": 2}, ("vpp_thresh", "0.001 to 1")),
        ({"blink_thresh": 0.5}, ("blink_thresh", "0.05 to 0.23")),
        ({"max_frames": 10**9}, ("max_frames", "1 to 216000")),
        ({"blink_min_frames": 99}, ("blink_min_frames", "1 to 15")),
        ({"blink_baseline": "x"}, ("blink_baseline", "adaptive or fixed")),
        ({"protocol": [{"phase": "x", "start_s": 0, "end_s": 1}]}, ("protocol[0]", "up, down")),
        ({"protocol": [{}] * 101}, ("protocol", "at most 100")),
        ({"protocol": "up"}, ("protocol", "a list")),
        ({"stepp": 1}, ("stepp", "step, vpp_thresh")),
        ([], ("parameters", "object")),
        ("step", ("parameters", "object")),
    ],
    ids=str,
)
def test_parameters_out_of_range_are_named_with_the_range(
    parameters: Any, words: tuple[str, str]
) -> None:
    body = {"action": "analyze_video", "file_data": DATA, "parameters": parameters}
    status, code, message = refused(post(body))
    assert (status, code) == (400, "bad_parameter")
    assert all(word in message for word in words)


def test_numbers_that_are_none_come_only_by_direct_invocation() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(HandlerError, match="vpp_thresh") as caught:
            parse_action(
                {"action": "analyze_video", "file_data": DATA, "parameters": {"vpp_thresh": value}},
                OPERATOR,
            )
        assert caught.value.status_code == 400


@pytest.mark.parametrize(
    "user_id",
    ["a" * 129, "a\n", "a\x00", "a\ud800", 5, ["u"], {"u": 1}, True],
    ids=repr,
)
def test_bad_user_ids(user_id: Any) -> None:
    body = {"action": "analyze_video", "file_data": DATA, "user_id": user_id}
    status, code, message = refused(post(body))
    assert (status, code) == (400, "bad_user_id")
    assert str(user_id) not in message or len(str(user_id)) < 3


@pytest.mark.parametrize(
    "user_id",
    ["..", "../u", "a/b", ".hidden", "a b", "ü", "-x", "a\\b", "+82 10-1234", "홍길동" * 42, "~a"],
    ids=repr,
)
def test_any_other_text_is_a_user_id_and_its_key_is_safe(user_id: str) -> None:
    body = {"action": "create_upload", "user_id": user_id}
    assert parse(post(body)) == CreateUpload(user_id, "video/mp4", ASSUMED)
    key = make_key(user_id, ID, "original")
    assert re.fullmatch(f"users/~[0-9a-f]{{64}}/eye/{ID}/original", key)
    assert parse_original_key(key) is not None
    assert check_key(key) == key


def test_plain_user_ids_are_their_own_names() -> None:
    """So that what apps store themselves, and what earlier programs stored, is found."""
    for user_id in ("u1", "a@b.org", "0c1e7c1a-1b7b-4d3e-9d53-0a6b6a3ff5b1", "x" * 128):
        assert make_key(user_id, ID, "original") == f"users/{user_id}/eye/{ID}/original"
    names = {name_user(one) for one in ("a/b", "a b", "a:b", "A:B", "~a:b")}
    assert len(names) == 5


@pytest.mark.parametrize(
    ("key", "user_id", "status"),
    [
        ("users/u1/../u2/x", "u1", 400),
        ("../x", None, 400),
        ("/etc/passwd", None, 400),
        ("a//b", None, 400),
        ("a/./b", None, 400),
        ("a/", None, 400),
        ("a\\..\\b", None, 400),
        ("a\x00b", None, 400),
        ("a\ud800b", None, 400),
        ("x" * 1025, None, 400),
        ("", None, 400),
        (5, None, 400),
        (["a"], None, 400),
        ("users/u2/x", "u1", 403),
        ("users/u1", "u1", 403),
        ("users/u11/x", "u1", 403),
        ("cohort/x", "u1", 403),
        ("users/u1/x", None, 403),
        # Over HTTP, nothing outside of a user's own files, on this machine neither.
        ("cohort/x", None, 403),
    ],
)
def test_keys_outside_of_the_users_own_files(key: Any, user_id: str | None, status: int) -> None:
    body = {"action": "process_s3_file", "s3_key": key, "user_id": user_id}
    assert refused(post(body))[0] == status


def test_paths_methods_and_media_types() -> None:
    assert refused({"httpMethod": "GET", "path": "/nowhere"})[0] == 404
    assert refused({"httpMethod": "DELETE", "path": f"/status/{ID}"})[0] == 405
    assert refused({"httpMethod": "GET", "path": "/analyze"})[0] == 405
    for bad_id in ("x", "../../etc", ID.upper(), ID + "0", "é"):
        assert refused({"httpMethod": "GET", "path": f"/status/{bad_id}"})[0] == 404
    for kind in (
        "multipart/form-data; boundary=x",
        "video/mp4",
        "Application/Octet-Stream",
        "video/\ud800",
    ):
        assert refused(post("x", headers={"content-TYPE": kind}))[0] == 415
    body = {"action": "create_upload", "content_type": "text/html"}
    assert refused(post(body))[:2] == (415, "unsupported_media_type")
    listing = {"httpMethod": "GET", "path": "/analyses"}
    assert refused(listing)[1] == "bad_user_id"
    for limit in ("0", "101", "-1", "x", "9" * 50, "²"):
        query = {"user_id": "u", "limit": limit}
        assert refused({**listing, "queryStringParameters": query})[1] == "bad_parameter"


def test_a_body_over_the_limit() -> None:
    assert refused(post(" " * (MAX_BODY_BYTES + 1)))[:2] == (413, "body_too_large")


def test_messages_quote_only_so_much() -> None:
    assert len(refused(post({"action": "x" * 10**6}))[2]) <= 400


# The queue


def notification(key: str, bucket: str = "b", name: str = "ObjectCreated:Post") -> dict[str, Any]:
    return {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}


def test_notifications_keys_are_decoded() -> None:
    record = notification(f"users/a%40b.org/eye/{ID}/original")
    request = AnalyzeFile(None, f"users/a@b.org/eye/{ID}/original", "a@b.org", None)
    assert parse_notification(record, "b") == request
    spaced = notification("users/a+b/eye/" + ID + "/original")
    assert parse_notification(spaced, "b") is None  # a space, which no user id has


@pytest.mark.parametrize(
    "record",
    [
        notification(f"users/u/eye/{ID}/summary.json"),
        notification(f"users/u/eye/{ID}/original/x"),
        notification(f"users/../eye/{ID}/original"),
        notification("users/u/eye/short/original"),
        notification(f"users/u/eye/{ID}/original", bucket="other"),
        notification(f"users/u/eye/{ID}/original", name="ObjectRemoved:Delete"),
    ],
)
def test_notifications_that_start_nothing(record: dict[str, Any]) -> None:
    assert parse_notification(record, "b") is None


def test_queue_messages() -> None:
    record = notification(f"users/u/eye/{ID}/original")
    request = AnalyzeFile(None, f"users/u/eye/{ID}/original", "u", None)
    assert (
        parse_queue_message(json.dumps({"Records": [record, record]}), "b", OPERATOR)
        == [request] * 2
    )
    assert (
        parse_queue_message('{"Service": "Amazon S3", "Event": "s3:TestEvent"}', "b", OPERATOR)
        == []
    )
    for asked in (
        request,
        AnalyzeFile("video", "cohort/a.mp4", None, Parameters(step=3)),
        AnalyzeFile(None, "cohort/a.mp4", None, Parameters(), "ko"),
    ):
        assert parse_queue_message(json.dumps(document_file_request(asked)), "b", OPERATOR) == [
            asked
        ]
    upload = json.dumps({"action": "create_upload"})
    for body in ("", "x", "[]", "{}", upload):
        with pytest.raises(HandlerError):
            parse_queue_message(body, "b", OPERATOR)


def test_a_bad_record_of_a_notification_takes_no_other_with_it() -> None:
    records = [
        5,
        notification(f"users/u/eye/{ID}/original"),
        {},
        notification(f"users/%ff/eye/{ID}/original"),
        notification(f"users/v/eye/{ID}/original"),
    ]
    found = parse_queue_message(json.dumps({"Records": records}), "b", OPERATOR)
    assert [getattr(one, "code", one) for one in found] == [
        "bad_event",
        AnalyzeFile(None, f"users/u/eye/{ID}/original", "u", None),
        "bad_event",
        "bad_event",
        AnalyzeFile(None, f"users/v/eye/{ID}/original", "v", None),
    ]


# Anything at all


def assert_understood_or_refused(parse: Callable[[], object]) -> None:
    refusal: HandlerError | None = None
    try:
        parse()
    except HandlerError as error:
        refusal = error
    assert refusal is None or 400 <= refusal.status_code < 500


@given(JSON)
def test_any_object_is_a_request_or_a_named_error(document: Any) -> None:
    assert_understood_or_refused(lambda: parse_action(document, OPERATOR))


@given(
    st.dictionaries(
        st.sampled_from(
            ["action", "file_data", "s3_key", "user_id", "parameters", "report", "lang"]
        ),
        JSON | st.sampled_from(["analyze_video", "process_s3_file", "create_upload", DATA]),
    )
)
def test_any_values_of_the_fields_are_a_request_or_a_named_error(document: dict[str, Any]) -> None:
    assert_understood_or_refused(lambda: parse_action(document, OPERATOR))


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "version",
                "httpMethod",
                "path",
                "rawPath",
                "body",
                "headers",
                "queryStringParameters",
                "requestContext",
                "isBase64Encoded",
            ]
        ),
        JSON
        | st.just({"http": {"method": "POST"}, "timeEpoch": "x", "stage": None})
        | st.sampled_from(["2.0", "GET", "POST", "/analyze", "/analyses", f"/status/{ID}"]),
    )
)
def test_any_event_is_a_request_or_a_named_error(event: dict[str, Any]) -> None:
    call = read_http_event(event)
    if call is not None:
        assert_understood_or_refused(lambda: parse_http_call(call, LOCAL))


EVENT_KEYS = [
    "Records",
    "action",
    "body",
    "eventName",
    "eventSource",
    "file_data",
    "httpMethod",
    "path",
    "requestContext",
    "s3",
    "user_id",
    "version",
]
EVENT_VALUES = [
    "2.0",
    "GET",
    "POST",
    "/analyses",
    "/uploads",
    "analyze_image",
    "aws:s3",
    DATA,
    '{"user_id": "\ud800"}',
    float("nan"),
    None,
    {},
    [],
]
EVENT = st.recursive(
    st.sampled_from(EVENT_VALUES),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(EVENT_KEYS), inner, max_size=5)
    ),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def light_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    storage = LocalStorage(tmp_path_factory.mktemp("light"))
    yield Api(Service(storage, None), "b", LOCAL, Logger(service="test", stream=io.StringIO()))
    storage.close()


@given(EVENT | st.dictionaries(st.sampled_from(EVENT_KEYS), EVENT))
@example([])
@example({"Records": [{"eventSource": []}]})
@example({"Records": []})
@example({"version": "2.0", "requestContext": {"http": {}}})
def test_any_event_has_an_answer_in_strict_json(light_api: Api, event: Any) -> None:
    answer = light_api.handle(event, LocalContext(30))
    json.dumps(answer, allow_nan=False).encode("utf-8")
    status = answer.get("statusCode", answer.get("status_code", 200))
    assert 200 <= status < 500


def test_unknown_errors_tell_a_client_the_id_only_and_the_log_no_text() -> None:
    try:
        try:
            raise KeyError("users/somebody/secret")
        except KeyError as cause:
            raise RuntimeError("somebody") from cause
    except RuntimeError as error:
        known = to_handler_error(error, "id-1")
        assert known.status_code == 500
        assert "id-1" in known.message
        lines = describe_for_log(error)
    assert "somebody" not in known.message + str(lines)
    assert "RuntimeError" in lines
    assert "KeyError" in lines
    assert any("test_requests.py" in line for line in lines)
