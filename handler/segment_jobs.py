"""The jobs of the state machine that divides a long recording among many workers.

The state machine (AWS Step Functions) runs four kinds of jobs. `plan` divides the recording. `part`
finds the landmarks of one segment and stores them in a file, the segment's part. `join` computes
the results from all parts, or analyses the whole recording if it cannot be divided. `give_up`
writes into the record why there are no results.

Each job is an invocation of its own. It can be killed at any moment, it can come twice, and the
jobs can come in any order. A job therefore only writes whole files, always under the same key. It
reads the record before and after its work. If the analysis was deleted, has failed, or belongs to
another execution by then, the job removes the parts of its own execution.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handler import records
from handler.division import divide
from handler.errors import (
    ConflictError,
    HandlerError,
    IndivisibleError,
    StorageUnavailableError,
    ThrottledError,
    to_document,
)
from handler.execution import AnalysisEndedError, ExecutionRecord
from handler.keys import make_key
from handler.limits import Limits
from handler.parts import DAMAGED, UNDIVIDED, Parts, name_part
from handler.records import Record
from handler.requests import parse_parameters
from handler.source import Source
from handler.storage import Storage
from handler.temporary import temporary_folder
from handler.work import PROGRESS_INTERVAL_S, Work

if TYPE_CHECKING:
    from handler.engine import Engine
    from tracker.files.fields import Summary

KILLED = {
    "code": "analysis_killed",
    "error": "A part of the analysis was stopped again and again. Export the video as MP4 (H.264) "
    "at 1280x720, or record a shorter one.",
}
FAILURES = {
    "throttled": "Too many requests at a time. Send it again later.",
    "storage_unavailable": "The storage did not answer. Send it again.",
    "storage_denied": "The storage denies access. The function's role lacks a permission; tell the "
    "operator.",
    "file_changed": "The file was written over while it was analysed. Send it again.",
    "part_damaged": DAMAGED,
}
"""The message for the record, by the code with which the last attempt of a job failed."""


BUSY = "Lambda.TooManyRequestsException"
"""The state machine's name of the error that all workers stay busy with other recordings."""


class JobFailedError(Exception):
    """A job failed in a way that another attempt may mend; the state machine retries on this name.

    Its text is the error's code, such as ``throttled``. It names no user, because AWS keeps it.
    """


@dataclass(frozen=True, slots=True)
class Job:
    """One job that the state machine asks for.

    Attributes
    ----------
    name : {"plan", "part", "join", "give_up"}
        Divide the recording, track one segment, compute the results, or write that it failed.
    analysis_id : str
    execution : str
        Name of the state machine's execution, which must own the analysis: see `Record.owner`.
    part : str
        For "part": index of the segment to track, from 0, as a decimal number. Else empty.
    error, cause : str
        For "give_up": the state machine's name of the error, and the JSON text of Lambda's error;
        empty if it has none.
    """

    name: str
    analysis_id: str
    execution: str
    part: str = ""
    error: str = ""
    cause: str = ""


