"""Check requests and answers against the API's own description."""

import functools
import json
from typing import Any

import jsonschema
import referencing
import referencing.jsonschema

from handler.description import make_document
from handler.routes import find_route

BASE = "urn:api"
"""What the document is called where it is looked up."""


@functools.cache
def read_document() -> dict[str, Any]:
    """Return the description that the API answers with."""
    return make_document()


def find_schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a named schema of an OpenAPI document."""
    schema: dict[str, Any] = document["components"]["schemas"][name]
    return schema


def validate(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    """Check a value; references lead into the document."""
    resource = referencing.Resource.from_contents(
        document, default_specification=referencing.jsonschema.DRAFT202012
    )
    registry = referencing.Registry().with_resource(BASE, resource)
    # References of the schema are looked up where it stands: in the document.
    rooted = json.loads(json.dumps(schema).replace('"$ref": "#/', f'"$ref": "{BASE}#/'))
    jsonschema.Draft202012Validator(rooted, registry=registry).validate(value)


def check_exchange(method: str, path: str, query: Any, body: Any, status: int, answer: Any) -> None:
    """Check that a request that was carried out, and any answer, are as they are described.

    Parameters
    ----------
    method, path : str
    query : mapping or None
    body : str or bytes or None
        JSON text, or anything else.
    status : int
    answer : object
        The JSON document; None if the answer is empty or a page.
    """
    document = read_document()
    if method == "OPTIONS" or (status in (404, 405) and not _is_known(method, path)):
        return
    route, _ = find_route(method, path)
    about = document["paths"][route.path][method.lower()]
    assert str(status) in about["responses"], (method, path, status)
    content = about["responses"][str(status)].get("content", {})
    if "application/json" in content:
        validate(answer, content["application/json"]["schema"], document)
    if status >= 400:
        return
    described = {one["name"] for one in about.get("parameters", []) if one["in"] == "query"}
    assert set(query or {}) <= described, (method, path, query)
    taken = about.get("requestBody", {}).get("content", {})
    if "application/json" in taken:
        validate(json.loads(body), taken["application/json"]["schema"], document)


def _is_known(method: str, path: str) -> bool:
    try:
        find_route(method, path)
    except Exception:
        return False
    return True
