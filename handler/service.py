"""The API's actions: what is gathered, decided and written down for each. Knows no cloud."""

import hashlib
import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handler import storage as stored
from handler.errors import (
    ConflictError,
    ForbiddenError,
    HandlerError,
    NotFoundError,
    StorageUnavailableError,
    ThrottledError,
    TooLargeError,
    UndecodableError,
    UnsupportedMediaError,
    to_document,
    to_handler_error,
)
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
    document_file_request,
    document_parameters,
    parse_parameters,
)
from handler.storage import ANONYMOUS, ORIGINAL, Record, RecordChangedError, RecordExistsError
from tracker import __version__
from tracker.parameters import Parameters
from tracker.words import Language
from tracker.words.patient import choose_patient_message

if TYPE_CHECKING:
    from handler.engine import Engine

TEMPORARY_PREFIX = ".eye-tracking-work-"
"""Of nothing else: what bears it is removed."""
PROGRESS_INTERVAL_S = 5.0
LEASE_MARGIN_S = 10.0
"""An owner's lease outlives it by this, for clocks differ."""
MIN_WORK_S = 5.0
"""Time left below which work does not begin: it is delivered again to one that has more."""
RESERVE_S, RESERVE_SHARE = 2.0, 0.05
"""Kept from decoding and tracking for what comes after: measures, tables, and storing them."""
MAX_DOWNLOAD_BYTES = 400 * 2**20
"""A larger video is read in place: /tmp holds 512 MB."""
MAX_DOWNLOAD_SHARE = 0.8
"""Of the free disk space, for the same reason."""
MIN_DOWNLOAD_BYTES_PER_S = 4 * 2**20
"""A file of the bucket that would take the caller's time at this rate is queued unseen."""
MAX_KILLED = 2
"""Attempts that ended without a word, after which a file is taken to be what kills the process."""

