"""The rules of the house: which room may import which, who loads what, and how large things are."""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("kernels", "tracker", "handler", "benchmarks", "deploy", "tests")

ORDER = [
    {"kernels"},
    {"tracker.video"},
    {"tracker.face"},
    {"tracker.tracks"},
    {"tracker.measures"},
    {"tracker.files"},
    {"tracker.pages"},
    {"tracker.result"},
    {"tracker.pipeline"},
    {"tracker.api"},
    {"tracker"},
    {"tracker.study", "tracker.lab", "tracker.exports"},
    {"tracker.cli"},
]
"""The rooms from the bottom up. A room imports itself and what is below it, not beside it."""

LEAVES = {
    "tracker.parameters": {"tracker.protocol", "tracker.machine"},
    "tracker.protocol": {"tracker.parameters", "tracker.machine"},
    "tracker.machine": {"tracker.parameters", "tracker.protocol"},
    "tracker.version": set[str](),
    "tracker.words": set[str](),
    "tracker.files.fields": set[str](),
    "tracker.files.documents": {"tracker.files.fields"},
    "tracker.files.whole": set[str](),
}
"""What every room may import, and what of ours these may import themselves."""

ENGINE = "handler.engine"
ENGINE_IMPORTS = {
    "tracker.pipeline": "measures videos and images",
    "tracker.result": "writes their files",
    "tracker.tracks.segments": "divides a recording among workers",
    "tracker.tracks.parts": "what a worker is given, and what it gives back",
    "tracker.tracks.track": "the type of what the parts are joined to",
    "tracker.files.fingerprint": "hashes a stream while it is read",
    "tracker.files.results_table": "writes the table of a cohort",
    "tracker.files.provenance": "hashes of program and models, for the record",
    "tracker.face.mesh": "the models are loaded once for many requests",
    "tracker.video.container": "tells videos from images; its errors become answers",
    "tracker.video.frames": "a video's limits are checked before anything is decoded",
}
"""What the handler's one adapter of the tracker imports, and why.

All other files of the handler import only `HANDLER_LEAVES` of the tracker.
"""

HANDLER_LEAVES = LEAVES.keys() - {"tracker.files.whole"}
"""What requests, records and answers are made of; files are written by the tracker."""

TEST_EQUIPMENT = {"tests.naive", "tests.made_tracks", "tests.aws_server", "tests.mediapipe_graphs"}
"""What benchmarks take from the tests: references, made-up tracks and the AWS server.

They are equipment of both and import neither tests nor benchmarks.
"""

ONE_IMPORTER = {
    "ctypes": {f"tracker/video/{name}.py" for name in ("libav", "ffmpeg", "pixels")},
    "mediapipe": set[str](),
    "ai_edge_litert": {"tracker/face/models/__init__.py", "tracker/face/models/make.py"},
    "flatbuffers": {"tracker/face/models/make.py"},
    "boto3": {"handler/aws.py"},
    "botocore": {"handler/aws.py"},
    "sqlite3": {"handler/local/storage.py"},
    "cheroot": {"handler/local/server.py"},
    "multipart": {"handler/forms.py"},
    "jwt": {"handler/tokens.py"},
}
"""Libraries behind one file; FFmpeg has its declarations, the decoder and the conversion."""

MAX_LINES = {"file": 500, "class": 250, "function": 60}

LARGE = {
    "tracker/words/en.py": "a table of texts, read entry by entry",
    "tracker/words/ko.py": "a table of texts, read entry by entry",
    "tracker/files/fields.py": "a table of all fields, read entry by entry",
    "tracker/files/fields.py:Summary": "the part of it that is the JSON document, in its order",
}
"""What is larger than the limits, with the reason."""


# What is imported


