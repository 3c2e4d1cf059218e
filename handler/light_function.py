"""Entry point of a second Lambda function, for every HTTP call but those that analyse a file.

It answers calls for health, the API's description, status, lists, uploads and deletions, and does
not load the models. So a client that polls the status need not wait for them, and does not occupy
an instance of the function that analyses (`handler.lambda_function`).
"""

from typing import Any

from aws_lambda_powertools import Logger

from handler.api import Api, Context
from handler.aws import AwsStorage
from handler.environment import read_environment
from handler.service import Service

_ENVIRONMENT = read_environment()
_API = Api(
    Service(AwsStorage(_ENVIRONMENT), engine=None),
    _ENVIRONMENT.bucket,
    _ENVIRONMENT.access,
    Logger(service="eye-tracking"),
)


def lambda_handler(event: Any, context: Context) -> dict[str, Any]:
    """Answer an HTTP call as `handler.api.Api.handle` does.

    If the call asks to analyse a file, the answer's status is 404.
    """
    return _API.handle(event, context)
