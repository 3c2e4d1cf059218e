"""The settings of the deployed functions, from their environment variables.

`handler.authorizer` alone reads the two variables that it needs itself."""

import os
from dataclasses import dataclass

from handler.identity import Access, Mode
from handler.keys import OWN_PREFIX

LAMBDA_MB_PER_CORE = 1769
"""Memory at which a Lambda function gets one whole core."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The settings in the function's environment variables, whose names are given below.

    Attributes
    ----------
    bucket, table : str
        Names of the S3 bucket (``S3_BUCKET``) and of the DynamoDB table (``DYNAMODB_TABLE``).
    queue_url : str
        ``QUEUE_URL``: address of the SQS queue of analyses that nobody waits for. If empty, nothing
        is queued and the caller waits.
    fan_out_arn : str
        ``FAN_OUT_ARN``: the state machine that divides a long recording among many workers. If
        empty, one invocation analyses each recording.
    fan_out_workers : int
        ``FAN_OUT_WORKERS``: how many segments are tracked at the same time; 1 if not set.
    cpu_share : float
        Share of one core that Lambda gives this function, above 0 and at most 1, computed from
        ``AWS_LAMBDA_FUNCTION_MEMORY_SIZE``; 1 if not set.
    access : Access
        How callers are identified: ``ACCESS`` (``open``; anything else is ``identity``). Where
        their own files are: ``OWN_PREFIX``.
    retention_days : int
        ``RETENTION_DAYS``: how many days a record is kept; 0, also if not set: for ever.
    in_lambda : bool
        Whether Lambda runs this process, which then has the temporary folder to itself.
    """

    bucket: str
    table: str
    queue_url: str
    fan_out_arn: str
    fan_out_workers: int
    cpu_share: float
    access: Access
    retention_days: int
    in_lambda: bool


def read_environment() -> Environment:
    """Read the environment variables of the functions that answer the API and track segments.

    Raises
    ------
    RuntimeError
        ``S3_BUCKET`` or ``DYNAMODB_TABLE`` is missing or empty; the others need not be set.
    ValueError
        A variable that must be a whole number is something else.
    """
    missing = [name for name in ("S3_BUCKET", "DYNAMODB_TABLE") if not os.environ.get(name)]
    if missing:
        raise RuntimeError(f"Set the environment variable {' and '.join(missing)}.")
    mode: Mode = "open" if os.environ.get("ACCESS") == "open" else "identity"
    memory_mb = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") or LAMBDA_MB_PER_CORE)
    return Environment(
        bucket=os.environ["S3_BUCKET"],
        table=os.environ["DYNAMODB_TABLE"],
        queue_url=os.environ.get("QUEUE_URL", ""),
        fan_out_arn=os.environ.get("FAN_OUT_ARN", ""),
        fan_out_workers=int(os.environ.get("FAN_OUT_WORKERS") or 1),
        cpu_share=min(1.0, memory_mb / LAMBDA_MB_PER_CORE),
        access=Access(mode, os.environ.get("OWN_PREFIX") or OWN_PREFIX),
        retention_days=int(os.environ.get("RETENTION_DAYS") or 0),
        in_lambda="AWS_LAMBDA_RUNTIME_API" in os.environ,
    )


@dataclass(frozen=True, slots=True)
class WebhookEnvironment:
    """The settings of the function that sends the webhook.

    Attributes
    ----------
    url : str
        ``WEBHOOK_URL``: the https address to which events are posted.
    secret_arn : str
        ``WEBHOOK_SECRET_ARN``: name (ARN) of the secret in Secrets Manager that signs them.
    queue_url : str
        ``WEBHOOK_QUEUE_URL``: address of the SQS queue in which they wait.
    """

    url: str
    secret_arn: str
    queue_url: str


def read_webhook_environment() -> WebhookEnvironment:
    """Read the environment variables of the function that sends the webhook.

    Raises
    ------
    RuntimeError
        One of the three variables is missing or empty, or the address is not https.
    """
    names = ("WEBHOOK_URL", "WEBHOOK_SECRET_ARN", "WEBHOOK_QUEUE_URL")
    if missing := [name for name in names if not os.environ.get(name)]:
        raise RuntimeError(f"Set the environment variable {' and '.join(missing)}.")
    if not os.environ["WEBHOOK_URL"].startswith("https://"):
        raise RuntimeError("WEBHOOK_URL must begin with https://")
    return WebhookEnvironment(*(os.environ[name] for name in names))
