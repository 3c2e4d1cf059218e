"""What `compare` reads: labels, summaries of this and earlier versions, and tracks."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.made_tracks import make_landmarks, make_track
from tests.tracker.study.made_summaries import USUAL
from tracker.files.summary import summarize, to_json
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters
from tracker.protocol import parse_protocol
from tracker.study.compare import compare
from tracker.study.compare_input import (
    ComparisonInputError,
    Labelled,
    label_files,
    read_recording,
)
from tracker.tracks.archive import save_track
from tracker.video.container import InputError


class TestInput:
    def test_labels_are_what_is_before_the_first_sign(self, tmp_path: Path) -> None:
        odd = tmp_path / "a=b.summary.json"
        odd.write_text("{}")
        assert label_files(["off=x/y=1.json", "on=z.json", "off=w.json"]) == [
            ("off", Path("x/y=1.json")),
            ("on", Path("z.json")),
            ("off", Path("w.json")),
        ]
        assert label_files([str(odd), "v2.track.npz"]) == [
            ("a=b", odd),
            ("v2", Path("v2.track.npz")),
        ]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["a.json"], "two conditions"),
            (["x=a.json", "x=b.json"], "two conditions"),
            (["x=a.json", "y=a.json"], "given twice"),
            (["1/clip.summary.json", "2/clip.summary.json"], "tell them apart"),
            # In either order, and beside another condition.
            (["before=x.json", "before.summary.json", "after=y.json"], "several .* called before"),
            (["before.summary.json", "before=x.json", "after=y.json"], "several .* called before"),
            (["before.summary.json", "after=y.json", "before=x.json"], "several .* called before"),
            (["=a.json", "b.json"], "label is empty"),
            (["a\x1b[2J=a.json", "b.json"], "cannot be printed"),
        ],
    )
    def test_what_cannot_be_compared_is_refused(self, arguments: list[str], words: str) -> None:
        with pytest.raises(ValueError, match=words):
            label_files(arguments)

    def test_a_track_is_analysed_anew_with_its_protocol(self, tmp_path: Path) -> None:
        protocol = parse_protocol([{"phase": "up", "start_s": 0, "end_s": 9}])
        gaze = np.where(np.arange(600) < 300, -0.05, 0.05)
        track = make_track(make_landmarks(np.full(600, 0.3), gaze), protocol=protocol)
        save_track(track, tmp_path / "x.track.npz")
        analysis = analyze_track(track, Parameters(protocol=protocol))
        expected = summarize(analysis, assess(analysis), "x.track.npz")
        found = read_recording(tmp_path / "x.track.npz", "x").summary
        assert found == expected

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda _: "",
            lambda _: "[]",
            lambda _: "null",
            lambda _: "[" * 100_000,
            lambda text: text.replace('"perclos": ', '"perclos": NaN, "x": '),
            lambda text: text.replace('"perclos"', '"other"'),
            lambda text: text.replace('"blink_count": 3', '"blink_count": 1e99'),
            lambda text: text.replace('"blink_count": 3', '"blink_count": 99999999'),
            lambda text: text.replace('"blink_count": 3', '"blink_count": true'),
            lambda text: text.replace('"partial": false', '"partial": 0'),
            lambda text: text.replace('"status": "', '"status": "better '),
            lambda text: text.replace('"phases": []', '"phases": [1]'),
            lambda text: text.replace('"quality": {', '"quality": {}, "_": {'),
            lambda text: text.replace('"valid_time_s": ', '"valid_time_s": -'),
            lambda text: re.sub(r'(_ci95": \[)([^,]+), ([^\]]+)', r"\1\3, \2", text),
        ],
    )
    def test_what_is_no_summary_is_refused(
        self, tmp_path: Path, spoil: Callable[[str], str]
    ) -> None:
        text = to_json(USUAL.to_dict())
        path = tmp_path / "x.summary.json"
        path.write_text(text)
        assert read_recording(path, "x").summary == USUAL
        spoiled = spoil(text)
        assert spoiled != text
        path.write_text(spoiled)
        with pytest.raises(ComparisonInputError, match=r"x\.summary\.json: not a summary"):
            read_recording(path, "x")

    def test_an_earlier_version_s_may_lack_what_is_not_compared(self, tmp_path: Path) -> None:
        document = USUAL.to_dict()
        del document["sampling"], document["framing_gain"], document["task"]
        del document["quality"]["gap_share"], document["parameters"]["blink_baseline"]
        (tmp_path / "x.json").write_text(json.dumps(document))
        found = read_recording(tmp_path / "x.json", "x").summary
        assert (found.blink_count, found.perclos) == (USUAL.blink_count, USUAL.perclos)
        assert found.parameters.blink_baseline is None

    def test_a_summary_that_knew_no_task_is_read_and_says_what_it_lacks(
        self, tmp_path: Path
    ) -> None:
        """As version 0.2 wrote it: uncertain, and suspected all the same."""
        document = USUAL.to_dict()
        document |= {"task": "assumed_up_then_down", "psp_suspected": True}
        document["assessment"] |= {
            "status": "suspected",
            "reasons": [{"code": "borderline", "message": "The range is uncertain."}],
        }
        del document["assessment"]["basis"], document["assessment"]["basis_limit"]
        del document["parameters"]["task"], document["parameters"]["task_assumed"]
        for name in ("up_range_ci95", "down_range_ci95"):
            del document[name]
        (tmp_path / "x.json").write_text(json.dumps(document))
        earlier = read_recording(tmp_path / "x.json", "before")
        assert earlier.summary.assessment.status == "suspected"
        assert (earlier.summary.task, earlier.summary.assessment.basis) == (None, None)
        now = Labelled("now", replace(USUAL, blink_count=9))
        comparison = compare([earlier, now])
        (concern,) = comparison.concerns
        assert (concern.code, concern.labels) == ("earlier_verdict", ("before",))
        assert "did not ask what the person had to do" in concern.message
        # It is a caution: what was measured is compared.
        range_ = next(one for one in comparison.measures if one.name == "vertical_peak_to_peak")
        assert range_.changes[0].changed is False

    @pytest.mark.parametrize("name", ["blink_count", "perclos", "phases", "quality"])
    def test_what_is_compared_and_missing_is_named(self, tmp_path: Path, name: str) -> None:
        document = USUAL.to_dict()
        del document[name]
        (tmp_path / "x.json").write_text(json.dumps(document))
        with pytest.raises(ComparisonInputError, match=f"{name} is missing"):
            read_recording(tmp_path / "x.json", "x")

    def test_what_is_not_there_or_too_large_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no such file"):
            read_recording(tmp_path / "x.json", "x")
        (tmp_path / "x.json").write_bytes(b" " * (4 * 2**20 + 1))
        with pytest.raises(ComparisonInputError, match="over 4 MB"):
            read_recording(tmp_path / "x.json", "x")
