"""``python -m kernels.warmup``: compile every kernel into the on-disk cache.

Importing `kernels` compiles every kernel that the cache does not hold yet (see `kernels._jit`).
This is run at installation, so that no analysis has to wait for it.
"""

from kernels import _jit


def main() -> None:
    """Print how many kernels were compiled, how many were loaded from the cache, and where it is.

    The compiling itself is over when this runs: importing `kernels` does it.
    """
    compiled = sum(sum(kernel.stats.cache_misses.values()) for kernel in _jit.KERNELS)
    loaded = sum(sum(kernel.stats.cache_hits.values()) for kernel in _jit.KERNELS)
    directories = {kernel.stats.cache_path for kernel in _jit.KERNELS}
    print(f"{compiled} kernels compiled, {loaded} loaded from {', '.join(sorted(directories))}")


if __name__ == "__main__":
    main()
