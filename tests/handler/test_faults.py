"""The storage fails at each call: the answer is right, or a clean error, and a retry completes."""

import base64
import hashlib
import io
import json
import tempfile
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from botocore.config import Config

from handler import analyze as analyze_module
from handler import api as api_module
from handler import aws as aws_module
from handler import records as records_module
from handler import work as work_module
from handler.api import Api, RedeliveryError
from handler.aws import AwsStorage
from handler.engine import Engine
from handler.environment import read_environment
from handler.errors import ConflictError, StorageUnavailableError
from handler.identity import Access
from handler.limits import Limits
from handler.local.app import LocalContext
from handler.records import Record
from handler.service import Service
from tests.aws_server import BUCKET, Aws, Fault
from tests.handler.fake_engine import RESULTS
from tests.lengths import LONG, thin

ATTEMPTS = 2


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Try less often than in production, without pauses; look for temporary files left behind."""
    impatient_config = Config(
        connect_timeout=10,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    monkeypatch.setattr(aws_module, "_CONFIG", impatient_config)
    no_backoff = types.SimpleNamespace(sleep=lambda _seconds: None, time=time.time)
    monkeypatch.setattr("botocore.endpoint.time", no_backoff)
    monkeypatch.setattr(aws_module, "time", no_backoff)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield
    assert list(temporary.iterdir()) == []


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def api(aws: Aws, engine: Engine, log: io.StringIO) -> Api:
    service = Service(AwsStorage(read_environment()), engine)
    return Api(service, BUCKET, Access("local"), Logger(service="test", stream=log))


@pytest.fixture
def event(clips: Path) -> dict[str, Any]:
    data = base64.b64encode((clips / "tiny.mp4").read_bytes()).decode()
    body = {"action": "analyze_video", "file_data": data, "user_id": "somebody"}
    return {"httpMethod": "POST", "path": "/analyze", "body": json.dumps(body)}


def ask(api: Api, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = api.handle(event, LocalContext(60))
    return answer["statusCode"], json.loads(answer["body"])


def states(aws: Aws) -> list[str]:
    return [item["state"]["S"] for item in aws.items()]


def assert_complete(aws: Aws) -> None:
    """One record, and every file it names whole."""
    (item,) = aws.items()
    assert item["state"]["S"] == "completed"
    folder = f"users/somebody/eye/{item['analysis_id']['S']}/"
    assert aws.list_keys() == [folder + name for name in RESULTS]
    summary = json.loads(
        aws.s3.get_object(Bucket=BUCKET, Key=folder + "summary.json")["Body"].read()
    )
    assert summary["frames_processed"] == 5
    assert int(item["outcome"]["M"]["frames_processed"]["N"]) == 5


CALLS = [
    ("PutItem", 0),
    ("PutItem", 1),
    ("PUT summary.json", 0),
    ("PUT frames.csv", 0),
    ("PUT blinks.csv", 0),
    ("PUT saccades.csv", 0),
    ("PUT track.npz", 0),
    ("PUT original", 0),
    ("PutItem", 2),
]
STATUS = {
    "timeout": (503, "storage_unavailable"),
    "reset": (503, "storage_unavailable"),
    "server_error": (503, "storage_unavailable"),
    "throttled": (429, "throttled"),
    "denied": (500, "storage_denied"),
    "answer_lost": (503, "storage_unavailable"),
}


# In the short form, each call fails in one way, and each kind of failure is met at some call.
FAILING = [
    (operation, skip, kind)
    for row, (operation, skip) in enumerate(CALLS)
    for column, kind in enumerate(STATUS)
    if LONG or (row + column) % 6 == 0
]


@pytest.mark.parametrize(("operation", "skip", "kind"), FAILING)
def test_a_storage_that_fails_at_a_call_gives_a_clean_error_and_a_retry_completes(
    aws: Aws,
    api: Api,
    event: dict[str, Any],
    log: io.StringIO,
    operation: str,
    skip: int,
    kind: str,
) -> None:
    # No more failures than attempts: the error itself can be written down.
    aws.proxy.faults = [Fault(operation, kind, 1 if kind == "denied" else ATTEMPTS, skip)]
    status, answer = ask(api, event)
    assert (status, answer["code"]) == STATUS[kind]
    assert answer.keys() == {"error", "code"}
    assert "somebody" not in answer["error"] + log.getvalue()
    if (operation, skip) == ("PutItem", 0):
        # Nothing was begun, or only begun.
        assert states(aws) in ([], ["queued"])
    elif kind == "answer_lost" and operation == "PutItem" and skip == 2:
        # All was done and written down; only the answer did not arrive.
        assert states(aws) == ["completed"]
    else:
        assert states(aws) == ["failed"]
        (item,) = aws.items()
        assert item["error"]["M"] == {key: {"S": value} for key, value in answer.items()}
    aws.proxy.faults.clear()
    status, answer = ask(api, event)
    assert (status, answer["status"]) == (200, "success")
    assert_complete(aws)


@pytest.mark.parametrize(
    "kind", thin(["timeout", "reset", "server_error", "throttled", "answer_lost"], 2)
)
def test_a_storage_that_fails_once_at_every_call_is_not_noticed(
    aws: Aws, api: Api, event: dict[str, Any], kind: str
) -> None:
    # Of two attempts each, the first fails.
    operations = {operation for operation, _ in CALLS}
    aws.proxy.faults = [Fault(operation, kind, 0, every_other=True) for operation in operations]
    status, answer = ask(api, event)
    assert (status, answer["status"]) == (200, "success")
    met = {fault.operation: fault.met for fault in aws.proxy.faults}
    assert met == {operation: 6 if operation == "PutItem" else 2 for operation in operations}
    assert_complete(aws)


# Uploads, by the queue


def upload(aws: Aws, api: Api, clip: Path) -> tuple[str, dict[str, Any]]:
    """Ask for an upload, put the file there, and return id and the queue's event."""
    body = {"action": "create_upload", "user_id": "somebody"}
    status, answer = ask(api, {"httpMethod": "POST", "path": "/", "body": json.dumps(body)})
    assert status == 200
    key = answer["upload"]["fields"]["key"]
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=clip.read_bytes())
    notification = {
        "eventName": "ObjectCreated:Post",
        "s3": {"bucket": {"name": BUCKET}, "object": {"key": key}},
    }
    message = {
        "messageId": "m1",
        "eventSource": "aws:sqs",
        "body": json.dumps({"Records": [notification]}),
    }
    return answer["analysis_id"], {"Records": [message]}


