"""The deployed function in Lambda's own runtime client, against S3, DynamoDB and SQS servers."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from benchmarks.runtime_api import RuntimeApi
from handler.temporary import TEMPORARY_PREFIX, remove_leftovers
from tests.aws_server import BUCKET, CREDENTIALS, Aws, Fault
from tests.handler.test_app import AppError, make_event, make_request, read_as_the_app
from tests.lengths import LONG, start_fast
from tracker.lab.clip_spec import make_spec
from tracker.lab.synthetic import write_clip

ROOT = Path(__file__).parents[2]
INVOCATIONS = 200 if LONG else 60
PATIENTS = ("patient-a", "patient-b", "app-user", "secret-user")


@dataclass
class Function:
    """A function that is initialised."""

    api: RuntimeApi
    aws: Aws
    pid: int
    log: Path
    temporary: Path
    init_s: float

    def invoke(self, event: Any, timeout_s: float = 60.0) -> Any:
        answer = self.api.invoke(event, timeout_s)
        assert not answer.error, answer.document
        json.dumps(answer.document, allow_nan=False)
        assert list(self.temporary.iterdir()) == []
        return answer.document

    def post(self, body: Any, timeout_s: float = 60.0) -> tuple[int, Any]:
        return self.http("POST", "/analyze", json.dumps(body), timeout_s)

    def http(
        self,
        method: str,
        path: str,
        body: str | None = None,
        timeout_s: float = 60.0,
        *,
        claims: dict[str, Any] | None = None,
    ) -> tuple[int, Any]:
        """Send a request as API Gateway does, with what its authorizer says of the caller.

        Without `claims`, the caller is the user whom the request names, or else a clinician.
        """
        path, _, query = path.partition("?")
        if claims is None:
            named = re.search(r'"user_id": "([^"]+)"', body or "") or re.search(
                "user_id=([^&]+)", query
            )
            claims = {"sub": named[1]} if named else {"sub": "dr-1", "cognito:groups": "clinician"}
        event = {
            "httpMethod": method,
            "path": path,
            "queryStringParameters": dict(pair.split("=", 1) for pair in query.split("&") if pair),
            "headers": {"Content-Type": "application/json"},
            "body": body,
            "isBase64Encoded": False,
            "requestContext": {
                "requestTimeEpoch": round(time.time() * 1000),
                "stage": "dev",
                "authorizer": {"claims": claims},
            },
        }
        answer = self.invoke(event, timeout_s)
        assert answer["headers"]["Access-Control-Allow-Origin"] == "*"
        document = json.loads(answer["body"]) if answer["body"] else None
        return answer["statusCode"], document

    def memory_mb(self, name: str = "VmRSS") -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise AssertionError(name)


@pytest.fixture(scope="module")
def server(aws_server: Aws) -> Aws:
    aws_server.clear()
    return aws_server


@pytest.fixture(scope="module")
def function(server: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    folder = tmp_path_factory.mktemp("lambda")
    temporary = folder / "tmp"
    temporary.mkdir()
    # What a process that was killed left behind.
    left = temporary / f"{TEMPORARY_PREFIX}left"
    left.mkdir()
    (left / "original").write_bytes(b"x")
    # As it is deployed: its kernels are compiled ahead of time.
    kept = {k: v for k, v in start_fast().items() if not k.startswith("AWS_")}
    with RuntimeApi() as api, (folder / "log").open("wb") as log:
        environment = {
            **kept,
            **server.environment,
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "parkinson-eye-tracking",
            "TMPDIR": str(temporary),
        }
        begun_s = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", "lambda_function.lambda_handler"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            api.wait_until_ready(60)
            init_s = time.monotonic() - begun_s
            yield Function(api, server, process.pid, folder / "log", temporary, init_s)
        finally:
            process.kill()
            process.wait()


@pytest.fixture(autouse=True)
def clean(server: Aws) -> None:
    server.clear()


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def queue_event(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"m{index}", "eventSource": "aws:sqs", "body": body}
            for index, body in enumerate(bodies)
        ]
    }


def notified(key: str, bucket: str = BUCKET) -> dict[str, Any]:
    return {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Post",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key.replace("@", "%40")}},
    }


VIDEO_SUMMARY = {
    "frames_processed",
    "fps",
    "duration_sec_est",
    "vertical_offset_std",
    "vertical_peak_to_peak",
    "blink_count",
    "blink_rate_per_min",
    "psp_suspected",
    "psp_rule_reason",
    "video_meta",
}
CSV_HEADER = (
    "frame_idx,time_sec,L_iris_cx,L_iris_cy,L_eye_open,L_v_offset,R_iris_cx,R_iris_cy,"
    "R_eye_open,R_v_offset,eye_open,v_offset"
)


def test_the_apps_requests(function: Function, clips: Path) -> None:
    aws = function.aws
    status, answer = function.http("GET", "/")
    assert status == 200
    assert answer["model_ready"] is True
    assert answer["uptime_s"] > 0
    assert function.http("OPTIONS", "/analyze") == (204, None)

    body = {
        "action": "analyze_video",
        "file_data": encoded(clips / "short.mp4"),
        "file_name": "../../etc/passwd.mp4",
        "user_id": "app-user",
        "parameters": {
            "step": 1,
            "vpp_thresh": 0.06,
            "blink_thresh": 0.18,
            "max_frames": 12000,
            "blink_min_frames": 2,
            "protocol": [{"phase": "up", "start_s": 0, "end_s": 6}],
        },
    }
    status, answer = function.post(body)
    assert status == 200
    assert answer["status"] == "success"
    summary = answer["summary"]
    assert summary.keys() >= VIDEO_SUMMARY
    assert summary["frames_processed"] == 180
    assert summary["video_meta"].items() >= {"width": 320, "height": 240, "fps": 15.0}.items()
    assert summary["task"] == "protocol"
    folder = f"users/app-user/eye/{answer['analysis_id']}/"
    assert answer["video_path"] == f"s3://{BUCKET}/{folder}original"
    assert answer["csv_path"] == f"s3://{BUCKET}/{folder}frames.csv"
    table = aws.s3.get_object(Bucket=BUCKET, Key=folder + "frames.csv")["Body"].read().decode()
    assert table.startswith(CSV_HEADER)
    assert table.count("\n") == 181
    original = aws.s3.get_object(Bucket=BUCKET, Key=folder + "original")["Body"].read()
    assert original == (clips / "short.mp4").read_bytes()
    status, reported = function.http("GET", f"/status/{answer['analysis_id']}")
    assert (status, reported["status"], reported["progress_percent"]) == (200, "completed", 100)
    assert reported["summary"] == summary
    assert "user_id" not in reported

    # The same once more is the same analysis.
    before = aws.proxy.operations.count("PUT summary.json")
    assert function.post(body) == (200, answer)
    assert aws.proxy.operations.count("PUT summary.json") == before

    body = {"action": "analyze_image", "file_data": encoded(clips / "still.png")}
    answer = function.invoke(body)
    assert answer["result"].keys() >= {
        "detected",
        "left",
        "right",
        "eye_open",
        "v_offset",
        "blink_prob",
        "landmarks",
    }
    assert answer["result"]["detected"] is True
    assert answer["image_path"].startswith(f"s3://{BUCKET}/users/anonymous/eye/")

    # A direct invocation takes the same object and returns the document itself.
    assert (
        function.invoke({**body, "user_id": "app-user"})
        == function.post({**body, "user_id": "app-user"})[1]
    )
    refused = function.invoke({"action": "analyze_image", "file_data": "%"})
    assert (refused["code"], refused["status_code"]) == ("bad_base64", 400)

    status, listed = function.http("GET", "/analyses?user_id=app-user")
    assert [one["status"] for one in listed["analyses"]] == ["completed", "completed"]
    assert listed["next"] is None


def test_lists_are_paged_and_a_token_leads_to_no_one_else(function: Function, clips: Path) -> None:
    ids = []
    for step in range(1, 6):
        status, answer = function.post(
            {"action": "create_upload", "user_id": "app-user", "parameters": {"step": step}}
        )
        assert status == 200
        ids.append(answer["analysis_id"])
    other = function.post({"action": "create_upload", "user_id": "secret-user"})[1]["analysis_id"]
    found, path = [], "/analyses?user_id=app-user&limit=2"
    while True:
        status, page = function.http("GET", path)
        assert status == 200
        found += [one["analysis_id"] for one in page["analyses"]]
        if page["next"] is None:
            break
        token = page["next"]
        path = f"/analyses?user_id=app-user&limit=2&next={token}"
    assert found == ids[::-1]
    _, stolen = function.http("GET", f"/analyses?user_id=secret-user&next={token}")
    assert [one["analysis_id"] for one in stolen["analyses"]] in ([], [other])
    assert function.http("GET", "/analyses?user_id=app-user&next=garbage")[0] == 400


def test_an_upload_from_the_app_to_its_result(function: Function, clips: Path) -> None:
    aws = function.aws
    body = {"action": "create_upload", "user_id": "a@b.org", "parameters": {"step": 3}}
    status, answer = function.post(body)
    assert status == 200
    policy = json.loads(base64.b64decode(answer["upload"]["fields"]["policy"]))
    key = f"users/a@b.org/eye/{answer['analysis_id']}/original"
    conditions = policy["conditions"]
    assert {"key": key} in conditions
    assert {"bucket": BUCKET} in conditions
    assert {"Content-Type": "video/mp4"} in conditions
    assert ["content-length-range", 1, answer["max_bytes"]] in conditions
    ends = time.mktime(time.strptime(policy["expiration"], "%Y-%m-%dT%H:%M:%SZ"))
    lasts_s = ends - time.mktime(time.gmtime())
    assert 3500 < lasts_s <= 3600
    assert function.http("GET", answer["status_url"])[1]["status"] == "queued"

    files = {name: (None, value) for name, value in answer["upload"]["fields"].items()}
    posted = requests.post(
        answer["upload"]["url"],
        files={**files, "file": ("a.mp4", (clips / "short.mp4").read_bytes(), "video/mp4")},
        timeout=60,
    )
    assert posted.status_code in (200, 204), posted.text
    message = json.dumps({"Records": [notified(key)]})
    assert function.invoke(queue_event(message)) == {"batchItemFailures": []}
    status, reported = function.http("GET", answer["status_url"])
    assert reported["status"] == "completed"
    assert reported["summary"]["frames_processed"] == 60
    # What the analysis wrote itself starts nothing, nor does a second delivery.
    before = aws.proxy.operations.count("PUT summary.json")
    results = json.dumps({"Records": [notified(one) for one in aws.list_keys()]})
    assert function.invoke(queue_event(message, results)) == {"batchItemFailures": []}
    assert aws.proxy.operations.count("PUT summary.json") == before

    # S3's own notification, without the queue, of an image that no record knows of.
    lost = f"users/a@b.org/eye/{'f' * 32}/original"
    aws.s3.put_object(Bucket=BUCKET, Key=lost, Body=(clips / "still.png").read_bytes())
    assert function.invoke({"Records": [notified(lost)]}) == {"status": "success"}
    reported = function.http("GET", f"/status/{'f' * 32}")[1]
    assert (reported["status"], reported["result"]["detected"]) == ("completed", True)


def test_a_report_is_stored_where_it_is_asked_for(function: Function, clips: Path) -> None:
    aws = function.aws
    body = {
        "action": "analyze_video",
        "file_data": encoded(clips / "short.mp4"),
        "user_id": "app-user",
    }
    _, plain = function.post(body)
    assert "report_path" not in plain
    _, english = function.post({**body, "report": True})
    _, korean = function.post({**body, "report": True, "lang": "ko"})
    # Of the same video: what was analysed without a report does not answer for one with it.
    assert len({one["analysis_id"] for one in (plain, english, korean)}) == 3
    # The same analysis, with an address of its report that is valid from now on.
    again = function.post({**body, "report": True})[1]
    assert again.pop("report_url").split("?")[0] == english.pop("report_url").split("?")[0]
    assert again == english
    assert english["summary"] == plain["summary"]
    folder = f"users/app-user/eye/{korean['analysis_id']}/"
    assert korean["report_path"] == f"s3://{BUCKET}/{folder}report.html"
    stored = aws.s3.get_object(Bucket=BUCKET, Key=folder + "report.html")
    assert stored["ContentType"] == "text/html; charset=utf-8"

    reported = [
        function.http("GET", f"/status/{one['analysis_id']}")[1] for one in (plain, english, korean)
    ]
    assert "report_url" not in reported[0]
    assert "patient_message" not in reported[0]
    assert reported[1]["patient_message"] == plain["summary"]["assessment"]["patient_message"]
    assert not reported[2]["patient_message"].isascii()
    page = requests.get(reported[2]["report_url"], timeout=60)
    assert page.content == stored["Body"].read()
    assert '<html lang="ko">' in page.text
    digest = hashlib.sha256((clips / "short.mp4").read_bytes()).hexdigest()
    assert plain["summary"]["video_sha256"] == digest
    assert digest in page.text
    # By this name it is found again; "original" they all are.
    assert f"{korean['analysis_id']}</span></h1>" in page.text
    listed = function.http("GET", "/analyses?user_id=app-user")[1]["analyses"]
    assert not any("report_url" in one for one in listed)


def test_an_uploads_report_is_asked_for_before_it(function: Function, clips: Path) -> None:
    aws = function.aws
    body = {"action": "create_upload", "user_id": "app-user", "report": True, "lang": "ko"}
    offer = function.post(body)[1]
    key = f"users/app-user/eye/{offer['analysis_id']}/original"
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=(clips / "tiny.mp4").read_bytes())
    message = json.dumps({"Records": [notified(key)]})
    assert function.invoke(queue_event(message)) == {"batchItemFailures": []}
    reported = function.http("GET", offer["status_url"])[1]
    assert '<html lang="ko">' in requests.get(reported["report_url"], timeout=60).text
    # An image has no report, whatever was asked for.
    offer = function.post(body)[1]
    key = f"users/app-user/eye/{offer['analysis_id']}/original"
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=(clips / "still.png").read_bytes())
    function.invoke(queue_event(json.dumps({"Records": [notified(key)]})))
    reported = function.http("GET", offer["status_url"])[1]
    assert reported["status"] == "completed"
    assert "report_url" not in reported


def test_a_file_of_the_bucket(function: Function, clips: Path) -> None:
    aws = function.aws
    video, image = (clips / name for name in ("tiny.mp4", "still.png"))
    # Names that lie: content decides.
    aws.s3.put_object(Bucket=BUCKET, Key="cohort/a.jpg", Body=video.read_bytes())
    aws.s3.put_object(Bucket=BUCKET, Key="users/app-user/b.mp4", Body=image.read_bytes())
    body: dict[str, Any] = {"action": "process_s3_file", "s3_key": "cohort/a.jpg"}
    # Nobody's file: by direct invocation only.
    assert function.post({**body, "user_id": "app-user"})[1]["code"] == "foreign_key"
    assert function.post(body)[1]["code"] == "foreign_key"
    assert function.invoke(body)["summary"]["frames_processed"] == 5
    body = {"action": "process_s3_file", "s3_key": "users/app-user/b.mp4", "user_id": "app-user"}
    _, answer = function.post(body)
    assert answer["result"]["detected"] is True
    assert f"/users/app-user/eye/{answer['analysis_id']}/result.json" in answer["result_path"]
    assert function.post({**body, "action": "analyze_video"})[0] == 415
    assert function.post({**body, "user_id": "patient-a"})[:2][0] == 403
    assert function.post({**body, "s3_key": "users/app-user/none"})[0] == 404
    # A queued message of the object itself.
    message = json.dumps({**body, "parameters": {"blink_thresh": 0.2}})
    assert function.invoke(queue_event(message)) == {"batchItemFailures": []}
    statuses = function.http("GET", "/analyses?user_id=app-user")[1]["analyses"]
    assert [one["status"] for one in statuses].count("completed") == 2


def test_an_attacker_with_the_url_and_one_with_anothers_token_get_nothing(
    function: Function, clips: Path
) -> None:
    aws = function.aws
    body = {"action": "analyze_image", "file_data": encoded(clips / "still.png")}
    owner, other = {"sub": "app-user"}, {"sub": "mallory"}
    text = json.dumps(body)
    status, answer = function.http("POST", "/analyze", text, claims=owner)
    assert status == 200
    before = (aws.items(), aws.list_versions())
    there, nowhere = f"/status/{answer['analysis_id']}", f"/status/{'0' * 32}"
    key = f"users/app-user/eye/{answer['analysis_id']}/original"
    by_key = json.dumps({"action": "process_s3_file", "s3_key": key})
    named = json.dumps({"action": "create_upload", "user_id": "app-user"})
    for claims, statuses in (
        # API Gateway lets neither through; the handler would not answer them either.
        ({}, (401,)),
        ({"sub": ""}, (401,)),
        ({"sub": "app-user", "exp": "1"}, (401,)),
        (other, (204, 403, 404)),
    ):
        for method, path, sent in (
            ("GET", there, None),
            ("DELETE", f"/analyses/{answer['analysis_id']}", None),
            ("GET", "/analyses?user_id=app-user", None),
            ("POST", "/analyze", by_key),
            ("POST", "/uploads", named),
        ):
            answered, document = function.http(method, path, sent, claims=claims)
            assert answered in statuses
            assert answer["analysis_id"] not in json.dumps(document)
    refused = function.http("GET", there, claims=other)
    assert refused == function.http("GET", nowhere, claims=other)
    assert (aws.items(), aws.list_versions()) == before
    assert function.http("DELETE", f"/analyses/{answer['analysis_id']}", claims=owner)[0] == 204
    assert aws.list_versions() == []
    (left,) = aws.items()
    assert "app-user" not in str(left)


def test_the_apps_form_through_api_gateway(function: Function, clips: Path) -> None:
    """A video without a face: the app must not read its answer as healthy."""
    request = make_request("https://api.example/dev", (clips / "no_face.mp4").read_bytes())
    answer = function.invoke(make_event(request, {"sub": "app-user"}))
    with pytest.raises(AppError, match="not_assessable"):
        read_as_the_app(answer["statusCode"], answer["body"])
    assert function.invoke({"httpMethod": "GET", "path": "/healthz"})["statusCode"] == 200


def test_what_cannot_be_worked_on(function: Function, clips: Path) -> None:
    whole = (clips / "short.mp4").read_bytes()
    cases = [
        (b"just some text, no video at all", 415, "unsupported_media_type"),
        (b"#EXTM3U\nfile:///etc/passwd", 415, "unsupported_media_type"),
        (whole[:200], 422, "undecodable"),
        (b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 500, 422, "undecodable"),
    ]
    for data, status, code in cases:
        body = {"action": "analyze_video", "file_data": base64.b64encode(data).decode()}
        answered, answer = function.post(body)
        assert (answered, answer["code"]) == (status, code)
        assert answer.keys() == {"error", "code"}
    image = {"action": "analyze_image", "file_data": encoded(clips / "short.mp4")}
    assert function.post(image)[0] == 415
    records = {item["state"]["S"] for item in function.aws.items()}
    assert records == {"failed"}
    # Larger than API Gateway lets through, were it to come.
    assert function.post({"action": "analyze_video", "file_data": "A" * 6_400_000})[0] == 413


def test_a_batch_reports_only_what_may_succeed_later(function: Function, clips: Path) -> None:
    aws = function.aws
    keys = []
    for _ in range(3):
        answer = function.post({"action": "create_upload", "user_id": "app-user"})[1]
        keys.append(answer["upload"]["fields"]["key"])
    aws.s3.put_object(Bucket=BUCKET, Key=keys[0], Body=(clips / "tiny.mp4").read_bytes())
    aws.s3.put_object(Bucket=BUCKET, Key=keys[1], Body=b"no video")
    aws.s3.put_object(Bucket=BUCKET, Key=keys[2], Body=(clips / "tiny.mp4").read_bytes())
    bodies = [json.dumps({"Records": [notified(key)]}) for key in keys]
    aws.proxy.faults = [Fault("PUT summary.json", "denied", 1, 1)]
    answer = function.invoke(queue_event("no json", *bodies))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m3"}]}
    states = {item["source_key"]["S"]: item["state"]["S"] for item in aws.items()}
    assert [states[key] for key in keys] == ["completed", "failed", "failed"]
    assert function.invoke(queue_event(bodies[2])) == {"batchItemFailures": []}


def test_an_owner_that_was_killed_is_followed_and_a_living_one_is_not(
    function: Function, clips: Path
) -> None:
    aws = function.aws
    answer = function.post({"action": "create_upload", "user_id": "app-user"})[1]
    key = answer["upload"]["fields"]["key"]
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=(clips / "tiny.mp4").read_bytes())
    message = queue_event(json.dumps({"Records": [notified(key)]}))

    def owned_until(lease_until_s: float, attempts: int = 1) -> None:
        item = aws.items()[0]
        item |= {
            "attempts": {"N": str(attempts)},
            "killed": {"N": str(attempts - 1)},
            "state": {"S": "processing"},
            "owner": {"S": "another"},
            "lease_until_s": {"N": str(lease_until_s)},
        }
        aws.dynamodb.put_item(TableName="test-analyses", Item=item)

    owned_until(time.time() + 100)
    assert function.invoke(message) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert aws.items()[0]["owner"]["S"] == "another"
    owned_until(time.time() - 1)
    assert function.invoke(message) == {"batchItemFailures": []}
    assert aws.items()[0]["state"]["S"] == "completed"
    # One that nobody survives is not tried for ever.
    owned_until(time.time() - 1, attempts=2)
    assert function.invoke(message) == {"batchItemFailures": []}
    reported = function.http("GET", answer["status_url"])[1]
    assert (reported["status"], reported["code"]) == ("failed", "analysis_killed")


@pytest.mark.long
def test_what_does_not_fit_the_callers_time_is_queued(function: Function, clips: Path) -> None:
    """A video of an hour, by its own account, for whom API Gateway's 29 s are not enough."""
    aws = function.aws
    long_clip = function.temporary.parent / "long.mp4"
    write_clip(long_clip, make_spec(10.0, fps=30.0, width=160, height=120), repeats=60)
    body = {"action": "analyze_video", "file_data": encoded(long_clip), "user_id": "app-user"}
    status, answer = function.post(body)
    assert (status, answer["status"]) == (202, "queued")
    assert function.http("GET", answer["status_url"])[1]["status"] == "queued"
    (message,) = aws.messages()
    key = f"users/app-user/eye/{answer['analysis_id']}/original"
    assert json.loads(message)["s3_key"] == key
    # The queue's worker has 8 s for what takes over a minute: it covers all of it, and says how.
    begun_s = time.monotonic()
    assert function.invoke(queue_event(message), 8.0) == {"batchItemFailures": []}
    assert time.monotonic() - begun_s < 8.0
    reported = function.http("GET", answer["status_url"])[1]
    assert reported["status"] == "completed"
    summary = reported["summary"]
    assert summary["sampling"]["step"] == 1
    if not summary["partial"]:
        assert summary["sampling"]["largest_step"] > 1
        assert summary["duration_sec_est"] > 595
    codes = [one["code"] for one in summary["assessment"]["cautions"]]
    assert "step_raised" in codes or "out_of_time" in codes


