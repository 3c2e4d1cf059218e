"""The extension of `deploy.compile_kernels`: no Numba, equal to the JIT, as strict about types.

The kernels' own tests run against it too: see `make test`.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kernels import _jit
from tests.kernels.test_warmup import CASES, REPOSITORY, clean_environment, run

pytestmark = pytest.mark.slow

# Prints the results of every kernel for the same random input, and whether Numba is loaded.
MEASURE = """
import dataclasses, json, sys
import numpy as np
import kernels
from kernels import _jit

rng = np.random.default_rng(7)
times_s = np.cumsum(rng.uniform(0.01, 0.05, 2000))
ear = 0.3 + 0.02 * rng.standard_normal(2000)
for start in range(50, 1900, 130):
    ear[start : start + rng.integers(3, 30)] = rng.uniform(0.02, 0.15)
ear[700:740] = np.nan
face = rng.uniform(100, 500, (2000, kernels.LANDMARK_COUNT, 2)).astype(np.float32)
face[::97] = np.nan
face[5] = 7  # of no width: divisions by zero
level = kernels.compute_open_level(ear, times_s)
noise = kernels.compute_lid_noise(ear, level, times_s)
eyes = np.column_stack((ear / level, ear / level))
dips = kernels.find_dips(ear / level, eyes, times_s, noise, level < 0.15, 0.75)
closures = kernels.detect_closures(ear / level, times_s, dips, noise, 0.05)
keep = ~kernels.mark_around_closures(closures.interval, times_s, 0.1)
results = {
    **dataclasses.asdict(kernels.compute_eye_geometry(face)),
    **dataclasses.asdict(closures),
    **{f"dips.{name}": value for name, value in dataclasses.asdict(dips).items()},
    "level": level,
    "noise": noise,
    "keep": keep,
    "peak_to_peak": kernels.compute_peak_to_peak(ear, keep),
    "quantiles": kernels.compute_quantiles(ear, keep, (0.05, 0.5, 0.95)),
    "noise_floor": kernels.compute_noise_floor(ear, keep),
    "rate": kernels.compute_rate_interval(93, 5.0),
    "amplitude": kernels.compute_eye_amplitude(np.column_stack((ear, ear)), closures.interval),
    "correlation": kernels.compute_correlation(times_s, np.nan_to_num(ear), keep),
    "gain": kernels.compute_framing_gain(ear[:99], ear[1:100], np.arange(99) % 4),
    "interval": kernels.compute_peak_to_peak_interval(ear, keep, times_s),
    "valid_time_s": kernels.compute_valid_time_s(np.isfinite(ear), times_s),
    "perclos": kernels.compute_perclos(1 - ear / level, times_s),
    "between_s": kernels.compute_inter_blink_intervals_s(
        closures.interval[:, 0], np.isfinite(ear), times_s
    ),
}
print(json.dumps({
    "numba": "numba" in sys.modules,
    "results": {
        name: np.asarray(value, dtype=np.float64).tolist() for name, value in results.items()
    },
}))
"""


@pytest.fixture(scope="module")
def extension_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the extension is: as `make test` has just built it, or built here."""
    if built := os.environ.get("KERNELS_EXTENSION"):
        assert list(Path(built).glob("*.so")), built
        return Path(built)
    directory = tmp_path_factory.mktemp("extension")
    run(["-m", "deploy.compile_kernels", str(directory)], REPOSITORY, clean_environment())
    return directory


def fails(script: str, extension_dir: Path) -> str:
    environment = clean_environment(PYTHONPATH=str(extension_dir))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    return done.stderr.splitlines()[-1]


def test_every_kernel_is_in_the_extension(extension_dir: Path) -> None:
    script = "import kernels_compiled; print(*dir(kernels_compiled))"
    names = run(["-c", script], REPOSITORY, clean_environment(PYTHONPATH=str(extension_dir)))
    kernels = {
        f"kernels__{Path(file).stem}__{function.name}__{variant}"
        for file, function in CASES
        for variant in range(len(function.decorator_list[0].args))  # type: ignore[attr-defined]
    }
    assert {name for name in names.split() if name.startswith("kernels__")} == kernels


def test_the_extension_gives_the_results_of_the_jit_without_numba(extension_dir: Path) -> None:
    blocked = "import sys; sys.modules['numba'] = sys.modules['llvmlite'] = None\n"
    environment = clean_environment(PYTHONPATH=str(extension_dir))
    ahead = json.loads(run(["-c", blocked + MEASURE], REPOSITORY, environment))
    just_in_time = json.loads(run(["-c", MEASURE], REPOSITORY, clean_environment()))
    assert just_in_time["numba"]
    assert len(ahead["results"]["between_s"]) > 5
    for name, expected in just_in_time["results"].items():
        # Another processor's instructions may round the last bits otherwise.
        np.testing.assert_allclose(
            ahead["results"][name], expected, rtol=1e-12, atol=1e-12, err_msg=name
        )


@pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")
def test_the_extension_is_for_its_target_and_for_any_place(extension_dir: Path) -> None:
    (extension,) = extension_dir.glob("*.so")
    assert str(REPOSITORY).encode() not in extension.read_bytes()
    code = run_tool("objdump", "--disassemble", "--no-show-raw-insn", str(extension))
    # AVX2's registers, and none of AVX-512's, whatever this machine has.
    assert "%ymm" in code
    assert "%zmm" not in code


def run_tool(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "call",
    [
        # Right: (f8[::1], f8[::1], f8, f8).
        "_perclos(v.astype('f4'), v, 0.1, 0.9)",
        "_perclos(v, v.astype('i8'), 0.1, 0.9)",
        "_perclos(v[::2], v, 0.1, 0.9)",
        "_perclos(v.reshape(2, 2), v, 0.1, 0.9)",
        "_perclos(locked, v, 0.1, 0.9)",
        "_perclos(v.tolist(), v, 0.1, 0.9)",
        "_perclos(v, v, '0.1', 0.9)",
        "_perclos(v, v, 0.1)",
    ],
)
def test_other_types_are_refused(call: str, extension_dir: Path) -> None:
    script = (
        "import numpy as np\nfrom kernels.measures import _perclos\n"
        "v = np.arange(4.0)\n"
        "locked = v.copy(); locked.flags.writeable = False\n"
        "_perclos(v, v, 0, np.float64(0.9))\n"
    )
    assert fails(script + call, extension_dir).startswith("TypeError: _perclos takes f8(")


def test_a_kernel_that_the_extension_lacks_is_no_fall_back_to_the_jit(extension_dir: Path) -> None:
    script = "from kernels._jit import kernel\n@kernel('f8(f8)')\ndef _new(x):\n    return x\n"
    assert "_new" in fails(script, extension_dir)


@pytest.mark.parametrize(
    ("signature", "types"),
    [
        ("void()", []),
        ("f8(f8[::1], b1)", [("f8", 1), ("b1", 0)]),
        ("void(f4[:,:,::1], i8[:, ::1], i8)", [("f4", 3), ("i8", 2), ("i8", 0)]),
    ],
)
def test_signatures_are_read(signature: str, types: list[tuple[str, int]]) -> None:
    assert _jit._argument_types(signature) == types


@pytest.mark.parametrize("signature", ["f8(f8[:])", "f8(f8[::1,:])", "f8(unicode_type)"])
def test_signatures_that_cannot_be_checked_are_refused(signature: str) -> None:
    with pytest.raises(ValueError, match="expected a scalar or C array"):
        _jit._argument_types(signature)
