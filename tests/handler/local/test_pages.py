"""The web client and the reports, by HTTP: fixed names, and headers that keep pages apart."""

import hashlib
import importlib.metadata
import json
import re
import struct
from pathlib import Path

import requests

from handler.local.pages import WEB, WEB_FILES
from tests.local_server import ROOT, analyse, raw


def test_the_page_is_served_by_fixed_names(url: str) -> None:
    answer = requests.get(f"{url}/app", timeout=60)
    assert answer.url == f"{url}/app/"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    for path, (name, content_type) in WEB_FILES.items():
        answer = requests.get(f"{url}/app/{path}", timeout=60)
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
    assert requests.post(f"{url}/app/", data=b"x", timeout=60).status_code == 405
    # Another name of this machine would be another origin than the one that uploads go to.
    there = requests.get(url.replace("127.0.0.1", "localhost") + "/app/", timeout=60)
    assert there.url == f"{url}/app/"


def test_the_page_without_a_connection_has_every_file() -> None:
    script = (WEB / "sw.js").read_text(encoding="utf-8")
    (block,) = re.findall(r"const FILES = \[(.*?)\];", script, re.DOTALL)
    names = re.findall(r'"([^"]+)"', block)
    assert len(names) == len(set(names))
    # The browser itself keeps the service worker.
    assert {"" if name == "./" else name for name in names} == WEB_FILES.keys() - {"sw.js"}
    for language in ("en", "ko"):
        manifest = json.loads((WEB / f"manifest.{language}.webmanifest").read_text("utf-8"))
        assert manifest["lang"] == language
        assert manifest["display"] == "standalone"
        for icon in manifest["icons"]:
            content = (WEB / icon["src"]).read_bytes()
            assert content.startswith(b"\x89PNG")
            width, height = struct.unpack(">II", content[16:24])
            assert icon["sizes"] == f"{width}x{height}"


def test_the_page_tells_the_reasons_that_the_service_has() -> None:
    script = (WEB / "texts.js").read_text(encoding="utf-8")
    service = "".join(path.read_text(encoding="utf-8") for path in WEB.parent.glob("*.py"))
    reasons = set(re.findall(r"^    reason_(\w+):", script, re.MULTILINE))
    assert reasons
    assert {one for one in reasons if f'"{one}"' not in service} == set()


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
    reported = requests.get(f"{url}/status/{answer['analysis_id']}", timeout=60).json()
    assert "report_url" not in reported
    for path in (answer["analysis_id"], "0" * 32, "..%2f", "x", ""):
        assert requests.get(f"{url}/reports/{path}", timeout=60).status_code == 404
