"""Both storages behave alike: records that never go backwards, whole files, lists of one's own."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from boto3.dynamodb.types import TypeDeserializer

from handler.aws import AwsStorage
from handler.environment import read_environment
from handler.errors import BadRequestError, HandlerError, NotFoundError
from handler.identity import Caller
from handler.keys import REPORT, content_type_of
from handler.limits import Limits
from handler.local.storage import LocalStorage
from handler.records import (
    TAKEN_OVER_WITHIN_S,
    Record,
    advance,
    claim,
    complete,
    fail,
)
from handler.requests import GetStatus
from handler.service import Service
from handler.storage import (
    DOWNLOAD_VALID_S,
    Page,
    RecordChangedError,
    RecordExistsError,
    Storage,
    encode_token,
)
from tests.aws_server import Aws

NOW = "2026-01-02T03:04:05.000000+00:00"
RECORD = Record("0" * 32, "u", "k", NOW, {"vpp_thresh": 0.06, "step": 1, "protocol": []})


@pytest.fixture(params=[pytest.param("aws", marks=pytest.mark.aws), "local"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AwsStorage | LocalStorage]:
    if request.param == "aws":
        request.getfixturevalue("aws")
        yield AwsStorage(read_environment())
    else:
        local = LocalStorage(tmp_path / "data")
        yield local
        local.close()


def test_records_never_go_backwards(storage: Storage) -> None:
    with pytest.raises(NotFoundError):
        storage.read(RECORD.analysis_id)
    with pytest.raises(RecordChangedError):
        storage.replace(claim(RECORD, "me", 100.0, 200.0))
    storage.create(RECORD)
    with pytest.raises(RecordExistsError):
        storage.create(replace(RECORD, user_id="other"))
    mine = claim(RECORD, "me", 100.0, 200.25)
    storage.replace(mine)
    for late in (claim(RECORD, "other", 100.0, 200.0), fail(RECORD, {})):
        with pytest.raises(RecordChangedError):
            storage.replace(late)
    assert storage.read(RECORD.analysis_id) == mine
    storage.replace(advance(mine, 50))
    done = complete(
        advance(mine, 50),
        "video",
        {"a": 1.5, "b": None, "c": [1e-7, 0.1 + 0.2], "d": {"x": True, "y": 12}, "e": ""},
        {"csv": "key"},
    )
    storage.replace(done)
    assert storage.read(RECORD.analysis_id) == done
    json.dumps(storage.read(RECORD.analysis_id).outcome, allow_nan=False)
    for late in (advance(mine, 60), fail(mine, {})):
        with pytest.raises(RecordChangedError):
            storage.replace(late)
    with pytest.raises(ValueError, match="completed"):
        claim(done, "other", 1e12, 2e12)
    with pytest.raises(AssertionError):
        fail(done, {})


def test_files_and_lists(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(bytes(range(256)) * 100)
    storage.put_file("users/u+v@w/eye/x/original", source, "binary/octet-stream")
    file = storage.open_file("users/u+v@w/eye/x/original")
    assert file.size_bytes == 25_600
    with file.stream as stream:
        assert stream.read() == source.read_bytes()
    version = file.version
    source.write_bytes(b"other")
    storage.put_file("users/u+v@w/eye/x/original", source, "binary/octet-stream")
    changed = storage.open_file("users/u+v@w/eye/x/original")
    changed.stream.close()
    assert changed.version.name != version.name
    with pytest.raises(NotFoundError):
        storage.open_file("users/u/none")

    for count in range(5):
        storage.create(
            replace(
                RECORD, analysis_id=f"{count:032x}", created_at=NOW.replace("05.", f"1{count}.")
            )
        )
    storage.create(replace(RECORD, analysis_id="f" * 32, user_id="other"))
    page = storage.list_records("u", 3, "")
    assert [int(record.analysis_id, 16) for record in page.records] == [4, 3, 2]
    rest = storage.list_records("u", 3, page.next_token)
    assert [int(record.analysis_id, 16) for record in rest.records] == [1, 0]
    assert rest.next_token == ""
    assert storage.list_records("nobody", 3, "").records == ()
    stolen = storage.list_records("other", 3, encode_token(page.records[0]))
    assert {record.user_id for record in stolen.records} <= {"other"}
    for token in ("x", "AAAA", "é", "\ud800", encode_token(replace(RECORD, analysis_id="x"))):
        with pytest.raises(BadRequestError):
            storage.list_records("u", 3, token)


def test_a_file_is_offered_for_reading(storage: Storage) -> None:
    key = f"users/u/eye/{RECORD.analysis_id}/{REPORT}"
    if isinstance(storage, LocalStorage):
        storage.address = "http://127.0.0.1:8000"
        offered = storage.offer_download(key, content_type_of(key))
        assert offered == f"http://127.0.0.1:8000/reports/{RECORD.analysis_id}"
        return
    parts = urlsplit(storage.offer_download(key, content_type_of(key)))
    assert parts.path.endswith(key)
    query = parse_qs(parts.query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == [str(DOWNLOAD_VALID_S)]
    assert query["response-content-type"] == ["text/html; charset=utf-8"]
    assert query["response-cache-control"] == ["no-store"]


def test_numbers_are_dynamodbs_and_a_record_fits_into_an_item(aws: Aws) -> None:
    storage = AwsStorage(read_environment())
    storage.create(RECORD)
    (item,) = aws.items()
    plain = TypeDeserializer().deserialize({"M": item})
    assert plain["parameters"]["vpp_thresh"] == Decimal("0.06")
    assert plain["version"] == Decimal(1)
    large = complete(claim(RECORD, "me", 0.0, 1.0), "video", {"a": "x" * 400_000}, {})
    with pytest.raises(HandlerError, match="too large"):
        storage.replace(large)
    bad = complete(claim(RECORD, "me", 0.0, 1.0), "video", {"a": float("nan")}, {})
    with pytest.raises(ValueError, match="JSON"):
        storage.replace(bad)


def test_an_older_programs_items_are_no_analyses(aws: Aws) -> None:
    storage = AwsStorage(read_environment())
    old = {"analysis_id": "old", "user_id": "u", "created_at": NOW, "timestamp": "x"}
    aws.dynamodb.put_item(
        TableName="test-analyses", Item={key: {"S": value} for key, value in old.items()}
    )
    storage.create(RECORD)
    assert storage.list_records("u", 10, "").records == (RECORD,)
    with pytest.raises(NotFoundError):
        storage.read("old")
    with pytest.raises(RecordExistsError):
        storage.create(replace(RECORD, analysis_id="old"))


def test_older_programs_items_hide_no_analyses_behind_them(aws: Aws) -> None:
    storage = AwsStorage(read_environment())
    for count in range(5):
        old = {"analysis_id": f"old{count}", "user_id": "u", "created_at": f"2027-01-0{count + 1}"}
        aws.dynamodb.put_item(
            TableName="test-analyses", Item={key: {"S": value} for key, value in old.items()}
        )
    storage.create(RECORD)
    assert storage.list_records("u", 2, "").records == (RECORD,)
    assert storage.list_records("u", 100, "") == Page((RECORD,), "")


def test_what_nobody_takes_over_is_told_as_failed(tmp_path: Path) -> None:
    """A process that was killed writes nothing: who asks must not wait for ever."""
    storage = LocalStorage(tmp_path)
    service = Service(storage, None)
    limits = Limits(time.time() + 60, None)
    for index, (gone_s, status) in enumerate(
        [
            (-60, "processing"),
            (TAKEN_OVER_WITHIN_S - 60, "processing"),
            (TAKEN_OVER_WITHIN_S, "failed"),
        ]
    ):
        record = replace(RECORD, analysis_id=f"{index:032}")
        storage.create(record)
        storage.replace(claim(record, "me", 0.0, time.time() - gone_s))
        document = service.run(
            GetStatus(record.analysis_id, Caller("operator")), limits, "r"
        ).document
        assert document["status"] == status
        assert document.get("code") == ("interrupted" if status == "failed" else None)
        # It can still be gone on with.
        assert storage.read(record.analysis_id).state == "processing"
    storage.close()
