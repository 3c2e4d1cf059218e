"""``python -m benchmarks.scale``: how long and how dear long recordings and cohorts are in AWS.

A discrete-event model, from CPU times that ``--measure`` takes on this machine (docs/scale.json)
and from latencies and prices that are published. ``--measure`` also runs all segments of a
10-minute recording within a Lambda function's CPU limit, and compares them with the model and with
one run. It needs root for control groups.
"""

import argparse
import heapq
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lambda_sandbox import CPU_SHARE, Cgroup
from benchmarks.long_on_cores import measure_cores, write_long_clip
from tracker.face.blocks import BLOCK_FRAMES, RUN_IN_FRAMES
from tracker.face.follow import choose_second_passes

DOCS = Path(__file__).parents[1] / "docs"
FPS = 30
MINUTES = (10, 30, 60)
WORKERS = (1, 2, 4, 8, 12, 16, 24, 36, 72)
MEMORY_MB = (1024, 1769, 3538)
CONCURRENCY = (10, 30, 100, 300, 1000)
COHORT = 10_000
COHORT_SECONDS = 30
MAX_WALL_S = 60.0
MODEL_TOLERANCE, CPU_TOLERANCE = 0.15, 0.08
LEAST_GAIN = 0.9
"""More workers pay if any number of them takes less than this share of the time."""
BYTES_PER_FRAME = 7e6 / 8 / FPS
"""7 Mbit/s, as a phone records 720p."""


@dataclass(frozen=True, slots=True)
class Published:
    """Latencies, limits and prices that others measured or set.

    Attributes
    ----------
    full_core_mb : int
        Memory with which a function gets one core [1]_.
    two_cores_speed : float
        Speed with two cores, which only decoding ahead uses: 1 / 0.58 (docs/performance.md).
    start_s : float
        From an invocation to the first line of code of a new environment, without the code's own
        start: download and start of the sandbox, "under 100 ms to over 1 s" for all [2]_.
    starts_per_s : float
        New environments of a function: 1000 each 10 s [3]_.
    request_s : float
        First byte of a request to S3: 100-200 ms [4]_.
    s3_bytes_per_s : float
        Of one connection to S3: 85-90 MB/s [4]_.
    map_start_s, map_end_s : float
        Before the first item of a distributed map, and after its last one: over 7 s together for
        items that take nothing, of which all but one come after the last item [5]_.
    transition_s : float
        From one state to the next; a usual figure of a standard workflow, not guaranteed by anyone.
    gb_s_usd, request_usd, transition_usd : float
        us-east-1, x86, without the free tier [6]_ [7]_. Seoul's transitions cost 0.0271 USD a 1000.

    References
    ----------
    .. [1] AWS, Lambda developer guide, "Configure Lambda function memory".
    .. [2] AWS, Lambda developer guide, "Understanding the Lambda execution environment lifecycle":
       cold starts.
    .. [3] AWS, Lambda developer guide, "Lambda scaling behavior".
    .. [4] AWS, "Best practices design patterns: optimizing Amazon S3 performance".
    .. [5] AWS re:Post, "Why is Step Function's Distributed Map slow?"
    .. [6] https://aws.amazon.com/lambda/pricing/
    .. [7] https://aws.amazon.com/step-functions/pricing/
    """

    full_core_mb: int = 1769
    two_cores_speed: float = 1 / 0.58
    start_s: float = 0.5
    starts_per_s: float = 100.0
    request_s: float = 0.15
    s3_bytes_per_s: float = 85e6
    map_start_s: float = 1.0
    map_end_s: float = 6.0
    transition_s: float = 0.05
    gb_s_usd: float = 0.0000166667
    request_usd: float = 0.2e-6
    transition_usd: float = 25e-6


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU times in seconds on one core of this machine, from which the model computes.

    Attributes
    ----------
    init_s : float
        Start of a process with its models.
    frame_s, decode_s : float
        To decode and track a frame; only to decode it.
    look_s : float
        To find the landmarks in a frame a second time, as is done now and then to measure the gain.
    plan_frame_s, join_frame_s : float
        To plan the segments, and to join them, for each frame of the recording.
    join_s : float
        To compute the measures of the whole.
    spread : float
        Relative standard deviation between segments.
    """

    init_s: float
    frame_s: float
    decode_s: float
    look_s: float
    plan_frame_s: float
    join_frame_s: float
    join_s: float
    spread: float

    def segment_s(self, frames: int, skipped: int, is_first: bool, ordinary_looks: float) -> float:
        """Return the CPU time of a segment.

        Parameters
        ----------
        frames, skipped : int
            Frames of the segment, and frames that are only decoded before its run-in.
        is_first : bool
            Whether it starts with the recording, and so has no run-in.
        ordinary_looks : float
            Second looks a frame in a single run, which `frame_s` contains.
        """
        looks = choose_second_passes(np.ones(frames, np.bool_)).size - ordinary_looks * frames
        run_in = 0 if is_first else RUN_IN_FRAMES
        return (frames + run_in) * self.frame_s + skipped * self.decode_s + looks * self.look_s


def ordinary_looks(frames: int) -> float:
    """Return the second looks a frame in a single run of so many frames with a face."""
    return choose_second_passes(np.ones(frames, np.bool_)).size / frames


def divide(frames: int, workers: int) -> list[int]:
    """Return the frames of each segment of a recording: whole blocks, as evenly as they go.

    There are at most `workers` segments. Blocks are those of `tracker.face.blocks`.
    """
    blocks = math.ceil(frames / BLOCK_FRAMES)
    count = min(blocks, workers)
    ends = [min(frames, BLOCK_FRAMES * round(n * blocks / count)) for n in range(count + 1)]
    return [stop - start for start, stop in pairwise(ends)]


class Clock:
    """The clock of the simulation: it calls each action when it is due, in the order of time."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now_s + seconds, self._count, action))

    def run(self) -> None:
        while self._events:
            self.now_s, _, action = heapq.heappop(self._events)
            action()


