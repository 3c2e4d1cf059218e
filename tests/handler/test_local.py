"""The API on this machine, used over HTTP as a client would, through restarts and bad requests."""

import base64
import hashlib
import http.client
import importlib.metadata
import io
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from handler.errors import BadRequestError
from handler.local.pages import WEB, WEB_FILES
from handler.local.server import CHUNK_BYTES, copy_form_file
from handler.temporary import TEMPORARY_PREFIX

ROOT = Path(__file__).parents[2]


def start(folder: Path) -> tuple[subprocess.Popen[str], str]:
    with (folder.parent / "log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "handler", "--port", "0", "--data", str(folder)],
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("local") / "data"


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    process, address = start(folder)
    yield address
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    log = (folder.parent / "log").read_text()
    assert "Traceback" not in log
    assert "somebody" not in log


def analyse(url: str, clip: Path, action: str = "analyze_video") -> requests.Response:
    data = base64.b64encode(clip.read_bytes()).decode()
    body = {"action": action, "file_data": data, "user_id": "somebody"}
    return requests.post(f"{url}/analyze", json=body, timeout=60)


def upload(url: str, clip: Path, **parameters: Any) -> tuple[str, dict[str, Any], int]:
    body = {"action": "create_upload", "user_id": "somebody", "parameters": parameters}
    offer = requests.post(url, json=body, timeout=10).json()
    posted = requests.post(
        offer["upload"]["url"],
        data=offer["upload"]["fields"],
        files={"file": clip.read_bytes()},
        timeout=60,
    )
    return offer["analysis_id"], offer, posted.status_code


def wait_for(url: str, analysis_id: str, timeout_s: float = 30.0) -> dict[str, Any]:
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        told = requests.get(f"{url}/status/{analysis_id}", timeout=10).json()
        if told["status"] in ("completed", "failed"):
            return dict(told)
        time.sleep(0.1)
    raise AssertionError("not done")


def test_requests_uploads_status_and_results(url: str, clips: Path) -> None:
    assert requests.get(url, timeout=10).json()["model_ready"] is True
    assert requests.options(url, timeout=10).status_code == 204
    answer = analyse(url, clips / "tiny.mp4").json()
    assert answer["status"] == "success"
    assert Path(answer["csv_path"]).read_text().count("\n") == 6
    assert analyse(url, clips / "still.png", "analyze_image").json()["result"]["detected"] is True

    analysis_id, offer, status = upload(url, clips / "short.mp4", step=2)
    assert status == 204
    told = wait_for(url, analysis_id)
    assert told["summary"]["frames_processed"] == 90
    assert Path(told["video_path"]).read_bytes() == (clips / "short.mp4").read_bytes()
    # The same answer as the other way.
    direct = analyse(url, clips / "short.mp4").json()["summary"]
    assert direct["frames_processed"] == 180
    again = requests.post(
        offer["upload"]["url"], files={"file": (clips / "short.mp4").read_bytes()}, timeout=10
    )
    assert again.status_code == 404

    page = requests.get(f"{url}/analyses?user_id=somebody&limit=2", timeout=10).json()
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
    told = wait_for(url, analysis_id)
    assert (told["status"], told["code"]) == ("failed", "unsupported_media_type")
    assert "MP4" in told["error"]


def test_status_is_told_while_an_analysis_runs(url: str, clips: Path) -> None:
    thread = threading.Thread(target=analyse, args=(url, clips / "short.mp4"))
    analysis_id, _, _ = upload(url, clips / "short.mp4", blink_min_frames=3)
    thread.start()
    begun_s = time.monotonic()
    assert requests.get(url, timeout=10).status_code == 200
    assert time.monotonic() - begun_s < 1.0
    thread.join()
    assert wait_for(url, analysis_id)["status"] == "completed"


def raw(url: str, request: bytes) -> bytes:
    host, port = url.removeprefix("http://").split(":")
    line, rest = request.split(b"\r\n", 1)
    request = b"\r\n".join((line, f"Host: {host}:{port}".encode(), rest))
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


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
    answer = requests.get(url + path, headers=headers, timeout=10)
    assert answer.status_code == status
    assert answer.json().get("code") == code


def test_the_page_is_served_by_fixed_names(url: str) -> None:
    answer = requests.get(f"{url}/app", timeout=10)
    assert answer.url == f"{url}/app/"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    for path, (name, content_type) in WEB_FILES.items():
        answer = requests.get(f"{url}/app/{path}", timeout=10)
        assert answer.content == (WEB / name).read_bytes()
        assert answer.headers["Content-Type"] == content_type
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
    # All that is there is served, but the licence of the detector.
    assert {name for name, _ in WEB_FILES.values()} | {"LICENSE-face-detection.txt"} == {
        path.name for path in WEB.iterdir()
    }
    for path in ("../local.py", "..%2flocal.py", "x", "app.js/", "/etc/passwd", "%00", "./app.js"):
        answer = raw(url, f"GET /app/{path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        assert b" 404 " in answer.split(b"\r\n")[0], path
    assert requests.post(f"{url}/app/", data=b"x", timeout=10).status_code == 405
    # Another name of this machine would be another origin than the one that uploads go to.
    there = requests.get(url.replace("127.0.0.1", "localhost") + "/app/", timeout=10)
    assert there.url == f"{url}/app/"


def test_the_pages_detector_is_the_file_of_mediapipes_wheel() -> None:
    name = "face_detection_short_range.tflite"
    wheel = importlib.metadata.distribution("mediapipe")
    theirs = Path(str(wheel.locate_file(f"mediapipe/modules/face_detection/{name}"))).read_bytes()
    assert (WEB / name).read_bytes() == theirs
    page = (ROOT / "docs" / "web-client.md").read_text()
    assert hashlib.sha256(theirs).hexdigest() in page
    assert f"mediapipe {wheel.version}" in page


def test_a_report_that_is_not_there(url: str, clips: Path) -> None:
    answer = analyse(url, clips / "tiny.mp4").json()
    told = requests.get(f"{url}/status/{answer['analysis_id']}", timeout=10).json()
    assert "report_url" not in told
    for path in (answer["analysis_id"], "0" * 32, "..%2f", "x", ""):
        assert requests.get(f"{url}/reports/{path}", timeout=10).status_code == 404


def test_a_broken_upload_is_refused_and_can_be_repeated(url: str, clips: Path) -> None:
    body = {"action": "create_upload", "user_id": "somebody"}
    offer = requests.post(url, json=body, timeout=10).json()
    target = offer["upload"]["url"]
    assert requests.post(target, data=b"x", timeout=10).status_code == 400
    assert requests.post(target, files={"other": b"x"}, timeout=10).status_code == 400
    assert requests.post(target, files={"file": b""}, timeout=10).status_code == 400
    # Cut off by the client in the middle.
    connection = http.client.HTTPConnection(target.split("/")[2], timeout=10)
    connection.putrequest("POST", "/uploads/" + offer["analysis_id"])
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", "100000")
    connection.endheaders()
    connection.send(b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nsome bytes')
    connection.close()
    assert requests.get(f"{url}{offer['status_url']}", timeout=10).json()["status"] == "queued"
    files = {"file": (clips / "tiny.mp4").read_bytes()}
    assert requests.post(target, files=files, timeout=10).status_code == 204
    assert wait_for(url, offer["analysis_id"])["status"] == "completed"


def test_a_slower_upload_does_not_replace_the_file_that_was_analysed(url: str, clips: Path) -> None:
    body = {"action": "create_upload", "user_id": "somebody"}
    offer = requests.post(url, json=body, timeout=10).json()
    slow = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nanother video\r\n--b--\r\n'
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", f"/uploads/{offer['analysis_id']}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", str(len(slow)))
    connection.endheaders()
    connection.send(slow[:60])
    video = (clips / "tiny.mp4").read_bytes()
    assert (
        requests.post(offer["upload"]["url"], files={"file": video}, timeout=10).status_code == 204
    )
    told = wait_for(url, offer["analysis_id"])
    connection.send(slow[60:])
    assert connection.getresponse().status == 404
    connection.close()
    assert Path(told["video_path"]).read_bytes() == video
    # Nor does it leave anything.
    assert len(list(Path(told["video_path"]).parent.iterdir())) == 5


def test_a_second_server_on_the_same_data_is_refused(url: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "handler", "--port", "0", "--data", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "in use by another server" in done.stderr


def test_a_taken_port_is_named(url: str, tmp_path: Path) -> None:
    port = url.rsplit(":", 1)[1]
    done = subprocess.run(
        [sys.executable, "-m", "handler", "--port", port, "--data", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert port in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("damage", ["directory", "garbage"])
def test_a_database_that_cannot_be_used_is_named(tmp_path: Path, damage: str) -> None:
    database = tmp_path / "records.sqlite"
    if damage == "directory":
        database.mkdir()
    else:
        database.write_bytes(b"no database" * 500)
    done = subprocess.run(
        [sys.executable, "-m", "handler", "--port", "0", "--data", str(tmp_path)],
        cwd=ROOT,
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
    while requests.get(f"{url}/status/{analysis_id}", timeout=10).json()["status"] == "queued":
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


# The form


@pytest.mark.parametrize("chunk", [1, 2, 7, 50, CHUNK_BYTES])
@pytest.mark.parametrize(
    "content", [b"x", b"\r\n--", b"\r\n--bound", b"a" * 5000, b"\r\n\r\n\r\n--boundar\r\n" * 9]
)
def test_a_forms_file_comes_out_bit_for_bit(
    chunk: int, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = (
        b'--boundary\r\nContent-Disposition: form-data; name="key"\r\n\r\nusers/x\r\n'
        b'--boundary\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n'
        b"Content-Type: video/mp4\r\n\r\n" + content + b"\r\n--boundary--\r\n"
    )
    monkeypatch.setattr("handler.local.server.CHUNK_BYTES", max(chunk, 200) if chunk > 7 else 200)
    stream = _Trickling(form, chunk)
    target = io.BytesIO()
    copy_form_file(stream, len(form), b"boundary", target)
    assert target.getvalue() == content
    for cut in (10, len(form) // 2, len(form) - len(content) - 15):
        with pytest.raises(BadRequestError):
            copy_form_file(_Trickling(form[:cut], chunk), len(form), b"boundary", io.BytesIO())


class _Trickling(io.BytesIO):
    """Gives few bytes at a time."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._most if size is None or size < 0 else min(size, self._most))
