"""The webhook: one event for each end of an analysis, signed, and sent until it is taken."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.runtime_api import RuntimeApi
from handler import aws as aws_module
from handler import records
from handler import webhook as webhook_module
from handler.description import make_document
from handler.environment import read_webhook_environment
from handler.errors import HandlerError
from handler.webhook import (
    ATTEMPT_S,
    EVENT_TYPES,
    MAX_JITTER,
    RETRY_DELAYS_S,
    choose_delay_s,
    make_message,
    sign,
)
from tests.aws_server import Aws, Fault
from tests.deploy.test_template import properties
from tests.handler.described import validate
from tests.handler.fake_engine import encode_video, make_video
from tests.handler.webhook_world import (
    SECRET,
    TABLE,
    Received,
    Receiver,
    WebhookWorld,
    create_queues,
    create_table,
    naive_sign,
    passes,
    read_filters,
    run_receiver,
)

ROOT = Path(__file__).parents[2]
DOCUMENT = make_document()
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
VECTOR = ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ID, 1614265330, b'{"test": 2432232314}')
VECTOR_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
"""The example with which Standard Webhooks' own libraries are tested."""


@pytest.fixture
def table(aws: Aws) -> Iterator[None]:
    create_table(aws.dynamodb)
    yield
    aws.dynamodb.delete_table(TableName=TABLE)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with run_receiver(tmp_path) as receiver:
        yield receiver


