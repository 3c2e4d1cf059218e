"""Analyse the file of a request at once, or later: through the queue, or by many workers."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handler import records
from handler.answers import Answer, answer_analysis
from handler.errors import (
    ConflictError,
    HandlerError,
    NotFoundError,
    TooLargeError,
    UndecodableError,
)
from handler.fan_out import FanOut, check_attempts
from handler.intake import Intake
from handler.keys import (
    ORIGINAL,
    content_type_of,
    parse_original_key,
)
from handler.limits import Limits
from handler.requests import (
    MAX_UPLOAD_BYTES,
    AnalyzeData,
    AnalyzeFile,
    document_file_request,
    parse_parameters,
)
from handler.source import Source, check_kind
from handler.storage import Storage, StoredObject
from handler.temporary import temporary_folder
from handler.work import Work
from tracker.parameters import Parameters

if TYPE_CHECKING:
    from handler.engine import Engine

LEASE_MARGIN_S = 10.0
"""The lease outlives its owner by this time, because clocks differ."""
MAX_DOWNLOAD_BYTES = 400 * 2**20
"""A larger video is read from the storage piece by piece: /tmp holds 512 MB."""
MAX_DOWNLOAD_SHARE = 0.8
"""Largest share of the free disk space that a download may take, for the same reason."""
MIN_DOWNLOAD_BYTES_PER_S = 4 * 2**20
"""If the download at this rate would use up the caller's time, the file is queued unopened."""
TAKES_TOO_LONG = (
    "The analysis takes longer than this request can wait. Ask POST /uploads where to send the "
    "video, or send a shorter one."
)


