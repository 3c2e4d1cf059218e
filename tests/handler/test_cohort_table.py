"""A cohort: template.yaml's map over a prefix, and the table of its results."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from handler import cohort_table as table_module
from handler.errors import StorageUnavailableError, ThrottledError
from handler.segment_jobs import JobFailedError
from tests.deploy.test_template import properties, resolve
from tests.handler import fake_engine
from tests.handler.divided import LONG_S, SEGMENTS, DividedWorld, make_world
from tests.handler.fake_engine import make_video
from tests.made_tracks import make_landmarks, make_track
from tests.state_machine import Execution, Machine, StateError
from tracker.files.results_table import write_results
from tracker.files.summary import summarize
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters

ANALYSIS, LIGHT = "parkinson-eye-tracking", "parkinson-eye-tracking-light"
THROTTLED = "Lambda.TooManyRequestsException"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    track = make_track(make_landmarks(np.full(720, 0.3), 0.1 * np.sin(np.arange(720) / 50)))
    analysis = analyze_track(track, Parameters())
    made: dict[str, Any] = summarize(analysis, assess(analysis), "clip").to_dict()
    return made


class CohortWorld(DividedWorld):
    """A world with a cohort's files, and the functions that its state machine invokes."""

    def setup(self, files: dict[str, bytes]) -> None:
        self.engine.write_table = write_results
        self.invoked: list[tuple[str, Any]] = []
        self.errors: list[Any] = []
        """What the next invocations of the analysis fail with."""
        for name, content in files.items():
            self.put(f"cohorts/{name}", content)
        self.listed = [f"cohorts/{name}" for name in files]

    def invoke_function(self, name: str, event: Any) -> Any:
        self.invoked.append((name, event))
        if name == SEGMENTS:
            return self.carry_out(name, event)
        if name == LIGHT:
            # By the time somebody asks, the recording that was divided is done.
            for given in list(self.storage.started.values()):
                if self.storage.read(json.loads(given)["analysis_id"]).state == "processing":
                    assert self.run(given).status == "SUCCEEDED"
        elif self.errors:
            error = self.errors.pop(0)
            if isinstance(error, StateError):
                raise error
            return error
        return self.invoke(event)

    def run_cohort(self, percent: int = 100) -> Execution:
        definition = resolve(properties("Cohort")["Definition"])
        settings = definition["States"]["Settings"]["Parameters"]
        settings["tolerated_failure_percentage.$"] = f"States.StringToJson('{percent}')"
        self.cohort = Machine(
            definition,
            self.invoke_function,
            list_keys=lambda prefix: [one for one in self.listed if one.startswith(prefix)],
            put=self.put,
        )
        return self.cohort.run({"prefix": "cohorts/"}, "c-1")

    def read_table(self) -> dict[str, dict[str, Any]]:
        """Return the table's rows by the files' names, as DuckDB reads them."""
        folder = self.storage.locate("cohort-results/table")
        found = duckdb.sql(
            f"SELECT * FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true)"
        )
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
        return {row["file"].removeprefix("cohorts/"): row for row in rows}


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: dict[str, Any]
) -> Iterator[CohortWorld]:
    monkeypatch.setattr(fake_engine, "make_summary", lambda *_: dict(document))
    base = make_world(tmp_path)
    world = CohortWorld(base.storage, base.engine, tmp_path / "work")
    yield world
    world.storage.close()
    assert list(world.work_folder.iterdir()) == []


def test_a_cohorts_results_become_a_table(world: CohortWorld, document: dict[str, Any]) -> None:
    world.setup(
        {
            "홍.mp4": make_video("suspected"),
            "long.mp4": make_video("suspected", seconds=LONG_S),
            "broken.mp4": b"VIDEO {",
            "other.txt": b"text",
            "picture.jpg": b"IMAGE",
        }
    )
    # The console makes an empty object for each folder.
    world.listed.append("cohorts/folder/")
    done = world.run_cohort()
    assert (done.status, done.error) == ("SUCCEEDED", "")
    assert done.output["table"] == {"files": 1, "recordings": 4}
    assert done.output["ResultWriterDetails"]["Key"].endswith("/manifest.json")
    assert len(world.storage.started) == 1
    # One file, in the folder of the day on which the execution began.
    (key,) = world.storage.list_files("cohort-results/table/")
    assert key == "cohort-results/table/date=2026-11-28/c-1-0.parquet"
    rows = world.read_table()
    assert {name: row["status"] for name, row in rows.items()} == {
        "홍.mp4": document["assessment"]["status"],
        "long.mp4": document["assessment"]["status"],
        "broken.mp4": "failed",
        "other.txt": "failed",
    }
    assert rows["홍.mp4"]["vertical_peak_to_peak"] == document["vertical_peak_to_peak"]
    assert rows["홍.mp4"]["summary_file"].endswith(f"{rows['홍.mp4']['recording']}/summary.json")
    assert rows["홍.mp4"]["frames_file"].endswith("/frames.csv")
    assert rows["long.mp4"]["frames_processed"] == sum(100 + n for n in range(20))
    assert rows["broken.mp4"]["failure_code"] == "undecodable"
    assert rows["other.txt"]["failure_code"] == "unsupported_media_type"
    assert str(rows["other.txt"]["date"]) == "2026-11-28"
    # Run again, the cohort is the same analyses, and the table replaces itself.
    world.run_cohort()
    assert world.read_table() == rows


