"""Peak memory for several lengths of input. Each command runs in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.conftest import Figure, Ratio
from benchmarks.long_tracks import make_session
from tracker.lab.clip_spec import make_spec
from tracker.lab.synthetic import write_clip
from tracker.tracks.archive import save_track

MOST_MB = 400.0
"""Most memory that `analyze` may use for a 1080p video."""

# Not ru_maxrss: it starts at the peak of the process that started this one.
RUN = """
import re, sys
from pathlib import Path
from tracker.cli.main import main
code = main(sys.argv[1:])
status = Path("/proc/self/status").read_text()
print(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
sys.exit(code)
"""


def measure_peak_mb(*arguments: str) -> float:
    """Run a command of this Python with these arguments; return the most memory it had, in MB."""
    result = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        env=os.environ,
        check=True,
        capture_output=True,
        text=True,
    )
    return int(result.stdout.splitlines()[-1]) / 1024


def test_analyze(tmp_path: Path, ratio: Ratio, figure: Figure, short: bool) -> None:
    """Compare the peak memory of analysing a 1080p video, and one that is ten times as long."""
    spec = make_spec(1.0, fps=30.0, width=1920, height=1080)
    peaks_mb = {}
    for repeats in (1, 4) if short else (6, 60):
        clip = tmp_path / f"{repeats}.mp4"
        write_clip(clip, spec, repeats=repeats)
        out = str(tmp_path / "out")
        peaks_mb[repeats] = measure_peak_mb("analyze", str(clip), "--out", out)
        frames = 30 * repeats
        assert (tmp_path / "out" / f"{repeats}.frames.csv").read_text().count("\n") == frames + 1
        figure(f"peak memory of analyze, 1080p, {frames} frames", peaks_mb[repeats], "MB")
    least, most = peaks_mb.values()
    ratio("peak memory of analyze, 1080p, over 400 MB", most / MOST_MB, at_most=1)
    ratio("peak memory of analyze, long over short", most / least, at_most=1.15)


@pytest.mark.parametrize(
    "table", ["sweep.csv", pytest.param("sweep.parquet", marks=pytest.mark.whole)]
)
def test_sweep(table: str, tmp_path: Path, ratio: Ratio, figure: Figure, short: bool) -> None:
    """Compare the peak memory of a sweep over a cohort, and over ten times as many tracks."""
    folder = tmp_path / "tracks"
    peaks_mb = []
    for count in (4, 40) if short else (20, 200):
        folder.mkdir(exist_ok=True)
        track = make_session(20)
        for number in range(count):
            save_track(track, folder / f"{number}.track.npz")
        arguments = ("--grid", "vpp_thresh=0.01:0.4:0.01", "--out", str(tmp_path / table))
        peaks_mb.append(measure_peak_mb("reanalyze", str(folder), *arguments))
    figure(f"peak memory of a sweep, {count} tracks at 40 points, {table}", peaks_mb[1], "MB")
    ratio(
        f"peak memory of a sweep, many tracks over few, {table}",
        peaks_mb[1] / peaks_mb[0],
        at_most=1.2,
    )
