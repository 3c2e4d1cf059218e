"""What a program or a notebook sees: light to import, typed, tables, text."""

import doctest
import importlib
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pandas as pd
import pytest

import tracker
from tests.lengths import LONG
from tests.made_tracks import blink, make_landmarks, make_track
from tracker.parameters import Parameters, ParameterValues
from tracker.pipeline import measure_track

ROOT = Path(__file__).parents[2]
PACKAGES = Path(np.__file__).parents[1]
NAMES = {
    "analyze", "track", "analyze_track", "load_track", "Track", "Analysis", "Result", "Parameters",
    "Participant",
}  # fmt: skip


@pytest.fixture(scope="module")
def result() -> tracker.Result:
    ear = np.full(600, 0.3)
    blink(ear, 100, 6)
    blink(ear, 300, 6)
    return tracker.analyze_track(make_track(make_landmarks(ear, 0)))


def test_who_was_recorded_goes_into_the_summary_and_the_report(
    result: tracker.Result, tmp_path: Path
) -> None:
    assert result.summary.participant is None
    person = tracker.Participant("P-017", "PSP", "month 6", "2026-03-02")
    named = tracker.analyze_track(result.track, participant=person)
    written = named.save(tmp_path)
    summary = json.loads(written["summary"].read_text(encoding="utf-8"))
    about = {"participant_id": "P-017", "visit": "month 6", "date": "2026-03-02"}
    assert summary.pop("participant") == about
    assert summary == result.summary.to_dict()
    head = written["report"].read_text(encoding="utf-8").split("</dl>")[0]
    assert all(text in head for text in about.values())
    with pytest.raises(ValueError, match="cannot be printed"):
        tracker.analyze_track(result.track, participant=tracker.Participant("a\x1bb"))
    with pytest.raises(ValueError, match="YYYY-MM-DD"):
        tracker.analyze(BytesIO(), participant=tracker.Participant("P", date="March"))


