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
