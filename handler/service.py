"""Answer every request of the API. Nothing here depends on AWS."""

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handler import records
from handler.analyze import Analyzer
from handler.answers import (
    Answer,
    answer_form,
    document_report,
    document_status,
    explain_refusal,
    status_url,
)
from handler.deletion import delete_analysis, delete_user
from handler.errors import (
    ConflictError,
    NotFoundError,
    TooLargeError,
    UndecodableError,
    UnsupportedMediaError,
)
from handler.identity import Caller
from handler.intake import make_record
from handler.keys import ANONYMOUS, ORIGINAL, make_key
from handler.limits import Limits
from handler.records import NEVER_SENT_S, Record
from handler.requests import (
    MAX_UPLOAD_BYTES,
    AnalyzeData,
    AnalyzeFile,
    AnalyzeForm,
    CreateUpload,
    DeleteAnalysis,
    DeleteUser,
    GetDescription,
    GetHealth,
    GetStatus,
    ListAnalyses,
    Preflight,
    Request,
)
from handler.storage import UPLOAD_VALID_S, Storage
from tracker.version import __version__

if TYPE_CHECKING:
    from handler.engine import Engine


UPLOADING_S = 3600
"""How long an upload may take to arrive if it began while its form was valid."""


class Service:
    """The API: it carries out each kind of request, with a storage and, to run analyses, an engine.

    Parameters
    ----------
    storage : Storage
    engine : Engine or None
        None if this process does not analyse: it then refuses requests to analyse, with 404.
    cpu_share : float, default 1
        Share of one core that this process gets, above 0 and at most 1. Estimates of CPU time are
        divided by it, to know how long an analysis will take here.
    observe : callable, optional
        Called after each completed analysis with a dictionary of measured values, such as
        ``AnalysisSeconds``. Default: they are dropped.
    work_folder : Path, optional
        Folder for temporary files. Default: the system's own folder for them.
    retention_days : int, optional
        How many days the record of an analysis is kept; 0 (default): for ever.
    """

    def __init__(
        self,
        storage: Storage,
        engine: "Engine | None",
        cpu_share: float = 1.0,
        observe: Callable[[dict[str, float]], None] = lambda _measured: None,
        work_folder: Path | None = None,
        retention_days: int = 0,
    ) -> None:
        self._storage = storage
        self._analyzer = (
            None
            if engine is None
            else Analyzer(storage, engine, cpu_share, observe, work_folder, retention_days)
        )
        self._started_s = time.monotonic()

    def run(self, request: Request, limits: Limits, request_id: str) -> Answer:
        """Carry out a request of any kind, and return the answer to its sender.

        Parameters
        ----------
        request : Request
            One of the classes in `handler.requests`; what it holds was checked.
        limits : Limits
            By when this invocation must end or answer.
        request_id : str
            An id that appears in the log and in the messages of internal errors.

        Returns
        -------
        Answer
            Status 200, 202 (the analysis will end later) or 204 (nothing to say). A form's answer
            can also be 422: its result is not clear, see `answer_form`.

        Raises
        ------
        HandlerError
            The request failed. The error of an analysis is also written into its record, if there
            is one, no other process has it, and its file cannot still come.
        """
        match request:
            case AnalyzeData():
                return self._require_analyzer().analyze_data(request, limits, request_id)
            case AnalyzeForm():
                return self._analyze_form(request, limits, request_id)
            case AnalyzeFile():
                return self._require_analyzer().analyze_file(request, limits, request_id)
            case CreateUpload():
                return self._create_upload(request)
            case GetStatus():
                return self._get_status(request)
            case ListAnalyses():
                return self._list_analyses(request)
            case DeleteAnalysis():
                delete_analysis(self._storage, request.analysis_id, request.caller)
                return Answer(204, {})
            case DeleteUser():
                done = delete_user(self._storage, request.user_id, request.caller, limits)
                return Answer(200, {"status": "deleted" if done else "incomplete"})
            case GetDescription():
                return _describe_api(request.as_page)
            case GetHealth():
                return Answer(200, self._document_health())
            case Preflight():
                return Answer(204, {})

    def postpone(self, receipt: str, delay_s: int) -> None:
        """Have the queue deliver a failed message again after `delay_s` seconds.

        `receipt` is the queue's handle of this delivery of the message.
        """
        self._storage.postpone(receipt, delay_s)

    def _require_analyzer(self) -> Analyzer:
        if self._analyzer is None:
            raise NotFoundError("no_analysis_here", "This function analyses nothing.")
        return self._analyzer

    def _analyze_form(self, request: AnalyzeForm, limits: Limits, request_id: str) -> Answer:
        """Analyse a form's file, for an app that understands only a clear result or an error.

        That app would show any other answer as healthy. The analysis is therefore never queued or
        divided, and an answer without a clear result becomes an error: see `answer_form`. If it
        runs in another process, `ConflictError` is raised.
        """
        language = request.data.about.language
        try:
            answer = self._require_analyzer().analyze_data(
                request.data, replace(limits, may_queue=False), request_id
            )
        except (UndecodableError, UnsupportedMediaError, TooLargeError) as error:
            raise type(error)(error.code, explain_refusal(error, language)) from error
        if answer.status_code != 200:
            raise ConflictError("in_progress", "This analysis is running already. Try again later.")
        if not request.keep:
            analysis_id = answer.document["analysis_id"]
            delete_analysis(self._storage, analysis_id, Caller("operator"))
        return answer_form(answer, language)

    def _create_upload(self, request: CreateUpload) -> Answer:
        analysis_id, user_id = uuid.uuid4().hex, request.user_id or ANONYMOUS
        record = replace(
            make_record(analysis_id, user_id, request.parameters, request.report, request.about),
            source_key=make_key(user_id, analysis_id, ORIGINAL),
            awaits_upload=True,
            fan_out=request.fan_out,
            expires_at=int(time.time()) + NEVER_SENT_S,
        )
        self._storage.create(record)
        offer = self._storage.offer_upload(
            record.source_key, request.content_type, MAX_UPLOAD_BYTES
        )
        return Answer(
            200,
            {
                "analysis_id": record.analysis_id,
                "upload": {"url": offer.url, "fields": offer.fields},
                "expires_in_s": UPLOAD_VALID_S,
                "max_bytes": MAX_UPLOAD_BYTES,
                "status": "queued",
                "status_url": status_url(record),
            },
        )

    def _get_status(self, request: GetStatus) -> Answer:
        record = self._storage.read(request.analysis_id)
        caller = request.caller
        if record.state == "deleted" or not caller.may_read(record.user_id):
            # The same answer as if there were none.
            raise NotFoundError("analysis_not_found", "There is no analysis of this id.")
        record = self._as_reported(record)
        document = document_status(self._storage, record, with_outcome=True)
        document |= document_report(self._storage, record, request.language)
        foreign = caller.is_known and record.user_id != caller.user_id
        return Answer(200, document, (record.analysis_id,) if foreign else ())

    def _list_analyses(self, request: ListAnalyses) -> Answer:
        page = self._storage.list_records(request.user_id, request.limit, request.token)
        rows = [
            document_status(self._storage, self._as_reported(record), with_outcome=False)
            for record in page.records
            if record.state != "deleted"
        ]
        foreign = request.caller.is_known and request.user_id != request.caller.user_id
        shown = tuple(row["analysis_id"] for row in rows) if foreign else ()
        return Answer(200, {"analyses": rows, "next": page.next_token or None}, shown)

    def _as_reported(self, record: Record) -> Record:
        """Return a record as a client is to see it now; the stored record does not change.

        It is shown as expired if it was made for an upload, and no file has come after 2 h, when
        the form for it is no longer valid. It is shown as failed if its process died long ago: see
        `records.as_reported`. Otherwise it is returned as it is.
        """
        now_s = time.time()
        age_s = now_s - datetime.fromisoformat(record.created_at).timestamp()
        if (
            record.state == "queued"
            and record.awaits_upload
            and age_s > UPLOAD_VALID_S + UPLOADING_S
            and not self._storage.has_file(record.source_key)
        ):
            return records.expire(record)
        return records.as_reported(record, now_s)

    def _document_health(self) -> dict[str, Any]:
        return {
            "status": "ok",
            "version": __version__,
            "model_ready": self._analyzer is not None,
            "uptime_s": round(time.monotonic() - self._started_s, 3),
        }


def _describe_api(as_page: bool) -> Answer:
    """Return the answer with the OpenAPI description; if `as_page` is true, as an HTML page."""
    # Only this request needs it.
    from handler.description import make_document, make_page

    document = make_document()
    return Answer(200, document, page=make_page(document) if as_page else "")
