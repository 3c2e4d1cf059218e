"""Measure where an analysis spends its time, compare with the least possible, suggest changes."""

import math
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tracker.face.follow import FaceFinder
from tracker.face.region import Region
from tracker.files.fingerprint import take_fingerprint
from tracker.lab.timing import CROP_PX, Clock, TimedFinder, TimedVideo
from tracker.machine import count_processors, measure_peak_bytes
from tracker.parameters import Parameters
from tracker.video.ffmpeg import Decoder
from tracker.video.frames import Image

if TYPE_CHECKING:
    from tracker.result import Result

STAGES = {
    "load": "loading libraries and models",
    "open": "opening and hashing the file",
    "decode": "decoding",
    "convert": "converting parts of frames to colours",
    "face_mesh": "FaceMesh",
    "detector": "looking for faces in the whole picture",
    "tracking": "following the face, the rest",
    "measures": "measures and assessment",
    "write": "writing the files",
    "other": "not attributed",
}
PER_FRAME = ("decode", "convert", "face_mesh", "detector", "tracking")
"""Stages whose time grows with the recording."""
FLOOR_FRAMES = 150
SMALL_SIDE_PX = 720


@dataclass(frozen=True, slots=True)
class Stage:
    """The time of one stage of an analysis; `name` is a key of `STAGES`.

    `cpu_s`, CPU seconds, counts the thread that the stage ran on; those of all stages add up to the
    whole. `wall_s` are elapsed seconds. If frames are decoded ahead, those of decoding overlap with
    those of other stages. For ``other``, the CPU time of no known stage, they are not measured: 0.
    """

    name: str
    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Floor:
    """The least time that a frame can take, in CPU milliseconds measured on this recording.

    It has two parts, one after the other: `decode_ms` to decode a frame on one thread, without
    converting it, and `face_mesh_ms` to run FaceMesh on a picture of a face, `CROP_PX` wide.
    """

    decode_ms: float
    face_mesh_ms: float


