"""Workers of a divided recording are killed, come twice and in any order, and the storage fails.

The result is the same, or a clean failure. ``make chaos`` tries thousands of cases.
"""

import hashlib
import json
import random
import tempfile
import time
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.config import default_user_config

from handler import aws as aws_module
from handler import execution, records, segment_jobs
from handler.aws import AwsStorage
from handler.environment import read_environment
from handler.errors import StorageUnavailableError, ThrottledError
from tests.aws_server import Aws, Fault
from tests.deploy.test_template import properties, resolve
from tests.handler.divided import DividedWorld, DividingStorage
from tests.handler.fake_engine import RESULTS, FakeEngine, make_video
from tests.lengths import LONG, thin
from tests.state_machine import KILLED, Chaos, StateError

CASES = 3000 if LONG else 15
CODES = {"analysis_killed", "storage_unavailable", "throttled", "part_damaged"}
SECONDS = 150.0
FRAMES = sum(100 + n for n in range(12))
"""What `FakeEngine` counts in 12 segments: 300 s of half a core, in three rounds of 4 workers."""


class KilledError(BaseException):
    """The process ends here; nothing in it notices."""


class UnsteadyStorage:
    """A storage that fails at some of its calls, before they are carried out or after."""

    CALLS = ("read", "replace", "open_file", "put_file", "list_files", "delete_files")

    def __init__(self, storage: DividingStorage, rng: random.Random, share: float) -> None:
        self._storage, self._rng, self._share = storage, rng, share

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._storage, name)
        if name not in self.CALLS:
            return method

        def call(*arguments: Any) -> Any:
            kind = self._rng.choice(("before", "after", "throttled", "killed"))
            strikes = self._rng.random() < self._share
            if strikes and kind == "throttled":
                raise ThrottledError("throttled", "x")
            if strikes and kind == "before":
                raise StorageUnavailableError("storage_unavailable", "x")
            answer = method(*arguments)
            if strikes and name == "open_file":
                answer.stream.close()
            if strikes and kind == "after":
                raise StorageUnavailableError("storage_unavailable", "x")
            if strikes:
                raise KilledError
            return answer

        return call


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the record with each frame, and wait for nothing."""
    monkeypatch.setattr(segment_jobs, "PROGRESS_INTERVAL_S", 0.0)
    monkeypatch.setattr(execution.time, "sleep", lambda _seconds: None)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[DividingStorage]:
    storage = DividingStorage(tmp_path / "data")
    yield storage
    storage.close()


def run_case(storage: DividingStorage, work_folder: Path, seed: int) -> str:
    """Run one recording through what goes wrong in this case; return how it ended."""
    rng = random.Random(seed)
    # From hardly ever to so often that some analyses fail.
    share = rng.choice((0.0, 0.01, 0.03, 0.1))
    chaos = Chaos(seed, rng.choice((0.0, 0.05, 0.2)), rng.choice((0.0, 0.05, 0.2)), 0.2)
    unsteady = UnsteadyStorage(storage, rng, share)
    engine = FakeEngine()
    world = DividedWorld(storage, engine, work_folder, unsteady)

    def die(_frame: int) -> None:
        if rng.random() < share / 20:
            raise KilledError

    engine.on_frame = die
    user = f"u{seed}"
    event = rng.choice(("nothing", "nothing", "delete", "deliver", "overtake"))
    moment = rng.randrange(15)
    analysis_id = world.upload(user, SECONDS, salt=seed)
    key = f"users/{user}/eye/{analysis_id}/original"
    invoked = 0

    def invoke(name: str, given: Any) -> Any:
        nonlocal invoked
        invoked += 1
        if invoked == moment:
            if event == "delete":
                assert world.ask("DELETE", f"/analyses/{analysis_id}", user=user)[0] == 204
            elif event == "deliver":
                world.deliver(key)
            elif event == "overtake" and storage.read(analysis_id).state == "processing":
                record = storage.read(analysis_id)
                storage.replace(records.advance(record, 0, 0.0))
                assert not world.deliver(key)
        try:
            return world.carry_out(name, given)
        except KilledError:
            raise StateError(KILLED) from None

    for given in iter_started(storage):
        world.run(given, chaos=chaos, invoke=invoke)
    assert user not in world.log.getvalue()
    assert world.list_parts() == set()
    left = sorted(one.rpartition("/")[2] for one in storage.list_files(f"users/{user}/"))
    record = storage.read(analysis_id)
    if record.state == "deleted":
        assert (event, left) == ("delete", [])
        return "deleted"
    status = world.status(analysis_id, user)
    assert status["status"] == record.state
    if record.state == "completed":
        assert status["summary"]["frames_processed"] == FRAMES
        video = make_video("not_suspected", seconds=SECONDS, salt=seed)
        assert status["summary"]["video_sha256"] == hashlib.sha256(video).hexdigest()
        assert left == RESULTS
    else:
        assert record.state == "failed"
        assert status["code"] in CODES
        assert "original" in left
    return record.state


def iter_started(storage: DividingStorage) -> Iterator[str]:
    """Yield what each execution is started with, also those that are started meanwhile."""
    done: set[str] = set()
    while left := storage.started.keys() - done:
        execution = min(left)
        done.add(execution)
        yield storage.started[execution]


@pytest.mark.slow
def test_whatever_happens_the_result_is_the_same_or_a_clean_failure(
    storage: DividingStorage, tmp_path: Path
) -> None:
    ends: dict[str, int] = {}
    for seed in range(CASES):
        storage.started.clear()
        end = run_case(storage, tmp_path / "work", seed)
        ends[end] = ends.get(end, 0) + 1
    print(ends)
    # A test in which nothing happens says nothing.
    assert ends.keys() == {"completed", "failed", "deleted"}
    assert ends["completed"] > CASES / 3


# The same against S3, DynamoDB and Step Functions


@dataclass
class AwsWorld:
    """The API and the jobs in front of moto's services, and its state machine."""

    aws: Aws
    work_folder: Path
    monkeypatch: pytest.MonkeyPatch

    def __post_init__(self) -> None:
        self.make_machine("fan-out")

    def make_machine(self, name: str) -> None:
        """Make the state machine, and a world whose API starts it."""
        self.machine_arn = self.aws.states.create_state_machine(
            name=name,
            definition=json.dumps(resolve(properties("FanOut")["Definition"])),
            roleArn="arn:aws:iam::123456789012:role/fan-out",
        )["stateMachineArn"]
        self.monkeypatch.setenv("FAN_OUT_ARN", self.machine_arn)
        self.monkeypatch.setenv("FAN_OUT_WORKERS", "4")
        self.world = DividedWorld(AwsStorage(read_environment()), FakeEngine(), self.work_folder)

    def begin(self, **about: Any) -> tuple[str, dict[str, Any]]:
        """Have a recording of 3 segments divided; return its id, and moto's execution."""
        self.aws.proxy.operations.clear()
        self.world.put("users/u1/a.mp4", make_video("not_suspected", seconds=40.0, **about))
        body = {"action": "process_s3_file", "s3_key": "users/u1/a.mp4", "fan_out": True}
        status, answer = self.world.ask("POST", "/analyze", body)
        assert (status, answer["fan_out"]["segments"]) == (202, 3)
        return answer["analysis_id"], self.describe(answer["analysis_id"])

    def describe(self, analysis_id: str) -> dict[str, Any]:
        (execution,) = (
            one
            for one in self.aws.states.list_executions(stateMachineArn=self.machine_arn)[
                "executions"
            ]
            if one["name"].startswith(analysis_id)
        )
        found: dict[str, Any] = self.aws.states.describe_execution(
            executionArn=execution["executionArn"]
        )
        return found

    def list_results(self) -> list[str]:
        # Of all versions, those of deleted files among them.
        return sorted(key.rpartition("/")[2] for key, _ in self.aws.list_versions())


