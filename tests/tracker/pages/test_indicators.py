"""Quality indicators follow the assessment, and nothing that was not judged is good."""

import numpy as np
import pytest

from tests.tracker.measures.test_obstacles import GATES, Gate, codes_in_the_source
from tests.tracker.pages.made_reports import analyzed, looking
from tracker.measures.assessment import assess
from tracker.pages.indicators import INDICATORS, grade_indicator


def test_every_finding_belongs_to_an_indicator() -> None:
    codes = {code for indicator in INDICATORS for code in indicator.codes}
    assert codes == codes_in_the_source() - {"borderline"}


@pytest.mark.parametrize(
    "gate",
    [gate for gate in GATES if gate.code != "borderline"],
    ids=lambda gate: " ".join((gate.code, gate.kind, gate.name)).strip(),
)
def test_indicators_follow_the_gates(gate: Gate) -> None:
    inside, outside = assess(gate.make(gate.inside)), assess(gate.make(gate.outside))
    for indicator in INDICATORS:
        if gate.code not in indicator.codes:
            continue
        assert grade_indicator(indicator, outside, True) in ("bad", "caution")
        assert grade_indicator(indicator, outside, False) in ("bad", "caution")
        if gate.kind == "reason":
            assert grade_indicator(indicator, outside, True) == "bad"
        if inside.status != "not_assessable":
            assert grade_indicator(indicator, inside, True) in ("good", "caution")


def test_what_was_not_judged_is_not_good() -> None:
    nobody = assess(analyzed(np.full_like(looking(12.0), np.nan)))
    grades = {indicator.name: grade_indicator(indicator, nobody, True) for indicator in INDICATORS}
    assert grades["face"] == "bad"
    assert {name for name, grade in grades.items() if grade == "good"} == {"video"}
    short = assess(analyzed(looking(6.0, ())))
    grades = {indicator.name: grade_indicator(indicator, short, True) for indicator in INDICATORS}
    assert {name for name, grade in grades.items() if grade == "unknown"} == {"lids", "task"}
    good = assess(analyzed())
    assert {grade_indicator(indicator, good, True) for indicator in INDICATORS} == {"good"}
    assert grade_indicator(INDICATORS[0], good, False) == "unknown"
