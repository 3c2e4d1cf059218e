"""The parameters of an analysis and their allowed values. This module is quick to import."""

from dataclasses import dataclass, fields, replace
from typing import Literal, TypedDict

from tracker.protocol import EXTENDED_FRAMES, TASKS, Phase, Task

NOMINAL_EAR = 0.24
"""EAR (lid opening) of a typical open eye. `blink_thresh` is meant for an eye that is this open."""
NOMINAL_FPS = 30
"""Frame rate at which `blink_min_frames` counts frames, whatever the video's own rate is."""

RANGES: dict[str, tuple[float, float]] = {
    "step": (1, 30),
    "vpp_thresh": (0.001, 1),
    "blink_thresh": (0.05, 0.23),
    "max_frames": (1, 216_000),
    "blink_min_frames": (1, 15),
}
"""Least and largest allowed value of each parameter that is a number."""
CHOICES: dict[str, tuple[str, ...]] = {"blink_baseline": ("adaptive", "fixed"), "task": TASKS}
"""Allowed values of each parameter that is a text."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of an analysis, as the API names them.

    Attributes
    ----------
    step : int
        Analyse every `step`-th frame; 1-30. A step of 1, and no other, is raised until `max_frames`
        cover the video.
    vpp_thresh : float
        A vertical range of the gaze (peak-to-peak) below this supports the suspicion of PSP; in
        canthal distances (from corner to corner of an eye), 0.001-1.
    blink_thresh : float
        Eye aspect ratio (EAR: lid opening over eye width) below which an eye of typical openness
        (`NOMINAL_EAR`) counts as closed; 0.05-0.23.
    max_frames : int
        Largest number of frames to analyse; 1-216,000. It is raised for the task ``extended`` (see
        `most_frames`) and, if it has its default value, for a recording whose length is known (see
        `cover_whole`).
    blink_min_frames : int
        Shortest closure that counts, in frames at 30 fps, whatever the video's rate is; 1-15.
    blink_baseline : {"adaptive", "fixed"}
        Whether `blink_thresh` is scaled with the EAR of the person's own open eyes (adaptive) or
        used as it is (fixed).
    protocol : tuple of Phase
        What the person was asked to do, and when, from `tracker.protocol.parse_protocol`. Empty if
        the times are not known.
    task : {"up_down", "extended", "unknown"}
        What the person was asked to do, for recordings without a protocol, which would say more.
        If both are unknown, a small range does not support the suspicion: the person may not have
        tried to look far.
    task_assumed : bool
        True if nobody said what the person was asked to do, and `task` is only assumed.

    Raises
    ------
    ValueError
        A value is out of its range, or not one of the choices; the message says which are allowed.
        Or `task_assumed` is True and `task` is ``unknown``.
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
        """Return a copy of these parameters, completed with a track's `protocol` and `task`.

        The track's protocol is used if these parameters have none. The track's task is used if it
        is not ``unknown`` and the task of these parameters is unknown or only assumed.
        """
        known = self.task != "unknown" and not self.task_assumed
        if known or task == "unknown":
            return replace(self, protocol=self.protocol or protocol)
        return replace(self, protocol=self.protocol or protocol, task=task, task_assumed=False)

    @property
    def most_frames(self) -> int:
        """Largest number of frames to analyse: `max_frames`.

        For the task ``extended``, it is at least `EXTENDED_FRAMES`, so that the task is not cut.
        """
        if self.task == "extended":
            return max(self.max_frames, EXTENDED_FRAMES)
        return self.max_frames

    def cover_whole(self) -> "Parameters":
        """Return these parameters with `max_frames` raised as far as allowed, if it is the default.

        A default value is taken for one that nobody chose. It shall not cut a recording whose
        length is known. Any other value stays.
        """
        if self.max_frames != Parameters().max_frames:
            return self
        return replace(self, max_frames=int(RANGES["max_frames"][1]))

    @property
    def close_ratio(self) -> float:
        """Lid opening below which an eye counts as closing, as a share of the open eye's.

        It is `blink_thresh` over `NOMINAL_EAR`: 0.75 by default, at most 0.96.
        """
        return self.blink_thresh / NOMINAL_EAR

    @property
    def shortest_closure_s(self) -> float:
        """Shortest closure that counts, in seconds, whatever the video's frame rate is.

        It is `blink_min_frames` at 30 frames a second, less half a frame, because times of frames
        are rounded: 2 frames give 0.05 s.
        """
        return (self.blink_min_frames - 0.5) / NOMINAL_FPS


class ParameterValues(TypedDict, total=False):
    """Types of keyword arguments that set single parameters: the fields of `Parameters`."""

    step: int
    vpp_thresh: float
    blink_thresh: float
    max_frames: int
    blink_min_frames: int
    blink_baseline: Literal["adaptive", "fixed"]
    protocol: tuple[Phase, ...]
    task: Task
    task_assumed: bool
