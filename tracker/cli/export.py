"""``eye-tracker export``: results in the formats of other programs."""

import argparse
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.cli.options import prepare_output
from tracker.cli.terminal import EXIT_DONE, EXIT_INPUT, print_line, report_failure

if TYPE_CHECKING:
    from tracker.cli.options import Commands
    from tracker.exports.recordings import ExportedRecording

FORMATS = ("bids", "excel", "fhir", "ndjson")


def add_export(commands: "Commands") -> None:
    parser = commands.add_parser(
        "export",
        help="write results as BIDS, FHIR, Excel or NDJSON",
        description="Write the results of `analyze` in the format of other programs. Reads "
        "STEM.summary.json, STEM.frames.csv and STEM.blinks.csv; nothing is measured anew. bids: "
        "a data set with eye tracking (BIDS 1.11). fhir: a bundle for each recording, "
        "NAME.fhir.json (FHIR R4B). excel: results.xlsx with a sheet for each table. ndjson: "
        "recordings, blinks and frames, an object a line.",
    )
    parser.add_argument("results", nargs="+", type=Path, metavar="DIR|STEM.summary.json")
    parser.add_argument("--format", required=True, choices=FORMATS, help="the format")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where to write the files"
    )
    parser.add_argument(
        "--participants",
        type=Path,
        metavar="FILE",
        help="table of who was recorded: .tsv or .csv with participant_id and, where wanted, "
        "file, group, visit, date (default: participants.tsv or .csv of a folder of results)",
    )
    parser.set_defaults(run=_run_export)


def _run_export(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from tracker.exports.recordings import find_results
    from tracker.files.participants import (
        NOBODY,
        ParticipantsError,
        find_participants,
        read_participants,
    )

    try:
        table = options.participants or find_participants(filter(Path.is_dir, options.results))
        participants = read_participants(table) if table else NOBODY
    except ParticipantsError as error:
        parser.error(f"{error}.")
    if options.format == "excel" and importlib.util.find_spec("xlsxwriter") is None:
        parser.error("XlsxWriter, which writes workbooks, is missing: pip install xlsxwriter")
    prepare_output(options, options.out, parser)
    recordings: list[ExportedRecording] = []
    code = EXIT_DONE
    for one in find_results(options.results, participants):
        if isinstance(one, Exception):
            code = max(code, report_failure(one))
        else:
            recordings.append(one)
    if not recordings:
        print_line("error: no results found. Name a folder into which `analyze` has written.")
        return max(code, EXIT_INPUT)
    for path in _export(options.format, recordings, options.out):
        print(path, flush=True)
    if table:
        _report_unknown(recordings, table)
    return code


def _export(name: str, recordings: "list[ExportedRecording]", out: Path) -> list[Path]:
    """Write the files of a format, and return them. Only the format's own module is loaded."""
    if name == "bids":
        from tracker.exports.bids import export_bids

        return export_bids(recordings, out)
    if name == "excel":
        from tracker.exports.excel import export_excel

        return export_excel(recordings, out)
    if name == "fhir":
        from tracker.exports.fhir import export_fhir

        return export_fhir(recordings, out)
    from tracker.exports.ndjson import export_ndjson

    return export_ndjson(recordings, out)


def _report_unknown(recordings: "list[ExportedRecording]", table: Path) -> None:
    """Tell which recordings the table of participants does not know."""
    for one in recordings:
        if one.participant is None:
            print_line(f"note: {table} does not say who {one.name} is")
