"""Timestamps of a stream, made strictly increasing."""

import numpy as np
from numpy.typing import NDArray

PLAUSIBLE_FRAME_S = (1e-3, 2.0)
"""Median time from one frame to the next outside of which timestamps are unusable."""


TIME_SOURCES = ("stream", "stream_repaired", "frame_rate")
"""Where times can come from, the best first; see `repair_times`."""


MAX_REPAIRED_SHARE = 0.1
"""Share of timestamps that may be repaired before all of them are replaced."""


def repair_times(
    stream_times_s: NDArray[np.float64], frame_index: NDArray[np.int64], fps: float
) -> tuple[NDArray[np.float64], str]:
    """Make the stream's timestamps strictly increasing from zero.

    Parameters
    ----------
    stream_times_s : ndarray, shape (N,), float64
        As read from the stream.
    frame_index : ndarray, shape (N,), int64
        Index of each in the source, strictly increasing.
    fps : float
        Frame rate the container declares; 30 is taken where it declares none.

    Returns
    -------
    times_s : ndarray, shape (N,), float64
        Strictly increasing, the first one 0.
    source : str
        ``"stream"``: as read. ``"stream_repaired"``: single ones that do not advance were
        interpolated over the frame index. ``"frame_rate"``: more than `MAX_REPAIRED_SHARE` do not
        advance, or their steps are not `PLAUSIBLE_FRAME_S`, so that all come from the frame index
        and `fps`.
    """
    count = stream_times_s.size
    if count == 0:
        return stream_times_s.copy(), "stream"
    latest_before = np.maximum.accumulate(
        np.concatenate(([-np.inf], np.where(np.isfinite(stream_times_s), stream_times_s, -np.inf)))
    )[:-1]
    good = np.isfinite(stream_times_s) & (stream_times_s > latest_before)
    seconds_a_frame = 1 / fps if 1 <= fps <= 1000 else 1 / 30
    frames_s = np.diff(stream_times_s[good]) / np.diff(frame_index[good])
    plausible = (
        PLAUSIBLE_FRAME_S[0] <= np.median(frames_s) <= PLAUSIBLE_FRAME_S[1]
        if frames_s.size
        else count == 1
    )
    if good.all() and plausible:
        return stream_times_s - stream_times_s[0], "stream"
    if np.count_nonzero(~good) > MAX_REPAIRED_SHARE * count or not plausible:
        return (frame_index - frame_index[0]) * seconds_a_frame, "frame_rate"
    times_s = np.interp(frame_index, frame_index[good], stream_times_s[good])
    # Beyond the last good one np.interp holds the value: continue at the frame rate.
    last = np.flatnonzero(good)[-1]
    times_s[last + 1 :] = (
        times_s[last] + (frame_index[last + 1 :] - frame_index[last]) * seconds_a_frame
    )
    first = np.flatnonzero(good)[0]
    times_s[:first] = times_s[first] - (frame_index[first] - frame_index[:first]) * seconds_a_frame
    return times_s - times_s[0], "stream_repaired"
