"""The specification of a synthetic clip: gaze, lid closures, head, image quality.

`tracker.lab.synthetic` makes a video of it.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracker.lab.faces import FACES

Image = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]
Int64Array = NDArray[np.int64]
Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

CLOSED_DEPTH = 0.9
"""The lids count as closed while a closure has at least this share of its depth."""
ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "veryfast", "bf": "2"}),
    "hevc": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "b": "0"}),
    "av1": ("libsvtav1", {"preset": "12"}),
    "mpeg4": ("mpeg4", {}),
}
"""FFmpeg's encoder for each codec, with settings that make it fast."""
LEFT, RIGHT = 0, 1
"""Columns of arrays with one value for each eye, as in `kernels.landmarks`."""

# Time courses. A blink closes about twice as fast as it opens.
CLOSING_S, OPENING_S = 0.10, 0.20
"""Longest times to close and to open. A short closure takes 30 % of its time to close and 50 % to
open."""
SACCADE_S = 0.08
DRIFT_HZ = np.array([0.11, 0.23, 0.37, 0.61])
"""Frequencies of the waves that add up to a drift of the eyes."""
EXPOSURE_SAMPLES = 8
"""Number of moments within an exposure. A frame shows the mean of them."""
VISIBLE_DEPTH = 0.05
"""An annotated closure lasts while it has at least this share of its depth: less is not visible."""
LONGEST_BLINK_S = 0.5
"""A closure that stays closed for longer is a ``long_closure``."""
VFR_JITTER = 0.3
"""Largest shift of a frame in a clip with a variable frame rate (VFR), in frame intervals."""
VFR_DROPPED = 0.1
"""Share of the frames that are left out of a VFR clip."""
GLANCES_S = 120.0
"""Length of the clip of `glances_spec`."""
GLANCE_HOLDS_S = np.geomspace(0.4, 10.0, 8)
"""Times for which the glances of `glances_spec` are held, in seconds."""
CLOCK_HZ = {".mp4": 60_000, ".mov": 60_000, ".mkv": 1000, ".webm": 1000}
"""Timestamp ticks per second of each container.

60,000 is exact at every common frame rate, and MPEG-4 allows at most 65,535. Matroska counts
milliseconds.
"""
RANGES: dict[str, tuple[float, float]] = {
    "duration_s": (0.1, 7200.0),
    "fps": (1.0, 240.0),
    "width": (64, 4096),
    "height": (64, 4096),
    "lid_follow": (0.0, 1.0),
    "roll_deg": (-180.0, 180.0),
    "zoom": (0.2, 3.0),
    "shift_x_px": (-4096.0, 4096.0),
    "shift_y_px": (-4096.0, 4096.0),
    "sway_px": (0.0, 1000.0),
    "sway_period_s": (0.1, 3600.0),
    "noise_std": (0.0, 40.0),
    "blur_sigma_px": (0.0, 20.0),
    "start_time_s": (0.0, 3600.0),
    "crf": (0, 51),
    "seed": (0, 2**32 - 1),
    "onset_s": (0.0, 7200.0),
    "depth": (0.0, 1.0),
    "start_s": (0.0, 7200.0),
    "vertical": (-0.25, 0.25),
    "horizontal": (-0.25, 0.25),
    "turn_s": (0.005, 5.0),
    "drift": (0.0, 0.05),
    "exposure_s": (0.0, 0.1),
    "readout_s": (0.0, 0.1),
    "blinks_per_min": (0.0, 60.0),
    "gaze_amplitude": (0.0, 0.25),
}
"""Lowest and highest allowed value of each field. With integer limits, it is an integer."""


class SyntheticSetupError(Exception):
    """The portrait of a synthetic clip is missing. The message says which package to install."""


def _check_range(name: str, value: float) -> None:
    low, high = RANGES[name]
    if isinstance(low, int) and not isinstance(value, int):
        raise ValueError(f"{name} = {value!r}: must be a whole number")
    # Written as "not inside", so that NaN is refused.
    if not low <= value <= high:
        raise ValueError(f"{name} = {value!r}: must be from {low} to {high}")


