"""Run a process as in AWS Lambda: with the same files, user, memory, CPU share and disk.

Linux and root only. The root directory is built from nothing: Python, the shared libraries of
Lambda's base image, ``/opt``, ``/var/task`` and ``/var/runtime``, all read-only, and a ``/tmp`` of
its own file system.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.runtime_api import RuntimeApi
from deploy.bundle import BASE_LIBRARIES

MEMORY_MB = 1024
CPU_SHARE = MEMORY_MB / 1769
"""At 1769 MB a function gets one core."""
TMP_MB = 512
USER_ID = 993
"""Lambda's sbx_user1051."""
PYTHON_PREFIX = "/var/lang"
INIT_TIMEOUT_S = 60.0
TMP_INTERVAL_S = 0.05

RUNTIME_CLIENT = ("awslambdaric", "runtime_client*.so", "simplejson", "snapshot_restore_py.py")
"""Packages of this environment that make up the runtime's own directory."""

# Runs in a mount namespace of its own. `chroot` comes last, so that the process id stays.
_ENTER = """
root=$1; tmp_image=$2; python_prefix=$3; groups=$4; shift 4
for group in $groups; do echo $$ > "$group/cgroup.procs"; done
bind() { mount --bind "$1" "$2"; mount -o remount,bind,ro "$2"; }
mount --bind "$root" "$root"
bind "$python_prefix" "$root/var/lang"
# What is installed in this Python is not in Lambda's.
mount -t tmpfs -o ro tmpfs "$root"/var/lang/lib/python3.12/site-packages
mount -o loop "$tmp_image" "$root/tmp"
chown "$USER_ID" "$root/tmp"
mount -t proc proc "$root/proc"
for device in null zero random urandom; do mount --bind "/dev/$device" "$root/dev/$device"; done
mount -o remount,bind,ro "$root"
exec chroot --userspec="$USER_ID:$USER_ID" --groups= "$root" /usr/bin/env -C /var/task "$@"
"""


class SandboxUnavailableError(Exception):
    """This machine does not allow a sandbox. The message says what is missing."""


