"""Steps of the gaze (saccades): find them, and fit how far, how fast and when the eyes moved.

A phone takes 30 to 120 frames a second, and a saccade lasts 30 to 150 ms. Its velocity cannot be
read from neighbouring samples. A step of a known shape is fitted instead: a raised cosine, smeared
by the exposure of each frame, in the noise of the recording. For each duration the likelihood is
computed, so that an interval follows even where a step falls between two frames.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_kept, as_series, as_times, require
from kernels._jit import kernel
from kernels.measures import median_finite
from kernels.uncertainty import MAD_TO_STD

RISE_SHARE = float((np.arccos(-0.8) - np.arccos(0.8)) / np.pi)
"""Share of a raised cosine's time that passes from 10 % of its rise to 90 %: 0.590."""
PEAK_TIMES_RISE = float(np.pi / 2 * RISE_SHARE)
"""Peak velocity of a raised cosine, times its 10-90 % time, over its amplitude: 0.927.

It hardly depends on the shape: 0.95 for the smoothest step there is (minimum jerk).
"""
RISE_MS = np.exp(np.arange(np.log(10.0), np.log(620.0), 0.12))
"""10-90 % times that are tried, shape (K,), in equal ratios. Healthy saccades take 12 ms
(2 degrees) to 60 ms (30 degrees). The slowest of people with PSP take ten times as long."""
DURATIONS_S = RISE_MS / 1000 / RISE_SHARE
"""Whole durations of steps with these times, shape (K,)."""

