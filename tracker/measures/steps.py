"""Steps of the gaze, which are saccades: find those that count, and fit each of them.

A fit says how far, how fast and when the eyes moved. `tracker.measures.saccades` pools the fits.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kernels import saccades
from kernels.measures import median_finite
from kernels.saccades import RISE_MS, OffsetNoise, StepFit, estimate_offset_noise, find_steps
from kernels.uncertainty import MAD_TO_STD
from tracker.protocol import Phase

MOST_STEPS = 20
"""Most steps that are fitted, the first ones. More make the interval hardly narrower."""
MAIN_SHARE = 0.5
"""A step counts if it has this share of the size of the large ones (the third quartile) or more.
Smaller ones are corrections, which follow a saccade that fell short."""
OBLIQUE = 0.4
"""A vertical step is at least this share of the horizontal step at the same time, in eye widths.
A sixth of a horizontal movement shows in the vertical offset, and landmarks show vertical movements
half as large as horizontal ones."""
FLANK_S = 0.1
"""The eyes are seen at rest for at least this time before a step and after it."""
WINDOW_S = 0.2
"""Samples of this time before and after a step are fitted, besides the step's own."""
MOST_MISFIT = 3.0
"""Mean squared residual, over that of the noise, above which a step is not a single one."""
MOST_GROWTH = 5.0
"""A step is not a single one if its fitted amplitude is a larger multiple of what is seen."""
MOST_MEAN_MISFIT = 1.3
"""If the mean of this over all steps is larger, landmarks do not follow the eyes steadily. 95 % of
simulated recordings are below it, and so are rendered clips in which the landmarks follow."""
LEAST_MISFIT = 0.7
"""Better fits than this do not mean less noise: slow noise shows little in so short a time."""
PRIOR_COUNT = 20
"""The noise that the whole recording shows counts like this many samples around the steps."""
READOUT_S = 0.02
"""Longest time in which a phone's sensor reads the rows of a frame, one after another; not longer
than the time between two frames. The eyes are taken to be read after a third of it."""
SHAPE_ERROR = 0.02
"""How far a real step is from the fitted shape, as a share of its amplitude."""
SETTLING, SETTLING_S = 0.07, 0.1
"""Landmarks settle after a step: they creep or swing for some frames, as the face's region follows
them and the video's compression catches up. Standard deviation as a share of the amplitude, and
correlation time, as found in real glances."""
RUSH = (0.3, 0.6)
"""In the frame in which the eyes move, landmarks are ahead of where they will settle, or behind:
mean and standard deviation as shares of the movement since the frame before, as found in rendered
clips. The face's region, in which landmarks are found, follows them one frame late."""
ONE_PERSON_SPREAD = 0.15
"""Spread of the 10-90 % times of one person's steps, as a part of them."""
LEAST_NOISE = 1e-5
LEAST_UNSURE_S = 0.001
"""Least standard deviation of a step's onset: moments are tried this far apart, or further."""
HIDDEN_S = 0.1
"""A gap in the gaze of this time or more may hide a step."""
NO_FAULTS = ("small", "oblique", "enough", "no_noise")
"""Reasons to leave a step out that do not explain why too few steps are left."""

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the gaze that could be fitted.

    Attributes
    ----------
    centre_s : float
        Roughly its middle, in seconds on the clock of `Camera.times_s`.
    rise : float
        Roughly its amplitude in eye widths; down and the subject's left are positive.
    window : slice
        Indices of the frames that were fitted.
    fit : StepFit
        What the fit says of amplitude, duration and beginning.
    """

    centre_s: float
    rise: float
    window: slice
    fit: StepFit

    @property
    def sign(self) -> float:
        """1 for steps down or to the subject's left, -1 for others."""
        return math.copysign(1.0, self.rise)

    @property
    def is_single(self) -> bool:
        """Whether the misfit is small, and the amplitude at most `MOST_GROWTH` times `rise`."""
        best = int(np.argmax(self.fit.log_likelihood))
        growth = float(self.fit.amplitude.reshape(-1)[best]) / self.rise
        return self.fit.misfit <= MOST_MISFIT and 0 < growth <= MOST_GROWTH

    def find_onset(self, typical_ms: float) -> tuple[float, float]:
        """Return when the eyes begin to move, in seconds, and the standard deviation of its error.

        It is a mean over the fits of each exposure and 10-90 % time, weighted by their likelihood.
        A single step often leaves open whether it began early and was slow, or late and fast. So a
        fit's weight also depends on how near its 10-90 % time is to the person's typical one,
        `typical_ms`, unless that is NaN (not known).
        """
        chances = self._weigh(typical_ms)
        onset_s = float((chances * self.fit.onset_s).sum())
        spread = self.fit.onset_std_s**2 + (self.fit.onset_s - onset_s) ** 2
        return onset_s, math.sqrt(float((chances * spread).sum()))

    def find_time_ms(self, typical_ms: float) -> float:
        """Return the 10-90 % time in milliseconds: the mean over the fits, as in `find_onset`."""
        return float((self._weigh(typical_ms) * RISE_MS).sum())

    def _weigh(self, typical_ms: float) -> Float64Array:
        """Return the weights of `find_onset`, for L exposures and K 10-90 % times: sum 1."""
        logs = self.fit.log_likelihood
        if not math.isnan(typical_ms):
            logs = logs - (np.log(RISE_MS / typical_ms) / ONE_PERSON_SPREAD) ** 2 / 2
        chances = np.exp(logs - logs.max())
        return np.asarray(chances / chances.sum())


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A step of the gaze that does not count.

    Attributes
    ----------
    centre_s : float
        Roughly its middle, in seconds; of a hidden step, the middle of the gap.
    rise : float
        Roughly its amplitude in eye widths; down and the subject's left are positive.
    reason : str
        Why it does not count: ``hidden`` by a closure of the lids or another gap of the gaze;
        ``crowded``: too close to another step; ``unsteady``: the landmarks do not follow the eyes
        steadily in this recording; ``not_single``: no fit has its shape; ``small``: below
        `MAIN_SHARE` of the large ones; ``oblique``: mostly a step at right angles; ``enough``:
        `MOST_STEPS` are fitted already; ``no_noise``: the recording does not show its noise;
        ``not_followed``: the landmarks do not follow the eyes (`tracker.measures.following`).
    """

    centre_s: float
    rise: float
    reason: str


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one gaze offset (vertical or horizontal), and why others do not count.

    Attributes
    ----------
    steps : tuple of Step
        The steps that were fitted and count, in order of time.
    left_out : tuple of LeftOut
        Steps that do not count, with the reason of each, in no order of time.
    found : kernels.saccades.Steps
        All candidates of the offset, also those outside of the phases in which steps count.
    """

    steps: tuple[Step, ...]
    left_out: tuple[LeftOut, ...]
    found: saccades.Steps

    def one_way(self, sign: float) -> "Steps":
        """Return the steps in one direction only; `left_out` and `found` stay those of both.

        `sign` is 1.0 for steps down or to the subject's left, and -1.0 for steps up or right.
        """
        return replace(self, steps=tuple(step for step in self.steps if step.sign == sign))

    def find_reason(self, least: int) -> str | None:
        """Return why there are fewer than `least` steps; None if there are as many or more.

        Faults are the steps left out for other reasons than `NO_FAULTS`; if some are ``unsteady``,
        only these. Return ``no_steps`` if there are neither steps nor faults, ``too_few_steps`` if
        both together are fewer than `least`, else the most frequent reason of the faults.
        """
        if len(self.steps) >= least:
            return None
        faults = Counter(one.reason for one in self.left_out if one.reason not in NO_FAULTS)
        if "unsteady" in faults:  # It concerns the whole recording.
            faults = Counter(unsteady=faults["unsteady"])
        if not self.steps and not faults:
            return "no_steps"
        if len(self.steps) + faults.total() < least:
            return "too_few_steps"
        return faults.most_common(1)[0][0]


