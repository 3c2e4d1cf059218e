"""The command ``eye-tracker export``: results in the formats of other programs."""

import argparse
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.cli.options import (
    add_participants_option,
    prepare_output,
    read_participants_option,
    report_strangers,
)
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
        "STEM.summary.json, STEM.frames.csv, STEM.blinks.csv and STEM.saccades.csv; nothing is "
        "measured anew. bids: a data set with eye tracking (BIDS 1.11). fhir: a bundle for each "
        "recording, NAME.fhir.json (FHIR R4B). excel: results.xlsx with a sheet for each table. "
        "ndjson: recordings, blinks, saccades and frames, an object a line.",
    )
    parser.add_argument("results", nargs="+", type=Path, metavar="DIR|STEM.summary.json")
    parser.add_argument("--format", required=True, choices=FORMATS, help="the format")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where to write the files"
    )
    add_participants_option(parser, "results")
    parser.set_defaults(run=_run_export)


def _run_export(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from tracker.exports.recordings import find_results
    from tracker.files.names import printable
    from tracker.files.participants import NOBODY

    participants = read_participants_option(options, options.results, parser)
    if options.format == "excel" and importlib.util.find_spec("xlsxwriter") is None:
        parser.error("XlsxWriter, which writes workbooks, is missing: pip install xlsxwriter")
    prepare_output(options, options.out, parser)
    recordings: list[ExportedRecording] = []
    code = EXIT_DONE
    for one in find_results(options.results, participants or NOBODY):
        if isinstance(one, Exception):
            code = max(code, report_failure(one))
        else:
            recordings.append(one)
    if not recordings:
        print_line("error: no results found. Name a folder into which `analyze` has written.")
        return max(code, EXIT_INPUT)
    for path in _export(options.format, recordings, options.out):
        print(printable(path), flush=True)
    if participants is not None:
        report_strangers([one.name for one in recordings], [one.participant for one in recordings])
    elif len(recordings) > 1 and not all(one.participant for one in recordings):
        print_line(
            "note: without a participant in its summary or in a table, each recording counts as "
            "another person; name a table with --participants FILE"
        )
    return code


def _export(name: str, recordings: "list[ExportedRecording]", out: Path) -> list[Path]:
    """Write the files of format `name`, one of `FORMATS`, to the folder `out`; return their paths.

    Files of the same names are replaced; ``bids`` refuses a folder that holds a data set. Only the
    format's own module is loaded, because some need packages that may be missing.
    """
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
