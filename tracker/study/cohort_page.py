"""A cohort as a page: how many came out how, each recording in a table, how they are spread."""

import os
from collections import defaultdict
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tracker.files.whole import write_whole
from tracker.measures.assessment import (
    MIN_CANTHAL_DISTANCE_PX,
    MIN_CONTRAST_OVER_NOISE,
    MIN_COVERAGE,
    MIN_SHARPNESS,
)
from tracker.pages.page import Status, draw_mark, make_page, read_asset
from tracker.study.cohort import (
    FAILED,
    OUTCOMES,
    OUTLIER_LEAST,
    OUTLIER_LIMIT,
    OUTLIER_MEASURES,
    Outcome,
    Row,
    measure_spread,
)
from tracker.study.recording import Failure
from tracker.words.cohort import COHORT_TEXTS, say
from tracker.words.en import Language, round_range, write

_MARKS: dict[str, Status] = {
    "suspected": "caution",
    "not_suspected": "good",
    "not_assessable": "unknown",
    FAILED: "bad",
}
_QUALITY_LIMITS = {
    "face_coverage": MIN_COVERAGE,
    "canthal_distance_px": MIN_CANTHAL_DISTANCE_PX,
    "sharpness": MIN_SHARPNESS,
    "contrast_over_noise": MIN_CONTRAST_OVER_NOISE,
}


def write_cohort_page(
    rows: Sequence[Row],
    outcomes: Sequence[Outcome],
    notes: Sequence[str],
    out: Path,
    language: Language,
) -> Path:
    """Write ``cohort.html``: one page that needs no other file and no network.

    Parameters
    ----------
    rows : sequence of dict
        From `tracker.study.cohort.cohort_rows`.
    outcomes : sequence of Result or Failure
        Of each.
    notes : sequence of str
        What is to be said of the search for recordings.
    out : Path
        An existing directory. The reports are linked from there.
    language : {"en", "ko"}

    Returns
    -------
    Path
    """
    links = [
        None
        if isinstance(outcome, Failure) or "report" not in outcome.files
        # As bytes: not every name is text. Quoted, no colon makes it an address.
        else quote(os.fsencode(outcome.files["report"].relative_to(out)))
        for outcome in outcomes
    ]
    text = _Page(rows, links, notes, language).render()
    return write_whole(
        out / "cohort.html", lambda path: path.write_text(text, encoding="utf-8", newline="")
    )


