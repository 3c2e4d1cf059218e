"""A function that is asked for by its older version is there, and works."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.symbol_versions import NEWER, use_older_version

NEEDS_COMPILER = pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler")

WAITS = """
#include <condition_variable>
#include <thread>
extern "C" int wait_for_it() {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::thread other([&] {
    std::lock_guard<std::mutex> held(mutex);
    done = true;
    changed.notify_one();
  });
  { std::unique_lock<std::mutex> held(mutex); while (!done) changed.wait(held); }
  other.join();
  return 42;
}
"""


def needed(library: Path) -> str:
    return subprocess.run(
        ["readelf", "-V", library], capture_output=True, text=True, check=True
    ).stdout


def compile_library(folder: Path, source: str, *options: str) -> Path:
    (folder / "a.cpp").write_text(source)
    library = folder / "a.so"
    command = ["c++", "-shared", "-fPIC", *options, "-o", library, folder / "a.cpp"]
    subprocess.run(command, check=True)
    if NEWER not in needed(library):
        pytest.skip(f"this machine's compiler is older than GCC 12: it does not ask for {NEWER}")
    return library


@NEEDS_COMPILER
def test_a_library_waits_by_the_older_version(tmp_path: Path) -> None:
    library = compile_library(tmp_path, WAITS)
    use_older_version(library)
    assert NEWER not in needed(library)
    assert ctypes.CDLL(str(library)).wait_for_it() == 42
    once = library.read_bytes()
    use_older_version(library)
    assert library.read_bytes() == once


@NEEDS_COMPILER
def test_a_library_that_needs_more_is_refused(tmp_path: Path) -> None:
    """`-D_GLIBCXX_ASSERTIONS` calls std::__glibcxx_assert_fail, which no older version has."""
    checked = '#include <vector>\nextern "C" int at(std::vector<int>& v, int n) { return v[n]; }'
    library = compile_library(tmp_path, WAITS + checked, "-D_GLIBCXX_ASSERTIONS")
    before = library.read_bytes()
    with pytest.raises(ValueError, match=f"needs {NEWER} for .*assert_fail"):
        use_older_version(library)
    assert library.read_bytes() == before
