"""The commands ``eye-tracker analyze``, for videos, and ``image``, for still pictures."""

import argparse
from collections import Counter
from contextlib import closing
from dataclasses import replace
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
    report_strangers,
)
from tracker.cli.terminal import (
    EXIT_DONE,
    EXIT_INPUT,
    Progress,
    for_each,
    print_failure,
    print_line,
    print_result,
)
from tracker.parameters import Parameters

if TYPE_CHECKING:
    from tracker.cli.options import Commands
    from tracker.files.participants import Participant, Participants
    from tracker.study.cohort import Outcome
    from tracker.study.folders import FoundRecordings
    from tracker.study.recording import Recording, Request


def add_analyze(commands: "Commands") -> None:
    parser = commands.add_parser(
        "analyze",
        help="videos, or folders of them, to reports, summaries, tables and tracks",
        description="Analyse videos. Writes STEM.report.html, STEM.summary.json, STEM.frames.csv, "
        "STEM.blinks.csv, STEM.saccades.csv and STEM.track.npz for each. Videos in a directory and "
        "in its sub-directories are found by suffix or content; their files go to the same "
        "sub-directories of --out. For a directory, or more than one video, cohort.html, "
        "cohort.csv and cohort.parquet summarise all recordings. Recordings that are already "
        "finished (same content, parameters and program) are kept: after an interruption, run the "
        "same command again. What a person corrected in a report counts again: "
        "STEM.corrections.json beside the results.",
    )
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO|DIR")
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="number of processes, each of which uses one processor and about 0.4 GB of memory "
        "(default: the number of processors). Each analyses one recording at a time, or a part of "
        "a long one; the results are the same for any number",
    )
    add_participants_option(parser, "videos")
    add_output_options(parser)
    add_parameter_options(parser, ("step", "max_frames"))
    add_parameter_options(parser, REANALYSIS_PARAMETERS)
    add_report_options(parser)
    parser.add_argument(
        "--overlay",
        action="store_true",
        help="also write STEM.overlay.mp4, the analysed frames with the measures drawn in, "
        "without sound and without the video's metadata (takes two to three times as long as the "
        "analysis)",
    )
    parser.add_argument(
        "--blur-face",
        action="store_true",
        help="show only the eyes in that copy: a box around each eye of the analysed face; the "
        "rest of every frame is plain grey. The eyes stay visible and may identify a person, and "
        "so may the file's name; STEM.track.npz holds points of the face. Needs --overlay",
    )
    parser.set_defaults(run=_run_analyze)


