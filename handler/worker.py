"""Carry out the jobs that AWS' state machines ask for, and log them.

A state machine tells errors apart only by the names of their classes. A job that fails therefore
raises one of two: `AnalysisEndedError` (do not try again) or `JobFailedError` (try again).
"""

import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from handler.cohort_table import CohortTable
from handler.errors import describe_for_log, to_handler_error
from handler.execution import AnalysisEndedError
from handler.limits import Limits
from handler.segment_jobs import JobFailedError, SegmentJobs, parse_job


class Worker:
    """Carries out the jobs of both state machines: dividing a long recording, and a cohort's table.

    Parameters
    ----------
    jobs : SegmentJobs
    table : CohortTable
    logger : Logger
        Its messages hold ids, codes and source lines; never a user id or a key.
    """

    def __init__(self, jobs: SegmentJobs, table: CohortTable, logger: Logger) -> None:
        self._jobs = jobs
        self._table = table
        self._logger = logger

    def carry_out(
        self, event: Mapping[str, Any], limits: Limits, request_id: str
    ) -> dict[str, Any]:
        """Carry out the job that an event asks for.

        Parameters
        ----------
        event : mapping
            ``job`` ("table" for a cohort's table), ``execution``, and what this job needs: see
            `parse_job`, or the parameters of `CohortTable.write`.
        limits : Limits
            When this invocation is stopped.
        request_id : str
            Id of the invocation in the log.

        Returns
        -------
        dict
            What the state machine goes on with: see `SegmentJobs.run` and `CohortTable.write`.

        Raises
        ------
        AnalysisEndedError
            The job must not be tried again.
        JobFailedError
            Any other error; the job may succeed if it is tried again. Its text is only a code, like
            that of the other, because it stays in the history of the execution.
        """
        about = {
            "job": event["job"],
            "execution": event["execution"],
            "request_id": request_id,
        }
        begun_s = time.monotonic()
        try:
            if event["job"] == "table":
                answer = self._table.write(
                    event["results"], event["execution"], event["started_at"]
                )
            else:
                answer = self._jobs.run(parse_job(event), limits)
        except AnalysisEndedError as error:
            self._logger.info("ended", extra={**about, "code": str(error)})
            raise
        except Exception as error:
            code = to_handler_error(error, request_id).code
            trace = describe_for_log(error)
            self._logger.error("failed", extra={**about, "code": code, "trace": trace})
            raise JobFailedError(code) from None
        duration_s = round(time.monotonic() - begun_s, 3)
        self._logger.info("done", extra={**about, "duration_s": duration_s})
        return answer
