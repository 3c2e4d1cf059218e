"""What `build_layer.sh` made: complete, reproducible, and refused when something is missing.

Skipped where it was not run; ``.ci/run`` runs it first.
"""

import contextlib
import hashlib
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy import bundle
from tests.lengths import thin

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"

MISSING = pytest.mark.skipif(
    not (DIST / "function.zip").is_file(), reason="no dist/: run ./build_layer.sh"
)


def needs_dist(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test of the layers: slow, for it starts what is in them, and skipped without them."""
    return MISSING(pytest.mark.slow(test))


@pytest.fixture(scope="module")
def python() -> str:
    done = subprocess.run(
        [str(ROOT / "find_python.sh"), "3.12"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> bundle.Unpacked:
    return bundle.unpack(DIST, tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> bundle.Reference:
    return bundle.make_reference(tmp_path_factory.mktemp("reference") / "inputs")


@needs_dist
def test_what_was_built_passes(python: str, capsys: pytest.CaptureFixture[str]) -> None:
    bundle.verify(DIST, python)
    printed = capsys.readouterr().out
    assert "checked:" in printed
    total = next(line for line in printed.splitlines() if line.startswith("all "))
    assert 150 < float(total.split()[1]) < 205


@needs_dist
def test_linear_algebra_that_is_left_out_ends_the_process(
    unpacked: bundle.Unpacked, python: str
) -> None:
    """Of OpenBLAS only names are there. What calls one must not go on with a number."""
    site = unpacked.opt / bundle.SITE
    assert list(site.glob("opencv*/libgfortran*")) == []
    script = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import cv2, numpy as np\n"
        "size = int(sys.argv[1])\n"
        "square = np.eye(size) + np.arange(size)\n"
        "print(np.allclose(cv2.gemm(square, square, 1, None, 0), square @ square))"
    )
    # OpenCV computes small products itself.
    for size, code, said in (("8", 0, "True"), ("400", -signal.SIGABRT, "cblas_dgemm of OpenBLAS")):
        done = subprocess.run(
            [python, "-I", "-S", "-c", script, size], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert said in done.stdout + done.stderr


@needs_dist
@pytest.mark.parametrize(
    ("zip_name", "pattern", "message"),
    thin(
        [
            # A library that another one needs; one that is loaded by name; a model; the kernels;
            # source without which its bytecode is not found; a service's description; certificates.
            ("layer-ffmpeg.zip", "*/libdav1d-*", "libavcodec-.* needs libdav1d"),
            ("layer-litert.zip", "*/libpywrap_litert_common.so", "needs libpywrap_litert_common"),
            ("layer-litert.zip", "*/_umath_linalg.*", "does not run"),
            ("function.zip", "tracker/face/models/trunk.tflite", "does not run"),
            ("layer-litert.zip", "*/ai_edge_litert/interpreter.py", "does not run"),
            ("function.zip", "kernels_compiled.*", "does not run"),
            ("function.zip", "handler/engine.py", "lambda_function does not answer"),
            ("layer-base.zip", "*/data/sqs/*/service-2.json*", "lambda_function does not answer"),
            ("layer-base.zip", "*/botocore/data/endpoints.json*", "does not answer"),
            ("layer-base.zip", "*/botocore/cacert.pem", "does not answer"),
            ("layer-base.zip", "*/aws_lambda_powertools/logging/logger.py", "does not answer"),
            ("function.zip", "handler/light_function.py", "light_function does not answer"),
            (
                "layer-base.zip",
                "*/data/secretsmanager/*/service-2.json*",
                "webhook_function does not",
            ),
            ("function.zip", "handler/webhook_function.py", "webhook_function does not answer"),
        ],
        3,
    ),
)
def test_without_a_needed_file_it_is_refused(
    zip_name: str,
    pattern: str,
    message: str,
    unpacked: bundle.Unpacked,
    reference: bundle.Reference,
    python: str,
    tmp_path: Path,
) -> None:
    with (
        _without(unpacked, zip_name, pattern, tmp_path),
        pytest.raises(bundle.BundleError, match=message),
    ):
        bundle.check(unpacked, reference, python)


@contextlib.contextmanager
def _without(unpacked: bundle.Unpacked, zip_name: str, pattern: str, aside: Path) -> Iterator[None]:
    """Put the files of one zip that match a pattern aside, and then back where they were."""
    roots = {"function.zip": [unpacked.task], "layer-base.zip": [unpacked.opt, unpacked.light]}
    with zipfile.ZipFile(DIST / zip_name) as archive:
        names = [name for name in archive.namelist() if Path(name).match(pattern)]
    assert names, pattern
    moved = {
        root / name: aside / f"{root.name}-{number}"
        for root in roots.get(zip_name, [unpacked.opt])
        for number, name in enumerate(names)
    }
    for path, kept in moved.items():
        path.rename(kept)
    try:
        yield
    finally:
        for path, kept in moved.items():
            kept.rename(path)


@needs_dist
def test_a_zip_without_a_needed_file_is_refused(
    reference: bundle.Reference, python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the last check finds, so that none is left out between the zips and it."""
    for path in DIST.glob("layer-*.zip"):
        (tmp_path / path.name).symlink_to(path)
    _copy_without(DIST / "function.zip", tmp_path / "function.zip", "handler/light_function.py")
    monkeypatch.setattr(bundle, "make_reference", lambda _directory: reference)
    with pytest.raises(bundle.BundleError, match=r"handler\.light_function does not answer"):
        bundle.verify(tmp_path, python)


def _copy_without(source: Path, target: Path, pattern: str) -> None:
    removed = 0
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            if Path(entry.filename).match(pattern):
                removed += 1
            else:
                new.writestr(entry, old.read(entry), zipfile.ZIP_DEFLATED, 1)
    assert removed, pattern


@needs_dist
def test_every_bytecode_file_is_unchecked_and_has_its_source() -> None:
    for path in DIST.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            sources = {name for name in names if name.endswith(".py")}
            compiled = {name for name in names if name.endswith(".pyc")}
            assert len(compiled) == len(sources)
            for name in compiled:
                # PEP 552: bit 0 says by hash, bit 1 that the hash is checked.
                assert archive.read(name)[4:8] == b"\x01\x00\x00\x00", name


def make_stage(stage: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).write_bytes(content)
    return stage


def test_a_zip_depends_on_the_content_alone(tmp_path: Path) -> None:
    files = {f"function/{name}.py": name.encode() for name in "cab"}
    digests = []
    for name, order in (("one", files), ("two", dict(reversed(files.items())))):
        stage = make_stage(tmp_path / name, order)
        for number, path in enumerate(sorted(stage.rglob("*.py"))):
            path.chmod((0o600, 0o755)[number % 2 == (name == "one")])
            path.touch()
        dist = tmp_path / f"dist-{name}"
        dist.mkdir()
        bundle.pack(stage, dist)
        digests.append(hashlib.sha256((dist / "function.zip").read_bytes()).hexdigest())
    assert digests[0] == digests[1]
    with zipfile.ZipFile(dist / "function.zip") as archive:
        assert archive.namelist() == ["a.py", "b.py", "c.py"]
        assert all(entry.external_attr >> 16 == 0o100644 for entry in archive.infolist())


def test_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = make_stage(tmp_path / "stage", {"function/a.py": bytes(2000), "layer-b/c": b"1" * 500})
    dist = tmp_path / "dist"
    dist.mkdir()
    bundle.pack(stage, dist)
    monkeypatch.setattr(bundle, "MAX_UNZIPPED_BYTES", bundle.SPARE_BYTES + 2499)
    with pytest.raises(bundle.BundleError, match="2,500 bytes unzipped"):
        bundle.verify(dist, "python")
    monkeypatch.setattr(bundle, "MAX_UNZIPPED_BYTES", bundle.SPARE_BYTES + 2500)
    monkeypatch.setattr(bundle, "MAX_DIRECT_UPLOAD_BYTES", 100)
    with pytest.raises(bundle.BundleError, match="cannot be uploaded directly"):
        bundle.verify(dist, "python")


def test_a_file_in_two_layers_is_refused(tmp_path: Path) -> None:
    stage = make_stage(
        tmp_path / "stage", {"function/f.py": b"", "layer-a/x": b"1", "layer-b/x": b"2"}
    )
    dist = tmp_path / "dist"
    dist.mkdir()
    bundle.pack(stage, dist)
    with pytest.raises(bundle.BundleError, match="another layer holds x too"):
        bundle.verify(dist, "python")


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_libraries_that_the_base_image_lacks_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.c").write_text("int other(void) { return 1; }")
    (tmp_path / "one.c").write_text("int other(void); int one(void) { return other(); }")
    subprocess.run(["cc", "-shared", "-o", "libother.so", "other.c"], cwd=tmp_path, check=True)
    subprocess.run(
        ["cc", "-shared", "-o", "one.so", "one.c", "-L.", "-lother"], cwd=tmp_path, check=True
    )
    bundle._check_library(tmp_path / "one.so")
    (tmp_path / "libother.so").unlink()
    with pytest.raises(bundle.BundleError, match=r"one\.so needs libother\.so"):
        bundle._check_library(tmp_path / "one.so")


VERSIONS = """
Version definition section '.gnu.version_d' contains 1 entry:
  000000: Rev: 1  Flags: BASE  Index: 1  Cnt: 1  Name: GLIBC_9.9
Version needs section '.gnu.version_r' contains 2 entries:
  0x0000: Version: 1  File: libc.so.6  Cnt: 2
  0x0010:   Name: GLIBC_2.14  Flags: none  Version: 4
  0x0020:   Name: GLIBC_{newest}  Flags: none  Version: 3
"""


@pytest.mark.parametrize(("newest", "refused"), [("2.34", False), ("2.35", True), ("2.4", False)])
def test_symbols_newer_than_the_base_image_are_refused(
    newest: str, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "_readelf", lambda *_: VERSIONS.replace("{newest}", newest))
    if refused:
        with pytest.raises(bundle.BundleError, match=r"needs GLIBC_2\.35; Amazon Linux 2023 has"):
            bundle._check_library(Path("x.so"))
    else:
        bundle._check_library(Path("x.so"))


def test_a_format_that_the_base_images_loader_does_not_know_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = VERSIONS.replace("{newest}", "2.2.5\n  0x0030:   Name: GLIBC_ABI_DT_RELR")
    monkeypatch.setattr(bundle, "_readelf", lambda *_: text)
    with pytest.raises(bundle.BundleError, match=r"x\.so needs GLIBC_ABI_DT_RELR"):
        bundle._check_library(Path("x.so"))


def test_layers_for_another_architecture_are_checked_without_being_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.c").write_text("void one(void) {}")
    files = {"layer-a/python/a.py": b"not python", "authorizer/b.py": b"neither"}
    stage = make_stage(tmp_path / "stage", files)
    library = stage / "layer-a" / "python" / "one.so"
    subprocess.run(["cc", "-shared", "-o", library, tmp_path / "one.c"], check=True)
    dist = tmp_path / "dist"
    dist.mkdir()
    bundle.pack(stage, dist)
    bundle.verify_layers(dist)
    assert "checked: sizes, shared libraries and symbol versions" in capsys.readouterr().out
    subprocess.run(
        [
            "cc",
            "-shared",
            "-Wl,--no-as-needed",
            "-o",
            library,
            tmp_path / "one.c",
            "-lrt",
            "-lmvec",
        ],
        check=True,
    )
    bundle.pack(stage, dist)
    with pytest.raises(bundle.BundleError, match=r"one\.so needs libmvec"):
        bundle.verify_layers(dist)
