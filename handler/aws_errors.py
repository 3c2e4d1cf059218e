"""What the errors of AWS' services mean to a client."""

from typing import Any

from handler.errors import (
    ConflictError,
    HandlerError,
    NotFoundError,
    StorageUnavailableError,
    ThrottledError,
)

_MISPLACED = {
    "NoSuchBucket",
    "ResourceNotFoundException",
    "QueueDoesNotExist",
    "StateMachineDoesNotExist",
}
_MISCONFIGURED = (
    "The bucket, the table, the queue or the state machine is missing or has another shape. The "
    "table needs the partition key analysis_id (not analysisId), a text, and the index "
    "user_id-created_at-index. The operator finds out more with: python -m deploy.storage."
)
_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_MISSING = {"404", "NoSuchKey", "NoSuchVersion", "NotFound"}


def make_unavailable() -> HandlerError:
    """Return, do not raise, the error for a service of AWS that gave no answer."""
    return StorageUnavailableError(
        "storage_unavailable", "The storage does not answer at present. Try again in a minute."
    )


def translate(answer: Any) -> HandlerError:
    """Return, do not raise, the API's error for an answer by which AWS refuses a request.

    Its class, such as `NotFoundError`, follows from the code and the HTTP status in the answer. Its
    message names no file and no user.

    Parameters
    ----------
    answer : dict
        The ``response`` of boto3's ``ClientError``.
    """
    code = answer.get("Error", {}).get("Code", "")
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _MISPLACED or (code == "ValidationException" and _is_about_shape(answer)):
        return HandlerError("storage_misconfigured", _MISCONFIGURED)
    if code in _MISSING:
        return NotFoundError("file_not_found", "There is no such file. Upload it first.")
    if code in ("PreconditionFailed", "412"):
        return ConflictError("file_changed", "The file was written over meanwhile. Try again.")
    if code in _THROTTLED:
        return ThrottledError("throttled", "Too many requests at a time. Try again in a minute.")
    # DynamoDB answers 400 when it denies access.
    if status in (401, 403) or code.startswith("AccessDenied"):
        return HandlerError(
            "storage_denied",
            "The storage denies access. The function's role lacks a permission; tell the operator.",
        )
    if status >= 500 or not status:
        return make_unavailable()
    return HandlerError(
        "storage_error", f"The storage refused a request ({code}). Tell the operator."
    )


def _is_about_shape(answer: Any) -> bool:
    """Return whether a DynamoDB error, as `translate` gets it, blames the table's key or index."""
    text = answer["Error"].get("Message", "")
    return any(word in text for word in ("schema", "index", "the key", "required keys"))
