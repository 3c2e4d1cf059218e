"""Windows and macOS, of which this machine can only lack what they lack."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tracker import machine

MODULES = ("fcntl", "grp", "posix_spawn", "pwd", "resource", "syslog", "termios")
"""Modules that Python has on Unix alone."""
ATTRIBUTES = {
    "os": (
        *("fork", "getpgid", "getuid", "geteuid", "killpg", "mkfifo", "nice", "sched_getaffinity"),
        *("setsid", "statvfs", "sysconf", "uname", "wait4"),
    ),
    "signal": ("SIGKILL", "SIGHUP", "SIGUSR1", "SIG_BLOCK", "pthread_sigmask", "setitimer"),
    "time": ("clock_gettime", "pthread_getcpuclockid", "tzset"),
}
"""What Python's modules have on Unix alone, as far as it may be used."""

ANALYZE = """
import os, signal, sys, time

CLOUD_AND_MAKERS = ("__main__", "_function", "handler.authorizer", "handler.aws", "models.make")

# These are not ours: they may use whatever this system has.
import ai_edge_litert.interpreter, asyncio, cheroot.wsgi, cv2, numba, pandas, werkzeug
import multiprocessing.popen_spawn_posix

modules, attributes, clip, out = sys.argv[1:]
for name in eval(modules):
    sys.modules[name] = None
for module, names in eval(attributes).items():
    for name in names:
        delattr(sys.modules[module], name)

import importlib, pkgutil
import handler, kernels, tracker
from tracker.video import libav

libav.WHEELS = tuple(wheel for wheel in libav.WHEELS if wheel[0] == "av")
for package in (kernels, tracker, handler):
    for one in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not one.name.endswith(CLOUD_AND_MAKERS):
            importlib.import_module(one.name)

from pathlib import Path
from handler.local.storage import LocalStorage
from tracker.cli.main import main
from tracker.study import workers

with workers._interrupts_blocked():
    assert workers.default_workers() == os.cpu_count()
LocalStorage(Path(out) / "server").close()
sys.exit(main(["analyze", clip, "--out", out, "--json"]))
"""


@pytest.mark.slow
def test_a_system_without_unix_analyses_a_clip_the_same(clips: Path, tmp_path: Path) -> None:
    """With PyAV's libraries, as on macOS and Windows; every module of the packages is imported."""
    command = [sys.executable, "-c", ANALYZE, repr(MODULES), repr(ATTRIBUTES)]
    clip = str(clips / "short.mp4")
    usual = [sys.executable, "-m", "tracker", "analyze", clip, "--json", "--out"]
    summaries: list[dict[str, Any]] = []
    for arguments in ([*command, clip, str(tmp_path / "other")], [*usual, str(tmp_path / "unix")]):
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        summaries.append(json.loads(done.stdout))
    assert summaries[0] == summaries[1]
    assert summaries[0]["blink_count"] > 0


def test_what_the_system_does_not_tell_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    memory_bytes, peak_bytes = machine.measure_memory_bytes(), machine.measure_peak_bytes()
    assert memory_bytes is not None
    assert peak_bytes is not None
    assert 0 < peak_bytes < memory_bytes
    monkeypatch.delattr("os.sysconf")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)
    assert machine.measure_memory_bytes() is None
    assert machine.measure_peak_bytes() is None
