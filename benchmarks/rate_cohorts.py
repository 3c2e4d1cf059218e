"""Simulated cohorts by published rates of square-wave jerks and of blinks.

Each person holds a fixation for 10 s and rests for 60 s, as in the task ``extended``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import saccades
from benchmarks.saccades import SEED, compute_auroc, draw_noise
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
HELD_S, APART_S, BLINK_S = (0.15, 0.45), 0.5, 0.25
PHASES = (Phase("fixate", 0.0, FIXATION_S), Phase("rest", FIXATION_S, FIXATION_S + REST_S))


@dataclass(frozen=True, slots=True)
class RateCell:
    """How well people with PSP are told from others by a rate of jerks or of blinks.

    Attributes
    ----------
    measure : {"jerks", "blinks"}
    fps : float
        NaN for the rates that were drawn.
    means : dict of str to float
        Mean of each group, per minute.
    auroc_pd, auroc_healthy : float
        Areas under the ROC curve: PSP against Parkinson's disease, and against healthy people.
    measured : float
        Share of all people whose rate could be measured.
    """

    measure: str
    fps: float
    means: dict[str, float]
    auroc_pd: float
    auroc_healthy: float
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


def measure_person(kind: str, fps: float, index: int) -> dict[str, tuple[float, float]]:
    """Simulate a person of a group at a frame rate.

    `kind` is a key of `JERKS_PER_MIN`, and `index` the person's number in the group. The result
    has, for ``jerks`` and ``blinks``, the person's typical rate and the measured one, per minute;
    NaN if it could not be measured.
    """
    rng = np.random.default_rng((SEED, 13, list(JERKS_PER_MIN).index(kind), index))
    # The mean of a log-normal distribution is above its median.
    drawn = {
        name: means[kind] * float(np.exp(RATE_SPREAD * rng.normal() - RATE_SPREAD**2 / 2))
        for name, means in (("jerks", JERKS_PER_MIN), ("blinks", BLINKS_PER_MIN))
    }
    targets: tuple[Target, ...] = (Target(0.0),)
    for begin_s in draw_times_s(rng, 0.0, FIXATION_S - 1, drawn["jerks"], 1.0):
        size_deg = float(rng.choice([-1, 1]) * rng.uniform(*AMPLITUDE_DEG))
        targets = add_jerks(targets, [begin_s], size_deg, float(rng.uniform(*HELD_S)))
    blinks_s = draw_times_s(rng, FIXATION_S, FIXATION_S + REST_S - 1, drawn["blinks"], APART_S)
    spec = ClipSpec(
        duration_s=FIXATION_S + REST_S,
        fps=fps,
        gaze=make_steps(targets),
        closures=tuple(LidClosure(at_s, BLINK_S) for at_s in blinks_s),
        exposure_s=0.5 / fps,
        drift=0.0005,
        seed=index,
    )
    track = simulate_track(spec, rng, draw_noise(rng))
    measures = analyze_track(track, Parameters(protocol=PHASES)).measures
    return {
        "jerks": (drawn["jerks"], measures.square_wave_jerk_rate_per_min),
        "blinks": (drawn["blinks"], measures.blink_rate_rest_per_min),
    }


def measure_rates(people: int) -> Iterator[RateCell]:
    """Simulate so many people of each group at each frame rate; yield how well PSP is told."""
    for fps in saccades.RATES_HZ[::-1]:
        found = {
            kind: [measure_person(kind, fps, index) for index in range(people)]
            for kind in JERKS_PER_MIN
        }
        for name, sign in (("jerks", 1.0), ("blinks", -1.0)):
            for column, rate_hz in ((0, np.nan), (1, fps)):
                # What was drawn is the same at each frame rate.
                if column == 1 or fps == saccades.RATES_HZ[-1]:
                    groups = {
                        kind: np.array([one[name][column] for one in group])
                        for kind, group in found.items()
                    }
                    yield _compare_groups(name, rate_hz, groups, sign)


def _compare_groups(
    name: str,
    fps: float,
    groups: dict[str, "np.ndarray[tuple[int], np.dtype[np.float64]]"],
    sign: float,
) -> RateCell:
    ill = (sign * groups["PSP"]).tolist()
    return RateCell(
        name,
        fps,
        {kind: float(np.nanmean(rates)) for kind, rates in groups.items()},
        compute_auroc(ill, (sign * groups["PD"]).tolist()),
        compute_auroc(ill, (sign * groups["healthy"]).tolist()),
        float(np.isfinite(np.concatenate(list(groups.values()))).mean()),
    )


def format_cells(cells: Sequence[RateCell]) -> str:
    """Return how well PSP is told from others by rates as a Markdown table."""
    lines = [
        "| a minute | frames a second | PSP | PD | healthy | AUROC, PSP and PD | PSP and healthy | "
        "measured |",
        "|---" * 8 + "|",
    ]
    for one in cells:
        rate = "drawn" if np.isnan(one.fps) else f"{one.fps:.0f}"
        means = " | ".join(f"{one.means[kind]:.1f}" for kind in ("PSP", "PD", "healthy"))
        lines.append(
            f"| {one.measure} | {rate} | {means} | {one.auroc_pd:.2f} | {one.auroc_healthy:.2f} | "
            f"{one.measured:.0%} |"
        )
    return "\n".join(lines)
