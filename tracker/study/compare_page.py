"""A comparison as a page: what changed first, then each measure drawn with its intervals."""

from html import escape
from typing import Any

from tracker.pages.page import Status, draw_mark, make_page
from tracker.study.compare import (
    tell_change,
    tell_concern,
    tell_measure,
    tell_notes,
    tell_number,
    tell_value,
    tell_verdict,
)
from tracker.words.compare import say
from tracker.words.en import Language

_WIDTH, _HEIGHT, _MARGIN = 300, 24, 10
_STYLE = """
.forest { display: block; width: 300px; max-width: 100%; height: auto; }
.forest .axis { stroke: #7b8794; }
.forest .interval { stroke: var(--blue); stroke-width: 3; }
.forest .value { fill: var(--blue); stroke: #fff; stroke-width: 1.5; }
.forest .single { fill: #fff; stroke: var(--ink); stroke-width: 1.2; }
.forest text { font-size: 12px; fill: var(--ink); }
.verdicts { margin: 0; padding: 0; list-style: none; }
.verdicts li { margin: 4px 0; }
.comparison th[scope=rowgroup] { background: var(--soft); padding-top: 12px; font-size: 1rem; }
.comparison .last > * { border-bottom: 0; padding-top: 0; }
@media (max-width: 700px) {
  .comparison thead, .comparison td:empty { display: none; }
  .comparison tr { display: grid; padding: 6px 0; border-bottom: 1px solid var(--line); }
  .comparison th, .comparison td { border: 0; padding: 1px 8px; }
}
"""


def make_comparison_page(comparison: dict[str, Any], language: Language) -> str:
    """Make the page.

    Parameters
    ----------
    comparison : dict
        From `tracker.study.compare.compare`.
    language : {"en", "ko"}

    Returns
    -------
    str
        HTML that needs no other file and no network.
    """

    def text(key: str, **values: Any) -> str:
        return escape(say(language, key, **values))

    labels = [condition["label"] for condition in comparison["conditions"]]
    title = f"{say(language, 'title')}: {', '.join(labels)}"
    parts = [
        f'<h1 class="name">{escape(title)}</h1>',
        _answer(comparison, language),
        "".join(f"<p>{escape(note)}</p>" for note in tell_notes(language, comparison)),
    ]
    if comparison["concerns"]:
        parts.append(f"<h2>{text('heading.concerns')}</h2><ul class='verdicts'>")
        for concern in comparison["concerns"]:
            words = tell_concern(
                language, concern["code"], concern["labels"], labels[0], concern["details"]
            )
            parts.append(f"<li>{draw_mark('caution')} {escape(words)}</li>")
        parts.append("</ul>")
    parts.append(f"<h2>{text('heading.measures')}</h2>")
    parts.append(_measures(comparison, labels[0], language))
    parts += [
        f"<h2>{text('heading.recordings')}</h2>",
        _recordings(comparison, language),
        f"<h2>{text('heading.how')}</h2><p>{text('how')}</p>",
    ]
    return make_page(title=title, language=language, body="\n".join(parts), style=_STYLE)


def _status(change: dict[str, Any]) -> Status:
    """Return how a verdict is marked: a change is to be noticed; the others settle nothing."""
    return "caution" if change["changed"] else "unknown"


def _answer(comparison: dict[str, Any], language: Language) -> str:
    """Return which measures changed, which did not, and which are not judged."""
    several = len(comparison["conditions"]) > 2
    first = comparison["conditions"][0]["label"]
    found: dict[str, list[str]] = {"changed": [], "unchanged": [], "not_judged": []}
    for measure in comparison["measures"]:
        name = escape(say(language, f"measure.{measure['name']}"))
        for change in measure["changes"]:
            words = f"{escape(change['label'])}: {name}" if several else name
            if change["changed"] is None:
                found["not_judged"].append(words)
            elif change["changed"]:
                told = escape(tell_change(language, measure, change))
                found["changed"].append(f"<strong>{words}</strong> {told}")
            else:
                found["unchanged"].append(words)
    lines = []
    for kind, names in found.items():
        mark = draw_mark("caution" if kind == "changed" else "unknown")
        head = escape(say(language, f"sum.{kind}", first=first))
        lines.append(f"<li>{mark} {head}: {'; '.join(names) or say(language, 'sum.none')}</li>")
    tone = "caution" if found["changed"] else "unknown"
    return (
        f'<section class="card answer {tone}"><ul class="verdicts">{"".join(lines)}</ul></section>'
    )


