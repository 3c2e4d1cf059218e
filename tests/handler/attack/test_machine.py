"""Three users and a clinician, in any order: nobody sees, changes or deletes another's data."""

import base64
import contextlib
import io
import json
import shutil
import sqlite3
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
import pytest
from aws_lambda_powertools import Logger
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from handler.api import Api
from handler.errors import UnauthorizedError
from handler.identity import Access
from handler.keys import name_user
from handler.local.app import LocalContext
from handler.local.guard import Guard
from handler.local.storage import LocalStorage
from handler.service import Service
from handler.tokens import TokenVerifier
from tests.handler.fake_engine import FakeEngine, encode_video, make_video
from tests.handler.test_app import make_event, make_request
from tests.handler.test_tokens import FORGED, ISSUER, KEY, Issuer
from tests.lengths import LONG

USERS = ("anna", "+82 10-1234-5678", "홍길동")
CLINICIAN = "dr-1"
CALLERS = (*USERS, CLINICIAN)
SECRETS = (*USERS, "summary", "provenance")
callers = st.sampled_from(CALLERS)
users = st.sampled_from(USERS)
salts = st.integers(0, 3)
BUCKET = "local"


def make_token(caller: str) -> str:
    now_s = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": "app",
        "sub": caller,
        "exp": now_s + 600,
        "groups": ["clinician"] if caller == CLINICIAN else ["patients"],
    }
    return jwt.encode(claims, KEY, "RS256", {"kid": "k1"})