class Analyzer:
    """Analyses files and writes their records and results into a storage.

    Parameters
    ----------
    storage : Storage
    engine : Engine
        It runs the models; one file at a time.
    cpu_share : float
        Share of one core that this process gets, above 0 and at most 1. Estimates of CPU time are
        divided by it, to know how long an analysis will take here.
    observe : callable
        Called with a dictionary of measured values, such as ``AnalysisSeconds``, when this process
        has completed an analysis; not when one has failed, or is left to others. See
        `handler.metrics.publish`.
    work_folder : Path or None
        Folder for temporary files; None: the system's own folder for them.
    retention_days : int
        For how many days a record is kept, counted from its creation; 0: for ever.
    """

    def __init__(
        self,
        storage: Storage,
        engine: "Engine",
        cpu_share: float,
        observe: Callable[[dict[str, float]], None],
        work_folder: Path | None,
        retention_days: int,
    ) -> None:
        self._intake = Intake(storage, retention_days)
        self._storage = storage
        self._engine = engine
        self._cpu_share = cpu_share
        self._fan_out = FanOut(storage, engine, cpu_share)
        self._observe = observe
        self._work_folder = work_folder

    def analyze_data(self, request: AnalyzeData, limits: Limits, request_id: str) -> Answer:
        """Analyse a file that came with the request, at once or later.

        `limits` says when this process is stopped and when the caller gives up; `request_id` is for
        the log. The answer has status 200 and the result; or 202 and no result yet, if the file
        waits in the queue, or many workers or another process analyse it. The same request, sent
        again, gets the result of before, or a new attempt if it failed; a secret one
        (`AnalyzeData.is_secret`) always gets an analysis of its own.

        Raises
        ------
        HandlerError
            The file is refused, or its analysis failed. The error is also written into the record,
            unless there is none yet or another process has it.
        """
        with temporary_folder(self._work_folder) as folder:
            return self._analyze_here(request, folder, limits, request_id)

    def _analyze_here(
        self, request: AnalyzeData, folder: Path, limits: Limits, request_id: str
    ) -> Answer:
        _check_time_left(limits)
        path = request.data if isinstance(request.data, Path) else folder / ORIGINAL
        if not isinstance(request.data, Path):
            path.write_bytes(request.data)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        work = self._intake.begin_data(request, digest)
        if work.settled:
            return answer_analysis(self._storage, work.record, request.about.language)
        with work.failing(request_id):
            with path.open("rb") as file:
                kind = self._engine.detect_kind(file.read(512))
            check_kind(kind, request.kind)
            source = Source(path, kind, path)
            key = work.record.source_key
            with self._identifying(work, source):
                asked = work.record.fan_out
                if division := self._fan_out.choose(source, request.parameters, limits, asked):
                    version = self._storage.put_file(key, path, content_type_of(ORIGINAL))
                    work.pin(version.name, work.record.expires_at)
                    return self._fan_out.start(work, division)
                if kind == "video" and self._must_queue(path, request.parameters, limits):
                    if not limits.may_queue:
                        raise UndecodableError("takes_too_long", TAKES_TOO_LONG)
                    self._storage.put_file(key, path, content_type_of(ORIGINAL))
                    return self._enqueue(work, AnalyzeFile(None, key, work.record.user_id, None))
                self._carry_out(work, source, request.parameters, limits)
        return answer_analysis(self._storage, work.record, request.about.language)

    def analyze_file(self, request: AnalyzeFile, limits: Limits, request_id: str) -> Answer:
        """Analyse a file of the storage, at once or later.

        `limits` says when this process is stopped and when the caller gives up; `request_id` is for
        the log. The answer has status 200 and the result; or 202 and no result yet, if the request
        waits in the queue, or many workers or another process analyse the file. The same request
        for the same version of the file gets the result of before, or a new attempt if it failed.

        Raises
        ------
        HandlerError
            The file is missing or refused, or its analysis failed. The error is also written into
            the record, unless there is none, another process has it, or the file is missing and a
            caller waits, who may have asked before the upload.
        """
        _check_time_left(limits)
        upload = parse_original_key(request.key) if request.parameters is None else None
        work = self._intake.find_upload(upload, request) if upload else None
        if work and (other := self._intake.find_replacement(work.record, request)):
            request, work, upload = other, None, None
        if work and work.settled:
            return answer_analysis(self._storage, work.record, request.about.language)
        file = self._open(request, work, limits)
        if work:
            work.pin(file.version.name, self._intake.compute_end_s(work.record))
        else:
            work = self._intake.begin_file(request, file.version, upload)
        parameters = parse_parameters(work.record.parameters)
        with (
            file.stream,
            work.failing(request_id, limits.comes_again),
            temporary_folder(self._work_folder) as folder,
        ):
            if not work.settled:
                stored = _inspect(self._engine, file, request.kind)
                asked = request.fan_out or work.record.fan_out
                if division := self._fan_out.choose(stored, parameters, limits, asked):
                    return self._fan_out.start(work, division)
                source = _fetch(file, stored, limits, self._storage.can_enqueue, folder)
                if source is None:
                    return self._enqueue(work, request)
                with self._identifying(work, source):
                    if source.kind == "video" and self._must_queue(source.file, parameters, limits):
                        return self._enqueue(work, request)
                    self._carry_out(work, source, parameters, limits)
        return answer_analysis(self._storage, work.record, request.about.language)

    def _open(self, request: AnalyzeFile, work: Work | None, limits: Limits) -> StoredObject:
        version_id = request.version_id
        if not version_id and work and not work.record.source_version.startswith('"'):
            version_id = work.record.source_version
        try:
            return self._storage.open_file(request.key, version_id)
        except HandlerError as error:
            # A caller who waits may have asked too early: the upload can still come.
            early = isinstance(error, NotFoundError) and limits.answer_by_s is not None
            if work and not early:
                work.fail(error, limits.comes_again)
            raise

    def _must_queue(
        self, source: Path | BufferedIOBase, parameters: Parameters, limits: Limits
    ) -> bool:
        """Estimate how long a video's analysis takes, and return whether it must be queued.

        It must if a caller waits who would give up before it ends, and the storage has a queue. If
        `source` is a stream, it is at its beginning afterwards. A video that is too long to be
        analysed at all raises `TooLargeError`, one that cannot be read `UndecodableError`.
        """
        cost_s = self._engine.estimate_video_s(source, parameters) / self._cpu_share
        if isinstance(source, BufferedIOBase):
            source.seek(0)
        if limits.answer_by_s is None or not self._storage.can_enqueue:
            return False
        return cost_s > limits.compute_tracking_budget_s()

    def _enqueue(self, work: Work, request: AnalyzeFile) -> Answer:
        if work.record.state == "failed":
            work.save(records.requeue(work.record))
        self._storage.enqueue(document_file_request(request))
        return answer_analysis(self._storage, work.record)

    def _carry_out(
        self, work: Work, source: Source, parameters: Parameters, limits: Limits
    ) -> None:
        """Mark the analysis as running here, carry it out, store its results, mark it as completed.

        If this process dies, it counts as running until a little after `limits.end_s`.

        Raises
        ------
        HandlerError
            The analysis failed, was killed too often, was deleted, or runs in another process. The
            caller must write the error into the record: see `Work.failing`.
        """
        check_attempts(work.record)
        begun_s = time.monotonic()
        lease_until_s = limits.end_s + LEASE_MARGIN_S
        work.save(records.claim(work.record, work.owner, time.time(), lease_until_s))
        with temporary_folder(self._work_folder) as folder:
            outcome, paths = self._analyze(work, source, parameters, limits, folder)
            files = work.store_results(paths)
        provenance = self._store_source(work, source, outcome)
        work.save(records.complete(work.record, source.kind, outcome, files, provenance))
        measured = {"AnalysisSeconds": time.monotonic() - begun_s}
        if source.kind == "video":
            measured["FramesProcessed"] = outcome["frames_processed"]
            measured["SampledRateHz"] = outcome["sampling"]["effective_rate_hz"] or 0.0
            measured["PartialAnalyses"] = float(outcome["partial"])
        self._observe(measured)

    def _analyze(
        self, work: Work, source: Source, parameters: Parameters, limits: Limits, folder: Path
    ) -> tuple[dict[str, Any], list[Path]]:
        """Analyse the file, and write the results into `folder`, a temporary one.

        Returned are the document for `Record.outcome` (a video's summary, or an image's result),
        and the paths of the files that were written.
        """
        if source.kind == "image":
            assert isinstance(source.file, Path)
            return self._engine.analyze_image(source.file, parameters, folder)
        summary, paths = self._engine.analyze_video(
            source.file,
            parameters,
            folder,
            limits.compute_tracking_budget_s(),
            work.report_progress,
            work.record.report,
            work.record.analysis_id,
        )
        return summary.to_dict(), paths

    def _store_source(self, work: Work, source: Source, outcome: dict[str, Any]) -> dict[str, Any]:
        """Store the analysed file if it came with the request; return the new `Record.provenance`.

        It says which bytes were analysed: see `Source.identify`. `outcome` is the document that
        `_analyze` returned; a video's hash is taken from it.
        """
        version, stored_at = source.version, source.stored_at
        if source.original is not None:
            version = self._storage.put_file(
                work.record.source_key, source.original, content_type_of(ORIGINAL)
            )
            work.pin(version.name, work.record.expires_at)
            stored_at = datetime.now(UTC).isoformat(timespec="seconds")
        sha256 = outcome.get("video_sha256")
        return source.identify(self._engine.identity, version, stored_at, sha256)

    @contextmanager
    def _identifying(self, work: Work, source: Source) -> Iterator[None]:
        """If the ``with`` block raises a `HandlerError`, note in `work` which file failed.

        The note is the file's size, hash and version: it is stored with the error later, as the
        record's `provenance`. The error goes on to the caller.
        """
        try:
            yield
        except HandlerError:
            code = self._engine.identity
            work.note_provenance(source.identify(code, source.version, source.stored_at))
            raise


