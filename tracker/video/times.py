"""Compute the times of frames and how much they are slowed down; check the time of recording."""

import re
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

PLAUSIBLE_FRAME_S = (1e-3, 2.0)
"""Timestamps are unusable if the median time between frames is outside these limits."""
TimeSource = Literal["stream", "stream_repaired", "frame_rate"]
TIME_SOURCES: tuple[TimeSource, ...] = get_args(TimeSource)
"""Sources of times, the best first; see `repair_times`."""
LEAST_SLOWED_DOWN = 1.8
"""A video that is slowed down by less is no slow motion: that is played at half speed or slower. A
phone records fewer frames in the dark than its tag says, so that the tag alone proves nothing."""
SLOW_MOTION_FPS = 100.0
"""Lowest rate of capture of slow motion; 60 frames a second are used at normal speed, too."""
TIME_LAPSE_FPS = 15.0
"""Rate of capture below which a faster playback is a time lapse."""
SHORTEST_STEP_S = 1e-4
"""A smaller step counts as none. FFmpeg advances by one tick where a duration is impossible."""
MAX_REPAIRED_SHARE = 0.1
"""Largest share of timestamps that is repaired; if more are wrong, all are replaced."""
LEAST_MEASURED_STEPS = 10
"""With fewer good steps in time, the frame rate is not measured: the declared one is used."""
_FIRST_RECORDING = datetime(2000, 1, 1, tzinfo=UTC)
_ISO_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])"
)


def repair_times(
    stream_times_s: NDArray[np.float64], frame_index: NDArray[np.int64], fps: float
) -> tuple[NDArray[np.float64], TimeSource]:
    """Make the stream's timestamps strictly increasing from zero.

    Parameters
    ----------
    stream_times_s : ndarray, shape (N,), float64
        Timestamps of the tracked frames in seconds, as read from the stream; NaN for a frame
        without one.
    frame_index : ndarray, shape (N,), int64
        Index of each frame in the video, counting skipped frames; strictly increasing.
    fps : float
        Frame rate that the container declares. It is used if the rate cannot be measured: with
        under `LEAST_MEASURED_STEPS` steps between increasing times, or implausible ones. If the
        declared rate is not within 1 to 1000, 30 is assumed.

    Returns
    -------
    times_s : ndarray, shape (N,), float64
        In seconds, strictly increasing from 0.
    source : str
        ``"stream"``: the times are as read, less the first. ``"stream_repaired"``: the few times
        that were missing or did not increase were interpolated over the frame index.
        ``"frame_rate"``: all times come from the frame index and the frame rate, because more than
        `MAX_REPAIRED_SHARE` of the times were missing or did not increase, or the median time from
        frame to frame was outside `PLAUSIBLE_FRAME_S`.
    """
    count = stream_times_s.size
    if count == 0:
        return stream_times_s.copy(), "stream"
    latest_before = np.maximum.accumulate(
        np.concatenate(([-np.inf], np.where(np.isfinite(stream_times_s), stream_times_s, -np.inf)))
    )[:-1]
    good = np.isfinite(stream_times_s) & (stream_times_s > latest_before + SHORTEST_STEP_S)
    seconds_a_frame = 1 / fps if 1 <= fps <= 1000 else 1 / 30
    frames_s = np.diff(stream_times_s[good]) / np.diff(frame_index[good])
    plausible = (
        PLAUSIBLE_FRAME_S[0] <= np.median(frames_s) <= PLAUSIBLE_FRAME_S[1]
        if frames_s.size
        else count == 1
    )
    if frames_s.size >= LEAST_MEASURED_STEPS and plausible:
        # What a container declares may be a guess, or the mean of wrong durations.
        seconds_a_frame = float(np.median(frames_s))
    if good.all() and plausible:
        return stream_times_s - stream_times_s[0], "stream"
    if np.count_nonzero(~good) > MAX_REPAIRED_SHARE * count or not plausible:
        return (frame_index - frame_index[0]) * seconds_a_frame, "frame_rate"
    times_s = np.interp(frame_index, frame_index[good], stream_times_s[good])
    # np.interp repeats the last good time beyond it; continue at the frame rate instead.
    last = np.flatnonzero(good)[-1]
    times_s[last + 1 :] = (
        times_s[last] + (frame_index[last + 1 :] - frame_index[last]) * seconds_a_frame
    )
    first = np.flatnonzero(good)[0]
    times_s[:first] = times_s[first] - (frame_index[first] - frame_index[:first]) * seconds_a_frame
    return times_s - times_s[0], "stream_repaired"


def check_recorded_at(text: str, now: datetime) -> str:
    """Check the time of recording that a video file gives; return "" if it cannot be true.

    Parameters
    ----------
    text : str
        What the file says. It should be ISO 8601 with the offset from UTC, as in
        ``2026-03-02T09:15:00+09:00``; Z is UTC.
    now : datetime
        The present time, with its offset from UTC.

    Returns
    -------
    str
        The time of recording in the same form, cut to whole seconds. Empty if `text` has another
        form, is before the year 2000 (clocks that were never set say 1904 or 1970), or is over a
        day after `now`: no clock is believed to be that fast.

    Examples
    --------
    >>> from datetime import UTC
    >>> check_recorded_at("2026-03-02T00:15:00.000000Z", datetime(2026, 11, 29, tzinfo=UTC))
    '2026-03-02T00:15:00+00:00'
    >>> check_recorded_at("1904-01-01T00:00:00Z", datetime(2026, 11, 29, tzinfo=UTC))
    ''
    """
    if not _ISO_TIME.fullmatch(text):
        return ""
    try:
        recorded_at = datetime.fromisoformat(text)
        is_believable = _FIRST_RECORDING <= recorded_at <= now + timedelta(days=1)
    except (ValueError, OverflowError):
        return ""
    return recorded_at.isoformat(timespec="seconds") if is_believable else ""


def compute_slowed_down(
    times_s: NDArray[np.float64], frame_index: NDArray[np.int64], capture_fps: float
) -> float:
    """Return how many times slower than reality a recording is played.

    Parameters
    ----------
    times_s : ndarray, shape (N,), float64
        When each frame is shown, in seconds, strictly increasing.
    frame_index : ndarray, shape (N,), int64
        Index of each frame in the video, counting skipped frames; strictly increasing.
    capture_fps : float
        Frames a second that the camera took, as the file says; 0 if it does not.

    Returns
    -------
    float
        Above 1 for slow motion, such as 8.0 if 240 frames a second are played at 30; below 1 for a
        time lapse; else 1. Slow motion is captured at `SLOW_MOTION_FPS` or more, a time lapse at
        `TIME_LAPSE_FPS` or less, and played slower or faster by `LEAST_SLOWED_DOWN` times or more.
    """
    if not capture_fps or times_s.size < 2:
        return 1.0
    played_fps = float(1 / np.median(np.diff(times_s) / np.diff(frame_index)))
    ratio = capture_fps / played_fps
    slow = ratio >= LEAST_SLOWED_DOWN and capture_fps >= SLOW_MOTION_FPS
    lapse = ratio <= 1 / LEAST_SLOWED_DOWN and capture_fps <= TIME_LAPSE_FPS
    return ratio if slow or lapse else 1.0
