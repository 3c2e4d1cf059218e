"""Square-wave jerks: small pairs of opposite horizontal steps that interrupt a fixation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._arguments import as_kept, as_times
from kernels._jit import kernel
from kernels.flanks import raised_step
from kernels.measures import median_finite
from kernels.quantiles import take_quantiles
from kernels.uncertainty import MAD_TO_STD

HELD_S = (0.15, 0.45)
"""Least and longest time from the first step of a jerk to the second one."""
WINDOW_S = 0.15
"""Length of the windows whose means are compared: neighbours for the noise floor, and the two
before and after a jerk."""
FLOORS = 3.0
"""A jerk is visible from this many noise floors on."""
STEP_S = 0.045
"""How long a step takes: a healthy saccade of 1 to 5 degrees takes 0.040 to 0.048 s."""
MEMORY_S = 0.1
"""The noise in a sample is predicted from the samples of this time before it."""
STRIDE_S = 0.02
"""The fit tries several times between a jerk's two steps. They are this far apart, or one sampling
interval if that is longer."""
LEAST_SCORE = 4.3
"""Least amplitude of a jerk over its standard error.

A minute holds thousands of pairs of moments at which two steps could lie, so a lower limit would
let noise pass. With this one, the noise of resting eyes passes once or twice in two minutes.
"""
SENSITIVITY_SCORE = 2.33
"""A jerk is visible if the score of its true amplitude exceeds `LEAST_SCORE` by this much.

If noise were the only error, 99 % of such jerks would be found. At 30 samples a second, 95 % are:
the steps begin between two samples, and the noise of a short fixation is not well known.
"""
LEAST_VISIBLE_SHARE = 0.62
"""Least measured amplitude, divided by the smallest visible one: smaller jerks may be noise.

Some of those that count are noise, too. With 0.75, hardly any would be; but two in five jerks of
people with PSP, most of which are as small, would be lost (docs/saccades.md).
"""
ECHO_SHARE = 0.3
"""A jerk is left out if it is smaller than this share of a jerk beside it: it is then only what the
fit of the larger one did not explain."""
MAX_NET_SHARE = 0.9
"""Largest displacement from before a jerk to after it, over the jerk's amplitude. A jerk that is
fitted to a single step has about 2."""
MIN_HALF_SHARE = 0.25
"""Least displacement in each half of the time between the steps, over the amplitude. It tells a
jerk from an outlier that lasts for a frame or two."""
MAX_FIXATION_GAP_S = 0.11
"""Longest time between neighbouring samples of one run: of 30 a second, two may be missing. At low
rates, it is 1.5 sampling intervals."""
OUTLIER_FACTOR = 8.0
"""A sample is an outlier if it is this many times as far from its neighbours as is usual."""
DOUBTFUL_SCORES = (4.3, 3.5, 3.5)
"""Scores from which a pair of steps may be a jerk, one for each round of the search.

