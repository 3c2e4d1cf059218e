"""A result as a FHIR R4B bundle: a report, and an observation for each measure.

The report is preliminary, because no clinician has signed it. Units are those of UCUM. A measure
that is missing has an observation too, which says that the recording does not show it. If the
recording is not assessable, ranges that were measured get the reasons as a note, for each
observation may be read alone. Only elements that R4 has as well are used.

Source: https://hl7.org/fhir/R4B (DiagnosticReport, Observation).
"""

import json
import urllib.parse
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tracker.exports.recordings import ExportedRecording
from tracker.files.documents import find_field, get_value
from tracker.files.fields import Summary
from tracker.files.names import shorten_stem
from tracker.files.whole import write_text_whole

MEASURES = {
    "vertical_peak_to_peak": "{eye_width}",
    "up_range": "{eye_width}",
    "down_range": "{eye_width}",
    "blink_rate_per_min": "/min",
    "blink_duration_median_s": "s",
    "perclos": "1",
}
"""Fields of the summary that become observations, and their units in UCUM."""
GAZE = ("vertical_peak_to_peak", "up_range", "down_range")
"""Those on which the answer rests. Without an answer, each says why it is not to be relied on."""
QUALITY = {
    "quality.face_coverage": "1",
    "quality.gaze_share": "1",
    "quality.sampled_rate_hz": "Hz",
    "quality.head_pitch_spread_deg": "deg",
    "quality.sharpness": "1",
    "quality.contrast_over_noise": "1",
}
"""The same, for the fields that describe the recording's quality."""
NAMESPACE = uuid.UUID("7d0b4c5e-9c0f-4a51-9f4e-5f2b0c1a6d37")
"""Namespace of the exported ids, drawn once at random. With it, equal results get equal ids."""
CODES = f"urn:uuid:{NAMESPACE}"
"""The system of the codes, which are names of the summary's fields."""
UCUM = "http://unitsofmeasure.org"
CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


def export_fhir(recordings: Iterable[ExportedRecording], out: Path) -> list[Path]:
    """Write a bundle for each recording, ``NAME.fhir.json``; return the files, in the same order.

    NAME is `ExportedRecording.name`, with its folders, so that the files lie below `out` as the
    results lie below the folder that was searched; a part that is too long for a file system is
    shortened. Each of `recordings` needs a name of its own. An existing file of this name is
    replaced.
    """
    return [_write_bundle(recording, out) for recording in recordings]


def _write_bundle(recording: ExportedRecording, out: Path) -> Path:
    # A name whose bytes are not UTF-8 is up to three times as long as that of its files.
    *folders, stem = map(shorten_stem, Path(recording.name).parts)
    path = out.joinpath(*folders, f"{stem}.fhir.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(make_bundle(recording), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return write_text_whole(path, text)


def make_bundle(recording: ExportedRecording) -> dict[str, Any]:
    """Return a recording's FHIR bundle as a JSON document.

    Its first entry is the report. The others are the observations, in this order: the screening
    answer, and one for each field of the summary in `MEASURES`, then in `QUALITY`.
    """
    summary = recording.summary
    observations = [
        _observe_answer(summary),
        *(_observe(summary, path, unit) for path, unit in (MEASURES | QUALITY).items()),
    ]
    about = _describe_subject(recording)
    entries = []
    for name, observation in observations:
        url = _make_url(recording, name)
        entries.append({"fullUrl": url, "resource": observation | about})
    report = {
        "resourceType": "DiagnosticReport",
        "status": "preliminary",
        "code": _code("assessment", "Eye movements and blinks in a video of the face"),
        **about,
        "result": [{"reference": entry["fullUrl"]} for entry in entries],
        "conclusion": " ".join(
            filter(None, (summary.psp_rule_reason, recording.correction, summary.note))
        ),
    }
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": _make_url(recording, "report"), "resource": report}, *entries],
    }


def _make_url(recording: ExportedRecording, name: str) -> str:
    summary = recording.summary
    key = [recording.name, summary.video_sha256, summary.version, name]
    return f"urn:uuid:{uuid.uuid5(NAMESPACE, json.dumps(key))}"


