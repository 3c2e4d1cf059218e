"""What goes wrong is said as it is: stalled clients, a broken disk, a server that is stopped."""

import base64
import io
import json
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from aws_lambda_powertools import Logger
from werkzeug.test import Client, TestResponse

from handler import analyze as analyze_module
from handler.__main__ import main
from handler.api import Api
from handler.identity import Access
from handler.local import server as server_module
from handler.local import uploads as uploads_module
from handler.local.app import LocalApp, LocalContext
from handler.local.guard import Guard
from handler.local.storage import LocalStorage
from handler.service import Service
from tests.handler.attack.test_fuzz import read_memory_mb
from tests.handler.fake_engine import FRAMES, FakeEngine, encode_video, make_video
from tests.handler.local.fake_server import start_fake
from tests.local_server import wait_for


def read_records(folder: Path) -> list[dict[str, Any]]:
    with sqlite3.connect(folder / "records.sqlite") as connection:
        rows = connection.execute("SELECT document FROM records").fetchall()
    return [json.loads(document) for (document,) in rows]


def read_messages(folder: Path) -> list[tuple[int, float]]:
    with sqlite3.connect(folder / "records.sqlite") as connection:
        return connection.execute("SELECT deliveries, visible_at_s FROM messages").fetchall()


def upload(url: str, **about: Any) -> str:
    offer = requests.post(f"{url}/uploads", json={"user_id": "u"}, timeout=60).json()
    files = {"file": make_video("suspected", **about)}
    posted = requests.post(offer["upload"]["url"], files=files, timeout=60)
    assert posted.status_code == 204
    return str(offer["analysis_id"])


def wait_until(url: str, analysis_id: str, state: str) -> None:
    end_s = time.monotonic() + 120
    while requests.get(f"{url}/status/{analysis_id}", timeout=60).json()["status"] != state:
        assert time.monotonic() < end_s
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    "request_",
    [
        b"POST /analyze HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\n{{",
        b"POST /uploads HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\n",
        b"POST /eye/process?step=2 HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n",
    ],
    ids=["json", "nothing", "form"],
)
def test_a_client_that_stalls_is_told_so(tmp_path: Path, request_: bytes) -> None:
    process, url = start_fake(tmp_path / "data", stalled_s=0.5)
    host = url.removeprefix("http://")
    try:
        with socket.create_connection(
            ("127.0.0.1", int(host.split(":")[1])), timeout=10
        ) as connection:
            connection.sendall(request_.replace(b"{host}", host.encode()).replace(b"{{", b"{"))
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 408 " in head.split(b"\r\n")[0]
        document = json.loads(body)
        assert document["code"] == "stalled"
        assert "id" not in document["error"].split()
    finally:
        process.kill()
        process.wait()
    assert list((tmp_path / "data" / "work").iterdir()) == []


@pytest.mark.slow
def test_a_large_form_goes_to_the_disk_and_not_into_memory(tmp_path: Path) -> None:
    process, url = start_fake(tmp_path / "data")
    size_bytes = 300_000_000
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
    video, end = make_video("suspected"), b"\r\n--b--\r\n"

    def stream() -> Iterator[bytes]:
        yield head + video
        for _ in range(size_bytes // 1_000_000):
            yield b" " * 1_000_000
        yield end

    length = len(head + video + end) + size_bytes
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(length)}
    try:
        before_mb = read_memory_mb(process.pid, "VmHWM")
        request = requests.Request("POST", f"{url}/eye/process", headers=headers).prepare()
        request.body = stream()
        with requests.Session() as session:
            answer = session.send(request, timeout=60)
        assert answer.status_code == 200, answer.text
        assert answer.json()["provenance"]["size_bytes"] == len(video) + size_bytes
        assert answer.json()["analysis_result"]["psp_screening"]["suspected"] is True
        assert read_memory_mb(process.pid, "VmHWM") - before_mb < 60
        too_large = requests.post(
            f"{url}/eye/process",
            headers={**headers, "Content-Length": str(3 * 2**30)},
            data=b"",
            timeout=60,
        )
        assert too_large.status_code in (400, 413)
    finally:
        process.kill()
        process.wait()
    assert list((tmp_path / "data" / "work").iterdir()) == []


@pytest.mark.slow
def test_every_5xx_is_in_the_log_under_its_id(tmp_path: Path) -> None:
    process, url = start_fake(tmp_path / "data")
    try:
        offer = requests.post(f"{url}/uploads", json={"user_id": "u"}, timeout=60).json()
        # The disk breaks.
        (tmp_path / "data" / "files").rmdir()
        (tmp_path / "data" / "files").touch()
        answers = [
            requests.post(offer["upload"]["url"], files={"file": b"x"}, timeout=60),
            requests.post(
                f"{url}/analyze",
                json={"action": "analyze_video", "file_data": encode_video("suspected")},
                timeout=60,
            ),
        ]
    finally:
        process.kill()
        process.wait()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    failed = {line["request_id"]: line for line in lines if line["message"] == "failed"}
    for answer in answers:
        assert answer.status_code == 503
        line = failed[answer.headers["X-Request-Id"]]
        assert (line["status_code"], line["code"]) == (503, answer.json()["code"])
        assert any("files.py" in one for one in line["trace"])


