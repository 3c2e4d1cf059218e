"""What is deleted is gone: record, files in all versions, and what a late worker writes."""

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from handler import work as work_module
from handler.api import Api
from handler.aws import AwsStorage
from handler.environment import read_environment
from handler.errors import HandlerError
from handler.identity import Access
from handler.local.app import LocalContext
from handler.local.storage import LocalStorage
from handler.records import TOMBSTONE_S
from handler.service import Service
from handler.storage import UPLOAD_VALID_S
from tests.aws_server import BUCKET, Aws, Fault
from tests.handler.fake_engine import FakeEngine, encode_video, make_video

USER = "홍길동 010-1234"
ACCESS = Access("identity", "videos/{user_id}/")
CLAIMS = {"sub": USER}


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write progress at each frame."""
    monkeypatch.setattr(work_module, "PROGRESS_INTERVAL_S", 0.0)


@pytest.fixture(params=[pytest.param("aws", marks=pytest.mark.aws), "local"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AwsStorage | LocalStorage]:
    if request.param == "aws":
        aws: Aws = request.getfixturevalue("aws")
        with aws.versioning():
            yield AwsStorage(read_environment())
    elif request.param == "plain":
        request.getfixturevalue("aws")
        yield AwsStorage(read_environment())
    else:
        local = LocalStorage(tmp_path / "data")
        local.address = "http://127.0.0.1:1"
        yield local
        local.close()


class World:
    """A storage, an API in front of it, and what is to be found in both."""

    def __init__(self, storage: Any, log: Path, aws: Aws | None) -> None:
        self.storage, self.aws, self.log = storage, aws, log
        self.engine = FakeEngine()
        stream = log.open("a")
        service = Service(storage, self.engine, retention_days=10)  # type: ignore[arg-type]
        self.api = Api(service, None, ACCESS, Logger(service=uuid.uuid4().hex, stream=stream))

    def ask(
        self, method: str, path: str, body: Any = None, claims: Any = None, seconds: float = 30
    ) -> tuple[int, dict[str, Any]]:
        event = {
            "httpMethod": method,
            "path": path,
            "body": None if body is None else json.dumps(body),
            "requestContext": {"authorizer": {"claims": claims or CLAIMS}},
        }
        answer = self.api.handle(event, LocalContext(seconds))
        return answer["statusCode"], json.loads(answer["body"] or "{}")

    def analyse(self, **more: Any) -> tuple[int, dict[str, Any]]:
        video = encode_video("not_suspected", salt=uuid.uuid4().hex)
        body = {"action": "analyze_video", "file_data": video, **more}
        return self.ask("POST", "/analyze", body)

    def put(self, key: str, data: bytes) -> None:
        path = self.log.parent / "put"
        path.write_bytes(data)
        self.storage.put_file(key, path, "video/mp4")

    def deliver(
        self, key: str, version_id: str | None = None, etag: str | None = None
    ) -> list[Any]:
        """Deliver S3's notification of a file."""
        stored = {"key": key} | ({"versionId": version_id} if version_id else {})
        stored |= {"eTag": etag} if etag else {}
        notification = {
            "eventName": "ObjectCreated:Post",
            "s3": {"bucket": {"name": BUCKET}, "object": stored},
        }
        message = {
            "messageId": "m",
            "eventSource": "aws:sqs",
            "body": json.dumps({"Records": [notification]}),
        }
        answer = self.api.handle({"Records": [message]}, LocalContext(30))
        return list(answer["batchItemFailures"])

    def find_traces(self, *names: str) -> list[str]:
        """Return where one of these texts is still to be found, in anything that is kept."""
        kept = {"log": self.log.read_text()}
        if self.aws is not None:
            kept |= {f"object {key}": key for key, _ in self.aws.list_versions()}
            kept |= {f"record {number}": str(one) for number, one in enumerate(self.aws.items())}
        else:
            data = self.storage.work.parent
            kept |= {str(path): str(path) for path in data.rglob("*") if path.is_file()}
            kept["database"] = (data / "records.sqlite").read_bytes().decode("latin-1")
        found = [where for where, text in kept.items() for name in names if name in text]
        return sorted(set(found))


