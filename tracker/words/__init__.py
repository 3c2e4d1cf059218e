"""All texts that a person reads, in English and Korean, and how their numbers are filled in.

This package imports nothing large and none of the project's other packages, so that each of them
can import it.
"""

import math
import re
import string
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from tracker.words import en, ko

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")
TEXTS: dict[Language, dict[str, str]] = {"en": en.TEXTS, "ko": ko.TEXTS}
"""The texts by language and key. Both languages have the same keys and placeholders."""


_LIMIT = re.compile(r"(least|most)(?:_(.+))?")
"""Names of placeholders that hold a limit: ``least``, ``most_deg``, ``most_yaw``, …"""
_PLACES = re.compile(r"(.*\.)(\d)([f%])")
MOST_MORE_DECIMALS = 9


class _Formatter(string.Formatter):
    """Formats as `str.format` does, but with two differences.

    A missing number (NaN) is replaced by `missing`, the words it was made with. A number beside its
    limit gets more decimals if it would otherwise read as if it met a limit that it misses, or the
    other way round: "23.97, at least 24" and not "24.0, at least 24". A limit is a placeholder
    named ``least`` or ``most``, or so with an ending; ``least_hz`` is that of the last placeholder
    before it that is ``hz`` or ends with ``_hz``, or else of the last one before it.
    """

    def __init__(self, missing: str) -> None:
        self._missing = missing

    def vformat(self, text: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        fields = [(name, form or "") for _, name, form, _ in self.parse(text) if name]
        told = dict(kwargs)
        for limit, limit_form, name, form in _pair_limits(fields):
            value = kwargs[name]
            if isinstance(value, float) and math.isfinite(value):
                is_least = limit.startswith("least")
                told[name] = _Formatted(
                    format_beside(value, form, kwargs[limit], limit_form, is_least=is_least)
                )
        return super().vformat(text, args, told)

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, _Formatted):
            return value
        if isinstance(value, float) and math.isnan(value):
            return self._missing
        return str(super().format_field(value, format_spec))


class _Formatted(str):
    """A number that is formatted already, which the formatter leaves as it is."""


def _pair_limits(fields: Sequence[tuple[str, str]]) -> list[tuple[str, str, str, str]]:
    """Pair each limit in a text with the value that it limits.

    `fields` are the text's placeholders as they follow each other: (name, format). A limit is one
    that is named ``least`` or ``most``, or so with an ending: ``most_deg``. A pair is (limit's
    name, its format, value's name, its format). The value of ``most_deg`` is the last one before it
    that is named ``deg`` or ends with ``_deg``, or else the last one before it. A percentage is
    only paired with another one. A limit without a value has no pair.
    """
    pairs = []
    for number, (limit, limit_form) in enumerate(fields):
        words = _LIMIT.fullmatch(limit)
        values = [
            (name, form)
            for name, form in fields[:number]
            if not _LIMIT.fullmatch(name) and form.endswith("%") == limit_form.endswith("%")
        ]
        if words and values:
            end = words[2] or ""
            named = [one for one in values if end and re.fullmatch(f"(.*_)?{end}", one[0])]
            pairs.append((limit, limit_form, *(named or values)[-1]))
    return pairs


def format_beside(value: float, form: str, limit: float, limit_form: str, *, is_least: bool) -> str:
    """Format a number that is shown beside a limit of it.

    Parameters
    ----------
    value, limit : float
        Their sizes are compared, without signs.
    form, limit_form : str
        Their formats, such as ``.1f`` and ``.0f``, or ``.1%`` and ``.0%``.
    is_least : bool
        True if the value should be the limit or more; False if the limit or less.

    Returns
    -------
    str
        The value in its format. If it would then read as if it met the limit but does not, or the
        other way round, it gets as many more decimals as are needed to read correctly. If 9 more
        are not enough, or the format is none like ``.1f`` or ``.0%``, it stays in its format.

    Examples
    --------
    >>> format_beside(23.97, ".1f", 24.0, ".0f", is_least=True)
    '23.97'
    >>> format_beside(24.02, ".1f", 24.0, ".0f", is_least=True)
    '24.0'
    """

    def is_within(one: float, other: float) -> bool:
        return one >= other if is_least else one <= other

    true, shown_limit = is_within(abs(value), abs(limit)), _read(format(limit, limit_form))
    forms = [form]
    if places := _PLACES.fullmatch(form):
        more = range(1, MOST_MORE_DECIMALS + 1)
        forms += [f"{places[1]}{int(places[2]) + one}{places[3]}" for one in more]
    shown = [format(value, one) for one in forms]
    return next((one for one in shown if is_within(_read(one), shown_limit) == true), shown[0])


def _read(shown: str) -> float:
    return abs(float(shown[:-1]) / 100 if shown.endswith("%") else float(shown))


def format_text(language: Language, key: str, **values: Any) -> str:
    """Return a text with its placeholders filled.

    Parameters
    ----------
    language : {"en", "ko"}
    key : str
        A key of `TEXTS`, such as ``"report.title"``.
    **values
        A value for each placeholder; others are ignored. NaN becomes "not measurable", in the
        language of the text. A number beside a limit of it gets more decimals where it would
        otherwise read as if it were on the wrong side of that limit.

    Returns
    -------
    str
        Plain text: it is not escaped for HTML.

    Raises
    ------
    KeyError
        There is no such text, or a placeholder has no value.
    """
    texts = TEXTS[language]
    return _Formatter(texts["value.not_measurable"]).format(texts[key], **values)


def round_range(range_: float, threshold: float | None) -> float:
    """Round a vertical range, or an end of its interval, as every output shows it.

    Parameters
    ----------
    range_ : float
        In eye widths (from corner to corner of the eye). NaN if it is missing.
    threshold : float or None
        The limit that the range is compared with, in eye widths. None if there is none.

    Returns
    -------
    float
        The nearest number with three decimals that is below the threshold if the range is, and at
        or above it if the range is. NaN if the range is NaN or infinite.
    """
    if not math.isfinite(range_):
        return math.nan
    shown = round(range_, 3)
    if threshold is not None and (shown < threshold) != (range_ < threshold):
        shown = round(shown - 0.001 if range_ < threshold else shown + 0.001, 3)
    return shown


def format_significant(value: float, digits: int) -> str:
    """Format a number with so many significant digits, but with all digits of its whole part.

    No number gets an exponent: with 3 digits, 12.345 becomes "12.3", 12345.6 becomes "12346", and
    0.0000123456 becomes "0.0000123".
    """
    whole = f"{value:.0f}"
    if len(whole.removeprefix("-")) >= digits:
        return whole
    return f"{Decimal(f'{value:.{digits}g}'):f}"
