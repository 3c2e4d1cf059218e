"""The JSON documents that requests are answered with."""

from dataclasses import dataclass, replace
from typing import Any

from handler.division import Division
from handler.errors import HandlerError
from handler.keys import content_type_of
from handler.records import Record
from handler.storage import Storage
from tracker.words import LANGUAGES, TEXTS, Language, format_text
from tracker.words.patient import choose_patient_message

_OUTCOME_NAMES = {"video": "summary", "image": "result"}


CLEAR_ANSWERS = {"suspected": True, "not_suspected": False}
"""The value `suspected` for the app, by each status of an assessment that is a clear answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request: an HTTP status code and a JSON document.

    If `page` is not empty, it is an HTML page that is sent instead of the document. `shown` holds
    the ids of those analyses in the document that a clinician reads and that belong to others; they
    are logged. `is_handed_over` is true if a state machine carries out the request from now on.
    """

    status_code: int
    document: dict[str, Any]
    shown: tuple[str, ...] = ()
    page: str = ""
    is_handed_over: bool = False


def answer_analysis(storage: Storage, record: Record, language: Language | None = None) -> Answer:
    """Return the answer to a request to analyse a file.

    If the analysis is completed, the status is 200, and the document holds the outcome and, of a
    video, a message for the patient in `language` (None: in the report's language, and without a
    report no message). Otherwise the status is 202, and the document holds the state, such as
    "queued", and the path to ask for it later.
    """
    if record.state != "completed":
        return _answer_later(record)
    document = {
        **_document_outcome(storage, record),
        **document_report(storage, record, language),
        "status": "success",
    }
    return Answer(200, document)


def _answer_later(record: Record) -> Answer:
    return Answer(
        202,
        {
            "analysis_id": record.analysis_id,
            "status": record.state,
            "status_url": status_url(record),
        },
    )


def answer_division(record: Record, division: Division) -> Answer:
    """Return the answer, status 202, to a request whose video is divided among many workers.

    It holds the state, the path to ask for it later, and as ``fan_out`` the number of segments, the
    time and the cost that `division` estimates.
    """
    answer = _answer_later(record)
    document = {**answer.document, "fan_out": division.document()}
    return replace(answer, document=document, is_handed_over=True)


def answer_form(answer: Answer, language: Language | None) -> Answer:
    """Return the answer for an app that understands only a clear result or an error.

    `answer` holds the summary of a video. If its result is clear (suspected or not suspected, with
    a measured range), `answer` itself is returned. Otherwise an `Answer` of status 422 is
    returned, not raised. Its message gives the reason in `language`, or in English and Korean if
    that is None.
    """
    summary = answer.document["summary"]
    status = summary["assessment"]["status"]
    if status in CLEAR_ANSWERS and summary["vertical_peak_to_peak"] is not None:
        return answer
    languages = LANGUAGES if language is None else (language,)
    messages = (
        f"{format_text(one, f'app.{status}')} {write_patient_message(summary, one)}"
        for one in languages
    )
    document = {
        "error": " / ".join(messages),
        "code": status,
        "analysis_id": answer.document["analysis_id"],
    }
    return Answer(422, document)


def explain_refusal(error: HandlerError, language: Language | None) -> str:
    """Return why a form's video was not analysed, in `language`; None: in English and Korean.

    The codes of the most frequent errors have a sentence of their own in both languages. For any
    other code, the English text is the message of `error`, and the Korean one a general sentence.
    """
    key = f"app.{error.code}" if f"app.{error.code}" in TEXTS["en"] else "app.refused"
    texts = {one: format_text(one, key) for one in LANGUAGES}
    if key == "app.refused":
        texts["en"] = error.message
    return " / ".join(texts[one] for one in (LANGUAGES if language is None else (language,)))


