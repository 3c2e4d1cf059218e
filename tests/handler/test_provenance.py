"""The record says which bytes were analysed, when, and by what."""

import base64
import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from handler.api import Api
from handler.aws import AwsStorage
from handler.engine import Engine
from handler.environment import read_environment
from handler.identity import Access
from handler.local.app import LocalContext
from handler.requests import clean_file_name
from handler.service import Service
from tests.aws_server import BUCKET, Aws
from tracker.version import __version__


@pytest.fixture
def api(aws: Aws, engine: Engine) -> Api:
    service = Service(AwsStorage(read_environment()), engine)
    return Api(service, None, Access("local"), Logger(service=uuid.uuid4().hex))


def ask(api: Api, method: str, path: str, body: Any = None) -> dict[str, Any]:
    event = {"httpMethod": method, "path": path, "body": json.dumps(body)}
    answer = api.handle(event, LocalContext(60))
    assert answer["statusCode"] == 200, answer["body"]
    document: dict[str, Any] = json.loads(answer["body"])
    return document


@pytest.mark.parametrize(("name", "action"), [("tiny.mp4", "video"), ("still.png", "image")])
def test_what_came_with_the_request(
    aws: Aws, api: Api, clips: Path, name: str, action: str
) -> None:
    data = (clips / name).read_bytes()
    with aws.versioning():
        body = {
            "action": f"analyze_{action}",
            "file_data": base64.b64encode(data).decode(),
            "user_id": "u1",
            "file_name": "C:\\clips\\one.mp4",
            "captured_at": "2026-01-02T03:04:05+09:00",
            "parameters": {"blink_thresh": 0.2},
        }
        answer = ask(api, "POST", "/analyze", body)
        reported = ask(api, "GET", f"/status/{answer['analysis_id']}")
        key = f"users/u1/eye/{answer['analysis_id']}/original"
        stored = aws.s3.get_object(
            Bucket=BUCKET, Key=key, VersionId=answer["provenance"]["version_id"]
        )
        assert stored["Body"].read() == data
    found = reported["provenance"]
    assert found == answer["provenance"]
    assert found["sha256"] == hashlib.sha256(data).hexdigest()
    assert found["size_bytes"] == len(data)
    # Of an object that was put in one request without a key of KMS, it is the MD5.
    assert found["etag"] == hashlib.md5(data).hexdigest()
    assert found["program_version"] == __version__
    assert len(found["program_sha256"]) == len(found["models_sha256"]) == 64
    assert found["analysed_at"] >= found["stored_at"]
    assert reported["file_name"] == "one.mp4"
    assert reported["captured_at"] == "2026-01-02T03:04:05+09:00"
    assert reported["parameters"]["blink_thresh"] == 0.2


def test_a_record_of_a_failed_analysis_says_which_bytes_it_was(
    aws: Aws, api: Api, clips: Path
) -> None:
    data = (clips / "tiny.mp4").read_bytes()[:200]
    offer = ask(api, "POST", "/uploads", {"user_id": "u1"})
    key = offer["upload"]["fields"]["key"]
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    event = {
        "httpMethod": "POST",
        "path": "/",
        "body": json.dumps({"action": "process_s3_file", "s3_key": key, "user_id": "u1"}),
    }
    answer = api.handle(event, LocalContext(60))
    assert answer["statusCode"] == 422, answer["body"]
    found = AwsStorage(read_environment()).read(offer["analysis_id"]).provenance
    assert found is not None
    assert (found["sha256"], found["size_bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
    assert found["etag"] == hashlib.md5(data).hexdigest()
    assert found["program_version"] == __version__


def test_where_one_version_is_kept_a_failed_upload_takes_the_file_that_is_stored_then(
    aws: Aws, api: Api, clips: Path
) -> None:
    """As the docs say: the same analysis, and the record says which file it was of."""
    data = (clips / "tiny.mp4").read_bytes()
    offer = ask(api, "POST", "/uploads", {"user_id": "u1"})
    key = offer["upload"]["fields"]["key"]
    body = {"action": "process_s3_file", "s3_key": key, "user_id": "u1"}
    event = {"httpMethod": "POST", "path": "/", "body": json.dumps(body)}
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=data[:200])
    assert api.handle(event, LocalContext(60))["statusCode"] == 422
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    again = ask(api, "POST", "/", body)
    assert again["analysis_id"] == offer["analysis_id"]
    found = ask(api, "GET", offer["status_url"])["provenance"]
    assert (found["sha256"], found["size_bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))


def test_an_upload_that_is_read_in_place(
    aws: Aws, api: Api, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handler.analyze.MAX_DOWNLOAD_BYTES", 0)
    data = (clips / "tiny.mp4").read_bytes()
    offer = ask(api, "POST", "/uploads", {"user_id": "u1", "file_name": "one.mp4"})
    key = offer["upload"]["fields"]["key"]
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    body = {"action": "process_s3_file", "s3_key": key, "user_id": "u1"}
    found = ask(api, "POST", "/", body)["provenance"]
    assert (found["sha256"], found["size_bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
    assert found["etag"] == hashlib.md5(data).hexdigest()
    assert found["version_id"] is None
    assert ask(api, "GET", offer["status_url"])["file_name"] == "one.mp4"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\\b\\c.mp4", "c.mp4"),
        ("눈 검사.mov", "눈 검사.mov"),
        ("a\x00b\n\u202e.mp4", "ab.mp4"),
        ("\ud800x", "x"),
        ("x" * 300, "x" * 255),
        (5, ""),
        (None, ""),
    ],
)
def test_a_files_name_is_kept_without_what_could_mislead(given: Any, kept: str) -> None:
    assert clean_file_name(given) == kept
