"""The keys (paths) of files in the storage: how they are made and checked.

The keys of an analysis's files begin with ``users/<user>/eye/<analysis_id>/``. The uploaded file is
``original``, and the results have the file names in `RESULT_NAMES`. While a recording is divided
among workers, their files are below ``parts/``. `handler.identity` decides which keys a caller may
use.
"""

import hashlib
import re
import unicodedata
from typing import Any

from handler.errors import BadRequestError, NotFoundError

ANONYMOUS = "anonymous"
"""The user id of requests without one."""
OWN_PREFIX = "users/{user_id}/"
"""Beginning of the keys of a user's own files, if nothing else is configured (see `Caller`). The
uploads and results of the API are there in any case."""
MAX_USER_ID_CHARACTERS = 128
ORIGINAL = "original"
"""Name of the uploaded file. It has no suffix, because its content decides what it is."""
REPORT = "report.html"
RESULT_NAMES = {
    "summary": "summary.json",
    "csv": "frames.csv",
    "blinks": "blinks.csv",
    "saccades": "saccades.csv",
    "track": "track.npz",
    "report": REPORT,
    "result": "result.json",
}
"""File name of each result, by its name in the answers."""
PARTS = "parts/"
"""Where the parts of divided recordings are until they are joined: what each worker made of its
segment. No key there names a user."""
MAX_KEY_BYTES = 1024
_CONTENT_TYPES = {
    "json": "application/json",
    "csv": "text/csv",
    "npz": "application/octet-stream",
    "html": "text/html; charset=utf-8",
}
_PLAIN_USER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}", re.ASCII)
_HASHED_USER_ID = re.compile(r"~[0-9a-f]{64}", re.ASCII)
_ANALYSIS_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_KEY_PART = re.compile(r"[^/\\\x00-\x1f\x7f\ud800-\udfff]+")


def check_user_id(value: Any) -> str:
    """Return the value if it is a user id: a text of 1 to 128 characters, none a control character.

    A lone surrogate (half of a character, which UTF-8 cannot write) counts as a control character.

    Raises
    ------
    BadRequestError
        The value is not a user id.
    """
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= MAX_USER_ID_CHARACTERS
        or any(unicodedata.category(one) in ("Cc", "Cs") for one in value)
    ):
        raise BadRequestError(
            "bad_user_id",
            f"user_id is not valid, expected 1 to {MAX_USER_ID_CHARACTERS} characters, none of "
            "them a control character",
        )
    return value


def name_user(user_id: str) -> str:
    """Return the text that stands for a user in keys: ``<user>`` in ``users/<user>/eye/``.

    It is the user id itself if that is made of ASCII letters, digits and ``._@:+-``, and begins
    with a letter or digit. Otherwise it is ``~`` and the SHA-256 of the user id in hexadecimal. No
    two users share it, because a user id that begins with ``~`` is hashed too.
    """
    if _PLAIN_USER_ID.fullmatch(user_id):
        return user_id
    return f"~{hashlib.sha256(user_id.encode()).hexdigest()}"


def check_analysis_id(value: Any) -> str:
    """Return the value if it has the form of an analysis id: 32 digits of 0-9 and a-f.

    Raises
    ------
    NotFoundError
        The value does not have this form, so no analysis has this id.
    """
    if not isinstance(value, str) or not _ANALYSIS_ID.fullmatch(value):
        raise NotFoundError("analysis_not_found", "There is no analysis of this id.")
    return value


def check_key(value: Any) -> str:
    """Return the value as it is if it can be the key of a file, whosever file that is.

    A key is a relative path with ``/``, of at most `MAX_KEY_BYTES` bytes in UTF-8. It has no
    backslash, no control character, and no part that is empty, ``.`` or ``..``.

    Raises
    ------
    BadRequestError
        The value is not such a key.
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
    return value


def make_key(user_id: str, analysis_id: str, name: str) -> str:
    """Return the key of one file of an analysis.

    `user_id` is the id itself, not the text that `name_user` makes of it. `name` is the file's
    name: ``original``, or a value of `RESULT_NAMES`. If it is empty, the result is the beginning
    that the keys of all files of this analysis have, with the ``/`` at its end.
    """
    return f"users/{name_user(user_id)}/eye/{analysis_id}/{name}"


def make_part_key(analysis_id: str, execution: str, name: str) -> str:
    """Return the key of a file that exists only while the workers of a divided recording run.

    It is ``parts/<analysis_id>/<execution>/<name>``.

    Parameters
    ----------
    analysis_id : str
    execution : str
        Name of the state machine's execution that divides the recording; one analysis can have
        several, if it is tried again. Empty: the result is the beginning of all keys of all
        executions, whatever `name` is.
    name : str
        File name. Empty: the result is the beginning of all keys of this execution.
    """
    return f"{PARTS}{analysis_id}/{execution}/{name}" if execution else f"{PARTS}{analysis_id}/"


def parse_original_key(key: str) -> tuple[str, str] | None:
    """Return whose upload a key is, as ``(user, analysis_id)``; None if it is no upload's key.

    An upload's key is ``users/<user>/eye/<analysis_id>/original``. `user` is the text that
    `name_user` returns, so it is ``~`` and a hash for some users.
    """
    match key.split("/"):
        case ["users", user, "eye", analysis_id, name] if (
            name == ORIGINAL
            and (_PLAIN_USER_ID.fullmatch(user) or _HASHED_USER_ID.fullmatch(user))
            and _ANALYSIS_ID.fullmatch(analysis_id)
        ):
            return user, analysis_id
    return None


def find_analysis_ids(keys: set[str]) -> set[str]:
    """Return the ids of the analyses that the files with these keys belong to.

    A key counts if it has five parts, the third of them ``eye`` and the fourth an analysis id, as
    in ``users/<user>/eye/<analysis_id>/<name>``. All others are ignored.
    """
    parts = (key.split("/") for key in keys)
    return {
        one[3]
        for one in parts
        if len(one) == 5 and one[2] == "eye" and _ANALYSIS_ID.fullmatch(one[3])
    }


def content_type_of(name: str) -> str:
    """Return the content type for a file's name by its suffix: json, csv, npz or html.

    For any other name, also one without a suffix, it is ``binary/octet-stream``.
    """
    return _CONTENT_TYPES.get(name.rpartition(".")[2], "binary/octet-stream")
