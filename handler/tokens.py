"""Check OpenID Connect tokens: signed by the issuer, made for this API, and not expired."""

import http.client
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import jwt

ALGORITHMS = ("RS256", "ES256")
"""The only algorithms that are accepted, whatever a token says about its own."""
MAX_TOKEN_CHARACTERS = 8192
MAX_DOCUMENT_BYTES = 2**20
FETCH_TIMEOUT_S = 5
KEYS_VALID_S = 6 * 3600.0
MIN_FETCH_INTERVAL_S = 60.0
"""Shortest time between two fetches of keys: made-up key ids must not cause one fetch each."""
LEEWAY_S = 30
"""By how much the clocks of the issuer and of this machine may differ."""


class TokenError(Exception):
    """The token is not valid. The message holds nothing of the token, so it can be logged."""


class KeysUnavailableError(Exception):
    """The issuer's public keys cannot be fetched."""


class TokenVerifier:
    """Checks tokens of one issuer for one audience. It keeps the issuer's public keys for 6 hours.

    Parameters
    ----------
    issuer : str
        Address of the issuer exactly as in the tokens, such as
        ``https://securetoken.google.com/PROJECT``.
    audience : str
        The name of this API in the tokens.
    fetch : callable, optional
        Takes a URL and returns the JSON document at it; raises `OSError` or `ValueError` if there
        is none. Default: `fetch_json`.

    Raises
    ------
    ValueError
        The audience is empty, or the issuer's address is neither https nor http on this machine.
    """

    def __init__(
        self, issuer: str, audience: str, fetch: Callable[[str], Any] | None = None
    ) -> None:
        _check_address(issuer)
        if not audience:
            raise ValueError("the audience is empty: a token for any other service would do")
        self._issuer = issuer
        self._audience = audience
        self._fetch = fetch or fetch_json
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_s = -KEYS_VALID_S

    def verify(self, token: str) -> dict[str, Any]:
        """Check a token and return its claims, what it says about its user.

        Parameters
        ----------
        token : str
            The token alone, without ``Bearer``.

        Returns
        -------
        dict
            All that the token says. ``sub`` (the user's id), ``exp`` (its end in Unix seconds),
            ``iss`` (the issuer) and ``aud`` (the audience, or a list with it) are always there.

        Raises
        ------
        TokenError
            The token is malformed or forged, expired over `LEEWAY_S` seconds ago, or is of another
            issuer or for another audience.
        KeysUnavailableError
            The keys that the token is checked with cannot be fetched.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise TokenError("too long")
        try:
            header = jwt.get_unverified_header(token)
            key = self._find_key(header.get("kid"))
            if header.get("alg") != key.algorithm_name:
                raise TokenError("another algorithm than the key's")
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenError(type(error).__name__) from None
        return claims

    def _find_key(self, key_id: Any) -> jwt.PyJWK:
        now_s = time.monotonic()
        age_s = now_s - self._fetched_s
        missing = not isinstance(key_id, str) or key_id not in self._keys
        if age_s >= KEYS_VALID_S or (missing and age_s >= MIN_FETCH_INTERVAL_S):
            self._fetched_s = now_s
            self._keys = self._fetch_keys()
        if not isinstance(key_id, str) or key_id not in self._keys:
            raise TokenError("unknown key")
        return self._keys[key_id]

    def _fetch_keys(self) -> dict[str, jwt.PyJWK]:
        try:
            about = self._fetch(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if about["issuer"] != self._issuer:
                raise ValueError("it calls itself otherwise")
            address = about["jwks_uri"]
            _check_address(address)
            listed = self._fetch(address)["keys"]
            keys = {}
            for one in listed:
                # The issuer uses its other keys for its own purposes.
                if one.get("use", "sig") == "sig" and one.get("kty") in ("RSA", "EC"):
                    key = jwt.PyJWK(one)
                    if key.algorithm_name in ALGORITHMS and key.key_id:
                        keys[key.key_id] = key
        except (
            *(OSError, http.client.HTTPException),  # no answer, or one that is cut off
            *(ValueError, TypeError, KeyError, AttributeError, jwt.PyJWTError),  # another document
        ) as error:
            self._fetched_s = time.monotonic() - KEYS_VALID_S + MIN_FETCH_INTERVAL_S
            raise KeysUnavailableError(type(error).__name__) from error
        return keys


def read_bearer(header: str) -> str:
    """Return the token in the value of an Authorization header, ``Bearer TOKEN``.

    Raises
    ------
    TokenError
        The header has no such token.
    """
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenError("no bearer token")
    return token.strip()


def fetch_json(address: str) -> Any:
    """Return the JSON document at an address.

    Raises
    ------
    OSError, http.client.HTTPException, ValueError, RecursionError
        Nothing comes for `FETCH_TIMEOUT_S` seconds; the answer has an error's status or is no HTTP;
        or it is no JSON of at most `MAX_DOCUMENT_BYTES`, or one that is nested too deeply.
    """
    with urllib.request.urlopen(address, timeout=FETCH_TIMEOUT_S) as answer:
        return json.loads(answer.read(MAX_DOCUMENT_BYTES))


def _check_address(address: str) -> None:
    parts = urllib.parse.urlsplit(address)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    if not parts.hostname or not (parts.scheme == "https" or local):
        raise ValueError(f"{address!r} is no https address")
