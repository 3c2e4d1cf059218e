"""Answer every kind of event that Lambda passes to the function.

These are HTTP calls through API Gateway, direct invocations, notifications of S3, and batches of
messages of the SQS queue.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from handler.answers import Answer
from handler.errors import (
    BadRequestError,
    ConflictError,
    HandlerError,
    describe_for_log,
    to_document,
    to_handler_error,
)
from handler.events import (
    HttpCall,
    parse_http_call,
    parse_notifications,
    parse_queue_message,
    read_http_event,
)
from handler.identity import Access
from handler.limits import Limits
from handler.requests import GetStatus, ListAnalyses, Request, parse_action
from handler.service import Service
from handler.storage import MAX_DELIVERIES

API_LIMIT_S = 29.0
"""API Gateway gives up after this time."""

_HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET,POST,DELETE,OPTIONS",
    "Access-Control-Allow-Headers": "Authorization,Content-Type,X-Api-Key",
    "Access-Control-Max-Age": "600",
}
_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
SOON_OVER = {"throttled", "storage_unavailable"}
"""Codes of errors after which a message comes again soon. The second is one of them because S3, in
an answer without a body, says only that it is unavailable, even if it is throttled."""
THROTTLED_S, THROTTLED_FACTOR = 60.0, 4.0
"""First wait of a message that a throttled storage stopped; how many times longer each next is."""
STOP_MARGIN_S = 1.0
"""An answer must be sent this long before the function is stopped."""


class Context(Protocol):
    """The parts of Lambda's context object that this program uses; any object with them will do."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


class RedeliveryError(Exception):
    """Raised so that AWS delivers the event again. Its text is the code of the error behind it."""


