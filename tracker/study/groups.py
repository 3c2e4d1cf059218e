"""The people of a cohort: its groups, and what changed from visit to visit in each person."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracker.files.participants import Participant
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

    `low`, `median` and `high` are the 25th, 50th and 75th percentile. A person counts
    once, with the mean of their recordings.
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
        dates, and of the names where dates do not tell (`list_courses`).
    ordered_by_name : bool
        Whether names had a part in that order, so that the first visit may not be the earliest: a
        visit has no date, or two visits have the same one.
    measures : tuple of ComparedMeasure
        Those of `GROUP_MEASURES`, with one value for each visit, in the order of `visits`.
    """

    participant_id: str
    visits: tuple[str, ...]
    ordered_by_name: bool
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
    known: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.participant:
            known[row.participant.participant_id].append(row)
    # A recording of nobody known counts as a person, also if it is called as one.
    people = [*known.values(), *([row] for row in rows if not row.participant)]
    return Group(
        name,
        len(people),
        len(rows),
        {status: sum(row.status == status for row in rows) for status in OUTCOMES},
        {measure: _measure_people(people, measure) for measure in GROUP_MEASURES},
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
    place. The date of a visit is the earliest of its recordings. Visits are ordered by their names,
    in which numbers are compared as numbers: 9 < 10. Where that contradicts their dates, they are
    ordered by date, and those without a date come last. Left out are recordings that have neither
    name nor date of the visit, and those of which nobody says who they show.

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
    people: dict[str, list[tuple[Participant, FinishedRecording]]] = defaultdict(list)
    for row, outcome in zip(rows, outcomes, strict=True):
        person = row.participant
        if person and _name_visit(person) and isinstance(outcome, FinishedRecording):
            people[person.participant_id].append((person, outcome))
    courses = []
    for participant_id, recordings in sorted(people.items()):
        visits, ordered_by_name = _order_visits([person for person, _ in recordings])
        if len(visits) < 2:
            continue
        comparison = compare(
            [
                Labelled(visit, outcome.summary)
                for visit in visits
                for person, outcome in recordings
                if _name_visit(person) == visit
            ]
        )
        measures = tuple(one for one in comparison.measures if one.name in GROUP_MEASURES)
        courses.append(Course(participant_id, tuple(visits), ordered_by_name, measures))
    return courses


def _name_visit(person: Participant) -> str:
    return person.visit or person.date


def _order_visits(recordings: Sequence[Participant]) -> tuple[list[str], bool]:
    """Return the names of a person's visits in order, and whether names had a part in the order.

    There is an item of `recordings` for each recording, with the name or the date of its visit. See
    `list_courses` for the order.
    """
    dates: dict[str, str] = {}
    for one in recordings:
        visit = _name_visit(one)
        dates[visit] = min(filter(None, (dates.get(visit), one.date)), default="")
    visits = sorted(sorted(dates), key=_read_numbers)
    named = [visit for visit in visits if dates[visit]]
    dated = sorted(named, key=lambda visit: dates[visit])
    if dated != named:
        visits = dated + [visit for visit in visits if not dates[visit]]
    return visits, len(dated) < len(dates) or len(set(dates.values())) < len(dates)


def _read_numbers(name: str) -> list[tuple[bool, int, str]]:
    """Return what a name is sorted by: its numbers and the text between them.

    9 comes before 10, and a number before text.
    """
    parts = re.findall(r"\d+|\D+", name)
    return [
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part.casefold())
        for part in parts
    ]
