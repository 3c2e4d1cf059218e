"""The people of a cohort: its groups, and what changed from visit to visit in each person."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracker.study.cohort import OUTCOMES, Outcome, Row
from tracker.study.compare import compare
from tracker.study.compare_input import Labelled
from tracker.study.comparison import Change, ComparedMeasure
from tracker.study.recording import FinishedRecording

GROUP_MEASURES = ("vertical_peak_to_peak", "blink_rate_per_min")
"""Measures that are shown by group and by visit."""


@dataclass(frozen=True, slots=True)
class Quartiles:
    """Quartiles of a measure over people, in its unit, and how many people they come from.

    `low` and `high` are the 25th and the 75th percentile. A person counts once, with the mean of
    their recordings.
    """

    low: float
    median: float
    high: float
    people: int


@dataclass(frozen=True, slots=True)
class Group:
    """The recordings of a group of people, such as ``PSP`` or ``control``.

    Attributes
    ----------
    name : str
        Empty for people without a group.
    people, recordings : int
        How many there are, with those that failed or are not assessable. A recording of which
        nobody says who it shows counts as one more person.
    counts : dict of str to int
        Number of recordings with each outcome, by `tracker.study.cohort.OUTCOMES`; may be 0.
    measures : dict of str to Quartiles or None
        Quartiles over people of each of `GROUP_MEASURES`, by its name. A person with several
        recordings counts once, with their mean. Only assessable recordings with a value count; None
        if there is none.
    """

    name: str
    people: int
    recordings: int
    counts: dict[str, int]
    measures: dict[str, Quartiles | None]


@dataclass(frozen=True, slots=True)
class Course:
    """What changed in a person from the first visit to each later one.

    Attributes
    ----------
    participant_id : str
    visits : tuple of str
        Two or more: names of the visits, or the dates of those without a name. In the order of the
        dates; if a recording of the person has none, in the order of the names.
    measures : tuple of ComparedMeasure
        Those of `GROUP_MEASURES`, with one value for each visit, in the order of `visits`.
    """

    participant_id: str
    visits: tuple[str, ...]
    measures: tuple[ComparedMeasure, ...]

    def changes(self, measure: ComparedMeasure) -> tuple[Change | None, ...]:
        """Return a measure's change from the first visit to each visit, in the order of `visits`.

        The first visit's own item is None. `measure` is one of `measures`.
        """
        return (None, *measure.changes)


def list_groups(rows: Sequence[Row]) -> list[Group]:
    """Return the groups in the order of their names; an empty list if no recording has a group.

    If some have one, the recordings without one form a group with an empty name, which comes first.
    """
    if not any(row.participant and row.participant.group for row in rows):
        return []
    members: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        members[row.participant.group if row.participant else ""].append(row)
    return [_describe_group(name, members[name]) for name in sorted(members)]


def _describe_group(name: str, rows: Sequence[Row]) -> Group:
    people: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        people[row.participant.participant_id if row.participant else row.recording].append(row)
    return Group(
        name,
        len(people),
        len(rows),
        {status: sum(row.status == status for row in rows) for status in OUTCOMES},
        {measure: _measure_people(list(people.values()), measure) for measure in GROUP_MEASURES},
    )


def _measure_people(people: Sequence[Sequence[Row]], measure: str) -> Quartiles | None:
    means = []
    for rows in people:
        values = [
            value
            for row in rows
            if row.status not in ("not_assessable", "failed")
            and (value := row.number(measure)) is not None
        ]
        if values:
            means.append(sum(values) / len(values))
    if not means:
        return None
    low, median, high = np.quantile(means, (0.25, 0.5, 0.75)).tolist()
    return Quartiles(low, median, high, len(means))


def list_courses(rows: Sequence[Row], outcomes: Sequence[Outcome]) -> list[Course]:
    """Return what changed in each person who was recorded at two visits or more.

    Recordings with the same name of the visit are of one visit; without a name, the date takes its
    place. Visits are ordered by date if all of the person's recordings with a result have one, and
    otherwise by name. Numbers in names are compared as numbers: 9 < 10. Recordings that have
    neither name nor date of the visit are left out, and so are those of which nobody says who they
    show.

    Parameters
    ----------
    rows : sequence of Row
    outcomes : sequence of FinishedRecording or Failure
        One for each row, in the same order. Recordings without a result are left out.

    Returns
    -------
    list of Course
        One for each such person, sorted by `participant_id`.
    """
    people: dict[str, list[tuple[Row, FinishedRecording]]] = defaultdict(list)
    for row, outcome in zip(rows, outcomes, strict=True):
        if row.participant and isinstance(outcome, FinishedRecording):
            people[row.participant.participant_id].append((row, outcome))
    courses = []
    for person, recordings in sorted(people.items()):
        dated = all(row.participant and row.participant.date for row, _ in recordings)
        visits: dict[str, list[Labelled]] = defaultdict(list)
        for row, outcome in sorted(recordings, key=lambda one: _order(one[0], dated)):
            label = _name_visit(row)
            if label:
                visits[label].append(Labelled(label, outcome.summary))
        if len(visits) > 1:
            comparison = compare([one for visit in visits.values() for one in visit])
            measures = tuple(one for one in comparison.measures if one.name in GROUP_MEASURES)
            courses.append(Course(person, tuple(visits), measures))
    return courses


def _name_visit(row: Row) -> str:
    assert row.participant is not None
    return row.participant.visit or row.participant.date


def _order(row: Row, dated: bool) -> tuple[str, list[tuple[bool, int, str]]]:
    """Return what a person's recordings are sorted by: the visit's date, then its name.

    The date is "" unless `dated` is true: unless all of the person's recordings have one. The name
    (or else the date) is cut into its numbers and the text between them: 9 comes before 10, and a
    number before text.
    """
    assert row.participant is not None
    parts = re.findall(r"\d+|\D+", _name_visit(row))
    key = [
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part.casefold())
        for part in parts
    ]
    return row.participant.date if dated else "", key
