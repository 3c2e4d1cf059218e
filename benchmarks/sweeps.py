"""Degrade clips step by step, measure and score them, and show the results.

`benchmarks.accuracy` (synthetic clips) and `benchmarks.recordings` (real ones) share this.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kernels.measures import median_finite
from tracker.face.follow import FaceFinder, FaceFollower
from tracker.face.quality import ImageQuality, median_quality
from tracker.files.summary import to_json
from tracker.lab.scoring import ClipScore, summarize_scores
from tracker.measures.analysis import Analysis, analyze_track
from tracker.measures.quality import Quality, measure_quality
from tracker.parameters import Parameters
from tracker.tracks.track import Track, TrackInfo
from tracker.video.frames import Image, VideoInfo

Float64Array = NDArray[np.float64]

# Beyond these limits, a measure counts as wrong.
MIN_F1 = 0.95
MAX_FIXED_PEAK_TO_PEAK = 0.02
MAX_RATIO_CHANGE = 0.1
MIN_COVERAGE = 0.95

_NOISE_MARGIN_PX = 64


@dataclass(frozen=True, slots=True)
class Degradation:
    """The damage to a picture between the face and the file: optics, sensor, exposure, noise.

    Attributes
    ----------
    scale : float
        Size over the original size. Pixels are averaged, as by a sensor with fewer pixels.
    blur_sigma_px : float
        Standard deviation of a Gaussian blur, in pixels of the reduced picture.
    gain : float
        Factor on the grey levels, which are clipped at white.
    noise_std : float
        Standard deviation of noise in grey levels. It is added after the gain, so that it hides
        more of a darkened picture.
    step : int
        Every `step`-th frame is kept.
    """

    scale: float = 1.0
    blur_sigma_px: float = 0.0
    gain: float = 1.0
    noise_std: float = 0.0
    step: int = 1

    def apply(self, image: Image, index: int) -> Image:
        """Return a degraded frame; its `index` in the clip decides the noise."""
        degraded: Any = image
        if self.scale != 1:
            size = [max(2, round(self.scale * side)) for side in image.shape[1::-1]]
            degraded = cv2.resize(degraded, size, interpolation=cv2.INTER_AREA)
        if self.blur_sigma_px > 0:
            degraded = cv2.GaussianBlur(degraded, (0, 0), self.blur_sigma_px)
        if self.gain != 1:
            degraded = cv2.convertScaleAbs(degraded, alpha=self.gain)
        if self.noise_std > 0:
            height, width = degraded.shape[:2]
            noise = _noise_field(height, width, self.noise_std)
            top, left = np.random.default_rng((1, index)).integers(0, _NOISE_MARGIN_PX, 2)
            part = noise[top : top + height, left : left + width]
            degraded = cv2.add(degraded, part, dtype=cv2.CV_8U)
        return degraded  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=64)
def _noise_field(height: int, width: int, std: float) -> NDArray[np.int8]:
    """Return a field of noise larger than a frame, so that each frame can use another part of it.

    New random numbers for each frame would take longer than everything else.
    """
    shape = (height + _NOISE_MARGIN_PX, width + _NOISE_MARGIN_PX, 3)
    noise = std * np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    rounded: NDArray[np.int8] = np.clip(np.rint(noise), -127, 127).astype(np.int8)
    return rounded


@dataclass(frozen=True, slots=True)
class Measured:
    """The measures of a clip in one condition."""

    analysis: Analysis
    quality: Quality


def analyze(track: Track) -> Measured:
    """Analyse a track with the default parameters, but with its own step."""
    analysis = analyze_track(track, Parameters(step=track.info.step))
    return Measured(analysis, measure_quality(analysis))


class Run:
    """A clip under one degradation, fed frame by frame.

    Parameters
    ----------
    finder : FaceFinder
    degradation : Degradation
    max_frames : int
        Most frames that will be added.
    """

    def __init__(self, finder: FaceFinder, degradation: Degradation, max_frames: int) -> None:
        self._degradation = degradation
        self._follower = FaceFollower(finder, max_frames, degradation.step)
        self._index: list[int] = []

    def add(self, image: Image, index: int) -> None:
        """Degrade and track frame `index` of the clip, if the degradation's step keeps it."""
        if index % self._degradation.step == 0:
            self._follower.add(self._degradation.apply(image, index))
            self._index.append(index)

    def finish(self, times_s: Float64Array, video: VideoInfo) -> Measured:
        """Analyse the frames that were added; `times_s` are the times of all frames of the clip."""
        face = self._follower.result()
        frame_index = np.array(self._index, dtype=np.int64)
        info = TrackInfo(
            video=video,
            step=self._degradation.step,
            frames_decoded=times_s.size,
            frames_failed=0,
            time_source="stream",
            complete=True,
            other_face_ratio=face.other_face_ratio,
            image_quality=face.image_quality,
        )
        track = Track(
            frame_index,
            times_s[frame_index],
            face.landmarks,
            face.second_pass_sample,
            face.second_pass_landmarks,
            face.second_pass_turn,
            info,
            face.picture_sample,
            face.picture_heights,
        )
        return analyze(track)


