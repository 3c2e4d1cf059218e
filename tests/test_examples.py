"""The examples run as they are written, on a synthetic clip whose blinks are known."""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_script_runs(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("example", EXAMPLES / "analyze_clip.py")
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    example.main(str(clips / "short.mp4"), str(tmp_path))
    reported = capsys.readouterr().out
    _, *drawn = (clips / "short.truth.blinks.csv").read_text().splitlines()
    assert f"{len(drawn)} blinks, median duration" in reported
    assert (tmp_path / "short.report.html").is_file()


def test_the_notebook_runs(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = json.loads((EXAMPLES / "one_recording.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 5
    shutil.copy(clips / "short.mp4", tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for cell in cells:
        # Whoever opens it sees their own results.
        assert (cell["outputs"], cell["execution_count"]) == ([], None)
        exec(compile("".join(cell["source"]), "notebook", "exec"), names)
    assert "peak to peak 0." in capsys.readouterr().out
    assert names["files"]["report"].is_file()
