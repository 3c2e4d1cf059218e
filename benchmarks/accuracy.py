"""``python -m benchmarks.accuracy``: how the measures change as a synthetic clip gets worse.

Each sweep worsens one condition of two clips whose truth is known. In one, the gaze stays fixed; in
the other, it goes up and then down by `AMPLITUDE`. Both have blinks. The same pictures are degraded
in each condition and go straight to the face tracking. Only the sweeps of codecs and of the
decoder's step encode them first. Missing parts of a recording are simulated by removing them from
its track. Other clips show other faces, with lids that follow the gaze or do not
(`benchmarks.faces`). The results are compared with a stored baseline.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clips import (
    BLINKS_PER_MIN,
    FPS,
    NOISE_STD,
    PLAIN,
    SIDE_PX,
    base_spec,
    measure_spec,
    score_spec,
)
from benchmarks.faces import FacePoint, draw_faces, format_faces, measure_faces
from benchmarks.sweeps import (
    BLUE,
    GREY,
    Degradation,
    Float64Array,
    Measured,
    Point,
    Sweep,
    analyze,
    draw_sweeps,
    format_sweep,
    make_point,
    write_results,
)
from tracker.face.follow import FaceFinder
from tracker.face.mesh import FaceMesh
from tracker.lab.clip_spec import ClipSpec, GazePhase
from tracker.lab.synthetic import compute_truth
from tracker.lab.synthetic import write_clip as write_synthetic_clip
from tracker.tracks.track import Track, track_video

BASELINE = Path(__file__).parents[1] / "docs" / "accuracy.json"
NOTED_CHANGES = {
    "vertical": 0.005,
    "horizontal": 0.005,
    "vertical_slope": 0.02,
    "horizontal_slope": 0.02,
    "vertical_r2": 0.005,
    "horizontal_r2": 0.005,
    "fixed_peak_to_peak": 0.003,
    "moving_ratio": 0.03,
    "f1": 0.02,
    "face_coverage": 0.02,
    "range_error": 0.03,
    "rate_error": 0.03,
    "one_sided_error": 0.03,
    "up_share": 0.03,
    "down_share": 0.03,
    "down_range": 0.005,
    "ear_down": 0.03,
    "prolonged": 0,
    "low_deg": 3.0,
    "high_deg": 10.0,
}
"""Largest difference of each result from the baseline that is not mentioned."""

ENCODED_SIDE_PX = 384
"""Side of the clips that are encoded. The face has the same size in pixels. At sides like 400,
x264's output differs from run to run (because of its macroblock tree in assembly; not with
``mbtree=0`` or ``asm=0``); at this side it does not."""
DURATION_S = 8.0
SHORT_DURATION_S = 4.0
AMPLITUDE = 0.12
"""Gaze up and down in the moving clip, in canthal distances."""
FIXED_SEED, MOVING_SEED = 1, 2
TASK_S = 20.0
"""Length of the recording that loses parts: the app's task, 10 s up and 10 s down."""
DRAWS = 40

CODEC_LEVELS: dict[str, tuple[int, ...]] = {
    "h264": (20, 30, 33, 36, 42, 51),
    "hevc": (28, 34, 40, 46, 51),
    "vp9": (36, 51),
    "mpeg4": (5, 20, 51),
}
"""Constant quality; 51 is the worst. MPEG-4's quantiser is three fifths of it."""


def measure_encoded(finder: FaceFinder, spec: ClipSpec, steps: Sequence[int]) -> list[Measured]:
    """Encode the clip of a spec; for each of `steps`, decode every so many frames and measure.

    The clip is decoded and tracked as the product does it.
    """
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_synthetic_clip(clip, spec)
        return [analyze(track_video(clip, finder, step, spec.frame_count)) for step in steps]


@dataclass(frozen=True, slots=True)
class GazeResponse:
    """The measured gaze compared with the drawn one, frame by frame, on a clip with stairs of gaze.

    The stairs lead from -`LARGEST_GAZE` to `LARGEST_GAZE` canthal distances. Slope and R² are those
    of a line through the frames (measured over drawn), for vertical and for horizontal stairs;
    `zoom` and `roll_deg` are those of the clip; `framing_gain` is the correction that the product
    applied.
    """

    zoom: float
    roll_deg: float
    vertical_slope: float
    vertical_r2: float
    horizontal_slope: float
    horizontal_r2: float
    framing_gain: float


