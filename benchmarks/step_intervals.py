"""``python -m benchmarks.step_intervals``: how often the interval of a single step holds its truth.

The people are those of `benchmarks.saccades`, without blinks; each row of the table of saccades is
compared with the step that was drawn.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.saccades import (
    FRAMING_STD,
    PHASES,
    RATES_HZ,
    SECOND_STD,
    SEED,
    Eyes,
    draw_noise,
    draw_normal,
    draw_recording,
    draw_slow,
    write_docs,
)
from tracker.lab.eye_movements import RISE_SHARE, Shown, bend_gaze, simulate_track
from tracker.measures.analysis import analyze_track
from tracker.measures.saccade_rows import EYES, SaccadeRow, list_saccade_rows
from tracker.parameters import Parameters

VALUES = {
    "onset_s": "onset",
    "latency_ms": "latency",
    "amplitude": "amplitude",
    "time_10_90_ms": "10-90 % time",
}


@dataclass(frozen=True, slots=True)
class StepCell:
    """How the rows of one condition hold what was drawn.

    Attributes
    ----------
    name : str
    fps : float
    eye : str
    drawn, used : int
        Steps that were drawn, and those that were measured.
    held : dict of str to float
        Share of the intervals that hold what was drawn, by the value's name.
    width : float
        Median of the upper end over the lower end of the 10-90 % time.
    """

    name: str
    fps: float
    eye: str
    drawn: int
    used: int
    held: dict[str, float]
    width: float


def list_rows(
    draw: Callable[[np.random.Generator], Eyes], fps: float, seed: tuple[int, ...]
) -> tuple[int, list[tuple[SaccadeRow, dict[str, float]]]]:
    """Simulate a recording; return the number of its steps, and each row beside what was drawn."""
    rng = np.random.default_rng((SEED, 17, *seed))
    recording = draw_recording(draw(rng), fps, rng, blinks=False)
    shown = Shown(
        framing_gain=1 + FRAMING_STD * float(rng.normal()),
        second_gain=1 + SECOND_STD * float(rng.normal()),
    )
    noise = draw_noise(rng)
    track = simulate_track(recording.spec, rng, noise, shown)
    gaze = recording.spec.gaze
    places = np.array([step.vertical for step in gaze])
    sizes = np.abs(np.diff(bend_gaze(places, recording.spec, noise.bend)))
    middles_s = np.array([step.start_s + step.turn_s / 2 for step in gaze[1:]])
    found = []
    for row in list_saccade_rows(analyze_track(track, Parameters(protocol=PHASES))):
        if row.direction in ("up", "down") and not row.reason:
            number = 1 + int(np.argmin(np.abs(middles_s - row.middle_s)))
            step = gaze[number]
            drawn = {
                "onset_s": step.start_s,
                "latency_ms": 1000 * (step.start_s - row.prompt_s),
                "amplitude": shown.vertical * float(sizes[number - 1]),
                "time_10_90_ms": 1000 * RISE_SHARE * step.turn_s,
            }
            found.append((row, drawn))
    return len(gaze) - 1, found


def measure_steps(recordings: int) -> Iterator[StepCell]:
    """Simulate the recordings of each condition, and yield how each eye's rows hold the truth."""
    for number, (name, draw) in enumerate({"normal": draw_normal, "slow": draw_slow}.items()):
        for rate, fps in enumerate(RATES_HZ):
            drawn, rows = 0, []
            for index in range(recordings):
                count, found = list_rows(draw, fps, (number, rate, index))
                drawn += count
                rows += found
            for eye in EYES:
                own = [(row, truth) for row, truth in rows if row.eye == eye]
                yield summarize(name, fps, eye, drawn, own)


def summarize(
    name: str, fps: float, eye: str, drawn: int, rows: Sequence[tuple[SaccadeRow, dict[str, float]]]
) -> StepCell:
    """Combine the rows of one condition and eye."""
    held, known = Counter[str](), Counter[str]()
    for row, truth in rows:
        for value in VALUES:
            middle, low, high = getattr(row, value)
            if not np.isnan(middle):
                known[value] += 1
                held[value] += low <= truth[value] <= high
    widths = [row.time_10_90_ms[2] / row.time_10_90_ms[1] for row, _ in rows]
    return StepCell(
        name,
        fps,
        eye,
        drawn,
        len(rows),
        {value: held[value] / known[value] if known[value] else np.nan for value in VALUES},
        float(np.median(widths)) if widths else np.nan,
    )


def format_cells(cells: Sequence[StepCell]) -> str:
    """Return a Markdown table."""
    names = " | ".join(f"{name}: held" for name in VALUES.values())
    lines = [
        f"| steps | a second | eye | drawn | measured | {names} | time, upper / lower |",
        "|---" * (6 + len(VALUES)) + "|",
    ]
    for one in cells:
        held = " | ".join(f"{share:.1%}" for share in one.held.values())
        lines.append(
            f"| {one.name} | {one.fps:.0f} | {one.eye} | {one.drawn:,} | {one.used:,} | {held} | "
            f"{one.width:.2f} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate the steps; print the table, and write it into the folder's ``saccades.md``."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.step_intervals", description=__doc__
    )
    parser.add_argument("--recordings", type=int, default=200, metavar="N", help="in each cell")
    parser.add_argument("--out", type=Path, default=Path("results/saccades"), metavar="DIR")
    options: Any = parser.parse_args(arguments)
    if options.recordings < 1:
        parser.error(f"--recordings is {options.recordings}, expected 1 or more")
    text = format_cells(list(measure_steps(options.recordings)))
    print(text)
    write_docs(text, options.out, "steps")


if __name__ == "__main__":
    main()
