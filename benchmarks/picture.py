"""``python -m benchmarks.picture OUT.png``: the README's picture, from the demo clip."""

import sys
import tempfile
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np

from kernels import BLINK
from tracker.face.mesh import FaceMesh
from tracker.lab.clip_spec import demo_spec
from tracker.lab.drawing import render_frame
from tracker.lab.synthetic import compute_truth, write_clip
from tracker.measures.analysis import analyze_track
from tracker.parameters import Parameters
from tracker.tracks.track import track_video

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#999999"


def main() -> None:
    """Analyse the demo clip, and plot the measured values over the true ones."""
    target = Path(sys.argv[1])
    spec = demo_spec()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "demo.mp4"
        write_clip(clip, spec)
        parameters = Parameters()
        track = track_video(clip, FaceMesh(), parameters.step, parameters.max_frames)
    analysis = analyze_track(track, parameters)
    truth = compute_truth(spec)
    times_s = track.times_s
    # One frame each: looking ahead, up, in a blink, down, and in the long closure.
    blinks = [event for event in truth.closures if event.kind == "blink"]
    shown_s = {
        "ahead": 3.0,
        "up": 9.0,
        "blink": blinks[3].peak_s,
        "down": 19.5,
        "prolonged closure": 20.7,
    }

    figure = plt.figure(figsize=(10, 5.6), layout="constrained")
    grid = figure.add_gridspec(3, len(shown_s), height_ratios=(0.65, 1, 1))
    for column, (label, time_s) in enumerate(shown_s.items()):
        row = int(np.argmin(np.abs(times_s - time_s)))
        image = render_frame(spec, time_s)
        eyes = track.landmarks[row, :26]
        (left, top), (right, bottom) = eyes.min(axis=0), eyes.max(axis=0)
        margin = 0.35 * (right - left)
        crop = image[
            max(0, int(top - margin)) : int(bottom + margin),
            max(0, int(left - margin)) : int(right + margin),
        ]
        axes = figure.add_subplot(grid[0, column])
        axes.imshow(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB))
        axes.set_title(f"{label}, {time_s:.1f} s", fontsize=9)
        axes.axis("off")

    openness = figure.add_subplot(grid[1, :])
    openness.plot(times_s, analysis.traces.ear, color=BLUE, linewidth=1, label="eye aspect ratio")
    openness.plot(
        times_s,
        analysis.events.baseline * parameters.close_ratio,
        color=GREY,
        linestyle="--",
        linewidth=1,
        label="closing threshold",
    )
    gaze = figure.add_subplot(grid[2, :], sharex=openness)
    vertical = np.where(analysis.gaze.valid, analysis.gaze.vertical, np.nan)
    gaze.plot(times_s, vertical, color=BLUE, linewidth=1, label="gaze offset, vertical (down +)")
    for axes in (openness, gaze):
        for (start, stop), kind in zip(
            analysis.events.closures.interval, analysis.events.closures.kind, strict=True
        ):
            axes.axvspan(
                times_s[start],
                times_s[stop - 1],
                color=ORANGE,
                alpha=0.25 if kind == BLINK else 0.5,
                linewidth=0,
            )
        axes.set_xlim(times_s[0], times_s[-1])
        axes.legend(loc="lower left", fontsize=8, framealpha=0.9)
        axes.grid(alpha=0.3)
    openness.tick_params(labelbottom=False)
    gaze.invert_yaxis()
    gaze.set_xlabel("time (s); blinks shaded, the prolonged closure darker")
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)
    print(f"written {target}")


if __name__ == "__main__":
    main()
