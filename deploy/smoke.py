"""Measure each input with whatever is on the path, and print the results as JSON.

Run twice by `deploy.bundle`: in the development environment and with the deployed files alone.
"""

import json
import sys
from typing import Any


def main() -> None:
    """Read ``{"paths": [...], "inputs": [...]}`` from the only argument."""
    request = json.loads(sys.argv[1])
    sys.path[:0] = request["paths"]

    from dataclasses import asdict
    from pathlib import Path

    import numpy as np

    from tracker.face.mesh import FaceMesh
    from tracker.files.summary import to_json
    from tracker.measures.still import analyze_image
    from tracker.parameters import Parameters
    from tracker.pipeline import measure_track, track_recording, write_files
    from tracker.tracks.archive import load_track, save_track
    from tracker.video.stills import read_image

    model = FaceMesh()
    results: dict[str, Any] = {}
    for path in map(Path, request["inputs"]):
        if path.stem == "still":
            results[path.name] = analyze_image(read_image(path), model, 0.18)
            continue
        # From a stream as well: that is how a video is read in place from the bucket.
        eyes: dict[int, bytes] = {}
        with path.open("rb") as stream:
            track = track_recording(stream, model, Parameters(), eye_pictures=eyes)
        saved = path.with_suffix(".track.npz")
        save_track(track, saved)
        analyzed = measure_track(load_track(saved), Parameters(), path.name, eyes)
        # The page's own files are in the bundle, too.
        files = write_files(analyzed, path.parent, path.stem, "ko", with_track=False)
        report = files["report"].read_text(encoding="utf-8")
        if "Plotly" not in report or "data:image/jpeg" not in report:
            sys.exit(f"{path.name}: the report lacks the plotting library or the eyes")
        faces = int(np.isfinite(track.landmarks[:, 0, 0]).sum())
        if faces < 0.9 * len(track.times_s) or len(track.times_s) < 25:
            sys.exit(f"{path.name}: a face in {faces} of {len(track.times_s)} frames")
        results[path.name] = {
            **asdict(analyzed.analysis.measures),
            "landmarks": float(np.nansum(track.landmarks, dtype=np.float64)),
        }
    results["modules"] = sorted({"numba", "kernels_compiled", "pandas"} & set(sys.modules))
    print(to_json(results))


if __name__ == "__main__":
    main()
