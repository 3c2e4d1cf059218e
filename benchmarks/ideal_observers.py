"""``python -m benchmarks.ideal_observers``: how small the errors of a perfect method would be.

An ideal observer knows the shape of what was drawn and the covariance of the noise. What it misses
is not there to be found: it tells whether a measure falls short of what the recordings show.
"""

import argparse
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import saccades
from benchmarks.saccades import (
    BEND,
    PACE,
    SCATTER,
    SEED,
    TARGETS,
    Eyes,
    draw_noise,
    draw_normal,
    draw_slow,
)
from tracker.lab.clip_spec import ClipSpec
from tracker.lab.eye_movements import (
    HORIZONTAL_NOISE,
    SETTLING_CHANGE_S,
    LandmarkNoise,
    Shown,
    Target,
    add_jerks,
    displace,
    main_sequence_deg_s,
    make_steps,
    simulate_track,
    turn_time_s,
)
from tracker.measures.analysis import analyze_track
from tracker.measures.fixation import find_jerks
from tracker.parameters import Parameters
from tracker.protocol import Phase

Float64Array = NDArray[np.float64]

FLOORS = (3.0, 3.5, 4.0, 5.0)
NOISES = (LandmarkNoise(), LandmarkNoise(0.002, 0.001), LandmarkNoise(0.0006, 0.0015))
"""Landmarks as recordings have them on average, with mostly jitter, and with little noise."""
FIXATION_S, WINDOW_S = 10.0, 0.15
HELD_S, PAUSE_S, FIRST_S, LAST_S = (0.15, 0.45), (0.8, 2.5), 0.6, 9.4
EXPOSURE_S = 0.016
NEAR_S = 0.1
"""A jerk is found if both of its steps are nearer than this to those of the drawn one."""
MOST_FOUND = 14

Jerk = tuple[float, float, float]
"""When it begins, its amplitude in degrees, and the time between its steps."""


def draw_step(times_s: Float64Array, turn_s: float, exposure_s: float) -> Float64Array:
    """Return a step of the eyes from 0 to 1 as frames show it, at `times_s` of any shape.

    It begins at time 0 and takes `turn_s` seconds. Each frame shows the mean over its exposure,
    which lasts `exposure_s` from the frame's time on.
    """

    def area(share: Float64Array) -> Float64Array:
        inside = np.clip(share, 0, 1)
        wave = inside / 2 - np.sin(np.pi * inside) / (2 * np.pi)
        return np.asarray(wave + np.maximum(share - 1, 0))

    grown = area((times_s + exposure_s) / turn_s) - area(times_s / turn_s)
    return np.asarray(grown * turn_s / exposure_s)


def draw_covariance(times_s: Float64Array, std: float, slow: float, slow_s: float) -> Float64Array:
    """Return the covariance (N, N) of the landmarks' noise at N times.

    It is jitter of standard deviation `std`, independent from frame to frame, and slow noise of
    standard deviation `slow`, whose correlation falls to 1/e in `slow_s` seconds.
    """
    apart_s = np.abs(np.subtract.outer(times_s, times_s))
    covariance: Float64Array = std**2 * np.eye(times_s.size) + slow**2 * np.exp(-apart_s / slow_s)
    return covariance


# Square-wave jerks


@dataclass(frozen=True, slots=True)
class JerkCell:
    """How well jerks of one amplitude are found.

    Attributes
    ----------
    fps, floors : float
        Frame rate, and the amplitude in noise floors (`Fixation.floor_deg`).
    ideal_f1 : float
        F1 of an observer that knows amplitude, shape and noise, with its best threshold.
    f1, recall, precision : float
        The same of the product, `tracker.measures.fixation`.
    """

    fps: float
    floors: float
    ideal_f1: float
    f1: float
    recall: float
    precision: float


def draw_jerks(rng: np.random.Generator, amplitude_deg: float) -> list[Jerk]:
    """Return the random jerks of one fixation, all of this amplitude, to either side, in order."""
    drawn: list[Jerk] = []
    begin_s = FIRST_S
    while True:
        begin_s += float(rng.uniform(*PAUSE_S))
        held_s = float(rng.uniform(*HELD_S))
        if begin_s + held_s > LAST_S:
            return drawn
        drawn.append((begin_s, float(rng.choice([-1, 1])) * amplitude_deg, held_s))
        begin_s += held_s


