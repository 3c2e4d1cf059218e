"""``python -m benchmarks.accuracy``: what the measures do as a recording gets worse.

Each sweep worsens one condition of synthetic clips whose truth is known: one in which the gaze
stays fixed, one in which it goes up and then down by `AMPLITUDE`, both with blinks. The same
pictures are degraded again in each condition and go straight to the face tracking, without a codec,
except where the codec or the decoder's step is the subject. With ``--recordings DIR`` annotated
recordings are degraded instead; nothing of their pictures is written.
"""

import argparse
import csv
import functools
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.synthetic import ClipSpec, GazePhase, compute_truth, make_spec, render_frame
from benchmarks.synthetic import write_clip as write_synthetic_clip
from kernels import BLINK
from tracker.analysis import Analysis, analyze_track, median_finite
from tracker.assessment import Quality, measure_quality
from tracker.decode import Image, Video, VideoInfo, repair_times
from tracker.face_mesh import FaceMesh, Region
from tracker.faces import FaceFinder, FaceFollower
from tracker.output import to_json
from tracker.parameters import Parameters
from tracker.track import Track, TrackInfo, track_video

Float64Array = NDArray[np.float64]
Interval = tuple[float, float]

# The undisturbed synthetic clip.
SIDE_PX = 400
ENCODED_SIDE_PX = 384
"""Of the clips that are encoded, the face as large: x264's output differs from run to run at sides
like 400 (its macroblock tree in assembly; not with ``mbtree=0`` or ``asm=0``), not at this one."""
DURATION_S = 8.0
SHORT_DURATION_S = 4.0
FPS = 30.0
AMPLITUDE = 0.12
"""Gaze up and down in the moving clip, in canthal distances."""
BLINKS_PER_MIN = 45.0
"""Three times the normal rate: the more events, the finer the F1."""
SWAY_PX = 4.0
"""A tenth of the eye's width: a head at perfect rest would sample the same pixels all the time."""
NOISE_STD = 3.0
"""Grey levels; of an ordinary indoor recording, and of darkened pictures all the same."""
FIXED_SEED, MOVING_SEED = 1, 2

# What counts as broken.
MIN_F1 = 0.95
MAX_FIXED_PEAK_TO_PEAK = 0.02
MAX_RATIO_CHANGE = 0.1
MIN_COVERAGE = 0.95

# The measures of a picture.
SHARPNESS_GRID_PX = 20
"""Canthal distance on the grid that sharpness is measured on: no larger than the smallest eye that
is to be assessed, so that it does not depend on how much larger the eye is filmed."""
EYE_BOX_U, EYE_BOX_V = 0.6, 0.35
"""Half width and half height of the eye's box in canthal distances: the lids, not the brows."""
BLACK_LEVEL, WHITE_LEVEL = 4, 251
"""Grey levels up to and from which a pixel counts as clipped."""
WATCH_INTERVAL_FRAMES = 10

_CANTHI = ((362, 263), (33, 133))
"""FaceMesh's canthi of the left and the right eye, each from left to right in the image."""
_NOISE_MARGIN_PX = 64


@dataclass(frozen=True, slots=True)
class Degradation:
    """What happens to a picture between the face and the file: optics, sensor, exposure, noise.

    Attributes
    ----------
    scale : float
        Size over the original size; reduced by averaging, as a sensor with fewer pixels does.
    blur_sigma_px : float
        Gaussian, in pixels of the reduced picture.
    gain : float
        Factor on the grey levels, which are clipped at white.
    noise_std : float
        Grey levels, added after the gain: what a darkened picture drowns in.
    step : int
        Every how many frames one is kept.
    """

    scale: float = 1.0
    blur_sigma_px: float = 0.0
    gain: float = 1.0
    noise_std: float = NOISE_STD
    step: int = 1

    def apply(self, image: Image, index: int) -> Image:
        """Degrade a frame; its index decides the noise."""
        picture: Any = image
        if self.scale != 1:
            size = [max(2, round(self.scale * side)) for side in image.shape[1::-1]]
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        if self.blur_sigma_px > 0:
            picture = cv2.GaussianBlur(picture, (0, 0), self.blur_sigma_px)
        if self.gain != 1:
            picture = cv2.convertScaleAbs(picture, alpha=self.gain)
        if self.noise_std > 0:
            height, width = picture.shape[:2]
            noise = _noise_field(height, width, self.noise_std)
            top, left = np.random.default_rng((1, index)).integers(0, _NOISE_MARGIN_PX, 2)
            part = noise[top : top + height, left : left + width]
            picture = cv2.add(picture, part, dtype=cv2.CV_8U)
        return picture  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=64)
def _noise_field(height: int, width: int, std: float) -> NDArray[np.int8]:
    """Return noise larger than a frame, of which each frame takes another part: drawing it anew
    would take longer than all the rest."""
    shape = (height + _NOISE_MARGIN_PX, width + _NOISE_MARGIN_PX, 3)
    noise = std * np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    rounded: NDArray[np.int8] = np.clip(np.rint(noise), -127, 127).astype(np.int8)
    return rounded


