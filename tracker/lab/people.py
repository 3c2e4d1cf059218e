"""Simulated people and their recordings: from published means and spreads to landmarks.

No picture is drawn: the landmarks go straight through every kernel and the assessment. What is not
published is assumed, and says so here and in docs/accuracy.md.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import FACE_MESH_INDICES, LANDMARK_COUNT
from kernels.geometry import IRIS_DIAMETER_MM, ROTATION_RADIUS_MM
from kernels.pose import RIGID_POINTS
from tracker.face.quality import ImageQuality
from tracker.protocol import Phase
from tracker.tracks.track import Track, TrackInfo
from tracker.video.frames import VideoInfo

Float64Array = NDArray[np.float64]
Draw = Callable[[int], Float64Array]
"""Returns this many drawn values."""

# Range of the eyes, in degrees: W. J. Lee, J. H. Kim, Y. U. Shin, S. Hwang, H. W. Lim, Differences
# in eye movement range based on age and gaze direction, Eye 33, 2019, 1145-1151: 261 healthy people
# of 5 to 91 years. Up falls with age (R = -0.506), down does not.
UP_DEG = (27.9, 7.6)
DOWN_DEG = (47.1, 8.0)
UP_AGE_CORRELATION = -0.506
STUDY_AGE_YEARS = (48.0, 24.8)
"""Mean and standard deviation of ages that are spread evenly from 5 to 91: an assumption."""
# Blinks a minute: L. I. Golbe, P. H. Davis, F. E. Lepore, Eyelid movement abnormalities in
# progressive supranuclear palsy, Movement Disorders 4, 1989, 297-302 (PSP, PD); A. R. Bentivoglio
# et al., Movement Disorders 12, 1997, 1028-1034 (healthy people at rest).
BLINKS_PER_MIN = {"healthy": 17.0, "PD": 12.5, "PSP": 3.0}
PD_UP_SHARE = 0.8
"""Range up in Parkinson's disease over that of healthy people. It is lower (Video-oculographic
biomarkers for evaluating vertical ocular dysfunction in progressive supranuclear palsy,
Parkinsonism and Related Disorders 99, 2022, 84-90); by how much is an assumption."""
# Lids: the fissure narrows to 0.66 of its width at 40 degrees down.
LOWERED_SHARE, LOWERED_DEG = 0.66, 40.0
OPEN_EAR = (0.30, 0.03)
BLINK_S = (0.3, 0.05)

CANTHAL_DISTANCE_MM = (30.0, 1.5)
FOLLOWED_SHARE = (0.44, 0.02)
"""Share of a vertical movement that the landmarks show, over faces: 0.43 to 0.45 on the synthetic
face (docs/accuracy.md)."""
FRAMING_STD = 0.066
"""Of the gain over framings of one face (docs/accuracy.txt)."""
LOOK_SHORTFALL = 0.12
"""Looks fall short of the person's own most by a half normal share with this spread: assumed."""
LOOK_S = 4.0
"""Mean time for which a look is held before the next one in the same direction: assumed."""
FIXATION_DEG, FIXATION_S = 0.5, 0.5
"""Wander of a held gaze, and the mean time for which it holds one position."""
LATENCY_S = {"healthy": 0.27, "PD": 0.27, "PSP": 0.9}
"""Saccade latency: PSP 0.903 s, controls 0.268 s (published means; PD like the controls)."""
JITTER = (0.0018, 0.5)
"""Median and logarithmic spread of the landmarks' white jitter, in eye widths: noise floors of
0.006 (0.003 to 0.018) in recordings of people at rest."""
DRIFT, DRIFT_S = 0.003, 0.3
"""Slow noise: ranges at rest are twice the noise floor in these recordings."""

EYE_WIDTH_PX = 60.0
IRIS_WIDTH_PX = EYE_WIDTH_PX * IRIS_DIAMETER_MM / CANTHAL_DISTANCE_MM[0]
FACE_PX = 220.0
READY_S = 3.0
"""The task begins with a look at the camera."""
SECOND_PASS_EVERY = 10


