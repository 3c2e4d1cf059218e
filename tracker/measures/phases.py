"""The gaze in each phase of the protocol. A phase is an instruction, such as to look up."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import compute_quantiles, compute_valid_time_s
from tracker.protocol import HORIZONTAL_PHASES, RESTING_PHASES, Phase

REACHED_QUANTILE = 0.95
"""The eyes reach this quantile of the displacements in a phase; outliers beyond it do not count."""
HELD_SHARE = 0.5
"""The gaze that is held is measured over this last share of a phase."""
ONSET_SHARE = 0.5
"""The gaze has moved once it has covered this share of the distance."""
BEFORE_S = 0.5
"""The gaze at a phase's start is measured over this time before it."""

FIRST_S = 1.0
"""Someone who starts a recording is assumed to look at the phone for this long."""
MIN_PRIMARY_TIME_S = 0.3
"""Least gaze time for a primary position: longer than a glance elsewhere."""

_SIGNS = {"up": -1.0, "down": 1.0, "left": 1.0, "right": -1.0}

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """The gaze in one phase of the protocol.

    A displacement is the gaze offset minus the primary position (that of eyes that look straight
    ahead), in canthal distances. It is positive in the direction that the phase asks for. All
    values are NaN where the gaze is not seen.

    Attributes
    ----------
    phase : str
        Name of the phase, such as ``up``; see `tracker.protocol.Phase`.
    start_s, end_s : float
        When the phase was, in seconds from the video's first frame.
    gaze_time_s : float
        Time within the phase that counts for the gaze; 0 if none does.
    reached : float
        95th percentile of the displacement.
    held : float
        Median displacement over the phase's last half.
    held_offset : float
        Median offset over the phase's last half, from halfway between the eye's corners. Down and
        the subject's left are positive. It is the horizontal offset for ``left`` and ``right``, and
        the vertical one for the other phases.
    latency_s : float
        Time from the phase's start to the first frame in which the gaze has covered half of the
        distance from its position before the phase to its 95th percentile within it.
    latency_reason : {"unseen_before", "unmoved", "hidden", "no_direction", "not_followed", None}
        Why there is no latency: the gaze is not seen in the `BEFORE_S` before the phase; the
        distance is within the noise floor; the gaze is hidden as it moves, or in the whole phase;
        the phase has no direction; or the landmarks do not follow the eyes up and down
        (`tracker.measures.following`). None if there is one.

    Notes
    -----
    For ``fixate`` and ``rest``, `reached`, `held` and `latency_s` are NaN. Without a primary
    position (`find_primary`), `reached` and `held` are NaN.
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
    """Return which of the frames lie in any of the protocol's phases with these names, bool (N,).

    names are some of `tracker.protocol.PHASES`, and times_s (N,) are the frames' times. A phase
    holds its start and not its end. Nothing is marked if the protocol has no such phase.
    """
    marked = np.zeros(times_s.size, dtype=np.bool_)
    for phase in protocol:
        if phase.phase in names:
            marked |= (times_s >= phase.start_s) & (times_s < phase.end_s)
    return marked


def find_primary(
    protocol: tuple[Phase, ...],
    times_s: Float64Array,
    values: Float64Array,
    gaze_valid: BoolArray,
    said: BoolArray | None = None,
) -> tuple[float, str | None]:
    """Find the primary position: the offset of the eyes that look straight ahead.

    Parameters
    ----------
    protocol : tuple of Phase
        What the person was asked to do, and when; empty if it is not known.
    times_s : ndarray, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    values : ndarray, shape (N,), float64
        The gaze offset, vertical or horizontal, of which the position is wanted.
    gaze_valid : ndarray, shape (N,), bool
        Frames that count for the gaze.
    said : ndarray, shape (N,), bool, optional
        Frames in which a person says that the eyes look straight ahead; None if nobody says so.

    Returns
    -------
    primary : float
        Median of `values` in the time that `source` names. NaN if the gaze is seen for under
        `MIN_PRIMARY_TIME_S` of it: no other time is then tried.
    source : {"corrected", "protocol", "before_protocol", "assumed_first_second", None}
        The first of these times that there is. ``corrected``: what a person says. ``protocol``: the
        protocol's phases ``fixate``, or else its phases ``rest``. ``before_protocol``: the time
        before its first phase. ``assumed_first_second``: without a protocol, the first second, as
        whoever starts the recording is assumed to look at the phone. None if there is no primary
        position.
    """
    where, source = mark_primary(protocol, times_s, gaze_valid, said)
    if compute_valid_time_s(where, times_s) < MIN_PRIMARY_TIME_S:
        return math.nan, None
    return _median(values, where), source


def mark_primary(
    protocol: tuple[Phase, ...],
    times_s: Float64Array,
    gaze_valid: BoolArray,
    said: BoolArray | None = None,
) -> tuple[BoolArray, str]:
    """Mark the frames in which the eyes look straight ahead, and tell how that is known.

    These are the frames from which `find_primary` takes the primary position. The first of these
    times is taken that there is, even if no frame of it counts: what a person says; the protocol's
    phases ``fixate``; its phases ``rest``; the time before its first phase; without a protocol, the
    first second.

    Parameters
    ----------
    protocol : tuple of Phase
        What the person was asked to do, and when; empty if it is not known.
    times_s : ndarray, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    gaze_valid : ndarray, shape (N,), bool
        Frames that count for the gaze.
    said : ndarray, shape (N,), bool, optional
        Frames in which a person says that the eyes look straight ahead; None if nobody says so.

    Returns
    -------
    where : ndarray, shape (N,), bool
        These frames, as far as they count for the gaze; there may be none.
    source : {"corrected", "protocol", "before_protocol", "assumed_first_second"}
        Where they come from, in the order above; ``protocol`` for both kinds of phase.
    """
    if said is not None:
        return said & gaze_valid, "corrected"
    # At rest, people may look anywhere.
    for name in RESTING_PHASES:
        resting = mark_phases(protocol, (name,), times_s)
        if resting.any():
            return resting & gaze_valid, "protocol"
    if protocol:
        return (times_s < protocol[0].start_s) & gaze_valid, "before_protocol"
    return (times_s < FIRST_S) & gaze_valid, "assumed_first_second"


def _median(values: Float64Array, where: BoolArray) -> float:
    return float(compute_quantiles(values, where, (0.5,))[0])


def measure_phases(
    protocol: tuple[Phase, ...],
    times_s: Float64Array,
    vertical: Float64Array,
    horizontal: Float64Array,
    gaze_valid: BoolArray,
    noise_floor: float,
    said_primary: BoolArray | None = None,
) -> tuple[PhaseResult, ...]:
    """Measure the gaze in each phase.

    Parameters
    ----------
    protocol : tuple of Phase
        What the person was asked to do, and when.
    times_s : ndarray, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    vertical, horizontal : ndarray, shape (N,), float64
        Gaze offsets in canthal distances. Down and the subject's left are positive.
    gaze_valid : ndarray, shape (N,), bool
        Frames that count for the gaze.
    noise_floor : float
        Peak-to-peak of the landmarks' jitter, in canthal distances. The gaze has only moved if it
        moves further than this.
    said_primary : ndarray, shape (N,), bool, optional
        Frames in which a person says that the eyes look straight ahead; None if nobody says so.

    Returns
    -------
    tuple of PhaseResult
        One for each phase, in the protocol's order; empty without a protocol.
    """
    if not protocol:
        return ()
    traces = [
        (offset, find_primary(protocol, times_s, offset, gaze_valid, said_primary)[0])
        for offset in (vertical, horizontal)
    ]
    return tuple(
        _measure_phase(
            phase, times_s, *traces[phase.phase in HORIZONTAL_PHASES], gaze_valid, noise_floor
        )
        for phase in protocol
    )


def _measure_phase(
    phase: Phase,
    times_s: Float64Array,
    offset: Float64Array,
    primary: float,
    gaze_valid: BoolArray,
    noise_floor: float,
) -> PhaseResult:
    """Measure the gaze in one phase of the protocol.

    offset (N,) is the gaze offset in canthal distances: the horizontal one for the phases left and
    right, else the vertical one. primary is this offset when the eyes look straight ahead; NaN if
    unknown. gaze_valid (N,) marks the frames that count for the gaze. noise_floor is the
    peak-to-peak of the landmarks' jitter.
    """
    inside = (times_s >= phase.start_s) & (times_s < phase.end_s) & gaze_valid
    late = inside & (times_s >= phase.end_s - HELD_SHARE * (phase.end_s - phase.start_s))
    held_offset = _median(offset, late)
    reached, held, latency_s = math.nan, math.nan, math.nan
    reason: str | None = "hidden" if phase.phase in _SIGNS else "no_direction"
    if phase.phase in _SIGNS and inside.any():
        sign = _SIGNS[phase.phase]
        directed = sign * offset
        position = float(compute_quantiles(directed, inside, (REACHED_QUANTILE,))[0])
        reached = position - sign * primary
        held = sign * held_offset - sign * primary
        latency_s, reason = _measure_latency(
            phase.start_s, times_s, directed, position, inside, gaze_valid, noise_floor
        )
    return PhaseResult(
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


def _measure_latency(
    start_s: float,
    times_s: Float64Array,
    directed: Float64Array,
    position: float,
    inside: BoolArray,
    gaze_valid: BoolArray,
    noise_floor: float,
) -> tuple[float, str | None]:
    """Return the seconds from `start_s` until the gaze has moved halfway to `position`, and None.

    If they are unknown, return NaN and the reason (see `PhaseResult`). directed (N,) is the gaze
    offset, positive in the phase's direction, and position the one that the eyes reach. They start
    from the median over the `BEFORE_S` before `start_s`; if `position` is `noise_floor` or less
    from there, they have not moved. inside (N,) marks the frames of the phase that count for the
    gaze, and gaze_valid (N,) all that do.
    """
    before = gaze_valid & (times_s < start_s) & (times_s >= start_s - BEFORE_S)
    if not before.any():
        return math.nan, "unseen_before"
    began = _median(directed, before)
    distance = position - began
    if distance <= noise_floor:
        return math.nan, "unmoved"
    moved = np.flatnonzero(inside & (directed >= began + ONSET_SHARE * distance))
    # If the sample before was hidden, the gaze may have moved earlier.
    if not moved.size or not gaze_valid[moved[0] - 1]:
        return math.nan, "hidden"
    return float(times_s[moved[0]]) - start_s, None