@pytest.fixture
def in_aws(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsWorld]:
    impatient = Config(
        connect_timeout=1, read_timeout=0.8, retries={"mode": "standard", "total_max_attempts": 2}
    )
    monkeypatch.setattr(aws_module, "_CONFIG", impatient)
    no_backoff = types.SimpleNamespace(sleep=lambda _seconds: None, time=time.time)
    monkeypatch.setattr("botocore.endpoint.time", no_backoff)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with aws.versioning():
        yield AwsWorld(aws, tmp_path / "work", monkeypatch)
    for machine in aws.states.list_state_machines()["stateMachines"]:
        aws.states.delete_state_machine(stateMachineArn=machine["stateMachineArn"])


def test_step_functions_is_told_of_no_user_and_no_key(in_aws: AwsWorld) -> None:
    analysis_id, execution = in_aws.begin()
    given = json.loads(execution["input"])
    assert given == {"analysis_id": analysis_id, "execution": execution["name"]}
    assert in_aws.world.run(execution["input"]).status == "SUCCEEDED"
    assert in_aws.world.status(analysis_id)["summary"]["frames_processed"] == 303
    # Of the parts nothing is left, in any version.
    assert in_aws.list_results() == sorted([*RESULTS[:2], "a.mp4", *RESULTS[3:]])


