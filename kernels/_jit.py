"""The one place where a kernel is compiled: options, signatures and the on-disk cache."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import config

Dispatcher = Any
"""A compiled kernel (the plain function under ``NUMBA_DISABLE_JIT=1``)."""

KERNELS: list[Dispatcher] = []
"""Every kernel that was compiled or loaded from the cache."""


def kernel(*signatures: str) -> Callable[[Callable[..., Any]], Dispatcher]:
    """Compile a function for the given signatures only, and cache the machine code on disk.

    The signatures are explicit so that the set of compiled variants is closed: a call with other
    types is a ``TypeError``, never a compilation in the middle of an analysis. Arrays in them are
    C-contiguous and writable; the public wrappers see to that.

    Numba checks a cached kernel against its own source file alone. A kernel therefore only calls
    kernels of its own file and takes constants as arguments.

    ``error_model="numpy"`` makes a division by zero NaN or infinity, as in NumPy. ``fastmath`` is
    off: it would let the compiler assume that there are no NaNs, which stand for missing data.
    """

    def compile_cached(function: Callable[..., Any]) -> Dispatcher:
        compile_ = numba.njit(list(signatures), cache=True, error_model="numpy")
        try:
            dispatcher = compile_(function)
        except RuntimeError as error:
            # Numba's words when neither the source's __pycache__ nor the home can be written.
            if "no locator available" not in str(error):
                raise
            config.CACHE_DIR = str(_private_cache_dir())  # type: ignore[attr-defined]
            dispatcher = compile_(function)
        if not config.DISABLE_JIT:  # type: ignore[attr-defined]
            KERNELS.append(dispatcher)
        return dispatcher

    return compile_cached


def _private_cache_dir() -> Path:
    """Return a cache directory that no other user can write: Numba unpickles what it finds."""
    directory = Path(tempfile.gettempdir()) / f"eye-tracker-numba-{os.getuid()}"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
        if (
            not directory.is_symlink()
            and status.st_uid == os.getuid()
            and not status.st_mode & 0o077
        ):
            return directory
    except FileExistsError:  # a file, or a link to nowhere, has the name
        pass
    return Path(tempfile.mkdtemp(prefix="eye-tracker-numba-"))
