"""Made-up eye movements whose truth is known: saccades, square-wave jerks and drift.

A `ClipSpec` describes them. It can be drawn as a video (`tracker.lab.synthetic.write_clip`). Or
`simulate_track` makes a track from it without a video, in a few milliseconds, with landmarks of a
given noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracker.face.follow import choose_second_passes
from tracker.lab.clip_spec import ClipSpec, Float64Array, GazePhase
from tracker.lab.faces import FACES, ROTATION_RADIUS
from tracker.lab.people import describe_track, make_landmarks
from tracker.tracks.track import Track

PEAK_OVER_MEAN = np.pi / 2
"""Peak velocity of a raised cosine over its mean velocity. In people it is about 1.65."""
RISE_SHARE = float((np.arccos(-0.8) - np.arccos(0.8)) / np.pi)
"""Share of a raised cosine's time from 10 % of its rise to 90 %."""
FASTEST_DEG_S, AMPLITUDE_SCALE_DEG = 551.0, 14.0
"""The main sequence, which tells the peak velocity of a healthy person's saccade of an amplitude:
R. W. Baloh, A. W. Sills, W. E. Kumley, V. Honrubia, Neurology 25, 1975, 1065-1070."""
HORIZONTAL_NOISE = 1.5
"""Noise of the horizontal offset over that of the vertical one, as found in real clips."""
SETTLING_CHANGE_S = 0.1
"""Time in which the correlation of the error after a step falls to 1 / e."""
EAR_OF_HEIGHT = 0.85
"""EAR of an open eye over the height of its lid opening: it averages heights beside the middle."""


def displace(angle_deg: float) -> float:
    """Return how far the iris moves when the eye turns by an angle from looking straight ahead.

    It is in canthal distances (from corner to corner of an eye), with the sign of the angle.
    """
    return float(ROTATION_RADIUS * np.sin(np.radians(angle_deg)))


def main_sequence_deg_s(amplitude_deg: float) -> float:
    """Return the peak velocity, in degrees a second, of a healthy person's saccade.

    `amplitude_deg` is how far the eyes turn in it; its sign does not matter.
    """
    return float(FASTEST_DEG_S * (1 - np.exp(-abs(amplitude_deg) / AMPLITUDE_SCALE_DEG)))


