"""Summaries of one person's recordings, and how changes between them are judged, for tests."""

from typing import Any

import numpy as np

from tests.made_tracks import blink, make_landmarks, make_track
from tracker.files.documents import parse_summary
from tracker.files.fields import Summary
from tracker.files.summary import summarize
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters
from tracker.study.compare import compare
from tracker.study.compare_input import NEEDED, Labelled


def make_summary(**changes: Any) -> Summary:
    """Return a real recording's summary, with some of its values replaced: ``quality__x=1``."""
    summary = USUAL.to_dict()
    for name, value in changes.items():
        *path, last = name.split("__")
        part = summary
        for key in path:
            part = part[key]
        assert last in part, name
        part[last] = value
    return parse_summary(summary, NEEDED)[0]


def make_usual() -> Summary:
    rng = np.random.default_rng(3)
    ear = np.full(720, 0.3)
    for start in (100, 300, 500):
        blink(ear, start, 6)
    gaze = np.where(np.arange(720) < 360, -0.05, 0.05) + rng.normal(0, 0.004, 720)
    analysis = analyze_track(make_track(make_landmarks(ear, gaze)), Parameters(task="up_down"))
    return summarize(analysis, assess(analysis), "usual.mp4")


USUAL = make_usual()


def judge(first: Any, *others: Any) -> dict[str, dict[str, Any]]:
    """Compare conditions, each a summary or a list of them; return the changes by measure."""
    recordings = [
        Labelled(label, summary)
        for label, group in zip("abcdef", (first, *others), strict=False)
        for summary in (group if isinstance(group, list) else [group])
    ]
    return {
        measure["name"]: measure | measure["changes"][-1]
        for measure in compare(recordings).to_dict()["measures"]
    }


def ranged(value: float, low: float, high: float, **changes: Any) -> Summary:
    return make_summary(
        vertical_peak_to_peak=value, vertical_peak_to_peak_ci95=[low, high], **changes
    )