def deliver(api: Api, event: dict[str, Any]) -> list[dict[str, str]]:
    failures: list[dict[str, str]] = api.handle(event, LocalContext(60))["batchItemFailures"]
    return failures


@pytest.mark.parametrize(
    ("operation", "kind"),
    thin(
        [
            ("HEAD original", "timeout"),
            ("HEAD original", "server_error"),
            ("HEAD original", "denied"),
            ("GET original", "timeout"),
            ("GET original", "reset"),
            ("GET original", "reset_midway"),
            ("GET original", "cut_midway"),
            ("GET original", "server_error"),
            ("GET original", "throttled"),
            ("GET original", "denied"),
            ("PUT track.npz", "reset"),
        ],
        3,
    ),
)
def test_an_upload_whose_storage_fails_is_delivered_again(
    aws: Aws, api: Api, clips: Path, log: io.StringIO, operation: str, kind: str
) -> None:
    analysis_id, event = upload(aws, api, clips / "tiny.mp4")
    aws.proxy.faults = [Fault(operation, kind, 99)]
    assert deliver(api, event) == [{"itemIdentifier": "m1"}]
    status, answer = ask(api, {"httpMethod": "GET", "path": f"/status/{analysis_id}"})
    if kind == "denied":
        assert (status, answer["status"], answer["code"]) == (200, "failed", "storage_denied")
        assert answer["error"]
    else:
        # It is delivered again, so that it has not failed yet.
        assert (status, answer["status"]) == (200, "queued")
        assert "error" not in answer
    assert "somebody" not in log.getvalue()
    aws.proxy.faults.clear()
    assert deliver(api, event) == []
    assert_complete(aws)


@pytest.mark.parametrize("kind", thin(["reset_midway", "cut_midway", "reset", "server_error"], 2))
def test_a_download_that_breaks_off_goes_on(aws: Aws, api: Api, clips: Path, kind: str) -> None:
    _, event = upload(aws, api, clips / "tiny.mp4")
    aws.proxy.faults = [Fault("GET original", kind, 2)]
    assert deliver(api, event) == []
    assert_complete(aws)


