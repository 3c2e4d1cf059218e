"""Analyse recordings in parallel processes, the workers. If one dies, the others go on.

Each worker does one job at a time and answers over its own pipe. When a process is killed, its
recording is therefore known, and only that one fails. `concurrent.futures` would give up all.
"""

import contextlib
import functools
import importlib
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any

from tracker.machine import count_processors, measure_memory_bytes, measure_peak_bytes
from tracker.parameters import Parameters
from tracker.study.jobs import Job, do_job
from tracker.study.recording import (
    Failure,
    FinishedRecording,
    Recording,
    Request,
    explain_failure,
    is_long,
)
from tracker.study.schedule import Schedule

if TYPE_CHECKING:
    from tracker.study.jobs import Answer

WORKER_BYTES = 2**30
"""Memory to reserve for each worker: more than twice what a worker uses at 1080p. A worker that
uses more is replaced by a new one."""
PROGRESS_S = 0.2
"""Shortest time between two progress reports of a worker."""
STOP_S = 10.0
"""A worker that is told to stop is killed after this time."""

_SPAWN = multiprocessing.get_context("spawn")
"""Not forked: a copy of a process in which models, OpenCV or Numba run may hang."""


def default_workers() -> int:
    """Return how many workers to start: one for each processor that this process may use.

    There are fewer, but at least one, if the machine's memory has no `WORKER_BYTES` for each.
    """
    processors, memory_bytes = count_processors(), measure_memory_bytes()
    if memory_bytes is None:
        return processors
    return max(1, min(processors, memory_bytes // WORKER_BYTES))


def analyze_recordings(
    recordings: Sequence[Recording],
    parameters: Parameters,
    request: Request,
    workers: int,
    on_progress: Callable[[int, int, int], None] | None = None,
    resume: bool = True,
) -> Generator[tuple[int, FinishedRecording | Failure]]:
    """Analyse recordings in `workers` processes.

    A long recording is divided if other workers would otherwise be idle while one tracks it. If the
    caller closes the generator early, the workers are stopped and leave no half-written file.

    Parameters
    ----------
    recordings : sequence of Recording
    parameters, request : Parameters, Request
    workers : int
        Number of processes; each keeps one processor busy.
    on_progress : callable, optional
        Called now and then with a recording's index, the number of its frames done and the number
        expected (0 if unknown). With an annotated copy, a frame counts twice in both.
    resume : bool, default True
        Keep the files of an earlier run where an analysis would write the same.

    Yields
    ------
    index : int
        Index of the recording that was just done: each once, in the order in which they are done.
    outcome : FinishedRecording or Failure
        Any error is a failure, also the death of the process.
    """
    schedule = Schedule(recordings, request, workers)
    # With at least two processors for each recording, decoding gets its own thread.
    decode_ahead = workers >= 2 * len(recordings)
    start = functools.partial(_Worker, parameters, request, resume, decode_ahead)
    pool, spares = list[_Worker](), list[_Worker]()
    try:
        if workers > 1 and len(recordings) == 1 and is_long(recordings[0], parameters):
            # Those that will get a segment load the models while it is planned.
            spares += [start(True) for _ in range(workers)]
        while schedule.pending or pool:
            while schedule.pending and len(pool) < workers:
                pool.append(spares.pop() if spares else start(False))
                pool[-1].give(*schedule.take())
            for ready in wait([worker.connection for worker in pool]):
                worker = next(worker for worker in pool if worker.connection is ready)
                if (received := _receive(worker, schedule, on_progress)) is None:
                    continue
                index, (answer, is_usable) = worker.index, received
                outcome = schedule.note(index, worker.job, answer)
                if schedule.pending and is_usable:
                    worker.give(*schedule.take())
                else:
                    pool.remove(worker)
                    worker.dismiss()
                if outcome is not None:
                    yield index, outcome
    finally:
        _stop(pool, spares)


def _stop(pool: list["_Worker"], spares: list["_Worker"]) -> None:
    """End the processes that have a job (`pool`), and those that never had one (`spares`).

    All are told at once; one that does not end within `STOP_S` seconds is killed. The half-written
    files of their jobs are removed.
    """
    for worker in [*pool, *spares]:
        worker.process.terminate()
    for worker in spares:
        worker.wait_for_end()
    for worker in pool:
        worker.bury()


def _receive(
    worker: "_Worker", schedule: Schedule, on_progress: Callable[[int, int, int], None] | None
) -> "tuple[Answer, bool] | None":
    """Wait for a worker's next message; return its answer, and whether it can do another job.

    It cannot if its process has died, in which case the answer is a `Failure`, or if it used more
    memory than `WORKER_BYTES`. Return None if the message only told its progress, which is handed
    to `on_progress`.
    """
    kind, *values = worker.receive()
    if kind == "died":
        return worker.explain_death(), False
    if kind == "done":
        answer, peak_bytes = values
        return answer, (peak_bytes or 0) <= WORKER_BYTES
    if on_progress is not None and not schedule.is_done(worker.index):
        on_progress(worker.index, *schedule.note_progress(worker.index, worker.job, *values))
    return None


class _Worker:
    """A process, which is started at once, and the job that it was given last.

    `index`, the recording's, and `job` are set by `give`: before, the worker has neither.
    `parameters` and `request` hold for all its jobs; `resume` tells whether it keeps what an
    earlier run wrote, and `decode_ahead` whether it decodes on a second thread. If `loads_early`,
    it loads the code that segments need before it has a job.
    """

    def __init__(
        self,
        parameters: Parameters,
        request: Request,
        resume: bool,
        decode_ahead: bool,
        loads_early: bool,
    ) -> None:
        self.connection, theirs = _SPAWN.Pipe()
        self.process: SpawnProcess = _SPAWN.Process(
            target=_work,
            args=(theirs, parameters, request, resume, decode_ahead, loads_early),
            daemon=True,
        )
        with _interrupts_blocked():
            self.process.start()
        theirs.close()

    def give(self, index: int, job: Job) -> None:
        self.index, self.job = index, job
        # A dead process is noticed at the next `receive`.
        with contextlib.suppress(OSError):
            self.connection.send(job)

    def receive(self) -> tuple[Any, ...]:
        """Wait for a message of the process and return it, or ``("died",)`` if it has ended.

        A message is ``("progress", done, expected)``, frames as `do_job` tells them, or
        ``("done", answer, bytes)``: what came of the job, a `Failure` if it raised an error, and
        the most memory that the process has used so far; None if that is not known.
        """
        try:
            answer: tuple[Any, ...] = self.connection.recv()
        except (EOFError, OSError):
            return ("died",)
        return answer

    def dismiss(self) -> None:
        """Close the connection to the process, which then ends by itself. It must have no job."""
        self.connection.close()

    def explain_death(self) -> Failure:
        """Return why the process died, as its job's failure, and remove its half-written files.

        Wait until it has ended, as `bury` does.
        """
        self.bury()
        code = self.process.exitcode or 0
        how = f"ended with code {code}" if code >= 0 else f"was ended by {_signal_name(-code)}"
        remedy = (
            "Memory may have run out: analyse again with fewer --workers; what is finished is kept."
            if code < 0 and _signal_name(-code) == "SIGKILL"
            else "Export the video as MP4 (H.264), then analyse again; what is finished is kept."
        )
        return Failure("process_died", f"its process {how}. {remedy}")

    def wait_for_end(self) -> None:
        """Wait until the process, which was told to end, has ended; kill it after `STOP_S` seconds.

        The connection to it is closed.
        """
        self.process.join(STOP_S)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        self.connection.close()

    def bury(self) -> None:
        """Wait until the process has ended, then remove the half-written files of its job.

        For a process that had a job and was told to end, or died. After `STOP_S` seconds it is
        killed.
        """
        self.wait_for_end()
        if self.process.pid is not None:
            from tracker.files.whole import remove_partial_files

            recording = self.job.recording
            remove_partial_files(recording.directory, recording.stem, self.process.pid)


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Make the processes that are started in the ``with`` block ignore Ctrl-C.

    A terminal sends Ctrl-C's signal to all its processes, but only this one must act on it. The
    signal is blocked in the calling thread, and new processes inherit the block. Windows cannot
    block it; there, nothing is done here, and `_work` makes the new process ignore it.

    A Ctrl-C during the block acts on this process at the block's end, because a new process that is
    half started could not end quietly. It may reach this process by another thread, of a library;
    it is noted then, if the caller is the main thread.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    # It must run before, because its start unblocks the signal.
    resource_tracker.ensure_running()
    noted: list[int] = []
    # Only the main thread may choose what a signal does.
    handles = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if handles:
        signal.signal(signal.SIGINT, lambda number, _: noted.append(number))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        if handles:
            signal.signal(signal.SIGINT, before)
        if noted:
            signal.raise_signal(signal.SIGINT)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _work(
    connection: Connection,
    parameters: Parameters,
    request: Request,
    resume: bool,
    decode_ahead: bool,
    loads_early: bool,
) -> None:
    """Do the jobs that come over the connection, until it is closed. This runs in the new process.

    `connection` is the new process's end of the pipe; `_Worker.receive` lists the messages that are
    sent over it. The other arguments are those of `_Worker`, which starts the process.
    """
    if not hasattr(signal, "pthread_sigmask"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if loads_early:
        # What fails here fails once more in the job, whose answer explains it.
        with contextlib.suppress(Exception):
            importlib.import_module("tracker.tracks.segments")
            importlib.import_module("tracker.face.mesh")
    make_finder = functools.cache(_load_models)
    reported_s = 0.0

    def report(done: int, expected: int) -> None:
        nonlocal reported_s
        now_s = time.monotonic()
        if now_s - reported_s >= PROGRESS_S:
            reported_s = now_s
            connection.send(("progress", done, expected))

    while True:
        try:
            job = connection.recv()
            reported_s = -PROGRESS_S
            try:
                answer = do_job(
                    job,
                    parameters,
                    request,
                    make_finder,
                    report,
                    resume=resume,
                    decode_ahead=decode_ahead,
                )
            except BrokenPipeError:
                raise
            except Exception as error:
                answer = explain_failure(error)
            connection.send(("done", answer, measure_peak_bytes()))
        except (EOFError, OSError):
            # The main process has closed the pipe: nobody waits for a result.
            return


def _load_models() -> Any:
    from tracker.face.mesh import FaceMesh

    return FaceMesh()
