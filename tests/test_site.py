"""The documentation's pages can be read on light and on dark screens."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.axe import find_violations, read_colors

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.site

ROOT = Path(__file__).parents[1]
GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}
PAGES = ("folders", "python", "report")
"""With tables and commands, with code, and with a picture."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-E", "-q", "-b", "html", ROOT / "docs", out]
    subprocess.run(command, cwd=ROOT, check=True)
    return out


def test_every_text_stands_out_from_its_ground(site: Path, plain_browser: "Browser") -> None:
    for name in PAGES:
        url = (site / f"{name}.html").as_uri()
        colors = read_colors(plain_browser, url)
        assert {scheme: colors[scheme, "screen"][1] for scheme in GROUNDS} == GROUNDS
        found = find_violations(plain_browser, url, [390])
        assert [one for one in found if "color-contrast" in one or one.startswith("wider")] == []
