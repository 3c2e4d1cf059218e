"""Synthetic clips: a real face with drawn eyes, encoded as a video, and the truth beside it.

The truth comes from the specification alone (`tracker.lab.clip_spec`), never from the tracker:
the eyes are drawn exactly as specified (`tracker.lab.drawing`).

"left" is the subject's left. Gaze and lids are in canthal distances (from the inner to the outer
corner of the eye); down and the subject's left are positive, as in `kernels.geometry`.
"""

import csv
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tracker.lab.clip_spec import (
    CLOCK_HZ,
    CLOSED_DEPTH,
    ENCODERS,
    LEFT,
    LONGEST_BLINK_S,
    RIGHT,
    VFR_DROPPED,
    VFR_JITTER,
    VISIBLE_DEPTH,
    BoolArray,
    ClipSpec,
    Float64Array,
    Int64Array,
    LidClosure,
)
from tracker.lab.drawing import render_frame
from tracker.lab.faces import FACES


@dataclass(frozen=True, slots=True)
class ClosureTruth:
    """A lid closure as the clip shows it.

    Attributes
    ----------
    onset_s, peak_s, offset_s : float
        Times of the first movement, of the middle of the plateau and of the last movement, in
        seconds as the video's timestamps count them: they include `ClipSpec.start_time_s`.
    depth : float
        Closure at the peak: 0 = open, 1 = shut.
    eyes : {"both", "left", "right"}
    kind : {"blink", "long_closure"}
    start, end : int or None
        First and last frame, counted from 0, in which the lids are closed by `VISIBLE_DEPTH` of
        `depth` or more. The closure includes frame `end`, as in annotated recordings. Here and
        below, only frames with a face count, and None means that there is no such frame.
    peak : int or None
        The frame, from `start` to `end`, in which the lids are closed the most; of several, the one
        nearest to the middle of the plateau.
    closed_first, closed_last : int or None
        First and last frame in which the lids are closed by `CLOSED_DEPTH` of `depth` or more.
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
    """What each of the N frames of a clip shows.

    Eyes and lids are those at the moment of the timestamp. With an exposure or a readout time in
    the specification, the frame shows the mean over slightly later moments instead.

    Attributes
    ----------
    spec : ClipSpec
    ticks : ndarray, shape (N,), int64
        Timestamps in units of ``1 / clock_hz`` seconds.
    clock_hz : int
    times_s : ndarray, shape (N,), float64
        Timestamps in seconds; the first one is `ClipSpec.start_time_s`.
    closure : ndarray, shape (N, 2), float64
        0 = open, 1 = shut; the left eye in column `LEFT`, the right eye in column `RIGHT`.
    fissure : ndarray, shape (N, 2), float64
        Height of the lid opening at its middle, in canthal distances (from corner to corner of the
        eye). It depends on the gaze too.
    iris_in_sight : ndarray, shape (N, 2), float64
        Share of the iris's height between the lids: 0 = hidden, 1 = all.
    gaze_vertical, gaze_horizontal : ndarray, shape (N,), float64
        Iris displacement from where it is in a straight look, in canthal distances, drift included;
        down and the subject's left are positive.
    face_present : ndarray, shape (N,), bool
        False where a plain background replaces the face.
    closures : tuple of ClosureTruth
        In order of their onsets. A clip that is shown several times has each of them as many times.
    """

    spec: ClipSpec
    ticks: Int64Array
    clock_hz: int
    times_s: Float64Array
    closure: Float64Array
    fissure: Float64Array
    iris_in_sight: Float64Array
    gaze_vertical: Float64Array
    gaze_horizontal: Float64Array
    face_present: BoolArray
    closures: tuple[ClosureTruth, ...]


def compute_truth(spec: ClipSpec, clock_hz: int = CLOCK_HZ[".mp4"], repeats: int = 1) -> Truth:
    """Compute what each frame of a clip shows, without rendering it.

    Parameters
    ----------
    spec : ClipSpec
    clock_hz : int, default 60000
        Ticks per second of the container, see `CLOCK_HZ`; timestamps are rounded to them.
    repeats : int, default 1
        Number of times that the clip is shown, one after the other: so many times its frames are in
        the result.

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
    face, vertical = FACES[spec.face], gaze_vertical[:, None]
    upper, lower = face.lid_heights(closure, vertical, spec.lid_follow)
    in_sight = face.iris_in_sight(closure, vertical, gaze_horizontal[:, None], spec.lid_follow)
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
        iris_in_sight=np.tile(in_sight, (repeats, 1)),
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
        # Of the equally deep frames of a plateau, take the one nearest to its middle, and of those
        # the first. Values are rounded, so that rounding errors do not break a tie.
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
        A file in an existing folder. Its suffix selects the container: .mp4, .mov, .mkv, or .webm
        (only VP9 and AV1).
        ``<stem>.truth.json`` and ``<stem>.truth.blinks.csv`` are written beside it; existing files
        are replaced. The table has the columns of annotated recordings, and lacks closures that no
        frame shows.
    spec : ClipSpec
    repeats : int, default 1
        Number of times that the clip is shown. It is encoded only once, so repeats cost little.
    on_progress : callable, optional
        Called after each rendered frame with the number of frames rendered and their total, without
        repeats.

    Returns
    -------
    Truth
        That of all repeats.

    Raises
    ------
    ValueError
        The container is unknown or does not hold this codec, or `repeats` is below 1.
    SyntheticSetupError
        The portrait is not installed.
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
    import av

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
    """Return the encoder's options, as PyAV takes them, for a constant quality.

    `codec` is a key of `ENCODERS`, and `crf` that of `ClipSpec`: 0 is best, 51 is worst. For
    ``mpeg4``, which has no such option, it becomes a fixed quantiser from 1 to 31.
    """
    if codec == "mpeg4":
        # This codec has no constant quality, only a quantiser from 1 to 31.
        quantiser = str(1 + round(crf * 30 / 51))
        return {"qmin": quantiser, "qmax": quantiser}
    return {"crf": str(crf)}


def _write_truth(path: Path, truth: Truth) -> None:
    per_eye = {
        "closure": truth.closure,
        "fissure": truth.fissure,
        "iris_in_sight": truth.iris_in_sight,
    }
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
        "primary_vertical_offset": FACES[truth.spec.face].primary_vertical_offset,
        "frames": frames,
        "closures": [asdict(event) for event in truth.closures],
    }
    path.with_suffix(".truth.json").write_text(json.dumps(document, allow_nan=False) + "\n")
    columns = ("start", "peak", "end", "closed_first", "closed_last", "kind", "confidence", "note")
    with path.with_suffix(".truth.blinks.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for event in truth.closures:
            # A closure that no frame shows has no frame numbers.
            if event.start is not None:
                note = "" if event.eyes == "both" else f"wink: {event.eyes} eye only"
                writer.writerow({**asdict(event), "confidence": "high", "note": note})
