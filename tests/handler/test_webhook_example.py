"""The code in docs/api.md that checks a webhook's signature: it takes what is genuine, only."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.handler.webhook_world import SECRET, naive_sign

GUIDE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
SECTION = GUIDE.split("\n## Webhook\n")[1].split("\n## ")[0]
Check = Callable[[dict[str, str], str, str], bool]
PAGE = "https://receiver.example/"
BODY = '{"type": "analysis.completed", "data": {"analysis_id": "눈"}}'


def read_code(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)
    return str(code)


def load_python() -> Check:
    names: dict[str, Any] = {}
    exec(compile(read_code("python"), "api.md", "exec"), names)

    def check(headers: dict[str, str], body: str, secret: str) -> bool:
        try:
            return bool(names["is_genuine"](headers, body.encode(), secret))
        except Exception:
            return False

    return check


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Iterator[Check]:
    if request.param == "python":
        yield load_python()
        return
    browser: Browser = request.getfixturevalue("plain_browser")
    page = browser.new_page()
    # Web Crypto is there on https pages only.
    page.route(PAGE, lambda route: route.fulfill(body="", content_type="text/html"))
    page.goto(PAGE)
    code = read_code("js").replace("export async function", "async function")
    script = (
        f"async ([headers, body, secret]) => {{ {code}; return isGenuine(headers, body, secret) }}"
    )

    def ask(headers: dict[str, str], body: str, secret: str) -> bool:
        caught = f"(given) => ({script})(given).catch(() => false)"
        return bool(page.evaluate(caught, [headers, body, secret]))

    yield ask
    page.close()


LANGUAGES = pytest.mark.parametrize(
    "check", ["python", pytest.param("js", marks=pytest.mark.browser)], indirect=True
)


def make_headers(sent_at_s: float, event_id: str = "msg_1") -> dict[str, str]:
    sent_at = str(int(sent_at_s))
    return {
        "webhook-id": event_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": naive_sign(SECRET, event_id, sent_at, BODY.encode()),
    }


@LANGUAGES
def test_what_is_genuine_is_taken(check: Check) -> None:
    now_s = time.time()
    for sent_at_s in (now_s, now_s - 280, now_s + 280):
        assert check(make_headers(sent_at_s), BODY, SECRET)
    headers = make_headers(now_s)
    other = naive_sign(SECRET[::-1], "msg_1", headers["webhook-timestamp"], BODY.encode())
    headers["webhook-signature"] = f"v1a,AAAA {other} {headers['webhook-signature']}"
    assert check(headers, BODY, SECRET)


@LANGUAGES
def test_anything_else_is_not(check: Check) -> None:
    now_s = time.time()
    good = make_headers(now_s)
    signature = good["webhook-signature"]
    assert not check(good, BODY + " ", SECRET)
    assert not check(good, BODY, SECRET[::-1])
    for sent_at_s in (now_s - 400, now_s + 400):
        assert not check(make_headers(sent_at_s), BODY, SECRET)
    for change in (
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": str(int(now_s) - 1)},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": signature.replace("v1,", "v2,")},
        {"webhook-signature": signature[:-6] + "AAAAA="},
    ):
        assert not check(good | change, BODY, SECRET), change
    for name in good:
        assert not check({k: v for k, v in good.items() if k != name}, BODY, SECRET), name