@dataclass(frozen=True, slots=True)
class LidClosure:
    """A blink, a wink or a prolonged closure.

    The lids close along a raised cosine, stay at a plateau, and open along a raised cosine. Closing
    takes 30 % of the duration, at most `CLOSING_S`; opening takes 50 %, at most `OPENING_S`.

    Attributes
    ----------
    onset_s : float
        Seconds from the clip's start to the first movement.
    duration_s : float
        Seconds from the first movement to the last.
    depth : float, default 1.0
        Closure at the plateau: 0 = open, 1 = shut.
    eyes : {"both", "left", "right"}, default "both"
        Which eyes close.
    """

    onset_s: float
    duration_s: float
    depth: float = 1.0
    eyes: Literal["both", "left", "right"] = "both"

    def __post_init__(self) -> None:
        _check_range("onset_s", self.onset_s)
        _check_range("duration_s", self.duration_s)
        _check_range("depth", self.depth)
        if self.eyes not in ("both", "left", "right"):
            raise ValueError(f"eyes = {self.eyes!r}: must be 'both', 'left' or 'right'")

    @property
    def offset_s(self) -> float:
        return self.onset_s + self.duration_s

    @property
    def closing_s(self) -> float:
        return min(CLOSING_S, 0.3 * self.duration_s)

    @property
    def opening_s(self) -> float:
        return min(OPENING_S, 0.5 * self.duration_s)

    @property
    def peak_s(self) -> float:
        """Middle of the plateau, in seconds from the clip's start."""
        return (self.onset_s + self.closing_s + self.offset_s - self.opening_s) / 2

    @property
    def closed_s(self) -> float:
        """How long the closure has at least `CLOSED_DEPTH` of its depth, in seconds."""
        slope = 1 - np.arccos(1 - 2 * CLOSED_DEPTH) / np.pi
        moving_s = self.closing_s + self.opening_s
        return float(self.duration_s - moving_s + slope * moving_s)

    def closure_at(self, time_s: ArrayLike) -> Float64Array:
        """Return how far the lids are closed at times from the clip's start: 0 = open, 1 = shut.

        It holds for the eyes named by `eyes`. The times (seconds) and the result have one shape.
        """
        times_s = np.asarray(time_s, dtype=np.float64)
        fallen = (times_s - self.onset_s) / self.closing_s
        to_rise = (self.offset_s - times_s) / self.opening_s
        phase = np.clip(np.minimum(fallen, to_rise), 0, 1)
        return self.depth * (1 - np.cos(np.pi * phase)) / 2