@dataclass(frozen=True, slots=True)
class Point:
    """The results in one condition; NaN for a value that cannot be measured.

    Attributes
    ----------
    value : float
        The condition, in the unit of its sweep.
    fixed_peak_to_peak : float
        Vertical peak-to-peak while the gaze is fixed; for several recordings, the median. Infinite
        if the face was lost, NaN without a clip whose gaze is fixed.
    moving_ratio : float
        Vertical peak-to-peak of the moving clip, divided by its undisturbed value.
    f1 : float
        F1 of the detected blinks against the true ones.
    blink_count_error : int
        Number of detected blinks minus number of true blinks.
    blink_count : int
        Number of true blinks.
    face_coverage : float
        Mean share of the time with a face.
    canthal_distance_px, rate_hz : float
        Medians of the clips, as measured.
    bits_per_eye, eye_disagreement : float
        Medians of the clips; see `tracker.measures.quality.Quality`.
    image_quality : ImageQuality
        Medians of the clips.
    clips : int
        Number of all clips.
    """

    value: float
    fixed_peak_to_peak: float
    moving_ratio: float
    f1: float
    blink_count_error: int
    blink_count: int
    face_coverage: float
    canthal_distance_px: float
    rate_hz: float
    bits_per_eye: float
    eye_disagreement: float
    image_quality: ImageQuality
    clips: int

    @property
    def failures(self) -> list[str]:
        """Names of the criteria that are not met; one that cannot be measured is not met."""
        met = {
            "F1": self.f1 >= MIN_F1 or (math.isnan(self.f1) and self.blink_count == 0),
            "fixed": not self.fixed_peak_to_peak > MAX_FIXED_PEAK_TO_PEAK,
            "ratio": abs(self.moving_ratio - 1) <= MAX_RATIO_CHANGE,
            "coverage": self.face_coverage >= MIN_COVERAGE,
        }
        return [name for name, is_met in met.items() if not is_met]


@dataclass(frozen=True, slots=True)
class Sweep:
    """One condition, such as blur, at several levels.

    Attributes
    ----------
    name : str
        Name of the condition.
    unit : str
        Unit of the points' values, in words.
    points : list of Point
    log : bool
        Whether a plot's axis is logarithmic.
    """

    name: str
    unit: str
    points: list[Point] = field(default_factory=list)
    log: bool = False


def make_point(
    value: float,
    measured: Sequence[Measured],
    scores: Sequence[ClipScore],
    fixed: Sequence[Measured],
    moving: Measured | None,
) -> Point:
    """Combine the clips of one condition into a point of its sweep.

    Its `moving_ratio` is not yet a ratio: it is the range, which the caller divides by the
    undisturbed one.

    Parameters
    ----------
    value : float
        The level of the condition, in the unit of its sweep.
    measured : sequence of Measured
        All clips.
    scores : sequence of ClipScore
        Scores of the clips whose blinks are known.
    fixed : sequence of Measured
        The clips in which the gaze is fixed.
    moving : Measured or None
        The clip in which the gaze moves by a known range.

    Returns
    -------
    Point
    """
    blinks = summarize_scores(scores)
    qualities = [clip.quality for clip in measured]
    still = [clip.analysis.measures.vertical_peak_to_peak for clip in fixed]

    def median(name: str) -> float:
        return median_finite(np.array([getattr(quality, name) for quality in qualities]))

    return Point(
        value=value,
        # A clip whose face was lost gets the worst value; it is not left out.
        fixed_peak_to_peak=(
            float(np.median([math.inf if math.isnan(v) else v for v in still]))
            if still
            else math.nan
        ),
        moving_ratio=moving.analysis.measures.vertical_peak_to_peak if moving else math.nan,
        f1=blinks.f1,
        blink_count_error=blinks.count_error,
        blink_count=blinks.true_positives + blinks.false_negatives,
        face_coverage=float(np.mean([quality.face_coverage for quality in qualities])),
        canthal_distance_px=median("canthal_distance_px"),
        rate_hz=median("sampled_rate_hz"),
        bits_per_eye=median("bits_per_eye"),
        eye_disagreement=median("eye_disagreement"),
        image_quality=median_quality([clip.analysis.track.info.image_quality for clip in measured]),
        clips=len(measured),
    )


