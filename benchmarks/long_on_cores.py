"""``python -m benchmarks.long_on_cores``: a long recording by two workers, beside one on one core.

The times go to docs/scale.json, and docs/scale.md is written anew. Nothing else should run then.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tracker.lab.clip_spec import ClipSpec, GazePhase, LidClosure
from tracker.lab.synthetic import write_clip

DOCS = Path(__file__).parents[1] / "docs"
MINUTES = 10
AT_MOST = 0.54
"""Wall time of two workers on two cores over that of one worker on one core."""


def write_long_clip(path: Path, minutes: float) -> None:
    """Write a recording of 720p30 of about 7 Mbit/s, which is a phone's bit rate."""
    # The noise gives the bit rate.
    spec = ClipSpec(
        duration_s=10.0,
        fps=30.0,
        width=1280,
        height=720,
        noise_std=5.5,
        closures=(LidClosure(0.5, 0.2),),
        gaze=(GazePhase(1.0, -0.1),),
    )
    write_clip(path, spec, repeats=round(6 * minutes))


def analyze_on_cores(video: Path, count: int) -> tuple[str, dict[str, float]]:
    """Analyse a video by so many workers on as many cores.

    Parameters
    ----------
    video : Path
    count : int
        Number of cores, and of workers.

    Returns
    -------
    summary : str
        The summary's JSON text, which must not depend on `count`.
    times : dict of str to float
        ``wall_s`` and ``cpu_s``, of all processes and with their start.
    """
    cores = sorted(os.sched_getaffinity(0))[:count]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start_s = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="cores-") as out:
        command = [sys.executable, "-m", "tracker", "analyze", str(video), "--json", "--out", out]
        done = subprocess.run(
            [*command, "--workers", str(count)],
            check=True,
            capture_output=True,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
    wall_s = time.perf_counter() - start_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, {"wall_s": wall_s, "cpu_s": cpu_s}


def measure_cores(video: Path) -> dict[str, Any]:
    """Analyse a video on one core, then on two; return the times of both."""
    (said_by_one, one), (said_by_two, two) = (analyze_on_cores(video, count) for count in (1, 2))
    return {"one": one, "two": two, "same": said_by_one == said_by_two}


def main() -> None:
    """Measure, and write the result."""
    with tempfile.TemporaryDirectory(prefix="long-") as folder:
        video = Path(folder) / "long.mp4"
        write_long_clip(video, MINUTES)
        found = measure_cores(video)
    path = DOCS / "scale.json"
    measured = json.loads(path.read_text()) | {"cores": found}
    path.write_text(json.dumps(measured, indent=1) + "\n")
    from benchmarks.scale_report import write_report

    write_report(measured, DOCS)
    print(json.dumps(found, indent=1))
    if not found["same"] or found["two"]["wall_s"] > AT_MOST * found["one"]["wall_s"]:
        sys.exit("missed")


if __name__ == "__main__":
    main()