class Cgroup:
    """Linux control groups, of version 1 or 2, with the memory and the CPU share of the function.

    They have precedence over other work, so that the function gets its share on a busy machine.

    Raises
    ------
    SandboxUnavailableError
        They cannot be made on this machine.
    """

    def __init__(self, name: str) -> None:
        root = Path("/sys/fs/cgroup")
        self.version = 2 if (root / "cgroup.controllers").exists() else 1
        period_us, quota_us = 100_000, round(100_000 * CPU_SHARE)
        limit = str(MEMORY_MB * 2**20)
        try:
            if self.version == 2:
                (root / "cgroup.subtree_control").write_text("+cpu +memory")
                self.directories = [root / name]
                self._make()
                self._write(0, "memory.max", limit)
                self._write(0, "cpu.max", f"{quota_us} {period_us}")
                self._write(0, "cpu.weight", "10000")
            else:
                self.directories = [root / one / name for one in ("memory", "cpu", "cpuacct")]
                self._make()
                self._write(0, "memory.limit_in_bytes", limit)
                self._write(1, "cpu.cfs_period_us", str(period_us))
                self._write(1, "cpu.cfs_quota_us", str(quota_us))
                self._write(1, "cpu.shares", "262144")
        except OSError as error:
            raise SandboxUnavailableError(
                f"no control groups for memory and CPU ({error.filename}: {error.strerror})"
            ) from error

    def _make(self) -> None:
        for directory in self.directories:
            directory.mkdir(exist_ok=True)

    def _write(self, controller: int, name: str, value: str) -> None:
        (self.directories[controller] / name).write_text(value)

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all processes in the groups so far, user and system."""
        if self.version == 1:
            return int((self.directories[2] / "cpuacct.usage").read_text()) / 1e9
        text = (self.directories[0] / "cpu.stat").read_text()
        return int(text.split("usage_usec")[1].split()[0]) / 1e6

    @property
    def max_usage_bytes(self) -> int:
        """Largest use of memory so far, page cache included."""
        name = "memory.peak" if self.version == 2 else "memory.max_usage_in_bytes"
        return int((self.directories[0] / name).read_text())

    def forget_max_usage(self) -> None:
        """Count the largest use of memory anew from now on; with version 2, do nothing."""
        if self.version == 1:
            self._write(0, "memory.max_usage_in_bytes", "0")

    def remove(self) -> None:
        """Remove the groups; no process must be in them."""
        for directory in self.directories:
            for _ in range(50):
                try:
                    directory.rmdir()
                    break
                except OSError:
                    time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Usage:
    """Resources that a process has used so far; peaks count since the last reset."""

    cpu_s: float
    peak_rss_mb: float
    max_usage_mb: float


class Sandbox:
    """A Lambda function that runs in its sandbox, initialised and ready for events.

    Parameters
    ----------
    root : Path
        From `make_root`.
    handler : str
        Its handler, such as ``lambda_function.lambda_handler``.
    environment : dict
        Its environment variables.
    scratch : Path
        Folder for the image of its /tmp, and for its log.

    Attributes
    ----------
    api : RuntimeApi
        It passes events to the function.
    init_wall_s, init_cpu_s : float
        What the initialisation took.
    tmp_peak_mb : float
        Largest use of /tmp among samples taken every `TMP_INTERVAL_S`.

    Raises
    ------
    SandboxUnavailableError
        This machine does not allow a sandbox.
    benchmarks.runtime_api.RuntimeStoppedError
        The function does not start.
    """

    def __init__(
        self, root: Path, handler: str, environment: dict[str, str], scratch: Path
    ) -> None:
        check_rights()
        self._cgroup = Cgroup(f"lambda-budget-{os.getpid()}")
        image = scratch / "tmp.ext4"
        with image.open("wb") as file:
            # The image is larger, because the file system's own tables need room, too.
            file.truncate((TMP_MB + 32) * 2**20)
        subprocess.run(
            ["mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", str(image)], check=True
        )
        self.api = RuntimeApi()
        started_s = time.monotonic()
        self._log = (scratch / f"{handler}.log").open("wb")
        self._process = subprocess.Popen(
            [
                *("unshare", "--mount", "--propagation", "private", "sh", "-euc", _ENTER, "sh"),
                *(str(root), str(image), python_prefix()),
                " ".join(map(str, self._cgroup.directories)),
                *(f"{PYTHON_PREFIX}/bin/python3.12", "-m", "awslambdaric", handler),
            ],
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "USER_ID": str(USER_ID),
                "AWS_LAMBDA_RUNTIME_API": self.api.address,
                "AWS_LAMBDA_FUNCTION_NAME": "parkinson-eye-tracking",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB),
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/parkinson-eye-tracking",
                "AWS_LAMBDA_LOG_STREAM_NAME": "budget",
                "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
                "LAMBDA_TASK_ROOT": "/var/task",
                "LAMBDA_RUNTIME_DIR": "/var/runtime",
                "_HANDLER": handler,
                "PYTHONPATH": "/opt/python:/var/runtime",
                "LD_LIBRARY_PATH": f"{PYTHON_PREFIX}/lib:/lib64:/var/task:/opt/lib",
                "LANG": "en_US.UTF-8",
                "TZ": ":UTC",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self.api.wait_until_ready(INIT_TIMEOUT_S)
        except BaseException:
            self.close()
            raise
        self.init_wall_s = time.monotonic() - started_s
        self.init_cpu_s = self._cgroup.cpu_s
        self.tmp_peak_mb = 0.0
        threading.Thread(target=self._watch_tmp, daemon=True).start()

    @property
    def usage(self) -> Usage:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert peak is not None, "the function has ended"
        return Usage(
            cpu_s=self._cgroup.cpu_s,
            peak_rss_mb=int(peak[1]) * 1024 / 1e6,
            max_usage_mb=self._cgroup.max_usage_bytes / 1e6,
        )

    def forget_peaks(self) -> None:
        """Count the peaks of memory and of /tmp anew from now on."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")
        self._cgroup.forget_max_usage()
        self.tmp_peak_mb = 0.0

    def _watch_tmp(self) -> None:
        while self._process.poll() is None:
            with contextlib.suppress(OSError):
                status = os.statvfs(f"/proc/{self._process.pid}/root/tmp")
                used_mb = (status.f_blocks - status.f_bfree) * status.f_frsize / 1e6
                self.tmp_peak_mb = max(self.tmp_peak_mb, used_mb)
            time.sleep(TMP_INTERVAL_S)

    @property
    def tmp_files(self) -> list[str]:
        """The names of the files in the function's /tmp."""
        directory = Path(f"/proc/{self._process.pid}/root/tmp")
        return sorted(path.name for path in directory.iterdir() if path.name != "lost+found")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._cgroup.remove()
        self.api.__exit__(None, None, None)
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def check_rights() -> None:
    """Check that this process may build a sandbox.

    Raises
    ------
    SandboxUnavailableError
        It may not, or a tool is missing.
    """
    if os.geteuid() != 0:
        raise SandboxUnavailableError("root is needed for mounts and control groups")
    for tool in ("unshare", "mount", "chroot", "mkfs.ext4", "ldconfig", "ldd"):
        if shutil.which(tool) is None:
            raise SandboxUnavailableError(f"{tool} is missing")
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "t", "/mnt"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SandboxUnavailableError(f"no mount namespaces ({done.stderr.strip()})")
    if not any(Path("/dev").glob("loop[0-9]*")):
        raise SandboxUnavailableError("no loop devices, for a /tmp of its own")


