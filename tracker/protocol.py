"""What the person in a video was asked to do, and when. This module is quick to import."""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

PHASES = ("up", "down", "left", "right", "fixate", "rest")
VERTICAL_PHASES = ("up", "down")
HORIZONTAL_PHASES = ("left", "right")
FIXATION_PHASES = ("fixate",)
REST_PHASES = ("rest",)
RESTING_PHASES = FIXATION_PHASES + REST_PHASES
MAX_TIME_S = 24 * 3600.0

Task = Literal["up_down", "extended", "unknown"]
"""What the person was asked to do, as far as the caller knows it.

``up_down``: to look up and down as far as possible. ``extended``: the longer task of
`GUIDED_TASKS`. A protocol says at which times. ``unknown``: the person may have done anything. A
new task must also be added to `tracker.measures.basis`, which says what its verdict rests on.
"""
TASKS: tuple[Task, ...] = get_args(Task)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a guided task: instructions that follow one another without a pause.

    Attributes
    ----------
    name : str
        What the part is called; the web client says it before the part begins.
    instructions : tuple of (str, float)
        In order: the phase that the person is asked for, one of `PHASES`, and how many seconds it
        lasts.
    """

    name: str
    instructions: tuple[tuple[str, float], ...]


READY_S = 3.0
"""Time to get ready before the recording begins."""
PAUSE_S = 3.0
"""Pause between two parts. The recording goes on, so that all times stay on one clock."""
GUIDED_TASKS: dict[Task, tuple[Part, ...]] = {
    "up_down": (Part("up_down", (("fixate", 3.0), ("up", 10.0), ("down", 10.0))),),
    "extended": (
        Part("fixation", (("fixate", 10.0),)),
        Part("vertical", 4 * (("up", 2.0), ("down", 2.0))),
        Part("horizontal", 4 * (("left", 2.0), ("right", 2.0))),
        Part("hold", (("up", 5.0), ("down", 5.0))),
        Part("rest", (("rest", 60.0),)),
    ),
}
"""What an app asks for, and for how long. ``make docs`` writes it into the web client."""
EXTENDED_FRAMES = 36_000
"""Frames that are always analysed of the task ``extended``: 150 s at 240 frames a second.