class Api:
    """Turns events into requests, has the service carry them out, and answers as AWS expects it.

    Routes are matched in `handler.events`, not by Powertools: its resolvers keep the current event
    in class attributes, which the local server's threads would share.

    Parameters
    ----------
    service : Service
        It carries out the requests.
    bucket : str or None
        Name of the S3 bucket. Notifications of other buckets are ignored. None: those of all
        buckets are accepted.
    access : Access
        How the sender of an HTTP request is identified.
    logger : Logger
        Its messages contain codes, ids of analyses and requests, and source lines; never a
        payload, a user id or a key.
    """

    def __init__(
        self, service: Service, bucket: str | None, access: Access, logger: Logger
    ) -> None:
        self._service = service
        self._bucket = bucket
        self._access = access
        self._logger = logger

    def handle(
        self, event: Any, context: Context, answer_within_s: float = API_LIMIT_S
    ) -> dict[str, Any]:
        """Answer an event.

        Parameters
        ----------
        event : dict
            The event that Lambda passes to the function.
        context : Context
            It says how much time is left, and the id of the request for the log.
        answer_within_s : float, optional
            How many seconds the sender of an HTTP request waits for the answer, counted from when
            API Gateway received it, or from now if the event does not say. Other events ignore it.

        Returns
        -------
        dict
            For an HTTP call ``statusCode``, ``headers`` and ``body``; for an SQS batch
            ``batchItemFailures``, the messages to deliver again; for a notification ``status``,
            "success"; for anything else, which counts as a direct invocation, the answer's
            document, with ``status_code`` in it if it is an error.

        Raises
        ------
        RedeliveryError
            A notification's request failed, or another process works on its analysis, and it may
            succeed if AWS delivers the event again.
        """
        end_s = time.time() + context.get_remaining_time_in_millis() / 1000 - STOP_MARGIN_S
        request_id = context.aws_request_id
        if not isinstance(event, dict):
            event = {}
        if (call := read_http_event(event)) is not None:
            return self._answer_http(call, end_s, answer_within_s, request_id)
        records = event.get("Records")
        if isinstance(records, list):
            if messages := list(filter(_is_message, records)):
                for _ in range(len(records) - len(messages)):
                    self._log(BadRequestError("bad_event", "It is no message."), request_id)
                return self._handle_batch(messages, Limits(end_s, None), request_id)
            if any(_read_source(record) == "aws:s3" for record in records):
                return self._handle_notification(records, Limits(end_s, None), request_id)
        limits = Limits(end_s, answer_by_s=end_s)
        answer = self._run(lambda: parse_action(event, self._access.operator), limits, request_id)
        if answer.status_code >= 400:
            return {**answer.document, "status_code": answer.status_code}
        return answer.document

    def _answer_http(
        self, call: HttpCall, end_s: float, within_s: float, request_id: str
    ) -> dict[str, Any]:
        now_s = time.time()
        # The caller has waited since this time, perhaps for a cold start. A stored test event has
        # an impossible time.
        begun_s = call.received_at_s if now_s - within_s < call.received_at_s < now_s else now_s
        limits = Limits(end_s, begun_s + within_s - STOP_MARGIN_S)
        answer = self._run(lambda: parse_http_call(call, self._access), limits, request_id)
        text = json.dumps(answer.document, allow_nan=False)
        return {
            "statusCode": answer.status_code,
            "headers": {
                **_HEADERS,
                **(_PAGE_HEADERS if answer.page else {}),
                "X-Request-Id": request_id,
            },
            "body": "" if answer.status_code == 204 else answer.page or text,
            "isBase64Encoded": False,
        }

    def _run(self, parse: Callable[[], Request], limits: Limits, request_id: str) -> Answer:
        """Carry out the request that `parse` returns. Every error, also of `parse`, is answered."""
        try:
            return self._observed(parse(), limits, request_id)
        except Exception as error:
            known = self._log(error, request_id)
            return Answer(known.status_code, to_document(known))

    def _observed(self, request: Request, limits: Limits, request_id: str) -> Answer:
        begun_s = time.monotonic()
        answer = self._service.run(request, limits, request_id)
        if answer.shown and isinstance(request, GetStatus | ListAnalyses):
            # Who looked at which analyses of others. A clinician's id is no patient's.
            self._logger.info(
                "clinician read",
                extra={
                    "request_id": request_id,
                    "clinician": request.caller.user_id,
                    "analysis_ids": list(answer.shown),
                },
            )
        self._logger.info(
            "answered",
            extra={
                "request": type(request).__name__,
                "request_id": request_id,
                "status_code": answer.status_code,
                "analysis_id": answer.document.get("analysis_id"),
                "duration_s": round(time.monotonic() - begun_s, 3),
            },
        )
        return answer

    def _handle_batch(
        self, messages: list[dict[str, Any]], limits: Limits, request_id: str
    ) -> dict[str, Any]:
        """Carry out the messages of an SQS batch, and return the answer that AWS expects.

        It lists under ``batchItemFailures`` the messages that the queue must deliver again: those
        that failed and may succeed later (after `MAX_DELIVERIES`, it sets them aside instead).
        Messages that no further attempt can mend are not listed, so the queue drops them.
        """

        def handle(record: SQSRecord) -> None:
            received = _count_deliveries(record.raw_event)
            comes_again = received < MAX_DELIVERIES
            try:
                self._carry_out(
                    lambda: parse_queue_message(record.body, self._bucket, self._access.operator),
                    replace(limits, comes_again=comes_again),
                    request_id,
                )
            except RedeliveryError as error:
                if comes_again and str(error) in SOON_OVER:
                    self._postpone(record, received, request_id)
                raise

        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return dict(process_partial_response({"Records": messages}, handle, processor))

    def _postpone(self, record: SQSRecord, received: int, request_id: str) -> None:
        """Have the queue deliver a failed message again soon, instead of after its usual wait.

        `record` is the message, and `received` how often it was delivered, from 1. It comes again
        60 s after its first delivery failed, 240 s after its second: each wait is four times the
        one before. An error of the queue is only logged.
        """
        delay_s = round(THROTTLED_S * THROTTLED_FACTOR ** (received - 1))
        try:
            self._service.postpone(str(record.raw_event.get("receiptHandle") or ""), delay_s)
        except HandlerError as error:
            # The message then comes again after its usual wait.
            self._log(error, request_id)

    def _handle_notification(
        self, records: list[Any], limits: Limits, request_id: str
    ) -> dict[str, Any]:
        """Carry out a notification that S3 sent directly, not through the queue.

        `records` are its entries, one for each file. Returned is ``{"status": "success"}``, also if
        entries were refused for good.

        Raises
        ------
        RedeliveryError
            An entry failed, and may succeed later. Lambda passes the whole notification again.
        """

        self._carry_out(lambda: parse_notifications(records, self._bucket), limits, request_id)
        return {"status": "success"}

    def _carry_out(
        self, parse: Callable[[], Sequence[Request | HandlerError]], limits: Limits, request_id: str
    ) -> None:
        """Carry out the requests that `parse` returns, for which nobody waits.

        One that fails, or of which `parse` returns the error, does not stop the others; if `parse`
        itself fails, none is carried out. Errors that another attempt cannot mend, and those of
        `parse`, are only logged.

        Raises
        ------
        RedeliveryError
            After all were tried: one failed, or another process works on its analysis, and it may
            succeed if the event is delivered again.
        """
        again: Exception | None = None
        try:
            requests = parse()
        except HandlerError as error:
            self._log(error, request_id)
            return
        for request in requests:
            try:
                if isinstance(request, HandlerError):
                    raise request
                answer = self._observed(request, limits, request_id)
                if answer.document["status"] == "processing" and not answer.is_handed_over:
                    # If the owner was killed, this message must continue its work later.
                    raise ConflictError("in_progress", "Another one runs this analysis.")
            except Exception as error:
                known = self._log(error, request_id)
                if known.retryable or known.status_code >= 500:
                    again = error
        if again is not None:
            raise RedeliveryError(to_handler_error(again, request_id).code) from None

    def _log(self, error: Exception, request_id: str) -> HandlerError:
        known = to_handler_error(error, request_id)
        extra: dict[str, Any] = {
            "request_id": request_id,
            "code": known.code,
            "status_code": known.status_code,
        }
        if known.status_code >= 500:
            extra["trace"] = describe_for_log(error)
            self._logger.error("failed", extra=extra)
        else:
            self._logger.info("refused", extra=extra)
        return known


def _read_source(record: Any) -> Any:
    return record.get("eventSource") if isinstance(record, dict) else None


def _is_message(record: Any) -> bool:
    """Return whether a record of an event is a message of the SQS queue, with its id and body."""
    return _read_source(record) == "aws:sqs" and all(
        isinstance(record.get(name), str) for name in ("messageId", "body")
    )


def _count_deliveries(message: dict[str, Any]) -> int:
    """Return how often the queue delivered a message, this time included; 1 if it does not say."""
    attributes = message.get("attributes")
    text = attributes.get("ApproximateReceiveCount") if isinstance(attributes, dict) else None
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else 1
