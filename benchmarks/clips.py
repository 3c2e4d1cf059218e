"""The synthetic clips of the sweeps: how they are drawn, measured and scored."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.sweeps import Degradation, Measured, Run
from tracker.face.follow import FaceFinder
from tracker.lab.annotations import AnnotatedClip, Closure
from tracker.lab.clip_spec import ClipSpec, make_spec
from tracker.lab.drawing import render_frame
from tracker.lab.scoring import ClipScore, score_clip
from tracker.lab.synthetic import compute_truth
from tracker.video.frames import VideoInfo

# The undisturbed clip.
SIDE_PX = 400
FPS = 30.0
SWAY_PX = 4.0
"""A tenth of the eye's width. A head at perfect rest would always show the same pixels."""
NOISE_STD = 3.0
"""Noise of an ordinary indoor recording in grey levels. Darkened pictures have the same noise."""
PLAIN = Degradation(noise_std=NOISE_STD)
BLINKS_PER_MIN = 45.0
"""Three times the normal rate: with more events, the F1 is finer."""


def base_spec(duration_s: float, **fields: Any) -> ClipSpec:
    """Make the spec of a clip as the sweeps use it.

    `fields` override what is common to these clips, or add to it; they are those of `make_spec`.
    """
    base = {"width": SIDE_PX, "height": SIDE_PX, "fps": FPS, "sway_px": SWAY_PX}
    return make_spec(duration_s, **(base | fields))


def measure_spec(
    finder: FaceFinder, spec: ClipSpec, degradations: Sequence[Degradation]
) -> list[Measured]:
    """Render a clip once and measure it under each degradation, in their order.

    The pictures go straight to the face tracking; nothing is encoded.
    """
    times_s = compute_truth(spec).times_s
    runs = [Run(finder, degradation, times_s.size) for degradation in degradations]
    for index, time_s in enumerate(times_s):
        image = render_frame(spec, float(time_s))
        for run in runs:
            run.add(image, index)
    video = VideoInfo(spec.width, spec.height, spec.fps, times_s.size)
    return [run.finish(times_s, video) for run in runs]


def score_spec(spec: ClipSpec, measured: Measured) -> ClipScore:
    """Compare the blinks that were found in a clip with those that were drawn."""
    blinks = [
        Closure(event.start, event.end + 1)
        for event in compute_truth(spec).closures
        if event.start is not None and event.end is not None
    ]
    clip = AnnotatedClip("synthetic", Path("synthetic.mp4"), Path("truth"), tuple(blinks))
    return score_clip(clip, measured.analysis)
