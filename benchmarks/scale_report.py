"""Simulate what docs/scale.md tells, and write it with its picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.lambda_sandbox import CPU_SHARE
from benchmarks.scale import (
    COHORT,
    COHORT_SECONDS,
    CONCURRENCY,
    FPS,
    MEMORY_MB,
    MINUTES,
    WORKERS,
    Costs,
    Run,
    compare,
    count_paying_workers,
    divide,
    read_costs,
    simulate,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COHORT_WORKERS = 12
LONG_COHORT_SECONDS = 600


def write_report(measured: dict[str, Any], folder: Path) -> None:
    """Write scale.md and scale.png into `folder`, from what `benchmarks.scale.measure` returned."""
    costs = read_costs(measured)
    long = {
        (minutes, memory_mb): [
            simulate(costs, [60 * FPS * minutes], workers, memory_mb, workers)
            for workers in WORKERS
        ]
        for minutes in MINUTES
        for memory_mb in MEMORY_MB
    }
    cohorts = {
        seconds: [
            simulate(costs, [seconds * FPS] * COHORT, workers, 1024, limit) for limit in CONCURRENCY
        ]
        for seconds, workers in ((COHORT_SECONDS, 1), (LONG_COHORT_SECONDS, COHORT_WORKERS))
    }
    (folder / "scale.md").write_text(_describe(measured, costs, long, cohorts), encoding="utf-8")
    _draw(long, cohorts, folder / "scale.png")


def _describe(
    measured: dict[str, Any],
    costs: Costs,
    long: dict[tuple[int, int], list[Run]],
    cohorts: dict[int, list[Run]],
) -> str:
    found = compare(measured)
    lines = [
        "# Long recordings and cohorts: time and price",
        "",
        "Written by `python -m benchmarks.scale`; with `--measure` (root), after a real run. A "
        "discrete-event model",
        "of the state machine in AWS: plan, distributed map of segments, join. A CPU second is one "
        "of the machine that",
        "measured; Lambda's are slower or faster. Latencies and prices are published ones, with "
        "their sources in",
        "`benchmarks/scale.py`; none was measured in AWS. No free tier; us-east-1, x86.",
        "",
        "![Time by workers, and cohorts by concurrency](scale.png)",
        "",
        "## One recording, 720p30",
        "",
        "Seconds from upload to result, and US cents, by the number of workers. A worker gets "
        "whole blocks of 1500 frames,",
        "so that more workers than blocks do nothing. One worker is one invocation without "
        "segments, which ends after 300 s:",
        "where the table has more, it would analyse fewer frames.",
        "",
        "| minutes | memory | " + " | ".join(f"{n}" for n in WORKERS) + " | enough |",
        "|---" * (len(WORKERS) + 3) + "|",
    ]
    for (minutes, memory_mb), runs in long.items():
        cells = [f"{run.wall_s:.0f} s, {100 * run.usd:.2f}" for run in runs]
        paying = count_paying_workers([run.wall_s for run in runs], WORKERS)
        row = [str(minutes), f"{memory_mb} MB", *cells, str(paying)]
        lines.append("| " + " | ".join(row) + " |")
    lines += [
        "",
        "Enough are the fewest workers with which no more of them would save a tenth of the time. "
        "What is left then is one",
        "block, the start of the distributed map and its end, which take 7 s, two starts of an "
        "environment, and reading the",
        "file once. The estimate that the API answers is higher: it takes functions to be slower, "
        "to be on the safe side.",
        "",
        f"## {COHORT:,} recordings at once, 1024 MB",
        "",
        "| each | " + " | ".join(f"{n} at a time" for n in CONCURRENCY) + " |",
        "|---" * (len(CONCURRENCY) + 1) + "|",
    ]
    for seconds, runs in cohorts.items():
        name = f"{seconds} s" if seconds < 60 else f"{seconds // 60} min, divided"
        cells = [f"{run.wall_s / 60:.1f} min, {run.usd:.2f} USD" for run in runs]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", *_describe_run(measured, costs, found), ""]
    return "\n".join(lines)


def _describe_run(measured: dict[str, Any], costs: Costs, found: dict[str, float]) -> list[str]:
    frames = measured["frames"]
    sizes = divide(frames, len(measured["segments"]))
    simulated = simulate(costs, [frames], len(sizes), 1024, len(sizes))
    return [
        "## The real run",
        "",
        f"{len(sizes)} segments of {frames:,} frames of 720p30, one after the other, each in a "
        f"process of its own in a control group",
        f"with {CPU_SHARE:.3f} CPU, as 1024 MB have in Lambda.",
        "",
        "| | |",
        "|---|---|",
        f"| CPU a frame, single run | {1000 * costs.frame_s:.2f} ms |",
        f"| CPU of all segments over the single run's | {found['cpu_over_single']:.3f} |",
        f"| slowest segment, with the start of its process | {found['slowest_wall_s']:.1f} s |",
        f"| the model's | {found['predicted_slowest_wall_s']:.1f} s |",
        f"| measured over predicted, slowest; all | {found['wall_over_predicted']:.2f}; "
        f"{found['all_walls_over_predicted']:.2f} |",
        f"| plan, slowest segment and join, measured | {found['wall_s']:.1f} s |",
        f"| the same with the latencies of AWS, simulated | {simulated.wall_s:.1f} s |",
        f"| the joined track is the single run's, bit for bit | "
        f"{'yes' if measured['same'] else 'NO'} |",
        # An older measurement does not have it.
        *(_describe_cores(measured["cores"], frames) if "cores" in measured else []),
    ]


def _describe_cores(found: dict[str, Any], frames: int) -> list[str]:
    one, two = found["one"], found["two"]
    return [
        "",
        "## On one machine",
        "",
        f"`analyze` of {frames:,} frames of 720p30 at 7 Mbit/s, with the start of all processes "
        "and the report.",
        "Measured by `python -m benchmarks.long_on_cores`.",
        "",
        "| | wall s | CPU s |",
        "|---|---|---|",
        f"| one worker on one core | {one['wall_s']:.1f} | {one['cpu_s']:.1f} |",
        f"| two workers on two cores | {two['wall_s']:.1f} | {two['cpu_s']:.1f} |",
        f"| two over one | {two['wall_s'] / one['wall_s']:.3f} | "
        f"{two['cpu_s'] / one['cpu_s']:.3f} |",
        f"| the same summary | {'yes' if found['same'] else 'NO'} | |",
    ]


def _draw(
    long: dict[tuple[int, int], list[Run]], cohorts: dict[int, list[Run]], path: Path
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (minutes, memory_mb), runs in long.items():
        if memory_mb != MEMORY_MB[-1]:
            style = "-" if memory_mb == MEMORY_MB[0] else "--"
            left.plot(
                WORKERS,
                [run.wall_s for run in runs],
                style,
                marker=".",
                color=f"C{MINUTES.index(minutes)}",
                label=f"{minutes} min, {memory_mb} MB",
            )
    _label(left, "workers", "seconds", "One recording", WORKERS)
    for seconds, runs in cohorts.items():
        name = f"{seconds} s" if seconds < 60 else f"{seconds // 60} min in segments"
        right.plot(CONCURRENCY, [run.wall_s / 60 for run in runs], marker=".", label=name)
    _label(right, "functions at a time", "minutes", f"{COHORT:,} recordings", CONCURRENCY)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def _label(axes: "Axes", x: str, y: str, title: str, ticks: tuple[int, ...]) -> None:
    axes.set(xlabel=x, ylabel=y, title=title, xscale="log", yscale="log")
    axes.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