def _run_analyze(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    parameters = read_parameters(options, parser)
    if options.workers is not None and options.workers < 1:
        parser.error(f"--workers is {options.workers}, expected 1 or more")
    request = _read_request(options, parser)

    from tracker.study.folders import find_recordings

    try:
        found = find_recordings(options.videos, options.out)
    except ValueError as error:
        parser.error(str(error))
    is_cohort = len(options.videos) > 1 or options.videos[0].is_dir()
    if options.participants and not is_cohort:
        parser.error("--participants is for the table of a folder: name a folder of videos")
    if options.participant and is_cohort:
        parser.error("--participant is for a single video: use --participants for a folder")
    participants = read_participants_option(options, options.videos, parser)
    person = read_participant(options, parser)
    found = _name_people(found, person, participants)
    prepare_output(options, options.out, parser)
    if is_cohort:
        return _analyze_cohort(options, parameters, request, found, participants)

    from tracker.study.recording import analyze_recording, is_long
    from tracker.study.workers import default_workers

    workers = options.workers or default_workers()
    if workers > 1 and is_long(found.recordings[0], parameters):
        return _analyze_divided(options, parameters, request, found.recordings[0], workers)

    from tracker.face.mesh import FaceMesh

    mesh = FaceMesh()

    def analyze(recording: "Recording") -> None:
        with Progress(recording.video.name) as progress:
            result = analyze_recording(
                recording, parameters, request, lambda: mesh, progress.update
            )
        print_result(options, recording.name, result.summary, result.files.values())

    return for_each(found.recordings, analyze)


def _name_people(
    found: "FoundRecordings", person: "Participant | None", participants: "Participants | None"
) -> "FoundRecordings":
    """Return the recordings with their participants: `person`, or else those in the table.

    `person` is the one that the command line names, or None. `participants` is the table, or None.
    A recording gets None if neither says who it is.
    """
    from tracker.files.participants import NOBODY
    from tracker.study.recording import find_person

    table = participants or NOBODY
    recordings = (
        replace(one, participant=person or find_person(table, one)) for one in found.recordings
    )
    return replace(found, recordings=tuple(recordings))


def _analyze_divided(
    options: argparse.Namespace,
    parameters: Parameters,
    request: "Request",
    recording: "Recording",
    workers: int,
) -> int:
    """Analyse a long recording in `workers` processes; return the exit code.

    Its files are written, and the result or the error is printed. It is analysed even if a finished
    result is there, and that is replaced.
    """
    from tracker.study.workers import analyze_recordings

    with (
        Progress(recording.video.name) as progress,
        closing(
            analyze_recordings(
                [recording],
                parameters,
                request,
                workers,
                lambda _, done, expected: progress.update(done, expected),
                resume=False,
            )
        ) as answers,
    ):
        ((_, outcome),) = answers
    return _print_outcome(options, recording, outcome)


def _read_request(options: argparse.Namespace, parser: argparse.ArgumentParser) -> "Request":
    """Return what the options ask for besides parameters, such as a report and its language.

    If two options contradict, or no browser can make the PDF, the program ends with a message.
    """
    from tracker.study.recording import Request

    if options.blur_face and not options.overlay:
        parser.error("--blur-face changes the annotated copy: add --overlay")
    return Request(
        overlay=options.overlay,
        blur_face=options.blur_face,
        report=report_language(options),
        pdf=pdf_language(options, parser),
        keep_step=hasattr(options, "step"),
    )


def _analyze_cohort(
    options: argparse.Namespace,
    parameters: Parameters,
    request: "Request",
    found: "FoundRecordings",
    participants: "Participants | None",
) -> int:
    from tracker.study.progress import CohortProgress
    from tracker.study.workers import analyze_recordings, default_workers

    for note in found.notes:
        print_line(f"note: {note}")
    for problem in found.problems:
        print_line(f"error: {problem}")
    code = EXIT_INPUT if found.problems else EXIT_DONE
    recordings = found.recordings
    if not recordings:
        print_line("error: no videos found. Name a directory with videos in it.")
        return EXIT_INPUT
    workers = options.workers or default_workers()
    outcomes: dict[int, Outcome] = {}
    with (
        CohortProgress(recordings) as progress,
        closing(
            analyze_recordings(recordings, parameters, request, workers, progress.update)
        ) as answers,
    ):
        printed = 0
        for index, outcome in answers:
            outcomes[index] = outcome
            progress.finish(index, outcome)
            # Print in the order of the recordings, not in the order in which they finish.
            while printed in outcomes:
                with progress.aside():
                    code = max(
                        code, _print_outcome(options, recordings[printed], outcomes[printed])
                    )
                printed += 1

    # Imported here, because the workers would have waited for it.
    from tracker.files.columns import explain_missing_parquet
    from tracker.files.participants import NOBODY
    from tracker.study.cohort import cohort_rows, describe_cohort, write_cohort
    from tracker.study.cohort_page import write_cohort_page

    ordered = [outcomes[index] for index in range(len(recordings))]
    rows = cohort_rows(recordings, ordered, options.out, participants or NOBODY)
    if participants is not None:
        report_strangers([row.file for row in rows], [row.participant for row in rows])
    notes = [*found.problems, *found.notes]
    written = [
        *write_cohort(rows, options.out),
        write_cohort_page(rows, ordered, notes, options.out, options.lang),
    ]
    if missing := explain_missing_parquet():
        print_line(f"note: cohort.parquet is not written. {missing}")
    if not options.json:
        print(describe_cohort(rows), flush=True)
        print("  written     " + " ".join(map(str, written)), flush=True)
    return code


def _print_outcome(options: argparse.Namespace, recording: "Recording", outcome: "Outcome") -> int:
    from tracker.study.recording import Failure

    if isinstance(outcome, Failure):
        # Several recordings may have files of the same name, so print the path.
        message = f"{recording.name}: {outcome.message_alone(recording)}"
        return print_failure(replace(outcome, message=message))
    print_result(options, recording.name, outcome.summary, outcome.files.values())
    return EXIT_DONE


def add_image(commands: "Commands") -> None:
    parser = commands.add_parser(
        "image", help="one picture: eye opening and gaze offset", description="Analyse pictures."
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print one JSON document a line")
    add_parameter_options(parser, ("blink_thresh",))
    parser.set_defaults(run=_run_image)


def _run_image(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    parameters = read_parameters(options, parser)

    from tracker.face.mesh import FaceMesh
    from tracker.files.names import printable, to_unicode
    from tracker.files.summary import to_json
    from tracker.pipeline import measure_still
    from tracker.result import document_still

    mesh = FaceMesh()
    counts = Counter(path.name for path in options.images)

    def analyze(path: Path) -> None:
        still = measure_still(path, mesh, parameters.blink_thresh)
        source = path.name if counts[path.name] == 1 else path
        if options.json:
            print(to_json({"source": to_unicode(source), **document_still(still)}), flush=True)
        elif still.face is None:
            print(
                f"{printable(source)}: no face found. Take the picture with the whole face in it, "
                "in light from the front."
            )
        else:
            print(
                f"{printable(source)}: eye opening (EAR) {still.face.eye_open:.3f}, "
                f"gaze offset vertical {still.face.v_offset:+.3f} (down is +), "
                f"horizontal {still.face.h_offset:+.3f} (subject's left is +), "
                f"blink {still.face.blink_prob:.2f}, faces {still.face_count}"
            )

    return for_each(options.images, analyze)
