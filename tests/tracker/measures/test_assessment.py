"""The decision: a table of every combination, from hand-written truth; and what it rests on."""

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.made_tracks import make_landmarks, make_track
from tracker.measures.analysis import Analysis, analyze_track
from tracker.measures.assessment import Assessment, assess
from tracker.measures.basis import SMALL_RANGE_COUNTS, choose_basis
from tracker.parameters import Parameters
from tracker.protocol import TASKS as ALL_TASKS
from tracker.protocol import Phase
from tracker.words import LANGUAGES, TEXTS

FPS = 30
TIMES_S = np.arange(20 * FPS) / FPS
PROTOCOL = (Phase("fixate", 0.0, 4.0), Phase("up", 4.0, 12.0), Phase("down", 12.0, 20.0))


def doing(up: float, down: float, parameters: Parameters, **info: Any) -> Analysis:
    """Look straight ahead for 4 s, up for 8 s and down for 8 s."""
    vertical = np.select([TIMES_S < 4, TIMES_S < 12], [0.0, -up], down)
    track = make_track(make_landmarks(np.full(TIMES_S.size, 0.3), vertical), FPS, **info)
    return analyze_track(track, parameters)


TASKS = {
    "unknown": Parameters(),
    "up_down": Parameters(task="up_down"),
    "extended": Parameters(task="extended"),
    "assumed": Parameters(task="up_down", task_assumed=True),
    # The time before the first phase, or the phase at the camera, is where straight ahead is.
    "protocol": Parameters(protocol=PROTOCOL),
    "protocol without ahead": Parameters(protocol=(Phase("up", 0, 12), Phase("down", 12, 20))),
}
INTERVALS = {"below": (0.3, 0.5), "between": (0.8, 1.2), "above": (1.01, 1.4)}
"""Ends of the interval, over the limit."""
TABLE = {
    # What is known for certain, and is wholly on one side of the limit.
    ("up_down", "below", "measured"): "suspected",
    ("assumed", "below", "measured"): "suspected",
    ("protocol", "below", "measured"): "suspected",
    ("protocol without ahead", "below", "measured"): "suspected",
    ("unknown", "above", "measured"): "not_suspected",
    ("up_down", "above", "measured"): "not_suspected",
    ("assumed", "above", "measured"): "not_suspected",
    ("protocol", "above", "measured"): "not_suspected",
    ("protocol without ahead", "above", "measured"): "not_suspected",
    # The limit lies within the interval.
    ("up_down", "between", "measured"): "borderline",
    ("assumed", "between", "measured"): "borderline",
    ("protocol", "between", "measured"): "borderline",
    ("protocol without ahead", "between", "measured"): "borderline",
    # Nobody said that the person was asked to move the eyes: a small range supports nothing.
    ("unknown", "below", "measured"): "not_assessable",
    ("unknown", "between", "measured"): "not_assessable",
    # Without its times, the extended task may hide a good range in its other parts.
    ("extended", "below", "measured"): "not_assessable",
    ("extended", "between", "measured"): "not_assessable",
    ("extended", "above", "measured"): "not_suspected",
    ("extended", "below", "at least"): "not_assessable",
    ("extended", "between", "at least"): "not_assessable",
    ("extended", "above", "at least"): "not_suspected",
    # The true range is larger than measured: large enough it stays, small it may not be.
    ("unknown", "above", "at least"): "not_suspected",
    ("up_down", "above", "at least"): "not_suspected",
    ("assumed", "above", "at least"): "not_suspected",
    ("protocol", "above", "at least"): "not_suspected",
    ("protocol without ahead", "above", "at least"): "not_suspected",
    ("unknown", "below", "at least"): "not_assessable",
    ("up_down", "below", "at least"): "not_assessable",
    ("assumed", "below", "at least"): "not_assessable",
    ("protocol", "below", "at least"): "not_assessable",
    ("protocol without ahead", "below", "at least"): "not_assessable",
    ("unknown", "between", "at least"): "not_assessable",
    ("up_down", "between", "at least"): "not_assessable",
    ("assumed", "between", "at least"): "not_assessable",
    ("protocol", "between", "at least"): "not_assessable",
    ("protocol without ahead", "between", "at least"): "not_assessable",
}
"""The answer of a good recording. That of a bad one is always not assessable."""


def decide(task: str, side: str, bound: str, quality: str) -> Assessment:
    """Assess a recording whose range is told to have this interval."""
    info = {"other_face_ratio": 0.9} if quality == "bad" else {}
    analysis = doing(0.1, 0.1, TASKS[task], **info)
    low, high = INTERVALS[side]
    limit = 0.03 if task == "protocol" else 0.06
    value, interval = (low + high) / 2 * limit, (low * limit, high * limit)
    name = "down_range" if task == "protocol" else "vertical_peak_to_peak"
    told: dict[str, Any] = {name: value, f"{name}_ci95": interval}
    told |= dict.fromkeys(
        (
            "vertical_peak_to_peak",
            "vertical_peak_to_peak_any_time",
            "vertical_peak_to_peak_ahead",
            "vertical_peak_to_peak_beyond_horizontal",
        ),
        value,
    )
    told["down_range_is_lower_bound"] = bound == "at least"
    return assess(replace(analysis, measures=replace(analysis.measures, **told)))


