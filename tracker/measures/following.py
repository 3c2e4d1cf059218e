"""Compare how far the irises move by their landmarks with how far they move in the pictures.

If they move in the pictures, but not in the landmarks, the measured range cannot be trusted. Nor
can what is measured of the vertical movements themselves: it is withheld.
"""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kernels import LEFT, RIGHT, compute_quantiles
from kernels.measures import RANGE_QUANTILES
from tracker.measures.basis import DOWN_SHARE, knows_down
from tracker.measures.findings import Finding
from tracker.measures.gaze import NOTED_PITCH_RANGE_DEG, Gaze, GazeMeasures, mark_task
from tracker.measures.phases import PhaseResult, mark_primary
from tracker.measures.saccades import NO_INTERVAL, Saccades, explain_all
from tracker.measures.steps import LeftOut, Steps
from tracker.measures.traces import Traces
from tracker.protocol import VERTICAL_PHASES, Phase

if TYPE_CHECKING:
    from tracker.measures.analysis import Analysis

NOT_FOLLOWED = "not_followed"
"""Code of why a value is withheld: the irises move, but their landmarks do not follow them."""
MIN_PICTURES = 8
"""Fewest pictures from which the range of an iris is taken: 3 s of a recording at 30 Hz."""
MIN_PRIMARY_PICTURES = 3
"""Fewest pictures of eyes that look ahead: one error can decide the median of fewer."""
MIN_PICTURE_RANGE = 0.09
"""The irises surely moved if their range in the pictures is this or more. For the range down, half
of this is enough.

Resting eyes show 0.041 at most (25 recordings), and drawn eyes that look up and down by 21 degrees
0.11 or more if their lids follow (docs/accuracy.md).
"""
MIN_STEP_RANGE = 0.06
"""The same where a step of the vertical gaze was measured, for the eyes moved then. Pictures of
resting eyes are further apart only in bad light, and no step is measured in these."""
MIN_FOLLOWED_SHARE = 0.4
"""Least share of that range that the landmarks show if they follow the irises.

On drawn faces without spectacles they show 0.45 or more of it, and 0.43 or more of the range down.
Where thick rims led to the suspicion of PSP in a healthy person, they showed 0.37 at most.
"""


def measure_picture_ranges(
    traces: Traces, gaze: Gaze, protocol: tuple[Phase, ...]
) -> tuple[float, float]:
    """Measure how far the irises move vertically in the pictures, without their landmarks.

    The pictures are those of every tenth frame or so (`Track.picture_heights`); only those in which
    the vertical range of the gaze is measured are used. Both ranges are in canthal distances. Each
    is the smaller one of the two eyes' ranges. An eye whose iris too few pictures show does not
    count; NaN if neither does, as in tracks without such pictures.

    Parameters
    ----------
    traces : Traces
        The signals of the track, and the track itself with its pictures.
    gaze : Gaze
        The gaze in its frames: only those that count are used.
    protocol : tuple of Phase
        What the person was asked to do, and when; empty if it is not known.

    Returns
    -------
    whole : float
        95th minus 5th percentile of the irises' heights: see
        `tracker.measures.quality.Quality.picture_gaze_range`.
    down : float
        From the median height in the frames in which the eyes look straight ahead (they need not
        be frames of the vertical range) down to the 95th percentile. NaN also if there are too few
        pictures of such frames.
    """
    track, valid = traces.track, gaze.valid
    in_task = mark_task(valid, protocol, track.times_s)[track.picture_sample]
    said = traces.gaze.said_primary
    ahead = mark_primary(protocol, track.times_s, valid, said)[0][track.picture_sample]
    eyes = [_measure_eye(track.picture_heights[:, eye], in_task, ahead) for eye in (LEFT, RIGHT)]
    whole, down = (
        min((one for one in ranges if not math.isnan(one)), default=math.nan)
        for ranges in zip(*eyes, strict=True)
    )
    return whole, down


