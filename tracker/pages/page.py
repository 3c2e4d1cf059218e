"""One self-contained HTML page: what reports, cohort reports and comparisons are made of.

`make_page` makes it of a title, a body, data and a script, with everything embedded: style, script,
plotting library. It loads nothing from anywhere, and its content security policy forbids it to. The
body is HTML: put text into it with `escape` only. What it can use, in `assets/`:

- page.css: the classes ``card``, ``cards``, ``table`` (scrolls where it is too wide), ``muted``,
  ``no-print``, ``answer``; the colours of Okabe and Ito as ``--blue``, ``--vermillion``, ….
- page.js: ``Page.data`` (the data), ``Page.colors``, ``Page.plot(element, traces, layout)`` (Plotly
  with this page's look; resizes; prints as wide as A4, or ``data-print-width`` and
  ``data-print-height`` in pixels). A ``<table class="sortable">`` is sorted by its heads;
  ``<td data-sort="…">`` gives a cell's key where its text is not.
- `draw_mark`: a status as shape and colour, for beside its word. `draw_ruler`: a number with its
  interval on a scale with a threshold.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Literal

from tracker import __version__
from tracker.files.summary import to_json
from tracker.words.en import Language

Status = Literal["good", "caution", "bad", "unknown"]

PLOTLY_VERSION = "4.1.1"
PLOTLY_SHA256 = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"
"""Of ``assets/plotly-basic.min.js``: npm's plotly.js-basic-dist-min, as released."""

_PRINT = """@page {
  @bottom-left { content: "NOTE"; font-size: 8pt; }
  @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; }
}
"""

_ASSETS = Path(__file__).with_name("assets")
_WORDS = {
    "en": {
        "skip": "Skip to the content",
        "note": "Research use, not a diagnosis.",
        "version": f"parkinson-eye-tracking {__version__}",
        "no_script": "The graphics need JavaScript, which is switched off here.",
    },
    "ko": {
        "skip": "본문으로 건너뛰기",
        "note": "연구용이며, 진단이 아닙니다.",
        "version": f"parkinson-eye-tracking {__version__}",
        "no_script": "그래프를 보려면 JavaScript가 필요하지만, 여기서는 꺼져 있습니다.",
    },
}


