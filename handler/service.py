"""Answer every request of the API. Nothing here depends on a cloud."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handler.analyze import Analyzer, make_record
from handler.answers import Answer, document_report, document_status, status_url
from handler.errors import NotFoundError
from handler.limits import Limits
from handler.requests import (
    MAX_UPLOAD_BYTES,
    AnalyzeData,
    AnalyzeFile,
    CreateUpload,
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


class Service:
    """The API. It needs a storage and, to run analyses, an engine.

    Parameters
    ----------
    storage : Storage
    engine : Engine or None
        None if the function only answers light requests.
    cpu_share : float, default 1
        Share of one core that this process gets.
    observe : callable, optional
        Called after each analysis with its figures by name, such as ``AnalysisSeconds``.
    work_folder : Path, optional
        For temporary files, in place of the system's own folder.
    """

    def __init__(
        self,
        storage: Storage,
        engine: "Engine | None",
        cpu_share: float = 1.0,
        observe: Callable[[dict[str, float]], None] = lambda _measured: None,
        work_folder: Path | None = None,
    ) -> None:
        self._storage = storage
        self._analyzer = (
            None if engine is None else Analyzer(storage, engine, cpu_share, observe, work_folder)
        )
        self._started_s = time.monotonic()

    def run(self, request: Request, limits: Limits, request_id: str) -> Answer:
        """Carry out a request.

        Parameters
        ----------
        request : Request
        limits : Limits
        request_id : str
            It appears in the log and in internal errors.

        Returns
        -------
        Answer

        Raises
        ------
        HandlerError
            It is also written into the record of the analysis, if there is one.
        """
        match request:
            case AnalyzeData():
                return self._require_analyzer().analyze_data(request, limits, request_id)
            case AnalyzeFile():
                return self._require_analyzer().analyze_file(request, limits, request_id)
            case CreateUpload():
                return self._create_upload(request)
            case GetStatus():
                return self._get_status(request)
            case ListAnalyses():
                return self._list_analyses(request)
            case GetHealth():
                return Answer(200, self._document_health())
            case Preflight():
                return Answer(204, {})

    def _require_analyzer(self) -> Analyzer:
        if self._analyzer is None:
            raise NotFoundError("no_analysis_here", "This function analyses nothing.")
        return self._analyzer

    def _create_upload(self, request: CreateUpload) -> Answer:
        record = make_record(uuid.uuid4().hex, request.user_id, request.parameters, request.report)
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
        document = document_status(self._storage, record, with_outcome=True)
        return Answer(200, document | document_report(self._storage, record))

    def _list_analyses(self, request: ListAnalyses) -> Answer:
        page = self._storage.list_records(request.user_id, request.limit, request.token)
        rows = [
            document_status(self._storage, record, with_outcome=False) for record in page.records
        ]
        return Answer(200, {"analyses": rows, "next": page.next_token or None})

    def _document_health(self) -> dict[str, Any]:
        return {
            "status": "ok",
            "version": __version__,
            "model_ready": self._analyzer is not None,
            "uptime_s": round(time.monotonic() - self._started_s, 3),
        }
