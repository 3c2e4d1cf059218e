"""How fast the lids close and open in a blink.

The two flanks of a blink, the lids' fall and their rise, are each fitted as one smooth step.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_series, as_times
from kernels._jit import kernel
from kernels.opening import MAX_GAP_S

REST_S = 0.15
"""Time before the fall, and after the rise, whose mean is the lids' level at rest."""
FLOOR_SHARE = 0.05
"""Samples within this share of the depth from the deepest one tell how far the lids are down."""
STEPS_S = (0.03, 0.05, 0.08, 0.12, 0.2, 0.3)
"""Durations of a step that are tried first, within the limits; the fit goes on from the best."""
LEAST_INTERVALS = 0.5
"""Shortest time of a step, in sampling intervals: shorter ones look alike."""
LONGEST_STEP_S = 2.0
MAX_ITERATIONS = 40

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]


@kernel("f8(f8, f8, f8)")
def raised_step(time_s, step_s, exposure_s):
    """Return how far a smooth movement from 0 to 1 is seen to be, in a frame taken at time_s.

    The movement is a raised cosine that begins at time 0 and lasts for step_s seconds. A frame
    shows its mean over the exposure, which begins at time_s and lasts for exposure_s seconds. Both
    durations must be above 0.
    """
    total = 0.0
    for sign, moment_s in ((-1.0, time_s), (1.0, time_s + exposure_s)):
        share = moment_s / step_s
        if share >= 1:
            total += sign * (share - 0.5)
        elif share > 0:
            total += sign * (share - np.sin(np.pi * share) / np.pi) / 2
    return total * step_s / exposure_s


@kernel("f8(f8[::1], f8[::1], f8, f8, f8)")
def _misfit(times_s, shares, begin_s, step_s, exposure_s):
    """Return how badly a smooth step fits: the sum of squared differences from shares (K,).

    shares are how far the lids have moved, as shares of the whole way, in frames at times_s (K,).
    The step (`raised_step`) goes from 0 to 1, begins at begin_s and lasts for step_s. Each frame
    shows its mean over exposure_s seconds, from its time on.
    """
    total = 0.0
    for k in range(times_s.size):
        total += (shares[k] - raised_step(times_s[k] - begin_s, step_s, exposure_s)) ** 2
    return total


@kernel("f8(f8[::1], f8[::1], f8, f8[::1], f8[::1], i8)")
def _fit_step(times_s, shares, exposure_s, limits_s, starts_s, iterations):
    """Return how long the lids take for a fall: the duration in seconds of the best-fitting step.

    shares (K,) are how far the lids have fallen, as shares of the whole depth, in frames at times_s
    (K,) that are exposed for exposure_s seconds. A smooth step (`raised_step`) is fitted by least
    squares: its beginning and the logarithm of its duration, by damped Gauss-Newton steps
    (Levenberg and Marquardt). All durations are kept between limits_s[0] and limits_s[1]. The fit
    begins at the best of the durations starts_s (S,), and stops after `iterations` at the latest.
    """
    least, most = np.log(limits_s[0]), np.log(limits_s[1])
    half_s = times_s[-1]
    for k in range(1, times_s.size):
        if shares[k] >= 0.5:
            rise = shares[k] - shares[k - 1]
            back = (shares[k] - 0.5) / rise if rise > 0 else 0.0
            half_s = times_s[k] - min(back, 1.0) * (times_s[k] - times_s[k - 1])
            break
    best, begin_s, log_s = np.inf, 0.0, 0.0
    for start_s in starts_s:
        step_s = min(max(start_s, limits_s[0]), limits_s[1])
        first_s = half_s - (step_s + exposure_s) / 2
        misfit = _misfit(times_s, shares, first_s, step_s, exposure_s)
        if misfit < best:
            best, begin_s, log_s = misfit, first_s, np.log(step_s)
    damping, tiny = 1e-3, 1e-5
    for _ in range(iterations):
        step_s, longer_s = np.exp(log_s), np.exp(log_s + tiny)
        aa, ab, bb, ar, br = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(times_s.size):
            since_s = times_s[k] - begin_s
            model = raised_step(since_s, step_s, exposure_s)
            a = (raised_step(since_s - tiny, step_s, exposure_s) - model) / tiny
            b = (raised_step(since_s, longer_s, exposure_s) - model) / tiny
            rest = shares[k] - model
            aa, ab, bb = aa + a * a, ab + a * b, bb + b * b
            ar, br = ar + a * rest, br + b * rest
        aa, bb = aa * (1 + damping) + 1e-12, bb * (1 + damping) + 1e-12
        denominator = aa * bb - ab * ab
        new_begin_s = begin_s + (bb * ar - ab * br) / denominator
        change = (aa * br - ab * ar) / denominator
        new_log_s = min(max(log_s + min(max(change, -0.5), 0.5), least), most)
        misfit = _misfit(times_s, shares, new_begin_s, np.exp(new_log_s), exposure_s)
        if misfit < best:
            ends = best - misfit < 1e-9
            best, begin_s, log_s, damping = misfit, new_begin_s, new_log_s, damping / 3
            if ends:
                break
        else:
            damping *= 5
            if damping > 1e6:
                break
    return np.exp(log_s)