def _check_time_left(limits: Limits) -> None:
    if not limits.can_begin_work:
        raise ConflictError("no_time_left", "There is no time left to begin. Try again.")


def _inspect(engine: "Engine", file: StoredObject, expected_kind: str | None) -> Source:
    """Check size and kind of a stored file; return it as a `Source` that is a stream.

    `expected_kind` is what the request says that the file is: "video" or "image"; None: either.

    Raises
    ------
    TooLargeError
        The file has over `MAX_UPLOAD_BYTES`.
    UnsupportedMediaError
        It is no video and no image of a supported kind, or not what the request says.
    """
    if file.size_bytes > MAX_UPLOAD_BYTES:
        raise TooLargeError(
            "file_too_large", f"The file has over {MAX_UPLOAD_BYTES >> 20} MB. Cut it."
        )
    kind = engine.detect_kind(file.stream.read(512))
    check_kind(kind, expected_kind)
    file.stream.seek(0)
    return Source(file.stream, kind, None, file.size_bytes, file.version, file.stored_at)


def _fetch(
    file: StoredObject, stored: Source, limits: Limits, can_enqueue: bool, folder: Path
) -> Source | None:
    """Return a stored file, ready for the analysis; None if the request must be queued instead.

    `file` and `stored` are the same open file; `stored` comes from `_inspect`. It is downloaded
    into `folder` if it has at most `MAX_DOWNLOAD_BYTES` and the disk has room; a video that is too
    large for that stays a stream. The request must be queued if the download of a video would take
    longer than a caller waits, and there is a queue (`can_enqueue`). Nothing is downloaded then.

    Raises
    ------
    TooLargeError
        An image that is too large to be downloaded.
    """
    waited_for = limits.answer_by_s is not None and can_enqueue
    most_bytes = MIN_DOWNLOAD_BYTES_PER_S * limits.compute_tracking_budget_s()
    if stored.kind == "video" and waited_for and file.size_bytes > most_bytes:
        return None
    room = MAX_DOWNLOAD_SHARE * shutil.disk_usage(folder).free
    if file.size_bytes > min(MAX_DOWNLOAD_BYTES, room):
        if stored.kind == "image":
            raise TooLargeError("file_too_large", "The image is too large. Export it smaller.")
        return stored
    path = folder / ORIGINAL
    with path.open("wb") as target:
        shutil.copyfileobj(file.stream, target, 2**20)
    return replace(stored, file=path)
