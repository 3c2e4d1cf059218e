"""The errors of the API: status code, code, and the message for the client."""

import traceback
from typing import Any

MAX_MESSAGE_CHARACTERS = 400
"""Messages quote values of the client, which can be of any size."""


class HandlerError(Exception):
    """A request or a file that cannot be processed. Its subclasses set the answer's HTTP status.

    Parameters
    ----------
    code : str
        Short name of the error, for programs, such as ``bad_key``.
    message : str
        Text for the client: the fault, the expected value, or the remedy. It is cut to
        `MAX_MESSAGE_CHARACTERS`, because messages quote the client's values.
    """

    status_code = 500
    retryable = False
    """Whether the same work can succeed later, so that its message is delivered again."""

    def __init__(self, code: str, message: str) -> None:
        # A lone surrogate in a client's value cannot be encoded in an answer.
        message = message.encode("utf-8", "replace").decode("utf-8")
        if len(message) > MAX_MESSAGE_CHARACTERS:
            message = message[: MAX_MESSAGE_CHARACTERS - 1] + "…"
        super().__init__(message)
        self.code = code
        self.message = message


class BadRequestError(HandlerError):
    """The request is not valid."""

    status_code = 400


class UnauthorizedError(HandlerError):
    """The request does not say who the caller is, or its token is not valid."""

    status_code = 401


class ForbiddenError(HandlerError):
    """This caller may not do this. The error is the same whether or not such data is stored."""

    status_code = 403


class NotFoundError(HandlerError):
    """There is no such path, analysis or file."""

    status_code = 404


class MethodNotAllowedError(HandlerError):
    """The path exists, but not with this method."""

    status_code = 405


class ConflictError(HandlerError):
    """The work cannot be done now, but perhaps later.

    Another process works on the analysis, or the file has changed in the meantime.
    """

    status_code = 409
    retryable = True


class SentTwiceError(HandlerError):
    """A second file came for one upload: the client must ask for a new upload for it."""

    status_code = 409


class DeletedError(HandlerError):
    """The analysis was deleted, in most cases while this process worked on it."""

    status_code = 410


class TooLargeError(HandlerError):
    """The file has more bytes, pixels or seconds than the limit."""

    status_code = 413


class UnsupportedMediaError(HandlerError):
    """The file is neither a video nor an image of a supported kind."""

    status_code = 415


class UndecodableError(HandlerError):
    """The video or image cannot be analysed: it is damaged, or takes too long."""

    status_code = 422


class IndivisibleError(HandlerError):
    """The recording cannot be divided after all, so one worker must analyse all of it."""


class ThrottledError(HandlerError):
    """The storage refuses a request because it gets too many at a time."""

    status_code = 429
    retryable = True


class StorageUnavailableError(HandlerError):
    """The storage failed or did not answer."""

    status_code = 503
    retryable = True


def to_handler_error(error: BaseException, request_id: str) -> HandlerError:
    """Return the error that a client may see for any error.

    Parameters
    ----------
    error : BaseException
    request_id : str
        The id under which the log has the details.

    Returns
    -------
    HandlerError
        The error itself if it is a `HandlerError`; otherwise an internal error without details.
    """
    if isinstance(error, HandlerError):
        return error
    return HandlerError(
        "internal_error",
        "Internal error. Try again; if it stays, report this id, by which the log has the rest: "
        f"{request_id}",
    )


def to_document(error: HandlerError) -> dict[str, Any]:
    """Return an error as the JSON object of an answer: ``error``, the message, and ``code``."""
    return {"error": error.message, "code": error.code}


def describe_for_log(error: BaseException) -> list[str]:
    """Return the types and source lines of an error and its causes, without their messages.

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