The noise is estimated without the jerks of the round before: a jerk that stays in makes the noise
look larger, and so hides other jerks.
"""

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Jerks:
    """Square-wave jerks: M of them, in order of time.

    A jerk is a horizontal step of the gaze, and shortly after it a step back.

    Attributes
    ----------
    interval : ndarray, shape (M, 2), int64
        Indices of the samples at which the first and the second step begin.
    amplitude : ndarray, shape (M,), float64
        Size of the steps in the unit of the gaze; positive where the first step goes in the
        positive direction.
    noise_floor : float
        Noise of the gaze, in its unit: the standard deviation, away from the jerks, of the
        difference between the means over two neighbouring windows of `WINDOW_S` seconds. NaN if no
        run of samples without a gap is long enough for a jerk.
    visible : float
        True amplitude, in the unit of the gaze, from which on 95 % of the jerks are found. It is
        `FLOORS` noise floors, or ``LEAST_SCORE + SENSITIVITY_SCORE`` times the standard error of
        an amplitude if that is larger. NaN like the noise floor.
    searched_s : float
        Seconds in which a jerk could begin and be seen whole; 0 if no run is long enough.
    """

    interval: Int64Array
    amplitude: Float64Array
    noise_floor: float
    visible: float
    searched_s: float


@kernel("void(f8[::1], i8[:,::1], f8[::1], f8[::1])")
def _autocovariance(values, runs, centred, out):
    """Fill centred (N,) with values minus the mean of their run, and out (P,) with covariances.

    values (N,) are equally spaced in time. runs (M, 2) are samples [start, stop); what is in no run
    is left as it is in centred. out[lag] is the product of two centred samples that are lag samples
    apart in one run, averaged over all such pairs of all runs; 0 if there are none.
    """
    out[:] = 0.0
    counts = np.zeros(out.size)
    for m in range(runs.shape[0]):
        start, stop = runs[m, 0], runs[m, 1]
        mean = 0.0
        for n in range(start, stop):
            mean += values[n]
        mean /= stop - start
        for n in range(start, stop):
            centred[n] = values[n] - mean
        for n in range(start, stop):
            for lag in range(min(out.size, n - start + 1)):
                out[lag] += centred[n] * centred[n - lag]
                counts[lag] += 1
    for lag in range(out.size):
        out[lag] = out[lag] / counts[lag] if counts[lag] > 0 else 0.0


@kernel("void(f8[::1], f8[::1])")
def _predict(covariance, weights):
    """Fill weights (P,) with those that best predict a sample from the P samples before it.

    The prediction is the sum of weights[k] times the sample k + 1 before. covariance (P + 1,) is
    the noise's, from `_autocovariance`; without noise, all weights are 0. The method is the
    recursion of Levinson and Durbin.
    """
    weights[:] = 0.0
    # A little white noise keeps the prediction stable.
    error = covariance[0] * (1 + 1e-9)
    before = np.zeros(weights.size)
    for order in range(weights.size):
        if not error > 0:
            return
        rest = covariance[order + 1]
        for k in range(order):
            rest -= weights[k] * covariance[order - k]
        reflection = rest / error
        for k in range(order):
            before[k] = weights[k]
        for k in range(order):
            weights[k] = before[k] - reflection * before[order - 1 - k]
        weights[order] = reflection
        error *= 1 - reflection * reflection


@kernel("void(f8[::1], i8[:,::1], f8[::1], f8[::1])")
def _whiten(values, runs, weights, out):
    """Fill out (N,) with values minus their prediction: noise is then uncorrelated in time.

    The prediction is the sum of weights[k] times the sample k + 1 before; weights (P,) come from
    `_predict`. runs (M, 2) are samples [start, stop). NaN in the first P samples of each run, which
    cannot be predicted, and outside the runs.
    """
    out[:] = np.nan
    for m in range(runs.shape[0]):
        for n in range(runs[m, 0] + weights.size, runs[m, 1]):
            rest = values[n]
            for k in range(weights.size):
                rest -= weights[k] * values[n - 1 - k]
            out[n] = rest


@kernel("void(f8[:,::1], f8[::1], f8[:,::1])")
def _whiten_steps(steps, weights, out):
    """Fill out (phases, L) with steps minus their prediction, as `_whiten` does with the gaze.

    steps (phases, L) are L samples of a step of size 1; each row begins at another moment between
    two samples, and is 0 before its first sample. The prediction is the sum of weights[k] times the
    sample k + 1 before; weights (P,) come from `_predict`.
    """
    for p in range(steps.shape[0]):
        for n in range(steps.shape[1]):
            rest = steps[p, n]
            for k in range(min(weights.size, n)):
                rest -= weights[k] * steps[p, n - 1 - k]
            out[p, n] = rest


@kernel("void(f8[::1], i8[:,::1], f8[:,::1], f8, i8[::1], f8[:,::1], i8[::1], f8[:,::1], f8[::1])")
def _match(white, runs, edges, rest, spans, found, held, correlated, summed):
    """Fit a jerk that begins at each sample: fill found (3, N) and held (N,).

    found[0] is the amplitude of the best fit, in the unit of the gaze. found[1] is its score: the
    amplitude over its standard error, with the amplitude's sign. found[2] is the score of the
    shortest jerk that is tried. held is the number of samples between the two steps of the best
    fit; 0 where no jerk can begin.

    white (N,) is the whitened gaze (`_whiten`); the standard deviation of its noise is 1. runs
    (M, 2) are its samples [start, stop) without gaps. edges (phases, L) are whitened steps that
    begin at different moments between two samples; they end at the value rest. Both are in standard
    deviations of the noise for a step of size 1. spans (5,) are numbers of samples: the least and
    the largest held; the difference between two that are tried; the margin before and after a jerk,
    which must lie in the jerk's run; and how many samples right before a jerk are surely whitened.
    correlated (phases, N) and summed (N + 1,) are working memory.
    """
    fewest, most, stride, margin, lead = spans
    found[:], held[:] = 0.0, 0
    length = edges.shape[1]
    # A jerk that lasts for d samples is a step minus the same step d samples later.
    shape = (edges.shape[0], edges.shape[0], most + 1)
    energy, total, mean = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for p in range(edges.shape[0]):
        for q in range(edges.shape[0]):
            for d in range(fewest, most + 1):
                for n in range(d + length):
                    up = edges[p, n] if n < length else rest
                    down = 0.0
                    if n >= d:
                        down = edges[q, n - d] if n - d < length else rest
                    energy[p, q, d] += (up - down) ** 2
                    total[p, q, d] += up - down
                # The level of the eyes is not known, so the mean of a jerk is no evidence for it.
                mean[p, q, d] = total[p, q, d] / (lead + d + margin)
                energy[p, q, d] -= mean[p, q, d] * total[p, q, d]
    scale = 1 / np.sqrt(np.maximum(energy, 1e-300))
    for m in range(runs.shape[0]):
        start, stop = runs[m, 0], runs[m, 1]
        summed[start] = 0.0
        for n in range(start, stop):
            summed[n + 1] = summed[n] + (0.0 if np.isnan(white[n]) else white[n])
        for p in range(edges.shape[0]):
            for n in range(start, stop - length + 1):
                correlated[p, n] = 0.0
                for k in range(length):
                    if not np.isnan(white[n + k]):
                        correlated[p, n] += (edges[p, k] - rest) * white[n + k]
        for n in range(start + margin, stop - margin):
            for d in range(fewest, most + 1, stride):
                if n + d + margin >= stop or n + d + length > stop:
                    break
                plateau = rest * (summed[n + d] - summed[n])
                around = summed[n + d + margin] - summed[n - lead]
                for p in range(edges.shape[0]):
                    for q in range(edges.shape[0]):
                        fit = correlated[p, n] - correlated[q, n + d] + plateau
                        fit -= mean[p, q, d] * around
                        score = fit * scale[p, q, d]
                        if d == fewest and p + q == 0:
                            found[2, n] = score
                        if np.abs(score) > np.abs(found[1, n]):
                            found[0, n], found[1, n] = score * scale[p, q, d], score
                            held[n] = d


@kernel("f8(f8[::1], i8, i8)")
def _mean(values, start, stop):
    total = 0.0
    for n in range(start, stop):
        total += values[n]
    return total / max(stop - start, 1)


@kernel("i8(f8[::1], f8[:,::1], i8[::1], i8[::1], i8[::1], f8[::1], i8[::1])")
def _choose(values, found, held, order, spans, shares, chosen):
    """Fill chosen (C,) with the samples at which jerks begin, the clearest first; return how many.

    values (N,) are the gaze. found (3, N) and held (N,) come from `_match`: the jerk that fits best
    at each sample, and how many samples it lasts. A jerk is not chosen if the gaze does not come
    back to within shares[0] of its amplitude, or if its mean over one half of the jerk is less than
    shares[1] of the amplitude from that around the jerk. held is set to 0 for jerks that overlap a
    chosen one, or that are close to it and have less than shares[2] of its amplitude. order (C,)
    are the samples to choose from, the clearest first. spans (3,) are, in samples, the longest
    jerk, the margin before and after a jerk, and the time of a step.
    """
    most, margin, turn = spans
    count = 0
    for best in order:
        if held[best] == 0:
            continue
        amplitude, last = found[0, best], best + held[best]
        before = _mean(values, best - margin, best)
        after = _mean(values, last + turn, last + margin)
        middle = (best + turn + last) // 2
        usual = (before + after) / 2
        first_half = _mean(values, best + turn, max(middle, best + turn + 1)) - usual
        second_half = _mean(values, min(middle, last - 1), last) - usual
        if (
            np.abs(after - before) > shares[0] * np.abs(amplitude)
            or first_half / amplitude < shares[1]
            or second_half / amplitude < shares[1]
        ):
            continue
        chosen[count] = best
        count += 1
        for n in range(max(0, best - 2 * most), min(held.size, last + most)):
            # What overlaps it shows the same steps.
            overlaps = n + held[n] + turn >= best and n <= last + turn
            echo = np.abs(found[0, n]) < shares[2] * np.abs(amplitude)
            if n != best and (overlaps or echo):
                held[n] = 0
    return count


@kernel("i8(f8[::1], i8[:,::1], i8, f8[::1])")
def _window_differences(values, runs, width, out):
    """Fill out (N,) from its start with differences of neighbouring means; return how many.

    Each is the mean of width samples minus the mean of the width samples before them. There is one
    for each place in values (N,) at which both windows lie in one of the runs (M, 2), samples
    [start, stop). A run shorter than twice the width gives none.
    """
    count = 0
    for m in range(runs.shape[0]):
        start, stop = runs[m, 0], runs[m, 1]
        if stop - start < 2 * width:
            continue
        before = _mean(values, start, start + width) * width
        after = _mean(values, start + width, start + 2 * width) * width
        for n in range(start + width, stop - width + 1):
            out[count] = (after - before) / width
            count += 1
            if n + width < stop:
                before += values[n] - values[n - width]
                after += values[n + width] - values[n]
    return count


def detect_jerks(
    values: ArrayLike, keep: ArrayLike, times_s: ArrayLike, interval_s: float
) -> Jerks:
    """Detect square-wave jerks in fixations.

    Parameters
    ----------
    values : array_like, shape (N,), float64
        Horizontal gaze in any unit, which is then that of the amplitudes; NaN = missing.
    keep : array_like, shape (N,), bool
        True for the samples to use: those of fixations, in which the gaze is seen.
    times_s : array_like, shape (N,), float64
        Presentation times in seconds, strictly increasing.
    interval_s : float
        Median time in seconds between samples.

    Returns
    -------
    Jerks
        The jerks that stand out of the noise, with an amplitude of `LEAST_VISIBLE_SHARE` times
        `visible` or more; none if `interval_s` is not above 0 (or NaN). The two steps of a jerk
        begin `HELD_S` (least and longest time in seconds) apart, and the second one ends near where
        the first one began.

    Raises
    ------
    ValueError
        Shapes differ, or `times_s` is not strictly increasing.

    Notes
    -----
    The noise of landmarks is correlated in time, so a sudden step stands out of it more than its
    size tells. A matched filter uses that: samples and jerk are whitened with the noise's own
    correlation over `MEMORY_S` seconds, and the jerk is fitted by least squares at each sample and
    for each time between its steps. This is repeated (`DOUBTFUL_SCORES`): each time, the noise is
    estimated anew, without the jerks that were found before.
    """
    series, kept = as_kept(values, keep)
    times = as_times(times_s, series.size, "values")
    kept = kept & np.isfinite(series)
    if not (interval_s > 0 and kept.any()):
        return Jerks(np.empty((0, 2), np.int64), np.empty(0), np.nan, np.nan, 0.0)
    origin = np.flatnonzero(kept)
    series, runs = _resample(series[origin], times[origin], interval_s)
    width = max(1, round(WINDOW_S / interval_s))
    runs = runs[runs[:, 1] - runs[:, 0] >= 2 * width + round(HELD_S[0] / interval_s)].copy()
    if not len(runs):
        return Jerks(runs, np.empty(0), np.nan, np.nan, 0.0)
    search = _Search(_remove_outliers(series, runs), runs, interval_s, width)
    jerks, amplitude = np.empty((0, 2), np.int64), np.empty(0)
    quiet = search.find_quiet(jerks)
    for score in DOUBTFUL_SCORES:
        doubtful, _, _ = search.find(quiet, score)
        quiet = search.find_quiet(doubtful)
    jerks, amplitude, error = search.find(quiet, LEAST_SCORE)
    quiet = search.find_quiet(jerks)
    differences = np.empty(series.size)
    count = _window_differences(series, quiet, width, differences)
    floor = float(np.std(differences[:count]))
    visible = max(FLOORS * floor, (LEAST_SCORE + SENSITIVITY_SCORE) * error)
    lost_s = 2 * width * interval_s + sum(HELD_S) / 2
    searched_s = np.maximum((runs[:, 1] - runs[:, 0]) * interval_s - lost_s, 0.0).sum()
    order = np.argsort(jerks[:, 0])
    order = order[np.abs(amplitude[order]) >= LEAST_VISIBLE_SHARE * visible]
    # Find the sample that comes next after each place on the grid.
    begun_s = times[origin[0]] + jerks[order] * interval_s
    after = np.searchsorted(times[origin], begun_s - interval_s / 2)
    interval = origin[np.minimum(after, origin.size - 1)]
    return Jerks(interval, amplitude[order], floor, visible, float(searched_s))


def _resample(
    values: Float64Array, times_s: Float64Array, interval_s: float
) -> tuple[Float64Array, Int64Array]:
    """Return the values at equally spaced times, and the runs of these without gaps.

    Cameras drop frames, and their clocks jitter, but the search for jerks needs equal spacing.
    values and times_s are (N,), without NaN. The new times (G,) begin at times_s[0] and are
    interval_s apart; the values at them, shape (G,), are interpolated linearly. The runs (M, 2) are
    indices [start, stop) of the new times. Between two runs lies a gap: a time between two samples
    of more than `MAX_FIXATION_GAP_S` and more than 1.5 interval_s.
    """
    size = 1 + round((times_s[-1] - times_s[0]) / interval_s)
    grid_s = times_s[0] + interval_s * np.arange(size)
    gaps = np.flatnonzero(np.diff(times_s) > max(MAX_FIXATION_GAP_S, 1.5 * interval_s))
    places = np.round((times_s - times_s[0]) / interval_s).astype(np.int64)
    starts = np.concatenate((places[:1], places[gaps + 1]))
    stops = np.concatenate((places[gaps], places[-1:])) + 1
    return np.interp(grid_s, times_s, values), np.column_stack((starts, stops))


def _remove_outliers(series: Float64Array, runs: Int64Array) -> Float64Array:
    """Return the series (N,) without outliers that last for one sample: landmarks that jump.

    An outlier becomes the median of the sample and its two neighbours. It is an outlier if it is
    more than `OUTLIER_FACTOR` times as far from that median as is usual (the median of all such
    distances above 0). Steps stay as they are, and so do the first and the last sample of each of
    the runs (M, 2), [start, stop).
    """
    before, here, after = series[:-2], series[1:-1], series[2:]
    low, high = np.minimum(before, here), np.maximum(before, here)
    middle = series.copy()
    middle[1:-1] = np.maximum(low, np.minimum(high, after))
    for ends in (runs[:, 0], runs[:, 1] - 1):
        middle[ends] = series[ends]
    apart = np.abs(series - middle)
    usual = median_finite(apart[apart > 0])
    return np.where(apart > OUTLIER_FACTOR * usual, middle, series)


class _Search:
    """Finds square-wave jerks in a series of equally spaced samples.

    series (N,) is the horizontal gaze, interval_s apart in time. runs (M, 2) are its samples
    [start, stop) without gaps, in which jerks are looked for. width is the length of the windows
    whose means are compared (`WINDOW_S`), in samples.
    """

    def __init__(
        self, series: Float64Array, runs: Int64Array, interval_s: float, width: int
    ) -> None:
        self._series, self._runs = series, runs
        self._interval_s, self._width = interval_s, width
        self._fewest = int(np.ceil(HELD_S[0] / interval_s - 0.5))
        self._most = int(np.floor(HELD_S[1] / interval_s + 0.5))
        self._stride = max(1, int(STRIDE_S / interval_s))
        self._turn = int(np.ceil((STEP_S + interval_s / 2) / interval_s))

    def find_quiet(self, jerks: Int64Array) -> Int64Array:
        """Return the runs without these jerks, shape (R, 2); all runs if nothing would be left.

        jerks (M, 2) are the samples at which the two steps of each begin; a jerk lasts until the
        second step ends. What is left of a run between jerks is a run of its own, [start, stop), if
        it is at least two windows long.
        """
        if not len(jerks):
            return self._runs
        ends = [(start, stop + self._turn) for start, stop in jerks.tolist()]
        quiet = []
        for start, stop in self._runs.tolist():
            for first, last in sorted(ends):
                if start < last and first < stop:
                    quiet.append((start, first))
                    start = last
            quiet.append((start, stop))
        runs = np.array([run for run in quiet if run[1] - run[0] >= 2 * self._width], np.int64)
        return runs if len(runs) else self._runs

    def find(self, quiet: Int64Array, least_score: float) -> tuple[Int64Array, Float64Array, float]:
        """Return jerks (M, 2), their amplitudes (M,), and the standard error of an amplitude.

        A jerk is the two samples at which its steps begin; the clearest jerk comes first. The jerks
        are those whose amplitude is at least `least_score` times its standard error. The noise is
        estimated in the runs `quiet` (R, 2), [start, stop), which are taken to hold no jerks;
        without noise, no jerks are returned, and the error is 0.
        """
        memory = max(2, round(MEMORY_S / self._interval_s))
        size = self._series.size
        centred, white = np.zeros(size), np.empty(size)
        covariance, weights = np.empty(memory + 1), np.empty(memory)
        _autocovariance(self._series, quiet, centred, covariance)
        _predict(covariance, weights)
        _whiten(centred, quiet, weights, white)
        seen = np.isfinite(white)
        noise = MAD_TO_STD * float(take_quantiles(np.abs(white), seen, (0.5,))[1][0])
        if not noise > 0:
            return np.empty((0, 2), np.int64), np.empty(0), 0.0
        _autocovariance(self._series, self._runs, centred, covariance)
        _whiten(centred, self._runs, weights, white)
        # The more often a step is sampled, the less it matters when between two samples it begins.
        length = self._turn + memory + 1
        phases = (0.0, 0.5) if self._interval_s > STEP_S / 2 else (0.0,)
        steps = np.array(
            [
                [
                    raised_step((n + phase) * self._interval_s, STEP_S, self._interval_s / 2)
                    for n in range(length)
                ]
                for phase in phases
            ]
        )
        edges = np.empty((len(phases), length))
        _whiten_steps(steps, weights, edges)
        # The first samples of a run cannot be whitened: too few samples come before them.
        margin = max(self._width, length)
        lead = margin - memory
        found, held = np.empty((3, size)), np.empty(size, np.int64)
        _match(
            white / noise,
            self._runs,
            edges / noise,
            float(1 - weights.sum()) / noise,
            np.array((self._fewest, self._most, self._stride, margin, lead)),
            found,
            held,
            np.empty((len(phases), size)),
            np.empty(size + 1),
        )
        typical = held > 0
        # Noise that the prediction does not describe spreads the scores by more than 1.
        spread = MAD_TO_STD * median_finite(np.abs(found[2, typical]))
        scores = np.abs(found[1]) / max(spread, 1.0)
        error = median_finite(np.abs(found[0, typical]) / scores[typical])
        clear = np.flatnonzero(scores >= least_score)
        chosen = np.empty(clear.size, np.int64)
        count = _choose(
            self._series,
            found,
            held,
            clear[np.argsort(-scores[clear], kind="stable")],
            np.array((self._most, self._width, self._turn)),
            np.array((MAX_NET_SHARE, MIN_HALF_SHARE, ECHO_SHARE)),
            chosen,
        )
        starts = chosen[:count]
        jerks = np.column_stack((starts, starts + held[starts]))
        return jerks, found[0, starts], error
