"""``python -m deploy.bundle``: pack what Lambda runs into zips, and check them before the upload.

The zips are the *bundle*: the function's own code, and layers, which hold what it depends on.

Used by ``build_layer.sh``. `verify` reads only the zips, so that it checks exactly the files that
are uploaded.
"""

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SITE = "python"
"""Directory of a layer that is on the path of Lambda's Python, as ``/opt/python``."""

MAX_UNZIPPED_BYTES = 262_144_000
"""Lambda's limit for function and layers together."""
SPARE_BYTES = 5_000_000
MAX_DIRECT_UPLOAD_BYTES = 50 * 2**20
"""Lambda's limit for a zip that is uploaded directly; larger ones go through S3."""
MAX_LAYERS = 5

MAX_VERSIONS = {
    "GLIBC": (2, 34),
    "GLIBCXX": (3, 4, 29),
    "CXXABI": (1, 3, 13),
    "GCC": (11, 0, 0),
}
"""Newest symbols of Amazon Linux 2023's glibc 2.34 and GCC 11 runtime libraries."""
BASE_LIBRARIES = frozenset(
    {
        *("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6"),
        *("libdl.so.2", "librt.so.1", "libpthread.so.0", "libutil.so.1", "libgcc_s.so.1"),
        *("libstdc++.so.6", "libz.so.1"),
    }
)
"""Shared libraries that a bundle may need, because the base image public.ecr.aws/lambda/python:3.12
has them: those of its packages glibc, libgcc, libstdc++ and zlib."""

RELATIVE_TOLERANCE = 1e-9
"""Largest relative difference between the bundle's measures and the development environment's."""
CODECS = {"h264": ".mp4", "hevc": ".mov", "vp9": ".webm", "av1": ".mkv", "mpeg4": ".mp4"}
STILLS = (".jpg", ".png", ".webp", ".bmp", ".tiff")


class BundleError(Exception):
    """The bundle must not be deployed. The message says why."""


def pack(stage: Path, dist: Path) -> None:
    """Zip each directory of `stage` as ``dist/<name>.zip``; the bytes depend on the content only.

    Parameters
    ----------
    stage : Path
        Holds the directories ``function`` and ``layer-*``.
    dist : Path
    """
    for directory in sorted(path for path in stage.iterdir() if path.is_dir()):
        with zipfile.ZipFile(dist / f"{directory.name}.zip", "w") as archive:
            for path in sorted(path for path in directory.rglob("*") if path.is_file()):
                # The earliest time that a zip can hold.
                entry = zipfile.ZipInfo(str(path.relative_to(directory)), (1980, 1, 1, 0, 0, 0))
                entry.create_system = 3  # Unix, or the permissions count for nothing
                entry.external_attr = (0o100755 if ".so" in path.suffixes else 0o100644) << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def verify(dist: Path, python: str) -> None:
    """Check everything that can be checked before the upload; print the sizes.

    Parameters
    ----------
    dist : Path
        Holds ``function.zip`` and ``layer-*.zip``.
    python : str
        Command of a Python 3.12 without the project's dependencies: it runs the bundle's code.

    Raises
    ------
    BundleError
    """
    zips = [*_find_layers(dist), dist / "function.zip"]
    print(_format_sizes(zips))
    _check_sizes(zips)
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = unpack(dist, Path(scratch))
        check(unpacked, make_reference(Path(scratch) / "inputs"), python)
        _check_sizes([dist / "authorizer.zip"])
        _extract(dist / "authorizer.zip", Path(scratch) / "authorizer")
        _check_authorizer(Path(scratch) / "authorizer", python)
    print("checked: sizes, shared libraries, symbol versions, and that it runs")


