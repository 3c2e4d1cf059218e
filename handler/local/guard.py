"""Who may use the local server: this machine, whoever has its token, or the users of an issuer.

An issuer is a service that signs tokens which name their users (OpenID Connect).
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handler.errors import StorageUnavailableError, UnauthorizedError
from handler.identity import Access

if TYPE_CHECKING:
    from handler.tokens import TokenVerifier

MIN_TOKEN_CHARACTERS = 16


class Guard:
    """Checks the callers of the local server.

    Parameters
    ----------
    token : str, optional
        The server's own secret. Who sends it may read and change all data on the server. Empty:
        there is none.
    verifier : TokenVerifier, optional
        If it is given, callers need a token that it accepts, and each sees the data of the user
        whom the token names; see `handler.identity`. `token` then has no effect.

    Attributes
    ----------
    access : Access
        How the API identifies the callers: by the claims in their tokens if there is a `verifier`;
        otherwise, whoever is let in owns all data.
    is_open : bool
        True if there is neither `token` nor `verifier`: callers are not checked, so the server must
        answer this machine only.
    """

    def __init__(self, token: str = "", verifier: "TokenVerifier | None" = None) -> None:
        self._token = token
        self._verifier = verifier
        self._secret = secrets.token_bytes(32)
        self.access = Access("identity" if verifier else "local")
        self.is_open = not token and verifier is None

    def identify(self, header: str) -> Mapping[str, Any]:
        """Check a caller's token, and return what API Gateway's authorizer would say about it.

        Parameters
        ----------
        header : str
            The request's header ``Authorization``.

        Returns
        -------
        mapping
            With a `verifier`, ``claims``: all that the token says. Empty if the server has a secret
            of its own, which names nobody, or if it is open: only then nothing is checked.

        Raises
        ------
        UnauthorizedError
            The token is missing or wrong.
        StorageUnavailableError
            The issuer's keys, which the token is checked with, cannot be fetched.
        """
        if self.is_open:
            return {}
        from handler.tokens import KeysUnavailableError, TokenError, read_bearer

        try:
            token = read_bearer(header)
            if self._verifier is not None:
                return {"claims": self._verifier.verify(token)}
            if hmac.compare_digest(token.encode(), self._token.encode()):
                return {}
        except TokenError:
            pass
        except KeysUnavailableError as error:
            raise StorageUnavailableError(
                "issuer_unavailable", "The issuer of the tokens does not answer. Try again."
            ) from error
        owner = "issuer, valid and not over," if self._verifier else "server"
        raise UnauthorizedError(
            "unauthorized", f"Send a token of the {owner} as Authorization: Bearer TOKEN."
        )

    def sign(self, path: str, valid_s: int) -> str:
        """Return the query string, ``?...``, that makes an address valid for `valid_s` seconds.

        `path` is ``/reports/ID`` or ``/uploads/ID``: a browser opens these without a token, so the
        address itself must prove that this server gave it out. The query string is empty if callers
        are not checked. It is no longer valid once the server has been started again.
        """
        if self.is_open:
            return ""
        until = int(time.time()) + valid_s
        return f"?until={until}&signature={self._compute_signature(path, str(until))}"

    def check_signature(self, path: str, until: str, signature: str) -> None:
        """Check that `sign` made an address's query string, and that the address is still valid.

        `path` is the address' path, and `until` (Unix seconds) and `signature` are the values in
        its query as they came. If the server is open, nothing is checked.

        Raises
        ------
        UnauthorizedError
            The signature is wrong, or the address is no longer valid.
        """
        if self.is_open:
            return
        expected = self._compute_signature(path, until)
        good = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
        if not good or int(until) < time.time():
            raise UnauthorizedError(
                "unauthorized",
                "This address is over. Take a report's from GET /status, an upload's from POST "
                "/uploads.",
            )

    def _compute_signature(self, path: str, until: str) -> str:
        text = f"{path} {until}".encode("utf-8", "replace")
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()