def test_a_key_with_anothers_id_neither_shows_nor_changes_that_record(
    aws: Aws, api: Api, clips: Path
) -> None:
    analysis_id, event = upload(aws, api, clips / "tiny.mp4")
    key = f"users/mallory/eye/{analysis_id}/original"
    body = {"action": "process_s3_file", "s3_key": key, "user_id": "mallory"}
    foreign = {"httpMethod": "POST", "path": "/", "body": json.dumps(body)}
    missing = {"httpMethod": "POST", "path": "/", "body": json.dumps({**body, "s3_key": key + "x"})}
    refusal = ask(api, missing)
    assert refusal[0] == 404
    # Nobody can tell it from a key that is not there, before and after.
    assert ask(api, foreign) == refusal
    assert states(aws) == ["queued"]
    assert deliver(api, event) == []
    assert ask(api, foreign) == refusal
    assert_complete(aws)


def test_asking_before_the_upload_has_come_does_not_end_it(aws: Aws, api: Api, clips: Path) -> None:
    analysis_id, event = upload(aws, api, clips / "tiny.mp4")
    key = f"users/somebody/eye/{analysis_id}/original"
    aws.s3.delete_object(Bucket=BUCKET, Key=key)
    body = {"action": "process_s3_file", "s3_key": key, "user_id": "somebody"}
    assert ask(api, {"httpMethod": "POST", "path": "/", "body": json.dumps(body)})[0] == 404
    assert states(aws) == ["queued"]
    # What was uploaded, and is gone when its turn comes, has failed.
    assert deliver(api, event) == []
    assert states(aws) == ["failed"]


