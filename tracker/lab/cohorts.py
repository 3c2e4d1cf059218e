"""``python -m tracker.lab.cohorts``: which answers simulated people get from the screening.

It simulates groups of people (cohorts, `tracker.lab.people`), and measures and assesses their
landmarks with the code that real recordings go through. Then it counts how many people get each
answer, by threshold, frame rate, length of the recording and what the analysis knows of the task.
"""

import argparse
import json
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tracker.files.fields import STATUSES, Status
from tracker.files.whole import write_text_whole, write_whole
from tracker.lab.people import COHORTS, Cohort, compute_true_range, draw_person, make_task, record
from tracker.measures.analysis import analyze_gaze, measure_events
from tracker.measures.assessment import assess_thresholds
from tracker.measures.lids import detect_events
from tracker.measures.traces import trace_track
from tracker.parameters import Parameters

SEED = 20_261_128
THRESHOLDS = (0.04, 0.05, 0.06, 0.07, 0.08, 0.1)
THRESHOLD = Parameters().vpp_thresh
TASK_KNOWN = ("protocol", "up_down")
"""What the analysis knows of the task. ``protocol``: when to look up and when to look down.
``up_down``: only that the person was to look up and down, without the times."""
LINE_CHARACTERS = 120
"""Longest line of text in the documentation."""
_BEGIN, _END = "<!-- simulated cohorts: begin -->", "<!-- simulated cohorts: end -->"


@dataclass(frozen=True, slots=True)
class Condition:
    """How people are recorded.

    Attributes
    ----------
    seconds : float
        Length of the recording, in seconds, with the look at the camera before the task.
    fps : float
        Frames a second.
    rounds : int
        How many times the person is asked to look up and then down within these seconds.
    """

    seconds: float = 23.0
    fps: float = 30.0
    rounds: int = 1

    @property
    def name(self) -> str:
        """This condition as text, such as ``23 s, 30 a second, up and down 4 times``.

        A single round is not mentioned.
        """
        rounds = "" if self.rounds == 1 else f", up and down {self.rounds} times"
        return f"{self.seconds:g} s, {self.fps:g} a second{rounds}"


CONDITIONS = (
    Condition(),
    Condition(seconds=13.0),
    Condition(seconds=43.0),
    Condition(fps=15.0),
    Condition(fps=60.0),
    Condition(rounds=4),
)
"""The app's usual task first. Each of the others differs from it in one value."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many people of a cohort got each answer, under one condition.

    Attributes
    ----------
    cohort, kind : str
        Name and kind of the `Cohort`.
    condition : str
        Name of the `Condition`.
    task : str
        What the analysis knew of the task: one of `TASK_KNOWN`.
    threshold : float
        The `vpp_thresh` of the assessment, in eye widths (from corner to corner of an eye). PSP is
        suspected below this vertical range; with the task ``protocol``, below half of it as the
        range down.
    people : int
        Number of people that were simulated.
    answers : dict of str to int
        Number of people with each status of the assessment, such as ``suspected``; 0 for a status
        that nobody has.
    covered : int
        Number of people whose true vertical range lies in the 95 % interval of the measured one.
        The interval is always that with the task ``up_down``, so that this number is the same in
        all outcomes of a cohort and condition.
    """

    cohort: str
    kind: str
    condition: str
    task: str
    threshold: float
    people: int
    answers: dict[Status, int]
    covered: int

    def share(self, status: Status) -> float:
        """Return the share of the people whose assessment has this status, 0 to 1."""
        return self.answers[status] / self.people


def simulate(
    people: int,
    cohorts: Sequence[Cohort] = COHORTS,
    conditions: Sequence[Condition] = CONDITIONS,
    thresholds: Sequence[float] = THRESHOLDS,
) -> Iterator[Outcome]:
    """Simulate recordings of people, assess them, and yield how many people got each answer.

    Parameters
    ----------
    people : int
        Number of people in each cohort. The same people are recorded under every condition.
    cohorts : sequence of Cohort, optional
    conditions : sequence of Condition, optional
    thresholds : sequence of float, optional
        Values of `vpp_thresh`, in eye widths (from corner to corner of an eye), with which each
        recording is assessed: see `Outcome`.

    Yields
    ------
    Outcome
        One for each cohort, condition, task of `TASK_KNOWN` and threshold. The threshold changes
        fastest, the cohort slowest.
    """
    for number, cohort in enumerate(cohorts):
        for condition in conditions:
            yield from _simulate_cohort(people, number, cohort, condition, thresholds)