def take_match(left: list[Jerk], begin_s: float, end_s: float, sign: float) -> bool:
    """Remove the drawn jerk that was found from `left`; return whether there was one.

    The found jerk steps at `begin_s` and back at `end_s`; `sign` is its direction, 1 or -1.
    """
    for one in left:
        apart_s = max(abs(begin_s - one[0]), abs(end_s - one[0] - one[2]))
        if apart_s < NEAR_S and one[1] * sign > 0:
            left.remove(one)
            return True
    return False


class Fixation:
    """The noise of a simulated fixation in degrees, and two ways to find jerks in it.

    Parameters
    ----------
    fps : float
    noise : LandmarkNoise

    Attributes
    ----------
    times_s : ndarray, shape (N,), float64
    floor_deg : float
        Noise floor: standard deviation of the difference of two means over `WINDOW_S` each.
    factor, inverse : ndarray, shape (N, N), float64
        Cholesky factor of the noise's covariance, and its inverse, which whitens.
    """

    def __init__(self, fps: float, noise: LandmarkNoise) -> None:
        self.fps, self.noise = fps, noise
        self.times_s = np.arange(round(FIXATION_S * fps)) / fps
        degree = Shown().horizontal * displace(1.0)
        std, slow = (HORIZONTAL_NOISE * one / degree for one in (noise.jitter, noise.slow))
        covariance = draw_covariance(self.times_s, std, slow, noise.slow_s)
        width = round(WINDOW_S * fps)
        window = np.repeat(
            [-1 / width, 1 / width, 0.0], [width, width, self.times_s.size - 2 * width]
        )
        self.floor_deg = float(np.sqrt(window @ covariance @ window))
        self.factor = np.linalg.cholesky(covariance)
        self.inverse = np.linalg.inv(self.factor)

    def draw(self, jerk: Jerk) -> Float64Array:
        """Return the gaze in degrees, (N,), that the frames show of a jerk, without noise."""
        begin_s, amplitude_deg, held_s = jerk
        turn_s = turn_time_s(abs(amplitude_deg), main_sequence_deg_s(amplitude_deg))
        exposure_s = min(1 / self.fps, EXPOSURE_S)
        there, back = (
            draw_step(self.times_s - at_s, turn_s, exposure_s)
            for at_s in (begin_s, begin_s + held_s)
        )
        return amplitude_deg * (there - back)

    def find_ideally(
        self, rng: np.random.Generator, amplitude_deg: float, recordings: int
    ) -> float:
        """Return the F1 of an observer that knows everything but where the jerks are.

        It is over so many simulated recordings, whose jerks have this amplitude.
        """
        begins_s = np.arange(FIRST_S / 2, LAST_S, min(0.5 / self.fps, 0.012))
        tried = [
            (begin_s, amplitude_deg, held_s)
            for begin_s in begins_s.tolist()
            for held_s in np.arange(HELD_S[0], HELD_S[1] + 0.001, 0.025).tolist()
            if begin_s + held_s < FIXATION_S - FIRST_S / 2
        ]
        level = self.inverse @ np.ones(self.times_s.size)
        level /= np.linalg.norm(level)
        shapes = np.stack([self.draw(one) for one in tried]).astype(np.float32)
        shapes = shapes @ self.inverse.T.astype(np.float32)
        # The eyes' level is not known.
        shapes -= np.outer(shapes @ level, level).astype(np.float32)
        power = (shapes**2).sum(axis=1)
        found: list[tuple[float, bool]] = []
        count = 0
        for _ in range(recordings):
            left = draw_jerks(rng, amplitude_deg)
            count += len(left)
            shown = self.factor @ rng.normal(size=self.times_s.size)
            shown += sum((self.draw(one) for one in left), np.zeros(self.times_s.size))
            rest = (self.inverse @ shown).astype(np.float32)
            for _ in range(MOST_FOUND):
                match = shapes @ rest
                evidence = np.abs(match) - power / 2
                best = int(np.argmax(evidence))
                if evidence[best] < 0:
                    break
                sign = float(np.sign(match[best]))
                begin_s, _, held_s = tried[best]
                hit = take_match(left, begin_s, begin_s + held_s, sign)
                found.append((float(evidence[best]), hit))
                rest -= np.float32(sign) * shapes[best]
        hits = np.cumsum([hit for _, hit in sorted(found, reverse=True)])
        return float((2 * hits / (count + np.arange(1, hits.size + 1))).max())

    def find_measured(
        self, rng: np.random.Generator, amplitude_deg: float, recordings: int
    ) -> tuple[int, int, int]:
        """Return how many jerks the product finds in so many simulated recordings.

        It is three counts: drawn jerks that were found, all that were found, and drawn ones.
        """
        hits = found_count = drawn_count = 0
        for _ in range(recordings):
            drawn = draw_jerks(rng, amplitude_deg)
            targets: tuple[Target, ...] = (Target(0.0),)
            for begin_s, size_deg, held_s in drawn:
                targets = add_jerks(targets, [begin_s], size_deg, held_s)
            spec = ClipSpec(
                duration_s=FIXATION_S,
                fps=self.fps,
                gaze=make_steps(targets),
                exposure_s=min(1 / self.fps, EXPOSURE_S),
            )
            track = simulate_track(spec, rng, self.noise)
            analysis = analyze_track(
                track, Parameters(protocol=(Phase("fixate", 0.0, FIXATION_S),))
            )
            traces, gaze, times_s = analysis.traces, analysis.gaze, track.times_s
            found = find_jerks(
                gaze.horizontal, gaze.valid, times_s, traces.interval_s, traces.iris_ratio
            )
            left = list(drawn)
            for (start, stop), size_deg in zip(found.interval, found.amplitude_deg, strict=True):
                hits += take_match(left, times_s[start], times_s[stop], size_deg)
            found_count += len(found.amplitude_deg)
            drawn_count += len(drawn)
        return hits, found_count, drawn_count


