"""Who may do what: users their own, clinicians read, and unknown callers only what they know."""

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from handler.api import Api
from handler.description import make_document
from handler.errors import ForbiddenError, UnauthorizedError
from handler.identity import Access, Caller, list_groups
from handler.local.app import LocalContext
from handler.local.storage import LocalStorage
from handler.service import Service
from tests.handler.described import find_schema
from tests.handler.fake_engine import FakeEngine, encode_video

NOW_S = 1_800_000_000.0
IDENTITY = Access()


@pytest.mark.parametrize(
    ("authorizer", "role"),
    [
        # Cognito's authorizer of a REST API, an HTTP API's, and our own function's in both.
        ({"claims": {"sub": "u1", "exp": "Mon Jan 05 10:00:00 UTC 2026"}}, "user"),
        ({"claims": {"sub": "u1", "cognito:groups": "clinician"}}, "clinician"),
        ({"claims": {"sub": "u1", "cognito:groups": "nurse,clinician"}}, "clinician"),
        ({"jwt": {"claims": {"sub": "u1", "cognito:groups": "[nurse clinician]"}}}, "clinician"),
        ({"jwt": {"claims": {"sub": "u1", "groups": ["clinician"]}}}, "clinician"),
        ({"jwt": {"claims": {"sub": "u1", "groups": ["clinicians", 5]}}}, "user"),
        ({"lambda": {"sub": "u1", "groups": "", "exp": str(int(NOW_S) + 9)}}, "user"),
        ({"sub": "u1", "groups": "clinician", "exp": str(int(NOW_S) + 9)}, "clinician"),
    ],
)
def test_a_caller_is_read_from_every_kind_of_authorizer(authorizer: Any, role: str) -> None:
    assert IDENTITY.identify(authorizer, NOW_S) == Caller(role, "u1")  # type: ignore[arg-type]


@pytest.mark.parametrize("claim", ["", " ", "[]", "[ ]", ",", [], ["", 5], None])
def test_an_empty_claim_names_no_group(claim: Any) -> None:
    assert list_groups({"cognito:groups": claim}) == set()
    assert list_groups({"cognito:groups": claim, "groups": "[a,, b]"}) == {"a", "b"}


@pytest.mark.parametrize(
    "authorizer",
    [
        {},
        {"claims": {}},
        {"claims": {"sub": ""}},
        {"claims": {"sub": 5}},
        {"claims": {"sub": None}},
        {"claims": {"sub": "a\x00"}},
        {"claims": {"sub": "x" * 129}},
        # The owner of what has none.
        {"claims": {"sub": "anonymous"}},
        {"claims": "u1"},
        {"claims": ["u1"], "lambda": None},
        {"principalId": "u1"},
        {"sub": "u1", "exp": str(int(NOW_S))},
        {"lambda": {"sub": "u1", "exp": "1"}},
    ],
    ids=str,
)
def test_without_a_valid_subject_nobody_is_known(authorizer: Any) -> None:
    with pytest.raises(UnauthorizedError):
        IDENTITY.identify(authorizer, NOW_S)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, "Sign in: send a valid token"),
        ({"sub": ""}, "Sign in: send a valid token"),
        ({"sub": "u1", "exp": str(int(NOW_S))}, "The token is over"),
        # These are valid, and not over: another one of the same user would not help.
        (
            {"sub": "anonymous", "exp": str(int(NOW_S) + 9)},
            "subject cannot be a user here: anonymous",
        ),
        ({"sub": "x" * 129, "exp": str(int(NOW_S) + 9)}, "subject cannot be a user .* 128 char"),
        ({"sub": "a\x00"}, "subject cannot be a user"),
        ({"sub": "anonymous", "exp": str(int(NOW_S))}, "The token is over"),
    ],
    ids=str,
)
def test_a_refused_token_is_told_why(claims: Any, reason: str) -> None:
    with pytest.raises(UnauthorizedError, match=reason):
        IDENTITY.identify({"claims": claims}, NOW_S)


