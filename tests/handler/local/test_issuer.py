"""The local server with an issuer: each user sees their own, whatever address they ask."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
import requests

from tests.handler.fake_engine import encode_video, make_video
from tests.handler.local.fake_server import start_fake
from tests.handler.test_tokens import FORGED, KEY, claims, jwk_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
            document: Any = {"keys": [jwk_of(KEY, "k1", "RS256")]}
            if self.path.endswith("openid-configuration"):
                document = {"issuer": address, "jwks_uri": f"{address}/keys"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def url(issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("issuer")
    process, address = start_fake(folder / "data", "--issuer", issuer, "--audience", "app")
    yield address
    process.kill()
    process.wait()
    log = (folder / "log").read_text()
    assert "Traceback" not in log
    assert "anna" not in log
    assert "eyJ" not in log


def known(issuer: str, subject: str, **more: Any) -> dict[str, str]:
    token = jwt.encode(claims(iss=issuer, sub=subject, **more), KEY, "RS256", {"kid": "k1"})
    return {"Authorization": f"Bearer {token}"}


def test_each_user_sees_their_own(url: str, issuer: str) -> None:
    anna, boris = known(issuer, "anna"), known(issuer, "boris")
    doctor = known(issuer, "dr-1", groups=["clinician"])
    body = {"action": "analyze_video", "file_data": encode_video("suspected"), "report": True}
    mine = requests.post(f"{url}/analyze", json=body, headers=anna, timeout=60).json()
    status = f"{url}/status/{mine['analysis_id']}"
    assert requests.get(status, headers=anna, timeout=60).json()["status"] == "completed"
    assert requests.get(status, headers=doctor, timeout=60).json()["status"] == "completed"
    theirs = requests.get(status, headers=boris, timeout=60)
    nowhere = requests.get(f"{url}/status/{'0' * 32}", headers=boris, timeout=60)
    assert (theirs.status_code, theirs.json()) == (nowhere.status_code, nowhere.json())
    assert theirs.status_code == 404
    listed = requests.get(f"{url}/analyses", headers=boris, timeout=60).json()
    assert listed["analyses"] == []
    refused = requests.get(f"{url}/analyses?user_id=anna", headers=boris, timeout=60)
    assert refused.status_code == 403
    # A report's address holds without a token, and is only told to who may read it.
    assert requests.get(mine["report_url"], timeout=60).status_code == 200
    assert requests.get(f"{url}/reports/{mine['analysis_id']}", headers=boris, timeout=60).json()[
        "code"
    ] == ("unauthorized")
    requests.delete(f"{url}/analyses/{mine['analysis_id']}", headers=boris, timeout=60)
    assert requests.get(status, headers=anna, timeout=60).status_code == 200
    # An upload's form is for whoever was given it, and the analysis is the asker's.
    offer = requests.post(f"{url}/uploads", json={}, headers=anna, timeout=60).json()
    files = {"file": make_video("suspected")}
    # Who only knows the id, as a clinician does from a list, cannot send a file in anna's place.
    listed = requests.get(f"{url}/analyses?user_id=anna", headers=doctor, timeout=60).json()
    assert offer["analysis_id"] in [one["analysis_id"] for one in listed["analyses"]]
    queries = [one.partition("?")[2] for one in (mine["report_url"], offer["upload"]["url"])]
    for query in ("", queries[0], queries[1][:-1]):
        address = f"{url}/uploads/{offer['analysis_id']}?{query}"
        refused = requests.post(address, files=files, headers=doctor, timeout=60)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    assert requests.post(offer["upload"]["url"], files=files, timeout=60).status_code == 204
    path = f"{url}{offer['status_url']}"
    assert requests.get(path, headers=boris, timeout=60).status_code == 404
    assert requests.get(path, headers=anna, timeout=60).status_code == 200
    assert requests.delete(f"{url}/users/me", headers=anna, timeout=60).json() == {
        "status": "deleted"
    }
    assert requests.get(status, headers=anna, timeout=60).status_code == 404


@pytest.mark.parametrize("kind", FORGED)
def test_forged_tokens_get_nothing(url: str, kind: str) -> None:
    token = FORGED[kind]().encode("utf-8", "replace").decode("latin-1")
    headers = {"Authorization": f"Bearer {token}"}
    for method, path in (("GET", "/analyses"), ("POST", "/uploads"), ("DELETE", "/users/me")):
        answer = requests.request(method, url + path, headers=headers, timeout=60)
        # A header that is too large is refused before it is read.
        assert answer.status_code in ((401,) if kind != "long" else (401, 413, 431))