def test_the_import_is_light_and_the_names_are_there() -> None:
    script = (
        "import sys, tracker\n"
        "heavy = {'numpy', 'numba', 'cv2', 'mediapipe', 'pandas', 'jinja2'}\n"
        "print('loaded:', *sorted(set(sys.modules) & heavy))\n"
        "print('missing:', *sorted(set(tracker.__all__) - set(dir(tracker))))\n"
        "from tracker import *\n"
        "print(analyze.__name__, 'pandas' in sys.modules)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert answer.stdout.splitlines() == ["loaded:", "missing:", "analyze False"]
    assert set(tracker.__all__) == NAMES | {"__version__"}
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        tracker.analyse  # noqa: B018


@pytest.mark.parametrize(
    "module",
    [
        "tracker",
        "tracker.api",
        "tracker.parameters",
        "tracker.result",
        "tracker.measures.analysis",
        "tracker.tracks.archive",
        "tracker.tracks.track",
    ],
)
def test_the_examples_of_the_docstrings_run(
    module: str, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clip.mp4").write_bytes((clips / "short.mp4").read_bytes())
    monkeypatch.chdir(tmp_path)
    if module == "tracker.tracks.archive" or module == "tracker.api":
        tracker.analyze("clip.mp4").save(".", report=None)
    failed, attempted = doctest.testmod(importlib.import_module(module))
    assert failed == 0
    assert attempted >= 3


USER_SCRIPT = """
import tracker

result = tracker.analyze("clip.mp4", step=2)
reveal_type(result)
reveal_type(result.assessment.status)
reveal_type(result.track)
reveal_type(result.save("out"))
reveal_type(tracker.load_track("a.npz").times_s)
reveal_type(tracker.analyze_track(result.track, tracker.Parameters(vpp_thresh=0.05)).analysis)
tracker.analyze("clip.mp4", step="two")
tracker.analyze("clip.mp4", stepp=2)
tracker.analyse("clip.mp4")
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment that holds the built wheel, not this directory."""
    folder = tmp_path_factory.mktemp("installed")
    script = (
        "import os, sys; from setuptools.build_meta import build_wheel\n"
        "print(build_wheel(sys.argv[1]))"
    )
    source = folder / "source"
    source.mkdir()
    for name in ("kernels", "tracker", "handler", "benchmarks", "pyproject.toml"):
        (source / name).symlink_to(ROOT / name)
    subprocess.run(
        [sys.executable, "-c", script, str(folder)], cwd=source, check=True, capture_output=True
    )
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    site = find_site(folder / "venv")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    return folder / "venv"


def find_site(environment: Path) -> Path:
    (site,) = (environment / "lib").glob("python*/site-packages")
    return site


def without_paths() -> dict[str, str]:
    return {name: one for name, one in os.environ.items() if name != "PYTHONPATH"}


RUN_COMMANDS = """
import sys
from pathlib import Path

# The packages that the project needs are those of the tests; what comes first is the project.
sys.path.append(sys.argv[2])
import tracker
from tracker.cli.main import main

assert Path(tracker.__file__).is_relative_to(sys.prefix)
size = ["--width", "320", "--height", "240", "--fps", "10", "--blinks-per-min", "40"]
clip = "made/clip.mp4"
for command in (
    ["synth", clip, "--duration-s", "3", *size],
    ["analyze", clip, "--out", "one"],
    ["analyze", clip, "--out", "two", "--step", "2", "--overlay", "--lang", "ko"],
    ["image", sys.argv[1]],
    ["reanalyze", "one", "--out", "again"],
    ["compare", "A=one/clip.summary.json", "B=two/clip.summary.json", "--out", "compared"],
    ["evaluate", "made", "--out", "evaluated"],
    ["profile", clip, "--out", "profiled"],
):
    assert main(command) == 0, command
import handler.local.server
"""


@pytest.mark.slow
def test_every_command_runs_outside_the_checkout(
    installed: Path, clips: Path, tmp_path: Path
) -> None:
    """From the wheel, with its models, templates and pages, in an empty directory."""
    # In the short form, the kernels are those that were compiled ahead of time.
    built = "" if LONG else os.environ.get("KERNELS_EXTENSION", "")
    environment = without_paths() | ({"PYTHONPATH": built} if built else {})
    answer = subprocess.run(
        [installed / "bin" / "python", "-c", RUN_COMMANDS, clips / "still.png",
         PACKAGES],
        cwd=tmp_path, capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr.count("Compiling the numerical kernels") == (0 if built else 1)
    for name in (
        *("one/clip.report.html", "two/clip.overlay.mp4", "again/clip.summary.json"),
        *("compared/comparison.html", "profiled/clip.profile.png"),
    ):
        assert (tmp_path / name).stat().st_size > 1000, name
    entry = find_site(installed).glob("*.dist-info/entry_points.txt")
    assert "eye-tracker = tracker.cli.main:main" in next(entry).read_text()


@pytest.mark.slow
@pytest.mark.long
def test_a_users_type_checker_sees_real_types_in_what_is_installed(
    installed: Path, tmp_path: Path
) -> None:
    site = find_site(installed)
    assert not list(site.glob("tests*"))
    assert (site / "tracker" / "py.typed").is_file()
    assert (site / "handler" / "web" / "index.html").is_file()
    # NumPy's types; this project's own must come from the wheel.
    (site / "numpy").symlink_to(PACKAGES / "numpy")

    (tmp_path / "user.py").write_text(USER_SCRIPT)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "user.py"]
    command += ["--python-executable", str(installed / "bin" / "python")]
    answer = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env=without_paths()
    )
    *lines, last = answer.stdout.splitlines()
    assert last.startswith("Found 3 errors in 1 file"), answer.stdout + answer.stderr
    reported = [line.split(": ", 1)[1] for line in lines]
    assert reported[0] == 'note: Revealed type is "tracker.result.Result"'
    assert reported[1].startswith("note: Revealed type is \"Literal['suspected']")
    assert reported[2] == 'note: Revealed type is "tracker.tracks.track.Track"'
    assert "dict[" in reported[3]
    assert reported[3].endswith('str, pathlib.Path]"')
    assert "ndarray" in reported[4]
    assert reported[5] == 'note: Revealed type is "tracker.measures.analysis.Analysis"'
    assert '"step" to "analyze" has incompatible type "str"; expected "int"' in reported[6]
    assert 'Unexpected keyword argument "stepp"' in reported[7]
    assert any('Module has no attribute "analyse"' in line for line in reported[8:])


def test_the_keywords_are_the_parameters() -> None:
    hints = get_type_hints(Parameters)
    assert get_type_hints(ParameterValues) == {
        field.name: hints[field.name] for field in fields(Parameters)
    }


def test_keywords_replace_parameters(result: tracker.Result) -> None:
    parameters = tracker.Parameters(vpp_thresh=0.05, blink_thresh=0.2)
    again = tracker.analyze_track(result.track, parameters, vpp_thresh=0.04)
    assert again.analysis.parameters == tracker.Parameters(vpp_thresh=0.04, blink_thresh=0.2)
    with pytest.raises(ValueError, match="vpp_thresh is 7"):
        tracker.analyze_track(result.track, vpp_thresh=7)
    phases: Any = [{"phase": "up", "start_s": 0, "end_s": 1}]
    with pytest.raises(TypeError, match=r"tracker\.protocol\.parse_protocol"):
        tracker.analyze_track(result.track, protocol=phases)


def test_tables_are_the_files(result: tracker.Result, tmp_path: Path) -> None:
    files = result.save(tmp_path / "new" / "folder", report=None)
    for name in ("frames", "blinks", "saccades"):
        table = getattr(result, name)
        read = pd.read_csv(files[name], keep_default_na=False, na_values=[""])
        assert list(table) == list(read)
        assert len(table) == len(read)
        for column in table:
            if read[column].dtype.kind in "iuf" and table[column].dtype.kind != "O":
                np.testing.assert_allclose(table[column], read[column], rtol=1e-8, equal_nan=True)
    assert result.blinks["kind"].tolist() == ["blink", "blink"]
    assert result.blinks["L_complete"].dtype == "boolean"
    assert result.saccades["used"].dtype == bool
    assert result.saccades["step"].dtype == "int64"
    assert result.frames["gaze_valid"].dtype == bool
    assert len(result.frames) == 600


def test_the_table_of_saccades_has_a_row_for_each_step_and_eye(tmp_path: Path) -> None:
    """Nine steps, down and up in turn."""
    times_s = np.arange(600) / 30
    vertical = np.where(times_s % 4 < 2, -0.05, 0.05)
    noise = np.random.default_rng(0).normal(0, 0.0005, 600)
    result = tracker.analyze_track(make_track(make_landmarks(np.full(600, 0.3), vertical + noise)))
    steps = result.saccades
    assert len(steps) == 3 * 9
    fused = steps[steps.used & (steps.eye == "both")]
    assert fused["direction"].tolist() == ["down", "up"] * 4 + ["down"]
    # The eyes move between the last frame at one side and the first at the other.
    middles_s = np.arange(2, 20, 2) - 0.5 / 30
    np.testing.assert_allclose(fused["middle_s"], middles_s, atol=1 / 30)
    np.testing.assert_allclose(fused["amplitude"], 0.1, rtol=0.05)
    read = pd.read_csv(result.save(tmp_path, report=None)["saccades"])
    np.testing.assert_allclose(read["onset_s_low"], steps["onset_s_low"], rtol=1e-8)


def test_a_source_that_is_none_is_refused(tmp_path: Path) -> None:
    wrong: Any = 7
    with pytest.raises(TypeError, match="expected a path or a binary stream"):
        tracker.analyze(wrong)

    class Pipe(BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(ValueError, match="not seekable"):
        tracker.track(Pipe(b""))


def test_a_name_is_escaped_in_a_notebook(result: tracker.Result) -> None:
    hostile = measure_track(result.track, Parameters(), "<script>alert(1)</script>.mp4")
    page = hostile._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.startswith("<table>")


def test_what_a_person_reads_in_a_console(result: tracker.Result) -> None:
    assert "blinks      2" in repr(result)
    assert repr(result.track) == "<Track of 600 frames in 20.0 s, 600 with a face>"
    assert repr(result.analysis).endswith("600 with a face>, 2 blinks>")


def test_the_report_says_that_there_are_no_pictures(result: tracker.Result, tmp_path: Path) -> None:
    page = result.report(str(tmp_path / "a.html")).read_text()
    assert "data:image/jpeg" not in page
    assert tracker.__version__ in page
