"""Every text is there in both languages, with the same numbers, and loads nothing heavy."""

import ast
import inspect
import math
import re
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tracker.measures.test_obstacles import GATES, Gate, codes_in_the_source
from tracker.files.columns import (
    BLINK_COLUMNS,
    COHORT_COLUMNS,
    FRAME_COLUMNS,
    SACCADE_COLUMNS,
    SUMMARY_COLUMNS,
)
from tracker.measures import following, obstacles
from tracker.measures.assessment import assess
from tracker.words import (
    LANGUAGES,
    TEXTS,
    Language,
    format_beside,
    format_significant,
    format_text,
)
from tracker.words.glossary import GLOSSARY

WEB_TEXTS = Path(__file__).parents[3] / "handler" / "web" / "texts.js"
ENGLISH, KOREAN = TEXTS["en"], TEXTS["ko"]
SAME_IN_BOTH = {
    "report.interval_short",
    "report.indicator.sharpness.value",
    "report.definition.picture",
    "compare.to",
}
"""Numbers and names alone, which need no translation."""


def placeholders(text: str) -> list[tuple[str, str | None]]:
    return sorted(
        (name, form) for _, name, form, _ in string.Formatter().parse(text) if name is not None
    )


def test_every_text_is_there_in_korean_with_the_same_numbers() -> None:
    assert list(KOREAN) == list(ENGLISH)
    for key, text in ENGLISH.items():
        assert placeholders(KOREAN[key]) == placeholders(text), key
    for key, text in KOREAN.items():
        assert re.search("[가-힣]", text) or key in SAME_IN_BOTH, key
    assert not any(re.search("[가-힣]", text) for text in ENGLISH.values())


def test_the_korean_word_for_a_blink_is_in_the_table() -> None:
    assert KOREAN["report.kind.blink"] == "눈 깜빡임"


def test_every_finding_has_its_texts() -> None:
    used = set()
    for module in (obstacles, following, inspect.getmodule(assess)):
        for node in ast.walk(ast.parse(inspect.getsource(module))):  # type: ignore[arg-type]
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
    keys = [key.split(".")[1:] for key in ENGLISH if key.startswith("finding.")]
    assert {code for code, *_ in keys} == codes_in_the_source()
    for _, *variant in keys:
        assert set(variant) <= used, variant


@pytest.mark.parametrize(
    "gate", GATES, ids=lambda gate: " ".join((gate.code, gate.kind, gate.name)).strip()
)
def test_findings_say_the_same_numbers_in_both_languages(gate: Gate) -> None:
    assessment = assess(gate.make(gate.outside))
    for finding in (*assessment.reasons, *assessment.cautions):
        english, other = finding.describe("en"), finding.describe("ko")
        for name, value in finding.values.items():
            form = dict(placeholders(ENGLISH[_key(finding)]))[name]
            number = format(value, form or "")
            assert number in english
            assert number in other
    said = assessment.describe("ko")
    assert re.search("[가-힣]", said)
    assert assessment.describe("en") == assessment.rule_reason
    assert re.search("[가-힣]", assessment.describe_for_patient("ko"))


