"""What the commands print, and their exit codes."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from tracker.files.fields import Summary
    from tracker.study.recording import Failure

EXIT_DONE, EXIT_USAGE, EXIT_INPUT, EXIT_INTERNAL = 0, 2, 3, 4
EXIT_INTERRUPTED = 130

T = TypeVar("T")


def report_failure(error: Exception) -> int:
    """Print on stderr, in one line, what went wrong; return the exit code for it.

    The code is 3 if an input is to blame (`InputError`), else 4.
    """
    from tracker.study.recording import explain_failure

    return print_failure(explain_failure(error))


def print_failure(failure: "Failure") -> int:
    kind = "internal error" if failure.code == "internal_error" else "error"
    print_line(f"{kind}: {failure.message}")
    return EXIT_INPUT if failure.is_input else EXIT_INTERNAL


def print_line(text: str) -> None:
    """Print a text to stderr as one line, even if it contains line breaks, as a file's name may.

    Control characters, which could change the terminal, are replaced by a visible mark.
    """
    from tracker.files.names import printable

    print(printable(" ".join(text.splitlines())), file=sys.stderr, flush=True)


def for_each(inputs: Iterable[T], process: Callable[[T], None]) -> int:
    """Call `process` with each input. Return 0, or the highest exit code of a failure, 3 or 4.

    An input for which it raises an exception is reported on stderr and does not stop the rest. But
    `BrokenPipeError`, if nobody reads stdout any more, and `KeyboardInterrupt` stop it at once.
    """
    code = EXIT_DONE
    for one in inputs:
        try:
            process(one)
        except BrokenPipeError:
            raise
        except Exception as error:
            code = max(code, report_failure(error))
    return code


def print_result(
    options: argparse.Namespace, name: str, summary: "Summary", written: Iterable[Path]
) -> None:
    """Print a result on stdout: its JSON with the option ``--json``, else a text.

    The text names the recording by `name`, the video's or the track's name, and lists `written`,
    the files of the result. The JSON is the whole summary, in one line.
    """
    from tracker.files.names import printable
    from tracker.files.summary import describe_summary, to_json
    from tracker.words import format_text

    if options.json:
        print(to_json(summary.to_dict()), flush=True)
    else:
        print(describe_summary(summary, name, options.lang), flush=True)
        files = " ".join(map(printable, written))
        print(format_text(options.lang, "terminal.written", files=files), flush=True)


class Progress:
    """A progress bar on stderr, for a ``with`` statement. It is only shown if stderr is a terminal.

    `name` stands before the bar. `unit` follows the rate, and the count if the total is not known;
    it begins with a space, as in ``" frames"``.
    """

    def __init__(self, name: str, unit: str = " frames") -> None:
        from tqdm import tqdm

        self._bar = tqdm(desc=name, unit=unit, disable=None, leave=False)

    def update(self, done: int, expected: int) -> None:
        """Show that `done` of `expected` frames, or other units, are done.

        `expected` is 0 if it is not known.
        """
        self._bar.total = max(done, expected) if expected else None
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.close()
