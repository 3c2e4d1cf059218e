"""Answer the state machines, which tell errors apart by their names."""

import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from handler.cohort_table import CohortTable
from handler.errors import describe_for_log, to_handler_error
from handler.limits import Limits
from handler.ownership import AnalysisEndedError
from handler.segment_jobs import JobFailedError, SegmentJobs, parse_job


class Worker:
    """Carries out the jobs of the state machines.

    Parameters
    ----------
    jobs : SegmentJobs
    table : CohortTable
    logger : Logger
    """

    def __init__(self, jobs: SegmentJobs, table: CohortTable, logger: Logger) -> None:
        self._jobs = jobs
        self._table = table
        self._logger = logger

    def carry_out(
        self, event: Mapping[str, Any], limits: Limits, request_id: str
    ) -> dict[str, Any]:
        """Carry out the job that an event asks for.

        Raises
        ------
        AnalysisEndedError, JobFailedError
            Their text is only a code, because it stays in the history of the execution.
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
