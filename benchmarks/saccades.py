"""``python -m benchmarks.saccades``: how well saccades are measured, on eyes whose truth is known.

People are simulated as tracks: they look up and down eight times, as they are asked, at 30, 60 and
120 frames a second. Their amplitudes, velocities, latencies, the noise of their landmarks, the
exposure of the camera and their blinks are random. A few recordings are also rendered, encoded and
tracked like any video, to see whether the simulated noise is like that of pictures.
"""

import argparse
import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sweeps import BLUE, GREY, ORANGE
from tracker.files.summary import to_json
from tracker.files.whole import write_whole
from tracker.lab.clip_spec import ClipSpec, GazePhase, LidClosure
from tracker.lab.eye_movements import (
    RISE_SHARE,
    LandmarkNoise,
    Shown,
    bend_gaze,
    displace,
    main_sequence_deg_s,
    simulate_track,
    turn_time_s,
)
from tracker.measures.analysis import GazeResult, analyze_gaze
from tracker.measures.lids import detect_events
from tracker.measures.saccades import find_answers, find_phases, find_typical_ms
from tracker.measures.traces import trace_track
from tracker.parameters import Parameters
from tracker.protocol import Phase
from tracker.tracks.track import Track

SEED = 20_261_129
RATES_HZ = (30.0, 60.0, 120.0)
AHEAD_S, TARGET_S, TARGETS = 2.0, 2.0, 8
SCATTER = 0.1
"""Spread of a person's amplitudes and of the velocities at one amplitude, as parts of them."""
LATENCY_SCATTER = 0.15
FRAMING_STD, SECOND_STD = 0.066, 0.03
"""How far the first pass and the second one over- or underestimate movements."""
JITTER, UNEVEN, RUSH, BEND, PACE = 0.001, 0.8, (0.3, 0.5), (0.0, 0.3), 0.21
"""Noise of the landmarks, see `LandmarkNoise`, as measured on rendered clips that judge nothing.
The rush and the bend have a mean and a standard deviation. The pace is the standard deviation of
its logarithm: with the bend, all steps of a recording share an error of their 10-90 % time as large
as in those clips."""
BLINKS_PER_MIN = 12.0
SLOW_DEG_S = (40.0, 100.0)
NORMAL_SPREAD = 0.15
AMPLITUDES_DEG = (10.0, 20.0)

PHASES = (
    Phase("fixate", 0.0, AHEAD_S),
    *(
        Phase(("up", "down")[n % 2], AHEAD_S + n * TARGET_S, AHEAD_S + (n + 1) * TARGET_S)
        for n in range(TARGETS)
    ),
)


@dataclass(frozen=True, slots=True)
class Eyes:
    """What is typical of a simulated person's vertical saccades.

    Attributes
    ----------
    amplitude_deg, velocity_deg_s : float
        Typical amplitude, and the peak velocity at that amplitude.
    latency_s : float
        Typical time from the instruction to the start of the movement.
    """

    amplitude_deg: float
    velocity_deg_s: float
    latency_s: float

    @property
    def time_ms(self) -> float:
        """Time in which a typical saccade goes from 10 to 90 % of its way."""
        return 1000 * RISE_SHARE * turn_time_s(self.amplitude_deg, self.velocity_deg_s)


def draw_normal(rng: np.random.Generator) -> Eyes:
    """Return random eyes of a healthy person.

    They follow the main sequence (velocity by amplitude) within its spread over people.
    """
    amplitude_deg = rng.uniform(*AMPLITUDES_DEG)
    velocity = main_sequence_deg_s(amplitude_deg) * np.exp(NORMAL_SPREAD * rng.normal())
    return Eyes(float(amplitude_deg), float(velocity), float(rng.uniform(0.2, 0.6)))


