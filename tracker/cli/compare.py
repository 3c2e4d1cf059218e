"""``eye-tracker compare``."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
from tracker.cli.options import prepare_output
from tracker.cli.terminal import EXIT_DONE


def run_compare(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from tracker.files.summary import to_json
    from tracker.files.whole import write_whole
    from tracker.study.compare import compare, describe_comparison, label_files, read_recording

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

        text = make_comparison_page(comparison, options.lang)
        write_whole(page, lambda path: path.write_text(text, encoding="utf-8", newline=""))
    print(to_json(comparison) if options.json else describe_comparison(comparison), flush=True)
    if page is not None and not options.json:
        print(f"written {page}", flush=True)
    return EXIT_DONE
