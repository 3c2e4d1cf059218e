"""Command-line options that several commands share, and checks before a command's work begins."""

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.cli.terminal import print_line
from tracker.parameters import Parameters
from tracker.protocol import TASKS, read_protocol
from tracker.words import LANGUAGES, Language

if TYPE_CHECKING:
    from tracker.files.participants import Participant, Participants

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
    """Type of the parser's list of commands. The module of each command adds it to that list."""

BLINK_PARAMETERS = ("blink_thresh", "blink_min_frames", "blink_baseline")
REANALYSIS_PARAMETERS = ("vpp_thresh", *BLINK_PARAMETERS, "task", "protocol")

_PARAMETER_HELP = {
    "step": "analyse every N-th frame",
    "max_frames": "largest number of frames to analyse; its default does not cut a recording, of "
    "which up to 216,000 frames are then analysed",
    "vpp_thresh": "vertical peak-to-peak below which PSP is suspected, in eye widths",
    "blink_thresh": "EAR that closes an eye of nominal openness (EAR 0.24)",
    "blink_min_frames": "shortest blink in frames at 30 frames a second",
    "blink_baseline": "scale blink_thresh to the person's open eye (adaptive) or not (fixed)",
    "task": "what the person was asked to do: up_down says that it was to look up and down as far "
    "as possible, extended that it was the longer task of docs/definitions.md. If it is unknown, "
    "a small range supports nothing",
}


def add_output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="where to write (default: here)"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print only the summaries on stdout, as JSON, one a line",
    )


def add_participants_option(parser: argparse.ArgumentParser, where: str) -> None:
    parser.add_argument(
        "--participants",
        type=Path,
        metavar="FILE",
        help="table of who was recorded: .tsv or .csv with participant_id and, where wanted, "
        f"file, group, visit, date (default: participants.tsv or .csv of a folder of {where})",
    )


def read_participants_option(
    options: argparse.Namespace, folders: Iterable[Path], parser: argparse.ArgumentParser
) -> "Participants | None":
    """Return the table of who was recorded: that of ``--participants``, or the one of `folders`.

    Without the option, the table is a file ``participants.tsv`` or ``.csv`` directly in one of the
    folders; None if there is none. Files among `folders` are passed over. If the table cannot be
    used, or the folders hold several, the program ends with a message (exit code 2).
    """
    from tracker.files.participants import ParticipantsError, find_participants, read_participants

    try:
        path = options.participants or find_participants(filter(Path.is_dir, folders))
        return read_participants(path) if path else None
    except ParticipantsError as error:
        parser.error(f"{error}.")


def report_strangers(names: Sequence[str], participants: Iterable["Participant | None"]) -> None:
    """Print on stderr, in a line for each, which recordings have no known participant.

    `participants` has one entry for each of `names`, the recordings' names: who was recorded, or
    None if the table of participants does not say it.
    """
    for name, person in zip(names, participants, strict=True):
        if person is None:
            print_line(f"note: the table of participants does not say who {name} is")


def add_report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-report",
        dest="report",
        action="store_false",
        help="do not write STEM.report.html, and remove an earlier one",
    )
    parser.add_argument(
        "--pdf",
        action="store_true",
        help="also write STEM.pdf, the report's first page on one sheet of A4, with this machine's "
        "Chromium, Chrome or Edge",
    )
    parser.add_argument(
        "--participant",
        metavar="CODE",
        help="code of the person of the one recording that is named, for the summary and report",
    )
    parser.add_argument(
        "--lang",
        choices=LANGUAGES,
        default="en",
        help="language of reports and of what is printed of a recording (default: %(default)s)",
    )


def add_parameter_options(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    defaults = {field.name: field.default for field in fields(Parameters)}
    for name in names:
        if name == "protocol":
            parser.add_argument(
                "--protocol",
                type=Path,
                metavar="FILE",
                help="JSON: what the person was asked to do and when, "
                '[{"phase": "up", "start_s": 0, "end_s": 10}, …]; '
                "phases up, down, left, right, fixate, rest. Or a BIDS table of events, .tsv "
                "(default: none, see --task)",
            )
            continue
        default = defaults[name]
        choices = {"blink_baseline": ("adaptive", "fixed"), "task": TASKS}.get(name)
        parser.add_argument(
            # The API's spelling with underscores is accepted, too.
            f"--{name.replace('_', '-')}",
            *([f"--{name}"] if "_" in name else []),
            dest=name,
            type=type(default),
            # No default: a step is only kept if the user gave it, so that must be known.
            default=argparse.SUPPRESS if name == "step" else default,
            choices=choices,
            metavar=None if choices else name.rsplit("_", 1)[-1].upper(),
            help=f"{_PARAMETER_HELP[name]} (default: {default})",
        )


def read_parameters(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Parameters:
    given = {field.name for field in fields(Parameters)} & vars(options).keys()
    values = {name: getattr(options, name) for name in given}
    try:
        if path := values.pop("protocol", None):
            values["protocol"] = read_protocol(path)
        return Parameters(**values)
    except (ValueError, TypeError) as error:
        parser.error(str(error))


def prepare_output(
    options: argparse.Namespace, directory: Path, parser: argparse.ArgumentParser
) -> None:
    """Make `directory`, where the output goes, and check that files can be written there.

    If not, the program ends with a message about ``--out`` (exit code 2) now, and not only when its
    work is done.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        parser.error(f"--out {options.out}: cannot be written ({error.strerror}): name another")


def read_participant(
    options: argparse.Namespace, parser: argparse.ArgumentParser
) -> "Participant | None":
    """Return who the option ``--participant`` says was recorded; None if it is empty or not given.

    If the participant's code cannot be used, the program ends with a message (exit code 2).
    """
    from tracker.files.participants import Participant, ParticipantsError, check_participant

    code = (options.participant or "").strip()
    if not code:
        return None
    participant = Participant(code)
    try:
        check_participant(participant)
    except ParticipantsError as error:
        parser.error(f"--participant: {error}.")
    return participant


def pdf_language(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Language | None:
    """Return the language of the PDF, that of ``--lang``; None without the option ``--pdf``.

    If this machine has no browser to make a PDF, the program ends with a message (exit code 2).
    """
    if not options.pdf:
        return None
    from tracker.pages.pdf import PdfError, find_browser

    try:
        find_browser()
    except PdfError as error:
        parser.error(f"--pdf: {error}")
    return options.lang  # type: ignore[no-any-return]


def report_language(options: argparse.Namespace) -> Language | None:
    return options.lang if options.report else None