@dataclass
class Function:
    """A Lambda function: environments that start when they are needed, up to a limit.

    `billed_s` and `requests` count what is paid for: the code's start and its run.
    """

    clock: Clock
    memory_mb: int
    limit: int
    costs: Costs
    published: Published = field(default_factory=Published)
    billed_s: float = 0.0
    requests: int = 0

    def __post_init__(self) -> None:
        self._waiting: deque[tuple[float, float, Callable[[], None]]] = deque()
        self._warm = self._started = 0
        self._next_start_s = 0.0

    @property
    def speed(self) -> float:
        """CPU seconds that the function does a second, by its memory.

        Above 1, because decoding ahead uses a part of a second core.
        """
        share = self.memory_mb / self.published.full_core_mb
        return min(share, self.published.two_cores_speed)

    def invoke(self, cpu_s: float, other_s: float, then: Callable[[], None]) -> None:
        """Run as soon as an environment is free, then call `then`.

        It takes `cpu_s` of CPU time and `other_s` of waiting, for example for the storage.
        """
        self._waiting.append((cpu_s, other_s, then))
        self._begin()

    def _begin(self) -> None:
        while self._waiting and (self._warm or self._started < self.limit):
            cpu_s, other_s, then = self._waiting.popleft()
            wait_s = billed_s = 0.0
            if self._warm:
                self._warm -= 1
            else:
                self._started += 1
                start_s = max(self.clock.now_s, self._next_start_s)
                self._next_start_s = start_s + 1 / self.published.starts_per_s
                wait_s = start_s - self.clock.now_s + self.published.start_s
                billed_s = self.costs.init_s / min(1.0, self.speed)
            billed_s += cpu_s / self.speed + other_s
            self.billed_s += billed_s
            self.requests += 1
            self.clock.after(wait_s + billed_s, lambda then=then: self._end(then))  # type: ignore[misc]

    def _end(self, then: Callable[[], None]) -> None:
        self._warm += 1
        then()
        self._begin()


@dataclass(frozen=True, slots=True)
class Run:
    """What a simulation gives: seconds from first start to last end, and the price of all."""

    wall_s: float
    usd: float