@dataclass(frozen=True, slots=True)
class GazeRange:
    """The peak-to-peak of a drawn gaze, and the measured one, in canthal distances.

    It is measured in two clips, in which the gaze moves vertically and horizontally.
    """

    drawn: float
    vertical: float
    horizontal: float


LARGEST_GAZE = 0.14
STAIRS = 15
STAIR_S = 0.8
"""Time on each stair. It gives more than thirty second passes to measure the gain from, as a
recording of the task does."""


def measure_gaze_response(
    finder: FaceFinder, zoom: float = 1.0, roll_deg: float = 0.0
) -> GazeResponse:
    """Measure how the gaze offset follows the drawn gaze, up, down and sideways.

    Parameters
    ----------
    finder : FaceFinder
    zoom, roll_deg : float
        Size of the face in the picture, and tilt of the head; see `ClipSpec`.

    Returns
    -------
    GazeResponse
    """
    levels = np.linspace(-LARGEST_GAZE, LARGEST_GAZE, STAIRS)
    fits, framing_gain = [], 1.0
    for vertical, horizontal in ((1, 0), (0, 1)):
        gaze = tuple(
            GazePhase(step * STAIR_S, vertical * level, horizontal * level)
            for step, level in enumerate(levels.tolist())
        )
        spec = base_spec(
            STAIRS * STAIR_S, blinks_per_min=0.0, gaze=gaze, zoom=zoom, roll_deg=roll_deg
        )
        truth = compute_truth(spec)
        drawn = truth.gaze_vertical if vertical else truth.gaze_horizontal
        (measured,) = measure_spec(finder, spec, [PLAIN])
        analysis = measured.analysis
        if vertical:
            framing_gain = analysis.gaze.framing_gain
        offset = analysis.gaze.vertical if vertical else analysis.gaze.horizontal
        fits.append(_fit(drawn[analysis.gaze.valid], offset[analysis.gaze.valid]))
    return GazeResponse(zoom, roll_deg, *fits[0], *fits[1], framing_gain=framing_gain)


def measure_gaze_range(finder: FaceFinder, amplitude: float) -> GazeRange:
    """Measure the peak-to-peak of a gaze that goes `amplitude` canthal distances to either side."""
    found = []
    for vertical, horizontal in ((1, 0), (0, 1)):
        gaze = tuple(
            GazePhase(start_s, vertical * level, horizontal * level)
            for start_s, level in ((0.0, -amplitude), (1.5, amplitude))
        )
        (measured,) = measure_spec(finder, base_spec(3.0, blinks_per_min=0.0, gaze=gaze), [PLAIN])
        measures = measured.analysis.measures
        found.append(
            measures.vertical_peak_to_peak if vertical else measures.horizontal_peak_to_peak
        )
    return GazeRange(2 * amplitude, *found)


def _fit(drawn: Float64Array, measured: Float64Array) -> tuple[float, float]:
    """Return slope and R² of the line through the measured values over the drawn ones."""
    slope = float(np.polyfit(drawn, measured, 1)[0])
    return slope, float(np.corrcoef(drawn, measured)[0, 1] ** 2)


def make_pair(duration_s: float = DURATION_S, **fields: Any) -> tuple[ClipSpec, ClipSpec]:
    """Make the two clips of a sweep: one with a fixed gaze, one that looks up, then down.

    Up and down take half the time each; `fields` are those of `base_spec`.
    """
    fixed, moving = (
        base_spec(
            duration_s,
            blinks_per_min=BLINKS_PER_MIN,
            seed=seed,
            gaze=(GazePhase(0.0, -amplitude), GazePhase(duration_s / 2, amplitude)),
            **fields,
        )
        for seed, amplitude in ((FIXED_SEED, 0.0), (MOVING_SEED, AMPLITUDE))
    )
    return fixed, moving


def _make_pair_point(
    value: float, specs: tuple[ClipSpec, ClipSpec], pair: Sequence[Measured]
) -> Point:
    """Make the point of a sweep from what was measured of the clips of `make_pair`, in their order.

    `value` is the condition, in the unit of the sweep.
    """
    scores = [score_spec(spec, measured) for spec, measured in zip(specs, pair, strict=True)]
    fixed, moving = pair
    return make_point(value, pair, scores, [fixed], moving)