def make_page(
    *,
    title: str,
    language: Language,
    body: str,
    data: Any = None,
    script: str = "",
    style: str = "",
) -> str:
    """Make a page that needs no other file and no network.

    Parameters
    ----------
    title : str
        Plain text.
    language : {"en", "ko"}
        Of the body.
    body : str
        HTML. Whatever comes from outside went through `escape`.
    data : any, optional
        What JSON can hold, and NumPy's arrays; NaN becomes null. The script finds it as
        ``Page.data``.
    script : str, optional
        JavaScript that runs at the end of the page. With one, the plotting library is embedded.
    style : str, optional
        CSS after the page's own.

    Returns
    -------
    str
        The document, to be written as UTF-8 with its line ends as they are.
    """
    words = _WORDS[language]
    scripts = [read_asset("page.js"), *([script] if script else [])]
    if script:
        scripts.insert(0, read_asset("plotly-basic.min.js"))
    hashes = " ".join(f"'sha256-{_digest(code)}'" for code in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    return "".join(
        (
            f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            '<meta name="robots" content="noindex">\n',
            f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n',
            f"<style>\n{read_asset('page.css')}{_PRINT.replace('NOTE', words['note'])}{style}"
            "</style>\n</head>\n<body>\n",
            f'<a class="skip" href="#main">{words["skip"]}</a>\n',
            f'<main id="main" tabindex="-1">\n{body}\n</main>\n',
            f"<footer><strong>{words['note']}</strong> <span>{words['version']}</span></footer>\n",
            f"<noscript><p>{words['no_script']}</p></noscript>\n" if script else "",
            f'<script type="application/json" id="page-data">{_embed(data)}</script>\n',
            *(f"<script>{code}</script>\n" for code in scripts),
            "</body>\n</html>\n",
        )
    )


@cache
def read_asset(name: str) -> str:
    """Return the text of a file in ``assets/``."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def _digest(code: str) -> str:
    return base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()


def _embed(data: Any) -> str:
    """Return JSON that ends neither its element nor, for old parsers, a line."""
    text = to_json(data)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


_MARKS = {
    "good": '<circle cx="10" cy="10" r="9"/><path d="M5.5 10.5l3 3 6-7"/>',
    "caution": '<path class="shape" d="M10 1l9.3 17H.7z"/><path d="M10 7v5.5m0 2.2v.6"/>',
    "bad": '<rect x="1" y="1" width="18" height="18" rx="2"/><path d="M6 6l8 8m0-8l-8 8"/>',
    "unknown": '<circle class="hollow" cx="10" cy="10" r="8"/><path d="M6 10h8"/>',
}


def draw_mark(status: Status) -> str:
    """Return a status as an inline SVG, each with its own shape: for beside the word for it."""
    return (
        f'<svg class="mark {status}" viewBox="0 0 20 20" width="20" height="20" '
        f'aria-hidden="true">{_MARKS[status]}</svg>'
    )


@dataclass(frozen=True, slots=True)
class RulerMark:
    """A value marked on a ruler, with its words."""

    value: float
    words: str


def draw_ruler(
    value: float | None,
    interval: tuple[float, float] | None,
    *,
    description: str,
    end: float,
    ticks: Sequence[float],
    threshold: RulerMark | None = None,
    reference: RulerMark | None = None,
    below: str = "",
    above: str = "",
) -> str:
    """Draw a number and its interval on a scale from 0.

    Parameters
    ----------
    value : float or None
        None draws the scale alone.
    interval : (float, float) or None
    description : str
        The same in words, for who cannot see it; plain text.
    end : float
        Of the scale. What lies beyond is drawn at the end, with an arrow.
    ticks : sequence of float
    threshold : RulerMark, optional
        Below it the scale is hatched.
    reference : RulerMark, optional
        A value to compare with: a mark above the scale.
    below, above : str
        What is on either side of the threshold; plain text.

    Returns
    -------
    str
        An inline SVG that grows with its place.
    """
    left, width, top = 10.0, 340.0, 40.0

    def place(number: float) -> float:
        return left + width * min(max(number, 0.0), end) / end

    # Several on a page, each with a pattern of its own.
    pattern = f"hatch-{hashlib.sha256(description.encode()).hexdigest()[:8]}"
    parts = [
        f'<svg class="ruler" viewBox="0 0 360 92" role="img" aria-label="{escape(description)}">'
        f'<defs><pattern id="{pattern}" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path d="M0 0v6" class="hatch"/></pattern></defs>'
        f'<rect class="scale" x="{left}" y="{top}" width="{width}" height="22"/>'
    ]
    if threshold is not None:
        x = place(threshold.value)
        # They need their room also where the threshold is close to 0.
        words_x = max(x, 70)
        parts.append(
            f'<rect fill="url(#{pattern})" x="{left}" y="{top}" width="{x - left:.1f}" '
            'height="22"/>'
            f'<path class="threshold" d="M{x:.1f} {top - 8}v38"/>'
            f'<text x="{words_x:.1f}" y="12" class="strong" text-anchor="middle">'
            f"{escape(threshold.words)}</text>"
            f'<text x="{words_x - 5:.1f}" y="27" text-anchor="end">{escape(below)}</text>'
            f'<text x="{words_x + 5:.1f}" y="27">{escape(above)}</text>'
        )
    if reference is not None:
        x = place(reference.value)
        parts.append(
            f'<path class="reference" d="M{x:.1f} {top - 1}l-5 -8h10z"/>'
            f'<text x="{x:.1f}" y="{top - 13}" text-anchor="middle">'
            f"{escape(reference.words)}</text>"
        )
    parts += [
        f'<path class="tick" d="M{place(tick):.1f} {top + 22}v5"/>'
        f'<text x="{place(tick):.1f}" y="{top + 40}" text-anchor="middle">{tick:g}</text>'
        for tick in ticks
    ]
    if interval is not None:
        low, high = place(interval[0]), place(interval[1])
        parts.append(
            f'<path class="interval" d="M{low:.1f} {top + 11}H{high:.1f}"/>'
            f'<path class="whisker" d="M{low:.1f} {top + 4}v14M{high:.1f} {top + 4}v14"/>'
        )
        if interval[1] > end:
            parts.append(f'<path class="beyond" d="M352 {top + 6}l6 5-6 5z"/>')
    if value is not None:
        parts.append(f'<circle class="value" cx="{place(value):.1f}" cy="{top + 11}" r="6.5"/>')
    return "".join(parts) + "</svg>"
