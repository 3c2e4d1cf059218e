"""The errors of the API: status code, code, and the message for the client."""

import traceback
from typing import Any

MAX_MESSAGE_CHARACTERS = 400
"""Messages quote values of the client, which can be of any size."""


class HandlerError(Exception):
    """A request or a file that cannot be processed.

    Its subclasses set the answer's HTTP status; an error of this class itself gets 500.

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
    """There is no such path, analysis or file, or the caller may not know that there is."""

    status_code = 404


class MethodNotAllowedError(HandlerError):
    """The path exists, but not with this method."""

    status_code = 405


class ConflictError(HandlerError):
    """The work cannot be done now, but perhaps later.

    Another process works on the analysis, the file has changed in the meantime, or this process has
    too little time left.
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
    """The file or the request's body is over a limit: of bytes, frames or seconds."""

    status_code = 413


class UnsupportedMediaError(HandlerError):
    """The file is no video and no image of a supported kind, or not what the request says."""

    status_code = 415


class UndecodableError(HandlerError):
    """The file cannot be analysed: it is damaged, takes too long, or kills its process."""

    status_code = 422


class IndivisibleError(HandlerError):
    """The recording cannot be divided among workers after all: one must analyse all of it.

    No client sees it: the state machine then has one worker do that.
    """


class ThrottledError(HandlerError):
    """The storage refuses a request because it gets too many at a time; later it may succeed."""

    status_code = 429
    retryable = True


class StorageUnavailableError(HandlerError):
    """The storage failed or did not answer; later it may succeed."""

    status_code = 503
    retryable = True


def to_handler_error(error: BaseException, request_id: str) -> HandlerError:
    """Return, do not raise, the error that a client may see for any error.

    Parameters
    ----------
    error : BaseException
    request_id : str
        The id under which the log has the details.

    Returns
    -------
    HandlerError
        The error itself if it is a `HandlerError`; otherwise one of status 500 and the code
        ``internal_error``, whose message gives `request_id` and no detail of the error.
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
    """Return lines for the log: type and traceback of an error, and of each of its causes.

    Their messages are left out: those of the storage's errors contain keys, and keys user ids.
    """
    lines = []
    cause: BaseException | None = error
    while cause is not None:
        lines.append(type(cause).__name__)
        frames = traceback.extract_tb(cause.__traceback__)
        lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        cause = cause.__cause__ or cause.__context__
    return lines
