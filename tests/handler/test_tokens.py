"""Tokens: only the issuer's own, for this API, not over; by fixed algorithms and kept keys."""

import base64
import importlib
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from handler import tokens
from handler.identity import Access
from handler.tokens import KeysUnavailableError, TokenError, TokenVerifier, read_bearer

ISSUER = "https://issuer.example"
KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def jwk_of(key: Any, key_id: str, algorithm: str) -> dict[str, Any]:
    kind = jwt.algorithms.RSAAlgorithm if algorithm == "RS256" else jwt.algorithms.ECAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": key_id, "alg": algorithm}


class Issuer:
    """Answers what an issuer answers, and counts how often it is asked."""

    def __init__(self) -> None:
        self.keys = [jwk_of(KEY, "k1", "RS256"), jwk_of(EC_KEY, "k2", "ES256")]
        self.about = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        self.asked: list[str] = []

    def fetch(self, address: str) -> Any:
        self.asked.append(address)
        if address.endswith("/.well-known/openid-configuration"):
            return self.about
        return {"keys": self.keys}


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def verifier(issuer: Issuer) -> TokenVerifier:
    return TokenVerifier(ISSUER, "app", issuer.fetch)


def claims(**changes: Any) -> dict[str, Any]:
    now_s = int(time.time())
    found = {"iss": ISSUER, "aud": "app", "sub": "u1", "iat": now_s, "exp": now_s + 600, **changes}
    return {name: value for name, value in found.items() if value is not None}


def sign(key: Any = KEY, key_id: str = "k1", algorithm: str = "RS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, {"kid": key_id})


def unsigned(header: dict[str, Any], body: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(body).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts)


def test_valid_tokens(verifier: TokenVerifier) -> None:
    assert verifier.verify(sign())["sub"] == "u1"
    assert verifier.verify(sign(EC_KEY, "k2", "ES256", aud=["x", "app"]))["sub"] == "u1"


PUBLIC_PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def make_hmac_token() -> str:
    """Return a token that is signed with the public key as if it were a shared secret."""
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    unsigned_part = unsigned({"alg": "HS256", "kid": "k1"}, claims()).rpartition(".")[0]
    signature = algorithm.sign(unsigned_part.encode(), PUBLIC_PEM)
    return f"{unsigned_part}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def swap_body(token: str, body: dict[str, Any]) -> str:
    """Return a token with another body under the same signature."""
    header, old, signature = token.split(".")
    new = unsigned({}, body).split(".")[1]
    assert new != old
    return f"{header}.{new}.{signature}"


FORGED: dict[str, Callable[[], str]] = {
    "over": lambda: sign(exp=int(time.time()) - 60),
    "not yet": lambda: sign(nbf=int(time.time()) + 600),
    "never over": lambda: sign(exp=None),
    "another issuer's": lambda: sign(iss="https://other.example"),
    "no issuer": lambda: sign(iss=None),
    "for another service": lambda: sign(aud="other"),
    "for nobody": lambda: sign(aud=None),
    "of nobody": lambda: sign(sub=None),
    "with another key": lambda: sign(OTHER_KEY),
    "with an unknown key": lambda: sign(OTHER_KEY, "k9"),
    "without a key id": lambda: jwt.encode(claims(), KEY, "RS256"),
    "alg none": lambda: unsigned({"alg": "none", "kid": "k1"}, claims()),
    "alg None": lambda: unsigned({"alg": "None", "kid": "k1"}, claims(), b"x"),
    "alg HS256 with the public key": make_hmac_token,
    "alg of another size": lambda: sign(algorithm="RS512"),
    "alg of the other key": lambda: unsigned({"alg": "ES256", "kid": "k1"}, claims(), b"x" * 64),
    "a key of its own": lambda: jwt.encode(
        claims(), OTHER_KEY, "RS256", {"kid": "k1", "jwk": jwk_of(OTHER_KEY, "k1", "RS256")}
    ),
    "a place for keys of its own": lambda: jwt.encode(
        claims(), OTHER_KEY, "RS256", {"kid": "k1", "jku": "https://evil.example/keys"}
    ),
    "cut": lambda: sign()[:-10],
    "changed": lambda: swap_body(sign(), claims(sub="u2")),
    "empty": lambda: "",
    "text": lambda: "a.b.c",
    "dots": lambda: "..",
    "long": lambda: "a" * 100_000,
    "deep": lambda: unsigned({"alg": "RS256", "kid": {"a": [[[[]]]]}}, claims()),
    "a list": lambda: ".".join(base64.urlsafe_b64encode(b"[]").decode() for _ in range(3)),
    "surrogate": lambda: "\ud800.a.b",
}


@pytest.mark.parametrize("kind", FORGED)
def test_forged_tokens(verifier: TokenVerifier, issuer: Issuer, kind: str) -> None:
    with pytest.raises(TokenError):
        verifier.verify(FORGED[kind]())
    assert all(one.startswith(ISSUER) for one in issuer.asked)


def test_keys_are_kept_and_made_up_ids_do_not_have_the_issuer_asked(
    verifier: TokenVerifier, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        verifier.verify(sign())
    assert len(issuer.asked) == 2
    for number in range(50):
        with pytest.raises(TokenError):
            verifier.verify(sign(OTHER_KEY, f"made-up-{number}"))
    assert len(issuer.asked) == 2
    # A new key of the issuer's is found after a minute; a withdrawn one is no longer taken.
    issuer.keys = [jwk_of(OTHER_KEY, "k3", "RS256")]
    later_s = time.monotonic() + 61
    monkeypatch.setattr(tokens.time, "monotonic", lambda: later_s)
    assert verifier.verify(sign(OTHER_KEY, "k3"))["sub"] == "u1"
    with pytest.raises(TokenError):
        verifier.verify(sign())


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://other.example", "jwks_uri": f"{ISSUER}/keys"},
        {"issuer": ISSUER, "jwks_uri": "http://issuer.example/keys"},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        {"issuer": ISSUER},
        [],
        None,
    ],
)
def test_an_issuer_that_answers_something_else_has_no_keys(about: Any, issuer: Issuer) -> None:
    issuer.about = about
    with pytest.raises(KeysUnavailableError):
        TokenVerifier(ISSUER, "app", issuer.fetch).verify(sign())


