"""The commands for developers: ``eye-tracker evaluate``, ``profile`` and ``synth``."""

import argparse
import functools
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.cli.options import (
    BLINK_PARAMETERS,
    add_parameter_options,
    prepare_output,
    read_parameters,
)
from tracker.cli.terminal import EXIT_DONE, EXIT_INPUT, Progress, print_line

if TYPE_CHECKING:
    from tracker.cli.options import Commands

_SYNTH_OPTIONS: tuple[tuple[str, type, str], ...] = (
    ("duration_s", float, "length in seconds"),
    ("fps", float, "frames a second"),
    ("width", int, "of the picture in pixels"),
    ("height", int, "of the picture in pixels"),
    ("blinks_per_min", float, "blinks a minute, at random times"),
    ("gaze_amplitude", float, "how far the eyes look up and down, in eye widths"),
    ("face", str, "whose: astronaut, officer, or a variant; a wrong name lists them all"),
    ("lid_follow", float, "how far the lids follow the gaze: 0 = not, 1 = as a healthy person's"),
    ("roll_deg", float, "head roll in degrees, clockwise"),
    ("zoom", float, "1 = the face fills 60 %% of the picture's shorter side"),
    ("noise_std", float, "standard deviation of the noise in grey levels"),
    ("blur_sigma_px", float, "Gaussian blur in pixels"),
    ("codec", str, "h264, hevc, vp9, av1 or mpeg4"),
    ("seed", int, "of everything random"),
)


FEWEST_PEOPLE = 3
"""Fewest people of whom one can be left out, so that something is learnt from the others."""


def add_evaluate(commands: "Commands") -> None:
    parser = commands.add_parser(
        "evaluate",
        help="annotated recordings: how well blinks are found",
        description="Compare with annotated recordings in DIR and the directories in it: "
        "STEM.blinks.csv, STEM.tag or STEM.corrections.json beside STEM.mp4, or blinks.csv and "
        "clips.csv beside all of them. A detected blink belongs to the annotated one that holds "
        "its peak, each used once. Draws a picture of every missed and every false one, and keeps "
        "the tracks, so that another run with other thresholds takes seconds. With recordings of "
        "three people or more, the constants that data chose are chosen again without each of "
        "them.",
    )
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("evaluation"),
        metavar="DIR",
        help="where to write pictures and tracks (default: %(default)s)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print only the scores on stdout, as JSON"
    )
    parser.add_argument(
        "--baselines",
        action="store_true",
        help="beside a simple rule on variants of the recordings too: other frame rates, noise, "
        "shallower and slower blinks, glances; and without each rule of the detector",
    )
    add_parameter_options(parser, ("step", "max_frames", *BLINK_PARAMETERS))
    parser.set_defaults(run=_run_evaluate)


def _run_evaluate(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    parameters = read_parameters(options, parser)

    from tracker.face.mesh import FaceMesh
    from tracker.files.summary import to_json
    from tracker.lab.annotations import find_annotations, place_corrections
    from tracker.lab.evaluate import collect_evaluation, describe_evaluation, load_or_make_track
    from tracker.lab.pictures import draw_mistakes, explain_missing_pictures, remove_pictures
    from tracker.lab.scoring import score_clip
    from tracker.lab.validation import describe_validation, validate
    from tracker.measures.analysis import analyze_track
    from tracker.video.container import InputError

    try:
        clips, errors = find_annotations(options.directory)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    prepare_output(options, options.out, parser)
    remove_pictures(options.out)
    if missing := explain_missing_pictures():
        print_line(f"note: {missing}")

    # The models are loaded with the first recording that has no track yet.
    make_finder = functools.cache(FaceMesh)
    failures = [str(error) for error in errors]
    scored, recordings = [], []
    for clip in clips:
        try:
            with Progress(clip.name) as progress:
                track = load_or_make_track(
                    clip.video, parameters, options.out / "tracks", make_finder, progress.update
                )
            clip = place_corrections(clip, track)
            analysis = analyze_track(track, parameters)
            score = score_clip(clip, analysis)
            scored.append((score, draw_mistakes(score, analysis, options.out)))
            recordings.append((clip, track))
        except InputError as error:
            failures.append(str(error))
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    evaluation = collect_evaluation(scored, failures, parameters)
    document, text = evaluation.to_dict(), describe_evaluation(evaluation)
    if len({clip.person for clip, _ in recordings}) >= FEWEST_PEOPLE:
        validation = validate(recordings, parameters, options.baselines)
        document["validation"] = validation.to_dict()
        text += "\n" + describe_validation(validation)
    print(to_json(document) if options.json else text, flush=True)
    return EXIT_INPUT if failures else EXIT_DONE


def add_profile(commands: "Commands") -> None:
    parser = commands.add_parser(
        "profile",
        help="where the time of a recording's analysis goes",
        description="Analyse a video and show where the time went, how close that is to the least "
        "that decoding and FaceMesh can take, and which changes would save time. Writes "
        "STEM.profile.png; the analysis itself is not kept.",
    )
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="where to write (default: here)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print only one JSON document on stdout"
    )
    add_parameter_options(parser, ("step", "max_frames"))
    parser.set_defaults(run=_run_profile)


def _run_profile(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    parameters = read_parameters(options, parser)
    prepare_output(options, options.out, parser)

    from tracker.files.names import shorten_stem
    from tracker.files.summary import to_json
    from tracker.files.whole import write_whole
    from tracker.lab.pictures import explain_missing_pictures
    from tracker.lab.profile import draw_profile, profile_video

    with Progress(options.video.name) as progress:
        profile = profile_video(options.video, parameters, progress.update)
    print(to_json(profile.document()) if options.json else profile.describe(), flush=True)
    if missing := explain_missing_pictures():
        print_line(f"note: {missing}")
        return EXIT_DONE
    path = write_whole(
        options.out / f"{shorten_stem(options.video.stem)}.profile.png",
        lambda partial: draw_profile(profile, partial),
    )
    if not options.json:
        print(f"  written {path}", flush=True)
    return EXIT_DONE


def add_synth(commands: "Commands") -> None:
    parser = commands.add_parser(
        "synth",
        help="a synthetic clip whose truth is known",
        description="Make a clip of a real face with drawn eyes that look up and down and blink, "
        "and its truth beside it (STEM.truth.json, STEM.truth.blinks.csv). Without options: the "
        "demo clip.",
    )
    parser.add_argument("clip", type=Path, metavar="OUT.mp4", help=".mp4, .mov, .mkv or .webm")
    for option, kind, text in _SYNTH_OPTIONS:
        parser.add_argument(
            f"--{option.replace('_', '-')}", type=kind, metavar=kind.__name__.upper(), help=text
        )
    parser.add_argument("--vfr", action="store_true", default=None, help="variable frame rate")
    parser.set_defaults(run=_run_synth)


def _run_synth(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from tracker.lab.clip_spec import SyntheticSetupError, demo_spec, make_spec
    from tracker.lab.synthetic import write_clip

    names = [name for name, _, _ in _SYNTH_OPTIONS] + ["vfr"]
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    try:
        spec = make_spec(**given) if given else demo_spec()
        options.clip.parent.mkdir(parents=True, exist_ok=True)
        # The clip appears last, whole and with its truth beside it.
        with (
            tempfile.TemporaryDirectory(dir=options.clip.parent) as folder,
            Progress(options.clip.name) as progress,
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