def verify_layers(dist: Path) -> None:
    """Check the layers and the authorizer for a processor that this machine has not; print sizes.

    Their code cannot run here, so only their sizes and libraries are checked.

    Parameters
    ----------
    dist : Path
        Holds ``layer-*.zip`` and ``authorizer.zip``.

    Raises
    ------
    BundleError
        A check failed. The message says which.
    """
    layers, authorizer = _find_layers(dist), dist / "authorizer.zip"
    print(_format_sizes(layers))
    _check_sizes(layers)
    _check_sizes([authorizer])
    with tempfile.TemporaryDirectory() as scratch:
        for path in layers:
            _extract(path, Path(scratch) / "opt")
        _extract(authorizer, Path(scratch) / "task")
        _check_libraries(Path(scratch))
    print("checked: sizes, shared libraries and symbol versions of layers and authorizer")


def _find_layers(dist: Path) -> list[Path]:
    return sorted(dist.glob("layer-*.zip"), key=lambda path: path.stat().st_size)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The zips' content, as Lambda shows it to a function.

    Attributes
    ----------
    task : Path
        ``/var/task``, the function.
    opt, light : Path
        ``/opt`` of the function that analyses, with all layers; and of the light function, which
        has one layer, without models.
    """

    task: Path
    opt: Path
    light: Path


@dataclass(frozen=True, slots=True)
class Reference:
    """Files to measure, and what this development environment measures in them.

    The bundle must measure the same. `expected` has a JSON document by each file's name, and what
    `deploy.smoke` adds.
    """

    inputs: list[Path]
    expected: dict[str, Any]


def unpack(dist: Path, target: Path) -> Unpacked:
    """Extract the zips in `dist` into directories of `target`, as Lambda lays them out."""
    unpacked = Unpacked(target / "task", target / "opt", target / "light")
    for path in sorted(dist.glob("layer-*.zip")):
        _extract(path, unpacked.opt)
    _extract(dist / "function.zip", unpacked.task)
    _extract(dist / "layer-base.zip", unpacked.light)
    return unpacked


def make_reference(directory: Path) -> Reference:
    """Write a file of every codec and format into a new `directory`, and measure them all here."""
    directory.mkdir()
    inputs = make_inputs(directory)
    return Reference(inputs, _run_smoke(sys.executable, ["-m", "deploy.smoke"], [], inputs))


def check(unpacked: Unpacked, reference: Reference, python: str) -> None:
    """Check the shared libraries, and that each function runs and answers; sizes are not checked.

    Parameters
    ----------
    unpacked : Unpacked
    reference : Reference
    python : str
        See `verify`.

    Raises
    ------
    BundleError
        A check failed. The message says which.
    """
    for root in (unpacked.opt, unpacked.task):
        _check_libraries(root)
    site, task = unpacked.opt / SITE, unpacked.task
    _check_it_runs(site, task, reference, python)
    _check_it_answers("lambda_function", site, task, python, ["numba"])
    heavy = ["numpy", "cv2", "ai_edge_litert", "numba"]
    _check_it_answers("handler.light_function", unpacked.light / SITE, task, python, heavy)
    _check_the_webhook(unpacked.light / SITE, task, python, heavy)


def _format_sizes(zips: list[Path]) -> str:
    """Return a table of the zips' sizes in MB, unzipped and zipped, with those of each package."""
    lines = [f"{'':28}{'unzipped MB':>12}{'zipped MB':>11}"]
    total = [0, 0]
    for path in zips:
        packages: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for entry in _entries(path):
            name = entry.filename.removeprefix(f"{SITE}/").partition("/")[0]
            name = re.sub(r"-[\d.]+\S*\.dist-info|\.cpython\S+", "", name).removesuffix(".libs")
            name = name.replace("opencv_python_headless", "cv2").removesuffix(".py")
            packages[name][0] += entry.file_size
            packages[name][1] += entry.compress_size
        sums = [sum(sizes[0] for sizes in packages.values()), path.stat().st_size]
        total = [total[0] + sums[0], total[1] + sums[1]]
        lines.append(_row(path.name, sums))
        lines += [
            _row(f"  {name}", sizes)
            for name, sizes in sorted(packages.items(), key=lambda item: -item[1][0])
        ]
    lines.append(_row("all", total))
    lines.append(_row("Lambda's limit", [MAX_UNZIPPED_BYTES]))
    return "\n".join(lines)