@dataclass(frozen=True, slots=True)
class Cohort:
    """A kind of people.

    Attributes
    ----------
    name : str
    kind : {"healthy", "PD", "PSP"}
    age_years : float
    up_share, down_share : (float, float)
        Bounds of the share of the healthy range that is left, drawn evenly.
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
    """What is drawn once for a person.

    Attributes
    ----------
    up, down : float
        Their farthest looks as measured offsets, in eye widths.
    eye_widths_per_deg : float
        Of a small movement, as measured.
    down_deg, open_ear, blinks_per_min, latency_s, jitter : float
    framing_gain, second_gain : float
        Relative gains of the two framings of the face.
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
    """Draw a person of a cohort."""
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
    """Return the app's guided task: the camera for `READY_S`, then up and down in equal parts.

    The app asks for one round; more rounds ask for up and down in turn, in the same time.
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
    """Compute the range of all looks of a person who looks up and down for ever, without noise."""
    short = np.abs(LOOK_SHORTFALL * rng.normal(size=(2, 4000)))
    wander = FIXATION_DEG * person.eye_widths_per_deg * rng.normal(size=(2, 4000))
    looks = np.array([[-person.up], [person.down]]) * (1 - short) + wander
    top, bottom = np.quantile(looks, (0.05, 0.95))
    return float(bottom - top)


def record(person: Person, task: Sequence[Phase], fps: float, rng: np.random.Generator) -> Track:
    """Return the track of a person who does a task of `make_task`."""
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
    second = np.arange(0, times_s.size, SECOND_PASS_EVERY)
    turned = person.second_gain * gaze[second] + noise[second]
    turned += person.jitter * rng.normal(size=second.size)
    return Track(
        frame_index=np.arange(times_s.size, dtype=np.int64),
        times_s=times_s,
        landmarks=landmarks,
        second_pass_sample=second,
        second_pass_landmarks=make_landmarks(ear[second], turned, gaze[second], rng, person.jitter),
        second_pass_turn=np.zeros(second.size, dtype=np.int64),
        info=_describe(times_s.size, fps),
    )


def _hold(
    rng: np.random.Generator, times_s: Float64Array, mean_s: float, draw: Draw
) -> Float64Array:
    """Return values (N,) that hold for exponentially distributed times of this mean."""
    changes = rng.random(times_s.size) < -np.expm1(-times_s[1] / mean_s)
    numbers = np.cumsum(changes)
    held: Float64Array = draw(int(numbers[-1]) + 1)[numbers]
    return held


def _lower_lids(person: Person, gaze: Float64Array) -> Float64Array:
    """Return the share of the fissure (N,) that is left as the lids follow the gaze down."""
    farthest = max(person.down, 1e-9)
    down_deg = person.down_deg * np.clip(gaze / farthest, 0.0, 1.0)
    share: Float64Array = 1 - (1 - LOWERED_SHARE) * down_deg / LOWERED_DEG
    return share


def _blink(person: Person, times_s: Float64Array, rng: np.random.Generator) -> Float64Array:
    """Return the closure (N,) of the lids, 0 to 1, by blinks that come independently."""
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
) -> NDArray[np.float32]:
    """Return landmarks (N, K, 2) of a still, upright face.

    Parameters
    ----------
    ear, vertical : ndarray, shape (N,), float64
        Lid opening and vertical offset that the landmarks show.
    gaze : ndarray, shape (N,), float64
        Offset without noise: the upper lid follows it.
    rng : numpy.random.Generator
    jitter : float
        White jitter of each point, in eye widths.

    Returns
    -------
    ndarray, shape (N, K, 2), float32
    """
    points = np.zeros((ear.size, LANDMARK_COUNT, 2))
    column = {index: n for n, index in enumerate(FACE_MESH_INDICES)}
    for index, (x, y, _) in RIGID_POINTS.items():
        points[:, column[index]] = (320 + x * FACE_PX, 200 + y * FACE_PX)
    upper = 200 + EYE_WIDTH_PX * (np.maximum(gaze, -0.05) - np.median(ear) / 2)
    lower = upper + EYE_WIDTH_PX * ear
    for canthi, uppers, lowers, iris, centre_x in (
        ((362, 263), (385, 387, 386), (380, 373, 374), 473, 400.0),
        ((33, 133), (160, 158, 159), (144, 153, 145), 468, 240.0),
    ):
        for canthus, side in zip(canthi, (-1, 1), strict=True):
            points[:, column[canthus]] = (centre_x + side * EYE_WIDTH_PX / 2, 200)
        for x, up, down in zip((-10, 10, 0), uppers, lowers, strict=True):
            points[:, column[up]] = np.column_stack((np.full(ear.size, centre_x + x), upper))
            points[:, column[down]] = np.column_stack((np.full(ear.size, centre_x + x), lower))
        middle = np.column_stack((np.full(ear.size, centre_x), 200 + vertical * EYE_WIDTH_PX))
        points[:, column[iris]] = middle
        for ring, shift in enumerate(((1, 0), (0, -1), (-1, 0), (0, 1)), start=iris + 1):
            points[:, column[ring]] = middle + np.array(shift) * IRIS_WIDTH_PX / 2
    points += EYE_WIDTH_PX * jitter / 4 * rng.normal(size=points.shape)
    return points.astype(np.float32)


def _describe(frames: int, fps: float) -> TrackInfo:
    """Return what a good recording of a phone says of itself."""
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