def draw_slow(rng: np.random.Generator) -> Eyes:
    """Return random eyes whose saccades are slow: `SLOW_DEG_S` at their peak."""
    return replace(draw_normal(rng), velocity_deg_s=float(rng.uniform(*SLOW_DEG_S)))


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording to simulate or render, and its truth.

    Attributes
    ----------
    spec : ClipSpec
    eyes : Eyes
    latencies_ms : dict of Phase to float
        Drawn latencies, by the phase that asks for the movement.
    """

    spec: ClipSpec
    eyes: Eyes
    latencies_ms: dict[Phase, float]

    def find_latency_ms(self, phases: Iterable[Phase]) -> float:
        """Return the median of the latencies drawn in some phases; NaN without phases."""
        found = [self.latencies_ms[phase] for phase in phases]
        return float(np.median(found)) if found else math.nan


def draw_recording(
    eyes: Eyes, fps: float, rng: np.random.Generator, *, blinks: bool = True, **fields: Any
) -> Recording:
    """Return a random recording of a person with these eyes who does the task.

    `blinks` is whether there are any. `fields` override those of its `ClipSpec`.
    """
    side_deg = eyes.amplitude_deg / 2
    gaze, place_deg = [GazePhase(0.0, displace(side_deg))], side_deg
    latencies_ms = {}
    for phase in PHASES[1:]:
        sign = 1 if phase.phase == "down" else -1
        target_deg = sign * side_deg * float(np.exp(SCATTER * rng.normal()))
        amplitude_deg = abs(target_deg - place_deg)
        # A person's saccades follow a main sequence of its own.
        typical = main_sequence_deg_s(amplitude_deg) / main_sequence_deg_s(eyes.amplitude_deg)
        velocity = eyes.velocity_deg_s * typical * float(np.exp(SCATTER * rng.normal()))
        latency_s = eyes.latency_s * float(np.exp(LATENCY_SCATTER * rng.normal()))
        latencies_ms[phase] = 1000 * latency_s
        turn_s = turn_time_s(amplitude_deg, velocity)
        gaze.append(GazePhase(phase.start_s + latency_s, displace(target_deg), 0.0, turn_s))
        place_deg = target_deg
    duration_s = PHASES[-1].end_s
    count = rng.poisson(BLINKS_PER_MIN * duration_s / 60) if blinks else 0
    made: dict[str, Any] = {
        "closures": tuple(
            LidClosure(float(at_s), 0.25) for at_s in rng.uniform(0, duration_s - 1, count)
        ),
        "drift": 0.0005,
        "exposure_s": float(rng.uniform(0.1, 1.0) / fps),
        "readout_s": float(rng.uniform(0.3, 1.0) * min(0.025, 1 / fps)),
        "seed": int(rng.integers(2**31)),
    }
    return Recording(
        ClipSpec(duration_s=duration_s, fps=fps, gaze=tuple(gaze), **(made | fields)),
        eyes,
        latencies_ms,
    )


def draw_noise(rng: np.random.Generator, factor: float = 1.0) -> LandmarkNoise:
    """Return the landmarks' noise of one random recording, as real and rendered clips vary.

    `factor` multiplies it.
    """
    typical = LandmarkNoise()
    return LandmarkNoise(
        jitter=factor * JITTER * float(np.exp(0.5 * rng.normal())),
        slow=factor * typical.slow * float(np.exp(0.3 * rng.normal())),
        slow_s=float(rng.uniform(0.08, 0.3)),
        uneven=UNEVEN,
        rush=(float(rng.normal(*RUSH)), float(rng.normal(*RUSH))),
        bend=float(rng.normal(*BEND)),
        pace=float(np.exp(PACE * rng.normal())),
    )


def measure(track: Track) -> GazeResult:
    """Measure a track of the task as the product does."""
    traces = trace_track(track)
    events = detect_events(traces, Parameters())
    return analyze_gaze(traces, events.eyes_open, Parameters(protocol=PHASES))


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of one recording, beside what was drawn; NaN where nothing was measured.

    Attributes
    ----------
    time_ms, drawn_time_ms : float
        Time from 10 to 90 % of a saccade's way.
    time_inside, amplitude_inside : float
        1 if the 95 % interval holds what was drawn, 0 if not.
    time_width : float
        Upper end of the time's interval over its lower end.
    latency_errors_ms, latency_misses_ms : tuple of float
        Measured minus drawn latency, up and down: of the movements that could be measured, and of
        all that were drawn. The second differs by chance, too, if a closure hides a movement.
    velocity, product : float
        Peak velocity in degrees a second as estimated, and amplitude times velocity: geometric
        mean of up and down.
    """

    time_ms: float
    drawn_time_ms: float
    time_inside: float
    amplitude_inside: float
    time_width: float
    latency_errors_ms: tuple[float, float]
    latency_misses_ms: tuple[float, float]
    velocity: float
    product: float