class _Page:
    """The page's parts, in its language."""

    def __init__(
        self,
        rows: Sequence[Row],
        links: Sequence[str | None],
        notes: Sequence[str],
        language: Language,
    ) -> None:
        self.rows = rows
        self.links = links
        self.notes = notes
        self.language = language
        self.spreads = {name: measure_spread(rows, name) for name in OUTLIER_MEASURES}

    def text(self, key: str, **values: Any) -> str:
        """Return a text, escaped."""
        return escape(say(self.language, key, **values))

    def render(self) -> str:
        return make_page(
            title=say(self.language, "title"),
            language=self.language,
            body="\n".join(
                (
                    self._head(),
                    self._notes(),
                    self._failures(),
                    self._table(),
                    self._outliers(),
                    self._distributions(),
                    self._files(),
                )
            ),
            data=self._data(),
            script=read_asset("cohort.js"),
            style=read_asset("cohort.css"),
        )

    def _head(self) -> str:
        """Return how many came out how; a button each shows them alone in the table."""
        thresholds = {row["parameter_vpp_thresh"] for row in self.rows if row["status"] != FAILED}
        about = (
            self.text("recordings", count=len(self.rows), threshold=thresholds.pop())
            if thresholds
            else self.text("recordings_alone", count=len(self.rows))
        )
        buttons = []
        for status in OUTCOMES:
            code = status
            count = sum(row["status"] == status for row in self.rows)
            buttons.append(
                f'<button type="button" data-filter="{code}" aria-pressed="false">'
                f'<span class="count">{count}</span>'
                f"<span>{draw_mark(_MARKS[code])} {self.text(f'status.{code}')}</span>"
                f"<small>{self.text(f'explain.{code}')}</small></button>"
            )
        return (
            f"<h1>{self.text('title')}</h1><p>{about}</p>"
            f'<div class="filters" role="group" aria-label="{self.text("show")}">'
            f"{''.join(buttons)}"
            '<button type="button" data-filter="" aria-pressed="true" class="no-print">'
            f'<span class="count">{len(self.rows)}</span><span>{self.text("all")}</span></button>'
            "</div>"
            f'<p class="muted">{escape(write(self.language, "report.limit.task"))} '
            f"{escape(write(self.language, 'report.limit.not_validated'))}</p>"
        )

    def _notes(self) -> str:
        same: dict[str, list[str]] = defaultdict(list)
        for row in self.rows:
            if row["video_sha256"]:
                same[row["video_sha256"]].append(row["file"])
        notes = [
            *self.notes,
            *(
                say(self.language, "same_content", names=", ".join(names))
                for names in same.values()
                if len(names) > 1
            ),
        ]
        if not notes:
            return ""
        items = "".join(
            f'<li class="name">{draw_mark("caution")} {escape(note)}</li>' for note in notes
        )
        return f'<section class="card"><h2>{self.text("search")}</h2><ul>{items}</ul></section>'

    def _failures(self) -> str:
        failed = [row for row in self.rows if row["status"] == FAILED]
        if not failed:
            return ""
        items = []
        for row in failed:
            code = f"failure.{row['failure_code']}"
            items.append(
                f'<li><strong class="name">{escape(row["file"])}</strong>'
                f"<p>{self.text(code)} {self.text(f'{code}.remedy')}</p>"
                f'<p class="muted name" lang="en">{escape(row["failure_message"])}</p></li>'
            )
        return (
            f"<h2>{self.text('failures')}</h2><p>{self.text('failures_use')}</p>"
            f'<ul class="failures">{"".join(items)}</ul>'
        )

    def _heads(self, *keys: str, numbers: tuple[str, ...] = ()) -> str:
        return "".join(
            f'<th scope="col"{" class=number" if key in numbers else ""}>'
            f"{self.text(f'column.{key}')}</th>"
            for key in keys
        )

    def _table(self) -> str:
        outliers = ("outlier",) if self._has_outliers() else ()
        numbers = ("vertical", "blinks", "prolonged", "seen", "eye")
        heads = self._heads("file", "status", *numbers, "reasons", *outliers, numbers=numbers)
        lines = "".join(
            self._line(number, row, link)
            for number, (row, link) in enumerate(zip(self.rows, self.links, strict=True))
        )
        return (
            f'<h2 id="table">{self.text("table")}</h2><p>{self.text("table_use")}</p>'
            '<p id="shown" class="muted" role="status"></p>'
            '<div class="table tall" tabindex="0" role="region" aria-labelledby="table">'
            f'<table class="sortable cohort" id="recordings"><thead><tr>{heads}</tr></thead>'
            f"<tbody>{lines}</tbody></table></div>"
        )

    def _line(self, number: int, row: Row, link: str | None) -> str:
        code = row["status"]
        name = escape(row["file"])
        if link is not None:
            name = f'<a href="{escape(link)}">{name}</a>'
        reasons, cautions = ((row[kind] or "").split() for kind in ("reasons", "cautions"))
        if code == FAILED:
            words = self.text(f"failure.{row['failure_code']}")
        else:
            words = ", ".join(self.text(f"code.{one}") for one in reasons)
            further = [self.text(f"code.{one}") for one in cautions if one not in reasons]
            words += f"<small>{', '.join(further)}</small>" if further else ""
        threshold = row["parameter_vpp_thresh"]
        line = (
            f'<tr data-number="{number}" data-status="{code}"><th scope="row">{name}</th>'
            # Sorted by what matters most, not by the alphabet.
            f'<td class="status" data-sort="{OUTCOMES.index(row["status"])}">'
            f"{draw_mark(_MARKS[code])} {self.text(f'status.{code}')}</td>"
            f"{_number(row, 'vertical_peak_to_peak', '.3f', 'doubtful', threshold)}"
            f"{_number(row, 'blink_rate_per_min', '.1f', 'doubtful')}"
            f"{_number(row, 'prolonged_closure_count', 'd', 'doubtful')}"
            f"{_number(row, 'valid_time_s', '.1f')}"
            f"{_number(row, 'quality_canthal_distance_px', '.0f')}"
            f'<td class="words">{words}</td>'
        )
        if self._has_outliers():
            found = [self._outlier(row, name) for name in (row["outliers"] or "").split()]
            line += f'<td class="words">{"<br>".join(found)}</td>'
        return line + "</tr>"

    def _has_outliers(self) -> bool:
        return any(row["outliers"] for row in self.rows)

    def _outlier(self, row: Row, name: str) -> str:
        spread = self.spreads[name]
        value, low, high = (f"{one:.3g}" for one in (row[name], max(spread.low, 0), spread.high))
        if name == "vertical_peak_to_peak":
            value = f"{round_range(row[name], row['parameter_vpp_thresh']):.3f}"
        measure = say(self.language, f"measure.{name}")
        return self.text("outlier.value", name=measure, value=value, low=low, high=high)

    def _outliers(self) -> str:
        rule = self.text("outlier_rule", limit=OUTLIER_LIMIT, least=OUTLIER_LEAST)
        found = [
            f'<li class="name">{escape(row["file"])}: {self._outlier(row, name)}</li>'
            for row in self.rows
            for name in (row["outliers"] or "").split()
        ]
        parts = [f"<h2>{self.text('outliers')}</h2><p>{rule}</p>"]
        parts.append(f"<ul>{''.join(found)}</ul>" if found else "")
        if not found and any(spread.is_judged for spread in self.spreads.values()):
            parts.append(f"<p>{self.text('outlier.none')}</p>")
        for key, few in (("too_few", True), ("alike", False)):
            names = [
                say(self.language, f"measure.{name}")
                for name, spread in self.spreads.items()
                if not spread.is_judged and (spread.count < OUTLIER_LEAST) is few
            ]
            if names:
                words = self.text(f"outlier.{key}", names=", ".join(names), least=OUTLIER_LEAST)
                parts.append(f'<p class="muted">{words}</p>')
        return "".join(parts)

    def _plots(self) -> list[dict[str, Any]]:
        thresholds = [row["parameter_vpp_thresh"] for row in self.rows if row["status"] != FAILED]
        plots: list[dict[str, Any]] = [
            {
                "measure": "vertical_peak_to_peak",
                "title": say(self.language, "plot.vertical"),
                "limit": thresholds[0] if thresholds else None,
                "limit_words": say(self.language, "plot.threshold"),
                "height": 250,
                "legend": True,
            },
            {
                "measure": "blink_rate_per_min",
                "title": say(self.language, "plot.blinks"),
                "limit": None,
                "limit_words": "",
                "height": 200,
                "legend": False,
            },
        ]
        plots += [
            {
                "measure": f"quality_{name}",
                "title": say(self.language, f"quality.{name}"),
                "limit": limit,
                "limit_words": say(self.language, "plot.needed"),
                "height": 160,
                "legend": False,
            }
            for name, limit in _QUALITY_LIMITS.items()
        ]
        return [{"id": f"plot-{plot['measure']}", **plot} for plot in plots]

    def _distributions(self) -> str:
        figures = []
        for plot in self._plots():
            values = sorted(
                row[plot["measure"]] for row in self.rows if row[plot["measure"]] is not None
            )
            if not values:
                continue
            middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
            described = self.text(
                "plot_alt",
                name=plot["title"],
                count=len(values),
                median=f"{middle:.3g}",
                low=f"{values[0]:.3g}",
                high=f"{values[-1]:.3g}",
            )
            half = plot["measure"].startswith("quality_")
            wide = "" if half else ' class="wide"'
            width = ' data-print-width="335"' if half else ""
            figures.append(
                f'<figure{wide}><div id="{plot["id"]}" class="plot"{width} role="group" '
                f'aria-label="{described}"></div>'
                f"<figcaption>{described}</figcaption></figure>"
            )
        if not figures:
            return ""
        return (
            f"<h2>{self.text('distributions')}</h2><p>{self.text('distributions_use')}</p>"
            f'<div class="plots">{"".join(figures)}</div>'
        )

    def _files(self) -> str:
        links = {kind: f'<a href="cohort.{kind}">cohort.{kind}</a>' for kind in ("csv", "parquet")}
        return f"<p>{COHORT_TEXTS[self.language]['files'].format(**links)}</p>"

    def _data(self) -> dict[str, Any]:
        measures = [plot["measure"] for plot in self._plots()]
        words = {status: say(self.language, f"status.{status}") for status in _MARKS}
        return {
            "rows": [
                {
                    "name": row["file"],
                    "status": row["status"],
                    **{name: row[name] for name in measures},
                }
                for row in self.rows
            ],
            "plots": [
                plot
                for plot in self._plots()
                if any(row[plot["measure"]] is not None for row in self.rows)
            ],
            "words": {**words, "shown": COHORT_TEXTS[self.language]["shown"]},
        }


def _number(row: Row, name: str, form: str, kind: str = "", threshold: float | None = None) -> str:
    """Return a cell with a value and, under it, its interval where it has one.

    With a threshold, the value is a vertical range.
    """

    def told(number: float) -> str:
        return format(number if threshold is None else round_range(number, threshold), form)

    value = row[name]
    if value is None:
        return '<td class="number" data-sort=""></td>'
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    interval = ""
    if low is not None and high is not None:
        interval = f"<small>{told(low)} - {told(high)}</small>"
    return f'<td class="number {kind}" data-sort="{value!r}">{told(value)}{interval}</td>'