def _key(finding: Any) -> str:
    return ".".join(("finding", finding.code, *([finding.variant] if finding.variant else [])))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("key", "values", "shown", "hidden"),
    [
        ("finding.low_rate", {"rate_hz": 23.97, "least_hz": 24.0}, "23.97", "24.0"),
        ("finding.face_lost", {"seen": 0.796, "least": 0.8}, "79.6%", " 80% of"),
        ("finding.head_turned", {"yaw_deg": 20.3, "most_deg": 20.0}, "20.3", "20.0"),
        ("finding.too_short", {"seen_s": 9.9996, "least_s": 10.0}, "9.9996", "10.0"),
        ("report.indicator.eye_size.value", {"width": 23.9996, "least": 24.0}, "23.9996", "24.0"),
        # What keeps the limit needs no more digits.
        ("finding.low_rate", {"rate_hz": 24.02, "least_hz": 24.0}, "24.0", "24.02"),
    ],
)
def test_a_number_that_misses_its_limit_does_not_read_as_if_it_kept_it(
    language: Language, key: str, values: dict[str, float], shown: str, hidden: str
) -> None:
    text = format_text(language, key, **values)
    assert shown in text
    assert hidden not in text


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("limit_sign", [1, -1])
@pytest.mark.parametrize(
    ("size", "form", "limit", "limit_form", "is_least", "shown"),
    [
        (0.7996, ".0%", 0.8, ".0%", True, "79.96%"),
        (0.8004, ".0%", 0.8, ".0%", False, "80.04%"),
        (0.8004, ".0%", 0.8, ".0%", True, "80%"),
        (23.97, ".1f", 24.0, ".0f", True, "23.97"),
        (24.03, ".1f", 24.0, ".0f", False, "24.03"),
        (24.03, ".1f", 24.0, ".0f", True, "24.0"),
    ],
)
def test_beside_a_limit_sizes_are_read_without_signs(
    size: float,
    form: str,
    limit: float,
    limit_form: str,
    is_least: bool,
    shown: str,
    sign: int,
    limit_sign: int,
) -> None:
    found = format_beside(sign * size, form, limit_sign * limit, limit_form, is_least=is_least)
    assert found == ("-" if sign < 0 else "") + shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_each_limit_the_right_number_is_compared(language: Language) -> None:
    """The head's three limits stand among its numbers: only the one that fails changes."""
    kept = {"yaw": 19.6, "most_yaw": 20.0, "pitch": -24.6, "most_pitch": 25.0}
    kept |= {"spread": 9.6, "most_spread": 10.0}
    for name, value, shown in (("yaw", 20.4, "20.4°"), ("pitch", -25.4, "-25.4°")):
        text = format_text(language, "report.indicator.head.value", **(kept | {name: value}))
        assert shown in text
        assert re.findall(r"\d\.\d", text) == [shown[-4:-1]]
    # No other number of this text is held against its limit.
    text = format_text(language, "finding.low_rate.part", share=0.999, least_hz=1.0)
    assert "100%" in text


@pytest.mark.parametrize(("language", "words"), [("en", "not measurable"), ("ko", "측정 불가")])
def test_a_missing_number_is_called_so(language: Language, words: str) -> None:
    assert words in format_text(language, "finding.looked_aside", range=math.nan)


def test_a_placeholder_without_a_value_is_an_error() -> None:
    for language in LANGUAGES:
        with pytest.raises(KeyError):
            format_text(language, "report.threshold")


def test_texts_load_nothing_heavy_and_no_other_room() -> None:
    script = (
        "import sys\n"
        "import tracker.words.patient\n"
        "names = {name for name in sys.modules if name.split('.')[0] in ('tracker', 'kernels')}\n"
        "print(*sorted(names), *sorted({'numpy', 'jinja2', 'markupsafe'} & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    # The package itself sets OpenCV's limits before anything else.
    package = ["tracker", "tracker.version", "tracker.video", "tracker.video.limits"]
    words = ["tracker.words", "tracker.words.en", "tracker.words.ko", "tracker.words.patient"]
    assert result.stdout.split() == package + words


def find_avoided(text: str) -> list[str]:
    """Return the words in a Korean text that the glossary says not to use."""
    return [word for term in GLOSSARY for word in term.avoid if word in text]


def test_every_korean_text_keeps_to_the_glossary() -> None:
    lines = WEB_TEXTS.read_text(encoding="utf-8").splitlines()
    korean_lines = [("texts.js", line) for line in lines if re.search("[가-힣]", line)]
    assert len(korean_lines) > 50
    for name, text in (*KOREAN.items(), *korean_labels(), *korean_lines):
        assert find_avoided(text) == [], name


def korean_labels() -> list[tuple[str, str]]:
    labels = []
    for table in (
        SUMMARY_COLUMNS,
        COHORT_COLUMNS,
        FRAME_COLUMNS,
        BLINK_COLUMNS,
        SACCADE_COLUMNS,
    ):
        labels += [(column.name, column.ko) for column in table]
    return labels


def test_the_glossary_finds_what_it_avoids_and_names_what_is_used() -> None:
    assert find_avoided("눈 깜박임 해독") == ["깜박", "해독"]
    used = " ".join([*KOREAN.values(), WEB_TEXTS.read_text(encoding="utf-8")])
    assert [term.ko for term in GLOSSARY if term.ko not in used] == []


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0.012345, 3, "0.0123"),
        (12.345, 3, "12.3"),
        (99.96, 3, "100"),
        (-999.6, 3, "-1000"),
        (1234.5678, 3, "1235"),
        (86_399.9, 4, "86400"),
        (0.0000190038, 3, "0.000019"),
        (-0.0000286175, 3, "-0.0000286"),
        (0.00012, 4, "0.00012"),
        (0.0, 4, "0"),
        (math.nan, 3, "nan"),
    ],
)
def test_a_large_or_small_number_has_no_exponent(value: float, digits: int, shown: str) -> None:
    assert format_significant(value, digits) == shown
