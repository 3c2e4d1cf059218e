"""The parameters of an analysis and their ranges. Imports nothing heavy."""

from dataclasses import dataclass, fields, replace
from typing import Literal, TypedDict

from tracker.protocol import TASKS, Phase, Task

NOMINAL_EAR = 0.24
"""Lid opening to which `blink_thresh` refers: a typical open eye."""
NOMINAL_FPS = 30
"""Frame rate to which `blink_min_frames` refers."""

RANGES: dict[str, tuple[float, float]] = {
    "step": (1, 30),
    "vpp_thresh": (0.001, 1),
    "blink_thresh": (0.05, 0.23),
    "max_frames": (1, 216_000),
    "blink_min_frames": (1, 15),
}
"""Least and largest value of each number."""
CHOICES: dict[str, tuple[str, ...]] = {"blink_baseline": ("adaptive", "fixed"), "task": TASKS}
"""The values of the others."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of an analysis, as the API names them.

    Attributes
    ----------
    step : int
        Analyse every `step`-th frame; 1-30.
    vpp_thresh : float
        A vertical peak-to-peak below this supports the suspicion; canthal distances, 0.001-1.
    blink_thresh : float
        EAR that closes an eye of nominal openness (`NOMINAL_EAR`); 0.05-0.23.
    max_frames : int
        Largest number of frames to analyse; 1-216,000.
    blink_min_frames : int
        Shortest closure in frames at 30 fps; 1-15.
    blink_baseline : {"adaptive", "fixed"}
        Whether `blink_thresh` is scaled with the person's own open-eye EAR, or absolute.
    protocol : tuple of Phase
        What the person was asked to do, and when, from `tracker.protocol.parse_protocol`. Empty if
        the times are not known.
    task : {"up_down", "unknown"}
        What the person was asked to do, if there is no protocol. If it is unknown, a small range
        supports nothing.
    task_assumed : bool
        True if nobody said so and the task is an assumption of the API.

    Raises
    ------
    ValueError
        A value is out of its range. The message says the range.
    TypeError
        A value has the wrong type.

    Examples
    --------
    >>> import tracker
    >>> tracker.Parameters(step=2).vpp_thresh
    0.06
    >>> tracker.Parameters(step=0)
    Traceback (most recent call last):
        ...
    ValueError: step is 0, expected 1 to 30
    """

    step: int = 1
    vpp_thresh: float = 0.06
    blink_thresh: float = 0.18
    max_frames: int = 12_000
    blink_min_frames: int = 2
    blink_baseline: Literal["adaptive", "fixed"] = "adaptive"
    protocol: tuple[Phase, ...] = ()
    task: Task = "unknown"
    task_assumed: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "protocol":
                if not (isinstance(value, tuple) and all(isinstance(one, Phase) for one in value)):
                    raise TypeError(
                        f"protocol is {value!r}, expected a tuple of Phase: "
                        "tracker.protocol.parse_protocol makes it"
                    )
                continue
            if field.name in CHOICES:
                if value not in CHOICES[field.name]:
                    expected = " or ".join(CHOICES[field.name])
                    raise ValueError(f"{field.name} is {value!r}, expected {expected}")
                continue
            if field.name == "task_assumed":
                if not isinstance(value, bool):
                    raise TypeError(f"task_assumed is {value!r}, expected true or false")
                continue
            whole = field.type is int
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                kind = "a whole number" if whole else "a number"
                raise TypeError(f"{field.name} is {value!r}, expected {kind}")
            low, high = RANGES[field.name]
            if not low <= value <= high:
                raise ValueError(f"{field.name} is {value}, expected {low} to {high}")
        if self.task_assumed and self.task == "unknown":
            raise ValueError("task_assumed is true, expected a task that is assumed")

    def complete(self, protocol: tuple[Phase, ...], task: Task) -> "Parameters":
        """Return these parameters with the protocol and the task of a track where they lack one."""
        known = self.task != "unknown" and not self.task_assumed
        if known or task == "unknown":
            return replace(self, protocol=self.protocol or protocol)
        return replace(self, protocol=self.protocol or protocol, task=task, task_assumed=False)

    @property
    def close_ratio(self) -> float:
        """Lid opening over baseline below which an eye closes."""
        return self.blink_thresh / NOMINAL_EAR

    @property
    def shortest_closure_s(self) -> float:
        """`blink_min_frames` in seconds, minus half a frame because timestamps are rounded."""
        return (self.blink_min_frames - 0.5) / NOMINAL_FPS


class ParameterValues(TypedDict, total=False):
    """Single parameters as keywords; the fields of `Parameters`."""

    step: int
    vpp_thresh: float
    blink_thresh: float
    max_frames: int
    blink_min_frames: int
    blink_baseline: Literal["adaptive", "fixed"]
    protocol: tuple[Phase, ...]
    task: Task
    task_assumed: bool
