"""The words that describe a comparison at a terminal and on its page."""

from collections.abc import Sequence

from tracker.files.documents import find_field, list_movements
from tracker.study.comparison import Change, ComparedMeasure, Comparison, ConditionValue
from tracker.words import Language, format_text, round_range

_MOVEMENTS = frozenset(list_movements())


def describe_comparison(comparison: Comparison, language: Language = "en") -> str:
    """Return a comparison as text for a terminal.

    Parameters
    ----------
    comparison : Comparison
    language : {"en", "ko"}, optional

    Returns
    -------
    str
        Of each measure its name, below it a line for each condition, and the smallest detectable
        change if it is known; then the concerns as cautions, and the notes. The last line does not
        end with a newline.
    """
    labels = [condition.label for condition in comparison.conditions]
    width = max(map(len, labels))
    lines = []
    for measure in comparison.measures:
        lines.append(f"{format_measure(language, measure)}")
        changes = [None, *measure.changes]
        for value, change in zip(measure.values, changes, strict=True):
            words = f"  {value.label:<{width}}  {format_value(language, measure, value):<24}"
            if change is not None:
                verdict = format_verdict(language, change)
                words += f"  {format_change(language, measure, change):<32}  {verdict}"
            lines.append(words.rstrip())
        if measure.smallest_detectable_change is not None:
            limit = format_number(measure, measure.smallest_detectable_change)
            lines.append(f"  {format_text(language, 'compare.detectable', value=limit)}")
    concerns = [
        format_concern(language, one.code, one.labels, labels[0], one.details)
        for one in comparison.concerns
    ]
    for kind, texts in (("caution", concerns), ("note", list_notes(language, comparison))):
        lines += [format_text(language, f"compare.terminal.{kind}", text=one) for one in texts]
    return "\n".join(lines)


def format_measure(language: Language, measure: ComparedMeasure) -> str:
    """Return a measure's name and unit in a language, such as ``Blinks, per minute``."""
    if measure.name in _MOVEMENTS:
        return name_measure(language, measure.name)
    unit = format_text(language, f"compare.unit.{measure.unit}")
    return f"{name_measure(language, measure.name)}, {unit}"


def name_measure(language: Language, name: str) -> str:
    """Return a measure's name in a language; `name` is `ComparedMeasure.name`.

    A measure of movements, such as the saccades' latency, is called by its label in the summary,
    which holds the unit too. The names of other measures are without a unit.
    """
    if name in _MOVEMENTS:
        return find_field(name)[1].label(language)
    return format_text(language, f"compare.measure.{name}")


def format_number(measure: ComparedMeasure, value: float | None, sign: str = "") -> str:
    """Return a number as text with its measure's decimals, or a dash if it is None.

    With ``"+"`` as `sign`, a positive number gets a plus; with "", it does not.
    """
    return "-" if value is None else f"{value:{sign}.{measure.digits}f}"


def format_value(language: Language, measure: ComparedMeasure, value: ConditionValue) -> str:
    """Return a condition's value as text, with its 95 % interval if it has one, but no unit.

    For example ``0.091 (0.085 to 0.097)``; a dash if there is no value. If `measure` has a
    `threshold`, rounding moves no number across it.
    """
    numbers = [value.value, *value.ci95]
    if measure.threshold is not None:
        numbers = [None if one is None else round_range(one, measure.threshold) for one in numbers]
    middle, low, high = numbers
    words = format_number(measure, middle)
    if low is None:
        return words
    to = format_text(language, "compare.to")
    return f"{words} ({format_number(measure, low)} {to} {format_number(measure, high)})"


def format_change(language: Language, measure: ComparedMeasure, change: Change) -> str:
    """Return a change as text, with its interval and its `repeat_limit` if they exist.

    A difference has a sign, such as ``+0.012 (+0.004 to +0.020)``, and a ratio two decimals, such
    as ``1.25 times (0.80 to 1.96)``. `measure` is the one that changed. If the change is not known,
    a dash takes its place.
    """
    to = format_text(language, "compare.to")
    low, high = change.interval
    is_difference = measure.change_is == "difference"
    words = format_number(measure, change.change, "+")
    if not is_difference and change.change is not None:
        words = format_text(language, "compare.ratio", value=f"{change.change:.2f}")
    if low is not None and is_difference:
        words += f" ({format_number(measure, low, '+')} {to} {format_number(measure, high, '+')})"
    elif low is not None:
        words += f" ({low:.2f} {to} {'∞' if high is None else f'{high:.2f}'})"
    if change.repeat_limit is not None:
        words += format_text(
            language, "compare.repeats", limit=format_number(measure, change.repeat_limit)
        )
    return words


def format_verdict(language: Language, change: Change) -> str:
    """Return in words whether a measure changed, or that this is not judged, and why."""
    if change.changed:
        key = "once" if change.repeat_limit is None else "repeated"
        return format_text(language, f"compare.verdict.{key}")
    if change.changed is False:
        return format_text(language, "compare.verdict.unchanged")
    reasons = "; ".join(format_text(language, f"compare.why.{code}") for code in change.why_not)
    return f"{format_text(language, 'compare.verdict.not_judged')} ({reasons})"


def list_notes(language: Language, comparison: Comparison) -> list[str]:
    """Return sentences on how to read a comparison, such as how many changes chance would make.

    What makes these recordings hard to compare is not here, but in `Comparison.concerns`.
    """
    free = max(measure.degrees_of_freedom for measure in comparison.measures)
    judged, expected = comparison.judged_changes, comparison.changes_by_chance
    notes = [
        format_text(language, "compare.note.repeated", free=free)
        if free
        else format_text(language, "compare.note.once")
    ]
    if judged:
        notes.append(format_text(language, "compare.note.chance", judged=judged, expected=expected))
    names = [
        name_measure(language, measure.name)
        for measure in comparison.measures
        if measure.name in _MOVEMENTS
    ]
    if names:
        joined = ", ".join(names)
        notes.append(format_text(language, "compare.note.movements", names=joined))
    return [*notes, format_text(language, "compare.note.person")]


def format_concern(
    language: Language, code: str, labels: Sequence[str], first: str, details: str
) -> str:
    """Return a concern, a reason why recordings are hard to compare, as a sentence.

    `code`, `labels` and `details` are those of a `Concern`: its kind, the labels of the conditions
    concerned, and what was found in this case, such as codes of findings, or "". `first` is the
    label of the first condition.
    """
    return format_text(
        language, f"compare.concern.{code}", labels=", ".join(labels), first=first, details=details
    )
