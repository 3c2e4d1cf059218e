"""``python -m benchmarks.recordings DIR``: how the measures change as real recordings get worse.

Degrades and re-encodes annotated recordings in a folder that holds ``zju/`` (people who look at the
camera), ``blinks/`` and ``gaze/up_down.mp4``. It writes numbers only, and keeps no picture.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.sweeps import (
    Degradation,
    Measured,
    Point,
    Run,
    Sweep,
    analyze,
    draw_sweeps,
    format_sweep,
    make_point,
    write_results,
)
from kernels import compute_rate_interval
from kernels.measures import median_finite
from tracker.face.follow import FaceFinder
from tracker.face.mesh import FaceMesh
from tracker.face.quality import EYE_CANTHI, WHITE_LEVEL
from tracker.lab.annotations import AnnotatedClip, find_annotations
from tracker.lab.clip_spec import ENCODERS
from tracker.lab.scoring import score_clip
from tracker.lab.synthetic import quality_options
from tracker.lab.validation import (
    Counts,
    choose_without_each,
    count_detected,
    count_peaks,
    detect_simply,
)
from tracker.measures.analysis import analyze_track
from tracker.measures.fixation import find_jerks
from tracker.measures.obstacles import (
    MAX_EYE_DISAGREEMENT,
    MIN_BITS_PER_EYE,
    NOTED_BITS_PER_EYE,
)
from tracker.parameters import Parameters
from tracker.tracks.track import track_video
from tracker.video.frames import Image, Video
from tracker.video.times import repair_times

DARK_NOISE_STD = 3.0
"""Noise of darkened pictures in grey levels, as in an ordinary indoor recording."""
GLARE_STEP = 10
EVERY_NTH_ENCODED = 4
"""Only every fourth recording in ``zju/`` is re-encoded. All the others are."""
MAX_ENCODED_FRAMES = 400
MAX_ENCODED_SIDE_PX = 1000
"""Larger pictures are halved before they are re-encoded."""
CODEC_LEVELS: dict[str, tuple[int, ...]] = {
    "h264": (20, 26, 30, 33, 36, 39, 42, 46, 51),
    "hevc": (28, 34, 40, 46, 51),
    "vp9": (36, 54, 63),
    "mpeg4": (3, 15, 32, 51),
}
"""Constant quality; MPEG-4's quantiser is three fifths of it."""
MAX_RANGE_CHANGE = 0.01
MAX_MOVING_CHANGE = 0.15
"""A re-encoded recording is broken if its range changes by more than `MAX_RANGE_CHANGE`, or by more
than this share in the recording that looks up and down. Any encoding causes smaller changes."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording and its truth, as far as it is known.

    Attributes
    ----------
    path : Path
    clip : AnnotatedClip or None
        None: the blinks are not annotated.
    fixed : bool
        Whether the person looks at the camera all the time.
    """

    path: Path
    clip: AnnotatedClip | None
    fixed: bool


def find_recordings(folder: Path) -> list[Recording]:
    """Return a folder's annotated recordings; in the last one, the person looks up and down."""
    clips, errors = find_annotations(folder)
    if errors:
        raise errors[0]
    known = [Recording(clip.video, clip, clip.name.startswith("zju/")) for clip in clips]
    return [*known, Recording(folder / "gaze/up_down.mp4", None, False)]


def measure_recording(
    finder: FaceFinder, path: Path, degradations: Sequence[Degradation]
) -> list[Measured]:
    """Decode a recording once and measure it under each degradation, in their order."""
    with Video(path) as video:
        most = video.info.frame_count + 1000
        runs = [Run(finder, degradation, most) for degradation in degradations]
        stream_times_s, frame_index = [], []
        for frame in video.frames():
            stream_times_s.append(frame.stream_time_s)
            frame_index.append(frame.index)
            for run in runs:
                # Count the decoded frames: a frame that cannot be decoded has an index but no time.
                run.add(frame.image, len(frame_index) - 1)
        times_s, _ = repair_times(
            np.array(stream_times_s), np.array(frame_index, dtype=np.int64), video.info.fps
        )
        # The degraded pictures were never encoded.
        info = replace(video.info, bits_per_frame=0.0)
        return [run.finish(times_s, info) for run in runs]