With its pauses, the task takes 124 s.
"""


@dataclass(frozen=True, slots=True)
class Phase:
    """One instruction to the person, and the time for which it held.

    Attributes
    ----------
    phase : str
        One of `PHASES`. ``up``, ``down``, ``left`` (the subject's own left) and ``right``: look as
        far as possible in that direction. ``fixate``: look at the camera. ``rest``: look anywhere.
    start_s, end_s : float
        When it began and ended, in seconds since the video's first frame.

    Raises
    ------
    ValueError
        The phase is unknown, or the times are not ``0 <= start_s < end_s <= MAX_TIME_S`` (a day).
    TypeError
        A time is not a number.
    """

    phase: str
    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if self.phase not in PHASES:
            raise ValueError(f"phase is {self.phase!r}, expected one of {', '.join(PHASES)}")
        for name in ("start_s", "end_s"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{name} is {value!r}, expected a number of seconds")
        if not 0 <= self.start_s < self.end_s <= MAX_TIME_S:
            raise ValueError(
                f"phase {self.phase} lasts from {self.start_s} to {self.end_s} s, expected "
                f"0 <= start_s < end_s <= {MAX_TIME_S:g}"
            )


def plan_protocol(task: Task) -> tuple[Phase, ...]:
    """Return the phases of a guided task as planned, if it begins with the video's first frame.

    Parameters
    ----------
    task : {"up_down", "extended"}
        A key of `GUIDED_TASKS`, which says what is asked for, and for how long. Not ``unknown``.

    Returns
    -------
    tuple of Phase
        In order of time. The pauses of `PAUSE_S` between the parts of a task belong to no phase.

    Examples
    --------
    >>> from tracker.protocol import plan_protocol
    >>> [(one.phase, one.start_s, one.end_s) for one in plan_protocol("up_down")]
    [('fixate', 0.0, 3.0), ('up', 3.0, 13.0), ('down', 13.0, 23.0)]
    """
    phases: list[Phase] = []
    for part in GUIDED_TASKS[task]:
        start_s = phases[-1].end_s + PAUSE_S if phases else 0.0
        for phase, seconds in part.instructions:
            phases.append(Phase(phase, start_s, start_s + seconds))
            start_s += seconds
    return tuple(phases)


def parse_protocol(items: Any) -> tuple[Phase, ...]:
    """Check a protocol that was read from JSON.

    Parameters
    ----------
    items : list of dict
        The phases in order of time, without overlap; gaps between them are allowed. Each dict has
        exactly the keys ``phase``, ``start_s`` and ``end_s``, which `Phase` explains.

    Returns
    -------
    tuple of Phase
        The same phases, in the same order; empty if the list is.

    Raises
    ------
    ValueError, TypeError
        `items` is not such a list. The message says what is wrong, and what is expected.
    """
    expected = 'expected a list of {"phase": …, "start_s": …, "end_s": …}'
    if not isinstance(items, list):
        raise TypeError(f"protocol is {type(items).__name__}, {expected}")
    phases = []
    for index, item in enumerate(items):
        if not isinstance(item, dict) or set(item) != {"phase", "start_s", "end_s"}:
            raise ValueError(f"protocol[{index}] is {item!r}, {expected}")
        try:
            phases.append(Phase(**item))
        except (ValueError, TypeError) as error:
            raise type(error)(f"protocol[{index}]: {error}") from error
    for before, after in itertools.pairwise(phases):
        if after.start_s < before.end_s:
            raise ValueError(
                f"protocol: {after.phase} begins at {after.start_s} s, before {before.phase} ends "
                f"at {before.end_s} s, expected phases in order"
            )
    return tuple(phases)


def read_protocol(path: Path) -> tuple[Phase, ...]:
    """Read a protocol (what the person was asked to do, and when) from a file.

    A file whose name ends in ``.tsv`` is a BIDS table of events; any other is JSON, as
    `parse_protocol` takes it. A row of the table is a phase. Its `onset`, from the video's first
    frame, and its `duration`, both in seconds, say when the phase was, and its `trial_type` names
    it: ``up``, for example. Rows whose `trial_type` is ``n/a`` are left out. A table without a
    phase is refused; an empty JSON list is an empty protocol.

    Raises
    ------
    ValueError, TypeError
        The file cannot be read, or it does not hold a protocol.
    """
    if path.suffix.lower() == ".tsv":
        return parse_protocol(_read_events(path))
    try:
        items = json.loads(path.read_text(encoding="utf-8"))
    # Too many nested brackets raise RecursionError.
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"protocol {path}: cannot be read as JSON ({error})") from error
    return parse_protocol(items)


def _read_events(path: Path) -> list[dict[str, Any]]:
    """Return the phases of a BIDS table of events, as `parse_protocol` takes them.

    That is a dict with ``phase``, ``start_s`` and ``end_s`` for each row, except rows whose
    `trial_type` is ``n/a``. Raise a ValueError if the file cannot be read as such a table, or holds
    no phase. The names and times of the phases are not checked.
    """
    import csv

    items = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file, delimiter="\t", strict=True):
                if row["trial_type"] == "n/a":
                    continue
                start_s, duration_s = float(row["onset"]), float(row["duration"])
                # To the microsecond, so that phases without a pause between them do not overlap.
                times = {"start_s": round(start_s, 6), "end_s": round(start_s + duration_s, 6)}
                items.append({"phase": row["trial_type"], **times})
    except KeyError as error:
        raise ValueError(
            f"protocol {path}: has no column {error}, expected onset, duration and trial_type"
        ) from error
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise ValueError(f"protocol {path}: cannot be read as a table ({error})") from error
    if not items:
        raise ValueError(f"protocol {path}: the table has no phase")
    return items
