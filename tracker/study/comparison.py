"""The parts of a comparison. Numbers are rounded as in its JSON; a missing number is None."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tracker.files.fields import Interval, Status
from tracker.files.summary import plain
from tracker.study.compare_input import Group


@dataclass(frozen=True, slots=True)
class Change:
    """A measure's change from the first condition.

    Attributes
    ----------
    label : str
        The condition that is compared with the first one.
    change : float or None
        The difference; for rates, the ratio.
    interval : (float or None, float or None)
        From the recordings' own intervals and counts; None if there is none.
    repeat_limit : float or None
        The smallest detectable difference, from repeated recordings; see
        `kernels.change.compute_detectable_change`. None if no condition was recorded twice.
    difference : float or None
        Difference of the conditions' means over recordings. It is compared with `repeat_limit`.
    changed : bool or None
        Whether the change exceeds the interval and the limit, or the one of them that exists. None
        if it is not judged.
    why_not : tuple of str
        Why it is not judged: codes of concerns, or ``no_interval``.
    """

    label: str
    change: float | None
    interval: Interval
    repeat_limit: float | None
    difference: float | None
    changed: bool | None
    why_not: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concern:
    """A reason why recordings are hard to compare.

    Attributes
    ----------
    code : str
    labels : tuple of str
        The conditions concerned.
    message : str
        What was found and what to do about it, in English.
    details : str
        More details in the message, such as codes of findings.
    withholds : tuple of {"gaze", "lids"}
        Groups of measures whose changes are not judged because of it.
    """

    code: str
    labels: tuple[str, ...]
    message: str
    details: str
    withholds: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class ComparedRecording:
    """A recording of a condition."""

    source: str
    status: Status
    reasons: tuple[str, ...]
    valid_time_s: float
    version: str


@dataclass(frozen=True, slots=True)
class Condition:
    """The recordings of one label."""

    label: str
    recordings: tuple[ComparedRecording, ...]


@dataclass(frozen=True, slots=True)
class ConditionValue:
    """A measure in a condition.

    Attributes
    ----------
    label : str
    value : float or None
        Mean over the recordings; for a rate, all counts over all times.
    ci95 : (float or None, float or None)
        Interval that covers these recordings alone.
    recordings : tuple of (float or None)
        The value of each recording.
    """

    label: str
    value: float | None
    ci95: Interval
    recordings: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ComparedMeasure:
    """A measure in all conditions.

    Attributes
    ----------
    name, group, unit, digits
        See `tracker.study.compare_input.Measure`.
    threshold : float or None
        Of the vertical range, if it is the same in all recordings.
    change_is : {"difference", "ratio"}
        What `change` of its changes is.
    values : tuple of ConditionValue
        One for each condition.
    within_condition_std : float or None
        Standard deviation within the conditions, pooled.
    degrees_of_freedom : int
        Of that; 0 if no condition was recorded twice.
    smallest_detectable_change : float or None
        Between two single recordings.
    changes : tuple of Change
        One for each condition but the first.
    """

    name: str
    group: Group
    unit: str
    digits: int
    threshold: float | None
    change_is: Literal["difference", "ratio"]
    values: tuple[ConditionValue, ...]
    within_condition_std: float | None
    degrees_of_freedom: int
    smallest_detectable_change: float | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Conditions compared with the first one.

    Attributes
    ----------
    conditions : tuple of Condition
    measures : tuple of ComparedMeasure
    concerns : tuple of Concern
    judged_changes : int
        Changes that are judged.
    changes_by_chance : float
        How many of them would be called changed by chance.
    version, note : str
    """

    conditions: tuple[Condition, ...]
    measures: tuple[ComparedMeasure, ...]
    concerns: tuple[Concern, ...]
    judged_changes: int
    changes_by_chance: float
    version: str
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return plain(asdict(self))  # type: ignore[no-any-return]