@dataclass(frozen=True, slots=True)
class Loss:
    """How wrong a recording's measures are when a part of it is missing.

    Attributes
    ----------
    value : float
        How much is left or lost: see `measure_losses` for each table's unit.
    range_error, rate_error : float
        Errors of the vertical peak-to-peak and of the blink rate, relative to their values in the
        whole recording. Where the lost parts are random: the 95th percentile of `DRAWS` draws. NaN
        if the table has none.
    one_sided_error : float
        Relative error of the range if the missing part is the end of the recording, and so of one
        direction of the gaze. NaN if the table has none.
    """

    value: float
    range_error: float
    rate_error: float
    one_sided_error: float


def _lose_face(track: Track, share: float, rng: np.random.Generator) -> Track:
    """Remove the face in random spells of 0.3 to 2 s until this share of the frames lacks it."""
    landmarks = track.landmarks.copy()
    while np.isnan(landmarks[:, 0, 0]).mean() < share:
        start_s, length_s = rng.uniform(-1, track.times_s[-1]), rng.uniform(0.3, 2)
        landmarks[(track.times_s >= start_s) & (track.times_s < start_s + length_s)] = np.nan
    return replace(track, landmarks=landmarks)


def _lose_frames(track: Track, share: float, rng: np.random.Generator) -> Track:
    """Remove the frames in random spells of 0.25 to 0.45 s until this share of time is gone."""
    keep = np.ones(track.times_s.size, dtype=np.bool_)
    while 1 - keep.mean() < share:
        start_s, length_s = rng.uniform(0, track.times_s[-1] - 0.5), rng.uniform(0.25, 0.45)
        keep &= ~((track.times_s > start_s) & (track.times_s < start_s + length_s))
    return _keep(track, keep)


def _keep(track: Track, keep: np.ndarray[Any, np.dtype[np.bool_]]) -> Track:
    turned, pictured = keep[track.second_pass_sample], keep[track.picture_sample]
    kept_index = np.cumsum(keep) - 1
    return replace(
        track,
        frame_index=track.frame_index[keep],
        # A track begins at 0.
        times_s=track.times_s[keep] - track.times_s[keep][:1],
        landmarks=track.landmarks[keep],
        second_pass_sample=kept_index[track.second_pass_sample[turned]],
        second_pass_landmarks=track.second_pass_landmarks[turned],
        second_pass_turn=track.second_pass_turn[turned],
        picture_sample=kept_index[track.picture_sample[pictured]],
        picture_heights=track.picture_heights[pictured],
    )


def measure_losses(finder: FaceFinder) -> dict[str, list[Loss]]:
    """Remove parts of a recording of the app's task, and measure the rest.

    Parameters
    ----------
    finder : FaceFinder

    Returns
    -------
    dict
        Three tables by name. ``coverage``: `Loss.value` is the share of the frames with a face.
        ``gaps``: it is the share of the frames lost in short spells. ``length``: it is the seconds
        that are kept, around the change of direction for `range_error`, and from the start for
        `one_sided_error`.
    """
    spec = base_spec(
        TASK_S,
        blinks_per_min=BLINKS_PER_MIN,
        seed=MOVING_SEED,
        gaze=(GazePhase(0.0, -AMPLITUDE), GazePhase(TASK_S / 2, AMPLITUDE)),
    )
    (whole,) = measure_spec(finder, spec, [PLAIN])
    track, true = whole.analysis.track, whole.analysis.measures

    def errors(part: Track) -> tuple[float, float]:
        measures = analyze(part).analysis.measures
        found = (measures.vertical_peak_to_peak, measures.blink_rate_per_min)
        expected = (true.vertical_peak_to_peak, true.blink_rate_per_min)
        # A value that cannot be measured has the largest error.
        return tuple(  # type: ignore[return-value]
            abs(a / b - 1) if math.isfinite(a) else 1.0
            for a, b in zip(found, expected, strict=True)
        )

    def drawn(
        lose: Callable[[Track, float, np.random.Generator], Track], share: float
    ) -> tuple[float, float]:
        found = [errors(lose(track, share, np.random.default_rng(draw))) for draw in range(DRAWS)]
        range_errors, rate_errors = zip(*found, strict=True)
        return float(np.quantile(range_errors, 0.95)), float(np.quantile(rate_errors, 0.95))

    def ending(share: float) -> float:
        landmarks = track.landmarks.copy()
        landmarks[track.times_s >= (1 - share) * TASK_S] = np.nan
        return errors(replace(track, landmarks=landmarks))[0]

    def window(start_s: float, stop_s: float) -> float:
        return errors(_keep(track, (track.times_s >= start_s) & (track.times_s < stop_s)))[0]

    middle_s = TASK_S / 2
    return {
        "coverage": [
            Loss(share, *drawn(_lose_face, 1 - share), ending(1 - share))
            for share in (0.95, 0.9, 0.8, 0.7, 0.6, 0.55, 0.5, 0.4)
        ],
        "gaps": [
            Loss(share, *drawn(_lose_frames, share), math.nan)
            for share in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
        ],
        "length": [
            Loss(
                length_s,
                window(middle_s - length_s / 2, middle_s + length_s / 2),
                math.nan,
                window(0, length_s),
            )
            for length_s in (3.0, 5.0, 8.0, 10.0, 11.0, 15.0)
        ],
    }