class Attack(RuleBasedStateMachine):
    """The API with a token's check in front of it, and who owns what."""

    ids = Bundle("ids")
    keys = Bundle("keys")
    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.storage = LocalStorage(self.folder)
        self.log = io.StringIO()
        logger = Logger(service=uuid.uuid4().hex, stream=self.log)
        self.api = Api(
            Service(self.storage, FakeEngine()),  # type: ignore[arg-type]
            None,
            Access("identity", "videos/{user_id}/"),
            logger,
        )
        self.guard = Guard(verifier=TokenVerifier(ISSUER, "app", Issuer().fetch))
        self.headers = {one: f"Bearer {make_token(one)}" for one in CALLERS}
        self.owners: dict[str, str] = {}

    def teardown(self) -> None:
        self.storage.close()
        shutil.rmtree(self.folder)

    # What is asked

    def snapshot(self, but: str) -> dict[str, Any]:
        """Return all records and files, but those of one user."""
        name = name_user(but)
        with contextlib.closing(sqlite3.connect(self.folder / "records.sqlite")) as connection:
            rows = connection.execute("SELECT user_id, document FROM records").fetchall()
        files = {
            str(path.relative_to(self.folder / "files")): path.stat().st_mtime_ns
            for path in (self.folder / "files").rglob("*")
            if path.is_file()
        }
        return {
            "records": sorted(document for user_id, document in rows if user_id not in (but, "")),
            "files": {k: v for k, v in files.items() if k.split("/")[1] != name},
        }

    def ask(
        self, caller: str, method: str, path: str, body: Any = None, query: Any = None
    ) -> tuple[int, dict[str, Any]]:
        """Send a request; whatever it is, others' data stay as they are."""
        return self.send(
            caller,
            {
                "httpMethod": method,
                "path": path,
                "queryStringParameters": query,
                "body": None if body is None else json.dumps(body),
            },
        )

    def send(self, caller: str, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        event["requestContext"] = {"authorizer": self.guard.identify(self.headers[caller])}
        before = self.snapshot(caller)
        answer = self.api.handle(event, LocalContext(30))
        assert self.snapshot(caller) == before
        status, document = answer["statusCode"], json.loads(answer["body"] or "{}")
        assert status < 500, document
        self.look(caller, event["httpMethod"], document)
        return status, document

    def look(self, caller: str, method: str, document: dict[str, Any]) -> None:
        """Check that an answer shows nothing of others', but to a clinician who reads."""
        shown = [document.get("analysis_id"), *document.get("analyses", [])]
        for one in shown:
            analysis_id = one["analysis_id"] if isinstance(one, dict) else one
            owner = self.owners.get(analysis_id or "", caller)
            assert owner == caller or (caller == CLINICIAN and method == "GET")
        text = json.dumps(document, ensure_ascii=False)
        if caller != CLINICIAN and "foreign" not in text:
            assert not any(one in text for one in USERS if one != caller)

    # What callers do

    @initialize(target=ids)
    def know_an_id_that_nobody_has(self) -> str:
        return "0" * 32

    @rule(target=ids, caller=callers, salt=salts, named=st.sampled_from([None, "", *CALLERS]))
    def analyse(self, caller: str, salt: int, named: str | None) -> str:
        body = {
            "action": "analyze_video",
            "file_data": encode_video("suspected", salt=salt),
            "user_id": named,
        }
        status, answer = self.ask(caller, "POST", "/analyze", body)
        if named not in (None, "", caller):
            assert status == 403
            return "0" * 32
        assert (status, answer["status"]) == (200, "success")
        assert self.owners.setdefault(answer["analysis_id"], caller) == caller
        return str(answer["analysis_id"])

    @rule(target=ids, caller=callers, salt=salts)
    def send_a_form(self, caller: str, salt: int) -> str:
        request = make_request("https://api.example/dev", make_video("not_suspected", salt=salt))
        status, answer = self.send(caller, make_event(request))
        assert status == 200
        assert self.owners.setdefault(answer["analysis_id"], caller) == caller
        return str(answer["analysis_id"])

    @rule(target=keys, caller=callers)
    def ask_for_an_upload(self, caller: str) -> str:
        status, answer = self.ask(caller, "POST", "/uploads", {})
        assert status == 200
        self.owners[answer["analysis_id"]] = caller
        return str(answer["upload"]["fields"]["key"])

    @rule(target=ids, key=keys, arrives=st.booleans())
    def upload(self, key: str, arrives: bool) -> str:
        """What the form's owner does; the bucket then tells the queue of it."""
        if not key.startswith("users/"):
            return "0" * 32
        analysis_id = key.split("/")[3]
        if arrives and not self.storage.has_file(key):
            path = self.folder / "put"
            path.write_bytes(make_video("borderline"))
            self.storage.put_file(key, path, "video/mp4")
        record = {"eventName": "ObjectCreated:Post", "s3": {"bucket": {"name": BUCKET}}}
        record["s3"] = {"bucket": {"name": BUCKET}, "object": {"key": key}}
        message = {"messageId": "m", "eventSource": "aws:sqs"}
        message["body"] = json.dumps({"Records": [record]})
        before = self.snapshot(self.owners.get(analysis_id, ""))
        self.api.handle({"Records": [message]}, LocalContext(30))
        assert self.snapshot(self.owners.get(analysis_id, "")) == before
        return analysis_id

    @rule(target=keys, owner=users, name=st.sampled_from(["1.mp4", "2.mp4"]))
    def store_a_video_oneself(self, owner: str, name: str) -> str:
        key = f"videos/{name_user(owner)}/{name}"
        path = self.folder / "put"
        path.write_bytes(make_video("suspected"))
        self.storage.put_file(key, path, "video/mp4")
        return key

    @rule(caller=callers, key=keys, as_whom=st.sampled_from([None, *CALLERS]))
    def analyse_a_key(self, caller: str, key: str, as_whom: str | None) -> None:
        body = {"action": "process_s3_file", "s3_key": key, "user_id": as_whom}
        status, answer = self.ask(caller, "POST", "/", body)
        own = key.split("/")[1] == name_user(caller)
        if not own or as_whom not in (None, caller):
            assert status == 403
        elif status == 200:
            assert self.owners.setdefault(answer["analysis_id"], caller) == caller

    @rule(caller=callers, owner=users, analysis_id=ids)
    def analyse_anothers_id_under_ones_own_name(
        self, caller: str, owner: str, analysis_id: str
    ) -> None:
        for name in (name_user(caller), name_user(owner)):
            key = f"users/{name}/eye/{analysis_id}/original"
            status, _ = self.ask(caller, "POST", "/", {"action": "process_s3_file", "s3_key": key})
            if self.owners.get(analysis_id) != caller:
                assert status in (403, 404)

    @rule(caller=callers, analysis_id=ids)
    def read(self, caller: str, analysis_id: str) -> None:
        status, answer = self.ask(caller, "GET", f"/status/{analysis_id}")
        owner = self.owners.get(analysis_id)
        if owner != caller and caller != CLINICIAN:
            nowhere = self.ask(caller, "GET", f"/status/{'f' * 32}")
            assert (status, answer) == nowhere
            assert status == 404

    @rule(target=tokens, caller=callers, whose=st.sampled_from([None, *CALLERS]))
    def list_analyses(self, caller: str, whose: str | None) -> str:
        query = {"limit": "1"} | ({} if whose is None else {"user_id": whose})
        status, answer = self.ask(caller, "GET", "/analyses", None, query)
        if caller != CLINICIAN and whose not in (None, caller):
            assert status == 403
            return ""
        assert status == 200
        for one in answer["analyses"]:
            assert self.owners[one["analysis_id"]] == (whose or caller)
        return answer["next"] or ""

    @rule(caller=callers, token=tokens)
    def go_on_with_anothers_list(self, caller: str, token: str) -> None:
        status, answer = self.ask(caller, "GET", "/analyses", None, {"next": token})
        assert status == 200
        for one in answer["analyses"]:
            assert self.owners[one["analysis_id"]] == caller

    @rule(caller=callers, analysis_id=ids)
    def delete(self, caller: str, analysis_id: str) -> None:
        assert self.ask(caller, "DELETE", f"/analyses/{analysis_id}") == (204, {})
        if self.owners.get(analysis_id) == caller:
            assert self.ask(caller, "GET", f"/status/{analysis_id}")[0] == 404

    @rule(caller=callers, whose=st.sampled_from([None, *CALLERS]))
    def delete_all(self, caller: str, whose: str | None) -> None:
        query = None if whose is None else {"user_id": whose}
        if whose not in (None, caller):
            listed = self.ask(caller, "GET", "/analyses")[1]["analyses"]
            assert self.ask(caller, "DELETE", "/users/me", None, query)[0] == 403
            assert self.ask(caller, "GET", "/analyses")[1]["analyses"] == listed
            return
        assert self.ask(caller, "DELETE", "/users/me", None, query)[0] == 200
        assert self.ask(caller, "GET", "/analyses")[1]["analyses"] == []
        assert not list((self.folder / "files").glob(f"*/{name_user(caller)}/**/original"))

    @rule(kind=st.sampled_from(sorted(FORGED)), analysis_id=ids)
    def forge_a_token(self, kind: str, analysis_id: str) -> None:
        before = self.snapshot("")
        try:
            authorizer = self.guard.identify(f"Bearer {FORGED[kind]()}")
        except UnauthorizedError:
            # What API Gateway does not let through; and if it came, it would have no subject.
            authorizer = {}
        assert authorizer == {}
        for method, path in (("GET", f"/status/{analysis_id}"), ("DELETE", "/users/me")):
            event = {
                "httpMethod": method,
                "path": path,
                "requestContext": {"authorizer": authorizer},
            }
            assert self.api.handle(event, LocalContext(30))["statusCode"] == 401
        assert self.snapshot("") == before

    @rule(caller=users, claims=st.sampled_from([{"sub": CLINICIAN}, {"groups": "clinician"}]))
    def say_in_the_body_who_one_is(self, caller: str, claims: dict[str, str]) -> None:
        """The claims come from the authorizer alone."""
        body = {**claims, "action": "create_upload", "authorizer": {"claims": claims}}
        status, answer = self.ask(caller, "POST", "/uploads", body)
        assert status == 200
        self.owners[answer["analysis_id"]] = caller
        assert answer["upload"]["fields"]["key"].split("/")[1] == name_user(caller)

    @invariant()
    def the_log_names_nobody(self) -> None:
        log = self.log.getvalue()
        assert not any(one in log or json.dumps(one)[1:-1] in log for one in USERS)
        assert base64.b64encode(b"VIDEO").decode() not in log


@pytest.mark.slow
def test_no_order_of_requests_reaches_anothers_data() -> None:
    run_state_machine_as_test(
        Attack,
        settings=settings(
            max_examples=400 if LONG else 12,
            stateful_step_count=60 if LONG else 25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