def test_where_callers_are_not_known_no_claim_counts() -> None:
    claims = {"claims": {"sub": "u1", "cognito:groups": "clinician"}}
    assert Access("open").identify(claims, NOW_S) == Caller("anyone")
    assert Access("local").identify(claims, NOW_S) == Caller("local")


def test_the_body_must_agree_with_the_token() -> None:
    user = Caller("user", "u1")
    assert user.take_user_id(None) == user.take_user_id("") == user.take_user_id("u1") == "u1"
    for caller in (user, Caller("clinician", "u1")):
        with pytest.raises(ForbiddenError):
            caller.take_user_id("u2")


@pytest.mark.parametrize(
    ("caller", "key", "own"),
    [
        (Caller("user", "u1"), "users/u1/x.mp4", True),
        (Caller("user", "u1"), "users/u2/x.mp4", False),
        (Caller("user", "u1"), "users/u1x/x.mp4", False),
        (Caller("user", "u1"), "cohorts/x.mp4", False),
        (Caller("user", "u1"), "videos/u1/x.mp4", False),
        (Caller("user", "u1", "videos/{user_id}/"), "videos/u1/x.mp4", True),
        (Caller("user", "u1", "videos/{user_id}/"), "users/u1/x.mp4", True),
        (Caller("user", "u1", "videos/{user_id}/"), "videos/u2/x.mp4", False),
        # A clinician reads others' results, and analyses nothing of theirs.
        (Caller("clinician", "u1"), "users/u2/x.mp4", False),
        (Caller("anyone"), "users/u1/x.mp4", False),
        (Caller("local"), "users/u1/x.mp4", True),
        (Caller("local"), "cohorts/x.mp4", False),
        (Caller("operator"), "users/u1/x.mp4", True),
    ],
)
def test_keys_of_ones_own(caller: Caller, key: str, own: bool) -> None:
    if own:
        caller.check_own_key(key, "u1")
    else:
        with pytest.raises(ForbiddenError):
            caller.check_own_key(key, "u1")


def test_only_an_operator_reaches_files_that_are_nobodys() -> None:
    Caller("operator").check_own_key("cohorts/x.mp4", None)
    with pytest.raises(ForbiddenError):
        Caller("operator").check_own_key("users/u1/x.mp4", None)
    with pytest.raises(ForbiddenError):
        Caller("local").check_own_key("cohorts/x.mp4", None)


# Over the API


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[LocalStorage]:
    storage = LocalStorage(tmp_path)
    yield storage
    storage.close()


class Client:
    """Sends requests with what an authorizer says of the caller."""

    def __init__(self, storage: LocalStorage, access: Access, log: Any) -> None:
        service = Service(storage, FakeEngine())  # type: ignore[arg-type]
        self.api = Api(service, None, access, Logger(service=uuid.uuid4().hex, stream=log))

    def ask(
        self, claims: Any, method: str, path: str, body: Any = None
    ) -> tuple[int, dict[str, Any]]:
        path, _, query = path.partition("?")
        event = {
            "httpMethod": method,
            "path": path,
            "queryStringParameters": dict(one.split("=") for one in query.split("&") if one),
            "body": None if body is None else json.dumps(body),
            "requestContext": {"authorizer": {"claims": claims} if claims else None},
        }
        answer = self.api.handle(event, LocalContext(30))
        return answer["statusCode"], json.loads(answer["body"] or "{}")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Any]:
    with (tmp_path / "log").open("w+") as file:
        yield file


@pytest.fixture
def client(storage: LocalStorage, log: Any) -> Client:
    return Client(storage, IDENTITY, log)


ANNA, BORIS = {"sub": "anna"}, {"sub": "boris"}
DOCTOR = {"sub": "dr-1", "cognito:groups": "clinician"}
VIDEO = {"action": "analyze_video", "file_data": encode_video("not_suspected")}