def _recording_levels(eye_px: float, short: bool) -> list[tuple[str, float, Degradation]]:
    """Return the sweep's name, the level and the degradation for each level of each sweep.

    `eye_px` is how wide the recording's eyes are: sizes and blurs are relative to it.
    """
    # Noise is only added to darkened pictures, because the recording has noise of its own.
    plain = Degradation()
    sizes_px = (20, 12) if short else (40, 30, 24, 20, 18, 16, 14, 12, 10, 8)
    steps = (2, 4) if short else (2, 3, 4, 5, 6)
    blurs = (0.08,) if short else (0.04, 0.06, 0.08, 0.1, 0.12, 0.16)
    darks = (0.12,) if short else (0.5, 0.25, 0.12, 0.08, 0.05, 0.03)
    brights = () if short else (1.5, 2.0, 3.0, 4.0)
    noises = () if short else (6.0, 12.0, 20.0, 30.0)
    return [
        *(
            ("size", size, replace(plain, scale=size / eye_px))
            for size in sizes_px
            if size <= eye_px
        ),
        *(("step", step, replace(plain, step=step)) for step in steps),
        *(("blur", sigma, replace(plain, blur_sigma_px=sigma * eye_px)) for sigma in blurs),
        *(("dark", gain, replace(plain, gain=gain, noise_std=DARK_NOISE_STD)) for gain in darks),
        *(("bright", gain, replace(plain, gain=gain)) for gain in brights),
        *(("noise", std, replace(plain, noise_std=std)) for std in noises),
    ]


_UNITS = {
    "size": ("canthal distance (px)", True),
    "step": ("step", False),
    "blur": ("Gaussian sigma (canthal distances)", False),
    "dark": ("gain, noise of 3 grey levels", True),
    "bright": ("gain, clipped at white", True),
    "noise": ("noise added (std, grey levels)", False),
}


def run_degradations(
    finder: FaceFinder,
    recordings: Sequence[Recording],
    short: bool,
    report: Callable[[str], None],
) -> tuple[Point, list[Sweep], dict[str, dict[str, float]]]:
    """Degrade the recordings' pictures and measure them.

    Parameters
    ----------
    finder : FaceFinder
    recordings : sequence of Recording
        From `find_recordings`.
    short : bool
        Fewer levels.
    report : callable
        Called with the table of each sweep.

    Returns
    -------
    base : Point
        All recordings as they are.
    sweeps : list of Sweep
        A point at each level, of all recordings together.
    as_recorded : dict
        By the name of each quality: its ``least``, ``median`` and ``most`` over the recordings.
    """
    levels: dict[tuple[str, float], list[tuple[Recording, Measured]]] = {}
    plain: list[tuple[Recording, Measured]] = []
    for recording in recordings:
        start_s = time.perf_counter()
        # Read the file as the program does, so that the bits are those of the file's encoding.
        measured = analyze(track_video(recording.path, finder, 1, Parameters().max_frames))
        plain.append((recording, measured))
        wanted = _recording_levels(measured.quality.canthal_distance_px, short)
        found = measure_recording(finder, recording.path, [level for *_, level in wanted])
        for (name, value, _), degraded in zip(wanted, found, strict=True):
            levels.setdefault((name, value), []).append((recording, degraded))
        print(f"{recording.path.name}: {time.perf_counter() - start_s:.0f} s", file=sys.stderr)
    base = _make_recordings_point(math.nan, plain)
    moving = base.moving_ratio
    base = replace(base, moving_ratio=1.0)
    report(format_sweep(Sweep("as recorded", "", [base])))
    sweeps = [Sweep(name, unit, log=log) for name, (unit, log) in _UNITS.items()]
    for sweep in sweeps:
        for (name, value), pairs in levels.items():
            if name == sweep.name:
                point = _make_recordings_point(value, pairs)
                sweep.points.append(replace(point, moving_ratio=point.moving_ratio / moving))
        # Sort by level: not every recording is large enough for every level.
        sweep.points.sort(key=lambda point: point.value, reverse=sweep.name in ("size", "dark"))
        if sweep.points:
            report(format_sweep(sweep))
    report(_format_moving(levels))
    report(_format_left_out(plain, levels))
    values: dict[str, list[float]] = {}
    for _, measured in plain:
        for name, value in asdict(measured.quality).items():
            values.setdefault(name, []).append(value)
    as_recorded = {
        name: {
            "least": float(np.nanmin(v)),
            "median": median_finite(np.array(v)),
            "most": float(np.nanmax(v)),
        }
        for name, v in values.items()
    }
    report("\nas recorded, least / median / most")
    for name, row in as_recorded.items():
        report(f"{name:>20} " + " ".join(f"{value:9.3f}" for value in row.values()))
    return base, [sweep for sweep in sweeps if sweep.points], as_recorded