@dataclass(frozen=True, slots=True)
class PictureQuality:
    """How well a picture shows a face and its eyes; NaN where it cannot be measured.

    Attributes
    ----------
    sharpness : float
        Variance of the Laplacian over the variance of the grey levels, in the boxes around the
        eyes, turned upright and resampled to `SHARPNESS_GRID_PX` a canthal distance. 0 = nothing
        but slow shading; white noise would read 20.
    eye_contrast : float
        Standard deviation of the grey levels in the same boxes.
    noise_std : float
        Of the grey levels in the face's box, after Immerkær [1]_.
    face_grey : float
        Mean grey level of the box around the face's landmarks.
    clipped_share : float
        Share of that box's pixels that are black or white, see `BLACK_LEVEL`.

    References
    ----------
    .. [1] J. Immerkær, "Fast Noise Variance Estimation", Computer Vision and Image Understanding
       64 (2), 1996: the mean absolute answer to a difference of two Laplacians.
    """

    sharpness: float = math.nan
    eye_contrast: float = math.nan
    noise_std: float = math.nan
    face_grey: float = math.nan
    clipped_share: float = math.nan


def measure_picture(image: Image, points: NDArray[np.float32]) -> PictureQuality:
    """Measure sharpness and exposure of a face.

    Parameters
    ----------
    image : ndarray, shape (height, width, 3), uint8
        Blue-green-red.
    points : ndarray, shape (478, 2), float32
        All landmarks of the face in pixels.

    Returns
    -------
    PictureQuality
    """
    height, width = image.shape[:2]
    left, top = np.maximum(points.min(axis=0).astype(int), 0)
    right, bottom = np.minimum(points.max(axis=0).astype(int) + 1, (width, height))
    if right - left < 3 or bottom - top < 3:
        return PictureQuality()
    grey: Any = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    face = grey[top:bottom, left:right].astype(np.float32)
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    answer = cv2.filter2D(face, cv2.CV_32F, mask)[1:-1, 1:-1]
    sharpness, contrast = [], []
    for first, second in _CANTHI:
        box = _sample_eye(grey, points[first], points[second])
        variance = float(box.var())
        edges = cv2.Laplacian(box, cv2.CV_32F)[1:-1, 1:-1]
        sharpness.append(float(edges.var()) / variance if variance > 0 else math.nan)
        contrast.append(math.sqrt(variance))
    clipped = (face <= BLACK_LEVEL) | (face >= WHITE_LEVEL)
    return PictureQuality(
        sharpness=float(np.mean(sharpness)),
        eye_contrast=float(np.mean(contrast)),
        # The mask's norm is 6; a normal variable's mean absolute value is sqrt(2 / pi) of its std.
        noise_std=float(np.abs(answer).mean()) * math.sqrt(math.pi / 2) / 6,
        face_grey=float(face.mean()),
        clipped_share=float(clipped.mean()),
    )


