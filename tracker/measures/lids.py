"""The lids: closures, winks, and the frames in which the eyes are open."""

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
from tracker.measures.traces import BoolArray, Float64Array, Traces, make_fixed_baseline
from tracker.parameters import Parameters

BLINK_GUARD_S = 0.1
"""Time on either side of a closure that the gaze leaves out, as the lid still moves the iris."""


@dataclass(frozen=True, slots=True)
class Events:
    """What the lids did: all that depends on the blink thresholds.

    Attributes
    ----------
    baseline, ratio : ndarray, shape (N,), float64
        Open-eye EAR around each frame, and the EAR divided by it.
    closures : Closures
    eye_amplitude : ndarray, shape (M, 2), float64
        Amplitude of each closure by eye: 0 = stays open, 1 = no opening left.
    winks : ndarray, shape (W, 2), int64
        Sample intervals [start, stop) in which only one eye is closed.
    wink_eye : ndarray, shape (W,), int64
        That eye: `kernels.LEFT` or `kernels.RIGHT`.
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
        """Return a key; events with one key and one baseline have the same measures."""
        arrays = (self.eyes_open, self.winks, *self.closures.arrays())
        return tuple(array.tobytes() for array in arrays)


def detect_events(traces: Traces, parameters: Parameters) -> Events:
    """Detect closures, winks, and the frames in which the eyes are open.

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
    baseline = traces.baseline if adaptive else make_fixed_baseline(ear)
    ratio = ear / baseline
    # A comparison with NaN is false, so a missing face counts as open here.
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

    # Samples below the threshold do not count for the gaze even if they belong to no closure,
    # because they are noise or a part of one.
    closing = ~lids_open
    for intervals in (closures.interval, winks):
        if len(intervals):
            closing |= mark_around_closures(intervals, times_s, BLINK_GUARD_S)
    return Events(baseline, ratio, closures, eye_amplitude, winks, wink_eye, traces.seen & ~closing)


def _eye_ratios(traces: Traces, baseline: Float64Array, lids_open: BoolArray) -> Float64Array:
    """Return the EAR of each eye over its own baseline, shape (N, 2); NaN where that is unknown.

    Both eyes share one baseline, because a person's eyes differ by a constant factor. Separate
    baselines would diverge as soon as one of them took lowered lids for open ones.
    """
    opened = lids_open & (traces.ear > 0)
    usual_share = np.concatenate(
        [compute_quantiles(share, opened, (0.5,)) for share in traces.ear_share]
    )
    # An eye that has no opening while the mean counts as open has no baseline.
    usual_share[usual_share == 0] = math.nan
    ratios: Float64Array = traces.geometry.ear / (usual_share * baseline[:, np.newaxis])
    # Without the other eye, nothing tells a wink from a blink.
    ratios[~traces.seen] = math.nan
    return ratios


def _close_alike(eye_amplitude: Float64Array) -> bool:
    """Return whether both eyes close alike, judged by the closures outside winks.

    If one lid is weak, every blink looks like a wink, and a long one lasts as long as a wink.
    Without a closure outside winks the question has no answer, and the result is False.
    """
    asymmetry = eye_amplitude.min(axis=1) / eye_amplitude.max(axis=1)
    return median_finite(asymmetry) >= WINK_ASYMMETRY
