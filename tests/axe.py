"""Ask axe-core, in a page, which rules of accessibility the page breaks: contrast (AA), names, …"""

from importlib.resources import files
from typing import Any

from playwright.sync_api import Browser

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
LOOKS = [(width, scheme) for width in (390, 1440) for scheme in ("light", "dark")]
"""Widths of screens, and the colours that their owners prefer."""


def find_violations(browser: Browser, url: str, width: int, scheme: Any) -> list[str]:
    """Return the broken rules, each with what breaks it; also if the page is wider than the screen.

    What a plot draws is not text to axe.
    """
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(url)
    page.evaluate(AXE)
    broken = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    found = [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in broken]
    if page.evaluate("document.documentElement.scrollWidth") > width:
        found.append(f"wider than {width}")
    context.close()
    return found


def read_colors(browser: Browser, url: str, scheme: Any, media: Any) -> tuple[str, str]:
    """Return the colours of the page's text and of its background."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(url)
    page.emulate_media(media=media)
    style = "getComputedStyle(document.body)"
    colors = page.evaluate(f"[{style}.color, {style}.backgroundColor]")
    context.close()
    return tuple(colors)