GAP_S, MEAN_S = 0.1, 0.15
"""The step at a moment is the mean gaze over `MEAN_S` after it minus that over `MEAN_S` before it.
Samples within `GAP_S` of the moment are left out, because the eyes still move in them."""
STEP_NOISE_FACTOR = 4.0
"""A step is larger than this multiple of the difference's noise."""
CENTRES = 17
"""Moments that are tried for the middle of a step, for each of its durations."""
FIRST_SLIP_S, FIRST_SHARE, FIRST_STRIDE = 0.08, 0.15, 6
"""The first search tries a step's middle up to this far from the given one: a time, plus a share of
the step's duration. It tries only every sixth duration."""
SLIP_STDS, SHARE = 4.0, 0.05
"""The second search tries it up to this far from the middle that the first one found: a multiple of
that middle's standard deviation, plus a share of the step's duration."""
SEARCH = np.array((FIRST_SLIP_S, FIRST_SHARE, SLIP_STDS, SHARE))
NOISE_LAGS_S = (0.0, 0.034, 0.067, 0.1, 0.2, 0.4)
NOISE_TIMES_S = (0.04, 0.08, 0.16, 0.32)
MOST_PAIRS = 1500
"""Most differences that a noise is estimated from."""

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of a gaze offset that may be saccades: M of them, in order of time.

    Attributes
    ----------
    centre_s : ndarray, shape (M,), float64
        Time of the step's middle, in seconds, on the clock of the samples' times.
    rise : ndarray, shape (M,), float64
        Mean offset shortly after the step minus that shortly before it, in the offset's unit.
    least_rise : float
        Steps have a larger absolute rise, or they would not stand out of the noise. In the offset's
        unit; infinite if nothing tells the noise.
    """

    centre_s: Float64Array
    rise: Float64Array
    least_rise: float


@dataclass(frozen=True, slots=True)
class OffsetNoise:
    """Noise of a gaze offset, in two parts.

    Attributes
    ----------
    jitter : float
        Standard deviation of the noise that differs in every sample, in the offset's unit; 0 if
        there is none, NaN if the noise is not known.
    slow : float
        Standard deviation of the noise that changes slowly, in the offset's unit; 0 if there is
        none, NaN if the noise is not known.
    slow_s : float
        Time in seconds in which the correlation of the slow noise falls to 1 / e; a number also if
        the noise is not known.
    """

    jitter: float
    slow: float
    slow_s: float


@kernel("void(f8[::1], b1[::1], f8[::1], f8, f8, i8, f8[::1])")
def _score_steps(values, keep, times_s, gap_s, mean_s, least, out):
    """Fill `out` (N,) with the mean gaze after each sample minus the mean gaze before it.

    The means are over the samples from `gap_s` to `gap_s` plus `mean_s` seconds away that `keep`
    (N,) marks and whose values (N,) are finite. NaN where one of the two means has fewer than
    `least` samples.
    """
    size = values.size
    sums, counts = np.zeros(size + 1), np.zeros(size + 1, np.int64)
    for n in range(size):
        used = keep[n] and np.isfinite(values[n])
        sums[n + 1] = sums[n] + (values[n] if used else 0.0)
        counts[n + 1] = counts[n] + (1 if used else 0)
    first, last, next_, end = 0, 0, 0, 0
    for n in range(size):
        time_s = times_s[n]
        while first < size and times_s[first] < time_s - gap_s - mean_s:
            first += 1
        while last < size and times_s[last] <= time_s - gap_s:
            last += 1
        while next_ < size and times_s[next_] < time_s + gap_s:
            next_ += 1
        while end < size and times_s[end] <= time_s + gap_s + mean_s:
            end += 1
        before, after = counts[last] - counts[first], counts[end] - counts[next_]
        out[n] = np.nan
        if before >= least and after >= least:
            out[n] = (sums[end] - sums[next_]) / after - (sums[last] - sums[first]) / before


@kernel("i8(f8[::1], f8[::1], f8, f8[:,::1])")
def _group_steps(score, times_s, threshold, out):
    """Fill the first M rows of `out` (N, 2) with centre and rise of each step, and return M.

    score (N,) is the mean gaze after each sample minus that before it; NaN = not known. A step is a
    run of samples whose scores have one sign and an absolute value above the threshold. Its rise is
    the largest of these scores, with its sign. Its centre is the mean time, in seconds, of that
    sample and those right beside it in the run that have at least half of its score, weighted by
    their scores. A score of NaN ends a run.
    """
    found, size, n = 0, score.size, 0
    while n < size:
        if not np.abs(score[n]) > threshold:
            n += 1
            continue
        stop, best = n, n
        while stop < size and np.abs(score[stop]) > threshold and score[stop] * score[n] > 0:
            if np.abs(score[stop]) > np.abs(score[best]):
                best = stop
            stop += 1
        low, high = best, best
        half = np.abs(score[best]) / 2
        while low > n and np.abs(score[low - 1]) >= half:
            low -= 1
        while high + 1 < stop and np.abs(score[high + 1]) >= half:
            high += 1
        weight, moment = 0.0, 0.0
        for k in range(low, high + 1):
            weight += np.abs(score[k])
            moment += np.abs(score[k]) * (times_s[k] - times_s[best])
        out[found, 0] = times_s[best] + moment / weight
        out[found, 1] = score[best]
        found += 1
        n = stop
    return found


def find_steps(values: ArrayLike, keep: ArrayLike, times_s: ArrayLike, interval_s: float) -> Steps:
    """Find steps of a gaze offset: moments before and after which it stays at different places.

    Parameters
    ----------
    values : array_like, shape (N,), float64
        A gaze offset; NaN = missing.
    keep : array_like, shape (N,), bool
        True for the samples to use.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    interval_s : float
        Median time in seconds between samples, above 0; of fewer than two, anything.

    Returns
    -------
    Steps
        In order of time; none if the samples are too few.

    Raises
    ------
    ValueError
        Shapes differ, `times_s` is not strictly increasing, or `interval_s` is not above 0.

    Notes
    -----
    The gaze after a moment is its mean over `MEAN_S` seconds, from `GAP_S` seconds after the moment
    on; the gaze before it likewise. A step must stand out of the noise of the difference between
    these two means. That noise is the median absolute difference, scaled to a standard deviation:
    most of the time the eyes stay where they are, so most differences are noise alone.
    """
    series, kept = as_kept(values, keep)
    times = as_times(times_s, series.size, "values")
    if series.size < 2:
        return Steps(np.empty(0), np.empty(0), np.inf)
    _check_interval(interval_s)
    score = np.empty(series.size)
    least = max(2, round(MEAN_S / interval_s / 2))
    _score_steps(series, kept, times, GAP_S, MEAN_S, least, score)
    finite = np.abs(score[:: 1 + series.size // MOST_PAIRS])
    finite = finite[np.isfinite(finite)]
    noise = MAD_TO_STD * median_finite(finite) if finite.size else np.inf
    found = np.empty((series.size, 2))
    least_rise = STEP_NOISE_FACTOR * noise
    count = _group_steps(score, times, least_rise, found)
    return Steps(found[:count, 0].copy(), found[:count, 1].copy(), least_rise)


def estimate_offset_noise(
    values: ArrayLike, keep: ArrayLike, times_s: ArrayLike, interval_s: float, steps: Steps
) -> OffsetNoise:
    """Estimate the noise of a gaze offset from how much it changes over several times.

    Parameters
    ----------
    values : array_like, shape (N,), float64
        A gaze offset; NaN = missing.
    keep : array_like, shape (N,), bool
        True for the samples to use.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    interval_s : float
        Median time in seconds between samples, above 0; of fewer than two, anything. The time from
        one sample to the k-th after it is taken to be k times that, so the recording should have
        few gaps.
    steps : Steps
        The offset's steps, from `find_steps`. No difference is taken from before a step to after
        it, nor of a sample within `GAP_S` seconds of a step's middle.

    Returns
    -------
    OffsetNoise
        Its standard deviations are NaN if no differences can be taken, or if over one of the times
        (see Notes) at least half of them are 0.

    Raises
    ------
    ValueError
        Shapes differ, `times_s` is not strictly increasing, or `interval_s` is not above 0.

    Notes
    -----
    The model: half of the mean squared difference over a time t is
    ``jitter² + slow² (1 - exp(-t / slow_s))``. It is measured at the times `NOISE_LAGS_S`, as the
    median absolute difference scaled to a standard deviation, which a few disturbances hardly
    change. ``slow_s`` is the one of `NOISE_TIMES_S` that fits best.
    """
    series, kept = as_kept(values, keep)
    times = as_times(times_s, series.size, "values")
    if series.size < 2:
        return OffsetNoise(np.nan, np.nan, NOISE_TIMES_S[0])
    _check_interval(interval_s)
    fixation = np.searchsorted(steps.centre_s, times)
    nearest = np.concatenate(([-np.inf], steps.centre_s, [np.inf]))
    near = np.minimum(times - nearest[fixation], nearest[fixation + 1] - times) < GAP_S
    used = np.where(kept & ~near, series, np.nan)
    lags_s, power = [], []
    stride = 1 + series.size // MOST_PAIRS
    for lag in sorted({max(1, round(lag_s / interval_s)) for lag_s in NOISE_LAGS_S}):
        differences = np.abs(used[lag::stride] - used[:-lag:stride])
        same = fixation[lag::stride] == fixation[:-lag:stride]
        finite = differences[np.isfinite(differences) & same]
        if finite.size >= 2:
            lags_s.append(lag * interval_s)
            power.append((MAD_TO_STD * median_finite(finite)) ** 2 / 2)
    return _fit_noise(np.array(lags_s), np.array(power))


def _check_interval(interval_s: float) -> None:
    # NaN is refused, too.
    if not interval_s > 0:
        raise ValueError(f"interval_s is {interval_s}, expected above 0: the time between samples")


def _fit_noise(lags_s: Float64Array, power: Float64Array) -> OffsetNoise:
    """Return the noise that explains best how much a gaze offset changes over some times.

    lags_s (P,) are these times in seconds, and power (P,) half of the mean squared difference of
    two samples so far apart. The fit makes the relative errors small, not the absolute ones. The
    standard deviations are NaN if P is 0, or a power is not above 0.
    """
    if not power.size or not (power > 0).all():
        return OffsetNoise(np.nan, np.nan, NOISE_TIMES_S[0])
    best, noise = np.inf, OffsetNoise(np.nan, np.nan, NOISE_TIMES_S[0])
    for slow_s in NOISE_TIMES_S:
        shape = 1 - np.exp(-lags_s / slow_s)
        one, grown = 1 / power, shape / power
        # Least squares with two coefficients, none of them below 0.
        square, product, mixed = one @ one, grown @ grown, one @ grown
        left, right = one.sum(), grown.sum()
        bottom = square * product - mixed * mixed
        jitter = (left * product - right * mixed) / bottom if bottom > 0 else -1.0
        slow = (right * square - left * mixed) / bottom if bottom > 0 else -1.0
        if jitter < 0:
            jitter, slow = 0.0, right / product
        elif slow < 0:
            jitter, slow = left / square, 0.0
        error = float(((jitter * one + slow * grown - 1) ** 2).sum())
        if error < best:
            best = error
            noise = OffsetNoise(float(np.sqrt(jitter)), float(np.sqrt(slow)), slow_s)
    return noise


@dataclass(frozen=True, slots=True)
class StepFit:
    """What the samples around a step say, for each of L exposures and K 10-90 % times.

    The exposures are those given to `fit_step`. The K 10-90 % times, in which the step passes from
    10 % to 90 % of its amplitude, are `RISE_MS`.

    Attributes
    ----------
    log_likelihood : ndarray, shape (L, K), float64
        Of the exposure and the 10-90 % time, up to one constant for all; amplitude, level and
        moment are integrated out. -inf where no step can be fitted: the other arrays mean nothing
        there.
    amplitude, amplitude_std : ndarray, shape (L, K), float64
        The step's amplitude with its sign, and its standard deviation, in the unit of the gaze.
    onset_s, onset_std_s : ndarray, shape (L, K), float64
        When the step begins, in seconds on the clock of the samples, and the standard deviation of
        that.
    misfit : float
        Mean squared residual of the best fit, divided by the one that the noise alone would leave:
        about 1 for a step of the assumed shape.
    count : int
        Number of samples that the step was fitted to.
    """

    log_likelihood: Float64Array
    amplitude: Float64Array
    amplitude_std: Float64Array
    onset_s: Float64Array
    onset_std_s: Float64Array
    misfit: float
    count: int


@kernel("void(f8[::1], f8, f8, f8, f8[:,::1])")
def _whitening(times_s, jitter, slow, slow_s, out):
    """Fill `out` (N, 3) with the coefficients by which `_whiten` makes the noise uncorrelated.

    times_s (N,) are in seconds. jitter and slow are the standard deviations of the noise that
    differs in every sample, and of the noise that changes slowly; slow_s is the time in seconds in
    which the correlation of the slow one falls to 1 / e. The slow noise is a Markov process, so a
    Kalman filter whitens it. The coefficients of a sample are the factor from the last state to the
    prediction, the gain, and one over the innovation's standard deviation.
    """
    variance = slow * slow
    for n in range(times_s.size):
        kept = 1.0
        if n > 0:
            kept = np.exp(-(times_s[n] - times_s[n - 1]) / slow_s)
            variance = kept * kept * variance + slow * slow * (1 - kept * kept)
        total = variance + jitter * jitter
        gain = variance / total
        out[n, 0], out[n, 1], out[n, 2] = kept, gain, 1 / np.sqrt(total)
        variance = (1 - gain) * variance


@kernel("void(f8[::1], f8[:,::1], f8[::1])")
def _whiten(values, whitening, out):
    """Fill `out` (N,) with values (N,) whose noise is made uncorrelated, of standard deviation 1.

    `whitening` (N, 3) are the coefficients that `_whitening` computes from the noise.
    """
    state = 0.0
    for n in range(values.size):
        predicted = whitening[n, 0] * state
        innovation = values[n] - predicted
        state = predicted + whitening[n, 1] * innovation
        out[n] = innovation * whitening[n, 2]


@kernel("f8(f8, f8, f8)")
def _expose(late, longer, scale):
    """Return how far a step from 0 to 1 is seen to be in one frame: its mean over the exposure.

    The step is a raised cosine. `late` is the time from the step's beginning to the exposure's
    beginning, and `longer` the exposure's length, both divided by the step's duration; `scale` is
    1 / `longer`.
    """
    # The integral of a raised cosine from 0 to s is s / 2 - sin(pi s) / (2 pi), and it grows by 1 a
    # second afterwards. sin(pi s) is the cosine series of pi (s - 1/2).
    # Division takes longer than all the rest.
    a, b, c, d, e = 1 / 2, 1 / 12, 1 / 30, 1 / 56, 1 / 90
    shape = 1 / (2 * np.pi)
    inside = min(max(late, 0.0), 1.0)
    v = (inside - 0.5) * (inside - 0.5) * (np.pi * np.pi)
    sine = 1 - v * a * (1 - v * b * (1 - v * c * (1 - v * d * (1 - v * e))))
    first = inside / 2 - shape * sine + max(late - 1, 0.0)
    late += longer
    inside = min(max(late, 0.0), 1.0)
    v = (inside - 0.5) * (inside - 0.5) * (np.pi * np.pi)
    sine = 1 - v * a * (1 - v * b * (1 - v * c * (1 - v * d * (1 - v * e))))
    return scale * (inside / 2 - shape * sine + max(late - 1, 0.0) - first)


@kernel("void(f8[::1], f8[:,::1], f8[:,::1], f8, f8, f8, f8, f8, f8[:,::1], f8[:,::1])")
def _fit_centres(times_s, whitening, white, duration_s, exposure_s, slip_s, ahead, rush, work, out):
    """Fit steps of one duration, centred at C moments around time 0.

    `times_s` (N,) are the samples' times in seconds, `whitening` (N, 3) the coefficients of
    `_whitening` for them, and `white` (2, N) the whitened values and the whitened constant 1.
    `duration_s` is the whole duration of a step, and `exposure_s` the exposure of a frame. The
    centres are spread evenly from ``-slip_s`` to ``slip_s``. `ahead` and `rush` are the mean and
    the standard deviation of the rush, by which landmarks run ahead of a moving eye (`fit_step`);
    if `rush` is 0, there is none, whatever `ahead` is. `work` (13, C) is working memory. Fill `out`
    (4, C) with the log likelihood, the amplitude, its variance, and the centre in seconds; work[4]
    with the sum of the squared residuals, in units of the noise. The log likelihood is -inf where a
    step lies outside of the samples.
    """
    centres, size = out.shape[1], times_s.size
    scale = duration_s / exposure_s
    longer = exposure_s / duration_s
    per_s = 1 / duration_s
    level, square, product = 0.0, 0.0, 0.0
    for n in range(size):
        level += white[1, n] * white[1, n]
        square += white[0, n] * white[0, n]
        product += white[0, n] * white[1, n]
    for j in range(centres):
        out[3, j] = slip_s * (2 * j / (centres - 1) - 1)
        for row in range(10):
            work[row, j] = 0.0
    for n in range(size):
        kept, gain, weight = whitening[n, 0], whitening[n, 1], whitening[n, 2]
        begin = times_s[n] / duration_s + 0.5
        value, one = white[0, n], white[1, n]
        if begin + longer + slip_s / duration_s <= 0:
            # None of the steps has begun.
            continue
        # Each loop works on few rows, or the compiler would not make vectors of it.
        if begin - slip_s / duration_s >= 1:
            for j in range(centres):
                work[10, j] = 1.0
        else:
            for j in range(centres):
                work[10, j] = _expose(begin - out[3, j] * per_s, longer, scale)
        for j in range(centres):
            innovation = work[10, j] - kept * work[0, j]
            work[0, j] = kept * work[0, j] + gain * innovation
            work[11, j] = innovation * weight
        if rush > 0:
            # The change since the sample before, whitened alike.
            for j in range(centres):
                jump = work[10, j] - work[5, j] - kept * work[6, j]
                work[6, j] = kept * work[6, j] + gain * jump
                work[12, j] = jump * weight
            for j in range(centres):
                work[5, j] = work[10, j]
                work[11, j] += ahead * work[12, j]
            for j in range(centres):
                work[7, j] += work[12, j] * work[12, j]
                work[8, j] += work[12, j] * value
            for j in range(centres):
                work[9, j] += work[12, j] * one
                work[4, j] += work[12, j] * work[11, j]
        for j in range(centres):
            work[1, j] += work[11, j] * work[11, j]
            work[2, j] += work[11, j] * value
        for j in range(centres):
            work[3, j] += work[11, j] * one
    for j in range(centres):
        power, with_value, with_level = work[1, j], work[2, j], work[3, j]
        base, rest, mixed, rushed = level, square, product, 1.0
        if rush > 0:
            # The rush has a normal prior, and is integrated out first.
            known = work[7, j] + 1 / (rush * rush)
            # One division takes as long as five products.
            unknown = 1 / known
            by_step, by_value, by_level = work[4, j], work[8, j], work[9, j]
            power -= by_step * by_step * unknown
            with_value -= by_step * by_value * unknown
            with_level -= by_step * by_level * unknown
            base -= by_level * by_level * unknown
            rest -= by_value * by_value * unknown
            mixed -= by_value * by_level * unknown
            rushed = known * rush * rush
        # Amplitude and level by least squares; both are integrated out of the likelihood.
        bottom = base * power - with_level * with_level
        work[4, j] = rest
        if not bottom > 1e-9 * level * level:
            # The step lies outside of the samples, or is a constant within them.
            out[0, j], out[1, j], out[2, j] = -np.inf, 0.0, 0.0
            continue
        share = 1 / bottom
        amplitude = (base * with_value - with_level * mixed) * share
        constant = (power * mixed - with_level * with_value) * share
        rest -= constant * mixed + amplitude * with_value
        out[0, j] = -(rest + np.log(bottom * rushed)) / 2
        out[1, j] = amplitude
        out[2, j] = base * share
        work[4, j] = rest


@kernel(
    "f8(f8[::1], f8[::1], f8[:,::1], f8[::1], f8[::1], f8, f8, f8, i8, f8, f8, f8[:,::1],"
    " f8[:,::1], f8[:,::1], f8[:,:,::1])"
)
def _fit_durations(
    values,
    times_s,
    whitening,
    durations_s,
    exposures_s,
    centre_s,
    slip_s,
    share,
    stride,
    ahead,
    rush,
    white,
    work,
    fits,
    out,
):
    """Fit steps of each duration and exposure around a centre.

    Return the sum of the squared residuals of the best fit, in units of the noise. `values` and
    `times_s` (N,) are the samples, and `whitening` (N, 3) their coefficients from `_whitening`.
    `durations_s` (K,) are whole durations of a step, of which every `stride`-th is used, and
    `exposures_s` (L,) exposures of a frame. Centres are tried up to `slip_s` plus `share` of the
    duration away from `centre_s`. Fill `out` (5, L, K) with the log likelihood of each exposure and
    duration, and with means and standard deviations over the centres: amplitude, its standard
    deviation, centre in seconds and its standard deviation. What is not fitted stays as it was.
    `ahead` and `rush` are the mean and the standard deviation of the rush, by which landmarks run
    ahead of a moving eye (`fit_step`). `white` (2, N), `work` (13, C) and `fits` (4, C) are working
    memory, for C centres.
    """
    size, centres = times_s.size, fits.shape[1]
    moved_s, ones = np.empty(size), np.ones(size)
    for n in range(size):
        moved_s[n] = times_s[n] - centre_s
    _whiten(values, whitening, white[0])
    _whiten(ones, whitening, white[1])
    least = np.inf
    for m in range(exposures_s.size):
        for k in range(0, durations_s.size, stride):
            reach_s = slip_s + share * durations_s[k]
            _fit_centres(
                moved_s, whitening, white, durations_s[k], exposures_s[m], reach_s, ahead, rush,
                work, fits,
            )  # fmt: skip
            top = -np.inf
            for j in range(centres):
                top = max(top, fits[0, j])
                least = min(least, work[4, j])
            if not top > -np.inf:
                continue
            total, mean, centre, spread, wide = 0.0, 0.0, 0.0, 0.0, 0.0
            for j in range(centres):
                if fits[0, j] < top - 80:
                    # Its share, 1e-35, changes no digit of the sums.
                    continue
                weight = np.exp(fits[0, j] - top)
                total += weight
                mean += weight * fits[1, j]
                spread += weight * (fits[2, j] + fits[1, j] * fits[1, j])
                centre += weight * fits[3, j]
                wide += weight * fits[3, j] * fits[3, j]
            mean, centre = mean / total, centre / total
            out[0, m, k] = top + np.log(total * reach_s)
            out[1, m, k] = mean
            out[2, m, k] = np.sqrt(max(spread / total - mean * mean, 0.0))
            out[3, m, k] = centre_s + centre
            out[4, m, k] = np.sqrt(max(wide / total - centre * centre, 0.0))
    return least


@kernel("f8(f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8, f8[::1], i8, i8, f8, f8, f8[:,:,::1])")
def _search_step(
    values,
    times_s,
    noise,
    durations_s,
    exposures_s,
    centre_s,
    search,
    stride,
    centres,
    ahead,
    rush,
    out,
):
    """Find a step's middle with every `stride`-th duration, then fit all durations around it.

    `values` and `times_s` (N,) are the samples. `noise` holds jitter, slow and slow_s of
    `OffsetNoise`. The whole durations `durations_s` (K,) and the exposures `exposures_s` (L,) are
    tried at `centres` moments each. These reach, at first, up to search[0] seconds plus search[1]
    of the duration from `centre_s`; then, up to search[2] standard deviations of the middle that
    was found, plus search[3] of the duration, from that middle. `ahead` and `rush` are the mean and
    the standard deviation of the rush, by which landmarks run ahead of a moving eye. Fill `out` (5,
    L, K), which holds zeros, with the log likelihood (-inf where no step fits), the amplitude, its
    standard deviation, the centre in seconds and its standard deviation. Return the sum of the
    squared residuals of the best fit, in units of the noise.
    """
    size = times_s.size
    whitening, white = np.empty((size, 3)), np.empty((2, size))
    work, fits = np.empty((13, centres)), np.empty((4, centres))
    _whitening(times_s, noise[0], noise[1], noise[2], whitening)
    out[0] = -np.inf
    _fit_durations(
        values, times_s, whitening, durations_s, exposures_s, centre_s, search[0], search[1],
        stride, ahead, rush, white, work, fits, out,
    )  # fmt: skip
    first, tried = 0, 0
    for m in range(exposures_s.size):
        for k in range(durations_s.size):
            if out[0, m, k] > out[0, first, tried]:
                first, tried = m, k
    spacing_s = 2 * (search[0] + search[1] * durations_s[tried]) / (centres - 1)
    slip_s = max(search[2] * out[4, first, tried], spacing_s)
    middle_s = out[3, first, tried]
    return _fit_durations(
        values, times_s, whitening, durations_s, exposures_s, middle_s, slip_s, search[3], 1, ahead,
        rush, white, work, fits, out,
    )  # fmt: skip


def fit_step(
    values: ArrayLike,
    times_s: ArrayLike,
    centre_s: float,
    noise: OffsetNoise,
    exposures_s: ArrayLike,
    rush: tuple[float, float] = (0.0, 0.0),
) -> StepFit:
    """Fit a step to the samples around it.

    Parameters
    ----------
    values : array_like, shape (N,), float64
        A gaze offset at the samples around the step, all finite. At least 4.
    times_s : array_like, shape (N,), float64
        When the exposure of each sample begins, in seconds, strictly increasing.
    centre_s : float
        Roughly the middle of the step, in seconds on the clock of `times_s`.
    noise : OffsetNoise
        Noise of the offset; one of its standard deviations is above 0.
    exposures_s : array_like, shape (L,), float64
        Exposure times of a frame that are possible, in seconds, above 0.
    rush : (float, float), optional
        Mean and standard deviation of the rush: how far landmarks run ahead of a moving eye (below
        0: fall behind it); see Notes. The mean is a share of the amplitude, and the standard
        deviation is in the unit of `values`. If the standard deviation is 0, there is no rush,
        whatever the mean is.

    Returns
    -------
    StepFit
        Arrays (L, K): a row for each of `exposures_s`, a column for each 10-90 % time (from 10 % to
        90 % of the amplitude) of `RISE_MS`.

    Raises
    ------
    ValueError
        Shapes differ, `times_s` is not strictly increasing, there are fewer than 4 samples, or the
        noise is not above 0 (or NaN).

    Notes
    -----
    A sample is the mean over its exposure of ``level + amplitude * g((t - onset) / duration)``,
    where g is a raised cosine, plus noise with the covariance of `OffsetNoise`. Level and
    amplitude follow from generalised least squares. They are integrated out of the likelihood with
    flat priors, and so is the step's middle, over `CENTRES` moments. The range of these moments is
    found with a few durations first.

    Landmarks may rush ahead of a moving eye or fall behind it: they are found in a region that
    comes from the landmarks of the frame before, so it moves with the eyes one frame late. The
    model therefore adds to each sample n the rush times ``g(n) - g(n - 1)``, where g(n) is the step
    in that sample. The rush is integrated out with a normal prior.
    """
    series = as_series(values, "values")
    times = as_times(times_s, series.size, "values")
    exposures = np.ascontiguousarray(exposures_s, dtype=np.float64)
    if series.size < 4:
        raise ValueError(f"values has {series.size} samples, expected 4 or more around a step")
    if not noise.jitter + noise.slow > 0:
        raise ValueError(f"noise is {noise}, expected a standard deviation above 0")
    out = np.zeros((5, exposures.size, DURATIONS_S.size))
    least = _search_step(
        series, times, np.array((noise.jitter, noise.slow, noise.slow_s)), DURATIONS_S, exposures,
        centre_s, SEARCH, FIRST_STRIDE, CENTRES, *rush, out,
    )  # fmt: skip
    return StepFit(
        log_likelihood=out[0],
        amplitude=out[1],
        amplitude_std=out[2],
        onset_s=out[3] - DURATIONS_S / 2,
        onset_std_s=out[4],
        misfit=least / max(series.size - 4, 1),
        count=series.size,
    )


@kernel("void(f8[:,::1], f8[:,::1], f8[:,::1], f8, f8[::1], f8[::1], f8, f8, f8, f8[:,::1])")
def _weigh_powers(logs, means, stds, sign, rises_s, log_values, power, slope, offset, out):
    """Fill `out` (L, G) with the log likelihood of each value of a product of a step's numbers.

    It is the kernel of `weigh_products`: the product is the step's amplitude, its peak velocity, or
    both multiplied. `logs`, `means` and `stds` (L, K) are the log likelihood, the amplitude and its
    standard deviation, of L exposures and K 10-90 % times; the amplitude times `sign` is positive.
    rises_s (K,) are these times in seconds. log_values (G,) are the logarithms of the values to
    try, ascending. The product's logarithm is
    ``power * log(amplitude) - slope * log(rise_s) + offset``.
    """
    exposures, rises, values = logs.shape[0], logs.shape[1], log_values.size
    top = -np.inf
    for m in range(exposures):
        for k in range(rises):
            top = max(top, logs[m, k])
    least = 1e-12
    log_least = np.log(least)
    roots = np.empty(values)
    for g in range(values):
        roots[g] = np.exp(log_values[g] / power)
    for m in range(exposures):
        for g in range(values):
            out[m, g] = 0.0
        for k in range(rises):
            if logs[m, k] < top - 16:
                continue
            mean, std = sign * means[m, k], stds[m, k]
            precision = 1 / std
            weight = np.exp(logs[m, k] - top) * precision
            factor = np.exp((slope * np.log(rises_s[k]) - offset) / power)
            # Amplitudes beyond 6 standard deviations count for nothing.
            first, above = 0, values
            while first < above:
                middle = (first + above) // 2
                if roots[middle] * factor - mean > -6 * std:
                    above = middle
                else:
                    first = middle + 1
            for g in range(first, values):
                z = (roots[g] * factor - mean) * precision
                if not z < 6:
                    break
                out[m, g] += weight * np.exp(-z * z / 2)
        for g in range(values):
            out[m, g] = np.log(out[m, g] + least) if out[m, g] > 0 else log_least


def weigh_products(
    fit: StepFit, sign: float, log_values: ArrayLike, amplitudes: int, velocities: int
) -> Float64Array:
    """Compute the log likelihood of a step's amplitude, peak velocity, or their product.

    Parameters
    ----------
    fit : StepFit
        The fitted step, with L exposures.
    sign : {1.0, -1.0}
        Direction of the step: the sign of its amplitude.
    log_values : array_like, shape (G,), float64
        Logarithms of the values to try, in ascending order: of an amplitude in the unit of the
        gaze, of a velocity in that unit a second, or of their product.
    amplitudes, velocities : int
        Exponents of the amplitude and of the peak velocity in the product: 1 and 0, 0 and 1, or 1
        and 1.

    Returns
    -------
    ndarray, shape (L, G), float64
        Log likelihood of each value under each exposure, up to one constant for all, for
        `pool_events`. Amplitudes of the other sign count as impossible.
    """
    grid = np.ascontiguousarray(log_values, dtype=np.float64)
    out = np.empty((len(fit.log_likelihood), grid.size))
    _weigh_powers(
        *(
            require(one, np.float64)
            for one in (fit.log_likelihood, fit.amplitude, fit.amplitude_std)
        ),
        sign,
        RISE_MS / 1000,
        grid,
        float(amplitudes + velocities),
        float(velocities),
        velocities * float(np.log(PEAK_TIMES_RISE)),
        out,
    )
    return out
