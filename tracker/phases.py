"""What the eyes did in each phase of the protocol."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import compute_valid_time_s
from tracker.protocol import RESTING_PHASES, VERTICAL_PHASES, Phase

REACHED_QUANTILE = 0.95
"""Of the displacements in a phase: reached, short of single outliers."""
HELD_SHARE = 0.5
"""Last share of a phase over which the gaze is held."""
ONSET_SHARE = 0.5
"""Share of the reached amplitude that marks the gaze as having moved."""
BEFORE_S = 0.5
"""Time before a phase in which the gaze's position at its start is taken."""

FIRST_S = 1.0
"""Beginning of a recording in which someone who starts it looks at the phone."""
MIN_PRIMARY_TIME_S = 0.3
"""Gaze seen where the primary position is taken: longer than a glance elsewhere."""

_SIGNS = {"up": -1.0, "down": 1.0, "left": 1.0, "right": -1.0}

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """A phase's gaze; amplitudes in canthal distances, positive in the phase's direction.

    Attributes
    ----------
    phase : str
    start_s, end_s : float
    gaze_time_s : float
        Time with a face, outside closures.
    reached : float
        95th percentile of the displacement from the primary position.
    held : float
        Median displacement over the phase's last half.
    latency_s : float
        From the phase's start until half of the way from the gaze's position then to the reached
        one is done. NaN where that way is within the noise floor, or a closure or a lost face hides
        the gaze before the phase or as it moves.

    Notes
    -----
    For ``fixate`` and ``rest`` the amplitudes and the latency are NaN. The primary position is that
    of `find_primary`; without one, the amplitudes are NaN.
    """

    phase: str
    start_s: float
    end_s: float
    gaze_time_s: float
    reached: float
    held: float
    latency_s: float


def mark_phases(
    protocol: tuple[Phase, ...], names: tuple[str, ...], times_s: Float64Array
) -> BoolArray:
    """Mark the samples within the phases of these names, shape (N,)."""
    marked = np.zeros(times_s.size, dtype=np.bool_)
    for phase in protocol:
        if phase.phase in names:
            marked |= (times_s >= phase.start_s) & (times_s < phase.end_s)
    return marked


def find_primary(
    protocol: tuple[Phase, ...], times_s: Float64Array, values: Float64Array, gaze_valid: BoolArray
) -> tuple[float, str | None]:
    """Find the primary position: the offset of the eyes that look straight ahead.

    Parameters
    ----------
    protocol : tuple of Phase
    times_s : ndarray, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    values : ndarray, shape (N,), float64
        A gaze offset.
    gaze_valid : ndarray, shape (N,), bool
        Frames that count for the gaze.

    Returns
    -------
    primary : float
        A median; NaN where the gaze is seen for too little of the time in question.
    source : {"protocol", "before_protocol", "assumed_first_second", None}
        Over the phases ``fixate`` and ``rest``; over what comes before the first phase; without a
        protocol over the first second, in which whoever starts a recording looks at the phone: an
        assumption. None where there is none.
    """
    resting = mark_phases(protocol, RESTING_PHASES, times_s)
    if resting.any():
        where, source = resting, "protocol"
    elif protocol:
        where, source = times_s < protocol[0].start_s, "before_protocol"
    else:
        where, source = times_s < FIRST_S, "assumed_first_second"
    where = where & gaze_valid
    if compute_valid_time_s(where, times_s) < MIN_PRIMARY_TIME_S:
        return math.nan, None
    return float(np.median(values[where])), source


def measure_phases(
    protocol: tuple[Phase, ...],
    times_s: Float64Array,
    vertical: Float64Array,
    horizontal: Float64Array,
    gaze_valid: BoolArray,
    noise_floor: float,
) -> tuple[PhaseResult, ...]:
    """Measure what the eyes did in each phase.

    Parameters
    ----------
    protocol : tuple of Phase
    times_s : ndarray, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    vertical, horizontal : ndarray, shape (N,), float64
        Gaze offsets in canthal distances.
    gaze_valid : ndarray, shape (N,), bool
        Frames that count for the gaze.
    noise_floor : float
        Peak-to-peak of the landmarks' jitter.

    Returns
    -------
    tuple of PhaseResult
    """
    results = []
    for phase in protocol:
        inside = (times_s >= phase.start_s) & (times_s < phase.end_s) & gaze_valid
        reached, held, latency_s = math.nan, math.nan, math.nan
        if phase.phase in _SIGNS and inside.any():
            offset = vertical if phase.phase in VERTICAL_PHASES else horizontal
            directed = _SIGNS[phase.phase] * offset
            primary, _ = find_primary(protocol, times_s, directed, gaze_valid)
            position = float(np.quantile(directed[inside], REACHED_QUANTILE))
            reached = position - primary
            late = inside & (times_s >= phase.end_s - HELD_SHARE * (phase.end_s - phase.start_s))
            if late.any():
                held = float(np.median(directed[late])) - primary
            before = gaze_valid & (times_s < phase.start_s) & (times_s >= phase.start_s - BEFORE_S)
            if before.any():
                began = float(np.median(directed[before]))
                way = position - began
                moved = inside & (directed >= began + ONSET_SHARE * way)
                if way > noise_floor and moved.any():
                    first = int(np.flatnonzero(moved)[0])
                    if gaze_valid[first - 1]:
                        latency_s = float(times_s[first]) - phase.start_s
        results.append(
            PhaseResult(
                phase=phase.phase,
                start_s=phase.start_s,
                end_s=phase.end_s,
                gaze_time_s=compute_valid_time_s(inside, times_s),
                reached=reached,
                held=held,
                latency_s=latency_s,
            )
        )
    return tuple(results)
