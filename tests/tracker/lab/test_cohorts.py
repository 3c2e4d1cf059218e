"""Simulated cohorts: the short form, with bounds that hold for any seed; tables and picture."""

import json
from pathlib import Path

import pytest

from tests.lengths import LONG
from tracker.files.fields import STATUSES
from tracker.lab.cohorts import (
    CONDITIONS,
    TASK_KNOWN,
    THRESHOLD,
    Outcome,
    compute_rates,
    format_tables,
    simulate,
    write_docs,
)
from tracker.lab.people import COHORTS

PEOPLE, FEWEST_COVERED = (40, 35) if LONG else (20, 16)
"""Fewer than 35 of 40, or than 16 of 20, would cover if they covered 95 %: once in 300."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    """Simulate people of each cohort who do the app's task as usual."""
    return list(simulate(PEOPLE, conditions=CONDITIONS[:1], thresholds=(0.04, THRESHOLD)))


def at_the_threshold(outcomes: list[Outcome], task: str) -> dict[str, Outcome]:
    return {one.cohort: one for one in outcomes if (one.task, one.threshold) == (task, THRESHOLD)}


@pytest.mark.parametrize("task", TASK_KNOWN)
def test_the_verdict_is_right_where_it_answers(outcomes: list[Outcome], task: str) -> None:
    found = at_the_threshold(outcomes, task)
    for cohort in COHORTS[:3]:
        # Nobody with a healthy range down, or in Parkinson's disease, is suspected.
        assert found[cohort.name].answers["suspected"] == 0
        assert found[cohort.name].share("not_suspected") >= 0.9
    # A range that has all but gone is never cleared, and mostly found.
    assert found["PSP, 0-15 % left"].answers["not_suspected"] == 0
    assert found["PSP, 0-15 % left"].share("suspected") >= 0.6


def test_only_the_protocol_finds_lost_down_gaze_behind_intact_up_gaze(
    outcomes: list[Outcome],
) -> None:
    known, unknown = (
        at_the_threshold(outcomes, task)["PSP, down 0-15 %, up intact"] for task in TASK_KNOWN
    )
    assert known.share("suspected") >= 0.6
    assert known.answers["not_suspected"] == 0
    assert unknown.share("suspected") <= 0.3


def test_the_intervals_hold_the_true_range(outcomes: list[Outcome]) -> None:
    for one in at_the_threshold(outcomes, "up_down").values():
        assert one.covered >= FEWEST_COVERED


def test_everybody_has_one_answer_and_a_lower_threshold_suspects_fewer(
    outcomes: list[Outcome],
) -> None:
    assert len(outcomes) == len(COHORTS) * len(TASK_KNOWN) * 2
    for lower, higher in zip(outcomes[::2], outcomes[1::2], strict=True):
        assert (lower.cohort, lower.task) == (higher.cohort, higher.task)
        assert sum(lower.answers.values()) == sum(higher.answers.values()) == PEOPLE
        assert lower.answers["suspected"] <= higher.answers["suspected"]


def test_the_same_people_are_drawn_again() -> None:
    first, again = (list(simulate(2, cohorts=COHORTS[:1], conditions=CONDITIONS[:1])) for _ in "ab")
    assert first == again


def outcome(cohort: str, kind: str, suspected: int, borderline: int) -> Outcome:
    answers = dict.fromkeys(STATUSES, 0)
    answers |= {"suspected": suspected, "borderline": borderline}
    answers["not_suspected"] = 10 - suspected - borderline
    return Outcome(cohort, kind, CONDITIONS[0].name, "protocol", THRESHOLD, 10, answers, 9)


def test_rates_by_hand() -> None:
    """PSP: 8 and 4 of 10 suspected; others: 1 and 0. Open: 2, 3, 0 and 1 of 10."""
    made = [
        outcome("a", "PSP", 8, 2),
        outcome("b", "PSP", 4, 3),
        outcome("c", "healthy", 1, 0),
        outcome("d", "PD", 0, 1),
        outcome("PSP, up intact", "PSP", 0, 10),
    ]
    rates = compute_rates(made)
    assert rates == pytest.approx(
        {"sensitivity": 0.6, "specificity": 0.95, "borderline": 0.15, "not_assessable": 0.0}
    )


def test_tables_and_picture_say_that_they_are_simulated(
    outcomes: list[Outcome], tmp_path: Path
) -> None:
    page = tmp_path / "accuracy.md"
    begin, end = (f"<!-- simulated cohorts: {one} -->" for one in ("begin", "end"))
    page.write_text(f"before\n{begin}\nearlier\n{end}\nafter\n")
    written = write_docs(outcomes, tmp_path)
    assert [path.name for path in written] == ["cohorts.json", "cohorts.png", "accuracy.md"]
    text = page.read_text()
    assert "earlier" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    tables = format_tables(outcomes)
    assert tables in text
    for line in tables.splitlines():
        assert line.startswith(("Simulated", "| simulated", "|", "")), line
    for cohort in COHORTS:
        assert f"| {cohort.name} |" in tables
    assert len(json.loads((tmp_path / "cohorts.json").read_text())) == len(outcomes)
    assert (tmp_path / "cohorts.png").read_bytes().startswith(b"\x89PNG")
