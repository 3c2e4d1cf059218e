"""Uploads as forms: whole or refused, bit for bit, and never over a file that was analysed."""

import http.client
import io
import json
from pathlib import Path

import pytest
import requests

from handler.errors import BadRequestError
from handler.forms import CHUNK_BYTES, MAX_HEAD_BYTES, copy_form_file
from tests.local_server import start, wait_for


def test_a_broken_upload_is_refused_and_can_be_repeated(url: str, clips: Path) -> None:
    body = {"action": "create_upload", "user_id": "somebody"}
    offer = requests.post(url, json=body, timeout=60).json()
    target = offer["upload"]["url"]
    assert requests.post(target, data=b"x", timeout=60).status_code == 400
    assert requests.post(target, files={"other": b"x"}, timeout=60).status_code == 400
    assert requests.post(target, files={"file": b""}, timeout=60).status_code == 400
    # Cut off by the client in the middle.
    connection = http.client.HTTPConnection(target.split("/")[2], timeout=60)
    connection.putrequest("POST", "/uploads/" + offer["analysis_id"])
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", "100000")
    connection.endheaders()
    connection.send(b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nsome bytes')
    connection.close()
    assert requests.get(f"{url}{offer['status_url']}", timeout=60).json()["status"] == "queued"
    files = {"file": (clips / "tiny.mp4").read_bytes()}
    assert requests.post(target, files=files, timeout=60).status_code == 204
    assert wait_for(url, offer["analysis_id"])["status"] == "completed"


def test_a_page_of_another_port_learns_whether_its_file_arrived(url: str) -> None:
    """A browser hides an answer from a page of another origin unless the answer allows it."""
    page = {"Origin": "http://localhost:5173"}
    body = {"action": "create_upload", "user_id": "somebody"}
    offer = requests.post(url, json=body, headers=page, timeout=60)
    target = offer.json()["upload"]["url"]
    asks_first = page | {"Access-Control-Request-Method": "POST"}
    answers = [
        offer,
        requests.options(target, headers=asks_first, timeout=60),
        requests.post(target, data=b"x", headers=page, timeout=60),
        requests.post(target, files={"file": b"no video"}, headers=page, timeout=60),
    ]
    assert [one.status_code for one in answers] == [200, 204, 400, 204]
    assert {one.headers.get("Access-Control-Allow-Origin") for one in answers} == {"*"}


def test_a_slower_upload_does_not_replace_the_file_that_was_analysed(url: str, clips: Path) -> None:
    body = {"action": "create_upload", "user_id": "somebody"}
    offer = requests.post(url, json=body, timeout=60).json()
    slow = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nanother video\r\n--b--\r\n'
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    connection.putrequest("POST", f"/uploads/{offer['analysis_id']}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", str(len(slow)))
    connection.endheaders()
    connection.send(slow[:60])
    video = (clips / "tiny.mp4").read_bytes()
    assert (
        requests.post(offer["upload"]["url"], files={"file": video}, timeout=60).status_code == 204
    )
    reported = wait_for(url, offer["analysis_id"])
    connection.send(slow[60:])
    assert connection.getresponse().status == 404
    connection.close()
    assert Path(reported["video_path"]).read_bytes() == video
    # Nor does it leave anything.
    assert len(list(Path(reported["video_path"]).parent.iterdir())) == 6


# The form


@pytest.mark.parametrize("chunk", [1, 2, 7, 50, CHUNK_BYTES])
@pytest.mark.parametrize(
    "content", [b"x", b"\r\n--", b"\r\n--bound", b"a" * 5000, b"\r\n\r\n\r\n--boundar\r\n" * 9]
)
def test_a_forms_file_comes_out_bit_for_bit(chunk: int, content: bytes) -> None:
    form = (
        b'--boundary\r\nContent-Disposition: form-data; name="key"\r\n\r\nusers/x\r\n'
        b'--boundary\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n'
        b"Content-Type: video/mp4\r\n\r\n" + content + b"\r\n--boundary--\r\n"
    )
    stream = _Trickling(form, chunk)
    target = io.BytesIO()
    copy_form_file(stream, b"boundary", target)
    assert target.getvalue() == content
    for cut in (10, len(form) // 2, len(form) - len(content) - 15):
        with pytest.raises(BadRequestError):
            copy_form_file(_Trickling(form[:cut], chunk), b"boundary", io.BytesIO())


def test_fields_around_the_file_are_ignored_and_the_first_file_counts() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    form = b"".join(
        part % one for one in [(b"key", b"k"), (b"file", b"first"), (b"file", b"2"), (b"x", b"y")]
    )
    stream, target = io.BytesIO(form + b"--b--\r\n"), io.BytesIO()
    copy_form_file(stream, b"b", target)
    assert target.getvalue() == b"first"
    # The client is let finish, or its browser would report a broken connection.
    assert stream.read() == b""


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"no form at all",
        b"--b--\r\n",
        b"--b\r\nContent-Type: video/mp4\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--\r\n',
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nx\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n\r\n--b--\r\n',
    ],
)
def test_a_form_without_a_file_is_refused(form: bytes) -> None:
    target = io.BytesIO()
    with pytest.raises(BadRequestError) as caught:
        copy_form_file(io.BytesIO(form), b"b", target)
    assert caught.value.code == "bad_upload"
    assert target.getvalue() == b""


def test_a_form_is_not_searched_for_its_file_for_ever() -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\n'
    stream = io.BytesIO(head + bytes(10 * MAX_HEAD_BYTES))
    with pytest.raises(BadRequestError, match="no field"):
        copy_form_file(stream, b"b", io.BytesIO())
    assert stream.tell() < 2 * MAX_HEAD_BYTES


@pytest.mark.slow
def test_an_upload_that_stalls_is_ended_and_can_be_repeated(tmp_path: Path, clips: Path) -> None:
    process, url = start(tmp_path / "data", stalled_s=0.5)
    try:
        offer = requests.post(url, json={"action": "create_upload"}, timeout=60).json()
        head = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nsome bytes'
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        connection.putrequest("POST", f"/uploads/{offer['analysis_id']}")
        connection.putheader("Content-Type", "multipart/form-data; boundary=b")
        connection.putheader("Content-Length", "1000")
        connection.endheaders()
        connection.send(head)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (408, "stalled")
        assert answer.getheader("Connection") == "close"
        connection.close()
        assert list((tmp_path / "data" / "work").iterdir()) == []
        files = {"file": (clips / "tiny.mp4").read_bytes()}
        assert requests.post(offer["upload"]["url"], files=files, timeout=60).status_code == 204
        assert wait_for(url, offer["analysis_id"])["status"] == "completed"
    finally:
        process.kill()
        process.wait()


class _Trickling(io.BytesIO):
    """Gives few bytes at a time."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._most if size is None or size < 0 else min(size, self._most))