def format_losses(losses: dict[str, list[Loss]]) -> str:
    """Return the errors from missing parts as tables."""
    lines = []
    for name, levels in losses.items():
        lines.append(f"\nlost, {name}\n{'':>9} {'range':>6} {'rate':>6} {'one-sided':>10}")
        lines += [
            f"{level.value:9.4g} {level.range_error:6.2f} {level.rate_error:6.2f} "
            f"{level.one_sided_error:10.2f}"
            for level in levels
        ]
    return "\n".join(lines)


def run_sweeps(
    finder: FaceFinder, short: bool, only: Sequence[str] = (), report: Callable[[str], None] = print
) -> list[Sweep]:
    """Measure the clips of `make_pair` in every condition of every sweep.

    Parameters
    ----------
    finder : FaceFinder
    short : bool
        Clips of half the length and two or three levels a sweep.
    only : sequence of str
        Names of the sweeps to run; all if empty.
    report : callable
        Called with the table of each sweep when it is done.

    Returns
    -------
    list of Sweep
        The points of each sweep include the undisturbed condition, but for those of clips that are
        encoded (steps and codecs).
    """
    duration_s = SHORT_DURATION_S if short else DURATION_S
    specs = make_pair(duration_s)
    plain = [measure_spec(finder, spec, [PLAIN])[0] for spec in specs]
    base = _make_pair_point(math.nan, specs, plain)
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

    # Sweeps that degrade the same pictures share their rendering.
    degraded: list[tuple[Sweep, float, list[tuple[float, Degradation]]]] = []
    sizes_px = (20, 10) if short else (30, 24, 20, 16, 14, 12, 10, 8)
    degraded.append(
        (
            Sweep("size", "canthal distance (px)", log=True),
            eye_px,
            [(size, replace(PLAIN, scale=size / eye_px)) for size in sizes_px],
        )
    )
    blurs = (0.08, 0.16) if short else (0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.16)
    degraded.append(
        (
            Sweep("blur", "Gaussian sigma (canthal distances)"),
            0.0,
            [(sigma, replace(PLAIN, blur_sigma_px=sigma * eye_px)) for sigma in blurs],
        )
    )
    noises = (20.0,) if short else (6.0, 12.0, 20.0, 30.0)
    degraded.append(
        (
            Sweep("noise", "noise (std, grey levels)"),
            NOISE_STD,
            [(std, replace(PLAIN, noise_std=std)) for std in noises],
        )
    )
    darks = (0.12,) if short else (0.5, 0.25, 0.12, 0.08, 0.05, 0.03)
    degraded.append(
        (
            Sweep("dark", "gain, noise unchanged", log=True),
            1.0,
            [(gain, replace(PLAIN, gain=gain)) for gain in darks],
        )
    )
    brights = (2.5,) if short else (1.5, 2.0, 2.5, 3.0, 4.0)
    degraded.append(
        (
            Sweep("bright", "gain, clipped at white", log=True),
            1.0,
            [(gain, replace(PLAIN, gain=gain)) for gain in brights],
        )
    )
    degraded = [item for item in degraded if wanted(item[0].name)]
    flat = [degradation for _, _, levels in degraded for _, degradation in levels]
    if flat:
        pairs = iter(zip(*(measure_spec(finder, spec, flat) for spec in specs), strict=True))
        for sweep, base_value, levels in degraded:
            points = [
                _make_pair_point(value, specs, pair)
                for (value, _), pair in zip(levels, pairs, strict=False)
            ]
            add(sweep, points, base_value)

    def render(value: float, **fields: Any) -> Point:
        made = make_pair(**({"duration_s": duration_s} | fields))
        pair = [measure_spec(finder, spec, [PLAIN])[0] for spec in made]
        return _make_pair_point(value, made, pair)

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
    encoded: dict[str, Any] = {
        "width": ENCODED_SIDE_PX,
        "height": ENCODED_SIDE_PX,
        "zoom": SIDE_PX / ENCODED_SIDE_PX,
        "noise_std": NOISE_STD,
    }
    if wanted("step"):
        made = make_pair(duration_s, **encoded)
        by_step = zip(*(measure_encoded(finder, spec, steps) for spec in made), strict=True)
        points = [
            _make_pair_point(step, made, pair) for step, pair in zip(steps, by_step, strict=True)
        ]
        add(Sweep("step", "step, of 30 frames per second"), points, None)
    for codec, crfs in CODEC_LEVELS.items():
        if wanted("compression"):
            points = []
            for crf in crfs[-1:] if short else crfs:
                made = make_pair(duration_s, crf=crf, codec=codec, **encoded)
                pair = [measure_encoded(finder, spec, [1])[0] for spec in made]
                points.append(_make_pair_point(crf, made, pair))
            add(Sweep(codec, "compression: constant quality, of 51"), points, None)
    return sweeps


