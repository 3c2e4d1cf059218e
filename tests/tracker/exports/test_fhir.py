"""FHIR bundles, judged by models that were made from the standard's own definitions."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from pydantic import ValidationError

from tracker.exports.fhir import export_fhir
from tracker.exports.recordings import ExportedRecording
from tracker.files.fields import FindingFields
from tracker.files.participants import Participant


@pytest.fixture
def bundles(recordings: list[ExportedRecording], tmp_path: Path) -> dict[str, Any]:
    paths = export_fhir(recordings, tmp_path)
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def find(bundle: dict[str, Any], code: str) -> dict[str, Any]:
    (found,) = (
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["code"]["coding"][0]["code"] == code
    )
    return found


def test_bundles_are_valid(bundles: dict[str, Any]) -> None:
    assert len(bundles) == 3
    for bundle in bundles.values():
        Bundle.model_validate(bundle)


@pytest.mark.parametrize(
    "change",
    [
        {"status": None},
        {"status": 3},
        {"valueQuantity": {"value": "wide"}},
        {"interpretations": []},
        {"triggeredBy": []},  # an element of R5
    ],
)
def test_a_damaged_bundle_is_not_valid(bundles: dict[str, Any], change: dict[str, Any]) -> None:
    bundle = copy.deepcopy(bundles["first.fhir.json"])
    resource = bundle["entry"][2]["resource"]
    resource.update(change)
    with pytest.raises(ValidationError):
        Bundle.model_validate(bundle)


def test_measures_have_units_and_intervals(
    bundles: dict[str, Any], recordings: list[ExportedRecording]
) -> None:
    bundle, summary = bundles["first.fhir.json"], recordings[1].summary
    observed = find(bundle, "vertical_peak_to_peak")
    assert observed["status"] == "preliminary"
    assert observed["valueQuantity"] == {
        "value": summary.vertical_peak_to_peak,
        "unit": "eye widths",
        "system": "http://unitsofmeasure.org",
        "code": "{eye_width}",
    }
    low, high = (part["valueQuantity"]["value"] for part in observed["component"])
    assert (low, high) == summary.vertical_peak_to_peak_ci95
    rate = find(bundle, "blink_rate_per_min")["valueQuantity"]
    # Three blinks in 24 s.
    assert rate["value"] == pytest.approx(3 / 24 * 60, rel=0.01)
    assert rate["code"] == "/min"


def test_the_report_names_every_observation_and_the_person(bundles: dict[str, Any]) -> None:
    bundle = bundles["first.fhir.json"]
    report, *others = bundle["entry"]
    assert report["resource"]["resourceType"] == "DiagnosticReport"
    assert report["resource"]["status"] == "preliminary"
    references = [one["reference"] for one in report["resource"]["result"]]
    assert references == [one["fullUrl"] for one in others]
    assert len(set(references)) == len(references)
    for entry in bundle["entry"]:
        assert entry["resource"]["subject"]["identifier"]["value"] == "p-01"
        assert entry["resource"]["encounter"]["identifier"]["value"] == "month 6"
        assert entry["resource"]["effectiveDateTime"] == "2026-03-01"
    assert "not a diagnosis" in report["resource"]["conclusion"]


def test_a_visit_is_of_one_person_only(recordings: list[ExportedRecording], tmp_path: Path) -> None:
    """An encounter has one patient, but everybody has a visit of the same name."""
    one = recordings[1]
    visits = [("p 1", "month 6"), ("p 1", "month 12"), ("p-1", "month 6"), ("가", "month 6")]
    people = [
        replace(one, name=f"r{number}", participant=Participant(*names[:1], visit=names[1]))
        for number, names in enumerate([*visits, visits[0]])
    ]
    named = []
    for path in export_fhir(people, tmp_path):
        bundle = json.loads(path.read_text(encoding="utf-8"))
        Bundle.model_validate(bundle)
        (found,) = {
            tuple(entry["resource"]["encounter"]["identifier"].items()) for entry in bundle["entry"]
        }
        # A URI has no spaces and no other letters than those of ASCII.
        system = dict(found)["system"]
        assert system.isascii()
        assert " " not in system
        named.append(found)
    assert len(set(named)) == len(visits)
    assert named[0] == named[-1]


def test_what_is_not_assessable_has_no_value_but_a_reason(bundles: dict[str, Any]) -> None:
    answer = find(bundles["누구.fhir.json"], "assessment.status")
    assert "valueCodeableConcept" not in answer
    assert answer["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert len(answer["dataAbsentReason"]["text"]) > 20
    assert not {"subject", "encounter", "effectiveDateTime"} & answer.keys()
    assert "valueCodeableConcept" in find(bundles["first.fhir.json"], "assessment.status")


def test_a_range_that_supports_no_answer_says_so_itself(
    recordings: list[ExportedRecording],
    bundles: dict[str, Any],
    tmp_path: Path,
) -> None:
    (recording,) = (one for one in recordings if one.stem == "first")
    summary = recording.summary
    reason = FindingFields("recording_too_short", "It is too short. Record again.")
    refused = replace(summary.assessment, status="not_assessable", reasons=(reason,))
    doubtful = replace(recording, summary=replace(summary, assessment=refused))
    (path,) = export_fhir([doubtful], tmp_path / "doubtful")
    bundle = json.loads(path.read_text(encoding="utf-8"))
    Bundle.model_validate(bundle)
    for name in ("vertical_peak_to_peak", "up_range", "down_range"):
        observed = find(bundle, name)
        assert "valueQuantity" in observed
        assert observed["note"] == [{"text": f"Not assessable. {reason.message}"}]
        assert "note" not in find(bundles["first.fhir.json"], name)
    assert "note" not in find(bundle, "blink_rate_per_min")


def test_a_range_down_that_lids_hid_is_that_much_or_more(
    recordings: list[ExportedRecording], bundles: dict[str, Any], tmp_path: Path
) -> None:
    assert "comparator" not in find(bundles["first.fhir.json"], "down_range")["valueQuantity"]
    summary = replace(recordings[1].summary, down_range_is_lower_bound=True)
    (path,) = export_fhir([replace(recordings[1], summary=summary)], tmp_path / "hidden")
    bundle = json.loads(path.read_text(encoding="utf-8"))
    Bundle.model_validate(bundle)
    assert find(bundle, "down_range")["valueQuantity"]["comparator"] == ">="
    assert "comparator" not in find(bundle, "up_range")["valueQuantity"]


def test_the_report_says_who_corrected_the_events(
    recordings: list[ExportedRecording], bundles: dict[str, Any], tmp_path: Path
) -> None:
    at = "2026-01-31T09:30:00Z"
    summary = replace(recordings[1].summary, corrected=True, corrected_by="AB", corrected_at=at)
    (path,) = export_fhir([replace(recordings[1], summary=summary)], tmp_path / "corrected")
    bundle = json.loads(path.read_text(encoding="utf-8"))
    Bundle.model_validate(bundle)
    assert f"Corrected by AB, {at}." in bundle["entry"][0]["resource"]["conclusion"]
    original = bundles["first.fhir.json"]["entry"][0]["resource"]["conclusion"]
    assert "Corrected" not in original


def test_equal_results_are_equal_bundles(
    recordings: list[ExportedRecording], bundles: dict[str, Any], tmp_path: Path
) -> None:
    (again, *_) = export_fhir(recordings[1:2], tmp_path / "again")
    assert json.loads(again.read_text(encoding="utf-8")) == bundles["first.fhir.json"]