@pytest.fixture
def world(storage: Any, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    aws = request.getfixturevalue("aws") if isinstance(storage, AwsStorage) else None
    return World(storage, tmp_path / "log", aws)


def key_of(offer: dict[str, Any]) -> str:
    return str(offer["upload"]["fields"]["key"])


def test_a_deleted_analysis_leaves_nothing_that_names_the_user(world: World) -> None:
    status, answer = world.analyse(file_name="hong.mp4", report=True)
    assert status == 200
    analysis_id = answer["analysis_id"]
    name = answer["video_path"].split("/eye/")[0].rsplit("/", 1)[1]
    assert name.startswith("~")
    assert world.find_traces(name)
    for _ in range(2):
        assert world.ask("DELETE", f"/analyses/{analysis_id}") == (204, {})
        assert world.ask("GET", f"/status/{analysis_id}")[0] == 404
    assert world.ask("GET", "/analyses")[1]["analyses"] == []
    assert world.find_traces(USER, name, "hong.mp4") == []
    if isinstance(world.storage, LocalStorage):
        # What is deleted is written over in the database, too.
        data = world.storage.work.parent / "records.sqlite"
        assert USER.encode() not in data.read_bytes()
        assert json.dumps(USER)[1:-1].encode() not in data.read_bytes()
    left = world.storage.read(analysis_id)
    assert (left.state, left.user_id, left.parameters) == ("deleted", "", {})
    assert 0 < left.expires_at - time.time() <= TOMBSTONE_S


def test_all_of_a_users_data_goes_at_once_and_no_one_elses(world: World) -> None:
    ids = [world.analyse()[1]["analysis_id"] for _ in range(3)]
    offer = world.ask("POST", "/uploads", {})[1]
    world.put(key_of(offer), make_video("suspected"))
    name = key_of(offer).split("/")[1]
    world.put(f"videos/{name}/1.mp4", make_video("suspected"))
    world.put(f"videos/{name}/1.mp4", make_video("borderline"))
    other = {"sub": "other"}
    body = {"action": "analyze_video", "file_data": encode_video("suspected")}
    theirs = world.ask("POST", "/analyze", body, other)[1]["analysis_id"]
    world.put("videos/other/1.mp4", make_video("suspected"))
    for _ in range(2):
        assert world.ask("DELETE", "/users/me") == (200, {"status": "deleted"})
    assert world.find_traces(USER, name) == []
    for analysis_id in [*ids, offer["analysis_id"]]:
        assert world.ask("GET", f"/status/{analysis_id}")[0] == 404
    assert world.ask("GET", f"/status/{theirs}", claims=other)[0] == 200
    assert world.storage.has_file("videos/other/1.mp4")


def test_without_enough_time_the_same_request_goes_on(world: World) -> None:
    for _ in range(3):
        world.analyse()
    assert world.ask("DELETE", "/users/me", seconds=3) == (200, {"status": "incomplete"})
    assert world.ask("DELETE", "/users/me") == (200, {"status": "deleted"})
    assert world.ask("GET", "/analyses")[1]["analyses"] == []


def test_the_file_that_was_analysed_goes_if_it_is_the_users(world: World) -> None:
    name = key_of(world.ask("POST", "/uploads", {})[1]).split("/")[1]
    for key in (f"videos/{name}/1.mp4", f"videos/{name}/1.mp4.bak"):
        world.put(key, make_video("suspected"))
    body = {"action": "process_s3_file", "s3_key": f"videos/{name}/1.mp4"}
    analysis_id = world.ask("POST", "/", body)[1]["analysis_id"]
    assert world.ask("DELETE", f"/analyses/{analysis_id}")[0] == 204
    assert not world.storage.has_file(f"videos/{name}/1.mp4")
    assert world.storage.has_file(f"videos/{name}/1.mp4.bak")
    # A recording of a study is not the user's.
    world.put("cohorts/1.mp4", make_video("suspected"))
    direct = {"action": "process_s3_file", "s3_key": "cohorts/1.mp4"}
    answer = world.api.handle(direct, LocalContext(30))
    assert answer["status"] == "success"


def test_a_running_analysis_stops_and_what_it_wrote_goes(world: World) -> None:
    offer = world.ask("POST", "/uploads", {})[1]
    world.put(key_of(offer), make_video("suspected"))
    frames = []

    def delete_at_the_third(frame: int) -> None:
        frames.append(frame)
        if frame == 3:
            assert world.ask("DELETE", f"/analyses/{offer['analysis_id']}")[0] == 204

    world.engine.on_frame = delete_at_the_third
    assert world.deliver(key_of(offer)) == []
    assert frames[-1] <= 4
    assert world.find_traces(USER, key_of(offer).split("/")[1]) == []


def test_results_that_were_on_their_way_go_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The analysis is deleted between its last frame and its record's last version."""
    put_file = type(world.storage).put_file

    def delete_then_put(storage: Any, key: str, path: Path, content_type: str) -> Any:
        if key.endswith("track.npz"):
            assert world.ask("DELETE", f"/analyses/{key.split('/')[3]}")[0] == 204
        return put_file(storage, key, path, content_type)

    monkeypatch.setattr(type(world.storage), "put_file", delete_then_put)
    status, answer = world.analyse()
    assert (status, answer["code"]) == (410, "deleted")
    monkeypatch.undo()
    assert world.find_traces(USER, "track.npz") == []


def test_a_file_that_comes_after_the_deletion_is_not_kept(world: World) -> None:
    offer = world.ask("POST", "/uploads", {})[1]
    world.ask("DELETE", f"/analyses/{offer['analysis_id']}")
    world.put(key_of(offer), make_video("suspected"))
    assert world.deliver(key_of(offer)) == []
    assert world.engine.analysed == []
    assert not world.storage.has_file(key_of(offer))


def test_the_same_video_after_its_deletion_is_another_analysis(world: World) -> None:
    body = {"action": "analyze_video", "file_data": encode_video("suspected")}
    ids = []
    for _ in range(3):
        ids.append(world.ask("POST", "/analyze", body)[1]["analysis_id"])
        assert world.ask("DELETE", f"/analyses/{ids[-1]}")[0] == 204
    assert len(set(ids)) == 3
    assert world.ask("POST", "/analyze", body)[0] == 200
    assert len(world.ask("GET", "/analyses")[1]["analyses"]) == 1


@pytest.mark.aws
@pytest.mark.parametrize("storage", ["aws"], indirect=True)
def test_a_deletion_that_a_failing_storage_interrupts_is_completed(world: World) -> None:
    assert world.aws is not None
    analysis_id = world.analyse()[1]["analysis_id"]
    world.aws.proxy.faults = [Fault(f"GET {BUCKET}", "denied", 1)]
    status, answer = world.ask("DELETE", f"/analyses/{analysis_id}")
    assert (status, answer["code"]) == (500, "storage_denied")
    # It is not to be seen any more, although its files are there.
    assert world.ask("GET", f"/status/{analysis_id}")[0] == 404
    assert world.aws.list_versions()
    world.aws.proxy.faults.clear()
    assert world.ask("DELETE", f"/analyses/{analysis_id}")[0] == 204
    assert world.find_traces(USER) == world.aws.list_versions() == []


def test_deleting_again_and_again_at_once(world: World) -> None:
    analysis_id = world.analyse()[1]["analysis_id"]
    answers: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(world.ask("DELETE", f"/analyses/{analysis_id}"))
        )
        for _ in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answers == [(204, {})] * 4
    assert world.find_traces(USER) == []


