"""The paths of the API: what each does, which function answers it, and who may ask."""

from dataclasses import dataclass
from typing import Literal

from handler.errors import MethodNotAllowedError, NotFoundError

Operation = Literal[
    "get_health",
    "run_action",
    "process_form",
    "create_upload",
    "get_status",
    "list_analyses",
    "delete_analysis",
    "delete_user",
    "get_openapi",
    "get_docs",
]


@dataclass(frozen=True, slots=True)
class Route:
    """One HTTP method of one path, and what it does.

    Attributes
    ----------
    method, path : str
        A path may have one variable part, written in braces, as in ``/status/{analysis_id}``.
    operation : str
        Name of what it does; `handler.events` makes a request of it.
    is_light : bool
        Whether the function that does not load the models can answer it.
    is_public : bool
        Whether everyone gets an answer, also without a token, because it holds nobody's data.
    """

    method: str
    path: str
    operation: Operation
    is_light: bool = True
    is_public: bool = False


ROUTES = (
    Route("GET", "/", "get_health", is_public=True),
    Route("GET", "/health", "get_health", is_public=True),
    Route("GET", "/healthz", "get_health", is_public=True),
    Route("GET", "/openapi.json", "get_openapi", is_public=True),
    Route("GET", "/docs", "get_docs", is_public=True),
    Route("POST", "/", "run_action", is_light=False),
    Route("POST", "/analyze", "run_action", is_light=False),
    Route("POST", "/eye/process", "process_form", is_light=False),
    Route("POST", "/uploads", "create_upload"),
    Route("GET", "/status/{analysis_id}", "get_status"),
    Route("GET", "/analyses", "list_analyses"),
    Route("DELETE", "/analyses/{analysis_id}", "delete_analysis"),
    Route("DELETE", "/users/me", "delete_user"),
)


def find_route(method: str, path: str) -> tuple[Route, str]:
    """Return the route of a request, and the text at the path's variable part ("" without one).

    The text is as it stands in `path`: ``%`` codes are not decoded.

    Parameters
    ----------
    method : str
        In capitals, such as "GET".
    path : str
        Without the query. A slash too many, at its ends or doubled, does not count.

    Raises
    ------
    NotFoundError
        No route has this path.
    MethodNotAllowedError
        Routes have this path, but with other methods.
    """
    parts = [part for part in path.split("/") if part]
    found = False
    for route in ROUTES:
        variable = _match(route.path, parts)
        if variable is not None:
            found = True
            if route.method == method:
                return route, variable
    if found:
        raise MethodNotAllowedError("method_not_allowed", "This path does not take this method.")
    known = ", ".join(dict.fromkeys(f"{one.method} {one.path}" for one in ROUTES))
    raise NotFoundError("no_such_path", f"There is no such path. There are: {known}"[:380])


def _match(template: str, parts: list[str]) -> str | None:
    """Return the text at the variable part of a path, "" if the template has no variable part.

    `parts` are the parts of the path. None means that the path does not fit the template.
    """
    expected = [part for part in template.split("/") if part]
    if len(expected) != len(parts):
        return None
    variable = ""
    for name, part in zip(expected, parts, strict=True):
        if name.startswith("{"):
            variable = part
        elif name != part:
            return None
    return variable