def turn_time_s(amplitude_deg: float, peak_velocity_deg_s: float) -> float:
    """Return how many seconds a step of this amplitude and peak velocity takes, from start to end.

    The eyes move along a raised cosine. The amplitude's sign does not matter; the peak velocity is
    positive.
    """
    return float(PEAK_OVER_MEAN * abs(amplitude_deg) / peak_velocity_deg_s)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the eyes look from a moment on: `vertical_deg`, `horizontal_deg` from straight ahead.

    Down and the subject's left are positive. The eyes begin to move at `start_s`, in seconds from
    the clip's start.
    """

    start_s: float
    vertical_deg: float = 0.0
    horizontal_deg: float = 0.0


def make_steps(
    targets: Sequence[Target], velocity_deg_s: Callable[[float], float] = main_sequence_deg_s
) -> tuple[GazePhase, ...]:
    """Return the gaze of a `ClipSpec` that steps from target to target.

    Parameters
    ----------
    targets : sequence of Target
        In order of time. Before the first one, the eyes look straight ahead.
    velocity_deg_s : callable, optional
        Takes the amplitude of a step in degrees (the length of the way, positive, also of an
        oblique step) and returns its peak velocity in degrees a second.

    Returns
    -------
    tuple of GazePhase
        One for each target, also for one that equals the target before it.
    """
    gaze, before = [], Target(0.0)
    for target in targets:
        amplitude_deg = float(
            np.hypot(
                target.vertical_deg - before.vertical_deg,
                target.horizontal_deg - before.horizontal_deg,
            )
        )
        # A target at the present place moves nothing; any time does.
        turn_s = turn_time_s(max(amplitude_deg, 0.1), velocity_deg_s(max(amplitude_deg, 0.1)))
        gaze.append(
            GazePhase(
                target.start_s,
                displace(target.vertical_deg),
                displace(target.horizontal_deg),
                turn_s,
            )
        )
        before = target
    return tuple(gaze)


def add_jerks(
    targets: Sequence[Target], onsets_s: Sequence[float], amplitude_deg: float, held_s: float
) -> tuple[Target, ...]:
    """Add square-wave jerks: pairs of opposite horizontal steps away from a target and back.

    Parameters
    ----------
    targets : sequence of Target
        In order of time. Before the first one, the eyes look straight ahead.
    onsets_s : sequence of float
        When the eyes begin to move away, in seconds from the clip's start. Choose times such that
        they are back before the next target.
    amplitude_deg : float
        How far the eyes move away; positive to the subject's left.
    held_s : float
        Seconds from the start of the first step to the start of the second one.

    Returns
    -------
    tuple of Target
        The given and, for each onset, two added ones (away, and back), in order of time.
    """
    added = list(targets)
    for onset_s in onsets_s:
        at = max(
            (target for target in targets if target.start_s <= onset_s),
            key=lambda target: target.start_s,
            default=Target(0.0),
        )
        for start_s, away_deg in ((onset_s, amplitude_deg), (onset_s + held_s, 0.0)):
            added.append(Target(start_s, at.vertical_deg, at.horizontal_deg + away_deg))
    return tuple(sorted(added, key=lambda target: target.start_s))


@dataclass(frozen=True, slots=True)
class LandmarkNoise:
    """How the simulated landmarks err.

    Where nothing else is said, a value is a standard deviation of the gaze offset, in canthal
    distances. The gaze offset is how far the iris is displaced between the corners of the eye; the
    mean of both eyes is meant. A canthal distance is that between the corners.

    The defaults are typical of the real clips that this was measured on, people at rest at 30
    frames a second. As in these, the noise of the two eyes is independent, and `jitter` and `slow`
    hold for the vertical offset: the horizontal one gets 1.5 times as much.

    Attributes
    ----------
    jitter : float
        Noise that differs in every frame.
    slow, slow_s : float
        Noise that changes slowly, and the seconds in which its correlation falls to 1 / e.
    settling, settling_s : float
        After a step the landmarks creep or swing for some frames: standard deviation of that error
        as a share of the step, and the seconds in which it fades to 1 / e.
    uneven : float
        Standard deviation, over the fixations (one after each step), of the logarithm of the
        jitter's size; 0 = `jitter` in all of them. In real clips the landmarks swing from frame to
        frame in some fixations, because the face's region follows them.
    rush : (float, float)
        While the eyes move up, and while they move down, vertical landmarks are ahead of the eyes
        by this share of the movement since the frame before. Negative: they lag behind.
    bend : float
        Vertical landmarks follow the eyes unevenly: with the gaze u as a share of the farthest one,
        they show ``u + bend * (u**3 - u)``. Negative: more in the middle than at the ends.
    pace : float
        In how many times the eyes' time the vertical landmarks move. The middle of a movement stays
        where it is in time. Below 1, the landmarks begin late and arrive early.
    """

    jitter: float = 0.0012
    slow: float = 0.003
    slow_s: float = 0.2
    settling: float = 0.07
    settling_s: float = 0.15
    uneven: float = 0.0
    rush: tuple[float, float] = (0.0, 0.0)
    bend: float = 0.0
    pace: float = 1.0


@dataclass(frozen=True, slots=True)
class Shown:
    """How much of the eyes' movements the landmarks show.

    FaceMesh finds the landmarks of some frames twice, in differently cropped pictures of the face:
    the first and the second pass (see `tracker.tracks.track.Track`).

    Attributes
    ----------
    vertical, horizontal : float
        Shares of a drawn movement that FaceMesh's landmarks show (docs/accuracy.md).
    framing_gain, second_gain : float
        Further factors on `vertical`, of the first and of the second pass: each crop over- or
        underestimates movements a little.
    eye_row : float
        Where the eyes are in the picture's height: 0 = its first row, 1 = its last. Lower eyes are
        exposed later (`ClipSpec.readout_s`).
    """

    vertical: float = 0.44
    horizontal: float = 0.80
    framing_gain: float = 1.0
    second_gain: float = 1.0
    eye_row: float = 0.42


def simulate_track(
    spec: ClipSpec,
    rng: np.random.Generator,
    noise: LandmarkNoise = LandmarkNoise(),
    shown: Shown = Shown(),
) -> Track:
    """Return the track that a clip would have if its landmarks followed the eyes as `shown` says.

    The face is upright and still, in a picture of 640x480 pixels. All frames are tracked.

    Parameters
    ----------
    spec : ClipSpec
        Its gaze, drift, lids, frame rate, exposure and readout are used; a wink closes both eyes by
        half. Its picture is not, nor are dropouts, a variable frame rate and `start_time_s`.
    rng : numpy.random.Generator
        Draws the noise.
    noise : LandmarkNoise, optional
        How the landmarks err besides.
    shown : Shown, optional
    """
    times_s = np.arange(spec.frame_count) / spec.fps
    moments_s = spec.exposed_at(times_s, shown.eye_row)
    vertical, horizontal = (gaze.mean(axis=-1) for gaze in spec.gaze_at(moments_s))
    closure = spec.closure_at(moments_s).mean(axis=(1, 2))
    upper, lower = FACES[spec.face].lid_heights(closure, vertical, spec.lid_follow)
    size = times_s.size
    slow = _draw_slow(noise.slow, noise.slow_s, times_s, rng)
    moved = np.stack((shown.vertical * vertical, shown.horizontal * horizontal))
    settling = _draw_slow(noise.settling, SETTLING_CHANGE_S, times_s, rng)
    settling *= np.abs(moved - _follow_late(moved, times_s, noise.settling_s))[:, :, None]
    second = choose_second_passes(np.ones(size, np.bool_))
    fixation = np.searchsorted([phase.start_s for phase in spec.gaze], times_s, "right")
    swing = np.exp(noise.uneven * rng.normal(size=len(spec.gaze) + 1))[fixation]
    followed = _follow_unevenly(moments_s, spec, noise)

    def place(samples: NDArray[np.int64], gain: float) -> NDArray[np.float32]:
        jitter = noise.jitter * np.sqrt(2) * rng.normal(size=(2, samples.size, 2))
        jitter *= swing[samples, None]
        jitter += slow[:, samples]
        jitter[1] *= HORIZONTAL_NOISE
        jitter += settling[:, samples]
        return make_landmarks(
            EAR_OF_HEIGHT * (lower - upper)[samples],
            gain * shown.vertical * followed[samples, None] + jitter[0],
            shown.vertical * vertical[samples],
            rng,
            0.0,
            shown.horizontal * horizontal[samples, None] + jitter[1],
        )

    return Track(
        frame_index=np.arange(size, dtype=np.int64),
        times_s=times_s,
        landmarks=place(np.arange(size), shown.framing_gain),
        second_pass_sample=second,
        second_pass_landmarks=place(second, shown.second_gain),
        second_pass_turn=np.zeros(second.size, dtype=np.int64),
        info=describe_track(size, spec.fps),
    )


def _change_pace(spec: ClipSpec, pace: float) -> ClipSpec:
    """Return a spec in which each turn of the gaze takes `pace` times as long.

    The middle of each turn stays where it is in time, unless it would then start before the clip. A
    direction that the clip begins with, without a turn, stays that.
    """
    return replace(
        spec,
        gaze=tuple(
            replace(
                phase,
                start_s=max(phase.start_s + phase.turn_s * (1 - pace) / 2, 0.0),
                turn_s=phase.turn_s * pace,
            )
            if phase.start_s > 0
            else phase
            for phase in spec.gaze
        ),
    )


def bend_gaze(vertical: Float64Array, spec: ClipSpec, bend: float) -> Float64Array:
    """Return where landmarks with a bend show a vertical gaze, in the shape of `vertical`.

    `bend` is that of `LandmarkNoise`; it changes nothing at 0 and at the farthest gaze of `spec`.
    `vertical` and the result are in canthal distances (from corner to corner of the eye), down
    positive.
    """
    farthest = max((abs(phase.vertical) for phase in spec.gaze), default=0.0) or 1.0
    return np.asarray(vertical + bend * (vertical**3 / farthest**2 - vertical))


def _follow_unevenly(moments_s: Float64Array, spec: ClipSpec, noise: LandmarkNoise) -> Float64Array:
    """Return the vertical gaze (N,) as landmarks follow it that err by three fields of `noise`.

    These are `pace`, `bend` and `rush` of `LandmarkNoise`. The gaze is in canthal distances (from
    corner to corner of the eye), down positive, not yet multiplied by `Shown.vertical`. `moments_s`
    (N, M) are M moments in the exposure of each frame, in seconds from the clip's start; the gaze
    of a frame is the mean over them.
    """
    paced, _ = _change_pace(spec, noise.pace).gaze_at(moments_s)
    bent = bend_gaze(paced.mean(axis=-1), spec, noise.bend)
    change = np.diff(bent, prepend=bent[:1])
    return np.asarray(bent + np.where(change < 0, *noise.rush) * change)


def _draw_slow(
    std: float, slow_s: float, times_s: Float64Array, rng: np.random.Generator
) -> Float64Array:
    """Return slow noise (2, N, 2): the vertical, then the horizontal offset; last axis: each eye.

    The noise of each eye and offset is independent of the others. `std` is the standard deviation
    of the mean of both eyes, and gives the unit. `slow_s` is the time in seconds in which the
    noise's correlation falls to 1 / e. `times_s` (N,) are in seconds.
    """
    drawn = std * np.sqrt(2) * rng.normal(size=(times_s.size, 2, 2))
    kept = np.exp(-np.diff(times_s) / slow_s)
    fresh = np.sqrt(1 - kept**2)
    for n in range(1, times_s.size):
        drawn[n] = kept[n - 1] * drawn[n - 1] + fresh[n - 1] * drawn[n]
    return np.ascontiguousarray(drawn.transpose(1, 0, 2))


def _follow_late(values: Float64Array, times_s: Float64Array, late_s: float) -> Float64Array:
    """Return what an exponential follower shows of values (2, N), which lags behind them; (2, N).

    After a step, the rest of the way to the new value falls to 1 / e in `late_s` seconds. It begins
    at the first value. `times_s` (N,) are in seconds.
    """
    followed = values.copy()
    kept = np.exp(-np.diff(times_s) / late_s)
    for n in range(1, times_s.size):
        followed[:, n] += kept[n - 1] * (followed[:, n - 1] - values[:, n])
    return followed
