"""What the eyes did in each phase of the protocol."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import compute_quantiles, compute_valid_time_s
from tracker.protocol import HORIZONTAL_PHASES, RESTING_PHASES, Phase

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
    held_offset : float
        Median offset itself over the phase's last half, from the canthi's middle; down and the
        subject's left are positive, of ``fixate`` and ``rest`` the vertical one.
    latency_s : float
        From the phase's start until half of the way from the gaze's position then to the reached
        one is done.
    latency_reason : {"unseen_before", "unmoved", "hidden", "no_direction", None}
        Why there is none: a closure or a lost face hides the gaze before the phase, that way is
        within the noise floor, the gaze is hidden as it moves, or nothing was to be reached.

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
    held_offset: float
    latency_s: float
    latency_reason: str | None


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
    return _median(values, where), source


def _median(values: Float64Array, where: BoolArray) -> float:
    return float(compute_quantiles(values, where, (0.5,))[0])


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
    primaries = [
        find_primary(protocol, times_s, offset, gaze_valid)[0] if protocol else math.nan
        for offset in (vertical, horizontal)
    ]
    for phase in protocol:
        inside = (times_s >= phase.start_s) & (times_s < phase.end_s) & gaze_valid
        late = inside & (times_s >= phase.end_s - HELD_SHARE * (phase.end_s - phase.start_s))
        is_aside = phase.phase in HORIZONTAL_PHASES
        offset = horizontal if is_aside else vertical
        held_offset = _median(offset, late)
        reached, held, latency_s = math.nan, math.nan, math.nan
        reason: str | None = "no_direction"
        if phase.phase in _SIGNS:
            reason = "hidden"
        if phase.phase in _SIGNS and inside.any():
            directed = _SIGNS[phase.phase] * offset
            primary = _SIGNS[phase.phase] * primaries[is_aside]
            position = float(compute_quantiles(directed, inside, (REACHED_QUANTILE,))[0])
            reached = position - primary
            held = _SIGNS[phase.phase] * held_offset - primary
            before = gaze_valid & (times_s < phase.start_s) & (times_s >= phase.start_s - BEFORE_S)
            if not before.any():
                reason = "unseen_before"
            else:
                began = _median(directed, before)
                way = position - began
                moved = inside & (directed >= began + ONSET_SHARE * way)
                if way <= noise_floor:
                    reason = "unmoved"
                elif moved.any() and gaze_valid[first := int(np.flatnonzero(moved)[0]) - 1]:
                    latency_s, reason = float(times_s[first + 1]) - phase.start_s, None
        results.append(
            PhaseResult(
                phase=phase.phase,
                start_s=phase.start_s,
                end_s=phase.end_s,
                gaze_time_s=compute_valid_time_s(inside, times_s),
                reached=reached,
                held=held,
                held_offset=held_offset,
                latency_s=latency_s,
                latency_reason=reason,
            )
        )
    return tuple(results)