def test_shared_secrets_among_the_keys_are_no_keys(issuer: Issuer) -> None:
    secret = base64.urlsafe_b64encode(b"s" * 32).decode()
    issuer.keys = [{"kty": "oct", "kid": "k1", "alg": "HS256", "k": secret}]
    token = jwt.encode(claims(), b"s" * 32, "HS256", {"kid": "k1"})
    with pytest.raises(TokenError):
        TokenVerifier(ISSUER, "app", issuer.fetch).verify(token)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{",
        b"HTTP/1.1 200 OK\r\n\r\nno JSON",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_issuer_whose_answer_is_damaged_has_no_keys(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reply() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        verifier = TokenVerifier(f"http://127.0.0.1:{server.getsockname()[1]}", "app")
        with pytest.raises(KeysUnavailableError):
            verifier.verify(sign())
        thread.join()


@pytest.mark.parametrize("address", ["http://issuer.example", "issuer.example", "", "file:///x"])
def test_an_issuer_needs_https(address: str) -> None:
    with pytest.raises(ValueError, match="https"):
        TokenVerifier(address, "app")
    with pytest.raises(ValueError, match="audience"):
        TokenVerifier(ISSUER, "")


def test_bearer() -> None:
    assert read_bearer("Bearer a.b.c") == read_bearer("bearer  a.b.c ") == "a.b.c"
    for header in ("", "Bearer", "Bearer ", "Basic a.b.c", "a.b.c"):
        with pytest.raises(TokenError):
            read_bearer(header)


# The function that API Gateway asks

ARN = "arn:aws:execute-api:ap-northeast-2:123456789012:abc123/dev/GET/status/0123"


@pytest.fixture
def authorizer(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("JWT_ISSUER", ISSUER)
    monkeypatch.setenv("JWT_AUDIENCE", "app")
    monkeypatch.setattr(tokens, "fetch_json", issuer.fetch)
    return importlib.reload(importlib.import_module("handler.authorizer"))


def test_the_authorizer_says_who_the_caller_is(authorizer: Any) -> None:
    token = sign(groups=["nurses", "clinician"], email="a@b.org")
    event = {"authorizationToken": f"Bearer {token}", "methodArn": ARN}
    answer = authorizer.lambda_handler(event, None)
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    # API Gateway keeps the answer for the token, whatever method it is sent to next.
    assert statement["Resource"] == ARN.replace("GET/status/0123", "*")
    assert answer["context"].keys() == {"sub", "groups", "exp"}
    assert all(isinstance(value, str) for value in answer["context"].values())
    assert "u1" not in answer["principalId"]
    caller = Access().identify(answer["context"], time.time())
    assert (caller.role, caller.user_id) == ("clinician", "u1")
    # A group's name cannot pass for two.
    event["authorizationToken"] = f"Bearer {sign(groups=['a,clinician'])}"
    answer = authorizer.lambda_handler(event, None)
    assert Access().identify(answer["context"], time.time()).role == "user"


def test_the_authorizer_refuses(authorizer: Any) -> None:
    for make in FORGED.values():
        event = {"authorizationToken": f"Bearer {make()}", "methodArn": ARN}
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorizer.lambda_handler(event, None)
    for event in ({"methodArn": ARN}, {"authorizationToken": sign(), "methodArn": ARN}):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorizer.lambda_handler(event, None)