class _Recording:
    """One simulated recording on its way: plan, segments, join; or one invocation for all of it."""

    def __init__(
        self, function: Function, frames: int, workers: int, rng: np.random.Generator
    ) -> None:
        self._function, self._frames, self._rng = function, frames, rng
        self._segments = divide(frames, workers) if workers > 1 else []
        self._left = len(self._segments)
        self.transitions = 0
        self.end_s = math.nan

    def start(self) -> None:
        costs, published = self._function.costs, self._function.published
        read_s = published.request_s + BYTES_PER_FRAME * self._frames / published.s3_bytes_per_s
        if len(self._segments) < 2:
            # Reading overlaps with the analysis, but for the first bytes.
            cpu_s = self._frames * costs.frame_s * self._draw() + costs.join_s
            self._function.invoke(cpu_s, 4 * published.request_s, self._finish)
            return
        self.transitions += 4 + len(self._segments)
        cpu_s = costs.plan_frame_s * self._frames
        waits_s = read_s + 2 * published.request_s
        self._later(
            published.transition_s, lambda: self._function.invoke(cpu_s, waits_s, self._map)
        )

    def _map(self) -> None:
        published = self._function.published
        looks = ordinary_looks(self._frames)
        for n, frames in enumerate(self._segments):
            # A phone's keyframes are a second apart, so that half a second is skipped.
            cpu_s = self._function.costs.segment_s(frames, FPS // 2, n == 0, looks) * self._draw()
            self._later(
                published.map_start_s,
                lambda cpu_s=cpu_s: self._function.invoke(  # type: ignore[misc]
                    cpu_s, 5 * published.request_s, self._track_done
                ),
            )

    def _track_done(self) -> None:
        self._left -= 1
        if not self._left:
            self._later(self._function.published.map_end_s, self._join)

    def _join(self) -> None:
        costs, published = self._function.costs, self._function.published
        cpu_s = costs.join_frame_s * self._frames + costs.join_s
        waits_s = (len(self._segments) + 4) * published.request_s
        self._function.invoke(cpu_s, waits_s, self._finish)

    def _finish(self) -> None:
        self.end_s = self._function.clock.now_s

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._function.clock.after(seconds, action)

    def _draw(self) -> float:
        """Return a random factor: how much slower than the mean an environment is."""
        return float(np.exp(self._rng.normal(0, self._function.costs.spread)))


def simulate(
    costs: Costs,
    recordings: Sequence[int],
    workers: int,
    memory_mb: int,
    limit: int,
    published: Published | None = None,
    seed: int = 0,
) -> Run:
    """Simulate recordings that all arrive at once.

    Parameters
    ----------
    costs : Costs
    recordings : sequence of int
        Number of frames of each.
    workers : int
        Segments of each recording at most; 1: it is not divided.
    memory_mb, limit : int
        Of the function: memory, and how many environments run at the same time at most.
    published : Published, optional
    seed : int, default 0

    Returns
    -------
    Run
    """
    published = published or Published()
    clock, rng = Clock(), np.random.default_rng(seed)
    function = Function(clock, memory_mb, limit, costs, published)
    all_of_them = [_Recording(function, frames, workers, rng) for frames in recordings]
    for one in all_of_them:
        clock.after(0.0, one.start)
    clock.run()
    usd = (
        function.billed_s * memory_mb / 1024 * published.gb_s_usd
        + function.requests * published.request_usd
        + sum(one.transitions for one in all_of_them) * published.transition_usd
    )
    return Run(max(one.end_s for one in all_of_them), usd)


def count_paying_workers(walls_s: Sequence[float], workers: Sequence[int]) -> int:
    """Return the fewest workers with which no more of them would save a tenth of the time.

    `walls_s` are the times with each number in `workers`.
    """
    return next(
        count
        for count, wall_s in zip(workers, walls_s, strict=True)
        if LEAST_GAIN * wall_s <= min(walls_s)
    )


# The real run


def run_limited(cgroup: Cgroup, job: dict[str, Any]) -> dict[str, float]:
    """Do a job in a process of its own within the group's limits; return its times in seconds.

    `job` is what `work` takes.
    """
    started_s = time.monotonic()
    enter = 'for group in $1; do echo $$ > "$group/cgroup.procs"; done; shift; exec "$@"'
    command = [
        *("sh", "-c", enter, "sh", " ".join(map(str, cgroup.directories))),
        *(sys.executable, "-m", "benchmarks.scale", "--work", json.dumps(job)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=DOCS.parent)
    times: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**times, "wall_s": time.monotonic() - started_s}


def favour(cgroup: Cgroup) -> None:
    """Give a control group precedence, so that it gets its limit whatever else runs here."""
    name, most = ("cpu.weight", "10000") if cgroup.version == 2 else ("cpu.shares", "262144")
    for directory in cgroup.directories:
        if (directory / name).exists():
            (directory / name).write_text(most)


def work(job: dict[str, Any]) -> dict[str, float]:
    """Do one job of the real run, and return the CPU seconds of its steps by their names.

    This is the process within the limits. `job` holds the ``kind`` ("plan", "segment", "join",
    "single" or "calibrate") and the paths that it needs.
    """
    from tracker.face.mesh import FaceMesh
    from tracker.parameters import Parameters
    from tracker.pipeline import measure_track
    from tracker.tracks.parts import load_part, parse_segment
    from tracker.tracks.segments import join_parts, plan_segments, track_segment
    from tracker.tracks.track import track_video
    from tracker.video.frames import Video

    video = Path(job["video"])
    kind = job["kind"]
    mesh = FaceMesh() if kind in ("segment", "single", "calibrate") else None
    times = {"init_s": time.process_time()}

    def take_time(name: str) -> None:
        times[name] = time.process_time() - sum(times.values())

    if kind == "plan":
        plan = plan_segments(video, job["count"], 1, 216_000)
        take_time("plan_s")
        Path(job["plan"]).write_text(json.dumps([segment.to_json() for segment in plan]))
    elif kind == "segment" and mesh is not None:
        segment = parse_segment(json.loads(Path(job["plan"]).read_text())[job["index"]])
        part = track_segment(video, segment, mesh, decode_ahead=False)
        take_time("segment_s")
        part.save(Path(job["part"]))
        take_time("save_s")
    elif kind == "join":
        track = join_parts(load_part(Path(path)) for path in job["parts"])
        take_time("join_s")
        measure_track(track, Parameters(), video.name)
        take_time("measure_s")
        _save_landmarks(Path(job["out"]), track.landmarks)
    elif kind == "single" and mesh is not None:
        track = track_video(video, mesh, 1, 216_000, decode_ahead=False)
        take_time("single_s")
        _save_landmarks(Path(job["out"]), track.landmarks)
    elif mesh is not None:
        with Video(video) as decoded:
            for frame in decoded.frames(step=10**9, wants=lambda index: index % 600 == 599):
                count = frame.index + 1
                region = mesh.detect(frame.pixels)[0]
                take_time("decode_s")
                for _ in range(100):
                    mesh.find_landmarks(frame.pixels, region)
                take_time("look_s")
                break
        times["decode_s"] /= count
        times["look_s"] /= 100
    return times


def _save_landmarks(path: Path, landmarks: np.ndarray) -> None:
    np.save(path, landmarks)


def measure(minutes: float, workers: int, folder: Path) -> dict[str, Any]:
    """Run a recording whole and in segments within a function's CPU limit; return all times.

    The recording lasts so many minutes and has one segment for each of `workers` at most. Its files
    go into `folder`.

    The single run is done at the same time as the segments, which come one after the other: what
    else this machine does then slows both.
    """
    video, plan = folder / "long.mp4", folder / "plan.json"
    write_long_clip(video, minutes)
    frames = round(minutes * 60 * FPS)
    cgroups = [Cgroup(f"scale-{os.getpid()}-{n}") for n in range(2)]
    common = {"video": str(video), "plan": str(plan)}

    def run(cgroup: Cgroup, kind: str, **more: Any) -> dict[str, float]:
        done = run_limited(cgroup, {"kind": kind, **common, **more})
        print(kind, more.get("index", ""), {k: round(v, 5) for k, v in done.items()}, flush=True)
        return done

    try:
        for cgroup in cgroups:
            favour(cgroup)
        planned = run(cgroups[0], "plan", count=workers)
        count = len(json.loads(plan.read_text()))
        paths = [str(folder / f"{n}.part.npz") for n in range(count)]
        with ThreadPoolExecutor(1) as aside:
            alone = aside.submit(run, cgroups[1], "single", out=str(folder / "single.npy"))
            calibration = run(cgroups[0], "calibrate")
            segments = [
                run(cgroups[0], "segment", index=n, part=path) for n, path in enumerate(paths)
            ]
            single = alone.result()
        joined = run(cgroups[0], "join", parts=paths, out=str(folder / "joined.npy"))
    finally:
        for cgroup in cgroups:
            cgroup.remove()
    same = np.array_equal(
        np.load(folder / "joined.npy"), np.load(folder / "single.npy"), equal_nan=True
    )
    skipped = [
        (one["stretch"]["first"] - RUN_IN_FRAMES - one["stretch"]["key_index"])
        if one["stretch"]["first"]
        else 0
        for one in map(json.loads, json.loads(plan.read_text()))
    ]
    return {
        "frames": frames, "calibration": calibration, "plan": planned, "segments": segments,
        "join": joined, "single": single, "same": bool(same), "skipped": skipped,
        "cores": measure_cores(video),
    }  # fmt: skip


def read_costs(measured: dict[str, Any]) -> Costs:
    """Return the CPU times of a measurement, from `measure`, for the model.

    What segments took is used only for its spread, so that it can be compared with the model.
    """
    frames = measured["frames"]
    took_s = np.array([one["segment_s"] for one in measured["segments"][1:]])
    return Costs(
        init_s=measured["calibration"]["init_s"],
        frame_s=measured["single"]["single_s"] / frames,
        decode_s=measured["calibration"]["decode_s"],
        look_s=measured["calibration"]["look_s"],
        plan_frame_s=measured["plan"]["plan_s"] / frames,
        join_frame_s=measured["join"]["join_s"] / frames,
        join_s=measured["join"]["measure_s"],
        spread=float(took_s.std() / took_s.mean()),
    )


def compare(measured: dict[str, Any]) -> dict[str, float]:
    """Compare the real run, from `measure`, with the model and with a single run."""
    costs, frames = read_costs(measured), measured["frames"]
    segments = measured["segments"]
    looks = ordinary_looks(frames)
    sizes = divide(frames, len(segments))
    predicted_s = [
        (costs.init_s + costs.segment_s(size, skipped, n == 0, looks)) / CPU_SHARE
        for n, (size, skipped) in enumerate(zip(sizes, measured["skipped"], strict=True))
    ]
    walls_s = [one["wall_s"] for one in segments]
    cpu_s = [one["segment_s"] for one in segments]
    return {
        "slowest_wall_s": max(walls_s),
        "predicted_slowest_wall_s": max(predicted_s),
        "wall_over_predicted": max(walls_s) / max(predicted_s),
        "all_walls_over_predicted": sum(walls_s) / sum(predicted_s),
        "segments_cpu_s": sum(cpu_s),
        "single_cpu_s": measured["single"]["single_s"],
        "cpu_over_single": sum(cpu_s) / measured["single"]["single_s"],
        "plan_wall_s": measured["plan"]["wall_s"],
        "join_wall_s": measured["join"]["wall_s"],
        "wall_s": measured["plan"]["wall_s"] + max(walls_s) + measured["join"]["wall_s"],
    }


def find_misses(measured: dict[str, Any]) -> list[str]:
    """Return a sentence for each thing in the real run that is not as it should be."""
    found = compare(measured)
    misses = [] if measured["same"] else ["the joined track is not that of the single run"]
    if abs(found["wall_over_predicted"] - 1) > MODEL_TOLERANCE:
        misses.append(f"the slowest segment took {found['wall_over_predicted']:.2f} of the model's")
    if found["cpu_over_single"] > 1 + CPU_TOLERANCE:
        misses.append(f"all segments took {found['cpu_over_single']:.3f} of a single run's CPU")
    wall_s = simulate(read_costs(measured), [measured["frames"]], 12, 1024, 12).wall_s
    if wall_s > MAX_WALL_S:
        misses.append(f"the simulated wall time is {wall_s:.0f} s, above {MAX_WALL_S:.0f} s")
    return misses


def main() -> None:
    """Measure if asked, then simulate, and write the table and the picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="10 to 15 minutes; needs root")
    parser.add_argument("--minutes", type=float, default=10, help="length of that recording")
    parser.add_argument("--out", type=Path, default=DOCS)
    parser.add_argument("--work", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        print(json.dumps(work(arguments.work)))
        return
    path = arguments.out / "scale.json"
    if arguments.measure:
        with tempfile.TemporaryDirectory(prefix="scale-") as folder:
            measured = measure(arguments.minutes, 12, Path(folder))
        path.write_text(json.dumps(measured, indent=1) + "\n")
    measured = json.loads((path if path.exists() else DOCS / "scale.json").read_text())
    from benchmarks.scale_report import write_report

    write_report(measured, arguments.out)
    misses = find_misses(measured)
    if misses:
        sys.exit("missed:\n" + "\n".join(misses))


if __name__ == "__main__":
    main()