def name_module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    name_module(path): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
OURS = [(name, path) for name, path in FILES.items() if name.split(".")[0] in PACKAGES[:3]]


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def find_imports(node: ast.AST, *, typing: bool) -> Iterator[str]:
    """Yield what a file imports, at its top and in its functions, as modules where they are ours.

    Without `typing`, what only a type checker imports is left out.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):  # holds no statement, so no import
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING" and not typing:
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "a relative import hides its direction"
            assert child.module is not None
            for alias in child.names:
                name = f"{child.module}.{alias.name}"
                yield name if name in FILES else child.module
        yield from find_imports(child, typing=typing)


@cache
def imports_of(path: Path) -> frozenset[str]:
    return frozenset(find_imports(parse(path), typing=True))


def is_within(module: str, room: str) -> bool:
    return module == room or module.startswith(room + ".")


def find_leaf(module: str) -> str | None:
    return next((leaf for leaf in LEAVES if is_within(module, leaf)), None)


def find_room(module: str) -> tuple[int, str]:
    """Return how high a module's room is, and the room."""
    if module == "tracker.__main__":
        module = "tracker.cli"
    found = [
        (height, room)
        for height, rooms in enumerate(ORDER)
        for room in rooms
        if module == room or (room != "tracker" and is_within(module, room))
    ]
    assert len(found) == 1, f"{module} is in no room of LAYOUT"
    return found[0]


def may_import(importer: str, imported: str) -> bool:
    """Tell whether one module of ours may import another one."""
    package, other = (name.split(".")[0] for name in (importer, imported))
    if package in ("tests", "deploy"):
        return True
    if package == "benchmarks":
        return other != "tests" or imported in TEST_EQUIPMENT
    if other not in PACKAGES[:3]:
        return False
    if package == "handler":
        if other == "tracker":
            allowed = HANDLER_LEAVES | (ENGINE_IMPORTS.keys() if importer == ENGINE else set())
            return any(is_within(imported, one) for one in allowed)
        return other == "handler"
    if other == "handler":
        return False
    leaf = find_leaf(importer)
    if leaf:
        return any(is_within(imported, one) for one in {leaf, *LEAVES[leaf]})
    if find_leaf(imported):
        return package == "tracker"
    (height, room), (other_height, other_room) = find_room(importer), find_room(imported)
    return room == other_room or height > other_height


def find_wrong_imports() -> set[tuple[str, str]]:
    return {
        (name, imported)
        for name, path in FILES.items()
        for imported in imports_of(path)
        if imported.split(".")[0] in PACKAGES and not may_import(name, imported)
    }


def test_imports_run_one_way() -> None:
    assert find_wrong_imports() == set()


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("tracker.study.cohort", "tracker.pipeline", True),
        ("tracker.pipeline", "tracker.study.cohort", False),
        ("tracker.video.frames", "kernels.gaze", True),
        ("kernels.gaze", "tracker.words.en", False),
        ("kernels.gaze", "tracker.video.frames", False),
        ("tracker.lab.profile", "tracker.study.cohort", False),
        ("tracker.lab.profile", "tracker.lab.synthetic", True),
        ("tracker.files.summary", "tracker.pages.page", False),
        ("tracker.video.stills", "tracker.files.whole", True),
        ("tracker.files.whole", "tracker.files.names", False),
        ("tracker.files.fields", "tracker.words.en", False),
        ("tracker.words.patient", "tracker.words.en", True),
        ("tracker.words.en", "tracker.measures.analysis", False),
        ("tracker.parameters", "tracker.protocol", True),
        ("tracker.parameters", "tracker.words.en", False),
        ("tracker.__main__", "tracker.cli.main", True),
        ("tracker.cli.main", "benchmarks.plain", False),
        ("tracker.cli.main", "handler.api", False),
        ("tracker.lab.synthetic", "tests.made_tracks", False),
        ("handler.engine", "tracker.pipeline", True),
        ("handler.engine", "tracker.measures.analysis", False),
        ("handler.api", "tracker.pipeline", False),
        ("handler.requests", "tracker.parameters", True),
        ("handler.records", "tracker.files.whole", False),
        ("handler.engine", "kernels", False),
        ("handler.engine", "tests.aws_server", False),
        ("benchmarks.plain", "tests.naive", True),
        ("benchmarks.plain", "tests.conftest", False),
    ],
)
def test_the_rule_itself(importer: str, imported: str, allowed: bool) -> None:
    assert may_import(importer, imported) is allowed


def test_the_engine_needs_all_that_it_may_import() -> None:
    found = {one for one in imports_of(FILES[ENGINE]) if is_within(one, "tracker")}
    assert {one for one in found if not find_leaf(one)} == ENGINE_IMPORTS.keys()