SLOW_DOWN = {"error": "x", "code": "throttled", "status_code": 429}
AWAY = {"error": "x", "code": "storage_unavailable", "status_code": 503}


@pytest.mark.parametrize("error", [SLOW_DOWN, AWAY, StateError(THROTTLED)], ids=str)
@pytest.mark.parametrize("times", [1, 8])
def test_a_passing_throttle_is_no_failed_file(world: CohortWorld, error: Any, times: int) -> None:
    world.setup({"a.mp4": make_video("suspected")})
    world.errors = [error] * times
    assert world.run_cohort(percent=0).status == "SUCCEEDED"
    assert world.errors == []
    assert world.read_table()["a.mp4"]["failure_code"] is None
    # It was waited for, longer each time.
    assert world.cohort.waited_s >= {1: 5, 8: 1000}[times]


def test_a_storage_that_fails_in_the_midst_of_it_is_tried_again(
    world: CohortWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record says `failed` then, and the same request continues it."""
    world.setup({"a.mp4": make_video("suspected")})
    put_file = world.storage.put_file
    left = 2

    def fail(key: str, *arguments: Any) -> Any:
        nonlocal left
        if key.endswith("summary.json") and left:
            left -= 1
            raise ThrottledError("throttled", "x")
        return put_file(key, *arguments)

    monkeypatch.setattr(world.storage, "put_file", fail)
    assert world.run_cohort(percent=0).status == "SUCCEEDED"
    assert left == 0
    analyses = [event for name, event in world.invoked if name == ANALYSIS]
    assert len(analyses) == 3
    assert world.read_table()["a.mp4"]["failure_code"] is None


def test_a_throttle_that_stays_is_a_failed_file_with_its_code(world: CohortWorld) -> None:
    world.setup({"a.mp4": make_video("suspected")})
    world.errors = [AWAY] * 99
    assert world.run_cohort().status == "SUCCEEDED"
    assert len([one for one in world.invoked if one[0] == ANALYSIS]) == 9
    assert world.read_table()["a.mp4"]["failure_code"] == "storage_unavailable"
    assert world.run_cohort(percent=0).error == "States.ExceedToleratedFailureThreshold"


def test_many_recordings_become_several_files(
    world: CohortWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "ROWS_OF_A_FILE", 2)
    world.setup({f"{number}.mp4": make_video("suspected", n=number) for number in range(5)})
    done = world.run_cohort()
    assert done.output["table"] == {"files": 3, "recordings": 5}
    assert len(world.read_table()) == 5


def test_a_file_whose_function_was_killed_is_a_row_too(world: CohortWorld) -> None:
    world.setup({"a.mp4": make_video("suspected")})
    world.errors = [StateError("Sandbox.Timedout")]
    assert world.run_cohort().status == "SUCCEEDED"
    row = world.read_table()["a.mp4"]
    assert row["failure_code"] == "not_analyzed"
    assert "Sandbox.Timedout" in row["failure_message"]


def test_a_table_that_cannot_be_written_now_is_written_later(
    world: CohortWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.setup({"a.mp4": make_video("suspected")})
    put_file, left = world.storage.put_file, 2

    def fail(key: str, *arguments: Any) -> Any:
        nonlocal left
        if key.endswith(".parquet") and left:
            left -= 1
            raise StorageUnavailableError("storage_unavailable", "x")
        return put_file(key, *arguments)

    monkeypatch.setattr(world.storage, "put_file", fail)
    assert world.run_cohort().status == "SUCCEEDED"
    assert len(world.read_table()) == 1


@pytest.mark.parametrize("started_at", ["2026-11-28", "../../x", "2026-1-1T00:00:00Z"])
def test_a_table_is_only_written_into_a_day(world: CohortWorld, started_at: str) -> None:
    event = {"job": "table", "results": "m", "execution": "c", "started_at": started_at}
    with pytest.raises(JobFailedError):
        world.carry_out(SEGMENTS, event)
    started = {"started_at": "2026-11-28T00:00:00Z", "execution": "../c"}
    with pytest.raises(JobFailedError):
        world.carry_out(SEGMENTS, event | started)
    assert world.storage.list_files("") == set()