@pytest.mark.parametrize("where", ["form", "body", "file", "results", "message"])
def test_a_full_disk_is_said_to_be_full_and_the_work_can_be_done_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """What is written goes to ``/dev/full``, so that the error is the system's own."""
    full = "/dev/full"
    engine = FakeEngine()
    storage = LocalStorage(tmp_path / "data")
    storage.address = "http://127.0.0.1:8000"
    logger = Logger(service=f"full-{where}", stream=io.StringIO())
    service = Service(storage, engine, work_folder=storage.work)  # type: ignore[arg-type]
    api = Api(service, None, Access("local"), logger)
    client = Client(LocalApp(api, storage, Guard(), logger))

    def post(path: str, **content: Any) -> TestResponse:
        return client.post(path, base_url=storage.address, **content)

    def send() -> TestResponse:
        file = io.BytesIO(make_video("suspected")), "a.mp4"
        if where == "form":
            return post("/eye/process?user_id=u", data={"file": file})
        body = {"action": "analyze_video", "file_data": encode_video("suspected"), "user_id": "u"}
        if where == "file":
            body = {"action": "process_s3_file", "s3_key": record.source_key, "user_id": "u"}
        return post("/analyze", json=body)

    def carry_out(message: str) -> bool:
        event = {"messageId": "1", "body": message, "eventSource": "aws:sqs"}
        event["attributes"] = {"ApproximateReceiveCount": "1"}
        answer = api.handle({"Records": [event]}, LocalContext(60))
        return not answer["batchItemFailures"]

    offer = post("/uploads", json={"user_id": "u"}).json
    record = storage.read(offer["analysis_id"])
    file = io.BytesIO(make_video("suspected")), "a.mp4"
    assert post(f"/uploads/{offer['analysis_id']}", data={"file": file}).status_code == 204
    ((_, message, _),) = [storage.receive()]
    with monkeypatch.context() as patch:
        if where in ("form", "body", "file"):
            module = uploads_module if where == "form" else analyze_module
            # As a path it is absolute, and takes the place of the one before it.
            patch.setattr(module, "ORIGINAL", full)
        else:
            patch.setattr(engine, "on_frame", lambda _frame: Path(full).write_bytes(b"x"))
        if where == "message":
            assert not carry_out(message)
            assert storage.read(record.analysis_id).state == "queued"
        else:
            answer = send()
            assert (answer.status_code, answer.json["code"]) == (503, "storage_unavailable")
            assert "room" in answer.json["error"]
    assert list(storage.work.iterdir()) == []
    if where == "message":
        assert carry_out(message)
        assert storage.read(record.analysis_id).state == "completed"
    else:
        assert send().status_code == 200
    storage.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_stopping_twice_gives_the_work_back_and_counts_no_attempt(
    tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "data"
    # As often as an analysis that kills its process would be given up. It would take ten minutes.
    for _ in range(3):
        process, url = start_fake(folder, frame_s=600 / FRAMES)
        known = read_records(folder)
        analysis_id = known[0]["analysis_id"] if known else upload(url)
        wait_until(url, analysis_id, "processing")
        for _ in range(2):
            process.send_signal(number)
            time.sleep(0.02)
        assert process.wait(60) == 0
        (record,) = read_records(folder)
        assert (record["state"], record["attempts"], record["owner"]) == ("queued", 0, "")
        assert read_messages(folder) == [(0, 0.0)]
    process, url = start_fake(folder)
    try:
        assert wait_for(url, analysis_id)["status"] == "completed"
    finally:
        process.kill()
        process.wait()
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert '"failed"' not in log


@pytest.mark.slow
def test_what_nobody_takes_up_again_is_said_to_be_interrupted(tmp_path: Path) -> None:
    """A request that waited for its answer is in no queue."""
    process, url = start_fake(tmp_path / "data", frame_s=0.3)
    body = {"action": "analyze_video", "file_data": encode_video("suspected"), "user_id": "u"}

    def ask() -> None:
        with pytest.raises(requests.ConnectionError):
            requests.post(f"{url}/analyze", json=body, timeout=60)

    thread = threading.Thread(target=ask)
    thread.start()
    while not (found := read_records(tmp_path / "data")) or found[0]["state"] != "processing":
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    thread.join()
    process, url = start_fake(tmp_path / "data")
    try:
        reported = requests.get(f"{url}/status/{found[0]['analysis_id']}", timeout=60).json()
        assert (reported["status"], reported["code"]) == ("failed", "interrupted")
        assert requests.post(f"{url}/analyze", json=body, timeout=60).json()["status"] == "success"
    finally:
        process.kill()
        process.wait()


# Who may use the server


@pytest.mark.slow
def test_a_token_is_asked_for(tmp_path: Path) -> None:
    secret = "s3cret-of-this-test-" + "x" * 20
    (tmp_path / "token").write_text(f"{secret}\n")
    process, url = start_fake(tmp_path / "data", "--token", str(tmp_path / "token"))
    known = {"Authorization": f"Bearer {secret}"}
    try:
        body = {
            "action": "analyze_video",
            "file_data": encode_video("suspected"),
            "user_id": "u",
            "report": True,
        }
        answer = requests.post(f"{url}/analyze", json=body, headers=known, timeout=60).json()
        assert answer["status"] == "success"
        status = f"{url}/status/{answer['analysis_id']}"
        for headers in (
            {},
            {"Authorization": ""},
            {"Authorization": "Bearer "},
            {"Authorization": f"Bearer {secret[:-1]}"},
            {"Authorization": f"Bearer {secret}x"},
            {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()},
            {"Authorization": "Bearer \xe9"},
        ):
            for method, address in (
                ("GET", status),
                ("DELETE", f"{url}/analyses/{answer['analysis_id']}"),
                ("POST", f"{url}/uploads"),
                ("POST", f"{url}/eye/process"),
                ("GET", f"{url}/analyses?user_id=u"),
                ("GET", f"{url}/reports/{answer['analysis_id']}"),
                ("DELETE", f"{url}/users/me?user_id=u"),
            ):
                refused = requests.request(method, address, headers=headers, timeout=60)
                assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert requests.get(status, headers=known, timeout=60).json()["status"] == "completed"
        # A browser has no token where it opens a report: the address itself holds for a while.
        report = requests.get(status, headers=known, timeout=60).json()["report_url"]
        assert requests.get(report, timeout=60).status_code == 200
        for forged in (
            report.replace("until=1", "until=2"),
            report[:-1] + ("0" if report[-1] != "0" else "1"),
            report.replace(answer["analysis_id"], "0" * 32),
            report.split("&")[0],
        ):
            assert requests.get(forged, timeout=60).status_code == 401
        assert "NEEDS_TOKEN = true" in requests.get(f"{url}/app/config.js", timeout=60).text
        assert requests.get(f"{url}/health", timeout=60).status_code == 200
        # A page of another site has no token, so that it may be anywhere.
        elsewhere = {**known, "Host": "eyes.example", "Origin": "https://eyes.example"}
        assert requests.get(status, headers=elsewhere, timeout=60).status_code == 200
    finally:
        process.kill()
        process.wait()
    assert secret not in (tmp_path / "log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "needs --token or --issuer"),
        (["--token", "missing"], "--token missing: No such file"),
        (["--token", "folder"], "--token folder: Is a directory"),
        (["--token", "binary"], "--token binary: the file is no text"),
        (["--token", "short"], "--token: the secret has under"),
        (["--issuer", "ftp://x", "--audience", "app"], "--issuer: 'ftp://x' is no https"),
        (["--issuer", "https://[", "--audience", "app"], "--issuer: "),
        # As of variables that are not set.
        (["--issuer", "", "--audience", ""], "--issuer and --audience"),
        (["--issuer", "https://i.example", "--audience", ""], "--issuer and --audience"),
        (["--issuer", "https://issuer.example"], "--audience"),
        (["--audience", "app"], "--issuer"),
        (["--issuer", "http://issuer.example", "--audience", "app"], "https"),
        (["--issuer", "https://i.example", "--audience", "a", "--token", "good"], "exclude"),
    ],
)
def test_options_that_would_leave_it_open_are_refused(
    tmp_path: Path,
    arguments: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "short").write_text("short")
    (tmp_path / "good").write_text("x" * 40)
    monkeypatch.setattr(server_module, "serve", lambda *_arguments: pytest.fail("it serves"))
    (tmp_path / "binary").write_bytes(b"\xff" * 40)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    options = ["--port", "0", "--data", str(tmp_path / "data"), *arguments]
    monkeypatch.setattr(sys, "argv", ["handler", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_host_that_is_no_name_of_this_machine_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def serve(*_arguments: object) -> None:
        raise OSError("No socket could be created")

    monkeypatch.setattr(server_module, "serve", serve)
    (tmp_path / "good").write_text("x" * 40)
    options = ["--host", "no.host.invalid", "--token", str(tmp_path / "good")]
    monkeypatch.setattr(sys, "argv", ["handler", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert "--host no.host.invalid" in error
    assert "No socket" in error