def test_without_time_nothing_begins(function: Function, clips: Path) -> None:
    answer = function.post({"action": "create_upload", "user_id": "app-user"})[1]
    key = answer["upload"]["fields"]["key"]
    function.aws.s3.put_object(Bucket=BUCKET, Key=key, Body=(clips / "tiny.mp4").read_bytes())
    message = queue_event(json.dumps({"Records": [notified(key)]}))
    assert function.invoke(message, 3.0) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert function.http("GET", answer["status_url"])[1]["status"] == "queued"


def test_nothing_of_one_patient_reaches_the_next(function: Function, clips: Path) -> None:
    def analyse(name: str, user_id: str) -> Any:
        body = {"action": "analyze_video", "file_data": encoded(clips / name), "user_id": user_id}
        status, answer = function.post(body)
        assert status == 200
        return {k: v for k, v in answer["summary"].items() if k != "source"}

    alone = analyse("short.mp4", "patient-a")
    function.aws.clear()
    assert analyse("tiny.mp4", "patient-b")["quality"]["face_coverage"] == 1
    nobody = analyse("no_face.mp4", "patient-a")
    assert nobody["quality"]["face_coverage"] == 0
    assert nobody["vertical_peak_to_peak"] is None
    assert analyse("short.mp4", "patient-b") == alone


