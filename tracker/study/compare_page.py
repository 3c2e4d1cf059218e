"""A comparison as an HTML page: what changed, then a drawing of each measure's intervals."""

from dataclasses import dataclass

from tracker.pages.page import Grade, make_page, read_asset, render_template
from tracker.study.compare_text import (
    format_change,
    format_concern,
    format_measure,
    format_number,
    format_value,
    format_verdict,
    list_notes,
    name_measure,
)
from tracker.study.comparison import ComparedMeasure, Comparison, ConditionValue
from tracker.words import Language, format_text

_WIDTH, _HEIGHT, _MARGIN = 300, 24, 10
"""Width, height and margin of the drawing of each condition, in the units of the drawing."""


@dataclass(frozen=True, slots=True)
class ChangedMeasure:
    """A measure in an `AnswerLine`: its name in words and, if it changed, the change in words.

    `words` is the name, after the label of the condition if there are more than two. `change` is
    empty if the measure did not change or is not judged.
    """

    words: str
    change: str = ""


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """A line at the top of the page: the measures that changed, that did not, or are not judged.

    `kind` is ``changed``, ``unchanged`` or ``not_judged``. `mark` chooses the symbol beside the
    line. `measures` may be empty.
    """

    kind: str
    mark: Grade
    measures: list[ChangedMeasure]


@dataclass(frozen=True, slots=True)
class ForestPlot:
    """The drawing of a condition's values on a horizontal scale.

    All numbers are positions: distances from the drawing's left edge. The drawing is `_WIDTH` units
    wide.

    Attributes
    ----------
    interval : (float, float) or None
        Ends of the value's 95 % interval; None if there is none.
    singles : list of float
        The value of each recording that has one; empty if only one or none has.
    value : float or None
        The condition's value; None if it is not known.
    """

    interval: tuple[float, float] | None
    singles: list[float]
    value: float | None


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """A row of a measure's table: a condition's value, and its change from the first condition.

    `label` is the condition's. All are texts to be shown, but `plot`, and `mark`, which chooses the
    symbol beside the verdict. The verdict says whether the measure changed, or why this is not
    judged. In the first condition's own row, `change` and `verdict` are empty.
    """

    label: str
    value: str
    plot: ForestPlot
    change: str
    mark: Grade
    verdict: str


@dataclass(frozen=True, slots=True)
class MeasureTable:
    """The table of a measure: a row for each condition, and the ends of the drawings' scale.

    `heading` is the measure's name and unit. `low` and `high` are these ends as text, in that unit.
    `detectable` is the smallest detectable change in words; empty if it is not known.
    """

    heading: str
    rows: list[MeasureRow]
    low: str
    high: str
    detectable: str


def make_comparison_page(comparison: Comparison, language: Language) -> str:
    """Make the page that shows a comparison.

    Parameters
    ----------
    comparison : Comparison
    language : {"en", "ko"}

    Returns
    -------
    str
        HTML that needs no other file and no network.
    """
    labels = [condition.label for condition in comparison.conditions]
    title = f"{format_text(language, 'compare.title')}: {', '.join(labels)}"
    answer = _make_answer(comparison, language)
    body = render_template(
        "comparison.html",
        language,
        title=title,
        first_label=labels[0],
        answer=answer,
        answer_mark="caution" if answer[0].measures else "unknown",
        notes=list_notes(language, comparison),
        concerns=[
            format_concern(language, one.code, one.labels, labels[0], one.details)
            for one in comparison.concerns
        ],
        measures=[_make_table(measure, language) for measure in comparison.measures],
        conditions=comparison.conditions,
        width=_WIDTH,
        height=_HEIGHT,
        middle=_HEIGHT / 2,
        margin=_MARGIN,
    )
    return make_page(title=title, language=language, body=body, style=read_asset("comparison.css"))


def _mark_change(is_changed: bool | None) -> Grade:
    """Return the mark beside a verdict: ``caution`` if it is a change, and else ``unknown``.

    It is ``unknown`` for no change (False) and for one that is not judged (None).
    """
    return "caution" if is_changed else "unknown"


def _make_answer(comparison: Comparison, language: Language) -> list[AnswerLine]:
    """Return three lines: which measures changed, which did not, and which are not judged.

    Always three, in this order; a line may be without measures. With more than two conditions, a
    measure is listed once for each condition but the first.
    """
    has_several = len(comparison.conditions) > 2
    changed: list[ChangedMeasure] = []
    unchanged: list[ChangedMeasure] = []
    not_judged: list[ChangedMeasure] = []
    for measure in comparison.measures:
        name = name_measure(language, measure.name)
        for change in measure.changes:
            words = f"{change.label}: {name}" if has_several else name
            if change.changed:
                changed.append(ChangedMeasure(words, format_change(language, measure, change)))
            elif change.changed is None:
                not_judged.append(ChangedMeasure(words))
            else:
                unchanged.append(ChangedMeasure(words))
    return [
        AnswerLine("changed", "caution" if changed else "unknown", changed),
        AnswerLine("unchanged", "unknown", unchanged),
        AnswerLine("not_judged", "unknown", not_judged),
    ]


def _make_table(measure: ComparedMeasure, language: Language) -> MeasureTable:
    low, high = _find_scale(measure)
    rows = []
    for value, change in zip(measure.values, [None, *measure.changes], strict=True):
        rows.append(
            MeasureRow(
                label=value.label,
                value=format_value(language, measure, value),
                plot=_make_plot(value, low, high),
                change="" if change is None else format_change(language, measure, change),
                mark=_mark_change(None if change is None else change.changed),
                verdict="" if change is None else format_verdict(language, change),
            )
        )
    detectable = ""
    if measure.smallest_detectable_change is not None:
        limit = format_number(measure, measure.smallest_detectable_change)
        detectable = format_text(language, "compare.detectable", value=limit)
    return MeasureTable(
        heading=format_measure(language, measure),
        rows=rows,
        low=format_number(measure, low),
        high=format_number(measure, high),
        detectable=detectable,
    )


def _find_scale(measure: ComparedMeasure) -> tuple[float, float]:
    """Return the lower and the upper end of the scale on which a measure is drawn, in its unit.

    All values of conditions and recordings and all ends of intervals count. The lower end is 0, or
    the least of them if that is negative. The upper end is 1.05 times the largest, or 1 if none is
    above 0.
    """
    numbers = [0.0]
    for value in measure.values:
        numbers += [
            number for number in (value.value, *value.ci95, *value.recordings) if number is not None
        ]
    high = max(numbers)
    return min(numbers), 1.05 * high if high > 0 else 1.0


def _make_plot(value: ConditionValue, low: float, high: float) -> ForestPlot:
    """Return the drawing of a condition's values on a scale from `low` to `high`.

    Both are in the measure's unit, and `low` is smaller. They are drawn `_MARGIN` away from the
    drawing's left and right edges.
    """

    def position(number: float) -> float:
        return _MARGIN + (_WIDTH - 2 * _MARGIN) * (number - low) / (high - low)

    begin, end = value.ci95
    singles = [position(number) for number in value.recordings if number is not None]
    return ForestPlot(
        interval=None if begin is None or end is None else (position(begin), position(end)),
        singles=singles if len(singles) > 1 else [],
        value=None if value.value is None else position(value.value),
    )
