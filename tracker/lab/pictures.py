"""Draw a picture of each missed or false closure, so that a person can see what went wrong."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kernels import LEFT, RIGHT
from tracker.lab.annotations import AnnotatedClip, Closure
from tracker.lab.scoring import (
    ClipScore,
    Mistake,
    detected_closures,
    frame_times_s,
)
from tracker.measures.analysis import Analysis
from tracker.measures.lids import KIND_NAMES
from tracker.video.frames import Image, Video

AROUND_S = 1.5
"""Time shown before and after a closure."""
CROPS = 6
"""Frames shown of the eyes."""
MAX_CROP_PX = 400
"""Longest side of such a frame in the picture."""
EYE_LANDMARKS = 26
"""The first columns of a track, which hold the landmarks of both eyes."""
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#777777"

_PICTURE_NAME = re.compile(r".+\.(missed|false)_(blink|prolonged_closure)\.\d{6,}\.png")


def explain_missing_pictures() -> str | None:
    """Return what to install to draw pictures; None if nothing is missing."""
    if importlib.util.find_spec("matplotlib") is None:
        return "matplotlib, which draws the pictures, is missing: pip install matplotlib"
    return None


def remove_pictures(directory: Path) -> None:
    """Remove the pictures that an earlier run drew, because this run may make other mistakes.

    Pictures are recognised by their names, in `directory` itself only.
    """
    for path in directory.iterdir():
        if _PICTURE_NAME.fullmatch(path.name):
            path.unlink()


def draw_mistakes(score: ClipScore, analysis: Analysis, directory: Path) -> list[Path | None]:
    """Draw each mistake: the eyes, the EAR, and the annotated and detected closures near it.

    The EAR (eye aspect ratio) tells how far the lids are open. `AROUND_S` before and after the
    mistake are shown.

    Parameters
    ----------
    score : ClipScore
        Its video is decoded up to the last mistake, or not at all without a mistake.
    analysis : Analysis
        The analysis that was scored.
    directory : Path
        An existing directory.

    Returns
    -------
    list of Path or None
        The PNG of each of `score.mistakes`, named after the recording, the kind of mistake and its
        first frame: ``RECORDING.missed_blink.000123.png``. Without matplotlib, None for each.
    """
    mistakes = score.mistakes
    if not mistakes or explain_missing_pictures():
        return [None for _ in mistakes]
    shown = [_frames_to_show(mistake.closure, analysis) for mistake in mistakes]
    crops = _crop_eyes(score.clip.video, analysis, {frame for one in shown for frame in one})
    paths: list[Path | None] = []
    for mistake, frames in zip(mistakes, shown, strict=True):
        recording = score.clip.name.replace("/", "__")
        path = directory / f"{recording}.{mistake.kind}.{mistake.closure.start:06d}.png"
        eyes = {frame: crops[frame] for frame in frames if frame in crops}
        _draw(score.clip, analysis, mistake, eyes, path)
        paths.append(path)
    return paths


def _frames_to_show(closure: Closure, analysis: Analysis) -> list[int]:
    around = max(2, (closure.stop - closure.start) // 2)
    last = int(analysis.track.frame_index[-1])
    frames = np.linspace(closure.start - around, closure.stop - 1 + around, CROPS)
    return sorted({int(frame) for frame in np.clip(np.rint(frames), 0, last)})


def _crop_eyes(video: Path, analysis: Analysis, wanted: set[int]) -> dict[int, Image]:
    """Return a picture of the eyes in each wanted frame, or of the whole frame if no face was seen.

    Frames are numbered as in the video. A frame that was skipped is cut like the nearest tracked
    one. A frame that cannot be decoded is left out. The pictures are as `_shrink` makes them. This
    decodes from the start, because seeking lands on other frames in some files.
    """
    seen = np.flatnonzero(analysis.traces.seen)
    last = max(wanted)
    crops: dict[int, Image] = {}
    with Video(video) as source:
        for frame in source.frames():
            if frame.index in wanted:
                distances = np.abs(analysis.track.frame_index[seen] - frame.index)
                crop = frame.image
                if seen.size and distances.min() <= analysis.track.info.step:
                    row = seen[np.argmin(distances)]
                    crop = _crop(crop, analysis.track.landmarks[row, :EYE_LANDMARKS])
                crops[frame.index] = _shrink(crop)
            if frame.index >= last:
                break
    return crops


def _crop(image: Image, eyes: NDArray[np.float32]) -> Image:
    (left, top), (right, bottom) = eyes.min(axis=0), eyes.max(axis=0)
    margin = 0.15 * (right - left)
    rows = slice(max(0, int(top - margin)), max(0, int(bottom + margin)))
    columns = slice(max(0, int(left - margin)), max(0, int(right + margin)))
    crop: Image = image[rows, columns]
    # Landmarks may lie outside the frame if it cuts the face.
    return crop if crop.size else image


def _shrink(image: Image) -> Image:
    """Return a red-green-blue copy of a blue-green-red picture, not larger than the original.

    Its longer side has `MAX_CROP_PX` at most.
    """
    scale = min(1.0, MAX_CROP_PX / max(image.shape[:2]))
    size = [max(1, round(scale * side)) for side in (image.shape[1], image.shape[0])]
    shrunk = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(shrunk, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def _draw(
    clip: AnnotatedClip,
    analysis: Analysis,
    mistake: Mistake,
    eyes: dict[int, Image],
    path: Path,
) -> None:
    """Draw a mistake to the PNG file `path`: the eyes above; below, the EAR and closures near it.

    `eyes` holds pictures of the eyes (red-green-blue) by frame of the video, as `_crop_eyes`
    returns them. The EAR (eye aspect ratio) tells how far the lids are open.
    """
    # Loaded here, because it takes half a second and most runs make no mistake.
    from matplotlib.figure import Figure

    track, closure = analysis.track, mistake.closure
    start_s, stop_s = frame_times_s(track, [closure.start, closure.stop])
    window_s = (start_s - AROUND_S, stop_s + AROUND_S)
    figure = Figure(figsize=(13, 5.5), layout="constrained")
    figure.suptitle(
        f"{clip.name}: {mistake.kind.replace('_', ' ')}, frames {closure.start} to "
        f"{closure.stop - 1} ({start_s:.2f} to {stop_s:.2f} s)\n{_describe(analysis, closure)}",
        fontsize=10,
        parse_math=False,
    )
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(1, 2))
    all_axes = parts[0, 0].subplots(1, max(1, len(eyes)), squeeze=False)[0]
    for axes in all_axes:
        axes.axis("off")
    for axes, (frame, image) in zip(all_axes, eyes.items(), strict=False):
        axes.imshow(image)
        axes.set_title(str(frame), fontsize=8)

    axes = parts[1, 0].subplots()
    _draw_ear(axes, analysis, window_s)
    _shade_closures(axes, clip, analysis, window_s)
    for time_s in frame_times_s(track, list(eyes)):
        axes.axvline(time_s, 0, 0.03, color="black", lw=1)
    axes.set_xlim(*window_s)
    axes.set_xlabel("time (s); annotated shaded above, detected below; ticks: the frames shown")
    axes.set_ylabel("eye aspect ratio (EAR)")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    figure.savefig(path, dpi=110)


def _draw_ear(axes: Any, analysis: Analysis, window_s: tuple[float, float]) -> None:
    """Draw the EAR of each eye and of both, that of open eyes, and the detector's thresholds.

    The EAR (eye aspect ratio) tells how far the lids are open.

    `axes` are matplotlib's. `window_s` is the shown time, (start, stop) in seconds of the track.
    """
    near = slice(*np.searchsorted(analysis.track.times_s, window_s))
    times_s, baseline = analysis.track.times_s[near], analysis.events.baseline[near]
    both = analysis.traces.ear[near]
    for eye, side in ((LEFT, "left"), (RIGHT, "right")):
        ear = analysis.traces.geometry.ear[near, eye]
        axes.plot(times_s, ear, lw=0.6, alpha=0.7, label=f"{side} eye")
    axes.plot(times_s, both, ".-", color="black", lw=1, ms=3, label="both eyes")
    close_ratio = analysis.parameters.close_ratio
    for ratio, style, label in (
        (1, "-", "open baseline"),
        ((close_ratio + 1) / 2, ":", "opens at"),
        (close_ratio, "--", "closes below"),
    ):
        axes.plot(times_s, ratio * baseline, style, color=GREY, lw=1, label=label)
    axes.set_ylim(0, max(0.4, 1.1 * np.nan_to_num(both).max(initial=0)))


def _shade_closures(
    axes: Any, clip: AnnotatedClip, analysis: Analysis, window_s: tuple[float, float]
) -> None:
    """Shade annotated closures in the upper half of `axes`, and detected ones in the lower half.

    Ambiguous annotations are not shaded. Time outside the annotated range is grey. `window_s` is
    the shown time, (start, stop) in seconds of the track.
    """
    track = analysis.track
    shaded = [(clip.blinks, BLUE, 0.5, "annotated blink")]
    shaded += [(clip.long_closures, BLUE, 0.5, "annotated long closure")]
    for kind, found in detected_closures(analysis).items():
        shaded.append((tuple(found), ORANGE, 0.0, f"detected {_kind_name(kind)}"))
    for closures, color, bottom, label in shaded:
        style = {"facecolor": color, "alpha": 0.25, "hatch": "//" if "closure" in label else None}
        for one in closures:
            begin_s, end_s = frame_times_s(track, [one.start, one.stop])
            if begin_s < window_s[1] and end_s > window_s[0]:
                axes.axvspan(begin_s, end_s, bottom, bottom + 0.5, label=label, **style)
                label = ""  # once in the legend
    if clip.scored is not None:
        first_s, end_s = frame_times_s(track, clip.scored)
        axes.axvspan(window_s[0], first_s, color=GREY, alpha=0.2, lw=0, label="not annotated")
        axes.axvspan(end_s, window_s[1], color=GREY, alpha=0.2, lw=0)


def _describe(analysis: Analysis, closure: Closure) -> str:
    """Describe in one line of text what the detector saw during a missed or false closure.

    This is the lowest EAR (eye aspect ratio: how far the lids are open) and its threshold, both as
    shares of that of the open eyes, the share of frames without a face, and other detected closures
    that overlap.
    """
    index = analysis.track.frame_index
    inside = (index >= closure.start) & (index < closure.stop)
    ratio = (analysis.traces.ear / analysis.events.baseline)[inside]
    if not np.isfinite(ratio).any():
        return "no face seen in it" if inside.any() else "no frame of it was analysed"
    unseen = f", no face in {np.isnan(ratio).mean():.0%} of it" if np.isnan(ratio).any() else ""
    others = [
        f", detected as {_kind_name(kind)} {one.start} to {one.stop - 1}"
        for kind, closures in detected_closures(analysis).items()
        for one in closures
        if one != closure and one.overlap(closure.start, closure.stop) > 0
    ]
    return (
        f"lowest EAR {np.nanmin(ratio):.2f} of the open baseline, closes below "
        f"{analysis.parameters.close_ratio:.2f}{unseen}{''.join(others)}"
    )


def _kind_name(kind: int) -> str:
    return KIND_NAMES[kind].replace("_", " ")