@dataclass(frozen=True, slots=True)
class Camera:
    """When the frames were exposed, as far as it is known.

    Attributes
    ----------
    times_s : ndarray, shape (N,), float64
        When the exposure of the eyes begins in each frame, in seconds from the first frame: a
        little after the frame's own time, because a phone reads a frame row by row.
    interval_s : float
        Median time in seconds between frames; NaN if it is not known.
    exposures_s : ndarray, shape (L,), float64
        For how long a frame may be exposed, in seconds: one to three values to try.
    """

    times_s: Float64Array
    interval_s: float
    exposures_s: Float64Array

    @classmethod
    def of(cls, times_s: Float64Array, interval_s: float) -> "Camera":
        """Return what is known of the camera from its frames' times (N,) and their median spacing.

        Both are in seconds. If `interval_s` is not known (NaN), neither are the exposures.
        """
        shares = [0.5]
        if interval_s > 1 / 100:
            shares = [0.3, 0.8] if interval_s < 1 / 45 else [0.15, 0.5, 0.95]
        late_s = min(READOUT_S, interval_s) / 3
        return cls(times_s + late_s, interval_s, interval_s * np.array(shares))


def fit_steps(
    offset: Float64Array,
    other: Float64Array,
    least_share: float,
    valid: BoolArray,
    camera: Camera,
    phases: Sequence[Phase],
) -> Steps:
    """Find and fit the steps of an offset that count.

    Parameters
    ----------
    offset, other : ndarray, shape (N,), float64
        The gaze offset in question, and the one at right angles to it, in eye widths.
    least_share : float
        A step only counts if it is at least this share of the change of `other` at the same time.
    valid : ndarray, shape (N,), bool
        Frames that count for the gaze.
    camera : Camera
        When these frames were exposed.
    phases : sequence of Phase
        Only steps whose middle lies in one of them count; if there are no phases, all do.

    Returns
    -------
    Steps
        Its `steps` are among the first `MOST_STEPS` that could be fitted. There are none if the
        landmarks follow the eyes so unevenly (``unsteady``) that no fit can be trusted.
    """
    found = find_steps(offset, valid, camera.times_s, camera.interval_s)
    noise = estimate_offset_noise(offset, valid, camera.times_s, camera.interval_s, found)
    candidates = [
        index
        for index, at_s in enumerate(found.centre_s.tolist())
        if not phases or any(phase.start_s <= at_s < phase.end_s for phase in phases)
    ]
    windows: dict[int, slice] = {}
    reasons = dict.fromkeys(candidates, "no_noise")
    if not math.isnan(noise.jitter):
        windows, reasons = _choose_steps(
            found, candidates, offset, other, least_share, valid, camera
        )
    fitted = {
        index: _fit(found.centre_s[index], found.rise[index], window, offset, noise, camera)
        for index, window in windows.items()
    }
    misfits = [min(step.fit.misfit, MOST_MISFIT) for step in fitted.values()]
    if misfits and float(np.mean(misfits)) > MOST_MEAN_MISFIT:
        reasons |= dict.fromkeys(fitted, "unsteady")
    else:
        many = [index for index, step in fitted.items() if not step.is_single]
        reasons |= dict.fromkeys(many, "not_single")
    left_out = _find_hidden(found, offset, valid, camera, phases)
    for index, reason in reasons.items():
        left_out.append(LeftOut(float(found.centre_s[index]), float(found.rise[index]), reason))
    steps = tuple(step for index, step in fitted.items() if index not in reasons)
    return _temper(Steps(steps, tuple(left_out), found))


