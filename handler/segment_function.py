"""Entry point of the Lambda function that carries out the jobs of the two state machines.

One machine divides a long recording among many workers. Of the other, which has the recordings of a
cohort analysed, only the last job comes here: to write the table.
"""

import time
from typing import Any

from aws_lambda_powertools import Logger

from handler.api import Context
from handler.aws import AwsStorage
from handler.cohort_table import CohortTable
from handler.engine import Engine
from handler.environment import read_environment
from handler.limits import Limits
from handler.metrics import publish
from handler.segment_jobs import SegmentJobs
from handler.temporary import remove_leftovers
from handler.worker import Worker

_ENVIRONMENT = read_environment()
if _ENVIRONMENT.in_lambda:
    # Elsewhere, other processes may be using the system's temporary folder.
    remove_leftovers()
_STORAGE, _ENGINE = AwsStorage(_ENVIRONMENT), Engine()
_WORKER = Worker(
    SegmentJobs(_STORAGE, _ENGINE, _ENVIRONMENT.cpu_share, _ENVIRONMENT.fan_out_workers, publish),
    CohortTable(_STORAGE, _ENGINE),
    Logger(service="eye-tracking"),
)


def lambda_handler(event: Any, context: Context) -> dict[str, Any]:
    """Carry out a job of a state machine, and return what the machine goes on with.

    See `handler.worker.Worker.carry_out` for the jobs and the errors.
    """
    limits = Limits(time.time() + context.get_remaining_time_in_millis() / 1000, None)
    return _WORKER.carry_out(event, limits, context.aws_request_id)
