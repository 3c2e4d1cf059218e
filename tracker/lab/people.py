"""Simulate people, and the landmarks that recordings of them would have.

The people's properties are drawn at random with published means and spreads. No picture is drawn:
the landmarks are made directly, to be measured and assessed like those of real recordings. Where
nothing is published, a value is an assumption; it is called so here and in docs/accuracy.md.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import FACE_MESH_INDICES, LANDMARK_COUNT, LEFT, RIGHT
from kernels.geometry import IRIS_DIAMETER_MM, ROTATION_RADIUS_MM
from kernels.pose import RIGID_POINTS
from tracker.face.follow import choose_second_passes
from tracker.face.quality import ImageQuality
from tracker.protocol import Phase
from tracker.tracks.track import Track, TrackInfo
from tracker.video.frames import VideoInfo

Float64Array = NDArray[np.float64]
Draw = Callable[[int], Float64Array]
"""A function that takes a number and returns that many random values."""

# Range of the eyes, in degrees: W. J. Lee, J. H. Kim, Y. U. Shin, S. Hwang, H. W. Lim, Differences
# in eye movement range based on age and gaze direction, Eye 33, 2019, 1145-1151: 261 healthy people
# of 5 to 91 years. Up falls with age (R = -0.506), down does not.
UP_DEG = (27.9, 7.6)
DOWN_DEG = (47.1, 8.0)
UP_AGE_CORRELATION = -0.506
STUDY_AGE_YEARS = (48.0, 24.8)
"""Mean and standard deviation of the ages in that study. They hold if the ages are spread evenly
from 5 to 91 years, which is an assumption."""
# Blinks a minute: L. I. Golbe, P. H. Davis, F. E. Lepore, Eyelid movement abnormalities in
# progressive supranuclear palsy, Movement Disorders 4, 1989, 297-302 (PSP, PD); A. R. Bentivoglio
# et al., Movement Disorders 12, 1997, 1028-1034 (healthy people at rest).
BLINKS_PER_MIN = {"healthy": 17.0, "PD": 12.5, "PSP": 3.0}
PD_UP_SHARE = 0.8
"""How far people with Parkinson's disease can look up, as a share of how far healthy people can.

It is published that they look up less far (Video-oculographic biomarkers for evaluating vertical
ocular dysfunction in progressive supranuclear palsy, Parkinsonism and Related Disorders 99, 2022,
84-90). By how much is an assumption.
"""
# Lids: the fissure narrows to 0.66 of its width at 40 degrees down.
LOWERED_SHARE, LOWERED_DEG = 0.66, 40.0
OPEN_EAR = (0.30, 0.03)
BLINK_S = (0.3, 0.05)

CANTHAL_DISTANCE_MM = (30.0, 1.5)
FOLLOWED_SHARE = (0.44, 0.02)
"""Mean and standard deviation, over people, of the share of a vertical eye movement that the
landmarks show. On the synthetic face it is 0.43 to 0.45 (docs/accuracy.md)."""
FRAMING_STD = 0.066
"""The measured size of an eye movement also depends on how FaceMesh crops the face (the framing).
Standard deviation of that size over crops of one face, as a share of the mean (see
docs/accuracy.txt)."""
LOOK_SHORTFALL = 0.12
"""By how much looks fall short of the farthest look that the person can do, as a share of it.

