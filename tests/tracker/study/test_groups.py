"""Groups and visits of a cohort, against numbers worked by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tracker.files.documents import parse_summary
from tracker.files.participants import Participant
from tracker.study.cohort import Row
from tracker.study.groups import Quartiles, list_courses, list_groups
from tracker.study.recording import Failure, FinishedRecording


def make_row(
    person: Participant | None, value: float, status: str = "not_suspected", name: str = "x"
) -> Row:
    values = {"vertical_peak_to_peak": value, "blink_rate_per_min": 10 * value}
    return Row(name, f"{name}.mp4", status, person, values=values)


def test_a_person_counts_once_and_only_if_assessable() -> None:
    healthy = [Participant(f"c{number}", "control") for number in range(4)]
    rows = [
        make_row(healthy[0], 0.10),
        make_row(healthy[0], 0.30),  # mean 0.20
        make_row(healthy[1], 0.10),
        make_row(healthy[2], 0.40),
        make_row(healthy[3], 9.0, "not_assessable"),
        make_row(Participant("p", "PSP"), 0.02, "suspected"),
        make_row(None, 0.5, name="y"),
        make_row(None, 0.7, name="z"),
    ]
    none, psp, control = list_groups(rows)
    assert (none.name, psp.name, control.name) == ("", "PSP", "control")
    assert (control.people, control.recordings) == (4, 5)
    assert (none.people, none.recordings) == (2, 2)
    assert control.counts["not_suspected"] == 4
    assert control.counts["not_assessable"] == 1
    found = control.measures["vertical_peak_to_peak"]
    assert found is not None
    # The quartiles of 0.1, 0.2 and 0.4.
    assert [found.low, found.median, found.high] == pytest.approx([0.15, 0.2, 0.3])
    assert found.people == 3
    assert psp.measures["blink_rate_per_min"] == Quartiles(0.2, 0.2, 0.2, 1)


def test_a_group_without_an_assessable_recording_has_no_measures() -> None:
    (group,) = list_groups([make_row(Participant("p", "PSP"), 0.1, "not_assessable")])
    assert group.measures == {"vertical_peak_to_peak": None, "blink_rate_per_min": None}


def test_a_recording_of_nobody_known_is_no_person_of_its_name() -> None:
    people = (Participant("a"), None, Participant("b", "PSP"))
    (none, _) = list_groups([make_row(one, value, name="a") for value, one in enumerate(people)])
    assert (none.people, none.recordings) == (2, 2)
    # The quartiles of 0 and 1; as one person's, they would have been one value.
    assert none.measures["vertical_peak_to_peak"] == Quartiles(0.25, 0.5, 0.75, 2)


def test_without_groups_there_are_none() -> None:
    assert list_groups([make_row(None, 0.1), make_row(Participant("p"), 0.1)]) == []


@pytest.fixture
def outcome(results: Path) -> FinishedRecording:
    document = json.loads((results / "p-01" / "first.summary.json").read_text(encoding="utf-8"))
    return FinishedRecording(parse_summary(document)[0], {})


def change(outcome: FinishedRecording, blinks: int, minutes: float) -> FinishedRecording:
    """Return an outcome with another blink rate."""
    summary = replace(
        outcome.summary,
        blink_count=blinks,
        valid_time_s=60 * minutes,
        blink_rate_per_min=blinks / minutes,
    )
    return replace(outcome, summary=summary)


def test_visits_are_ordered_and_compared_with_the_first(outcome: FinishedRecording) -> None:
    visits = {"month 12": (20, 10), "baseline": (200, 10), "month 6": (190, 10)}
    rows = [make_row(Participant("p1", visit=visit), 0.2) for visit in visits]
    outcomes = [change(outcome, *one) for one in visits.values()]
    (course,) = list_courses(rows, outcomes)
    assert course.participant_id == "p1"
    assert course.visits == ("baseline", "month 6", "month 12")
    (rate,) = (one for one in course.measures if one.name == "blink_rate_per_min")
    assert [one.value for one in rate.values] == pytest.approx([20, 19, 2])
    first, second, third = course.changes(rate)
    assert first is None
    # 190 events against 200 are within chance, 20 are not.
    assert second is not None
    assert second.changed is False
    assert third is not None
    assert third.changed is True


def test_dates_order_visits_before_names(outcome: FinishedRecording) -> None:
    people = [
        Participant("p1", visit="after", date="2026-02-01"),
        Participant("p1", visit="before", date="2026-01-01"),
        Participant("p2", date="2026-03-01"),
        Participant("p2", date="2026-02-01"),
        Participant("p3", visit="only"),
        Participant("p3", visit="only"),
        Participant("p4", visit="a"),
        Participant("p4", visit="b"),
    ]
    failure = Failure("undecodable", "in words", is_input=True)
    outcomes = [outcome] * 7 + [failure]
    courses = list_courses([make_row(one, 0.2) for one in people], outcomes)
    assert [(one.participant_id, one.visits) for one in courses] == [
        ("p1", ("before", "after")),
        ("p2", ("2026-02-01", "2026-03-01")),
    ]


FIRST = Participant("p1", visit="first", date="2024-01-08")
AFTER = Participant("p1", visit="after", date="2024-02-08")


@pytest.mark.parametrize(
    ("more", "visits", "ordered_by_name"),
    [
        ([], ("first", "after"), False),
        # It is left out, because nothing says of which visit it is.
        ([Participant("p1")], ("first", "after"), False),
        ([Participant("p2", visit="other")], ("first", "after"), False),
        # A repeat without a date belongs to a visit that has one.
        ([Participant("p1", visit="first")], ("first", "after"), False),
        ([Participant("p1", visit="after")], ("first", "after"), False),
        # A repeat on another day does not move its visit.
        ([replace(FIRST, date="2024-03-01")], ("first", "after"), False),
        # Nothing says when the third visit was, but the names contradict the two dates.
        ([Participant("p1", visit="baseline")], ("first", "after", "baseline"), True),
        ([Participant("p1", visit="third", date="2024-02-08")], ("first", "after", "third"), True),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_no_recording_turns_visits_round_against_their_dates(
    outcome: FinishedRecording,
    more: list[Participant],
    visits: tuple[str, ...],
    ordered_by_name: bool,
    backwards: bool,
) -> None:
    """10 blinks a minute at the first visit and 30 after it, also in repeats, which are longer."""
    people = [FIRST, AFTER, *more][:: -1 if backwards else 1]
    rates = {"first": 10, "after": 30}
    outcomes = [
        change(outcome, rates.get(one.visit, 20) * minutes, minutes)
        for minutes, one in enumerate(people, 10)
    ]
    course = list_courses([make_row(one, 0.2) for one in people], outcomes)[0]
    assert (course.participant_id, course.visits) == ("p1", visits)
    assert course.ordered_by_name == ordered_by_name
    (rate,) = (one for one in course.measures if one.name == "blink_rate_per_min")
    after = course.changes(rate)[1]
    assert after is not None
    # The rate rises to three times the first. It does not fall.
    assert (after.label, after.change, after.changed) == ("after", pytest.approx(3), True)


@pytest.mark.parametrize("backwards", [False, True])
def test_without_dates_names_order_visits_and_it_is_said(
    outcome: FinishedRecording, backwards: bool
) -> None:
    people = [Participant("p1", visit=visit) for visit in ("visit 10", "Visit 9", "visit 9")]
    # A date that the names do not contradict changes nothing.
    people.append(Participant("p1", visit="visit 8", date="2026-01-01"))
    people = people[:: -1 if backwards else 1]
    (course,) = list_courses([make_row(one, 0.2) for one in people], [outcome] * 4)
    assert course.visits == ("visit 8", "Visit 9", "visit 9", "visit 10")
    assert course.ordered_by_name
