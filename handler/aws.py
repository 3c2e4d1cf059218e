"""The storage in AWS: S3, DynamoDB, SQS, Step Functions.

No other file of the handler uses boto3.
"""

import io
import json
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, fields
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from handler.aws_errors import make_unavailable, translate
from handler.environment import Environment, WebhookEnvironment
from handler.errors import HandlerError, NotFoundError, StorageUnavailableError
from handler.records import Record, is_over
from handler.storage import (
    DOWNLOAD_VALID_S,
    UPLOAD_VALID_S,
    Page,
    RecordChangedError,
    RecordExistsError,
    StoredVersion,
    UploadOffer,
    decode_token,
    encode_token,
)

USER_INDEX = "user_id-created_at-index"
"""The table's global secondary index: partition key `user_id`, sort key `created_at`."""
MAX_ITEM_BYTES = 390_000
"""DynamoDB's limit is 400 kB; it counts names and numbers as slightly larger than JSON does."""
BLOCK_BYTES = 8 * 2**20
BLOCKS_KEPT = 4
"""Most blocks of an `S3Object` that are in memory: those of its index, and around a frame."""
READ_ATTEMPTS = 4
MAX_DELETED = 1000
"""Objects that S3 deletes in one request."""

# These timeouts leave room for retries within API Gateway's 29 s.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=6,
    retries={"mode": "standard", "total_max_attempts": 4},
)
_REGIONAL = {"us_east_1_regional_endpoint": "regional", "addressing_style": "virtual"}