def document_status(storage: Storage, record: Record, with_outcome: bool) -> dict[str, Any]:
    """Return the state of an analysis as JSON.

    A completed one also has its outcome, its provenance, and where its files are (as
    `Storage.locate` says it); a failed or expired one has the error's code and message. If
    `with_outcome` is false, as in a list of analyses, the summary or result, the provenance, the
    parameters, what the client said of the file, and when the record expires are left out; where
    the files are, and the error, stay.
    """
    document: dict[str, Any] = {
        "analysis_id": record.analysis_id,
        "status": record.state,
        "progress_percent": record.progress_percent,
        "created_at": record.created_at,
    }
    if record.state == "completed":
        document |= _document_outcome(storage, record, with_outcome)
    if record.state in ("failed", "expired"):
        document |= record.error or {}
    if with_outcome:
        document |= {
            "parameters": record.parameters,
            "file_name": record.file_name or None,
            "captured_at": record.captured_at or None,
            "consent": record.consent or None,
            "expires_at": record.expires_at,
        }
    return document


def document_report(
    storage: Storage, record: Record, language: Language | None = None
) -> dict[str, str]:
    """Return the fields ``report_url`` and ``patient_message`` of an answer: both, one or none.

    ``report_url``, at which a browser opens the report, is there if one was written, in whatever
    language. ``patient_message`` is there for a completed analysis of a video, in `language`; None:
    in the report's language, and without a report there is no message.
    """
    document = {}
    key = (record.files or {}).get("report")
    if key is not None:
        document["report_url"] = storage.offer_download(key, content_type_of(key))
    language = language or (record.report if key is not None else None)
    if language is not None and record.kind == "video" and record.outcome is not None:
        document["patient_message"] = write_patient_message(record.outcome, language)
    return document


def write_patient_message(summary: dict[str, Any], language: Language) -> str:
    """Return the sentence for the patient: how to record better, or that the test is done.

    `summary` is a video's summary as JSON. The sentence never tells the result.
    """
    reasons, cautions = (
        [finding["code"] for finding in summary["assessment"][name]]
        for name in ("reasons", "cautions")
    )
    return choose_patient_message(reasons, cautions, language)


def document_for_app(summary: dict[str, Any]) -> dict[str, Any]:
    """Return the part of the answer that the phone app reads, ``analysis_result``.

    `summary` is a video's summary as JSON. The document holds the range, the blinks and, as
    ``psp_screening.suspected``, the answer: true or false if it is clear.

    The app would show a missing, null or false `suspected` as healthy. Without a clear answer it is
    therefore a text ("borderline" or "not_assessable"), which the app cannot read, so it stops.
    """
    status = summary["assessment"]["status"]
    range_, std = summary["vertical_peak_to_peak"], summary["vertical_offset_std"]
    return {
        "frames_processed": summary["frames_processed"],
        "duration_sec": summary["duration_sec_est"],
        "vertical_movement": {"peak_to_peak": range_, "std": std, "std_deviation": std},
        "blink_analysis": {
            "count": summary["blink_count"],
            "rate_per_minute": summary["blink_rate_per_min"],
        },
        "psp_screening": {
            "suspected": CLEAR_ANSWERS.get(status, status),
            "threshold_used": summary["parameters"]["vpp_thresh"],
            "vertical_ptp_measured": range_,
        },
    }


def status_url(record: Record) -> str:
    """Return the path of the API that answers with an analysis' state: ``/status/ID``."""
    return f"/status/{record.analysis_id}"


def _document_outcome(
    storage: Storage, record: Record, with_outcome: bool = True
) -> dict[str, Any]:
    document: dict[str, Any] = {"analysis_id": record.analysis_id}
    if with_outcome and record.outcome is not None:
        document[_OUTCOME_NAMES[record.kind]] = record.outcome
        if record.kind == "video":
            document["analysis_result"] = document_for_app(record.outcome)
        document["provenance"] = record.provenance
    document[f"{record.kind}_path"] = storage.locate(record.source_key)
    for name, key in (record.files or {}).items():
        document[f"{name}_path"] = storage.locate(key)
    return document