@dataclass(frozen=True, slots=True)
class GazePhase:
    """A direction to which both eyes turn at `start_s`, and where they look until the next phase.

    Attributes
    ----------
    start_s : float
        Seconds from the clip's start. With 0, the clip begins with the eyes there, without a turn.
    vertical, horizontal : float
        Displacement of the iris from its place when the eye looks straight ahead, in canthal
        distances (from one corner of the eye to the other). Down and the subject's left are
        positive.
    turn_s : float
        Seconds in which the eyes turn there, along a raised cosine, from `start_s` on.
    """

    start_s: float
    vertical: float
    horizontal: float = 0.0
    turn_s: float = SACCADE_S

    def __post_init__(self) -> None:
        for name in ("start_s", "vertical", "horizontal", "turn_s"):
            _check_range(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """Everything that determines a synthetic clip. Equal specifications give identical frames.

    Raises ValueError for a value that is not allowed; `RANGES` holds most of the limits.

    Attributes
    ----------
    duration_s, fps : float
        Seconds, and frames a second. The clip has ``round(duration_s * fps)`` frames, unless
        `vfr` leaves some out.
    width, height : int
        Size in pixels: even numbers, because the video's chroma has half the resolution.
    closures : tuple of LidClosure
        Every blink, wink and prolonged closure.
    gaze : tuple of GazePhase
        In order of time. Before the first one, the gaze is 0: the primary position.
    drift : float
        Standard deviation of a slow drift of the eyes, in canthal distances (from corner to corner
        of an eye). The vertical and the horizontal gaze get different ones.
    face : str, default "astronaut"
        The portrait that is animated: a key of `tracker.lab.faces.FACES`.
    lid_follow : float, default 1.0
        How far the lids follow the vertical gaze: 0 = they stay, 1 = as a healthy person's. See
        `tracker.lab.faces.Face.lid_heights`.
    roll_deg : float
        Head roll, clockwise in the image.
    zoom : float
        At 1 the face fills 60 % of the frame's shorter side: about 77 px of canthal distance at
        720 px. Above 1.5 the frame cuts forehead and chin.
    shift_x_px, shift_y_px : float
        Displacement of the face from the frame's centre, to the right and down.
    sway_px, sway_period_s : float
        Amplitude and period of a slow sinusoidal drift of the head to the left and right. Up and
        down, the amplitude is half as large, and the period half as long.
    noise_std : float
        Standard deviation of noise in grey levels, independent for each channel.
    blur_sigma_px : float
        Standard deviation of a Gaussian blur, in pixels.
    exposure_s : float
        Time for which each row of a frame collects light: moving eyes are smeared.
    readout_s : float
        Time from the first row's exposure to the last row's (rolling shutter). A frame's timestamp
        is the moment at which the exposure of its first row begins, as on Android.
    dropouts_s : tuple of (float, float)
        Intervals [start, stop), in seconds from the clip's start, in which a plain background
        replaces the face.
    vfr : bool
        Whether to shift each timestamp at random, by up to `VFR_JITTER` of a frame interval, and to
        leave frames out at random, each with the probability `VFR_DROPPED`; never the first one.
    start_time_s : float
        Timestamp of the first frame. All other times of a specification count from that frame.
    codec : str
        A key of `ENCODERS`.
    crf : int
        Constant quality: 0 is best, 51 is worst.
    seed : int
        Seed of everything that is random: the noise, the drift and the VFR timestamps.
    """

    duration_s: float = 10.0
    fps: float = 30.0
    width: int = 1280
    height: int = 720
    closures: tuple[LidClosure, ...] = ()
    gaze: tuple[GazePhase, ...] = ()
    drift: float = 0.0
    face: str = "astronaut"
    lid_follow: float = 1.0
    roll_deg: float = 0.0
    zoom: float = 1.0
    shift_x_px: float = 0.0
    shift_y_px: float = 0.0
    sway_px: float = 0.0
    sway_period_s: float = 8.0
    noise_std: float = 0.0
    blur_sigma_px: float = 0.0
    exposure_s: float = 0.0
    readout_s: float = 0.0
    dropouts_s: tuple[tuple[float, float], ...] = ()
    vfr: bool = False
    start_time_s: float = 0.0
    codec: str = "h264"
    crf: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if name in RANGES:
                _check_range(name, getattr(self, name))
        for name, side in (("width", self.width), ("height", self.height)):
            if side % 2:
                raise ValueError(f"{name} = {side}: must be even")
        if self.codec not in ENCODERS:
            raise ValueError(f"codec = {self.codec!r}: must be one of {', '.join(ENCODERS)}")
        if self.face not in FACES:
            raise ValueError(f"face = {self.face!r}: must be one of {', '.join(FACES)}")
        if self.frame_count < 1:
            raise ValueError(f"duration_s = {self.duration_s}: no frame at {self.fps} fps")
        starts = [phase.start_s for phase in self.gaze]
        if starts != sorted(starts):
            raise ValueError(f"gaze = phases from {starts} s: must be in order of time")
        for start_s, stop_s in self.dropouts_s:
            if not 0 <= start_s < stop_s:
                raise ValueError(f"dropouts_s = ({start_s}, {stop_s}): must be 0 <= start < stop")

    @property
    def frame_count(self) -> int:
        """Number of frames, ``round(duration_s * fps)``, before `vfr` leaves some out."""
        return round(self.duration_s * self.fps)

    def closure_at(self, time_s: ArrayLike) -> Float64Array:
        """Return how far each eye is closed, shape (..., 2): 0 = open, 1 = shut; left eye first.

        `time_s`, shape (...), is in seconds from the clip's start.
        """
        times_s = np.asarray(time_s, dtype=np.float64)
        closure = np.zeros((*times_s.shape, 2))
        for event in self.closures:
            for eye, name in ((LEFT, "left"), (RIGHT, "right")):
                if event.eyes in ("both", name):
                    np.maximum(closure[..., eye], event.closure_at(times_s), out=closure[..., eye])
        return closure

    def gaze_at(self, time_s: ArrayLike) -> tuple[Float64Array, Float64Array]:
        """Return the vertical and the horizontal gaze, each shape (...), in canthal distances.

        A canthal distance is that between the corners of an eye. Down and the subject's left are
        positive; see `GazePhase`. The drift is included. `time_s` (...) is in seconds from the
        clip's start.
        """
        times_s = np.asarray(time_s, dtype=np.float64)
        gaze = np.zeros((2, *times_s.shape))
        before = np.zeros(2)
        for phase in self.gaze:
            target = np.array([phase.vertical, phase.horizontal])
            # A clip that begins with a phase starts without a saccade.
            lead_s = phase.turn_s if phase.start_s == 0 else 0.0
            done = np.clip((times_s + lead_s - phase.start_s) / phase.turn_s, 0, 1)
            gaze += np.multiply.outer(target - before, (1 - np.cos(np.pi * done)) / 2)
            before = target
        if self.drift > 0:
            gaze += self._drift_at(times_s)
        return gaze[0], gaze[1]

    def _drift_at(self, times_s: Float64Array) -> Float64Array:
        """Return the drift of the gaze, shape (2, ...): first vertical, then horizontal.

        It is in canthal distances (from corner to corner of an eye). `times_s` (...) is in seconds
        from the clip's start.
        """
        phases = np.random.default_rng((self.seed, 5)).uniform(0, 2 * np.pi, (2, DRIFT_HZ.size))
        angles = 2 * np.pi * np.multiply.outer(times_s, DRIFT_HZ)
        waves = np.stack([np.sin(angles + phase) for phase in phases])
        drift: Float64Array = self.drift * waves.sum(axis=-1) / np.sqrt(DRIFT_HZ.size / 2)
        return drift

    def exposed_at(self, time_s: ArrayLike, row_share: float) -> Float64Array:
        """Return the moments at which a row of a frame collects light; the frame shows their mean.

        Parameters
        ----------
        time_s : array_like, shape (...)
            Timestamps of frames, in seconds from the clip's start.
        row_share : float
            Which row: 0 = the first, 1 = the last. Later rows are exposed later (rolling shutter).

        Returns
        -------
        ndarray, shape (..., EXPOSURE_SAMPLES), float64
            Seconds from the clip's start; shape (..., 1) if `exposure_s` is 0.
        """
        begin_s = np.asarray(time_s, dtype=np.float64) + row_share * self.readout_s
        if self.exposure_s == 0:
            return begin_s[..., None]
        shares = (np.arange(EXPOSURE_SAMPLES) + 0.5) / EXPOSURE_SAMPLES
        return np.add.outer(begin_s, self.exposure_s * shares)

    def face_present_at(self, time_s: ArrayLike) -> BoolArray:
        """Return whether the face is in the picture, shape (...), bool: not in `dropouts_s`.

        `time_s`, shape (...), is in seconds from the clip's start.
        """
        times_s = np.asarray(time_s, dtype=np.float64)
        present = np.ones(times_s.shape, dtype=np.bool_)
        for start_s, stop_s in self.dropouts_s:
            present &= ~((times_s >= start_s) & (times_s < stop_s))
        return present


def make_spec(
    duration_s: float = 24.0,
    *,
    blinks_per_min: float = 15.0,
    gaze_amplitude: float = 0.12,
    seed: int = 0,
    **fields: Any,
) -> ClipSpec:
    """Specify a clip of a person who looks ahead, up, ahead and down, and blinks.

    Each look lasts a quarter of the clip.

    Parameters
    ----------
    duration_s : float, default 24.0
        Length of the clip in seconds.
    blinks_per_min : float, default 15.0
        Rate of blinks. They last 0.2 to 0.4 s, at random times.
    gaze_amplitude : float, default 0.12
        Iris displacement up and down, in canthal distances (from corner to corner of an eye). At 0
        the gaze stays fixed.
    seed : int, default 0
        Seed of the blinks' times and of everything else that is random.
    **fields
        Other fields of `ClipSpec`. `closures` replaces the blinks, and `gaze` the looks.

    Returns
    -------
    ClipSpec

    Raises
    ------
    ValueError
        A value is out of range; the message names the field and the range.
    """
    _check_range("duration_s", duration_s)
    _check_range("blinks_per_min", blinks_per_min)
    _check_range("gaze_amplitude", gaze_amplitude)
    _check_range("seed", seed)
    rng = np.random.default_rng((seed, 0))
    count = round(blinks_per_min * duration_s / 60)
    slot_s = duration_s / max(count, 1)
    # Onsets lie in the first 60 % of their slots, and the shortest slot lasts 1 s, so that blinks
    # never overlap.
    onsets_s = (np.arange(count) + rng.uniform(0.1, 0.6, count)) * slot_s
    durations_s = np.minimum(rng.uniform(0.2, 0.4, count), 0.4 * slot_s)
    protocol: dict[str, Any] = {
        "closures": tuple(
            LidClosure(float(onset_s), float(blink_s))
            for onset_s, blink_s in zip(onsets_s, durations_s, strict=True)
        ),
        "gaze": tuple(
            GazePhase(quarter * duration_s / 4, vertical)
            for quarter, vertical in enumerate((0.0, -gaze_amplitude, 0.0, gaze_amplitude))
        ),
    }
    return ClipSpec(duration_s=duration_s, seed=seed, **(protocol | fields))


def glances_spec(amplitude: float = 0.2, *, seed: int = 0, **fields: Any) -> ClipSpec:
    """Specify a clip of two minutes of glances down and up, each held for one of `GLANCE_HOLDS_S`.

    There are no blinks unless `closures` is given: the lids move with the gaze alone.

    Parameters
    ----------
    amplitude : float, default 0.2
        Iris displacement down and up, 0 to 0.25 canthal distances (from corner to corner of an
        eye). 0.2 is 37 degrees.
    seed : int, default 0
        Seed of everything that is random, such as the order in which the holds are taken.
    **fields
        Other fields of `ClipSpec`. `gaze` replaces the glances, and `duration_s` the two minutes.

    Returns
    -------
    ClipSpec
        The eyes look straight ahead for 2 s at the start, and for 0.4 to 7.6 s more before each
        glance. The first glance is down, the next one up, and so on. Each of `GLANCE_HOLDS_S`
        occurs once down and once up.
    """
    _check_range("gaze_amplitude", amplitude)
    rng = np.random.default_rng((seed, 4))
    holds_s = np.stack([rng.permutation(GLANCE_HOLDS_S) for _ in range(2)], axis=1).ravel()
    rests_s = rng.permutation(np.linspace(0.4, 7.6, holds_s.size))
    gaze, time_s = [GazePhase(0.0, 0.0)], 2.0
    for index, (rest_s, hold_s) in enumerate(zip(rests_s.tolist(), holds_s.tolist(), strict=True)):
        time_s += rest_s
        gaze.append(GazePhase(time_s, -amplitude if index % 2 else amplitude))
        time_s += hold_s
        gaze.append(GazePhase(time_s, 0.0))
    glances: dict[str, Any] = {"duration_s": GLANCES_S, "gaze": tuple(gaze), "seed": seed}
    return ClipSpec(**(glances | fields))


def demo_spec() -> ClipSpec:
    """Specify the demo clip: that of `make_spec` with one prolonged closure.

    The head sways, and the picture is noisy and blurred, as if it were filmed by hand in a room.
    The eyes look up and down by 33 degrees each, as healthy people can. The prolonged closure, of
    1.5 s, replaces the blinks within 0.5 s of it.
    """
    spec = make_spec(24.0, gaze_amplitude=0.18, sway_px=8.0, noise_std=3.0, blur_sigma_px=0.6)
    # It replaces the blinks near it, while the eyes look down.
    long_closure = LidClosure(20.0, 1.5)
    kept = (
        event
        for event in spec.closures
        if event.offset_s < long_closure.onset_s - 0.5
        or event.onset_s > long_closure.offset_s + 0.5
    )
    closures = sorted((*kept, long_closure), key=lambda event: event.onset_s)
    return replace(spec, closures=tuple(closures))
