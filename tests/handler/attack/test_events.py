"""Forged notifications and messages: they start nothing that they should not, and break nothing."""

import contextlib
import io
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handler.api import Api, RedeliveryError
from handler.identity import Access
from handler.local.app import LocalContext
from handler.local.storage import LocalStorage
from handler.service import Service
from tests.handler.fake_engine import FakeEngine, make_video
from tests.lengths import LONG

ID = "0123456789abcdef" * 2
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text(max_size=5)
    | st.sampled_from(
        [
            *(
                "aws:s3",
                "aws:sqs",
                "aws:sns",
                "s3:TestEvent",
                "ObjectCreated:Put",
                "ours",
                "theirs",
            ),
            *(f"users/u/eye/{ID}/original", "users/../x", "cohorts/x", "..%2f..", "%ff", "+"),
            *("process_s3_file", "analyze_video", "create_upload", "get_status", ID),
        ]
    )
)
NAMES = st.sampled_from(
    [
        *("Records", "eventSource", "eventName", "s3", "bucket", "object", "name", "key", "body"),
        *("versionId", "messageId", "attributes", "ApproximateReceiveCount", "receiptHandle"),
        *("action", "s3_key", "user_id", "parameters", "analysis_id", "Event"),
    ]
)
THING = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=15,
)
RECORD = st.fixed_dictionaries(
    {"eventSource": st.sampled_from(["aws:s3", "aws:sqs"]) | THING},
    optional={
        "messageId": THING,
        "body": THING | THING.map(json.dumps),
        "eventName": st.sampled_from(["ObjectCreated:Post", "ObjectRemoved:Delete"]) | THING,
        "s3": st.fixed_dictionaries({"bucket": THING, "object": THING}) | THING,
        "attributes": THING,
        "receiptHandle": THING,
    },
)


class World:
    """An API with one video of a user, which only the user's own upload may have analysed."""

    def __init__(self, folder: Path) -> None:
        self.storage = LocalStorage(folder)
        self.engine = FakeEngine()
        self.log = io.StringIO()
        service = Service(self.storage, self.engine)  # type: ignore[arg-type]
        logger = Logger(service=uuid.uuid4().hex, stream=self.log)
        self.api = Api(service, "ours", Access(), logger)
        path = folder / "put"
        path.write_bytes(make_video("suspected"))
        for key in ("cohorts/x", "users/u/private.mp4"):
            self.storage.put_file(key, path, "video/mp4")

    def handle(self, event: Any) -> Any:
        with contextlib.suppress(RedeliveryError):
            return self.api.handle(event, LocalContext(30))
        return None


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("events"))
    yield world
    world.storage.close()


@pytest.mark.slow
@given(st.lists(RECORD | THING, max_size=3))
@settings(
    max_examples=5000 if LONG else 120,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_delivered_is_answered(world: World, records: list[Any]) -> None:
    answer = world.handle({"Records": records})
    json.dumps(answer, allow_nan=False)
    assert '"internal_error"' not in world.log.getvalue()


def notification(key: str, bucket: str = "ours", name: str = "ObjectCreated:Post") -> Any:
    return {
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
    }


@pytest.mark.parametrize(
    "record",
    [
        notification("cohorts/x"),
        notification("users/u/private.mp4"),
        notification(f"users/u/eye/{ID}/original", bucket="theirs"),
        notification(f"users/u/eye/{ID}/original", name="ObjectRemoved:Delete"),
        notification(f"users/u/eye/../eye/{ID}/original"),
        notification(f"users%2Fu%2F..%2Fv/eye/{ID}/original"),
        notification(f"users/u/eye/{ID}/original%00"),
        notification(f"users/~{'0' * 64}/eye/{ID}/original"),
    ],
    ids=str,
)
def test_notifications_of_anything_but_an_upload_start_nothing(world: World, record: Any) -> None:
    analysed = len(world.engine.analysed)
    body = json.dumps({"Records": [record]})
    world.handle({"Records": [record]})
    world.handle({"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": body}]})
    assert len(world.engine.analysed) == analysed
    assert world.storage.has_file("users/u/private.mp4")


def test_no_http_request_passes_for_an_event_of_the_queue(world: World) -> None:
    """What API Gateway sends is always a request of a caller, whatever its body says."""
    inner = {"Records": [notification(f"users/u/eye/{ID}/original")]}
    for body in (inner, {"action": "process_s3_file", "s3_key": "cohorts/x"}):
        event = {
            "httpMethod": "POST",
            "path": "/",
            "body": json.dumps(body),
            # What a caller could wish to be in the event itself.
            "Records": inner["Records"],
            "action": "process_s3_file",
            "s3_key": "cohorts/x",
            "requestContext": {"authorizer": {"claims": {"sub": "mallory"}}},
        }
        assert world.api.handle(event, LocalContext(30))["statusCode"] in (400, 403)
        event["requestContext"] = {}
        assert world.api.handle(event, LocalContext(30))["statusCode"] == 401
    assert world.engine.analysed == []


def test_a_malformed_entry_takes_no_other_with_it(tmp_path: Path) -> None:
    """The whole ones are analysed; the others are logged without their content."""
    world = World(tmp_path)
    keys = [f"users/u/eye/{number * 32}/original" for number in "0123"]
    for key in keys:
        world.storage.put_file(key, tmp_path / "put", "video/mp4")
    bad = [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Post", "s3": "a face"}, 7]
    direct = {"Records": [bad[0], notification(keys[0]), bad[1], notification(keys[1])]}
    assert world.handle(direct) == {"status": "success"}
    assert world.log.getvalue().count('"bad_event"') == 2

    def message(number: int, *records: Any) -> Any:
        body = json.dumps({"Records": records})
        return {"eventSource": "aws:sqs", "messageId": f"m{number}", "body": body}

    messages = [message(0, *bad, notification(keys[2])), message(1, notification(keys[3]))]
    batch = {"Records": [{"eventSource": "aws:sqs", "body": "a face"}, *messages]}
    assert world.handle(batch) == {"batchItemFailures": []}
    assert world.log.getvalue().count('"bad_event"') == 5
    assert "a face" not in world.log.getvalue()
    states = [world.storage.read(key.split("/")[3]).state for key in keys]
    assert states == ["completed"] * 4
    world.storage.close()
