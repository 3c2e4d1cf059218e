"""``python -m benchmarks.rate_cohorts``: PSP told from others by rates of jerks and of blinks.

People of three groups are simulated by published means. Each holds a fixation for 10 s and rests
for 60 s, as in the task ``extended``, at 30, 60 and 120 frames a second. Two more lines tell what
is lost before anything is measured: the rates that are typical of the people, and the events that
they make in so short a time, counted without an error.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.saccades import RATES_HZ, SEED, compute_auroc, draw_noise, write_docs
from tracker.lab.clip_spec import ClipSpec, LidClosure
from tracker.lab.eye_movements import Target, add_jerks, make_steps, simulate_track
from tracker.lab.people import BLINKS_PER_MIN
from tracker.measures.analysis import analyze_track
from tracker.parameters import Parameters
from tracker.protocol import Phase

JERKS_PER_MIN = {"healthy": 4.3, "PD": 10.3, "PSP": 33.5}
"""Published means."""
RATE_SPREAD = 0.4
"""Standard deviation over people of the rates' logarithms: an assumption."""
AMPLITUDE_DEG = (1.0, 3.0)
"""Amplitudes of a person's jerks: an assumption."""
FIXATION_S, REST_S = 10.0, 60.0
SEEN: tuple[Literal["typical", "counted", "measured"], ...] = ("typical", "counted", "measured")
NAMES = {"typical": "typical of the people", "counted": "counted without error"}
HELD_S, APART_S, BLINK_S = (0.15, 0.45), 0.5, 0.25
PHASES = (Phase("fixate", 0.0, FIXATION_S), Phase("rest", FIXATION_S, FIXATION_S + REST_S))


DRAWS = 1000
"""Random draws of people from which an interval is computed."""

Rates = np.ndarray[tuple[int], np.dtype[np.float64]]
Means = dict[str, tuple[float, float]]
"""Of each group, the mean rate and how far its 95 % interval reaches to either side."""


@dataclass(frozen=True, slots=True)
class RateCell:
    """How well people with PSP are told from others by a rate of jerks or of blinks.

    Attributes
    ----------
    measure : {"jerks", "blinks"}
    seen : {"typical", "counted", "measured"}
        Whether the rate is typical of the person, the number of events in the recording, or what
        was measured.
    fps : float
        NaN if nothing was measured.
    means : dict of str to (float, float)
        See `Means`, per minute.
    auroc_pd, auroc_healthy : (float, float, float)
        Areas under the ROC curve, with both ends of their 95 % intervals: PSP against Parkinson's
        disease, and against healthy people.
    measured : float
        Share of all people whose rate could be measured.
    """

    measure: str
    seen: Literal["typical", "counted", "measured"]
    fps: float
    means: Means
    auroc_pd: tuple[float, float, float]
    auroc_healthy: tuple[float, float, float]
    measured: float


def draw_times_s(
    rng: np.random.Generator, begin_s: float, end_s: float, per_min: float, apart_s: float
) -> list[float]:
    """Return random moments between `begin_s` and `end_s`, `per_min` of them a minute on average.

    Each is at least `apart_s` seconds after the one before.
    """
    times_s: list[float] = []
    at_s = begin_s
    free_s = max(60 / per_min - apart_s, 0.1)
    while True:
        at_s += float(rng.exponential(free_s))
        if at_s >= end_s:
            return times_s
        times_s.append(at_s)
        at_s += apart_s


def measure_person(kind: str, fps: float, index: int) -> dict[str, tuple[float, float, float]]:
    """Simulate a person of a group at a frame rate.

    `kind` is a key of `JERKS_PER_MIN`, and `index` the person's number in the group. The result
    has, for ``jerks`` and ``blinks``, the person's typical rate, the rate of what the recording
    holds, and the measured one, per minute; NaN if it could not be measured.
    """
    rng = np.random.default_rng((SEED, 13, list(JERKS_PER_MIN).index(kind), index))
    # The mean of a log-normal distribution is above its median.
    drawn = {
        name: means[kind] * float(np.exp(RATE_SPREAD * rng.normal() - RATE_SPREAD**2 / 2))
        for name, means in (("jerks", JERKS_PER_MIN), ("blinks", BLINKS_PER_MIN))
    }
    targets: tuple[Target, ...] = (Target(0.0),)
    jerks_s = draw_times_s(rng, 0.0, FIXATION_S, drawn["jerks"], 1.0)
    for begin_s in jerks_s:
        size_deg = float(rng.choice([-1, 1]) * rng.uniform(*AMPLITUDE_DEG))
        targets = add_jerks(targets, [begin_s], size_deg, float(rng.uniform(*HELD_S)))
    blinks_s = draw_times_s(rng, FIXATION_S, FIXATION_S + REST_S, drawn["blinks"], APART_S)
    spec = ClipSpec(
        duration_s=FIXATION_S + REST_S + 1,
        fps=fps,
        gaze=make_steps(targets),
        closures=tuple(LidClosure(at_s, BLINK_S) for at_s in blinks_s),
        exposure_s=0.5 / fps,
        drift=0.0005,
        seed=index,
    )
    track = simulate_track(spec, rng, draw_noise(rng))
    measures = analyze_track(track, Parameters(protocol=PHASES)).measures
    counted = {"jerks": 60 * len(jerks_s) / FIXATION_S, "blinks": 60 * len(blinks_s) / REST_S}
    measured = {
        "jerks": measures.square_wave_jerk_rate_per_min,
        "blinks": measures.blink_rate_rest_per_min,
    }
    return {name: (drawn[name], counted[name], measured[name]) for name in drawn}