def test_memory_stays_flat_over_many_invocations(function: Function, clips: Path) -> None:
    video, image = encoded(clips / "tiny.mp4"), encoded(clips / "still.png")
    memory_mb = []
    for count in range(INVOCATIONS):
        data, action = (video, "analyze_video") if count % 2 else (image, "analyze_image")
        # Another parameter each time, or it were the same analysis.
        body = {
            "action": action,
            "file_data": data,
            "user_id": f"user-{count}",
            "parameters": {"blink_min_frames": 1 + count % 15},
        }
        assert function.post(body)[0] == 200
        memory_mb.append(function.memory_mb())
    growth_mb = np.median(memory_mb[-20:]) - np.median(memory_mb[20:40])
    print(
        f"resident memory: {memory_mb[0]:.0f} MB, growth from the 30th invocation to the tenth "
        f"from the end of {INVOCATIONS}: {growth_mb:+.1f} MB"
    )
    assert growth_mb < 6


@pytest.mark.long
def test_latency_and_memory_of_each_action(function: Function, clips: Path) -> None:
    """Not a limit but the closing table; `pytest -rP` prints it."""
    rows: list[tuple[str, list[float]]] = []

    def measure(name: str, repeats: int, call: Any) -> None:
        times_s = []
        for count in range(repeats):
            begun_s = time.monotonic()
            call(count)
            times_s.append(time.monotonic() - begun_s)
        rows.append((name, times_s))

    def analyse(action: str, name: str, count: int, report: bool = False) -> None:
        body = {"action": action, "file_data": encoded(clips / name), "user_id": f"m{count}"}
        body |= {"report": True} if report else {}
        assert function.post(body)[0] == 200

    def work(count: int) -> None:
        message = json.dumps({"Records": [notified(keys[count])]})
        assert function.invoke(queue_event(message)) == {"batchItemFailures": []}

    keys = []
    for _ in range(2):
        key = function.post({"action": "create_upload"})[1]["upload"]["fields"]["key"]
        function.aws.s3.put_object(Bucket=BUCKET, Key=key, Body=(clips / "short.mp4").read_bytes())
        keys.append(key)
    analysis_id = keys[0].split("/")[3]
    measure("GET /", 5, lambda _: function.http("GET", "/"))
    measure("create_upload", 5, lambda _: function.post({"action": "create_upload"}))
    measure("analyze_image 320x240", 5, lambda n: analyse("analyze_image", "still.png", n))
    measure("analyze_video 180 frames", 2, lambda n: analyse("analyze_video", "short.mp4", n))
    measure("with a report", 2, lambda n: analyse("analyze_video", "short.mp4", n, report=True))
    measure("upload by the queue, 180 frames", 2, work)
    measure("GET /status", 5, lambda _: function.http("GET", f"/status/{analysis_id}"))
    measure("GET /analyses", 5, lambda _: function.http("GET", "/analyses?user_id=anonymous"))
    print(
        f"init {function.init_s:.2f} s; resident {function.memory_mb():.0f} MB, "
        f"peak {function.memory_mb('VmHWM'):.0f} MB"
    )
    for name, times_s in rows:
        print(
            f"{name:34} median {1000 * np.median(times_s):7.1f} ms, "
            f"most {1000 * max(times_s):7.1f} ms, {len(times_s)} calls"
        )
    assert function.memory_mb("VmHWM") < 450


