"""Change annotated tracks so that they look like those of other people, cameras or tasks.

Such a variant has other landmarks of the eyes, other frame times or fewer frames. The same blinks
stay in it at the same frames, so the annotation stays true.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kernels import compute_eye_geometry, compute_open_level, compute_typical_opening
from kernels.landmarks import EYE_COLUMNS
from tracker.lab.annotations import AnnotatedClip
from tracker.tracks.track import Track

EYE_LANDMARKS = 26
"""Number of landmarks of both eyes. They are the first ones in a track's `landmarks`."""
LID_PAIRS = ((2, 3), (4, 5), (6, 7))
"""Pairs of a point of the upper lid and the point of the lower lid below it, as positions in each
eye's row of `kernels.landmarks.EYE_COLUMNS`."""
LEAST_EAR = 0.01
"""Smallest EAR that a variant gives an eye: FaceMesh shows a slit between shut lids, too."""
CLEAR_S = 0.15
"""Least time between an annotated closure and a closure that a variant adds."""

Float64Array = NDArray[np.float64]
MakeVariant = Callable[[AnnotatedClip, Track], Sequence[Track]]


def thin_track(track: Track, step: int, first: int) -> Track:
    """Return a track of every `step`-th of the track's frames, as if the others had been skipped.

    `first` is the first frame that is kept, as an index of the track's frames; with a `step` of 1
    all are kept whatever it is. Times begin at 0 again. Frame numbers (`frame_index`) stay, so that
    annotations still fit. With a `step` above 1, the second passes (`Track.second_pass_landmarks`)
    and what pictures showed of the irises (`Track.picture_heights`) are left out.
    """
    if step == 1:
        return track
    kept = slice(first, None, step)
    none = np.empty(0, dtype=np.int64)
    return replace(
        track,
        frame_index=track.frame_index[kept],
        times_s=track.times_s[kept] - track.times_s[first],
        landmarks=np.ascontiguousarray(track.landmarks[kept]),
        second_pass_sample=none,
        second_pass_landmarks=track.second_pass_landmarks[:0],
        second_pass_turn=none,
        info=replace(track.info, step=track.info.step * step),
        picture_sample=none,
        picture_heights=track.picture_heights[:0],
    )


def add_noise(track: Track, noise: float) -> Track:
    """Return a track with normal random noise added to the landmarks of the eyes, in x and in y.

    `noise` is its standard deviation in canthal distances (from corner to corner of an eye). It is
    independent in each frame and landmark. Tracks with equally many frames get the same random
    numbers.
    """
    rng = np.random.default_rng(len(track.times_s))
    landmarks = track.landmarks.copy()
    canthal_px = compute_eye_geometry(landmarks).canthal_distance_px.mean(axis=1)
    shape = (len(landmarks), EYE_LANDMARKS, 2)
    landmarks[:, :EYE_LANDMARKS] += rng.normal(0, noise, shape) * canthal_px[:, None, None]
    return replace(track, landmarks=landmarks)


def scale_lids(track: Track, factor: Float64Array) -> Track:
    """Return a track whose lid openings are multiplied by `factor`.

    `factor` has the shape (N, 2), first the left eye, then the right, or (N, 1) for both eyes
    alike: 1 changes nothing, 0 shuts them. Both lids move, towards or away from their middle.
    """
    landmarks = track.landmarks.astype(np.float64)
    by_eye = np.broadcast_to(factor, (len(landmarks), 2))
    for eye, columns in enumerate(EYE_COLUMNS):
        for upper, lower in LID_PAIRS:
            pair = landmarks[:, columns[[upper, lower]]]
            middle = pair.mean(axis=1, keepdims=True)
            pair = middle + by_eye[:, eye, None, None] * (pair - middle)
            landmarks[:, columns[[upper, lower]]] = pair
    return replace(track, landmarks=landmarks.astype(np.float32))


def change_lids(
    track: Track, change: Callable[[Float64Array, Float64Array], Float64Array]
) -> Track:
    """Return a track with other EARs (eye aspect ratios: height of the lid opening over its width).

    `change` is called with two arrays (N, 2), first the left eye, then the right: the EAR, and the
    EAR of the open eye at that time. It returns the new EAR, shape (N, 2). No EAR is made smaller
    than `LEAST_EAR`, but one that is smaller already may stay so. A frame without a face stays NaN.
    """
    by_eye = compute_eye_geometry(track.landmarks).ear
    ear = by_eye.mean(axis=1)
    level = compute_open_level(ear, track.times_s)
    share = np.nanmedian(by_eye / ear[:, None], axis=0)
    changed = np.maximum(change(by_eye, share * level[:, None]), LEAST_EAR)
    return scale_lids(track, changed / np.maximum(by_eye, LEAST_EAR))


def make_shallower(track: Track, share: float) -> Track:
    """Return a track in which the lids close only this share of the way that they closed before.

    At 1 nothing changes; at 0 they stay open.
    """
    return change_lids(
        track, lambda ear, level: np.where(ear < level, level - share * (level - ear), ear)
    )


def make_narrower(track: Track, share: float) -> Track:
    """Return a track of narrower eyes: `share` of the typical EAR is subtracted from each EAR.

    The EAR (eye aspect ratio) is the height of the lid opening over its width; the typical one is a
    single number for the recording. 0.2 makes open eyes a fifth less open. The noise of the EAR
    stays the same, so it is larger relative to the opening. No EAR gets smaller than `LEAST_EAR`.
    """
    typical = compute_typical_opening(compute_eye_geometry(track.landmarks).ear.mean(axis=1))
    return change_lids(track, lambda ear, _: ear - share * typical)