def measure_rates(people: int, rates_hz: Sequence[float] = RATES_HZ) -> Iterator[RateCell]:
    """Simulate so many people of each group at each frame rate; yield how well PSP is told."""
    for fps in sorted(rates_hz, reverse=True):
        found = {
            kind: [measure_person(kind, fps, index) for index in range(people)]
            for kind in JERKS_PER_MIN
        }
        for name in ("jerks", "blinks"):
            for column, seen in enumerate(SEEN):
                # What was drawn is the same at each frame rate.
                if seen == "measured" or fps == max(rates_hz):
                    groups = {
                        kind: np.array([one[name][column] for one in group])
                        for kind, group in found.items()
                    }
                    yield compare_groups(name, seen, fps, groups)


def compare_groups(
    name: str, seen: Literal["typical", "counted", "measured"], fps: float, rates: dict[str, Rates]
) -> RateCell:
    """Return how well PSP is told from the others by the rates of the people in each group."""
    found = {kind: one[np.isfinite(one)] for kind, one in rates.items()}
    sign = 1.0 if name == "jerks" else -1.0
    signed = {kind: sign * one for kind, one in found.items()}
    return RateCell(
        name,
        seen,
        fps if seen == "measured" else np.nan,
        {
            kind: (float(one.mean()), 1.96 * float(one.std(ddof=1)) / one.size**0.5)
            if one.size > 1
            else (np.nan, np.nan)
            for kind, one in found.items()
        },
        _separate(signed["PSP"], signed["PD"]),
        _separate(signed["PSP"], signed["healthy"]),
        sum(map(len, found.values())) / sum(map(len, rates.values())),
    )


def _separate(ill: Rates, well: Rates) -> tuple[float, float, float]:
    """Return the AUROC, and both ends of its 95 % interval over random draws of the people."""
    rng = np.random.default_rng(SEED)
    drawn = [
        compute_auroc(rng.choice(ill, ill.size).tolist(), rng.choice(well, well.size).tolist())
        for _ in range(DRAWS)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    return compute_auroc(ill.tolist(), well.tolist()), low, high


def format_cells(cells: Sequence[RateCell]) -> str:
    """Return how well PSP is told from others by rates as a Markdown table, jerks first."""
    lines = [
        "| a minute | frames a second | PSP | PD | healthy | AUROC, PSP and PD | PSP and healthy | "
        "measured |",
        "|---" * 8 + "|",
    ]
    for one in sorted(cells, key=lambda cell: cell.measure != "jerks"):
        rate = f"{one.fps:.0f}" if one.seen == "measured" else NAMES[one.seen]
        means = " | ".join(
            "{:.1f} ± {:.1f}".format(*one.means[kind]) for kind in ("PSP", "PD", "healthy")
        )
        aurocs = " | ".join(
            "{:.3f} ({:.3f}-{:.3f})".format(*area) for area in (one.auroc_pd, one.auroc_healthy)
        )
        lines.append(f"| {one.measure} | {rate} | {means} | {aurocs} | {one.measured:.0%} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate the groups; print the table, and write it into the folder's ``saccades.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rate_cohorts", description=__doc__)
    parser.add_argument("--people", type=int, default=200, metavar="N", help="in each group")
    parser.add_argument("--out", type=Path, default=Path("results/saccades"), metavar="DIR")
    options: Any = parser.parse_args(arguments)
    if options.people < 2:
        parser.error(f"--people is {options.people}, expected 2 or more")
    text = (
        f"{options.people} people in each group; means and AUROC with 95 % intervals of the "
        f"sampling.\n\n{format_cells(list(measure_rates(options.people)))}"
    )
    print(text)
    write_docs(text, options.out, "rates")


if __name__ == "__main__":
    main()