The share is the absolute value of a normal random number with this standard deviation: an
assumption.
"""
LOOK_S = 4.0
"""Mean time for which a look is held before the next look in the same direction: an assumption."""
FIXATION_DEG, FIXATION_S = 0.5, 0.5
"""A held gaze still changes a little. Standard deviation of these changes, and the mean time
between two of them."""
LATENCY_S = {"healthy": 0.27, "PD": 0.27, "PSP": 0.9}
"""Time from an instruction until the eyes move. The published means are 0.903 s for PSP and 0.268 s
for healthy controls. That PD is like the controls is an assumption."""
JITTER = (0.0018, 0.5)
"""Noise of the landmarks that differs in every frame: its median over people, in eye widths, and
the standard deviation of its logarithm. It is based on recordings of people at rest, whose noise
floors are 0.006 (0.003 to 0.018)."""
DRIFT, DRIFT_S = 0.003, 0.3
"""Noise of the landmarks that changes slowly: standard deviation in eye widths, and the mean time
between two changes. It is why the range of people at rest is twice the noise floor."""

EYE_WIDTH_PX = 60.0
IRIS_WIDTH_PX = EYE_WIDTH_PX * IRIS_DIAMETER_MM / CANTHAL_DISTANCE_MM[0]
FACE_PX = 220.0
READY_S = 3.0
"""Time at the beginning of the task in which the person looks at the camera."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """A group of people with the same diagnosis and age.

    Attributes
    ----------
    name : str
        What the tables call the group.
    kind : {"healthy", "PD", "PSP"}
        The diagnosis: none, Parkinson's disease, or progressive supranuclear palsy.
    age_years : float
    up_share, down_share : (float, float)
        How far the people can still look up and down, as a share of the angle that they would reach
        if they were healthy: the lowest and the highest share. Each person's share is drawn evenly
        between them.
    """

    name: str
    kind: str
    age_years: float
    up_share: tuple[float, float] = (1.0, 1.0)
    down_share: tuple[float, float] = (1.0, 1.0)


# Items 14 and 15 of the PSP Rating Scale grade the amplitude of vertical saccades by its share of
# the normal one: L. I. Golbe, P. A. Ohman-Strickland, Brain 130, 2007, 1552-1565. How many patients
# have which grade when they are first seen is not published with it, so the grades stay apart.
COHORTS = (
    Cohort("healthy, 40 years", "healthy", 40.0),
    Cohort("healthy, 70 years", "healthy", 70.0),
    Cohort("Parkinson's disease", "PD", 70.0, (PD_UP_SHARE, PD_UP_SHARE)),
    Cohort("PSP, 51-85 % left", "PSP", 70.0, (0.51, 0.85), (0.51, 0.85)),
    Cohort("PSP, 16-50 % left", "PSP", 70.0, (0.16, 0.50), (0.16, 0.50)),
    Cohort("PSP, 0-15 % left", "PSP", 70.0, (0.0, 0.15), (0.0, 0.15)),
    Cohort("PSP, down 0-15 %, up intact", "PSP", 70.0, (1.0, 1.0), (0.0, 0.15)),
)


@dataclass(frozen=True, slots=True)
class Person:
    """A simulated person. None of these properties changes during a recording.

    Attributes
    ----------
    up, down : float
        How far the person can look up and down: distance of the iris from its place in a straight
        look, as the landmarks show it, in eye widths (from corner to corner of an eye). Both are
        positive.
    eye_widths_per_deg : float
        By how many eye widths the landmarks show the iris to move when the eye turns by 1 degree.
    down_deg : float
        Angle by which the person's eyes can turn down.
    open_ear : float
        Eye aspect ratio (EAR) of the open eyes: height of the lid opening over its width.
    blinks_per_min : float
    latency_s : float
        Seconds from an instruction until the eyes move.
    jitter : float
        Standard deviation, in eye widths, of the noise of the vertical gaze that differs in every
        frame. Each landmark gets noise of a quarter of it besides.
    framing_gain, second_gain : float
        Factors by which the first and the second pass of FaceMesh over- or underestimate movements:
        1 = neither. They differ because each pass crops the face differently (see `Track`).
    """

    up: float
    down: float
    eye_widths_per_deg: float
    down_deg: float
    open_ear: float
    blinks_per_min: float
    latency_s: float
    jitter: float
    framing_gain: float
    second_gain: float


def draw_person(cohort: Cohort, rng: np.random.Generator) -> Person:
    """Return a person of the cohort, whose properties are drawn at random with `rng`.

    Only the blink rate and the latency are not random: all people of a kind have the same.
    """
    mean_age, age_std = STUDY_AGE_YEARS
    up_mean, up_std = UP_DEG
    slope = UP_AGE_CORRELATION * up_std / age_std
    up_deg = up_mean + slope * (cohort.age_years - mean_age)
    up_deg += up_std * np.sqrt(1 - UP_AGE_CORRELATION**2) * rng.normal()
    up_deg = max(up_deg, 0.0) * rng.uniform(*cohort.up_share)
    down_deg = max(rng.normal(*DOWN_DEG), 0.0) * rng.uniform(*cohort.down_share)
    followed = rng.normal(*FOLLOWED_SHARE)
    radius = followed * ROTATION_RADIUS_MM / rng.normal(*CANTHAL_DISTANCE_MM)
    up, down = (radius * np.sin(np.radians(one)) for one in (up_deg, down_deg))
    median_jitter, jitter_spread = JITTER
    return Person(
        up=float(up),
        down=float(down),
        eye_widths_per_deg=float(radius * np.radians(1.0)),
        down_deg=float(down_deg),
        open_ear=float(rng.normal(*OPEN_EAR)),
        blinks_per_min=BLINKS_PER_MIN[cohort.kind],
        latency_s=LATENCY_S[cohort.kind],
        jitter=float(median_jitter * np.exp(jitter_spread * rng.normal())),
        framing_gain=1 + FRAMING_STD * float(rng.normal()),
        second_gain=1 + FRAMING_STD * float(rng.normal()),
    )


def make_task(seconds: float, rounds: int = 1) -> tuple[Phase, ...]:
    """Return the instructions of the app's guided task, which takes `seconds` in all.

    The person first looks at the camera for `READY_S`, then up, then down, and so on. The rest of
    `seconds` is divided evenly among the ``2 * rounds`` looks. The app asks for one round.
    """
    edges_s = np.linspace(READY_S, seconds, 2 * rounds + 1).tolist()
    return (
        Phase("fixate", 0.0, READY_S),
        *(
            Phase(("up", "down")[number % 2], start_s, end_s)
            for number, (start_s, end_s) in enumerate(itertools.pairwise(edges_s))
        ),
    )


def compute_true_range(person: Person, rng: np.random.Generator) -> float:
    """Return the person's true vertical range, in eye widths, to compare the measured one with.

    An eye width is the distance between the corners of an eye. The range is the distance from the
    5th to the 95th percentile of the gaze in thousands of looks up and as many looks down, drawn
    with `rng`. The landmarks' noise and framing (`Person.framing_gain`) are left out.
    """
    short = np.abs(LOOK_SHORTFALL * rng.normal(size=(2, 4000)))
    wander = FIXATION_DEG * person.eye_widths_per_deg * rng.normal(size=(2, 4000))
    looks = np.array([[-person.up], [person.down]]) * (1 - short) + wander
    top, bottom = np.quantile(looks, (0.05, 0.95))
    return float(bottom - top)


def record(person: Person, task: Sequence[Phase], fps: float, rng: np.random.Generator) -> Track:
    """Return the track of a simulated recording in which the person does a task of `make_task`.

    It ends with the task. `fps` is its frame rate. What is random, such as when the person blinks,
    is drawn with `rng`.
    """
    times_s = np.arange(round(task[-1].end_s * fps)) / fps
    look = np.zeros(times_s.size)
    for phase in task:
        reached = {"up": -person.up, "down": person.down}.get(phase.phase, 0.0)
        inside = times_s >= phase.start_s + (person.latency_s if phase.start_s else 0.0)
        held = _hold(rng, times_s, LOOK_S, lambda size: np.abs(rng.normal(size=size)))
        look = np.where(inside, reached * (1 - LOOK_SHORTFALL * held), look)
    wander = FIXATION_DEG * person.eye_widths_per_deg
    gaze = look + wander * _hold(rng, times_s, FIXATION_S, lambda size: rng.normal(size=size))
    ear = person.open_ear * _lower_lids(person, gaze) * (1 - _blink(person, times_s, rng))
    noise = DRIFT * _hold(rng, times_s, DRIFT_S, lambda size: rng.normal(size=size))
    noise += person.jitter * rng.normal(size=times_s.size)
    landmarks = make_landmarks(ear, person.framing_gain * gaze + noise, gaze, rng, person.jitter)
    second = choose_second_passes(np.ones(times_s.size, np.bool_))
    turned = person.second_gain * gaze[second] + noise[second]
    turned += person.jitter * rng.normal(size=second.size)
    return Track(
        frame_index=np.arange(times_s.size, dtype=np.int64),
        times_s=times_s,
        landmarks=landmarks,
        second_pass_sample=second,
        second_pass_landmarks=make_landmarks(ear[second], turned, gaze[second], rng, person.jitter),
        second_pass_turn=np.zeros(second.size, dtype=np.int64),
        info=describe_track(times_s.size, fps),
    )


def _hold(
    rng: np.random.Generator, times_s: Float64Array, mean_s: float, draw: Draw
) -> Float64Array:
    """Return a random value for each time (N,): it stays the same for a while, then changes.

    How long it stays is random, too: exponentially distributed with the mean `mean_s`, in seconds.
    `draw` takes a number and returns that many random values. `times_s` (N,) are two or more times,
    evenly spaced from 0.
    """
    changes = rng.random(times_s.size) < -np.expm1(-times_s[1] / mean_s)
    numbers = np.cumsum(changes)
    held: Float64Array = draw(int(numbers[-1]) + 1)[numbers]
    return held


def _lower_lids(person: Person, gaze: Float64Array) -> Float64Array:
    """Return the share of the lid opening (N,) that is left when the lids follow the gaze down.

    `gaze` (N,) is in eye widths (from corner to corner of the eye), down positive. 1 is returned
    for a straight look or a look up.
    """
    farthest = max(person.down, 1e-9)
    down_deg = person.down_deg * np.clip(gaze / farthest, 0.0, 1.0)
    share: Float64Array = 1 - (1 - LOWERED_SHARE) * down_deg / LOWERED_DEG
    return share


def _blink(person: Person, times_s: Float64Array, rng: np.random.Generator) -> Float64Array:
    """Return how far blinks close the lids at each time (N,): 0 = open, 1 = shut.

    A blink reaches 0.9. The blinks begin at random times that are independent of each other,
    `person.blinks_per_min` on average. `times_s` (N,) is in seconds from 0.
    """
    seconds = float(times_s[-1])
    closure = np.zeros(times_s.size)
    for onset_s in rng.uniform(0, seconds, rng.poisson(person.blinks_per_min * seconds / 60)):
        done = np.clip((times_s - onset_s) / max(rng.normal(*BLINK_S), 0.15), 0, 1)
        closure = np.maximum(closure, 0.9 * (1 - np.cos(2 * np.pi * done)) / 2)
    return closure


def make_landmarks(
    ear: Float64Array,
    vertical: Float64Array,
    gaze: Float64Array,
    rng: np.random.Generator,
    jitter: float,
    horizontal: Float64Array | float = 0.0,
) -> NDArray[np.float32]:
    """Return landmarks (N, K, 2) of a still, upright face in N frames.

    Parameters
    ----------
    ear : ndarray, shape (N,), float64
        Eye aspect ratio (height of the lid opening over its width) that the landmarks should show.
    vertical : ndarray, shape (N,) or (N, 2), float64
        Vertical offset of the iris that the landmarks should show, in eye widths (from corner to
        corner), down positive: of both eyes, or of the left eye, then of the right eye.
    gaze : ndarray, shape (N,), float64
        Vertical offset without noise, in eye widths, down positive. Both lids move with it, up by
        0.05 at most; `ear` stays what it is.
    rng : numpy.random.Generator
    jitter : float
        Four times the standard deviation of each landmark's error in each frame, in x and in y, in
        eye widths; see `JITTER`.
    horizontal : ndarray, shape (N,) or (N, 2), float64, optional
        Horizontal offset of the iris, in the same way (default 0); positive to the right of the
        picture, which is the subject's left.

    Returns
    -------
    ndarray, shape (N, K, 2), float32
        Pixels (x, y) of a 640x480 picture, in the columns of `kernels.FACE_MESH_INDICES`.
    """
    offsets = np.empty((2, ear.size, 2))
    for offset, given in zip(offsets, (horizontal, vertical), strict=True):
        offset[:] = given if np.ndim(given) == 2 else np.reshape(given, (-1, 1))
    points = np.zeros((ear.size, LANDMARK_COUNT, 2))
    column = {index: n for n, index in enumerate(FACE_MESH_INDICES)}
    for index, (x, y, _) in RIGID_POINTS.items():
        points[:, column[index]] = (320 + x * FACE_PX, 200 + y * FACE_PX)
    upper = 200 + EYE_WIDTH_PX * (np.maximum(gaze, -0.05) - np.median(ear) / 2)
    lower = upper + EYE_WIDTH_PX * ear
    for side, canthi, uppers, lowers, iris, centre_x in (
        (LEFT, (362, 263), (385, 387, 386), (380, 373, 374), 473, 400.0),
        (RIGHT, (33, 133), (160, 158, 159), (144, 153, 145), 468, 240.0),
    ):
        for canthus, sign in zip(canthi, (-1, 1), strict=True):
            points[:, column[canthus]] = (centre_x + sign * EYE_WIDTH_PX / 2, 200)
        for x, up, down in zip((-10, 10, 0), uppers, lowers, strict=True):
            points[:, column[up]] = np.column_stack((np.full(ear.size, centre_x + x), upper))
            points[:, column[down]] = np.column_stack((np.full(ear.size, centre_x + x), lower))
        middle = np.array((centre_x, 200.0)) + EYE_WIDTH_PX * offsets[:, :, side].T
        points[:, column[iris]] = middle
        for ring, shift in enumerate(((1, 0), (0, -1), (-1, 0), (0, 1)), start=iris + 1):
            points[:, column[ring]] = middle + np.array(shift) * IRIS_WIDTH_PX / 2
    points += EYE_WIDTH_PX * jitter / 4 * rng.normal(size=points.shape)
    return points.astype(np.float32)


def describe_track(frames: int, fps: float) -> TrackInfo:
    """Return the information that comes with the track of a good phone recording, 640x480 pixels.

    `frames` is its number of frames: all were decoded and tracked. `fps` is the frame rate that
    the file declares.
    """
    return TrackInfo(
        video=VideoInfo(640, 480, fps, frames),
        step=1,
        frames_decoded=frames,
        frames_failed=0,
        time_source="stream",
        complete=True,
        other_face_ratio=0.0,
        image_quality=ImageQuality(
            sharpness=0.5, eye_contrast=20.0, noise_std=1.0, face_grey=110.0, clipped_share=0.01
        ),
    )