def _simulate_cohort(
    people: int,
    number: int,
    cohort: Cohort,
    condition: Condition,
    thresholds: Sequence[float],
) -> Iterator[Outcome]:
    answers: Counter[tuple[str, float, Status]] = Counter()
    covered = 0
    asked = make_task(condition.seconds, condition.rounds)
    known = {
        "protocol": Parameters(protocol=asked),
        "up_down": Parameters(task="up_down"),
    }
    for index in range(people):
        rng = np.random.default_rng((SEED, number, index))
        person = draw_person(cohort, rng)
        true_range = compute_true_range(person, rng)
        traces = trace_track(record(person, asked, condition.fps, rng))
        # What is known of the task changes nothing about the lids.
        events = detect_events(traces, Parameters())
        for task, parameters in known.items():
            gaze = analyze_gaze(traces, events.eyes_open, parameters)
            analysis = measure_events(traces, events, gaze, parameters)
            if task == "up_down":
                low, high = analysis.measures.vertical_peak_to_peak_ci95
                covered += low <= true_range <= high
            for threshold, assessment in zip(
                thresholds, assess_thresholds(analysis, thresholds), strict=True
            ):
                answers[task, threshold, assessment.status] += 1
    for task in TASK_KNOWN:
        for threshold in thresholds:
            yield Outcome(
                cohort=cohort.name,
                kind=cohort.kind,
                condition=condition.name,
                task=task,
                threshold=threshold,
                people=people,
                answers={status: answers[task, threshold, status] for status in STATUSES},
                covered=covered,
            )


def format_tables(outcomes: Sequence[Outcome]) -> str:
    """Return the tables for docs/accuracy.md, as Markdown.

    `outcomes` are those of `simulate`, with all of `COHORTS`, `CONDITIONS` and `THRESHOLDS`.
    """
    usual = CONDITIONS[0].name
    people = outcomes[0].people
    parts = [
        _fold(
            f"Simulated: {people:,} people each, {usual}, threshold {THRESHOLD:g}, with the task's "
            "protocol (the answer rests on the range down):"
        ),
        _format_answers(outcomes, usual, "protocol"),
        _fold(
            "Simulated: the same recordings with `--task up_down` (the answer rests on the whole "
            "vertical range):"
        ),
        _format_answers(outcomes, usual, "up_down"),
        _fold(
            "Simulated: people with PSP who are suspected (of the three degrees together: "
            "sensitivity), and other people who are not (specificity), by threshold, and by length "
            f"and frame rate at {THRESHOLD:g}; shares of borderline and not assessable of all:"
        ),
        _format_rates(outcomes),
    ]
    return "\n\n".join(parts)


def _fold(text: str) -> str:
    """Return one paragraph in lines of at most `LINE_CHARACTERS`."""
    return textwrap.fill(text, LINE_CHARACTERS, break_long_words=False, break_on_hyphens=False)


def _format_answers(outcomes: Sequence[Outcome], condition: str, task: str) -> str:
    heads = [status.replace("_", " ") for status in STATUSES]
    lines = [f"| simulated people | {' | '.join(heads)} | interval holds |", "|---" * 6 + "|"]
    for one in outcomes:
        if (one.condition, one.task, one.threshold) == (condition, task, THRESHOLD):
            shares = " | ".join(f"{one.share(status):.1%}" for status in STATUSES)
            lines.append(f"| {one.cohort} | {shares} | {one.covered / one.people:.1%} |")
    return "\n".join(lines)


