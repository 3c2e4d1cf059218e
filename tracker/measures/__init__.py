"""What is computed from a recording's landmarks: lids, gaze, phases, quality, and the verdict."""
