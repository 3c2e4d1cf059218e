"""What tests ask an API in their own process is checked against its description."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from handler.api import Api
from handler.events import HttpCall
from tests.handler.described import check_exchange
from tests.lengths import LONG

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile(
    "any_speed",
    deadline=None,
    max_examples=100 if LONG else 50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any_speed")


@pytest.fixture(autouse=True)
def described(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the exchanges of `handler.api.Api`."""
    answer_http = Api._answer_http

    def answer_and_check(api: Api, call: HttpCall, *arguments: Any) -> dict[str, Any]:
        answer = answer_http(api, call, *arguments)
        body = answer["body"]
        is_json = bool(body) and answer["headers"]["Content-Type"] == "application/json"
        document = json.loads(body) if is_json else None
        sent = call.body
        check_exchange(call.method, call.path, call.query, sent, answer["statusCode"], document)
        return answer

    monkeypatch.setattr(Api, "_answer_http", answer_and_check)