@pytest.mark.aws
@pytest.mark.parametrize("storage", ["plain"], indirect=True)
def test_a_second_file_where_no_versions_are_kept_is_another_analysis(world: World) -> None:
    offer = world.ask("POST", "/uploads", {"parameters": {"vpp_thresh": 0.05}})[1]
    key = key_of(offer)
    for status in ("suspected", "not_suspected"):
        world.put(key, make_video(status))
        etag = world.storage.open_file(key).version.etag.strip('"')
        for _ in range(2):
            assert world.deliver(key, etag=etag) == []
    assert world.engine.analysed == ["suspected", "not_suspected"]
    first = world.ask("GET", offer["status_url"])[1]
    assert first["analysis_result"]["psp_screening"]["suspected"] is True
    second, again = world.ask("GET", "/analyses")[1]["analyses"]
    assert again["analysis_id"] == offer["analysis_id"] != second["analysis_id"]
    second = world.ask("GET", f"/status/{second['analysis_id']}")[1]
    assert second["analysis_result"]["psp_screening"]["suspected"] is False
    assert second["parameters"]["vpp_thresh"] == 0.05
    # Each says of which bytes it is.
    assert first["provenance"]["etag"] != second["provenance"]["etag"]
    assert second["provenance"]["etag"] == etag


