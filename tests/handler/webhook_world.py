"""The webhook's surroundings: a table with its stream, a queue, and a server that receives."""

import base64
import contextlib
import datetime
import hashlib
import io
import ipaddress
import json
import ssl
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto.events.models import EventPattern

from handler.aws import AwsStorage, AwsWebhookQueue
from handler.environment import read_environment, read_webhook_environment
from handler.webhook import Webhook
from tests.aws_server import Aws
from tests.deploy.test_template import properties
from tests.handler.divided import WORKERS, DividedWorld
from tests.handler.fake_engine import FakeEngine

TABLE = "streamed-analyses"
SECRET = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0U1v2"
"""As the template's secret is generated: 44 letters and digits."""


def naive_sign(secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    """Return a signature of Standard Webhooks, with HMAC as RFC 2104 defines it."""
    key = base64.b64decode(secret).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(one ^ 0x36 for one in key))
    inner.update(event_id.encode() + b"." + timestamp.encode() + b"." + body)
    outer = hashlib.sha256(bytes(one ^ 0x5C for one in key) + inner.digest())
    return "v1," + base64.b64encode(outer.digest()).decode()


@dataclass(frozen=True)
class Received:
    """A request that the receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


@dataclass
class Receiver:
    """An https server on this machine that answers as it is told, and else with 204.

    `answers` holds a status for each next request, or ``hang`` (no answer until the client gives
    up), ``reset`` (the connection ends), or ``endless`` (200 and a body without end).
    """

    url: str
    certificate: Path
    answers: list[int | str] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    sent_bytes: int = 0
    released: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def run_receiver(folder: Path) -> Iterator[Receiver]:
    """Run the server, with a certificate of its own that nobody else trusts."""
    certificate, key = _make_certificate(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _ReceiverHandler)
    server.daemon_threads = True
    server.handle_error = lambda *_arguments: None  # type: ignore[method-assign]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    # The handshake is the thread's, so that one that fails stops nobody.
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    url = f"https://127.0.0.1:{server.server_port}/eye-tracking?hook=1"
    receiver = Receiver(url, certificate)
    server.receiver = receiver  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()


class _ReceiverHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.received.append(Received(self.path, headers, body))
        answer = receiver.answers.pop(0) if receiver.answers else 204
        if answer == "hang":
            receiver.released.wait(60)
        elif answer == "endless":
            self.send_response(200)
            self.end_headers()
            while not receiver.released.is_set():
                receiver.sent_bytes += self.wfile.write(bytes(2**16))
        elif answer != "reset":
            assert isinstance(answer, int)
            self.send_response(answer)
            self.send_header("Location", receiver.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        self.close_connection = True

    def do_GET(self) -> None:
        raise AssertionError("a redirect was followed")

    def log_message(self, *_arguments: object) -> None:
        pass


def _make_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "receiver.pem", folder / "receiver.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


class StreamedStorage(AwsStorage):
    """S3 and the table; executions are kept here until a test runs them."""

    def __init__(self) -> None:
        super().__init__(read_environment())
        self.started: dict[str, str] = {}

    @property
    def workers(self) -> int:
        return WORKERS

    def start_fan_out(self, execution: str, analysis_id: str) -> None:
        self.started[execution] = json.dumps({"analysis_id": analysis_id, "execution": execution})

    def stop_fan_out(self, execution: str) -> None:
        pass


def create_table(dynamodb: Any) -> None:
    """Create the template's table, with its stream."""
    about = properties("Table")
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=about["AttributeDefinitions"],
        KeySchema=about["KeySchema"],
        GlobalSecondaryIndexes=about["GlobalSecondaryIndexes"],
        StreamSpecification={
            "StreamEnabled": True,
            **about["StreamSpecification"]["Fn::If"][1],
        },
    )


def create_queues(sqs: Any) -> tuple[str, str]:
    """Create the template's queue and its dead-letter queue; return their addresses."""
    about = properties("WebhookQueue")
    dead = sqs.create_queue(QueueName=f"dead-{uuid.uuid4().hex}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    redrive = {
        "deadLetterTargetArn": arn["QueueArn"],
        "maxReceiveCount": about["RedrivePolicy"]["maxReceiveCount"],
    }
    queue = sqs.create_queue(
        QueueName=f"webhook-{uuid.uuid4().hex}",
        Attributes={
            "VisibilityTimeout": str(about["VisibilityTimeout"]),
            "RedrivePolicy": json.dumps(redrive),
        },
    )["QueueUrl"]
    return queue, dead


