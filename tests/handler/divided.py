"""A world in which long recordings are divided: the API, a storage, and template.yaml's machine."""

import io
import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger

from handler.api import Api
from handler.cohort_table import CohortTable
from handler.identity import Access
from handler.limits import Limits
from handler.local.app import LocalContext
from handler.local.storage import LocalStorage
from handler.segment_jobs import SegmentJobs
from handler.service import Service
from handler.worker import Worker
from tests.deploy.test_template import properties, resolve
from tests.handler.fake_engine import FakeEngine, make_video
from tests.state_machine import Chaos, Execution, Machine

SEGMENTS = "parkinson-eye-tracking-segments"
CPU_SHARE, WORKERS = 0.5, 4
LONG_S = 300.0
"""More seconds of a whole core than an invocation of 300 s has with half a core."""
ACCESS = Access("identity")


class DividingStorage(LocalStorage):
    """A folder, whose executions are kept here until a test runs them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.address = "http://127.0.0.1:1"
        self.started: dict[str, str] = {}
        self.stopped: list[str] = []

    @property
    def workers(self) -> int:
        return WORKERS

    def start_fan_out(self, execution: str, analysis_id: str) -> None:
        assert execution not in self.started
        self.started[execution] = json.dumps({"analysis_id": analysis_id, "execution": execution})

    def stop_fan_out(self, execution: str) -> None:
        self.stopped.append(execution)


class DividedWorld:
    """The API in front of a storage, and the jobs of the state machine.

    Parameters
    ----------
    storage : Storage
        For the API.
    engine : FakeEngine
    work_folder : Path
    jobs_storage : Storage, optional
        For the state machine's jobs. Default: the same.
    """

    def __init__(
        self, storage: Any, engine: Any, work_folder: Path, jobs_storage: Any = None
    ) -> None:
        self.storage, self.engine = storage, engine
        self.log = io.StringIO()
        # Names of their own: Powertools shares loggers by name, with their streams.
        self.logger = Logger(service=uuid.uuid4().hex, stream=self.log)
        self.measured: list[dict[str, float]] = []
        work_folder.mkdir(exist_ok=True)
        self.work_folder = work_folder
        observe = self.measured.append
        service = Service(storage, engine, CPU_SHARE, observe, work_folder, retention_days=10)
        self.api = Api(service, None, ACCESS, self.logger)
        self.jobs = SegmentJobs(
            jobs_storage or storage, engine, CPU_SHARE, WORKERS, observe, work_folder
        )
        table = CohortTable(jobs_storage or storage, engine, work_folder)
        self.worker = Worker(self.jobs, table, self.logger)
        self.machine: Machine | None = None

    def ask(
        self, method: str, path: str, body: Any = None, user: str = "u1"
    ) -> tuple[int, dict[str, Any]]:
        event = {
            "httpMethod": method,
            "path": path,
            "body": None if body is None else json.dumps(body),
            "requestContext": {"authorizer": {"claims": {"sub": user}}},
        }
        answer = self.api.handle(event, LocalContext(300))
        return answer["statusCode"], json.loads(answer["body"] or "{}")

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke the analysis function directly, as a state machine does."""
        return self.api.handle(event, LocalContext(300))

    def offer(self, user: str = "u1", **more: Any) -> tuple[str, str]:
        """Ask for an upload; return id and key."""
        status, answer = self.ask("POST", "/uploads", more, user)
        assert status == 200
        return answer["analysis_id"], answer["upload"]["fields"]["key"]

    def put(self, key: str, content: bytes) -> None:
        path = self.work_folder / "put"
        path.write_bytes(content)
        self.storage.put_file(key, path, "video/mp4")
        path.unlink()

    def deliver(self, key: str) -> bool:
        """Deliver S3's notification of an upload; return whether it must come again."""
        notification = {
            "eventName": "ObjectCreated:Post",
            "s3": {"bucket": {"name": "b"}, "object": {"key": key}},
        }
        body = json.dumps({"Records": [notification]})
        message = {"messageId": "m", "eventSource": "aws:sqs", "body": body}
        answer = self.api.handle({"Records": [message]}, LocalContext(300))
        return bool(answer["batchItemFailures"])

    def upload(self, user: str = "u1", seconds: float = LONG_S, **about: Any) -> str:
        """Upload a long recording and deliver its message; return the analysis' id."""
        analysis_id, key = self.offer(user)
        self.put(key, make_video("not_suspected", seconds=seconds, **about))
        assert not self.deliver(key)
        return analysis_id

    def status(self, analysis_id: str, user: str = "u1") -> dict[str, Any]:
        status, answer = self.ask("GET", f"/status/{analysis_id}", user=user)
        assert status == 200
        return answer

    def carry_out(self, name: str, event: Any, seconds: float = 300.0) -> Any:
        """Carry out a job, as the function that the template names for it."""
        assert name == SEGMENTS
        limits = Limits(time.time() + seconds, None)
        return self.worker.carry_out(event, limits, "request")

    def run(
        self,
        given: str,
        *,
        chaos: Chaos | None = None,
        invoke: Callable[[str, Any], Any] | None = None,
        threads: int = 1,
    ) -> Execution:
        """Run the template's state machine with what the API started it with."""
        definition = resolve(properties("FanOut")["Definition"])
        self.machine = Machine(
            definition, invoke or self.carry_out, chaos=chaos or Chaos(), threads=threads
        )
        document = json.loads(given)
        return self.machine.run(document, document["execution"])

    def run_started(self, **more: Any) -> Execution:
        """Run the execution that was started last."""
        return self.run(list(self.storage.started.values())[-1], **more)

    def list_parts(self) -> set[str]:
        return set(self.storage.list_files("parts/"))


def make_world(tmp_path: Path) -> DividedWorld:
    """Return a world in a folder."""
    return DividedWorld(DividingStorage(tmp_path / "data"), FakeEngine(), tmp_path / "work")