def _row(label: str, sizes: list[int]) -> str:
    widths = (12, 11)
    return f"{label:28}" + "".join(
        f"{size / 1e6:{width}.2f}" for size, width in zip(sizes, widths, strict=False)
    )


def _check_sizes(zips: list[Path]) -> None:
    unzipped = sum(entry.file_size for path in zips for entry in _entries(path))
    if unzipped > MAX_UNZIPPED_BYTES - SPARE_BYTES:
        raise BundleError(
            f"{unzipped:,} bytes unzipped; Lambda's limit is {MAX_UNZIPPED_BYTES:,}, and "
            f"{SPARE_BYTES:,} must stay free. The table above says what is large."
        )
    layers = sum(path.stem != "function" for path in zips)
    if layers > MAX_LAYERS:
        raise BundleError(f"{layers} layers; a function can have {MAX_LAYERS}")
    for path in zips:
        if path.stat().st_size > MAX_DIRECT_UPLOAD_BYTES:
            raise BundleError(
                f"{path.name} has {path.stat().st_size:,} bytes; over {MAX_DIRECT_UPLOAD_BYTES:,} "
                "cannot be uploaded directly. Split the layer."
            )


def _entries(path: Path) -> list[zipfile.ZipInfo]:
    if not path.is_file():
        raise BundleError(f"{path} is missing: run ./build_layer.sh")
    with zipfile.ZipFile(path) as archive:
        return archive.infolist()


def _extract(path: Path, directory: Path) -> None:
    """Extract a zip into a directory, which other layers may fill too, as Lambda does.

    Raises
    ------
    BundleError
        Another layer holds a file of the same path.
    """
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if (directory / entry.filename).exists():
                raise BundleError(f"{path.name}: another layer holds {entry.filename} too")
        archive.extractall(directory)


def _check_libraries(root: Path) -> None:
    for library in sorted(root.rglob("*.so*")):
        _check_library(library)


def _check_library(library: Path) -> None:
    """Check that the system or the bundle has all libraries and symbols that a library needs.

    Raises
    ------
    BundleError
    """
    dynamic = _readelf("--dynamic", library)
    # The library's own directory is on the path of the libraries that load it.
    run_paths = [library.parent] + [
        Path(one.replace("$ORIGIN", str(library.parent))).resolve()
        for found in re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", dynamic)
        for one in found.split(":")
    ]
    for needed in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
        if needed not in BASE_LIBRARIES and not any((path / needed).exists() for path in run_paths):
            raise BundleError(
                f"{library.name} needs {needed}, which is neither in the bundle nor in the base "
                "image of python3.12"
            )
    _, _, needs = _readelf("--version-info", library).partition("Version needs section")
    # glibc marks formats that its loader must know by words, not numbers: DT_RELR needs 2.36.
    if mark := re.search(r"Name: (GLIBC_ABI_\S+)", needs):
        raise BundleError(f"{library.name} needs {mark[1]}, which Amazon Linux 2023's glibc lacks")
    for name, version in _needed_versions(needs):
        if version > MAX_VERSIONS.get(name, (math.inf,)):
            raise BundleError(
                f"{library.name} needs {name}_{'.'.join(map(str, version))}; "
                f"Amazon Linux 2023 has {'.'.join(map(str, MAX_VERSIONS[name]))}"
            )


