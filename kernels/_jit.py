"""How every kernel is compiled: options, signatures, and where its machine code comes from.

`deploy.compile_kernels` makes the extension `kernels_compiled`. If it can be imported, the kernels
are its functions and Numba is not imported; they run that way in Lambda. Everywhere else Numba
compiles them at import and caches them on disk.
"""

import functools
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

EXTENSION = "kernels_compiled"

Dispatcher = Any
"""A compiled kernel (the plain function under ``NUMBA_DISABLE_JIT=1``)."""

KERNELS: list[Dispatcher] = []
"""Every kernel that Numba compiled or loaded from its cache."""


def kernel(*signatures: str) -> Callable[[Callable[..., Any]], Dispatcher]:
    """Return a decorator that compiles a function, or takes its code from the extension.

    It is compiled for the given signatures, such as ``"f8(f8[::1], i8)"``, and no others: a call
    with other types is a ``TypeError`` and never starts a compilation in the middle of an analysis.
    Arrays are C-contiguous and writable, which the public wrappers ensure.

    Numba only checks a cached kernel against the kernel's own source file. A kernel therefore calls
    only kernels of its own file, and takes constants as arguments.

    ``error_model="numpy"`` makes a division by zero NaN or infinity, as in NumPy. ``fastmath`` is
    off, because it lets the compiler assume that there are no NaNs; they stand for missing data.
    """
    if importlib.util.find_spec(EXTENSION) is not None:
        extension = importlib.import_module(EXTENSION)
        return lambda function: _take_compiled(extension, function, signatures)
    return lambda function: _compile_cached(function, signatures)


def extension_name(function: Callable[..., Any], variant: int) -> str:
    """Return the name that a kernel's compiled code has in the extension.

    A kernel is compiled once for each of its signatures; `variant` is the signature's index, from
    0. An example is ``kernels__dips___reach__0``.
    """
    return f"{function.__module__.replace('.', '__')}__{function.__name__}__{variant}"


def _compile_cached(function: Callable[..., Any], signatures: tuple[str, ...]) -> Dispatcher:
    import numba
    from numba.core import config

    compile_ = numba.njit(list(signatures), cache=True, error_model="numpy")
    try:
        dispatcher = compile_(function)
    except RuntimeError as error:
        # Numba says this when it can write neither to __pycache__ nor to the home directory.
        if "no locator available" not in str(error):
            raise
        config.CACHE_DIR = str(_private_cache_dir())  # type: ignore[attr-defined]
        dispatcher = compile_(function)
    if not config.DISABLE_JIT:  # type: ignore[attr-defined]
        KERNELS.append(dispatcher)
        if dispatcher.stats.cache_misses:
            _announce_compilation()
    return dispatcher


@functools.cache
def _announce_compilation() -> None:
    """Print to stderr that kernels are being compiled. Only the process' first call prints."""
    print(
        "Compiling the numerical kernels for this machine, once. It takes about ten seconds.",
        file=sys.stderr,
        flush=True,
    )


def _take_compiled(
    extension: ModuleType, function: Callable[..., Any], signatures: tuple[str, ...]
) -> Dispatcher:
    """Return a function that checks its arguments' types, then calls the kernel in the extension.

    It raises a TypeError if they fit none of the signatures. The extension does not check: it would
    read an array of a wrong type as one of the right type. `function` is the kernel in Python, of
    which only the name is used.
    """
    variants = [
        (_argument_types(signature), getattr(extension, extension_name(function, variant)))
        for variant, signature in enumerate(signatures)
    ]

    def call(*arguments: Any) -> Any:
        for types, compiled in variants:
            if len(arguments) == len(types) and all(map(_fits, arguments, types)):
                return compiled(*arguments)
        raise TypeError(f"{function.__name__} takes {' or '.join(signatures)}")

    return call


ArgumentType = tuple["np.dtype[Any]", int]
"""Type and number of dimensions; a scalar has 0."""

_ARGUMENT = re.compile(r"([a-z]\d+)(?:\[((?::,)*)::1\])?")
_SCALARS: dict[str, tuple[type, ...]] = {
    "f": (float, int, np.floating, np.integer),
    "i": (int, np.integer),
    "u": (int, np.integer),
    "b": (bool, np.bool_),
}
"""Python types that convert to each kind of scalar without loss."""


def _argument_types(signature: str) -> list[ArgumentType]:
    """Parse the arguments of a signature such as ``"f8(i8[:,::1], b1[::1], f8)"``.

    Return each argument's NumPy type and number of dimensions (0 for a scalar), in the signature's
    order. A ValueError if an argument is neither a scalar nor a C-contiguous array.
    """
    arguments = re.sub(r"\s", "", signature).partition("(")[2].removesuffix(")")
    types: list[ArgumentType] = []
    for argument in re.split(r",(?![^\[]*\])", arguments) if arguments else []:
        match = _ARGUMENT.fullmatch(argument)
        if match is None:
            raise ValueError(f"{argument!r} in {signature!r}: expected a scalar or C array")
        code, layout = match.groups()
        types.append((np.dtype(code), 0 if layout is None else layout.count(",") + 1))
    return types


def _fits(argument: object, type_: ArgumentType) -> bool:
    dtype, dimensions = type_
    if dimensions == 0:
        return isinstance(argument, _SCALARS[dtype.kind])
    return (
        isinstance(argument, np.ndarray)
        and argument.dtype == dtype
        and argument.ndim == dimensions
        and argument.flags.carray
    )


def _private_cache_dir() -> Path:
    """Return a cache directory that no other user can read or write; it is made if need be.

    It is the same one for all processes of a user, except on Windows, or where the path is taken by
    something unsafe: then it is a new one each time. Numba unpickles the files in it, so whoever
    can write there can run code in this process.
    """
    if not hasattr(os, "getuid"):  # Windows, where each user has a temporary folder
        return Path(tempfile.mkdtemp(prefix="eye-tracker-numba-"))
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
    except FileExistsError:  # a file or a dangling link has this name
        pass
    return Path(tempfile.mkdtemp(prefix="eye-tracker-numba-"))
