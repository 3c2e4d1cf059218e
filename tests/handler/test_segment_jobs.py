"""A long recording over many workers: the same answers, and nothing left behind."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from handler import division
from handler import segment_jobs as jobs_module
from handler.execution import AnalysisEndedError, ExecutionRecord
from handler.segment_jobs import JobFailedError
from tests.containers import encode, read_images
from tests.deploy.test_template import properties
from tests.handler.divided import (
    LONG_S,
    SEGMENTS,
    DividedWorld,
    DividingStorage,
    make_world,
)
from tests.handler.fake_engine import RESULTS, make_video
from tests.state_machine import KILLED, Chaos, StateError
from tracker.face import blocks
from tracker.tracks import segments

if TYPE_CHECKING:
    from handler.engine import Engine


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DividedWorld]:
    world = make_world(tmp_path)
    yield world
    world.storage.close()
    # No job leaves anything on the disk of its function.
    assert list(world.work_folder.iterdir()) == []


def list_results(world: DividedWorld, analysis_id: str, user: str = "u1") -> list[str]:
    folder = f"users/{user}/eye/{analysis_id}/"
    return sorted(key.removeprefix(folder) for key in world.storage.list_files(folder))


def test_a_long_upload_is_divided_and_its_status_tells_the_same(world: DividedWorld) -> None:
    analysis_id = world.upload()
    (given,) = world.storage.started.values()
    # No user and no key: it stays in the history of the execution.
    document = json.loads(given)
    assert document.keys() == {"analysis_id", "execution"}
    assert world.status(analysis_id)["status"] == "processing"
    percents = []

    def invoke(name: str, event: Any) -> Any:
        answer = world.carry_out(name, event)
        percents.append(world.status(analysis_id)["progress_percent"])
        return answer

    execution = world.run(given, invoke=invoke)
    assert (execution.status, execution.error) == ("SUCCEEDED", "")
    # 300 s of a core at half a core are 600 s, in 20 segments of 30 s over 4 workers.
    assert percents == [0, *(100 * n // 21 for n in range(1, 21)), 100]
    status = world.status(analysis_id)
    assert status["status"] == "completed"
    assert status["summary"]["frames_processed"] == sum(100 + n for n in range(20))
    video = make_video("not_suspected", seconds=LONG_S)
    digest = hashlib.sha256(video).hexdigest()
    assert status["summary"]["video_sha256"] == status["provenance"]["sha256"] == digest
    assert status["provenance"]["size_bytes"] == len(video)
    assert status["provenance"]["program_sha256"] == "a" * 64
    assert list_results(world, analysis_id) == RESULTS
    assert world.list_parts() == set()
    assert world.measured[-1]["FramesProcessed"] == status["summary"]["frames_processed"]
    # The notification comes again: nothing is done twice.
    assert not world.deliver(f"users/u1/eye/{analysis_id}/original")
    assert len(world.storage.started) == 1
    assert "u1" not in world.log.getvalue()


def test_what_one_invocation_covers_is_not_divided_unless_asked_for(world: DividedWorld) -> None:
    analysis_id = world.upload(seconds=100.0)
    assert world.storage.started == {}
    assert world.status(analysis_id)["status"] == "completed"
    video = make_video("not_suspected", seconds=100.0, other=1)
    world.put("users/u1/a.mp4", video)
    body = {"action": "process_s3_file", "s3_key": "users/u1/a.mp4", "fan_out": True}
    status, answer = world.ask("POST", "/analyze", body)
    assert status == 202
    assert answer["status"] == "processing"
    # 200 s at half a core: 7 segments fill two rounds of 4 workers, at 25 s and 2 s each, and 10 s.
    assert answer["fan_out"].items() >= {"segments": 8, "expected_s": 64}.items()
    assert world.run_started().status == "SUCCEEDED"
    assert world.status(answer["analysis_id"])["summary"]["frames_processed"] == 828
    # The same request is the same analysis; without the flag it is another one.
    assert world.ask("POST", "/analyze", body)[1]["analysis_id"] == answer["analysis_id"]
    other = world.ask("POST", "/analyze", {**body, "fan_out": False})[1]
    assert other["analysis_id"] != answer["analysis_id"]


@pytest.mark.parametrize("where", ["upload", "data"])
def test_it_can_be_asked_for_with_an_upload_and_with_data(world: DividedWorld, where: str) -> None:
    import base64

    video = make_video("suspected", seconds=40.0)
    if where == "upload":
        analysis_id, key = world.offer(fan_out=True)
        world.put(key, video)
        assert not world.deliver(key)
    else:
        data = base64.b64encode(video).decode()
        body = {"action": "analyze_video", "file_data": data, "fan_out": True}
        status, answer = world.ask("POST", "/analyze", body)
        assert (status, answer["fan_out"]["segments"]) == (202, 3)
        analysis_id = answer["analysis_id"]
    assert len(world.storage.started) == 1
    assert world.run_started().status == "SUCCEEDED"
    assert world.status(analysis_id)["analysis_result"]["psp_screening"]["suspected"] is True
    assert list_results(world, analysis_id) == RESULTS


def test_a_short_video_and_an_image_are_analysed_as_usual(world: DividedWorld) -> None:
    world.put("users/u1/a.mp4", make_video("suspected", seconds=3.0))
    body = {"action": "process_s3_file", "s3_key": "users/u1/a.mp4", "fan_out": True}
    assert world.ask("POST", "/analyze", body)[0] == 200
    world.put("users/u1/a.jpg", b"IMAGE")
    body["s3_key"] = "users/u1/a.jpg"
    assert world.ask("POST", "/analyze", body)[1]["result"] == {"detected": True}
    body = {"action": "analyze_image", "s3_key": "users/u1/a.jpg", "fan_out": True}
    assert world.ask("POST", "/analyze", body)[1]["code"] == "bad_parameter"
    assert world.ask("POST", "/analyze", {**body, "fan_out": 1})[1]["code"] == "bad_parameter"
    assert world.storage.started == {}


def test_anothers_file_cannot_be_told_from_one_that_is_not_there(world: DividedWorld) -> None:
    analysis_id, key = world.offer(user="u2")
    world.put(key, make_video("suspected", seconds=LONG_S))

    def ask(s3_key: str, **more: Any) -> tuple[int, dict[str, Any]]:
        body = {"action": "process_s3_file", "s3_key": s3_key, **more}
        return world.ask("POST", "/analyze", body, user="u1")

    # Another's folder, and another's id in a folder of one's own.
    missing = "users/u2/eye/" + 32 * "f" + "/original"
    assert ask(key, fan_out=True) == ask(missing, fan_out=True) == ask(missing)
    assert ask(key, fan_out=True)[0] == 403
    taken = key.replace("/u2/", "/u1/")
    unknown = missing.replace("/u2/", "/u1/")
    assert ask(taken, fan_out=True) == ask(unknown, fan_out=True) == ask(unknown)
    assert ask(taken, fan_out=True)[0] == 404
    assert world.storage.started == {}
    # While it is divided, its owner alone may ask for it.
    assert not world.deliver(key)
    assert world.status(analysis_id, user="u2")["status"] == "processing"
    refused = world.ask("GET", f"/status/{analysis_id}", user="u1")
    assert refused == world.ask("GET", f"/status/{32 * 'f'}", user="u1")
    assert refused[0] == 404
    # To delete what is another's does nothing, and looks like it does.
    assert world.ask("DELETE", f"/analyses/{analysis_id}", user="u1")[0] == 204
    assert world.storage.stopped == []
    assert world.run_started().status == "SUCCEEDED"


def test_a_poisoned_segment_fails_the_analysis_with_its_code(world: DividedWorld) -> None:
    analysis_id = world.upload(poison=7)
    execution = world.run_started()
    assert (execution.status, execution.error) == ("FAILED", "NotAnalyzed")
    status = world.status(analysis_id)
    assert (status["status"], status["code"], status["error"]) == (
        "failed",
        "undecodable",
        "damaged",
    )
    assert world.list_parts() == set()
    assert list_results(world, analysis_id) == ["original"]
    # It was tried once, and the other segments were not tracked after it.
    assert world.machine is not None
    assert world.machine.visited.count("GiveUpPart") == 1
    assert world.machine.waited_s == 0
    # The record says which file it was.
    record = world.storage.read(analysis_id)
    assert record.provenance["size_bytes"] > 0
    # The same message again: it is tried anew, in an execution of another name.
    assert not world.deliver(record.source_key)
    assert len(world.storage.started) == 2
    assert world.run_started().status == "FAILED"


@pytest.mark.parametrize("about", [{"most": 1}, {"indivisible": 3}])
def test_what_cannot_be_divided_is_analysed_whole(
    world: DividedWorld, about: dict[str, int]
) -> None:
    analysis_id = world.upload(**about)
    assert world.run_started().status == "SUCCEEDED"
    assert world.engine.analysed[-1] == "not_suspected"
    assert world.status(analysis_id)["summary"]["frames_processed"] == 20
    assert world.list_parts() == set()


@pytest.mark.slow
def test_a_recording_with_a_segment_that_takes_too_long_is_analysed_whole(
    world: DividedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis_id, tracked = world.upload(), list[str]()

    def invoke(name: str, event: Any) -> Any:
        if event.get("part") != "3":
            return world.carry_out(name, event)
        # An invocation of 1 s, in which a frame takes 0.1 s: 10 of 20 frames.
        with monkeypatch.context() as patch:
            patch.setattr(world.engine, "on_frame", lambda _frame: time.sleep(0.1))
            answer = world.carry_out(name, event, seconds=1.0)
        tracked.extend(world.engine.analysed)
        return answer

    assert world.run_started(invoke=invoke).status == "SUCCEEDED"
    # No second attempt at that segment, and none of those after it.
    assert "3" not in tracked
    assert world.engine.analysed == [*tracked, "not_suspected"]
    assert world.machine is not None
    assert world.machine.waited_s == 0
    assert world.status(analysis_id)["summary"]["frames_processed"] == 20
    assert world.list_parts() == set()


@pytest.mark.parametrize("job", ["plan", "part", "join"])
@pytest.mark.parametrize("times", [3, 99])
def test_a_job_that_is_killed_comes_again_but_not_for_ever(
    world: DividedWorld, job: str, times: int
) -> None:
    analysis_id, left = world.upload(), times

    def invoke(name: str, event: Any) -> Any:
        nonlocal left
        if event["job"] == job and event.get("part", "2") == "2" and left:
            left -= 1
            raise StateError(KILLED)
        return world.carry_out(name, event)

    execution = world.run_started(invoke=invoke)
    if times == 3:
        assert execution.status == "SUCCEEDED"
        assert world.status(analysis_id)["summary"]["frames_processed"] == 2190
    else:
        assert execution.status == "FAILED"
        # Once, and three times again.
        assert left == times - 4
        assert world.status(analysis_id)["code"] == "analysis_killed"
    assert world.list_parts() == set()


@pytest.mark.parametrize("job", ["plan", "part", "join"])
@pytest.mark.parametrize("kind", ["Lambda.TooManyRequestsException", "throttled"])
def test_a_passing_throttle_is_waited_for(
    world: DividedWorld, job: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from handler.errors import ThrottledError

    analysis_id, left = world.upload(), 6

    def invoke(name: str, event: Any) -> Any:
        nonlocal left
        if event["job"] == job and event.get("part", "2") == "2" and left:
            left -= 1
            if kind == "throttled":
                throttled = ThrottledError("throttled", "of users/u1")
                monkeypatch.setattr(ExecutionRecord, "read", lambda *_a, **_k: raise_(throttled))
                try:
                    return world.carry_out(name, event)
                finally:
                    monkeypatch.undo()
            raise StateError(kind)
        return world.carry_out(name, event)

    assert world.run_started(invoke=invoke).status == "SUCCEEDED"
    assert left == 0
    assert world.status(analysis_id)["status"] == "completed"
    assert world.machine is not None
    assert world.machine.waited_s > 60


def test_an_execution_that_waits_for_workers_is_not_overtaken_by_the_same_request(
    world: DividedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis_id, begun_s = world.upload(), time.time()
    key = world.storage.read(analysis_id).source_key
    # Then the queue delivers the message again, if the first process was killed.
    again_s = properties("AnalysisQueue")["VisibilityTimeout"]
    for after_s, comes_again, started in ((1000.0, True, 1), (again_s, False, 2)):
        now_s = begun_s + after_s
        monkeypatch.setattr(time, "time", lambda now_s=now_s: now_s)
        assert world.deliver(key) == comes_again
        assert len(world.storage.started) == started


@pytest.mark.parametrize("job", ["plan", "part", "join"])
def test_workers_that_stay_busy_with_others_are_told_as_such(world: DividedWorld, job: str) -> None:
    analysis_id = world.upload()

    def invoke(name: str, event: Any) -> Any:
        if event["job"] == job and event.get("part", "2") == "2":
            raise StateError("Lambda.TooManyRequestsException", "Rate Exceeded.")
        return world.carry_out(name, event)

    assert world.run_started(invoke=invoke).status == "FAILED"
    status = world.status(analysis_id)
    # Nothing is wrong with the file.
    assert (status["status"], status["code"]) == ("failed", "throttled")
    assert "again later" in status["error"]
    assert world.list_parts() == set()


def raise_(error: Exception) -> Any:
    raise error


def test_a_storage_that_stays_away_fails_the_analysis_with_that_code(
    world: DividedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from handler.errors import StorageUnavailableError

    analysis_id = world.upload()
    away = StorageUnavailableError("storage_unavailable", "of users/u1")
    causes = []

    def invoke(name: str, event: Any) -> Any:
        if event["job"] == "part" and event["part"] == "2":
            with monkeypatch.context() as patch:
                patch.setattr(world.storage, "put_file", lambda *_: raise_(away))
                return world.carry_out(name, event)
        if event["job"] == "give_up":
            causes.append(event["error"])
        return world.carry_out(name, event)

    assert world.run_started(invoke=invoke).status == "FAILED"
    status = world.status(analysis_id)
    assert (status["status"], status["code"]) == ("failed", "storage_unavailable")
    # What stays in the execution's history names nobody.
    assert causes[0]["Error"] == "JobFailedError"
    assert json.loads(causes[0]["Cause"])["errorMessage"] == "storage_unavailable"
    assert "u1" not in json.dumps(causes) + world.log.getvalue()


def test_a_defect_is_logged_and_told_by_the_executions_name(
    world: DividedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis_id = world.upload()
    monkeypatch.setattr(world.engine, "join_parts", lambda *_: raise_(KeyError("users/u1")))
    assert world.run_started().status == "FAILED"
    status = world.status(analysis_id)
    assert (status["status"], status["code"]) == ("failed", "internal_error")
    assert next(iter(world.storage.started)) in status["error"]
    assert '"KeyError"' in world.log.getvalue()
    assert "u1" not in world.log.getvalue()


@pytest.mark.parametrize("path", ["/analyses/{analysis_id}", "/users/me"])
@pytest.mark.parametrize("moment", ["before", "plan", "part", "join"])
def test_deleting_stops_the_execution_and_removes_the_parts(
    world: DividedWorld, path: str, moment: str
) -> None:
    analysis_id = world.upload()
    if moment == "before":
        assert world.ask("DELETE", path.format(analysis_id=analysis_id))[0] in (200, 204)
    deleted = moment == "before"

    def invoke(name: str, event: Any) -> Any:
        nonlocal deleted
        delete_after = event["job"] == moment and not deleted
        if delete_after and moment == "join":
            # In the midst of it: after its files were stored, before the record says so.
            return world.carry_out(name, event)
        answer = world.carry_out(name, event)
        if delete_after:
            deleted = True
            assert world.ask("DELETE", path.format(analysis_id=analysis_id))[0] in (200, 204)
        return answer

    if moment == "join":
        join = world.engine.join_parts

        def join_and_delete(*arguments: Any) -> Any:
            joined = join(*arguments)
            assert world.ask("DELETE", path.format(analysis_id=analysis_id))[0] in (200, 204)
            return joined

        world.engine.join_parts = join_and_delete  # type: ignore[method-assign]
    # Even if nothing stopped it, it ends by itself and leaves nothing.
    execution = world.run_started(invoke=invoke)
    assert execution.status == "FAILED"
    assert world.storage.stopped == list(world.storage.started)
    assert world.storage.list_files("") == set()
    assert world.ask("GET", f"/status/{analysis_id}")[0] == 404
    assert world.storage.read(analysis_id).state == "deleted"


def test_a_worker_stops_within_seconds_and_removes_what_it_stores_late(
    world: DividedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "PROGRESS_INTERVAL_S", 0.0)
    analysis_id = world.upload()
    document = json.loads(next(iter(world.storage.started.values())))
    world.carry_out(SEGMENTS, {"job": "plan", **document})
    frames: list[int] = []

    def delete_at(frame: int) -> None:
        frames.append(frame)
        if frame == 3:
            assert world.ask("DELETE", f"/analyses/{analysis_id}")[0] == 204

    world.engine.on_frame = delete_at
    with pytest.raises(AnalysisEndedError):
        world.carry_out(SEGMENTS, {"job": "part", "part": "0", **document})
    assert frames == [0, 1, 2, 3]
    assert world.storage.list_files("") == set()


def test_a_part_that_is_stored_after_the_deletion_is_removed(world: DividedWorld) -> None:
    analysis_id = world.upload()
    document = json.loads(next(iter(world.storage.started.values())))
    world.carry_out(SEGMENTS, {"job": "plan", **document})
    track = world.engine.track_segment

    def track_and_delete(*arguments: Any) -> None:
        track(*arguments)
        assert world.ask("DELETE", f"/analyses/{analysis_id}")[0] == 204
        assert world.list_parts() == set()

    world.engine.track_segment = track_and_delete  # type: ignore[method-assign]
    # Nobody asks it to clean up: the execution was stopped.
    with pytest.raises(AnalysisEndedError):
        world.carry_out(SEGMENTS, {"job": "part", "part": "0", **document})
    assert world.storage.list_files("") == set()


@pytest.mark.parametrize("job", ["plan", "part", "join"])
def test_a_file_that_is_written_over_meanwhile_is_no_result(world: DividedWorld, job: str) -> None:
    analysis_id = world.upload()
    key = f"users/u1/eye/{analysis_id}/original"
    seen = False

    def invoke(name: str, event: Any) -> Any:
        nonlocal seen
        if event["job"] == job and not seen:
            seen = True
            # In a bucket that keeps no versions, the first file is lost.
            world.put(key, make_video("suspected", seconds=LONG_S, other="longer"))
        return world.carry_out(name, event)

    assert world.run_started(invoke=invoke).status == "FAILED"
    assert world.status(analysis_id)["code"] == "file_changed"
    assert world.list_parts() == set()


def test_an_execution_that_was_overtaken_changes_nothing(world: DividedWorld) -> None:
    from handler import records

    analysis_id = world.upload()
    first = next(iter(world.storage.started.values()))
    # Nothing was heard of it for so long that its lease is over; the message comes again.
    record = world.storage.read(analysis_id)
    world.storage.replace(records.advance(record, 0, 0.0))
    assert not world.deliver(record.source_key)
    assert len(world.storage.started) == 2
    assert world.run(first).status == "FAILED"
    assert world.status(analysis_id)["status"] == "processing"
    assert world.run_started().status == "SUCCEEDED"
    assert world.status(analysis_id)["status"] == "completed"
    assert world.run(first).status == "FAILED"
    assert world.status(analysis_id)["status"] == "completed"
    assert list_results(world, analysis_id) == RESULTS
    assert world.list_parts() == set()


def test_a_job_that_is_not_known_fails_no_analysis(world: DividedWorld) -> None:
    analysis_id = world.upload()
    (execution,) = world.storage.started
    event = {"job": "tidy", "analysis_id": analysis_id, "execution": execution}
    with pytest.raises(JobFailedError, match="internal_error"):
        world.carry_out(SEGMENTS, event)
    assert world.status(analysis_id)["status"] == "processing"


def test_a_start_that_fails_gives_the_upload_back(
    world: DividedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from handler.errors import StorageUnavailableError

    analysis_id, key = world.offer()
    world.put(key, make_video("suspected", seconds=LONG_S))
    away = StorageUnavailableError("storage_unavailable", "x")
    with monkeypatch.context() as patch:
        patch.setattr(world.storage, "start_fan_out", lambda *_: raise_(away))
        assert world.deliver(key)
    assert world.status(analysis_id)["status"] == "queued"
    assert not world.deliver(key)
    assert world.run_started().status == "SUCCEEDED"


def test_workers_at_the_same_time_write_one_record(world: DividedWorld) -> None:
    analysis_id = world.upload()
    barrier = threading.Barrier(4, timeout=30)
    last = world.engine.on_frame

    def meet(frame: int) -> None:
        last(frame)
        if frame == 19:
            # They all end in the same moment.
            barrier.wait()

    world.engine.on_frame = meet
    assert world.run_started(threads=4).status == "SUCCEEDED"
    assert world.status(analysis_id)["summary"]["frames_processed"] == 2190
    assert world.list_parts() == set()


def test_a_job_asks_for_what_its_caller_knows(world: DividedWorld) -> None:
    world.upload()
    document = json.loads(next(iter(world.storage.started.values())))
    # A part of which there is no plan: it may be lost, or not yet there.
    with pytest.raises(JobFailedError, match=r"^part_damaged$"):
        world.carry_out(SEGMENTS, {"job": "part", "part": "0", **document})


# With the models


@pytest.mark.slow
def test_a_recording_that_is_divided_has_the_result_of_one_that_is_not(
    engine: "Engine", clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a real video, by real parts, in any order, with workers that are killed."""
    monkeypatch.setattr(division, "SEGMENT_S", 0.5)
    for module in (blocks, segments):
        monkeypatch.setattr(module, "BLOCK_FRAMES", 30)
        monkeypatch.setattr(module, "RUN_IN_FRAMES", 10)
    options = {"x264-params": "keyint=12:min-keyint=12:scenecut=0"}
    clip = encode(tmp_path / "clip.mp4", list(read_images(clips / "short.mp4")), **options)
    world = DividedWorld(DividingStorage(tmp_path / "data"), engine, tmp_path / "work")
    for user in ("one", "many"):
        world.put(f"users/{user}/a.mp4", clip.read_bytes())
    body = {"action": "process_s3_file", "report": True}
    _, single = world.ask("POST", "/analyze", {**body, "s3_key": "users/one/a.mp4"}, "one")
    fan_out = {**body, "s3_key": "users/many/a.mp4", "fan_out": True}
    status, answer = world.ask("POST", "/analyze", fan_out, "many")
    assert status == 202
    chaos = Chaos(seed=1, kill_before=0.1, kill_after=0.1, twice=0.3)
    assert world.run_started(chaos=chaos, threads=2).status == "SUCCEEDED"
    assert world.machine is not None
    assert world.machine.visited.count("TrackPart") >= 5
    joined = world.status(answer["analysis_id"], "many")
    assert joined["summary"] == single["summary"]
    assert joined["summary"]["video_sha256"] == hashlib.sha256(clip.read_bytes()).hexdigest()
    for name in ("csv_path", "blinks_path"):
        assert Path(joined[name]).read_bytes() == Path(single[name]).read_bytes()
    # The report shows the same pictures of the eyes.
    pictures = [
        re.findall(r'src="data:image/jpeg;base64,[^"]+"', Path(one["report_path"]).read_text())
        for one in (single, joined)
    ]
    assert pictures[0] == pictures[1]
    assert world.list_parts() == set()
    world.storage.close()
