"""Compilation: nothing is compiled after the warm-up, and the cache finds a place to be.

Every script runs in a fresh interpreter with the JIT on, whatever the suite itself runs with.
"""

import ast
import builtins
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
KERNELS_DIR = REPOSITORY / "kernels"

# Calls every public function, checks each result, and counts the compilations. The recorder is
# installed before the import, for a kernel with explicit signatures is compiled by its decorator.
CALL_EVERYTHING = """
import json

import numba
from numba.core import event

with event.install_recorder("numba:compile") as recorder:
    import numpy as np
    import kernels
    from kernels import _jit

    times_s = np.arange(300) / 30
    ear = np.full(300, 0.3)
    ear[100:106] = 0.05
    face = np.zeros((2, kernels.LANDMARK_COUNT, 2))
    for index, x in ((33, 100), (133, 140), (362, 180), (263, 230)):
        face[:, kernels.FACE_MESH_INDICES.index(index)] = x, 200
    called = {}

    def call(name, *arguments):
        called[name] = getattr(kernels, name)(*arguments)
        return called[name]

    geometry = call("compute_eye_geometry", face)
    call("compute_rotation_deg", [0.0], 0.4)
    pose = call("compute_head_pose", face)
    gain, _ = call("compute_framing_gain", [0, 0, 2, 2], [-0.2, 0.0, 2.0, 2.2], [0] * 4)
    jump = np.where(times_s < 5, 0.0, 1.0) + 0.01 * np.sin(30 * times_s)
    steps = call("find_steps", jump, np.ones(300, bool), times_s, 1 / 30)
    jitter = call("estimate_offset_noise", jump, np.ones(300, bool), times_s, 1 / 30, steps)
    fit = call("fit_step", jump[140:160], times_s[140:160], 5.0, jitter, [0.02])
    grid = np.log(1.0) + 0.04 * np.arange(-20, 21)
    likelihood = call("weigh_products", fit, 1.0, grid, 1, 0)
    pooled = call("pool_events", grid, [likelihood, likelihood])
    typical = call("compute_typical_opening", ear)
    level = call("compute_open_level", ear, times_s)
    noise = call("compute_lid_noise", ear, level, times_s)
    eyes = np.stack((ear / level, ear / level), axis=1)
    low = np.zeros(300, bool)
    dips = call("find_dips", ear / level, eyes, times_s, noise, low, 0.75)
    found = call("detect_closures", ear / level, times_s, dips, noise, 0.05)
    one_eye = np.ones((300, 2))
    one_eye[200:215, 0] = 0.1
    winks, eyes = call("detect_winks", one_eye, times_s)
    amplitude = call("compute_eye_amplitude", one_eye, winks)
    in_winks = call("mark_closures_in_winks", found, winks)
    marked = call("mark_around_closures", found.interval, times_s, 0.11)
    peak_to_peak = call("compute_peak_to_peak", times_s, ~marked)
    ends = call("compute_quantiles", times_s, ~marked, (0.0, 1.0))
    together = call("compute_correlation", times_s, -times_s, ~marked)
    valid_time_s = call("compute_valid_time_s", np.ones(300, bool), times_s)
    perclos = call("compute_perclos", 1 - ear / level, times_s)
    between_s = call("compute_inter_blink_intervals_s", [100, 160], np.ones(300, bool), times_s)
    interval = call("compute_peak_to_peak_interval", times_s, ~marked, times_s)
    reach = call("compute_range_reach", times_s, ~marked, times_s)
    rest = call("remove_crosstalk", times_s, 0 * times_s, ~marked)
    noise = call("compute_noise_floor", times_s, ~marked)
    rate = call("compute_rate_interval", 0, 1.0)
    jerks = call("detect_jerks", times_s, np.ones(300, bool), times_s, 1 / 30)
    steps_s, _ = call("fit_flanks", ear / level, times_s, [[3.3, 3.6]], np.array([102]), 1 / 30)
    mesh = np.arange(12, dtype=np.float32).reshape(6, 2)
    square = np.empty((2, 2, 1), np.float32)
    features, points = np.ones((48, 48, 1), np.float32), np.arange(6)
    matrix = call("cut_eye", mesh, features, points, (0, 1), 1.5, 0.25, square)
    call("place_points", np.zeros(12, np.float32), matrix, 0.25, points, mesh)
    moved = call("map_points", mesh, np.eye(2, 3))
    extent = call("compute_extent", moved)
    grey, pixels = np.full((1, 16), 128, np.uint8), np.empty((2, 2, 2, 3), np.float32)
    planes = kernels.Planes(grey[0], grey[0, :4], grey[0, :4], 4, 2, 4, 4, full_range=True)
    call("sample_planes", planes, np.eye(2, 3), pixels[0])
    call("average_plane", grey[0], 4, (0, 0, 4, 4), 2, 2)
    call("sample_pixels", np.full((4, 4, 3), 128, np.uint8), np.eye(2, 3), pixels[1])

assert geometry.canthal_distance_px.tolist() == [[50, 40], [50, 40]]
assert geometry.head_roll_deg.tolist() == [0, 0]
assert np.isfinite(pose.yaw_deg).all()
assert 1 < gain < 1.1
assert reach.peak_to_peak > 0 and (rest == times_s).all()
assert abs(steps.centre_s[0] - 5) < 0.02 and abs(steps.rise[0] - 1) < 0.02
assert jitter.jitter + jitter.slow > 0
assert pooled[1] < 1 < pooled[2]
assert winks.tolist() == [[200, 215]] and eyes.tolist() == [kernels.LEFT]
assert in_winks.tolist() == [False]
assert typical == 0.3
assert (level == 0.3).all()
assert found.interval.tolist() == [[100, 106]] and found.kind.tolist() == [kernels.BLINK]
assert np.flatnonzero(marked).tolist() == list(range(97, 109))
assert abs(peak_to_peak - 9.0) < 0.1
assert ends.tolist() == [0, 299 / 30]
assert abs(together + 1) < 1e-12
assert amplitude.tolist() == [[0.9, 0]]
assert abs(valid_time_s - 299 / 30) < 1e-9
assert abs(perclos - 6 / 299) < 1e-9
assert abs(between_s[0] - 2) < 1e-9
assert 0 <= interval[0] < peak_to_peak < interval[1] < 20
assert abs(noise - 0.115) < 1e-3
assert abs(rate[1] - 3.689) < 1e-3
assert len(jerks.amplitude) == 0 and np.isfinite(steps_s).all()
assert (mesh == mesh[0]).all() and extent == (*mesh[0], *mesh[0])
assert np.abs(pixels - 128 / 255).max() < 1e-6

functions = {
    name for name in kernels.__all__
    if callable(getattr(kernels, name)) and not isinstance(getattr(kernels, name), type)
}
assert set(called) == functions, functions ^ set(called)
"""

