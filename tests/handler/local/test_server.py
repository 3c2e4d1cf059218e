"""The API on this machine, used over HTTP as a client would, through restarts and bad requests."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from handler.temporary import TEMPORARY_PREFIX
from tests.lengths import start_fast
from tests.local_server import ROOT, analyse, raw, start, upload, wait_for


def test_requests_uploads_status_and_results(url: str, clips: Path) -> None:
    assert requests.get(url, timeout=60).json()["model_ready"] is True
    assert requests.options(url, timeout=60).status_code == 204
    answer = analyse(url, clips / "tiny.mp4").json()
    assert answer["status"] == "success"
    assert Path(answer["csv_path"]).read_text().count("\n") == 6
    assert analyse(url, clips / "still.png", "analyze_image").json()["result"]["detected"] is True

    analysis_id, offer, status = upload(url, clips / "short.mp4", step=2)
    assert status == 204
    reported = wait_for(url, analysis_id)
    assert reported["summary"]["frames_processed"] == 90
    assert Path(reported["video_path"]).read_bytes() == (clips / "short.mp4").read_bytes()
    # The same answer as the other way.
    direct = analyse(url, clips / "short.mp4").json()["summary"]
    assert direct["frames_processed"] == 180
    again = requests.post(
        offer["upload"]["url"], files={"file": (clips / "short.mp4").read_bytes()}, timeout=10
    )
    assert again.status_code == 404

    page = requests.get(f"{url}/analyses?user_id=somebody&limit=2", timeout=60).json()
    assert len(page["analyses"]) == 2
    rest = requests.get(
        f"{url}/analyses", {"user_id": "somebody", "next": page["next"]}, timeout=10
    ).json()
    assert len(rest["analyses"]) == 2
    assert rest["next"] is None


def test_an_upload_that_is_no_video_fails_with_the_remedy(url: str, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video at all")
    analysis_id, _, status = upload(url, tmp_path / "a.mp4")
    assert status == 204
    reported = wait_for(url, analysis_id)
    assert (reported["status"], reported["code"]) == ("failed", "unsupported_media_type")
    assert "MP4" in reported["error"]


def test_status_is_told_while_an_analysis_runs(url: str, clips: Path) -> None:
    thread = threading.Thread(target=analyse, args=(url, clips / "short.mp4"))
    analysis_id, _, _ = upload(url, clips / "short.mp4", blink_min_frames=3)
    thread.start()
    assert requests.get(url, timeout=60).status_code == 200
    # Both analyses wait for each other, and the answer for neither.
    assert thread.is_alive()
    thread.join()
    assert wait_for(url, analysis_id)["status"] == "completed"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b" 413 "),
        (b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b" 400 "),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b" 400 "),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n\xff\xfe{", b" 400 "),
        (b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b" 400 "),
        (b"DELETE / HTTP/1.1\r\n\r\n", b" 405 "),
        (b"GET /../../etc/passwd HTTP/1.1\r\n\r\n", b" 404 "),
        (b"POST /uploads/../x HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", b" 404 "),
        (b"POST /uploads/" + b"0" * 32 + b" HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b" 404 "),
    ],
)
def test_bad_requests_are_refused_in_the_same_shape(
    url: str, request_: bytes, status: bytes
) -> None:
    answer = raw(url, request_)
    assert status in answer.split(b"\r\n")[0]
    document = json.loads(answer.split(b"\r\n\r\n", 1)[1])
    assert document.keys() == {"error", "code"}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        # A name of an attacker's that leads to this machine, and pages of other sites.
        ({"Host": "attacker.example:{port}"}, 400, "bad_host"),
        ({"Host": "127.0.0.1:80"}, 400, "bad_host"),
        ({"Host": "127.0.0.1.attacker.example:{port}"}, 400, "bad_host"),
        ({"Host": ""}, 400, "bad_host"),
        ({"Origin": "https://attacker.example"}, 403, "foreign_origin"),
        ({"Origin": "http://localhost.attacker.example:{port}"}, 403, "foreign_origin"),
        ({"Origin": "null"}, 403, "foreign_origin"),
        ({"Host": "LOCALHOST:{port}"}, 200, None),
        ({"Origin": "http://localhost:5173"}, 200, None),
    ],
)
@pytest.mark.parametrize("path", ["/", "/analyses?user_id=somebody"])
def test_pages_of_other_sites_get_no_answer(
    url: str, path: str, headers: dict[str, str], status: int, code: str | None
) -> None:
    port = url.rsplit(":", 1)[1]
    headers = {name: value.format(port=port) for name, value in headers.items()}
    answer = requests.get(url + path, headers=headers, timeout=60)
    assert answer.status_code == status
    assert answer.json().get("code") == code


@pytest.mark.slow
def test_a_second_server_on_the_same_data_is_refused(url: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "handler", "--port", "0", "--data", str(folder)],
        cwd=ROOT,
        env=start_fast(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "in use by another server" in done.stderr


@pytest.mark.slow
def test_a_taken_port_is_named(url: str, tmp_path: Path) -> None:
    port = url.rsplit(":", 1)[1]
    done = subprocess.run(
        [sys.executable, "-m", "handler", "--port", port, "--data", str(tmp_path)],
        cwd=ROOT,
        env=start_fast(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert port in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("damage", ["directory", "garbage"])
@pytest.mark.slow
def test_a_database_that_cannot_be_used_is_named(tmp_path: Path, damage: str) -> None:
    database = tmp_path / "records.sqlite"
    if damage == "directory":
        database.mkdir()
    else:
        database.write_bytes(b"no database" * 500)
    done = subprocess.run(
        [sys.executable, "-m", "handler", "--port", "0", "--data", str(tmp_path)],
        cwd=ROOT,
        env=start_fast(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "records.sqlite" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_server_that_is_killed_goes_on_after_its_restart(tmp_path: Path, clips: Path) -> None:
    process, url = start(tmp_path / "data")
    analysis_id, _, status = upload(url, clips / "short.mp4")
    assert status == 204
    while requests.get(f"{url}/status/{analysis_id}", timeout=60).json()["status"] == "queued":
        pass
    process.kill()
    process.wait()
    work = tmp_path / "data" / "work"
    # What it worked on lies in the data's own directory, until the next start.
    assert [path.name.startswith(TEMPORARY_PREFIX) for path in work.iterdir()].count(True) > 0
    half_written = work / f"{TEMPORARY_PREFIX}half"
    half_written.write_bytes(b"x")
    left = set(work.iterdir())
    process, url = start(tmp_path / "data")
    try:
        assert not left & set(work.iterdir())
        assert wait_for(url, analysis_id)["status"] == "completed"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "headers", [b"Host: attacker.example", b"Origin: https://attacker.example"]
)
def test_the_body_of_a_refused_request_is_not_taken(url: str, headers: bytes) -> None:
    host, port = url.removeprefix("http://").split(":")
    own = b"" if headers.startswith(b"Host") else f"Host: {host}:{port}\r\n".encode()
    body_bytes = 500_000_000
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /uploads/%s HTTP/1.1\r\n" % (b"0" * 32) + own + headers)
        connection.sendall(b"\r\nContent-Length: %d\r\n\r\n" % body_bytes)
        answer = connection.recv(12)
        assert answer in (b"HTTP/1.1 400", b"HTTP/1.1 403")
        sent, block = 0, bytes(100_000)
        with contextlib.suppress(ConnectionError):
            while sent < body_bytes:
                sent += connection.send(block)
    # What the machine's own buffers held.
    assert sent < 20_000_000


def test_a_connection_is_used_again_unless_a_body_was_refused(url: str) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    sockets = []
    for method, body in (("GET", None), ("POST", b"{}"), ("GET", None)):
        connection.request(method, "/", body)
        answer = connection.getresponse()
        answer.read()
        sockets.append(connection.sock)
    assert sockets[0] is not None
    assert sockets == sockets[:1] * 3
    connection.request("POST", "/app/", b"{}")
    answer = connection.getresponse()
    assert answer.getheader("Connection") == "close"
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_stops_at_once_though_an_analysis_runs(
    tmp_path: Path, clips: Path, number: signal.Signals
) -> None:
    process, url = start(tmp_path / "data")
    analysis_id, _, _ = upload(url, clips / "short.mp4")
    while requests.get(f"{url}/status/{analysis_id}", timeout=60).json()["status"] == "queued":
        pass
    process.send_signal(number)
    assert process.wait(60) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.slow
def test_clients_that_say_nothing_leave_room_for_others(tmp_path: Path) -> None:
    process, url = start(tmp_path / "data", stalled_s=1.0)
    host, port = url.removeprefix("http://").split(":")
    silent = [socket.create_connection((host, int(port)), timeout=60) for _ in range(40)]
    try:
        for one in silent:
            one.sendall(b"POST / HTTP/1.1\r\n")
        assert requests.get(url, timeout=60).status_code == 200
        # They are cut off.
        for one in silent:
            while one.recv(1000):
                pass
    finally:
        for one in silent:
            one.close()
        process.kill()
        process.wait()