def find_share_at_rest(spec: ClipSpec, bend: float) -> float:
    """Return the share that a bend leaves of the movements between places where the eyes rest.

    It is the slope by least squares of where they are shown over where they are.
    """
    places = np.array([phase.vertical for phase in spec.gaze])
    return float(places @ bend_gaze(places, spec, bend) / (places @ places))


def compare(found: GazeResult, recording: Recording, shown: float) -> Result:
    """Compare what was measured with what was drawn.

    `shown` is the share of the drawn movement that the landmarks show: the measured amplitude is
    compared with so much of the drawn one.
    """
    eyes, measures = recording.eyes, found.measures
    amplitude = 2 * shown * displace(eyes.amplitude_deg / 2)

    def holds(name: str, drawn: float) -> float:
        low, high = getattr(measures, f"{name}_ci95")
        return math.nan if math.isnan(low) else float(low <= drawn <= high)

    steps = found.saccades.upright
    typical_ms, asked, answered = find_typical_ms(steps), {}, {}
    for name, sign in (("up", -1.0), ("down", 1.0)):
        asked[name] = find_phases(PHASES, (name,))
        answers = find_answers(steps.one_way(sign), asked[name], typical_ms)
        answered[name] = [phase for phase, _, _ in answers.values()]
    low, high = measures.vertical_saccade_time_ms_ci95
    return Result(
        time_ms=measures.vertical_saccade_time_ms,
        drawn_time_ms=eyes.time_ms,
        time_inside=holds("vertical_saccade_time_ms", eyes.time_ms),
        amplitude_inside=holds("vertical_saccade_amplitude", amplitude),
        time_width=high / low,
        latency_errors_ms=(
            measures.saccade_latency_ms_up - recording.find_latency_ms(answered["up"]),
            measures.saccade_latency_ms_down - recording.find_latency_ms(answered["down"]),
        ),
        latency_misses_ms=(
            measures.saccade_latency_ms_up - recording.find_latency_ms(asked["up"]),
            measures.saccade_latency_ms_down - recording.find_latency_ms(asked["down"]),
        ),
        velocity=measures.vertical_saccade_peak_velocity_deg_s_est,
        product=math.sqrt(
            measures.amplitude_times_velocity_up * measures.amplitude_times_velocity_down
        ),
    )


def simulate(
    draw: Callable[[np.random.Generator], Eyes],
    fps: float,
    count: int,
    seed: tuple[int, ...],
    noise: float = 1.0,
) -> list[Result]:
    """Simulate recordings of `count` people, and compare what is measured with what was drawn.

    `draw` makes a person's eyes; `noise` multiplies the landmarks' noise.
    """
    results = []
    for index in range(count):
        rng = np.random.default_rng((SEED, *seed, index))
        recording = draw_recording(draw(rng), fps, rng)
        shown = Shown(
            framing_gain=1 + FRAMING_STD * float(rng.normal()),
            second_gain=1 + SECOND_STD * float(rng.normal()),
        )
        landmarks = draw_noise(rng, noise)
        track = simulate_track(recording.spec, rng, landmarks, shown)
        share = shown.vertical * find_share_at_rest(recording.spec, landmarks.bend)
        results.append(compare(measure(track), recording, share))
    return results


@dataclass(frozen=True, slots=True)
class Cell:
    """One condition, and how well its recordings were measured.

    Attributes
    ----------
    name : str
    fps : float
    recordings : int
    measured : float
        Share of the recordings with a 10-90 % time.
    time_covered, amplitude_covered : float
        Shares of these whose 95 % interval holds what was drawn, 0-1.
    time_bias, time_error : float
        Medians over recordings: of the measured over the drawn time, minus 1; and of the absolute
        value of that.
    time_width : float
        Median of the interval's upper end over its lower end.
    latency_error_ms, latency_bias_ms : float
        Medians, over recordings and directions, of the absolute error and of the error; see
        `Result`.
    latency_miss_ms : float
        Median of the absolute error against all latencies that were drawn.
    """

    name: str
    fps: float
    recordings: int
    measured: float
    time_covered: float
    amplitude_covered: float
    time_bias: float
    time_error: float
    time_width: float
    latency_error_ms: float
    latency_bias_ms: float
    latency_miss_ms: float


