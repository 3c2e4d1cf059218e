"""The tutorials' commands run as they are written, one page after the other, on synthetic clips."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(sh|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""What is run (sh, python), and what the block before it prints. A ``console`` is not run."""

pytestmark = pytest.mark.site


def run(kind: str, code: str, folder: Path) -> str:
    programs = Path(sys.executable).parent
    command = ["bash", "-euo", "pipefail", "-c", code]
    if kind == "python":
        command = [sys.executable, "-c", code]
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            # The page that changes the program has a copy of it in its folder.
            "PYTHONPATH": f"{folder}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_runs_as_it_is_written(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if "in a checkout, set up by" in text:
        # Without the kernels, which do not change: they would be compiled again.
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("tracker", "handler", "docs", "clients"):
            shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    blocks = BLOCK.findall(text)
    assert any(kind != "text" for kind, _ in blocks)
    printed = ""
    for kind, code in blocks:
        if kind == "text":
            for line in code.splitlines():
                assert line in printed
        else:
            printed = run(kind, code, tmp_path)