def _format_moving(pairs: dict[tuple[str, float], list[tuple[Recording, Measured]]]) -> str:
    """Return a table of the recording that looks up and down, at each level.

    `pairs` holds by sweep and level what was measured of each recording.
    """
    lines = [
        "\nthe recording that looks up and down, by itself",
        f"{'':>14} {'range':>6} {'disagr.':>7} {'sharp':>6} {'c/n':>6} {'grey':>5} {'clip':>5}",
    ]
    for (name, value), found in pairs.items():
        for recording, measured in found:
            if recording.clip is None:
                quality = measured.quality
                lines.append(
                    f"{name:>6} {value:7.4g} "
                    f"{measured.analysis.measures.vertical_peak_to_peak:6.3f} "
                    f"{quality.eye_disagreement:7.3f} {quality.sharpness:6.3f} "
                    f"{quality.contrast_over_noise:6.1f} {quality.face_grey:5.0f} "
                    f"{quality.clipped_share:5.2f}"
                )
    return "\n".join(lines)


def _format_left_out(
    plain: Sequence[tuple[Recording, Measured]],
    pairs: dict[tuple[str, float], list[tuple[Recording, Measured]]],
) -> str:
    """Return a table of how well blinks are found at each level, beside a simple rule.

    Each person's are detected with constants that were chosen without that person. `plain` are the
    recordings as they are, and `pairs` holds those of each sweep and level.
    """
    recordings = [(r.clip, one.analysis.track) for r, one in plain if r.clip is not None]
    chosen = choose_without_each(recordings, Parameters())
    lines = [
        "\nblinks of people who were left out, beside a simple rule: F1, false, missed",
        f"{'':>14} {'detector':>20} {'simple rule':>20}",
    ]
    for (name, value), found in {("none", 0.0): list(plain), **pairs}.items():
        own, simple = Counts(), Counts()
        for recording, measured in found:
            if recording.clip is not None:
                clip, traces = recording.clip, measured.analysis.traces
                own += count_detected(clip, traces, Parameters(), chosen[clip.person])
                simple += count_peaks(clip, traces.track, detect_simply(traces.ear))
        cells = (f"{one.f1:8.3f} {one.false:5d} {one.missed:5d}" for one in (own, simple))
        lines.append(f"{name:>6} {value:7.4g} " + " ".join(cells))
    return "\n".join(lines)


def _make_recordings_point(value: float, pairs: Sequence[tuple[Recording, Measured]]) -> Point:
    return make_point(
        value,
        [measured for _, measured in pairs],
        [score_clip(r.clip, measured.analysis) for r, measured in pairs if r.clip is not None],
        [measured for recording, measured in pairs if recording.fixed],
        next((measured for recording, measured in pairs if recording.clip is None), None),
    )


