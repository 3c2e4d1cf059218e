"""Time the start of the kernels, the command line and the handlers, each in its own process.

It is the CPU time of the whole process, including the start of the interpreter.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.conftest import Race, Ratio, cpu_s

HANDLER_ENVIRONMENT = {
    "S3_BUCKET": "bucket",
    "DYNAMODB_TABLE": "table",
    "AWS_DEFAULT_REGION": "ap-northeast-2",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "POWERTOOLS_DEV": "true",
}
"""Settings of the handlers. AWS is not called: clients are made without a connection."""


def run_python(*arguments: str, **environment: str) -> str:
    """Run this interpreter with these arguments and variables, and return what it prints."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.fixture(scope="module")
def ahead(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the kernels compiled ahead of time."""
    folder = tmp_path_factory.mktemp("ahead")
    run_python("-m", "deploy.compile_kernels", str(folder))
    return folder


@pytest.mark.benchmark(group="start")
def test_kernels(ahead: Path, race: Race, ratio: Ratio, short: bool) -> None:
    """Compiled ahead of time, loaded from the cache, and compiled at import."""
    loaded = "import sys, kernels; print(*{'numba', 'kernels_compiled'} & sys.modules.keys())"
    assert run_python("-c", loaded, PYTHONPATH=str(ahead)) == "kernels_compiled\n"
    assert run_python("-c", loaded) == "numba\n"

    compile_s = []
    for _ in range(1 if short else 5):
        with tempfile.TemporaryDirectory() as cache:
            start_s = cpu_s()
            report = run_python("-m", "kernels.warmup", NUMBA_CACHE_DIR=cache)
            compile_s.append(cpu_s() - start_s)
            assert " 0 loaded" in report
    medians = race(
        {
            "ahead of time": lambda: run_python("-c", "import kernels", PYTHONPATH=str(ahead)),
            "from the cache": lambda: run_python("-c", "import kernels"),
            "NumPy alone": lambda: run_python("-c", "import numpy"),
        },
        rounds=3 if short else 9,
    )
    own, cached = medians["ahead of time"], medians["from the cache"]
    ratio("kernels' import, ahead of time over NumPy's", own / medians["NumPy alone"], at_most=2)
    ratio("kernels' import, from the cache over ahead of time", cached / own, at_least=2)
    compiled_s = statistics.median(compile_s)
    ratio("kernels' import, compiled over from the cache", compiled_s / cached, at_least=3)


@pytest.mark.benchmark(group="start")
def test_commands_and_handlers(ahead: Path, race: Race, ratio: Ratio, short: bool) -> None:
    """The start beside the import of the libraries that it needs; with kernels as in Lambda."""
    starts = {
        "interpreter": "pass",
        "eye-tracker --help": "import sys, tracker.cli.main; sys.argv[1:] = ['--help']; "
        "tracker.cli.main.main()",
        "analyze": "from tracker.face.mesh import FaceMesh; import tracker.study.recording, "
        "tracker.pipeline; FaceMesh()",
        "libraries of analyze": "import numpy, cv2, tqdm",
        "light handler": "import handler.light_function",
        "libraries of the light handler": "import boto3, aws_lambda_powertools",
        "analysis handler": "import handler.lambda_function",
        "libraries of the analysis handler": "import boto3, aws_lambda_powertools, numpy, cv2",
    }
    heavy = "{'numba', 'pandas', 'pyarrow', 'av', 'matplotlib', 'jax'} & sys.modules.keys()"
    environment = {**HANDLER_ENVIRONMENT, "PYTHONPATH": str(ahead)}
    for name in ("analyze", "light handler", "analysis handler"):
        loaded = run_python("-c", f"import sys; {starts[name]}; print({heavy})", **environment)
        assert loaded.splitlines()[-1] == "set()", name

    def start(code: str) -> Callable[[], object]:
        return lambda: subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )

    medians = race({name: start(code) for name, code in starts.items()}, rounds=2 if short else 9)
    help_ = medians["eye-tracker --help"] / medians["interpreter"]
    ratio("start of eye-tracker --help over the interpreter's", help_, at_most=4)
    for name, most in (("analyze", 3.5), ("light handler", 3.5), ("analysis handler", 3.5)):
        libraries = medians[f"libraries of {'the ' * ('handler' in name)}{name}"]
        ratio(f"start of {name} over its libraries", medians[name] / libraries, at_most=most)
