"""Silence for libraries that print to stderr and have no setting against it."""

import contextlib
import os
import threading
from collections.abc import Iterator

_ONE_AT_A_TIME = threading.Lock()
"""Of two at once, the second would save the first one's silence as stderr, and restore it."""


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard what is written to stderr in the ``with`` block, by C code and by other threads too.

    A second thread that enters such a block waits until the first has left its own.
    """
    with _ONE_AT_A_TIME:
        try:
            kept = os.dup(2)
        except OSError:  # The program has no stderr.
            yield
            return
        nothing = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nothing, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nothing)