def measure_jerks(recordings: int) -> Iterator[JerkCell]:
    """Yield how well jerks are found at each frame rate and amplitude.

    Each cell has so many recordings of each of `NOISES`.
    """
    for number, (fps, floors) in enumerate(itertools.product(saccades.RATES_HZ, FLOORS)):
        ideal, counts = [], np.zeros(3)
        for kind, noise in enumerate(NOISES):
            fixation = Fixation(fps, noise)
            rng = np.random.default_rng((SEED, 11, number, kind))
            amplitude_deg = floors * fixation.floor_deg
            ideal.append(fixation.find_ideally(rng, amplitude_deg, recordings))
            counts += fixation.find_measured(rng, amplitude_deg, recordings)
        hits, found, drawn = counts.tolist()
        yield JerkCell(
            fps, floors, float(np.mean(ideal)), 2 * hits / (found + drawn), hits / drawn,
            hits / max(found, 1),
        )  # fmt: skip


def format_jerks(cells: Sequence[JerkCell]) -> str:
    """Return how well jerks are found as a Markdown table."""
    lines = [
        "| a second | amplitude (noise floors) | F1 of an ideal observer | F1 | found | right |",
        "|---" * 6 + "|",
    ]
    lines += [
        f"| {c.fps:.0f} | {c.floors:g} | {c.ideal_f1:.2f} | {c.f1:.2f} | {c.recall:.0%} | "
        f"{c.precision:.0%} |"
        for c in cells
    ]
    return "\n".join(lines)


# Latencies


def inform(eyes: Eyes, fps: float, noise: LandmarkNoise, rng: np.random.Generator) -> Float64Array:
    """Return what the frames around one step tell of it: its Fisher information, shape (3, 3).

    It is that of the onset in seconds, of the duration's logarithm, and of the landmarks' bend (see
    `LandmarkNoise`). The step's level and its amplitude are not known either. The noise and the
    exposure are; `rng` draws them.
    """
    turn_s = turn_time_s(eyes.amplitude_deg, eyes.velocity_deg_s)
    exposure_s = float(rng.uniform(0.1, 1.0)) / fps
    begin_s = float(rng.uniform(0, 1 / fps)) - 0.4
    times_s: Float64Array = np.arange(begin_s, turn_s + 0.6, 1 / fps, dtype=np.float64)
    amplitude = 2 * Shown().vertical * displace(eyes.amplitude_deg / 2)

    def shift(onset_s: float, longer: float) -> Float64Array:
        return draw_step(times_s - onset_s, turn_s * longer, exposure_s)

    step, tiny = shift(0.0, 1.0), 1e-4
    gaze = 2 * step - 1
    slopes = np.stack(
        (
            (shift(tiny, 1.0) - shift(-tiny, 1.0)) / (2 * tiny),
            (shift(0.0, 1 + tiny) - shift(0.0, 1 - tiny)) / (2 * tiny),
            (gaze**3 - gaze) / 2,
            np.ones(times_s.size),
            step,
        )
    )
    jitter = noise.jitter * float(np.exp(noise.uneven * rng.normal())) / amplitude
    covariance = draw_covariance(times_s, jitter, noise.slow / amplitude, noise.slow_s)
    unsettled = step * np.exp(-np.maximum(times_s - turn_s, 0) / noise.settling_s)
    settling = draw_covariance(times_s, 0.0, noise.settling, SETTLING_CHANGE_S)
    covariance += settling * np.outer(unsettled, unsettled)
    change = np.diff(step, prepend=0.0)
    covariance += float(np.mean(np.square(noise.rush))) * np.outer(change, change)
    information = slopes @ np.linalg.solve(covariance, slopes.T)
    # What level and amplitude explain is not left to the others.
    lost = information[:3, 3:] @ np.linalg.solve(information[3:, 3:], information[3:, :3])
    return np.asarray(information[:3, :3] - lost)


