"""Results of three made-up recordings, with numbers that are known because they were drawn."""

from pathlib import Path

import numpy as np

from tests.made_tracks import blink, make_landmarks, make_track
from tracker.files.participants import Participant, Participants
from tracker.parameters import Parameters
from tracker.pipeline import measure_track
from tracker.protocol import Phase
from tracker.result import write_files

FPS = 30
UP, DOWN, LEFT = 0.10, 0.15, 0.02
"""How far the eyes look in the two phases, and to the subject's left all along, in eye widths."""
BLINK_FRAMES = (60, 300, 600)
PHASES = (Phase("fixate", 0.0, 2.0), Phase("up", 2.0, 12.0), Phase("down", 12.0, 24.0))
PEOPLE = Participants(
    by_file={},
    by_id={
        "p-01": Participant("p-01", "PSP", "month 6", "2026-03-01"),
        "=HYPERLINK(1)": Participant("=HYPERLINK(1)", "@control"),
    },
)


def write_results(folder: Path) -> None:
    """Write a recording of a person, one too short to assess, and one of nobody known."""
    count = 24 * FPS
    ear = np.full(count, 0.3)
    for start in BLINK_FRAMES:
        blink(ear, start, 6)
    times_s = np.arange(count) / FPS
    vertical = np.where(times_s < 2, 0, np.where(times_s < 12, -UP, DOWN))
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.001, (2, count))
    long = make_track(make_landmarks(ear, vertical + noise[0], LEFT + noise[1]), FPS)
    short = make_track(make_landmarks(ear[:59], noise[0, :59]), FPS)
    recordings = (
        (long, Parameters(protocol=PHASES), folder / "p-01", "first"),
        (short, Parameters(), folder / "=HYPERLINK(1)", "-2+3"),
        (short, Parameters(task="up_down"), folder, "누구"),
    )
    for track, parameters, directory, stem in recordings:
        write_files(measure_track(track, parameters, f"{stem}.mp4"), directory, stem)
