"""Every text is there in both languages, with the same numbers, and loads nothing heavy."""

import ast
import inspect
import math
import re
import string
import subprocess
import sys
from typing import Any

import pytest

from tests.tracker.measures.test_obstacles import GATES, Gate, codes_in_the_source
from tracker.measures import obstacles
from tracker.measures.assessment import assess
from tracker.words import LANGUAGES, TEXTS, Language, format_text

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
    for module in (obstacles, inspect.getmodule(assess)):
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