def _measure_eye(
    heights: NDArray[np.float32], in_task: NDArray[np.bool_], ahead: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return how far one iris moves in the pictures: the whole range, and the range down.

    The whole range is the 95th minus the 5th percentile of its height, and the range down the 95th
    percentile minus the median height when the eyes look straight ahead. They are in canthal
    distances. heights (S,) is the height of the iris in each picture, in canthal distances, down is
    positive; NaN = not found. in_task (S,) marks the pictures that count, and ahead (S,) those in
    which the eyes look straight ahead. If the iris is found in fewer than `MIN_PICTURES` of the
    first, both ranges are NaN; if in fewer than `MIN_PRIMARY_PICTURES` of the second, the range
    down is.
    """
    height = heights.astype(np.float64)
    found = np.isfinite(height)
    if np.count_nonzero(found & in_task) < MIN_PICTURES:
        return math.nan, math.nan
    top, bottom = compute_quantiles(height, found & in_task, RANGE_QUANTILES).tolist()
    if np.count_nonzero(found & ahead) < MIN_PRIMARY_PICTURES:
        return bottom - top, math.nan
    (primary,) = compute_quantiles(height, found & ahead, (0.5,)).tolist()
    return bottom - top, bottom - primary


def find_unfollowed(analysis: "Analysis") -> list[Finding]:
    """Return the finding `gaze_not_followed` if the irises move, but hardly in the landmarks.

    How far they move is measured in the pictures themselves, less what a nod may have moved them.
    If the verdict rests on the range down, that range is compared first, because a good range up
    would hide that the landmarks miss a part of it: the variant is then ``down``. If the landmarks
    follow downwards and only miss a part of the whole range, it is ``up``. If only the whole range
    can be compared, there is no variant. The list has at most one finding; it is empty if the
    landmarks follow, or if nothing tells.
    """
    protocol = analysis.parameters.protocol
    ranges = measure_picture_ranges(analysis.traces, analysis.gaze, protocol)
    return _compare(ranges, analysis.saccades, analysis.measures, protocol)


def _compare(
    ranges: tuple[float, float],
    saccades: Saccades,
    measures: GazeMeasures,
    protocol: tuple[Phase, ...],
) -> list[Finding]:
    """Return a finding if the pictures show a movement that the landmarks hardly show.

    `ranges` come from `measure_picture_ranges`; `saccades` and `measures` are what the landmarks
    show, before or after `withhold_movements`. The whole range is compared if it is at least
    `MIN_PICTURE_RANGE` in the pictures, or `MIN_STEP_RANGE` if a vertical step was measured; the
    range down if it is at least half of that. A range that is NaN is not compared: tracks of
    earlier versions have no pictures. The variants are those of `find_unfollowed`.
    """
    whole, down = ranges
    stepped = any(one.reason == NOT_FOLLOWED for one in saccades.upright.left_out)
    least = MIN_STEP_RANGE if stepped or saccades.upright.steps else MIN_PICTURE_RANGE
    # A nod also moves the bridge of the nose, against which the irises are measured. A smaller
    # change of the pitch may come from moving eyes alone.
    nodded = measures.head_pitch_range_deg > NOTED_PITCH_RANGE_DEG
    nod = measures.nod_allowance if nodded else 0.0
    compared = [(whole - nod, measures.vertical_peak_to_peak, least, "")]
    if knows_down(measures, protocol) and not math.isnan(down):
        part = DOWN_SHARE
        compared = [
            (down - part * nod, measures.down_range, part * least, "down"),
            (whole - nod, measures.vertical_peak_to_peak, least, "up"),
        ]
    return [
        Finding("gaze_not_followed", {"moved": moved, "shown": shown}, variant)
        for moved, shown, enough, variant in compared
        if moved >= enough and shown < MIN_FOLLOWED_SHARE * moved
    ][:1]


def follows_eyes(
    traces: Traces,
    gaze: Gaze,
    saccades: Saccades,
    measures: GazeMeasures,
    protocol: tuple[Phase, ...],
) -> bool:
    """Return whether the landmarks follow the eyes up and down; True also if nothing tells.

    It is decided as in `find_unfollowed`. All arguments are of one recording.
    """
    ranges = measure_picture_ranges(traces, gaze, protocol)
    return not _compare(ranges, saccades, measures, protocol)


def withhold_movements(
    saccades: Saccades, measures: GazeMeasures, phases: tuple[PhaseResult, ...]
) -> tuple[Saccades, GazeMeasures, tuple[PhaseResult, ...]]:
    """Withhold what was measured of vertical movements that the landmarks do not follow.

    No vertical step counts any more. What was measured of these steps, and the latencies of the
    phases up and down, are NaN with the reason ``not_followed``. Their count is None: 0 would read
    as eyes that did not move. Ranges stay, because the finding tells how much of them is shown. So
    do horizontal movements, which landmarks follow behind rims, too (docs/saccades.md).
    """
    if saccades.reason is None:
        unknown = {
            name: value
            for name, value in explain_all(NOT_FOLLOWED).items()
            if "horizontal" not in name
        }
        measures = replace(measures, **unknown)
        saccades = replace(
            saccades,
            upright=_leave_out(saccades.upright),
            upright_by_eye=tuple(_leave_out(steps) for steps in saccades.upright_by_eye),
        )
    kept = tuple(
        replace(phase, latency_s=math.nan, latency_reason=NOT_FOLLOWED)
        if phase.phase in VERTICAL_PHASES
        else phase
        for phase in phases
    )
    return saccades, measures, kept


def _leave_out(steps: Steps) -> Steps:
    """Return the steps with none that counts: those that did are left out as ``not_followed``."""
    more = tuple(LeftOut(step.centre_s, step.rise, NOT_FOLLOWED) for step in steps.steps)
    return replace(steps, steps=(), left_out=steps.left_out + more)


def withhold_area(fixation: dict[str, Any]) -> dict[str, Any]:
    """Return the measures of a fixation with NaN for the area of the gaze (BCEA).

    `fixation` holds fields of `tracker.measures.fixation.FixationMeasures`, by name. The reason
    becomes ``not_followed``, unless there was no area anyhow. A part of the area is vertical.
    Square-wave jerks stay: they are horizontal.
    """
    if fixation["fixation_bcea_reason"] is not None:
        return fixation
    return fixation | {
        "fixation_bcea": math.nan,
        "fixation_bcea_ci95": NO_INTERVAL,
        "fixation_bcea_reason": NOT_FOLLOWED,
    }
