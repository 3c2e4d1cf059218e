"""Validation of the blink detector: constants chosen without each person, rules, a simple rule."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kernels.dips import REFUSALS, RULES, ClosureRules
from tests.made_tracks import make_landmarks, make_track
from tracker.lab.annotations import AnnotatedClip, Closure
from tracker.lab.validation import (
    AS_MADE,
    CHOICES,
    Counts,
    choose_rules,
    choose_without_each,
    compare_methods,
    count_peaks,
    describe_validation,
    detect_simply,
    find_margins,
    leave_out_rules,
    validate,
)
from tracker.lab.variants import VARIANTS
from tracker.parameters import Parameters
from tracker.tracks.track import Track

PARAMETERS = Parameters()
BLINK_AT = (60, 150, 240)
FALL = (0.9, 0.5, 0.15, 0.1, 0.3, 0.7, 0.95)
"""Lid opening of a blink from its first frame on."""


def make_clip(
    person: str,
    depth: float = 1.0,
    one_eye: bool = False,
    view: str | None = None,
    noise: float = 0.01,
) -> tuple[AnnotatedClip, Track]:
    """Ten seconds with three blinks, annotated; what one eye does alone in between is not."""
    ear = np.full((300, 2), 0.3)
    shape = 1 - depth * (1 - np.array(FALL))
    for start in BLINK_AT:
        ear[start : start + len(FALL)] *= shape[:, None]
        if one_eye:
            ear[start + 40 : start + 40 + len(FALL), 0] *= np.array(FALL)
    ear *= 1 + np.random.default_rng(3).normal(0, noise, ear.shape)
    name = Path(f"{person}.mp4")
    clip = AnnotatedClip(
        name=name.as_posix(),
        video=name,
        annotation=name.with_suffix(".csv"),
        blinks=tuple(Closure(start, start + len(FALL)) for start in BLINK_AT),
        person=person,
        view=view,
    )
    return clip, make_track(make_landmarks(ear, 0))


class TestSimpleRule:
    def test_peaks_by_hand(self) -> None:
        ear = np.full(60, 0.3)
        ear[10:13] = 0.25, 0.1, 0.2  # 0.67 closed
        ear[20] = 0.22  # 0.27 closed: not enough
        ear[30:34] = 0.15, 0.12, 0.12, 0.2  # of two equal ones the first
        # Two in a row: the second stands out of the first by 0.33 of the opening only.
        ear[40:46] = 0.1, 0.05, 0.15, 0.2, 0.1, 0.25
        assert detect_simply(ear).tolist() == [11, 31, 41, 44]

    def test_what_the_edges_cut_is_no_peak(self) -> None:
        ear = np.full(30, 0.3)
        ear[0], ear[-1] = 0.05, 0.05
        assert detect_simply(ear).size == 0

    def test_a_lost_face_counts_as_open(self) -> None:
        ear = np.full(30, 0.3)
        ear[10:14] = np.nan
        ear[20] = 0.1
        assert detect_simply(ear).tolist() == [20]

    def test_peaks_are_scored_within_the_annotated_range_alone(self) -> None:
        clip, track = make_clip("x")
        clip = replace(clip, scored=(50, 200), ambiguous=(Closure(100, 110),))
        samples = np.array([10, 63, 90, 105, 152, 250])
        # 63 and 152 are blinks, 90 is none, 105 is ambiguous. 10 and 250 are not annotated, and
        # nor is the time of the blink at 240, so that it is not missed.
        assert count_peaks(clip, track, samples) == Counts(found=2, false=1, missed=0)
        assert count_peaks(replace(clip, scored=(50, 250)), track, samples).missed == 1


class TestChoice:
    def test_the_best_and_of_several_the_middle(self) -> None:
        combinations = [ClosureRules(noise_multiple=value) for value in (4, 6, 8, 10, 14)]
        counts = np.array([[9, 2, 0], [9, 0, 0], [9, 0, 0], [9, 0, 0], [7, 0, 2]])
        # The geometric middle of 6 and 10 is 7.7.
        assert choose_rules(combinations, counts).noise_multiple == 8

    def test_each_person_has_no_say_in_the_own_constants(self) -> None:
        """The blinks of a person are so shallow that most multiples of the noise miss them."""
        recordings = [make_clip("a"), make_clip("b"), make_clip("shallow", depth=0.16, noise=0.02)]
        chosen = choose_without_each(recordings, PARAMETERS, [AS_MADE])
        assert list(chosen) == ["a", "b", "shallow"]
        # Without that person all multiples are as good: the geometric middle of 4 and 14 is 7.5.
        assert chosen["shallow"].noise_multiple == 8
        assert chosen["a"] == chosen["b"]
        # A depth of 0.144 over the noise of two eyes of 0.02 is 10.
        assert chosen["a"].noise_multiple == 6

    def test_variants_decide_between_what_is_as_good_as_made(self) -> None:
        """Blinks of 0.23: 16 times the lids' noise of 0.014, and 8.5 times that of 0.027."""
        recordings = [make_clip(name, depth=0.25, noise=0.02) for name in "ab"]
        as_made = choose_without_each(recordings, PARAMETERS, [AS_MADE])["a"]
        noisy = choose_without_each(recordings, PARAMETERS, ["noise 0.01"])["a"]
        # The geometric middles of 4 to 14, and of what is below 8.5.
        assert (as_made.noise_multiple, noisy.noise_multiple) == (8, 6)


