"""Who sent a request, and what that caller may do.

No token is checked here. Where callers are identified by tokens, API Gateway's authorizer or the
local server has checked the token before a request comes here, and says whose it is.
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
        What kind of caller it is. A "user" or a "clinician" was named by an authorizer, and a
        clinician may also read what belongs to others. "anyone": callers are not identified.
        "local": who can use the local server, and owns all its data. "operator": who calls the
        function without HTTP, with rights in the AWS account.
    user_id : str or None
        The user id that the authorizer gave; None for the other three roles.
    own_prefix : str
        What the keys of the files that apps store for a user begin with, such as
        ``users/{user_id}/``: ``{user_id}`` stands for the user, as `name_user` writes it in keys.
    """

    role: Role
    user_id: str | None = None
    own_prefix: str = OWN_PREFIX

    @property
    def is_known(self) -> bool:
        """Whether an authorizer has said who the caller is: a "user" or a "clinician"."""
        return self.role in ("user", "clinician")

    def take_user_id(self, given: Any) -> str | None:
        """Return the user who will own the files of a request.

        Of a caller whom an authorizer named, a clinician too, it is always the caller. Of any other
        caller it is `given`; None if that is empty: nobody in particular.

        Parameters
        ----------
        given : object
            `user_id` of the request; None or "" if it has none.

        Raises
        ------
        BadRequestError
            `given` is not a user id.
        ForbiddenError
            An authorizer named the caller, and `given` is another user's id.
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
        """Return the user whose analyses to list: `given`, or the caller if that is None or "".

        `given` is the `user_id` of the request. A "user" may give only their own, a "clinician"
        anybody's. A "local" caller or an "operator" must give one, because they have no id.

        Raises
        ------
        BadRequestError
            `given` is not a user id, or is missing though the caller has none.
        ForbiddenError
            The caller may not list this user's analyses. The role "anyone" may list nobody's.
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
        """Return the user whose data to delete: the caller, or `given` if the caller has no id.

        `given` is the `user_id` of the request. A caller with an id, a clinician too, may leave it
        out (None or ""), or give their own. A "local" caller or an "operator" must give one.

        Raises
        ------
        BadRequestError
            `given` is not a user id, or is missing though the caller has none.
        ForbiddenError
            The caller has an id, and `given` is another user's. Or the role is "anyone": where
            callers are not identified, nobody may delete a user's data.
        """
        if self.role == "anyone":
            raise ForbiddenError("needs_identity", "Callers are not known here.")
        # Whoever names somebody else does not mean their own data: nothing is deleted.
        user_id = self.take_user_id(given)
        return check_user_id(given) if user_id is None else user_id

    def may_read(self, owner: str) -> bool:
        """Return whether the caller may read the analyses that belong to the user `owner`.

        Every caller may, except a "user", who may read only their own. (The role "anyone" must
        know an analysis' id to reach it.)
        """
        return self.role != "user" or owner == self.user_id

    def may_change(self, owner: str) -> bool:
        """Return whether the caller may delete the analyses that belong to the user `owner`.

        A "user" or a "clinician" may delete only their own. The other roles, "anyone" too, may
        delete any.
        """
        return not self.is_known or owner == self.user_id

    def list_own_prefixes(self, user_id: str) -> tuple[str, ...]:
        """Return the one or two texts that the keys of a user's own files begin with.

        The first is for uploads and results, such as ``users/ann/``. The second is `own_prefix` of
        this user, for files that apps store; it is left out if both are the same.
        """
        name = name_user(user_id)
        prefixes = (
            template.replace("{user_id}", name) for template in (OWN_PREFIX, self.own_prefix)
        )
        return tuple(dict.fromkeys(prefixes))

    def check_own_key(self, key: str, user_id: str | None) -> None:
        """Check by its key alone that a stored file may be analysed for this caller.

        `user_id` is the user who will own the results, from `take_user_id`; the file must be one of
        this user's own (see `list_own_prefixes`). None: nobody in particular. An operator may then
        analyse any file whose key does not begin with ``users/``; nobody else may analyse any.

        Raises
        ------
        ForbiddenError
            The file may not be analysed. The role "anyone" may analyse no stored file.
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
    """How the API identifies its callers, and where their own files are.

    Attributes
    ----------
    mode : {"identity", "open", "local"}
        "identity": an authorizer names each caller. "open": callers are not identified. "local":
        whoever can use the local server may read and change all its data.
    own_prefix : str
        What the keys of the files that apps store for a user begin with: see `Caller`.
    """

    mode: Mode = "identity"
    own_prefix: str = OWN_PREFIX

    @property
    def operator(self) -> Caller:
        """The caller to assume for a direct invocation or a queue message, whatever the `mode`.

        Its role is "operator". No token is checked: only somebody with rights in the AWS account
        can send these.
        """
        return Caller("operator", None, self.own_prefix)

    def identify(self, authorizer: Mapping[str, Any], now_s: float) -> Caller:
        """Return who sent an HTTP request.

        With the mode "open" it is always "anyone", and with "local" always "local", whatever the
        arguments are.

        Parameters
        ----------
        authorizer : mapping
            `requestContext.authorizer` of the event; empty if no authorizer checked the caller.
        now_s : float
            Unix time now. It is compared with the end of the token (``exp``, if that is a Unix
            time), because API Gateway reuses an authorizer's answer for some minutes.

        Raises
        ------
        UnauthorizedError
            The authorizer named no user, or one who can own nothing here: the user `ANONYMOUS`, or
            a text that is no user id. Or the token has expired.
        """
        if self.mode != "identity":
            return Caller("anyone" if self.mode == "open" else "local", None, self.own_prefix)
        claims = _find_claims(authorizer)
        subject = claims.get("sub")
        if subject is None or subject == "":
            raise UnauthorizedError(
                "unauthorized", "Sign in: send a valid token as Authorization: Bearer TOKEN."
            )
        try:
            user_id = check_user_id(subject)
        except BadRequestError as error:
            raise UnauthorizedError(
                "unauthorized", f"The token's subject cannot be a user here: {error.message}."
            ) from None
        expires = str(claims.get("exp", ""))
        # Cognito's authorizer writes a date here. It is not compared, because API Gateway does
        # not reuse this authorizer's answers.
        expired = expires.isdigit() and int(expires[:12]) <= now_s
        if expired:
            raise UnauthorizedError("unauthorized", "The token is over. Sign in again.")
        if user_id == ANONYMOUS:
            # What callers without a user id have made is stored as this user's.
            raise UnauthorizedError(
                "unauthorized",
                f"The token's subject cannot be a user here: {ANONYMOUS}. Sign in as another user.",
            )
        role: Role = "clinician" if CLINICIANS in list_groups(claims) else "user"
        return Caller(role, user_id, self.own_prefix)


def _find_claims(authorizer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the token's claims, such as ``sub``, out of what an authorizer said.

    `authorizer` is that of `Access.identify`. Where the claims are in it depends on the kind of API
    and of authorizer. If they are in none of these places, `authorizer` itself is returned.
    """
    for path in (("claims",), ("jwt", "claims"), ("lambda",)):
        found: Any = authorizer
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping):
            return found
    return authorizer


def list_groups(claims: Mapping[str, Any]) -> set[str]:
    """Return the groups of a caller that the token's claims `GROUP_CLAIMS` name.

    Each of these claims holds a list, or a text like ``a,b`` or ``[a b]``. Without any of them, or
    if they are empty, the set is empty.
    """
    groups: set[str] = set()
    for name in GROUP_CLAIMS:
        value = claims.get(name)
        if isinstance(value, list):
            groups.update(one for one in value if isinstance(one, str))
        elif isinstance(value, str):
            groups.update(re.split(r"[\s,]+", value.strip("[] ")))
    return groups - {""}