def format_responses(responses: Sequence[GazeResponse]) -> str:
    """Return the gaze's slopes as a table."""
    lines = [
        "\nmeasured against drawn gaze, frame by frame",
        f"{'zoom':>6} {'roll':>6} {'slope':>7} {'R2':>7} {'horiz.':>7} {'R2':>7} "
        f"{'gain':>6} {'as seen':>8}",
    ]
    lines += [
        f"{r.zoom:6.2f} {r.roll_deg:6.0f} {r.vertical_slope:7.3f} {r.vertical_r2:7.4f} "
        f"{r.horizontal_slope:7.3f} {r.horizontal_r2:7.4f} {r.framing_gain:6.3f} "
        f"{r.vertical_slope / r.framing_gain:8.3f}"
        for r in responses
    ]
    corrected = np.array([r.vertical_slope for r in responses])
    seen = corrected / np.array([r.framing_gain for r in responses])
    spread, spread_seen = (values.std() / values.mean() for values in (corrected, seen))
    lines.append(
        f"relative standard deviation of the vertical slope: {spread:.3f}, without the gain "
        f"{spread_seen:.3f}"
    )
    return "\n".join(lines)


def format_ranges(ranges: Sequence[GazeRange]) -> str:
    """Return measured and drawn peak-to-peaks, and their slopes, as a table."""
    drawn = np.array([r.drawn for r in ranges])
    lines = ["\npeak-to-peak", f"{'drawn':>6} {'vert.':>7} {'horiz.':>7}"]
    lines += [f"{r.drawn:6.2f} {r.vertical:7.4f} {r.horizontal:7.4f}" for r in ranges]
    for name in ("vertical", "horizontal"):
        slope, r2 = _fit(drawn, np.array([getattr(r, name) for r in ranges]))
        lines.append(f"{name}: slope {slope:.3f}, R2 {r2:.4f}")
    return "\n".join(lines)


def find_changes(document: dict[str, Any], baseline: dict[str, Any]) -> list[str]:
    """Return a line for each result that differs from the baseline by more than `NOTED_CHANGES`.

    Parameters
    ----------
    document, baseline : dict
        Content of ``accuracy.json``. Results that only one of them holds are not compared.

    Returns
    -------
    list of str
        Empty if nothing has changed.
    """
    before, lines = dict(_results(baseline)), []
    for (section, name), value in _results(document):
        if (section, name) not in before:
            continue
        old = before[section, name]
        # None means not measurable. It is a change if only one of the two is None.
        same = old is value if None in (old, value) else abs(value - old) <= NOTED_CHANGES[name]
        if not same:
            lines.append(f"{section}: {name} {old} -> {value}")
    return lines