def python_prefix() -> str:
    """Return the directory of the Python that this environment was made from."""
    return str(Path(sys.base_prefix).resolve())


def make_root(root: Path, dist: Path, layers: Sequence[str], environment: Path) -> None:
    """Build the function's root directory: the files that it sees, as in Lambda.

    Parameters
    ----------
    root : Path
        An empty directory.
    dist : Path
        With the zips of ``build_layer.sh``.
    layers : sequence of str
        Names of the layers' zips.
    environment : Path
        A directory of installed packages that has Lambda's runtime client.
    """
    for name in ("var/lang", "var/task", "var/runtime", "opt", "tmp", "proc", "dev", "etc"):
        (root / name).mkdir(parents=True)
    for device in ("null", "zero", "random", "urandom"):
        (root / "dev" / device).touch()
    (root / "etc" / "passwd").write_text(f"sbx_user1051:x:{USER_ID}:{USER_ID}::/:/sbin/nologin\n")
    for layer in layers:
        _unzip(dist / f"{layer}.zip", root / "opt")
    _unzip(dist / "function.zip", root / "var/task")
    for pattern in RUNTIME_CLIENT:
        (found,) = environment.glob(pattern)
        target = root / "var/runtime" / found.name
        if found.is_dir():
            shutil.copytree(found, target)
        else:
            shutil.copy(found, target)
    prefix = Path(python_prefix())
    modules = (prefix / "lib" / "python3.12" / "lib-dynload").glob("*.so")
    libraries = _libraries_of([prefix / "bin" / "python3.12", Path("/usr/bin/env"), *modules])
    listed = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for name, path in re.findall(r"^\s+(\S+) \(.*x86-64.*\) => (\S+)$", listed, re.MULTILINE):
        if name in BASE_LIBRARIES:
            libraries.add(Path(path))
    # Put the libraries where LD_LIBRARY_PATH finds them; this machine's directories may differ.
    (root / "lib64").mkdir()
    for path in libraries:
        shutil.copy(path, root / "lib64" / path.name)
    (root / "usr/bin").mkdir(parents=True)
    shutil.copy("/usr/bin/env", root / "usr/bin/env")


def _unzip(path: Path, directory: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(directory)


def _libraries_of(files: Sequence[Path]) -> set[Path]:
    """Return the system's shared libraries that these files load."""
    text = subprocess.run(
        ["ldd", *map(str, files)], capture_output=True, text=True, check=False
    ).stdout
    found = set(re.findall(r"(?:=>\s+|^\s+)(/\S+)", text, re.MULTILINE))
    prefix = python_prefix()
    return {Path(one) for one in found if not one.startswith(prefix)}
