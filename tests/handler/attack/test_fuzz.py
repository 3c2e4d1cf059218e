"""Thousands of broken requests: each is answered, none by a defect, and others' data stay."""

import json
import random
import signal
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.handler.fake_engine import encode_video
from tests.handler.local.fake_server import start_fake
from tests.lengths import LONG

REQUESTS = 100_000 if LONG else 750
ID = "0123456789abcdef" * 2
METHODS = [b"GET", b"POST", b"DELETE", b"PUT", b"OPTIONS", b"HEAD", b"PATCH", b"G\x00T", b""]
PATHS = [
    *(b"/", b"/analyze", b"/uploads", b"/eye/process", b"/health", b"/docs", b"/openapi.json"),
    *(b"/status/" + ID.encode(), b"/analyses", b"/analyses/" + ID.encode(), b"/users/me"),
    *(b"/app/", b"/app/../../etc/passwd", b"/reports/" + ID.encode(), b"/uploads/" + ID.encode()),
    *(b"//", b"/%2e%2e/", b"/status/%00", b"http://evil.example/", b"*", b"/" + b"a" * 5000),
]
QUERIES = [
    *(b"", b"?", b"?user_id=owner", b"?limit=-1", b"?next=AAAA", b"?step=2&save=true", b"?lang=ko"),
    *(b"?until=1&signature=x", b"?until=x", b"?%ff=%00", b"?a=b&a=c", b"?" + b"x=" * 500),
]
HEADERS = [
    *(b"Content-Type: application/json", b"Content-Type: multipart/form-data; boundary=b"),
    *(b"Content-Type: multipart/form-data", b"Content-Type: video/mp4", b"Expect: 100-continue"),
    *(b"Transfer-Encoding: chunked", b"Content-Length: -1", b"Content-Length: 99999999999"),
    *(b"Content-Length: 5", b"Authorization: Bearer x", b"Authorization: \xff", b"X: \x00"),
    *(b"Range: bytes=0-", b"Host: evil.example", b"Origin: https://evil.example", b"no colon"),
    *(b"Cookie: a=b", b": empty", b"Connection: close", b"Upgrade: websocket", b"X-Api-Key: 1"),
]
FORM_HEAD = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
FIELDS = ["action", "user_id", "file_data", "s3_key", "parameters", "report", "lang", "file_name"]
VALUES = [
    *("analyze_video", "process_s3_file", "create_upload", "get_status", "owner", "", None, True),
    *(5, -1, 1e308, [], {}, [[]], {"step": 0}, {"step": 2}, "users/owner/x", "../x", "AAAA", "%"),
    *("\ud800", "\x00", "x" * 300, {"protocol": [{}] * 200}, "en", encode_video("suspected")),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, int]]:
    folder = tmp_path_factory.mktemp("fuzz") / "data"
    process, url = start_fake(folder, stalled_s=2.0)
    yield url, folder, process.pid
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def make_body(rng: random.Random) -> bytes:
    kind = rng.randrange(6)
    if kind == 0:
        return b""
    if kind == 1:
        return rng.randbytes(rng.randrange(200))
    if kind == 2:
        end = b"\r\n--b--\r\n" if rng.random() < 0.5 else b""
        return FORM_HEAD + rng.randbytes(50) + end
    if kind == 3:
        return b"[" * rng.randrange(2000)
    names = rng.sample(FIELDS, rng.randrange(len(FIELDS)))
    document = json.dumps({name: rng.choice(VALUES) for name in names}).encode()
    return document if kind == 4 else document[: rng.randrange(len(document) + 1)]


def make_request(rng: random.Random, host: bytes) -> bytes:
    body = make_body(rng)
    lines = [rng.choice(METHODS) + b" " + rng.choice(PATHS) + rng.choice(QUERIES) + b" HTTP/1.1"]
    if rng.random() < 0.9:
        lines.append(b"Host: " + host)
    lines += rng.sample(HEADERS, rng.randrange(4))
    if rng.random() < 0.8:
        lines.append(b"Content-Length: %d" % len(body))
    request = b"\r\n".join(lines) + b"\r\n\r\n" + body
    if rng.random() < 0.1:
        # A few bytes are others.
        changed = bytearray(request)
        for _ in range(3):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        request = bytes(changed)
    return request


def exchange(port: int, request: bytes) -> bytes:
    """Send a request, say that no more comes, and return what is answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        answer = b""
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while len(answer) < 100_000 and (chunk := connection.recv(65536)):
                answer += chunk
        except ConnectionError:
            # It does not read what it has refused.
            pass
    return answer


def read_memory_mb(pid: int, name: str = "VmRSS") -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(pid)


def read_own(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "records.sqlite") as connection:
        rows = connection.execute("SELECT document FROM records WHERE user_id = 'mine'").fetchall()
    return sorted(document for (document,) in rows)


@pytest.mark.slow
def test_broken_requests_are_answered(server: tuple[str, Path, int]) -> None:
    url, folder, pid = server
    body = {"action": "analyze_video", "file_data": encode_video("suspected"), "user_id": "mine"}
    mine = requests.post(f"{url}/analyze", json=body, timeout=60).json()
    assert mine["status"] == "success"
    before = read_own(folder)
    rng = random.Random(20261128)
    host = url.removeprefix("http://").encode()
    port = int(url.rsplit(":", 1)[1])
    statuses: dict[int, int] = {}
    memory_mb = []
    for count in range(REQUESTS):
        request = make_request(rng, host)
        answer = exchange(port, request)
        if answer:
            status = int(answer.split(b" ", 2)[1])
            assert status < 500 or status in (501, 505), (request, answer)
            statuses[status] = statuses.get(status, 0) + 1
        if count in (REQUESTS // 3, REQUESTS - 1):
            memory_mb.append(read_memory_mb(pid))
    print(f"{REQUESTS} requests: {dict(sorted(statuses.items()))}, {memory_mb[1]:.0f} MB")
    assert sum(statuses.values()) > 0.8 * REQUESTS
    assert {200, 400, 404, 405} <= statuses.keys()
    assert memory_mb[1] - memory_mb[0] < 20
    assert read_own(folder) == before
    assert requests.get(f"{url}/status/{mine['analysis_id']}", timeout=60).json()["summary"]
    log = (folder.parent / "log").read_text()
    assert "Traceback" not in log
    assert '"internal_error"' not in log
    assert "mine" not in log
