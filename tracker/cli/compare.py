"""The command ``eye-tracker compare``: what changed between recordings of one person."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.cli.options import prepare_output
from tracker.cli.terminal import EXIT_DONE
from tracker.words import LANGUAGES, format_text

if TYPE_CHECKING:
    from tracker.cli.options import Commands


def add_compare(commands: "Commands") -> None:
    parser = commands.add_parser(
        "compare",
        help="recordings of one person over time: what changed",
        description="Compare recordings of one person, such as visits, or with and without "
        "medication: each measure with its 95 % interval, its change from the first condition, and "
        "whether that is more than two measurements of the same person differ. FILE is a "
        "STEM.summary.json, or a STEM.track.npz, which is analysed with the default parameters. "
        "Several files with one LABEL are repeated recordings of one condition: only they show how "
        "much a person differs from one recording to the next.",
    )
    parser.add_argument("recordings", nargs="+", metavar="[LABEL=]FILE")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE.html|DIR",
        help="also write a page that needs no network (in a DIR: comparison.html)",
    )
    parser.add_argument(
        "--lang",
        choices=LANGUAGES,
        default="en",
        help="language of the page and of what is printed (default: %(default)s)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print only the comparison on stdout, as JSON"
    )
    parser.set_defaults(run=_run_compare)


def _run_compare(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from tracker.files.summary import to_json
    from tracker.files.whole import write_text_whole
    from tracker.study.compare import compare
    from tracker.study.compare_input import label_files, read_recording
    from tracker.study.compare_text import describe_comparison

    try:
        files = label_files(options.recordings)
    except ValueError as error:
        parser.error(str(error))
    page = options.out
    if page is not None and page.suffix.lower() not in (".html", ".htm"):
        page /= "comparison.html"
    if page is not None:
        prepare_output(options, page.parent, parser)
    comparison = compare([read_recording(path, label) for label, path in files])
    if page is not None:
        from tracker.study.compare_page import make_comparison_page

        html = make_comparison_page(comparison, options.lang)
        write_text_whole(page, html)
    if options.json:
        print(to_json(comparison.to_dict()), flush=True)
        return EXIT_DONE
    print(describe_comparison(comparison, options.lang), flush=True)
    if page is not None:
        print(format_text(options.lang, "compare.terminal.written", text=page), flush=True)
    return EXIT_DONE
