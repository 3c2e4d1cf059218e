"""Entry point of the Lambda function that sends the webhook (see `handler.webhook`).

It loads neither models nor NumPy.
"""

from typing import Any

from aws_lambda_powertools import Logger

from handler.aws import AwsWebhookQueue
from handler.environment import read_webhook_environment
from handler.webhook import Webhook

_ENVIRONMENT = read_webhook_environment()
_WEBHOOK = Webhook(_ENVIRONMENT.url, AwsWebhookQueue(_ENVIRONMENT), Logger(service="eye-tracking"))


def lambda_handler(event: Any, _context: object) -> dict[str, Any]:
    """Handle a batch of database writes or queued events; see `handler.webhook.Webhook.handle`."""
    return _WEBHOOK.handle(event)
