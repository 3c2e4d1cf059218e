"""Tell the operator's server that an analysis has ended; see docs/api.md.

An event begins in the stream of the analyses' table, not in the processes that analyse: each write
that ends an analysis appears there, whichever way it ended, and a process that dies just after the
write loses nothing. From the stream an event goes into a queue, and from the queue to the server,
at growing intervals until the server takes it. After eight attempts in about 29 h it is put aside,
into the queue of dead letters.

Requests follow the specification Standard Webhooks 1.0.0 (https://www.standardwebhooks.com), so
that the receiver can check them with a ready library.
"""

import base64
import hmac
import http.client
import json
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from aws_lambda_powertools import Logger

from handler.errors import HandlerError, describe_for_log
from tracker.version import __version__

EVENT_TYPES = {"completed": "analysis.completed", "failed": "analysis.failed"}
"""The type of the event when an analysis enters this state."""
RETRY_DELAYS_S = (5, 300, 1800, 7200, 18000, 36000, 36000)
"""How long an event waits after the first, second … attempt; after one more it is a dead letter.
SQS hides a message for 12 hours at most."""
MAX_JITTER = 0.1
"""Events that failed together are not sent again together: each waits up to so much longer."""
TIMEOUT_S = 10.0
"""How long the server may take for each step: to accept the connection, and to answer."""
ATTEMPT_S = 30
"""Longest time of an attempt: the function's timeout. It ends an answer that comes byte by byte."""
SECRET_VALID_S = 300.0
"""How long a secret may still sign after the operator has replaced it."""


class WebhookQueue(Protocol):
    """What `Webhook` needs of the queue in which events wait; see `handler.aws.AwsWebhookQueue`.

    `send` puts an event in, `postpone` puts off the next delivery of a message, and `read_secret`
    returns the secret that signs requests.
    """

    def send(self, message: str) -> None: ...

    def postpone(self, receipt: str, delay_s: int) -> None: ...

    def read_secret(self) -> str: ...