def summarize(name: str, fps: float, results: Sequence[Result]) -> Cell:
    """Combine the results of one condition's recordings into its `Cell`."""

    def collect(values: Sequence[float]) -> Any:
        found = np.array(values, dtype=np.float64)
        return found[np.isfinite(found)]

    errors = collect([one.time_ms / one.drawn_time_ms - 1 for one in results])
    latency = collect([error for one in results for error in one.latency_errors_ms])
    misses = collect([error for one in results for error in one.latency_misses_ms])
    if not errors.size:
        return Cell(name, fps, len(results), 0.0, *[math.nan] * 8)
    return Cell(
        name=name,
        fps=fps,
        recordings=len(results),
        measured=errors.size / len(results),
        time_covered=float(collect([one.time_inside for one in results]).mean()),
        amplitude_covered=float(collect([one.amplitude_inside for one in results]).mean()),
        time_bias=float(np.median(errors)),
        time_error=float(np.median(np.abs(errors))),
        time_width=float(np.median(collect([one.time_width for one in results]))),
        latency_error_ms=float(np.median(np.abs(latency))) if latency.size else math.nan,
        latency_bias_ms=float(np.median(latency)) if latency.size else math.nan,
        latency_miss_ms=float(np.median(np.abs(misses))) if misses.size else math.nan,
    )


def compute_auroc(ill: Sequence[float], well: Sequence[float]) -> float:
    """Return the chance that a random value of `ill` is above one of `well`; NaN is left out."""
    above, below = (np.array(one)[np.isfinite(one)] for one in (ill, well))
    pairs = np.sign(above[:, None] - below[None])
    return float((pairs.mean() + 1) / 2)


def compute_sensitivity(ill: Sequence[float], well: Sequence[float]) -> float:
    """Return the share of `ill` above 95 % of `well`; NaN is left out."""
    above, below = (np.array(one)[np.isfinite(one)] for one in (ill, well))
    return float(np.mean(above > np.quantile(below, 0.95)))


# Cohorts by published means. A study of 164 people found that amplitude times velocity of vertical
# saccades tells PSP from PD with a sensitivity of 84 % at a specificity of 95 %, and the velocity
# alone with 55 %. Means and spreads that give just this are simulated: with the same normal spread
# in both groups, the logarithms' means are 0.994 + 1.645 and 0.126 + 1.645 deviations apart.
PUBLISHED = {"product": 0.84, "velocity": 0.55}
PUBLISHED_ILL = 82
"""Half of the published people. It tells the sampling error of what was published."""
LOG_SPREAD = 0.25
"""Spread over people of the logarithms of amplitude and of velocity, which are independent: an
assumption."""
VELOCITY_APART = (0.126 + 1.645) * LOG_SPREAD
AMPLITUDE_APART = (0.994 + 1.645) * math.sqrt(2) * LOG_SPREAD - VELOCITY_APART
PD_AMPLITUDE_DEG = 30.0
"""The task asks to look up and down as far as possible: an assumption."""
MOST_DEG = 60.0
LATENCY_S = {"PD": 0.268, "PSP": 0.903}


def draw_patient(kind: str, rng: np.random.Generator) -> Eyes:
    """Return the random eyes of a person with Parkinson's disease ("PD") or with PSP ("PSP")."""
    apart = 1.0 if kind == "PSP" else 0.0
    amplitude = PD_AMPLITUDE_DEG * np.exp(LOG_SPREAD * rng.normal() - apart * AMPLITUDE_APART)
    velocity = main_sequence_deg_s(PD_AMPLITUDE_DEG)
    velocity *= float(np.exp(LOG_SPREAD * rng.normal() - apart * VELOCITY_APART))
    latency_s = LATENCY_S[kind] * float(np.exp(0.2 * rng.normal()))
    return Eyes(float(min(amplitude, MOST_DEG)), velocity, latency_s)


