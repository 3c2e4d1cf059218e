"""``python -m deploy.symbol_versions LIBRARY``: make a library load in Amazon Linux 2023.

It rewrites LIBRARY, so that it asks for the older of a C++ function's two versions.

GCC 12 gave ``std::condition_variable::wait`` the version GLIBCXX_3.4.30, in which a thread that is
cancelled may leave it by an exception. The version of before, GLIBCXX_3.4.11, does the same
otherwise, and nobody cancels threads here. LiteRT's library for arm64 asks for the new one, which
Amazon Linux 2023 lacks, and for nothing else that is missing there.
"""

import re
import subprocess
import sys
from pathlib import Path

NEWER, OLDER = "GLIBCXX_3.4.30", "GLIBCXX_3.4.11"
FUNCTION = "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE"

# Of an entry of the table of needed versions (Elf64_Vernaux): the name's hash and the name itself.
_PARTS = (slice(0, 4), slice(8, 12))
_ENTRY_BYTES = 16


def use_older_version(library: Path) -> None:
    """Rewrite a library that needs the version `NEWER`, so that it asks for `OLDER` instead.

    Any other library is left as it is.

    Raises
    ------
    ValueError
        It needs `NEWER` for more than `FUNCTION`, or names `OLDER` nowhere.
    """
    entries = _find_entries(library)
    if NEWER not in entries:
        return
    symbols = re.findall(rf"(\w+)@+{re.escape(NEWER)}\b", _readelf("--dyn-syms", library))
    if set(symbols) != {FUNCTION} or OLDER not in entries:
        raise ValueError(f"{library.name} needs {NEWER} for {', '.join(sorted(set(symbols)))}")
    content = bytearray(library.read_bytes())
    newer, older = entries[NEWER], entries[OLDER]
    entry = content[newer : newer + _ENTRY_BYTES]
    for part in _PARTS:
        entry[part] = content[older : older + _ENTRY_BYTES][part]
    content[newer : newer + _ENTRY_BYTES] = entry
    library.write_bytes(content)


def _find_entries(library: Path) -> dict[str, int]:
    """Return the byte offset in the file of each needed version's entry, by name; empty if none."""
    _, _, needs = _readelf("--version-info", library).partition("Version needs section")
    section = re.search(r"Offset: (0x[0-9a-f]+)", needs)
    if section is None:
        return {}
    return {
        name: int(section[1], 16) + int(offset, 16)
        for offset, name in re.findall(r"(0x[0-9a-f]+):\s+Name: (\S+)", needs)
    }


def _readelf(option: str, library: Path) -> str:
    return subprocess.run(
        ["readelf", option, "--wide", str(library)], capture_output=True, text=True, check=True
    ).stdout


if __name__ == "__main__":
    use_older_version(Path(sys.argv[1]))