@pytest.mark.parametrize("operation", ["GET original", "PUT track.npz", "HEAD original"])
def test_a_throttled_storage_has_the_message_come_again_soon(
    aws: Aws,
    api: Api,
    clips: Path,
    monkeypatch: pytest.MonkeyPatch,
    log: io.StringIO,
    operation: str,
) -> None:
    monkeypatch.setattr(api_module, "THROTTLED_S", 1.0)
    analysis_id, event = upload(aws, api, clips / "tiny.mp4")
    aws.sqs.send_message(QueueUrl=aws.queue_url, MessageBody=event["Records"][0]["body"])

    def receive() -> dict[str, Any]:
        """Take the message as Lambda does: nobody else has it for half an hour."""
        (message,) = aws.sqs.receive_message(
            QueueUrl=aws.queue_url,
            VisibilityTimeout=1800,
            WaitTimeSeconds=10,
            AttributeNames=["ApproximateReceiveCount"],
        )["Messages"]
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "eventSource": "aws:sqs",
            "body": message["Body"],
            "attributes": message["Attributes"],
        }
        return {"Records": [record]}

    status = {"httpMethod": "GET", "path": f"/status/{analysis_id}"}
    aws.proxy.faults = [Fault(operation, "throttled", 99)]
    assert len(deliver(api, receive())) == 1
    assert aws.proxy.operations.count("ChangeMessageVisibility") == 1
    assert ask(api, status)[1]["status"] == "queued"
    # After a second, and not after half an hour.
    again = receive()
    assert again["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"
    aws.proxy.faults.clear()
    assert deliver(api, again) == []
    assert_complete(aws)
    assert "somebody" not in log.getvalue()


def test_what_is_throttled_to_the_last_has_failed(aws: Aws, api: Api, clips: Path) -> None:
    analysis_id, event = upload(aws, api, clips / "tiny.mp4")
    status = {"httpMethod": "GET", "path": f"/status/{analysis_id}"}
    aws.proxy.faults = [Fault("GET original", "throttled", 99)]
    for count, state in (("1", "queued"), ("2", "queued"), ("3", "failed")):
        event["Records"][0]["attributes"] = {"ApproximateReceiveCount": count}
        assert len(deliver(api, event)) == 1
        assert ask(api, status)[1]["status"] == state
    # From the dead-letter queue it can still be sent again.
    aws.proxy.faults.clear()
    assert deliver(api, event) == []
    assert_complete(aws)


@pytest.mark.parametrize("method", ["GET", "POST", "LIST"])
def test_a_table_of_another_shape_is_named(
    aws: Aws, engine: Engine, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    aws.dynamodb.create_table(
        TableName="other-shape",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "analysisId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "analysisId", "KeyType": "HASH"}],
    )
    try:
        monkeypatch.setenv("DYNAMODB_TABLE", "other-shape")
        service = Service(AwsStorage(read_environment()), engine)
        api = Api(service, BUCKET, Access("local"), Logger(service="shape", stream=io.StringIO()))
        event = {
            "GET": {"httpMethod": "GET", "path": f"/status/{'0' * 32}"},
            "POST": {"httpMethod": "POST", "path": "/uploads", "body": "{}"},
            "LIST": {
                "httpMethod": "GET",
                "path": "/analyses",
                "queryStringParameters": {"user_id": "u"},
            },
        }[method]
        status, answer = ask(api, event)
        assert (status, answer["code"]) == (500, "storage_misconfigured")
        assert "analysis_id (not analysisId)" in answer["error"]
        assert "user_id-created_at-index" in answer["error"]
    finally:
        aws.dynamodb.delete_table(TableName="other-shape")


def test_s3s_own_notification_is_delivered_again_by_an_error_that_names_no_one(
    aws: Aws, api: Api, clips: Path
) -> None:
    _, event = upload(aws, api, clips / "tiny.mp4")
    (record,) = json.loads(event["Records"][0]["body"])["Records"]
    notification = {"Records": [{**record, "eventSource": "aws:s3"}]}
    aws.proxy.faults = [Fault("PUT frames.csv", "denied", 99)]
    with pytest.raises(RedeliveryError, match=r"^storage_denied$") as caught:
        api.handle(notification, LocalContext(60))
    # Lambda writes the error and what it came from into the log.
    assert caught.value.__suppress_context__
    aws.proxy.faults.clear()
    assert api.handle(notification, LocalContext(60)) == {"status": "success"}
    assert_complete(aws)


def test_progress_can_be_asked_for(
    aws: Aws, api: Api, event: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_module, "PROGRESS_INTERVAL_S", 0.0)
    reported: list[tuple[str, int]] = []
    replace = AwsStorage.replace

    def look(storage: AwsStorage, record: Record) -> None:
        replace(storage, record)
        _, answer = ask(api, {"httpMethod": "GET", "path": f"/status/{record.analysis_id}"})
        reported.append((answer["status"], answer["progress_percent"]))

    monkeypatch.setattr(AwsStorage, "replace", look)
    assert ask(api, event)[0] == 200
    assert reported == [
        ("processing", 0),
        *(("processing", percent) for percent in (20, 40, 60, 80, 99)),
        ("completed", 100),
    ]


def test_a_record_that_cannot_be_read_is_delivered_again(aws: Aws, api: Api, clips: Path) -> None:
    _, event = upload(aws, api, clips / "tiny.mp4")
    aws.proxy.faults = [Fault("GetItem", "server_error", 99)]
    assert deliver(api, event) == [{"itemIdentifier": "m1"}]
    aws.proxy.faults.clear()
    assert deliver(api, event) == []
    assert_complete(aws)


def test_an_upload_delivered_twice_is_analysed_once(aws: Aws, api: Api, clips: Path) -> None:
    _, event = upload(aws, api, clips / "tiny.mp4")
    twice = {"Records": event["Records"] * 2}
    assert deliver(api, twice) == []
    assert deliver(api, event) == []
    assert aws.proxy.operations.count("PUT summary.json") == 1
    assert_complete(aws)


def test_a_queue_that_fails_leaves_a_failed_record_and_a_retry_queues(
    aws: Aws, api: Api, event: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Limits, "compute_tracking_budget_s", lambda _limits: 0.001)
    aws.proxy.faults = [Fault("SendMessage", "server_error", 99)]
    assert ask(api, event)[0] == 503
    assert states(aws) == ["failed"]
    aws.proxy.faults.clear()
    status, answer = ask(api, event)
    assert (status, answer["status"]) == (202, "queued")
    assert states(aws) == ["queued"]
    (body,) = aws.messages()
    monkeypatch.undo()
    message = {"messageId": "m", "eventSource": "aws:sqs", "body": body}
    assert deliver(api, {"Records": [message]}) == []
    assert_complete(aws)


def test_progress_that_cannot_be_written_stops_nothing(
    aws: Aws, api: Api, event: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_module, "PROGRESS_INTERVAL_S", 0.0)
    advance = records_module.advance

    def advance_into_faults(*arguments: Any) -> Any:
        """The first progress is not taken; how often what is before it was sent does not matter."""
        monkeypatch.setattr(records_module, "advance", advance)
        aws.proxy.faults = [Fault("PutItem", "throttled", ATTEMPTS)]
        return advance(*arguments)

    monkeypatch.setattr(records_module, "advance", advance_into_faults)
    status, answer = ask(api, event)
    assert (status, answer["status"]) == (200, "success")
    assert_complete(aws)
    # As many writes as frames, and one for an answer that was lost: none was left out.
    assert aws.proxy.operations.count("PutItem") >= 3 + 5 + 1


def test_progress_whose_answer_was_lost_is_gone_on_from(
    aws: Aws, api: Api, event: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_module, "PROGRESS_INTERVAL_S", 0.0)
    aws.proxy.faults = [Fault("PutItem", "answer_lost", ATTEMPTS, 2)]
    assert ask(api, event)[0] == 200
    assert_complete(aws)


# Reading in place


def test_a_large_video_is_read_in_place_with_the_same_result(
    aws: Aws, api: Api, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloaded, event = upload(aws, api, clips / "short.mp4")
    assert deliver(api, event) == []
    monkeypatch.setattr(analyze_module, "MAX_DOWNLOAD_BYTES", 0)
    monkeypatch.setattr(aws_module, "BLOCK_BYTES", 4096)
    in_place, event = upload(aws, api, clips / "short.mp4")
    aws.proxy.faults = [Fault("GET original", "reset_midway", 1, 3)]
    gets_before = aws.proxy.operations.count("GET original")
    assert deliver(api, event) == []
    assert aws.proxy.operations.count("GET original") > gets_before + 3

    def read(name: str) -> list[bytes]:
        keys = [f"users/somebody/eye/{one}/{name}" for one in (downloaded, in_place)]
        return [aws.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys]

    tables, summaries = read("frames.csv"), read("summary.json")
    assert tables[0] == tables[1]
    assert tables[0].count(b"\n") == 181
    assert summaries[0] == summaries[1]
    digest = hashlib.sha256((clips / "short.mp4").read_bytes()).hexdigest()
    assert json.loads(summaries[0])["video_sha256"] == digest


def test_a_large_video_that_cannot_be_read_on_is_no_short_video(
    aws: Aws, api: Api, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analyze_module, "MAX_DOWNLOAD_BYTES", 0)
    monkeypatch.setattr(aws_module, "BLOCK_BYTES", 4096)
    _, event = upload(aws, api, clips / "short.mp4")
    aws.proxy.faults = [Fault("GET original", "reset_midway", 99, 6)]
    assert deliver(api, event) == [{"itemIdentifier": "m1"}]
    assert states(aws) == ["queued"]
    aws.proxy.faults.clear()
    assert deliver(api, event) == []
    assert states(aws) == ["completed"]


def test_a_file_in_place_reads_like_the_file(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, rng: Any
) -> None:
    monkeypatch.setattr(aws_module, "BLOCK_BYTES", 1000)
    data = rng.bytes(12_345)
    aws.s3.put_object(Bucket=BUCKET, Key="any", Body=data)
    remote = AwsStorage(read_environment()).open_file("any")
    local = io.BytesIO(data)
    assert remote.size_bytes == 12_345
    for _ in range(60):
        whence = int(rng.integers(0, 3))
        offset = int(rng.integers(-3000, 14_000)) if whence else int(rng.integers(0, 14_000))
        if whence == 0 or {1: local.tell(), 2: len(data)}[whence] + offset >= 0:
            assert remote.seek(offset, whence) == local.seek(offset, whence)
        size = int(rng.integers(-1, 2500))
        assert remote.read(size) == local.read(size)
        assert remote.tell() == local.tell()
        assert len(remote._blocks) <= aws_module.BLOCKS_KEPT


def test_a_file_that_is_written_over_is_not_read_on(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_module, "BLOCK_BYTES", 1000)
    aws.s3.put_object(Bucket=BUCKET, Key="any", Body=b"a" * 5000)
    file = AwsStorage(read_environment()).open_file("any")
    assert file.read(10) == b"a" * 10
    aws.s3.put_object(Bucket=BUCKET, Key="any", Body=b"b" * 5000)
    file.seek(3000)
    with pytest.raises(ConflictError, match="written over"):
        file.read(10)


def test_a_file_that_never_comes_is_an_error(aws: Aws) -> None:
    aws.s3.put_object(Bucket=BUCKET, Key="any", Body=b"a" * 5000)
    file = AwsStorage(read_environment()).open_file("any")
    aws.proxy.faults = [Fault("GET any", "cut_midway", 99)]
    with pytest.raises(StorageUnavailableError):
        file.read()