class AwsStorage:
    """Stores records in DynamoDB, files in S3 and messages in SQS; see `handler.storage.Storage`.

    Parameters
    ----------
    environment : Environment
        Names of the bucket, the table, the queue and the state machine.
    """

    def __init__(self, environment: Environment) -> None:
        self._bucket = environment.bucket
        self._table = environment.table
        self._queue_url = environment.queue_url
        self._fan_out_arn = environment.fan_out_arn
        self._workers = environment.fan_out_workers
        # Newer regions like Seoul accept neither the older signature nor the global address.
        self._s3 = boto3.client(
            "s3", config=_CONFIG.merge(Config(signature_version="s3v4", s3=_REGIONAL))
        )
        self._dynamodb = boto3.client("dynamodb", config=_CONFIG)
        self._sqs = boto3.client("sqs", config=_CONFIG) if environment.queue_url else None
        self._states = (
            boto3.client("stepfunctions", config=_CONFIG) if environment.fan_out_arn else None
        )

    def create(self, record: Record) -> None:
        try:
            # DynamoDB may take two days to remove a record whose time is over.
            self._put(
                record,
                "attribute_not_exists(analysis_id) OR expires_at <= :now",
                {":now": {"N": str(int(time.time()))}},
            )
        except RecordChangedError as error:
            raise RecordExistsError from error

    def replace(self, record: Record) -> None:
        # DynamoDB reserves `owner`, so no expression may use it; it may use `version` and `state`.
        self._put(record, "version = :before", {":before": {"N": str(record.version - 1)}})

    def _put(self, record: Record, condition: str, values: dict[str, Any]) -> None:
        item = _to_item(record)
        with _translated_errors():
            try:
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression=condition,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    ExpressionAttributeValues=values,
                )
            except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
                # This was a retry: the first write was made, but its answer was lost.
                if _from_item(error.response.get("Item", {})) != record:
                    raise RecordChangedError from error

    def read(self, analysis_id: str) -> Record:
        with _translated_errors():
            answer = self._dynamodb.get_item(
                TableName=self._table, Key={"analysis_id": {"S": analysis_id}}, ConsistentRead=True
            )
        record = _from_item(answer.get("Item", {}))
        if record is None or is_over(record, time.time()):
            raise NotFoundError("analysis_not_found", "There is no analysis of this id.")
        return record

    def list_records(self, user_id: str, limit: int, token: str) -> Page:
        start: dict[str, Any] = {}
        if token:
            created_at, analysis_id = decode_token(token)
            start["ExclusiveStartKey"] = {
                "analysis_id": {"S": analysis_id},
                # The user who asks, so that a token cannot lead to anybody else's records.
                "user_id": {"S": user_id},
                "created_at": {"S": created_at},
            }
        while True:
            with _translated_errors():
                answer = self._dynamodb.query(
                    TableName=self._table,
                    IndexName=USER_INDEX,
                    KeyConditionExpression="user_id = :user",
                    ExpressionAttributeValues={":user": {"S": user_id}},
                    ScanIndexForward=False,
                    Limit=limit,
                    **start,
                )
            found = (_from_item(item) for item in answer["Items"])
            now_s = time.time()
            records = tuple(
                record
                for record in found
                if record is not None and record.user_id and not is_over(record, now_s)
            )
            if records or "LastEvaluatedKey" not in answer:
                break
            # All items of this page have expired or are an older program's; records may follow.
            start["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return Page(records, encode_token(records[-1]) if "LastEvaluatedKey" in answer else "")

    def put_file(self, key: str, path: Path, content_type: str) -> StoredVersion:
        # In one request, so that it is stored whole or not at all.
        with _translated_errors(), path.open("rb") as file:
            answer = self._s3.put_object(
                Bucket=self._bucket, Key=key, Body=file, ContentType=content_type
            )
        return _read_version(answer)

    def open_file(self, key: str, version_id: str = "") -> "S3Object":
        with _translated_errors():
            head = self._s3.head_object(
                Bucket=self._bucket, Key=key, **({"VersionId": version_id} if version_id else {})
            )
        return S3Object(self._s3, self._bucket, key, head)

    def has_file(self, key: str) -> bool:
        return any(current and one["Key"] == key for one, current in self._list_versions(key))

    def list_files(self, prefix: str) -> set[str]:
        return {one["Key"] for one, current in self._list_versions(prefix) if current}

    def delete_version(self, key: str, version_id: str) -> None:
        self._delete([{"Key": key, "VersionId": version_id}])

    def delete_file(self, key: str) -> None:
        self._delete_all([one for one, _ in self._list_versions(key) if one["Key"] == key])

    def delete_files(self, prefix: str) -> set[str]:
        listed = [one for one, _ in self._list_versions(prefix)]
        self._delete_all(listed)
        return {one["Key"] for one in listed}

    def _delete_all(self, listed: list[dict[str, Any]]) -> None:
        found = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in listed]
        for start in range(0, len(found), MAX_DELETED):
            self._delete(found[start : start + MAX_DELETED])

    def _list_versions(self, prefix: str) -> Iterator[tuple[dict[str, Any], bool]]:
        """Yield each version of the files whose keys begin with `prefix`, and whether it is newest.

        A version is a dictionary as S3 describes it, with ``Key`` and ``VersionId``. S3's delete
        markers are yielded too, never as the newest: a deleted file has no newest version.
        """
        position: dict[str, str] = {}
        while True:
            with _translated_errors():
                page = self._s3.list_object_versions(Bucket=self._bucket, Prefix=prefix, **position)
            for one in page.get("Versions", []):
                yield one, one["IsLatest"]
            for one in page.get("DeleteMarkers", []):
                yield one, False
            if not page.get("IsTruncated"):
                return
            position = {
                "KeyMarker": page["NextKeyMarker"],
                "VersionIdMarker": page["NextVersionIdMarker"],
            }

    def _delete(self, versions: list[dict[str, str]]) -> None:
        with _translated_errors():
            answer = self._s3.delete_objects(
                Bucket=self._bucket, Delete={"Objects": versions, "Quiet": True}
            )
        for error in answer.get("Errors", []):
            # S3 deletes the objects that it can, and answers 200 even if others are left.
            raise translate({"Error": error})

    def locate(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def offer_upload(self, key: str, content_type: str, max_bytes: int) -> UploadOffer:
        with _translated_errors():
            post = self._s3.generate_presigned_post(
                self._bucket,
                key,
                Fields={"Content-Type": content_type},
                Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, max_bytes]],
                ExpiresIn=UPLOAD_VALID_S,
            )
        return UploadOffer(post["url"], post["fields"])

    def offer_download(self, key: str, content_type: str) -> str:
        with _translated_errors():
            url: str = self._s3.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": key,
                    "ResponseContentType": content_type,
                    "ResponseCacheControl": "no-store",
                },
                ExpiresIn=DOWNLOAD_VALID_S,
            )
        return url

    @property
    def can_enqueue(self) -> bool:
        return self._sqs is not None

    def enqueue(self, message: dict[str, Any]) -> None:
        assert self._sqs is not None
        with _translated_errors():
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(message))

    def withdraw(self, analysis_id: str) -> None:
        pass

    @property
    def workers(self) -> int:
        return 0 if self._states is None else self._workers

    def start_fan_out(self, execution: str, analysis_id: str) -> None:
        assert self._states is not None
        with _translated_errors():
            # The input stays in the execution's history for 90 days: no user and no key in it.
            self._states.start_execution(
                stateMachineArn=self._fan_out_arn,
                name=execution,
                input=json.dumps({"analysis_id": analysis_id, "execution": execution}),
            )

    def stop_fan_out(self, execution: str) -> None:
        if self._states is None:
            return
        arn = self._fan_out_arn.replace(":stateMachine:", ":execution:", 1)
        # It may never have begun, or have ended long ago.
        gone = self._states.exceptions.ExecutionDoesNotExist
        with _translated_errors(), suppress(gone):
            self._states.stop_execution(executionArn=f"{arn}:{execution}")

    def postpone(self, receipt: str, delay_s: int) -> None:
        if self._sqs is None or not receipt:
            return
        with _translated_errors():
            self._sqs.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=receipt, VisibilityTimeout=delay_s
            )