def test_the_log_names_no_one_and_holds_no_payload(function: Function, clips: Path) -> None:
    """Runs last, over all that the tests above made the function write."""
    function.post({"action": "analyze_image", "file_data": "SECRETPAYLOAD", "user_id": "app-user"})
    log = function.log.read_text(errors="replace")
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert any(line.get("message") == "answered" for line in lines)
    for secret in (*PATIENTS, "a@b.org", "users/", "SECRETPAYLOAD", "frames.csv", "X-Amz"):
        assert secret not in log
    metrics = [line for line in lines if "_aws" in line]
    assert metrics
    names = {one["Name"] for one in metrics[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert "AnalysisSeconds" in names


def test_the_light_function_answers_without_the_models(server: Aws, clips: Path) -> None:
    script = (
        "import sys, json\n"
        "import handler.light_function as f\n"
        "from types import SimpleNamespace as N\n"
        "c = N(aws_request_id='x', get_remaining_time_in_millis=lambda: 29000)\n"
        "get = {'httpMethod': 'GET', 'path': '/'}\n"
        "print(f.lambda_handler(get, c)['body'])\n"
        "known = {'requestContext': {'authorizer': {'claims': {'sub': 'u'}}}}\n"
        "up = {'httpMethod': 'POST', 'path': '/uploads', 'body': '{}', **known}\n"
        "print(f.lambda_handler(up | {'requestContext': {}}, c)['statusCode'])\n"
        "print(f.lambda_handler(up, c)['statusCode'])\n"
        "image = {'httpMethod': 'POST', 'path': '/', 'body': json.dumps("
        "{'action': 'analyze_image', 'file_data': 'AAAA'}), **known}\n"
        "print(f.lambda_handler(image, c)['statusCode'])\n"
        "heavy = {'numpy', 'numba', 'cv2', 'mediapipe', 'kernels'}\n"
        "print('loaded:', *sorted(set(sys.modules) & heavy))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **server.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in done.stdout.splitlines() if '"level"' not in line]
    assert json.loads(lines[0])["model_ready"] is False
    assert lines[1:] == ["401", "200", "404", "loaded:"]


def test_leftovers_are_removed_and_the_local_servers_data_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started in the temporary directory, the local server keeps its data in it."""
    done = subprocess.run(
        [sys.executable, "-m", "handler", "--help"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    match = re.search(r"--data DIR .*\(default: (.+)\)", done.stdout)
    assert match
    data, left = tmp_path / match[1], tmp_path / f"{TEMPORARY_PREFIX}left"
    data.mkdir()
    left.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    remove_leftovers()
    assert list(tmp_path.iterdir()) == [data]


@pytest.mark.parametrize(
    "function",
    ["lambda_function", pytest.param("segment_function", marks=pytest.mark.long)],
)
def test_outside_of_lambda_a_function_removes_nothing(
    function: str, server: Aws, tmp_path: Path
) -> None:
    """What others write in the same temporary folder is theirs."""
    others = tmp_path / f"{TEMPORARY_PREFIX}others"
    others.mkdir()
    subprocess.run(
        [sys.executable, "-c", f"import handler.{function}"],
        cwd=ROOT,
        env={**os.environ, **server.environment, "TMPDIR": str(tmp_path)},
        check=True,
    )
    assert others in tmp_path.iterdir()


def test_without_its_environment_the_function_says_what_is_missing(tmp_path: Path) -> None:
    environment = {k: v for k, v in start_fast().items() if not k.startswith("S3_")}
    # A directory of its own: the function clears the one it gets, which others may work in.
    environment |= CREDENTIALS | {"DYNAMODB_TABLE": "t", "TMPDIR": str(tmp_path)}
    with RuntimeApi() as api:
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", "handler.lambda_function.lambda_handler"],
            cwd=ROOT,
            env={**environment, "AWS_LAMBDA_RUNTIME_API": api.address},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with pytest.raises(Exception, match="S3_BUCKET"):
                api.wait_until_ready(60)
        finally:
            process.kill()
            process.wait()