def test_what_benchmarks_take_from_the_tests_stands_alone() -> None:
    for name in TEST_EQUIPMENT:
        imported = {one.split(".")[0] for one in imports_of(FILES[name])}
        assert not imported & {"tests", "benchmarks"}, name


def test_no_import_goes_in_a_circle() -> None:
    """Not even within a room, or inside a function."""
    below = {
        name: {one for one in find_imports(parse(path), typing=False) if one in FILES}
        for name, path in OURS
    }
    # A package's own file is imported with every part of it: naming it too is no circle.
    left = {
        name: {one for one in found if not name.startswith(one + ".")}
        for name, found in below.items()
    }
    while ends := {name for name, found in left.items() if not found & left.keys()}:
        left = {name: found for name, found in left.items() if name not in ends}
    assert left == {}


# Where the libraries are


def test_the_kernels_need_numpy_and_numba_only() -> None:
    for name, path in OURS:
        if name.split(".")[0] == "kernels":
            roots = {one.split(".")[0] for one in imports_of(path)}
            assert roots - set(sys.stdlib_module_names) <= {"kernels", "numpy", "numba"}, name


@pytest.mark.parametrize("library", ONE_IMPORTER)
def test_one_file_imports(library: str) -> None:
    found = {
        str(path.relative_to(ROOT))
        for _, path in OURS
        if library in {one.split(".")[0] for one in imports_of(path)}
    }
    assert found == ONE_IMPORTER[library]


def test_the_environment_is_read_in_one_file() -> None:
    readers = [
        name
        for name, path in OURS
        if is_within(name, "handler")
        and any(
            isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            for node in ast.walk(parse(path))
        )
    ]
    # The authorizer is a function of its own, which needs nothing of AWS.
    assert readers == ["handler.authorizer", "handler.environment"]


# What is loaded, each in a process of its own


def run(script: str) -> str:
    # They are compiled here if they are new, for a program that compiles them says so on stderr.
    importlib.import_module("kernels")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stderr == ""
    return done.stdout


MADE_BY_THE_SAME_BITS = ("tracker/video", "tracker/face", "tracker/tracks")


def test_a_track_is_the_same_on_every_processor() -> None:
    """BLAS multiplies matrices in another order on each kind of processor.

    Regions follow from landmarks and landmarks from regions, so that a last bit grows to 1e-3 px.
    """
    asked = {"dot", "matmul", "einsum", "inner", "vdot", "tensordot", "linalg"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in MADE_BY_THE_SAME_BITS
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult))
        or (isinstance(node, ast.Attribute) and node.attr in asked)
    ]
    assert found == []


def test_a_poll_loads_nothing_heavy() -> None:
    """Neither with the modules that answer it nor while they do, whatever the storage is."""
    script = (
        "import sys\n"
        "heavy = {'numpy', 'numba', 'cv2', 'mediapipe', 'boto3', 'sqlite3'}\n"
        "heavy |= {'werkzeug', 'cheroot', 'multipart'}\n"
        "for name in ('requests', 'events', 'service', 'storage', 'errors', 'api'):\n"
        "    __import__('handler.' + name)\n"
        "    print(name, *sorted(set(sys.modules) & heavy))\n"
    )
    names = ["requests", "events", "service", "storage", "errors", "api"]
    assert run(script).split("\n") == [*names, ""]


def test_the_models_load_nothing_else() -> None:
    """LiteRT's other parts import ml_dtypes and protobuf, which Lambda's layers do not have."""
    script = (
        "import sys\n"
        "from tracker.face.mesh import FaceMesh\n"
        "FaceMesh()\n"
        "others = {'mediapipe', 'google.protobuf', 'flatbuffers', 'ml_dtypes', 'tqdm'}\n"
        "print(*sorted(set(sys.modules) & others))\n"
    )
    assert run(script).strip() == ""


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
        "    pages = {'tracker.pages.report', 'tracker.pages.page', 'jinja2', 'markupsafe'}\n"
        "    print(report, *sorted(set(sys.modules) & pages))\n"
    )
    assert run(script).splitlines() == [
        "None",
        "en jinja2 markupsafe tracker.pages.page tracker.pages.report",
    ]