def _measures(comparison: dict[str, Any], first: str, language: Language) -> str:
    """Return the table: a group of rows for each measure, a row for each condition."""

    def head(key: str, **values: Any) -> str:
        return f'<th scope="col">{escape(say(language, f"column.{key}", **values))}</th>'

    groups = "".join(_measure(measure, language) for measure in comparison["measures"])
    return (
        f'<div class="table"><table class="comparison"><thead><tr>{head("condition")}'
        f"{head('value')}{head('picture')}{head('change', first=first)}{head('verdict')}</tr>"
        f"</thead>{groups}</table></div>"
    )


def _measure(measure: dict[str, Any], language: Language) -> str:
    low, high = _scale(measure)
    rows = [
        f'<tbody><tr><th scope="rowgroup" colspan="5">{escape(tell_measure(language, measure))}'
        "</th></tr>"
    ]
    for value, change in zip(measure["values"], [None, *measure["changes"]], strict=True):
        told = tell_value(language, measure, value)
        rows.append(
            f'<tr><th scope="row" class="name">{escape(value["label"])}</th>'
            f"<td>{escape(told)}</td>"
            f"<td>{_picture(value, low, high, told)}</td>"
        )
        if change is None:
            rows.append("<td></td><td></td></tr>")
        else:
            rows.append(
                f"<td>{escape(tell_change(language, measure, change))}</td>"
                f"<td>{draw_mark(_status(change))} {escape(tell_verdict(language, change))}</td>"
                "</tr>"
            )
    detectable = ""
    if measure["smallest_detectable_change"] is not None:
        limit = tell_number(measure, measure["smallest_detectable_change"])
        detectable = escape(say(language, "detectable", value=limit))
    rows.append(
        f'<tr class="last"><td></td><td></td><td>{_axis(measure, low, high)}</td>'
        f'<td colspan="2" class="muted">{detectable}</td></tr></tbody>'
    )
    return "".join(rows)


def _scale(measure: dict[str, Any]) -> tuple[float, float]:
    """Return the ends of a measure's scale: from 0 or what is less, a little beyond all values."""
    numbers = [0.0]
    for value in measure["values"]:
        numbers += [
            number
            for number in (value["value"], *value["ci95"], *value["recordings"])
            if number is not None
        ]
    high = max(numbers)
    return min(numbers), 1.05 * high if high > 0 else 1.0


def _place(number: float, low: float, high: float) -> float:
    return _MARGIN + (_WIDTH - 2 * _MARGIN) * (number - low) / (high - low)


def _picture(value: dict[str, Any], low: float, high: float, told: str) -> str:
    """Draw a condition: its interval, its single recordings hollow, its value filled."""
    middle = _HEIGHT / 2
    parts = [
        f'<svg class="forest" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(value["label"])}: {escape(told)}">'
        f'<path class="axis" d="M{_MARGIN} {_HEIGHT - 1}H{_WIDTH - _MARGIN}"/>'
    ]
    if value["ci95"][0] is not None:
        begin, end = (_place(number, low, high) for number in value["ci95"])
        parts.append(
            f'<path class="interval" d="M{begin:.1f} {middle}H{end:.1f}'
            f'M{begin:.1f} {middle - 5}v10M{end:.1f} {middle - 5}v10"/>'
        )
    singles = [number for number in value["recordings"] if number is not None]
    if len(singles) > 1:
        parts += [
            f'<circle class="single" cx="{_place(number, low, high):.1f}" cy="{middle}" r="3.5"/>'
            for number in singles
        ]
    if value["value"] is not None:
        x = _place(value["value"], low, high)
        parts.append(f'<circle class="value" cx="{x:.1f}" cy="{middle}" r="6"/>')
    return "".join(parts) + "</svg>"


def _axis(measure: dict[str, Any], low: float, high: float) -> str:
    """Draw the scale's numbers."""
    places = (("start", low, _MARGIN), ("end", high, _WIDTH - _MARGIN))
    words = "".join(
        f'<text x="{x}" y="16" text-anchor="{anchor}">{tell_number(measure, number)}</text>'
        f'<path class="axis" d="M{x} 0v4"/>'
        for anchor, number, x in places
    )
    return f'<svg class="forest" viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-hidden="true">{words}</svg>'


def _recordings(comparison: dict[str, Any], language: Language) -> str:
    rows = []
    for condition in comparison["conditions"]:
        for recording in condition["recordings"]:
            status = say(language, f"status.{recording['status']}")
            rows.append(
                f'<tr><td class="name">{escape(condition["label"])}</td>'
                f'<td class="name">{escape(recording["source"])}</td>'
                f"<td>{escape(status)}</td>"
                f'<td class="number">{recording["valid_time_s"]:.1f} s</td></tr>'
            )
    head = "".join(
        f'<th scope="col">{escape(say(language, f"column.{key}"))}</th>'
        for key in ("condition", "recording", "status", "seen")
    )
    return (
        f'<div class="table"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