@dataclass(frozen=True, slots=True)
class Encoding:
    """What is measured of a re-encoded recording.

    Attributes
    ----------
    recording, codec : str
        Names of both; the codec is ``as recorded`` for the recording itself.
    crf : int
        Constant quality, see `CODEC_LEVELS`; 0 for the recording itself.
    vertical_peak_to_peak, eye_disagreement, bits_per_eye, sharpness : float
    count_error : int
        Number of blinks and prolonged closures minus the number in the recording itself.
    broken : bool
        Whether the range differs from the recording's own by more than `MAX_RANGE_CHANGE` or
        `MAX_MOVING_CHANGE`, or the count differs.
    cleared : bool
        Whether the range is above the threshold although the person looks at the camera.
    """

    recording: str
    codec: str
    crf: int
    vertical_peak_to_peak: float
    eye_disagreement: float
    bits_per_eye: float
    sharpness: float
    count_error: int
    broken: bool
    cleared: bool


def measure_encodings(
    finder: FaceFinder, recordings: Sequence[Recording], short: bool
) -> list[Encoding]:
    """Re-encode recordings at falling quality with each codec and measure them."""
    of_zju = [recording for recording in recordings if recording.fixed]
    others = [recording for recording in recordings if not recording.fixed]
    found = []
    for recording in [*of_zju[::EVERY_NTH_ENCODED], *others]:
        start_s = time.perf_counter()
        with Video(recording.path) as video:
            frames: list[Image] = []
            for frame in video.frames():
                if len(frames) == MAX_ENCODED_FRAMES:
                    break
                frames.append(frame.image.copy())
            fps = video.info.fps
        if max(frames[0].shape) > MAX_ENCODED_SIDE_PX:
            frames = [
                cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)  # type: ignore[misc]
                for frame in frames
            ]
        own = analyze(track_video(recording.path, finder, 1, len(frames)))
        found.append(_compare(recording, "as recorded", 0, own, own))
        for codec, crfs in CODEC_LEVELS.items():
            for crf in crfs[-2:] if short else crfs:
                with tempfile.TemporaryDirectory() as folder:
                    clip = Path(folder) / "clip.mp4"
                    _encode(clip, frames, fps, codec, crf)
                    track = track_video(clip, finder, 1, len(frames))
                found.append(_compare(recording, codec, crf, analyze(track), own))
        print(f"{recording.path.name}: {time.perf_counter() - start_s:.0f} s", file=sys.stderr)
    return found


def _compare(
    recording: Recording, codec: str, crf: int, measured: Measured, own: Measured
) -> Encoding:
    range_, own_range = (m.analysis.measures.vertical_peak_to_peak for m in (measured, own))
    counts = [len(m.analysis.events.closures.kind) for m in (measured, own)]
    count_error = counts[0] - counts[1]
    most = MAX_MOVING_CHANGE * own_range if recording.clip is None else MAX_RANGE_CHANGE
    return Encoding(
        recording=recording.path.stem,
        codec=codec,
        crf=crf,
        vertical_peak_to_peak=range_,
        eye_disagreement=measured.quality.eye_disagreement,
        bits_per_eye=measured.quality.bits_per_eye,
        sharpness=measured.quality.sharpness,
        count_error=count_error,
        # NaN counts as broken.
        broken=not abs(range_ - own_range) <= most or count_error != 0,
        cleared=recording.clip is not None and range_ >= Parameters().vpp_thresh,
    )


