"""From a track to numbers: lids, gaze, phases, quality, and the verdict."""
