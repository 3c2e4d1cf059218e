"""How long tests are: `make test` runs the short form of each, `make test-long` the long one."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

Case = TypeVar("Case")

LONG = os.environ.get("TESTS") == "long"
"""Whether this is the long form. Tests with the mark `long` run in it alone."""

FEW = os.environ.get("NUMBA_DISABLE_JIT") == "1" and not LONG
"""Whether the kernels run as plain Python, which takes a hundred times as long: repeat less."""


AGAIN = bool(os.environ.get("KERNELS_AGAIN")) and not LONG
"""Whether the kernels' tests run again, with kernels that are made in another way. They have passed
with all cases already; now each test has one in four."""


def thin(cases: Sequence[Case], every: int) -> Sequence[Case]:
    """Return one of every few cases, the first among them; in the long form, return all."""
    return cases if LONG else cases[::every]


ROOT = Path(__file__).parents[1]

AHEAD = os.environ.get("KERNELS_EXTENSION", "")
"""Where `make test` has compiled the kernels ahead of time; empty if it has not."""


def start_fast() -> dict[str, str]:
    """Return the environment for a process of ours that is to start fast.

    A process that finds the kernels in `AHEAD` loads no Numba, which saves two thirds of its start.
    """
    paths = [AHEAD, str(ROOT)] if AHEAD else [str(ROOT)]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def start_as_installed() -> dict[str, str]:
    """Return the environment for a process that loads Numba, as at the user's."""
    return os.environ | {"PYTHONPATH": str(ROOT)}
