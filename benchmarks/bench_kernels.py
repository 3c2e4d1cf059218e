"""Time the measures for several lengths: alone, beside NumPy and pandas, and beside plain Python.

"All measures" means everything that `analyze_track` and `assess` compute from a track: in each
frame the eyes' geometry, the head's pose, the open eye's level and the gaze; closures, blinks and
winks; the summary's numbers, the quality and the verdict. Some benchmarks leave out the bootstrap's
interval, and say so. It has a benchmark of its own.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.conftest import Figure, Race, Ratio
from benchmarks.long_tracks import make_session
from benchmarks.plain import measure_plain
from benchmarks.vectorised import measure_vectorised
from kernels import (
    compute_eye_geometry,
    compute_head_pose,
    compute_noise_floor,
    compute_open_level,
    compute_peak_to_peak_interval,
    compute_quantiles,
    detect_closures,
    find_dips,
    uncertainty,
)
from kernels.looks import compute_look_reach
from tracker.files.summary import summarize
from tracker.measures import gaze
from tracker.measures.analysis import analyze_gaze, analyze_track, measure_events
from tracker.measures.assessment import assess
from tracker.measures.lids import detect_events
from tracker.measures.saccades import NO_STEPS, Saccades
from tracker.measures.steps import Camera
from tracker.measures.traces import trace_track
from tracker.parameters import Parameters
from tracker.study.sweep import parse_grid, sweep_track, sweep_tracks
from tracker.tracks.archive import load_track, save_track
from tracker.tracks.track import Track

PARAMETERS = Parameters()
FPS = 30
FRAMES = {"1 min": 1_800, "12,000 frames": 12_000, "10 min": 18_000, "1 h": 108_000}
IN_SHORT = ("12,000 frames",)
LENGTHS = [
    pytest.param(name, marks=() if name in IN_SHORT else pytest.mark.whole) for name in FRAMES
]
GRIDS = {
    "10 blink_thresh x 5 vpp_thresh": ["blink_thresh=0.14:0.23:0.01", "vpp_thresh=0.04:0.08:0.01"],
    "50 blink_thresh": ["blink_thresh=0.132:0.23:0.002"],
}


def measure_all(track: Track) -> dict[str, Any]:
    """Analyse and assess a track as the product does; return the numbers by the measures' names."""
    # Clear the cache: a count's interval is kept from one analysis to the next.
    uncertainty._poisson_limits.cache_clear()
    analysis = analyze_track(track, PARAMETERS)
    assessment = assess(analysis)
    return {"measures": analysis.measures, "quality": assessment.quality, "gaze": analysis.gaze}


@contextmanager
def no_bootstrap() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        nothing = uncertainty.RangeReach(math.nan, math.nan, math.nan)
        patch.setattr(gaze, "compute_range_reach", lambda *_: nothing)
        yield


@contextmanager
def no_saccades() -> Iterator[None]:
    """In the ``with`` block, leave out the fits of saccades: NumPy's version has none.

    `benchmarks.bench_movements` times them.
    """
    camera = Camera(np.empty(0), math.nan, np.empty(0))
    nothing = Saccades("no_gaze", NO_STEPS, NO_STEPS, (NO_STEPS, NO_STEPS), camera)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tracker.measures.analysis.find_saccades", lambda *_: nothing)
        yield


def assert_equal(own: dict[str, Any], other: dict[str, float], tolerance: float) -> None:
    numbers = {**asdict(own["measures"]), **asdict(own["quality"])}
    numbers["framing_gain"] = own["gaze"].framing_gain
    numbers["blink_rate_per_min_low"], numbers["blink_rate_per_min_high"] = numbers[
        "blink_rate_per_min_ci95"
    ]
    assert len(other) > 25
    for name, value in other.items():
        assert numbers[name] == pytest.approx(value, rel=tolerance, abs=tolerance, nan_ok=True), (
            name
        )


@pytest.mark.benchmark(group="all measures")
@pytest.mark.parametrize("length", LENGTHS)
def test_vectorised(length: str, race: Race, ratio: Ratio, figure: Figure, short: bool) -> None:
    """All measures but the bootstrap's and the saccades', beside well-written NumPy and pandas."""
    track = make_session(FRAMES[length] / FPS)
    assert_equal(measure_all(track), measure_vectorised(track, PARAMETERS), 1e-9)
    with no_bootstrap(), no_saccades():
        medians = race(
            {
                "kernels": lambda: measure_all(track),
                "NumPy and pandas": lambda: measure_vectorised(track, PARAMETERS),
            },
            rounds=9 if short else 25,
        )
    own = medians["kernels"]
    ratio(
        f"all measures, {length}: vectorised over kernels",
        medians["NumPy and pandas"] / own,
        at_least=3,
    )
    figure(f"all measures, {length}, without bootstrap and saccades", 1000 * own, "ms CPU")


