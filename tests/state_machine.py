"""Run a state machine of template.yaml in this process, as Step Functions would.

It knows the states, fields and functions that the template uses, and refuses all others, so that
nothing of a definition is passed over. Waits take no time. What it invokes may be killed, the items
of a map run in any order, some of them twice: see `Chaos`.
"""

import fnmatch
import json
import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

MAX_STATE_BYTES = 256 * 1024
"""Most that a state may take or give, as JSON."""
KILLED = "Sandbox.Timedout"
FIELDS = {
    "Pass": {"Result", "ResultPath", "Parameters", "Next", "End"},
    "Task": {
        *("Resource", "Parameters", "ResultSelector", "ResultPath", "Retry", "Catch"),
        *("Next", "End"),
    },
    "Choice": {"Choices", "Default"},
    "Wait": {"Seconds", "SecondsPath", "Next", "End"},
    "Succeed": set(),
    "Fail": {"Error", "Cause", "CausePath"},
    "Map": {
        *("ItemsPath", "ItemReader", "ItemSelector", "ItemProcessor", "MaxConcurrencyPath"),
        *("ToleratedFailureCount", "ToleratedFailurePercentagePath", "ResultWriter"),
        *("ResultPath", "Catch", "Next", "End"),
    },
}
"""The fields that each type of state may have, besides `Type`."""
RETRY_FIELDS = {
    *("ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "MaxAttempts"),
    "JitterStrategy",
}


class DefinitionError(Exception):
    """The definition has something that this executor does not know."""


class StateError(Exception):
    """A state failed, as Step Functions names it."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(f"{name}: {cause}")
        self.name, self.cause = name, cause


class StoppedError(Exception):
    """The execution was stopped."""


@dataclass
class Chaos:
    """What goes wrong, at random but the same for each seed.

    Attributes
    ----------
    kill_before, kill_after : float
        Share of the invocations that never begin, and whose answer is lost.
    twice : float
        Share of the items of a map that run twice.
    """

    seed: int = 0
    kill_before: float = 0.0
    kill_after: float = 0.0
    twice: float = 0.0
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)


@dataclass
class Execution:
    """How an execution ended."""

    status: str
    output: Any = None
    error: str = ""
    cause: str = ""


@dataclass
class Machine:
    """A state machine.

    Attributes
    ----------
    definition : dict
        With all of CloudFormation's functions resolved.
    invoke : callable
        Takes a function's name and an event; its exceptions are those of the function.
    list_keys : callable
        Returns the keys below a prefix of the bucket.
    put : callable
        Writes an object: its key and its content.
    chaos : Chaos
    threads : int
        How many items of a map run at the same time.
    """

    definition: dict[str, Any]
    invoke: Callable[[str, Any], Any]
    list_keys: Callable[[str], list[str]] = lambda _prefix: []
    put: Callable[[str, bytes], None] = lambda _key, _content: None
    chaos: Chaos = field(default_factory=Chaos)
    threads: int = 1
    waited_s: float = 0.0
    is_stopped: bool = False
    visited: list[str] = field(default_factory=list)

    def run(self, given: Any, name: str = "execution") -> Execution:
        """Run an execution to its end."""
        check_definition(self.definition)
        context = {"Execution": {"Name": name, "StartTime": "2026-11-28T21:30:00.123Z"}}
        try:
            return Execution("SUCCEEDED", self._run_states(self.definition, given, context))
        except StoppedError:
            return Execution("ABORTED")
        except StateError as error:
            return Execution("FAILED", error=error.name, cause=error.cause)

    def _run_states(self, flow: dict[str, Any], given: Any, context: dict[str, Any]) -> Any:
        name, value = flow["StartAt"], given
        while True:
            if self.is_stopped:
                raise StoppedError
            state = flow["States"][name]
            self.visited.append(name)
            check_size(value)
            try:
                value, following = self._run_state(state, value, context)
            except StateError as error:
                caught = find_handler(state.get("Catch", []), error)
                if caught is None:
                    raise
                result = {"Error": error.name, "Cause": error.cause}
                value = put_at(value, caught.get("ResultPath", "$"), result)
                following = caught["Next"]
            check_size(value)
            if following is None:
                return value
            name = following

    def _run_state(
        self, state: dict[str, Any], value: Any, context: dict[str, Any]
    ) -> tuple[Any, str | None]:
        following = state.get("Next")
        match state["Type"]:
            case "Pass":
                result = state.get("Result", value)
                if "Parameters" in state:
                    result = fill(state["Parameters"], value, context)
                return put_at(value, state.get("ResultPath", "$"), result), following
            case "Task":
                result = self._retried(state, value, context)
                if "ResultSelector" in state:
                    result = fill(state["ResultSelector"], result, context)
                return put_at(value, state.get("ResultPath", "$"), result), following
            case "Choice":
                for choice in state["Choices"]:
                    if decide(choice, value):
                        return value, choice["Next"]
                return value, state["Default"]
            case "Wait":
                path = state.get("SecondsPath")
                self.waited_s += state["Seconds"] if path is None else read(path, value, context)
                return value, following
            case "Succeed":
                return value, None
            case "Map":
                result = self._map(state, value, context)
                return put_at(value, state.get("ResultPath", "$"), result), following
        cause = state.get("Cause", "")
        if "CausePath" in state:
            cause = evaluate(state["CausePath"], value, context)
        raise StateError(state["Error"], cause)

    def _retried(self, state: dict[str, Any], value: Any, context: dict[str, Any]) -> Any:
        """Carry out a task, and again as its retriers say."""
        if not state["Resource"].endswith(":states:::lambda:invoke"):
            raise DefinitionError(f"the resource {state['Resource']}")
        parameters = fill(state["Parameters"], value, context)
        tried: dict[int, int] = {}
        while True:
            try:
                return {"StatusCode": 200, "Payload": self._invoke(**parameters)}
            except StateError as error:
                retrier = find_handler(state.get("Retry", []), error)
                if retrier is None or self.is_stopped:
                    raise
                count = tried.setdefault(id(retrier), 0)
                if count >= retrier.get("MaxAttempts", 3):
                    raise
                tried[id(retrier)] += 1
                delay_s = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2) ** count
                self.waited_s += min(delay_s, retrier.get("MaxDelaySeconds", delay_s))

    def _invoke(self, FunctionName: str, Payload: Any) -> Any:  # noqa: N803
        check_size(Payload)
        before, after = self.chaos.rng.random(), self.chaos.rng.random()
        if before < self.chaos.kill_before:
            raise StateError(KILLED)
        try:
            answer = self.invoke(FunctionName.rpartition(":")[2], json.loads(json.dumps(Payload)))
        except StateError:
            raise
        except Exception as error:
            cause = {"errorMessage": str(error), "errorType": type(error).__name__}
            raise StateError(type(error).__name__, json.dumps(cause)) from error
        if after < self.chaos.kill_after:
            raise StateError(KILLED)
        answer = json.loads(json.dumps(answer))
        check_size(answer)
        return answer

    def _map(self, state: dict[str, Any], value: Any, context: dict[str, Any]) -> Any:
        items = self._read_items(state, value, context)
        indices = [
            n
            for n in range(len(items))
            for _ in range(1 + (self.chaos.rng.random() < self.chaos.twice))
        ]
        self.chaos.rng.shuffle(indices)
        tolerated = state.get("ToleratedFailureCount", 0)
        if "ToleratedFailurePercentagePath" in state:
            share = read(state["ToleratedFailurePercentagePath"], value, context)
            tolerated = len(items) * share / 100
        done: dict[int, Any] = {}
        failed: dict[int, tuple[Any, StateError]] = {}

        def run_item(index: int) -> None:
            if len(failed) > tolerated and index not in done:
                # The map has failed: what has not begun never does.
                return
            inner = {**context, "Map": {"Item": {"Value": items[index], "Index": index}}}
            given = fill(state["ItemSelector"], value, inner)
            try:
                # Of what runs twice, the first answer counts.
                done.setdefault(index, self._run_states(state["ItemProcessor"], given, inner))
            except StateError as error:
                if index not in done:
                    failed[index] = (given, error)

        if self.threads == 1:
            for index in indices:
                run_item(index)
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(run_item, indices))
        failed = {index: one for index, one in failed.items() if index not in done}
        if len(failed) > tolerated:
            raise StateError("States.ExceedToleratedFailureThreshold", "more items failed")
        if "ResultWriter" in state:
            return self._write_results(state["ResultWriter"], done, failed)
        return [done[index] for index in sorted(done)]

    def _read_items(self, state: dict[str, Any], value: Any, context: dict[str, Any]) -> list[Any]:
        if read(state["MaxConcurrencyPath"], value, context) < 1:
            raise StateError("States.Runtime", "no concurrency")
        if "ItemReader" not in state:
            items: list[Any] = read(state["ItemsPath"], value, context)
            return items
        reader = state["ItemReader"]
        if not reader["Resource"].endswith(":states:::s3:listObjectsV2"):
            raise DefinitionError(f"the resource {reader['Resource']}")
        asked = fill(reader["Parameters"], value, context)
        return [{"Key": key} for key in self.list_keys(asked["Prefix"])]

    def _write_results(
        self,
        writer: dict[str, Any],
        done: dict[int, Any],
        failed: dict[int, tuple[Any, StateError]],
    ) -> Any:
        """Write the results as Step Functions does: a manifest, and lines of JSON.

        With the transformation COMPACT, an item that succeeded is its output alone; of one that
        failed, everything is kept.
        """
        if writer["WriterConfig"] != {"Transformation": "COMPACT", "OutputType": "JSONL"}:
            raise DefinitionError("WriterConfig")
        bucket, prefix = writer["Parameters"]["Bucket"], writer["Parameters"]["Prefix"]
        folder = f"{prefix}/0a1b2c3d"
        lines = {
            "SUCCEEDED": [done[index] for index in sorted(done)],
            "FAILED": [
                {
                    "Input": json.dumps(given),
                    "Error": error.name,
                    "Cause": error.cause,
                    "Status": "FAILED",
                }
                for given, error in failed.values()
            ],
            "PENDING": [],
        }
        files: dict[str, list[dict[str, Any]]] = {}
        for status, rows in lines.items():
            files[status] = []
            if rows:
                # The last line has no end, which is the harder case.
                content = "\n".join(map(json.dumps, rows)).encode()
                key = f"{folder}/{status}_0.jsonl"
                self.put(key, content)
                files[status].append({"Key": key, "Size": len(content)})
        manifest = {"DestinationBucket": bucket, "MapRunArn": "arn", "ResultFiles": files}
        self.put(f"{folder}/manifest.json", json.dumps(manifest).encode())
        return {
            "MapRunArn": "arn",
            "ResultWriterDetails": {"Bucket": bucket, "Key": f"{folder}/manifest.json"},
        }


# What a definition may hold


def check_definition(flow: dict[str, Any]) -> None:
    """Refuse a definition with a state, a field or a target that is not known."""
    states = flow["States"]
    for name, state in states.items():
        if state["Type"] not in FIELDS:
            raise DefinitionError(f"{name} is of type {state['Type']}")
        if unknown := state.keys() - FIELDS[state["Type"]] - {"Type", "Comment"}:
            raise DefinitionError(f"{name} has {', '.join(sorted(unknown))}")
        for retrier in state.get("Retry", []):
            if unknown := retrier.keys() - RETRY_FIELDS:
                raise DefinitionError(f"{name} has a retrier with {', '.join(sorted(unknown))}")
        check_handlers(name, state)
        ends = state["Type"] in ("Succeed", "Fail", "Choice") or state.get("End") is True
        if ends == ("Next" in state):
            raise DefinitionError(f"{name} has no end, or two")
        for target in find_targets(state):
            if target not in states:
                raise DefinitionError(f"{name} leads to {target}, which is not there")
        if state["Type"] == "Map":
            processor = state["ItemProcessor"]
            if processor["ProcessorConfig"]["Mode"] != "DISTRIBUTED":
                raise DefinitionError(f"{name} is not distributed")
            check_definition(processor)
    if flow["StartAt"] not in states:
        raise DefinitionError("StartAt")


def check_handlers(name: str, state: dict[str, Any]) -> None:
    """Refuse retriers and catchers that Step Functions refuses."""
    for kind in ("Retry", "Catch"):
        handlers = state.get(kind, [])
        for handler in handlers:
            alone = handler["ErrorEquals"] == ["States.ALL"] and handler is handlers[-1]
            if "States.ALL" in handler["ErrorEquals"] and not alone:
                raise DefinitionError(f"{name}: States.ALL stands alone, and last")


def find_targets(state: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the states that may follow."""
    for one in (state, *state.get("Choices", []), *state.get("Catch", [])):
        if "Next" in one:
            yield one["Next"]
    if "Default" in state:
        yield state["Default"]


def find_handler(handlers: list[dict[str, Any]], error: StateError) -> dict[str, Any] | None:
    """Return the first retrier or catcher for an error."""
    for one in handlers:
        if error.name in one["ErrorEquals"] or one["ErrorEquals"] == ["States.ALL"]:
            return one
    return None


def check_size(value: Any) -> None:
    """Fail as Step Functions does if a state takes or gives too much."""
    if len(json.dumps(value).encode()) > MAX_STATE_BYTES:
        raise StateError("States.DataLimitExceeded")


# Paths and functions

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "JsonMerge": lambda first, second, _deep: {**first, **second},
    "StringToJson": json.loads,
    "JsonToString": json.dumps,
    "MathAdd": lambda first, second: first + second,
    "Array": lambda *values: list(values),
    "ArrayGetItem": lambda values, index: values[index],
}


