"""The app's own requests, and what it reads in our answers: here and behind API Gateway's events.

`read_as_the_app` reads an answer as the published app does (Dart: ``EyeTrackingResult.fromJson``,
``analyzeEyeTracking``): 200 or an exception, and whatever is missing or null counts as healthy.
"""

import base64
import io
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from aws_lambda_powertools import Logger
from requests.models import PreparedRequest

from handler import analyze as analyze_module
from handler.api import Api
from handler.identity import Access
from handler.limits import Limits
from handler.local.app import LocalContext
from handler.local.storage import LocalStorage
from handler.service import Service
from tests.handler.fake_engine import RANGES, FakeEngine, make_video
from tests.local_server import start
from tracker.lab.clip_spec import ClipSpec, GazePhase, LidClosure
from tracker.lab.synthetic import write_clip
from tracker.words import TEXTS, Language

QUERY = {
    "step": "2",
    "vpp_thresh": "0.06",
    "blink_thresh": "0.18",
    "max_frames": "12000",
    "save": "true",
    "return_overlay": "false",
}
HEADERS = {"ngrok-skip-browser-warning": "true", "Accept": "application/json"}
HEALTHY, ILL = "HC", "PSP"


class AppError(Exception):
    """What the app shows when it has no result; the text is what it prints."""


def read_as_the_app(status: int, body: str) -> tuple[str, list[str]]:
    """Return what the app takes the person for, and the issues that it lists.

    Raises
    ------
    AppError
        The app shows an error.
    """
    if status != 200:
        raise AppError(f"{status}: {body}")
    document = json.loads(body)
    result = document.get("analysis_result")
    if result is not None and not isinstance(result, dict):
        raise AppError("a cast fails")
    screening = (result or {}).get("psp_screening")
    movement = (result or {}).get("vertical_movement")
    suspected = (screening or {}).get("suspected")
    range_ = (movement or {}).get("peak_to_peak")
    suspected = False if suspected is None else suspected
    range_ = 0.0 if range_ is None else range_
    if not isinstance(suspected, bool):
        raise AppError("type 'String' is not a subtype of type 'bool'")
    if isinstance(range_, bool) or not isinstance(range_, int | float):
        raise AppError("a comparison fails")
    issues = ["gaze"] if suspected else []
    issues += ["range"] if range_ < 0.06 else []
    return (ILL if suspected else HEALTHY), issues


def make_request(url: str, video: bytes, **query: str) -> PreparedRequest:
    """Return the app's request, as its HTTP library sends it."""
    request = requests.Request(
        "POST",
        f"{url}/eye/process",
        params={**QUERY, **query},
        headers=HEADERS,
        files={"file": ("REC 1.mp4", video, "application/octet-stream")},
    )
    return request.prepare()


def make_event(request: PreparedRequest, claims: Any = None) -> dict[str, Any]:
    """Return what API Gateway makes of a request whose media type is declared binary."""
    assert isinstance(request.body, bytes)
    query = request.url.split("?")[1].split("&") if request.url else []
    return {
        "httpMethod": request.method,
        "path": "/eye/process",
        "headers": dict(request.headers),
        "queryStringParameters": dict(one.split("=") for one in query),
        "body": base64.b64encode(request.body).decode(),
        "isBase64Encoded": True,
        "requestContext": {
            "requestTimeEpoch": round(1000 * time.time()),
            "authorizer": {"claims": claims or {"sub": "anna"}},
        },
    }


class Deployment:
    """The API as Lambda runs it, with an engine that says what the video says."""

    def __init__(self, folder: Path) -> None:
        self.storage = LocalStorage(folder)
        self.engine = FakeEngine()
        self.log = io.StringIO()
        service = Service(self.storage, self.engine)  # type: ignore[arg-type]
        logger = Logger(service=uuid.uuid4().hex, stream=self.log)
        self.api = Api(service, None, Access(), logger)

    def ask(self, event: dict[str, Any]) -> tuple[int, str]:
        answer = self.api.handle(event, LocalContext(60))
        return answer["statusCode"], answer["body"]

    def send(self, video: bytes, **query: str) -> tuple[int, str]:
        return self.ask(make_event(make_request("https://api.example/dev", video, **query)))


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path)
    yield deployment
    deployment.storage.close()


