"""Measure one video, look at its tables, and try another threshold.

python examples/analyze_clip.py CLIP.mp4 DIRECTORY
"""

import sys

import tracker


def main(clip: str, directory: str) -> None:
    """Analyse a clip and write its files."""
    result = tracker.analyze(clip)
    print(result)

    blinks = result.blinks[result.blinks["kind"] == "blink"]
    print(f"{len(blinks)} blinks, median duration {blinks['duration_s'].median():.3f} s")
    gaze = result.frames.loc[result.frames["gaze_valid"], "v_offset"]
    highest, lowest = gaze.quantile([0.05, 0.95])
    print(f"gaze: from {highest:.3f} (up) to {lowest:.3f} (down) eye widths")

    files = result.save(directory)
    print("report:", files["report"])

    # The track is all that is kept of the video; measuring it again takes milliseconds.
    track = tracker.load_track(files["track"])
    for blink_thresh in (0.15, 0.18, 0.21):
        again = tracker.analyze_track(track, blink_thresh=blink_thresh)
        print(f"blink_thresh {blink_thresh}: {len(again.blinks)} closures")


if __name__ == "__main__":
    main(*sys.argv[1:])
