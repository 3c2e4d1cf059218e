"""The JSON documents that requests are answered with."""

import time
from dataclasses import dataclass
from typing import Any

from handler import records
from handler.keys import content_type_of
from handler.records import Record
from handler.storage import Storage
from tracker.words.patient import choose_patient_message

_OUTCOME_NAMES = {"video": "summary", "image": "result"}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request: a status code and a JSON document."""

    status_code: int
    document: dict[str, Any]


def answer_analysis(storage: Storage, record: Record) -> Answer:
    """Return the answer to a request to analyse: the outcome, or the path to ask for it."""
    if record.state != "completed":
        return Answer(
            202,
            {
                "analysis_id": record.analysis_id,
                "status": record.state,
                "status_url": status_url(record),
            },
        )
    return Answer(200, {**_document_outcome(storage, record), "status": "success"})


def document_status(storage: Storage, record: Record, with_outcome: bool) -> dict[str, Any]:
    """Return the state of an analysis, for a list without the summary or the result."""
    record = records.as_reported(record, time.time())
    document: dict[str, Any] = {
        "analysis_id": record.analysis_id,
        "status": record.state,
        "progress_percent": record.progress_percent,
        "created_at": record.created_at,
    }
    if record.state == "completed":
        document |= _document_outcome(storage, record, with_outcome)
    if record.state == "failed":
        document |= record.error or {}
    return document


def document_report(storage: Storage, record: Record) -> dict[str, str]:
    """Return the address of the report and the patient's message; empty without a report."""
    key = (record.files or {}).get("report")
    if key is None or record.outcome is None or record.report is None:
        return {}
    assessment = record.outcome["assessment"]
    reasons, cautions = (
        [finding["code"] for finding in assessment[name]] for name in ("reasons", "cautions")
    )
    return {
        "report_url": storage.offer_download(key, content_type_of(key)),
        "patient_message": choose_patient_message(reasons, cautions, record.report),
    }


def status_url(record: Record) -> str:
    """Return the path at which the status of an analysis can be asked for."""
    return f"/status/{record.analysis_id}"


def _document_outcome(
    storage: Storage, record: Record, with_outcome: bool = True
) -> dict[str, Any]:
    document: dict[str, Any] = {"analysis_id": record.analysis_id}
    if with_outcome and record.outcome is not None:
        document[_OUTCOME_NAMES[record.kind]] = record.outcome
    document[f"{record.kind}_path"] = storage.locate(record.source_key)
    for name, key in (record.files or {}).items():
        document[f"{name}_path"] = storage.locate(key)
    return document
