"""The command line, ``eye-tracker``. Heavy imports wait until the arguments are known."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tracker import __version__
from tracker.words import LANGUAGES

if TYPE_CHECKING:
    pass
from tracker.cli.analyze import run_analyze, run_image
from tracker.cli.compare import run_compare
from tracker.cli.lab import SYNTH_OPTIONS, run_evaluate, run_profile, run_synth
from tracker.cli.options import (
    BLINK_PARAMETERS,
    REANALYSIS_PARAMETERS,
    add_output_options,
    add_parameter_options,
    add_report_options,
)
from tracker.cli.reanalyze import run_reanalyze
from tracker.cli.terminal import EXIT_DONE, EXIT_INTERRUPTED, report_failure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; the process's by default.

    Returns
    -------
    int
        0 done, 2 wrong usage, 3 an input cannot be read, 4 internal error.
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
        # The reader of stdout went away: what is still buffered must not fail at exit, either.
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

    analyze = commands.add_parser(
        "analyze",
        help="videos, or folders of them, to reports, summaries, tables and tracks",
        description="Analyse videos. Writes STEM.report.html, STEM.summary.json, "
        "STEM.frames.csv, STEM.blinks.csv and STEM.track.npz for each. The videos in a directory "
        "and the directories in it are found by suffix or content; their files go to the same "
        "directories below --out. For a "
        "directory, or more than one video, cohort.html, cohort.csv and cohort.parquet tell of "
        "all of them, and recordings that are finished already (same content, parameters and "
        "program) are kept as they are: run the same command again to go on after an interruption.",
    )
    analyze.add_argument("videos", nargs="+", type=Path, metavar="VIDEO|DIR")
    analyze.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="recordings to analyse at the same time, each on one processor and with about 0.4 GB "
        "of memory (default: as many as there are processors)",
    )
    add_output_options(analyze)
    add_parameter_options(analyze, ("step", "max_frames"))
    add_parameter_options(analyze, REANALYSIS_PARAMETERS)
    add_report_options(analyze)
    analyze.add_argument(
        "--overlay",
        action="store_true",
        help="also write STEM.overlay.mp4, the analysed frames with what was measured drawn in, "
        "without sound and without the video's metadata (takes two to three times as long as the "
        "analysis)",
    )
    analyze.add_argument(
        "--blur-face",
        action="store_true",
        help="in it, show the eyes only: a box around each eye of the analysed face, all else "
        "plain grey in every frame. The eyes themselves, with lids and iris, stay and may identify "
        "a person, and so may the file's name; STEM.track.npz holds the face's points. Needs "
        "--overlay",
    )
    analyze.set_defaults(run=run_analyze)

    image = commands.add_parser(
        "image", help="one picture: eye opening and gaze offset", description="Analyse pictures."
    )
    image.add_argument("images", nargs="+", type=Path, metavar="FILE")
    image.add_argument("--json", action="store_true", help="one JSON document a line on stdout")
    add_parameter_options(image, ("blink_thresh",))
    image.set_defaults(run=run_image)

    reanalyze = commands.add_parser(
        "reanalyze",
        help="tracks again with other parameters, without the videos",
        description="Analyse tracks written by `analyze`, and those in directories and the "
        "directories in them (*.track.npz). Writes STEM.report.html (without pictures of the eyes, "
        "which need the video), STEM.summary.json, STEM.frames.csv and STEM.blinks.csv for each. "
        "With --grid, instead, one table of them all: sweep.csv, or what --out names if that ends "
        "in .csv or .parquet.",
    )
    reanalyze.add_argument("tracks", nargs="+", type=Path, metavar="TRACK.npz|DIR")
    reanalyze.add_argument(
        "--grid",
        action="append",
        metavar="NAME=VALUES",
        help="analyse each track at every combination of these values, a row of the table for "
        "each: NAME=0.04,0.05 or NAME=FIRST:LAST:STEP, once for each of vpp_thresh, blink_thresh, "
        "blink_min_frames, blink_baseline",
    )
    add_output_options(reanalyze)
    add_parameter_options(reanalyze, REANALYSIS_PARAMETERS)
    add_report_options(reanalyze)
    reanalyze.set_defaults(run=run_reanalyze)

    compare = commands.add_parser(
        "compare",
        help="recordings of one person over time: what changed",
        description="Compare recordings of one person, such as visits, or with and without "
        "medication: each measure with its 95 % interval, its change from the first condition, and "
        "whether that is more than measuring twice would give. FILE is a STEM.summary.json, or a "
        "STEM.track.npz, which is analysed anew with the default parameters. Several files with "
        "one LABEL are repeated recordings of one condition: only they tell how much a person "
        "differs from one recording to the next.",
    )
    compare.add_argument("recordings", nargs="+", metavar="[LABEL=]FILE")
    compare.add_argument(
        "--out",
        type=Path,
        metavar="FILE.html|DIR",
        help="also write a page that needs no network; in a DIR as comparison.html",
    )
    compare.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="of that page (default: %(default)s)"
    )
    compare.add_argument(
        "--json", action="store_true", help="the comparison on stdout, and nothing else there"
    )
    compare.set_defaults(run=run_compare)

    evaluate = commands.add_parser(
        "evaluate",
        help="annotated recordings: how well blinks are found",
        description="Compare with annotated recordings in DIR and the directories in it: "
        "STEM.blinks.csv or STEM.tag beside STEM.mp4, or blinks.csv and clips.csv beside all of "
        "them. A detected and an annotated blink match when they overlap, each used once. Draws a "
        "picture of every missed and every false one, and keeps the tracks, so that another run "
        "with other thresholds takes seconds.",
    )
    evaluate.add_argument("directory", type=Path, metavar="DIR")
    evaluate.add_argument(
        "--out",
        type=Path,
        default=Path("evaluation"),
        metavar="DIR",
        help="where to write pictures and tracks (default: %(default)s)",
    )
    evaluate.add_argument(
        "--json", action="store_true", help="the scores on stdout, and nothing else there"
    )
    add_parameter_options(evaluate, ("step", "max_frames", *BLINK_PARAMETERS))
    evaluate.set_defaults(run=run_evaluate)

    profile = commands.add_parser(
        "profile",
        help="where the time of a recording's analysis goes",
        description="Analyse a video and tell where the time went, how near that is to what "
        "decoding and FaceMesh take at the least, what limits it and what would be faster. Writes "
        "STEM.profile.png; the analysis itself is not kept.",
    )
    profile.add_argument("video", type=Path, metavar="VIDEO")
    profile.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="where to write (default: here)"
    )
    profile.add_argument(
        "--json", action="store_true", help="one JSON document on stdout, and nothing else there"
    )
    add_parameter_options(profile, ("step", "max_frames"))
    profile.set_defaults(run=run_profile)

    synth = commands.add_parser(
        "synth",
        help="a synthetic clip whose truth is known",
        description="Make a clip of a real face with drawn eyes that look up and down and blink, "
        "and its truth beside it (STEM.truth.json, STEM.truth.blinks.csv). Without options: the "
        "demo clip.",
    )
    synth.add_argument("clip", type=Path, metavar="OUT.mp4", help=".mp4, .mov, .mkv or .webm")
    for option, kind, text in SYNTH_OPTIONS:
        synth.add_argument(
            f"--{option.replace('_', '-')}", type=kind, metavar=kind.__name__.upper(), help=text
        )
    synth.add_argument("--vfr", action="store_true", default=None, help="variable frame rate")
    synth.set_defaults(run=run_synth)

    return parser
