"""The data dictionary and the schema: up to date, and true of real summaries."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.tracker.files.test_documents import SUMMARIES, USUAL
from tracker.cli.main import main
from tracker.files.columns import (
    BLINK_COLUMNS,
    COHORT_COLUMNS,
    FRAME_COLUMNS,
    SACCADE_COLUMNS,
)
from tracker.files.dictionary import make_page, make_schema
from tracker.files.documents import list_values
from tracker.files.fields import Summary

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = make_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_documents_are_those_that_make_docs_writes() -> None:
    stale = "it is stale: run `make docs`"
    assert (DOCS / "outputs.md").read_text(encoding="utf-8") == make_page(), stale
    schema = json.loads((DOCS / "summary.schema.json").read_text(encoding="utf-8"))
    assert schema == make_schema(), stale


def test_the_page_lists_everything_once() -> None:
    lines = [line for line in make_page().splitlines() if line.startswith("| `")]
    first = [line.split("`")[1] for line in lines]
    fields = [f"{name}" for name in list_values("gaze", "blinks", "quality", "video", "parameters")]
    assert {*fields, "source", "phases[].latency_s", "assessment.reasons[].code"} <= {*first}
    for columns in (FRAME_COLUMNS, BLINK_COLUMNS, SACCADE_COLUMNS, COHORT_COLUMNS):
        names = [column.name for column in columns]
        begin = next(i for i in range(len(first)) if first[i : i + len(names)] == names)
        assert begin > 0
    for line in lines:
        assert line.count("|") in (3, 6), line


@pytest.mark.parametrize("kind", SUMMARIES)
def test_real_summaries_are_valid(kind: str, validator: jsonschema.Draft202012Validator) -> None:
    document = json.loads(json.dumps(SUMMARIES[kind]().to_dict(), allow_nan=False))
    validator.validate(document)


def test_what_the_command_line_writes_is_valid(
    clips: Path, tmp_path: Path, validator: jsonschema.Draft202012Validator
) -> None:
    assert main(["analyze", str(clips / "tiny.mp4"), "--out", str(tmp_path), "--no-report"]) == 0
    document = json.loads((tmp_path / "tiny.summary.json").read_text(encoding="utf-8"))
    assert len(document["resume_key"]) == 64
    validator.validate(document)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.update(blink_count="3"),
        lambda d: d.update(blink_count=None),
        lambda d: d.update(perclos="0"),
        lambda d: d.update(vertical_peak_to_peak_ci95=[0.1]),
        lambda d: d.update(unknown=1),
        lambda d: d.pop("blink_count"),
        lambda d: d["quality"].pop("sharpness"),
        lambda d: d["assessment"].update(status="better"),
        lambda d: d["phases"][0].update(phase="aside"),
        lambda d: d["parameters"]["protocol"][0].pop("start_s"),
    ],
)
def test_anything_else_is_not(
    spoil: Callable[[dict[str, Any]], object], validator: jsonschema.Draft202012Validator
) -> None:
    document = copy.deepcopy(USUAL)
    validator.validate(document)
    spoil(document)
    assert not validator.is_valid(document)


def test_the_schema_has_units_and_meanings() -> None:
    properties = make_schema()["properties"]
    assert list(properties) == list(Summary.__dataclass_fields__)
    assert properties["gaze_time_s"]["x-unit"] == "s"
    assert properties["quality"]["properties"]["head_yaw_deg"]["x-unit"] == "deg"
    assert "Poisson" in properties["blink_rate_per_min_ci95"]["description"]
