"""The Lambda function's entry point. It loads models and clients once, in Lambda's init phase."""

from typing import Any

from aws_lambda_powertools import Logger

from handler.api import Api, Context
from handler.aws import AwsStorage
from handler.engine import Engine
from handler.environment import read_environment
from handler.metrics import publish
from handler.service import Service
from handler.temporary import remove_leftovers

_ENVIRONMENT = read_environment()
if _ENVIRONMENT.in_lambda:
    # Elsewhere, other processes may be using the system's temporary folder.
    remove_leftovers()
_SERVICE = Service(
    AwsStorage(_ENVIRONMENT),
    Engine(),
    _ENVIRONMENT.cpu_share,
    publish,
    retention_days=_ENVIRONMENT.retention_days,
)
_API = Api(_SERVICE, _ENVIRONMENT.bucket, _ENVIRONMENT.access, Logger(service="eye-tracking"))


def lambda_handler(event: Any, context: Context) -> dict[str, Any]:
    """Answer an HTTP call, a direct invocation, a notification of S3, or a batch of the queue.

    See `handler.api.Api.handle` for the answers.
    """
    return _API.handle(event, context)