def _needed_versions(text: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each name and version, such as ``("GLIBC", (2, 34))``, that a library needs.

    `text` is that section of the output of ``readelf --version-info``.
    """
    for name, version in re.findall(r"Name: ([A-Z]+)_([\d.]+)\s", text):
        yield name, tuple(map(int, version.split(".")))


def _readelf(option: str, library: Path) -> str:
    return subprocess.run(
        ["readelf", option, "--wide", str(library)], capture_output=True, text=True, check=True
    ).stdout


def _check_it_runs(site: Path, task: Path, reference: Reference, python: str) -> None:
    """Measure the reference's files with the bundle alone, and compare with the expected values.

    It also checks that the compiled kernels are used, and that no file of the bundle is written to.
    `site` is the directory of the installed packages, and `task` that of the function.
    """
    before = _snapshot(site, task)
    with tempfile.TemporaryDirectory() as scratch:
        smoke = str(Path(__file__).with_name("smoke.py").resolve())
        # Python's options -I and -S: without site-packages, variables and the current directory.
        measured = _run_smoke(
            python, ["-I", "-S", smoke], [task, site], reference.inputs, cwd=scratch
        )
    for path in reference.inputs:
        _compare(measured[path.name], reference.expected[path.name], path.name)
    if measured["models"] != reference.expected["models"]:
        raise BundleError("the models are others than those of this environment")
    modules = measured["modules"]
    assert isinstance(modules, list)
    if "kernels_compiled" not in modules or "numba" in modules:
        raise BundleError("the kernels were not taken from the extension kernels_compiled")
    if _snapshot(site, task) != before:
        changed = sorted(_snapshot(site, task) ^ before)[0]
        raise BundleError(f"{changed[0]} was written to; in Lambda it cannot be")


def _check_it_answers(
    module: str, site: Path, task: Path, python: str, absent: Sequence[str]
) -> None:
    """Check that a function answers a health request, and loads none of the `absent` modules.

    `module` has the function's `lambda_handler`. The directories are those of `_check_it_runs`.
    """
    script = (
        f"import sys; sys.path[:0] = [{str(task)!r}, {str(site)!r}]\n"
        f"from {module} import lambda_handler\n"
        "class Context:\n"
        "    aws_request_id = 'check'\n"
        "    def get_remaining_time_in_millis(self): return 29000\n"
        "answer = lambda_handler({'httpMethod': 'GET', 'path': '/'}, Context())\n"
        "assert answer['statusCode'] == 200, answer\n"
        "answer = lambda_handler({'httpMethod': 'GET', 'path': '/docs'}, Context())\n"
        "assert answer['statusCode'] == 200, answer\n"
        # No call here loads the authorities of AWS' certificates. Check that they are there.
        "import ssl; from botocore import httpsession\n"
        "ssl.create_default_context(cafile=httpsession.where())\n"
        f"loaded = {{*{absent!r}}} & set(sys.modules)\n"
        "assert not loaded, f'{loaded} is loaded'\n"
    )
    environment = {
        "AWS_DEFAULT_REGION": "ap-northeast-2",
        "S3_BUCKET": "bucket",
        "DYNAMODB_TABLE": "table",
        "QUEUE_URL": "https://sqs.ap-northeast-2.amazonaws.com/000000000000/queue",
        "FAN_OUT_ARN": "arn:aws:states:ap-northeast-2:000000000000:stateMachine:fan-out",
    }
    _run_alone(python, script, environment, module)


def _check_the_webhook(site: Path, task: Path, python: str, absent: Sequence[str]) -> None:
    """Check that the webhook's function takes a batch, and loads none of the `absent` modules."""
    script = (
        f"import sys; sys.path[:0] = [{str(task)!r}, {str(site)!r}]\n"
        "from handler.webhook_function import lambda_handler\n"
        "assert lambda_handler({'Records': []}, None) == {'batchItemFailures': []}\n"
        f"loaded = {{*{absent!r}}} & set(sys.modules)\n"
        "assert not loaded, f'{loaded} is loaded'\n"
    )
    environment = {
        "AWS_DEFAULT_REGION": "ap-northeast-2",
        "WEBHOOK_URL": "https://receiver.example/",
        "WEBHOOK_SECRET_ARN": "secret",
        "WEBHOOK_QUEUE_URL": "https://sqs.ap-northeast-2.amazonaws.com/000000000000/queue",
    }
    _run_alone(python, script, environment, "handler.webhook_function")


def _run_alone(python: str, script: str, environment: dict[str, str], module: str) -> None:
    """Run a Python script with no environment variables but these; `BundleError` if it fails.

    `module` is what the error's message names.
    """
    done = subprocess.run(
        [python, "-S", "-c", script], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise BundleError(f"{module} does not answer: {done.stderr.strip()}")


def _check_authorizer(task: Path, python: str) -> None:
    """Check that the authorizer loads and refuses a wrong token, for which it needs no issuer."""
    for library in sorted(task.rglob("*.so*")):
        _check_library(library)
    script = (
        f"import sys; sys.path.insert(0, {str(task)!r})\n"
        "from handler.authorizer import lambda_handler\n"
        "import cryptography.hazmat.primitives.asymmetric.rsa\n"
        "try:\n"
        "    lambda_handler({'authorizationToken': 'Bearer x', 'methodArn': 'a/b/c'}, None)\n"
        "except Exception as error:\n"
        "    assert str(error) == 'Unauthorized', error\n"
        "else:\n"
        "    raise AssertionError('not refused')\n"
    )
    environment = {"JWT_ISSUER": "https://issuer.example", "JWT_AUDIENCE": "app"}
    _run_alone(python, script, environment, "handler.authorizer")


def make_inputs(directory: Path) -> list[Path]:
    """Write a second of video in each codec and a picture in each format; return the files."""
    import cv2

    from tracker.lab.clip_spec import ClipSpec, LidClosure
    from tracker.lab.drawing import render_frame
    from tracker.lab.synthetic import write_clip

    inputs = []
    for codec, suffix in CODECS.items():
        closures = (LidClosure(0.4, 0.2),)
        spec = ClipSpec(duration_s=1.0, width=640, height=360, closures=closures, codec=codec)
        inputs.append(directory / f"{codec}{suffix}")
        write_clip(inputs[-1], spec)
    for suffix in STILLS:
        inputs.append(directory / f"still{suffix}")
        cv2.imwrite(str(inputs[-1]), render_frame(spec, 0.0))
    return inputs


def _run_smoke(
    python: str,
    command: list[str],
    paths: list[Path],
    inputs: list[Path],
    cwd: str | None = None,
) -> dict[str, Any]:
    request = {"paths": [str(path) for path in paths], "inputs": [str(path) for path in inputs]}
    done = subprocess.run(
        [python, *command, json.dumps(request)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={"HOME": "/nonexistent", "AWS_DEFAULT_REGION": "ap-northeast-2"} if paths else None,
    )
    if done.returncode:
        raise BundleError(f"the bundle does not run:\n{done.stderr.strip()}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _compare(measured: Any, expected: Any, name: str) -> None:
    """Raise `BundleError` if two JSON documents differ.

    Numbers may differ by `RELATIVE_TOLERANCE`. `name` is what the error's message calls the
    document.
    """
    if isinstance(expected, dict) and isinstance(measured, dict):
        if measured.keys() != expected.keys():
            raise BundleError(f"{name}: {measured.keys() ^ expected.keys()} differ")
        for key, value in expected.items():
            _compare(measured[key], value, f"{name}, {key}")
    elif isinstance(expected, float) and isinstance(measured, float):
        if not math.isclose(measured, expected, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12):
            raise BundleError(f"{name}: measured {measured}, expected {expected}")
    elif measured != expected:
        raise BundleError(f"{name}: measured {measured!r}, expected {expected!r}")


def _snapshot(*roots: Path) -> set[tuple[str, int, int]]:
    return {
        (str(path), path.stat().st_size, path.stat().st_mtime_ns)
        for root in roots
        for path in root.rglob("*")
    }


def main() -> None:
    """Pack or verify, as the command line asks; exit with 1 and a message if a check fails."""
    parser = argparse.ArgumentParser(prog="python -m deploy.bundle", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="zip the directories of STAGE into DIST")
    packing.add_argument("stage", type=Path)
    packing.add_argument("dist", type=Path)
    verifying = commands.add_parser("verify", help="check the zips in DIST")
    verifying.add_argument("dist", type=Path)
    verifying.add_argument(
        "--python",
        help="a Python 3.12 with nothing installed; without it, only layers are checked",
    )
    arguments = parser.parse_args()
    try:
        if arguments.command == "pack":
            pack(arguments.stage, arguments.dist)
        elif arguments.python is None:
            verify_layers(arguments.dist)
        else:
            verify(arguments.dist, arguments.python)
    except BundleError as error:
        sys.exit(f"deploy.bundle: {error}")


if __name__ == "__main__":
    main()
