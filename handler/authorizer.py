"""Entry point of the function that API Gateway calls to check the token of a caller.

API Gateway's REST APIs can check only Cognito's tokens themselves. This function checks the tokens
of any other OpenID Connect issuer.
"""

import os
from typing import Any

from handler.identity import CLINICIANS, list_groups
from handler.tokens import TokenError, TokenVerifier, read_bearer

_VERIFIER = TokenVerifier(os.environ["JWT_ISSUER"], os.environ["JWT_AUDIENCE"])


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the policy that lets a caller with a valid token call every path of this API stage.

    API Gateway reuses the policy for some minutes, so it must not depend on the path of one call.
    Its ``context`` holds what `handler.identity` reads: the user id, whether the caller is a
    clinician, and when the token ends.

    Parameters
    ----------
    event : dict
        The event of an API Gateway authorizer of the type TOKEN: ``authorizationToken`` is the
        header ``Bearer TOKEN``, and ``methodArn`` names the stage and the path that is called.

    Raises
    ------
    Exception
        The token is not valid. API Gateway turns the text "Unauthorized" into status 401.
    KeysUnavailableError
        The issuer's keys cannot be fetched. This gives no status 401.
    """
    try:
        claims = _VERIFIER.verify(read_bearer(str(event.get("authorizationToken", ""))))
    except TokenError:
        raise Exception("Unauthorized") from None
    stage = "/".join(event["methodArn"].split("/")[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{stage}/*"}
    return {
        # API Gateway's own log may hold this value, so it names nobody.
        "principalId": "caller",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {
            "sub": claims["sub"],
            "groups": CLINICIANS if CLINICIANS in list_groups(claims) else "",
            "exp": str(int(claims["exp"])),
        },
    }