def _encode(path: Path, frames: Sequence[Image], fps: float, codec: str, crf: int) -> None:
    import av

    encoder, options = ENCODERS[codec]
    height, width = (side // 2 * 2 for side in frames[0].shape[:2])
    with av.open(path, "w") as container:
        stream: Any = container.add_stream(
            encoder,
            rate=Fraction(fps).limit_denominator(1001),
            options=options | quality_options(codec, crf),
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for image in frames:
            picture = np.ascontiguousarray(image[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))


def measure_glare(finder: FaceFinder, recordings: Sequence[Recording]) -> dict[str, list[float]]:
    """Measure white pixels around the eyes, a possible sign of glare on spectacles.

    Parameters
    ----------
    finder : FaceFinder
    recordings : sequence of Recording

    Returns
    -------
    dict
        A list for each view of the ZJU set, by its code (see `format_glare`), with a value for each
        recording: the median share of pixels at or
        above `WHITE_LEVEL` in boxes around the eyes, which reach 0.8 by 0.6 canthal distances to
        either side of the middle.
    """
    found: dict[str, list[float]] = {}
    for recording in recordings:
        if recording.clip is None or recording.clip.view is None:
            continue
        shares = []
        with Video(recording.path) as video:
            for frame in video.frames(GLARE_STEP):
                for region in finder.detect(frame.image)[:1]:
                    points = finder.find_landmarks(frame.image, region)
                    if points is not None:
                        shares.append(_white_share(frame.image, points))
        found.setdefault(recording.clip.view, []).append(median_finite(np.array(shares)))
    return dict(sorted(found.items()))


def _white_share(image: Image, points: NDArray[np.float32]) -> float:
    shares = []
    for first, second in EYE_CANTHI:
        middle = (points[first] + points[second]) / 2
        reach = np.hypot(*(points[second] - points[first])) * np.array([0.8, 0.6])
        left, top = np.maximum((middle - reach).astype(int), 0)
        right, bottom = (middle + reach).astype(int) + 1
        grey: Any = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
        shares.append(float((grey >= WHITE_LEVEL).mean()))
    return float(np.mean(shares))


def format_glare(shares: dict[str, list[float]]) -> str:
    """Return each view's values in increasing order, as a table."""
    lines = ["\nwhite pixels around the eyes, % (FBN, FTN: spectacles; FNN, UNN: none)"]
    lines += [
        f"{view}: " + " ".join(f"{100 * share:.2f}" for share in sorted(found))
        for view, found in shares.items()
    ]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Jerk:
    """A square-wave jerk that was found where the person looks at the camera.

    Attributes
    ----------
    clip : str
        The recording's name, without its suffix.
    first, last : int
        Frames of the video at which the eyes jump away, and back.
    amplitude_deg, visible_deg : float
        Estimated amplitude, and the smallest that this recording shows.
    """

    clip: str
    first: int
    last: int
    amplitude_deg: float
    visible_deg: float


def measure_jerks(
    finder: FaceFinder, recordings: Sequence[Recording]
) -> tuple[list[Jerk], float, float]:
    """Find the square-wave jerks in the recordings of people who look at the camera.

    Return also the seconds of these recordings, and those in which jerks could be seen.
    """
    jerks, whole_s, searched_s = [], 0.0, 0.0
    for recording in recordings:
        if not recording.fixed:
            continue
        track = track_video(recording.path, finder, 1, Parameters().most_frames)
        analysis = analyze_track(track, Parameters())
        traces = analysis.traces
        found = find_jerks(
            analysis.gaze.horizontal,
            analysis.gaze.valid,
            track.times_s,
            traces.interval_s,
            traces.iris_ratio,
        )
        whole_s += traces.duration_s
        searched_s += found.searched_s
        for (first, last), amplitude in zip(
            track.frame_index[found.interval].tolist(), found.amplitude_deg.tolist(), strict=True
        ):
            jerks.append(Jerk(recording.path.stem, first, last, amplitude, found.visible_deg))
    return jerks, whole_s, searched_s


def format_jerks(jerks: Sequence[Jerk], whole_s: float, searched_s: float) -> str:
    """Return the jerks as a table, below their rate."""
    low, high = compute_rate_interval(len(jerks), searched_s / 60)
    lines = [
        f"\n{len(jerks)} square-wave jerks in {whole_s:.0f} s, of which {searched_s:.0f} s could "
        f"show one: {60 * len(jerks) / searched_s:.1f} a minute ({low:.1f}-{high:.1f})",
        "clip, frames, degrees, visible from",
    ]
    lines += [
        f"{one.clip} {one.first}-{one.last} {one.amplitude_deg:+.1f} {one.visible_deg:.1f}"
        for one in jerks
    ]
    return "\n".join(lines)


def format_encodings(encodings: Sequence[Encoding]) -> str:
    """Return tables: the qualities of broken and other encodings, and each encoding."""
    again = [e for e in encodings if e.codec != "as recorded"]
    groups = {
        "broken": [e for e in again if e.broken],
        "not broken": [e for e in again if not e.broken],
        "as recorded": [e for e in encodings if e.codec == "as recorded"],
    }
    tests: dict[str, Callable[[Encoding], bool]] = {
        f"bits < {MIN_BITS_PER_EYE:g}": lambda e: e.bits_per_eye < MIN_BITS_PER_EYE,
        f"bits < {NOTED_BITS_PER_EYE:g}": lambda e: e.bits_per_eye < NOTED_BITS_PER_EYE,
        f"disagr. > {MAX_EYE_DISAGREEMENT:g}": lambda e: e.eye_disagreement > MAX_EYE_DISAGREEMENT,
    }
    lines = [
        "\nre-encoded: share that",
        f"{'':>16} {'count':>6} " + " ".join(f"{t:>15}" for t in tests),
    ]
    for name, group in groups.items():
        shares = [
            sum(map(test, group)) / len(group) if group else math.nan for test in tests.values()
        ]
        lines.append(
            f"{name:>16} {len(group):6d} " + " ".join(f"{share:15.2f}" for share in shares)
        )
    lines.append(
        f"\n{'':>18} {'codec':>11} {'crf':>4} {'range':>6} {'disagr.':>7} {'bits':>7} {'sharp':>6} "
        f"{'count':>6}"
    )
    lines += [
        f"{e.recording:>18} {e.codec:>11} {e.crf:4d} {e.vertical_peak_to_peak:6.3f} "
        f"{e.eye_disagreement:7.3f} {e.bits_per_eye:7.1f} {e.sharpness:6.2f} {e.count_error:+6d} "
        f"{'broken' * e.broken} {'CLEARED' * e.cleared}".rstrip()
        for e in encodings
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Degrade and re-encode recordings; write tables, numbers and a picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recordings", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--short", action="store_true", help="every fifth recording, fewer levels")
    parser.add_argument(
        "--only", choices=("degraded", "encoded", "glare", "jerks"), help="one part of it"
    )
    parser.add_argument("--out", type=Path, default=Path("results/accuracy"), metavar="DIR")
    options = parser.parse_args(arguments)
    mesh = FaceMesh()
    recordings = find_recordings(options.folder)
    if options.short:
        recordings = [*recordings[:-1:5], recordings[-1]]
    tables: list[str] = []

    def report(table: str) -> None:
        print(table, flush=True)
        tables.append(table)

    document: dict[str, Any] = {}
    sweeps: list[Sweep] = []
    if options.only in (None, "degraded"):
        base, sweeps, as_recorded = run_degradations(mesh, recordings, options.short, report)
        document |= {"base": asdict(base), "as_recorded": as_recorded}
        document["sweeps"] = [asdict(sweep) for sweep in sweeps]
    if options.only in (None, "encoded"):
        encodings = measure_encodings(mesh, recordings, options.short)
        report(format_encodings(encodings))
        document["encodings"] = [asdict(encoding) for encoding in encodings]
    if options.only in (None, "glare"):
        glare = measure_glare(mesh, recordings)
        report(format_glare(glare))
        document["glare"] = glare
    if options.only in (None, "jerks"):
        jerks, whole_s, searched_s = measure_jerks(mesh, recordings)
        report(format_jerks(jerks, whole_s, searched_s))
        document["jerks"] = [asdict(jerk) for jerk in jerks]
    write_results(options.out / "recordings", "\n".join(tables).lstrip(), document)
    if sweeps:
        draw_sweeps(options.out / "recordings.png", sweeps)


if __name__ == "__main__":
    main()