def test_without_a_token_nothing_is_answered_but_health(client: Client) -> None:
    for method, path, body in [
        ("POST", "/analyze", VIDEO),
        ("POST", "/", {"action": "create_upload"}),
        ("POST", "/uploads", {}),
        ("GET", "/analyses", None),
        ("GET", "/analyses?user_id=anna", None),
        ("GET", f"/status/{'0' * 32}", None),
        ("DELETE", f"/analyses/{'0' * 32}", None),
        ("DELETE", "/users/me", None),
    ]:
        status, answer = client.ask(None, method, path, body)
        assert (status, answer.get("code")) == (401, "unauthorized"), path
    assert client.ask(None, "GET", "/health")[0] == 200


def test_anothers_analysis_is_the_same_as_none(client: Client, storage: LocalStorage) -> None:
    status, mine = client.ask(ANNA, "POST", "/analyze", VIDEO)
    assert status == 200
    there, nowhere = f"/status/{mine['analysis_id']}", f"/status/{'0' * 32}"
    assert client.ask(BORIS, "GET", there) == client.ask(BORIS, "GET", nowhere)
    assert client.ask(BORIS, "GET", there)[0] == 404
    deleting = f"/analyses/{mine['analysis_id']}"
    missing = client.ask(BORIS, "DELETE", f"/analyses/{'0' * 32}")
    assert client.ask(BORIS, "DELETE", deleting) == missing == (204, {})
    assert client.ask(ANNA, "GET", there)[1]["status"] == "completed"
    assert client.ask(BORIS, "GET", "/analyses")[1]["analyses"] == []
    assert client.ask(BORIS, "GET", "/analyses?user_id=anna")[1]["code"] == "foreign_user"
    # The same video of another person is another analysis.
    assert client.ask(BORIS, "POST", "/analyze", VIDEO)[1]["analysis_id"] != mine["analysis_id"]
    for user_id in ("anna", "", None):
        answered = client.ask(ANNA, "POST", "/analyze", {**VIDEO, "user_id": user_id})
        assert answered[1]["analysis_id"] == mine["analysis_id"]
    assert client.ask(ANNA, "POST", "/analyze", {**VIDEO, "user_id": "boris"})[0] == 403


def test_a_key_tells_nothing_of_foreign_files(client: Client, tmp_path: Path) -> None:
    offer = client.ask(ANNA, "POST", "/uploads", {})[1]
    (tmp_path / "files" / "users" / "anna").mkdir(parents=True)
    (tmp_path / "files" / "users" / "anna" / "there.mp4").write_bytes(b"x")
    answers = {
        str(client.ask(BORIS, "POST", "/", {"action": "process_s3_file", "s3_key": key}))
        for key in (
            "users/anna/there.mp4",
            "users/anna/missing.mp4",
            offer["upload"]["fields"]["key"],
            "cohorts/x.mp4",
        )
    }
    assert len(answers) == 1
    assert "foreign_key" in answers.pop()
    # With one's own name before another's id neither.
    answers = {
        str(client.ask(BORIS, "POST", "/", {"action": "process_s3_file", "s3_key": key}))
        for key in (
            f"users/boris/eye/{offer['analysis_id']}/original",
            f"users/boris/eye/{'0' * 32}/original",
        )
    }
    assert len(answers) == 1
    assert "file_not_found" in answers.pop()


def test_a_clinician_reads_and_lists_which_is_logged_without_the_patient(
    client: Client, log: Any
) -> None:
    mine = client.ask(ANNA, "POST", "/analyze", VIDEO)[1]["analysis_id"]
    own = client.ask(DOCTOR, "POST", "/analyze", VIDEO)[1]["analysis_id"]
    status, answer = client.ask(DOCTOR, "GET", f"/status/{mine}")
    assert (status, answer["status"]) == (200, "completed")
    client.ask(DOCTOR, "GET", f"/status/{own}")
    listed = client.ask(DOCTOR, "GET", "/analyses?user_id=anna")[1]["analyses"]
    assert [one["analysis_id"] for one in listed] == [mine]
    listed = client.ask(DOCTOR, "GET", "/analyses")[1]["analyses"]
    assert [one["analysis_id"] for one in listed] == [own]
    # Reading is all: nothing is deleted, nor made in the patient's name.
    assert client.ask(DOCTOR, "DELETE", f"/analyses/{mine}")[0] == 204
    assert client.ask(ANNA, "GET", f"/status/{mine}")[0] == 200
    assert client.ask(DOCTOR, "POST", "/analyze", {**VIDEO, "user_id": "anna"})[0] == 403

    log.flush()
    log.seek(0)
    lines = [json.loads(line) for line in log]
    reads = [line for line in lines if line["message"] == "clinician read"]
    assert [(one["clinician"], one["analysis_ids"]) for one in reads] == [("dr-1", [mine])] * 2
    assert "anna" not in json.dumps(lines)


