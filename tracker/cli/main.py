"""The command line, ``eye-tracker``. Heavy imports wait until the arguments are known."""

import argparse
import functools
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tracker import __version__
from tracker.parameters import Parameters
from tracker.protocol import read_protocol
from tracker.words.en import LANGUAGES, Language

if TYPE_CHECKING:
    from tracker.study.cohort import Outcome
    from tracker.study.folders import Findings, TrackFile
    from tracker.study.recording import Failure, Outputs, Recording

EXIT_DONE, EXIT_USAGE, EXIT_INPUT, EXIT_INTERNAL = 0, 2, 3, 4
EXIT_INTERRUPTED = 130

T = TypeVar("T")


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
        return _report_failure(error)


def _report_failure(error: Exception) -> int:
    """Say in one line on stderr what went wrong; return the exit code."""
    from tracker.study.recording import explain_failure

    return _print_failure(explain_failure(error))


def _print_failure(failure: "Failure") -> int:
    kind = "internal error" if failure.code == "internal_error" else "error"
    _print_line(f"{kind}: {failure.message}")
    return EXIT_INPUT if failure.is_input else EXIT_INTERNAL


def _print_line(text: str) -> None:
    """Print to stderr, in one line: a file's name may hold a line break."""
    from tracker.files.names import printable

    print(printable(" ".join(text.splitlines())), file=sys.stderr, flush=True)


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
    _add_output_options(analyze)
    _add_parameter_options(analyze, ("step", "max_frames"))
    _add_parameter_options(analyze, _REANALYSIS_PARAMETERS)
    _add_report_options(analyze)
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
    analyze.set_defaults(run=_run_analyze)

    image = commands.add_parser(
        "image", help="one picture: eye opening and gaze offset", description="Analyse pictures."
    )
    image.add_argument("images", nargs="+", type=Path, metavar="FILE")
    image.add_argument("--json", action="store_true", help="one JSON document a line on stdout")
    _add_parameter_options(image, ("blink_thresh",))
    image.set_defaults(run=_run_image)

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
    _add_output_options(reanalyze)
    _add_parameter_options(reanalyze, _REANALYSIS_PARAMETERS)
    _add_report_options(reanalyze)
    reanalyze.set_defaults(run=_run_reanalyze)

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
    compare.set_defaults(run=_run_compare)

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
    _add_parameter_options(evaluate, ("step", "max_frames", *_BLINK_PARAMETERS))
    evaluate.set_defaults(run=_run_evaluate)

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
    _add_parameter_options(profile, ("step", "max_frames"))
    profile.set_defaults(run=_run_profile)

    synth = commands.add_parser(
        "synth",
        help="a synthetic clip whose truth is known",
        description="Make a clip of a real face with drawn eyes that look up and down and blink, "
        "and its truth beside it (STEM.truth.json, STEM.truth.blinks.csv). Without options: the "
        "demo clip.",
    )
    synth.add_argument("clip", type=Path, metavar="OUT.mp4", help=".mp4, .mov, .mkv or .webm")
    for option, kind, text in _SYNTH_OPTIONS:
        synth.add_argument(
            f"--{option.replace('_', '-')}", type=kind, metavar=kind.__name__.upper(), help=text
        )
    synth.add_argument("--vfr", action="store_true", default=None, help="variable frame rate")
    synth.set_defaults(run=_run_synth)

    return parser


