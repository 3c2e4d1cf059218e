"""Ask axe-core, in a page, which rules of accessibility the page breaks: contrast (AA), names, …"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from playwright.sync_api import Browser, Page

from tests.lengths import LONG

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
WIDTHS = (390, 1440)
"""Widths of screens in pixels: a phone's and a computer's."""
SCHEMES: tuple[Any, ...] = ("light", "dark")
"""The colours that people prefer."""


def ask_axe(page: Page, scheme: Any) -> list[str]:
    """Return the rules that a page breaks in such colours, each with what breaks it.

    What a plot draws is not text to axe.
    """
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE)
    page.emulate_media(color_scheme=scheme)
    # Only colours differ in the dark.
    only = {} if scheme == "light" or LONG else {"runOnly": ["color-contrast"]}
    options = {"resultTypes": ["violations"], **only}
    found = page.evaluate("(options) => axe.run(document, options)", options)
    broken = [(one["id"], node["html"]) for one in found["violations"] for node in one["nodes"]]
    return [f"{scheme}: {rule}: {html}" for rule, html in broken]


def find_violations(browser: Browser, url: str, widths: Sequence[int] = WIDTHS) -> list[str]:
    """Return the rules that a page breaks on screens of these widths, in light and in dark colours.

    Also told is a page that is wider than the screen.
    """
    found = []
    for width in widths:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(url)
        found += [f"{width}: {one}" for scheme in SCHEMES for one in ask_axe(page, scheme)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"wider than {width}")
        page.close()
    return found


def read_colors(browser: Browser, url: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the colours of a page's text and background, by scheme and by medium."""
    page = browser.new_page()
    page.goto(url)
    colors = {}
    media: Any
    for media in ("screen", "print"):
        for scheme in SCHEMES:
            page.emulate_media(media=media, color_scheme=scheme)
            style = "getComputedStyle(document.body)"
            colors[scheme, media] = tuple(
                page.evaluate(f"[{style}.color, {style}.backgroundColor]")
            )
    page.close()
    return colors