# Imports two files, of kernels that compile in a moment.
IMPORT_POSE = """
import contextlib
import io
import json

import numba
from numba.core import event

with event.install_recorder("numba:compile") as recorder:
    with contextlib.redirect_stderr(io.StringIO()) as said:
        import kernels
        from kernels import _arguments, _jit, pose

# The user is told once, and only if something is compiled.
assert said.getvalue().count("Compiling the numerical kernels") == bool(recorder.buffer)
files = {one.__module__ for one in _jit.KERNELS}
assert files == {"kernels._arguments", "kernels.pose"}, files
"""

REPORT = """
starts = [one for _, one in recorder.buffer if one.is_start]
print(json.dumps({
    "compiled": len(starts),
    "jit": not numba.config.DISABLE_JIT,
    "cache_dirs": sorted({str(one.stats.cache_path) for one in _jit.KERNELS}),
    "source": kernels.__file__,
}))
"""


def clean_environment(**variables: str) -> dict[str, str]:
    """This process's environment without Numba's settings and paths, plus the variables given."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("NUMBA_") and name != "PYTHONPATH"
    }
    return inherited | variables


def run(arguments: list[str], directory: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def report(script: str, directory: Path, environment: dict[str, str]) -> dict:
    answer = json.loads(run(["-c", script + REPORT], directory, environment))
    assert answer["jit"]
    assert Path(answer["source"]).parents[1] == directory
    return answer


@pytest.mark.slow
@pytest.mark.parametrize("fresh", [False, pytest.param(True, marks=pytest.mark.long)])
def test_after_the_warm_up_nothing_is_compiled(fresh: bool, tmp_path: Path) -> None:
    """In the cache beside the kernels, or in a fresh one, for which every kernel is compiled."""
    environment = clean_environment(**({"NUMBA_CACHE_DIR": str(tmp_path)} if fresh else {}))
    cache = tmp_path if fresh else KERNELS_DIR / "__pycache__"
    printed = run(["-m", "kernels.warmup"], REPOSITORY, environment)
    assert str(cache) in printed
    assert list(cache.rglob("*.nbc"))
    answer = report(CALL_EVERYTHING, REPOSITORY, environment)
    assert answer["compiled"] == 0
    assert all(Path(one).is_relative_to(cache) for one in answer["cache_dirs"])


@pytest.fixture
def read_only_install(tmp_path: Path) -> Iterator[Path]:
    """Yield a directory with a copy of `kernels` beside which nothing can be cached.

    The package imports none of its files by itself, so that few kernels need be compiled.
    Permissions do not bind root; a file in the place of the cache directory does.
    """
    install = tmp_path / "install"
    package = install / "kernels"
    shutil.copytree(KERNELS_DIR, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "__pycache__").write_text("")
    (package / "__init__.py").write_text("")
    directories = [install, *(path for path in install.rglob("*") if path.is_dir())]
    for path in install.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
    for directory in directories:
        directory.chmod(0o555)
    yield install
    for directory in directories:
        directory.chmod(0o755)


@pytest.mark.slow
@pytest.mark.long
def test_a_read_only_installation_caches_in_the_temporary_directory(
    read_only_install: Path, tmp_path: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = clean_environment(
        HOME="/dev/null", XDG_CACHE_HOME="/dev/null/cache", TMPDIR=str(temporary)
    )
    before = sorted(read_only_install.rglob("*"))

    # Without a warm-up it compiles, and the recorder sees that it does.
    first = report(IMPORT_POSE, read_only_install, environment)
    assert first["compiled"] > 0
    (cache_dir,) = {Path(one).relative_to(temporary).parts[0] for one in first["cache_dirs"]}
    cache = temporary / cache_dir
    # Numba unpickles what it finds: no one else may write there.
    assert cache.stat().st_mode & 0o777 == 0o700
    assert cache.stat().st_uid == os.getuid()
    assert list(cache.rglob("*.nbc"))
    assert sorted(read_only_install.rglob("*")) == before

    assert report(IMPORT_POSE, read_only_install, environment)["compiled"] == 0


# The sources.


def kernel_functions(module: ast.Module) -> list[ast.FunctionDef]:
    return [
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(decorator, ast.Call)
            and isinstance(decorator.func, ast.Name)
            and decorator.func.id == "kernel"
            for decorator in node.decorator_list
        )
    ]


def global_names(function: ast.FunctionDef) -> set[str]:
    """Names in the body that are neither arguments nor assigned there."""
    names = [
        node for part in function.body for node in ast.walk(part) if isinstance(node, ast.Name)
    ]
    local = {argument.arg for argument in function.args.args}
    local |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return {node.id for node in names} - local


MODULES = {path.name: ast.parse(path.read_text()) for path in sorted(KERNELS_DIR.glob("*.py"))}
KERNELS_OF = {file: kernel_functions(module) for file, module in MODULES.items()}
CASES = [(file, function) for file, functions in KERNELS_OF.items() for function in functions]


def test_every_kernel_is_seen_by_these_tests() -> None:
    decorated = sum(
        line.startswith("@kernel(")
        for path in KERNELS_DIR.glob("*.py")
        for line in path.read_text().splitlines()
    )
    assert len(CASES) == decorated >= 11
    # No other way to compile: it would be neither warmed nor looked at here.
    for file, module in MODULES.items():
        if file != "_jit.py":
            imported = {
                name.name.split(".")[0]
                for node in ast.walk(module)
                if isinstance(node, ast.Import | ast.ImportFrom)
                for name in node.names
            }
            sources = {
                (node.module or "").split(".")[0]
                for node in ast.walk(module)
                if isinstance(node, ast.ImportFrom)
            }
            assert "numba" not in imported | sources, file


@pytest.mark.parametrize(
    ("file", "function"), CASES, ids=[f"{file}:{function.name}" for file, function in CASES]
)
def test_a_kernel_depends_on_its_own_file_only(file: str, function: ast.FunctionDef) -> None:
    # Numba checks a cached kernel against its own source file: a kernel or a constant of another
    # file could change without the cache taking notice, a constant of the same file is frozen.
    of_this_file = {kernel.name for kernel in KERNELS_OF[file]}
    allowed = {"np"} | of_this_file | set(dir(builtins))
    assert global_names(function) <= allowed


def test_a_kernel_of_another_file_would_be_noticed() -> None:
    source = (
        '@kernel("f8(f8)")\ndef _one(x):\n    y = abs(x)\n    return _of_elsewhere(y) + LIMIT\n'
    )
    (function,) = kernel_functions(ast.parse(source))
    assert global_names(function) == {"abs", "_of_elsewhere", "LIMIT"}