class AwsWebhookQueue:
    """The queue of the webhook's events, and the secret that signs them.

    The Lambda function that sends the webhook uses it. That function runs no analysis, and may
    reach no file and no record.

    Parameters
    ----------
    environment : WebhookEnvironment
        Address of the queue and name of the secret.
    """

    def __init__(self, environment: WebhookEnvironment) -> None:
        self._queue_url = environment.queue_url
        self._secret_arn = environment.secret_arn
        self._sqs = boto3.client("sqs", config=_CONFIG)
        self._secrets = boto3.client("secretsmanager", config=_CONFIG)

    def send(self, message: str) -> None:
        """Put an event into the queue: the text that `handler.webhook.make_message` returns."""
        with _translated_errors():
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=message)

    def postpone(self, receipt: str, delay_s: int) -> None:
        """Have a message delivered again after `delay_s` seconds, unless it is deleted by then.

        `receipt` is the handle that the queue gave with this delivery (``receiptHandle``).
        """
        with _translated_errors():
            self._sqs.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=receipt, VisibilityTimeout=delay_s
            )

    def read_secret(self) -> str:
        """Return the secret as it is now: the operator may replace it at any time."""
        with _translated_errors():
            answer = self._secrets.get_secret_value(SecretId=self._secret_arn)
        secret: str = answer["SecretString"]
        return secret


class S3Object(io.BufferedIOBase):
    """A file in S3 that is read in blocks, so that only a few of them are in memory.

    It is the stream and the `StoredObject` in one. Reads never mix two versions. If the file is
    replaced in S3 while it is open, they go on with the old version where the bucket keeps
    versions, and raise `ConflictError` where it does not.

    Parameters
    ----------
    s3 : boto3 client
    bucket, key : str
    head : dict
        What S3 answers to ``head_object`` of the version to read.
    """

    def __init__(self, s3: Any, bucket: str, key: str, head: dict[str, Any]) -> None:
        self.size_bytes: int = head["ContentLength"]
        self.version = _read_version(head)
        self.stored_at = head["LastModified"].astimezone(UTC).isoformat(timespec="seconds")
        self._s3, self._bucket, self._key = s3, bucket, key
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    @property
    def stream(self) -> Self:
        """The stream that the content is read from: this object itself."""
        return self

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size_bytes}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self.size_bytes - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        parts = []
        while wanted > 0:
            index, offset = divmod(self._position, BLOCK_BYTES)
            part = self._block(index)[offset : offset + wanted]
            parts.append(part)
            self._position += len(part)
            wanted -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _block(self, index: int) -> bytes:
        if index not in self._blocks:
            if len(self._blocks) >= BLOCKS_KEPT:
                self._blocks.popitem(last=False)
            self._blocks[index] = self._fetch(index)
        self._blocks.move_to_end(index)
        return self._blocks[index]

    def _fetch(self, index: int) -> bytes:
        first = index * BLOCK_BYTES
        last = min(first + BLOCK_BYTES, self.size_bytes) - 1
        for attempt in range(READ_ATTEMPTS):
            try:
                with _translated_errors():
                    answer = self._s3.get_object(
                        Bucket=self._bucket,
                        Key=self._key,
                        Range=f"bytes={first}-{last}",
                        IfMatch=self.version.etag,
                        **_name_version(self.version),
                    )
                # boto3 does not retry once the body has begun.
                with _translated_errors(), closing(answer["Body"]) as body:
                    block: bytes = body.read()
                if len(block) == last - first + 1:
                    return block
            except StorageUnavailableError:
                if attempt == READ_ATTEMPTS - 1:
                    raise
            time.sleep(0.1 * 2**attempt)
        raise make_unavailable()


def _read_version(answer: dict[str, Any]) -> StoredVersion:
    version_id = answer.get("VersionId", "")
    return StoredVersion(answer["ETag"], "" if version_id == "null" else version_id)


def _name_version(version: StoredVersion) -> dict[str, str]:
    return {"VersionId": version.version_id} if version.version_id else {}


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Replace errors of boto3 and of the network in the ``with`` block by `HandlerError`.

    Its message names no file and no user.
    """
    try:
        yield
    except ClientError as error:
        raise translate(error.response) from error
    except (BotoCoreError, HTTPClientError, OSError) as error:
        raise make_unavailable() from error


def _to_item(record: Record) -> dict[str, Any]:
    text = json.dumps(asdict(record), allow_nan=False)
    if len(text) > MAX_ITEM_BYTES:
        raise HandlerError("record_too_large", "The result is too large to be stored.")
    # DynamoDB accepts no floats.
    document = json.loads(text, parse_float=Decimal)
    item: dict[str, Any] = TypeSerializer().serialize(document)["M"]
    # DynamoDB takes no empty key of an index; a deleted record belongs to nobody.
    return (
        item
        if record.user_id
        else {k: v for k, v in item.items() if k not in ("user_id", "created_at")}
    )


def _from_item(item: dict[str, Any]) -> Record | None:
    """Return the record in an item of the table.

    None if the item is empty, or lacks a field because an incompatible program wrote it.
    """
    document = _plain(TypeDeserializer().deserialize({"M": item}))
    if document.get("state") == "deleted":
        document = {"user_id": "", "created_at": "", **document}
    known = {field.name: document[field.name] for field in fields(Record) if field.name in document}
    try:
        return Record(**known)
    except TypeError:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