def read_filters() -> list[EventPattern]:
    """Return the template's filters of the stream's entries."""
    about = properties("WebhookFunction")["Events"]["EndedAnalyses"]["Properties"]
    texts = [one["Pattern"] for one in about["FilterCriteria"]["Filters"]]
    return [EventPattern.load(text) for text in texts]


def passes(entry: dict[str, Any], filters: Sequence[EventPattern]) -> bool:
    """Return whether the function gets this entry."""
    return any(one.matches_event(entry) for one in filters)


class WebhookWorld(DividedWorld):
    """The API, whose table has a stream, and the webhook's function behind it.

    Attributes
    ----------
    delays_s : list of int
        How long messages were postponed, in order.
    webhook_log : io.StringIO
    """

    def __init__(self, aws: Aws, work_folder: Path) -> None:
        storage = StreamedStorage()
        super().__init__(storage, FakeEngine(), work_folder)
        self.sqs = aws.sqs
        environment = read_webhook_environment()
        self.queue_url = environment.queue_url
        queue = AwsWebhookQueue(environment)
        self.webhook_log = io.StringIO()
        logger = Logger(service=uuid.uuid4().hex, stream=self.webhook_log)
        self.webhook = Webhook(environment.url, queue, logger)
        self.delays_s: list[int] = []
        postpone = queue.postpone

        def note(receipt: str, delay_s: int) -> None:
            self.delays_s.append(delay_s)
            postpone(receipt, delay_s)

        queue.postpone = note  # type: ignore[method-assign]
        self._streams = boto3.client("dynamodbstreams", endpoint_url=aws.url)
        (stream,) = self._streams.list_streams(TableName=TABLE)["Streams"]
        self._arn = stream["StreamArn"]
        about = self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"]
        (self._shard,) = [one["ShardId"] for one in about["Shards"]]
        self._read = 0

    def read_stream(self) -> list[dict[str, Any]]:
        """Return all entries of the stream, as Lambda passes them to a function."""
        position = self._streams.get_shard_iterator(
            StreamArn=self._arn, ShardId=self._shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        entries = []
        for one in self._streams.get_records(ShardIterator=position, Limit=1000)["Records"]:
            written = dict(one["dynamodb"])
            written["ApproximateCreationDateTime"] = written[
                "ApproximateCreationDateTime"
            ].timestamp()
            entries.append(one | {"dynamodb": written, "eventSource": "aws:dynamodb"})
        return entries

    def list_new_entries(self) -> list[dict[str, Any]]:
        """Return the entries since the last call that the function gets."""
        entries = self.read_stream()
        new, self._read = entries[self._read :], len(entries)
        filters = read_filters()
        return [one for one in new if passes(one, filters)]

    def carry_on(self) -> None:
        """Carry what the stream has new into the queue."""
        if entries := self.list_new_entries():
            self.webhook.handle({"Records": entries})

    def send_one(self) -> bool:
        """Deliver one event of the queue, if there is one, and delete it if it was taken."""
        found = self.sqs.receive_message(
            QueueUrl=self.queue_url, AttributeNames=["ApproximateReceiveCount"]
        ).get("Messages")
        if not found:
            return False
        (message,) = found
        event = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "eventSource": "aws:sqs",
            "body": message["Body"],
            "attributes": message["Attributes"],
        }
        answer = self.webhook.handle({"Records": [event]})
        if not answer["batchItemFailures"]:
            self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        else:
            failed = [{"itemIdentifier": message["MessageId"]}]
            assert answer == {"batchItemFailures": failed}
            self.elapse(message["ReceiptHandle"])
        return True

    def elapse(self, receipt: str) -> None:
        """Let the time pass for which the message is hidden."""
        self.sqs.change_message_visibility(
            QueueUrl=self.queue_url, ReceiptHandle=receipt, VisibilityTimeout=0
        )
        time.sleep(0.001)

    def send_all(self) -> None:
        """Carry on what is new, and deliver until the queue is empty."""
        self.carry_on()
        while self.send_one():
            pass