def _choose_steps(
    found: saccades.Steps,
    candidates: list[int],
    offset: Float64Array,
    other: Float64Array,
    least_share: float,
    valid: BoolArray,
    camera: Camera,
) -> tuple[dict[int, slice], dict[int, str]]:
    """Return the frames around each step to fit, and why others of `candidates` are left out.

    Both are by the step's index in `found`; `candidates` are such indices. offset (N,) is the gaze
    offset, and other (N,) the one at right angles to it, of which a step must be at least
    `least_share`; valid (N,) marks the frames that count for the gaze.
    """
    rises = np.abs(found.rise)
    least = MAIN_SHARE * np.quantile(rises[candidates], 0.75) if candidates else 0.0
    windows: dict[int, slice] = {}
    reasons: dict[int, str] = {}
    for index in candidates:
        window, reason = slice(0), "small" if rises[index] < least else None
        if reason is None and len(windows) == MOST_STEPS:
            reason = "enough"
        if reason is None:
            window, reason = _choose_window(found.centre_s, index, offset, valid, camera)
        if reason is None and _is_oblique(index, found, other, valid, camera, least_share):
            reason = "oblique"
        if reason is None:
            windows[index] = window
        else:
            reasons[index] = reason
    return windows, reasons


def _roughen(noise: OffsetNoise, part: Float64Array) -> OffsetNoise:
    """Return the noise with at least the jitter that the samples around a step show.

    part (P,) are the gaze offsets around the step, NaN = missing; noise is that of the recording.
    Landmarks may swing from frame to frame, because the face's region follows them and they follow
    the region. It shows in how far a sample is from the mean of its neighbours (median, because a
    step that overshoots is no noise), except in the middle third, in which the eyes step.
    """
    bent = part[1:-1] - (part[:-2] + part[2:]) / 2
    third = bent.size // 3
    bends = np.abs(np.concatenate((bent[:third], bent[bent.size - third :])))
    # The bend of white noise has 1.5 times the variance of a sample. NaN is no maximum.
    bend = MAD_TO_STD * median_finite(bends)
    return replace(noise, jitter=max(noise.jitter, bend / math.sqrt(1.5)))


