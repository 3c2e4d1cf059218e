"""Clients that are slow, half-closed or many, and a server that is killed in between."""

import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import requests

from tests.handler.attack.test_fuzz import read_memory_mb
from tests.handler.fake_engine import make_video
from tests.handler.local.fake_server import start_fake
from tests.lengths import LONG

CLIENTS = 12
UPLOADS = 60 if LONG else 3
KILLS = 20 if LONG else 1


def find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.slow
def test_slow_and_half_closed_clients_keep_nobody_waiting(tmp_path: Path) -> None:
    process, url = start_fake(tmp_path / "data", stalled_s=300.0)
    port = int(url.rsplit(":", 1)[1])
    stop = threading.Event()
    form = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    head = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 100000\r\n"

    def drip(path: bytes, kind: bytes) -> None:
        """Send a byte now and then, for as long as it is let."""
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
        ):
            connection.sendall(head % (path, port) + kind + b"\r\n\r\n")
            for byte in form * 100:
                if stop.wait(0.5):
                    return
                connection.sendall(bytes([byte]))

    multipart = b"Content-Type: multipart/form-data; boundary=b"
    threads = [
        threading.Thread(target=drip, args=one)
        for one in [(b"/eye/process", multipart), (b"/analyze", b"X: y")] * 8
    ]
    try:
        for one in threads:
            one.start()
        silent = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(8)]
        for path in (b"/analyze", b"/eye/process", b"/uploads"):
            # Half-closed in the middle of the body: an answer comes at once.
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.sendall(head % (path, port) + multipart + b"\r\n\r\n" + form)
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(12).startswith(b"HTTP/1.1 4")
        for _ in range(5):
            # Long before the server gives up the silent ones.
            assert requests.get(f"{url}/health", timeout=60).status_code == 200
        for one in silent:
            one.close()
    finally:
        stop.set()
        for one in threads:
            one.join()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


class Fleet:
    """Twelve clients that upload, whatever happens, until each of their videos is analysed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.done: Counter[str] = Counter()
        self.lost: list[str] = []
        self._lock = threading.Lock()

    def ask(self, method: str, path: str, **arguments: object) -> requests.Response | None:
        """Send a request until it is answered; None if the upload was taken before."""
        end_s = time.monotonic() + 120
        while time.monotonic() < end_s:
            try:
                answer = requests.request(method, f"{self.url}{path}", timeout=60, **arguments)  # type: ignore[arg-type]
            except requests.RequestException:
                time.sleep(0.1)
                continue
            if answer.status_code < 500:
                return answer
            time.sleep(0.1)
        raise AssertionError(path)

    def run(self, client: int) -> None:
        for number in range(UPLOADS):
            offer = self.ask("POST", "/uploads", json={"user_id": f"c{client}"})
            assert offer is not None
            analysis_id = offer.json()["analysis_id"]
            video = make_video("suspected", client=client, number=number)
            # 404 if it arrived, but the answer did not: it is then no longer waited for.
            sent = self.ask("POST", f"/uploads/{analysis_id}", files={"file": video})
            assert sent is not None
            assert sent.status_code in (204, 404), sent.text
            end_s = time.monotonic() + 120
            status = ""
            while time.monotonic() < end_s and status not in ("completed", "failed"):
                answer = self.ask("GET", f"/status/{analysis_id}")
                assert answer is not None
                status = answer.json()["status"]
                if status == "queued" and sent.status_code == 404:
                    break
                time.sleep(0.1)
            with self._lock:
                if status == "completed":
                    self.done[analysis_id] += 1
                else:
                    self.lost.append(f"{analysis_id}: {status}")


@pytest.mark.slow
def test_twelve_clients_and_a_server_that_is_killed(tmp_path: Path) -> None:
    folder, port = tmp_path / "data", find_port()

    def start() -> "subprocess.Popen[str]":
        end_s = time.monotonic() + 30
        while True:
            try:
                return start_fake(folder, frame_s=0.005, port=port)[0]
            except AssertionError:
                assert time.monotonic() < end_s

    process = start()
    fleet = Fleet(f"http://127.0.0.1:{port}")
    threads = [threading.Thread(target=fleet.run, args=(one,)) for one in range(CLIENTS)]
    for one in threads:
        one.start()
    memory_mb: list[float] = []
    try:
        for _ in range(KILLS):
            time.sleep(2.0)
            process.kill()
            process.wait()
            process = start()
        while any(one.is_alive() for one in threads):
            memory_mb.append(read_memory_mb(process.pid))
            time.sleep(0.25)
    finally:
        for one in threads:
            one.join()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    # Nothing is lost, and nothing is there twice.
    assert fleet.lost == []
    assert set(fleet.done.values()) == {1}
    assert len(fleet.done) == CLIENTS * UPLOADS
    with sqlite3.connect(folder / "records.sqlite") as connection:
        rows = connection.execute("SELECT document FROM records").fetchall()
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (0,)
    records = [json.loads(document) for (document,) in rows]
    completed = [one["analysis_id"] for one in records if one["state"] == "completed"]
    assert sorted(completed) == sorted(fleet.done)
    for one in records:
        stored = folder / "files" / one["source_key"]
        if one["state"] == "completed":
            assert one["provenance"]["size_bytes"] == stored.stat().st_size
            assert len(list(stored.parent.iterdir())) == 6
    assert list((folder / "work").iterdir()) == []
    if LONG:  # A short run ends before memory could grow.
        assert len(memory_mb) > 8
        assert max(memory_mb) - min(memory_mb[4:]) < 30
    assert "Traceback" not in (tmp_path / "log").read_text()