@pytest.fixture
def environment(
    aws: Aws, table: None, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """Set and return the function's environment."""
    secrets = aws_module.boto3.client("secretsmanager", endpoint_url=aws.url)
    secret = secrets.create_secret(Name="webhook", SecretString=SECRET)["ARN"]
    queue, dead = create_queues(aws.sqs)
    environment = {
        "DYNAMODB_TABLE": TABLE,
        "WEBHOOK_URL": receiver.url,
        "WEBHOOK_SECRET_ARN": secret,
        "WEBHOOK_QUEUE_URL": queue,
        "SSL_CERT_FILE": str(receiver.certificate),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield environment | {"dead": dead}
    secrets.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def world(
    aws: Aws, environment: dict[str, str], receiver: Receiver, tmp_path: Path
) -> Iterator[WebhookWorld]:
    world = WebhookWorld(aws, tmp_path / "work")
    yield world
    log = world.webhook_log.getvalue()
    for hidden in (SECRET, receiver.url, "127.0.0.1", "webhook-signature", "v1,", "u1"):
        assert hidden not in log


def check(received: Received, analysis_id: str, state: str) -> None:
    """Check a request by the description, the standard, and what must not be in it."""
    assert received.path == "/eye-tracking?hook=1"
    headers = received.headers
    expected = naive_sign(
        SECRET, headers["webhook-id"], headers["webhook-timestamp"], received.body
    )
    assert headers["webhook-signature"] == expected
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert headers["content-type"] == "application/json"
    assert re.fullmatch("msg_[0-9A-Za-z-]+", headers["webhook-id"])
    document = received.document
    about = DOCUMENT["webhooks"][EVENT_TYPES[state]]["post"]
    described = {one["name"] for one in about["parameters"]}
    assert described == {name for name in headers if name.startswith("webhook-")}
    schema = about["requestBody"]["content"]["application/json"]["schema"]
    validate(document, schema, DOCUMENT)
    assert document["data"]["analysis_id"] == analysis_id
    for time_text in (document["timestamp"], document["data"]["created_at"]):
        assert abs(datetime.fromisoformat(time_text).timestamp() - time.time()) < 600
    for hidden in (b"u1", b"users/", b"summary", b"psp", b"message"):
        assert hidden not in received.body


def expect(receiver: Receiver, *events: tuple[str, str]) -> None:
    """Check that exactly these events came, in this order, and forget them."""
    states = [one.document["data"]["status"] for one in receiver.received]
    assert states == [state for _, state in events]
    for received, (analysis_id, state) in zip(receiver.received, events, strict=True):
        check(received, analysis_id, state)
    receiver.received.clear()


def analyse(world: WebhookWorld, status: str = "not_suspected", **more: Any) -> tuple[int, Any]:
    video = encode_video(status)
    return world.ask("POST", "/analyze", {"action": "analyze_video", "file_data": video, **more})


# The signature


def test_the_signature_is_the_standards() -> None:
    assert sign(*VECTOR) == VECTOR_SIGNATURE
    assert sign("whsec_" + VECTOR[0], *VECTOR[1:]) == VECTOR_SIGNATURE
    secret, event_id, timestamp, body = VECTOR
    assert naive_sign(secret, event_id, str(timestamp), body) == VECTOR_SIGNATURE
    for other in (
        (SECRET, event_id, timestamp, body),
        (secret, event_id + "x", timestamp, body),
        (secret, event_id, timestamp + 1, body),
        (secret, event_id, timestamp, body + b" "),
    ):
        assert sign(*other) != VECTOR_SIGNATURE


def test_the_generated_secret_is_a_key_of_the_standards_length() -> None:
    about = properties("WebhookSecret")["GenerateSecretString"]
    assert about == {"PasswordLength": len(SECRET), "ExcludePunctuation": True}
    # Four letters or digits are three bytes, and the standard asks for 24 to 64 of them.
    assert len(SECRET) % 4 == 0
    assert 24 <= len(SECRET) * 3 // 4 <= 64


# Every way an analysis ends


def test_an_analysis_that_the_caller_waits_for(world: WebhookWorld, receiver: Receiver) -> None:
    status, answer = analyse(world)
    assert status == 200
    world.send_all()
    expect(receiver, (answer["analysis_id"], "completed"))
    # The same request is the same analysis, which has ended once.
    assert analyse(world)[0] == 200
    world.send_all()
    expect(receiver)


def test_a_file_that_cannot_be_analysed(world: WebhookWorld, receiver: Receiver) -> None:
    analysis_id, key = world.offer()
    world.put(key, b"neither")
    world.deliver(key)
    world.send_all()
    expect(receiver, (analysis_id, "failed"))
    # It fails again, and nothing has changed.
    world.deliver(key)
    world.send_all()
    expect(receiver)


def test_an_upload(world: WebhookWorld, receiver: Receiver) -> None:
    analysis_id, key = world.offer()
    world.put(key, make_video("suspected"))
    world.send_all()
    expect(receiver)
    assert not world.deliver(key)
    world.send_all()
    expect(receiver, (analysis_id, "completed"))


def test_a_divided_recording(world: WebhookWorld, receiver: Receiver) -> None:
    analysis_id = world.upload()
    world.carry_on()
    expect(receiver)
    assert world.run_started().status == "SUCCEEDED"
    world.send_all()
    expect(receiver, (analysis_id, "completed"))


def test_a_divided_recording_with_a_poisoned_segment(
    world: WebhookWorld, receiver: Receiver
) -> None:
    analysis_id = world.upload(poison=7)
    assert world.run_started().status == "FAILED"
    world.send_all()
    expect(receiver, (analysis_id, "failed"))


def test_a_file_that_kills_every_process(world: WebhookWorld, receiver: Receiver) -> None:
    analysis_id, key = world.offer()
    world.put(key, make_video("suspected"))
    now_s = time.time()
    for attempt in range(2):
        stored = world.storage.read(analysis_id)
        world.storage.replace(records.claim(stored, f"killed {attempt}", now_s, now_s - 1))
    world.send_all()
    expect(receiver)
    assert not world.deliver(key)
    assert world.status(analysis_id)["code"] == "analysis_killed"
    world.send_all()
    expect(receiver, (analysis_id, "failed"))


def test_what_failed_and_then_succeeds_are_two_events(
    world: WebhookWorld, receiver: Receiver
) -> None:
    analysis_id, key = world.offer()
    world.put(key, make_video("suspected"))
    stored = world.storage.read(analysis_id)
    world.storage.replace(records.fail(stored, {"code": "throttled", "error": "x"}))
    world.send_all()
    assert not world.deliver(key)
    world.send_all()
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 2
    expect(receiver, (analysis_id, "failed"), (analysis_id, "completed"))


def test_a_deletion_is_no_end(world: WebhookWorld, receiver: Receiver) -> None:
    _, answer = analyse(world)
    assert world.ask("DELETE", f"/analyses/{answer['analysis_id']}")[0] == 204
    world.send_all()
    expect(receiver, (answer["analysis_id"], "completed"))


STATES = ("queued", "processing", "completed", "failed", "deleted", None)


@pytest.mark.parametrize("old", STATES)
@pytest.mark.parametrize("new", STATES)
def test_the_templates_filter_passes_what_the_function_announces(
    old: str | None, new: str | None
) -> None:
    images = {"OldImage": old, "NewImage": new}
    entry = {
        "eventID": "e1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1.7e9,
            **{
                name: {
                    "state": {"S": state},
                    "analysis_id": {"S": "a" * 32},
                    "created_at": {"S": "2026-01-01T00:00:00.000000+00:00"},
                }
                for name, state in images.items()
                if state
            },
        },
    }
    ends = new in ("completed", "failed") and old != new
    assert bool(make_message(entry)) == ends
    # Every analysis has a record before it ends, so that an end without one before is never met.
    if old or not ends:
        assert passes(entry, read_filters()) == ends


def test_an_entry_that_the_stream_repeats_is_the_same_event(
    world: WebhookWorld, receiver: Receiver
) -> None:
    _, answer = analyse(world)
    entries = world.list_new_entries()
    for _ in range(2):
        world.webhook.handle({"Records": entries})
    world.send_all()
    expect(receiver, *[(answer["analysis_id"], "completed")] * 2)


def test_no_event_is_lost_if_the_queue_fails(
    aws: Aws, world: WebhookWorld, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    _, answer = analyse(world)
    entries = world.list_new_entries()
    aws.proxy.faults = [Fault("SendMessage", "throttled", 100)]
    # The mapping from the stream to the function then sends the batch again.
    with pytest.raises(HandlerError):
        world.webhook.handle({"Records": entries})
    aws.proxy.faults = []
    world.webhook.handle({"Records": entries})
    world.send_all()
    assert {one.headers["webhook-id"] for one in receiver.received} == {
        f"msg_{entries[0]['eventID']}"
    }
    check(receiver.received[0], answer["analysis_id"], "completed")


@pytest.mark.parametrize("lost", ["created_at", "analysis_id"])
def test_an_entry_of_another_program_stops_no_event(
    lost: str, world: WebhookWorld, receiver: Receiver
) -> None:
    """Raised, it would hold up the entries behind it until the stream gives it up."""
    _, answer = analyse(world)
    entries = world.list_new_entries()
    (end,) = entries
    image = {name: value for name, value in end["dynamodb"]["NewImage"].items() if name != lost}
    other = end | {"eventID": "other", "dynamodb": end["dynamodb"] | {"NewImage": image}}
    assert world.webhook.handle({"Records": [other, end]}) == {"batchItemFailures": []}
    while world.send_one():
        pass
    expect(receiver, (answer["analysis_id"], "completed"))
    line = json.loads(world.webhook_log.getvalue().splitlines()[0])
    assert (line["message"], line["event_id"]) == ("not an analysis", "other")


# Until it is taken


def test_it_is_sent_again_until_it_is_taken(
    world: WebhookWorld, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_module, "TIMEOUT_S", 0.5)
    receiver.answers = [500, "hang", "reset", 302, 410, 200]
    _, answer = analyse(world)
    world.send_all()
    assert len(receiver.received) == 6
    first = receiver.received[0]
    for received in receiver.received:
        check(received, answer["analysis_id"], "completed")
        assert received.headers["webhook-id"] == first.headers["webhook-id"]
        assert received.body == first.body
    assert len(world.delays_s) == 6
    for delay_s, at_least_s in zip(world.delays_s, RETRY_DELAYS_S, strict=False):
        assert 0 <= delay_s - ATTEMPT_S - at_least_s <= MAX_JITTER * at_least_s + 1
    assert not world.send_one()


def test_in_the_end_it_is_a_dead_letter(
    aws: Aws, world: WebhookWorld, receiver: Receiver, environment: dict[str, str]
) -> None:
    receiver.answers = [500] * 100
    analyse(world)
    world.send_all()
    assert len(receiver.received) == len(RETRY_DELAYS_S) + 1 == 8
    (letter,) = aws.sqs.receive_message(QueueUrl=environment["dead"])["Messages"]
    assert json.loads(letter["Body"])["id"] == receiver.received[0].headers["webhook-id"]
    # Redriven by the operator, it is sent as if for the first time.
    receiver.answers, receiver.received = [], receiver.received[:1]
    aws.sqs.send_message(QueueUrl=world.queue_url, MessageBody=letter["Body"])
    world.send_all()
    assert receiver.received[0].body == receiver.received[1].body


def test_it_waits_as_long_if_the_process_is_stopped_while_it_is_sent(
    world: WebhookWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StoppedError(BaseException):
        pass

    def stop(*_arguments: object) -> int:
        raise StoppedError

    analyse(world)
    world.carry_on()
    monkeypatch.setattr(world.webhook, "_post", stop)
    with pytest.raises(StoppedError):
        world.send_one()
    (delay_s,) = world.delays_s
    assert delay_s >= ATTEMPT_S + RETRY_DELAYS_S[0]
    assert not world.send_one()


def test_the_queue_hides_a_message_long_enough_and_not_too_long() -> None:
    longest_s = max(choose_delay_s(attempt) for attempt in range(1, 9) for _ in range(50))
    assert ATTEMPT_S + longest_s < 12 * 3600
    assert {choose_delay_s(3) for _ in range(200)} != {RETRY_DELAYS_S[2]}
    about = properties("WebhookFunction")
    assert about["Timeout"] == ATTEMPT_S
    queue = properties("WebhookQueue")
    assert queue["VisibilityTimeout"] >= 6 * ATTEMPT_S
    assert queue["RedrivePolicy"]["maxReceiveCount"] == len(RETRY_DELAYS_S) + 1
    assert queue["MessageRetentionPeriod"] > 1.1 * sum(RETRY_DELAYS_S) + 9 * ATTEMPT_S


def test_an_endless_answer_is_not_read(world: WebhookWorld, receiver: Receiver) -> None:
    receiver.answers = ["endless"]
    _, answer = analyse(world)
    begun_s = time.monotonic()
    world.send_all()
    assert time.monotonic() - begun_s < 20
    expect(receiver, (answer["analysis_id"], "completed"))
    # What fits into the buffers of both ends.
    assert receiver.sent_bytes < 32 * 2**20


def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    world: WebhookWorld, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    analyse(world)
    world.carry_on()
    world.send_one()
    assert receiver.received == []
    assert "SSLCertVerificationError" in world.webhook_log.getvalue()


# The secret


def test_a_new_secret_signs_after_some_minutes(
    aws: Aws,
    world: WebhookWorld,
    receiver: Receiver,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    analyse(world)
    world.send_all()
    other = SECRET[::-1]
    secrets = aws_module.boto3.client("secretsmanager", endpoint_url=aws.url)
    secrets.put_secret_value(SecretId=environment["WEBHOOK_SECRET_ARN"], SecretString=other)
    monkeypatch.setattr(webhook_module, "SECRET_VALID_S", -1.0)
    analyse(world, "suspected")
    world.send_all()
    for received, secret in zip(receiver.received, (SECRET, other), strict=True):
        headers = received.headers
        assert headers["webhook-signature"] == naive_sign(
            secret, headers["webhook-id"], headers["webhook-timestamp"], received.body
        )


def test_nothing_is_sent_unsigned(
    aws: Aws, world: WebhookWorld, receiver: Receiver, environment: dict[str, str]
) -> None:
    secrets = aws_module.boto3.client("secretsmanager", endpoint_url=aws.url)
    arn = environment["WEBHOOK_SECRET_ARN"]
    secrets.put_secret_value(SecretId=arn, SecretString="no base64 ✗")
    analyse(world)
    world.carry_on()
    world.send_one()
    assert receiver.received == []
    lines = [json.loads(line) for line in world.webhook_log.getvalue().splitlines()]
    assert [one["message"] for one in lines] == ["not delivered"]
    assert "base64" not in world.webhook_log.getvalue().replace("base64.py", "")


# The function


def test_the_settings_must_be_whole(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_webhook_environment().url == environment["WEBHOOK_URL"]
    monkeypatch.setenv("WEBHOOK_URL", "http://receiver.example/")
    with pytest.raises(RuntimeError, match="https"):
        read_webhook_environment()
    monkeypatch.delenv("WEBHOOK_URL")
    with pytest.raises(RuntimeError, match="WEBHOOK_URL"):
        read_webhook_environment()


def test_the_deployed_function_delivers(
    aws: Aws,
    world: WebhookWorld,
    environment: dict[str, str],
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    """In Lambda's runtime client, from the stream's entry to the server."""
    _, answer = analyse(world)
    entries = world.list_new_entries()
    # The whole entry, with results in it, comes to the function; it must not go further.
    assert "summary" in json.dumps(entries) or "outcome" in json.dumps(entries)
    with RuntimeApi() as api, (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", "handler.webhook_function.lambda_handler"],
            cwd=ROOT,
            env={**os.environ, "AWS_LAMBDA_RUNTIME_API": api.address},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            api.wait_until_ready(60)
            assert api.invoke({"Records": entries}, 30).document == {"batchItemFailures": []}
            (message,) = aws.sqs.receive_message(
                QueueUrl=world.queue_url, AttributeNames=["ApproximateReceiveCount"]
            )["Messages"]
            record = {
                "messageId": "m1",
                "receiptHandle": message["ReceiptHandle"],
                "eventSource": "aws:sqs",
                "body": message["Body"],
                "attributes": message["Attributes"],
            }
            receiver.answers = [503]
            for failed in ([{"itemIdentifier": "m1"}], []):
                assert api.invoke({"Records": [record]}, 30).document == {
                    "batchItemFailures": failed
                }
        finally:
            process.kill()
            process.wait()
    expect(receiver, *[(answer["analysis_id"], "completed")] * 2)
    text = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [(one["message"], one["status_code"]) for one in lines] == [
        ("not delivered", 503),
        ("delivered", 204),
    ]
    for hidden in (SECRET, receiver.url, "u1", "summary"):
        assert hidden not in text


@pytest.mark.long
def test_it_starts_as_fast_as_the_light_function(environment: dict[str, str]) -> None:
    """CPU seconds, in turn; and nothing is loaded that only an analysis needs."""

    def measure(module: str) -> tuple[float, str]:
        script = (
            f"import sys, time; import handler.{module}; print(time.process_time()); "
            "print(*sorted({'numpy', 'numba', 'cv2', 'jinja2', 'handler.service', "
            "'handler.engine'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        )
        spent, loaded = done.stdout.splitlines()[-2:]
        return float(spent), loaded

    runs = [(measure("webhook_function"), measure("light_function")) for _ in range(3)]
    assert {one[1] for one, _ in runs} == {""}
    assert min(one[0] for one, _ in runs) <= 1.1 * min(other[0] for _, other in runs)
