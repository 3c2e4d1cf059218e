"""Make a self-contained HTML page: the frame of reports, cohort pages and comparisons.

`make_page` embeds style, script, data and plotting library. The page loads no other file, and its
content security policy forbids it. The body comes from `render_template`, which escapes all values
but `Markup`. The body can use the following from `assets/` and `templates/`:

- page.css: the classes ``card``, ``cards``, ``table`` (scrolls if it is too wide), ``muted``,
  ``no-print``, ``answer``; the colours of Okabe and Ito as ``--blue``, ``--vermillion``, ….
- page.js: ``Page.data`` (the data), ``Page.colors``, ``Page.plot(element, traces, layout)`` (a
  Plotly plot in this page's style; it resizes with the window, and prints as wide as A4, or in the
  pixels of ``data-print-width`` and ``data-print-height``). A click on a column's head sorts a
  ``<table class="sortable">``, by ``data-sort`` of each cell if it has that, or else by its text.
- `draw_mark`, which templates can call. What `draw_ruler` returns is given to them as a value.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tracker.files.summary import to_json
from tracker.version import __version__
from tracker.words import Language, format_text

Grade = Literal["good", "between", "caution", "alarm", "bad", "unknown"]
"""How good or bad something is, each with its own symbol and colour: "good"; "caution" (usable with
care) and "bad" (not usable) of a recording's quality; "alarm" (suspected) and "between"
(borderline) of an answer; "unknown": not measured or not assessable."""

PLOTLY_VERSION = "4.1.1"
PLOTLY_SHA256 = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"
"""Hash of ``assets/plotly-basic.min.js``: npm's plotly.js-basic-dist-min, as released."""

_ASSETS = Path(__file__).with_name("assets")
_TEMPLATES = Path(__file__).with_name("templates")


def make_page(
    *,
    title: str,
    language: Language,
    body: Markup,
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
        The language of the body.
    body : Markup
        From `render_template`. A plain `str` is escaped.
    data : any, optional
        Anything that JSON can hold, and NumPy arrays; NaN becomes null, and floats are rounded, as
        `tracker.files.summary.plain` does. The script reads it from ``Page.data``.
    script : str, optional
        JavaScript that runs at the end of the page. With a script, the plotting library is
        embedded.
    style : str, optional
        CSS that follows the page's own.

    Returns
    -------
    str
        The HTML document. Write it as UTF-8 and do not change its line ends: the content security
        policy contains hashes of the scripts and styles.
    """
    scripts = [read_asset("page.js")]
    if script:
        scripts = [read_asset("plotly-basic.min.js"), *scripts, script]
    page = render_template(
        "page.html",
        language,
        title=title,
        language=language,
        body=body,
        has_plots=bool(script),
        # These are this project's own files and encoded data: escaping would change the code.
        data=Markup(_embed(data)),
        scripts=[Markup(code) for code in scripts],
        script_hashes=Markup(" ".join(f"'sha256-{_digest(code)}'" for code in scripts)),
        style=Markup(read_asset("page.css")),
        more_style=Markup(style),
        version=__version__,
    )
    return f"{page}\n"


def render_template(template: str, text_language: Language, **values: Any) -> Markup:
    """Fill in a template of ``templates/`` and return it as HTML.

    Parameters
    ----------
    template : str
        Name of the file.
    text_language : {"en", "ko"}
        In the template, ``text(key, …)`` is `tracker.words.format_text` in this language.
    **values
        The values of the template's variables. Every value is escaped, except `Markup`. A variable
        without a value raises `jinja2.UndefinedError`.

    Returns
    -------
    Markup
    """
    return _fill(template, text=partial(format_text, text_language), **values)


def _fill(template: str, **values: Any) -> Markup:
    return Markup(_environment().get_template(template).render(values))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["draw_mark"] = draw_mark
    return environment


@cache
def read_asset(name: str) -> str:
    """Return the text of the file `name` in ``assets/``."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def _digest(code: str) -> str:
    return base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()


def _embed(data: Any) -> str:
    """Return data as JSON that is safe in a ``<script>`` of a page, whatever its texts hold.

    <, >, & and Unicode line separators are escaped. Floats are rounded and NaN becomes null, as
    `to_json` does.
    """
    text = to_json(data)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@cache
def draw_mark(grade: Grade) -> Markup:
    """Return the symbol of a grade (see `Grade`) as inline SVG; each has a shape of its own."""
    return _fill("mark.html", grade=grade)


@dataclass(frozen=True, slots=True)
class RulerMark:
    """A mark of `draw_ruler`: `value`, in the ruler's unit, and `words`, which stand beside it."""

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
    references: Sequence[RulerMark] = (),
    below: str = "",
    above: str = "",
) -> Markup:
    """Draw a number and its interval on a horizontal scale that begins at 0.

    Parameters
    ----------
    value : float or None
        The number, in the same unit as all others here. None draws only the scale.
    interval : (float, float) or None
        The ends of the number's confidence interval; None if there is none.
    description : str
        What the drawing shows in words, for people who cannot see it.
    end, ticks : float, sequence of float
        End of the scale, and values to mark. What lies beyond the end is drawn at the end, and an
        interval gets an arrow there. What is below 0 is drawn at 0.
    threshold : RulerMark, optional
        A limit. The scale is hatched from 0 to there.
    references : sequence of RulerMark, optional
        Values to compare with, the smallest first. The words of neighbours are on different lines.
    below, above : str
        Words for the parts of the scale below and above the threshold; not shown without one.

    Returns
    -------
    Markup
        An inline SVG that grows with the space it is given.
    """
    left, width = 10.0, 340.0

    def position(number: float) -> float:
        return left + width * min(max(number, 0.0), end) / end

    return _fill(
        "ruler.html",
        position=position,
        left=left,
        width=width,
        top=40.0,
        # There are several rulers on a page, each with a pattern of its own.
        pattern=f"hatch-{hashlib.sha256(description.encode()).hexdigest()[:8]}",
        value=value,
        interval=interval,
        description=description,
        end=end,
        ticks=ticks,
        threshold=threshold,
        references=references,
        below=below,
        above=above,
    )