class TestComparison:
    def test_groups_and_counts(self) -> None:
        recordings = [make_clip(f"set/{name}", view=name) for name in "ab"]
        recordings.append(make_clip("other/c", one_eye=True))
        chosen = {clip.person: RULES for clip, _ in recordings}
        rows = list(compare_methods(recordings, chosen, [AS_MADE, "every 2nd frame"], PARAMETERS))
        groups = ["all", "a", "b", "other", "set"]
        assert [row.group for row in rows] == 2 * groups
        as_made = {row.group: row for row in rows[:5]}
        assert as_made["all"].detector == Counts(9, 0, 0)
        assert as_made["set"].detector == as_made["set"].simple == Counts(6, 0, 0)
        # One eye alone lowers the mean by 0.45: a peak for the simple rule, no blink.
        assert as_made["other"].detector == Counts(3, 0, 0)
        assert as_made["other"].simple == Counts(3, 3, 0)
        # Two recordings of each.
        assert rows[5].detector == Counts(18, 0, 0)

    def test_the_rules_of_the_person_are_used(self) -> None:
        recordings = [make_clip("a"), make_clip("b")]
        chosen = {"a": RULES, "b": replace(RULES, noise_multiple=1e6, deep_ratio=0.0)}
        (row,) = compare_methods(recordings, chosen, [AS_MADE], PARAMETERS)
        assert row.detector == Counts(found=3, false=0, missed=3)

    def test_a_group_of_all_recordings_is_not_shown_twice(self) -> None:
        recordings = [make_clip("set/a"), make_clip("set/b")]
        chosen = {clip.person: RULES for clip, _ in recordings}
        rows = compare_methods(recordings, chosen, [AS_MADE], PARAMETERS)
        assert [row.group for row in rows] == ["all"]


def test_without_a_rule_what_it_refuses_is_found() -> None:
    recordings = [make_clip("a", one_eye=True)]
    rows = {row.rule: row for row in leave_out_rules(recordings, PARAMETERS)}
    assert list(rows) == ["", *REFUSALS]
    assert rows[""].as_made == Counts(3, 0, 0)
    assert rows["one_eye"].as_made == Counts(3, 3, 0)
    assert rows["slow"].as_made == Counts(3, 0, 0)
    # Every variant is counted: three blinks in each recording.
    made = sum(len(make(*recordings[0])) for make in VARIANTS.values())
    assert rows[""].variants.found + rows[""].variants.missed == 3 * made


def test_margins_are_those_of_the_nearest_blink() -> None:
    recordings = [make_clip("a"), make_clip("b", depth=0.5)]
    noise, share, fall = find_margins(recordings, PARAMETERS)
    assert [one.rule for one in (noise, share, fall)] == ["noises", "eye_share", "fall_s"]
    # Both have the same noise; one has half of the depth: 0.45 of the opening.
    assert noise.where.startswith("b.mp4, frame ")
    assert int(noise.where.split()[-1]) in {start + 3 for start in BLINK_AT}
    assert noise.limit == RULES.noise_multiple
    assert 0.45 / 0.02 < noise.blink < 0.45 / 0.005
    assert share.blink == pytest.approx(1, abs=0.1)
    # In steps of a frame from 0.9 to 0.5 to 0.15: the whole in 0.9 / 0.4 frames, less one.
    assert fall.blink == pytest.approx((0.9 / 0.4 - 1) / 30, abs=0.01)


def test_counts() -> None:
    assert Counts(8, 1, 3).f1 == pytest.approx(16 / 20)
    assert Counts(1, 2, 3) + Counts(4, 5, 6) == Counts(5, 7, 9)
    assert math.isnan(Counts().f1)


@pytest.mark.slow
@pytest.mark.parametrize("all_variants", [pytest.param(False, marks=pytest.mark.long), True])
def test_a_whole_validation_as_a_document_and_as_text(all_variants: bool) -> None:
    recordings = [make_clip(f"{name}/x") for name in "abc"]
    validation = validate(recordings, PARAMETERS, all_variants)
    document = validation.to_dict()
    variants = list(VARIANTS) if all_variants else [AS_MADE]
    comparisons = document["comparisons"]
    assert isinstance(comparisons, list)
    assert [row["variant"] for row in comparisons] == [v for v in variants for _ in range(4)]
    assert comparisons[0]["detector"] == {"found": 9, "false": 0, "missed": 0, "f1": 1.0}
    assert len(validation.ablations) == (len(REFUSALS) + 1 if all_variants else 0)
    text = describe_validation(validation)
    for variant in variants:
        assert variant in text
    assert ("without one of the rules" in text.lower()) == all_variants
    for name in CHOICES:
        assert name in text