@dataclass(frozen=True, slots=True)
class Separation:
    """How well people with PSP are told from people with Parkinson's disease (PD) by a measure.

    Attributes
    ----------
    measure : {"product", "velocity", "time"}
    fps : float
        NaN for what was drawn.
    people : int
        In each group.
    sensitivity : float
        At a specificity of 95 %, of the people who could be measured.
    auroc : float
        Area under the ROC curve, 0-1; 0.5 is chance.
    measured : float
        Share of all people who could be measured.
    """

    measure: str
    fps: float
    people: int
    sensitivity: float
    auroc: float
    measured: float


def separate(measure: str, fps: float, ill: Sequence[float], well: Sequence[float]) -> Separation:
    """Compare the values of two groups by a measure, of which the ill have the lower ones."""
    lower, higher = [-one for one in ill], [-one for one in well]
    return Separation(
        measure,
        fps,
        len(ill),
        compute_sensitivity(lower, higher),
        compute_auroc(lower, higher),
        float(np.isfinite([*ill, *well]).mean()),
    )


def measure_cohorts(people: int) -> Iterator[Separation]:
    """Simulate so many people of both groups at each frame rate; yield how well they differ."""
    groups = ("PSP", "PD")
    drawn = {
        kind: [
            draw_patient(kind, np.random.default_rng((SEED, 7, number, index)))
            for index in range(people)
        ]
        for number, kind in enumerate(groups)
    }
    products = [[one.amplitude_deg * one.velocity_deg_s for one in drawn[kind]] for kind in groups]
    yield separate("product", math.nan, *products)
    yield separate("velocity", math.nan, *[[e.velocity_deg_s for e in drawn[k]] for k in groups])
    for fps in RATES_HZ[::-1]:
        found = [
            simulate(functools.partial(draw_patient, kind), fps, people, (7, number))
            for number, kind in enumerate(groups)
        ]
        for name in ("product", "velocity"):
            yield separate(name, fps, *[[getattr(one, name) for one in group] for group in found])


def format_cells(cells: Sequence[Cell]) -> str:
    """Return the cells as a Markdown table."""
    lines = [
        "| recordings | a second | number | measured | time: held | amplitude: held | time: bias | "
        "error | interval, upper / lower | latency: error (ms) | bias (ms) | of all (ms) |",
        "|---" * 12 + "|",
    ]
    lines += [
        f"| {c.name} | {c.fps:.0f} | {c.recordings:,} | {c.measured:.1%} | {c.time_covered:.1%} | "
        f"{c.amplitude_covered:.1%} | {c.time_bias:+.1%} | {c.time_error:.1%} | "
        f"{c.time_width:.2f} | {c.latency_error_ms:.1f} | {c.latency_bias_ms:+.1f} | "
        f"{c.latency_miss_ms:.1f} |"
        for c in cells
    ]
    return "\n".join(lines)


def format_separations(separations: Sequence[Separation]) -> str:
    """Return how well the cohorts are told apart as a Markdown table."""
    lines = [
        "| measure | a second | people each | sensitivity at 95 % specificity | AUROC | measured |",
        "|---" * 6 + "|",
    ]
    names = {"product": "amplitude x velocity", "velocity": "velocity (degrees, estimate)"}
    for one in separations:
        rate = "drawn" if math.isnan(one.fps) else f"{one.fps:.0f}"
        lines.append(
            f"| {names[one.measure]} | {rate} | {one.people:,} | {one.sensitivity:.1%} | "
            f"{one.auroc:.3f} | {one.measured:.1%} |"
        )
    return "\n".join(lines)


def format_aurocs(aurocs: dict[float, float]) -> str:
    """Return the areas under the curves as a Markdown table."""
    lines = ["| frames a second | AUROC |", "|---|---|"]
    lines += [f"| {fps:.0f} | {area:.3f} |" for fps, area in aurocs.items()]
    return "\n".join(lines)


