"""Carry out a request to analyse a file: now, or later through the queue."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING

from handler import records
from handler.answers import Answer, answer_analysis
from handler.errors import (
    ConflictError,
    ForbiddenError,
    HandlerError,
    NotFoundError,
    TooLargeError,
    UndecodableError,
    UnsupportedMediaError,
)
from handler.keys import (
    ANONYMOUS,
    ORIGINAL,
    RESULT_NAMES,
    content_type_of,
    make_key,
    parse_original_key,
)
from handler.limits import Limits
from handler.records import Record
from handler.requests import (
    MAX_UPLOAD_BYTES,
    AnalyzeData,
    AnalyzeFile,
    document_file_request,
    document_parameters,
    parse_parameters,
)
from handler.storage import Storage, StoredObject
from handler.temporary import temporary_folder
from handler.work import Work
from tracker.parameters import Parameters
from tracker.version import __version__
from tracker.words import Language

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
MAX_KILLED = 2
"""After this many attempts without any result, the file itself seems to kill the process."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A file to analyse.

    Attributes
    ----------
    file : Path or BufferedIOBase
        The downloaded file, or the stream of a file that is read in place.
    kind : {"video", "image"}
    original : Path or None
        The file, if it came with the request and has yet to be stored.
    """

    file: Path | BufferedIOBase
    kind: str
    original: Path | None


class Analyzer:
    """Analyses files, with their records and results in a storage.

    Parameters
    ----------
    storage : Storage
    engine : Engine
    cpu_share : float
        Share of one core that this process gets.
    observe : callable
        Called after each analysis with its figures by name, such as ``AnalysisSeconds``.
    work_folder : Path or None
        For temporary files; None: the system's own folder.
    """

    def __init__(
        self,
        storage: Storage,
        engine: "Engine",
        cpu_share: float,
        observe: Callable[[dict[str, float]], None],
        work_folder: Path | None,
    ) -> None:
        self._storage = storage
        self._engine = engine
        self._cpu_share = cpu_share
        self._observe = observe
        self._work_folder = work_folder

    def analyze_data(self, request: AnalyzeData, limits: Limits, request_id: str) -> Answer:
        """Analyse a file that came with the request.

        Raises
        ------
        HandlerError
            It is also written into the record.
        """
        _check_time_left(limits)
        digest = hashlib.sha256(request.data).hexdigest()
        # An app that got no answer sends the same request again: it is the same analysis.
        analysis_id = _derive_id(
            request.user_id, digest, request.kind, request.parameters, request.report
        )
        record = make_record(analysis_id, request.user_id, request.parameters, request.report)
        work = Work.begin(self._storage, record)
        if work.settled:
            return answer_analysis(self._storage, work.record)
        with work.failing(request_id), temporary_folder(self._work_folder) as folder:
            path = folder / ORIGINAL
            path.write_bytes(request.data)
            kind = self._engine.detect_kind(request.data[:512])
            _check_kind(kind, request.kind)
            if kind == "video" and self._must_queue(path, request.parameters, limits):
                self._storage.put_file(record.source_key, path, content_type_of(ORIGINAL))
                message = AnalyzeFile(None, record.source_key, record.user_id, None)
                return self._enqueue(work, message)
            return self._carry_out(work, _Source(path, kind, path), request.parameters, limits)

    def analyze_file(self, request: AnalyzeFile, limits: Limits, request_id: str) -> Answer:
        """Analyse a file of the storage.

        Raises
        ------
        HandlerError
            It is also written into the record, if there is one.
        """
        _check_time_left(limits)
        upload = parse_original_key(request.key) if request.parameters is None else None
        work = self._find_upload(upload[1], request.key) if upload else None
        if work and work.settled:
            return answer_analysis(self._storage, work.record)
        file = self._open(request.key, work, limits)
        if upload:
            user_id, analysis_id = upload
            parameters = parse_parameters(work.record.parameters if work else None)
        else:
            user_id = request.user_id or ANONYMOUS
            parameters = request.parameters or Parameters()
            content = f"{request.key}\n{file.version_tag}"
            analysis_id = _derive_id(user_id, content, request.kind, parameters, request.report)
        if work is None:
            record = make_record(analysis_id, user_id, parameters, request.report)
            work = Work.begin(self._storage, replace(record, source_key=request.key))
        with (
            file.stream,
            work.failing(request_id),
            temporary_folder(self._work_folder) as folder,
        ):
            if work.settled:
                return answer_analysis(self._storage, work.record)
            source = self._fetch(file, request.kind, limits, folder)
            if source is None or (
                source.kind == "video" and self._must_queue(source.file, parameters, limits)
            ):
                return self._enqueue(work, request)
            return self._carry_out(work, source, parameters, limits)

    def _find_upload(self, analysis_id: str, key: str) -> Work | None:
        """Return the work on an upload's record; None if the upload has no record."""
        try:
            work = Work(self._storage, self._storage.read(analysis_id))
        except NotFoundError:
            return None
        if work.record.source_key != key:
            # The id belongs to another user, whose record is neither shown nor changed.
            raise ForbiddenError("foreign_key", "s3_key names another user's analysis.")
        return work

    def _open(self, key: str, work: Work | None, limits: Limits) -> StoredObject:
        try:
            return self._storage.open_file(key)
        except HandlerError as error:
            # A caller who waits may have asked too early: the upload can still come.
            early = isinstance(error, NotFoundError) and limits.answer_by_s is not None
            if work and not early:
                work.fail(error)
            raise

    def _fetch(
        self, file: StoredObject, expected_kind: str | None, limits: Limits, folder: Path
    ) -> _Source | None:
        """Download a file if the disk has room; None if the caller would give up before the end."""
        if file.size_bytes > MAX_UPLOAD_BYTES:
            raise TooLargeError(
                "file_too_large", f"The file has over {MAX_UPLOAD_BYTES >> 20} MB. Cut it."
            )
        stream = file.stream
        kind = self._engine.detect_kind(stream.read(512))
        _check_kind(kind, expected_kind)
        stream.seek(0)
        waited_for = limits.answer_by_s is not None and self._storage.can_enqueue
        most_bytes = MIN_DOWNLOAD_BYTES_PER_S * limits.compute_tracking_budget_s()
        if kind == "video" and waited_for and file.size_bytes > most_bytes:
            return None
        room = MAX_DOWNLOAD_SHARE * shutil.disk_usage(folder).free
        if file.size_bytes > min(MAX_DOWNLOAD_BYTES, room):
            if kind == "image":
                raise TooLargeError("file_too_large", "The image is too large. Export it smaller.")
            return _Source(stream, kind, None)
        path = folder / ORIGINAL
        with path.open("wb") as target:
            shutil.copyfileobj(stream, target, 2**20)
        return _Source(path, kind, None)

    def _must_queue(
        self, source: Path | BufferedIOBase, parameters: Parameters, limits: Limits
    ) -> bool:
        """Check a video's limits; return whether the caller would give up before the end."""
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
        self, work: Work, source: _Source, parameters: Parameters, limits: Limits
    ) -> Answer:
        """Analyse, store all files, and only then mark the record as completed."""
        if work.record.state == "processing" and work.record.attempts >= MAX_KILLED:
            raise UndecodableError(
                "analysis_killed",
                f"The analysis was stopped {work.record.attempts} times without a result. Export "
                "the video as MP4 (H.264) at 1280x720, or record a shorter one.",
            )
        begun_s = time.monotonic()
        lease_until_s = limits.end_s + LEASE_MARGIN_S
        work.save(records.claim(work.record, work.owner, time.time(), lease_until_s))
        with temporary_folder(self._work_folder) as folder:
            if source.kind == "image":
                assert isinstance(source.file, Path)
                outcome, paths = self._engine.analyze_image(source.file, parameters, folder)
            else:
                summary, paths = self._engine.analyze_video(
                    source.file,
                    parameters,
                    folder,
                    limits.compute_tracking_budget_s(),
                    work.report_progress,
                    work.record.report,
                    work.record.analysis_id,
                )
                outcome = summary.to_dict()
            files = self._store_results(work.record, paths)
        if source.original is not None:
            self._storage.put_file(
                work.record.source_key, source.original, content_type_of(ORIGINAL)
            )
        work.save(records.complete(work.record, source.kind, outcome, files))
        measured = {"AnalysisSeconds": time.monotonic() - begun_s}
        if source.kind == "video":
            measured["FramesProcessed"] = outcome["frames_processed"]
            measured["SampledRateHz"] = outcome["sampling"]["effective_rate_hz"] or 0.0
            measured["PartialAnalyses"] = float(outcome["partial"])
        self._observe(measured)
        return answer_analysis(self._storage, work.record)

    def _store_results(self, record: Record, paths: list[Path]) -> dict[str, str]:
        """Store the files of an analysis; return their keys by name."""
        written = {path.name.removeprefix("analysis."): path for path in paths}
        keys = {}
        for name, file_name in RESULT_NAMES.items():
            if file_name in written:
                keys[name] = make_key(record.user_id, record.analysis_id, file_name)
                self._storage.put_file(keys[name], written[file_name], content_type_of(file_name))
        return keys


def make_record(
    analysis_id: str, user_id: str | None, parameters: Parameters, report: Language | None
) -> Record:
    """Return the first version of a record, with the key at which the file is expected."""
    user_id = user_id or ANONYMOUS
    return Record(
        analysis_id=analysis_id,
        user_id=user_id,
        source_key=make_key(user_id, analysis_id, ORIGINAL),
        created_at=datetime.now(UTC).isoformat(timespec="microseconds"),
        parameters=document_parameters(parameters),
        report=report,
    )


def _check_time_left(limits: Limits) -> None:
    if not limits.can_begin_work:
        raise ConflictError("no_time_left", "There is no time left to begin. Try again.")


def _check_kind(kind: str, expected: str | None) -> None:
    if expected is not None and kind != expected:
        raise UnsupportedMediaError(
            "unsupported_media_type",
            f"The file is of kind {kind}: use the action analyze_{kind}.",
        )


def _derive_id(
    user_id: str | None,
    content: str,
    kind: str | None,
    parameters: Parameters,
    report: Language | None,
) -> str:
    """Return the id of an analysis, which is the same for the same content and parameters."""
    parts = [user_id or ANONYMOUS, content, kind, document_parameters(parameters), __version__]
    if report:
        parts.append({"report": report})
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