def _results(document: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield the numbers of an ``accuracy.json`` that are compared, as ``((place, name), value)``.

    The place names the table and the condition; a value is None if it could not be measured.
    """
    tables = [("gaze range", document["gaze_ranges"]), ("gaze", document["gaze_responses"])]
    tables.append(("face", document["faces"]))
    tables += [(sweep["name"], sweep["points"]) for sweep in document["sweeps"]]
    tables += [(f"lost, {name}", levels) for name, levels in document["losses"].items()]
    for table, rows in tables:
        for row in rows:
            condition = [row["face"]] if "face" in row else []
            condition += [
                f"{row[name]:g}"
                for name in ("lid_follow", "drawn", "zoom", "roll_deg", "value")
                if name in row
            ]
            for name in [name for name in NOTED_CHANGES if name in row]:
                yield (f"{table} {' '.join(condition)}", name), row[name]


def _draw_ranges(axes: Any, ranges: Sequence[GazeRange]) -> None:
    drawn = [r.drawn for r in ranges]
    axes.plot(drawn, [r.horizontal for r in ranges], "s-", color=GREY, ms=3, label="horizontal")
    axes.plot(drawn, [r.vertical for r in ranges], "o-", color=BLUE, ms=3, label="vertical")
    axes.set_title("gaze: measured range", fontsize=9)
    axes.set_xlabel("drawn range (canthal distances)", fontsize=8)
    axes.legend(fontsize=7)


def _draw_responses(axes: Any, responses: Sequence[GazeResponse]) -> None:
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sweeps; write tables, numbers and a picture; say what differs from the baseline."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--short", action="store_true", help="few levels, short clips")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results/accuracy"),
        metavar="DIR",
        help="where to write (default: %(default)s); docs: the new baseline",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="SWEEP",
        help="these sweeps only; gaze, faces, losses",
    )
    options = parser.parse_args(arguments)
    mesh = FaceMesh()
    start_s = time.process_time()
    # Read it before it may be replaced. Short clips differ from the baseline's: do not compare.
    compared = not options.short and BASELINE.is_file()
    baseline = json.loads(BASELINE.read_text()) if compared else None
    tables: list[str] = []

    def report(table: str) -> None:
        print(table, flush=True)
        tables.append(table)

    ranges: list[GazeRange] = []
    responses: list[GazeResponse] = []
    faces: list[FacePoint] = []
    losses: dict[str, list[Loss]] = {}
    panels: list[Callable[[Any], None]] = []
    if not options.only or "gaze" in options.only:
        amplitudes = (0.0, 0.06, 0.12) if options.short else np.arange(0, 0.15, 0.02).tolist()
        ranges = [measure_gaze_range(mesh, amplitude) for amplitude in amplitudes]
        report(format_ranges(ranges))
        zooms = () if options.short else (0.5, 0.75, 1.5)
        rolls = (20.0,) if options.short else (-20.0, -10.0, 10.0, 20.0)
        conditions = [(1.0, 0.0), *((zoom, 0.0) for zoom in zooms)]
        conditions += [(1.0, roll) for roll in rolls]
        responses = [measure_gaze_response(mesh, *condition) for condition in conditions]
        report(format_responses(responses))
        panels += [
            lambda axes: _draw_ranges(axes, ranges),
            lambda axes: _draw_responses(axes, responses),
        ]
    if not options.only or "faces" in options.only:
        faces = measure_faces(mesh, options.short)
        report(format_faces(faces))
        panels.append(lambda axes: draw_faces(axes, faces))
    sweeps = run_sweeps(mesh, options.short, options.only, report)
    if not options.only or "losses" in options.only:
        losses = measure_losses(mesh)
        report(format_losses(losses))
    document = {
        "gaze_ranges": [asdict(r) for r in ranges],
        "gaze_responses": [asdict(r) for r in responses],
        "faces": [asdict(point) for point in faces],
        "sweeps": [asdict(sweep) for sweep in sweeps],
        "losses": {name: [asdict(level) for level in levels] for name, levels in losses.items()},
    }
    write_results(options.out / "accuracy", "\n".join(tables).lstrip(), document)
    draw_sweeps(options.out / "accuracy.png", sweeps, panels)
    if baseline is not None:
        changes = find_changes(json.loads((options.out / "accuracy.json").read_text()), baseline)
        print("\n".join(["", f"moved against {BASELINE.name}: {len(changes)}", *changes]))
    print(f"{time.process_time() - start_s:.0f} s of CPU time", file=sys.stderr)


if __name__ == "__main__":
    main()