_SYNTH_OPTIONS: tuple[tuple[str, type, str], ...] = (
    ("duration_s", float, "length in seconds"),
    ("fps", float, "frames a second"),
    ("width", int, "of the picture in pixels"),
    ("height", int, "of the picture in pixels"),
    ("blinks_per_min", float, "blinks a minute, at random times"),
    ("gaze_amplitude", float, "how far the eyes look up and down, in eye widths"),
    ("roll_deg", float, "head roll in degrees, clockwise"),
    ("zoom", float, "1 = the face fills 60 %% of the picture's shorter side"),
    ("noise_std", float, "standard deviation of the noise in grey levels"),
    ("blur_sigma_px", float, "Gaussian blur in pixels"),
    ("codec", str, "h264, hevc, vp9, av1 or mpeg4"),
    ("seed", int, "of everything random"),
)
_BLINK_PARAMETERS = ("blink_thresh", "blink_min_frames", "blink_baseline")
_REANALYSIS_PARAMETERS = ("vpp_thresh", *_BLINK_PARAMETERS, "protocol")
_PARAMETER_HELP = {
    "step": "analyse every N-th frame",
    "max_frames": "most frames to analyse",
    "vpp_thresh": "vertical peak-to-peak below which PSP is suspected, in eye widths",
    "blink_thresh": "EAR that closes an eye of nominal openness (EAR 0.24)",
    "blink_min_frames": "shortest blink in frames at 30 frames a second",
    "blink_baseline": "scale blink_thresh with the person's open eye (adaptive) or not (fixed)",
}


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="where to write (default: here)"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="the summary documents on stdout, one a line, and nothing else there",
    )


def _add_report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-report",
        dest="report",
        action="store_false",
        help="do not write STEM.report.html, and remove an earlier one",
    )
    parser.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="of the report (default: %(default)s)"
    )


