"""Who asks, as an authorizer in front of the API found out, and what that caller may do.

The handler itself checks no token: API Gateway, or the local server, does that before it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from handler.errors import BadRequestError, ForbiddenError, UnauthorizedError
from handler.keys import ANONYMOUS, OWN_PREFIX, check_user_id, name_user

Mode = Literal["identity", "open", "local"]
"""How callers are known. ``identity``: an authorizer names them, and nobody else gets an answer.
``open``: they are not known, and only who knows an analysis' id reaches it. ``local``: whoever
reaches this machine's server owns all that is on it."""
MODES: tuple[Mode, ...] = ("identity", "open", "local")

Role = Literal["user", "clinician", "anyone", "local", "operator"]
"""``operator`` invokes the function directly or sends messages to its queue, which takes AWS'
permission; the others come over HTTP."""

CLINICIANS = "clinician"
"""Group whose members may read and list every user's analyses."""
GROUP_CLAIMS = ("cognito:groups", "groups")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request.

    Attributes
    ----------
    role : str
    user_id : str or None
        Whom the authorizer named; None if there is none.
    own_prefix : str
        Prefix of the keys of a user's own files, with ``{user_id}`` in it.
    """

    role: Role
    user_id: str | None = None
    own_prefix: str = OWN_PREFIX

    @property
    def is_known(self) -> bool:
        """Whether an authorizer named the caller."""
        return self.role in ("user", "clinician")

    def take_user_id(self, given: Any) -> str | None:
        """Return whose files a request is about to make.

        Parameters
        ----------
        given : object
            `user_id` of the request. A caller who is known can only name themself.

        Raises
        ------
        BadRequestError, ForbiddenError
        """
        user_id = None if given is None or given == "" else check_user_id(given)
        if not self.is_known:
            return user_id
        if user_id not in (None, self.user_id):
            raise ForbiddenError(
                "foreign_user", "user_id is not yours. Leave it out: the token says who you are."
            )
        return self.user_id

    def choose_listed(self, given: Any) -> str:
        """Return whose analyses the caller may list.

        Raises
        ------
        BadRequestError, ForbiddenError
        """
        if self.role == "anyone":
            raise ForbiddenError("needs_identity", "Lists are off where callers are not known.")
        if not self.is_known:
            return check_user_id(given)
        if self.role == "clinician" and given not in (None, ""):
            return check_user_id(given)
        user_id = self.take_user_id(given)
        assert user_id is not None
        return user_id

    def choose_forgotten(self, given: Any) -> str:
        """Return whose data the caller may delete altogether: the caller's own.

        Raises
        ------
        BadRequestError, ForbiddenError
        """
        if self.role == "anyone":
            raise ForbiddenError("needs_identity", "Callers are not known here.")
        return check_user_id(given) if self.user_id is None else self.user_id

    def may_read(self, owner: str) -> bool:
        """Whether the caller may read the analyses of this user."""
        return self.role != "user" or owner == self.user_id

    def may_change(self, owner: str) -> bool:
        """Whether the caller may continue or delete the analyses of this user."""
        return not self.is_known or owner == self.user_id

    def list_own_prefixes(self, user_id: str) -> tuple[str, ...]:
        """Return the prefixes of a user's own files: of the results, and of what apps store."""
        name = name_user(user_id)
        prefixes = (
            template.replace("{user_id}", name) for template in (OWN_PREFIX, self.own_prefix)
        )
        return tuple(dict.fromkeys(prefixes))

    def check_own_key(self, key: str, user_id: str | None) -> None:
        """Check that a file of the bucket may be analysed for this caller. No file is looked for.

        Raises
        ------
        ForbiddenError
            The key lies outside of the user's own files; or nobody knows whose they are.
        """
        if self.role == "anyone":
            raise ForbiddenError(
                "needs_identity", "Files of the bucket are not analysed for unknown callers."
            )
        if self.role == "operator" and user_id is None:
            own = not key.startswith(OWN_PREFIX.partition("{")[0])
        else:
            own = user_id is not None and key.startswith(self.list_own_prefixes(user_id))
        if not own:
            raise ForbiddenError("foreign_key", "s3_key lies outside of this user's files.")


@dataclass(frozen=True, slots=True)
class Access:
    """How callers are known, and where their own files are.

    Attributes
    ----------
    mode : {"identity", "open", "local"}
    own_prefix : str
        See `Caller`.
    """

    mode: Mode = "identity"
    own_prefix: str = OWN_PREFIX

    @property
    def operator(self) -> Caller:
        """Whoever may invoke the function itself."""
        return Caller("operator", None, self.own_prefix)

    def identify(self, authorizer: Mapping[str, Any], now_s: float) -> Caller:
        """Return who sent an HTTP request.

        Parameters
        ----------
        authorizer : mapping
            `requestContext.authorizer` of the event; empty if nobody checked.
        now_s : float
            Unix time. API Gateway keeps an authorizer's answer for minutes, and the token in it may
            be over by now.

        Raises
        ------
        UnauthorizedError
        """
        if self.mode != "identity":
            return Caller("anyone" if self.mode == "open" else "local", None, self.own_prefix)
        claims = _find_claims(authorizer)
        subject = claims.get("sub")
        try:
            user_id = check_user_id(subject)
        except BadRequestError:
            raise UnauthorizedError(
                "unauthorized", "Sign in: send a valid token as Authorization: Bearer TOKEN."
            ) from None
        expires = str(claims.get("exp", ""))
        # Cognito's authorizer writes a date here; API Gateway does not keep its answers.
        expired = expires.isdigit() and int(expires[:12]) <= now_s
        if expired or user_id == ANONYMOUS:
            raise UnauthorizedError("unauthorized", "The token is over. Sign in again.")
        role: Role = "clinician" if CLINICIANS in list_groups(claims) else "user"
        return Caller(role, user_id, self.own_prefix)


def _find_claims(authorizer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the claims, wherever the kind of API and authorizer puts them."""
    for path in (("claims",), ("jwt", "claims"), ("lambda",)):
        found: Any = authorizer
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping):
            return found
    return authorizer


def list_groups(claims: Mapping[str, Any]) -> set[str]:
    """Return a caller's groups. They come as a list, as ``a,b``, or as ``[a b]``."""
    groups: set[str] = set()
    for name in GROUP_CLAIMS:
        value = claims.get(name)
        if isinstance(value, list):
            groups.update(one for one in value if isinstance(one, str))
        elif isinstance(value, str):
            groups.update(re.split(r"[\s,]+", value.strip("[] ")))
    return groups
