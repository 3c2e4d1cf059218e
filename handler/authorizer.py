"""Entry point of the function that API Gateway asks who a caller is, where it cannot tell itself.

A REST API only knows Cognito's tokens; this checks those of any other OpenID Connect issuer.
"""

import os
from typing import Any

from handler.identity import CLINICIANS, list_groups
from handler.tokens import TokenError, TokenVerifier, read_bearer

_VERIFIER = TokenVerifier(os.environ["JWT_ISSUER"], os.environ["JWT_AUDIENCE"])


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return what the caller may call: all of this stage. API Gateway keeps the answer a while.

    Parameters
    ----------
    event : dict
        Of an authorizer of the type TOKEN: ``authorizationToken`` and ``methodArn``.

    Raises
    ------
    Exception
        With the text "Unauthorized", which API Gateway answers with 401.
    """
    try:
        claims = _VERIFIER.verify(read_bearer(str(event.get("authorizationToken", ""))))
    except TokenError:
        raise Exception("Unauthorized") from None
    stage = "/".join(event["methodArn"].split("/")[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{stage}/*"}
    return {
        # API Gateway's own log may hold it, and must name nobody.
        "principalId": "caller",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {
            "sub": claims["sub"],
            "groups": CLINICIANS if CLINICIANS in list_groups(claims) else "",
            "exp": str(int(claims["exp"])),
        },
    }
