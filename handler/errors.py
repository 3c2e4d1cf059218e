"""What can go wrong, and what a client is told: status code, code and message, in one place."""

import traceback
from typing import Any

MAX_MESSAGE_CHARACTERS = 400
"""Messages quote the client's own values, which can be of any size."""


class HandlerError(Exception):
    """A request or a file that cannot be worked on.

    Parameters
    ----------
    code : str
        Machine-readable.
    message : str
        What was found, what is expected or what to do about it. Shown to the client.
    """

    status_code = 500
    retryable = False
    """Whether the same work can succeed later: a queued message of it is delivered again."""

    def __init__(self, code: str, message: str) -> None:
        # A lone surrogate of the client's would not get into an answer.
        message = message.encode("utf-8", "replace").decode("utf-8")
        if len(message) > MAX_MESSAGE_CHARACTERS:
            message = message[: MAX_MESSAGE_CHARACTERS - 1] + "…"
        super().__init__(message)
        self.code = code
        self.message = message


class BadRequestError(HandlerError):
    """The request is not one of the API's."""

    status_code = 400


class ForbiddenError(HandlerError):
    """The key is not this client's to read."""

    status_code = 403


class NotFoundError(HandlerError):
    """No such path, analysis or file."""

    status_code = 404


class MethodNotAllowedError(HandlerError):
    """The path exists, not with this method."""

    status_code = 405


class ConflictError(HandlerError):
    """It is being worked on, or it changed meanwhile."""

    status_code = 409
    retryable = True


class TooLargeError(HandlerError):
    """More bytes, pixels or seconds than are worked on."""

    status_code = 413


class UnsupportedMediaError(HandlerError):
    """Neither a video nor an image of a kind that is read."""

    status_code = 415


class UndecodableError(HandlerError):
    """A video or image that is damaged."""

    status_code = 422


class ThrottledError(HandlerError):
    """Too many requests to the storage at a time."""

    status_code = 429
    retryable = True


class StorageUnavailableError(HandlerError):
    """The storage did not answer, or failed."""

    status_code = 503
    retryable = True


def to_handler_error(error: BaseException, request_id: str) -> HandlerError:
    """Return what a client may know of an error.

    Parameters
    ----------
    error : BaseException
    request_id : str
        By which the log has the rest.

    Returns
    -------
    HandlerError
        The error itself if it is one, and an internal error without any detail otherwise.
    """
    if isinstance(error, HandlerError):
        return error
    return HandlerError(
        "internal_error",
        "Internal error. Try again; if it stays, report this id, by which the log has the rest: "
        f"{request_id}",
    )


def to_document(error: HandlerError) -> dict[str, Any]:
    """Return the JSON document of an error, of one shape always."""
    return {"error": error.message, "code": error.code}


def describe_for_log(error: BaseException) -> list[str]:
    """Return types and places of an error and its causes, without their messages.

    Messages of the storage's errors contain keys, and keys contain user ids.
    """
    lines = []
    cause: BaseException | None = error
    while cause is not None:
        lines.append(type(cause).__name__)
        frames = traceback.extract_tb(cause.__traceback__)
        lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        cause = cause.__cause__ or cause.__context__
    return lines