def read(path: str, value: Any, context: dict[str, Any]) -> Any:
    """Return what a path such as ``$.a.b`` or ``$$.Execution.Name`` leads to."""
    if not re.fullmatch(r"\$\$?(\.[A-Za-z_]+)*", path):
        raise DefinitionError(f"the path {path}")
    found = context if path.startswith("$$") else value
    for part in path.split(".")[1:]:
        if not isinstance(found, dict) or part not in found:
            raise StateError("States.Runtime", f"{path} leads nowhere in {value}")
        found = found[part]
    return found


def evaluate(text: str, value: Any, context: dict[str, Any]) -> Any:
    """Return the value of a path or of an intrinsic function."""
    if text.startswith("$"):
        return read(text, value, context)
    if re.fullmatch(r"-?[0-9]+", text):
        return int(text)
    if text in ("true", "false"):
        return text == "true"
    if text.startswith("'"):
        return text.strip("'")
    found = re.fullmatch(r"States\.([A-Za-z]+)\((.*)\)", text)
    if not found or found[1] not in FUNCTIONS:
        raise DefinitionError(f"the function {text}")
    arguments = [evaluate(one, value, context) for one in split_arguments(found[2])]
    return FUNCTIONS[found[1]](*arguments)


def split_arguments(text: str) -> Iterator[str]:
    """Yield the arguments of a function, which may be functions themselves."""
    depth, begun = 0, 0
    for position, character in enumerate(text + ","):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            yield text[begun:position].strip()
            begun = position + 1


