"""The API's own description: valid, up to date, and true of what is asked and answered."""

import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from handler.description import make_document, make_page
from handler.division import divide
from handler.errors import HandlerError
from handler.form_query import parse_form_query
from handler.identity import Caller
from handler.requests import parse_action, parse_parameters
from handler.routes import ROUTES
from tests.handler.described import find_schema, validate
from tests.handler.test_requests import DATA, JSON
from tests.local_server import ROOT

DOCUMENT = make_document()
OPERATOR = Caller("operator")


def test_it_is_valid_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_every_route_is_described() -> None:
    described = {
        (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    assert described == {(route.method, route.path) for route in ROUTES}


def test_the_page_loads_nothing_from_anywhere() -> None:
    page = make_page(DOCUMENT)
    assert "<script" not in page
    addresses = set(re.findall(r'(?:href|src)="([^"]*)"', page))
    assert {one for one in addresses if not one.startswith("#")} == {"openapi.json", "data:,"}
    assert "url(" not in page


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("user_id", "report", "fan_out", "lang", "file_name", "captured_at", "consent"),
                *("content_type", "s3_key", "parameters"),
            ]
        ),
        JSON
        | st.sampled_from(
            ["u1", "ko", "users/u1/x", "2026-01-02", "video/mp4", True, {"step": 2}, "x" * 200]
        ),
    ),
    st.sampled_from(["analyze_video", "analyze_image", "process_s3_file", "create_upload", "x"]),
)
def test_what_is_taken_is_what_is_described(document: dict[str, Any], action: str) -> None:
    document |= {"action": action}
    if action.startswith("analyze"):
        document["file_data"] = DATA
    try:
        parse_action(document, OPERATOR)
    except HandlerError:
        return
    validate(document, find_schema(DOCUMENT, "Action"), DOCUMENT)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("step", "vpp_thresh", "blink_thresh", "max_frames", "blink_min_frames"),
                *("blink_baseline", "protocol", "task", "task_assumed", "other"),
            ]
        ),
        st.integers(-2, 300_000)
        | st.floats(-1, 2)
        | st.sampled_from(["fixed", "x", None, True, "up_down", "unknown"])
        | st.lists(
            st.fixed_dictionaries(
                {
                    "phase": st.sampled_from(["up", "down", "x"]),
                    "start_s": st.sampled_from([0, -1, 2.5, "0"]),
                    "end_s": st.sampled_from([3, 100_000, 2.5]),
                }
            ),
            max_size=2,
        ),
    )
)
def test_parameters_have_the_described_ranges(given_: dict[str, Any]) -> None:
    schema = find_schema(DOCUMENT, "Action")["properties"]["parameters"]
    try:
        parse_parameters(given_)
    except HandlerError:
        taken = False
    else:
        taken = True
    described = not list(jsonschema.Draft202012Validator(schema).iter_errors(given_))
    if taken:
        assert described, given_
    elif described:
        # What the schema cannot say: that a phase ends after its start and before the next one, and
        # that 1.0 is not taken for 1.
        whole = ("step", "max_frames", "blink_min_frames")
        assert given_.get("protocol") or any(
            isinstance(given_.get(name), float) for name in whole
        ), given_


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("step", "2", True),
        ("step", "2.0", False),
        ("step", "31", False),
        ("step", "", False),
        ("step", "0x2", False),
        ("step", "²", False),
        ("step", "1_0", False),
        ("vpp_thresh", "0.06", True),
        ("vpp_thresh", "6e-2", True),
        ("vpp_thresh", "nan", False),
        ("vpp_thresh", "inf", False),
        ("vpp_thresh", "1e400", False),
        ("vpp_thresh", "-0.06", False),
        ("blink_thresh", "0.18", True),
        ("max_frames", "12000", True),
        ("max_frames", "9" * 400, False),
        ("blink_baseline", "fixed", True),
        ("task", "unknown", True),
        ("task", "anything", False),
        ("save", "true", True),
        ("save", "yes", False),
        ("return_overlay", "false", True),
        ("return_overlay", "true", False),
        ("lang", "ko", True),
        ("lang", "fr", False),
        ("stepp", "2", False),
    ],
)
def test_numbers_in_text_are_taken_by_the_described_ranges(
    name: str, value: str, good: bool
) -> None:
    if not good:
        with pytest.raises(HandlerError, match=name) as caught:
            parse_form_query({name: value}, OPERATOR)
        assert (caught.value.status_code, caught.value.code) == (400, "bad_parameter")
        return
    request, _ = parse_form_query({name: value}, OPERATOR)
    if name in ("step", "max_frames"):
        assert getattr(request.parameters, name) == int(value)
    elif name.endswith("thresh"):
        assert getattr(request.parameters, name) == pytest.approx(float(value))
    (parameter,) = [
        one
        for one in DOCUMENT["paths"]["/eye/process"]["post"]["parameters"]
        if one["name"] == name
    ]
    assert parameter["in"] == "query"


def test_the_length_from_which_a_video_is_divided_is_described() -> None:
    """The longest work that one worker does alone, in whole seconds, with as many as one likes."""
    longest_s = max(cpu_s for cpu_s in range(1, 1000) if divide(cpu_s, 1.0, 100).segments == 1)
    for name in ("Action", "Upload"):
        about = find_schema(DOCUMENT, name)["properties"]["fan_out"]["description"]
        assert f"at most {longest_s} s" in about
    row = next(
        line for line in (ROOT / "docs" / "api.md").read_text().splitlines() if "fan_out" in line
    )
    assert f"at most {longest_s} s" in row


def test_the_pages_text_is_the_documents() -> None:
    page = make_page(DOCUMENT)
    for path in DOCUMENT["paths"]:
        assert path in page
    for name in DOCUMENT["components"]["schemas"]:
        assert f'id="{name}"' in page