class Webhook:
    """Puts events (an analysis has ended) into a queue, and sends those in it to the server.

    Parameters
    ----------
    url : str
        The server's https address.
    queue : WebhookQueue
        Holds the events, and knows the secret that signs the requests.
    logger : Logger
        Its messages hold ids, status codes, and names and source lines of errors; never the
        address, the secret, or what the server answered.
    post : callable, optional
        Takes an address, headers and a body, POSTs them, and returns the answer's status code.
        Default: `post_json`.
    """

    def __init__(
        self,
        url: str,
        queue: WebhookQueue,
        logger: Logger,
        post: Callable[[str, Mapping[str, str], bytes], int] | None = None,
    ) -> None:
        self._url = url
        self._queue = queue
        self._logger = logger
        self._post = post or post_json
        self._secret = ""
        self._secret_read_s = 0.0

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Handle a batch: entries of the table's stream, or messages of the queue.

        An entry that ends an analysis is put into the queue as an event. A message is an event of
        the queue, which is sent to the server.

        Parameters
        ----------
        event : dict
            The event that Lambda passes to the function.

        Returns
        -------
        dict
            ``batchItemFailures``: the messages that the server has not taken, so that the queue
            delivers them again.

        Raises
        ------
        HandlerError
            The queue did not take an entry's event. Lambda then passes the whole batch again.
        """
        failed = []
        for record in event["Records"]:
            if record["eventSource"] == "aws:dynamodb":
                self._announce(record)
            elif not self._deliver(record):
                failed.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failed}

    def _announce(self, entry: Mapping[str, Any]) -> None:
        """Put the event of an entry of the stream into the queue, if it ended an analysis.

        An entry that is about no analysis is logged, and otherwise ignored.
        """
        try:
            message = make_message(entry)
        except KeyError:
            # Another program writes to the table, too. Raised, this would hold up all entries
            # behind it for as long as the mapping repeats the batch.
            self._logger.warning("not an analysis", extra={"event_id": entry["eventID"]})
            return
        if message:
            self._queue.send(message)

    def _deliver(self, record: Mapping[str, Any]) -> bool:
        """Send the event in a message of the queue to the server; return whether it took it.

        The server has taken it if it answers with a status of 200 to 299; any error counts as not
        taken. Before sending, the message's next delivery is put off by `ATTEMPT_S` seconds plus
        what `choose_delay_s` returns.
        """
        message = json.loads(record["body"])
        attempt = int(record["attributes"]["ApproximateReceiveCount"])
        about = {"event_id": message["id"], "attempt": attempt}
        try:
            # Before it is sent, so that it waits as long if this process is stopped meanwhile.
            self._queue.postpone(record["receiptHandle"], ATTEMPT_S + choose_delay_s(attempt))
            body = message["body"].encode()
            now_s = int(time.time())
            headers = {
                "Content-Type": "application/json",
                "User-Agent": f"eye-tracking/{__version__}",
                "webhook-id": message["id"],
                "webhook-timestamp": str(now_s),
                "webhook-signature": sign(self._read_secret(), message["id"], now_s, body),
            }
            status = self._post(self._url, headers, body)
        except (HandlerError, OSError, ValueError, http.client.HTTPException) as error:
            # The texts of errors may name the server.
            trace = describe_for_log(error)
            self._logger.warning("not delivered", extra={**about, "trace": trace})
            return False
        taken = 200 <= status < 300
        text = "delivered" if taken else "not delivered"
        self._logger.info(text, extra={**about, "status_code": status})
        return taken

    def _read_secret(self) -> str:
        now_s = time.monotonic()
        if not self._secret or now_s - self._secret_read_s > SECRET_VALID_S:
            self._secret, self._secret_read_s = self._queue.read_secret(), now_s
        return self._secret


def make_message(entry: Mapping[str, Any]) -> str:
    """Return the queue's message about a write to the analyses' table; "" if it ended no analysis.

    `entry` is one of the ``Records`` that DynamoDB's stream passes to a function. The write ended
    an analysis if it set the state to completed or failed, and the state was another before.

    The message is JSON: ``id``, the event's, and ``body``, the text to send. The body names the
    analysis, but neither its user nor its result: the receiver asks the API for these, which checks
    who asks.

    Raises
    ------
    KeyError
        What was written has such a state, but not the fields of an analysis' record.
    """
    written = entry["dynamodb"]
    state = _read_state(written, "NewImage")
    if state not in EVENT_TYPES or state == _read_state(written, "OldImage"):
        return ""
    ended_s = float(written["ApproximateCreationDateTime"])
    body = {
        "type": EVENT_TYPES[state],
        "timestamp": datetime.fromtimestamp(ended_s, UTC).isoformat(),
        "version": __version__,
        "data": {
            "analysis_id": written["NewImage"]["analysis_id"]["S"],
            "status": state,
            "created_at": written["NewImage"]["created_at"]["S"],
        },
    }
    # The id of the entry is the same whenever the stream repeats it.
    return json.dumps({"id": f"msg_{entry['eventID']}", "body": json.dumps(body)})


def _read_state(written: Mapping[str, Any], image: str) -> str:
    return str(written.get(image, {}).get("state", {}).get("S", ""))


def choose_delay_s(attempt: int) -> int:
    """Return how many seconds an event waits after its attempt number `attempt`, counted from 1.

    It is the attempt's time in `RETRY_DELAYS_S`, or the last of these for later attempts. Up to
    10 % of it (`MAX_JITTER`) is added at random, so that events that failed together are not sent
    again together.
    """
    longest_s = RETRY_DELAYS_S[min(attempt, len(RETRY_DELAYS_S)) - 1]
    return round(longest_s * (1 + random.uniform(0, MAX_JITTER)))


def sign(secret: str, event_id: str, timestamp_s: int, body: bytes) -> str:
    """Return the value of the header ``webhook-signature``, which proves who sent a request.

    It is ``v1,`` and the base64 of the HMAC-SHA256 of ``event_id.timestamp_s.body``.

    Parameters
    ----------
    secret : str
        The key in base64; ``whsec_`` may stand before it.
    event_id : str
        Value of the header ``webhook-id``.
    timestamp_s : int
        When the request is sent, in Unix seconds: the value of ``webhook-timestamp``.
    body : bytes
        The request's body, byte by byte as it is sent.

    Raises
    ------
    ValueError
        The secret is not base64.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    digest = hmac.digest(key, f"{event_id}.{timestamp_s}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def post_json(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Post a JSON body to an https address and return the answer's status code.

    It follows no redirect, asks no proxy, and does not read the answer's body.

    Raises
    ------
    OSError, http.client.HTTPException
        The server does not accept the connection, or does not answer, within `TIMEOUT_S` seconds
        for each step; or its answer is no HTTP.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", target, body, dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()