@pytest.mark.parametrize(
    ("status", "read"),
    [("suspected", (ILL, ["gaze", "range"])), ("not_suspected", (HEALTHY, []))],
)
def test_the_app_reads_a_clear_answer_right(
    deployment: Deployment, status: str, read: tuple[str, list[str]]
) -> None:
    code, body = deployment.send(make_video(status))
    assert read_as_the_app(code, body) == read
    document = json.loads(body)
    assert document["analysis_result"]["vertical_movement"]["peak_to_peak"] == RANGES[status]
    # The parameters came as text, and count.
    reported = deployment.ask(
        {
            "httpMethod": "GET",
            "path": f"/status/{document['analysis_id']}",
            "requestContext": {"authorizer": {"claims": {"sub": "anna"}}},
        }
    )
    kept = json.loads(reported[1])
    assert kept["parameters"]["step"] == 2
    assert kept["parameters"]["max_frames"] == 12000
    assert kept["file_name"] == "REC 1.mp4"


@pytest.mark.parametrize("status", ["borderline", "not_assessable"])
def test_the_app_never_reads_an_unclear_answer_as_healthy(
    deployment: Deployment, status: str
) -> None:
    code, body = deployment.send(make_video(status))
    assert code == 422
    document = json.loads(body)
    assert document["code"] == status
    # The app prints the body; it sends no language, so that both are there.
    for language in ("en", "ko"):
        assert TEXTS[language][f"app.{status}"] in document["error"]
    with pytest.raises(AppError, match="422"):
        read_as_the_app(code, body)
    korean = json.loads(deployment.send(make_video(status), lang="ko")[1])["error"]
    assert TEXTS["ko"][f"app.{status}"] in korean
    assert TEXTS["en"][f"app.{status}"] not in korean
    # In the answer to the API's own request it cannot be read as healthy either.
    body = {"action": "analyze_video", "file_data": base64.b64encode(make_video(status)).decode()}
    event = {
        "httpMethod": "POST",
        "path": "/analyze",
        "body": json.dumps(body),
        "requestContext": {"authorizer": {"claims": {"sub": "anna"}}},
    }
    code, text = deployment.ask(event)
    assert code == 200
    with pytest.raises(AppError, match="bool"):
        read_as_the_app(code, text)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_language_counts_in_an_answer_that_is_waited_for(
    deployment: Deployment, language: Language
) -> None:
    """With a report or without one, and in the status whatever was asked for first."""
    video = base64.b64encode(make_video("not_assessable")).decode()
    expected = TEXTS[language]["patient.no_face"]

    def ask(method: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        event = {
            "httpMethod": method,
            "path": path,
            "queryStringParameters": query,
            "body": json.dumps(body),
            "requestContext": {"authorizer": {"claims": {"sub": "anna"}}},
        }
        document: dict[str, Any] = json.loads(deployment.ask(event)[1])
        return document

    for report in (False, True):
        body = {"action": "analyze_video", "file_data": video, "report": report, "lang": language}
        answer = ask("POST", "/analyze", body)
        assert answer["patient_message"] == expected
        assert ("report_path" in answer) is report
        status = f"/status/{answer['analysis_id']}"
        other = "ko" if language == "en" else "en"
        assert ask("GET", status, lang=other)["patient_message"] == TEXTS[other]["patient.no_face"]


def test_the_reading_itself() -> None:
    """What the app makes of what is missing: the reason why it must not be."""
    for document in ({}, {"analysis_result": None}, {"analysis_result": {"psp_screening": {}}}):
        assert read_as_the_app(200, json.dumps(document))[0] == HEALTHY
    screening = {"analysis_result": {"psp_screening": {"suspected": None}}}
    assert read_as_the_app(200, json.dumps(screening))[0] == HEALTHY
    with pytest.raises(AppError):
        read_as_the_app(202, '{"status": "queued"}')


def test_a_video_that_takes_longer_than_the_caller_waits_is_refused_and_not_queued(
    deployment: Deployment,
) -> None:
    code, body = deployment.send(make_video("suspected", seconds=100))
    document = json.loads(body)
    assert (code, document["code"]) == (422, "takes_too_long")
    assert "/uploads" in document["error"]
    assert TEXTS["ko"]["app.takes_too_long"] in document["error"]
    assert deployment.storage.receive() is None


def test_an_analysis_that_runs_already_is_no_202(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []

    def ask_again(frame: int) -> None:
        if frame == 3 and not answers:
            answers.append(deployment.send(make_video("suspected")))

    deployment.engine.on_frame = ask_again
    assert deployment.send(make_video("suspected"))[0] == 200
    ((code, body),) = answers
    assert (code, json.loads(body)["code"]) == (409, "in_progress")
    # The app sends it again when it got no answer: it is the same analysis.
    assert deployment.send(make_video("suspected"))[0] == 200
    assert deployment.engine.analysed == ["suspected"]


def test_what_is_not_to_be_saved_is_gone_after_the_answer(deployment: Deployment) -> None:
    code, body = deployment.send(make_video("suspected"), save="false")
    assert read_as_the_app(code, body)[0] == ILL
    record = deployment.storage.read(json.loads(body)["analysis_id"])
    assert (record.state, record.user_id) == ("deleted", "")
    assert not [one for one in deployment.storage.work.parent.rglob("*") if one.name == "original"]


def test_what_was_saved_before_stays_though_the_same_video_is_not_to_be_saved(
    deployment: Deployment,
) -> None:
    _, body = deployment.send(make_video("suspected"), save="true")
    kept_id = json.loads(body)["analysis_id"]
    code, body = deployment.send(make_video("suspected"), save="false")
    assert code == 200
    assert deployment.storage.read(json.loads(body)["analysis_id"]).state == "deleted"
    kept = deployment.storage.read(kept_id)
    assert kept.state == "completed"
    assert deployment.storage.has_file(kept.source_key)


def test_forms_that_cannot_be_taken(deployment: Deployment) -> None:
    event = make_event(make_request("https://api.example/dev", make_video("suspected")))
    for change, status, code in [
        ({"isBase64Encoded": False}, 400, "bad_upload"),
        ({"headers": {"Content-Type": "application/json"}}, 400, "bad_upload"),
        ({"headers": {}}, 400, "bad_upload"),
        ({"headers": {"Content-Type": "multipart/form-data"}}, 400, "bad_upload"),
        ({"body": base64.b64encode(b"--x").decode()}, 400, "bad_upload"),
        ({"body": "%%%"}, 400, "bad_base64"),
        ({"queryStringParameters": {"step": "0"}}, 400, "bad_parameter"),
        ({"queryStringParameters": {"return_overlay": "true"}}, 400, "bad_parameter"),
        ({"queryStringParameters": {"user_id": "boris"}}, 403, "foreign_user"),
        ({"requestContext": {}}, 401, "unauthorized"),
    ]:
        answered, body = deployment.ask({**event, **change})
        assert (answered, json.loads(body)["code"]) == (status, code), change
        with pytest.raises(AppError):
            read_as_the_app(answered, body)
    for video, status in [(b"IMAGE", 415), (b"no video", 415), (b"VIDEO {", 422)]:
        answered, body = deployment.send(video)
        assert answered == status
        assert TEXTS["ko"]["app.refused"] in json.loads(body)["error"]
    large = make_event(make_request("https://api.example/dev", bytes(7 * 2**20)))
    answered, body = deployment.ask(large)
    assert (answered, json.loads(body)["code"]) == (413, "body_too_large")
    assert "/uploads" in json.loads(body)["error"]


def test_the_apps_health_check(deployment: Deployment) -> None:
    assert deployment.ask({"httpMethod": "GET", "path": "/healthz", "headers": HEADERS})[0] == 200


# On this machine, with the real engine


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    process, address = start(tmp_path_factory.mktemp("app") / "data")
    yield address
    process.kill()
    process.wait()


def send(url: str, path: Path, **query: str) -> tuple[int, str]:
    with requests.Session() as session:
        answer = session.send(make_request(url, path.read_bytes(), **query), timeout=120)
    return answer.status_code, answer.text


def test_the_app_on_this_machine(url: str, clips: Path) -> None:
    assert requests.get(f"{url}/healthz", headers=HEADERS, timeout=60).status_code == 200
    code, body = send(url, clips / "no_face.mp4")
    assert (code, json.loads(body)["code"]) == (422, "not_assessable")
    assert "얼굴" in json.loads(body)["error"]
    with pytest.raises(AppError):
        read_as_the_app(code, body)
    code, body = send(url, clips / "still.png")
    assert code == 415


RECORDINGS = {
    # How far the drawn eyes go up and down, in eye widths, and what the app makes of it.
    "suspected": (0.02, (ILL, ["gaze", "range"])),
    "not_suspected": (0.2, (HEALTHY, [])),
    "borderline": (0.066, None),
    "not_assessable": (0.2, None),
}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a recording for each answer; the last one is too short."""
    folder = tmp_path_factory.mktemp("recordings")
    for status, (reach, _) in RECORDINGS.items():
        spec = ClipSpec(
            duration_s=2.0 if status == "not_assessable" else 20.0,
            fps=20.0,
            width=480,
            height=360,
            closures=tuple(LidClosure(at_s, 0.2) for at_s in (2.0, 7.0, 13.0, 18.0)),
            gaze=tuple(
                GazePhase(float(at_s), reach if at_s // 5 % 2 else -reach)
                for at_s in range(0, 20, 5)
            ),
        )
        write_clip(folder / f"{status}.mp4", spec)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("status", RECORDINGS)
def test_the_app_reads_a_recording_right(url: str, recordings: Path, status: str) -> None:
    code, body = send(url, recordings / f"{status}.mp4")
    read = RECORDINGS[status][1]
    if read is not None:
        assert read_as_the_app(code, body) == read
        document = json.loads(body)
        assert document["summary"]["assessment"]["status"] == status
        assert document["summary"]["psp_suspected"] is (status == "suspected")
    else:
        assert (code, json.loads(body)["code"]) == (422, status)
        with pytest.raises(AppError):
            read_as_the_app(code, body)


@pytest.mark.slow
def test_where_nobody_was_asked_to_look_the_app_reads_no_answer(url: str, recordings: Path) -> None:
    code, body = send(url, recordings / "suspected.mp4", task="unknown")
    assert (code, json.loads(body)["code"]) == (422, "not_assessable")


def test_the_description_is_served(url: str) -> None:
    document = requests.get(f"{url}/openapi.json", timeout=60).json()
    assert document["openapi"].startswith("3.1")
    page = requests.get(f"{url}/docs", timeout=60)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "script" not in page.headers["Content-Security-Policy"]
    assert "/eye/process" in page.text


def test_a_long_video_waits_here_and_is_refused_there(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine's server gives a form as long as a request may take at all."""
    limits: list[Limits] = []
    check = analyze_module._check_time_left
    monkeypatch.setattr(
        analyze_module,
        "_check_time_left",
        lambda given: (limits.append(given), check(given))[1],
    )
    event = make_event(make_request("https://api.example/dev", make_video("suspected")))
    deployment.api.handle(event, LocalContext(300))
    deployment.api.handle(event, LocalContext(300), 300.0)
    there, here = (one.compute_tracking_budget_s() for one in limits)
    assert there < 29
    assert 250 < here < 300
