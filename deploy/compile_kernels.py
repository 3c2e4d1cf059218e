"""``python -m deploy.compile_kernels DIRECTORY``: compile every kernel into one extension module.

The extension is for an environment without Numba, such as Lambda: `kernels._jit` uses it if it can
be imported.
Needs a C compiler for Numba's glue between machine code and Python.
"""

import argparse
import os
import platform
import sys
import sysconfig
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

TARGET_CPU = {"x86_64": "x86-64-v3", "aarch64": "neoverse-n1"}[platform.machine()]
"""The least that every processor of Lambda has: AVX2, FMA and BMI, or Graviton 2. The machine that
compiles may have more (AVX-512), which would be an illegal instruction in Lambda."""


def main() -> None:
    """Compile the kernels for `TARGET_CPU`, not for this machine's CPU, and print the path."""
    parser = argparse.ArgumentParser(prog="python -m deploy.compile_kernels", description=__doc__)
    parser.add_argument("directory", type=Path, help="where to write the extension")
    directory = parser.parse_args().directory
    # Without names of directories, the extension has the same bytes wherever the project lies.
    paths = sysconfig.get_paths()
    flags = " ".join(f"-g0 -ffile-prefix-map={paths[one]}=" for one in ("purelib", "include"))
    with tempfile.TemporaryDirectory() as scratch:
        # Numba reads these at its import, and `kernels` imports it: import neither before this.
        os.environ |= {
            "NUMBA_CPU_NAME": TARGET_CPU,
            "NUMBA_CPU_FEATURES": "",
            # The usual cache holds kernels that were compiled for this machine.
            "NUMBA_CACHE_DIR": scratch,
            "CFLAGS": flags,
            "CXXFLAGS": flags,
            "LDSHARED": "cc -shared -Wl,--build-id=none",
        }
        print(compile_extension(directory))


def compile_extension(directory: Path) -> Path:
    """Compile the kernels that the decorator `kernels._jit.kernel` registered.

    Parameters
    ----------
    directory : Path
        Where to write. It is created if it does not exist.

    Returns
    -------
    Path
        The extension module.

    Raises
    ------
    RuntimeError
        Numba is loaded already, the JIT is disabled, or an extension is on the path.
    """
    if "numba" in sys.modules:
        raise RuntimeError("Numba has read its settings already: compile in a process of its own")
    with warnings.catch_warnings():
        # Pending deprecation since Numba 0.57, without a replacement so far; the lock pins Numba.
        warnings.filterwarnings("ignore", message="(?s).*pycc.*pending deprecation")
        from numba.pycc import cc as pycc
    from numba.core import ir

    _forget_directories(ir.Loc)
    import kernels  # noqa: F401, registers the kernels
    from kernels._jit import EXTENSION, KERNELS, extension_name

    if not KERNELS:
        raise RuntimeError(f"no kernel was compiled: is {EXTENSION} importable, or the JIT off?")
    compiler: Any = pycc.CC(EXTENSION, source_module=sys.modules[__name__])  # type: ignore[no-untyped-call]
    compiler.target_cpu = TARGET_CPU
    directory.mkdir(parents=True, exist_ok=True)
    compiler.output_dir = str(directory)
    for kernel in KERNELS:
        for variant, signature in enumerate(kernel.nopython_signatures):
            name = extension_name(kernel.py_func, variant)
            compiler.export(name, signature)(_forwarder(name, kernel, len(signature.args)))
    compiler.compile()
    return directory / str(compiler.output_file)


def _forget_directories(location: Any) -> None:
    """Make Numba name files without their directories in the errors that kernels may raise.

    `location` is Numba's class for places in source code. The extension then has the same bytes
    wherever the project lies.
    """
    original = location.__init__

    def init(self: Any, filename: str, *arguments: Any, **named: Any) -> None:
        original(self, Path(filename).name, *arguments, **named)

    location.__init__ = init


def _forwarder(name: str, kernel: Any, argument_count: int) -> Callable[..., Any]:
    """Return a function of the name `name` that does nothing but call a kernel with its arguments.

    If the kernels themselves were exported, pycc would compile them with its own options, and a
    division by zero would raise. A kernel that is called keeps its options; LLVM inlines the call.
    """
    arguments = ", ".join(f"argument_{n}" for n in range(argument_count))
    namespace: dict[str, Any] = {"kernel": kernel}
    exec(f"def {name}({arguments}):\n    return kernel({arguments})", namespace)
    forwarder: Callable[..., Any] = namespace[name]
    return forwarder


if __name__ == "__main__":
    main()