@kernel("void(f8[::1], f8[::1], f8[:,::1], i8[::1], f8[::1], f8[::1], f8[::1], i8, f8[:,:,::1])")
def _fit_flanks(ratio, times_s, moving_s, peaks, settings, limits_s, starts_s, iterations, out):
    """Fill out (M, 2, 2) with the duration and the depth of the fall and the rise of M blinks.

    out[m, 0] is the fall and out[m, 1] the rise, each a duration in seconds and a depth as a share
    of the open eye. ratio and times_s (N,) are the lid opening, divided by that of the open eye,
    and its times. moving_s (M, 2) are the times at which the lids begin and cease to move, and
    peaks (M,) are the samples of the least opening. settings (4,) are the exposure in seconds; for
    how many seconds before and after the movement the lids' rest is taken; the longest gap in
    seconds; and the share of the depth within which samples count as deep as the deepest one.
    limits_s, starts_s and iterations are those of `_fit_step`. Both numbers of a flank are NaN if
    it has no depth, if its rest holds no sample, or if a missing face or a gap lies between the
    peak and the rest.
    """
    exposure_s, rest_s, max_gap_s, floor_share = settings
    out[:] = np.nan
    for m in range(peaks.size):
        peak = peaks[m]
        for side in range(2):
            way = 1 if side else -1
            # Outward from the peak to the last sample at rest.
            last, rest, count = peak, 0.0, 0
            until_s = moving_s[m, side] + way * rest_s
            while 0 <= last + way < ratio.size and way * (times_s[last + way] - until_s) <= 0:
                n = last + way
                if np.isnan(ratio[n]) or np.abs(times_s[n] - times_s[last]) > max_gap_s:
                    break
                if way * (times_s[n] - moving_s[m, side]) >= 0:
                    rest += ratio[n]
                    count += 1
                last = n
            if count == 0:
                continue
            rest /= count
            floor, below = 0.0, 0
            limit = ratio[peak] + floor_share * (rest - ratio[peak])
            # Where the lids are down on this side of the peak, or on both.
            for other in (-1, 1):
                n = peak if other == -1 else peak + 1
                while 0 <= n < ratio.size and ratio[n] <= limit:
                    floor += ratio[n]
                    below += 1
                    n += other
            depth = rest - floor / below
            if not depth > 0:
                continue
            size = np.abs(last - peak) + 1
            times, shares = np.empty(size), np.empty(size)
            for k in range(size):
                # In the order in which the lids go down, so that both flanks are falls.
                n = last - way * k
                times[k] = -way * (times_s[n] - times_s[last])
                shares[k] = (rest - ratio[n]) / depth
            # A rise is a fall seen backwards, and so is its exposure.
            if side:
                times -= exposure_s
            out[m, side, 0] = _fit_step(times, shares, exposure_s, limits_s, starts_s, iterations)
            out[m, side, 1] = depth


def fit_flanks(
    ratio: ArrayLike,
    times_s: ArrayLike,
    moving_s: ArrayLike,
    peak: NDArray[np.int64],
    interval_s: float,
) -> tuple[Float64Array, Float64Array]:
    """Fit the fall and the rise of the lids in each blink.

    Parameters
    ----------
    ratio : array_like, shape (N,), float64
        Lid opening over that of the open eye: 1 = open; NaN = missing.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    moving_s : array_like, shape (M, 2), float64
        When the lids begin and cease to move: `Closures.onset_s` and `offset_s`.
    peak : ndarray, shape (M,), int64
        Index of the sample with the least opening in each blink.
    interval_s : float
        Median time in seconds between samples. Frames are taken to be exposed for half of it.

    Returns
    -------
    step_s : ndarray, shape (M, 2), float64
        How long the lids take to close (column 0) and to open (column 1), along a raised cosine.
        NaN for a flank if no sample is seen in the `REST_S` seconds before the lids begin to close,
        or after they cease to open; if the face is lost, or samples are missing for more than
        `MAX_GAP_S`, between there and the peak; or if the flank has no depth. All NaN if
        `interval_s` is not above 0.
    depth : ndarray, shape (M, 2), float64
        How far the lids fall from their opening at rest before the blink, and how far they rise to
        their opening at rest after it; 1 is the opening of the open eye. NaN where `step_s` is.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.

    Notes
    -----
    The mean velocity of the lids is ``depth / step_s``, in openings of the open eye per second. The
    peak velocity of a raised cosine is pi / 2 times its mean velocity.
    """
    series = as_series(ratio, "ratio")
    times = as_times(times_s, series.size, "ratio")
    moving = np.ascontiguousarray(moving_s, dtype=np.float64).reshape(-1, 2)
    if len(moving) != len(peak):
        raise ValueError(f"moving_s has {len(moving)} blinks and peak {len(peak)}")
    out = np.full((len(moving), 2, 2), np.nan)
    if interval_s > 0:
        _fit_flanks(
            series,
            times,
            moving,
            np.asarray(peak, np.int64),
            np.array((interval_s / 2, REST_S, MAX_GAP_S, FLOOR_SHARE)),
            np.array((LEAST_INTERVALS * interval_s, LONGEST_STEP_S)),
            np.array(STEPS_S),
            MAX_ITERATIONS,
            out,
        )
    return out[:, :, 0].copy(), out[:, :, 1].copy()