OPERATIONS = (
    *("GetItem", "PutItem", "StartExecution", "GET a.mp4", "HEAD a.mp4"),
    *("PUT plan.json", "GET plan.json", "PUT 1.npz", "GET 1.npz", "PUT summary.json"),
)


@pytest.mark.parametrize("kind", thin(["throttled", "server_error", "answer_lost"], 3))
def test_a_service_that_fails_once_at_every_call_is_not_noticed(
    in_aws: AwsWorld, kind: str
) -> None:
    # Of two attempts each, the first fails.
    in_aws.aws.proxy.faults = [Fault(one, kind, 0, every_other=True) for one in OPERATIONS]
    analysis_id, execution = in_aws.begin()
    assert in_aws.world.run(execution["input"]).status == "SUCCEEDED"
    met = {fault.operation: fault.met for fault in in_aws.aws.proxy.faults}
    assert min(met.values()) >= 2, met
    in_aws.aws.proxy.faults.clear()
    assert in_aws.world.status(analysis_id)["summary"]["frames_processed"] == 303
    assert not any("parts/" in key for key, _ in in_aws.aws.list_versions())


@pytest.mark.parametrize(
    ("operation", "kind", "code"),
    thin(
        [
            ("PUT 1.npz", "denied", "storage_denied"),
            ("GET 1.npz", "server_error", "storage_unavailable"),
            ("PUT summary.json", "throttled", "throttled"),
        ],
        3,
    ),
)
def test_a_service_that_stays_away_fails_the_analysis_with_its_code(
    in_aws: AwsWorld, operation: str, kind: str, code: str
) -> None:
    in_aws.aws.proxy.faults = [Fault(operation, kind, 99)]
    analysis_id, execution = in_aws.begin()
    assert in_aws.world.run(execution["input"]).status == "FAILED"
    in_aws.aws.proxy.faults.clear()
    assert in_aws.world.status(analysis_id)["code"] == code
    assert not any("parts/" in key for key, _ in in_aws.aws.list_versions())
    assert "users/" not in in_aws.world.log.getvalue()


def test_deleting_stops_the_execution_that_step_functions_runs(in_aws: AwsWorld) -> None:
    analysis_id, execution = in_aws.begin()
    assert execution["status"] == "RUNNING"

    def invoke(name: str, event: Any) -> Any:
        answer = in_aws.world.carry_out(name, event)
        if event.get("part") == "1":
            assert in_aws.world.ask("DELETE", f"/analyses/{analysis_id}")[0] == 204
        return answer

    assert in_aws.world.run(execution["input"], invoke=invoke).status == "FAILED"
    assert in_aws.describe(analysis_id)["status"] == "ABORTED"
    assert in_aws.aws.list_versions() == []
    # The execution that Step Functions has forgotten is no obstacle.
    in_aws.world.storage.stop_fan_out(f"{'0' * 32}-1")


@pytest.mark.long
def test_motos_step_functions_run_the_same_definition(
    in_aws: AwsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another reading of the definition than that of `tests.state_machine`.

    Moto does not heed how many items of a map may fail, so that this is the way on which all goes
    well.
    """
    invoked: list[str] = []

    def invoke(_self: Any, function_name: str, _qualifier: Any, body: Any, *_headers: Any) -> bytes:
        event = json.loads(body)
        invoked.append(event["job"])
        return json.dumps(in_aws.world.carry_out(function_name.rpartition(":")[2], event)).encode()

    monkeypatch.setattr(LambdaSimpleBackend, "invoke", invoke)
    monkeypatch.setitem(default_user_config["lambda"], "use_docker", False)
    monkeypatch.setitem(default_user_config["stepfunctions"], "execute_state_machine", True)
    monkeypatch.setenv("MOTO_PORT", in_aws.aws.url.rpartition(":")[2])
    in_aws.make_machine("fan-out-run")
    analysis_id, execution = in_aws.begin()
    until_s = time.monotonic() + 60
    while execution["status"] == "RUNNING" and time.monotonic() < until_s:
        time.sleep(0.1)
        execution = in_aws.describe(analysis_id)
    assert execution["status"] == "SUCCEEDED", execution
    assert sorted(invoked) == ["join", "part", "part", "part", "plan"]
    assert in_aws.world.status(analysis_id)["summary"]["frames_processed"] == 303
