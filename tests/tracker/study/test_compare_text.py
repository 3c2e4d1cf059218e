"""A comparison in words: everything has a text, and the terminal shows what matters."""

import re
from typing import Any

import pytest

from tests.tracker.study.made_summaries import make_summary, ranged
from tracker.files.documents import find_field
from tracker.study.compare import _DIFFERENCES, _WITHHOLDS, compare
from tracker.study.compare_input import MEASURES, MOVEMENT_MEASURES, Labelled
from tracker.study.compare_text import describe_comparison, list_notes, name_measure
from tracker.words import LANGUAGES, TEXTS


class TestWords:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_everything_that_can_be_said_has_words(self, language: Any) -> None:
        texts = TEXTS[language]
        for measure in MEASURES:
            # The data dictionary's label of a movement names its unit, too.
            if measure in MOVEMENT_MEASURES:
                assert find_field(measure.name)[1].unit == measure.unit
                assert name_measure(language, measure.name)
                continue
            assert {
                f"compare.measure.{measure.name}",
                f"compare.unit.{measure.unit}",
            } <= texts.keys()
        codes = {*_WITHHOLDS, *_DIFFERENCES, "partial"}
        assert {f"compare.concern.{code}" for code in codes} <= texts.keys()
        assert {f"compare.why.{code}" for code in (*_WITHHOLDS, "no_interval")} <= texts.keys()

    @pytest.mark.parametrize(
        ("language", "words"),
        [
            ("en", "Not validated on patients: Blinks a minute at rest."),
            ("ko", "환자에서 검증되지 않은 값: 안정 시 분당 눈 깜빡임."),
        ],
    )
    def test_movements_are_named_as_not_validated(self, language: Any, words: str) -> None:
        name = "blink_rate_rest_per_min"
        first, other = (
            make_summary(**{name: rate, f"{name}_ci95": [rate - 2, rate + 2]})
            for rate in (5.0, 15.0)
        )
        notes = list_notes(language, compare([Labelled("off", first), Labelled("on", other)]))
        assert words in notes
        without = compare([Labelled("off", make_summary()), Labelled("on", make_summary())])
        assert not any("validated" in note for note in list_notes("en", without))

    def test_a_person_reads_values_changes_verdicts_and_limits(self) -> None:
        first, other = ranged(0.05, 0.046, 0.053), ranged(0.08, 0.074, 0.086, partial=True)
        text = describe_comparison(compare([Labelled("off", first), Labelled("on", other)]))
        assert "Vertical range, eye widths\n  off  0.050 (0.046 to 0.053)\n  on   0.080" in text
        assert "+0.030 (+0.023 to +0.037)" in text
        assert "differs by more than the recordings' own uncertainty\n" in text
        assert "not judged (record each condition at least twice)" in text
        assert "caution: on: the end of a recording was not analysed." in text
        assert "is not known from one recording of each" in text
        assert "up to 0.15 would be called" in text

    def test_in_korean_nothing_is_left_in_english(self) -> None:
        first, other = ranged(0.05, 0.046, 0.053), ranged(0.08, 0.074, 0.086, partial=True)
        text = describe_comparison(compare([Labelled("A", first), Labelled("B", other)]), "ko")
        assert "수직 범위, 눈 너비\n  A  0.050 (0.046 ~ 0.053)\n  B  0.080" in text
        assert "각 녹화의 불확실성보다 큰 차이\n" in text
        assert "유의할 점: B: 녹화의 끝부분이 분석되지 않았습니다." in text
        assert "참고: 모든 녹화는 같은 사람의 것이어야" in text
        for line in text.splitlines():
            # Labels, and the names of measures as researchers write them.
            assert set(re.findall("[A-Za-z]+", line)) <= {"A", "B", "PERCLOS", "BCEA"}, line
