"""Recordings of one person compared: what is called a change, and what is not judged."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.lengths import LONG
from tests.simulated_visits import count_changes, measure_coverage, simulate
from tests.tracker.study.made_summaries import judge, make_summary, ranged
from tracker.cli.main import main
from tracker.files.summary import to_json
from tracker.study.compare import compare
from tracker.study.compare_input import Labelled

PHASE = {
    **{"phase": "up", "start_s": 0.0, "end_s": 9.0, "gaze_time_s": 8.0, "reached": None},
    **{"held": None, "held_offset": None, "latency_s": None, "latency_reason": "unmoved"},
}


class TestVerdicts:
    def test_a_range_whose_difference_excludes_none_is_changed(self) -> None:
        first, second = (
            ranged(*numbers) for numbers in ((0.05, 0.046, 0.053), (0.08, 0.074, 0.086))
        )
        found = judge(first, second)["vertical_peak_to_peak"]
        assert found["changed"] is True
        assert found["change"] == pytest.approx(0.03)
        # By hand: the recordings' intervals are taken as they are.
        expected = (0.03 - math.hypot(0.006, 0.003), 0.03 + math.hypot(0.006, 0.004))
        assert found["interval"] == pytest.approx(expected, rel=1e-3)

    def test_intervals_that_meet_are_no_change(self) -> None:
        found = judge(ranged(0.05, 0.04, 0.06), ranged(0.055, 0.045, 0.07))
        assert found["vertical_peak_to_peak"]["changed"] is False

    def test_blinks_are_judged_by_their_counts_and_times(self) -> None:
        few, many = ({"blink_count": count, "valid_time_s": 60.0} for count in (5, 20))
        found = judge(make_summary(**few), make_summary(**many))["blink_rate_per_min"]
        assert found["change_is"] == "ratio"
        assert found["change"] == pytest.approx(4)
        assert found["changed"] is True
        assert found["interval"][0] == pytest.approx(1.46, abs=0.02)
        twice = judge(make_summary(**few), make_summary(blink_count=10, valid_time_s=120.0))
        assert twice["blink_rate_per_min"]["change"] == pytest.approx(1)
        assert twice["blink_rate_per_min"]["changed"] is False

    def test_what_has_no_interval_is_not_judged_by_one_recording_each(self) -> None:
        found = judge(make_summary(perclos=0.01), make_summary(perclos=0.3))["perclos"]
        assert found["changed"] is None
        assert found["why_not"] == ["no_interval"]

    def test_movements_are_judged_by_their_own_intervals(self) -> None:
        def closing(value: float, low: float, high: float) -> Any:
            name = "blink_closing_velocity_per_s"
            return make_summary(**{name: value, f"{name}_ci95": [low, high]})

        found = judge(closing(10.0, 9.0, 11.0), closing(15.0, 14.0, 16.0))
        closing_lids = found["blink_closing_velocity_per_s"]
        assert closing_lids["changed"] is True
        # By hand: 5 -+ hypot(1, 1).
        assert closing_lids["interval"] == pytest.approx((5 - math.sqrt(2), 5 + math.sqrt(2)))
        # What neither recording has is not in the comparison.
        assert "square_wave_jerk_rate_per_min" not in found

    def test_repeats_judge_it_by_what_they_differ_by(self) -> None:
        groups = [
            [make_summary(perclos=value) for value in values] for values in ((0.1, 0.2), (0.5, 0.6))
        ]
        found = judge(*groups)["perclos"]
        # By hand: std 0.0707 with 2 degrees of freedom, t 4.303, times sqrt(1/2 + 1/2).
        assert found["repeat_limit"] == pytest.approx(0.3043, abs=1e-4)
        assert found["smallest_detectable_change"] == pytest.approx(0.4303, abs=1e-4)
        assert found["changed"] is True
        groups[1] = [make_summary(perclos=0.3), make_summary(perclos=0.4)]
        assert judge(*groups)["perclos"]["changed"] is False

    def test_a_change_has_to_exceed_both_where_there_are_both(self) -> None:
        first = [ranged(value, value - 0.001, value + 0.001) for value in (0.05, 0.09)]
        second = [ranged(value, value - 0.001, value + 0.001) for value in (0.08, 0.12)]
        found = judge(first, second)["vertical_peak_to_peak"]
        assert found["interval"][0] > 0
        assert abs(found["difference"]) < found["repeat_limit"]
        assert found["changed"] is False

    def test_the_mean_of_repeats_is_known_better_than_one_of_them(self) -> None:
        first = [ranged(value, value - 0.004, value + 0.008) for value in (0.05, 0.06)]
        values = judge(first, ranged(0.07, 0.066, 0.078))["vertical_peak_to_peak"]["values"]
        assert values[0]["value"] == pytest.approx(0.055)
        # By hand: hypot(0.004, 0.004) / 2 and hypot(0.008, 0.008) / 2.
        assert values[0]["ci95"] == pytest.approx([0.055 - 0.002828, 0.055 + 0.005657], abs=1e-6)
        assert values[1]["ci95"] == pytest.approx([0.066, 0.078])

    def test_repeats_that_happen_to_be_the_same_tell_nothing(self) -> None:
        first = [
            make_summary(perclos=0.1, source=name, valid_time_s=time_s)
            for name, time_s in (("a", 20.0), ("b", 21.0))
        ]
        found = judge(first, make_summary(perclos=0.4))["perclos"]
        assert found["smallest_detectable_change"] is None
        assert found["changed"] is None

    def test_each_condition_is_held_against_the_first(self) -> None:
        found = compare(
            [
                Labelled(label, ranged(value, value - 0.002, value + 0.002))
                for label, value in (("one", 0.05), ("two", 0.08), ("three", 0.051))
            ]
        )
        changes = found.measures[0].changes
        assert [(change.label, change.changed) for change in changes] == [
            ("two", True),
            ("three", False),
        ]
        assert found.judged_changes == 6
        assert found.changes_by_chance == pytest.approx(0.3)

    def test_missing_values_are_null_and_not_judged(self) -> None:
        nothing = make_summary(
            vertical_peak_to_peak=None, vertical_peak_to_peak_ci95=[None, None], valid_time_s=0.0
        )
        found = judge(make_summary(), nothing)
        assert found["vertical_peak_to_peak"]["changed"] is None
        assert found["vertical_peak_to_peak"]["change"] is None
        assert found["blink_rate_per_min"]["changed"] is None


class TestConcerns:
    @pytest.mark.parametrize(
        ("changes", "code", "withheld"),
        [
            ({"assessment__status": "not_assessable"}, "not_assessable", {"gaze", "lids"}),
            ({"partial": True}, "partial", set()),
            ({"parameters__blink_thresh": 0.17}, "other_parameters", {"gaze", "lids"}),
            ({"version": "0.0.9"}, "other_version", set()),
            ({"quality__sampled_rate_hz": 15.0}, "other_rate", set()),
            ({"quality__head_pitch_deg": 14.0}, "other_camera_height", {"gaze"}),
            (
                {"phases": [PHASE]},
                "other_protocol",
                {"gaze"},
            ),
        ],
    )
    def test_what_does_not_compare_is_told_and_withheld(
        self, changes: dict[str, Any], code: str, withheld: set[str]
    ) -> None:
        first = ranged(0.05, 0.049, 0.051, blink_count=2, valid_time_s=60.0)
        other = ranged(0.09, 0.089, 0.091, blink_count=40, valid_time_s=60.0, **changes)
        comparison = compare([Labelled("off", first), Labelled("on", other)])
        (concern,) = comparison.concerns
        assert concern.code == code
        assert concern.labels == ("on",)
        assert concern.message.startswith("on: ")
        for name, group in (("vertical_peak_to_peak", "gaze"), ("blink_rate_per_min", "lids")):
            (change,) = next(m for m in comparison.measures if m.name == name).changes
            assert change.changed is (None if group in withheld else True)
            assert change.why_not == ((code,) if group in withheld else ())

    def test_the_order_of_repeats_decides_nothing(self) -> None:
        """Heights differ by 8 and 4 degrees from one to the next: the outer two by over 10."""
        off, again, on = (
            Labelled(label, make_summary(quality__head_pitch_deg=pitch, blink_count=count))
            for label, pitch, count in (("off", 0.0, 4), ("off", 8.0, 5), ("on", 12.0, 6))
        )
        for recordings in ([off, again, on], [again, off, on], [off, on, again], [again, on, off]):
            comparison = compare(recordings)
            assert [(one.code, one.labels) for one in comparison.concerns] == [
                ("other_camera_height", ("on",))
            ]
            assert comparison.measures[0].changes[0].why_not == ("other_camera_height",)
            # The first one given is within 10 degrees, in two of the orders.
            assert "than in a recording of off, which" in comparison.concerns[0].message

    def test_alike_recordings_raise_none(self) -> None:
        slightly = make_summary(quality__sampled_rate_hz=29.0, blink_count=4)
        assert compare([Labelled("a", make_summary()), Labelled("b", slightly)]).concerns == ()

    def test_a_small_range_of_an_unknown_task_is_compared_all_the_same(self) -> None:
        """It was measured well: only what it means is not known."""
        unknown = {
            "task": "unknown",
            "assessment__status": "not_assessable",
            "assessment__reasons": [{"code": "task_unknown", "message": ""}],
        }
        first, other = ranged(0.03, 0.029, 0.031, **unknown), ranged(0.05, 0.049, 0.051, **unknown)
        comparison = compare([Labelled("off", first), Labelled("on", other)])
        assert [concern.code for concern in comparison.concerns] == ["task_unknown"]
        assert comparison.concerns[0].labels == ("off", "on")
        assert comparison.measures[0].changes[0].changed is True

    def test_a_task_that_is_known_in_one_only_is_another_task(self) -> None:
        known, unknown = ranged(0.03, 0.029, 0.031), ranged(0.05, 0.049, 0.051, task="unknown")
        comparison = compare([Labelled("a", known), Labelled("b", unknown)])
        assert {one.code for one in comparison.concerns} == {"task_unknown", "other_protocol"}
        assert comparison.measures[0].changes[0].changed is None

    def test_the_same_recording_twice_is_no_second_one(self) -> None:
        found = judge(make_summary(source="x.mp4"), make_summary(source="copy of x.mp4"))
        assert found["blink_rate_per_min"]["why_not"] == ["same_recording"]

    def test_a_condition_is_withheld_only_where_it_is_part_of_the_change(self) -> None:
        comparison = compare(
            [
                Labelled("a", ranged(0.05, 0.049, 0.051)),
                Labelled("b", ranged(0.06, 0.059, 0.061, assessment__status="not_assessable")),
                Labelled("c", ranged(0.09, 0.089, 0.091)),
            ]
        )
        assert [change.changed for change in comparison.measures[0].changes] == [
            None,
            True,
        ]


class TestCommand:
    @pytest.fixture
    def files(self, tmp_path: Path) -> list[str]:
        arguments = []
        for label, value in (("off", 0.05), ("on", 0.08)):
            path = tmp_path / f"{label}.summary.json"
            path.write_text(to_json(ranged(value, value - 0.004, value + 0.004).to_dict()))
            arguments.append(f"{label}={path}")
        return arguments

    def test_json_alone_on_stdout_and_a_page(
        self, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "new" / "folder"
        assert main(["compare", *files, "--json", "--out", str(out), "--lang", "ko"]) == 0
        stdout, stderr = capsys.readouterr()
        assert stderr == ""

        def refuse(constant: str) -> None:
            raise AssertionError(constant)

        document = json.loads(stdout, parse_constant=refuse)
        assert document["measures"][0]["changes"][0]["changed"] is True
        assert "수직" in (out / "comparison.html").read_text(encoding="utf-8")
        assert [path.name for path in out.iterdir()] == ["comparison.html"]

    def test_a_table_for_a_person(
        self, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        page = tmp_path / "visit.html"
        assert main(["compare", *files, "--out", str(page)]) == 0
        assert "Vertical range" in page.read_text(encoding="utf-8")
        stdout = capsys.readouterr().out
        assert "differs by more" in stdout
        assert stdout.endswith(f"written {page}\n")

    def test_exit_codes(
        self, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as exit_:
            main(["compare", files[0]])
        assert exit_.value.code == 2
        assert main(["compare", *files, f"later={tmp_path / 'missing.json'}"]) == 3
        assert "no such file" in capsys.readouterr().err


VISIT = {"duration_s": 20.0, "amplitude": 0.05, "blinks_per_min": 15.0}


class TestSimulated:
    """Small versions of ``python -m tests.simulated_visits``."""

    def test_where_nothing_changed_little_is_called_changed(self) -> None:
        # At 5 %, more than 12 of 120, or than 7 of 60, have a probability of 1 %.
        pairs, most = (120, 12) if LONG else (60, 7)
        shares = count_changes(np.random.default_rng(1), pairs, **VISIT)
        assert shares["vertical_peak_to_peak"] <= most / pairs
        assert shares["blink_rate_per_min"] <= most / pairs

    def test_where_much_changed_it_is_called_so(self) -> None:
        later = {"amplitude": 0.12, "blinks_per_min": 60.0}
        shares = count_changes(np.random.default_rng(2), 20, later=later, **VISIT)
        assert shares["vertical_peak_to_peak"] >= 0.9
        assert shares["blink_rate_per_min"] >= 0.6

    @pytest.mark.slow
    def test_the_intervals_hold_the_true_range_and_blink_rate(self) -> None:
        of_range, of_rate = measure_coverage(np.random.default_rng(5), 120, **VISIT)
        # The bootstrap's percentile interval holds it in 106.
        assert of_range >= 112 / 120
        assert of_rate >= 107 / 120

    def test_a_recording_has_the_blinks_it_was_made_with(self) -> None:
        rng = np.random.default_rng(4)
        counts = [simulate(rng, 60.0, 0.05, 12.0, interval_cv=0.2).blink_count for _ in range(5)]
        assert np.mean(counts) == pytest.approx(12, abs=1.5)