_HEADER = (
    f"{'':>9} {'fixed':>6} {'ratio':>6} {'F1':>6} {'blinks':>8} {'cover':>6} {'eye px':>6} "
    f"{'Hz':>5} {'sharp':>6} {'c/n':>6} {'noise':>6} {'grey':>5} {'clip':>5} "
    f"{'bits':>6} {'disag':>6}  broken"
)


def format_sweep(sweep: Sweep) -> str:
    """Return a sweep as a table."""
    lines = [f"\n{sweep.name}: {sweep.unit}", _HEADER]
    for point in sweep.points:
        quality = point.image_quality
        found = point.blink_count + point.blink_count_error
        lines.append(
            f"{point.value:9.4g} {point.fixed_peak_to_peak:6.3f} {point.moving_ratio:6.2f} "
            f"{point.f1:6.3f} {f'{found}/{point.blink_count}':>8} {point.face_coverage:6.2f} "
            f"{point.canthal_distance_px:6.1f} {point.rate_hz:5.1f} {quality.sharpness:6.3f} "
            f"{quality.contrast_over_noise:6.1f} {quality.noise_std:6.2f} {quality.face_grey:5.0f} "
            f"{quality.clipped_share:5.2f} {point.bits_per_eye:6.1f} {point.eye_disagreement:6.3f}"
            f"  {' '.join(point.failures)}"
        )
    return "\n".join(lines)


def write_results(stem: Path, text: str, document: dict[str, Any]) -> None:
    """Write the tables as ``STEM.txt`` and the numbers as ``STEM.json``."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".txt").write_text(text + "\n")
    stem.with_suffix(".json").write_text(to_json(document, indent=1) + "\n")
    print(f"written {stem.with_suffix('.txt')}, {stem.with_suffix('.json')}")


BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#999999"


def draw_sweeps(
    path: Path, sweeps: Sequence[Sweep], draw_first: Sequence[Callable[[Any], None]] = ()
) -> None:
    """Draw a picture with a panel for each sweep, after the panels that `draw_first` draws.

    Each function of `draw_first` gets matplotlib's axes of its panel.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    panels = len(sweeps) + len(draw_first)
    columns = min(5, panels)
    rows = math.ceil(panels / columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(2.7 * columns, 2.3 * rows + 0.5), layout="constrained"
    )
    axes_left = list(np.atleast_1d(grid).ravel())
    for draw_panel in draw_first:
        draw_panel(axes_left.pop(0))
    threshold = Parameters().vpp_thresh
    for sweep in sweeps:
        axes = axes_left.pop(0)
        values = [point.value for point in sweep.points]
        lines: tuple[tuple[str, list[float], str, str], ...] = (
            (
                "moving gaze's range / undisturbed",
                [p.moving_ratio for p in sweep.points],
                BLUE,
                "o-",
            ),
            ("blink F1", [p.f1 for p in sweep.points], GREEN, "^-"),
            ("face coverage", [p.face_coverage for p in sweep.points], GREY, ":"),
            (
                f"fixed gaze's range / {threshold:g}",
                [p.fixed_peak_to_peak / threshold for p in sweep.points],
                ORANGE,
                "v-",
            ),
        )
        axes.axhspan(
            1 - MAX_RATIO_CHANGE, 1 + MAX_RATIO_CHANGE, color=GREY, alpha=0.15, linewidth=0
        )
        axes.axhline(MAX_FIXED_PEAK_TO_PEAK / threshold, color=ORANGE, lw=0.7, ls="--")
        for label, ys, colour, style in lines:
            axes.plot(values, ys, style, color=colour, ms=3, lw=1, label=label)
        axes.set_ylim(0, 1.4)
        if len(values) <= 5 and not sweep.log:
            axes.set_xticks(values)
        elif not sweep.log:
            axes.locator_params(axis="x", nbins=5)
        else:
            axes.set_xscale("log")
            shown = values if len(values) <= 5 else values[:: math.ceil(len(values) / 5)]
            axes.set_xticks(shown, [f"{value:.3g}" for value in shown])
            axes.minorticks_off()
        axes.set_title(sweep.name, fontsize=9)
        axes.set_xlabel(sweep.unit, fontsize=8)
    for axes in figure.axes:
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
    for axes in axes_left:
        axes.remove()
    handles, labels = figure.axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    print(f"written {path}")
