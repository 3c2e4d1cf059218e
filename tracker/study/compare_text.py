"""A comparison in words, at a terminal and on its page."""

from collections.abc import Sequence
from typing import Any

from tracker.words import Language, format_text, round_range


def describe_comparison(comparison: dict[str, Any]) -> str:
    """Return a comparison for a person at a terminal.

    Parameters
    ----------
    comparison : dict
        From `compare`.

    Returns
    -------
    str
        A line for each measure and condition, then what to keep in mind.
    """
    width = max(len(condition["label"]) for condition in comparison["conditions"])
    lines = []
    for measure in comparison["measures"]:
        lines.append(f"{tell_measure('en', measure)}")
        changes = [None, *measure["changes"]]
        for value, change in zip(measure["values"], changes, strict=True):
            words = f"  {value['label']:<{width}}  {tell_value('en', measure, value):<24}"
            if change is not None:
                verdict = tell_verdict("en", change)
                words += f"  {tell_change('en', measure, change):<32}  {verdict}"
            lines.append(words.rstrip())
        if measure["smallest_detectable_change"] is not None:
            limit = tell_number(measure, measure["smallest_detectable_change"])
            lines.append(f"  {format_text('en', 'compare.detectable', value=limit)}")
    lines += [f"caution: {concern['message']}" for concern in comparison["concerns"]]
    return "\n".join([*lines, *(f"note: {note}" for note in tell_notes("en", comparison))])


def tell_measure(language: Language, measure: dict[str, Any]) -> str:
    """Return a measure's name and unit."""
    unit = format_text(language, f"compare.unit.{measure['unit']}")
    return f"{format_text(language, 'compare.measure.' + measure['name'])}, {unit}"


def tell_number(measure: dict[str, Any], value: float | None, sign: str = "") -> str:
    """Return a number of a measure with its decimals; a dash where it is missing."""
    return "-" if value is None else f"{value:{sign}.{measure['digits']}f}"


def tell_value(language: Language, measure: dict[str, Any], value: dict[str, Any]) -> str:
    """Return a condition's value and its interval."""
    numbers = (value["value"], *value["ci95"])
    if measure["threshold"] is not None:
        numbers = tuple(
            None if one is None else round_range(one, measure["threshold"]) for one in numbers
        )
    words = tell_number(measure, numbers[0])
    low, high = numbers[1:]
    if low is None:
        return words
    to = format_text(language, "compare.to")
    return f"{words} ({tell_number(measure, low)} {to} {tell_number(measure, high)})"


def tell_change(language: Language, measure: dict[str, Any], change: dict[str, Any]) -> str:
    """Return a change, its interval, and what repeated recordings would differ by."""
    to = format_text(language, "compare.to")
    low, high = change["interval"]
    is_difference = measure["change_is"] == "difference"
    words = tell_number(measure, change["change"], "+")
    if not is_difference and change["change"] is not None:
        words = format_text(language, "compare.ratio", value=f"{change['change']:.2f}")
    if low is not None and is_difference:
        words += f" ({tell_number(measure, low, '+')} {to} {tell_number(measure, high, '+')})"
    elif low is not None:
        words += f" ({low:.2f} {to} {'∞' if high is None else f'{high:.2f}'})"
    if change["repeat_limit"] is not None:
        words += format_text(
            language, "compare.repeats", limit=tell_number(measure, change["repeat_limit"])
        )
    return words


def tell_verdict(language: Language, change: dict[str, Any]) -> str:
    """Return whether a measure changed, or why that is not judged."""
    if change["changed"]:
        key = "once" if change["repeat_limit"] is None else "repeated"
        return format_text(language, f"compare.verdict.{key}")
    if change["changed"] is False:
        return format_text(language, "compare.verdict.unchanged")
    reasons = "; ".join(format_text(language, f"compare.why.{code}") for code in change["why_not"])
    return f"{format_text(language, 'compare.verdict.not_judged')} ({reasons})"


def tell_notes(language: Language, comparison: dict[str, Any]) -> list[str]:
    """Return what to keep in mind about a comparison."""
    free = max(measure["degrees_of_freedom"] for measure in comparison["measures"])
    judged, expected = comparison["judged_changes"], comparison["changes_by_chance"]
    notes = [
        format_text(language, "compare.note.repeated", free=free)
        if free
        else format_text(language, "compare.note.once")
    ]
    if judged:
        notes.append(format_text(language, "compare.note.chance", judged=judged, expected=expected))
    return [*notes, format_text(language, "compare.note.person")]


def tell_concern(
    language: Language, code: str, labels: Sequence[str], first: str, details: str
) -> str:
    """Return a concern in words; `first` is the label that the others are compared with."""
    return format_text(
        language, f"compare.concern.{code}", labels=", ".join(labels), first=first, details=details
    )
