"""The result of a comparison. Numbers are rounded as in its JSON; a missing number is None."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tracker.files.fields import Interval, Status
from tracker.files.summary import plain
from tracker.study.compare_input import Group


@dataclass(frozen=True, slots=True)
class Change:
    """The change of a measure from the first condition to another one.

    Attributes
    ----------
    label : str
        The other condition.
    change : float or None
        Value of the other condition minus that of the first one. For a rate, it is the ratio:
        the other value divided by the first one.
    interval : (float or None, float or None)
        95 % interval of `change`, from the recordings' own intervals and counts. Both ends are
        None if there is no interval. The upper end alone is None if it is infinite.
    repeat_limit : float or None
        The smallest `difference` that is more than repeated recordings vary by; see
        `kernels.change.compute_detectable_change`. None if no condition was recorded twice.
    difference : float or None
        Mean over the other condition's recordings minus that over the first one's, also for rates.
        It is only used with `repeat_limit`.
    changed : bool or None
        True if `interval` leaves out "no change" (0, or a ratio of 1) and `difference` is larger
        than `repeat_limit`; if only one of these tests is possible, it decides. None if the change
        is not judged.
    why_not : tuple of str
        Why `changed` is None: codes of concerns, or ``no_interval`` if no test is possible.
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
        Machine-readable kind of the concern.
    labels : tuple of str
        Labels of the conditions concerned.
    message : str
        What was found and what to do about it: a whole sentence in English, to be shown alone.
    details : str
        What `message` says of this case, such as codes of findings; empty if that is nothing. With
        it, `tracker.study.compare_text.format_concern` makes the sentence in another language.
    withholds : tuple of {"gaze", "lids"}
        Groups of measures whose changes are not judged because of the concern.
    """

    code: str
    labels: tuple[str, ...]
    message: str
    details: str
    withholds: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class ComparedRecording:
    """One recording of a condition: the fields of its summary that are shown.

    `source` is the video's name. `status` is the assessment's answer, and `reasons` are codes of
    why it is not assessable or borderline. `valid_time_s` is the time with a face in seconds, and
    `version` that of the program.
    """

    source: str
    status: Status
    reasons: tuple[str, ...]
    valid_time_s: float
    version: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, such as a visit: its label and the recordings with that label."""

    label: str
    recordings: tuple[ComparedRecording, ...]


@dataclass(frozen=True, slots=True)
class ConditionValue:
    """The value of a measure in one condition.

    Attributes
    ----------
    label : str
        The condition.
    value : float or None
        Mean over the recordings; for a rate, all events over the whole time of all recordings. In
        the unit of the measure.
    ci95 : (float or None, float or None)
        95 % interval of the value, lower end first; None if there is none. It leaves out how much a
        person differs between recordings.
    recordings : tuple of (float or None)
        The value of each recording, in order.
    """

    label: str
    value: float | None
    ci95: Interval
    recordings: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ComparedMeasure:
    """A measure, compared over all conditions.

    Attributes
    ----------
    name : str
        Name of the summary's field; a rate that the summary lacks has a name of its own.
    group : {"gaze", "lids"}
        What the measure describes: how far the eyes look, or how the lids close.
    unit : str
        Ending of the unit's key in `tracker.words`, ``compare.unit.UNIT``; or the unit itself.
    digits : int
        Number of decimals that are shown.
    threshold : float or None
        For the vertical range, the verdict's threshold if all recordings have the same; else None.
    change_is : {"difference", "ratio"}
        What `Change.change` is for this measure.
    values : tuple of ConditionValue
        One for each condition.
    within_condition_std : float or None
        Standard deviation between recordings of one condition, pooled over the conditions; None if
        no condition was recorded twice.
    degrees_of_freedom : int
        Degrees of freedom of that deviation; 0 if no condition was recorded twice.
    smallest_detectable_change : float or None
        Smallest change between two single recordings that is more than repeated recordings vary by;
        None if no condition was recorded twice.
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
    """The result of a comparison: each condition compared with the first one.

    Attributes
    ----------
    conditions : tuple of Condition
        In the order of their first recording.
    measures : tuple of ComparedMeasure
        Every measure, with its values and changes.
    concerns : tuple of Concern
        What makes the recordings hard to compare.
    judged_changes : int
        Number of changes that are judged.
    changes_by_chance : float
        How many of these are expected to be called changed by chance, if nothing changed.
    version, note : str
        Version of this program, and what the comparison may be used for.
    """

    conditions: tuple[Condition, ...]
    measures: tuple[ComparedMeasure, ...]
    concerns: tuple[Concern, ...]
    judged_changes: int
    changes_by_chance: float
    version: str
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as dicts and lists for strict JSON; a missing number is None."""
        return plain(asdict(self))  # type: ignore[no-any-return]