class SegmentJobs:
    """Carries out the jobs of the state machine that divides a recording: see `Job.name`.

    Parameters
    ----------
    storage : Storage
    engine : Engine
    cpu_share : float
        Share of one core that each worker, like this process, gets: above 0 and at most 1.
    workers : int
        How many segments are tracked at the same time, each by a process of its own.
    observe : callable
        Called after each joined analysis with a dictionary of its measured values, such as
        ``FramesProcessed``: see `handler.metrics.publish`.
    work_folder : Path or None
        Folder for temporary files; None: the system's own folder for them.
    """

    def __init__(
        self,
        storage: Storage,
        engine: "Engine",
        cpu_share: float,
        workers: int,
        observe: Callable[[dict[str, float]], None],
        work_folder: Path | None = None,
    ) -> None:
        self._storage = storage
        self._engine = engine
        self._cpu_share = cpu_share
        self._workers = workers
        self._observe = observe
        self._work_folder = work_folder

    def run(self, job: Job, limits: Limits) -> dict[str, Any]:
        """Carry out a job.

        The result is what the state machine goes on with: after "plan" ``parts``, the indices of
        the segments as texts, and ``workers``; after "part" ``part``, the index as a text; after
        "join" ``status``, always "completed"; after "give_up" ``code``, the error's.

        Raises
        ------
        AnalysisEndedError
            The job must not be tried again. If it has failed for good, the record holds the error.
        HandlerError
            The job may succeed later.
        """
        try:
            match job.name:
                case "plan":
                    return self._plan(job)
                case "part":
                    return self._make_part(job, limits)
                case "join":
                    return self._join(job, limits)
                case _:
                    return self._give_up(job)
        except HandlerError as error:
            if error.retryable or error.status_code >= 500:
                raise
            self._fail(job, to_document(error))
            raise AnalysisEndedError(error.code) from None
        except AnalysisEndedError:
            self._parts(job).remove()
            raise

    def _plan(self, job: Job) -> dict[str, Any]:
        """Divide the recording and store the plan; return the segments' indices, see `run`.

        If the recording cannot be divided, it gets a single segment, and the mark that says so.
        """
        record = self._record(job).read()
        whole = parse_parameters(record.parameters).cover_whole()
        with _open(self._storage, record) as source:
            cpu_s = self._engine.estimate_whole_s(source.file, whole)
            source.rewind()
            count = divide(cpu_s, self._cpu_share, self._workers).segments
            plan = self._engine.plan_segments(source.stream, whole, count)
            source.rewind()
            provenance = source.identify(self._engine.identity, source.version, source.stored_at)
        parts = self._parts(job)
        parts.write_plan(plan)
        if len(plan["segments"]) < 2:
            parts.mark_undivided()
        # From now on, the record tells which file was analysed, even if a later job fails.
        self._record(job).renew(0, provenance)
        names = [str(index) for index in range(len(plan["segments"]))]
        return {"parts": names, "workers": self._workers}

    def _make_part(self, job: Job, limits: Limits) -> dict[str, Any]:
        """Track one segment, store its part, and write the progress; return the segment's index.

        Nothing is tracked if the part is stored already, or the recording is marked as undivided.
        It is marked so if the segment cannot be tracked on its own, or not within `limits`.
        """
        end_s = time.monotonic() + limits.compute_longest_s()
        record, parts = self._record(job).read(), self._parts(job)
        plan = parts.read_plan()
        name = name_part(int(job.part))
        if not parts.list_names() & {name, UNDIVIDED}:
            try:
                with (
                    _open(self._storage, record) as source,
                    temporary_folder(self._work_folder) as folder,
                ):
                    path = folder / name
                    self._engine.track_segment(
                        source.stream,
                        plan["segments"][int(job.part)],
                        path,
                        self._watch(job, end_s),
                        record.report is not None,
                    )
                    parts.put(name, path)
            except IndivisibleError:
                parts.mark_undivided()
        # One of the files is the plan. The total is one more than the segments: the joining.
        done = len(parts.list_names()) - 1
        self._record(job).renew(100 * done // (len(plan["segments"]) + 1))
        return {"part": job.part}

    def _watch(self, job: Job, end_s: float = math.inf) -> Callable[[int, int], None]:
        """Return a function for an engine's `on_progress`, which raises if the job must stop.

        Every few seconds it checks that this execution still owns the analysis; if not, it raises
        `AnalysisEndedError`. From `end_s` on, a time of `time.monotonic`, it raises
        `IndivisibleError`: with few keyframes, or with a large step, a segment can be too long for
        one invocation, and another attempt would take as long.
        """
        asked_s = time.monotonic()

        def look(_done: int, _expected: int) -> None:
            nonlocal asked_s
            if time.monotonic() >= end_s:
                raise IndivisibleError("segment_too_long", "A segment takes too long.")
            if time.monotonic() - asked_s >= PROGRESS_INTERVAL_S:
                asked_s = time.monotonic()
                with suppress(ThrottledError, StorageUnavailableError):
                    self._record(job).read()

        return look

    def _join(self, job: Job, limits: Limits) -> dict[str, Any]:
        """Make the results from all parts, mark the record as completed, and remove the parts.

        A recording that is marked as undivided is analysed whole, within `limits`. If the record is
        completed already, only the parts are removed.
        """
        record, parts = self._record(job).read(may_be_completed=True), self._parts(job)
        if record.state != "completed":
            with (
                _open(self._storage, record) as source,
                temporary_folder(self._work_folder) as folder,
            ):
                if UNDIVIDED in parts.list_names():
                    summary, written = self._analyze_whole(job, record, source, folder, limits)
                else:
                    summary, written = self._join_parts(record, parts, folder)
                self._complete(job, record, source, summary.to_dict(), written)
        parts.remove()
        return {"status": "completed"}

    def _join_parts(
        self, record: Record, parts: Parts, folder: Path
    ) -> tuple["Summary", list[Path]]:
        plan = parts.read_plan()
        fetched = folder / "parts"
        fetched.mkdir()
        paths = [parts.fetch(name_part(n), fetched) for n in range(len(plan["segments"]))]
        return self._engine.join_parts(
            paths,
            plan["sha256"],
            parse_parameters(record.parameters),
            folder,
            record.report,
            record.analysis_id,
        )

    def _analyze_whole(
        self, job: Job, record: Record, source: Source, folder: Path, limits: Limits
    ) -> tuple["Summary", list[Path]]:
        """Analyse all of a recording, fewer frames if time is short; return summary and files."""
        return self._engine.analyze_video(
            source.file,
            parse_parameters(record.parameters),
            folder,
            limits.compute_tracking_budget_s(),
            self._watch(job),
            record.report,
            record.analysis_id,
        )

    def _complete(
        self,
        job: Job,
        record: Record,
        source: Source,
        outcome: dict[str, Any],
        written: list[Path],
    ) -> None:
        """Store the results, and only then mark the record as completed.

        `outcome` is the summary as a dictionary, and `written` the files of the results on this
        disk. If the analysis was deleted meanwhile, the stored results are deleted again.
        """
        provenance = source.identify(
            self._engine.identity, source.version, source.stored_at, outcome["video_sha256"]
        )
        files = Work(self._storage, record).store_results(written)
        try:
            self._record(job).write(
                lambda stored: records.complete(stored, "video", outcome, files, provenance)
            )
        except AnalysisEndedError as error:
            if str(error) == "deleted":
                # The deletion came before the results were written, so it left them.
                self._storage.delete_files(make_key(record.user_id, record.analysis_id, ""))
            raise
        self._observe(
            {
                "FramesProcessed": outcome["frames_processed"],
                "SampledRateHz": outcome["sampling"]["effective_rate_hz"] or 0.0,
                "PartialAnalyses": float(outcome["partial"]),
            }
        )

    def _give_up(self, job: Job) -> dict[str, Any]:
        """Write into the record why the analysis failed, unless it has ended or changed owner.

        In both cases, remove the execution's parts, and return ``code``, the error's.
        """
        code = "throttled" if job.error == BUSY else _read_code(job.cause)
        document = KILLED if code not in FAILURES else {"code": code, "error": FAILURES[code]}
        if code == "internal_error":
            error = "Internal error. Report this id, by which the log has the rest: "
            document = {"code": code, "error": error + job.execution}
        self._fail(job, document)
        return {"code": document["code"]}

    def _fail(self, job: Job, document: dict[str, str]) -> None:
        with suppress(AnalysisEndedError):
            self._record(job).write(lambda stored: records.fail(stored, document))
        self._parts(job).remove()

    def _record(self, job: Job) -> ExecutionRecord:
        return ExecutionRecord(self._storage, job.analysis_id, job.execution)

    def _parts(self, job: Job) -> Parts:
        return Parts(self._storage, job.analysis_id, job.execution, self._work_folder)


def parse_job(event: Mapping[str, Any]) -> Job:
    """Return the job that an event of the state machine asks for.

    The event holds ``job`` (the name), ``analysis_id`` and ``execution``; for "part" also ``part``,
    and for "give_up" ``error``, an object with ``Error`` and ``Cause``: see `Job`. Another name
    raises `ValueError`.
    """
    if event["job"] not in ("plan", "part", "join", "give_up"):
        raise ValueError(f"there is no job {event['job']!r}")
    return Job(
        event["job"],
        event["analysis_id"],
        event["execution"],
        event.get("part", ""),
        event.get("error", {}).get("Error", ""),
        event.get("error", {}).get("Cause", ""),
    )


def _read_code(cause: str) -> str:
    """Return the code of a `JobFailedError`, such as ``throttled``, from Lambda's JSON about it.

    It is "" if the JSON is about any other error, or if `cause` has another form.
    """
    try:
        document = json.loads(cause)
        known = document["errorType"] == JobFailedError.__name__
        return str(document["errorMessage"]) if known else ""
    except (ValueError, TypeError, KeyError):
        return ""


@contextmanager
def _open(storage: Storage, record: Record) -> Iterator[Source]:
    """Yield the recording in the version that `Record.source_version` names; close it at the end.

    Raises
    ------
    ConflictError
        The file was replaced, and the storage keeps only the newest version. Where it keeps all,
        the named one is read all the same.
    NotFoundError
        That version is gone.
    """
    version = record.source_version
    # A bucket without versions names it by its ETag, in quotes.
    name = "" if version.startswith('"') else version
    file = storage.open_file(record.source_key, name)
    with file.stream:
        if file.version.name != version:
            raise ConflictError("file_changed", FAILURES["file_changed"])
        yield Source(file.stream, "video", None, file.size_bytes, file.version, file.stored_at)