@dataclass(frozen=True, slots=True)
class Gain:
    """A change that may save time, and the seconds that the analysis would then take in all.

    Attributes
    ----------
    change : str
        What to do, such as an option of the command line.
    cpu_s, wall_s : float
        CPU time and elapsed time, estimated.
    note : str
        What the change costs or needs; may be empty.
    """

    change: str
    cpu_s: float
    wall_s: float
    note: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the time of a recording went.

    Attributes
    ----------
    source : str
        Name of the video's file.
    width, height, fps : int, int, float
        Size of the video in pixels, and its frames a second, skipped ones included.
    step : int
        The parameter `step`: every `step`-th frame is tracked, fewer in a video with very many.
    frames_decoded, frames_tracked : int
        Numbers of frames; skipped ones are decoded too.
    cores : int
        Number of cores that this process may use.
    decoded_ahead : bool
        Whether decoding ran in a second thread, while the frames before were tracked.
    stages : tuple of Stage
        In the order of `STAGES`.
    cpu_s, wall_s : float
        CPU time and elapsed time of the whole analysis, in seconds.
    peak_memory_mb : float
        Most memory that the process has used since it started, in units of 2**20 bytes; NaN if the
        system does not tell it.
    floor : Floor or None
        None if no face was found: FaceMesh then had nothing to do.
    eye_width_px : float
        Median distance between the corners of an eye, in pixels of the video; NaN without a face.
    """

    source: str
    width: int
    height: int
    fps: float
    step: int
    frames_decoded: int
    frames_tracked: int
    cores: int
    decoded_ahead: bool
    stages: tuple[Stage, ...]
    cpu_s: float
    wall_s: float
    peak_memory_mb: float
    floor: Floor | None
    eye_width_px: float

    def cpu_of(self, *names: str) -> float:
        """Return the sum of the CPU seconds of some stages, named by keys of `STAGES`."""
        return sum(stage.cpu_s for stage in self.stages if stage.name in names)

    @property
    def frame_ms(self) -> float:
        """CPU ms for a tracked frame, without ``load``, ``measures``, ``write`` and ``other``.

        The decoding of the skipped frames is included.
        """
        return 1000 * self.cpu_of("open", *PER_FRAME) / max(1, self.frames_tracked)

    @property
    def floor_ms(self) -> float:
        """Least CPU ms for a tracked frame and the skipped frames before it; NaN if not known.

        `frame_ms` is compared with it.
        """
        if self.floor is None or not self.frames_tracked:
            return float("nan")
        decoded = self.frames_decoded / self.frames_tracked
        return decoded * self.floor.decode_ms + self.floor.face_mesh_ms

    @property
    def limited_by(self) -> str:
        """Which kind of work takes the most CPU time, as a sentence for a person."""
        decoding = self.cpu_of("decode")
        looking = self.cpu_of(*PER_FRAME) - decoding
        fixed = self.cpu_s - decoding - looking
        if fixed > decoding + looking:
            return "Starting: the recording is so short that loading libraries takes the most."
        if decoding > looking:
            return f"Decoding the {self.width}x{self.height} video takes the most."
        if self.cpu_of("face_mesh") > looking / 2:
            return "FaceMesh takes the most."
        return "Looking for faces takes the most: none is followed most of the time."

    def gains(self) -> list[Gain]:
        """Estimate how long the analysis would take after changes of options or hardware.

        The change with the least elapsed time comes first. Nothing is run again: the measured times
        are scaled.
        """
        decoding = self.cpu_of("decode")
        looking = self.cpu_of(*PER_FRAME) - decoding
        fixed = self.cpu_s - decoding - looking

        def gain(change: str, decode_s: float, look_s: float, ahead: bool, note: str) -> Gain:
            both_s = max(decode_s, look_s) if ahead else decode_s + look_s
            return Gain(change, decode_s + look_s + fixed, both_s + fixed, note)

        step, ahead = 2 * self.step, self.decoded_ahead
        gains = [
            gain(
                f"--step {step}",
                decoding,
                looking / 2,
                ahead,
                f"{self.fps / step:.3g} frames a second are analysed; short blinks may be missed",
            )
        ]
        side = min(self.width, self.height)
        if side > SMALL_SIDE_PX:
            share = (SMALL_SIDE_PX / side) ** 2
            convert = self.cpu_of("convert")
            note = f"eyes are then {self.eye_width_px * SMALL_SIDE_PX / side:.0f} px wide"
            gains.append(
                gain(
                    f"recording at {SMALL_SIDE_PX}p",
                    share * decoding,
                    looking - (1 - share) * convert,
                    ahead,
                    note if np.isfinite(self.eye_width_px) else "",
                )
            )
        if not ahead:
            gains.append(gain("a second core", decoding, looking, True, "frames are decoded ahead"))
        if self.cores > 1:
            gains.append(
                Gain(
                    f"folders with --workers {self.cores}",
                    self.cpu_s,
                    self.cpu_s / self.cores,
                    "for each of many recordings; no decoding ahead then",
                )
            )
        return sorted(gains, key=lambda one: one.wall_s)

    def document(self) -> dict[str, Any]:
        """Return the whole profile as dicts and lists, for `tracker.files.summary.to_json`.

        It also has what follows from the profile, such as `frame_ms`, `limited_by` and `gains`. A
        number that is not known is None or NaN, which becomes null there.
        """
        frames = self.frames_tracked or float("nan")
        values = {name: value for name, value in asdict(self).items() if name != "stages"}
        return values | {
            "eye_width_px": _number(self.eye_width_px),
            "stages": [
                asdict(stage)
                | {
                    "cpu_share": stage.cpu_s / self.cpu_s,
                    "cpu_ms_per_frame": _number(1000 * stage.cpu_s / frames),
                }
                for stage in self.stages
            ],
            "cpu_ms_per_frame": self.frame_ms,
            "floor_ms_per_frame": _number(self.floor_ms),
            "ratio_to_floor": _number(self.frame_ms / self.floor_ms),
            "limited_by": self.limited_by,
            "gains": [asdict(gain) for gain in self.gains()],
        }

    def describe(self) -> str:
        """Return the whole profile as text for a person."""
        frames = max(1, self.frames_tracked)
        lines = [
            f"{self.source}: {self.frames_tracked} frames of {self.width}x{self.height} analysed "
            f"in {self.wall_s:.2f} s ({self.cpu_s:.2f} s of CPU time), {self.cores} cores, "
            f"decoded {'ahead' if self.decoded_ahead else 'and tracked in turn'}",
            f"  {'':42s} CPU s   share  ms/frame  wall s",
        ]
        lines += [
            f"  {STAGES[stage.name]:42s} {stage.cpu_s:5.2f}  {stage.cpu_s / self.cpu_s:5.1%} "
            f"{1000 * stage.cpu_s / frames:9.3f}  {stage.wall_s:6.2f}"
            for stage in self.stages
        ]
        if math.isfinite(self.peak_memory_mb):
            lines.append(f"  peak memory {self.peak_memory_mb:.0f} MB")
        if self.floor is None:
            lines.append("  no face was found: there is no floor to compare with")
        else:
            lines.append(
                f"  {self.frame_ms:.2f} ms a frame, {self.frame_ms / self.floor_ms:.2f} times the "
                f"floor of {self.floor_ms:.2f} ms (decoding a frame {self.floor.decode_ms:.2f}, "
                f"FaceMesh on the face alone {self.floor.face_mesh_ms:.2f})"
            )
        lines.append(f"  {self.limited_by} Estimated savings:")
        lines += [
            f"    {gain.change:28s} {gain.wall_s:6.2f} s, {gain.cpu_s:6.2f} s of CPU"
            + (f" ({gain.note})" if gain.note else "")
            for gain in self.gains()
        ]
        return "\n".join(lines)


def profile_video(
    path: Path, parameters: Parameters, on_progress: Callable[[int, int], None] | None = None
) -> Profile:
    """Time an analysis as `analyze` makes it, with its files in a temporary directory.

    Parameters
    ----------
    path : Path
    parameters : Parameters
    on_progress : callable, optional
        Called after each tracked frame with the frames tracked and those expected (0: unknown).

    Returns
    -------
    Profile

    Raises
    ------
    InputError
        The video cannot be read or decoded, or was written to meanwhile.
    """
    clock = Clock()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    video, finder, result = _analyze(path, parameters, on_progress, clock)
    cpu_s = time.process_time() - cpu_s
    wall_s = time.perf_counter() - wall_s
    peak_bytes = measure_peak_bytes()
    other_s = cpu_s - sum(clock.cpu_s.values())
    stages = [
        Stage(name, clock.cpu_s.get(name, 0.0), clock.wall_s.get(name, 0.0))
        for name in STAGES
        if name != "other"
    ]
    return Profile(
        source=path.name,
        width=result.track.info.video.width,
        height=result.track.info.video.height,
        fps=result.analysis.measures.fps,
        step=parameters.step,
        frames_decoded=result.track.info.frames_decoded,
        frames_tracked=result.track.times_s.size,
        cores=count_processors(),
        decoded_ahead=video.decoded_ahead,
        stages=(*stages, Stage("other", other_s, 0.0)),
        cpu_s=cpu_s,
        wall_s=wall_s,
        peak_memory_mb=math.nan if peak_bytes is None else peak_bytes / 2**20,
        floor=None if finder.face is None else measure_floor(path, finder.face, finder.finder),
        eye_width_px=result.assessment.quality.canthal_distance_px,
    )


def _analyze(
    path: Path,
    parameters: Parameters,
    on_progress: Callable[[int, int], None] | None,
    clock: Clock,
) -> "tuple[TimedVideo, TimedFinder, Result]":
    """Analyse a video, and time each stage with `clock`.

    Return the video, the models, and the result; the first two have noted what `Profile` needs.
    """
    with clock.stage("load"):
        from tracker.face.mesh import FaceMesh
        from tracker.pipeline import measure_track, track_recording
        from tracker.result import write_files

        finder = TimedFinder(FaceMesh(), clock)
    with clock.stage("open"):
        fingerprint = take_fingerprint(path)
        video = TimedVideo(path, clock)
    with clock.stage("tracking"):
        track = track_recording(video, finder, parameters, on_progress, fingerprint=fingerprint)
    with clock.stage("measures"):
        result = measure_track(track, parameters, path.name)
    with clock.stage("write"), tempfile.TemporaryDirectory() as folder:
        write_files(result, Path(folder), path.stem)
    return video, finder, result


def measure_floor(path: Path, face: Image, finder: FaceFinder) -> Floor:
    """Measure the least CPU time that a frame takes: to decode it, and to find landmarks in a face.

    Parameters
    ----------
    path : Path
        The video. Its first `FLOOR_FRAMES` frames are decoded.
    face : ndarray, shape (CROP_PX, CROP_PX, 3), uint8
        A picture filled by a face.
    finder : FaceFinder

    Returns
    -------
    Floor
        The mean for decoding, because frames differ; the median for FaceMesh.
    """
    decoder = Decoder(path)
    region = Region(CROP_PX / 2, CROP_PX / 2, CROP_PX, 0.0)
    decode_s: list[float] = []
    face_mesh_s: list[float] = []
    while len(decode_s) < FLOOR_FRAMES:
        start_s = time.thread_time()
        if not decoder.grab():
            break
        decoded_s = time.thread_time()
        finder.find_landmarks(face, region)
        decode_s.append(decoded_s - start_s)
        face_mesh_s.append(time.thread_time() - decoded_s)
    decoder.close()
    return Floor(1000 * statistics.fmean(decode_s), 1000 * statistics.median(face_mesh_s))


def draw_profile(profile: Profile, path: Path) -> None:
    """Draw the CPU time of each stage for a tracked frame, beside the least possible (`Floor`).

    Without a floor, because no face was found, only the stages are drawn.

    Parameters
    ----------
    profile : Profile
    path : Path
        The PNG to write. Without matplotlib, `ImportError` is raised.
    """
    from matplotlib.figure import Figure

    frames = max(1, profile.frames_tracked)
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.add_subplot()
    stages = [stage for stage in profile.stages if stage.cpu_s > 0]
    widths = [1000 * stage.cpu_s / frames for stage in stages]
    colours = ["#d55e00" if stage.name in PER_FRAME else "#999999" for stage in stages]
    bars = axes.barh([STAGES[stage.name] for stage in stages], widths, color=colours)
    axes.bar_label(bars, [f"{width:.2f}" for width in widths], padding=3)
    if profile.floor is not None:
        skipped = profile.frames_decoded / frames
        left = 0.0
        for name, width, colour in (
            ("decoding", skipped * profile.floor.decode_ms, "#0072b2"),
            ("FaceMesh on the face alone", profile.floor.face_mesh_ms, "#56b4e9"),
        ):
            axes.barh(["floor"], [width], left=left, color=colour, label=f"floor: {name}")
            left += width
        axes.axvline(left, color="#0072b2", linewidth=0.8, linestyle=":")
        axes.barh(["all frames"], [profile.frame_ms], color="#d55e00")
        axes.legend(loc="best", fontsize="small")
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("CPU milliseconds for each analysed frame (grey: once a recording)")
    axes.set_title(f"{profile.width}x{profile.height}, {profile.frames_tracked} frames")
    figure.savefig(path, format="png", dpi=120)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