def compute_rates(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Compute sensitivity, specificity, and the shares of people without a clear answer.

    Parameters
    ----------
    outcomes : sequence of Outcome
        One for each cohort, all with the same condition, task and threshold.

    Returns
    -------
    dict
        ``sensitivity``: share of the people with PSP whose answer is ``suspected``.
        ``specificity``: share of the people without PSP whose answer is any other one, be it
        ``borderline`` or ``not_assessable``. ``borderline`` and ``not_assessable``: shares of all
        people. Every cohort has the same weight. A cohort whose name contains ``intact`` (PSP with
        intact up-gaze) is left out of all four: it only shows that a protocol reveals a loss of
        down-gaze alone.
    """
    counted = [one for one in outcomes if "intact" not in one.cohort]
    ill = [one for one in counted if one.kind == "PSP"]
    others = [one for one in counted if one.kind != "PSP"]

    def mean(chosen: Sequence[Outcome], status: Status) -> float:
        return float(np.mean([one.share(status) for one in chosen]))

    return {
        "sensitivity": mean(ill, "suspected"),
        "specificity": 1 - mean(others, "suspected"),
        "borderline": mean(counted, "borderline"),
        "not_assessable": mean(counted, "not_assessable"),
    }


def _format_rates(outcomes: Sequence[Outcome]) -> str:
    usual = CONDITIONS[0].name
    settings = [(usual, threshold) for threshold in sorted({one.threshold for one in outcomes})]
    settings += [(one.name, THRESHOLD) for one in CONDITIONS[1:]]
    lines = [
        "| simulated setting | known | sensitivity | specificity | borderline | not assessable |",
        "|---" * 6 + "|",
    ]
    for condition, threshold in settings:
        for task in TASK_KNOWN:
            chosen = [
                one
                for one in outcomes
                if (one.condition, one.task, one.threshold) == (condition, task, threshold)
            ]
            if chosen:
                rates = " | ".join(f"{rate:.1%}" for rate in compute_rates(chosen).values())
                lines.append(f"| {condition}, threshold {threshold:g} | {task} | {rates} |")
    return "\n".join(lines)


def draw_picture(outcomes: Sequence[Outcome], path: Path) -> None:
    """Draw a PNG: the answers of each cohort, and by threshold what `compute_rates` returns.

    Of the rates, the share of ``not_assessable`` is not drawn. `outcomes` are those of `simulate`.
    Only those under the first of `CONDITIONS` are drawn, for each of `TASK_KNOWN`; the answers are
    those at the threshold `THRESHOLD`. Without matplotlib, `ImportError` is raised.
    """
    # Imported here: only this picture needs it.
    from matplotlib.figure import Figure

    looks = {
        "suspected": {"color": "#d55e00", "hatch": "xx"},
        "borderline": {"color": "#56b4e9", "hatch": "//"},
        "not_suspected": {"color": "#0072b2"},
        "not_assessable": {"color": "#c9d0d8", "hatch": ".."},
    }
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    axes = figure.subplots(2, 2)
    usual = CONDITIONS[0].name
    for panel, task in zip(axes[0], TASK_KNOWN, strict=True):
        chosen = [
            one
            for one in outcomes
            if (one.condition, one.task, one.threshold) == (usual, task, THRESHOLD)
        ][::-1]
        left = np.zeros(len(chosen))
        for status in STATUSES:
            shares = np.array([one.share(status) for one in chosen])
            names = [one.cohort for one in chosen]
            label = status.replace("_", " ")
            panel.barh(names, shares, left=left, label=label, edgecolor="w", **looks[status])
            left += shares
        panel.set(xlim=(0, 1), xlabel="share of simulated people", title=f"task known: {task}")
    axes[0][0].legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=4)
    for panel, task in zip(axes[1], TASK_KNOWN, strict=True):
        thresholds = sorted({one.threshold for one in outcomes})
        rates = [
            compute_rates(
                [
                    one
                    for one in outcomes
                    if (one.condition, one.task, one.threshold) == (usual, task, threshold)
                ]
            )
            for threshold in thresholds
        ]
        for name, style in (("sensitivity", "o-"), ("specificity", "s--"), ("borderline", "^:")):
            panel.plot(thresholds, [one[name] for one in rates], style, color="#1a1f26", label=name)
        panel.axvline(THRESHOLD, color="#7b8794", lw=0.8)
        panel.set(ylim=(0, 1.02), xlabel="vpp_thresh (eye widths)", ylabel="simulated share")
        panel.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0.0, 0.97))
    figure.suptitle(f"Simulated cohorts, {outcomes[0].people:,} people each; no real patient")
    figure.savefig(path, dpi=110)


def write_docs(outcomes: Sequence[Outcome], folder: Path) -> list[Path]:
    """Write ``cohorts.json`` and ``cohorts.png``, and update the tables in ``accuracy.md``.

    Parameters
    ----------
    outcomes : sequence of Outcome
        All that `simulate` yielded.
    folder : Path
        An existing directory. In its ``accuracy.md``, the tables replace the text between the marks
        `_BEGIN` and `_END`. The page is not made if there is none; without marks its text stays.

    Returns
    -------
    list of Path
        The files that were written.
    """
    document = json.dumps([asdict(one) for one in outcomes], indent=1) + "\n"
    written = [
        write_text_whole(folder / "cohorts.json", document),
        write_whole(folder / "cohorts.png", lambda path: draw_picture(outcomes, path)),
    ]
    page = folder / "accuracy.md"
    if page.exists():
        text = page.read_text(encoding="utf-8")
        between = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
        tables = f"{_BEGIN}\n\n{format_tables(outcomes)}\n\n{_END}"
        replaced = between.sub(lambda _: tables, text)
        written.append(write_text_whole(page, replaced))
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate the cohorts, print the tables, and write tables and picture to the folder ``--out``.

    The folder is made if it is missing; without ``--out`` it is ``results/cohorts``. `arguments`
    are those of the command line, without the program's name; None takes ``sys.argv``.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tracker.lab.cohorts", description="Simulate cohorts and assess them."
    )
    parser.add_argument("--people", type=int, default=1000, metavar="N", help="for each cohort")
    parser.add_argument("--out", type=Path, default=Path("results/cohorts"), metavar="DIR")
    options: Any = parser.parse_args(arguments)
    if options.people < 1:
        parser.error(f"--people is {options.people}, expected 1 or more")
    options.out.mkdir(parents=True, exist_ok=True)
    outcomes = list(simulate(options.people))
    print(format_tables(outcomes))
    print("\n  written " + " ".join(map(str, write_docs(outcomes, options.out))))


if __name__ == "__main__":
    main()
