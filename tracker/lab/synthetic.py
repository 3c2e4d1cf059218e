"""Synthetic clips: a real face whose lids close and whose irises move on command, and the truth.

The face is the public-domain NASA portrait inside the scikit-image wheel. Its eyes are drawn anew
in every frame, in coordinates of the eye whose origin and unit are typed below, so that the truth
owes nothing to the tracker: what is commanded is what is drawn.

"left" is the subject's left. Gaze and lids are in canthal distances (inner to outer canthus); down
and the subject's left are positive, as in `kernels.geometry`.
"""

import csv
import functools
import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Image = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]
Int64Array = NDArray[np.int64]
Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

LEFT, RIGHT = 0, 1
"""Columns of the arrays with one value for each eye, as in `kernels.landmarks`."""

# The portrait, in its own pixels. Read off it by eye, enlarged 14 times.
PORTRAIT_FILE = "skimage/data/astronaut.png"
PORTRAIT_SIDE_PX = 512
CANTHI_PX = np.array([[[237.0, 105.3], [256.3, 104.4]], [[195.6, 100.8], [213.8, 103.9]]])
"""Canthi of the left and the right eye, each from the subject's right to the left, (x, y)."""
FACE_CENTRE_PX = np.array([224.0, 124.0])
ENLARGEMENT = 4
SHORT_SIDE_PX = 180.0
"""Portrait pixels across the frame's shorter side at zoom 1: the face fills 60 % of it."""

# The drawn eye, in canthal distances.
IRIS_RADIUS = 11.7 / 30 / 2
"""An iris 11.7 mm wide in an eye of 30 mm."""
PUPIL_RADIUS = 0.4 * IRIS_RADIUS
PRIMARY_VERTICAL_OFFSET = -0.05
"""Iris centre minus canthus midpoint at gaze 0, which looks at the camera: the portrait's own."""
UPPER_LID_HEIGHT, LOWER_LID_HEIGHT = 0.225, 0.125
LID_EXPONENT = 2.5
"""The lid edges are ``height * (1 - |2 u| ** LID_EXPONENT)``, u from -0.5 to 0.5 along the axis."""
LOWER_LID_RISE = 0.1
"""Share of its height by which the lower lid rises to meet the upper one."""
LOWER_LID_FOLLOW = 0.5
"""How far the lower lid follows vertical gaze, as a share of how far the upper one does."""
SKIN_ABOVE, SKIN_BELOW = 0.40, 0.30
"""Height of the skin that stretches with each lid; the brows begin above it."""
LASH_BAND = 0.10
"""Height of the skin at the upper lid's edge that moves with it unstretched."""
BARE_AT_CLOSURE = 0.6
"""Closure from which the upper lid is all bare skin, the portrait's eyeliner rolled out."""
BOX_U, BOX_V = (-0.85, 0.85), (-0.80, 0.55)
"""What is drawn of an eye; outside it the portrait is untouched."""

# Colours, blue-green-red.
PLAIN_BGR = (150, 148, 142)
SCLERA, CARUNCLE, IRIS, LIMBUS = np.array(
    [[205, 208, 214], [130, 140, 190], [38, 62, 92], [22, 32, 48]], np.float32
)
PUPIL, HIGHLIGHT, UPPER_LASHES, LOWER_RIM = np.array(
    [[14, 14, 18], [245, 245, 245], [28, 36, 52], [70, 80, 120]], np.float32
)

# Time courses. A blink closes about twice as fast as it opens.
CLOSING_S, OPENING_S = 0.10, 0.20
"""Longest closing and opening; a short closure spends at most 30 % and 50 % of its time on them."""
SACCADE_S = 0.08
VISIBLE_DEPTH = 0.05
"""Share of a closure's depth from which an annotator would see it: its first and last frame."""
CLOSED_DEPTH = 0.9
"""Share of a closure's depth from which the lids count as closed."""
LONGEST_BLINK_S = 0.5
"""A closure that stays closed for longer is a ``long_closure``."""

VFR_JITTER = 0.3
"""Largest shift of a frame of a VFR clip, in frame intervals."""
VFR_DROPPED = 0.1
"""Share of the frames that a VFR clip lacks."""

CLOCK_HZ = {".mp4": 60_000, ".mov": 60_000, ".mkv": 1000, ".webm": 1000}
"""Timestamp ticks per second in each container that can be written. 60,000 is exact at every common
frame rate, and MPEG-4 allows at most 65,535; Matroska has milliseconds."""

ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "veryfast", "bf": "2"}),
    "hevc": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "b": "0"}),
    "av1": ("libsvtav1", {"preset": "12"}),
    "mpeg4": ("mpeg4", {}),
}
"""FFmpeg's encoder for each codec, and the settings that make it fast."""