def draw_picture(results: dict[str, dict[float, list[Result]]], path: Path) -> None:
    """Draw a PNG: the measured over the drawn time of each recording, by frame rate."""
    # Imported here: only this picture needs it.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.8), layout="constrained")
    panels = figure.subplots(1, len(RATES_HZ), sharey=True, squeeze=False)
    for panel, fps in zip(panels[0], RATES_HZ, strict=True):
        for (name, found), colour in zip(results.items(), (BLUE, ORANGE), strict=True):
            drawn, measured = (
                [getattr(one, field) for one in found[fps]]
                for field in ("drawn_time_ms", "time_ms")
            )
            panel.loglog(drawn, measured, ".", ms=2, color=colour, label=name)
        panel.loglog([15, 500], [15, 500], color=GREY, lw=0.8)
        panel.set(title=f"{fps:.0f} frames a second", xlabel="drawn 10-90 % time (ms)")
    figure.axes[0].set_ylabel("measured (ms)")
    figure.axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=110)


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate and render the recordings; print and write tables, numbers and a picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.saccades", description=__doc__)
    parser.add_argument("--recordings", type=int, default=1000, metavar="N", help="in each cell")
    parser.add_argument("--rendered", type=int, default=20, metavar="N", help="rendered clips")
    parser.add_argument("--out", type=Path, default=Path("results/saccades"), metavar="DIR")
    options: Any = parser.parse_args(arguments)
    if options.recordings < 2:
        parser.error(f"--recordings is {options.recordings}, expected 2 or more")
    kinds = {"normal": draw_normal, "slow": draw_slow}
    simulated = {
        kind: {
            fps: simulate(draw, fps, options.recordings, (number, index))
            for index, fps in enumerate(RATES_HZ)
        }
        for number, (kind, draw) in enumerate(kinds.items())
    }
    cells = [
        summarize(kind, fps, found)
        for kind, by_rate in simulated.items()
        for fps, found in by_rate.items()
    ]
    for factor in (0.5, 2.0):
        found = simulate(draw_normal, 60.0, options.recordings // 4, (5, int(factor)), factor)
        cells.append(summarize(f"normal, noise x {factor:g}", 60.0, found))
    aurocs = {
        fps: compute_auroc(
            *[[one.time_ms for one in simulated[kind][fps]] for kind in ("slow", "normal")]
        )
        for fps in RATES_HZ
    }
    separations = list(measure_cohorts(options.recordings))
    # They use this module.
    from benchmarks import ideal_observers, rendered_saccades

    fewer = max(options.recordings // 20, 2)
    tables = {
        "Simulated as tracks:": format_cells(cells),
        "Slow against normal vertical saccades, by the 10-90 % time:": format_aurocs(aurocs),
        "Cohorts by published separation (84 % and 55 % at a specificity of 95 %):": (
            format_separations(separations)
        ),
        "The least errors of latencies that an ideal observer has:": (
            ideal_observers.format_latencies(5 * fewer)
        ),
        "Square-wave jerks:": ideal_observers.format_jerks(
            list(ideal_observers.measure_jerks(fewer))
        ),
        "Rendered, encoded and tracked:": rendered_saccades.judge(options.rendered, simulated),
    }
    text = "\n\n".join(f"{title}\n\n{table}" for title, table in tables.items())
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    write_docs(text, options.out, "measured")
    document = {
        "cells": [asdict(cell) for cell in cells],
        "auroc": {f"{fps:.0f}": area for fps, area in aurocs.items()},
        "cohorts": [asdict(one) for one in separations],
    }
    numbers = to_json(document, indent=1) + "\n"
    write_whole(options.out / "saccades.json", lambda path: path.write_text(numbers))
    write_whole(options.out / "saccades.png", lambda path: draw_picture(simulated, path))


def write_docs(text: str, folder: Path, name: str) -> None:
    """Replace what is between the marks `name` in the folder's ``saccades.md``, if it exists."""
    page = folder / "saccades.md"
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if page.exists():
        before = page.read_text(encoding="utf-8")
        between = re.compile(f"{begin}.*?{end}", re.DOTALL)
        after = between.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", before)
        write_whole(page, lambda path: path.write_text(after, encoding="utf-8"))


if __name__ == "__main__":
    main()
