"""What the lids do: closures, winks, and the frames in which the eyes are open."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import (
    Closures,
    compute_eye_amplitude,
    compute_quantiles,
    detect_closures,
    detect_winks,
    mark_around_closures,
    mark_closures_in_winks,
)
from kernels.closures import WINK_ASYMMETRY
from kernels.measures import median_finite
from tracker.measures.traces import BoolArray, Float64Array, Traces, _fixed_baseline
from tracker.parameters import Parameters

BLINK_GUARD_S = 0.1
"""Left out of the gaze on either side of a closure: the lid still moves the iris's outline."""


@dataclass(frozen=True, slots=True)
class Events:
    """What the lids did; all that the thresholds of blinks decide.

    Attributes
    ----------
    baseline, ratio : ndarray, shape (N,), float64
        Open-eye EAR around each frame, and the EAR over it.
    closures : Closures
    eye_amplitude : ndarray, shape (M, 2), float64
        Amplitude of each closure by eye: 0 = stays open, 1 = no opening left.
    winks : ndarray, shape (W, 2), int64
        Samples in which one eye alone is held closed, half-open.
    wink_eye : ndarray, shape (W,), int64
        Which eye that is.
    eyes_open : ndarray, shape (N,), bool
        Frames with a face outside closures and their guard.
    """

    baseline: Float64Array
    ratio: Float64Array
    closures: Closures
    eye_amplitude: Float64Array
    winks: NDArray[np.int64]
    wink_eye: NDArray[np.int64]
    eyes_open: BoolArray

    def key(self) -> tuple[bytes, ...]:
        """Return what is the same for events of one baseline whose measures are the same."""
        arrays = (self.eyes_open, self.winks, *self.closures.arrays())
        return tuple(array.tobytes() for array in arrays)


def detect_events(traces: Traces, parameters: Parameters) -> Events:
    """Detect closures and winks, and with them the frames in which the gaze counts.

    Parameters
    ----------
    traces : Traces
    parameters : Parameters

    Returns
    -------
    Events
    """
    times_s, ear = traces.track.times_s, traces.ear
    adaptive = parameters.blink_baseline == "adaptive"
    baseline = traces.baseline if adaptive else _fixed_baseline(ear)
    ratio = ear / baseline
    # NaN compares as not below.
    lids_open = ~(ratio < parameters.close_ratio)
    eye_ratio = _eye_ratios(traces, baseline, lids_open)
    closures = detect_closures(
        ratio, times_s, parameters.close_ratio, parameters.shortest_closure_s, traces.interval_s
    )
    eye_amplitude = compute_eye_amplitude(eye_ratio, closures.interval)
    winks, wink_eye = detect_winks(eye_ratio, times_s)
    if len(winks):
        in_wink = mark_closures_in_winks(closures, winks)
        if _close_alike(eye_amplitude[~in_wink]):
            closures, eye_amplitude = closures.select(~in_wink), eye_amplitude[~in_wink]
        else:
            winks, wink_eye = winks[:0], wink_eye[:0]

    # A sample below the threshold is not gaze either where it is no closure: noise, or cut off.
    closing = ~lids_open
    for intervals in (closures.interval, winks):
        if len(intervals):
            closing |= mark_around_closures(intervals, times_s, BLINK_GUARD_S)
    return Events(baseline, ratio, closures, eye_amplitude, winks, wink_eye, traces.seen & ~closing)


def _eye_ratios(traces: Traces, baseline: Float64Array, lids_open: BoolArray) -> Float64Array:
    """Return each eye's EAR over its own open one, shape (N, 2); NaN where that is not known.

    One baseline serves both eyes: the person's eyes differ by a constant, and baselines that adapt
    each by itself would part where one of them takes lowered lids for open ones.
    """
    opened = lids_open & (traces.ear > 0)
    usual_share = np.concatenate(
        [compute_quantiles(share, opened, (0.5,)) for share in traces.ear_share]
    )
    # An eye without any opening while both are called open has none to be compared with.
    usual_share[usual_share == 0] = math.nan
    ratios: Float64Array = traces.geometry.ear / (usual_share * baseline[:, np.newaxis])
    # An eye whose fellow was not seen is not told apart from it.
    ratios[~traces.seen] = math.nan
    return ratios


def _close_alike(eye_amplitude: Float64Array) -> bool:
    """Tell whether this person's eyes close alike, by all closures but those in winks.

    Where one lid is weak, every blink looks like a wink, and the long ones for long enough; where
    there is no other closure, nobody knows.
    """
    asymmetry = eye_amplitude.min(axis=1) / eye_amplitude.max(axis=1)
    return median_finite(asymmetry) >= WINK_ASYMMETRY
