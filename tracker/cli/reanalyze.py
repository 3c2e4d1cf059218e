"""The command ``eye-tracker reanalyze``: measure saved tracks again, with other parameters.

With ``--grid``, this is done at every combination of several values.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.cli.options import (
    REANALYSIS_PARAMETERS,
    add_output_options,
    add_parameter_options,
    add_participants_option,
    add_report_options,
    pdf_language,
    prepare_output,
    read_parameters,
    read_participant,
    read_participants_option,
    report_language,
)
from tracker.cli.terminal import (
    EXIT_DONE,
    EXIT_INPUT,
    Progress,
    for_each,
    print_line,
    print_result,
    report_failure,
)
from tracker.parameters import Parameters

if TYPE_CHECKING:
    from tracker.cli.options import Commands
    from tracker.files.participants import Participant
    from tracker.study.folders import FoundTracks, TrackFile


def add_reanalyze(commands: "Commands") -> None:
    parser = commands.add_parser(
        "reanalyze",
        help="analyse tracks again with other parameters, without the videos",
        description="Analyse tracks written by `analyze`, and those in directories and the "
        "directories in them (*.track.npz). Writes STEM.report.html (without pictures of the eyes, "
        "which need the video), STEM.summary.json, STEM.frames.csv, STEM.blinks.csv and "
        "STEM.saccades.csv for each. What a person corrected counts again: "
        "STEM.corrections.json beside the track or in --out. "
        "With --grid, writes one table for all tracks instead: sweep.csv, or the file that --out "
        "names if that ends in .csv or .parquet.",
    )
    parser.add_argument("tracks", nargs="+", type=Path, metavar="TRACK.npz|DIR")
    parser.add_argument(
        "--grid",
        action="append",
        metavar="NAME=VALUES",
        help="analyse each track at every combination of these values, a row of the table for "
        "each: NAME=0.04,0.05 or NAME=FIRST:LAST:STEP, once for each of vpp_thresh, blink_thresh, "
        "blink_min_frames, blink_baseline",
    )
    add_participants_option(parser, "tracks")
    parser.add_argument(
        "--corrections",
        type=Path,
        metavar="FILE",
        help="STEM.corrections.json, saved in a report: what a person corrected there goes before "
        "what is detected. Copied to --out, where later analyses find it. Also writes "
        "STEM.blinks.auto.csv, the events before the corrections",
    )
    add_output_options(parser)
    add_parameter_options(parser, REANALYSIS_PARAMETERS)
    add_report_options(parser)
    parser.set_defaults(run=_run_reanalyze)


def _run_reanalyze(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    parameters = read_parameters(options, parser)
    if options.grid and (options.pdf or options.participant):
        parser.error("--grid writes a table and no reports: leave out --pdf and --participant")
    person, pdf = read_participant(options, parser), pdf_language(options, parser)

    from tracker.study.folders import find_tracks

    try:
        # With --grid, the tracks have a table, but no files of their own.
        found = find_tracks(options.tracks, None if options.grid else options.out)
    except ValueError as error:
        parser.error(str(error))
    tracks = found.tracks
    if options.corrections and (options.grid or len(tracks) + len(found.problems) != 1):
        parser.error("--corrections: name the one track that they belong to, without --grid")
    if options.grid:
        return _sweep(options, parser, parameters, found)
    if options.participant and len(tracks) != 1:
        parser.error("--participant is for a single track: use --participants for a folder")
    prepare_output(options, options.out, parser)
    code = _report_search(found)
    from tracker.files.participants import NOBODY

    participants = read_participants_option(options, options.tracks, parser) or NOBODY

    from tracker.files.corrections import read_beside, read_corrections
    from tracker.pipeline import measure_track
    from tracker.result import write_files
    from tracker.tracks.archive import load_track

    def reanalyze(file: "TrackFile") -> None:
        corrections = (
            read_corrections(options.corrections)
            if options.corrections
            else read_beside(file.own_stem, file.path.parent)
            or read_beside(file.stem, file.directory)
        )
        known = participants.find(file.name, directory=file.path.parent)
        result = measure_track(
            load_track(file.path),
            parameters,
            file.path.name,
            corrections=corrections,
            participant=person or known or _read_person(file),
        )
        written = write_files(
            result, file.directory, file.stem, report_language(options), pdf=pdf, with_track=False
        )
        print_result(options, file.path.name, result.summary, written.values())

    return max(code, for_each(tracks, reanalyze))


def _read_person(file: "TrackFile") -> "Participant | None":
    """Return who was recorded, as the summary beside the track says.

    None if there is no summary, or it does not say it or cannot be used.
    """
    from tracker.files.documents import SummaryFormatError, load_summary
    from tracker.files.names import result_path
    from tracker.files.participants import ParticipantsError, read_participant_of

    try:
        path = result_path(file.path.parent, file.own_stem, "summary")
        return read_participant_of(load_summary(path, ["participant.participant_id"]))
    except (SummaryFormatError, ParticipantsError):
        return None


def _report_search(found: "FoundTracks") -> int:
    for note in found.notes:
        print_line(f"note: {note}")
    for problem in found.problems:
        print_line(f"error: {problem}")
    if not found.tracks:
        print_line("error: no tracks found. Name a directory with *.track.npz of `analyze` in it.")
    return EXIT_DONE if found.tracks and not found.problems else EXIT_INPUT


def _sweep(
    options: argparse.Namespace,
    parser: argparse.ArgumentParser,
    parameters: Parameters,
    found: "FoundTracks",
) -> int:
    from tracker.files.columns import explain_missing_parquet
    from tracker.study.sweep import describe_sweep, parse_grid, sweep_tracks

    try:
        grid = parse_grid(options.grid)
    except (ValueError, TypeError) as error:
        parser.error(str(error))
    if options.json:
        parser.error("--json: with --grid, the table is what programs read")
    is_file = options.out.suffix in (".csv", ".parquet")
    table = options.out if is_file else options.out / "sweep.csv"
    if table.suffix == ".parquet" and (missing := explain_missing_parquet()):
        parser.error(f"--out: {missing}. Or write a .csv")
    options.out = table.parent
    prepare_output(options, options.out, parser)
    codes = [_report_search(found)]
    if not found.tracks:
        return codes[0]
    with Progress("sweep", " tracks") as progress:
        statuses = sweep_tracks(
            [track.path for track in found.tracks],
            parameters,
            grid,
            table,
            progress.update,
            lambda error: codes.append(report_failure(error)),
        )
    print(describe_sweep(statuses, grid), flush=True)
    print(f"  written     {table}", flush=True)
    return max(codes)