def bound_onsets(
    informed: Sequence[Float64Array],
    spread: float,
    bend_std: float,
    shared_s: float,
    *,
    known: bool = False,
) -> Float64Array:
    """Return the least covariance of the errors of M onsets, shape (M, M) (Cramer and Rao).

    Parameters
    ----------
    informed : sequence of ndarray, shape (3, 3), float64
        What the frames tell of each step; see `inform`.
    spread : float
        Standard deviation of the logarithms of one person's durations.
    bend_std : float
        Standard deviation of the bend over recordings. All steps of a recording share it.
    shared_s : float
        Standard deviation of the time from the eyes' onset to that of the landmarks, which all
        steps of a recording share.
    known : bool, default False
        Whether the person's typical duration, the bend and that time are known beforehand.
        Otherwise the typical duration is known from these steps only.
    """
    count = len(informed)
    typical, bend = 2 * count, 2 * count + 1
    total = np.zeros((2 * count + 2, 2 * count + 2))
    for number, information in enumerate(informed):
        own = [number, count + number, bend]
        total[np.ix_(own, own)] += information
        pair = [count + number, typical]
        total[np.ix_(pair, pair)] += np.array([[1.0, -1.0], [-1.0, 1.0]]) / spread**2
    total[bend, bend] += 1 / bend_std**2
    if known:
        return np.asarray(np.linalg.inv(total[:typical, :typical])[:count, :count])
    return np.asarray(np.linalg.inv(total)[:count, :count] + shared_s**2)


def bound_latency_ms(
    draw: Callable[[np.random.Generator], Eyes], fps: float, recordings: int, *, known: bool
) -> float:
    """Return the median error of an ideal observer's latency, over so many recordings.

    `draw` makes a person's eyes. A recording's latency is the median over one direction's saccades.
    `known` is that of `bound_onsets`.
    """
    # A step's time scatters as its amplitude and its velocity do.
    spread, errors = float(np.sqrt(2)) * SCATTER, []
    for index in range(recordings):
        rng = np.random.default_rng((SEED, 12, index))
        eyes, noise = draw(rng), draw_noise(rng)
        informed = [inform(eyes, fps, noise, rng) for _ in range(TARGETS)]
        # Landmarks with another pace begin earlier or later than the eyes.
        shared_s = PACE * turn_time_s(eyes.amplitude_deg, eyes.velocity_deg_s) / 2
        covariance = bound_onsets(informed, spread, BEND[1], shared_s, known=known)
        drawn = rng.multivariate_normal(np.zeros(TARGETS), covariance)
        errors.append(abs(float(np.median(drawn[::2]))))
    return 1000 * float(np.median(errors))


def format_latencies(recordings: int) -> str:
    """Return a Markdown table of the least errors of latencies, from so many recordings each."""
    lines = [
        "| saccades | " + " | ".join(f"{fps:.0f} a second" for fps in saccades.RATES_HZ) + " |"
    ]
    lines.append("|---" * (1 + len(saccades.RATES_HZ)) + "|")
    for name, draw in (("normal", draw_normal), ("slow", draw_slow)):
        for known, said in ((False, ""), (True, ", known beforehand")):
            bounds = [
                bound_latency_ms(draw, fps, recordings, known=known) for fps in saccades.RATES_HZ
            ]
            told = " | ".join(f"{one:.1f} ms" for one in bounds)
            lines.append(f"| {name}{said} | {told} |")
    lines.append(
        "| half a frame | " + " | ".join(f"{500 / fps:.1f} ms" for fps in saccades.RATES_HZ) + " |"
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables of jerks and of latencies."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ideal_observers", description=__doc__
    )
    parser.add_argument("--recordings", type=int, default=60, metavar="N", help="in each cell")
    options: Any = parser.parse_args(arguments)
    print(format_jerks(list(measure_jerks(options.recordings))))
    print()
    print(format_latencies(5 * options.recordings))


if __name__ == "__main__":
    main()