def test_the_description_says_for_whom_a_clinician_may_ask(client: Client) -> None:
    document = make_document()
    allowed = {}
    for path, method in [
        ("/analyses", "get"),
        ("/users/me", "delete"),
        ("/eye/process", "post"),
        ("/uploads", "post"),
        ("/analyze", "post"),
        ("/", "post"),
    ]:
        route = document["paths"][path][method]
        named = [one["schema"] for one in route.get("parameters", []) if one["name"] == "user_id"]
        if not named:
            properties = find_schema(document, "Upload" if path == "/uploads" else "Action")
            named = [properties["properties"]["user_id"]["anyOf"][0]]
        body = {**VIDEO, "user_id": "anna"} if method == "post" else None
        query = "" if path in ("/uploads", "/analyze", "/") else "?user_id=anna"
        status, answer = client.ask(DOCTOR, method.upper(), path + query, body)
        assert status == 200 or answer["code"] == "foreign_user", answer
        says = "clinician may give anybody's" in named[0]["description"]
        assert says == (status == 200), path
        allowed[path] = status == 200
    assert [path for path, is_allowed in allowed.items() if is_allowed] == ["/analyses"]


def test_who_asks_to_delete_another_users_data_deletes_nothing(client: Client) -> None:
    made = {
        str(claims["sub"]): client.ask(claims, "POST", "/analyze", VIDEO)[1]["analysis_id"]
        for claims in (ANNA, BORIS, DOCTOR)
    }
    for claims in (BORIS, DOCTOR):
        status, answer = client.ask(claims, "DELETE", "/users/me?user_id=anna")
        assert (status, answer["code"]) == (403, "foreign_user")
    for claims in (ANNA, BORIS, DOCTOR):
        assert client.ask(claims, "GET", f"/status/{made[str(claims['sub'])]}")[0] == 200
    assert client.ask(BORIS, "DELETE", "/users/me?user_id=boris")[0] == 200
    assert client.ask(BORIS, "GET", f"/status/{made['boris']}")[0] == 404


def test_where_callers_are_not_known_lists_are_off_and_ids_cannot_be_guessed(
    storage: LocalStorage, log: Any
) -> None:
    client = Client(storage, Access("open"), log)
    video = {**VIDEO, "user_id": "anna"}
    status, first = client.ask(None, "POST", "/analyze", video)
    assert status == 200
    # The same bytes of the same user are another analysis: nobody computes an id from them.
    second = client.ask(None, "POST", "/analyze", video)[1]
    assert first["analysis_id"] != second["analysis_id"]
    assert client.ask(None, "GET", f"/status/{first['analysis_id']}")[0] == 200
    for claims in (None, ANNA, DOCTOR):
        for path in ("/analyses", "/analyses?user_id=anna"):
            status, answer = client.ask(claims, "GET", path)
            assert (status, answer["code"]) == (403, "needs_identity")
        status, answer = client.ask(claims, "DELETE", "/users/me?user_id=anna")
        assert (status, answer["code"]) == (403, "needs_identity")
    key = f"users/anna/eye/{first['analysis_id']}/original"
    body = {"action": "process_s3_file", "s3_key": key, "user_id": "anna"}
    assert client.ask(None, "POST", "/", body)[1]["code"] == "needs_identity"


def test_an_authorizers_answer_that_is_kept_ends_with_the_token(client: Client) -> None:
    for seconds, expected in ((60, 404), (-1, 401)):
        claims = {**ANNA, "exp": str(int(time.time()) + seconds)}
        assert client.ask(claims, "GET", f"/status/{'0' * 32}")[0] == expected