@pytest.mark.benchmark(group="all measures")
@pytest.mark.parametrize("length", ["10 s", pytest.param("1 min", marks=pytest.mark.whole)])
def test_plain(length: str, race: Race, ratio: Ratio) -> None:
    """The same beside plain Python: the reference that the kernels are tested against.

    Longer recordings would only flatter: its level is quadratic in the number of frames. In 10 s,
    most of the kernels' time is spent around them, in calls that do not depend on the length.
    """
    track = make_session(10 if length == "10 s" else 60)
    assert_equal(measure_all(track), measure_plain(track, PARAMETERS), 1e-8)
    with no_bootstrap():
        medians = race(
            {
                "kernels": lambda: measure_all(track),
                "plain Python": lambda: measure_plain(track, PARAMETERS),
            },
            rounds=3,
        )
    ratio(
        f"all measures, {length}: plain Python over kernels",
        medians["plain Python"] / medians["kernels"],
        at_least=150,
    )


@pytest.mark.whole
@pytest.mark.benchmark(group="all measures")
@pytest.mark.parametrize("length", FRAMES)
def test_parts(length: str, race: Race) -> None:
    """Time each part of an analysis."""
    track = make_session(FRAMES[length] / FPS)
    traces = trace_track(track)
    events = detect_events(traces, PARAMETERS)
    look = analyze_gaze(traces, events.eyes_open, PARAMETERS)
    analysis = measure_events(traces, events, look, PARAMETERS)
    assessment = assess(analysis)
    assert analysis.measures.blink_count > 10
    valid, vertical = analysis.gaze.valid, analysis.gaze.vertical
    eye_ratio = traces.geometry.ear / events.baseline[:, np.newaxis]
    is_low = np.zeros(track.times_s.size, dtype=np.bool_)
    race(
        {
            "all, with the bootstrap": lambda: measure_all(track),
            "what thresholds share": lambda: trace_track(track),
            "of it geometry": lambda: compute_eye_geometry(track.landmarks),
            "of it pose": lambda: compute_head_pose(track.landmarks),
            "of it level": lambda: compute_open_level(analysis.traces.ear, track.times_s),
            "closures and winks": lambda: detect_events(traces, PARAMETERS),
            "of it dips": lambda: find_dips(
                events.ratio, eye_ratio, track.times_s, traces.lid_noise, is_low, 0.75
            ),
            "of it closures": lambda: detect_closures(
                events.ratio, track.times_s, events.dips, traces.lid_noise, 0.05
            ),
            "gaze": lambda: analyze_gaze(traces, events.eyes_open, PARAMETERS),
            "of it the bootstrap": lambda: compute_peak_to_peak_interval(
                vertical, valid, track.times_s
            ),
            "of it a range": lambda: compute_quantiles(vertical, valid, (0.05, 0.95)),
            "of it a noise floor": lambda: compute_noise_floor(vertical, valid),
            "measures of closures": lambda: measure_events(traces, events, look, PARAMETERS),
            "verdict": lambda: assess(analysis),
            "summary document": lambda: summarize(analysis, assessment, "x.mp4"),
        },
        rounds=15,
    )


@pytest.mark.benchmark(group="kernels")
def test_bootstrap(race: Race, ratio: Ratio, short: bool) -> None:
    """Time the bootstrap's interval of the range, beside NumPy.

    NumPy has all draws' values in one array, and partitions it.
    """
    track = make_session(60)
    analysis = analyze_track(track, PARAMETERS)
    values, keep, times_s = analysis.gaze.vertical, analysis.gaze.valid, track.times_s

    def vectorise() -> tuple[float, float]:
        kept, kept_s = values[keep], times_s[keep]
        block = np.floor((kept_s - kept_s[0]) / uncertainty.BLOCK_S).astype(int)
        numbers, first, sizes = np.unique(block, return_index=True, return_counts=True)
        start = np.arange(numbers.size) // uncertainty.STRATUM_BLOCKS * uncertainty.STRATUM_BLOCKS
        stop = np.minimum(start + uncertainty.STRATUM_BLOCKS, numbers.size)
        draws = np.random.default_rng(uncertainty.SEED).integers(
            start, stop, (uncertainty.REPLICATES, numbers.size)
        )
        # Blocks differ in size by a frame or so. Pad them with NaN, which quantiles leave out.
        padded = np.full((numbers.size, sizes.max()), np.nan)
        padded[block, np.arange(kept.size) - np.repeat(first, sizes)] = kept
        drawn = padded[draws].reshape(uncertainty.REPLICATES, -1)
        low, high = np.nanquantile(drawn, (0.05, 0.95), axis=1)
        ends = np.quantile(high - low, (0.025, 0.975))
        range_ = np.diff(np.quantile(kept, (0.05, 0.95)))[0]
        factor = uncertainty.compute_bootstrap_correction(numbers.size)
        top, bottom = np.quantile(kept, (0.05, 0.95)).tolist()
        (looks,) = compute_look_reach(kept, top, bottom, (top + bottom) / 2)
        reach = math.hypot(factor * np.abs(ends - range_).max(), *looks)
        return max(range_ - reach, 0.0), range_ + reach

    interval = compute_peak_to_peak_interval(values, keep, times_s)
    # The kernel's block numbers skip lost blocks; the numbers here do not.
    assert interval == pytest.approx(vectorise(), rel=1e-9)
    medians = race(
        {
            "kernel": lambda: compute_peak_to_peak_interval(values, keep, times_s),
            "NumPy": vectorise,
        },
        rounds=3 if short else 9,
    )
    ratio("bootstrap, 1 min: NumPy over kernel", medians["NumPy"] / medians["kernel"], at_least=120)


