"""Imports run one way, and the heavy libraries stand where DESIGN puts them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("kernels", "tracker", "handler", "benchmarks", "tests")
ALLOWED = {
    "kernels": {"kernels"},
    "tracker": {"tracker", "kernels", "benchmarks"},
    "handler": {"handler", "tracker", "kernels"},
}
FILES = [path for name in ALLOWED for path in sorted((ROOT / name).rglob("*.py")) if path.is_file()]


def imported_modules(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the direction"
            modules.add(node.module or "")
    return modules


def roots(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imported_modules(path)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    assert roots(path) & set(PACKAGES) <= ALLOWED[package]
    if package == "kernels":
        outside = roots(path) - set(sys.stdlib_module_names) - {"kernels"}
        assert outside <= {"numpy", "numba"}
    # Only the command that makes a synthetic clip reaches for the generator.
    if package == "tracker" and path.name != "cli.py":
        assert "benchmarks" not in roots(path)


@pytest.mark.parametrize("library", ["mediapipe", "boto3", "botocore", "sqlite3"])
def test_one_file_imports(library: str) -> None:
    found = [str(path.relative_to(ROOT)) for path in FILES if library in roots(path)]
    expected = {
        "mediapipe": ["tracker/face/mesh.py"],
        "boto3": ["handler/aws.py"],
        "botocore": ["handler/aws.py"],
        "sqlite3": ["handler/local/storage.py"],
    }
    assert found == expected[library]


def test_the_environment_is_read_in_one_file() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for path in FILES
        if path.is_relative_to(ROOT / "handler")
        and any(
            isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    ]
    assert readers == ["handler/aws.py"]


@pytest.mark.parametrize("module", ["requests", "service", "storage", "errors", "api"])
def test_what_answers_a_poll_loads_nothing_heavy(module: str) -> None:
    script = (
        "import sys\n"
        f"import handler.{module}\n"
        "heavy = {'numpy', 'numba', 'cv2', 'mediapipe', 'boto3', 'sqlite3'}\n"
        "print('loaded:', *sorted(set(sys.modules) & heavy))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "loaded:"


def test_mediapipe_is_imported_without_its_solutions() -> None:
    """matplotlib and jax behind ``mediapipe/__init__.py`` would cost seconds of every start."""
    script = (
        "import sys\n"
        "from tracker.face.mesh import FaceMesh\n"
        "FaceMesh()\n"
        "print(*sorted(set(sys.modules) & {'matplotlib', 'jax', 'mediapipe.python.solutions'}))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == ""
    assert result.stderr == ""


def test_what_asks_for_no_report_loads_nothing_of_it(clips: Path, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from handler.engine import Engine\n"
        "from tracker.parameters import Parameters\n"
        "engine = Engine()\n"
        f"video, folder = Path({str(clips / 'tiny.mp4')!r}), Path({str(tmp_path)!r})\n"
        "for report in (None, 'en'):\n"
        "    engine.analyze_video(video, Parameters(), folder, 60.0, lambda *_: None, report)\n"
        "    pages = {'tracker.pages.report', 'tracker.pages.page'}\n"
        "    print(report, *sorted(set(sys.modules) & pages))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.split("\n") == ["None", "en tracker.pages.page tracker.pages.report", ""]


@pytest.mark.parametrize(
    ("package", "arguments"),
    [("tracker.cli.main", ["analyze", "--help"]), ("handler.__main__", ["-h"])],
)
def test_help_is_quick_because_it_loads_nothing_heavy(package: str, arguments: list[str]) -> None:
    script = (
        "import sys\n"
        f"from {package} import main\n"
        "try:\n"
        f"    sys.argv[1:] = {arguments}\n"
        "    main()\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'numpy', 'numba', 'cv2', 'mediapipe'}\n"
        "print('loaded:', *sorted(set(sys.modules) & heavy))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.splitlines()[-1] == "loaded:"