@pytest.mark.parametrize("quality", ["good", "bad"])
@pytest.mark.parametrize("bound", ["measured", "at least"])
@pytest.mark.parametrize("side", INTERVALS)
@pytest.mark.parametrize("task", TASKS)
def test_every_combination(task: str, side: str, bound: str, quality: str) -> None:
    decided = decide(task, side, bound, quality)
    expected = "not_assessable" if quality == "bad" else TABLE[task, side, bound]
    assert decided.status == expected
    assert decided.basis.name == ("down_range" if task == "protocol" else "vertical_peak_to_peak")
    # Every answer but a clear one has its reason.
    assert bool(decided.reasons) == (expected in ("borderline", "not_assessable"))
    codes = {caution.code for caution in decided.cautions}
    assert ("task_assumed" in codes) == (task == "assumed")
    assert ("down_not_apart" in codes) == (task == "protocol without ahead")
    for language in LANGUAGES:
        assert "nan" not in decided.describe(language)


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(itertools.product(TASKS, INTERVALS, ("measured", "at least")))


@pytest.mark.parametrize(
    ("side", "words"),
    [
        ("below", "If the person was asked to look up and down, this supports a suspicion: run "
        "again with --task up_down."),
        ("between", "not surely large enough"),
    ],
)  # fmt: skip
def test_an_unknown_task_says_what_to_do(side: str, words: str) -> None:
    decided = decide("unknown", side, "measured", "good")
    assert [reason.code for reason in decided.reasons] == ["task_unknown"]
    assert words in decided.rule_reason


@pytest.mark.parametrize("side", ["below", "between"])
def test_an_extended_task_without_its_times_says_what_to_do(side: str) -> None:
    decided = decide("extended", side, "measured", "good")
    assert [reason.code for reason in decided.reasons] == ["times_unknown"]
    assert "Run again with the task's protocol" in decided.rule_reason


def test_every_task_says_what_a_small_range_means() -> None:
    assert SMALL_RANGE_COUNTS.keys() == set(ALL_TASKS)


def test_a_suspicion_says_whether_the_task_is_known_or_assumed() -> None:
    known = decide("up_down", "below", "measured", "good").rule_reason
    assert "The person was asked to look up and down" in known
    assumed = decide("assumed", "below", "measured", "good").rule_reason
    assert "only if the person was asked" in assumed
    assert "was asked to look up and down as far as possible, which is assumed" in assumed


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_status_has_its_own_words_everywhere(language: str) -> None:
    texts = TEXTS[language]  # type: ignore[index]
    statuses = ("suspected", "borderline", "not_suspected", "not_assessable")
    for key in ("verdict.{}", "cohort.status.{}", "cohort.explain.{}", "compare.status.{}"):
        assert len({texts[key.format(status)] for status in statuses}) == 4, key


class TestBasis:
    def test_intact_up_gaze_does_not_hide_lost_down_gaze(self) -> None:
        decided = assess(doing(0.15, 0.004, Parameters(protocol=PROTOCOL)))
        assert (decided.status, decided.basis.name) == ("suspected", "down_range")
        assert decided.basis.limit == pytest.approx(0.03)
        assert "range down, 0.004" in decided.rule_reason
        # Without the times, up and down are one range.
        whole = assess(doing(0.15, 0.004, Parameters(task="up_down")))
        assert (whole.status, whole.basis.name) == ("not_suspected", "vertical_peak_to_peak")

    def test_up_gaze_that_fell_with_age_is_only_a_caution(self) -> None:
        decided = assess(doing(0.004, 0.12, Parameters(protocol=PROTOCOL)))
        assert decided.status == "not_suspected"
        assert [caution.code for caution in decided.cautions] == ["up_limited"]
        intact = assess(doing(0.1, 0.12, Parameters(protocol=PROTOCOL)))
        assert [caution.code for caution in intact.cautions] == []

    def test_the_interval_of_the_range_down_by_hand(self) -> None:
        """One look of 0.1: t of 4 is 2.7764, times 0.1 of it, times sqrt(1 + 1.2816**2) = 0.0451.

        The framing adds 1.96 * 8 %: 0.0157. Nothing jitters, and straight ahead is one value.
        """
        measures = doing(0.1, 0.1, Parameters(protocol=PROTOCOL)).measures
        reach = math.hypot(0.0451, 0.0157)
        for name in ("up_range", "down_range"):
            assert getattr(measures, name) == pytest.approx(0.1, abs=1e-6)
            interval = getattr(measures, f"{name}_ci95")
            assert interval == pytest.approx((0.1 - reach, 0.1 + reach), abs=3e-4)

    def test_the_limit_follows_the_threshold(self) -> None:
        analysis = doing(0.1, 0.1, Parameters(protocol=PROTOCOL))
        assert choose_basis(analysis, 0.1).limit == pytest.approx(0.05)
        assert choose_basis(doing(0.1, 0.1, Parameters()), 0.1).limit == pytest.approx(0.1)

    def test_jitter_is_in_the_interval_of_eyes_at_rest(self) -> None:
        """Jitter of 0.03 alone makes a range of 0.1, whose interval holds none."""
        rng = np.random.default_rng(3)
        jitter = rng.normal(0, 0.03, TIMES_S.size)
        track = make_track(make_landmarks(np.full(TIMES_S.size, 0.3), jitter), FPS)
        for parameters in (Parameters(), Parameters(task="up_down")):
            analysis = analyze_track(track, parameters)
            assert analysis.measures.vertical_peak_to_peak == pytest.approx(0.1, abs=0.01)
            assert analysis.measures.vertical_peak_to_peak_ci95[0] == 0
            assert assess(analysis).status in ("borderline", "not_assessable")