@pytest.mark.benchmark(group="kernels")
def test_level(race: Race, ratio: Ratio, short: bool) -> None:
    """Time the level of the open eye, beside pandas' rolling quantile and minimum."""
    track = make_session(400)
    ear = compute_eye_geometry(track.landmarks).ear.mean(axis=1)
    series = pd.Series(ear, index=pd.to_timedelta(track.times_s, unit="s"))
    medians = race(
        {
            "kernel": lambda: compute_open_level(ear, track.times_s),
            "pandas": lambda: series.rolling("1s").quantile(0.9).rolling("1s").min(),
        },
        rounds=5 if short else 15,
    )
    ratio(
        "level of the open eye: pandas over kernel",
        medians["pandas"] / medians["kernel"],
        at_least=3,
    )


@pytest.mark.benchmark(group="sweep")
@pytest.mark.parametrize("grid_name", GRIDS)
def test_sweep_of_a_track(grid_name: str, race: Race, ratio: Ratio, short: bool) -> None:
    """A sweep of one track over 50 points, beside 50 analyses of the track."""
    track, grid = make_session(20), parse_grid(GRIDS[grid_name])
    points = [
        Parameters(blink_thresh=blink_thresh, vpp_thresh=vpp_thresh)
        for blink_thresh in grid["blink_thresh"]
        for vpp_thresh in grid.get("vpp_thresh", (PARAMETERS.vpp_thresh,))
    ]
    assert len(list(sweep_track(track, "x", PARAMETERS, grid))) == len(points) == 50

    def one_by_one() -> None:
        for parameters in points:
            analysis = analyze_track(track, parameters)
            summarize(analysis, assess(analysis), "x")

    medians = race(
        {
            "sweep": lambda: list(sweep_track(track, "x", PARAMETERS, grid)),
            "one by one": one_by_one,
        },
        rounds=5 if short else 15,
    )
    ratio(
        f"sweep, {grid_name}: one by one over sweep",
        medians["one by one"] / medians["sweep"],
        at_least=4.5 if "vpp_thresh" in grid else 2.5,
    )


@pytest.mark.whole
@pytest.mark.benchmark(group="sweep")
@pytest.mark.parametrize("grid_name", GRIDS)
def test_sweep_of_a_cohort(
    grid_name: str, race: Race, ratio: Ratio, figure: Figure, tmp_path: Path
) -> None:
    """A sweep over 50 points of 1,000 tracks of 20 s, and of 10 tracks of 10 min, all in files.

    On one core that does nothing else, the CPU time is the wall time.
    """
    paths = []
    for seed in range(50):
        path = tmp_path / f"{seed}.track.npz"
        save_track(make_session(20, seed=seed), path)
        paths.append(path)
    long = []
    for seed in range(10):
        long.append(tmp_path / f"long{seed}.track.npz")
        save_track(make_session(600, seed=seed), long[-1])
    grid = parse_grid(GRIDS[grid_name])

    def sweep(files: list[Path]) -> None:
        failures: list[Exception] = []
        statuses = sweep_tracks(
            files, PARAMETERS, grid, tmp_path / "sweep.csv", lambda *_: None, failures.append
        )
        assert not failures
        assert sum(count.total() for count in statuses.values()) == 50 * len(files)

    medians = race(
        {
            # Each file is read 20 times. The system has it in memory after the first time.
            "1,000 tracks of 20 s": lambda: sweep(20 * paths),
            "10 tracks of 10 min": lambda: sweep(long),
            "loading the 1,000": lambda: [load_track(path) for path in 20 * paths],
        },
        rounds=3,
    )
    whole = medians["1,000 tracks of 20 s"]
    figure(f"sweep of 1,000 tracks, {grid_name}", whole, "s CPU")
    figure("of it loading", medians["loading the 1,000"], "s CPU")
    figure(f"sweep of a 10 min track, {grid_name}", medians["10 tracks of 10 min"] / 10, "s CPU")
    ratio(f"loading over the sweep, {grid_name}", medians["loading the 1,000"] / whole, at_most=1)