def make_slower(track: Track, factor: float) -> Track:
    """Return a track in which everything takes `factor` times as long: 2 is half the speed.

    Its frames stay the same; only their times change.
    """
    return replace(track, times_s=track.times_s * factor)


def make_restless(track: Track, amount: float, every_s: float) -> Track:
    """Return a track in which the lid opening slowly grows and shrinks at random.

    That of both eyes is multiplied by a factor, whose logarithm moves along a straight line to a
    new random value every `every_s` seconds. `amount` is the standard deviation of these values.
    Tracks with equally many frames and equal times get the same factor.
    """
    rng = np.random.default_rng(len(track.times_s))
    knots_s = np.arange(0, track.times_s[-1] + every_s, every_s)
    wander = np.interp(track.times_s, knots_s, rng.normal(0, amount, knots_s.size))
    return scale_lids(track, np.exp(wander)[:, None])


def add_glare(track: Track, depth: float) -> Track:
    """Return a track whose left eye seems to close for 0.1 s every 1.1 s, as under glare.

    `depth` is the share of the lid opening by which it closes, 0 to 1.
    """
    factor = np.ones((len(track.times_s), 2))
    for at_s in np.arange(0.7, track.times_s[-1], 1.1):
        factor[:, 0] -= depth * np.exp(-(((track.times_s - at_s) / 0.06) ** 2))
    return scale_lids(track, factor)


def add_closing(
    clip: AnnotatedClip, track: Track, times_s: tuple[float, float, float], depths: Sequence[float]
) -> Track:
    """Return a track with partial closures added: one in each gap between annotated closures.

    They are no blinks, and a detector should not find them. The times before the first and after
    the last annotated closure are gaps, too. The closure lies in the middle of its gap. A gap gets
    none if it does not fit, or would be closer than `CLEAR_S` to an annotated one. `times_s` tells
    for how many seconds the lids fall, stay lowered and rise again, in this order. `depths` tells
    by which share of its height, 0 to 1, the opening of both eyes shrinks in the first added
    closure, in the second, and so on; after its last value, the first one follows again.
    """
    fall_s, hold_s, rise_s = times_s
    whole_s, at_s = sum(times_s), track.times_s
    closures = sorted(
        (*clip.blinks, *clip.long_closures, *clip.ambiguous), key=lambda one: one.start
    )
    index = track.frame_index
    starts = np.searchsorted(index, [one.start for one in closures])
    stops = np.searchsorted(index, [one.stop for one in closures])
    last = len(at_s) - 1
    ends_s = [at_s[0] - CLEAR_S, *at_s[np.minimum(stops, last)]]
    begins_s = [*at_s[np.minimum(starts, last)], at_s[-1] + CLEAR_S]
    factor, number = np.ones(len(at_s)), 0
    for end_s, begin_s in zip(ends_s, begins_s, strict=True):
        if begin_s - end_s < whole_s + 2 * CLEAR_S:
            continue
        since_s = at_s - (begin_s + end_s - whole_s) / 2
        down = np.clip(since_s / fall_s, 0, 1)
        up = np.clip((since_s - fall_s - hold_s) / rise_s, 0, 1)
        share = (np.cos(np.pi * up) - np.cos(np.pi * down)) / 2
        factor *= 1 - depths[number % len(depths)] * share
        number += 1
    return scale_lids(track, factor[:, None])


def _every(step: int, _clip: AnnotatedClip, track: Track) -> Sequence[Track]:
    # The first frame decides which frames are left out. Each choice gives one more recording.
    return [thin_track(track, step, first) for first in range(step)]


def _of_track(make: Callable[..., Track], *values: float) -> MakeVariant:
    return lambda _clip, track: [make(track, *values)]


def _with_closing(times_s: tuple[float, float, float], depths: Sequence[float]) -> MakeVariant:
    return lambda clip, track: [add_closing(clip, track, times_s, depths)]


GLANCE_DEPTHS = (0.2, 0.27, 0.34)
"""Shares by which the lid opening shrinks when the eyes look down by 24 to 40 degrees."""
SQUINT_DEPTHS = (0.3, 0.45, 0.6)
DEEP_SQUINT_DEPTHS = (0.55, 0.65, 0.8)
"""As deep as a blink: only the speed of the lids tells the two apart."""

VARIANTS: dict[str, MakeVariant] = {
    "as made": lambda _clip, track: [track],
    "every 2nd frame": functools.partial(_every, 2),
    "every 3rd frame": functools.partial(_every, 3),
    # In canthal distances: 1, 2 and 3.5 % of the opening of an eye.
    "noise 0.003": _of_track(add_noise, 0.003),
    "noise 0.006": _of_track(add_noise, 0.006),
    "noise 0.01": _of_track(add_noise, 0.01),
    "blinks of 0.8 depth": _of_track(make_shallower, 0.8),
    "blinks of 0.6 depth": _of_track(make_shallower, 0.6),
    "eyes less open by 0.2": _of_track(make_narrower, 0.2),
    "0.6 times as long": _of_track(make_slower, 0.6),
    "1.5 times as long": _of_track(make_slower, 1.5),
    "restless lids": _of_track(make_restless, 0.05, 0.5),
    "glare on one eye": _of_track(add_glare, 0.3),
    "glances down of 0.4 s": _with_closing((0.09, 0.4, 0.09), GLANCE_DEPTHS),
    "glances down of 1 s": _with_closing((0.09, 1.0, 0.09), GLANCE_DEPTHS),
    "squints of 0.9 s": _with_closing((0.3, 0.2, 0.4), SQUINT_DEPTHS),
    "deep squints of 1 s": _with_closing((0.4, 0.1, 0.5), DEEP_SQUINT_DEPTHS),
    "squints of 2 s": _with_closing((0.8, 0.5, 0.8), SQUINT_DEPTHS),
}
