"""Check the query of the URL that a form with a video is sent to (``POST /eye/process?...``)."""

import re
from collections.abc import Mapping
from typing import Any

from handler.errors import BadRequestError
from handler.identity import Caller
from handler.requests import ASSUMED, About, AnalyzeData, parse_language, parse_parameters

FORM_PARAMETERS = (
    "step",
    "vpp_thresh",
    "blink_thresh",
    "max_frames",
    "blink_min_frames",
    "blink_baseline",
    "task",
)
"""Parameters of an analysis that the query of a form may have."""
FORM_FLAGS = {"save": True, "return_overlay": False}
"""True or false values that the query may have, with their defaults."""
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", re.ASCII)


def parse_form_query(query: Mapping[str, Any], caller: Caller) -> tuple[AnalyzeData, bool]:
    """Check the query of a form's URL, and return the request to analyse the form's file.

    Parameters
    ----------
    query : mapping of str to str
        The parameters by name. Numbers are given as text.
    caller : Caller
        Who sent it. If an authorizer named the caller, the `user_id` of another user is refused.

    Returns
    -------
    request : AnalyzeData
        Still without the content and the name of the file. Without ``task`` in the query, the task
        of the app's guided flow is assumed.
    keep : bool
        Whether the analysis is kept after its answer is sent: ``save`` of the query, true if it is
        not given.

    Raises
    ------
    HandlerError
        The query is not valid, or not allowed to this caller. The message says why.
    """
    known = (*FORM_PARAMETERS, *FORM_FLAGS, "user_id", "lang")
    if unknown := query.keys() - set(known):
        raise BadRequestError(
            "bad_parameter",
            f"the query has {', '.join(sorted(map(repr, unknown)))}, expected only "
            f"{', '.join(known)}",
        )
    flags = dict(FORM_FLAGS)
    for name in FORM_FLAGS.keys() & query.keys():
        if query[name] not in ("true", "false"):
            raise BadRequestError(
                "bad_parameter", f"{name} is {query[name]!r}, expected true or false"
            )
        flags[name] = query[name] == "true"
    if flags["return_overlay"]:
        raise BadRequestError(
            "bad_parameter", "return_overlay is true, expected false: no annotated copies are made"
        )
    given = {name: _read_number(query[name]) for name in FORM_PARAMETERS if name in query}
    request = AnalyzeData(
        kind="video",
        data=b"",
        user_id=caller.take_user_id(query.get("user_id")),
        # Without a task, that of the app's guided flow is assumed.
        parameters=parse_parameters(given if "task" in given else given | ASSUMED),
        # If it is not kept, it gets a new id: deleting it must not delete an earlier, kept one.
        is_secret=caller.role == "anyone" or not flags["save"],
        about=About(language=parse_language(query["lang"]) if "lang" in query else None),
    )
    return request, flags["save"]


def _read_number(text: Any) -> Any:
    """Convert a text to an int or a float; return it unchanged if it is no plain number."""
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        return text
    return int(text) if text.removeprefix("-").isdigit() else float(text)
