"""Entry point of a function without the models: health, status, lists, uploads and deletions.

Polling neither waits for the models to load nor takes the place of an analysis.
"""

from typing import Any

from aws_lambda_powertools import Logger

from handler.api import Api, Context
from handler.aws import AwsStorage, read_environment
from handler.service import Service

_ENVIRONMENT = read_environment()
_API = Api(
    Service(AwsStorage(_ENVIRONMENT), engine=None),
    _ENVIRONMENT.bucket,
    _ENVIRONMENT.access,
    Logger(service="eye-tracking"),
)


def lambda_handler(event: Any, context: Context) -> dict[str, Any]:
    """Answer an event; see `handler.api.Api.handle`."""
    return _API.handle(event, context)
