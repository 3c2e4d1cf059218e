"""AWS for tests: moto's server, and in front of it a proxy that fails where it is told to."""

import contextlib
import http.client
import logging
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import moto.backends
import pytest
from moto.server import ThreadedMotoServer

from handler.aws import USER_INDEX

BUCKET, TABLE, QUEUE = "test-bucket", "test-analyses", "test-queue"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass
class Fault:
    """What goes wrong with some requests.

    `operation` is S3's as `PUT summary.json` (method and last part of the key), DynamoDB's and
    SQS' as `PutItem`. The first `skip` ones pass, then `times` of them fail; or every other one,
    the first among them.
    """

    operation: str
    kind: str
    times: int
    skip: int = 0
    every_other: bool = False
    met: int = field(default=0, init=False)

    def strikes(self, operation: str) -> bool:
        if operation != self.operation:
            return False
        self.met += 1
        if self.every_other:
            return self.met % 2 == 1
        return self.skip < self.met <= self.skip + self.times


class FaultyProxy(ThreadingHTTPServer):
    """Passes requests on to a server, except for its `faults`."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _ProxyHandler)
        self.backend = (host, port)
        self.faults: list[Fault] = []
        self.operations: list[str] = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_arguments: object) -> None:
        """Say nothing: clients that give up are what is tested."""


class _ProxyHandler(BaseHTTPRequestHandler):
    server: FaultyProxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _pass_on(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
        body = self.rfile.read(length)
        target = self.headers.get("X-Amz-Target", "")
        name = self.path.split("?")[0].rsplit("/", 1)[-1]
        operation = target.rsplit(".", 1)[-1] or f"{self.command} {name}"
        with self.server.lock:
            self.server.operations.append(operation)
            kind = next((f.kind for f in self.server.faults if f.strikes(operation)), "")
        if kind == "timeout":
            time.sleep(0.6)
            self._reset()
            return
        if kind == "reset":
            self._reset()
            return
        if kind in ("server_error", "throttled", "denied"):
            self._refuse(kind, dynamodb="DynamoDB" in target, json=bool(target))
            return
        connection = http.client.HTTPConnection(*self.server.backend)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "expect"}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        if kind == "answer_lost":
            self._reset()
            return
        self.send_response_only(response.status)
        for key, value in response.getheaders():
            if key.lower() not in ("transfer-encoding", "connection"):
                self.send_header(key, value)
        if "Content-Length" not in response.headers and self.command != "HEAD":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if kind == "reset_midway":
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self._reset()
        elif kind == "cut_midway":
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        else:
            self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # noqa: N815

    def _reset(self) -> None:
        """End the connection by a reset, as a network that breaks down does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RD)
        self.connection.close()
        self.close_connection = True
        raise ConnectionAbortedError

    def _refuse(self, kind: str, *, dynamodb: bool, json: bool) -> None:
        status, code = {
            "server_error": (500, "InternalServerError" if json else "InternalError"),
            "throttled": (
                (400, "ProvisionedThroughputExceededException") if dynamodb else (503, "SlowDown")
            ),
            "denied": (
                400 if dynamodb else 403,
                "AccessDeniedException" if json else "AccessDenied",
            ),
        }[kind]
        secret = "users/somebody/secret"
        if json:
            data = f'{{"__type": "com.amazonaws#{code}", "message": "{secret}"}}'.encode()
            content_type = "application/x-amz-json-1.0"
        else:
            data = f"<Error><Code>{code}</Code><Message>{secret}</Message></Error>".encode()
            content_type = "application/xml"
        self.send_response_only(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(0 if self.command == "HEAD" else len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None:
        pass


@dataclass
class Aws:
    """A bucket, a table, a queue and state machines; and clients that meet no faults."""

    url: str
    proxy: FaultyProxy
    queue_url: str
    s3: Any
    dynamodb: Any
    sqs: Any
    states: Any

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a function that goes through the proxy."""
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.proxy.url,
            "S3_BUCKET": BUCKET,
            "DYNAMODB_TABLE": TABLE,
            "QUEUE_URL": self.queue_url,
        }

    def items(self) -> list[dict[str, Any]]:
        return list(self.dynamodb.scan(TableName=TABLE)["Items"])

    def list_keys(self) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=BUCKET)
        return [one["Key"] for one in listed.get("Contents", [])]

    def messages(self) -> list[str]:
        """Take the messages out of the queue."""
        bodies = []
        while found := self.sqs.receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10
        ).get("Messages"):
            for message in found:
                bodies.append(message["Body"])
                self.sqs.delete_message(
                    QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return bodies

    def clear(self) -> None:
        """Forget all records, files, messages and faults."""
        self.proxy.faults.clear()
        self.proxy.operations.clear()
        for item in self.items():
            self.dynamodb.delete_item(TableName=TABLE, Key={"analysis_id": item["analysis_id"]})
        if versions := self.list_versions():
            objects = [{"Key": key, "VersionId": version} for key, version in versions]
            self.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
        self.messages()

    def list_versions(self) -> list[tuple[str, str]]:
        """Return key and id of all versions of all files, and of the marks of deleted ones."""
        listed = self.s3.list_object_versions(Bucket=BUCKET)
        return [
            (one["Key"], one["VersionId"])
            for kind in ("Versions", "DeleteMarkers")
            for one in listed.get(kind, [])
        ]

    @contextlib.contextmanager
    def versioning(self) -> Iterator[None]:
        """Have the bucket keep versions for a while."""
        try:
            self._keep_versions("Enabled")
            yield
        finally:
            self.clear()
            self._keep_versions("Suspended")

    def _keep_versions(self, status: str) -> None:
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": status})


@contextlib.contextmanager
def run_aws() -> Iterator[Aws]:
    """Start moto's server and the proxy; yield what is in them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        # moto lists its directory anew for every request.
        modules = list(moto.backends.list_of_moto_modules())
        patch.setattr(moto.backends, "list_of_moto_modules", lambda: modules)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        proxy = FaultyProxy(host, port)
        url = f"http://{host}:{port}"
        s3, dynamodb, sqs, states = (
            boto3.client(name, endpoint_url=url)
            for name in ("s3", "dynamodb", "sqs", "stepfunctions")
        )
        s3.create_bucket(Bucket=BUCKET)
        dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"}
                for name in ("analysis_id", "user_id", "created_at")
            ],
            KeySchema=[{"AttributeName": "analysis_id", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": USER_INDEX,
                    "KeySchema": [
                        {"AttributeName": "user_id", "KeyType": "HASH"},
                        {"AttributeName": "created_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        queue_url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        try:
            yield Aws(url, proxy, queue_url, s3, dynamodb, sqs, states)
        finally:
            proxy.shutdown()
            proxy.server_close()
            server.stop()