# How long things are kept


def test_records_say_when_their_time_is_over(world: World) -> None:
    analysis_id = world.analyse()[1]["analysis_id"]
    expires_at = world.ask("GET", f"/status/{analysis_id}")[1]["expires_at"]
    assert expires_at == pytest.approx(time.time() + 10 * 86400, abs=30)
    if world.aws is not None:
        # The attribute that the table's TTL goes by.
        (item,) = world.aws.items()
        assert item["expires_at"] == {"N": str(expires_at)}
    record = world.storage.read(analysis_id)
    over = replace(record, version=record.version + 1, expires_at=int(time.time()) - 1)
    world.storage.replace(over)
    # DynamoDB removes it within two days; it is over at once.
    assert world.ask("GET", f"/status/{analysis_id}")[0] == 404
    assert world.ask("GET", "/analyses")[1]["analyses"] == []
    with pytest.raises(HandlerError):
        world.storage.read(analysis_id)
    world.storage.create(replace(record, version=1))
    assert world.ask("GET", f"/status/{analysis_id}")[0] == 200


def test_an_upload_that_never_came_is_expired(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    never, came = (world.ask("POST", "/uploads", {})[1] for _ in range(2))
    record = world.storage.read(never["analysis_id"])
    assert record.expires_at == pytest.approx(time.time() + 86400, abs=30)
    world.put(key_of(came), make_video("suspected"))
    assert world.ask("GET", never["status_url"])[1]["status"] == "queued"
    now_s = time.time() + 3 * UPLOAD_VALID_S
    monkeypatch.setattr("handler.service.time", _Clock(now_s))
    status, answer = world.ask("GET", never["status_url"])
    assert (status, answer["status"], answer["code"]) == (200, "expired", "expired")
    # One whose file waits in the queue is not.
    assert world.ask("GET", came["status_url"])[1]["status"] == "queued"
    monkeypatch.undo()
    assert world.deliver(key_of(came)) == []
    # What came is kept as long as everything.
    expires_at = world.ask("GET", came["status_url"])[1]["expires_at"]
    assert expires_at == pytest.approx(time.time() + 10 * 86400, abs=30)


class _Clock:
    def __init__(self, now_s: float) -> None:
        self._now_s = now_s

    def time(self) -> float:
        return self._now_s

    def monotonic(self) -> float:
        return time.monotonic()


def test_the_local_server_removes_what_is_over(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    world = World(storage, tmp_path / "log", None)
    analysis_id = world.analyse()[1]["analysis_id"]
    record = storage.read(analysis_id)
    storage.replace(replace(record, version=record.version + 1, expires_at=int(time.time()) - 1))
    storage.remove_expired()
    assert world.find_traces(USER) == []
    assert not list((tmp_path / "files").rglob("original"))
    with sqlite3.connect(tmp_path / "records.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM records").fetchone() == (0,)
    storage.close()


# Which bytes were analysed


@pytest.mark.aws
@pytest.mark.parametrize("storage", ["aws"], indirect=True)
def test_a_second_file_for_one_form_is_refused_and_the_first_stays(world: World) -> None:
    # The local server refuses the second upload itself.
    assert world.aws is not None
    offer = world.ask("POST", "/uploads", {})[1]
    key, versions = key_of(offer), []
    for status in ("suspected", "not_suspected"):
        world.put(key, make_video(status))
        versions.append(world.storage.open_file(key).version.version_id)
    # Both messages wait when the first one is delivered.
    assert world.deliver(key, versions[0]) == []
    assert world.deliver(key, versions[1]) == []
    assert world.engine.analysed == ["suspected"]
    reported = world.ask("GET", offer["status_url"])[1]
    assert reported["analysis_result"]["psp_screening"]["suspected"] is True
    assert reported["provenance"]["version_id"] == versions[0]
    stored = world.aws.s3.get_object(Bucket=BUCKET, Key=key)
    assert stored["Body"].read() == make_video("suspected")
    assert [version for one, version in world.aws.list_versions() if one == key] == versions[:1]
