"""The local server as a process of its own, and what a client does with it."""

import base64
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[1]


def start(folder: Path, stalled_s: float | None = None) -> tuple[subprocess.Popen[str], str]:
    """Start a server on a folder; it cuts a silent client off after `stalled_s`."""
    program = ["-m", "handler"]
    if stalled_s is not None:
        script = (
            "from handler import __main__\n"
            "from handler.local import server\n"
            f"server.STALLED_S = {stalled_s}\n"
            "__main__.main()\n"
        )
        program = ["-c", script]
    with (folder.parent / "log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, *program, "--port", "0", "--data", str(folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    with process.stdout as stdout:
        line = stdout.readline()
    match = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert match, line
    return process, match[0]


def analyse(url: str, clip: Path, action: str = "analyze_video") -> requests.Response:
    data = base64.b64encode(clip.read_bytes()).decode()
    body = {"action": action, "file_data": data, "user_id": "somebody"}
    return requests.post(f"{url}/analyze", json=body, timeout=60)


def upload(url: str, clip: Path, **parameters: Any) -> tuple[str, dict[str, Any], int]:
    body = {"action": "create_upload", "user_id": "somebody", "parameters": parameters}
    offer = requests.post(url, json=body, timeout=60).json()
    posted = requests.post(
        offer["upload"]["url"],
        data=offer["upload"]["fields"],
        files={"file": clip.read_bytes()},
        timeout=60,
    )
    return offer["analysis_id"], offer, posted.status_code


def wait_for(url: str, analysis_id: str, timeout_s: float = 120.0) -> dict[str, Any]:
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        reported = requests.get(f"{url}/status/{analysis_id}", timeout=60).json()
        if reported["status"] in ("completed", "failed"):
            return dict(reported)
        time.sleep(0.1)
    raise AssertionError("not done")


def raw(url: str, request: bytes) -> bytes:
    host, port = url.removeprefix("http://").split(":")
    line, rest = request.split(b"\r\n", 1)
    request = b"\r\n".join((line, f"Host: {host}:{port}".encode(), rest))
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer
