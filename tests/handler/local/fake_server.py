"""The local server with an engine that analyses nothing, so that what is around it is tested."""

import re
import select
import subprocess
import sys
import time
from pathlib import Path

from tests.lengths import start_fast
from tests.local_server import ROOT

SCRIPT = """
import sys, time
from handler import __main__
from handler.local import server
from tests.handler.fake_engine import FakeEngine
server.Engine = lambda: FakeEngine(lambda _frame: time.sleep({frame_s}))
server.STALLED_S = {stalled_s}
import handler.work
handler.work.PROGRESS_INTERVAL_S = {progress_s}
__main__.main()
"""


def start_fake(
    folder: Path,
    *arguments: str,
    frame_s: float = 0.0,
    stalled_s: float = 60.0,
    progress_s: float = 0.2,
    port: int = 0,
) -> tuple[subprocess.Popen[str], str]:
    """Start a server on a folder; return its process and its address."""
    script = SCRIPT.format(frame_s=frame_s, stalled_s=stalled_s, progress_s=progress_s)
    options = ["--port", str(port), "--data", str(folder), *arguments]
    with (folder.parent / "log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", script, *options],
            cwd=ROOT,
            env=start_fast(),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    end_s = time.monotonic() + 60
    ready, _, _ = select.select([process.stdout], [], [], end_s - time.monotonic())
    assert ready
    with process.stdout as stdout:
        line = stdout.readline()
    match = re.search(r"http://[^ /]+:\d+", line)
    assert match, line
    return process, match[0]
