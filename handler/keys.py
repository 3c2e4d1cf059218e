"""The keys of files in the storage: how they are made, and which of them a client may name.

The files of an analysis stand under ``users/<user_id>/eye/<analysis_id>/``: the upload as
``original``, and the results under the names in `RESULT_NAMES`.
"""

import re
from typing import Any

from handler.errors import BadRequestError, ForbiddenError, NotFoundError

ANONYMOUS = "anonymous"
"""The user id of requests without one."""
ORIGINAL = "original"
"""Name of the uploaded file. It has no suffix, because its content decides what it is."""
REPORT = "report.html"
RESULT_NAMES = {
    "summary": "summary.json",
    "csv": "frames.csv",
    "blinks": "blinks.csv",
    "track": "track.npz",
    "report": REPORT,
    "result": "result.json",
}
"""File name of each result, by its name in the answers."""
MAX_KEY_BYTES = 1024
_CONTENT_TYPES = {
    "json": "application/json",
    "csv": "text/csv",
    "npz": "application/octet-stream",
    "html": "text/html; charset=utf-8",
}
_USER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}", re.ASCII)
_ANALYSIS_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_KEY_PART = re.compile(r"[^/\\\x00-\x1f\x7f\ud800-\udfff]+")


def check_user_id(value: Any) -> str:
    """Return the value if it is a user id that is safe in a key.

    Raises
    ------
    BadRequestError
        It is not.
    """
    if not isinstance(value, str) or not _USER_ID.fullmatch(value):
        raise BadRequestError(
            "bad_user_id",
            "user_id is not valid, expected 1 to 128 letters, digits or . _ @ : + - that begin "
            "with a letter or digit",
        )
    return value


def check_analysis_id(value: Any) -> str:
    """Return the value if it has the form of an analysis id.

    Raises
    ------
    NotFoundError
        The value does not have this form, so no analysis has this id.
    """
    if not isinstance(value, str) or not _ANALYSIS_ID.fullmatch(value):
        raise NotFoundError("analysis_not_found", "There is no analysis of this id.")
    return value


def check_key(value: Any, user_id: str | None) -> str:
    """Return the value if it is a key of a file that this user may have analysed.

    Parameters
    ----------
    value : object
        From a request.
    user_id : str or None
        None if the request names no user; it may then reach no user's files.

    Raises
    ------
    BadRequestError
        The value is not a key, or it climbs out of its folder.
    ForbiddenError
        The key lies outside of the user's own files.
    """
    if not isinstance(value, str) or not value:
        raise BadRequestError(
            "bad_key", "s3_key is not valid, expected the key of a file in the bucket"
        )
    parts = value.split("/")
    if (
        not all(_KEY_PART.fullmatch(part) for part in parts)
        or {".", ".."} & set(parts)
        or len(value.encode("utf-8")) > MAX_KEY_BYTES
    ):
        raise BadRequestError(
            "bad_key",
            "s3_key is not valid, expected the key of a file in the configured bucket: no leading "
            "/, no //, no . or .. and no control characters",
        )
    own = user_id is not None and value.startswith(f"users/{user_id}/")
    if not own and (user_id is not None or parts[0] == "users"):
        raise ForbiddenError("foreign_key", "s3_key lies outside of this user's files.")
    return value


def make_key(user_id: str, analysis_id: str, name: str) -> str:
    """Return the key of one file of an analysis."""
    return f"users/{user_id}/eye/{analysis_id}/{name}"


def parse_original_key(key: str) -> tuple[str, str] | None:
    """Return the user id and the analysis id in the key of an upload; None for any other key."""
    match key.split("/"):
        case ["users", user_id, "eye", analysis_id, name] if (
            name == ORIGINAL and _USER_ID.fullmatch(user_id) and _ANALYSIS_ID.fullmatch(analysis_id)
        ):
            return user_id, analysis_id
    return None


def content_type_of(name: str) -> str:
    """Return the content type of a file by the suffix of its name."""
    return _CONTENT_TYPES.get(name.rpartition(".")[2], "binary/octet-stream")
