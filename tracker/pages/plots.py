"""The data that a report's script draws: traces, events, phases, distributions; ready for JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kernels import LEFT, RIGHT, compute_eye_geometry
from tracker.measures.analysis import Analysis
from tracker.measures.gaze import mark_task
from tracker.pages.sections import ReportInput, name_event
from tracker.pages.selection import Event, Extreme, Histogram, choose_samples

_WORDS = (
    *("ear", "vertical_axis", "horizontal_axis", "coverage_axis", "pose_axis", "time_axis"),
    *("primary", "p5", "p95", "count", "seconds"),
    *("offset_axis", "legend.left", "legend.right", "legend.limit", "legend.counted"),
    *("legend.uncounted", "legend.excluded", "legend.yaw", "legend.pitch", "legend.roll"),
    *("yes", "no", "coverage"),
)
"""Keys of the texts that the script uses, without their beginning ``report.``."""


def make_plot_data(
    source: ReportInput,
    events: Sequence[Event],
    extremes: Mapping[str, Extreme],
    distributions: Mapping[str, Histogram],
) -> dict[str, Any]:
    """Return the data that the report's script, ``assets/report.js``, draws, as JSON can hold it.

    Parameters
    ----------
    source : ReportInput
    events : sequence of Event
        All events, from `find_events`.
    extremes : mapping of str to Extreme
        From `find_extremes`: the levels that the plot of the gaze marks.
    distributions : mapping of str to Histogram
        From `count_distributions`.

    Returns
    -------
    dict
        By the names that the script uses. Times of events and phases are in seconds, and the levels
        in eye widths; `_make_series` says in which units the traces are.
    """
    times_s = source.analysis.track.times_s
    return {
        "series": _make_series(source.analysis) | _make_excluded(source.analysis),
        "events": [
            {
                "kind": event.kind,
                "name": name_event(source, number, event),
                "start": round(event.onset_s, 4),
                "peak": round(float(times_s[event.peak]), 4),
                "stop": round(event.offset_s, 4),
            }
            for number, event in enumerate(events)
        ],
        "phases": [
            {
                "name": source.text(f"phase_name.{phase.phase}"),
                "start": phase.start_s,
                "stop": phase.end_s,
            }
            for phase in source.summary.phases
        ],
        "levels": {name: one.offset for name, one in extremes.items()},
        "distributions": {
            name: {"edges": np.round(one.edges, 5).tolist(), "counts": one.counts.tolist()}
            for name, one in distributions.items()
        },
        "words": {name: source.text(name) for name in _WORDS},
    }


def _make_series(analysis: Analysis) -> dict[str, list[int | None]]:
    """Return the traces to draw, by the names that the script uses.

    Each trace has one value for each sample (analysed frame) that `choose_samples` chooses.

    They are whole numbers, which take less room and time than fractions. Times are in milliseconds,
    the lids' opening in 1/10,000 of EAR (eye aspect ratio), gaze in 1/10,000 eye width, angles of
    the head in 1/10 degree, and flags 0 or 1. A missing value is None.
    """
    samples = choose_samples(analysis)
    times_s = analysis.track.times_s
    geometry, gaze, head = analysis.traces.geometry, analysis.gaze, analysis.traces.head
    limit = analysis.events.baseline * analysis.parameters.close_ratio
    in_task = mark_task(gaze.valid, analysis.parameters.protocol, times_s)
    return {
        "time": _scale(times_s[samples], 1000),
        "left": _scale(geometry.ear[samples, 0], 10_000),
        "right": _scale(geometry.ear[samples, 1], 10_000),
        "limit": _scale(limit[samples], 10_000),
        "vertical": _scale(gaze.vertical[samples], 10_000),
        "horizontal": _scale(gaze.horizontal[samples], 10_000),
        "counted": gaze.valid[samples].astype(int).tolist(),
        # With a protocol, the vertical range comes from its phases up and down alone.
        "in_task": in_task[samples].astype(int).tolist(),
        "seen": analysis.traces.seen[samples].astype(int).tolist(),
        "yaw": _scale(head.yaw_deg[samples], 10),
        "pitch": _scale(head.pitch_deg[samples], 10),
        "roll": _scale(geometry.head_roll_deg[samples], 10),
    }


def _make_excluded(analysis: Analysis) -> dict[str, list[int | None]]:
    """Return the traces of both lids where a person marked the recording as not usable.

    They are ``excluded_left`` and ``excluded_right``, at the samples and in the unit of
    `_make_series`, and None everywhere else. They are drawn pale, so that a reader sees what was
    left out. Without such marks, the result is empty.
    """
    said, track = analysis.corrections, analysis.track
    if said is None or not said.unusable:
        return {}
    samples = choose_samples(analysis)
    ear = compute_eye_geometry(track.landmarks[samples]).ear
    ear[~said.mark_unusable(track.times_s[samples])] = np.nan
    return {
        "excluded_left": _scale(ear[:, LEFT], 10_000),
        "excluded_right": _scale(ear[:, RIGHT], 10_000),
    }


def _scale(values: Any, factor: float) -> list[int | None]:
    """Return values (S,) times a factor, rounded to whole numbers; None for NaN and infinity."""
    finite = np.isfinite(values)
    whole = np.rint(np.where(finite, values, 0) * factor).astype(np.int64).tolist()
    return [one if known else None for one, known in zip(whole, finite.tolist(), strict=True)]