def _describe_subject(recording: ExportedRecording) -> dict[str, Any]:
    """Return the FHIR elements that say who was observed, at which visit, and on which day.

    The dict is empty if the person is not known; the visit or the day is left out if it is not.
    Each person has a system of their own for visits: an identifier with its system names one
    encounter, which has one patient, but visits of all people may be called "month 6".
    """
    person = recording.participant
    if person is None:
        return {}
    identifier = {"system": f"{CODES}:participant", "value": person.participant_id}
    about: dict[str, Any] = {"subject": {"type": "Patient", "identifier": identifier}}
    if person.visit:
        system = f"{CODES}:visit:{urllib.parse.quote(person.participant_id, safe='')}"
        about["encounter"] = {
            "type": "Encounter",
            "identifier": {"system": system, "value": person.visit},
        }
    if person.date:
        about["effectiveDateTime"] = person.date
    return about


def _code(name: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": CODES, "code": name, "display": text}], "text": text}


def _make_observation(name: str, text: str, category: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "preliminary",
        "category": [{"coding": [{"system": CATEGORIES, "code": category}]}],
        "code": _code(name, text),
    }


def _observe_answer(summary: Summary) -> tuple[str, dict[str, Any]]:
    """Return the screening answer's name, ``assessment.status``, and its observation.

    If the recording was not assessable, the observation has no value, but the reasons. Each caution
    is a note.
    """
    assessment = summary.assessment
    _, about = find_field("assessment.status")
    observation = _make_observation("assessment.status", about.en, "exam")
    if assessment.status == "not_assessable":
        observation["dataAbsentReason"] = _absent(_join_reasons(summary))
    else:
        status = {"system": f"{CODES}:status", "code": assessment.status}
        observation["valueCodeableConcept"] = {
            "coding": [status],
            "text": assessment.status.replace("_", " "),
        }
    if assessment.cautions:
        observation["note"] = [{"text": caution.message} for caution in assessment.cautions]
    return "assessment.status", observation


def _join_reasons(summary: Summary) -> str:
    return " ".join(reason.message for reason in summary.assessment.reasons)


def _absent(text: str) -> dict[str, Any]:
    return {"coding": [{"system": ABSENT, "code": "unknown"}], "text": text or "Not measured."}


def _observe(summary: Summary, path: str, unit: str) -> tuple[str, dict[str, Any]]:
    """Return a field's name, `path`, and the observation of its value.

    `path` is the dotted name in the summary, and `unit` the UCUM unit. The observation holds the
    value, and its 95 % interval if the summary has both ends of one. If the value is missing, it
    says so instead. A value that is a lower bound is marked by ``>=``. If the recording is not
    assessable, the fields in `GAZE` get the reasons as a note.
    """
    _, about = find_field(path)
    category = "survey" if path in QUALITY else "exam"
    observation = _make_observation(path, about.en, category)
    value = get_value(summary, path)
    quantity = {"unit": about.unit or unit, "system": UCUM, "code": unit}
    if value is None:
        observation["dataAbsentReason"] = _absent("The recording does not show it.")
        return path, observation
    observation["valueQuantity"] = {"value": value, **quantity}
    if path in GAZE and summary.assessment.status == "not_assessable":
        observation["note"] = [{"text": f"Not assessable. {_join_reasons(summary)}"}]
    if path == "down_range" and summary.down_range_is_lower_bound:
        # Lids hid the irises: the eyes looked down by this or more.
        observation["valueQuantity"]["comparator"] = ">="
    interval = getattr(summary, f"{path}_ci95", None)
    if interval and None not in interval:
        observation["component"] = [
            {
                "code": _code(f"{path}_ci95.{end}", f"95 % interval, {name}"),
                "valueQuantity": {"value": bound, **quantity},
            }
            for end, name, bound in zip(
                ("low", "high"), ("lower end", "upper end"), interval, strict=True
            )
        ]
    return path, observation