def _find_hidden(
    found: saccades.Steps,
    offset: Float64Array,
    valid: BoolArray,
    camera: Camera,
    phases: Sequence[Phase],
) -> list[LeftOut]:
    """Return the steps that closures of the lids and other gaps of the gaze hide.

    A gap hides a step if the gaze offset (N,) before it differs from that after it by more than
    `found.least_rise`. It lasts `HIDDEN_S` or more, has no step of `found` in it, and reaches into
    one of the phases if there are any. valid (N,) marks the frames that count for the gaze.
    """
    edges = np.flatnonzero(np.diff(valid.astype(np.int8)))
    # Gaps begin after a valid sample and end before one.
    inner = edges[1 if edges.size and not valid[edges[0]] else 0 :]
    reach = max(1, round(FLANK_S / camera.interval_s))
    last = inner[: inner.size // 2 * 2 : 2]
    after = inner[1::2] + 1
    start_s, stop_s = camera.times_s[last], camera.times_s[after]
    # The samples before and after a gap; what goes beyond the recording is left out.
    later = after[:, None] + np.arange(reach)
    before = offset[np.maximum(last[:, None] - np.arange(reach), 0)].mean(axis=1)
    within = later < offset.size
    total = np.where(within, offset[np.minimum(later, offset.size - 1)], 0.0).sum(axis=1)
    moved = total / within.sum(axis=1) - before
    asked = np.full(last.size, not phases)
    for phase in phases:
        asked |= (start_s < phase.end_s) & (phase.start_s < stop_s)
    centres_s = found.centre_s
    known = np.searchsorted(centres_s, stop_s) > np.searchsorted(centres_s, start_s, "right")
    hides = asked & ~known & (stop_s - start_s >= HIDDEN_S) & (last + 1 >= reach)
    hides &= np.abs(moved) > found.least_rise
    middles_s, rises = ((start_s + stop_s) / 2)[hides].tolist(), moved[hides].tolist()
    return [LeftOut(*one, "hidden") for one in zip(middles_s, rises, strict=True)]


def _choose_window(
    centres_s: Float64Array, index: int, offset: Float64Array, valid: BoolArray, camera: Camera
) -> tuple[slice, str | None]:
    """Choose the frames around a step that are fitted: some in rest before it and after it.

    centres_s are the middles of all steps, and index says which of them it is. offset (N,) is the
    gaze offset, and valid (N,) marks the frames that count. Return the frames as a slice, and None.
    If the step cannot be fitted, the slice is empty and the second is the reason: ``hidden`` (the
    gaze is not seen around it) or ``crowded`` (another step is too near).
    """
    times_s, centre_s = camera.times_s, float(centres_s[index])
    lows = [centre_s - 3 * WINDOW_S, *((centres_s[index - 1 : index] + centre_s) / 2)]
    highs = [centre_s + 3 * WINDOW_S, *((centres_s[index + 1 : index + 2] + centre_s) / 2)]
    first, last = np.searchsorted(times_s, (max(lows), min(highs))).tolist()
    middle = int(np.searchsorted(times_s, centre_s)) - first
    part, kept = offset[first:last], valid[first:last]
    reach = max(1, round(FLANK_S / camera.interval_s))
    before, after = kept[: max(middle - reach, 0)], kept[middle + reach :]
    if min(before.sum(), after.sum()) < 2:
        return slice(0), "hidden" if min(before.size, after.size) >= 2 else "crowded"
    start = median_finite(part[: before.size][before])
    stop = median_finite(part[middle + reach :][after])
    share = (part - start) / (stop - start)
    moving = kept & (share > 0.15) & (share < 0.85)
    low = high = min(max(middle, 1), part.size - 1)
    while low > 0 and moving[low - 1]:
        low -= 1
    while high < part.size and moving[high]:
        high += 1
    grown = math.ceil((WINDOW_S + 1.2 * (high - low) * camera.interval_s) / camera.interval_s)
    near = slice(max(low - 2, 0), high + 2)
    gaps_s = np.diff(times_s[first + near.start : first + near.stop])
    if not kept[near].all() or (gaps_s > 1.8 * camera.interval_s).any():
        return slice(0), "hidden"
    flank = max(3, round(FLANK_S / camera.interval_s))
    low, high = max(low - grown, 0), min(high + grown, part.size)
    if min(middle - low, high - middle) < flank:
        return slice(0), "crowded"
    return slice(first + low, first + high), None


def _is_oblique(
    index: int,
    found: saccades.Steps,
    other: Float64Array,
    valid: BoolArray,
    camera: Camera,
    share: float,
) -> bool:
    """Return whether a step is mostly a movement at right angles to it.

    index says which step of `found` it is. other (N,) is the gaze offset at right angles to the
    step's own. The step is oblique if it is less than `share` of the movement of `other` at the
    same time. False if that movement is not seen. valid (N,) marks the frames that count.
    """
    times_s, centre_s = camera.times_s, found.centre_s[index]
    edges_s = centre_s + FLANK_S * np.array((-3, -1, 1, 3))
    low, until, since, high = np.searchsorted(times_s, edges_s).tolist()
    before, after = (other[part][valid[part]] for part in (slice(low, until), slice(since, high)))
    if not (before.size and after.size):
        return False
    moved = abs(float(after.mean() - before.mean()))
    return bool(abs(found.rise[index]) < share * moved)


def _fit(
    centre_s: float,
    rise: float,
    window: slice,
    offset: Float64Array,
    noise: OffsetNoise,
    camera: Camera,
) -> Step:
    # Gaps are no problem: the fit knows the time of each sample.
    part = offset[window]
    seen = np.isfinite(part)
    noise = _roughen(noise, part)
    settling = (SETTLING * rise) ** 2
    slow = math.hypot(noise.slow, SETTLING * rise)
    noise = OffsetNoise(
        jitter=max(math.hypot(noise.jitter, SHAPE_ERROR * rise), LEAST_NOISE),
        slow=slow,
        slow_s=(noise.slow**2 * noise.slow_s + settling * SETTLING_S) / max(slow**2, 1e-12),
    )
    fit = saccades.fit_step(
        part[seen], camera.times_s[window][seen], centre_s, noise, camera.exposures_s,
        (RUSH[0], RUSH[1] * abs(rise)),
    )  # fmt: skip
    # The middle of a long step is less certain than that of a short one. To integrate it out would
    # therefore favour long steps, and the more so the more steps are pooled.
    unsure_s = np.maximum(fit.onset_std_s, LEAST_UNSURE_S)
    fit = replace(fit, log_likelihood=fit.log_likelihood - np.log(unsure_s))
    return Step(float(centre_s), float(rise), window, fit)


def refit_steps(steps: Steps, offset: Float64Array, valid: BoolArray, camera: Camera) -> Steps:
    """Return the same steps, fitted to another offset of the same frames: that of one eye.

    All of them stay, however well they fit; so do `left_out` and `found`. offset (N,) is in eye
    widths; valid (N,) marks the frames that count for the gaze.
    """
    noise = estimate_offset_noise(offset, valid, camera.times_s, camera.interval_s, steps.found)
    fitted = tuple(
        _fit(step.centre_s, step.rise, step.window, offset, noise, camera) for step in steps.steps
    )
    return _temper(replace(steps, steps=fitted))


def _temper(steps: Steps) -> Steps:
    """Return the steps with likelihoods for the noise that the fits leave, not the estimated one.

    Worse fits make all likelihoods flatter (intervals become wider), better ones sharper.
    """
    if not steps.steps:
        return steps
    count = sum(step.fit.count for step in steps.steps)
    rest = sum(step.fit.misfit * step.fit.count for step in steps.steps)
    worse = max((rest + PRIOR_COUNT) / (count + PRIOR_COUNT), LEAST_MISFIT)
    return replace(
        steps,
        steps=tuple(
            replace(step, fit=replace(step.fit, log_likelihood=step.fit.log_likelihood / worse))
            for step in steps.steps
        ),
    )