_FILE_NAMES = {
    "summary": "summary.json",
    "csv": "frames.csv",
    "blinks": "blinks.csv",
    "track": "track.npz",
    "report": stored.REPORT,
    "result": "result.json",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The time of one invocation, in Unix seconds.

    Attributes
    ----------
    end_s : float
        The process is stopped then.
    answer_by_s : float or None
        The caller gives up then. None: nobody waits, and nothing is queued.
    """

    end_s: float
    answer_by_s: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered: a status code and a JSON document."""

    status_code: int
    document: dict[str, Any]


class Service:
    """The API over a storage and, where analyses run, an engine.

    Parameters
    ----------
    storage : Storage
    engine : Engine or None
        None where only light requests are answered.
    cpu_share : float, default 1
        Of one core that this process gets.
    observe : callable, optional
        Called with what was measured of each analysis, by name.
    work_folder : Path, optional
        For temporary files, in place of the system's own.
    """

    def __init__(
        self,
        storage: stored.Storage,
        engine: "Engine | None",
        cpu_share: float = 1.0,
        observe: Callable[[dict[str, float]], None] = lambda _measured: None,
        work_folder: Path | None = None,
    ) -> None:
        self._storage = storage
        self._engine = engine
        self._cpu_share = cpu_share
        self._observe = observe
        self._work_folder = work_folder
        self._started_s = time.monotonic()

    def run(self, request: Request, limits: Limits, request_id: str) -> Answer:
        """Carry out a request.

        Parameters
        ----------
        request : Request
        limits : Limits
        request_id : str
            Stands in the log and in internal errors.

        Returns
        -------
        Answer

        Raises
        ------
        HandlerError
            Also written into the analysis' record, where there is one.
        """
        match request:
            case AnalyzeData():
                return self._analyze_data(request, limits, request_id)
            case AnalyzeFile():
                return self._analyze_file(request, limits, request_id)
            case CreateUpload():
                return self._create_upload(request)
            case GetStatus():
                record = self._storage.read(request.analysis_id)
                return Answer(200, self._document_status(record) | self._document_report(record))
            case ListAnalyses():
                page = self._storage.list_records(request.user_id, request.limit, request.token)
                rows = [self._document_status(replace(r, outcome=None)) for r in page.records]
                return Answer(200, {"analyses": rows, "next": page.next_token or None})
            case GetHealth():
                return Answer(200, self._document_health())
            case Preflight():
                return Answer(204, {})

    def _create_upload(self, request: CreateUpload) -> Answer:
        record = self._new_record(
            uuid.uuid4().hex, request.user_id, request.parameters, request.report
        )
        self._storage.create(record)
        upload = self._storage.offer_upload(
            record.source_key, request.content_type, MAX_UPLOAD_BYTES
        )
        return Answer(
            200,
            {
                "analysis_id": record.analysis_id,
                "upload": upload,
                "expires_in_s": stored.UPLOAD_VALID_S,
                "max_bytes": MAX_UPLOAD_BYTES,
                "status": "queued",
                "status_url": _status_url(record),
            },
        )

    def _analyze_data(self, request: AnalyzeData, limits: Limits, request_id: str) -> Answer:
        engine = self._require_engine(limits)
        digest = hashlib.sha256(request.data).hexdigest()
        # The same request again, as an app sends it that got no answer, is the same analysis.
        analysis_id = _derive_id(
            request.user_id, digest, request.kind, request.parameters, request.report
        )
        record = self._new_record(analysis_id, request.user_id, request.parameters, request.report)
        work = self._begin(record)
        if work.settled:
            return self._answer(work.record)
        with work.failing(request_id), self._temporary_folder() as folder:
            path = folder / ORIGINAL
            path.write_bytes(request.data)
            kind = engine.tell_kind(request.data[:512])
            _check_kind(kind, request.kind)
            if kind == "video" and self._must_queue(engine, path, request.parameters, limits):
                self._storage.put_file(record.source_key, path, stored.content_type_of(ORIGINAL))
                message = AnalyzeFile(None, record.source_key, record.user_id, None)
                return self._enqueue(work, message)
            return self._carry_out(engine, work, path, kind, request.parameters, limits, path)

    def _analyze_file(self, request: AnalyzeFile, limits: Limits, request_id: str) -> Answer:
        engine = self._require_engine(limits)
        work: _Work | None = None
        upload = stored.parse_original_key(request.key) if request.parameters is None else None
        if upload:
            with suppress(NotFoundError):
                work = _Work(self._storage, self._storage.read(upload[1]))
        if work and work.record.source_key != request.key:
            # The id in the key is another one's, whose record is neither shown nor changed.
            raise ForbiddenError("foreign_key", "s3_key names another user's analysis.")
        if work and work.settled:
            return self._answer(work.record)
        try:
            file = self._storage.open_file(request.key)
        except HandlerError as error:
            # Who asks too early is told so; the upload may still come.
            early = isinstance(error, NotFoundError) and limits.answer_by_s is not None
            if work and not early:
                work.fail(error)
            raise
        if upload:
            user_id, analysis_id = upload
            asked = parse_parameters(work.record.parameters if work else None)
        else:
            user_id, asked = request.user_id or ANONYMOUS, request.parameters or Parameters()
            tag = f"{request.key}\n{file.version_tag}"
            analysis_id = _derive_id(user_id, tag, request.kind, asked, request.report)
        if work is None:
            record = self._new_record(analysis_id, user_id, asked, request.report)
            work = self._begin(replace(record, source_key=request.key))
        with file.stream as stream, work.failing(request_id), self._temporary_folder() as folder:
            if work.settled:
                return self._answer(work.record)
            if file.size_bytes > MAX_UPLOAD_BYTES:
                raise TooLargeError(
                    "file_too_large", f"The file has over {MAX_UPLOAD_BYTES >> 20} MB. Cut it."
                )
            kind = engine.tell_kind(stream.read(512))
            _check_kind(kind, request.kind)
            stream.seek(0)
            waited_for = limits.answer_by_s is not None and self._storage.can_enqueue
            most_bytes = MIN_DOWNLOAD_BYTES_PER_S * _tracking_budget_s(limits)
            if kind == "video" and waited_for and file.size_bytes > most_bytes:
                return self._enqueue(work, request)
            source = _fetch(stream, file.size_bytes, kind, folder)
            if kind == "video" and self._must_queue(engine, source, asked, limits):
                return self._enqueue(work, request)
            return self._carry_out(engine, work, source, kind, asked, limits, None)

    def _require_engine(self, limits: Limits) -> "Engine":
        if self._engine is None:
            raise NotFoundError("no_analysis_here", "This function analyses nothing.")
        if limits.end_s - time.time() < MIN_WORK_S:
            raise ConflictError("no_time_left", "There is no time left to begin. Try again.")
        return self._engine

    def _new_record(
        self, analysis_id: str, user_id: str | None, parameters: Parameters, report: Language | None
    ) -> Record:
        user_id = user_id or ANONYMOUS
        return Record(
            analysis_id=analysis_id,
            user_id=user_id,
            source_key=stored.file_key(user_id, analysis_id, ORIGINAL),
            created_at=datetime.now(UTC).isoformat(timespec="microseconds"),
            parameters=document_parameters(parameters),
            report=report,
        )

    def _begin(self, record: Record) -> "_Work":
        """Create the record, or go on with the one there is."""
        try:
            self._storage.create(record)
        except RecordExistsError:
            record = self._storage.read(record.analysis_id)
        return _Work(self._storage, record)

    def _must_queue(
        self,
        engine: "Engine",
        source: Path | BufferedIOBase,
        parameters: Parameters,
        limits: Limits,
    ) -> bool:
        """Check a video, and tell whether its caller would wait for it in vain."""
        cost_s = engine.estimate_video_s(source, parameters) / self._cpu_share
        if isinstance(source, BufferedIOBase):
            source.seek(0)
        if limits.answer_by_s is None or not self._storage.can_enqueue:
            return False
        return cost_s > _tracking_budget_s(limits)

    def _enqueue(self, work: "_Work", request: AnalyzeFile) -> Answer:
        if work.record.state == "failed":
            work.save(stored.requeue(work.record))
        self._storage.enqueue(document_file_request(request))
        return self._answer(work.record)

    def _carry_out(
        self,
        engine: "Engine",
        work: "_Work",
        source: Path | BufferedIOBase,
        kind: str,
        parameters: Parameters,
        limits: Limits,
        original: Path | None,
    ) -> Answer:
        """Analyse, store the files, and only then say that it is completed."""
        if work.record.state == "processing" and work.record.attempts >= MAX_KILLED:
            raise UndecodableError(
                "analysis_killed",
                f"The analysis was stopped {work.record.attempts} times without a result. Export "
                "the video as MP4 (H.264) at 1280x720, or record a shorter one.",
            )
        begun_s = time.monotonic()
        work.save(stored.claim(work.record, work.owner, time.time(), limits.end_s + LEASE_MARGIN_S))
        record = work.record
        with self._temporary_folder() as folder:
            if kind == "image":
                assert isinstance(source, Path)
                outcome, paths = engine.analyze_image(source, parameters, folder)
            else:
                summary, paths = engine.analyze_video(
                    source,
                    parameters,
                    folder,
                    _tracking_budget_s(limits),
                    work.report_progress,
                    record.report,
                    record.analysis_id,
                )
                outcome = summary.to_dict()
            names = {path.name.removeprefix("analysis."): path for path in paths}
            files = {}
            for name, file_name in _FILE_NAMES.items():
                if file_name in names:
                    files[name] = stored.file_key(record.user_id, record.analysis_id, file_name)
                    self._storage.put_file(
                        files[name], names[file_name], stored.content_type_of(file_name)
                    )
        if original is not None:
            self._storage.put_file(
                record.source_key, original, stored.content_type_of(original.name)
            )
        work.save(stored.complete(work.record, kind, outcome, files))
        measured = {"AnalysisSeconds": time.monotonic() - begun_s}
        if kind == "video":
            measured["FramesProcessed"] = outcome["frames_processed"]
            measured["SampledRateHz"] = outcome["sampling"]["effective_rate_hz"] or 0.0
            measured["PartialAnalyses"] = float(outcome["partial"])
        self._observe(measured)
        return self._answer(work.record)

    def _answer(self, record: Record) -> Answer:
        """Return a request's answer: the outcome, or where to ask for it."""
        if record.state != "completed":
            return Answer(
                202,
                {
                    "analysis_id": record.analysis_id,
                    "status": record.state,
                    "status_url": _status_url(record),
                },
            )
        return Answer(200, {**self._document_outcome(record), "status": "success"})

    def _document_outcome(self, record: Record) -> dict[str, Any]:
        names = {"video": "summary", "image": "result"}
        paths = {name: self._storage.locate(key) for name, key in (record.files or {}).items()}
        return {
            "analysis_id": record.analysis_id,
            **({} if record.outcome is None else {names[record.kind]: record.outcome}),
            f"{record.kind}_path": self._storage.locate(record.source_key),
            **{f"{name}_path": path for name, path in paths.items()},
        }

    def _document_status(self, record: Record) -> dict[str, Any]:
        record = stored.told(record, time.time())
        return {
            "analysis_id": record.analysis_id,
            "status": record.state,
            "progress_percent": record.progress_percent,
            "created_at": record.created_at,
            **(self._document_outcome(record) if record.state == "completed" else {}),
            **((record.error or {}) if record.state == "failed" else {}),
        }

    def _document_report(self, record: Record) -> dict[str, str]:
        """Return where the report can be read, and what to tell the patient in its language."""
        key = (record.files or {}).get("report")
        if key is None or record.outcome is None or record.report is None:
            return {}
        found = record.outcome["assessment"]
        reasons, cautions = (
            [finding["code"] for finding in found[name]] for name in ("reasons", "cautions")
        )
        return {
            "report_url": self._storage.offer_download(key, stored.content_type_of(key)),
            "patient_message": choose_patient_message(reasons, cautions, record.report),
        }

    @contextmanager
    def _temporary_folder(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=self._work_folder) as folder:
            yield Path(folder)

    def _document_health(self) -> dict[str, Any]:
        return {
            "status": "ok",
            "version": __version__,
            "model_ready": self._engine is not None,
            "uptime_s": round(time.monotonic() - self._started_s, 3),
        }


class _Work:
    """A record that is worked on, always in the version that is stored."""

    def __init__(self, storage: stored.Storage, record: Record) -> None:
        self.record = record
        self.owner = uuid.uuid4().hex
        self._storage = storage
        self._reported_s = time.monotonic()

    @property
    def settled(self) -> bool:
        """Whether there is nothing to do: it is completed, or another one works on it."""
        return self.record.state == "completed" or (
            self.record.state == "processing" and time.time() < self.record.lease_until_s
        )

    def save(self, record: Record) -> None:
        """Write the record's next version.

        Raises
        ------
        ConflictError
            Another one has taken the record.
        """
        try:
            self._storage.replace(record)
            self.record = record
        except RecordChangedError as error:
            there = self._storage.read(record.analysis_id)
            if there.owner != self.owner:
                self.record = there
                raise ConflictError(
                    "in_progress", "Another one runs this analysis. Ask for its status."
                ) from error
            # A write of our own that seemed to have failed was made.
            if there.state == "processing":
                record = replace(record, version=there.version + 1)
                self._storage.replace(record)
                self.record = record
            else:
                self.record = there

    def report_progress(self, done: int, expected: int) -> None:
        """Write progress down every few seconds; a storage that cannot take it stops nothing."""
        now_s = time.monotonic()
        if not expected or now_s - self._reported_s < PROGRESS_INTERVAL_S:
            return
        self._reported_s = now_s
        with suppress(ThrottledError, StorageUnavailableError):
            self.save(stored.advance(self.record, min(99, 100 * done // expected)))

    def fail(self, error: HandlerError) -> None:
        """Write an error down, unless it is another one's record by now."""
        mine = self.record.state == "processing" and self.record.owner == self.owner
        if not mine and (self.record.state == "completed" or self.settled):
            return
        # A storage that is out of order cannot take this, either: the lease ends by itself.
        with suppress(HandlerError, RecordChangedError):
            self.save(stored.fail(self.record, to_document(error)))

    @contextmanager
    def failing(self, request_id: str) -> Iterator[None]:
        """Write down what goes wrong inside."""
        try:
            yield
        except BaseException as error:
            self.fail(to_handler_error(error, request_id))
            raise


def remove_leftovers(folder: Path | None = None) -> None:
    """Remove what a killed process left in a directory, by default the temporary one."""
    for path in (folder or Path(tempfile.gettempdir())).glob(f"{TEMPORARY_PREFIX}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _fetch(
    stream: BufferedIOBase, size_bytes: int, kind: str, folder: Path
) -> Path | BufferedIOBase:
    """Download a file if it fits on the disk; otherwise it is read in place."""
    room = MAX_DOWNLOAD_SHARE * shutil.disk_usage(folder).free
    if size_bytes > min(MAX_DOWNLOAD_BYTES, room):
        if kind == "image":
            raise TooLargeError("file_too_large", "The image is too large. Export it smaller.")
        return stream
    path = folder / ORIGINAL
    with path.open("wb") as file:
        shutil.copyfileobj(stream, file, 2**20)
    return path


def _check_kind(kind: str, expected: str | None) -> None:
    if expected is not None and kind != expected:
        raise UnsupportedMediaError(
            "unsupported_media_type",
            f"The file is of kind {kind}: use the action analyze_{kind}.",
        )


def _tracking_budget_s(limits: Limits) -> float:
    left_s = min(limits.end_s, limits.answer_by_s or limits.end_s) - time.time()
    return max(1.0, left_s - RESERVE_S - RESERVE_SHARE * left_s)


def _derive_id(
    user_id: str | None,
    content: str,
    kind: str | None,
    parameters: Parameters,
    report: Language | None,
) -> str:
    """Return the id of an analysis of this content, which is always the same one."""
    parts = [user_id or ANONYMOUS, content, kind, document_parameters(parameters), __version__]
    if report:
        parts.append({"report": report})
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _status_url(record: Record) -> str:
    return f"/status/{record.analysis_id}"
