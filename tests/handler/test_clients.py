"""What clients are told of the API, in JavaScript and Dart, is what its own description says."""

import re
from pathlib import Path
from typing import Any

import pytest

from handler.description import describe_analysis_parameters, make_document

ROOT = Path(__file__).parents[2]
CLIENT = (ROOT / "clients" / "eye-tracking.js").read_text(encoding="utf-8")
FLUTTER = (ROOT / "docs" / "flutter.md").read_text(encoding="utf-8")
DOCUMENT = make_document()
SCHEMAS = DOCUMENT["components"]["schemas"]
PARAMETERS = describe_analysis_parameters()
TYPES: dict[str, dict[str, Any]] = {
    "Phase": PARAMETERS["protocol"]["items"]["properties"],
    "AnalysisParameters": PARAMETERS,
    "Upload": SCHEMAS["Upload"]["properties"],
    "UploadOffer": SCHEMAS["Offer"]["properties"],
    "Assessment": SCHEMAS["Summary"]["properties"]["assessment"]["properties"],
    "Status": SCHEMAS["Status"]["properties"],
}
"""The properties in the API's description of each type that the client declares."""


def read_types(code: str) -> dict[str, dict[str, str]]:
    """Return the types of the properties of each declared object."""
    types = {}
    for block in re.findall(r"/\*\*(.*?)\*/", code, re.DOTALL):
        if name := re.search(r"@typedef \{object\} (\w+)", block):
            found = re.findall(r"@property \{(.*)\} \[?(\w+)\]?", block)
            types[name[1]] = {key: kind for kind, key in found}
    return types


def list_choices(schema: dict[str, Any]) -> set[str] | None:
    return set(schema["enum"]) if "enum" in schema else None


def check_types(code: str) -> None:
    types = read_types(code)
    assert types.keys() == TYPES.keys()
    for name, properties in types.items():
        assert properties
        for key, kind in properties.items():
            assert key in TYPES[name], f"{name}.{key}"
            choices = set(re.findall(r'"([^"]+)"', kind))
            if choices:
                assert choices == list_choices(TYPES[name][key]), f"{name}.{key}"


def test_the_clients_types_are_the_apis() -> None:
    check_types(CLIENT)
    # All that may be sent is declared.
    assert read_types(CLIENT)["AnalysisParameters"].keys() == PARAMETERS.keys()
    assert read_types(CLIENT)["Upload"].keys() == SCHEMAS["Upload"]["properties"].keys()


def test_the_clients_example_sends_any_file() -> None:
    """Browsers give some files no type, or one of their own, which the API refuses."""
    (sent,) = re.findall(r"createUpload\(\{ (.*) \}\);", CLIENT.split("*/")[0])
    names = {one.split(":")[0].strip() for one in sent.split(",")}
    assert names <= SCHEMAS["Upload"]["properties"].keys()
    assert "content_type" not in names


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("report_url", "report_uri"),
        ('"borderline" | ', ""),
        ("{number} start_s", "{number} begin_s"),
    ],
)
def test_a_wrong_type_is_found(old: str, new: str) -> None:
    assert old in CLIENT
    with pytest.raises(AssertionError):
        check_types(CLIENT.replace(old, new))


def has_route(method: str, path: str) -> bool:
    """Return whether the API has this route; what a program fills in is written ``ID`` here."""
    known = {
        (verb.upper(), re.sub(r"\{\w+\}", "ID", one))
        for one, verbs in DOCUMENT["paths"].items()
        for verb in verbs
    }
    return (method, path) in known


def test_the_clients_routes_are_the_apis() -> None:
    found = re.findall(r'#ask\("(\w+)", (?:"([^"]+)"|`([^`]+)`)', CLIENT)
    routes = {
        (method, re.sub(r"\$\{.*?\}+", "ID", a or b).replace(")}", "")) for method, a, b in found
    }
    assert routes == {
        ("POST", "/uploads"),
        ("GET", "/status/ID"),
        ("DELETE", "/analyses/ID"),
    }
    assert all(has_route(*one) for one in routes)


def test_the_web_client_has_this_very_client() -> None:
    assert (ROOT / "handler" / "web" / "client.js").read_text(encoding="utf-8") == CLIENT


def check_flutter(text: str) -> None:
    """Check every path and field that the Dart code names."""
    code = "\n".join(re.findall(r"^```dart\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    calls = re.findall(r"http\s*\.(\w+)\(\s*Uri\.parse\('\$base(/[^']+)'\)", code)
    routes = {(method.upper(), path.replace("$id", "ID")) for method, path in calls}
    assert len(routes) == 3
    assert all(has_route(*one) for one in routes), routes
    sent = re.search(r"jsonEncode\(\{(.*?)\}\)\)", code, re.DOTALL)
    assert sent is not None
    for key in re.findall(r"'(\w+)':", sent[1]):
        assert key in SCHEMAS["Upload"]["properties"] or key in PARAMETERS, key
    read = re.findall(r"(\w+)((?:\['\w+'\])+)", code)
    assert {name for name, _ in read} == {"document", "offer", "told", "completed"}
    schemas = {"document": "Error", "offer": "Offer", "told": "Status", "completed": "Status"}
    for name, keys in read:
        schema = SCHEMAS[schemas[name]]
        for key in re.findall(r"'(\w+)'", keys):
            assert key in schema["properties"], (name, key)
            schema = schema["properties"][key]
            if "$ref" in schema:
                schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    states = set(re.findall(r"case ([^:]+):", code)[0].split(" || ")) | {"'failed'", "'expired'"}
    assert {one.strip("'") for one in states} <= set(
        SCHEMAS["Status"]["properties"]["status"]["enum"]
    )
    answers = set(re.findall(r"^ *'(\w+)' =>", code, re.MULTILINE))
    assert answers == list_choices(TYPES["Assessment"]["status"])


def test_the_dart_example_names_what_the_api_has() -> None:
    check_flutter(FLUTTER)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("$base/uploads", "$base/upload"),
        ("['upload']['url']", "['upload']['uri']"),
        ("'content_type':", "'type':"),
        ("'borderline' =>", "'unclear' =>"),
        ("told['code']", "told['reason']"),
    ],
)
def test_a_wrong_dart_example_is_found(old: str, new: str) -> None:
    assert old in FLUTTER
    with pytest.raises(AssertionError):
        check_flutter(FLUTTER.replace(old, new))
