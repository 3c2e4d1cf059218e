"""The executor of state machines: strict about what it does not know, and right in what it does."""

import json
from typing import Any

import pytest

from tests.deploy.test_template import properties, resolve
from tests.state_machine import (
    MAX_STATE_BYTES,
    Chaos,
    DefinitionError,
    Machine,
    StateError,
    check_definition,
)

TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "arn:aws:lambda:r:1:function:f", "Payload": {"n.$": "$.n"}},
    "End": True,
}


def flow(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def failing(*errors: str) -> Any:
    """Return a function that fails with these errors, one after the other, and then answers."""
    left = list(errors)

    def invoke(_name: str, event: Any) -> Any:
        if left:
            raise StateError(left.pop(0))
        return {"doubled": 2 * event["n"]}

    return invoke


@pytest.mark.parametrize(
    "wrong",
    [
        {"Type": "Parallel", "Branches": [], "End": True},
        {"Type": "Pass", "InputPath": "$.a", "End": True},
        {"Type": "Pass"},
        {"Type": "Pass", "Next": "Nowhere"},
        {**TASK, "TimeoutSeconds": 3},
        {**TASK, "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}]},
        {**TASK, "Retry": [{"ErrorEquals": ["A"], "Other": 1}]},
        {**TASK, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Nowhere"}]},
    ],
)
def test_what_it_does_not_know_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError):
        Machine(flow(Wrong=wrong), failing()).run({"n": 1})


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Parameters": {"a.$": "States.UUID()"}, "End": True},
        {"Type": "Pass", "Parameters": {"a.$": "$.n[0]"}, "End": True},
        {**TASK, "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"},
        {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "IsNull": True, "Next": "Task"}],
            "Default": "Task",
        },
    ],
)
def test_so_is_what_it_meets_on_the_way(state: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError):
        Machine(flow(State=state, Task=TASK), failing()).run({"n": 1})


def test_the_templates_definitions_are_known() -> None:
    for name in ("FanOut", "Cohort"):
        check_definition(resolve(properties(name)["Definition"]))


def test_a_task_is_tried_again_as_its_retriers_say() -> None:
    retry = [
        {"ErrorEquals": ["Final"], "MaxAttempts": 0},
        {"ErrorEquals": ["A"], "IntervalSeconds": 3, "BackoffRate": 2, "MaxAttempts": 3},
        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxDelaySeconds": 7},
    ]
    caught = {"Type": "Pass", "End": True}
    task = {
        **TASK,
        "Retry": retry,
        "ResultPath": "$.answer",
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Caught"}],
    }
    states = flow(Task=task, Caught=caught)
    # Each retrier counts for itself: 3, 6 and 12 s of the first, 5 and 7 s of the last.
    machine = Machine(states, failing("A", "B", "A", "B", "A"))
    done = machine.run({"n": 4})
    assert done.output == {"n": 4, "answer": {"StatusCode": 200, "Payload": {"doubled": 8}}}
    assert machine.waited_s == 3 + 6 + 12 + 5 + 7
    done = Machine(states, failing("A", "A", "A", "A")).run({"n": 4})
    assert done.output == {"n": 4, "error": {"Error": "A", "Cause": ""}}
    machine = Machine(states, failing("Final"))
    assert machine.run({"n": 4}).output["error"]["Error"] == "Final"
    assert machine.waited_s == 0
    del task["Catch"]
    done = Machine(flow(Task=task), failing("Final")).run({"n": 4})
    assert (done.status, done.error) == ("FAILED", "Final")


def make_map(**more: Any) -> dict[str, Any]:
    task = {**TASK, "ResultSelector": {"doubled.$": "$.Payload.doubled"}}
    return flow(
        Map={
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemSelector": {"n.$": "$$.Map.Item.Value"},
            "MaxConcurrencyPath": "$.workers",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                **flow(Task=task),
            },
            "End": True,
            **more,
        }
    )


def test_a_map_gives_its_results_in_order_whatever_order_it_runs_in() -> None:
    seen: list[int] = []

    def invoke(_name: str, event: Any) -> Any:
        seen.append(event["n"])
        return {"doubled": 2 * event["n"]}

    machine = Machine(make_map(), invoke, chaos=Chaos(seed=3, twice=0.5))
    done = machine.run({"items": list(range(20)), "workers": 4})
    assert done.output == [{"doubled": 2 * n} for n in range(20)]
    assert sorted(set(seen)) == list(range(20))
    assert seen != sorted(seen)
    assert 20 < len(seen) < 40


def test_a_map_fails_with_more_items_than_are_tolerated() -> None:
    def invoke(_name: str, event: Any) -> Any:
        if event["n"] in (2, 5):
            raise ValueError("odd")
        return {"doubled": 0}

    given = {"items": list(range(9)), "workers": 4, "percent": 25}
    done = Machine(make_map(), invoke).run(given)
    assert (done.status, done.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    done = Machine(make_map(ToleratedFailureCount=2), invoke).run(given)
    assert len(done.output) == 7
    done = Machine(make_map(ToleratedFailurePercentagePath="$.percent"), invoke).run(given)
    assert len(done.output) == 7


def test_a_state_that_gives_too_much_fails() -> None:
    large = "x" * MAX_STATE_BYTES
    done = Machine(flow(Task=TASK), lambda *_: {"large": large}).run({"n": 1})
    assert done.error == "States.DataLimitExceeded"
    most = {"n": "x" * (MAX_STATE_BYTES - len(json.dumps({"n": ""})))}
    assert Machine(flow(Pass={"Type": "Pass", "End": True}), failing()).run(most).output == most
