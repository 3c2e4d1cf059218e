"""Pictures of missed and false closures, from which a person can see why."""

import importlib.util
import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kernels import PROLONGED_CLOSURE
from tracker.analysis import Analysis
from tracker.annotations import AnnotatedClip, Closure
from tracker.decode import Image, Video
from tracker.evaluate import ClipScore, Mistake, detected_closures, frame_times_s

AROUND_S = 1.5
"""Shown of the trace on either side."""
CROPS = 6
MAX_CROP_PX = 400
EYE_LANDMARKS = 26
"""Columns of a track that hold both eyes' landmarks."""
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#777777"

_KIND = ("blink", "prolonged closure")
_PICTURE_NAME = re.compile(r".+\.(missed|false)_(blink|prolonged_closure)\.\d{6,}\.png")


class PictureSetupError(Exception):
    """The library that draws is not installed."""


def check_pictures_can_be_drawn() -> None:
    """Fail before the work, not after it.

    Raises
    ------
    PictureSetupError
        matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise PictureSetupError(
            "matplotlib, which draws the pictures, is missing: run `make setup`"
        )


def remove_pictures(directory: Path) -> None:
    """Remove an earlier run's pictures: its mistakes may be none of this one."""
    for path in directory.iterdir():
        if _PICTURE_NAME.fullmatch(path.name):
            path.unlink()


def draw_mistakes(score: ClipScore, analysis: Analysis, directory: Path) -> list[Path]:
    """Draw a picture of each mistake: eyes from the video, the EAR around it, both intervals.

    Parameters
    ----------
    score : ClipScore
        Its video is decoded up to the last mistake; if there is none, not at all.
    analysis : Analysis
        The one that was scored.
    directory : Path
        An existing one.

    Returns
    -------
    list of Path
        A picture for each of `score.mistakes`, named after recording, kind and first frame.
    """
    mistakes = score.mistakes
    if not mistakes:
        return []
    shown = [_frames_to_show(mistake.closure, analysis) for mistake in mistakes]
    crops = _crop_eyes(score.clip.video, analysis, {frame for one in shown for frame in one})
    paths = []
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
    """Return the part of each wanted frame that shows the eyes; all of it where no face was seen.

    The decoder counts from the start: to seek would land on other frames in some files.
    """
    seen = np.flatnonzero(analysis.seen)
    last = max(wanted)
    crops: dict[int, Image] = {}
    with Video(video) as source:
        for frame in source.frames():
            if frame.index in wanted:
                distances = np.abs(analysis.track.frame_index[seen] - frame.index)
                crop = frame.image
                if distances.min(initial=last) <= analysis.track.info.step:
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
    # Landmarks may lie outside a picture that cuts the face.
    return crop if crop.size else image


def _shrink(image: Image) -> Image:
    """Return a copy in red-green-blue, no larger than it is drawn."""
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
    # It takes half a second to load, and most runs make no mistake.
    from matplotlib.figure import Figure

    track, parameters = analysis.track, analysis.parameters
    closure = mistake.closure
    start_s, stop_s = frame_times_s(track, [closure.start, closure.stop])
    figure = Figure(figsize=(13, 5.5), layout="constrained")
    figure.suptitle(
        f"{clip.name}: {mistake.kind.replace('_', ' ')}, frames {closure.start} to "
        f"{closure.stop - 1} ({start_s:.2f} to {stop_s:.2f} s)\n{_describe(analysis, closure)}",
        fontsize=10,
        parse_math=False,
    )
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(1, 2))
    for axes, (frame, image) in zip(
        parts[0, 0].subplots(1, len(eyes), squeeze=False)[0], eyes.items(), strict=True
    ):
        axes.imshow(image)
        axes.set_title(str(frame), fontsize=8)
        axes.axis("off")

    axes = parts[1, 0].subplots()
    times_s = track.times_s
    open_ratio = (parameters.close_ratio + 1) / 2
    for eye, side in enumerate(("left", "right")):
        axes.plot(times_s, analysis.geometry.ear[:, eye], lw=0.6, alpha=0.7, label=f"{side} eye")
    axes.plot(times_s, analysis.ear, ".-", color="black", lw=1, ms=3, label="EAR, both eyes")
    for share, style, label in (
        (1.0, "-", "open baseline"),
        (open_ratio, ":", "opens at"),
        (parameters.close_ratio, "--", "closes below"),
    ):
        axes.plot(times_s, share * analysis.baseline, style, color=GREY, lw=1, label=label)
    detected = detected_closures(analysis)
    for closures, color, low, high, label in (
        (clip.blinks, BLUE, 0.5, 1.0, "annotated blink"),
        (clip.long_closures, BLUE, 0.5, 1.0, "annotated long closure"),
        *(
            (of_kind, ORANGE, 0.0, 0.5, f"detected {_KIND[kind == PROLONGED_CLOSURE]}")
            for kind, of_kind in detected.items()
        ),
    ):
        hatch = "//" if "long" in label else None
        for number, one in enumerate(closures):
            begin_s, end_s = frame_times_s(track, [one.start, one.stop])
            axes.axvspan(
                begin_s,
                end_s,
                low,
                high,
                facecolor=color,
                alpha=0.25,
                hatch=hatch,
                label=label if number == 0 else None,
            )
    for time_s in frame_times_s(track, list(eyes)):
        axes.axvline(time_s, 0, 0.03, color="black", lw=1)
    axes.set_xlim(start_s - AROUND_S, stop_s + AROUND_S)
    axes.set_ylim(0, max(0.4, 1.1 * analysis.ear[analysis.seen].max(initial=0)))
    axes.set_xlabel("time (s); annotated shaded above, detected below; ticks: the frames shown")
    axes.set_ylabel("eye aspect ratio (EAR)")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    figure.savefig(path, dpi=110)


def _describe(analysis: Analysis, closure: Closure) -> str:
    """Say what the detector had to go by, in one line."""
    index = analysis.track.frame_index
    inside = (index >= closure.start) & (index < closure.stop)
    ratio = (analysis.ear / analysis.baseline)[inside]
    if not np.isfinite(ratio).any():
        return "no face seen in it" if inside.any() else "no frame of it was analysed"
    unseen = f", no face in {np.isnan(ratio).mean():.0%} of it" if np.isnan(ratio).any() else ""
    others = [
        f", detected as {_KIND[kind == PROLONGED_CLOSURE]} {one.start} to {one.stop - 1}"
        for kind, closures in detected_closures(analysis).items()
        for one in closures
        if one.overlap(closure.start, closure.stop) > 0
    ]
    return (
        f"lowest EAR {np.nanmin(ratio):.2f} of the open baseline, closes below "
        f"{analysis.parameters.close_ratio:.2f}{unseen}{''.join(others)}"
    )
