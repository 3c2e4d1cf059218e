"""Compare how far the irises move by their landmarks with how far they move in the pictures.

If they move in the pictures, but not in the landmarks, the measured range cannot be trusted.
"""

import math

import numpy as np
from numpy.typing import NDArray

from kernels import LEFT, RIGHT, compute_quantiles
from kernels.measures import RANGE_QUANTILES
from tracker.measures.analysis import Analysis
from tracker.measures.basis import DOWN_SHARE, choose_basis
from tracker.measures.findings import Finding
from tracker.measures.gaze import NOTED_PITCH_RANGE_DEG, mark_task
from tracker.measures.phases import mark_primary

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
MIN_FOLLOWED_SHARE = 0.4
"""Least share of that range that the landmarks show if they follow the irises.

On drawn faces without spectacles they show 0.45 or more of it, and 0.43 or more of the range down.
Where thick rims led to the suspicion of PSP in a healthy person, they showed 0.37 at most.
"""


def measure_picture_ranges(analysis: Analysis) -> tuple[float, float]:
    """Measure how far the irises move vertically in the pictures, without their landmarks.

    The pictures are those of every tenth frame or so (`Track.picture_heights`); only those in which
    the vertical range of the gaze is measured are used. Both ranges are in canthal distances. Each
    is the smaller one of the two eyes' ranges. An eye whose iris too few pictures show does not
    count; NaN if neither does, as in tracks without such pictures.

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
    track, valid = analysis.track, analysis.gaze.valid
    protocol = analysis.parameters.protocol
    in_task = mark_task(valid, protocol, track.times_s)[track.picture_sample]
    said = analysis.traces.gaze.said_primary
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


def find_unfollowed(analysis: Analysis) -> list[Finding]:
    """Return the finding `gaze_not_followed` if the irises move, but hardly in the landmarks.

    How far they move is measured in the pictures themselves, less what a nod may have moved them.
    If the verdict rests on the range down, that range is compared first, because a good range up
    would hide that the landmarks miss a part of it: the variant is then ``down``. If the landmarks
    follow downwards and only miss a part of the whole range, it is ``up``. If only the whole range
    can be compared, there is no variant. The list has at most one finding; it is empty if the
    landmarks follow, or if nothing tells.
    """
    measures = analysis.measures
    whole, down = measure_picture_ranges(analysis)
    # A nod also moves the bridge of the nose, against which the irises are measured. A smaller
    # change of the pitch may come from moving eyes alone.
    nodded = measures.head_pitch_range_deg > NOTED_PITCH_RANGE_DEG
    nod = measures.nod_allowance if nodded else 0.0
    parameters = analysis.parameters
    on_down = choose_basis(analysis, parameters.vpp_thresh).name == "down_range"
    down_known = on_down and not math.isnan(down)
    if down_known:
        found = _compare(down - DOWN_SHARE * nod, measures.down_range, DOWN_SHARE, "down")
        if found:
            return found
    shown = measures.vertical_peak_to_peak
    return _compare(whole - nod, shown, 1.0, "up" if down_known else "")


def _compare(moved: float, shown: float, part: float, variant: str) -> list[Finding]:
    """Return a finding if the pictures show a movement that the landmarks hardly show.

    `moved` is the range in the pictures and `shown` that of the landmarks, in canthal distances.
    There is a finding, of this `variant`, if `moved` is at least `part` times `MIN_PICTURE_RANGE`,
    and `shown` is below `MIN_FOLLOWED_SHARE` of `moved`. `part` is 1 for the whole vertical range,
    0.5 for the half of it that is down. There is none if a range is NaN: tracks of earlier versions
    have no pictures.
    """
    if moved >= part * MIN_PICTURE_RANGE and shown < MIN_FOLLOWED_SHARE * moved:
        return [Finding("gaze_not_followed", {"moved": moved, "shown": shown}, variant)]
    return []