def fill(template: Any, value: Any, context: dict[str, Any]) -> Any:
    """Return a payload template with its paths replaced."""
    if isinstance(template, list):
        return [fill(one, value, context) for one in template]
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): evaluate(one, value, context)
        if key.endswith(".$")
        else fill(one, value, context)
        for key, one in template.items()
    }


def put_at(value: Any, path: str, result: Any) -> Any:
    """Return the value with the result where a path says."""
    if path == "$":
        return result
    name = path.removeprefix("$.")
    if not re.fullmatch("[A-Za-z_]+", name):
        raise DefinitionError(f"the path {path}")
    return {**value, name: result}


def decide(choice: dict[str, Any], value: Any) -> bool:
    """Return whether a choice's condition holds."""
    known = {"And", "Or", "Not", "IsPresent", "StringEquals", "StringMatches", "NumericLessThan"}
    if unknown := choice.keys() - known - {"Variable", "Next"}:
        raise DefinitionError(f"the condition {', '.join(unknown)}")
    if "And" in choice:
        return all(decide(one, value) for one in choice["And"])
    if "Or" in choice:
        return any(decide(one, value) for one in choice["Or"])
    if "Not" in choice:
        return not decide(choice["Not"], value)
    if "IsPresent" in choice:
        try:
            read(choice["Variable"], value, {})
        except StateError:
            return not choice["IsPresent"]
        return bool(choice["IsPresent"])
    found = read(choice["Variable"], value, {})
    if "NumericLessThan" in choice:
        return isinstance(found, int | float) and found < choice["NumericLessThan"]
    if "StringEquals" in choice:
        return bool(found == choice["StringEquals"])
    return isinstance(found, str) and fnmatch.fnmatchcase(found, choice["StringMatches"])