_NOISE_MARGIN_PX = 64

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
    "blinks_per_min": (0.0, 60.0),
    "gaze_amplitude": (0.0, 0.25),
}
"""Allowed values, both ends included; integers where the ends are."""


class SyntheticSetupError(Exception):
    """Something that only the generator needs is not installed."""


def _check_range(name: str, value: float) -> None:
    low, high = RANGES[name]
    if isinstance(low, int) and not isinstance(value, int):
        raise ValueError(f"{name} = {value!r}: must be a whole number")
    # Not the reverse comparison: NaN is neither inside nor outside.
    if not low <= value <= high:
        raise ValueError(f"{name} = {value!r}: must be from {low} to {high}")


@dataclass(frozen=True, slots=True)
class LidClosure:
    """A blink, a wink or a prolonged closure: a raised cosine down, a plateau, and one up.

    Attributes
    ----------
    onset_s, duration_s : float
        From the clip's start; from the first movement to the last.
    depth : float, default 1.0
        Closure at the plateau: 0 = open, 1 = shut.
    eyes : {"both", "left", "right"}, default "both"
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
        """Middle of the plateau."""
        return (self.onset_s + self.closing_s + self.offset_s - self.opening_s) / 2

    @property
    def closed_s(self) -> float:
        """Time at `CLOSED_DEPTH` of the depth or deeper."""
        slope = 1 - np.arccos(1 - 2 * CLOSED_DEPTH) / np.pi
        moving_s = self.closing_s + self.opening_s
        return float(self.duration_s - moving_s + slope * moving_s)

    def closure_at(self, time_s: ArrayLike) -> Float64Array:
        """Closure of the lids it moves at times of any shape, from the clip's start."""
        times_s = np.asarray(time_s, dtype=np.float64)
        fallen = (times_s - self.onset_s) / self.closing_s
        to_rise = (self.offset_s - times_s) / self.opening_s
        phase = np.clip(np.minimum(fallen, to_rise), 0, 1)
        return self.depth * (1 - np.cos(np.pi * phase)) / 2


