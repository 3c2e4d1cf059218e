"""The command line, ``eye-tracker``. Slow imports wait until the arguments are known."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tracker.cli.analyze import add_analyze, add_image
from tracker.cli.compare import add_compare
from tracker.cli.export import add_export
from tracker.cli.lab import add_evaluate, add_profile, add_synth
from tracker.cli.reanalyze import add_reanalyze
from tracker.cli.terminal import EXIT_DONE, EXIT_INTERRUPTED, report_failure
from tracker.version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments without the program's name. Default: those of the process.

    Returns
    -------
    int
        Exit code: 0 done, or nobody reads stdout any more; 3 an input cannot be read; 4 internal
        error; 130 interrupted. Wrong usage raises `SystemExit` with the code 2, and ``--help`` or
        ``--version`` with the code 0.
    """
    if sys.stderr is None:  # closed by the caller
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (for good)
    parser = _build_parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options, parser))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout is gone. Buffered output must not fail at exit, either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_DONE
    except Exception as error:
        return report_failure(error)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="eye-tracker",
        description="Measure vertical gaze range and blinks in videos of a face and assess them "
        "for progressive supranuclear palsy (PSP). Research use, not a diagnosis.",
        epilog="Exit codes: 0 done (also when a recording is not assessable), 2 wrong usage, "
        "3 an input cannot be read, 4 internal error.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add_analyze(commands)
    add_image(commands)
    add_reanalyze(commands)
    add_compare(commands)
    add_export(commands)
    add_evaluate(commands)
    add_profile(commands)
    add_synth(commands)
    return parser