def _sample_eye(grey: Any, first: NDArray[Any], second: NDArray[Any]) -> Any:
    """Resample the box around an eye, float32, upright, `SHARPNESS_GRID_PX` between the canthi."""
    axis = (second - first).astype(np.float64)
    # Frame pixels per grid pixel.
    step = axis / SHARPNESS_GRID_PX
    columns, rows = (round(2 * half * SHARPNESS_GRID_PX) for half in (EYE_BOX_U, EYE_BOX_V))
    turn = np.array([[step[0], -step[1]], [step[1], step[0]]])
    origin = (first + second) / 2 - turn @ np.array([(columns - 1) / 2, (rows - 1) / 2])
    # What the grid is too coarse for is averaged away, not folded back. Only around the eye.
    reduction = float(np.hypot(*step))
    reach = float(np.hypot(*axis)) + 3 * reduction + 2
    middle = (first + second) / 2
    left, top = np.maximum((middle - reach).astype(int), 0)
    part = grey[top : int(middle[1] + reach) + 1, left : int(middle[0] + reach) + 1]
    if part.size == 0:
        return np.zeros((rows, columns), np.float32)
    part = part.astype(np.float32)
    if reduction > 1:
        part = cv2.GaussianBlur(part, (0, 0), 0.5 * math.sqrt(reduction**2 - 1) + 1e-3)
    return cv2.warpAffine(
        part,
        np.column_stack((turn, origin - (left, top))),
        (columns, rows),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


class _Watcher:
    """The models, and the pictures' quality in every `WATCH_INTERVAL_FRAMES`-th face they see."""

    def __init__(self, finder: FaceFinder) -> None:
        self._finder = finder
        self._seen = 0
        self._measured: list[PictureQuality] = []

    def detect(self, image: Image) -> list[Region]:
        return self._finder.detect(image)

    def find_landmarks(self, image: Image, region: Region) -> NDArray[np.float32] | None:
        points = self._finder.find_landmarks(image, region)
        if points is not None:
            if self._seen % WATCH_INTERVAL_FRAMES == 0:
                self._measured.append(measure_picture(image, points))
            self._seen += 1
        return points

    def result(self) -> PictureQuality:
        """Return the medians: blinks are the minority."""
        return _median_picture(self._measured)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a clip measures as under a condition."""

    analysis: Analysis
    quality: Quality
    picture: PictureQuality

    @property
    def blinks_s(self) -> list[Interval]:
        """Half-open, in seconds."""
        times_s = self.analysis.track.times_s
        return [(float(times_s[a]), float(times_s[b])) for a, b in self._blinks(times_s.size - 1)]

    @property
    def blinks_frames(self) -> list[Interval]:
        """Half-open, in frames of the source."""
        track = self.analysis.track
        frames = np.append(track.frame_index, track.frame_index[-1] + track.info.step)
        return [(int(frames[a]), int(frames[b])) for a, b in self._blinks(frames.size - 1)]

    def _blinks(self, last: int) -> list[tuple[int, int]]:
        closures = self.analysis.closures
        found = closures.interval[closures.kind == BLINK]
        return [(int(start), min(int(stop), last)) for start, stop in found]


class _Run:
    """A clip under one degradation, fed frame by frame."""

    def __init__(self, finder: FaceFinder, degradation: Degradation, max_frames: int) -> None:
        self._degradation = degradation
        self._watcher = _Watcher(finder)
        self._follower = FaceFollower(self._watcher, max_frames, degradation.step)
        self._index: list[int] = []

    def add(self, image: Image, index: int) -> None:
        if index % self._degradation.step == 0:
            self._follower.add(self._degradation.apply(image, index))
            self._index.append(index)

    def finish(self, times_s: Float64Array, video: VideoInfo) -> Measured:
        """Analyse; `times_s` are those of all frames of the clip."""
        landmarks, other_face_ratio = self._follower.result()
        frame_index = np.array(self._index, dtype=np.int64)
        info = TrackInfo(
            video=video,
            step=self._degradation.step,
            frames_decoded=times_s.size,
            frames_failed=0,
            time_source="stream",
            complete=True,
            other_face_ratio=other_face_ratio,
        )
        track = Track(frame_index, times_s[frame_index], landmarks, info)
        return _analyze(track, self._watcher.result())


def _analyze(track: Track, picture: PictureQuality) -> Measured:
    analysis = analyze_track(track, Parameters(step=track.info.step))
    return Measured(analysis, measure_quality(analysis), picture)


def measure_spec(
    finder: FaceFinder, spec: ClipSpec, degradations: Sequence[Degradation]
) -> list[Measured]:
    """Render a clip once and measure it under each degradation."""
    times_s = compute_truth(spec).times_s
    runs = [_Run(finder, degradation, times_s.size) for degradation in degradations]
    for index, time_s in enumerate(times_s):
        image = render_frame(spec, float(time_s))
        for run in runs:
            run.add(image, index)
    video = VideoInfo(spec.width, spec.height, spec.fps, times_s.size)
    return [run.finish(times_s, video) for run in runs]


def measure_encoded(finder: FaceFinder, spec: ClipSpec, steps: Sequence[int]) -> list[Measured]:
    """Encode a clip, decode every `step`-th frame as the product does, and measure."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_synthetic_clip(clip, spec)
        for step in steps:
            watcher = _Watcher(finder)
            track = track_video(clip, watcher, step, spec.frame_count)
            found.append(_analyze(track, watcher.result()))
    return found


def score_blinks(predicted: Iterable[Interval], true: Iterable[Interval]) -> tuple[int, int, int]:
    """Match half-open intervals that overlap, each used once.

    Returns
    -------
    hits, false, missed : int
    """
    left, hits, missed = list(predicted), 0, 0
    for start, stop in true:
        match = next((p for p in left if p[0] < stop and start < p[1]), None)
        if match is None:
            missed += 1
        else:
            left.remove(match)
            hits += 1
    return hits, len(left), missed


def compute_f1(hits: int, false: int, missed: int) -> float:
    """Return F1; NaN where there is nothing to find and nothing was found."""
    return 2 * hits / (2 * hits + false + missed) if hits + false + missed else math.nan


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured in one condition; NaN where it cannot be.

    Attributes
    ----------
    value : float
        The condition, in the unit of its sweep.
    fixed_peak_to_peak : float
        Vertical peak-to-peak while the gaze is fixed; of recordings the median. Infinite where the
        face was lost, NaN without a clip whose gaze is fixed.
    moving_ratio : float
        That of the moving clip over its undisturbed value.
    f1 : float
    blink_count_error : int
        Blinks found less blinks there.
    blink_count : int
        Blinks there.
    face_coverage : float
    canthal_distance_px, rate_hz : float
        As measured.
    picture : PictureQuality
    clips : int
        Clips that the blinks and the fixed gaze are of.
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
    picture: PictureQuality
    clips: int

    @property
    def failures(self) -> list[str]:
        """Which criteria it does not meet; what cannot be measured is not met."""
        met = {
            "F1": self.f1 >= MIN_F1 or (math.isnan(self.f1) and self.blink_count == 0),
            "fixed": not self.fixed_peak_to_peak > MAX_FIXED_PEAK_TO_PEAK,
            "ratio": abs(self.moving_ratio - 1) <= MAX_RATIO_CHANGE,
            "coverage": self.face_coverage >= MIN_COVERAGE,
        }
        return [name for name, is_met in met.items() if not is_met]


@dataclass(frozen=True, slots=True)
class Sweep:
    """One condition at several levels.

    Attributes
    ----------
    name : str
    unit : str
        Of the points' values, in words.
    points : list of Point
    log : bool
        Whether a plot's axis is logarithmic.
    """

    name: str
    unit: str
    points: list[Point] = field(default_factory=list)
    log: bool = False


@dataclass(frozen=True, slots=True)
class GazeResponse:
    """Measured against drawn gaze, frame by frame, over a staircase from -0.14 to 0.14."""

    zoom: float
    roll_deg: float
    vertical_slope: float
    vertical_r2: float
    horizontal_slope: float
    horizontal_r2: float


@dataclass(frozen=True, slots=True)
class GazeRange:
    """Measured peak-to-peak at a drawn one, in canthal distances."""

    drawn: float
    vertical: float
    horizontal: float


LARGEST_GAZE = 0.14
STAIRS = 15
STAIR_S = 0.2


def _base_spec(duration_s: float, **fields: Any) -> ClipSpec:
    base = {"width": SIDE_PX, "height": SIDE_PX, "fps": FPS, "sway_px": SWAY_PX}
    return make_spec(duration_s, **(base | fields))


def measure_gaze_response(
    finder: FaceFinder, zoom: float = 1.0, roll_deg: float = 0.0
) -> GazeResponse:
    """Measure how the gaze offset follows the drawn gaze, up, down and sideways.

    Parameters
    ----------
    finder : FaceFinder
    zoom, roll_deg : float
        Of the clip, see `ClipSpec`.

    Returns
    -------
    GazeResponse
    """
    levels = np.linspace(-LARGEST_GAZE, LARGEST_GAZE, STAIRS)
    found: list[float] = []
    for vertical, horizontal in ((1, 0), (0, 1)):
        gaze = tuple(
            GazePhase(place * STAIR_S, vertical * level, horizontal * level)
            for place, level in enumerate(levels.tolist())
        )
        spec = _base_spec(
            STAIRS * STAIR_S, blinks_per_min=0.0, gaze=gaze, zoom=zoom, roll_deg=roll_deg
        )
        truth = compute_truth(spec)
        drawn = truth.gaze_vertical if vertical else truth.gaze_horizontal
        (measured,) = measure_spec(finder, spec, [Degradation()])
        analysis = measured.analysis
        offset = analysis.vertical_offset if vertical else analysis.horizontal_offset
        found += _fit(drawn[analysis.gaze_valid], offset[analysis.gaze_valid])
    return GazeResponse(zoom, roll_deg, *found)


def measure_gaze_range(finder: FaceFinder, amplitude: float) -> GazeRange:
    """Measure the peak-to-peak of a gaze that goes to and fro by an amplitude."""
    found = []
    for vertical, horizontal in ((1, 0), (0, 1)):
        gaze = tuple(
            GazePhase(start_s, vertical * level, horizontal * level)
            for start_s, level in ((0.0, -amplitude), (1.5, amplitude))
        )
        (measured,) = measure_spec(
            finder, _base_spec(3.0, blinks_per_min=0.0, gaze=gaze), [Degradation()]
        )
        measures = measured.analysis.measures
        found.append(
            measures.vertical_peak_to_peak if vertical else measures.horizontal_peak_to_peak
        )
    return GazeRange(2 * amplitude, *found)


def _fit(drawn: Float64Array, measured: Float64Array) -> tuple[float, float]:
    """Return the slope of a line and its R²."""
    slope = float(np.polyfit(drawn, measured, 1)[0])
    return slope, float(np.corrcoef(drawn, measured)[0, 1] ** 2)


def make_pair(duration_s: float = DURATION_S, **fields: Any) -> tuple[ClipSpec, ClipSpec]:
    """Make the clip with fixed gaze and the one that looks up, then down, half the time each."""
    fixed, moving = (
        _base_spec(
            duration_s,
            blinks_per_min=BLINKS_PER_MIN,
            seed=seed,
            gaze=(GazePhase(0.0, -amplitude), GazePhase(duration_s / 2, amplitude)),
            **fields,
        )
        for seed, amplitude in ((FIXED_SEED, 0.0), (MOVING_SEED, AMPLITUDE))
    )
    return fixed, moving


def _make_point(
    value: float, specs: tuple[ClipSpec, ClipSpec], pair: tuple[Measured, Measured]
) -> Point:
    """Score a pair of clips; the moving ratio is still the range itself."""
    scores = np.zeros(3, dtype=np.int64)
    for spec, measured in zip(specs, pair, strict=True):
        true = [(event.onset_s, event.offset_s) for event in compute_truth(spec).closures]
        scores += score_blinks(measured.blinks_s, true)
    hits, false, missed = scores.tolist()
    fixed, moving = pair
    return Point(
        value=value,
        fixed_peak_to_peak=_or_lost(fixed.analysis.measures.vertical_peak_to_peak),
        moving_ratio=moving.analysis.measures.vertical_peak_to_peak,
        f1=compute_f1(hits, false, missed),
        blink_count_error=false - missed,
        blink_count=hits + missed,
        face_coverage=_mean_coverage(pair),
        canthal_distance_px=median_finite(np.array([m.quality.canthal_distance_px for m in pair])),
        rate_hz=median_finite(np.array([m.quality.sampled_rate_hz for m in pair])),
        picture=_median_picture([m.picture for m in pair]),
        clips=len(pair),
    )


def run_sweeps(
    finder: FaceFinder, short: bool, only: Sequence[str] = (), report: Callable[[str], None] = print
) -> list[Sweep]:
    """Measure every sweep.

    Parameters
    ----------
    finder : FaceFinder
    short : bool
        Clips of half the length and two or three levels a sweep.
    only : sequence of str
        Names of the sweeps to run; all if empty.
    report : callable
        Takes a line about each sweep as it is done.

    Returns
    -------
    list of Sweep
        Each with the undisturbed condition among its points.
    """
    duration_s = SHORT_DURATION_S if short else DURATION_S
    specs = make_pair(duration_s)
    plain = [measure_spec(finder, spec, [Degradation()])[0] for spec in specs]
    base = _make_point(math.nan, specs, (plain[0], plain[1]))
    eye_px = base.canthal_distance_px
    sweeps: list[Sweep] = []

    def add(
        sweep: Sweep, points: Iterable[Point], base_value: float | None, in_order: bool = False
    ) -> None:
        if base_value is not None:
            points = [replace(base, value=base_value), *points]
        if in_order:
            points = sorted(points, key=lambda point: point.value)
        sweep.points.extend(
            replace(point, moving_ratio=point.moving_ratio / base.moving_ratio) for point in points
        )
        sweeps.append(sweep)
        report(format_sweep(sweep))

    def wanted(name: str) -> bool:
        return not only or name in only

    # Those that degrade the same pictures share their rendering.
    degraded: list[tuple[Sweep, float, list[tuple[float, Degradation]]]] = []
    sizes_px = (20, 10) if short else (30, 24, 20, 16, 14, 12, 10, 8)
    degraded.append(
        (
            Sweep("size", "canthal distance (px)", log=True),
            eye_px,
            [(size, Degradation(scale=size / eye_px)) for size in sizes_px],
        )
    )
    blurs = (0.08, 0.16) if short else (0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.16)
    degraded.append(
        (
            Sweep("blur", "Gaussian sigma (canthal distances)"),
            0.0,
            [(sigma, Degradation(blur_sigma_px=sigma * eye_px)) for sigma in blurs],
        )
    )
    noises = (20.0,) if short else (6.0, 12.0, 20.0, 30.0)
    degraded.append(
        (
            Sweep("noise", "noise (std, grey levels)"),
            NOISE_STD,
            [(std, Degradation(noise_std=std)) for std in noises],
        )
    )
    darks = (0.12,) if short else (0.5, 0.25, 0.12, 0.08, 0.05, 0.03)
    degraded.append(
        (
            Sweep("dark", "gain, noise unchanged", log=True),
            1.0,
            [(gain, Degradation(gain=gain)) for gain in darks],
        )
    )
    brights = (2.5,) if short else (1.5, 2.0, 2.5, 3.0, 4.0)
    degraded.append(
        (
            Sweep("bright", "gain, clipped at white", log=True),
            1.0,
            [(gain, Degradation(gain=gain)) for gain in brights],
        )
    )
    degraded = [item for item in degraded if wanted(item[0].name)]
    flat = [degradation for _, _, levels in degraded for _, degradation in levels]
    if flat:
        pairs = iter(zip(*(measure_spec(finder, spec, flat) for spec in specs), strict=True))
        for sweep, base_value, levels in degraded:
            points = [
                _make_point(value, specs, pair)
                for (value, _), pair in zip(levels, pairs, strict=False)
            ]
            add(sweep, points, base_value)

    def render(value: float, **fields: Any) -> Point:
        made = make_pair(**({"duration_s": duration_s} | fields))
        pair = [measure_spec(finder, spec, [Degradation()])[0] for spec in made]
        return _make_point(value, made, (pair[0], pair[1]))

    if wanted("zoom"):
        zooms = (0.4,) if short else (1.5, 0.75, 0.5, 0.4, 0.3, 0.2)
        points = [render(zoom, zoom=zoom) for zoom in zooms]
        add(Sweep("zoom", "zoom in the same frame", log=True), points, 1.0, in_order=True)
    if wanted("roll"):
        rolls = (-20.0, 20.0) if short else (-20.0, -10.0, 10.0, 20.0)
        points = [render(roll, roll_deg=roll) for roll in rolls]
        add(Sweep("roll", "head roll (degrees)"), points, 0.0, in_order=True)
    if wanted("rate"):
        rates = (10.0, 5.0) if short else (60.0, 20.0, 15.0, 10.0, 7.5, 5.0)
        points = [render(rate, fps=rate) for rate in rates]
        add(Sweep("rate", "frames per second", log=True), points, FPS, in_order=True)
    if wanted("length"):
        lengths_s = (3.0,) if short else (3.0, 5.0, 15.0)
        points = [render(length_s, duration_s=length_s) for length_s in lengths_s]
        add(
            Sweep("length", "length of the recording (s)", log=True),
            points,
            duration_s,
            in_order=True,
        )

    steps = (1, 3) if short else (1, 2, 3, 4)
    crfs = (40,) if short else (30, 36, 42, 51)
    encoded: dict[str, Any] = {
        "width": ENCODED_SIDE_PX,
        "height": ENCODED_SIDE_PX,
        "zoom": SIDE_PX / ENCODED_SIDE_PX,
        "noise_std": NOISE_STD,
    }
    if wanted("step") or wanted("compression"):
        made = make_pair(duration_s, **encoded)
        pairs_by_step = list(zip(*(measure_encoded(finder, s, steps) for s in made), strict=True))
        points = [
            _make_point(step, made, pair) for step, pair in zip(steps, pairs_by_step, strict=True)
        ]
        if wanted("step"):
            add(Sweep("step", "step, of 30 frames per second"), points, None)
        if wanted("compression"):
            points = [replace(points[0], value=made[0].crf)]
            for crf in crfs:
                made = make_pair(duration_s, crf=crf, **encoded)
                pair = [measure_encoded(finder, spec, [1])[0] for spec in made]
                points.append(_make_point(crf, made, (pair[0], pair[1])))
            add(Sweep("compression", "H.264 constant rate factor"), points, None)
    return sweeps


# Recordings of real people, degraded


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording and its annotation, in frames of the source, half-open.

    Attributes
    ----------
    path : Path
    blinks : list of (int, int), or None
        None: the blinks are not annotated.
    annotated : (int, int)
        Where they are.
    fixed : bool
        Whether the person looks at the camera all the time.
    """

    path: Path
    blinks: list[Interval] | None
    annotated: Interval = (0, math.inf)
    fixed: bool = False


def find_recordings(folder: Path) -> list[Recording]:
    """Read the annotations of a folder laid out like ``shared/data``.

    Parameters
    ----------
    folder : Path
        Holds ``zju/`` (people who look at the camera), ``blinks/`` and ``gaze/up_down.mp4``.

    Returns
    -------
    list of Recording
        The one that looks up and down is last.
    """
    true: dict[str, list[Interval]] = {}
    for row in _read_rows(folder / "zju/blinks.csv"):
        true.setdefault(row["video"], []).append((int(row["start"]), int(row["end"]) + 1))
    recordings = [
        Recording(
            folder / "zju" / row["video"],
            true.get(row["video"], []),
            (int(row["tag_first"]), int(row["tag_last"]) + 1),
            fixed=True,
        )
        for row in _read_rows(folder / "zju/clips.csv")
    ]
    for path in sorted((folder / "blinks").glob("*.mp4")):
        blinks = [
            (int(row["start"]), int(row["end"]) + 1)
            for row in _read_rows(path.with_suffix(".blinks.csv"))
            if row["kind"] == "blink"
        ]
        recordings.append(Recording(path, [(float(a), float(b)) for a, b in blinks]))
    return [*recordings, Recording(folder / "gaze/up_down.mp4", None)]


def _read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def measure_recording(
    finder: FaceFinder, path: Path, degradations: Sequence[Degradation]
) -> list[Measured]:
    """Decode a recording once and measure it under each degradation."""
    with Video(path) as video:
        most = video.info.frame_count + 1000
        runs = [_Run(finder, degradation, most) for degradation in degradations]
        stream_times_s, frame_index = [], []
        for frame in video.frames():
            stream_times_s.append(frame.stream_time_s)
            frame_index.append(frame.index)
            for run in runs:
                # Places, not indices: a frame that cannot be decoded has no time.
                run.add(frame.image, len(frame_index) - 1)
        times_s, _ = repair_times(
            np.array(stream_times_s), np.array(frame_index, dtype=np.int64), video.info.fps
        )
        return [run.finish(times_s, video.info) for run in runs]


def _recording_levels(eye_px: float, short: bool) -> list[tuple[str, float, Degradation]]:
    """Return the levels of each sweep for a recording whose eyes are that wide."""
    # As decoded: the recording has noise of its own, except where the light is taken away.
    plain = Degradation(noise_std=0.0)
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
        *(("dark", gain, replace(plain, gain=gain, noise_std=NOISE_STD)) for gain in darks),
        *(("bright", gain, replace(plain, gain=gain)) for gain in brights),
        *(("noise", std, replace(plain, noise_std=std)) for std in noises),
    ]


_RECORDING_UNITS = {
    "size": ("canthal distance (px)", True),
    "step": ("step", False),
    "blur": ("Gaussian sigma (canthal distances)", False),
    "dark": ("gain, noise of 3 grey levels", True),
    "bright": ("gain, clipped at white", True),
    "noise": ("noise added (std, grey levels)", False),
}


def run_recordings(
    finder: FaceFinder,
    folder: Path,
    short: bool,
    report: Callable[[str], None] = print,
) -> tuple[Point, list[Sweep], dict[str, dict[str, float]]]:
    """Degrade the annotated recordings and measure them.

    Parameters
    ----------
    finder : FaceFinder
    folder : Path
        See `find_recordings`.
    short : bool
        Every fifth recording and fewer levels.
    report : callable
        Takes a line about each recording as it is done.

    Returns
    -------
    base : Point
        All recordings as they are.
    sweeps : list of Sweep
    as_recorded : dict
        The least, the median and the largest value of each quality over the recordings.
    """
    recordings = find_recordings(folder)
    if short:
        recordings = [*recordings[:-1:5], recordings[-1]]
    levels: dict[tuple[str, float], list[tuple[Recording, Measured]]] = {}
    plain: list[tuple[Recording, Measured]] = []
    for recording in recordings:
        start_s = time.perf_counter()
        (measured,) = measure_recording(finder, recording.path, [Degradation(noise_std=0.0)])
        plain.append((recording, measured))
        wanted = _recording_levels(measured.quality.canthal_distance_px, short)
        found = measure_recording(finder, recording.path, [level for *_, level in wanted])
        for (name, value, _), degraded in zip(wanted, found, strict=True):
            levels.setdefault((name, value), []).append((recording, degraded))
        report(f"{recording.path.name}: {time.perf_counter() - start_s:.0f} s")
    base = _recordings_point(math.nan, plain)
    moving = base.moving_ratio
    base = replace(base, moving_ratio=1.0)
    sweeps = [Sweep(name, unit, log=log) for name, (unit, log) in _RECORDING_UNITS.items()]
    for sweep in sweeps:
        for (name, value), found_pairs in levels.items():
            if name == sweep.name:
                point = _recordings_point(value, found_pairs)
                sweep.points.append(replace(point, moving_ratio=point.moving_ratio / moving))
        # In the order of the levels, not in that of the recordings that are large enough for them.
        sweep.points.sort(key=lambda point: point.value, reverse=sweep.name in ("size", "dark"))
        report(format_sweep(sweep))
    values: dict[str, list[float]] = {}
    for _, measured in plain:
        for name, value in (asdict(measured.quality) | asdict(measured.picture)).items():
            values.setdefault(name, []).append(value)
    as_recorded = {
        name: {"least": min(v), "median": median_finite(np.array(v)), "most": max(v)}
        for name, v in values.items()
    }
    return base, [sweep for sweep in sweeps if sweep.points], as_recorded


def _recordings_point(value: float, pairs: Sequence[tuple[Recording, Measured]]) -> Point:
    """Score recordings; the moving ratio is still the range itself."""
    scores = np.zeros(3, dtype=np.int64)
    fixed, moving = [], math.nan
    for recording, measured in pairs:
        if recording.fixed:
            fixed.append(measured.analysis.measures.vertical_peak_to_peak)
        if recording.blinks is None:
            moving = measured.analysis.measures.vertical_peak_to_peak
            continue
        first, stop = recording.annotated
        predicted = [p for p in measured.blinks_frames if p[0] < stop and first < p[1]]
        scores += score_blinks(predicted, recording.blinks)
    hits, false, missed = scores.tolist()
    every = [measured for _, measured in pairs]
    return Point(
        value=value,
        fixed_peak_to_peak=float(np.median([_or_lost(v) for v in fixed])) if fixed else math.nan,
        moving_ratio=moving,
        f1=compute_f1(hits, false, missed),
        blink_count_error=false - missed,
        blink_count=hits + missed,
        face_coverage=_mean_coverage(every),
        canthal_distance_px=median_finite(np.array([m.quality.canthal_distance_px for m in every])),
        rate_hz=median_finite(np.array([m.quality.sampled_rate_hz for m in every])),
        picture=_median_picture([m.picture for m in every]),
        clips=len(every),
    )


def _or_lost(peak_to_peak: float) -> float:
    """Return infinity for NaN: a face that was lost counts as the worst, not as absent."""
    return math.inf if math.isnan(peak_to_peak) else peak_to_peak


def _mean_coverage(measured: Sequence[Measured]) -> float:
    return float(np.mean([m.quality.face_coverage for m in measured]))


def _median_picture(pictures: Sequence[PictureQuality]) -> PictureQuality:
    return PictureQuality(
        **{
            name: median_finite(np.array([getattr(picture, name) for picture in pictures]))
            for name in PictureQuality.__dataclass_fields__
        }
    )


# What is printed, written and drawn

_HEADER = (
    f"{'':>9} {'fixed':>6} {'ratio':>6} {'F1':>6} {'blinks':>8} {'cover':>6} {'eye px':>6} "
    f"{'Hz':>5} {'sharp':>6} {'contr':>6} {'noise':>6} {'grey':>5} {'clip':>5}  broken"
)


def format_sweep(sweep: Sweep) -> str:
    """Write a sweep as a table."""
    lines = [f"\n{sweep.name}: {sweep.unit}", _HEADER]
    for point in sweep.points:
        picture = point.picture
        found = point.blink_count + point.blink_count_error
        lines.append(
            f"{point.value:9.4g} {point.fixed_peak_to_peak:6.3f} {point.moving_ratio:6.2f} "
            f"{point.f1:6.3f} {f'{found}/{point.blink_count}':>8} {point.face_coverage:6.2f} "
            f"{point.canthal_distance_px:6.1f} {point.rate_hz:5.1f} {picture.sharpness:6.3f} "
            f"{picture.eye_contrast:6.1f} {picture.noise_std:6.2f} {picture.face_grey:5.0f} "
            f"{picture.clipped_share:5.2f}  {' '.join(point.failures)}"
        )
    return "\n".join(lines)


def format_responses(responses: Sequence[GazeResponse]) -> str:
    """Write the gaze's slopes as a table."""
    lines = [
        "\nmeasured against drawn gaze, frame by frame",
        f"{'zoom':>6} {'roll':>6} {'slope':>7} {'R2':>7} {'horiz.':>7} {'R2':>7}",
    ]
    lines += [
        f"{r.zoom:6.2f} {r.roll_deg:6.0f} {r.vertical_slope:7.3f} {r.vertical_r2:7.4f} "
        f"{r.horizontal_slope:7.3f} {r.horizontal_r2:7.4f}"
        for r in responses
    ]
    return "\n".join(lines)


def format_ranges(ranges: Sequence[GazeRange]) -> str:
    """Write measured against drawn peak-to-peaks, and their slopes, as a table."""
    drawn = np.array([r.drawn for r in ranges])
    lines = ["\npeak-to-peak", f"{'drawn':>6} {'vert.':>7} {'horiz.':>7}"]
    lines += [f"{r.drawn:6.2f} {r.vertical:7.4f} {r.horizontal:7.4f}" for r in ranges]
    for name in ("vertical", "horizontal"):
        slope, r2 = _fit(drawn, np.array([getattr(r, name) for r in ranges]))
        lines.append(f"{name}: slope {slope:.3f}, R2 {r2:.4f}")
    return "\n".join(lines)


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(document, indent=1) + "\n")
    print(f"written {path}")


BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#999999"


def draw_sweeps(
    path: Path,
    sweeps: Sequence[Sweep],
    ranges: Sequence[GazeRange] = (),
    responses: Sequence[GazeResponse] = (),
) -> None:
    """Draw a panel for each sweep, after those of the gaze itself."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    panels = len(sweeps) + bool(ranges) + bool(responses)
    columns = min(5, panels)
    rows = math.ceil(panels / columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(2.7 * columns, 2.3 * rows + 0.5), layout="constrained"
    )
    axes_left = list(np.atleast_1d(grid).ravel())
    if ranges:
        axes = axes_left.pop(0)
        drawn = [r.drawn for r in ranges]
        axes.plot(drawn, [r.horizontal for r in ranges], "s-", color=GREY, ms=3, label="horizontal")
        axes.plot(drawn, [r.vertical for r in ranges], "o-", color=BLUE, ms=3, label="vertical")
        axes.set_title("gaze: measured range", fontsize=9)
        axes.set_xlabel("drawn range (canthal distances)", fontsize=8)
        axes.legend(fontsize=7)
    if responses:
        axes = axes_left.pop(0)
        plain = next(r for r in responses if r.zoom == 1 and r.roll_deg == 0)
        names = [
            "plain" if r is plain else f"x{r.zoom:g}" if r.zoom != 1 else f"{r.roll_deg:+.0f}°"
            for r in responses
        ]
        axes.axhspan(0.9, 1.1, color=GREY, alpha=0.2, linewidth=0)
        for name, colour, mark in (("vertical", BLUE, "o"), ("horizontal", GREY, "s")):
            slopes = np.array([getattr(r, f"{name}_slope") for r in responses])
            axes.plot(names, slopes / getattr(plain, f"{name}_slope"), mark, color=colour, ms=4)
        axes.set_ylim(0.7, 1.3)
        axes.tick_params(axis="x", labelrotation=60)
        axes.set_title("gaze: slope over plain one", fontsize=9)
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


def _parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--short", action="store_true", help="few levels, short clips")
    parser.add_argument("--out", type=Path, default=Path("results/accuracy"), metavar="DIR")
    parser.add_argument("--only", nargs="+", default=(), metavar="SWEEP", help="these sweeps only")
    parser.add_argument(
        "--recordings", type=Path, metavar="DIR", help="degrade the annotated recordings there"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sweeps; write the table, ``accuracy.json`` and ``accuracy.png``."""
    options = _parse_arguments(arguments)
    mesh = FaceMesh()
    start_s = time.process_time()
    if options.recordings is not None:
        base, sweeps, as_recorded = run_recordings(mesh, options.recordings, options.short)
        print(format_sweep(Sweep("as recorded", "", [base])))
        for name, values in as_recorded.items():
            print(f"{name:>20}", *(f"{label} {value:.3f}" for label, value in values.items()))
        document: dict[str, Any] = {"base": asdict(base), "as_recorded": as_recorded}
        document["sweeps"] = [asdict(sweep) for sweep in sweeps]
        _write_json(options.out / "recordings.json", document)
        draw_sweeps(options.out / "recordings.png", sweeps)
    else:
        ranges: list[GazeRange] = []
        responses: list[GazeResponse] = []
        if not options.only or "gaze" in options.only:
            amplitudes = (0.0, 0.06, 0.12) if options.short else np.arange(0, 0.15, 0.02).tolist()
            ranges = [measure_gaze_range(mesh, amplitude) for amplitude in amplitudes]
            print(format_ranges(ranges))
            zooms = () if options.short else (0.5, 0.75, 1.5)
            rolls = (20.0,) if options.short else (-20.0, -10.0, 10.0, 20.0)
            conditions = [(1.0, 0.0), *((zoom, 0.0) for zoom in zooms)]
            conditions += [(1.0, roll) for roll in rolls]
            responses = [measure_gaze_response(mesh, *condition) for condition in conditions]
            print(format_responses(responses))
        sweeps = run_sweeps(mesh, options.short, options.only)
        document = {
            "gaze_ranges": [asdict(r) for r in ranges],
            "gaze_responses": [asdict(r) for r in responses],
            "sweeps": [asdict(sweep) for sweep in sweeps],
        }
        _write_json(options.out / "accuracy.json", document)
        draw_sweeps(options.out / "accuracy.png", sweeps, ranges, responses)
    print(f"{time.process_time() - start_s:.0f} s of CPU time", file=sys.stderr)


if __name__ == "__main__":
    main()