@dataclass(frozen=True, slots=True)
class GazePhase:
    """Where both eyes look from `start_s` on, reached by a saccade of `SACCADE_S`.

    Attributes
    ----------
    start_s : float
        From the clip's start.
    vertical, horizontal : float
        Iris displacement from the primary position, in canthal distances.
    """

    start_s: float
    vertical: float
    horizontal: float = 0.0

    def __post_init__(self) -> None:
        for name in ("start_s", "vertical", "horizontal"):
            _check_range(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """All that determines a clip; the same specification renders the same frames bit for bit.

    Attributes
    ----------
    duration_s, fps : float
        ``round(duration_s * fps)`` frames, before a VFR clip loses some.
    width, height : int
        Even: the video's chroma has half the resolution.
    closures : tuple of LidClosure
    gaze : tuple of GazePhase
        In order of time. Before the first one, gaze is 0, the primary position.
    lid_follow : float, default 0.5
        How far the upper lid moves with vertical gaze, as a share of the iris displacement.
    roll_deg : float
        Head roll, clockwise in the image.
    zoom : float
        1 = the face fills 60 % of the frame's shorter side, about 77 px of canthal distance at
        720 px. Above 1.5 the picture cuts forehead and chin.
    shift_x_px, shift_y_px : float
        Displacement of the face from the frame's centre.
    sway_px, sway_period_s : float
        Amplitude and period of a slow sinusoidal drift of the head, half as much vertically.
    noise_std : float
        Grey levels, independent for each channel, before they are rounded.
    blur_sigma_px : float
        Gaussian.
    dropouts_s : tuple of (float, float)
        Half-open intervals from the clip's start in which a plain background replaces the face.
    vfr : bool
        Jitter the timestamps by up to `VFR_JITTER` and leave out `VFR_DROPPED` of the frames.
    start_time_s : float
        Timestamp of the first frame. Other times of a specification do not include it.
    codec : str
        A key of `ENCODERS`.
    crf : int
        Constant quality: 0 is best, 51 worst.
    seed : int
        Of the noise and of the VFR timestamps.
    """

    duration_s: float = 10.0
    fps: float = 30.0
    width: int = 1280
    height: int = 720
    closures: tuple[LidClosure, ...] = ()
    gaze: tuple[GazePhase, ...] = ()
    lid_follow: float = 0.5
    roll_deg: float = 0.0
    zoom: float = 1.0
    shift_x_px: float = 0.0
    shift_y_px: float = 0.0
    sway_px: float = 0.0
    sway_period_s: float = 8.0
    noise_std: float = 0.0
    blur_sigma_px: float = 0.0
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
        """Frames of the nominal rate; a VFR clip has fewer."""
        return round(self.duration_s * self.fps)

    def closure_at(self, time_s: ArrayLike) -> Float64Array:
        """Closure of each eye, shape (..., 2), at times from the clip's start, shape (...)."""
        times_s = np.asarray(time_s, dtype=np.float64)
        closure = np.zeros((*times_s.shape, 2))
        for event in self.closures:
            for eye, name in ((LEFT, "left"), (RIGHT, "right")):
                if event.eyes in ("both", name):
                    np.maximum(closure[..., eye], event.closure_at(times_s), out=closure[..., eye])
        return closure

    def gaze_at(self, time_s: ArrayLike) -> tuple[Float64Array, Float64Array]:
        """Vertical and horizontal gaze, shape (...), at times from the clip's start."""
        times_s = np.asarray(time_s, dtype=np.float64)
        gaze = np.zeros((2, *times_s.shape))
        before = np.zeros(2)
        for phase in self.gaze:
            target = np.array([phase.vertical, phase.horizontal])
            # A clip that begins with a phase begins in it.
            lead_s = SACCADE_S if phase.start_s == 0 else 0.0
            done = np.clip((times_s + lead_s - phase.start_s) / SACCADE_S, 0, 1)
            gaze += np.multiply.outer(target - before, (1 - np.cos(np.pi * done)) / 2)
            before = target
        return gaze[0], gaze[1]

    def face_present_at(self, time_s: ArrayLike) -> BoolArray:
        """Whether there is a face, shape (...), at times from the clip's start."""
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
    """Make the protocol's clip: centre, up, centre, down, a quarter each, with blinks.

    Parameters
    ----------
    duration_s : float, default 24.0
    blinks_per_min : float, default 15.0
        Blinks of 0.2 to 0.4 s, spread over the clip at random times.
    gaze_amplitude : float, default 0.12
        Iris displacement up and down, in canthal distances. 0 = the gaze stays fixed.
    seed : int, default 0
        Of the blinks' times and of everything random in the clip.
    **fields
        Other fields of `ClipSpec`; `closures` and `gaze` replace those of the protocol.

    Returns
    -------
    ClipSpec

    Raises
    ------
    ValueError
        A value is out of range; the message names it and the range.
    """
    _check_range("duration_s", duration_s)
    _check_range("blinks_per_min", blinks_per_min)
    _check_range("gaze_amplitude", gaze_amplitude)
    _check_range("seed", seed)
    rng = np.random.default_rng((seed, 0))
    count = round(blinks_per_min * duration_s / 60)
    slot_s = duration_s / max(count, 1)
    # Kept to the first 60 % of their slots, blinks never meet: the shortest slot lasts 1 s.
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


def demo_spec() -> ClipSpec:
    """Make the demo's clip: the protocol and a prolonged closure, filmed by hand in a room."""
    spec = make_spec(24.0, sway_px=8.0, noise_std=3.0, blur_sigma_px=0.6)
    # While the eyes look down, in place of the blinks of that time.
    long_closure = LidClosure(20.0, 1.5)
    kept = (
        event
        for event in spec.closures
        if event.offset_s < long_closure.onset_s - 0.5
        or event.onset_s > long_closure.offset_s + 0.5
    )
    closures = sorted((*kept, long_closure), key=lambda event: event.onset_s)
    return replace(spec, closures=tuple(closures))


@dataclass(frozen=True, slots=True)
class ClosureTruth:
    """A lid closure as it is in the clip.

    Attributes
    ----------
    onset_s, peak_s, offset_s : float
        Stream time, which includes `ClipSpec.start_time_s`.
    depth : float
    eyes : {"both", "left", "right"}
    kind : {"blink", "long_closure"}
    start, peak, end, closed_first, closed_last : int or None
        Frames that show a face, both ends inclusive as in the annotated recordings: from
        `VISIBLE_DEPTH` to it, the deepest one, and from `CLOSED_DEPTH` to it. None: no such frame.
    """

    onset_s: float
    peak_s: float
    offset_s: float
    depth: float
    eyes: str
    kind: Literal["blink", "long_closure"]
    start: int | None
    peak: int | None
    end: int | None
    closed_first: int | None
    closed_last: int | None


@dataclass(frozen=True, slots=True)
class Truth:
    """What is drawn in each frame of a clip.

    Attributes
    ----------
    spec : ClipSpec
    ticks : ndarray, shape (N,), int64
        Timestamps in units of ``1 / clock_hz`` seconds.
    clock_hz : int
    times_s : ndarray, shape (N,), float64
        The same in seconds.
    closure : ndarray, shape (N, 2), float64
        0 = open, 1 = shut; the left eye in column `LEFT`, the right one in `RIGHT`.
    fissure : ndarray, shape (N, 2), float64
        Height of the lid opening at its middle, in canthal distances; gaze moves the lids too.
    gaze_vertical, gaze_horizontal : ndarray, shape (N,), float64
        Iris displacement from the primary position in canthal distances.
    face_present : ndarray, shape (N,), bool
    closures : tuple of ClosureTruth
    """

    spec: ClipSpec
    ticks: Int64Array
    clock_hz: int
    times_s: Float64Array
    closure: Float64Array
    fissure: Float64Array
    gaze_vertical: Float64Array
    gaze_horizontal: Float64Array
    face_present: BoolArray
    closures: tuple[ClosureTruth, ...]


def compute_truth(spec: ClipSpec, clock_hz: int = CLOCK_HZ[".mp4"], repeats: int = 1) -> Truth:
    """Compute what every frame of a clip shows, without rendering any.

    Parameters
    ----------
    spec : ClipSpec
    clock_hz : int, default 60000
        Ticks per second of the container: timestamps are rounded to it.
    repeats : int, default 1
        How often the clip is shown, one after the other.

    Returns
    -------
    Truth
    """
    frame = np.arange(spec.frame_count, dtype=np.float64)
    if spec.vfr:
        rng = np.random.default_rng((spec.seed, 1))
        jitter = rng.uniform(-VFR_JITTER, VFR_JITTER, frame.size)
        kept = rng.random(frame.size) >= VFR_DROPPED
        jitter[0], kept[0] = 0.0, True
        frame = (frame + jitter)[kept]
    start_tick = round(spec.start_time_s * clock_hz)
    ticks = np.rint(frame / spec.fps * clock_hz).astype(np.int64)
    times_s = ticks / clock_hz
    closure = spec.closure_at(times_s)
    gaze_vertical, gaze_horizontal = spec.gaze_at(times_s)
    upper, lower = _lid_heights(closure, gaze_vertical[:, None], spec.lid_follow)
    face_present = spec.face_present_at(times_s)
    loop_ticks = _loop_ticks(spec, clock_hz)
    closures = [
        _closure_truth(
            event, times_s, face_present, (start_tick + n * loop_ticks) / clock_hz, n * ticks.size
        )
        for n in range(repeats)
        for event in sorted(spec.closures, key=lambda event: event.onset_s)
    ]
    all_ticks = np.add.outer(np.arange(repeats) * loop_ticks + start_tick, ticks).ravel()
    return Truth(
        spec=spec,
        ticks=all_ticks,
        clock_hz=clock_hz,
        times_s=all_ticks / clock_hz,
        closure=np.tile(closure, (repeats, 1)),
        fissure=np.tile(lower - upper, (repeats, 1)),
        gaze_vertical=np.tile(gaze_vertical, repeats),
        gaze_horizontal=np.tile(gaze_horizontal, repeats),
        face_present=np.tile(face_present, repeats),
        closures=tuple(closures),
    )


def _loop_ticks(spec: ClipSpec, clock_hz: int) -> int:
    return round(spec.frame_count / spec.fps * clock_hz)


def _closure_truth(
    event: LidClosure,
    times_s: Float64Array,
    face_present: BoolArray,
    shift_s: float,
    shift_frames: int,
) -> ClosureTruth:
    share = event.closure_at(times_s) / event.depth if event.depth > 0 else 0 * times_s
    visible = np.flatnonzero((share >= VISIBLE_DEPTH) & face_present) + shift_frames
    closed = np.flatnonzero((share >= CLOSED_DEPTH) & face_present) + shift_frames
    peak: int | None = None
    if visible.size:
        # Of the equally deep frames of a plateau, the one nearest to its middle.
        # Rounded, so that equals tie in spite of rounding errors: the first of them counts.
        distance_s = np.round(np.abs(times_s[visible - shift_frames] - event.peak_s), 9)
        depths = np.round(share[visible - shift_frames], 9)
        peak = int(visible[np.lexsort((distance_s, -depths))[0]])
    return ClosureTruth(
        onset_s=event.onset_s + shift_s,
        peak_s=event.peak_s + shift_s,
        offset_s=event.offset_s + shift_s,
        depth=event.depth,
        eyes=event.eyes,
        kind="long_closure" if event.closed_s > LONGEST_BLINK_S else "blink",
        start=int(visible[0]) if visible.size else None,
        peak=peak,
        end=int(visible[-1]) if visible.size else None,
        closed_first=int(closed[0]) if closed.size else None,
        closed_last=int(closed[-1]) if closed.size else None,
    )


def render_frame(spec: ClipSpec, time_s: float) -> Image:
    """Draw the picture at one moment of a clip.

    Parameters
    ----------
    spec : ClipSpec
    time_s : float
        From the clip's start; `ClipSpec.start_time_s` is not included.

    Returns
    -------
    ndarray, shape (height, width, 3), uint8
        Blue-green-red, before any codec.

    Raises
    ------
    SyntheticSetupError
        The portrait is not installed.
    """
    return _renderer(spec).render(time_s)


@functools.lru_cache(maxsize=2)
def _renderer(spec: ClipSpec) -> "_Renderer":
    return _Renderer(spec)


class _Renderer:
    """Draws the frames of one clip; keeps what does not change from frame to frame."""

    def __init__(self, spec: ClipSpec) -> None:
        self._spec = spec
        self._still = None if spec.sway_px > 0 else self._place_face(0.0)
        self._noise: NDArray[np.int8] | None = None
        if spec.noise_std > 0:
            # One field larger than the frame, of which each frame adds another part: normal
            # numbers for each frame anew would take ten times as long as all the rest.
            rng = np.random.default_rng((spec.seed, 2))
            shape = (spec.height + _NOISE_MARGIN_PX, spec.width + _NOISE_MARGIN_PX, 3)
            noise = spec.noise_std * rng.standard_normal(shape, dtype=np.float32)
            self._noise = np.clip(np.rint(noise), -127, 127).astype(np.int8)

    def render(self, time_s: float) -> Image:
        spec = self._spec
        if spec.face_present_at(time_s):
            background, eyes = self._still or self._place_face(time_s)
            frame = background.copy()
            closure = spec.closure_at(time_s)
            vertical, horizontal = (float(gaze) for gaze in spec.gaze_at(time_s))
            for eye in eyes:
                frame[eye.rows, eye.columns] = eye.draw(
                    float(closure[eye.side]), vertical, horizontal, spec.lid_follow
                )
        else:
            frame = np.full((spec.height, spec.width, 3), PLAIN_BGR, dtype=np.uint8)
        if spec.blur_sigma_px > 0:
            frame = cv2.GaussianBlur(frame, (0, 0), spec.blur_sigma_px)  # type: ignore[assignment]
        if self._noise is not None:
            rng = np.random.default_rng((spec.seed, 3, round(time_s * 1e6)))
            top, left = rng.integers(0, _NOISE_MARGIN_PX, 2)
            noise = self._noise[top : top + spec.height, left : left + spec.width]
            frame = cv2.add(frame, noise, dtype=cv2.CV_8U)  # type: ignore[assignment]
        return frame

    def _place_face(self, time_s: float) -> "tuple[Image, list[_Eye]]":
        """Draw the portrait where the head is, and set up its eyes there."""
        spec = self._spec
        scale = spec.zoom * min(spec.width, spec.height) / SHORT_SIDE_PX
        right_to_left = CANTHI_PX[LEFT].sum(axis=0) - CANTHI_PX[RIGHT].sum(axis=0)
        # The portrait's own roll is taken out, so that the head's is `roll_deg`.
        angle = np.radians(spec.roll_deg) - np.arctan2(right_to_left[1], right_to_left[0])
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        phase = 2 * np.pi * time_s / spec.sway_period_s
        centre = np.array(
            [
                spec.width / 2 + spec.shift_x_px + spec.sway_px * np.sin(phase),
                spec.height / 2 + spec.shift_y_px + spec.sway_px / 2 * np.sin(2 * phase),
            ]
        )
        shift = centre - turn @ FACE_CENTRE_PX
        # Pixel centres are at whole numbers: x of the portrait is ENLARGEMENT * (x + 0.5) - 0.5 of
        # the enlarged one.
        from_enlarged = np.column_stack(
            (turn / ENLARGEMENT, shift + turn @ np.full(2, 0.5 / ENLARGEMENT - 0.5))
        )
        background = cv2.warpAffine(
            _enlarged_portrait(),
            from_enlarged,
            (spec.width, spec.height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        eyes = [_Eye.place(side, turn, shift, background.shape) for side in (LEFT, RIGHT)]
        return background, [eye for eye in eyes if eye is not None]  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class _Eye:
    """An eye's box in the frame, with the eye's own coordinates of each pixel.

    The origin is the midpoint of the canthi, the unit their distance; u runs along the axis to the
    subject's left, v across it to the chin.
    """

    side: int
    rows: slice
    columns: slice
    u: Float32Array
    v: Float32Array
    lid_shape: Float32Array
    edge: np.float32
    """Width over which edges are blended: the limbus is not sharp, nor is a pixel."""
    source: Float32Array
    """Coordinates in the enlarged portrait: ``source[..., i] + v * source_v[i]``."""
    source_v: Float32Array

    @classmethod
    def place(
        cls, side: int, turn: Float64Array, shift: Float64Array, frame_shape: tuple[int, ...]
    ) -> "_Eye | None":
        """Set up an eye where the portrait is turned and shifted to; None outside the frame."""
        midpoint, axis, width_px = _eye_axes(side)
        across = np.array([-axis[1], axis[0]])
        corners = np.array(
            [midpoint + width_px * (u * axis + v * across) for u in BOX_U for v in BOX_V]
        )
        corners = corners @ turn.T + shift
        left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
        right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
        right, bottom = min(right, frame_shape[1]), min(bottom, frame_shape[0])
        if right <= left or bottom <= top:
            return None
        y, x = np.mgrid[top:bottom, left:right]
        from_midpoint = (np.stack((x, y), axis=-1) - shift) @ np.linalg.inv(turn).T - midpoint
        u = (from_midpoint @ axis / width_px).astype(np.float32)
        unit = ENLARGEMENT * width_px
        origin = ENLARGEMENT * (midpoint + 0.5) - 0.5
        frame_px_per_unit = width_px * np.hypot(turn[0, 0], turn[1, 0])
        return cls(
            side=side,
            rows=slice(int(top), int(bottom)),
            columns=slice(int(left), int(right)),
            u=u,
            v=(from_midpoint @ across / width_px).astype(np.float32),
            lid_shape=_lid_shape(u, 0.5),
            edge=np.float32(max(1 / frame_px_per_unit, 0.02)),
            source=(origin + unit * u[..., None] * axis).astype(np.float32),
            source_v=(unit * across).astype(np.float32),
        )

    def draw(self, closure: float, vertical: float, horizontal: float, follow: float) -> Image:
        """Draw the eye, shape (box height, box width, 3)."""
        upper_height, lower_height = _lid_heights(np.float64(closure), np.float64(vertical), follow)
        upper = np.float32(upper_height) * self.lid_shape
        lower = np.float32(lower_height) * self.lid_shape
        picture = self._draw_skin(upper, lower, closure)
        # A lash line closes the last of the slit before the lid edges meet.
        opening = self._step(self.v - upper) * self._step(lower - self.v) * (self.lid_shape > 0)
        opening *= np.float32(min(float(lower_height - upper_height) / 0.03, 1.0))
        eyeball = self._draw_eyeball(upper, vertical, horizontal)
        _blend(picture, eyeball, opening)
        near_lids = np.minimum(4 * self.lid_shape, 1)
        rim = np.exp(-(((self.v - lower - 0.01) / 0.02) ** 2)) * near_lids
        _blend(picture, LOWER_RIM, np.float32(0.5 * (1 - closure)) * rim)
        lashes = np.exp(-(((self.v - upper + 0.005) / 0.022) ** 2)) * near_lids
        _blend(picture, UPPER_LASHES, np.float32(0.75) * lashes)
        return np.clip(picture + 0.5, 0, 255).astype(np.uint8)

    def _draw_skin(self, upper: Float32Array, lower: Float32Array, closure: float) -> Float32Array:
        """Draw the portrait's skin, stretched from where its lids are to where they shall be."""
        own_upper = -np.float32(UPPER_LID_HEIGHT) * self.lid_shape
        own_lower = np.float32(LOWER_LID_HEIGHT) * self.lid_shape
        top, bottom = own_upper - np.float32(SKIN_ABOVE), own_lower + np.float32(SKIN_BELOW)
        above = np.clip((self.v - top) / (upper - np.float32(LASH_BAND) - top), 0, 1)
        below = np.clip((bottom - self.v) / (bottom - lower), 0, 1)
        is_above = self.v < (upper + lower) / 2
        v = self.v + np.where(is_above, above * (own_upper - upper), below * (own_lower - lower))
        x = self.source[..., 0] + v * self.source_v[0]
        y = self.source[..., 1] + v * self.source_v[1]
        picture = cv2.remap(_enlarged_portrait(), x, y, cv2.INTER_LINEAR).astype(np.float32)
        bare = min(closure / BARE_AT_CLOSURE, 1.0)
        if bare > 0:
            skin = cv2.remap(_bare_portrait(), x, y, cv2.INTER_LINEAR).astype(np.float32)
            picture += np.float32(bare) * (skin - picture)
        return picture

    def _draw_eyeball(
        self, upper: Float32Array, vertical: float, horizontal: float
    ) -> Float32Array:
        x, y = np.float32(horizontal), np.float32(PRIMARY_VERTICAL_OFFSET + vertical)
        radius = np.hypot(self.u - x, self.v - y)
        # The ball turns away from the light towards the canthi, and the upper lid shades it.
        shade = (1 - 0.5 * np.minimum(np.abs(2 * self.u), 1) ** 3).astype(np.float32)
        eyeball: Float32Array = SCLERA * shade[..., None]
        inner = -self.u if self.side == LEFT else self.u
        _blend(eyeball, CARUNCLE, np.clip((inner - 0.36) / 0.08, 0, 1))
        iris = np.broadcast_to(IRIS, eyeball.shape).copy()
        _blend(iris, LIMBUS, np.clip((radius / np.float32(IRIS_RADIUS) - 0.75) / 0.25, 0, 1))
        _blend(iris, PUPIL, self._step(np.float32(PUPIL_RADIUS) - radius))
        _blend(eyeball, iris, self._step(np.float32(IRIS_RADIUS) - radius))
        eyeball *= (0.55 + 0.45 * np.clip((self.v - upper) / 0.12, 0, 1))[..., None]
        # A reflection on the cornea moves less than the iris.
        glint = np.hypot(
            self.u - np.float32(0.6 * horizontal - 0.02),
            self.v - np.float32(0.6 * vertical + PRIMARY_VERTICAL_OFFSET - 0.05),
        )
        _blend(eyeball, HIGHLIGHT, np.float32(0.9) * self._step(np.float32(0.03) - glint))
        return eyeball

    def _step(self, distance: Float32Array) -> Float32Array:
        """Return 0 outside (negative) and 1 inside, with an edge of `edge`."""
        share: Float32Array = np.clip(distance / self.edge + np.float32(0.5), 0, 1)
        return share


def _lid_shape(u: NDArray[Any], half_width: float) -> Float32Array:
    height = np.maximum(1 - np.abs(u / half_width) ** LID_EXPONENT, 0)
    return np.asarray(height, dtype=np.float32)


def _lid_heights(
    closure: Float64Array | np.float64, vertical: Float64Array | np.float64, follow: float
) -> tuple[Float64Array, Float64Array]:
    """Compute v of the upper and the lower lid's edge at their middle, in canthal distances."""
    upper_open = -UPPER_LID_HEIGHT + follow * vertical
    lower_open = LOWER_LID_HEIGHT + LOWER_LID_FOLLOW * follow * vertical
    lower = lower_open * (1 - LOWER_LID_RISE * closure)
    upper = lower - (1 - closure) * (lower_open - upper_open)
    return np.asarray(upper), np.asarray(lower)


def _blend(picture: Float32Array, over: Float32Array, weight: Float32Array) -> None:
    """Lay a picture or a colour over a picture (h, w, 3), in place, by a weight (h, w)."""
    picture += weight[..., None] * (over - picture)


def _eye_axes(side: int) -> tuple[Float64Array, Float64Array, float]:
    """Return the midpoint, the unit vector and the length of an eye's axis in the portrait."""
    first, second = CANTHI_PX[side]
    width_px = float(np.hypot(*(second - first)))
    return (first + second) / 2, (second - first) / width_px, width_px


@functools.cache
def _portrait() -> Image:
    missing = f"the test portrait ({PORTRAIT_FILE} of scikit-image) is missing: run `make setup`"
    try:
        # The file alone: to import the library takes dependencies that are not installed.
        path = importlib.metadata.distribution("scikit-image").locate_file(PORTRAIT_FILE)
    except importlib.metadata.PackageNotFoundError as error:
        raise SyntheticSetupError(missing) from error
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None or image.shape != (PORTRAIT_SIDE_PX, PORTRAIT_SIDE_PX, 3):
        raise SyntheticSetupError(missing)
    return image  # type: ignore[return-value]


@functools.cache
def _enlarged_portrait() -> Image:
    return _enlarge(_portrait())


@functools.cache
def _bare_portrait() -> Image:
    """Return the enlarged portrait with skin where its eyes, lashes and lid creases are."""
    y, x = np.mgrid[:PORTRAIT_SIDE_PX, :PORTRAIT_SIDE_PX]
    mask = np.zeros(x.shape, dtype=np.uint8)
    for side in (LEFT, RIGHT):
        midpoint, axis, width_px = _eye_axes(side)
        dx, dy = (x - midpoint[0]) / width_px, (y - midpoint[1]) / width_px
        u, v = dx * axis[0] + dy * axis[1], dy * axis[0] - dx * axis[1]
        # Wider than the eye: the lashes reach beyond the outer canthus.
        shape = _lid_shape(u, 0.78)
        mask |= (shape > 0) & (v > -0.36 * shape - 0.05) & (v < 0.2 * shape + 0.03)
    return _enlarge(cv2.inpaint(_portrait(), mask, 3, cv2.INPAINT_TELEA))  # type: ignore[arg-type]


def _enlarge(image: Image) -> Image:
    side_px = ENLARGEMENT * PORTRAIT_SIDE_PX
    return cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def write_clip(
    path: Path,
    spec: ClipSpec,
    *,
    repeats: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> Truth:
    """Encode a clip, and write its truth beside it.

    Parameters
    ----------
    path : Path
        The suffix is the container: .mp4, .mov, .mkv, or .webm (VP9 and AV1 only). Beside it go
        ``<stem>.truth.json`` and ``<stem>.truth.blinks.csv``: the columns of the annotated
        recordings, without the closures that no frame shows.
    spec : ClipSpec
    repeats : int, default 1
        How often the clip is shown. It is encoded once; a long clip costs little more than a short
        one.
    on_progress : callable, optional
        Called after each rendered frame with the number of them so far and in all.

    Returns
    -------
    Truth

    Raises
    ------
    ValueError
        The container is not supported, or not with this codec; or `repeats` is below 1.
    SyntheticSetupError
        PyAV or the portrait is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in CLOCK_HZ:
        raise ValueError(f"path = {path.name!r}: must end in one of {', '.join(CLOCK_HZ)}")
    if suffix == ".webm" and spec.codec not in ("vp9", "av1"):
        raise ValueError(f"codec = {spec.codec!r}: .webm holds vp9 or av1")
    if repeats < 1:
        raise ValueError(f"repeats = {repeats}: must be at least 1")
    clock_hz = CLOCK_HZ[suffix]
    _encode(path, spec, clock_hz, repeats, on_progress)
    truth = compute_truth(spec, clock_hz, repeats)
    _write_truth(path, truth)
    return truth


def _encode(
    path: Path,
    spec: ClipSpec,
    clock_hz: int,
    repeats: int,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    try:
        import av
    except ImportError as error:
        raise SyntheticSetupError("PyAV is not installed: run `make setup`") from error
    truth = compute_truth(spec, clock_hz)
    start_tick = int(truth.ticks[0])
    encoder, options = ENCODERS[spec.codec]
    loop: list[tuple[bytes, int, int, bool]] = []
    with av.open(path, "w") as container:
        rate = Fraction(spec.fps).limit_denominator(1001)
        stream: Any = container.add_stream(
            encoder, rate=rate, options=options | quality_options(spec.codec, spec.crf)
        )
        stream.width, stream.height, stream.pix_fmt = spec.width, spec.height, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, clock_hz)

        def mux(packets: Any) -> None:
            for packet in packets:
                if repeats > 1:
                    loop.append((bytes(packet), packet.pts, packet.dts, packet.is_keyframe))
                container.mux(packet)

        for done, tick in enumerate(truth.ticks.tolist(), start=1):
            image = render_frame(spec, (tick - start_tick) / clock_hz)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = tick, Fraction(1, clock_hz)
            mux(stream.encode(frame))
            if on_progress is not None:
                on_progress(done, truth.ticks.size)
        mux(stream.encode(None))
        for n in range(1, repeats):
            shift = n * _loop_ticks(spec, clock_hz)
            for data, pts, dts, is_keyframe in loop:
                packet = av.Packet(data)
                packet.stream, packet.time_base = stream, Fraction(1, clock_hz)
                packet.pts, packet.dts, packet.is_keyframe = pts + shift, dts + shift, is_keyframe
                container.mux(packet)


def quality_options(codec: str, crf: int) -> dict[str, str]:
    """Return the encoder's options for a constant quality, see `ClipSpec`."""
    if codec == "mpeg4":
        # It has no constant quality, only a quantiser from 1 to 31.
        quantiser = str(1 + round(crf * 30 / 51))
        return {"qmin": quantiser, "qmax": quantiser}
    return {"crf": str(crf)}


def _write_truth(path: Path, truth: Truth) -> None:
    per_eye = {"closure": truth.closure, "fissure": truth.fissure}
    frames = {
        "index": list(range(truth.times_s.size)),
        "time_s": truth.times_s.tolist(),
        **{f"{name}_left": values[:, LEFT].tolist() for name, values in per_eye.items()},
        **{f"{name}_right": values[:, RIGHT].tolist() for name, values in per_eye.items()},
        "gaze_vertical": truth.gaze_vertical.tolist(),
        "gaze_horizontal": truth.gaze_horizontal.tolist(),
        "face_present": truth.face_present.tolist(),
    }
    document = {
        "spec": asdict(truth.spec),
        "primary_vertical_offset": PRIMARY_VERTICAL_OFFSET,
        "frames": frames,
        "closures": [asdict(event) for event in truth.closures],
    }
    path.with_suffix(".truth.json").write_text(json.dumps(document, allow_nan=False) + "\n")
    columns = ("start", "peak", "end", "closed_first", "closed_last", "kind", "confidence", "note")
    with path.with_suffix(".truth.blinks.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for event in truth.closures:
            # A closure that no frame shows has no frames to name.
            if event.start is not None:
                note = "" if event.eyes == "both" else f"wink: {event.eyes} eye only"
                writer.writerow({**asdict(event), "confidence": "high", "note": note})
