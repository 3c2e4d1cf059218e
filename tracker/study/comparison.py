"""The result of a comparison.

Numbers are rounded as in its JSON; a missing number is None.
"""

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
        Value of the other condition minus that of the first one. For ``blink_rate_per_min`` and
        ``prolonged_closure_rate_per_min``, it is the ratio: the other value divided by the first
        one. None if a value is not known, and for a ratio to 0.
    interval : (float or None, float or None)
        95 % interval of `change`, from the recordings' own intervals and counts. Both ends are
        None if there is no interval. The upper end alone is None if it is infinite.
    repeat_limit : float or None
        A `difference` of more than this, in either direction, is more than repeated recordings vary
        by; see `kernels.change.compute_detectable_change`. None if that is not known, because no
        condition has two values that differ, or if one of the two conditions has no value.
    difference : float or None
        Mean over the other condition's recordings minus that over the first one's, also for rates.
        It is only compared with `repeat_limit`. None if one of the two has no value.
    changed : bool or None
        True if `interval` leaves out "no change" (0, or a ratio of 1) and the size of `difference`,
        without its sign, is above `repeat_limit`. If only one of these tests is possible, it
        decides. None if the change is not judged.
    why_not : tuple of str
        Why `changed` is None: codes of concerns, or ``no_interval`` if no test is possible. Empty
        if the change is judged.
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
        Kind of the concern, for programs, such as ``other_protocol``.
    labels : tuple of str
        Labels of the conditions concerned.
    message : str
        What was found and what to do about it: a whole sentence in English, to be shown alone.
    details : str
        Codes of findings that `message` names, separated by commas; empty if it names none. With
        it, `tracker.study.compare_text.format_concern` makes the sentence in another language.
    withholds : tuple of {"gaze", "lids"}
        Groups of measures whose changes from or to a condition of `labels` are not judged because
        of the concern. Empty if it is only to be shown.
    """

    code: str
    labels: tuple[str, ...]
    message: str
    details: str
    withholds: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class ComparedRecording:
    """One recording of a condition: the fields of its summary that are shown.

    `source` is the video's name, or the track's if that was read. `status` is the assessment's
    answer, and `reasons` are codes of why it is not assessable or borderline, else empty.
    `valid_time_s` is the time with a face in seconds, and `version` that of the program that
    analysed the recording.
    """

    source: str
    status: Status
    reasons: tuple[str, ...]
    valid_time_s: float
    version: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, such as a visit: its label, and the recordings that have it, in given order."""

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
        Mean over the recordings that have a value; for ``blink_rate_per_min`` and
        ``prolonged_closure_rate_per_min``, all events over the time with a face of all recordings.
        In the unit of the measure. None if no recording has a value.
    ci95 : (float or None, float or None)
        95 % interval of the value, lower end first; both None if there is none. It leaves out how
        much a person differs between recordings.
    recordings : tuple of (float or None)
        The value of each recording, in the order of `Condition.recordings`; None if it has none.
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
        Name of the summary's field. The summary has no rate of prolonged closures; its name here is
        ``prolonged_closure_rate_per_min``.
    group : {"gaze", "lids"}
        What the measure describes: how the eyes move, or how the lids close.
    unit : str
        Code of the unit, such as ``per_min``, whose name is in `tracker.words` under the key
        ``compare.unit.per_min``; for a measure of movements its English name, such as ``deg/s``.
    digits : int
        Number of decimals that are shown.
    threshold : float or None
        For the vertical range, the limit in eye widths below which PSP is suspected, if it was the
        same for all recordings; else None.
    change_is : {"difference", "ratio"}
        What `Change.change` is for this measure.
    values : tuple of ConditionValue
        One for each condition, in the order of `Comparison.conditions`.
    within_condition_std : float or None
        Standard deviation between recordings of one condition, pooled over the conditions. It and
        the next two are not known if no condition has two values that differ: then it is None.
    degrees_of_freedom : int
        Degrees of freedom of that deviation; 0 if it is not known.
    smallest_detectable_change : float or None
        A larger change between two single recordings is more than repeated recordings vary by; None
        if it is not known.
    changes : tuple of Change
        One for each condition but the first, in the same order.
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
        Each with its values and changes. A measure of movements is left out if no recording has a
        value of it; any other is always there.
    concerns : tuple of Concern
        What makes the recordings hard to compare; empty if that is nothing.
    judged_changes : int
        Number of changes that are judged, over all measures and conditions.
    changes_by_chance : float
        How many of these may be called changed by chance if nothing changed: 0.05 of them.
    version, note : str
        Version of this program, and, in English, what the comparison may be used for.
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
