"""A track to numbers: lids, gaze, phases, quality and the assessment."""