def test_how_long_a_recording_is_needs_no_kernel_and_no_model(clips: Path) -> None:
    """Before it knows, the command line cannot start the workers that divide a recording."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tracker.parameters import Parameters\n"
        "from tracker.study.recording import Recording, is_long\n"
        "import tracker.study.workers\n"
        f"recording = Recording(Path({str(clips / 'short.mp4')!r}), Path(), 'a', 'a')\n"
        "print(is_long(recording, Parameters()))\n"
        "print('cv2' in sys.modules, *sorted(set(sys.modules) & {'kernels', 'numba', 'jinja2'}))\n"
        "print('ai_edge_litert' in sys.modules)\n"
    )
    assert run(script).splitlines() == ["False", "True", "False"]


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("tracker.cli.main", ["--help"]),
        ("tracker.cli.main", ["analyze", "--help"]),
        ("handler.__main__", ["-h"]),
    ],
)
def test_help_loads_no_model_and_nothing_heavy(package: str, arguments: list[str]) -> None:
    script = (
        "import sys\n"
        f"from {package} import main\n"
        "try:\n"
        f"    sys.argv[1:] = {arguments}\n"
        "    main()\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'numpy', 'numba', 'cv2', 'mediapipe', 'pandas', 'pyarrow', 'jinja2'}\n"
        "heavy |= {'werkzeug', 'cheroot'}\n"
        "print('loaded:', *sorted(set(sys.modules) & heavy))\n"
    )
    assert run(script).splitlines()[-1] == "loaded:"


# How large things are


def find_large(path: Path) -> Iterator[str]:
    """Yield what of a file is above the limits, as `file` or `file:Class.function`."""
    where = str(path.relative_to(ROOT))
    if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES["file"]:
        yield where

    def search(node: ast.AST, inside: tuple[str, ...]) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            names = inside
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                names = (*inside, child.name)
                kind = "class" if isinstance(child, ast.ClassDef) else "function"
                assert child.end_lineno is not None
                if child.end_lineno - child.lineno + 1 > MAX_LINES[kind]:
                    yield f"{where}:{'.'.join(names)}"
            yield from search(child, names)

    yield from search(parse(path), ())


def test_nothing_is_larger_than_one_can_read() -> None:
    found = {
        large
        for name, path in OURS
        if name.split(".")[0] in ("tracker", "handler")
        for large in find_large(path)
    }
    # What is divided leaves the list.
    assert found == LARGE.keys()


def test_what_is_too_large_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "large.py"
    line = "        x = 1\n"
    path.write_text(f"class A:\n def fits(self):\n{line * 59} def large(self):\n{line * 60}")
    assert list(find_large(path)) == ["large.py:A.large"]
    parse.cache_clear()
    path.write_text(f"class B:\n{line * 250}{line.strip()}\n" + 249 * "x = 1\n")
    assert list(find_large(path)) == ["large.py", "large.py:B"]


# What is kept


def list_tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True, cwd=ROOT)
    return [name for name in done.stdout.decode().split("\0") if (ROOT / name).is_file()]


MACHINE_PATH = re.compile(rb"(?<![\w.}])/(?:work|home|Users|root|mnt|tmp/w)/\w|\b[A-Z]:\\Users\\")


def test_no_file_names_a_place_of_one_machine() -> None:
    names = list_tracked()
    assert "tests/test_architecture.py" in names
    for name in names:
        found = MACHINE_PATH.search((ROOT / name).read_bytes())
        assert found is None, f"{name}: {found[0]!r}"


def test_a_place_of_one_machine_is_noticed() -> None:
    # Put together here, or this file would be found.
    for text in (b"see /%s/me/data" % b"home", b'"/%s/me' % b"Users", b"C:\\%s\\me" % b"Users"):
        assert MACHINE_PATH.search(text)
    for text in (b"/proc/1/root/tmp", b"https://a.org/home/page", b"users/home/x", b"/tmp/x"):
        assert not MACHINE_PATH.search(text)


def test_lock_files_name_no_address() -> None:
    """Packages come from where the machine's own settings say."""
    locks = [name for name in list_tracked() if re.search(r"\.lock$|(^|/)package-lock", name)]
    assert len(locks) >= 2
    for name in locks:
        assert "://" not in (ROOT / name).read_text(encoding="utf-8"), name
