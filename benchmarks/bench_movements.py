"""Time what the extended task's measures add: saccades, jerks, lids and blinks of 12,000 frames."""

import numpy as np
import pytest

from benchmarks.conftest import Figure, Race, Ratio
from benchmarks.long_tracks import make_session
from tracker.lab.clip_spec import ClipSpec, LidClosure
from tracker.lab.eye_movements import Target, make_steps, simulate_track
from tracker.measures.analysis import analyze_gaze, measure_movements
from tracker.measures.lids import detect_events
from tracker.measures.saccades import find_saccades, measure_saccades
from tracker.measures.traces import trace_track
from tracker.parameters import Parameters
from tracker.protocol import Phase
from tracker.tracks.track import Track

MOST_RATIO = {"extended task": 8.5, "steps all the time": 10.5}
"""Of the time that the traces take, which is measured beside it: the geometry of the eyes, the pose
of the head."""
FPS, SECONDS = 120.0, 100.0
AHEAD_S, TARGET_S, LATENCY_S, SIDE_DEG = 10.0, 2.0, 0.3, 9.0
DIRECTIONS = {"up": (-1, 0), "down": (1, 0), "left": (0, 1), "right": (0, -1)}
ASKED = (*("up", "down") * 4, *("left", "right") * 4)
REST_S = AHEAD_S + TARGET_S * len(ASKED)
PHASES = (
    Phase("fixate", 0.0, AHEAD_S),
    *(
        Phase(name, AHEAD_S + n * TARGET_S, AHEAD_S + (n + 1) * TARGET_S)
        for n, name in enumerate(ASKED)
    ),
    Phase("rest", REST_S, SECONDS),
)


def record() -> Track:
    """Make the track of a simulated person who does the task, and blinks every 4 s at rest."""
    targets = [Target(0.0)]
    for phase in PHASES[1:-1]:
        down, left = DIRECTIONS[phase.phase]
        targets.append(Target(phase.start_s + LATENCY_S, SIDE_DEG * down, SIDE_DEG * left))
    targets.append(Target(REST_S + LATENCY_S))
    spec = ClipSpec(
        duration_s=SECONDS,
        fps=FPS,
        gaze=make_steps(targets),
        closures=tuple(LidClosure(float(at_s), 0.25) for at_s in np.arange(44, 98, 4)),
        exposure_s=0.5 / FPS,
    )
    return simulate_track(spec, np.random.default_rng(0))


@pytest.mark.benchmark(group="kernels")
@pytest.mark.parametrize("name", MOST_RATIO)
def test_movements(name: str, race: Race, ratio: Ratio, figure: Figure, short: bool) -> None:
    """The extended task at 120 frames a second, and eyes that step all the time at 30."""
    track, parameters = record(), Parameters(protocol=PHASES)
    if name == "steps all the time":
        track, parameters = make_session(400.0), Parameters()
    assert len(track.times_s) == 12_000
    traces = trace_track(track)
    events = detect_events(traces, parameters)
    gaze = analyze_gaze(traces, events.eyes_open, parameters).gaze

    def move() -> int:
        """What none of the older measures needs."""
        found = find_saccades(gaze, track.times_s, traces.interval_s, parameters.protocol)
        measured = measure_saccades(
            found, gaze.framing_gain_std, traces.iris_ratio, parameters.protocol
        )
        measure_movements(traces, events, gaze, parameters)
        return int(measured["vertical_saccade_count"])

    assert move() >= 6
    medians = race(
        {"movements": move, "traces": lambda: trace_track(track)},
        rounds=5 if short else 25,
    )
    figure(f"movements of 12,000 frames, {name}", 1000 * medians["movements"], "ms CPU")
    ratio(
        f"movements over the traces, {name}",
        medians["movements"] / medians["traces"],
        at_most=MOST_RATIO[name],
    )
