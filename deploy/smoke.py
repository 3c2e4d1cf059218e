"""Measure each input with the modules on Python's path, and print the results as JSON.

`deploy.bundle` runs it twice: in the development environment, and with the deployed files alone.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracker.face.mesh import FaceMesh


def main() -> None:
    """Measure the files that the command line's only argument names.

    It is JSON: ``{"paths": [...], "inputs": [...]}``. The paths go first on Python's path; the
    inputs are the files. A file of the stem ``still`` is a picture, any other is a video. The
    printed document has the results by file name, and which heavy ``modules`` were loaded and the
    hash of the ``models``.
    """
    request = json.loads(sys.argv[1])
    sys.path[:0] = request["paths"]

    from tracker.face.mesh import FaceMesh
    from tracker.files.provenance import identify_models, identify_program
    from tracker.files.summary import to_json
    from tracker.pipeline import measure_still
    from tracker.result import document_still

    model = FaceMesh()
    results: dict[str, Any] = {}
    for path in map(Path, request["inputs"]):
        if path.stem == "still":
            results[path.name] = document_still(measure_still(path, model, 0.18))
        else:
            results[path.name] = measure_video(path, model)
    results["modules"] = sorted({"numba", "kernels_compiled", "pandas"} & set(sys.modules))
    # The record of an analysis names both; the program's differs by how it is packed.
    identify_program()
    results["models"] = identify_models()
    print(to_json(results))


def measure_video(path: Path, model: "FaceMesh") -> dict[str, Any]:
    """Return a video's summary as JSON, with the sum of all landmarks' coordinates as a checksum.

    The summary comes from a track that was written and read again. Exit with a message if the face
    is not found, or if the report lacks something.
    """
    import numpy as np

    from tracker.parameters import Parameters
    from tracker.pipeline import measure_track, track_recording
    from tracker.result import write_files
    from tracker.tracks.archive import load_track

    # Read from a stream, as a video in the bucket is read.
    eyes: dict[int, bytes] = {}
    parameters = Parameters()
    with path.open("rb") as stream:
        track = track_recording(stream, model, parameters, eye_pictures=eyes)
    faces = int(np.isfinite(track.landmarks[:, 0, 0]).sum())
    if faces < 0.9 * len(track.times_s) or len(track.times_s) < 25:
        sys.exit(f"{path.name}: a face in {faces} of {len(track.times_s)} frames")
    written = measure_track(track, parameters, path.name, eyes)
    files = write_files(written, path.parent, path.stem, "ko")
    # The bundle must hold the page's own files, too.
    report = files["report"].read_text(encoding="utf-8")
    if "Plotly" not in report or "data:image/jpeg" not in report:
        sys.exit(f"{path.name}: the report lacks the plotting library or the eyes")
    result = measure_track(load_track(files["track"]), parameters, path.name)
    landmarks = float(np.nansum(track.landmarks, dtype=np.float64))
    return {**result.summary.to_dict(), "landmarks": landmarks}


if __name__ == "__main__":
    main()