def _add_parameter_options(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    defaults = {field.name: field.default for field in fields(Parameters)}
    for name in names:
        if name == "protocol":
            parser.add_argument(
                "--protocol",
                type=Path,
                metavar="FILE",
                help='JSON: what was asked for and when, [{"phase": "up", "start_s": 0, "end_s": '
                "10}, …]; phases up, down, left, right, fixate, rest (default: up, then down)",
            )
            continue
        default = defaults[name]
        choices = ("adaptive", "fixed") if name == "blink_baseline" else None
        parser.add_argument(
            # The API's names are accepted as they are, too.
            f"--{name.replace('_', '-')}",
            *([f"--{name}"] if "_" in name else []),
            dest=name,
            type=type(default),
            default=default,
            choices=choices,
            metavar=None if choices else name.rsplit("_", 1)[-1].upper(),
            help=f"{_PARAMETER_HELP[name]} (default: %(default)s)",
        )


def _parameters(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Parameters:
    given = {field.name for field in fields(Parameters)} & vars(options).keys()
    values = {name: getattr(options, name) for name in given}
    try:
        if path := values.pop("protocol", None):
            values["protocol"] = read_protocol(path)
        return Parameters(**values)
    except (ValueError, TypeError) as error:
        parser.error(str(error))


def _prepare_output(
    options: argparse.Namespace, directory: Path, parser: argparse.ArgumentParser
) -> None:
    """Refuse before the work what would fail after it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        parser.error(f"--out {options.out}: cannot be written ({error.strerror}): name another")


def _run_analyze(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    parameters = _parameters(options, parser)
    if options.workers is not None and options.workers < 1:
        parser.error(f"--workers is {options.workers}, expected 1 or more")
    outputs = _outputs(options, parser)

    from tracker.study.folders import find_recordings

    try:
        findings = find_recordings(options.videos, options.out)
    except ValueError as error:
        parser.error(str(error))
    _prepare_output(options, options.out, parser)
    if len(options.videos) > 1 or options.videos[0].is_dir():
        return _analyze_cohort(options, parameters, outputs, findings)

    from tracker.face.mesh import FaceMesh
    from tracker.study.recording import analyze_recording

    mesh = FaceMesh()

    def analyze(recording: "Recording") -> None:
        with _Progress(recording.video.name) as progress:
            result = analyze_recording(
                recording, parameters, outputs, lambda: mesh, progress.update
            )
        _print_result(options, recording.name, result.summary, result.files.values())

    return _for_each(findings.recordings, analyze)


def _outputs(options: argparse.Namespace, parser: argparse.ArgumentParser) -> "Outputs":
    """Return what is to be written beside the files that always are."""
    from tracker.study.recording import Outputs

    if options.blur_face and not options.overlay:
        parser.error("--blur-face is of the annotated copy: add --overlay")
    return Outputs(
        overlay=options.overlay, blur_face=options.blur_face, report=_report_language(options)
    )


def _report_language(options: argparse.Namespace) -> Language | None:
    return options.lang if options.report else None


def _analyze_cohort(
    options: argparse.Namespace, parameters: Parameters, outputs: "Outputs", findings: "Findings"
) -> int:
    from tracker.study.progress import CohortProgress
    from tracker.study.workers import analyze_recordings, default_workers

    for note in findings.notes:
        _print_line(f"note: {note}")
    for problem in findings.problems:
        _print_line(f"error: {problem}")
    code = EXIT_INPUT if findings.problems else EXIT_DONE
    recordings = findings.recordings
    if not recordings:
        _print_line("error: no videos found. Name a directory with videos in it.")
        return EXIT_INPUT
    workers = options.workers or default_workers()
    outcomes: dict[int, Outcome] = {}
    with (
        CohortProgress(recordings) as progress,
        closing(
            analyze_recordings(recordings, parameters, outputs, workers, progress.update)
        ) as answers,
    ):
        told = 0
        for index, outcome in answers:
            outcomes[index] = outcome
            progress.finish(index, outcome)
            # In the recordings' order, whichever is done first.
            while told in outcomes:
                with progress.aside():
                    code = max(code, _print_outcome(options, recordings[told], outcomes[told]))
                told += 1

    # Only now: the workers were not kept waiting for it.
    from tracker.study.cohort import cohort_rows, describe_cohort, write_cohort
    from tracker.study.cohort_page import write_cohort_page

    ordered = [outcomes[index] for index in range(len(recordings))]
    rows = cohort_rows(recordings, ordered, options.out)
    notes = [*findings.problems, *findings.notes]
    written = [
        *write_cohort(rows, options.out),
        write_cohort_page(rows, ordered, notes, options.out, options.lang),
    ]
    if not options.json:
        print(describe_cohort(rows), flush=True)
        print("  written     " + " ".join(map(str, written)), flush=True)
    return code


def _print_outcome(options: argparse.Namespace, recording: "Recording", outcome: "Outcome") -> int:
    from tracker.study.recording import Failure

    if isinstance(outcome, Failure):
        # Of several, the file's name alone may not tell which.
        message = f"{recording.name}: {outcome.message_alone(recording)}"
        return _print_failure(replace(outcome, message=message))
    _print_result(options, recording.name, outcome.summary, outcome.files.values())
    return EXIT_DONE


def _run_reanalyze(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    parameters = _parameters(options, parser)

    from tracker.study.folders import find_tracks

    try:
        tracks, problems = find_tracks(options.tracks, options.out)
    except ValueError as error:
        parser.error(str(error))
    if options.grid:
        return _sweep(options, parser, parameters, [track.path for track in tracks], problems)
    _prepare_output(options, options.out, parser)
    code = _report_search(bool(tracks), problems)

    from tracker.files.summary import summarize, write_analysis
    from tracker.measures.analysis import analyze_track
    from tracker.measures.assessment import assess
    from tracker.pages.overlay import remove_overlay
    from tracker.pages.report import remove_report, write_report
    from tracker.tracks.archive import load_track

    def reanalyze(file: "TrackFile") -> None:
        track = load_track(file.path)
        protocol = parameters.protocol or track.info.protocol
        analysis = analyze_track(track, replace(parameters, protocol=protocol))
        assessment = assess(analysis)
        summary = summarize(analysis, assessment, file.path.name)
        file.directory.mkdir(parents=True, exist_ok=True)
        place = (file.directory, file.stem)
        remove_report(*place)
        remove_overlay(*place)
        written = []
        if language := _report_language(options):
            written = [write_report(*place, analysis, assessment, summary, None, language)]
        written = write_analysis(*place, analysis, summary) + written
        _print_result(options, file.path.name, summary, written)

    return max(code, _for_each(tracks, reanalyze))


def _report_search(found: bool, problems: list[str]) -> int:
    for problem in problems:
        _print_line(f"error: {problem}")
    if not found:
        _print_line("error: no tracks found. Name a directory with *.track.npz of `analyze` in it.")
    return EXIT_DONE if found and not problems else EXIT_INPUT


def _sweep(
    options: argparse.Namespace,
    parser: argparse.ArgumentParser,
    parameters: Parameters,
    paths: list[Path],
    problems: list[str],
) -> int:
    from tracker.study.sweep import describe_sweep, parse_grid, sweep_tracks

    try:
        grid = parse_grid(options.grid)
    except (ValueError, TypeError) as error:
        parser.error(str(error))
    if options.json:
        parser.error("--json: with --grid, the table is what programs read")
    is_file = options.out.suffix in (".csv", ".parquet")
    table = options.out if is_file else options.out / "sweep.csv"
    options.out = table.parent
    _prepare_output(options, options.out, parser)
    codes = [_report_search(bool(paths), problems)]
    if not paths:
        return codes[0]
    with _Progress("sweep", " tracks") as progress:
        statuses = sweep_tracks(
            paths,
            parameters,
            grid,
            table,
            progress.update,
            lambda error: codes.append(_report_failure(error)),
        )
    print(describe_sweep(statuses, grid), flush=True)
    print(f"  written     {table}", flush=True)
    return max(codes)


def _run_image(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    parameters = _parameters(options, parser)

    from tracker.face.mesh import FaceMesh
    from tracker.files.summary import to_json
    from tracker.measures.still import analyze_image
    from tracker.video.stills import read_image

    mesh = FaceMesh()

    def analyze(path: Path) -> None:
        result = analyze_image(read_image(path), mesh, parameters.blink_thresh)
        if options.json:
            print(to_json({"source": path.name, **result}), flush=True)
        elif not result["detected"]:
            print(
                f"{path.name}: no face found. Take the picture with the whole face in it, "
                "in light from the front."
            )
        else:
            print(
                f"{path.name}: eye opening (EAR) {result['eye_open']:.3f}, "
                f"gaze offset vertical {result['v_offset']:+.3f} (down is +), "
                f"horizontal {result['h_offset']:+.3f} (subject's left is +), "
                f"blink {result['blink_prob']:.2f}, faces {result['faces']}"
            )

    return _for_each(options.images, analyze)


def _run_compare(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
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
        _prepare_output(options, page.parent, parser)
    comparison = compare([read_recording(path, label) for label, path in files])
    if page is not None:
        from tracker.study.compare_page import make_comparison_page

        text = make_comparison_page(comparison, options.lang)
        write_whole(page, lambda path: path.write_text(text, encoding="utf-8", newline=""))
    print(to_json(comparison) if options.json else describe_comparison(comparison), flush=True)
    if page is not None and not options.json:
        print(f"written {page}", flush=True)
    return EXIT_DONE


def _run_evaluate(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    parameters = _parameters(options, parser)

    from tracker.face.mesh import FaceMesh
    from tracker.files.summary import to_json
    from tracker.lab.annotations import find_annotations
    from tracker.lab.evaluate import describe_evaluation, document_evaluation, load_or_make_track
    from tracker.lab.pictures import (
        PictureSetupError,
        check_pictures_can_be_drawn,
        draw_mistakes,
        remove_pictures,
    )
    from tracker.lab.scoring import score_clip
    from tracker.measures.analysis import analyze_track
    from tracker.video.container import InputError

    try:
        check_pictures_can_be_drawn()
        clips, errors = find_annotations(options.directory)
    except (PictureSetupError, InputError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    _prepare_output(options, options.out, parser)
    remove_pictures(options.out)

    # The models are loaded with the first recording that has no track yet.
    make_finder = functools.cache(FaceMesh)
    failures = [str(error) for error in errors]
    scored = []
    for clip in clips:
        try:
            with _Progress(clip.name) as progress:
                track = load_or_make_track(
                    clip.video, parameters, options.out / "tracks", make_finder, progress.update
                )
            analysis = analyze_track(track, parameters)
            score = score_clip(clip, analysis)
            scored.append((score, draw_mistakes(score, analysis, options.out)))
        except InputError as error:
            failures.append(str(error))
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    document = document_evaluation(scored, failures, parameters)
    print(to_json(document) if options.json else describe_evaluation(document), flush=True)
    return EXIT_INPUT if failures else EXIT_DONE


def _run_profile(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    parameters = _parameters(options, parser)
    _prepare_output(options, options.out, parser)

    from tracker.files.summary import to_json
    from tracker.files.whole import write_whole
    from tracker.lab.pictures import PictureSetupError, check_pictures_can_be_drawn
    from tracker.lab.profile import draw_profile, profile_video

    try:
        check_pictures_can_be_drawn()
    except PictureSetupError as error:
        _print_line(f"error: {error}")
        return EXIT_INPUT
    with _Progress(options.video.name) as progress:
        profile = profile_video(options.video, parameters, progress.update)
    path = write_whole(
        options.out / f"{options.video.stem}.profile.png",
        lambda partial: draw_profile(profile, partial),
    )
    if options.json:
        print(to_json(profile.document()), flush=True)
    else:
        print(f"{profile.describe()}\n  written {path}", flush=True)
    return EXIT_DONE


def _run_synth(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    # A development tool of the benchmarks, which analyses never need.
    from tracker.lab.clip_spec import SyntheticSetupError, demo_spec, make_spec
    from tracker.lab.synthetic import write_clip

    names = [name for name, _, _ in _SYNTH_OPTIONS] + ["vfr"]
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    try:
        spec = make_spec(**given) if given else demo_spec()
        options.clip.parent.mkdir(parents=True, exist_ok=True)
        # The clip appears last, when it is whole and its truth is there.
        with (
            tempfile.TemporaryDirectory(dir=options.clip.parent) as folder,
            _Progress(options.clip.name) as progress,
        ):
            partial = Path(folder) / options.clip.name
            write_clip(partial, spec, on_progress=progress.update)
            for path in sorted(Path(folder).iterdir(), key=lambda path: path == partial):
                path.replace(options.clip.with_name(path.name))
    except ValueError as error:
        parser.error(str(error))
    except SyntheticSetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    print(f"written {options.clip}")
    return EXIT_DONE


def _for_each(inputs: Iterable[T], process: Callable[[T], None]) -> int:
    """Process each input; one that fails is reported and does not stop the rest."""
    code = EXIT_DONE
    for one in inputs:
        try:
            process(one)
        except BrokenPipeError:
            raise
        except Exception as error:
            code = max(code, _report_failure(error))
    return code


def _print_result(
    options: argparse.Namespace, name: str, summary: dict[str, Any], written: Iterable[Path]
) -> None:
    """Say what came out and where it is, to a program or to a person."""
    from tracker.files.names import printable
    from tracker.files.summary import describe_summary, to_json

    if options.json:
        print(to_json(summary), flush=True)
    else:
        print(describe_summary(summary, name), flush=True)
        print("  written     " + " ".join(map(printable, written)), flush=True)


class _Progress:
    """A progress bar on stderr if that is a terminal, nothing otherwise."""

    def __init__(self, name: str, unit: str = " frames") -> None:
        from tqdm import tqdm

        self._bar = tqdm(desc=name, unit=unit, disable=None, leave=False)

    def update(self, done: int, expected: int) -> None:
        """Show that `done` of `expected` (0 = unknown) are done."""
        self._bar.total = max(done, expected) if expected else None
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.close()
