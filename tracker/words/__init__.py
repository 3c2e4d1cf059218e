"""All texts that a person reads, in English and Korean, and how their numbers are filled in.

This package imports nothing large and none of the project's other packages, so that each of them
can import it.
"""

import math
import string
from typing import Any, Literal

from tracker.words import en, ko

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")
TEXTS: dict[Language, dict[str, str]] = {"en": en.TEXTS, "ko": ko.TEXTS}
"""The texts by language and key. Both languages have the same keys and placeholders."""


class _Formatter(string.Formatter):
    """Formats as `str.format` does, but replaces a missing number (NaN) by words."""

    def __init__(self, missing: str) -> None:
        self._missing = missing

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, float) and math.isnan(value):
            return self._missing
        return str(super().format_field(value, format_spec))


def format_text(language: Language, key: str, **values: Any) -> str:
    """Return a text with its placeholders filled.

    Parameters
    ----------
    language : {"en", "ko"}
    key : str
        A key of `TEXTS`, such as ``"report.title"``.
    **values
        A value for each placeholder. NaN becomes "not measurable".

    Returns
    -------
    str
        Plain text: it is not escaped for HTML.
    """
    texts = TEXTS[language]
    return _Formatter(texts["value.not_measurable"]).format(texts[key], **values)


def round_range(range_: float, threshold: float | None) -> float:
    """Round a vertical range, or an end of its interval, as every output shows it.

    Parameters
    ----------
    range_ : float
        In eye widths. NaN if it is missing.
    threshold : float or None
        The limit that the range is compared with, in eye widths. None if there is none.

    Returns
    -------
    float
        The nearest number with three decimals that is on the same side of the threshold as the
        range. NaN if the range is NaN.
    """
    if not math.isfinite(range_):
        return math.nan
    shown = round(range_, 3)
    if threshold is not None and (shown < threshold) != (range_ < threshold):
        shown = round(shown - 0.001 if range_ < threshold else shown + 0.001, 3)
    return shown
